//! Signals at random moments: whatever the moment, nothing survives and what is told is whole.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::send;
use crate::support::{Folder, endings};

/// Splitmix64: a seed says all of a run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % most as u64).unwrap()
    }
}

/// What nodes do: most are short, so that a signal mostly comes while something starts or ends.
const WORK: [&str; 8] = [
    "[/bin/true]",
    "[/bin/false]",
    "'sleep 0.01'",
    "'sleep 987695'",
    "'(setsid sleep 987695 &); sleep 987695'",
    "'sleep 987695 & wait'",
    "'yes'",
    "[/no/such/program]",
];

fn contract(random: &mut Random) -> String {
    let nodes: String = (0..20)
        .map(|n| {
            let work = WORK[random.below(WORK.len())];
            let more = [
                "",
                ", retry: {max_attempts: 3, initial_delay: 5ms}",
                ", timeout: 20ms",
                ", type: validator",
            ];
            format!("    - {{id: n{n}, run: {work}{}}}\n", more[random.below(more.len())])
        })
        .collect();
    format!(
        "workflow:\n  coordination: {{rules: {{execution_mode: parallel, fail_fast: false}}}}\n  tasks:\n{nodes}    - {{id: last, run: 'sleep 987695'}}\n"
    )
}

fn stop_at_a_random_moment(seed: u64) {
    let mut random = Random(seed);
    let folder = Folder::with(&contract(&mut random));
    let child = folder.start(&["orch", "--contract", "contract.yaml", "--format", "json", "--jobs", "4"]);
    let signals = [Signal::INT, Signal::TERM, Signal::HUP];
    for _ in 0..=random.below(3) {
        std::thread::sleep(Duration::from_micros(random.below(60_000) as u64));
        send(&child, signals[random.below(signals.len())]);
    }
    let output = child.wait_with_output().unwrap();
    let what = format!("seed {seed}: {}", String::from_utf8_lossy(&output.stderr));
    folder.assert_nothing_left(&what);
    // Before it hears signals they end it, and nothing has run then.
    if output.status.signal().is_some() {
        return assert!(output.stdout.is_empty(), "{what}");
    }
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {what}"));
    assert_eq!((output.status.code(), &report["status"]), (Some(1), &"cancelled".into()), "{what}");
    let endings = endings(&report);
    let has_ended =
        |ending: &String| ["completed", "failed", "skipped"].contains(&ending.split(' ').nth(1).unwrap());
    assert!(endings.len() == 21 && endings.iter().all(has_ended), "{what}: {endings:?}");
}

#[test]
fn a_signal_at_any_moment_leaves_nothing_behind() {
    let first = u64::from(std::process::id()) << 16;
    std::thread::scope(|scope| {
        for part in 0..4 {
            // A failure names its seed.
            scope.spawn(move || (0..60).for_each(|n| stop_at_a_random_moment(first + part * 60 + n)));
        }
    });
}
