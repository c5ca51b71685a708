//! `onex install`: a hook that runs the stage, and never one that replaces somebody else's.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::Folder;

const HOOK: &str = ".git/hooks/pre-commit";

fn repository() -> Folder {
    let folder = Folder::new();
    folder.git(&["init", "--quiet"]);
    folder.write("a.txt", "a\n");
    folder
}

fn foreign(folder: &Folder, text: &str) {
    let hook = folder.write(HOOK, text);
    fs::set_permissions(hook, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn it_installs_once_and_goes_away() {
    let folder = repository();
    let first = folder.onex(&["install"]);
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.stdout.contains("installed") && first.stdout.contains(HOOK), "{first:?}");
    let text = folder.read(HOOK);
    assert!(text.contains("orch --stage pre-commit --format human"), "{text}");
    assert_eq!(fs::metadata(folder.path().join(HOOK)).unwrap().permissions().mode() & 0o111, 0o111);
    assert!(folder.onex(&["install"]).stdout.contains("installed already"));
    assert_eq!(folder.onex(&["uninstall"]).code, 0);
    assert!(!folder.exists(HOOK));
    assert!(folder.onex(&["uninstall"]).stdout.contains("no hook"));
}

#[test]
fn a_foreign_hook_is_refused_or_chained_and_comes_back() {
    let folder = repository();
    let text = "#!/bin/sh\necho foreign >> ran\nexit ${FOREIGN:-0}\n";
    foreign(&folder, text);
    let refused = folder.onex(&["install"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--chain"), "{refused:?}");
    assert_eq!(folder.read(HOOK), text);
    assert_eq!(folder.onex(&["uninstall"]).code, 0);
    assert_eq!(folder.read(HOOK), text, "what is not ours stays");

    assert_eq!(folder.onex(&["install", "--chain"]).code, 0);
    folder.git(&["add", "a.txt"]);
    // The hook of before has the first word, and the last where it says no.
    foreign_fails(&folder);
    assert_eq!(folder.onex(&["install", "--chain"]).code, 0, "chaining twice changes nothing");
    assert_eq!(folder.onex(&["uninstall"]).code, 0);
    assert!(folder.read(HOOK).contains("echo foreign"));
    let mode = fs::metadata(folder.path().join(HOOK)).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
}

fn foreign_fails(folder: &Folder) {
    let kept = folder.path().join(".git/hooks/pre-commit.before-onex");
    let text = fs::read_to_string(&kept).unwrap();
    fs::write(&kept, text.replace("${FOREIGN:-0}", "3")).unwrap();
    let commit = folder.git_ended(&["commit", "--quiet", "--message=x"]);
    assert_ne!(commit.code, 0);
    assert_eq!(folder.read("ran"), "foreign\n");
}

#[test]
fn a_second_foreign_hook_a_link_and_shared_hooks_are_refused() {
    let folder = repository();
    foreign(&folder, "#!/bin/sh\n");
    folder.write(".git/hooks/pre-commit.before-onex", "somebody's");
    let refused = folder.onex(&["install", "--chain"]);
    assert_eq!(refused.code, 2);
    assert_eq!(folder.read(".git/hooks/pre-commit.before-onex"), "somebody's");

    let folder = repository();
    symlink("nowhere", folder.path().join(HOOK)).unwrap();
    assert_eq!(folder.onex(&["install"]).code, 2);

    let folder = repository();
    let elsewhere = Folder::new();
    folder.git(&["config", "core.hooksPath", elsewhere.path().to_str().unwrap()]);
    let refused = folder.onex(&["install"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("core.hooksPath"), "{refused:?}");
    folder.git(&["config", "core.hooksPath", "hooks"]);
    assert_eq!(folder.onex(&["install"]).code, 0);
    assert!(folder.exists("hooks/pre-commit"));
}

#[test]
fn a_missing_program_does_not_lock_anybody_out() {
    let folder = repository();
    folder.onex(&["install"]);
    let text = folder.read(HOOK).replace(env!("CARGO_BIN_EXE_onex"), "/nowhere/onex");
    let alone = folder.write("hook", text.replace("command -v onex", "command -v no-such-onex"));
    let run = std::process::Command::new("sh").arg(alone).current_dir(folder.path()).output().unwrap();
    assert!(run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("not installed"), "{run:?}");
}

#[test]
fn without_a_repository_there_is_nothing_to_install_into() {
    let folder = Folder::new();
    fs::remove_dir(folder.path().join(".git")).unwrap();
    let outside = folder.command(&["install"]).env("GIT_CEILING_DIRECTORIES", "/").output().unwrap();
    // Unless the build folder itself is inside one.
    if outside.status.code() != Some(0) {
        assert_eq!(outside.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&outside.stderr).contains("git init"), "{outside:?}");
    }
}

#[test]
fn a_commit_without_onex_still_runs_the_hook_of_before() {
    let folder = repository();
    foreign(&folder, "#!/bin/sh\necho foreign >> ran\n");
    assert_eq!(folder.onex(&["install", "--chain"]).code, 0);
    let hook = folder.path().join(HOOK);
    let ran = std::process::Command::new(hook).current_dir(folder.path()).env("ONEX", "0").status().unwrap();
    assert!(ran.success());
    assert_eq!(folder.read("ran"), "foreign\n");
}
