//! The terminal: which stream says what, and how it looks there. The policy for colours and marks is here and
//! nowhere else.

use std::io::{self, Stderr, Stdout, Write};

use is_terminal::IsTerminal as _;

use super::Environment;
use crate::model::context::Format;
use crate::report::{Look, Volume};

/// What the user wants of colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorChoice {
    /// Where the terminal can show them.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// How the user wants things to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Colours.
    pub color: ColorChoice,
    /// `--no-color`: no colours, and ASCII marks.
    pub no_color: bool,
    /// How much is said.
    pub volume: Volume,
}

/// stdout for reports, stderr for everything else.
#[derive(Debug)]
pub struct Console {
    stdout: Stdout,
    stderr: Stderr,
    out_look: Look,
    err_look: Look,
    interactive: bool,
}

impl Console {
    /// The process's own streams.
    #[must_use]
    pub fn new(wishes: Wishes, environment: &Environment) -> Self {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let interactive = stdout.is_terminal();
        Self {
            out_look: look(wishes, environment, interactive),
            err_look: look(wishes, environment, stderr.is_terminal()),
            stdout,
            stderr,
            interactive,
        }
    }

    /// The format of reports where none was asked for: for people on a terminal, for machines elsewhere.
    #[must_use]
    pub const fn default_format(&self) -> Format {
        if self.interactive { Format::Human } else { Format::Json }
    }

    /// How things look on stdout.
    #[must_use]
    pub const fn out_look(&self) -> Look {
        self.out_look
    }

    /// How things look on stderr.
    #[must_use]
    pub const fn err_look(&self) -> Look {
        self.err_look
    }

    /// Where reports go.
    pub fn out(&mut self) -> impl Write + '_ {
        self.stdout.lock()
    }

    /// Where everything else goes.
    pub fn err(&mut self) -> impl Write + '_ {
        self.stderr.lock()
    }
}

/// `spec/000`, "ASCII fallback", and the conventions of no-color.org and bixense.com/clicolors.
fn look(wishes: Wishes, environment: &Environment, terminal: bool) -> Look {
    let dumb = environment.get("TERM").is_some_and(|term| term == "dumb");
    let ci = environment.get("CI").is_some_and(|ci| ci == "true" || ci == "1");
    let forced = environment.get("CLICOLOR_FORCE").is_some_and(|force| force != "0");
    let color = match wishes.color {
        _ if wishes.no_color => false,
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if environment.get("NO_COLOR").is_some() => false,
        ColorChoice::Auto => forced || (terminal && !dumb),
    };
    Look { color, ascii: dumb || ci || wishes.no_color, volume: wishes.volume }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_marks_follow_the_conventions() {
        use ColorChoice::{Always, Auto, Never};
        type Row = (&'static [(&'static str, &'static str)], ColorChoice, bool, bool, (bool, bool));
        let rows: &[Row] = &[
            // environment, --color, --no-color, terminal: colours, ASCII
            (&[], Auto, false, true, (true, false)),
            (&[], Auto, false, false, (false, false)),
            (&[], Always, false, false, (true, false)),
            (&[], Never, false, true, (false, false)),
            (&[], Auto, true, true, (false, true)),
            (&[], Always, true, true, (false, true)),
            (&[("TERM", "dumb")], Auto, false, true, (false, true)),
            (&[("CI", "true")], Auto, false, true, (true, true)),
            (&[("CI", "false")], Auto, false, true, (true, false)),
            (&[("NO_COLOR", "1")], Auto, false, true, (false, false)),
            (&[("NO_COLOR", "")], Auto, false, true, (true, false)),
            (&[("NO_COLOR", "1")], Always, false, true, (true, false)),
            (&[("CLICOLOR_FORCE", "1")], Auto, false, false, (true, false)),
            (&[("CLICOLOR_FORCE", "0")], Auto, false, false, (false, false)),
        ];
        for &(variables, color, no_color, terminal, expected) in rows {
            let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
            let environment = Environment { variables, ..Environment::default() };
            let look = look(Wishes { color, no_color, ..Wishes::default() }, &environment, terminal);
            assert_eq!((look.color, look.ascii), expected, "{environment:?} {color:?} {no_color} {terminal}");
        }
    }
}
