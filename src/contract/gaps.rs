//! A text with gaps: one that breaks off, or includes what cannot be read. What can still be said of it, and what could
//! be otherwise if one knew the rest.

use super::Texts;
use crate::diag::{Diagnostic, Span, codes};
use crate::yaml::{Cut, Shape, Tree};

/// How often the rest of a text is searched for a name. Each time costs as much as the rest is long.
const MAX_SEARCHES: usize = 100;

/// Judges findings about a tree with gaps.
pub(super) struct Gaps<'t> {
    tree: &'t Tree<'t>,
    texts: &'t Texts,
    searches: usize,
}

impl<'t> Gaps<'t> {
    pub(super) const fn of(tree: &'t Tree<'t>, texts: &'t Texts) -> Self {
        Self { tree, texts, searches: 0 }
    }

    /// Whether what is in the gaps could not make a finding void.
    pub(super) fn leave_certain(&mut self, finding: &Diagnostic) -> bool {
        let Some(span) = finding.span() else { return false };
        let here = |cut: &&Cut| cut.source == span.source;
        let cuts = self.tree.cuts();
        if self.tree.is_gap(span) || cuts.iter().filter(here).any(|cut| span.start >= cut.from) {
            return false;
        }
        match finding.code {
            // What is not there may be in the gap.
            codes::NO_GRAPH => false,
            codes::NOT_A_CONTRACT => cuts.is_empty() && self.tree.shape(self.tree.root()) != Shape::Null,
            codes::MEANINGLESS_RULE => cuts.is_empty(),
            codes::MISSING_KEY => !cuts.iter().filter(here).any(|cut| cut.open.contains(&span.start)),
            // It may be declared in a file that is not there, unless it looks like a misspelling.
            codes::UNKNOWN_NODE | codes::UNKNOWN_GROUP if self.tree.lacks_files() => finding.fix.is_some(),
            codes::UNKNOWN_NODE | codes::UNKNOWN_GROUP => !self.may_follow(span),
            _ => true,
        }
    }

    /// Whether a name stands somewhere in what could not be read: then it may be declared there.
    fn may_follow(&mut self, name: Span) -> bool {
        let name = self.texts.text_of(name.source).get(name.start as usize..name.end as usize);
        let name = name.unwrap_or_default().trim_matches(['"', '\'']);
        self.tree.cuts().iter().any(|cut| {
            self.searches += 1;
            let rest = self.texts.text_of(cut.source).get(cut.from as usize..).unwrap_or_default();
            self.searches > MAX_SEARCHES || rest.contains(name)
        })
    }
}
