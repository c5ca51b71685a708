//! What can run here, for somebody who typed the name of the program and nothing else.

use std::io::{self, Write as _};
use std::path::Path;

use super::Environment;
use super::console::Console;
use super::contract::{FILE_NAME, contracts_above};
use super::plan::finish;
use crate::base::text;
use crate::model::exit::ExitCode;
use crate::report::overview;

/// The most contracts that are named.
const MOST: usize = 10;

/// Shows the contracts that are found from here, and the commands that do something with them.
pub fn overview(environment: &Environment, console: &mut Console) -> ExitCode {
    let names = contracts_above(&environment.directory);
    let here = environment.directory.join(FILE_NAME).is_file();
    let mut entries = Vec::new();
    if here {
        entries.push((FILE_NAME.to_owned(), describe(Path::new(FILE_NAME), environment)));
    }
    for name in names.iter().take(MOST - entries.len()) {
        entries.push((name.clone(), describe(Path::new(name), environment)));
    }
    let left_out = (names.len() + usize::from(here)).saturating_sub(entries.len());
    let more = (left_out > 0).then(|| format!("and {}", text::count(left_out, "more contract")));
    let first = entries.first().map_or(FILE_NAME, |(name, _)| name.as_str()).to_owned();
    let written: io::Result<()> =
        overview::render(console.out_look(), &entries, more.as_deref(), &first, &mut console.out())
            .and_then(|()| console.out().flush());
    finish(written, &mut console.err(), ExitCode::Success)
}

/// What a contract says of itself, as far as it can be read.
pub(super) fn describe(contract: &Path, environment: &Environment) -> String {
    let loaded = super::contract::load(contract, environment, None);
    match &loaded.plan {
        Some(plan) => {
            let nodes = text::count(plan.workflow().nodes.len(), "node");
            match plan.workflow().description.as_deref().and_then(|text| text.trim().lines().next()) {
                Some(description) => format!("{nodes} · {description}"),
                None => nodes,
            }
        }
        None => "cannot run: `onex validate` says why".to_owned(),
    }
}
