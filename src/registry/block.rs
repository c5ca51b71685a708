//! Metadata blocks: YAML in the comments of a file, between `=== OmniNode:Metadata ===` and
//! `=== /OmniNode:Metadata ===`.
//!
//! A block is made into a text of its own in which everything around it, and every mark of a comment, is blank. So
//! every byte stays where it is, and what is said about the YAML is said of the file's own lines and columns.

use std::ops::Range;
use std::path::Path;

use memchr::memmem;

/// What the first line of a block says.
pub const FIRST_LINE: &str = "=== OmniNode:Metadata ===";

/// What its last line says.
pub const LAST_LINE: &str = "=== /OmniNode:Metadata ===";

/// A block begins within so many bytes: more of a file is not searched, so that looking through a project is cheap.
pub const SEARCHED: usize = 64 * 1024;

/// Endings of texts for people. There only comments of HTML count, because `#` is a heading and code is quoted; and
/// what they declare is never run.
const DOCUMENTS: [&str; 14] = [
    "md", "markdown", "mdx", "html", "htm", "xhtml", "xml", "svg", "txt", "rst", "adoc", "tex", "org", "csv",
];

/// Endings of documents in which a block stands in comments of HTML.
const MARKUP: [&str; 8] = ["md", "markdown", "mdx", "html", "htm", "xhtml", "xml", "svg"];

/// What was found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A block.
    Block(Block),
    /// The first line of a block that has no end.
    Unended {
        /// The first line.
        first: Range<usize>,
        /// Where the comment ends without it; nothing where the file ends.
        broken: Option<Range<usize>>,
    },
}

/// A metadata block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The first line.
    pub first: Range<usize>,
    /// The YAML at the place where it stands in the file; all before it is blank.
    pub yaml: String,
    /// The first line of one more block, which does not count.
    pub second: Option<Range<usize>>,
}

/// Whether a file is a text for people.
#[must_use]
pub fn is_document(path: &Path) -> bool {
    has_ending(path, &DOCUMENTS)
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| endings.iter().any(|known| known.eq_ignore_ascii_case(ending)))
}

/// How the comment is written in which a block stands.
enum Style<'t> {
    /// Every line begins with a mark.
    Lines(&'t str),
    /// The comment ends with a mark, and not before the block does.
    Region(&'static str),
    /// The comment ended in its first line: the lines of the block are bare, or comments of their own.
    Closed,
}

/// The block of a file; its name says what comments look like.
#[must_use]
pub fn find(text: &str, path: &Path) -> Option<Found> {
    let finder = memmem::Finder::new(FIRST_LINE);
    let head = &text.as_bytes()[..text.len().min(SEARCHED + FIRST_LINE.len())];
    let markup = has_ending(path, &MARKUP);
    let mut firsts = finder.find_iter(head).filter_map(|at| {
        let line = line_around(text, at);
        style(text, &line, at, markup).map(|style| (line, style))
    });
    let (first, style) = firsts.next()?;
    match inside(text, first.end, &style) {
        Ok((yaml, end)) => {
            let second = firsts.map(|(line, _)| line).find(|line| line.start >= end);
            Some(Found::Block(Block { first, yaml, second }))
        }
        Err(broken) => Some(Found::Unended { first, broken }),
    }
}

/// The line that a byte is in, without its end.
fn line_around(text: &str, at: usize) -> Range<usize> {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    start..end - usize::from(text[start..end].ends_with('\r'))
}

/// What kind of comment the first line of a block stands in; nothing where it is no such line.
fn style<'t>(text: &'t str, line: &Range<usize>, at: usize, markup: bool) -> Option<Style<'t>> {
    let before = text[line.start..at].trim_start_matches('\u{feff}').trim();
    let after = text[at + FIRST_LINE.len()..line.end].trim();
    let consists_of = |mark: char| !before.is_empty() && before.chars().all(|c| c == mark);
    let line_comment = consists_of('#') || before == "--" || consists_of(';') || consists_of('%');
    if !markup && after.is_empty() && (line_comment || matches!(before, "//" | "///" | "//!")) {
        return Some(Style::Lines(before));
    }
    let end = match before {
        "<!--" => "-->",
        "/*" | "/**" if !markup => "*/",
        "\"\"\"" | "r\"\"\"" if !markup => "\"\"\"",
        "'''" | "r'''" if !markup => "'''",
        "" | "*" => open_comment(&text[..line.start], markup)?,
        _ => return None,
    };
    match after {
        "" => Some(Style::Region(end)),
        closed if closed == end && before != "" => Some(Style::Closed),
        _ => None,
    }
}

/// The end of the comment that is still open after a text.
fn open_comment(before: &str, markup: bool) -> Option<&'static str> {
    let is_open = |start: &str, end: &str| match (before.rfind(start), before.rfind(end)) {
        (Some(opened), Some(closed)) => closed < opened,
        (opened, None) => opened.is_some(),
        (None, Some(_)) => false,
    };
    if is_open("<!--", "-->") {
        return Some("-->");
    }
    if markup {
        return None;
    }
    if is_open("/*", "*/") {
        return Some("*/");
    }
    ["\"\"\"", "'''"].into_iter().find(|quotes| before.matches(quotes).count() % 2 == 1)
}

/// The YAML between the first line and the last, and where the block ends; or where the comment ends without it.
fn inside(text: &str, from: usize, style: &Style<'_>) -> Result<(String, usize), Option<Range<usize>>> {
    let mut yaml: Vec<u8> =
        text.as_bytes()[..from].iter().map(|&byte| if byte == b'\n' { byte } else { b' ' }).collect();
    let mut starred = None;
    let mut at = from;
    for line in text[from..].split_inclusive('\n') {
        let start = at;
        at += line.len();
        let content = line.trim_end_matches(['\n', '\r']);
        if is_last_line(content) {
            return String::from_utf8(yaml).map(|yaml| (yaml, at)).map_err(|_| None);
        }
        let trimmed = content.trim();
        let indent = content.len() - content.trim_start().len();
        let here = start..start + content.len();
        let (skipped, kept) = match style {
            _ if trimmed.is_empty() => (0, content.len()),
            Style::Lines(mark) if trimmed.starts_with(mark) => (indent + mark.len(), content.len()),
            Style::Lines(_) => return Err(Some(here)),
            Style::Region(end) if content.contains(end) => return Err(Some(here)),
            Style::Region(_) => {
                let stars = *starred.get_or_insert_with(|| trimmed == "*" || trimmed.starts_with("* "));
                (if stars && trimmed.starts_with('*') { indent + 1 } else { 0 }, content.len())
            }
            Style::Closed => {
                let opening = ["<!--", "/*"].into_iter().find(|mark| trimmed.starts_with(mark));
                let closing =
                    ["-->", "*/"].into_iter().find(|mark| opening.is_some() && trimmed.ends_with(mark));
                let kept = closing.map_or(content.len(), |mark| content.trim_end().len() - mark.len());
                (opening.map_or(0, |mark| indent + mark.len()), kept)
            }
        };
        yaml.extend(std::iter::repeat_n(b' ', skipped));
        yaml.extend_from_slice(&line.as_bytes()[skipped..kept.max(skipped)]);
        yaml.extend(std::iter::repeat_n(b' ', content.len() - kept.max(skipped)));
        yaml.extend_from_slice(&line.as_bytes()[content.len()..]);
    }
    Err(None)
}

/// Whether a line is the last of a block: the words, and around them nothing but marks of comments.
fn is_last_line(line: &str) -> bool {
    let Some(at) = line.find(LAST_LINE) else { return false };
    let marks = |text: &str| {
        text.chars().all(|c| matches!(c, '#' | '/' | '-' | ';' | '%' | '*' | '<' | '!' | '>' | ' ' | '\t'))
    };
    marks(&line[..at]) && marks(line[at + LAST_LINE.len()..].trim_end_matches(['"', '\'']))
}
