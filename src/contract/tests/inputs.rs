//! Inputs: declared, given and checked.

use super::*;

// ---- Inputs

#[test]
fn declared_inputs_have_a_type_and_keep_their_order() {
    let text = "\
workflow:
  tasks: []
  inputs:
    zeta:
    text: string
    whole: {type: integer, required: true, description: How many.}
    any: {type: number, default: 1}
    flag: {type: boolean, default: false, title: A flag, examples: [true]}
    list: {type: array, default: [1, two]}
    map: {type: object, default: {a: {b: null}}}
";
    let declared = clean(text).inputs;
    let shown: Vec<_> =
        declared.iter().map(|i| (i.name.as_str(), i.kind.name(), i.required, i.default.clone())).collect();
    assert_eq!(
        shown,
        [
            ("zeta", "string", false, None),
            ("text", "string", false, None),
            ("whole", "integer", true, None),
            ("any", "number", false, Some(json!(1))),
            ("flag", "boolean", false, Some(json!(false))),
            ("list", "array", false, Some(json!([1, "two"]))),
            ("map", "object", false, Some(json!({"a": {"b": null}}))),
        ]
    );
    assert_eq!(declared[2].description.as_deref(), Some("How many."));
    assert_eq!(clean("workflow: {tasks: [], inputs: null}").inputs, []);
}

#[test]
fn wrong_declarations_of_inputs_are_found() {
    let text = "\
workflow:
  tasks: []
  inputs:
    a: text
    b: {type: integer, default: 1.5}
    c: {type: boolean, default: yes}
    d: {default: 7}
    e: [string]
    f: {required: maybe, defualt: x}
";
    assert_eq!(
        findings(text),
        [
            "E0204 error 4:8 the type of an input cannot be `text`",
            "E0203 error 5:33 the default of `b` is a whole number",
            "E0203 error 6:33 the default of `c` is `true` or `false`",
            "E0203 error 7:18 the default of `d` is text",
            "E0203 error 8:8 the input `e` is a mapping, or the name of a type",
            "E0203 error 9:19 `required` is `true` or `false`",
            "E0205 error 9:26 an input has no key `defualt`",
        ]
    );
}

fn inputs() -> Vec<InputSpec> {
    let text = "\
inputs:
  target: {type: string, required: true}
  copies: {type: integer, default: 1}
  ratio: number
  force: {type: boolean, default: false}
  hosts: array
  extra: object
workflow_coordination: {workflow_definition: {execution_graph: {nodes: []}}}
";
    clean(text).inputs
}

fn given(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn object(value: Value) -> Map<String, Value> {
    let Value::Object(map) = value else { panic!("{value} is no object") };
    map
}

#[test]
fn inputs_are_completed_with_their_defaults_and_text_gets_its_type() {
    let resolve = |texts: &[(String, String)], values| {
        Value::Object(resolve_inputs(&inputs(), texts, object(values)).unwrap())
    };
    assert_eq!(
        resolve(&given(&[("target", "true")]), json!({})),
        json!({"target": "true", "copies": 1, "force": false})
    );
    let all = given(&[
        ("target", "12"),
        ("copies", "-3"),
        ("ratio", "0.5"),
        ("force", "true"),
        ("hosts", r#"["a", 1]"#),
        ("extra", r#"{"a": null}"#),
    ]);
    let expected = json!({"target": "12", "copies": -3, "ratio": 0.5, "force": true, "hosts": ["a", 1], "extra": {"a": null}});
    assert_eq!(resolve(&all, json!({})), expected);
    // Text is nearer to the person than a file; of two texts the later counts.
    let values = json!({"target": "file", "copies": 7, "ratio": 2});
    assert_eq!(
        resolve(&given(&[("target", ""), ("copies", "8"), ("copies", "9")]), values),
        json!({"target": "", "copies": 9, "ratio": 2, "force": false})
    );
}

#[test]
fn inputs_that_are_unknown_missing_or_of_the_wrong_type_are_all_found() {
    let found = |texts: &[(&str, &str)], values| {
        let findings =
            resolve_inputs(&inputs(), &given(texts), object(values)).expect_err("inputs are wrong");
        findings.iter().map(|d| show(&SourceMap::default(), d)).collect::<Vec<_>>()
    };
    let wrong = [
        ("targt", "x"),
        ("copies", "1.5"),
        ("ratio", "NaN"),
        ("force", "yes"),
        ("hosts", "a,b"),
        ("extra", "[]"),
    ];
    assert_eq!(
        found(&wrong, json!({"copies": "1", "nothing": 1})),
        [
            "E0403 error  the input `copies` cannot be `\"1\"`",
            "E0401 error  the contract has no input `nothing`",
            "E0401 error  the contract has no input `targt`",
            "E0403 error  the input `copies` cannot be `1.5`",
            "E0403 error  the input `ratio` cannot be `NaN`",
            "E0403 error  the input `force` cannot be `yes`",
            "E0403 error  the input `hosts` cannot be `a,b`",
            "E0403 error  the input `extra` cannot be `[]`",
            "E0402 error  the input `target` is not given",
        ]
    );
    // What was given wrongly is not missing as well.
    assert_eq!(found(&[], json!({"target": 5})), ["E0403 error  the input `target` cannot be `5`"]);
    let advice = |declared: &[InputSpec], name: &str| {
        let required: Vec<_> = declared.iter().filter(|spec| !spec.required).cloned().collect();
        let findings = resolve_inputs(&required, &given(&[(name, "x")]), Map::new()).expect_err("unknown");
        findings.into_iter().flat_map(|d| d.help).collect::<Vec<_>>()
    };
    assert_eq!(advice(&inputs(), "copeis"), ["did you mean `copies`?"]);
    assert_eq!(advice(&inputs(), "nothing"), ["it has `copies`, `ratio`, `force`, `hosts`, `extra`"]);
    assert_eq!(advice(&[], "copies"), ["it declares no inputs"]);
    let missing = resolve_inputs(&inputs(), &[], Map::new()).expect_err("missing");
    assert_eq!(missing[0].help, ["add `--input target=…` (string)"]);
}

#[test]
fn an_assignment_is_split_at_its_first_equals_sign() {
    for (text, name, value) in
        [("a=b", "a", "b"), ("a=", "a", ""), ("a=b=c", "a", "b=c"), ("a = b", "a ", " b")]
    {
        assert_eq!(parse_assignment(text), Ok((name.to_owned(), value.to_owned())));
    }
    for text in ["", "a", "=b"] {
        assert_eq!(parse_assignment(text), Err(format!("`{text}` is not `NAME=VALUE`")));
    }
}

#[test]
fn a_missing_input_is_named_even_where_another_value_reads_like_it() {
    let text = "workflow:\n  inputs: {a: integer, b: {required: true}}\n  tasks: []\n";
    let specs = clean(text).inputs;
    let found = resolve_inputs(&specs, &[("a".to_owned(), "b".to_owned())], Map::new()).unwrap_err();
    let codes: Vec<_> = found.iter().map(|d| d.code.as_str()).collect();
    assert_eq!(codes, ["E0403", "E0402"]);
}
