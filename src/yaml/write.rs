//! Values to YAML text: block style, readable by every YAML reader, with an anchor and aliases for what repeats.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::{Map, Number, Value};

use crate::base::text::is_invisible;

/// From this length on, a text that repeats is written once.
const LONG_TEXT: usize = 40;

/// A key that is longer than this is not known for one before its end: it needs a mark in front.
const LONGEST_KEY: usize = 1000;

/// The longest name of an anchor.
const LONGEST_NAME: usize = 40;

/// A value has no YAML form.
#[derive(Debug, thiserror::Error)]
#[error("cannot be written as YAML: {0}")]
pub struct WriteError(String);

/// `value` as one YAML document. A mapping or list of two entries and more, or a long text, that stands there more
/// than once is an anchor the first time and an alias from then on.
///
/// # Errors
///
/// If the value cannot be serialised.
pub fn to_text<T: Serialize>(value: &T) -> Result<String, WriteError> {
    let value = serde_json::to_value(value).map_err(|error| WriteError(error.to_string()))?;
    let mut seen = HashMap::new();
    count(&value, &mut seen);
    let repeated = seen.into_iter().filter(|&(_, times)| times > 1).map(|(value, _)| (value, None)).collect();
    let mut writer = Writer { text: String::new(), repeated, names: HashSet::new() };
    writer.value(&value, Place { depth: 0, key: "value", in_list: false })?;
    Ok(writer.text)
}

fn can_be_shared(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.len() >= LONG_TEXT,
        Value::Array(items) => items.len() >= 2,
        Value::Object(entries) => entries.len() >= 2,
    }
}

/// Counts what can be shared, but not again what is inside of it: an alias stands for all of that.
fn count<'v>(value: &'v Value, seen: &mut HashMap<&'v Value, usize>) {
    if can_be_shared(value) {
        let times = seen.entry(value).or_default();
        *times += 1;
        if *times > 1 {
            return;
        }
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| count(item, seen)),
        Value::Object(entries) => entries.values().for_each(|value| count(value, seen)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Place<'k> {
    depth: usize,
    /// The nearest key above it: it names the anchor.
    key: &'k str,
    /// Whether it follows the dash of a list.
    in_list: bool,
}

struct Writer<'v> {
    text: String,
    /// What repeats, with its anchor once that is written.
    repeated: HashMap<&'v Value, Option<String>>,
    names: HashSet<String>,
}

impl<'v> Writer<'v> {
    /// Writes a value after `key:` or `-`, with the line break at its end.
    fn value(&mut self, value: &'v Value, place: Place<'_>) -> Result<(), WriteError> {
        let mut anchored = false;
        match self.repeated.get(value) {
            Some(Some(name)) => {
                self.text.push_str(" *");
                self.text.push_str(name);
                self.text.push('\n');
                return Ok(());
            }
            Some(None) => {
                let name = self.fresh_name(place.key);
                self.text.push_str(" &");
                self.text.push_str(&name);
                self.repeated.insert(value, Some(name));
                anchored = true;
            }
            None => {}
        }
        match value {
            Value::Null => self.word("null"),
            Value::Bool(value) => self.word(if *value { "true" } else { "false" }),
            Value::Number(number) => self.word(&number_text(number)),
            Value::String(text) => self.string(text, place.depth)?,
            Value::Array(items) if items.is_empty() => self.word("[]"),
            Value::Object(entries) if entries.is_empty() => self.word("{}"),
            Value::Array(items) => self.list(items, place, anchored)?,
            Value::Object(entries) => self.mapping(entries, place, anchored)?,
        }
        Ok(())
    }

    fn list(&mut self, items: &'v [Value], place: Place<'_>, anchored: bool) -> Result<(), WriteError> {
        let mut on_this_line = place.in_list && !anchored;
        if !on_this_line {
            self.line_break();
        }
        for item in items {
            self.start_line(place.depth, &mut on_this_line);
            self.text.push('-');
            self.value(item, Place { depth: place.depth + 1, key: place.key, in_list: true })?;
        }
        Ok(())
    }

    fn mapping(
        &mut self,
        entries: &'v Map<String, Value>,
        place: Place<'_>,
        anchored: bool,
    ) -> Result<(), WriteError> {
        let mut on_this_line = place.in_list && !anchored;
        if !on_this_line {
            self.line_break();
        }
        for (key, value) in entries {
            self.start_line(place.depth, &mut on_this_line);
            let written = one_line(key)?;
            if written.len() > LONGEST_KEY {
                self.text.push_str("? ");
            }
            self.text.push_str(&written);
            if written.len() > LONGEST_KEY {
                self.text.push('\n');
                self.text.extend(std::iter::repeat_n("  ", place.depth));
            }
            self.text.push(':');
            self.value(value, Place { depth: place.depth + 1, key, in_list: false })?;
        }
        Ok(())
    }

    /// A collection begins below its key; a document begins in its first line.
    fn line_break(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    fn start_line(&mut self, depth: usize, on_this_line: &mut bool) {
        if std::mem::take(on_this_line) {
            self.text.push(' ');
        } else {
            self.text.extend(std::iter::repeat_n("  ", depth));
        }
    }

    fn word(&mut self, word: &str) {
        self.space();
        self.text.push_str(word);
        self.text.push('\n');
    }

    fn space(&mut self) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
    }

    fn string(&mut self, text: &str, depth: usize) -> Result<(), WriteError> {
        if depth == 0 || !fits_a_block(text) {
            self.word(&one_line(text)?);
            return Ok(());
        }
        self.space();
        self.text.push_str(if text.ends_with('\n') { "|\n" } else { "|-\n" });
        for line in text.lines() {
            if !line.is_empty() {
                self.text.extend(std::iter::repeat_n("  ", depth));
                self.text.push_str(line);
            }
            self.text.push('\n');
        }
        Ok(())
    }

    /// A name that no anchor has yet.
    fn fresh_name(&mut self, key: &str) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        let mut name: String = key.chars().take(LONGEST_NAME).map(plain).collect();
        if name.is_empty() {
            "value".clone_into(&mut name);
        }
        let stem = name.clone();
        let mut nth = 1;
        while !self.names.insert(name.clone()) {
            nth += 1;
            name = format!("{stem}-{nth}");
        }
        name
    }
}

/// Whether a text can be written as a literal block that every reader reads back: lines that are visible, the first of
/// them not indented, and at most one line break at the end.
fn fits_a_block(text: &str) -> bool {
    text.contains('\n')
        && !text.ends_with("\n\n")
        && text.starts_with(|c: char| !c.is_whitespace())
        && text.chars().all(|c| c == '\n' || c == '\t' || is_visible(c))
        // Readers differ about tabs where an indentation could be, and about lines of spaces only.
        && text.lines().all(|line| line.is_empty() || !line.trim_start().is_empty() && !line.starts_with('\t'))
}

fn is_visible(c: char) -> bool {
    !is_invisible(c) && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// A text in one line: plain where no reader takes it for anything but text, else quoted.
fn one_line(text: &str) -> Result<String, WriteError> {
    if is_plain(text) {
        return Ok(text.to_owned());
    }
    if !text.chars().all(is_visible) {
        return Ok(escaped(text));
    }
    let options = serde_yaml::ser_options! { quote_all: true, prefer_block_scalars: false };
    let mut quoted = String::new();
    serde_yaml::to_fmt_writer_with_options(&mut quoted, &text, options)
        .map_err(|error| WriteError(error.to_string()))?;
    quoted.truncate(quoted.trim_end_matches('\n').len());
    Ok(quoted)
}

/// A text in double quotes, in which all that cannot be seen is escaped.
fn escaped(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if is_visible(c) => quoted.push(c),
            c if u32::from(c) <= 0xffff => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// Words that some reader takes for something else, in any spelling.
const RESERVED: [&str; 11] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];

/// Whether a text is the same text for every reader without quotes. It begins with a letter, so it is no number and no
/// date.
fn is_plain(text: &str) -> bool {
    let inside = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '_' | '-' | '.' | '/' | '+' | '@' | ',' | ';' | '(' | ')' | ' ')
    };
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text.chars().all(inside)
        && !RESERVED.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// A number as every reader reads it: those of YAML 1.1 want a point and a sign before the exponent.
fn number_text(number: &Number) -> String {
    let text = number.to_string();
    match text.split_once(['e', 'E']) {
        None => text,
        Some((mantissa, exponent)) => {
            let point = if mantissa.contains('.') { "" } else { ".0" };
            let sign = if exponent.starts_with(['+', '-']) { "" } else { "+" };
            format!("{mantissa}{point}e{sign}{exponent}")
        }
    }
}
