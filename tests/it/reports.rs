//! Reports in files, beside the one on stdout.

use std::fs;

use serde_json::Value;

use crate::support::{Ended, Folder, normalised};

const CONTRACT: &str =
    "workflow: {name: r, tasks: [{id: a, run: 'echo hi'}, {id: bad, run: 'echo no >&2; exit 3'}]}";

/// Everything in the folder that a test or its contract did not put there.
fn left(folder: &Folder) -> Vec<String> {
    let names = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        names.filter(|n| !["tmp", ".git", "contract.yaml"].contains(&n.as_str())).collect();
    names.sort();
    names
}

#[test]
fn one_run_writes_every_form_at_once() {
    let folder = Folder::with(CONTRACT);
    folder.write("old.json", "old");
    let arguments = ["orch", "--contract", "contract.yaml", "--format", "human"];
    let files = ["--report", "old.json", "--report", "r.yaml", "--report", "r.yml", "--report", "R.TXT"];
    let ended = folder.onex(&[&arguments[..], &files].concat());
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    assert_eq!(left(&folder), ["R.TXT", "old.json", "r.yaml", "r.yml"]);
    let json: Value = serde_json::from_str(&folder.read("old.json")).unwrap();
    assert_eq!((&json["exit_code"], &json["results"][1]["stderr"]), (&1.into(), &"no\n".into()));
    assert_eq!(normalised(&folder.read("R.TXT")), normalised(&ended.stdout));
    let text = folder.read("r.yaml");
    assert_eq!(text, folder.read("r.yml"));
    let tree =
        onex::yaml::load(&text, Default::default(), onex::yaml::Limits::default(), &mut Vec::new()).unwrap();
    assert_eq!(tree.to_json(tree.root()), json);
}

#[test]
fn reports_for_people_in_files_have_no_colours_and_all_that_was_said() {
    let folder = Folder::with("workflow: {name: r, tasks: [{id: a, run: 'true', color: red}]}");
    let arguments =
        ["orch", "--contract", "contract.yaml", "--color", "always", "--quiet", "--report", "r.txt"];
    assert_eq!(folder.onex(&arguments).code, 0);
    let text = folder.read("r.txt");
    assert!(!text.contains('\u{1b}') && text.contains("✅ a") && text.contains("warning[E0205]"), "{text}");
}

#[test]
fn a_run_that_could_not_start_or_was_cancelled_has_its_reports_too() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'true', depends_on: [b]}]}");
    let report = folder.report(&["--report", "r.json", "--report", "r.txt"]);
    assert_eq!(serde_json::from_str::<Value>(&folder.read("r.json")).unwrap(), report);
    assert!(folder.read("r.txt").contains("error[E0302]"), "{}", folder.read("r.txt"));

    let folder = Folder::with("workflow: {tasks: [{id: a, run: [sleep, '987664']}]}");
    let report = folder.report(&["--report", "r.json", "--timeout", "0.1s"]);
    assert_eq!(report["status"], "timed_out");
    assert_eq!(serde_json::from_str::<Value>(&folder.read("r.json")).unwrap(), report);

    let report = folder.report(&["--report", "dry.json", "--dry-run"]);
    assert_eq!(serde_json::from_str::<Value>(&folder.read("dry.json")).unwrap(), report);
}

#[test]
fn what_cannot_be_written_is_said_before_anything_runs() {
    let rows: &[(&[&str], &str)] = &[
        (&["--report", "no/such/folder/r.json"], "No such file"),
        (&["--report", "folder.json"], "it is a directory"),
        (&["--report", "pipe.json"], "it is no regular file"),
        (&["--report", "./contract.yaml"], "it is the contract"),
        (&["--report", "link.yaml"], "it is the contract"),
        (&["--report", "r.json", "--report", "./r.json"], "it is another report"),
        (&["--report", "r.json", "--events", "r.json"], "it is the file for the events"),
        (&["--report", "r.json", "--log", "r.json"], "it is the file for the log"),
        (&["--report", "in.json", "--inputs", "in.json"], "it is the file with the inputs"),
        (&["--events", "e", "--log", "./e"], "it is the file for the events"),
        (&["--log", "contract.yaml"], "it is the contract"),
        (&["--log", "no/such/folder/log"], "No such file"),
    ];
    for (arguments, expected) in rows {
        let contract = "workflow: {tasks: [{id: a, run: 'touch ran'}]}";
        let folder = Folder::with(contract);
        fs::create_dir(folder.path().join("folder.json")).unwrap();
        std::os::unix::fs::symlink("contract.yaml", folder.path().join("link.yaml")).unwrap();
        std::os::unix::fs::symlink("/dev/null", folder.path().join("pipe.json")).unwrap();
        folder.write("in.json", "{}");
        let report = folder.report(&[arguments, &["--report", "good.json"][..]].concat());
        assert_eq!(
            (&report["exit_code"], &report["error"]["kind"]),
            (&2.into(), &"ConfigurationError".into())
        );
        let message = report["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with("cannot write `") && message.contains(expected),
            "{arguments:?}: {message}"
        );
        assert!(!folder.exists("ran"), "{arguments:?}");
        assert_eq!(
            (folder.read("contract.yaml").as_str(), folder.read("in.json").as_str()),
            (contract, "{}")
        );
        // The report that can be written is.
        assert_eq!(
            serde_json::from_str::<Value>(&folder.read("good.json")).unwrap(),
            report,
            "{arguments:?}"
        );
    }
}

#[test]
fn a_form_that_is_not_known_is_misuse_that_names_those_that_are() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'touch ran'}]}");
    for file in ["r", "r.html", "-", "json"] {
        let ended = folder.onex(&["orch", "--contract", "contract.yaml", "--report", file]);
        assert_eq!(ended.code, 2, "{file}");
        assert!(ended.stderr.contains("`.json`, `.yaml`, `.yml`, `.txt`"), "{file}: {}", ended.stderr);
    }
    assert!(!folder.exists("ran"));
}

#[test]
fn a_report_that_is_not_there_at_the_end_is_a_failure() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'rm -r out; touch ran'}]}");
    folder.write("out/keep", "");
    let report = folder.report(&["--report", "out/r.json", "--report", "good.json"]);
    assert!(folder.exists("ran"));
    assert_eq!((&report["status"], &report["exit_code"]), (&"failed".into(), &1.into()));
    assert_eq!(report["error"]["kind"], "OutputError");
    assert!(report["error"]["message"].as_str().unwrap().contains("out/r.json"), "{report}");
    // The other one tells of it.
    assert_eq!(serde_json::from_str::<Value>(&folder.read("good.json")).unwrap(), report);
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'rm -r out'}]}");
    folder.write("out/keep", "");
    let arguments = ["orch", "--contract", "contract.yaml", "--format", "human", "--report", "out/r.json"];
    let ended = folder.onex(&arguments);
    assert!(ended.stderr.starts_with("error: cannot write the report `"), "{}", ended.stderr);
    assert!(ended.code == 1 && ended.stdout.contains("   cannot write the report `"), "{}", ended.stdout);
}

#[test]
fn a_link_stays_one_and_its_file_is_replaced() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'true'}]}");
    folder.write("real/target.json", "old");
    std::os::unix::fs::symlink("real/target.json", folder.path().join("r.json")).unwrap();
    folder.report(&["--report", "r.json"]);
    assert!(folder.path().join("r.json").is_symlink() && folder.read("real/target.json").starts_with("{\n"));
    assert_eq!(fs::read_dir(folder.path().join("real")).unwrap().count(), 1);
}

#[test]
fn the_variable_names_several_files_and_the_command_line_wins() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'true'}]}");
    let run = |value: &str, arguments: &[&str]| {
        let arguments = [&["orch", "--contract", "contract.yaml", "--format", "json"], arguments].concat();
        Ended::of(&folder.command(&arguments).env("ONEX_REPORT", value).output().unwrap()).code
    };
    assert_eq!(run("a.json:b.txt:", &[]), 0);
    assert_eq!(left(&folder), ["a.json", "b.txt"]);
    assert_eq!(run("c.json", &["--report", "with:colon.json"]), 0);
    assert_eq!(left(&folder), ["a.json", "b.txt", "with:colon.json"]);
    assert_eq!(run("", &[]), 0);
    assert_eq!(run("c.html", &[]), 2);
}
