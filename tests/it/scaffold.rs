//! `onex new contract` and `onex init`: what they write passes, runs, and is never written over something else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;

use crate::support::{Ended, Folder};

/// No finding of any severity, the form that `onex fmt` gives, and a plan.
fn assert_in_order(folder: &Folder, path: &str, name: &str) {
    let ended = folder.onex(&["validate", path, "--format", "json"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(report["files"][0]["diagnostics"], Value::Array(Vec::new()), "{report:#}");
    assert_eq!(folder.onex(&["fmt", "--check", path]).code, 0, "{}", folder.read(path));
    assert_eq!(folder.onex(&["plan", name]).code, 0);
}

/// The ids, the argument lists and the folders of all nodes.
fn nodes(folder: &Folder, name: &str) -> Vec<String> {
    let ended = folder.onex(&["plan", name, "--format", "json"]);
    let plan: Value = serde_json::from_str(&ended.stdout).unwrap();
    plan["nodes"].as_array().unwrap().iter().map(|n| n["node_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_new_contract_runs_as_it_is() {
    let folder = Folder::new();
    for (name, dialect) in
        [("release", "workflow"), ("nightly", "onex"), ("true", "workflow"), ("null", "onex")]
    {
        let ended = folder.onex(&["new", "contract", name, "--dialect", dialect]);
        let path = format!("contracts/{name}/contract.yaml");
        assert_eq!(ended.stdout, format!("{path}\nrun it: onex orch --contract {name}\n"), "{ended:?}");
        assert_in_order(&folder, &path, name);
        let run = folder.onex(&["orch", "--contract", name, "--format", "json"]);
        let report: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(
            (run.code, &report["status"], &report["contract"]["name"]),
            (0, &"success".into(), &name.into())
        );
    }
    let text = folder.read("contracts/release/contract.yaml");
    assert!(!text.contains("NAME") && !text.contains("QUOTED"), "{text}");
    // Never over what is there.
    let again = folder.onex(&["new", "contract", "release"]);
    assert_eq!(again.code, 2);
    assert!(again.stderr.contains("`contracts/release/contract.yaml` is there already"), "{}", again.stderr);
    assert_eq!(folder.read("contracts/release/contract.yaml"), text);
}

#[test]
fn a_new_contract_goes_where_contracts_are() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path().join("src/deep")).unwrap();
    let run = |directory: &str, arguments: &[&str]| {
        let mut command = folder.command(arguments);
        Ended::of(&command.current_dir(folder.path().join(directory)).output().unwrap())
    };
    // At the top of the project, where its name finds it.
    assert_eq!(run("src/deep", &["new", "contract", "a"]).code, 0);
    assert!(folder.exists("contracts/a/contract.yaml"));
    assert_eq!(run("src/deep", &["orch", "--contract", "a"]).code, 0);
    // Or in the nearest folder of contracts.
    fs::create_dir(folder.path().join("src/contracts")).unwrap();
    assert_eq!(run("src/deep", &["new", "contract", "b"]).code, 0);
    assert!(folder.exists("src/contracts/b/contract.yaml"));
    let ended = run("src", &["new", "contract", "c", "--dir", "my flows"]);
    assert!(folder.exists("src/my flows/c/contract.yaml"));
    assert!(ended.stdout.ends_with("onex orch --contract 'my flows/c/contract.yaml'\n"), "{}", ended.stdout);
}

#[test]
fn names_that_cannot_be_are_refused_with_the_reason() {
    let folder = Folder::new();
    let rows = [
        ("a/b", "it has `/`", "did you mean `a-b`?"),
        ("../x", "it has `.`", "did you mean `x`?"),
        ("ci.prod", "it has `.`", "did you mean `ci-prod`?"),
        ("1x", "it begins with `1`", "begins with a letter or `_`"),
        ("", "it is empty", "begins with a letter or `_`"),
        ("é", "it has `é`", "begins with a letter or `_`"),
        ("a\u{1b}[31m", "it has `\\u{1b}`", "did you mean"),
        (&"n".repeat(65), "it is longer than 64 characters", "a name has letters"),
    ];
    for (name, reason, help) in rows {
        let ended = folder.onex(&["new", "contract", "--", name]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:?}");
        assert!(ended.stderr.contains(reason) && ended.stderr.contains(help), "{}", ended.stderr);
        assert!(!ended.stderr.contains('\u{1b}'));
    }
    assert!(!folder.exists("contracts"));
}

#[test]
fn an_empty_folder_gets_a_contract_that_says_hello() {
    let folder = Folder::new();
    // The build folder is mostly inside of a repository, and this folder must not be.
    let outside = std::env::temp_dir().join(format!("onex-init-{}", std::process::id()));
    fs::create_dir_all(&outside).unwrap();
    let onex =
        |arguments: &[&str]| Ended::of(&folder.command(arguments).current_dir(&outside).output().unwrap());
    let shown = onex(&["init", "--dry-run"]);
    assert!(
        shown.stdout.starts_with("would write contracts/hello/contract.yaml:\n\n# What hello"),
        "{shown:?}"
    );
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    let ended = onex(&["init"]);
    assert_eq!(
        ended.stdout,
        "wrote contracts/hello/contract.yaml\nwrote onex.toml\n\
         next: onex plan hello\n      onex run hello\n"
    );
    let checks = onex(&["validate", ".", "--format", "json"]);
    assert!(checks.code == 0 && checks.stdout.contains("\"diagnostics\": []"), "{checks:?}");
    assert_eq!(onex(&["fmt", "--check"]).code, 0);
    assert_eq!(onex(&["orch", "--contract", "hello"]).code, 0);
    let again = onex(&["init"]);
    assert_eq!(
        (again.code, again.stdout.as_str()),
        (0, "contracts/hello/contract.yaml is there already, so nothing is left to do\n")
    );
    fs::remove_dir_all(&outside).unwrap();
}

#[test]
fn a_new_rust_project_runs_green() {
    let folder = Folder::new();
    let cargo = Command::new("cargo")
        .args(["init", "--quiet", "--vcs", "none", "--name", "demo"])
        .current_dir(folder.path())
        .status();
    assert!(cargo.unwrap().success());
    assert!(folder.onex(&["init"]).stdout.contains("Rust: format, lint, test\n"));
    assert_in_order(&folder, "contracts/ci/contract.yaml", "ci");
    assert_eq!(nodes(&folder, "ci"), ["format", "lint", "test"]);
    let mut run = folder.command(&["orch", "--contract", "ci", "--format", "human"]);
    for name in ["HOME", "CARGO_HOME", "RUSTUP_HOME"] {
        run.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    let ended = Ended::of(&run.output().unwrap());
    assert_eq!(ended.code, 0, "{ended:?}");
    // A check that fails is seen.
    folder.write("src/main.rs", "fn main(){}\n");
    let ended = Ended::of(&run.output().unwrap());
    assert_eq!(ended.code, 1, "{ended:?}");
}

#[test]
fn a_python_project_gets_the_checks_of_the_tools_that_it_names() {
    let folder = Folder::new();
    folder.write(
        "pyproject.toml",
        "[project]\nname = \"x\"\n[tool.ruff.format]\n[tool.ruff]\n[tool.mypy]\n[tool.pytest.ini_options]\n",
    );
    folder.write(".pre-commit-config.yaml", "repos: []\n");
    let ended = folder.onex(&["init"]);
    assert!(ended.stdout.contains("Python: format, lint, types, test\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains(".pre-commit-config.yaml is not read"), "{}", ended.stdout);
    assert_in_order(&folder, "contracts/ci/contract.yaml", "ci");
    let text = folder.read("contracts/ci/contract.yaml");
    for run in
        ["[ruff, format, --check, \".\"]", "[ruff, check, \".\"]", "[mypy, \".\"]", "[python3, -m, pytest]"]
    {
        assert!(text.contains(&format!("run: {run}\n")), "{run} in {text}");
    }
    // Hooks of another tool are left as they are.
    assert!(!folder.exists("components"));
    // What is not named is not used, and a lock file says how tools are started.
    let other = Folder::new();
    other.write("pyproject.toml", "[dependency-groups]\ndev = [\n  \"pytest>=8\",\n]\n");
    other.write("uv.lock", "");
    assert!(other.onex(&["init"]).stdout.contains("Python: test\n"));
    assert!(other.read("contracts/ci/contract.yaml").contains("run: [uv, run, pytest]\n"));
}

#[test]
fn a_repository_of_several_projects_gets_a_group_for_each() {
    let folder = Folder::new();
    folder.write("backend/Cargo.toml", "[workspace]\nmembers = [\"part\"]\n");
    folder.write("backend/part/Cargo.toml", "[package]\nname = \"part\"\n");
    folder.write("backend/Cargo.lock", "");
    folder.write("tools/pyproject.toml", "[tool.ruff]\n");
    folder.write(
        "web site/package.json",
        r#"{"scripts": {"test": "vitest", "lint": "eslint .", "start": "x"}}"#,
    );
    folder.write("web site/pnpm-lock.yaml", "");
    folder.write("web site/node_modules/x/package.json", r#"{"scripts": {"test": "x"}}"#);
    folder.write("svc/go.mod", "module x\n");
    folder.write("Makefile", "test:\n\ttrue\n");
    fs::create_dir_all(folder.path().join("backend/part/src")).unwrap();
    let mut command = folder.command(&["init"]);
    let ended = Ended::of(&command.current_dir(folder.path().join("backend/part")).output().unwrap());
    assert!(ended.stdout.starts_with("in the top level of the repository, "), "{}", ended.stdout);
    assert!(ended.stdout.contains("note: `make test` is left out"), "{}", ended.stdout);
    assert_in_order(&folder, "contracts/ci/contract.yaml", "ci");
    assert_eq!(
        nodes(&folder, "ci"),
        [
            "backend-format",
            "backend-lint",
            "backend-test",
            "svc-format",
            "svc-vet",
            "svc-test",
            "tools-lint",
            "web-site-lint",
            "web-site-test"
        ]
    );
    let text = folder.read("contracts/ci/contract.yaml");
    assert!(text.contains("run: [cargo, test, --workspace, --locked]\n      cwd: backend\n"), "{text}");
    assert!(text.contains("run: [pnpm, run, test]\n      cwd: \"web site\"\n"), "{text}");
    assert!(text.contains("groups: {backend-cargo: 1}\n"), "{text}");
    // Never over what is there, also when more is found.
    folder.write("svc/.golangci.yml", "");
    assert!(folder.onex(&["init"]).stdout.contains("nothing is left to do"));
    assert_eq!(folder.read("contracts/ci/contract.yaml"), text);
}

#[test]
fn the_targets_of_a_makefile_are_checks_where_nothing_else_is() {
    let folder = Folder::new();
    folder.write("Makefile", "test := x\nlint: \n\ttrue\ntests:\n\tfalse\ncheck : lint\n\ttest -d .\n");
    assert!(folder.onex(&["init"]).stdout.contains("Make: lint, check\n"));
    assert_in_order(&folder, "contracts/ci/contract.yaml", "ci");
    // A package that has no scripts of its own is no reason for checks.
    let other = Folder::new();
    other.write("package.json", r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#);
    let ended = other.onex(&["init"]);
    assert!(
        ended.stdout.contains("wrote contracts/hello/contract.yaml\nNode.js: no checks found\n"),
        "{}",
        ended.stdout
    );
}

#[test]
fn a_link_out_of_the_project_is_not_followed() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("contracts")).unwrap();
    for arguments in [&["init"][..], &["new", "contract", "hello"]] {
        let ended = folder.onex(arguments);
        assert_eq!(ended.code, 2, "{ended:?}");
        assert!(ended.stderr.contains("leads out of the project"), "{ended:?}");
    }
    assert!(!elsewhere.exists("ci") && !elsewhere.exists("hello"));
}

#[test]
fn names_of_folders_end_no_comment() {
    let folder = Folder::new();
    folder.write(
        "x\n    - {id: pwn, run: 'echo PWNED'}\n    # /package.json",
        "{\"scripts\": {\"test\": \"true\"}}",
    );
    assert_eq!(folder.onex(&["init"]).code, 0);
    let text = folder.read("contracts/ci/contract.yaml");
    assert!(!text.lines().any(|line| line.trim_start().starts_with("- {id: pwn")), "{text}");
}

#[test]
fn what_init_writes_is_in_its_stages_and_checks_commits() {
    let folder = Folder::new();
    fs::remove_dir(folder.path().join(".git")).unwrap();
    folder.git(&["init", "-q"]);
    folder.write(".gitignore", ".venv/\ntmp/\nhome/\n");
    folder.write(
        "pyproject.toml",
        "[tool.ruff.format]\n[tool.ruff]\n[tool.mypy]\nfiles = [\"src\"]\n[tool.pytest.ini_options]\n",
    );
    folder.write("svc/Cargo.toml", "[package]\nname = \"svc\"\nedition = \"2024\"\n");
    for tool in ["ruff", "mypy"] {
        let tool =
            folder.write(&format!(".venv/bin/{tool}"), "#!/bin/sh\necho \"$*\" >> \"$TMPDIR/../tmp/said\"\n");
        fs::set_permissions(tool, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let ended = folder.onex(&["init"]);
    assert!(ended.stdout.contains("note: the contract uses the virtual environment"), "{ended:?}");
    assert!(ended.stdout.contains("onex install"), "{ended:?}");
    let checked = folder.onex(&["validate", ".", "--format", "json"]);
    let report: Value = serde_json::from_str(&checked.stdout).unwrap();
    assert_eq!(report["summary"], serde_json::json!({"files": 4, "errors": 0, "warnings": 0}), "{report:#}");
    assert_eq!(folder.onex(&["fmt", "--check"]).code, 0);
    let contract = folder.read("contracts/ci/contract.yaml");
    for run in ["[\".venv/bin/ruff\", check, \".\"]", "[\".venv/bin/mypy\"]", "[python3, -m, pytest]"] {
        assert!(contract.contains(&format!("run: {run}\n")), "{run} in {contract}");
    }
    folder.write("src/a.py", "x = 1\n");
    folder.git(&["add", "-A"]);
    let planned = folder.onex(&["orch", "--stage", "ci", "--dry-run", "--format", "json"]);
    let report: Value = serde_json::from_str(&planned.stdout).unwrap();
    let ids: Vec<&str> =
        report["results"].as_array().unwrap().iter().map(|r| r["node_id"].as_str().unwrap()).collect();
    // The components are there for commits, and not a second time in this stage.
    assert!(ids.iter().all(|id| id.starts_with("ci.")) && ids.contains(&"ci.python-lint"), "{ids:?}");
    assert_eq!(folder.onex(&["install"]).code, 0);
    let commit = folder.git_ended(&["commit", "-qm", "x"]);
    assert_eq!(commit.code, 0, "{commit:?}");
    let said = folder.read("tmp/said");
    assert!(said.contains("format src/a.py") && said.contains("check src/a.py"), "{said}");
    // What the user wrote in the meantime is kept.
    fs::remove_file(folder.path().join("contracts/ci/contract.yaml")).unwrap();
    folder.write("components/python-ruff.onex.yaml", "mine");
    assert!(!folder.onex(&["init"]).stdout.contains("python-ruff.onex.yaml"));
    assert_eq!(folder.read("components/python-ruff.onex.yaml"), "mine");
}
