//! The terminal: which stream says what, and how it looks there. The policy for colours and marks is here and
//! nowhere else.

use std::io::Write;
use std::sync::Arc;

use super::Environment;
use super::github::is_step;
use super::screen::{Screen, Shape, Writer};
use crate::model::context::Format;
use crate::report::{Look, NodeOutput, Volume};

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

/// What the user wants to see of how far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProgressChoice {
    /// What suits the place.
    #[default]
    Auto,
    /// A block that is redrawn, where that is possible, and lines elsewhere.
    Bar,
    /// Lines.
    Plain,
    /// Nothing.
    None,
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
    /// Which nodes' output is shown, where that was said.
    pub output: Option<NodeOutput>,
    /// How far a run is.
    pub progress: ProgressChoice,
}

/// stdout for reports, stderr for everything else.
#[derive(Debug)]
pub struct Console {
    screen: Arc<Screen>,
    out_look: Look,
    err_look: Look,
    output: Option<NodeOutput>,
    progress: Shape,
}

impl Console {
    /// The process's own streams.
    #[must_use]
    pub fn new(wishes: Wishes, environment: &Environment) -> Self {
        let screen = if is_step(environment) { Screen::new().guarded() } else { Screen::new() };
        Self {
            out_look: look(wishes, environment, screen.out_is_terminal()).on_columns(screen.out_columns()),
            err_look: look(wishes, environment, screen.err_is_terminal()).on_columns(screen.err_columns()),
            output: wishes.output,
            progress: progress(wishes, environment, screen.err_is_terminal()),
            screen: Arc::new(screen),
        }
    }

    /// The format of reports where none was asked for: for people on a terminal, for machines elsewhere.
    #[must_use]
    pub fn default_format(&self) -> Format {
        if self.is_interactive() { Format::Human } else { Format::Json }
    }

    /// Whether somebody sees what goes to stdout, as it does.
    #[must_use]
    pub fn is_interactive(&self) -> bool {
        self.screen.out_is_terminal()
    }

    /// The terminal, if there is one.
    #[must_use]
    pub const fn screen(&self) -> &Arc<Screen> {
        &self.screen
    }

    /// Which nodes' output is shown, where that was said.
    #[must_use]
    pub const fn output(&self) -> Option<NodeOutput> {
        self.output
    }

    /// How a run shows how far it is.
    #[must_use]
    pub const fn progress(&self) -> Shape {
        self.progress
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
    pub fn out(&mut self) -> impl Write + Send + use<> {
        Writer::out(Arc::clone(&self.screen))
    }

    /// Where documents go that are passed on as they are.
    pub fn document(&mut self) -> impl Write + Send + use<> {
        Writer::document(Arc::clone(&self.screen))
    }

    /// Where everything else goes.
    pub fn err(&mut self) -> impl Write + Send + use<> {
        Writer::err(Arc::clone(&self.screen))
    }
}

fn is_dumb(environment: &Environment) -> bool {
    environment.get("TERM").is_some_and(|term| term == "dumb")
}

fn is_ci(environment: &Environment) -> bool {
    environment.get("CI").is_some_and(|ci| ci == "true" || ci == "1")
}

/// A block is drawn only where it can be taken away again.
fn progress(wishes: Wishes, environment: &Environment, terminal: bool) -> Shape {
    let can_redraw = terminal && !is_dumb(environment);
    match wishes.progress {
        ProgressChoice::None => Shape::Nothing,
        ProgressChoice::Plain => Shape::Lines,
        ProgressChoice::Bar if can_redraw => Shape::Block,
        ProgressChoice::Bar => Shape::Lines,
        ProgressChoice::Auto if wishes.volume == Volume::Quiet => Shape::Nothing,
        ProgressChoice::Auto if can_redraw && !is_ci(environment) => Shape::Block,
        ProgressChoice::Auto => Shape::SignsOfLife,
    }
}

/// `spec/000`, "ASCII fallback", and the conventions of no-color.org and bixense.com/clicolors.
fn look(wishes: Wishes, environment: &Environment, terminal: bool) -> Look {
    let (dumb, ci) = (is_dumb(environment), is_ci(environment));
    let forced = environment.get("CLICOLOR_FORCE").is_some_and(|force| force != "0");
    let color = match wishes.color {
        _ if wishes.no_color => false,
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if environment.get("NO_COLOR").is_some() => false,
        ColorChoice::Auto => forced || (terminal && !dumb),
    };
    Look { color, ascii: dumb || ci || wishes.no_color, volume: wishes.volume, ..Look::default() }
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

    #[test]
    fn a_block_is_drawn_only_where_it_can_be_taken_away() {
        use ProgressChoice::{Auto, Bar, None, Plain};
        type Row = (&'static [(&'static str, &'static str)], ProgressChoice, Volume, bool, Shape);
        let rows: &[Row] = &[
            (&[], Auto, Volume::Normal, true, Shape::Block),
            (&[], Auto, Volume::Normal, false, Shape::SignsOfLife),
            (&[], Auto, Volume::Quiet, true, Shape::Nothing),
            (&[("CI", "true")], Auto, Volume::Normal, true, Shape::SignsOfLife),
            (&[("TERM", "dumb")], Auto, Volume::Normal, true, Shape::SignsOfLife),
            (&[("CI", "true")], Bar, Volume::Normal, true, Shape::Block),
            (&[("TERM", "dumb")], Bar, Volume::Normal, true, Shape::Lines),
            (&[], Bar, Volume::Normal, false, Shape::Lines),
            (&[], Plain, Volume::Normal, true, Shape::Lines),
            (&[], None, Volume::Normal, true, Shape::Nothing),
        ];
        for &(variables, choice, volume, terminal, expected) in rows {
            let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
            let environment = Environment { variables, ..Environment::default() };
            let wishes = Wishes { progress: choice, volume, ..Wishes::default() };
            assert_eq!(progress(wishes, &environment, terminal), expected, "{environment:?} {wishes:?}");
        }
    }
}
