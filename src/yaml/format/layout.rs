//! Writes the tree: two columns for each level, lists below their key as well, brackets kept where they fit.

use std::borrow::Cow;

use super::WIDTH;
use super::pieces::{Body, Comment, Document, Entry, Flow, Gap, Inside, Item, Node, Part};
use crate::base::text::cells;

/// The columns of one level.
const STEP: usize = 2;

/// The whole text.
pub(super) fn write(document: &Document<'_>) -> String {
    let mut writer = Writer::default();
    for (gap, directive) in &document.directives {
        writer.comments(&gap.comments, 0);
        writer.fresh(0, gap.blank);
        writer.push(directive);
    }
    if let Some(gap) = &document.start {
        writer.comments(&gap.comments, 0);
        writer.fresh(0, gap.blank);
        writer.push("---");
    }
    if let Some(root) = &document.root {
        writer.node(root, Place { column: 0, rest: STEP, follows: Follows::Nothing });
    }
    for gap in &document.ends {
        writer.comments(&gap.comments, 0);
        writer.fresh(0, gap.blank);
        writer.push("...");
    }
    writer.comments(&document.tail.comments, 0);
    if !writer.out.is_empty() && !writer.out.ends_with('\n') {
        writer.out.push('\n');
    }
    writer.out
}

/// What a value stands behind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Follows {
    /// The beginning of the text, or `---`.
    Nothing,
    /// `-`, `?`, or `:` on a line of its own: a collection can begin on the same line.
    Indicator,
    /// A key and `:`.
    Key,
}

/// Where a value is written.
#[derive(Clone, Copy)]
struct Place {
    /// The column of its lines.
    column: usize,
    /// The column of all lines of a text but the first.
    rest: usize,
    follows: Follows,
}

impl Place {
    const fn below(column: usize, follows: Follows) -> Self {
        Self { column: column + STEP, rest: column + STEP, follows }
    }
}

#[derive(Default)]
struct Writer {
    out: String,
    /// Where the last line begins.
    line: usize,
    /// The end of its indentation.
    indented: usize,
    /// Whether a comment ends the line, so that nothing more can stand on it.
    closed: bool,
    /// Whether a blank line would belong to the text before it.
    kept: bool,
}

impl Writer {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        (self.closed, self.kept) = (false, false);
    }

    fn newline(&mut self) {
        self.out.push('\n');
        self.line = self.out.len();
    }

    /// Whether more can stand on the last line.
    fn is_open(&self) -> bool {
        self.out.len() > self.line && !self.closed
    }

    /// Begins a line.
    fn fresh(&mut self, column: usize, blank: bool) {
        if self.out.len() > self.line {
            self.newline();
        }
        if blank && !self.kept && !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.newline();
        }
        self.out.extend(std::iter::repeat_n(' ', column));
        self.indented = self.out.len();
        (self.closed, self.kept) = (false, false);
    }

    fn comment(&mut self, comment: &Comment<'_>, column: usize) {
        if comment.own_line || !self.is_open() {
            self.fresh(column, comment.blank);
        } else {
            self.out.push_str("  ");
        }
        self.push(comment.text);
        self.closed = true;
    }

    fn comments(&mut self, comments: &[Comment<'_>], column: usize) {
        for comment in comments {
            self.comment(comment, column);
        }
    }

    /// Writes a piece behind the last one, or at `column` of a new line where nothing more can stand on the last.
    fn token(&mut self, space: &str, token: &str, column: usize) {
        if !self.is_open() {
            self.fresh(column, false);
        } else if self.out.len() > self.indented {
            self.out.push_str(space);
        }
        self.push(token);
    }

    /// The columns that are left behind the last piece and a space.
    fn room(&self, column: usize) -> usize {
        let used = if self.is_open() { cells(&self.out[self.line..]) + 1 } else { column };
        WIDTH.saturating_sub(used)
    }

    fn node(&mut self, node: &Node<'_>, place: Place) {
        let column = place.column;
        for (gap, property) in &node.properties {
            self.comments(&gap.comments, column);
            self.token(" ", property, column);
        }
        match &node.body {
            Body::Nothing => self.comments(&node.gap.comments, column),
            Body::Word(word) => {
                self.comments(&node.gap.comments, column);
                let too_long = cells(word) > self.room(column);
                if node.gap.newline && (too_long || place.follows == Follows::Nothing) {
                    self.fresh(column, false);
                }
                self.token(" ", word, column);
            }
            Body::Lines(lines) => {
                self.comments(&node.gap.comments, column);
                if node.gap.newline {
                    self.fresh(column, false);
                }
                self.lines(lines, (" ", column, place.rest));
            }
            Body::Block(block) => {
                self.comments(&node.gap.comments, column);
                self.token(" ", &block.header(place.follows == Follows::Nothing), column);
                if let Some(comment) = block.comment {
                    self.push("  ");
                    self.push(comment);
                }
                for line in &block.lines {
                    self.newline();
                    if !line.is_empty() {
                        self.out.extend(std::iter::repeat_n(' ', place.rest));
                        self.out.push_str(line);
                    }
                }
                // A blank line at its end is a line.
                self.newline();
                self.kept = block.keeps;
            }
            Body::Sequence(items, tail) => self.sequence((items, tail), node, place),
            Body::Mapping(entries, tail) => self.mapping((entries, tail), node, place),
            Body::Flow(flow) => self.flow(flow, node, place),
        }
    }

    /// A scalar on several lines.
    fn lines(&mut self, lines: &[&str], (space, column, rest): (&str, usize, usize)) {
        for (at, line) in lines.iter().enumerate() {
            if at == 0 {
                self.token(space, line, column);
                continue;
            }
            self.newline();
            if !line.is_empty() {
                self.out.extend(std::iter::repeat_n(' ', rest));
                self.push(line);
            }
        }
    }

    /// Begins the first line of a collection: behind an indicator, or on a line of its own.
    fn begin(&mut self, node: &Node<'_>, place: Place) {
        self.comments(&node.gap.comments, place.column);
        if place.follows == Follows::Indicator && node.properties.is_empty() && self.is_open() {
            self.out.push(' ');
        } else {
            self.fresh(place.column, node.gap.blank);
        }
    }

    fn sequence(&mut self, (items, tail): (&[Item<'_>], &[Comment<'_>]), node: &Node<'_>, place: Place) {
        for (at, item) in items.iter().enumerate() {
            let mut moved = Cow::Borrowed(&item.node);
            if at == 0 {
                self.begin(node, place);
            } else {
                self.comments(&item.gap.comments, place.column);
                // What is said of a line in brackets that is broken stands above its lines.
                if self.breaks(&item.node, place.column + STEP)
                    && let Some(comment) = moved.to_mut().trailing.take()
                {
                    self.fresh(place.column, item.gap.blank && item.gap.comments.is_empty());
                    self.push(comment.text);
                    self.closed = true;
                }
                self.fresh(place.column, item.gap.blank && !self.closed);
            }
            self.push("-");
            self.node(&moved, Place::below(place.column, Follows::Indicator));
        }
        self.comments(tail, place.column);
    }

    fn mapping(&mut self, (entries, tail): (&[Entry<'_>], &[Comment<'_>]), node: &Node<'_>, place: Place) {
        let column = place.column;
        for (at, entry) in entries.iter().enumerate() {
            if at == 0 {
                self.begin(node, place);
            } else {
                self.comments(&entry.gap.comments, column);
                self.fresh(column, entry.gap.blank);
            }
            if entry.explicit {
                self.push("?");
                self.node(&entry.key, Place::below(column, Follows::Indicator));
                if let Some(gap) = &entry.colon {
                    self.comments(&gap.comments, column);
                    self.fresh(column, false);
                    self.push(":");
                    self.node(&entry.value, Place::below(column, Follows::Indicator));
                }
            } else {
                let mut key = String::new();
                // A key that cannot stand on one line is found by the check.
                flat(&entry.key, &mut key, usize::MAX);
                self.push(&key);
                self.push(if needs_space(&entry.key) { " :" } else { ":" });
                self.node(&entry.value, Place::below(column, Follows::Key));
            }
        }
        self.comments(tail, column);
    }

    /// Whether a value in brackets would get lines of its own below `- `.
    fn breaks(&self, node: &Node<'_>, column: usize) -> bool {
        let Body::Flow(flow) = &node.body else { return false };
        let plain = node.properties.is_empty() && node.gap.comments.is_empty();
        plain && can_break(flow) && !has_comments(flow) && !fits(flow, WIDTH.saturating_sub(column))
    }

    fn flow(&mut self, flow: &Flow<'_>, node: &Node<'_>, place: Place) {
        let column = place.column;
        let trailing = node.trailing.as_slice();
        let mut whole = String::new();
        let is_flat = flat_flow(flow, &mut whole, usize::MAX);
        let fits_here = is_flat && cells(&whole) <= self.room_after(&node.gap, column);
        let at_root = place.follows == Follows::Nothing;
        if fits_here || (is_flat && flow.parts.is_empty()) {
            self.comments(&node.gap.comments, column);
            if at_root && node.gap.newline {
                self.fresh(column, false);
            }
            self.token(" ", &whole, column);
            self.comments(trailing, column);
        } else if can_break(flow) && !at_root {
            let mut broken = Node { gap: node.gap.clone(), ..Node::default() };
            broken.gap.blank = false;
            if !has_comments(flow) {
                broken.gap.comments.extend(trailing);
            }
            // Tag and anchor stand before the first line already.
            let follows = if node.properties.is_empty() { place.follows } else { Follows::Key };
            let body = broken_up(flow, &mut broken.gap);
            let place = Place { follows, ..place };
            match &body {
                Body::Mapping(entries, tail) => self.mapping((entries, tail), &broken, place),
                Body::Sequence(items, tail) => self.sequence((items, tail), &broken, place),
                _ => {}
            }
            if has_comments(flow) {
                self.comments(trailing, column);
            }
        } else {
            self.comments(&node.gap.comments, column);
            if place.follows == Follows::Key || node.gap.newline || cells(&whole) <= WIDTH - column.min(WIDTH)
            {
                self.fresh(column, false);
            }
            if is_flat && cells(&whole) <= WIDTH.saturating_sub(column) {
                self.token(" ", &whole, column);
            } else {
                self.brackets(flow, (" ", column));
            }
            self.comments(trailing, column);
        }
    }

    /// The room for a value that stands behind a gap.
    fn room_after(&self, gap: &Gap<'_>, column: usize) -> usize {
        if gap.comments.is_empty() { self.room(column) } else { WIDTH.saturating_sub(column) }
    }

    /// A collection that stays in brackets on several lines.
    fn brackets(&mut self, flow: &Flow<'_>, (space, column): (&str, usize)) {
        let (open, close) = if flow.mapping { ("{", "}") } else { ("[", "]") };
        self.token(space, open, column);
        let inner = column + STEP;
        for (at, part) in flow.parts.iter().enumerate() {
            let gap = match &part.what {
                Inside::Item(item) => &item.gap,
                Inside::Pair(entry) => &entry.gap,
            };
            self.comments(&gap.comments, inner);
            self.fresh(inner, gap.blank && at > 0);
            let ends_empty = match &part.what {
                Inside::Item(item) => self.inside(&item.node, ("", inner)),
                Inside::Pair(entry) => self.pair(entry, inner),
            };
            if let Some(gap) = &part.comma {
                self.token(if ends_empty { " " } else { "" }, ",", inner);
                self.comments(&gap.comments, inner);
            }
        }
        self.comments(&flow.end.comments, inner);
        self.fresh(column, false);
        self.push(close);
    }

    /// A pair in brackets; whether it ends with nothing.
    fn pair(&mut self, entry: &Entry<'_>, column: usize) -> bool {
        let mut key_is_empty = is_nothing(&entry.key);
        if entry.explicit {
            self.token("", "?", column);
            key_is_empty |= self.inside(&entry.key, (" ", column));
        } else {
            key_is_empty |= self.inside(&entry.key, ("", column));
        }
        let Some(gap) = &entry.colon else { return key_is_empty };
        self.comments(&gap.comments, column + STEP);
        let space = if needs_space(&entry.key) || (entry.explicit && key_is_empty) { " " } else { "" };
        self.token(space, ":", column + STEP);
        self.inside(&entry.value, (" ", column)) || is_nothing(&entry.value)
    }

    /// A value in brackets; whether nothing follows its tag or anchor.
    fn inside(&mut self, node: &Node<'_>, (space, column): (&str, usize)) -> bool {
        let below = column + STEP;
        let mut space = space;
        for (gap, property) in &node.properties {
            self.comments(&gap.comments, below);
            self.token(space, property, below);
            space = " ";
        }
        self.comments(&node.gap.comments, below);
        match &node.body {
            Body::Word(word) => self.token(space, word, below),
            Body::Lines(lines) => self.lines(lines, (space, below, below)),
            Body::Flow(flow) => {
                let mut whole = String::new();
                let room = self.room(below);
                if flow.parts.is_empty() && flat_flow(flow, &mut whole, usize::MAX) {
                    self.token(space, &whole, below);
                } else if fits(flow, room) {
                    flat_flow(flow, &mut whole, usize::MAX);
                    self.token(space, &whole, below);
                } else {
                    self.brackets(flow, (space, column));
                }
            }
            Body::Nothing => return !node.properties.is_empty(),
            // Without brackets nothing else stands in brackets.
            Body::Block(_) | Body::Sequence(..) | Body::Mapping(..) => {}
        }
        false
    }
}

/// Whether `:` would belong to what stands before it.
fn needs_space(key: &Node<'_>) -> bool {
    match &key.body {
        Body::Word(word) => word.starts_with('*'),
        Body::Nothing => !key.properties.is_empty(),
        _ => false,
    }
}

fn is_nothing(node: &Node<'_>) -> bool {
    node.properties.is_empty() && matches!(node.body, Body::Nothing)
}

/// Whether a collection in brackets fits on one line of `room` columns.
fn fits(flow: &Flow<'_>, room: usize) -> bool {
    let mut whole = String::new();
    flat_flow(flow, &mut whole, room.saturating_mul(4)) && cells(&whole) <= room
}

/// Writes a value on one line; `false` where it cannot stand on one, or not in `limit` bytes.
fn flat(node: &Node<'_>, out: &mut String, limit: usize) -> bool {
    let start = out.len();
    for (gap, property) in &node.properties {
        if !gap.comments.is_empty() {
            return false;
        }
        out.push_str(if out.len() > start { " " } else { "" });
        out.push_str(property);
    }
    let space = if out.len() > start { " " } else { "" };
    if !node.gap.comments.is_empty() || node.trailing.is_some() || out.len() > limit {
        return false;
    }
    match &node.body {
        Body::Nothing => true,
        Body::Word(word) => {
            out.push_str(space);
            out.push_str(word);
            true
        }
        Body::Flow(flow) => {
            out.push_str(space);
            flat_flow(flow, out, limit)
        }
        Body::Lines(_) | Body::Block(_) | Body::Sequence(..) | Body::Mapping(..) => false,
    }
}

fn flat_flow(flow: &Flow<'_>, out: &mut String, limit: usize) -> bool {
    out.push(if flow.mapping { '{' } else { '[' });
    let mut ends_empty = false;
    for (at, part) in flow.parts.iter().enumerate() {
        if at > 0 {
            out.push_str(if ends_empty { " , " } else { ", " });
        }
        let (done, empty) = match &part.what {
            Inside::Item(item) => {
                let alone = matches!(item.node.body, Body::Nothing);
                (item.gap.comments.is_empty() && flat(&item.node, out, limit), alone)
            }
            Inside::Pair(entry) => flat_pair(entry, out, limit),
        };
        let has_comment = part.comma.as_ref().is_some_and(|gap| !gap.comments.is_empty());
        if !done || has_comment || out.len() > limit {
            return false;
        }
        ends_empty = empty;
    }
    out.push_str(if ends_empty { " " } else { "" });
    out.push(if flow.mapping { '}' } else { ']' });
    flow.end.comments.is_empty()
}

/// The same for a pair; and whether it ends with nothing.
fn flat_pair(entry: &Entry<'_>, out: &mut String, limit: usize) -> (bool, bool) {
    if !entry.gap.comments.is_empty() || entry.colon.as_ref().is_some_and(|gap| !gap.comments.is_empty()) {
        return (false, false);
    }
    if entry.explicit {
        out.push_str(if is_nothing(&entry.key) { "?" } else { "? " });
    }
    if !flat(&entry.key, out, limit) {
        return (false, false);
    }
    let key_is_empty = matches!(entry.key.body, Body::Nothing);
    if entry.colon.is_none() {
        return (true, key_is_empty);
    }
    out.push_str(if needs_space(&entry.key) || (entry.explicit && key_is_empty) { " :" } else { ":" });
    if is_nothing(&entry.value) {
        return (true, true);
    }
    out.push(' ');
    (flat(&entry.value, out, limit), matches!(entry.value.body, Body::Nothing))
}

fn has_comments(flow: &Flow<'_>) -> bool {
    let gap = |gap: &Gap<'_>| !gap.comments.is_empty();
    fn in_node(node: &Node<'_>) -> bool {
        let properties = node.properties.iter().any(|(gap, _)| !gap.comments.is_empty());
        let inside = if let Body::Flow(flow) = &node.body { has_comments(flow) } else { false };
        properties || inside || !node.gap.comments.is_empty()
    }
    gap(&flow.end)
        || flow.parts.iter().any(|part| {
            part.comma.as_ref().is_some_and(gap)
                || match &part.what {
                    Inside::Item(item) => gap(&item.gap) || in_node(&item.node),
                    Inside::Pair(entry) => {
                        gap(&entry.gap)
                            || entry.colon.as_ref().is_some_and(gap)
                            || in_node(&entry.key)
                            || in_node(&entry.value)
                    }
                }
        })
}

/// Whether a collection says the same without its brackets, one part a line.
fn can_break(flow: &Flow<'_>) -> bool {
    !flow.parts.is_empty()
        && flow.parts.iter().all(|part| match &part.what {
            Inside::Item(_) => true,
            Inside::Pair(entry) => {
                let bare = entry.colon.as_ref().is_none_or(|gap| gap.comments.is_empty());
                // YAML lets a key without `?` have 1024 characters.
                let is_key = matches!(&entry.key.body, Body::Word(word) if word.len() < 1000);
                let mut written = String::new();
                !entry.explicit && bare && is_key && flat(&entry.key, &mut written, 1000)
            }
        })
}

/// The same collection without its brackets. What stands behind the opening bracket goes into `before`.
fn broken_up<'s>(flow: &Flow<'s>, before: &mut Gap<'s>) -> Body<'s> {
    let mut carried: Vec<Comment<'s>> = Vec::new();
    let mut first = true;
    let mut gap_of = |gap: &Gap<'s>, carried: &mut Vec<Comment<'s>>| {
        let mut comments = std::mem::take(carried);
        comments.extend(&gap.comments);
        if std::mem::take(&mut first) {
            before.comments.append(&mut comments);
            return Gap::default();
        }
        Gap { comments, newline: true, blank: gap.blank }
    };
    // A line that a part begins inside of the brackets is none that it begins behind `-`.
    let behind = |node: &Node<'s>| {
        let mut node = node.clone();
        if node.properties.is_empty() {
            node.gap.newline = false;
        }
        node
    };
    let after = |part: &Part<'s>| part.comma.iter().flat_map(|gap| gap.comments.clone()).collect::<Vec<_>>();
    let (mut items, mut entries) = (Vec::new(), Vec::new());
    for part in &flow.parts {
        match &part.what {
            Inside::Item(item) => {
                items.push(Item { gap: gap_of(&item.gap, &mut carried), node: behind(&item.node) });
            }
            Inside::Pair(entry) => {
                let gap = gap_of(&entry.gap, &mut carried);
                let mut entry =
                    Entry { gap: Gap::default(), colon: Some(Gap::default()), ..(**entry).clone() };
                if flow.mapping {
                    entry.gap = gap;
                    entries.push(entry);
                } else {
                    let body = Body::Mapping(vec![entry], Vec::new());
                    items.push(Item { gap, node: Node { body, ..Node::default() } });
                }
            }
        }
        carried = after(part);
    }
    carried.extend(&flow.end.comments);
    if flow.mapping { Body::Mapping(entries, carried) } else { Body::Sequence(items, carried) }
}
