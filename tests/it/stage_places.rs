//! Where the components of a stage run: what is staged is what is checked, caches of builds hold for one tree each, and
//! whoever changed a file is named.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::stages::{component, printed, repository, stage};
use crate::support::{Bare as _, Ended, Folder, endings, result};

/// A repository with a commit, a staged file that needs what stands in another one, and that only in the working tree.
fn needing(more: &str) -> Folder {
    let folder = repository();
    component(&folder, "check", "grep -q needed lib.py", more);
    folder.write("lib.py", "other\n");
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=x"]);
    folder.write("lib.py", "needed\n");
    folder.write("a.py", "import lib\n");
    folder.git(&["add", "a.py"]);
    folder
}

#[test]
fn what_is_not_staged_in_other_files_lets_no_commit_pass() {
    for (more, passes) in [
        // It gets no files, so it may look at any.
        ("", false),
        ("types: [python]\npass_filenames: false\n", false),
        ("reads: ['*.py']\n", false),
        ("files: ['*.py']\nreads: ['lib.py']\n", false),
        ("files: ['*.py']\nreads: ['*']\n", false),
        // It looks at what it gets, or says at what.
        ("files: ['*.py']\n", true),
        ("reads: ['*.md']\n", true),
        ("files: ['*.py']\nreads: ['*.md']\n", true),
    ] {
        let folder = needing(more);
        let report = stage(&folder, &["pre-commit"]);
        let status = if passes { "success" } else { "failed" };
        assert_eq!(report["status"], status, "{more}: {report}");
        assert_eq!(folder.exists("home/cache"), !passes, "{more}");
        assert_eq!(folder.read("lib.py"), "needed\n");
        // All of it is what the user asked for then.
        assert_eq!(stage(&folder, &["pre-commit", "--all-files"])["status"], "success", "{more}");
        folder.git(&["add", "lib.py"]);
        assert_eq!(stage(&folder, &["pre-commit"])["status"], "success", "{more}");
    }
    // One that has nothing to do looks at nothing.
    let folder = needing("files: ['*.md']\nreads: ['*']\n");
    assert_eq!(endings(&stage(&folder, &["pre-commit"])), ["check skipped no_files"]);
    assert!(!folder.exists("home/cache"));
}

#[test]
fn the_staged_component_and_its_staged_program_run() {
    let folder = repository();
    folder.write("tools/check.sh", "#!/bin/sh\necho staged program\n");
    let path = folder.path().join("tools/check.sh");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    component(&folder, "check", "true", "files: ['*.txt']\n");
    let declared = folder.read("checks/check.onex.yaml");
    let target = declared.lines().find(|line| line.starts_with("entrypoint")).unwrap().to_owned();
    let script = "entrypoint: {type: command, target: [../tools/check.sh]}";
    let declared = declared.replace(&target, script);
    folder.write("checks/check.onex.yaml", &declared);
    folder.write("a.txt", "a\n");
    folder.git(&["add", "--all"]);
    folder.write("tools/check.sh", "#!/bin/sh\necho another program\n");
    assert_eq!(printed(&stage(&folder, &["pre-commit"]), "check"), ["staged program"]);
    folder.git(&["checkout", "--quiet", "--", "tools"]);
    folder.write("checks/check.onex.yaml", declared.replace("name: check", "name: other"));
    assert_eq!(endings(&stage(&folder, &["pre-commit"])), ["check completed -"]);
}

/// Runs cargo as a user would, without a network.
fn cargo(folder: &Folder) -> Ended {
    let mut command = Command::new(env!("CARGO"));
    command.args(["check", "--offline", "--quiet"]).current_dir(folder.path()).bare();
    Ended::of(&with_cargo(&mut command).output().unwrap())
}

/// Where cargo and rustup are at home.
fn with_cargo(command: &mut Command) -> &mut Command {
    for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

#[test]
fn what_is_built_of_the_index_is_not_taken_for_the_working_trees() {
    let folder = repository();
    folder.write(".gitignore", "/tmp/\n/home/\n/target/\n");
    folder.write(
        "Cargo.toml",
        "[package]\nname = \"a\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n",
    );
    folder.write("src/lib.rs", "pub fn a() -> u8 { 1 }\n");
    component(&folder, "cargo", &format!("'{}' check --offline --quiet", env!("CARGO")), "files: ['*.rs']\n");
    assert_eq!(cargo(&folder).code, 0);
    folder.git(&["add", "--all"]);
    folder.write("src/lib.rs", "pub fn a() -> u8 { \"broken\" }\n");
    let mut command = folder.command(&["orch", "--stage", "pre-commit", "--format", "json"]);
    command.env("XDG_CACHE_HOME", folder.path().join("home/cache"));
    for run in ["first", "second"] {
        let ended = Ended::of(&with_cargo(&mut command).output().unwrap());
        assert_eq!(ended.code, 0, "{run}: {ended:?}");
    }
    let broken = cargo(&folder);
    assert!(broken.stderr.contains("mismatched types"), "{broken:?}");
}

#[test]
fn git_in_the_tree_of_the_index_lists_nothing_that_is_ignored() {
    let folder = repository();
    folder.write(".gitignore", "/tmp/\n/home/\nnode_modules/\nbuild/\n.venv/\n*.log\n");
    let line = "git ls-files --others --exclude-standard; cat node_modules/lib/index.js .venv/pyvenv.cfg; \
                ls -d build cache node_modules web 2> /dev/null || true";
    component(&folder, "look", line, "");
    folder.write("node_modules/lib/index.js", "library\n");
    folder.write("web/node_modules/lib/index.js", "library\n");
    folder.write(".venv/pyvenv.cfg", "home\n");
    folder.write(".venv/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
    folder.write("build/out", "built\n");
    folder.write("cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
    folder.write("a.log", "log\n");
    folder.write("a.txt", "a\n");
    folder.git(&["add", "a.txt", "checks", ".gitignore"]);
    folder.write("a.txt", "b\n");
    for run in ["first", "second"] {
        let report = stage(&folder, &["pre-commit"]);
        let seen = ["library", "home", "node_modules", "web"];
        assert_eq!(printed(&report, "look"), seen, "{run}: {report}");
    }
    for file in ["node_modules/lib/index.js", ".venv/pyvenv.cfg", "build/out", "a.log"] {
        assert!(folder.exists(file), "{file}");
    }
    // What is gone in the working tree is gone there, too.
    fs::remove_dir_all(folder.path().join("node_modules")).unwrap();
    component(&folder, "look", "test ! -e node_modules; touch build.done", "");
    folder.git(&["add", "checks"]);
    assert_eq!(stage(&folder, &["pre-commit"])["status"], "success");
}

#[test]
fn what_is_built_in_the_tree_of_the_index_stays_there() {
    let folder = repository();
    // Nobody has told git to ignore these.
    component(
        &folder,
        "build",
        "mkdir -p target new; echo x > target/x; echo y > new/y; echo z >> a.txt",
        "",
    );
    folder.write("a.txt", "a\n");
    folder.git(&["add", "--all"]);
    folder.write("b.txt", "b\n");
    folder.git(&["add", "b.txt"]);
    folder.write("b.txt", "c\n");
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(folder.read("new/y"), "y\n");
    assert!(!folder.exists("target"));
    // It is named, and so is who changed a file without having got it.
    let made = &report["diagnostics"][0];
    assert_eq!((&made["code"], &made["severity"]), (&"E0520".into(), &"warning".into()), "{report}");
    assert!(made["message"].as_str().unwrap().contains("`new/y`"), "{made}");
}

#[test]
fn whoever_changed_a_file_without_having_got_it_is_named() {
    for is_in_index in [false, true] {
        let folder = repository();
        component(&folder, "reader", "! grep -q never \"$@\"", "files: ['*.txt']\n");
        component(
            &folder,
            "rogue",
            "sleep 0.1; rm x.txt; echo more >> y.txt; sleep 0.1",
            "dependencies: [reader]\n",
        );
        component(&folder, "z_last", "sleep 0.1", "dependencies: [rogue]\n");
        for name in ["a.txt", "x.txt", "y.txt"] {
            folder.write(name, "text\n");
        }
        folder.git(&["add", "--all"]);
        folder.git(&["commit", "--quiet", "--message=x"]);
        folder.write("a.txt", "staged\n");
        folder.git(&["add", "--all"]);
        if is_in_index {
            folder.write("a.txt", "mine\n");
        }
        let report = stage(&folder, &["pre-commit", "--junit", "tmp/junit.xml"]);
        assert_eq!(report["exit_code"], 1, "{report}");
        let context = &report["error"]["context"];
        assert_eq!(context["changed"], serde_json::json!(["x.txt", "y.txt"]), "{report}");
        // When it was written tells who it was; of one that is gone nobody knows that.
        assert_eq!(context["changed_by"]["y.txt"], serde_json::json!(["rogue"]), "{report}");
        assert_eq!(
            context["changed_by"]["x.txt"],
            serde_json::json!(["reader", "rogue", "z_last"]),
            "{report}"
        );
        let message = report["error"]["message"].as_str().unwrap();
        assert!(message.contains("`rogue` changed `y.txt`, which it was not given"), "{message}");
        assert!(message.contains("`x.txt`: changed by `reader`, `rogue` or `z_last`"), "{message}");
        let junit = folder.read("tmp/junit.xml");
        assert!(junit.contains("errors=\"1\"") && junit.contains("`rogue` changed `y.txt`"), "{junit}");
        fs::remove_file(folder.path().join("tmp/junit.xml")).unwrap();
    }
}

#[test]
fn a_failed_component_answers_for_the_files_that_it_got() {
    let folder = repository();
    component(&folder, "fix", r#"echo more >> "$1"; exit 1"#, "files: ['*.txt']\nwrites: ['*.txt']\n");
    folder.write("a.txt", "a\n");
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(report["error"]["context"]["changed"], serde_json::json!(["a.txt"]), "{report}");
    assert!(report["error"]["context"]["changed_by"].is_null(), "{report}");
}

#[test]
fn a_fix_that_is_staged_and_does_not_fit_is_said_without_contradiction() {
    let folder = repository();
    component(&folder, "fix", r#"sed -i 's/bad/good/' "$@""#, "files: ['*.txt']\nwrites: ['*.txt']\n");
    for name in ["a.txt", "b.txt"] {
        folder.write(name, "bad\n");
    }
    folder.git(&["add", "--all"]);
    folder.write("b.txt", "mine\n");
    let report = stage(&folder, &["pre-commit", "--fix-stage"]);
    let message = report["error"]["message"].as_str().unwrap();
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "changed and staged a.txt: look at it and commit again",
            "the fix of b.txt is staged, and your file is as before, because the fix does not fit your changes"
        ],
        "{message}"
    );
    assert_eq!(folder.git(&["show", ":b.txt"]), "good\n");
    assert_eq!(folder.read("b.txt"), "mine\n");
}

#[test]
fn a_file_with_conflicts_is_left_alone_and_named() {
    let folder = repository();
    component(&folder, "fix", r#"sed -i 's/ *$//' "$@"; echo "$@""#, "files: ['*.txt']\nwrites: ['*.txt']\n");
    folder.write("a.txt", "a\n");
    folder.write("b.txt", "b\n");
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=x"]);
    for (branch, text) in [("other", "theirs  \n"), ("main", "ours  \n")] {
        if branch == "other" {
            folder.git(&["checkout", "--quiet", "-b", branch]);
        } else {
            folder.git(&["checkout", "--quiet", branch]);
        }
        folder.write("a.txt", text);
        folder.git(&["commit", "--quiet", "--all", "--message=x"]);
    }
    assert_ne!(folder.git_ended(&["merge", "other"]).code, 0);
    let conflict = folder.read("a.txt");
    let report = stage(&folder, &["pre-commit", "--all-files"]);
    assert_eq!(report["status"], "success", "{report}");
    assert_eq!(printed(&report, "fix"), ["b.txt"]);
    assert_eq!(folder.read("a.txt"), conflict);
    assert_eq!(report["diagnostics"][0]["code"], "E0518");
    let message = report["diagnostics"][0]["message"].as_str().unwrap();
    assert_eq!(message, "`a.txt` is not merged yet, so no component gets it");
    // Whoever names it gets it.
    assert_eq!(printed(&stage(&folder, &["pre-commit", "b.txt"]), "fix"), ["b.txt"]);
    assert_eq!(stage(&folder, &["pre-commit"])["exit_code"], 2);
    assert_eq!(result(&stage(&folder, &["pre-commit", "a.txt"]), "fix")["reason"], "files_changed");
}

fn tool(folder: &Folder, name: &str, line: &str) {
    let line = serde_json::to_string(line).unwrap();
    folder.write(
        &format!("{name}.onex.yaml"),
        format!(
            "name: {name}\nversion: 1.0.0\nmeta_type: tool\n\
             entrypoint: {{type: command, target: [sh, -euc, {line}]}}\n"
        ),
    );
}

#[test]
fn a_pipeline_hands_on_the_bytes_that_were_printed() {
    let folder = repository();
    tool(&folder, "lines", r"printf 'one\ntwo\n'");
    tool(&folder, "count", r#"while read line; do echo "<$line>"; done"#);
    tool(&folder, "raw", r"printf '\377\000 \n\n'");
    tool(&folder, "hex", "od -An -tx1 -v");
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pipeline", "--from", "lines", "--to", "count"]);
    assert_eq!(printed(&report, "count"), ["<one>", "<two>"], "{report}");
    assert_eq!(result(&report, "lines")["value"], "one\ntwo");
    let report = stage(&folder, &["pipeline", "--from", "raw", "--to", "hex"]);
    assert_eq!(printed(&report, "hex"), [" ff 00 20 0a 0a"], "{report}");
}

#[test]
fn a_document_is_never_run() {
    let folder = repository();
    folder.write(
        "docs/x.md",
        "<!-- === OmniNode:Metadata ===\nname: x\nversion: 1.0.0\nmeta_type: tool\nlifecycle: active\n\
         entrypoint: {type: command, target: [touch, ran]}\n=== /OmniNode:Metadata === -->\n# x\n",
    );
    tool(&folder, "last", "cat");
    folder.onex(&["registry", "add", "docs/x.md"]);
    assert!(folder.read("onex.registry.yaml").contains("docs/x.md"));
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pipeline", "--from", "x", "--to", "last"]);
    assert_eq!(report["exit_code"], 2, "{report}");
    let finding = &report["diagnostics"][0];
    assert_eq!(finding["message"], "`x` is a document, and documents are never run", "{report}");
    assert_eq!(finding["path"], "docs/x.md", "{report}");
    assert!(!folder.exists("ran"));
}

#[test]
fn who_changes_files_runs_before_who_only_looks_at_them() {
    let folder = repository();
    component(&folder, "a_lint", r#"echo lint >> order"#, "files: ['*.txt']\n");
    component(&folder, "b_format", r#"echo format >> order"#, "files: ['*.txt']\nwrites: ['*.txt']\n");
    component(
        &folder,
        "c_urgent",
        r#"echo urgent >> order"#,
        "files: ['*.txt']\nwrites: ['*.txt']\npriority: -1\n",
    );
    // What is needed comes first, whatever it does.
    component(&folder, "d_needed", r#"echo needed >> order"#, "files: ['*.txt']\n");
    let path = "checks/c_urgent.onex.yaml";
    folder.write(path, folder.read(path) + "dependencies: [d_needed]\n");
    folder.write("a.txt", "a\n");
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(report["status"], "success", "{report}");
    let order = folder.read("order");
    let at = |word: &str| order.lines().position(|line| line == word).unwrap();
    assert!(at("needed") < at("urgent"), "{order}");
    assert!(at("urgent") < at("lint"), "{order}");
    assert!(at("format") < at("lint"), "{order}");
}

#[test]
fn a_hook_of_the_staged_tree_leaves_the_report_for_people_readable() {
    let folder = needing("");
    let mut command = folder.command(&["orch", "--stage", "pre-commit", "--format", "human"]);
    command.env("XDG_CACHE_HOME", folder.path().join("home/cache"));
    let ended = Ended::of(&command.output().unwrap());
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.contains("check") && !ended.stdout.contains("shadow"), "{ended:?}");
    let value: Value = stage(&folder, &["pre-commit"]);
    assert!(Path::new(value["contract"]["path"].as_str().unwrap()).is_relative(), "{value}");
}
