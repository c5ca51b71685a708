//! One hook of pre-commit as a component.

use std::path::Path;

use file_identify::Tag;
use serde_json::{Map, Value};

use super::globs::globs;
use super::program::{LANGUAGES, target};
use crate::model::component::STAGES;

/// Keys that are carried over.
const CARRIED: [&str; 17] = [
    "id",
    "name",
    "alias",
    "description",
    "language",
    "entry",
    "args",
    "files",
    "exclude",
    "types",
    "types_or",
    "exclude_types",
    "pass_filenames",
    "always_run",
    "fail_fast",
    "stages",
    "env",
];

/// Keys that need nothing here: files come in one list, and what installs nothing has no version.
const SETTLED: [&str; 3] = ["require_serial", "language_version", "minimum_pre_commit_version"];

/// Names of stages that pre-commit had before.
const OLD_STAGES: [(&str, &str); 3] =
    [("commit", "pre-commit"), ("merge-commit", "pre-merge-commit"), ("push", "pre-push")];

/// What holds for all hooks of a file.
#[derive(Debug, Default)]
pub(super) struct Defaults {
    /// Expressions of files that hooks are about.
    pub files: Option<String>,
    /// Expressions of files that they are not about.
    pub exclude: Option<String>,
    /// The stages of hooks that name none.
    pub stages: Option<Vec<String>>,
    /// Whether nothing runs after a failure.
    pub fail_fast: bool,
}

/// A hook as a component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Imported {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The stages that it runs in.
    pub stages: Vec<String>,
    /// The program with its arguments.
    pub target: Vec<String>,
    /// Patterns of its files.
    pub files: Vec<String>,
    /// Patterns of files that it does not get.
    pub exclude: Vec<String>,
    /// Types that a file must have.
    pub types: Vec<String>,
    /// Types of which it must have one.
    pub types_or: Vec<String>,
    /// Types of which it must have none.
    pub exclude_types: Vec<String>,
    /// Whether it gets its files as arguments.
    pub pass_filenames: bool,
    /// Whether it may look at more files than it gets.
    pub reads_any: bool,
    /// Whether it runs without files, too.
    pub always_run: bool,
    /// Whether nothing runs after it has failed.
    pub fail_fast: bool,
    /// Variables.
    pub env: Vec<(String, String)>,
    /// Names of those that must not have failed.
    pub dependencies: Vec<String>,
    /// Its turn.
    pub priority: usize,
    /// What is to be known about it.
    pub remarks: Vec<String>,
}

/// The component that does what a hook does.
///
/// # Errors
///
/// With what `onex` cannot do as pre-commit does it. A hook is carried over as a whole or not at all.
pub(super) fn imported(
    hook: &Map<String, Value>,
    defaults: &Defaults,
    folder: &Path,
) -> Result<Imported, String> {
    let read = Reader { hook };
    if hook.contains_key("<<") {
        return Err("it is merged with another mapping (`<<`): write its keys out".to_owned());
    }
    let id = read.text("id")?.ok_or("it has no `id`")?;
    let language = read.text("language")?.ok_or("it has no `language`")?;
    if !LANGUAGES.contains(&language.as_str()) {
        let program = "write `language: system` with a program that is installed";
        return Err(format!(
            "`language: {language}` installs what it runs, which onex does not do; {program}"
        ));
    }
    if !read.texts("additional_dependencies")?.unwrap_or_default().is_empty() {
        return Err(format!("`language: {language}` has no `additional_dependencies`"));
    }
    let entry = read.text("entry")?.ok_or("it has no `entry`")?;
    let args = read.texts("args")?.unwrap_or_default();
    let mut remarks = Vec::new();
    let stages = stages(read.texts("stages")?.or_else(|| defaults.stages.clone()), &mut remarks)?;
    let others =
        hook.keys().map(String::as_str).filter(|key| !CARRIED.contains(key) && !SETTLED.contains(key));
    for key in others.filter(|key| *key != "additional_dependencies") {
        remarks.push(match key {
            "verbose" => "`verbose` is said when it runs: `--output all`".to_owned(),
            "log_file" => "`log_file` is left out; `--report` writes what it prints, too".to_owned(),
            other => format!("`{other}` is left out, because onex knows nothing of the kind"),
        });
    }
    let name = read.text("name")?;
    let description = match (name, read.text("description")?) {
        (Some(name), Some(more)) if name != more => format!("{name}: {more}"),
        (Some(text), _) | (None, Some(text)) => text,
        (None, None) => id.clone(),
    };
    Ok(Imported {
        name: component_name(&id),
        description,
        stages,
        target: target((&language, &entry), args, folder)?,
        files: files(&read, defaults)?,
        exclude: exclude(&read, defaults)?,
        types: read.types("types")?.unwrap_or_else(|| vec!["file".to_owned()]),
        types_or: read.types("types_or")?.unwrap_or_default(),
        exclude_types: read.types("exclude_types")?.unwrap_or_default(),
        pass_filenames: read.bool("pass_filenames")?.unwrap_or(true),
        reads_any: !matches!(language.as_str(), "pygrep" | "fail"),
        always_run: read.bool("always_run")?.unwrap_or(false),
        fail_fast: read.bool("fail_fast")?.unwrap_or(false) || defaults.fail_fast,
        env: read.variables("env")?,
        remarks,
        ..Imported::default()
    })
}

/// An id with the characters that names have.
pub(super) fn component_name(id: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "_-.+".contains(c) { c } else { '-' };
    let name: String = id.chars().map(plain).take(100).collect();
    let name = name.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '_');
    if name.is_empty() { "hook".to_owned() } else { name.to_owned() }
}

/// The stages that there are here. A hook that names none runs before a commit.
fn stages(named: Option<Vec<String>>, remarks: &mut Vec<String>) -> Result<Vec<String>, String> {
    let Some(named) = named else { return Ok(vec!["pre-commit".to_owned()]) };
    let now = |stage: String| {
        let known = OLD_STAGES.iter().find(|(old, _)| *old == stage);
        known.map_or(stage, |(_, now)| (*now).to_owned())
    };
    let (known, others): (Vec<String>, Vec<String>) =
        named.into_iter().map(now).partition(|stage| STAGES.contains(&stage.as_str()));
    let list = others.iter().map(|stage| format!("`{stage}`")).collect::<Vec<_>>().join(", ");
    match (known.is_empty(), others.is_empty()) {
        (true, true) => Err("it is in no stage".to_owned()),
        (true, false) => Err(format!("it runs in the stage {list} only, which onex does not have")),
        (false, false) => {
            remarks.push(format!("it does not run in {list}, which onex does not have"));
            Ok(known)
        }
        (false, true) => Ok(known),
    }
}

fn patterns(what: &str, expression: &str) -> Result<Vec<String>, String> {
    globs(expression)
        .map_err(|why| format!("its {what} is a regular expression that no pattern can be: {why}"))
}

fn files(read: &Reader<'_>, defaults: &Defaults) -> Result<Vec<String>, String> {
    let everything = ["*"];
    let own = patterns("`files`", &read.text("files")?.unwrap_or_default())?;
    let of_all = patterns("`files` at the top", defaults.files.as_deref().unwrap_or_default())?;
    if of_all == everything {
        Ok(own)
    } else if own == everything {
        Ok(of_all)
    } else {
        Err("`files` at the top and its own would have to hold both: write one expression".to_owned())
    }
}

fn exclude(read: &Reader<'_>, defaults: &Defaults) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for (what, expression) in
        [("`exclude` at the top", defaults.exclude.clone()), ("`exclude`", read.text("exclude")?)]
    {
        // An empty expression is found in every file.
        for pattern in patterns(what, expression.as_deref().unwrap_or("^$"))? {
            if !all.contains(&pattern) {
                all.push(pattern);
            }
        }
    }
    Ok(all)
}

/// Values of one hook.
struct Reader<'h> {
    hook: &'h Map<String, Value>,
}

impl Reader<'_> {
    fn value(&self, key: &str) -> Option<&Value> {
        self.hook.get(key).filter(|value| !value.is_null())
    }

    fn text(&self, key: &str) -> Result<Option<String>, String> {
        self.value(key).map(|value| text(value).ok_or_else(|| format!("its `{key}` is no text"))).transpose()
    }

    fn texts(&self, key: &str) -> Result<Option<Vec<String>>, String> {
        self.value(key).map(|value| texts(value, key)).transpose()
    }

    fn types(&self, key: &str) -> Result<Option<Vec<String>>, String> {
        let named = self.texts(key)?;
        match named.iter().flatten().find(|name| Tag::from_name(name).is_none()) {
            Some(unknown) => Err(format!("there is no type of files `{unknown}`")),
            None => Ok(named),
        }
    }

    fn bool(&self, key: &str) -> Result<Option<bool>, String> {
        self.value(key)
            .map(|value| truth(value).ok_or_else(|| format!("its `{key}` is not `true` or `false`")))
            .transpose()
    }

    fn variables(&self, key: &str) -> Result<Vec<(String, String)>, String> {
        let Some(value) = self.value(key) else { return Ok(Vec::new()) };
        let pairs = value.as_object().ok_or_else(|| format!("its `{key}` is no mapping"))?;
        let pair = |(name, value): (&String, &Value)| {
            let value = text(value).ok_or_else(|| format!("its variable `{name}` is no text"))?;
            Ok((name.clone(), value))
        };
        pairs.iter().map(pair).collect()
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A list of texts.
///
/// # Errors
///
/// If it is something else.
pub(super) fn texts(value: &Value, key: &str) -> Result<Vec<String>, String> {
    let items = value.as_array().ok_or_else(|| format!("its `{key}` is no list"))?;
    items.iter().map(|item| text(item).ok_or_else(|| format!("an item of its `{key}` is no text"))).collect()
}

/// Truth in the words that pre-commit's YAML has for it.
pub(super) fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(word) => match word.to_lowercase().as_str() {
            "yes" | "on" => Some(true),
            "no" | "off" => Some(false),
            _ => None,
        },
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
