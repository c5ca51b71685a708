//! `onex` itself is killed in the middle of a run: what is left, and that a later run is not disturbed by it.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::send;
use crate::support::Folder;

#[test]
fn what_a_killed_run_leaves_behind_disturbs_no_later_one() {
    let folder = Folder::with(
        "workflow: {tasks: [{id: a, run: 'echo $$ > pid; sleep 987691 & touch ready; wait'}, {id: b, run: 'true'}]}",
    );
    let mut child =
        folder.start(&["orch", "--contract", "contract.yaml", "--format", "json", "--report", "report.json"]);
    folder.wait_for("ready");
    send(&child, Signal::KILL);
    child.wait().unwrap();
    // Nobody can clean up then: its programs run on, and its folder for temporary files stays. No report is there.
    let left = folder.processes().len();
    let scratch: Vec<_> = std::fs::read_dir(folder.path().join("tmp")).unwrap().collect();
    assert_eq!((left, scratch.len(), folder.exists("report.json")), (2, 1, false));
    folder.write("contract.yaml", "workflow: {tasks: [{id: a, run: 'true'}, {id: b, run: 'true'}]}");
    assert_eq!(folder.report(&["--report", "report.json"])["status"], "success");
    // What is not its own it leaves alone.
    assert_eq!(folder.processes().len(), left);
    let leader: i32 = folder.read("pid").trim().parse().unwrap();
    kill_process_group(Pid::from_raw(leader).unwrap(), Signal::KILL).unwrap();
    for process in folder.processes() {
        _ = kill_process(Pid::from_raw(process).unwrap(), Signal::KILL);
    }
}

/// Nobody waits for the children of a killed process here, so each is found by its own.
#[test]
fn each_run_has_a_folder_of_its_own_for_temporary_files() {
    let folder =
        Folder::with("workflow: {tasks: [{id: a, run: 'echo x=$ONEX_NODE_OUTPUT > $ONEX_NODE_OUTPUT'}]}");
    let place = || folder.report(&[])["results"][0]["outputs"]["x"].clone();
    assert_ne!(place(), place());
    folder.assert_clean();
}
