//! The command of a node: its program, and what the program gets.

use std::collections::BTreeMap;

use super::reader::Reader;
use crate::diag::{Diagnostic, codes};
use crate::model::output::OutputFormat;
use crate::model::workflow::CommandSpec;
use crate::yaml::{NodeRef, Shape};

/// Shells that take a script after `-c` and stop at its first failure with `-eu`.
const SHELLS: [&str; 7] = ["sh", "dash", "bash", "zsh", "ksh", "mksh", "ash"];

/// Other programs that run text that follows `-c` or `-e`.
const INTERPRETERS: [&str; 7] = ["python", "python3", "perl", "ruby", "node", "lua", "php"];

/// Reads the command whose `run` stands in `holder` beside its arguments.
pub(super) fn read(reader: &mut Reader<'_>, holder: NodeRef, run: NodeRef) -> Option<CommandSpec> {
    let tree = reader.tree;
    let output = tree.value(holder, "output").and_then(|output| match tree.scalar(output) {
        Some("text") => Some(OutputFormat::Text),
        Some("json") => Some(OutputFormat::Json),
        Some("lines") => Some(OutputFormat::Lines),
        Some("none" | "null" | "") => Some(OutputFormat::None),
        _ => {
            reader.bad_value(output, "`output`", &["text", "json", "lines", "none"]);
            None
        }
    });
    let cwd = tree.value(holder, "cwd").and_then(|cwd| read_cwd(reader, cwd));
    let env = tree.value(holder, "env").map_or_else(BTreeMap::new, |env| read_env(reader, env));
    let stdin = tree.value(holder, "stdin").and_then(|stdin| {
        let text = reader.text(stdin, "`stdin`")?;
        if text == "inherit" {
            reader.later(stdin, "`stdin: inherit`");
        }
        expressions(reader, stdin, text);
        Some(text.to_owned())
    });
    Some(CommandSpec {
        argv: read_argv(reader, holder, run)?,
        env,
        cwd,
        stdin,
        output: output.unwrap_or_default(),
    })
}

/// The program and its arguments: text is a script for a shell, a list is taken as it is.
fn read_argv(reader: &mut Reader<'_>, holder: NodeRef, run: NodeRef) -> Option<Vec<String>> {
    let tree = reader.tree;
    let shell = tree.value(holder, "shell");
    if let Shape::Sequence(items) = tree.shape(run) {
        if let Some(shell) = shell {
            reader.push(
                Diagnostic::error(
                    codes::CONFLICTING_KEYS,
                    "`shell` chooses who runs a text, and this `run` is a list",
                )
                .at(tree.span(shell), "has no effect")
                .at(tree.span(run), "runs without a shell"),
            );
        }
        let mut argv = Vec::with_capacity(items.len());
        for &item in items {
            let text = reader.text(item, "an argument")?;
            if text.contains("${{") && is_run_as_text(&argv, argv.len()) {
                reader.push(pasted(reader, item, "`${{ … }}` stands in a script"));
            } else {
                expressions(reader, item, text);
            }
            no_nul(reader, item, text)?;
            argv.push(text.to_owned());
        }
        if argv.first().is_none_or(String::is_empty) {
            reader.push(
                Diagnostic::error(codes::BAD_VALUE, "`run` names no program")
                    .at(tree.span(run), "its first element is the program"),
            );
            return None;
        }
        return Some(argv);
    }
    let script = reader.text(run, "`run`")?;
    no_nul(reader, run, script)?;
    if script.trim().is_empty() {
        reader
            .push(Diagnostic::error(codes::BAD_VALUE, "`run` is empty").at(tree.span(run), "nothing to run"));
        return None;
    }
    if script.contains("${{") {
        reader.push(pasted(reader, run, "`${{ … }}` stands in a script"));
        return None;
    }
    let mut argv = match shell {
        None => vec!["/bin/sh".to_owned(), "-eu".to_owned(), "-c".to_owned()],
        Some(shell) => read_shell(reader, shell)?,
    };
    argv.push(script.to_owned());
    Some(argv)
}

/// What a script is handed to: `bash`, `bash -euo pipefail`, `[python3, -c]`.
fn read_shell(reader: &mut Reader<'_>, shell: NodeRef) -> Option<Vec<String>> {
    let tree = reader.tree;
    let list = matches!(tree.shape(shell), Shape::Sequence(_));
    let mut words: Vec<String> = if list {
        reader.texts(shell, "`shell`").into_iter().map(|(word, _)| word.to_owned()).collect()
    } else {
        reader.text(shell, "`shell`")?.split_whitespace().map(str::to_owned).collect()
    };
    for word in &words {
        no_nul(reader, shell, word)?;
        if word.contains("${{") {
            reader.push(pasted(reader, shell, "`${{ … }}` chooses what runs the script"));
            return None;
        }
    }
    let Some(program) = words.first().filter(|word| !word.is_empty()) else {
        reader.push(
            Diagnostic::error(codes::BAD_VALUE, "`shell` names no program").at(tree.span(shell), "empty"),
        );
        return None;
    };
    if !list {
        if words.len() == 1 && SHELLS.contains(&file_name(program)) {
            words.push("-eu".to_owned());
        }
        words.push("-c".to_owned());
    }
    Some(words)
}

fn file_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

/// Whether the argument at `at` is text that the program runs.
fn is_run_as_text(argv: &[String], at: usize) -> bool {
    let interprets =
        |word: &String| SHELLS.contains(&file_name(word)) || INTERPRETERS.contains(&file_name(word));
    // `-c` can stand in a cluster: `sh -euc`.
    let asks = |word: &String| word.starts_with('-') && !word.starts_with("--") && word.ends_with(['c', 'e']);
    at > 0 && argv[..at].iter().any(interprets) && argv.get(at - 1).is_some_and(asks)
}

fn pasted(reader: &Reader<'_>, node: NodeRef, label: &str) -> Diagnostic {
    Diagnostic::error(codes::PASTED_DATA, "data is never pasted into text that an interpreter runs")
        .at(reader.tree.span(node), label)
        .help(
            "give the data to the program by `env`, `stdin`, `$ONEX_NODE_RESULTS`, or an argument of its own",
        )
}

fn read_cwd(reader: &mut Reader<'_>, cwd: NodeRef) -> Option<String> {
    let text = reader.text(cwd, "`cwd`")?;
    expressions(reader, cwd, text);
    no_nul(reader, cwd, text)?;
    let mut depth = 0i32;
    let mut outside = text.starts_with('/');
    for part in text.split('/') {
        depth += match part {
            "" | "." => 0,
            ".." => -1,
            _ => 1,
        };
        outside |= depth < 0;
    }
    if outside {
        reader.push(
            Diagnostic::error(codes::OUTSIDE_ROOT, "`cwd` leads out of the project root")
                .at(reader.tree.span(cwd), "outside")
                .help("name a folder below the project root, relative to it"),
        );
        return None;
    }
    Some(text.to_owned())
}

fn read_env(reader: &mut Reader<'_>, env: NodeRef) -> BTreeMap<String, String> {
    let Some(entries) = reader.mapping(env, "`env`") else { return BTreeMap::new() };
    let mut variables = BTreeMap::new();
    for entry in entries {
        let Some(name) = reader.tree.scalar(entry.key) else {
            reader.wrong_type(entry.key, "the name of a variable", "text");
            continue;
        };
        if name.is_empty() || name.contains(['=', '\0']) {
            reader.push(
                Diagnostic::error(
                    codes::BAD_VALUE,
                    format!("`{}` cannot be a variable", name.escape_debug()),
                )
                .at(reader.tree.span(entry.key), "no name of a variable"),
            );
            continue;
        }
        let value = match reader.tree.shape(entry.value) {
            Shape::Null => Some(""),
            _ => reader.text(entry.value, &format!("the variable `{name}`")),
        };
        let Some(value) = value else { continue };
        expressions(reader, entry.value, value);
        if no_nul(reader, entry.value, value).is_some() {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    variables
}

fn expressions(reader: &mut Reader<'_>, node: NodeRef, text: &str) {
    if text.contains("${{") {
        reader.later(node, "an expression (`${{ … }}`)");
    }
}

/// The operating system cannot pass a NUL byte to a program.
fn no_nul(reader: &mut Reader<'_>, node: NodeRef, text: &str) -> Option<()> {
    if text.contains('\0') {
        reader.push(
            Diagnostic::error(codes::BAD_VALUE, "text for a program cannot hold a NUL byte")
                .at(reader.tree.span(node), "holds a NUL byte"),
        );
        return None;
    }
    Some(())
}
