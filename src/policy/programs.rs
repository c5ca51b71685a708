//! Which programs may start.

use std::path::Path;

use super::list;
use super::names::{is_of, spelt};
use crate::model::policy::{Pattern, Patterns, ProgramFile, Role, StartedProgram, Starts};

/// Why something may not start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forbidden {
    /// What it does, as the rest of a sentence about the node.
    pub text: String,
    /// What can be done about it.
    pub help: Option<String>,
}

/// The first thing that a node starts and must not; nothing where it may start all of it.
///
/// A pattern that denies a program denies it under every name: as it is written, as it is found, and as what a link
/// leads to. A pattern that allows programs by their names allows no file of the project, which can have any name.
#[must_use]
pub fn forbidden(patterns: &Patterns, starts: &Starts, root: &Path) -> Option<Forbidden> {
    let denied = starts.programs.iter().find_map(|program| {
        let pattern = patterns.deny.iter().find(|pattern| is_called(program, pattern, root))?;
        let text = format!("starts {}, which the pattern `{pattern}` denies", named(program));
        Some(Forbidden { text, help: None })
    });
    let unclear = || {
        let text = format!("starts what cannot be told: {}", starts.unclear.as_ref()?);
        let help = Some("name the program itself, with options that are known".to_owned());
        Some(Forbidden { text, help })
    };
    let not_allowed = || {
        let allowed = patterns.allow.as_ref()?;
        let mut started = starts.programs.iter().filter(|program| program.role == Role::Started);
        let program = started.find(|program| !is_allowed(program, allowed, root))?;
        let text = format!("starts {}, and allowed is {}", named(program), list(allowed));
        // The shell of a text is nothing that its author has named.
        let inner = starts.programs.iter().find(|program| program.role == Role::Within);
        let help = inner.filter(|_| starts.programs.len() > 1 && program.written == "/bin/sh");
        let help = help.map(|inner| {
            format!(
                "a text counts as its shell; a list starts the program itself: `run: [{}, …]`",
                inner.written
            )
        });
        Some(Forbidden { text, help })
    };
    denied.or_else(unclear).or_else(not_allowed)
}

/// A program as it is written, and as the file that it is where that has another name.
fn named(program: &StartedProgram) -> String {
    let written = spelt(&program.written);
    match &program.real {
        Some(real) if real.path.file_name() != Path::new(&program.written).file_name() => {
            format!("{written} (`{}`)", real.path.display())
        }
        _ => written,
    }
}

/// Whether a pattern is one of a program, under any of its names.
fn is_called(program: &StartedProgram, pattern: &Pattern, root: &Path) -> bool {
    let base = |path: &Path| path.file_name().is_some_and(|name| pattern.matches(name));
    let written = Path::new(&program.written);
    let files = [&program.found, &program.real];
    pattern.matches(written)
        || base(written)
        || files.into_iter().flatten().any(|file| base(&file.path) || is_of(pattern, &file.path, root))
}

/// Whether a program is one of those that are allowed. What a link of the project leads to needs to be, too.
fn is_allowed(program: &StartedProgram, allowed: &[Pattern], root: &Path) -> bool {
    let Some(found) = &program.found else {
        // Nothing can start that is nowhere, until it is somewhere: then it is looked at again.
        return allowed.iter().any(|pattern| !pattern.is_path() && pattern.matches(&program.written));
    };
    let is_inside = |file: &ProgramFile| file.path.starts_with(root);
    let as_file = |file: &ProgramFile| {
        // Anybody can call a file as they like; a name says something in the folders that programs are installed in.
        let name = file.path.file_name().filter(|_| file.is_installed && !is_inside(file));
        let by_name =
            |pattern: &Pattern| !pattern.is_path() && name.is_some_and(|name| pattern.matches(name));
        let by_path = |pattern: &Pattern| pattern.is_path() && is_of(pattern, &file.path, root);
        allowed.iter().any(|pattern| by_name(pattern) || by_path(pattern))
    };
    let led_elsewhere = program.real.as_ref().filter(|real| is_inside(found) && real.path != found.path);
    as_file(found) && led_elsewhere.is_none_or(as_file)
}
