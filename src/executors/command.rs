//! Runs programs: `run` as a shell script or as argv.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;
use serde_json::{Map, Value};

use super::declared::Declared;
use super::program::{Invocation, Sources, invocation};
use super::sandbox::{self, Cell, Confining};
use super::{Scratch, Surroundings};
use crate::base::stop::StopReceiver;
use crate::engine::ports::{AttemptOutcome, AttemptRequest, BoxFuture, Executor, Guard};
use crate::model::event::{AttemptFailure, Usage};
use crate::model::outcome::{AttemptClass, FailureReason};
use crate::model::output::{OutputFormat, StreamName, Text};
use crate::model::sandbox::Sandbox;
use crate::model::workflow::{Action, CommandSpec, InheritEnv, ProgramSpec, Stdin};
use crate::process::{
    self, Exit, Inherited, Input, Limits, Locator, Program, Source, SpawnError, Stream, Tee, Variables,
};

/// The largest file of outputs that is read.
const MAX_OUTPUTS: u64 = 1024 * 1024;

/// The longest results document that is passed in a variable. Linux allows 128 KiB for one.
const MAX_VARIABLE: usize = 64 * 1024;

/// Where programs run and what they inherit.
#[derive(Debug)]
pub struct CommandExecutor {
    /// Where programs write outputs.
    outputs: OutputsFolder,
    /// The project root, without symbolic links.
    root: PathBuf,
    /// What every program inherits.
    inherited: Arc<Inherited>,
    /// Whether a shell would pass on all of it.
    is_shell_proof: bool,
    scratch: Scratch,
    locator: Locator,
    /// Where programs of the project come from, where that is not the project itself.
    declared: Option<Declared>,
    /// Who says whether a program may start; nobody where everything may.
    guard: Option<Arc<dyn Guard>>,
    confining: Confining,
}

impl CommandExecutor {
    /// An executor for one run. `root` has no symbolic links in it.
    #[must_use]
    pub fn new(
        root: PathBuf,
        inherited: Vec<(OsString, OsString)>,
        scratch: Scratch,
        confining: Confining,
    ) -> Self {
        Self {
            outputs: OutputsFolder::open(&scratch),
            root,
            is_shell_proof: inherited.iter().all(|(name, _)| passes_a_shell(name)),
            inherited: Arc::new(inherited.into_iter().collect()),
            scratch,
            locator: Locator::default(),
            declared: None,
            guard: None,
            confining,
        }
    }

    /// The same with programs of the project from another tree than the one that they work in.
    #[must_use]
    pub fn with_declared(self, declared: Option<Declared>) -> Self {
        Self { declared, ..self }
    }

    /// The same with somebody who is asked before every attempt.
    #[must_use]
    pub fn guarded(self, guard: Option<Arc<dyn Guard>>) -> Self {
        Self { guard, ..self }
    }

    /// Everything that can keep a program from starting happens here, so that a failure means `not_started`.
    fn prepare(&self, request: &AttemptRequest, command: &CommandSpec) -> Result<Prepared, AttemptFailure> {
        let directory = self.directory(command.cwd.as_deref())?;
        if let Some(guard) = &self.guard {
            let surroundings = Surroundings {
                root: &self.root,
                path: self.inherited.get("PATH"),
                declared: self.declared.as_ref(),
            };
            let asked = guard.may_start(request.index, &surroundings.starts(command));
            asked.map_err(|problem| not_started(FailureReason::Policy, problem))?;
        }
        let cell = match request.sandbox() {
            Some(sandbox) => Some(self.cell(request, sandbox)?),
            None => None,
        };
        let file = |name: &str| match &cell {
            Some(cell) => cell.file(name),
            None => self.scratch.file(&format!("{}-{}.{name}", request.index, request.attempt)),
        };
        let outputs = file("outputs");
        let (results, results_file) = results(request, || file("results")).map_err(|error| {
            not_started(FailureReason::Spawn, format!("cannot write the results of earlier nodes: {error}"))
        })?;
        let run_id = request.run_id.to_string();
        let mut env = Variables::default();
        env.push("PWD", &directory);
        if let Some(cell) = &cell {
            env.extend(cell.variables());
        }
        env.extend(&command.env);
        env.push("ONEX_RUN_ID", &run_id);
        env.push("ONEX_NODE_ID", request.node_id.as_str());
        env.push("ONEX_NODE_IDEMPOTENCY_KEY", format!("{run_id}/{}", request.node_id));
        env.push("ONEX_NODE_OUTPUT", &outputs);
        env.push("ONEX_NODE_RESULTS", results);

        let mut inherited = self.inherited_by(&command.inherit_env);
        if let Some(declared) = &self.declared {
            let modules = env.get("PYTHONPATH").or_else(|| inherited.get("PYTHONPATH"));
            let modules = modules.and_then(|modules| declared.python_path(command, modules, &self.root));
            if let Some(modules) = modules {
                env.push("PYTHONPATH", modules);
            }
        }
        if let Some(fewer) = request.sandbox().and_then(|sandbox| sandbox::confined(sandbox, &inherited)) {
            inherited = Arc::new(fewer);
        }
        let path = env.get("PATH").or_else(|| inherited.get("PATH"));
        let find =
            |argv: &[String]| self.locator.find(argv.first().map_or("", String::as_str), path, &directory);
        let is_shell_proof = || {
            self.is_shell_proof
                && path.is_none_or(|path| !path.is_empty())
                && command.env.keys().all(|name| name != "PWD" && passes_a_shell(OsStr::new(name)))
        };
        let folder = self.declared.as_ref().map(|declared| declared.modules(command)).transpose()?;
        let sources = Sources {
            root: self.declared.as_ref().map_or(&self.root, |declared| &declared.root),
            modules: folder.as_deref(),
        };
        let spec = match &self.declared {
            Some(declared) => declared.program(command, &self.root)?,
            None => Cow::Borrowed(&command.program),
        };
        let Invocation { mut argv, mut shell } =
            invocation((&spec, &command.files), sources, is_shell_proof)?;
        // A function has them as its arguments already.
        let is_python = matches!(command.program, ProgramSpec::Python { .. });
        let files = if is_python { Vec::new() } else { command.files.clone() };
        let mut file = find(&argv);
        if file.is_err()
            && let Some(shell) = shell.take()
        {
            argv = shell;
            file = find(&argv);
        }
        let mut file = file.map_err(|problem| not_started(FailureReason::Spawn, problem))?;
        // A program that is named by a path is known to itself by that path.
        if let Some(name) = argv.first().filter(|name| name.contains('/')) {
            file = PathBuf::from(name);
        }
        let stdin = match &command.stdin {
            Stdin::Empty => Input::Empty,
            Stdin::Text(text) => Input::Text(text.clone().into_bytes()),
            Stdin::Printed(_) => Input::Text(request.stdin.to_vec()),
            Stdin::Inherit => Input::Inherit,
        };
        let limits = Limits {
            memory: command.resources.memory,
            processes: command.resources.processes,
            cpus: command.resources.cpus.map(|cpus| cpus as usize),
        };
        Ok(Prepared {
            program: Program {
                file,
                argv,
                files,
                inherited,
                env,
                directory,
                stdin,
                limits,
                sandbox: cell.as_ref().map(Cell::confinement),
                mark: Some(mark(request, request.attempt)),
                tee: tee(request),
            },
            shell,
            outputs,
            results_file,
            cell,
        })
    }

    /// The sandbox of an attempt.
    fn cell(&self, request: &AttemptRequest, sandbox: &Sandbox) -> Result<Cell, AttemptFailure> {
        let folder = self.scratch.file(&format!("{}-{}", request.index, request.attempt));
        Cell::new(&folder, sandbox, (&self.root, &self.confining))
            .map_err(|problem| not_started(FailureReason::Policy, problem))
    }

    /// What a program inherits of the environment.
    fn inherited_by(&self, inherit: &InheritEnv) -> Arc<Inherited> {
        match inherit {
            InheritEnv::All => Arc::clone(&self.inherited),
            InheritEnv::None => Arc::default(),
            InheritEnv::Only(names) => {
                let kept = names.iter().filter_map(|name| Some((name.as_str(), self.inherited.get(name)?)));
                Arc::new(kept.collect())
            }
        }
    }

    /// The working directory: inside the project root, after symbolic links.
    fn directory(&self, cwd: Option<&str>) -> Result<PathBuf, AttemptFailure> {
        let Some(cwd) = cwd else { return Ok(self.root.clone()) };
        let directory =
            self.root.join(cwd).canonicalize().map_err(|error| {
                not_started(FailureReason::Spawn, format!("cannot work in `{cwd}`: {error}"))
            })?;
        if !directory.starts_with(&self.root) {
            return Err(not_started(FailureReason::Policy, format!("`{cwd}` leads out of the project root")));
        }
        Ok(directory)
    }
}

/// What `$ONEX_NODE_RESULTS` holds: the document itself, or where it is if it is too long for a variable.
/// A file for each node would cost more than a short program does.
fn results(
    request: &AttemptRequest,
    file: impl FnOnce() -> PathBuf,
) -> io::Result<(String, Option<PathBuf>)> {
    if request.results.len() <= MAX_VARIABLE {
        return Ok((request.results.as_ref().to_owned(), None));
    }
    let path = file();
    let name = path.to_str().ok_or_else(|| io::Error::other("the path of temporary files is not UTF-8"))?;
    std::fs::write(&path, request.results.as_bytes())?;
    Ok((serde_json::json!({ "file": name }).to_string(), Some(path)))
}

struct Prepared {
    program: Program,
    /// The shell that would be asked to start the program, where it was written for one.
    shell: Option<Vec<String>>,
    /// Where it may write outputs.
    outputs: PathBuf,
    /// What it reads earlier results from, if they are in a file.
    results_file: Option<PathBuf>,
    /// What it is confined to, if it is.
    cell: Option<Cell>,
}

impl Executor for Arc<CommandExecutor> {
    fn execute(&self, request: AttemptRequest, stop: StopReceiver) -> BoxFuture<'static, AttemptOutcome> {
        let executor = Arc::clone(self);
        Box::pin(async move {
            let Some(Action::Command(command)) = request.action() else {
                return AttemptOutcome {
                    failure: Some(not_started(FailureReason::Spawn, "the node has no command".to_owned())),
                    ..AttemptOutcome::default()
                };
            };
            let prepared = match executor.prepare(&request, command) {
                Ok(prepared) => prepared,
                Err(failure) => {
                    return AttemptOutcome { failure: Some(failure), ..AttemptOutcome::default() };
                }
            };
            if request.attempt > 1 {
                // What an earlier attempt left behind must not meet its successor.
                process::sweep(&mark(&request, request.attempt - 1)).await;
            }
            let mut outcome = match run(prepared.program, prepared.shell, stop).await {
                Ok(exit) => outcome(exit, command, executor.outputs.read(&prepared.outputs)),
                Err(error) => {
                    let is_confined = error.is_for_want_of_its_sandbox();
                    let reason = if is_confined { FailureReason::Policy } else { FailureReason::Spawn };
                    AttemptOutcome {
                        failure: Some(not_started(reason, error.to_string())),
                        ..AttemptOutcome::default()
                    }
                }
            };
            if let Some(cell) = prepared.cell {
                cell.judge(&mut outcome);
            }
            // A thousand nodes that read one long result would fill the disk by the end of the run.
            if let Some(file) = prepared.results_file
                && let Err(error) = std::fs::remove_file(&file)
            {
                tracing::debug!(%error, file = %file.display(), "already gone");
            }
            outcome
        })
    }
}

/// Runs a program. One that was written for a shell ends as a shell would tell it, and is left to the shell where it
/// cannot be started without one.
async fn run(program: Program, shell: Option<Vec<String>>, stop: StopReceiver) -> Result<Exit, SpawnError> {
    let Some(argv) = shell else { return process::run(program, stop).await };
    let by_shell =
        Program { file: argv.first().map_or_else(PathBuf::new, PathBuf::from), argv, ..program.clone() };
    match process::run(program, stop.clone()).await {
        Ok(exit) if !exit.stopped => {
            let code = exit.signal.map_or(exit.code, |signal| Some(128 + signal));
            Ok(Exit { code, signal: None, ..exit })
        }
        Err(_) => process::run(by_shell, stop).await,
        stopped => stopped,
    }
}

/// Tells who watches the attempt, if anybody does.
fn tee(request: &AttemptRequest) -> Option<Tee> {
    let watcher = request.watcher.clone()?;
    Some(Arc::new(move |source, bytes: &[u8]| {
        let stream = match source {
            Source::Out => StreamName::Stdout,
            Source::Err => StreamName::Stderr,
        };
        watcher(stream, bytes);
    }))
}

/// What all processes of an attempt carry.
fn mark(request: &AttemptRequest, attempt: u32) -> String {
    format!("{}/{}/{attempt}", request.run_id, request.node_id)
}

/// Whether a shell passes on a variable of this name as it is.
fn passes_a_shell(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    let is_its_own = ["IFS", "OPTIND", "PPID"].iter().any(|own| name == *own);
    !is_its_own
        && bytes.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

fn not_started(reason: FailureReason, message: String) -> AttemptFailure {
    AttemptFailure::new(reason, AttemptClass::NotStarted, message)
}

/// The exception that a Python function ended with, by its name.
fn exception(exit: &Exit) -> Option<(String, String)> {
    #[derive(serde::Deserialize)]
    struct Told {
        exception: Exception,
    }
    #[derive(serde::Deserialize)]
    struct Exception {
        #[serde(rename = "type")]
        name: String,
        message: String,
    }
    let Told { exception } = serde_json::from_slice(&exit.stdout.bytes).ok()?;
    let message = if exception.message.is_empty() {
        exception.name.clone()
    } else {
        format!("{}: {}", exception.name, exception.message)
    };
    Some((exception.name, message))
}

fn outcome(exit: Exit, command: &CommandSpec, outputs: Result<Map<String, Value>, String>) -> AttemptOutcome {
    let format = command.output;
    let is_python = matches!(command.program, ProgramSpec::Python { .. });
    let raised = (is_python && exit.code == Some(1)).then(|| exception(&exit)).flatten();
    let mut failure = match (exit.code, exit.signal) {
        (Some(0), _) => None,
        (Some(code), _) => {
            Some((FailureReason::ExitCode, AttemptClass::Definite, format!("exit code {code}")))
        }
        (None, Some(signal)) => {
            Some((FailureReason::Signal, AttemptClass::Unknown, format!("ended by {}", signal_name(signal))))
        }
        (None, None) => {
            Some((FailureReason::Protocol, AttemptClass::Unknown, "ended without a status".to_owned()))
        }
    };
    let broken = |message| Some((FailureReason::Protocol, AttemptClass::Definite, message));
    let outputs = outputs.unwrap_or_else(|message| {
        failure = failure.take().or_else(|| broken(message));
        Map::new()
    });
    if failure.is_none() {
        failure = check_value(format, &exit.stdout).and_then(broken);
    }
    let was_raised = raised.is_some();
    let failure = failure.map(|(reason, class, message)| match raised {
        Some((kind, told)) => AttemptFailure { kind: Some(kind), ..AttemptFailure::new(reason, class, told) },
        None => AttemptFailure::new(reason, class, message),
    });
    AttemptOutcome {
        failure,
        stopped: exit.stopped,
        return_code: exit.code,
        signal: exit.signal,
        truncated: (exit.stdout.truncated, exit.stderr.truncated),
        usage: Some(Usage {
            cpu_us: u64::try_from(exit.used.cpu.as_micros()).unwrap_or(u64::MAX),
            max_rss_kib: exit.used.max_rss_kib,
            output_bytes: exit.stdout.len + exit.stderr.len,
        }),
        // How the exception was told is nothing that the function printed.
        stdout: if was_raised { Vec::new() } else { exit.stdout.bytes },
        stderr: exit.stderr.bytes,
        outputs,
        leaked: exit.leaked,
    }
}

/// What is wrong with an output that should be JSON.
fn check_value(format: OutputFormat, stdout: &Stream) -> Option<String> {
    if stdout.truncated && format.is_whole() {
        return Some("the output is longer than what is kept of it, so its value is lost".to_owned());
    }
    if format != OutputFormat::Json {
        return None;
    }
    let text = Text::from_bytes(stdout.bytes.clone());
    format.value(&text).err().map(|error| format!("the output is not JSON: {error}"))
}

/// The folder of what programs write to `$ONEX_NODE_OUTPUT`.
#[derive(Debug)]
struct OutputsFolder(Option<OwnedFd>);

impl OutputsFolder {
    /// Opens the folder of a run while it is empty, and dates it back to the epoch: as long as it has that date,
    /// nothing was ever made in it, and no program that wrote nothing costs a search for its file.
    fn open(scratch: &Scratch) -> Self {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(scratch.file(""), flags, Mode::empty()).ok();
        if let Some(folder) = &folder {
            let epoch = Timespec { tv_sec: 0, tv_nsec: 0 };
            let dates = Timestamps { last_access: epoch, last_modification: epoch };
            if let Err(error) = rustix::fs::futimens(folder, &dates) {
                tracing::debug!(%error, "the folder of outputs keeps its date");
            }
        }
        Self(folder)
    }

    fn is_untouched(&self) -> bool {
        let status = self.0.as_ref().and_then(|folder| rustix::fs::fstat(folder).ok());
        status.is_some_and(|status| (status.st_mtime, status.st_mtime_nsec) == (0, 0))
    }

    fn read(&self, file: &Path) -> Result<Map<String, Value>, String> {
        if self.is_untouched() { Ok(Map::new()) } else { read_outputs(file) }
    }
}

/// What a program wrote to `$ONEX_NODE_OUTPUT`: one JSON object, or lines of `NAME=VALUE`.
fn read_outputs(path: &Path) -> Result<Map<String, Value>, String> {
    let wrong = |problem: String| format!("`$ONEX_NODE_OUTPUT` {problem}");
    let unreadable = |error: io::Error| wrong(format!("cannot be read: {error}"));
    // Whatever a program put there: a link is not followed, and a pipe is not waited for.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut file = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(Map::new()),
        Err(Errno::LOOP | Errno::NXIO) => return Err(wrong("is no longer a file".to_owned())),
        Err(error) => return Err(unreadable(error.into())),
    };
    let kind = file.metadata().map_err(unreadable)?;
    if !kind.is_file() {
        return Err(wrong("is no longer a file".to_owned()));
    }
    let mut text = String::new();
    // Somebody may still write to it.
    file.by_ref().take(MAX_OUTPUTS + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_OUTPUTS {
        return Err(wrong("is larger than 1 MiB".to_owned()));
    }
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(&text)
            .map_err(|error| wrong(format!("is not one JSON object: {error}")));
    }
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| match line.split_once('=') {
            Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.into())),
            _ => Err(wrong(format!("has a line without `NAME=`: {}", crate::base::text::clip(line, 60)))),
        })
        .collect()
}

/// A signal by its name, where it has one.
fn signal_name(number: i32) -> String {
    const NAMES: [(i32, &str); 12] = [
        (1, "SIGHUP"),
        (2, "SIGINT"),
        (3, "SIGQUIT"),
        (4, "SIGILL"),
        (6, "SIGABRT"),
        (8, "SIGFPE"),
        (9, "SIGKILL"),
        (11, "SIGSEGV"),
        (13, "SIGPIPE"),
        (14, "SIGALRM"),
        (15, "SIGTERM"),
        (31, "SIGSYS"),
    ];
    NAMES
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(|| format!("signal {number}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs_of(text: &str) -> Result<Map<String, Value>, String> {
        #[expect(clippy::disallowed_methods, reason = "the only file of these tests")]
        let path = std::env::temp_dir().join(format!(
            "outputs-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::write(&path, text).unwrap();
        let read = read_outputs(&path);
        std::fs::remove_file(path).unwrap();
        read
    }

    #[test]
    fn outputs_are_an_object_or_lines() {
        assert_eq!(
            Value::Object(outputs_of("a=1\n\n b = x=y\n").unwrap()),
            serde_json::json!({"a": "1", "b": " x=y"})
        );
        assert_eq!(Value::Object(outputs_of(" {\"a\": [1]}\n").unwrap()), serde_json::json!({"a": [1]}));
        assert_eq!(outputs_of("").unwrap(), Map::new());
        assert!(outputs_of("nonsense").unwrap_err().contains("without `NAME=`"));
        assert!(outputs_of("{\"a\": 1").unwrap_err().contains("not one JSON object"));
        assert_eq!(read_outputs(Path::new("/no/such/file")).unwrap(), Map::new());
    }
}
