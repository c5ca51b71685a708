//! Scripts, Python functions, and what programs get of the environment and of standard input.

use super::*;
use crate::model::workflow::InheritEnv;

// ---- Scripts

#[test]
fn a_script_is_a_file_of_the_project_with_arguments() {
    let script = |file: &str, args: &[&str]| ProgramSpec::Script { file: file.into(), args: texts(args) };
    let cases = [
        ("script: tools/report.py", script("tools/report.py", &[])),
        ("script: ./a.sh\nargs: [--level, 3, true, '']", script("./a.sh", &["--level", "3", "true", ""])),
        ("script: a\nargs: one", script("a", &["one"])),
        ("script: a\nargs: []", script("a", &[])),
        ("script: a\nargs:", script("a", &[])),
        ("script: tools/../a b.py", script("tools/../a b.py", &[])),
        ("script: 7", script("7", &[])),
    ];
    for (text, expected) in cases {
        assert_eq!(command(&bare_task(text)).program, expected, "{text}");
        let onex = node(&format!("step_config:\n  {}", text.replace('\n', "\n  ")));
        assert_eq!(command(&onex).program, expected, "{text}");
    }
    assert_eq!(command(&bare_task("script: a")).output, OutputFormat::Text);
}

#[test]
fn a_script_that_is_none_or_outside_is_refused() {
    let cases = [
        ("script: ''", "E0204 error 4:15 `script` names no file"),
        ("script: ' '", "E0204 error 4:15 `script` names no file"),
        ("script: tools/", "E0204 error 4:15 `script` names no file"),
        ("script: [a.py, b]", "E0203 error 4:15 `script` is text"),
        ("script: /bin/ls", "E0213 error 4:15 `script` leads out of the project root"),
        ("script: ../a.py", "E0213 error 4:15 `script` leads out of the project root"),
        ("script: a/../../b.py", "E0213 error 4:15 `script` leads out of the project root"),
        ("script: \"a\\0\"", "E0204 error 4:15 text for a program cannot hold a NUL byte"),
        ("script: a\nargs: [\"b\\0\"]", "E0204 error 5:14 text for a program cannot hold a NUL byte"),
        ("script: a\nargs: {b: c}", "E0203 error 5:13 `args` is a list"),
        ("script: a\nargs: [[b]]", "E0203 error 5:14 an item of `args` is text"),
        (
            "script: a\nargs: ['${{ inputs.x }}']",
            "E0210 warning 5:14 an expression (`${{ … }}`) is not carried out yet by this version of onex",
        ),
        ("script: a\nkwargs: {b: c}", "E0212 error 5:15 `kwargs` has no effect beside `script`"),
        ("script: a\nshell: bash", "E0207 error 5:14 4:15 `shell` chooses who runs a text, not a `script`"),
        ("script: a\nrun: b", "E0209 error 5:7 4:7 node `a` has two actions, `script` and `run`"),
    ];
    for (text, expected) in cases {
        assert_eq!(findings(&bare_task(text)), [expected], "{text}");
    }
    let help = "a program outside of the project is run by `run: [program, argument, …]`";
    assert_eq!(advice(&bare_task("script: /bin/ls")), [help]);
}

#[test]
fn arguments_beside_a_run_belong_into_its_list() {
    for (text, expected) in [
        ("run: [x]\nargs: [y]", "E0212 error 5:13 `args` has no effect beside `run`"),
        ("run: x\nkwargs: {y: z}", "E0212 error 5:15 `kwargs` has no effect beside `run`"),
    ] {
        assert_eq!(findings(&bare_task(text)), [expected]);
        let help = "write the arguments into `run: [program, argument, …]`";
        assert_eq!(advice(&bare_task(text)), [help]);
    }
}

// ---- Python

#[test]
fn a_python_function_is_named_with_its_module_and_gets_values() {
    let python = |text: &str| match command(&bare_task(text)).program {
        ProgramSpec::Python { module, function, args, kwargs } => {
            (module, function, Value::Array(args), Value::Object(*kwargs))
        }
        other => panic!("{other:?}"),
    };
    let (module, function, args, kwargs) = python(
        "python: a.b_2:run\nargs: [1, 2.5, yes, true, null, [x], {k: v}]\nkwargs: {deep: {n: 1}, wert_ä: ß}",
    );
    assert_eq!((module.as_str(), function.as_str()), ("a.b_2", "run"));
    assert_eq!(args, json!([1, 2.5, "yes", true, null, ["x"], {"k": "v"}]));
    assert_eq!(kwargs, json!({"deep": {"n": 1}, "wert_ä": "ß"}));
    let (module, function, args, kwargs) = python("python: m:Class.method\nargs:\nkwargs:");
    assert_eq!(
        (module.as_str(), function.as_str(), args, kwargs),
        ("m", "Class.method", json!([]), json!({}))
    );
    let in_onex = command(&node("step_config: {python: 'a:b', kwargs: {c: 1}}"));
    assert_eq!(in_onex.program, command(&bare_task("python: a:b\nkwargs: {c: 1}")).program);
}

#[test]
fn what_a_python_function_gives_is_a_value_unless_somebody_says_otherwise() {
    assert_eq!(command(&bare_task("python: a:b")).output, OutputFormat::Json);
    assert_eq!(command(&bare_task("python: a:b\noutput: lines")).output, OutputFormat::Lines);
    assert_eq!(command(&bare_task("python: a:b\noutput: none")).output, OutputFormat::None);
}

#[test]
fn what_names_no_function_is_refused() {
    for bad in [
        "a",
        "'a:'",
        "':b'",
        "a:b:c",
        "a.:b",
        ".a:b",
        "a..b:c",
        "1a:b",
        "a:2b",
        "a-b:c",
        "a b:c",
        "'a:b()'",
        "'a:b; import os'",
        "a/b:c",
        "''",
        "a.py:main.",
        "\"a:b\\n\"",
    ] {
        let found = findings(&bare_task(&format!("python: {bad}")));
        assert_eq!(found.len(), 1, "{bad} {found:?}");
        assert!(found[0].starts_with("E0204 error 4:15 `python` cannot be `"), "{bad} {found:?}");
        let help = advice(&bare_task(&format!("python: {bad}")));
        assert_eq!(help, ["write `package.module:function`"], "{bad}");
    }
}

#[test]
fn the_arguments_of_a_function_are_a_list_and_a_mapping() {
    let cases = [
        ("python: [a]", "E0203 error 4:15 `python` is text"),
        ("python: a:b\nargs: x", "E0203 error 5:13 `args` is a list"),
        ("python: a:b\nargs: {x: 1}", "E0203 error 5:13 `args` is a list"),
        ("python: a:b\nkwargs: [x]", "E0203 error 5:15 `kwargs` is a mapping"),
        (
            "python: a:b\nargs: [{deep: ['${{ x }}']}]",
            "E0210 warning 5:13 an expression (`${{ … }}`) is not carried out yet by this version of onex",
        ),
        (
            "python: a:b\nkwargs: {k: '${{ x }}'}",
            "E0210 warning 5:15 an expression (`${{ … }}`) is not carried out yet by this version of onex",
        ),
        ("python: a:b\nshell: bash", "E0207 error 5:14 4:15 `shell` chooses who runs a text, not a `python`"),
    ];
    for (text, expected) in cases {
        assert_eq!(findings(&bare_task(text)), [expected], "{text}");
    }
}

// ---- Environment and standard input

#[test]
fn what_is_inherited_of_the_environment_is_all_nothing_or_a_list() {
    let inherit = |text: &str| command(&task(&format!("inherit_env: {text}"))).inherit_env;
    let only = |names: &[&str]| InheritEnv::Only(texts(names));
    let cases = [
        ("all", InheritEnv::All),
        ("true", InheritEnv::All),
        ("none", InheritEnv::None),
        ("false", InheritEnv::None),
        ("[]", only(&[])),
        ("[HOME, PATH]", only(&["HOME", "PATH"])),
        ("", InheritEnv::All),
    ];
    for (text, expected) in cases {
        assert_eq!(inherit(text), expected, "{text}");
    }
    assert_eq!(command(&node("step_config: {run: x, inherit_env: none}")).inherit_env, InheritEnv::None);
    assert_eq!(
        findings(&node("inherit_env: none")),
        ["E0212 error 6:11 `inherit_env` has no effect in a node"]
    );
    let cases = [
        ("some", "E0204 error 5:20 `inherit_env` cannot be `some`"),
        ("{PATH: yes}", "E0203 error 5:20 `inherit_env` is `all`, `none`, or a list of names"),
        ("[[PATH]]", "E0203 error 5:21 an item of `inherit_env` is text"),
        ("[\"A\\0\"]", "E0204 error 5:21 text for a program cannot hold a NUL byte"),
    ];
    for (text, expected) in cases {
        assert_eq!(findings(&task(&format!("inherit_env: {text}"))), [expected], "{text}");
    }
}

#[test]
fn a_node_that_has_the_terminal_runs_alone() {
    for action in ["run: x", "run: [x]", "script: a", "python: a:b"] {
        let node = first(&bare_task(&format!("{action}\nstdin: inherit")));
        assert!(node.runs_alone(), "{action}");
        assert!(!first(&bare_task(&format!("{action}\nstdin: text"))).runs_alone(), "{action}");
        assert!(!first(&bare_task(action)).runs_alone(), "{action}");
        let Some(Action::Command(command)) = node.action else { panic!("a command") };
        assert_eq!(command.stdin, Stdin::Inherit, "{action}");
    }
    assert!(!first(&bare_task("enabled: true")).runs_alone(), "it does nothing");
}
