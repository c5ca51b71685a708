//! Text for people: widths in terminal cells, durations, suggestions, and the removal of control sequences.

use std::borrow::Cow;
use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The number of terminal cells that `text` takes.
#[must_use]
pub fn cells(text: &str) -> usize {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.len();
    }
    text.width()
}

/// The start of `text` that fits `limit` cells, with `…` as its last cell where something was cut.
#[must_use]
pub fn clip(text: &str, limit: usize) -> Cow<'_, str> {
    if cells(text) <= limit {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let width = c.width().unwrap_or(0);
        if used + width + 1 > limit {
            break;
        }
        used += width;
        end = at + c.len_utf8();
    }
    Cow::Owned(format!("{}…", &text[..end]))
}

/// `text` in pieces of at most `width` cells each; at least one piece.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, c) in text.char_indices() {
        let cells = c.width().unwrap_or(0);
        if used + cells > width && at > start {
            pieces.push(&text[start..at]);
            (start, used) = (at, 0);
        }
        used += cells;
    }
    pieces.push(&text[start..]);
    pieces
}

/// `text` in lines of at most `width` cells, broken between words where that can be; at least one line.
#[must_use]
pub fn wrap_words(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        for (at, piece) in wrap(word, width).into_iter().enumerate() {
            let last = lines.len() - 1;
            let used = cells(&lines[last]);
            let space = usize::from(used > 0);
            if at == 0 && used + space + cells(piece) <= width {
                lines[last].push_str(&" "[..space]);
                lines[last].push_str(piece);
            } else if used == 0 {
                lines[last].push_str(piece);
            } else {
                lines.push(piece.to_owned());
            }
        }
    }
    lines
}

/// `text` filled with spaces to `width` cells.
#[must_use]
pub fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(cells(text))))
}

/// A duration as people read it: `0.41s`, `12.3s`, `4m05s`, `2h07m`.
#[must_use]
pub fn duration(duration: Duration) -> String {
    let secs = duration.as_secs();
    match secs {
        0..10 => format!("{:.2}s", duration.as_secs_f64()),
        10..60 => format!("{:.1}s", duration.as_secs_f64()),
        60..3600 => format!("{}m{:02}s", secs / 60, secs % 60),
        _ => format!("{}h{:02}m", secs / 3600, secs % 3600 / 60),
    }
}

/// `1 node`, `2 nodes`.
#[must_use]
pub fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// The candidate nearest to `word`, if it is near enough to be what was meant: at most two edits, in short words one,
/// and in a single letter none.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    let most = match length {
        0..=1 => 0,
        2..=4 => 1,
        _ => 2,
    };
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= 2 * 4)
        .map(|candidate| (strsim::osa_distance(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| distance <= most && candidate != word)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// `text` without terminal control sequences and control characters; tabs become spaces.
///
/// What a child prints is untrusted: it must not move the cursor, change the title or colour what follows.
#[must_use]
pub fn without_controls(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    without_sequences(text, |c| match c {
        '\t' => clean.push_str("    "),
        c if is_unsafe(c) => {}
        c => clean.push(c),
    });
    Cow::Owned(clean)
}

/// `text` without terminal control sequences, and with `\u{fffd}` for each character that XML 1.0 does not allow.
#[must_use]
pub fn for_xml(text: &str) -> Cow<'_, str> {
    let is_allowed = |c: char| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.chars().all(|c| is_allowed(c) && c != '\u{9b}') {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    without_sequences(text, |c| clean.push(if is_allowed(c) { c } else { char::REPLACEMENT_CHARACTER }));
    Cow::Owned(clean)
}

/// Gives every character that is no part of a terminal control sequence.
fn without_sequences(text: &str, mut keep: impl FnMut(char)) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                // A control sequence ends at its first final byte.
                Some('[') => while chars.next().is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c)) {},
                // Operating-system commands and their kin end at BEL or at the string terminator.
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    while let Some(c) = chars.next() {
                        if c == '\u{7}'
                            || c == '\u{9c}'
                            || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some())
                        {
                            break;
                        }
                    }
                }
                // A two-character escape may have one intermediate byte, as in `ESC ( B`.
                Some('\u{20}'..='\u{2f}') => _ = chars.next(),
                _ => {}
            },
            '\u{9b}' => while chars.next().is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c)) {},
            c => keep(c),
        }
    }
}

fn is_unsafe(c: char) -> bool {
    // Bidirectional overrides can make a line read as something that it is not.
    (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_in_cells_not_characters() {
        assert_eq!(clip("abc", 3), "abc");
        assert_eq!(clip("abcd", 3), "ab…");
        assert_eq!(clip("日本語", 6), "日本語");
        assert_eq!(clip("日本語", 5), "日本…");
        assert_eq!(clip("日本語", 4), "日…");
        assert_eq!(pad("日", 4), "日  ");
        assert_eq!(wrap("日本語x", 5), ["日本", "語x"]);
        assert_eq!(wrap("abcdef", 3), ["abc", "def"]);
        assert_eq!(wrap("", 3), [""]);
        assert_eq!(wrap_words("aa bb  cc d", 5), ["aa bb", "cc d"]);
        assert_eq!(wrap_words("a abcdefg h", 3), ["a", "abc", "def", "g h"]);
        assert_eq!(wrap_words(" ", 3), [""]);
    }

    #[test]
    fn durations_read_well() {
        let show = |ms| duration(Duration::from_millis(ms));
        assert_eq!([show(0), show(412), show(12_345)], ["0.00s", "0.41s", "12.3s"]);
        assert_eq!([show(245_000), show(7_620_000)], ["4m05s", "2h07m"]);
    }

    #[test]
    fn suggests_only_what_is_near() {
        let names = ["lint", "test", "package"];
        assert_eq!(nearest("lnt", names), Some("lint"));
        assert_eq!(nearest("Lint", names), Some("lint"));
        assert_eq!(nearest("pacakge", names), Some("package"));
        assert_eq!(nearest("deploy", names), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("tags", ["stages"]), None);
        assert_eq!(nearest("rn", ["run"]), Some("run"));
    }

    #[test]
    fn control_sequences_do_not_pass() {
        let hostile = "\u{1b}[31mred\u{1b}[0m \u{1b}]0;title\u{7}a\u{1b}]8;;http://x\u{1b}\\b\rc\u{1b}(Bd\u{9b}2Je\u{202e}f\tg\n";
        assert_eq!(without_controls(hostile), "red abcdef    g\n");
        assert!(matches!(without_controls("plain ✅ text\n"), Cow::Borrowed(_)));
        assert_eq!(without_controls("\u{1b}["), "");
        assert_eq!(without_controls("\u{1b}]never ends"), "");
    }

    #[test]
    fn what_xml_forbids_is_replaced() {
        assert_eq!(
            for_xml("a\u{1b}[31mb\u{0}c\td\r\n\u{b}\u{fffe}\u{85}😀"),
            "ab\u{fffd}c\td\r\n\u{fffd}\u{fffd}\u{85}😀"
        );
        assert!(matches!(for_xml("plain ✅\t\r\n"), Cow::Borrowed(_)));
    }
}
