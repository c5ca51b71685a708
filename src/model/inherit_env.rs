//! What a program has of the environment of `onex`.

/// Which variables a program gets of those that `onex` was started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InheritEnv {
    /// All of them.
    #[default]
    All,
    /// None.
    None,
    /// Those with these names.
    Only(Vec<String>),
}
