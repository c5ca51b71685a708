//! A graph as a picture that needs nothing else: no scripts, no fonts, light and dark.

use std::io::{self, Write};

use super::layers::{Places, Room, arrange, assign};
use super::{condition, remark};
use crate::base::text;
use crate::model::graph_view::GraphView;
use crate::model::plan_view::PlanStatus;
use crate::model::workflow::EdgeCondition;

/// The most characters of an id in its box; a pointer over it shows all of it.
const MOST_LABEL: usize = 36;

/// The width of one cell of the text, the height of a box, and the space around all.
const CELL: f64 = 7.3;
const HEIGHT: f64 = 28.0;
const MARGIN: f64 = 20.0;

/// The height of the words above and below the graph.
const WORDS: f64 = 28.0;

/// Between two layers, where they lie below each other and where they lie beside each other.
const BELOW: f64 = 52.0;
const BESIDE: f64 = 64.0;

/// What a picture of a graph looks best with, as width by height.
const SHAPE: f64 = 1.5;

const STYLE: &str = "\
:root { color-scheme: light dark }
.ground { fill: #ffffff }
text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2937 }
.name { font-weight: 600; font-size: 13px }
.small { font-size: 11px; fill: #6b7280 }
.box { fill: #f8fafc; stroke: #64748b; stroke-width: 1.2 }
.skipped .box { fill: none; stroke: #9ca3af; stroke-dasharray: 4 3 }
.skipped text { fill: #8a93a1 }
.unbound .box { stroke: #b45309; stroke-dasharray: 2 2 }
.unbound text { fill: #b45309 }
.edge { fill: none; stroke: #94a3b8; stroke-width: 1.2 }
.tip { fill: #94a3b8 }
.tip-failure { fill: #dc2626 }
.failure { stroke: #dc2626 }
.finished { stroke-dasharray: 1 3; stroke-width: 1.8 }
.fallback { stroke-dasharray: 6 4 }
@media (prefers-color-scheme: dark) {
.ground { fill: #0f172a }
text { fill: #e2e8f0 }
.small { fill: #94a3b8 }
.box { fill: #1e293b; stroke: #94a3b8 }
.skipped .box { stroke: #64748b }
.skipped text { fill: #7c8aa0 }
.unbound .box { stroke: #f59e0b }
.unbound text { fill: #f59e0b }
.edge { stroke: #64748b }
.tip { fill: #64748b }
.tip-failure { fill: #f87171 }
.failure { stroke: #f87171 }
}
";

/// A place in the picture.
#[derive(Clone, Copy)]
struct Point {
    x: f64,
    y: f64,
}

/// A graph with a place for everything. Layers lie below each other, or where that gives a better shape, beside.
struct Picture {
    is_beside: bool,
    /// The layer of each node.
    layer_of: Vec<usize>,
    /// Where each layer begins, and how deep it is.
    layers: Vec<(f64, f64)>,
    breadths: Vec<f64>,
    places: Places,
    width: f64,
    height: f64,
}

impl Picture {
    fn of(graph: &GraphView) -> Self {
        let widths: Vec<f64> = graph.nodes.iter().map(|node| width_of(node.node_id.as_str())).collect();
        let layer_of = assign(graph);
        let count = layer_of.iter().map(|layer| layer + 1).max().unwrap_or(0);
        // For each layer: how many nodes, how wide they are together, and how wide the widest is.
        let mut sizes = vec![(0.0, 0.0, 0.0_f64); count];
        for (&layer, &width) in layer_of.iter().zip(&widths) {
            let size = &mut sizes[layer];
            *size = (size.0 + 1.0, size.1 + width + 18.0, size.2.max(width));
        }
        let most = |of: fn(&(f64, f64, f64)) -> f64| sizes.iter().map(of).fold(0.0, f64::max);
        let below = most(|size| size.1) / sizes.iter().map(|_| HEIGHT + BELOW).sum::<f64>().max(1.0);
        let beside = sizes.iter().map(|size| size.2 + BESIDE).sum::<f64>()
            / (most(|size| size.0) * (HEIGHT + 14.0)).max(1.0);
        let badness = |shape: f64| (shape.max(0.001) / SHAPE).ln().abs();
        let is_beside = badness(beside) < badness(below);

        let breadths = if is_beside { vec![HEIGHT; graph.nodes.len()] } else { widths.clone() };
        let gap = if is_beside { 14.0 } else { 18.0 };
        let places = arrange((graph, &layer_of), &Room { nodes: &breadths, gap, edge: 10.0 });
        let mut at = MARGIN;
        let mut layers = Vec::with_capacity(count);
        for size in &sizes {
            let (depth, space) = if is_beside { (size.2, BESIDE) } else { (HEIGHT, BELOW) };
            layers.push((at, depth));
            at += depth + space;
        }
        let along = layers.last().map_or(MARGIN, |(start, depth)| start + depth) + MARGIN;
        let across = places.extent + 2.0 * MARGIN;
        let (width, height) = if is_beside { (along, across) } else { (across, along) };
        Self { is_beside, layer_of, layers, breadths: widths, places, width, height }
    }

    /// A place by how far it is along and across the layers.
    fn point(&self, along: f64, across: f64) -> Point {
        let across = across + MARGIN;
        let (x, y) = if self.is_beside { (along, across) } else { (across, along) };
        Point { x, y: y + WORDS }
    }

    /// The upper left corner of a node's box.
    fn corner(&self, node: usize) -> Point {
        let (start, _) = self.layers[self.layer_of[node]];
        let middle = self.point(start, self.places.nodes[node]);
        if self.is_beside {
            Point { x: middle.x, y: middle.y - HEIGHT / 2.0 }
        } else {
            Point { x: middle.x - self.breadths[node] / 2.0, y: middle.y }
        }
    }

    /// The way of an edge: out of a box, straight through the layers between, into a box.
    fn path(&self, graph: &GraphView, edge: usize) -> String {
        let ends = &graph.edges[edge];
        let (from, to) = (self.layer_of[ends.from], self.layer_of[ends.to]);
        let (start, depth) = self.layers[from];
        let own_depth = if self.is_beside { self.breadths[ends.from] } else { HEIGHT };
        let across = self.places.nodes[ends.from];
        let mut path = String::new();
        let mut last = self.point(start + own_depth, across);
        path.push_str(&format!("M{}", pair(last)));
        if depth > own_depth {
            last = self.point(start + depth, across);
            path.push_str(&format!("L{}", pair(last)));
        }
        for (nth, &across) in self.places.bends[edge].iter().enumerate() {
            let (start, depth) = self.layers[from + 1 + nth];
            let (enters, leaves) = (self.point(start, across), self.point(start + depth, across));
            path.push_str(&self.curve(last, enters));
            path.push_str(&format!("L{}", pair(leaves)));
            last = leaves;
        }
        // The tip has a length of its own.
        let end = self.point(self.layers[to].0 - 6.0, self.places.nodes[ends.to]);
        path + &self.curve(last, end)
    }

    fn curve(&self, from: Point, to: Point) -> String {
        let (first, second) = if self.is_beside {
            let middle = f64::midpoint(from.x, to.x);
            (Point { x: middle, y: from.y }, Point { x: middle, y: to.y })
        } else {
            let middle = f64::midpoint(from.y, to.y);
            (Point { x: from.x, y: middle }, Point { x: to.x, y: middle })
        };
        format!("C{} {} {}", pair(first), pair(second), pair(to))
    }
}

fn pair(point: Point) -> String {
    format!("{:.1},{:.1}", point.x, point.y)
}

fn label(id: &str) -> std::borrow::Cow<'_, str> {
    text::clip(id, MOST_LABEL)
}

#[expect(clippy::cast_precision_loss, reason = "a label is short")]
fn width_of(id: &str) -> f64 {
    text::cells(&label(id)) as f64 * CELL + 20.0
}

pub(super) fn render(graph: &GraphView, out: &mut dyn Write) -> io::Result<()> {
    let picture = Picture::of(graph);
    let name = escaped(&graph.name);
    let (nodes, edges) = (text::count(graph.nodes.len(), "node"), text::count(graph.edges.len(), "edge"));
    let legend = legend(graph);
    let name_width = width_of(&name) + width_of(&format!("{nodes}, {edges}")) + 2.0 * MARGIN;
    let legend_width: f64 = legend.iter().map(|(_, words)| 28.0 + width_of(words) + 10.0).sum();
    let width = picture.width.max(name_width).max(legend_width + 2.0 * MARGIN);
    let aside = (width - picture.width) / 2.0;
    let height = picture.height + WORDS + if legend.is_empty() { 0.0 } else { WORDS };
    writeln!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-labelledby=\"title desc\">"
    )?;
    writeln!(out, "<title id=\"title\">{name}</title>")?;
    writeln!(
        out,
        "<desc id=\"desc\">A graph of {nodes} and {edges}; what waits for a node comes after it.</desc>"
    )?;
    write!(out, "<style>\n{STYLE}</style>\n<defs>")?;
    for (id, class) in [("tip", "tip"), ("tip-failure", "tip tip-failure")] {
        write!(
            out,
            "<marker id=\"{id}\" class=\"{class}\" viewBox=\"0 0 6 6\" refX=\"0\" refY=\"3\" markerWidth=\"6\" \
             markerHeight=\"6\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0,0L6,3L0,6z\"/></marker>"
        )?;
    }
    writeln!(out, "</defs>")?;
    writeln!(out, "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>")?;
    writeln!(
        out,
        "<text x=\"{MARGIN}\" y=\"26\"><tspan class=\"name\">{name}</tspan> <tspan class=\"small\">{nodes}, {edges}</tspan></text>"
    )?;
    writeln!(out, "<g transform=\"translate({aside:.1},0)\">")?;
    // Below the boxes, so that no line crosses a name.
    for (at, edge) in graph.edges.iter().enumerate() {
        let word = condition(edge.on);
        let class = word.map_or_else(|| "edge".to_owned(), |word| format!("edge {word}"));
        let tip = if edge.on == EdgeCondition::Failure { "tip-failure" } else { "tip" };
        let ends = [edge.from, edge.to].map(|node| escaped(graph.nodes[node].node_id.as_str()));
        let told = word.map_or_else(String::new, |word| format!(" ({word})"));
        writeln!(
            out,
            "<path class=\"{class}\" marker-end=\"url(#{tip})\" d=\"{}\"><title>{} → {}{told}</title></path>",
            picture.path(graph, at),
            ends[0],
            ends[1]
        )?;
    }
    for (at, node) in graph.nodes.iter().enumerate() {
        let corner = picture.corner(at);
        let class = match node.status {
            PlanStatus::WillRun => "node",
            PlanStatus::Skipped => "node skipped",
            PlanStatus::Unbound => "node unbound",
        };
        let id = node.node_id.as_str();
        let told = remark(node).map_or_else(String::new, |remark| format!(", {remark}"));
        writeln!(
            out,
            "<g class=\"{class}\"><title>{}: {}{}</title><rect class=\"box\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" \
             height=\"{HEIGHT}\" rx=\"6\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text></g>",
            escaped(id),
            escaped(&node.kind),
            escaped(&told),
            corner.x,
            corner.y,
            picture.breadths[at],
            corner.x + picture.breadths[at] / 2.0,
            corner.y + HEIGHT / 2.0 + 4.0,
            escaped(&label(id)),
        )?;
    }
    writeln!(out, "</g>")?;
    let mut x = MARGIN;
    for (class, words) in legend {
        let y = height - 16.0;
        let end = x + 28.0;
        writeln!(
            out,
            "<path class=\"edge {class}\" d=\"M{x:.0},{y:.0}L{end:.0},{y:.0}\"/><text class=\"small\" x=\"{:.0}\" y=\"{:.0}\">{words}</text>",
            end + 6.0,
            y + 4.0
        )?;
        x = end + width_of(words) + 10.0;
    }
    writeln!(out, "</svg>")
}

/// What lines of other kinds mean, where there are any.
fn legend(graph: &GraphView) -> Vec<(&'static str, &'static str)> {
    let words = [
        (EdgeCondition::Failure, "failure", "after a failure"),
        (EdgeCondition::Finished, "finished", "after any end"),
        (EdgeCondition::Fallback, "fallback", "in its place"),
    ];
    let is_there = |on| graph.edges.iter().any(|edge| edge.on == on);
    words.into_iter().filter(|&(on, ..)| is_there(on)).map(|(_, class, words)| (class, words)).collect()
}

/// Text as it may stand in XML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text::without_controls(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push(' '),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
