//! `onex list` and `onex registry`: what is found, what is told of and not skipped, and what becomes of the registry.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Bare as _, Ended, Folder};

fn component(name: &str, rest: &str) -> String {
    format!("name: {name}\nversion: 1.0.0\nentrypoint: {{type: command, target: [\"true\"]}}\n{rest}")
}

fn block(name: &str, rest: &str) -> String {
    format!(
        "#!/bin/sh\n# === OmniNode:Metadata ===\n# name: {name}\n# version: 1.0.0\n# entrypoint: script@{name}.sh\n{rest}# === /OmniNode:Metadata ===\ntrue\n"
    )
}

fn document(ended: &Ended) -> Value {
    assert_eq!(ended.stderr, "", "all that is found is in the document");
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn listed(folder: &Folder, arguments: &[&str]) -> Value {
    let mut all = vec!["list", "--format", "json"];
    all.extend(arguments);
    document(&folder.onex(&all))
}

/// `kind name path` of every component.
fn names(listing: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let all = listing["components"].as_array().unwrap().iter();
    all.map(|c| format!("{} {} {}", word(&c["kind"]), word(&c["name"]), word(&c["path"]))).collect()
}

/// `CODE severity message` of every finding.
fn findings(document: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let all = document["diagnostics"].as_array().unwrap().iter();
    all.map(|d| format!("{} {} {}", word(&d["code"]), word(&d["severity"]), word(&d["message"]))).collect()
}

#[test]
fn components_are_found_by_the_names_of_files_and_blocks_on_demand() {
    let folder = Folder::new();
    folder.write(
        "contracts/ci/contract.yaml",
        "workflow: {name: ci, version: '2.1', tasks: [{id: a, run: x}]}\n",
    );
    folder.write("nodes/pay/v1_2_0/contract.yaml", "name: pay\nnode_type: EFFECT_GENERIC\n");
    folder.write("tools/lint.onex.yaml", component("lint", ""));
    folder.write("tools/check.sh", block("check", ""));
    folder.write(
        "docs/about.md",
        "<!-- === OmniNode:Metadata ===\nname: about\n=== /OmniNode:Metadata === -->\n",
    );
    folder.write("other.yaml", "name: other\nentrypoint: python@x.py\n");
    let by_name = [
        "workflow ci contracts/ci/contract.yaml",
        "component lint tools/lint.onex.yaml",
        "node pay nodes/pay/v1_2_0/contract.yaml",
    ];
    let listing = listed(&folder, &[]);
    assert_eq!(names(&listing), by_name);
    assert_eq!(listing["summary"], json!({"components": 1, "workflows": 1, "nodes": 1, "documents": 0}));
    let versions: Vec<&Value> =
        listing["components"].as_array().unwrap().iter().map(|c| &c["version"]).collect();
    assert_eq!(versions, ["2.1.0", "1.0.0", "1.2.0"]);
    assert_eq!(
        names(&listed(&folder, &["--scan"])),
        [
            "document about docs/about.md",
            "component check tools/check.sh",
            by_name[0],
            by_name[1],
            by_name[2]
        ]
    );
    // A folder below is the same project.
    let mut command = folder.command(&["list", "--format", "json"]);
    let below = command.current_dir(folder.path().join("tools")).output().unwrap();
    assert_eq!(names(&document(&Ended::of(&below))), by_name);
}

#[test]
fn what_git_ignores_hides_or_holds_for_itself_is_not_looked_into() {
    let folder = Folder::new();
    for path in ["a", "ignored", ".hidden", "nested/deep", "project/deep", "kept"] {
        folder.write(&format!("{path}/x.onex.yaml"), component(&path.replace(['/', '.'], "_"), ""));
        folder.write(&format!("{path}/y.sh"), block(&format!("{}_y", path.replace(['/', '.'], "_")), ""));
    }
    folder.write(".gitignore", "ignored/\n");
    folder.write("kept/.ignore", "y.sh\n");
    fs::create_dir(folder.path().join("nested/.git")).unwrap();
    folder.write("project/onex.toml", "");
    let listing = listed(&folder, &["--scan"]);
    assert_eq!(
        names(&listing),
        ["component a a/x.onex.yaml", "component a_y a/y.sh", "component kept kept/x.onex.yaml"]
    );
    assert_eq!(listing["other_projects"], json!(["nested", "project"]));
    let human = folder.onex(&["list"]).stdout;
    assert!(human.contains("projects of their own, not looked into: nested, project\n"), "{human}");
    // `.gitignore` holds where there is no repository, too.
    fs::remove_dir(folder.path().join(".git")).unwrap();
    folder.write("plain/onex.toml", "");
    folder.write("plain/.gitignore", "b\n");
    folder.write("plain/b/x.onex.yaml", component("b", ""));
    assert_eq!(names(&listed(&folder, &["--root", "plain"])), Vec::<String>::new());
    assert_eq!(names(&listed(&folder, &["--root", "nested"])), ["component nested_deep deep/x.onex.yaml"]);
}

#[test]
fn what_cannot_be_read_is_told_of_and_the_rest_is_listed() {
    let folder = Folder::new();
    folder.write("good.onex.yaml", component("good", ""));
    folder.write("broken/contract.yaml", "workflow: [\n");
    folder.write("latin.onex.yaml", b"name: caf\xe9\n");
    folder.write("nothing/contract.yaml", "");
    fs::create_dir_all(folder.path().join("pipe")).unwrap();
    let pipe = folder.path().join("pipe/contract.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    symlink("nowhere", folder.path().join("lost.onex.yaml")).unwrap();
    symlink("/etc/hostname", folder.path().join("out.onex.yaml")).unwrap();
    symlink(folder.path(), folder.path().join("loop")).unwrap();
    symlink("good.onex.yaml", folder.path().join("again.onex.yaml")).unwrap();
    let mut odd = b"odd\xff".to_vec();
    odd.extend(b".onex.yaml");
    let odd = folder.path().join(OsStr::from_bytes(&odd));
    fs::create_dir(odd).unwrap();
    let listing = listed(&folder, &[]);
    assert_eq!(names(&listing), ["component good good.onex.yaml"]);
    assert_eq!(
        findings(&listing),
        [
            "E0101 error this is not valid YAML",
            "E0103 error cannot read `latin.onex.yaml`: the file is not UTF-8 text: byte 9 does not belong to a character",
            "E0517 error this file declares neither a workflow nor a component",
            "E0104 error cannot read `pipe/contract.yaml`: this is a device, a pipe or a socket, not a file",
            "E0104 error cannot read `lost.onex.yaml`: there is no such file",
            "E0213 warning `out.onex.yaml` is a link that leads out of the project root",
        ]
    );
    let human = folder.onex(&["list"]);
    assert_eq!(human.code, 2);
    assert!(
        human.stdout.contains("good.onex.yaml") && human.stderr.contains("broken/contract.yaml:"),
        "{human:?}"
    );
}

#[test]
fn files_whose_names_are_no_text_are_read_all_the_same() {
    let folder = Folder::new();
    let path = folder.path().join(OsStr::from_bytes(b"a\xff.onex.yaml"));
    fs::write(&path, component("odd", "")).unwrap();
    let listing = listed(&folder, &[]);
    assert_eq!(listing["components"][0]["name"], "odd");
    let mut command = folder.command(&["registry", "add"]);
    let refused = Ended::of(&command.arg(&path).output().unwrap());
    assert!(refused.code == 2 && refused.stderr.contains("its name is not UTF-8"), "{refused:?}");
    assert!(!folder.exists("onex.registry.yaml"));
}

#[test]
fn folders_that_cannot_be_entered_are_named() {
    let folder = Folder::new();
    folder.write("open/x.onex.yaml", component("x", ""));
    folder.write("closed/y.onex.yaml", component("y", ""));
    let closed = folder.path().join("closed");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let may_enter = fs::read_dir(&closed).is_ok();
    let listing = listed(&folder, &[]);
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    if may_enter {
        // Root may enter every folder.
        assert_eq!(names(&listing).len(), 2);
    } else {
        assert_eq!(names(&listing), ["component x open/x.onex.yaml"]);
        assert_eq!(
            findings(&listing),
            ["E0104 error cannot look into `closed`: Permission denied (os error 13)"]
        );
    }
}

#[test]
fn filters_and_tags_select_and_say_what_they_do_not_know() {
    let folder = Folder::new();
    let write = |name: &str, rest: &str| folder.write(&format!("{name}.onex.yaml"), component(name, rest));
    write("yaml", "meta_type: validator\nlifecycle: canary\ntags: [pre-commit]\nnamespace: onex.a\n");
    write("spell", "meta_type: validator\nlifecycle: stable\ntags: [ci, docs]\n");
    write("count", "meta_type: tool\ncapabilities: [counting]\n");
    let of = |arguments: &[&str]| -> Vec<String> {
        let listing = listed(&folder, arguments);
        assert_eq!(findings(&listing), Vec::<String>::new());
        names(&listing).iter().map(|name| name.split(' ').nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(of(&["--filter", "type=validator,lifecycle=canary"]), ["yaml"]);
    assert_eq!(of(&["--filter", "type=validator", "--filter", "lifecycle=canary|stable"]), ["spell", "yaml"]);
    assert_eq!(of(&["--tags", "pre-commit,docs"]), ["spell", "yaml"]);
    assert_eq!(of(&["--tags", "ci", "--filter", "tags=docs"]), ["spell"]);
    assert_eq!(of(&["--filter", "namespace=onex.*"]), ["yaml"]);
    assert_eq!(of(&["--filter", "capability=counting,version=^1"]), ["count"]);
    let nothing = listed(&folder, &["--filter", "type=validatr,lifecycle=canary"]);
    assert_eq!(
        (names(&nothing).len(), findings(&nothing)),
        (0, vec!["E0516 warning no component has the type `validatr`".to_owned()])
    );
    assert_eq!(nothing["diagnostics"][0]["help"], json!(["did you mean `validator`?"]));
    let unknown = folder.onex(&["list", "--filter", "lifecylce=canary"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("did you mean `lifecycle`?"), "{unknown:?}");
    let word = folder.onex(&["list", "--filter", "validator"]);
    assert!(word.code == 2 && word.stderr.contains("a filter is `key=value`"), "{word:?}");
    let mut command = folder.command(&["list", "--format", "json"]);
    let by_variable = Ended::of(&command.env("ONEX_FILTER", "type=tool").output().unwrap());
    assert_eq!(names(&document(&by_variable)).len(), 1);
}

#[test]
fn find_takes_filters_and_words() {
    let folder = Folder::new();
    folder.write(
        "a.onex.yaml",
        component("check_yaml", "meta_type: validator\nlifecycle: canary\ndescription: Refuses tabs.\n"),
    );
    folder.write("b.onex.yaml", component("check_json", "meta_type: validator\n"));
    let found = |query: &[&str]| {
        let mut all = vec!["registry", "find", "--format", "json"];
        all.extend(query);
        names(&document(&folder.onex(&all))).len()
    };
    assert_eq!(found(&["type=validator,lifecycle=canary"]), 1);
    assert_eq!((found(&["check"]), found(&["tabs", "yaml"]), found(&["tabs", "json"])), (2, 1, 0));
    assert_eq!(found(&["type=validator", "tabs"]), 1);
}

fn registry(folder: &Folder, arguments: &[&str]) -> Ended {
    let mut all = vec!["registry"];
    all.extend(arguments);
    folder.onex(&all)
}

#[test]
fn add_is_idempotent_ordered_and_keeps_comments() {
    let folder = Folder::new();
    folder.write("b.sh", block("b", ""));
    folder.write("tools/a.sh", block("a", "# namespace: n\n# meta_type: validator\n"));
    folder.write("tools/notes.txt", "nothing");
    let added = registry(&folder, &["add", "b.sh", "--scan", "tools"]);
    assert_eq!(
        (added.code, added.stdout.as_str()),
        (0, "✅ b@1.0.0 added  b.sh\n✅ n.a@1.0.0 added  tools/a.sh\n")
    );
    let text = folder.read("onex.registry.yaml");
    assert!(text.starts_with("# Components of this project") && text.contains("digest: 'sha256:"), "{text}");
    let place = |name: &str| text.find(&format!("  - name: {name}\n")).unwrap();
    assert!(place("a") < place("b"), "{text}");
    let before = fs::metadata(folder.path().join("onex.registry.yaml")).unwrap().modified().unwrap();
    let again = registry(&folder, &["add", "b.sh"]);
    assert_eq!(again.stdout, "✅ b@1.0.0 unchanged  b.sh\n");
    assert_eq!(fs::metadata(folder.path().join("onex.registry.yaml")).unwrap().modified().unwrap(), before);

    let by_hand = text
        .replacen("# Components", "# Ours. Components", 1)
        .replace("  - name: b\n", "  # Looked at by Ada.\n  - name: b\n");
    folder.write("onex.registry.yaml", &by_hand);
    folder.write("b.sh", block("b", "# lifecycle: stable\n"));
    let updated = registry(&folder, &["add", "b.sh"]);
    assert_eq!(
        (updated.code, updated.stdout.as_str()),
        (0, "✅ b@1.0.0 updated  b.sh\n"),
        "{}",
        updated.stderr
    );
    let text = folder.read("onex.registry.yaml");
    assert!(
        text.starts_with("# Ours. Components") && text.contains("  # Looked at by Ada.\n  - name: b\n"),
        "{text}"
    );
    assert!(text.contains("lifecycle: stable"), "{text}");
    // What is registered counts without being looked for.
    let listing = listed(&folder, &[]);
    assert_eq!(names(&listing), ["component a tools/a.sh", "component b b.sh"]);
    assert_eq!(listing["components"][0]["registered"], true);
    let entries = document(&registry(&folder, &["list", "--format", "json"]));
    assert_eq!(entries["entries"][0]["namespace"], "n");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().ends_with(".tmp")), "{left:?}");
}

#[test]
fn add_refuses_what_is_wrong_and_writes_nothing() {
    let folder = Folder::new();
    folder.write("bad.sh", block("bad", "# timeout: soon\n"));
    folder.write("good.sh", block("good", ""));
    folder.write("copy.sh", block("good", ""));
    folder.write("plain.sh", "true\n");
    for (paths, code, said) in [
        (&["good.sh", "bad.sh"][..], 2, "`timeout` cannot be `soon`"),
        (&["plain.sh"], 2, "`plain.sh` declares no component"),
        (&["none.sh"], 2, "cannot read `none.sh`"),
        (&["/etc/hostname"], 5, "is not inside the project root"),
        (&["good.sh", "copy.sh"], 2, "`copy.sh` declares `good@1.0.0`, which is registered from `good.sh`"),
    ] {
        let mut all = vec!["add"];
        all.extend(paths);
        let refused = registry(&folder, &all);
        assert!(refused.code == code && refused.stderr.contains(said), "{paths:?} {refused:?}");
        assert!(!folder.exists("onex.registry.yaml"), "{paths:?}");
    }
    folder.write("onex.registry.yaml", "components:\n  - nam: x\n");
    let broken = registry(&folder, &["add", "good.sh"]);
    assert!(broken.code == 2 && broken.stderr.contains("did you mean `name`?"), "{broken:?}");
    assert_eq!(folder.read("onex.registry.yaml"), "components:\n  - nam: x\n");
    folder.write("onex.registry.yaml", "components:\n  - {name: x, path: ../x.sh, digest: y}\n");
    assert_eq!(registry(&folder, &["list"]).code, 5);
}

#[test]
fn changes_at_the_same_time_are_not_lost() {
    let folder = Folder::new();
    let names: Vec<String> = (0..12).map(|n| format!("c{n}")).collect();
    for name in &names {
        folder.write(&format!("{name}.sh"), block(name, ""));
    }
    let children: Vec<_> =
        names.iter().map(|name| folder.start(&["registry", "add", &format!("{name}.sh")])).collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let entries = document(&registry(&folder, &["list", "--format", "json"]));
    assert_eq!(entries["entries"].as_array().unwrap().len(), names.len());
}

#[test]
fn remove_takes_out_what_is_meant_and_asks_where_that_is_not_clear() {
    let folder = Folder::new();
    folder.write("a.sh", block("check", "# namespace: one\n"));
    folder.write("b.sh", block("check", "# namespace: two\n"));
    assert_eq!(registry(&folder, &["add", "a.sh", "b.sh"]).code, 0);
    let ambiguous = registry(&folder, &["remove", "check"]);
    assert!(
        ambiguous.code == 3 && ambiguous.stderr.contains("say which: `one.check@1.0.0`, `two.check@1.0.0`"),
        "{ambiguous:?}"
    );
    let unknown = registry(&folder, &["remove", "chek"]);
    assert!(unknown.code == 3 && unknown.stderr.contains("did you mean `check`?"), "{unknown:?}");
    assert_eq!(registry(&folder, &["remove", "one.check@2.0.0"]).code, 3);
    assert_eq!(registry(&folder, &["remove", "one.check"]).stdout, "✅ one.check@1.0.0 removed  a.sh\n");
    assert_eq!(registry(&folder, &["remove", "b.sh"]).code, 0);
    assert!(folder.read("onex.registry.yaml").ends_with("components: []\n"));
    assert_eq!(registry(&folder, &["list"]).stdout, "onex.registry.yaml has no entry\n");
    assert!(folder.exists("a.sh") && folder.exists("b.sh"));
}

#[test]
fn inspect_resolves_names_and_ranges() {
    let folder = Folder::new();
    for version in ["1.2.0", "1.10.0", "2.0.0"] {
        let text = component("check", "namespace: n\n").replace("1.0.0", version);
        folder.write(&format!("check/v{}/contract.yaml", version.replace('.', "_")), text);
    }
    let inspected = |name: &str| {
        let shown = document(&registry(&folder, &["inspect", name, "--format", "json"]));
        shown["components"][0]["version"].as_str().map(str::to_owned)
    };
    assert_eq!(inspected("check").as_deref(), Some("2.0.0"));
    assert_eq!(inspected("n.check@^1").as_deref(), Some("1.10.0"));
    assert_eq!(inspected("check@1.2.0").as_deref(), Some("1.2.0"));
    let human = registry(&folder, &["inspect", "check@1"]);
    assert!(
        human.stdout.starts_with("n.check@1.10.0  tool\n")
            && human.stdout.contains("runs          command true\n"),
        "{human:?}"
    );
    for (name, code, said) in [
        ("chekc", 3, "did you mean `check`?"),
        ("check@^3", 3, "there is `n.check@1.2.0`, `n.check@1.10.0`, `n.check@2.0.0`"),
        ("check@newest", 2, "has no range of versions"),
    ] {
        let ended = registry(&folder, &["inspect", name]);
        assert!(ended.code == code && ended.stderr.contains(said), "{ended:?}");
    }
    folder.write("other.onex.yaml", component("check", "namespace: m\n"));
    let ambiguous = registry(&folder, &["inspect", "check"]);
    assert!(ambiguous.code == 3 && ambiguous.stderr.contains("`m.check@1.0.0`, `n.check@"), "{ambiguous:?}");
    let document = document(&registry(&folder, &["inspect", "check", "--format", "json"]));
    assert_eq!(document["diagnostics"][0]["code"], "E0506");
}

#[test]
fn verify_names_everything_that_is_not_as_it_was() {
    let folder = Folder::new();
    for name in ["same", "changed", "gone", "renamed"] {
        folder.write(&format!("{name}.sh"), block(name, ""));
        assert_eq!(registry(&folder, &["add", &format!("{name}.sh")]).code, 0);
    }
    let valid = registry(&folder, &["verify"]);
    assert!(
        valid.code == 0 && valid.stdout.ends_with("4 components checked, 4 of them registered: 0 errors\n"),
        "{valid:?}"
    );
    folder.write("changed.sh", block("changed", "") + "rm -rf build\n");
    fs::remove_file(folder.path().join("gone.sh")).unwrap();
    folder.write("renamed.sh", block("other", ""));
    folder.write("needs.onex.yaml", component("needs", "dependencies: [missing, 'same@^2']\n"));
    folder.write("x.onex.yaml", component("x", "dependencies: [y]\n"));
    folder.write("y.onex.yaml", component("y", "dependencies: [x]\n"));
    let verified = registry(&folder, &["verify", "--format", "json"]);
    assert_eq!(verified.code, 3);
    let verified = document(&verified);
    let states: Vec<String> = verified["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| format!("{} {}", e["name"], e["state"]).replace('"', ""))
        .collect();
    assert_eq!(states, ["changed invalid", "gone invalid", "renamed invalid", "same valid"]);
    assert_eq!(
        findings(&verified),
        [
            "E0510 error `changed.sh` has changed since `changed@1.0.0` was registered",
            "E0511 error `gone.sh` does not exist any more",
            "E0511 error `renamed.sh` declares `other@1.0.0` now",
            "E0505 error `needs` needs what is not there: no component is named `missing`",
            "E0508 error `needs` needs what is not there: no version of `same` is in the range `^2`",
            "E0509 error components need each other in a circle: x → y → x",
            "E0512 warning `other` runs `other.sh`, which does not exist",
        ]
    );
    // A list is no check: what is worked on changes.
    let listing = folder.onex(&["list"]);
    assert!(listing.code == 0 && listing.stderr.contains("warning[E0510]"), "{listing:?}");
}

#[test]
fn duplicates_are_a_mistake_of_the_configuration() {
    let folder = Folder::new();
    folder.write("a/x.onex.yaml", component("x", ""));
    folder.write("b/x.onex.yaml", component("x", ""));
    let listing = folder.onex(&["list"]);
    assert!(
        listing.code == 2 && listing.stderr.contains("`x@1.0.0` is declared in two files"),
        "{listing:?}"
    );
    assert_eq!(registry(&folder, &["verify"]).code, 2);
    folder.write("s.sh", block("s", ""));
    assert_eq!(registry(&folder, &["add", "s.sh"]).code, 0);
    let text = folder.read("onex.registry.yaml");
    let entry = &text[text.find("  - name").unwrap()..];
    folder.write("onex.registry.yaml", format!("{text}{entry}"));
    let verified = registry(&folder, &["verify"]);
    assert!(verified.stderr.contains("`s@1.0.0` is registered twice"), "{verified:?}");
}

#[test]
fn validate_checks_the_keys_of_components_and_of_blocks() {
    let folder = Folder::new();
    folder.write("a.onex.yaml", "name: a\nentrypont: python@a.py\nversion: newest\n");
    folder.write("named.yaml", component("x", "idempotent: maybe\n"));
    folder.write("check.sh", block("check", "# timeuot: 5\n"));
    let checked = folder.onex(&["validate", "a.onex.yaml", "named.yaml", "check.sh", "--format", "json"]);
    let document: Value = serde_json::from_str(&checked.stdout).unwrap();
    let codes = |file: usize| -> Vec<String> {
        let found = document["files"][file]["diagnostics"].as_array().unwrap();
        let errors = found.iter().filter(|d| d["severity"] != "info");
        errors.map(|d| format!("{} {}:{}", d["code"].as_str().unwrap(), d["line"], d["column"])).collect()
    };
    assert_eq!(
        (codes(0), codes(1), codes(2)),
        (
            vec!["E0205 2:1".to_owned(), "E0503 3:10".to_owned()],
            vec!["E0203 4:13".to_owned()],
            vec!["E0205 6:3".to_owned()]
        )
    );
    assert!(document["files"].as_array().unwrap().iter().all(|file| file["kind"] == "component"));
    assert_eq!(checked.code, 2);
    // It is no workflow, so it cannot be run as one.
    let run = folder.onex(&["orch", "--contract", "check.sh", "--format", "human"]);
    assert!(run.code == 2 && run.stderr.contains("this file declares no workflow"), "{run:?}");
}

#[test]
fn the_example_has_a_component_in_every_form() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/components");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onex"));
        Ended::of(&command.args(arguments).current_dir(&example).bare().output().unwrap())
    };
    let listing = document(&run(&["list", "--format", "json"]));
    assert_eq!(
        names(&listing),
        [
            "component check_spelling tools/check_spelling.sh",
            "component check_yaml tools/check_yaml.onex.yaml",
            "component count_words count_words/contract.yaml",
            "workflow release contracts/release/contract.yaml",
        ]
    );
    let all = document(&run(&["list", "--scan", "--format", "json"]));
    assert_eq!(all["summary"]["documents"], 1);
    let verified = run(&["registry", "verify"]);
    assert_eq!((verified.code, verified.stderr.as_str()), (0, ""), "{}", verified.stdout);
    let readme = fs::read_to_string(example.join("../../README.md")).unwrap();
    let shown = run(&["list"]).stdout;
    assert!(readme.contains(&format!("$ onex list\n{shown}")), "the README shows\n{shown}");
}

#[test]
fn lists_fit_narrow_terminals_and_hold_no_control_sequences() {
    let folder = Folder::new();
    let long = "n".repeat(90);
    folder.write(
        "a.onex.yaml",
        component(&long, "lifecycle: \"a\\e[31m\"\ntags: [ci, pre-commit, test, pipeline]\n"),
    );
    let ended = folder.onex(&["list"]);
    assert!(ended.code == 0 && !ended.stdout.contains('\u{1b}'), "{ended:?}");
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ended.stdout);
    let yaml = folder.onex(&["list", "--format", "yaml"]).stdout;
    assert!(yaml.starts_with("components:\n"), "{yaml}");
    assert_eq!(folder.onex(&["registry"]).code, 2);
}
