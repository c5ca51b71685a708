//! The pages of diagnostics: each code has one, its examples do what they say, and what they provoke is kept as files
//! in `tests/golden/diagnostics`.
//!
//! `ONEX_GENERATE=1` writes these files anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use onex::diag::codes;
use serde_json::Value;

use crate::support::{Bare as _, Ended, Folder};

/// An example of a page: a contract, or a script that writes one and asks for it.
struct Example<'p> {
    language: &'p str,
    text: &'p str,
}

fn example<'p>(page: &'p str, heading: &str) -> Example<'p> {
    let below = page.split(&format!("\n## {heading}\n\n```")).nth(1).expect(heading);
    let (language, rest) = below.split_once('\n').expect("a language");
    Example { language, text: rest.split("\n```").next().expect("an end") }
}

/// What an example gives for people, and the codes of what was found.
fn outcome(example: &Example<'_>) -> (Ended, BTreeSet<String>) {
    let folder = Folder::new();
    let (shown, found) = if example.language == "yaml" {
        folder.write("contract.yaml", format!("{}\n", example.text));
        let shown = folder.onex(&["validate", "contract.yaml"]);
        let document = folder.onex(&["validate", "contract.yaml", "--format", "json"]);
        let document: Value = serde_json::from_str(&document.stdout).expect("one document");
        let found = document["files"][0]["diagnostics"].as_array().expect("a list").clone();
        (shown, found.iter().map(|d| d["code"].as_str().expect("a code").to_owned()).collect())
    } else {
        let bin = Path::new(env!("CARGO_BIN_EXE_onex")).parent().expect("a folder");
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("a path"));
        let mut command = Command::new("sh");
        command.args(["-c", example.text]).current_dir(folder.path()).bare().env("PATH", path);
        command.env("XDG_CACHE_HOME", folder.path().join("tmp"));
        let ended = Ended::of(&command.output().expect("a shell"));
        let all = format!("{}{}", ended.stdout, ended.stderr);
        let known = codes::ALL.iter().map(|(code, _)| code.to_string());
        let found = known.filter(|code| all.contains(&format!("[{code}]"))).collect();
        (ended, found)
    };
    (shown, found)
}

#[test]
fn every_code_has_a_page_whose_examples_do_what_they_say() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/diagnostics");
    let generate = std::env::var_os("ONEX_GENERATE").is_some();
    let mut differing = Vec::new();
    for (code, title) in codes::ALL {
        let page = code.page();
        let head = format!("# {code}: {}\n", title.trim().trim_end_matches('.'));
        assert!(page.starts_with(&head), "{code} begins with {head}");
        assert!(page.contains("\n## Why\n"), "{code} says why");
        assert!(page.lines().all(|line| line.chars().count() <= 110), "{code} has a long line");
        let (wrong, mut found) = outcome(&example(page, "Wrong"));
        // That there is more of something is not said alone.
        if *code == codes::MORE_FOUND {
            found.remove(codes::UNKNOWN_KEY.as_str());
        }
        if found != BTreeSet::from([code.to_string()]) {
            differing.push(format!("{code} provokes {found:?}: {wrong:?}"));
        }
        let (right, found) = outcome(&example(page, "Right"));
        if !found.is_empty() || right.code != 0 {
            differing.push(format!("{code} is not corrected: {right:?}"));
        }
        let shown = wrong.stderr + &wrong.stdout;
        // A report of a run holds what differs from run to run.
        let shown = shown.split("\n{\n").next().expect("a beginning").trim_end().to_owned() + "\n";
        let file = golden.join(format!("{code}.txt"));
        if generate {
            fs::create_dir_all(&golden).expect("a folder");
            fs::write(&file, &shown).expect("a file");
        } else if fs::read_to_string(&file).ok().as_ref() != Some(&shown) {
            differing.push(format!("`ONEX_GENERATE=1` writes {} anew:\n{shown}", file.display()));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn a_page_is_shown_by_its_code_in_any_case() {
    let folder = Folder::new();
    let shown = folder.onex(&["explain", "e0302"]);
    assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
    assert!(
        shown.stdout.starts_with("E0302: A node depends on one that is not declared\n\n"),
        "{}",
        shown.stdout
    );
    assert!(shown.stdout.contains("\nWrong\n\n    workflow:\n      tasks:\n"), "{}", shown.stdout);
    assert!(!shown.stdout.contains("```"), "{}", shown.stdout);
    let document = folder.onex(&["explain", "E0302", "--format", "json"]);
    let document: Value = serde_json::from_str(&document.stdout).expect("one document");
    assert_eq!(document["code"], "E0302");
    assert!(document["page"].as_str().expect("a page").starts_with("# E0302: "));
}

#[test]
fn an_unknown_code_is_answered_with_one_that_may_be_meant() {
    let folder = Folder::new();
    let near = folder.onex(&["explain", "E302"]);
    assert_eq!((near.code, near.stdout.as_str()), (2, ""));
    assert!(
        near.stderr.starts_with("error: there is no diagnostic `E302`\n  help: did you mean `E0"),
        "{}",
        near.stderr
    );
    let far = folder.onex(&["explain", "nonsense\u{1b}[2J"]);
    assert!(far.code == 2 && far.stderr.contains("codes look like `E0302`"), "{}", far.stderr);
    assert!(!far.stderr.contains('\u{1b}'), "{:?}", far.stderr);
}

#[test]
fn a_node_is_explained_by_its_plan() {
    let folder = Folder::with(
        "workflow:
  tasks:
    - {id: build, run: [make], retry: {max_attempts: 3}, fallback: again}
    - {id: again, run: [make]}
    - {id: test, run: [make], depends_on: [build], enabled: false}
    - {id: mail, run: [mail], depends_on: [{node: build, on: failure}]}
    - {id: ship, depends_on: [test, {node: mail, on: finished}], run: [ship], description: Ships it.}
    - {id: never, run: [x], depends_on: [mail, build]}
    - {id: idea}
",
    );
    let explained = |node: &str| {
        let ended = folder.onex(&["explain", node, "--contract", "contract.yaml"]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        ended.stdout
    };
    assert_eq!(
        explained("build"),
        "build  effect run
- It runs at once: it waits for nothing.
- If it fails, `again` runs in its place.
- It is tried at most 3 times, with up to 3.00s of delays.
- That can take 3h00m in all, as it says no timeout.
- `test`, `mail`, `never` wait for it.
- It is part of the longest chain.
"
    );
    assert_eq!(
        explained("ship"),
        "ship  effect run
Ships it.
- It runs when `test` is done and `mail` has ended in any way.
- Nothing waits for it.
- It is part of the longest chain.
"
    );
    assert!(explained("test").contains("- It does not run, because it says `enabled: false`; who waits"));
    assert!(explained("idea").contains("- It cannot run: it says nothing about what it does.\n"));
    assert!(explained("again").contains("- It runs when `build` has failed.\n"));
    assert!(
        explained("never").contains(
            "- That never comes: it waits for the success of `build`, and for `mail`, which runs after the failure"
        ),
        "{}",
        explained("never")
    );
    let document = folder.onex(&["explain", "mail", "--contract", "contract.yaml", "--format", "json"]);
    let document: Value = serde_json::from_str(&document.stdout).expect("one document");
    assert_eq!(
        (&document["status"], &document["reasons"][1]),
        (&"will_run".into(), &"`ship`, `never` wait for it.".into())
    );
    let unknown = folder.onex(&["explain", "shp", "--contract", "contract.yaml"]);
    assert!(unknown.code == 2 && unknown.stderr.contains("help: did you mean `ship`?"), "{}", unknown.stderr);
    let broken = folder.onex(&["explain", "a", "--contract", "none.yaml"]);
    assert!(broken.code == 2 && broken.stderr.contains("error[E0104]"), "{}", broken.stderr);
}

/// The text of the fenced blocks of a document, each with its language.
fn blocks(section: &str) -> Vec<(&str, &str)> {
    section.split("\n```").skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

#[test]
fn the_comparison_says_what_onex_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/diagnostics.md");
    let document = fs::read_to_string(file).expect("a document");
    let sections: Vec<&str> = document.split("\n## ").skip(1).collect();
    assert_eq!(sections.len(), 10);
    for section in sections {
        let blocks = blocks(section);
        let [("yaml", contract), ("text", shown), ..] = blocks.as_slice() else { panic!("{blocks:?}") };
        let (command, shown) = shown.split_once('\n').expect("a command and what it says");
        let arguments: Vec<&str> = command.strip_prefix("$ onex ").expect("a command").split(' ').collect();
        let folder = Folder::with(&format!("{contract}\n"));
        let ended = folder.onex(&arguments);
        assert_eq!((ended.code, ended.stdout.trim_end()), (2, shown), "{section}");
        assert!(blocks.len() >= 5, "three others at least: {section}");
    }
}
