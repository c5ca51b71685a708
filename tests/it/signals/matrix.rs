//! Every signal that ends a run, in every phase of a node, for every kind of node.

use rustix::process::Signal;
use serde_json::Value;

use super::{send, send_at_once};
use crate::support::{Ended, Folder, endings};

/// What is sent. Two of a kind come apart, or they would be one; others come at once.
const SENT: [&[Signal]; 5] = [
    &[Signal::INT],
    &[Signal::TERM],
    &[Signal::HUP],
    &[Signal::INT, Signal::INT],
    &[Signal::INT, Signal::TERM],
];

/// Nodes, what is true when they are to be stopped, and how they end.
type Row<'a> = (&'a str, fn(&Folder) -> bool, &'a [&'a str]);

const IS_READY: fn(&Folder) -> bool = |folder| folder.exists("ready");
const BACKS_OFF: fn(&Folder) -> bool = |folder| has_event(folder, "retry_scheduled");

fn has_event(folder: &Folder, name: &str) -> bool {
    folder.exists("events") && folder.read("events").contains(name)
}

fn wait_until(fact: impl Fn() -> bool) {
    while !fact() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

/// Runs nodes between one that has ended and one that never starts, stops them, and sees that all of it is gone and
/// told.
fn stop((nodes, moment, expected): Row<'_>, sent: &[Signal]) {
    let folder = Folder::with(&format!(
        "workflow:
  coordination: {{rules: {{execution_mode: parallel}}}}
  tasks:
    - {{id: before, run: 'true'}}
{nodes}
    - {{id: after, run: touch late, depends_on: [node]}}
"
    ));
    folder.write("work.sh", "touch ready\nsleep 987670 &\nwait\ntouch late\n");
    folder.write("work.py", "import time\ndef work(file):\n    open(file, 'w')\n    time.sleep(987670)\n");
    let arguments =
        ["orch", "--contract", "contract.yaml", "--format", "json", "--jobs", "4", "--events", "events"];
    let child = folder.start(&arguments);
    // `before` has nothing to wait for, and its end may come late all the same.
    wait_until(|| moment(&folder) && has_event(&folder, "node_completed"));
    if let [first, second] = sent
        && first == second
    {
        send(&child, *first);
        wait_until(|| has_event(&folder, "cancel_requested"));
        send(&child, *second);
    } else {
        send_at_once(&child, sent);
    }
    folder.write("sent", "");
    let ended = Ended::of(&child.wait_with_output().unwrap());
    let what = format!("{sent:?}: {ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {what}"));
    assert_eq!((ended.code, ended.stderr.as_str()), (1, ""), "{what}");
    assert_eq!((&report["status"], &report["exit_code"]), (&"cancelled".into(), &1.into()), "{what}");
    assert_eq!(report["error"]["kind"], "CancelledError", "{what}");
    let endings = endings(&report);
    let (last, others) = endings.split_last().unwrap();
    assert_eq!(others, [&["before completed -"], expected].concat(), "{what}");
    // What waited for a node that had failed already says so.
    assert!(
        ["after skipped cancelled", "after skipped dependency_failed"].contains(&last.as_str()),
        "{what}"
    );
    assert!(!folder.exists("late"), "{what}");
    folder.assert_nothing_left(&what);
}

/// Where a single signal would wait for the end of a node's grace.
const TWICE: &[&[Signal]] = &[&[Signal::INT, Signal::INT], &[Signal::INT, Signal::TERM]];

/// One test a row: what is sent to which nodes, and how they end.
macro_rules! stops {
    ($($name:ident, $sent:expr, $nodes:expr, $moment:expr => $expected:expr;)*) => { $(
        #[test]
        fn $name() {
            $sent.iter().for_each(|sent| stop(($nodes, $moment, &$expected), sent));
        }
    )* };
}

stops! {
    a_shell_with_children_in_the_background, SENT,
        "    - {id: node, run: 'sleep 987670 & (sleep 987670 &); touch ready; wait; touch late'}",
        IS_READY => ["node failed cancelled"];
    a_program_without_a_shell, SENT,
        r#"    - {id: node, run: [python3, -c, "import time; open('ready', 'w'); time.sleep(987670)"]}"#,
        IS_READY => ["node failed cancelled"];
    a_script, SENT,
        "    - {id: node, script: work.sh}",
        IS_READY => ["node failed cancelled"];
    a_python_function, SENT,
        "    - {id: node, python: 'work:work', args: [ready]}",
        IS_READY => ["node failed cancelled"];
    a_node_that_does_not_read_what_it_is_given, SENT,
        &format!("    - {{id: node, run: 'touch ready; sleep 987670', stdin: '{}'}}", "x".repeat(300_000)),
        IS_READY => ["node failed cancelled"];
    a_process_that_left_group_session_and_parent, SENT,
        "    - {id: node, run: '(setsid sh -c \"exec sleep 987670\" >/dev/null 2>&1 </dev/null &); touch ready; sleep 987670'}",
        IS_READY => ["node failed cancelled"];
    a_process_that_left_with_the_output, SENT,
        "    - {id: node, run: '(setsid sh -c \"trap : TERM; touch ready; while :; do sleep 1; done\" &); sleep 987670'}",
        IS_READY => ["node failed cancelled"];
    a_fallback_under_way, SENT,
        "    - {id: node, run: 'exit 3', fallback: other, error_action: continue}
    - {id: other, run: 'sleep 987670 & touch ready; wait'}",
        IS_READY => ["node failed exit_code", "other failed cancelled"];
    nothing_but_the_delay_before_another_attempt, SENT,
        "    - {id: node, run: 'exit 3', retry: {max_attempts: 3, initial_delay: 1h, max_delay: 1h}}",
        BACKS_OFF => ["node failed exit_code"];
    another_attempt, SENT,
        "    - {id: node, run: 'test -e tried && touch ready && sleep 987670; touch tried; exit 3', retry: {max_attempts: 2, initial_delay: 1ms}}",
        IS_READY => ["node failed cancelled"];
    a_flood_of_output, SENT,
        "    - {id: node, run: 'yes flood >&2 & yes flood & touch ready; wait'}",
        IS_READY => ["node failed cancelled"];
    many_nodes_at_once, SENT,
        "    - {id: node, run: 'touch one; sleep 987670'}
    - {id: two, run: 'while ! test -e one; do sleep 0.01; done; touch two; sleep 987670'}
    - {id: three, run: 'while ! test -e two; do sleep 0.01; done; touch ready; sleep 987670'}",
        IS_READY => ["node failed cancelled", "two failed cancelled", "three failed cancelled"];
    a_stop_for_another_failure, SENT,
        "    - {id: node, type: validator, run: 'trap \"touch ready\" TERM; touch up; while ! test -e sent; do sleep 0.01 || true; done; exit 1'}
    - {id: bad, run: 'while ! test -e up; do sleep 0.01; done; exit 3'}",
        IS_READY => ["node failed cancelled", "bad failed exit_code"];
    a_stop_for_want_of_time, SENT,
        "    - {id: node, total_timeout: 100ms, run: 'trap \"touch ready\" TERM; while ! test -e sent; do sleep 0.01 || true; done; exit 1'}",
        IS_READY => ["node failed timeout"];
    a_node_that_ignores_what_it_is_asked, TWICE,
        "    - {id: node, run: \"trap '' TERM INT HUP; touch ready; while :; do sleep 1; done\"}",
        IS_READY => ["node failed cancelled"];
    what_is_left_of_a_node_that_ignores_what_it_is_asked, TWICE,
        "    - {id: node, run: \"(trap '' TERM; touch ready; while :; do sleep 1; done) & sleep 987670\"}",
        IS_READY => ["node failed cancelled"];
    a_deaf_process_outside_of_the_group, TWICE,
        "    - {id: node, run: \"(setsid sh -c 'trap : TERM INT HUP; touch ready; while :; do sleep 1; done' &); trap '' TERM; while :; do sleep 1; done\"}",
        IS_READY => ["node failed cancelled"];
    all_that_is_deaf_is_killed_when_its_grace_is_over, [&[Signal::INT][..]],
        "    - {id: node, run: \"trap '' TERM INT HUP; (setsid sh -c 'trap : TERM; while :; do sleep 1; done' &); touch ready; while :; do sleep 1; done\"}",
        IS_READY => ["node failed cancelled"];
}
