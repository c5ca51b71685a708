//! States in a real file, with several at it at once.

use std::path::PathBuf;

use super::{FileCircuits, FileLastRuns, LeftToDo};
use crate::base::NodeId;
use crate::engine::ports::{CircuitKey, Circuits as _};
use crate::model::breaker::BreakerState;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the only folders of these tests")]
        let path = std::env::temp_dir().join(format!("circuits-{name}-{}", std::process::id()));
        _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn circuits(&self, contract: &str) -> FileCircuits {
        FileCircuits::new(Some(self.0.join("state")), contract.to_owned())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

fn node(id: &str) -> CircuitKey {
    CircuitKey::Node(NodeId::new(id).unwrap())
}

fn one_more(state: BreakerState) -> BreakerState {
    let BreakerState::Closed { failures } = state else { return state };
    BreakerState::Closed { failures: failures + 1 }
}

fn seen(circuits: &mut FileCircuits, key: &CircuitKey) -> BreakerState {
    let mut seen = None;
    circuits
        .update(key, &mut |state| {
            seen = Some(state.clone());
            state
        })
        .unwrap();
    seen.unwrap()
}

#[test]
fn states_outlive_whoever_wrote_them_and_contracts_share_destinations_only() {
    let folder = Folder::new("outlive");
    let destination = CircuitKey::Destination("payments".to_owned());
    folder.circuits("a").update(&node("x"), &mut one_more).unwrap();
    folder.circuits("a").update(&destination, &mut one_more).unwrap();
    assert_eq!(seen(&mut folder.circuits("a"), &node("x")), BreakerState::Closed { failures: 1 });
    assert_eq!(seen(&mut folder.circuits("b"), &node("x")), BreakerState::default());
    assert_eq!(seen(&mut folder.circuits("b"), &destination), BreakerState::Closed { failures: 1 });
    // What is at rest takes no place.
    folder.circuits("a").update(&node("x"), &mut |_| BreakerState::default()).unwrap();
    let text = std::fs::read_to_string(folder.0.join("state/circuits.json")).unwrap();
    assert!(!text.contains("a: x") && text.contains("destination: payments"), "{text}");
}

#[test]
fn no_change_is_lost_between_many() {
    let folder = Folder::new("many");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut circuits = folder.circuits("c");
                for _ in 0..25 {
                    // The lock gives up on who holds it for too long; a loaded machine may do that.
                    while circuits.update(&node("n"), &mut one_more).is_err() {
                        circuits = folder.circuits("c");
                    }
                }
            });
        }
    });
    assert_eq!(seen(&mut folder.circuits("c"), &node("n")), BreakerState::Closed { failures: 200 });
}

#[test]
fn what_cannot_be_read_is_an_error_and_is_kept() {
    let folder = Folder::new("broken");
    let path = folder.0.join("state/circuits.json");
    folder.circuits("a").update(&node("x"), &mut one_more).unwrap();
    for broken in ["{", "[]", "{\"version\": 2, \"circuits\": {}}"] {
        std::fs::write(&path, broken).unwrap();
        let error = folder.circuits("a").update(&node("x"), &mut one_more).unwrap_err();
        assert!(error.0.contains("circuits.json"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), broken);
    }
    assert!(FileCircuits::new(None, String::new()).update(&node("x"), &mut one_more).is_err());
}

#[test]
fn a_lock_that_is_never_given_back_holds_up_nobody_for_ever() {
    let folder = Folder::new("held");
    folder.circuits("a").update(&node("x"), &mut one_more).unwrap();
    let held = std::fs::File::options().write(true).open(folder.0.join("state/circuits.lock")).unwrap();
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let mut circuits = folder.circuits("a");
    let error = circuits.update(&node("x"), &mut one_more).unwrap_err();
    assert!(error.0.contains("another process holds it"), "{error}");
    // One wait is enough for a run.
    drop(held);
    assert!(circuits.update(&node("x"), &mut one_more).unwrap_err().0.contains("before"));
    assert!(folder.circuits("a").update(&node("x"), &mut one_more).is_ok());
}

#[test]
fn what_is_no_file_is_not_waited_for_and_a_link_stays_one() {
    let folder = Folder::new("kinds");
    folder.circuits("a").update(&node("x"), &mut one_more).unwrap();
    let state = folder.0.join("state");
    let elsewhere = folder.0.join("elsewhere.json");
    std::fs::rename(state.join("circuits.json"), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, state.join("circuits.json")).unwrap();
    folder.circuits("a").update(&node("x"), &mut one_more).unwrap();
    assert!(state.join("circuits.json").is_symlink());
    assert_eq!(seen(&mut folder.circuits("a"), &node("x")), BreakerState::Closed { failures: 2 });
    std::fs::remove_file(state.join("circuits.lock")).unwrap();
    let fifo = rustix::fs::FileType::Fifo;
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    for name in ["circuits.lock", "circuits.json.new"] {
        rustix::fs::mknodat(rustix::fs::CWD, state.join(name), fifo, mode, 0).unwrap();
    }
    assert!(folder.circuits("a").update(&node("x"), &mut one_more).is_err());
}

fn these(names: &[&str]) -> LeftToDo {
    LeftToDo::These(names.iter().map(|name| (*name).to_owned()).collect())
}

#[test]
fn what_a_run_left_is_known_to_the_next_and_to_no_other() {
    let folder = Folder::new("last-runs");
    let runs = || FileLastRuns::new(Some(folder.0.join("state")));
    assert_eq!(runs().left_to_do("/a: test").unwrap(), None);
    runs()
        .record(("/a: test", 1), |before| {
            assert_eq!(before, None);
            these(&["x", "y"])
        })
        .unwrap();
    runs().record(("/b: test", 2), |_| these(&[])).unwrap();
    assert_eq!(runs().left_to_do("/a: test").unwrap(), Some(these(&["x", "y"])));
    assert_eq!(runs().left_to_do("/b: test").unwrap(), Some(these(&[])));
    runs()
        .record(("/a: test", 3), |before| {
            assert_eq!(before, Some(these(&["x", "y"])));
            these(&["y"])
        })
        .unwrap();
    assert_eq!(runs().left_to_do("/a: test").unwrap(), Some(these(&["y"])));
}

#[test]
fn memory_is_bounded_and_the_oldest_goes_first() {
    let folder = Folder::new("bounded");
    let mut runs = FileLastRuns::new(Some(folder.0.join("state")));
    for n in 0..503u64 {
        runs.record((&format!("/{n}: ci"), 1000 - n), |_| these(&[])).unwrap();
    }
    // Time may go back: what ended earliest is forgotten, and that is what was written last.
    let is_known = |n: u64| runs.left_to_do(&format!("/{n}: ci")).unwrap().is_some();
    assert_eq!([0, 499, 500, 501, 502].map(is_known), [true, true, false, false, false]);
    let many: Vec<String> = (0..5001).map(|n| format!("n{n}")).collect();
    runs.record(("/m: ci", 2000), |_| LeftToDo::These(many.iter().cloned().collect())).unwrap();
    assert_eq!(runs.left_to_do("/m: ci").unwrap(), Some(LeftToDo::Everything));
}

#[test]
fn a_memory_that_is_broken_is_told_of_and_begun_anew() {
    let folder = Folder::new("forgotten");
    let path = folder.0.join("state/last-runs.json");
    let runs = || FileLastRuns::new(Some(folder.0.join("state")));
    runs().record(("/a: test", 1), |_| these(&["x"])).unwrap();
    for broken in [&b"{"[..], b"[]", b"\xff", b"", b"{\"version\": 1, \"runs\": {\"/a: test\": 3}}"] {
        std::fs::write(&path, broken).unwrap();
        assert!(runs().left_to_do("/a: test").unwrap_err().to_string().contains("last-runs.json"));
        runs()
            .record(("/a: test", 1), |before| {
                assert_eq!(before, None);
                these(&["z"])
            })
            .unwrap();
        assert_eq!(runs().left_to_do("/a: test").unwrap(), Some(these(&["z"])));
    }
    // What a later version wrote is not ours to replace.
    let later = "{\"version\": 2, \"runs\": {}}";
    std::fs::write(&path, later).unwrap();
    assert!(
        runs().left_to_do("/a: test").is_err() && runs().record(("/a: test", 1), |_| these(&[])).is_err()
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), later);
    assert!(FileLastRuns::new(None).left_to_do("/a: test").is_err());
}
