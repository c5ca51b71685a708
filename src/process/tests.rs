//! Real programs: what they print, how they end, how they are stopped.

use std::time::Duration;

use super::{Exit, Input, Locator, Program, SpawnError};
use crate::base::stop::{self, StopLevel};

fn shell(script: &str) -> Program {
    Program {
        file: "/bin/sh".into(),
        argv: ["sh", "-c", script].map(str::to_owned).to_vec(),
        env: [("PATH", "/usr/local/bin:/usr/bin:/bin")].into_iter().collect(),
        directory: std::path::absolute(".").unwrap(),
        ..Program::default()
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn run(program: Program) -> Result<Exit, SpawnError> {
    let (_sender, receiver) = stop::channel();
    block_on(super::run(program, receiver))
}

/// Runs a script, and asks it to stop as soon as it has printed a line into the file `$READY`.
fn run_and_stop(script: &str, level: StopLevel) -> Exit {
    #[expect(clippy::disallowed_methods, reason = "the only file of these tests")]
    let ready =
        std::env::temp_dir().join(format!("ready-{}-{:?}", std::process::id(), std::thread::current().id()));
    _ = std::fs::remove_file(&ready);
    let mut program = shell(script);
    program.env.push("READY", &ready);
    let (sender, receiver) = stop::channel();
    let exit = block_on(async {
        let running = super::run(program, receiver);
        let stopping = async {
            while !ready.exists() {
                crate::base::clock::sleep(Duration::from_millis(2)).await;
            }
            sender.raise(level);
            std::future::pending::<()>().await;
        };
        tokio::select! { exit = running => exit.unwrap(), () = stopping => unreachable!() }
    });
    std::fs::remove_file(&ready).unwrap();
    exit
}

#[test]
fn streams_are_captured_apart() {
    let exit = run(shell("echo out; echo err >&2; exit 7")).unwrap();
    assert_eq!((exit.stdout.bytes.as_slice(), exit.stderr.bytes.as_slice()), (&b"out\n"[..], &b"err\n"[..]));
    assert_eq!((exit.code, exit.signal, exit.stopped, exit.leaked), (Some(7), None, false, false));
}

#[test]
fn input_larger_than_a_pipe_goes_both_ways() {
    let text = vec![b'x'; 700_000];
    let exit = run(Program { stdin: Input::Text(text.clone()), ..shell("cat; cat <&0 >&2") }).unwrap();
    assert_eq!(exit.stdout.bytes.len(), text.len());
    // Who reads nothing is not waited for.
    let exit = run(Program { stdin: Input::Text(text), ..shell("exit 0") }).unwrap();
    assert_eq!(exit.code, Some(0));
}

#[test]
fn an_input_that_is_not_given_is_empty() {
    assert_eq!(run(shell("cat")).unwrap().stdout.bytes, b"");
}

#[test]
fn an_end_by_a_signal_is_told() {
    let exit = run(shell("kill -SEGV $$")).unwrap();
    assert_eq!((exit.code, exit.signal, exit.stopped), (None, Some(11), false));
}

#[test]
fn what_cannot_be_started_says_why() {
    let missing = Program { file: "/no/such/program".into(), ..shell("") };
    assert!(run(missing).unwrap_err().to_string().contains("/no/such/program"));
    let directory = Program { directory: "/no/such/directory".into(), ..shell("") };
    assert!(run(directory).is_err());
}

#[test]
fn a_program_that_is_asked_to_stop_can_say_goodbye() {
    let exit = run_and_stop(
        "trap 'echo bye; exit 3' TERM; echo > $READY; while :; do sleep 0.01; done",
        StopLevel::Ladder,
    );
    assert_eq!((exit.code, exit.stdout.bytes.as_slice(), exit.stopped), (Some(3), &b"bye\n"[..], true));
}

#[test]
fn the_whole_group_is_stopped() {
    // The shell ends at once; what it started in the background ends with it.
    let exit = run_and_stop("sleep 987654 & echo $!; echo > $READY; wait", StopLevel::Ladder);
    assert_eq!((exit.signal, exit.stopped), (Some(15), true));
    let pid = String::from_utf8(exit.stdout.bytes).unwrap();
    assert!(
        !std::path::Path::new("/proc").join(pid.trim()).join("exe").exists(),
        "the child of the shell survived"
    );
}

#[test]
fn who_ignores_the_question_is_killed() {
    let exit = run_and_stop("trap '' TERM; echo > $READY; while :; do sleep 0.01; done", StopLevel::Kill);
    assert_eq!((exit.signal, exit.stopped), (Some(9), true));
}

#[test]
fn a_daemon_that_holds_the_output_does_not_hold_up_its_node() {
    // Without a bound this would wait for days.
    let exit = run(shell("sleep 987655 & echo $!")).unwrap();
    assert_eq!((exit.code, exit.leaked, exit.stopped), (Some(0), true, false));
    let pid: i32 = String::from_utf8(exit.stdout.bytes).unwrap().trim().parse().unwrap();
    // It was left behind on purpose, so it still runs.
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn programs_are_found_as_a_shell_finds_them() {
    let locator = Locator::default();
    let here = std::path::Path::new("/");
    assert_eq!(locator.find("sh", Some("/nowhere:/bin".as_ref()), here), Ok("/bin/sh".into()));
    assert_eq!(locator.find("sh", Some("/nowhere:/bin".as_ref()), here), Ok("/bin/sh".into()));
    assert!(locator.find("sh", None, here).is_ok());
    assert_eq!(locator.find("bin/sh", None, here), Ok("/bin/sh".into()));
    assert_eq!(
        locator.find("no-such-program", None, here),
        Err("no program `no-such-program` in PATH".to_owned())
    );
    assert_eq!(locator.find("/etc/passwd", None, here), Err("`/etc/passwd` is not executable".to_owned()));
    assert_eq!(locator.find("./etc", None, here), Err("`./etc` is a directory".to_owned()));
}
