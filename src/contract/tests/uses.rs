//! Nodes that use components: the name, the range, the arguments, and what stands beside them.

use serde_json::json;

use super::*;
use crate::model::uses::Uses;

fn uses(text: &str) -> Uses {
    *read(text).0.unwrap_or_else(|| panic!("{:?}", findings(text))).nodes[0]
        .uses
        .clone()
        .expect("a component")
}

#[test]
fn a_component_is_named_with_its_range_and_its_arguments() {
    let found = uses(&bare_task(
        "uses: 'onex.example.lint@>=1 <2'\nwith: {level: 3, deep-one: [a, true], none: }\nstdin: x\ntimeout: 5",
    ));
    assert_eq!(found.reference.to_string(), "onex.example.lint@>=1, <2");
    assert_eq!((found.may_be_elsewhere, found.says_timeout, found.says_kind), (false, true, false));
    assert_eq!(Value::Object(found.with.clone()), json!({"level": 3, "deep-one": ["a", true], "none": null}));
    let variables: Vec<(String, String)> = found.variables().collect();
    let shown: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(shown, ["ONEX_INPUT_LEVEL=3", r#"ONEX_INPUT_DEEP_ONE=["a",true]"#, "ONEX_INPUT_NONE="]);
    let effect = uses(&node("node_type: effect\nstep_config: {effect_node: node_book, with: {a: 1}}"));
    assert_eq!(
        (effect.reference.name.as_str(), effect.may_be_elsewhere, effect.says_kind),
        ("node_book", true, true)
    );
}

#[test]
fn a_fallback_can_be_a_component() {
    let workflow = read(&task("fallback: {uses: other@^2, with: {a: b}}")).0.unwrap();
    let fallback = &workflow.nodes[1];
    assert_eq!((fallback.id.as_str(), fallback.action_key), ("a.fallback", Some("uses")));
    assert_eq!(fallback.uses.as_ref().unwrap().reference.to_string(), "other@^2");
}

#[test]
fn what_is_no_component_and_no_argument_is_said_at_its_place() {
    for (keys, expected) in [
        ("uses: 1", "E0203 error 4:13 `uses` is the name of a component"),
        ("uses: [a]", "E0203 error 4:13 `uses` is the name of a component"),
        ("uses: a b", "E0204 error 4:13 `uses` cannot be `a b`"),
        ("uses: ../x", "E0204 error 4:13 `uses` cannot be `../x`"),
        ("uses: '@^1'", "E0204 error 4:13 `uses` cannot be `@^1`"),
        ("uses: a@soon", "E0504 error 4:13 `a@soon` has no range of versions"),
        ("uses: a\nwith: [b]", "E0203 error 5:13 `with` is a mapping"),
        ("uses: a\nwith: {'b c': 1}", "E0208 error 5:14 `b c` cannot be the name of an argument"),
        (
            "uses: a\nwith: {b-c: 1, B_C: 2}",
            "E0207 error 5:22 `b-c` and `B_C` would be the same variable `ONEX_INPUT_B_C`",
        ),
        ("uses: a\nwith: {files: 3}", "E0203 error 5:21 `files` is a list of names of files"),
        ("uses: a\nwith: {files: ['']}", "E0203 error 5:21 `files` is a list of names of files"),
        ("uses: a\nwith: {b: \"\\0\"}", "E0204 error 5:17 text for a program cannot hold a NUL byte"),
        ("uses: a\nargs: [b]", "E0212 error 5:13 `args` has no effect beside `uses`"),
        ("uses: a\nkwargs: {b: c}", "E0212 error 5:15 `kwargs` has no effect beside `uses`"),
        ("uses: a\nshell: bash", "E0207 error 5:14 4:13 `shell` chooses who runs a text, not a `uses`"),
        ("run: a\nwith: {b: c}", "E0212 error 5:13 `with` has no effect beside `run`"),
    ] {
        assert_eq!(findings(&bare_task(keys)), [expected], "{keys}");
    }
    let long = format!("uses: a\nwith: {{b: {}}}", "x".repeat(64 * 1024 + 1));
    assert_eq!(findings(&bare_task(&long)), ["E0204 error 5:17 an argument is at most 64 KiB long"]);
}

#[test]
fn expressions_in_arguments_are_not_carried_out_yet() {
    let later = "an expression (`${{ … }}`) is not carried out yet by this version of onex";
    assert_eq!(
        findings(&bare_task("uses: a\nwith: {b: ['${{ inputs.x }}']}")),
        [format!("E0210 warning 5:17 {later}")]
    );
}
