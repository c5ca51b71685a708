//! The command of a node: its program, and what the program gets.

use std::collections::BTreeMap;

use super::keys::words;
use super::pasting;
use super::reader::Reader;
use crate::base::text::nearest;
use crate::diag::{Diagnostic, codes};
use crate::model::output::OutputFormat;
use crate::model::uses::Surroundings;
use crate::model::workflow::{CommandSpec, InheritEnv, ProgramSpec, Stdin};
use crate::yaml::{NodeRef, Shape};

/// Shells that take a script after `-c` and stop at its first failure with `-eu`.
const SHELLS: [&str; 7] = ["sh", "dash", "bash", "zsh", "ksh", "mksh", "ash"];

/// Reads what stands in `holder` for any program.
pub(super) fn read_surroundings(reader: &mut Reader<'_>, holder: NodeRef) -> Surroundings {
    let tree = reader.tree;
    let output = tree.value(holder, "output").and_then(|output| match tree.scalar(output) {
        Some("text") => Some(OutputFormat::Text),
        Some("json") => Some(OutputFormat::Json),
        Some("lines") => Some(OutputFormat::Lines),
        Some("none") => Some(OutputFormat::None),
        _ => {
            reader.bad_value(output, "`output`", &words::OUTPUTS);
            None
        }
    });
    let cwd = tree.value(holder, "cwd").and_then(|cwd| read_cwd(reader, cwd));
    let env = tree.value(holder, "env").map_or_else(BTreeMap::new, |env| read_env(reader, env));
    let inherit_env = tree.value(holder, "inherit_env").and_then(|node| read_inherit_env(reader, node));
    let stdin = tree.value(holder, "stdin").and_then(|stdin| {
        let text = reader.text(stdin, "`stdin`")?;
        expressions(reader, stdin, text);
        Some(if text == "inherit" { Stdin::Inherit } else { Stdin::Text(text.to_owned()) })
    });
    Surroundings { output, cwd, env, inherit_env, stdin }
}

/// Reads the command that the action `key` with its `value` declares; its arguments stand in `holder` beside it.
pub(super) fn read(
    reader: &mut Reader<'_>,
    holder: NodeRef,
    (key, value): (&str, NodeRef),
) -> Option<CommandSpec> {
    let Surroundings { output, cwd, env, inherit_env, stdin } = read_surroundings(reader, holder);
    without_effect(reader, holder, (key, value));
    let program = match key {
        "script" => read_script(reader, holder, value),
        "python" => read_python(reader, holder, value),
        _ => read_run(reader, holder, value),
    };
    // What a function gives is a value; text is what it prints.
    let usual = if key == "python" { OutputFormat::Json } else { OutputFormat::default() };
    Some(CommandSpec {
        env,
        inherit_env: inherit_env.unwrap_or_default(),
        cwd,
        stdin: stdin.unwrap_or_default(),
        output: output.unwrap_or(usual),
        ..CommandSpec::new(program?)
    })
}

/// Says which arguments beside the action `key` have no effect there.
pub(super) fn without_effect(reader: &mut Reader<'_>, holder: NodeRef, (key, value): (&str, NodeRef)) {
    let tree = reader.tree;
    let is_component = matches!(key, "uses" | "effect_node");
    if key != "run"
        && let Some(shell) = tree.value(holder, "shell")
    {
        reader.push(
            Diagnostic::error(
                codes::CONFLICTING_KEYS,
                format!("`shell` chooses who runs a text, not a `{key}`"),
            )
            .at(tree.span(shell), "has no effect")
            .at(tree.span(value), "runs without a shell"),
        );
    }
    let taken: &[&str] = match key {
        "script" => &["args"],
        "python" => &["args", "kwargs"],
        _ if is_component => &["with"],
        _ => &[],
    };
    for extra in ["args", "kwargs", "with"].into_iter().filter(|extra| !taken.contains(extra)) {
        if let Some(node) = tree.value(holder, extra) {
            reader.push(
                Diagnostic::error(codes::MISPLACED_KEY, format!("`{extra}` has no effect beside `{key}`"))
                    .at(tree.span(node), "misplaced")
                    .help(match (key, extra) {
                        (_, "with") => "`with` has the arguments of a component that the node `uses`",
                        _ if is_component => "the arguments of a component stand in `with`, by name",
                        ("run", _) => "write the arguments into `run: [program, argument, …]`",
                        _ => "only `python` takes arguments by name",
                    }),
            );
        }
    }
}

/// `inherit_env`: `all`, `none`, or a list of names.
fn read_inherit_env(reader: &mut Reader<'_>, node: NodeRef) -> Option<InheritEnv> {
    let tree = reader.tree;
    if matches!(tree.shape(node), Shape::Sequence(_)) {
        let mut names = Vec::new();
        for (name, at) in reader.texts(node, "`inherit_env`") {
            no_nul(reader, at, name)?;
            names.push(name.to_owned());
        }
        return Some(InheritEnv::Only(names));
    }
    match tree.scalar(node) {
        _ if tree.shape(node) == Shape::Bool(true) => Some(InheritEnv::All),
        _ if tree.shape(node) == Shape::Bool(false) => Some(InheritEnv::None),
        Some("all") => Some(InheritEnv::All),
        Some("none") => Some(InheritEnv::None),
        _ => {
            let Some(word) = tree.scalar(node) else {
                reader.wrong_type(node, "`inherit_env`", "`all`, `none`, or a list of names");
                return None;
            };
            reader.push(
                Diagnostic::error(codes::BAD_VALUE, format!("`inherit_env` cannot be `{word}`"))
                    .at(tree.span(node), "one of `all`, `none`, or a list of names")
                    .did_you_mean(nearest(word, ["all", "none"])),
            );
            None
        }
    }
}

/// `script: tools/report.py` with `args`.
fn read_script(reader: &mut Reader<'_>, holder: NodeRef, script: NodeRef) -> Option<ProgramSpec> {
    let file = reader.text(script, "`script`")?;
    expressions(reader, script, file);
    no_nul(reader, script, file)?;
    if file.trim().is_empty() || file.ends_with('/') {
        reader.push(
            Diagnostic::error(codes::BAD_VALUE, "`script` names no file")
                .at(reader.tree.span(script), "which file?"),
        );
        return None;
    }
    if leads_outside(file) {
        reader.push(
            Diagnostic::error(codes::OUTSIDE_ROOT, "`script` leads out of the project root")
                .at(reader.tree.span(script), "outside")
                .help("a program outside of the project is run by `run: [program, argument, …]`"),
        );
        return None;
    }
    let mut args = Vec::new();
    if let Some(list) = reader.tree.value(holder, "args") {
        for (text, at) in reader.texts(list, "`args`") {
            expressions(reader, at, text);
            no_nul(reader, at, text)?;
            args.push(text.to_owned());
        }
    }
    Some(ProgramSpec::Script { file: file.to_owned(), args })
}

/// `python: package.module:function` with `args` and `kwargs`.
fn read_python(reader: &mut Reader<'_>, holder: NodeRef, python: NodeRef) -> Option<ProgramSpec> {
    let tree = reader.tree;
    let text = reader.text(python, "`python`")?;
    let name = |word: &str| {
        !word.is_empty()
            && !word.starts_with(|c: char| c.is_ascii_digit())
            && word.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    let dotted = |path: &str| path.split('.').all(name);
    let Some((module, function)) =
        text.split_once(':').filter(|(module, function)| dotted(module) && dotted(function))
    else {
        reader.push(
            Diagnostic::error(
                codes::BAD_VALUE,
                format!("`python` cannot be `{}`", crate::base::text::clip(text, 60)),
            )
            .at(tree.span(python), "no `module:function`")
            .help("write `package.module:function`"),
        );
        return None;
    };
    let args = match tree.value(holder, "args") {
        None => Vec::new(),
        Some(list) => {
            let items = reader.sequence(list, "`args`")?;
            items.iter().map(|&item| tree.to_json(item)).collect()
        }
    };
    let kwargs = match tree.value(holder, "kwargs") {
        None => serde_json::Map::new(),
        Some(map) => {
            reader.mapping(map, "`kwargs`")?;
            match tree.to_json(map) {
                serde_json::Value::Object(map) => map,
                _ => serde_json::Map::new(),
            }
        }
    };
    for key in ["args", "kwargs"] {
        if let Some(node) = tree.value(holder, key)
            && tree.to_json(node).to_string().contains("${{")
        {
            reader.later(node, "an expression (`${{ … }}`)");
        }
    }
    Some(ProgramSpec::Python {
        module: module.to_owned(),
        function: function.to_owned(),
        args,
        kwargs: Box::new(kwargs),
    })
}

/// Whether a path leads out of the folder that it is relative to, by its words alone.
fn leads_outside(path: &str) -> bool {
    let mut depth = 0i32;
    path.starts_with('/')
        || path.split('/').any(|part| {
            depth += match part {
                "" | "." => 0,
                ".." => -1,
                _ => 1,
            };
            depth < 0
        })
}

/// The program and its arguments: text is a script for a shell, a list is taken as it is.
fn read_run(reader: &mut Reader<'_>, holder: NodeRef, run: NodeRef) -> Option<ProgramSpec> {
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
            if let Some(interpreter) = pasting::interpreter_of(&argv, text) {
                let finding = pasted(reader, item, "`${{ … }}` stands in text that is run");
                reader.push(finding.help(pasting::rewritten(text, interpreter)));
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
        return Some(ProgramSpec::Argv(argv));
    }
    let script = reader.text(run, "`run`")?;
    no_nul(reader, run, script)?;
    if script.trim().is_empty() {
        reader
            .push(Diagnostic::error(codes::BAD_VALUE, "`run` is empty").at(tree.span(run), "nothing to run"));
        return None;
    }
    if script.contains("${{") {
        let program = shell.and_then(|shell| first_word(reader, shell)).unwrap_or_default();
        let finding = pasted(reader, run, "`${{ … }}` stands in a script");
        reader.push(finding.help(pasting::rewritten(script, program)));
        return None;
    }
    let Some(shell) = shell else { return Some(ProgramSpec::Shell(script.to_owned())) };
    let mut argv = read_shell(reader, shell)?;
    argv.push(script.to_owned());
    Some(ProgramSpec::Argv(argv))
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
            let finding = pasted(reader, shell, "`${{ … }}` chooses what runs the script");
            reader.push(finding.help("name the program that runs the script"));
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
        if words.len() == 1 && SHELLS.contains(&pasting::file_name(program)) {
            words.push("-eu".to_owned());
        }
        words.push("-c".to_owned());
    }
    Some(words)
}

/// The program that a `shell` names.
fn first_word<'t>(reader: &Reader<'t>, shell: NodeRef) -> Option<&'t str> {
    let word = match reader.tree.shape(shell) {
        Shape::Sequence(items) => reader.tree.scalar(*items.first()?)?,
        _ => reader.tree.scalar(shell)?,
    };
    word.split_whitespace().next()
}

fn pasted(reader: &Reader<'_>, node: NodeRef, label: &str) -> Diagnostic {
    Diagnostic::error(codes::PASTED_DATA, "data is never pasted into text that an interpreter runs")
        .at(reader.tree.span(node), label)
}

fn read_cwd(reader: &mut Reader<'_>, cwd: NodeRef) -> Option<String> {
    let text = reader.text(cwd, "`cwd`")?;
    expressions(reader, cwd, text);
    no_nul(reader, cwd, text)?;
    if leads_outside(text) {
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
        if !reader.is_plain(entry.key, "the name of a variable", name) {
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

pub(super) fn expressions(reader: &mut Reader<'_>, node: NodeRef, text: &str) {
    if text.contains("${{") {
        reader.later(node, "an expression (`${{ … }}`)");
    }
}

/// The operating system cannot pass a NUL byte to a program.
pub(super) fn no_nul(reader: &mut Reader<'_>, node: NodeRef, text: &str) -> Option<()> {
    if text.contains('\0') {
        reader.push(
            Diagnostic::error(codes::BAD_VALUE, "text for a program cannot hold a NUL byte")
                .at(reader.tree.span(node), "holds a NUL byte"),
        );
        return None;
    }
    Some(())
}
