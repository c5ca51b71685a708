//! Real programs. Every test waits for facts.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{Exit, Program, SpawnError};
use crate::base::stop::{self, StopLevel};

mod running;
mod starting;
mod stopping;
mod suspending;

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

/// A file of this test that is not there.
fn fresh_file(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    #[expect(clippy::disallowed_methods, reason = "the only files of these tests")]
    let folder = std::env::temp_dir();
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let file = folder.join(format!("onex-{name}-{}-{number}", std::process::id()));
    _ = std::fs::remove_file(&file);
    file
}

/// Waits until `fact` is one. The test runner bounds the wait.
async fn until(fact: impl Fn() -> bool) {
    while !fact() {
        crate::base::clock::sleep(Duration::from_millis(2)).await;
    }
}

/// Runs a script, and asks it to stop as soon as it has made the file `$READY`.
fn run_and_stop(program: Program, level: StopLevel) -> Exit {
    let ready = fresh_file("ready");
    let mut program = program;
    program.env.push("READY", &ready);
    let (sender, receiver) = stop::channel();
    let exit = block_on(async {
        let running = super::run(program, receiver);
        let stopping = async {
            until(|| ready.exists()).await;
            sender.raise(level);
            std::future::pending::<()>().await;
        };
        tokio::select! { exit = running => exit.unwrap(), () = stopping => unreachable!() }
    });
    std::fs::remove_file(&ready).unwrap();
    exit
}

/// Whether a process runs: one that has ended and was not waited for has no program any more.
fn is_alive(pid: &str) -> bool {
    std::path::Path::new("/proc").join(pid.trim()).join("exe").exists()
}

/// The process of the test `name` alone: true there, where the test is to go on. Elsewhere it has run it.
fn is_alone(name: &str) -> bool {
    const INSIDE: &str = "ONEX_TEST_INSIDE";
    #[expect(clippy::disallowed_methods, reason = "how a test knows itself")]
    if std::env::var_os(INSIDE).is_some_and(|inside| inside == name) {
        return true;
    }
    let mut command = command(std::env::current_exe().unwrap().as_os_str());
    let output = command.args(["--exact", name, "--nocapture"]).env(INSIDE, name).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

#[expect(clippy::disallowed_methods, reason = "what stands around the process under test")]
fn command(program: &std::ffi::OsStr) -> std::process::Command {
    std::process::Command::new(program)
}
