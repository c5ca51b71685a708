//! Real repositories in random states: nothing of the user's is lost, and a shadow holds what is staged.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{Repository, Shadow, VcsError};
use crate::base::rng::Rng;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the only folders of these tests")]
        let path = std::env::temp_dir().join(format!("vcs-{name}-{}", std::process::id()));
        _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("repo")).unwrap();
        let folder = Self(path.canonicalize().unwrap());
        folder.git(&["init", "--quiet", "--initial-branch=main"]);
        folder
    }

    fn top(&self) -> PathBuf {
        self.0.join("repo")
    }

    fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }

    fn path(&self, file: &str) -> PathBuf {
        self.top().join(file)
    }

    fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if path.is_symlink() {
            fs::remove_file(&path).unwrap();
        }
        fs::write(path, text).unwrap();
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.path(file)).unwrap()
    }

    fn git(&self, arguments: &[&str]) -> Vec<u8> {
        self.try_git(arguments).unwrap_or_else(|problem| panic!("git {arguments:?}: {problem}"))
    }

    fn try_git(&self, arguments: &[&str]) -> Result<Vec<u8>, String> {
        #[expect(clippy::disallowed_methods, reason = "what the code is held against")]
        let output = Command::new("git")
            .args(arguments)
            .current_dir(self.top())
            .env_clear()
            .envs(variables())
            .output()
            .unwrap();
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn repository(&self) -> Repository {
        Repository::find(&self.top(), &variables()).unwrap().unwrap()
    }

    fn shadow(&self) -> Shadow {
        Shadow::of_index(&self.repository(), &self.cache()).unwrap()
    }

    /// Every file of the user's with its content and mode, and git's own state that a commit is made of.
    fn everything(&self) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
        let mut files = BTreeMap::new();
        let mut open = vec![self.top()];
        while let Some(folder) = open.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let kind = fs::symlink_metadata(&path).unwrap();
                if kind.is_dir() {
                    if path.file_name() != Some(".git".as_ref()) {
                        open.push(path);
                    }
                } else if kind.is_symlink() {
                    let target = fs::read_link(&path).unwrap();
                    files.insert(path, (0, target.as_os_str().as_encoded_bytes().to_vec()));
                } else {
                    let text = fs::read(&path).unwrap();
                    files.insert(path, (kind.permissions().mode(), text));
                }
            }
        }
        for state in ["index", "HEAD", "MERGE_HEAD"] {
            let path = self.top().join(".git").join(state);
            if let Ok(text) = fs::read(&path) {
                files.insert(path, (0, text));
            }
        }
        files
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

fn variables() -> Vec<(OsString, OsString)> {
    #[expect(clippy::disallowed_methods, reason = "where git is")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_AUTHOR_NAME", "a"),
        ("GIT_AUTHOR_EMAIL", "a@example.com"),
        ("GIT_COMMITTER_NAME", "a"),
        ("GIT_COMMITTER_EMAIL", "a@example.com"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "protocol.file.allow"),
        ("GIT_CONFIG_VALUE_0", "always"),
    ]
    .into_iter()
    .map(|(name, value)| (name.into(), value.into()))
    .chain([("PATH".into(), path)])
    .collect()
}

/// Names that tools stumble over.
const NAMES: [&str; 9] = [
    "a.txt",
    "folder/b.txt",
    "folder/deep/c.txt",
    "with space.txt",
    "-dash.txt",
    "quote\"'.txt",
    "line\nend.txt",
    "umläut.txt",
    "star*.txt",
];

fn text(rng: &mut Rng) -> String {
    (0..rng.below(14)).map(|_| format!("line {}\n", rng.below(40))).collect()
}

/// The text with a line changed, taken out or put in at a random place.
fn edited(rng: &mut Rng, text: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = usize::try_from(rng.below(lines.len() as u64 + 1)).unwrap();
    match rng.below(3) {
        0 if at < lines.len() => lines[at] = format!("edited {}", rng.below(1000)),
        1 if at < lines.len() => drop(lines.remove(at)),
        _ => lines.insert(at, format!("inserted {}", rng.below(1000))),
    }
    lines.into_iter().map(|line| line + "\n").collect()
}

/// Brings a repository into some state that people bring repositories into.
fn disturb(folder: &Folder, rng: &mut Rng) {
    let crlf = rng.below(4) == 0;
    if crlf {
        folder.write(".gitattributes", "*.txt text eol=crlf\n");
    }
    folder.write(".gitignore", "target/\n/vendor/\n.env\n");
    folder.write("vendor/library", "large");
    folder.write("target/debug/cache", "large");
    folder.write(".env", "secret");
    for name in NAMES {
        if rng.below(3) > 0 {
            folder.write(name, text(rng));
        }
    }
    folder.git(&["add", "--all"]);
    if rng.below(5) > 0 {
        folder.git(&["commit", "--quiet", "--message=first"]);
    }
    for name in NAMES {
        for staged in [true, false] {
            let path = folder.path(name);
            match rng.below(8) {
                0 => folder.write(name, text(rng)),
                1 | 2 => {
                    let text = fs::read_to_string(&path).unwrap_or_default().replace('\r', "");
                    folder.write(name, edited(rng, &text));
                }
                3 => _ = fs::remove_file(&path),
                4 if path.exists() => {
                    let mode = if rng.below(2) == 0 { 0o755 } else { 0o644 };
                    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
                }
                5 if rng.below(4) == 0 => {
                    folder.write(name, [0, 159, 146, 150, rng.below(200).to_le_bytes()[0]]);
                }
                6 if rng.below(4) == 0 => {
                    _ = fs::remove_file(&path);
                    if path.parent().unwrap().is_dir() {
                        symlink("a.txt", &path).unwrap();
                    }
                }
                _ => {}
            }
            if staged && rng.below(2) == 0 {
                _ = folder.try_git(&["--literal-pathspecs", "add", "--all", "--", name]);
            }
        }
    }
    if rng.below(3) == 0 {
        folder.write("new/file.txt", "not tracked\n");
    }
}

fn staged_files(folder: &Folder) -> Vec<(String, PathBuf)> {
    let listed = folder.git(&["ls-files", "-z", "--stage"]);
    String::from_utf8(listed)
        .unwrap()
        .split('\0')
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (what, name) = line.split_once('\t').unwrap();
            (what[..6].to_owned(), PathBuf::from(name))
        })
        .collect()
}

/// What git itself would check out.
fn checked_out(folder: &Folder) -> PathBuf {
    let place = folder.0.join("expected");
    _ = fs::remove_dir_all(&place);
    let prefix = format!("--prefix={}/", place.display());
    folder.git(&["checkout-index", "--all", "--force", &prefix]);
    place
}

#[test]
fn nothing_is_lost_in_random_repositories() {
    for seed in 0..rounds() {
        one_round(seed);
    }
}

/// How many: `ONEX_GIT_ROUNDS` asks for more.
fn rounds() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "only for more of the same")]
    std::env::var("ONEX_GIT_ROUNDS").ok().map_or(40, |rounds| rounds.parse().unwrap())
}

fn one_round(seed: u64) {
    let mut rng = Rng::of_parts(&[seed, 17]);
    let folder = Folder::new("random");
    disturb(&folder, &mut rng);
    let before = folder.everything();
    // Twice: the second finds what the first left behind.
    drop(folder.shadow());
    let shadow = folder.shadow();
    assert_eq!(folder.everything(), before, "seed {seed}: a shadow is made beside the user's files");

    let expected = checked_out(&folder);
    let staged = staged_files(&folder);
    for (mode, name) in &staged {
        let (here, there) = (shadow.top().join(name), expected.join(name));
        if mode == "120000" {
            assert_eq!(fs::read_link(here).unwrap(), fs::read_link(there).unwrap());
        } else {
            assert_eq!(fs::read(&here).unwrap(), fs::read(there).unwrap(), "seed {seed}: {name:?}");
            let executable = fs::metadata(&here).unwrap().permissions().mode() & 0o100 != 0;
            assert_eq!(executable, mode == "100755", "seed {seed}: {name:?}");
        }
    }
    assert!(shadow.top().join("vendor/library").exists() && shadow.top().join(".env").exists());
    assert!(!shadow.top().join("target").exists(), "seed {seed}: what was built is not shared");

    // Programs do as they like.
    let mut made: BTreeMap<PathBuf, Option<Vec<u8>>> = BTreeMap::new();
    for (mode, name) in &staged {
        let file = shadow.top().join(name);
        // Other attributes make git store other files in another way, too.
        if mode == "120000" || name.ends_with(".gitattributes") {
            continue;
        }
        match rng.below(6) {
            0 | 1 => {
                let Ok(text) = fs::read_to_string(&file) else { continue };
                let ends = if text.contains('\r') { "\r\n" } else { "\n" };
                let text = edited(&mut rng, &text.replace('\r', "")).replace('\n', ends);
                fs::write(&file, &text).unwrap();
                made.insert(name.clone(), Some(text.into_bytes()));
            }
            2 if rng.below(3) == 0 => {
                fs::remove_file(&file).unwrap();
                made.insert(name.clone(), None);
            }
            _ => {}
        }
    }
    if rng.below(3) == 0 {
        fs::write(shadow.top().join("generated.txt"), "generated\n").unwrap();
    }
    let fixes = shadow.fixes().unwrap();
    assert_eq!(folder.everything(), before, "seed {seed}: programs changed the shadow only");

    let repository = folder.repository();
    let status = repository.status().unwrap();
    let applied = fixes.apply(&repository, "run").unwrap();
    let after = folder.everything();
    for (path, old) in &before {
        let name = path.strip_prefix(folder.top()).unwrap().to_path_buf();
        let new = after.get(path);
        if new == Some(old) {
            continue;
        }
        assert!(applied.written.contains(&name), "seed {seed}: {name:?} changed without a word");
        let Some(fixed) = made.get(&name) else { panic!("seed {seed}: nobody touched {name:?}") };
        if status.is_unstaged(&name) {
            // Every line that is only the user's is still there.
            let mine = String::from_utf8_lossy(&old.1).into_owned();
            let base = String::from_utf8_lossy(&fs::read(expected.join(&name)).unwrap()).into_owned();
            let now = String::from_utf8_lossy(&new.unwrap().1).into_owned();
            for line in mine.lines().filter(|line| !base.lines().any(|other| other == *line)) {
                assert!(now.lines().any(|other| other == line), "seed {seed}: {name:?} lost {line:?}");
            }
        } else {
            assert_eq!(new.map(|new| &new.1), fixed.as_ref(), "seed {seed}: {name:?}");
        }
    }
    for name in &applied.left {
        let path = folder.top().join(name);
        assert_eq!(after.get(&path), before.get(&path), "seed {seed}: {name:?} was left");
    }
    assert_eq!(applied.patch.is_some(), !applied.left.is_empty());

    fixes.stage(&repository).unwrap();
    let expected = checked_out(&folder);
    for (name, fixed) in &made {
        // Line ends are git's business.
        let plain = |text: &Vec<u8>| text.iter().copied().filter(|&byte| byte != b'\r').collect::<Vec<_>>();
        let staged = fs::read(expected.join(name)).ok();
        assert_eq!(staged.as_ref().map(plain), fixed.as_ref().map(plain), "seed {seed}: {name:?} is staged");
    }
    let index = folder.path(".git/index");
    for (path, file) in folder.everything() {
        assert!(path == index || after.get(&path) == Some(&file), "seed {seed}: staging changed {path:?}");
    }
}

#[test]
fn a_patch_holds_what_could_not_be_brought_back() {
    let folder = Folder::new("patch");
    folder.write("a.txt", "one\ntwo\nthree\n");
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=first"]);
    folder.write("a.txt", "one\nstaged\nthree\n");
    folder.git(&["add", "a.txt"]);
    folder.write("a.txt", "one\nmine\nthree\n");
    let shadow = folder.shadow();
    fs::write(shadow.top().join("a.txt"), "one\nfixed\nthree\n").unwrap();
    let fixes = shadow.fixes().unwrap();
    let applied = fixes.apply(&folder.repository(), "r1").unwrap();
    assert_eq!(folder.read("a.txt"), "one\nmine\nthree\n");
    assert_eq!(applied.left, [PathBuf::from("a.txt")]);
    let patch = applied.patch.unwrap();
    assert!(patch.ends_with(".git/onex/patches/r1.patch"), "{patch:?}");
    // It applies to what was staged.
    folder.git(&["apply", "--cached", patch.to_str().unwrap()]);
    assert_eq!(folder.git(&["show", ":a.txt"]), b"one\nfixed\nthree\n");
}

#[test]
fn both_changes_are_kept_where_they_touch_different_lines() {
    let folder = Folder::new("both");
    let text: String = (0..20).map(|n| format!("line {n}\n")).collect();
    folder.write("a.txt", &text);
    folder.git(&["add", "--all"]);
    folder.write("a.txt", text.replace("line 18", "mine"));
    let shadow = folder.shadow();
    fs::write(shadow.top().join("a.txt"), text.replace("line 2\n", "fixed\n")).unwrap();
    let fixes = shadow.fixes().unwrap();
    let applied = fixes.apply(&folder.repository(), "r1").unwrap();
    assert_eq!(applied.written, [PathBuf::from("a.txt")]);
    assert_eq!(folder.read("a.txt"), text.replace("line 18", "mine").replace("line 2\n", "fixed\n"));
    fixes.stage(&folder.repository()).unwrap();
    assert_eq!(folder.git(&["show", ":a.txt"]), text.replace("line 2\n", "fixed\n").as_bytes());
}

#[test]
fn git_in_a_shadow_answers_as_in_the_working_tree() {
    let folder = Folder::new("git");
    folder.write("a.txt", "a\n");
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=first"]);
    folder.write("b.txt", "b\n");
    folder.git(&["add", "--all"]);
    folder.write("b.txt", "c\n");
    let shadow = folder.shadow();
    let inside = Repository::find(&shadow.top().join("."), &variables()).unwrap().unwrap();
    assert_eq!(inside.top(), shadow.top());
    let entries: Vec<_> = inside.status().unwrap().staged().map(|entry| entry.path.clone()).collect();
    assert_eq!(entries, [PathBuf::from("b.txt")]);
    let branch = inside.git(&["branch", "--show-current"], &[]).unwrap();
    assert_eq!(branch, b"main\n");
    assert_eq!(String::from_utf8(folder.git(&["worktree", "list"])).unwrap().lines().count(), 1);
}

#[test]
fn two_runs_have_two_shadows() {
    let folder = Folder::new("two");
    folder.write("a.txt", "a\n");
    folder.git(&["add", "--all"]);
    let (one, other) = (folder.shadow(), folder.shadow());
    assert_ne!(one.top(), other.top());
    let place = one.top().to_path_buf();
    drop(one);
    assert_eq!(folder.shadow().top(), place);
}

#[test]
fn shadows_that_nobody_needs_are_removed() {
    let folder = Folder::new("unneeded");
    folder.write("a.txt", "a\n");
    folder.git(&["add", "--all"]);
    let slots = || {
        let slots = fs::read_dir(folder.cache().join("shadow")).unwrap();
        slots.map(|slot| slot.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    let (one, other) = (folder.shadow(), folder.shadow());
    let (first, second) = (slot(&one), slot(&other));
    drop(one);
    // The second is in use, and the first is kept for the next run.
    drop(folder.shadow());
    assert!(first.exists() && second.exists());
    drop(other);
    drop(folder.shadow());
    assert!(first.exists() && !second.exists());

    // Of a working tree that is gone, one of long ago, and half of one that was being removed.
    let left = |name: &str, origin: &Path, age: u64| {
        let slot = folder.cache().join("shadow").join(name);
        fs::create_dir_all(slot.join("tree")).unwrap();
        fs::write(slot.join("lock"), "").unwrap();
        fs::write(slot.join("origin"), origin.as_os_str().as_encoded_bytes()).unwrap();
        let now = fs::metadata(first.join("origin")).unwrap().modified().unwrap();
        let origin = fs::File::options().write(true).open(slot.join("origin")).unwrap();
        origin.set_modified(now - Duration::from_secs(age * 60 * 60)).unwrap();
        slot
    };
    let top = folder.top();
    left("1111-0", &folder.0.join("gone"), 0);
    left("2222-0", &top, 15 * 24);
    let used = left("3333-0", &folder.0.join("gone"), 0);
    let lock = fs::File::options().write(true).open(used.join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    fs::create_dir_all(folder.cache().join("shadow/gone-1-0/tree")).unwrap();
    drop(folder.shadow());
    let mut expected = vec![first.file_name().unwrap().to_str().unwrap().to_owned(), "3333-0".to_owned()];
    expected.sort();
    let mut there = slots();
    there.sort();
    assert_eq!(there, expected);

    // Those that were used last are kept.
    for age in 1..40 {
        left(&format!("4{age:03}-0"), &top, age);
    }
    drop(folder.shadow());
    // Sixteen in all, and the one in use by somebody else.
    assert_eq!(slots().len(), 17, "{:?}", slots());
    assert!(slots().contains(&"4015-0".to_owned()) && !slots().contains(&"4016-0".to_owned()));
    let stored = super::stored(&folder.cache());
    assert_eq!(stored.shadows, 17);
    assert!(stored.bytes > 0);
}

/// The slot that a shadow stands in.
fn slot(shadow: &Shadow) -> PathBuf {
    shadow.top().ancestors().nth(2).unwrap().to_path_buf()
}

#[test]
fn a_merge_that_is_not_resolved_is_refused() {
    let folder = Folder::new("merge");
    folder.write("a.txt", "a\n");
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=first"]);
    folder.git(&["checkout", "--quiet", "-b", "other"]);
    for (branch, text) in [("other", "b\n"), ("main", "c\n")] {
        folder.git(&["checkout", "--quiet", branch]);
        folder.write("a.txt", text);
        folder.git(&["commit", "--quiet", "--all", "--message=second"]);
    }
    folder.try_git(&["merge", "other"]).unwrap_err();
    let error = Shadow::of_index(&folder.repository(), &folder.cache()).unwrap_err();
    assert!(matches!(&error, VcsError::Unmerged(files) if *files == [PathBuf::from("a.txt")]), "{error}");
    folder.write("a.txt", "d\n");
    folder.git(&["add", "a.txt"]);
    let shadow = folder.shadow();
    let inside = Repository::find(shadow.top(), &variables()).unwrap().unwrap();
    inside.git(&["rev-parse", "--verify", "MERGE_HEAD"], &[]).unwrap();
}

#[test]
fn submodules_and_other_working_trees_are_reachable() {
    let library = Folder::new("library");
    library.write("lib.txt", "lib\n");
    library.git(&["add", "--all"]);
    library.git(&["commit", "--quiet", "--message=first"]);
    let folder = Folder::new("submodule");
    folder.git(&["submodule", "--quiet", "add", library.top().to_str().unwrap(), "sub"]);
    folder.write("a.txt", "a\n");
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=first"]);
    let before = folder.everything();
    let shadow = folder.shadow();
    assert_eq!(fs::read_to_string(shadow.top().join("sub/lib.txt")).unwrap(), "lib\n");
    let fixes = shadow.fixes().unwrap();
    assert!(fixes.is_empty(), "{:?}", fixes.list);
    assert!(folder.shadow().fixes().unwrap().is_empty());
    assert_eq!(folder.everything(), before);

    // Of a submodule, and of a second working tree.
    let inside = Repository::find(&folder.path("sub"), &variables()).unwrap().unwrap();
    assert_eq!(inside.top(), folder.path("sub"));
    assert!(Shadow::of_index(&inside, &folder.cache()).unwrap().fixes().unwrap().is_empty());
    let second = folder.0.join("second");
    folder.git(&["worktree", "add", "--quiet", second.to_str().unwrap()]);
    fs::write(second.join("a.txt"), "staged\n").unwrap();
    let repository = Repository::find(&second, &variables()).unwrap().unwrap();
    repository.git(&["add", "a.txt"], &[]).unwrap();
    let shadow = Shadow::of_index(&repository, &folder.cache()).unwrap();
    assert_eq!(fs::read_to_string(shadow.top().join("a.txt")).unwrap(), "staged\n");
    fs::write(shadow.top().join("a.txt"), "fixed\n").unwrap();
    shadow.fixes().unwrap().apply(&repository, "r").unwrap();
    assert_eq!(fs::read_to_string(second.join("a.txt")).unwrap(), "fixed\n");
    assert_eq!(folder.read("a.txt"), "a\n");
}

#[test]
fn what_programs_touch_in_the_working_tree_is_seen() {
    let folder = Folder::new("touched");
    for name in ["a.txt", "b.txt", "c.txt", "d.txt"] {
        folder.write(name, "one\n");
    }
    folder.git(&["add", "--all"]);
    for name in ["b.txt", "c.txt"] {
        folder.write(name, "mine\n");
    }
    let repository = folder.repository();
    let status = repository.status().unwrap();
    let before = repository.before(&status).unwrap();
    assert_eq!(repository.touched_since(&before).unwrap(), Vec::<PathBuf>::new());
    folder.write("a.txt", "two\n");
    folder.write("c.txt", "one\n");
    // The same again is no change.
    folder.write("d.txt", "one\n");
    assert_eq!(repository.touched_since(&before).unwrap(), [PathBuf::from("a.txt"), "c.txt".into()]);
    repository.stage(&[PathBuf::from("a.txt")]).unwrap();
    assert_eq!(folder.git(&["show", ":a.txt"]), b"two\n");
}

#[test]
fn files_changed_since_a_branch_are_named() {
    let folder = Folder::new("since");
    folder.write("a.txt", "a\n");
    folder.write("gone.txt", "a\n");
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=first"]);
    folder.git(&["checkout", "--quiet", "-b", "work"]);
    folder.write("b.txt", "b\n");
    fs::remove_file(folder.path("gone.txt")).unwrap();
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=second"]);
    folder.write("a.txt", "changed\n");
    let repository = folder.repository();
    assert_eq!(repository.changed_since("main").unwrap(), [PathBuf::from("a.txt"), "b.txt".into()]);
    let error = repository.changed_since("mian").unwrap_err().to_string();
    assert!(error.contains("there is no commit `mian`"), "{error}");
    let error = repository.changed_since("--output=x").unwrap_err().to_string();
    assert!(error.contains("there is no commit"), "{error}");
    let tracked = repository.tracked(&["*.txt"]).unwrap();
    assert_eq!(
        tracked.iter().map(|file| file.path.to_str().unwrap()).collect::<Vec<_>>(),
        ["a.txt", "b.txt"]
    );
    folder.write("new.txt", "");
    assert_eq!(repository.untracked(&["*.txt"]).unwrap(), [PathBuf::from("new.txt")]);
}

#[test]
fn there_may_be_no_repository() {
    let folder = Folder::new("none");
    fs::rename(folder.path(".git"), folder.0.join("away")).unwrap();
    assert!(Repository::find(&folder.top(), &variables()).unwrap().is_none());
    let mut set = variables();
    set.push(("GIT_DIR".into(), "nowhere".into()));
    assert!(Repository::find(&folder.top(), &set).unwrap().is_none());
    assert!(Repository::find(Path::new("/"), &variables()).unwrap().is_none());
}

#[test]
fn a_commit_of_named_files_has_an_index_of_its_own() {
    let folder = Folder::new("named");
    folder.write("a.txt", "a\n");
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=first"]);
    folder.write("a.txt", "b\n");
    let mut set = variables();
    set.push(("GIT_INDEX_FILE".into(), ".git/next-index-1.lock".into()));
    fs::copy(folder.path(".git/index"), folder.path(".git/next-index-1.lock")).unwrap();
    let repository = Repository::find(&folder.top(), &set).unwrap().unwrap();
    repository.stage(&[PathBuf::from("a.txt")]).unwrap();
    assert_eq!(repository.status().unwrap().staged().count(), 1);
    assert_eq!(folder.repository().status().unwrap().staged().count(), 0);
}
