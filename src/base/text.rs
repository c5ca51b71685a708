//! Text for people: widths in terminal cells, durations, suggestions, and the removal of control sequences.

use std::borrow::Cow;
use std::path::Path;
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

/// A path as text. Bytes that are no text are spelt out, such as `caf\\xE9`.
#[must_use]
pub fn path(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02X}")));
    }
    text
}

/// A word that a shell reads as it is.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '=' | ',' | '+' | ':' | '@')
    };
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// `text` in at most `limit` bytes, with `…` in the place of its middle where something was cut.
#[must_use]
pub fn without_middle(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let half = limit.saturating_sub('…'.len_utf8()) / 2;
    let end = text.floor_char_boundary(half);
    let start = text.ceil_char_boundary(text.len() - half);
    format!("{}…{}", &text[..end], &text[start..])
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

/// Text with units, largest first or in any order: `1h`, `1m30s`, `1.5s`, `250ms`; a number alone is seconds.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    if let Ok(seconds) = rest.parse::<f64>() {
        // `-0` is a number, and no time.
        if seconds.is_sign_negative() {
            return None;
        }
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit =
            rest[digits..].find(|c: char| c.is_ascii_digit() || c == ' ').unwrap_or(rest.len() - digits);
        let seconds = match &rest[digits..digits + unit] {
            "ms" => 0.001,
            "s" | "sec" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = rest[digits + unit..].trim_start();
    }
    Some(total)
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
    // Each character more or less is an edit, and so is each that only one of them has: most candidates are told apart
    // by that.
    let letters = |text: &str| {
        let bits = text.chars().flat_map(char::to_lowercase).map(|c| 1u64 << (u32::from(c) % 64));
        bits.fold(0, |letters, bit| letters | bit)
    };
    let own = letters(word);
    let differ = |theirs: u64| (own & !theirs).count_ones().max((theirs & !own).count_ones()) as usize;
    let near = |candidate: &&str| {
        candidate.chars().count().abs_diff(length) <= most && differ(letters(candidate)) <= most
    };
    let lowercase = word.to_lowercase();
    candidates
        .into_iter()
        .filter(near)
        .map(|candidate| (edits(&lowercase, &candidate.to_lowercase()), candidate))
        .filter(|&(distance, candidate)| distance <= most && candidate != word)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// The edits between two texts. What both begin and end with costs nothing: long texts that are near are mostly equal.
fn edits(a: &str, b: &str) -> usize {
    let equal = |(a, b): &(char, char)| a == b;
    let start: usize = a.chars().zip(b.chars()).take_while(equal).map(|(c, _)| c.len_utf8()).sum();
    let (a, b) = (&a[start..], &b[start..]);
    let end: usize = a.chars().rev().zip(b.chars().rev()).take_while(equal).map(|(c, _)| c.len_utf8()).sum();
    strsim::osa_distance(&a[..a.len() - end], &b[..b.len() - end])
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

/// `text` in which all that a terminal obeys, and all that cannot be seen, is spelt out: `<U+001B>`. Line breaks and
/// tabs stay.
///
/// What a contract says is untrusted, and what is wrong with it can be a character that nobody sees.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    text.chars().for_each(|c| push_visible(c, &mut shown));
    Cow::Owned(shown)
}

/// Adds a character, or its number where it cannot be seen.
pub fn push_visible(c: char, shown: &mut String) {
    if is_invisible(c) {
        shown.push_str(&format!("<U+{:04X}>", u32::from(c)));
    } else {
        shown.push(c);
    }
}

/// Whether a character changes what is shown, or shows nothing. Joiners are left in peace: emoji and whole scripts need
/// them.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    match c {
        '\n' | '\t' | ' '..='~' => false,
        // Soft hyphen, fillers, zero width, marks of direction, line and paragraph ends, invisible operators.
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}' | '\u{200e}'
        | '\u{200f}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' => true,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => true,
        c => c.is_control(),
    }
}

/// Whether a terminal would obey a character, or a reader be misled by it.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
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
        assert_eq!(nearest("schéma", ["schema", "SCHÉMAS"]), Some("schema"));
        assert_eq!(
            (edits("aab", "aba"), edits("aaa", "a"), edits("xaay", "xay"), edits("", "é")),
            (1, 2, 1, 1)
        );
    }

    #[test]
    fn what_cannot_be_seen_is_spelt_out() {
        assert_eq!(
            visible("\u{1b}[31m\ta\u{200b}b\n\u{202e}\u{9b}\r\0"),
            "<U+001B>[31m\ta<U+200B>b\n<U+202E><U+009B><U+000D><U+0000>"
        );
        assert!(matches!(visible("plain ✅ 👩\u{200d}💻 日本 text\n"), Cow::Borrowed(_)));
        assert_eq!(without_middle("abcdefghij", 7), "ab…ij");
        assert_eq!(without_middle("üüüüüüü", 9), "ü…ü");
        assert_eq!(without_middle("abc", 3), "abc");
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
