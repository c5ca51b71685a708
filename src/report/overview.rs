//! The contracts that are found from a folder, and the commands that do something with them.

use std::io::{self, Write};

use super::look::Look;
use crate::base::text;

/// Writes contracts, each with what it says of itself, and commands for the `first` of them.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn render(
    look: Look,
    contracts: &[(String, String)],
    more: Option<&str>,
    first: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    if contracts.is_empty() {
        writeln!(out, "{}", look.bold("There is no contract here."))?;
        writeln!(out, "A contract is a file contract.yaml, here or in contracts/NAME/ up to the root.\n")?;
        return write!(
            out,
            "  onex init                  look at this repository and write the contract of its checks\n  \
             onex --help                what onex can do\n  onex doctor                what it finds on this machine\n"
        );
    }
    writeln!(out, "{}", look.bold("Contracts that can run here:"))?;
    let width = contracts.iter().map(|(name, _)| text::cells(name)).max().unwrap_or(0).min(32);
    for (name, about) in contracts {
        let name = text::without_controls(name);
        let about = text::without_controls(about);
        let room = look.width.saturating_sub(width + 4);
        let name = text::pad(&look.clip(&name, width), width);
        writeln!(out, "  {name}  {}", look.dim(&look.clip(&about, room)))?;
    }
    if let Some(more) = more {
        writeln!(out, "  {more}")?;
    }
    writeln!(out)?;
    let first = text::shell_word(&text::without_controls(first));
    let rows = [
        (format!("onex orch --contract {first}"), "run it"),
        (format!("onex orch --contract {first} --dry-run"), "see what would run"),
        (format!("onex validate {first}"), "see what is wrong with it"),
        ("onex --help".to_owned(), "see what else there is"),
    ];
    let width = rows.iter().map(|(command, _)| text::cells(command)).max().unwrap_or(0);
    for (command, does) in rows {
        writeln!(out, "  {}  {}", text::pad(&command, width), look.dim(does))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_words_for_a_shell() {
        let contracts = [("two words".to_owned(), "1 node".to_owned())];
        let mut out = Vec::new();
        render(Look::default(), &contracts, None, "two words", &mut out).unwrap();
        let shown = String::from_utf8(out).unwrap();
        assert!(shown.contains("\n  two words  1 node\n"), "{shown}");
        assert!(shown.contains("onex orch --contract 'two words' --dry-run"), "{shown}");
        assert!(shown.contains("onex validate 'two words' "), "{shown}");
    }
}
