//! `onex import pre-commit`, and the ways in which other tools use `onex`: hooks of pre-commit, a step of a workflow.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use onex::diag::SourceMap;
use onex::model::component::{Component, EntryKind, Entrypoint};
use onex::orchestrators::{FileTypes, Part, compose, composition};
use onex::yaml::{Limits, load};
use serde_json::Value;

use crate::support::{Bare as _, Ended, Folder, endings, result};

/// Hooks of every kind.
const CONFIG: &str = include_str!("../golden/import/pre-commit-config.yaml");

/// What pre-commit 4.7.0 and prek 0.5.11 said about them in the repository below: the verdict of each, and what it
/// printed.
const VERDICTS: &str = include_str!("../golden/import/verdicts.txt");

fn repository(config: &str) -> Folder {
    let folder = Folder::new();
    folder.git(&["init", "--quiet", "--initial-branch=main"]);
    folder.write(".gitignore", "/tmp/\n/home/\n");
    folder.write(".pre-commit-config.yaml", config);
    folder
}

/// Hooks of one repository that is the project itself.
fn local(hooks: &str) -> String {
    format!("repos:\n  - repo: local\n    hooks:\n{hooks}")
}

fn import(folder: &Folder, arguments: &[&str]) -> Ended {
    folder.onex(&[&["import", "pre-commit"], arguments].concat())
}

fn stage(folder: &Folder, arguments: &[&str]) -> Value {
    let mut command = folder.command(&[&["orch", "--format", "json", "--stage"], arguments].concat());
    command.env("XDG_CACHE_HOME", folder.path().join("home/cache"));
    let ended = Ended::of(&command.output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    assert_eq!(report["exit_code"], ended.code, "{ended:?}");
    report
}

/// A text file of this repository as a value.
fn document(path: &str) -> Value {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let mut findings = Vec::new();
    let source = SourceMap::default().add(path, text.clone());
    let tree = load(&text, source, Limits::default(), &mut findings).unwrap();
    assert!(findings.is_empty(), "{findings:?}");
    tree.to_json(tree.root())
}

#[test]
fn imported_hooks_come_to_the_verdicts_of_pre_commit() {
    let folder = repository(CONFIG);
    let script = folder.write("scripts/check.sh", "#!/bin/sh\necho \"script $@\"\n");
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
    for (name, text) in [
        ("a.py", "x = 1  # todo later\n"),
        ("src/deep/b.py", "y = 1\n"),
        ("src/x.ts", "a\n"),
        ("src/deep/y.ts", "b\n"),
        ("z.ts", "c\n"),
        ("docs/a.md", "doc\n"),
        ("b.txt", "b  \n"),
        ("vendor/v.py", "TODO\n"),
        ("café.exe", "x\n"),
    ] {
        folder.write(name, text);
    }
    symlink("a.py", folder.path().join("link.py")).unwrap();
    let told = import(&folder, &[]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stdout.contains("11 hooks imported, 4 not\n"), "{told:?}");
    for (hook, why) in [
        ("black (.pre-commit-config.yaml:6)", "https://github.com/psf/black at 24.1.0"),
        ("la (.pre-commit-config.yaml:72)", "look-around"),
        ("man (.pre-commit-config.yaml:77)", "the stage `manual`"),
        ("py (.pre-commit-config.yaml:82)", "`language: python` installs"),
    ] {
        let line = told.stdout.lines().find(|line| line.starts_with(&format!("not imported: {hook}")));
        assert!(line.is_some_and(|line| line.contains(why)), "{hook}: {told:?}");
    }
    let checked = folder.onex(&["validate", "."]);
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(checked.stdout.contains("11 files: 0 errors, 0 warnings"), "{checked:?}");
    assert_eq!(folder.onex(&["fmt", "--check", "."]).code, 0);

    folder.git(&["add", "--all"]);
    let tracked = folder.git(&["-c", "core.quotepath=off", "ls-files"]);
    // Those that were there when pre-commit looked.
    let files: Vec<&str> =
        tracked.lines().filter(|file| !file.starts_with("components/") && *file != ".gitignore").collect();
    let report = stage(&folder, &[&["pre-commit"], files.as_slice()].concat());
    assert_eq!(report["exit_code"], 1);
    let said: Vec<String> = VERDICTS
        .lines()
        .map(|line| {
            let id = line.split(' ').next().unwrap();
            let result = result(&report, id);
            let verdict = match result["status"].as_str().unwrap() {
                "completed" => "passed",
                other => other,
            };
            let printed = result["stdout"].as_str().unwrap_or_default().trim().replace('\n', " ");
            format!("{id} {verdict}: {printed}").trim_end().to_owned()
        })
        .collect();
    assert_eq!(said, VERDICTS.lines().map(str::trim_end).collect::<Vec<_>>());
    // One after the other, as they stand in the file.
    let order: Vec<&str> = VERDICTS.lines().map(|line| line.split(' ').next().unwrap()).collect();
    let ids: Vec<String> =
        endings(&report).iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(ids, order);
    assert_eq!(folder.read("b.txt"), "b\n");
}

#[test]
fn nothing_is_overwritten_and_a_dry_run_writes_nothing() {
    let folder = repository(&local("      - {id: a, name: A, language: system, entry: echo a}\n"));
    let shown = import(&folder, &["--dry-run"]);
    assert_eq!(shown.code, 0);
    assert!(shown.stdout.contains("would write components/a.onex.yaml:\n\n# Imported"), "{shown:?}");
    assert!(shown.stdout.ends_with("1 hook would be imported\n"), "{shown:?}");
    assert!(!folder.exists("components"));

    assert!(import(&folder, &[]).stdout.contains("wrote components/a.onex.yaml"));
    let text = folder.read("components/a.onex.yaml");
    assert!(shown.stdout.contains(&text));
    let again = import(&folder, &[]);
    assert_eq!(again.code, 0);
    assert_eq!(again.stdout, "components/a.onex.yaml is there already\n1 hook imported\n");
    folder.write("components/a.onex.yaml", text.replace("1.0.0", "1.1.0"));
    let differs = import(&folder, &[]);
    assert!(differs.stdout.contains("is there already, differs, and stays as it is"), "{differs:?}");
    assert!(folder.read("components/a.onex.yaml").contains("1.1.0"));
    // One of the same name elsewhere would make the name mean two.
    let elsewhere = import(&folder, &["--dir", "tools/checks"]);
    assert_eq!(elsewhere.code, 2);
    assert!(elsewhere.stdout.contains("components/a.onex.yaml is a component of that name"), "{elsewhere:?}");
    assert!(!folder.exists("tools"));
}

#[test]
fn what_cannot_be_read_and_where_nothing_would_be_found_is_refused() {
    let folder = repository("repos: [\n");
    let broken = import(&folder, &[]);
    assert_eq!(broken.code, 2);
    assert!(
        broken.stderr.contains("error[E0") && broken.stderr.contains(".pre-commit-config.yaml"),
        "{broken:?}"
    );
    for (text, why) in [
        ("hooks: []\n", "no list of `repos`"),
        ("repos: []\nfiles: [a]\n", "`files` is no text"),
        ("repos: []\nfail_fast: 3\n", "`fail_fast` is not"),
    ] {
        folder.write("other.yaml", text);
        let refused = import(&folder, &["other.yaml"]);
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains(why), "{refused:?}");
    }
    let missing = import(&folder, &["nothing.yaml"]);
    assert!(missing.code == 2 && missing.stderr.contains("nothing.yaml"), "{missing:?}");
    for (dir, why) in [("../x", "outside"), (".hidden/x", "hidden"), ("/", "outside")] {
        let refused = import(&folder, &["--dir", dir]);
        assert_eq!(refused.code, 2);
        assert!(refused.stderr.contains(why), "{refused:?}");
    }
    let folder = Folder::new();
    assert!(import(&folder, &[]).stderr.contains("there is no `.pre-commit-config.yaml`"));
    assert!(!folder.exists("components"));
}

#[test]
fn hooks_are_imported_as_a_whole_or_not_at_all() {
    let refused = |config: &str| {
        let told = import(&repository(config), &["--dry-run"]);
        assert_eq!(told.code, 2, "{told:?}");
        told.stdout
    };
    for (hook, why) in [
        ("language: system", "no `entry`"),
        ("entry: x", "no `language`"),
        ("language: system, entry: \"a 'b\"", "without an end"),
        ("language: system, entry: \"\"", "empty"),
        ("language: system, entry: x, files: '^(a+b)+$'", "repeats"),
        ("language: system, entry: x, exclude: '(?!a)'", "its `exclude`"),
        ("language: system, entry: x, types: [pythn]", "no type of files `pythn`"),
        ("language: system, entry: x, always_run: perhaps", "`always_run`"),
        ("language: system, entry: x, additional_dependencies: [y]", "additional_dependencies"),
        ("language: pygrep, entry: x, args: [--count]", "no option `--count`"),
        ("language: system, entry: x, stages: []", "in no stage"),
        ("language: docker_image, entry: x", "installs what it runs"),
        ("language: system, entry: x, args: x", "`args` is no list"),
    ] {
        let told = refused(&local(&format!("      - {{id: a, name: A, {hook}}}\n")));
        assert!(
            told.contains("not imported: a (.pre-commit-config.yaml:4)") && told.contains(why),
            "{hook}: {told}"
        );
    }
    let hook = "      - {id: a, name: A, language: system, entry: x, files: b}\n";
    assert!(refused(&format!("files: ^src/\n{}", local(hook))).contains("write one expression"));
    assert!(refused(&format!("exclude: (?!x)\n{}", local(hook))).contains("`exclude` at the top"));
    assert!(refused(&format!("default_stages: [pre-rebase]\n{}", local(hook))).contains("`pre-rebase`"));
    let meta = "repos:\n  - repo: meta\n    hooks:\n      - id: check-hooks-apply\n";
    assert!(refused(meta).contains("configuration of pre-commit itself"));
}

#[test]
fn what_has_no_counterpart_is_said_and_names_are_told_apart() {
    let folder = repository(&local(
        "      - {id: a b, name: A, language: system, entry: echo, verbose: yes, stages: [commit, push], groups: [x]}\n      \
         - {id: a b, name: B, language: system, entry: echo}\n      \
         - {id: a b, name: C, alias: c, language: system, entry: echo, env: {X: \"1\"}, pass_filenames: no}\n      \
         - {id: yes, name: null, language: system, entry: ./run --all, files: '', exclude: ^$}\n",
    ));
    let told = import(&folder, &["--dir", "tools/checks"]);
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stdout.contains("a-b: it does not run in `pre-push`"), "{told:?}");
    assert!(told.stdout.contains("a-b: `verbose` is said when it runs"), "{told:?}");
    assert!(told.stdout.contains("a-b: `groups` is left out"), "{told:?}");
    assert!(folder.exists("tools/checks/a-b-2.onex.yaml"), "{told:?}");
    let third = folder.read("tools/checks/c.onex.yaml");
    assert!(third.contains("env:\n  X: \"1\"\n") && third.contains("pass_filenames: false\n"), "{third}");
    let last = folder.read("tools/checks/yes.onex.yaml");
    assert!(last.contains("name: \"yes\"\n") && last.contains("[\"../../run\", \"--all\"]"), "{last}");
    assert!(last.contains("files: [\"*\"]\n") && !last.contains("exclude"), "{last}");
    assert_eq!(folder.onex(&["validate", "tools"]).code, 0);
}

#[test]
fn nothing_runs_after_a_hook_that_fails_fast() {
    let hook = |id: &str, entry: &str, more: &str| {
        format!(
            "      - {{id: {id}, name: {id}, language: system, entry: \"{entry}\", always_run: true{more}}}\n"
        )
    };
    let hooks = [hook("c", "false", ""), hook("b", "false", ", fail_fast: true"), hook("a", "true", "")];
    let folder = repository(&local(&hooks.concat()));
    assert_eq!(import(&folder, &[]).code, 0);
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=x"]);
    // Nothing is staged, and they run all the same.
    assert_eq!(
        endings(&stage(&folder, &["pre-commit"])),
        ["c failed exit_code", "b failed exit_code", "a skipped dependency_failed"]
    );
    let folder = repository(&format!("fail_fast: true\n{}", local(&hooks.concat())));
    assert_eq!(import(&folder, &[]).code, 0);
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit"]);
    assert_eq!(
        endings(&report),
        ["c failed exit_code", "b skipped dependency_failed", "a skipped dependency_failed"]
    );
}

#[test]
fn expressions_are_looked_for_as_pygrep_does() {
    let hook = |id: &str, entry: &str, args: &str| {
        format!(
            "      - {{id: {id}, name: {id}, language: pygrep, entry: '{entry}', args: [{args}], files: \\.txt$}}\n"
        )
    };
    let hooks = [
        hook("lines", r"a\d$", ""),
        hook("case", "^B", "-i"),
        hook("at-once", "a1.b", "--multiline"),
        hook("without", "b", "--negate"),
        hook("without-case", "B", "--negate, --ignore-case"),
        hook("none", "zz", ""),
    ];
    let folder = repository(&local(&hooks.concat()));
    assert_eq!(import(&folder, &[]).code, 0);
    folder.write("x.txt", "-\na1\nb\n");
    folder.write("y.txt", b"a2 \xff\na3".as_slice());
    folder.git(&["add", "--all"]);
    let report = stage(&folder, &["pre-commit", "--all-files"]);
    let said = |id: &str| {
        let result = result(&report, id);
        (result["status"].as_str().unwrap().to_owned(), result["stdout"].as_str().unwrap().to_owned())
    };
    let failed = |text: &str| ("failed".to_owned(), text.to_owned());
    assert_eq!(said("lines"), failed("x.txt:2:a1\ny.txt:2:a3\n"));
    assert_eq!(said("case"), failed("x.txt:3:b\n"));
    assert_eq!(said("at-once"), failed("x.txt:2:a1\nb\n"));
    assert_eq!(said("without"), failed("y.txt\n"));
    assert_eq!(said("without-case"), failed("y.txt\n"));
    assert_eq!(said("none"), ("completed".to_owned(), String::new()));
}

/// Files without types.
struct NoTypes;

impl FileTypes for NoTypes {
    fn has_all(&mut self, _: &Path, _: &[String]) -> bool {
        false
    }

    fn has_any(&mut self, _: &Path, _: &[String]) -> bool {
        false
    }
}

#[test]
fn what_may_change_anything_takes_turns_with_others_and_with_itself() {
    let component = |name: &str, priority: i64, writes: &str| Component {
        name: name.to_owned(),
        meta_type: "validator".to_owned(),
        entrypoint: Some(Entrypoint { kind: EntryKind::Command, target: vec!["/bin/true".to_owned()] }),
        files: Some(vec!["*.txt".to_owned()]),
        writes: vec![writes.to_owned()],
        priority,
        ..Component::default()
    };
    let edges = |writes: &str, files: Vec<PathBuf>| -> Vec<(String, Vec<String>)> {
        let parts = [component("b", 20, writes), component("c", 10, writes)];
        let parts = parts.map(|one| Part::Component(Arc::new(one))).into();
        let plan = composition::Plan { name: "x".to_owned(), parts, ..composition::Plan::default() };
        let nodes = compose(plan, files, &mut NoTypes).unwrap().workflow.nodes;
        let id = |index: usize| nodes[index].id.to_string();
        nodes.iter().map(|n| (n.id.to_string(), n.depends_on.iter().map(|e| id(e.node)).collect())).collect()
    };
    let named = |found: &[(&str, &[&str])]| -> Vec<(String, Vec<String>)> {
        found
            .iter()
            .map(|(id, on)| ((*id).to_owned(), on.iter().map(|id| (*id).to_owned()).collect()))
            .collect()
    };
    // Lower numbers first, also where there are no files.
    assert_eq!(edges("*", Vec::new()), named(&[("c", &[]), ("b", &["c"])]));
    assert_eq!(edges("*.md", Vec::new()), named(&[("c", &[]), ("b", &[])]));
    let many: Vec<PathBuf> = (0..1000).map(|n| format!("{}{n:04}.txt", "x".repeat(150)).into()).collect();
    assert_eq!(
        edges("*", many.clone()),
        named(&[("c.1", &[]), ("c.2", &["c.1"]), ("b.1", &["c.1", "c.2"]), ("b.2", &["b.1"])])
    );
    assert_eq!(edges("*.md", many), named(&[("c.1", &[]), ("c.2", &[]), ("b.1", &[]), ("b.2", &[])]));
}

#[test]
fn the_hooks_for_pre_commit_are_commands_that_there_are() {
    let folder = Folder::new();
    let hooks = document(".pre-commit-hooks.yaml");
    let ids: Vec<&str> = hooks.as_array().unwrap().iter().map(|hook| hook["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["onex", "onex-ci", "onex-validate", "onex-fmt"]);
    for hook in hooks.as_array().unwrap() {
        for key in ["name", "description", "language", "entry"] {
            assert!(hook[key].as_str().is_some_and(|text| !text.is_empty()), "{key} of {hook}");
        }
        let mut words: Vec<&str> = hook["entry"].as_str().unwrap().split(' ').collect();
        assert_eq!(words.remove(0), "onex");
        let args = hook["args"].as_array().into_iter().flatten().map(|arg| arg.as_str().unwrap());
        words.extend(args.filter(|arg| *arg != "--"));
        // An option that there is not is told of before the help is given.
        words.push("--help");
        let helped = folder.onex(&words);
        assert_eq!(helped.code, 0, "{words:?}: {helped:?}");
        assert!(helped.stdout.contains(&format!("Usage: onex {}", words[0])), "{helped:?}");
    }
}

#[test]
fn the_step_of_a_workflow_runs_what_its_inputs_say() {
    let action = document("action.yml");
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml")).unwrap();
    for (input, about) in action["inputs"].as_object().unwrap() {
        assert!(about["description"].is_string() && about["default"].is_string(), "{input}");
        assert!(text.contains(&format!("inputs.{input} ")), "{input} is not used");
    }
    let step = action["runs"]["steps"].as_array().unwrap().last().unwrap();
    let script = step["run"].as_str().unwrap();
    assert!(!script.contains("${{"), "inputs are not pasted into the script");

    let folder = repository(&local(""));
    let contract = "workflow:\n  name: a\n  metadata: {stages: [ci]}\n  tasks:\n    - {id: one, run: \"echo one; exit 1\"}\n";
    folder.write("contracts/a/contract.yaml", contract);
    let run = |inputs: &[(&str, &str)]| {
        let mut command = Command::new("bash");
        // As runners start it.
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script]).current_dir(folder.path());
        command.bare();
        command.env("TMPDIR", folder.path().join("tmp"));
        for name in step["env"].as_object().unwrap().keys() {
            let given = inputs.iter().find(|(input, _)| name == input).map(|(_, value)| *value);
            let default = name.strip_prefix("INPUT_").unwrap().to_lowercase().replace('_', "-");
            let default = action["inputs"][default.as_str()]["default"].as_str().unwrap();
            command.env(name, given.unwrap_or(default));
        }
        Ended::of(&command.output().unwrap())
    };
    let program = ("INPUT_PATH", env!("CARGO_BIN_EXE_onex"));
    let failed = run(&[program]);
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.stdout.contains("a.one"), "{failed:?}");
    let planned = run(&[program, ("INPUT_CONTRACT", "a"), ("INPUT_ARGS", "--dry-run  --jobs 2")]);
    assert_eq!(planned.code, 0, "{planned:?}");
    assert!(planned.stdout.contains("nothing was run"), "{planned:?}");
    let odd = run(&[program, ("INPUT_STAGE", "ci; echo pasted")]);
    assert!(odd.code == 2 && !odd.stdout.contains("pasted\n"), "{odd:?}");
    let unknown = run(&[program, ("INPUT_CONTRACTS_FROM", "none; echo pasted")]);
    assert!(unknown.code == 2 && unknown.stderr.contains("no commit `none; echo pasted`"), "{unknown:?}");
}

#[test]
fn this_repository_checks_itself_in_its_stage() {
    let root = env!("CARGO_MANIFEST_DIR");
    let folder = Folder::new();
    let ended = folder.onex(&["orch", "--stage", "ci", "--dry-run", "--format", "json", "--root", root]);
    assert_eq!(ended.code, 0, "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        endings(&report),
        ["ci.lint", "ci.docs", "ci.test", "ci.doctest", "contracts", "rustfmt"]
            .map(|id| format!("{id} skipped dry_run"))
    );
}

#[test]
fn a_hook_that_may_look_at_other_files_sees_what_is_staged_of_them() {
    let hook = |id: &str, language: &str, more: &str| {
        format!("      - {{id: {id}, name: {id}, language: {language}, entry: grep -q fine lib.py{more}}}\n")
    };
    let more = [hook("looks", "system", ""), hook("once", "system", ", pass_filenames: false")].concat();
    let folder = repository(&local(&(more + &hook("greps", "pygrep", ""))));
    assert_eq!(import(&folder, &[]).code, 0);
    let reads =
        |name: &str| folder.read(&format!("components/{name}.onex.yaml")).contains("\nreads: [\"*\"]\n");
    // One that gets no files looks at all anyway, and an expression is looked for in the files that it gets.
    assert_eq!(["looks", "once", "greps"].map(reads), [true, false, false]);
    folder.write("lib.py", "bad\n");
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=x"]);
    folder.write("lib.py", "fine\n");
    folder.write("a.py", "import lib\n");
    folder.git(&["add", "a.py"]);
    let report = stage(&folder, &["pre-commit"]);
    let ended = ["looks", "once", "greps"].map(|name| result(&report, name)["status"].clone());
    assert_eq!(ended, ["failed", "failed", "completed"], "{report}");
}
