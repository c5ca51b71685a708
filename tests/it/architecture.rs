//! The floors: who may use whom. Inside one crate the compiler does not keep them apart, so this test does.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Folder;

/// Each module with those that it may use; a module stands above all that it uses.
const TABLE: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("diag", &["base"]),
    ("process", &["base"]),
    ("model", &["base", "diag"]),
    ("yaml", &["base", "diag"]),
    ("vcs", &["base", "process"]),
    ("config", &["base", "diag", "model"]),
    ("contract", &["base", "diag", "model", "yaml"]),
    ("plan", &["base", "diag", "model"]),
    ("registry", &["base", "diag", "model", "yaml"]),
    ("resilience", &["base", "model"]),
    ("report", &["base", "diag", "model", "yaml"]),
    ("engine", &["base", "diag", "model", "plan", "resilience"]),
    ("executors", &["base", "diag", "model", "process", "engine"]),
    ("policy", &["base", "diag", "model", "engine"]),
    ("store", &["base", "model", "engine"]),
    ("orchestrators", &["base", "diag", "model", "registry"]),
    (
        "app",
        &[
            "base",
            "diag",
            "process",
            "model",
            "yaml",
            "vcs",
            "config",
            "contract",
            "plan",
            "registry",
            "resilience",
            "report",
            "engine",
            "executors",
            "policy",
            "store",
            "orchestrators",
        ],
    ),
    ("cli", &["base", "diag", "model", "config", "report", "contract", "app"]),
];

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 7] = ["utils", "util", "common", "helpers", "core", "types", "misc"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Every import that the table does not allow, as `file:line: problem`.
fn violations(src: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for file in sources(src) {
        let inside = file.strip_prefix(src).unwrap();
        let mut parts: Vec<&str> = inside.iter().map(|part| part.to_str().unwrap()).collect();
        let name = parts.pop().unwrap();
        // `main.rs` and `lib.rs` stand outside the floors.
        let Some(&module) = parts.first() else { continue };
        let Some(&(_, allowed)) = TABLE.iter().find(|(known, _)| *known == module) else {
            found.push(format!("{}: the table has no row for {module}", inside.display()));
            continue;
        };
        let depth = parts.len() - 1 + usize::from(name != "mod.rs");
        let mut in_tests = 0;
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let place = format!("{}:{}", inside.display(), number + 1);
            if line.starts_with("mod tests {") {
                in_tests = 1;
            }
            let code = line.split("//").next().unwrap_or_default();
            for (at, _) in code.match_indices("crate::") {
                if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                    continue;
                }
                let rest = &code[at + "crate::".len()..];
                let used: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if used.is_empty() {
                    found.push(format!("{place}: write `crate::module::…`, so that the import can be found"));
                } else if used != module && !allowed.contains(&used.as_str()) {
                    found.push(format!("{place}: {module} may not use {used}"));
                }
            }
            if code.matches("super::").count() > depth + in_tests
                && code.contains(&"super::".repeat(depth + in_tests + 1))
            {
                found.push(format!("{place}: `super` leads out of {module}"));
            }
        }
    }
    found
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn imports_follow_the_table() {
    assert_eq!(violations(&src()), Vec::<String>::new());
}

#[test]
fn a_planted_upward_import_is_found() {
    let folder = Folder::new();
    folder.write(
        "src/model/mod.rs",
        "//! Data.\nuse crate::base::NodeId;\nuse crate::engine::machine::Machine;\n",
    );
    folder.write("src/report/human/mod.rs", "fn f() -> crate::process::Exit { todo() }\n");
    folder.write("src/engine/unit.rs", "use crate::{model, report};\n");
    folder.write("src/plan/order.rs", "use super::super::engine::driver;\n// use crate::engine::x;\n");
    folder.write("src/stray/mod.rs", "");
    let found = violations(&folder.path().join("src"));
    let expected = [
        "engine/unit.rs:1: write `crate::module::…`, so that the import can be found",
        "model/mod.rs:3: model may not use engine",
        "plan/order.rs:1: `super` leads out of plan",
        "report/human/mod.rs:1: report may not use process",
        "stray/mod.rs: the table has no row for stray",
    ];
    assert_eq!(found, expected);
}

#[test]
fn the_table_has_no_circle_and_no_empty_room() {
    let mut below = BTreeSet::new();
    for (module, uses) in TABLE {
        assert!(
            uses.iter().all(|used| below.contains(used)),
            "{module} uses a module that does not stand below it"
        );
        assert!(src().join(module).join("mod.rs").exists(), "{module} is an empty room");
        below.insert(*module);
    }
}

#[test]
fn the_documentation_shows_the_same_table() {
    let lib = fs::read_to_string(src().join("lib.rs")).unwrap();
    for (module, uses) in TABLE {
        let row = lib.lines().find(|line| line.contains(&format!("| [`{module}`] |"))).expect(module);
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap().trim();
        if last == "all above" {
            continue;
        }
        let shown: BTreeSet<&str> = last.split_whitespace().collect();
        assert_eq!(shown, uses.iter().copied().collect::<BTreeSet<_>>(), "{module}");
    }
}

#[test]
fn names_say_what_is_inside_and_files_stay_readable() {
    for file in sources(&src()) {
        let inside = file.strip_prefix(src()).unwrap();
        for part in inside.iter().filter_map(|part| part.to_str()) {
            let stem = part.trim_end_matches(".rs");
            assert!(!EMPTY_NAMES.contains(&stem), "{} says nothing", inside.display());
        }
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//!"), "{} does not say what it is", inside.display());
        let lines = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
        let is_tests = file.ends_with("tests.rs") || inside.iter().any(|part| part == "tests");
        assert!(is_tests || lines <= 620, "{} has {lines} lines", inside.display());
        assert!(!text.contains("#[ignore"), "{} has a test that does not run", inside.display());
    }
}

#[test]
fn unsafe_code_is_at_home_in_process_only() {
    for file in sources(&src()) {
        let inside = file.strip_prefix(src()).unwrap().to_path_buf();
        let code = fs::read_to_string(&file).unwrap();
        let uses = code.lines().any(|line| line.split("//").next().unwrap_or_default().contains("unsafe "));
        assert!(!uses || inside.starts_with("process"), "{}", inside.display());
    }
}
