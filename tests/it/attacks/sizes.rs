//! Sizes have an end in files that are no contracts, too. Contracts and what they include are in `hostile.rs`; what nodes
//! print in `commands.rs`; the size of a whole run in `scale.rs`.

use std::fs::{self, File};

use serde_json::Value;

use super::{ask, commit, repository};
use crate::support::{Folder, result};

const COMPONENT: &str = "name: a\nversion: 1.0.0\nmeta_type: validator\nlifecycle: active\n\
                         entrypoint: {type: command, target: ['true']}\n";

/// The most that anybody is shown of a file that is too much.
const SHOWN: usize = 1024 * 1024;

/// Texts that expand, nest or repeat without end, behind a beginning that is in order.
fn bombs(head: &str) -> Vec<(&'static str, String)> {
    let levels: String =
        (0..30).map(|n| format!("k{}: &a{} [*a{n}, *a{n}, *a{n}, *a{n}]\n", n + 1, n + 1)).collect();
    vec![
        ("aliases", format!("{head}k0: &a0 x\n{levels}")),
        ("brackets", format!("{head}x: {}", "[".repeat(100_000))),
        ("many keys", format!("{head}{}", (0..50_000).map(|n| format!("k{n}: 1\n")).collect::<String>())),
        ("one key again and again", format!("{head}{}", "k: 1\n".repeat(20_000))),
        ("a long text", format!("{head}x: {}", "y".repeat(4 << 20))),
        ("documents", format!("{head}{}", "---\na\n".repeat(20_000))),
    ]
}

fn huge(folder: &Folder, name: &str) {
    let file = File::create(folder.path().join(name)).unwrap();
    file.set_len(1 << 40).unwrap();
}

#[test]
fn a_registry_has_an_end() {
    let looks: [&[&str]; 5] = [
        &["registry", "list"],
        &["registry", "verify"],
        &["registry", "add", "a.onex.yaml"],
        &["list"],
        &["orch", "--stage", "ci", "--format", "human"],
    ];
    let head = "version: '1'\ncomponents: []\n";
    for (what, text) in bombs(head) {
        let folder = repository();
        folder.write("a.onex.yaml", COMPONENT);
        folder.write("onex.registry.yaml", &text);
        for arguments in looks {
            let ended = ask(&folder, arguments);
            assert!(ended.code >= 2, "{what} {arguments:?}: {}", ended.stdout);
            assert!(ended.stdout.len() + ended.stderr.len() < SHOWN, "{what} {arguments:?}");
        }
        // What cannot be understood is not written over.
        assert!(folder.read("onex.registry.yaml") == text, "{what}");
    }
    let folder = repository();
    folder.write("a.onex.yaml", COMPONENT);
    huge(&folder, "onex.registry.yaml");
    for arguments in looks {
        let ended = ask(&folder, arguments);
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert!(ended.code >= 2 && all.contains("larger than 32 MiB"), "{arguments:?}: {all}");
    }
    // Twenty thousand entries, each of which is gone.
    let entry = |n: usize| format!("  - {{name: c{n}, path: c{n}.sh, digest: 'sha256:0'}}\n");
    let entries: String = (0..20_000).map(entry).collect();
    folder.write("onex.registry.yaml", format!("version: '1'\ncomponents:\n{entries}"));
    let verified = ask(&folder, &["registry", "verify"]);
    assert_eq!(verified.code, 3, "{}", verified.stderr.len());
}

#[test]
fn metadata_in_comments_has_an_end() {
    let head = "name: a\nversion: 1.0.0\nmeta_type: validator\n";
    for (what, text) in bombs(head) {
        let folder = repository();
        let lines: String = text.lines().map(|line| format!("# {line}\n")).collect();
        let block =
            format!("#!/bin/sh\n# === OmniNode:Metadata ===\n{lines}# === /OmniNode:Metadata ===\ntrue\n");
        folder.write("a.sh", block);
        folder.write("b.sh", format!("# === OmniNode:Metadata ===\n{lines}"));
        folder.write("c.onex.yaml", &text);
        for arguments in [
            &["list", "--scan"][..],
            &["registry", "add", "a.sh"],
            &["registry", "add", "b.sh"],
            &["validate", "a.sh", "c.onex.yaml"],
        ] {
            let ended = ask(&folder, arguments);
            assert!(
                ended.stdout.len() + ended.stderr.len() < SHOWN,
                "{what} {arguments:?}: {}",
                ended.stdout.len()
            );
            assert!(matches!(ended.code, 0 | 2 | 3), "{what} {arguments:?}: {}", ended.code);
        }
    }
    let folder = repository();
    huge(&folder, "a.sh");
    huge(&folder, "a.onex.yaml");
    let ended = ask(&folder, &["list", "--scan"]);
    assert!(ended.code == 2 && ended.stderr.contains("larger than 32 MiB"), "{ended:?}");
}

#[test]
fn the_hooks_of_another_tool_have_an_end() {
    let head = "repos:\n- repo: local\n  hooks: [{id: a, name: a, language: system, entry: 'true'}]\n";
    for (what, text) in bombs(head) {
        let folder = repository();
        folder.write(".pre-commit-config.yaml", &text);
        let ended = ask(&folder, &["import", "pre-commit", "--dry-run"]);
        assert!(ended.stdout.len() + ended.stderr.len() < SHOWN, "{what}: {}", ended.stdout.len());
        assert!(matches!(ended.code, 0 | 2), "{what}: {}", ended.code);
    }
    let folder = repository();
    huge(&folder, ".pre-commit-config.yaml");
    let ended = ask(&folder, &["import", "pre-commit"]);
    assert!(ended.code == 2 && ended.stderr.contains("larger than 32 MiB"), "{ended:?}");
    // An expression that stands for very many patterns.
    for pattern in ["(a|b)".repeat(40), "(".repeat(50_000), "a{1,100000}".to_owned(), "[a-z]".repeat(10_000)]
    {
        let hook = format!("{{id: a, name: a, language: system, entry: 'true', files: '{pattern}'}}");
        folder_with_hook(&hook);
    }
}

fn folder_with_hook(hook: &str) {
    let folder = repository();
    folder.write(".pre-commit-config.yaml", format!("repos:\n- repo: local\n  hooks:\n  - {hook}\n"));
    let ended = ask(&folder, &["import", "pre-commit"]);
    assert!(matches!(ended.code, 0 | 2), "{}: {ended:?}", &hook[..hook.len().min(100)]);
    assert!(ended.stdout.len() + ended.stderr.len() < SHOWN);
}

#[test]
fn a_hundred_thousand_files_are_given_in_pieces() {
    let many = 100_000;
    let folder = Folder::new();
    fs::remove_dir(folder.path().join(".git")).unwrap();
    folder.write("onex.toml", "");
    folder.write(
        "a.onex.yaml",
        COMPONENT.replace("['true']", "[sh, -c, 'echo $#', sh]") + "files: ['*.txt']\n",
    );
    fs::create_dir(folder.path().join("many")).unwrap();
    for n in 0..many {
        File::create(folder.path().join(format!("many/{n:06}.txt"))).unwrap();
    }
    let ended = ask(&folder, &["orch", "--stage", "ci", "--format", "json"]);
    let report: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {}", ended.stderr));
    assert_eq!((ended.code, &report["status"]), (0, &"success".into()));
    let results = report["results"].as_array().unwrap();
    let counts = results.iter().map(|node| node["stdout"].as_str().unwrap().trim().parse::<usize>().unwrap());
    assert_eq!(counts.sum::<usize>(), many);
    // 16 bytes for each name, of which 128 KiB make a piece.
    assert_eq!(results.len(), (many * 16).div_ceil(128 * 1024), "{:?}", ended.stderr);
}

#[test]
fn a_large_fix_that_does_not_fit_is_a_patch_and_whole() {
    let folder = repository();
    folder.write(
        "fix.onex.yaml",
        COMPONENT.replace("active", "canary").replace("['true']", "[sed, -i, s/bad/good/]")
            + "tags: [pre-commit]\nfiles: ['*.txt']\nwrites: ['*.txt']\n",
    );
    let lines = 400_000;
    folder.write("a.txt", "a bad line of text\n".repeat(lines));
    folder.git(&["add", "--all"]);
    folder.write("a.txt", "mine\n".repeat(lines));
    let ended = ask(&folder, &["orch", "--stage", "pre-commit", "--format", "json"]);
    let report: Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {}", ended.stderr));
    assert_eq!((ended.code, &result(&report, "a")["reason"]), (1, &"files_changed".into()));
    let patch = fs::read_to_string(report["error"]["context"]["patch"].as_str().unwrap()).unwrap();
    assert_eq!(patch.lines().filter(|line| *line == "+a good line of text").count(), lines);
    assert!(folder.read("a.txt").starts_with("mine\n"));
    commit(&folder);
}
