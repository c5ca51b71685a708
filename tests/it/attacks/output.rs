//! Nothing that a terminal, a runner or a reader would obey gets through, whoever wrote it: what nodes print, names of
//! files, folders, nodes, components and hooks. Texts in contracts are in `hostile.rs`, commands for GitHub in `github.rs`,
//! the display in place in `terminal_control.rs`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{ask, ask_with, repository};
use crate::support::{Ended, Folder};

/// What a hostile program prints: the clipboard, a title, a blank screen, a line over another, an order of characters that
/// is not the order of the text, a link, a colour that stays, and C1 controls.
const PRINTED: &str = r"\033]52;c;cHduZWQ=\a \033]0;title\a \033[2J\033[H FAIL\rPASS \342\200\256txt.exe\342\201\246 \033]8;;http://x\033\\\\link \033[31mred \302\23331m \302\205 \b\b\b \033c \033P q\033\\\\ ::error::x\n::set-output name=a::b\n##[error]x\n";

/// The same in names.
const NAME: &str = "a\u{1b}[2J\u{1b}]52;c;x\u{7}\u{202e}\u{2066}\r\u{9b}31m\u{85}b";

fn raw(text: &str) -> Option<char> {
    let is_raw = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().find(|&c| is_raw(c))
}

fn clean(what: &str, text: &str) {
    assert!(
        raw(text).is_none(),
        "{what}: {:?} in {:?}",
        raw(text),
        text.chars().take(3000).collect::<String>()
    );
}

fn clean_ended(what: &str, ended: &Ended) {
    clean(what, &ended.stdout);
    clean(what, &ended.stderr);
}

fn printing() -> Folder {
    let folder = repository();
    folder.write("print.sh", format!("printf '{PRINTED}'\nprintf '{PRINTED}' >&2\nexit ${{CODE:-0}}\n"));
    folder.write(
        "contract.yaml",
        "workflow:\n  tasks:\n  - {id: a, script: print.sh}\n  - {id: b, script: print.sh, env: {CODE: '1'}}\n  \
         - {id: c, run: './print.sh', output: lines}\n  - {id: d, python: 'evil:run'}\n  coordination: {rules: {failure_recovery_strategy: continue}}\n",
    );
    folder.write("evil.py", "def run(): raise ValueError('\\x1b[2J\\x1b]0;t\\x07\\u202e\\rPASS')\n");
    folder
}

#[test]
fn what_nodes_print_is_text_in_every_form() {
    let folder = printing();
    let contract = ["orch", "--contract", "contract.yaml"];
    for format in ["human", "json", "yaml"] {
        for output in ["all", "failed", "none", "live"] {
            for progress in ["plain", "none", "auto"] {
                let more = ["--format", format, "--output", output, "--progress", progress];
                let ended = ask(&folder, &[&contract[..], &more].concat());
                assert_eq!(ended.code, 1, "{ended:?}");
                clean_ended(&format!("{more:?}"), &ended);
            }
        }
    }
    let shown = ask(&folder, &[&contract[..], &["--format", "human", "--output", "all"]].concat()).stdout;
    // Both words are there to see: none was written over the other.
    assert!(shown.contains("FAIL") && shown.contains("PASS"), "{shown}");
    let files = [
        "report.txt",
        "report.json",
        "report.yaml",
        "report.xml",
        "report.sarif",
        "events.jsonl",
        "log.jsonl",
    ];
    let reports = [
        "--format", "json", "--report", files[0], "--report", files[1], "--report", files[2], "--junit",
        files[3], "--sarif", files[4], "--events", files[5], "--log", files[6], "--jobs", "2",
    ];
    clean_ended("reports", &ask(&folder, &[&contract[..], &reports].concat()));
    for file in files {
        clean(file, &folder.read(file));
    }
    let junit = folder.read("report.xml");
    assert!(junit.starts_with("<?xml") && junit.trim_end().ends_with("</testsuites>"), "{junit}");
    for file in ["report.json", "report.sarif"] {
        let _: Value = serde_json::from_str(&folder.read(file)).unwrap();
    }
}

#[test]
fn a_runner_is_told_nothing_by_nodes() {
    let folder = printing();
    let summary = folder.path().join("tmp/summary.md");
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("CI", "true"),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap()),
        ("GITHUB_WORKSPACE", folder.path().to_str().unwrap()),
    ];
    for output in ["all", "live", "failed"] {
        let arguments = ["orch", "--contract", "contract.yaml", "--format", "human", "--output", output];
        let ended = ask_with(&folder, &arguments, &variables);
        clean_ended(output, &ended);
        let starts =
            |line: &&str| line.trim_start().starts_with("::") || line.trim_start().starts_with("##[");
        let commands: Vec<&str> = ended.stdout.lines().chain(ended.stderr.lines()).filter(starts).collect();
        let known = |line: &&str| {
            ["::error ", "::warning ", "::notice ", "::stop-commands::", "::group::", "::endgroup::"]
                .iter()
                .any(|start| line.starts_with(start))
                || (line.starts_with("::") && line.ends_with("::"))
        };
        assert!(commands.iter().all(known), "{commands:?}");
        clean("summary", &fs::read_to_string(&summary).unwrap());
    }
}

#[test]
fn names_of_files_and_components_are_text() {
    let folder = repository();
    let word = super::quoted(NAME);
    folder.write(
        "a.onex.yaml",
        format!(
            "name: {word}\nnamespace: {word}\nversion: 1.0.0\nmeta_type: {word}\nlifecycle: {word}\ntags: [{word}, ci, pre-commit]\n\
             description: {word}\nauthor: {word}\nowner: {word}\nentrypoint: {{type: command, target: [{word}, {word}]}}\n"
        ),
    );
    folder.write(&format!("{NAME}.onex.yaml"), "name: [\n");
    folder.write(
        &format!("{NAME}/b.onex.yaml"),
        "name: fix\nversion: 1.0.0\nmeta_type: validator\nlifecycle: canary\ntags: [pre-commit]\nfiles: ['*.txt']\n\
         writes: ['*.txt']\nentrypoint: {type: command, target: [sed, -i, 's/bad/good/']}\n",
    );
    folder.write(&format!("{NAME}.txt"), "bad\n");
    folder.write(&format!("{NAME}2.txt"), "bad\n");
    folder.write(&format!("sub/{NAME}/onex.toml"), "");
    folder.write(&format!("sub/{NAME}/contract.yaml"), "x");
    folder.write(&format!("contracts/{NAME}/contract.yaml"), "workflow: {tasks: [{id: a, run: 'true'}]}\n");
    folder.write(
        ".pre-commit-config.yaml",
        format!("repos:\n- repo: {word}\n  hooks: [{{id: {word}}}]\n- repo: local\n  hooks: [{{id: {word}, name: {word}, language: {word}, entry: {word}, stages: [{word}]}}]\n"),
    );
    folder.git(&["add", "--all"]);
    // One that is staged and has another content, so that a fix becomes a patch.
    folder.write(&format!("{NAME}2.txt"), "mine\n");
    let file = format!("{NAME}.onex.yaml");
    let contract = format!("contracts/{NAME}");
    let looks: [&[&str]; 22] = [
        &["list"],
        &["list", "--scan"],
        &["list", "--format", "json"],
        &["list", "--format", "yaml"],
        &["list", "--filter", &format!("name={NAME}")],
        &["registry", "list"],
        &["registry", "find", NAME],
        &["registry", "inspect", NAME],
        &["registry", "add", &file],
        &["registry", "add", "a.onex.yaml"],
        &["registry", "verify"],
        &["registry", "remove", NAME],
        &["validate", "."],
        &["validate", "--format", "json", &contract],
        &["fmt", "--diff", "."],
        &["import", "pre-commit", "--dry-run"],
        &["import", "pre-commit"],
        &["doctor"],
        &["orch", "--stage", "ci", "--dry-run", "--format", "human"],
        &["orch", "--stage", "ci", "--contracts-from", NAME],
        &["plan", NAME],
        &["orch", "--contract", &contract, "--format", "human"],
    ];
    for arguments in looks {
        clean_ended(&format!("{arguments:?}"), &ask(&folder, arguments));
    }
    for format in ["human", "json", "yaml"] {
        let variables = [("ONEX_FILTER", "name=fix")];
        let arguments = [
            "orch",
            "--stage",
            "pre-commit",
            "--diff",
            "--format",
            format,
            "--report",
            "tmp.sarif",
            "--junit",
            "tmp.xml",
        ];
        let ended = ask_with(&folder, &arguments, &variables);
        clean_ended(format, &ended);
        clean("sarif", &folder.read("tmp.sarif"));
        clean("junit", &folder.read("tmp.xml"));
    }
    // In a folder that is called so itself.
    let odd = folder.path().join("home").join(NAME);
    fs::create_dir_all(odd.join(".git")).unwrap();
    fs::write(odd.join("contract.yaml"), "workflow: {tasks: [{id: a, run: 'false'}]}\n").unwrap();
    for arguments in [
        &["doctor"][..],
        &["list"],
        &["orch", "--contract", "contract.yaml", "--format", "human"],
        &["registry", "verify"],
        &["validate", "/no/such/\u{1b}[2J"],
    ] {
        clean_ended(&format!("{arguments:?}"), &in_folder(&folder, &odd, arguments));
    }
}

fn in_folder(folder: &Folder, at: &Path, arguments: &[&str]) -> Ended {
    let mut command: Command = folder.command(arguments);
    Ended::of(&command.current_dir(at).output().unwrap())
}
