//! Data in text that an interpreter runs: where that is so, and what to write instead.

use std::collections::BTreeSet;

/// Programs that run a text that follows an option, with how such a text reads a variable; `X` stands for its name.
const INTERPRETERS: [(&str, &str); 22] = [
    ("sh", SHELL),
    ("dash", SHELL),
    ("bash", SHELL),
    ("zsh", SHELL),
    ("ksh", SHELL),
    ("mksh", SHELL),
    ("ash", SHELL),
    ("fish", SHELL),
    ("busybox", SHELL),
    ("pwsh", "$env:X"),
    ("powershell", "$env:X"),
    ("python", PYTHON),
    ("pypy", PYTHON),
    ("perl", "$ENV{X}"),
    ("ruby", "ENV[\"X\"]"),
    ("node", NODE),
    ("nodejs", NODE),
    ("bun", NODE),
    ("deno", "Deno.env.get(\"X\")"),
    ("lua", "os.getenv(\"X\")"),
    ("php", PHP),
    ("Rscript", "Sys.getenv(\"X\")"),
];

const SHELL: &str = "\"$X\"";
const PYTHON: &str = "os.environ[\"X\"]";
const NODE: &str = "process.env.X";
const PHP: &str = "getenv(\"X\")";

/// Long options that are followed by a text that is run, in lower case. Those of PowerShell have one dash.
const OPTIONS: [&str; 9] = [
    "--eval",
    "--print",
    "--command",
    "--init-command",
    "--run",
    "-command",
    "-commandwithargs",
    "-encodedcommand",
    "eval",
];

/// The name of the file of a program.
pub(super) fn file_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// How a text for a program reads a variable, where the program is an interpreter: its name without a version, such as
/// that of `python3.11`.
fn reading_of(program: &str) -> Option<&'static str> {
    let name = file_name(program);
    let name = name.strip_suffix(".exe").unwrap_or(name);
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    INTERPRETERS.iter().find(|(known, _)| *known == stem).map(|(_, reading)| *reading)
}

/// The interpreter that would run the data in an argument that follows those before it.
pub(super) fn interpreter_of<'a>(before: &'a [String], argument: &str) -> Option<&'a str> {
    let (ahead, _) = argument.split_once("${{")?;
    (0..before.len()).map(|at| before.split_at(at)).find_map(|(_, rest)| {
        let (program, options) = rest.split_first()?;
        let reading = reading_of(program)?;
        let runs = match options.split_last() {
            Some((last, options)) if asks(last, reading) => are_options(options),
            _ => are_options(options) && is_text_of_option(ahead),
        };
        runs.then_some(program.as_str())
    })
}

/// Whether all are options or their values: what comes after a file is for the program in it.
fn are_options(words: &[String]) -> bool {
    let is_option = |word: &String| word.starts_with('-');
    words.iter().enumerate().all(|(at, word)| is_option(word) || (at > 0 && is_option(&words[at - 1])))
}

/// Whether an option is followed by a text that is run. `-c` can stand in a cluster: `sh -euc`.
fn asks(option: &str, reading: &str) -> bool {
    let letters = option.strip_prefix('-').filter(|letters| !letters.starts_with('-')).unwrap_or_default();
    let of_the_program = match option {
        "-p" | "-pe" => reading == NODE,
        "-r" => reading == PHP,
        _ => false,
    };
    letters.ends_with(['c', 'e', 'E'])
        || of_the_program
        || OPTIONS.contains(&option.to_ascii_lowercase().as_str())
}

/// Whether an argument that begins like this is an option with a text that is run: `-e…`, `-ne…`, `--eval=…`.
fn is_text_of_option(argument: &str) -> bool {
    if let Some((option, _)) = argument.split_once('=')
        && OPTIONS.contains(&option.to_ascii_lowercase().as_str())
    {
        return true;
    }
    let letters = argument.strip_prefix('-').unwrap_or_default();
    letters.trim_start_matches(['n', 'p', 'l', 'i', 'w', 'a']).starts_with(['c', 'e', 'E'])
}

/// What to write instead of a text with data in it.
pub(super) fn rewritten(text: &str, interpreter: &str) -> String {
    let reading = reading_of(interpreter).unwrap_or(SHELL);
    let mut names = BTreeSet::new();
    let (mut variables, mut readings) = (Vec::new(), Vec::new());
    for expression in
        text.split("${{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(inner, _)| inner.trim())
    {
        let name = name_of(expression);
        if names.insert(name.clone()) {
            variables.push(format!("{name}: \"${{{{ {} }}}}\"", expression.replace('"', "'")));
            readings.push(format!("`{}`", reading.replace('X', &name)));
        }
    }
    if variables.is_empty() {
        return "give the data to the program by `env`, `stdin`, or an argument of its own".to_owned();
    }
    format!("write `env: {{{}}}`, and {} in the text", variables.join(", "), readings.join(", "))
}

/// The name of a variable for the value of an expression: its last word.
fn name_of(expression: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let last =
        expression.split(|c| !word(c)).rfind(|part| part.starts_with(|c: char| c.is_ascii_alphabetic()));
    last.unwrap_or("DATA").to_ascii_uppercase()
}
