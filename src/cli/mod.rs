//! The command line: [`args`] is what was typed, `resolve` turns it into what was meant. No logic beyond that.

pub mod args;
mod complete;
mod environment;
mod resolve;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, ValueEnum as _};

use crate::app;
use crate::app::Environment;
use crate::app::console::{Console, Wishes};
use crate::app::man::ManualPage;
use crate::model::context::Format;

/// Runs `onex` with the process's arguments and environment.
#[must_use]
pub fn main() -> ExitCode {
    let typed: Vec<OsString> = std::env::args_os().collect();
    if typed.get(1).is_some_and(|verb| verb == complete::VERB) {
        return complete(&typed);
    }
    if let [_, only] = &typed[..]
        && only == "--version"
    {
        return version();
    }
    let mut command = command();
    let parsed = command
        .try_get_matches_from_mut(&typed)
        .and_then(|matches| Ok((args::Arguments::from_arg_matches(&matches)?, matches)));
    let (arguments, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return overview(&error, &typed).unwrap_or_else(|| usage(&error, &typed)),
    };
    let typed_here = resolve::Typed::of(&matches);
    let environment = match environment::read(&command) {
        Ok(environment) => environment,
        Err(error) => {
            return usage(&resolve::error(format!("cannot tell the working directory: {error}")), &typed);
        }
    };
    let code = match arguments.verb {
        args::Verb::Orch(asked) => match resolve::orch(*asked, &typed_here, &environment) {
            Ok((request, wishes, verbosity)) => {
                app::run::run(&request, &environment, &mut console(wishes, verbosity, &environment))
            }
            Err(error) => return usage(&error, &typed),
        },
        args::Verb::Plan(asked) => match resolve::plan(asked, &typed_here) {
            Ok((request, wishes, verbosity)) => {
                app::plan::plan(&request, &environment, &mut console(wishes, verbosity, &environment))
            }
            Err(error) => return usage(&error, &typed),
        },
        args::Verb::Validate(asked) => match resolve::validate(asked, &typed_here, &environment) {
            Ok((request, wishes, verbosity)) => {
                app::validate::validate(&request, &environment, &mut console(wishes, verbosity, &environment))
            }
            Err(error) => return usage(&error, &typed),
        },
        args::Verb::Explain(asked) => match resolve::explain(asked, &typed_here) {
            Ok((request, wishes, verbosity)) => {
                app::explain::explain(&request, &environment, &mut console(wishes, verbosity, &environment))
            }
            Err(error) => return usage(&error, &typed),
        },
        args::Verb::Doctor(asked) => match resolve::doctor(&asked, &typed_here, &environment) {
            Ok((request, wishes, verbosity)) => {
                app::doctor::doctor(&request, &environment, &mut console(wishes, verbosity, &environment))
            }
            Err(error) => return usage(&error, &typed),
        },
        args::Verb::Completions(asked) => app::completions::script(
            resolve::shell(asked.shell),
            &mut console(Wishes::default(), 0, &environment),
        ),
        args::Verb::Man(asked) => match manual() {
            Ok(pages) => app::man::man(
                &pages,
                asked.out.as_ref(),
                &environment,
                &mut console(Wishes::default(), 0, &environment),
            ),
            Err(error) => return usage(&resolve::error(format!("cannot make the manual: {error}")), &typed),
        },
    };
    ExitCode::from(u8::from(code))
}

/// Scripts ask for this alone and often: all that can be typed need not be put together for it.
fn version() -> ExitCode {
    let mut out = std::io::stdout();
    let written = out.write_all(concat!("onex ", env!("CARGO_PKG_VERSION"), "\n").as_bytes());
    if written.and_then(|()| out.flush()).is_err() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Tells a shell what could stand at the end of these words. Whatever is wrong, it is told nothing else.
fn complete(typed: &[OsString]) -> ExitCode {
    let words = typed.iter().skip(2).skip_while(|word| *word == "--");
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let mut command = args::Arguments::command();
    command.build();
    let Ok(environment) = environment::read(&command) else { return ExitCode::SUCCESS };
    let candidates = complete::candidates(&command, &words, &environment);
    let code = app::completions::print(&candidates, &mut Console::new(Wishes::default(), &environment));
    ExitCode::from(u8::from(code))
}

/// For somebody at a terminal who typed the name of the program and nothing else, what can run here.
fn overview(error: &clap::Error, typed: &[OsString]) -> Option<ExitCode> {
    if error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand || typed.len() > 1 {
        return None;
    }
    let environment = environment::read(&command()).ok()?;
    let mut console = Console::new(Wishes::default(), &environment);
    let for_people = matches!(format_asked_for(typed, &environment), None | Some(Format::Human));
    (console.is_interactive() && for_people)
        .then(|| ExitCode::from(u8::from(app::overview::overview(&environment, &mut console))))
}

/// The pages of the manual: one for `onex`, and one for each verb.
fn manual() -> std::io::Result<Vec<ManualPage>> {
    let mut command = args::Arguments::command();
    command.build();
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    std::iter::once(command.clone())
        .chain(verbs)
        .map(|command| {
            let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
            let mut text = Vec::new();
            clap_mangen::Man::new(command).render(&mut text)?;
            Ok(ManualPage { file: format!("{name}.1"), text })
        })
        .collect()
}

/// What can be typed; a variable that is set to nothing does not count.
fn command() -> clap::Command {
    let heard = |arg: clap::Arg| {
        let is_nothing = arg.get_env().is_some_and(environment::is_set_to_nothing);
        if is_nothing { arg.env(None::<&'static str>) } else { arg }
    };
    args::Arguments::command().mut_subcommands(|verb| verb.mut_args(heard))
}

fn console(wishes: Wishes, verbosity: u8, environment: &Environment) -> Console {
    let console = Console::new(wishes, environment);
    app::logging::start(verbosity, console.screen());
    console
}

/// Help and version go to stdout and are no failure; misuse goes to stderr and is a configuration error, of which a
/// machine that asked for documents gets one.
fn usage(error: &clap::Error, typed: &[OsString]) -> ExitCode {
    // Where nobody can read it, the exit code still says it.
    let unread = error.print().is_err();
    if !error.use_stderr() {
        return if unread { ExitCode::FAILURE } else { ExitCode::SUCCESS };
    }
    let environment = environment::placeless(&command());
    let code = u8::try_from(error.exit_code()).unwrap_or(2);
    match format_asked_for(typed, &environment) {
        None | Some(Format::Human) => ExitCode::from(code),
        Some(format) => {
            let mut console = Console::new(Wishes::default(), &environment);
            ExitCode::from(u8::from(app::run::misuse(format, &first_paragraph(error), &mut console)))
        }
    }
}

/// The format that a command line asks for, which cannot be understood otherwise.
fn format_asked_for(typed: &[OsString], environment: &Environment) -> Option<Format> {
    let words: Vec<&str> = typed.iter().skip(1).map(|word| word.to_str().unwrap_or_default()).collect();
    let separate = words.windows(2).filter(|pair| pair[0] == "--format").map(|pair| pair[1]);
    let joined = words.iter().filter_map(|word| word.strip_prefix("--format="));
    let named = separate.chain(joined).last().or_else(|| environment.get("ONEX_FORMAT")?.to_str())?;
    args::FormatName::from_str(named, false).ok().map(resolve::format)
}

/// What clap says before its hints, in one line and without its own mark.
fn first_paragraph(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "it is not said what to do".to_owned();
    }
    let text = error.render().to_string();
    let words = text.split("\n\n").next().unwrap_or_default().split_whitespace();
    let line = words.collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}
