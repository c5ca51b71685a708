//! What the program of a node may touch of the machine: `sandbox:`. The order of sandboxes is here, their enforcement
//! in `process`.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a program and all that it starts may touch of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Sandbox {
    /// Which files.
    pub filesystem: FilesystemAccess,
    /// Which network.
    pub network: NetworkAccess,
    /// Whether nothing runs where this machine cannot enforce all of it.
    pub required: bool,
}

impl Default for Sandbox {
    /// What an empty mapping says.
    fn default() -> Self {
        Self { filesystem: FilesystemAccess::Full, network: NetworkAccess::Full, required: true }
    }
}

/// Which files a program may touch. Its own temporary folder always is among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum FilesystemAccess {
    /// All that its user may.
    #[default]
    Full,
    /// Reads all that its user may, and writes below the project root.
    Project,
    /// Reads all that its user may, and writes nothing.
    ReadOnly,
    /// These.
    #[serde(untagged)]
    Paths(PathAccess),
}

/// Files and folders: relative to the project root, absolute, or below the home folder (`~/…`). None has `..` in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PathAccess {
    /// What it may read beside the folders of the system; everything where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read: Option<Vec<String>>,
    /// What it may write, and read.
    #[serde(default)]
    pub write: Vec<String>,
}

/// Which network a program may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NetworkAccess {
    /// All.
    #[default]
    Full,
    /// None.
    None,
}

/// How much of a sandbox a machine can enforce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Effective {
    /// All of it.
    #[default]
    Full,
    /// Some of it.
    Partial,
    /// Nothing of it.
    None,
}

/// A sandbox as the recordings and the report of a run tell of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SandboxReport {
    /// What was asked for.
    #[serde(flatten)]
    pub asked: Sandbox,
    /// How much of it holds.
    pub effective: Effective,
    /// What the machine lacks for the rest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// Everything that its user may touch.
const EVERYTHING: &[&str] = &["/"];

impl Sandbox {
    /// `sandbox: strict`: writes nothing, and has no network.
    #[must_use]
    pub const fn strict() -> Self {
        Self { filesystem: FilesystemAccess::ReadOnly, network: NetworkAccess::None, required: true }
    }

    /// The sandbox that a document's value describes, in the forms of a contract; nothing for `false`.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn from_value(value: &Value) -> Result<Option<Self>, String> {
        let mut fields = match value {
            Value::Null | Value::Bool(false) => return Ok(None),
            Value::String(word) if word == "strict" => return Ok(Some(Self::strict())),
            Value::Object(fields) => fields.clone(),
            _ => return Err("`sandbox` is `strict`, `false` or a mapping".to_owned()),
        };
        const KEYS: [&str; 3] = ["filesystem", "network", "required"];
        if let Some(unknown) = fields.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!(
                "`sandbox` has no key `{unknown}`: there are `filesystem`, `network` and `required`"
            ));
        }
        if let Some(Value::Bool(is_there)) = fields.get("network") {
            let word = if *is_there { "full" } else { "none" };
            fields.insert("network".to_owned(), word.into());
        }
        let sandbox: Self =
            serde_json::from_value(fields.into()).map_err(|error| format!("`sandbox`: {error}"))?;
        if let FilesystemAccess::Paths(PathAccess { read, write }) = &sandbox.filesystem {
            for path in read.iter().flatten().chain(write) {
                if let Some(problem) = path_problem(path) {
                    return Err(format!(
                        "`sandbox` cannot name the path `{}`: {problem}",
                        path.escape_debug()
                    ));
                }
            }
        }
        Ok(Some(sandbox))
    }

    /// Whether a program in this sandbox is at least as confined as in `other`. What cannot be told from the texts
    /// alone, such as whether a path below the home folder is inside the project, counts as less confined.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        self.filesystem.is_within(&other.filesystem)
            && (self.network == NetworkAccess::None || other.network == NetworkAccess::Full)
            && (self.required || !other.required)
    }
}

impl FilesystemAccess {
    /// Whether it allows nothing that `other` does not allow.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        let covered = |inner: &[&str], outer: &[&str]| {
            inner.iter().all(|inner| outer.iter().any(|outer| is_below(inner, outer)))
        };
        covered(&self.writes(), &other.writes()) && covered(&self.reads(), &other.reads())
    }

    /// What may be written.
    #[must_use]
    pub fn writes(&self) -> Vec<&str> {
        match self {
            Self::Full => EVERYTHING.to_vec(),
            Self::Project => vec!["."],
            Self::ReadOnly => Vec::new(),
            Self::Paths(paths) => paths.write.iter().map(String::as_str).collect(),
        }
    }

    /// What may be read beside the folders of the system.
    #[must_use]
    pub fn reads(&self) -> Vec<&str> {
        match self {
            Self::Full | Self::Project | Self::ReadOnly => EVERYTHING.to_vec(),
            Self::Paths(PathAccess { read: None, .. }) => EVERYTHING.to_vec(),
            Self::Paths(PathAccess { read: Some(read), write }) => {
                read.iter().chain(write).map(String::as_str).collect()
            }
        }
    }
}

/// Why a sandbox cannot name a path, if it cannot.
#[must_use]
pub fn path_problem(path: &str) -> Option<&'static str> {
    match path {
        "" => Some("empty"),
        path if path.contains('\0') => Some("holds a NUL byte"),
        path if path.starts_with('~') && !matches!(path.as_bytes().get(1), None | Some(b'/')) => {
            Some("only one's own home folder can be named, as `~/…`")
        }
        // What it means depends on links, and what it allows has to be clear from the text.
        path if path.split('/').any(|part| part == "..") => Some("`..` leads somewhere else"),
        _ => None,
    }
}

/// Whether `inner` is `outer` or below it, by the texts alone: `..` stands in neither.
fn is_below(inner: &str, outer: &str) -> bool {
    let [inner, outer] = [inner, outer].map(PathText::of);
    match (inner.anchor, outer.anchor) {
        (_, Anchor::System) if outer.parts.is_empty() => true,
        (of_inner, of_outer) => of_inner == of_outer && inner.parts.starts_with(&outer.parts),
    }
}

/// What a path begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Anchor {
    Project,
    Home,
    System,
}

struct PathText<'a> {
    anchor: Anchor,
    parts: Vec<&'a str>,
}

impl<'a> PathText<'a> {
    fn of(path: &'a str) -> Self {
        let (anchor, rest) = match path.strip_prefix('/') {
            Some(rest) => (Anchor::System, rest),
            None => match path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/')) {
                Some(rest) => (Anchor::Home, rest),
                None => (Anchor::Project, path),
            },
        };
        Self { anchor, parts: rest.split('/').filter(|part| !part.is_empty() && *part != ".").collect() }
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.filesystem)?;
        if self.network == NetworkAccess::None {
            f.write_str(", no network")?;
        }
        if !self.required {
            f.write_str(", not required")?;
        }
        Ok(())
    }
}

impl fmt::Display for FilesystemAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |paths: &[String]| match paths {
            [] => "nothing".to_owned(),
            paths => paths.join(" "),
        };
        match self {
            Self::Full => f.write_str("all files"),
            Self::Project => f.write_str("writes the project"),
            Self::ReadOnly => f.write_str("read only"),
            Self::Paths(PathAccess { read: None, write }) => write!(f, "writes {}", list(write)),
            Self::Paths(PathAccess { read: Some(read), write }) => {
                write!(f, "reads {}, writes {}", list(read), list(write))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(read: Option<&[&str]>, write: &[&str]) -> FilesystemAccess {
        let owned = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect();
        FilesystemAccess::Paths(PathAccess { read: read.map(owned), write: owned(write) })
    }

    #[test]
    fn the_words_stand_in_a_row() {
        use FilesystemAccess::{Full, Project, ReadOnly};
        let row = [Full, Project, ReadOnly, paths(Some(&[]), &[])];
        for (at, wider) in row.iter().enumerate() {
            for (other, narrower) in row.iter().enumerate() {
                assert_eq!(narrower.is_within(wider), other >= at, "{narrower:?} within {wider:?}");
            }
        }
    }

    #[test]
    fn paths_are_compared_part_by_part() {
        use FilesystemAccess::{Full, Project, ReadOnly};
        let out = paths(None, &["out"]);
        assert!(out.is_within(&Project) && !Project.is_within(&out) && !out.is_within(&ReadOnly));
        assert!(paths(None, &["./out//x/."]).is_within(&out));
        assert!(!paths(None, &["outer"]).is_within(&out));
        assert!(paths(None, &[]).is_within(&ReadOnly) && ReadOnly.is_within(&paths(None, &[])));
        assert!(!paths(None, &["~/.cargo"]).is_within(&Project));
        assert!(!paths(None, &["/tmp"]).is_within(&Project) && paths(None, &["/tmp"]).is_within(&Full));
        assert!(paths(None, &["~/.cargo/registry"]).is_within(&paths(None, &["~/.cargo", "/x"])));
        assert!(!paths(None, &["~"]).is_within(&paths(None, &["~/.cargo"])));
        // A file of the project that begins with a tilde is no home folder.
        assert!(!paths(None, &["~x"]).is_within(&paths(None, &["~"])));
        assert!(Full.is_within(&paths(None, &["/"])));
    }

    #[test]
    fn what_may_be_read_counts_as_well() {
        let narrow = paths(Some(&["src"]), &["out"]);
        assert!(narrow.is_within(&FilesystemAccess::Project));
        assert!(!FilesystemAccess::ReadOnly.is_within(&narrow));
        assert!(paths(Some(&["out/x", "src/a"]), &[]).is_within(&narrow), "what is written may be read");
        assert!(!paths(Some(&["doc"]), &[]).is_within(&narrow));
        assert!(!paths(None, &["out"]).is_within(&narrow));
    }

    #[test]
    fn every_part_of_a_sandbox_counts() {
        let strict = Sandbox::strict();
        let open = Sandbox::default();
        assert!(strict.is_within(&open) && !open.is_within(&strict) && strict.is_within(&strict));
        let online = Sandbox { network: NetworkAccess::Full, ..strict.clone() };
        assert!(!online.is_within(&strict) && strict.is_within(&online));
        let perhaps = Sandbox { required: false, ..strict.clone() };
        assert!(!perhaps.is_within(&strict) && strict.is_within(&perhaps));
    }

    #[test]
    fn a_value_has_the_forms_of_a_contract() {
        let of = |value| Sandbox::from_value(&value);
        assert_eq!((of(json!(false)), of(json!("strict"))), (Ok(None), Ok(Some(Sandbox::strict()))));
        let expected = Sandbox { filesystem: paths(None, &["out"]), ..Sandbox::strict() };
        assert_eq!(of(json!({"filesystem": {"write": ["out"]}, "network": false})), Ok(Some(expected)));
        for (value, expected) in [
            (json!(true), "`strict`, `false` or a mapping"),
            (json!({"filesistem": "full"}), "no key `filesistem`"),
            (json!({"filesystem": "readonly"}), "`sandbox`: "),
            (json!({"filesystem": {"writes": []}}), "`sandbox`: "),
            (json!({"filesystem": {"write": ["a/../b"]}}), "`..` leads somewhere else"),
            (json!({"filesystem": {"read": ["~root"]}}), "own home folder"),
            (json!({"required": "yes"}), "`sandbox`: "),
        ] {
            let problem = of(value.clone()).unwrap_err();
            assert!(problem.contains(expected), "{value}: {problem}");
        }
    }

    #[test]
    fn the_wire_has_words_and_paths() {
        let strict = json!({"filesystem": "read_only", "network": "none", "required": true});
        assert_eq!(serde_json::to_value(Sandbox::strict()).unwrap(), strict);
        let narrow = Sandbox { filesystem: paths(Some(&["."]), &["out"]), ..Sandbox::strict() };
        let value = serde_json::to_value(&narrow).unwrap();
        assert_eq!(value["filesystem"], json!({"read": ["."], "write": ["out"]}));
        assert_eq!(serde_json::from_value::<Sandbox>(value).unwrap(), narrow);
        assert!(serde_json::from_value::<FilesystemAccess>(json!("everything")).is_err());
        assert_eq!(narrow.to_string(), "reads ., writes out, no network");
    }
}
