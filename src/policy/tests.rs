//! What policies say of made-up runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::model::output::Digest;
use crate::model::policy::{EnforcementLevel, Pin, ProgramFile, Role, StartedProgram, Trusted};
use crate::model::sandbox::FilesystemAccess;

const ROOT: &str = "/p";

fn patterns(allow: Option<&[&str]>, deny: &[&str]) -> Patterns {
    let read = |texts: &[&str]| texts.iter().map(|text| Pattern::new(text).unwrap()).collect();
    Patterns { allow: allow.map(read), deny: read(deny) }
}

fn policy(payload: Payload) -> ExecutionPolicy {
    ExecutionPolicy {
        name: "rule".to_owned(),
        scope: Scope::default(),
        enforcement_level: EnforcementLevel::Strict,
        payload,
        origin: None,
    }
}

/// A program that is installed, or a file of the project.
fn program(written: &str, found: Option<&str>, real: Option<&str>) -> StartedProgram {
    let file = |path: &str| ProgramFile {
        path: PathBuf::from(path),
        is_installed: path.starts_with("/usr/bin/") || path.starts_with("/bin/"),
    };
    StartedProgram {
        written: written.to_owned(),
        found: found.map(file),
        real: real.or(found).map(file),
        role: Role::Started,
    }
}

fn starts(programs: &[StartedProgram]) -> Starts {
    Starts { programs: programs.to_vec(), ..Starts::default() }
}

fn why(patterns: &Patterns, starts: &Starts) -> Option<String> {
    forbidden(patterns, starts, Path::new(ROOT)).map(|forbidden| forbidden.text)
}

/// Some nodes of the contract `contracts/ci/contract.yaml`, each of its kind.
fn subject<'a>(nodes: &'a [(NodeId, NodeKind)]) -> Subject<'a> {
    let file = PathBuf::from("/p/contracts/ci/contract.yaml");
    let path = UnitPath { shown: file.clone(), real: file.clone(), named: file, root: PathBuf::from(ROOT) };
    let part = |(id, kind): &'a (NodeId, NodeKind)| Part {
        id,
        span: None,
        kind,
        unit: 0,
        attempts: 1,
        starts: Starts::default(),
        variables: Vec::new(),
        sandbox: Sandbox::default(),
    };
    Subject {
        stage: None,
        root: Path::new(ROOT),
        timeout: None,
        jobs: 1,
        units: vec![Unit { name: "ci".to_owned(), path, ..Unit::default() }],
        nodes: nodes.iter().map(part).collect(),
    }
}

fn nodes(ids: &[&str]) -> Vec<(NodeId, NodeKind)> {
    ids.iter().map(|id| (NodeId::new(id).unwrap(), NodeKind::Effect)).collect()
}

fn told(policy: &ExecutionPolicy, subject: &Subject<'_>) -> Vec<String> {
    let policies = [policy.clone()];
    let violations = judge(&policies, subject);
    violations.iter().flat_map(|v| v.breaches.iter().map(|breach| breach.what.clone())).collect()
}

#[test]
fn a_denied_program_is_denied_under_every_name() {
    let deny = patterns(None, &["sh"]);
    let rows = [
        program("sh", Some("/usr/bin/sh"), Some("/usr/bin/dash")),
        program("/bin/sh", Some("/bin/sh"), Some("/usr/bin/dash")),
        program("./sh", Some("/p/sh"), None),
        program("tool", Some("/p/tool"), Some("/usr/bin/sh")),
        program("x/../sh", Some("/p/sh"), None),
        program("sh", None, None),
    ];
    for program in rows {
        assert!(why(&deny, &starts(std::slice::from_ref(&program))).is_some(), "{program:?}");
    }
    let dash = program("sh", Some("/usr/bin/sh"), Some("/usr/bin/dash"));
    assert!(why(&patterns(None, &["dash"]), &starts(std::slice::from_ref(&dash))).is_some());
    assert!(why(&patterns(None, &["/usr/bin/*"]), &starts(&[dash])).is_some());
    assert_eq!(why(&deny, &starts(&[program("bash", Some("/usr/bin/bash"), None)])), None);
}

#[test]
fn a_name_allows_what_is_installed_and_no_file_that_is_called_so() {
    let allow = patterns(Some(&["sh", "cargo"]), &[]);
    let good = [
        program("sh", Some("/usr/bin/sh"), Some("/usr/bin/dash")),
        program("/bin/sh", Some("/bin/sh"), None),
        // It is looked at again when it starts.
        program("cargo", None, None),
    ];
    for program in good {
        assert_eq!(why(&allow, &starts(std::slice::from_ref(&program))), None, "{program:?}");
    }
    let bad = [
        program("./sh", Some("/p/sh"), None),
        program("sh", Some("/p/bin/sh"), None),
        program("/tmp/sh", Some("/tmp/sh"), None),
        program("bash", Some("/usr/bin/bash"), None),
        // CYRILLIC SMALL LETTER DZE in the place of an s.
        program("\u{455}h", Some("/usr/bin/\u{455}h"), None),
    ];
    for program in bad {
        assert!(why(&allow, &starts(std::slice::from_ref(&program))).is_some(), "{program:?}");
    }
    let homoglyph = why(&allow, &starts(&[program("\u{455}h", None, None)])).unwrap();
    assert!(homoglyph.contains("U+0455"), "{homoglyph}");
}

#[test]
fn a_path_allows_files_of_the_project_but_not_what_links_lead_to() {
    for pattern in ["tools/*", "./tools/*", "/p/tools/*"] {
        let allow = patterns(Some(&[pattern]), &[]);
        assert_eq!(
            why(&allow, &starts(&[program("./tools/x", Some("/p/tools/x"), None)])),
            None,
            "{pattern}"
        );
        let link = program("tools/x", Some("/p/tools/x"), Some("/usr/bin/dash"));
        assert!(why(&allow, &starts(&[link])).is_some(), "{pattern}");
        let deeper = program("tools/a/x", Some("/p/tools/a/x"), None);
        assert!(why(&allow, &starts(&[deeper])).is_some(), "{pattern}");
    }
    let both = patterns(Some(&["tools/*", "dash"]), &[]);
    let link = program("tools/x", Some("/p/tools/x"), Some("/usr/bin/dash"));
    assert_eq!(why(&both, &starts(&[link])), None);
}

#[test]
fn every_program_of_a_chain_counts_and_what_cannot_be_told_does_not_pass() {
    let env = program("env", Some("/usr/bin/env"), None);
    let sh = program("sh", Some("/usr/bin/sh"), None);
    let chain = starts(&[env.clone(), sh.clone()]);
    assert!(why(&patterns(Some(&["env"]), &[]), &chain).unwrap().contains("`sh`"));
    assert_eq!(why(&patterns(Some(&["env", "sh"]), &[]), &chain), None);
    let unclear = Starts { unclear: Some("`env` with `-Z`".to_owned()), ..starts(&[env]) };
    for patterns in [patterns(Some(&["*"]), &[]), patterns(None, &["x"])] {
        assert!(why(&patterns, &unclear).unwrap().contains("`-Z`"));
    }
    // What an allowed program runs must not be denied, and need not be allowed.
    let within = StartedProgram { role: Role::Within, ..program("x.sh", Some("/p/x.sh"), None) };
    let inside = starts(&[sh, within]);
    assert_eq!(why(&patterns(Some(&["sh"]), &[]), &inside), None);
    assert!(why(&patterns(Some(&["sh"]), &["*.sh"]), &inside).is_some());
}

#[test]
fn a_scope_is_all_that_it_says() {
    let ids = nodes(&["deploy.eu", "test"]);
    let mut subject = subject(&ids);
    subject.nodes[0].variables = vec!["TOKEN".to_owned()];
    subject.nodes[1].variables = vec!["TOKEN".to_owned()];
    let rule = policy(Payload::Environment(patterns(None, &["TOKEN"])));
    let one = |text: &str| vec![Pattern::new(text).unwrap()];
    let scoped = |scope: Scope| ExecutionPolicy { scope, ..rule.clone() };
    assert_eq!(told(&rule, &subject).len(), 2);
    let rows = [
        (Scope { node: one("deploy.*"), ..Scope::default() }, 1),
        (Scope { node: one("none"), ..Scope::default() }, 0),
        (Scope { contract: one("contracts/**"), ..Scope::default() }, 2),
        (Scope { contract: one("contracts/*"), ..Scope::default() }, 0),
        (Scope { contract: one("/p/contracts/ci/*"), node: one("test"), ..Scope::default() }, 1),
        (Scope { stage: vec!["ci".to_owned()], ..Scope::default() }, 0),
        (Scope { kind: vec!["EFFECT_GENERIC".to_owned()], ..Scope::default() }, 2),
        (Scope { kind: vec!["validator".to_owned()], ..Scope::default() }, 0),
    ];
    for (scope, count) in rows {
        assert_eq!(told(&scoped(scope.clone()), &subject).len(), count, "{scope:?}");
    }
    subject.stage = Some("ci");
    assert_eq!(told(&scoped(Scope { stage: vec!["ci".to_owned()], ..Scope::default() }), &subject).len(), 2);
}

#[test]
fn a_run_that_asks_for_more_than_its_limits_breaks_each_of_them() {
    let ids = nodes(&["a", "b"]);
    let mut subject = subject(&ids);
    (subject.jobs, subject.nodes[1].attempts) = (3, 4);
    let limits =
        Limits { timeout: Some(Duration::from_secs(60)), jobs: Some(2), nodes: Some(1), attempts: Some(3) };
    let rule = policy(Payload::Limit(limits));
    assert_eq!(
        told(&rule, &subject),
        [
            "the run asks for no bound on its time, and allowed is 1m00s",
            "the run asks for 3 nodes at once, and allowed is 2",
            "the run has 2 nodes, and allowed is 1",
            "node `b` asks for 4 attempts, and allowed is 3",
        ]
    );
    (subject.jobs, subject.timeout, subject.nodes[1].attempts) = (2, Some(Duration::from_secs(60)), 3);
    let rule = policy(Payload::Limit(Limits { nodes: Some(2), ..limits }));
    assert_eq!(told(&rule, &subject), Vec::<String>::new());
}

#[test]
fn a_path_is_allowed_by_the_file_and_denied_by_every_name() {
    let ids = nodes(&["a"]);
    let mut subject = subject(&ids);
    subject.units[0].path.named = PathBuf::from("/p/allowed/link.yaml");
    let rule = |patterns| policy(Payload::Contract(patterns));
    assert_eq!(told(&rule(patterns(Some(&["allowed/*"]), &[])), &subject).len(), 1);
    assert_eq!(told(&rule(patterns(Some(&["contracts/**"]), &[])), &subject).len(), 0);
    assert_eq!(told(&rule(patterns(None, &["allowed/*"])), &subject).len(), 1);
    assert_eq!(told(&rule(patterns(None, &["contracts/ci/*"])), &subject).len(), 1);
}

#[test]
fn lifecycles_are_those_that_are_listed() {
    let ids = nodes(&["a"]);
    let mut subject = subject(&ids);
    let rule = policy(Payload::Lifecycle(vec!["active".to_owned(), "Stable".to_owned()]));
    // What says nothing is active.
    assert_eq!(told(&rule, &subject).len(), 0);
    subject.units[0].lifecycle = Some(Lifecycle::new("stable"));
    assert_eq!(told(&rule, &subject).len(), 0);
    subject.units[0].lifecycle = Some(Lifecycle::new("draft"));
    assert_eq!(told(&rule, &subject), ["`ci` is `draft`, and allowed is `active`, `Stable`"]);
}

#[test]
fn variables_count_whoever_sets_them() {
    let ids = nodes(&["a"]);
    let mut subject = subject(&ids);
    subject.nodes[0].variables = vec!["CI".to_owned()];
    subject.nodes[0].starts.variables = vec!["LD_PRELOAD".to_owned()];
    let deny = policy(Payload::Environment(patterns(None, &["LD_*"])));
    assert_eq!(
        told(&deny, &subject),
        ["node `a` has the variable `LD_PRELOAD`, which the pattern `LD_*` denies"]
    );
    let allow = policy(Payload::Environment(patterns(Some(&["CI"]), &[])));
    assert_eq!(told(&allow, &subject), ["node `a` has the variable `LD_PRELOAD`, and allowed is `CI`"]);
    assert_eq!(told(&policy(Payload::Environment(patterns(Some(&[]), &[]))), &subject).len(), 2);
}

#[test]
fn a_sandbox_is_asked_for_or_imposed_and_never_loosened() {
    let ids = nodes(&["open", "tight", "offline"]);
    let mut subject = subject(&ids);
    subject.nodes[1].sandbox = Sandbox::strict();
    subject.nodes[2].sandbox = Sandbox { network: NetworkAccess::None, ..Sandbox::default() };
    let least = Sandbox { filesystem: FilesystemAccess::ReadOnly, ..Sandbox::default() };
    let rule = |impose| policy(Payload::Sandbox(Confinement { least: least.clone(), impose }));
    let asked = rule(false);
    assert_eq!(told(&asked, &subject).len(), 2);
    assert!(impose(&[asked], &mut subject).is_empty());
    let changed = impose(&[rule(true)], &mut subject);
    let numbers: Vec<usize> = changed.iter().map(|(at, _)| *at).collect();
    assert_eq!(numbers, [0, 2]);
    // What it had of its own stays.
    assert_eq!(changed[1].1, Sandbox::strict());
    assert_eq!(subject.nodes[1].sandbox, Sandbox::strict());
    assert_eq!(told(&rule(true), &subject), Vec::<String>::new());
    // Two that cannot both hold deny the run.
    let writes = |path: &str| {
        FilesystemAccess::Paths(crate::model::sandbox::PathAccess {
            read: None,
            write: vec![path.to_owned()],
        })
    };
    let rules = ["a", "b"].map(|path| {
        let least = Sandbox { filesystem: writes(path), ..Sandbox::default() };
        policy(Payload::Sandbox(Confinement { least, impose: true }))
    });
    subject.nodes[0].sandbox = Sandbox::default();
    impose(&rules, &mut subject);
    assert_eq!(judge(&rules, &subject).len(), 1);
}

fn pinned(path: &str, text: &str) -> Pin {
    Pin { path: PathBuf::from(path), digest: Some(Digest::of(text.as_bytes())) }
}

#[test]
fn trust_is_for_these_bytes_at_this_place() {
    let contract = Path::new("/p/c.yaml");
    let entry = Trusted {
        path: contract.to_path_buf(),
        root: PathBuf::from(ROOT),
        files: vec![pinned("/p/c.yaml", "c"), pinned("/p/x.sh", "x")],
    };
    let stands = |path: &str, root: &str, files: &[Pin]| {
        standing(std::slice::from_ref(&entry), (Path::new(path), Path::new(root)), files)
    };
    let now = [pinned("/p/c.yaml", "c"), pinned("/p/x.sh", "x")];
    assert_eq!(stands("/p/c.yaml", "/p", &now), Standing::Trusted);
    assert_eq!(stands("/p/c.yaml", "/p", &now[..1]), Standing::Trusted);
    assert_eq!(stands("/p/d.yaml", "/p", &now), Standing::Unknown);
    assert_eq!(stands("/p/c.yaml", "/q", &now), Standing::OtherRoot(PathBuf::from("/p")));
    let changed = |file: Pin| stands("/p/c.yaml", "/p", &[now[0].clone(), file]);
    let script = PathBuf::from("/p/x.sh");
    assert_eq!(changed(pinned("/p/x.sh", "y")), Standing::Changed(vec![script.clone()]));
    assert_eq!(changed(Pin { path: script.clone(), digest: None }), Standing::Changed(vec![script]));
    assert_eq!(changed(pinned("/p/y.sh", "x")), Standing::Added(vec![PathBuf::from("/p/y.sh")]));
    // Of two entries the one that fits counts.
    let old = Trusted { files: vec![pinned("/p/c.yaml", "old")], ..entry.clone() };
    let both = [old.clone(), entry];
    assert_eq!(standing(&both, (contract, Path::new("/p")), &now), Standing::Trusted);
    assert_eq!(
        standing(&[old], (contract, Path::new("/p")), &now),
        Standing::Changed(vec![contract.to_path_buf()])
    );
}

#[test]
fn a_soft_policy_is_a_warning_and_a_strict_one_an_error() {
    let ids = nodes(&["a"]);
    let subject = subject(&ids);
    let strict = policy(Payload::Trust);
    let soft = ExecutionPolicy { enforcement_level: EnforcementLevel::Soft, ..strict.clone() };
    let policies = [strict, soft];
    let violations = judge(&policies, &subject);
    let severities: Vec<_> = violations.iter().map(|v| diagnostic(v, None).severity).collect();
    assert_eq!(severities, [crate::diag::Severity::Error, crate::diag::Severity::Warning]);
}
