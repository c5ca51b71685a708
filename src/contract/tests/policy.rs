//! What bounds nodes and runs: circuit breakers, groups, budgets, parts, and what a program may take.

use super::*;
use crate::model::workflow::{BreakerSpec, Budget, CountedFailures, GroupSpec, Partial, Resources};

const KIB: u64 = 1024;

// ---- Circuit breakers

#[test]
fn a_circuit_breaker_says_when_it_opens_and_when_it_is_tried_again() {
    let all = "circuit_breaker:
  failure_threshold: 2
  reset_timeout_ms: 1500
  half_open_max_calls: 3
  scope: destination
  destination: catalog
  count: infrastructure
  enabled: true
  description: The catalog is slow in the morning.";
    let expected = BreakerSpec {
        failure_threshold: 2,
        reset_timeout: Duration::from_millis(1500),
        half_open_max_calls: 3,
        count: CountedFailures::Infrastructure,
        destination: Some("catalog".into()),
    };
    assert_eq!(first(&task(all)).breaker, Some(Box::new(expected.clone())));
    assert_eq!(first(&node(&format!("step_config: {{run: x}}\n{all}"))).breaker, Some(Box::new(expected)));
    let defaults = BreakerSpec {
        failure_threshold: 5,
        reset_timeout: Duration::from_secs(60),
        half_open_max_calls: 1,
        count: CountedFailures::All,
        destination: None,
    };
    assert_eq!(first(&task("circuit_breaker: {}")).breaker, Some(Box::new(defaults.clone())));
    assert_eq!(first(&task("circuit_breaker: {scope: node, count: all}")).breaker, Some(Box::new(defaults)));
    let by_text = first(&task("circuit_breaker: {reset_timeout: 2m}")).breaker.unwrap();
    assert_eq!(by_text.reset_timeout, Duration::from_secs(120));
}

#[test]
fn what_a_circuit_breaker_cannot_mean_is_refused() {
    let cases = [
        ("circuit_breaker: 3", "E0203 error 5:24 `circuit_breaker` is a mapping"),
        ("circuit_breaker: {failure_threshold: 0}", "E0204 error 5:44 `failure_threshold` cannot be 0"),
        ("circuit_breaker: {half_open_max_calls: -1}", "E0204 error 5:46 `half_open_max_calls` cannot be -1"),
        ("circuit_breaker: {reset_timeout: 0}", "E0206 error 5:40 `reset_timeout` cannot be `0`"),
        (
            "circuit_breaker: {reset_timeout: 1, reset_timeout_ms: 1}",
            "E0207 error 5:61 5:40 `reset_timeout` and `reset_timeout_ms` say the same thing twice",
        ),
        ("circuit_breaker: {count: some}", "E0204 error 5:32 `count` cannot be `some`"),
        ("circuit_breaker: {destination: ' '}", "E0204 error 5:38 `destination` is empty"),
        ("circuit_breaker: {scope: run}", "E0204 error 5:32 `scope` cannot be `run`"),
        (
            "circuit_breaker: {scope: destination}",
            "E0207 error 5:32 `scope: destination` goes with a `destination`, and `scope: node` without",
        ),
        (
            "circuit_breaker: {scope: node, destination: x}",
            "E0207 error 5:32 `scope: destination` goes with a `destination`, and `scope: node` without",
        ),
        (
            "circuit_breaker: {failure_treshold: 3}",
            "E0205 error 5:25 `circuit_breaker` has no key `failure_treshold`",
        ),
        ("circuit_breaker: {colour: red}", "E0205 warning 5:25 `circuit_breaker` has no key `colour`"),
    ];
    for (keys, expected) in cases {
        assert_eq!(findings(&task(keys)), [expected], "{keys}");
    }
    assert!(advice(&task("circuit_breaker: {failure_treshold: 3}"))[0].contains("`failure_threshold`"));
}

/// A node under a contract's `error_handling` with a breaker.
fn guarded(keys: &str) -> NodeSpec {
    let text = format!(
        "error_handling: {{circuit_breaker: {{failure_threshold: 9}}}}\nworkflow:\n  tasks: [{{id: a, run: x{keys}}}]\n"
    );
    first(&text)
}

#[test]
fn a_contracts_circuit_breaker_counts_infrastructure_and_reaches_every_node() {
    let inherited = guarded("").breaker.unwrap();
    assert_eq!((inherited.failure_threshold, inherited.count), (9, CountedFailures::Infrastructure));
    let own = guarded(", circuit_breaker: {failure_threshold: 1}").breaker.unwrap();
    assert_eq!((own.failure_threshold, own.count), (1, CountedFailures::All), "its own replaces it whole");
    for off in ["false", "{enabled: false, failure_threshold: 1}", "0"] {
        assert_eq!(guarded(&format!(", circuit_breaker: {off}")).breaker, None, "{off}");
    }
    let text = "error_handling: {circuit_breaker: {count: all}}\nworkflow:\n  tasks: [{id: a, run: x}]\n";
    assert_eq!(first(text).breaker.unwrap().count, CountedFailures::All);
    let text = "error_handling: {circuit_breaker: {enabled: false}}\nworkflow:\n  tasks: [{id: a, run: x}]\n";
    assert_eq!(first(text).breaker, None);
}

#[test]
fn what_guards_the_door_has_no_circuit_breaker() {
    for tag in ["required", "security"] {
        let keys = format!(", type: validator, tags: [lint, {tag}]");
        assert_eq!(guarded(&keys).breaker, None, "{tag}");
        assert_eq!(guarded(&format!("{keys}, circuit_breaker: {{}}")).breaker, None, "{tag}");
        assert!(guarded(&format!(", tags: [{tag}]")).breaker.is_some(), "an effect with the tag {tag}");
    }
    assert!(guarded(", type: validator, tags: [lint]").breaker.is_some());
}

// ---- Groups

#[test]
fn groups_bound_how_many_of_their_nodes_run_at_once() {
    let text = "\
workflow:
  tasks: [{id: a, run: x, group: net}, {id: b, run: x, group: db}, {id: c, run: x}]
  coordination: {rules: {groups: {db: 2, net: 1}}}
";
    let workflow = clean(text);
    let group = |name: &str, limit| GroupSpec { name: name.into(), limit };
    assert_eq!(workflow.rules.groups, [group("db", 2), group("net", 1)]);
    assert_eq!(workflow.nodes.iter().map(|n| n.group).collect::<Vec<_>>(), [Some(1), Some(0), None]);
}

#[test]
fn a_group_without_a_size_is_refused() {
    let with = |rules: &str| {
        format!(
            "workflow:\n  tasks:\n    - {{id: a, run: x, group: bd}}\n  coordination: {{rules: {{{rules}}}}}\n"
        )
    };
    assert_eq!(findings(&with("")), ["E0307 error 3:30 the group `bd` has no size"]);
    assert_eq!(advice(&with("")), ["say `groups: {bd: 1}` in the rules"]);
    assert_eq!(findings(&with("groups: {db: 1}")), ["E0307 error 3:30 the group `bd` has no size"]);
    assert_eq!(
        advice(&with("groups: {db: 1}")),
        ["did you mean `db`?", "say `groups: {bd: 1}` in the rules"]
    );
    let cases = [
        ("groups: [db]", "E0203 error 5:15 `groups` is a mapping"),
        ("groups: {db: 0}", "E0204 error 5:20 the group `db` cannot be 0"),
        ("groups: {db: many}", "E0203 error 5:20 the group `db` is a whole number"),
        ("groups: {[a]: 1}", "E0203 error 5:16 the name of a group is text"),
    ];
    for (rules, expected) in cases {
        assert_eq!(findings(&ruled(rules)), [expected], "{rules}");
    }
    assert_eq!(findings(&task("group: [a]")), ["E0203 error 5:14 `group` is text"]);
}

// ---- Budgets

#[test]
fn a_budget_bounds_what_a_run_uses_up() {
    let budget = |text: &str| rules(&format!("budget: {text}")).budget;
    assert_eq!(budget("{}"), Budget::default());
    let all = Budget {
        max_steps: Some(5),
        max_attempts: Some(10),
        time: Some(Duration::from_secs(90)),
        output: Some(64 * KIB * KIB),
    };
    assert_eq!(budget("{max_steps: 5, max_attempts: 10, time: 1m30s, output: 64MB}"), all);
    assert_eq!(budget("{time_ms: 250}").time, Some(Duration::from_millis(250)));
    for (text, bytes) in
        [("1000", 1000), ("'7'", 7), ("7b", 7), ("2 KiB", 2 * KIB), ("3k", 3 * KIB), ("1GB", KIB * KIB * KIB)]
    {
        assert_eq!(budget(&format!("{{output: {text}}}")).output, Some(bytes), "{text}");
    }
    let cases = [
        ("7", "E0203 error 5:15 `budget` is a mapping"),
        ("{max_steps: 0}", "E0204 error 5:27 `max_steps` cannot be 0"),
        ("{max_attempts: lots}", "E0203 error 5:30 `max_attempts` is a whole number"),
        ("{time: 0}", "E0206 error 5:22 `time` cannot be `0`"),
        ("{time: 1, time_ms: 1000}", "E0207 error 5:34 5:22 `time` and `time_ms` say the same thing twice"),
        ("{output: 0}", "E0204 error 5:24 `output` cannot be `0`"),
        ("{output: -1}", "E0204 error 5:24 `output` cannot be `-1`"),
        ("{output: 1.5MB}", "E0204 error 5:24 `output` cannot be `1.5MB`"),
        ("{output: 5 parsecs}", "E0204 error 5:24 `output` cannot be `5 parsecs`"),
        ("{output: 99999999999TB}", "E0204 error 5:24 `output` cannot be `99999999999TB`"),
        ("{output: [1]}", "E0203 error 5:24 `output` is a size"),
        ("{cost: 5}", "E0210 warning 5:16 `cost` is not carried out yet by this version of onex"),
        ("{max_step: 5}", "E0205 error 5:16 `budget` has no key `max_step`"),
    ];
    for (text, expected) in cases {
        assert_eq!(findings(&ruled(&format!("budget: {text}"))), [expected], "{text}");
    }
}

// ---- Total timeouts

#[test]
fn a_total_timeout_has_both_of_its_forms() {
    for (keys, expected) in [
        ("total_timeout: 90", Duration::from_secs(90)),
        ("total_timeout: 1m", Duration::from_secs(60)),
        ("total_timeout_ms: 1500", Duration::from_millis(1500)),
    ] {
        assert_eq!(first(&task(keys)).total_timeout, Some(expected), "{keys}");
        let onex = node(&format!("step_config: {{run: x}}\n{keys}"));
        assert_eq!(first(&onex).total_timeout, Some(expected), "{keys}");
    }
    assert_eq!(first(&task("timeout: 5")).total_timeout, None);
    assert_eq!(findings(&task("total_timeout: 0")), ["E0206 error 5:22 `total_timeout` cannot be `0`"]);
    assert_eq!(
        findings(&task("total_timeout: 1\ntotal_timeout_ms: 1000")),
        ["E0207 error 6:25 5:22 `total_timeout` and `total_timeout_ms` say the same thing twice"]
    );
}

// ---- Parts

#[test]
fn a_run_may_be_done_in_part_where_its_contract_says_so() {
    let partial = |text: &str| rules(text).partial;
    let least = |min_completed_percent| Some(Partial { min_completed_percent });
    assert_eq!(partial("allow_partial_completion: true"), least(0.0));
    let percent = "min_required_steps_completion_percent";
    assert_eq!(partial(&format!("allow_partial_completion: true\n{percent}: 66.5")), least(66.5));
    assert_eq!(partial(&format!("allow_partial_completion: true\n{percent}: 100")), least(100.0));
    assert_eq!(partial("allow_partial_completion: false"), None);
    // All of them is what counts without it, too.
    assert_eq!(partial(&format!("{percent}: 100")), None);
    assert_eq!(
        findings(&ruled(&format!("{percent}: 99"))),
        [format!("E0216 info 5:46 `{percent}` counts under `allow_partial_completion: true` only")]
    );
    assert_eq!(
        findings(&ruled(&format!("allow_partial_completion: true\n{percent}: 101"))),
        [format!("E0204 error 6:46 `{percent}` cannot be 101")]
    );
    assert_eq!(
        findings(&ruled(&format!("allow_partial_completion: maybe\n{percent}: -1"))),
        [
            "E0203 error 5:33 `allow_partial_completion` is `true` or `false`".to_owned(),
            format!("E0204 error 6:46 `{percent}` cannot be -1"),
        ]
    );
}

#[test]
fn who_allows_a_part_goes_on_after_a_failure() {
    assert!(rules("allow_partial_completion: true").keep_going);
    assert!(!rules("allow_partial_completion: false").keep_going);
    assert!(!rules("allow_partial_completion: true\nfail_fast: true").keep_going);
}

// ---- What programs may take

#[test]
fn constraints_bound_how_many_run_at_once_and_what_each_takes() {
    let read = |text: &str| {
        let workflow = clean(&ruled(text));
        let Some(Action::Command(command)) = &workflow.nodes[0].action else { panic!("a command") };
        (workflow.rules.max_parallel, command.resources)
    };
    let all = "resource_constraints: {max_agents: 3, max_cpu: 4 cores, max_memory: 8GB}";
    let bounds = Resources { cpus: Some(4), memory: Some(8 * KIB * KIB * KIB), processes: None };
    assert_eq!(read(all), (Some(3), bounds));
    // The smallest of all that is said counts.
    assert_eq!(read(&format!("{all}\nmax_parallel_branches: 2")).0, Some(2));
    assert_eq!(read(&format!("{all}\nmax_parallel_branches: 8")).0, Some(3));
    assert_eq!(read("resource_constraints: {max_cpu: 2}\nmax_parallel_branches: 8").0, Some(2));
    assert_eq!(read("resource_constraints: {}"), (None, Resources::default()));
    let cases = [
        ("resource_constraints: 4", "E0203 error 5:29 `resource_constraints` is a mapping"),
        ("resource_constraints: {max_agents: 0}", "E0204 error 5:42 `max_agents` cannot be 0"),
        ("resource_constraints: {max_cpu: half}", "E0204 error 5:39 `max_cpu` cannot be `half`"),
        ("resource_constraints: {max_cpu: 0 cores}", "E0204 error 5:39 `max_cpu` cannot be `0 cores`"),
        ("resource_constraints: {max_cpu: 0.5}", "E0203 error 5:39 `max_cpu` is a whole number"),
        ("resource_constraints: {max_memory: much}", "E0204 error 5:42 `max_memory` cannot be `much`"),
        (
            "resource_constraints: {max_agent: 1}",
            "E0205 error 5:30 `resource_constraints` has no key `max_agent`",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(findings(&ruled(text)), [expected], "{text}");
    }
}

#[test]
fn the_resources_of_a_node_are_read_with_their_units() {
    let read = |text: &str| command(&task(&format!("resources: {text}"))).resources;
    assert_eq!(read("{}"), Resources::default());
    let all = Resources { cpus: Some(2), memory: Some(512 * KIB * KIB), processes: Some(64) };
    for text in [
        "{cpu: 2, memory_mb: 512, pids: 64}",
        "{cpu: 2 cores, memory: 512MB, pids: 64}",
        "{cpu: 2cpus, memory: 512 MiB, pids: 64}",
        "{cpu: '2', memory_mb: 512MB, pids: 64}",
        "{cpu: 2, memory: 536870912, pids: 64}",
    ] {
        assert_eq!(read(text), all, "{text}");
    }
    assert_eq!(read("{cpu: 1 core}").cpus, Some(1));
    let cases = [
        ("4", "E0203 error 5:18 `resources` is a mapping"),
        (
            "{memory: 1GB, memory_mb: 1024}",
            "E0207 error 5:43 5:27 `memory` and `memory_mb` say the same thing twice",
        ),
        ("{memory_mb: 0}", "E0204 error 5:30 `memory_mb` cannot be 0"),
        ("{memory: 0MB}", "E0204 error 5:27 `memory` cannot be `0MB`"),
        ("{memory: lots}", "E0204 error 5:27 `memory` cannot be `lots`"),
        ("{cpu: two}", "E0204 error 5:24 `cpu` cannot be `two`"),
        ("{pids: 0}", "E0204 error 5:25 `pids` cannot be 0"),
        ("{cpus: 2}", "E0205 error 5:19 `resources` has no key `cpus`"),
    ];
    for (text, expected) in cases {
        assert_eq!(findings(&task(&format!("resources: {text}"))), [expected], "{text}");
    }
}

#[test]
fn a_node_takes_no_more_than_the_contract_lets_each_take() {
    let both = |node: &str| {
        let text = format!(
            "workflow:\n  tasks: [{{id: a, run: x, resources: {node}, fallback: {{run: y}}}}]\n  coordination: {{rules: {{resource_constraints: {{max_cpu: 2, max_memory: 1GB}}}}}}\n"
        );
        let nodes = clean(&text).nodes;
        nodes.into_iter().map(|node| {
            let Some(Action::Command(command)) = node.action else { panic!("a command") };
            command.resources
        })
    };
    let bound = Resources { cpus: Some(2), memory: Some(KIB * KIB * KIB), processes: None };
    let small = Resources { cpus: Some(1), memory: Some(KIB * KIB), processes: Some(9) };
    assert_eq!(both("{cpu: 1, memory_mb: 1, pids: 9}").collect::<Vec<_>>(), [small, bound]);
    assert_eq!(both("{cpu: 8, memory: 1TB}").collect::<Vec<_>>(), [bound, bound]);
}

// ---- Modes and error actions

#[test]
fn batch_is_parallel_one_group_after_another() {
    let mode = |mode: &str| {
        let rules = rules(&format!("execution_mode: {mode}"));
        (rules.batch, rules.parallel)
    };
    assert_eq!(mode("batch"), (true, Some(true)));
    assert_eq!(mode("BATCH"), (true, Some(true)));
    assert_eq!(mode("parallel"), (false, Some(true)));
    assert_eq!(mode("sequential"), (false, Some(false)));
    let text = ruled("execution_mode: batch\nparallel_execution_allowed: false");
    assert_eq!(findings(&text), ["E0215 warning 5:23 6:35 parallel execution is asked for and not allowed"]);
}

#[test]
fn a_node_that_asks_to_be_repeated_is_repeated_as_the_rules_say_and_then_stops_the_run() {
    let rules = "{max_retries: 4, retry_backoff_ms: 7, retry_backoff_multiplier: 3}";
    let with = |keys: &str, rules: &str| {
        format!(
            "workflow:\n  tasks: [{{id: a, run: x, error_action: retry{keys}}}, {{id: b, run: x}}]\n  coordination: {{rules: {rules}}}\n"
        )
    };
    let (workflow, found, map) = read(&with("", rules));
    let found: Vec<_> = found.iter().map(|d| show(&map, d)).collect();
    assert_eq!(found, [""; 0], "the count is used");
    let nodes = workflow.expect("no error").nodes;
    let outer = OuterRetry { max_retries: 4, delay: Duration::from_millis(7), multiplier: 3.0 };
    assert_eq!((&nodes[0].retry.outer, nodes[0].error_action), (&outer, Some(ErrorAction::Stop)));
    assert_eq!(nodes[1].retry.max_attempts(), 1, "the others did not ask");
    // Its own `retry` says how it is repeated.
    let (workflow, ..) = read(&with(", retry: {max_attempts: 2}", rules));
    assert_eq!(workflow.expect("no error").nodes[0].retry.max_attempts(), 2);
}
