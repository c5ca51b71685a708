//! `onex orch --stage`: which components run, on which files, and what becomes of the files that they change.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ended, Folder, result};

pub fn repository() -> Folder {
    let folder = Folder::new();
    folder.git(&["init", "--quiet", "--initial-branch=main"]);
    folder.write(".gitignore", "/tmp/\n/home/\n");
    folder
}

/// A component that runs a line of shell with its files as arguments.
pub fn component(folder: &Folder, name: &str, line: &str, more: &str) {
    let line = serde_json::to_string(line).unwrap();
    folder.write(
        &format!("checks/{name}.onex.yaml"),
        format!(
            "name: {name}\nversion: 1.0.0\nmeta_type: validator\nlifecycle: canary\ntags: [pre-commit]\n\
             entrypoint: {{type: command, target: [sh, -euc, {line}, sh]}}\n{more}"
        ),
    );
}

pub fn stage(folder: &Folder, arguments: &[&str]) -> Value {
    let ended = ended(folder, arguments);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    assert_eq!(report["exit_code"], ended.code, "{ended:?}");
    report
}

pub fn ended(folder: &Folder, arguments: &[&str]) -> Ended {
    let mut all = vec!["orch", "--format", "json", "--stage"];
    all.extend(arguments);
    let mut command = folder.command(&all);
    command.env("XDG_CACHE_HOME", folder.path().join("home/cache"));
    Ended::of(&command.output().unwrap())
}

pub fn printed(report: &Value, id: &str) -> Vec<String> {
    let text = result(report, id)["stdout"].as_str().unwrap();
    text.lines().map(str::to_owned).collect()
}

const SHOW: &str = r#"for f; do echo "$f: $(cat "$f")"; done"#;

#[test]
fn what_is_staged_is_checked_where_it_stands() {
    let folder = repository();
    component(&folder, "show", SHOW, "files: ['*.txt']\n");
    folder.write("a.txt", "a\n");
    folder.write("deep/b.txt", "b\n");
    folder.write("c.md", "c\n");
    folder.write("untracked.txt", "u\n");
    folder.git(&["add", ".gitignore", "checks", "a.txt", "deep", "c.md"]);
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(report["status"], "success", "{report}");
    assert_eq!(report["stage"], "pre-commit");
    assert_eq!(printed(&report, "show"), ["a.txt: a", "deep/b.txt: b"]);
    // In the working tree itself: no shadow was made.
    assert!(!folder.exists("home/cache"));

    folder.git(&["commit", "--quiet", "--message=x"]);
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(result(&report, "show")["reason"], "no_files");
    assert_eq!(stage(&folder, &["pre-commit", "--all-files"])["status"], "success");
    assert_eq!(printed(&stage(&folder, &["pre-commit", "c.md", "a.txt"]), "show"), ["a.txt: a"]);
}

#[test]
fn the_index_is_checked_and_not_what_stands_beside_it() {
    let folder = repository();
    component(&folder, "show", SHOW, "files: ['*.txt']\n");
    folder.write("a.txt", "committed\n");
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=x"]);
    folder.write("a.txt", "staged\n");
    folder.git(&["add", "a.txt"]);
    folder.write("a.txt", "not staged\n");
    folder.write("node_modules/lib", "reachable");
    component(&folder, "reach", "cat node_modules/lib; git status --short", "");
    folder.git(&["add", "checks"]);
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(printed(&report, "show"), ["a.txt: staged"], "{report}");
    let reached = printed(&report, "reach");
    assert_eq!(reached[0], "reachableM  a.txt", "{reached:?}");
    assert_eq!(folder.read("a.txt"), "not staged\n");
}

#[test]
fn a_fix_reaches_the_users_file_and_fails_the_commit() {
    let folder = repository();
    component(&folder, "fix", r#"sed -i 's/ *$//' "$@""#, "files: ['*.txt']\nwrites: ['*.txt']\n");
    folder.write("a.txt", "a  \n");
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit", "--diff"]);
    assert_eq!(report["exit_code"], 1);
    assert_eq!(result(&report, "fix")["reason"], "files_changed");
    assert_eq!(result(&report, "fix")["error"]["message"], "changed a.txt");
    assert!(report["error"]["context"]["diff"].as_str().unwrap().contains("-a  \n+a\n"), "{report}");
    assert_eq!(folder.read("a.txt"), "a\n");
    assert_eq!(folder.git(&["show", ":a.txt"]), "a  \n");
    // Once more: the working tree differs from the index now, which is what is checked.
    let report = stage(&folder, &["pre-commit", "--fix-stage"]);
    assert_eq!(report["exit_code"], 1);
    assert_eq!(folder.git(&["show", ":a.txt"]), "a\n");
    assert_eq!(stage(&folder, &["pre-commit"])["status"], "success");
}

#[test]
fn fixes_and_changes_that_are_not_staged_go_together_or_to_a_patch() {
    let folder = repository();
    component(&folder, "fix", r#"sed -i 's/bad/good/' "$@""#, "files: ['*.txt']\nwrites: ['*.txt']\n");
    let text = |first: &str, last: &str| format!("{first}\n{}{last}\n", "line\n".repeat(20));
    folder.write("a.txt", text("bad", "end"));
    folder.write("b.txt", "bad\n");
    folder.git(&["add", "--all"]);
    folder.write("a.txt", text("bad", "mine"));
    folder.write("b.txt", "mine\n");
    let report = stage(&folder, &["pre-commit", "--fix-stage"]);
    assert_eq!(report["exit_code"], 1);
    assert_eq!(folder.read("a.txt"), text("good", "mine"));
    assert_eq!(folder.read("b.txt"), "mine\n");
    assert_eq!(folder.git(&["show", ":a.txt"]), text("good", "end"));
    assert_eq!(folder.git(&["show", ":b.txt"]), "good\n");
    assert_eq!(report["error"]["context"]["left"], serde_json::json!(["b.txt"]));
    let patch = report["error"]["context"]["patch"].as_str().unwrap();
    assert!(fs::read_to_string(patch).unwrap().contains("+good"), "{patch}");
}

#[test]
fn what_only_defaults_leave_out_is_named() {
    let folder = repository();
    component(&folder, "old", "true", "");
    let path = "checks/old.onex.yaml";
    folder.write(path, folder.read(path).replace("canary", "stable"));
    folder.git(&["add", "--all"]);
    let refused = stage(&folder, &["pre-commit"]);
    assert_eq!(refused["exit_code"], 2);
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("`old`") && message.contains("stable") && message.contains("canary"),
        "{message}"
    );
    component(&folder, "new", "true", "");
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(report["status"], "success");
    let warned = report["diagnostics"].as_array().unwrap().iter().any(|d| d["code"] == "E0518");
    assert!(warned, "{report}");
    // An explicit filter replaces the default of its own key only.
    let report = stage(&folder, &["pre-commit", "--filter", "lifecycle=stable"]);
    assert_eq!(result(&report, "old")["status"], "completed");
    assert_eq!(report["results"].as_array().unwrap().len(), 1);
}

#[test]
fn the_lines_of_the_specification_work() {
    let folder = repository();
    let write = |name: &str, kind: &str, more: &str, line: &str| {
        let line = serde_json::to_string(line).unwrap();
        folder.write(
            &format!("{name}.onex.yaml"),
            format!(
                "name: {name}\nversion: 1.0.0\nmeta_type: {kind}\n{more}\
                 entrypoint: {{type: command, target: [sh, -euc, {line}]}}\n"
            ),
        );
    };
    write("integration", "test", "tags: [integration]\n", "echo tested");
    write("unit", "test", "tags: [unit]\n", "echo tested");
    write("strict", "validator", "lifecycle: canary\n", "echo checked");
    write("tool_a", "tool", "", "echo hello");
    write("tool_b", "tool", "", "tr a-z A-Z");
    write("validator_x", "validator", "", "grep -x HELLO");
    folder.git(&["add", "--all"]);

    let ids = |report: &Value| -> Vec<String> {
        let results = report["results"].as_array().unwrap();
        results.iter().map(|result| result["node_id"].as_str().unwrap().to_owned()).collect()
    };
    let report = stage(&folder, &["test", "--tags", "integration"]);
    assert_eq!((ids(&report), &report["status"]), (vec!["integration".to_owned()], &"success".into()));
    let report = stage(&folder, &["ci", "--filter", "type=validator,lifecycle=canary"]);
    assert_eq!(ids(&report), ["strict"]);
    assert_eq!(ids(&stage(&folder, &["ci"])), ["integration", "strict", "unit", "validator_x"]);
    let report = stage(&folder, &["pipeline", "--from", "tool_a", "--to", "tool_b", "--to", "validator_x"]);
    assert_eq!(report["status"], "success", "{report}");
    assert_eq!(ids(&report), ["tool_a", "tool_b", "validator_x"]);
    assert_eq!(result(&report, "validator_x")["value"], "HELLO");

    let unknown = stage(&folder, &["pipeline", "--from", "tool_a", "--to", "tool_x"]);
    assert_eq!(unknown["exit_code"], 3);
    assert!(unknown["error"]["message"].as_str().unwrap().contains("tool_"), "{unknown}");
    assert_eq!(stage(&folder, &["pipeline"])["exit_code"], 2);
    assert_eq!(stage(&folder, &["ci", "--filter", "type=validatr"])["exit_code"], 2);
    assert_eq!(stage(&folder, &["registry"])["exit_code"], 0);
    // Without a repository, too.
    fs::remove_dir_all(folder.path().join(".git")).unwrap();
    assert_eq!(ids(&stage(&folder, &["test"])), ["integration", "unit"]);
    assert_eq!(stage(&folder, &["pre-commit"])["exit_code"], 2);
}

#[test]
fn a_hook_can_be_left_out_for_one_commit() {
    let folder = repository();
    component(&folder, "no", "exit 1", "");
    component(&folder, "yes", "true", "");
    folder.git(&["add", "--all"]);
    assert_eq!(folder.onex(&["install"]).code, 0);
    let refused = folder.git_ended(&["commit", "--quiet", "--message=x"]);
    assert_ne!(refused.code, 0);
    assert!(refused.stdout.contains("no") || refused.stderr.contains("no"), "{refused:?}");
    let run = |name: &str, value: &str| {
        let mut command = folder.command(&["orch", "--stage", "pre-commit", "--format", "json"]);
        Ended::of(&command.env(name, value).output().unwrap())
    };
    assert_eq!(run("ONEX", "0").code, 0);
    let skipped = run("ONEX_SKIP", "no");
    assert_eq!(skipped.code, 0, "{skipped:?}");
    let report: Value = serde_json::from_str(&skipped.stdout).unwrap();
    assert_eq!(result(&report, "no")["reason"], "excluded");
    // The variable may be meant for several projects.
    let skipped = run("ONEX_SKIP", "no,nope");
    assert_eq!(skipped.code, 0, "{skipped:?}");
    assert!(skipped.stderr.contains("ONEX_SKIP names `nope`, which is not there"), "{skipped:?}");
    let report: Value = serde_json::from_str(&skipped.stdout).unwrap();
    assert!(report["diagnostics"][0]["message"].as_str().unwrap().contains("`nope`"), "{report}");
    assert_eq!(run("ONEX_SKIP", "nope").code, 1);
}

#[test]
fn commits_of_every_kind_are_checked() {
    let folder = repository();
    component(&folder, "check", r#"! grep -n bad "$@""#, "files: ['*.txt']\n");
    folder.write("a.txt", "fine\n");
    folder.git(&["add", "--all"]);
    assert_eq!(folder.onex(&["install"]).code, 0);
    folder.git(&["commit", "--quiet", "--message=first"]);
    // All that is tracked, named files, and amended commits have an index of their own.
    folder.write("a.txt", "bad\n");
    assert_ne!(folder.git_ended(&["commit", "--quiet", "--all", "--message=x"]).code, 0);
    assert_ne!(folder.git_ended(&["commit", "--quiet", "--message=x", "a.txt"]).code, 0);
    assert_eq!(folder.read("a.txt"), "bad\n");
    folder.write("a.txt", "better\n");
    folder.git(&["commit", "--quiet", "--all", "--message=second"]);
    folder.write("a.txt", "best\n");
    folder.git(&["commit", "--quiet", "--message=third", "a.txt"]);
    folder.git(&["mv", "a.txt", "b.txt"]);
    folder.git(&["commit", "--quiet", "--message=renamed"]);
    folder.git(&["rm", "--quiet", "b.txt"]);
    folder.git(&["commit", "--quiet", "--message=removed"]);
    // From a folder below, and from another working tree.
    folder.write("deep/c.txt", "bad\n");
    folder.git(&["add", "deep"]);
    assert_ne!(folder.git_ended(&["-C", "deep", "commit", "--quiet", "--message=x"]).code, 0);
    folder.git(&["worktree", "add", "--quiet", "home/second", "HEAD"]);
    folder.write("home/second/d.txt", "bad\n");
    folder.git(&["-C", "home/second", "add", "d.txt"]);
    assert_ne!(folder.git_ended(&["-C", "home/second", "commit", "--quiet", "--message=x"]).code, 0);
    folder.write("home/second/d.txt", "good\n");
    folder.git(&["-C", "home/second", "commit", "--quiet", "--all", "--message=x"]);
}

#[test]
fn components_that_write_the_same_files_take_turns() {
    let folder = repository();
    let line =
        |word: &str| format!(r#"for f; do t=$(cat "$f"); sleep 0.05; echo "${{t}}{word}" > "$f"; done"#);
    for word in ["a", "b", "c"] {
        component(&folder, word, &line(word), "files: ['*.txt']\nwrites: ['*.txt']\n");
    }
    folder.write("x.txt", "x\n");
    folder.git(&["add", "--all"]);
    stage(&folder, &["pre-commit", "--jobs", "4"]);
    assert_eq!(folder.read("x.txt"), "xabc\n");
}

#[test]
fn what_a_component_needs_runs_first_and_types_select_files() {
    let folder = repository();
    component(&folder, "a_late", "echo late >> order", "dependencies: [z_early]\n");
    component(&folder, "z_early", "echo early >> order", "");
    component(&folder, "scripts", r#"printf '%s\n' "$@""#, "types: [shell]\n");
    folder.write("script", "#!/bin/sh\n");
    folder.write("text.py", "pass\n");
    fs::set_permissions(folder.path().join("script"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(folder.read("order"), "early\nlate\n");
    assert_eq!(printed(&report, "scripts"), ["script"], "{report}");
    component(&folder, "typo", "true", "types: [pythn]\n");
    folder.git(&["add", "--all"]);
    assert_eq!(stage(&folder, &["pre-commit"])["exit_code"], 2);
}

#[test]
fn contracts_that_name_a_stage_run_in_it() {
    let folder = repository();
    folder.write(
        "contracts/build/contract.yaml",
        "workflow:\n  name: build\n  metadata: {stages: [ci], version: 1.0.0}\n  tasks:\n  \
         - {id: one, run: [echo, one]}\n  - {id: two, run: [echo, two], depends_on: [one]}\n",
    );
    component(&folder, "check", "true", "");
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["ci"]);
    assert_eq!(report["status"], "success", "{report}");
    assert_eq!(result(&report, "build.two")["status"], "completed");
    assert_eq!(result(&report, "check")["status"], "completed");
}

#[test]
fn many_files_come_in_pieces() {
    let folder = repository();
    component(&folder, "count", r#"echo $# "$(echo "$*" | wc -c)""#, "files: ['*.txt']\n");
    let name = |n: usize| format!("{}/{n:04}.txt", "long".repeat(25));
    for n in 0..2000 {
        folder.write(&name(n), "");
    }
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit"]);
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 2, "{report}");
    let lines: Vec<Vec<usize>> = results
        .iter()
        .map(|r| r["value"].as_str().unwrap().split_whitespace().map(|n| n.parse().unwrap()).collect())
        .collect();
    assert_eq!(lines[0][0] + lines[1][0], 2000);
    assert!(lines.iter().all(|line| line[1] <= 128 * 1024));
}

#[test]
fn names_that_look_like_options_are_no_options() {
    let folder = repository();
    component(&folder, "cat", r#"cat "$@""#, "files: ['*.txt']\n");
    folder.write("-n.txt", "dash\n");
    folder.git(&["add", "--all"]);
    assert_eq!(printed(&stage(&folder, &["pre-commit"]), "cat"), ["dash"]);
}

#[test]
fn nothing_to_run_is_said() {
    let folder = repository();
    folder.write("a.txt", "a\n");
    folder.git(&["add", "--all"]);
    let ended = ended(&folder, &["pre-commit"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stderr.contains("nothing to run"), "{ended:?}");
    assert_eq!(stage(&folder, &["pre-commit", "--fail-on-empty"])["exit_code"], 2);
    let misuse = folder.onex(&["orch", "--all-files", "--contract", "x"]);
    assert_eq!(misuse.code, 2);
    assert!(misuse.stderr.contains("--stage"), "{misuse:?}");
    assert_eq!(folder.onex(&["orch"]).code, 2);
}

#[test]
fn a_component_that_cannot_be_read_is_no_green_hook() {
    let folder = repository();
    component(&folder, "check", "true", "");
    folder.write("broken.onex.yaml", "name: [\n");
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(report["exit_code"], 2, "{report}");
    assert!(
        Path::new(report["diagnostics"][0]["path"].as_str().unwrap_or("broken.onex.yaml"))
            .ends_with("broken.onex.yaml")
    );
}

/// A repository with one file that is partly staged, so that hooks run in a shadow.
fn partly_staged(line: &str) -> Folder {
    let folder = repository();
    component(&folder, "fix", line, "files: ['*.txt']\nwrites: ['*.txt']\n");
    folder.write("a.txt", "staged\n");
    folder.git(&["add", "--all"]);
    folder.write("a.txt", "staged\nmine\n");
    folder
}

#[test]
fn what_a_hook_stages_itself_fails_the_commit() {
    let folder = repository();
    component(&folder, "stager", "echo more >> b.md; git add b.md", "");
    folder.write("b.md", "b\n");
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(report["exit_code"], 1, "{report}");
    assert_eq!(report["error"]["context"]["changed"], serde_json::json!(["b.md"]));
}

#[test]
fn what_a_stopped_hook_wrote_stays_out_of_the_users_files() {
    let folder = partly_staged(r#"echo half > "$1"; kill -KILL $$"#);
    let report = stage(&folder, &["pre-commit", "--fix-stage"]);
    assert_eq!(report["exit_code"], 1, "{report}");
    assert_eq!(folder.read("a.txt"), "staged\nmine\n");
    assert_eq!(folder.git(&["show", ":a.txt"]), "staged\n");
    let patch = report["error"]["context"]["patch"].as_str().unwrap();
    assert!(fs::read_to_string(patch).unwrap().contains("+half"), "{patch}");
    // In the working tree it is not staged, either.
    folder.git(&["add", "a.txt"]);
    assert_eq!(stage(&folder, &["pre-commit", "--fix-stage"])["exit_code"], 1);
    assert_eq!(folder.git(&["show", ":a.txt"]), "staged\nmine\n");
}

#[test]
fn what_a_killed_run_has_left_in_a_shadow_gives_way() {
    let folder = partly_staged("cat node_modules/lib .cache");
    folder.write(".gitignore", "/tmp/\n/home/\nnode_modules/\n.cache\n");
    folder.git(&["add", ".gitignore"]);
    folder.write("node_modules/lib", "library ");
    folder.write(".cache", "mine\n");
    assert_eq!(printed(&stage(&folder, &["pre-commit"]), "fix"), ["library mine"]);
    let shadows = folder.path().join("home/cache/onex/shadow");
    let slot = fs::read_dir(&shadows).unwrap().next().unwrap().unwrap().path();
    for lock in ["staged-index.lock", "fixed-index.lock", "git/index.lock"] {
        fs::write(slot.join(lock), "").unwrap();
    }
    let tree = fs::read_dir(slot.join("tree")).unwrap().next().unwrap().unwrap().path();
    fs::write(tree.join(".cache"), "old\n").unwrap();
    std::os::unix::fs::symlink("/", tree.join("node_modules")).unwrap();
    fs::write(tree.join("stray.txt"), "stray").unwrap();
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(printed(&report, "fix"), ["library mine"], "{report}");
    assert_eq!(report["exit_code"], 0);
    assert!(!folder.exists("stray.txt"));
    assert_eq!(fs::read_dir(&shadows).unwrap().count(), 1);
}

#[test]
fn git_finds_submodules_in_a_shadow() {
    let folder = partly_staged("git status --short; cat sub/s.txt");
    folder.git(&["init", "--quiet", "home/source"]);
    folder.write("home/source/s.txt", "of the submodule\n");
    folder.git(&["-C", "home/source", "add", "--all"]);
    folder.git(&["-C", "home/source", "commit", "--quiet", "--message=s"]);
    folder.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "./home/source", "sub"]);
    for _ in 0..2 {
        let report = stage(&folder, &["pre-commit"]);
        assert_eq!(report["exit_code"], 0, "{report}");
        let seen = printed(&report, "fix");
        assert!(
            seen.contains(&"A  sub".to_owned()) && seen.contains(&"of the submodule".to_owned()),
            "{seen:?}"
        );
    }
    assert_eq!(folder.git(&["-C", "sub", "status", "--short"]), "");
}

#[test]
fn git_inside_a_hook_sees_the_index_of_the_commit() {
    let folder = repository();
    component(&folder, "seen", "git diff --cached --name-only > home/seen", "");
    folder.write("home/.keep", "");
    folder.write("a.txt", "a\n");
    folder.write("b.txt", "b\n");
    folder.git(&["add", "--all"]);
    assert_eq!(folder.onex(&["install"]).code, 0);
    folder.git(&["commit", "--quiet", "--message=x"]);
    folder.write("a.txt", "other\n");
    folder.write("b.txt", "other\n");
    folder.git(&["commit", "--quiet", "--message=x", "b.txt"]);
    assert_eq!(folder.read("home/seen"), "b.txt\n");
    folder.git(&["commit", "--quiet", "--all", "--message=x"]);
    assert_eq!(folder.read("home/seen"), "a.txt\n");
}

#[test]
fn files_that_git_stores_otherwise_are_compared_as_they_are() {
    let folder = repository();
    folder.git(&["config", "filter.upper.clean", "tr a-z A-Z"]);
    folder.git(&["config", "filter.upper.smudge", "tr A-Z a-z"]);
    folder.write(".gitattributes", "*.txt filter=upper\n");
    component(&folder, "same", r#"cp "$1" "$1.new"; mv "$1.new" "$1""#, "files: ['*.txt']\n");
    folder.write("a.txt", "text\n");
    folder.git(&["add", "--all"]);
    assert_eq!(stage(&folder, &["pre-commit"])["exit_code"], 0);
    component(&folder, "fix", r#"echo other >> "$1""#, "files: ['*.txt']\n");
    folder.git(&["add", "--all"]);
    folder.write("a.txt", "first\n\n\ntext\n");
    assert_eq!(stage(&folder, &["pre-commit"])["exit_code"], 1);
    assert!(folder.read("a.txt").starts_with("first\n"));
}

#[test]
fn an_index_that_somebody_holds_is_said_and_loses_no_fix() {
    let folder = repository();
    component(&folder, "fix", r#"echo fixed > "$1""#, "files: ['*.txt']\nwrites: ['*.txt']\n");
    folder.write("a.txt", "a\n");
    folder.git(&["add", "--all"]);
    folder.write(".git/index.lock", "");
    let report = stage(&folder, &["pre-commit", "--fix-stage"]);
    assert_eq!(report["exit_code"], 1, "{report}");
    assert!(report["error"]["message"].as_str().unwrap().contains("index.lock"), "{report}");
    assert_eq!(folder.read("a.txt"), "fixed\n");
    assert_eq!(folder.read(".git/index.lock"), "");
}

#[test]
fn people_read_where_the_fix_is_and_how_to_run_again() {
    let folder = partly_staged(r#"echo fixed > "$1""#);
    let mut command =
        folder.command(&["orch", "--stage", "pre-commit", "--format", "human", "--tags", "pre-commit"]);
    command.env("XDG_CACHE_HOME", folder.path().join("home/cache"));
    let ended = Ended::of(&command.output().unwrap());
    let lines: Vec<&str> = ended.stdout.lines().map(str::trim).collect();
    let patch = lines.iter().find(|line| line.starts_with('/')).unwrap_or_else(|| panic!("{ended:?}"));
    assert!(fs::read_to_string(patch).unwrap().contains("+fixed"), "{ended:?}");
    assert!(lines.contains(&"rerun: onex orch --stage pre-commit --tags pre-commit"), "{ended:?}");
}

#[test]
fn contracts_keep_their_order_and_their_inputs_in_a_stage() {
    let folder = repository();
    folder.write(
        "contracts/one/contract.yaml",
        "workflow:\n  name: one\n  metadata: {stages: [ci]}\n  inputs: {who: {required: true}, env: {default: dev}}\n  \
         coordination: {rules: {execution_mode: sequential}}\n  tasks:\n    \
         - {id: a, run: 'mkdir busy; sleep 0.05; rmdir busy'}\n    \
         - {id: b, run: 'mkdir busy; sleep 0.05; rmdir busy'}\n",
    );
    folder.write(
        "contracts/two/contract.yaml",
        "workflow:\n  name: two\n  metadata: {stages: [ci]}\n  tasks:\n    - {id: a, run: 'true'}\n",
    );
    folder.git(&["add", "--all"]);
    assert_eq!(stage(&folder, &["ci"])["exit_code"], 2, "an input is missing");
    let report = stage(&folder, &["ci", "--input", "who=me", "--jobs", "4"]);
    assert_eq!(report["status"], "success", "{report}");
}

#[test]
fn what_components_need_has_to_be_there() {
    let folder = repository();
    component(&folder, "needy", "true", "dependencies: [nowhere]\n");
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(report["exit_code"], 3, "{report}");
    assert_eq!(report["diagnostics"][0]["code"], "E0505");
    // The same twice is not run twice.
    fs::remove_file(folder.path().join("checks/needy.onex.yaml")).unwrap();
    component(&folder, "twice", "true", "");
    folder.write("other/twice.onex.yaml", folder.read("checks/twice.onex.yaml"));
    folder.git(&["add", "--all"]);
    assert_eq!(stage(&folder, &["pre-commit"])["diagnostics"][0]["code"], "E0507");
}

#[test]
fn deprecated_components_run_with_a_warning() {
    let folder = repository();
    component(&folder, "old", "true", "deprecated_since: 1.0.0\nsunset_date: 2020-01-01\nreplacement: new\n");
    let path = "checks/old.onex.yaml";
    folder.write(path, folder.read(path).replace("canary", "deprecated"));
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["ci"]);
    assert_eq!(report["status"], "success", "{report}");
    let found = report["diagnostics"].as_array().unwrap();
    let warning = found.iter().find(|found| found["code"] == "E0513").unwrap();
    assert!(warning["message"].as_str().unwrap().contains("new"), "{warning}");
}

#[test]
fn files_are_named_from_where_one_is() {
    let folder = repository();
    component(&folder, "show", r#"printf '%s\n' "$@""#, "files: ['*.txt']\n");
    folder.write("a.txt", "");
    folder.write("sub/b.txt", "");
    folder.git(&["add", "--all"]);
    let from = |place: &str, files: &[&str]| {
        let mut all = vec!["orch", "--stage", "pre-commit", "--format", "json"];
        all.extend(files);
        let mut command = folder.command(&all);
        let output = command.current_dir(folder.path().join(place)).output().unwrap();
        (output.status.code(), serde_json::from_slice::<Value>(&output.stdout).unwrap())
    };
    let (_, report) = from("sub", &["../a.txt", "b.txt", "./b.txt"]);
    assert_eq!(printed(&report, "show"), ["a.txt", "sub/b.txt"]);
    let (_, report) = from(".", &["sub"]);
    assert_eq!(printed(&report, "show"), ["sub/b.txt"]);
    assert_eq!(from(".", &["typo.txt"]).0, Some(2));
    assert_eq!(from(".", &["/etc/passwd"]).0, Some(5));
}

#[test]
fn a_component_runs_nothing_outside_of_the_project() {
    let folder = repository();
    folder.write(
        "out.onex.yaml",
        "name: out\nversion: 1.0.0\nmeta_type: validator\nlifecycle: canary\ntags: [pre-commit]\n\
         entrypoint: command@../evil.sh\n",
    );
    folder.git(&["add", "--all"]);
    assert_eq!(stage(&folder, &["pre-commit"])["exit_code"], 5);
}

#[test]
fn a_project_below_the_top_has_a_hook_of_its_own() {
    let folder = repository();
    folder.write("py/onex.toml", "");
    component(&folder, "no", "exit 1", "");
    fs::rename(folder.path().join("checks"), folder.path().join("py/checks")).unwrap();
    folder.git(&["add", "--all"]);
    let named = ended(&folder, &["pre-commit"]);
    assert!(named.stdout.contains("`py` is a project of its own"), "{named:?}");
    let installed = folder.command(&["install"]).current_dir(folder.path().join("py")).output().unwrap();
    assert!(installed.status.success());
    assert_ne!(folder.git_ended(&["commit", "--quiet", "--message=x"]).code, 0);
}

#[test]
fn a_pipeline_names_what_it_runs() {
    let folder = repository();
    let write = |file: &str, version: &str, lifecycle: &str, word: &str| {
        folder.write(
            file,
            format!(
                "name: v\nversion: {version}\nmeta_type: tool\nlifecycle: {lifecycle}\n\
                 entrypoint: {{type: command, target: [echo, {word}]}}\n"
            ),
        );
    };
    write("a.onex.yaml", "1.0.0", "active", "one");
    write("b.onex.yaml", "2.0.0", "active", "two");
    write("c.onex.yaml", "3.0.0", "draft", "three");
    folder.write(
        "w.onex.yaml",
        "name: w\nversion: 1.0.0\nmeta_type: tool\nentrypoint: {type: command, target: [cat]}\n",
    );
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pipeline", "--from", "v", "--to", "w"]);
    assert_eq!(result(&report, "w")["value"], "two", "{report}");
    let filtered = stage(&folder, &["pipeline", "--from", "v", "--to", "w", "--tags", "x"]);
    assert_eq!(filtered["exit_code"], 2);
}
