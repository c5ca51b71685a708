//! Versions of components, and how a component is named: `name`, `namespace.name`, `name@range`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use semver::VersionReq;

/// A semantic version. Ordered as the specification of semantic versions says, whatever is left out when it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    parsed: semver::Version,
    written: String,
}

impl Version {
    /// The version with all of its parts.
    #[must_use]
    pub const fn parsed(&self) -> &semver::Version {
        &self.parsed
    }
}

impl FromStr for Version {
    type Err = semver::Error;

    /// `1.2.3`, and as people write it: `1`, `1.2`, `v1.2.3`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let bare =
            text.strip_prefix(['v', 'V']).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        let bare = bare.unwrap_or(text);
        let numbers = bare.find(['-', '+']).unwrap_or(bare.len());
        let (numbers, rest) = bare.split_at(numbers);
        let zeros = match numbers.matches('.').count() {
            0 => ".0.0",
            1 => ".0",
            _ => "",
        };
        let parsed = semver::Version::parse(&format!("{numbers}{zeros}{rest}"))?;
        Ok(Self { written: parsed.to_string(), parsed })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parsed.cmp(&other.parsed)
    }
}

/// How somebody names a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The name, with or without its namespace.
    pub name: String,
    /// The versions that will do; any where none is said.
    pub range: Option<VersionReq>,
}

impl Reference {
    /// Any version of this name.
    #[must_use]
    pub fn to(name: impl Into<String>) -> Self {
        Self { name: name.into(), range: None }
    }

    /// Whether a version will do. What has no version will do for those who ask for none.
    #[must_use]
    pub fn allows(&self, version: Option<&Version>) -> bool {
        match (&self.range, version) {
            (None, _) => true,
            (Some(range), Some(version)) => range.matches(version.parsed()),
            (Some(_), None) => false,
        }
    }

    /// Whether exactly one version is asked for, so that even a draft is meant.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        let comparators = self.range.as_ref().map_or(&[][..], |range| &range.comparators);
        matches!(comparators, [only] if only.op == semver::Op::Exact && only.patch.is_some())
    }
}

/// A range of versions: `^1.2`, `~1.2`, `>=1, <2`, `1.*`; a space does for a comma. A whole version alone is that
/// version and no other, as in `name@1.2.0`.
///
/// # Errors
///
/// If it is no range.
pub(super) fn range(text: &str) -> Result<VersionReq, semver::Error> {
    let text = text.trim();
    let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
    if semver::Version::parse(bare).is_ok() {
        return VersionReq::parse(&format!("={bare}"));
    }
    // An operator may stand apart from its number.
    let mut parts: Vec<String> = Vec::new();
    for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
        match parts.last_mut().filter(|last| last.ends_with(['<', '>', '=', '^', '~'])) {
            Some(operator) => operator.push_str(word),
            None => parts.push(word.to_owned()),
        }
    }
    VersionReq::parse(&parts.join(", "))
}

impl FromStr for Reference {
    type Err = semver::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, asked) = match text.trim().split_once('@') {
            Some((name, asked)) => (name, Some(range(asked)?)),
            None => (text, None),
        };
        Ok(Self { name: name.trim().to_owned(), range: asked })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.range {
            Some(range) => write!(f, "{}@{}", self.name, range.to_string().trim_start_matches('=')),
            None => f.write_str(&self.name),
        }
    }
}
