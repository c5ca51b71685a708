//! Reads TOML into settings, and says all that is wrong with it.

use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::keys::{self, Form, Key, Section};
use super::{Name, Settings, Value};
use crate::base::text::{nearest, parse_duration};
use crate::diag::{Diagnostic, Findings, SourceId, Span, codes, sort_by_position};
use crate::model::component::{FilterKey, STAGES};

/// A century is for ever; more would overflow the clocks.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The settings that a text holds, and what is wrong with it, in the order of the places. What is wrong is not set.
#[must_use]
pub fn read(text: &str, source: SourceId) -> (Settings, Vec<Diagnostic>) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { source, found: Findings::default() };
    let mut settings = Settings::default();
    reader.document(document.get_ref(), &mut settings);
    let mut found = reader.found.into_vec();
    if !errors.is_empty() {
        let mut broken = Findings::default();
        broken.extend(errors.iter().map(|error| syntax(error, source, text)));
        let broken = broken.into_vec();
        let places: Vec<Span> = broken.iter().filter_map(Diagnostic::span).collect();
        let places: Vec<Range<usize>> = places.into_iter().map(|place| spoilt(place, text)).collect();
        // What is made of half a line says nothing about what was meant.
        let is_certain = |at: Span| !places.iter().any(|place| place.contains(&(at.start as usize)));
        found.retain(|finding| finding.span().is_none_or(is_certain));
        found.extend(broken);
    }
    sort_by_position(&mut found);
    (settings, found)
}

fn syntax(error: &toml::de::Error, source: SourceId, text: &str) -> Diagnostic {
    let range = error.span().unwrap_or(text.len()..text.len());
    let (what, wanted) = match error.message().split_once(", expected ") {
        Some((what, wanted)) => (what, format!("expected {wanted}")),
        None => (error.message(), String::new()),
    };
    Diagnostic::error(codes::SETTINGS_SYNTAX, format!("this is not TOML: {what}"))
        .at(span(source, range), wanted)
}

fn span(source: SourceId, range: Range<usize>) -> Span {
    let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { source, start: byte(range.start), end: byte(range.end) }
}

/// The part of a text of which a mistake makes something else: its lines, and after the name of a table, all of it.
fn spoilt(at: Span, text: &str) -> Range<usize> {
    let (start, end) =
        (text.floor_char_boundary(at.start as usize), text.ceil_char_boundary(at.end as usize));
    let start = text[..start].rfind('\n').map_or(0, |end| end + 1);
    let is_header = text[start..].trim_start().starts_with('[');
    let next = text[end..].find(if is_header { "\n[" } else { "\n" });
    start..next.map_or(text.len(), |next| end + next + 1)
}

/// Goes through the tables of one text. Sections of their own read themselves with its methods.
pub(super) struct Reader {
    source: SourceId,
    found: Findings,
}

impl Reader {
    fn document(&mut self, document: &DeTable<'_>, settings: &mut Settings) {
        const TABLES: [&str; 5] = ["run", "node", "stage", "policy", "trust"];
        for (key, value) in document {
            let section = match key.get_ref().as_ref() {
                "run" => Section::Run,
                "node" => Section::Node,
                "stage" => {
                    self.stages(value, settings);
                    continue;
                }
                "policy" => {
                    self.policies(value, settings);
                    continue;
                }
                "trust" => {
                    self.trust(value, settings);
                    continue;
                }
                _ => {
                    self.unknown_key(key, "a settings file has no table", &TABLES);
                    continue;
                }
            };
            self.section(section, value, settings);
        }
    }

    fn stages(&mut self, value: &Spanned<DeValue<'_>>, settings: &mut Settings) {
        let Some(stages) = self.table(value, "`stage`") else { return };
        for (name, value) in stages {
            match STAGES.into_iter().find(|stage| *stage == name.get_ref().as_ref()) {
                Some(stage) => self.section(Section::Stage(stage), value, settings),
                None => self.unknown_key(name, "there is no stage", &STAGES),
            }
        }
    }

    fn section(&mut self, section: Section, value: &Spanned<DeValue<'_>>, settings: &mut Settings) {
        let Some(table) = self.table(value, &format!("`{section}`")) else { return };
        for (name, value) in table {
            let known = section.key(name.get_ref());
            let Some(key) = known else {
                match section.why_not(name.get_ref()) {
                    Some(why) => self.push(
                        Diagnostic::error(
                            codes::UNKNOWN_SETTING,
                            format!("`[{section}]` has no key `{}`: {why}", name.get_ref()),
                        )
                        .at(self.span(name.span()), "would do nothing"),
                    ),
                    None => {
                        let none = format!("`[{section}]` has no key");
                        let known: Vec<&str> = section.keys().map(|key| key.name).collect();
                        self.unknown_key(name, &none, &known);
                    }
                }
                continue;
            };
            if let Some(read) = self.value(key, value) {
                let name = Name { section, key: key.name };
                settings.set(name, read, self.span(value.span()));
            }
        }
        self.check_together(section, settings);
    }

    /// `mode = "sync"` and `jobs = 8` contradict each other, as the options of these names do.
    fn check_together(&mut self, section: Section, settings: &Settings) {
        let mode = settings.get(section, keys::MODE).filter(|mode| mode.word() == Some("sync"));
        let jobs = settings.get(section, keys::JOBS).filter(|jobs| jobs.count().is_some_and(|n| n > 1));
        if let (Some(mode), Some(jobs)) = (mode, jobs) {
            let message = "`mode = \"sync\"` runs one node at a time, which `jobs` contradicts";
            self.push(
                Diagnostic::error(codes::CONFLICTING_SETTINGS, message)
                    .at(jobs.at, "several at a time")
                    .at(mode.at, "one at a time")
                    .help("keep one of them, or use `mode = \"async\"`"),
            );
        }
    }

    fn value(&mut self, key: &Key, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        let what = format!("`{}`", key.name);
        match key.form {
            Form::Flag => self.flag(value, &what).map(Value::Flag),
            Form::Count => self.count(value, &what).map(Value::Count),
            Form::Time => self.time(value, &what).map(Value::Time),
            Form::Word(allowed) => self.word(value, &what, allowed).map(Value::Word),
            Form::AnyOf(by) => self.any_of(value, &what, by).map(|values| Value::AnyOf(by, values)),
        }
    }

    fn any_of(&mut self, value: &Spanned<DeValue<'_>>, what: &str, by: FilterKey) -> Option<Vec<String>> {
        let texts = self.texts(value, what)?;
        let mut values = Vec::with_capacity(texts.len());
        for (text, at) in texts {
            let text = text.trim();
            if text.is_empty() {
                self.bad_value(at, what, text, "names nothing");
            } else if let Some((first, rest)) = text.split_once('|') {
                let help = format!("write a list: `[\"{}\", \"{}\"]`", first.trim(), rest.trim());
                self.push(bad_value(at, what, text, "`|` belongs to `--filter`").help(help));
            } else if let Err(error) = by.check(text) {
                self.push(bad_value(at, what, text, "").help(error.message));
            } else {
                values.push(text.to_owned());
                continue;
            }
            return None;
        }
        Some(values)
    }

    /// The place of a part of the text.
    pub(super) fn span(&self, range: Range<usize>) -> Span {
        span(self.source, range)
    }

    /// Takes a finding in.
    pub(super) fn push(&mut self, finding: Diagnostic) {
        self.found.push(finding);
    }

    /// Says that there is no key of this name; `none` is the message up to the name.
    pub(super) fn unknown_key(&mut self, key: &Spanned<DeString<'_>>, none: &str, known: &[&str]) {
        let meant = nearest(key.get_ref(), known.iter().copied());
        let finding = Diagnostic::error(codes::UNKNOWN_SETTING, format!("{none} `{}`", key.get_ref()))
            .at(self.span(key.span()), "not known");
        self.push(match meant {
            Some(_) => finding.did_you_mean(meant),
            None => finding.help(format!("there is {}", listed(known))),
        });
    }

    /// Says that a value has another type than it should.
    pub(super) fn wrong_type(&mut self, value: &Spanned<DeValue<'_>>, what: &str, expected: &str) {
        let noun = match value.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a number",
            DeValue::Float(_) => "a number with a point",
            DeValue::Boolean(_) => "`true` or `false`",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        let finding = Diagnostic::error(codes::SETTING_TYPE, format!("{what} is {expected}"))
            .at(self.span(value.span()), format!("this is {noun}"));
        self.push(finding);
    }

    fn bad_value(&mut self, at: Span, what: &str, text: &str, why: &str) {
        self.push(bad_value(at, what, text, why));
    }

    /// A table.
    pub(super) fn table<'t, 'd>(
        &mut self,
        value: &'t Spanned<DeValue<'d>>,
        what: &str,
    ) -> Option<&'t DeTable<'d>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(table);
        }
        self.wrong_type(value, what, "a table");
        None
    }

    /// A text.
    pub(super) fn text<'t>(&mut self, value: &'t Spanned<DeValue<'_>>, what: &str) -> Option<&'t str> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(text);
        }
        self.wrong_type(value, what, "text");
        None
    }

    /// One text, or a list of them, each with its place; nothing if one of them is none.
    pub(super) fn texts<'t>(
        &mut self,
        value: &'t Spanned<DeValue<'_>>,
        what: &str,
    ) -> Option<Vec<(&'t str, Span)>> {
        match value.get_ref() {
            DeValue::String(text) => Some(vec![(text, self.span(value.span()))]),
            DeValue::Array(list) => {
                let read = |item| Some((self.text(item, &format!("an item of {what}"))?, item.span()));
                let texts: Vec<_> = list.iter().map(read).collect();
                texts.into_iter().map(|read| read.map(|(text, range)| (text, self.span(range)))).collect()
            }
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Table(_) => {
                self.wrong_type(value, what, "text, or a list of texts");
                None
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, value: &Spanned<DeValue<'_>>, what: &str) -> Option<bool> {
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(*flag);
        }
        self.wrong_type(value, what, "`true` or `false`");
        None
    }

    /// A whole number from 1.
    pub(super) fn count(&mut self, value: &Spanned<DeValue<'_>>, what: &str) -> Option<u32> {
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(value, what, "a whole number");
            return None;
        };
        let read = u32::from_str_radix(number.as_str(), number.radix()).ok().filter(|&count| count > 0);
        if read.is_none() {
            let label = format!("a whole number from 1 to {}", u32::MAX);
            self.bad_value(self.span(value.span()), what, &number.to_string(), &label);
        }
        read
    }

    /// A duration that is longer than nothing.
    pub(super) fn time(&mut self, value: &Spanned<DeValue<'_>>, what: &str) -> Option<Duration> {
        let (shown, read) = match value.get_ref() {
            DeValue::String(text) => (text.to_string(), parse_duration(text)),
            DeValue::Integer(n) => (n.to_string(), parse_seconds(n.as_str(), n.radix())),
            DeValue::Float(n) => (n.to_string(), parse_duration(n.as_str())),
            DeValue::Boolean(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => {
                self.wrong_type(value, what, "a duration");
                return None;
            }
        };
        let why = match read {
            None => "not a duration",
            Some(Duration::ZERO) => "must be longer than nothing",
            Some(time) if time > FOREVER => "longer than a century",
            Some(time) => return Some(time),
        };
        let example = "write seconds as a number, or text such as `\"30s\"`, `\"2m\"`, `\"500ms\"`, `\"1h\"`";
        self.push(bad_value(self.span(value.span()), what, &shown, why).help(example));
        None
    }

    /// One of some words.
    pub(super) fn word(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        what: &str,
        allowed: &'static [&'static str],
    ) -> Option<&'static str> {
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(value, what, &format!("one of {}", listed(allowed)));
            return None;
        };
        let found = allowed.iter().copied().find(|word| word == text);
        if found.is_none() {
            let at = self.span(value.span());
            let finding = bad_value(at, what, text, &format!("one of {}", listed(allowed)));
            let meant = nearest(text, allowed.iter().copied());
            self.push(meant.into_iter().fold(finding, |finding, word| {
                finding.help(format!("did you mean `{word}`?")).fixed_by(at, format!("\"{word}\""))
            }));
        }
        found
    }
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn bad_value(at: Span, what: &str, text: &str, why: &str) -> Diagnostic {
    Diagnostic::error(codes::BAD_SETTING, format!("{what} cannot be `{text}`")).at(at, why)
}

fn parse_seconds(digits: &str, radix: u32) -> Option<Duration> {
    u64::from_str_radix(digits, radix).ok().map(Duration::from_secs)
}
