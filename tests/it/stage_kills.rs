//! `onex orch --stage pre-commit` is killed at random moments, in random repositories with random hooks.
//!
//! The law. Let *before* be the state in which a run finds a repository, and *finished* the one in which the same run
//! leaves it when nobody disturbs it. Then, whenever and however a run is ended, and after the hooks that outlive it:
//!
//! 1. In a shadow, each of the user's files is byte for byte, and in its mode, as before or as finished. In the working
//!    tree, where hooks write it themselves, it is what some number of them made of it, in their order.
//! 2. A run that hears of its end (SIGINT, SIGTERM) brings back from a shadow all or nothing.
//! 3. The index is the same bytes as before; with `--fix-stage` it holds what it held before or what it holds when
//!    finished. The branch, `HEAD`, the stash and git's other files are the same bytes.
//! 4. No lock of git's is left, and the next run, even while a hook of the killed one still runs, works and reaches the
//!    finished state.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use onex::base::rng::Rng;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Ended, Folder};

const NAMES: [&str; 8] =
    ["a.txt", "b c.txt", "-d.txt", "deep/e.txt", "deep/er/f.txt", "line\nend.txt", "umläut.txt", "g.txt"];

/// The most hooks of one repository.
const HOOKS: u64 = 3;

/// A file with its mode and content.
type Files = BTreeMap<PathBuf, (u32, Vec<u8>)>;

fn rounds() -> u64 {
    std::env::var("ONEX_KILL_ROUNDS").ok().map_or(20, |rounds| rounds.parse().unwrap())
}

fn first_seed() -> u64 {
    std::env::var("ONEX_KILL_SEED").ok().map_or(0, |seed| seed.parse().unwrap())
}

#[test]
fn a_run_that_is_killed_loses_nothing() {
    for seed in first_seed()..first_seed() + rounds() {
        one_round(seed);
    }
}

/// A text with a place for each hook to put right, far enough from each other, and one for the user.
fn text(rng: &mut Rng, number: u64) -> String {
    let mut text = format!("text {number}\n");
    for hook in 0..HOOKS {
        let word = if rng.below(3) > 0 { "bad" } else { "fine" };
        text.push_str(&format!("{}{word}{hook}\n{}", "above\n".repeat(4), "below\n".repeat(4)));
    }
    text + "end\n"
}

/// What the hooks up to one make of a text.
fn fixed(text: &[u8], hooks: u64) -> Vec<u8> {
    let mut text = String::from_utf8(text.to_vec()).unwrap();
    for hook in 0..hooks {
        text = text.replace(&format!("bad{hook}\n"), &format!("good{hook}\n"));
    }
    text.into_bytes()
}

/// A hook writes each file elsewhere and moves it into its place, so that no half of one is ever seen.
fn component(folder: &Folder, hook: u64, makes_file: bool) {
    let made = if makes_file { "echo made > \"$HOLD/m$$\"; mv \"$HOLD/m$$\" made.log; " } else { "" };
    let line = format!(
        "{made}for f; do sed 's/^bad{hook}$/good{hook}/' \"$f\" > \"$HOLD/$$\"; \
         if cmp -s \"$f\" \"$HOLD/$$\"; then continue; fi; \
         if [ -x \"$f\" ]; then chmod 755 \"$HOLD/$$\"; fi; mv \"$HOLD/$$\" \"$f\"; done"
    );
    let line = serde_json::to_string(&line).unwrap();
    let hold = serde_json::to_string(&folder.path().join("tmp")).unwrap();
    folder.write(
        &format!("repo/checks/fix{hook}.onex.yaml"),
        format!(
            "name: fix{hook}\nversion: 1.0.0\nmeta_type: validator\nlifecycle: canary\ntags: [pre-commit]\n\
             entrypoint: {{type: command, target: [sh, -euc, {line}, sh]}}\n\
             env: {{HOLD: {hold}}}\nfiles: ['*.txt']\nwrites: ['*.txt']\n"
        ),
    );
}

fn git(folder: &Folder, arguments: &[&str]) -> String {
    folder.git(&[&["-C", "repo", "--literal-pathspecs"], arguments].concat())
}

/// A repository in some state that people bring repositories into, and how many hooks it has.
fn disturbed(folder: &Folder, rng: &mut Rng) -> u64 {
    folder.git(&["init", "--quiet", "--initial-branch=main", "repo"]);
    folder.write("repo/.gitignore", "target/\n");
    folder.write("repo/target/cache", "large");
    let hooks = 1 + rng.below(HOOKS);
    for hook in 0..hooks {
        component(folder, hook, rng.below(4) == 0);
    }
    for name in NAMES {
        if rng.below(3) > 0 {
            let text = text(rng, 0);
            folder.write(&format!("repo/{name}"), text);
        }
    }
    git(folder, &["add", "--all"]);
    if rng.below(6) > 0 {
        git(folder, &["commit", "--quiet", "--message=first"]);
    }
    let is_partly_staged = rng.below(3) > 0;
    for name in NAMES {
        let path = format!("repo/{name}");
        let whole = folder.path().join(&path);
        match rng.below(6) {
            0 if whole.exists() => fs::remove_file(&whole).unwrap(),
            1 if whole.exists() => {
                fs::set_permissions(&whole, fs::Permissions::from_mode(0o755)).unwrap();
            }
            2 | 3 => {
                let text = text(rng, 1);
                folder.write(&path, text);
            }
            _ => {}
        }
        if rng.below(4) > 0 && (whole.exists() || !git(folder, &["ls-files", "--", name]).is_empty()) {
            git(folder, &["add", "--all", "--", name]);
        }
        if !is_partly_staged || !whole.exists() {
            continue;
        }
        match rng.below(5) {
            // Beside the fixes, on their lines, or all of it.
            0 => {
                let text = folder.read(&path).replace("end\n", "mine\n");
                folder.write(&path, text);
            }
            1 => {
                let text = folder.read(&path).replace("bad0\n", "mine0\n");
                folder.write(&path, text);
            }
            2 => {
                folder.write(&path, "all mine\n");
            }
            3 if rng.below(2) == 0 => fs::remove_file(&whole).unwrap(),
            _ => {}
        }
    }
    if rng.below(3) == 0 {
        folder.write("repo/beside/untracked.txt", "nobody's\n");
    }
    hooks
}

fn below(folder: &Path, leaves_out: &dyn Fn(&Path) -> bool) -> Files {
    let mut files = Files::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(inside) = open.pop() {
        for entry in fs::read_dir(inside).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_path_buf();
            if leaves_out(&name) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                let mode = fs::metadata(&path).unwrap().permissions().mode();
                files.insert(name, (mode, fs::read(&path).unwrap()));
            }
        }
    }
    files
}

/// The user's files.
fn tree(folder: &Folder) -> Files {
    below(&folder.path().join("repo"), &|name| name == Path::new(".git"))
}

/// Git's own files, but for new objects and what `onex` keeps there.
fn state(folder: &Folder) -> Files {
    below(&folder.path().join("repo/.git"), &|name| {
        ["objects", "onex", "index"].iter().any(|part| name == Path::new(part))
    })
}

fn run(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = folder.command(&["orch", "--stage", "pre-commit", "--format", "json"]);
    command.args(arguments).current_dir(folder.path().join("repo"));
    command.env("XDG_CACHE_HOME", folder.path().join("home/cache"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn one_round(seed: u64) {
    let mut rng = Rng::of_parts(&[seed, 71]);
    let folder = Folder::new();
    fs::create_dir_all(folder.path().join("home")).unwrap();
    let hooks = disturbed(&folder, &mut rng);
    let arguments: &[&str] = if rng.below(3) == 0 { &["--fix-stage"] } else { &[] };

    // The same repository twice: first nobody disturbs the run, then somebody does.
    let (here, kept) = (folder.path().join("repo"), folder.path().join("kept"));
    copy(&here, &kept);
    let before = (tree(&folder), fs::read(here.join(".git/index")).ok(), state(&folder));
    let listed_before = git(&folder, &["ls-files", "--stage", "-z"]);
    let began = Instant::now();
    let whole = Ended::of(&run(&folder, arguments).output().unwrap());
    let took = began.elapsed();
    assert!(whole.code <= 1, "seed {seed}: {whole:?}");
    let finished = tree(&folder);
    let listed_finished = git(&folder, &["ls-files", "--stage", "-z"]);
    let is_shadow = folder.exists("home/cache/onex");
    if rng.below(2) == 0 {
        // Sometimes the shadow has to be made, sometimes it is there from an earlier run.
        _ = fs::remove_dir_all(folder.path().join("home/cache"));
    }
    fs::remove_dir_all(&here).unwrap();
    copy(&kept, &here);

    let signal =
        [Signal::KILL, Signal::KILL, Signal::INT, Signal::TERM][usize::try_from(rng.below(4)).unwrap()];
    let mut killed = run(&folder, arguments).spawn().unwrap();
    let micros = u64::try_from(took.as_micros()).unwrap();
    std::thread::sleep(Duration::from_micros(rng.below(micros * 11 / 10)));
    let pid = Pid::from_raw(i32::try_from(killed.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
    killed.wait().unwrap();
    let goes_on_at_once = is_shadow && rng.below(2) == 0;
    if !goes_on_at_once {
        wait_for_others(&folder);
    }
    let what = format!("seed {seed}, {signal:?}, shadow {is_shadow}, {arguments:?}");
    let after = tree(&folder);
    assert_law(&what, (&before.0, &finished, &after), (is_shadow, hooks));
    let is_heard = signal != Signal::KILL;
    if is_shadow && is_heard {
        assert!(after == before.0 || after == finished, "{what}: neither all nor nothing");
    }
    if arguments.is_empty() {
        assert_eq!(fs::read(here.join(".git/index")).ok(), before.1, "{what}: the index");
    } else {
        wait_for_others(&folder);
        let listed = git(&folder, &["ls-files", "--stage", "-z"]);
        assert!(listed == listed_before || listed == listed_finished, "{what}: the index");
    }
    assert_eq!(names(&state(&folder)), names(&before.2), "{what}: git's own files");
    assert_eq!(state(&folder), before.2, "{what}: git's own files");

    let next = Ended::of(&run(&folder, arguments).output().unwrap());
    assert!(next.code <= 1, "{what}: the next run: {next:?}");
    wait_for_others(&folder);
    assert_eq!(names(&tree(&folder)), names(&finished), "{what}: the next run");
    assert!(tree(&folder) == finished, "{what}: the next run does not reach the finished state: {next:?}");
    assert_eq!(git(&folder, &["ls-files", "--stage", "-z"]), listed_finished, "{what}: the next run");
    let unfinished = here.join(".git/onex/unfinished");
    let left = fs::read_dir(unfinished).map(Iterator::count).unwrap_or(0);
    assert!(left == 0 || next.code == 0, "{what}: unfinished files stay");
}

fn names(files: &Files) -> Vec<&PathBuf> {
    files.keys().collect()
}

fn assert_law(
    what: &str,
    (before, finished, after): (&Files, &Files, &Files),
    (is_shadow, hooks): (bool, u64),
) {
    let all = before.keys().chain(finished.keys()).chain(after.keys());
    for name in all {
        let (old, new, now) = (before.get(name), finished.get(name), after.get(name));
        if now == old || now == new {
            continue;
        }
        let steps =
            old.map(|(mode, text)| (1..=hooks).map(|step| (*mode, fixed(text, step))).collect::<Vec<_>>());
        let is_step = !is_shadow && steps.is_some_and(|steps| steps.iter().any(|step| now == Some(step)));
        let shown = now.map(|(mode, text)| format!("{mode:o} {}", String::from_utf8_lossy(text)));
        assert!(is_step, "{what}: {name:?} is neither as before nor finished: {shown:?}");
    }
}

/// Waits until no process of this folder is left. The test runner bounds the wait.
fn wait_for_others(folder: &Folder) {
    while !folder.processes().is_empty() {
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}
