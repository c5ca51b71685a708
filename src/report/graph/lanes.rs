//! A graph for a terminal: one node a line, each after all that it waits for, and beside them a lane for each node that
//! others still wait for. Grows with the nodes in height, and with what is open at once in width.

use std::io::{self, Write};

use super::{condition, remark};
use crate::base::text;
use crate::model::graph_view::{GraphEdge, GraphView};
use crate::model::plan_view::PlanStatus;
use crate::report::look::Look;

/// The widest id that lanes make room for.
const MOST_ID: usize = 32;

/// The fewest lanes: where there is no room for these, lines are cut.
const LEAST_LANES: usize = 4;

/// The fewest cells of an id.
const LEAST_ID: usize = 8;

/// The cells beside an id that no lane takes: `after 100 more`.
const REMARK: usize = 14;

pub(super) fn render(look: Look, graph: &GraphView, out: &mut dyn Write) -> io::Result<()> {
    let dot = look.or_ascii("·", "-");
    let name = text::without_controls(&graph.name).replace('\n', " ");
    let nodes = text::count(graph.nodes.len(), "node");
    let edges = text::count(graph.edges.len(), "edge");
    let rest = format!(" {dot} {nodes} {dot} {edges}");
    let name = look.clip(&name, look.width.saturating_sub(text::cells(&rest) + "graph ".len()));
    writeln!(out, "{} {}{rest}", look.dim("graph"), look.bold(&name))?;

    let ids = graph.nodes.iter().map(|node| text::cells(node.node_id.as_str())).max().unwrap_or(0);
    let room = look.width.saturating_sub(ids.min(MOST_ID) + 4 + REMARK) / 2;
    let mut lanes = Lanes::new(graph, room.max(LEAST_LANES));
    for node in depth_first(graph) {
        let row = lanes.take(node);
        line(look, (graph, &lanes.starts), (node, &row), out)?;
    }
    let legend = [
        (lanes.drew_last, format!("{} nothing waits for it", look.or_ascii("○", "o"))),
        (
            lanes.drew_off,
            format!("{} no room for its lane: who waits for it names it", look.or_ascii("◇", "@")),
        ),
    ];
    for (_, words) in legend.iter().filter(|(drawn, _)| *drawn) {
        writeln!(out, "{}", look.dim(&look.clip(words, look.width)))?;
    }
    Ok(())
}

/// A topological order in which what can come soon after what it waits for does: it keeps few lanes open.
fn depth_first(graph: &GraphView) -> Vec<usize> {
    let mut open = vec![0; graph.nodes.len()];
    let mut waiting = vec![Vec::new(); graph.nodes.len()];
    for edge in &graph.edges {
        open[edge.to] += 1;
        waiting[edge.from].push(edge.to);
    }
    let mut ready: Vec<usize> = (0..graph.nodes.len()).rev().filter(|&node| open[node] == 0).collect();
    let mut order = Vec::with_capacity(graph.nodes.len());
    while let Some(node) = ready.pop() {
        order.push(node);
        for &next in waiting[node].iter().rev() {
            open[next] -= 1;
            if open[next] == 0 {
                ready.push(next);
            }
        }
    }
    order
}

/// What stands in one column of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    Empty,
    /// A lane that this node has nothing to do with.
    Passes,
    /// A line to the node, and no lane.
    Across,
    /// The node waits for the node of this lane, others do, too.
    Joins,
    /// The node is the last that waits for the node of this lane.
    Ends,
    /// The node.
    Here(Marker),
}

/// How a node is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Marker {
    /// Its lane goes on below.
    Opens,
    /// Nothing waits for it.
    Last,
    /// There is no room for its lane.
    Off,
}

/// One line: its columns, and the nodes that its node waits for and that have no lane.
struct Row {
    cells: Vec<Cell>,
    /// The first and the last column that a line to the node touches.
    span: (usize, usize),
    off: Vec<usize>,
}

struct Lanes<'g> {
    graph: &'g GraphView,
    /// Where the edges to each node begin.
    starts: Vec<usize>,
    most: usize,
    /// The node of each lane.
    columns: Vec<Option<usize>>,
    /// The lane of each node.
    lane_of: Vec<Option<usize>>,
    /// For each node, how many edges to others are still to come.
    left: Vec<usize>,
    drew_last: bool,
    drew_off: bool,
}

impl<'g> Lanes<'g> {
    fn new(graph: &'g GraphView, most: usize) -> Self {
        let mut left = vec![0; graph.nodes.len()];
        for edge in &graph.edges {
            left[edge.from] += 1;
        }
        Self {
            graph,
            starts: graph.starts(),
            most,
            columns: Vec::new(),
            lane_of: vec![None; graph.nodes.len()],
            left,
            drew_last: false,
            drew_off: false,
        }
    }

    /// The line of the next node.
    fn take(&mut self, node: usize) -> Row {
        let edges = &self.graph.edges[self.starts[node]..self.starts[node + 1]];
        let (mut joined, mut off) = (Vec::new(), Vec::new());
        for edge in edges {
            self.left[edge.from] -= 1;
            match self.lane_of[edge.from] {
                Some(lane) => joined.push(lane),
                None => off.push(edge.from),
            }
        }
        joined.sort_unstable();
        joined.dedup();
        off.sort_unstable();
        off.dedup();
        let is_over = |lane: usize| self.columns[lane].is_some_and(|of| self.left[of] == 0);
        // Below the one that ends here it goes on without a bend.
        let below = joined.iter().copied().find(|&lane| is_over(lane));
        let free = || self.columns.iter().position(Option::is_none).unwrap_or(self.columns.len());
        let column = below.unwrap_or_else(free);
        let span = (
            joined.first().map_or(column, |&first| first.min(column)),
            joined.last().map_or(column, |&last| last.max(column)),
        );
        let marker = match self.left[node] {
            0 => Marker::Last,
            _ if column >= self.most => Marker::Off,
            _ => Marker::Opens,
        };
        let cells =
            (0..self.columns.len().max(column + 1)).map(|at| match self.columns.get(at).copied().flatten() {
                _ if at == column => Cell::Here(marker),
                Some(_) if joined.binary_search(&at).is_err() => Cell::Passes,
                Some(_) if is_over(at) => Cell::Ends,
                Some(_) => Cell::Joins,
                None if span.0 < at && at < span.1 => Cell::Across,
                None => Cell::Empty,
            });
        let row = Row { cells: cells.collect(), span, off };
        for &lane in &joined {
            if let Some(of) = self.columns[lane].filter(|&of| self.left[of] == 0) {
                (self.columns[lane], self.lane_of[of]) = (None, None);
            }
        }
        self.drew_last |= marker == Marker::Last;
        self.drew_off |= marker == Marker::Off;
        if marker == Marker::Opens {
            self.columns.resize(self.columns.len().max(column + 1), None);
            (self.columns[column], self.lane_of[node]) = (Some(node), Some(column));
        }
        while self.columns.last() == Some(&None) {
            self.columns.pop();
        }
        row
    }
}

fn line(
    look: Look,
    (graph, starts): (&GraphView, &[usize]),
    (node, row): (usize, &Row),
    out: &mut dyn Write,
) -> io::Result<()> {
    let shown = &graph.nodes[node];
    let mut drawn = String::new();
    for (at, cell) in row.cells.iter().enumerate() {
        let glyph = glyph(look, *cell, (at == row.span.0, at == row.span.1));
        drawn.push_str(&look.of_lane(glyph, at));
        let inside = row.span.0 <= at && at < row.span.1;
        if at + 1 < row.cells.len() {
            drawn.push_str(&look.dim(if inside { look.or_ascii("─", "-") } else { " " }));
        }
    }
    let used = 2 * row.cells.len() - 1;
    let id =
        look.clip(shown.node_id.as_str(), look.width.saturating_sub(used + 1).max(LEAST_ID)).into_owned();
    let room = look.width.saturating_sub(used + text::cells(&id) + 3);
    let id = if shown.status == PlanStatus::WillRun { id } else { look.dim(&id) };
    let edges = &graph.edges[starts[node]..starts[node + 1]];
    let beside = beside((graph, edges), (node, &row.off), room);
    if beside.is_empty() {
        return writeln!(out, "{drawn} {id}");
    }
    writeln!(out, "{drawn} {id}  {}", look.dim(&look.clip(&beside, room)))
}

fn glyph(look: Look, cell: Cell, (first, last): (bool, bool)) -> &'static str {
    match (cell, first, last) {
        (Cell::Empty, ..) => " ",
        (Cell::Passes, ..) => look.or_ascii("│", "|"),
        (Cell::Across, ..) => look.or_ascii("─", "-"),
        (Cell::Joins, true, _) => look.or_ascii("├", "+"),
        (Cell::Joins, _, true) => look.or_ascii("┤", "+"),
        (Cell::Joins, ..) => look.or_ascii("┼", "+"),
        (Cell::Ends, true, _) => look.or_ascii("╰", "'"),
        (Cell::Ends, _, true) => look.or_ascii("╯", "'"),
        (Cell::Ends, ..) => look.or_ascii("┴", "'"),
        (Cell::Here(Marker::Opens), ..) => look.or_ascii("●", "*"),
        (Cell::Here(Marker::Last), ..) => look.or_ascii("○", "o"),
        (Cell::Here(Marker::Off), ..) => look.or_ascii("◇", "@"),
    }
}

/// What is said beside an id: why it would not run, how others must end, and whom it waits for without a lane.
fn beside((graph, edges): (&GraphView, &[GraphEdge]), (node, off): (usize, &[usize]), room: usize) -> String {
    let id = |at: usize| graph.nodes[at].node_id.as_str();
    let mut said: Vec<String> = remark(&graph.nodes[node]).into_iter().collect();
    for edge in edges {
        said.extend(condition(edge.on).map(|word| format!("{word} of {}", id(edge.from))));
    }
    if !off.is_empty() {
        let used: usize = said.iter().map(|words| text::cells(words) + 2).sum();
        let names: Vec<&str> = off.iter().map(|&at| id(at)).collect();
        // Before all else: these edges are drawn nowhere.
        said.insert(0, after(&names, room.saturating_sub(used).max(REMARK)));
    }
    said.join("; ")
}

/// `after a, b and 3 more`, with as many names as there is room for.
fn after(names: &[&str], room: usize) -> String {
    let all = format!("after {}", names.join(", "));
    if text::cells(&all) <= room {
        return all;
    }
    for named in (1..names.len()).rev() {
        let some = format!("after {} and {} more", names[..named].join(", "), names.len() - named);
        if text::cells(&some) <= room {
            return some;
        }
    }
    format!("after {} more", names.len())
}
