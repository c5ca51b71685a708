//! SARIF: findings and failed nodes are where a reader looks for them, and every place is in a file.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::Folder;

/// The schema of SARIF 2.1.0, from a package that is fetched and never built.
fn schema() -> Value {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--locked", "--format-version", "1"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let listed: Value = serde_json::from_slice(&command.output().unwrap().stdout).expect("packages");
    let mut packages = listed["packages"].as_array().unwrap().iter();
    let package = packages.find(|package| package["name"] == "serde-sarif").unwrap();
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    let file = manifest.with_file_name("src").join("schema.json");
    let mut schema: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    // An expression with a bracket too many, for what onex does not write.
    for object in ["run", "toolComponent"] {
        let language = &mut schema["definitions"][object]["properties"]["language"];
        assert!(language.as_object_mut().unwrap().remove("pattern").is_some());
    }
    schema
}

/// The log after it was found valid, and what the schema cannot say was found in it, by the sections of SARIF 2.1.0.
fn read(folder: &Folder, name: &str) -> Value {
    let log: Value = serde_json::from_str(&folder.read(name)).unwrap();
    let schema = schema();
    assert_eq!(schema["title"], "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema");
    let schema = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> =
        schema.iter_errors(&log).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("/sarif-schema-2.1.0.json"));
    let runs = log["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    let run = &runs[0];
    only(run, &["tool", "automationDetails", "invocations", "results", "columnKind", "originalUriBaseIds"]);
    let driver = &run["tool"]["driver"];
    only(driver, &["name", "version", "semanticVersion", "rules"]);
    assert_eq!((&driver["name"], &driver["version"]), (&json!("onex"), &json!(env!("CARGO_PKG_VERSION"))));
    let root = run["originalUriBaseIds"]["SRCROOT"]["uri"].as_str().unwrap();
    assert!(root.starts_with("file:///") && root.ends_with('/'), "{root}");
    let rules = driver["rules"].as_array().unwrap();
    let ids: BTreeSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len(), "rules are unique");
    for rule in rules {
        only(rule, &["id", "shortDescription", "help", "defaultConfiguration"]);
        assert!(!rule["shortDescription"]["text"].as_str().unwrap().is_empty());
        assert!(rule["help"]["text"].as_str().unwrap().len() > 40, "{rule}");
    }
    let mut used = BTreeSet::new();
    for result in run["results"].as_array().unwrap() {
        let known = [
            "ruleId",
            "ruleIndex",
            "level",
            "message",
            "locations",
            "relatedLocations",
            "fixes",
            "partialFingerprints",
        ];
        only(result, &known);
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        used.insert(result["ruleId"].as_str().unwrap());
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        for kind in ["locations", "relatedLocations"] {
            for location in result[kind].as_array().into_iter().flatten() {
                let place = &location["physicalLocation"];
                uri(&place["artifactLocation"]);
                region(&place["region"]);
            }
        }
        for change in result["fixes"]
            .as_array()
            .into_iter()
            .flatten()
            .flat_map(|fix| fix["artifactChanges"].as_array().unwrap())
        {
            uri(&change["artifactLocation"]);
            for replacement in change["replacements"].as_array().unwrap() {
                region(&replacement["deletedRegion"]);
                assert!(replacement["insertedContent"]["text"].is_string());
            }
        }
    }
    assert_eq!(used, ids, "every rule is of a result");
    let invocation = &run["invocations"][0];
    assert!(invocation["executionSuccessful"].is_boolean() && invocation["exitCode"].is_u64());
    assert!(invocation["startTimeUtc"].as_str().unwrap().ends_with('Z'));
    run.clone()
}

fn only(object: &Value, known: &[&str]) {
    for name in object.as_object().unwrap().keys() {
        assert!(known.contains(&name.as_str()), "{name}");
    }
}

fn uri(location: &Value) {
    let uri = location["uri"].as_str().unwrap();
    let is_plain = uri.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%:".contains(&b));
    assert!(is_plain && !uri.is_empty(), "{uri}");
    assert_eq!(location.get("uriBaseId").is_some(), !uri.starts_with("file://"), "{location}");
}

fn region(region: &Value) {
    let at = |name: &str| region[name].as_u64().unwrap_or(1);
    assert!(at("startLine") >= 1 && at("startColumn") >= 1);
    if region.get("endLine").is_some() {
        assert!((at("startLine"), at("startColumn")) <= (at("endLine"), at("endColumn")), "{region}");
    }
}

#[test]
fn findings_have_their_rule_their_place_and_their_fix() {
    let folder = Folder::new();
    folder.write(
        "sub dir/ü.yaml",
        "workflow:\n  name: w\n  tasks:\n    - {id: lint, run: 'true'}\n    - {id: b, description: é, run: 'true', depends_on: [lnt]}\n",
    );
    let ended = folder.onex(&["orch", "--contract", "sub dir/ü.yaml", "--sarif", "r"]);
    assert_eq!(ended.code, 2);
    let run = read(&folder, "r");
    let results = run["results"].as_array().unwrap();
    let unknown = results.iter().find(|result| result["ruleId"] == "E0302").unwrap();
    assert_eq!(unknown["level"], "error");
    let file = json!({"uri": "sub%20dir/%C3%BC.yaml", "uriBaseId": "SRCROOT"});
    let region = json!({"startLine": 5, "startColumn": 57, "endLine": 5, "endColumn": 60});
    let place = &unknown["locations"][0]["physicalLocation"];
    assert_eq!(place, &json!({"artifactLocation": file, "region": region}));
    assert_eq!(
        unknown["fixes"],
        json!([{
            "artifactChanges": [{"artifactLocation": file,
                "replacements": [{"deletedRegion": region, "insertedContent": {"text": "lint"}}]}],
            "description": {"text": "did you mean `lint`?"},
        }])
    );
    assert!(unknown["message"]["text"].as_str().unwrap().ends_with("\nhelp: did you mean `lint`?"));
    let root = folder.path().display().to_string();
    assert_eq!(run["originalUriBaseIds"]["SRCROOT"]["uri"], format!("file://{root}/"));
    let rule =
        run["tool"]["driver"]["rules"].as_array().unwrap().iter().find(|rule| rule["id"] == "E0302").unwrap();
    let page = folder.onex(&["explain", "E0302", "--format", "json"]).stdout;
    assert_eq!(rule["help"]["markdown"], serde_json::from_str::<Value>(&page).unwrap()["page"]);
    let invocation = &run["invocations"][0];
    assert_eq!((&invocation["executionSuccessful"], &invocation["exitCode"]), (&json!(false), &json!(2)));
    assert_eq!(invocation["toolExecutionNotifications"][0]["descriptor"]["id"], "DependencyResolutionError");
}

#[test]
fn failed_nodes_stand_where_the_contract_declares_them() {
    let folder = Folder::new();
    folder.write(
        "contracts/ci/contract.yaml",
        "workflow:\n  name: ci\n  tasks: !include tasks.yaml\n  coordination: {rules: {fail_fast: false}}\n",
    );
    folder.write(
        "contracts/ci/tasks.yaml",
        "- {id: fine, run: 'true'}\n- id: bad\n  run: \"echo 'see {0} and [x](y)' >&2; exit 3\"\n- {id: slow, run: [sleep, '987664'], timeout: 0.1}\n- {id: saved, run: exit 1, fallback: other}\n- {id: other, run: 'true'}\n",
    );
    let report = folder.onex(&[
        "orch",
        "--contract",
        "ci",
        "--format",
        "json",
        "--report",
        "r.sarif",
        "--report",
        "R.sarif.json",
    ]);
    assert_eq!((report.code, folder.read("r.sarif")), (1, folder.read("R.sarif.json")));
    let run = read(&folder, "r.sarif");
    let shown: Vec<_> = run["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| {
            let location = &result["locations"][0];
            let place = &location["physicalLocation"];
            (
                result["ruleId"].as_str().unwrap(),
                result["level"].as_str().unwrap(),
                location["logicalLocations"][0]["name"].as_str().unwrap(),
                place["artifactLocation"]["uri"].as_str().unwrap(),
                (
                    place["region"]["startLine"].as_u64().unwrap(),
                    place["region"]["startColumn"].as_u64().unwrap(),
                ),
            )
        })
        .collect();
    let file = "contracts/ci/tasks.yaml";
    assert_eq!(
        shown,
        [
            ("node/exit_code", "error", "bad", file, (2, 7)),
            ("node/timeout", "error", "slow", file, (4, 8)),
            ("node/exit_code", "warning", "saved", file, (5, 8)),
        ]
    );
    let text = run["results"][0]["message"]["text"].as_str().unwrap();
    assert_eq!(text, "node `bad` failed: exit code 3\nsee {{0}} and [x](y)");
    let invocation = &run["invocations"][0];
    assert_eq!((&invocation["executionSuccessful"], &invocation["exitCode"]), (&json!(true), &json!(1)));
    assert!(invocation["endTimeUtc"].as_str().unwrap() >= invocation["startTimeUtc"].as_str().unwrap());
}

#[test]
fn a_contract_that_is_not_there_or_outside_is_reported_all_the_same() {
    let folder = Folder::new();
    folder.onex(&["orch", "--contract", "nowhere", "--sarif", "r"]);
    let run = read(&folder, "r");
    assert_eq!((&run["results"][0]["ruleId"], &run["results"][0].get("locations")), (&json!("E0404"), &None));

    let outside = Folder::with("workflow: {name: w, tasks: [{id: a, run: exit 1}]}");
    let (root, contract) = (folder.path().to_str().unwrap(), outside.path().join("contract.yaml"));
    folder.onex(&["orch", "--contract", contract.to_str().unwrap(), "--root", root, "--sarif", "r"]);
    let run = read(&folder, "r");
    let uri = &run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert_eq!(uri, &json!(format!("file://{}", contract.display())));
}

#[test]
fn validate_writes_what_it_found_in_all_files() {
    let folder = Folder::new();
    folder.write("a/contract.yaml", "workflow:\n  tasks:\n    - {id: a, uses: lnt}\n");
    folder.write("lint.onex.yaml", "name: lint\nversion: 1.0.0\nentrypoint: command@true\ntags: a, b\n");
    let ended = folder.onex(&["validate", ".", "--sarif", "v.sarif"]);
    assert_eq!(ended.code, 3, "{ended:?}");
    let run = read(&folder, "v.sarif");
    let place = |result: &Value| {
        let place = &result["locations"][0]["physicalLocation"];
        let line = place["region"]["startLine"].as_u64().unwrap();
        format!(
            "{} {}:{line}",
            result["ruleId"].as_str().unwrap(),
            place["artifactLocation"]["uri"].as_str().unwrap()
        )
    };
    let results = run["results"].as_array().unwrap();
    let placed: Vec<String> = results.iter().filter(|r| r["level"] != "note").map(place).collect();
    assert_eq!(placed, ["E0505 a/contract.yaml:3", "E0535 lint.onex.yaml:4"]);
    let fix = &results[0]["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"];
    assert_eq!(fix, "lint");
    assert_eq!(run["invocations"][0]["exitCode"], 3);
    let over = folder.onex(&["validate", "lint.onex.yaml", "--sarif", "lint.onex.yaml"]);
    assert!(over.code == 2 && over.stderr.contains("it is a file that is looked at"), "{over:?}");
}
