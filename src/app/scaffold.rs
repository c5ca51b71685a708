//! Writes a contract to start from.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Environment;
use super::console::Console;
use super::contract::{CONTRACTS, FILE_NAME, root_above};
use super::plan::finish;
use crate::base::text;
use crate::model::exit::ExitCode;

/// The most characters of a name.
const LONGEST_NAME: usize = 64;

/// The two forms of a contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScaffoldDialect {
    /// `workflow:` with `tasks`.
    #[default]
    Workflow,
    /// `workflow_coordination:` with an `execution_graph`.
    Onex,
}

/// What to write.
#[derive(Clone, Debug)]
pub struct ScaffoldRequest {
    /// The name of the contract and of its folder.
    pub name: String,
    /// Its form.
    pub dialect: ScaffoldDialect,
    /// The folder that its folder is in; the project's `contracts` where none is named.
    pub folder: Option<PathBuf>,
}

/// Writes a contract that runs as it is, and says how.
pub fn scaffold(request: &ScaffoldRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    if let Err(problem) = check_name(&request.name) {
        return refuse(console, &problem);
    }
    let directory = &environment.directory;
    let in_project = request.folder.is_none();
    let folder =
        request.folder.as_ref().map_or_else(|| contracts_of(directory), |folder| directory.join(folder));
    let path = folder.join(&request.name).join(FILE_NAME);
    let shown = path.strip_prefix(directory).unwrap_or(&path).to_path_buf();
    if let Err(error) = write_new(&path, &template(&request.name, request.dialect)) {
        return refuse(console, &cannot_write(&shown, &error));
    }
    let called = if in_project { request.name.clone() } else { shown.display().to_string() };
    let mut out = console.out();
    let told = writeln!(out, "{}", shown.display())
        .and_then(|()| writeln!(out, "run it: onex orch --contract {}", for_shell(&called)));
    finish(told, &mut console.err(), ExitCode::Success)
}

/// The contract to start from.
pub(super) fn template(name: &str, dialect: ScaffoldDialect) -> String {
    let form = match dialect {
        ScaffoldDialect::Workflow => include_str!("templates/workflow.yaml"),
        ScaffoldDialect::Onex => include_str!("templates/onex.yaml"),
    };
    // These words alone are no text in YAML.
    let is_word = !["true", "false", "null"].iter().any(|word| name.eq_ignore_ascii_case(word));
    let quoted = if is_word { name.to_owned() } else { format!("\"{name}\"") };
    form.replace("QUOTED", &quoted).replace("NAME", name)
}

/// Names are folders, and no part of one reads as a path.
fn check_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let begins = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let problem = match name.chars().find(|c| !fits(*c)) {
        Some(c) => format!("it has `{}`", c.escape_debug()),
        None if name.is_empty() => "it is empty".to_owned(),
        None if !begins(name) => format!("it begins with `{}`", &name[..1]),
        None if name.len() > LONGEST_NAME => format!("it is longer than {LONGEST_NAME} characters"),
        None => return Ok(()),
    };
    let other: String = name.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    let other = other.trim_matches('-');
    let help = if begins(other) && other.len() <= LONGEST_NAME && other != name {
        format!("\nhelp: did you mean `{other}`?")
    } else {
        "\nhelp: a name has letters, digits, `_` and `-`, and begins with a letter or `_`".to_owned()
    };
    let name = text::clip(name, 40);
    Err(format!("`{}` cannot name a contract: {problem}{help}", text::without_controls(&name)))
}

/// The folder of contracts for what is done in `directory`: the nearest one of the project, or one to be made.
fn contracts_of(directory: &Path) -> PathBuf {
    let root = root_above(directory);
    let known = directory.ancestors().take_while(|folder| folder.starts_with(&root));
    let found = known.map(|folder| folder.join(CONTRACTS)).find(|folder| folder.is_dir());
    found.unwrap_or_else(|| root.join(CONTRACTS))
}

/// Whether a link inside the project, on the way to a path, leads out of it.
fn leads_out(path: &Path) -> bool {
    let is_project =
        |root: &Path| [super::settings::FILE_NAME, ".git"].iter().any(|mark| root.join(mark).exists());
    path.ancestors().skip(1).filter(|folder| folder.is_symlink()).any(|link| {
        let Some(root) = link.parent().map(root_above).filter(|root| is_project(root)) else { return false };
        match (link.canonicalize(), root.canonicalize()) {
            (Ok(real), Ok(root)) => !real.starts_with(root),
            _ => false,
        }
    })
}

/// Writes a file that must not be there yet, and the folders above it.
pub(super) fn write_new(path: &Path, text: &str) -> io::Result<()> {
    if leads_out(path) {
        return Err(io::Error::other("a link on the way to it leads out of the project"));
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

pub(super) fn cannot_write(shown: &Path, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("`{}` is there already, and nothing is overwritten", shown.display())
        }
        _ => format!("cannot write `{}`: {error}", shown.display()),
    }
}

pub(super) fn refuse(console: &mut Console, problem: &str) -> ExitCode {
    let told = writeln!(console.err(), "error: {problem}");
    finish(told, &mut console.err(), ExitCode::Configuration)
}

/// A word as a shell reads it.
pub(super) fn for_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
