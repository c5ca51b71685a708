//! YAML that `onex` writes, read by the reader that most others are built like: the one of Python, where it is there.

use std::io::Write as _;
use std::process::{Command, Stdio};

use onex::base::rng::Rng;
use serde_json::{Map, Value, json};

/// Reads pairs of JSON and YAML, and fails where they differ; 42 where there is no reader.
const COMPARE: &str = r#"
import json, sys
try:
    import yaml
except ImportError:
    sys.exit(42)
for line in sys.stdin:
    value, text = json.loads(line)
    back = yaml.safe_load(text)
    if back != value or json.dumps(back, sort_keys=True) != json.dumps(value, sort_keys=True):
        sys.exit("%s\n%r\n%r" % (text, back, value))
"#;

fn below(rng: &mut Rng, limit: u64) -> usize {
    usize::try_from(rng.below(limit)).unwrap()
}

/// Pieces of text that YAML gives a meaning to.
const PIECES: [&str; 40] = [
    "a",
    "b ",
    " ",
    "\n",
    "\t",
    ":",
    "#",
    "-",
    "?",
    "'",
    "\"",
    "\\",
    "[",
    "{",
    ",",
    "&",
    "*",
    "!",
    "|",
    ">",
    "%",
    "@",
    "yes",
    "null",
    "~",
    "1",
    ".",
    "e",
    "0x",
    "2026-01-01",
    "é",
    "日",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{0}",
    "\r",
    "\u{7f}",
    "😀",
    "<<",
];

fn text(rng: &mut Rng) -> String {
    let text: String = (0..rng.below(7)).map(|_| PIECES[below(rng, 40)]).collect();
    if rng.chance(10) { text.repeat(30) } else { text }
}

fn value(rng: &mut Rng, depth: u64) -> Value {
    match rng.below(if depth > 4 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => rng.chance(50).into(),
        2 => rng.below(u64::MAX).into(),
        3 => {
            #[expect(clippy::cast_precision_loss, reason = "any number will do")]
            let number = rng.below(1 << 50) as f64;
            json!(number * 10f64.powi(i32::try_from(rng.below(60)).unwrap() - 40))
        }
        4 | 5 => text(rng).into(),
        6 => {
            let item = value(rng, depth + 1);
            (0..rng.below(4))
                .map(|_| if rng.chance(30) { item.clone() } else { value(rng, depth + 1) })
                .collect()
        }
        _ => {
            let shared = value(rng, depth + 1);
            let entry = |rng: &mut Rng| {
                let own = if rng.chance(30) { shared.clone() } else { value(rng, depth + 1) };
                (text(rng), own)
            };
            Value::Object((0..rng.below(5)).map(|_| entry(rng)).collect::<Map<_, _>>())
        }
    }
}

#[test]
fn another_reader_reads_what_was_written() {
    let mut lines = String::new();
    for seed in 0..3000 {
        let value = value(&mut Rng::new(seed), 0);
        let written = onex::yaml::to_text(&value).unwrap();
        lines.push_str(&serde_json::to_string(&(&value, &written)).unwrap());
        lines.push('\n');
    }
    let mut python = Command::new("python3")
        .args(["-c", COMPARE])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A reader that is not there takes nothing.
    _ = python.stdin.take().unwrap().write_all(lines.as_bytes());
    let ended = python.wait_with_output().unwrap();
    if ended.status.code() == Some(42) {
        // Our own reader takes large whole numbers for others, so `yaml::tests` compares; here it must only read.
        for line in lines.lines() {
            let (_, written): (Value, String) = serde_json::from_str(line).unwrap();
            let limits = onex::yaml::Limits::default();
            let mut found = Vec::new();
            let tree = onex::yaml::load(&written, Default::default(), limits, &mut found);
            assert!(tree.is_ok() && found.is_empty(), "{written}");
        }
        return;
    }
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
}
