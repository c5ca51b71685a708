//! All hooks of a `.pre-commit-config.yaml`: those that become components, and those that do not, with the reason.

use std::path::Path;

use serde_json::{Map, Value};

use super::hook::{Defaults, Imported, component_name, imported, texts, truth};
use crate::yaml::{NodeRef, Shape, Tree};

/// A hook that stays with pre-commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// What it is called.
    pub id: String,
    /// The line on which it is declared.
    pub at: NodeRef,
    /// Why.
    pub why: String,
}

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// The components, in the order of the file.
    pub imported: Vec<Imported>,
    /// What is left.
    pub left: Vec<Left>,
}

/// Reads a file. Components will be in `folder`, relative to the top of the repository.
///
/// # Errors
///
/// If it is no configuration of pre-commit.
pub(super) fn read(tree: &Tree<'_>, folder: &Path) -> Result<Config, String> {
    let root = tree.root();
    let list = |node: NodeRef| match tree.shape(node) {
        Shape::Sequence(items) => Some(items.to_vec()),
        _ => None,
    };
    let repos = tree.value(root, "repos").and_then(list);
    let repos = repos.ok_or("it has no list of `repos`, so it is no configuration of pre-commit")?;
    let defaults = defaults(&tree.to_json(root))?;
    let mut config = Config::default();
    let mut number = 0;
    for repo in repos {
        let source = tree.value(repo, "repo").and_then(|node| tree.scalar(node)).unwrap_or_default();
        for at in tree.value(repo, "hooks").and_then(list).unwrap_or_default() {
            number += 1;
            let hook = match tree.to_json(at) {
                Value::Object(hook) => hook,
                _ => Map::new(),
            };
            let id = hook.get("id").and_then(Value::as_str).unwrap_or("?").to_owned();
            let found = match source {
                "local" => imported(&hook, &defaults, folder),
                other => Err(elsewhere(other, tree.value(repo, "rev").and_then(|node| tree.scalar(node)))),
            };
            match found {
                Ok(hook_imported) => {
                    let alias = hook.get("alias").and_then(Value::as_str);
                    config.add(hook_imported, (number, alias));
                }
                Err(why) => config.left.push(Left { id, at, why }),
            }
        }
    }
    Ok(config)
}

impl Config {
    fn add(&mut self, mut hook: Imported, (number, alias): (usize, Option<&str>)) {
        let is_taken = |name: &str| self.imported.iter().any(|other| other.name == name);
        if is_taken(&hook.name) {
            let named = alias.map(component_name).filter(|alias| !is_taken(alias));
            hook.name = named.unwrap_or_else(|| {
                let numbered = (2..).map(|number| format!("{}-{number}", hook.name));
                numbered.into_iter().find(|name| !is_taken(name)).unwrap_or_default()
            });
        }
        // Between numbers there is room for others.
        hook.priority = number * 10;
        for stage in &hook.stages {
            let before = |other: &&Imported| other.fail_fast && other.stages.contains(stage);
            if let Some(before) = self.imported.iter().rev().find(before)
                && !hook.dependencies.contains(&before.name)
            {
                hook.dependencies.push(before.name.clone());
            }
        }
        self.imported.push(hook);
    }
}

fn elsewhere(repo: &str, revision: Option<&str>) -> String {
    match repo {
        "" => "its repository is not named".to_owned(),
        "meta" => "it checks the configuration of pre-commit itself".to_owned(),
        "builtin" => "it is a part of prek itself".to_owned(),
        other => {
            let at = revision.map(|revision| format!(" at {revision}")).unwrap_or_default();
            format!(
                "it comes from {other}{at}; install its program, and write the hook as `repo: local` \
                 with `language: system`"
            )
        }
    }
}

fn defaults(config: &Value) -> Result<Defaults, String> {
    let value = |key: &str| config.get(key).filter(|value| !value.is_null());
    let text = |key: &str| {
        value(key)
            .map(|value| value.as_str().map(str::to_owned).ok_or_else(|| format!("its `{key}` is no text")))
            .transpose()
    };
    let fail_fast = value("fail_fast")
        .map(|value| truth(value).ok_or("its `fail_fast` is not `true` or `false`"))
        .transpose()?;
    Ok(Defaults {
        files: text("files")?,
        exclude: text("exclude")?,
        stages: value("default_stages").map(|value| texts(value, "default_stages")).transpose()?,
        fail_fast: fail_fast.unwrap_or(false),
    })
}
