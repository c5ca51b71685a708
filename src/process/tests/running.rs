//! What programs print and read, how they end, where they are found.

use super::{run, shell};
use crate::process::{Input, Locator, Program};

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
