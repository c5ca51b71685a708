//! What nodes do, and what they may not.

use super::*;

#[test]
fn keys_in_the_wrong_place_are_errors_that_say_where_they_belong() {
    let text = node(
        "run: x\nshell: bash\nuses: y\nstep_config:\n  timeout: 5\n  depends_on: []\n  when: z\n  enabled: false",
    );
    let misplaced =
        |place: &str, key: &str, table: &str| format!("E0212 error {place} `{key}` has no effect in {table}");
    assert_eq!(
        findings(&text),
        [
            misplaced("6:11", "run", "a node"),
            misplaced("7:11", "shell", "a node"),
            misplaced("8:11", "uses", "a node"),
            misplaced("10:13", "timeout", "`step_config`"),
            misplaced("11:13", "depends_on", "`step_config`"),
            misplaced("12:13", "when", "`step_config`"),
            misplaced("13:13", "enabled", "`step_config`"),
        ]
    );
    let mut expected = texts(&["it belongs in `step_config`"; 3]);
    expected.extend(texts(&["it belongs in the node, beside `step_config`"; 4]));
    assert_eq!(advice(&text), expected);
    assert_eq!(findings(&task("step_config: {run: y}")), [misplaced("5:7", "step_config", "a task")]);
    let text = "workflow_coordination:\n  timeout_ms: 5\n  fail_fast: true\n  workflow_definition: {execution_graph: {nodes: []}}\n";
    assert_eq!(
        findings(text),
        [
            misplaced("2:3", "timeout_ms", "`workflow_coordination`"),
            misplaced("3:3", "fail_fast", "`workflow_coordination`"),
        ]
    );
    assert_eq!(advice(text), ["it belongs in `coordination_rules`"; 2]);
}

// ---- Actions

#[test]
fn later_actions_are_declared_and_not_carried_out() {
    for key in keys::actions().filter(|key| !key.is_command()) {
        let (key, value) = (key.name, example(key));
        for (text, place) in [
            (bare_task(&format!("{key}: {value}")), "4:7"),
            (node(&format!("step_config: {{{key}: {value}}}")), "6:25"),
        ] {
            let (workflow, ..) = read(&text);
            assert_eq!(findings(&text), [not_carried_out(place, key)]);
            let node = &workflow.expect("a warning is no error").nodes[0];
            assert_eq!((node.action_key, &node.action), (Some(key), &None));
        }
    }
}

#[test]
fn a_text_runs_in_a_shell_and_a_list_without() {
    let cases: [(&str, &[&str]); 8] = [
        ("run: echo $HOME", &["/bin/sh", "-eu", "-c", "echo $HOME"]),
        ("run: |\n  one\n  two", &["/bin/sh", "-eu", "-c", "one\ntwo\n"]),
        ("run: true", &["/bin/sh", "-eu", "-c", "true"]),
        ("run: [echo, $HOME, 8080, 1.0, true, '']", &["echo", "$HOME", "8080", "1.0", "true", ""]),
        ("run: x\nshell: bash", &["bash", "-eu", "-c", "x"]),
        ("run: x\nshell: bash -o pipefail", &["bash", "-o", "pipefail", "-c", "x"]),
        ("run: x\nshell: [bash, -c]", &["bash", "-c", "x"]),
        ("run: x\nshell: [/opt/my shell, --run]", &["/opt/my shell", "--run", "x"]),
    ];
    for (text, argv) in cases {
        assert_eq!(super::argv(&command(&bare_task(text))), argv, "{text}");
    }
}

#[test]
fn what_cannot_be_run_is_refused() {
    let cases = [
        ("run: ''", "E0204 error 4:12 `run` is empty"),
        ("run: \" \\n\"", "E0204 error 4:12 `run` is empty"),
        ("run: {a: b}", "E0203 error 4:12 `run` is text"),
        ("run: []", "E0204 error 4:12 `run` names no program"),
        ("run: ['', x]", "E0204 error 4:12 `run` names no program"),
        ("run: [x, [y]]", "E0203 error 4:16 an argument is text"),
        ("run: [x, null]", "E0203 error 4:16 an argument is text"),
        (
            "run: [x]\nshell: bash",
            "E0207 error 5:14 4:12 `shell` chooses who runs a text, and this `run` is a list",
        ),
        ("run: x\nenv: [A]", "E0203 error 5:12 `env` is a mapping"),
        ("run: x\nenv: {A: [1]}", "E0203 error 5:16 the variable `A` is text"),
        ("run: x\nenv: {A=B: c}", "E0204 error 5:13 `A=B` cannot be a variable"),
        ("run: x\nenv: {'': c}", "E0204 error 5:13 `` cannot be a variable"),
        ("run: x\nstdin: [a]", "E0203 error 5:14 `stdin` is text"),
    ];
    for (text, expected) in cases {
        assert_eq!(findings(&bare_task(text)), [expected], "{text}");
    }
}

#[test]
fn nul_bytes_reach_standard_input_only() {
    let nul = "text for a program cannot hold a NUL byte";
    let cases = [
        ("run: \"a\\0\"", format!("E0204 error 4:12 {nul}")),
        ("run: [a, \"b\\0\"]", format!("E0204 error 4:16 {nul}")),
        ("run: x\nenv: {A: \"\\0\"}", format!("E0204 error 5:16 {nul}")),
        ("run: x\ncwd: \"a\\0\"", format!("E0204 error 5:12 {nul}")),
        ("run: x\nenv: {\"A\\0\": b}", "E0204 error 5:13 `A\\0` cannot be a variable".to_owned()),
    ];
    for (text, expected) in cases {
        assert_eq!(findings(&bare_task(text)), [expected], "{text}");
    }
    assert_eq!(command(&task("stdin: \"a\\0b\"")).stdin, Stdin::Text("a\0b".to_owned()));
}

#[test]
fn data_is_never_pasted_into_a_script() {
    let pasted = "data is never pasted into text that an interpreter runs";
    assert_eq!(
        findings(&bare_task("run: echo ${{ x }}\nshell: bash")),
        [format!("E0214 error 4:12 {pasted}")]
    );
    assert_eq!(findings(&bare_task("run: |\n  echo\n  ${{")), [format!("E0214 error 5:9 {pasted}")]);
    assert_eq!(findings(&node("step_config: {run: \"a${{b}}\"}")), [format!("E0214 error 6:30 {pasted}")]);
    assert_eq!(
        argv(&command(&bare_task("run: echo ${HOME} $((1 + 1)) {{x}}")))[3],
        "echo ${HOME} $((1 + 1)) {{x}}"
    );
    // Where data may stand one day, it is no error.
    let later = "an expression (`${{ … }}`) is not carried out yet by this version of onex";
    assert_eq!(
        findings(&bare_task(
            "run: [echo, '${{ x }}']\nenv: {A: 'a ${{ y }}'}\nstdin: ${{ z }}\ncwd: sub/${{ z }}"
        )),
        ["4:19", "5:16", "6:14", "7:12"].map(|place| format!("E0210 warning {place} {later}"))
    );
    assert_eq!(command(&task("stdin: inherit")).stdin, Stdin::Inherit);
}

#[test]
fn a_working_directory_stays_inside_the_project() {
    for inside in [".", "a", "a/b/..", "a/../b", "./a/./b/../..", "a//b", "..a/b.."] {
        assert_eq!(command(&task(&format!("cwd: {inside}"))).cwd.as_deref(), Some(inside));
    }
    for outside in ["..", "../a", "a/../..", "a/../../b", "./..", "/", "/etc", "a/b/../../../a/b/c"] {
        let expected = ["E0213 error 5:12 `cwd` leads out of the project root"];
        assert_eq!(findings(&task(&format!("cwd: {outside}"))), expected, "{outside}");
    }
}

#[test]
fn an_action_that_is_off_is_no_action() {
    for keys in ["python: null", "compute:", "approve: false", "parallel: true", "parallel: false", "http:"] {
        assert!(matches!(first(&task(keys)).action, Some(Action::Command(_))), "{keys}");
        assert_eq!(first(&bare_task(keys)).action_key, None, "{keys}");
    }
    // A constant is an expression, and what is switched off in an event belongs to the event.
    for keys in ["compute: 0", "compute: false", "wait_for: 0", "emit: {topic: t, enabled: false}"] {
        let key = keys.split(':').next().unwrap();
        assert_eq!(findings(&bare_task(keys)), [not_carried_out("4:7", key)], "{keys}");
        assert_eq!(read(&bare_task(keys)).0.unwrap().nodes[0].action_key, Some(key), "{keys}");
    }
    // It is a program of that name.
    assert_eq!(argv(&command(&bare_task("run: false"))).last().map(String::as_str), Some("false"));
}

#[test]
fn keys_without_a_value_are_not_there() {
    let keys = "timeout:\nenabled:\nidempotent:\npriority:\nenv:\ncwd:\nshell:\nretry:\noutput:\nerror_action:\nnode_type:";
    assert_eq!(meaning(clean(&task(keys))), meaning(clean(&task("enabled: true"))));
}

#[test]
fn a_shell_is_a_program_that_takes_the_script() {
    for (shell, argv) in [
        ("bash", ["bash", "-eu", "-c"].as_slice()),
        ("/usr/bin/zsh", &["/usr/bin/zsh", "-eu", "-c"]),
        ("bash -euo pipefail", &["bash", "-euo", "pipefail", "-c"]),
        ("python3", &["python3", "-c"]),
        ("[node, -e]", &["node", "-e"]),
    ] {
        let found = super::argv(&command(&task(&format!("shell: {shell}"))));
        assert_eq!(found, texts(&[argv, &["x"]].concat()), "{shell}");
    }
    for shell in ["''", "[]", "['']"] {
        assert_eq!(
            findings(&task(&format!("shell: {shell}"))),
            ["E0204 error 5:14 `shell` names no program"]
        );
    }
    assert_eq!(
        findings(&task("shell: [bash, \"\\0\"]")),
        ["E0204 error 5:14 text for a program cannot hold a NUL byte"]
    );
}

#[test]
fn data_is_pasted_into_no_interpreter() {
    const PASTED: &str = "data is never pasted into text that an interpreter runs";
    for run in [
        "[sh, -c, '${{ x }}']",
        "[/bin/bash, -euc, 'a ${{ x }}']",
        "[env, A=1, python3, -c, '${{ x }}']",
        "[perl, -e, '${{ x }}']",
    ] {
        let found = findings(&bare_task(&format!("run: {run}")));
        assert!(
            found.len() == 1 && found[0].starts_with("E0214 error 4:") && found[0].ends_with(PASTED),
            "{found:?}"
        );
    }
    // An argument of its own is data and no code.
    for run in
        ["[sh, script.sh, '${{ x }}']", "[sh, -c, 'echo \"$1\"', sh, '${{ x }}']", "[grep, -e, '${{ x }}']"]
    {
        let found = findings(&bare_task(&format!("run: {run}")));
        assert!(found.len() == 1 && found[0].starts_with("E0210 warning"), "{found:?}");
    }
    assert_eq!(findings(&task("shell: 'bash ${{ x }}'")), [format!("E0214 error 5:14 {PASTED}")]);
    for argv in [
        "[python3.11, -c, '${{ x }}']",
        "[perl, '-e${{ x }}']",
        "[perl, '-ne print ${{ x }}']",
        "[node, --eval, '${{ x }}']",
        "[node, '--eval=${{ x }}']",
        "[node, -p, '${{ x }}']",
        "[fish, -c, '${{ x }}']",
        "[pwsh, -Command, '${{ x }}']",
        "[/usr/bin/php8.2, -r, '${{ x }}']",
        "[busybox, sh, -c, '${{ x }}']",
        "[env, A=b, bash, -o, pipefail, -c, '${{ x }}']",
    ] {
        let found = findings(&bare_task(&format!("run: {argv}")));
        assert!(found.len() == 1 && found[0].ends_with(PASTED), "{argv} {found:?}");
    }
    for argv in
        ["[bash, deploy.sh, -e, '${{ x }}']", "[bash, deploy.sh, -p, '${{ x }}']", "[ssh, -e, '${{ x }}']"]
    {
        let found = findings(&bare_task(&format!("run: {argv}")));
        assert!(found.len() == 1 && found[0].starts_with("E0210 "), "{argv} {found:?}");
    }
}

#[test]
fn pasted_data_is_rewritten() {
    let cases = [
        (
            "run: git checkout ${{ inputs.branch }}",
            r#"write `env: {BRANCH: "${{ inputs.branch }}"}`, and `"$BRANCH"` in the text"#,
        ),
        (
            "run: [python3, -c, 'f(${{ a.x }}, ${{ b[\"y\"] }}, ${{ a.x }})']",
            r#"write `env: {X: "${{ a.x }}", Y: "${{ b['y'] }}"}`, and `os.environ["X"]`, `os.environ["Y"]` in the text"#,
        ),
        ("run: f(${{ x }})\nshell: node", r#"write `env: {X: "${{ x }}"}`, and `process.env.X` in the text"#),
        ("run: [pwsh, -Command, '${{ x }}']", r#"write `env: {X: "${{ x }}"}`, and `$env:X` in the text"#),
        ("run: 'a ${{'", "give the data to the program by `env`, `stdin`, or an argument of its own"),
    ];
    for (keys, expected) in cases {
        assert_eq!(advice(&bare_task(&keys.replace("\\\"", "\""))), [expected], "{keys}");
    }
}

#[test]
fn names_that_other_tools_use_are_understood_and_refused() {
    for (key, meant) in
        [("needs", "depends_on"), ("after", "depends_on"), ("environment", "env"), ("workdir", "cwd")]
    {
        let text = task(&format!("{key}: [b]"));
        assert_eq!(findings(&text), [format!("E0205 error 5:7 a task has no key `{key}`")]);
        assert_eq!(advice(&text), [format!("did you mean `{meant}`?")]);
    }
    // In `step_config` there are no dependencies to mean.
    assert_eq!(
        findings(&node("step_config: {needs: [b], run: x}")),
        ["E0205 warning 6:25 `step_config` has no key `needs`"]
    );
}
