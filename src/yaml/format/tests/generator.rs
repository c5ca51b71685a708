//! Random YAML as nobody would write it: every style inside every other, comments and white space wherever they may stand.

use crate::base::rng::Rng;

/// Writes one text. Most of them are YAML.
pub(super) struct Generator {
    rng: Rng,
    out: String,
    comments: u32,
    anchors: u32,
}

const PLAIN: [&str; 16] = [
    "a",
    "b c",
    "12",
    "true",
    "~",
    "x#y",
    "a:b",
    "-1",
    "http://h:1/p?q#f",
    "ü日本",
    "1.50",
    "- no",
    "null",
    "it's",
    "a, b",
    "[z",
];
const QUOTED: [&str; 14] = [
    "\"\"",
    "''",
    "'it''s'",
    "\"a \\\"b\\\" \\n c\"",
    "'# no'",
    "\"a: b\"",
    "\"- x\"",
    "'a\n\n   b'",
    "\"a \\\n     b\"",
    "\"a \n  b \\ \n   \\ c\"",
    "\"x\n # no\n  y\"",
    "'a   \n\t b'",
    "\"\\t\\\\ \n\n  z\"",
    "\" a\n  \"",
];
const KEYS: [&str; 12] = [
    "a",
    "b",
    "key with spaces",
    "\"quoted: key\"",
    "'k'",
    "run",
    "depends_on",
    "0",
    "x-y",
    "ü",
    "\"# k\"",
    "a.b",
];
const TAGS: [&str; 4] = ["!!str", "!include", "!", "!<tag:x,2000:y#z>"];

impl Generator {
    pub(super) fn text(seed: u64) -> String {
        let mut generator = Self { rng: Rng::of_parts(&[seed]), out: String::new(), comments: 0, anchors: 0 };
        generator.document();
        let mut text = generator.out;
        if generator.rng.chance(6) {
            text = text.replace('\n', "\r\n");
        }
        if generator.rng.chance(4) {
            text.insert(0, '\u{feff}');
        }
        if generator.rng.chance(10) {
            text = text.trim_end_matches('\n').to_owned();
        }
        text
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.rng.below(of.len() as u64)).unwrap()]
    }

    fn up_to(&mut self, most: u64) -> usize {
        usize::try_from(self.rng.below(most + 1)).unwrap()
    }

    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn document(&mut self) {
        if self.rng.chance(3) {
            self.put("%YAML 1.2 # d\n---");
            self.gap(0);
        } else if self.rng.chance(15) {
            self.lines(0);
            self.put("---");
            self.gap(0);
        } else {
            self.lines(0);
        }
        if self.rng.chance(2) {
            return;
        }
        let at = self.up_to(2);
        if self.rng.chance(80) {
            self.ensure_line(0);
            self.block_mapping(if self.rng.clone().chance(80) { 0 } else { at }, 0);
        } else {
            self.value(0, 0, true);
        }
        self.ensure_line(0);
        self.lines(0);
        if self.rng.chance(4) {
            self.put("...\n");
            self.lines(0);
        }
    }

    /// Ends the line if one was begun.
    fn ensure_line(&mut self, indent: usize) {
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.gap(indent);
            if !self.out.ends_with('\n') {
                self.put("\n");
            }
        }
    }

    /// The end of a line, with a comment or without.
    fn gap(&mut self, indent: usize) {
        let space = [" ", "  ", "\t", "      "];
        if self.rng.chance(20) {
            let before = self.pick(&space);
            self.put(before);
        }
        if self.rng.chance(20) {
            self.comment(" ");
        }
        self.put("\n");
        self.lines(indent);
    }

    fn comment(&mut self, before: &str) {
        self.comments += 1;
        let mark = self.pick(&["# ", "#", "#! ", "## - k: [", "# \" ' "]);
        let after = self.pick(&["", "  ", "\t"]);
        self.put(&format!("{before}{mark}c{}{after}", self.comments));
    }

    /// Whole lines that say nothing.
    fn lines(&mut self, indent: usize) {
        while self.rng.chance(15) {
            if self.rng.chance(50) {
                let blank = self.pick(&["\n", "  \n", "\n\n\n"]);
                self.put(blank);
            } else {
                let column = if self.rng.chance(60) { indent } else { self.up_to(8) };
                self.comment(&" ".repeat(column));
                self.put("\n");
            }
        }
    }

    fn properties(&mut self) -> bool {
        let mut some = false;
        if self.rng.chance(5) {
            let tag = self.pick(&TAGS);
            self.put(tag);
            self.put(" ");
            some = true;
        }
        if self.rng.chance(5) {
            self.anchors += 1;
            let name = format!("&n{} ", self.anchors);
            self.put(&name);
            some = true;
        }
        some
    }

    /// A value behind an indicator, whose lines stand right of `indent`.
    fn value(&mut self, indent: usize, depth: u64, compact: bool) {
        let space = self.pick(&[" ", " ", " ", "  ", "   ", "\t"]);
        let step = 1 + self.up_to(4);
        let kind = self.rng.below(if depth > 4 { 60 } else { 100 });
        match kind {
            0..8 => {}
            8..36 => {
                if self.rng.chance(12) {
                    self.gap(indent + step);
                    self.put(&" ".repeat(indent + step));
                } else {
                    self.put(space);
                }
                self.properties();
                self.scalar(indent + step);
            }
            36..44 => {
                self.put(space);
                self.block_scalar(indent);
            }
            44..60 => {
                if self.rng.chance(12) {
                    self.gap(indent + step);
                    self.put(&" ".repeat(indent + step));
                } else {
                    self.put(space);
                }
                self.properties();
                self.flow(indent + 1, depth + 1);
            }
            60..80 => {
                if compact && self.rng.chance(60) {
                    let spaces = 1 + self.up_to(3);
                    self.put(&" ".repeat(spaces));
                    self.block_mapping_from(indent + 1 + spaces, depth + 1);
                } else {
                    self.put(" ");
                    self.properties();
                    self.gap(indent + step);
                    if !self.out.ends_with('\n') {
                        self.put("\n");
                    }
                    self.block_mapping(indent + step, depth + 1);
                }
            }
            _ => {
                if compact && self.rng.chance(40) {
                    self.put(" ");
                    self.block_sequence_from(indent + 2, depth + 1);
                } else {
                    self.put(" ");
                    self.properties();
                    self.gap(indent);
                    let column = if compact || self.rng.chance(60) { indent + step } else { indent };
                    self.block_sequence(column, depth + 1);
                }
            }
        }
    }

    fn block_mapping(&mut self, column: usize, depth: u64) {
        self.put(&" ".repeat(column));
        self.block_mapping_from(column, depth);
    }

    fn block_mapping_from(&mut self, column: usize, depth: u64) {
        let count = 1 + self.up_to(4);
        for at in 0..count {
            if at > 0 {
                self.ensure_line(column);
                self.put(&" ".repeat(column));
            }
            if self.rng.chance(4) {
                self.put("?");
                self.value(column, depth + 1, true);
                if self.rng.chance(80) {
                    self.ensure_line(column);
                    self.put(&" ".repeat(column));
                    self.put(":");
                    self.value(column, depth + 1, true);
                }
                continue;
            }
            self.properties();
            let key = match self.rng.below(20) {
                0 => self.pick(&["[a, b]", "{a: b}", "*n1 ", "<<"]),
                _ => self.pick(&KEYS),
            };
            self.put(key);
            let space = self.pick(&["", "", "", " ", "\t"]);
            self.put(space);
            self.put(":");
            self.value(column, depth, false);
        }
    }

    fn block_sequence(&mut self, column: usize, depth: u64) {
        self.put(&" ".repeat(column));
        self.block_sequence_from(column, depth);
    }

    fn block_sequence_from(&mut self, column: usize, depth: u64) {
        let count = 1 + self.up_to(3);
        for at in 0..count {
            if at > 0 {
                self.ensure_line(column);
                self.put(&" ".repeat(column));
            }
            self.put("-");
            self.value(column, depth, true);
        }
    }

    fn scalar(&mut self, indent: usize) {
        let pad = " ".repeat(indent);
        match self.rng.below(10) {
            0..5 => {
                let word = self.pick(&PLAIN);
                self.put(word);
            }
            5 => {
                let more = self.pick(&["- x", "#no", "c", "d: e", "? f", "g   ", "\n\nh"]);
                self.put(&format!("a b  \n{pad}{more}\n{pad}   z"));
            }
            6 => {
                let length = 40 + self.up_to(80);
                self.put(&"long ".repeat(length / 5));
                self.put("x");
            }
            7 if self.anchors > 0 => {
                let alias = format!("*n{}", 1 + self.rng.below(u64::from(self.anchors)));
                self.put(&alias);
            }
            _ => {
                let quoted = self.pick(&QUOTED).replace('\n', &format!("\n{pad}"));
                self.put(&quoted);
            }
        }
    }

    fn block_scalar(&mut self, indent: usize) {
        let style = self.pick(&["|", ">"]);
        let chomp = self.pick(&["", "-", "+"]);
        let numbered = self.rng.chance(20);
        let step = 1 + self.up_to(3);
        let number = if numbered { step.to_string() } else { String::new() };
        self.put(&format!("{style}{number}{chomp}"));
        if self.rng.chance(15) {
            self.comment(" ");
        }
        self.put("\n");
        let pad = " ".repeat(indent + step);
        for at in 0..self.up_to(4) {
            let line = self.pick(&["x", "# no", "  more", "", "\t", "", "- a: b", "y  ", "   "]);
            let line = if at == 0 && !numbered { line.trim_start() } else { line };
            let text = if line.is_empty() { "\n".to_owned() } else { format!("{pad}{line}\n") };
            self.put(&text);
        }
        if self.rng.chance(30) {
            self.put("\n\n");
        }
    }

    /// White space, line ends and comments between pieces in brackets.
    fn inner_gap(&mut self, indent: usize) {
        match self.rng.below(20) {
            0..9 => {}
            9..14 => self.put(" "),
            14 => self.put("   "),
            15..18 => {
                self.put("\n");
                self.put(&" ".repeat(indent + self.up_to_clone(5)));
            }
            18 => {
                self.comment(" ");
                self.put("\n");
                self.put(&" ".repeat(indent));
            }
            _ => {
                self.put("\n");
                self.comment(&" ".repeat(indent));
                self.put("\n\n");
                self.put(&" ".repeat(indent));
            }
        }
    }

    fn up_to_clone(&self, most: u64) -> usize {
        usize::try_from(self.rng.clone().below(most + 1)).unwrap()
    }

    fn flow(&mut self, indent: usize, depth: u64) {
        let mapping = self.rng.chance(50);
        self.put(if mapping { "{" } else { "[" });
        let count = self.up_to(if depth > 5 { 1 } else { 5 });
        for at in 0..count {
            self.inner_gap(indent);
            if mapping || self.rng.chance(15) {
                if self.rng.chance(3) {
                    self.put("? ");
                }
                self.properties();
                let key = self.pick(&KEYS);
                self.put(key);
                if self.rng.chance(92) || !mapping {
                    let before = self.pick(&["", "", "", " "]);
                    self.put(before);
                    self.put(":");
                    self.put(" ");
                    self.inner_gap(indent);
                    if self.rng.chance(90) {
                        self.flow_value(indent, depth);
                    }
                }
            } else {
                self.flow_value(indent, depth);
            }
            self.inner_gap(indent);
            if at + 1 < count || self.rng.chance(10) {
                self.put(",");
                if self.rng.chance(50) {
                    self.put(" ");
                }
            }
        }
        self.inner_gap(indent);
        self.put(if mapping { "}" } else { "]" });
    }

    fn flow_value(&mut self, indent: usize, depth: u64) {
        self.properties();
        if depth < 6 && self.rng.chance(30) {
            self.flow(indent, depth + 1);
        } else {
            self.scalar(indent);
        }
    }
}
