//! Whoever only looks at a project runs nothing of it: not what stands in its files, and not what the settings of its
//! repository name. Watched by `strace` where that is there, and by files that would be made everywhere.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{ask, finish, repository};
use crate::support::Folder;

/// All that only looks.
const LOOKS: [&[&str]; 17] = [
    &["validate", "."],
    &["list"],
    &["list", "--scan"],
    &["plan", "contract.yaml"],
    &["graph", "contract.yaml"],
    &["explain", "a", "--contract", "contract.yaml"],
    &["fmt", "--check", "."],
    &["fmt", "--diff", "."],
    &["registry", "list"],
    &["registry", "verify"],
    &["orch", "--contract", "contract.yaml", "--dry-run"],
    &["orch", "--contract", "contract.yaml", "--contracts-from", "HEAD", "--mode", "dry-run"],
    &["orch", "--stage", "ci", "--dry-run"],
    &["orch", "--stage", "pre-commit", "--dry-run"],
    &["orch", "--stage", "ci", "--changed-since", "HEAD", "--dry-run"],
    &["orch", "--stage", "ci", "--contracts-from", "HEAD", "--dry-run"],
    &["orch", "--stage", "registry", "--dry-run"],
];

/// A project that would do harm in every way that there is.
fn hostile() -> Folder {
    let folder = repository();
    let touch = format!("touch {}/pwned-$$ #", folder.path().display());
    let text = format!("$({touch})`{touch}`; {touch}");
    let word = serde_json::to_string(&text).unwrap();
    folder.write(
        "contract.yaml",
        format!(
            "metadata: {{stages: [ci, pre-commit], description: {word}, tags: [{word}]}}\nworkflow:\n  name: {word}\n  \
             version: 1.0.0\n  inputs: {{i: {{type: string, default: {word}, description: {word}}}}}\n  tasks:\n    \
             - {{id: a, run: {word}, description: {word}, tags: [{word}], env: {{X: {word}}}, stdin: {word}}}\n    \
             - {{id: b, script: {word}, args: [{word}], cwd: .}}\n    \
             - {{id: c, python: 'evil:run', args: [{word}]}}\n"
        ),
    );
    let kinds = [
        format!("{{type: command, target: [touch, {}/pwned]}}", folder.path().display()),
        "{type: script, target: [evil.sh]}".to_owned(),
        "{type: python, target: ['evil:run']}".to_owned(),
        "{type: python, target: [evil]}".to_owned(),
    ];
    for (n, entrypoint) in kinds.iter().enumerate() {
        folder.write(
            &format!("c{n}.onex.yaml"),
            format!(
                "name: c{n}\nversion: 1.0.0\nmeta_type: validator\nlifecycle: canary\ntags: [pre-commit, ci]\n\
                 description: {word}\nauthor: {word}\nfiles: ['*']\ntypes: [text]\nentrypoint: {entrypoint}\n"
            ),
        );
    }
    folder.write("evil.sh", format!("#!/bin/sh\n{touch}\n"));
    folder.write("evil.py", "open('pwned', 'w')\ndef run(): pass\n");
    folder.write("sitecustomize.py", "open('pwned', 'w')\n");
    for (n, tag) in
        ["!!python/object/apply:os.system", "!ruby/object:X", "!!js/function", "!<tag:x>", "!exec"]
            .iter()
            .enumerate()
    {
        folder
            .write(&format!("tag{n}/contract.yaml"), format!("a: {tag} [{word}]\nworkflow: {{tasks: []}}\n"));
    }
    folder.write("onex.toml", format!("[hooks]\npre = {word}\n"));
    folder.write(
        "onex.registry.yaml",
        format!("version: 1\ncomponents:\n  - {{name: {word}, path: evil.sh, digest: {word}}}\n"),
    );
    for name in ["git", "sh", "python3", "sh.sh"] {
        let file = folder.write(name, format!("#!/bin/sh\n{touch}\n"));
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder.write(".gitattributes", "* filter=evil diff=evil merge=evil text=auto\n");
    folder.write(
        ".gitmodules",
        "[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c touch% pwned\n\tupdate = !touch pwned\n",
    );
    super::commit(&folder);
    // What is looked at a second time is compared with its content, which filters are asked about.
    for file in ["contract.yaml", "evil.py", ".gitattributes"] {
        folder.write(file, folder.read(file) + "# more\n");
    }
    folder.git(&["add", "contract.yaml"]);
    folder.write("contract.yaml", folder.read("contract.yaml") + "# and more\n");
    let settings = [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "core.askPass",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.evil.process",
        "merge.evil.driver",
        "credential.helper",
        "gpg.program",
        "sequence.editor",
        "interactive.diffFilter",
        "uploadpack.packObjectsHook",
        "pager.status",
        "pager.diff",
        "pager.config",
        "difftool.x.cmd",
        "man.x.cmd",
        "core.alternateRefsCommand",
        "sendemail.smtpServer",
        "remote.origin.vcs",
        "trailer.x.command",
    ];
    for key in settings {
        folder.git(&["config", key, &touch]);
    }
    for verb in ["status", "ls-files", "rev-parse", "diff", "config", "read-tree", "merge-base"] {
        folder.git(&["config", &format!("alias.{verb}"), &format!("!{touch}")]);
    }
    folder.git(&["config", "filter.evil.required", "true"]);
    // Objects that are missing would be fetched.
    folder.git(&["config", "extensions.partialClone", "origin"]);
    folder.git(&["config", "remote.origin.promisor", "true"]);
    folder.git(&[
        "config",
        "remote.origin.url",
        &format!("ext::sh -c touch% {}/pwned-remote", folder.path().display()),
    ]);
    folder.git(&["config", "protocol.ext.allow", "always"]);
    for hook in
        ["post-index-change", "post-checkout", "reference-transaction", "pre-commit", "fsmonitor-watchman"]
    {
        let file = folder.write(&format!("hooks/{hook}"), format!("#!/bin/sh\n{touch}\n"));
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder.git(&["config", "core.hooksPath", folder.path().join("hooks").to_str().unwrap()]);
    folder
}

/// All files of a folder, with what tells that somebody has written them.
fn standing(folder: &Path) -> BTreeMap<PathBuf, (u64, i64, i64)> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap();
            let inside = path.strip_prefix(folder).unwrap().to_path_buf();
            if inside.starts_with("home") || inside.starts_with("tmp") {
                continue;
            }
            if kind.is_dir() {
                open.push(path);
            } else {
                found.insert(inside, (kind.size(), kind.mtime(), kind.mtime_nsec()));
            }
        }
    }
    found
}

#[test]
fn who_looks_at_a_hostile_project_starts_and_writes_nothing() {
    let folder = hostile();
    let before = standing(folder.path());
    for looks in LOOKS {
        let ended = ask(&folder, looks);
        assert!(ended.code < 128, "{looks:?}: {ended:?}");
        let after = standing(folder.path());
        let new: Vec<_> = after.iter().filter(|(name, kind)| before.get(*name) != Some(*kind)).collect();
        assert!(new.is_empty() && after.len() == before.len(), "{looks:?} wrote {new:?}: {ended:?}");
    }
    // Without its tree, every look at the last commit would fetch it.
    let tree = folder.git(&["rev-parse", "HEAD^{tree}"]);
    let object = folder.path().join(".git/objects").join(&tree[..2]).join(tree[2..].trim());
    fs::remove_file(object).unwrap();
    for looks in &LOOKS[10..] {
        ask(&folder, looks);
        let new: Vec<_> =
            standing(folder.path()).into_keys().filter(|name| !before.contains_key(name)).collect();
        assert!(new.is_empty(), "{looks:?} made {new:?}");
    }
}

/// Whether programs can be traced here.
fn can_trace() -> bool {
    let traced = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    traced.is_ok_and(|ended| ended.status.success())
}

#[test]
fn who_looks_starts_git_alone_and_connects_to_nothing() {
    if !can_trace() {
        // Then only what hostile programs would leave is looked at, above.
        return;
    }
    let folder = hostile();
    let trace = folder.path().join("tmp/trace");
    for looks in LOOKS {
        let onex = folder.command(&[]);
        let mut command = Command::new("strace");
        let calls = "execve,execveat,connect,bind,openat,openat2,open,creat,mkdir,mkdirat,rename,renameat,renameat2,\
                     unlink,unlinkat,symlink,symlinkat,link,linkat,truncate,chmod,fchmodat";
        command.args(["-f", "-y", "-qq", "-s", "4096", "-e", &format!("trace={calls}"), "-o"]).arg(&trace);
        command.arg(onex.get_program()).args(looks).current_dir(folder.path()).env_clear();
        command.envs(onex.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("XDG_CACHE_HOME", folder.path().join("home/cache"));
        finish(&folder, &mut command);
        let text = String::from_utf8_lossy(&fs::read(&trace).unwrap()).into_owned();
        let calls: Vec<&str> =
            text.lines().filter_map(|line| Some(line.split_once(' ')?.1.trim_start())).collect();
        assert!(calls.len() > 5, "{looks:?}: {text}");
        let kept = [folder.path().join("home"), folder.path().join("tmp")];
        let is_kept = |call: &str| kept.iter().any(|kept| call.contains(kept.to_str().unwrap()));
        for call in calls.into_iter().filter(|call| !call.contains(" = -1 ") && !call.contains(" = ? ")) {
            if call.starts_with("exec") {
                let program = call.split('"').nth(1).unwrap();
                let name = program.rsplit('/').next().unwrap();
                let is_planted = Path::new(program).starts_with(folder.path());
                assert!(!is_planted && matches!(name, "onex" | "git"), "{looks:?} started {call}");
            } else if call.starts_with("connect") || call.starts_with("bind") {
                panic!("{looks:?} opened a way out: {call}");
            } else {
                let is_reading = call.starts_with("open")
                    && !["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"].iter().any(|flag| call.contains(flag));
                // Calls without a folder of their own are known by whole paths only; the test above sees the rest.
                let is_relative = !call.contains('<') && !call.contains("\"/");
                let is_nothing = ["\"/dev/null\"", "\"/dev/tty\""].iter().any(|file| call.contains(file));
                let is_unfinished =
                    call.contains("<unfinished") || call.starts_with("<...") || call.starts_with("+++");
                assert!(
                    is_reading
                        || is_nothing
                        || is_relative
                        || is_unfinished
                        || is_kept(call)
                        || call.starts_with("---"),
                    "{looks:?} wrote: {call}"
                );
            }
        }
    }
}
