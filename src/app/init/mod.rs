//! Makes a repository useful in one step: writes the contract of the checks that it already has.

mod checks;

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Environment;
use super::console::Console;
use super::contract::{CONTRACTS, FILE_NAME};
use super::plan::finish;
use super::scaffold::{ScaffoldDialect, cannot_write, refuse, template, write_new};
use crate::model::exit::ExitCode;

use checks::{Found, Project};

/// The name of the contract of all checks.
const CI: &str = "ci";

/// The name of the contract for a folder without checks.
const HELLO: &str = "hello";

/// Marks a project root that is no repository.
const MARKER: &str = super::settings::FILE_NAME;

const MARKER_TEXT: &str = "# Marks this folder as the project root: contracts run here. Settings of the project can \
    stand here, too;\n# `onex schema config` describes them, and `onex doctor` shows which hold.\n";

/// How to go about it.
#[derive(Clone, Copy, Debug)]
pub struct InitRequest {
    /// Only show what would be written.
    pub dry_run: bool,
}

/// Looks at the repository and writes the contract of its checks.
pub fn init(request: InitRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    let directory = &environment.directory;
    let repository = directory.ancestors().find(|folder| folder.join(".git").exists());
    let root = repository.unwrap_or(directory);
    let found = checks::find(root);
    let is_hello = found.projects.iter().all(|project| project.checks.is_empty());
    let name = if is_hello { HELLO } else { CI };
    let path = root.join(CONTRACTS).join(name).join(FILE_NAME);
    let shown = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_path_buf();
    let mut said = Vec::new();
    if root != directory {
        said.push(format!("in the top level of the repository, {}", root.display()));
    }
    if path.symlink_metadata().is_ok() || (is_hello && has_contracts(root)) {
        let there = if path.symlink_metadata().is_ok() { path } else { root.join(CONTRACTS) };
        said.push(format!("{} is there already, so nothing is left to do", shown(&there).display()));
        return tell(console, &said);
    }
    let contract = if is_hello { template(HELLO, ScaffoldDialect::Workflow) } else { contract_of(&found) };
    let marker = root.join(MARKER);
    let mut files: Vec<(PathBuf, &str)> = vec![(path, &contract)];
    // Outside of a repository the contract's own folder would be the project root.
    if repository.is_none() && !marker.exists() {
        files.push((marker, MARKER_TEXT));
    }
    for (path, text) in &files {
        if request.dry_run {
            said.push(format!("would write {}:\n\n{text}", shown(path).display()));
        } else if let Err(error) = write_new(path, text) {
            return refuse(console, &cannot_write(&shown(path), &error));
        } else {
            said.push(format!("wrote {}", shown(path).display()));
        }
    }
    said.extend(found.projects.iter().map(in_words));
    said.extend(found.remarks.iter().map(|remark| format!("note: {remark}")));
    if !request.dry_run {
        said.push(format!("next: onex plan {name}\n      onex orch --contract {name}"));
    }
    tell(console, &said)
}

fn tell(console: &mut Console, lines: &[String]) -> ExitCode {
    let mut out = console.out();
    let told = lines.iter().try_for_each(|line| writeln!(out, "{line}"));
    finish(told, &mut console.err(), ExitCode::Success)
}

fn in_words(project: &Project) -> String {
    let place = if project.folder.is_empty() { String::new() } else { format!(" in {}", project.folder) };
    let names: Vec<&str> = project.checks.iter().map(|check| check.name.as_str()).collect();
    let checks = if names.is_empty() { "no checks found".to_owned() } else { names.join(", ") };
    format!("{}{place}: {checks}", project.kind)
}

fn has_contracts(root: &Path) -> bool {
    let entries = std::fs::read_dir(root.join(CONTRACTS)).into_iter().flatten().filter_map(Result::ok);
    entries.into_iter().any(|entry| entry.path().join(FILE_NAME).exists())
}

/// The contract of all checks: projects side by side, and of each the checks that need each other one after another.
fn contract_of(found: &Found) -> String {
    let mut text = format!(
        "# The checks of this project, in one graph.\n\
         #\n\
         #   onex orch --contract {CI}     runs them\n\
         #   onex plan {CI}                shows what would run, in which order\n\
         workflow:\n  name: {CI}\n  version: \"1.0\"\n  description: The checks of this project.\n\n  tasks:\n"
    );
    let projects: Vec<&Project> =
        found.projects.iter().filter(|project| !project.checks.is_empty()).collect();
    let many = projects.len() > 1;
    let mut groups = BTreeSet::new();
    for (at, project) in projects.into_iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        let place = if project.folder.is_empty() { "." } else { &project.folder };
        // A line end would end the comment.
        let place = crate::base::text::without_controls(place).replace('\n', " ");
        text.push_str(&format!("    # {} in `{place}`, because of {}.\n", project.kind, project.because));
        for check in &project.checks {
            let id = |name: &str| if many { format!("{}-{name}", project.id) } else { name.to_owned() };
            text.push_str(&format!("    - id: {}\n      type: {}\n", id(&check.name), check.role.kind()));
            text.push_str(&format!("      run: {}\n", check.run));
            if !project.folder.is_empty() {
                text.push_str(&format!("      cwd: {}\n", checks::scalar(&project.folder)));
            }
            if let Some(group) = check.group {
                let group = id(group);
                text.push_str(&format!("      group: {group}\n"));
                groups.insert(group);
            }
        }
    }
    text.push_str(
        "\n  coordination:\n    rules:\n      execution_mode: parallel\n      \
         # All that is wrong is seen at once.\n      fail_fast: false\n",
    );
    if !groups.is_empty() {
        let sizes: Vec<String> = groups.iter().map(|group| format!("{group}: 1")).collect();
        text.push_str("      # Cargo lets one command at a time into its target folder.\n");
        text.push_str(&format!("      groups: {{{}}}\n", sizes.join(", ")));
    }
    text
}
