//! `onex --menu`: choosing at a terminal what runs, and the terminal afterwards.

use std::process::{Command, Stdio};

use crate::support::{Ended, Folder};
use crate::terminal_control::{IN_ORDER, at_a_terminal, with_job};

/// Two contracts, and a component of the stage `ci`. Each says that it ran.
fn project() -> Folder {
    let folder = Folder::new();
    for name in ["build", "deploy"] {
        let contract = format!(
            "workflow: {{name: {name}, description: does {name}, tasks: [{{id: a, run: 'touch ran-{name}'}}]}}"
        );
        folder.write(&format!("contracts/{name}/contract.yaml"), contract);
    }
    let target = "[sh, -c, 'touch ran-stage']";
    folder.write(
        "checks/ripe.onex.yaml",
        format!(
            "name: ripe\nversion: 1.0.0\nmeta_type: validator\nlifecycle: active\ntags: [ci]\n\
             entrypoint: {{type: command, target: {target}}}\nwrites: ['*']\n"
        ),
    );
    folder
}

/// Opens the menu, presses keys, and looks at the terminal; what it showed.
fn chosen(folder: &Folder, keys: &str, code: i32) -> String {
    let then = format!("terminal.shows('Esc leaves')\n{keys}\nterminal.shows('code={code}'){IN_ORDER}");
    at_a_terminal(folder, &with_job("$ONEX --menu", &then))
}

fn ran(folder: &Folder) -> Vec<&'static str> {
    ["build", "deploy", "stage"].into_iter().filter(|name| folder.exists(&format!("ran-{name}"))).collect()
}

#[test]
fn enter_runs_what_is_marked() {
    let folder = project();
    let shown = chosen(&folder, "terminal.type('\\r')", 0);
    assert!(shown.contains("stage     ci") && shown.contains("1 component"), "{shown}");
    assert!(shown.contains("contract  build") && shown.contains("does build"), "{shown}");
    assert!(shown.contains("$ onex orch --stage ci"), "{shown}");
    assert_eq!(ran(&folder), ["stage"]);
    let folder = project();
    assert!(chosen(&folder, "terminal.type('\\x1b[B\\r')", 0).contains("$ onex orch --contract build\r\n"));
    assert_eq!(ran(&folder), ["build"]);
    // Typed faster than it is drawn, with a letter taken back, upwards from the first.
    let folder = project();
    assert!(
        chosen(&folder, "terminal.type('depx\\x7f\\x1b[A\\r')", 0)
            .contains("$ onex orch --contract deploy\r\n")
    );
    assert_eq!(ran(&folder), ["deploy"]);
}

#[test]
fn the_run_has_the_terminal_and_its_own_code() {
    let folder = project();
    folder.write(
        "contracts/build/contract.yaml",
        "workflow: {name: w, tasks: [{id: a, run: 'test -t 1 || exit 1; exit 3'}]}",
    );
    let shown = chosen(&folder, "terminal.type('build\\r')", 1);
    assert!(shown.contains("exit code "), "{shown}");
}

#[test]
fn whoever_leaves_has_cancelled_and_finds_the_terminal_as_it_was() {
    let keys = [
        "terminal.type('\\x1b')",
        "terminal.type('x\\x1b')",
        "terminal.type('\\x03')",
        "terminal.type('\\x04')",
        "terminal.type('\\x1c')",
        "os.killpg(terminal.foreground(), signal.SIGTERM)",
        "os.killpg(terminal.foreground(), signal.SIGHUP)",
    ];
    for keys in keys {
        let folder = project();
        let shown = chosen(&folder, keys, 1);
        assert_eq!(ran(&folder), Vec::<&str>::new(), "{keys}");
        // What was drawn is taken away.
        let after = shown.rsplit("\u{1b}[J").next().unwrap();
        assert!(!after.contains("Esc leaves") && shown.contains("Esc leaves"), "{keys}: {shown:?}");
    }
}

#[test]
fn a_menu_that_is_stopped_gives_the_terminal_back_and_takes_it_again() {
    let folder = project();
    // A shell goes on with what follows a job that stops, so the code that it shows is another.
    let then = "
terminal.shows('Esc leaves')
terminal.type('dep')
terminal.shows('/ dep')
terminal.type('\\x1a')
terminal.until(lambda: terminal.foreground() == terminal.shell)
terminal.until(lambda: terminal.settings() == before)
shown = len(terminal.shown)
terminal.type('fg\\n')
terminal.until(lambda: b'/ dep' in terminal.shown[shown:])
terminal.type('\\r')
terminal.file('ran-deploy')";
    at_a_terminal(&folder, &with_job("$ONEX --menu", &format!("{then}{IN_ORDER}")));
    assert_eq!(ran(&folder), ["deploy"]);
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let folder = project();
    at_a_terminal(
        &folder,
        r#"
terminal = Terminal([os.environ["ONEX"], "--menu"])
terminal.shows("Esc leaves")
os.close(terminal.screen)
os.waitpid(terminal.shell, 0)
"#,
    );
    assert_eq!(ran(&folder), Vec::<&str>::new());
}

#[test]
fn it_fits_a_terminal_of_any_size() {
    let folder = project();
    for n in 0..30 {
        folder.write(
            &format!("contracts/c{n:02}/contract.yaml"),
            "workflow: {name: w, tasks: [{id: a, run: 'true'}]}",
        );
    }
    for (columns, rows) in [(20, 6), (200, 50), (9, 4), (1, 1)] {
        at_a_terminal(
            &folder,
            &format!(
                r#"
os.environ["NO_COLOR"] = "1"
terminal = Terminal([os.environ["ONEX"], "--menu"], columns={columns}, rows={rows})
terminal.until(lambda: b"/ " in terminal.shown)
first = terminal.shown.split(b"\x1b[J")[-1].decode()
lines = first.replace("\r", "").split("\n")
assert {columns} < 9 or len(lines) <= {rows}, lines
assert {columns} < 9 or all(len(line) < {columns} for line in lines), lines
for _ in range(40):
    terminal.type("\x1b[B")
terminal.type("\x1b")
assert terminal.closed() == 1
"#
            ),
        );
    }
}

#[test]
fn elsewhere_than_at_a_terminal_it_is_misuse_with_a_hint() {
    let folder = project();
    let ended = folder.onex(&["--menu"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(
        ended.stderr.contains("`--menu` needs a terminal") && ended.stderr.contains("onex list"),
        "{ended:?}"
    );
    let mut json = folder.command(&["--menu"]);
    let ended = Ended::of(&json.env("ONEX_FORMAT", "json").output().unwrap());
    assert!(ended.code == 2 && ended.stdout.contains("\"exit_code\": 2"), "{ended:?}");
    assert!(folder.onex(&["--menu", "list"]).stderr.contains("`--menu` stands alone"));
    // A terminal that cannot take away what was drawn is none to choose at.
    let mut dumb = Command::new("script");
    let line = format!("{} --menu", env!("CARGO_BIN_EXE_onex"));
    dumb.args(["-qec", &line, "/dev/null"]).current_dir(folder.path()).env_clear().stdin(Stdio::null());
    dumb.env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("TERM", "dumb")
        .env("SHELL", "/bin/sh");
    let ended = Ended::of(&dumb.output().unwrap());
    assert!(ended.code == 2 && ended.stdout.contains("needs a terminal"), "{ended:?}");
    // Where nothing can run, it says so.
    let empty = Folder::new();
    let shown = at_a_terminal(&empty, &with_job("$ONEX --menu", "terminal.shows('code=0')"));
    assert!(shown.contains("There is no contract here."), "{shown}");
}
