//! The command line: [`args`] is what was typed, `resolve` turns it into what was meant. No logic beyond that.

pub mod args;
mod environment;
mod resolve;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::app;
use crate::app::console::Console;

/// Runs `onex` with the process's arguments and environment.
#[must_use]
pub fn main() -> ExitCode {
    let parsed = args::Arguments::command()
        .try_get_matches()
        .and_then(|matches| Ok((args::Arguments::from_arg_matches(&matches)?, matches)));
    let (arguments, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return usage(&error),
    };
    let typed_here = resolve::Typed::of(&matches);
    let environment = match environment::read() {
        Ok(environment) => environment,
        Err(error) => return usage(&resolve::error(format!("cannot tell the working directory: {error}"))),
    };
    let code = match arguments.verb {
        args::Verb::Orch(typed) => match resolve::orch(typed, &typed_here, &environment) {
            Ok((request, wishes, verbosity)) => {
                app::logging::start(verbosity);
                app::run::run(&request, &environment, &mut Console::new(wishes, &environment))
            }
            Err(error) => return usage(&error),
        },
        args::Verb::Plan(typed) => match resolve::plan(typed, &typed_here) {
            Ok((request, wishes, verbosity)) => {
                app::logging::start(verbosity);
                app::plan::plan(&request, &environment, &mut Console::new(wishes, &environment))
            }
            Err(error) => return usage(&error),
        },
    };
    ExitCode::from(u8::from(code))
}

/// Help and version go to stdout and are no failure; misuse goes to stderr and is a configuration error.
fn usage(error: &clap::Error) -> ExitCode {
    if error.print().is_err() {
        return ExitCode::FAILURE;
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
