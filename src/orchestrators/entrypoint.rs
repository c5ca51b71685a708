//! What runs when a component runs: the one translation of an entry point, for stages and for nodes of contracts.

use std::path::Path;

use crate::diag::{Diagnostic, codes};
use crate::model::component::{Component, EntryKind};
use crate::model::output::OutputFormat;
use crate::model::workflow::{CommandSpec, ProgramSpec};
use crate::registry;

/// The command of a component: its program, with what its metadata says of variables. Nothing is added to its
/// arguments.
///
/// # Errors
///
/// If there is nothing that onex runs: a finding at the entry point.
pub fn command(component: &Component) -> Result<CommandSpec, Box<Diagnostic>> {
    let program = program(component)?;
    // What a function gives is a value; text is what it prints.
    let output = match program {
        ProgramSpec::Python { .. } => OutputFormat::Json,
        _ => OutputFormat::default(),
    };
    Ok(CommandSpec { env: component.env.iter().cloned().collect(), output, ..CommandSpec::new(program) })
}

fn program(component: &Component) -> Result<ProgramSpec, Box<Diagnostic>> {
    let none =
        || Diagnostic::error(codes::NOT_EXECUTABLE, format!("`{}` has nothing to run", component.name));
    if let Some(refused) =
        registry::not_executable(component).or_else(|| registry::not_carried_out(component))
    {
        return Err(Box::new(refused));
    }
    let entrypoint = component.entrypoint.as_ref().ok_or_else(none)?;
    let file = component.entry_file();
    if let Some(file) = file.as_deref().filter(|file| leads_out(file)) {
        let message =
            format!("`{}` would run `{}`, which is outside of the project", component.name, file.display());
        let finding = Diagnostic::error(codes::OUTSIDE_ROOT, message);
        return Err(Box::new(finding.at(component.span_of("entrypoint"), "outside")));
    }
    let file = file.map(|file| file.display().to_string());
    let mut words = entrypoint.target.iter().cloned();
    let first = words.next().ok_or_else(none)?;
    let rest: Vec<String> = words.collect();
    match entrypoint.kind {
        EntryKind::Command => {
            // A name with a slash is a file of the project.
            let first = file.map_or(first, |file| match file.starts_with('/') {
                true => file,
                false => format!("./{file}"),
            });
            Ok(ProgramSpec::Argv([vec![first], rest].concat()))
        }
        EntryKind::Script => Ok(ProgramSpec::Script { file: file.unwrap_or(first), args: rest }),
        EntryKind::Python => Ok(match (file, first.split_once(':')) {
            (Some(file), _) => ProgramSpec::Script { file, args: rest },
            (None, Some((module, function))) => ProgramSpec::Python {
                module: module.to_owned(),
                function: function.to_owned(),
                args: rest.into_iter().map(Into::into).collect(),
                kwargs: Box::default(),
            },
            (None, None) => ProgramSpec::Module { module: first, args: rest },
        }),
        EntryKind::Http | EntryKind::Agent => Err(Box::new(none())),
    }
}

/// Whether a path leaves the folder that it is relative to.
pub(super) fn leads_out(path: &Path) -> bool {
    let mut depth = 0;
    path.components().any(|part| {
        match part {
            std::path::Component::Normal(_) => depth += 1,
            std::path::Component::ParentDir => depth -= 1,
            std::path::Component::CurDir
            | std::path::Component::RootDir
            | std::path::Component::Prefix(_) => {}
        }
        depth < 0
    })
}
