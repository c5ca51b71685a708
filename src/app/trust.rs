//! Says what may run: pins contracts and components in the user's file of trust.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Environment;
use super::components::Components;
use super::console::Console;
use super::contract::{Loaded, load_permitted, locate, project_root};
use super::error::AppError;
use super::list::root_of;
use super::permission::{Permission, pin, project_files, trust_files};
use super::plan::finish;
use super::registry::reference;
use crate::base::paths::tidied;
use crate::base::text::without_controls;
use crate::contract::FileKind;
use crate::diag::{Diagnostic, SourceMap, codes};
use crate::executors::Surroundings;
use crate::model::component::{Component, Kind};
use crate::model::context::Format;
use crate::model::exit::ExitCode;
use crate::model::policy::{Pin, TrustInfo, TrustListing, Trusted};
use crate::model::workflow::Action;
use crate::orchestrators::command;
use crate::registry::{self, Look, Registry as _};
use crate::report::{diagnostics, trust};
use crate::store::{TrustError, TrustFile};

/// What to do with the files of trust.
#[derive(Clone, Debug)]
pub enum TrustAction {
    /// Trust these as they are now.
    Add(Vec<PathBuf>),
    /// Trust these no longer.
    Remove(Vec<PathBuf>),
    /// Show what is trusted.
    List,
}

/// What is wanted of the files of trust, and how it is shown.
#[derive(Clone, Debug)]
pub struct TrustRequest {
    /// What to do.
    pub action: TrustAction,
    /// The project root, where one was named.
    pub root: Option<PathBuf>,
    /// The form of what is shown; for people where none is named.
    pub format: Option<Format>,
}

/// Why nothing was done: the findings, and the texts that they point into.
type Refusal = (AppError, SourceMap);

/// Changes or shows what is trusted.
pub fn trust(request: &TrustRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    let done = match &request.action {
        TrustAction::List => list(environment),
        TrustAction::Add(names) => add(names, request.root.as_deref(), environment),
        TrustAction::Remove(names) => remove(names, request.root.as_deref(), environment),
    };
    let format = request.format.unwrap_or_default();
    let (listing, code) = match done {
        Ok(listing) => (listing, ExitCode::Success),
        Err((error, sources)) => {
            let found = error.diagnostics();
            let diagnostics = found.iter().map(|found| diagnostics::to_info(&sources, found)).collect();
            if format == Format::Human {
                tell(&error, &sources, console);
            }
            let listing =
                TrustListing { error: Some(error.to_string()), diagnostics, ..TrustListing::default() };
            (listing, error.exit_code())
        }
    };
    let is_list = matches!(request.action, TrustAction::List);
    let look = console.out_look();
    let written = {
        let mut out = io::BufWriter::new(console.out());
        let shown = match format {
            Format::Human => trust::for_people(look, &listing, is_list, &mut out),
            Format::Json | Format::Yaml => trust::for_machines(format, &listing, &mut out),
        };
        shown.and_then(|()| out.flush())
    };
    finish(written, &mut console.err(), code)
}

fn tell(error: &AppError, sources: &SourceMap, console: &mut Console) {
    let look = console.err_look();
    let found = error.diagnostics();
    let told = match found.is_empty() {
        true => writeln!(console.err(), "error: {}", without_controls(&error.to_string())),
        false => diagnostics::render(look, sources, found, &mut console.err()),
    };
    if told.is_err() {
        tracing::debug!("standard error is closed");
    }
}

fn refusal(error: impl Into<AppError>) -> Refusal {
    (error.into(), SourceMap::default())
}

impl From<TrustError> for AppError {
    fn from(error: TrustError) -> Self {
        Self::Contract(vec![Diagnostic::error(codes::BAD_TRUST_FILE, error.to_string())])
    }
}

/// The user's own file: the only one that is written.
fn own_file(environment: &Environment) -> Result<TrustFile, Refusal> {
    let folder = environment.config().ok_or_else(|| {
        refusal(AppError::Input {
            path: PathBuf::from("trust.toml"),
            problem: "there is no folder for settings: neither XDG_CONFIG_HOME nor HOME is set".to_owned(),
        })
    })?;
    Ok(TrustFile::of(&folder))
}

fn info(trusted: &Trusted, file: &TrustFile) -> TrustInfo {
    let text = |path: &Path| path.display().to_string();
    TrustInfo {
        path: text(&trusted.path),
        root: text(&trusted.root),
        trust_file: text(file.path()),
        unchanged: trusted.files.iter().all(|known| pin(&known.path) == *known),
        files: trusted.files.iter().map(|pin| (text(&pin.path), pin.digest)).collect(),
    }
}

fn list(environment: &Environment) -> Result<TrustListing, Refusal> {
    let mut listing = TrustListing::default();
    for file in trust_files(environment) {
        let trusted = file.read(None).map_err(refusal)?;
        listing.trusted.extend(trusted.iter().map(|trusted| info(trusted, &file)));
    }
    Ok(listing)
}

fn add(names: &[PathBuf], root: Option<&Path>, environment: &Environment) -> Result<TrustListing, Refusal> {
    let file = own_file(environment)?;
    let mut all = Vec::new();
    for name in names {
        let trusted = pinned(name, root, environment)?;
        // The same file would not count when it is asked.
        file.read(Some(&trusted.root)).map_err(refusal)?;
        all.push(trusted);
    }
    file.change(|known| {
        known.retain(|old| !all.iter().any(|new| (&new.path, &new.root) == (&old.path, &old.root)));
        known.extend(all.iter().cloned());
        known.dedup();
    })
    .map_err(refusal)?;
    let trusted = all.iter().map(|trusted| info(trusted, &file)).collect();
    Ok(TrustListing { trusted, ..TrustListing::default() })
}

fn remove(
    names: &[PathBuf],
    root: Option<&Path>,
    environment: &Environment,
) -> Result<TrustListing, Refusal> {
    let file = own_file(environment)?;
    let mut paths = Vec::new();
    for name in names {
        // What is trusted no longer need not be there, or in order.
        let whole = environment.directory.join(name);
        let found = match locate(name, &environment.directory) {
            Ok(shown) if environment.directory.join(&shown).exists() => Ok(environment.directory.join(shown)),
            _ => component_named(name, root, environment)
                .map(|(root, component)| root.join(&component.origin.path)),
        };
        paths.push((name, tidied(&whole), found.ok().and_then(|path| path.canonicalize().ok())));
    }
    let removed = file
        .change(|known| {
            let meant = |trusted: &Trusted| {
                paths
                    .iter()
                    .any(|(_, whole, real)| trusted.path == *whole || real.as_ref() == Some(&trusted.path))
            };
            let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(known).into_iter().partition(meant);
            *known = kept;
            gone
        })
        .map_err(refusal)?;
    let missing = paths.iter().find(|(_, whole, real)| {
        !removed.iter().any(|trusted| trusted.path == *whole || real.as_ref() == Some(&trusted.path))
    });
    if let Some((name, ..)) = missing {
        return Err(refusal(AppError::NotTrusted((*name).clone())));
    }
    let removed = removed.iter().map(|trusted| info(trusted, &file)).collect();
    Ok(TrustListing { removed, ..TrustListing::default() })
}

/// A contract or component with all its files as they are now.
fn pinned(name: &Path, root: Option<&Path>, environment: &Environment) -> Result<Trusted, Refusal> {
    let directory = &environment.directory;
    let file = locate(name, directory);
    if let Ok(file) = &file
        && directory.join(file).exists()
    {
        let root = project_root(&directory.join(file), root).map_err(refusal)?;
        let loaded = read(file, directory, (&root, environment));
        if loaded.kind == FileKind::Orchestrator {
            return of_contract(loaded, &root, environment);
        }
        let real = directory.join(file).canonicalize().map_err(|error| unreadable(name, &error))?;
        let inside = real.strip_prefix(&root).map(Path::to_path_buf);
        let gathered = registry::gather(&root, Look::Among(inside.iter().cloned().collect()));
        let declared =
            gathered.catalog.components().iter().find(|found| inside.as_ref() == Ok(&found.origin.path));
        let source = loaded.source.unwrap_or_default();
        let declared = declared.map(|found| found.as_ref().clone()).or_else(|| {
            let path = inside.clone().ok()?;
            registry::declared(source, &loaded.sources.text(source), &path).component
        });
        return match declared {
            Some(component) => of_component(&component, &root, environment),
            None => Err((AppError::Contract(loaded.diagnostics), loaded.sources)),
        };
    }
    match component_named(name, root, environment) {
        Ok((root, component)) if component.kind == Kind::Workflow => {
            let loaded = read(&component.origin.path, &root, (&root, environment));
            of_contract(loaded, &root, environment)
        }
        Ok((root, component)) => of_component(&component, &root, environment),
        Err(unknown) => match file {
            // It is a path, or a name that is nothing.
            Ok(shown) => {
                let loaded = read(&shown, directory, (directory, environment));
                Err((AppError::Contract(loaded.diagnostics), loaded.sources))
            }
            Err(_) => Err(unknown),
        },
    }
}

fn unreadable(name: &Path, error: &io::Error) -> Refusal {
    refusal(AppError::Input { path: name.to_path_buf(), problem: error.to_string() })
}

/// A contract, with the digests of what was read.
fn read(shown: &Path, directory: &Path, (root, environment): (&Path, &Environment)) -> Loaded {
    let asked = (&mut Components::new(environment), Some(&Permission::for_pinning(root)));
    load_permitted(shown, (directory, Some(root)), asked)
}

fn of_contract(mut loaded: Loaded, root: &Path, environment: &Environment) -> Result<Trusted, Refusal> {
    let plan = match loaded.require_plan() {
        Ok(plan) => plan,
        Err(error) => return Err((error, loaded.sources)),
    };
    let surroundings = Surroundings { root, path: environment.get("PATH"), declared: None };
    let mut files = loaded.files;
    for node in &plan.workflow().nodes {
        let Some(Action::Command(command)) = &node.action else { continue };
        take(&mut files, &project_files(&surroundings.starts(command), root))?;
    }
    let path = loaded.path.canonicalize().map_err(|error| unreadable(&loaded.path, &error))?;
    Ok(Trusted { path, root: root.to_path_buf(), files })
}

fn of_component(component: &Component, root: &Path, environment: &Environment) -> Result<Trusted, Refusal> {
    let whole = root.join(&component.origin.path);
    let path = whole.canonicalize().map_err(|error| unreadable(&whole, &error))?;
    let mut files = vec![Pin { path: path.clone(), digest: component.origin.digest }];
    if component.is_executable() {
        let command = command(component).map_err(|finding| refusal(AppError::Contract(vec![*finding])))?;
        let surroundings = Surroundings { root, path: environment.get("PATH"), declared: None };
        take(&mut files, &project_files(&surroundings.starts(&command), root))?;
    }
    Ok(Trusted { path, root: root.to_path_buf(), files })
}

/// Adds files as they are now.
fn take(files: &mut Vec<Pin>, named: &[PathBuf]) -> Result<(), Refusal> {
    for file in named {
        let pin = pin(file);
        if pin.digest.is_none() {
            let problem = "the contract runs it, so it has to be there to be trusted".to_owned();
            return Err(refusal(AppError::Input { path: file.clone(), problem }));
        }
        if !files.iter().any(|known| known.path == pin.path) {
            files.push(pin);
        }
    }
    Ok(())
}

/// The component of a name, and the project that it is in.
fn component_named(
    name: &Path,
    root: Option<&Path>,
    environment: &Environment,
) -> Result<(PathBuf, Component), Refusal> {
    let root = root_of(root, environment).map_err(refusal)?;
    let gathered = registry::gather(&root, Look::Names);
    let found = reference(&name.to_string_lossy()).and_then(|reference| {
        let resolved = gathered.catalog.resolve(&reference);
        resolved.map(AsRef::as_ref).cloned().map_err(|unresolved| Box::new(unresolved.diagnostic(None)))
    });
    match found {
        Ok(component) => Ok((root, component)),
        Err(finding) => Err((AppError::Contract(vec![*finding]), gathered.sources)),
    }
}
