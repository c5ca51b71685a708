//! Files of every kind, from contracts in the wild to what is no contract.

use super::*;

// ---- Kinds of file

#[test]
fn files_of_another_kind_are_recognised() {
    let no_mapping = "a contract is a mapping";
    let no_workflow = "this file declares no workflow";
    let cases = [
        ("", format!("E0201 error 1:1 {no_mapping}"), "start with `workflow:`"),
        ("# nothing\n", format!("E0201 error 2:1 {no_mapping}"), "start with `workflow:`"),
        ("---\n- a\n", format!("E0201 error 2:1 {no_mapping}"), "start with `workflow:`"),
        ("just text", format!("E0201 error 1:1 {no_mapping}"), "start with `workflow:`"),
        ("42", format!("E0201 error 1:1 {no_mapping}"), "start with `workflow:`"),
        ("{}", format!("E0201 error 1:1 {no_workflow}"), "a contract has `workflow:`"),
        (
            "topics: [a]\nname: events\n",
            format!("E0201 error 1:1 {no_workflow}"),
            "a contract has `workflow:`",
        ),
        (
            "name: sender\nnode_type: EFFECT_GENERIC\nio_operations: []\n",
            format!("E0201 error 2:12 {no_workflow}"),
            "only orchestrators declare a workflow",
        ),
        (
            "name: chain\nnode_type: workflow\nhandler_routing: {handlers: []}\n",
            format!("E0201 error 2:12 {no_workflow}"),
            "another dialect",
        ),
        ("workfow:\n  tasks: []\n", format!("E0201 error 1:1 {no_workflow}"), "did you mean `workflow`?"),
        ("workflow: [a]\n", "E0203 error 1:11 `workflow` is a mapping".to_owned(), ""),
        ("workflow: {tasks: {a: b}}\n", "E0203 error 1:19 `tasks` is a list".to_owned(), ""),
    ];
    for (text, expected, help) in cases {
        let (found, advice) = (findings(text), advice(text));
        // A finding about the whole file needs no place.
        assert_eq!(found.len(), 1, "{text:?} {found:?}");
        let placeless = expected.replace(" 1:1 ", "  ");
        assert!(found[0] == expected || found[0] == placeless, "{text:?} {found:?}");
        assert!(help.is_empty() || advice.iter().any(|line| line.contains(help)), "{text:?} {advice:?}");
    }
    for (text, place) in [
        ("name: check_yaml\nmeta_type: validator\nversion: 1.2.0\n", "2:12"),
        ("name: lint\nentrypoint: {type: command, target: [yamllint]}\n", "2:13"),
    ] {
        let (_, found, map) = read(text);
        assert_eq!(
            found.iter().map(|d| show(&map, d)).collect::<Vec<_>>(),
            [format!("E0201 error {place} this file declares no workflow")]
        );
        assert_eq!(found[0].labels[0].text, "the metadata of a component");
    }
}

#[test]
fn an_orchestrator_without_a_graph_is_valid_and_says_so() {
    let finding = |place: &str| {
        format!("E0305 warning {place} the contract declares no execution graph, so there is nothing to run")
    };
    let cases = [
        ("name: bare\nnode_type: ORCHESTRATOR_GENERIC\n", "1:1"),
        ("node_type: orchestrator\nworkflow_coordination:\n  execution_mode: parallel\n", "3:3"),
        ("workflow_coordination:\n  workflow_definition: {execution_graph: {edges: []}}\n", "2:3"),
        ("workflow:\n  name: empty\n", "2:3"),
    ];
    for (text, place) in cases {
        assert_eq!(findings(text), [finding(place)], "{text}");
        assert!(read(text).0.is_some_and(|workflow| workflow.nodes.is_empty()));
    }
}

#[test]
fn more_nodes_than_a_contract_may_have_are_refused() {
    let list = |n: usize| format!("workflow: {{tasks: [\n{}]}}\n", " x,\n".repeat(n));
    let finding = format!("E0111 error {}:2 a contract has at most 200000 nodes", 2 + MAX_NODES);
    assert_eq!(findings(&list(MAX_NODES + 1)), [finding]);
    let (_, found, _) = read(&list(MAX_NODES));
    let (counts, listed) = found.split_last().unwrap();
    assert_eq!(
        counts.message,
        format!("there are {MAX_NODES} errors `E0203`, of which {MAX_OF_A_KIND} are listed")
    );
    assert!(listed.len() == MAX_OF_A_KIND && listed.iter().all(|d| d.code == codes::WRONG_TYPE));
}

#[test]
fn the_workflow_of_the_specification_parses_and_declares_its_agents() {
    let text = r#"workflow:
  name: "research_and_analysis"
  version: "1.0"
  orchestration_pattern: "supervisor"

  agents:
    supervisor:
      type: "supervisor_agent"
      capabilities: ["task_decomposition", "quality_assessment"]
    researcher:
      type: "research_agent"
      capabilities: ["web_search", "data_collection"]
    analyzer:
      type: "analysis_agent"
      capabilities: ["data_processing", "insight_generation"]

  tasks:
    - id: "decompose"
      agent: "supervisor"
      depends_on: []

    - id: "research"
      agent: "researcher"
      depends_on: ["decompose"]
      parallel: true

    - id: "analyze"
      agent: "analyzer"
      depends_on: ["research"]

    - id: "synthesize"
      agent: "supervisor"
      depends_on: ["analyze"]

  coordination:
    type: "hybrid"
    event_driven: ["agent_status", "data_updates"]
    graph_based: ["task_flow", "dependencies"]
"#;

    let found = findings(text);
    assert_eq!(
        found,
        ["19:7", "23:7", "28:7", "32:7"].map(|place| format!(
            "E0210 warning {place} `agent` is not carried out yet by this version of onex"
        ))
    );
    let workflow = read(text).0.expect("warnings are no errors");
    assert_eq!((workflow.name.as_str(), workflow.version.as_deref()), ("research_and_analysis", Some("1.0")));
    assert!(workflow.nodes.iter().all(|node| node.action_key == Some("agent") && node.action.is_none()));
    assert_eq!(
        edges(&workflow),
        [("decompose", "research"), ("research", "analyze"), ("analyze", "synthesize")].map(|(from, to)| (
            from,
            to,
            EdgeCondition::Success
        ))
    );
}

#[test]
fn a_contract_as_they_are_in_the_wild_is_read() {
    let text = r#"---
# A contract full of keys that describe.
contract_version: {major: 1, minor: 0, patch: 4}
node_version: "1.0.4"
name: invoice_orchestrator
contract_name: invoice
node_name: InvoiceOrchestrator
node_type: "ORCHESTRATOR_GENERIC"
description: >
  Reads invoices,
  then books them.
fingerprint: "1.0.0:abc"
mcp: {expose: true, tool_name: book, timeout_seconds: 30}
event_bus:
  version: {major: 1, minor: 0, patch: 0}
  subscribe_topics: ["shop.evt.invoice.v1"]
input_model: {name: ModelIn, module: shop.models}
output_model: {name: ModelOut, module: shop.models}
time_injection: {enabled: true, source: Tick}
projection_reader: {protocol: ProtocolReader}
feature_flags: [{name: fast, default_value: false}]
handler_routing:
  routing_strategy: payload_type_match
  handlers: [{event_model: {name: M}, handler: {name: H}}]
consumed_events: [{topic: shop.evt.invoice.v1, event_type: Invoice}]
published_events: [{topic: shop.evt.booked.v1, event_type: Booked}]
intent_consumption: {"book.write": effect}
dependencies: [{name: reader, type: protocol, module: shop}]
health_check: {enabled: true, endpoint: /health}
metadata: {author: Shop, tags: [invoices], license: MIT}
error_handling:
  retry_policy: {max_retries: 1, initial_delay_ms: 100, max_delay_ms: 5000, exponential_base: 2,
                 retry_on: [EffectExecutionError, ConnectionError]}
  error_types: [{name: Busy, recoverable: true}]
workflow_coordination:
  version: {major: 1, minor: 0, patch: 0}
  lifecycle: {startup_sequence: [], health_check_interval_ms: 1000}
  workflow_definition:
    workflow_metadata:
      workflow_name: invoice_workflow
      workflow_version: {major: 1, minor: 0, patch: 0}
      execution_mode: sequential
      documentation_url: https://example.org
    execution_graph:
      nodes:
        - node_id: "receive"
          node_type: EFFECT_GENERIC
          node_name: Receive
          step_config: {event_pattern: ["invoice.*"], protocol: ProtocolBus, operation: read}
        - node_id: "rate"
          node_type: compute
          depends_on: ["receive"]
          target_node_type: NodeRater
          contract_ref: ../rater/contract.yaml
          metadata: {timeout_ms: 5, strict: true}
        - node_id: "book"
          node_type: ORCHESTRATOR_INTERNAL
          depends_on: ["rate"]
          step_config: {effect_node: node_book, intent_filter: "book.*", aggregation_strategy: all_or_none}
      edges:
        - {from_node: "receive", to_node: "rate", edge_type: data_flow}
        - {from_node: "rate", to_node: "book", edge_type: data_flow}
    coordination_rules:
      execution_mode: sequential
      parallel_execution_allowed: false
      max_parallel_branches: 1
      failure_recovery_strategy: fail_fast
      max_retries: 0
      timeout_ms: 30000
      checkpoint_enabled: false
      checkpoint_interval_ms: 5000
      state_persistence_enabled: false
      rollback_enabled: false
"#;

    assert_eq!(findings(text), [not_carried_out("59:49", "intent_filter")]);
    let workflow = read(text).0.expect("a warning is no error");
    assert_eq!(workflow.description.as_deref(), Some("Reads invoices, then books them.\n"));
    let shown: Vec<_> =
        workflow.nodes.iter().map(|n| (n.id.as_str(), n.kind.as_str(), n.retry.max_attempts())).collect();
    assert_eq!(
        shown,
        [("receive", "effect", 2), ("rate", "compute", 2), ("book", "ORCHESTRATOR_INTERNAL", 2)]
    );
    let actions: Vec<_> = workflow.nodes.iter().map(|node| node.action_key).collect();
    assert_eq!(actions, [None, None, Some("effect_node")]);
    assert_eq!(workflow.nodes[2].uses.as_ref().expect("a component").reference.name, "node_book");
    let limits = (workflow.rules.max_parallel, workflow.rules.parallel, workflow.rules.timeout);
    assert_eq!(limits, (Some(1), Some(false), Some(Duration::from_secs(30))));
}

#[test]
fn only_text_files_of_a_bounded_size_are_read() {
    use std::path::Path;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(file::read(&root.join("Cargo.toml")).is_ok_and(|text| text.starts_with("[package]")));
    assert!(matches!(file::read(&root.join("no-such-file")), Err(ReadError::NotFound)));
    assert!(matches!(file::read(root), Err(ReadError::NotAFile("a directory"))));
    assert!(matches!(file::read(Path::new("/dev/null")), Err(ReadError::NotAFile(_))));

    #[expect(clippy::disallowed_methods, reason = "the only file of these tests")]
    let path = std::env::temp_dir().join(format!("contract-{}", std::process::id()));
    std::fs::write(&path, b"name: caf\xe9\n").unwrap();
    let latin = file::read(&path);
    std::fs::File::create(&path).and_then(|file| file.set_len(file::MAX_SIZE + 1)).unwrap();
    let large = file::read(&path);
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(latin, Err(ReadError::NotUtf8(9))), "{latin:?}");
    assert!(matches!(large, Err(ReadError::TooLarge)));
}
