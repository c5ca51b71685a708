//! Formatters over runs that are made up: what they say fits and does no harm.

use chrono::{DateTime, Utc};
use serde_json::{Map, json};

use super::{FORMATTERS, Look, Volume, formatter};
use crate::base::rng::Rng;
use crate::base::{CorrelationId, Mono, NodeId, RunId, text};
use crate::model::context::{ContractInfo, ExecutionContext, Format};
use crate::model::event::{AttemptFailure, AttemptFinished, EventKind, PlannedNode, RunEvent, RunStarted};
use crate::model::exit::ExitCode;
use crate::model::outcome::{AttemptClass, ErrorInfo, FailureReason, RunStatus, SkipReason};
use crate::model::output::{Captured, MemoryOutputs, NoOutputs, OutputFormat};
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
        })
        .collect();
    let mut context = ExecutionContext { jobs: 3, ..ExecutionContext::default() };
    if rng.chance(30) {
        context.inputs.insert("x".to_owned(), json!(1));
    }
    let contract =
        ContractInfo { name: words(&mut rng), version: None, path: words(&mut rng), digest: String::new() };
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
        let failure = rng.chance(60).then(|| AttemptFailure {
            reason: FailureReason::ExitCode,
            class: AttemptClass::Definite,
            message: words(&mut rng),
        });
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
        for (ascii, volume) in [(false, Volume::Normal), (true, Volume::Normal), (false, Volume::Quiet)] {
            let (text, _) =
                shown(seed, Format::Human, Look { color: false, ascii, volume, ..Look::default() });
            for line in text.lines() {
                assert!(text::cells(line) <= 100, "seed {seed}: {} cells: {line}", text::cells(line));
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
