//! The end of what a node printed, as far as it explains a failure.

use super::output::Text;
use super::report::NodeResult;
use crate::base::text;

/// The longest line of an excerpt in characters.
const LONGEST_LINE: usize = 500;

/// The last lines of a node's error output, or of its output where there is none; without control characters.
#[must_use]
pub fn last_lines(result: &NodeResult, most: usize) -> String {
    last_lines_of([&result.stderr, &result.stdout], most)
}

fn last_lines_of(streams: [&Text; 2], most: usize) -> String {
    let is_blank = |text: &Text| text.as_bytes().trim_ascii().is_empty();
    let Some(printed) = streams.into_iter().find(|text| !is_blank(text)) else { return String::new() };
    let printed = printed.to_lossy();
    let clean = text::without_controls(printed.trim_end());
    let lines: Vec<&str> = clean.lines().collect();
    let left_out = lines.len().saturating_sub(most);
    let mut excerpt = Vec::with_capacity(most + 1);
    if left_out > 0 {
        excerpt.push(format!("… {} before this", text::count(left_out, "line")));
    }
    for line in &lines[left_out..] {
        let line = line.trim_end();
        excerpt.push(match line.char_indices().nth(LONGEST_LINE) {
            Some((at, _)) => format!("{}…", &line[..at]),
            None => line.to_owned(),
        });
    }
    excerpt.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_error_output_or_else_of_the_output() {
        let text = |text: &str| Text::Utf8(text.to_owned());
        let of = |stdout: &str, stderr: &str| last_lines_of([&text(stderr), &text(stdout)], 2);
        assert_eq!(of("out\n", " \n"), "out");
        assert_eq!(of("out\n", "a\nb\u{1b}[31m  \nc\n\n"), "… 1 line before this\nb\nc");
        assert_eq!(of("", &"é".repeat(600)), format!("{}…", "é".repeat(500)));
        assert_eq!(of("", ""), "");
    }
}
