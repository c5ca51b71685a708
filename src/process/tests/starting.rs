//! What a program is started with: arguments, variables, signals, limits; and that nothing stays behind.

use std::fs::read_to_string;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex};

use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::{block_on, command, fresh_file, is_alone, run, shell};
use crate::base::stop;
use crate::process::spawn::{self, Order, spawn_portably};
use crate::process::{Exit, Limits, Program, SignalStream, Source};

fn text(exit: &Exit) -> &str {
    std::str::from_utf8(&exit.stdout.bytes).unwrap()
}

#[test]
fn a_program_gets_all_its_arguments() {
    let mut program = shell("shift 998; echo $# $*; echo $0");
    program.argv.extend((0..1001).map(|n| format!("argument {n}")));
    assert_eq!(text(&run(program).unwrap()), "2 argument 999 argument 1000\nargument 0\n");
}

/// A program that shows its environment, with variables that hide each other.
fn shows_its_environment() -> Program {
    Program {
        file: "/usr/bin/env".into(),
        argv: vec!["env".to_owned()],
        inherited: Arc::new(
            [("KEPT", "1"), ("HIDDEN", "2"), ("TWICE", "3"), ("TWICE", "4")].into_iter().collect(),
        ),
        env: [("HIDDEN", "own"), ("OWN", "a=b"), ("OWN", "last"), ("EMPTY", "")].into_iter().collect(),
        directory: "/".into(),
        ..Program::default()
    }
}

const ITS_ENVIRONMENT: &str = "EMPTY=\nHIDDEN=own\nKEPT=1\nOWN=last\nTWICE=4\n";

fn sorted(text: &str) -> String {
    let mut lines: Vec<_> = text.split_inclusive('\n').collect();
    lines.sort_unstable();
    lines.concat()
}

#[test]
fn own_variables_hide_inherited_ones() {
    assert_eq!(sorted(text(&run(shows_its_environment()).unwrap())), ITS_ENVIRONMENT);
}

#[test]
fn the_portable_way_starts_the_same_program() {
    let (mut output, theirs) = std::io::pipe().unwrap();
    let program = shows_its_environment();
    let streams = [spawn::empty_input().unwrap(), theirs.as_fd(), theirs.as_fd()];
    let pid = spawn_portably(&Order { program: &program, streams, terminal: None }).unwrap();
    drop(theirs);
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    assert_eq!(sorted(&text), ITS_ENVIRONMENT);
    let status = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED).unwrap().unwrap();
    assert_eq!(status.exit_status(), Some(0));
}

#[test]
fn a_zero_byte_is_refused() {
    let mut argument = shell("exit 0");
    argument.argv.push("a\0b".to_owned());
    let mut variable = shell("exit 0");
    variable.env.push("A", "\0");
    for program in [argument, variable, Program { directory: "/\0".into(), ..shell("exit 0") }] {
        assert!(run(program).unwrap_err().to_string().contains("a zero byte"));
    }
}

/// A line of `/proc/…/status`, as a mask of signals.
fn mask(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap()
}

#[test]
#[expect(unsafe_code, reason = "blocks a signal in this thread")]
fn signals_are_in_a_program_as_they_were_at_the_start() {
    // SAFETY: a valid set with one signal.
    unsafe {
        let mut blocked: libc::sigset_t = std::mem::zeroed();
        libc::sigaddset(&raw mut blocked, libc::SIGUSR1);
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const blocked, std::ptr::null_mut());
    }
    let exit = block_on(async {
        let _signals = SignalStream::listen().unwrap();
        let (_sender, receiver) = stop::channel();
        crate::process::run(
            Program {
                file: "/bin/cat".into(),
                argv: ["cat", "/proc/self/status"].map(str::to_owned).to_vec(),
                ..shell("")
            },
            receiver,
        )
        .await
        .unwrap()
    });
    let (theirs, ours) = (text(&exit), read_to_string("/proc/thread-self/status").unwrap());
    let pipe = 1 << (libc::SIGPIPE - 1);
    assert_eq!(mask(theirs, "SigBlk:"), mask(&ours, "SigBlk:"));
    assert_ne!(mask(theirs, "SigBlk:") & 1 << (libc::SIGUSR1 - 1), 0);
    assert_eq!((mask(theirs, "SigCgt:"), mask(theirs, "SigPnd:")), (0, 0));
    // The Rust runtime ignores SIGPIPE; programs are to end when nobody reads them any more.
    assert_eq!(mask(theirs, "SigIgn:"), mask(&ours, "SigIgn:") & !pipe);
    let exit = run(shell("yes | head -n 1; kill -PIPE $$")).unwrap();
    assert_eq!((text(&exit), exit.signal), ("y\n", Some(libc::SIGPIPE)));
}

#[test]
#[expect(unsafe_code, reason = "ignores a signal in this process")]
fn a_parent_that_ignores_its_children_still_knows_how_they_end() {
    if !is_alone("process::tests::starting::a_parent_that_ignores_its_children_still_knows_how_they_end") {
        return;
    }
    // SAFETY: no handler is involved.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    let exit = block_on(async {
        let _signals = SignalStream::listen().unwrap();
        let (_sender, receiver) = stop::channel();
        crate::process::run(shell("exit 3"), receiver).await.unwrap()
    });
    assert_eq!(exit.code, Some(3));
}

fn open_files() -> Vec<String> {
    let target = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_link(entry.unwrap().path());
    let files = std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| target(entry).ok());
    files.map(|file| file.display().to_string()).filter(|file| !file.ends_with("/fd")).collect()
}

#[test]
fn no_descriptor_and_no_process_stays_behind() {
    if !is_alone("process::tests::starting::no_descriptor_and_no_process_stays_behind") {
        return;
    }
    block_on(async {
        let run = async |program: Program| {
            let (_sender, receiver) = stop::channel();
            crate::process::run(program, receiver).await
        };
        run(shell("exit 0")).await.unwrap();
        let before = open_files().len();
        for round in 0..200 {
            run(shell("echo a; echo b >&2")).await.unwrap();
            let missing = Program { file: "/no/such/program".into(), ..shell("") };
            let nowhere = Program { directory: "/no/such/folder".into(), ..shell("") };
            assert!(run(missing).await.is_err() && run(nowhere).await.is_err(), "{round}");
        }
        // One that closes its output before it ends has to be watched in another way.
        run(shell("exec >&- 2>&-; sleep 0.05")).await.unwrap();
        assert_eq!(open_files().len(), before, "{:?}", open_files());
    });
    let children = format!("/proc/self/task/{}/children", std::process::id());
    assert_eq!(read_to_string(children).unwrap(), "");
    // And none of ours reaches a program.
    let script = "ls /proc/self/fd | wc -l";
    let exit = run(shell(script)).unwrap();
    let expected = command("sh".as_ref()).args(["-c", script]).output().unwrap().stdout;
    assert_eq!(text(&exit).as_bytes(), expected);
}

#[test]
fn limits_hold_for_a_program() {
    let limits = Limits { memory: Some(1 << 30), processes: Some(4321), cpus: Some(1) };
    let script = "grep -E 'address space|processes' /proc/self/limits; nproc";
    let exit = run(Program { limits, ..shell(script) }).unwrap();
    let words: Vec<&str> = text(&exit).split_whitespace().collect();
    assert!(words.windows(2).any(|pair| pair == ["1073741824", "1073741824"]), "{words:?}");
    assert!(words.windows(2).any(|pair| pair[0] == "4321"), "{words:?}");
    assert_eq!(words.last(), Some(&"1"));
    let greedy = "x=a; while :; do x=$x$x; done";
    let limits = Limits { memory: Some(64 << 20), ..Limits::default() };
    assert_ne!(run(Program { limits, ..shell(greedy) }).unwrap().code, Some(0));
}

#[test]
fn output_is_told_while_it_is_printed() {
    let go = fresh_file("told");
    let heard = Arc::new(Mutex::new((Vec::new(), Vec::new())));
    let (known, made) = (Arc::clone(&heard), go.clone());
    let program = Program {
        tee: Some(Arc::new(move |source, bytes: &[u8]| {
            let mut heard = known.lock().unwrap();
            match source {
                Source::Out => heard.0.extend_from_slice(bytes),
                Source::Err => heard.1.extend_from_slice(bytes),
            }
            if heard.0.starts_with(b"now") {
                std::fs::write(&made, "").unwrap();
            }
        })),
        // It ends only because somebody heard it before.
        ..shell(&format!("echo now; while ! test -e {}; do sleep 0.01; done; echo later >&2", go.display()))
    };
    let exit = run(program).unwrap();
    std::fs::remove_file(&go).unwrap();
    assert_eq!(*heard.lock().unwrap(), (exit.stdout.bytes, exit.stderr.bytes));
}

#[test]
fn a_flood_of_output_costs_little_memory() {
    if !is_alone("process::tests::starting::a_flood_of_output_costs_little_memory") {
        return;
    }
    let exit = run(shell("echo begin; head -c 1073741824 /dev/zero; echo; echo end")).unwrap();
    assert_eq!((exit.code, exit.stdout.truncated), (Some(0), true));
    assert!(exit.stdout.bytes.starts_with(b"begin\n") && exit.stdout.bytes.ends_with(b"\nend\n"));
    let status = read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kibibytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kibibytes < 100 * 1024, "{kibibytes} KiB");
}
