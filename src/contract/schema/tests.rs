//! The schema against the parser: random contracts, in order and not, about which both have to agree.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::super::keys::words::{FILESYSTEMS, Word};
use super::super::parse;
use super::super::values::{Unit, Zero};
use super::*;
use crate::base::rng::Rng;
use crate::diag::{Diagnostic, Severity, SourceMap, codes};

/// How many contracts are made of each dialect.
const CASES: u64 = 10_000;

/// Findings that a schema cannot have, because they need more than the form of one value. The same list, for people, is
/// in `docs/schema.md`.
fn is_out_of_reach(finding: &Diagnostic) -> bool {
    match finding.code {
        codes::DUPLICATE_NODE
        | codes::UNKNOWN_NODE
        | codes::UNKNOWN_GROUP
        | codes::BAD_FALLBACK
        | codes::BAD_RANGE
        | codes::OUTSIDE_ROOT => true,
        // The schema sees it in a script, and not in an argument that is one, or in the choice of a shell.
        codes::PASTED_DATA => {
            !finding.labels.iter().any(|label| label.text == "`${{ … }}` stands in a script")
        }
        // Two values that contradict each other.
        codes::CONFLICTING_KEYS => {
            let of_values = ["waits for both", "would be the same variable"];
            finding.message.ends_with("disagree")
                || of_values.iter().any(|part| finding.message.contains(part))
        }
        // The id of an inline fallback, which comes from that of its node.
        codes::BAD_ID => finding.message.contains(".fallback"),
        // Keys are text in JSON.
        codes::WRONG_TYPE => {
            let of_a_key = finding.message.starts_with("a key") || finding.message.starts_with("the name of");
            of_a_key && finding.message.ends_with("is text")
        }
        // Text with a unit that is longer than a century; of numbers the schema knows.
        codes::BAD_DURATION if finding.labels.iter().any(|label| label.text == "longer than a century") => {
            finding.message.rsplit('`').nth(1).is_some_and(|text| text.contains(char::is_alphabetic))
        }
        codes::BAD_VALUE if finding.message.starts_with("the agent `") => true,
        codes::BAD_VALUE | codes::BAD_DURATION => {
            let endless = [".nan", ".inf"].iter().any(|word| finding.message.contains(word));
            endless || ["NUL byte", "64 KiB"].iter().any(|bound| finding.message.contains(bound))
        }
        _ => false,
    }
}

/// Whether the schema has to refuse a contract for this finding.
fn is_refusal(finding: &Diagnostic) -> bool {
    match finding.code {
        // Whether a key resembles another makes it an error; the schema refuses all that are not known, or none.
        codes::UNKNOWN_KEY => {
            let open = [
                &keys::ONEX_DOCUMENT,
                &keys::WORKFLOW_DOCUMENT,
                &keys::RESOURCE_CONSTRAINTS,
                &keys::METADATA,
            ];
            !open
                .iter()
                .any(|table| !table.closed && finding.message.starts_with(&format!("{} has", table.place)))
        }
        _ => finding.severity == Severity::Error && !is_out_of_reach(finding),
    }
}

fn validator() -> &'static Validator {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| jsonschema::draft202012::new(&schema()).expect("the schema is a schema"))
}

/// Makes contracts from the tables.
struct Maker<'a> {
    rng: Rng,
    /// Of a thousand values, how many are any value at all.
    sloppiness: u64,
    anything: &'a [Value],
}

/// Values of all forms, and those that nearly are.
const ANYTHING: &str = r#"[
    null, true, false, 0, 1, -1, 2, 100, 101, 4294967295, 4294967296, 0.5, 1.5, -0.5, 99.5,
    "", " ", "a", "1a", "x y", "json", "JSON", "parallel", "Parallel", "none", "null", "retry", "RETRY", "stop",
    "30s", "0s", "0", "0.0", "0e5", "1e3", "1h30m", "1h 30m", "0sec1m", "1 h", "-1", "+5", ".5", "5.", "soon",
    "512MB", "0MB", "8 GiB", "4 cores", "0 cores", "cores", "exit:3", "exit:0", "exit:300", "http:503", "any",
    "ANY", "ConnectionError", "Odd:one", "odd", "pkg.mod:func", "pkg:", "mod", "a/b.py", "a/", "node", "all",
    "destination", "success", "integer", "string", "effect", "full", "inherit", "echo ${{ inputs.x }}",
    [], ["a"], ["a", 1, true], [null], [{}], [[]], [""], ["any"], [1], {}, {"enabled": false},
    {"enabled": true}, "strict", "project", "full", "~", "~x", {"write": "~x"}, {"network": true},
    "1.0.0.0", "1.0", "1.", "-1", ".5", {"${{ x }}": "y"}, ["${{ x }}"], {"a": 1}, {"a": null}, {"a": "x"}, {"a=b": "x"}, {"": 1}, {"node": "a"},
    {"node": "a", "on": "failure"}, {"run": "x"}, {"major": 1, "minor": 0}, {"major": "1"}, {"major": -1},
    {"type": "integer"}, {"uses": "x"}
]"#;

impl Maker<'_> {
    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.rng.below(n as u64)).unwrap()
    }

    fn chance(&mut self, of_thousand: u64) -> bool {
        self.rng.below(1000) < of_thousand
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let at = self.below(from.len());
        from[at].clone()
    }

    /// A value of any form.
    fn anything(&mut self) -> Value {
        let at = self.below(self.anything.len());
        self.anything[at].clone()
    }

    fn word(&mut self, words: &[Word]) -> Value {
        let (word, _) = self.pick(words);
        word.into()
    }

    fn any_case(&mut self, words: &[Word]) -> Value {
        let (word, _) = self.pick(words);
        match self.below(3) {
            0 => word.to_uppercase().into(),
            1 => format!("{}{}", word[..1].to_uppercase(), &word[1..]).into(),
            _ => word.into(),
        }
    }

    fn one_of(&mut self, values: Value) -> Value {
        match values {
            Value::Array(values) => self.pick(&values),
            one => one,
        }
    }

    /// A value of this form, mostly.
    fn value(&mut self, form: &Form) -> Value {
        if self.chance(self.sloppiness) {
            return self.anything();
        }
        match *form {
            Form::Any => match self.below(3) {
                0 => json!(["x", 1]),
                1 => json!(false),
                _ => json!("sh"),
            },
            Form::Text | Form::Plain | Form::Suggested(_) | Form::Destination => {
                self.one_of(json!(["a", "some text", 1, 1.5, true]))
            }
            Form::Constant => self.one_of(json!(["a", 1, ["x"], {"a": [false]}, "${{ x }}", [{"a": "${{ x }}"}]])),
            Form::Object => self.one_of(json!([{}, {"a": 1}, {"enabled": false}])),
            Form::Id => self.one_of(json!(["a", "b", "c", "d-1", "_e.f"])),
            Form::Matching { .. } => self.one_of(json!(["a.py", "tools/b", "c "])),
            Form::Reference => self.one_of(json!(["lint", "a.b@^1.2", " c @ 1", "_x-1+2@>=1 <2", "d@ü"])),
            Form::OnlyMatching { .. } => self.one_of(json!(["a:b", "a.b:c.d", "_x1:é"])),
            Form::Bool => self.one_of(json!([true, false])),
            Form::Count(least) => {
                let n = self.below(4) as u64 + u64::from(least);
                if self.chance(50) { u32::MAX.into() } else { n.into() }
            }
            Form::Number(least, most) => {
                let most = most.unwrap_or(least + 3.5);
                self.one_of(json!([least + 0.5, most - 0.25]))
            }
            Form::Duration(Unit::Seconds, zero) => {
                let nothing = if zero == Zero::Allowed { json!([0, "0s"]) } else { json!([2, "2s"]) };
                let times =
                    json!([1, 0.5, "30s", "1h30m", "2m 5s", "250ms", "1.5", " 4d ", 3_153_600_000_u64]);
                if self.chance(200) { self.one_of(nothing) } else { self.one_of(times) }
            }
            Form::Duration(Unit::Millis, _) => self.one_of(json!([1, 30_000, 3_153_600_000_000_u64])),
            Form::Size => self.one_of(json!([1, 4096, "512MB", "8 GiB", "1k", "007"])),
            Form::Megabytes => self.one_of(json!([1, 512, "512MB", "1g"])),
            Form::Processors => self.one_of(json!([1, 4, "4 cores", "1cpu", "2"])),
            Form::Word(words) => self.word(words),
            Form::AnyCase(words) => self.any_case(words),
            Form::RetryOn => {
                let words =
                    json!(["any", "Timeout", "exit:75", "exit:3", "http:503", "ConnectionError", "True"]);
                let one = self.one_of(words.clone());
                if self.chance(300) { one } else { json!([one, self.one_of(words)]) }
            }
            Form::Texts => self.one_of(json!(["a", 1, [], ["a"], ["a", 2, false]])),
            Form::Dependencies => {
                let ids = json!(["a", "b", "c"]);
                let one = self.one_of(ids.clone());
                let condition = self.mapping(&keys::DEPENDENCY);
                self.one_of(json!([one, [one], [condition], []]))
            }
            Form::Mappings(table) => {
                let n = self.below(3);
                (0..n).map(|_| self.item(table)).collect()
            }
            Form::Mapping(table) => self.mapping(table),
            Form::Switched(table) => match self.below(6) {
                0 => self.one_of(json!([false, 0])),
                _ => self.mapping(table),
            },
            Form::Fallback(table) => match self.below(6) {
                0 => self.one_of(json!([false, 0, {"enabled": false, "junk": 1}])),
                1 => json!("b"),
                _ => self.mapping(table),
            },
            Form::Sandbox(table) => match self.below(4) {
                0 => self.one_of(json!([false, "strict"])),
                _ => self.mapping(table),
            },
            Form::Filesystem(table) => match self.below(2) {
                0 => self.word(&FILESYSTEMS),
                _ => self.mapping(table),
            },
            Form::Paths => self.one_of(json!(["a", ".", "~", ["~/.cargo", "/tmp", 1], [], ["src/x"]])),
            Form::Named(Names::Variables) => self.one_of(json!([{}, {"A": "x", "B": 1}, {"C": null}])),
            Form::Named(Names::Arguments) => self.one_of(json!([
                {}, {"a": 1, "b-c": [true, null]}, {"files": "x"}, {"files": ["x", "y"]}, {"files": [1]}, {"files": ""},
                {"a b": 1}, {"x": "${{ x }}"}, {"files": null}
            ])),
            Form::Named(Names::Groups) => self.one_of(json!([{}, {"db": 2}])),
            Form::Named(Names::Inputs(table)) => {
                let entry = if self.chance(200) {
                    self.one_of(json!(["string", "integer", null]))
                } else {
                    self.item(table)
                };
                json!({"x": entry})
            }
            Form::Program => self.one_of(json!(["echo", "a\nb", ["echo"], ["echo", 1, true], 1, false])),
            Form::InputType => {
                self.one_of(json!(["string", "integer", "number", "boolean", "array", "object"]))
            }
            Form::Version => {
                self.one_of(json!(["1.0", 1, 1.5, {"major": 1}, {}, {"major": 1, "minor": null, "build": []}, "v1.2.3-rc.1+a_b"]))
            }
            Form::BoolOr(words) => {
                if self.chance(500) {
                    self.word(words)
                } else {
                    true.into()
                }
            }
            Form::BoolOrNames(words) => {
                let word = self.word(words);
                self.one_of(json!([word, true, false, [], ["PATH", 1]]))
            }
        }
    }

    fn item(&mut self, table: &Table) -> Value {
        if self.chance(self.sloppiness) { self.anything() } else { self.mapping(table) }
    }

    /// A mapping with some of the keys of a table, and at times with others.
    fn mapping(&mut self, table: &Table) -> Value {
        let all: Vec<&Key> = table.keys().collect();
        let wanted = 1 + self.below(5);
        let mut chosen: Vec<&Key> = (0..wanted).map(|_| self.pick(&all)).collect();
        for names in table.required {
            if !self.chance(self.sloppiness * 3) {
                chosen.extend(all.iter().copied().filter(|key| key.name == names[0]));
            }
        }
        // What leads deeper is worth more than what describes.
        let deeper = all.iter().copied().filter(|key| table_of(&key.form).is_some());
        chosen.extend(deeper.filter(|_| self.rng.below(3) > 0).collect::<Vec<_>>());
        let acts = |key: &Key| keys::action(key.name).is_some();
        if all.iter().any(|key| key.name == "run") {
            let actions: Vec<&str> = keys::actions().map(|key| key.name).collect();
            let carried_out = self.chance(700);
            let action = self.pick(if carried_out { &actions[..5] } else { &actions });
            let loose = self.chance(self.sloppiness * 3);
            chosen.retain(|key| loose || !acts(key));
            chosen.extend(
                all.iter()
                    .copied()
                    .filter(|key| key.name == action && !self.rng.below(8).eq(&0))
                    .collect::<Vec<_>>(),
            );
        }
        let mut mapping = Map::new();
        for key in chosen {
            let rival = table.rivals.iter().find_map(|(a, b)| match key.name {
                name if name == *a => Some(*b),
                name if name == *b => Some(*a),
                _ => None,
            });
            if rival.is_some_and(|rival| mapping.contains_key(rival)) && !self.chance(self.sloppiness * 3) {
                continue;
            }
            let value = if self.chance(30) { Value::Null } else { self.value(&key.form) };
            mapping.insert(key.name.to_owned(), value);
        }
        if self.chance(self.sloppiness * 3) {
            let other = self.other_key(table, &all);
            let value = self.anything();
            mapping.insert(other, value);
        }
        mapping.into()
    }

    /// A key that does not stand in a table.
    fn other_key(&mut self, table: &Table, all: &[&Key]) -> String {
        let misplaced: Vec<&str> = table.misplaced().map(|(name, _)| name).collect();
        let habits: Vec<&str> = table.habits().map(|(name, _)| name).collect();
        match self.below(4) {
            0 if !misplaced.is_empty() => self.pick(&misplaced).to_owned(),
            1 if !habits.is_empty() => self.pick(&habits).to_owned(),
            2 => {
                let mut name = self.pick(all).name.to_owned();
                let at = self.below(name.len());
                name.remove(at);
                name
            }
            _ => self.pick(&["something_else", "x", "workflow", "enabled", "timeout"]).to_owned(),
        }
    }

    fn contract(&mut self, table: &Table) -> Value {
        let mut contract = self.mapping(table);
        if table.name == "workflow_document" && !self.chance(self.sloppiness) {
            contract["workflow"] = self.mapping(&keys::WORKFLOW);
        } else if table.name == "onex_document" && self.chance(500) {
            contract["node_type"] = self.one_of(json!([
                "ORCHESTRATOR_GENERIC",
                "Orchestrator",
                "orchestrator_generic",
                "EFFECT_GENERIC",
                1,
                null
            ]));
        }
        contract
    }
}

/// What both say of a contract, where they disagree.
fn disagreement(contract: &Value) -> Option<String> {
    let id = SourceMap::default().add("contract.yaml", "");
    about(contract, &parse(id, &contract.to_string()).diagnostics)
}

/// What both say of a contract about which the parser found something, where they disagree.
pub(in crate::contract) fn about(contract: &Value, found: &[Diagnostic]) -> Option<String> {
    let parser: Vec<&str> = found.iter().filter(|d| is_refusal(d)).map(|d| d.message.as_str()).collect();
    if parser.is_empty() == validator().is_valid(contract) {
        return None;
    }
    let schema: Vec<String> =
        validator().iter_errors(contract).map(|e| format!("{}: {e}", e.instance_path())).collect();
    Some(format!("{contract}\n  parser: {parser:?}\n  schema: {schema:?}"))
}

/// Every contract with one part less.
fn smaller(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, inner)| {
                let mut without = map.clone();
                without.shift_remove(key);
                let with = |inner: Value| {
                    let mut map = map.clone();
                    map.insert(key.clone(), inner);
                    Value::Object(map)
                };
                std::iter::once(Value::Object(without))
                    .chain(smaller(inner).into_iter().map(with))
                    .collect::<Vec<_>>()
            })
            .collect(),
        Value::Array(items) => (0..items.len())
            .flat_map(|at| {
                let mut without = items.clone();
                without.remove(at);
                let with = |inner: Value| {
                    let mut items = items.clone();
                    items[at] = inner;
                    Value::Array(items)
                };
                std::iter::once(Value::Array(without))
                    .chain(smaller(&items[at]).into_iter().map(with))
                    .collect::<Vec<_>>()
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Makes contracts of one dialect and looks for those about which the two disagree.
fn hold_against_the_parser(table: &Table, seed: u64) {
    let anything: Vec<Value> = serde_json::from_str(ANYTHING).unwrap();
    let mut valid = 0;
    let mut disagreements = BTreeMap::new();
    for case in 0..CASES {
        let sloppiness = [0, 3, 30][usize::try_from(case % 3).unwrap()];
        let rng = Rng::of_parts(&[seed, case]);
        let mut contract = Maker { rng, sloppiness, anything: &anything }.contract(table);
        if disagreement(&contract).is_none() {
            valid += u64::from(validator().is_valid(&contract));
            continue;
        }
        while let Some(less) = smaller(&contract).into_iter().find(|less| disagreement(less).is_some()) {
            contract = less;
        }
        disagreements.insert(disagreement(&contract).unwrap_or_default(), case);
        if disagreements.len() == 8 {
            break;
        }
    }
    let shown: Vec<String> =
        disagreements.iter().map(|(what, case)| format!("case {case}: {what}")).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    // Neither says the same of all.
    assert!(valid > CASES / 4 && valid < CASES * 3 / 4, "{valid} of {CASES} are valid");
}

#[test]
fn the_schema_and_the_parser_agree_about_contracts_in_the_onex_dialect() {
    hold_against_the_parser(&keys::ONEX_DOCUMENT, 0);
}

#[test]
fn the_schema_and_the_parser_agree_about_contracts_in_the_workflow_dialect() {
    hold_against_the_parser(&keys::WORKFLOW_DOCUMENT, 1);
}
