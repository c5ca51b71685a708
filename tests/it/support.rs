//! A folder of its own for each test, and the program run in it with nothing of the outside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// An environment that says nothing but what a test depends on.
pub trait Bare {
    /// Takes every variable away but `PATH`, and where a measurement of coverage wants its counts.
    fn bare(&mut self) -> &mut Self;
}

impl Bare for Command {
    fn bare(&mut self) -> &mut Self {
        self.env_clear().envs(
            ["PATH", "LLVM_PROFILE_FILE"].iter().filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
    }
}

/// A fresh folder that is gone with its value.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(path.join("tmp")).unwrap();
        // The folder is a project of its own, wherever the build folder is.
        fs::create_dir(path.join(".git")).unwrap();
        Self(path.canonicalize().unwrap())
    }

    /// A folder with one contract, `contract.yaml`.
    pub fn with(contract: &str) -> Self {
        let folder = Self::new();
        folder.write("contract.yaml", contract);
        folder
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    pub fn exists(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    /// Waits until a file is there. The test runner bounds the wait.
    pub fn wait_for(&self, name: &str) {
        while !self.exists(name) {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }

    /// The program with these arguments, in this folder, with an environment that says nothing but `PATH`.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_onex"));
        command.args(arguments).current_dir(&self.0).bare().stdin(Stdio::null());
        command.env("TMPDIR", self.0.join("tmp"));
        // What a machine has set for all its users says nothing here.
        command.env("ONEX_SYSTEM_CONFIG", "");
        command
    }

    /// Runs git in this folder, with nobody's settings; what it prints.
    pub fn git(&self, arguments: &[&str]) -> String {
        let ended = self.git_ended(arguments);
        assert_eq!(ended.code, 0, "git {arguments:?}: {ended:?}");
        ended.stdout
    }

    /// The same, however it ends. Hooks find the program that is tested.
    pub fn git_ended(&self, arguments: &[&str]) -> Ended {
        let bin = Path::new(env!("CARGO_BIN_EXE_onex")).parent().unwrap();
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&self.0).bare().stdin(Stdio::null());
        command.env("PATH", path).env("TMPDIR", self.0.join("tmp")).env("HOME", self.0.join("home"));
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "a").env(format!("GIT_{who}_EMAIL"), "a@example.com");
        }
        Ended::of(&command.output().unwrap())
    }

    pub fn onex(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().unwrap())
    }

    /// Runs `contract.yaml` for a machine and gives the report.
    pub fn report(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["orch", "--contract", "contract.yaml", "--format", "json"];
        all.extend(arguments);
        let ended = self.onex(&all);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
        assert_eq!(report["exit_code"], ended.code, "the report names the exit code of the process");
        report
    }

    /// Starts the program and goes on.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The processes of this folder, found by its folder for temporary files in their environment: no test shares it.
    pub fn processes(&self) -> Vec<i32> {
        let mark = format!("TMPDIR={}", self.0.join("tmp").display());
        let has_mark = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        let names = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
        names.filter_map(|name| name.to_str()?.parse().ok()).filter(has_mark).collect()
    }

    /// No process of this folder is left, and nothing in the folder for temporary files.
    pub fn assert_nothing_left(&self, what: &str) {
        let about = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let left: Vec<_> = self.processes().iter().map(about).collect();
        assert!(left.is_empty(), "{what}: still running: {left:?}");
        self.assert_clean();
    }

    /// Nothing of a run is left behind in the folder for temporary files.
    pub fn assert_clean(&self) {
        let left: Vec<_> =
            fs::read_dir(self.0.join("tmp")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // `ONEX_KEEP=1` keeps the folders of failed tests to look at.
        if !(std::thread::panicking() && std::env::var_os("ONEX_KEEP").is_some()) {
            _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// How a program ended and what it said.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }
}

/// The result of one node of a report.
pub fn result<'r>(report: &'r Value, id: &str) -> &'r Value {
    let results = report["results"].as_array().unwrap();
    results.iter().find(|r| r["node_id"] == id).unwrap_or_else(|| panic!("no result of {id} in {report:#}"))
}

/// `id status reason` of every node, in the order of the report.
pub fn endings(report: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    report["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| format!("{} {} {}", word(&r["node_id"]), word(&r["status"]), word(&r["reason"])))
        .collect()
}

/// Output with what differs from run to run made equal: run ids and times.
pub fn normalised(output: &str) -> String {
    let words = |line: &str| -> String {
        let mut out = String::new();
        let mut rest = line;
        while let Some(at) = rest.find(|c: char| !c.is_whitespace()) {
            let (space, tail) = rest.split_at(at);
            let end = tail.find(char::is_whitespace).unwrap_or(tail.len());
            let (word, next) = tail.split_at(end);
            let is_time = word.len() > 1
                && word.ends_with('s')
                && word[..word.len() - 1].chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'm'))
                && word.starts_with(|c: char| c.is_ascii_digit());
            let is_run =
                word.len() == 26 && word.chars().all(|c| c.is_ascii_digit() || c.is_ascii_uppercase());
            // The width of a column follows from what stands in it.
            let gap = if out.is_empty() || space.len() < 2 { space } else { "  " };
            if is_time || is_run {
                out.push_str(gap);
                out.push_str(if is_time { "{time}" } else { "{run}" });
            } else {
                out.push_str(if word == "run" { gap } else { space });
                out.push_str(word);
            }
            rest = next;
        }
        out
    };
    output.lines().map(|line| words(line) + "\n").collect()
}
