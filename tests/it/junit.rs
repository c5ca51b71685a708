//! JUnit XML is what its readers expect, whatever nodes print: checked against a schema with xmllint, and read by
//! another XML reader.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::Folder;

/// What a reader makes of the file: each case with its name, and with each element that it holds, its attributes and
/// its text.
const READER: &str = r#"
import json, sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
suite, = root
def shown(element):
    return [element.tag, dict(element.attrib), "".join(element.itertext())]
print(json.dumps({
    "root": dict(root.attrib), "suite": dict(suite.attrib),
    "properties": {p.get("name"): p.get("value") for p in suite.iter("property")},
    "cases": {c.get("name"): {"attributes": dict(c.attrib), "holds": [shown(e) for e in c]} for c in suite.iter("testcase")},
}))
"#;

/// The file after it was found valid, as data.
pub fn read(folder: &Folder, name: &str) -> Value {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/junit.xsd");
    let file = folder.path().join(name);
    let checked =
        Command::new("xmllint").args(["--noout", "--nonet", "--schema", schema]).arg(&file).output();
    let checked = checked.expect("xmllint of the Debian package libxml2-utils is there");
    assert!(checked.status.success(), "{}\n{}", String::from_utf8_lossy(&checked.stderr), folder.read(name));
    let read = Command::new("python3").args(["-c", READER]).arg(&file).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    serde_json::from_slice(&read.stdout).unwrap()
}

/// The elements of a case, by name.
pub fn elements(document: &Value, case: &str) -> Vec<String> {
    let holds =
        document["cases"][case]["holds"].as_array().unwrap_or_else(|| panic!("no {case}: {document:#}"));
    holds.iter().map(|element| element[0].as_str().unwrap().to_owned()).collect()
}

const ALL_ENDINGS: &str = r#"
workflow:
  name: endings <&"'>
  version: "1.0"
  tasks:
    - {id: good, run: "echo fine"}
    - {id: flaky, type: test, run: "echo again >> tried; echo no luck >&2; test $(wc -l < tried) -ge 3", retry: {max_attempts: 3, initial_delay: 0}}
    - {id: bad, run: "echo 'a < b && \"c\" ]]>' >&2; exit 3", type: test, retry: {max_attempts: 2, initial_delay: 0}}
    - {id: after, run: "true", depends_on: [bad]}
    - {id: off, run: "true", enabled: false}
    - {id: rescued, run: "exit 4", fallback: rescue}
    - {id: rescue, run: "true"}
  coordination: {rules: {fail_fast: false}}
"#;

#[test]
fn each_node_is_a_case_with_its_ending() {
    let folder = Folder::with(ALL_ENDINGS);
    let report = folder.report(&["--junit", "results", "--report", "r.junit.xml", "--report", "R.XML"]);
    assert_eq!(report["exit_code"], 1);
    let document = read(&folder, "results");
    assert_eq!((read(&folder, "r.junit.xml"), read(&folder, "R.XML")), (document.clone(), document.clone()));
    for counts in [&document["root"], &document["suite"]] {
        let of = |name: &str| counts[name].as_str().unwrap().to_owned();
        assert_eq!(
            [of("name"), of("tests"), of("failures"), of("errors")],
            ["endings <&\"'>", "7", "1", "0"].map(str::to_owned)
        );
    }
    assert_eq!(document["suite"]["skipped"], "2");
    assert!(document["suite"].get("hostname").is_none());
    assert_eq!(document["properties"]["run_id"], report["run_id"]);
    assert_eq!(
        (&document["properties"]["mode"], &document["properties"]["exit_code"]),
        (&json!("sync"), &json!("1"))
    );

    assert_eq!(document["cases"]["good"]["holds"], json!([["system-out", {}, "fine\n"]]));
    assert_eq!(document["cases"]["good"]["attributes"]["classname"], "endings <&\"'>");
    assert_eq!(elements(&document, "flaky"), ["flakyFailure", "flakyFailure", "system-err"]);
    let flaky = &document["cases"]["flaky"]["holds"][1];
    assert_eq!(flaky[1], json!({"message": "attempt 2: exit code 1", "type": "TaskFailedError"}));
    assert!(flaky[2].as_str().unwrap().contains("no luck"), "{flaky}");
    assert_eq!(elements(&document, "bad"), ["failure", "rerunFailure", "system-err"]);
    let failure = &document["cases"]["bad"]["holds"][0];
    assert_eq!(
        failure,
        &json!(["failure", {"message": "exit code 3 after 2 attempts", "type": "TaskFailedError"}, "a < b && \"c\" ]]>"])
    );
    assert_eq!(
        document["cases"]["after"]["holds"],
        json!([["skipped", {"message": "needs bad, which failed"}, ""]])
    );
    assert_eq!(document["cases"]["off"]["holds"], json!([["skipped", {"message": "disabled"}, ""]]));
    // The run has not failed because of it, so its case has not either.
    let rescued = &document["cases"]["rescued"]["holds"][0];
    assert_eq!(
        (&rescued[0], &rescued[1]["message"]),
        (&json!("flakyFailure"), &json!("exit code 4; rescue stood in"))
    );
    let time: f64 = document["suite"]["time"].as_str().unwrap().parse().unwrap();
    assert!((time * 1000.0 - report["execution_time_ms"].as_f64().unwrap()).abs() < 0.5);
}

#[test]
fn what_nodes_print_cannot_make_the_file_invalid() {
    let folder = Folder::with(
        r#"workflow: {name: "x\u0001y", tasks: [{id: a, run: "printf '\\000\\001\\033[31mred\\033[0m\\377 \\357\\277\\277 ]]>&lt;</system-out><!-- \\tt\\rr\\n'; exit 1"}]}"#,
    );
    folder.report(&["--junit", "r.xml"]);
    let document = read(&folder, "r.xml");
    let printed = "\u{fffd}\u{fffd}red\u{fffd} \u{fffd} ]]>&lt;</system-out><!-- \tt\rr\n";
    assert_eq!(document["cases"]["a"]["holds"][1], json!(["system-out", {}, printed]));
    assert_eq!(document["suite"]["name"], "x\u{fffd}y");
}

#[test]
fn runs_that_could_not_start_or_failed_as_a_whole_are_red() {
    let folder = Folder::with("workflow: {name: w, tasks: [{id: a, run: 'true', depends_on: [b]}]}");
    folder.report(&["--junit", "r.xml"]);
    let document = read(&folder, "r.xml");
    assert_eq!((&document["suite"]["tests"], &document["suite"]["errors"]), (&json!("1"), &json!("1")));
    let error = &document["cases"]["onex"]["holds"][0];
    assert_eq!((&error[0], &error[1]["type"]), (&json!("error"), &json!("DependencyResolutionError")));
    assert!(error[2].as_str().unwrap().starts_with("contract.yaml:1:"), "{error}");

    // Every node is done, and still the run has failed: a report is not there.
    let folder = Folder::with("workflow: {name: w, tasks: [{id: a, run: 'rm -r out'}]}");
    folder.write("out/keep", "");
    let report = folder.report(&["--report", "out/r.json", "--junit", "r.xml"]);
    assert_eq!((&report["exit_code"], &report["summary"]["failed"]), (&json!(1), &json!(0)));
    let document = read(&folder, "r.xml");
    assert_eq!((&document["suite"]["tests"], &document["suite"]["errors"]), (&json!("2"), &json!("1")));
    assert_eq!(document["cases"]["w"]["holds"][0][1]["type"], "OutputError");
    assert!(elements(&document, "a").is_empty());
}

#[test]
fn a_cancelled_run_and_a_dry_one_have_their_files() {
    let folder = Folder::with(
        "workflow: {name: w, tasks: [{id: a, run: [sleep, '987664']}, {id: b, run: 'true', depends_on: [a]}]}",
    );
    let report = folder.report(&["--junit", "r.xml", "--timeout", "0.1s"]);
    assert_eq!(report["status"], "timed_out");
    let document = read(&folder, "r.xml");
    assert_eq!(
        (elements(&document, "a"), elements(&document, "b")),
        (vec!["failure".to_owned()], vec!["skipped".to_owned()])
    );
    folder.report(&["--junit", "r.xml", "--dry-run"]);
    let document = read(&folder, "r.xml");
    assert_eq!((&document["suite"]["skipped"], &document["suite"]["errors"]), (&json!("2"), &json!("0")));
}

#[test]
fn one_file_is_one_report_however_it_is_named() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'true'}]}");
    let report = folder.report(&["--junit", "r.xml", "--report", "./r.xml"]);
    assert!(
        report["error"]["message"].as_str().unwrap().ends_with("it is another report of this run"),
        "{report}"
    );
    let mut command = folder.command(&["orch", "--contract", "contract.yaml"]);
    assert!(command.env("ONEX_JUNIT", "v.xml").status().unwrap().success());
    assert_eq!(read(&folder, "v.xml")["suite"]["tests"], "1");
}
