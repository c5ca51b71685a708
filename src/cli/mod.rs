//! The command line: [`args`] is what was typed, `resolve` turns it into what was meant. No logic beyond that.

pub mod args;
mod complete;
mod configured;
mod environment;
mod resolve;
mod testing;
mod variables;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, ValueEnum as _};

use crate::app;
use crate::app::Environment;
use crate::app::console::{Console, Wishes};
use crate::app::man::ManualPage;
use crate::model::context::Format;

use args::Verb;
use resolve::Resolved;

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
    let around = Around { environment: &environment, typed: &typed };
    match (arguments.verb, arguments.menu) {
        (Some(verb), false) => perform(verb, &typed_here, &around),
        (None, true) => around.menu(),
        (Some(_), true) => {
            let message = "`--menu` stands alone: what runs is chosen there";
            usage(&resolve::error(message.to_owned()), &typed)
        }
        (None, false) => usage(&resolve::error("it is not said what to do".to_owned()), &typed),
    }
}

/// What surrounds a verb.
struct Around<'a> {
    environment: &'a Environment,
    typed: &'a [OsString],
}

impl Around<'_> {
    /// Lets somebody at a terminal choose what runs.
    fn menu(&self) -> ExitCode {
        let mut console = console(Wishes::default(), 0, self.environment);
        if !app::menu::can_choose(self.environment, &console) {
            let message = "`--menu` needs a terminal to choose at; `onex list` shows what there is, and \
                `onex orch --contract NAME` runs it";
            return usage(&resolve::error(message.to_owned()), self.typed);
        }
        ExitCode::from(u8::from(app::menu::menu(self.environment, &mut console)))
    }

    /// Does what was meant, or says why it cannot be meant.
    fn perform<T>(
        &self,
        meant: Resolved<T>,
        act: impl FnOnce(T, &Environment, &mut Console) -> app::ExitCode,
    ) -> ExitCode {
        match meant {
            Ok((request, wishes, verbosity)) => {
                let mut console = console(wishes, verbosity, self.environment);
                ExitCode::from(u8::from(act(request, self.environment, &mut console)))
            }
            Err(error) => usage(&error, self.typed),
        }
    }
}

fn perform(verb: Verb, here: &resolve::Typed<'_>, around: &Around<'_>) -> ExitCode {
    let environment = around.environment;
    // For verbs without options about how they look.
    let plain = |request| Ok((request, Wishes::default(), 0));
    match verb {
        Verb::Orch(asked) | Verb::Run(asked) => {
            let from = asked.contracts_from.as_deref();
            let set = settings_from(from, (asked.contract.as_ref(), asked.root.as_ref()), environment);
            around
                .perform(resolve::orch(*asked, here, (environment, set)), |request, environment, console| {
                    app::run::run(&request, environment, console)
                })
        }
        Verb::Plan(asked) => {
            let set = settings(Some(&asked.contract), asked.root.as_ref(), environment);
            around.perform(resolve::plan(asked, here, (environment, set)), |request, environment, console| {
                app::plan::plan(&request, environment, console)
            })
        }
        Verb::Graph(asked) => around
            .perform(resolve::graph(asked, here, environment), |request, environment, console| {
                app::graph::graph(&request, environment, console)
            }),
        Verb::Validate(asked) => around
            .perform(resolve::validate(asked, here, environment), |request, environment, console| {
                app::validate::validate(&request, environment, console)
            }),
        Verb::Explain(asked) => {
            // The page of a code is for somebody whose settings are not in order, too.
            let contract = asked.contract.as_ref();
            let set = contract.map(|contract| settings(Some(contract), asked.root.as_ref(), environment));
            let set = (environment, set.unwrap_or_default());
            around.perform(resolve::explain(asked, here, set), |request, environment, console| {
                app::explain::explain(&request, environment, console)
            })
        }
        Verb::Fmt(asked) => around.perform(resolve::fmt(asked, here), |request, environment, console| {
            app::fmt::fmt(&request, environment, console)
        }),
        Verb::New(args::New { what: args::NewWhat::Contract(asked) }) => around
            .perform(plain(resolve::new_contract(asked)), |request, environment, console| {
                app::scaffold::scaffold(&request, environment, console)
            }),
        Verb::Init(asked) => {
            let request = app::init::InitRequest { dry_run: asked.dry_run };
            around.perform(Ok((request, Wishes::default(), 0)), app::init::init)
        }
        Verb::Import(args::Import { from: args::ImportFrom::PreCommit(asked) }) => {
            let args::ImportPreCommit { file, dry_run, dir } = asked;
            let request = app::import::ImportRequest { file, folder: dir, dry_run };
            around.perform(Ok((request, Wishes::default(), 0)), |request, environment, console| {
                app::import::pre_commit(&request, environment, console)
            })
        }
        Verb::List(asked) => around
            .perform(resolve::list(asked, here, environment), |request, environment, console| {
                app::list::list(&request, environment, console)
            }),
        Verb::Registry(asked) => around
            .perform(resolve::registry(asked, here, environment), |request, environment, console| {
                app::registry::registry(&request, environment, console)
            }),
        Verb::Trust(asked) => around
            .perform(resolve::trust(asked, here, environment), |request, environment, console| {
                app::trust::trust(&request, environment, console)
            }),
        Verb::Install(asked) => around.perform(resolve::install(&asked, here), app::install::hooks),
        Verb::Uninstall(asked) => around.perform(resolve::uninstall(&asked, here), app::install::hooks),
        Verb::Doctor(asked) => {
            let [contract, root] =
                ["ONEX_CONTRACT", "ONEX_ROOT"].map(|name| environment.get(name).map(PathBuf::from));
            let set = settings(contract.as_ref(), root.as_ref(), environment);
            around.perform(
                resolve::doctor(&asked, here, (environment, set)),
                |request, environment, console| app::doctor::doctor(&request, environment, console),
            )
        }
        Verb::Completions(asked) => {
            let shell = resolve::shell(asked.shell);
            around.perform(Ok((shell, Wishes::default(), 0)), |shell, _, console| {
                app::completions::script(shell, console)
            })
        }
        Verb::Man(asked) => {
            let pages = manual().map_err(|error| resolve::error(format!("cannot make the manual: {error}")));
            let meant = pages.map(|pages| ((pages, asked.out), Wishes::default(), 0));
            around.perform(meant, |(pages, out), environment, console| {
                app::man::man(&pages, out.as_ref(), environment, console)
            })
        }
        Verb::Schema(asked) => {
            let document = resolve::document(asked.document);
            around.perform(Ok((document, Wishes::default(), 0)), |document, _, console| {
                app::schema::schema(document, console)
            })
        }
    }
}

/// What settings files say of the project of a contract, or of the working directory.
fn settings(
    contract: Option<&PathBuf>,
    root: Option<&PathBuf>,
    environment: &Environment,
) -> app::settings::Configuration {
    settings_from(None, (contract, root), environment)
}

/// The same, with those of the project as a commit has them.
fn settings_from(
    contracts_from: Option<&str>,
    (contract, root): (Option<&PathBuf>, Option<&PathBuf>),
    environment: &Environment,
) -> app::settings::Configuration {
    let project = app::settings::ProjectOf {
        contract: contract.map(PathBuf::as_path),
        root: root.map(PathBuf::as_path),
        contracts_from,
    };
    app::settings::load(project, environment)
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

/// What can be typed; a variable that is set to nothing does not count. Nor does one that is set to what its option
/// cannot be, where it is `onex doctor` that tells of it.
fn command() -> clap::Command {
    let heard = |arg: clap::Arg| {
        let is_nothing = arg.get_env().is_some_and(environment::is_set_to_nothing);
        if is_nothing { arg.env(None::<&'static str>) } else { arg }
    };
    let understood = |arg: clap::Arg| {
        let words = arg.get_possible_values();
        let is_one = |value: &str| words.iter().any(|word| word.matches(value, false));
        let is_other = arg.get_env().and_then(environment::value).is_some_and(|value| !is_one(&value));
        if is_other && !words.is_empty() { arg.env(None::<&'static str>) } else { arg }
    };
    let hear = |verb: clap::Command| {
        let verb = verb.mut_args(heard).mut_subcommands(|verb| verb.mut_args(heard));
        if verb.get_name() == "doctor" { verb.mut_args(understood) } else { verb }
    };
    args::Arguments::command().mut_subcommands(hear)
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
            ExitCode::from(u8::from(app::unbegun::misuse(format, &first_paragraph(error), &mut console)))
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
