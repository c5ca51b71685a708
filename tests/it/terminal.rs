//! At a terminal: a pseudo-terminal by `script`, from the essential Debian package `bsdutils`.

use std::process::{Command, Stdio};

use crate::support::{Bare as _, Folder, normalised};

/// What a terminal shows of a command line.
fn at_a_terminal(folder: &Folder, variables: &[(&str, &str)], line: &str) -> String {
    let mut command = Command::new("script");
    command
        .args(["-qec", &format!("{} {line}", env!("CARGO_BIN_EXE_onex")), "/dev/null"])
        .current_dir(folder.path());
    command.bare().env("SHELL", "/bin/sh");
    command.env("TERM", "xterm").env("TMPDIR", folder.path().join("tmp")).envs(variables.iter().copied());
    String::from_utf8(command.stdin(Stdio::null()).output().unwrap().stdout).unwrap()
}

#[test]
fn a_terminal_gets_the_report_for_people_in_colour() {
    let folder = Folder::with("workflow: {name: shown, tasks: [{id: a, run: 'true'}]}");
    let line = "orch --contract contract.yaml";
    let shown = at_a_terminal(&folder, &[], line);
    assert!(shown.contains("✅ a") && shown.contains("\u{1b}[32msuccess"), "{shown}");
    let dumb = at_a_terminal(&folder, &[("TERM", "dumb")], line);
    assert!(dumb.contains("PASS a") && !dumb.contains('\u{1b}'), "{dumb}");
    let ci = at_a_terminal(&folder, &[("CI", "true"), ("NO_COLOR", "1")], line);
    assert!(ci.contains("PASS a") && !ci.contains('\u{1b}'), "{ci}");
    let piped = folder.onex(&["orch", "--contract", "contract.yaml"]);
    assert!(piped.stdout.starts_with("{\n"), "{}", piped.stdout);
}

#[test]
fn findings_are_in_colour_at_a_terminal() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'true', depends_on: [b]}]}");
    let shown = at_a_terminal(&folder, &[], "plan contract.yaml");
    assert!(
        shown.contains("\u{1b}[1m\u{1b}[91merror[E0302]") || shown.contains("\u{1b}[1;91merror"),
        "{shown:?}"
    );
}

/// The rows that a terminal shows in the end, which understands what `onex` may send: it goes up, and erases below.
fn screen(sent: &str) -> Vec<String> {
    let mut rows = vec![String::new()];
    let (mut row, mut at_beginning) = (0, true);
    let mut rest = sent;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match c {
            '\r' => assert!(
                rest.starts_with('\n') || rest.starts_with('\u{1b}'),
                "back without a reason: {rest:?}"
            ),
            '\n' => {
                (row, at_beginning) = (row + 1, true);
                if row == rows.len() {
                    rows.push(String::new());
                }
            }
            '\u{1b}' => {
                let end = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap();
                let (parameters, last) = (rest[1..end].to_owned(), &rest[end..=end]);
                rest = &rest[end + 1..];
                match last {
                    "A" => {
                        row = row.checked_sub(parameters.parse::<usize>().unwrap()).expect("above the top");
                        at_beginning = true;
                    }
                    // From the beginning of a row, all below is gone.
                    "J" => {
                        rows.truncate(row);
                        rows.push(String::new());
                    }
                    "K" | "m" => {}
                    other => panic!("{parameters}{other} has no business here"),
                }
            }
            c => {
                // A row that is written again is written from its beginning.
                if std::mem::take(&mut at_beginning) {
                    rows[row].clear();
                }
                rows[row].push(c);
            }
        }
    }
    rows
}

const SLOW: &str = "
workflow:
  name: slow
  coordination: {rules: {execution_mode: parallel, fail_fast: false}}
  tasks:
    - {id: one, run: 'sleep 0.2'}
    - {id: a-node-with-a-name-that-is-longer-than-the-terminal-is-wide, run: 'sleep 1.2'}
    - {id: bad, run: 'sleep 0.5; echo Boom; exit 3'}
    - {id: again, run: 'test -e tried && exit 0; touch tried; exit 1', retry: {max_attempts: 2, initial_delay: 0.8}}
";

const ORCH: &str = "orch --contract contract.yaml --jobs 4";

/// The lines of blocks that were drawn: those that end with an erasure to the end of the line.
fn drawn(sent: &str) -> Vec<String> {
    let plain = |line: &str| line.rsplit(['A', 'J']).next().unwrap_or_default().to_owned();
    sent.split("\r\n").filter_map(|line| line.strip_suffix("\u{1b}[K")).map(plain).collect()
}

#[test]
fn a_block_shows_what_runs_and_leaves_nothing_behind() {
    let folder = Folder::with(SLOW);
    let sent = at_a_terminal(&folder, &[], ORCH);
    let blocks = sent.matches("/4] ").count();
    assert!(
        sent.contains("[0/4] ") && sent.contains("  one 0.") && sent.contains("again retry in 0."),
        "{sent}"
    );
    // A head without its number of failures is `[0/4] 3 running · 0.4s`.
    let ends = drawn(&sent).into_iter().filter(|line| line.starts_with('['));
    let seconds = ends.filter_map(|head| head.rsplit(' ').next()?.trim_end_matches('s').parse::<f64>().ok());
    let seconds = seconds.fold(0.0, f64::max);
    assert!(blocks >= 3, "{blocks} blocks");
    assert!(
        f64::from(u32::try_from(blocks).unwrap()) <= 20.0 * (seconds + 0.1),
        "{blocks} blocks in {seconds}s"
    );
    let left: String = screen(&sent).iter().map(|row| format!("{row}\n")).collect();
    std::fs::remove_file(folder.path().join("tried")).unwrap();
    let without = at_a_terminal(&folder, &[], &format!("{ORCH} --progress none"));
    assert!(!without.contains("\u{1b}[J"), "{without:?}");
    let without: String = screen(&without).iter().map(|row| format!("{row}\n")).collect();
    assert_eq!(normalised(&left), normalised(&without), "{sent:?}");
}

#[test]
fn a_block_fits_a_narrow_terminal() {
    let folder = Folder::with(SLOW);
    let line =
        format!("--version; stty cols 20 rows 5; exec {} {ORCH} --format json", env!("CARGO_BIN_EXE_onex"));
    let sent = at_a_terminal(&folder, &[], &line);
    let lines = drawn(&sent);
    assert!(lines.len() > 6 && lines.iter().any(|line| line.contains("  a-node-with… 0.")), "{lines:?}");
    assert!(lines.iter().all(|line| onex::base::text::cells(line) < 20), "{lines:?}");
    // A terminal of five rows keeps two for what is printed.
    let most = sent.split("/4] ").skip(1).map(|block| block.matches("\u{1b}[K").count()).max();
    assert!(most.unwrap() <= 4, "{most:?}");
    assert!(!screen(&sent).iter().any(|row| row.contains("running")), "{sent:?}");
}

#[test]
fn a_signal_leaves_no_block_behind() {
    let folder = Folder::with(
        "workflow: {name: w, tasks: [{id: a, run: 'touch ready; sleep 987667'}, {id: b, run: 'true'}]}",
    );
    let onex = env!("CARGO_BIN_EXE_onex");
    let line = format!(
        "--version; {onex} {ORCH} & while ! test -e ready; do sleep 0.01; done; sleep 1; kill -TERM $!; wait $!"
    );
    let sent = at_a_terminal(&folder, &[], &line);
    let rows = screen(&sent);
    assert!(sent.contains("[0/2] 2 running") || sent.contains("[1/2] 1 running"), "{sent:?}");
    assert!(rows.iter().any(|row| row.contains("cancelled")), "{rows:?}");
    assert!(!rows.iter().any(|row| row.contains("running")), "{rows:?}");
}

#[test]
fn lines_tell_of_starts_and_ends_where_nothing_is_redrawn() {
    let folder =
        Folder::with("workflow: {tasks: [{id: a, run: 'true'}, {id: b, run: exit 3, depends_on: [a]}]}");
    let arguments = ["orch", "--contract", "contract.yaml", "--format", "json", "--progress"];
    for choice in ["plain", "bar"] {
        let ended = folder.onex(&[&arguments[..], &[choice]].concat());
        let expected = "a started\n[1/2] ✅ a done after {time}\nb started\n[2/2] ❌ b failed after {time}\n";
        assert_eq!(normalised(&ended.stderr), expected, "{choice}");
    }
    for choice in ["auto", "none"] {
        assert_eq!(folder.onex(&[&arguments[..], &[choice]].concat()).stderr, "", "{choice}");
    }
}

#[test]
fn no_block_where_it_could_not_be_taken_away() {
    let folder = Folder::with("workflow: {tasks: [{id: a, run: 'sleep 0.3'}]}");
    let line = "orch --contract contract.yaml";
    for (variables, more) in [
        (&[("CI", "true")][..], ""),
        (&[("TERM", "dumb")], ""),
        (&[], "--quiet"),
        (&[], "--progress none"),
        (&[], "2>/dev/null"),
        (&[], "--dry-run"),
    ] {
        let sent = at_a_terminal(&folder, variables, &format!("{line} {more}"));
        assert!(!sent.contains("running") && !sent.contains("\u{1b}[J"), "{variables:?} {more}: {sent:?}");
    }
}

#[test]
fn lines_are_as_wide_as_the_terminal() {
    let folder = Folder::with("workflow: {name: w, tasks: [{id: a, run: 'exit 3'}]}");
    for columns in [60, 80, 100, 200] {
        let onex = env!("CARGO_BIN_EXE_onex");
        let line = format!(
            "--version; stty cols {columns} rows 24; exec {onex} orch --contract contract.yaml --no-color --progress none"
        );
        let sent = at_a_terminal(&folder, &[], &line);
        let widest = sent.lines().map(|line| onex::base::text::cells(line.trim_end())).max().unwrap();
        assert_eq!(widest, columns.min(100), "{sent}");
    }
}
