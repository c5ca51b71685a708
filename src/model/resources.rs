//! What a program may take of the machine.

/// What one program may take of the machine, as far as the operating system holds a process to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Processors.
    pub cpus: Option<u32>,
    /// Bytes of address space.
    pub memory: Option<u64>,
    /// Processes of its user.
    pub processes: Option<u64>,
}

impl Resources {
    /// What both allow.
    #[must_use]
    pub fn within(self, other: Self) -> Self {
        fn least<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
            [a, b].into_iter().flatten().min()
        }
        Self {
            cpus: least(self.cpus, other.cpus),
            memory: least(self.memory, other.memory),
            processes: least(self.processes, other.processes),
        }
    }
}
