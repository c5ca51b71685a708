//! Programs that start others: what their arguments say of the next program.

/// A program that starts the one that its arguments name.
struct Launcher {
    names: &'static [&'static str],
    /// Letters of options without a value.
    flags: &'static str,
    /// Letters of options with a value.
    valued: &'static str,
    /// Long options without a value of their own, and those with one; `--name=value` is always one word.
    long: &'static [&'static str],
    long_valued: &'static [&'static str],
    /// Words before the program.
    operands: usize,
    /// Whether words `NAME=VALUE` before the program set variables.
    sets_variables: bool,
}

const LAUNCHERS: &[Launcher] = &[
    Launcher {
        names: &["env", "genv"],
        flags: "i0v",
        valued: "uC",
        long: &["--ignore-environment", "--null", "--debug", "--block-signal", "--default-signal"],
        long_valued: &["--unset", "--chdir"],
        operands: 0,
        sets_variables: true,
    },
    Launcher {
        names: &["sudo", "doas"],
        flags: "AbEHKkNnPS",
        valued: "CDghpRTUu",
        long: &["--preserve-env", "--non-interactive", "--set-home", "--stdin", "--background"],
        long_valued: &["--user", "--group", "--chdir", "--host", "--prompt", "--chroot", "--other-user"],
        operands: 0,
        sets_variables: true,
    },
    plain(&["nohup"], ("", ""), (&[], &[]), 0),
    plain(&["nice"], ("", "n"), (&[], &["--adjustment"]), 0),
    plain(
        &["timeout", "gtimeout"],
        ("fpv", "ks"),
        (&["--foreground", "--preserve-status", "--verbose"], &["--kill-after", "--signal"]),
        1,
    ),
    plain(&["setsid"], ("cfw", ""), (&["--ctty", "--fork", "--wait"], &[]), 0),
    plain(&["stdbuf"], ("", "ioe"), (&[], &["--input", "--output", "--error"]), 0),
    plain(&["ionice"], ("t", "cn"), (&["--ignore"], &["--class", "--classdata"]), 0),
    plain(
        &["time"],
        ("apqvV", "fo"),
        (&["--append", "--portability", "--quiet", "--verbose"], &["--format", "--output"]),
        0,
    ),
    plain(&["taskset"], ("ac", ""), (&["--all-tasks", "--cpu-list"], &[]), 1),
    plain(&["chroot"], ("", ""), (&["--skip-chdir"], &["--userspec", "--groups"]), 1),
    plain(&["setarch", "linux32", "linux64"], ("BFILRSTXZ3v", ""), (&[], &[]), 0),
    plain(
        &["setpriv"],
        ("", ""),
        (
            &["--no-new-privs", "--clear-groups", "--keep-groups", "--init-groups", "--reset-env"],
            &["--reuid", "--regid", "--groups", "--ruid", "--euid", "--rgid", "--egid", "--pdeathsig"],
        ),
        0,
    ),
    plain(
        &["xargs", "gxargs"],
        ("0oprtx", "adEIiLlnPs"),
        (
            &["--null", "--no-run-if-empty", "--open-tty", "--verbose", "--exit"],
            &[
                "--arg-file",
                "--delimiter",
                "--max-args",
                "--max-chars",
                "--max-procs",
                "--max-lines",
                "--replace",
            ],
        ),
        0,
    ),
    plain(&["busybox", "toybox"], ("", ""), (&[], &[]), 0),
];

const fn plain(
    names: &'static [&'static str],
    (flags, valued): (&'static str, &'static str),
    (long, long_valued): (&'static [&'static str], &'static [&'static str]),
    operands: usize,
) -> Launcher {
    Launcher { names, flags, valued, long, long_valued, operands, sets_variables: false }
}

/// The loaders of dynamic programs, which start any program that they are given.
const LOADER: Launcher = plain(
    &[],
    ("", ""),
    (&["--inhibit-cache"], &["--library-path", "--inhibit-rpath", "--audit", "--preload", "--argv0"]),
    0,
);

/// What a launcher's arguments say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Launched<'a> {
    /// The next program and its arguments; empty where it starts none.
    pub argv: &'a [String],
    /// Variables that are set for it.
    pub variables: Vec<&'a str>,
    /// The word that is not understood, so that nobody can tell.
    pub unclear: Option<&'a str>,
}

/// What `arguments` of the program called `name`, without its folder, say of the next program; nothing where it is no
/// launcher.
pub(super) fn launched<'a>(name: &str, arguments: &'a [String]) -> Option<Launched<'a>> {
    let is_loader = name.starts_with("ld-linux") || name.starts_with("ld-musl") || name == "ld.so";
    let launcher =
        if is_loader { &LOADER } else { LAUNCHERS.iter().find(|launcher| launcher.names.contains(&name))? };
    let mut found = Launched::default();
    let mut operands = launcher.operands;
    let mut at = 0;
    let mut only_words = false;
    while let Some(word) = arguments.get(at) {
        at += 1;
        if only_words || !word.starts_with('-') {
            match word.split_once('=') {
                Some((name, _)) if launcher.sets_variables => found.variables.push(name),
                _ if operands > 0 => operands -= 1,
                _ => {
                    found.argv = &arguments[at - 1..];
                    return Some(found);
                }
            }
        } else if word == "--" {
            only_words = true;
        } else {
            match launcher.option(word) {
                Some(takes_next) => at += usize::from(takes_next),
                None => {
                    found.unclear = Some(word);
                    return Some(found);
                }
            }
        }
    }
    Some(found)
}

/// The arguments of `env -S 'program argument'`, as the first line of a script has them, in words; nothing where there is
/// nothing to split, or where more than blanks would part them.
pub(super) fn split_words(name: &str, arguments: &[String]) -> Option<Vec<String>> {
    if name != "env" {
        return None;
    }
    let (first, rest) = arguments.split_first()?;
    let prefixes = ["-S", "-vS", "--split-string="];
    let text = prefixes.into_iter().find_map(|prefix| first.strip_prefix(prefix))?;
    let (text, rest) = match (text, rest) {
        ("", [next, rest @ ..]) => (next.as_str(), rest),
        _ => (text, rest),
    };
    let is_plain = !text.contains(['"', '\'', '\\', '$', '#']);
    is_plain.then(|| text.split_whitespace().map(str::to_owned).chain(rest.iter().cloned()).collect())
}

impl Launcher {
    /// Whether an option takes the next word for its value; nothing where it is not known.
    fn option(&self, word: &str) -> Option<bool> {
        if word.starts_with("--") {
            let (name, value) =
                word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            return match value {
                _ if self.long.contains(&name) => Some(false),
                Some(_) if self.long_valued.contains(&name) => Some(false),
                None if self.long_valued.contains(&name) => Some(true),
                _ => None,
            };
        }
        let letters = &word[1..];
        // `env -` is `env -i`, and `nice -5` is `nice -n 5`.
        if letters.is_empty() || letters.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(false);
        }
        for (index, letter) in letters.char_indices() {
            if self.valued.contains(letter) {
                return Some(index + letter.len_utf8() == letters.len());
            }
            if !self.flags.contains(letter) {
                return None;
            }
        }
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    /// The next program, the variables and what is unclear.
    fn next(text: &str) -> (String, String, String) {
        let words = argv(text);
        let name = words[0].rsplit('/').next().unwrap();
        let found = launched(name, &words[1..]).expect("a launcher");
        (found.argv.join(" "), found.variables.join(" "), found.unclear.unwrap_or_default().to_owned())
    }

    #[test]
    fn a_launcher_says_what_it_starts() {
        let rows = [
            ("env sh -c x", "sh -c x", ""),
            ("env -i -u A B=c D= sh", "sh", "B D"),
            ("env -iuA --chdir /tmp --unset=X -- sh", "sh", ""),
            ("env - A=b", "", "A"),
            ("env", "", ""),
            ("nice -n 5 env A=b sh", "env A=b sh", ""),
            ("nice -5 sh", "sh", ""),
            ("timeout -k 3 -s KILL --foreground 10 sh", "sh", ""),
            ("timeout -k3 10 sh -x", "sh -x", ""),
            ("sudo -u root -E A=b sh", "sh", "A"),
            ("xargs -0 -n 1 sh", "sh", ""),
            ("busybox sh -c x", "sh -c x", ""),
            ("/lib64/ld-linux-x86-64.so.2 --library-path /x /bin/sh", "/bin/sh", ""),
            ("taskset -c 1,2 sh", "sh", ""),
        ];
        for (text, program, variables) in rows {
            assert_eq!(next(text), (program.to_owned(), variables.to_owned(), String::new()), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        for (text, word) in
            [("env -S sh", "-S"), ("env -v -S sh", "-S"), ("nice -Z sh", "-Z"), ("sudo -s", "-s")]
        {
            assert_eq!(next(text), (String::new(), String::new(), word.to_owned()), "{text}");
        }
        assert_eq!(launched("cargo", &argv("env sh")), None);
    }

    #[test]
    fn a_first_line_is_split_where_only_blanks_part_its_words() {
        let split = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
            split_words("env", &arguments).map(|words| words.join(" "))
        };
        assert_eq!(split(&["-S A=b python3 -u", "x.py"]).as_deref(), Some("A=b python3 -u x.py"));
        assert_eq!(split(&["-S", "sh -c", "x"]).as_deref(), Some("sh -c x"));
        assert_eq!(split(&["--split-string=sh"]).as_deref(), Some("sh"));
        for arguments in [&["-S \"sh\""][..], &["-S ${X}"], &["-S s\\h"], &["sh"], &[]] {
            assert_eq!(split(arguments), None, "{arguments:?}");
        }
    }
}
