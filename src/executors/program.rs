//! What a contract names to what can be executed: a program, a text for a shell, a script, a Python function.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::model::event::AttemptFailure;
use crate::model::outcome::{AttemptClass, FailureReason};
use crate::model::workflow::ProgramSpec;

/// What runs a text.
pub(super) const SHELL: [&str; 3] = ["/bin/sh", "-eu", "-c"];

/// What runs Python.
pub(super) const PYTHON_PROGRAM: &str = "python3";

/// Calls a function with what it is given as JSON, and prints what it returns as JSON. What the function itself prints
/// goes to standard error, so that the value stands alone. An exception is told by its name.
const PYTHON: &str = r#"
import sys
sys.path[:] = [folder for folder in sys.path if folder]
import importlib, json, os
out = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
call = json.loads(sys.argv[1])
sys.path.insert(0, call["folder"] or os.getcwd())
sys.argv = [call["module"]]
try:
    target = importlib.import_module(call["module"])
    for name in call["function"].split("."):
        target = getattr(target, name)
    text = json.dumps(target(*call["args"], **call["kwargs"]), allow_nan=False, ensure_ascii=False)
    text.encode("utf-8")
except Exception as error:
    import traceback
    traceback.print_exception(type(error), error, error.__traceback__.tb_next)
    try:
        message = str(error)[:4000].encode("utf-8", "replace").decode("utf-8")
    except Exception:
        message = ""
    json.dump({"exception": {"type": type(error).__name__, "message": message}}, out)
    out.flush()
    sys.stderr.flush()
    os._exit(1)
out.write(text)
out.write("\n")
out.flush()
"#;

/// Runs a module as `python3 -m` does, but looks for it in a folder that is named and not in the working directory.
const PYTHON_MODULE: &str = r#"
import sys
sys.path[:] = [sys.argv[1], *(folder for folder in sys.path if folder)]
sys.argv[:] = sys.argv[2:]
import runpy
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"#;

/// The program and its arguments, and what says the same in a shell where a shell was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Invocation {
    pub argv: Vec<String>,
    /// Does what the program alone cannot: say why it cannot be started, or run a text that names no interpreter.
    pub shell: Option<Vec<String>>,
}

/// Where the files of a project are that programs are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sources<'a> {
    /// The project root.
    pub root: &'a Path,
    /// Where modules of Python are looked for; nothing for the working directory.
    pub modules: Option<&'a str>,
}

/// What is to be executed for `program` of a project. `only_identifiers` says whether all variables that it gets have
/// names that a shell passes on.
pub(super) fn invocation(
    (program, files): (&ProgramSpec, &[OsString]),
    Sources { root, modules }: Sources<'_>,
    only_identifiers: impl FnOnce() -> bool,
) -> Result<Invocation, AttemptFailure> {
    let plain = |argv| Ok(Invocation { argv, shell: None });
    match program {
        ProgramSpec::Argv(argv) => plain(argv.clone()),
        ProgramSpec::Shell(text) => {
            let mut shell: Vec<String> = SHELL.map(str::to_owned).to_vec();
            shell.push(text.clone());
            match plain_words(text).filter(|_| only_identifiers()) {
                Some(words) => Ok(Invocation { argv: words, shell: Some(shell) }),
                None => plain(shell),
            }
        }
        ProgramSpec::Script { file, args } => {
            let mut argv = interpreter(file, root)?;
            argv.extend(args.iter().cloned());
            plain(argv)
        }
        ProgramSpec::Module { module, args } => {
            let start: Vec<&str> = match modules {
                None => vec![PYTHON_PROGRAM, "-m", module],
                Some(folder) => vec![PYTHON_PROGRAM, "-c", PYTHON_MODULE, folder, module],
            };
            plain(start.into_iter().map(str::to_owned).chain(args.iter().cloned()).collect())
        }
        ProgramSpec::Python { module, function, args, kwargs } => {
            let args: Vec<String> =
                args.iter().map(Value::to_string).chain(files.iter().map(as_json)).collect();
            let (module, function) = (json!(module), json!(function));
            let (args, kwargs, folder) = (args.join(","), json!(kwargs), json!(modules));
            let call = format!(
                r#"{{"folder":{folder},"module":{module},"function":{function},"args":[{args}],"kwargs":{kwargs}}}"#
            );
            plain(vec![PYTHON_PROGRAM.to_owned(), "-c".to_owned(), PYTHON.to_owned(), call])
        }
    }
}

/// The name of a file as a text of JSON. Bytes that are no text become what Python makes of them, and takes for them:
/// lone surrogates.
fn as_json(file: &OsString) -> String {
    let mut text = String::from('"');
    for chunk in file.as_encoded_bytes().utf8_chunks() {
        let valid = json!(chunk.valid()).to_string();
        text.push_str(&valid[1..valid.len() - 1]);
        text.extend(chunk.invalid().iter().map(|byte| format!("\\udc{byte:02x}")));
    }
    text.push('"');
    text
}

/// The words of a text that a shell would only split: one program and its arguments, nothing to expand, and no word
/// that a shell carries out itself.
pub(super) fn plain_words(text: &str) -> Option<Vec<String>> {
    let is_plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ',' | ':' | '+' | '@' | '%' | '=')
    };
    let text = text.trim_end_matches('\n');
    if !text.chars().all(|c| is_plain(c) || c == ' ') {
        return None;
    }
    let words: Vec<String> = text.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
    let first = words.first()?;
    let is_path = first.contains('/');
    (!first.contains('=') && (is_path || !SHELL_WORDS.contains(&first.as_str()))).then_some(words)
}

/// What shells carry out themselves, of any shell that is somewhere `/bin/sh`.
const SHELL_WORDS: &[&str] = &[
    ".",
    ":",
    "alias",
    "autoload",
    "bg",
    "bind",
    "bindkey",
    "break",
    "builtin",
    "caller",
    "case",
    "cat",
    "cd",
    "chdir",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "do",
    "done",
    "echo",
    "elif",
    "else",
    "enable",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "fi",
    "for",
    "function",
    "getconf",
    "getopts",
    "hash",
    "help",
    "hist",
    "history",
    "if",
    "in",
    "integer",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "nameref",
    "newgrp",
    "noglob",
    "nohup",
    "popd",
    "print",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "rehash",
    "return",
    "select",
    "set",
    "setopt",
    "shift",
    "shopt",
    "sleep",
    "source",
    "stop",
    "suspend",
    "tee",
    "test",
    "then",
    "time",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "until",
    "wait",
    "wc",
    "whence",
    "which",
    "while",
];

/// How a script is run: a Python file by Python, what names its interpreter by that, what is executable by itself.
pub(super) fn interpreter(file: &str, root: &Path) -> Result<Vec<String>, AttemptFailure> {
    let spawn =
        |message: String| AttemptFailure::new(FailureReason::Spawn, AttemptClass::NotStarted, message);
    let path =
        root.join(file).canonicalize().map_err(|error| spawn(format!("cannot run `{file}`: {error}")))?;
    if !path.starts_with(root) {
        let message = format!("`{file}` leads out of the project root");
        return Err(AttemptFailure::new(FailureReason::Policy, AttemptClass::NotStarted, message));
    }
    let text = |path: &Path| {
        path.to_str().map(str::to_owned).ok_or_else(|| spawn(format!("the path of `{file}` is not UTF-8")))
    };
    // Under the name that it was given, not under that of the file that a link leads to.
    let named = text(&root.join(file))?;
    let mut argv = match (
        shebang(&path).map_err(|error| spawn(format!("cannot read `{file}`: {error}")))?,
        extension(&path),
    ) {
        (_, Some("py")) => vec![PYTHON_PROGRAM.to_owned()],
        (Some(interpreter), _) => interpreter,
        (None, Some("sh")) => vec!["/bin/sh".to_owned()],
        (None, _) => Vec::new(),
    };
    argv.push(named);
    Ok(argv)
}

fn extension(path: &Path) -> Option<&str> {
    path.extension()?.to_str()
}

/// The interpreter that the first line of a file names, with its argument, as the kernel reads it.
pub(super) fn shebang(path: &PathBuf) -> std::io::Result<Option<Vec<String>>> {
    let mut start = Vec::new();
    // Looked at before it is opened: opening a FIFO would wait for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no file"));
    }
    let file = std::fs::File::open(path)?;
    file.take(256).read_to_end(&mut start)?;
    let Some(line) = start.strip_prefix(b"#!") else { return Ok(None) };
    let line = line.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let line = line.trim();
    let (program, argument) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    if program.is_empty() {
        return Ok(None);
    }
    let argument = Some(argument.trim().to_owned()).filter(|argument| !argument.is_empty());
    Ok(Some(std::iter::once(program.to_owned()).chain(argument).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Option<Vec<String>> {
        plain_words(text)
    }

    #[test]
    fn a_text_is_plain_words_only_where_no_shell_would_do_more() {
        let plain = ["cargo test --all", "/bin/true", "make  -j4 CC=gcc\n", "./run a,b x:y"];
        for text in plain {
            let split: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            assert_eq!(words(text), Some(split), "{text}");
        }
        let shell = [
            "echo hi",
            "a; b",
            "a | b",
            "a && b",
            "a > b",
            "$X",
            "a *",
            "a ~",
            "A=1 b",
            "a \"b\"",
            "a\nb",
            "# a",
            "a #b",
            "cd x",
            "exit 3",
            "test -e x",
            "a `b`",
            "a?",
            "{ a; }",
            "! a",
            "",
            " ",
            "a\\ b",
            "if a",
            "a\tb",
            "é",
        ];
        for text in shell {
            assert_eq!(words(text), None, "{text}");
        }
    }
}
