//! The words of a text as pre-commit takes an `entry` apart: as a shell would, without doing anything with them.

/// The words of a text.
///
/// # Errors
///
/// If a quotation has no end.
pub(super) fn words(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if matches!(c, ' ' | '\t' | '\r' | '\n') {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_default();
        match c {
            '\'' => loop {
                match rest.next().ok_or("its entry has a quotation without an end")? {
                    '\'' => break,
                    c => word.push(c),
                }
            },
            '"' => loop {
                match rest.next().ok_or("its entry has a quotation without an end")? {
                    '"' => break,
                    '\\' => match rest.next().ok_or("its entry ends with a backslash")? {
                        c @ ('"' | '\\') => word.push(c),
                        c => word.extend(['\\', c]),
                    },
                    c => word.push(c),
                }
            },
            '\\' => word.push(rest.next().ok_or("its entry ends with a backslash")?),
            c => word.push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_those_of_a_shell() {
        for (text, expected) in [
            ("", &[][..]),
            ("  a\tb\n", &["a", "b"]),
            ("a 'b  c' d", &["a", "b  c", "d"]),
            (r#"a "b \"c\" \d \\" '' x"#, &["a", r#"b "c" \d \"#, "", "x"]),
            (r"a\ b \'c", &["a b", "'c"]),
            (r#"bash -c 'echo "$@" # no' --"#, &["bash", "-c", r#"echo "$@" # no"#, "--"]),
            (r#"x'y'"z""#, &["xyz"]),
            ("# a", &["#", "a"]),
        ] {
            assert_eq!(words(text).unwrap(), expected, "{text}");
        }
        for text in ["'a", "\"a", "a\\", "\"a\\"] {
            assert!(words(text).is_err(), "{text}");
        }
    }
}
