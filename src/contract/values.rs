//! Durations, versions and other small values.

use std::time::Duration;

use super::keys::VERSION;
use super::reader::Reader;
use crate::base::text::parse_duration;
use crate::diag::{Diagnostic, codes};
use crate::yaml::{NodeRef, Shape};

/// What numbers without a unit count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Millis,
}

/// Whether nothing at all is a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zero {
    Allowed,
    Refused,
}

/// A duration under `key` or under `key` with `_ms`. Both at once is an error: C6 of the requirements.
pub(super) fn duration_in(
    reader: &mut Reader<'_>,
    mapping: NodeRef,
    key: &str,
    zero: Zero,
) -> Option<Duration> {
    let (plain, millis) = (reader.tree.value(mapping, key), reader.tree.value_with(mapping, (key, "_ms")));
    if plain.is_none() && millis.is_none() {
        return None;
    }
    let in_millis = format!("{key}_ms");
    if let (Some(plain), Some(millis)) = (plain, millis) {
        reader.push(
            Diagnostic::error(
                codes::CONFLICTING_KEYS,
                format!("`{key}` and `{in_millis}` say the same thing twice"),
            )
            .at(reader.tree.span(millis), "milliseconds here")
            .at(reader.tree.span(plain), "seconds here")
            .help("keep one of them"),
        );
        return None;
    }
    match (plain, millis) {
        (Some(node), _) => duration(reader, node, (&format!("`{key}`"), Unit::Seconds, zero)),
        (None, Some(node)) => duration(reader, node, (&format!("`{in_millis}`"), Unit::Millis, zero)),
        (None, None) => None,
    }
}

/// One duration: a number, or text with units such as `30s`, `1m30s`, `250ms`.
pub(super) fn duration(
    reader: &mut Reader<'_>,
    node: NodeRef,
    (what, unit, zero): (&str, Unit, Zero),
) -> Option<Duration> {
    let bad = |reader: &mut Reader<'_>, label: String| {
        let text = reader.tree.scalar(node).unwrap_or("this").to_owned();
        let example = match unit {
            Unit::Seconds => "write seconds as a number, or text such as `30s`, `2m`, `500ms`, `1h`",
            Unit::Millis => "keys that end in `_ms` take whole milliseconds, such as `30000`",
        };
        reader.push(
            Diagnostic::error(codes::BAD_DURATION, format!("{what} cannot be `{text}`"))
                .at(reader.tree.span(node), label)
                .help(example),
        );
        None
    };
    let parsed = match (reader.tree.shape(node), unit) {
        (Shape::Int(n), Unit::Millis) => u64::try_from(n).ok().map(Duration::from_millis),
        (Shape::Int(n), Unit::Seconds) => u64::try_from(n).ok().map(Duration::from_secs),
        (Shape::Float(n), Unit::Seconds) => Duration::try_from_secs_f64(n).ok(),
        (Shape::Text(text), Unit::Seconds) => parse_duration(text),
        (Shape::Sequence(_) | Shape::Mapping(_) | Shape::Null | Shape::Bool(_), _) => {
            reader.wrong_type(node, what, "a duration");
            return None;
        }
        _ => None,
    };
    match parsed {
        None if is_negative(reader.tree.shape(node)) => bad(reader, "must not be negative".to_owned()),
        None => bad(reader, "not a duration".to_owned()),
        Some(Duration::ZERO) if zero == Zero::Refused => {
            bad(reader, "must be longer than nothing".to_owned())
        }
        // A century is for ever; more would overflow the clocks.
        Some(duration) if duration > Duration::from_secs(100 * 365 * 24 * 3600) => {
            bad(reader, "longer than a century".to_owned())
        }
        Some(duration) => Some(duration),
    }
}

fn is_negative(shape: Shape<'_>) -> bool {
    match shape {
        Shape::Int(n) => n < 0,
        Shape::Float(n) => n < 0.0,
        _ => false,
    }
}

/// A number of bytes: a whole number, or text with a unit such as `512MB`, `8GB`, `64KiB`. Units count in 1024s, as
/// memory does.
pub(super) fn size(reader: &mut Reader<'_>, node: NodeRef, what: &str) -> Option<u64> {
    let parsed = match reader.tree.shape(node) {
        Shape::Int(n) => u64::try_from(n).ok(),
        Shape::Text(text) => parse_size(text),
        _ => {
            reader.wrong_type(node, what, "a size");
            return None;
        }
    };
    let parsed = parsed.filter(|&bytes| bytes > 0);
    if parsed.is_none() {
        let text = reader.tree.scalar(node).unwrap_or("this").to_owned();
        reader.push(
            Diagnostic::error(codes::BAD_VALUE, format!("{what} cannot be `{text}`"))
                .at(reader.tree.span(node), "a number of bytes, or a size such as `512MB`, `8GB`"),
        );
    }
    parsed
}

fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().ok()?;
    let shift = match text[digits..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    number.checked_mul(1 << shift)
}

/// What a version is as text: up to three numbers, and what comes after `-` or `+`. It may begin with a `v`.
pub(super) const VERSION_PATTERN: &str = r"^[vV]?[0-9]+(\.[0-9]+){0,2}([-+][0-9A-Za-z.+_-]+)?$";

fn is_version(text: &str) -> bool {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let (numbers, rest) = text.split_at(text.find(['-', '+']).unwrap_or(text.len()));
    let parts: Vec<&str> = numbers.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let word = |c: u8| c.is_ascii_alphanumeric() || b".+_-".contains(&c);
    parts.len() <= 3
        && parts.iter().all(is_number)
        && rest.get(1..).is_none_or(|rest| !rest.is_empty() && rest.bytes().all(word))
}

/// A version: text, a number, or `{major, minor, patch}`.
pub(super) fn version(reader: &mut Reader<'_>, node: NodeRef) -> Option<String> {
    let shape = reader.tree.shape(node);
    if !matches!(shape, Shape::Mapping(_)) {
        if let Shape::Bool(_) = shape {
            reader.wrong_type(node, "a version", "text, or `{major, minor, patch}`");
            return None;
        }
        let text = reader.text(node, "a version")?;
        let counts = match shape {
            Shape::Text(text) => is_version(text),
            shape => !is_negative(shape),
        };
        if !counts {
            reader.push(
                Diagnostic::error(
                    codes::BAD_VALUE,
                    format!("`{}` is no version", crate::base::text::clip(text, 40)),
                )
                .at(reader.tree.span(node), "not up to three numbers with dots between them")
                .help("write `1.0.0`, or `{major: 1, minor: 0, patch: 0}`"),
            );
            return None;
        }
        return Some(text.to_owned());
    }
    reader.check_keys(node, &VERSION);
    let mut parts = ["major", "minor", "patch"].map(|key| {
        reader.tree.value(node, key).map_or(Some(0), |part| reader.count(part, "a part of a version", 0))
    });
    Some(format!("{}.{}.{}", parts[0].take()?, parts[1].take()?, parts[2].take()?))
}
