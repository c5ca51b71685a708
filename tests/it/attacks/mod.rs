//! Attacks by who writes what a project holds: each file is one kind, and shows that nothing comes of it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::{Ended, Folder};

mod arrival;
mod looking;
mod output;
mod paths;
mod sizes;

/// The address space that a program has, in KiB. It ends by SIGABRT where it asks for more.
const MEMORY: u32 = 600 * 1024;

/// So many seconds may no program take; what takes so long hangs.
const FOREVER: u32 = 120;

/// Runs `onex` within bounds; it neither panics nor hangs.
fn ask(folder: &Folder, arguments: &[&str]) -> Ended {
    ask_with(folder, arguments, &[])
}

fn ask_with(folder: &Folder, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let onex = folder.command(&[]);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")]).arg(onex.get_program());
    command.env_clear().envs(onex.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("XDG_CACHE_HOME", folder.path().join("home/cache"));
    command.envs(variables.iter().copied()).args(arguments).current_dir(folder.path());
    finish(folder, &mut command)
}

fn finish(folder: &Folder, command: &mut Command) -> Ended {
    let [out, err] = ["out", "err"].map(|name| folder.path().join("tmp").join(name));
    command.stdin(Stdio::null()).stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
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
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
    assert!(ended.code >= 0, "{command:?}: {ended:?}");
    ended
}

/// A repository of git in a folder of its own.
fn repository() -> Folder {
    let folder = Folder::new();
    folder.git(&["init", "--quiet", "--initial-branch=main"]);
    folder.write(".gitignore", "/tmp/\n/home/\n");
    folder
}

fn commit(folder: &Folder) {
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--allow-empty", "--message=x"]);
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}
