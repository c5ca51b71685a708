//! What a node would start, and no more than a look at it: for those who decide whether it may.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::declared::Declared;
use super::launcher::{launched, split_words};
use super::program::{PYTHON_PROGRAM, SHELL, interpreter, plain_words};
use crate::base::paths::tidied;
use crate::model::policy::{ProgramFile, Role, StartedProgram, Starts};
use crate::model::workflow::{CommandSpec, InheritEnv, ProgramSpec};
use crate::process::Locator;

/// The longest chain of programs that start each other which is followed.
const MOST_LAUNCHERS: usize = 16;

/// Programs that run the file that they are given.
const INTERPRETERS: [&str; 22] = [
    "ash", "bash", "bun", "dash", "deno", "elixir", "fish", "groovy", "guile", "julia", "ksh", "lua", "node",
    "nodejs", "perl", "php", "pypy", "python", "Rscript", "ruby", "sh", "zsh",
];

/// Folders that programs are installed in wherever there are programs.
const INSTALLED: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

/// What programs of a project are looked for with.
#[derive(Debug)]
pub struct Surroundings<'a> {
    /// The project root, without symbolic links.
    pub root: &'a Path,
    /// The `PATH` that programs inherit.
    pub path: Option<&'a OsStr>,
    /// Where programs of the project come from, where that is another tree.
    pub declared: Option<&'a Declared>,
}

impl Surroundings<'_> {
    /// What a command would start now. Nothing of it is started.
    #[must_use]
    pub fn starts(&self, command: &CommandSpec) -> Starts {
        let inherited = match &command.inherit_env {
            InheritEnv::All => self.path,
            InheritEnv::Only(names) if names.iter().any(|name| name == "PATH") => self.path,
            InheritEnv::None | InheritEnv::Only(_) => None,
        };
        let path = command.env.get("PATH").map(|path| OsStr::new(path.as_str())).or(inherited);
        let root = self.declared.map_or(self.root, |declared| declared.root.as_path());
        let directory = root.join(command.cwd.as_deref().unwrap_or_default());
        let directory = directory.canonicalize().unwrap_or(directory);
        let mut look = Look {
            root,
            path,
            own_path: self.path,
            directory,
            starts: Starts::default(),
            seen: HashSet::new(),
        };
        // What cannot be taken from there is not started, either: the attempt says so.
        let program = self.declared.and_then(|declared| declared.program(command, self.root).ok());
        match program.as_deref().unwrap_or(&command.program) {
            ProgramSpec::Argv(argv) => look.argv(argv, Role::Started),
            ProgramSpec::Shell(text) => {
                look.argv(&SHELL.map(str::to_owned), Role::Started);
                if let Some(words) = plain_words(text) {
                    look.argv(&words, Role::Within);
                }
            }
            ProgramSpec::Script { file, args } => {
                // What cannot be read cannot be run, either: the attempt says so.
                let by = interpreter(file, root).unwrap_or_else(|_| vec![file.clone()]);
                look.file(file, &root.join(file), Role::Started);
                look.argv(&[by, args.clone()].concat(), Role::Started);
            }
            ProgramSpec::Python { module, .. } | ProgramSpec::Module { module, .. } => {
                look.argv(&[PYTHON_PROGRAM.to_owned()], Role::Started);
                let module_file = module.replace('.', "/");
                for file in [format!("{module_file}.py"), format!("{module_file}/__init__.py")] {
                    let whole = look.directory.join(&file);
                    if whole.is_file() {
                        look.file(&file, &whole, Role::Started);
                        break;
                    }
                }
            }
        }
        look.starts
    }
}

struct Look<'a> {
    root: &'a Path,
    path: Option<&'a OsStr>,
    /// The `PATH` of `onex` itself, which no contract sets.
    own_path: Option<&'a OsStr>,
    directory: PathBuf,
    starts: Starts,
    seen: HashSet<PathBuf>,
}

impl Look<'_> {
    /// A program with its arguments, and what it is known to start in its turn.
    fn argv(&mut self, argv: &[String], role: Role) {
        let mut argv = argv.to_vec();
        for _ in 0..MOST_LAUNCHERS {
            let Some((program, arguments)) = argv.split_first() else { return };
            let started = self.program(program, role);
            let real = started.real.as_ref().map(|real| real.path.as_path());
            let names = [Some(Path::new(program)), real];
            let names = names.into_iter().flatten().filter_map(|path| path.file_name()?.to_str());
            // One program under many names does what its name says.
            let mut names =
                names.filter(|name| !matches!(*name, "busybox" | "toybox") || *name == base(program));
            let name = names.next().unwrap_or_default();
            let split = split_words(name, arguments);
            let arguments = split.as_deref().unwrap_or(arguments);
            let names: Vec<&str> = std::iter::once(name).chain(names).collect();
            let found = names.iter().find_map(|name| launched(name, arguments));
            self.starts.programs.push(started.clone());
            let Some(found) = found else {
                if names.iter().any(|name| is_interpreter(name)) {
                    self.operand(arguments);
                }
                return;
            };
            self.starts.variables.extend(found.variables.iter().map(|&name| name.to_owned()));
            if let Some(word) = found.unclear {
                self.starts.unclear = Some(format!("`{program}` with `{word}`"));
                return;
            }
            argv = found.argv.to_vec();
        }
        self.starts.unclear = Some(format!("a chain of more than {MOST_LAUNCHERS} programs"));
    }

    /// The file of the project that an interpreter is told to run: the first that is named.
    fn operand(&mut self, arguments: &[String]) {
        let mut files = arguments.iter().filter(|word| !word.starts_with('-') && !word.is_empty());
        let found = files.find_map(|word| {
            let whole = self.directory.join(word);
            (whole.is_file() && self.is_inside(&whole)).then_some((word, whole))
        });
        if let Some((word, whole)) = found {
            self.file(word, &whole, Role::Within);
        }
    }

    fn is_inside(&self, file: &Path) -> bool {
        tidied(file).starts_with(self.root)
    }

    fn program(&self, written: &str, role: Role) -> StartedProgram {
        let locator = Locator::default();
        let found = locator.find(written, self.path, &self.directory).ok();
        // What is not there now can be there in a moment.
        let named = || Some(self.directory.join(written)).filter(|_| written.contains('/'));
        self.started(written, found.or_else(named), role)
    }

    fn started(&self, written: &str, file: Option<PathBuf>, role: Role) -> StartedProgram {
        let of = |path: PathBuf| ProgramFile { is_installed: self.is_installed(&path), path };
        StartedProgram {
            written: written.to_owned(),
            real: file.as_deref().and_then(|file| file.canonicalize().ok()).map(of),
            found: file.map(|file| of(tidied(&file))),
            role,
        }
    }

    /// Whether a file is in a folder that `onex` itself looks for programs in.
    fn is_installed(&self, file: &Path) -> bool {
        let folders = std::env::split_paths(self.own_path.unwrap_or_default());
        let mut folders = folders.chain(INSTALLED.iter().map(PathBuf::from));
        folders.any(|folder| folder.is_absolute() && file.parent() == Some(tidied(&folder).as_path()))
    }

    fn file(&mut self, written: &str, whole: &Path, role: Role) {
        if self.seen.insert(tidied(whole)) {
            let started = self.started(written, Some(whole.to_path_buf()), role);
            self.starts.programs.push(started);
        }
    }
}

/// Whether a program of this name, with or without a version behind it, runs the file that it is given.
fn is_interpreter(name: &str) -> bool {
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    INTERPRETERS.contains(&name)
}

fn base(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}
