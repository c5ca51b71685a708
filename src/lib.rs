//! `onex` runs declarative `contract.yaml` workflows: a contract is read with source positions, becomes a graph,
//! runs as processes, and ends as a report for people or machines.
//!
//! # The idea
//!
//! ```text
//! argv ─► cli ─► RunRequest ─► app::run ─► contract ─► plan ─► engine ──► RunEvent ─┬─► RunReport ─► report
//!                             (use case)   (pure)     (pure)  machine + driver      ├─► report::human, as it happens
//!                                                               │  ▲                └─► --events FILE
//!                                                               ▼  │
//!                                                             executors ─► process
//! ```
//!
//! 1. A contract is data. [`contract::parse`] reads it once into a checked [`model::Workflow`].
//! 2. A [`plan::Plan`] is that workflow as a graph for one context: what would run, in which order, and why not.
//! 3. A run is one stream of [`model::RunEvent`]s. [`engine::machine`] decides, [`engine::driver`] does, everything
//!    else only listens.
//! 4. The [`model::RunReport`] is a fold over that stream ([`model::report::ReportFold`]), live and replayed alike.
//!
//! # Who uses whom
//!
//! Folders are layers. A module uses modules on lower floors only, and of those only the ones in this table, which
//! `tests/it/architecture.rs` enforces. Imports are written `crate::module::…`, so that they can be found.
//!
//! | floor | module | what it does, and what it must not know | may use |
//! |---|---|---|---|
//! | 0 | [`base`] | ids, clock, seeded chance, stops, text. No domain | |
//! | 1 | [`diag`] | diagnostics, spans, sources. Does not render | base |
//! | 1 | [`process`] | spawn in a group, capture, stop ladder, signals. Knows no node | base |
//! | 2 | [`model`] | plain data: workflow, context, events, report, outcomes. No IO | base diag |
//! | 2 | [`yaml`] | text to a tree with spans; values to text. The only room that knows a YAML crate | base diag |
//! | 2 | [`vcs`] | git: what is staged or changed, the index as a tree of its own, fixes. Knows no stage | base process |
//! | 3 | [`config`] | settings from TOML text, each with its place. Reads no file | base diag model |
//! | 3 | [`contract`] | spanned tree to workflow and diagnostics; both dialects | base diag model yaml |
//! | 3 | [`plan`] | the graph: order, circles, groups. petgraph is private here | base diag model |
//! | 3 | [`registry`] | components: discovery, metadata, queries, names and versions, digests | base diag model yaml |
//! | 3 | [`resilience`] | retry, circuit breakers. Pure: `(state, input, now) -> decision` | base model |
//! | 3 | [`report`] | renders events, reports, plans, diagnostics. Cannot see the engine | base diag model yaml |
//! | 4 | [`engine`] | machine, driver, unit, ports. Knows no process | base diag model plan resilience |
//! | 5 | [`executors`] | one file, one kind of action. Cannot see `report` | base diag model process engine |
//! | 5 | [`policy`] | whether a run may be: policies and trust. Answers, and does nothing | base diag model engine |
//! | 5 | [`store`] | what outlives a run: the states of circuits, what stages left to do | base model engine |
//! | 6 | [`orchestrators`] | one file for each stage: which components, which defaults. No input or output | base diag model registry |
//! | 7 | [`app`] | use cases; adapters are built in `app::runtime` only | all above |
//! | 9 | [`cli`] | `args` (what was typed), `resolve` (what was meant). No logic | base diag model config report contract app |
//!
//! # Where to find what
//!
//! - Whether a failed attempt is repeated is decided in [`resilience::decide`], and when in
//!   [`engine::machine::Machine::step`].
//! - A process is started, asked to end and killed in [`mod@process`]: `run.rs` climbs the ladder, `group.rs` sends.
//! - What a sandbox means on a machine is decided in [`executors::sandbox`], what the kernel is asked for in
//!   `process/sandbox`: `landlock.rs` for files, `calls.rs` for system calls. Whether it can be is in `app/sandboxes.rs`.
//! - A line of human output is made in [`report`], `human/mod.rs`; colours and marks in `look.rs`; which stream it
//!   goes to in [`app::console`]. What is drawn and erased on a terminal passes [`app::screen`].
//! - What `--only` and `--until` select is decided in `plan/selection.rs`, what that means for order and failure in
//!   `engine/machine/ending.rs`. Drawings are made in [`report::graph`]: lanes in `lanes.rs`, the layout of pictures in
//!   `layers.rs`.
//! - The names in `--log` are given to events in `report/log.rs`; `--report` files are written in [`app::reports`],
//!   those in JUnit's form and in SARIF made by `report/junit.rs` and `report/sarif.rs`.
//! - What a step of GitHub Actions is told is made in [`report::github`]; its guard against commands that nodes print
//!   stands in [`app::screen`], which all that is written passes.
//! - What shells offer at the end of a command line is decided in `cli/complete.rs`.
//! - The codes of diagnostics and their pages are in [`diag::codes`] and `diag/pages`; what `onex validate` adds to the
//!   findings of a plan is in [`app::validate`].
//! - What a component may say is in `registry/metadata.rs`, comments that hold it in [`registry::block`], which folders
//!   are entered in `registry/discovery.rs`, and which version a name means in [`registry::Registry::resolve`].
//! - What a node that `uses` a component becomes is decided in [`orchestrators::binding`], before the plan is made; how an
//!   entry point becomes a command, for stages, too, in `orchestrators/entrypoint.rs`. Where components are looked for
//!   stands in `app/components.rs`.
//! - Which components a stage runs is decided in `orchestrators/selection.rs`, which files each gets in `files.rs` beside
//!   it, and where they run in `app/place.rs`: in the working tree, or in a shadow of the index (`vcs/shadow.rs`), whose
//!   links are made in `vcs/links.rs`. What became of files that they changed is in `app/changes.rs`, who is named for it
//!   in `app/settle.rs`.
//! - What runs where contracts come from a commit is decided in `app/basis.rs`; `vcs/committed.rs` lays the commit out, and
//!   `executors/declared.rs` finds programs in it.
//! - Which nodes are in a part of several, and what `--failed` runs beside what failed, is decided in `plan/partition.rs`;
//!   what failed is remembered in `app/last_run.rs`. Several runs of one workflow become one report in
//!   [`model::repetition`].
//! - What becomes of a hook of pre-commit is decided in `app/import`: `globs.rs` for its files, `program.rs` for what runs.
//! - The menu of `onex --menu` is [`app::menu`]; its keys come from `process/keyboard.rs`.
//! - Which settings files can hold is in `config/keys.rs`, which files there are in [`app::settings`], and what they say
//!   of an option that nobody gave in `cli/configured.rs`.
//! - Whether a run may begin is decided in [`policy`], on what `app/permission.rs` gathers; what a node would start is
//!   looked up in `executors/starts.rs`, and asked again before every attempt by `app/guard.rs`. What is trusted is kept in
//!   `store/trust.rs`, and written by [`app::trust`] only.
//! - What ends a run with which exit code is in [`model::exit`], [`model::outcome`] and [`app::error`].
//! - What may not import what is the table above.

pub mod base;
pub mod diag;
pub mod process;

pub mod model;
pub mod vcs;
pub mod yaml;

pub mod config;
pub mod contract;
pub mod plan;
pub mod registry;
pub mod report;
pub mod resilience;

pub mod engine;

pub mod executors;
pub mod policy;
pub mod store;

pub mod orchestrators;

pub mod app;

pub mod cli;
