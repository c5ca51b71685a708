//! What holds for every text, whoever wrote it. Ordinary tests and the fuzz targets in `fuzz/` check the same.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use onex::app::Environment;
use onex::app::contract::load;
use onex::contract::parse;
use onex::diag::{Diagnostic, Severity, SourceMap, Span};
use onex::plan::Plan;
use onex::report::{Look, diagnostics};
use onex::yaml::{self, Limits, NodeRef, Shape, Tree};

/// The most that fifty findings with all their places take.
const MAX_RENDERED: usize = 4 << 20;

/// A text is read, planned and shown.
pub fn contract(text: &str) {
    let mut sources = SourceMap::default();
    let id = sources.add("contract.yaml", text);
    let parsed = parse(id, text);
    let mut found = parsed.diagnostics;
    let is_error = |d: &Diagnostic| d.severity == Severity::Error;
    assert!(parsed.workflow.is_none() || !found.iter().any(is_error), "an error leaves no workflow");
    assert!(parsed.draft.is_none() || found.iter().any(is_error), "a draft has its reason");
    if let Some(workflow) = parsed.workflow.or(parsed.draft) {
        match Plan::new(Arc::new(workflow)) {
            Ok(plan) => {
                found.extend(plan.unbound(Severity::Warning));
                found.extend(
                    [plan.stopped_first(), plan.never_run(), plan.outlasting_retries(), plan.remarks()]
                        .concat(),
                );
            }
            Err(circles) => {
                assert!(!circles.is_empty(), "what cannot be planned has a reason");
                found.extend(circles);
            }
        }
    }
    shown(&sources, &found);
}

/// Some files that include each other, of which `contract.yaml` is the outermost.
pub fn include(folder: &Path) {
    let environment = Environment { directory: folder.to_path_buf(), ..Environment::default() };
    let loaded = load(Path::new("contract.yaml"), &environment, Some(folder));
    assert!(loaded.plan.is_some() || loaded.diagnostics.iter().any(|d| d.severity == Severity::Error));
    shown(&loaded.sources, &loaded.diagnostics);
}

/// Findings have a place in their text, and can be shown in every way.
fn shown(sources: &SourceMap, found: &[Diagnostic]) {
    for finding in found {
        assert!(!finding.message.is_empty(), "{finding:?}");
        let fix = finding.fix.iter().map(|fix| fix.span);
        finding
            .labels
            .iter()
            .map(|label| label.span)
            .chain(fix)
            .for_each(|span| placed(sources, span, finding));
        let info = serde_json::to_string(&diagnostics::to_info(sources, finding)).unwrap();
        assert!(info.len() < MAX_RENDERED, "{}", info.len());
    }
    for (color, ascii, width) in [(false, false, 100), (true, true, 40)] {
        let mut out = Vec::new();
        diagnostics::render(Look { color, ascii, width, ..Look::default() }, sources, found, &mut out)
            .unwrap();
        assert!(out.len() < MAX_RENDERED, "{}", out.len());
        let out = String::from_utf8(out).unwrap();
        let raw = |c: char| c.is_control() && c != '\n' && !(color && c == '\u{1b}');
        assert!(!out.contains(raw), "{out:?}");
        assert!(!out.contains(|c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')), "{out:?}");
        // The only sequences are colours, and they are ours.
        assert!(out.split('\u{1b}').skip(1).all(|rest| rest.starts_with('[')), "{out:?}");
    }
}

fn placed(sources: &SourceMap, span: Span, finding: &Diagnostic) {
    let text = sources.text(span.source);
    assert!(
        text.get(span.start as usize..span.end as usize).is_some(),
        "{finding:?} in {} bytes",
        text.len()
    );
    for byte in [span.start, span.end] {
        let at = sources.position(span.source, byte);
        let line = text.split('\n').nth(at.line as usize - 1).unwrap();
        assert!((1..=line.chars().count() + 1).contains(&(at.column as usize)), "{at:?} of {finding:?}");
    }
}

/// The fast reader and the reader of all of YAML read the same tree, or refuse for the same reason. A byte order mark
/// means nothing, and is not for the fast one.
pub fn yaml(text: &str) {
    let marked = format!("\u{feff}{text}");
    let limits = Limits { nodes: 100_000, ..Limits::default() };
    let read = |text| {
        let mut found = Vec::new();
        let tree = yaml::load(text, Default::default(), limits, &mut found);
        (tree, found)
    };
    let ((fast, found), (other, others)) = (read(text), read(marked.as_str()));
    let codes = |found: &[Diagnostic]| found.iter().map(|d| d.code).collect::<Vec<_>>();
    assert_eq!(codes(&found), codes(&others), "{text:?}");
    match (fast, other) {
        (Ok(fast), Ok(other)) => same(&fast, &other, text),
        (fast, other) => assert_eq!(fast.err().map(|d| d.code), other.err().map(|d| d.code), "{text:?}"),
    }
}

fn same(fast: &Tree<'_>, other: &Tree<'_>, text: &str) {
    let mark = '\u{feff}'.len_utf8();
    let mut seen: HashSet<(NodeRef, NodeRef)> = HashSet::new();
    let mut open = vec![(fast.root(), other.root())];
    while let Some((a, b)) = open.pop() {
        if !seen.insert((a, b)) {
            continue;
        }
        let (at, there) = (fast.span(a), other.span(b));
        // The root of a text that holds nothing stands at its beginning, before the mark or after it.
        let shifted = |at: u32, there: u32| at as usize + mark == there as usize || (at == 0 && there == 0);
        assert!(shifted(at.start, there.start) && shifted(at.end, there.end), "{at:?} {there:?} {text:?}");
        assert_eq!(fast.scalar(a), other.scalar(b), "{text:?}");
        match (fast.shape(a), other.shape(b)) {
            (Shape::Sequence(a), Shape::Sequence(b)) => {
                assert_eq!(a.len(), b.len(), "{text:?}");
                open.extend(a.iter().copied().zip(b.iter().copied()));
            }
            (Shape::Mapping(a), Shape::Mapping(b)) => {
                assert_eq!(a.len(), b.len(), "{text:?}");
                open.extend(a.iter().zip(b).flat_map(|(a, b)| [(a.key, b.key), (a.value, b.value)]));
            }
            (Shape::Float(a), Shape::Float(b)) if a.is_nan() && b.is_nan() => {}
            (a, b) => assert_eq!(a, b, "{text:?}"),
        }
    }
}
