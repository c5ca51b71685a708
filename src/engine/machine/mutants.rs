//! Planted bugs, for the simulator to find. They exist in test builds only; nothing has to be built again to choose one.

/// A bug of the machine.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Mutant {
    /// One attempt more than there are slots.
    OneSlotTooMany,
    /// The slot of a failed attempt is never free again.
    LosesSlots,
    /// A failed dependency keeps nobody from starting.
    ForgetsFailures,
    /// The first dependency that ends lets its dependents start.
    WaitsForOne,
    /// A failed attempt is repeated after a cancel.
    RetriesAfterCancel,
    /// A milder cancel replaces a harder one.
    CancelForgets,
    /// What was ready is still started after a cancel.
    StartsAfterCancel,
    /// Whether an attempt may have had its effect does not count.
    ForgetsIdempotency,
    /// A timeout stops nothing.
    NeverStops,
    /// A circuit is neither asked nor told.
    IgnoresCircuits,
    /// A node starts although the run's budget is used up.
    OverspendsBudgets,
    /// A failed node counts as failed although another stood in for it.
    ForgetsFallbacks,
    /// A node that was left out hides what failed before it.
    HidesFailures,
    /// An attempt that takes long is never called slow.
    OverlooksSlowAttempts,
}

#[cfg(test)]
impl Mutant {
    pub(in crate::engine) const ALL: [Self; 14] = [
        Self::OneSlotTooMany,
        Self::LosesSlots,
        Self::ForgetsFailures,
        Self::WaitsForOne,
        Self::RetriesAfterCancel,
        Self::CancelForgets,
        Self::StartsAfterCancel,
        Self::ForgetsIdempotency,
        Self::NeverStops,
        Self::IgnoresCircuits,
        Self::OverspendsBudgets,
        Self::ForgetsFallbacks,
        Self::HidesFailures,
        Self::OverlooksSlowAttempts,
    ];
}

#[cfg(test)]
impl super::Machine {
    /// The same machine with a bug.
    pub(in crate::engine) fn with_mutant(mut self, mutant: Option<Mutant>) -> Self {
        self.mutant = mutant;
        self
    }
}

#[cfg(test)]
macro_rules! mutated {
    ($machine:expr, $mutant:ident) => {
        $machine.mutant == Some($crate::engine::machine::mutants::Mutant::$mutant)
    };
}

#[cfg(not(test))]
macro_rules! mutated {
    ($machine:expr, $mutant:ident) => {
        false
    };
}
