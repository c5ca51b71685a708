//! Turns the hooks of other tools into components.
//!
//! A hook is carried over as a whole or not at all: one that would look at other files than before, or do something
//! else, is named with the reason and stays where it is.

mod component;
mod config;
mod globs;
mod hook;
mod program;
mod words;

use std::io::{self, Write};
use std::path::{Component as Part, Path, PathBuf};

use super::Environment;
use super::console::Console;
use super::contract::unreadable;
use super::plan::finish;
use super::scaffold::{cannot_write, for_shell, refuse, write_new};
use crate::base::text::{count, without_controls};
use crate::contract::file;
use crate::diag::{Diagnostic, Severity, SourceMap};
use crate::model::exit::ExitCode;
use crate::registry::{self, COMPONENT_ENDING, Look, Registry as _};
use crate::report::diagnostics;
use crate::yaml::{self, Limits};

use config::Config;
use hook::Imported;

/// The names that pre-commit and prek look for.
const CONFIGS: [&str; 2] = [".pre-commit-config.yaml", ".pre-commit-config.yml"];

/// The folder of components where none is named.
const COMPONENTS: &str = "components";

/// What to import.
#[derive(Clone, Debug, Default)]
pub struct ImportRequest {
    /// The configuration; the one at the top of the repository where none is named.
    pub file: Option<PathBuf>,
    /// The folder that components are written to.
    pub folder: Option<PathBuf>,
    /// Only show what would be written.
    pub dry_run: bool,
}

/// Writes a component for each hook of a configuration of pre-commit that `onex` can run as pre-commit does.
pub fn pre_commit(request: &ImportRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    match import(request, environment) {
        Ok(told) => {
            let code = if told.is_nothing() { ExitCode::Configuration } else { ExitCode::Success };
            let written = told.write(&mut console.out());
            finish(written, &mut console.err(), code)
        }
        Err(Problem::Said(problem)) => refuse(console, &without_controls(&problem)),
        Err(Problem::Found(sources, findings)) => {
            let look = console.err_look();
            let written = diagnostics::render(look, &sources, &findings, &mut console.err());
            finish(written, &mut io::sink(), ExitCode::Configuration)
        }
    }
}

/// Why nothing is imported.
enum Problem {
    Said(String),
    Found(SourceMap, Vec<Diagnostic>),
}

/// What became of the hooks.
#[derive(Debug, Default)]
struct Told {
    /// A line for each file, with its text where it is only shown.
    lines: Vec<String>,
    /// What is to be known.
    remarks: Vec<String>,
    /// The hooks that are not imported.
    left: Vec<String>,
    /// How many are components now, or were before.
    imported: usize,
    /// The folder with the components, if any was written.
    folder: Option<String>,
    /// How many would be, where nothing is written.
    would_be: usize,
}

impl Told {
    /// Whether there were hooks, and not one is a component now.
    const fn is_nothing(&self) -> bool {
        self.imported + self.would_be == 0 && !self.left.is_empty()
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        for line in &self.lines {
            writeln!(out, "{line}")?;
        }
        for remark in &self.remarks {
            writeln!(out, "note: {}", without_controls(remark))?;
        }
        for left in &self.left {
            writeln!(out, "not imported: {}", without_controls(left))?;
        }
        match (self.imported, self.would_be) {
            (0, 0) => write!(out, "0 hooks imported")?,
            (0, would_be) => write!(out, "{} would be imported", count(would_be, "hook"))?,
            (imported, _) => write!(out, "{} imported", count(imported, "hook"))?,
        }
        match self.left.len() {
            0 => writeln!(out)?,
            left => writeln!(out, ", {left} not")?,
        }
        if let Some(folder) = &self.folder {
            writeln!(
                out,
                "next: git add {folder}\n      onex orch --stage pre-commit --all-files\n      onex install"
            )?;
        }
        Ok(())
    }
}

fn import(request: &ImportRequest, environment: &Environment) -> Result<Told, Problem> {
    let directory = environment.directory.canonicalize().unwrap_or_else(|_| environment.directory.clone());
    let repository = directory.ancestors().find(|folder| folder.join(".git").exists());
    let root = repository.unwrap_or(&directory);
    let folder = match &request.folder {
        Some(named) => inside(root, &directory.join(named)).map_err(Problem::Said)?,
        None => PathBuf::from(COMPONENTS),
    };
    let path = match &request.file {
        Some(named) => directory.join(named),
        None => {
            let there = CONFIGS.iter().map(|name| root.join(name)).find(|path| path.exists());
            there
                .ok_or_else(|| Problem::Said(format!("there is no `{}` in {}", CONFIGS[0], root.display())))?
        }
    };
    let shown = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
    let mut sources = SourceMap::default();
    // One that was named may stand anywhere.
    let read = if request.file.is_some() { file::read(&path) } else { file::read_inside(&path, root) };
    let text =
        read.map_err(|error| Problem::Found(SourceMap::default(), vec![unreadable(&shown, &path, &error)]))?;
    let source = sources.add(&shown, text);
    let text = sources.text(source);
    let mut findings = Vec::new();
    let tree = match yaml::load(&text, source, Limits::default(), &mut findings) {
        Ok(tree) => tree,
        Err(breach) => return Err(Problem::Found(sources, [findings, vec![*breach]].concat())),
    };
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(Problem::Found(sources, findings));
    }
    let config = config::read(&tree, &folder)
        .map_err(|why| Problem::Said(format!("cannot import `{}`: {why}", shown.display())))?;
    let mut told = Told::default();
    place(&mut told, &config, (root, &folder, &shown, request.dry_run)).map_err(Problem::Said)?;
    for left in &config.left {
        let line = sources.position(source, tree.span(left.at).start).line;
        told.left.push(format!("{} ({}:{line}): {}", left.id, shown.display(), left.why));
    }
    Ok(told)
}

/// Writes what is not there yet.
fn place(
    told: &mut Told,
    config: &Config,
    (root, folder, from, dry_run): (&Path, &Path, &Path, bool),
) -> Result<(), String> {
    let gathered = registry::gather(root, Look::Names);
    for hook in &config.imported {
        let path = folder.join(format!("{}{COMPONENT_ENDING}", hook.name));
        let shown = path.display();
        let text = component::text(hook, &from.display().to_string());
        let namesake =
            gathered.catalog.components().iter().find(|other| {
                other.name == hook.name && other.namespace.is_none() && other.origin.path != path
            });
        if let Some(other) = namesake {
            let there = other.origin.path.display();
            told.left.push(format!("{}: {there} is a component of that name", hook.name));
            continue;
        }
        if let Ok(old) = file::read(&root.join(&path)) {
            let differs = if old == text { "" } else { ", differs, and stays as it is" };
            told.lines.push(format!("{shown} is there already{differs}"));
            told.imported += 1;
            continue;
        }
        if dry_run {
            told.lines.push(format!("would write {shown}:\n\n{text}"));
            told.would_be += 1;
        } else {
            write_new(&root.join(&path), &text).map_err(|error| cannot_write(&path, &error))?;
            told.lines.push(format!("wrote {shown}"));
            told.imported += 1;
            told.folder = Some(for_shell(&folder.display().to_string()));
        }
        told.remarks.extend(remarks(hook));
    }
    Ok(())
}

fn remarks(hook: &Imported) -> impl Iterator<Item = String> + '_ {
    hook.remarks.iter().map(|remark| format!("{}: {remark}", hook.name))
}

/// A folder relative to the top of the repository, in which components are found.
fn inside(root: &Path, folder: &Path) -> Result<PathBuf, String> {
    let mut parts = PathBuf::new();
    for part in folder.components() {
        match part {
            Part::CurDir => {}
            Part::ParentDir => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    let inside = parts.strip_prefix(root).map_err(|_| {
        format!("`{}` is outside of {}, where no component is looked for", folder.display(), root.display())
    })?;
    let is_hidden = |part: Part<'_>| part.as_os_str().as_encoded_bytes().starts_with(b".");
    if inside.components().any(is_hidden) {
        return Err(format!("`{}` is hidden, and no component is looked for there", inside.display()));
    }
    Ok(inside.to_path_buf())
}
