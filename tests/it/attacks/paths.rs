//! Ids, names and paths lead nowhere else, and neither do links, also those that somebody puts into the place of a folder
//! just now. What is no file is shown in `hostile.rs`; includes that lead out in `contracts.rs`; reports over contracts in
//! `reports.rs`; outputs of nodes that are links or pipes in `commands.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{ask, commit, quoted, repository};
use crate::support::Folder;

/// Names that would lead elsewhere, or look like others.
fn odd_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "..",
        ".",
        "",
        "a/b",
        "/a",
        "a%2fb",
        "a\\b",
        "a\u{0430}",
        "ａ",
        "a\u{200b}",
        "-a",
        " a",
        "a\n",
        "~",
        "a:b",
        "NUL*",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("x".repeat(300));
    names.push("../".repeat(20) + "tmp/x");
    names
}

#[test]
fn ids_that_are_paths_or_look_like_others_are_refused() {
    for name in odd_names().into_iter().chain(["a\0b".to_owned()]) {
        let word = quoted(&name);
        let folder = Folder::with(&format!("workflow: {{tasks: [{{id: {word}, run: touch pwned}}]}}\n"));
        let ended = ask(&folder, &["orch", "--contract", "contract.yaml", "--format", "human"]);
        assert_eq!(ended.code, 2, "{name:?}: {ended:?}");
        assert!(!folder.exists("pwned"), "{name:?}");
    }
    // Scaffolds make folders of names.
    for name in odd_names() {
        let folder = Folder::new();
        let before = everything(folder.path().parent().unwrap());
        let ended = ask(&folder, &["new", "contract", "--", &name]);
        assert_eq!(ended.code, 2, "{name:?}: {ended:?}");
        assert!(!folder.exists("contracts"), "{name:?}");
        assert_eq!(before, everything(folder.path().parent().unwrap()), "{name:?}");
    }
}

fn everything(folder: &Path) -> BTreeSet<String> {
    // Folders of tests that run beside this one come and go.
    let names =
        fs::read_dir(folder).unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    names.filter(|name| !name.starts_with(|c: char| c.is_ascii_digit())).collect()
}

#[test]
fn names_of_components_become_ids_and_no_paths() {
    for name in odd_names() {
        let word = quoted(&name);
        let folder = repository();
        folder.write(
            "x.onex.yaml",
            format!(
                "name: {word}\nnamespace: {word}\nversion: 1.0.0\nmeta_type: validator\nlifecycle: active\n\
                 entrypoint: {{type: command, target: [sh, -c, 'echo x > \"$ONEX_NODE_OUTPUT.more\"; pwd']}}\n"
            ),
        );
        commit(&folder);
        let ended = ask(&folder, &["orch", "--stage", "ci", "--format", "human", "--output", "all"]);
        assert!(matches!(ended.code, 0..=2), "{name:?}: {ended:?}");
        let registered = ask(&folder, &["registry", "add", "x.onex.yaml"]);
        assert!(matches!(registered.code, 0 | 2), "{name:?}: {registered:?}");
        folder.assert_clean();
    }
}

#[test]
fn entries_of_the_registry_stay_in_the_project() {
    let elsewhere = Folder::new();
    let text = "name: out\nversion: 1.0.0\nmeta_type: validator\nlifecycle: active\nsecret: [SECRET\n";
    elsewhere.write("out.onex.yaml", text);
    let outside = elsewhere.path().join("out.onex.yaml");
    let up = format!("../{}/out.onex.yaml", elsewhere.path().file_name().unwrap().to_str().unwrap());
    for path in
        [up.as_str(), outside.to_str().unwrap(), "link.onex.yaml", "folder/out.onex.yaml", "a/../../x", "\\0"]
    {
        let folder = repository();
        symlink(&outside, folder.path().join("link.onex.yaml")).unwrap();
        symlink(elsewhere.path(), folder.path().join("folder")).unwrap();
        folder.write(
            "onex.registry.yaml",
            format!(
                "version: '1'\ncomponents:\n  - {{name: out, path: {}, digest: 'sha256:00'}}\n",
                quoted(path)
            ),
        );
        for arguments in [
            &["registry", "list"][..],
            &["registry", "verify"],
            &["registry", "inspect", "out"],
            &["orch", "--stage", "ci", "--format", "human"],
            &["orch", "--stage", "registry", "--format", "human"],
            &["list"],
        ] {
            let ended = ask(&folder, arguments);
            let all = format!("{}{}", ended.stdout, ended.stderr);
            assert!(!all.contains("SECRET"), "{path} {arguments:?}: {all}");
        }
        let verified = ask(&folder, &["registry", "verify"]);
        assert!(matches!(verified.code, 2 | 3 | 5), "{path}: {verified:?}");
        let added = ask(&folder, &["registry", "add", path]);
        assert!(added.code >= 2 || added.stdout.contains("no entry") || added.code == 0, "{path}: {added:?}");
        assert!(!folder.read("onex.registry.yaml").contains("SECRET"));
    }
}

#[test]
fn what_is_outside_of_a_project_is_not_shown_through_its_links() {
    let elsewhere = Folder::new();
    for name in ["contract.yaml", "a.onex.yaml", "onex.registry.yaml", ".pre-commit-config.yaml"] {
        elsewhere.write(name, "root:SECRET:0\nfoo: [SECRET\nworkflow: {tasks: [SECRET\n");
    }
    fs::remove_dir(elsewhere.path().join(".git")).unwrap();
    let folder = repository();
    for name in ["contract.yaml", "a.onex.yaml", "onex.registry.yaml", ".pre-commit-config.yaml"] {
        symlink(elsewhere.path().join(name), folder.path().join(name)).unwrap();
    }
    fs::create_dir(folder.path().join("contracts")).unwrap();
    symlink(elsewhere.path(), folder.path().join("contracts/ci")).unwrap();
    folder.write("includes.yaml", "workflow: !include a.onex.yaml\n");
    folder.git(&["add", "--all"]);
    let looks: [&[&str]; 20] = [
        &["validate", "."],
        &["validate", "contract.yaml", "a.onex.yaml", "ci", "includes.yaml"],
        &["validate", "contracts/ci"],
        &["list"],
        &["list", "--scan"],
        &["plan", "contract.yaml"],
        &["plan", "ci"],
        &["graph", "contract.yaml"],
        &["explain", "a", "--contract", "ci"],
        &["fmt", "--check", "."],
        &["fmt", "--diff", "contract.yaml"],
        &["fmt", "contracts/ci/contract.yaml"],
        &["registry", "list"],
        &["registry", "verify"],
        &["registry", "add", "contract.yaml"],
        &["import", "pre-commit", "--dry-run"],
        &["orch", "--contract", "ci", "--format", "human"],
        &["orch", "--contract", "contract.yaml", "--dry-run"],
        &["orch", "--stage", "ci", "--format", "human"],
        &["orch", "--stage", "pre-commit", "--format", "json"],
    ];
    for arguments in looks {
        let ended = ask(&folder, arguments);
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!all.contains("SECRET"), "{arguments:?}: {all}");
        assert!(all.contains("leads out of the project root"), "{arguments:?}: {all}");
    }
    for arguments in [&["plan", "contract.yaml"][..], &["orch", "--contract", "ci"], &["validate", "."]] {
        assert_eq!(ask(&folder, arguments).code, 5, "{arguments:?}");
    }
    assert!(elsewhere.read("contract.yaml").ends_with("[SECRET\n"));
    // A link inside the project is one of its files.
    folder.write("real/contract.yaml", "workflow: {tasks: [{id: a, run: 'true'}]}\n");
    symlink("real", folder.path().join("alias")).unwrap();
    assert_eq!(ask(&folder, &["orch", "--contract", "alias/contract.yaml"]).code, 0);
}

#[test]
fn links_in_circles_and_deep_folders_come_to_an_end() {
    let folder = repository();
    symlink("contract.yaml", folder.path().join("contract.yaml")).unwrap();
    symlink("b.onex.yaml", folder.path().join("a.onex.yaml")).unwrap();
    symlink("a.onex.yaml", folder.path().join("b.onex.yaml")).unwrap();
    symlink(".", folder.path().join("here")).unwrap();
    let mut deep = folder.path().to_path_buf();
    for _ in 0..200 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    symlink("../..", deep.join("up")).unwrap();
    fs::write(deep.join("deep.onex.yaml"), "name: deep\nversion: 1.0.0\nmeta_type: tool\n").unwrap();
    for arguments in [
        &["list"][..],
        &["list", "--scan"],
        &["validate", "."],
        &["fmt", "--check", "."],
        &["orch", "--stage", "ci"],
        &["orch", "--contract", "contract.yaml"],
        &["registry", "verify"],
    ] {
        let ended = ask(&folder, arguments);
        assert!(ended.code != 0 || ended.stdout.contains("deep"), "{arguments:?}: {ended:?}");
    }
    assert!(ask(&folder, &["list"]).stdout.contains("deep"));
}

/// Swaps a folder and a link to another, again and again, while something goes on.
fn while_swapped(folder: &Folder, name: &str, link_to: &Path, act: impl Fn()) {
    let stop = AtomicBool::new(false);
    let (real, link) =
        (folder.path().join(format!("{name}.real")), folder.path().join(format!("{name}.link")));
    let place = folder.path().join(name);
    fs::rename(&place, &real).unwrap();
    symlink(link_to, &link).unwrap();
    symlink(&real, &place).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                fs::remove_file(&place).unwrap();
                fs::rename(&real, &place).unwrap();
                std::thread::yield_now();
                fs::rename(&place, &real).unwrap();
                fs::rename(&link, &place).unwrap();
                std::thread::yield_now();
                fs::rename(&place, &link).unwrap();
                symlink("nothing", &place).unwrap();
            }
        });
        act();
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn a_folder_that_becomes_a_link_leads_nobody_out() {
    let elsewhere = Folder::new();
    let outside = "name: SECRET\nversion: 1.0.0\nmeta_type: validator\nlifecycle: active\nentrypoint: {type: command, target: [touch, pwned]}\n";
    elsewhere.write("x.onex.yaml", outside);
    elsewhere.write("contract.yaml", "workflow: {name: SECRET, tasks: [{id: SECRET, run: touch pwned}]}\n");
    elsewhere.write("part.yaml", "{id: SECRET, run: touch pwned}\n");
    elsewhere.write("x.sh", "touch pwned\n");
    let folder = repository();
    folder.write("d/x.onex.yaml", outside.replace("SECRET", "inside").replace("pwned", "tmp/fine"));
    folder.write("d/contract.yaml", "workflow: {name: inside, tasks: [{id: inside, run: 'true'}]}\n");
    folder.write("d/part.yaml", "{id: inside, run: 'true'}\n");
    folder.write("includes.yaml", "workflow: {tasks: [!include d/part.yaml]}\n");
    commit(&folder);
    while_swapped(&folder, "d", elsewhere.path(), || {
        for _ in 0..40 {
            for arguments in [
                &["list"][..],
                &["validate", "."],
                &["plan", "d/contract.yaml"],
                &["plan", "includes.yaml"],
                &["orch", "--stage", "ci", "--all-files"],
            ] {
                let ended = ask(&folder, arguments);
                let all = format!("{}{}", ended.stdout, ended.stderr);
                assert!(!all.contains("SECRET"), "{arguments:?}: {all}");
                assert!(!folder.exists("pwned") && !elsewhere.exists("pwned"), "{arguments:?}");
            }
        }
    });
}

#[test]
fn programs_and_folders_of_nodes_stay_in_the_project() {
    let elsewhere = Folder::new();
    elsewhere.write("x.sh", "touch pwned\n");
    let outside = elsewhere.path().to_str().unwrap().to_owned();
    let rows = [
        format!("{{id: a, script: {outside}/x.sh}}"),
        "{id: a, script: ../x.sh}".to_owned(),
        "{id: a, script: folder/x.sh}".to_owned(),
        "{id: a, script: a/../../x.sh}".to_owned(),
        "{id: a, script: link.sh}".to_owned(),
        format!("{{id: a, run: touch pwned, cwd: {outside}}}"),
        "{id: a, run: touch pwned, cwd: ..}".to_owned(),
        "{id: a, run: touch pwned, cwd: folder}".to_owned(),
        "{id: a, run: touch pwned, cwd: a/../..}".to_owned(),
    ];
    for row in rows {
        let folder = Folder::with(&format!("workflow: {{tasks: [{row}]}}\n"));
        symlink(elsewhere.path(), folder.path().join("folder")).unwrap();
        symlink(elsewhere.path().join("x.sh"), folder.path().join("link.sh")).unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        let ended = ask(&folder, &["orch", "--contract", "contract.yaml"]);
        assert!(matches!(ended.code, 2 | 5), "{row}: {ended:?}");
        assert!(!folder.exists("pwned") && !elsewhere.exists("pwned"), "{row}");
    }
    // A pipe in the place of a script is waited for by nobody.
    let folder = Folder::with("workflow: {tasks: [{id: a, script: pipe.sh}, {id: b, script: /dev/zero}]}\n");
    assert!(Command::new("mkfifo").arg(folder.path().join("pipe.sh")).status().unwrap().success());
    let ended = ask(&folder, &["orch", "--contract", "contract.yaml"]);
    assert_ne!(ended.code, 0, "{ended:?}");
}
