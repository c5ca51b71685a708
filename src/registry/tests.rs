//! Blocks in every form of comment, metadata with its places, names and versions, the registry's file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::block::{self, Found};
use super::*;
use crate::diag::{Diagnostic, SourceId, SourceMap, codes};
use crate::model::component::{
    Component, ComponentQuery, Dependency, EntryKind, Form, Kind, Lifecycle, Reference,
};

/// What a file declares, with `CODE line:column` of every finding.
fn read(path: &str, text: &str) -> (Option<Component>, Vec<String>) {
    let mut sources = SourceMap::default();
    let source = sources.add(path, text);
    let declared = declared(source, text, Path::new(path));
    let place = |found: &Diagnostic| {
        let at = found.span().map_or((0, 0), |span| {
            let position = sources.position(source, span.start);
            (position.line, position.column)
        });
        format!("{} {}:{}", found.code, at.0, at.1)
    };
    (declared.component, declared.diagnostics.iter().map(place).collect())
}

fn component_in(path: &str, text: &str) -> Component {
    let (component, findings) = read(path, text);
    component.unwrap_or_else(|| panic!("{path} {findings:?}\n{text}"))
}

#[test]
fn a_block_is_found_in_every_form_of_comment() {
    let (first, last) = (block::FIRST_LINE, block::LAST_LINE);
    let forms = [
        (
            "a.py",
            format!("#!/usr/bin/env python3\n# {first}\n# name: x\n# tags:\n#   - a\n# {last}\nprint()\n"),
        ),
        ("a.py", format!("#{first}\n#name: x\n#tags: [a]\n#{last}\n")),
        ("a.yaml", format!("    # {first}\n    # name: x\n    #\n    # tags: [a]\n    # {last}\n")),
        ("a.rs", format!("// {first}\n// name: x\n// tags:\n// - a\n// {last}\n")),
        ("a.rs", format!("//! {first}\n//! name: x\n//! tags: [a]\n//! {last}\n")),
        ("a.sql", format!("-- {first}\n-- name: x\n-- tags: [a]\n-- {last}\n")),
        ("a.el", format!(";; {first}\n;; name: x\n;; tags: [a]\n;; {last}\n")),
        ("a.tex", format!("% {first}\n% name: x\n% tags: [a]\n% {last}\n")),
        ("a.c", format!("/* {first}\nname: x\ntags:\n  - a\n{last} */\n")),
        ("a.c", format!("/*\n * {first}\n * name: x\n *\n * tags:\n *   - a\n * {last}\n */\n")),
        ("a.c", format!("/**\n{first}\nname: x\ntags: [a]\n{last}\n*/\n")),
        ("a.c", format!("/* {first} */\n/* name: x */\n/* tags: [a] */\n/* {last} */\n")),
        ("a.md", format!("<!-- {first} -->\nname: x\ntags: [a]\n<!-- {last} -->\n# T\n")),
        ("a.md", format!("<!-- {first} -->\n<!-- name: x -->\n<!-- tags: [a] -->\n<!-- {last} -->\n")),
        ("a.md", format!("<!-- {first}\nname: x\ntags: [a]\n<!-- {last} -->\n")),
        ("a.html", format!("<!--\n  {first}\n  name: x\n  tags: [a]\n  {last}\n-->\n")),
        ("a.py", format!("\"\"\"\n{first}\nname: x\ntags: [a]\n{last}\n\"\"\"\n")),
        ("a.py", format!("\"\"\"{first}\nname: x\ntags: [a]\n{last}\"\"\"\n")),
        ("a.py", format!("'''Checks.\n\n  {first}\n  name: x\n  tags: [a]\n  {last}\n'''\n")),
        ("a.py", format!("\u{feff}# {first}\n# name: x\n# tags: [a]\n# {last}\n")),
    ];
    for (path, text) in &forms {
        for text in [text.clone(), text.replace('\n', "\r\n")] {
            let found = component_in(path, &text);
            assert_eq!((found.name.as_str(), found.tags.as_slice()), ("x", &["a".to_owned()][..]), "{text}");
            let expected = if block::is_document(Path::new(path)) { Kind::Document } else { Kind::Component };
            assert_eq!((found.kind, found.origin.form), (expected, Form::Block), "{text}");
            // The place of the value is that in the file.
            let span = found.span_of("name");
            assert_eq!(&text[span.start as usize..span.end as usize], "x", "{text}");
        }
    }
}

#[test]
fn what_only_looks_like_a_block_is_none() {
    let (first, last) = (block::FIRST_LINE, block::LAST_LINE);
    for (path, text) in [
        ("a.md", format!("```sh\n# {first}\n# name: x\n# {last}\n```\n")),
        ("a.md", format!("{first}\nname: x\n{last}\n")),
        ("a.md", format!("<!-- closed -->\n{first}\nname: x\n{last}\n")),
        ("a.rs", format!("const A: &str = \"# {first}\";\n")),
        ("a.py", format!("print('{first}')\n")),
        ("a.py", format!("\"\"\"closed\"\"\"\n{first}\nname: x\n{last}\n")),
        ("a.c", format!("/* closed */\n{first}\nname: x\n{last}\n")),
        ("a.py", format!("# {first} and more\n# name: x\n# {last}\n")),
    ] {
        assert_eq!(block::find(&text, Path::new(path)), None, "{text}");
    }
}

#[test]
fn a_block_begins_within_its_bound() {
    let text = |before: usize| {
        format!("{}# {}\n# name: x\n# {}\n", "#\n".repeat(before / 2), block::FIRST_LINE, block::LAST_LINE)
    };
    assert!(block::find(&text(block::SEARCHED - 2), Path::new("a.py")).is_some());
    assert!(block::find(&text(block::SEARCHED + 2), Path::new("a.py")).is_none());
}

#[test]
fn a_block_without_an_end_is_an_error_at_its_first_line() {
    let (first, last) = (block::FIRST_LINE, block::LAST_LINE);
    let unended = |text: &str| match block::find(text, Path::new("a.c")) {
        Some(Found::Unended { broken, .. }) => broken.map(|range| text[range].to_owned()),
        other => panic!("{other:?}"),
    };
    assert_eq!(unended(&format!("# {first}\n# name: x\ncode\n# {last}\n")).as_deref(), Some("code"));
    assert_eq!(unended(&format!("/* {first}\nname: x\n*/\n/* {last} */\n")).as_deref(), Some("*/"));
    assert_eq!(unended(&format!("# {first}\n# name: x\n")), None);
    assert_eq!(read("a.py", &format!("import os\n  # {first}\n  # name: x")).1, ["E0501 2:1"]);
}

#[test]
fn mistakes_inside_a_block_are_told_at_their_real_places() {
    let (first, last) = (block::FIRST_LINE, block::LAST_LINE);
    let text = format!("ü = 1\n# {first}\n# name: x\n# verison: 1\n# idempotent: maybe\n# {last}\n");
    assert_eq!(read("a.py", &text).1, ["E0205 4:3", "E0203 5:15"]);
    let syntax = format!("/*\n * {first}\n * name: x\n * tags: [a\n * {last}\n */\n");
    let (component, findings) = read("a.c", &syntax);
    assert!(component.is_none() && findings[0].starts_with("E0101 "), "{findings:?}");
    let twice = format!("# {first}\n# name: x\n# {last}\n# {first}\n# name: y\n# {last}\n");
    let (component, findings) = read("a.py", &twice);
    assert_eq!((component.unwrap().name.as_str(), findings), ("x", vec!["E0502 4:1".to_owned()]));
    let empty = format!("# {first}\n# {last}\n");
    assert_eq!(read("a.py", &empty).1, ["E0517 1:1"]);
}

#[test]
fn the_block_of_the_specification_is_a_document() {
    let found = component_in(
        "orchestration.md",
        "<!-- === OmniNode:Metadata ===
metadata_version: 0.1.0
protocol_version: 1.1.0
owner: OmniNode Team
copyright: OmniNode Team
schema_version: 1.1.0
name: orchestration.md
version: 1.0.0
uuid: fc75e506-2efa-4a93-a9ea-76b62055637f
author: OmniNode Team
created_at: 2025-05-27T05:42:34.597764
description: Stamped by ONEX
state_contract: state_contract://default
lifecycle: active
entrypoint: python@orchestration.md
runtime_language_hint: python>=3.11
namespace: onex.stamped.orchestration
meta_type: tool
<!-- === /OmniNode:Metadata === -->

# Title
",
    );
    assert_eq!((found.kind, found.is_executable()), (Kind::Document, false));
    assert_eq!(found.full_name(), "onex.stamped.orchestration.orchestration.md@1.0.0");
    assert_eq!(found.other["uuid"], "fc75e506-2efa-4a93-a9ea-76b62055637f");
    assert_eq!(
        found.entrypoint.as_ref().map(|e| (e.kind, e.target.join(" "))),
        Some((EntryKind::Python, "orchestration.md".to_owned()))
    );
    assert_eq!(not_executable(&found).unwrap().code, codes::NOT_EXECUTABLE);
}

#[test]
fn every_field_of_a_component_is_read() {
    let text = "name: check_yaml
namespace: onex.example
version: {major: 1, minor: 2, patch: 0}
meta_type: Validator
lifecycle: canary
status: draft
tags: [pre-commit, schema]
stages: [nightly]
description: Checks.
author: A
owner: B
idempotent: true
entrypoint: {type: command, target: [yamllint, --strict]}
files: '*.yaml'
types: [yaml]
exclude: ['vendor/**']
reads: ['**/*.yaml']
writes: ['out/**']
env: {LEVEL: 3, NAME: x}
timeout: 2m
sandbox: strict
capabilities: {parse: {}, read: {}}
dependencies: [lint, 'onex.example.yaml@^1.2', {name: base, version: '>=1 <2'}]
deprecated_since: 1.1.0
sunset_date: 2027-01-31
replacement: other
x-mine: 5
";
    let (component, findings) = read("a.onex.yaml", text);
    assert_eq!(findings, Vec::<String>::new());
    let one = component.unwrap();
    assert_eq!(one.full_name(), "onex.example.check_yaml@1.2.0");
    assert_eq!(
        (one.meta_type.as_str(), one.lifecycle.as_str(), one.status.as_deref()),
        ("validator", "canary", Some("draft"))
    );
    assert_eq!((one.tags.len(), one.stages()), (2, vec!["nightly", "pre-commit"]));
    assert_eq!(
        (one.author.as_deref(), one.owner.as_deref(), one.idempotent),
        (Some("A"), Some("B"), Some(true))
    );
    let entrypoint = one.entrypoint.clone().unwrap();
    assert_eq!(
        (entrypoint.kind, entrypoint.target.join("|").as_str()),
        (EntryKind::Command, "yamllint|--strict")
    );
    assert_eq!(
        (one.files.clone().unwrap().join(","), one.types.join(",")),
        ("*.yaml".to_owned(), "yaml".to_owned())
    );
    assert_eq!((one.exclude.len(), one.reads.len(), one.writes.len()), (1, 1, 1));
    assert_eq!(one.env, [("LEVEL".to_owned(), "3".to_owned()), ("NAME".to_owned(), "x".to_owned())]);
    assert_eq!(one.sandbox, Some(crate::model::sandbox::Sandbox::strict()));
    assert_eq!((one.timeout.unwrap().as_secs(), one.capabilities.join(",")), (120, "parse,read".to_owned()));
    let needs: Vec<String> = one.dependencies.iter().map(|dependency| dependency.on.to_string()).collect();
    assert_eq!(needs, ["lint", "onex.example.yaml@^1.2", "base@>=1, <2"]);
    assert_eq!(one.deprecation.replacement.as_deref(), Some("other"));
    assert_eq!(one.other["x-mine"], 5);
}

#[test]
fn wrong_fields_are_told_and_make_no_component() {
    for (line, expected) in [
        ("version: latest", "E0503 2:10"),
        ("version: [1]", "E0203 2:10"),
        ("namespace: a b", "E0208 2:12"),
        ("entrypoint: check.py", "E0204 2:13"),
        ("entrypoint: {type: comand, target: [x]}", "E0204 2:20"),
        ("entrypoint: {type: command}", "E0202 2:13"),
        ("entrypoint: {type: command, target: []}", "E0204 2:13"),
        ("entrypoint: [x]", "E0203 2:13"),
        ("idempotent: yes", "E0203 2:13"),
        ("tags: {a: b}", "E0203 2:7"),
        ("timeout: soon", "E0206 2:10"),
        ("timeout: 0", "E0206 2:10"),
        ("timeout_ms: 1.5", "E0206 2:13"),
        ("sandbox: strikt", "E0204 2:10"),
        ("sandbox: {network: {}}", "E0204 2:10"),
        ("dependencies: [a@b]", "E0504 2:16"),
        ("dependencies: [{version: 1}]", "E0202 2:16"),
        ("sunset_date: soon", "E0204 2:14"),
        ("env: [a]", "E0203 2:6"),
        ("metadata: 5", "E0203 2:11"),
    ] {
        let (component, findings) = read("a.onex.yaml", &format!("name: x\n{line}\n"));
        assert_eq!((component.is_none(), findings), (true, vec![expected.to_owned()]), "{line}");
    }
    let both = read("a.onex.yaml", "name: x\ntimeout: 1\ntimeout_ms: 5\n");
    assert_eq!((both.0, both.1), (None, vec!["E0207 3:13".to_owned()]));
    assert_eq!(read("a.onex.yaml", "version: 1\n").1, ["E0202 1:1"]);
    assert_eq!(read("a.onex.yaml", "name: ../x\n").1, ["E0208 1:7"]);
    assert_eq!(read("a.onex.yaml", "").1, ["E0517 1:1"]);
    assert_eq!(read("a.onex.yaml", "- a\n").1, ["E0517 1:1"]);
}

#[test]
fn doubtful_fields_are_warned_of_and_kept() {
    for (line, expected) in [
        ("lifecycle: cannary", vec!["E0204 2:12"]),
        ("lifecycle: incubating", vec![]),
        ("entrypoint: docker@image", vec!["E0204 2:13"]),
        ("entrypont: python@x.py", vec!["E0205 2:1"]),
        ("entrypoint: {type: script, target: x, args: [y]}", vec!["E0205 2:39"]),
        ("quality: high", vec!["E0205 2:1"]),
    ] {
        let (component, findings) = read("a.onex.yaml", &format!("name: x\n{line}\n"));
        assert_eq!(
            (component.is_some(), findings),
            (true, expected.into_iter().map(str::to_owned).collect()),
            "{line}"
        );
    }
    let kept = component_in("a.onex.yaml", "name: x\nlifecycle: Incubating\nmeta_type: Oracle\n");
    assert_eq!((kept.lifecycle.as_str(), kept.meta_type.as_str()), ("incubating", "oracle"));
}

#[test]
fn contracts_are_listed_by_what_they_say_and_where_they_stand() {
    let workflow = component_in(
        "contracts/ci/contract.yaml",
        "metadata: {lifecycle: canary, tags: [nightly], stages: [ci]}\nworkflow: {name: all, version: '1.2', tags: [ci], tasks: []}\n",
    );
    assert_eq!((workflow.kind, workflow.full_name().as_str()), (Kind::Workflow, "all@1.2.0"));
    assert_eq!((workflow.meta_type.as_str(), workflow.lifecycle.as_str()), ("workflow", "canary"));
    assert_eq!((workflow.tags.join(","), workflow.stages()), ("ci,nightly".to_owned(), vec!["ci"]));
    let unnamed = component_in("contracts/ci/contract.yaml", "workflow: {tasks: []}\n");
    assert_eq!((unnamed.name.as_str(), unnamed.version), ("ci", None));
    let included = component_in("a/contract.yaml", "workflow: !include tasks.yaml\n");
    assert_eq!(included.name, "a");
    let onex = "node_type: ORCHESTRATOR_GENERIC\nworkflow_coordination: {workflow_definition: {workflow_metadata: {workflow_name: w, workflow_version: {major: 3}}}}\n";
    assert_eq!(component_in("n/contract.yaml", onex).full_name(), "w@3.0.0");
    let layout = component_in(
        "node_x/v1_2_0/contract.yaml",
        "node_type: effect\ncapabilities: [[1]]\ndependencies: {a: b}\n",
    );
    assert_eq!(
        (layout.kind, layout.full_name().as_str(), layout.meta_type.as_str()),
        (Kind::Node, "node_x@1.2.0", "effect")
    );
    assert!(!layout.is_executable());
    let (_, findings) = read("x/v1_0_0/contract.yaml", "name: x\nnode_version: 1.1.0\nnode_type: effect\n");
    assert_eq!(findings, ["E0215 1:1"]);
    assert_eq!(read("x/contract.yaml", "services: {}\n"), (None, vec!["E0517 1:1".to_owned()]));
    assert_eq!(read("x/contract.yaml", " \n"), (None, vec!["E0517 2:1".to_owned()]));
}

fn named(namespace: &str, name: &str, version: &str) -> Component {
    Component {
        name: name.to_owned(),
        namespace: (!namespace.is_empty()).then(|| namespace.to_owned()),
        version: version.parse().ok(),
        entrypoint: Some(crate::model::component::Entrypoint {
            kind: EntryKind::Command,
            target: vec!["true".to_owned()],
        }),
        origin: crate::model::component::Origin {
            path: PathBuf::from(format!("{namespace}/{name}-{version}")),
            ..Default::default()
        },
        ..Component::default()
    }
}

fn with(component: Component, lifecycle: &str) -> Component {
    Component { lifecycle: Lifecycle::new(lifecycle), ..component }
}

fn resolved(catalog: &Catalog, reference: &str) -> Result<String, String> {
    let found = catalog.resolve(&reference.parse().unwrap());
    found.map(|component| component.full_name()).map_err(|error| format!("{:?}", error.diagnostic(None).code))
}

#[test]
fn a_reference_means_the_highest_version_that_will_do() {
    let versions = ["1.2.0", "1.10.0", "1.9.0", "2.0.0-beta"].map(|version| named("n", "a", version));
    let mut catalog = Catalog::of(versions);
    catalog.register(with(named("n", "a", "3.0.0"), "draft")).unwrap();
    catalog.register(with(named("n", "a", "1.11.0"), "archived")).unwrap();
    let resolved = |reference| resolved(&catalog, reference);
    assert_eq!(resolved("a").as_deref(), Ok("n.a@1.10.0"));
    assert_eq!(resolved("n.a@~1.9").as_deref(), Ok("n.a@1.9.0"));
    assert_eq!(resolved("a@<1.10").as_deref(), Ok("n.a@1.9.0"));
    assert_eq!(resolved("a@2.0.0-beta").as_deref(), Ok("n.a@2.0.0-beta"));
    assert_eq!(resolved("a@3.0.0").as_deref(), Ok("n.a@3.0.0"), "a draft that is named");
    assert_eq!(resolved("a@^3").as_deref(), Ok("n.a@3.0.0"), "a draft, where there is nothing else");
    assert_eq!(resolved("a@^1.11").as_deref(), Ok("n.a@1.11.0"));
    assert_eq!(resolved("a@^4"), Err("E0508".to_owned()));
    assert_eq!(resolved("b"), Err("E0505".to_owned()));
    assert_eq!(resolved("m.a"), Err("E0505".to_owned()));
}

#[test]
fn names_in_two_namespaces_are_ambiguous_and_candidates_are_named() {
    let mut document = named("docs", "a", "9.0.0");
    document.kind = Kind::Document;
    let catalog = Catalog::of([named("m", "a", "1.0.0"), named("n", "a", "2.0.0"), document]);
    let error = catalog.resolve(&Reference::to("a")).unwrap_err().diagnostic(None);
    assert_eq!(
        (error.code, error.help[0].as_str()),
        (codes::AMBIGUOUS_COMPONENT, "say which: `m.a@1.0.0`, `n.a@2.0.0`")
    );
    assert_eq!(resolved(&catalog, "n.a").as_deref(), Ok("n.a@2.0.0"));
    assert_eq!(resolved(&catalog, "a@^2").as_deref(), Ok("n.a@2.0.0"), "only one is in the range");
    let plain = Catalog::of([named("", "a", "1.0.0"), named("n", "a", "2.0.0")]);
    assert_eq!(resolved(&plain, "a").as_deref(), Ok("a@1.0.0"), "its whole name");
    let twice = Catalog::of([
        named("n", "a", "1.0.0"),
        Component { origin: Default::default(), ..named("n", "a", "1.0.0") },
    ]);
    let error = twice.resolve(&Reference::to("a")).unwrap_err().diagnostic(None);
    assert!(error.help[0].starts_with("it is declared in "), "{error:?}");
    assert_eq!(duplicates(twice.components()).len(), 1);
}

#[test]
fn names_with_dots_are_found_with_their_namespace() {
    let catalog = Catalog::of([named("onex.docs", "a.md", "1.0.0"), named("x", "md", "1.0.0")]);
    assert_eq!(resolved(&catalog, "a.md").as_deref(), Ok("onex.docs.a.md@1.0.0"));
    assert_eq!(resolved(&catalog, "onex.docs.a.md").as_deref(), Ok("onex.docs.a.md@1.0.0"));
    assert!(resolved(&catalog, "a.md.").is_err());
}

#[test]
fn a_registry_of_ones_own_finds_and_resolves_as_the_catalog_does() {
    struct Fixed(Vec<Arc<Component>>);
    impl Registry for Fixed {
        fn components(&self) -> &[Arc<Component>] {
            &self.0
        }
        fn register(&mut self, component: Component) -> Result<(), Duplicate> {
            self.0.push(Arc::new(component));
            Ok(())
        }
    }
    let mut fixed = Fixed(Vec::new());
    fixed.register(named("n", "a", "1.0.0")).unwrap();
    fixed.register(named("n", "a", "1.1.0")).unwrap();
    assert_eq!(fixed.resolve(&Reference::to("a")).unwrap().full_name(), "n.a@1.1.0");
    assert_eq!(fixed.find(&ComponentQuery::parse("version=^1.1").unwrap()).len(), 1);
    assert_eq!((fixed.search("A").len(), fixed.search("b").len()), (2, 0));
}

#[test]
fn the_same_component_is_registered_once() {
    let mut catalog = Catalog::default();
    catalog.register(named("n", "a", "1.0.0")).unwrap();
    let again = Component { origin: Default::default(), ..named("n", "a", "1.0.0") };
    assert_eq!(catalog.register(again).unwrap_err().name, "n.a@1.0.0");
    catalog.register(named("n", "a", "1.0.1")).unwrap();
    assert_eq!(catalog.components().len(), 2);
}

fn needing(component: Component, needs: &[&str]) -> Component {
    let dependencies =
        needs.iter().map(|on| Dependency { on: on.parse().unwrap(), span: Default::default() });
    Component { dependencies: dependencies.collect(), ..component }
}

#[test]
fn circles_and_missing_dependencies_are_found() {
    let catalog = Catalog::of([
        needing(named("", "a", "1.0.0"), &["b@^1"]),
        needing(named("", "b", "1.0.0"), &["c", "leaf"]),
        needing(named("", "c", "1.0.0"), &["a", "missing"]),
        needing(named("", "own", "1.0.0"), &["own"]),
        named("", "leaf", "1.0.0"),
    ]);
    let messages: Vec<String> = check(&catalog).into_iter().map(|found| found.message).collect();
    assert_eq!(
        messages,
        [
            "`c` needs what is not there: no component is named `missing`",
            "components need each other in a circle: a → b → c → a",
            "components need each other in a circle: own → own",
        ]
    );
    // A long chain is no circle, and is followed without recursion.
    let chain = (0..20_000).map(|n| needing(named("", &format!("c{n}"), "1.0.0"), &[&format!("c{}", n + 1)]));
    assert_eq!(check(&Catalog::of(chain)).len(), 1, "the last needs what is not there");
}

#[test]
fn programs_are_looked_for_by_what_they_are() {
    let mut component = named("", "a", "1.0.0");
    component.origin.path = "tools/a.onex.yaml".into();
    let asked = std::cell::RefCell::new(Vec::new());
    let missing = |component: &Component| {
        missing_program(component, &|needed| {
            asked.borrow_mut().push(format!("{needed:?}"));
            false
        })
    };
    assert!(missing(&component).unwrap().message.contains("`true`, which is no program in PATH"));
    let script = |kind, target: &str| Component {
        entrypoint: Some(crate::model::component::Entrypoint { kind, target: vec![target.to_owned()] }),
        ..component.clone()
    };
    assert!(missing(&script(EntryKind::Script, "a.sh")).unwrap().message.contains("`tools/a.sh`"));
    assert!(missing(&script(EntryKind::Http, "http://x")).is_none());
    assert_eq!(asked.take(), ["Program(\"true\")", "File(\"tools/a.sh\")"]);
    assert!(missing_program(&component, &|_| true).is_none());
}

#[test]
fn lists_of_names_leave_out_other_projects() {
    let names =
        ["contract.yaml", "a/b.onex.yaml", "a/onex.toml", "docs/x.md", "other.yaml", "a/sub/contract.yaml"];
    let found = Discovery::new("/nowhere").among(names.map(PathBuf::from)).run();
    assert_eq!(found.other_projects, [PathBuf::from("a")]);
    assert!(
        found.components.is_empty() && found.diagnostics.is_empty(),
        "what is gone is no mistake: {found:?}"
    );
}

#[test]
fn a_deprecated_component_is_warned_of_at_its_place() {
    let day = "2026-11-21".parse().unwrap();
    let one = component_in("a.onex.yaml", "name: x\nlifecycle: deprecated\n");
    let warning = deprecated(&one, day).unwrap();
    assert_eq!((warning.span().unwrap().start, warning.message.as_str()), (19, "`x` is deprecated"));
    let announced = component_in("a.onex.yaml", "name: x\nsunset_date: 2027-01-01\n");
    assert!(deprecated(&announced, day).unwrap().message.contains("will be gone on 2027-01-01"));
    assert!(deprecated(&component_in("a.onex.yaml", "name: x\n"), day).is_none());
    assert_eq!(SourceId::default(), warning.span().unwrap().source);
}
