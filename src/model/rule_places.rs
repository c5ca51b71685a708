//! Where the rules of a contract stand in its text.

use crate::diag::Span;

/// Where some rules stand; nothing where they are not given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RulePlaces {
    /// The time of the run in the rules.
    pub timeout: Option<Span>,
    /// The time of the run in its budget.
    pub budget_time: Option<Span>,
    /// How often failed nodes are repeated.
    pub max_retries: Option<Span>,
    /// How attempts are repeated.
    pub retry_policy: Option<Span>,
}
