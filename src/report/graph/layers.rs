//! Places for the nodes of a graph in layers: few crossings, short edges, and edges over several layers without bends.
//!
//! The steps are the usual ones: layers are given, long edges get a place in each layer that they cross, sweeps by
//! barycentre order each layer, and last each layer is put where its neighbours are without changing that order. Each
//! step costs about the number of edges; how often it is repeated depends on the size.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::graph_view::GraphView;

/// Where everything is, across the layers.
pub(super) struct Places {
    /// The middle of each node.
    pub nodes: Vec<f64>,
    /// For each edge, where it crosses the layers between its ends; nothing where it goes straight.
    pub bends: Vec<Vec<f64>>,
    /// How far it all goes.
    pub extent: f64,
}

/// The layers of a picture. They begin as those of the plan; what waits for nothing comes down to what waits for it,
/// and what has no edges at all fills up the shortest layers.
pub(super) fn assign(graph: &GraphView) -> Vec<usize> {
    let mut layer_of: Vec<usize> = graph.nodes.iter().map(|node| node.layer).collect();
    let mut waits = vec![false; graph.nodes.len()];
    let mut next = vec![usize::MAX; graph.nodes.len()];
    for edge in &graph.edges {
        waits[edge.to] = true;
        next[edge.from] = next[edge.from].min(graph.nodes[edge.to].layer);
    }
    let mut alone = Vec::new();
    for node in (0..graph.nodes.len()).filter(|&node| !waits[node]) {
        match next[node] {
            usize::MAX => alone.push(node),
            next => layer_of[node] = next - 1,
        }
    }
    let layers = layer_of.iter().max().map_or(0, |last| last + 1).max(alone.len().isqrt());
    let mut sizes = vec![0; layers];
    for (node, &layer) in layer_of.iter().enumerate() {
        sizes[layer] += usize::from(waits[node] || next[node] != usize::MAX);
    }
    let mut shortest: BinaryHeap<Reverse<(usize, usize)>> =
        sizes.into_iter().enumerate().map(|(layer, size)| Reverse((size, layer))).collect();
    for node in alone {
        let Some(Reverse((size, layer))) = shortest.pop() else { break };
        layer_of[node] = layer;
        shortest.push(Reverse((size + 1, layer)));
    }
    // A layer that nothing is left in is none.
    let mut used = layer_of.clone();
    used.sort_unstable();
    used.dedup();
    layer_of.iter().map(|layer| used.partition_point(|known| known < layer)).collect()
}

/// The room that things need across the layers.
pub(super) struct Room<'a> {
    /// Of each node.
    pub nodes: &'a [f64],
    /// Between two nodes.
    pub gap: f64,
    /// Of an edge that crosses a layer.
    pub edge: f64,
}

/// The places of places: nodes first, then where edges cross layers.
struct Sites {
    layers: Vec<Vec<usize>>,
    layer_of: Vec<usize>,
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
    nodes: usize,
}

pub(super) fn arrange((graph, layer_of): (&GraphView, &[usize]), room: &Room<'_>) -> Places {
    let (mut sites, crossings) = sites(graph, layer_of);
    let links: usize = sites.after.iter().map(Vec::len).sum();
    let sweeps = match links {
        0..5_000 => 24,
        5_000..50_000 => 8,
        _ => 2,
    };
    order(&mut sites, sweeps, links < 50_000);
    let across = settle(&sites, room, if links < 50_000 { 12 } else { 3 });
    let bends = crossings.iter().map(|over| over.iter().map(|&site| across[site]).collect());
    let half = |site: usize| room.nodes.get(site).map_or(room.edge, |breadth| breadth / 2.0);
    let ends = (0..across.len()).map(|site| across[site] + half(site));
    Places {
        bends: bends.collect(),
        extent: ends.fold(0.0, f64::max),
        nodes: across[..graph.nodes.len()].to_vec(),
    }
}

/// The sites, and for each edge those that it crosses. Edges from one node share them. There are not many more than
/// nodes and edges: where an edge would need more, it goes straight.
fn sites(graph: &GraphView, layers: &[usize]) -> (Sites, Vec<Vec<usize>>) {
    let nodes = graph.nodes.len();
    let mut layer_of = layers.to_vec();
    let mut spare = 4 * (nodes + graph.edges.len()) + 1000;
    let mut shared: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    let mut links: Vec<(usize, usize)> = Vec::new();
    let mut crossings = vec![Vec::new(); graph.edges.len()];
    for (at, edge) in graph.edges.iter().enumerate() {
        let between = (layer_of[edge.to] - layer_of[edge.from]).saturating_sub(1);
        let known = shared[edge.from].len();
        let more = between.saturating_sub(known);
        if more > spare {
            continue;
        }
        spare -= more;
        for step in known..between {
            let last = shared[edge.from].last().copied().unwrap_or(edge.from);
            links.push((last, layer_of.len()));
            shared[edge.from].push(layer_of.len());
            layer_of.push(layer_of[edge.from] + step + 1);
        }
        crossings[at] = shared[edge.from][..between].to_vec();
        links.push((crossings[at].last().copied().unwrap_or(edge.from), edge.to));
    }
    links.sort_unstable();
    links.dedup();
    let (mut before, mut after) = (vec![Vec::new(); layer_of.len()], vec![Vec::new(); layer_of.len()]);
    for (from, to) in links {
        after[from].push(to);
        before[to].push(from);
    }
    let mut layers = vec![Vec::new(); layer_of.iter().max().map_or(0, |last| last + 1)];
    for (site, &layer) in layer_of.iter().enumerate() {
        layers[layer].push(site);
    }
    (Sites { layers, layer_of, before, after, nodes }, crossings)
}

/// Orders each layer by where its neighbours are, down and up again, and keeps what crosses least.
fn order(sites: &mut Sites, sweeps: usize, count: bool) {
    let mut place = vec![0; sites.layer_of.len()];
    let mut best: Option<(usize, Vec<Vec<usize>>)> = None;
    for layer in &sites.layers {
        note_places(layer, &mut place);
    }
    for sweep in 0..sweeps {
        let down = sweep % 2 == 0;
        for step in 1..sites.layers.len() {
            let at = if down { step } else { sites.layers.len() - 1 - step };
            let neighbours = if down { &sites.before } else { &sites.after };
            let mut keyed: Vec<(f64, usize)> = sites.layers[at]
                .iter()
                .map(|&site| {
                    let near = &neighbours[site];
                    let sum: usize = near.iter().map(|&other| place[other]).sum();
                    let key = match near.len() {
                        // What has no edges stands aside.
                        0 if sites.before[site].is_empty() && sites.after[site].is_empty() => f64::INFINITY,
                        0 => real(place[site]),
                        count => real(sum) / real(count),
                    };
                    (key, site)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            sites.layers[at] = keyed.into_iter().map(|(_, site)| site).collect();
            note_places(&sites.layers[at], &mut place);
        }
        if count {
            let crossings = crossings(sites, &place);
            if best.as_ref().is_none_or(|(least, _)| crossings < *least) {
                best = Some((crossings, sites.layers.clone()));
            }
        }
    }
    if let Some((_, layers)) = best {
        sites.layers = layers;
    }
}

fn note_places(layer: &[usize], place: &mut [usize]) {
    for (at, &site) in layer.iter().enumerate() {
        place[site] = at;
    }
}

/// How often links between neighbouring layers cross.
fn crossings(sites: &Sites, place: &[usize]) -> usize {
    let mut crossings = 0;
    for (at, layer) in sites.layers.iter().enumerate() {
        let width = sites.layers.get(at + 1).map_or(0, Vec::len);
        // `seen` counts the ends so far in a binary indexed tree.
        let (mut seen, mut ends) = (vec![0; width + 1], 0);
        for &site in layer {
            let mut near: Vec<usize> = sites.after[site].iter().map(|&other| place[other]).collect();
            near.sort_unstable();
            for &end in &near {
                let (mut from, mut before) = (end + 1, 0);
                while from > 0 {
                    before += seen[from];
                    from &= from - 1;
                }
                crossings += ends - before;
            }
            for end in near {
                ends += 1;
                let mut from = end + 1;
                while from <= width {
                    seen[from] += 1;
                    from += from & from.wrapping_neg();
                }
            }
        }
    }
    crossings
}

/// Puts each site near its neighbours, in the order of its layer and with room between.
fn settle(sites: &Sites, room: &Room<'_>, rounds: usize) -> Vec<f64> {
    let mut across = vec![0.0; sites.layer_of.len()];
    let half = |site: usize| room.nodes.get(site).map_or(room.edge / 2.0, |breadth| breadth / 2.0);
    let between = |a: usize, b: usize| {
        let gap = if a < sites.nodes || b < sites.nodes { room.gap } else { room.edge };
        half(a) + half(b) + gap
    };
    // Where each site of a layer is at least, from the first.
    let offsets: Vec<Vec<f64>> = sites
        .layers
        .iter()
        .map(|layer| {
            let mut at = 0.0;
            let mut offsets = Vec::with_capacity(layer.len());
            for (nth, &site) in layer.iter().enumerate() {
                at += nth.checked_sub(1).map_or(0.0, |before| between(layer[before], site));
                offsets.push(at);
            }
            offsets
        })
        .collect();
    for (layer, offsets) in sites.layers.iter().zip(&offsets) {
        let middle = offsets.last().copied().unwrap_or_default() / 2.0;
        for (&site, offset) in layer.iter().zip(offsets) {
            across[site] = offset - middle;
        }
    }
    for round in 0..rounds {
        let last = round + 1 == rounds;
        for step in 0..sites.layers.len() {
            let at = if round % 2 == 0 { step } else { sites.layers.len() - 1 - step };
            let wished: Vec<(f64, f64)> = sites.layers[at]
                .iter()
                .map(|&site| {
                    let near: &[&Vec<usize>] = match (last, round % 2 == 0) {
                        (true, _) => &[&sites.before[site], &sites.after[site]],
                        (false, true) => &[&sites.before[site]],
                        (false, false) => &[&sites.after[site]],
                    };
                    let (mut sum, mut weight) = (0.0, 0.0);
                    for &other in near.iter().copied().flatten() {
                        // A bend in an edge is worse than an edge that leaves at an angle.
                        let pull = match (site < sites.nodes, other < sites.nodes) {
                            (true, true) => 1.0,
                            (false, false) => 8.0,
                            _ => 2.0,
                        };
                        sum += pull * across[other];
                        weight += pull;
                    }
                    if weight > 0.0 { (sum / weight, weight) } else { (across[site], 0.1) }
                })
                .collect();
            for (&site, at) in sites.layers[at].iter().zip(in_order(&wished, &offsets[at])) {
                across[site] = at;
            }
        }
    }
    let least = (0..across.len()).map(|site| across[site] - half(site)).fold(f64::INFINITY, f64::min);
    for at in &mut across {
        *at -= least;
    }
    across
}

/// The places nearest to those that are wished for, by weighted squares, that keep the order and the room between:
/// neighbours whose wishes contradict each other move as one.
fn in_order(wished: &[(f64, f64)], offsets: &[f64]) -> Vec<f64> {
    // Blocks of sites that touch: the sum of their wishes, their weight, and how many they are.
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for (&(at, weight), offset) in wished.iter().zip(offsets) {
        let mut block = ((at - offset) * weight, weight, 1);
        while let Some(&(sum, weight, sites)) = blocks.last()
            && sum / weight > block.0 / block.1
        {
            block = (block.0 + sum, block.1 + weight, block.2 + sites);
            blocks.pop();
        }
        blocks.push(block);
    }
    let first = blocks.iter().flat_map(|&(sum, weight, sites)| std::iter::repeat_n(sum / weight, sites));
    first.zip(offsets).map(|(first, offset)| first + offset).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a contract has at most 200,000 nodes")]
const fn real(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_that_agree_are_granted_and_others_share_the_pain() {
        assert_eq!(in_order(&[(0.0, 1.0), (10.0, 1.0)], &[0.0, 5.0]), [0.0, 10.0]);
        assert_eq!(in_order(&[(10.0, 1.0), (10.0, 1.0)], &[0.0, 5.0]), [7.5, 12.5]);
        assert_eq!(in_order(&[(10.0, 3.0), (0.0, 1.0)], &[0.0, 4.0]), [6.5, 10.5]);
    }
}
