//! Regular expressions of Python as patterns of files that fit the same files.
//!
//! An expression is taken apart to sequences of what it can consist of, one for each of its alternatives; a sequence
//! becomes patterns by what stands between its slashes. What no pattern can say is refused with its reason: a pattern
//! that only nearly fits would check other files than before, and nobody would see that.

use std::fmt::Write as _;

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look};

/// The most patterns that one expression becomes.
const MOST: usize = 256;

/// The most repetitions that are written out.
const MOST_REPEATED: u32 = 8;

/// What a sequence consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// The beginning of the path.
    Start,
    /// The end of the path.
    End,
    /// A part of the name of a folder or file.
    Piece(Piece),
    /// `/`.
    Slash,
    /// Any text, with and without slashes.
    Any,
}

/// A part of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Char(char),
    /// A set of characters, as patterns write it.
    Set(String),
    /// One character, whichever it is.
    One,
    /// Any text.
    Star,
}

/// What stands between two slashes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// Any number of folders, also none.
    Deep,
    Name(Vec<Piece>),
}

/// The patterns that fit what an expression is found in; none where it is found nowhere.
///
/// # Errors
///
/// With what no pattern can say.
pub(super) fn globs(expression: &str) -> Result<Vec<String>, String> {
    let ported = ported(expression)?;
    let hir = regex_syntax::ParserBuilder::new().nest_limit(64).build().parse(&ported);
    let hir = hir.map_err(|error| match &error {
        regex_syntax::Error::Parse(error) => error.kind().to_string(),
        _ => "it is no regular expression".to_owned(),
    })?;
    let mut found: Vec<Vec<Segment>> = Vec::new();
    for sequence in sequences(&hir)? {
        for path in paths(&sequence)? {
            if !found.contains(&path) {
                found.push(path);
            }
        }
    }
    merge(&mut found);
    Ok(found.iter().map(|path| written(path)).collect())
}

/// The same expression for a parser that is not Python's. What both read, but not as the same, is written otherwise.
fn ported(expression: &str) -> Result<String, String> {
    let flags = expression.strip_prefix("(?").and_then(|rest| rest.split_once(')'));
    let is_verbose =
        flags.is_some_and(|(flags, _)| flags.contains('x') && flags.bytes().all(|b| b.is_ascii_alphabetic()));
    let mut out = String::new();
    let mut rest = expression.chars().peekable();
    // Where in a set of characters it stands.
    let mut set: Option<usize> = None;
    while let Some(c) = rest.next() {
        match (c, set) {
            ('\\', _) => match (rest.next(), set) {
                (Some('d'), None) => out.push_str("[0-9]"),
                (Some('d'), Some(_)) => out.push_str("0-9"),
                (Some('Z'), None) => out.push_str(r"\z"),
                (Some(c @ ('<' | '>')), _) => out.push(c),
                (Some(c @ ('z' | 'p' | 'P' | 'h' | 'H' | 'R' | 'K' | 'Q')), _) => {
                    return Err(format!(r"`\{c}` is nothing that Python knows"));
                }
                (Some(c), _) => out.extend(['\\', c]),
                (None, _) => return Err("it ends with a backslash".to_owned()),
            },
            ('#', None) if is_verbose => while rest.next_if(|c| *c != '\n').is_some() {},
            ('[', None) => {
                out.push('[');
                if let Some(not) = rest.next_if_eq(&'^') {
                    out.push(not);
                }
                // The first bracket of a set is one of its characters.
                if rest.next_if_eq(&']').is_some() {
                    out.push_str(r"\]");
                }
                set = Some(out.len());
            }
            (']', Some(_)) => {
                set = None;
                out.push(']');
            }
            ('[' | '&' | '~', Some(_)) => out.extend(['\\', c]),
            ('-', Some(_)) if rest.peek() == Some(&'-') => return Err("`--` in a set".to_owned()),
            (' ' | '#' | '\t' | '\n' | '\r', Some(_)) => _ = write!(out, r"\x{:02x}", u32::from(c)),
            _ => out.push(c),
        }
        set = set.map(|_| out.len());
    }
    Ok(out)
}

/// All alternatives of an expression.
fn sequences(hir: &Hir) -> Result<Vec<Vec<Token>>, String> {
    let one = |token| Ok(vec![vec![token]]);
    match hir.kind() {
        HirKind::Empty => Ok(vec![Vec::new()]),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).map_err(|_| "it is not text".to_owned())?;
            let token = |c| if c == '/' { Token::Slash } else { Token::Piece(Piece::Char(c)) };
            Ok(vec![text.chars().map(token).collect()])
        }
        HirKind::Look(Look::Start) => one(Token::Start),
        HirKind::Look(Look::End) => one(Token::End),
        HirKind::Look(Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF) => {
            Err("it looks at lines, and paths have none".to_owned())
        }
        HirKind::Look(_) => Err("it looks for the edges of words".to_owned()),
        HirKind::Class(Class::Unicode(class)) => Ok(members(class)?.into_iter().map(|t| vec![t]).collect()),
        HirKind::Class(Class::Bytes(_)) => Err("it is about bytes".to_owned()),
        HirKind::Capture(capture) => sequences(&capture.sub),
        HirKind::Alternation(all) => {
            let mut found = Vec::new();
            for one in all {
                found.extend(sequences(one)?);
            }
            few(found)
        }
        HirKind::Concat(all) => {
            let mut found = vec![Vec::new()];
            for next in all {
                found = joined(&found, &sequences(next)?)?;
            }
            Ok(found)
        }
        HirKind::Repetition(repeated) => {
            let once = sequences(&repeated.sub)?;
            let last = match (any(&once), repeated.max) {
                (_, Some(max)) if max <= MOST_REPEATED => {
                    let mut all = Vec::new();
                    for times in repeated.min..=max {
                        all.extend(times_over(&once, times)?);
                    }
                    return few(all);
                }
                (Some(any), None) if repeated.min <= MOST_REPEATED => any,
                _ => return Err("it repeats something that a pattern cannot repeat".to_owned()),
            };
            joined(&times_over(&once, repeated.min)?, &[vec![last]])
        }
    }
}

/// What stands for any number of these, where something does.
fn any(once: &[Vec<Token>]) -> Option<Token> {
    let one = vec![Token::Piece(Piece::One)];
    match once {
        [only] if *only == one => Some(Token::Piece(Piece::Star)),
        [first, second] if *first == one && *second == [Token::Slash] => Some(Token::Any),
        _ => None,
    }
}

fn times_over(once: &[Vec<Token>], times: u32) -> Result<Vec<Vec<Token>>, String> {
    (0..times).try_fold(vec![Vec::new()], |found, _| joined(&found, once))
}

fn joined(firsts: &[Vec<Token>], seconds: &[Vec<Token>]) -> Result<Vec<Vec<Token>>, String> {
    if firsts.len() * seconds.len() > MOST {
        return Err(too_many());
    }
    let all = firsts.iter().flat_map(|first| {
        seconds.iter().map(move |second| first.iter().chain(second).cloned().collect::<Vec<_>>())
    });
    Ok(all.collect())
}

fn few<T>(all: Vec<T>) -> Result<Vec<T>, String> {
    if all.len() > MOST { Err(too_many()) } else { Ok(all) }
}

fn too_many() -> String {
    format!("it has more than {MOST} alternatives")
}

/// What one character of a set can be: one of a name, and a slash.
fn members(class: &ClassUnicode) -> Result<Vec<Token>, String> {
    /// These are letters of the alphabet for those who do not mind case.
    const FOLDED: [char; 2] = ['\u{17f}', '\u{212a}'];
    let has = |c: char| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&c));
    let beyond: Vec<_> = class.ranges().iter().filter(|range| !range.end().is_ascii()).collect();
    let is_all = matches!(beyond[..], [range] if range.start() <= '\u{80}' && range.end() == char::MAX);
    let is_folded = |range: &&regex_syntax::hir::ClassUnicodeRange| {
        range.start() == range.end() && FOLDED.contains(&range.start())
    };
    if !is_all && !beyond.iter().all(is_folded) {
        return Err("it has a set of characters beyond ASCII".to_owned());
    }
    // No path is expected to have a line break.
    let in_names = |c: &char| !matches!(c, '/' | '\n' | '\0');
    let listed: Vec<char> =
        (0..128_u8).map(char::from).filter(in_names).filter(|c| has(*c) != is_all).collect();
    let mut found = Vec::new();
    match (listed.as_slice(), is_all) {
        ([], true) => found.push(Token::Piece(Piece::One)),
        ([], false) => {}
        ([only], false) => found.push(Token::Piece(Piece::Char(*only))),
        (listed, _) => found.push(Token::Piece(Piece::Set(set(listed, is_all)?))),
    }
    if has('/') {
        found.push(Token::Slash);
    }
    Ok(found)
}

/// A set as patterns write it, where nothing can be escaped: what would mean something stands where it does not.
fn set(listed: &[char], is_negated: bool) -> Result<String, String> {
    let mut text = String::from(if is_negated { "[!" } else { "[" });
    let marks = [']', '!', '^', '-'];
    if listed.contains(&']') {
        text.push(']');
    }
    let mut rest = listed.iter().copied().filter(|c| !marks.contains(c)).peekable();
    while let Some(first) = rest.next() {
        let mut last = first;
        while let Some(next) = rest.next_if(|next| {
            first.is_ascii_alphanumeric()
                && next.is_ascii_alphanumeric()
                && u32::from(*next) == u32::from(last) + 1
        }) {
            last = next;
        }
        text.push(first);
        match u32::from(last) - u32::from(first) {
            0 => {}
            1 => text.push(last),
            _ => text.extend(['-', last]),
        }
    }
    if is_negated {
        text.push('/');
    }
    if text == "[" && listed.contains(&'-') && listed.len() > 1 {
        return Err("it has a set of characters that no pattern can say".to_owned());
    }
    for mark in &marks[1..] {
        if listed.contains(mark) {
            if text == "[" {
                return Err("it has a set of characters that no pattern can say".to_owned());
            }
            text.push(*mark);
        }
    }
    text.push(']');
    Ok(text)
}

/// The paths that a sequence fits, each as what stands between its slashes; none where it fits nothing.
fn paths(sequence: &[Token]) -> Result<Vec<Vec<Segment>>, String> {
    let can_be_empty = |tokens: &[Token]| {
        tokens
            .iter()
            .all(|token| matches!(token, Token::Start | Token::End | Token::Any | Token::Piece(Piece::Star)))
    };
    let start = sequence.iter().rposition(|token| *token == Token::Start);
    let end = sequence.iter().position(|token| *token == Token::End);
    let before = &sequence[..start.unwrap_or(0)];
    let after = &sequence[end.unwrap_or(sequence.len())..];
    if !can_be_empty(before) || !can_be_empty(after) {
        return Ok(Vec::new());
    }
    let from = start.map_or(0, |at| at + 1);
    let to = end.unwrap_or(sequence.len());
    // An end before a start: only the empty path has that.
    let Some(inside) = sequence.get(from..to) else { return Ok(Vec::new()) };
    let mut tokens = Vec::new();
    let open = |is_open: bool| is_open.then_some(Token::Any);
    for token in open(start.is_none()).into_iter().chain(inside.iter().cloned()).chain(open(end.is_none())) {
        push(&mut tokens, token);
    }
    let mut done = vec![(Vec::new(), Vec::new())];
    for token in &tokens {
        let mut next: Vec<(Vec<Segment>, Vec<Piece>)> = Vec::new();
        for (mut path, mut name) in done {
            match token {
                Token::Start | Token::End => next.push((path, name)),
                Token::Piece(piece) => {
                    name.push(piece.clone());
                    next.push((path, name));
                }
                // No path has nothing between two slashes.
                Token::Slash if name.is_empty() => {}
                Token::Slash => {
                    path.push(Segment::Name(name));
                    next.push((path, Vec::new()));
                }
                Token::Any if name.is_empty() => {
                    path.push(Segment::Deep);
                    next.push((path, vec![Piece::Star]));
                }
                Token::Any => {
                    name.push(Piece::Star);
                    let deeper = [path.clone(), vec![Segment::Name(name.clone()), Segment::Deep]].concat();
                    next.push((path, name));
                    next.push((deeper, vec![Piece::Star]));
                }
            }
        }
        done = few(next)?;
    }
    let ended = done.into_iter().filter(|(_, name)| !name.is_empty());
    Ok(ended.map(|(path, name)| [path, vec![Segment::Name(name)]].concat()).collect())
}

/// Adds a token. Of two that stand for any text side by side one is enough, and it stands last.
fn push(tokens: &mut Vec<Token>, token: Token) {
    const STAR: Token = Token::Piece(Piece::Star);
    match (tokens.last(), &token) {
        (Some(Token::Any), Token::Any | Token::Piece(Piece::Star))
        | (Some(&STAR), Token::Piece(Piece::Star)) => {}
        (Some(&STAR), Token::Any) => {
            tokens.pop();
            tokens.push(token);
        }
        (Some(&STAR), Token::Piece(Piece::One)) => {
            tokens.pop();
            tokens.extend([token, STAR]);
        }
        _ => tokens.push(token),
    }
}

/// What fits below any folder, and what fits at the top, is one pattern together.
fn merge(paths: &mut Vec<Vec<Segment>>) {
    let below = [Segment::Deep, Segment::Name(vec![Piece::Star])];
    let mut at = 0;
    while at < paths.len() {
        let rest = paths[at].strip_prefix(&below).filter(|rest| !rest.is_empty()).map(<[Segment]>::to_vec);
        if let Some(rest) = rest
            && let Some(top) = paths.iter().position(|path| *path == rest)
        {
            paths[at] = [vec![Segment::Deep], rest].concat();
            paths.remove(top);
            at = 0;
        } else {
            at += 1;
        }
    }
}

/// A path as `files` and `exclude` of components write it: without a slash it fits names in every folder.
fn written(path: &[Segment]) -> String {
    let any = Segment::Name(vec![Piece::Star]);
    let name = |segment: &Segment| match segment {
        Segment::Deep => "**".to_owned(),
        Segment::Name(pieces) => pieces.iter().map(in_pattern).collect(),
    };
    match path {
        // A slash in a set counts for those who look for slashes, too.
        [Segment::Deep, only @ Segment::Name(_)] if !name(only).contains('/') => name(only),
        [only] => format!("/{}", name(only)),
        [rest @ .., Segment::Deep, last] if *last == any => {
            rest.iter().chain([&Segment::Deep]).map(name).collect::<Vec<_>>().join("/")
        }
        all => {
            let text = all.iter().map(name).collect::<Vec<_>>().join("/");
            if text.starts_with("./") { format!("/{text}") } else { text }
        }
    }
}

fn in_pattern(piece: &Piece) -> String {
    match piece {
        Piece::Char(c) if "*?[]{}\\".contains(*c) => format!("\\{c}"),
        Piece::Char(c) => c.to_string(),
        Piece::Set(set) => set.clone(),
        Piece::One => "?".to_owned(),
        Piece::Star => "*".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use globset::{GlobBuilder, GlobSetBuilder};

    use super::*;

    fn of(expression: &str) -> Vec<String> {
        globs(expression).unwrap_or_else(|why| panic!("{expression}: {why}"))
    }

    #[test]
    fn expressions_of_every_day_are_patterns_as_people_write_them() {
        for (expression, patterns) in [
            ("", &["*"][..]),
            (".*", &["*"]),
            ("^$", &[]),
            (r"\.py$", &["*.py"]),
            (r".*\.py$", &["*.py"]),
            (r"\.(js|jsx|tsx?)$", &["*.js", "*.jsx", "*.ts", "*.tsx"]),
            (r"\.ya?ml$", &["*.yml", "*.yaml"]),
            (r"^src/.*\.ts$", &["src/**/*.ts"]),
            (r"^docs/", &["docs/**"]),
            (r"(^|/)tests/", &["**/tests/**"]),
            (r"^setup\.py$", &["/setup.py"]),
            (
                r"(?x)^(
                a/b\.c   # one
                | d\.e   # [another
            )$",
                &["a/b.c", "/d.e"],
            ),
            (r"^src/[^/]+\.rs$", &["src/?*.rs"]),
            (r"(^|/)Dockerfile$", &["Dockerfile"]),
            (r"^\.github/workflows/.*$", &[".github/workflows/**"]),
            (r"Makefile", &["*Makefile*", "**/*Makefile*/**"]),
            (r"^a\[1\]\{x,y\}\*$", &[r"/a\[1\]\{x,y\}\*"]),
        ] {
            assert_eq!(of(expression), patterns, "{expression}");
        }
    }

    #[test]
    fn what_no_pattern_can_say_is_refused_with_its_reason() {
        for (expression, why) in [
            (r"^(?!vendor/).*\.py$", "look-around"),
            (r"^migrations/[0-9]+_.*\.py$", "repeats"),
            (r"\bfoo\b", "edges of words"),
            (r"(?m)^a$", "lines"),
            (r"[a-zé]\.py", "beyond ASCII"),
            (r"\w\.py", "beyond ASCII"),
            (r"(a", "unclosed"),
            (r"\p{L}", "Python"),
            (r"[a-z][a-z]?[abc]{9,12}", "repeats"),
            (r"[!^-]x", "no pattern can say"),
        ] {
            let told = globs(expression).unwrap_err();
            assert!(told.contains(why), "{expression}: {told}");
        }
        let many: Vec<String> = (0..300).map(|n| format!("f{n}x")).collect();
        assert!(globs(&format!("^({})$", many.join("|"))).unwrap_err().contains("alternatives"));
    }

    /// As `files` of a component are read.
    fn set_of(patterns: &[String]) -> globset::GlobSet {
        let mut set = GlobSetBuilder::new();
        for pattern in patterns {
            let text = match pattern.strip_prefix('/') {
                Some(rest) => rest.to_owned(),
                None if pattern.contains('/') => pattern.clone(),
                None => format!("**/{pattern}"),
            };
            set.add(GlobBuilder::new(&text).literal_separator(true).build().unwrap());
        }
        set.build().unwrap()
    }

    /// Every path of at most `most` characters of an alphabet that has the edges of the grammar.
    fn every_path(most: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..most {
            last = last.iter().flat_map(|path| "ab.-/".chars().map(move |c| format!("{path}{c}"))).collect();
            all.extend(last.clone());
        }
        let is_path = |path: &String| path.split('/').all(|name| !name.is_empty());
        all.into_iter().filter(is_path).collect()
    }

    #[test]
    fn patterns_fit_exactly_what_the_expression_is_found_in() {
        let paths = every_path(5);
        for expression in [
            "",
            "a",
            "^a",
            "a$",
            "^a$",
            "^$",
            "^",
            "a/b",
            "^a/",
            "/a$",
            "(^|/)a$",
            "(^|/)a/",
            "a.*b",
            "^a.*b$",
            "^a.+b$",
            ".a$",
            "a.b",
            "^a/.*b$",
            "^a/[^/]*b$",
            "^(a|b/)b?$",
            "^(.*/)?a$",
            "^a/(.*/)?b$",
            "[^a]b$",
            "^[^a]",
            "[a-]b",
            "^[^/]+$",
            "^[^/]*/[^/]*$",
            r"\.a$",
            "^.*a.*$",
            "(a|^b)",
            "(a$|b)",
            "^a{2,3}$",
            "a$b",
            "a^b",
            "^.$",
            "..$",
            "^(a|b).*$",
            "^(?:a/)?b",
            ".*^a",
            "a$.*",
            "^^a$$",
            "[]a]b",
            "[^]a]b",
            "^a.*/b$",
            "^.*/b$",
            "^(a/|b/|-/).*[.]",
            "(?i)^A/B",
            "^a?b?$",
            "$",
            "^[.-]",
            "[ab]{2}/",
            "^(a|ab)(b|/a)$",
            "/",
            "^[^/]+/$",
            "a//b",
            "^/a",
            r"^\./a",
        ] {
            let patterns = of(expression);
            let original = regex::Regex::new(expression).unwrap();
            let set = set_of(&patterns);
            for path in &paths {
                assert_eq!(set.is_match(path), original.is_match(path), "{expression} {patterns:?} {path}");
            }
        }
    }
}
