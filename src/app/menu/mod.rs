//! A menu of what can be run from here, at a terminal: `onex --menu`.

mod choice;
mod keys;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write};
use std::path::Path;
use std::time::Duration;

use super::Environment;
use super::console::Console;
use super::contract::{FILE_NAME, contracts_above};
use super::list::root_of;
use super::overview::{describe, overview};
use super::screen::{rows_of, size};
use super::settings::{self, Configuration, ProjectOf};
use crate::base::{clock, text};
use crate::model::context::ExecutionContext;
use crate::model::exit::ExitCode;
use crate::orchestrators::{
    CiOrchestrator, Orchestrator, PreCommitOrchestrator, StageRequest, TestOrchestrator,
};
use crate::process::{Heard, Keyboard, SignalStream, become_program, suspend_self};
use crate::registry::{self, Catalog, Look};
use crate::report::menu;

use choice::{Choice, Ended};
use keys::Keys;

/// How long a key may take that begins as Esc does.
const PATIENCE: Duration = Duration::from_millis(50);

/// Something that can be run.
#[derive(Debug)]
struct Entry {
    name: String,
    /// What it says of itself, once that was asked for: contracts have to be read for it.
    about: Option<String>,
    /// What runs it.
    command: [OsString; 2],
    contract: Option<String>,
}

/// Whether somebody can choose here: keys come from a terminal, and what is drawn is seen and can be taken away again.
#[must_use]
pub fn can_choose(environment: &Environment, console: &Console) -> bool {
    let is_dumb = environment.get("TERM").is_none_or(|term| term == "dumb");
    io::stdin().is_terminal() && console.screen().err_is_terminal() && !is_dumb
}

/// Lets somebody choose, and becomes the run of what was chosen. Who leaves has cancelled.
pub fn menu(environment: &Environment, console: &mut Console) -> ExitCode {
    let mut entries = entries(environment);
    if entries.is_empty() {
        return overview(environment, console);
    }
    let ended = choose(&mut entries, environment, console);
    let failed = |console: &mut Console, problem: String| {
        if writeln!(console.err(), "error: {problem}").is_err() {
            tracing::debug!("standard error is closed");
        }
        ExitCode::ExecutionFailed
    };
    match ended {
        Ok(Ended::Chosen(entry)) => {
            let Some(program) = &environment.program else {
                return failed(console, "the system does not say which program this is".to_owned());
            };
            let [option, name] = &entries[entry].command;
            let arguments = [OsString::from("orch"), option.clone(), name.clone()];
            let line = arguments.each_ref().map(|word| word.to_string_lossy()).join(" ");
            if writeln!(console.err(), "$ onex {}", text::without_controls(&line)).is_err() {
                tracing::debug!("standard error is closed");
            }
            let error = become_program(program, &arguments);
            failed(console, format!("cannot start `{}`: {error}", program.display()))
        }
        Ok(Ended::Left) => ExitCode::ExecutionFailed,
        Err(error) => failed(console, format!("the terminal cannot be used: {error}")),
    }
}

/// What can be run from here: stages that have something to run, then contracts.
fn entries(environment: &Environment) -> Vec<Entry> {
    let mut entries = Vec::new();
    if let Ok(root) = root_of(None, environment) {
        let catalog = registry::gather(&root, Look::Names).catalog;
        let configuration = settings::load(ProjectOf::default(), environment);
        let stages: [&dyn Orchestrator; 3] = [&PreCommitOrchestrator, &CiOrchestrator, &TestOrchestrator];
        entries.extend(stages.into_iter().filter_map(|stage| of_stage(stage, &catalog, &configuration)));
    }
    let here = environment.directory.join(FILE_NAME).is_file().then(|| FILE_NAME.to_owned());
    entries.extend(here.into_iter().chain(contracts_above(&environment.directory)).map(|contract| Entry {
        name: format!("contract  {contract}"),
        about: None,
        command: ["--contract".into(), contract.clone().into()],
        contract: Some(contract),
    }));
    entries
}

/// A stage, if it has something to run, or something keeps it from that.
fn of_stage(stage: &dyn Orchestrator, catalog: &Catalog, configuration: &Configuration) -> Option<Entry> {
    let name = stage.stage();
    let request = StageRequest {
        context: ExecutionContext { stage: Some(name.to_owned()), ..ExecutionContext::default() },
        configured: configuration.defaults_of(name),
        ..StageRequest::default()
    };
    let about = match stage.select(&request, catalog) {
        Ok(selection) if selection.chosen.is_empty() => return None,
        Ok(selection) => {
            let names: Vec<&str> = selection.chosen.iter().map(|component| component.name.as_str()).collect();
            format!("{} · {}", text::count(names.len(), "component"), names.join(", "))
        }
        Err(error) => format!("cannot run: {error}"),
    };
    let command = ["--stage".into(), name.into()];
    Some(Entry { name: format!("stage     {name}"), about: Some(about), command, contract: None })
}

/// Shows the entries until one of them is chosen, or somebody leaves. The terminal is then as it was.
fn choose(entries: &mut [Entry], environment: &Environment, console: &mut Console) -> io::Result<Ended> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut signals = SignalStream::listen()?;
        let keyboard = Keyboard::open()?;
        let mut drawing = Drawing::default();
        let mut choice = Choice::among(entries.iter().map(|entry| entry.name.clone()).collect());
        let mut keys = Keys::default();
        loop {
            drawing.draw((&mut choice, entries), environment, console)?;
            let pressed = tokio::select! {
                heard = signals.next() => match heard {
                    Heard::Stop => break drawing.erase(console).map(|()| Ended::Left),
                    Heard::Suspend => {
                        drawing.erase(console)?;
                        keyboard.give_back();
                        suspend_self();
                        keyboard.take()?;
                        continue;
                    }
                    Heard::Resume => continue,
                },
                bytes = keyboard.pressed() => {
                    let bytes = bytes?;
                    if bytes.is_empty() {
                        break Ok(Ended::Left);
                    }
                    keys.feed(&bytes)
                }
                () = clock::sleep(PATIENCE), if keys.is_open() => keys.give_up().into_iter().collect(),
            };
            if let Some(ended) = pressed.into_iter().find_map(|key| choice.press(key)) {
                break drawing.erase(console).map(|()| ended);
            }
        }
    })
}

/// What is on the terminal.
#[derive(Debug, Default)]
struct Drawing {
    lines: Vec<String>,
}

impl Drawing {
    fn draw(
        &mut self,
        (choice, entries): (&mut Choice, &mut [Entry]),
        environment: &Environment,
        console: &mut Console,
    ) -> io::Result<()> {
        let (columns, rows) = size();
        // One row each for what the keys do, for how many there are, and for what was typed.
        let (seen, marked, fitting) = choice.seen(rows.saturating_sub(3));
        for &entry in &seen {
            let Entry { about, contract, .. } = &mut entries[entry];
            about.get_or_insert_with(|| {
                contract
                    .as_deref()
                    .map(|contract| describe(Path::new(contract), environment))
                    .unwrap_or_default()
            });
        }
        let shown: Vec<(&str, &str)> = seen
            .iter()
            .map(|&entry| (entries[entry].name.as_str(), entries[entry].about.as_deref().unwrap_or_default()))
            .collect();
        let look = console.err_look();
        // The last column stays free: a terminal may break the line there.
        let look = crate::report::Look { width: look.width.min(columns.saturating_sub(1)), ..look };
        let lines = menu::lines(look, &shown, menu::State { marked, fitting, filter: choice.filter() });
        let mut bytes = self.erasure();
        bytes.push_str(&lines.join("\n"));
        // How wide they are, without what makes colours.
        self.lines = lines.iter().map(|line| text::without_controls(line).into_owned()).collect();
        console.err().write_all(bytes.as_bytes())
    }

    /// What takes it away.
    fn erasure(&self) -> String {
        if self.lines.is_empty() {
            return String::new();
        }
        let up = rows_of(&self.lines, size().0).saturating_sub(1);
        if up == 0 { "\r\u{1b}[J".to_owned() } else { format!("\r\u{1b}[{up}A\u{1b}[J") }
    }

    fn erase(&mut self, console: &mut Console) -> io::Result<()> {
        let bytes = self.erasure();
        self.lines.clear();
        console.err().write_all(bytes.as_bytes())
    }
}
