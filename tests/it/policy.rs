//! Policies: what they keep from running, who is told, and what they cannot be talked out of.

use std::os::unix::fs::symlink;

use onex::model::event::{EventKind, RunEvent};
use onex::model::output::NoOutputs;
use onex::model::report::{ReportFold, RunReport};
use serde_json::Value;

use crate::support::{Ended, Folder, result};

/// A project, and beside it the folder of the user's settings and the file of the organisation's.
struct Ground {
    project: Folder,
    home: Folder,
}

impl Ground {
    fn new(contract: &str) -> Self {
        Self { project: Folder::with(contract), home: Folder::new() }
    }

    fn with(contract: &str, policy: &str) -> Self {
        let ground = Self::new(contract);
        ground.project.write("onex.toml", policy);
        ground
    }

    fn user(&self, text: &str) {
        self.home.write("onex/onex.toml", text);
    }

    fn organisation(&self, text: &str) {
        self.home.write("etc/onex.toml", text);
    }

    fn onex(&self, arguments: &[&str]) -> Ended {
        let mut command = self.project.command(arguments);
        command.env("XDG_CONFIG_HOME", self.home.path());
        let organisation = self.home.path().join("etc/onex.toml");
        command.env("ONEX_SYSTEM_CONFIG", if organisation.exists() { organisation } else { "".into() });
        Ended::of(&command.output().unwrap())
    }

    fn report(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["orch", "--format", "json"];
        if !arguments.contains(&"--stage") && !arguments.contains(&"--contract") {
            all.extend(["--contract", "contract.yaml"]);
        }
        all.extend(arguments);
        let ended = self.onex(&all);
        let report: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"));
        assert_eq!(report["exit_code"], ended.code, "{ended:?}");
        report
    }

    /// Runs the contract: the exit code, and the message of the error.
    fn outcome(&self, arguments: &[&str]) -> (i64, String) {
        let report = self.report(arguments);
        let message = report["error"]["message"].as_str().unwrap_or_default().to_owned();
        (report["exit_code"].as_i64().unwrap(), message)
    }
}

const TOUCH: &str = "workflow: {name: w, tasks: [{id: touches, run: [touch, ran]}]}\n";
const NO_TOUCH: &str =
    "[[policy]]\nname = \"hands-off\"\ntype = \"program\"\npayload = {deny = [\"touch\"]}\n";

fn events(text: &str) -> Vec<RunEvent> {
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn a_strict_policy_keeps_everything_from_running_and_says_so_in_every_form() {
    let ground = Ground::with(TOUCH, NO_TOUCH);
    let shown = ground.onex(&["orch", "--contract", "contract.yaml", "--format", "human"]);
    assert_eq!((shown.code, shown.stdout.as_str()), (5, ""), "{shown:?}");
    for part in ["error[E0701]", "`hands-off`", "onex.toml:2:8", "contract.yaml:1", "`touches`", "`touch`"] {
        assert!(shown.stderr.contains(part), "{part} in {}", shown.stderr);
    }
    let report = ground.report(&["--junit", "j.xml", "--sarif", "s.json", "--report", "r.yaml"]);
    assert_eq!(report["error"]["kind"], "PolicyError");
    assert_eq!((&report["results"], &report["exit_code"]), (&Value::Array(vec![]), &5.into()));
    let found = &report["diagnostics"][0];
    assert_eq!(
        (&found["path"], &found["line"], &found["code"]),
        (&"onex.toml".into(), &2.into(), &"E0701".into())
    );
    let label = &found["labels"][1];
    assert_eq!((&label["path"], &label["line"]), (&"contract.yaml".into(), &1.into()));
    for file in ["j.xml", "s.json", "r.yaml"] {
        let text = ground.project.read(file);
        assert!(text.contains("hands-off") && text.contains("touches"), "{file}: {text}");
    }
    let sarif: Value = serde_json::from_str(&ground.project.read("s.json")).unwrap();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "onex.toml", "{sarif:#}");
    assert!(!ground.project.exists("ran"));
    // A run that is only shown is denied, too.
    let dry = ground.onex(&["orch", "--contract", "contract.yaml", "--dry-run", "--format", "human"]);
    assert!(dry.code == 5 && dry.stderr.contains("hands-off"), "{dry:?}");
}

#[test]
fn a_denied_run_is_recorded_with_what_denies_it() {
    let ground = Ground::with(TOUCH, NO_TOUCH);
    let report = ground.report(&["--events", "e.jsonl", "--log", "l.jsonl"]);
    let events = events(&ground.project.read("e.jsonl"));
    assert!(matches!(events[0].kind, EventKind::RunStarted(_)));
    let EventKind::PolicyViolation(violation) = &events[1].kind else { panic!("{events:?}") };
    assert_eq!((violation.policy.as_str(), violation.policy_type.as_str()), ("hands-off", "program"));
    assert_eq!(violation.node_ids[0].as_str(), "touches");
    assert!(matches!(events[2].kind, EventKind::RunFinished { .. }) && events.len() == 3);
    let mut fold = ReportFold::new(events[0].run_id);
    events.iter().for_each(|event| fold.apply(event, &NoOutputs));
    let folded = serde_json::to_value(fold.into_report()).unwrap();
    for key in
        ["run_id", "correlation_id", "status", "exit_code", "error", "diagnostics", "results", "contract"]
    {
        assert_eq!(folded[key], report[key], "{key}");
    }
    let log = ground.project.read("l.jsonl");
    let records: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of_policy = records.iter().find(|record| record["event"] == "policy_violation").unwrap();
    assert_eq!((&of_policy["policy"], &of_policy["level"]), (&"hands-off".into(), &"error".into()));
    assert_eq!((&of_policy["path"], &of_policy["line"]), (&"onex.toml".into(), &2.into()));
    // A file that is the contract is not written over.
    let before = ground.project.read("contract.yaml");
    assert_eq!(ground.report(&["--events", "contract.yaml"])["exit_code"], 2);
    assert_eq!(ground.project.read("contract.yaml"), before);
}

#[test]
fn a_soft_policy_is_told_of_and_the_run_goes_on() {
    let soft = NO_TOUCH.replace("payload", "enforcement_level = \"soft\"\npayload");
    let ground = Ground::with(TOUCH, &soft);
    let report = ground.report(&["--events", "e.jsonl", "--log", "l.jsonl"]);
    assert_eq!((&report["exit_code"], &report["error"]), (&0.into(), &Value::Null));
    assert!(ground.project.exists("ran"));
    assert_eq!(
        (&report["diagnostics"][0]["code"], &report["diagnostics"][0]["severity"]),
        (&"E0701".into(), &"warning".into())
    );
    let events = events(&ground.project.read("e.jsonl"));
    assert!(matches!(events[0].kind, EventKind::RunStarted(_)));
    assert!(matches!(events[1].kind, EventKind::PolicyViolation(_)), "{:?}", events[1]);
    let mut fold = ReportFold::new(events[0].run_id);
    events.iter().for_each(|event| fold.apply(event, &NoOutputs));
    let live: RunReport = serde_json::from_value(report).unwrap();
    assert_eq!(fold.into_report(), live);
    assert!(ground.project.read("l.jsonl").contains("\"level\":\"warn\",\"event\":\"policy_violation\""));
}

#[test]
fn the_policies_of_all_files_hold_and_a_project_loosens_none() {
    let softer = "[[policy]]\nname = \"hands-off\"\ntype = \"program\"\nenforcement_level = \"soft\"\n\
                  payload = {allow = [\"touch\"]}\n[trust]\nrequired = false\n";
    let ground = Ground::with(TOUCH, softer);
    assert_eq!(ground.outcome(&[]).0, 0);
    std::fs::remove_file(ground.project.path().join("ran")).unwrap();
    for set in [Ground::organisation, Ground::user] {
        let ground = Ground::with(TOUCH, softer);
        set(&ground, NO_TOUCH);
        let (code, message) = ground.outcome(&[]);
        assert!(code == 5 && message.contains("`hands-off` denies"), "{code} {message}");
        // Neither another root nor an environment variable of the run helps.
        ground.project.write("other/onex.toml", "");
        assert_eq!(ground.outcome(&["--root", "other"]).0, 5);
        assert!(!ground.project.exists("ran"));
    }
    let ground = Ground::with(TOUCH, softer);
    ground.organisation("[trust]\nrequired = true\n");
    let (code, message) = ground.outcome(&[]);
    assert!(code == 5 && message.contains("trust.required"), "{code} {message}");
    let both = Ground::with(TOUCH, NO_TOUCH);
    both.user(&NO_TOUCH.replace("hands-off", "also"));
    both.organisation(&NO_TOUCH.replace("hands-off", "first"));
    let report = both.report(&[]);
    let told: Vec<&str> =
        report["diagnostics"].as_array().unwrap().iter().filter_map(|d| d["message"].as_str()).collect();
    for name in ["`first`", "`also`", "`hands-off`"] {
        assert!(told.iter().any(|message| message.contains(name)), "{name} in {told:?}");
    }
}

#[test]
fn a_mistake_in_a_policy_lets_nothing_run() {
    let rows = [
        (
            "[[policy]]\nname = \"x\"\ntype = \"programm\"\npayload = {deny = [\"a\"]}\n",
            "E0604",
            "did you mean",
        ),
        (
            "[[policy]]\nname = \"x\"\ntype = \"program\"\npayload = {denie = [\"a\"]}\n",
            "E0602",
            "did you mean `deny`",
        ),
        (
            "[[policy]]\nname = \"x\"\ntype = \"program\"\npayload = {deny = [\"a[\"]}\n",
            "E0604",
            "cannot hold `a[`",
        ),
        ("[[policy]]\nname = \"x\"\ntype = \"program\"\npayload = {deny = [\"../a\"]}\n", "E0604", "`..`"),
        ("[[policy]]\nname = \"x\"\ntype = \"program\"\n", "E0604", "asks for nothing"),
        (
            "[[policy]]\nname = \"x\"\ntype = \"trust\"\npayload = {deny = [\"a\"]}\n",
            "E0602",
            "trust and nothing else",
        ),
        ("[[policy]]\ntype = \"trust\"\n", "E0604", "no `name`"),
        ("[[policy]]\nname = \"x\"\n", "E0604", "no `type`"),
        ("[[policy]]\nname = \" \"\ntype = \"trust\"\n", "E0604", "empty"),
        (
            "[[policy]]\nname = \"x\"\ntype = \"trust\"\nenforcement_level = \"strong\"\n",
            "E0604",
            "enforcement_level",
        ),
        ("[[policy]]\nname = \"x\"\ntype = \"trust\"\nscop = {}\n", "E0602", "did you mean `scope`"),
        (
            "[[policy]]\nname = \"x\"\ntype = \"trust\"\nscope = {stage = \"cii\"}\n",
            "E0604",
            "did you mean `ci`",
        ),
        (
            "[[policy]]\nname = \"x\"\ntype = \"trust\"\nscope = {nodes = \"a\"}\n",
            "E0602",
            "did you mean `node`",
        ),
        ("[[policy]]\nname = \"x\"\ntype = \"environment\"\npayload = {deny = \"a/b\"}\n", "E0604", "slash"),
        ("[[policy]]\nname = \"x\"\ntype = \"limit\"\npayload = {jobs = 0}\n", "E0604", "from 1"),
        ("[[policy]]\nname = \"x\"\ntype = \"limit\"\npayload = {timeout = \"soon\"}\n", "E0604", "duration"),
        ("[[policy]]\nname = \"x\"\ntype = \"lifecycle\"\npayload = {allow = [3]}\n", "E0603", "text"),
        (
            "[[policy]]\nname = \"x\"\ntype = \"sandbox\"\npayload = {network = \"nome\"}\n",
            "E0604",
            "did you mean",
        ),
        (
            "[[policy]]\nname = \"x\"\ntype = \"sandbox\"\npayload = {filesystem = {write = \"a/../b\"}}\n",
            "E0604",
            "`..`",
        ),
        (
            "[[policy]]\nname = \"x\"\ntype = \"sandbox\"\nenforcement_level = \"soft\"\npayload = {impose = true}\n",
            "E0605",
            "imposes nothing",
        ),
        ("policy = 3\n", "E0603", "list of tables"),
        ("[policy]\nname = \"x\"\n", "E0603", "[[policy]]"),
        ("[trust]\nrequird = true\n", "E0602", "did you mean `required`"),
        ("[trust]\nrequired = \"yes\"\n", "E0603", "`true` or `false`"),
        (
            "[[policy]]\nname = \"x\"\ntype = \"trust\"\n[[policy]]\nname = \"x\"\ntype = \"trust\"\n",
            "E0605",
            "called `x`",
        ),
    ];
    for (text, code, said) in rows {
        let ground = Ground::with(TOUCH, text);
        let ended = ground.onex(&["orch", "--contract", "contract.yaml", "--format", "human"]);
        assert_eq!(ended.code, 2, "{text}: {ended:?}");
        let is_told = ended.stderr.contains(&format!("error[{code}]")) && ended.stderr.contains(said);
        assert!(is_told && ended.stderr.contains("onex.toml:"), "{text}: {}", ended.stderr);
        assert!(!ground.project.exists("ran"), "{text}");
    }
    for set in [Ground::organisation, Ground::user] {
        let ground = Ground::new(TOUCH);
        set(&ground, "[[policy]]\nname = \"x\"\ntype = \"programm\"\n");
        for arguments in [&[][..], &["--dry-run"], &["--stage", "ci"]] {
            let report = ground.report(arguments);
            assert_eq!((&report["exit_code"], &report["diagnostics"][0]["line"]), (&2.into(), &3.into()));
        }
        assert!(!ground.project.exists("ran"));
    }
}

#[test]
fn a_denied_shell_is_denied_however_it_is_called() {
    let tasks = [
        "run: [sh, -c, 'touch ran']",
        "run: [/bin/sh, -c, 'touch ran']",
        "run: [./sh, -c, 'touch ran']",
        "run: [tools/innocent, -c, 'touch ran']",
        "run: [tools/../sh, -c, 'touch ran']",
        "run: [env, sh, -c, 'touch ran']",
        "run: [/usr/bin/env, -i, A=b, nice, -n, '1', sh, -c, 'touch ran']",
        "run: [env, '-S sh -c', 'touch ran']",
        "run: [env, '-S', '\"sh\" -c', 'touch ran']",
        "run: [timeout, '5', nohup, sh, -c, 'touch ran']",
        "run: [timeout, --unheard-of, sh, -c, 'touch ran']",
        "run: [tools/launcher, sh, -c, 'touch ran']",
        "run: 'touch ran; true'",
        "run: touch ran",
        "script: touch.sh",
        "run: [sh, -c, 'touch ran'], cwd: tools",
    ];
    for task in tasks {
        let policy = "[[policy]]\nname = \"no-shell\"\ntype = \"program\"\npayload = {deny = [\"sh\"]}\n";
        let ground = Ground::with(&format!("workflow: {{tasks: [{{id: a, {task}}}]}}\n"), policy);
        ground.project.write("touch.sh", "touch ran\n");
        ground.project.write("tools/x", "");
        symlink("/bin/sh", ground.project.path().join("sh")).unwrap();
        // What the link leads to has another name on some machines, and is denied under that of the link.
        symlink("../sh", ground.project.path().join("tools/innocent")).unwrap();
        let env = which("env");
        symlink(env, ground.project.path().join("tools/launcher")).unwrap();
        let dash = std::fs::canonicalize("/bin/sh").unwrap();
        let name = dash.file_name().unwrap().to_str().unwrap();
        ground.user(&policy.replace("\"sh\"", &format!("\"{name}\"")));
        let (code, message) = ground.outcome(&[]);
        assert!(code == 5 && !ground.project.exists("ran"), "{task}: {code} {message}");
    }
}

/// The file of a program in `PATH`.
fn which(name: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.exists()).unwrap()
}

#[test]
fn what_is_allowed_is_what_is_installed() {
    let policy = "[[policy]]\nname = \"few\"\ntype = \"program\"\npayload = {allow = [\"sh\", \"dash\", \"bash\", \"touch\", \"coreutils\", \"tools/*.sh\"]}\n";
    let rows = [
        ("run: [touch, ran]", 0),
        ("run: touch ran", 0),
        ("script: tools/x.sh", 0),
        ("script: x.sh", 5),
        ("run: [./touch, ran]", 5),
        ("run: [touch, ran], env: {PATH: bin}", 5),
        ("run: [tools/link.sh, ran]", 5),
        ("run: [env, touch, ran]", 5),
        ("python: 'os:getcwd'", 5),
        ("run: [t\u{43e}uch, ran]", 5),
    ];
    for (task, expected) in rows {
        let ground = Ground::with(&format!("workflow: {{tasks: [{{id: a, {task}}}]}}\n"), policy);
        for file in ["x.sh", "tools/x.sh"] {
            ground.project.write(file, "touch ran\n");
        }
        ground.project.write("bin/x", "");
        for copy in ["touch", "bin/touch"] {
            std::fs::copy(which("touch"), ground.project.path().join(copy)).unwrap();
        }
        symlink(which("env"), ground.project.path().join("tools/link.sh")).unwrap();
        let (code, message) = ground.outcome(&[]);
        assert_eq!(code, expected, "{task}: {message}");
        assert_eq!(ground.project.exists("ran"), expected == 0, "{task}");
        if task.contains('\u{43e}') {
            assert!(message.contains("U+043E"), "{message}");
        }
    }
}

#[test]
fn a_program_that_becomes_another_is_denied_when_it_starts() {
    let contract = "workflow: {tasks: [
        {id: swap, run: [ln, -sf, /bin/sh, tool]},
        {id: use, run: [./tool, -c, 'touch ran'], depends_on: [swap]}]}\n";
    let dash = std::fs::canonicalize("/bin/sh").unwrap();
    let name = dash.file_name().unwrap().to_str().unwrap();
    let policy = format!(
        "[[policy]]\nname = \"no-shell\"\ntype = \"program\"\npayload = {{deny = [\"sh\", \"{name}\"]}}\n"
    );
    let ground = Ground::with(contract, &policy);
    symlink(which("true"), ground.project.path().join("tool")).unwrap();
    let report = ground.report(&["--log", "l.jsonl"]);
    assert_eq!(report["exit_code"], 5);
    assert_eq!(result(&report, "swap")["status"], "completed");
    let denied = result(&report, "use");
    assert_eq!((&denied["reason"], &denied["error"]["kind"]), (&"policy".into(), &"PolicyError".into()));
    let message = denied["error"]["message"].as_str().unwrap();
    assert!(message.contains("`no-shell` (onex.toml:2)"), "{message}");
    assert!(!ground.project.exists("ran"));
    assert!(ground.project.read("l.jsonl").contains("\"event\":\"policy_violation\""));
}

#[test]
fn variables_limits_paths_lifecycles_and_sandboxes_are_held_to() {
    let rows = [
        ("type = \"environment\"\npayload = {deny = \"LD_*\"}", "env: {LD_PRELOAD: x}", &[][..], 5),
        ("type = \"environment\"\npayload = {deny = \"LD_*\"}", "inherit_env: [LD_PRELOAD]", &[], 5),
        ("type = \"environment\"\npayload = {allow = \"CI\"}", "env: {CI: x}", &[], 0),
        ("type = \"environment\"\npayload = {allow = \"CI\"}", "env: {ci: x}", &[], 5),
        ("type = \"limit\"\npayload = {timeout = \"1m\"}", "", &[], 5),
        ("type = \"limit\"\npayload = {timeout = \"1m\"}", "", &["--timeout", "60"], 0),
        ("type = \"limit\"\npayload = {timeout = \"1m\"}", "", &["--timeout", "61"], 5),
        ("type = \"limit\"\npayload = {jobs = 1}", "", &["--jobs", "2"], 5),
        ("type = \"limit\"\npayload = {jobs = 1}", "", &[], 0),
        ("type = \"limit\"\npayload = {nodes = 1}", "", &[], 5),
        ("type = \"limit\"\npayload = {nodes = 1}", "", &["--only", "a"], 0),
        ("type = \"limit\"\npayload = {attempts = 2}", "retry: {max_attempts: 3}", &[], 5),
        ("type = \"limit\"\npayload = {attempts = 3}", "retry: {max_attempts: 3}", &[], 0),
        ("type = \"contract\"\npayload = {allow = \"contracts/**\"}", "", &[], 5),
        ("type = \"contract\"\npayload = {allow = \"contract.yaml\"}", "", &[], 0),
        ("type = \"contract\"\npayload = {deny = \"**/contract.yaml\"}", "", &[], 5),
        ("type = \"lifecycle\"\npayload = {allow = \"stable\"}", "", &[], 5),
        ("type = \"lifecycle\"\npayload = {allow = [\"stable\", \"active\"]}", "", &[], 0),
        ("type = \"sandbox\"\npayload = {network = \"none\"}", "", &[], 5),
        ("type = \"program\"\nscope = {node = \"b\"}\npayload = {deny = \"touch\"}", "", &[], 0),
        (
            "type = \"program\"\nscope = {node = \"a\", type = \"effect\"}\npayload = {deny = \"touch\"}",
            "",
            &[],
            5,
        ),
        ("type = \"program\"\nscope = {stage = \"ci\"}\npayload = {deny = \"touch\"}", "", &[], 0),
        (
            "type = \"program\"\nscope = {stage = \"ci\"}\npayload = {deny = \"touch\"}",
            "",
            &["--stage", "ci"],
            5,
        ),
        ("type = \"program\"\nscope = {contract = \"x/**\"}\npayload = {deny = \"touch\"}", "", &[], 0),
    ];
    for (policy, node, arguments, expected) in rows {
        let node = if node.is_empty() { String::new() } else { format!(", {node}") };
        let contract =
            format!("workflow: {{tasks: [{{id: a, run: [touch, ran]{node}}}, {{id: b, run: ['true']}}]}}\n");
        let ground = Ground::with(&contract, &format!("[[policy]]\nname = \"rule\"\n{policy}\n"));
        let mut all = vec!["--contract", "contract.yaml"];
        all.extend(arguments);
        let (code, message) = ground.outcome(&all);
        assert_eq!(code, expected, "{policy} {node} {arguments:?}: {message}");
        assert_eq!(ground.project.exists("ran"), expected == 0, "{policy} {node} {arguments:?}");
    }
}

#[test]
fn a_plan_says_what_would_be_denied() {
    let ground = Ground::with(TOUCH, NO_TOUCH);
    let plan = ground.onex(&["plan", "contract.yaml", "--format", "json"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    assert!(plan.stderr.contains("warning[E0701]") && plan.stderr.contains("onex.toml:2"), "{}", plan.stderr);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(
        (&plan["notes"][0]["code"], &plan["notes"][0]["nodes"][0]),
        (&"E0701".into(), &"touches".into())
    );
    ground.project.write("onex.toml", "[[policy]]\nname = 3\n");
    let broken = ground.onex(&["plan", "contract.yaml"]);
    assert!(broken.code == 2 && broken.stderr.contains("onex.toml:2"), "{broken:?}");
}

fn component(name: &str, lifecycle: &str) -> String {
    format!(
        "name: {name}\nversion: 1.0.0\nmeta_type: validator\nlifecycle: {lifecycle}\ntags: [ci, pre-commit]\n\
         entrypoint: {{type: script, target: [check.sh]}}\n"
    )
}

#[test]
fn a_stage_is_held_to_policies_by_the_component_that_breaks_them() {
    let ground = Ground::new(
        "workflow: {name: part, tasks: [{id: n, run: [touch, ran]}]}\nmetadata: {stages: [ci]}\n",
    );
    ground.project.write("checks/check.sh", "touch ran\n");
    ground.project.write("checks/good.onex.yaml", component("good", "active"));
    let denied = |policy: &str| {
        ground.project.write("onex.toml", format!("[[policy]]\nname = \"rule\"\n{policy}\n"));
        let report = ground.report(&["--stage", "ci"]);
        (
            report["exit_code"].as_i64().unwrap(),
            report["error"]["message"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let rows = [
        ("type = \"program\"\npayload = {deny = \"checks/*\"}", "node `good` starts `checks/check.sh`"),
        (
            "type = \"program\"\nscope = {contract = \"contract.yaml\"}\npayload = {deny = \"touch\"}",
            "node `part.n`",
        ),
        ("type = \"contract\"\npayload = {deny = \"checks/**\"}", "`checks/good.onex.yaml`"),
        ("type = \"contract\"\npayload = {allow = \"checks/**\"}", "`contract.yaml` is none of"),
        ("type = \"lifecycle\"\npayload = {allow = \"stable\"}", "`good@1.0.0` is `active`"),
        ("type = \"limit\"\npayload = {nodes = 1}", "has 2 nodes"),
        ("type = \"trust\"", "`checks/good.onex.yaml` is not trusted"),
    ];
    for (policy, said) in rows {
        let (code, message) = denied(policy);
        assert!(code == 5 && message.contains(said), "{policy}: {code} {message}");
        assert!(!ground.project.exists("ran"), "{policy}");
    }
    assert_eq!(denied("type = \"program\"\npayload = {deny = \"curl\"}").0, 0);
}

#[test]
fn what_is_deprecated_is_an_event_and_a_record() {
    let ground =
        Ground::new("metadata: {lifecycle: deprecated}\nworkflow: {tasks: [{id: n, run: ['true']}]}\n");
    ground.project.write("checks/check.sh", "true\n");
    ground.project.write("checks/old.onex.yaml", component("old", "deprecated"));
    for (arguments, said) in [(&["--stage", "ci"][..], "`old@1.0.0` is deprecated"), (&[], "deprecated")] {
        let mut all = arguments.to_vec();
        all.extend(["--events", "e.jsonl", "--log", "l.jsonl"]);
        let report = ground.report(&all);
        assert_eq!(report["exit_code"], 0, "{report:#}");
        let events = events(&ground.project.read("e.jsonl"));
        let told = events.iter().find_map(|event| match &event.kind {
            EventKind::DeprecationWarning { finding } => Some(finding.message.clone()),
            _ => None,
        });
        assert!(told.as_ref().is_some_and(|told| told.contains(said)), "{told:?}");
        let log = ground.project.read("l.jsonl");
        assert!(log.contains("\"event\":\"deprecation_warning\""), "{log}");
        assert!(report["diagnostics"].to_string().contains(said));
    }
}

#[test]
fn what_is_staged_is_held_to_policies_where_it_runs() {
    let ground = Ground::new("workflow: {tasks: []}\n");
    let folder = &ground.project;
    std::fs::remove_dir(folder.path().join(".git")).unwrap();
    folder.git(&["init", "-q"]);
    folder.write("checks/check.sh", "touch ran\n");
    folder.write("checks/old.onex.yaml", component("old", "canary"));
    folder.write("a.md", "staged\n");
    folder.git(&["add", "-A"]);
    // Now the stage runs in a tree of its own.
    folder.write("a.md", "not staged\n");
    for pattern in ["checks/*.sh", "./checks/check.sh"] {
        folder.write(
            "onex.toml",
            format!("[[policy]]\nname = \"rule\"\ntype = \"program\"\npayload = {{deny = \"{pattern}\"}}\n"),
        );
        let (code, message) = ground.outcome(&["--stage", "pre-commit"]);
        assert!(code == 5 && message.contains("`rule`"), "{pattern}: {code} {message}");
    }
    folder.write(
        "onex.toml",
        format!(
            "[[policy]]\nname = \"rule\"\ntype = \"contract\"\npayload = {{allow = \"{}/checks/*\"}}\n",
            folder.path().display()
        ),
    );
    assert_eq!(ground.outcome(&["--stage", "pre-commit"]).0, 0);
}

#[test]
fn the_example_keeps_to_its_policies_and_breaks_them() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/policy");
    let ground = Ground::new("");
    let run = |contract: &str| {
        let contract = folder.join(contract).display().to_string();
        ground.report(&["--contract", &contract])
    };
    let kept = run("contract.yaml");
    assert_eq!((&kept["exit_code"], &result(&kept, "count")["stdout"]), (&0.into(), &"2\n".into()));
    let denied = run("denied");
    assert_eq!((&denied["exit_code"], &denied["results"]), (&5.into(), &Value::Array(vec![])));
    let told: Vec<&str> =
        denied["diagnostics"].as_array().unwrap().iter().filter_map(|d| d["message"].as_str()).collect();
    for name in ["no-downloads", "no-loader-tricks", "bounded", "few-nodes"] {
        assert!(told.iter().any(|message| message.contains(&format!("`{name}`"))), "{name} in {told:#?}");
    }
    assert!(told.iter().any(|message| message.contains("`LD_PRELOAD`")), "{told:#?}");
}

#[test]
fn an_imposed_sandbox_holds() {
    let policy = "[[policy]]\nname = \"confined\"\ntype = \"sandbox\"\n\
                  payload = {filesystem = \"read_only\", network = \"none\", impose = true}\n";
    let ground = Ground::with(TOUCH, policy);
    let report = ground.report(&[]);
    assert!(!ground.project.exists("ran"), "{report:#}");
    // Where the kernel cannot hold it, nothing runs.
    let is_held =
        report["exit_code"] == 1 && result(&report, "touches")["sandbox"]["filesystem"] == "read_only";
    assert!(is_held || report["exit_code"] == 5, "{report:#}");
    let plan = ground.onex(&["plan", "contract.yaml"]);
    assert!(plan.code == 0 && !plan.stderr.contains("E0701"), "{plan:?}");
}
