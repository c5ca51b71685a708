//! What the options of a run are set to, and by whom: `onex doctor` shows it.

use std::ffi::OsString;
use std::path::Path;

use clap::CommandFactory as _;

use super::args::Arguments;
use super::resolve::{Typed, duration, report, timeout};
use crate::app::Environment;
use crate::app::doctor::{Origin, Setting};
use crate::app::settings::Configuration;
use crate::config::Name;
use crate::config::keys::{self, Section};

/// Every option of a run, and every setting that only files have, with its value and where that comes from.
pub(super) fn settings(
    here: &Typed<'_>,
    (environment, configuration): (&Environment, &Configuration),
) -> Vec<Setting> {
    let command = Arguments::command();
    let run = command.find_subcommand("orch").into_iter().flat_map(clap::Command::get_arguments);
    let options = run.filter_map(|arg| {
        let (id, variable) = (arg.get_id().as_str(), arg.get_env());
        let known = here.0.filter(|matches| matches.ids().any(|known| known == id));
        let named = known.filter(|_| here.has(id)).and_then(|matches| matches.get_raw(id));
        let typed =
            named.map(|values| values.map(|value| value.to_string_lossy().into_owned()).collect::<Vec<_>>());
        let set = variable.and_then(|name| environment.get(name.to_str()?));
        let key = Section::Run.key(id).map(|key| Name { section: Section::Run, key: key.name });
        let in_file = key.and_then(|key| from_file(key, configuration));
        let defaults =
            arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect::<Vec<_>>();
        let variable = variable.map(|name| name.to_string_lossy().into_owned());
        let (value, origin) = match (typed, set, in_file) {
            (Some(values), ..) => (Some(values.join(" ")), Origin::CommandLine),
            // Inputs can hold what is nobody's business.
            (None, Some(_), _) if id == "inputs" => (Some("(set)".to_owned()), Origin::Environment),
            (None, Some(value), _) => (Some(value.to_string_lossy().into_owned()), Origin::Environment),
            (None, None, Some(set)) => {
                return Some(Setting { name: arg.get_long()?.to_owned(), variable, ..set });
            }
            (None, None, None) => ((!defaults.is_empty()).then(|| defaults.join(" ")), Origin::Default),
        };
        Some(Setting { name: arg.get_long()?.to_owned(), value, origin, variable, place: None })
    });
    options.chain(of_files_only(configuration)).collect()
}

/// What a file sets.
fn from_file(name: Name, configuration: &Configuration) -> Option<Setting> {
    let set = configuration.settings.get(name.section, name.key)?;
    Some(Setting {
        name: name.to_string(),
        value: Some(set.value.to_string()),
        origin: configuration.layer(set.at)?.into(),
        variable: None,
        place: Some(configuration.place(set.at)),
    })
}

/// Settings that are no options: those of nodes, and those of stages as far as they are set.
fn of_files_only(configuration: &Configuration) -> impl Iterator<Item = Setting> {
    let of_nodes = Section::Node.keys().map(|key| {
        let name = Name { section: Section::Node, key: key.name };
        from_file(name, configuration).unwrap_or_else(|| Setting {
            name: name.to_string(),
            value: Some(key.default.to_owned()),
            origin: Origin::Default,
            variable: None,
            place: None,
        })
    });
    let set = configuration.settings.iter().map(|(name, _)| name);
    let of_stages = set.filter(|name| matches!(name.section, Section::Stage(_)));
    of_nodes.chain(of_stages.filter_map(|name| from_file(name, configuration)))
}

/// Variables that set an option of a run to what it cannot be, each with why.
pub(super) fn refused(environment: &Environment) -> Vec<(String, String)> {
    let deaf = |verb: clap::Command| verb.mut_args(|arg| arg.env(None::<&'static str>));
    let named = Arguments::command();
    let mut command = Arguments::command().mut_subcommand("orch", deaf);
    let run = named.find_subcommand("orch").into_iter().flat_map(clap::Command::get_arguments);
    let mut found = Vec::new();
    for arg in run.filter(|arg| arg.get_action().takes_values()) {
        let (Some(variable), Some(long)) = (arg.get_env().and_then(|name| name.to_str()), arg.get_long())
        else {
            continue;
        };
        let Some(value) = environment.get(variable) else { continue };
        let mut typed = OsString::from(format!("--{long}="));
        typed.push(value);
        let words = [OsString::from("onex"), OsString::from("orch"), typed];
        let parsed = command.try_get_matches_from_mut(words).map(|_| ());
        let text = value.to_string_lossy();
        let meant = parsed.and_then(|()| match long {
            keys::TIMEOUT => timeout(&text).map(|_| ()),
            "slow-after" => duration("slow-after", &text).map(|_| ()),
            "report" => std::env::split_paths(value)
                .filter(|file| !file.as_os_str().is_empty())
                .try_for_each(|file: std::path::PathBuf| report(Path::new(&file), environment).map(|_| ())),
            _ => Ok(()),
        });
        if let Err(error) = meant {
            found.push((variable.to_owned(), super::first_paragraph(&error)));
        }
    }
    found
}
