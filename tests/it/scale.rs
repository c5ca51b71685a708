//! Large contracts: nothing calls itself, nothing looks at everything for each node.

use std::fmt::Write as _;

use serde_json::Value;

use crate::support::Folder;

#[test]
fn twenty_thousand_nodes_in_a_chain_plan_and_run() {
    let mut contract = "workflow:\n  name: chain\n  tasks:\n".to_owned();
    for n in 0..20_000 {
        let after = if n > 0 { format!(", depends_on: [n{}]", n - 1) } else { String::new() };
        writeln!(contract, "    - {{id: n{n}, run: [/bin/true]{after}}}").unwrap();
    }
    let folder = Folder::with(&contract);
    let plan: Value =
        serde_json::from_str(&folder.onex(&["plan", "contract.yaml", "--format", "json"]).stdout).unwrap();
    assert_eq!(plan["critical_path"].as_array().unwrap().len(), 20_000);
    let report = folder.report(&[]);
    assert_eq!((&report["status"], &report["summary"]["completed"]), (&"success".into(), &20_000.into()));
}

#[test]
fn a_failure_at_the_head_of_a_long_chain_skips_the_rest() {
    let mut contract = "workflow:\n  tasks:\n    - {id: n0, run: [/bin/false]}\n".to_owned();
    for n in 1..20_000 {
        writeln!(contract, "    - {{id: n{n}, run: [/bin/true], depends_on: [n{}]}}", n - 1).unwrap();
    }
    for arguments in [&["--keep-going"][..], &["--fail-fast"]] {
        let report = Folder::with(&contract).report(arguments);
        assert_eq!(
            (&report["summary"]["failed"], &report["summary"]["skipped"]),
            (&1.into(), &19_999.into())
        );
        let last = &report["results"][19_999];
        assert_eq!((&last["reason"], &last["culprit"]), (&"dependency_failed".into(), &"n0".into()));
    }
}

#[test]
fn no_more_nodes_run_at_once_than_may() {
    let mut contract = "workflow:\n  coordination: {rules: {execution_mode: parallel, max_parallel_branches: 3}}\n  tasks:\n".to_owned();
    for n in 0..60 {
        // Each counts those that run beside it.
        writeln!(contract, "    - {{id: n{n}, run: 'touch run.$$; ls run.* | wc -l; rm run.$$'}}").unwrap();
    }
    let folder = Folder::with(&contract);
    let report = folder.report(&["--jobs", "16"]);
    let beside = |r: &Value| r["value"].as_str().unwrap().trim().parse::<u32>().unwrap();
    assert!(report["results"].as_array().unwrap().iter().all(|r| beside(r) <= 3));
    assert_eq!(report["mode"], "async");
}

#[test]
fn nodes_start_by_priority_and_then_as_declared() {
    let folder = Folder::with(
        "workflow:
  tasks:
    - {id: last, run: 'echo last >> order', priority: 500}
    - {id: b, run: 'echo b >> order'}
    - {id: a, run: 'echo a >> order'}
    - {id: first, run: 'echo first >> order', priority: 1}
    - {id: after_b, run: 'echo after_b >> order', depends_on: [b], priority: 2}
",
    );
    folder.report(&[]);
    assert_eq!(
        folder.read("order").split_whitespace().collect::<Vec<_>>(),
        ["first", "b", "after_b", "a", "last"]
    );
}
