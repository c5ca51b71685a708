//! Contracts, components and scripts of a commit, for a change that nobody has looked at yet: what decides what runs is
//! not taken from the change, and what it runs on is.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::Environment;
use super::components::Components;
use super::contract::{CONTRACTS, FILE_NAME, Loaded, bounded, load_read, locate, root_above};
use super::declarations;
use super::error::AppError;
use super::permission::Permission;
use super::place::{in_cache, looking, repository};
use super::run::RunRequest;
use super::settings;
use crate::base::paths::tidied;
use crate::contract::Place;
use crate::contract::file::{self, MAX_SIZE, ReadError};
use crate::diag::{Diagnostic, codes};
use crate::executors::{Declared, Named, named};
use crate::model::context::Mode;
use crate::model::workflow::{Action, Workflow};
use crate::orchestrators::StageError;
use crate::vcs::{Committed, VcsError};

/// A commit that decides what runs.
#[derive(Debug)]
pub struct Basis {
    committed: Committed,
    /// The commit, as it was named.
    reference: String,
    /// The top of the working tree, without symbolic links.
    tree: PathBuf,
    /// The project root below both tops.
    inside: PathBuf,
}

impl Basis {
    /// The project of a stage, as it was in the commit.
    ///
    /// # Errors
    ///
    /// If there is no such commit, or it cannot be laid out.
    pub fn of_project(
        reference: &str,
        named: Option<&Path>,
        (environment, mode): (&Environment, Option<Mode>),
    ) -> Result<Self, AppError> {
        let start = named.unwrap_or(&environment.directory);
        let mut basis = Self::lay_out(reference, start, (environment, mode))?;
        let root = match named {
            Some(named) => basis.here(named)?,
            None => root_above(&basis.here(&environment.directory)?),
        };
        basis.inside = basis.below_top(&root)?;
        Ok(basis)
    }

    /// A contract of the commit, as far as it may be read, planned, with what its run is held against and the project
    /// root in the working tree.
    ///
    /// # Errors
    ///
    /// If there is no such commit, it cannot be laid out, or the contract is named by a path outside of the repository.
    pub(super) fn of_contract(
        reference: &str,
        (contract, request): (&Path, &RunRequest),
        environment: &Environment,
    ) -> Result<(Loaded, Permission, PathBuf), AppError> {
        let (named, mode) = (request.root.as_deref(), request.mode);
        let whole = environment.directory.join(contract);
        let folder = whole.parent().filter(|folder| folder.is_dir()).unwrap_or(&environment.directory);
        let mut basis = Self::lay_out(reference, named.unwrap_or(folder), (environment, mode))?;
        let is_name = is_name(contract);
        let (directory, asked) = if is_name {
            (basis.here(&environment.directory)?, contract.to_path_buf())
        } else {
            (basis.committed.top().to_path_buf(), basis.here(&whole)?)
        };
        let found = match locate(&asked, &directory) {
            Ok(found) => found,
            Err(finding) => {
                let here = locate(contract, &environment.directory);
                let is_added = here.is_ok_and(|found| environment.directory.join(found).exists());
                return Err(AppError::Contract(vec![finding.help(basis.absence(is_added))]));
            }
        };
        let file = directory.join(&found);
        let below = basis.below_top(&file)?;
        if let Some(link) = basis.committed.outside().iter().find(|link| below.starts_with(link)) {
            return Err(basis.leads_out(link));
        }
        let shown = match found.strip_prefix(&asked) {
            _ if is_name && found.is_relative() => found.clone(),
            _ if is_name => basis.tree.join(&below),
            Ok(rest) if rest == Path::new(FILE_NAME) => contract.join(FILE_NAME),
            _ => contract.to_path_buf(),
        };
        let root = match named {
            Some(named) => basis.here(named)?,
            None => root_above(file.parent().unwrap_or(&directory)),
        };
        basis.inside = basis.below_top(&root)?;
        let tree_root = basis.tree_root()?;
        let stage = request.stage.as_ref().map(|stage| stage.name.as_str());
        let configured = (environment, request.configuration.as_ref());
        let mut permission = Permission::of(configured, (stage, &tree_root), request.require_trusted);
        permission.set_tree(&root);
        let mut components = Components::new(environment).working_in(&tree_root);
        let text = file::read_inside(&file, basis.committed.top());
        let place = Place { path: &file, root: &root };
        let mut loaded = load_read(text, (&shown, place), (&mut components, Some(&permission)));
        loaded.path = basis.tree.join(&below);
        match &mut loaded.info {
            Some(info) => info.commit = Some(basis.commit().to_owned()),
            None => basis.explain_absence(&mut loaded, &below),
        }
        if let Some(plan) = &loaded.plan {
            let of_components = components.sources(&root);
            let of_components: BTreeSet<&Path> = of_components.paths().collect();
            let names = loaded.sources.paths().filter_map(|path| {
                // Components are shown as they are named from the root.
                let from = if of_components.contains(path) { &tree_root } else { &environment.directory };
                let whole = tidied(&from.join(path));
                Some(whole.strip_prefix(&tree_root).ok()?.to_path_buf())
            });
            let found = basis.differences(&tree_root, &names.collect::<Vec<_>>(), plan.workflow());
            if found.iter().any(|found| found.severity == crate::diag::Severity::Error) {
                loaded.plan = None;
            }
            loaded.diagnostics.extend(found);
        }
        loaded.basis = Some(basis);
        Ok((loaded, permission, tree_root))
    }

    fn lay_out(
        reference: &str,
        start: &Path,
        (environment, mode): (&Environment, Option<Mode>),
    ) -> Result<Self, AppError> {
        let failed =
            |problem: &str| AppError::Basis { reference: reference.to_owned(), problem: problem.to_owned() };
        let start = environment.directory.join(start);
        let find = if mode == Some(Mode::DryRun) { looking } else { repository };
        let Some(repository) = find(&start, environment)? else {
            return Err(failed("there is no git repository here"));
        };
        let tree = repository.top().canonicalize().map_err(|error| failed(&error.to_string()))?;
        let commit = repository.commit(reference)?;
        let committed = in_cache(environment, |cache| Committed::of(&repository, &commit, cache))?;
        for link in committed.outside() {
            tracing::info!(link = %link.display(), "a link of the commit leads out of it and is left out");
        }
        Ok(Self { committed, reference: reference.to_owned(), tree, inside: PathBuf::new() })
    }

    /// The place in the commit of a path in the working tree. Links of the working tree count for nothing: the change
    /// may have made them.
    fn here(&self, path: &Path) -> Result<PathBuf, AppError> {
        let below = below(path, &self.tree).ok_or_else(|| {
            let what = format!("`{}` is outside of the repository `{}`", path.display(), self.tree.display());
            StageError::Outside(format!("{what}, so `{}` cannot have it", self.reference))
        })?;
        Ok(self.committed.top().join(below))
    }

    /// A path of the commit, relative to its top.
    fn below_top(&self, path: &Path) -> Result<PathBuf, AppError> {
        let below = tidied(path).strip_prefix(self.committed.top()).map(Path::to_path_buf);
        below.map_err(|_| {
            StageError::Outside(format!("`{}` leads out of the repository", path.display())).into()
        })
    }

    fn leads_out(&self, link: &Path) -> AppError {
        let message = format!("`{}` is a link that leads out of {}", link.display(), self.shown());
        StageError::Outside(message).into()
    }

    /// What a contract that is not there could be told of.
    fn explain_absence(&self, loaded: &mut Loaded, below: &Path) {
        let is_added = self.tree.join(below).exists() && !self.committed.top().join(below).exists();
        if let Some(first) = loaded.diagnostics.first_mut() {
            first.help.push(self.absence(is_added));
        }
    }

    fn absence(&self, is_added: bool) -> String {
        let what = if is_added { "the working tree has it, which does not count: " } else { "" };
        format!("{what}contracts come from {}", self.shown())
    }

    /// The commit, for people.
    fn shown(&self) -> String {
        let commit = self.commit();
        format!("`{}` ({})", self.reference, commit.get(..10).unwrap_or(commit))
    }

    /// The name of the commit.
    #[must_use]
    pub fn commit(&self) -> &str {
        self.committed.commit()
    }

    /// The project root in the commit.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        tidied(&self.committed.top().join(&self.inside))
    }

    /// The project root in the working tree.
    ///
    /// # Errors
    ///
    /// If it is not there, or not where it was.
    pub fn tree_root(&self) -> Result<PathBuf, AppError> {
        let root = tidied(&self.tree.join(&self.inside));
        let real = root.canonicalize().map_err(|error| AppError::Input {
            path: root.clone(),
            problem: format!("the project root of the commit is not in the working tree: {error}"),
        })?;
        if real != root {
            let message = format!("the project root `{}` is a link in the working tree", root.display());
            return Err(StageError::Outside(message).into());
        }
        if !real.is_dir() {
            return Err(AppError::Input { path: root, problem: "it is no folder".to_owned() });
        }
        Ok(root)
    }

    /// Where programs of the project come from.
    #[must_use]
    pub fn declared(&self) -> Declared {
        Declared { top: self.committed.top().to_path_buf(), root: self.root() }
    }

    /// The files of the commit that may declare components, relative to the project root.
    ///
    /// # Errors
    ///
    /// If git cannot be asked.
    pub fn declarations(&self) -> Result<Vec<PathBuf>, AppError> {
        let files = self.committed.files(&declarations::patterns().each_ref().map(String::as_str))?;
        let below = |file: PathBuf| Some(file.strip_prefix(&self.inside).ok()?.to_path_buf());
        Ok(files.into_iter().filter_map(below).collect())
    }

    /// What the project below `tree` has otherwise of these files, relative to the project root, and of those that the
    /// nodes of a workflow name: for who has changed them and wonders why nothing happens. What a shell or an
    /// interpreter would take from the working tree is an error, where that is another.
    #[must_use]
    pub fn differences(&self, tree: &Path, names: &[PathBuf], workflow: &Workflow) -> Vec<Diagnostic> {
        let inside = self.inside.components().count();
        let tree_top = tree.ancestors().nth(inside).unwrap_or(tree);
        let here = |name: &Path| tidied(&self.inside.join(name));
        let mut declared: BTreeSet<PathBuf> = names.iter().map(|name| here(name)).collect();
        let mut handed: BTreeSet<(PathBuf, &str)> = BTreeSet::new();
        for node in &workflow.nodes {
            let Some(Action::Command(command)) = &node.action else { continue };
            for file in named(command) {
                match file {
                    Named::Started(file) => _ = declared.insert(here(&file)),
                    Named::Handed(file) => _ = handed.insert((here(&file), node.id.as_str())),
                }
            }
        }
        let is_here = |name: &Path| !name.starts_with("..") && !name.is_absolute();
        let standing = |name: &Path| {
            let (here, there) =
                (State::of(&self.committed.top().join(name)), State::of(&tree_top.join(name)));
            (here != there).then_some((here, there))
        };
        let mut found = Vec::new();
        for link in self.committed.outside().iter().filter(|link| declared.contains(*link)) {
            let message = format!("`{}` is a link that leads out of {}", link.display(), self.shown());
            found.push(Diagnostic::warning(codes::OUTSIDE_ROOT, message).help("it is not read"));
        }
        for name in declared.iter().filter(|name| is_here(name)) {
            let Some((here, there)) = standing(name) else { continue };
            let what = match (here, there) {
                (State::Nothing, _) => "is new in the working tree, and does not count",
                (_, State::Nothing) => "is gone from the working tree, and counts",
                _ => "is another in the working tree, and counts as it was",
            };
            let message = format!("`{}` {what}: contracts come from {}", name.display(), self.shown());
            found.push(Diagnostic::warning(codes::OTHER_DECLARATION, message));
        }
        for (name, node) in handed.iter().filter(|(name, _)| is_here(name)) {
            if standing(name).is_none() {
                continue;
            }
            let message = format!(
                "node `{node}` would run `{}` of the working tree, which is another than that of {}",
                name.display(),
                self.shown()
            );
            let help = "a file that a text for a shell names, or the argument of an interpreter, is taken from where the \
                        program works; use `script:`, or make it the program itself";
            found.push(Diagnostic::error(codes::OTHER_DECLARATION, message).help(help));
        }
        bounded(found)
    }
}

/// A path relative to the top of a working tree, which has no symbolic links.
fn below(path: &Path, top: &Path) -> Option<PathBuf> {
    let whole = tidied(path);
    let ancestors: Vec<&Path> = whole.ancestors().collect();
    let is_top = |folder: &&&Path| folder.canonicalize().is_ok_and(|real| real == top);
    let above = ancestors.iter().rev().find(is_top)?;
    whole.strip_prefix(above).ok().map(Path::to_path_buf)
}

/// The place of a settings file, and its text or why that cannot be read.
pub(super) type SettingsText = (PathBuf, Result<String, ReadError>);

/// The settings file of the project as a commit has it, with the place that it has in the working tree; nothing where
/// there is none, or where there is no such commit, which is for the run to say.
///
/// # Errors
///
/// Why it cannot be read.
pub(super) fn settings_of(
    reference: &str,
    (contract, named): (Option<&Path>, Option<&Path>),
    environment: &Environment,
) -> Result<Option<SettingsText>, AppError> {
    let directory = &environment.directory;
    let whole = contract.map(|contract| directory.join(contract));
    let folder = whole.as_deref().and_then(Path::parent).filter(|folder| folder.is_dir());
    let start = named.or(folder).unwrap_or(directory);
    let Some(repository) = looking(start, environment)? else { return Ok(None) };
    let commit = match repository.commit(reference) {
        Ok(commit) => commit,
        Err(VcsError::NoCommit { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let Ok(top) = repository.top().canonicalize() else { return Ok(None) };
    let has = |files: &[PathBuf]| repository.files_of(&commit, files);
    let folders: Vec<PathBuf> = match (named, contract.filter(|contract| is_name(contract)), &whole) {
        (Some(named), _, _) => below(&directory.join(named), &top).into_iter().collect(),
        (None, Some(name), _) => {
            let Some(here) = below(directory, &top) else { return Ok(None) };
            let own = |folder: &Path| folder.join(CONTRACTS).join(name);
            let all: Vec<PathBuf> = here.ancestors().map(|folder| own(folder).join(FILE_NAME)).collect();
            let found = has(&all)?.into_iter().map(|file| file.path);
            let nearest = found.max_by_key(|path| path.components().count());
            let start = nearest.as_deref().and_then(Path::parent).unwrap_or(&here);
            start.ancestors().map(Path::to_path_buf).collect()
        }
        (None, None, Some(whole)) => {
            // One that is a file has nothing below it.
            below(whole, &top).iter().flat_map(|path| path.ancestors()).map(Path::to_path_buf).collect()
        }
        (None, None, None) => {
            below(directory, &top).iter().flat_map(|path| path.ancestors()).map(Path::to_path_buf).collect()
        }
    };
    let all: Vec<PathBuf> = folders.iter().map(|folder| folder.join(settings::FILE_NAME)).collect();
    if all.is_empty() {
        return Ok(None);
    }
    let Some(file) = has(&all)?.into_iter().max_by_key(|file| file.path.components().count()) else {
        return Ok(None);
    };
    let text = match file.is_plain {
        true => file::read_from(repository.content_of(&file)?.as_slice()),
        false => Err(ReadError::NotAFile("a link or a folder of the commit")),
    };
    Ok(Some((repository.top().join(&file.path), text)))
}

/// Whether a contract is named, and not its path.
fn is_name(contract: &Path) -> bool {
    contract.to_str().is_some_and(|name| !name.is_empty() && !name.contains(['/', '.']))
}

/// What there is at a place, as far as it matters for what runs.
#[derive(PartialEq, Eq)]
enum State {
    Nothing,
    File { text: Vec<u8>, is_executable: bool },
    Link(PathBuf),
    Large(u64),
    Other,
}

impl State {
    fn of(path: &Path) -> Self {
        let Ok(kind) = fs::symlink_metadata(path) else { return Self::Nothing };
        if kind.is_symlink() {
            return fs::read_link(path).map_or(Self::Other, Self::Link);
        }
        if !kind.is_file() {
            return Self::Other;
        }
        if kind.len() > MAX_SIZE {
            return Self::Large(kind.len());
        }
        match fs::read(path) {
            Ok(text) => Self::File { text, is_executable: kind.permissions().mode() & 0o100 != 0 },
            Err(_) => Self::Other,
        }
    }
}
