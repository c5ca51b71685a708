//! `sandbox:` attacked from inside: what is denied is tried with and without it, so that each denial is one of the
//! sandbox. Where the kernel cannot enforce it, the same contracts have to end with 5 before anything runs.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Ended, Folder, result};

/// Whether this machine can enforce sandboxes, by what `onex doctor` says.
fn is_enforced() -> bool {
    let folder = Folder::new();
    let mut command = folder.command(&["doctor", "--format", "json"]);
    let report: Value =
        serde_json::from_slice(&command.env("HOME", folder.path()).output().unwrap().stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["name"] == "sandbox").expect("a check of sandboxes");
    check["status"] == "ok"
}

/// The interpreter itself, and the folder of what belongs to it: what stands in `PATH` may be a script in a home folder.
fn python() -> (String, String) {
    let script = "import os, sys; print(os.path.realpath(sys.executable)); print(sys.base_prefix)";
    let said = Command::new("python3").args(["-c", script]).output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    let (program, folder) = said.trim().split_once('\n').unwrap();
    (program.to_owned(), folder.to_owned())
}

#[expect(clippy::print_stderr, reason = "who reads the tests has to know what was not tested")]
fn say_refused() {
    eprintln!("this machine cannot enforce sandboxes, so only the refusal was tested");
}

/// The contract with one node that runs `script` by `shell`.
fn contract(sandbox: &str, script: &str) -> String {
    let (python, _) = python();
    let script = script.trim().replace('\n', "\n          ");
    format!(
        "workflow:\n  name: attack\n  tasks:\n    - id: a\n      sandbox: {sandbox}\n      run:\n        - {python}\n        - -c\n        - |\n          {script}\n"
    )
}

/// Says of an attempt whether it was denied, and of everything else that it failed.
const TRY: &str = "
import errno, os, socket, sys, ctypes
def attempt(name, what):
    try:
        what()
        print(name, 'done')
    except OSError as error:
        print(name, errno.errorcode.get(error.errno, error.errno))
def call(number, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), 'system call')
outside, inside = os.environ['OUTSIDE'], os.getcwd()
";

/// What became of each attempt of `script` in `sandbox`. `OUTSIDE` names a folder that is not of the project; nothing is
/// said where this machine cannot enforce the sandbox, and the run was refused as it has to be.
fn attack(sandbox: &str, script: &str) -> Option<Vec<String>> {
    let (folder, outside) = (Folder::new(), Folder::new());
    outside.write("victim.txt", "kept\n");
    outside.write("private.txt", "secret\n");
    attack_in((&folder, &outside), sandbox, script)
}

fn attack_in((folder, outside): (&Folder, &Folder), sandbox: &str, script: &str) -> Option<Vec<String>> {
    folder.write("contract.yaml", contract(sandbox, &format!("{TRY}{script}")));
    let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    command.env("OUTSIDE", outside.path()).env("HOME", outside.path());
    let ended = Ended::of(&command.output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    if sandbox != "false" && !is_enforced() {
        assert_eq!((ended.code, &report["results"]), (5, &json!([])), "{ended:?}");
        say_refused();
        return None;
    }
    let node = result(&report, "a");
    assert_eq!(node["status"], "completed", "{node:#}");
    folder.assert_clean();
    Some(node["stdout"].as_str().unwrap().lines().map(str::to_owned).collect())
}

/// Every attempt ends as it is said, and without a sandbox all of them are done.
fn assert_attack(sandbox: &str, script: &str, expected: &[&str]) {
    let free = attack("false", script).unwrap();
    let done: Vec<String> =
        expected.iter().map(|line| format!("{} done", line.split(' ').next().unwrap())).collect();
    assert_eq!(free, done, "without a sandbox, it could be done");
    if let Some(said) = attack(sandbox, script) {
        assert_eq!(said, expected, "{sandbox}");
    }
}

#[test]
fn files_outside_of_the_project_are_not_written() {
    let script = "
attempt('create', lambda: open(outside + '/new.txt', 'w'))
attempt('append', lambda: open(outside + '/victim.txt', 'a').write('x'))
attempt('cut', lambda: os.truncate(outside + '/victim.txt', 0))
attempt('folder', lambda: os.mkdir(outside + '/folder'))
open('own.txt', 'w').close()
attempt('rename_out', lambda: os.rename('own.txt', outside + '/own.txt'))
attempt('link_in', lambda: os.link(outside + '/private.txt', 'private.txt'))
open('own2.txt', 'w').close()
attempt('link_out', lambda: os.link('own2.txt', outside + '/own2.txt'))
attempt('symlink_out', lambda: os.symlink('/', outside + '/root'))
attempt('dots', lambda: open(inside + '/../' + os.path.basename(outside) + '/dots.txt', 'w'))
attempt('proc_root', lambda: open('/proc/self/root' + outside + '/proc.txt', 'w'))
attempt('proc_cwd', lambda: open('/proc/self/cwd/../' + os.path.basename(outside) + '/cwd.txt', 'w'))
os.symlink(outside + '/victim.txt', 'way_out')
attempt('through_symlink', lambda: open('way_out', 'a').write('x'))
attempt('socket', lambda: socket.socket(socket.AF_UNIX).bind(outside + '/socket'))
attempt('pipe', lambda: os.mkfifo(outside + '/pipe'))
attempt('remove', lambda: os.remove(outside + '/victim.txt'))";
    let denied = [
        "create EACCES",
        "append EACCES",
        "cut EACCES",
        "folder EACCES",
        "rename_out EACCES",
        "link_in EXDEV",
        "link_out EACCES",
        "symlink_out EACCES",
        "dots EACCES",
        "proc_root EACCES",
        "proc_cwd EACCES",
        "through_symlink EACCES",
        "socket EACCES",
        "pipe EACCES",
        "remove EACCES",
    ];
    assert_attack("{filesystem: project}", script, &denied);
}

#[test]
fn nothing_but_temporary_files_is_written_where_all_is_read_only() {
    let script = "
attempt('project', lambda: open('own.txt', 'w'))
attempt('mode', lambda: os.chmod(outside + '/victim.txt', 0o777))
attempt('owner', lambda: os.chown(outside + '/victim.txt', os.getuid(), os.getgid()))
attempt('times', lambda: os.utime(outside + '/victim.txt', (1, 1)))
fd = os.open(outside + '/victim.txt', os.O_RDONLY)
attempt('mode_of_open_file', lambda: os.fchmod(fd, 0o700))
attempt('times_of_open_file', lambda: os.utime(fd))";
    let denied = [
        "project EACCES",
        "mode EPERM",
        "owner EPERM",
        "times EPERM",
        "mode_of_open_file EPERM",
        "times_of_open_file EPERM",
    ];
    assert_attack("{filesystem: read_only}", script, &denied);
    assert_attack("{filesystem: {write: []}}", script, &denied);
}

#[test]
fn what_is_allowed_is_possible() {
    let script = "
import tempfile, subprocess
attempt('read', lambda: open(outside + '/private.txt').read())
attempt('temporary', lambda: tempfile.TemporaryFile().write(b'x'))
attempt('named', lambda: tempfile.NamedTemporaryFile().write(b'x'))
attempt('nothing', lambda: open('/dev/null', 'w').write('x'))
attempt('output', lambda: open(os.environ['ONEX_NODE_OUTPUT'], 'a').write('a=1\\n'))
attempt('program', lambda: subprocess.run(['sh', '-c', 'true | true'], check=True))
attempt('pair', lambda: socket.socketpair())";
    let done = [
        "read done",
        "temporary done",
        "named done",
        "nothing done",
        "output done",
        "program done",
        "pair done",
    ];
    for sandbox in ["strict", "{}", "{filesystem: project, network: none}"] {
        if let Some(said) = attack(sandbox, script) {
            assert_eq!(said, done, "{sandbox}");
        }
    }
    let writes = "
attempt('here', lambda: open('own.txt', 'w').write('x'))
attempt('cut', lambda: os.truncate('own.txt', 0))
attempt('move', lambda: (os.mkdir('d'), os.rename('own.txt', 'd/own.txt')))
attempt('mode', lambda: os.chmod('d/own.txt', 0o600))
attempt('remove', lambda: (os.remove('d/own.txt'), os.rmdir('d')))";
    if let Some(said) = attack("{filesystem: project}", writes) {
        assert_eq!(said, ["here done", "cut done", "move done", "mode done", "remove done"]);
    }
}

#[test]
fn only_the_named_files_are_read_and_written() {
    let script = "
attempt('own', lambda: open('contract.yaml').read())
attempt('home', lambda: open(os.path.expanduser('~') + '/victim.txt').read())
attempt('secret', lambda: open(outside + '/private.txt').read())
attempt('list', lambda: os.listdir(outside))
attempt('listed_out', lambda: open('out/x', 'w').write('x'))
attempt('not_listed', lambda: open('x', 'w').write('x'))
attempt('system', lambda: open('/etc/passwd').read())
attempt('proc_root', lambda: open('/proc/self/root' + outside + '/private.txt').read())";
    let (folder, outside) = (Folder::new(), Folder::new());
    folder.write("out/.keep", "");
    outside.write("victim.txt", "");
    outside.write("private.txt", "");
    let (_, python) = python();
    let sandbox = format!("{{filesystem: {{read: [., ~/victim.txt, {python:?}], write: [out]}}}}");
    if let Some(said) = attack_in((&folder, &outside), &sandbox, script) {
        let expected = [
            "own done",
            "home done",
            "secret EACCES",
            "list EACCES",
            "listed_out done",
            "not_listed EACCES",
            "system done",
            "proc_root EACCES",
        ];
        assert_eq!(said, expected);
        assert!(folder.exists("out/x"));
    }
}

#[test]
fn without_a_network_nothing_is_reached_and_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let (folder, outside) = (Folder::new(), Folder::new());
    // The path of a socket is short.
    let place = Path::new("/tmp").join(format!("onex-test-{}.sock", std::process::id()));
    _ = fs::remove_file(&place);
    let socket = UnixListener::bind(&place).unwrap();
    let script = format!(
        "
attempt('tcp', lambda: socket.create_connection(('127.0.0.1', {tcp}), 5))
attempt('bind', lambda: socket.socket().bind(('127.0.0.1', 0)))
attempt('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', {udp})))
attempt('v6', lambda: socket.socket(socket.AF_INET6))
attempt('netlink', lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))
attempt('unix', lambda: socket.socket(socket.AF_UNIX).connect('{path}'))
attempt('abstract', lambda: socket.socket(socket.AF_UNIX).bind('\\0onex-{pid}'))
a, b = None, None
def pair():
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
attempt('datagrams', pair)",
        tcp = listener.local_addr().unwrap().port(),
        udp = receiver.local_addr().unwrap().port(),
        path = place.display(),
        pid = std::process::id(),
    );
    let names = ["tcp", "bind", "udp", "v6", "netlink", "unix", "abstract", "datagrams"];
    let all = |end: &str| names.map(|name| format!("{name} {end}"));
    assert_eq!(attack_in((&folder, &outside), "false", &script).unwrap(), all("done"));
    if let Some(said) = attack_in((&folder, &outside), "{network: none}", &script) {
        assert_eq!(said, all("EACCES"));
    }
    drop(socket);
    fs::remove_file(&place).unwrap();
}

#[test]
fn variables_that_lead_outside_are_kept_back_where_there_is_no_network() {
    let contract = "workflow:\n  tasks:\n    - {id: off, sandbox: {network: none}, run: env}\n    - {id: on, sandbox: {}, run: env}\n    - {id: own, sandbox: {network: none}, env: {DOCKER_HOST: mine}, run: env}\n";
    if !is_enforced() {
        return assert_refused(contract);
    }
    let folder = Folder::with(contract);
    let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", "json"]);
    command.env("SSH_AUTH_SOCK", "/x").env("DOCKER_HOST", "y").env("OTHER", "z");
    let report: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
    let has =
        |id: &str, line: &str| result(&report, id)["stdout"].as_str().unwrap().lines().any(|l| l == line);
    let of = |id| [has(id, "SSH_AUTH_SOCK=/x"), has(id, "DOCKER_HOST=y"), has(id, "OTHER=z")];
    assert_eq!(
        (of("off"), of("on"), of("own")),
        ([false, false, true], [true, true, true], [false, false, true])
    );
    assert!(has("own", "DOCKER_HOST=mine"));
}

/// A run of this contract ends with 5, and nothing of it runs.
fn assert_refused(contract: &str) {
    let report = Folder::with(contract).report(&[]);
    assert_eq!((&report["exit_code"], &report["results"]), (&json!(5), &json!([])));
    say_refused();
}

#[test]
fn other_programs_are_neither_read_nor_ended_nor_limited() {
    // The program that runs the node is its parent.
    let script = "
parent = os.getppid()
attempt('memory', lambda: open(f'/proc/{parent}/mem', 'rb'))
attempt('environment', lambda: open(f'/proc/{parent}/environ').read())
attempt('signal', lambda: os.kill(parent, 0))
attempt('files', lambda: os.readlink(f'/proc/{parent}/fd/0'))
import resource
attempt('limit', lambda: resource.prlimit(parent, resource.RLIMIT_CORE, resource.prlimit(parent, resource.RLIMIT_CORE)))
attempt('children', lambda: os.kill(os.fork() or os._exit(0), 0))";
    let denied = [
        "memory EACCES",
        "environment EACCES",
        "signal EPERM",
        "files EACCES",
        "limit EPERM",
        "children done",
    ];
    let Some(said) = attack("{filesystem: project}", script) else { return };
    // Signals are held back from version 6 of Landlock on.
    let expected: Vec<&str> = denied
        .into_iter()
        .map(|line| if landlock() < 6 && line == "signal EPERM" { "signal done" } else { line })
        .collect();
    assert_eq!(said, expected);
    let free = attack("false", script).unwrap();
    assert!(free.iter().all(|line| line.ends_with(" done")), "without a sandbox, it could be done: {free:?}");
}

fn landlock() -> u32 {
    let folder = Folder::new();
    let said = folder.command(&["doctor"]).env("HOME", folder.path()).output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    let version = said.split("Landlock version ").nth(1).and_then(|rest| rest.split(',').next());
    version.and_then(|version| version.trim().parse().ok()).unwrap_or(0)
}

#[test]
#[cfg(target_arch = "x86_64")]
fn calls_that_lead_out_of_a_sandbox_fail() {
    let script = "
attempt('ptrace', lambda: call(101, 0, 0, 0, 0))
attempt('process_vm_readv', lambda: call(310, os.getpid(), 0, 0, 0, 0, 0))
attempt('bpf', lambda: call(321, 0, 0, 0))
attempt('keyctl', lambda: call(250, 0, -3, 0))
attempt('io_uring_setup', lambda: call(425, 1, 0))
attempt('userfaultfd', lambda: call(323, 1))
attempt('mount', lambda: call(165, 0, 0, 0, 0, 0))
attempt('clone3', lambda: call(435, 0, 0))
attempt('new_user', lambda: call(272, 0x10000000))
attempt('terminal', lambda: call(16, 0, 0x5412, 0))";
    let Some(said) = attack("{}", script) else { return };
    let denied = ["ptrace", "process_vm_readv", "bpf", "keyctl", "io_uring_setup", "userfaultfd", "mount"];
    let mut expected: Vec<String> = denied.iter().map(|name| format!("{name} EPERM")).collect();
    expected.extend(["clone3 ENOSYS", "new_user EPERM", "terminal EPERM"].map(str::to_owned));
    assert_eq!(said, expected);
    let free = attack("false", script).unwrap();
    let same: Vec<_> = free.iter().filter(|line| expected.contains(line)).collect();
    assert!(free[0] == "ptrace done" && same.len() < expected.len() / 2, "{free:?}");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_call_that_no_node_may_make_ends_the_run_with_5() {
    for run in [
        "python3 -c 'import ctypes; ctypes.CDLL(None).syscall(169, 0, 0, 0, 0)'",
        "exec python3 -c 'import ctypes; ctypes.CDLL(None).syscall(0x40000001, 1)'",
    ] {
        let contract = format!(
            "workflow:\n  tasks:\n    - {{id: a, sandbox: {{}}, run: {run:?}}}\n    - {{id: b, depends_on: [a], run: 'true'}}\n"
        );
        if !is_enforced() {
            assert_refused(&contract);
            continue;
        }
        let report = Folder::with(&contract).report(&[]);
        let node = result(&report, "a");
        assert_eq!((&report["exit_code"], &node["reason"]), (&json!(5), &json!("policy")), "{node:#}");
        assert_eq!(node["error"]["kind"], "PolicyError");
        assert!(node["error"]["message"].as_str().unwrap().contains("SIGSYS"), "{node:#}");
    }
    // The same end without a sandbox is one as any other.
    let report = Folder::with("workflow:\n  tasks: [{id: a, run: exit 159}]\n").report(&[]);
    assert_eq!((&report["exit_code"], &result(&report, "a")["reason"]), (&json!(1), &json!("exit_code")));
}

#[test]
fn a_denial_is_an_ordinary_failure_with_a_hint() {
    let contract = "workflow:\n  tasks: [{id: a, sandbox: strict, run: echo x > own.txt}]\n";
    if !is_enforced() {
        return assert_refused(contract);
    }
    let folder = Folder::with(contract);
    let ended = folder.onex(&["orch", "--contract", "contract.yaml", "--format", "human"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("(in a sandbox: read only, no network)"), "{}", ended.stdout);
    assert!(!folder.exists("own.txt"));
    let report = folder.report(&[]);
    let expected =
        json!({"filesystem": "read_only", "network": "none", "required": true, "effective": "full"});
    assert_eq!(result(&report, "a")["sandbox"], expected);
}

#[test]
fn plans_and_reports_tell_of_sandboxes_where_there_are_any() {
    let folder = Folder::with(
        "workflow:\n  tasks:\n    - {id: a, run: 'true'}\n    - {id: b, run: 'true', sandbox: {filesystem: {write: [out]}}}\n",
    );
    let ended = folder.onex(&["plan", "contract.yaml", "--format", "json"]);
    let plan: Value = serde_json::from_str(&ended.stdout).unwrap();
    let expected = json!({"filesystem": {"write": ["out"]}, "network": "full", "required": true});
    assert_eq!((plan["nodes"][0].get("sandbox"), &plan["nodes"][1]["sandbox"]), (None, &expected));
    assert!(folder.onex(&["plan", "contract.yaml"]).stdout.contains("sandbox: writes out"));
    if is_enforced() {
        let report = folder.report(&[]);
        assert_eq!(result(&report, "a").get("sandbox"), None);
        assert_eq!(result(&report, "b")["sandbox"]["effective"], "full");
    }
}

#[test]
fn a_path_of_the_project_that_leads_out_of_it_is_denied() {
    let folder = Folder::with(
        "workflow:\n  tasks: [{id: a, sandbox: {filesystem: {write: [out]}}, run: touch out/x}]\n",
    );
    let outside = Folder::new();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("out")).unwrap();
    let report = folder.report(&[]);
    assert_eq!(report["exit_code"], 5);
    assert!(!outside.exists("x"));
    if is_enforced() {
        let error = &result(&report, "a")["error"];
        assert_eq!(error["message"], "`out` leads out of the project root");
    }
}

#[test]
fn an_action_that_stands_in_and_a_later_attempt_are_confined_as_well() {
    let contract = "workflow:\n  tasks:\n    - id: a\n      sandbox: strict\n      retry: {max_attempts: 2, initial_delay: 0.01}\n      run: 'echo x > own.txt'\n      fallback: {run: 'echo x > own.txt'}\n";
    if !is_enforced() {
        return assert_refused(contract);
    }
    let folder = Folder::with(contract);
    let report = folder.report(&[]);
    assert_eq!((&result(&report, "a")["attempts"], &report["exit_code"]), (&json!(2), &json!(1)));
    assert_eq!(result(&report, "a.fallback")["sandbox"]["filesystem"], "read_only");
    assert!(!folder.exists("own.txt"));
    folder.assert_clean();
}

#[test]
fn confined_programs_are_stopped_like_others() {
    let contract =
        "workflow:\n  tasks: [{id: a, sandbox: strict, timeout: 0.3, run: 'sleep 60 & sleep 60'}]\n";
    if !is_enforced() {
        return assert_refused(contract);
    }
    let folder = Folder::with(contract);
    let report = folder.report(&[]);
    assert_eq!(result(&report, "a")["reason"], "timeout");
    let left: Vec<_> = left_behind(&report["run_id"]);
    assert!(left.is_empty(), "{left:?}");
    folder.assert_clean();
}

/// The processes that carry the mark of a run.
fn left_behind(run: &Value) -> Vec<String> {
    let mark = format!("ONEX_ATTEMPT={}/", run.as_str().unwrap());
    let names =
        fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    names
        .filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit()))
        .filter(|pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(mark.as_bytes()))
        })
        .collect()
}

#[test]
fn what_limits_a_program_goes_together_with_a_sandbox() {
    let contract = "workflow:\n  tasks: [{id: a, sandbox: strict, resources: {cpu: 1, memory_mb: 512}, stdin: hello, run: 'cat; ulimit -v; nproc'}]\n";
    if !is_enforced() {
        return assert_refused(contract);
    }
    let report = Folder::with(contract).report(&[]);
    assert_eq!(result(&report, "a")["stdout"], "hello524288\n1\n", "{report:#}");
}

/// Makes a kernel of the past: a filter in which these calls are not there, and the program in it.
#[cfg(target_arch = "x86_64")]
const PAST: &str = "
import ctypes, struct, sys, os
missing = [int(n) for n in sys.argv[1].split(',')]
load = struct.pack('HBBI', 0x20, 0, 0, 0)
steps = [load] + [s for n in missing for s in (struct.pack('HBBI', 0x15, 0, 1, n), struct.pack('HBBI', 0x06, 0, 0, 0x00050000 | 38))]
steps.append(struct.pack('HBBI', 0x06, 0, 0, 0x7fff0000))
program = ctypes.create_string_buffer(b''.join(steps))
class Filter(ctypes.Structure):
    _fields_ = [('len', ctypes.c_ushort), ('steps', ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(Filter(len(steps), ctypes.addressof(program)))) == 0
os.execv(sys.argv[2], sys.argv[2:])
";

/// Runs the contract on a kernel without the calls of these numbers.
#[cfg(target_arch = "x86_64")]
fn run_without(calls: &str, folder: &Folder) -> Ended {
    let mut command = Command::new("python3");
    command.args(["-c", PAST, calls, env!("CARGO_BIN_EXE_onex")]);
    command.args(["orch", "--contract", "contract.yaml", "--format", "json"]);
    command.current_dir(folder.path()).env_clear().stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("TMPDIR", folder.path().join("tmp"));
    Ended::of(&command.output().unwrap())
}

#[cfg(target_arch = "x86_64")]
const LANDLOCK_CREATE_RULESET: &str = "444";
#[cfg(target_arch = "x86_64")]
const SECCOMP: &str = "317";

#[test]
#[cfg(target_arch = "x86_64")]
fn what_a_kernel_lacks_keeps_a_required_sandbox_from_running() {
    let contract = |required| {
        format!(
            "workflow:\n  tasks:\n    - {{id: first, run: touch first.txt}}\n    - {{id: a, depends_on: [first], sandbox: {{filesystem: project, required: {required}}}, run: touch a.txt}}\n"
        )
    };
    for (calls, feature) in [(LANDLOCK_CREATE_RULESET, "Landlock"), (SECCOMP, "seccomp filters")] {
        let folder = Folder::with(&contract(true));
        let ended = run_without(calls, &folder);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
        assert_eq!((ended.code, &report["results"]), (5, &json!([])), "{ended:?}");
        assert_eq!(report["error"]["kind"], "SecurityError");
        let message = report["error"]["message"].as_str().unwrap();
        assert!(message.contains(feature) && message.contains("`a`"), "{message}");
        assert!(!folder.exists("first.txt"), "nothing has run");

        let folder = Folder::with(&contract(false));
        let ended = run_without(calls, &folder);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
        assert_eq!(ended.code, 0, "{ended:?}");
        assert!(ended.stderr.contains("does not hold in full"), "{}", ended.stderr);
        let sandbox = &result(&report, "a")["sandbox"];
        assert_ne!(sandbox["effective"], "full");
        assert!(sandbox["missing"].as_array().unwrap().iter().any(|missing| missing == feature), "{sandbox}");
        assert!(folder.exists("a.txt"));
    }
}

#[test]
fn a_node_has_three_open_files_and_no_more() {
    let script = "[print(n) for n in sorted(os.listdir('/proc/self/fd'), key=int)]\nimport resource\nprint(resource.getrlimit(resource.RLIMIT_CORE)[0])\nprint(oct(os.umask(0)))";
    let folder = Folder::new();
    for sandbox in ["false", "{}"] {
        if sandbox == "{}" && !is_enforced() {
            return assert_refused(&contract(sandbox, script));
        }
        folder.write("contract.yaml", contract(sandbox, &format!("import os\n{script}")));
        // Whoever starts `onex` leaves a file open, has a mask of its own and wants dumps.
        let mut command = Command::new("sh");
        let onex = env!("CARGO_BIN_EXE_onex");
        command.args([
            "-c",
            "exec 7</etc/passwd 9>leak.txt; umask 027; ulimit -S -c 0; exec \"$0\" \"$@\"",
            onex,
        ]);
        command.args(["orch", "--contract", "contract.yaml", "--format", "json"]);
        command.current_dir(folder.path()).env("TMPDIR", folder.path().join("tmp"));
        let report: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
        // The fourth is the list itself.
        assert_eq!(result(&report, "a")["stdout"], "0\n1\n2\n3\n0\n0o27\n", "{sandbox}: {report:#}");
    }
}

#[test]
fn a_program_of_the_project_stands_in_for_none_of_the_system() {
    let folder = Folder::with(
        "workflow:\n  tasks:\n    - {id: list, run: [git, --version]}\n    - {id: text, run: git --version; true}\n",
    );
    let planted = folder.write("git", "#!/bin/sh\necho planted\ntouch planted.txt\n");
    fs::set_permissions(&planted, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    for path in [format!(":{path}"), format!(".:{path}"), format!("./:{path}:")] {
        let mut command = folder.command(&["orch", "--contract", "contract.yaml", "--format", "json"]);
        let report: Value =
            serde_json::from_slice(&command.env("PATH", &path).output().unwrap().stdout).unwrap();
        for id in ["list", "text"] {
            let said = result(&report, id)["stdout"].as_str().unwrap();
            assert!(said.starts_with("git version"), "{path} {id}: {said}");
        }
        // Those of `onex` itself.
        folder.write("c.onex.yaml", "name: c\nmeta_type: validator\nlifecycle: canary\ntags: [pre-commit]\nentrypoint: {type: command, target: ['true']}\n");
        let mut stage = folder.command(&["orch", "--stage", "pre-commit"]);
        let said = Ended::of(&stage.env("PATH", &path).output().unwrap());
        assert!(!folder.exists("planted.txt"), "{path}: {said:?}");
    }
}

#[test]
fn the_example_stays_inside() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sandbox");
    let folder = Folder::new();
    let ended = folder.onex(&["orch", "--contract", example.to_str().unwrap(), "--format", "json"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    if !is_enforced() {
        assert_eq!((ended.code, &report["results"]), (5, &json!([])), "{ended:?}");
        return say_refused();
    }
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(result(&report, "count")["value"]["words"].as_u64().unwrap() > 50);
    let expected = [
        "a temporary file: done",
        "a file beside the project: denied",
        "a connection: denied",
        "a look into onex: denied",
    ];
    assert_eq!(result(&report, "stray")["value"], json!(expected));
}

#[test]
fn in_a_shadow_ignored_folders_are_read_through_their_links_and_not_written() {
    let folder = Folder::new();
    fs::remove_dir(folder.path().join(".git")).unwrap();
    folder.git(&["init", "-q"]);
    folder.write(".gitignore", "deps\ntmp\nhome\n");
    folder.write("deps/list.txt", "a\n");
    folder.write("file.txt", "committed\n");
    let node = |id: &str, files: &str, run: &str| {
        format!("    - {{id: {id}, sandbox: {{filesystem: {files}}}, run: {run}}}\n")
    };
    let nodes = [
        node("read", "{read: [.]}", "cat deps/list.txt"),
        node("written", "project", "echo x > deps/list.txt"),
        node("named", "{write: [deps]}", "echo x > deps/new.txt"),
    ];
    let contract = format!(
        "workflow:\n  name: checks\n  metadata: {{stages: [pre-commit]}}\n  coordination: {{rules: {{fail_fast: false}}}}\n  tasks:\n{}",
        nodes.concat()
    );
    folder.write("contract.yaml", contract);
    folder.git(&["add", "-A"]);
    folder.git(&["commit", "-qm", "one"]);
    folder.write("file.txt", "staged\n");
    folder.git(&["add", "file.txt"]);
    folder.write("file.txt", "not staged\n");
    let mut command =
        folder.command(&["orch", "--stage", "pre-commit", "--filter", "type=workflow", "--format", "json"]);
    let home = folder.path().join("home");
    let ended =
        Ended::of(&command.env("HOME", &home).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap());
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    if !is_enforced() {
        return assert_eq!((ended.code, &report["results"]), (5, &json!([])), "{ended:?}");
    }
    let of = |id: &str| {
        let results = report["results"].as_array().unwrap();
        results
            .iter()
            .find(|r| r["node_id"].as_str().unwrap().ends_with(id))
            .unwrap_or_else(|| panic!("{report:#}"))
    };
    assert_eq!(of("read")["stdout"], "a\n", "{report:#}");
    assert_eq!(
        (&of("written")["status"], folder.read("deps/list.txt")),
        (&json!("failed"), "a\n".to_owned())
    );
    // The folder itself is the tree's own, and so is what is made in it.
    assert_eq!((&of("named")["status"], folder.exists("deps/new.txt")), (&json!("completed"), false));
}

#[test]
fn a_component_says_itself_what_it_may_touch() {
    let folder = Folder::new();
    folder.write(
        "stray.onex.yaml",
        "name: stray\nmeta_type: validator\nlifecycle: active\ntags: [ci]\nsandbox: strict\nentrypoint: {type: command, target: [touch, strayed.txt]}\n",
    );
    let ended = folder.onex(&["orch", "--stage", "ci", "--format", "json"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
    assert!(!folder.exists("strayed.txt"));
    if is_enforced() {
        assert_eq!(
            (ended.code, &result(&report, "stray")["sandbox"]["effective"]),
            (1, &json!("full")),
            "{report:#}"
        );
    } else {
        assert_eq!(ended.code, 5);
    }
}
