//! Settings files: where they are, and what all of them together say.
//!
//! Weakest first: the organisation's, the user's, the project's. Each is read once, and only where something runs or is
//! planned.

use std::path::{Path, PathBuf};

use super::Environment;
use super::basis;
use super::contract::{locate, project_root, unreadable};
use super::error::AppError;
use super::list::root_of;
use crate::config::{self, Settings};
use crate::contract::file::{self, ReadError};
use crate::diag::{Diagnostic, SourceId, SourceMap, Span, codes};
use crate::orchestrators::{ConfiguredDefault, FileChoice};

/// The name of settings files; that of a project marks its root, too.
pub(super) const FILE_NAME: &str = "onex.toml";

/// The file of the organisation.
const ORGANISATION: &str = "/etc/onex/onex.toml";

/// Names another file of the organisation; set to nothing, there is none.
pub const ORGANISATION_VARIABLE: &str = "ONEX_SYSTEM_CONFIG";

/// Whose settings a file holds. Later ones win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Of all users of a machine.
    Organisation,
    /// Of one user.
    User,
    /// Of one project.
    Project,
}

impl Layer {
    /// The layer as one word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Organisation => "organisation",
            Self::User => "user",
            Self::Project => "project",
        }
    }
}

/// One settings file.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    /// Whose it is.
    pub layer: Layer,
    /// Where it is, or would be, as it is shown.
    pub path: PathBuf,
    /// Its text; nothing where there is no such file, or it cannot be read.
    pub source: Option<SourceId>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

/// What all settings files say.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// What holds.
    pub settings: Settings,
    /// The texts that the settings and the findings point into.
    pub sources: SourceMap,
    /// The files, weakest first.
    pub files: Vec<SettingsFile>,
}

/// What the project is found by.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProjectOf<'a> {
    /// The contract, as it was typed.
    pub contract: Option<&'a Path>,
    /// The root, where one was named.
    pub root: Option<&'a Path>,
    /// The commit that its settings come from, where that was said.
    pub contracts_from: Option<&'a str>,
}

/// Reads the settings files for a project. What is wrong with them is kept; where the project is not found, that is for
/// others to say.
#[must_use]
pub fn load(project: ProjectOf<'_>, environment: &Environment) -> Configuration {
    let directory = &environment.directory;
    let mut configuration = Configuration::default();
    if let Some(path) = organisation(environment) {
        configuration.read(Layer::Organisation, &path, directory);
        if environment.get(ORGANISATION_VARIABLE).is_some() {
            configuration.require(&path);
        }
    }
    if let Some(folder) = environment.config() {
        configuration.read(Layer::User, &folder.join(FILE_NAME), directory);
    }
    if let Some(reference) = project.contracts_from {
        configuration.read_from(reference, project, environment);
    } else if let Some(root) = root(project, environment) {
        configuration.read(Layer::Project, &root.join(FILE_NAME), directory);
    }
    configuration
}

/// The file of the organisation; nothing where somebody wants none.
pub(super) fn organisation(environment: &Environment) -> Option<PathBuf> {
    match environment.get(ORGANISATION_VARIABLE) {
        Some(path) => Some(environment.directory.join(path)),
        None if environment.is_set_to_nothing(ORGANISATION_VARIABLE) => None,
        None => Some(PathBuf::from(ORGANISATION)),
    }
}

/// The root of the project, where it can be found.
fn root(project: ProjectOf<'_>, environment: &Environment) -> Option<PathBuf> {
    let directory = &environment.directory;
    let named = project.root.map(|root| directory.join(root));
    match (named, project.contract) {
        (None, Some(contract)) => {
            let contract = locate(contract, directory).ok().map(|file| directory.join(file));
            contract
                .and_then(|contract| project_root(&contract, None).ok())
                .or_else(|| root_of(None, environment).ok())
        }
        (named, _) => root_of(named.as_deref(), environment).ok(),
    }
}

impl Configuration {
    /// Reads the project's settings as a commit has them: those of the working tree may be the change's own.
    fn read_from(&mut self, reference: &str, project: ProjectOf<'_>, environment: &Environment) {
        match basis::settings_of(reference, (project.contract, project.root), environment) {
            Ok(None) => {}
            Ok(Some((path, text))) => self.take(Layer::Project, (&path, text), &environment.directory),
            Err(error) => {
                let message = format!("cannot read the settings that `{reference}` has: {error}");
                let found = vec![Diagnostic::error(codes::UNREADABLE, message)];
                let path = PathBuf::from(FILE_NAME);
                self.files.push(SettingsFile {
                    layer: Layer::Project,
                    path,
                    source: None,
                    diagnostics: found,
                });
            }
        }
    }

    fn read(&mut self, layer: Layer, path: &Path, directory: &Path) {
        // What a project has a link to, outside of itself, is not its own.
        let root =
            path.parent().filter(|_| layer == Layer::Project).and_then(|root| root.canonicalize().ok());
        let text = root.map_or_else(|| file::read(path), |root| file::read_inside(path, &root));
        self.take(layer, (path, text), directory);
    }

    fn take(&mut self, layer: Layer, (path, text): (&Path, Result<String, ReadError>), directory: &Path) {
        let shown = path.strip_prefix(directory).unwrap_or(path).to_path_buf();
        let mut read = SettingsFile { layer, path: shown, source: None, diagnostics: Vec::new() };
        match text {
            Ok(text) => {
                let source = self.sources.add(&read.path, text);
                let (settings, found) = config::read(&self.sources.text(source), source);
                self.settings = settings.over(std::mem::take(&mut self.settings));
                (read.source, read.diagnostics) = (Some(source), found);
            }
            Err(error) if is_absent(&error) => {}
            Err(error) => read.diagnostics.push(unreadable(&read.path, path, &error)),
        }
        self.files.push(read);
    }

    /// A file that was named is there.
    fn require(&mut self, path: &Path) {
        let Some(file) = self.files.last_mut() else { return };
        if file.source.is_none() && file.diagnostics.is_empty() {
            let found = unreadable(&file.path, path, &ReadError::NotFound);
            file.diagnostics.push(found.help(format!("{ORGANISATION_VARIABLE} names this file")));
        }
    }

    /// Whether all files are in order.
    ///
    /// # Errors
    ///
    /// With all that is wrong with them.
    pub fn in_order(&self) -> Result<(), AppError> {
        let found: Vec<Diagnostic> = self.files.iter().flat_map(|file| file.diagnostics.clone()).collect();
        if found.is_empty() { Ok(()) } else { Err(AppError::Settings(found)) }
    }

    /// The file and the line of a place.
    #[must_use]
    pub fn place(&self, at: Span) -> String {
        let line = self.sources.position(at.source, at.start).line;
        format!("{}:{line}", self.sources.path(at.source).display())
    }

    /// Whose file a place stands in.
    #[must_use]
    pub fn layer(&self, at: Span) -> Option<Layer> {
        self.files.iter().find(|file| file.source == Some(at.source)).map(|file| file.layer)
    }

    /// What a stage asks of components by these settings.
    #[must_use]
    pub fn defaults_of(&self, stage: &'static str) -> Vec<ConfiguredDefault> {
        let selection = self.settings.selection(stage);
        selection
            .map(|(key, values, at)| ConfiguredDefault {
                key,
                values: values.to_vec(),
                origin: self.place(at),
            })
            .collect()
    }

    /// The files that a stage is about by these settings.
    #[must_use]
    pub fn files_of(&self, stage: &'static str) -> Option<FileChoice> {
        let files = self.settings.get(config::Section::Stage(stage), config::keys::FILES)?;
        match files.word() {
            Some("staged") => Some(FileChoice::Staged),
            _ => Some(FileChoice::All),
        }
    }
}

/// Whether there is no file: what should be a folder above it may be something else, such as `HOME=/dev/null`.
fn is_absent(error: &ReadError) -> bool {
    match error {
        ReadError::NotFound => true,
        ReadError::Io(error) => error.kind() == std::io::ErrorKind::NotADirectory,
        ReadError::NotAFile(_)
        | ReadError::Outside
        | ReadError::TooLarge
        | ReadError::NotUtf8(_)
        | ReadError::OtherEncoding(_) => false,
    }
}
