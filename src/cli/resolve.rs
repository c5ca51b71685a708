//! What was typed to what was meant.

use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::Path;

use clap::CommandFactory as _;
use clap::error::ErrorKind;
use serde_json::{Map, Value};

use super::args::{Arguments, ColorName, FormatName, ModeName, Orch, Plan, Shown};
use crate::app::Environment;
use crate::app::console::{ColorChoice, Wishes};
use crate::app::plan::PlanRequest;
use crate::app::run::RunRequest;
use crate::base::text;
use crate::model::context::{Format, Mode};
use crate::report::Volume;

/// A request, how it should look, and how much `onex` says about itself.
type Resolved<T> = Result<(T, Wishes, u8), clap::Error>;

pub(super) fn orch(typed: Orch, environment: &Environment) -> Resolved<RunRequest> {
    let mode = mode(typed.mode, typed.dry_run)?;
    let jobs = jobs(typed.jobs, mode)?;
    let timeout = typed.timeout.as_deref().map(timeout).transpose()?;
    let input_values = match &typed.input_file {
        Some(file) => inputs(file, environment)?,
        None => Map::new(),
    };
    let fail_fast = match (typed.fail_fast, typed.keep_going) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    };
    let request = RunRequest {
        contract: typed.contract,
        root: typed.root.map(|root| environment.directory.join(root)),
        format: typed.shown.format.map(format),
        mode,
        jobs,
        cores: cores(),
        fail_fast,
        timeout,
        inputs: typed.inputs,
        input_values,
        events: typed.events.map(|file| environment.directory.join(file)),
    };
    Ok((request, wishes(&typed.shown), typed.shown.verbose))
}

pub(super) fn plan(typed: Plan) -> Resolved<PlanRequest> {
    let mode = mode(typed.mode, false)?;
    let request = PlanRequest {
        contract: typed.contract,
        format: typed.shown.format.map(format),
        mode,
        jobs: jobs(typed.jobs, mode)?,
        cores: cores(),
    };
    Ok((request, wishes(&typed.shown), typed.shown.verbose))
}

/// A misuse of the command line, in clap's own form.
pub(super) fn error(message: String) -> clap::Error {
    Arguments::command().error(ErrorKind::ValueValidation, message)
}

fn mode(named: Option<ModeName>, dry_run: bool) -> Result<Option<Mode>, clap::Error> {
    match (named, dry_run) {
        (Some(ModeName::Sync | ModeName::Async), true) => {
            Err(error("`--dry-run` runs nothing, so it has no `--mode` of running".to_owned()))
        }
        (Some(ModeName::DryRun), _) | (None, true) => Ok(Some(Mode::DryRun)),
        (Some(ModeName::Sync), false) => Ok(Some(Mode::Sync)),
        (Some(ModeName::Async), false) => Ok(Some(Mode::Async)),
        (None, false) => Ok(None),
    }
}

fn jobs(jobs: Option<u32>, mode: Option<Mode>) -> Result<Option<usize>, clap::Error> {
    match (jobs, mode) {
        (Some(jobs @ 2..), Some(Mode::Sync)) => Err(error(format!(
            "`--mode sync` runs one node at a time, which `--jobs {jobs}` contradicts; use `--mode async`"
        ))),
        (jobs, _) => Ok(jobs.map(|jobs| jobs as usize)),
    }
}

fn timeout(typed: &str) -> Result<std::time::Duration, clap::Error> {
    let parsed = crate::contract::parse_duration(typed).filter(|duration| !duration.is_zero());
    parsed.ok_or_else(|| {
        error(format!(
            "`--timeout {}` is no time: write seconds, or a unit as in 90s, 5m, 1h30m",
            text::clip(typed, 40)
        ))
    })
}

/// The inputs of a file, or of standard input.
fn inputs(file: &Path, environment: &Environment) -> Result<Map<String, Value>, clap::Error> {
    let name = file.display();
    let read = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(environment.directory.join(file))
    };
    let text = read.map_err(|problem| error(format!("cannot read the inputs of `{name}`: {problem}")))?;
    serde_json::from_str(&text)
        .map_err(|problem| error(format!("`{name}` is not one JSON object with inputs: {problem}")))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

const fn format(name: FormatName) -> Format {
    match name {
        FormatName::Human => Format::Human,
        FormatName::Json => Format::Json,
        FormatName::Yaml => Format::Yaml,
    }
}

const fn wishes(shown: &Shown) -> Wishes {
    Wishes {
        color: match shown.color {
            ColorName::Auto => ColorChoice::Auto,
            ColorName::Always => ColorChoice::Always,
            ColorName::Never => ColorChoice::Never,
        },
        no_color: shown.no_color,
        volume: if shown.quiet { Volume::Quiet } else { Volume::Normal },
    }
}
