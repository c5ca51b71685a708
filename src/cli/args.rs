//! What can be typed. clap checks its form; what it means is decided in `resolve`.

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, CommandFactory as _, Parser, Subcommand, ValueEnum};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  execution failed: a node failed, timed out or was cancelled
  2  configuration error: the contract or the command line is invalid
  3  registry resolution failure: no contract or component has the name that was given
  4  protocol violation: an output that is not what it was declared to be
  5  sandbox/security violation: a path outside the project root";

/// Runs declarative contract.yaml workflows.
#[derive(Debug, Parser)]
#[command(name = "onex", version, styles = STYLES, max_term_width = 100, after_help = EXIT_CODES)]
#[command(subcommand_required = true, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(disable_help_flag = true)]
pub struct Arguments {
    /// Show this help
    // One form of help, which fits a screen.
    #[arg(long, short, action = ArgAction::HelpShort, global = true)]
    help: Option<bool>,

    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What `onex` can be asked to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run a workflow and report on it
    #[command(after_help = ORCH_EXAMPLES)]
    Orch(Box<Orch>),
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
    /// Turn the hooks of another tool into components
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Import),
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
}

const ORCH_EXAMPLES: &str = "\
Every option has a variable: --dry-run is ONEX_DRY_RUN=1, --jobs 4 is ONEX_JOBS=4.

Examples:
  onex orch --contract contract.yaml               run it, with a report for people on a terminal
  onex orch --contract ci --jobs 4 --keep-going    run contracts/ci, see every failure at once
  onex orch --contract contract.yaml --dry-run     show what would run
  onex orch --contract ci --until test             test and all that it needs
  onex orch --contract ci --only 'lint,test_*'     these nodes only, whatever they wait for
  onex orch --contract contract.yaml --input env=staging --format json | jq .status
  onex orch --contract contract.yaml --mode profile --repeat 20     how long each node takes
  onex orch --contract contract.yaml --events run.jsonl --timeout 10m
  onex orch --contract contract.yaml --report report.json --report report.txt --log -

  onex orch --stage pre-commit --format human || exit 1    what is staged, as git commit runs it
  onex orch --stage ci --filter 'type=validator,lifecycle=canary'
  onex orch --stage test --tags integration
  onex orch --stage pipeline --from tool_a --to tool_b --to validator_x";

const PLAN_EXAMPLES: &str = "\
Examples:
  onex plan contract.yaml                                     groups that can run side by side
  onex plan contract.yaml --until publish                     what publish needs, and no more
  onex plan contract.yaml --format json | jq .critical_path
  onex plan contract.yaml --format json | jq '.worst_case_ms, .notes'";

const GRAPH_EXAMPLES: &str = "\
Examples:
  onex graph contract.yaml                                    one node a line, with a lane for what is waited for
  onex graph ci --until test                                  test and all that it needs
  onex graph contract.yaml --as svg > graph.svg               a picture
  onex graph contract.yaml --as dot | dot -Tpdf > graph.pdf
  onex graph contract.yaml --as mermaid                       for Markdown: a block of the language mermaid";

const VALIDATE_EXAMPLES: &str = "\
Examples:
  onex validate contract.yaml                     one file
  onex validate .                                 every contract.yaml and *.onex.yaml below this folder
  onex validate ci                                contracts/ci
  git show main:contract.yaml | onex validate -
  onex validate . --format json | jq '.files[] | select(.valid | not) | .path'

Of each file the first 50 findings are shown. Documents list 1000 errors and 1000 warnings of each code;
of what is beyond that, E0116 says how much there is.";

const FMT_EXAMPLES: &str = "\
Two spaces for each level, also for lists; one space after `:` and `-`; brackets stay where they fit
in 100 columns; comments, values, quotes and the order of keys stay. `dependencies` becomes
`depends_on`, `condition` becomes `when`, and a node's id is `id` below `workflow:` and `node_id`
below `workflow_coordination:`. A file is rewritten only after the new text has been read again and
has the same values and the same comments.

Exit codes: 0 done, 1 a file would change with --check, 2 a file is not YAML or cannot be written.

Examples:
  onex fmt                                        every contract.yaml and *.onex.yaml below this folder
  onex fmt contract.yaml
  onex fmt --check . || echo 'run onex fmt'       writes nothing
  onex fmt --diff ci                              shows what would change in contracts/ci
  onex fmt - < draft.yaml > contract.yaml";

const NEW_EXAMPLES: &str = "\
Examples:
  onex new contract release                       contracts/release/contract.yaml
  onex new contract release --dialect onex
  onex new contract release --dir tools/flows     tools/flows/release/contract.yaml";

const INIT_EXAMPLES: &str = "\
Looks for Cargo.toml, pyproject.toml and its kin, package.json, go.mod and a Makefile, at most two
folders deep, and writes contracts/ci/contract.yaml with the checks of the tools that they name.
Where there are none it writes contracts/hello. Inside a git repository it works at the top level;
elsewhere it marks this folder with an onex.toml. Nothing is overwritten.

Examples:
  onex init --dry-run                             shows what it would write
  onex init && onex orch --contract ci";

const IMPORT_EXAMPLES: &str = "\
Hooks of `repo: local` become components, one file each, that run on the same files as before and in
the same order. A hook that onex cannot run as pre-commit does is named with the reason, and so is
every hook of another repository. Nothing is overwritten.

Exit codes: 0 done, 2 the file cannot be read, or not one of its hooks can be imported.

Examples:
  onex import pre-commit --dry-run                shows what it would write
  onex import pre-commit && git add components && onex orch --stage pre-commit --all-files
  onex import pre-commit backend/.pre-commit-config.yaml --dir tools/checks";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  onex explain E0302                              what it means, an example, and the corrected one
  onex explain E0302 --format json | jq -r .page
  onex explain publish --contract contract.yaml   what the node waits for, and whether that can come";

const SCHEMA_EXAMPLES: &str = "\
Examples:
  onex schema contract > contract.schema.json     what an editor completes, explains and checks with
  onex schema report | jq '.properties | keys'    what a report holds

An editor with yaml-language-server (VS Code, Neovim, Helix, Zed) takes it from the contract's first line:
  # yaml-language-server: $schema=./contract.schema.json
or VS Code from its settings, for all contracts:
  \"yaml.schemas\": {\"./contract.schema.json\": [\"contract.yaml\"]}";
const INSTALL_EXAMPLES: &str = "\
A hook that is there already stays. ONEX=0 git commit lets one commit through.

Examples:
  onex install             from now on, git commit runs onex orch --stage pre-commit
  onex install --chain     the same, after the hook that is there";

const UNINSTALL_EXAMPLES: &str = "\
Examples:
  onex uninstall           as it was before onex install";

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
const LIST_EXAMPLES: &str = "\
Examples:
  onex list                                       every contract.yaml, *.onex.yaml and registered component
  onex list --filter 'type=validator,lifecycle=canary|stable'
  onex list --tags pre-commit,ci --format json | jq -r '.components[].path'
  onex list --scan                                metadata blocks in all other files, too";

const REGISTRY_EXAMPLES: &str = "\
Examples:
  onex registry add tools/check_yaml.py           register what its metadata block declares
  onex registry add --scan tools                  and all others in a folder
  onex registry find 'type=validator,lifecycle=canary'
  onex registry find yaml                         words in names, descriptions and tags
  onex registry inspect 'check_yaml@^1.2'
  onex registry remove check_yaml
  onex registry verify                            digests, duplicates, dependencies, circles";

/// `onex orch`.
#[derive(Debug, clap::Args)]
pub struct Orch {
    /// The contract to run: a file, a folder with a contract.yaml, or its name in contracts/
    #[arg(long, value_name = "PATH|NAME", env = "ONEX_CONTRACT", hide_env = true)]
    pub contract: Option<PathBuf>,

    /// The stage whose components and contracts to run
    #[arg(long, value_name = "STAGE", env = "ONEX_STAGE", hide_env = true)]
    pub stage: Option<StageName>,

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

    /// Run the whole workflow this often in profile mode
    #[arg(long, value_name = "N", env = "ONEX_REPEAT", hide_env = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeat: Option<u32>,

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

    /// Write every event to this file, one JSON object a line, as it happens
    #[arg(long, value_name = "FILE", env = "ONEX_EVENTS", hide_env = true)]
    pub events: Option<PathBuf>,

    /// Write the report to this file, too; .json, .yaml, .yml or .txt says in which form
    #[arg(long = "report", value_name = "FILE", env = "ONEX_REPORT", hide_env = true)]
    pub reports: Vec<PathBuf>,

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
}

/// What a stage runs, and on which files.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "options of the command line")]
pub struct Staged {
    /// The files to look at, instead of those of the stage
    #[arg(value_name = "FILE", conflicts_with_all = ["all_files", "changed_since"])]
    pub files: Vec<PathBuf>,

    /// Only components with one of these tags, instead of the stage's own
    #[arg(long, value_name = "A,B", env = "ONEX_TAGS", hide_env = true)]
    pub tags: Vec<String>,

    /// Conditions that must all hold: type, lifecycle, tags, name, namespace, version, status, capability
    #[arg(long, value_name = "KEY=VALUE,…", env = "ONEX_FILTER", hide_env = true)]
    pub filter: Vec<String>,

    /// The first component of a pipeline
    #[arg(long, value_name = "NAME", env = "ONEX_FROM", hide_env = true)]
    pub from: Option<String>,

    /// The next component of a pipeline, which is given what the one before gave
    #[arg(long, value_name = "NAME", env = "ONEX_TO", hide_env = true)]
    pub to: Vec<String>,

    /// All files that git tracks
    #[arg(long, env = "ONEX_ALL_FILES", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub all_files: bool,

    /// The files that the next commit changes, as they are staged
    #[arg(long, env = "ONEX_STAGED", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue, conflicts_with_all = ["all_files", "changed_since", "files"])]
    pub staged: bool,

    /// The files that changed since this commit, or since the branches parted
    #[arg(
        long,
        value_name = "REF",
        env = "ONEX_CHANGED_SINCE",
        hide_env = true,
        conflicts_with = "all_files"
    )]
    pub changed_since: Option<String>,

    /// Fail if there is nothing to run
    #[arg(long, env = "ONEX_FAIL_ON_EMPTY", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub fail_on_empty: bool,

    /// Stage what components change
    #[arg(long, env = "ONEX_FIX_STAGE", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub fix_stage: bool,

    /// Show what components change
    #[arg(long, env = "ONEX_DIFF", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub diff: bool,
}

/// The names of stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StageName {
    /// Before a commit: validators for it, on what is staged
    PreCommit,
    /// In continuous integration: validators and tests, on all files
    Ci,
    /// Tests
    Test,
    /// Components one after the other: --from X --to Y
    Pipeline,
    /// A check of the registry itself
    Registry,
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

/// `onex import`.
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Import {
    /// Whose hooks.
    #[command(subcommand)]
    pub from: ImportFrom,
}

/// Whose hooks can be imported.
#[derive(Debug, Subcommand)]
pub enum ImportFrom {
    /// Those of a .pre-commit-config.yaml, as pre-commit and prek read it
    #[command(after_help = IMPORT_EXAMPLES)]
    PreCommit(ImportPreCommit),
}

/// `onex import pre-commit`.
#[derive(Debug, clap::Args)]
pub struct ImportPreCommit {
    /// The configuration [default: .pre-commit-config.yaml at the top of the repository]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Write nothing, and show what would be written
    #[arg(long)]
    pub dry_run: bool,

    /// The folder that the components are written to [default: components]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
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

/// `onex list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Conditions that must all hold: type, lifecycle, tags, name, namespace, version, status, capability
    #[arg(long, value_name = "KEY=VALUE,…", env = "ONEX_FILTER", hide_env = true)]
    pub filter: Vec<String>,

    /// Tags of which one must be there
    #[arg(long, value_name = "A,B", env = "ONEX_TAGS", hide_env = true)]
    pub tags: Vec<String>,

    /// Look for metadata blocks in all files, too
    #[arg(long, env = "ONEX_SCAN", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub scan: bool,

    /// The project root [default: the nearest folder above this one with an onex.toml or a .git]
    #[arg(long, value_name = "DIR", env = "ONEX_ROOT", hide_env = true)]
    pub root: Option<PathBuf>,

    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,
}

/// `onex registry`.
#[derive(Debug, clap::Args)]
pub struct Registry {
    /// What to do.
    #[command(subcommand)]
    pub action: RegistryVerb,
}

/// What can be done with the registry.
#[derive(Debug, Subcommand)]
pub enum RegistryVerb {
    /// Show what is registered
    List(RegistryPlace),
    /// Show what filters and words select, of all components
    Find {
        /// `key=value` conditions, separated by commas, and words to search for
        #[arg(value_name = "QUERY", required = true)]
        query: Vec<String>,
        /// Look for metadata blocks in all files, too
        #[arg(long)]
        scan: bool,
        /// Where, and how it looks.
        #[command(flatten)]
        place: RegistryPlace,
    },
    /// Show all that is known of a component
    Inspect {
        /// Its name: NAME, NAMESPACE.NAME, NAME@RANGE
        #[arg(value_name = "NAME")]
        name: String,
        /// Where, and how it looks.
        #[command(flatten)]
        place: RegistryPlace,
    },
    /// Register what files declare, or register it anew
    Add {
        /// Files, and folders with contract.yaml and *.onex.yaml files
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// Look for metadata blocks in all files of folders, too
        #[arg(long)]
        scan: bool,
        /// Where, and how it looks.
        #[command(flatten)]
        place: RegistryPlace,
    },
    /// Take a component out of the registry
    Remove {
        /// Its name: NAME, NAMESPACE.NAME, NAME@RANGE, or its file
        #[arg(value_name = "NAME")]
        name: String,
        /// Where, and how it looks.
        #[command(flatten)]
        place: RegistryPlace,
    },
    /// Check that every entry is what it was, and that all components resolve
    Verify(RegistryPlace),
}

/// Where the registry is, and how it looks.
#[derive(Debug, clap::Args)]
pub struct RegistryPlace {
    /// The project root [default: the nearest folder above this one with an onex.toml or a .git]
    #[arg(long, value_name = "DIR", env = "ONEX_ROOT", hide_env = true)]
    pub root: Option<PathBuf>,

    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,
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
pub fn variables() -> Vec<String> {
    let command = Arguments::command();
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
        assert!(variables().contains(&"ONEX_CONTRACT".to_owned()));
    }
}
