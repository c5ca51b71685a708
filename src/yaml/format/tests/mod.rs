//! Golden texts, and a generator of texts that nobody would write.

mod generator;

use generator::Generator;

use super::*;
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
