//! The README, `--help` and the table of exit codes say what is there.

use std::fs;
use std::path::{Path, PathBuf};

use onex::model::exit::ExitCode;

use crate::support::{Ended, Folder, normalised};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()
}

fn readme() -> String {
    fs::read_to_string(repository().join("README.md")).unwrap()
}

/// The text of the first block of code after `heading` in the language `language`.
fn block<'t>(text: &'t str, heading: &str, language: &str) -> &'t str {
    let after = &text[text.find(heading).unwrap_or_else(|| panic!("no `{heading}`"))..];
    let fence = format!("```{language}\n");
    let start =
        after.find(&fence).unwrap_or_else(|| panic!("no {language} block after `{heading}`")) + fence.len();
    &after[start..start + after[start..].find("```").unwrap()]
}

#[test]
fn the_contract_of_the_readme_runs_as_the_readme_shows() {
    let readme = readme();
    let folder = Folder::with(block(&readme, "## A contract", "yaml"));
    let ended = folder.onex(&["orch", "--contract", "contract.yaml", "--format", "human"]);
    let shown = block(&readme, "## A contract", "text");
    let (command, output) = shown.split_once('\n').unwrap();
    assert_eq!(command, "$ onex orch --contract contract.yaml");
    assert_eq!(normalised(&ended.stdout), normalised(output), "{}", ended.stdout);
    assert_eq!(ended.code, 1);
}

#[test]
fn the_commands_of_the_readme_are_there() {
    for command in
        block(&readme(), "## Two commands", "sh").lines().filter(|l| !l.starts_with('#') && !l.is_empty())
    {
        let program = command.split_whitespace().next().unwrap();
        let kind = fs::metadata(repository().join(program)).unwrap_or_else(|e| panic!("{program}: {e}"));
        assert!(
            std::os::unix::fs::PermissionsExt::mode(&kind.permissions()) & 0o111 != 0,
            "{program} cannot be run"
        );
    }
}

#[test]
fn the_exit_codes_are_documented_everywhere_alike() {
    let help = Folder::new().onex(&["--help"]).stdout;
    let readme = readme();
    for code in ExitCode::ALL {
        assert!(readme.contains(&format!("| {code} | {}", code.meaning())), "README: {code}");
        assert!(help.contains(&format!("  {code}  {}", code.meaning())), "help: {code}");
    }
}

#[test]
fn every_verb_has_help_with_examples() {
    let folder = Folder::new();
    for verb in ["orch", "plan", "doctor", "completions", "man"] {
        let ended = folder.onex(&[verb, "--help"]);
        assert_eq!(ended.code, 0);
        assert!(ended.stdout.contains("Examples:\n  "), "{verb}");
        assert!(ended.stdout.lines().all(|line| line.chars().count() <= 100), "{verb}");
    }
    let version = folder.onex(&["--version"]);
    assert_eq!(version.stdout, format!("onex {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn misuse_is_a_configuration_error_with_a_suggestion() {
    let folder = Folder::with("workflow: {tasks: []}");
    let rows: &[(&[&str], &str)] = &[
        (&["orhc"], "orch"),
        (&["orch", "--contarct", "x"], "--contract"),
        (&["orch", "--contract", "contract.yaml", "--mode", "snc"], "sync"),
        (&["orch", "--contract", "contract.yaml", "--mode", "sync", "--jobs", "8"], "--mode async"),
        (&["orch", "--contract", "contract.yaml", "--jobs", "0"], "1.."),
        (&["orch", "--contract", "contract.yaml", "--timeout", "soon"], "90s"),
        (&["orch", "--contract", "contract.yaml", "--timeout", "0"], "90s"),
        (&["orch", "--contract", "contract.yaml", "--input", "x"], "NAME=VALUE"),
        (&["orch", "--contract", "contract.yaml", "--fail-fast", "--keep-going"], "--keep-going"),
        (&["orch", "--contract", "contract.yaml", "--dry-run", "--mode", "async"], "--dry-run"),
        (&["orch", "--contract", "contract.yaml", "--quiet", "-v"], "--verbose"),
        (&["orch", "--contract", "contract.yaml", "--events", "-"], "standard output carries the report"),
        (&["orch"], "--contract"),
    ];
    for (arguments, expected) in rows {
        let ended = folder.onex(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ended.stderr.contains(expected), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn a_machine_that_asked_for_a_document_gets_one_for_misuse_too() {
    let folder = Folder::with("workflow: {tasks: []}");
    let rows: &[(&[&str], &str, &str)] = &[
        (
            &["orch", "--format", "json", "--contract", "contract.yaml", "--timeout", "soon"],
            "",
            "`--timeout soon`",
        ),
        (&["orch", "--format=json", "--contarct", "x"], "", "unexpected argument '--contarct' found"),
        (
            &["orch", "--contract", "contract.yaml", "--jobs", "0", "--format", "json"],
            "",
            "'0' for '--jobs <N>'",
        ),
        (&["orch", "--contract", "contract.yaml", "--mode", "snc"], "json", "'snc' for '--mode <MODE>'"),
        (&["orch", "--report", "x.pdf", "--contract", "contract.yaml"], "json", "`--report x.pdf`"),
        (&["orch", "--format=json"], "yaml", "--contract <PATH|NAME>"),
        (&[], "json", "it is not said what to do"),
        (&["orhc", "--format", "json"], "", "unrecognized subcommand 'orhc'"),
        (&["plan", "contract.yaml", "--format", "json", "--jobs", "x"], "", "'x' for '--jobs <N>'"),
        (&["orch", "--format", "human", "--format", "json"], "", "--format <FORMAT>"),
    ];
    for (arguments, variable, expected) in rows {
        let output = folder.command(arguments).env("ONEX_FORMAT", variable).output().unwrap();
        let ended = Ended::of(&output);
        let report: serde_json::Value =
            serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {ended:?}"));
        assert_eq!((ended.code, &report["exit_code"]), (2, &2.into()), "{arguments:?}");
        assert_eq!(report["error"]["kind"], "ConfigurationError");
        let message = report["error"]["message"].as_str().unwrap();
        assert!(message.contains(expected) && !message.starts_with("error"), "{arguments:?}: {message}");
        assert!(arguments.is_empty() || ended.stderr.starts_with("error: "), "{}", ended.stderr);
        assert!(!ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
    }
    let yaml = folder.onex(&["orch", "--format", "yaml", "--nonsense"]);
    assert!(yaml.code == 2 && yaml.stdout.starts_with("schema_version: 1\n"), "{}", yaml.stdout);
    // Nobody asked for a document here, and help is no misuse.
    for arguments in
        [&["orch", "--nonsense"][..], &["orch", "--format", "xml"], &["orch", "--format", "human", "-x"]]
    {
        let ended = folder.onex(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}");
    }
    let help = folder.onex(&["orch", "--format", "json", "--help"]);
    assert!(help.code == 0 && help.stdout.starts_with("Run a workflow"), "{}", help.stdout);
}

#[test]
fn variables_that_are_set_to_nothing_count_as_not_set() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'true'}]}");
    let help = folder.onex(&["orch", "--help"]).stdout;
    let mut command = folder.command(&["orch", "--contract", "contract.yaml"]);
    let mut set = 0;
    for option in help.split_whitespace().filter_map(|word| word.strip_prefix("--")) {
        let name = option.trim_matches(|c: char| !c.is_ascii_alphabetic()).to_uppercase().replace('-', "_");
        command.env(format!("ONEX_{name}"), "");
        set += 1;
    }
    let ended = Ended::of(&command.output().unwrap());
    assert!(set > 20 && ended.code == 0 && ended.stdout.contains("\"mode\": \"sync\""), "{ended:?}");
    let mut command = folder.command(&["orch"]);
    let ended = Ended::of(&command.env("ONEX_CONTRACT", "").output().unwrap());
    assert!(ended.code == 2 && ended.stderr.contains("--contract <PATH|NAME>"), "{}", ended.stderr);
}

#[test]
fn options_can_come_from_the_environment_and_the_command_line_wins() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'true'}]}");
    let mut command = folder.command(&["orch"]);
    command.env("ONEX_CONTRACT", "contract.yaml").env("ONEX_FORMAT", "yaml").env("ONEX_DRY_RUN", "1");
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    assert!(output.starts_with("schema_version: 1\n") && output.contains("mode: dry-run\n"), "{output}");
    command.args(["--format", "json"]);
    assert!(String::from_utf8(command.output().unwrap().stdout).unwrap().starts_with("{\n"));
}

#[test]
fn where_both_contradict_each_other_the_command_line_wins_over_the_environment() {
    let folder = Folder::with("workflow: {tasks: [{id: bad, run: exit 3}, {id: a, run: 'true'}]}");
    let rows: &[(&str, &str, &[&str], &str)] = &[
        ("ONEX_FAIL_FAST", "1", &["--keep-going"], "\"completed\": 1"),
        ("ONEX_KEEP_GOING", "1", &["--fail-fast"], "\"skipped\": 1"),
        ("ONEX_QUIET", "1", &["-v"], "\"mode\": \"sync\""),
        ("ONEX_MODE", "sync", &["--jobs", "4"], "\"mode\": \"async\""),
        ("ONEX_JOBS", "4", &["--mode", "sync"], "\"mode\": \"sync\""),
        ("ONEX_DRY_RUN", "1", &["--mode", "async"], "\"mode\": \"async\""),
        ("ONEX_MODE", "async", &["--dry-run"], "\"mode\": \"dry-run\""),
    ];
    for (variable, value, arguments, expected) in rows {
        let mut all = vec!["orch", "--contract", "contract.yaml", "--format", "json"];
        all.extend(*arguments);
        let output = folder.command(&all).env(variable, value).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.contains(expected), "{variable} {arguments:?}: {stdout}");
    }
}

#[test]
fn the_changelog_knows_this_version() {
    let changelog = fs::read_to_string(repository().join("CHANGELOG.md")).unwrap();
    assert!(
        changelog.contains("## [Unreleased]")
            || changelog.contains(&format!("## [{}]", env!("CARGO_PKG_VERSION")))
    );
}
