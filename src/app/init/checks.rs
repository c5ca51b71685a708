//! Which checks a repository has: those of the tools that its files name.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

/// Files are looked at up to this size.
const MAX_SIZE: u64 = 1024 * 1024;

/// How far below the root projects are looked for.
const DEPTH: usize = 2;

/// The kind of a project whose checks are targets of a Makefile.
const MAKE: &str = "Make";

/// Folders that hold what others wrote, or what was built.
const NOT_OURS: [&str; 11] = [
    "node_modules",
    "target",
    "vendor",
    "venv",
    "dist",
    "build",
    "contracts",
    "third_party",
    "fixtures",
    "testdata",
    "__pycache__",
];

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub projects: Vec<Project>,
    /// What was seen, and is not part of the contract.
    pub remarks: Vec<String>,
}

/// One project of the repository.
#[derive(Debug)]
pub(super) struct Project {
    /// The language, or what else its checks are written in.
    pub kind: &'static str,
    /// Relative to the root; empty for the root itself.
    pub folder: String,
    /// What the ids of its nodes begin with where there are several projects.
    pub id: String,
    /// The file that says so.
    pub because: &'static str,
    pub checks: Vec<Check>,
    /// Checks that take the files of a commit.
    pub hooks: Vec<Hook>,
}

/// A component for the stage `pre-commit`.
#[derive(Debug)]
pub(super) struct Hook {
    pub name: &'static str,
    /// What it looks for, as a sentence.
    pub about: String,
    /// The program and its arguments; files follow.
    pub target: Vec<String>,
    /// The ends of the names of its files.
    pub extensions: &'static [&'static str],
    /// Whether it changes them.
    pub writes: bool,
}

/// What a check does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Validate,
    Test,
}

impl Role {
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Validate => "validator",
            Self::Test => "test",
        }
    }
}

/// One node of the contract.
#[derive(Debug)]
pub(super) struct Check {
    pub name: String,
    pub role: Role,
    /// The value of `run`, as YAML.
    pub run: String,
    /// The group of checks of which one runs at a time.
    pub group: Option<&'static str>,
}

impl Check {
    fn new(name: &str, role: Role, words: &[&str]) -> Self {
        let words: Vec<String> = words.iter().map(|word| scalar(word)).collect();
        Self { name: name.to_owned(), role, run: format!("[{}]", words.join(", ")), group: None }
    }

    fn one_at_a_time(self, group: &'static str) -> Self {
        Self { group: Some(group), ..self }
    }
}

/// A word as YAML reads it, also inside of brackets.
pub(super) fn scalar(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '/' | '-');
    let is_word = word.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '-' | '_'))
        && word != "-"
        && !["true", "false", "null"].iter().any(|other| word.eq_ignore_ascii_case(other))
        && word.chars().all(|c| is_plain(c) || c == '.');
    if is_word { word.to_owned() } else { Value::from(word).to_string() }
}

/// Looks at a repository.
pub(super) fn find(root: &Path) -> Found {
    let mut found = Found::default();
    look_into(root, (Vec::new(), &BTreeSet::new()), &mut found);
    // A Makefile above other projects mostly runs their checks.
    let has_others = found.projects.iter().any(|project| project.kind != MAKE && !project.checks.is_empty());
    if let Some(at) = found.projects.iter().position(|project| project.kind == MAKE).filter(|_| has_others) {
        let make = found.projects.remove(at);
        let names: Vec<String> = make.checks.iter().map(|check| format!("`make {}`", check.name)).collect();
        let (are, them) = if names.len() == 1 { ("is", "it") } else { ("are", "them") };
        found.remarks.push(format!(
            "{} {are} left out: a Makefile beside other projects mostly runs their checks; add {them} if not",
            names.join(", ")
        ));
    }
    if found.projects.iter().flat_map(|project| &project.checks).any(|check| check.run.contains("venv/bin/"))
    {
        let remark = "the contract uses the virtual environment, which has to be there wherever it runs";
        found.remarks.push(remark.to_owned());
    }
    let mut taken = BTreeSet::new();
    for project in &mut found.projects {
        let place = if project.folder.is_empty() { project.kind } else { &project.folder };
        let mut id: String = place
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        if !id.starts_with(|c: char| c.is_ascii_alphabetic()) {
            id.insert_str(0, "in-");
        }
        id.truncate(60);
        if taken.contains(&id) {
            id = format!("{id}-{}", project.kind.to_ascii_lowercase().replace('.', ""));
        }
        let first = id.clone();
        let mut number = 2;
        while !taken.insert(id.clone()) {
            id = format!("{first}-{number}");
            number += 1;
        }
        project.id = id;
    }
    if root.join(super::PRE_COMMIT).exists() {
        found.remarks.push(
            ".pre-commit-config.yaml is not read; `onex import pre-commit` makes components of its local hooks"
                .to_owned(),
        );
    }
    found
}

/// Looks into a folder and those below it. A project of a kind has those of its kind below it as its parts.
fn look_into(root: &Path, (parts, above): (Vec<String>, &BTreeSet<&'static str>), found: &mut Found) {
    let folder = parts.iter().fold(root.to_path_buf(), |path, part| path.join(part));
    let mut kinds = above.clone();
    let mut here = Vec::new();
    for look in [rust, python, node, go] {
        if let Some(project) = look(&folder)
            && kinds.insert(project.kind)
        {
            here.push(project);
        }
    }
    if parts.is_empty() && here.is_empty() {
        here.extend(make(&folder));
    }
    found.projects.extend(here.into_iter().map(|project| Project { folder: parts.join("/"), ..project }));
    if parts.len() == DEPTH {
        return;
    }
    let entries = std::fs::read_dir(&folder).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<String> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.') && !NOT_OURS.contains(&name.as_str()))
        .collect();
    names.sort();
    for name in names {
        let parts = parts.iter().cloned().chain([name]).collect();
        look_into(root, (parts, &kinds), found);
    }
}

fn project(kind: &'static str, because: &'static str, checks: Vec<Check>) -> Project {
    Project { kind, folder: String::new(), id: String::new(), because, checks, hooks: Vec::new() }
}

/// The text of a file; empty where there is none.
fn text(folder: &Path, name: &str) -> String {
    let path = folder.join(name);
    let small = std::fs::metadata(&path).is_ok_and(|file| file.is_file() && file.len() <= MAX_SIZE);
    if small { std::fs::read_to_string(&path).unwrap_or_default() } else { String::new() }
}

fn first_of<'n>(folder: &Path, names: &[&'n str]) -> Option<&'n str> {
    names.iter().copied().find(|name| folder.join(name).is_file())
}

/// Whether a TOML or INI text has a section of this name, or one below it.
fn has_section(text: &str, name: &str) -> bool {
    text.lines().any(|line| {
        let header = line.trim_start().trim_start_matches('[');
        line.trim_start().starts_with('[')
            && header.strip_prefix(name).is_some_and(|rest| rest.starts_with([']', '.', ':']))
    })
}

fn rust(folder: &Path) -> Option<Project> {
    // Cargo lets one command at a time into its target folder.
    const GROUP: &str = "cargo";
    first_of(folder, &["Cargo.toml"])?;
    let all = has_section(&text(folder, "Cargo.toml"), "workspace");
    let locked = folder.join("Cargo.lock").is_file();
    let with = |words: &[&'static str]| -> Vec<&'static str> {
        let mut words = words.to_vec();
        if locked {
            words.insert(2, "--locked");
        }
        if all {
            words.insert(2, "--workspace");
        }
        words
    };
    let mut format = vec!["cargo", "fmt", "--check"];
    if all {
        format.insert(2, "--all");
    }
    let mut clippy = with(&["cargo", "clippy", "--all-targets"]);
    clippy.extend(["--", "-D", "warnings"]);
    let test = with(&["cargo", "test"]);
    let checks = vec![
        Check::new("format", Role::Validate, &format),
        Check::new("lint", Role::Validate, &clippy).one_at_a_time(GROUP),
        Check::new("test", Role::Test, &test).one_at_a_time(GROUP),
    ];
    let manifest = text(folder, "Cargo.toml");
    let edition = manifest.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "edition").then(|| value.trim().trim_matches('"').to_owned())
    });
    let hook = Hook {
        name: "rustfmt",
        about: "Rust code has the form of rustfmt.".to_owned(),
        target: ["rustfmt", "--edition", edition.as_deref().unwrap_or("2021")].map(str::to_owned).to_vec(),
        extensions: &["rs"],
        writes: true,
    };
    Some(Project { hooks: vec![hook], ..project("Rust", "Cargo.toml", checks) })
}

fn python(folder: &Path) -> Option<Project> {
    let because = first_of(
        folder,
        &["pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "pytest.ini", "ruff.toml", ".ruff.toml"],
    )?;
    let pyproject = text(folder, "pyproject.toml");
    let setup = text(folder, "setup.cfg");
    let has = |tool: &str| has_section(&pyproject, &format!("tool.{tool}"));
    let has_file = |names: &[&str]| first_of(folder, names).is_some();
    let runner: &[&str] = match first_of(folder, &["uv.lock", "poetry.lock", "pdm.lock"]) {
        Some("uv.lock") => &["uv", "run"],
        Some("poetry.lock") => &["poetry", "run"],
        Some(_) => &["pdm", "run"],
        None => &[],
    };
    // Tools of a virtual environment are meant where nothing else starts them.
    let bin =
        [".venv/bin", "venv/bin"].into_iter().find(|bin| runner.is_empty() && folder.join(bin).is_dir());
    let placed = |words: &[&str]| -> Vec<String> {
        let mut words: Vec<String> = runner.iter().chain(words).map(|&word| word.to_owned()).collect();
        if let (Some(bin), Some(program)) = (bin, words.first_mut()) {
            let installed = format!("{bin}/{program}");
            if folder.join(&installed).exists() {
                *program = installed;
            }
        }
        words
    };
    let check = |name: &str, role: Role, words: &[&str]| {
        let words = placed(words);
        Check::new(name, role, &words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let mut hooks = Vec::new();
    let mut hook = |name: &'static str, about: &str, words: &[&str], writes: bool| {
        let (about, target) = (about.to_owned(), placed(words));
        hooks.push(Hook { name, about, target, extensions: &["py", "pyi"], writes });
    };
    let mut checks = Vec::new();
    let ruff = has("ruff") || has_file(&["ruff.toml", ".ruff.toml"]);
    if has("ruff.format") {
        checks.push(check("format", Role::Validate, &["ruff", "format", "--check", "."]));
        hook("ruff-format", "Python code has the form of ruff.", &["ruff", "format"], true);
    } else if has("black") {
        checks.push(check("format", Role::Validate, &["black", "--check", "."]));
        hook("black", "Python code has the form of black.", &["black", "--quiet"], true);
    }
    if ruff {
        checks.push(check("lint", Role::Validate, &["ruff", "check", "."]));
        hook("ruff", "Ruff finds nothing in Python code.", &["ruff", "check"], false);
    } else if has_file(&[".flake8"]) || has_section(&setup, "flake8") {
        checks.push(check("lint", Role::Validate, &["flake8"]));
        hook("flake8", "Flake8 finds nothing in Python code.", &["flake8"], false);
    }
    if has("mypy") || has_file(&["mypy.ini", ".mypy.ini"]) || has_section(&setup, "mypy") {
        // What its own settings name is what it checks.
        let says_what = |text: &str| {
            let keys = ["files", "packages", "modules"];
            let mut of_mypy =
                text.lines().skip_while(|line| !is_header(line, &["tool.mypy", "mypy"])).skip(1);
            let own = of_mypy.by_ref().take_while(|line| !line.trim_start().starts_with('['));
            own.filter_map(|line| line.split_once('=')).any(|(key, _)| keys.contains(&key.trim()))
        };
        let texts = [&pyproject, &setup, &text(folder, "mypy.ini"), &text(folder, ".mypy.ini")];
        let words: &[&str] =
            if texts.iter().any(|text| says_what(text)) { &["mypy"] } else { &["mypy", "."] };
        checks.push(check("types", Role::Validate, words));
    }
    let pytest = has("pytest")
        || has_file(&["pytest.ini", "conftest.py", "tests/conftest.py"])
        || has_section(&setup, "tool:pytest")
        || pyproject.lines().any(|line| {
            let word = line.trim().trim_start_matches(['"', '\'']);
            word.starts_with("pytest") && !word.starts_with("pytest-")
        });
    if has_file(&["tox.ini"]) || has("tox") {
        checks.push(check("test", Role::Test, &["tox"]));
    } else if pytest {
        let is_placed = !runner.is_empty() || bin.is_some_and(|bin| folder.join(bin).join("pytest").exists());
        let words: &[&str] = if is_placed { &["pytest"] } else { &["python3", "-m", "pytest"] };
        checks.push(check("test", Role::Test, words));
    } else if has_unit_tests(folder) {
        checks.push(check(
            "test",
            Role::Test,
            &["python3", "-m", "unittest", "discover", "-s", "tests", "-t", "."],
        ));
    }
    Some(Project { hooks, ..project("Python", because, checks) })
}

/// Whether a line begins one of these sections.
fn is_header(line: &str, names: &[&str]) -> bool {
    names.iter().any(|name| line.trim() == format!("[{name}]"))
}

/// Whether the tests are those that Python itself finds.
fn has_unit_tests(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder.join("tests")).into_iter().flatten().filter_map(Result::ok);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let tests: Vec<String> = names.filter(|name| name.starts_with("test") && name.ends_with(".py")).collect();
    tests.iter().any(|name| text(&folder.join("tests"), name).contains("unittest"))
        && folder.join("tests/__init__.py").is_file()
}

fn node(folder: &Path) -> Option<Project> {
    /// What `npm init` writes is no test.
    const NO_TEST: &str = "no test specified";
    const KNOWN: [(&str, Role); 9] = [
        ("format:check", Role::Validate),
        ("check-format", Role::Validate),
        ("lint", Role::Validate),
        ("typecheck", Role::Validate),
        ("type-check", Role::Validate),
        ("check", Role::Validate),
        ("build", Role::Validate),
        ("test", Role::Test),
        ("test:ci", Role::Test),
    ];
    first_of(folder, &["package.json"])?;
    let package: Value = serde_json::from_str(&text(folder, "package.json")).unwrap_or_default();
    let locks = ["pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb", "package-lock.json"];
    let named =
        package["packageManager"].as_str().and_then(|name| name.split('@').next()).unwrap_or_default();
    let manager = match (first_of(folder, &locks), named) {
        (Some("pnpm-lock.yaml"), _) | (None, "pnpm") => "pnpm",
        (Some("yarn.lock"), _) | (None, "yarn") => "yarn",
        (Some("bun.lock" | "bun.lockb"), _) | (None, "bun") => "bun",
        _ => "npm",
    };
    let scripts = KNOWN.iter().filter(|(name, _)| {
        package["scripts"][name].as_str().is_some_and(|script| !script.contains(NO_TEST))
    });
    let checks = scripts
        .map(|(name, role)| Check::new(&name.replace(':', "-"), *role, &[manager, "run", name]))
        .collect();
    Some(project("Node.js", "package.json", checks))
}

fn go(folder: &Path) -> Option<Project> {
    first_of(folder, &["go.mod"])?;
    let mut format = Check::new("format", Role::Validate, &[]);
    format.run = "test -z \"$(gofmt -l .)\"".to_owned();
    let mut checks = vec![format, Check::new("vet", Role::Validate, &["go", "vet", "./..."])];
    if first_of(folder, &[".golangci.yml", ".golangci.yaml", ".golangci.toml"]).is_some() {
        checks.push(Check::new("lint", Role::Validate, &["golangci-lint", "run"]));
    }
    checks.push(Check::new("test", Role::Test, &["go", "test", "./..."]));
    Some(project("Go", "go.mod", checks))
}

fn make(folder: &Path) -> Option<Project> {
    const KNOWN: [(&str, Role); 5] = [
        ("fmt-check", Role::Validate),
        ("format-check", Role::Validate),
        ("lint", Role::Validate),
        ("check", Role::Test),
        ("test", Role::Test),
    ];
    let because = first_of(folder, &["GNUmakefile", "Makefile", "makefile"])?;
    let rules = text(folder, because);
    let has = |target: &str| {
        rules.lines().any(|line| {
            let rest = line.strip_prefix(target).map(str::trim_start);
            rest.is_some_and(|rest| rest.starts_with(':') && !rest.starts_with(":="))
        })
    };
    let checks: Vec<Check> = KNOWN
        .iter()
        .filter(|(target, _)| has(target))
        .map(|(target, role)| Check::new(target, *role, &["make", target]))
        .collect();
    (!checks.is_empty()).then(|| project(MAKE, because, checks))
}
