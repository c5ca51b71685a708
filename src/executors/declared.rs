//! Programs of a project from another tree than the one that they work in: what decides about a change is not taken
//! from the change.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::program::{plain_words, shebang};
use crate::base::paths::tidied;
use crate::model::event::AttemptFailure;
use crate::model::outcome::{AttemptClass, FailureReason};
use crate::model::workflow::{CommandSpec, ProgramSpec};

/// Where programs of the project come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The folder that nothing leads out of, without symbolic links.
    pub top: PathBuf,
    /// The project root in it.
    pub root: PathBuf,
}

impl Declared {
    /// What is run for a command that works in `tree`: a program that is a file of the project is the one from here.
    pub(super) fn program<'c>(
        &self,
        command: &'c CommandSpec,
        tree: &Path,
    ) -> Result<Cow<'c, ProgramSpec>, AttemptFailure> {
        Ok(match &command.program {
            ProgramSpec::Argv(argv) => match argv.split_first() {
                Some((first, rest)) if first.contains('/') => {
                    let file = self.file(command, first, tree)?;
                    Cow::Owned(ProgramSpec::Argv([vec![file], rest.to_vec()].concat()))
                }
                _ => Cow::Borrowed(&command.program),
            },
            ProgramSpec::Shell(text) => match plain_words(text) {
                Some(words) if words[0].contains('/') => {
                    let file = self.file(command, &words[0], tree)?;
                    let words: Vec<String> =
                        std::iter::once(quoted(&file)).chain(words.into_iter().skip(1)).collect();
                    Cow::Owned(ProgramSpec::Shell(words.join(" ")))
                }
                _ => Cow::Borrowed(&command.program),
            },
            ProgramSpec::Script { file, .. } => {
                no_relative_interpreter(&self.root.join(file), file)?;
                Cow::Borrowed(&command.program)
            }
            ProgramSpec::Module { .. } | ProgramSpec::Python { .. } => Cow::Borrowed(&command.program),
        })
    }

    /// The file that is meant by a name with a slash. One that is outside of the repository stays what it is.
    fn file(&self, command: &CommandSpec, name: &str, tree: &Path) -> Result<String, AttemptFailure> {
        let Some(place) = self.place(command, Path::new(name), tree) else { return Ok(name.to_owned()) };
        let real = place.canonicalize().map_err(|error| {
            let why = format!("cannot run `{name}` of the commit that contracts come from: {error}");
            not_started(FailureReason::Spawn, why)
        })?;
        if !real.starts_with(&self.top) {
            let why = format!("`{name}` leads out of the commit that contracts come from");
            return Err(not_started(FailureReason::Policy, why));
        }
        no_relative_interpreter(&real, name)?;
        place
            .into_os_string()
            .into_string()
            .map_err(|_| not_started(FailureReason::Spawn, format!("the path of `{name}` is not UTF-8")))
    }

    /// Where a path stands here that programs in `tree` would know by this name; nothing for what is elsewhere.
    fn place(&self, command: &CommandSpec, name: &Path, tree: &Path) -> Option<PathBuf> {
        let inside = self.root.strip_prefix(&self.top).unwrap_or(Path::new("")).components().count();
        let tree_top = tree.ancestors().nth(inside).unwrap_or(tree);
        if name.is_absolute() {
            let below = tidied(name).strip_prefix(tree_top).ok()?.to_path_buf();
            return Some(self.top.join(below));
        }
        let place = tidied(&self.root.join(command.cwd.as_deref().unwrap_or("")).join(name));
        place.starts_with(&self.top).then_some(place)
    }

    /// The folder that modules of Python are looked for in.
    pub(super) fn modules(&self, command: &CommandSpec) -> Result<String, AttemptFailure> {
        let folder = self.place(command, Path::new(""), &self.root).unwrap_or_else(|| self.root.clone());
        folder.into_os_string().into_string().map_err(|_| {
            not_started(FailureReason::Spawn, "the path of the commit's files is not UTF-8".to_owned())
        })
    }

    /// The search path for modules of a program in Python; nothing where it may stay.
    pub(super) fn python_path(&self, command: &CommandSpec, path: &OsStr, tree: &Path) -> Option<OsString> {
        let is_python = match &command.program {
            ProgramSpec::Python { .. } | ProgramSpec::Module { .. } => true,
            ProgramSpec::Script { file, .. } => {
                let shebang = || shebang(&self.root.join(file)).ok().flatten().unwrap_or_default();
                Path::new(file).extension().is_some_and(|end| end == "py")
                    || shebang().iter().any(|word| word.contains("python"))
            }
            ProgramSpec::Argv(_) | ProgramSpec::Shell(_) => false,
        };
        if !is_python || path.is_empty() {
            return None;
        }
        let folders = std::env::split_paths(path)
            .map(|folder| self.place(command, &folder, tree).unwrap_or_else(|| tree.join(&folder)));
        std::env::join_paths(folders).ok()
    }
}

/// The kernel takes an interpreter with a relative path from the working directory, which is another tree.
fn no_relative_interpreter(file: &Path, name: &str) -> Result<(), AttemptFailure> {
    let interpreter = shebang(&file.to_path_buf()).ok().flatten().unwrap_or_default();
    match interpreter.first().filter(|program| !program.starts_with('/')) {
        None => Ok(()),
        Some(program) => {
            let why = format!("`{name}` is run by `{program}`, which would come from the working tree");
            Err(not_started(FailureReason::Policy, why))
        }
    }
}

fn not_started(reason: FailureReason, message: String) -> AttemptFailure {
    AttemptFailure::new(reason, AttemptClass::NotStarted, message)
}

/// A word that a shell takes as it is.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./,:+@%".contains(c);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// A file of the project that a command is made of, relative to the project root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// `onex` starts it, from where contracts come from.
    Started(PathBuf),
    /// A shell or an interpreter is told to run it, and takes it from where it works.
    Handed(PathBuf),
}

/// Programs that run the file that is named after them.
const INTERPRETERS: [&str; 15] = [
    ".", "source", "sh", "bash", "dash", "ksh", "zsh", "fish", "python", "python3", "perl", "ruby", "node",
    "php", "lua",
];

/// The option with which a shell reads a file and runs nothing of it.
const LOOKS_ONLY: &str = "-n";

/// Words after which a shell expects a program.
const BEFORE_PROGRAMS: [&str; 15] = [
    "if", "then", "else", "elif", "do", "while", "until", "!", "time", "exec", "command", "nohup", "env",
    "eval", "nice",
];

/// The files of the project that a command names, as far as its words alone can say.
#[must_use]
pub fn named(command: &CommandSpec) -> Vec<Named> {
    let from_root = |name: &str| tidied(Path::new(name));
    let from_folder = |name: &str| tidied(&Path::new(command.cwd.as_deref().unwrap_or("")).join(name));
    match &command.program {
        ProgramSpec::Script { file, .. } => vec![Named::Started(from_root(file))],
        ProgramSpec::Python { module, .. } | ProgramSpec::Module { module, .. } => {
            let path = module.replace('.', "/");
            let files = [format!("{path}.py"), format!("{path}/__init__.py")];
            files.iter().map(|file| Named::Started(from_folder(file))).collect()
        }
        ProgramSpec::Shell(text) => match plain_words(text) {
            Some(words) => of_words(&words, &from_folder),
            None => of_text(text, &from_folder),
        },
        ProgramSpec::Argv(argv) => of_words(argv, &from_folder),
    }
}

fn of_words(words: &[String], from_folder: &dyn Fn(&str) -> PathBuf) -> Vec<Named> {
    let Some((first, rest)) = words.split_first() else { return Vec::new() };
    let mut files = Vec::new();
    if first.contains('/') {
        files.push(Named::Started(from_folder(first)));
    }
    let name = first.rsplit('/').next().unwrap_or(first);
    if !INTERPRETERS.contains(&name) {
        return files;
    }
    match rest.iter().position(|word| !word.starts_with('-')) {
        Some(at) if rest[..at].iter().any(|option| option == LOOKS_ONLY) => {}
        // A text after `-c` is one for the shell itself.
        Some(at) if at > 0 && is_text(&rest[at - 1]) => files.extend(of_text(&rest[at], from_folder)),
        Some(at) => files.push(Named::Handed(from_folder(&rest[at]))),
        None => {}
    }
    files
}

/// Whether an option says that a text follows: `-c`, `-euc`, `-e` of others than shells.
fn is_text(option: &str) -> bool {
    !option.starts_with("--") && option.ends_with('c')
}

/// What a shell would start, taken apart in a simple way: each word that stands where a program does.
fn of_text(text: &str, from_folder: &dyn Fn(&str) -> PathBuf) -> Vec<Named> {
    let mut files = Vec::new();
    for command in text.split([';', '|', '&', '\n', '(', ')', '`', '{', '}']) {
        let words = command.split_whitespace().map(|word| word.trim_matches(['"', '\'', '$', '<', '>']));
        let is_assignment = |word: &str| word.split_once('=').is_some_and(|(name, _)| !name.contains('/'));
        let mut words = words.filter(|word| !word.is_empty()).skip_while(|word| {
            BEFORE_PROGRAMS.contains(word) || is_assignment(word) || word.starts_with('-')
        });
        let Some(first) = words.next() else { continue };
        let program = if INTERPRETERS.contains(&first.rsplit('/').next().unwrap_or(first)) {
            words
                .find(|word| !word.starts_with('-') || *word == LOOKS_ONLY)
                .filter(|word| *word != LOOKS_ONLY)
        } else {
            Some(first).filter(|word| word.contains('/'))
        };
        files.extend(program.map(|program| Named::Handed(from_folder(program))));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(program: ProgramSpec) -> Vec<String> {
        let command = CommandSpec { cwd: Some("sub".to_owned()), ..CommandSpec::new(program) };
        let shown = |named: &Named| match named {
            Named::Started(file) => format!("+{}", file.display()),
            Named::Handed(file) => file.display().to_string(),
        };
        named(&command).iter().map(shown).collect()
    }

    #[test]
    fn what_a_command_is_made_of_is_found_in_its_words() {
        let rows: [(&str, &[&str]); 15] = [
            ("./a.sh --all", &["+sub/a.sh"]),
            ("../a.sh", &["+a.sh"]),
            ("cargo test", &[]),
            ("sh a.sh", &["sub/a.sh"]),
            ("bash -eu ../a.sh x", &["a.sh"]),
            ("./a.sh \"$X\"", &["sub/a.sh"]),
            ("X=1 ./a.sh | tee x/log", &["sub/a.sh"]),
            ("if ! ./a.sh; then exit 1; fi", &["sub/a.sh"]),
            ("cd x && python3 -u b/c.py \"$@\"", &["sub/b/c.py"]),
            ("bash -n a.sh", &[]),
            ("true; bash -n a.sh", &[]),
            (". ./env.sh; true", &["sub/env.sh"]),
            ("echo $(./a.sh)", &["sub/a.sh"]),
            ("FILE=a/b; echo \"$FILE\"", &[]),
            ("echo a/b", &[]),
        ];
        for (text, expected) in rows {
            assert_eq!(files(ProgramSpec::Shell(text.to_owned())), expected, "{text}");
        }
        let words = |words: &[&str]| ProgramSpec::Argv(words.iter().map(|&word| word.to_owned()).collect());
        assert_eq!(files(words(&["bash", "-euc", "x/y.sh"])), ["sub/x/y.sh"]);
        assert_eq!(files(words(&["python3", "x.py", "z.py"])), ["sub/x.py"]);
        let script = ProgramSpec::Script { file: "./a.sh".to_owned(), args: Vec::new() };
        assert_eq!(files(script), ["+a.sh"]);
        let module = ProgramSpec::Module { module: "a.b".to_owned(), args: Vec::new() };
        assert_eq!(files(module), ["+sub/a/b.py", "+sub/a/b/__init__.py"]);
    }

    #[test]
    fn a_program_stays_in_the_tree_that_it_comes_from() {
        let declared = Declared { top: "/base".into(), root: "/base/app".into() };
        let command =
            CommandSpec { cwd: Some("sub".to_owned()), ..CommandSpec::new(ProgramSpec::Argv(Vec::new())) };
        let rows = [
            ("./x", Some("/base/app/sub/x")),
            ("../../x", Some("/base/x")),
            ("../../../x", None),
            ("/tree/app/x", Some("/base/app/x")),
            ("/tree/x", Some("/base/x")),
            ("/tree/../x", None),
            ("/usr/bin/x", None),
        ];
        for (name, expected) in rows {
            let place = declared.place(&command, Path::new(name), Path::new("/tree/app"));
            assert_eq!(place, expected.map(PathBuf::from), "{name}");
        }
    }
}
