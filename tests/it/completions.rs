//! What a shell offers: verbs, options, values, and the names that only the folder knows. With a real bash.

use std::process::{Command, Stdio};

use crate::support::{Bare as _, Ended, Folder};

fn project() -> Folder {
    let folder = Folder::new();
    for name in ["ci", "release"] {
        let contract = "workflow: {name: w, tasks: [{id: lint, run: 'true'}, {id: link, run: 'true'}]}";
        folder.write(&format!("contracts/{name}/contract.yaml"), contract);
    }
    folder.write("contracts/no-contract/readme.md", "");
    folder
}

/// The words that bash would offer for the last of these, which are split as readline splits them.
fn offered(folder: &Folder, words: &[&str]) -> Vec<String> {
    let last = words.last().unwrap();
    let current = if *last == "=" { "" } else { last };
    let script = r#"
        onex() { "$ONEX" "$@"; }
        source <(onex completions bash)
        compopt() { :; }
        current=$1; shift
        COMP_WORDS=(onex "$@"); COMP_CWORD=$#
        _onex onex "$current" "${COMP_WORDS[COMP_CWORD-1]}"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let mut command = Command::new("bash");
    command.args(["--norc", "-c", script, "bash", current]).args(words).current_dir(folder.path()).bare();
    command.env("ONEX", env!("CARGO_BIN_EXE_onex"));
    let ended = Ended::of(&command.stdin(Stdio::null()).output().unwrap());
    assert_eq!(ended.stderr, "", "{words:?}");
    ended.stdout.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_is_offered_verbs_options_and_values() {
    let folder = project();
    assert_eq!(offered(&folder, &["or"]), ["orch"]);
    assert!(offered(&folder, &[""]).contains(&"validate".to_owned()));
    assert_eq!(offered(&folder, &["orch", "--fo"]), ["--format"]);
    assert_eq!(offered(&folder, &["orch", "--format", "j"]), ["json"]);
    assert_eq!(offered(&folder, &["orch", "--format", "=", "y"]), ["yaml"]);
    assert_eq!(offered(&folder, &["orch", "--format", "="]), ["human", "json", "yaml"]);
    assert_eq!(offered(&folder, &["completions", ""]), ["bash", "fish", "zsh"]);
    assert_eq!(offered(&folder, &["explain", "E030"]).first().unwrap(), "E0301");
    // Where nothing is known, the shell offers files.
    assert!(offered(&folder, &["orch", "--events", ""]).is_empty());
    assert!(
        offered(&folder, &["nonsense", "--"])
            .iter()
            .all(|word| ["--help", "--version", "--menu"].contains(&word.as_str()))
    );
}

#[test]
fn bash_is_offered_contracts_and_nodes() {
    let folder = project();
    assert_eq!(offered(&folder, &["orch", "--contract", ""]), ["ci", "release"]);
    assert_eq!(offered(&folder, &["orch", "--jobs", "4", "--contract", "=", "r"]), ["release"]);
    assert_eq!(offered(&folder, &["plan", "c"]), ["ci"]);
    assert_eq!(offered(&folder, &["validate", "ci", "rel"]), ["release"]);
    assert_eq!(offered(&folder, &["explain", "--contract", "ci", "l"]), ["link", "lint"]);
    assert!(offered(&folder, &["explain", "--contract", "nowhere", "l"]).is_empty());
    folder.write("contract.yaml", "not: [a, contract");
    assert_eq!(offered(&folder, &["plan", ""]), ["ci", "contract.yaml", "release"]);
    assert!(offered(&folder, &["explain", "--contract", "contract.yaml", "l"]).is_empty());
}

#[test]
fn who_completes_never_reads_an_error() {
    let folder = project();
    folder.write("contracts/od\nd/contract.yaml", "");
    let rows: &[&[&str]] = &[
        &[],
        &["--"],
        &["--", "orch", "--contract", ""],
        &["--", "\u{fffd}"],
        &["--", "orch", "--jobs=x", "-"],
    ];
    for words in rows {
        let ended = folder.onex(&[&["__complete"], *words].concat());
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{words:?}");
        assert!(ended.stdout.lines().all(|line| line.contains('\t')), "{words:?}: {}", ended.stdout);
    }
    let ended = folder.onex(&["__complete", "--", "orch", "--format=j"]);
    assert_eq!(ended.stdout, "--format=json\tOne JSON document\n");
    assert!(!folder.onex(&["--help"]).stdout.contains("__complete"));
}

#[test]
fn every_shell_reads_its_script() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish"] {
        let ended = folder.onex(&["completions", shell]);
        assert_eq!(ended.code, 0);
        folder.write(shell, &ended.stdout);
        let check = Command::new(shell).arg("-n").arg(folder.path().join(shell)).output();
        // Only bash is everywhere.
        let Ok(checked) =
            check.or_else(|error| if shell == "bash" { Err(error) } else { Command::new("true").output() })
        else {
            panic!("{shell} is there")
        };
        assert!(checked.status.success() && checked.stderr.is_empty(), "{shell}: {checked:?}");
    }
    assert_eq!(folder.onex(&["completions", "tcsh"]).code, 2);
}

#[test]
fn the_manual_has_a_page_for_each_verb() {
    let folder = Folder::new();
    let page = folder.onex(&["man"]);
    assert!(page.code == 0 && page.stdout.contains(".TH onex 1"), "{}", page.stdout);
    assert_eq!(folder.onex(&["man", "--out", "man/man1"]).code, 0);
    assert_eq!(folder.read("man/man1/onex.1"), page.stdout);
    let help = folder.onex(&["--help"]).stdout;
    let verbs: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .collect();
    assert!(verbs.len() >= 7, "{verbs:?}");
    for verb in verbs {
        let page = folder.read(&format!("man/man1/onex-{verb}.1"));
        assert!(page.contains(&format!(".TH onex-{verb} 1")), "{page}");
    }
    let ended = folder.onex(&["man", "--out", "man/man1/onex.1"]);
    assert!(ended.code == 2 && ended.stderr.starts_with("error: cannot write `"), "{}", ended.stderr);
}
