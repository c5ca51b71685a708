//! What can be said about a source text: a diagnostic with a stable code, a severity and labelled places.
//!
//! Does not render: `report::diagnostics` does that, for people and for machines.

mod code;
mod findings;
mod source;

pub use code::{Code, codes};
pub use findings::{Findings, MAX_OF_A_KIND};
pub use source::{Position, SourceId, SourceMap, Span};

use serde::{Deserialize, Serialize};

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Probably not what the author wants; the contract can still run.
    Warning,
    /// The contract cannot run.
    Error,
}

/// A place in a source and what is to be said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be said; may be empty.
    pub text: String,
}

/// A text that would be right in the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The place of the text that is wrong.
    pub span: Span,
    /// The text that would be right.
    pub text: String,
}

/// One finding about a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code.
    pub code: Code,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence without a period at its end.
    pub message: String,
    /// The place that it is about, first, then places that explain it.
    pub labels: Vec<Label>,
    /// What the author can do about it.
    pub help: Vec<String>,
    /// What the first piece of advice comes down to, where it is a change of the text.
    pub fix: Option<Box<Fix>>,
}

impl Diagnostic {
    /// A finding without a place.
    #[must_use]
    pub fn new(severity: Severity, code: Code, message: impl Into<String>) -> Self {
        Self { code, severity, message: message.into(), labels: Vec::new(), help: Vec::new(), fix: None }
    }

    /// An error without a place.
    #[must_use]
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning without a place.
    #[must_use]
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// The finding with one more place.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// The finding with one more piece of advice.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// The finding with the text that would be right in the place of another.
    #[must_use]
    pub fn fixed_by(mut self, span: Span, text: impl Into<String>) -> Self {
        self.fix = Some(Box::new(Fix { span, text: text.into() }));
        self
    }

    /// The finding with the advice `did you mean …`, where there is something to suggest; it would stand in the
    /// place that was named last.
    #[must_use]
    pub fn did_you_mean(self, suggestion: Option<&str>) -> Self {
        let Some(suggestion) = suggestion else { return self };
        let place = self.labels.last().map(|label| label.span);
        let finding = self.help(format!("did you mean `{suggestion}`?"));
        match place {
            Some(place) if finding.help.len() == 1 => finding.fixed_by(place, suggestion),
            _ => finding,
        }
    }

    /// The place that the finding is about.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|label| label.span)
    }
}

/// Sorts findings by the place that they are about; those without a place come last.
pub fn sort_by_position(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by_key(|d| d.span().map_or((true, Span::default()), |span| (false, span)));
}
