//! What can stand where the cursor is: `onex __complete -- WORDS…`, which the scripts for shells ask.

use std::path::PathBuf;

use clap::{Arg, Command};

use crate::app::Environment;
use crate::app::completions::{Candidate, contracts, nodes};
use crate::diag::codes;

/// The verb that the scripts use. It is no part of the command line that people see.
pub(super) const VERB: &str = "__complete";

/// Candidates for the last of these words.
pub(super) fn candidates(command: &Command, words: &[String], environment: &Environment) -> Vec<Candidate> {
    let Some((current, before)) = words.split_last() else { return Vec::new() };
    let line = Line::of(command, before);
    // bash takes `=` for a word of its own.
    let current = if current == "=" { "" } else { current.as_str() };
    let (mut found, prefix) = match (line.open, current.split_once('=')) {
        (Some(option), _) => (line.values(option, environment), String::new()),
        (None, Some((long, _))) if current.starts_with("--") && !line.only_values => {
            let option = line.options().find(|arg| arg.get_long() == long.strip_prefix("--"));
            (option.map(|option| line.values(option, environment)).unwrap_or_default(), format!("{long}="))
        }
        (None, _) if current.starts_with('-') && !line.only_values => (line.flags(), String::new()),
        (None, _) => (line.words(environment), String::new()),
    };
    for candidate in &mut found {
        candidate.word.insert_str(0, &prefix);
    }
    found.retain(|candidate| candidate.word.starts_with(current));
    found.sort();
    found.dedup_by(|one, other| one.word == other.word);
    found
}

/// A command line up to the word that is completed.
struct Line<'c> {
    command: &'c Command,
    verb: Option<&'c Command>,
    /// The option whose value comes next.
    open: Option<&'c Arg>,
    /// Whether `--` was typed.
    only_values: bool,
    /// How many words were no options.
    values: usize,
    contract: Option<PathBuf>,
}

impl<'c> Line<'c> {
    fn of(command: &'c Command, words: &[String]) -> Self {
        let mut line =
            Self { command, verb: None, open: None, only_values: false, values: 0, contract: None };
        for word in words {
            line.take(word);
        }
        line
    }

    fn take(&mut self, word: &str) {
        if let Some(option) = self.open {
            if word != "=" {
                self.open = None;
                self.note(option, word);
            }
        } else if self.only_values || !word.starts_with('-') || word == "-" {
            match self.verb {
                None => self.verb = self.command.find_subcommand(word),
                Some(verb) => {
                    if let Some(argument) = positional(verb, self.values) {
                        self.note(argument, word);
                    }
                    self.values += 1;
                }
            }
        } else if word == "--" {
            self.only_values = true;
        } else {
            let (name, value) =
                word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            let is_named = |arg: &&Arg| {
                let short = |c: char| name.strip_prefix('-') == Some(c.encode_utf8(&mut [0; 4]));
                arg.get_long() == name.strip_prefix("--") || arg.get_short().is_some_and(short)
            };
            let option = self.options().find(is_named).filter(|arg| arg.get_action().takes_values());
            match (option, value) {
                (Some(option), Some(value)) => self.note(option, value),
                (option, _) => self.open = option,
            }
        }
    }

    fn note(&mut self, argument: &Arg, word: &str) {
        if argument.get_id() == "contract" {
            self.contract = Some(word.into());
        }
    }

    fn options(&self) -> impl Iterator<Item = &'c Arg> + use<'c> {
        let of_verb = self.verb.into_iter().flat_map(Command::get_arguments);
        of_verb
            .chain(self.command.get_arguments())
            .filter(|arg| arg.get_long().is_some() && !arg.is_hide_set())
    }

    fn flags(&self) -> Vec<Candidate> {
        let flag = |arg: &Arg| Some(Candidate { word: format!("--{}", arg.get_long()?), about: about(arg) });
        self.options().filter_map(flag).collect()
    }

    fn words(&self, environment: &Environment) -> Vec<Candidate> {
        let Some(verb) = self.verb else {
            let verbs = self.command.get_subcommands().filter(|verb| !verb.is_hide_set());
            return verbs
                .map(|verb| Candidate {
                    word: verb.get_name().to_owned(),
                    about: verb.get_about().map(ToString::to_string).unwrap_or_default(),
                })
                .collect();
        };
        positional(verb, self.values).map(|argument| self.values(argument, environment)).unwrap_or_default()
    }

    fn values(&self, argument: &Arg, environment: &Environment) -> Vec<Candidate> {
        let possible = argument.get_possible_values();
        if !possible.is_empty() {
            let value = |value: &clap::builder::PossibleValue| Candidate {
                word: value.get_name().to_owned(),
                about: value.get_help().map(ToString::to_string).unwrap_or_default(),
            };
            return possible.iter().filter(|value| !value.is_hide_set()).map(value).collect();
        }
        let of_contract =
            || self.contract.as_ref().map(|contract| nodes(contract, environment)).unwrap_or_default();
        match argument.get_id().as_str() {
            "contract" | "paths" => contracts(environment),
            "only" | "until" => of_contract(),
            "what" if self.contract.is_some() => of_contract(),
            "what" => {
                let code = |(code, title): &(crate::diag::Code, &str)| Candidate {
                    word: code.to_string(),
                    about: title.trim().to_owned(),
                };
                codes::ALL.iter().map(code).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The argument that the next word without an option is for; the last one can take several.
fn positional(verb: &Command, at: usize) -> Option<&Arg> {
    let last = verb.get_positionals().last().filter(|last| {
        last.get_num_args().is_some_and(|range| range.max_values() > 1)
            || matches!(last.get_action(), clap::ArgAction::Append)
    });
    verb.get_positionals().nth(at).or(last)
}

fn about(argument: &Arg) -> String {
    argument.get_help().map(ToString::to_string).unwrap_or_default()
}
