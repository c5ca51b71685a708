//! `onex fmt`: what it writes, what it leaves alone, and how it says so.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{Ended, Folder};

const UNTIDY: &str = "\
# Why.
workflow:
    name:   ci   # short
    tasks:
    - {id: a,run: 'true'}
    -   node_id: b
        dependencies: [ a ]
        run: |
            echo  one


            echo two
";

const TIDY: &str = "\
# Why.
workflow:
  name: ci  # short
  tasks:
    - {id: a, run: 'true'}
    - id: b
      depends_on: [a]
      run: |
        echo  one


        echo two
";

fn piped(folder: &Folder, arguments: &[&str], input: &[u8]) -> Ended {
    let mut command = folder.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    Ended::of(&child.wait_with_output().unwrap())
}

#[test]
fn a_file_gets_its_form_and_then_is_not_touched() {
    let folder = Folder::with(UNTIDY);
    let ended = folder.onex(&["fmt", "contract.yaml"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    assert_eq!(ended.stdout, "✅ contract.yaml  formatted\n1 file: 1 formatted\n");
    assert_eq!(folder.read("contract.yaml"), TIDY);
    let before = fs::metadata(folder.path().join("contract.yaml")).unwrap();
    let ended = folder.onex(&["fmt"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "1 file: 1 unchanged\n"));
    let after = fs::metadata(folder.path().join("contract.yaml")).unwrap();
    assert_eq!((before.ino(), before.mtime_nsec()), (after.ino(), after.mtime_nsec()));
    // The new text plans as the old one did.
    assert_eq!(folder.onex(&["validate", "contract.yaml"]).code, 0);
}

#[test]
fn check_and_diff_write_nothing() {
    let folder = Folder::with(UNTIDY);
    folder.write("tidy/contract.yaml", TIDY);
    let check = folder.onex(&["fmt", "--check", "."]);
    assert_eq!(
        (check.code, check.stdout.as_str()),
        (1, "⚠️  contract.yaml  would change\n2 files: 1 would change, 1 unchanged\n")
    );
    let diff = folder.onex(&["fmt", "--diff"]);
    assert_eq!(diff.code, 0);
    assert!(diff.stdout.starts_with("--- a/contract.yaml\n+++ b/contract.yaml\n@@ "), "{}", diff.stdout);
    assert!(
        diff.stdout.contains("-        dependencies: [ a ]\n")
            && diff.stdout.contains("+      depends_on: [a]\n")
    );
    assert_eq!(folder.onex(&["fmt", "--diff", "--check"]).code, 1);
    assert_eq!(folder.onex(&["fmt", "--diff", "--check", "tidy"]).code, 0);
    assert_eq!(folder.read("contract.yaml"), UNTIDY);
    // The diff is one that other programs can apply.
    let mut patch = std::process::Command::new("git");
    patch.args(["apply", "-"]).current_dir(folder.path()).stdin(Stdio::piped());
    let mut child = patch.spawn().unwrap();
    child.stdin.take().unwrap().write_all(diff.stdout.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(folder.read("contract.yaml"), TIDY);
}

#[test]
fn machines_get_one_document() {
    let folder = Folder::with(UNTIDY);
    folder.write("bad/contract.yaml", "a: [1\n");
    folder.write("good/contract.yaml", TIDY);
    let ended = folder.onex(&["fmt", ".", "--format", "json", "--check", "--diff"]);
    assert_eq!(ended.code, 2);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let status: Vec<_> =
        report["files"].as_array().unwrap().iter().map(|f| (&f["path"], &f["status"])).collect();
    assert_eq!(
        format!("{status:?}").replace("String(", "").replace(')', ""),
        r#"[("bad/contract.yaml", "refused", ("contract.yaml", "would_change", ("good/contract.yaml", "unchanged"]"#
    );
    assert_eq!(report["files"][0]["diagnostics"][0]["code"], "E0101");
    assert!(report["files"][1]["diff"].as_str().unwrap().starts_with("--- a/contract.yaml"));
    assert_eq!(report["summary"], serde_json::json!({"files": 3, "changed": 1, "unchanged": 1, "failed": 1}));
    let yaml = folder.onex(&["fmt", "good", "--format", "yaml"]);
    assert!(yaml.stdout.contains("status: unchanged"), "{}", yaml.stdout);
}

#[test]
fn what_is_no_yaml_is_told_and_left_alone() {
    let folder = Folder::new();
    for (text, code) in [("a: [1\n", "E0101"), ("a: 1\n---\nb: 2\n", "E0105"), ("a: &x [*x\n", "E0101")] {
        folder.write("contract.yaml", text);
        let ended = folder.onex(&["fmt", "contract.yaml"]);
        assert_eq!((ended.code, folder.read("contract.yaml").as_str()), (2, text), "{ended:?}");
        assert!(ended.stderr.contains(code), "{}", ended.stderr);
        assert_eq!(ended.stdout, "❌ contract.yaml  not formatted\n1 file: 1 not formatted\n");
    }
    folder.write("contract.yaml", b"a: \xff\n");
    assert!(folder.onex(&["fmt", "."]).stderr.contains("E0103"));
    assert_eq!(folder.onex(&["fmt", "nowhere.yaml"]).code, 2);
    assert_eq!(folder.onex(&["fmt", "nowhere"]).code, 3);
    // One file that cannot be formatted does not hold back the others.
    folder.write("b/contract.yaml", UNTIDY);
    assert_eq!(folder.onex(&["fmt"]).code, 2);
    assert_eq!(folder.read("b/contract.yaml"), TIDY);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = Folder::new();
    let ended = piped(&folder, &["fmt", "-"], UNTIDY.as_bytes());
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, TIDY, ""));
    let ended = piped(&folder, &["fmt", "-"], TIDY.as_bytes());
    assert_eq!((ended.code, ended.stdout.as_str()), (0, TIDY));
    let ended = piped(&folder, &["fmt", "-", "--check"], UNTIDY.as_bytes());
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (1, "⚠️  <stdin>  would change\n1 file: 1 would change\n")
    );
    let ended = piped(&folder, &["fmt", "-"], b"a: [1\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("<stdin>:1:4"), "{}", ended.stderr);
    assert_eq!(folder.onex(&["fmt", "-", "x.yaml"]).code, 2);
    assert_eq!(folder.onex(&["fmt", "-", "--format", "json"]).code, 2);
}

#[test]
fn links_modes_and_folders_stay_as_they_are() {
    let folder = Folder::new();
    let real = folder.write("real.yaml", UNTIDY);
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    fs::create_dir(folder.path().join("linked")).unwrap();
    let link = folder.path().join("linked/contract.yaml");
    symlink("../real.yaml", &link).unwrap();
    // Named twice, it is one file.
    let ended = folder.onex(&["fmt", "linked", "real.yaml"]);
    assert_eq!(ended.stdout, "✅ linked/contract.yaml  formatted\n1 file: 1 formatted\n");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(folder.read("real.yaml"), TIDY);
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    let mut names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [".git", "linked", "real.yaml", "tmp"], "nothing is left behind");
}

#[test]
fn a_file_stays_one_file_under_all_its_names_and_that_of_its_owner() {
    let folder = Folder::new();
    let first = folder.write("first.yaml", UNTIDY);
    fs::hard_link(&first, folder.path().join("second.yaml")).unwrap();
    let owned = folder.write("owned.yaml", UNTIDY);
    // Only some may give files away.
    let is_given = std::os::unix::fs::chown(&owned, Some(12345), Some(23456)).is_ok();
    assert_eq!(folder.onex(&["fmt", "first.yaml", "owned.yaml"]).code, 0);
    assert_eq!((folder.read("second.yaml"), folder.read("first.yaml")), (TIDY.to_owned(), TIDY.to_owned()));
    assert_eq!(fs::metadata(&first).unwrap().nlink(), 2);
    let kind = fs::metadata(&owned).unwrap();
    assert_eq!(folder.read("owned.yaml"), TIDY);
    assert!(!is_given || (kind.uid(), kind.gid()) == (12345, 23456));
}

#[test]
fn names_are_those_of_the_dialect() {
    let nodes = "workflow_coordination:\n  workflow_definition:\n    execution_graph:\n      nodes:\n";
    let rows = [
        (
            format!("dependencies: [x]\n{nodes}        - {{id: a, condition: 'x', dependencies: []}}\n"),
            format!("dependencies: [x]\n{nodes}        - {{node_id: a, when: 'x', depends_on: []}}\n"),
        ),
        // What a merge key brings stands elsewhere, and may mean something else there.
        (
            "base: &b {condition: x}\nworkflow:\n  tasks:\n    - {<<: *b, \"node_id\": a}\n    - *b\n"
                .to_owned(),
            "base: &b {condition: x}\nworkflow:\n  tasks:\n    - {<<: *b, \"node_id\": a}\n    - *b\n"
                .to_owned(),
        ),
        // Two names for one key are a mistake, which is not made worse.
        (
            "workflow:\n  tasks:\n    - {id: a, depends_on: [], dependencies: []}\n".to_owned(),
            "workflow:\n  tasks:\n    - {id: a, depends_on: [], dependencies: []}\n".to_owned(),
        ),
        // Not every `condition` is that of a node.
        (
            "workflow:\n  tasks:\n    - {id: a, env: {condition: x, dependencies: y}}\n".to_owned(),
            "workflow:\n  tasks:\n    - {id: a, env: {condition: x, dependencies: y}}\n".to_owned(),
        ),
        ("condition: x\nid: y\n".to_owned(), "condition: x\nid: y\n".to_owned()),
    ];
    let folder = Folder::new();
    for (old, new) in rows {
        let ended = piped(&folder, &["fmt", "-"], old.as_bytes());
        assert_eq!((ended.code, ended.stdout.as_str()), (0, new.as_str()), "{ended:?}");
    }
}

#[test]
fn the_contracts_of_this_repository_have_their_form() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = Folder::new();
    let mut command = folder.command(&["fmt", "--check", "contracts", "examples"]);
    let ended = Ended::of(&command.current_dir(root).output().unwrap());
    assert_eq!(ended.code, 0, "{}", ended.stdout);
}

#[test]
fn names_stay_where_a_text_shares_its_parts() {
    let folder = Folder::new();
    let shared = "workflow:\n  tasks:\n    - &t {node_id: c, run: 'true', dependencies: []}\n    \
                  - {node_id: f, python: 'm:f', kwargs: *t}\n";
    folder.write("shared.onex.yaml", shared);
    folder.onex(&["fmt", "shared.onex.yaml"]);
    let text = folder.read("shared.onex.yaml");
    assert!(text.contains("node_id: c") && text.contains("dependencies: []"), "{text}");
}

#[test]
fn a_document_is_passed_on_as_it_is_where_commands_are_carried_out() {
    let folder = Folder::new();
    let text =
        "workflow:\n  tasks:\n    - id: a\n      run: |\n        ::notice::hi\n        echo '##[group]x'\n";
    let file = folder.write("blk.yaml", text);
    let mut command = folder.command(&["fmt", "-"]);
    command.env("GITHUB_ACTIONS", "true").stdin(fs::File::open(file).unwrap());
    assert_eq!(String::from_utf8(command.output().unwrap().stdout).unwrap(), text);
}
