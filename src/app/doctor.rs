//! Looks at the machine that `onex` runs on, and says what is wrong with it and what to do.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit};
use serde::Serialize;

use super::Environment;
use super::console::Console;
use super::contract::root_above;
use super::plan::finish;
use super::settings::{Configuration, Layer, SettingsFile};
use crate::base::clock;
use crate::base::stop::{self, StopLevel};
use crate::base::text::without_controls;
use crate::diag::codes;
use crate::model::context::Format;
use crate::model::exit::ExitCode;
use crate::process::{self, Enforcement, LANDLOCK_FOR_FILES, Locator, Program, most_at_once};
use crate::registry::{self, Look as Searched};
use crate::report::{Look, settings};

/// The fewest nodes that should be able to run at once.
const FEW_AT_ONCE: usize = 16;

/// The fewest processes that a user should be able to have.
const FEW_PROCESSES: u64 = 256;

/// The least memory that a group should have.
const LITTLE_MEMORY: u64 = 256 * 1024 * 1024;

/// How to show what was found, and the settings with where each comes from.
#[derive(Clone, Debug)]
pub struct DoctorRequest {
    /// The form; for people where none is named.
    pub format: Option<Format>,
    /// What is set, and where.
    pub settings: Vec<Setting>,
    /// Variables that set an option to what it cannot be, each with why.
    pub refused: Vec<(String, String)>,
    /// The settings files.
    pub configuration: Configuration,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// Its name: that of the option, or of the key where only files have it.
    pub name: String,
    /// What it is set to; nothing where it has no value unless one is given.
    pub value: Option<String>,
    /// Where that comes from.
    pub origin: Origin,
    /// The variable that sets it.
    pub variable: Option<String>,
    /// The file and the line that it is set in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Where the value of a setting comes from. Later ones win over earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The settings file of the organisation.
    Organisation,
    /// That of the user.
    User,
    /// That of the project.
    Project,
    /// A variable.
    Environment,
    /// The command line.
    CommandLine,
}

impl Origin {
    /// The same for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Organisation => Layer::Organisation.as_str(),
            Self::User => Layer::User.as_str(),
            Self::Project => Layer::Project.as_str(),
            Self::Environment => "environment",
            Self::CommandLine => "command line",
        }
    }
}

impl From<Layer> for Origin {
    fn from(layer: Layer) -> Self {
        match layer {
            Layer::Organisation => Self::Organisation,
            Layer::User => Self::User,
            Layer::Project => Self::Project,
        }
    }
}

/// What was looked at.
#[derive(Clone, Debug, Serialize)]
struct Checkup {
    version: &'static str,
    platform: String,
    healthy: bool,
    checks: Vec<Check>,
    settings: Vec<Setting>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
struct Check {
    name: Cow<'static, str>,
    status: Status,
    /// What is there.
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    /// Not there, and only some contracts need it.
    Absent,
    Problem,
}

impl Check {
    fn ok(name: impl Into<Cow<'static, str>>, found: impl Into<String>) -> Self {
        Self { name: name.into(), status: Status::Ok, found: found.into(), advice: None }
    }

    fn absent(
        name: impl Into<Cow<'static, str>>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { name: name.into(), status: Status::Absent, found: found.into(), advice: Some(advice.into()) }
    }

    fn problem(
        name: impl Into<Cow<'static, str>>,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { name: name.into(), status: Status::Problem, found: found.into(), advice: Some(advice.into()) }
    }
}

/// Looks at everything and shows it. The exit code is 1 where something is wrong.
pub fn doctor(request: &DoctorRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    let mut checks = programs(environment);
    checks.extend(folders(environment));
    checks.extend(limits());
    checks.extend(control_group());
    checks.push(sandbox(environment.enforcement));
    checks.push(terminal(environment, console));
    checks.extend(request.configuration.files.iter().map(|file| settings_file(file, &request.configuration)));
    checks.extend(request.refused.iter().map(|(variable, why)| {
        let advice = "set it to what the option takes, or to nothing";
        Check::problem(format!("variable {variable}"), why.as_str(), advice)
    }));
    checks.extend(names(environment));
    let healthy = checks.iter().all(|check| check.status != Status::Problem);
    let checkup = Checkup {
        version: env!("CARGO_PKG_VERSION"),
        platform: platform(),
        healthy,
        checks,
        settings: request.settings.clone(),
    };
    let look = console.out_look();
    let written = match request.format.unwrap_or_default() {
        Format::Human => for_people(look, &checkup, &mut console.out()),
        format @ (Format::Json | Format::Yaml) => settings::document(format, &checkup, &mut console.out()),
    };
    let code = if healthy { ExitCode::Success } else { ExitCode::ExecutionFailed };
    finish(written, &mut console.err(), code)
}

/// Files of the project that nobody looks at because of the endings of their names.
fn names(environment: &Environment) -> Vec<Check> {
    let root = root_above(&environment.directory);
    // Elsewhere, such as at home, there is no end to what could be looked through.
    if !["onex.toml", ".git"].iter().any(|mark| root.join(mark).exists()) {
        return Vec::new();
    }
    let found = registry::gather(&root, Searched::Names).diagnostics.into_iter();
    let misnamed = found.filter(|finding| finding.code == codes::MISNAMED_FILE);
    misnamed.map(|finding| Check::problem("file names", finding.message, finding.help.join("; "))).collect()
}

fn platform() -> String {
    let system = rustix::system::uname();
    let word = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    format!("{} {} {}", word(system.sysname()), word(system.release()), word(system.machine()))
}

/// Programs that contracts ask for by themselves: interpreters of scripts, and git.
fn programs(environment: &Environment) -> Vec<Check> {
    const WANTED: [(&str, &[&str], &str); 4] = [
        (
            "git",
            &["--version"],
            "install git; without it the project root is the nearest `.git` or `onex.toml`",
        ),
        ("sh", &[], "install a POSIX shell, which runs every `run` that is a text"),
        ("bash", &["--version"], "install bash for contracts that ask for it with `shell: bash`"),
        (
            "python3",
            &["--version"],
            "install python3 for nodes with `python` and for scripts that end in .py",
        ),
    ];
    let locator = Locator::default();
    let look_for = |(name, version, advice): (&'static str, &[&str], &str)| {
        let found = locator.find(name, environment.get("PATH"), &environment.directory);
        match found {
            Ok(file) if version.is_empty() => Check::ok(name, file.display().to_string()),
            Ok(file) => match first_line(&file, version, environment) {
                Ok(line) => Check::ok(name, format!("{line} ({})", file.display())),
                Err(problem) => Check::problem(
                    name,
                    format!("{} does not say its version: {problem}", file.display()),
                    format!("look at what `{name} --version` says"),
                ),
            },
            Err(problem) if name == "sh" => Check::problem(name, problem, advice),
            Err(problem) => Check::absent(name, problem, advice),
        }
    };
    WANTED.map(look_for).into()
}

/// The first line that a program prints of itself, which it has little time for.
fn first_line(file: &Path, arguments: &[&str], environment: &Environment) -> Result<String, String> {
    const PATIENCE: Duration = Duration::from_secs(5);
    let name = file.display().to_string();
    let program = Program {
        file: file.to_path_buf(),
        argv: std::iter::once(name).chain(arguments.iter().map(|&word| word.to_owned())).collect(),
        inherited: Arc::new(environment.inherited().into_iter().collect()),
        directory: environment.directory.clone(),
        ..Program::default()
    };
    let (stop, stopped) = stop::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.map_err(|error| error.to_string())?.block_on(async {
        let run = process::run(program, stopped);
        tokio::pin!(run);
        tokio::select! {
            ended = &mut run => ended,
            () = clock::sleep(PATIENCE) => {
                stop.raise(StopLevel::Kill);
                run.await
            }
        }
    });
    let ended = ended.map_err(|error| error.to_string())?;
    if ended.stopped {
        return Err("it does not end".to_owned());
    }
    let printed = String::from_utf8_lossy(&ended.stdout.bytes);
    let line = without_controls(printed.lines().next().unwrap_or_default()).trim().to_owned();
    match ended.code {
        Some(0) if !line.is_empty() => Ok(line),
        Some(0) => Err("it prints nothing".to_owned()),
        Some(code) => Err(format!("it ends with {code}")),
        None => Err("a signal ended it".to_owned()),
    }
}

fn folders(environment: &Environment) -> Vec<Check> {
    let mut checks = vec![match environment.state() {
        Some(folder) => writable("state folder", &folder),
        None => Check::problem(
            "state folder",
            "neither HOME nor XDG_STATE_HOME is set",
            "set one of them: the states of circuits have no other place",
        ),
    }];
    checks.push(writable("temporary folder", &environment.temporary));
    checks
}

/// Whether files can be made in a folder, or in the nearest one above it that is there.
fn writable(name: &'static str, folder: &Path) -> Check {
    let shown = folder.display();
    let Some(there) = folder.ancestors().find(|folder| folder.exists()) else {
        return Check::problem(name, format!("{shown} is not there"), "make it");
    };
    if !there.is_dir() {
        return Check::problem(
            name,
            format!("{} is no folder", there.display()),
            "remove what is in its place",
        );
    }
    let draft = there.join(format!(".onex-doctor-{}", std::process::id()));
    match std::fs::File::create_new(&draft).and_then(|_| std::fs::remove_file(&draft)) {
        Ok(()) if there == folder => Check::ok(name, shown.to_string()),
        Ok(()) => Check::ok(name, format!("{shown}, which is made when it is needed")),
        Err(error) => Check::problem(
            name,
            format!("{}: {error}", there.display()),
            format!("let {shown} be written by this user, and look for room on its disk"),
        ),
    }
}

fn limits() -> Vec<Check> {
    let shown =
        |limit: Rlimit| limit.current.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    let (files, processes) = (getrlimit(Resource::Nofile), getrlimit(Resource::Nproc));
    let most = most_at_once();
    let found = format!("{}, enough for {most} nodes at once", shown(files));
    let files = if most < FEW_AT_ONCE {
        Check::problem("open files", found, "raise the limit: `ulimit -n 1024`")
    } else {
        Check::ok("open files", found)
    };
    let found = shown(processes);
    let processes = if processes.current.is_some_and(|most| most < FEW_PROCESSES) {
        Check::problem("processes", found, "raise the limit: `ulimit -u 4096`")
    } else {
        Check::ok("processes", found)
    };
    vec![files, processes]
}

/// What the control group allows, where there is one (version 2).
fn control_group() -> Vec<Check> {
    let Ok(groups) = std::fs::read_to_string("/proc/self/cgroup") else { return Vec::new() };
    let Some(group) = groups.lines().find_map(|line| line.strip_prefix("0::")) else { return Vec::new() };
    let folder = Path::new("/sys/fs/cgroup").join(group.trim_start_matches('/'));
    control_group_of(|file| Some(std::fs::read_to_string(folder.join(file)).ok()?.trim().to_owned()))
}

/// The same from the values of its files.
fn control_group_of(value: impl Fn(&str) -> Option<String>) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(memory) = value("memory.max") {
        checks.push(match memory.parse::<u64>() {
            Ok(bytes) if bytes < LITTLE_MEMORY => Check::problem(
                "memory of the control group",
                format!("{} MiB", bytes / 1024 / 1024),
                "give the container or the service more memory",
            ),
            Ok(bytes) => Check::ok("memory of the control group", format!("{} MiB", bytes / 1024 / 1024)),
            Err(_) => Check::ok("memory of the control group", "unlimited"),
        });
    }
    if let Some((quota, period)) = value("cpu.max").as_deref().and_then(|cpu| cpu.split_once(' ')) {
        checks.push(match (quota.parse::<f64>(), period.parse::<f64>()) {
            (Ok(quota), Ok(period)) if period > 0.0 => {
                Check::ok("processors of the control group", format!("{:.1}", quota / period))
            }
            _ => Check::ok("processors of the control group", "unlimited"),
        });
    }
    if let Some(most) = value("pids.max") {
        checks.push(match most.parse::<u64>() {
            Ok(most) if most < FEW_PROCESSES => Check::problem(
                "processes of the control group",
                most.to_string(),
                "let the container or the service have more processes",
            ),
            Ok(most) => Check::ok("processes of the control group", most.to_string()),
            Err(_) => Check::ok("processes of the control group", "unlimited"),
        });
    }
    checks
}

/// What sandboxes of nodes can be made with.
fn sandbox(enforcement: Enforcement) -> Check {
    let Enforcement { landlock, seccomp } = enforcement;
    let files = match landlock {
        0 => "no Landlock".to_owned(),
        version => format!("Landlock version {version}"),
    };
    let found = format!("{files}, {}", if seccomp { "seccomp filters" } else { "no seccomp filters" });
    if seccomp && landlock >= LANDLOCK_FOR_FILES {
        return Check::ok("sandbox", found);
    }
    let advice =
        "nodes with a `sandbox` need Linux 6.2 or later with Landlock, and a container that lets them use it";
    Check::absent("sandbox", found, advice)
}

fn terminal(environment: &Environment, console: &Console) -> Check {
    let look = console.out_look();
    let place = if console.is_interactive() { "stdout is a terminal" } else { "stdout is no terminal" };
    let colours = if look.color { "colours" } else { "no colours" };
    let marks = if look.ascii { "ASCII marks" } else { "emoji" };
    let mut found = format!("{place}: {colours}, {marks}, lines of {}", look.width);
    for name in ["TERM", "CI", "GITHUB_ACTIONS", "NO_COLOR", "CLICOLOR_FORCE"] {
        if let Some(value) = environment.get(name) {
            found.push_str(&format!(", {name}={}", without_controls(&value.to_string_lossy())));
        }
    }
    Check::ok("terminal", found)
}

fn settings_file(file: &SettingsFile, configuration: &Configuration) -> Check {
    const MOST: usize = 3;
    let name = match file.layer {
        Layer::Organisation => "settings of the organisation",
        Layer::User => "settings of the user",
        Layer::Project => "settings of the project",
    };
    let path = file.path.display();
    if let [first, ..] = file.diagnostics.as_slice() {
        let said = file.diagnostics.iter().take(MOST).map(|finding| {
            let at = finding.span().map(|at| format!("{}: ", configuration.place(at))).unwrap_or_default();
            format!("{at}{}", finding.message)
        });
        let more = file.diagnostics.len().saturating_sub(MOST);
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        let found = format!("{}{more}", said.collect::<Vec<_>>().join("; "));
        return Check::problem(name, found, format!("`onex explain {}` says more", first.code));
    }
    match file.source {
        Some(_) => Check::ok(name, path.to_string()),
        None => Check::absent(name, format!("there is no {path}"), "none is needed"),
    }
}

fn for_people(look: Look, checkup: &Checkup, out: &mut dyn Write) -> io::Result<()> {
    use settings::Row;
    let mut rows = vec![Row::Line(format!("onex {} on {}", checkup.version, checkup.platform))];
    for check in &checkup.checks {
        let mark = match check.status {
            Status::Ok => settings::Sign::Good,
            Status::Absent => settings::Sign::Absent,
            Status::Problem => settings::Sign::Bad,
        };
        rows.push(Row::Check {
            mark,
            name: &check.name,
            found: &check.found,
            advice: check.advice.as_deref(),
        });
    }
    let (given, defaults): (Vec<&Setting>, Vec<&Setting>) =
        checkup.settings.iter().partition(|setting| setting.origin > Origin::Default);
    rows.push(Row::Line(String::new()));
    rows.push(Row::Line("Settings:".to_owned()));
    let origin = |setting: &Setting| match &setting.place {
        Some(place) => format!("{} {place}", setting.origin.as_str()),
        None => setting.origin.as_str().to_owned(),
    };
    let shown = given.iter().chain(&defaults).filter(|setting| setting.value.is_some());
    let shown: Vec<(&Setting, String)> = shown.map(|&setting| (setting, origin(setting))).collect();
    for (setting, origin) in &shown {
        rows.push(Row::Setting {
            name: &setting.name,
            value: setting.value.as_deref().unwrap_or_default(),
            origin,
        });
    }
    let unset = defaults.iter().filter(|setting| setting.value.is_none()).count();
    rows.push(Row::Line(format!("  and {unset} that are not set; `--format json` names them")));
    settings::for_people(look, &rows, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(memory: &str, cpu: &str, pids: &str) -> Vec<(Status, String)> {
        let value = |file: &str| match file {
            "memory.max" => Some(memory.to_owned()),
            "cpu.max" => Some(cpu.to_owned()),
            "pids.max" => Some(pids.to_owned()),
            _ => None,
        };
        control_group_of(value).into_iter().map(|check| (check.status, check.found)).collect()
    }

    #[test]
    fn sandboxes_need_landlock_and_seccomp() {
        let of = |landlock, seccomp| {
            let check = sandbox(Enforcement { landlock, seccomp });
            (check.status, check.found, check.advice.is_some())
        };
        assert_eq!(of(7, true), (Status::Ok, "Landlock version 7, seccomp filters".to_owned(), false));
        assert_eq!(of(2, true), (Status::Absent, "Landlock version 2, seccomp filters".to_owned(), true));
        assert_eq!(of(0, false), (Status::Absent, "no Landlock, no seccomp filters".to_owned(), true));
    }

    #[test]
    fn the_limits_of_a_control_group_are_read() {
        let shown = |texts: [&str; 3]| texts.map(|text| (Status::Ok, text.to_owned())).to_vec();
        assert_eq!(found("max", "max 100000", "max"), shown(["unlimited"; 3]));
        assert_eq!(found("1073741824", "150000 100000", "4096"), shown(["1024 MiB", "1.5", "4096"]));
        let little = found("67108864", "50000 100000", "64");
        let expected = [(Status::Problem, "64 MiB"), (Status::Ok, "0.5"), (Status::Problem, "64")];
        assert_eq!(little, expected.map(|(status, text)| (status, text.to_owned())));
        assert!(control_group_of(|_| None).is_empty());
    }
}
