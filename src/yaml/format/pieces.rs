//! The text as a tree of what is to be written: values, and between them the comments and blank lines that the parser
//! drops. Between two scalars there are only indicators, white space and comments, so the text itself says where they are.

use std::borrow::Cow;

use granit_parser::ScalarStyle;

use super::events::{Said, What};
use super::scalar::{self, BlockText};

/// A comment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comment<'s> {
    pub text: &'s str,
    /// Whether nothing stands before it on its line.
    pub own_line: bool,
    /// Whether a blank line stands before it.
    pub blank: bool,
    pub column: usize,
}

/// What stands between two pieces.
#[derive(Clone, Debug, Default)]
pub(super) struct Gap<'s> {
    pub comments: Vec<Comment<'s>>,
    /// Whether the piece after it begins a line.
    pub newline: bool,
    /// Whether a blank line stands before the piece after it.
    pub blank: bool,
}

/// A value.
#[derive(Clone, Debug, Default)]
pub(super) struct Node<'s> {
    /// Tag and anchor, as they are written.
    pub properties: Vec<(Gap<'s>, &'s str)>,
    /// What stands before its body.
    pub gap: Gap<'s>,
    pub body: Body<'s>,
    /// The comment behind a collection in brackets.
    pub trailing: Option<Comment<'s>>,
}

/// What a value consists of.
#[derive(Clone, Debug, Default)]
pub(super) enum Body<'s> {
    #[default]
    Nothing,
    /// A scalar or an alias on one line.
    Word(Cow<'s, str>),
    /// A scalar on several lines, plain or in quotes.
    Lines(Vec<&'s str>),
    Block(BlockText<'s>),
    /// A list, one item a line, and the comments after its last item.
    Sequence(Vec<Item<'s>>, Vec<Comment<'s>>),
    /// A mapping, one entry a line, and the comments after its last entry.
    Mapping(Vec<Entry<'s>>, Vec<Comment<'s>>),
    Flow(Flow<'s>),
}

/// An item of a list.
#[derive(Clone, Debug)]
pub(super) struct Item<'s> {
    pub gap: Gap<'s>,
    pub node: Node<'s>,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry<'s> {
    pub gap: Gap<'s>,
    /// Whether `?` stands before the key.
    pub explicit: bool,
    pub key: Node<'s>,
    /// What stands before `:`, where there is one.
    pub colon: Option<Gap<'s>>,
    pub value: Node<'s>,
}

/// A collection in brackets.
#[derive(Clone, Debug)]
pub(super) struct Flow<'s> {
    pub mapping: bool,
    pub parts: Vec<Part<'s>>,
    /// What stands before the closing bracket.
    pub end: Gap<'s>,
}

/// One of the things in brackets.
#[derive(Clone, Debug)]
pub(super) struct Part<'s> {
    pub what: Inside<'s>,
    /// What stands before the comma, where there is one.
    pub comma: Option<Gap<'s>>,
}

/// What can stand between commas.
#[derive(Clone, Debug)]
pub(super) enum Inside<'s> {
    Item(Item<'s>),
    Pair(Box<Entry<'s>>),
}

/// A whole text.
#[derive(Clone, Debug, Default)]
pub(super) struct Document<'s> {
    pub directives: Vec<(Gap<'s>, &'s str)>,
    /// What stands before `---`, where it is written.
    pub start: Option<Gap<'s>>,
    pub root: Option<Node<'s>>,
    /// What stands before each `...`.
    pub ends: Vec<Gap<'s>>,
    pub tail: Gap<'s>,
}

type Read<T> = Result<T, String>;

/// Reads the tree. `renames` are the starts of scalars with their new texts, in order.
pub(super) fn read<'s>(
    text: &'s str,
    said: &'s [Said<'s>],
    renames: &'s [(usize, &'s str)],
) -> Read<Document<'s>> {
    let mut reader = Reader { text, said, renames, next: 0, at: 0, gap: None, line: (0, 0) };
    let mut document = Document::default();
    if let Some(What::Document(explicit)) = reader.said.first().map(|said| &said.what) {
        reader.next = 1;
        while reader.peek() == Some('%') {
            let gap = reader.take_gap();
            let line = reader.rest().lines().next().unwrap_or_default();
            reader.at += line.len();
            document.directives.push((gap, line.trim_end()));
        }
        if *explicit {
            document.start = Some(reader.take_gap());
            reader.token("---")?;
        }
        document.root = Some(reader.node(Around { column: None, flow: false })?);
    }
    while reader.peek() == Some('.') {
        document.ends.push(reader.take_gap());
        reader.token("...")?;
    }
    document.tail = reader.take_gap();
    if reader.at < text.len() || reader.next < said.len() {
        return Err(reader.lost("the end"));
    }
    Ok(document)
}

/// What a value stands in.
#[derive(Clone, Copy)]
struct Around {
    /// The column of the innermost collection that has no brackets.
    column: Option<usize>,
    flow: bool,
}

struct Reader<'s> {
    text: &'s str,
    said: &'s [Said<'s>],
    renames: &'s [(usize, &'s str)],
    next: usize,
    /// The end of the last piece, or the start of the next one where the gap between them has been looked at.
    at: usize,
    gap: Option<Gap<'s>>,
    /// The start of a line, and up to where it is known that no other line starts.
    line: (usize, usize),
}

impl<'s> Reader<'s> {
    fn lost(&self, expected: &str) -> String {
        let line = 1 + self.text[..self.at].matches('\n').count();
        format!("{expected} was expected (line {line})")
    }

    fn rest(&self) -> &'s str {
        &self.text[self.at..]
    }

    /// The start of the line of a place, which is never before the last one that was asked for.
    fn line_start(&mut self, at: usize) -> usize {
        if let Some(newline) = self.text[self.line.1..at].rfind('\n') {
            self.line.0 = self.line.1 + newline + 1;
        }
        self.line.1 = at;
        self.line.0
    }

    fn column(&mut self, at: usize) -> usize {
        self.text[self.line_start(at)..at].chars().count()
    }

    /// Whether nothing stands before a place on its line, and whether the line before that is blank.
    fn lead(&mut self, at: usize) -> (bool, bool) {
        let start = self.line_start(at);
        let newline = self.text[start..at].trim_start_matches('\u{feff}').trim().is_empty();
        let before = self.text[..start].strip_suffix('\n').unwrap_or_default();
        let before = &before[before.rfind('\n').map_or(0, |newline| newline + 1)..];
        let blank = newline && start > 0 && before.trim().is_empty();
        (newline, blank)
    }

    /// Reads what stands before the next piece.
    fn look(&mut self) -> &mut Gap<'s> {
        let mut at = self.at;
        let text = self.text;
        if self.gap.is_none() {
            let mut gap = Gap::default();
            loop {
                let rest = &text[at..];
                let skipped = rest.trim_start_matches([' ', '\t', '\n', '\u{feff}']);
                at += rest.len() - skipped.len();
                let (newline, blank) = self.lead(at);
                if !skipped.starts_with('#') {
                    (gap.newline, gap.blank) = (newline, blank);
                    break;
                }
                let line = skipped.lines().next().unwrap_or_default();
                let (own_line, column) = (newline, self.column(at));
                gap.comments.push(Comment { text: line.trim_end(), own_line, blank, column });
                at += line.len();
            }
            self.at = at;
            self.gap = Some(gap);
        }
        self.gap.get_or_insert_default()
    }

    fn take_gap(&mut self) -> Gap<'s> {
        self.look();
        self.gap.take().unwrap_or_default()
    }

    /// Takes the comments that stand before the next piece as long as they belong to what stands before them: those on
    /// its line, and those at `least` this column.
    fn comments_from(&mut self, least: usize) -> Vec<Comment<'s>> {
        let gap = self.look();
        let end = gap.comments.iter().position(|c| c.own_line && c.column < least);
        gap.comments.drain(..end.unwrap_or(gap.comments.len())).collect()
    }

    /// The first character of the next piece.
    fn peek(&mut self) -> Option<char> {
        self.look();
        self.rest().chars().next()
    }

    /// Whether the next piece is this indicator, and not the beginning of a word.
    fn is_indicator(&mut self, indicator: char) -> bool {
        self.look();
        let mut chars = self.rest().chars();
        chars.next() == Some(indicator) && chars.next().is_none_or(char::is_whitespace)
    }

    fn token(&mut self, token: &str) -> Read<()> {
        if self.gap.is_some() || !self.rest().starts_with(token) {
            return Err(self.lost(&format!("`{token}`")));
        }
        self.at += token.len();
        Ok(())
    }

    fn what(&self) -> Option<&'s What<'s>> {
        self.said.get(self.next).map(|said| &said.what)
    }

    fn is_end(&mut self) -> bool {
        let end = matches!(self.what(), Some(What::End));
        self.next += usize::from(end);
        end
    }

    fn node(&mut self, around: Around) -> Read<Node<'s>> {
        let said = self.said.get(self.next).ok_or_else(|| self.lost("a value"))?;
        self.next += 1;
        let mut node = Node::default();
        for _ in 0..usize::from(said.tag.is_some()) + usize::from(said.anchor.is_some()) {
            let first = self.peek();
            let gap = self.take_gap();
            let length = match (first, said.tag, &said.anchor) {
                (Some('!'), Some(tag), _) => tag.len(),
                (Some('&'), _, Some(name)) => 1 + name.len(),
                _ => return Err(self.lost("a tag or an anchor")),
            };
            let property = self.rest().get(..length).ok_or_else(|| self.lost("a tag or an anchor"))?;
            node.properties.push((gap, property));
            self.at += length;
        }
        match &said.what {
            What::Scalar(value, style) => {
                let plain = *style == ScalarStyle::Plain;
                if plain && said.at.is_empty() {
                    if !around.flow {
                        node.gap.comments = self.comments_from(around.column.map_or(0, |column| column + 1));
                    }
                    return Ok(node);
                }
                node.gap = self.take_gap();
                node.body = match style {
                    ScalarStyle::Literal | ScalarStyle::Folded => {
                        let (block, length) = scalar::block(self.rest(), around.column, value)
                            .ok_or_else(|| self.lost("`|` or `>`"))?;
                        self.at += length;
                        Body::Block(block)
                    }
                    ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                        self.word(said, plain)?
                    }
                };
            }
            What::Alias(alias, _) => {
                node.gap = self.take_gap();
                self.token(alias)?;
                node.body = Body::Word(Cow::Borrowed(alias));
            }
            What::Sequence { flow: true } | What::Mapping { flow: true } => {
                node.gap = self.take_gap();
                let mapping = matches!(said.what, What::Mapping { .. });
                node.body = Body::Flow(self.flow(mapping, around)?);
                let beside = self.look().comments.first().is_some_and(|comment| !comment.own_line);
                if beside && !around.flow {
                    node.trailing = self.look().comments.drain(..1).next();
                }
            }
            What::Sequence { flow: false } => {
                node.gap = self.take_gap();
                node.body = self.sequence(around)?;
            }
            What::Mapping { flow: false } => {
                node.gap = self.take_gap();
                node.body = self.mapping(around)?;
            }
            What::End | What::Document(_) => return Err(self.lost("a value")),
        }
        Ok(node)
    }

    /// A scalar that is plain or in quotes.
    fn word(&mut self, said: &Said<'s>, plain: bool) -> Read<Body<'s>> {
        let written = self.text.get(said.at.clone()).filter(|_| self.at == said.at.start);
        let written = written.ok_or_else(|| self.lost("a scalar"))?;
        let written = if plain { written.trim_end_matches([' ', '\t', '\n']) } else { written };
        self.at += written.len();
        if let Ok(found) = self.renames.binary_search_by_key(&said.at.start, |rename| rename.0) {
            let name = self.renames[found].1;
            let quote = written.chars().next().filter(|_| !plain).map(String::from).unwrap_or_default();
            return Ok(Body::Word(Cow::Owned(format!("{quote}{name}{quote}"))));
        }
        if !written.contains('\n') {
            return Ok(Body::Word(Cow::Borrowed(written)));
        }
        Ok(Body::Lines(scalar::lines(written, written.starts_with('"'))))
    }

    /// The column that comments after a collection have at least if they belong to it: they stand right of what it stands in.
    fn least_column(around: Around, own: usize) -> usize {
        own.max(around.column.map_or(0, |column| column + 1))
    }

    fn sequence(&mut self, around: Around) -> Read<Body<'s>> {
        let column = self.column(self.at);
        let mut items = Vec::new();
        while !self.is_end() {
            let gap = if items.is_empty() { Gap::default() } else { self.take_gap() };
            self.token("-")?;
            let node = self.node(Around { column: Some(column), flow: false })?;
            items.push(Item { gap, node });
        }
        Ok(Body::Sequence(items, self.comments_from(Self::least_column(around, column))))
    }

    fn mapping(&mut self, around: Around) -> Read<Body<'s>> {
        let column = self.column(self.at);
        let inside = Around { column: Some(column), flow: false };
        let mut entries = Vec::new();
        while !self.is_end() {
            let explicit = self.is_indicator('?');
            let gap = if entries.is_empty() { Gap::default() } else { self.take_gap() };
            // The gap before the first key is that before the mapping.
            self.gap = None;
            entries.push(self.entry(gap, explicit, inside)?);
        }
        Ok(Body::Mapping(entries, self.comments_from(Self::least_column(around, column))))
    }

    fn entry(&mut self, gap: Gap<'s>, explicit: bool, around: Around) -> Read<Entry<'s>> {
        if explicit {
            self.token("?")?;
        }
        let key = self.node(around)?;
        let has_colon = if around.flow {
            self.peek() == Some(':')
        } else {
            // Behind a key within a key may stand the colon of the outer one.
            self.is_indicator(':') && (!explicit || around.column == Some(self.column(self.at)))
        };
        let colon = if has_colon {
            let gap = self.take_gap();
            self.token(":")?;
            Some(gap)
        } else {
            None
        };
        // Without a colon nothing of what follows belongs to the value.
        let value = match (&colon, self.what()) {
            (None, Some(What::Scalar(..))) => {
                self.next += 1;
                Node::default()
            }
            (None, _) => return Err(self.lost("`:`")),
            (Some(_), _) => self.node(around)?,
        };
        Ok(Entry { gap, explicit, key, colon, value })
    }

    fn flow(&mut self, mapping: bool, around: Around) -> Read<Flow<'s>> {
        let around = Around { flow: true, ..around };
        let (open, close) = if mapping { ("{", "}") } else { ("[", "]") };
        self.token(open)?;
        let mut parts = Vec::new();
        while !self.is_end() {
            let explicit = self.is_indicator('?');
            let gap = self.take_gap();
            // A pair in a list is a mapping without brackets.
            let is_pair = self.said.get(self.next).is_some_and(|said| {
                matches!(said.what, What::Mapping { flow: true }) && (explicit || said.at.is_empty())
            });
            let what = if mapping {
                Inside::Pair(Box::new(self.entry(gap, explicit, around)?))
            } else if is_pair {
                self.next += 1;
                let entry = self.entry(gap, explicit, around)?;
                if !self.is_end() {
                    return Err(self.lost("the end of a pair"));
                }
                Inside::Pair(Box::new(entry))
            } else {
                // What stands before the item stands before its first piece.
                Inside::Item(Item { gap, node: self.node(around)? })
            };
            let comma = if self.peek() == Some(',') {
                let gap = self.take_gap();
                self.token(",")?;
                Some(gap)
            } else {
                None
            };
            parts.push(Part { what, comma });
        }
        let end = self.take_gap();
        self.token(close)?;
        Ok(Flow { mapping, parts, end })
    }
}
