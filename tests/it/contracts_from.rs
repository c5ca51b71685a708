//! `onex orch --contracts-from`: what runs is decided by a commit, what it runs on is the working tree.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use serde_json::Value;

use crate::support::{Ended, Folder, result};

fn repository() -> Folder {
    let folder = Folder::new();
    folder.git(&["init", "--quiet", "--initial-branch=main"]);
    folder.write(".gitignore", "/tmp/\n/home/\n");
    folder
}

fn commit(folder: &Folder, message: &str) -> String {
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
    folder.git(&["rev-parse", "HEAD"]).trim().to_owned()
}

fn program(folder: &Folder, name: &str, text: &str) {
    let file = folder.write(name, format!("#!/bin/sh\n{text}\n"));
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

fn component(folder: &Folder, name: &str, entrypoint: &str, more: &str) {
    folder.write(
        &format!("checks/{name}.onex.yaml"),
        format!(
            "name: {name}\nversion: 1.0.0\nmeta_type: validator\nlifecycle: active\n\
             entrypoint: {entrypoint}\n{more}"
        ),
    );
}

fn ended_in(folder: &Folder, below: &str, arguments: &[&str]) -> Ended {
    let mut all = vec!["orch"];
    all.extend(arguments);
    let mut command = folder.command(&all);
    command.current_dir(folder.path().join(below)).env("XDG_CACHE_HOME", folder.path().join("home/cache"));
    Ended::of(&command.output().unwrap())
}

fn ended(folder: &Folder, arguments: &[&str]) -> Ended {
    ended_in(folder, "", arguments)
}

fn report_in(folder: &Folder, below: &str, arguments: &[&str]) -> Value {
    let ended = ended_in(folder, below, &[arguments, &["--format", "json"]].concat());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    assert_eq!(report["exit_code"], ended.code, "{ended:?}");
    report
}

fn report(folder: &Folder, arguments: &[&str]) -> Value {
    report_in(folder, "", arguments)
}

fn printed<'r>(report: &'r Value, id: &str) -> &'r str {
    let node = result(report, id);
    assert_eq!(node["status"], "completed", "{node:#}");
    node["stdout"].as_str().unwrap().trim_end()
}

/// The messages of findings of a code.
fn told(report: &Value, code: &str) -> Vec<String> {
    let found = report["diagnostics"].as_array().unwrap().iter().filter(|found| found["code"] == code);
    found.map(|found| found["message"].as_str().unwrap().to_owned()).collect()
}

const EVERY_ACTION: &str = r#"
workflow:
  name: ci
  tasks:
    - {id: script, script: tools/check.sh, args: [a b]}
    - {id: words, run: ./tools/check.sh words}
    - {id: argv, run: [tools/check.sh, argv]}
    - {id: below, run: ../tools/check.sh below, cwd: sub}
    - {id: file, script: tools/check.py}
    - {id: function, python: "pkg.mod:run"}
    - {id: deep, python: "deeper:run", cwd: sub}
    - !include more.yaml
    - {id: data, run: cat data.txt}
"#;

/// A repository with a contract of every kind of action on `main`, and a branch that has changed all of it.
fn changed() -> (Folder, String) {
    let folder = repository();
    folder.write("contracts/ci/contract.yaml", EVERY_ACTION);
    folder.write("contracts/ci/more.yaml", "{id: included, run: echo base}\n");
    program(&folder, "tools/check.sh", "echo base \"$@\" in \"${PWD##*/}\"");
    folder.write("tools/check.py", "import beside; print(beside.word)\n");
    folder.write("tools/beside.py", "word = 'base'\n");
    folder.write("pkg/__init__.py", "");
    folder.write("pkg/mod.py", "from .other import word\ndef run(): return word\n");
    folder.write("pkg/other.py", "word = 'base'\n");
    folder.write("sub/deeper.py", "def run(): return 'base'\n");
    folder.write("data.txt", "old\n");
    let base = commit(&folder, "base");
    folder.git(&["checkout", "--quiet", "-b", "change"]);
    for file in ["tools/check.sh", "contracts/ci/more.yaml"] {
        folder.write(file, folder.read(file).replace("base", "CHANGED"));
    }
    for file in ["tools/beside.py", "pkg/other.py", "sub/deeper.py"] {
        folder.write(file, folder.read(file).replace("base", "CHANGED"));
    }
    folder.write("contracts/ci/contract.yaml", "workflow: {tasks: [{id: new, run: echo CHANGED}]}\n");
    // Names that Python finds first where it looks in the working directory first.
    for name in ["json.py", "runpy.py", "sub/json.py", "traceback.py", "tools/json.py"] {
        folder.write(name, "print('CHANGED')\nraise SystemExit(0)\n");
    }
    folder.write("data.txt", "new\n");
    commit(&folder, "change");
    (folder, base)
}

#[test]
fn a_contract_runs_as_it_was_on_what_is_there() {
    let (folder, base) = changed();
    let name = folder.path().file_name().unwrap().to_str().unwrap().to_owned();
    let report = report(&folder, &["--contract", "ci", "--contracts-from", "main"]);
    assert_eq!(report["status"], "success", "{report:#}");
    assert_eq!(printed(&report, "script"), format!("base a b in {name}"));
    assert_eq!(printed(&report, "words"), format!("base words in {name}"));
    assert_eq!(printed(&report, "argv"), format!("base argv in {name}"));
    assert_eq!(printed(&report, "below"), "base below in sub");
    assert_eq!(printed(&report, "file"), "base");
    assert_eq!([printed(&report, "function"), printed(&report, "deep")], ["\"base\""; 2]);
    assert_eq!(printed(&report, "included"), "base");
    assert_eq!(printed(&report, "data"), "new");
    assert_eq!(report["contract"]["commit"], *base);
    assert_eq!(report["contract"]["path"], "contracts/ci/contract.yaml");
    let told = told(&report, "E0521");
    for file in ["contracts/ci/contract.yaml", "contracts/ci/more.yaml", "tools/check.sh", "sub/deeper.py"] {
        let start = format!("`{file}` is another in the working tree, and counts as it was");
        assert!(told.iter().any(|told| told.starts_with(&start)), "{file}: {told:?}");
    }
    assert!(!told.iter().any(|told| told.contains("data.txt")), "{told:?}");

    // People are told, too, and what they are told to type again does the same.
    let shown = ended(
        &folder,
        &["--contract", "contracts/ci", "--contracts-from", "main", "--format", "human", "--only", "data"],
    );
    let head = format!("contracts from main ({})\n", &base[..10]);
    assert!(shown.stdout.lines().nth(1).is_some_and(|line| line.trim() == head.trim()), "{}", shown.stdout);
    assert!(shown.stderr.contains("warning[E0521]"), "{}", shown.stderr);
    folder.git(&["rm", "--quiet", "data.txt"]);
    let shown = ended(&folder, &["--contract", "ci", "--contracts-from", "main", "--format", "human"]);
    assert_eq!(shown.code, 1);
    let rerun = "rerun: onex orch --contract contracts/ci/contract.yaml --contracts-from main\n";
    assert!(shown.stdout.ends_with(rerun), "{}", shown.stdout);
    // Without it, the change decides.
    assert_eq!(printed(&self::report(&folder, &["--contract", "ci"]), "new"), "CHANGED");
    folder.assert_clean();
}

#[test]
fn a_stage_has_the_components_that_it_had() {
    let folder = repository();
    component(&folder, "same", "{type: command, target: [sh, -c, 'echo same $*', sh]}", "files: ['*.txt']\n");
    component(&folder, "gone", "{type: script, target: [gone.sh]}", "");
    component(&folder, "edited", "{type: command, target: [./edited.sh]}", "");
    component(&folder, "module", "python@pkg.main", "");
    component(&folder, "function", "python@pkg.main:run", "");
    program(&folder, "checks/gone.sh", "echo base");
    program(&folder, "checks/edited.sh", "echo base");
    folder.write("pkg/__init__.py", "");
    folder.write("pkg/main.py", "def run(): return 'base'\nif __name__ == '__main__': print('base')\n");
    let block = "# === OmniNode:Metadata ===\n# name: block\n# version: 1.0.0\n# meta_type: validator\n\
                 # lifecycle: active\n# entrypoint: {type: script, target: [block.sh]}\n\
                 # === /OmniNode:Metadata ===\necho base\n";
    folder.write("block.sh", block);
    folder.write(
        "contracts/deep/contract.yaml",
        "metadata: {stages: [ci]}\nworkflow: {name: deep, tasks: [{id: a, run: echo base}]}\n",
    );
    folder.write("a.txt", "a\n");
    assert_eq!(folder.onex(&["registry", "add", "block.sh"]).code, 0);
    commit(&folder, "base");
    folder.git(&["checkout", "--quiet", "-b", "change"]);
    fs::remove_file(folder.path().join("checks/gone.onex.yaml")).unwrap();
    fs::remove_file(folder.path().join("checks/gone.sh")).unwrap();
    fs::remove_file(folder.path().join("onex.registry.yaml")).unwrap();
    component(&folder, "evil", "{type: command, target: [touch, pwned]}", "");
    component(&folder, "edited", "{type: command, target: [touch, pwned]}", "");
    program(&folder, "checks/edited.sh", "touch pwned");
    for file in ["pkg/main.py", "block.sh", "contracts/deep/contract.yaml"] {
        folder.write(file, folder.read(file).replace("base", "CHANGED"));
    }
    folder.write("onex.toml", "");
    folder.write("sub/onex.toml", "");
    folder.write("b.txt", "b\n");
    commit(&folder, "change");
    folder.write("checks/untracked.onex.yaml", folder.read("checks/evil.onex.yaml").replace("evil", "other"));
    let first = report(&folder, &["--stage", "ci", "--contracts-from", "main"]);
    assert_eq!(first["status"], "success", "{first:#}");
    assert_eq!(printed(&first, "same"), "same a.txt b.txt");
    for id in ["gone", "edited", "module", "block", "deep.a"] {
        assert_eq!(printed(&first, id), "base", "{id}");
    }
    assert_eq!(printed(&first, "function"), "\"base\"");
    assert_eq!(first["results"].as_array().unwrap().len(), 7, "{first:#}");
    assert!(!folder.exists("pwned"));
    let told = told(&first, "E0521");
    let expected = [
        ("checks/evil.onex.yaml", "is new"),
        ("checks/untracked.onex.yaml", "is new"),
        ("onex.toml", "is new"),
        ("sub/onex.toml", "is new"),
        ("checks/gone.onex.yaml", "is gone"),
        ("checks/gone.sh", "is gone"),
        ("onex.registry.yaml", "is gone"),
        ("checks/edited.onex.yaml", "is another"),
        ("checks/edited.sh", "is another"),
        ("block.sh", "is another"),
        ("pkg/main.py", "is another"),
        ("contracts/deep/contract.yaml", "is another"),
    ];
    for (file, what) in expected {
        let start = format!("`{file}` {what}");
        assert!(told.iter().any(|told| told.starts_with(&start)), "{start}: {told:#?}");
    }
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    // Also from a folder that the change has made a project of its own.
    let below = report_in(&folder, "sub", &["--stage", "ci", "--contracts-from", "main"]);
    assert_eq!(below["results"].as_array().unwrap().len(), 7, "{below:#}");
    // What is looked at can be narrowed as always.
    let since = report(&folder, &["--stage", "ci", "--contracts-from", "main", "--changed-since", "main"]);
    assert_eq!(printed(&since, "same"), "same b.txt");
    let named = report(&folder, &["--stage", "ci", "--contracts-from", "main", "a.txt"]);
    assert_eq!(printed(&named, "same"), "same a.txt");
}

#[test]
fn what_is_staged_is_checked_by_what_was_committed() {
    let folder = repository();
    let show = "{type: command, target: [sh, -c, 'cat \"$@\"; ./checks/x.sh', sh]}";
    component(&folder, "show", show, "files: ['*.txt']\ntags: [pre-commit]\n");
    let path = "checks/show.onex.yaml";
    folder.write(path, folder.read(path).replace("active", "canary"));
    program(&folder, "checks/x.sh", "echo base");
    folder.write("a.txt", "committed\n");
    commit(&folder, "base");
    component(&folder, "show", "{type: command, target: [touch, pwned]}", "tags: [pre-commit]\n");
    folder.write("a.txt", "staged\n");
    folder.git(&["add", "--all"]);
    folder.write("a.txt", "beside\n");
    let staged = report(&folder, &["--stage", "pre-commit", "--contracts-from", "HEAD"]);
    assert_eq!(printed(&staged, "show"), "staged\nbase", "{staged:#}");
    assert_eq!(told(&staged, "E0521").len(), 1, "{staged:#}");
    assert!(!folder.exists("pwned"));
    // What a shell takes from there is another now.
    program(&folder, "checks/x.sh", "echo CHANGED");
    folder.git(&["add", "checks/x.sh"]);
    let refused = report(&folder, &["--stage", "pre-commit", "--contracts-from", "HEAD"]);
    assert_eq!((&refused["exit_code"], &refused["results"]), (&2.into(), &Value::Array(Vec::new())));
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("node `show` would run `checks/x.sh` of the working tree"), "{message}");
}

#[test]
fn what_a_shell_would_take_from_the_working_tree_is_refused_where_it_is_another() {
    let texts = [
        "./tools/x.sh \"$PWD\"",
        "sh tools/x.sh",
        "true && tools/x.sh",
        "[sh, -c, ./tools/x.sh; true]",
        "[bash, tools/x.sh]",
        ". ./tools/x.sh; true",
    ];
    for text in texts {
        let folder = repository();
        program(&folder, "tools/x.sh", "echo base");
        let run = if text.starts_with('[') { text.to_owned() } else { serde_json::to_string(text).unwrap() };
        folder.write("contract.yaml", format!("workflow: {{tasks: [{{id: a, run: {run}}}]}}\n"));
        commit(&folder, "base");
        folder.write("other", "x");
        let asked = ["--contract", "contract.yaml", "--contracts-from", "main"];
        assert_eq!(printed(&report(&folder, &asked), "a"), "base", "{text}");
        program(&folder, "tools/x.sh", "touch pwned");
        let refused = report(&folder, &asked);
        assert_eq!(
            (&refused["exit_code"], refused["error"].is_null()),
            (&2.into(), false),
            "{text}: {refused:#}"
        );
        assert_eq!(told(&refused, "E0521").len(), 1, "{text}: {refused:#}");
        assert!(!folder.exists("pwned"), "{text}");
    }
}

#[test]
fn python_does_not_look_into_the_working_tree() {
    let folder = repository();
    folder.write(
        "contract.yaml",
        "workflow:\n  tasks:\n  - {id: function, python: 'mod:run', env: {PYTHONPATH: 'lib:'}}\n  \
         - {id: script, script: tools/s.py, env: {PYTHONPATH: lib}}\n",
    );
    folder.write("mod.py", "import inner\ndef run(): return inner.word\n");
    folder.write("tools/s.py", "import inner; print(inner.word)\n");
    folder.write("lib/inner.py", "word = 'base'\n");
    commit(&folder, "base");
    for name in ["lib/inner.py", "lib/sitecustomize.py", "sitecustomize.py", "usercustomize.py", "inner.py"] {
        folder.write(name, "open('pwned', 'w')\nword = 'CHANGED'\n");
    }
    let report = report(&folder, &["--contract", "contract.yaml", "--contracts-from", "main"]);
    assert_eq!([printed(&report, "function"), printed(&report, "script")], ["\"base\"", "base"]);
    let mut inherited =
        folder.command(&["orch", "--contract", "contract.yaml", "--only", "script", "--format", "json"]);
    let absolute = format!("{}:.", folder.path().join("lib").display());
    inherited.env("ONEX_CONTRACTS_FROM", "main").env("PYTHONPATH", absolute);
    let ended = Ended::of(&inherited.output().unwrap());
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(!folder.exists("pwned"));
}

#[test]
fn names_of_commits_are_checked() {
    let folder = repository();
    folder.write("contract.yaml", "workflow: {tasks: [{id: a, run: 'true'}]}\n");
    commit(&folder, "base");
    let asked = |reference: &str| {
        let from = format!("--contracts-from={reference}");
        let contract = ended(&folder, &["--contract", "contract.yaml", "--format", "human", &from]);
        let stage = ended(&folder, &["--stage", "ci", "--format", "human", &from]);
        assert_eq!((contract.code, stage.code), (2, 2), "{contract:?} {stage:?}");
        assert_eq!(contract.stderr, stage.stderr);
        contract.stderr
    };
    assert_eq!(asked("mian"), "error: there is no commit `mian`; did you mean `main`?\n");
    for odd in [
        "--output=pwned",
        "-x",
        "^main",
        "main..main",
        "a b",
        "HEAD:contract.yaml",
        "main^{tree}",
        "\u{1b}[2J",
    ] {
        let told = asked(odd);
        assert!(told.starts_with("error: there is no commit `"), "{odd}: {told}");
        assert!(!told.contains('\u{1b}'), "{told:?}");
    }
    assert!(!folder.exists("pwned"));
    // Where there is only a part of the history, the rest is to be fetched.
    let clone = folder.path().join("home/clone");
    let url = format!("file://{}", folder.path().display());
    commit(&folder, "second");
    folder.git(&["clone", "--quiet", "--depth=1", &url, clone.to_str().unwrap()]);
    let first = folder.git(&["rev-parse", "main~1"]);
    let told = ended_in(
        &folder,
        "home/clone",
        &["--contract", "contract.yaml", "--format", "human", "--contracts-from", first.trim()],
    );
    let fetch = format!("fetch it, with `git fetch --depth=1 origin {}`", first.trim());
    assert!(told.code == 2 && told.stderr.contains(&fetch), "{told:?}");
    let report =
        report_in(&folder, "home/clone", &["--contract", "contract.yaml", "--contracts-from", "HEAD"]);
    assert_eq!(report["status"], "success", "{report:#}");

    let elsewhere = Folder::with("workflow: {tasks: [{id: a, run: 'true'}]}\n");
    fs::remove_dir(elsewhere.path().join(".git")).unwrap();
    let mut command = elsewhere.command(&["orch", "--contract", "contract.yaml", "--contracts-from", "main"]);
    command.env("GIT_CEILING_DIRECTORIES", elsewhere.path().parent().unwrap());
    let told = Ended::of(&command.output().unwrap());
    assert!(told.code == 2 && !told.stdout.contains("\"completed\": 1"), "{told:?}");
}

#[test]
fn what_is_not_in_the_commit_is_said_to_be_elsewhere() {
    let folder = repository();
    folder.write("old/contract.yaml", "workflow: {tasks: [{id: a, run: echo base}]}\n");
    commit(&folder, "base");
    folder.git(&["mv", "old", "new"]);
    commit(&folder, "renamed");
    for (contract, code) in [("new", 3), ("new/contract.yaml", 2), ("./new", 2)] {
        let gone =
            ended(&folder, &["--contract", contract, "--format", "human", "--contracts-from", "main~1"]);
        let told = "the working tree has it, which does not count: contracts come from `main~1`";
        assert!(gone.code == code && gone.stderr.contains(told), "{contract}: {gone:?}");
    }
    // The one that was there runs, though the change has taken it away.
    let report = report(&folder, &["--contract", "old/contract.yaml", "--contracts-from", "main~1"]);
    assert_eq!(printed(&report, "a"), "base");
    assert!(told(&report, "E0521")[0].contains("is gone from the working tree"), "{report:#}");
    let outside = ended(&folder, &["--contract", "../x/contract.yaml", "--contracts-from", "main"]);
    assert_eq!(outside.code, 5, "{outside:?}");
    let unknown = ended(&folder, &["--contract", "none", "--format", "human", "--contracts-from", "main"]);
    assert!(
        unknown.code == 3 && unknown.stderr.contains("help: contracts come from `main` ("),
        "{unknown:?}"
    );
}

#[test]
fn no_program_runs_while_a_commit_is_laid_out_and_nothing_of_the_user_changes() {
    let folder = repository();
    folder.write("contract.yaml", "workflow: {tasks: [{id: a, script: x.sh}]}\n");
    folder.write("x.sh", "echo base\n");
    folder.write(".gitattributes", "* filter=evil diff=evil merge=evil\n*.sh text eol=crlf filter=evil\n");
    commit(&folder, "base");
    let canary = folder.path().join("tmp/pwned");
    let touch = format!("touch {} #", canary.display());
    for key in ["filter.evil.smudge", "filter.evil.clean", "filter.evil.process", "filter.a.b=c.smudge"] {
        folder.git(&["config", key, &touch]);
    }
    folder.git(&["config", "filter.evil.required", "true"]);
    folder.git(&["config", "core.fsmonitor", &touch]);
    for hook in ["post-checkout", "post-index-change", "reference-transaction", "post-merge"] {
        program(&folder, &format!(".git/hooks/{hook}"), &touch);
    }
    let index = fs::read(folder.path().join(".git/index")).unwrap();
    let report = report(&folder, &["--contract", "contract.yaml", "--contracts-from", "main"]);
    assert_eq!(printed(&report, "a").trim(), "base");
    assert!(!canary.exists());
    assert!(fs::read(folder.path().join(".git/index")).unwrap() == index, "the index is as it was");
    assert_eq!(folder.read("x.sh"), "echo base\n");
    // Nothing of the commit's tree stays behind.
    for slot in fs::read_dir(folder.path().join("home/cache/onex/shadow")).unwrap() {
        assert!(!slot.unwrap().path().join("tree").exists());
    }
}

#[test]
fn links_that_lead_out_of_the_commit_are_refused() {
    let folder = repository();
    folder.write("home/secret.yaml", "workflow: {tasks: [{id: a, run: echo outside}]}\n");
    program(&folder, "home/outside.sh", "echo outside");
    let outside = folder.path().join("home");
    folder.write("contract.yaml", "workflow: {tasks: [{id: a, script: link.sh}]}\n");
    folder.write("words.yaml", "workflow: {tasks: [{id: a, run: ./link.sh}]}\n");
    folder.write("inside.yaml", "workflow: {tasks: [{id: a, script: inside.sh}]}\n");
    folder.write("real.sh", "echo base\n");
    symlink("real.sh", folder.path().join("inside.sh")).unwrap();
    symlink(outside.join("outside.sh"), folder.path().join("link.sh")).unwrap();
    symlink(outside.join("secret.yaml"), folder.path().join("linked.yaml")).unwrap();
    symlink(outside.join("secret.yaml"), folder.path().join("linked.onex.yaml")).unwrap();
    symlink("../../../../../../../etc", folder.path().join("etc")).unwrap();
    symlink("loop", folder.path().join("loop")).unwrap();
    commit(&folder, "base");
    let run = |contract: &str| report(&folder, &["--contract", contract, "--contracts-from", "main"]);
    assert_eq!(printed(&run("inside.yaml"), "a"), "base");
    for contract in ["contract.yaml", "words.yaml"] {
        let refused = run(contract);
        assert_eq!(refused["status"], "failed", "{refused:#}");
        assert_eq!(result(&refused, "a")["stdout"], "", "{refused:#}");
        assert_eq!(
            told(&refused, "E0213"),
            [format!("`link.sh` is a link that leads out of `main` ({})", short(&folder))]
        );
    }
    for contract in ["linked.yaml", "etc/contract.yaml", "loop/contract.yaml"] {
        let refused = run(contract);
        assert_eq!(
            (&refused["exit_code"], &refused["results"]),
            (&5.into(), &Value::Array(Vec::new())),
            "{contract}"
        );
    }
    let stage = report(&folder, &["--stage", "ci", "--contracts-from", "main"]);
    assert_eq!(stage["results"], Value::Array(Vec::new()), "{stage:#}");
    assert!(told(&stage, "E0213")[0].starts_with("`linked.onex.yaml` is a link"), "{stage:#}");
}

fn short(folder: &Folder) -> String {
    folder.git(&["rev-parse", "main"])[..10].to_owned()
}

#[test]
fn a_change_does_not_move_the_project() {
    let folder = repository();
    folder.write("app/onex.toml", "");
    folder.write(
        "app/contracts/ci/contract.yaml",
        "workflow: {tasks: [{id: a, run: pwd; ./x.sh}, {id: b, run: ./x.sh}]}\n",
    );
    program(&folder, "app/x.sh", "echo base");
    program(&folder, "lax/x.sh", "echo lax");
    commit(&folder, "base");
    let asked = ["--contract", "ci", "--contracts-from", "main"];
    let first = report_in(&folder, "app", &asked);
    let app = folder.path().join("app");
    assert_eq!(printed(&first, "a"), format!("{}\nbase", app.display()));
    let named =
        report(&folder, &["--contract", "app/contracts/ci", "--contracts-from", "main", "--root", "app"]);
    assert_eq!(printed(&named, "b"), "base");
    // An own project in the folder of the contract would have another root.
    folder.write("app/contracts/onex.toml", "");
    assert_eq!(printed(&report_in(&folder, "app", &asked), "b"), "base");
    fs::rename(&app, folder.path().join("away")).unwrap();
    symlink("lax", &app).unwrap();
    let moved =
        report(&folder, &["--contract", "app/contracts/ci", "--contracts-from", "main", "--root", "app"]);
    assert_eq!((&moved["exit_code"], &moved["results"]), (&5.into(), &Value::Array(Vec::new())), "{moved:#}");
}

#[test]
fn every_shape_of_history_will_do() {
    let folder = repository();
    folder.write("contract.yaml", "workflow: {tasks: [{id: a, script: x.sh}]}\n");
    folder.write("x.sh", "echo first\n");
    let first = commit(&folder, "first");
    folder.git(&["checkout", "--quiet", "-b", "side"]);
    folder.write("side.txt", "x");
    commit(&folder, "side");
    folder.git(&["checkout", "--quiet", "main"]);
    folder.write("x.sh", "echo main\n");
    commit(&folder, "main");
    folder.git(&["merge", "--quiet", "--no-ff", "--message=merge", "side"]);
    folder.git(&["tag", "--annotate", "--message=x", "v1"]);
    let run = |below: &str, reference: &str| {
        let report =
            report_in(&folder, below, &["--contract", "contract.yaml", "--contracts-from", reference]);
        printed(&report, "a").to_owned()
    };
    for (reference, expected) in
        [("HEAD", "main"), ("v1", "main"), ("HEAD^2", "first"), ("side", "first"), (&first, "first")]
    {
        assert_eq!(run("", reference), expected, "{reference}");
    }
    // In another working tree of the repository.
    folder.git(&["worktree", "add", "--quiet", "--detach", "home/second", "side"]);
    folder.write("home/second/x.sh", "echo CHANGED\n");
    assert_eq!(run("home/second", "HEAD"), "first");
    assert_eq!(run("home/second", "main"), "main");
    // A part of the files is enough to work on.
    folder.git(&["sparse-checkout", "set", "--no-cone", "/contract.yaml"]);
    assert!(!folder.exists("x.sh"));
    assert_eq!(run("", "main"), "main");
}

#[test]
fn the_option_reaches_no_program_and_a_dry_run_starts_none() {
    let folder = repository();
    folder.write("contract.yaml", "workflow: {tasks: [{id: a, run: env}]}\n");
    commit(&folder, "base");
    let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    command.env("ONEX_CONTRACTS_FROM", "main");
    let ended = Ended::of(&command.output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(!printed(&report, "a").contains("CONTRACTS_FROM"), "{report:#}");
    assert_eq!(report["contract"]["commit"].as_str().unwrap().len(), 40);
    let preview =
        self::report(&folder, &["--contract", "contract.yaml", "--contracts-from", "main", "--dry-run"]);
    assert_eq!(result(&preview, "a")["reason"], "dry_run");
    assert!(Path::new(preview["contract"]["path"].as_str().unwrap()).is_relative());
}

#[test]
fn trust_is_asked_for_what_the_commit_has() {
    let (folder, home) = (repository(), Folder::new());
    let contract = "workflow: {name: c, tasks: [{id: a, script: tools/check.sh}]}\n";
    folder.write("contract.yaml", contract);
    program(&folder, "tools/check.sh", "echo base");
    component(&folder, "part", "{type: script, target: ./part.sh}", "");
    program(&folder, "checks/part.sh", "echo base");
    commit(&folder, "base");
    let onex = |arguments: &[&str]| {
        let mut command = folder.command(arguments);
        command.env("XDG_CACHE_HOME", home.path().join("cache")).env("XDG_CONFIG_HOME", home.path());
        Ended::of(&command.output().unwrap())
    };
    let run = |from: &str, what: [&str; 2]| -> Value {
        let trusted = ["orch", "--require-trusted", "--format", "json", "--contracts-from", from];
        let ended = onex(&[&trusted[..], &what].concat());
        serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"))
    };
    let both = [["--contract", "contract.yaml"], ["--stage", "ci"]];
    for what in both {
        let denied = run("main", what);
        assert_eq!((&denied["exit_code"], &denied["error"]["kind"]), (&5.into(), &"PolicyError".into()));
        assert_eq!((denied["results"].as_array().unwrap().len(), told(&denied, "E0702").len()), (0, 1));
    }
    for file in ["contract.yaml", "checks/part.onex.yaml"] {
        assert_eq!(onex(&["trust", file]).code, 0, "{file}");
    }
    folder.git(&["checkout", "--quiet", "-b", "change"]);
    folder.write("contract.yaml", contract.replace("name: c", "name: d"));
    program(&folder, "tools/check.sh", "echo CHANGED");
    program(&folder, "checks/part.sh", "echo CHANGED");
    commit(&folder, "change");
    for (what, node) in both.into_iter().zip(["a", "part"]) {
        let ran = run("main", what);
        assert_eq!((&ran["status"], printed(&ran, node)), (&"success".into(), "base"), "{ran:#}");
        let denied = run("change", what);
        assert_eq!((&denied["exit_code"], &denied["results"]), (&5.into(), &Value::Array(Vec::new())));
    }
}

#[test]
fn settings_of_the_project_are_those_of_the_commit() {
    let folder = repository();
    folder.write("contracts/ci/contract.yaml", "workflow: {name: c, tasks: [{id: a, run: [touch, ran]}]}\n");
    folder.write("sub/keep", "");
    folder.write(
        "onex.toml",
        "[[policy]]\nname = \"no\"\ntype = \"program\"\npayload = {deny = [\"touch\"]}\n",
    );
    commit(&folder, "base");
    folder.git(&["checkout", "--quiet", "-b", "change"]);
    folder.write("onex.toml", "");
    for name in ["sub", "contracts/ci"] {
        folder.write(&format!("{name}/onex.toml"), "");
    }
    let from = ["--contracts-from", "main"];
    for (below, contract) in
        [("", "ci"), ("sub", "ci"), ("", "contracts/ci"), ("", "contracts/ci/contract.yaml")]
    {
        let denied = report_in(&folder, below, &[&["--contract", contract], &from[..]].concat());
        assert_eq!((&denied["exit_code"], told(&denied, "E0701").len()), (&5.into(), 1), "{denied:#}");
    }
    // What is no text of settings in the working tree is none of the run's business.
    folder.write("onex.toml", "[");
    let denied = report(&folder, &[&["--contract", "ci"], &from[..]].concat());
    assert_eq!(told(&denied, "E0701").len(), 1, "{denied:#}");
    assert!(!folder.exists("ran"));
    commit(&folder, "change");
    let broken = report(&folder, &["--contract", "ci", "--contracts-from", "change", "--root", "."]);
    assert_eq!(broken["exit_code"], 2, "{broken:#}");
}

#[test]
fn components_that_a_node_uses_are_those_of_the_commit() {
    let folder = repository();
    component(&folder, "part", "{type: script, target: ./part.sh}", "");
    program(&folder, "checks/part.sh", "echo base");
    folder.write("contract.yaml", "workflow: {name: c, tasks: [{id: a, uses: part}]}\n");
    commit(&folder, "base");
    program(&folder, "checks/part.sh", "echo CHANGED");
    let component = folder.read("checks/part.onex.yaml");
    folder.write("checks/part.onex.yaml", component.replace("./part.sh", "./other.sh"));
    program(&folder, "checks/other.sh", "echo CHANGED");
    let report = report(&folder, &["--contract", "contract.yaml", "--contracts-from", "main"]);
    assert_eq!(printed(&report, "a"), "base", "{report:#}");
    let told = told(&report, "E0521");
    assert_eq!(told.len(), 2, "{told:?}");
}
