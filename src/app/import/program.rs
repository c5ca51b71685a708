//! What a hook runs, as the entry point of a component.

use std::path::Path;

use super::words::words;

/// What languages run something that is there already. All others first install what they run.
pub(super) const LANGUAGES: [&str; 6] =
    ["system", "script", "pygrep", "fail", "unsupported", "unsupported_script"];

/// The beginning of a program that does what `language: pygrep` does: its first argument is the expression.
const GREP: &str = "\
import re, sys
pattern, failed = re.compile(sys.argv[1].encode(), FLAGS), 0
for name in sys.argv[2:]:
    with open(name, 'rb') as file:
";

/// Tells where the expression is found.
const FOUND: &str = "        \
for number, part in enumerate(PARTS, 1):
            found = pattern.search(part)
            if found:
                failed = 1
                number += part.count(b'\\n', 0, found.start())
                print(f\"{name}:{number}:{SHOWN.rstrip().decode(errors='replace')}\")
sys.exit(failed)
";

/// Tells in which files it is not.
const NOT_FOUND: &str = "        \
if not any(map(pattern.search, PARTS)):
            failed = 1
            print(name)
sys.exit(failed)
";

/// The program with its arguments. Files of the project are named from `folder`, where the component is.
///
/// # Errors
///
/// If `onex` cannot run it.
pub(super) fn target(
    (language, entry): (&str, &str),
    args: Vec<String>,
    folder: &Path,
) -> Result<Vec<String>, String> {
    match language {
        "pygrep" => grep(entry, &args),
        "fail" => {
            let line = r#"printf '%s\n\n' "$0"; printf '%s\n' "$@"; exit 1"#;
            Ok(["sh", "-c", line, entry].map(str::to_owned).into())
        }
        _ => {
            let mut words = words(entry)?;
            let program = words.first_mut().filter(|word| !word.is_empty()).ok_or("its entry is empty")?;
            let is_file = program.contains('/') || matches!(language, "script" | "unsupported_script");
            if is_file && !program.starts_with('/') {
                let up = "../".repeat(folder.components().count());
                let inside = program.strip_prefix("./").unwrap_or(program);
                *program = if up.is_empty() { format!("./{inside}") } else { format!("{up}{inside}") };
            }
            Ok([words, args].concat())
        }
    }
}

fn grep(expression: &str, args: &[String]) -> Result<Vec<String>, String> {
    let (mut flags, mut at_once, mut negate) = (Vec::new(), false, false);
    for arg in args {
        match arg.as_str() {
            "-i" | "--ignore-case" => flags.push("re.I"),
            "--multiline" => {
                flags.push("re.M | re.S");
                at_once = true;
            }
            "--negate" => negate = true,
            other => return Err(format!("`language: pygrep` has no option `{other}`")),
        }
    }
    let flags = if flags.is_empty() { "0".to_owned() } else { flags.join(" | ") };
    let (parts, shown) = if at_once { ("[file.read()]", "found[0]") } else { ("file", "part") };
    let script = format!("{GREP}{}", if negate { NOT_FOUND } else { FOUND });
    let script = script.replace("FLAGS", &flags).replace("PARTS", parts).replace("SHOWN", shown);
    Ok(["python3", "-c", &script, expression].map(str::to_owned).into())
}
