//! How things look: marks, colours, width. Meaning is never in colour alone.

use std::borrow::Cow;

use owo_colors::{AnsiColors, OwoColorize as _, Style};

use crate::base::{NodeId, text};
use crate::model::context::Mode;
use crate::model::outcome::{FailureReason, NodeStatus, RunStatus};
use crate::model::report::NodeResult;

/// The most cells of a line: `spec/000`, "≤100 char lines".
pub(super) const WIDTH: usize = 100;

/// The fewest cells that lines are made for: what is narrower breaks them.
const LEAST_WIDTH: usize = 40;

/// The widest column of ids.
const ID_WIDTH: usize = 32;

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Volume {
    /// Failures and the summary.
    Quiet,
    /// One line for each node.
    #[default]
    Normal,
}

/// Which nodes' output people are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NodeOutput {
    /// The end of what failed nodes printed.
    #[default]
    Failed,
    /// All that every node printed, after it ended.
    All,
    /// Nothing.
    None,
    /// Every line as it comes.
    Live,
}

impl NodeOutput {
    /// What is shown where nothing was said: lines as they come where one node runs at a time and somebody watches.
    #[must_use]
    pub const fn by_default(nodes: usize, mode: Mode, look: Look, terminal: bool) -> Self {
        let alone = matches!(mode, Mode::Sync) || nodes == 1;
        let watched = terminal && matches!(look.volume, Volume::Normal);
        if alone && watched { Self::Live } else { Self::Failed }
    }
}

/// How things look on one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Whether there are colours.
    pub color: bool,
    /// Whether marks and lines keep to ASCII.
    pub ascii: bool,
    /// How much is said.
    pub volume: Volume,
    /// Which nodes' output is shown.
    pub output: NodeOutput,
    /// The most cells of a line.
    pub width: usize,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            color: false,
            ascii: false,
            volume: Volume::default(),
            output: NodeOutput::default(),
            width: WIDTH,
        }
    }
}

/// The five words for people, and their marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Pass,
    Fail,
    Warn,
    Skip,
    Time,
}

impl Mark {
    pub(super) fn of_node(result: &NodeResult) -> Self {
        match result.status {
            NodeStatus::Completed | NodeStatus::Failed if result.is_warned() => Self::Warn,
            NodeStatus::Completed if result.flaky => Self::Warn,
            NodeStatus::Completed => Self::Pass,
            NodeStatus::Failed if result.reason.as_deref() == Some(FailureReason::Timeout.as_str()) => {
                Self::Time
            }
            NodeStatus::Failed => Self::Fail,
            NodeStatus::Skipped | NodeStatus::Pending | NodeStatus::Running | NodeStatus::Retrying => {
                Self::Skip
            }
        }
    }

    pub(super) const fn of_run(status: RunStatus) -> Self {
        match status {
            RunStatus::Success => Self::Pass,
            RunStatus::Partial => Self::Warn,
            RunStatus::TimedOut => Self::Time,
            RunStatus::Failed | RunStatus::Cancelled | RunStatus::Running => Self::Fail,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Warn => "WARN",
            Self::Skip => "SKIP",
            Self::Time => "TIME",
        }
    }

    /// The emoji with the space after it. Terminals disagree about the width of those with a variation selector,
    /// so these get one space more.
    const fn emoji(self) -> &'static str {
        match self {
            Self::Pass => "✅ ",
            Self::Fail => "❌ ",
            Self::Warn => "⚠️  ",
            Self::Skip => "⏭️  ",
            Self::Time => "⏱️  ",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Pass => Style::new().green(),
            Self::Fail | Self::Time => Style::new().red(),
            Self::Warn => Style::new().yellow(),
            Self::Skip => Style::new().dimmed(),
        }
    }
}

impl Look {
    /// The same for a terminal of so many columns.
    #[must_use]
    pub fn on_columns(self, columns: usize) -> Self {
        Self { width: columns.clamp(LEAST_WIDTH, WIDTH), ..self }
    }

    /// The width of a column of these ids.
    pub(super) fn id_width<'a>(self, ids: impl Iterator<Item = &'a NodeId>) -> usize {
        ids.map(|id| text::cells(id.as_str())).max().unwrap_or(0).min(ID_WIDTH).min(self.width / 3)
    }

    /// A mark with the space after it.
    pub(super) fn mark(self, mark: Mark) -> String {
        if self.ascii { self.styled(mark.word(), mark.style()) + " " } else { mark.emoji().to_owned() }
    }

    /// A word in the colour of a mark.
    pub(super) fn in_color_of(self, mark: Mark, word: &str) -> String {
        self.styled(word, mark.style())
    }

    pub(super) fn bold(self, word: &str) -> String {
        self.styled(word, Style::new().bold())
    }

    pub(super) fn dim(self, word: &str) -> String {
        self.styled(word, Style::new().dimmed())
    }

    /// A node's id before a line that it printed: nodes that come after each other differ in colour.
    pub(super) fn prefix(self, id: &str, nth: usize) -> String {
        let bar = self.or_ascii("│", "|");
        format!("{} {}", self.of_lane(id, nth), self.dim(bar))
    }

    /// A word in the colour of one of several that stand side by side.
    pub(super) fn of_lane(self, word: &str, nth: usize) -> String {
        const COLORS: [AnsiColors; 5] =
            [AnsiColors::Cyan, AnsiColors::Magenta, AnsiColors::Blue, AnsiColors::Yellow, AnsiColors::Green];
        self.styled(word, Style::new().color(COLORS[nth % COLORS.len()]))
    }

    fn styled(self, word: &str, style: Style) -> String {
        if self.color { word.style(style).to_string() } else { word.to_owned() }
    }

    /// A character, or what stands for it in ASCII.
    pub(super) const fn or_ascii(self, fancy: &'static str, plain: &'static str) -> &'static str {
        if self.ascii { plain } else { fancy }
    }

    /// Cuts to a number of cells.
    pub(super) fn clip(self, line: &str, cells: usize) -> Cow<'_, str> {
        let clipped = text::clip(line, cells);
        if self.ascii && matches!(clipped, Cow::Owned(_)) {
            return Cow::Owned(format!(
                "{}...",
                text::clip(line, cells.saturating_sub(2)).trim_end_matches('…')
            ));
        }
        clipped
    }
}
