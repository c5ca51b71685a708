//! Trust: what is pinned runs, and nothing else.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use serde_json::Value;

use crate::support::{Ended, Folder, result};

const CONTRACT: &str = "workflow:
  name: w
  tasks:
    - {id: touches, run: [touch, ran]}
    - {id: script, script: tools/x.sh, depends_on: [touches]}
    - !include part.yaml
";

struct Ground {
    project: Folder,
    home: Folder,
}

impl Ground {
    fn new() -> Self {
        let ground = Self { project: Folder::with(CONTRACT), home: Folder::new() };
        ground.project.write("tools/x.sh", "touch script-ran\n");
        ground.project.write("part.yaml", "{id: part, run: [sh, tools/y.sh]}\n");
        ground.project.write("tools/y.sh", "true\n");
        ground
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.project.command(arguments);
        command.env("XDG_CONFIG_HOME", self.home.path());
        command.env("ONEX_SYSTEM_CONFIG", self.home.path().join("etc/onex.toml"));
        command
    }

    fn onex(&self, arguments: &[&str]) -> Ended {
        self.home.write("etc/onex.toml", "");
        Ended::of(&self.command(arguments).output().unwrap())
    }

    fn trust(&self, name: &str) {
        let ended = self.onex(&["trust", name]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{ended:?}");
    }

    /// Runs what must be trusted: the exit code, and what is said.
    fn run(&self, arguments: &[&str]) -> (i64, String) {
        let mut all = vec!["orch", "--require-trusted", "--format", "json"];
        if !arguments.iter().any(|argument| ["--stage", "--contract"].contains(argument)) {
            all.extend(["--contract", "contract.yaml"]);
        }
        all.extend(arguments);
        let ended = self.onex(&all);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
        assert_eq!(report["exit_code"], ended.code);
        let is_run = ended.code == 0;
        assert!(is_run || report["error"]["kind"] == "PolicyError" || ended.code == 2, "{report:#}");
        (report["exit_code"].as_i64().unwrap(), ended.stderr)
    }

    fn trust_file(&self) -> std::path::PathBuf {
        self.home.path().join("onex/trust.toml")
    }
}

#[test]
fn what_is_not_trusted_does_not_run_and_what_is_does() {
    let ground = Ground::new();
    let (code, said) = ground.run(&[]);
    assert!(code == 5 && said.contains("`contract.yaml` is not trusted"), "{code} {said}");
    assert!(said.contains("`onex trust contract.yaml` trusts it"), "{said}");
    assert!(!ground.project.exists("ran"));
    ground.trust("contract.yaml");
    assert_eq!(ground.run(&[]).0, 0);
    assert!(ground.project.exists("ran") && ground.project.exists("script-ran"));
    // Without the option nobody asks, and the variable is the option.
    let other = Folder::with("workflow: {tasks: [{id: a, run: ['true']}]}\n");
    assert_eq!(other.onex(&["orch", "--contract", "contract.yaml"]).code, 0);
    let mut command = other.command(&["orch", "--contract", "contract.yaml"]);
    assert_eq!(command.env("ONEX_REQUIRE_TRUSTED", "1").status().unwrap().code(), Some(5));
}

#[test]
fn every_file_that_somebody_has_read_has_to_be_as_it_was() {
    for file in ["contract.yaml", "part.yaml", "tools/x.sh", "tools/y.sh"] {
        let ground = Ground::new();
        ground.trust("contract.yaml");
        let text = ground.project.read(file);
        ground.project.write(file, format!("{text}#\n"));
        for arguments in [&[][..], &["--dry-run"]] {
            let (code, said) = ground.run(arguments);
            let is_told =
                said.contains("has changed since it was trusted") && said.contains(&format!("`{file}`"));
            assert!(code == 5 && is_told, "{file}: {code} {said}");
        }
        assert!(!ground.project.exists("ran"), "{file}");
        ground.trust("contract.yaml");
        assert_eq!(ground.run(&[]).0, 0, "{file}");
    }
}

#[test]
fn trust_is_decided_before_a_text_is_understood() {
    let ground = Ground::new();
    ground.project.write("contract.yaml", "workflow: {tasks: [{id: a, run: }{\n");
    let (code, said) = ground.run(&[]);
    assert!(code == 5 && !said.contains("E0101"), "{code} {said}");
    let refused = ground.onex(&["trust", "contract.yaml"]);
    assert!(refused.code == 2 && refused.stderr.contains("E0101"), "{refused:?}");
    assert!(!ground.trust_file().exists());
    // What is left out of a run is not asked about.
    let ground = Ground::new();
    ground.trust("contract.yaml");
    ground.project.write("tools/x.sh", "changed\n");
    assert_eq!(ground.run(&["--only", "touches"]).0, 0);
}

#[test]
fn a_script_that_changes_during_the_run_does_not_start() {
    let ground = Ground::new();
    ground.project.write(
        "contract.yaml",
        "workflow: {tasks: [{id: swap, run: [cp, evil.sh, tools/x.sh]}, {id: use, script: tools/x.sh, depends_on: [swap]}]}\n",
    );
    ground.project.write("evil.sh", "touch pwned\n");
    ground.trust("contract.yaml");
    let ended =
        ground.onex(&["orch", "--contract", "contract.yaml", "--require-trusted", "--format", "json"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((ended.code, &result(&report, "use")["reason"]), (5, &"policy".into()), "{report:#}");
    assert!(!ground.project.exists("pwned"));
}

#[test]
fn trust_is_for_one_place() {
    let ground = Ground::new();
    ground.trust("contract.yaml");
    ground.project.write("other/tools/x.sh", "touch evil\n");
    ground.project.write("other/tools/y.sh", "touch evil\n");
    let (code, said) = ground.run(&["--root", "other"]);
    assert!(code == 5, "{code} {said}");
    // The same bytes elsewhere are not what was trusted: what they run is not the same.
    let copy = Folder::with(CONTRACT);
    copy.write("tools/x.sh", ground.project.read("tools/x.sh"));
    copy.write("part.yaml", ground.project.read("part.yaml"));
    copy.write("tools/y.sh", ground.project.read("tools/y.sh"));
    let mut command = copy.command(&["orch", "--contract", "contract.yaml", "--require-trusted"]);
    assert_eq!(command.env("XDG_CONFIG_HOME", ground.home.path()).status().unwrap().code(), Some(5));
    // A link to it is it.
    symlink("contract.yaml", ground.project.path().join("link.yaml")).unwrap();
    assert_eq!(ground.run(&["--contract", "link.yaml"]).0, 0);
    // A link in the place of a script is another script.
    std::fs::rename(ground.project.path().join("tools/x.sh"), ground.project.path().join("real.sh")).unwrap();
    symlink("../evil.sh", ground.project.path().join("tools/x.sh")).unwrap();
    ground.project.write("evil.sh", "touch evil\n");
    assert_eq!(ground.run(&[]).0, 5);
    assert!(!ground.project.exists("evil"));
}

#[test]
fn a_file_of_trust_is_nobodys_but_its_owners() {
    let trusted = |ground: &Ground| std::fs::read_to_string(ground.trust_file()).unwrap();
    let ground = Ground::new();
    ground.trust("contract.yaml");
    let mode = std::fs::metadata(ground.trust_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = trusted(&ground);
    let broken = [
        ("not toml", "line 1"),
        ("version = 2\n", "version is 2"),
        ("version = 1\ntrust = []\n", "unknown field"),
        ("version = 1\n[[trusted]]\npath = \"x\"\nroot = \"/\"\nfiles = {}\n", "no path from the top"),
        (
            "version = 1\n[[trusted]]\npath = \"/x\"\nroot = \"/\"\nfiles = {\"/x\" = \"sha256:12\"}\n",
            "digest",
        ),
    ];
    for (text, said) in broken {
        std::fs::write(ground.trust_file(), text).unwrap();
        let (code, told) = ground.run(&[]);
        assert!(code == 5 && told.contains("E0703") && told.contains(said), "{text}: {code} {told}");
        let refused = ground.onex(&["trust", "contract.yaml"]);
        assert_eq!(refused.code, 5, "{refused:?}");
        assert_eq!(trusted(&ground), text, "nothing is lost that can be mended");
    }
    std::fs::write(ground.trust_file(), &text).unwrap();
    assert_eq!(ground.run(&[]).0, 0);
    for mode in [0o620, 0o602, 0o666] {
        std::fs::set_permissions(ground.trust_file(), std::fs::Permissions::from_mode(mode)).unwrap();
        let (code, told) = ground.run(&[]);
        assert!(code == 5 && told.contains("others than its owner"), "{mode:o}: {code} {told}");
    }
    // A link out of the project is followed, and one into it is not believed.
    std::fs::set_permissions(ground.trust_file(), std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::rename(ground.trust_file(), ground.home.path().join("kept.toml")).unwrap();
    symlink(ground.home.path().join("kept.toml"), ground.trust_file()).unwrap();
    assert_eq!(ground.run(&[]).0, 0);
    ground.trust("contract.yaml");
    assert!(ground.trust_file().symlink_metadata().unwrap().is_symlink());
    std::fs::remove_file(ground.trust_file()).unwrap();
    ground.project.write("trust.toml", &text);
    symlink(ground.project.path().join("trust.toml"), ground.trust_file()).unwrap();
    let (code, told) = ground.run(&[]);
    assert!(code == 5 && told.contains("a file of the project"), "{code} {told}");
    let refused = ground.onex(&["trust", "contract.yaml"]);
    assert!(refused.code == 5 && refused.stderr.contains("a file of the project"), "{refused:?}");
    std::fs::remove_file(ground.trust_file()).unwrap();
    symlink(ground.home.path().join("nowhere"), ground.trust_file()).unwrap();
    assert_eq!(ground.run(&[]).0, 5);
}

#[test]
fn the_organisations_file_counts_and_a_projects_does_not() {
    let ground = Ground::new();
    ground.trust("contract.yaml");
    let text = std::fs::read_to_string(ground.trust_file()).unwrap();
    std::fs::remove_file(ground.trust_file()).unwrap();
    for place in ["trust.toml", ".onex/trust.toml", ".config/onex/trust.toml", "onex/trust.toml"] {
        ground.project.write(place, &text);
    }
    assert_eq!(ground.run(&[]).0, 5);
    ground.home.write("etc/trust.toml", &text);
    assert_eq!(ground.run(&[]).0, 0);
    // Both are asked, and one that is broken spoils both.
    ground.home.write("onex/trust.toml", "nonsense");
    assert_eq!(ground.run(&[]).0, 5);
    // What is relative is no folder for settings.
    let mut command = ground.command(&["orch", "--contract", "contract.yaml", "--require-trusted"]);
    command.env("XDG_CONFIG_HOME", ".config").env("ONEX_SYSTEM_CONFIG", "");
    assert_eq!(command.status().unwrap().code(), Some(5));
}

#[test]
fn trust_can_be_shown_and_taken_back() {
    let ground = Ground::new();
    ground.project.write("contracts/other/contract.yaml", "workflow: {tasks: [{id: a, run: ['true']}]}\n");
    let list = || {
        let ended = ground.onex(&["trust", "--list", "--format", "json"]);
        let document: Value =
            serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
        let trusted = document["trusted"].as_array().unwrap();
        trusted
            .iter()
            .map(|t| (t["path"].as_str().unwrap().to_owned(), t["unchanged"].as_bool().unwrap()))
            .collect::<Vec<_>>()
    };
    assert!(ground.onex(&["trust", "--list"]).stdout.starts_with("nothing is trusted"));
    let both = ground.onex(&["trust", "contract.yaml", "other", "--format", "json"]);
    let both: Value = serde_json::from_str(&both.stdout).unwrap();
    assert_eq!(both["trusted"].as_array().unwrap().len(), 2);
    assert_eq!(both["trusted"][0]["files"].as_object().unwrap().len(), 4);
    assert_eq!(list().iter().map(|(_, same)| *same).collect::<Vec<_>>(), [true, true]);
    ground.project.write("tools/x.sh", "changed\n");
    assert_eq!(list().iter().filter(|(_, same)| !same).count(), 1);
    assert!(ground.onex(&["trust", "--list"]).stdout.contains("changed since"));
    let gone = ground.onex(&["trust", "--remove", "other"]);
    assert!(gone.code == 0 && gone.stdout.contains("no longer trusted"), "{gone:?}");
    assert_eq!(list().len(), 1);
    let again = ground.onex(&["trust", "--remove", "other"]);
    assert!(again.code == 2 && again.stderr.contains("`other` is not trusted"), "{again:?}");
    // What is gone from the disk can be taken back, too.
    std::fs::remove_file(ground.project.path().join("contract.yaml")).unwrap();
    assert_eq!(ground.onex(&["trust", "--remove", "contract.yaml"]).code, 0);
    assert!(list().is_empty());
    assert_eq!(ground.onex(&["trust", "no-such-thing"]).code, 3);
    assert_eq!(ground.onex(&["trust"]).code, 2);
    assert_eq!(ground.onex(&["trust", "none.yaml"]).code, 2);
    std::fs::remove_file(ground.project.path().join("tools/y.sh")).unwrap();
    ground.project.write("contract.yaml", "workflow: {tasks: [{id: a, script: gone.sh}]}\n");
    let gone = ground.onex(&["trust", "contract.yaml"]);
    assert!(gone.code == 2 && gone.stderr.contains("gone.sh"), "{gone:?}");
}

#[test]
fn many_who_trust_at_once_lose_nothing() {
    let ground = Ground::new();
    ground.home.write("etc/onex.toml", "");
    let names: Vec<String> = (0..12).map(|n| format!("contracts/c{n}/contract.yaml")).collect();
    for name in &names {
        ground.project.write(name, "workflow: {tasks: [{id: a, run: ['true']}]}\n");
    }
    let children: Vec<_> =
        names.iter().map(|name| ground.command(&["trust", name]).spawn().unwrap()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let text = std::fs::read_to_string(ground.trust_file()).unwrap();
    for name in &names {
        let path = ground.project.path().join(name);
        assert!(text.contains(&format!("path = \"{}\"", path.display())), "{name} in {text}");
    }
}

fn check(folder: &Folder, name: &str, script: &str) {
    folder.write(
        &format!("checks/{name}.onex.yaml"),
        format!(
            "name: {name}\nversion: 1.0.0\nmeta_type: validator\nlifecycle: canary\ntags: [pre-commit, ci]\n\
             entrypoint: {{type: script, target: [{script}]}}\n"
        ),
    );
}

#[test]
fn a_stage_runs_when_all_that_it_runs_is_trusted() {
    let ground = Ground::new();
    let folder = &ground.project;
    folder.write(
        "contracts/part/contract.yaml",
        "workflow: {name: part, tasks: [{id: n, run: [touch, part-ran]}]}\nmetadata: {stages: [ci]}\n",
    );
    folder.write("checks/a.sh", "touch a-ran\n");
    check(folder, "a", "a.sh");
    let stage = || ground.run(&["--stage", "ci"]);
    let (code, said) = stage();
    assert!(
        code == 5 && said.contains("checks/a.onex.yaml") && said.contains("contracts/part"),
        "{code} {said}"
    );
    // By its name, and by its file.
    ground.trust("a");
    let (code, said) = stage();
    assert!(code == 5 && !said.contains("checks/a.onex.yaml"), "{code} {said}");
    ground.trust("part");
    assert_eq!(stage().0, 0);
    assert!(folder.exists("a-ran") && folder.exists("part-ran"));
    std::fs::remove_file(folder.path().join("a-ran")).unwrap();
    folder.write("checks/a.sh", "touch a-ran; touch pwned\n");
    let (code, said) = stage();
    assert!(code == 5 && said.contains("`checks/a.sh`"), "{code} {said}");
    assert!(!folder.exists("a-ran"));
    ground.trust("checks/a.onex.yaml");
    assert_eq!(stage().0, 0);
    // One more that would run.
    check(folder, "b", "a.sh");
    let (code, said) = stage();
    assert!(code == 5 && said.contains("`checks/b.onex.yaml` is not trusted"), "{code} {said}");
}

#[test]
fn what_is_staged_is_what_has_to_be_trusted() {
    let ground = Ground::new();
    let folder = &ground.project;
    std::fs::remove_dir(folder.path().join(".git")).unwrap();
    folder.git(&["init", "-q"]);
    folder.write("checks/a.sh", "true\n");
    check(folder, "a", "a.sh");
    folder.write("x.md", "staged\n");
    folder.git(&["add", "-A"]);
    ground.trust("a");
    // The stage runs in a tree of its own, whose files are known by those of the project.
    folder.write("x.md", "not staged\n");
    assert_eq!(ground.run(&["--stage", "pre-commit"]).0, 0);
    // What is staged is another script than the one that was trusted.
    folder.write("checks/a.sh", "touch pwned\n");
    folder.git(&["add", "checks/a.sh"]);
    folder.write("checks/a.sh", "true\n");
    let (code, said) = ground.run(&["--stage", "pre-commit"]);
    assert!(code == 5 && said.contains("`checks/a.sh`"), "{code} {said}");
    // And the other way round.
    folder.write("checks/a.sh", "true\n");
    folder.git(&["add", "checks/a.sh"]);
    folder.write("checks/a.sh", "touch pwned\n");
    assert_eq!(ground.run(&["--stage", "pre-commit"]).0, 0);
    assert!(!folder.exists("pwned"));
}

#[test]
fn files_are_never_waited_for() {
    let ground = Ground::new();
    let fifo = ground.home.path().join("onex");
    std::fs::create_dir_all(&fifo).unwrap();
    let made = Command::new("mkfifo").arg(fifo.join("trust.toml")).status().unwrap();
    assert!(made.success());
    assert_eq!(ground.run(&[]).0, 5);
}
