//! Shows the workflows and components of a project.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Environment;
use super::console::Console;
use super::contract::{project_root, root_above};
use super::error::{AppError, diagnosed};
use super::plan::finish;
use crate::diag::{Diagnostic, Severity, SourceMap, codes};
use crate::model::component::{Component, ComponentInfo, ComponentQuery, Counts, Listing, QueryError};
use crate::model::context::Format;
use crate::model::exit::ExitCode;
use crate::registry::{self, Gathered, Look, Registry as _};
use crate::report::{Volume, components, diagnostics};

/// What to list, and how to show it.
#[derive(Clone, Debug, Default)]
pub struct ListRequest {
    /// The project root, where one was named.
    pub root: Option<PathBuf>,
    /// Filters: `key=value`, all of which must hold.
    pub filter: Vec<String>,
    /// Tags, of which one must be there.
    pub tags: Vec<String>,
    /// Whether metadata blocks in other files count, too.
    pub scan: bool,
    /// The form of the list; for people where none is named.
    pub format: Option<Format>,
}

/// Lists what a project has.
pub fn list(request: &ListRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    let query = match query(&request.filter, &request.tags) {
        Ok(query) => query,
        Err(finding) => return refuse(&[*finding], &SourceMap::default(), request.format, console),
    };
    let root = match root_of(request.root.as_deref(), environment) {
        Ok(root) => root,
        Err(error) => return failed(&error, console),
    };
    let gathered = gathered(&root, request.scan, environment);
    let mut findings = gathered.diagnostics.clone();
    findings.extend(registry::duplicates(gathered.catalog.components()));
    show(&Shown { gathered: &gathered, query: &query, findings, details: false }, request.format, console)
}

/// The components of a project, on demand those in other files, too.
pub(super) fn gathered(root: &Path, scan: bool, environment: &Environment) -> Gathered {
    registry::gather(root, if scan { Look::Contents } else { super::declarations::look(root, environment) })
}

/// The project root: the one that was named, or the nearest above the working directory.
pub(super) fn root_of(named: Option<&Path>, environment: &Environment) -> Result<PathBuf, AppError> {
    match named {
        Some(named) => project_root(named, Some(named)),
        None => {
            let directory = &environment.directory;
            Ok(root_above(&directory.canonicalize().unwrap_or_else(|_| directory.clone())))
        }
    }
}

/// The query that filters and tags amount to.
pub(super) fn query(filters: &[String], tags: &[String]) -> Result<ComponentQuery, Box<Diagnostic>> {
    let mut query = ComponentQuery::default();
    for filter in filters {
        query =
            query.and(ComponentQuery::parse_filters(filter).map_err(|error| Box::new(bad_query(&error)))?);
    }
    let tags: Vec<&str> =
        tags.iter().flat_map(|tags| tags.split(',')).map(str::trim).filter(|t| !t.is_empty()).collect();
    if tags.is_empty() {
        return Ok(query);
    }
    Ok(query.with(crate::model::component::FilterKey::Tags, tags))
}

/// The finding that a query is none.
pub(super) fn bad_query(error: &QueryError) -> Diagnostic {
    Diagnostic::error(codes::BAD_FILTER, error.message.clone()).did_you_mean(error.suggestion.as_deref())
}

/// Something to show of a project.
pub(super) struct Shown<'s> {
    pub gathered: &'s Gathered,
    pub query: &'s ComponentQuery,
    pub findings: Vec<Diagnostic>,
    /// Whether all is shown that is known of each component.
    pub details: bool,
}

/// Shows what a query selects; findings go to stderr, and for machines into the document.
pub(super) fn show(shown: &Shown<'_>, format: Option<Format>, console: &mut Console) -> ExitCode {
    let Gathered { sources, catalog, other_projects, .. } = shown.gathered;
    let mut findings = shown.findings.clone();
    let selected: Vec<&Component> = catalog.find(shown.query).into_iter().map(AsRef::as_ref).collect();
    let all: Vec<&Component> = catalog.components().iter().map(AsRef::as_ref).collect();
    findings.extend(
        shown.query.unmatched(&all).iter().map(|value| registry::unmatched(value, Severity::Warning)),
    );
    let components: Vec<ComponentInfo> = selected.into_iter().map(ComponentInfo::from).collect();
    let listing = Listing {
        summary: Counts::of(&components),
        components,
        diagnostics: findings.iter().map(|d| diagnostics::to_info(sources, d)).collect(),
        other_projects: other_projects.iter().map(|path| path.display().to_string()).collect(),
    };
    let format = format.unwrap_or_default();
    tell(&findings, sources, format, console);
    let look = console.out_look();
    let mut out = io::BufWriter::new(console.out());
    let render = if shown.details { components::details } else { components::listing };
    let written = render(look, format, &listing, &mut out).and_then(|()| out.flush());
    finish(written, &mut console.err(), exit_code(&findings))
}

/// The exit code that findings amount to; without an error it is success.
pub(super) fn exit_code(findings: &[Diagnostic]) -> ExitCode {
    let failed = findings.iter().any(|found| found.severity == Severity::Error);
    if failed { diagnosed(findings) } else { ExitCode::Success }
}

/// Tells people what was found. Machines find it in the document.
pub(super) fn tell(findings: &[Diagnostic], sources: &SourceMap, format: Format, console: &mut Console) {
    if format != Format::Human {
        return;
    }
    let look = console.err_look();
    let least = if look.volume > Volume::Quiet { Severity::Info } else { Severity::Error };
    let told: Vec<Diagnostic> = findings.iter().filter(|found| found.severity >= least).cloned().collect();
    if diagnostics::render(look, sources, &told, &mut console.err()).is_err() {
        tracing::debug!("standard error is closed");
    }
}

/// Says why nothing was done: on stderr, and for machines as a document, too.
pub(super) fn refuse(
    findings: &[Diagnostic],
    sources: &SourceMap,
    format: Option<Format>,
    console: &mut Console,
) -> ExitCode {
    let format = format.unwrap_or_default();
    tell(findings, sources, format, console);
    let written = match format {
        Format::Human => Ok(()),
        Format::Json | Format::Yaml => {
            let diagnostics = findings.iter().map(|d| diagnostics::to_info(sources, d)).collect();
            let empty = Listing { diagnostics, ..Listing::default() };
            components::listing(console.out_look(), format, &empty, &mut console.out())
        }
    };
    finish(written, &mut console.err(), diagnosed(findings))
}

pub(super) fn failed(error: &AppError, console: &mut Console) -> ExitCode {
    let told = writeln!(console.err(), "error: {error}");
    finish(told, &mut console.err(), error.exit_code())
}
