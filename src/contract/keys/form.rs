//! What may stand under a key, apart from nothing.

use super::Table;
use super::words::Word;
use crate::contract::values::{Unit, Zero};

/// The form of a value.
#[derive(Clone, Copy, Debug)]
pub(in crate::contract) enum Form {
    /// Anything.
    Any,
    /// Text. Numbers and booleans are text, too, as they are written.
    Text,
    /// The same; these words have a meaning of their own.
    Suggested(&'static [Word]),
    /// Text by the grammar of ids.
    Id,
    /// Text that matches a pattern, and how to say that to people. Numbers and booleans pass.
    Matching { pattern: &'static str, means: &'static str },
    /// The same; numbers and booleans do not pass.
    OnlyMatching { pattern: &'static str, means: &'static str },
    /// The name of a component, with or without a range of versions.
    Reference,
    /// Text without an expression, which would stay as it is.
    Plain,
    /// Any value without an expression in it.
    Constant,
    /// A mapping of any keys.
    Object,
    /// `true` or `false`.
    Bool,
    /// A whole number of at least so many.
    Count(u32),
    /// A number between two, the second of which may be missing.
    Number(f64, Option<f64>),
    /// A time.
    Duration(Unit, Zero),
    /// Bytes, or text with a unit.
    Size,
    /// Megabytes, or text with a unit.
    Megabytes,
    /// Processors, or text such as `4 cores`.
    Processors,
    /// One of these words, as it is written here.
    Word(&'static [Word]),
    /// One of these words in any case.
    AnyCase(&'static [Word]),
    /// The name of a circuit's destination.
    Destination,
    /// Kinds of failure.
    RetryOn,
    /// A list of texts without expressions, or one such text.
    Texts,
    /// A list of ids or of conditions on nodes, or one id.
    Dependencies,
    /// A list of mappings.
    Mappings(&'static Table),
    /// A mapping.
    Mapping(&'static Table),
    /// A mapping, or what switches it off: `false`, `0`, or `enabled: false` in it.
    Switched(&'static Table),
    /// The id of a node, or an action; or what switches it off.
    Fallback(&'static Table),
    /// A mapping whose keys are names.
    Named(Names),
    /// A script, or a program with its arguments.
    Program,
    /// The name of an input's type.
    InputType,
    /// A version: text, or `{major, minor, patch}`.
    Version,
    /// Which files a sandbox opens: a word, or a mapping.
    Filesystem(&'static Table),
    /// A sandbox: a mapping, one word for one, or `false`.
    Sandbox(&'static Table),
    /// A list of paths without `..`, or one path.
    Paths,
    /// `true`, `false`, or one of these words.
    BoolOr(&'static [Word]),
    /// `true`, `false`, one of these words, or a list of names.
    BoolOrNames(&'static [Word]),
}

/// What names stand for.
#[derive(Clone, Copy, Debug)]
pub(in crate::contract) enum Names {
    /// Variables, with their values.
    Variables,
    /// Arguments of a component, with their values.
    Arguments,
    /// Groups, with their sizes.
    Groups,
    /// Inputs, with their types or more.
    Inputs(&'static Table),
}
