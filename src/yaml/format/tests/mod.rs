//! Golden texts, and a generator of texts that nobody would write.

mod generator;

use generator::Generator;

use super::*;
use crate::base::rng::Rng;
use crate::diag::SourceId;
use crate::yaml::{self, Limits};

fn formatted(text: &str) -> String {
    format(text, &[], Limits::default()).unwrap_or_else(|error| panic!("{error}\n--- from\n{text}"))
}

/// The value of a text, read as contracts are.
fn value(text: &str) -> serde_json::Value {
    let mut findings = Vec::new();
    let tree = yaml::load(text, SourceId::default(), Limits::default(), &mut findings).unwrap();
    tree.to_json(tree.root())
}

fn is_yaml(text: &str) -> bool {
    events::of(text, Limits::default()).is_some()
}

/// What must hold of every text.
fn assert_laws(text: &str) {
    let new = formatted(text);
    let again = format(&new, &[], Limits::default());
    assert_eq!(again.as_deref(), Ok(new.as_str()), "twice is not once\n--- from\n{text}\n--- to\n{new}");
    assert_eq!(value(text), value(&new), "\n--- from\n{text}\n--- to\n{new}");
    let strict = granit_parser::options! { strict_indentation: true, emit_unresolved_aliases: true };
    let refused = granit_parser::Parser::new_from_str_with_options(&new, strict).find_map(Result::err);
    assert!(refused.is_none(), "{refused:?}\n--- from\n{text}\n--- to\n{new}");
}

/// How many texts are tried.
fn cases(usual: u64) -> u64 {
    option_env!("ONEX_FORMAT_CASES").and_then(|n| n.parse().ok()).unwrap_or(usual)
}

#[test]
fn random_texts_keep_their_values_and_comments() {
    let mut tried = 0;
    for seed in 0..cases(40_000) {
        let text = Generator::text(seed);
        if is_yaml(&text) {
            tried += 1;
            assert_laws(&text);
        }
    }
    assert!(tried > cases(40_000) / 3, "{tried} were YAML");
}

/// Texts with what becomes of them.
#[test]
fn texts_get_their_form() {
    let rows: &[(&str, &str)] = &[
        ("", ""),
        ("\n\n", ""),
        ("# only\n\n\n\n  # comments", "# only\n\n# comments\n"),
        ("a:   1   \nb :  x\t# c", "a: 1\nb: x  # c\n"),
        ("a:\n- b\n-   c: 1\n    d: 2\n", "a:\n  - b\n  - c: 1\n    d: 2\n"),
        ("a:\n    -\n      b: 1\n    -\n\n      - c\n", "a:\n  - b: 1\n  - - c\n"),
        ("a:\n  - # why\n    b: 1\n", "a:\n  -  # why\n    b: 1\n"),
        ("a: {x:  1,y: [ 2,3 ],}\nb: [ ]\nc: {  }\n", "a: {x: 1, y: [2, 3]}\nb: []\nc: {}\n"),
        ("a: {\n  x: 1,\n\n  y: 2\n}\n", "a: {x: 1, y: 2}\n"),
        ("a: [\n  x, # one\n  # two\n  y\n  # three\n]\n", "a:\n  - x  # one\n  # two\n  - y\n  # three\n"),
        ("a: { # c\n x: 1 }", "a:  # c\n  x: 1\n"),
        ("a: [? b : c, # d\n e]\n", "a:\n  [\n    ? b: c,  # d\n    e\n  ]\n"),
        ("{\"a\":1,\"b\":[1,{\"c\":\n2}]}", "{\"a\": 1, \"b\": [1, {\"c\": 2}]}\n"),
        ("a:\n\n\n\n  b: 1\n\n\n\n  c: 2\n\n\n", "a:\n\n  b: 1\n\n  c: 2\n"),
        (
            "a:\n    b: 1\n    # of b\n  # of nobody\n# of c\nc: 2\n",
            "a:\n  b: 1\n  # of b\n# of nobody\n# of c\nc: 2\n",
        ),
        ("a:\n- b\n# of c\nc: 2\n", "a:\n  - b\n# of c\nc: 2\n"),
        ("a:\n    # nothing yet\nb:\n", "a:\n  # nothing yet\nb:\n"),
        ("a: |\n      x\n\n\n        y  \n\n\n\n# c\n", "a: |\n  x\n\n\n    y  \n\n# c\n"),
        (
            "a: |+ # keep\n x\n\n\nb: >4-\n      two\n     one\n",
            "a: |+  # keep\n  x\n\n\nb: >2-\n    two\n   one\n",
        ),
        ("a: |\n x", "a: |\n  x\n"),
        ("a: one\n      two   \n\n      three\n", "a: one\n  two\n\n  three\n"),
        ("a: \"one \\\n      two\\ \\ \n\n   three\"\n", "a: \"one \\\n  two\\ \\ \n\n  three\"\n"),
        ("a: &x   !!str  b\nc:   *x\nd: !include   e.yaml\n", "a: &x !!str b\nc: *x\nd: !include e.yaml\n"),
        ("a: &x\n    b: 1\nc: {<<: *x, *x : 1}\n", "a: &x\n  b: 1\nc: {<<: *x, *x : 1}\n"),
        ("? a\n:   b\n? [ c ]\n", "? a\n: b\n? [c]\n"),
        ("%YAML 1.2\n---   # c\na: 1\n...\n# end\n", "%YAML 1.2\n---  # c\na: 1\n...\n# end\n"),
        ("\u{feff}a: 1\r\nb: |\r\n   x\r\n", "a: 1\r\nb: |\r\n  x\r\n"),
        ("a: 1\r\nb: 2\n", "a: 1\nb: 2\n"),
        ("# c\n\u{feff}a: 1\n", "# c\na: 1\n"),
        ("[a: , b: ]", "[a: , b: ]\n"),
        ("key with spaces   : 'it''s'\n\"k\": \"v\"  \n", "key with spaces: 'it''s'\n\"k\": \"v\"\n"),
    ];
    for (old, new) in rows {
        assert_eq!(&formatted(old), new, "--- from\n{old}");
        assert_laws(old);
    }
}

#[test]
fn keys_within_keys_have_their_own_colons() {
    for (old, new) in [
        ("? ? a\n: b\n", "? ? a\n: b\n"),
        ("? ? a\n  : b\n: c\n", "? ? a\n  : b\n: c\n"),
        ("? ? ? a\n: b\n", "? ? ? a\n: b\n"),
        ("? - ? a\n: b\n", "? - ? a\n: b\n"),
        ("x:\n  ? ? a\n    ? b\n  : c\n", "x:\n  ? ? a\n    ? b\n  : c\n"),
        ("? ? a # c\n  # d\n: b\n", "? ? a  # c\n  # d\n: b\n"),
        ("? &m\n  ? a\n: b\n", "? &m\n  ? a\n: b\n"),
    ] {
        assert_eq!(formatted(old), new);
    }
}

#[test]
fn brackets_that_do_not_fit_give_way_to_lines() {
    let word = "w".repeat(40);
    let inner = format!("{{a: {word}, b: [{word}, c: d], e: }}");
    let lines = format!("a: {word}\n  b: [{word}, c: d]\n  e:\n");
    assert_eq!(formatted(&format!("k: {inner}\n")), format!("k:\n  {lines}"));
    assert_eq!(formatted(&format!("- {inner}\n")), format!("- {lines}"));
    // A comment behind it is about all of it, and keeps its place in the order.
    assert_eq!(formatted(&format!("k: {inner} # c\n")), format!("k:  # c\n  {lines}"));
    assert_eq!(formatted(&format!("- z\n- {inner} # c\n")), format!("- z\n# c\n- {lines}"));
    assert_eq!(formatted(&format!("k: &x {inner}\n")), format!("k: &x\n  {lines}"));
    // A text that is one pair of brackets stays one.
    let root = format!("{{a: {word}, b: {word}, c: [{word}]}}");
    assert_eq!(formatted(&root), format!("{{\n  a: {word},\n  b: {word},\n  c: [{word}]\n}}\n"));
    for text in [format!("k: {inner}\n"), format!("- z\n- {inner} # c\n"), root] {
        assert_laws(&text);
    }
}

#[test]
fn what_is_no_yaml_has_no_form() {
    for text in ["a: [1\n", "a: 1\n---\nb: 2\n", "a: b: c\n", "\tx: 1\n- y", "a: 'b\n"] {
        assert_eq!(format(text, &[], Limits::default()), Err(FormatError::NotYaml), "{text}");
    }
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    assert_eq!(format(&deep, &[], Limits::default()), Err(FormatError::NotYaml));
}

#[test]
fn scalars_get_other_texts() {
    let rename = |text: &str, old: &str| {
        let start = u32::try_from(text.find(old).unwrap()).unwrap();
        let end = start + u32::try_from(old.len()).unwrap();
        let span = Span { source: SourceId::default(), start, end };
        format(text, &[Rename { span, text: "new" }], Limits::default())
    };
    assert_eq!(rename("a:  1\nold : 2\n", "old").as_deref(), Ok("a: 1\nnew: 2\n"));
    assert_eq!(
        rename("\u{feff}a: 1\r\n\r\n\"old\":\r\n - 2\r\n", "\"old\"").as_deref(),
        Ok("a: 1\r\n\r\n\"new\":\r\n  - 2\r\n")
    );
    assert_eq!(rename("{x: y,old: 1}", "old").as_deref(), Ok("{x: y, new: 1}\n"));
}

#[test]
fn the_check_sees_what_is_lost() {
    let rows = [
        ("a: 1\nb: 2\n", "a: 1\n"),
        ("a: 1  # c\n", "a: 1\n"),
        ("# a\n# b\n", "# b\n# a\n"),
        ("a: 'x'\n", "a: x\n"),
        ("a: &x 1\nb: *x\n", "a: &y 1\nb: *y\n"),
        ("a: !!str 1\n", "a: 1\n"),
        ("a: |\n  x\n", "a: |\n   x\n\n  y\n"),
        ("a: |\n  x  \n", "a: |\n  x\n"),
        ("a:\n  b: 1\n", "a: {b: 1}\n"),
        ("---\na: 1\n", "a: 1\n"),
        ("a: '#1'  # 2\n", "a: '#1'  # 3\n"),
    ];
    for (old, new) in rows {
        assert!(check::same(old, (new, &[]), Limits::default()).is_err(), "{old} is not {new}");
        assert_eq!(check::same(old, (old, &[]), Limits::default()), Ok(()), "{old}");
    }
    assert_eq!(check::same("a: {b: 1}\n", ("a:\n  b: 1\n", &[]), Limits::default()), Ok(()));
}

#[test]
fn long_lines_cost_no_more_than_they_are_long() {
    // One line of 60,000 pieces: a cost for each that grows with the line would not end.
    let text = format!("[{}]", "{\"a\":[1,2]},".repeat(20_000));
    assert_laws(&text);
    let text = format!("a:\n{}", "  - {b: 1, c: [x, y]} # z\n\n\n".repeat(20_000));
    assert_laws(&text);
}

/// The examples with pieces moved, doubled and dropped: as somebody edits them.
#[test]
fn edited_contracts_keep_their_values_and_comments() {
    let contracts = [
        include_str!("../../../../examples/pipeline/contract.yaml"),
        include_str!("../../../../examples/registration/contract.yaml"),
        include_str!("../../../../examples/flaky/contract.yaml"),
        include_str!("../../../../contracts/ci/contract.yaml"),
    ];
    let edits = [
        " ", "  ", "\n", "\n\n", "\t", "# c\n", " # c\n", "\r\n", "- ", "? ", ": ", ", ", "[", "]", "{", "}",
        "'", "\"", "|\n", ">-\n", "&a ", "*a", "!t ", "---\n", "...\n", "x", "x: ", "\u{feff}", "#",
    ];
    let mut tried = 0;
    for seed in 0..cases(8_000) {
        let mut rng = Rng::of_parts(&[seed, 7]);
        let mut below = |bound: usize| usize::try_from(rng.below(bound as u64)).unwrap();
        let mut text = contracts[below(contracts.len())].to_owned();
        for _ in 0..=below(4) {
            let mut at = below(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            match below(4) {
                0 => _ = text.remove(at),
                1 => {
                    let line = text[at..].lines().next().unwrap_or_default().to_owned();
                    text.insert_str(at, &format!("{line}\n"));
                }
                _ => text.insert_str(at, edits[below(edits.len())]),
            }
        }
        if is_yaml(&text) {
            tried += 1;
            assert_laws(&text);
        }
    }
    assert!(tried > cases(8_000) / 6, "{tried} were YAML");
}
