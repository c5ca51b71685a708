//! A hook that became a component, as text.

use std::fmt::Write as _;

use serde_json::Value;

use super::hook::Imported;

/// The longest line of a list in brackets.
const WIDTH: usize = 100;

/// The text of the file that declares a component, in the form of `onex fmt`.
pub(super) fn text(hook: &Imported, from: &str) -> String {
    let mut text = format!(
        "# Imported from {from}.\nname: {}\nversion: 1.0.0\nmeta_type: validator\nlifecycle: canary\n",
        quoted(&hook.name)
    );
    list(&mut text, "stages", &hook.stages);
    list(&mut text, "tags", &hook.stages);
    _ = writeln!(text, "description: {}", quoted(&hook.description));
    text.push_str("entrypoint:\n  type: command\n");
    list(&mut text, "  target", &hook.target);
    if !hook.env.is_empty() {
        text.push_str("env:\n");
        for (name, value) in &hook.env {
            _ = writeln!(text, "  {}: {}", quoted(name), quoted(value));
        }
    }
    _ = if hook.files.is_empty() { writeln!(text, "files: []") } else { Ok(()) };
    for (key, values) in [
        ("files", &hook.files),
        ("exclude", &hook.exclude),
        ("types", &hook.types),
        ("types_or", &hook.types_or),
        ("exclude_types", &hook.exclude_types),
    ] {
        list(&mut text, key, values);
    }
    if !hook.pass_filenames {
        text.push_str("pass_filenames: false\n");
    }
    if hook.reads_any && hook.pass_filenames {
        text.push_str(
            "# It may look at more files than it gets, as type checkers do, and is to see what is staged of all.\n\
             reads: [\"*\"]\n",
        );
    }
    if hook.always_run {
        text.push_str("always_run: true\n");
    }
    text.push_str(
        "# What a hook changes is not said, so it runs alone. Without `writes` it runs beside others,\n\
         # and fails if it changes a file.\nwrites: [\"*\"]\n",
    );
    _ = writeln!(text, "priority: {}", hook.priority);
    if !hook.dependencies.is_empty() {
        text.push_str("# Nothing runs after these have failed: `fail_fast`.\n");
    }
    list(&mut text, "dependencies", &hook.dependencies);
    text
}

/// A list in brackets where it fits in a line, otherwise an item a line.
fn list(text: &mut String, key: &str, values: &[String]) {
    if values.is_empty() {
        return;
    }
    let items: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    let line = format!("{key}: [{}]", items.join(", "));
    if line.chars().count() <= WIDTH && values.iter().all(|value| !value.contains('\n')) {
        _ = writeln!(text, "{line}");
        return;
    }
    let indent = " ".repeat(key.len() - key.trim_start().len() + 2);
    _ = writeln!(text, "{key}:");
    for (value, item) in values.iter().zip(items) {
        let is_block = value.ends_with('\n')
            && !value.starts_with([' ', '\n'])
            && !value.ends_with("\n\n")
            && value.chars().all(|c| c == '\n' || !c.is_control());
        if is_block {
            _ = writeln!(text, "{indent}- |");
            for line in value.lines() {
                let inside = if line.is_empty() { String::new() } else { format!("{indent}  {line}") };
                _ = writeln!(text, "{inside}");
            }
        } else {
            _ = writeln!(text, "{indent}- {item}");
        }
    }
}

/// A text in YAML, as people would write it.
fn quoted(text: &str) -> String {
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '-' | '.'))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .iter()
            .any(|other| text.eq_ignore_ascii_case(other));
    if is_word {
        text.to_owned()
    } else if text.contains(['"', '\\']) && !text.chars().any(|c| c.is_control() || !c.is_ascii()) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        let escaped = Value::from(text).to_string();
        // What JSON leaves as it is although YAML has no such character.
        escaped.chars().fold(String::new(), |mut out, c| {
            _ = if c.is_control() { write!(out, "\\u{:04x}", u32::from(c)) } else { write!(out, "{c}") };
            out
        })
    }
}
