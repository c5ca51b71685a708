//! What the sandbox of a node means on this machine: which paths, which variables, and what cannot be enforced.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::engine::ports::AttemptOutcome;
use crate::model::event::AttemptFailure;
use crate::model::outcome::{AttemptClass, FailureReason};
use crate::model::sandbox::{Effective, FilesystemAccess, NetworkAccess, PathAccess, Sandbox, SandboxReport};
use crate::process::{Bounds, Confinement, Enforcement, FileBounds, Inherited, LANDLOCK_FOR_FILES};

/// Variables that lead to programs outside, which would do there what a program without a network asks for.
const LEAD_OUTSIDE: [&str; 6] = [
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "DOCKER_HOST",
    "CONTAINER_HOST",
    "GPG_AGENT_INFO",
    "DBUS_SESSION_BUS_ADDRESS",
];

/// What the sandbox asks for and this machine does not have, each for people.
#[must_use]
pub fn missing(sandbox: &Sandbox, enforcement: Enforcement) -> Vec<String> {
    let mut missing = Vec::new();
    if !enforcement.seccomp {
        missing.push("seccomp filters".to_owned());
    }
    if sandbox.filesystem != FilesystemAccess::Full && enforcement.landlock < LANDLOCK_FOR_FILES {
        missing.push(match enforcement.landlock {
            0 => "Landlock".to_owned(),
            has => format!("Landlock in version {LANDLOCK_FOR_FILES} or later (version {has} is there)"),
        });
    }
    missing
}

/// The sandbox as reports tell of it.
#[must_use]
pub fn report(sandbox: &Sandbox, enforcement: Enforcement) -> SandboxReport {
    let missing = missing(sandbox, enforcement);
    let effective = match missing.as_slice() {
        [] => Effective::Full,
        _ if enforcement == Enforcement::default() => Effective::None,
        _ => Effective::Partial,
    };
    SandboxReport { asked: sandbox.clone(), effective, missing }
}

/// What sandboxes of nodes are made with.
#[derive(Debug, Default)]
pub struct Confining {
    /// What this machine can enforce.
    pub enforcement: Enforcement,
    /// The home folder, where one is known.
    pub home: Option<PathBuf>,
    /// Links below the project root that `onex` made, to what it needs of another tree.
    pub links: Vec<PathBuf>,
    /// Where programs of the project come from, where that is another tree.
    pub sources: Option<PathBuf>,
}

/// The sandbox of one attempt, with a folder of its own.
#[derive(Debug)]
pub(super) struct Cell {
    folder: PathBuf,
    confinement: Arc<Confinement>,
}

/// The folder for temporary files in that of the attempt.
const TEMPORARY: &str = "tmp";

impl Cell {
    /// Makes the sandbox, and the folder, which must not be there.
    ///
    /// # Errors
    ///
    /// Says why the attempt cannot be confined as it has to be. Then nothing is to be started.
    pub(super) fn new(
        folder: &Path,
        sandbox: &Sandbox,
        (root, with): (&Path, &Confining),
    ) -> Result<Self, String> {
        let missing = missing(sandbox, with.enforcement);
        if sandbox.required && !missing.is_empty() {
            return Err(format!("its sandbox needs {}", missing.join(" and ")));
        }
        let unusable = |error: io::Error| format!("its sandbox cannot be made: {error}");
        let mut builder = DirBuilder::new();
        builder.mode(0o700).recursive(true).create(folder.join(TEMPORARY)).map_err(unusable)?;
        let folder = folder.canonicalize().map_err(unusable)?;
        let around = Surroundings {
            root,
            links: &with.links,
            sources: with.sources.as_deref(),
            home: with.home.as_deref(),
            private: &folder,
        };
        let bounds = bounds(sandbox, around)?;
        let confinement = Confinement::new(&bounds, with.enforcement).map_err(unusable)?;
        Ok(Self { folder, confinement: Arc::new(confinement) })
    }

    pub(super) fn confinement(&self) -> Arc<Confinement> {
        Arc::clone(&self.confinement)
    }

    /// The path of a file in its folder.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Where programs put temporary files.
    pub(super) fn variables(&self) -> [(&'static str, PathBuf); 3] {
        ["TMPDIR", "TMP", "TEMP"].map(|name| (name, self.folder.join(TEMPORARY)))
    }

    /// Tells what its sandbox ended from what failed by itself, and removes its folder.
    pub(super) fn judge(self, outcome: &mut AttemptOutcome) {
        // A shell tells the end of its program by a signal as a code.
        let is_ended = outcome.signal == Some(SIGSYS) || outcome.return_code == Some(128 + SIGSYS);
        if is_ended && !outcome.stopped {
            let message = "its sandbox ended it: it made a system call that no node may make (SIGSYS)";
            let failure = AttemptFailure::new(FailureReason::Policy, AttemptClass::Definite, message);
            outcome.failure = Some(failure);
        }
        if !outcome.leaked
            && let Err(error) = std::fs::remove_dir_all(&self.folder)
        {
            // The folder of the run is removed with all that is in it.
            tracing::debug!(%error, folder = %self.folder.display(), "is left until the end of the run");
        }
    }
}

/// The signal that ends a process which makes a call that is not allowed.
const SIGSYS: i32 = rustix::process::Signal::SYS.as_raw();

/// Where a node runs, as far as its sandbox is concerned.
#[derive(Clone, Copy, Debug)]
struct Surroundings<'a> {
    /// The project root, without symbolic links.
    root: &'a Path,
    /// Links in it that `onex` made, to what it needs of another tree.
    links: &'a [PathBuf],
    /// Where programs of the project come from, where that is another tree.
    sources: Option<&'a Path>,
    /// The home folder, where one is known.
    home: Option<&'a Path>,
    /// The node's own folder.
    private: &'a Path,
}

/// What the program may touch; an error says which path of the project leads out of it.
fn bounds(sandbox: &Sandbox, around: Surroundings<'_>) -> Result<Bounds, String> {
    let files = |read: Option<Vec<PathBuf>>, mut write: Vec<PathBuf>| {
        let keeps_metadata = write.is_empty();
        write.push(around.private.to_path_buf());
        Some(FileBounds { read, write, keeps_metadata })
    };
    let files = match &sandbox.filesystem {
        FilesystemAccess::Full => None,
        FilesystemAccess::Project => files(None, vec![around.root.to_path_buf()]),
        FilesystemAccess::ReadOnly => files(None, Vec::new()),
        FilesystemAccess::Paths(PathAccess { read, write }) => {
            let read = read.as_deref().map(|read| around.places(read)).transpose()?;
            let read = read.map(|read| around.with_links(read));
            files(read, around.places(write)?)
        }
    };
    Ok(Bounds { files, is_offline: sandbox.network == NetworkAccess::None })
}

impl Surroundings<'_> {
    /// Paths of a contract as paths of this machine.
    fn places(&self, paths: &[String]) -> Result<Vec<PathBuf>, String> {
        paths.iter().filter_map(|path| self.place(path).transpose()).collect()
    }

    /// Nothing where it is below a home folder that nobody knows.
    fn place(&self, path: &str) -> Result<Option<PathBuf>, String> {
        if path == "~" {
            return Ok(self.home.map(Path::to_path_buf));
        }
        if let Some(below) = path.strip_prefix("~/") {
            return Ok(self.home.map(|home| home.join(below.trim_start_matches('/'))));
        }
        if path.starts_with('/') {
            return Ok(Some(PathBuf::from(path)));
        }
        let place = self.root.join(path);
        match place.canonicalize() {
            Ok(real) if real.starts_with(self.root) => Ok(Some(real)),
            // A link that was made here leads where its files are.
            Ok(real)
                if self.links.iter().any(|link| link.canonicalize().is_ok_and(|to| real.starts_with(to))) =>
            {
                Ok(Some(real))
            }
            Ok(_) => Err(format!("`{path}` leads out of the project root")),
            // What is not there cannot be opened.
            Err(_) => Ok(Some(place)),
        }
    }

    /// What may be read, with what the links in it lead to and what programs are made of.
    fn with_links(&self, mut read: Vec<PathBuf>) -> Vec<PathBuf> {
        let linked = |link: &&PathBuf| read.iter().any(|folder| link.starts_with(folder));
        let linked: Vec<PathBuf> = self.links.iter().filter(linked).cloned().collect();
        read.extend(linked);
        read.extend(self.sources.map(Path::to_path_buf));
        read
    }
}

/// What a program in the sandbox inherits: nothing that leads outside where it is to have no network.
pub(super) fn confined(sandbox: &Sandbox, inherited: &Inherited) -> Option<Inherited> {
    (sandbox.network == NetworkAccess::None && LEAD_OUTSIDE.iter().any(|name| inherited.get(name).is_some()))
        .then(|| inherited.without(&LEAD_OUTSIDE))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Enforcement = Enforcement { landlock: 7, seccomp: true };

    fn reads(sandbox: &Sandbox, enforcement: Enforcement) -> (Effective, Vec<String>) {
        let report = report(sandbox, enforcement);
        (report.effective, report.missing)
    }

    #[test]
    fn what_a_machine_lacks_is_named() {
        let strict = Sandbox::strict();
        assert_eq!(reads(&strict, ALL), (Effective::Full, vec![]));
        let old = Enforcement { landlock: 2, ..ALL };
        let older = vec!["Landlock in version 3 or later (version 2 is there)".to_owned()];
        assert_eq!(reads(&strict, old), (Effective::Partial, older));
        let without = Enforcement { landlock: 0, ..ALL };
        assert_eq!(reads(&strict, without), (Effective::Partial, vec!["Landlock".to_owned()]));
        let offline = Sandbox { filesystem: FilesystemAccess::Full, ..Sandbox::strict() };
        assert_eq!(reads(&offline, without), (Effective::Full, vec![]), "files are not asked for");
        let nothing = vec!["seccomp filters".to_owned(), "Landlock".to_owned()];
        assert_eq!(reads(&strict, Enforcement::default()), (Effective::None, nothing));
    }

    #[test]
    fn paths_of_a_contract_become_paths_of_the_machine() {
        let around = Surroundings {
            root: Path::new("/no/such/project"),
            links: &[PathBuf::from("/no/such/project/deps")],
            sources: None,
            home: Some(Path::new("/home/ada")),
            private: Path::new("/tmp/onex-1/0-1"),
        };
        let of = |filesystem: FilesystemAccess, around| {
            bounds(&Sandbox { filesystem, ..Sandbox::strict() }, around).unwrap().files
        };
        let paths = |paths: &[&str]| paths.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(of(FilesystemAccess::Full, around), None);
        let own = FileBounds { read: None, write: paths(&["/tmp/onex-1/0-1"]), keeps_metadata: true };
        assert_eq!(of(FilesystemAccess::ReadOnly, around), Some(own));
        let access = PathAccess {
            read: Some(["."].map(str::to_owned).to_vec()),
            write: ["~", "~/.cargo", "/var/tmp"].map(str::to_owned).to_vec(),
        };
        let files = of(FilesystemAccess::Paths(access.clone()), around).unwrap();
        assert_eq!(files.read, Some(paths(&["/no/such/project/.", "/no/such/project/deps"])));
        let write = ["/home/ada", "/home/ada/.cargo", "/var/tmp", "/tmp/onex-1/0-1"];
        assert_eq!((files.write, files.keeps_metadata), (paths(&write), false));
        let homeless = of(FilesystemAccess::Paths(access), Surroundings { home: None, ..around }).unwrap();
        assert_eq!(homeless.write, paths(&["/var/tmp", "/tmp/onex-1/0-1"]));
    }
}
