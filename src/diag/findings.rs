//! A collection of findings whose size is bounded, whatever the text is that they are about.

use std::collections::BTreeMap;

use super::{Code, Diagnostic, Severity, codes};
use crate::base::text;

/// The most findings of one code and severity that are kept; more are counted.
pub const MAX_OF_A_KIND: usize = 1000;

/// The longest message, label or advice in bytes; of a longer one, the middle is left out.
const MAX_TEXT: usize = 1000;

/// The most places of one finding.
const MAX_LABELS: usize = 50;

/// Findings about one contract. The first of each kind are kept, so that no mistake hides that there is one of another
/// kind, and what follows from all of them follows from those that are kept.
#[derive(Debug, Default)]
pub struct Findings {
    kept: Vec<Diagnostic>,
    counts: BTreeMap<(Code, Severity), usize>,
}

impl Findings {
    /// Takes a finding in.
    pub fn push(&mut self, finding: Diagnostic) {
        let count = self.counts.entry((finding.code, finding.severity)).or_default();
        *count += 1;
        if *count <= MAX_OF_A_KIND {
            self.kept.push(bounded(finding));
        }
    }

    /// The findings that are kept so far, in the order in which they came.
    #[must_use]
    pub fn kept(&self) -> &[Diagnostic] {
        &self.kept
    }

    /// Forgets the findings from number `first` on that `is_certain` does not hold for.
    pub fn retain_from(&mut self, first: usize, mut is_certain: impl FnMut(&Diagnostic) -> bool) {
        let mut at = 0;
        self.kept.retain(|finding| {
            at += 1;
            at <= first || is_certain(finding)
        });
        // Of what was only counted, nobody can say whether it would hold.
        let kept = &self.kept;
        self.counts.retain(|kind, _| kept.iter().any(|finding| (finding.code, finding.severity) == *kind));
    }

    /// All that is kept, and for each kind of which there is more, how much was found.
    #[must_use]
    pub fn into_vec(self) -> Vec<Diagnostic> {
        let mut all = self.kept;
        let more = self.counts.into_iter().filter(|&(_, count)| count > MAX_OF_A_KIND);
        all.extend(more.map(|((code, severity), count)| {
            let noun = match severity {
                Severity::Error => "errors",
                Severity::Warning => "warnings",
                Severity::Info => "remarks",
            };
            let message = format!("there are {count} {noun} `{code}`, of which {MAX_OF_A_KIND} are listed");
            Diagnostic::new(Severity::Info, codes::MORE_FOUND, message)
        }));
        all
    }
}

impl Extend<Diagnostic> for Findings {
    fn extend<I: IntoIterator<Item = Diagnostic>>(&mut self, findings: I) {
        findings.into_iter().for_each(|finding| self.push(finding));
    }
}

/// A finding of which no part is larger than anybody reads: all of them quote the text that they are about.
fn bounded(mut finding: Diagnostic) -> Diagnostic {
    let clip = |text: &mut String| {
        if text.len() > MAX_TEXT {
            *text = text::without_middle(text, MAX_TEXT);
        }
    };
    finding.labels.truncate(MAX_LABELS);
    clip(&mut finding.message);
    finding.labels.iter_mut().for_each(|label| clip(&mut label.text));
    finding.help.iter_mut().for_each(clip);
    // A text that is not whole would not be right.
    finding.fix = finding.fix.filter(|fix| fix.text.len() <= MAX_TEXT);
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    #[test]
    fn the_first_of_each_kind_are_kept_and_all_are_counted() {
        let mut findings = Findings::default();
        findings.push(Diagnostic::warning(codes::UNKNOWN_KEY, "before"));
        for n in 0..MAX_OF_A_KIND + 5 {
            findings.push(Diagnostic::error(codes::BAD_ID, n.to_string()));
        }
        findings.push(Diagnostic::warning(codes::UNKNOWN_KEY, "after"));
        let all = findings.into_vec();
        assert_eq!(all.len(), MAX_OF_A_KIND + 3);
        assert_eq!((all[0].message.as_str(), all[MAX_OF_A_KIND + 1].message.as_str()), ("before", "after"));
        assert_eq!(all[MAX_OF_A_KIND].message, (MAX_OF_A_KIND - 1).to_string());
        let last = &all[MAX_OF_A_KIND + 2];
        assert_eq!((last.code, last.severity), (codes::MORE_FOUND, Severity::Info));
        assert_eq!(last.message, "there are 1005 errors `E0208`, of which 1000 are listed");
    }

    #[test]
    fn no_number_of_warnings_hides_an_error() {
        let mut findings = Findings::default();
        findings.extend((0..5000).map(|_| Diagnostic::warning(codes::UNKNOWN_KEY, "")));
        findings.push(Diagnostic::error(codes::UNKNOWN_KEY, ""));
        assert!(findings.kept().iter().any(|finding| finding.severity == Severity::Error));
    }

    #[test]
    fn what_is_forgotten_is_not_counted() {
        let mut findings = Findings::default();
        findings.extend((0..2000).map(|_| Diagnostic::error(codes::BAD_ID, "")));
        findings.extend((0..2000).map(|_| Diagnostic::error(codes::UNKNOWN_NODE, "")));
        findings.retain_from(1, |finding| finding.code != codes::UNKNOWN_NODE);
        let all = findings.into_vec();
        assert_eq!(all.len(), MAX_OF_A_KIND + 1);
        assert!(all.iter().all(|finding| finding.code != codes::UNKNOWN_NODE));
    }

    #[test]
    fn no_part_of_a_finding_is_longer_than_anybody_reads() {
        let long = "ü".repeat(100_000);
        let mut finding = Diagnostic::error(codes::BAD_ID, format!("`{long}` is no id")).help(long.clone());
        for _ in 0..1000 {
            finding = finding.at(Span::default(), long.clone());
        }
        let mut findings = Findings::default();
        findings.push(finding.fixed_by(Span::default(), long));
        let all = findings.into_vec();
        let finding = &all[0];
        assert!(finding.message.starts_with("`üü") && finding.message.ends_with("ü` is no id"));
        let texts = finding.labels.iter().map(|label| &label.text).chain(&finding.help);
        assert!(texts.chain([&finding.message]).all(|text| text.len() <= MAX_TEXT && text.contains('…')));
        assert_eq!((finding.labels.len(), &finding.fix), (MAX_LABELS, &None));
    }
}
