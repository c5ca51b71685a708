//! The table of stable codes. A code is never reused and never changes its meaning.

use std::fmt;

/// A stable code, such as `E0302`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

impl Code {
    /// The code as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }

    /// The code of this name, in any case, with its title.
    #[must_use]
    pub fn find(name: &str) -> Option<(Self, &'static str)> {
        codes::ALL
            .iter()
            .find(|(code, _)| code.0.eq_ignore_ascii_case(name.trim()))
            .copied()
            .map(|(code, title)| (code, title.trim()))
    }

    /// The page that explains it, in Markdown.
    #[must_use]
    pub fn page(self) -> &'static str {
        PAGES.iter().find(|(code, _)| *code == self).map_or("", |(_, page)| page)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

macro_rules! table {
    ($($(#[doc = $title:literal])+ $name:ident = $code:literal,)+) => {
        /// Every code by name.
        pub mod codes {
            use super::Code;
            $($(#[doc = $title])+ pub const $name: Code = Code($code);)+

            /// Every code with its title, in order.
            pub const ALL: &[(Code, &str)] = &[$(($name, concat!($($title),+))),+];
        }

        /// Every code with its page.
        const PAGES: &[(Code, &str)] = &[$((Code($code), include_str!(concat!("pages/", $code, ".md")))),+];
    };
}

table! {
    /// The text is not YAML.
    SYNTAX = "E0101",
    /// A mapping has the same key twice.
    DUPLICATE_KEY = "E0102",
    /// The file is not UTF-8 text.
    NOT_UTF8 = "E0103",
    /// The file cannot be read.
    UNREADABLE = "E0104",
    /// The file has more than one document.
    SEVERAL_DOCUMENTS = "E0105",
    /// An alias names no anchor, or the anchor that it stands in.
    BAD_ALIAS = "E0106",
    /// A merge key merges something that is no mapping.
    BAD_MERGE = "E0107",
    /// A tag that contracts do not have.
    UNKNOWN_TAG = "E0108",
    /// The file is larger than a contract may be.
    TOO_LARGE = "E0110",
    /// The contract has more nodes than a contract may have.
    TOO_MANY_NODES = "E0111",
    /// Values are nested too deeply.
    TOO_DEEP = "E0112",
    /// Aliases expand to more than a contract may hold.
    ALIAS_EXPANSION = "E0113",
    /// A file includes itself.
    INCLUDE_CIRCLE = "E0114",
    /// Files include each other too deeply.
    INCLUDE_DEPTH = "E0115",
    /// More was found than is listed.
    MORE_FOUND = "E0116",

    /// The file is no contract that can be orchestrated.
    NOT_A_CONTRACT = "E0201",
    /// A required key is missing.
    MISSING_KEY = "E0202",
    /// A value has the wrong type.
    WRONG_TYPE = "E0203",
    /// A value is none of those that the key allows.
    BAD_VALUE = "E0204",
    /// A key that the contract language does not know.
    UNKNOWN_KEY = "E0205",
    /// A value is no duration.
    BAD_DURATION = "E0206",
    /// Two keys that say the same thing in two forms.
    CONFLICTING_KEYS = "E0207",
    /// An id breaks its grammar.
    BAD_ID = "E0208",
    /// A node has more than one action.
    SEVERAL_ACTIONS = "E0209",
    /// A part of the language that this version does not carry out yet.
    NOT_CARRIED_OUT = "E0210",
    /// A retry on a node that must not be repeated.
    RETRY_NOT_IDEMPOTENT = "E0211",
    /// A key stands where it has no effect.
    MISPLACED_KEY = "E0212",
    /// A path leads out of the project root.
    OUTSIDE_ROOT = "E0213",
    /// Data is pasted into text that an interpreter runs.
    PASTED_DATA = "E0214",
    /// Two places that may hold a setting disagree.
    DISAGREEMENT = "E0215",
    /// A rule that means nothing to this runtime.
    MEANINGLESS_RULE = "E0216",
    /// Retries can last longer than the time that they have.
    RETRIES_OUTLAST = "E0217",
    /// Two tiers of retries multiply.
    TWO_TIERS = "E0218",
    /// The contract is deprecated.
    DEPRECATED_CONTRACT = "E0219",

    /// Two nodes have the same id.
    DUPLICATE_NODE = "E0301",
    /// A node depends on one that is not declared.
    UNKNOWN_NODE = "E0302",
    /// Nodes depend on each other in a circle.
    CYCLE = "E0303",
    /// A node says nothing about what it does.
    UNBOUND_NODE = "E0304",
    /// The contract declares no execution graph.
    NO_GRAPH = "E0305",
    /// A node waits for a failure at which the run stops.
    STOPS_FIRST = "E0306",
    /// A group has no size.
    UNKNOWN_GROUP = "E0307",
    /// A node stands in for more than one other, or for itself.
    BAD_FALLBACK = "E0308",
    /// A node can never run.
    NEVER_RUNS = "E0309",
    /// Parts of the graph have nothing to do with each other.
    SEPARATE_PARTS = "E0310",

    /// An input that the contract does not declare.
    UNKNOWN_INPUT = "E0401",
    /// A required input is not given.
    MISSING_INPUT = "E0402",
    /// An input has the wrong type.
    BAD_INPUT = "E0403",
    /// No contract has the name that was given.
    UNKNOWN_CONTRACT = "E0404",

    /// A metadata block has no end.
    UNENDED_BLOCK = "E0501",
    /// A file has more than one metadata block.
    SEVERAL_BLOCKS = "E0502",
    /// A version is no version.
    BAD_VERSION = "E0503",
    /// A range of versions is no range.
    BAD_RANGE = "E0504",
    /// No component has the name that was given.
    UNKNOWN_COMPONENT = "E0505",
    /// A name means more than one component.
    AMBIGUOUS_COMPONENT = "E0506",
    /// Two components have the same namespace, name and version.
    DUPLICATE_COMPONENT = "E0507",
    /// No version of a component is in the range.
    NO_SUCH_VERSION = "E0508",
    /// Components need each other in a circle.
    COMPONENT_CIRCLE = "E0509",
    /// The file of a registered component has changed.
    DIGEST_CHANGED = "E0510",
    /// A registered component is not where it was.
    COMPONENT_GONE = "E0511",
    /// The program of a component is not there.
    MISSING_PROGRAM = "E0512",
    /// A component is deprecated.
    DEPRECATED = "E0513",
    /// A component has nothing to run.
    NOT_EXECUTABLE = "E0514",
    /// A filter has a key that there is not, or no value.
    BAD_FILTER = "E0515",
    /// A filter has a value that no component has.
    UNMATCHED_FILTER = "E0516",
    /// The file declares no component.
    NO_COMPONENT = "E0517",
    /// Something of a stage does not run, or does not hold there.
    LEFT_OUT = "E0518",
    /// A program of a stage made a new file.
    FILE_MADE = "E0520",
    /// The working tree has a declaration that does not count, because contracts come from a commit.
    OTHER_DECLARATION = "E0521",
    /// A component is a draft, or archived.
    NOT_IN_USE = "E0530",
    /// A node would get more files than one program can be given.
    TOO_MANY_FILES = "E0531",
    /// A pattern of files is no pattern.
    BAD_PATTERN = "E0532",
    /// A pattern of files can match nothing.
    IDLE_PATTERN = "E0533",
    /// A type of files that there is not.
    UNKNOWN_FILE_TYPE = "E0534",
    /// A tag has a comma in it.
    JOINED_TAGS = "E0535",
    /// A component names a stage that there is not.
    UNKNOWN_STAGE = "E0536",
    /// A file is not looked at, because its name has another ending.
    MISNAMED_FILE = "E0537",

    /// A settings file is not TOML.
    SETTINGS_SYNTAX = "E0601",
    /// A key or a table that settings do not have.
    UNKNOWN_SETTING = "E0602",
    /// A setting has the wrong type.
    SETTING_TYPE = "E0603",
    /// A setting has a value that it cannot have.
    BAD_SETTING = "E0604",
    /// Two settings contradict each other.
    CONFLICTING_SETTINGS = "E0605",

    /// A policy does not allow what would run.
    POLICY_BROKEN = "E0701",
    /// What would run is not trusted.
    NOT_TRUSTED = "E0702",
    /// A file of trust cannot be used.
    BAD_TRUST_FILE = "E0703",
}

#[cfg(test)]
mod tests {
    use super::codes;

    #[test]
    fn codes_are_unique_sorted_and_well_formed() {
        let all: Vec<_> = codes::ALL.iter().map(|(code, _)| code.as_str()).collect();
        assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
        assert!(all.iter().all(|c| c.len() == 5 && c.starts_with('E') && c[1..].parse::<u16>().is_ok()));
        assert!(codes::ALL.iter().all(|(_, title)| title.ends_with('.')));
    }
}
