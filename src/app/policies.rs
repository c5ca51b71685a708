//! Reads the policies of the organisation, of the user and of the project: all of them hold.

use std::path::{Path, PathBuf};

use super::Environment;
use super::error::{AppError, BrokenSettings};
use crate::config;
use crate::diag::{Diagnostic, Severity, SourceMap};
use crate::model::policy::ExecutionPolicy;
use crate::yaml::file::{self, ReadError};

/// The name of a settings file.
const FILE_NAME: &str = "onex.toml";

/// Policies, and the texts that they stand in.
#[derive(Debug, Default)]
pub(super) struct Policies {
    pub policies: Vec<ExecutionPolicy>,
    pub sources: SourceMap,
}

impl Policies {
    /// Reads the files that there are.
    ///
    /// # Errors
    ///
    /// If one of them is not in order.
    pub(super) fn read(environment: &Environment, root: &Path) -> Result<Self, AppError> {
        let mut all = Self::default();
        let mut found: Vec<Diagnostic> = Vec::new();
        for (path, shown) in files(environment, root) {
            let text = match file::read(&path) {
                Ok(text) => text,
                Err(ReadError::NotFound) => continue,
                Err(error) => {
                    let message = format!("cannot read `{}`: {error}", shown.display());
                    found.push(Diagnostic::error(error.code(), message));
                    continue;
                }
            };
            let source = all.sources.add(shown, text);
            let text = all.sources.text(source);
            let (settings, findings) = config::read(&text, source);
            all.policies.extend(settings.policies);
            found.extend(findings);
        }
        if found.iter().any(|finding| finding.severity == Severity::Error) {
            return Err(AppError::Settings(Box::new(BrokenSettings { found, sources: all.sources })));
        }
        Ok(all)
    }
}

/// The files, weakest first, each as it is found and as it is shown.
fn files(environment: &Environment, root: &Path) -> Vec<(PathBuf, PathBuf)> {
    let whole = |path: PathBuf| (path.clone(), path);
    let project = root.join(FILE_NAME);
    let shown = project.strip_prefix(&environment.directory).unwrap_or(&project).to_path_buf();
    let organisation = environment.organisation_file().map(whole);
    let user = environment.config().map(|folder| whole(folder.join(FILE_NAME)));
    organisation.into_iter().chain(user).chain([(project.clone(), shown)]).collect()
}
