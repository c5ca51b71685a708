//! What can be typed. clap checks its form; what it means is decided in `resolve`.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, Parser, Subcommand, ValueEnum};

mod examples;
mod import;
mod registry;
mod stage;
mod testing;
mod trust;

pub use import::{Import, ImportFrom, ImportPreCommit};
pub use registry::{List, Registry, RegistryPlace, RegistryVerb};
use stage::without_stage;
pub use stage::{StageName, Staged};
pub use testing::{FlakyResult, Tested};
pub use trust::Trust;

use examples::{
    COMPLETIONS_EXAMPLES, DOCTOR_EXAMPLES, EXIT_CODES, EXPLAIN_EXAMPLES, FMT_EXAMPLES, GRAPH_EXAMPLES,
    IMPORT_EXAMPLES, INIT_EXAMPLES, INSTALL_EXAMPLES, LIST_EXAMPLES, MAN_EXAMPLES, NEW_EXAMPLES,
    ORCH_EXAMPLES, PLAN_EXAMPLES, REGISTRY_EXAMPLES, RUN_EXAMPLES, SCHEMA_EXAMPLES, TRUST_EXAMPLES,
    UNINSTALL_EXAMPLES, VALIDATE_EXAMPLES,
};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Runs declarative contract.yaml workflows.
#[derive(Debug, Parser)]
#[command(name = "onex", version, styles = STYLES, max_term_width = 100, after_help = EXIT_CODES)]
#[command(arg_required_else_help = true, disable_help_subcommand = true, disable_help_flag = true)]
pub struct Arguments {
    /// Show this help
    // One form of help, which fits a screen.
    #[arg(long, short, action = ArgAction::HelpShort, global = true)]
    help: Option<bool>,

    /// Choose at a terminal what to run
    #[arg(long)]
    pub menu: bool,

    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What `onex` can be asked to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run a workflow and report on it
    #[command(after_help = ORCH_EXAMPLES)]
    Orch(Box<Orch>),
    /// Run a contract: `onex orch --contract` with fewer words
    #[command(after_help = RUN_EXAMPLES, mut_args(without_stage))]
    Run(Box<Orch>),
    /// Show what would run, in which order
    #[command(after_help = PLAN_EXAMPLES)]
    Plan(Plan),
    /// Draw what would run
    #[command(after_help = GRAPH_EXAMPLES)]
    Graph(Graph),
    /// Say what is wrong with files, and run nothing
    #[command(after_help = VALIDATE_EXAMPLES)]
    Validate(Validate),
    /// Rewrite contracts in one form, and lose nothing
    #[command(after_help = FMT_EXAMPLES)]
    Fmt(Fmt),
    /// Write a contract to start from
    #[command(after_help = NEW_EXAMPLES)]
    New(New),
    /// Look at a repository and write the contract of the checks that it has
    #[command(after_help = INIT_EXAMPLES)]
    Init(Init),
    /// Say what a diagnostic means, or why a node would run
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(Explain),
    /// Print a JSON Schema: of contracts for editors, or of what onex writes for machines
    #[command(after_help = SCHEMA_EXAMPLES)]
    Schema(Schema),
    /// Check what is staged before every commit: put onex into git's hooks
    #[command(after_help = INSTALL_EXAMPLES)]
    Install(Install),
    /// Take onex out of git's hooks
    #[command(after_help = UNINSTALL_EXAMPLES)]
    Uninstall(Uninstall),
    /// Show the workflows and components of the project
    #[command(after_help = LIST_EXAMPLES)]
    List(List),
    /// Find, register and check components
    #[command(after_help = REGISTRY_EXAMPLES, subcommand_required = true, arg_required_else_help = true)]
    Registry(Registry),
    /// Say what may run: pin contracts and components as they are now
    #[command(after_help = TRUST_EXAMPLES)]
    Trust(Trust),
    /// Turn the hooks of another tool into components
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Import),
    /// Say what onex finds on this machine, and what is wrong with it
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(Doctor),
    /// Print the completion script of a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions(Completions),
    /// Print the manual page
    #[command(after_help = MAN_EXAMPLES)]
    Man(Man),
}

/// `onex install`.
#[derive(Debug, clap::Args)]
pub struct Install {
    /// Keep the hook that is there, and run it first
    #[arg(long)]
    pub chain: bool,

    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,
}

/// `onex uninstall`.
#[derive(Debug, clap::Args)]
pub struct Uninstall {
    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,
}

/// `onex orch`.
#[derive(Debug, clap::Args)]
pub struct Orch {
    /// The contract to run: a file, a folder with a contract.yaml, or its name in contracts/
    #[arg(long, value_name = "PATH|NAME", env = "ONEX_CONTRACT", hide_env = true)]
    pub contract: Option<PathBuf>,

    /// The stage whose components and contracts to run
    #[arg(long, value_name = "STAGE", env = "ONEX_STAGE", hide_env = true)]
    pub stage: Option<StageName>,

    /// Take contracts, components and the scripts that they name from this commit, and run them on the working tree
    #[arg(long, value_name = "REF", env = "ONEX_CONTRACTS_FROM", hide_env = true)]
    pub contracts_from: Option<String>,

    /// What a stage runs.
    #[command(flatten)]
    pub staged: Staged,

    /// Which nodes.
    #[command(flatten)]
    pub selected: Selected,

    /// How to go about the nodes [default: what --jobs and the contract's execution_mode say]
    #[arg(long, value_name = "MODE", env = "ONEX_MODE", hide_env = true)]
    pub mode: Option<ModeName>,

    /// Run nothing, show the plan: the same as `--mode dry-run`
    #[arg(long, env = "ONEX_DRY_RUN", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub dry_run: bool,

    /// The most nodes at once [default: the number of processors, and 1 in sync mode]
    #[arg(long, short, value_name = "N", env = "ONEX_JOBS", hide_env = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: Option<u32>,

    /// Stop at the first failure, whatever the contract says
    #[arg(long, env = "ONEX_FAIL_FAST", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub fail_fast: bool,

    /// Go on after a failure with all that does not depend on it, whatever the contract says
    #[arg(long, env = "ONEX_KEEP_GOING", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub keep_going: bool,

    /// Time for the whole run: seconds, or with a unit such as 90s, 5m, 1h30m
    #[arg(long, value_name = "TIME", env = "ONEX_TIMEOUT", hide_env = true)]
    pub timeout: Option<String>,

    /// An input of the contract; text as it is, other types as JSON
    #[arg(long = "input", value_name = "NAME=VALUE", env = "ONEX_INPUT", hide_env = true, value_parser = crate::contract::parse_assignment)]
    pub inputs: Vec<(String, String)>,

    /// A file with inputs: one JSON object; - reads it from standard input
    #[arg(long = "inputs", value_name = "FILE", env = "ONEX_INPUTS", hide_env = true)]
    pub input_file: Option<PathBuf>,

    /// Run only what `onex trust` has pinned, and nothing that has changed since
    #[arg(long, env = "ONEX_REQUIRE_TRUSTED", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub require_trusted: bool,

    /// Write every event to this file, one JSON object a line, as it happens
    #[arg(long, value_name = "FILE", env = "ONEX_EVENTS", hide_env = true)]
    pub events: Option<PathBuf>,

    /// Write the report to this file, too; .json, .yaml, .yml, .txt, .xml (JUnit) or .sarif says in which form
    #[arg(long = "report", value_name = "FILE", env = "ONEX_REPORT", hide_env = true)]
    pub reports: Vec<PathBuf>,

    /// Write the results as JUnit XML to this file, whatever its name
    #[arg(long, value_name = "FILE", env = "ONEX_JUNIT", hide_env = true)]
    pub junit: Option<PathBuf>,

    /// Write findings and failed nodes as SARIF 2.1.0 to this file, whatever its name
    #[arg(long, value_name = "FILE", env = "ONEX_SARIF", hide_env = true)]
    pub sarif: Option<PathBuf>,

    /// Write a structured log to this file, one JSON object a line; - writes it to standard error
    #[arg(long, value_name = "FILE", env = "ONEX_LOG", hide_env = true)]
    pub log: Option<PathBuf>,

    /// Which nodes' output people see [default: live for one node at a time on a terminal, else failed]
    #[arg(long, value_name = "WHICH", env = "ONEX_OUTPUT", hide_env = true)]
    pub output: Option<OutputName>,

    /// How to show how far the run is, on standard error
    #[arg(
        long,
        value_name = "HOW",
        env = "ONEX_PROGRESS",
        hide_env = true,
        default_value = "auto",
        hide_default_value = true
    )]
    pub progress: ProgressName,

    /// The project root [default: the nearest folder above the contract with an onex.toml or a .git]
    #[arg(long, value_name = "DIR", env = "ONEX_ROOT", hide_env = true)]
    pub root: Option<PathBuf>,

    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,

    /// What is asked of it as a run of tests.
    // Last, because what follows would stand under its heading.
    #[command(flatten)]
    pub tested: Tested,
}

/// `onex plan`.
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// The contract to plan: a file, a folder with a contract.yaml, or its name in contracts/
    #[arg(value_name = "PATH|NAME")]
    pub contract: PathBuf,

    /// Which nodes.
    #[command(flatten)]
    pub selected: Selected,

    /// Plan for one node at a time, or for several
    #[arg(long, value_name = "MODE", env = "ONEX_MODE", hide_env = true)]
    pub mode: Option<ModeName>,

    /// The most nodes at once
    #[arg(long, short, value_name = "N", env = "ONEX_JOBS", hide_env = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub jobs: Option<u32>,

    /// The project root [default: the nearest folder above the contract with an onex.toml or a .git]
    #[arg(long, value_name = "DIR", env = "ONEX_ROOT", hide_env = true)]
    pub root: Option<PathBuf>,

    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,
}

/// `onex graph`.
#[derive(Debug, clap::Args)]
#[command(mut_arg("format", |format| format.hide(true)), mut_arg("quiet", |quiet| quiet.hide(true)))]
pub struct Graph {
    /// The contract to draw: a file, a folder with a contract.yaml, or its name in contracts/
    #[arg(value_name = "PATH|NAME")]
    pub contract: PathBuf,

    /// In which form
    #[arg(long = "as", value_name = "FORM", default_value = "ascii")]
    pub form: FormName,

    /// Which nodes.
    #[command(flatten)]
    pub selected: Selected,

    /// The project root [default: the nearest folder above the contract with an onex.toml or a .git]
    #[arg(long, value_name = "DIR", env = "ONEX_ROOT", hide_env = true)]
    pub root: Option<PathBuf>,

    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,
}

/// `onex validate`.
#[derive(Debug, clap::Args)]
pub struct Validate {
    /// Files, folders, or names in contracts/; - is standard input
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,

    /// The project root [default: the nearest folder above the contract with an onex.toml or a .git]
    #[arg(long, value_name = "DIR", env = "ONEX_ROOT", hide_env = true)]
    pub root: Option<PathBuf>,

    /// Write what was found as SARIF 2.1.0 to this file, too
    #[arg(long, value_name = "FILE")]
    pub sarif: Option<PathBuf>,

    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,
}

/// `onex fmt`.
#[derive(Debug, clap::Args)]
pub struct Fmt {
    /// Files, folders, or names in contracts/; - reads standard input and writes standard output
    #[arg(value_name = "PATH", default_value = ".", hide_default_value = true)]
    pub paths: Vec<PathBuf>,

    /// Write nothing, list the files that would change, and exit with 1 if there are any
    #[arg(long)]
    pub check: bool,

    /// Write nothing, and show what would change as a unified diff
    #[arg(long)]
    pub diff: bool,

    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,
}

/// `onex new`.
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct New {
    /// What to write.
    #[command(subcommand)]
    pub what: NewWhat,
}

/// What `onex new` can write.
#[derive(Debug, Subcommand)]
pub enum NewWhat {
    /// Write contracts/NAME/contract.yaml, which runs as it is
    #[command(after_help = NEW_EXAMPLES)]
    Contract(NewContract),
}

/// `onex new contract`.
#[derive(Debug, clap::Args)]
pub struct NewContract {
    /// Its name: letters, digits, _ and -, with a letter or _ first
    #[arg(value_name = "NAME")]
    pub name: String,

    /// The form of the contract
    #[arg(long, value_name = "DIALECT", default_value = "workflow")]
    pub dialect: DialectName,

    /// The folder that its folder is made in [default: the project's contracts]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// The names of dialects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DialectName {
    /// `workflow:` with `tasks`
    Workflow,
    /// `workflow_coordination:` with an `execution_graph`
    Onex,
}

/// `onex init`.
#[derive(Debug, clap::Args)]
pub struct Init {
    /// Write nothing, and show what would be written
    #[arg(long)]
    pub dry_run: bool,
}

/// `onex explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// The code of a diagnostic, such as E0302, or with --contract the id of a node
    #[arg(value_name = "CODE|NODE")]
    pub what: String,

    /// The contract of the node: a file, a folder with a contract.yaml, or its name in contracts/
    #[arg(long, value_name = "PATH|NAME")]
    pub contract: Option<PathBuf>,

    /// The project root [default: the nearest folder above the contract with an onex.toml or a .git]
    #[arg(long, value_name = "DIR", env = "ONEX_ROOT", hide_env = true)]
    pub root: Option<PathBuf>,

    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,
}

/// `onex schema`.
#[derive(Debug, clap::Args)]
pub struct Schema {
    /// What the schema describes
    #[arg(value_name = "NAME")]
    pub document: DocumentName,
}

/// Which nodes of a contract.
#[derive(Debug, clap::Args)]
pub struct Selected {
    /// These nodes and no others; * stands for any text, commas part several
    #[arg(long, value_name = "NODE", env = "ONEX_ONLY", hide_env = true, value_delimiter = ',')]
    pub only: Vec<String>,

    /// These nodes and all that they need, directly or not
    #[arg(long, value_name = "NODE", env = "ONEX_UNTIL", hide_env = true, value_delimiter = ',')]
    pub until: Vec<String>,
}

/// `onex doctor`.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,
}

/// `onex completions`.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: ShellName,
}

/// `onex man`.
#[derive(Debug, clap::Args)]
pub struct Man {
    /// Write all pages into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// The names of shells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ShellName {
    /// bash
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

/// Options of every verb that shows something.
#[derive(Debug, clap::Args)]
pub struct Shown {
    /// The form of the output [default: for a run human on a terminal and json elsewhere, otherwise human]
    #[arg(long, value_name = "FORMAT", env = "ONEX_FORMAT", hide_env = true)]
    pub format: Option<FormatName>,

    /// When to use colours
    #[arg(
        long,
        value_name = "WHEN",
        env = "ONEX_COLOR",
        hide_env = true,
        default_value = "auto",
        hide_default_value = true
    )]
    pub color: ColorName,

    /// No colours, and ASCII instead of emoji
    #[arg(long, env = "ONEX_NO_COLOR", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub no_color: bool,

    /// Say only what went wrong, and the summary
    #[arg(long, short, env = "ONEX_QUIET", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub quiet: bool,

    /// Say what onex itself does; twice says more
    #[arg(long, short, action = ArgAction::Count)]
    pub verbose: u8,
}

/// The names of modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ModeName {
    /// One node at a time
    Sync,
    /// Several nodes at a time
    Async,
    /// Nothing runs; the plan is shown
    DryRun,
    /// One node at a time, each once, and how long everything takes
    Profile,
}

/// The names of formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatName {
    /// For people
    Human,
    /// One JSON document
    Json,
    /// One YAML document
    Yaml,
}

/// The names of drawings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormName {
    /// Lines on a terminal
    Ascii,
    /// For Graphviz
    Dot,
    /// For Mermaid
    Mermaid,
    /// A picture
    Svg,
}

/// Which nodes' output people see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputName {
    /// The last lines of failed nodes
    Failed,
    /// All lines of all nodes
    All,
    /// No lines
    None,
    /// Every line as it comes
    Live,
}

/// How to show how far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgressName {
    /// A bar on a terminal; elsewhere a line now and then if the run is long
    Auto,
    /// The running nodes, redrawn in place
    Bar,
    /// A line when a node starts and one when it ends
    Plain,
    /// Nothing
    None,
}

/// What a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DocumentName {
    /// A contract, in either dialect
    Contract,
    /// What a run reports with --format json
    Report,
    /// A line of --events
    Event,
    /// What onex plan gives with --format json
    Plan,
    /// What onex validate gives with --format json
    Validation,
    /// A settings file, onex.toml
    Config,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorName {
    /// Where the terminal shows them
    Auto,
    /// Everywhere
    Always,
    /// Nowhere
    Never,
}

/// The variables that set options. Children do not get them: a nested `onex` has options of its own.
#[must_use]
pub fn variables(command: &clap::Command) -> Vec<String> {
    let of = |command: &clap::Command| -> Vec<String> {
        command.get_arguments().filter_map(|arg| Some(arg.get_env()?.to_str()?.to_owned())).collect()
    };
    let mut names: Vec<String> = command.get_subcommands().flat_map(of).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_option_of_orch_has_its_variable() {
        let command = Arguments::command();
        let orch = command.find_subcommand("orch").unwrap();
        for argument in
            orch.get_arguments().filter(|a| !matches!(a.get_id().as_str(), "help" | "verbose" | "files"))
        {
            let long = argument.get_long().unwrap();
            let expected = format!("ONEX_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(argument.get_env().and_then(|e| e.to_str()), Some(expected.as_str()));
        }
        assert!(variables(&command).contains(&"ONEX_CONTRACT".to_owned()));
    }
}
