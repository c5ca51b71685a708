//! What data says reaches programs byte for byte, and is nothing but data on its way. That inputs are not pasted into text
//! for an interpreter is shown in `commands.rs` and by the pages of E0214; commands for GitHub in what nodes print are
//! shown in `github.rs`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{ask, ask_with, quoted, repository};
use crate::support::{Folder, result};

/// Texts that somebody on the way could take for more than data.
const HOSTILE: [&str; 22] = [
    "\";touch pwned;#",
    "$(touch pwned)",
    "`touch pwned`",
    "';touch pwned;'",
    "a\nb\n\nc",
    "\n::set-output name=x::y\n##[error]x",
    "--upload-pack=touch pwned",
    "-n",
    "--",
    "%s%n%x\\n\\0",
    "* ? [a-z] ~ !! {a,b}",
    "${IFS}$PATH$0",
    "&& touch pwned || touch pwned",
    "| touch pwned",
    "\\",
    "\\\\'\"",
    " leading and trailing ",
    "\ttab\t",
    "é日本\u{202e}\u{1f600}",
    "!include /etc/passwd",
    "{{ 7 * 7 }} <%= 7 %>",
    "=x; A=B",
];

fn report(folder: &Folder, arguments: &[&str]) -> Value {
    let ended = ask(folder, &[&["orch", "--format", "json"], arguments].concat());
    serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"))
}

#[test]
fn every_way_into_a_program_keeps_every_byte() {
    let folder = Folder::new();
    folder.write("echo.sh", "printf '%s|' \"$#\" \"$@\"\n");
    folder.write(
        "ways.py",
        "import json, os\ndef same(*args, **kwargs): return [list(args), kwargs]\n\
         def result(): return json.loads(os.environ['ONEX_NODE_RESULTS'])['nodes']['give']['value']\n\
         def outputs(): return json.loads(os.environ['ONEX_NODE_RESULTS'])['nodes']['out']['outputs']\n",
    );
    for text in HOSTILE {
        let word = quoted(text);
        let call = quoted(
            "import json,os,sys; open(os.environ['ONEX_NODE_OUTPUT'],'w').write(json.dumps({'x': sys.argv[1]}))",
        );
        folder.write(
            "contract.yaml",
            format!(
                "workflow:\n  tasks:\n\
                 \x20   - {{id: argv, run: [printf, '%s|%s', {word}, {word}]}}\n\
                 \x20   - {{id: script, script: echo.sh, args: [{word}, '', {word}]}}\n\
                 \x20   - {{id: env, run: 'printf %s \"$X\"', env: {{X: {word}}}}}\n\
                 \x20   - {{id: stdin, run: cat, stdin: {word}}}\n\
                 \x20   - {{id: python, python: 'ways:same', args: [{word}, [{word}]], kwargs: {{k: {word}}}}}\n\
                 \x20   - {{id: give, run: [python3, -c, 'import sys; sys.stdout.write(sys.argv[1] + \"\\n\")', {word}]}}\n\
                 \x20   - {{id: take, python: 'ways:result', depends_on: [give]}}\n\
                 \x20   - {{id: out, run: [python3, -c, {call}, {word}]}}\n\
                 \x20   - {{id: read, python: 'ways:outputs', depends_on: [out]}}\n"
            ),
        );
        let report = report(&folder, &["--contract", "contract.yaml"]);
        assert_eq!(report["status"], "success", "{text:?}: {report:#}");
        let stdout = |id: &str| result(&report, id)["stdout"].as_str().unwrap();
        assert_eq!(stdout("argv"), format!("{text}|{text}"));
        assert_eq!(stdout("script"), format!("3|{text}||{text}|"));
        assert_eq!(stdout("env"), text);
        assert_eq!(stdout("stdin"), text);
        assert_eq!(result(&report, "python")["stdout"].as_str().unwrap().trim_end(), {
            let expected = json!([[text, [text]], {"k": text}]);
            python_json(&expected)
        });
        let taken: Value = serde_json::from_str(stdout("take")).unwrap();
        assert_eq!(taken, json!(text.trim_end_matches('\n')), "{text:?}");
        let read: Value = serde_json::from_str(stdout("read")).unwrap();
        assert_eq!(read, json!({"x": text}));
        assert!(!folder.exists("pwned"), "{text:?}");
    }
}

/// JSON as Python writes it: a space after each comma and colon.
fn python_json(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(python_json).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let pairs = map.iter().map(|(key, value)| format!("{}: {}", quoted(key), python_json(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        // Which writes DEL as it is, and so does this.
        other => other.to_string(),
    }
}

#[test]
fn a_zero_byte_reaches_nobody() {
    let ways = [
        r#"{id: a, run: [printf, "a\0b"]}"#,
        r#"{id: a, run: "printf a\0b"}"#,
        r#"{id: a, run: env, env: {X: "a\0b"}}"#,
        r#"{id: a, run: env, env: {"X\0Y": b}}"#,
        r#"{id: a, script: x.sh, args: ["a\0b"]}"#,
        r#"{id: a, script: "x.sh\0.py"}"#,
        r#"{id: a, run: env, cwd: "a\0b"}"#,
    ];
    for way in ways {
        let folder = Folder::with(&format!("workflow: {{tasks: [{way}]}}\n"));
        folder.write("x.sh", "touch pwned\n");
        let ended = ask(&folder, &["orch", "--contract", "contract.yaml", "--format", "json"]);
        assert!(matches!(ended.code, 1 | 2 | 5) && !folder.exists("pwned"), "{way}: {ended:?}");
    }
}

#[test]
fn names_of_files_arrive_as_they_are_and_look_like_no_option() {
    let names: Vec<String> = HOSTILE
        .iter()
        .map(|text| text.replace('/', "_"))
        .chain([
            "-rf".to_owned(),
            "--help".to_owned(),
            ":(exclude)a".to_owned(),
            ":/".to_owned(),
            "a:b".to_owned(),
        ])
        .map(|name| name.replace('/', "_"))
        .collect();
    let folder = repository();
    folder.write(
        "show.onex.yaml",
        "name: show\nversion: 1.0.0\nmeta_type: validator\nlifecycle: canary\ntags: [pre-commit, ci]\nexclude: ['*.onex.yaml', '.git*']\n\
         files: ['*']\nentrypoint: {type: command, target: [sh, -c, 'printf \"%s\\0\" \"$@\" > \"$OUT\"', sh]}\n",
    );
    for name in &names {
        folder.write(name, "x");
    }
    folder.git(&["add", "--all"]);
    let out = folder.path().join("tmp/given");
    for (stage, more) in [("pre-commit", &[][..]), ("ci", &[]), ("ci", &["--changed-since", "HEAD"])] {
        if !more.is_empty() {
            folder.git(&["commit", "--quiet", "--message=x"]);
            for name in &names {
                folder.write(name, "y");
            }
        }
        let arguments = [&["orch", "--format", "json", "--stage", stage][..], more].concat();
        let ended = ask_with(&folder, &arguments, &[("OUT", out.to_str().unwrap())]);
        assert_eq!(ended.code, 0, "{ended:?}");
        let given = String::from_utf8(fs::read(&out).unwrap()).unwrap();
        let mut given: Vec<&str> = given.split_terminator('\0').collect();
        given.sort_unstable();
        assert!(given.iter().all(|name| !name.starts_with('-')), "{given:?}");
        let mut expected: Vec<String> = names
            .iter()
            .map(|name| if name.starts_with('-') { format!("./{name}") } else { name.clone() })
            .collect();
        expected.sort();
        assert_eq!(given, expected, "{stage} {more:?}");
        assert!(!folder.exists("pwned"));
    }
    // Named on the command line, behind what ends the options.
    let named =
        ask_with(&folder, &["orch", "--stage", "ci", "--", "-rf", ":/"], &[("OUT", out.to_str().unwrap())]);
    let given = fs::read_to_string(&out).unwrap();
    assert!(named.code == 2 || given == "./-rf\0:_\0" || given == "./-rf\0", "{named:?} {given:?}");
}

#[test]
fn variables_that_set_options_reach_no_program() {
    // There is no feature for secrets yet; what onex itself is told stays with it.
    let folder = Folder::with("workflow: {tasks: [{id: a, run: env}]}\n");
    let names = [
        "ONEX_JOBS",
        "ONEX_FORMAT",
        "ONEX_MODE",
        "ONEX_ROOT",
        "ONEX_TIMEOUT",
        "ONEX_QUIET",
        "ONEX_COLOR",
        "ONEX_OUTPUT",
    ];
    let root = folder.path().to_str().unwrap().to_owned();
    let values = ["2", "json", "async", &root, "100", "0", "never", "all"];
    let set: Vec<(&str, &str)> = names.into_iter().zip(values).collect();
    let ended = ask_with(&folder, &["orch", "--contract", "contract.yaml"], &set);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    let variables = result(&report, "a")["stdout"].as_str().unwrap();
    let own: Vec<&str> =
        variables.lines().filter_map(|line| line.split_once('=')?.0.strip_prefix("ONEX_")).collect();
    let mut own = own;
    own.sort_unstable();
    assert_eq!(
        own,
        [
            "ATTEMPT",
            "NODE_ID",
            "NODE_IDEMPOTENCY_KEY",
            "NODE_OUTPUT",
            "NODE_RESULTS",
            "RUN_ID",
            "SYSTEM_CONFIG"
        ],
        "{variables}"
    );
    assert!(Path::new(&root).exists());
}
