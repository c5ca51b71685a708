//! How programs are stopped, and what is left of them.

use std::path::PathBuf;
use std::sync::Arc;

use rustix::process::{Pid, Signal, kill_process};

use super::{block_on, fresh_file, is_alive, is_alone, run, run_and_stop, shell, until};
use crate::base::stop::{self, StopLevel};
use crate::process::{Program, adopt_orphans, orphans, registry, sweep};

#[test]
fn a_program_that_is_asked_to_stop_can_say_goodbye() {
    let exit = run_and_stop(
        shell("trap 'echo bye; exit 3' TERM; echo > $READY; while :; do sleep 0.01; done"),
        StopLevel::Ladder,
    );
    assert_eq!((exit.code, exit.stdout.bytes.as_slice(), exit.stopped), (Some(3), &b"bye\n"[..], true));
}

#[test]
fn the_whole_group_is_stopped() {
    // The shell ends at once; what it started in the background ends with it.
    let exit = run_and_stop(shell("sleep 987654 & echo $!; echo > $READY; wait"), StopLevel::Ladder);
    assert_eq!((exit.signal, exit.stopped), (Some(15), true));
    let pid = String::from_utf8(exit.stdout.bytes).unwrap();
    assert!(
        !std::path::Path::new("/proc").join(pid.trim()).join("exe").exists(),
        "the child of the shell survived"
    );
}

#[test]
fn who_ignores_the_question_is_killed() {
    let exit =
        run_and_stop(shell("trap '' TERM; echo > $READY; while :; do sleep 0.01; done"), StopLevel::Kill);
    assert_eq!((exit.signal, exit.stopped), (Some(9), true));
}

#[test]
fn a_daemon_that_holds_the_output_does_not_hold_up_its_node() {
    // Without a bound this would wait for days.
    let exit = run(shell("sleep 987655 & echo $!")).unwrap();
    assert_eq!((exit.code, exit.leaked, exit.stopped), (Some(0), true, false));
    let pid: i32 = String::from_utf8(exit.stdout.bytes).unwrap().trim().parse().unwrap();
    // It was left behind on purpose, so it still runs.
    let pid = Pid::from_raw(pid).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

fn marked(script: &str, mark: &str) -> Program {
    Program { mark: Some(mark.to_owned()), ..shell(script) }
}

/// A process that leaves its parent, its group and its session, and says who it is in the file `$1`.
const DAEMON: &str = "daemon() { (setsid sh -c 'echo $$ > $1.new; mv $1.new $1; exec sleep 987656' sh $1 >/dev/null 2>&1 </dev/null &) ; while ! test -e $1; do sleep 0.01; done; }; ";

/// The daemon that a test leaves behind for a moment.
struct Daemon(PathBuf);

impl Daemon {
    fn new(name: &str) -> Self {
        Self(fresh_file(name))
    }

    fn script(&self, then: &str) -> String {
        format!("{DAEMON} daemon {}; {then}", self.0.display())
    }

    fn is_alive(&self) -> bool {
        is_alive(&std::fs::read_to_string(&self.0).unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let pid = std::fs::read_to_string(&self.0).ok().and_then(|text| text.trim().parse().ok());
        if let Some(pid) = pid.and_then(Pid::from_raw) {
            _ = kill_process(pid, Signal::KILL);
        }
        _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn what_left_the_group_is_killed_after_a_stop() {
    for level in [StopLevel::Ladder, StopLevel::Kill] {
        let daemon = Daemon::new("survivor");
        let script = daemon.script("echo > $READY; sleep 987657");
        let exit = run_and_stop(marked(&script, "run/survives/1"), level);
        assert!(exit.stopped && !daemon.is_alive(), "{level:?}");
    }
}

#[test]
fn a_daemon_of_a_program_that_ended_by_itself_lives_on() {
    let daemon = Daemon::new("daemon");
    let exit = run(marked(&daemon.script("exit 0"), "run/leaves/1")).unwrap();
    assert_eq!((exit.code, exit.stopped, exit.leaked), (Some(0), false, false));
    assert!(daemon.is_alive());
    // Before the node is repeated, it goes.
    assert!(block_on(sweep("run/leaves/1")) && !daemon.is_alive());
}

#[test]
fn a_sweep_touches_nothing_with_another_mark() {
    let (other, longer, inner) = (Daemon::new("other"), Daemon::new("longer"), Daemon::new("inner"));
    run(marked(&other.script("exit 0"), "run/other/1")).unwrap();
    run(marked(&longer.script("exit 0"), "run/a/11")).unwrap();
    let inherited = [("ONEX_ATTEMPT", "run/outer/1")].into_iter().collect();
    let nested = Program { inherited: Arc::new(inherited), ..marked(&inner.script("exit 0"), "inside/a/1") };
    run(nested).unwrap();
    assert!(block_on(sweep("run/a/1")));
    assert!(other.is_alive() && longer.is_alive() && inner.is_alive());
    // The attempt of an outer `onex` includes those of the inner one.
    assert!(block_on(sweep("run/outer/1")));
    assert!(other.is_alive() && longer.is_alive() && !inner.is_alive());
}

#[test]
fn adopted_orphans_do_not_stay_behind_as_zombies() {
    if !is_alone("process::tests::stopping::adopted_orphans_do_not_stay_behind_as_zombies") {
        return;
    }
    adopt_orphans().unwrap();
    let children = || -> usize {
        let threads = std::fs::read_dir("/proc/self/task").unwrap();
        let lists =
            threads.map(|thread| std::fs::read_to_string(thread.unwrap().path().join("children")).unwrap());
        lists.map(|list| list.split_whitespace().count()).sum()
    };
    let mut adopted = 0;
    for round in 0..20 {
        // The orphan ends after its parent, so that it is ours when it does.
        let go = fresh_file("go");
        let script = format!(
            "(while ! test -e {go}; do sleep 0.01; done) >/dev/null 2>&1 & exit {round}",
            go = go.display()
        );
        let exit = run(shell(&script)).unwrap();
        // The status of a child of ours is never taken by who looks for orphans.
        assert_eq!(exit.code, Some(round));
        adopted += children();
        std::fs::write(&go, "").unwrap();
        while children() > 0 {
            registry::reap_orphans();
        }
        std::fs::remove_file(&go).unwrap();
    }
    assert!(adopted >= 20);
}

#[test]
fn an_adopted_survivor_is_found_and_a_running_program_is_none() {
    if !is_alone("process::tests::stopping::an_adopted_survivor_is_found_and_a_running_program_is_none") {
        return;
    }
    adopt_orphans().unwrap();
    assert!(!orphans::may_exist());
    let (daemon, go) = (Daemon::new("adopted"), fresh_file("go"));
    run(marked(&daemon.script("exit 0"), "run/adopted/1")).unwrap();
    assert!(orphans::may_exist() && daemon.is_alive());
    let (_sender, receiver) = stop::channel();
    let here = fresh_file("here");
    let (made, awaited) = (here.display(), go.display());
    let script = format!("echo > {made}; while ! test -e {awaited}; do sleep 0.01; done; rm {awaited}");
    block_on(async {
        let sweeping = async {
            until(|| here.exists()).await;
            assert!(sweep("run/adopted/1").await);
            assert!(!daemon.is_alive() && !orphans::may_exist());
            std::fs::write(&go, "").unwrap();
        };
        let (exit, ()) = tokio::join!(crate::process::run(shell(&script), receiver), sweeping);
        assert_eq!(exit.unwrap().code, Some(0));
    });
    std::fs::remove_file(&here).unwrap();
}

#[test]
fn giving_up_on_a_program_ends_it_and_leaves_no_zombie() {
    let ready = fresh_file("given-up");
    let (_sender, receiver) = stop::channel();
    let mut program = shell("echo $$ > $READY.new; mv $READY.new $READY; sleep 987658");
    program.env.push("READY", &ready);
    block_on(async {
        tokio::select! {
            _ = crate::process::run(program, receiver) => unreachable!(),
            () = until(|| ready.exists()) => {}
        }
    });
    let pid = std::fs::read_to_string(&ready).unwrap();
    let process = std::path::Path::new("/proc").join(pid.trim());
    // It is waited for as soon as another one starts, if it had not ended at once.
    while process.exists() {
        run(shell("exit 0")).unwrap();
    }
    std::fs::remove_file(&ready).unwrap();
}
