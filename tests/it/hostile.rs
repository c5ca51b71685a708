//! Hostile texts and hostile files: each gets its answer within bounds of time, memory and output, and nothing of it
//! reaches the terminal as a control sequence.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use onex::base::rng::Rng;
use serde_json::Value;

use crate::support::{Ended, Folder};

mod laws;

/// The address space that every program here has, in KiB. It ends by SIGABRT where it asks for more.
const MEMORY: u32 = 400 * 1024;

/// What a person is shown of one file at most.
const SHOWN: usize = 256 * 1024;

/// What a machine is given of one file at most.
const LISTED: usize = 8 * 1024 * 1024;

/// So long may no program take; what takes so long hangs.
const FOREVER: u32 = 120;

const TASK: &str = "workflow: {tasks: [{id: a, run: 'true'}]}\n";

/// Asks `onex` something within bounds.
fn ask(folder: &Folder, arguments: &[&OsStr], stdin: Stdio) -> Ended {
    let onex = folder.command(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")]).arg(onex.get_program());
    command.env_clear().envs(onex.get_envs().filter_map(|(name, value)| Some((name, value?))));
    finish(folder, command.args(arguments), stdin)
}

fn finish(folder: &Folder, command: &mut Command, stdin: Stdio) -> Ended {
    let [out, err] = ["out", "err"].map(|name| folder.path().join("tmp").join(name));
    command.current_dir(folder.path()).stdin(stdin);
    command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
    let mut child = command.spawn().unwrap();
    let mut waited = 0;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if waited > FOREVER * 200 {
            child.kill().unwrap();
            panic!("{command:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(5));
        waited += 1;
    };
    let read = |path: &Path| String::from_utf8(fs::read(path).unwrap()).unwrap();
    let ended = Ended { code: status.code().unwrap_or(-1), stdout: read(&out), stderr: read(&err) };
    fs::remove_file(out).and_then(|()| fs::remove_file(err)).unwrap();
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "raw: {}", short(text));
        assert!(
            !text.contains(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')),
            "{}",
            short(text)
        );
    }
    assert!(!ended.stderr.contains("panicked"), "{}", short(&ended.stderr));
    ended
}

fn short(text: &str) -> String {
    text.chars().take(2000).flat_map(char::escape_debug).collect()
}

fn answer(folder: &Folder, arguments: &[&str]) -> Ended {
    ask(folder, &arguments.iter().map(OsStr::new).collect::<Vec<_>>(), Stdio::null())
}

/// The codes of all that is found in one file.
fn codes(document: &str) -> BTreeSet<String> {
    let document: Value =
        serde_json::from_str(document).unwrap_or_else(|e| panic!("{e}: {}", short(document)));
    let found = document["files"][0]["diagnostics"].as_array().unwrap();
    found.iter().map(|d| d["code"].as_str().unwrap().to_owned()).collect()
}

/// Asks all that can be asked about the text in `contract.yaml`.
fn check(what: &str, folder: &Folder, (code, expected): (i32, &[&str])) {
    let for_machines = answer(folder, &["validate", "--format", "json", "contract.yaml"]);
    assert_eq!(for_machines.code, code, "{what}: {}", short(&(for_machines.stderr + &for_machines.stdout)));
    assert!(for_machines.stdout.len() < LISTED, "{what}: {}", for_machines.stdout.len());
    assert_eq!(codes(&for_machines.stdout), expected.iter().map(|&c| c.to_owned()).collect(), "{what}");
    let for_people = answer(folder, &["validate", "contract.yaml"]);
    assert_eq!(for_people.code, code, "{what}");
    assert!(for_people.stdout.len() < SHOWN, "{what}: {}", for_people.stdout.len());
    for arguments in [
        &["plan", "contract.yaml"][..],
        &["orch", "--contract", "contract.yaml", "--dry-run"],
        &["explain", "a", "--contract", "contract.yaml"],
    ] {
        let other = answer(folder, arguments);
        // A plan holds all nodes, and reports for machines all findings.
        assert!(other.stderr.len() < SHOWN, "{what} {arguments:?}: {}", other.stderr.len());
        assert!(
            other.code == 0 || other.stdout.len() < LISTED,
            "{what} {arguments:?}: {}",
            other.stdout.len()
        );
        // What is not in order cannot be planned; what is no workflow is in order, and cannot be planned either.
        assert!(other.code == code || (code == 0 && other.code == 2), "{what} {arguments:?}: {other:?}");
    }
}

fn check_all(rows: &[(&str, String, i32, &[&str])]) {
    for (what, text, code, expected) in rows {
        check(what, &Folder::with(text), (*code, expected));
    }
}

fn lines(n: usize, line: impl Fn(usize) -> String) -> String {
    (0..n).map(line).collect()
}

#[test]
fn aliases_do_not_multiply() {
    let bomb = |link: &str| {
        let levels =
            lines(20, |n| format!("a{}: &a{} {}\n", n + 1, n + 1, link.replace("*a", &format!("*a{n}"))));
        format!("a0: &a0 {{k: [x, x, x, x, x, x, x, x, x, x]}}\n{levels}{TASK}")
    };
    let keys = lines(40, |n| format!("? &a{} [*a{n}, *a{n}]\n: 1\n", n + 1));
    let merged = lines(3000, |n| format!("m{}: &m{}\n  <<: [*m{n}, *m{n}]\n  x{n}: 1\n", n + 1, n + 1));
    let many = |n: usize| lines(n, |n| format!("k{n}: 1, "));
    check_all(&[
        ("nested", bomb("[*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]"), 2, &["E0113"]),
        ("merge keys of merge keys", bomb("{<<: [*a, *a], x: [*a, *a, *a]}"), 2, &["E0113"]),
        (
            "wide",
            format!("a: &a [{}]\nb: [{}]\n{TASK}", "x,".repeat(4000), "*a,".repeat(4000)),
            2,
            &["E0113"],
        ),
        ("in keys", format!("? &a0 [x, x]\n: 1\n{keys}{TASK}"), 2, &["E0113"]),
        ("a chain of merges", format!("m0: &m0 {{{}}}\n{merged}{TASK}", many(1000)), 2, &["E0113"]),
        (
            "of a long text",
            format!("a: &a {}\nb: [{}]\n{TASK}", "x".repeat(1 << 20), "*a,".repeat(1000)),
            2,
            &["E0113"],
        ),
        (
            "that nothing is wrong with",
            format!("a: &a x\nb: [{}]\n{TASK}", "*a,".repeat(20_000)),
            0,
            &["E0205"],
        ),
        (
            "without an anchor",
            format!("b: [{}]\n{TASK}", "*x,".repeat(20_000)),
            2,
            &["E0106", "E0116", "E0205"],
        ),
        ("of itself", format!("a: &a [*a]\n{TASK}"), 2, &["E0106", "E0205"]),
    ]);
}

#[test]
fn aliases_in_included_files_do_not_multiply() {
    let folder = Folder::new();
    for n in 0..9 {
        let next = format!("!include {}.yaml", n + 1);
        folder.write(&format!("{n}.yaml"), format!("a: &a {next}\nb: [{}]\n", "*a,".repeat(40)));
    }
    folder.write("9.yaml", "x");
    folder.write("contract.yaml", format!("metadata: !include 0.yaml\n{TASK}"));
    check("aliases of files that hold aliases", &folder, (2, &["E0113"]));
}

#[test]
fn nesting_has_an_end() {
    let indented = lines(3000, |n| format!("{}a:\n", " ".repeat(n)));
    check_all(&[
        ("brackets", "[".repeat(100_000), 2, &["E0112"]),
        ("braces", "{".repeat(100_000), 2, &["E0112"]),
        ("closed brackets", "[".repeat(50_000) + &"]".repeat(50_000), 2, &["E0112"]),
        ("dashes", "- ".repeat(100_000), 2, &["E0112"]),
        ("question marks", "? ".repeat(100_000), 2, &["E0112"]),
        ("block mappings", indented, 2, &["E0112"]),
        ("quotes", format!("a: {}", "'".repeat(100_001)), 2, &["E0101"]),
        ("backslashes", format!("a: \"{}\"", "\\".repeat(100_000)), 2, &["E0201"]),
        ("colons", ":".repeat(100_000), 2, &["E0101"]),
        ("stars", "*".repeat(100_000), 2, &["E0106"]),
    ]);
}

#[test]
fn size_has_an_end() {
    let many = 1 << 18;
    check_all(&[
        ("one byte more than 32 MiB", "#".repeat((32 << 20) + 1), 2, &["E0110"]),
        ("line breaks", "\n".repeat(many), 2, &["E0201"]),
        ("a long text", format!("a: {}", "x".repeat(many)), 2, &["E0201"]),
        ("a long id", format!("workflow: {{tasks: [{{run: x, id: {}}}]}}", "x".repeat(many)), 2, &["E0208"]),
        ("a long program", format!("workflow: {{tasks: [{{id: a, run: {}}}]}}", "x".repeat(many)), 0, &[]),
        ("a block of lines", format!("a: |\n{}", "  x\n".repeat(many)), 2, &["E0201"]),
        ("a folded block", format!("a: >\n{}", "  x\n\n".repeat(many)), 2, &["E0201"]),
        ("keys", lines(40_000, |n| format!("k{n}: 1\n")) + TASK, 0, &["E0116", "E0205"]),
        ("the same key", "a: 1\n".repeat(40_000), 2, &["E0102", "E0116", "E0201"]),
        ("documents", "---\na\n".repeat(20_000), 2, &["E0105", "E0201"]),
        ("directives", lines(10_000, |n| format!("%TAG !e{n}! t:\n")) + "---\n" + TASK, 0, &[]),
        ("an anchor", format!("a: &{} x\n{TASK}", "a".repeat(many)), 0, &["E0205"]),
        ("a tag", format!("a: !{} x\n{TASK}", "a".repeat(many)), 2, &["E0108", "E0205"]),
        ("a long alias", format!("a: *{}\n{TASK}", "a".repeat(many)), 2, &["E0106", "E0205"]),
    ]);
}

/// What is found in a text that is too large to be asked about in every way.
fn found_in(text: &str) -> BTreeSet<String> {
    codes(&answer(&Folder::with(text), &["validate", "--format", "json", "contract.yaml"]).stdout)
}

#[test]
fn merged_entries_and_nodes_are_counted() {
    let only = BTreeSet::from(["E0111".to_owned()]);
    let keys = lines(4000, |n| format!("k{n}: 1, "));
    assert_eq!(found_in(&format!("m: &m {{{keys}}}\nl: [{}]\n", "{<<: *m},".repeat(2100))), only);
    assert_eq!(found_in(&tasks(200_001, |n| format!("id: n{n}"))), only);
}

#[test]
fn ten_million_values_are_too_many() {
    assert_eq!(found_in(&"-\n".repeat(10_000_000)), ["E0111".to_owned()].into());
}

fn tasks(n: usize, task: impl Fn(usize) -> String) -> String {
    format!("workflow:\n  tasks:\n{}", lines(n, |n| format!("    - {{{}}}\n", task(n))))
}

#[test]
fn a_mistake_in_every_node_is_told_without_end_of_memory() {
    let n = 1500;
    let circle = tasks(n, |at| format!("id: n{at}, run: x, depends_on: [n{}]", (at + 1) % n));
    check_all(&[
        (
            "an unknown key in each",
            tasks(n, |n| format!("id: n{n}, run: x, timeuot: 5")),
            2,
            &["E0116", "E0205"],
        ),
        (
            "an unknown node in each",
            tasks(n, |n| format!("id: n{n}, run: x, depends_on: [x{n}]")),
            2,
            &["E0116", "E0302"],
        ),
        ("the same id in each", tasks(n, |_| "id: n, run: x".to_owned()), 2, &["E0116", "E0301"]),
        (
            "each waits for itself",
            tasks(n, |n| format!("id: n{n}, run: x, depends_on: [n{n}]")),
            2,
            &["E0116", "E0303"],
        ),
        ("a circle of all", circle, 2, &["E0303"]),
        ("a bad id in each", tasks(n, |n| format!("id: -{n}, run: x")), 2, &["E0116", "E0208"]),
        ("no action in each", tasks(n, |n| format!("id: n{n}")), 0, &["E0304"]),
        ("no id in each", tasks(n, |_| "run: x".to_owned()), 2, &["E0116", "E0202"]),
        ("a gap in each", tasks(n, |n| format!("id: n{n}, run: *x")), 2, &["E0106", "E0116"]),
        (
            "a mistake in each, all in one line",
            format!("workflow: {{tasks: [{}]}}", lines(n, |n| format!("{{id: n{n}, run: x, timeuot: 5}}, "))),
            2,
            &["E0116", "E0205"],
        ),
        (
            "mistakes of three kinds",
            tasks(1, |_| format!("id: a, run: x, depends_on: [{}]", "[], ~, x, ".repeat(20_000))),
            2,
            &["E0116", "E0203", "E0302"],
        ),
        (
            "and then it breaks off",
            tasks(1, |_| format!("id: a, run: x, depends_on: [{}]", lines(10_000, |n| format!("x{n}, "))))
                + "    - [}",
            2,
            &["E0101", "E0116", "E0302"],
        ),
    ]);
}

#[test]
fn nothing_hides_that_a_contract_is_wrong() {
    // Five thousand warnings, and after them one error of the same code.
    let warnings = lines(5000, |n| format!("    k{n}: 1\n"));
    let folder =
        Folder::with(&format!("workflow:\n  tasks:\n  - id: a\n{warnings}    run: x\n    timeuot: 1\n"));
    let document = answer(&folder, &["validate", "--format", "json", "contract.yaml"]);
    let value: Value = serde_json::from_str(&document.stdout).unwrap();
    assert_eq!(
        (document.code, &value["summary"]["errors"], &value["summary"]["warnings"]),
        (2, &1.into(), &1000.into())
    );
    let last = value["files"][0]["diagnostics"].as_array().unwrap().last().unwrap();
    assert_eq!(last["message"], "there are 5000 warnings `E0205`, of which 1000 are listed");
    let shown = answer(&folder, &["validate", "contract.yaml"]).stdout;
    assert!(shown.contains("and 951 findings more; `--format json` lists them\n"), "{shown}");
    assert!(
        shown.contains("info[E0116]: there are 5000 warnings `E0205`, of which 1000 are listed\n"),
        "{shown}"
    );
}

#[test]
fn long_names_are_compared_and_shown_in_bounds() {
    let key = "t".repeat(100_000);
    let id = "b".repeat(120);
    let near = tasks(1500, |n| format!("id: {id}{n}, run: x, depends_on: [{id}{n}c]"));
    check_all(&[
        ("a key", tasks(1, |_| format!("id: a, run: x, ? {key} : 1")), 0, &["E0205"]),
        (
            "a hundred keys",
            tasks(100, |n| format!("id: n{n}, run: x, ? {}{n} : 1", &key[..20_000])),
            0,
            &["E0205"],
        ),
        ("a dependency", tasks(1, |_| format!("id: a, run: x, depends_on: [{key}]")), 2, &["E0302"]),
        ("a value", tasks(1, |_| format!("id: a, run: x, output: {key}")), 2, &["E0204"]),
        ("ids that are nearly right", near, 2, &["E0116", "E0302"]),
        ("a number", tasks(1, |_| format!("id: a, run: x, timeout: {}", "9".repeat(100_000))), 2, &["E0206"]),
        (
            "a small number",
            tasks(1, |_| format!("id: a, run: x, timeout: 0.{}1", "0".repeat(100_000))),
            2,
            &["E0206"],
        ),
        (
            "the name of a file",
            format!("a: !include {}\n{TASK}", "x/".repeat(500_000)),
            2,
            &["E0104", "E0205"],
        ),
        ("the way up", format!("a: !include {}x\n{TASK}", "../".repeat(1000)), 5, &["E0205", "E0213"]),
    ]);
}

#[test]
fn numbers_that_are_none_are_refused() {
    for value in [
        "1e999",
        "-1e999",
        ".nan",
        ".inf",
        "99999999999999999999",
        "1e308",
        "2001-12-14t21:59:43.10-05:00",
        "0x",
    ] {
        check(
            value,
            &Folder::with(&tasks(1, |_| format!("id: a, run: x, timeout: {value}"))),
            (2, &["E0206"]),
        );
    }
    for (key, code) in [("priority", "E0203"), ("retry", "E0203")] {
        check(key, &Folder::with(&tasks(1, |_| format!("id: a, run: x, {key}: 1e999"))), (2, &[code]));
    }
}

#[test]
fn of_a_long_line_the_part_with_the_mistake_is_shown() {
    let folder = Folder::with(&format!(
        "workflow: {{name: {}, tasks: [{{id: a, run: x, timeuot: 3}}]}}",
        "é".repeat(1 << 20)
    ));
    let shown = answer(&folder, &["validate", "contract.yaml"]).stdout;
    assert!(
        shown.contains("╭▸ contract.yaml:1:1048620\n") && shown.contains("timeuot: 3"),
        "{}",
        short(&shown)
    );
    assert!(shown.len() < 2000 && shown.lines().all(|line| line.chars().count() <= 110), "{shown}");
}

#[test]
fn nothing_that_a_terminal_obeys_is_passed_on() {
    let escapes = r#"workflow:
  name: "\e[31mred\e]0;title\a\u202e\r\n"
  "k\e[2Jey": 1
  inputs: {"i\e[1m": {type: "\e[2m", default: "\e[3m"}}
  tasks:
    - {id: "a\e[31m", run: x, "t\e[2Jy": 3, depends_on: ["\e]0;x\a"], output: "\e[31m", group: "\e[1m"}
    - {id: b, run: x, description: "\e[31m", tags: ["\e[31m"], timeout: "\u009b31m", node_type: "\e[7mX\u202eY"}
    - {id: c, script: "\e[31m", cwd: "\e[2J/../..", env: {"\e[31m": "\0"}, fallback: "\e[31m", when: "\e[31m"}
    - {id: d, run: ["\e[31m", "\0"], error_action: "\e]8;;http://x\e\\", "x\ny": 1}
    - !include "\e[31m"
    - !<\u202e> x
"#;
    let folder = Folder::with(escapes);
    for arguments in [
        &["validate", "contract.yaml"][..],
        &["validate", "--format", "json", "contract.yaml"],
        &["validate", "--format", "yaml", "contract.yaml"],
        &["plan", "contract.yaml"],
        &["plan", "--format", "json", "contract.yaml"],
        &["orch", "--contract", "contract.yaml"],
        &["explain", "\u{1b}[31m", "--contract", "contract.yaml"],
        &["explain", "\u{1b}[31m"],
        &["validate", "\u{1b}[31m", "a\nb\u{9b}c"],
        &["orch", "--contract", "\u{1b}[31m/\u{202e}"],
        &["plan", "\u{1b}[31m"],
    ] {
        let ended = answer(&folder, arguments);
        assert_ne!((ended.code, ended.stdout.len() + ended.stderr.len()), (0, 0), "{arguments:?}");
    }
    // What is in order and holds them all the same.
    let folder = Folder::with(
        r#"workflow:
  name: "\e[31mred\e]0;t\a\u202e\r"
  tasks: [{id: b, run: 'true', description: "\e[31m", tags: ["\e[31m"], group: "\e[7m", node_type: "\e[7mX"}]
  coordination: {rules: {groups: {"\e[7m": 2}}}
"#,
    );
    check("a contract in order", &folder, (0, &[]));
    assert_eq!(answer(&folder, &["orch", "--contract", "contract.yaml"]).code, 0);
}

#[test]
fn what_cannot_be_seen_is_spelt_out() {
    let folder =
        Folder::with(&tasks(1, |_| "id: a, run: 'x \u{202e}\u{2066}# y', time\u{200b}out: 5".to_owned()));
    let shown = answer(&folder, &["validate", "contract.yaml"]).stdout;
    assert!(shown.contains("a task has no key `time<U+200B>out`\n"), "{shown}");
    assert!(shown.contains("run: 'x <U+202E><U+2066># y', time<U+200B>out: 5}\n"), "{shown}");
    assert!(shown.contains("contract.yaml:3:31\n"), "{shown}");
    let rows: [(&str, &str, i32, &[&str]); 6] = [
        ("a byte order mark within", "workflow: {tasks: [{id: a\u{feff}, run: x}]}", 2, &["E0208"]),
        ("a raw escape", "workflow: {name: '\u{1b}[31m'}", 2, &["E0101"]),
        ("a raw C1 control", "workflow: {name: '\u{9b}31m'}", 2, &["E0101"]),
        ("a NUL", "workflow: {name: \"a\0b\"}", 2, &["E0101"]),
        ("a tab before a key", "workflow:\n\ttasks: []\n", 2, &["E0101"]),
        (
            "line separators",
            "workflow: {tasks: [{id: a, run: x, tiemout: 'a\u{2028}b\u{85}c'}]}",
            2,
            &["E0205"],
        ),
    ];
    for (what, text, code, expected) in rows {
        check(what, &Folder::with(text), (code, expected));
    }
}

#[test]
fn text_in_another_encoding_is_named() {
    let utf16 = |bytes: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
        (mark.to_owned() + TASK).encode_utf16().flat_map(bytes).collect()
    };
    let utf32 = |bytes: fn(u32) -> [u8; 4], mark: &str| -> Vec<u8> {
        (mark.to_owned() + TASK).chars().flat_map(|c| bytes(u32::from(c))).collect()
    };
    let mut rows = Vec::new();
    for mark in ["\u{feff}", ""] {
        rows.push((utf16(u16::to_le_bytes, mark), "UTF-16 (little-endian)"));
        rows.push((utf16(u16::to_be_bytes, mark), "UTF-16 (big-endian)"));
        rows.push((utf32(u32::to_le_bytes, mark), "UTF-32 (little-endian)"));
        rows.push((utf32(u32::to_be_bytes, mark), "UTF-32 (big-endian)"));
    }
    for at in [0, 9, 4095, 65_536] {
        let mut text = "#".repeat(at).into_bytes();
        for bad in [&b"\xe9"[..], b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80", b"\xff", b"\xe2\x82"] {
            text.truncate(at);
            text.extend(bad);
            rows.push((text.clone(), "is not UTF-8 text: byte "));
        }
    }
    rows.push((fs::read("/proc/self/exe").unwrap()[..4096].to_vec(), "is not UTF-8 text: byte "));
    for (bytes, message) in rows {
        let folder = Folder::new();
        folder.write("contract.yaml", &bytes);
        check(message, &folder, (2, &["E0103"]));
        let shown = answer(&folder, &["plan", "contract.yaml"]);
        assert!(shown.stderr.contains(message), "{message}: {shown:?}");
        // The same in the place of a value.
        folder.write("part.yaml", &bytes);
        folder.write("contract.yaml", format!("metadata: !include part.yaml\n{TASK}"));
        check(message, &folder, (2, &["E0103"]));
    }
    let folder = Folder::with(&format!("\u{feff}{TASK}"));
    check("a byte order mark", &folder, (0, &[]));
    folder.write("contract.yaml", TASK.replace(' ', "\t ").replace('\n', "\r\n"));
    check("tabs and CRLF", &folder, (0, &[]));
    folder.write("contract.yaml", "{\n\t\"workflow\": {\n\t\t\"name\": \"\\ud83d\\ude00\",\n\t\t\"tasks\": [{\"id\": \"a\", \"run\": \"x\"}]}\n}\n");
    check("JSON", &folder, (0, &[]));
    folder.write("contract.yaml", "{\"workflow\": {\"name\": \"\\ud83d\"}}");
    check("half of a character in JSON", &folder, (2, &["E0101"]));
    for nothing in ["", "\u{feff}", "\n", "---\n", "# nothing\n"] {
        folder.write("contract.yaml", nothing);
        check("nothing", &folder, (2, &["E0201"]));
    }
}

#[test]
fn what_is_no_file_is_refused_and_not_waited_for() {
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name);
    rustix::fs::mkfifoat(rustix::fs::CWD, path("fifo.yaml"), rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let _socket = UnixListener::bind(path("socket.yaml")).unwrap();
    symlink("nowhere.yaml", path("dangling.yaml")).unwrap();
    symlink("circle.yaml", path("circle.yaml")).unwrap();
    symlink("fifo.yaml", path("link.yaml")).unwrap();
    fs::create_dir(path("folder.yaml")).unwrap();
    let refused = ["fifo.yaml", "socket.yaml", "dangling.yaml", "circle.yaml", "link.yaml"];
    let devices =
        ["/dev/null", "/dev/zero", "/dev/full", "/dev/tty", "/dev/stdin", "/proc/self/mem", "/dev/fd/0"];
    for name in refused.iter().chain(&devices) {
        let found = answer(&folder, &["validate", "--format", "json", name]);
        assert_eq!((found.code, codes(&found.stdout)), (2, ["E0104".to_owned()].into()), "{name}");
        for arguments in
            [&["plan", name][..], &["orch", "--contract", name], &["explain", "a", "--contract", name]]
        {
            let other = answer(&folder, arguments);
            assert!(other.code == 2 && (other.stderr + &other.stdout).contains("E0104"), "{arguments:?}");
        }
    }
    for name in refused.iter().chain(&["folder.yaml", "."]) {
        folder.write("contract.yaml", format!("metadata: !include {name}\n{TASK}"));
        check(name, &folder, (2, &["E0104"]));
    }
    for name in devices {
        symlink(name, path("device.yaml")).unwrap();
        folder.write("contract.yaml", format!("metadata: !include device.yaml\n{TASK}"));
        // No link leads out, and nobody is told what is there.
        let found = answer(&folder, &["validate", "--format", "json", "contract.yaml"]);
        assert_eq!((found.code, codes(&found.stdout)), (5, ["E0213".to_owned()].into()), "{name}");
        fs::remove_file(path("device.yaml")).unwrap();
    }
}

#[test]
fn standard_input_can_be_anything() {
    let folder = Folder::new();
    let validate = |stdin: Stdio| {
        let arguments = ["validate", "--format", "json", "-"].map(OsStr::new);
        let ended = ask(&folder, &arguments, stdin);
        (ended.code, codes(&ended.stdout))
    };
    let open = |path: &str| Stdio::from(File::open(path).unwrap());
    let only = |code: &str| BTreeSet::from([code.to_owned()]);
    assert_eq!(validate(open("/dev/zero")), (2, only("E0110")));
    assert_eq!(validate(open("/dev/null")), (0, only("E0201")));
    assert_eq!(validate(open("/")), (2, only("E0104")));
}

/// A program as somebody who may not read everything.
fn as_nobody(folder: &Folder, arguments: &[&str]) -> Option<Command> {
    let onex = folder.command(&[]);
    if !rustix::process::geteuid().is_root() {
        let mut command = Command::new(onex.get_program());
        command.args(arguments);
        return Some(command);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(onex.get_program())
        .args(arguments);
    // The program itself may lie where nobody else may look.
    let probe = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .args([onex.get_program(), OsStr::new("--version")])
        .output();
    probe.is_ok_and(|probe| probe.status.success()).then_some(command)
}

#[test]
fn what_may_not_be_read_is_said_to_be_so() {
    let folder = Folder::new();
    let secret = folder.write("secret.yaml", "workflow: {tasks: []}");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o000)).unwrap();
    folder.write("contract.yaml", format!("metadata: !include secret.yaml\n{TASK}"));
    for file in ["secret.yaml", "contract.yaml"] {
        let arguments = ["validate", "--format", "json", file];
        let Some(mut command) = as_nobody(&folder, &arguments) else { return };
        let ended = finish(&folder, &mut command, Stdio::null());
        assert_eq!((ended.code, codes(&ended.stdout)), (2, ["E0104".to_owned()].into()), "{file}");
        assert!(ended.stdout.contains("Permission denied"), "{}", ended.stdout);
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_is_read_as_something() {
    let folder = Folder::with(TASK);
    let (path, other) = (folder.path().join("contract.yaml"), folder.path().join("other"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let large = tasks(5000, |n| format!("id: n{n}, run: x"));
            while !stop.load(Ordering::Relaxed) {
                fs::write(&path, &large).unwrap();
                File::options().write(true).open(&path).unwrap().set_len(100).unwrap();
                fs::write(&other, TASK).and_then(|()| fs::rename(&other, &path)).unwrap();
                fs::remove_file(&path).unwrap();
                fs::create_dir(&path).and_then(|()| fs::remove_dir(&path)).unwrap();
                let mode = rustix::fs::Mode::from_raw_mode(0o600);
                rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
                fs::remove_file(&path).unwrap();
            }
        });
        for _ in 0..60 {
            let ended = answer(&folder, &["validate", "--format", "json", "contract.yaml"]);
            assert!([0, 2].contains(&ended.code), "{ended:?}");
            codes(&ended.stdout);
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn paths_may_hold_any_byte() {
    let folder = Folder::new();
    for name in [&b"a\nb.yaml"[..], b"\x1b[31m.yaml", b"\xff\xfe.yaml", b"-\xe2\x80\xae.yaml", b" .yaml"] {
        let name = Path::new(".").join(OsStr::from_bytes(name));
        fs::write(folder.path().join(&name), "workflow: {tasks: [{id: a, run: x, timeuot: 5}]}").unwrap();
        for arguments in [
            &["validate".as_ref(), name.as_os_str()][..],
            &["validate".as_ref(), "--format".as_ref(), "json".as_ref(), name.as_os_str()],
            &["validate".as_ref(), "--format".as_ref(), "yaml".as_ref(), name.as_os_str()],
            &["plan".as_ref(), name.as_os_str()],
            &["orch".as_ref(), "--contract".as_ref(), name.as_os_str()],
            &["explain".as_ref(), "a".as_ref(), "--contract".as_ref(), name.as_os_str()],
        ] {
            let ended = ask(&folder, arguments, Stdio::null());
            assert!(ended.code == 2 && (ended.stdout + &ended.stderr).contains("E0205"), "{arguments:?}");
        }
        let missing = name.with_extension("yml");
        assert_eq!(ask(&folder, &["validate".as_ref(), missing.as_os_str()], Stdio::null()).code, 2);
    }
    // A folder that is searched finds only what it looks for.
    assert_eq!(answer(&folder, &["validate", "."]).code, 2);
}

#[test]
fn includes_have_an_end() {
    let folder = Folder::new();
    for n in 0..300 {
        folder.write(&format!("{n}.yaml"), format!("!include {}.yaml", n + 1));
    }
    folder.write("300.yaml", "x");
    folder.write("contract.yaml", format!("metadata: !include 0.yaml\n{TASK}"));
    check("a long chain", &folder, (2, &["E0115"]));
    folder.write("300.yaml", "!include contract.yaml");
    check("a long circle", &folder, (2, &["E0115"]));
    let many = lines(9000, |n| format!("!include x{n}.yaml,"));
    folder.write("contract.yaml", format!("metadata: [{many}]\n{TASK}"));
    check("files that are not there", &folder, (2, &["E0104", "E0110", "E0116", "E0203"]));
    let same = "!include x.yaml,".repeat(9000);
    folder.write("contract.yaml", format!("metadata: [{same}]\n{TASK}"));
    check("a file that is not there", &folder, (2, &["E0104", "E0116", "E0203"]));
}

/// All that a fuzz target was found to stumble over once.
#[test]
fn findings_stay_fixed() {
    let findings = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/findings");
    for (target, law) in [("contract", laws::contract as fn(&str)), ("yaml", laws::yaml)] {
        for entry in fs::read_dir(findings.join(target)).into_iter().flatten() {
            let path = entry.unwrap().path();
            law(&fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        }
    }
}

/// A short walk over the ground that the fuzz targets cover: the files of this project with small mistakes.
#[test]
fn the_laws_of_the_fuzz_targets_hold_for_damaged_contracts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    let mut open = ["contracts", "examples", "tests", "docs"].map(|folder| root.join(folder)).to_vec();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            texts.push(fs::read_to_string(path).unwrap());
        }
    }
    assert!(texts.len() > 10);
    let pieces = [
        "\n",
        "  ",
        "\t",
        ": ",
        "- ",
        "#",
        "[",
        "}",
        "'",
        "\"",
        "&a ",
        "*a",
        "<<: ",
        "|\n",
        "!x ",
        "!include x",
        "\u{202e}",
        "\u{feff}",
        "\0",
        "é",
        "---\n",
        "? ",
    ];
    let mut rng = Rng::new(11);
    let mut below = |n: usize| usize::try_from(rng.below(n as u64)).unwrap();
    for round in 0..1500 {
        let mut text = texts[round % texts.len()].clone();
        for _ in 0..=below(3) {
            let at = text.floor_char_boundary(below(text.len() + 1));
            match below(3) {
                0 => text.truncate(at),
                1 => text.insert_str(at, pieces[below(pieces.len())]),
                _ => drop(text.drain(at..text.ceil_char_boundary((at + below(20)).min(text.len())))),
            }
        }
        laws::contract(&text);
        laws::yaml(&text);
    }
    let folder = Folder::with("workflow: {tasks: !include a.yaml}");
    folder.write("a.yaml", "- &x {id: a, run: x}\n- !include b.yaml\n- *x");
    folder.write("b.yaml", b"{id: \xff");
    laws::include(folder.path());
}
