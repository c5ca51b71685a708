//! A text with gaps: one that breaks off, or includes what cannot be read. What can still be said of it, and what could
//! be otherwise if one knew the rest.

use super::Texts;
use crate::diag::{Diagnostic, codes};
use crate::yaml::{Cut, Shape, Tree};

/// Whether the rest of the texts could not make a finding void.
pub(super) fn is_certain(finding: &Diagnostic, tree: &Tree<'_>, texts: &Texts) -> bool {
    let Some(span) = finding.span() else { return false };
    let here = |cut: &&Cut| cut.source == span.source;
    if tree.cuts().iter().filter(here).any(|cut| span.start >= cut.from) {
        return false;
    }
    let breaks_off = !tree.cuts().is_empty();
    match finding.code {
        // What is not there may be in the gap.
        codes::NO_GRAPH => false,
        codes::NOT_A_CONTRACT => !breaks_off && tree.shape(tree.root()) != Shape::Null,
        codes::MEANINGLESS_RULE => !breaks_off,
        codes::MISSING_KEY => !tree.cuts().iter().filter(here).any(|cut| cut.open.contains(&span.start)),
        // It may be declared further on, if its name stands there at all.
        codes::UNKNOWN_NODE | codes::UNKNOWN_GROUP => {
            if tree.lacks_files() && finding.fix.is_none() {
                return false;
            }
            let word = texts.text_of(span.source).get(span.start as usize..span.end as usize);
            let word = word.unwrap_or_default().trim_matches(['"', '\'']);
            tree.cuts().iter().all(|cut| {
                let rest = texts.text_of(cut.source).get(cut.from as usize..).unwrap_or_default();
                !rest.contains(word)
            })
        }
        _ => true,
    }
}
