//! `--only` and `--until`: which nodes run, what they wait for, and what is said of the rest.

use serde_json::Value;

use crate::support::{Folder, endings};

/// A line of nodes with a stand-in, an idea that nobody has worked out, and a part that is not carried out yet.
const SITE: &str = "workflow:
  name: site
  tasks:
    - {id: fetch, run: 'echo x >> order; test ! -e fetch_fails'}
    - {id: spell, run: 'echo spell >> order; test -e spells', depends_on: [fetch], fallback: spell_again}
    - {id: spell_again, run: [test, -d, /]}
    - {id: links, run: [test, -d, /], depends_on: [spell]}
    - {id: idea, depends_on: [fetch]}
    - {for_each: '[1]', id: later, run: 'echo later', depends_on: [fetch]}
    - {id: publish, run: 'echo published', depends_on: [links]}
    - {id: mail, run: 'echo mail', depends_on: [{node: publish, on: finished}, idea]}
  coordination:
    rules: {fail_fast: false}
";

/// The nodes that ended as something else than `not_selected`.
fn ran(report: &Value) -> Vec<String> {
    let asked_for = |ending: &String| !ending.ends_with(" skipped not_selected");
    endings(report).into_iter().filter(asked_for).collect()
}

#[test]
fn until_a_node_is_that_node_and_all_that_it_needs() {
    let folder = Folder::with(SITE);
    let report = folder.report(&["--until", "links"]);
    assert_eq!(
        ran(&report),
        ["fetch completed -", "spell failed exit_code", "spell_again completed -", "links completed -"]
    );
    assert_eq!((&report["status"], report["results"].as_array().unwrap().len()), (&"success".into(), 8));
    assert_eq!(report["summary"]["skipped"], 4);
}

#[test]
fn only_a_node_is_that_node_and_those_that_stand_in_for_it() {
    let folder = Folder::with(SITE);
    assert_eq!(ran(&folder.report(&["--only", "publish"])), ["publish completed -"]);
    assert_eq!(
        ran(&folder.report(&["--only", "spell"])),
        ["spell failed exit_code", "spell_again completed -"]
    );
    // Who stands in for a node that was not asked for was asked for itself.
    let report = folder.report(&["--only", "spell_again"]);
    assert_eq!(ran(&report), ["spell_again completed -"]);
    assert_eq!(crate::support::result(&report, "spell_again")["stands_in_for"], Value::Null);
}

#[test]
fn names_are_repeated_parted_by_commas_and_globbed() {
    let folder = Folder::with(SITE);
    let expected = ["fetch completed -", "links completed -", "publish completed -"];
    assert_eq!(ran(&folder.report(&["--only", "fetch, links,,publish"])), expected);
    assert_eq!(ran(&folder.report(&["--only", "fetch", "--only", "links", "--only=publish"])), expected);
    assert_eq!(ran(&folder.report(&["--only", "*l*sh,*etc*,lin*"])), expected);
    // Both together: what is in both.
    let both = folder.report(&["--until", "publish", "--only", "l*,mail"]);
    assert_eq!(ran(&both), ["links completed -"]);
}

#[test]
fn a_failure_passes_through_what_was_not_asked_for() {
    let folder = Folder::with(SITE);
    folder.write("fetch_fails", "");
    let report = folder.report(&["--only", "fetch,publish"]);
    assert_eq!(ran(&report), ["fetch failed exit_code", "publish skipped dependency_failed"]);
    assert_eq!(crate::support::result(&report, "publish")["culprit"], "fetch");
    assert_eq!(crate::support::result(&report, "links")["culprit"], Value::Null);
}

#[test]
fn the_order_passes_through_what_was_not_asked_for() {
    let folder = Folder::with(
        "workflow:
  tasks:
    - {id: last, run: 'echo last >> order', depends_on: [middle]}
    - {id: middle, run: 'echo middle >> order', depends_on: [first]}
    - {id: first, run: 'sleep 0.2; echo first >> order'}
",
    );
    folder.report(&["--only", "first,last", "--jobs", "4"]);
    assert_eq!(folder.read("order"), "first\nlast\n");
}

#[test]
fn what_was_not_asked_for_refuses_no_run() {
    let folder = Folder::with(SITE);
    let refused = |arguments: &[&str]| {
        let report = folder.report(arguments);
        assert_eq!((&report["exit_code"], &report["results"]), (&2.into(), &Value::Array(vec![])));
        let found = report["diagnostics"].as_array().unwrap().iter();
        found.map(|d| format!("{} {}", d["code"].as_str().unwrap(), d["line"])).collect::<Vec<_>>()
    };
    assert_eq!(refused(&[]), ["E0210 9", "E0304 8"]);
    assert_eq!(refused(&["--until", "mail"]), ["E0304 8"]);
    assert_eq!(refused(&["--only", "later"]), ["E0210 9"], "its key stands before its id");
    let ended = folder.onex(&["orch", "--contract", "contract.yaml", "--format", "human", "--only", "links"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "no warning either");
}

#[test]
fn what_is_wrong_with_the_rules_still_refuses() {
    let rules = "\n  coordination: {rules: {failure_recovery_strategy: rollback}}\n";
    let folder = Folder::with(&format!(
        "workflow:\n  tasks:\n    - {{id: a, run: x}}\n    - {{id: b, run: x}}{rules}"
    ));
    let report = folder.report(&["--only", "a"]);
    assert_eq!((&report["exit_code"], &report["diagnostics"][0]["code"]), (&2.into(), &"E0210".into()));
}

#[test]
fn in_an_included_file_what_was_not_asked_for_refuses_no_run_either() {
    let folder = Folder::with("workflow:\n  tasks: !include tasks.yaml\n");
    folder.write(
        "tasks.yaml",
        "- id: a\n  run: [test, -d, /]\n- for_each: '[1]'\n  id: b\n  run: echo b\n- when: 'true'\n  run: echo c\n  id: c\n",
    );
    assert_eq!(ran(&folder.report(&["--only", "a"])), ["a completed -"]);
    let report = folder.report(&["--only", "a,c"]);
    let found = report["diagnostics"].as_array().unwrap();
    assert_eq!((found.len(), &found[0]["line"], &found[0]["path"]), (1, &6.into(), &"tasks.yaml".into()));
}

#[test]
fn names_that_no_node_has_are_misuse() {
    let folder = Folder::with(SITE);
    let said = |arguments: &[&str]| {
        let mut all = vec!["orch", "--contract", "contract.yaml", "--format", "human"];
        all.extend(arguments);
        let ended = folder.onex(&all);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
        ended.stderr
    };
    assert_eq!(said(&["--only", "pblish"]), "error: there is no node `pblish`: did you mean `publish`?\n");
    assert_eq!(
        said(&["--until", "x*,nothing\u{1b}[2J"]),
        "error: no node matches `x*`; there is no node `nothing`\n"
    );
    assert_eq!(
        said(&["--only", "mail", "--until", "publish"]),
        "error: no node is in `--only mail` and in `--until publish`: nothing is left to run\n"
    );
    assert!(said(&["--only", " , "]).starts_with("error: `--only` names no node\n"));
    let report = folder.report(&["--only", "pblish"]);
    assert_eq!(report["error"]["kind"], "ConfigurationError");
    let plan = folder.onex(&["plan", "contract.yaml", "--format", "json", "--only", "pblish"]);
    let document: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(
        (plan.code, document["error"].as_str()),
        (2, Some("there is no node `pblish`: did you mean `publish`?"))
    );
}

#[test]
fn people_see_a_number_and_not_every_node() {
    let folder = Folder::with(SITE);
    folder.write("fetch_fails", "");
    let ended = folder.onex(&[
        "orch",
        "--contract",
        "contract.yaml",
        "--format",
        "human",
        "--only",
        "fetch",
        "--only",
        "publish",
    ]);
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("0 passed · 1 failed · 1 skipped · 6 not selected"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("links"), "{}", ended.stdout);
    assert!(
        ended.stdout.contains("rerun: onex orch --contract contract.yaml --only fetch,publish\n"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_variable_selects_like_the_option() {
    let folder = Folder::with(SITE);
    let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    command.env("ONEX_UNTIL", "links,publish").env("ONEX_ONLY", "links");
    let report: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    assert_eq!(ran(&report), ["links completed -"]);
    let mut command = folder.command(&["plan", "contract.yaml", "--format", "json"]);
    command.env("ONEX_UNTIL", "fetch").env("ONEX_ONLY", "");
    let plan: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let status = |n: usize| (plan["nodes"][n]["status"].clone(), plan["nodes"][n]["reason"].clone());
    assert_eq!(status(0), ("will_run".into(), Value::Null));
    assert_eq!(status(4), ("skipped".into(), "not_selected".into()), "although it is unbound");
}

#[test]
fn a_dry_run_tells_what_was_not_asked_for_from_what_would_run() {
    let folder = Folder::with(SITE);
    let report = folder.report(&["--dry-run", "--only", "links"]);
    assert_eq!(ran(&report), ["links skipped dry_run"]);
    assert!(!folder.exists("order"));
}
