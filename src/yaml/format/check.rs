//! Whether a new text says what the old one does. Looks at the parser's events and at the texts, and knows nothing of how
//! the new one came to be.

use std::collections::HashMap;

use super::Rename;
use super::events::{self, Said, What};
use crate::yaml::load::Limits;

/// Compares two texts.
pub(super) fn same(old: &str, (new, renames): (&str, &[Rename<'_>]), limits: Limits) -> Result<(), String> {
    let before = events::of(old, limits).ok_or("the old text is not one document of YAML")?;
    let after = events::of(new, limits).ok_or("the new text is not one document of YAML")?;
    let renames: HashMap<usize, &str> = renames.iter().map(|r| (r.span.start as usize, r.text)).collect();
    if let Some((one, other)) =
        before.iter().zip(&after).find(|(one, other)| !same_event(one, other, &renames))
    {
        return Err(format!("{} became {}", in_words(old, one), in_words(new, other)));
    }
    if before.len() != after.len() {
        return Err(format!("{} values became {}", before.len(), after.len()));
    }
    let (old_comments, new_comments) = (comments(old, &before), comments(new, &after));
    if let Some((one, other)) = old_comments.iter().zip(&new_comments).find(|(one, other)| one != other) {
        return Err(format!("the comment `{one}` became `{other}`"));
    }
    if old_comments.len() != new_comments.len() {
        return Err(format!("{} comments became {}", old_comments.len(), new_comments.len()));
    }
    Ok(())
}

fn same_event(old: &Said<'_>, new: &Said<'_>, renames: &HashMap<usize, &str>) -> bool {
    let same = match (&old.what, &new.what) {
        (What::Scalar(value, style), What::Scalar(other, other_style)) => {
            let renamed = renames.get(&old.at.start).filter(|_| !old.at.is_empty());
            renamed.copied().unwrap_or(value) == other && style == other_style
        }
        // Values in brackets may have got lines of their own; lines never get brackets.
        (What::Sequence { flow }, What::Sequence { flow: other })
        | (What::Mapping { flow }, What::Mapping { flow: other }) => *flow || !*other,
        (old, new) => old == new,
    };
    same && old.anchor == new.anchor && old.tag == new.tag
}

fn in_words(text: &str, said: &Said<'_>) -> String {
    let line = 1 + text.get(..said.at.start).map_or(0, |before| before.matches('\n').count());
    let what = match &said.what {
        What::Document(_) => "the start of the document".to_owned(),
        What::Scalar(value, _) => format!("`{}`", crate::base::text::clip(value, 40)),
        What::Alias(alias, _) => format!("`{alias}`"),
        What::Sequence { .. } => "a list".to_owned(),
        What::Mapping { .. } => "a mapping".to_owned(),
        What::End => "the end of a collection".to_owned(),
    };
    format!("{what} (line {line})")
}

/// The comments of a text, in order: what begins with `#` outside of all scalars.
pub(super) fn comments<'t>(text: &'t str, said: &[Said<'_>]) -> Vec<&'t str> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut scalars: Vec<_> = said
        .iter()
        .filter(|said| matches!(said.what, What::Scalar(..)))
        .map(|said| said.at.clone())
        .collect();
    scalars.push(text.len()..text.len());
    for at in scalars {
        let Some(gap) = text.get(from..at.start) else { continue };
        let mut rest = gap;
        while let Some(sharp) = rest.find('#') {
            let start = from + (gap.len() - rest.len()) + sharp;
            let begins =
                text[..start].chars().next_back().is_none_or(|c| c.is_whitespace() || c == '\u{feff}');
            if !begins {
                rest = &rest[sharp + 1..];
                continue;
            }
            let line = rest[sharp..].split(['\n', '\r']).next().unwrap_or_default();
            found.push(line.trim_end());
            rest = &rest[sharp + line.len()..];
        }
        from = at.end;
    }
    found
}
