//! Output without end costs bounded memory, as the process itself knows it.

use std::io::Read as _;

use rustix::process::Signal;

use super::send;
use crate::support::Folder;

/// Both streams give half of so many MiB; the program waits before its end, so that it can be looked at.
fn flood(mib: usize) -> Folder {
    let half = mib * 1024 * 1024 / 2;
    Folder::with(&format!(
        "workflow: {{tasks: [{{id: a, run: 'yes | head -c {half} >&2 & yes | head -c {half}; wait; touch poured; sleep 987692'}}]}}"
    ))
}

fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn a_gibibyte_of_output_costs_little_memory() {
    let folder = flood(1024);
    let child = folder.start(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    folder.wait_for("poured");
    let peak = peak_mib(child.id());
    send(&child, Signal::TERM);
    let report: serde_json::Value =
        serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
    assert!(peak < 100, "{peak} MiB");
    assert_eq!((&report["status"], &report["results"][0]["truncated"]), (&"cancelled".into(), &true.into()));
    folder.assert_nothing_left("a flood");
}

/// The peak while a reader takes what is printed far slower than it is.
fn peak_with_slow_reader(folder: &Folder, format: &str) -> u64 {
    let arguments = ["orch", "--contract", "contract.yaml", "--format", format, "--output", "live"];
    let mut child = folder.start(&arguments);
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let watched: &mut dyn std::io::Read = if format == "human" { &mut out } else { &mut err };
    let mut piece = [0; 4096];
    while !folder.exists("poured") {
        assert!(watched.read(&mut piece).unwrap() > 0);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let peak = peak_mib(child.id());
    send(&child, Signal::TERM);
    let rest = std::thread::spawn(move || _ = out.read_to_end(&mut Vec::new()));
    _ = err.read_to_end(&mut Vec::new());
    rest.join().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{format}");
    folder.assert_nothing_left("a live flood");
    peak
}

#[test]
fn a_gibibyte_of_live_output_for_a_slow_reader_costs_little_memory() {
    let peak = peak_with_slow_reader(&flood(1024), "human");
    assert!(peak < 100, "{peak} MiB");
}

#[test]
fn live_output_beside_a_document_costs_little_memory() {
    let peak = peak_with_slow_reader(&flood(256), "json");
    assert!(peak < 100, "{peak} MiB");
}
