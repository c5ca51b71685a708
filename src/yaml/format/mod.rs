//! One form for all YAML texts: the same values with the same comments, set out in one way.
//!
//! [`events`] are what the parser says; `pieces` is the text as a tree that keeps what the parser drops, comments above
//! all; `layout` writes that tree; `check` compares what came out with what went in, by the parser's events and not by
//! the tree, so that a mistake here costs a refusal and never a value.

mod check;
mod events;
mod layout;
mod pieces;
mod scalar;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::load::Limits;
use crate::diag::Span;

/// The columns that collections in brackets and short values are kept within.
pub const WIDTH: usize = 100;

/// A scalar that gets another text, which needs no quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rename<'t> {
    /// The place of the scalar.
    pub span: Span,
    /// Its text from now on.
    pub text: &'t str,
}

/// Why a text has not been set out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// It is not one document of YAML. Loading it says why.
    #[error("this is not one document of YAML")]
    NotYaml,
    /// What came out would not be what went in.
    #[error("the new text would not be the same as the old one: {0}")]
    Changed(String),
}

/// The text in its one form. Values, tags, anchors, the style of scalars, the order of keys and the comments are those of
/// the old text, or there is no new one.
///
/// # Errors
///
/// If the text is not one document of YAML, or would not mean the same afterwards.
pub fn format(text: &str, renames: &[Rename<'_>], limits: Limits) -> Result<String, FormatError> {
    let (bare, has_mark) = match text.strip_prefix('\u{feff}') {
        Some(bare) => (bare, true),
        None => (text, false),
    };
    // Renames point into the text as it was: line ends are mended before it is read only where there are none.
    let (lines, is_windows) = line_ends(bare);
    let moved = moved_renames(text, (has_mark, lines.len() != bare.len()), renames);
    let old = events::of(&lines, limits).ok_or(FormatError::NotYaml)?;
    let document = pieces::read(&lines, &old, &moved).map_err(FormatError::Changed)?;
    let new = layout::write(&document);
    check::same(text, (&new, renames), limits).map_err(FormatError::Changed)?;
    Ok(if is_windows { new.replace('\n', "\r\n") } else { new })
}

/// The text with `\n` at the end of each line, and whether all lines end as those of Windows do.
fn line_ends(text: &str) -> (Cow<'_, str>, bool) {
    if !text.contains('\r') {
        return (Cow::Borrowed(text), false);
    }
    let all = text.matches('\n').count();
    let windows = text.matches("\r\n").count();
    let carriage_returns = text.matches('\r').count();
    let mended = text.replace("\r\n", "\n").replace('\r', "\n");
    (Cow::Owned(mended), windows > 0 && windows == all && windows == carriage_returns)
}

/// Where the scalars stand, and what they become, once the mark at the beginning is gone and lines end in `\n`.
fn moved_renames<'t>(
    text: &str,
    (has_mark, mended): (bool, bool),
    renames: &[Rename<'t>],
) -> Vec<(usize, &'t str)> {
    let moved = |rename: &Rename<'t>| {
        let start = rename.span.start as usize;
        let dropped = if mended { text[..start].matches("\r\n").count() } else { 0 };
        (start - dropped - if has_mark { '\u{feff}'.len_utf8() } else { 0 }, rename.text)
    };
    let mut moved: Vec<_> = renames.iter().map(moved).collect();
    moved.sort_unstable();
    moved
}
