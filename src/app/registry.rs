//! Administers `onex.registry.yaml`: `list`, `find`, `inspect`, `add`, `remove`, `verify`.

use std::collections::HashMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Environment;
use super::components::is_there;
use super::console::Console;
use super::error::AppError;
use super::list::{Shown, bad_query, exit_code, failed, gathered, refuse, root_of, show, tell};
use super::plan::finish;
use crate::base::text::nearest;
use crate::diag::{Diagnostic, Findings, Severity, SourceMap, codes};
use crate::model::component::{Component, ComponentQuery, EntryInfo, Kind, Reference, RegistryListing};
use crate::model::context::Format;
use crate::model::exit::ExitCode;
use crate::process::Locator;
use crate::registry::{
    self, Catalog, Change, Discovered, Discovery, Entry, FILE_NAME, Gathered, Register, Registry as _,
};
use crate::report::{components, diagnostics};

/// What to do with the registry, and how to show it.
#[derive(Clone, Debug)]
pub struct RegistryRequest {
    /// What to do.
    pub action: RegistryAction,
    /// The project root, where one was named.
    pub root: Option<PathBuf>,
    /// The form of what is shown; for people where none is named.
    pub format: Option<Format>,
}

/// What can be done with the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryAction {
    /// Show the entries.
    List,
    /// Show what a query selects: filters and words.
    Find {
        /// The query.
        query: String,
        /// Whether metadata blocks in files that are not registered count, too.
        scan: bool,
    },
    /// Show all that is known of a component.
    Inspect {
        /// Its name, with or without namespace and range.
        name: String,
    },
    /// Register what files declare.
    Add {
        /// Files and folders.
        paths: Vec<PathBuf>,
        /// Whether metadata blocks count in files of folders, too.
        scan: bool,
    },
    /// Take an entry out.
    Remove {
        /// Its name, with or without namespace and range, or its file.
        name: String,
    },
    /// Check that every entry is what it was, and that all components resolve.
    Verify,
}

/// Does what was asked for.
pub fn registry(request: &RegistryRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    let root = match root_of(request.root.as_deref(), environment) {
        Ok(root) => root,
        Err(error) => return failed(&error, console),
    };
    let place = Place { root: &root, environment, format: request.format };
    match &request.action {
        RegistryAction::List => list(&place, console),
        RegistryAction::Find { query, scan } => find(&place, (query, *scan), console),
        RegistryAction::Inspect { name } => inspect(&place, name, console),
        RegistryAction::Add { paths, scan } => add(&place, (paths, *scan), console),
        RegistryAction::Remove { name } => remove(&place, name, console),
        RegistryAction::Verify => verify(&place, console),
    }
}

/// Types of components that are for running.
const RUNNING_TYPES: [&str; 3] = ["tool", "validator", "test"];

/// Where it is done, and how it is shown.
struct Place<'p> {
    root: &'p Path,
    environment: &'p Environment,
    format: Option<Format>,
}

/// What became of some entries, and what was found.
#[derive(Default)]
struct Outcome {
    entries: Vec<EntryInfo>,
    findings: Vec<Diagnostic>,
    sources: SourceMap,
    checked: Option<usize>,
}

impl Outcome {
    fn show(self, place: &Place<'_>, console: &mut Console) -> ExitCode {
        let format = place.format.unwrap_or_default();
        tell(&self.findings, &self.sources, format, console);
        let listing = RegistryListing {
            path: FILE_NAME.to_owned(),
            entries: self.entries,
            checked: self.checked,
            diagnostics: self.findings.iter().map(|d| diagnostics::to_info(&self.sources, d)).collect(),
        };
        let look = console.out_look();
        let mut out = io::BufWriter::new(console.out());
        let written = components::entries(look, format, &listing, &mut out).and_then(|()| out.flush());
        finish(written, &mut console.err(), exit_code(&self.findings))
    }
}

fn info(entry: &Entry, state: Option<&str>) -> EntryInfo {
    EntryInfo {
        name: entry.name.clone(),
        namespace: entry.namespace.clone(),
        version: entry.version.clone(),
        meta_type: entry.meta_type.clone(),
        lifecycle: entry.lifecycle.clone(),
        path: entry.path.display().to_string(),
        digest: entry.digest.clone(),
        state: state.map(str::to_owned),
    }
}

fn list(place: &Place<'_>, console: &mut Console) -> ExitCode {
    let mut outcome = Outcome::default();
    let register = Register::load(place.root, &mut outcome.sources, &mut outcome.findings);
    outcome.entries = register.iter().flat_map(|r| &r.entries).map(|entry| info(entry, None)).collect();
    outcome.show(place, console)
}

fn find(place: &Place<'_>, (query, scan): (&str, bool), console: &mut Console) -> ExitCode {
    let query = match ComponentQuery::parse(query) {
        Ok(query) => query,
        Err(error) => return refuse(&[bad_query(&error)], &SourceMap::default(), place.format, console),
    };
    let gathered = gathered(place.root, scan, place.environment);
    let findings = gathered.diagnostics.clone();
    show(&Shown { gathered: &gathered, query: &query, findings, details: false }, place.format, console)
}

fn inspect(place: &Place<'_>, name: &str, console: &mut Console) -> ExitCode {
    let mut gathered = gathered(place.root, false, place.environment);
    let resolved = reference(name).and_then(|reference| {
        let resolved = gathered.catalog.resolve(&reference);
        resolved.map(AsRef::as_ref).cloned().map_err(|unresolved| Box::new(unresolved.diagnostic(None)))
    });
    let component: Component = match resolved {
        Ok(component) => component,
        Err(finding) => {
            let mut findings = gathered.diagnostics.clone();
            findings.push(*finding);
            return refuse(&findings, &gathered.sources, place.format, console);
        }
    };
    let today = environment_day();
    let mut findings: Vec<Diagnostic> = registry::deprecated(&component, today).into_iter().collect();
    findings.extend(missing_program(&component, place));
    findings.extend(registry::not_executable(&component));
    // Only what is wrong with this one is told of.
    let its_path = &component.origin.path;
    let is_about =
        |found: &&Diagnostic| found.span().is_some_and(|span| gathered.sources.path(span.source) == its_path);
    findings.extend(gathered.diagnostics.iter().filter(is_about).cloned());
    let findings = as_warnings(findings).into_iter().fold(Vec::new(), |mut seen, found| {
        if !seen.contains(&found) {
            seen.push(found);
        }
        seen
    });
    gathered.catalog = Catalog::of([component]);
    let query = ComponentQuery::default();
    show(&Shown { gathered: &gathered, query: &query, findings, details: true }, place.format, console)
}

fn as_warnings(findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let warn = |found: Diagnostic| Diagnostic { severity: found.severity.min(Severity::Warning), ..found };
    findings.into_iter().map(warn).collect()
}

/// The day on which somebody looks.
fn environment_day() -> chrono::NaiveDate {
    use crate::base::clock::{Clock as _, SystemClock};
    SystemClock::start().started_at().date_naive()
}

pub(super) fn reference(name: &str) -> Result<Reference, Box<Diagnostic>> {
    name.parse().map_err(|error| {
        let finding =
            Diagnostic::error(codes::BAD_RANGE, format!("`{name}` has no range of versions: {error}"));
        Box::new(finding.help("write `name@1.2.0`, `name@^1.2` or `name@>=1 <2`"))
    })
}

fn missing_program(component: &Component, place: &Place<'_>) -> Option<Diagnostic> {
    let locator = Locator::default();
    let path = place.environment.get("PATH");
    registry::missing_program(component, &|needed| is_there(needed, (path, place.root), &locator))
}

/// The registry as it is now, held until the change is written.
fn open(place: &Place<'_>, outcome: &mut Outcome) -> Result<(registry::Held, Option<Register>), AppError> {
    let held = registry::hold(place.root).map_err(|source| cannot_write(place, source))?;
    Ok((held, Register::load(place.root, &mut outcome.sources, &mut outcome.findings)))
}

fn cannot_write(place: &Place<'_>, source: io::Error) -> AppError {
    AppError::Output { path: place.root.join(FILE_NAME), source }
}

fn add(place: &Place<'_>, (paths, scan): (&[PathBuf], bool), console: &mut Console) -> ExitCode {
    let mut outcome = Outcome::default();
    let mut declared = Vec::new();
    for path in paths {
        match components_of(place, path, scan) {
            Ok(found) => declared.push(found),
            Err(finding) => outcome.findings.push(*finding),
        }
    }
    for found in &declared {
        if found.diagnostics.iter().any(|finding| finding.severity == Severity::Error) {
            return refuse(&found.diagnostics, &found.sources, place.format, console);
        }
        tell(&found.diagnostics, &found.sources, place.format.unwrap_or_default(), console);
    }
    if !outcome.findings.is_empty() {
        return refuse(&outcome.findings, &outcome.sources, place.format, console);
    }
    let (_held, mut register) = match open(place, &mut outcome) {
        Ok((held, Some(register))) => (held, register),
        Ok((_, None)) => return refuse(&outcome.findings, &outcome.sources, place.format, console),
        Err(error) => return failed(&error, console),
    };
    let mut changed = false;
    for component in declared.iter().flat_map(|found| &found.components) {
        match register.add(component) {
            Ok(change) => {
                let state = match change {
                    Change::Added => "added",
                    Change::Updated => "updated",
                    Change::Unchanged => "unchanged",
                };
                changed |= change != Change::Unchanged;
                outcome.entries.push(info(&Entry::of(component), Some(state)));
            }
            Err(other) => {
                let (name, path) = (component.full_name(), component.origin.path.display());
                let message = format!(
                    "`{path}` declares `{name}`, which is registered from `{}`",
                    other.path.display()
                );
                let finding = Diagnostic::error(codes::DUPLICATE_COMPONENT, message);
                outcome.findings.push(finding.at(other.span, "registered here").help(format!(
                    "give it another name, namespace or version, or `onex registry remove {name}` first"
                )));
            }
        }
    }
    if !outcome.findings.is_empty() {
        return refuse(&outcome.findings, &outcome.sources, place.format, console);
    }
    if changed && let Err(source) = register.save(place.root) {
        return failed(&cannot_write(place, source), console);
    }
    outcome.show(place, console)
}

/// What a file declares, or the files of a folder.
fn components_of(place: &Place<'_>, path: &Path, scan: bool) -> Result<Discovered, Box<Diagnostic>> {
    let shown = path.display();
    let unreadable = |problem: String| {
        Box::new(Diagnostic::error(codes::UNREADABLE, format!("cannot read `{shown}`: {problem}")))
    };
    let full = place.environment.directory.join(path);
    let folder = full.parent().unwrap_or(Path::new("/"));
    let real = match (full.is_dir(), full.file_name()) {
        // The name of a link stays its own.
        (false, Some(name)) => folder.canonicalize().map(|folder| folder.join(name)),
        _ => full.canonicalize(),
    };
    let real = real.map_err(|error| unreadable(error.to_string()))?;
    let Ok(inside) = real.strip_prefix(place.root) else {
        let message = format!("`{shown}` is not inside the project root `{}`", place.root.display());
        return Err(Box::new(Diagnostic::error(codes::OUTSIDE_ROOT, message)));
    };
    if inside.to_str().is_none() {
        return Err(unreadable("its name is not UTF-8, so it cannot be registered".to_owned()));
    }
    let discovery = Discovery::new(place.root);
    let found = if full.is_dir() {
        let discovery = discovery.below(inside);
        if scan { discovery.with_contents() } else { discovery }.run()
    } else {
        discovery.among([]).and([inside.to_path_buf()]).run()
    };
    if found.components.is_empty() && found.diagnostics.is_empty() {
        let message = format!("`{shown}` declares no component");
        let help = if full.is_dir() && !scan {
            "`--scan` looks for metadata blocks in all files, too"
        } else {
            "a component has a block `=== OmniNode:Metadata ===` in its comments, or a file `….onex.yaml`"
        };
        return Err(Box::new(Diagnostic::error(codes::NO_COMPONENT, message).help(help)));
    }
    Ok(found)
}

fn remove(place: &Place<'_>, name: &str, console: &mut Console) -> ExitCode {
    let mut outcome = Outcome::default();
    let (_held, mut register) = match open(place, &mut outcome) {
        Ok((held, Some(register))) => (held, register),
        Ok((_, None)) => return refuse(&outcome.findings, &outcome.sources, place.format, console),
        Err(error) => return failed(&error, console),
    };
    let by_path: Vec<Entry> =
        register.entries.iter().filter(|e| e.path == Path::new(name)).cloned().collect();
    let meant = if by_path.is_empty() {
        match reference(name) {
            Ok(asked) => register.entries.iter().filter(|entry| entry.is_meant_by(&asked)).cloned().collect(),
            Err(finding) => return refuse(&[*finding], &outcome.sources, place.format, console),
        }
    } else {
        by_path
    };
    let [entry] = meant.as_slice() else {
        let finding = if meant.is_empty() {
            let names: Vec<String> =
                register.entries.iter().flat_map(|entry| [entry.name.clone(), entry.full_name()]).collect();
            let near = nearest(name, names.iter().map(String::as_str));
            let message = format!("no component is registered as `{name}`");
            let finding = Diagnostic::error(codes::UNKNOWN_COMPONENT, message);
            match near {
                Some(_) => finding.did_you_mean(near),
                None => finding.help("`onex registry list` shows what is registered"),
            }
        } else {
            let list: Vec<String> = meant.iter().map(|entry| format!("`{}`", entry.full_name())).collect();
            let message = format!("`{name}` means more than one component");
            Diagnostic::error(codes::AMBIGUOUS_COMPONENT, message)
                .help(format!("say which: {}", list.join(", ")))
        };
        return refuse(&[finding], &outcome.sources, place.format, console);
    };
    register.entries.retain(|known| known != entry);
    if let Err(source) = register.save(place.root) {
        return failed(&cannot_write(place, source), console);
    }
    outcome.entries = vec![info(entry, Some("removed"))];
    outcome.show(place, console)
}

fn verify(place: &Place<'_>, console: &mut Console) -> ExitCode {
    let Gathered { sources, catalog, register, diagnostics, .. } =
        gathered(place.root, false, place.environment);
    let mut outcome = Outcome { sources, ..Outcome::default() };
    let is_standing =
        |found: &Diagnostic| matches!(found.code, codes::DIGEST_CHANGED | codes::COMPONENT_GONE);
    outcome.findings.extend(diagnostics.into_iter().filter(|found| !is_standing(found)));
    let places = catalog.components().iter().map(|component| (component.origin.path.as_path(), component));
    let places: HashMap<&Path, _> = places.collect();
    // The first entry of each name, and of each file.
    let mut named: HashMap<_, &Entry> = HashMap::new();
    let mut filed: HashMap<&Path, &Entry> = HashMap::new();
    let mut standing = Findings::default();
    for entry in register.iter().flat_map(|register| &register.entries) {
        let declared = places.get(entry.path.as_path());
        let mut found: Vec<Diagnostic> =
            registry::standing(entry, declared.map(|found| &***found), place.root).into_iter().collect();
        let name = (&entry.name, &entry.namespace, &entry.version);
        if let Some(first) = named.get(&name).or_else(|| filed.get(entry.path.as_path())) {
            let message = format!("`{}` is registered twice", entry.full_name());
            let finding =
                Diagnostic::error(codes::DUPLICATE_COMPONENT, message).at(entry.span, "registered again");
            found.push(finding.at(first.span, "registered here"));
        }
        named.entry(name).or_insert(entry);
        filed.entry(&entry.path).or_insert(entry);
        let state = if found.is_empty() { "valid" } else { "invalid" };
        outcome.entries.push(info(entry, Some(state)));
        standing.extend(found);
    }
    outcome.findings.extend(standing.into_vec());
    outcome.findings.extend(registry::check(&catalog));
    let today = environment_day();
    for component in catalog.components() {
        outcome.findings.extend(registry::deprecated(component, today));
        let mut found: Vec<Diagnostic> = missing_program(component, place).into_iter().collect();
        if component.kind == Kind::Component && RUNNING_TYPES.contains(&component.meta_type.as_str()) {
            found.extend(registry::not_executable(component));
        }
        // A program may be installed elsewhere, and an entry point may come yet. Some of it was found before.
        let found = as_warnings(found).into_iter().filter(|found| !outcome.findings.contains(found));
        let found: Vec<Diagnostic> = found.collect();
        outcome.findings.extend(found);
    }
    outcome.checked = Some(catalog.components().len());
    outcome.show(place, console)
}
