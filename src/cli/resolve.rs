//! What was typed to what was meant.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, ValueEnum as _};

use super::args::{
    Arguments, ColorName, DialectName, Doctor, DocumentName, Explain, Fmt, FormName, FormatName, Graph,
    Install, List, ModeName, NewContract, Orch, OutputName, Plan, ProgressName, Registry, RegistryPlace,
    RegistryVerb, Selected, ShellName, Shown, StageName, Trust, Uninstall, Validate,
};
use super::configured::Configured;
use super::testing::tested;
use super::variables;
use crate::app::Environment;
use crate::app::completions::Shell;
use crate::app::console::{ColorChoice, ProgressChoice, Wishes};
use crate::app::doctor::DoctorRequest;
use crate::app::explain::ExplainRequest;
use crate::app::fmt::FmtRequest;
use crate::app::graph::GraphRequest;
use crate::app::install::HookRequest;
use crate::app::list::ListRequest;
use crate::app::plan::PlanRequest;
use crate::app::registry::{RegistryAction, RegistryRequest};
use crate::app::reports::ReportWish;
use crate::app::run::RunRequest;
use crate::app::scaffold::{ScaffoldDialect, ScaffoldRequest};
use crate::app::schema::Document;
use crate::app::selection::Selection;
use crate::app::settings::Configuration;
use crate::app::stage::StageWish;
use crate::app::trust::{TrustAction, TrustRequest};
use crate::app::validate::ValidateRequest;
use crate::app::{ChangeWish, FileChoice};
use crate::base::text;
use crate::model::component::STAGES;
use crate::model::context::{Format, Mode};
use crate::report::graph::Form;
use crate::report::{EXTENSIONS, FileForm, NodeOutput, Volume, form_of_file};

/// A request, how it should look, and how much `onex` says about itself.
pub(super) type Resolved<T> = Result<(T, Wishes, u8), clap::Error>;

/// Which options stand on the command line itself, and not in the environment.
pub(super) struct Typed<'m>(pub(super) Option<&'m ArgMatches>);

impl<'m> Typed<'m> {
    pub(super) fn of(matches: &'m ArgMatches) -> Self {
        // Verbs have verbs of their own.
        let mut innermost = matches.subcommand().map(|(_, matches)| matches);
        while let Some((_, inner)) = innermost.and_then(ArgMatches::subcommand) {
            innermost = Some(inner);
        }
        Self(innermost)
    }

    /// Whether an option stands on the command line.
    pub(super) fn has(&self, option: &str) -> bool {
        self.0.is_some_and(|matches| matches.value_source(option) == Some(ValueSource::CommandLine))
    }

    /// Whether an option is given: on the command line, or by its variable.
    pub(super) fn is_given(&self, option: &str) -> bool {
        let given = [Some(ValueSource::CommandLine), Some(ValueSource::EnvVariable)];
        // Not every verb has every option.
        let is_known = |matches: &&&ArgMatches| matches.try_contains_id(option).is_ok();
        self.0.as_ref().filter(is_known).is_some_and(|matches| given.contains(&matches.value_source(option)))
    }

    /// Of two options that contradict each other, whether the first gives way: the command line wins over the
    /// environment.
    pub(super) fn gives_way(&self, option: &str, to: &str) -> bool {
        !self.has(option) && self.has(to)
    }
}

pub(super) fn orch(
    mut typed: Orch,
    here: &Typed<'_>,
    (environment, configuration): (&Environment, Configuration),
) -> Resolved<RunRequest> {
    let stage = typed.stage.and_then(|stage| stage_named(&name_of(stage)));
    let configured = Configured::new(here, &configuration, stage);
    if typed.fail_fast && typed.keep_going {
        typed.fail_fast = !here.gives_way("fail_fast", "keep_going");
        typed.keep_going = !here.gives_way("keep_going", "fail_fast");
    }
    if typed.fail_fast && typed.keep_going {
        return Err(error("`--fail-fast` and `--keep-going` contradict each other".to_owned()));
    }
    if typed.dry_run && here.gives_way("dry_run", "mode") {
        typed.dry_run = false;
    }
    if here.gives_way("mode", "dry_run") {
        typed.mode = None;
    }
    let mode = mode(typed.mode, typed.dry_run)?;
    let (mode, jobs) = configured.mode_and_jobs(mode_and_jobs((mode, typed.jobs), here)?);
    let (repeat, testing) = tested(&typed, mode, (here, &configured))?;
    let timeout = typed.timeout.as_deref().map(timeout).transpose()?.or_else(|| configured.timeout());
    let fail_fast = match (typed.fail_fast, typed.keep_going) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => configured.fail_fast(),
    };
    if typed.events.as_deref() == Some(Path::new("-")) {
        return Err(error("`--events` needs a file: standard output carries the report".to_owned()));
    }
    if typed.contract.is_none() && typed.stage.is_none() {
        return Err(error(
            "it is not said what to run: `--contract <PATH|NAME>` or `--stage <STAGE>` is missing".to_owned(),
        ));
    }
    let stage = stage_wish(&typed, environment)?.map(|wish| StageWish {
        files_by_default: stage.and_then(|stage| configuration.files_of(stage)),
        configured: stage.map(|stage| configuration.defaults_of(stage)).unwrap_or_default(),
        fail_on_empty: wish.fail_on_empty || configured.fail_on_empty(),
        ..wish
    });
    // A variable is one text, so it separates files as `PATH` does.
    let reports = if here.has("reports") {
        typed.reports
    } else {
        typed.reports.iter().flat_map(|files| std::env::split_paths(files)).collect()
    };
    let on_stderr = |file: &PathBuf| file == Path::new("-");
    let named = [(typed.junit, FileForm::Junit), (typed.sarif, FileForm::Sarif)];
    let named = named.into_iter().filter_map(|(file, form)| Some((file?, form)));
    let request = RunRequest {
        contract: typed.contract,
        stage,
        contracts_from: typed.contracts_from,
        selection: selection(typed.selected)?,
        root: typed.root.map(|root| environment.directory.join(root)),
        format: typed.shown.format.or_else(|| configured.format()).map(format),
        mode,
        jobs,
        repeat,
        testing,
        require_trusted: typed.require_trusted,
        cores: cores(),
        fail_fast,
        timeout,
        inputs: typed.inputs,
        input_file: typed.input_file,
        events: typed.events.map(|file| environment.directory.join(file)),
        log: typed.log.map(|file| if on_stderr(&file) { file } else { environment.directory.join(file) }),
        reports: reports
            .into_iter()
            .filter(|file| !file.as_os_str().is_empty())
            .map(|file| report(&file, environment))
            .chain(named.map(|(file, form)| Ok(ReportWish { path: environment.directory.join(file), form })))
            .collect::<Result<_, _>>()?,
        attempt_timeout: configured.attempt_timeout(),
        configuration: Arc::default(),
    };
    let wishes = Wishes {
        output: typed.output.map(output),
        progress: progress(typed.progress),
        ..wishes(&typed.shown, here)?
    };
    let wishes = configured.dress(wishes, environment);
    Ok((RunRequest { configuration: Arc::new(configuration), ..request }, wishes, typed.shown.verbose))
}

pub(super) const fn output(name: OutputName) -> NodeOutput {
    match name {
        OutputName::Failed => NodeOutput::Failed,
        OutputName::All => NodeOutput::All,
        OutputName::None => NodeOutput::None,
        OutputName::Live => NodeOutput::Live,
    }
}

pub(super) const fn progress(name: ProgressName) -> ProgressChoice {
    match name {
        ProgressName::Auto => ProgressChoice::Auto,
        ProgressName::Bar => ProgressChoice::Bar,
        ProgressName::Plain => ProgressChoice::Plain,
        ProgressName::None => ProgressChoice::None,
    }
}

pub(super) const fn color(name: ColorName) -> ColorChoice {
    match name {
        ColorName::Auto => ColorChoice::Auto,
        ColorName::Always => ColorChoice::Always,
        ColorName::Never => ColorChoice::Never,
    }
}

fn name_of(stage: StageName) -> String {
    stage.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn stage_named(name: &str) -> Option<&'static str> {
    STAGES.into_iter().find(|stage| *stage == name)
}

/// What is asked of a stage, where one is.
fn stage_wish(typed: &Orch, environment: &Environment) -> Result<Option<StageWish>, clap::Error> {
    let asked = &typed.staged;
    let Some(stage) = typed.stage else {
        let only_here = [
            (!asked.files.is_empty(), "FILE"),
            (!asked.tags.is_empty(), "--tags"),
            (!asked.filter.is_empty(), "--filter"),
            (asked.from.is_some(), "--from"),
            (!asked.to.is_empty(), "--to"),
            (asked.all_files, "--all-files"),
            (asked.staged, "--staged"),
            (asked.changed_since.is_some(), "--changed-since"),
            (asked.fix_stage, "--fix-stage"),
            (asked.diff, "--diff"),
        ];
        return match only_here.iter().find(|(is_given, _)| *is_given) {
            Some((_, option)) => {
                Err(error(format!("`{option}` is about a stage's components; add `--stage`")))
            }
            None => Ok(None),
        };
    };
    if asked.to.is_empty() != asked.from.is_none() {
        return Err(error("a pipeline has `--from` and at least one `--to`".to_owned()));
    }
    let files = if !asked.files.is_empty() {
        Some(FileChoice::These(asked.files.iter().map(|file| environment.directory.join(file)).collect()))
    } else if asked.all_files {
        Some(FileChoice::All)
    } else if asked.staged {
        Some(FileChoice::Staged)
    } else {
        asked.changed_since.clone().map(FileChoice::Since)
    };
    let skip = environment.get("ONEX_SKIP").and_then(|names| names.to_str()).unwrap_or_default();
    Ok(Some(StageWish {
        name: name_of(stage),
        tags: asked.tags.clone(),
        filters: asked.filter.clone(),
        files,
        pipeline: asked.from.iter().chain(&asked.to).cloned().collect(),
        skip: skip.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        fail_on_empty: asked.fail_on_empty,
        changes: ChangeWish { stage: asked.fix_stage, diff: asked.diff },
        is_off: environment.get("ONEX").is_some_and(|value| value == "0"),
        ..StageWish::default()
    }))
}

pub(super) fn plan(
    typed: Plan,
    here: &Typed<'_>,
    (environment, configuration): (&Environment, Configuration),
) -> Resolved<PlanRequest> {
    let configured = Configured::new(here, &configuration, None);
    let (mode, jobs) = configured.mode_and_jobs(mode_and_jobs((mode(typed.mode, false)?, typed.jobs), here)?);
    let (attempt_timeout, wishes) =
        (configured.attempt_timeout(), configured.colour(wishes(&typed.shown, here)?, environment));
    let request = PlanRequest {
        contract: typed.contract,
        selection: selection(typed.selected)?,
        root: typed.root.map(|root| environment.directory.join(root)),
        format: typed.shown.format.map(format),
        mode,
        jobs,
        cores: cores(),
        attempt_timeout,
        configuration,
    };
    Ok((request, wishes, typed.shown.verbose))
}

pub(super) fn graph(typed: Graph, here: &Typed<'_>, environment: &Environment) -> Resolved<GraphRequest> {
    if here.has("format") {
        return Err(error("`onex graph` has no `--format`: `--as` says the form of a drawing".to_owned()));
    }
    let request = GraphRequest {
        contract: typed.contract,
        selection: selection(typed.selected)?,
        root: typed.root.map(|root| environment.directory.join(root)),
        form: match typed.form {
            FormName::Ascii => Form::Ascii,
            FormName::Dot => Form::Dot,
            FormName::Mermaid => Form::Mermaid,
            FormName::Svg => Form::Svg,
        },
    };
    Ok((request, wishes(&typed.shown, here)?, typed.shown.verbose))
}

pub(super) fn validate(
    typed: Validate,
    here: &Typed<'_>,
    environment: &Environment,
) -> Resolved<ValidateRequest> {
    let request = ValidateRequest {
        paths: typed.paths,
        sarif: typed.sarif.map(|file| environment.directory.join(file)),
        root: typed.root.map(|root| environment.directory.join(root)),
        format: typed.shown.format.map(format),
    };
    Ok((request, wishes(&typed.shown, here)?, typed.shown.verbose))
}

pub(super) fn explain(
    typed: Explain,
    here: &Typed<'_>,
    (environment, configuration): (&Environment, Configuration),
) -> Resolved<ExplainRequest> {
    let request = ExplainRequest {
        what: typed.what,
        contract: typed.contract,
        root: typed.root.map(|root| environment.directory.join(root)),
        format: typed.shown.format.map(format),
        attempt_timeout: Configured::new(here, &configuration, None).attempt_timeout(),
        configuration,
    };
    Ok((request, wishes(&typed.shown, here)?, typed.shown.verbose))
}

pub(super) fn fmt(typed: Fmt, here: &Typed<'_>) -> Resolved<FmtRequest> {
    let stdin = Path::new("-");
    if typed.paths.iter().any(|path| path == stdin) {
        if typed.paths.len() > 1 {
            return Err(error("`-` stands alone: standard output carries its text".to_owned()));
        }
        if here.has("format") && !typed.check && !typed.diff {
            return Err(error("`-` writes the text itself, which has no `--format`".to_owned()));
        }
    }
    let request = FmtRequest {
        paths: typed.paths,
        check: typed.check,
        diff: typed.diff,
        format: typed.shown.format.map(format),
    };
    Ok((request, wishes(&typed.shown, here)?, typed.shown.verbose))
}

pub(super) fn install(typed: &Install, here: &Typed<'_>) -> Resolved<HookRequest> {
    let request = HookRequest::Install { chain: typed.chain };
    Ok((request, wishes(&typed.shown, here)?, typed.shown.verbose))
}

pub(super) fn uninstall(typed: &Uninstall, here: &Typed<'_>) -> Resolved<HookRequest> {
    Ok((HookRequest::Uninstall, wishes(&typed.shown, here)?, typed.shown.verbose))
}

pub(super) fn list(typed: List, here: &Typed<'_>, environment: &Environment) -> Resolved<ListRequest> {
    let request = ListRequest {
        root: typed.root.map(|root| environment.directory.join(root)),
        filter: typed.filter,
        tags: typed.tags,
        scan: typed.scan,
        format: typed.shown.format.map(format),
    };
    Ok((request, wishes(&typed.shown, here)?, typed.shown.verbose))
}

pub(super) fn new_contract(typed: NewContract) -> ScaffoldRequest {
    let dialect = match typed.dialect {
        DialectName::Workflow => ScaffoldDialect::Workflow,
        DialectName::Onex => ScaffoldDialect::Onex,
    };
    ScaffoldRequest { name: typed.name, dialect, folder: typed.dir }
}

pub(super) const fn document(name: DocumentName) -> Document {
    match name {
        DocumentName::Contract => Document::Contract,
        DocumentName::Report => Document::Report,
        DocumentName::Event => Document::Event,
        DocumentName::Plan => Document::Plan,
        DocumentName::Validation => Document::Validation,
        DocumentName::Config => Document::Config,
    }
}

/// The nodes that were named. An option that names none has not been thought through.
fn selection(typed: Selected) -> Result<Selection, clap::Error> {
    let named = |option: &str, names: Vec<String>| {
        let asked = !names.is_empty();
        let names: Vec<String> =
            names.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        if asked && names.is_empty() {
            return Err(error(format!("`--{option}` names no node")));
        }
        Ok(names)
    };
    Ok(Selection { only: named("only", typed.only)?, until: named("until", typed.until)? })
}

pub(super) fn registry(
    typed: Registry,
    here: &Typed<'_>,
    environment: &Environment,
) -> Resolved<RegistryRequest> {
    let (action, RegistryPlace { root, shown }) = match typed.action {
        RegistryVerb::List(place) => (RegistryAction::List, place),
        RegistryVerb::Find { query, scan, place } => {
            (RegistryAction::Find { query: query.join(","), scan }, place)
        }
        RegistryVerb::Inspect { name, place } => (RegistryAction::Inspect { name }, place),
        RegistryVerb::Add { paths, scan, place } => (RegistryAction::Add { paths, scan }, place),
        RegistryVerb::Remove { name, place } => (RegistryAction::Remove { name }, place),
        RegistryVerb::Verify(place) => (RegistryAction::Verify, place),
    };
    let request = RegistryRequest {
        action,
        root: root.map(|root| environment.directory.join(root)),
        format: shown.format.map(format),
    };
    Ok((request, wishes(&shown, here)?, shown.verbose))
}

pub(super) fn trust(typed: Trust, here: &Typed<'_>, environment: &Environment) -> Resolved<TrustRequest> {
    let action = match (typed.list, typed.remove) {
        (true, _) => TrustAction::List,
        (false, true) => TrustAction::Remove(typed.contract),
        (false, false) => TrustAction::Add(typed.contract),
    };
    let request = TrustRequest {
        action,
        root: typed.root.map(|root| environment.directory.join(root)),
        format: typed.shown.format.map(format),
    };
    Ok((request, wishes(&typed.shown, here)?, typed.shown.verbose))
}

pub(super) fn doctor(
    typed: &Doctor,
    here: &Typed<'_>,
    (environment, configuration): (&Environment, Configuration),
) -> Resolved<DoctorRequest> {
    let request = DoctorRequest {
        format: typed.shown.format.map(format),
        settings: variables::settings(here, (environment, &configuration)),
        refused: variables::refused(environment),
        configuration,
    };
    Ok((request, wishes(&typed.shown, here)?, typed.shown.verbose))
}

pub(super) const fn shell(name: ShellName) -> Shell {
    match name {
        ShellName::Bash => Shell::Bash,
        ShellName::Zsh => Shell::Zsh,
        ShellName::Fish => Shell::Fish,
    }
}

/// A report in a file: the ending of its name says the form.
pub(super) fn report(file: &Path, environment: &Environment) -> Result<ReportWish, clap::Error> {
    let Some(form) = form_of_file(file) else {
        let endings: Vec<String> = EXTENSIONS.iter().map(|(ending, _)| format!("`.{ending}`")).collect();
        return Err(error(format!(
            "`--report {}` does not say its form: let the name end in {}",
            text::clip(&text::without_controls(&file.display().to_string()), 60),
            endings.join(", ")
        )));
    };
    Ok(ReportWish { path: environment.directory.join(file), form })
}

/// A misuse of the command line, in clap's own form.
pub(super) fn error(message: String) -> clap::Error {
    Arguments::command().error(ErrorKind::ValueValidation, message)
}

fn mode(named: Option<ModeName>, dry_run: bool) -> Result<Option<Mode>, clap::Error> {
    match (named, dry_run) {
        (Some(ModeName::Sync | ModeName::Async | ModeName::Profile), true) => {
            Err(error("`--dry-run` runs nothing, so it has no `--mode` of running".to_owned()))
        }
        (Some(ModeName::DryRun), _) | (None, true) => Ok(Some(Mode::DryRun)),
        (Some(ModeName::Sync), false) => Ok(Some(Mode::Sync)),
        (Some(ModeName::Async), false) => Ok(Some(Mode::Async)),
        (Some(ModeName::Profile), false) => Ok(Some(Mode::Profile)),
        (None, false) => Ok(None),
    }
}

fn mode_and_jobs(
    (mode, jobs): (Option<Mode>, Option<u32>),
    here: &Typed<'_>,
) -> Result<(Option<Mode>, Option<usize>), clap::Error> {
    let jobs = jobs.map(|jobs| jobs as usize);
    match (mode, jobs) {
        (Some(Mode::Sync | Mode::Profile), Some(2..)) if here.gives_way("mode", "jobs") => Ok((None, jobs)),
        (Some(Mode::Sync | Mode::Profile), Some(2..)) if here.gives_way("jobs", "mode") => Ok((mode, None)),
        (Some(mode @ (Mode::Sync | Mode::Profile)), Some(jobs @ 2..)) => Err(error(format!(
            "`--mode {mode}` runs one node at a time, which `--jobs {jobs}` contradicts; use `--mode async`"
        ))),
        _ => Ok((mode, jobs)),
    }
}

/// The time that `--timeout` says.
pub(super) fn timeout(typed: &str) -> Result<std::time::Duration, clap::Error> {
    duration("timeout", typed)
}

pub(super) fn duration(option: &str, typed: &str) -> Result<std::time::Duration, clap::Error> {
    let parsed = crate::contract::parse_duration(typed).filter(|duration| !duration.is_zero());
    parsed.ok_or_else(|| {
        error(format!(
            "`--{option} {}` is no time: write seconds, or a unit as in 90s, 5m, 1h30m",
            text::clip(typed, 40)
        ))
    })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

pub(super) const fn format(name: FormatName) -> Format {
    match name {
        FormatName::Human => Format::Human,
        FormatName::Json => Format::Json,
        FormatName::Yaml => Format::Yaml,
    }
}

fn wishes(shown: &Shown, here: &Typed<'_>) -> Result<Wishes, clap::Error> {
    let quiet = shown.quiet && !here.gives_way("quiet", "verbose");
    if quiet && shown.verbose > 0 {
        return Err(error("`--quiet` and `--verbose` contradict each other".to_owned()));
    }
    Ok(Wishes {
        color: color(shown.color),
        no_color: shown.no_color,
        volume: if quiet { Volume::Quiet } else { Volume::Normal },
        ..Wishes::default()
    })
}
