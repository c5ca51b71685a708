//! Scalars on several lines: what of their lines is content, and what is only how they are set out.

/// A literal or folded scalar.
#[derive(Clone, Debug)]
pub(super) struct BlockText<'s> {
    /// `|` or `>` with what follows it, but for the number.
    pub header: &'s str,
    pub comment: Option<&'s str>,
    /// Whether the header says how far the lines are indented.
    pub numbered: bool,
    /// The lines without their indentation.
    pub lines: Vec<&'s str>,
    /// Whether blank lines at its end are content.
    pub keeps: bool,
}

impl BlockText<'_> {
    /// The header for lines that are indented by two columns.
    pub(super) fn header(&self, at_root: bool) -> String {
        // Below blank lines at the root, a comment would be one more line.
        let number = if self.numbered || (at_root && self.lines.iter().all(|line| line.is_empty())) {
            "2"
        } else {
            ""
        };
        format!("{}{number}{}", &self.header[..1], self.header[1..].replace(|c: char| c.is_ascii_digit(), ""))
    }
}

/// Reads a literal or folded scalar at the beginning of `text`, which stands in a collection at `column`; and its length.
pub(super) fn block<'s>(text: &'s str, column: Option<usize>, value: &str) -> Option<(BlockText<'s>, usize)> {
    let line = text.lines().next().filter(|line| line.starts_with(['|', '>']))?;
    let header = &line[..line.find([' ', '\t']).unwrap_or(line.len())];
    let comment = line.find('#').map(|sharp| line[sharp..].trim_end());
    let digit = header.chars().find_map(|c| c.to_digit(10));
    let keeps = header.contains('+');
    let body = text.get(line.len() + 1..).unwrap_or_default();
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let is_blank = |line: &str| indent(line) == line.len();
    let depth = match digit {
        Some(digit) => column.unwrap_or(0) + digit as usize,
        None => body.lines().find(|line| !is_blank(line)).map_or(0, indent),
    };
    let least = column.map_or(0, |column| column + 1);
    let is_marker =
        |line: &str| column.is_none() && depth == 0 && ["---", "..."].iter().any(|m| line.starts_with(m));
    let has_content = depth >= least && !value.trim_matches('\n').is_empty();
    let mut lines = Vec::new();
    let (mut length, mut kept) = (line.len(), (0, line.len()));
    for line in body.split('\n') {
        let inside = has_content && indent(line) >= depth && !is_marker(line);
        if !is_blank(line) && !inside {
            break;
        }
        let content = if inside { &line[depth..] } else { "" };
        // Behind the last line break there is no line.
        if length + 1 + line.len() > text.len()
            || (content.is_empty() && length + 1 + line.len() == text.len())
        {
            break;
        }
        length += 1 + line.len();
        lines.push(content);
        if keeps || !content.is_empty() {
            kept = (lines.len(), length);
        }
    }
    lines.truncate(kept.0);
    let comment = comment.filter(|_| line[header.len()..].trim_start().starts_with('#'));
    Some((BlockText { header, comment, numbered: digit.is_some(), lines, keeps }, kept.1))
}

/// The lines of a plain or quoted scalar, without the white space that folding drops.
pub(super) fn lines(written: &str, has_escapes: bool) -> Vec<&str> {
    let white = [' ', '\t'];
    let count = written.matches('\n').count();
    let trimmed = |(at, line): (usize, &'_ str)| {
        let begin = if at == 0 { 0 } else { line.len() - line.trim_start_matches(white).len() };
        if at == count {
            return (begin, line.len());
        }
        let mut end = line.trim_end_matches(white).len().max(begin);
        // A blank behind a backslash is content.
        let backslashes = line[begin..end].len() - line[begin..end].trim_end_matches('\\').len();
        if has_escapes && end < line.len() && backslashes % 2 == 1 {
            end += 1;
        }
        (begin, end)
    };
    written
        .split('\n')
        .enumerate()
        .map(|(at, line)| {
            let (begin, end) = trimmed((at, line));
            &line[begin..end]
        })
        .collect()
}
