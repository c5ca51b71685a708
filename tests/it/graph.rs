//! `onex graph`: drawings in four forms, each with every node once and every edge.
//!
//! `ONEX_GENERATE=1` writes the drawings of the examples in `tests/golden/graph` anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use onex::base::NodeId;
use onex::base::rng::Rng;
use onex::diag::Span;
use onex::model::workflow::{
    Action, CommandSpec, Dependency, EdgeCondition, NodeSpec, ProgramSpec, Workflow,
};
use onex::plan::{Plan, graph};
use onex::report::Look;
use onex::report::graph::{Form, render};

use crate::support::{Ended, Folder};

const FORMS: [(&str, &str); 4] = [("ascii", "txt"), ("dot", "dot"), ("mermaid", "mmd"), ("svg", "svg")];

#[test]
fn the_examples_are_drawn_as_they_always_were() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let golden = root.join("tests/golden/graph");
    let generate = std::env::var_os("ONEX_GENERATE").is_some();
    let mut differing = Vec::new();
    for example in ["flaky", "pipeline", "registration"] {
        let contract = root.join("examples").join(example).join("contract.yaml");
        for (form, ending) in FORMS {
            let ended = Folder::new().onex(&["graph", contract.to_str().unwrap(), "--as", form]);
            assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{example} as {form}");
            let file = golden.join(format!("{example}.{ending}"));
            if generate {
                fs::create_dir_all(&golden).unwrap();
                fs::write(&file, &ended.stdout).unwrap();
            } else if fs::read_to_string(&file).ok().as_ref() != Some(&ended.stdout) {
                differing.push(format!(
                    "`ONEX_GENERATE=1` writes {} anew:\n{}",
                    file.display(),
                    ended.stdout
                ));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

// ---- Random graphs

/// An edge as `from>to`, by the numbers of nodes.
type Edges = BTreeSet<(usize, usize)>;

fn below(rng: &mut Rng, bound: usize) -> usize {
    usize::try_from(rng.below(bound as u64)).expect("below a usize")
}

/// The node `n0`, `n1` …, which runs a program.
fn bound(index: usize) -> NodeSpec {
    NodeSpec {
        action: Some(Action::Command(CommandSpec::new(ProgramSpec::Argv(vec!["true".to_owned()])))),
        action_key: Some("run"),
        ..NodeSpec::new(NodeId::new(&format!("n{index}")).unwrap())
    }
}

/// A random graph of nodes `n0`, `n1` …, declared in any order.
fn random(seed: u64, on: fn(&mut Rng) -> EdgeCondition) -> (Plan, Edges) {
    let mut rng = Rng::new(seed);
    let count = 1 + below(&mut rng, 40);
    let density = rng.below(40);
    let mut rank: Vec<usize> = (0..count).collect();
    for at in (1..count).rev() {
        rank.swap(at, below(&mut rng, at + 1));
    }
    let mut edges = Edges::new();
    let nodes = (0..count).map(|index| {
        let waits = (0..count).filter(|&other| rank[other] < rank[index] && rng.chance(density));
        let waits: Vec<usize> = waits.collect();
        edges.extend(waits.iter().map(|&other| (other, index)));
        let depends_on =
            waits.iter().map(|&node| Dependency { node, on: on(&mut rng), span: Span::default() });
        NodeSpec { depends_on: depends_on.collect(), ..bound(index) }
    });
    let workflow = Workflow { name: "random".to_owned(), nodes: nodes.collect(), ..Workflow::default() };
    (Plan::new(Arc::new(workflow)).expect("no circles"), edges)
}

fn drawn(form: Form, look: Look, plan: &Plan) -> String {
    let mut out = Vec::new();
    render(form, look, &graph(plan), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn number(id: &str) -> usize {
    id.trim_matches('"').strip_prefix('n').and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{id}"))
}

/// The edges that a reader of lanes sees, the nodes from top to bottom, and how many edges are only counted.
fn read_lanes(drawing: &str) -> (Edges, Vec<usize>, usize) {
    let (mut edges, mut nodes, mut counted) = (Edges::new(), Vec::new(), 0);
    let mut lanes: BTreeMap<usize, usize> = BTreeMap::new();
    for line in drawing.lines().skip(1) {
        let Some((cells, words)) =
            line.split_once(" n").filter(|(_, words)| words.starts_with(|c: char| c.is_ascii_digit()))
        else {
            continue;
        };
        let (id, said) = words.split_once("  ").unwrap_or((words, ""));
        let node: usize = id.parse().unwrap();
        nodes.push(node);
        let mut opened = None;
        for (column, cell) in cells.chars().step_by(2).enumerate() {
            let lane = lanes.get(&column).copied();
            match cell {
                '│' | '|' => assert!(lane.is_some(), "a lane of nobody in {line}\n{drawing}"),
                '├' | '┤' | '┼' | '+' => _ = edges.insert((lane.expect("a lane"), node)),
                '╰' | '╯' | '┴' | '\'' => {
                    edges.insert((lanes.remove(&column).expect("a lane"), node));
                }
                '●' | '○' | '◇' | '*' | 'o' | '@' => {
                    edges.extend(lanes.remove(&column).map(|from| (from, node)));
                    opened = matches!(cell, '●' | '*').then_some(column);
                }
                ' ' | '─' | '-' => {
                    assert!(lane.is_none(), "the lane of {lane:?} is lost in {line}\n{drawing}")
                }
                other => panic!("{other} in {line}"),
            }
        }
        lanes.extend(opened.map(|column| (column, node)));
        let Some(after) = said.strip_prefix("after ") else { continue };
        let (named, more) = match after.strip_suffix(" more") {
            Some(rest) => match rest.split_once(" and ") {
                Some((named, more)) => (named, more.parse().unwrap()),
                None => ("", rest.parse().unwrap()),
            },
            None => (after, 0),
        };
        counted += more;
        edges.extend(named.split(", ").filter(|name| !name.is_empty()).map(|name| (number(name), node)));
    }
    assert!(lanes.is_empty(), "open lanes: {lanes:?}\n{drawing}");
    (edges, nodes, counted)
}

#[test]
fn lanes_show_every_node_after_all_that_it_waits_for_and_every_edge() {
    for seed in 0..400 {
        let (plan, edges) = random(seed, |_| EdgeCondition::Success);
        let look = Look { ascii: seed % 2 == 0, ..Look::default() };
        let drawing = drawn(Form::Ascii, look, &plan);
        let (read, nodes, counted) = read_lanes(&drawing);
        assert_eq!((&read, counted), (&edges, 0), "seed {seed}:\n{drawing}");
        let place: BTreeMap<usize, usize> = nodes.iter().enumerate().map(|(at, &node)| (node, at)).collect();
        assert_eq!((place.len(), nodes.len()), (plan.len(), plan.len()), "seed {seed}: once each");
        assert!(edges.iter().all(|(from, to)| place[from] < place[to]), "seed {seed}:\n{drawing}");
    }
}

#[test]
fn where_there_is_no_room_for_lanes_edges_are_named_or_counted() {
    let (mut named, mut counted_at_all) = (false, 0);
    for seed in 0..200 {
        let (plan, edges) = random(seed, |_| EdgeCondition::Success);
        let look = Look { width: 40, ..Look::default() };
        let drawing = drawn(Form::Ascii, look, &plan);
        let (read, nodes, counted) = read_lanes(&drawing);
        assert!(read.is_subset(&edges), "seed {seed}:\n{drawing}");
        assert_eq!((read.len() + counted, nodes.len()), (edges.len(), plan.len()), "seed {seed}:\n{drawing}");
        assert!(drawing.lines().all(|line| line.chars().count() <= 40), "seed {seed}:\n{drawing}");
        named |= drawing.contains("no room for");
        counted_at_all += counted;
    }
    assert!(named && counted_at_all > 0, "some graphs are too wide");
}

fn any_end(rng: &mut Rng) -> EdgeCondition {
    [EdgeCondition::Success, EdgeCondition::Failure, EdgeCondition::Finished][below(rng, 3)]
}

/// What edges ask for, by the word that drawings use.
fn conditions(plan: &Plan) -> BTreeMap<(usize, usize), &'static str> {
    let all = (0..plan.len()).flat_map(|to| plan.node(to).depends_on.iter().map(move |d| (to, d)));
    all.map(|(to, edge)| {
        let word = match edge.on {
            EdgeCondition::Failure => "failure",
            EdgeCondition::Finished => "finished",
            EdgeCondition::Success | EdgeCondition::Fallback => "",
        };
        ((edge.node, to), word)
    })
    .collect()
}

#[test]
fn dot_and_mermaid_have_every_node_and_every_edge_with_what_it_asks_for() {
    for seed in 0..100 {
        let (plan, _) = random(seed, any_end);
        let dot = drawn(Form::Dot, Look::default(), &plan);
        let lines = || dot.lines().skip(3).filter(|line| line.starts_with("  "));
        let edges: BTreeMap<_, _> = lines()
            .filter_map(|line| {
                let (from, to) = line.trim().trim_end_matches(';').split_once(" -> ")?;
                let (to, style) = to.split_once(" [label=").unwrap_or((to, ""));
                Some(((number(from), number(to)), style.split([',', ']']).next().unwrap()))
            })
            .collect();
        assert_eq!(edges, conditions(&plan), "seed {seed}:\n{dot}");
        let nodes: BTreeSet<usize> = lines()
            .filter(|line| !line.contains(" -> "))
            .map(|line| number(line.trim().split(' ').next().unwrap()))
            .collect();
        assert_eq!(nodes, (0..plan.len()).collect(), "seed {seed}:\n{dot}");

        let mermaid = drawn(Form::Mermaid, Look::default(), &plan);
        let mut ids = BTreeMap::new();
        let mut edges = BTreeMap::new();
        for line in mermaid.lines().skip(4).map(str::trim).filter(|line| !line.starts_with("classDef")) {
            if let Some((id, label)) = line.split_once("[\"") {
                ids.insert(id.to_owned(), number(label.split(['"', '<']).next().unwrap()));
                continue;
            }
            let words: Vec<&str> = line.split(' ').collect();
            let [from, arrow, to] = words[..] else { panic!("{line}") };
            edges.insert((ids[from], ids[to]), arrow.split('|').nth(1).unwrap_or(""));
        }
        assert_eq!((edges, ids.len()), (conditions(&plan), plan.len()), "seed {seed}:\n{mermaid}");
    }
}

/// What Python's XML reader sees of a picture: its title, the ids in its boxes, and its edges.
fn read_svg(svg: &str) -> Vec<String> {
    const READER: &str = "
import sys, xml.etree.ElementTree as E
s = '{http://www.w3.org/2000/svg}'
root = E.fromstring(sys.stdin.buffer.read())
width, height = float(root.get('width')), float(root.get('height'))
print(root.find(s + 'title').text)
boxes = []
for e in root.iter():
    assert e.tag in [s + t for t in 'svg title desc style defs marker path rect text tspan g'.split()], e.tag
    assert not [a for a in e.attrib if a.startswith('on') or 'href' in a], e.attrib
    if e.tag == s + 'g' and e.get('class'):
        r = e.find(s + 'rect')
        x, y, w, h = (float(r.get(k)) for k in ('x', 'y', 'width', 'height'))
        assert 0 <= x and x + w <= width and 0 <= y and y + h <= height, (x, y, w, h, width, height)
        boxes.append((x, y, w, h))
        print('node', e.get('class'), e.find(s + 'text').text)
    elif e.tag == s + 'path' and e.find(s + 'title') is not None:
        print('edge', e.get('class'), e.find(s + 'title').text)
boxes.sort(key=lambda b: (b[1], b[0]))
for a, b in zip(boxes, boxes[1:]):
    assert a[1] + a[3] <= b[1] or a[0] + a[2] <= b[0] or b[0] + b[2] <= a[0], (a, b)
";
    let mut reader = Command::new("python3");
    reader.args(["-c", READER]).env("PYTHONIOENCODING", "utf-8");
    let mut reader =
        reader.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut reader.stdin.take().unwrap(), svg.as_bytes()).unwrap();
    let ended = Ended::of(&reader.wait_with_output().unwrap());
    assert_eq!(ended.code, 0, "{}\n{svg}", ended.stderr);
    ended.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn a_picture_is_valid_and_shows_every_node_and_every_edge() {
    for seed in 0..25 {
        let (plan, _) = random(seed, any_end);
        let read = read_svg(&drawn(Form::Svg, Look::default(), &plan));
        let nodes: BTreeSet<usize> =
            read.iter().filter_map(|line| line.strip_prefix("node node ")).map(number).collect();
        assert_eq!(nodes, (0..plan.len()).collect(), "seed {seed}");
        let edges: BTreeMap<_, _> = read
            .iter()
            .filter_map(|line| {
                let (from, to) = line.strip_prefix("edge edge ")?.split_once(" → ")?;
                let (class, from) = from.rsplit_once(' ').unwrap_or(("", from));
                Some(((number(from), number(to.split(' ').next()?)), class))
            })
            .collect();
        assert_eq!(edges, conditions(&plan), "seed {seed}");
    }
}

// ---- What contracts can do to a drawing

const SITE: &str = "workflow:
  name: \"<site> & \\\"co\\\" \\u001b[2J #1\"
  tasks:
    - {id: end, run: x, depends_on: [graph]}
    - {id: graph, run: x, depends_on: [middle], fallback: subgraph}
    - {id: subgraph, run: x}
    - {id: middle, run: x, depends_on: [first], enabled: false}
    - {id: first, run: x}
    - {id: idea, depends_on: [{node: first, on: failure}]}
  coordination: {rules: {fail_fast: false}}
";

#[test]
fn names_mean_nothing_to_the_languages_that_they_stand_in() {
    let folder = Folder::with(SITE);
    let drawn = |form: &str| folder.onex(&["graph", "contract.yaml", "--as", form]).stdout;
    assert!(drawn("dot").starts_with("digraph \"<site> & \\\"co\\\"  #1\" {\n"), "{}", drawn("dot"));
    assert!(drawn("mermaid").starts_with("---\ntitle: \"<site> & \\\"co\\\"  #1\"\n---\nflowchart TD\n"));
    assert!(drawn("mermaid").contains("[\"end\"]\n"), "a word of the language is no id");
    let read = read_svg(&drawn("svg"));
    assert_eq!(read[0], "<site> & \"co\"  #1");
    for line in [
        "node node skipped middle",
        "node node unbound idea",
        "edge edge fallback graph → subgraph (fallback)",
    ] {
        assert!(read.iter().any(|read| read == line), "{line}: {read:?}");
    }
    assert_eq!(
        drawn("ascii"),
        "graph <site> & \"co\"  #1 · 6 nodes · 5 edges
● first
├─● middle  skipped: disabled
│ ● graph
│ ├─○ subgraph  fallback of graph
│ ○ end
○ idea  no action; failure of first
○ nothing waits for it
"
    );
}

#[test]
fn a_selection_narrows_the_drawing_and_keeps_what_lies_between() {
    let folder = Folder::with(SITE);
    let nodes = |arguments: &[&str]| {
        let mut all = vec!["graph", "contract.yaml", "--as", "mermaid"];
        all.extend(arguments);
        let ended = folder.onex(&all);
        assert_eq!(ended.code, 0, "{ended:?}");
        let lines = ended.stdout.lines().filter_map(|line| line.split_once("[\"")?.1.split_once("\"]"));
        lines.map(|(label, class)| format!("{label}{class}")).collect::<Vec<_>>()
    };
    assert_eq!(nodes(&["--until", "middle"]), ["first", "middle<br/>skipped: disabled:::skipped"]);
    assert_eq!(
        nodes(&["--only", "first,end"]),
        [
            "first",
            "middle<br/>skipped: not_selected:::skipped",
            "graph<br/>skipped: not_selected:::skipped",
            "end"
        ]
    );
}

#[test]
fn what_cannot_be_planned_is_not_drawn() {
    let folder = Folder::with(
        "workflow: {tasks: [{id: a, run: x, depends_on: [b]}, {id: b, run: x, depends_on: [a]}]}",
    );
    let said = |arguments: &[&str]| {
        let mut all = vec!["graph"];
        all.extend(arguments);
        let ended = folder.onex(&all);
        assert_eq!(ended.stdout, "", "{arguments:?}");
        (ended.code, ended.stderr)
    };
    let (code, stderr) = said(&["contract.yaml", "--as", "svg"]);
    assert!(code == 2 && stderr.starts_with("error[E0303]"), "{stderr}");
    assert_eq!(said(&["nothing"]).0, 3);
    folder.write("contract.yaml", SITE);
    let (code, stderr) = said(&["contract.yaml", "--only", "frst"]);
    assert!(code == 2 && stderr.contains("did you mean `first`?"), "{stderr}");
    let (code, stderr) = said(&["contract.yaml", "--as", "svgg"]);
    assert!(code == 2 && stderr.contains("svg"), "{stderr}");
    let (code, stderr) = said(&["contract.yaml", "--format", "human"]);
    assert!(code == 2 && stderr.contains("`--as` says the form"), "{stderr}");
}

#[test]
fn a_contract_without_nodes_is_an_empty_drawing() {
    let folder = Folder::with("workflow: {name: none, tasks: []}");
    for (form, _) in FORMS {
        let ended = folder.onex(&["graph", "contract.yaml", "--as", form]);
        assert_eq!(ended.code, 0, "{ended:?}");
        if form == "svg" {
            assert_eq!(read_svg(&ended.stdout), ["none"]);
        }
    }
}

#[test]
fn edges_over_many_layers_do_not_cost_their_product() {
    const MANY: usize = 5_000;
    // A chain, and from each of its nodes an edge to the last: as many crossings of layers as half the square.
    let wait = |node| Dependency { node, on: EdgeCondition::Success, span: Span::default() };
    let nodes = (0..MANY).map(|index| {
        let depends_on = match index {
            0 => Vec::new(),
            _ if index + 1 == MANY => (0..index).map(wait).collect(),
            _ => vec![wait(index - 1)],
        };
        NodeSpec { depends_on, ..bound(index) }
    });
    let workflow = Workflow { name: "long".to_owned(), nodes: nodes.collect(), ..Workflow::default() };
    let plan = Plan::new(Arc::new(workflow)).unwrap();
    let svg = drawn(Form::Svg, Look::default(), &plan);
    assert_eq!(svg.matches("marker-end=").count(), 2 * MANY - 3);
    assert!(svg.len() < MANY * 3_000, "{} bytes", svg.len());
    let lanes = drawn(Form::Ascii, Look::default(), &plan);
    assert!(lanes.lines().all(|line| line.chars().count() <= 100));
    assert_eq!(
        lanes.lines().filter(|line| line.contains(" n")).count(),
        MANY + 3,
        "with the heading and two legends"
    );
}
