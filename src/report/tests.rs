//! Formatters over runs that are made up: what they say fits and does no harm.

use chrono::{DateTime, Utc};
use serde_json::{Map, json};

use super::{FORMATTERS, LOG_NAMES, Log, Look, NodeOutput, Progress, Volume, formatter};
use crate::base::rng::Rng;
use crate::base::{CorrelationId, Mono, NodeId, RunId, text};
use crate::model::context::{ContractInfo, ExecutionContext, Format};
use crate::model::event::{AttemptFailure, AttemptFinished, EventKind, PlannedNode, RunEvent, RunStarted};
use crate::model::exit::ExitCode;
use crate::model::outcome::{AttemptClass, ErrorInfo, FailureReason, RunStatus, SkipReason};
use crate::model::output::{Captured, MemoryOutputs, NoOutputs, OutputFormat, StreamName};
use crate::model::report::{ReportFold, RunReport};

/// Text that programs and authors come up with: wide, long, hostile, empty.
fn words(rng: &mut Rng) -> String {
    const WORDS: [&str; 12] = [
        "plain",
        "日本語のテキスト",
        "👩‍👩‍👧‍👦",
        "\u{1b}[31mred",
        "\u{1b}]0;title\u{7}",
        "a\tb",
        "x\r\ny",
        "\u{202e}evil",
        "ｗｉｄｅ",
        "e\u{301}\u{301}",
        "----------------------------------------",
        "\u{0}\u{8}",
    ];
    (0..rng.below(12)).map(|_| WORDS[usize::try_from(rng.below(12)).unwrap()]).collect::<Vec<_>>().join(" ")
}

fn id(rng: &mut Rng, index: usize) -> NodeId {
    let length = usize::try_from(rng.below(120)).unwrap();
    NodeId::new(&format!("n{index}{}", "-long".repeat(30).get(..length).unwrap())).unwrap()
}

/// The events of a run as no run would be.
fn events(seed: u64) -> Vec<RunEvent> {
    let mut rng = Rng::new(seed);
    let ids: Vec<NodeId> = (0..1 + usize::try_from(rng.below(8)).unwrap()).map(|n| id(&mut rng, n)).collect();
    let plan = ids
        .iter()
        .map(|id| PlannedNode {
            node_id: id.clone(),
            kind: words(&mut rng),
            depends_on: Vec::new(),
            output: OutputFormat::Text,
            fallback: None,
            sandbox: None,
        })
        .collect();
    let mut context = ExecutionContext { jobs: 3, ..ExecutionContext::default() };
    if rng.chance(30) {
        context.inputs.insert("x".to_owned(), json!(1));
    }
    let contract = ContractInfo {
        name: words(&mut rng),
        version: None,
        path: words(&mut rng),
        digest: String::new(),
        commit: None,
    };
    let started = RunStarted {
        correlation_id: CorrelationId::from_text("c"),
        parent_run_id: None,
        contract,
        context,
        plan,
    };
    let mut kinds = vec![EventKind::RunStarted(Box::new(started))];
    for (index, node_id) in ids.iter().cloned().enumerate() {
        if rng.chance(30) {
            let reason = [
                SkipReason::DependencyFailed,
                SkipReason::Condition,
                SkipReason::Cancelled,
                SkipReason::Disabled,
            ][usize::try_from(rng.below(4)).unwrap()];
            kinds.push(EventKind::NodeSkipped { node_id, reason, culprit: Some(ids[index / 2].clone()) });
            continue;
        }
        kinds.push(EventKind::AttemptStarted { node_id: node_id.clone(), attempt: 1 });
        let failure = rng
            .chance(60)
            .then(|| AttemptFailure::new(FailureReason::ExitCode, AttemptClass::Definite, words(&mut rng)));
        let failed = failure.is_some();
        let stream = |rng: &mut Rng| {
            let lines: Vec<String> = (0..rng.below(40)).map(|_| words(rng)).collect();
            Captured::new(lines.join("\n").into_bytes(), false, &mut MemoryOutputs::default())
        };
        kinds.push(EventKind::AttemptFinished(Box::new(AttemptFinished {
            node_id: node_id.clone(),
            attempt: 1,
            failure,
            return_code: Some(1),
            signal: None,
            stdout: stream(&mut rng),
            stderr: stream(&mut rng),
            outputs: Map::new(),
            leaked: rng.chance(20),
            duration_us: 0,
            usage: None,
        })));
        kinds.push(if failed {
            let reason = if rng.chance(30) { FailureReason::Timeout } else { FailureReason::ExitCode };
            EventKind::NodeFailed {
                node_id,
                attempts: 1,
                reason,
                error: ErrorInfo::new("E", words(&mut rng)),
            }
        } else {
            EventKind::NodeCompleted { node_id, attempts: 1 + u32::try_from(rng.below(3)).unwrap() }
        });
    }
    kinds.push(EventKind::RunFinished { status: RunStatus::Failed, exit_code: ExitCode::ExecutionFailed });
    let at = |seq: usize| Mono::at(std::time::Duration::from_millis(seq as u64 * 777));
    let event = |(seq, kind)| {
        RunEvent::at_moment(
            (RunId::from_bits(u128::MAX), seq as u64),
            DateTime::<Utc>::UNIX_EPOCH,
            at(seq),
            kind,
        )
    };
    kinds.into_iter().enumerate().map(event).collect()
}

fn shown(seed: u64, format: Format, look: Look) -> (String, RunReport) {
    let mut formatter = formatter(format, look);
    let mut fold = ReportFold::new(RunId::from_bits(u128::MAX));
    let mut out = Vec::new();
    for event in events(seed) {
        if let (NodeOutput::Live, EventKind::AttemptFinished(attempt)) = (look.output, &event.kind) {
            for (stream, bytes) in
                [(StreamName::Stdout, &attempt.stdout.head), (StreamName::Stderr, &attempt.stderr.head)]
            {
                for piece in bytes.as_bytes().chunks(7) {
                    formatter.live((&attempt.node_id, stream), piece, &mut out).unwrap();
                }
            }
        }
        fold.apply(&event, &NoOutputs);
        formatter.event(&event, &fold, &mut out).unwrap();
    }
    let report = fold.into_report();
    formatter.report(&report, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), report)
}

#[test]
fn no_line_for_people_is_wider_than_it_may_be_or_touches_the_terminal() {
    for seed in 0..500 {
        let normal = Look::default();
        for look in [
            normal,
            Look { ascii: true, ..normal },
            Look { volume: Volume::Quiet, ..normal },
            Look { output: NodeOutput::All, ..normal },
            Look { output: NodeOutput::None, ..normal },
            Look { output: NodeOutput::Live, ascii: true, ..normal },
            normal.on_columns(1),
            Look { output: NodeOutput::Live, ..normal.on_columns(60) },
        ] {
            let (text, _) = shown(seed, Format::Human, look);
            for line in text.lines() {
                // The summary is as long as its numbers are, and a command is never cut.
                let most = if line.contains("rerun:") { 100 } else { look.width.max(75) };
                assert!(text::cells(line) <= most, "seed {seed}: {} cells: {line}", text::cells(line));
                assert!(!line.contains(|c: char| c.is_control() || c == '\u{202e}'), "seed {seed}: {line:?}");
                assert!(line.trim_end() == line, "seed {seed}: {line:?} ends in spaces");
            }
        }
    }
}

#[test]
fn colours_change_nothing_but_colour() {
    for seed in 0..50 {
        let look = |color| Look { color, ..Look::default() };
        let (plain, _) = shown(seed, Format::Human, look(false));
        let (colourful, _) = shown(seed, Format::Human, look(true));
        assert!(colourful.contains('\u{1b}'));
        assert_eq!(
            text::without_controls(&colourful).replace(' ', ""),
            plain.replace(' ', ""),
            "seed {seed}"
        );
    }
}

#[test]
fn documents_for_machines_say_what_the_report_says() {
    for seed in 0..100 {
        let (text, report) = shown(seed, Format::Json, Look::default());
        assert_eq!(serde_json::from_str::<RunReport>(&text).unwrap(), report, "seed {seed}");
        let (text, report) = shown(seed, Format::Yaml, Look::default());
        let mut found = Vec::new();
        let limits = crate::yaml::Limits::default();
        let tree = crate::yaml::load(&text, Default::default(), limits, &mut found).unwrap();
        assert_eq!(tree.to_json(tree.root()), serde_json::to_value(&report).unwrap(), "seed {seed}");
    }
}

#[test]
fn every_format_has_its_formatter() {
    let formats: Vec<Format> = FORMATTERS.iter().map(|(format, _)| *format).collect();
    assert_eq!(formats, [Format::Human, Format::Json, Format::Yaml]);
}

/// The events of a run of `a` and `b`, each with the milliseconds at which it happens.
fn story(kinds: Vec<(u64, EventKind)>) -> Vec<RunEvent> {
    let planned = |id: &str| PlannedNode {
        node_id: NodeId::new(id).unwrap(),
        kind: "effect".into(),
        depends_on: Vec::new(),
        output: OutputFormat::Text,
        fallback: None,
        sandbox: None,
    };
    let started = RunStarted {
        correlation_id: CorrelationId::from_text("c"),
        parent_run_id: None,
        contract: ContractInfo {
            name: "n".into(),
            version: None,
            path: "p".into(),
            digest: String::new(),
            commit: None,
        },
        context: ExecutionContext::default(),
        plan: vec![planned("a"), planned("b")],
    };
    let all = std::iter::once((0, EventKind::RunStarted(Box::new(started)))).chain(kinds);
    let event = |(seq, (at, kind))| {
        let at = Mono::at(std::time::Duration::from_millis(at));
        RunEvent::at_moment((RunId::from_bits(1), seq), DateTime::<Utc>::UNIX_EPOCH, at, kind)
    };
    (0..).zip(all).map(event).collect()
}

fn node(id: &str) -> NodeId {
    NodeId::new(id).unwrap()
}

fn attempt_starts(id: &str, attempt: u32) -> EventKind {
    EventKind::AttemptStarted { node_id: node(id), attempt }
}

fn attempt_fails(id: &str) -> EventKind {
    let failure = AttemptFailure::new(FailureReason::ExitCode, AttemptClass::Definite, "code 3");
    let print = |text: &str| Captured::new(text.into(), false, &mut MemoryOutputs::default());
    EventKind::AttemptFinished(Box::new(AttemptFinished {
        node_id: node(id),
        attempt: 1,
        failure: Some(failure),
        return_code: Some(3),
        signal: None,
        stdout: print("printed\n"),
        stderr: print("complained\n"),
        outputs: Map::new(),
        leaked: false,
        duration_us: 0,
        usage: None,
    }))
}

fn fails(id: &str) -> EventKind {
    let error = ErrorInfo::new("TaskFailedError", "code 3");
    EventKind::NodeFailed { node_id: node(id), attempts: 1, reason: FailureReason::ExitCode, error }
}

fn run_ends() -> EventKind {
    EventKind::RunFinished { status: RunStatus::Failed, exit_code: ExitCode::ExecutionFailed }
}

#[test]
fn the_output_of_nodes_is_shown_as_it_is_wanted() {
    let events =
        story(vec![(0, attempt_starts("a", 1)), (5, attempt_fails("a")), (5, fails("a")), (9, run_ends())]);
    let show = |output, live: bool| {
        let mut formatter = formatter(Format::Human, Look { output, ..Look::default() });
        let mut fold = ReportFold::new(RunId::from_bits(1));
        let mut out = Vec::new();
        for event in &events {
            if live && matches!(event.kind, EventKind::AttemptFinished(_)) {
                formatter.live((&node("a"), StreamName::Stdout), b"pri", &mut out).unwrap();
                formatter.live((&node("a"), StreamName::Stderr), b"complained\n", &mut out).unwrap();
                formatter.live((&node("a"), StreamName::Stdout), b"nted", &mut out).unwrap();
            }
            fold.apply(event, &NoOutputs);
            formatter.event(event, &fold, &mut out).unwrap();
        }
        formatter.report(fold.report(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let shown: Vec<String> =
            text.lines().filter(|l| l.contains('│')).map(|l| l.trim().to_owned()).collect();
        shown.join("/")
    };
    assert_eq!(show(NodeOutput::Failed, false), "│ complained");
    assert_eq!(show(NodeOutput::All, false), "│ printed/│ complained");
    assert_eq!(show(NodeOutput::None, false), "");
    // Where nothing came, the end of it is shown; what was shown is not repeated.
    assert_eq!(show(NodeOutput::Live, false), "│ complained");
    assert_eq!(show(NodeOutput::Live, true), "a │ complained/a │ printed");
}

#[test]
fn the_summary_names_the_nodes_that_the_time_went_to() {
    let completes = |id| EventKind::NodeCompleted { node_id: node(id), attempts: 1 };
    let summary = |a_ms: u64, b_ms: u64| {
        let mut formatter = formatter(Format::Human, Look::default());
        let mut fold = ReportFold::new(RunId::from_bits(1));
        for event in story(vec![
            (0, attempt_starts("a", 1)),
            (a_ms, completes("a")),
            (a_ms, attempt_starts("b", 1)),
            (a_ms + b_ms, completes("b")),
            (a_ms + b_ms, run_ends()),
        ]) {
            fold.apply(&event, &NoOutputs);
        }
        let mut out = Vec::new();
        formatter.report(fold.report(), &mut out).unwrap();
        String::from_utf8(out)
            .unwrap()
            .lines()
            .find_map(|l| l.trim().strip_prefix("slow: ").map(str::to_owned))
    };
    assert_eq!(summary(9_000, 9_000), None);
    assert_eq!(summary(12_000, 70_000).as_deref(), Some("b 1m10s"));
    assert_eq!(summary(12_000, 13_000).as_deref(), Some("b 13.0s, a 12.0s"));
}

#[test]
fn slow_nodes_are_marked_while_they_run_and_listed_at_the_end() {
    let seconds = std::time::Duration::from_secs;
    let slow = |id| EventKind::NodeSlow { node_id: node(id), attempt: 1, after_ms: 60_000 };
    let completes = |id| EventKind::NodeCompleted { node_id: node(id), attempts: 1 };
    let mut progress = Progress::new(Look::default());
    let mut fold = ReportFold::new(RunId::from_bits(1));
    let mut plain = Vec::new();
    let mut blocks = Vec::new();
    let events = story(vec![
        (0, attempt_starts("a", 1)),
        (0, attempt_starts("b", 1)),
        (60_000, slow("a")),
        (60_000, slow("b")),
        (61_000, completes("a")),
        (75_000, completes("b")),
        (75_000, run_ends()),
    ]);
    for event in &events {
        let now = std::time::Duration::from_millis(event.elapsed_ms);
        fold.apply(event, &NoOutputs);
        progress.event(event, &fold, now);
        plain.extend(progress.plain(event, &fold));
        blocks.push(progress.block(now, (80, 24)).join("/"));
    }
    assert_eq!(blocks[2], "[0/2] 2 running · 0.0s/  a 0.0s/  b 0.0s");
    assert_eq!(blocks[3], "[0/2] 2 running · 1m00s/  a 1m00s slow/  b 1m00s");
    assert_eq!(plain[2], "a is slow: it has been running for 1m00s");
    let mut progress = Progress::new(Look::default());
    for event in &events[..4] {
        progress.event(event, &fold, seconds(0));
    }
    assert_eq!(
        progress.sign_of_life(seconds(61)),
        "… 2/2 done, 2 running (a 61s, slow)".replace("61s", "1m01s")
    );
    let report = fold.report();
    assert!(report.results.iter().all(|result| result.slow));
    let mut formatter = formatter(Format::Human, Look::default());
    let mut out = Vec::new();
    formatter.report(report, &mut out).unwrap();
    let told = String::from_utf8(out).unwrap();
    assert!(told.contains("   slowest:\n     b  1m15s\n     a  1m01s\n"), "{told}");
    assert!(!told.contains("slow: "), "{told}");
}

#[test]
fn a_block_tells_how_far_a_run_is_and_fits() {
    let seconds = std::time::Duration::from_secs;
    let mut progress = Progress::new(Look::default());
    let mut fold = ReportFold::new(RunId::from_bits(1));
    let mut plain = Vec::new();
    let retry = EventKind::RetryScheduled { node_id: node("b"), attempt: 2, delay_ms: 5000 };
    let events = story(vec![
        (0, attempt_starts("a", 1)),
        (0, attempt_starts("b", 1)),
        (1, attempt_fails("b")),
        (1, retry),
        (2, fails("a")),
    ]);
    let mut blocks = Vec::new();
    for (at, event) in events.iter().enumerate() {
        fold.apply(event, &NoOutputs);
        progress.event(event, &fold, seconds(at as u64));
        plain.extend(progress.plain(event, &fold));
        blocks.push(progress.block(seconds(at as u64 + 1), (80, 24)).join("/"));
    }
    assert_eq!(blocks[1], "[0/2] 1 running · 2.0s/  a 1.0s");
    assert_eq!(blocks[4], "[0/2] 1 running · 5.0s/  a 4.0s/  b retry in 4.0s");
    assert_eq!(blocks[5], "[1/2] 0 running · 1 failed · 6.0s/  b retry in 3.0s");
    assert_eq!(plain, ["a started", "b started", "[1/2] ❌ a failed after 0.00s"]);
    assert_eq!(progress.sign_of_life(seconds(90)), "… 1/2 done, 0 running");

    for seed in 0..100 {
        let mut progress = Progress::new(Look { ascii: seed % 2 == 0, ..Look::default() });
        let mut fold = ReportFold::new(RunId::from_bits(u128::MAX));
        for (at, event) in events_of_many(seed).iter().enumerate() {
            fold.apply(event, &NoOutputs);
            progress.event(event, &fold, seconds(at as u64));
            for (columns, rows) in [(1, 1), (4, 2), (20, 3), (20, 8), (80, 24), (300, 100)] {
                let block = progress.block(seconds(at as u64 * 2), (columns, rows));
                assert!(
                    !block.is_empty() && block.len() < rows.max(2) && block.len() <= 9,
                    "seed {seed}: {block:?}"
                );
                let most = if columns < 5 { 4 } else { columns - 1 };
                assert!(
                    block.iter().all(|line| text::cells(line) <= most),
                    "seed {seed}, {columns}: {block:?}"
                );
            }
        }
        // After the end there is nothing left to wait for.
        assert_eq!(progress.block(seconds(1), (80, 24)).len(), 1, "seed {seed}");
    }
}

/// The events of [`events`], with the attempts of all nodes under way at once.
fn events_of_many(seed: u64) -> Vec<RunEvent> {
    let mut all = events(seed);
    let last = all.len() - 1;
    all[1..last].sort_by_key(|event| !matches!(event.kind, EventKind::AttemptStarted { .. }));
    all
}

#[test]
fn a_long_silence_names_the_node_that_runs_longest() {
    let mut progress = Progress::new(Look { ascii: true, ..Look::default() });
    let mut fold = ReportFold::new(RunId::from_bits(1));
    for event in story(vec![(0, attempt_starts("a", 1)), (0, attempt_starts("b", 1))]) {
        fold.apply(&event, &NoOutputs);
        progress.event(&event, &fold, std::time::Duration::from_secs(event.seq));
    }
    let at = |secs| progress.sign_of_life(std::time::Duration::from_secs(secs));
    assert_eq!(at(32), "... 0/2 done, 2 running (a 31s)");
    assert_eq!(at(601), "... 0/2 done, 2 running (a 10m00s)");
}

#[test]
fn records_of_the_log_have_one_form_and_known_names() {
    for seed in 0..200 {
        let mut log = Log::default();
        let mut fold = ReportFold::new(RunId::from_bits(u128::MAX));
        let mut out = Vec::new();
        let mut records = 0;
        for event in events(seed) {
            fold.apply(&event, &NoOutputs);
            records += log.event(&event, &fold, &mut out).unwrap();
        }
        let lines: Vec<serde_json::Value> =
            String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), records);
        let count = |name: &str, of_node: bool| {
            lines.iter().filter(|l| l["event"] == name && l.get("node_id").is_some() == of_node).count()
        };
        for line in &lines {
            let keys: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(keys[..5], ["time", "level", "event", "correlation_id", "run_id"], "{line}");
            assert!(
                LOG_NAMES.contains(&line["event"].as_str().unwrap()) && line["message"].is_string(),
                "{line}"
            );
            assert_eq!(line["correlation_id"], "c");
        }
        let summary = fold.report().summary;
        assert_eq!((count("execution_start", false), count("execution_end", false)), (1, 1));
        assert_eq!(count("execution_end", true) as u64, summary.total, "seed {seed}");
        assert_eq!(count("error", true) as u64, summary.failed, "seed {seed}");
        assert_eq!(count("resource_usage", false), 1);
        assert_eq!(lines.last().unwrap()["event"], "execution_end");
    }
}
