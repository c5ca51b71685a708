//! A job at a terminal: keys that interrupt and stop it, a terminal that goes away, programs that have it for a while.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Bare as _, Folder, endings};

/// Carries out a scenario in Python at a terminal of its own, and gives what it prints.
pub fn at_a_terminal(folder: &Folder, scenario: &str) -> String {
    let mut command = Command::new("python3");
    command.args(["-c", &format!("{}{scenario}", include_str!("terminal_control.py"))]);
    command.current_dir(folder.path()).bare().stdin(Stdio::null());
    command.env("HOME", folder.path());
    command.env("TERM", "xterm").env("TMPDIR", folder.path().join("tmp"));
    command.env("ONEX", env!("CARGO_BIN_EXE_onex"));
    let output = command.output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    folder.assert_nothing_left(&out);
    out.into_owned()
}

/// The report that the job wrote, which is one in any case.
fn report(folder: &Folder) -> Value {
    serde_json::from_str(&folder.read("report.json")).unwrap()
}

/// Starts a shell with job control and in it the job `line`; its code is shown in the end.
pub fn with_job(line: &str, then: &str) -> String {
    format!(
        r#"
terminal = Terminal(["bash", "--norc", "--noediting", "-i"])
terminal.until(lambda: terminal.shown)
before = terminal.settings()
terminal.type('''{line}; echo "code"=$?''' + "\n")
{then}
terminal.type("exit\n")
terminal.closed()
print(terminal.shown.decode())
"#
    )
}

const ORCH: &str = "$ONEX orch --contract contract.yaml --report report.json";

/// What is so when a job has ended.
pub const IN_ORDER: &str = r#"
terminal.until(lambda: terminal.foreground() == terminal.shell)
assert terminal.settings() == before
assert b"\x1b[?25l" not in terminal.shown
"#;

const WAITS: &str = "
workflow:
  tasks:
    - {id: a, run: 'echo $PPID > onex; echo $$ > pid; touch ready; sleep 987680; touch late'}
    - {id: b, run: touch late}
";

#[test]
fn the_key_for_an_interrupt_cancels_the_run() {
    let folder = Folder::with(WAITS);
    let keys = "terminal.file('ready')\nterminal.type('\\x03')\nterminal.shows('code=1')";
    at_a_terminal(&folder, &with_job(ORCH, &format!("{keys}{IN_ORDER}")));
    assert_eq!(endings(&report(&folder)), ["a failed cancelled", "b skipped cancelled"]);
    assert!(!folder.exists("late"));
}

#[test]
fn the_key_pressed_again_kills() {
    let folder = Folder::with(
        "workflow: {tasks: [{id: a, run: \"trap 'touch asked' TERM; touch ready; while :; do sleep 0.02 || true; done\"}]}",
    );
    let keys = "terminal.file('ready')\nterminal.type('\\x03')\nterminal.file('asked')\nterminal.type('\\x03')\nterminal.shows('code=1')";
    at_a_terminal(&folder, &with_job(ORCH, &format!("{keys}{IN_ORDER}")));
    assert_eq!(report(&folder)["error"]["message"], "the run was killed by a second signal");
}

#[test]
fn a_key_during_a_commit_is_one_interrupt() {
    let folder = Folder::new();
    folder.git(&["init", "--quiet"]);
    let line = "trap 'touch asked; while ! test -e go; do sleep 0.01; done; touch tidied; exit 1' TERM; \
                echo $PPID > onex; touch ready; while :; do sleep 0.02 || true; done";
    folder.write(
        "waits.onex.yaml",
        format!(
            "name: waits\nversion: 1.0.0\nmeta_type: validator\nlifecycle: canary\ntags: [pre-commit]\n\
             entrypoint: {{type: command, target: [sh, -c, {line:?}]}}\n"
        ),
    );
    let hook = folder.write(
        ".git/hooks/pre-commit",
        "#!/bin/sh\nexec \"$ONEX\" orch --stage pre-commit --report report.json\n",
    );
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    folder.git(&["add", "waits.onex.yaml"]);
    // A shell's job, and a window of its own: then the terminal goes away with git, which is a signal, too.
    let start = r#"
commit = "git -c user.name=a -c user.email=a@example.com commit --message=x"
if LEADS:
    terminal = Terminal(commit.split())
else:
    terminal = Terminal(["bash", "--norc", "--noediting", "-i"])
    terminal.until(lambda: terminal.shown)
    terminal.type(commit + "\n")
terminal.file("ready")
onex = number("onex")
terminal.type("\x03")

def wait(fact):
    while not fact():
        if not terminal.look():
            time.sleep(0.005)

wait(lambda: os.path.exists("asked"))
# Git is gone, and what comes of that has come.
wait(lambda: state(terminal.shell) == "Z" if LEADS else terminal.foreground() == terminal.shell)
wait(lambda: not pending(onex))
open("go", "w")
wait(lambda: state(onex) == "Z")
if not LEADS:
    terminal.type("exit\n")
terminal.closed()
"#;
    for leads in ["False", "True"] {
        for file in ["ready", "onex", "asked", "go", "tidied", "report.json"] {
            _ = std::fs::remove_file(folder.path().join(file));
        }
        at_a_terminal(&folder, &start.replace("LEADS", leads));
        let report = report(&folder);
        assert_eq!(report["status"], "cancelled", "{report}");
        assert!(folder.exists("tidied"), "{report}");
        assert_eq!(report["error"]["message"], "the run was cancelled by a signal", "{report}");
    }
}

/// A shell that waits for a child which is stopped before it has become its program cannot stop itself (`D`).
/// Jobs of one program and of several, and how long each is stopped for.
fn jobs() -> [(f64, String); 3] {
    [(3.1, ORCH.to_owned()), (0.0, format!("{ORCH} | cat")), (0.0, format!("sh -c '{ORCH}; exit $?'"))]
}

/// Its time would be over if a pause counted.
const PAUSES: &str = "
workflow:
  tasks:
    - {id: a, timeout: 6s, run: 'echo $PPID > onex; echo $$ > pid; touch ready; while ! test -e go; do sleep 0.01; done; sleep 0.3'}
";

#[test]
fn a_job_that_is_stopped_and_continued_does_not_run_out_of_time() {
    // Twice for so long that a clock that goes on would have run out; then that all of a job takes part.
    for (pause, line) in jobs() {
        let folder = Folder::with(PAUSES);
        at_a_terminal(
            &folder,
            &with_job(
                &line,
                &format!(
                    r#"
onex, node = number("onex"), number("pid")
for _ in range(2):
    terminal.file("ready")
    terminal.type("\x1a")
    terminal.until(lambda: terminal.foreground() == terminal.shell)
    terminal.until(lambda: state(onex) == "T" and state(node) in "TD")
    time.sleep({pause})
    terminal.type("fg\n")
    terminal.until(lambda: state(onex) != "T" and state(node) != "T")
    terminal.until(lambda: terminal.foreground() != terminal.shell)
open("go", "w")
terminal.until(lambda: state(onex) == "Z"){IN_ORDER}"#
                ),
            ),
        );
        assert_eq!(endings(&report(&folder)), ["a completed -"], "{line}");
    }
}

#[test]
fn a_job_in_the_background_is_stopped_and_continued_by_signals() {
    let folder = Folder::with(PAUSES);
    at_a_terminal(
        &folder,
        &with_job(
            &format!("{ORCH} > out & true"),
            &format!(
                r#"
onex, node = number("onex"), number("pid")
os.kill(onex, 20)
terminal.until(lambda: state(onex) == "T" and state(node) in "TD")
time.sleep(6.2)
os.kill(onex, 18)
terminal.until(lambda: state(onex) != "T" and state(node) != "T")
open("go", "w")
terminal.until(lambda: state(onex) == "Z"){IN_ORDER}"#
            ),
        ),
    );
    assert_eq!(endings(&report(&folder)), ["a completed -"]);
}

#[test]
fn a_stopped_job_ends_when_it_is_asked_to() {
    let folder = Folder::with(WAITS);
    let steps = r#"
onex = number("onex")
terminal.file("ready")
terminal.type("\x1a")
terminal.until(lambda: state(onex) == "T")
os.kill(onex, 15)
terminal.type("fg\n")
terminal.until(lambda: state(onex) == "Z")"#;
    at_a_terminal(&folder, &with_job(ORCH, &format!("{steps}{IN_ORDER}")));
    assert_eq!(report(&folder)["status"], "cancelled");
}

#[test]
fn a_terminal_that_goes_away_cancels_the_run() {
    for shell in ["bash --norc --noediting -i", "bash --norc -m", "dash -i", "direct"] {
        for node in ["", ", stdin: inherit"] {
            let folder = Folder::with(&format!(
                "workflow:
  tasks:
    - {{id: a, run: 'echo $PPID > onex; touch ready; sleep 987681; touch late'{node}}}
    - {{id: b, run: touch late}}
"
            ));
            let start = if shell == "direct" {
                "terminal = Terminal(['sh', '-c', 'exec $ONEX orch --contract contract.yaml --report report.json'])"
                    .to_owned()
            } else {
                format!("terminal = Terminal('{shell}'.split())\nterminal.type('{ORCH}\\n')")
            };
            let then = r#"
onex = number("onex")
terminal.file("ready")
os.close(terminal.screen)
while state(onex) != "Z":
    time.sleep(0.01)
os.waitpid(terminal.shell, 0)
"#;
            at_a_terminal(&folder, &format!("\n{start}{then}"));
            let what = format!("{shell}{node}");
            assert_eq!(report(&folder)["status"], "cancelled", "{what}: {:?}", endings(&report(&folder)));
            assert!(!folder.exists("late"), "{what}");
        }
    }
}

/// A node that has the terminal for itself, and one after it.
fn asks(run: &str, more: &str) -> Folder {
    Folder::with(&format!(
        "workflow:
  coordination: {{rules: {{fail_fast: false}}}}
  tasks:
    - {{id: asks, stdin: inherit, run: 'echo $PPID > onex; echo $$ > pid; touch ready; {run}'{more}}}
    - {{id: next, run: 'touch next; while ! test -e go; do sleep 0.01; done', depends_on: [{{node: asks, on: finished}}]}}
"
    ))
}

#[test]
fn a_node_that_has_the_terminal_reads_what_is_typed() {
    let folder = asks("read line; echo got $line", "");
    let steps = r#"
onex, node = number("onex"), number("pid")
terminal.file("ready")
terminal.until(lambda: terminal.foreground() == node)
terminal.type("hello\n")
terminal.file("next")
assert terminal.foreground() == group(onex), (terminal.foreground(), onex)
open("go", "w")
terminal.shows("code=0")"#;
    at_a_terminal(&folder, &with_job(ORCH, &format!("{steps}{IN_ORDER}")));
    let report = report(&folder);
    assert_eq!(endings(&report), ["asks completed -", "next completed -"]);
    assert_eq!(report["results"][0]["stdout"], "got hello\n");
}

#[test]
fn the_key_for_an_interrupt_cancels_the_run_also_while_a_node_has_the_terminal() {
    for more in ["", ", retry: {max_attempts: 3, initial_delay: 1ms}"] {
        let folder = asks("sleep 987683 & read line", more);
        let steps = r#"
node = number("pid")
terminal.file("ready")
terminal.until(lambda: terminal.foreground() == node)
terminal.type("\x03")
terminal.shows("code=")"#;
        at_a_terminal(&folder, &with_job(ORCH, &format!("open('go', 'w')\n{steps}{IN_ORDER}")));
        let report = report(&folder);
        assert_eq!(endings(&report), ["asks failed cancelled", "next skipped cancelled"]);
        assert_eq!((&report["status"], &report["results"][0]["attempts"]), (&"cancelled".into(), &1.into()));
    }
}

#[test]
fn a_node_that_has_the_terminal_takes_its_run_along_when_it_is_stopped() {
    for (pause, line) in jobs() {
        let folder = asks("read line; echo got $line", ", timeout: 6s");
        let steps = format!(
            r#"
onex, node = number("onex"), number("pid")
for _ in range(2):
    terminal.file("ready")
    terminal.until(lambda: terminal.foreground() == node)
    terminal.type("\x1a")
    terminal.until(lambda: terminal.foreground() == terminal.shell)
    terminal.until(lambda: state(onex) == "T" and state(node) in "TD")
    time.sleep({pause})
    terminal.type("fg\n")
terminal.until(lambda: terminal.foreground() == node)
terminal.type("hello\n")
open("go", "w")
terminal.until(lambda: state(onex) == "Z")"#
        );
        at_a_terminal(&folder, &with_job(&line, &format!("{steps}{IN_ORDER}")));
        let report = report(&folder);
        assert_eq!(endings(&report), ["asks completed -", "next completed -"], "{line}");
        assert_eq!(report["results"][0]["stdout"], "got hello\n");
    }
}

#[test]
fn a_terminal_is_put_in_order_after_who_left_it_in_disorder() {
    for (end, code) in [
        ("terminal.type('\\x03')", "code=1"),
        ("os.kill(onex, 15)", "code=1"),
        ("os.kill(node, 9)", "code=1"),
    ] {
        let folder = asks("stty -echo -icanon; touch changed; exec sleep 987682", "");
        let steps = format!(
            r#"
onex, node = number("onex"), number("pid")
open("go", "w")
terminal.file("changed")
assert terminal.settings() != before
{end}
terminal.shows("{code}")"#
        );
        at_a_terminal(&folder, &with_job(ORCH, &format!("{steps}{IN_ORDER}")));
    }
}

#[test]
fn what_shows_how_far_a_run_is_leaves_the_terminal_to_others() {
    for (folder, stop) in [
        (Folder::with(PAUSES), "terminal.shows('1 running')\nterminal.type('\\x1a')"),
        (
            asks("read line", ""),
            "terminal.file('ready')\nterminal.until(lambda: terminal.foreground() == node)\nterminal.type('\\x1a')",
        ),
    ] {
        let steps = format!(
            r#"
onex, node = number("onex"), number("pid")
{stop}
terminal.shows("Stopped")
shown = terminal.shown[:terminal.shown.index(b"Stopped")]
# Either there was nothing yet, or it was taken away last: the cursor goes up, and all below is erased.
drawn = shown.rfind(b"\x1b[K")
assert drawn < 0 or b"A\x1b[J" in shown[drawn:], shown
seen = len(terminal.shown)
terminal.type("fg\n")
terminal.until(lambda: terminal.foreground() != terminal.shell)
open("go", "w")
terminal.type("hello\n")
terminal.until(lambda: state(onex) == "Z")
# What was printed meanwhile is not drawn over.
after = terminal.shown[seen:]
drawn = after.find(b"\x1b[K")
assert drawn < 0 or b"\x1b[1A" not in after[:drawn], after{IN_ORDER}"#
        );
        at_a_terminal(&folder, &with_job(ORCH, &steps));
        assert_eq!(report(&folder)["status"], "success");
    }
}

#[test]
fn a_narrow_terminal_is_left_in_order_too() {
    let folder = Folder::with(WAITS);
    let steps = r#"
terminal.file("ready")
terminal.shows("1 running")
terminal.type("\x03")
terminal.shows("code=1")
after = terminal.shown[terminal.shown.rindex(b"\x1b[K"):]
assert b"A\x1b[J" in after and b"running" not in after, after"#;
    let scenario = with_job(ORCH, &format!("{steps}{IN_ORDER}"));
    at_a_terminal(&folder, &scenario.replace("\"-i\"])", "\"-i\"], columns=20, rows=5)"));
}
