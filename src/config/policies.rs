//! `[[policy]]` and `[trust]`: what may run. A mistake in them is never a rule that is not there.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Settings;
use super::reader::Reader;
use crate::base::text::nearest;
use crate::diag::{Diagnostic, Span, codes};
use crate::model::component::STAGES;
use crate::model::policy::{
    Confinement, EnforcementLevel, ExecutionPolicy, Limits, Pattern, Patterns, Payload, Scope,
};
use crate::model::sandbox::{FilesystemAccess, NetworkAccess, PathAccess, Sandbox};

/// The types of policies, each with the keys of its payload.
pub(super) const TYPES: [(&str, &[&str]); 7] = [
    ("trust", &[]),
    ("program", &["allow", "deny"]),
    ("environment", &["allow", "deny"]),
    ("lifecycle", &["allow"]),
    ("limit", &["timeout", "jobs", "nodes", "attempts"]),
    ("contract", &["allow", "deny"]),
    ("sandbox", &["filesystem", "network", "required", "impose"]),
];

/// The keys of a policy.
pub(super) const KEYS: [&str; 5] = ["name", "type", "scope", "enforcement_level", "payload"];

/// The keys of a scope.
pub(super) const SCOPE: [&str; 4] = ["stage", "contract", "node", "type"];

/// What a pattern is held against.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Against {
    Names,
    Paths,
}

/// The JSON Schema of a policy.
pub(super) fn schema() -> Value {
    let texts =
        json!({"type": ["string", "array"], "items": {"type": "string", "minLength": 1}, "minLength": 1});
    let count = json!({"type": "integer", "minimum": 1});
    let property = |key: &str| match key {
        "timeout" => json!({"type": ["number", "string"], "exclusiveMinimum": 0}),
        "jobs" | "nodes" | "attempts" => count.clone(),
        "required" | "impose" => json!({"type": "boolean"}),
        "network" => json!({"enum": ["full", "none", true, false]}),
        "filesystem" => json!({"anyOf": [
            {"enum": ["full", "project", "read_only"]},
            {
                "type": "object",
                "properties": {"read": texts.clone(), "write": texts.clone()},
                "additionalProperties": false,
            },
        ]}),
        _ => texts.clone(),
    };
    let payload_of = |(word, keys): (&str, &[&str])| {
        let keys: Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), property(key))).collect();
        let is_empty = keys.is_empty();
        let payload = json!({
            "type": "object",
            "properties": keys,
            "additionalProperties": false,
            "minProperties": u8::from(!is_empty),
        });
        json!({
            "if": {"properties": {"type": {"const": word}}, "required": ["type"]},
            "then": {
                "properties": {"payload": payload},
                "required": if is_empty { json!([]) } else { json!(["payload"]) },
            },
        })
    };
    let scope: Map<String, Value> = SCOPE.into_iter().map(|key| (key.to_owned(), texts.clone())).collect();
    let words: Vec<&str> = TYPES.into_iter().map(|(word, _)| word).collect();
    let levels: Vec<&str> = EnforcementLevel::NAMES.into_iter().map(|(word, _)| word).collect();
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "description": "What those are told whom it stops."},
            "type": {"enum": words},
            "scope": {
                "type": "object",
                "description": "What it is about: all keys must hold, and without any it is about everything.",
                "properties": scope,
                "additionalProperties": false,
            },
            "enforcement_level": {"enum": levels, "description": "Default: strict."},
            "payload": {"type": "object"},
        },
        "required": ["name", "type"],
        "additionalProperties": false,
        "allOf": TYPES.into_iter().map(payload_of).collect::<Vec<_>>(),
    })
}

impl Reader {
    /// `[trust]`.
    pub(super) fn trust(&mut self, value: &Spanned<DeValue<'_>>, settings: &mut Settings) {
        let Some(table) = self.table(value, "`trust`") else { return };
        for (key, value) in table {
            if key.get_ref() != "required" {
                self.unknown_key(key, "`[trust]` has no key", &["required"]);
            } else if self.flag(value, "`required`") == Some(true) {
                settings.policies.push(ExecutionPolicy {
                    name: "trust.required".to_owned(),
                    scope: Scope::default(),
                    enforcement_level: EnforcementLevel::Strict,
                    payload: Payload::Trust,
                    origin: Some(self.span(value.span())),
                });
            }
        }
    }

    /// `[[policy]]`.
    pub(super) fn policies(&mut self, value: &Spanned<DeValue<'_>>, settings: &mut Settings) {
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong_type(value, "`policy`", "a list of tables, each written as `[[policy]]`");
            return;
        };
        let mut names: HashMap<String, Span> = HashMap::new();
        for item in list {
            let Some(policy) = self.policy(item) else { continue };
            let at = policy.origin.unwrap_or_default();
            if let Some(first) = names.insert(policy.name.clone(), at) {
                let message = format!("two policies of this file are called `{}`", policy.name);
                self.push(
                    Diagnostic::error(codes::CONFLICTING_SETTINGS, message)
                        .at(at, "called so again")
                        .at(first, "called so here"),
                );
            }
            settings.policies.push(policy);
        }
    }

    fn policy(&mut self, value: &Spanned<DeValue<'_>>) -> Option<ExecutionPolicy> {
        let table = self.table(value, "`policy`")?;
        for (key, _) in table {
            if !KEYS.contains(&key.get_ref().as_ref()) {
                self.unknown_key(key, "`[[policy]]` has no key", &KEYS);
            }
        }
        let whole = value.span();
        let name = match table.get("name") {
            Some(name) => self.text(name, "`name`").map(|text| (text.trim().to_owned(), name.span())),
            None => {
                self.missing(whole.clone(), "name", "so that those whom it stops know what to ask for");
                None
            }
        };
        if let Some((name, at)) = &name
            && name.is_empty()
        {
            self.refuse(self.span(at.clone()), "`name` cannot be empty", "names nothing");
        }
        let scope = table.get("scope").map_or(Some(Scope::default()), |scope| self.scope(scope));
        let level = match table.get("enforcement_level") {
            Some(level) => self.word(level, "`enforcement_level`", &["soft", "strict"]),
            None => Some("strict"),
        };
        let payload = match table.get("type") {
            Some(kind) => self.payload((kind, table.get("payload")), &whole),
            None => {
                self.missing(
                    whole,
                    "type",
                    "one of `trust`, `program`, `environment`, `lifecycle`, `limit`, `contract`, `sandbox`",
                );
                None
            }
        };
        let (name, at) = name?;
        let enforcement_level = EnforcementLevel::NAMES
            .into_iter()
            .find(|(word, _)| Some(*word) == level)
            .map(|(_, level)| level)?;
        let origin = Some(self.span(at));
        let imposes = matches!(&payload, Some(Payload::Sandbox(confinement)) if confinement.impose);
        if imposes && enforcement_level == EnforcementLevel::Soft {
            let message = "a soft policy imposes nothing, and this one is to impose a sandbox";
            let finding = Diagnostic::error(codes::CONFLICTING_SETTINGS, message);
            let finding = finding.at(self.span(value.span()), "soft, with `impose = true`");
            self.push(finding.help("leave `enforcement_level` or `impose` out"));
            return None;
        }
        Some(ExecutionPolicy { name, scope: scope?, enforcement_level, payload: payload?, origin })
    }

    fn scope(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Scope> {
        let table = self.table(value, "`scope`")?;
        let mut scope = Scope::default();
        let mut is_whole = true;
        for (key, value) in table {
            let read = match key.get_ref().as_ref() {
                "stage" => self.stages_meant(value).map(|stages| scope.stage = stages),
                "contract" => {
                    self.patterns(value, "`contract`", Against::Paths).map(|all| scope.contract = all)
                }
                "node" => self.patterns(value, "`node`", Against::Names).map(|all| scope.node = all),
                "type" => self.words(value, "`type`").map(|words| scope.kind = words),
                _ => {
                    self.unknown_key(key, "`scope` has no key", &SCOPE);
                    None
                }
            };
            is_whole &= read.is_some();
        }
        is_whole.then_some(scope)
    }

    fn stages_meant(&mut self, value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
        let stages = self.words(value, "`stage`")?;
        let unknown = stages.iter().find(|stage| !STAGES.contains(&stage.as_str()));
        let Some(unknown) = unknown else { return Some(stages) };
        let finding = Diagnostic::error(codes::BAD_SETTING, format!("there is no stage `{unknown}`"))
            .at(self.span(value.span()), "a policy for it stops nothing");
        self.push(match nearest(unknown, STAGES) {
            Some(meant) => finding.help(format!("did you mean `{meant}`?")),
            None => finding.help(format!("there is `{}`", STAGES.join("`, `"))),
        });
        None
    }

    fn payload(
        &mut self,
        (kind, payload): (&Spanned<DeValue<'_>>, Option<&Spanned<DeValue<'_>>>),
        whole: &std::ops::Range<usize>,
    ) -> Option<Payload> {
        const NAMES: &[&str] =
            &["trust", "program", "environment", "lifecycle", "limit", "contract", "sandbox"];
        let word = self.word(kind, "`type`", NAMES)?;
        let (_, keys) = TYPES.into_iter().find(|(name, _)| *name == word)?;
        let empty = DeTable::new();
        let table = match payload {
            Some(payload) => self.table(payload, "`payload`")?,
            None => &empty,
        };
        for (key, _) in table {
            if !keys.contains(&key.get_ref().as_ref()) {
                let none = format!("the payload of the type `{word}` has no key");
                if keys.is_empty() {
                    let message = format!("{none} `{}`: it asks for trust and nothing else", key.get_ref());
                    let at = self.span(key.span());
                    self.push(Diagnostic::error(codes::UNKNOWN_SETTING, message).at(at, "not known"));
                } else {
                    self.unknown_key(key, &none, keys);
                }
            }
        }
        let at = payload.map_or_else(|| whole.clone(), Spanned::span);
        let given = keys.iter().filter(|key| table.contains_key(**key)).count();
        if given == 0 && !keys.is_empty() {
            let message = format!("the policy of the type `{word}` asks for nothing");
            let help = format!("give it a payload with `{}`", keys.join("`, `"));
            let finding = Diagnostic::error(codes::BAD_SETTING, message).at(self.span(at), "stops nothing");
            self.push(finding.help(help));
            return None;
        }
        match word {
            "trust" => Some(Payload::Trust),
            "program" => self.allow_and_deny(table, Against::Paths).map(Payload::Program),
            "contract" => self.allow_and_deny(table, Against::Paths).map(Payload::Contract),
            "environment" => self.allow_and_deny(table, Against::Names).map(Payload::Environment),
            "sandbox" => self.confinement(table).map(Payload::Sandbox),
            "lifecycle" => self.words(table.get("allow")?, "`allow`").map(Payload::Lifecycle),
            _ => self.limits(table).map(Payload::Limit),
        }
    }

    fn allow_and_deny(&mut self, table: &DeTable<'_>, against: Against) -> Option<Patterns> {
        let allow = table.get("allow").map(|value| self.patterns(value, "`allow`", against));
        let deny = table.get("deny").map(|value| self.patterns(value, "`deny`", against));
        let allow = match allow {
            Some(read) => Some(read?),
            None => None,
        };
        Some(Patterns { allow, deny: deny.unwrap_or(Some(Vec::new()))? })
    }

    fn limits(&mut self, table: &DeTable<'_>) -> Option<Limits> {
        let mut limits = Limits::default();
        let mut is_whole = true;
        for (key, value) in table {
            let read = match key.get_ref().as_ref() {
                "timeout" => self.time(value, "`timeout`").map(|time| limits.timeout = Some(time)),
                "jobs" => self.count(value, "`jobs`").map(|count| limits.jobs = Some(count as usize)),
                "nodes" => self.count(value, "`nodes`").map(|count| limits.nodes = Some(count as usize)),
                "attempts" => self.count(value, "`attempts`").map(|count| limits.attempts = Some(count)),
                _ => None,
            };
            is_whole &= read.is_some();
        }
        is_whole.then_some(limits)
    }

    fn confinement(&mut self, table: &DeTable<'_>) -> Option<Confinement> {
        let mut confinement = Confinement { least: Sandbox::default(), impose: false };
        let Confinement { least, impose } = &mut confinement;
        let mut is_whole = true;
        for (key, value) in table {
            let read = match key.get_ref().as_ref() {
                "filesystem" => self.filesystem(value).map(|access| least.filesystem = access),
                "network" => self.network(value).map(|access| least.network = access),
                "required" => self.flag(value, "`required`").map(|flag| least.required = flag),
                "impose" => self.flag(value, "`impose`").map(|flag| *impose = flag),
                _ => None,
            };
            is_whole &= read.is_some();
        }
        is_whole.then_some(confinement)
    }

    fn network(&mut self, value: &Spanned<DeValue<'_>>) -> Option<NetworkAccess> {
        let word = match value.get_ref() {
            DeValue::Boolean(true) => "full",
            DeValue::Boolean(false) => "none",
            _ => self.word(value, "`network`", &["full", "none"])?,
        };
        Some(if word == "none" { NetworkAccess::None } else { NetworkAccess::Full })
    }

    fn filesystem(&mut self, value: &Spanned<DeValue<'_>>) -> Option<FilesystemAccess> {
        if let DeValue::Table(table) = value.get_ref() {
            let mut paths = PathAccess::default();
            let mut is_whole = true;
            for (key, value) in table {
                let read = match key.get_ref().as_ref() {
                    "read" => self.paths(value, "`read`").map(|read| paths.read = Some(read)),
                    "write" => self.paths(value, "`write`").map(|write| paths.write = write),
                    _ => {
                        self.unknown_key(key, "`filesystem` has no key", &["read", "write"]);
                        None
                    }
                };
                is_whole &= read.is_some();
            }
            return is_whole.then_some(FilesystemAccess::Paths(paths));
        }
        Some(match self.word(value, "`filesystem`", &["full", "project", "read_only"])? {
            "project" => FilesystemAccess::Project,
            "read_only" => FilesystemAccess::ReadOnly,
            _ => FilesystemAccess::Full,
        })
    }

    /// Paths as a sandbox takes them.
    fn paths(&mut self, value: &Spanned<DeValue<'_>>, what: &str) -> Option<Vec<String>> {
        let mut paths = Vec::new();
        let mut is_whole = true;
        for (text, at) in self.texts(value, what)? {
            let other_home = text.strip_prefix('~').filter(|rest| !rest.is_empty() && !rest.starts_with('/'));
            let problem = match text {
                "" => Some("empty"),
                _ if text.contains('\0') => Some("holds a NUL byte"),
                _ if other_home.is_some() => Some("only one's own home folder can be named, as `~/…`"),
                _ if text.split('/').any(|part| part == "..") => Some("`..` leads somewhere else"),
                _ => None,
            };
            if let Some(problem) = problem {
                self.refuse(at, &format!("{what} cannot hold `{}`", text.escape_debug()), problem);
                is_whole = false;
            }
            paths.push(text.to_owned());
        }
        is_whole.then_some(paths)
    }

    /// Patterns, of which each can match something.
    fn patterns(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        what: &str,
        against: Against,
    ) -> Option<Vec<Pattern>> {
        let mut patterns = Vec::new();
        let mut is_whole = true;
        for (text, at) in self.texts(value, what)? {
            let read = Pattern::new(text).and_then(|pattern| match against {
                Against::Names if pattern.is_path() => Err("no such name has a slash".to_owned()),
                Against::Names | Against::Paths => Ok(pattern),
            });
            match read {
                Ok(pattern) => patterns.push(pattern),
                Err(problem) => {
                    self.refuse(at, &format!("{what} cannot hold `{text}`"), &problem);
                    is_whole = false;
                }
            }
        }
        is_whole.then_some(patterns)
    }

    /// Words, of which none is empty.
    fn words(&mut self, value: &Spanned<DeValue<'_>>, what: &str) -> Option<Vec<String>> {
        let mut words = Vec::new();
        let mut is_whole = true;
        for (text, at) in self.texts(value, what)? {
            if text.trim().is_empty() {
                self.refuse(at, &format!("{what} cannot hold an empty text"), "names nothing");
                is_whole = false;
            }
            words.push(text.trim().to_owned());
        }
        is_whole.then_some(words)
    }

    fn missing(&mut self, at: std::ops::Range<usize>, key: &str, why: &str) {
        let finding = Diagnostic::error(codes::BAD_SETTING, format!("`[[policy]]` has no `{key}`"));
        self.push(finding.at(self.span(at), "this policy").help(format!("add `{key}`: {why}")));
    }

    fn refuse(&mut self, at: Span, message: &str, why: &str) {
        self.push(Diagnostic::error(codes::BAD_SETTING, message).at(at, why));
    }
}
