//! Texts to trees: types, places, limits, and what is refused.

use super::{Included, Limits, NodeRef, Shape, Tree, load, load_with};
use crate::diag::{Diagnostic, Findings, SourceMap, codes};

/// Reads `text` and gives the tree as JSON, or the code and place of what was found.
fn check(text: &str) -> Result<serde_json::Value, String> {
    check_within(text, Limits::default())
}

fn check_within(text: &str, limits: Limits) -> Result<serde_json::Value, String> {
    let mut map = SourceMap::default();
    let id = map.add("x.yaml", text);
    let mut found = Vec::new();
    let tree = load(text, id, limits, &mut found);
    let tree = tree.map_err(|d| show(&map, &d))?;
    match found.first() {
        Some(first) => Err(show(&map, first)),
        None => Ok(tree.to_json(tree.root())),
    }
}

fn show(map: &SourceMap, d: &Diagnostic) -> String {
    let places: Vec<String> = d
        .labels
        .iter()
        .map(|l| {
            let (start, end) =
                (map.position(l.span.source, l.span.start), map.position(l.span.source, l.span.end));
            format!("{}:{}-{}:{}", start.line, start.column, end.line, end.column)
        })
        .collect();
    format!("{} {}", d.code, places.join(" "))
}

#[test]
fn scalars_follow_the_core_schema() {
    let json = check(
        "[yes, no, on, null, ~, true, False, 12, -7, 0o17, 0xff, 1e3, .5, '12', \"true\", 1.2.3, 12:30, 99999999999999999999]",
    );
    let expected = serde_json::json!([
        "yes",
        "no",
        "on",
        null,
        null,
        true,
        false,
        12,
        -7,
        15,
        255,
        1000.0,
        0.5,
        "12",
        "true",
        "1.2.3",
        "12:30",
        99_999_999_999_999_999_999.0
    ]);
    assert_eq!(json, Ok(expected));
    assert_eq!(check(""), Ok(serde_json::Value::Null));
    assert_eq!(check("# only a comment\n"), Ok(serde_json::Value::Null));
    assert_eq!(check("\u{feff}a: 1\r\nb: 2\r\n"), Ok(serde_json::json!({"a": 1, "b": 2})));
}

#[test]
fn every_value_knows_its_place() {
    let text = "a:\n  - x: [1, two]\n    ü: three\nb: {c: d}\n";
    let mut map = SourceMap::default();
    let id = map.add("x.yaml", text);
    let tree = load(text, id, Limits::default(), &mut Vec::new()).unwrap();
    let mut seen = Vec::new();
    fn walk<'t>(tree: &Tree<'_>, node: NodeRef, text: &'t str, seen: &mut Vec<&'t str>) {
        let span = tree.span(node);
        seen.push(&text[span.start as usize..span.end as usize]);
        match tree.shape(node) {
            Shape::Sequence(items) => items.iter().for_each(|&item| walk(tree, item, text, seen)),
            Shape::Mapping(entries) => entries.iter().for_each(|e| walk(tree, e.value, text, seen)),
            _ => {}
        }
    }
    walk(&tree, tree.root(), text, &mut seen);
    assert_eq!(
        seen,
        [
            text.trim_end(),
            "- x: [1, two]\n    ü: three",
            "x: [1, two]\n    ü: three",
            "[1, two]",
            "1",
            "two",
            "three",
            "{c: d}",
            "d"
        ]
    );
}

#[test]
fn duplicate_keys_are_found_in_small_and_large_mappings() {
    assert_eq!(check("a: 1\nb: 2\na: 3\n"), Err("E0102 3:1-3:2 1:1-1:2".to_owned()));
    let large: String = (0..50).map(|n| format!("k{n}: {n}\n")).chain(["k7: again\n".to_owned()]).collect();
    assert_eq!(check(&large), Err("E0102 51:1-51:3 8:1-8:3".to_owned()));
}

#[test]
fn aliases_share_and_merge_keys_merge() {
    let text = "base: &b {x: 1, y: 2}\nuse: *b\nover: {<<: *b, y: 3}\nlist: {<<: [{z: 1}, *b], x: 0}\n";
    let expected = serde_json::json!({
        "base": {"x": 1, "y": 2},
        "use": {"x": 1, "y": 2},
        "over": {"y": 3, "x": 1},
        "list": {"x": 0, "z": 1, "y": 2},
    });
    assert_eq!(check(text), Ok(expected));
    assert_eq!(check("a: {'<<': 1}"), Ok(serde_json::json!({"a": {"<<": 1}})));
    assert_eq!(check("a: {<<: 1}"), Err("E0107 1:9-1:10".to_owned()));
    assert_eq!(check("a: *nope"), Err("E0106 1:4-1:9".to_owned()));
    assert_eq!(check("a: &a [*a]"), Err("E0106 1:8-1:10".to_owned()));
}

#[test]
fn aliases_of_aliases_lead_into_included_files() {
    let mut map = SourceMap::default();
    let texts = [
        "a: &a !include a.yaml\nb: &b [*a, *a]\nc: &c *b\nd: *a\ne: *v\n",
        "&same !include b.yaml\n",
        "{k: &v [x], l: *v}\n",
    ];
    let [outer, a, b] = texts.map(|text| map.add("x.yaml", text));
    let mut included = Included::default();
    included.add(outer, "a.yaml", Ok((a, texts[1])));
    included.add(a, "b.yaml", Ok((b, texts[2])));
    let mut found = Findings::default();
    let tree = load_with(texts[0], (outer, &included), Limits::default(), &mut found).unwrap();
    // An anchor is known in its own file only, and an alias has no anchor.
    let found: Vec<_> = found.into_vec().iter().map(|d| show(&map, d)).collect();
    assert_eq!(found, ["E0101 3:7-3:7"]);
    let file = serde_json::json!({"k": ["x"], "l": ["x"]});
    assert_eq!(tree.to_json(tree.root()), serde_json::json!({"a": file, "b": [file, file], "c": null}));

    let text = texts[0].replace("&c *b", "*b");
    let tree = load_with(&text, (outer, &included), Limits::default(), &mut Findings::default()).unwrap();
    let value = |key| tree.get(tree.root(), key).unwrap();
    let expected = serde_json::json!({"a": file, "b": [file, file], "c": [file, file], "d": file, "e": null});
    assert_eq!(tree.to_json(tree.root()), expected);
    // A value stands where it is used, and what is in it where it is written.
    let inner = tree.get(value("d"), "l").unwrap();
    assert_eq!([tree.span(value("d")).source, tree.span(inner).source], [outer, b]);
    assert!(tree.is_gap(tree.span(value("e"))) && !tree.is_gap(tree.span(value("d"))));
}

#[test]
fn many_merges_of_a_large_mapping_cost_no_more_than_their_size() {
    // Each merged key was once compared with every other: this took minutes.
    let base: String = (0..30_000).map(|n| format!("k{n}: 1, ")).collect();
    let uses: String = (0..60).map(|n| format!("m{n}: {{<<: *b, z: 1}}\n")).collect();
    let json = check(&format!("b: &b {{{base}}}\n{uses}")).unwrap();
    assert_eq!(json["m59"].as_object().unwrap().len(), 30_001);
}

#[test]
fn limits_hold_before_memory_is_spent() {
    let bomb = (1..40).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        text + &format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)
    });
    assert!(check(&bomb).is_err_and(|e| e.starts_with("E0113")));
    // A long text weighs as much as it repeats.
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a,".repeat(1000));
    assert!(check(&long).is_err_and(|e| e.starts_with("E0113")));
    assert!(check(&"[".repeat(100_000)).is_err_and(|e| e.starts_with("E0112")));
    assert!(check(&"{a: ".repeat(100_000)).is_err_and(|e| e.starts_with("E0112")));
    let deep: String = (0..70).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
    assert!(check(&deep).is_err_and(|e| e.starts_with("E0112")));
    assert!(check(&("[".repeat(64) + &"]".repeat(64))).is_ok());
    let few = Limits { nodes: 4, ..Limits::default() };
    assert!(check_within("[1, 2, 3]", few).is_ok());
    assert_eq!(check_within("[1, 2, 3, 4]", few), Err(format!("{} ", codes::TOO_MANY_NODES)));
}

#[test]
fn what_is_no_contract_text_is_refused_with_its_place() {
    assert_eq!(check("a: 1\n---\nb: 2\n"), Err("E0105 2:1-2:4".to_owned()));
    assert_eq!(check("a: !secret x\n"), Err("E0108 1:4-1:11".to_owned()));
    assert_eq!(check("a: !include x.yaml\n"), Err("E0104 1:13-1:19".to_owned()));
    assert_eq!(check("a: !include [x.yaml]\n"), Err("E0203 1:4-1:12".to_owned()));
    assert_eq!(check("a: !!str 12\n"), Ok(serde_json::json!({"a": "12"})));
    assert!(check("a: [1, 2\nb: 3\n").is_err_and(|e| e.starts_with("E0101 2")));
    assert!(check("a: 'open\n").is_err_and(|e| e.starts_with("E0101")));
    assert!(check("a:\n\tb: 1\n").is_err_and(|e| e.starts_with("E0101")));
}

#[test]
fn written_text_is_read_back_unchanged() {
    let value = serde_json::json!({
        "plain": "x", "yes": "yes", "empty": "", "lines": "a\nb\n", "tab": "\n\tx", "control": "\u{1b}[0m\u{0}",
        "nested": {"list": [1, 2.5, null, true, {"a": "b"}], "none": [], "map": {}}, "=": "<<", "date": "2026-11-20",
    });
    let text = super::to_text(&value).unwrap();
    assert_eq!(check(&text), Ok(value), "{text}");
}

/// Writes a value, and reads it back.
fn there_and_back(value: &serde_json::Value) -> (String, serde_json::Value) {
    let text = super::to_text(value).unwrap();
    let mut found = Vec::new();
    let tree = load(&text, Default::default(), Limits::default(), &mut found);
    let tree = tree.unwrap_or_else(|d| panic!("{d:?}\n{text}"));
    assert!(found.is_empty(), "{found:?}\n{text}");
    let back = tree.to_json(tree.root());
    (text, back)
}

#[test]
fn texts_that_look_like_something_else_stay_texts() {
    let words = [
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "N",
        "null",
        "~",
        "",
        "true",
        "1e3",
        "0x10",
        "0o17",
        "2026-01-01",
        ".5",
        "-",
        "?",
        ":",
        "a: b",
        "a #b",
        "#",
        "&a",
        "*a",
        "!t",
        "|",
        ">",
        "%",
        "@x",
        "`x`",
        "<<",
        "=",
        "12:30:45",
        "1_000",
        "+1",
        ".inf",
        ".NaN",
        "nan",
        "---",
        "...",
        "a\n---\nb",
        " lead",
        "trail ",
        "\ttab",
        "\u{feff}",
        "\u{2028}",
        "\u{85}",
        "\u{7f}",
        "\u{1b}[31m",
        "\u{0}",
        "\u{202e}",
        "é",
        "👩‍👩‍👧‍👦",
        "'",
        "\"",
        "\\",
        "a\r\nb",
        "\n",
        "\n\na",
        "a\n\n",
        "  a\nb\n",
        "a\n  b\n\n c\n",
        "a\n \nb",
        "a\n\tb\n",
        "a \nb \n",
        "[x]",
        "{x: 1}",
        "a,b",
        "\u{fffe}",
        "\u{10ffff}",
    ];
    for word in words {
        let value = serde_json::json!({"k": word, "l": [word, [word]], word: 1});
        let (text, back) = there_and_back(&value);
        assert_eq!(back, value, "{text}");
    }
}

#[test]
fn blocks_and_anchors_read_well() {
    let contract = serde_json::json!({"name": "ci", "version": "1.0"});
    let long = "x".repeat(40);
    let value = serde_json::json!({
        "first": {"contract": contract, "empty": [], "none": {}},
        "lines": "a\n\n  b\n",
        "open": "a\nb",
        "list": [[1, 2], [1, 2], [], [3], {"contract": contract, "deep": {"a": 1.5, "b": null}}],
        "stdout": long,
        "value": long,
        "other": {"stdout": {"a": long, "b": 1}, "again": {"a": long, "b": 1}, "1e300": 1e300, "tiny": 1e-7},
    });
    let (text, back) = there_and_back(&value);
    assert_eq!(back, value, "{text}");
    let expected = format!(
        "\
first:
  contract: &contract
    name: ci
    version: '1.0'
  empty: []
  none: {{}}
lines: |
  a

    b
open: |-
  a
  b
list:
  - &list
    - 1
    - 2
  - *list
  - []
  - - 3
  - contract: *contract
    deep:
      a: 1.5
      b: null
stdout: &stdout {long}
value: *stdout
other:
  stdout: &stdout-2
    a: *stdout
    b: 1
  again: *stdout-2
  '1e300': 1.0e+300
  tiny: 1.0e-7
"
    );
    assert_eq!(text, expected);
}

/// Values as nobody would make them, in which much repeats.
fn any_value(rng: &mut crate::base::rng::Rng, depth: u64) -> serde_json::Value {
    use serde_json::Value;
    const TEXTS: [&str; 10] = [
        "",
        "yes",
        "a\nb\n",
        " x\n",
        "\u{0}\u{7f}\u{85}\u{2028}",
        "1e5",
        "key: value",
        "- a\n- b\n\n",
        "é\t\n\tx",
        "2001-01-01",
    ];
    let pick = |rng: &mut crate::base::rng::Rng| TEXTS[usize::try_from(rng.below(10)).unwrap()];
    match rng.below(if depth > 4 { 5 } else { 8 }) {
        0 => Value::Null,
        1 => rng.chance(50).into(),
        2 => i64::try_from(rng.below(1 << 40)).unwrap().into(),
        3 => (0..rng.below(20)).map(|_| pick(rng)).collect::<String>().into(),
        4 => pick(rng).repeat(20).into(),
        5 => (0..rng.below(4)).map(|_| any_value(rng, depth + 1)).collect(),
        _ => {
            let entry = |rng: &mut crate::base::rng::Rng| {
                let key = if rng.chance(5) { pick(rng).repeat(300) } else { pick(rng).to_owned() };
                (key, any_value(rng, depth + 1))
            };
            Value::Object((0..rng.below(5)).map(|_| entry(rng)).collect())
        }
    }
}

#[test]
fn any_value_is_read_back_as_it_was() {
    for seed in 0..2000 {
        let value = any_value(&mut crate::base::rng::Rng::new(seed), 0);
        let (text, back) = there_and_back(&value);
        assert_eq!(back, value, "seed {seed}:\n{text}");
        assert!(text.ends_with('\n'), "seed {seed}");
    }
}
