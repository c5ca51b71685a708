//! `sandbox:` on nodes, and for all that say nothing of their own.

use super::*;
use crate::model::sandbox::{FilesystemAccess, NetworkAccess, PathAccess, Sandbox};

fn sandbox(text: &str) -> Option<Sandbox> {
    first(&task(&format!("sandbox: {text}"))).sandbox.map(|sandbox| *sandbox)
}

#[test]
fn a_sandbox_says_which_files_and_which_network() {
    assert_eq!(first(&task("tags: []")).sandbox, None);
    assert_eq!(sandbox("false"), None);
    assert_eq!(sandbox("strict"), Some(Sandbox::strict()));
    assert_eq!(sandbox("{}"), Some(Sandbox::default()));
    let all = "{filesystem: project, network: none, required: false}";
    let expected =
        Sandbox { filesystem: FilesystemAccess::Project, network: NetworkAccess::None, required: false };
    assert_eq!(sandbox(all), Some(expected.clone()));
    let in_onex = first(&node(&format!("step_config: {{run: x}}\nsandbox: {all}"))).sandbox;
    assert_eq!(in_onex, Some(Box::new(expected)));
    for (word, access) in
        [("full", NetworkAccess::Full), ("true", NetworkAccess::Full), ("false", NetworkAccess::None)]
    {
        assert_eq!(sandbox(&format!("{{network: {word}}}")).map(|s| s.network), Some(access), "{word}");
    }
    let paths = |text: &str| sandbox(&format!("{{filesystem: {text}}}")).map(|s| s.filesystem);
    let access = |read: Option<&[&str]>, write: &[&str]| {
        Some(FilesystemAccess::Paths(PathAccess { read: read.map(texts), write: texts(write) }))
    };
    assert_eq!(paths("{write: [out, ~/.cargo, /var/tmp]}"), access(None, &["out", "~/.cargo", "/var/tmp"]));
    assert_eq!(paths("{read: ., write: ~/}"), access(Some(&["."]), &["~/"]));
    assert_eq!(paths("{read: []}"), access(Some(&[]), &[]));
    assert_eq!(paths("{}"), access(None, &[]));
    assert_eq!(paths("read_only"), Some(FilesystemAccess::ReadOnly));
}

#[test]
fn a_node_without_a_sandbox_has_that_of_the_rules() {
    let of = |nodes: &str| {
        clean(&format!(
            "workflow:\n  tasks:\n    - {{id: a, run: x{nodes}}}\n  coordination: {{rules: {{sandbox: strict}}}}\n"
        ))
    };
    assert_eq!(of("").nodes[0].sandbox.as_deref(), Some(&Sandbox::strict()));
    assert_eq!(of(", sandbox: false").nodes[0].sandbox, None);
    assert_eq!(of(", sandbox: {}").nodes[0].sandbox.as_deref(), Some(&Sandbox::default()));
}

#[test]
fn an_action_that_stands_in_is_in_the_sandbox_of_its_node() {
    let workflow = clean(&task("sandbox: strict\nfallback: {run: y}"));
    assert_eq!(workflow.nodes[1].sandbox.as_deref(), Some(&Sandbox::strict()));
    let own = "E0212 error 5:18 `sandbox` has no effect in `fallback`";
    assert_eq!(findings(&task("fallback: {sandbox: strict, run: y}")), [own]);
}

#[test]
fn what_a_sandbox_cannot_mean_is_refused() {
    let cases = [
        ("sandbox: true", "E0204 error 5:16 `sandbox` cannot be `true`"),
        ("sandbox: strickt", "E0204 error 5:16 `sandbox` cannot be `strickt`"),
        ("sandbox: [strict]", "E0203 error 5:16 `sandbox` is one word"),
        ("sandbox: {filesystem: readonly}", "E0204 error 5:29 `filesystem` cannot be `readonly`"),
        ("sandbox: {filesystem: true}", "E0204 error 5:29 `filesystem` cannot be `true`"),
        ("sandbox: {network: local}", "E0204 error 5:26 `network` cannot be `local`"),
        ("sandbox: {required: 1}", "E0203 error 5:27 `required` is `true` or `false`"),
        ("sandbox: {filesistem: full}", "E0205 error 5:17 `sandbox` has no key `filesistem`"),
        ("sandbox: {filesystem: {writes: [x]}}", "E0205 error 5:30 `filesystem` has no key `writes`"),
        ("sandbox: {filesystem: {write: [a/../b]}}", "E0213 error 5:38 `write` cannot be `a/../b`"),
        ("sandbox: {filesystem: {read: ~root}}", "E0204 error 5:36 `read` cannot be `~root`"),
        ("sandbox: {filesystem: {read: ['']}}", "E0204 error 5:37 `read` cannot be ``"),
        ("sandbox: {filesystem: {read: ['${{ x }}']}}", "E0204 error 5:37 `read` cannot hold an expression"),
    ];
    for (keys, expected) in cases {
        assert_eq!(findings(&task(keys)), [expected], "{keys}");
    }
    // In YAML a tilde alone is no text.
    let warning = "E0204 warning 5:36 `read` says nothing, so everything may be read";
    assert_eq!(findings(&task("sandbox: {filesystem: {read: ~}}")), [warning]);
    let help = advice(&task("sandbox: {filesystem: readonly}"));
    assert!(help.iter().any(|help| help.contains("read_only")), "{help:?}");
}
