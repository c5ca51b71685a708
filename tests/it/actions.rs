//! What a node can run, and what that gets: scripts, Python functions, plain words, environments, standard input.

use std::os::unix::fs::{PermissionsExt, symlink};

use serde_json::{Value, json};

use crate::support::{Ended, Folder, endings, result};

/// A contract of the workflow dialect with these tasks.
fn tasks(tasks: &str) -> Folder {
    Folder::with(&format!(
        "workflow:\n  name: t\n  coordination: {{rules: {{fail_fast: false}}}}\n  tasks:\n{tasks}"
    ))
}

fn value<'r>(report: &'r Value, id: &str) -> &'r Value {
    &result(report, id)["value"]
}

fn message<'r>(report: &'r Value, id: &str) -> &'r str {
    result(report, id)["error"]["message"].as_str().unwrap_or_else(|| panic!("{report:#}"))
}

fn set_mode(folder: &Folder, file: &str, mode: u32) {
    std::fs::set_permissions(folder.path().join(file), PermissionsExt::from_mode(mode)).unwrap();
}

// ---- Scripts

#[test]
fn a_script_is_run_by_what_its_name_or_its_first_line_says() {
    let folder = tasks(
        r"    - {id: python, script: tools/a.py, args: [one, 'two three', $HOME, '*']}
    - {id: shell, script: tools/b.sh, args: [one, 'two three', $HOME, '*']}
    - {id: shebang, script: tools/c, args: [x]}
    - {id: with_argument, script: tools/d, args: [x]}
    - {id: env, script: tools/e}
    - {id: carriage, script: tools/f}
    - {id: binary, script: tools/g, args: [-n, x]}
    - {id: own, script: tools/own.sh}
",
    );
    folder.write("tools/a.py", "import sys\nprint(sys.argv[1:])\n");
    folder.write("tools/b.sh", "for a in \"$@\"; do echo \"$a\"; done\n");
    folder.write("tools/c", "#!/bin/sh\necho \"c $1\"\n");
    folder.write("tools/d", "#! /bin/sh -u\necho \"d $1 $-\"\n");
    folder.write("tools/e", "#!/usr/bin/env python3\nprint('e')\n");
    folder.write("tools/f", "#!/bin/cat\r\nf\r\n");
    folder.write("tools/own.sh", "#!/usr/bin/env python3\nprint('its first line counts')\n");
    std::fs::copy("/bin/echo", folder.path().join("tools/g")).unwrap();
    // None of them needs to be executable but the one that nobody interprets.
    set_mode(&folder, "tools/g", 0o755);
    for script in ["a.py", "b.sh", "c", "d", "e", "f"] {
        set_mode(&folder, &format!("tools/{script}"), 0o644);
    }
    let report = folder.report(&[]);
    assert_eq!(value(&report, "python"), "['one', 'two three', '$HOME', '*']", "{report:#}");
    assert_eq!(value(&report, "shell"), "one\ntwo three\n$HOME\n*");
    assert_eq!(value(&report, "shebang"), "c x");
    let with_argument = value(&report, "with_argument").as_str().unwrap();
    assert!(with_argument.starts_with("d x ") && with_argument.contains('u'), "{with_argument}");
    assert_eq!((value(&report, "env"), value(&report, "binary")), (&json!("e"), &json!("x")));
    assert_eq!(value(&report, "carriage"), "#!/bin/cat\r\nf");
    assert_eq!(value(&report, "own"), "its first line counts");
    assert_eq!(report["exit_code"], 0);
}

#[test]
fn a_script_is_found_from_the_root_and_works_where_it_is_told() {
    let folder = tasks(
        r"    - {id: a, script: tools/where.sh, cwd: sub}
    - {id: b, script: -odd.sh}
    - {id: c, script: a b.sh}
    - {id: d, script: tools/../tools/where.sh}
    - {id: linked, script: link.sh}
",
    );
    folder.write("tools/where.sh", "basename \"$PWD\"; basename \"$0\"\n");
    folder.write("-odd.sh", "echo odd\n");
    folder.write("a b.sh", "echo space\n");
    folder.write("sub/file", "");
    symlink("tools/where.sh", folder.path().join("link.sh")).unwrap();
    let report = folder.report(&[]);
    assert_eq!(value(&report, "a"), "sub\nwhere.sh", "{report:#}");
    assert_eq!((value(&report, "b"), value(&report, "c")), (&json!("odd"), &json!("space")));
    assert_eq!(report["exit_code"], 0);
    assert!(value(&report, "linked").as_str().unwrap().ends_with("link.sh"), "under the name it was given");
}

#[test]
fn a_script_that_cannot_be_run_is_a_failure_to_start() {
    let folder = tasks(
        r"    - {id: missing, script: tools/nothing.py}
    - {id: folder, script: tools}
    - {id: not_executable, script: plain}
    - {id: no_interpreter, script: lost}
    - {id: dangling, script: dangling.sh}
",
    );
    folder.write("tools/file", "");
    folder.write("plain", "echo hello\n");
    folder.write("lost", "#!/no/such/interpreter\n");
    symlink("nowhere", folder.path().join("dangling.sh")).unwrap();
    let report = folder.report(&[]);
    for id in ["missing", "folder", "not_executable", "no_interpreter", "dangling"] {
        let result = result(&report, id);
        assert_eq!(
            (&result["reason"], &result["error"]["kind"], &result["return_code"]),
            (&json!("spawn"), &json!("SpawnError"), &json!(null)),
            "{id}: {result:#}"
        );
    }
    assert!(message(&report, "missing").contains("tools/nothing.py"));
    assert!(message(&report, "no_interpreter").contains("/no/such/interpreter"));
    assert_eq!(report["exit_code"], 1);
    folder.assert_clean();
}

#[test]
fn a_script_outside_of_the_project_is_denied_even_through_a_link() {
    let outside = Folder::new();
    outside.write("evil.sh", "touch ran\n");
    let folder = tasks("    - {id: file, script: link.sh}\n    - {id: folder, script: up/evil.sh}\n");
    symlink(outside.path().join("evil.sh"), folder.path().join("link.sh")).unwrap();
    symlink(outside.path(), folder.path().join("up")).unwrap();
    let report = folder.report(&[]);
    assert_eq!(endings(&report), ["file failed policy", "folder failed policy"]);
    assert_eq!((&report["exit_code"], folder.exists("ran")), (&json!(5), false));
    assert!(message(&report, "file").contains("leads out of the project root"));
}

// ---- Python

const FUNCTIONS: &str = r#"
import math, os, sys

def echo(*args, **kwargs):
    return {"args": args, "kwargs": kwargs}

def says(text):
    print("printed", text)
    os.system("echo from a child")
    sys.stdout.write("written\n")
    return text

def fails(kind="ValueError", message="no"):
    raise getattr(__import__("builtins"), kind)(message)

class OwnError(Exception):
    pass

def own():
    raise OwnError("mine: ä")

def leaves(code):
    sys.exit(code)

def nan():
    return math.nan

def strange():
    return {1, 2}

def circle():
    a = []
    a.append(a)
    return a

def nothing():
    pass

def text():
    return "ä 日本 😀 \u0000 \x1b[31m"

def environment(name):
    return os.environ.get(name)

def outputs(path=None):
    with open(os.environ["ONEX_NODE_OUTPUT"], "w") as file:
        file.write('{"count": 3}')
    return True

def reads():
    return sys.stdin.read()

def arguments():
    return sys.argv

class Tool:
    @staticmethod
    def run(n):
        return n + 1

value = 5
"#;

/// The functions above as `work.steps`, called by tasks that only differ in their name and call.
fn python(calls: &[(&str, &str)]) -> Folder {
    let list: String =
        calls.iter().map(|(id, call)| format!("    - {{id: {id}, python: 'work.steps:{call}}}\n")).collect();
    let folder = tasks(&list);
    folder.write("work/steps.py", FUNCTIONS);
    folder
}

#[test]
fn a_python_function_gets_values_and_gives_one() {
    let folder = python(&[
        ("echo", "echo', args: [1, 2.5, ä, true, null, [x, {y: z}]], kwargs: {deep: {n: -1}, name: '$HOME'}"),
        ("nothing", "nothing'"),
        ("method", "Tool.run', args: [41]"),
        ("text", "text'"),
        ("outputs", "outputs'"),
        ("argv", "arguments'"),
        ("lines", "says', args: [a], output: text"),
        ("stdin", "reads', stdin: given"),
        ("env", "environment', args: [A], env: {A: b}"),
    ]);
    let report = folder.report(&[]);
    assert_eq!(report["exit_code"], 0, "{report:#}");
    assert_eq!(
        value(&report, "echo"),
        &json!({"args": [1, 2.5, "ä", true, null, ["x", {"y": "z"}]], "kwargs": {"deep": {"n": -1}, "name": "$HOME"}})
    );
    assert_eq!((value(&report, "nothing"), value(&report, "method")), (&json!(null), &json!(42)));
    assert_eq!(value(&report, "text"), "ä 日本 😀 \0 \x1b[31m");
    assert_eq!(value(&report, "argv"), &json!(["work.steps"]));
    assert_eq!(result(&report, "outputs")["outputs"], json!({"count": 3}));
    assert_eq!(value(&report, "lines"), "\"a\"");
    assert_eq!((value(&report, "stdin"), value(&report, "env")), (&json!("given"), &json!("b")));
    folder.assert_clean();
}

#[test]
fn what_a_function_prints_is_beside_its_value() {
    let folder = python(&[("says", "says', args: [ü]")]);
    let report = folder.report(&[]);
    let says = result(&report, "says");
    assert_eq!((&says["value"], &says["stdout"]), (&json!("ü"), &json!("\"ü\"\n")));
    let stderr = says["stderr"].as_str().unwrap();
    for printed in ["printed ü\n", "from a child\n", "written\n"] {
        assert!(stderr.contains(printed), "{stderr}");
    }
}

#[test]
fn an_exception_is_told_by_its_name_and_its_words() {
    let folder = python(&[
        ("value", "fails', args: [ValueError, 'bad ä']"),
        ("key", "fails', kwargs: {kind: KeyError, message: k}"),
        ("own", "own'"),
        ("argument", "nothing', args: [1]"),
        ("no_function", "nowhere'"),
        ("no_callable", "value'"),
    ]);
    let report = folder.report(&[]);
    for (id, kind, told) in [
        ("value", "ValueError", "bad ä"),
        ("key", "KeyError", "'k'"),
        ("own", "OwnError", "mine: ä"),
        ("argument", "TypeError", "nothing() takes 0 positional arguments"),
        ("no_function", "AttributeError", "nowhere"),
        ("no_callable", "TypeError", "not callable"),
    ] {
        let result = result(&report, id);
        assert_eq!(
            (&result["reason"], &result["error"]["kind"]),
            (&json!("exit_code"), &json!(kind)),
            "{id}"
        );
        assert!(message(&report, id).contains(told), "{id}: {}", message(&report, id));
        let stderr = result["stderr"].as_str().unwrap();
        // Where it was raised before any line of the project ran, there is no way to it to be told.
        assert_eq!(stderr.contains("Traceback"), ["value", "key", "own"].contains(&id), "{id}: {stderr}");
        assert!(stderr.contains(kind) && !stderr.contains("<string>"), "{id}: {stderr}");
    }
    assert_eq!(report["exit_code"], 1);
}

#[test]
fn a_kind_of_exception_can_be_what_is_repeated() {
    let folder = tasks(
        r"    - {id: yes, python: 'steps:fails', args: [yes, ValueError], retry: {max_attempts: 3, initial_delay: 0, retry_on: [ValueError]}}
    - {id: other, python: 'steps:fails', args: [other, KeyError], retry: {max_attempts: 3, initial_delay: 0, retry_on: [ValueError]}}
",
    );
    folder.write(
        "steps.py",
        "def fails(name, kind):\n    open(name, 'a').write('x')\n    raise getattr(__import__('builtins'), kind)('no')\n",
    );
    let report = folder.report(&[]);
    assert_eq!((folder.read("yes"), folder.read("other")), ("xxx".into(), "x".into()), "{report:#}");
    assert_eq!(message(&report, "yes"), "ValueError: no after 3 attempts");
}

#[test]
fn a_value_that_is_none_is_a_failure_that_says_why() {
    let folder = python(&[("nan", "nan'"), ("strange", "strange'"), ("circle", "circle'")]);
    let report = folder.report(&[]);
    for (id, kind, told) in [
        ("nan", "ValueError", "not JSON compliant"),
        ("strange", "TypeError", "not JSON serializable"),
        ("circle", "ValueError", "Circular reference"),
    ] {
        assert_eq!(result(&report, id)["error"]["kind"], kind, "{id}: {report:#}");
        assert!(message(&report, id).contains(told), "{id}: {}", message(&report, id));
        assert_eq!(value(&report, id), &json!(null));
    }
}

#[test]
fn a_function_that_leaves_says_how() {
    let folder = python(&[
        ("three", "leaves', args: [3]"),
        ("text", "leaves', args: [why]"),
        ("zero", "leaves', args: [0]"),
    ]);
    let report = folder.report(&[]);
    assert_eq!(endings(&report), ["three failed exit_code", "text failed exit_code", "zero failed protocol"]);
    assert_eq!(
        (&result(&report, "three")["return_code"], message(&report, "three")),
        (&json!(3), "exit code 3")
    );
    assert_eq!(
        (&result(&report, "text")["return_code"], message(&report, "text")),
        (&json!(1), "exit code 1")
    );
    assert!(result(&report, "text")["stderr"].as_str().unwrap().contains("why"));
    // It gave no value, and so broke its word.
    assert_eq!(report["exit_code"], 4);
}

#[test]
fn a_module_that_is_not_there_or_broken_is_told_by_name() {
    let folder = tasks(
        "    - {id: missing, python: 'no_such_module:f'}\n    - {id: broken, python: 'broken:f'}\n    - {id: below, python: 'work.none:f'}\n",
    );
    folder.write("broken.py", "def f(:\n");
    folder.write("work/__init__.py", "");
    let report = folder.report(&[]);
    for (id, kind, told) in [
        ("missing", "ModuleNotFoundError", "no_such_module"),
        ("broken", "SyntaxError", "invalid syntax"),
        ("below", "ModuleNotFoundError", "work.none"),
    ] {
        assert_eq!(result(&report, id)["error"]["kind"], kind, "{id}: {report:#}");
        assert!(message(&report, id).contains(told), "{id}: {}", message(&report, id));
    }
}

#[test]
fn a_function_is_looked_for_where_its_node_works() {
    let folder = tasks("    - {id: a, python: 'local:f', cwd: sub}\n");
    folder.write("sub/local.py", "def f():\n    return 'sub'\n");
    folder.write("local.py", "def f():\n    return 'root'\n");
    assert_eq!(value(&folder.report(&[]), "a"), "sub");
}

#[test]
fn without_python_a_function_cannot_start() {
    let folder = tasks("    - {id: a, python: 'm:f', env: {PATH: /nowhere}}\n");
    let report = folder.report(&[]);
    assert_eq!(endings(&report), ["a failed spawn"]);
    assert!(message(&report, "a").contains("python3"), "{}", message(&report, "a"));
}

// ---- Environment

#[test]
fn what_a_node_inherits_is_what_it_says() {
    let folder = tasks(
        r"    - {id: all, run: [/usr/bin/env], output: lines}
    - {id: none, run: [/usr/bin/env], output: lines, inherit_env: none, env: {A: own}}
    - {id: list, run: [/usr/bin/env], output: lines, inherit_env: [B, MISSING, C*]}
    - {id: empty, run: [/usr/bin/env], output: lines, inherit_env: []}
    - {id: shell, run: 'set -- $(env); echo $#; env', output: lines, inherit_env: none}
    - {id: by_name, run: [env], output: lines, inherit_env: none}
    - {id: words, run: env, output: lines, inherit_env: none}
    - {id: python, python: 'os:getenv', args: [A], inherit_env: none}
",
    );
    let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    let ended = Ended::of(&command.env("A", "1").env("B", "2").env("C", "3").output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(ended.code, 0, "{report:#}");
    // Beside what `onex` itself and the shell add.
    let names = |id: &str| -> Vec<String> {
        let lines = value(&report, id).as_array().unwrap().iter().map(|l| l.as_str().unwrap().to_owned());
        let mut lines: Vec<_> = lines
            .filter(|l| {
                let own = ["ONEX_", "PWD=", "_=", "OLDPWD=", "SHLVL="];
                l.contains('=') && !own.iter().any(|o| l.starts_with(o))
            })
            .collect();
        lines.sort();
        lines
    };
    let inherited = names("all");
    assert!(["A=1", "B=2", "C=3"].iter().all(|v| inherited.contains(&(*v).to_owned())), "{inherited:?}");
    assert_eq!(names("none"), ["A=own"]);
    assert_eq!(names("list"), ["B=2"], "a name is a name and no pattern");
    for id in ["empty", "shell", "by_name", "words"] {
        assert_eq!(names(id), [""; 0], "{id}");
    }
    assert_eq!(value(&report, "python"), &json!(null));
    // Where the run and its results are, every node knows.
    let told = value(&report, "none").as_array().unwrap();
    assert!(told.iter().any(|l| l == "ONEX_NODE_ID=none"));
}

// ---- Plain words

/// Runs the same text as it stands and by the shell itself.
fn both_ways(texts: &[&str], prepare: impl Fn(&Folder)) {
    let mut list = String::new();
    for (n, text) in texts.iter().enumerate() {
        list += &format!("    - {{id: w{n}, run: {}}}\n", json!(text));
        list += &format!("    - {{id: s{n}, run: [/bin/sh, -eu, -c, {}]}}\n", json!(text));
    }
    let folder = tasks(&list);
    prepare(&folder);
    let report = folder.report(&[]);
    for (n, text) in texts.iter().enumerate() {
        let end = |id: String| {
            let r = result(&report, &id);
            ["status", "reason", "return_code", "signal", "stdout", "value"].map(|key| r[key].clone())
        };
        assert_eq!(end(format!("w{n}")), end(format!("s{n}")), "{text}");
    }
}

#[test]
fn a_text_of_plain_words_does_what_a_shell_would() {
    let texts = [
        "/bin/echo a  b   c",
        "  /bin/echo lead",
        "env -i /bin/echo x",
        "printenv ONEX_RUN_ID",
        "sh -c exit",
        "ls no-such-file",
        "python3 exits.py 7",
        "no-such-program with arguments",
        "./no-such-file",
        "./plain",
        "./folder",
        "./tool x",
        "tools/tool x",
        "./bare x",
        "expr 1 + 1",
        "basename a=b",
        "printenv PWD",
        "python3 name.py",
        "cat contract.yaml",
        "echo -n x",
        "false",
        "exit 3",
        "cd folder",
    ];
    both_ways(&texts, |folder| {
        folder.write("exits.py", "import sys\nsys.exit(int(sys.argv[1]))\n");
        folder.write("name.py", "import sys\nprint(sys.argv)\n");
        folder.write("plain", "echo hello\n");
        folder.write("folder/file", "");
        for (name, text) in [
            ("tool", "#!/bin/sh\necho \"tool $1\"\n"),
            ("tools/tool", "#!/bin/sh\nbasename \"$0\"; echo \"$1\"\n"),
        ] {
            folder.write(name, text);
            set_mode(folder, name, 0o755);
        }
        std::fs::copy("/bin/echo", folder.path().join("bare")).unwrap();
        set_mode(folder, "bare", 0o755);
    });
}

#[test]
fn a_program_that_is_missing_is_told_by_the_shell_or_by_onex() {
    let folder = tasks(
        "    - {id: text, run: no-such-program x}\n    - {id: list, run: [no-such-program, x]}\n    - {id: denied, run: ./plain}\n    - {id: denied_list, run: [./plain]}\n",
    );
    folder.write("plain", "echo hello\n");
    let report = folder.report(&[]);
    assert_eq!(
        endings(&report),
        ["text failed exit_code", "list failed spawn", "denied failed exit_code", "denied_list failed spawn"]
    );
    assert_eq!(result(&report, "text")["return_code"], 127);
    assert_eq!(result(&report, "denied")["return_code"], 126);
    assert!(result(&report, "text")["stderr"].as_str().unwrap().contains("no-such-program"));
    assert_eq!(message(&report, "list"), "no program `no-such-program` in PATH");
}

#[test]
fn variables_that_a_shell_drops_are_dropped_for_plain_words_too() {
    let folder = tasks(
        "    - {id: words, run: env, output: lines}\n    - {id: shell, run: 'env # x', output: lines}\n",
    );
    let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    let ended = Ended::of(&command.env("no-identifier", "1").env("fine", "2").output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let seen = |id: &str, name: &str| {
        let lines = value(&report, id).as_array().unwrap();
        lines.iter().any(|line| line.as_str().unwrap().starts_with(name))
    };
    assert_eq!(seen("words", "no-identifier="), seen("shell", "no-identifier="));
    assert!(seen("words", "fine=") && seen("shell", "fine="));
}

// ---- Standard input

#[test]
fn long_input_and_long_output_do_not_wait_for_each_other() {
    let text = "x".repeat(3_000_000);
    let folder = tasks(&format!(
        r#"    - {{id: count, run: [wc, -c], stdin: &long {text}}}
    - {{id: echo, run: [cat], stdin: *long}}
    - {{id: writes_first, run: "head -c 3000000 /dev/zero; wc -c >&2", stdin: *long}}
    - {{id: both, run: "tee /dev/stderr | tail -c 5", stdin: *long}}
    - {{id: reads_none, run: [/bin/true], stdin: *long}}
    - {{id: reads_some, run: [head, -c, '5'], stdin: *long}}
    - {{id: closes, run: 'exec <&-; echo closed', stdin: *long}}
    - {{id: python, python: 'steps:length', stdin: *long}}
    - {{id: nothing, run: [wc, -c]}}
"#
    ));
    folder.write("steps.py", "import sys\ndef length():\n    return len(sys.stdin.read())\n");
    let report = folder.report(&[]);
    assert_eq!(report["exit_code"], 0, "{:?}", endings(&report));
    let number = |id: &str| value(&report, id).as_str().unwrap().trim().to_owned();
    assert_eq!((number("count"), number("nothing")), ("3000000".to_owned(), "0".to_owned()));
    assert_eq!(result(&report, "echo")["truncated"], true);
    assert_eq!(result(&report, "writes_first")["stderr"].as_str().unwrap().trim(), "3000000");
    assert_eq!((value(&report, "both"), value(&report, "reads_some")), (&json!("xxxxx"), &json!("xxxxx")));
    assert_eq!((value(&report, "closes"), value(&report, "python")), (&json!("closed"), &json!(3_000_000)));
    folder.assert_clean();
}

#[test]
fn standard_input_reaches_a_program_byte_for_byte() {
    let folder = tasks(
        "    - {id: odd, run: [od, -An, -tx1], stdin: \"a\\0ä\\r\\n\\x7f\"}\n    - {id: empty, run: [wc, -c], stdin: ''}\n",
    );
    let report = folder.report(&[]);
    assert_eq!(value(&report, "odd").as_str().unwrap().trim(), "61 00 c3 a4 0d 0a 7f");
    assert_eq!(value(&report, "empty").as_str().unwrap().trim(), "0");
}

#[test]
fn what_onex_reads_is_read_by_the_node_that_inherits_it_and_by_no_other() {
    let folder = tasks(
        "    - {id: first, run: [cat]}\n    - {id: asks, run: 'head -n 1', stdin: inherit, depends_on: [first]}\n    - {id: last, run: [cat], depends_on: [asks]}\n",
    );
    folder.write("given", "yes\n");
    let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    command.stdin(std::fs::File::open(folder.path().join("given")).unwrap());
    let ended = Ended::of(&command.output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let values = ["first", "asks", "last"].map(|id| value(&report, id).clone());
    assert_eq!((values, ended.code), ([json!(""), json!("yes"), json!("")], 0), "{report:#}");
}

#[test]
fn a_node_that_has_the_terminal_runs_beside_no_other() {
    // Each counts those that run beside it.
    let mut list = String::new();
    for n in 0..12 {
        let more = if n % 4 == 1 { ", stdin: inherit" } else { "" };
        list += &format!(
            "    - {{id: n{n}, run: 'touch run.$$; sleep 0.02; ls run.* | wc -l; rm run.$$'{more}}}\n"
        );
    }
    let report = tasks(&list).report(&["--jobs", "4"]);
    assert_eq!(report["exit_code"], 0, "{report:#}");
    for n in (1..12).step_by(4) {
        assert_eq!(value(&report, &format!("n{n}")).as_str().unwrap().trim(), "1");
    }
}

// ---- Resources

#[test]
fn a_node_takes_no_more_of_the_machine_than_it_may() {
    let folder = tasks(
        r"    - {id: free, python: 'steps:take'}
    - {id: bound, python: 'steps:take', resources: {memory: 512MB}}
    - {id: one, run: [nproc], resources: {cpu: 1}}
",
    );
    folder.write("steps.py", "def take():\n    return len(bytearray(600 * 1024 * 1024))\n");
    let report = folder.report(&[]);
    assert_eq!(value(&report, "free"), 600 << 20);
    assert_eq!(result(&report, "bound")["error"]["kind"], "MemoryError", "{report:#}");
    assert_eq!(value(&report, "one"), "1");
}

#[test]
fn what_is_no_text_is_refused_by_its_name() {
    let folder = tasks(
        "    - {id: lone, python: 'odd:lone'}
    - {id: words, python: 'odd:words', retry: {max_attempts: 2, initial_delay: 0, retry_on: [ValueError]}}
    - {id: mute, python: 'odd:mute'}
    - {id: refused, python: 'odd:refused', retry: {max_attempts: 3, initial_delay: 0, retry_on: [ConnectionError]}}
",
    );
    folder.write(
        "odd.py",
        "def lone(): return '\\udcff'\ndef words(): raise ValueError('\\udcff' + 'x' * 100000)\n\
         class Mute(Exception):\n  def __str__(self): raise Exception('no')\ndef mute(): raise Mute()\n\
         def refused(): raise ConnectionRefusedError('x')\n",
    );
    let report = folder.report(&[]);
    let of =
        |id: &str| (result(&report, id)["error"]["kind"].clone(), result(&report, id)["attempts"].clone());
    assert_eq!(of("lone"), (json!("UnicodeEncodeError"), json!(1)), "{report:#}");
    assert_eq!(of("words"), (json!("ValueError"), json!(2)));
    assert!(message(&report, "words").len() < 5000);
    assert_eq!(of("mute"), (json!("Mute"), json!(1)));
    assert_eq!(of("refused"), (json!("ConnectionRefusedError"), json!(3)));
}

#[test]
fn plain_words_end_as_a_shell_tells_it() {
    let folder = tasks(
        "    - {id: naked, run: ./naked x}
    - {id: lost, run: ./lost x}
    - {id: killed, run: ./killed}
    - {id: quoted, run: './killed \"\"'}
    - {id: name, run: ./name}
",
    );
    let program = |name: &str, text: &str| {
        let path = folder.write(name, text);
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    };
    program("naked", "echo naked $1\n");
    program("lost", "#!/no/such/interpreter\n");
    program("killed", "#!/bin/sh\nkill -KILL $$\n");
    program("name", "#!/bin/sh\necho $0\n");
    let report = folder.report(&[]);
    let of = |id: &str| (result(&report, id)["return_code"].clone(), result(&report, id)["value"].clone());
    assert_eq!(of("naked"), (json!(0), json!("naked x")), "{report:#}");
    assert_eq!(of("lost").0, 127);
    assert_eq!((of("killed").0, of("quoted").0), (json!(137), json!(137)));
    assert_eq!(of("name"), (json!(0), json!("./name")));
}
