//! Contracts in both dialects: what becomes of them, and what is said about those that are not in order.

mod actions;
mod dialects;
mod edges;
mod fallbacks;
mod findings;
mod inputs;
mod kinds;
mod metadata;
mod places;
mod policy;
mod programs;
mod rules;
mod sandbox;
mod uses;
mod values;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::file::{self, ReadError};
use super::*;
use crate::diag::{Code, MAX_OF_A_KIND, SourceMap, Span, sort_by_position};
use crate::model::output::OutputFormat;
use crate::model::workflow::{
    Action, Backoff, CommandSpec, DEFAULT_PRIORITY, DEFAULT_TIMEOUT, EdgeCondition, ErrorAction, InputSpec,
    InputType, Jitter, NodeKind, NodeSpec, OuterRetry, ProgramSpec, RetryOn, RulePlaces, Rules, Stdin,
};

/// Reads `text` and gives what was found in the order of the text, with the map that knows the places.
fn read(text: &str) -> (Option<Workflow>, Vec<Diagnostic>, SourceMap) {
    let mut map = SourceMap::default();
    let id = map.add("contract.yaml", text);
    let Parsed { workflow, mut diagnostics, .. } = parse(id, text);
    hold_against_the_schema(text, &diagnostics);
    sort_by_position(&mut diagnostics);
    (workflow, diagnostics, map)
}

/// What the parser and the JSON Schema say has to be the same of every contract of these tests.
fn hold_against_the_schema(text: &str, found: &[Diagnostic]) {
    let id = SourceMap::default().add("contract.yaml", text);
    // What is no YAML is nothing that a schema can be held against.
    if let Ok(tree) = yaml::load(text, id, Limits::default(), &mut Vec::new())
        && !found.iter().any(|d| d.code.as_str().starts_with("E01"))
    {
        let disagreement = schema::tests::about(&tree.to_json(tree.root()), found);
        assert!(disagreement.is_none(), "{text}\n{}", disagreement.unwrap_or_default());
    }
}

/// `CODE severity line:col message`; places that explain the finding follow its own.
fn show(map: &SourceMap, d: &Diagnostic) -> String {
    let places: Vec<String> = d
        .labels
        .iter()
        .map(|label| {
            let place = map.position(label.span.source, label.span.start);
            format!("{}:{}", place.line, place.column)
        })
        .collect();
    format!("{} {} {} {}", d.code, format!("{:?}", d.severity).to_lowercase(), places.join(" "), d.message)
}

fn findings(text: &str) -> Vec<String> {
    let (_, diagnostics, map) = read(text);
    diagnostics.iter().map(|d| show(&map, d)).collect()
}

/// The advice of all findings, in the order of the text.
fn advice(text: &str) -> Vec<String> {
    read(text).1.into_iter().flat_map(|d| d.help).collect()
}

/// The workflow of a contract in which nothing is found.
fn clean(text: &str) -> Workflow {
    assert_eq!(findings(text), [""; 0], "{text}");
    read(text).0.expect("what is clean is a workflow")
}

/// A task `a` with more keys: the first of them stands at 5:7.
fn task(keys: &str) -> String {
    format!("workflow:\n  tasks:\n    - id: a\n      run: x\n      {}\n", keys.replace('\n', "\n      "))
}

/// A task `a` without an action, but for what `keys` say: the first of them stands at 4:7.
fn bare_task(keys: &str) -> String {
    format!("workflow:\n  tasks:\n    - id: a\n      {}\n", keys.replace('\n', "\n      "))
}

/// A node `a` of the ONEX dialect with more keys: the first of them stands at 6:11.
fn node(keys: &str) -> String {
    let keys = keys.replace('\n', "\n          ");
    format!(
        "workflow_coordination:\n  workflow_definition:\n    execution_graph:\n      nodes:\n        - node_id: a\n          {keys}\n"
    )
}

/// A contract with rules: the first of them stands at 5:7.
fn ruled(rules: &str) -> String {
    let rules = rules.replace('\n', "\n      ");
    format!("workflow:\n  tasks: [{{id: a, run: x}}]\n  coordination:\n    rules:\n      {rules}\n")
}

fn first(text: &str) -> NodeSpec {
    clean(text).nodes.swap_remove(0)
}

fn rules(text: &str) -> Rules {
    clean(&ruled(text)).rules
}

fn command(text: &str) -> CommandSpec {
    let Some(Action::Command(command)) = first(text).action else { panic!("no command in {text}") };
    command
}

/// What is run, with the shell where there is one.
fn argv(command: &CommandSpec) -> Vec<String> {
    match &command.program {
        ProgramSpec::Argv(argv) => argv.clone(),
        ProgramSpec::Shell(text) => texts(&["/bin/sh", "-eu", "-c", text]),
        other => panic!("{other:?}"),
    }
}

/// Everything that a workflow says, but where it says it.
fn meaning(mut workflow: Workflow) -> String {
    workflow.places = RulePlaces::default();
    for node in &mut workflow.nodes {
        node.span = Span::default();
        node.depends_on.iter_mut().for_each(|d| d.span = Span::default());
    }
    format!("{workflow:#?}")
}

fn edges(workflow: &Workflow) -> Vec<(&str, &str, EdgeCondition)> {
    let name = |index: usize| workflow.nodes[index].id.as_str();
    workflow
        .nodes
        .iter()
        .flat_map(|node| node.depends_on.iter().map(move |d| (name(d.node), node.id.as_str(), d.on)))
        .collect()
}

fn not_carried_out(place: &str, key: &str) -> String {
    format!("E0210 warning {place} `{key}` is not carried out yet by this version of onex")
}

/// A value that a key that is not carried out yet can have.
fn example(key: &keys::Key) -> &'static str {
    match key.form {
        keys::Form::Bool => "true",
        keys::Form::Object => "{a: b}",
        keys::Form::Word(words) => words[0].0,
        _ => "some",
    }
}

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|&text| text.to_owned()).collect()
}
