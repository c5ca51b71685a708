//! Settings files: which of them wins, that each key is carried out, and what is said of mistakes.

use std::fs;
use std::path::Path;
use std::process::Command;

use onex::config::keys::Section;
use serde_json::Value;

use crate::support::{Ended, Folder, endings, normalised};

const TWO: &str =
    "workflow: {name: two, tasks: [{id: a, run: 'echo hi'}, {id: b, run: 'echo ho', timeout: 1h}]}";

/// The program, with a home for the user's settings and a file for those of the organisation.
fn command(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = folder.command(arguments);
    command.env("HOME", folder.path().join("home"));
    if folder.exists("system.toml") {
        command.env("ONEX_SYSTEM_CONFIG", folder.path().join("system.toml"));
    }
    command
}

fn onex(folder: &Folder, arguments: &[&str]) -> Ended {
    Ended::of(&command(folder, arguments).output().unwrap())
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

fn plan(folder: &Folder, arguments: &[&str]) -> Value {
    json(&onex(folder, &[&["plan", "contract.yaml", "--format", "json"], arguments].concat()))
}

fn run(folder: &Folder, arguments: &[&str]) -> Value {
    json(&onex(folder, &[&["orch", "--contract", "contract.yaml", "--format", "json"], arguments].concat()))
}

/// What people see of a run.
fn shown(folder: &Folder, arguments: &[&str]) -> Ended {
    let asked = ["orch", "--contract", "contract.yaml", "--format", "human"];
    onex(folder, &[&asked, arguments].concat())
}

/// A folder with a project's settings.
fn project(settings: &str) -> Folder {
    let folder = Folder::with(TWO);
    folder.write("onex.toml", settings);
    folder
}

fn component(folder: &Folder, name: &str, more: &str) {
    let text =
        format!("name: {name}\nversion: 1.0.0\nentrypoint: {{type: command, target: ['true']}}\n{more}");
    folder.write(&format!("checks/{name}.onex.yaml"), text);
}

fn names(report: &Value) -> Vec<String> {
    let mut names: Vec<String> = endings(report);
    names.sort();
    names.into_iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn the_strongest_says_how_many_run_at_once() {
    let folder = Folder::with(TWO);
    let jobs = |arguments: &[&str]| plan(&folder, arguments)["jobs"].as_u64().unwrap();
    let mode = |arguments: &[&str]| plan(&folder, arguments)["mode"].as_str().unwrap().to_owned();
    assert_eq!((jobs(&[]), mode(&[])), (1, "sync".to_owned()));
    folder.write("system.toml", "[run]\njobs = 2\n");
    assert_eq!((jobs(&[]), mode(&[])), (2, "async".to_owned()));
    folder.write("home/.config/onex/onex.toml", "run.jobs = 3\n");
    assert_eq!(jobs(&[]), 3);
    folder.write("onex.toml", "[run]\njobs = 4\n");
    assert_eq!(jobs(&[]), 4);
    let ended = Ended::of(
        &command(&folder, &["plan", "contract.yaml", "--format", "json"])
            .env("ONEX_JOBS", "5")
            .output()
            .unwrap(),
    );
    assert_eq!(json(&ended)["jobs"], 5);
    let mut both = command(&folder, &["plan", "contract.yaml", "--format", "json", "--jobs", "6"]);
    assert_eq!(json(&Ended::of(&both.env("ONEX_JOBS", "5").output().unwrap()))["jobs"], 6);
    // A variable that is set to nothing is not set.
    let mut empty = command(&folder, &["plan", "contract.yaml", "--format", "json"]);
    assert_eq!(json(&Ended::of(&empty.env("ONEX_JOBS", "").output().unwrap()))["jobs"], 4);
    let header = shown(&folder, &[]).stdout;
    assert!(header.contains(" async ×4"), "{header}");
    // Another folder for the user's settings.
    folder.write("xdg/onex/onex.toml", "[run]\njobs = 9\n");
    fs::remove_file(folder.path().join("onex.toml")).unwrap();
    let mut elsewhere = command(&folder, &["plan", "contract.yaml", "--format", "json"]);
    let ended = Ended::of(&elsewhere.env("XDG_CONFIG_HOME", folder.path().join("xdg")).output().unwrap());
    assert_eq!(json(&ended)["jobs"], 9);
}

#[test]
fn one_at_a_time_and_several_are_settled_by_who_says_so() {
    type Row<'r> = (&'r str, &'r str, &'r [&'r str], (&'r str, u64));
    let rows: &[Row<'_>] = &[
        // the user's, the project's, typed: how it goes
        ("", "run.mode = 'sync'", &[], ("sync", 1)),
        ("", "run.mode = 'sync'", &["--jobs", "3"], ("async", 3)),
        ("", "run.jobs = 3", &["--mode", "sync"], ("sync", 1)),
        ("", "run.jobs = 3", &["--mode", "profile"], ("profile", 1)),
        ("run.mode = 'sync'", "run.jobs = 3", &[], ("async", 3)),
        ("run.jobs = 3", "run.mode = 'sync'", &[], ("sync", 1)),
        ("run.jobs = 3", "run.mode = 'async'", &[], ("async", 3)),
        ("", "run.mode = 'async'", &["--jobs", "1"], ("async", 1)),
        ("", "run.jobs = 3", &["--mode", "dry-run"], ("dry-run", 3)),
        ("", "run.mode = 'sync'", &["--mode", "dry-run"], ("dry-run", 1)),
    ];
    for (user, own, typed, (mode, jobs)) in rows {
        let folder = project(own);
        folder.write("home/.config/onex/onex.toml", user);
        let plan = plan(&folder, typed);
        assert_eq!(
            (plan["mode"].as_str(), plan["jobs"].as_u64()),
            (Some(*mode), Some(*jobs)),
            "{user} {own} {typed:?}"
        );
        assert_eq!(run(&folder, typed)["mode"], *mode, "{user} {own} {typed:?}");
    }
    // A stage is nearer than all runs, whichever file speaks of it.
    let folder = project("run.mode = 'sync'");
    folder.write("home/.config/onex/onex.toml", "stage.ci.jobs = 3");
    assert_eq!(run(&folder, &["--stage", "ci"])["mode"], "async");
    assert_eq!(run(&folder, &["--stage", "test"])["mode"], "sync");
}

#[test]
fn files_say_how_a_run_looks() {
    let plain = normalised(&shown(&project(""), &[]).stdout);
    assert!(!plain.contains("│ hi") && !plain.contains('\u{1b}'), "{plain}");
    let all = project("run = {output = 'all', color = 'always', progress = 'plain'}");
    let ended = shown(&all, &[]);
    assert!(ended.stdout.contains(" hi\n") && ended.stdout.contains("\u{1b}["), "{ended:?}");
    assert!(ended.stderr.contains("a"), "{ended:?}");
    assert_eq!(normalised(&shown(&all, &["--output", "failed", "--color", "never"]).stdout), plain);
    // `--quiet` wants no progress; it is typed.
    assert_eq!(shown(&all, &["--quiet"]).stderr, "");
    assert_eq!(shown(&all, &["--progress", "none"]).stderr, "");
    // What other programs know, too, is the environment.
    let mut no_color = command(&all, &["orch", "--contract", "contract.yaml", "--format", "human"]);
    let ended = Ended::of(&no_color.env("NO_COLOR", "1").output().unwrap());
    assert!(!ended.stdout.contains('\u{1b}') && ended.stdout.contains(" hi\n"), "{ended:?}");
    let never = project("run.color = 'never'");
    let mut forced = command(&never, &["plan", "contract.yaml"]);
    assert!(Ended::of(&forced.env("CLICOLOR_FORCE", "1").output().unwrap()).stdout.contains('\u{1b}'));
    assert!(onex(&all, &["plan", "contract.yaml"]).stdout.contains('\u{1b}'));

    let form = |settings: &str, typed: &[&str]| {
        onex(&project(settings), &[&["orch", "--contract", "contract.yaml"], typed].concat()).stdout
    };
    assert!(form("", &[]).starts_with('{'));
    assert!(form("run.format = 'yaml'", &[]).starts_with("schema_version: 1\n"));
    assert!(form("run.format = 'human'", &[]).starts_with("onex two"));
    assert!(form("run.format = 'human'", &["--format", "json"]).starts_with('{'));
}

#[test]
fn times_for_runs_and_attempts_hold() {
    let slow = "workflow: {name: slow, tasks: [{id: a, run: [sleep, '600']}]}";
    let folder = project("run.timeout = 0.2");
    folder.write("contract.yaml", slow);
    let report = run(&folder, &[]);
    assert_eq!((&report["status"], &report["exit_code"]), (&"timed_out".into(), &1.into()), "{report}");
    assert!(shown(&folder, &[]).stdout.contains("timed out"));
    folder.write("onex.toml", "run.timeout = '1h'\nstage.ci.timeout = '200ms'");
    assert_eq!(run(&folder, &["--stage", "ci"])["status"], "timed_out");
    folder.write("onex.toml", "[node]\ntimeout = '200ms'\n");
    let report = run(&folder, &[]);
    assert_eq!(endings(&report), ["a failed timeout"], "{report}");
    assert!(shown(&folder, &[]).stdout.contains("took longer than 0.20s"));
    // What says a timeout has it, also where it says the default.
    folder.write("contract.yaml", TWO);
    let view = plan(&folder, &[]);
    assert_eq!((&view["worst_case_ms"], &view["without_timeout"]), (&3_610_200.into(), &1.into()));
    folder.write("onex.toml", "[node]\ntimeout = '2m'\n");
    let said = onex(&folder, &["plan", "contract.yaml"]).stdout;
    assert!(said.contains("1 node says no timeout, and each attempt may take 2m00s"), "{said}");
    folder.write(
        "contract.yaml",
        TWO.replace("'echo hi'", "'echo hi', retry: {max_attempts: 3, initial_delay: 0}"),
    );
    let said = onex(&folder, &["explain", "a", "--contract", "contract.yaml"]).stdout;
    assert!(said.contains("That can take 6m15s in all, as it says no timeout."), "{said}");
    // So do components of a stage.
    component(&folder, "slow", "meta_type: validator\nlifecycle: active\ntags: [ci]\n");
    let text = folder.read("checks/slow.onex.yaml").replace("['true']", "[sleep, '600']");
    folder.write("checks/slow.onex.yaml", text);
    folder.write("onex.toml", "[node]\ntimeout = 0.2\n");
    let report = json(&onex(&folder, &["orch", "--stage", "ci", "--format", "json"]));
    assert_eq!(endings(&report), ["slow failed timeout"], "{report}");
}

#[test]
fn a_failure_stops_a_run_where_a_file_says_so() {
    let contract = "workflow: {name: w, tasks: [{id: a, run: 'exit 1'}, {id: b, run: 'true'}]}";
    let both = ["a failed exit_code", "b completed -"];
    let one = ["a failed exit_code", "b skipped cancelled"];
    type Row<'r> = (&'r str, &'r [&'r str], &'r [(&'r str, &'r str)], bool);
    let rows: &[Row<'_>] = &[
        ("run.fail_fast = true", &[], &[], true),
        ("run.fail_fast = false", &[], &[], false),
        ("run.fail_fast = true", &["--keep-going"], &[], false),
        ("run.fail_fast = false", &["--fail-fast"], &[], true),
        ("run.fail_fast = true\nstage.ci.fail_fast = false", &["--stage", "ci"], &[], false),
        ("run.fail_fast = false\nstage.ci.fail_fast = true", &["--stage", "ci"], &[], true),
        ("run.fail_fast = false", &[], &[("ONEX_FAIL_FAST", "1")], true),
        // A variable that switches off hides what files say, and the contract decides.
        ("run.fail_fast = false", &[], &[("ONEX_KEEP_GOING", "0")], true),
    ];
    for (settings, typed, variables, stops) in rows {
        let folder = project(settings);
        folder.write("contract.yaml", contract);
        let asked = ["orch", "--contract", "contract.yaml", "--format", "json"];
        let mut command = command(&folder, &[&asked, *typed].concat());
        let report = json(&Ended::of(&command.envs(variables.iter().copied()).output().unwrap()));
        let reasons = endings(&report);
        assert_eq!(reasons[0], both[0], "{settings} {typed:?}");
        assert_eq!(reasons[1] == both[1], !stops, "{settings} {typed:?} {variables:?}: {reasons:?} {one:?}");
    }
}

#[test]
fn a_stage_asks_for_what_files_say() {
    let folder = Folder::new();
    component(&folder, "ripe", "meta_type: validator\nlifecycle: active\ntags: [ci, fast]\nnamespace: x\n");
    component(&folder, "green", "meta_type: validator\nlifecycle: draft\ntags: [ci]\nnamespace: x.y\n");
    component(
        &folder,
        "tool",
        "meta_type: tool\nlifecycle: active\ntags: [ci, pre-commit]\ncapabilities: [lint]\n",
    );
    let ran = |settings: &str, typed: &[&str]| {
        folder.write("onex.toml", settings);
        names(&json(&onex(&folder, &[&["orch", "--stage", "ci", "--format", "json"], typed].concat())))
    };
    let rows: &[(&str, &[&str])] = &[
        ("", &["ripe"]),
        ("type = 'tool'", &["tool"]),
        ("type = ['tool', 'validator']", &["ripe", "tool"]),
        ("type = []", &["ripe", "tool"]),
        ("lifecycle = 'draft'", &["green"]),
        ("lifecycle = []", &["ripe"]),
        ("tags = 'fast'", &["ripe"]),
        ("tags = ['pre-commit', 'fast']\ntype = []", &["ripe", "tool"]),
        ("name = 't*'\ntype = []", &["tool"]),
        ("namespace = 'x*'\nlifecycle = ['active', 'draft']", &["green", "ripe"]),
        ("version = '>=1 <2'", &["ripe"]),
        ("status = 'active'", &["ripe"]),
        ("capability = 'lint'\ntype = []", &["tool"]),
    ];
    for (keys, expected) in rows {
        assert_eq!(ran(&format!("[stage.ci]\n{keys}\n"), &[]), *expected, "{keys}");
    }
    // What is typed replaces the same key only.
    let settings = "[stage.ci]\ntype = 'tool'\ntags = 'pre-commit'\n";
    assert_eq!(ran(settings, &["--filter", "type=validator", "--tags", "fast"]), ["ripe"]);
    assert_eq!(ran(settings, &["--filter", "lifecycle=active"]), ["tool"]);
    // The stage before commits keeps its own.
    let other = onex(&folder, &["orch", "--stage", "pre-commit", "--all-files", "--format", "json"]);
    assert_eq!(other.code, 2, "{other:?}");
}

#[test]
fn what_a_file_leaves_out_is_told_with_the_file_and_the_line() {
    let folder = Folder::new();
    component(&folder, "ripe", "meta_type: validator\nlifecycle: active\ntags: [ci]\n");
    folder.write("onex.toml", "[stage.ci]\nlifecycle = 'stable'\n");
    let report = json(&onex(&folder, &["orch", "--stage", "ci", "--format", "json"]));
    let expected = "nothing would run: the defaults of the stage `ci` leave out `ripe` (lifecycle is active, not \
                    stable, as `onex.toml:2` asks for); say what you want with `--filter`, or change the \
                    components or the settings of the stage";
    assert_eq!((&report["error"]["message"], &report["exit_code"]), (&expected.into(), &2.into()));
    assert_eq!(
        onex(&folder, &["orch", "--stage", "ci", "--format", "human"]).stderr,
        format!("error: {expected}\n")
    );
    // Where something is left, it is a warning. The default of the stage itself names no file.
    component(&folder, "old", "meta_type: validator\nlifecycle: stable\ntags: [ci]\n");
    component(&folder, "tool", "meta_type: tool\nlifecycle: stable\ntags: [ci]\n");
    let said = onex(&folder, &["orch", "--stage", "ci", "--format", "human"]).stderr;
    let reason = "lifecycle is active, not stable, as `onex.toml:2` asks for";
    assert!(said.contains(&format!("`ripe` is in the stage and does not run: {reason}")), "{said}");
    assert!(
        said.contains("`tool` is in the stage and does not run: type is tool, not validator or test\n"),
        "{said}"
    );
}

#[test]
fn a_stage_looks_at_the_files_that_files_say_and_may_not_be_empty() {
    let folder = Folder::new();
    folder.git(&["init", "--quiet", "--initial-branch=main"]);
    folder.write(".gitignore", "/tmp/\n/home/\n");
    for stage in ["ci", "pre-commit"] {
        component(
            &folder,
            stage,
            &format!("meta_type: validator\nlifecycle: canary\ntags: [{stage}]\nfiles: ['*.txt']\n"),
        );
    }
    folder.write("a.txt", "a\n");
    folder.write("onex.toml", "");
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=x"]);
    let ended = |settings: &str, stage: &str, typed: &[&str]| {
        folder.write("onex.toml", settings);
        onex(&folder, &[&["orch", "--format", "json", "--stage", stage], typed].concat())
    };
    let reason = |settings: &str, stage: &str, typed: &[&str]| {
        json(&ended(settings, stage, typed))["results"][0]["reason"].as_str().unwrap_or("-").to_owned()
    };
    assert_eq!(reason("", "ci", &[]), "-");
    assert_eq!(reason("stage.ci.files = 'staged'", "ci", &[]), "no_files");
    assert_eq!(reason("stage.ci.files = 'staged'", "ci", &["--all-files"]), "-");
    assert_eq!(reason("", "pre-commit", &[]), "no_files");
    assert_eq!(reason("stage.pre-commit.files = 'all'", "pre-commit", &[]), "-");
    assert_eq!(reason("stage.pre-commit.files = 'all'", "pre-commit", &["--staged"]), "no_files");
    for settings in ["run.fail_on_empty = true", "stage.pre-commit.fail_on_empty = true"] {
        let refused = ended(settings, "pre-commit", &[]);
        assert_eq!(
            (refused.code, &json(&refused)["error"]["kind"]),
            (2, &"ConfigurationError".into()),
            "{refused:?}"
        );
    }
    let settings = "run.fail_on_empty = true\nstage.pre-commit.fail_on_empty = false";
    assert_eq!(ended(settings, "pre-commit", &[]).code, 0);
    folder.write("onex.toml", "run.fail_on_empty = true");
    let mut off = command(&folder, &["orch", "--format", "json", "--stage", "pre-commit"]);
    assert_eq!(Ended::of(&off.env("ONEX_FAIL_ON_EMPTY", "0").output().unwrap()).code, 0);
}

#[test]
fn all_mistakes_in_all_files_are_told_before_anything_runs() {
    let folder = project("[run]\njobz = 4\ncolor = 'red'\n");
    folder.write("contract.yaml", "workflow: {name: w, tasks: [{id: a, run: 'touch ran'}]}");
    folder.write("system.toml", "[run\n");
    folder.write("home/.config/onex/onex.toml", "[node]\ntimeout = false\n");
    let ended = shown(&folder, &[]);
    assert_eq!((ended.code, ended.stdout.contains('✅')), (2, false), "{ended:?}");
    for (code, place) in [
        ("E0601", "system.toml:1:5"),
        ("E0602", "onex.toml:2:1"),
        ("E0603", "home/.config/onex/onex.toml:2:11"),
        ("E0604", "onex.toml:3:9"),
    ] {
        let at = ended.stderr.find(&format!("error[{code}]")).unwrap_or_else(|| panic!("{code}: {ended:?}"));
        assert!(ended.stderr[at..].contains(place), "{code} at {place}: {}", ended.stderr);
    }
    let report = run(&folder, &[]);
    assert_eq!(report["error"]["kind"], "ConfigurationError");
    let codes: Vec<&str> =
        report["diagnostics"].as_array().unwrap().iter().map(|d| d["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["E0601", "E0603", "E0602", "E0604"], "the weakest file first");
    let planned = onex(&folder, &["plan", "contract.yaml"]);
    assert!(planned.code == 2 && planned.stderr.matches("error[E06").count() == 4, "{planned:?}");
    let planned = plan(&folder, &[]);
    assert_eq!(planned["diagnostics"].as_array().unwrap().len(), 4);
    let stage = onex(&folder, &["orch", "--stage", "ci", "--format", "json"]);
    assert_eq!((stage.code, json(&stage)["diagnostics"].as_array().unwrap().len()), (2, 4));
    assert_eq!(onex(&folder, &["explain", "a", "--contract", "contract.yaml"]).code, 2);
    assert!(!folder.exists("ran"));
    // What runs nothing needs no settings, and says how to correct them.
    assert_eq!(onex(&folder, &["explain", "E0602"]).code, 0);
    assert_eq!(onex(&folder, &["validate", "contract.yaml"]).code, 0);
    assert_eq!(onex(&folder, &["--version"]).code, 0);
}

#[test]
fn a_file_that_is_there_and_cannot_be_read_is_an_error_and_one_that_is_not_there_is_none() {
    let folder = Folder::with(TWO);
    let settings = folder.path().join("onex.toml");
    let code = || {
        let ended = shown(&folder, &[]);
        let code = ended.stderr.split_once("error[").and_then(|(_, rest)| rest.get(..5)).map(str::to_owned);
        (ended.code, code.unwrap_or_default())
    };
    assert_eq!(code(), (0, String::new()));
    fs::create_dir(&settings).unwrap();
    assert_eq!(code(), (2, "E0104".to_owned()));
    fs::remove_dir(&settings).unwrap();
    assert!(Command::new("mkfifo").arg(&settings).status().unwrap().success());
    assert_eq!(code(), (2, "E0104".to_owned()));
    fs::remove_file(&settings).unwrap();
    std::os::unix::fs::symlink("onex.toml", &settings).unwrap();
    assert_eq!(code(), (2, "E0104".to_owned()));
    fs::remove_file(&settings).unwrap();
    fs::write(&settings, b"[run]\njobs = 2 # \xff\n").unwrap();
    assert_eq!(code(), (2, "E0103".to_owned()));
    fs::File::create(&settings).unwrap().set_len(33 * 1024 * 1024).unwrap();
    assert_eq!(code(), (2, "E0110".to_owned()));
    fs::write(&settings, "").unwrap();
    assert_eq!(code(), (0, String::new()));
    // A home that is no folder has no settings.
    let mut homeless = folder.command(&["orch", "--contract", "contract.yaml"]);
    assert_eq!(Ended::of(&homeless.env("HOME", "/dev/null").output().unwrap()).code, 0);
    let mut bare = folder.command(&["orch", "--contract", "contract.yaml"]);
    assert_eq!(Ended::of(&bare.env_clear().output().unwrap()).code, 0);
    // One that is named has to be there.
    let mut named = folder.command(&["orch", "--contract", "contract.yaml", "--format", "human"]);
    let ended = Ended::of(&named.env("ONEX_SYSTEM_CONFIG", "none.toml").output().unwrap());
    assert!(ended.code == 2 && ended.stderr.contains("ONEX_SYSTEM_CONFIG names this file"), "{ended:?}");
}

#[test]
fn the_project_is_that_of_the_contract() {
    let folder = project("run.jobs = 2");
    folder.write("inner/onex.toml", "run.jobs = 3");
    folder.write("inner/contract.yaml", TWO);
    folder.write("inner/contracts/two/contract.yaml", TWO);
    let jobs = |arguments: &[&str], directory: &str| {
        let mut command = command(&folder, &[&["plan", "--format", "json"], arguments].concat());
        json(&Ended::of(&command.current_dir(folder.path().join(directory)).output().unwrap()))["jobs"]
            .as_u64()
    };
    assert_eq!(jobs(&["contract.yaml"], "."), Some(2));
    assert_eq!(jobs(&["inner/contract.yaml"], "."), Some(3));
    assert_eq!(jobs(&["inner"], "."), Some(3));
    assert_eq!(jobs(&["two"], "inner"), Some(3));
    assert_eq!(jobs(&["../contract.yaml"], "inner"), Some(2));
    assert_eq!(jobs(&["inner/contract.yaml", "--root", "."], "."), Some(2));
    component(&folder, "ripe", "meta_type: validator\nlifecycle: active\ntags: [ci]\n");
    folder.write("inner/onex.toml", "run.format = 'yaml'");
    let stage = |root: &[&str]| onex(&folder, &[&["orch", "--stage", "ci"], root].concat()).stdout;
    assert!(stage(&[]).starts_with('{') && stage(&["--root", "inner"]).starts_with("schema_version: 1"));
}

#[test]
fn the_doctor_shows_each_value_with_its_place_and_what_is_wrong() {
    let folder =
        project("[run]\njobs = 4\nfail_fast = true\n[node]\ntimeout = '2m'\n[stage.ci]\ntags = ['a', 'b']\n");
    folder.write("home/.config/onex/onex.toml", "[run]\njobs = 3\nprogress = 'none'\n");
    folder.write("system.toml", "[run]\ntimeout = 90\n");
    let mut command = command(&folder, &["doctor", "--format", "json"]);
    let ended = Ended::of(&command.env("ONEX_OUTPUT", "all").output().unwrap());
    let report = json(&ended);
    let setting = |name: &str| {
        let settings = report["settings"].as_array().unwrap();
        let found =
            settings.iter().find(|setting| setting["name"] == name).unwrap_or_else(|| panic!("{name}"));
        ["value", "origin", "place"].map(|key| found[key].as_str().unwrap_or("-").to_owned())
    };
    let system = folder.path().join("system.toml");
    let system = system.strip_prefix(folder.path()).unwrap().display();
    assert_eq!(setting("jobs"), ["4", "project", "onex.toml:2"]);
    assert_eq!(setting("fail-fast"), ["true", "project", "onex.toml:3"]);
    assert_eq!(setting("progress"), ["none", "user", "home/.config/onex/onex.toml:3"]);
    assert_eq!(setting("timeout"), ["1m30s".to_owned(), "organisation".to_owned(), format!("{system}:2")]);
    assert_eq!(setting("node.timeout"), ["2m00s", "project", "onex.toml:5"]);
    assert_eq!(setting("stage.ci.tags"), ["a|b", "project", "onex.toml:7"]);
    assert_eq!(setting("output"), ["all", "environment", "-"]);
    assert_eq!(setting("color"), ["auto", "default", "-"]);
    assert_eq!(ended.code, 0, "{ended:?}");

    folder.write("onex.toml", "[run]\njobz = 1\ncolor = 'red'\nmode = 3\noutput = 'x'\n");
    let wrong = [
        ("ONEX_JOBS", "x"),
        ("ONEX_TIMEOUT", "soon"),
        ("ONEX_FORMAT", "xml"),
        ("ONEX_COLOR", "red"),
        ("ONEX_REPORT", "a.json:b.doc"),
        ("ONEX_STAGE", "deploy"),
        ("ONEX_INPUT", "x"),
        ("ONEX_MODE", "async"),
    ];
    let mut human = self::command(&folder, &["doctor"]);
    let ended = Ended::of(&human.envs(wrong).output().unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""));
    for (variable, _) in &wrong[..wrong.len() - 1] {
        assert!(ended.stdout.contains(&format!("variable {variable} ")), "{variable}: {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("variable ONEX_MODE"), "{}", ended.stdout);
    let said = ended.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let expected = "settings of the project onex.toml:2: `[run]` has no key `jobz`; onex.toml:3: `color` cannot be \
                    `red`; onex.toml:4: `mode` is one of `sync`, `async`; and 1 more `onex explain E0602` says more";
    assert!(said.contains(expected), "{said}");
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ended.stdout);
}

/// The table of all keys, as the documentation has it.
fn table_of_keys() -> String {
    let mut text = String::from("\n| key | can be | means | default |\n|---|---|---|---|\n");
    let mut row = |section: &str, key: &onex::config::Key| {
        use onex::config::Form;
        let form = match key.form {
            Form::Flag => "`true`, `false`".to_owned(),
            Form::Count => "a whole number from 1".to_owned(),
            Form::Time => "a duration".to_owned(),
            Form::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Form::AnyOf(_) => "text, or a list".to_owned(),
        };
        text.push_str(&format!("| `{section}.{}` | {form} | {} | {} |\n", key.name, key.about, key.default));
    };
    Section::Run.keys().for_each(|key| row("run", key));
    Section::Node.keys().for_each(|key| row("node", key));
    Section::Stage("ci").keys().for_each(|key| row("stage.NAME", key));
    let of_tests: Vec<String> = Section::Stage("ci")
        .keys()
        .filter(|key| Section::Stage("pre-commit").key(key.name).is_none())
        .map(|key| format!("`{}`", key.name))
        .collect();
    text.push_str("\nNot every stage has every key: ");
    text.push_str(&format!("{} are keys of `test` and `ci`; ", of_tests.join(", ")));
    let lacking = |stage: &'static str| {
        let has: Vec<String> = Section::Stage(stage).keys().map(|key| format!("`{}`", key.name)).collect();
        format!("`{stage}` has {}", has.join(", "))
    };
    text.push_str(&format!("{}; {}.\n\n", lacking("pipeline"), lacking("registry")));
    text
}

#[test]
fn the_page_lists_the_keys_that_there_are() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let page = fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once("src/config/keys.rs -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end -->").unwrap();
    let expected = format!("{before}src/config/keys.rs -->\n{}<!-- end -->{after}", table_of_keys());
    if std::env::var_os("ONEX_GENERATE").is_some() {
        fs::write(&file, expected).unwrap();
    } else {
        assert!(page == expected, "`ONEX_GENERATE=1` writes {} anew", file.display());
    }
}

#[test]
fn the_schema_accepts_what_is_read_and_nothing_else() {
    let schema = jsonschema::validator_for(&onex::config::schema()).unwrap();
    let rows: &[(&str, Value, bool)] = &[
        ("", serde_json::json!({}), true),
        (
            "run = {jobs = 4, mode = 'async', timeout = '5m'}",
            serde_json::json!({"run": {"jobs": 4, "mode": "async", "timeout": "5m"}}),
            true,
        ),
        (
            "stage.ci = {tags = ['a'], type = []}",
            serde_json::json!({"stage": {"ci": {"tags": ["a"], "type": []}}}),
            true,
        ),
        ("run.jobs = 0", serde_json::json!({"run": {"jobs": 0}}), false),
        ("run.mode = 'x'", serde_json::json!({"run": {"mode": "x"}}), false),
        ("run.x = 1", serde_json::json!({"run": {"x": 1}}), false),
        ("stage.deploy = {}", serde_json::json!({"stage": {"deploy": {}}}), false),
        ("stage.registry.jobs = 1", serde_json::json!({"stage": {"registry": {"jobs": 1}}}), false),
        ("node.timeout = 0", serde_json::json!({"node": {"timeout": 0}}), false),
        ("stage.ci.tags = [1]", serde_json::json!({"stage": {"ci": {"tags": [1]}}}), false),
    ];
    for (text, data, is_valid) in rows {
        let mut sources = onex::diag::SourceMap::default();
        let (_, found) = onex::config::read(text, sources.add("onex.toml", *text));
        assert_eq!((found.is_empty(), schema.is_valid(data)), (*is_valid, *is_valid), "{text}: {found:?}");
    }
}

#[test]
fn a_link_out_of_the_project_is_not_read() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    folder.write("contract.yaml", "workflow: {tasks: [{id: a, run: 'true'}]}\n");
    let secret = elsewhere.write("secret", "token = 'hunter2'\n");
    std::os::unix::fs::symlink(secret, folder.path().join("onex.toml")).unwrap();
    let ended = onex(&folder, &["run", "contract.yaml"]);
    assert!(ended.code != 0 && ended.stderr.contains("onex.toml"), "{ended:?}");
    assert!(!ended.stderr.contains("hunter2") && !ended.stdout.contains("hunter2"), "{ended:?}");
    // One that stays inside is a file as any other.
    folder.write("real.toml", "[run]\njobs = 1\n");
    fs::remove_file(folder.path().join("onex.toml")).unwrap();
    std::os::unix::fs::symlink("real.toml", folder.path().join("onex.toml")).unwrap();
    assert_eq!(onex(&folder, &["run", "contract.yaml"]).code, 0);
}
