//! What can stand at the end of a command line: the scripts for shells, and the names that only this folder knows.

use std::io::Write as _;
use std::path::Path;

use super::Environment;
use super::console::Console;
use super::contract::{FILE_NAME, contracts_above};
use super::plan::finish;
use crate::model::exit::ExitCode;

/// A shell that completes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// bash.
    Bash,
    /// zsh.
    Zsh,
    /// fish.
    Fish,
}

/// One word that could stand there, and what it does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The word.
    pub word: String,
    /// What it does; may be empty.
    pub about: String,
}

/// Prints the script for a shell.
pub fn script(shell: Shell, console: &mut Console) -> ExitCode {
    let script = match shell {
        Shell::Bash => include_str!("completions/onex.bash"),
        Shell::Zsh => include_str!("completions/onex.zsh"),
        Shell::Fish => include_str!("completions/onex.fish"),
    };
    let written = console.out().write_all(script.as_bytes());
    finish(written, &mut console.err(), ExitCode::Success)
}

/// The names of contracts that could be meant: those of the project, and a `contract.yaml` that is here.
#[must_use]
pub fn contracts(environment: &Environment) -> Vec<Candidate> {
    let mut names = contracts_above(&environment.directory);
    if environment.directory.join(FILE_NAME).is_file() {
        names.push(FILE_NAME.to_owned());
    }
    names.into_iter().map(|word| Candidate { word, about: "contract".to_owned() }).collect()
}

/// The ids of a contract's nodes; none where it cannot be read.
#[must_use]
pub fn nodes(contract: &Path, environment: &Environment) -> Vec<Candidate> {
    let loaded = super::contract::load(contract, environment, None);
    let nodes = loaded.plan.iter().flat_map(|plan| &plan.workflow().nodes);
    nodes
        .map(|node| Candidate {
            word: node.id.as_str().to_owned(),
            about: node.description.clone().unwrap_or_else(|| node.kind.as_str().to_owned()),
        })
        .collect()
}

/// Prints candidates, one a line: the word, a tab, and what it does. Whoever completes does not read errors.
pub fn print(candidates: &[Candidate], console: &mut Console) -> ExitCode {
    let is_one_line = |text: &str| !text.chars().any(char::is_control);
    let mut lines = String::new();
    for candidate in candidates.iter().filter(|candidate| is_one_line(&candidate.word)) {
        let about = candidate.about.lines().next().unwrap_or_default().replace('\t', " ");
        lines.push_str(&format!("{}\t{about}\n", candidate.word));
    }
    if console.out().write_all(lines.as_bytes()).is_err() {
        tracing::debug!("the shell does not read");
    }
    ExitCode::Success
}
