//! Nodes of contracts that use components: which one is meant, what it gets, and what is said where none will do.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use onex::contract::parse;
use onex::diag::{Diagnostic, SourceMap};
use onex::model::component::{Component, EntryKind, Entrypoint, Lifecycle};
use onex::model::workflow::{
    Action, CommandSpec, EdgeCondition, NodeKind, NodeSpec, ProgramSpec, Stdin, Workflow,
};
use onex::orchestrators::{Bound, FileTypes, Project, SearchPath, bind};
use onex::registry::{Catalog, Duplicate, Needed, Registry};
use serde_json::{Value, json};

use crate::support::{Ended, Folder, result};

// ---- A registry and a project that are made up

/// A registry that counts how often somebody asks.
struct Counting {
    catalog: Catalog,
    asked: Cell<usize>,
}

impl Registry for Counting {
    fn components(&self) -> &[Arc<Component>] {
        self.asked.set(self.asked.get() + 1);
        self.catalog.components()
    }

    fn register(&mut self, component: Component) -> Result<(), Duplicate> {
        self.catalog.register(component)
    }
}

/// A project with some files, in which only some programs are there.
#[derive(Default)]
struct MadeUp {
    files: Vec<&'static str>,
    asked: usize,
    missing: Vec<&'static str>,
}

impl Project for MadeUp {
    fn files(&mut self) -> Result<Arc<[PathBuf]>, Box<Diagnostic>> {
        self.asked += 1;
        Ok(self.files.iter().map(PathBuf::from).collect())
    }

    fn has(&self, needed: Needed<'_>, _: SearchPath<'_>) -> bool {
        let name = match needed {
            Needed::Program(program) => Path::new(program),
            Needed::File(file) => file,
        };
        !self.missing.iter().any(|missing| Path::new(missing) == name)
    }

    fn today(&self) -> chrono::NaiveDate {
        chrono::NaiveDate::from_ymd_opt(2026, 1, 31).unwrap()
    }
}

impl FileTypes for MadeUp {
    fn has_all(&mut self, _: &Path, _: &[String]) -> bool {
        true
    }

    fn has_any(&mut self, _: &Path, _: &[String]) -> bool {
        true
    }
}

fn made_up(name: &str, version: &str) -> Component {
    Component {
        name: name.to_owned(),
        namespace: Some("made.up".to_owned()),
        version: version.parse().ok(),
        meta_type: "tool".to_owned(),
        entrypoint: Some(Entrypoint { kind: EntryKind::Command, target: vec![name.to_owned()] }),
        ..Component::default()
    }
}

fn bound(tasks: &str, components: Vec<Component>, project: &mut MadeUp) -> (Workflow, Bound, usize) {
    let id = SourceMap::default().add("contract.yaml", "");
    let parsed = parse(id, &format!("workflow:\n  tasks:\n{tasks}"));
    let mut workflow = parsed.workflow.unwrap_or_else(|| panic!("{:?}", parsed.diagnostics));
    let registry = Counting { catalog: Catalog::of(components), asked: Cell::new(0) };
    let bound = bind(&mut workflow, &registry, project);
    (workflow, bound, registry.asked.get())
}

fn command(node: &NodeSpec) -> &CommandSpec {
    let Some(Action::Command(command)) = &node.action else { panic!("{node:?}") };
    command
}

fn argv(node: &NodeSpec) -> Vec<&str> {
    let command = command(node);
    let ProgramSpec::Argv(argv) = &command.program else { panic!("{node:?}") };
    argv.iter().map(String::as_str).chain(command.files.iter().map(|file| file.to_str().unwrap())).collect()
}

fn codes(bound: &Bound) -> Vec<&str> {
    bound.diagnostics.iter().map(|found| found.code.as_str()).collect()
}

#[test]
fn any_registry_binds_nodes_and_is_asked_only_where_one_uses_a_component() {
    let all = || vec![made_up("lint", "1.2.0"), made_up("lint", "1.10.0"), made_up("lint", "2.0.0")];
    let mut project = MadeUp::default();
    let (workflow, found, asked) =
        bound("    - {id: a, uses: lint@^1}\n    - {id: b, run: x}\n", all(), &mut project);
    assert_eq!(
        (workflow.nodes[0].uses.as_ref().unwrap().shown(), argv(&workflow.nodes[0])),
        ("made.up.lint@1.10.0".to_owned(), vec!["lint"])
    );
    assert_eq!((found.components.len(), codes(&found).len(), project.asked), (1, 0, 0));
    assert!(asked > 0);
    for tasks in ["    - {id: b, run: x}\n", "    - {id: a, uses: nothing, enabled: false}\n"] {
        let (_, found, asked) = bound(tasks, all(), &mut project);
        assert_eq!((asked, codes(&found).len(), project.asked), (0, 0, 0), "{tasks}");
    }
}

#[test]
fn what_the_node_says_wins_and_the_component_gives_the_rest() {
    let component = Component {
        meta_type: "validator".to_owned(),
        timeout: Some(Duration::from_secs(7)),
        env: vec![("A".to_owned(), "a".to_owned()), ("B".to_owned(), "b".to_owned())],
        idempotent: Some(true),
        description: Some("Checks.".to_owned()),
        tags: vec!["security".to_owned()],
        ..made_up("check", "1.0.0")
    };
    let tasks = "    - {id: plain, uses: check, circuit_breaker: {failure_threshold: 2}}
    - {id: own, uses: check, node_type: effect, timeout: 9, env: {B: c, ONEX_INPUT_X: z}, idempotent: false,
       description: Mine., tags: [t], with: {x: y, n: 1}, stdin: s, output: lines}
    - {id: given, uses: check, with: {x: y, n: 1}}
";
    let (workflow, found, _) = bound(tasks, vec![component], &mut MadeUp::default());
    assert_eq!(codes(&found), Vec::<&str>::new());
    let [plain, own, given] = workflow.nodes.as_slice() else { panic!() };
    assert_eq!(
        (plain.kind.clone(), plain.timeout.as_secs(), plain.idempotent),
        (NodeKind::Validator, 7, Some(true))
    );
    assert_eq!((plain.description.as_deref(), plain.tags.len()), (Some("Checks."), 1));
    // What guards the door is not left out because it was slow before.
    assert!(plain.breaker.is_none());
    assert_eq!((&command(plain).env["B"], &command(plain).stdin), (&"b".to_owned(), &Stdin::Empty));
    assert_eq!((own.kind.clone(), own.timeout.as_secs(), own.idempotent), (NodeKind::Effect, 9, Some(false)));
    assert_eq!((own.description.as_deref(), own.tags.as_slice()), (Some("Mine."), &["t".to_owned()][..]));
    let env = &command(own).env;
    assert_eq!(
        (env["A"].as_str(), env["B"].as_str(), env["ONEX_INPUT_X"].as_str(), env["ONEX_INPUT_N"].as_str()),
        ("a", "c", "z", "1")
    );
    assert_eq!(command(own).stdin, Stdin::Text("s".to_owned()));
    assert_eq!(command(given).stdin, Stdin::Text(r#"{"x":"y","n":1}"#.to_owned()));
    // The rules of a contract are for those who say nothing themselves.
    let rules = "    - {id: a, uses: slow}\n    - {id: b, uses: lint}\n  coordination: {rules: {step_timeout_ms: 3000}}\n";
    let slow = Component { timeout: Some(Duration::from_secs(7)), ..made_up("slow", "1.0.0") };
    let (workflow, ..) = bound(rules, vec![slow, made_up("lint", "1.0.0")], &mut MadeUp::default());
    assert_eq!([workflow.nodes[0].timeout.as_secs(), workflow.nodes[1].timeout.as_secs()], [7, 3]);
}

#[test]
fn a_function_gets_its_arguments_by_name() {
    let entrypoint =
        Entrypoint { kind: EntryKind::Python, target: vec!["pkg.mod:add".to_owned(), "1".to_owned()] };
    let function = Component { entrypoint: Some(entrypoint), ..made_up("add", "1.0.0") };
    let (workflow, ..) =
        bound("    - {id: a, uses: add, with: {b: [2]}}\n", vec![function], &mut MadeUp::default());
    let ProgramSpec::Python { module, function, args, kwargs } = &command(&workflow.nodes[0]).program else {
        panic!()
    };
    assert_eq!(
        (module.as_str(), function.as_str(), args, kwargs["b"].clone()),
        ("pkg.mod", "add", &vec![json!("1")], json!([2]))
    );
}

fn for_files(name: &str, meta_type: &str, pattern: &str) -> Component {
    Component {
        meta_type: meta_type.to_owned(),
        files: Some(vec![pattern.to_owned()]),
        ..made_up(name, "1.0.0")
    }
}

#[test]
fn a_component_for_files_gets_those_of_the_run_or_those_that_are_named() {
    let components = || {
        let quiet = Component { pass_filenames: Some(false), ..for_files("quiet", "validator", "*.md") };
        vec![for_files("check", "validator", "*.txt"), quiet]
    };
    let tasks = "    - {id: all, uses: check}
    - {id: named, uses: check, with: {files: [new.bin, -x]}}
    - {id: below, uses: check, with: {files: a.txt}, cwd: deep/er/..}
    - {id: none, uses: check, with: {files: []}}
    - {id: quiet, uses: quiet}
";
    let mut project = MadeUp { files: vec!["a.txt", "b/c.txt", "d.rs"], ..MadeUp::default() };
    let (workflow, found, _) = bound(tasks, components(), &mut project);
    assert_eq!(codes(&found), Vec::<&str>::new());
    let shown: Vec<(Vec<&str>, bool)> = workflow.nodes.iter().map(|n| (argv(n), n.is_wanted())).collect();
    assert_eq!(
        shown,
        [
            (vec!["check", "a.txt", "b/c.txt"], true),
            (vec!["check", "new.bin", "./-x"], true),
            (vec!["check", "../a.txt"], true),
            (vec!["check"], false),
            (vec!["quiet"], false),
        ]
    );
    assert_eq!(workflow.nodes[0].uses.as_ref().unwrap().given, Some(vec![0, 1]));
    // Files that are named need no look at the project.
    let mut project = MadeUp::default();
    bound("    - {id: named, uses: check, with: {files: x}}\n", components(), &mut project);
    assert_eq!(project.asked, 0);
    let (_, found, _) =
        bound("    - {id: a, uses: check, with: {files: [../x]}}\n", components(), &mut project);
    assert_eq!(codes(&found), ["E0213"]);
}

fn edges(workflow: &Workflow) -> Vec<(&str, &str, EdgeCondition)> {
    let nodes = &workflow.nodes;
    let of = |node: &'_ NodeSpec| node.depends_on.clone();
    nodes
        .iter()
        .flat_map(|node| {
            of(node).into_iter().map(move |e| (nodes[e.node].id.as_str(), node.id.as_str(), e.on))
        })
        .collect()
}

#[test]
fn who_may_change_what_another_has_waits_and_who_needs_another_too() {
    let components = || {
        vec![
            for_files("format", "tool", "*.txt"),
            for_files("check", "validator", "*.txt"),
            for_files("other", "tool", "*.rs"),
            Component {
                dependencies: vec![onex::model::component::Dependency {
                    on: "made.up.format@^1".parse().unwrap(),
                    span: onex::diag::Span::default(),
                }],
                ..made_up("needy", "1.0.0")
            },
            made_up("plain", "1.0.0"),
        ]
    };
    let mut project = MadeUp { files: vec!["a.txt", "d.rs"], ..MadeUp::default() };
    let tasks = "    - {id: check, uses: check}
    - {id: format, uses: format}
    - {id: again, uses: format, depends_on: [needy]}
    - {id: other, uses: other}
    - {id: needy, uses: needy}
    - {id: one, uses: plain}
    - {id: two, uses: plain}
";
    let (workflow, found, _) = bound(tasks, components(), &mut project);
    assert_eq!(codes(&found), Vec::<&str>::new());
    assert_eq!(
        edges(&workflow),
        [
            ("check", "format", EdgeCondition::Finished),
            ("needy", "again", EdgeCondition::Success),
            ("format", "needy", EdgeCondition::Success),
        ]
    );
    // A contract with a circle of its own is told of that, and of nothing else.
    let circle =
        "    - {id: a, uses: format, depends_on: [b]}\n    - {id: b, uses: format, depends_on: [a]}\n";
    let (workflow, ..) = bound(circle, components(), &mut project);
    assert_eq!(edges(&workflow).len(), 2);
}

#[test]
fn what_is_not_in_use_or_cannot_be_carried_out_is_refused_with_the_reason() {
    let with = |lifecycle: &str, component: Component| Component {
        lifecycle: Lifecycle::new(lifecycle),
        ..component
    };
    let kind = |kind: EntryKind| Some(Entrypoint { kind, target: vec!["x".to_owned()] });
    let components = || {
        vec![
            with("draft", made_up("young", "1.0.0")),
            with("archived", made_up("old", "1.0.0")),
            with("archived", made_up("mixed", "3.0.0")),
            with("deprecated", made_up("mixed", "2.0.0")),
            Component { entrypoint: kind(EntryKind::Http), ..made_up("web", "1.0.0") },
            Component { entrypoint: kind(EntryKind::Agent), ..made_up("helper", "1.0.0") },
            Component { entrypoint: None, ..made_up("empty", "1.0.0") },
            made_up("gone", "1.0.0"),
        ]
    };
    let mut project = MadeUp { missing: vec!["gone"], ..MadeUp::default() };
    for (name, expected) in [
        ("young", vec!["E0530"]),
        ("old", vec!["E0530"]),
        ("mixed@3.0.0", vec!["E0530"]),
        ("mixed", vec!["E0513"]),
        ("web", vec!["E0210"]),
        ("helper", vec!["E0210"]),
        ("empty", vec!["E0514"]),
        ("gone", vec!["E0512"]),
        ("nothing", vec!["E0505"]),
        ("mixed@^4", vec!["E0508"]),
        ("other.space.old", vec!["E0505"]),
    ] {
        let (workflow, found, _) =
            bound(&format!("    - {{id: a, uses: '{name}'}}\n"), components(), &mut project);
        assert_eq!(codes(&found), expected, "{name}");
        let at = workflow.nodes[0].uses.as_ref().unwrap().span;
        assert_eq!(found.diagnostics[0].span(), Some(at), "{name}");
    }
    let (_, found, _) = bound("    - {id: a, uses: other.space.old}\n", components(), &mut project);
    assert_eq!(found.diagnostics[0].help, ["did you mean `made.up.old`?", "there is `made.up.old@1.0.0`"]);
    let twice = || {
        vec![made_up("x", "1.0.0"), Component { namespace: Some("b".to_owned()), ..made_up("x", "1.0.0") }]
    };
    let (_, found, _) = bound("    - {id: a, uses: x}\n", twice(), &mut project);
    assert_eq!((codes(&found), found.diagnostics[0].help.len()), (vec!["E0506"], 1));
    let contract =
        Component { kind: onex::model::component::Kind::Workflow, namespace: None, ..made_up("x", "1.0.0") };
    let (workflow, found, _) =
        bound("    - {id: a, uses: x}\n", vec![contract.clone(), made_up("x", "1.0.0")], &mut project);
    assert_eq!((codes(&found).len(), argv(&workflow.nodes[0])), (0, vec!["x"]));
    let (_, found, _) = bound("    - {id: a, uses: x}\n", vec![contract], &mut project);
    assert_eq!(codes(&found), ["E0514"]);
}

#[test]
fn what_must_not_be_repeated_is_not() {
    let once = || vec![Component { idempotent: Some(false), ..made_up("once", "1.0.0") }];
    let mut project = MadeUp::default();
    let (_, found, _) = bound("    - {id: a, uses: once, retry: {max_attempts: 2}}\n", once(), &mut project);
    assert_eq!(codes(&found), ["E0211"]);
    let (workflow, found, _) = bound(
        "    - {id: a, uses: once, idempotent: true, retry: {max_attempts: 2}}\n",
        once(),
        &mut project,
    );
    assert_eq!((codes(&found).len(), workflow.nodes[0].retry.max_attempts()), (0, 2));
    let rules = "    - {id: a, uses: once}\n  error_handling: {retry_policy: {max_attempts: 4}}\n";
    let (workflow, found, _) = bound(rules, once(), &mut project);
    assert_eq!((codes(&found).len(), workflow.nodes[0].retry.max_attempts()), (0, 1));
}

// ---- The program

const SAY: &str = "\
#!/bin/sh
# === OmniNode:Metadata ===
# name: say
# namespace: demo
# version: 1.2.0
# env: {GREETING: hello}
# entrypoint: script@say.sh
# === /OmniNode:Metadata ===
echo \"$GREETING $ONEX_INPUT_NAME\"; cat
";

/// A project with a registered script and two components that are found.
fn project(tasks: &str) -> Folder {
    let folder = Folder::with(&format!("workflow:\n  name: demo\n  tasks:\n{tasks}"));
    folder.write("tools/say.sh", SAY);
    folder.write(
        "tools/list.onex.yaml",
        "name: list\nversion: 1.0.0\nmeta_type: validator\nlifecycle: canary\nentrypoint: {type: command, target: [printf, '%s\\n']}\nfiles: ['*.txt']\n",
    );
    folder.write("tools/calc.py", "def add(a, b=1):\n    return {'sum': a + b}\n");
    folder.write("tools/add.onex.yaml", "name: add\nversion: 2.1.0\nentrypoint: python@tools.calc:add\n");
    let added = folder.onex(&["registry", "add", "tools/say.sh"]);
    assert_eq!(added.code, 0, "{added:?}");
    folder
}

fn human(folder: &Folder, more: &[&str]) -> Ended {
    let mut all = vec!["orch", "--contract", "contract.yaml", "--format", "human"];
    all.extend(more);
    folder.onex(&all)
}

#[test]
fn components_run_in_a_contract_and_plans_show_them() {
    let folder = project(
        "    - {id: greet, uses: demo.say@^1, with: {name: World}}
    - {id: texts, uses: list, depends_on: [greet]}
    - {id: sum, uses: add, with: {a: 3}, fallback: {uses: demo.say}}
    - {id: own, uses: demo.say, stdin: mine, env: {GREETING: bye}}
    - {id: nothing, uses: list, with: {files: []}}
    - {id: after, run: 'true', depends_on: [nothing]}
",
    );
    folder.write("b.txt", "");
    folder.write("a/a.txt", "");
    let report = folder.report(&[]);
    assert_eq!(report["status"], "success", "{report}");
    let value = |id: &str| result(&report, id)["value"].clone();
    assert_eq!(value("greet"), json!("hello World\n{\"name\":\"World\"}"));
    assert_eq!(value("texts"), json!("a/a.txt\nb.txt"));
    assert_eq!(value("sum"), json!({"sum": 4}));
    assert_eq!(value("own"), json!("bye \nmine"));
    assert_eq!(result(&report, "texts")["type"], "validator");
    // A component for files that gets none has nothing to do, and nobody minds.
    assert_eq!(result(&report, "nothing")["status"], "skipped");
    assert_eq!(result(&report, "after")["status"], "completed");

    let plan = folder.onex(&["plan", "contract.yaml"]);
    assert_eq!((plan.code, plan.stderr.as_str()), (0, ""));
    assert!(plan.stdout.contains("greet         tool       uses demo.say@1.2.0"), "{}", plan.stdout);
    let document: Value =
        serde_json::from_str(&folder.onex(&["plan", "contract.yaml", "--format", "json"]).stdout).unwrap();
    assert_eq!(
        (&document["nodes"][0]["action"], &document["nodes"][0]["component"]),
        (&json!("uses"), &json!("demo.say@1.2.0"))
    );
    for form in ["ascii", "dot", "mermaid", "svg"] {
        let drawn = folder.onex(&["graph", "contract.yaml", "--as", form]).stdout;
        assert!(drawn.contains("uses demo.say@1.2.0"), "{form}: {drawn}");
    }
    let explained = folder.onex(&["explain", "greet", "--contract", "contract.yaml"]);
    assert!(explained.stdout.starts_with("greet  tool uses demo.say@1.2.0\n"), "{explained:?}");
    let dry = human(&folder, &["--dry-run"]);
    assert!(dry.code == 0 && dry.stdout.contains("uses list@1.0.0"), "{dry:?}");
    for format in ["yaml", "json"] {
        let ended = folder.onex(&["orch", "--contract", "contract.yaml", "--format", format]);
        assert_eq!(ended.code, 0, "{ended:?}");
    }
}

#[test]
fn nodes_of_an_included_file_and_of_the_onex_dialect_use_components_too() {
    let folder = project("    - !include more.yaml\n");
    folder.write("more.yaml", "id: a\nuses: add\nwith: {a: 1}\n");
    assert_eq!(result(&folder.report(&[]), "a")["value"], json!({"sum": 2}));
    folder.write(
        "contract.yaml",
        "node_type: ORCHESTRATOR_GENERIC\nname: x\nworkflow_coordination:\n  workflow_definition:\n    execution_graph:\n      nodes:
        - {node_id: a, target_node_type: X, contract_ref: ../x, step_config: {effect_node: add, with: {a: 5}}}\n",
    );
    assert_eq!(result(&folder.report(&[]), "a")["value"], json!({"sum": 6}));
}

#[test]
fn what_is_not_found_is_exit_code_3_with_what_there_is() {
    let folder = project("    - {id: a, uses: demo.sya}\n");
    for verb in [
        &["plan", "contract.yaml"][..],
        &["validate", "contract.yaml"],
        &["orch", "--contract", "contract.yaml", "--dry-run"],
    ] {
        let ended = folder.onex(verb);
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert!(
            ended.code == 3 && all.contains("error[E0505]: no component is named `demo.sya`"),
            "{ended:?}"
        );
        assert!(all.contains("did you mean `demo.say`?"), "{all}");
    }
    let report = folder.report(&[]);
    assert_eq!((&report["exit_code"], &report["error"]["kind"]), (&json!(3), &json!("RegistryError")));
    // What another runtime has may be elsewhere: it plans.
    folder.write(
        "contract.yaml",
        "workflow:\n  tasks: [{id: a, effect_node: node_book}, {id: b, run: 'true'}]\n",
    );
    assert_eq!(folder.onex(&["plan", "contract.yaml"]).code, 0);
    assert_eq!(folder.onex(&["validate", "contract.yaml"]).code, 0);
    assert_eq!(folder.report(&[])["exit_code"], 3);
    assert_eq!(folder.report(&["--only", "b"])["exit_code"], 0);
    let explained = folder.onex(&["explain", "a", "--contract", "contract.yaml"]);
    assert!(explained.stdout.contains("the component that it uses is not found"), "{explained:?}");
}

#[test]
fn a_program_that_is_not_there_is_known_before_anything_runs() {
    let folder = project("    - {id: a, run: 'touch ran'}\n    - {id: b, uses: lost, depends_on: [a]}\n");
    folder.write(
        "lost.onex.yaml",
        "name: lost\nversion: 1.0.0\nentrypoint: {type: command, target: [no-such-program]}\n",
    );
    let said = "`lost` runs `no-such-program`, which is no program in PATH";
    let plan = folder.onex(&["plan", "contract.yaml"]);
    assert!(
        plan.code == 0 && plan.stderr.contains(&format!("warning[E0512]: {said}\n  ╭▸ contract.yaml:5:21")),
        "{plan:?}"
    );
    let run = human(&folder, &[]);
    assert!(run.code == 3 && run.stderr.contains(&format!("error[E0512]: {said}")), "{run:?}");
    assert!(!folder.exists("ran"));
    // Somebody who does not ask for it does not need it.
    assert_eq!(human(&folder, &["--only", "a"]).code, 0);
    assert!(folder.exists("ran"));
    // Where the node has another PATH, that counts.
    folder.write("bin/no-such-program", "#!/bin/sh\necho here\n");
    std::fs::set_permissions(
        folder.path().join("bin/no-such-program"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let path = format!("{}/bin:/usr/bin:/bin", folder.path().display());
    folder.write(
        "contract.yaml",
        format!("workflow:\n  tasks: [{{id: b, uses: lost, env: {{PATH: '{path}'}}}}]\n"),
    );
    assert_eq!(result(&folder.report(&[]), "b")["value"], "here");
}

#[test]
fn a_contract_without_components_does_not_look_for_any() {
    let folder = project("    - {id: a, run: 'true', description: uses nothing}\n");
    folder.write("broken.onex.yaml", "name: [\n");
    assert_eq!(human(&folder, &[]).stderr, "");
    let said = |folder: &Folder| human(folder, &["--verbose"]).stderr.contains("looks for components");
    assert!(!said(&folder));
    // Who uses one that is found does not mind, and who misses one is told.
    folder.write("contract.yaml", "workflow:\n  tasks: [{id: a, uses: add, with: {a: 1}}]\n");
    assert_eq!(human(&folder, &[]).stderr, "");
    assert!(said(&folder));
    folder.write("contract.yaml", "workflow:\n  tasks: [{id: a, uses: broken}]\n");
    let ended = human(&folder, &[]);
    assert!(ended.stderr.contains("what `broken.onex.yaml` declares is not in order"), "{ended:?}");
}

#[test]
fn a_registered_component_that_has_changed_is_told_of_and_one_that_is_gone_is_refused() {
    let folder = project("    - {id: a, uses: say}\n");
    folder.write("tools/say.sh", SAY.replace("hello", "hi"));
    let ended = human(&folder, &[]);
    assert!(ended.code == 0 && ended.stderr.contains("warning[E0510]"), "{ended:?}");
    folder.write("tools/say.sh", SAY.replace("name: say", "name: shout"));
    folder.write("contract.yaml", "workflow:\n  tasks: [{id: a, uses: shout}]\n");
    let ended = human(&folder, &[]);
    assert!(ended.code == 3 && ended.stderr.contains("error[E0511]"), "{ended:?}");
    std::fs::remove_file(folder.path().join("tools/say.sh")).unwrap();
    folder.write("contract.yaml", "workflow:\n  tasks: [{id: a, uses: say}]\n");
    let ended = human(&folder, &[]);
    assert!(
        ended.code == 3
            && ended.stderr.contains("it is registered, and `tools/say.sh` does not exist any more"),
        "{ended:?}"
    );
}

#[test]
fn a_contract_in_a_stage_gives_its_components_the_files_of_the_stage() {
    let folder = project(
        "    - {id: texts, uses: list}\n    - {id: done, run: [cat, a.txt], depends_on: [texts]}\n  tags: [pre-commit]\n",
    );
    folder.write(".gitignore", "/tmp/\n/home/\n");
    folder.write("a.txt", "one\n");
    folder.write("b.txt", "two\n");
    folder.git(&["init", "--quiet", "--initial-branch=main"]);
    folder.git(&["add", "--all"]);
    folder.git(&["commit", "--quiet", "--message=x"]);
    let stage = |more: &[&str]| {
        let mut all = vec!["orch", "--stage", "pre-commit", "--format", "json"];
        all.extend(more);
        let mut command = folder.command(&all);
        command.env("XDG_CACHE_HOME", folder.path().join("home/cache"));
        let ended = Ended::of(&command.output().unwrap());
        serde_json::from_str::<Value>(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"))
    };
    // Partly staged: the contract runs in a tree of what is staged.
    folder.write("a.txt", "staged\n");
    folder.git(&["add", "a.txt"]);
    folder.write("a.txt", "not staged\n");
    let report = stage(&[]);
    assert_eq!(result(&report, "demo.texts")["value"], "a.txt", "{report}");
    assert_eq!(result(&report, "demo.done")["value"], "staged");
    let report = stage(&["--all-files"]);
    assert_eq!(result(&report, "demo.texts")["value"], "a.txt\nb.txt");
    folder.git(&["reset", "--quiet", "--hard"]);
    folder.write("c.md", "");
    folder.git(&["add", "c.md"]);
    let report = stage(&[]);
    assert_eq!(result(&report, "demo.texts")["status"], "skipped");
    assert_eq!(result(&report, "demo.done")["status"], "completed");
    // What such a contract cannot run, the stage refuses before anything runs, at its place.
    folder.write(
        "contract.yaml",
        "workflow:\n  name: demo\n  tags: [pre-commit]\n  tasks: [{id: a, uses: lsit}]\n",
    );
    folder.git(&["add", "contract.yaml"]);
    let report = stage(&[]);
    assert_eq!(report["exit_code"], 3);
    let found = &report["diagnostics"][0];
    assert_eq!(
        (&found["code"], &found["path"], &found["line"]),
        (&json!("E0505"), &json!("contract.yaml"), &json!(4))
    );
}

#[test]
fn what_a_component_needs_has_to_be_there_and_runs_first() {
    let folder = project("    - {id: second, uses: needy}\n    - {id: first, uses: add, with: {a: 1}}\n");
    folder.write("needy.onex.yaml", "name: needy\nversion: 1.0.0\ndependencies: [add@^2]\nentrypoint: {type: command, target: ['true']}\n");
    let plan: Value =
        serde_json::from_str(&folder.onex(&["plan", "contract.yaml", "--format", "json"]).stdout).unwrap();
    assert_eq!(plan["execution_order"], json!(["first", "second"]));
    folder.write("needy.onex.yaml", "name: needy\nversion: 1.0.0\ndependencies: [add@^3]\nentrypoint: {type: command, target: ['true']}\n");
    let ended = human(&folder, &[]);
    assert!(
        ended.code == 3 && ended.stderr.contains("error[E0508]: `needy` needs what is not there"),
        "{ended:?}"
    );
}

#[test]
fn a_component_is_run_from_wherever_its_node_works() {
    let folder = project("    - {id: a, uses: here, cwd: deep/er}\n");
    folder.write("deep/er/x", "");
    folder.write("tools/here", "#!/bin/sh\npwd\n");
    std::fs::set_permissions(
        folder.path().join("tools/here"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    folder.write(
        "tools/here.onex.yaml",
        "name: here\nversion: 1.0.0\nentrypoint: {type: command, target: [./here]}\n",
    );
    let value = result(&folder.report(&[]), "a")["value"].as_str().unwrap().to_owned();
    assert!(value.ends_with("/deep/er"), "{value}");
}

// ---- What a stage would refuse

#[test]
fn what_a_stage_would_refuse_is_said_by_validate_list_and_add_and_by_the_stage_all_at_once() {
    let folder = Folder::new();
    let text =
        |more: &str| format!("name: x\nversion: 1.0.0\nmeta_type: validator\nlifecycle: canary\n{more}");
    let run = "entrypoint: {type: command, target: ['true']}\n";
    for (more, code, severity) in [
        ("tags: [pre-commit]\n".to_owned(), "E0514", "warning"),
        ("entrypoint: {type: http, target: 'http://x'}\n".to_owned(), "E0210", "warning"),
        (format!("{run}types: [pyhton]\n"), "E0534", "error"),
        (format!("{run}files: ['[a']\n"), "E0532", "error"),
        (format!("{run}exclude: ['{{a']\n"), "E0532", "error"),
        (format!("{run}files: ['!a']\n"), "E0533", "warning"),
        (format!("{run}files: ['../a']\n"), "E0533", "warning"),
        (format!("{run}files: ['/home/me/*.py']\n"), "E0533", "warning"),
        (format!("{run}tags: pre-commit, ci\n"), "E0535", "warning"),
        (format!("{run}tags: ['pre-commit,ci']\n"), "E0535", "warning"),
        (format!("{run}stages: [precommit]\n"), "E0536", "warning"),
    ] {
        folder.write("x.onex.yaml", text(&more));
        for verb in [&["validate", "x.onex.yaml"][..], &["list"], &["registry", "add", "x.onex.yaml"]] {
            let ended = folder.onex(verb);
            let all = format!("{}{}", ended.stdout, ended.stderr);
            // What is not there has no place of its own.
            let line = if code == "E0514" { 1 } else { text(&more).lines().count() };
            assert!(all.contains(&format!("{severity}[{code}]")), "{verb:?} {more}: {all}");
            assert!(all.contains(&format!("x.onex.yaml:{line}:")), "{verb:?} {more}: {all}");
            let expected = if severity == "error" { 2 } else { 0 };
            // The list shows what else there is.
            assert!(ended.code == expected, "{verb:?} {more}: {ended:?}");
        }
    }
    folder.write("x.onex.yaml", text(&format!("{run}stages: [nightly]\nfiles: ['/etc/*', './a', 'b/']\n")));
    let ended = folder.onex(&["validate", "x.onex.yaml"]);
    assert!(ended.code == 0 && !ended.stdout.contains("[E"), "{ended:?}");

    // The stage says all of it at once.
    folder.write("x.onex.yaml", text("tags: [pre-commit]\n"));
    folder.write(
        "y.onex.yaml",
        text("tags: [pre-commit]\nentrypoint: {type: agent, target: y}\n").replace("name: x", "name: y"),
    );
    let ended = folder.onex(&["orch", "--stage", "pre-commit", "--all-files", "--format", "human"]);
    assert!(
        ended.code == 2 && ended.stderr.contains("error[E0514]") && ended.stderr.contains("error[E0210]"),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("y.onex.yaml:6:13"), "{ended:?}");
    folder.write("z.onex.yaml", text(&format!("{run}files: ['[a']\ntypes: [nope]\n")));
    let ended = folder.onex(&["orch", "--stage", "ci", "--all-files", "--format", "human"]);
    assert!(ended.code == 2, "{ended:?}");
}

#[test]
fn files_that_are_not_found_under_their_names_are_told_of() {
    let folder = Folder::new();
    folder.write("a.onex.yml", "name: a\nversion: 1.0.0\nentrypoint: {type: command, target: ['true']}\n");
    folder.write("b/contract.yml", "workflow:\n  tasks: [{id: a, run: 'true'}]\n");
    folder.write("c/contract.yml", "parties: [one, other]\n");
    for verb in [&["list"][..], &["validate", "."], &["doctor"]] {
        let ended = folder.onex(verb);
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert!(
            all.contains("`a.onex.yml` is not looked at") && all.contains("a.onex.yaml"),
            "{verb:?}: {all}"
        );
        assert!(
            all.contains("`b/contract.yml` is not looked at") && !all.contains("c/contract.yml"),
            "{verb:?}: {all}"
        );
    }
}
