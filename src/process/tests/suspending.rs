//! Job control, with a small shell in Python around the process under test.

use std::path::PathBuf;

use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;

use super::{block_on, command, fresh_file, is_alone, run, shell};
use crate::base::stop;
use crate::process::{Heard, Input, Program, SignalStream, suspend_self, time_asleep};

/// Runs the test `name` inside `script`, which gets the program and its arguments after the path of a fresh file.
/// Gives that path inside, and nothing outside.
fn inside(name: &str, script: &str) -> Option<PathBuf> {
    const FILE: &str = "ONEX_TEST_FILE";
    #[expect(clippy::disallowed_methods, reason = "how a test knows itself")]
    if let Some(file) = std::env::var_os(FILE) {
        return Some(file.into());
    }
    let file = fresh_file("job");
    let mut python = command("python3".as_ref());
    python.args(["-c", script]).arg(&file).arg(std::env::current_exe().unwrap());
    let output = python.args(["--exact", name, "--nocapture"]).env(FILE, &file).output().unwrap();
    _ = std::fs::remove_file(&file);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    None
}

const SUSPENDS: &str = r#"
import os, signal, sys, time
# Whoever ignores these, as some test runners do, hands that on.
for ignored in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(ignored, signal.SIG_DFL)
ready, job = sys.argv[1], os.fork()
if job == 0:
    os.setpgid(0, 0)
    os.execv(sys.argv[2], sys.argv[2:])
# Whatever is found wrong here must not leave it behind, stopped and with our output open.
def failed(*told):
    sys.__excepthook__(*told)
    os.kill(job, signal.SIGKILL)
sys.excepthook = failed
while not os.path.exists(ready):
    time.sleep(0.01)
program = open(ready).read().strip()
state = lambda: open(f"/proc/{program}/stat").read().rsplit(")")[1].split()[0]
for _ in range(2):
    os.kill(job, signal.SIGTSTP)
    assert os.WIFSTOPPED(os.waitpid(job, os.WUNTRACED)[1])
    assert state() == "T", state()
    os.kill(job, signal.SIGCONT)
    while state() == "T":
        time.sleep(0.01)
open(ready + ".go", "w").close()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(job, 0)[1]))
"#;

#[test]
fn all_programs_pause_with_onex_and_go_on_with_it() {
    let name = "process::tests::suspending::all_programs_pause_with_onex_and_go_on_with_it";
    let Some(file) = inside(name, SUSPENDS) else { return };
    // It starts nothing while it waits: a shell that is about to start a program cannot stop.
    let mut program =
        shell("echo $$ > $FILE.new; mv $FILE.new $FILE; while ! test -e $FILE.go; do :; done; rm $FILE.go");
    program.env.push("FILE", &file);
    let (_sender, receiver) = stop::channel();
    let exit = block_on(async {
        let mut signals = SignalStream::listen().unwrap();
        let listening = async {
            loop {
                if signals.next().await == Heard::Suspend {
                    assert!(!suspend_self().is_zero());
                }
            }
        };
        tokio::select! { exit = crate::process::run(program, receiver) => exit.unwrap(), () = listening => unreachable!() }
    });
    assert_eq!(exit.code, Some(0));
    assert!(!time_asleep().is_zero());
}

const TERMINAL: &str = r#"
import os, pty, signal, sys, termios, time
ready = sys.argv[1]
# Whoever ignores these, as some test runners do, hands that on.
for ignored in (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
    signal.signal(ignored, signal.SIG_DFL)
shell, screen = pty.fork()
if shell == 0:
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execv(sys.argv[2], sys.argv[2:])
    while True:
        status = os.waitpid(job, os.WUNTRACED)[1]
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            os._exit(os.waitstatus_to_exitcode(status))
        open(ready + ".stopped", "w").close()
        os.tcsetpgrp(0, job)
        os.kill(-job, signal.SIGCONT)
def wait(fact):
    while not fact():
        time.sleep(0.01)
wait(lambda: os.path.exists(ready))
program = int(open(ready).read())
assert os.tcgetpgrp(screen) == program
os.write(screen, b"\x1a")
wait(lambda: os.path.exists(ready + ".stopped"))
os.unlink(ready + ".stopped")
wait(lambda: os.tcgetpgrp(screen) == program)
os.write(screen, b"hello\n")
said = b""
try:
    while True:
        said += os.read(screen, 1000)
except OSError:
    pass
code = os.waitstatus_to_exitcode(os.waitpid(shell, 0)[1])
print(said.decode(), code)
sys.exit(code)
"#;

#[test]
fn a_program_that_inherits_the_terminal_is_in_its_foreground() {
    let name = "process::tests::suspending::a_program_that_inherits_the_terminal_is_in_its_foreground";
    let Some(file) = inside(name, TERMINAL) else { return };
    let mut program = Program {
        stdin: Input::Inherit,
        ..shell("stty -echo; echo $$ > $FILE.new; mv $FILE.new $FILE; read line; echo got $line")
    };
    program.env.push("FILE", &file);
    let (_sender, receiver) = stop::channel();
    let echo = || rustix::termios::tcgetattr(rustix::stdio::stdin()).unwrap().local_modes;
    let before = echo();
    let exit = block_on(crate::process::run(program, receiver)).unwrap();
    assert_eq!((exit.code, exit.stdout.bytes.as_slice()), (Some(0), &b"got hello\n"[..]));
    assert_eq!(tcgetpgrp(rustix::stdio::stdin()), Ok(getpgrp()));
    assert_eq!(echo(), before);
    assert!(!time_asleep().is_zero());
}

#[test]
fn what_is_inherited_need_not_be_a_terminal() {
    if !is_alone("process::tests::suspending::what_is_inherited_need_not_be_a_terminal") {
        return;
    }
    let exit = run(Program { stdin: Input::Inherit, ..shell("cat") }).unwrap();
    assert_eq!((exit.code, exit.stdout.bytes.as_slice()), (Some(0), &b""[..]));
}
