//! Scalars: plain and quoted ones of one line, and block scalars.

use super::{Reader, is_end};
use crate::yaml::load::size_of_scalar;
use crate::yaml::tree::Content;

/// What a byte can mean inside of a plain scalar.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Nothing: it is text.
    Text,
    /// It may end the scalar.
    Stop,
    /// It ends the scalar inside of a flow collection.
    Flow,
}

const ROLES: [Role; 256] = {
    let mut roles = [Role::Text; 256];
    let (stops, flows) = (b"\0\n\t :", b",[]{}");
    let mut at = 0;
    while at < 5 {
        roles[stops[at] as usize] = Role::Stop;
        roles[flows[at] as usize] = Role::Flow;
        at += 1;
    }
    roles
};

impl Reader<'_> {
    /// Reads a plain or quoted scalar of one line, and goes to its end.
    pub(super) fn scalar(&mut self, flow: bool) -> Option<()> {
        match self.peek() {
            b'\'' => self.single_quoted(),
            b'"' => self.double_quoted(),
            _ => self.plain(flow),
        }
    }

    fn plain(&mut self, flow: bool) -> Option<()> {
        let start = self.at;
        match self.peek() {
            b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>'
            | b'%' | b'@' | b'`' | b'\0' | b'\n' | b'\t' | b' ' => return None,
            b'-' if matches!(
                self.byte(start + 1),
                b' ' | b'\n' | b'\0' | b',' | b'[' | b']' | b'{' | b'}'
            ) =>
            {
                return None;
            }
            _ => {}
        }
        let mut at = start;
        let end = loop {
            let byte = self.byte(at);
            match ROLES[byte as usize] {
                Role::Text => at += 1,
                Role::Flow if flow => break at,
                Role::Flow => at += 1,
                Role::Stop => match byte {
                    b':' if self.ends_key(at, flow) => break at,
                    b':' => at += 1,
                    b' ' => {
                        let blank = at;
                        while self.byte(at) == b' ' {
                            at += 1;
                        }
                        match self.byte(at) {
                            b'#' | b'\n' | b'\0' => break blank,
                            b':' if self.ends_key(at, flow) => break blank,
                            b',' | b'[' | b']' | b'{' | b'}' if flow => break blank,
                            _ => {}
                        }
                    }
                    b'\t' => return None,
                    _ => break at,
                },
            }
        };
        self.at = end;
        self.push((start, end), Content::Plain, size_of_scalar(&self.tree.text[start..end]))
    }

    /// Whether the colon at this place ends a plain scalar.
    fn ends_key(&self, colon: usize, flow: bool) -> bool {
        match self.byte(colon + 1) {
            b' ' | b'\t' | b'\n' | b'\0' => true,
            b',' | b'[' | b']' | b'{' | b'}' => flow,
            _ => false,
        }
    }

    fn single_quoted(&mut self) -> Option<()> {
        let start = self.at;
        let mut owned: Option<String> = None;
        let mut from = start + 1;
        let mut at = from;
        loop {
            match self.byte(at) {
                b'\n' | b'\0' => return None,
                b'\'' if self.byte(at + 1) == b'\'' => {
                    owned.get_or_insert_default().push_str(&self.tree.text[from..=at]);
                    at += 2;
                    from = at;
                }
                b'\'' => break,
                _ => at += 1,
            }
        }
        self.quoted((start, at + 1), owned, from)
    }

    fn double_quoted(&mut self) -> Option<()> {
        let start = self.at;
        let mut owned: Option<String> = None;
        let mut from = start + 1;
        let mut at = from;
        loop {
            match self.byte(at) {
                b'\n' | b'\0' => return None,
                b'"' => break,
                b'\\' => {
                    let text = owned.get_or_insert_default();
                    text.push_str(&self.tree.text[from..at]);
                    text.push(match self.byte(at + 1) {
                        b'n' => '\n',
                        b't' => '\t',
                        b'r' => '\r',
                        b'"' => '"',
                        b'/' => '/',
                        b'\\' => '\\',
                        _ => return None,
                    });
                    at += 2;
                    from = at;
                }
                _ => at += 1,
            }
        }
        self.quoted((start, at + 1), owned, from)
    }

    /// Takes a quoted scalar in, whose text after its last escape begins at `from`.
    fn quoted(&mut self, (start, end): (usize, usize), owned: Option<String>, from: usize) -> Option<()> {
        self.at = end;
        match owned {
            Some(mut text) => {
                text.push_str(&self.tree.text[from..end - 1]);
                self.text((start, end), text)
            }
            None => {
                let size = size_of_scalar(&self.tree.text[start + 1..end - 1]);
                self.push((start, end), Content::Quoted, size)
            }
        }
    }

    /// Reads `|` or `>` inside of a collection at `column`, and goes to the token after it.
    pub(super) fn block_scalar(&mut self, column: usize) -> Option<()> {
        let folded = self.peek() == b'>';
        self.at += 1;
        let chomping = self.peek();
        if matches!(chomping, b'-' | b'+') {
            self.at += 1;
        }
        if !self.skip_to_end_of_line()? || self.peek() == b'\0' {
            return None;
        }
        self.skip_line();
        self.skip_spaces();
        let (start, indent) = (self.at, self.column());
        // Without a first line, or with an empty one, the indentation is told by more than one line.
        if indent <= column || is_end(self.peek()) || self.peek() == b'\t' {
            return None;
        }
        let mut text = String::new();
        let (mut breaks, mut leading_blank) = (0, false);
        while self.column() == indent && self.peek() != b'\0' {
            let blank = matches!(self.peek(), b' ' | b'\t');
            if self.at > start {
                let folds = folded && !leading_blank && !blank;
                match (folds, breaks) {
                    (true, 0) => text.push(' '),
                    (true, _) => {}
                    (false, _) => text.push('\n'),
                }
            }
            text.extend(std::iter::repeat_n('\n', breaks));
            (breaks, leading_blank) = (0, blank);
            let end = self.end_of_line();
            text.push_str(&self.tree.text[self.at..end]);
            self.at = end;
            if self.peek() == b'\0' {
                break;
            }
            self.skip_line();
            loop {
                while self.column() < indent && self.peek() == b' ' {
                    self.at += 1;
                }
                if self.peek() != b'\n' {
                    break;
                }
                self.skip_line();
                breaks += 1;
            }
        }
        if chomping != b'-' {
            text.push('\n');
        }
        if chomping == b'+' {
            text.extend(std::iter::repeat_n('\n', breaks));
        }
        self.text((start, self.at), text)?;
        self.skip_to_token()
    }
}
