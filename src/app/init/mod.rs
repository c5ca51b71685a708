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

use checks::{Found, Hook, Project};

/// The name of the contract of all checks.
const CI: &str = "ci";

/// The settings of another tool for hooks.
const PRE_COMMIT: &str = ".pre-commit-config.yaml";

/// The name of the contract for a folder without checks.
const HELLO: &str = "hello";

/// Where components go.
const COMPONENTS: &str = "components";

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
    let mut files: Vec<(PathBuf, String)> = vec![(path, contract)];
    let mut hooks = 0;
    // A repository with hooks of another tool has its checks of commits.
    if repository.is_some() && !root.join(PRE_COMMIT).exists() {
        let components = components_of(&found).into_iter();
        let new = components.map(|(name, text)| (root.join(COMPONENTS).join(name), text));
        let new: Vec<_> = new.filter(|(path, _)| path.symlink_metadata().is_err()).collect();
        hooks = new.len();
        files.extend(new);
    }
    // Outside of a repository the contract's own folder would be the project root.
    if repository.is_none() && !marker.exists() {
        files.push((marker, MARKER_TEXT.to_owned()));
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
        said.push(format!("next: onex plan {name}\n      onex run {name}"));
        if hooks > 0 {
            said.push("      onex install      so that every commit runs the components".to_owned());
        }
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

/// The components of the stage `pre-commit`, each with the name of its file.
fn components_of(found: &Found) -> Vec<(String, String)> {
    let projects: Vec<&Project> = found.projects.iter().filter(|project| !project.hooks.is_empty()).collect();
    let many = projects.len() > 1;
    let all = projects.into_iter().flat_map(|project| project.hooks.iter().map(move |hook| (project, hook)));
    let file = |(project, hook): (&Project, &Hook)| {
        let name = if many { format!("{}-{}", project.id, hook.name) } else { hook.name.to_owned() };
        (format!("{name}.onex.yaml"), component(&name, project, hook))
    };
    all.map(file).collect()
}

fn component(name: &str, project: &Project, hook: &Hook) -> String {
    let list = |words: &mut dyn Iterator<Item = String>| {
        words.map(|word| checks::scalar(&word)).collect::<Vec<_>>().join(", ")
    };
    let below = if project.folder.is_empty() { String::new() } else { format!("{}/", project.folder) };
    // Brackets and stars in the name of a folder mean themselves.
    let below: String = below.chars().map(|c| if "[]{}*?!\\".contains(c) { '?' } else { c }).collect();
    let files = list(&mut hook.extensions.iter().map(|end| format!("{below}**/*.{end}")));
    let program = hook.target.iter().enumerate().map(|(at, word)| match project.folder.as_str() {
        // A program that is named by its place is looked for from the folder of the component.
        "" if at == 0 && word.contains('/') => format!("../{word}"),
        folder if at == 0 && word.contains('/') => format!("../{folder}/{word}"),
        _ => word.clone(),
    });
    let target = list(&mut program.into_iter());
    let writes = if hook.writes { format!("writes: [{files}]\n") } else { String::new() };
    format!(
        "name: {name}\nversion: 1.0.0\ndescription: {about}\nmeta_type: validator\nlifecycle: canary\n\
         tags: [pre-commit]\nstages: [pre-commit]\n\
         entrypoint: {{type: command, target: [{target}]}}\nfiles: [{files}]\n{writes}",
        about = hook.about,
    )
}

/// The contract of all checks: projects side by side, and of each the checks that need each other one after another.
fn contract_of(found: &Found) -> String {
    let mut text = format!(
        "# The checks of this project, in one graph.\n\
         #\n\
         #   onex run {CI}                 runs them\n\
         #   onex plan {CI}                shows what would run, in which order\n\
         #   onex orch --stage {CI}        runs them with all else that is in this stage\n\
         metadata:\n  stages: [{CI}]\n\n\
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
