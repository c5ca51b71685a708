//! Reads a contract and plans it: all that `run` and `plan` have in common.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Environment;
use super::basis::Basis;
use super::components::Components;
use super::error::AppError;
use super::permission::{Permission, Told};
use crate::base::paths::tidied;
use crate::base::text::nearest;
use crate::contract::file::{self, ReadError};
use crate::contract::{self, FileKind, Parsed, Place, Texts};
use crate::diag::{Code, Diagnostic, Findings, Severity, SourceId, SourceMap, codes, sort_by_position};
use crate::model::component::Form;
use crate::model::context::ContractInfo;
use crate::model::context::Mode;
use crate::model::output::Digest;
use crate::model::policy::Pin;
use crate::model::workflow::NodeSpec;
use crate::orchestrators::binding::is_open;
use crate::plan::Plan;
use crate::registry;

/// The file that a folder's contract is in.
pub(super) const FILE_NAME: &str = "contract.yaml";

/// The folder of a project that its contracts are in, each in a folder of its name.
pub(super) const CONTRACTS: &str = "contracts";

/// A contract that was read, and all that was found in it.
#[derive(Debug, Default)]
pub struct Loaded {
    /// What the file is.
    pub kind: FileKind,
    /// The texts that the findings point into.
    pub sources: SourceMap,
    /// What was found, ordered by position.
    pub diagnostics: Vec<Diagnostic>,
    /// The contract as reports name it; absent where it could not be read.
    pub info: Option<ContractInfo>,
    /// The plan; absent where an error was found.
    pub plan: Option<Plan>,
    /// The contract's own place.
    pub path: PathBuf,
    /// The commit that it was read from, where it was not read where it runs.
    pub basis: Option<Basis>,
    /// The folder that files are shown from, where that is not the working directory.
    pub base: Option<PathBuf>,
    /// The contract's own text.
    pub(super) source: Option<SourceId>,
    /// The files that its texts were read from, without symbolic links, each with the digest of what was read.
    pub(super) files: Vec<Pin>,
    /// The policies that it breaks, as far as anybody has looked.
    pub(super) violations: Vec<Told>,
}

impl Loaded {
    /// The plan, or the findings that keep it from being one.
    ///
    /// # Errors
    ///
    /// All findings, if one of them is an error.
    pub fn require_plan(&mut self) -> Result<Plan, AppError> {
        self.plan.take().ok_or_else(|| AppError::Contract(std::mem::take(&mut self.diagnostics)))
    }
}

/// Reads and plans the contract at `path`: a file, a folder with a `contract.yaml`, or the name of a contract in the
/// project's `contracts` folder. Whatever is wrong is among the findings. Without a `root` the project is looked for.
#[must_use]
pub fn load(path: &Path, environment: &Environment, root: Option<&Path>) -> Loaded {
    match locate(path, &environment.directory) {
        Ok(shown) => load_file(&shown, (&environment.directory, root), &mut Components::new(environment)),
        Err(unknown) => Loaded { diagnostics: vec![*unknown], ..Loaded::default() },
    }
}

/// The same for a file; the components that it uses are looked for where they are not known.
pub(super) fn load_file(
    shown: &Path,
    place: (&Path, Option<&Path>),
    components: &mut Components<'_>,
) -> Loaded {
    load_permitted(shown, place, (components, None))
}

/// The same, as far as it may be read.
pub(super) fn load_permitted(
    shown: &Path,
    (directory, root): (&Path, Option<&Path>),
    (components, permission): (&mut Components<'_>, Option<&Permission>),
) -> Loaded {
    let path = directory.join(shown);
    let text = read_in_project(&path, directory, root);
    let root = project_root(&path, root).unwrap_or_else(|_| directory.to_path_buf());
    load_read(text, (shown, Place { path: &path, root: &root }), (components, permission))
}

/// The text of a file that was named. One that a project has a link to must be in that project.
pub(super) fn read_in_project(
    path: &Path,
    directory: &Path,
    root: Option<&Path>,
) -> Result<String, ReadError> {
    let whole = tidied(path);
    let is_real = |folder: &Path| folder.canonicalize().is_ok_and(|real| real == folder);
    let around = || {
        let folders = whole.ancestors().skip(1).take_while(|_| whole.starts_with(directory));
        folders.into_iter().find(|folder| is_project(folder) && is_real(folder)).map(Path::to_path_buf)
    };
    let root = root.and_then(|root| root.canonicalize().ok()).or_else(around);
    match root.filter(|root| whole.starts_with(root)) {
        Some(root) => file::read_inside(path, &root),
        None => file::read(path),
    }
}

fn is_project(folder: &Path) -> bool {
    folder.join(super::settings::FILE_NAME).exists() || folder.join(".git").exists()
}

/// The same for a text that was read, or could not be.
pub(super) fn load_read(
    text: Result<String, ReadError>,
    (shown, place): (&Path, Place<'_>),
    (components, permission): (&mut Components<'_>, Option<&Permission>),
) -> Loaded {
    match text {
        Ok(text) => load_admitted(text, (shown, place), (components, permission)),
        Err(error) => Loaded {
            sources: components.sources(place.root),
            diagnostics: vec![unreadable(shown, place.path, &error)],
            path: place.path.to_path_buf(),
            ..Loaded::default()
        },
    }
}

/// The same for a text, and the place from which it includes others.
pub(super) fn load_text(
    text: String,
    shown: &Path,
    (place, components): (Place<'_>, &mut Components<'_>),
) -> Loaded {
    load_admitted(text, (shown, place), (components, None))
}

fn load_admitted(
    text: String,
    (shown, place): (&Path, Place<'_>),
    (components, permission): (&mut Components<'_>, Option<&Permission>),
) -> Loaded {
    let sources = components.sources(place.root);
    let mut loaded = Loaded { sources, path: place.path.to_path_buf(), ..Loaded::default() };
    let source = loaded.sources.add(shown, text);
    loaded.source = Some(source);
    let pin =
        |path: &Path, text: &str| Pin { path: path.to_path_buf(), digest: Some(Digest::of(text.as_bytes())) };
    let may_go_on = |loaded: &mut Loaded| permission.is_none_or(|asked| asked.admit(loaded, shown));
    if permission.is_some_and(Permission::is_needed) {
        let own = place.path.canonicalize().unwrap_or_else(|_| place.path.to_path_buf());
        loaded.files.push(pin(&own, &loaded.sources.text(source)));
        if !may_go_on(&mut loaded) {
            return loaded;
        }
    }
    let texts = Texts::gather(&mut loaded.sources, source, place);
    if permission.is_some_and(Permission::is_needed) {
        loaded.files.extend(texts.included_files().map(|(path, text)| pin(path, text)));
        if !may_go_on(&mut loaded) {
            return loaded;
        }
    }
    let Parsed { kind, mut workflow, mut draft, diagnostics } = contract::parse_with(&texts);
    (loaded.kind, loaded.diagnostics) = (kind, diagnostics);
    if let Some(open) = workflow.as_mut().or(draft.as_mut()).filter(|workflow| is_open(workflow)) {
        if components.look(place.root) {
            // Read again, so that the places of the contract and of its components are in one list of texts.
            return load_admitted(texts.text().to_owned(), (shown, place), (components, permission));
        }
        let (found, used) = components.bind(open, place.root);
        loaded.diagnostics.extend(bounded(found));
        if permission.is_some_and(Permission::is_needed) {
            let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
            loaded.files.extend(used.iter().map(|component| Pin {
                path: real(place.root.join(&component.origin.path)),
                digest: component.origin.digest,
            }));
            if !permission.is_none_or(|asked| asked.admit(&mut loaded, shown)) {
                return loaded;
            }
        }
        if loaded.diagnostics.iter().any(|found| found.severity == Severity::Error) {
            draft = workflow.take().or(draft);
        }
    }
    component(&mut loaded, source, shown);
    if let Some(workflow) = workflow {
        loaded.info = Some(ContractInfo {
            name: workflow.name.clone(),
            version: workflow.version.clone(),
            path: shown.display().to_string(),
            digest: digest(&texts),
            commit: None,
        });
        match Plan::new(Arc::new(workflow)) {
            Ok(plan) => {
                let mut found = Findings::default();
                found.extend(plan.unbound(Severity::Warning));
                found.extend(plan.stopped_first());
                found.extend(plan.never_run());
                found.extend(plan.outlasting_retries());
                loaded.diagnostics.extend(found.into_vec());
                if plan.is_empty() && !loaded.diagnostics.iter().any(|d| d.code == codes::NO_GRAPH) {
                    let finding = Diagnostic::warning(
                        codes::NO_GRAPH,
                        "the contract has no nodes, so there is nothing to run",
                    );
                    loaded.diagnostics.push(finding);
                }
                let wanted: Vec<bool> = plan.workflow().nodes.iter().map(NodeSpec::is_wanted).collect();
                loaded.plan = Some(if wanted.contains(&false) { plan.narrowed(&wanted) } else { plan });
            }
            Err(circles) => loaded.diagnostics.extend(bounded(circles)),
        }
    } else if let Some(draft) = draft {
        // What is wrong elsewhere does not hide a circle.
        loaded.diagnostics.extend(bounded(Plan::new(Arc::new(draft)).err().unwrap_or_default()));
    }
    sort_by_position(&mut loaded.diagnostics);
    loaded
}

/// As many findings as are kept.
pub(super) fn bounded(findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut found = Findings::default();
    found.extend(findings);
    found.into_vec()
}

/// What there is to say of a component: of a file that is one, or has a metadata block.
fn component(loaded: &mut Loaded, source: SourceId, shown: &Path) {
    let text = loaded.sources.text(source);
    let named = registry::form_of(shown) == Some(Form::File);
    let declared = match loaded.kind {
        FileKind::Orchestrator | FileKind::Node => return,
        FileKind::Component => registry::declared_by(source, &text, shown),
        FileKind::Fragment | FileKind::Other if named => registry::declared_by(source, &text, shown),
        FileKind::Fragment | FileKind::Other if registry::form_of(shown).is_none() => {
            let found = registry::declared(source, &text, shown);
            if !found.is_any {
                return;
            }
            // Around a block, a file need not be YAML.
            let finding = Diagnostic::error(codes::NOT_A_CONTRACT, "this file declares no workflow");
            loaded.diagnostics = vec![finding.help("its metadata block declares a component")];
            found
        }
        FileKind::Fragment | FileKind::Other => return,
    };
    loaded.kind = FileKind::Component;
    loaded.diagnostics.retain(|found| found.code == codes::NOT_A_CONTRACT);
    loaded.diagnostics.extend(declared.diagnostics);
}

/// The digest of a contract with all that it includes.
fn digest(texts: &Texts) -> String {
    let included = texts.included_texts();
    if included.is_empty() {
        return Digest::of(texts.text().as_bytes()).to_string();
    }
    let all = std::iter::once(texts.text()).chain(included);
    let digests: Vec<String> = all.map(|text| Digest::of(text.as_bytes()).to_string()).collect();
    Digest::of(digests.join("\n").as_bytes()).to_string()
}

/// The file that `path` means, as it is to be shown.
pub(super) fn locate(path: &Path, directory: &Path) -> Result<PathBuf, Box<Diagnostic>> {
    let asked = directory.join(path);
    if asked.is_dir() && asked.join(FILE_NAME).exists() {
        return Ok(path.join(FILE_NAME));
    }
    // A name has no slash and no ending; a path that leads nowhere is a path.
    let name = path.to_str().filter(|name| !asked.exists() && !name.is_empty() && !name.contains(['/', '.']));
    let Some(name) = name else { return Ok(path.to_path_buf()) };
    let folders: Vec<PathBuf> =
        directory.ancestors().map(|folder| folder.join(CONTRACTS)).filter(|f| f.is_dir()).collect();
    for folder in &folders {
        let file = folder.join(name).join(FILE_NAME);
        if file.exists() {
            return Ok(file.strip_prefix(directory).map_or_else(|_| file.clone(), Path::to_path_buf));
        }
    }
    let mut known: Vec<String> = folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| {
            entry.ok().filter(|e| e.path().join(FILE_NAME).exists())?.file_name().into_string().ok()
        })
        .collect();
    known.sort();
    let finding = Diagnostic::error(codes::UNKNOWN_CONTRACT, format!("no contract is named `{name}`"));
    let meant = nearest(name, known.iter().map(String::as_str));
    let help = match (meant, known.as_slice()) {
        (Some(_), _) => return Err(Box::new(finding.did_you_mean(meant))),
        (None, []) => {
            format!("a contract's name is its folder in `{CONTRACTS}`; a file is named with its path")
        }
        (None, known) => format!(
            "`{CONTRACTS}` has {}",
            known.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
        ),
    };
    Err(Box::new(finding.help(help)))
}

/// The names of contracts that are found from a folder: those in the `contracts` folders above it.
pub(super) fn contracts_above(directory: &Path) -> Vec<String> {
    let entries = directory.ancestors().filter_map(|folder| std::fs::read_dir(folder.join(CONTRACTS)).ok());
    let is_contract = |entry: &std::fs::DirEntry| entry.path().join(FILE_NAME).is_file();
    let entries = entries.flatten().filter_map(Result::ok).filter(is_contract);
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names.dedup();
    names
}

pub(super) fn unreadable(shown: &Path, path: &Path, error: &ReadError) -> Diagnostic {
    let finding = Diagnostic::error(error.code(), format!("cannot read `{}`: {error}", shown.display()));
    match error {
        ReadError::NotFound => {
            let meant = file::neighbour(path).map(|name| shown.with_file_name(name).display().to_string());
            finding.did_you_mean(meant.as_deref())
        }
        ReadError::NotAFile("a directory") => finding.help(format!("there is no `{FILE_NAME}` in it")),
        ReadError::Outside => finding.help("it is not read"),
        ReadError::NotAFile(_)
        | ReadError::TooLarge
        | ReadError::NotUtf8(_)
        | ReadError::OtherEncoding(_)
        | ReadError::Io(_) => finding,
    }
}

/// What keeps a planned contract from running: nodes without an action, and parts that are not carried out yet.
#[must_use]
pub fn obstacles(plan: &Plan, diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    let later = diagnostics.iter().filter(|d| is_obstacle(d.code) && d.severity == Severity::Warning);
    let mut found: Vec<_> = later.map(|d| Diagnostic { severity: Severity::Error, ..d.clone() }).collect();
    found.extend(plan.unbound(Severity::Error));
    found
}

/// Whether a finding, of which a plan only warns, keeps a contract from running.
pub(super) fn is_obstacle(code: Code) -> bool {
    matches!(
        code,
        codes::NOT_CARRIED_OUT | codes::MISSING_PROGRAM | codes::UNKNOWN_COMPONENT | codes::NO_SUCH_VERSION
    )
}

/// How a run goes about its nodes: what was asked for, then what the contract says, then one at a time.
#[must_use]
pub fn mode_and_jobs(
    plan: &Plan,
    (mode, jobs): (Option<Mode>, Option<usize>),
    cores: usize,
) -> (Mode, usize) {
    let rules = &plan.workflow().rules;
    let parallel = jobs.map_or(rules.parallel.unwrap_or(false), |jobs| jobs > 1);
    let mode = mode.unwrap_or(if parallel { Mode::Async } else { Mode::Sync });
    let jobs = match mode {
        Mode::Sync | Mode::Profile => 1,
        Mode::DryRun if !parallel => 1,
        Mode::Async | Mode::DryRun => {
            jobs.unwrap_or(cores).min(rules.max_parallel.unwrap_or(usize::MAX)).max(1)
        }
    };
    (mode, jobs)
}

/// The project root: the nearest folder above the contract with an `onex.toml` or a `.git`, else the contract's own.
///
/// # Errors
///
/// If a root that was named is no folder.
pub fn project_root(contract: &Path, named: Option<&Path>) -> Result<PathBuf, AppError> {
    let real = |path: &Path| {
        path.canonicalize()
            .map_err(|error| AppError::Input { path: path.to_path_buf(), problem: error.to_string() })
    };
    if let Some(named) = named {
        let root = real(named)?;
        if !root.is_dir() {
            return Err(AppError::Input { path: named.to_path_buf(), problem: "it is no folder".to_owned() });
        }
        return Ok(root);
    }
    let contract = real(contract)?;
    Ok(root_above(contract.parent().unwrap_or(Path::new("/"))))
}

/// The project root for what stands in a folder.
pub(super) fn root_above(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| is_project(folder)).unwrap_or(folder).to_path_buf()
}
