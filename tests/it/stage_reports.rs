//! What a stage says of itself: in its report, to people, and to those who point into files.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;

use onex::app::schema::Document;
use serde_json::Value;

use crate::schema::{assert_valid, validator};
use crate::stages::{component, ended, repository, stage};
use crate::support::{Ended, Folder, result};

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// The stage with a variable.
fn with(folder: &Folder, (name, value): (&str, &str), arguments: &[&str]) -> Ended {
    let mut command = folder.command(&[&["orch", "--stage"], arguments].concat());
    command.env("XDG_CACHE_HOME", folder.path().join("home/cache"));
    Ended::of(&command.env(name, value).output().unwrap())
}

#[test]
fn a_stage_that_cannot_start_is_named_in_its_report() {
    let folder = repository();
    component(&folder, "broken", "true", "lifecycle: canary\n");
    folder.git(&["add", "--all"]);
    for (arguments, mode) in [
        (&["pre-commit"][..], "async"),
        (&["pre-commit", "--jobs", "1"], "sync"),
        (&["ci", "--filter", "nonsense=1"], "async"),
        (&["ci", "--mode", "profile"], "profile"),
        (&["pipeline", "--from", "broken", "--to", "nothing"], "sync"),
    ] {
        let report = stage(&folder, arguments);
        assert_ne!(report["exit_code"], 0, "{arguments:?}");
        assert_eq!(report["stage"], arguments[0], "{report}");
        assert_eq!(report["mode"], mode, "{arguments:?}");
        assert_eq!(report["results"], serde_json::json!([]), "{arguments:?}");
    }
    let contract = ["orch", "--contract", "nothing.yaml", "--stage", "ci", "--format", "json"];
    let report = json(&folder.onex(&contract));
    assert_eq!((&report["stage"], &report["mode"]), (&"ci".into(), &"sync".into()), "{report}");
}

#[test]
fn a_stage_that_is_switched_off_reports_that_it_did_nothing() {
    let folder = repository();
    component(&folder, "no", "exit 1", "");
    folder.git(&["add", "--all"]);
    let off = |arguments: &[&str]| with(&folder, ("ONEX", "0"), arguments);
    let ended = off(&["pre-commit", "--format", "json", "--junit", "r.xml"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("ONEX=0 is set, so nothing is checked"), "{ended:?}");
    let report = json(&ended);
    assert_valid(&validator(Document::Report), &report, "the report of a stage that is switched off");
    assert_eq!((&report["status"], &report["stage"]), (&"success".into(), &"pre-commit".into()));
    assert_eq!((&report["results"], &report["error"]), (&serde_json::json!([]), &Value::Null));
    assert!(folder.read("r.xml").contains("tests=\"0\""), "{}", folder.read("r.xml"));
    let human = off(&["pre-commit", "--format", "human"]);
    assert_eq!((human.code, human.stdout.as_str()), (0, ""));
    assert!(human.stderr.contains("nothing is checked"), "{human:?}");
}

#[test]
fn why_a_component_does_not_run_is_said_in_its_own_words() {
    let folder = repository();
    component(&folder, "named", "exit 1", "");
    component(&folder, "python", "exit 1", "files: ['*.py']\n");
    component(&folder, "all", "true", "");
    folder.git(&["add", "--all"]);
    let run = |arguments: &[&str]| with(&folder, ("ONEX_SKIP", "named"), arguments);
    let ended = run(&["pre-commit", "--format", "json"]);
    let report = json(&ended);
    assert_eq!(ended.code, 0, "{report}");
    assert_eq!(result(&report, "named")["reason"], "excluded");
    assert_eq!(result(&report, "python")["reason"], "no_files");
    assert_eq!(result(&report, "all")["status"], "completed");
    assert_valid(&validator(Document::Report), &report, "a report with components that do not run");
    let human = run(&["pre-commit", "--format", "human", "--no-color", "--junit", "r.xml"]).stdout;
    for (name, why) in [("named", "skipped by ONEX_SKIP"), ("python", "no file matches")] {
        let line = human.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{human}"));
        assert!(line.ends_with(why), "{human}");
        assert!(folder.read("r.xml").contains(&format!("<skipped message=\"{why}\"/>")));
    }
    assert!(human.contains("1 passed - 2 skipped"), "{human}");
    let plan = run(&["pre-commit", "--format", "human", "--dry-run"]).stdout;
    assert!(plan.contains("no file matches: python") && plan.contains("skipped by ONEX_SKIP"), "{plan}");
}

const FAILING: &str = "workflow:\n  name: build\n  metadata: {stages: [STAGE], version: 1.0.0}\n  color: red\n  tasks:\n    \
                       - {id: good, run: 'true'}\n    - {id: bad, run: exit 3}\n";

/// The locations of a SARIF log: rule, file and line.
fn locations(folder: &Folder, file: &str) -> Vec<(String, String, u64)> {
    let log: Value = serde_json::from_str(&folder.read(file)).unwrap();
    let run = &log["runs"][0];
    let root = run["originalUriBaseIds"]["SRCROOT"]["uri"].as_str().unwrap();
    assert_eq!(root, format!("file://{}/", folder.path().display()));
    let place = |result: &Value| {
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uriBaseId"], "SRCROOT", "{result}");
        let uri = place["artifactLocation"]["uri"].as_str().unwrap().to_owned();
        (result["ruleId"].as_str().unwrap().to_owned(), uri, place["region"]["startLine"].as_u64().unwrap())
    };
    run["results"].as_array().unwrap().iter().map(place).collect()
}

#[test]
fn what_fails_in_a_contract_of_a_stage_stands_in_the_contract() {
    let folder = repository();
    component(&folder, "also", "exit 1", "");
    folder.write("flows/build/contract.yaml", FAILING.replace("STAGE", "pre-commit"));
    folder.write("deep/a.txt", "staged\n");
    folder.git(&["add", "--all"]);
    let contract = "flows/build/contract.yaml".to_owned();
    let expected = [
        ("E0205".to_owned(), contract.clone(), 4),
        ("node/exit_code".to_owned(), "checks/also.onex.yaml".to_owned(), 1),
        ("node/exit_code".to_owned(), contract.clone(), 7),
    ];
    for state in ["in the working tree", "in a shadow"] {
        let arguments = ["orch", "--stage", "pre-commit", "--format", "human", "--sarif", "../r.sarif"];
        let mut command = folder.command(&arguments);
        command
            .current_dir(folder.path().join("deep"))
            .env("XDG_CACHE_HOME", folder.path().join("home/cache"));
        command.env("GITHUB_ACTIONS", "true").env("CI", "true").env("GITHUB_WORKSPACE", folder.path());
        let ended = Ended::of(&command.output().unwrap());
        assert_eq!(ended.code, 1, "{state}: {ended:?}");
        let mut found = locations(&folder, "r.sarif");
        found.sort();
        assert_eq!(found, expected, "{state}");
        let annotated = |kind: &str, line: u64| {
            let start = format!("::{kind} file={contract},line={line},");
            ended.stderr.lines().any(|line| line.starts_with(&start))
        };
        assert!(annotated("error", 7) && annotated("warning", 4), "{state}: {ended:?}");
        folder.write("deep/a.txt", "not staged\n");
    }
    assert!(folder.exists("home/cache"), "a shadow was made");
}

#[test]
fn what_is_wrong_in_a_contract_of_a_stage_stands_in_the_contract() {
    let folder = repository();
    let wrong = FAILING.replace("STAGE", "ci").replace("run: exit 3", "depends_on: [nobody], run: exit 3");
    folder.write("flows/build/contract.yaml", wrong);
    folder.git(&["add", "--all"]);
    assert_eq!(ended(&folder, &["ci", "--sarif", "r.sarif"]).code, 2);
    let found = locations(&folder, "r.sarif");
    assert!(found.contains(&("E0302".to_owned(), "flows/build/contract.yaml".to_owned(), 7)), "{found:?}");
}

#[test]
fn what_a_contract_says_and_nobody_carries_out_is_refused_in_a_stage_too() {
    let folder = repository();
    let text = FAILING.replace("STAGE", "ci").replace("run: exit 3", "run: 'true', when: ready");
    folder.write("flows/build/contract.yaml", text);
    folder.git(&["add", "--all"]);
    for report in [
        json(&folder.onex(&["orch", "--contract", "flows/build", "--format", "json"])),
        stage(&folder, &["ci"]),
    ] {
        assert_eq!(report["exit_code"], 2, "{report}");
        let found = report["diagnostics"].as_array().unwrap();
        assert!(found.iter().any(|d| d["code"] == "E0210" && d["severity"] == "error"), "{report}");
    }
}

/// The names of the components that `onex list` shows.
fn listed(folder: &Folder) -> Vec<String> {
    let listing = json(&folder.onex(&["list", "--format", "json"]));
    let components = listing["components"].as_array().unwrap();
    components.iter().map(|component| component["name"].as_str().unwrap().to_owned()).collect()
}

fn ran(report: &Value) -> Vec<String> {
    let results = report["results"].as_array().unwrap();
    results.iter().map(|result| result["node_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_list_and_a_stage_see_the_same_components() {
    let folder = repository();
    for name in ["plain", "hushed", "forced", "ignored", "new"] {
        component(&folder, name, "true", "");
    }
    folder.write(".hidden/x.onex.yaml", folder.read("checks/plain.onex.yaml").replace("plain", "hidden"));
    folder.write("inner/x.onex.yaml", folder.read("checks/plain.onex.yaml").replace("plain", "inner"));
    folder.git(&["init", "--quiet", "inner"]);
    folder.write(".ignore", "hushed.onex.yaml\n");
    folder.write(".gitignore", "/tmp/\n/home/\nforced.onex.yaml\nignored.onex.yaml\n");
    folder.git(&[
        "add",
        "--force",
        "checks/plain.onex.yaml",
        "checks/hushed.onex.yaml",
        "checks/forced.onex.yaml",
    ]);
    folder.git(&["add", ".hidden"]);
    let expected = ["forced", "hushed", "new", "plain"];
    assert_eq!(listed(&folder), expected);
    assert_eq!(
        json(&folder.onex(&["list", "--format", "json"]))["other_projects"],
        serde_json::json!(["inner"])
    );
    assert_eq!(ran(&stage(&folder, &["pre-commit", "--all-files"])), expected);
    assert_eq!(folder.onex(&["registry", "inspect", "forced"]).code, 0);
    // Git is asked for what a list needs, and is not needed for a list.
    let mut command = folder.command(&["list"]);
    let ended = Ended::of(&command.env("PATH", "/nowhere").output().unwrap());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("plain") && ended.stderr.contains("without git"), "{ended:?}");
}

#[test]
fn what_a_commit_is_told_does_not_depend_on_other_changes_of_its_files() {
    let folder = repository();
    component(&folder, "edited", "echo before", "files: ['*.txt']\n");
    component(&folder, "program", "true", "");
    let program = folder.read("checks/program.onex.yaml");
    let start = program.find("entrypoint").unwrap();
    folder.write(
        "checks/program.onex.yaml",
        format!("{}entrypoint: {{type: command, target: [./run.sh]}}\n", &program[..start]),
    );
    let run = folder.write("checks/run.sh", "#!/bin/sh\necho before\n");
    std::fs::set_permissions(run, std::fs::Permissions::from_mode(0o755)).unwrap();
    folder.write("a.txt", "committed\n");
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=x"]);
    folder.write("a.txt", "staged\n");
    folder.git(&["add", "a.txt"]);
    let before = |name: &str| {
        let report = stage(&folder, &["pre-commit"]);
        assert_eq!(ran(&report), ["edited", "program"], "{report}");
        assert_eq!(result(&report, name)["stdout"], "before\n", "{report}");
    };
    before("edited");
    // One that is changed, one that is gone, and what one runs: the index has the old ones.
    let edited = folder.read("checks/edited.onex.yaml");
    folder.write("checks/edited.onex.yaml", edited.replace("before", "after"));
    before("edited");
    std::fs::remove_file(folder.path().join("checks/edited.onex.yaml")).unwrap();
    before("edited");
    folder.git(&["checkout", "--", "checks/edited.onex.yaml"]);
    folder.write("checks/run.sh", "#!/bin/sh\necho after\n");
    before("program");
    folder.git(&["checkout", "--", "checks/run.sh"]);
    // New ones and a registry are not in the index, wherever the stage runs; and that is said.
    component(&folder, "new", "exit 1", "");
    folder.write("onex.registry.yaml", "components: [\n");
    for state in ["in the working tree", "in a shadow"] {
        let report = stage(&folder, &["pre-commit"]);
        assert_eq!(ran(&report), ["edited", "program"], "{state}: {report}");
        assert_eq!(report["status"], "success", "{state}");
        let said: Vec<&str> = report["diagnostics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["message"].as_str().unwrap())
            .collect();
        for file in ["checks/new.onex.yaml", "onex.registry.yaml"] {
            let expected = format!("`{file}` is not in the index, so it does not count here");
            assert!(said.contains(&expected.as_str()), "{state}: {said:?}");
        }
        folder.write("a.txt", "not staged\n");
    }
}

#[test]
fn what_is_registered_and_not_in_the_index_is_missing_wherever_a_stage_runs() {
    let folder = repository();
    component(&folder, "good", "true", "");
    folder.write("tools/check", folder.read("checks/good.onex.yaml").replace("good", "named"));
    folder.write("a.txt", "staged\n");
    let block: String = folder.read("tools/check").lines().map(|line| format!("# {line}\n")).collect();
    let block = format!("#!/bin/sh\n# === OmniNode:Metadata ===\n{block}# === /OmniNode:Metadata ===\n");
    folder.write("tools/check", block);
    let added = folder.onex(&["registry", "add", "tools/check"]);
    assert_eq!(added.code, 0, "{added:?}");
    folder.git(&["add", "onex.registry.yaml", "checks", "a.txt", ".gitignore"]);
    for state in ["in the working tree", "in a shadow"] {
        let report = stage(&folder, &["pre-commit"]);
        assert_eq!(report["exit_code"], 3, "{state}: {report}");
        let found = report["diagnostics"].as_array().unwrap();
        assert!(found.iter().any(|d| d["code"] == "E0511"), "{state}: {found:?}");
        folder.write("a.txt", "not staged\n");
    }
    folder.git(&["add", "tools"]);
    assert_eq!(stage(&folder, &["pre-commit"])["exit_code"], 0);
}

#[test]
fn only_who_can_have_changed_a_file_is_blamed() {
    let folder = repository();
    folder.write("a.txt", "a\n");
    folder.write("b.txt", "b\n");
    // It changes a file that it was not given; the next one is given that file afterwards.
    component(&folder, "first", "echo changed >> a.txt", "files: ['b.txt']\npriority: 1\n");
    component(&folder, "next", "true", "files: ['a.txt']\ndependencies: [first]\n");
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(result(&report, "next")["status"], "completed", "{report}");
    assert_eq!(report["exit_code"], 1, "what changed is said of the run: {report}");
    assert_eq!(report["error"]["context"]["changed"], serde_json::json!(["a.txt"]));
}

#[test]
fn where_two_ran_at_once_one_of_them_is_blamed() {
    let folder = repository();
    folder.write("a.txt", "a\n");
    folder.write("c.txt", "c\n");
    let wait =
        |own: &str, other: &str| format!("touch tmp/{own}; until [ -e tmp/{other} ]; do sleep 0.01; done");
    let change = format!("{}; echo x >> a.txt; echo x >> c.txt; touch tmp/done", wait("one", "two"));
    component(&folder, "one", &change, "files: ['a.txt', 'c.txt']\n");
    let look = format!("{}; until [ -e tmp/done ]; do sleep 0.01; done", wait("two", "one"));
    component(&folder, "two", &look, "files: ['a.txt']\n");
    // It has ended before anything changes.
    component(&folder, "early", "true", "files: ['a.txt']\npriority: -1\n");
    for name in ["one", "two"] {
        let path = format!("checks/{name}.onex.yaml");
        folder.write(&path, folder.read(&path) + "dependencies: [early]\n");
    }
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit", "--jobs", "4"]);
    let said = |name: &str| result(&report, name)["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert_eq!(said("two"), "this or `one`, which ran at the same time, changed a.txt", "{report}");
    assert!(said("one").contains("this or `two`, which ran at the same time, changed"), "{report}");
    assert_eq!(result(&report, "early")["status"], "completed");
}

#[test]
fn names_that_are_no_text_are_given_as_they_are_and_shown_escaped() {
    let folder = repository();
    folder.write(".gitignore", "/tmp/\n/home/\n__pycache__/\n");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9\".txt");
    std::fs::write(folder.path().join(name), "x\n").unwrap();
    folder.write(
        "tools/seen.py",
        "import os\ndef names(*files):\n    return [os.fsencode(f).hex() for f in files]\n",
    );
    component(&folder, "argv", "cat \"$1\"; printf '%s' \"$1\" | od -An -tx1", "files: ['*.txt']\n");
    component(&folder, "fix", "echo y >> \"$1\"", "files: ['*.txt']\nwrites: ['*.txt']\npriority: 9\n");
    let python = "name: python\nversion: 1.0.0\nmeta_type: validator\nlifecycle: canary\ntags: [pre-commit]\n\
                  entrypoint: python@tools.seen:names\nfiles: ['*.txt']\n";
    folder.write("python.onex.yaml", python);
    folder.git(&["add", "--all"]);
    for state in ["in the working tree", "in a shadow"] {
        let report = stage(&folder, &["pre-commit"]);
        assert_eq!(report["exit_code"], 1, "{state}: {report}");
        let printed = result(&report, "argv")["stdout"].as_str().unwrap();
        assert!(printed.ends_with("\n 63 61 66 e9 22 2e 74 78 74\n"), "{state}: {report}");
        assert_eq!(result(&report, "python")["value"], serde_json::json!(["636166e9222e747874"]), "{report}");
        assert_eq!(result(&report, "fix")["error"]["message"], "changed caf\\xE9\".txt", "{report}");
        assert_eq!(report["error"]["context"]["changed"], serde_json::json!(["caf\\xE9\".txt"]));
        assert_valid(&validator(Document::Report), &report, state);
        folder.git(&["add", "--all"]);
        std::fs::write(folder.path().join(name), "x\nnot staged\n").unwrap();
    }
}

#[test]
fn a_value_of_a_filter_that_nothing_has_is_said_in_the_same_words() {
    let folder = repository();
    component(&folder, "one", "true", "");
    folder.git(&["add", "--all"]);
    let words = "no component has the lifecycle `canry`";
    let listing = folder.onex(&["list", "--filter", "lifecycle=canry"]);
    assert_eq!(listing.code, 0, "a list shows the rest");
    assert!(listing.stderr.contains(&format!("warning[E0516]: {words}")), "{listing:?}");
    assert!(listing.stderr.contains("did you mean `canary`?"), "{listing:?}");
    let refused = with(&folder, ("X", ""), &["ci", "--filter", "lifecycle=canry", "--format", "json"]);
    assert_eq!(refused.code, 2, "a stage would run something else than was asked for");
    assert!(refused.stderr.contains(&format!("error[E0516]: {words}")), "{refused:?}");
    assert!(refused.stderr.contains("did you mean `canary`?"), "{refused:?}");
    assert_eq!(json(&refused)["error"]["kind"], "ConfigurationError");
}

#[test]
fn what_runs_without_what_it_depends_on_is_said() {
    let folder = repository();
    component(&folder, "needed", "true", "");
    component(&folder, "needs", "true", "dependencies: [needed]\n");
    let needed = folder.read("checks/needed.onex.yaml").replace("canary", "stable");
    folder.write("checks/needed.onex.yaml", needed);
    folder.git(&["add", "--all"]);
    let warned = |report: &Value, why: &str| {
        assert_eq!(report["status"], "success", "{report}");
        let found = report["diagnostics"].as_array().unwrap();
        let [only] = found.as_slice() else { panic!("{found:?}") };
        let message = format!("`needs` runs without `needed`, which it depends on: {why}");
        assert_eq!((&only["code"], &only["severity"]), (&"E0518".into(), &"warning".into()));
        assert_eq!(only["message"], message);
        assert_eq!(only["path"], "checks/needs.onex.yaml");
    };
    let report = stage(&folder, &["ci", "--filter", "lifecycle=canary"]);
    assert_eq!(ran(&report), ["needs"]);
    warned(&report, "the filter leaves that out (lifecycle is stable, not canary)");
    let report = json(&with(&folder, ("ONEX_SKIP", "needed"), &["ci", "--format", "json"]));
    warned(&report, "`ONEX_SKIP` leaves that out");
    assert_eq!(stage(&folder, &["ci"])["diagnostics"], serde_json::json!([]));
}

#[test]
fn the_rules_of_a_contract_hold_in_a_stage_that_has_nothing_else() {
    let folder = repository();
    folder.write(
        "contracts/slow/contract.yaml",
        "workflow:\n  name: slow\n  metadata: {stages: [ci]}\n  coordination: {rules: {execution_mode: parallel, \
         max_parallel_branches: 1, timeout_ms: 100, fail_fast: true}}\n  tasks:\n    - {id: a, run: exit 1}\n    \
         - {id: b, run: sleep 600}\n    - {id: c, run: sleep 600}\n",
    );
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["ci"]);
    assert_eq!(report["diagnostics"], serde_json::json!([]));
    assert_eq!(result(&report, "slow.b")["reason"], "cancelled", "the first failure stops it: {report}");
    let report = stage(&folder, &["ci", "--keep-going"]);
    assert_eq!(report["status"], "timed_out", "{report}");
    // Beside others they do not hold, which is said once.
    component(&folder, "other", "true", "");
    let path = "contracts/slow/contract.yaml";
    folder.write(path, folder.read(path).replace("sleep 600", "'true'"));
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["ci"]);
    let found = report["diagnostics"].as_array().unwrap();
    let messages: Vec<&str> = found.iter().map(|found| found["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["`timeout` of the contract `slow` holds for a run of its own only, and not here"]);
    assert_eq!(result(&report, "slow.b")["status"], "completed");
}

#[test]
fn a_module_is_looked_for_from_the_root_and_a_file_beside_its_declaration() {
    let folder = repository();
    folder.write(".gitignore", "/tmp/\n/home/\n__pycache__/\n");
    folder.write("pkg/mod.py", "def say():\n    return 'from the root'\n");
    folder.write("checks/beside.py", "print('beside')\n");
    for (name, entrypoint) in [("module", "python@pkg.mod:say"), ("file", "python@beside.py")] {
        component(&folder, name, "true", "");
        let path = format!("checks/{name}.onex.yaml");
        let text = folder.read(&path);
        let start = text.find("entrypoint").unwrap();
        folder.write(&path, format!("{}entrypoint: {entrypoint}\n", &text[..start]));
    }
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(result(&report, "module")["value"], "from the root", "{report}");
    assert_eq!(result(&report, "file")["value"], "beside", "{report}");
}

#[test]
fn what_does_not_start_after_a_stop_is_listed_after_what_ran() {
    let folder = Folder::with(
        "workflow:\n  coordination: {rules: {execution_mode: parallel, timeout_ms: 300}}\n  tasks:\n    \
         - {id: long, run: sleep 600}\n    - {id: early, run: 'true'}\n    \
         - {id: late, run: 'true', depends_on: [long]}\n    - {id: last, run: 'true', depends_on: [late]}\n",
    );
    let ended = folder.onex(&[
        "orch",
        "--contract",
        "contract.yaml",
        "--format",
        "human",
        "--no-color",
        "--jobs",
        "2",
    ]);
    let named = |line: &str| {
        let mut words = line.split_whitespace();
        let (mark, name) = (words.next()?, words.next()?);
        ["PASS", "TIME", "FAIL", "SKIP"].contains(&mark).then(|| name.to_owned())
    };
    let names: Vec<String> = ended.stdout.lines().filter_map(named).collect();
    assert_eq!(names[..4], ["early", "long", "late", "last"], "{ended:?}");
}
