//! In a step of GitHub Actions: what the runner is told, what it must never take for a command, and the summary.

use std::fs;

use serde_json::Value;

use crate::support::{Ended, Folder};

/// Runs in a step, in a workspace that is the folder.
fn in_step(folder: &Folder, arguments: &[&str]) -> Ended {
    let mut command = folder.command(&[&["orch", "--contract", "contract.yaml"], arguments].concat());
    command.env("GITHUB_ACTIONS", "true").env("CI", "true").env("GITHUB_WORKSPACE", folder.path());
    command.env("GITHUB_STEP_SUMMARY", folder.path().join("summary.md"));
    Ended::of(&command.output().unwrap())
}

/// The lines that the runner carries out, as the runner finds them: `::name …::` after white space, which is also what
/// is no ASCII here, and `##[name …]` anywhere.
fn commands(output: &str) -> Vec<&str> {
    let names =
        ["error", "warning", "notice", "debug", "add-mask", "set-output", "stop-commands", "group", "echo"];
    let is_named = |rest: &str| names.iter().any(|name| rest.starts_with(name));
    let is_command = |line: &&str| {
        let trimmed = line.trim_start_matches(|c: char| c.is_whitespace() || c.is_control() || !c.is_ascii());
        trimmed.strip_prefix("::").is_some_and(is_named) || line.split("##[").skip(1).any(is_named)
    };
    output.split(['\n', '\r']).filter(is_command).collect()
}

const FAILING: &str = r#"workflow:
  name: "50%: x,y"
  tasks:
    - {id: good, run: 'true', color: red}
    - id: bad
      run: "echo 'one: 1,5%' >&2; echo two >&2; exit 3"
    - {id: saved, run: exit 4, fallback: other}
    - {id: other, run: 'true'}
  coordination: {rules: {fail_fast: false}}
"#;

#[test]
fn failures_and_findings_are_annotated_where_they_stand() {
    let folder = Folder::with(FAILING);
    let ended = in_step(&folder, &["--format", "human"]);
    assert_eq!(ended.code, 1);
    let expected = [
        "::error file=contract.yaml,line=5,endLine=5,col=11,endColumn=14,title=onex 50%25%3A x%2Cy: bad failed::exit code 3%0Aone: 1,5%25%0Atwo",
        "::warning file=contract.yaml,line=7,endLine=7,col=12,endColumn=17,title=onex 50%25%3A x%2Cy: saved failed::exit code 4",
        "::warning file=contract.yaml,line=4,endLine=4,col=31,endColumn=36,title=onex E0205::",
    ];
    let told = commands(&ended.stderr);
    assert_eq!(told.len(), 3, "{told:#?}");
    for (told, expected) in told.iter().zip(expected) {
        let expected =
            expected.replace(": bad failed", "%3A bad failed").replace(": saved failed", "%3A saved failed");
        assert!(told.starts_with(&expected), "{told}\n{expected}");
    }
    assert_eq!(commands(&ended.stdout), Vec::<&str>::new());

    // A document on stdout is a document, and nothing is said beside it.
    let ended = in_step(&folder, &["--format", "json", "--quiet"]);
    assert_eq!(serde_json::from_str::<Value>(&ended.stdout).unwrap()["exit_code"], 1);
    assert_eq!(ended.stderr, "");
    // Elsewhere nobody reads them.
    let ended = folder.onex(&["orch", "--contract", "contract.yaml", "--format", "human"]);
    assert_eq!((commands(&ended.stderr), commands(&ended.stdout)), (Vec::new(), Vec::new()));
}

#[test]
fn what_cannot_start_is_annotated_and_files_are_named_from_the_workspace() {
    let folder = Folder::new();
    folder.write("a/b/contract.yaml", "workflow: {name: w, tasks: [{id: a, run: 'true', depends_on: [bb]}]}");
    let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", "human"]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_WORKSPACE", folder.path());
    command.current_dir(folder.path().join("a/b"));
    let ended = Ended::of(&command.output().unwrap());
    let told = commands(&ended.stderr);
    assert!(told.len() == 1 && told[0].starts_with("::error file=a/b/contract.yaml,line=1,"), "{told:?}");
    assert!(told[0].contains("title=onex E0302::node `a` depends on `bb`"), "{told:?}");

    let ended = in_step(&folder, &["--format", "human"]);
    let told = commands(&ended.stderr);
    assert!(
        told.len() == 1 && told[0].starts_with("::error title=onex E0104::cannot read `contract.yaml`"),
        "{told:?}"
    );
}

#[test]
fn more_than_ten_of_a_kind_are_summed_up() {
    let tasks: String = (0..12).map(|n| format!("    - {{id: n{n}, run: exit 1}}\n")).collect();
    let folder = Folder::with(&format!(
        "workflow:\n  name: w\n  tasks:\n{tasks}  coordination: {{rules: {{fail_fast: false}}}}\n"
    ));
    let ended = in_step(&folder, &["--format", "human"]);
    let told = commands(&ended.stderr);
    assert_eq!(told.len(), 10);
    assert_eq!(told[9], "::error title=onex w::and 3 more; the report has all of them");
}

#[test]
fn what_nodes_print_is_never_a_command() {
    let folder = Folder::with(
        r##"workflow:
  name: "x ##[group]w"
  description: "::error::d"
  tasks:
    - id: hostile
      run: |
        printf '::error::a\n  ::add-mask::b\n\t::stop-commands::x\n##[set-output name=o]c\nx ##[error]d\r::error::e\n'
        printf '\342\200\203::error::f\n::debug::g' >&2
        exit 1
    - {id: json, run: "echo '##[error]x'", output: lines, depends_on: [{node: hostile, on: finished}]}
  coordination: {rules: {fail_fast: false}}
"##,
    );
    for format in ["human", "json", "yaml"] {
        for output in ["live", "all", "failed"] {
            for more in
                [&[][..], &["-v", "-v", "--log", "-"], &["--progress", "plain"], &["--color", "always"]]
            {
                let ended = in_step(&folder, &[&["--format", format, "--output", output], more].concat());
                let own =
                    |line: &&str| line.starts_with("::error file=contract.yaml,line=5,") && format == "human";
                let (own, foreign): (Vec<&str>, Vec<&str>) =
                    commands(&ended.stdout).into_iter().chain(commands(&ended.stderr)).partition(own);
                assert_eq!(foreign, Vec::<&str>::new(), "{format} {output} {more:?}");
                assert_eq!(
                    own.len(),
                    usize::from(format == "human"),
                    "{format} {output} {more:?}: {}",
                    ended.stderr
                );
                // A document says what was printed, all the same.
                let document = match format {
                    "json" => serde_json::from_str(&ended.stdout).unwrap(),
                    "yaml" => {
                        let mut found = Vec::new();
                        let limits = onex::yaml::Limits::default();
                        let tree =
                            onex::yaml::load(&ended.stdout, Default::default(), limits, &mut found).unwrap();
                        tree.to_json(tree.root())
                    }
                    _ => continue,
                };
                assert_eq!(document["results"][1]["stdout"], "##[error]x\n");
                assert!(
                    document["results"][0]["stdout"]
                        .as_str()
                        .unwrap()
                        .starts_with("::error::a\n  ::add-mask")
                );
            }
        }
    }
}

#[test]
fn findings_and_names_are_no_commands_either() {
    let folder = Folder::with(
        "workflow:\n  name: \"x\\n::error::n\"\n  tasks:\n    - {id: \"a\\n::error::i\", run: x}\n    - {id: b, run: y, depends_on: [\"c\\n##[error]z\"]}\n    - {id: d, script: \"no\\n::error::s\"}\n",
    );
    for verb in [
        &["orch", "--contract", "contract.yaml", "--format", "human"][..],
        &["plan", "contract.yaml"],
        &["validate", "contract.yaml"],
    ] {
        let mut command = folder.command(verb);
        let ended = Ended::of(&command.env("GITHUB_ACTIONS", "true").output().unwrap());
        assert_eq!(ended.code, 2);
        let foreign: Vec<&str> = commands(&ended.stdout)
            .into_iter()
            .chain(commands(&ended.stderr))
            .filter(|line| !line.starts_with("::error file=contract.yaml,"))
            .collect();
        assert_eq!(foreign, Vec::<&str>::new(), "{verb:?}: {}", ended.stderr);
    }
}

#[test]
fn the_summary_has_the_nodes_and_what_failures_said() {
    let folder = Folder::with(
        "workflow:\n  name: w|<b>\n  tasks:\n    - {id: good, run: 'true'}\n    - {id: bad, run: \"printf '```\\\\n<script>\\\\n````\\\\n'; exit 3\"}\n    - {id: after, run: 'true', depends_on: [bad]}\n",
    );
    folder.write("summary.md", "before\n");
    in_step(&folder, &["--format", "json"]);
    let summary = folder.read("summary.md");
    let lines: Vec<&str> = summary.lines().collect();
    assert_eq!(lines[..2], ["before", "### ❌ onex w\\|&lt;b&gt;: failed"]);
    assert!(summary.contains("\n| ✅ | good | 0.0"), "{summary}");
    assert!(summary.contains(" | exit code 3 |\n| ⏭️ | after |  | needs bad, which failed |\n"), "{summary}");
    assert!(
        summary.contains("#### bad: exit code 3\n\n`````text\n```\n<script>\n````\n`````\n"),
        "{summary}"
    );

    // Where the run could not start, it says why.
    folder.write("contract.yaml", "workflow: {name: w, tasks: [{id: a, run: 'true', depends_on: [b]}]}");
    in_step(&folder, &["--format", "human"]);
    assert!(
        folder.read("summary.md").contains("- contract.yaml:1:63: error\\[E0302\\]: node \\`a\\` depends on")
    );
}

#[test]
fn the_summary_has_a_bound_and_its_failure_is_a_warning() {
    let tasks: String = (0..40)
        .map(|n| format!("    - {{id: n{n}, run: \"yes {} | head -n 60; exit 1\"}}\n", "x".repeat(480)))
        .collect();
    let folder = Folder::with(&format!(
        "workflow:\n  name: w\n  tasks:\n{tasks}  coordination: {{rules: {{fail_fast: false}}}}\n"
    ));
    let there = 700 * 1024;
    folder.write("summary.md", " ".repeat(there));
    assert_eq!(in_step(&folder, &["--format", "json"]).stderr, "");
    let summary = folder.read("summary.md");
    assert!(summary.len() > there + 200 * 1024 && summary.len() < 1024 * 1024, "{}", summary.len());
    assert!(summary.ends_with("There is no room for what the others printed.\n\n"));

    fs::remove_file(folder.path().join("summary.md")).unwrap();
    fs::create_dir(folder.path().join("summary.md")).unwrap();
    let ended = in_step(&folder, &["--format", "json"]);
    assert_eq!((ended.code, ended.stderr.lines().count()), (1, 1), "{}", ended.stderr);
    assert!(ended.stderr.contains("WARN the summary of the job cannot be written"), "{}", ended.stderr);
}
