//! How a run is shown to whoever watches it.

use std::sync::Arc;

use super::console::Console;
use super::github::on_stdout;
use super::outbox::Outbox;
use super::screen::{Display, Screen, Shape, Writer};
use super::sinks::Live;
use crate::model::context::Format;
use crate::model::event::RunStarted;
use crate::plan::Plan;
use crate::report::{Formatter, LiveLines, Look, NodeOutput, Progress};

/// How a run is shown while it runs.
pub(super) struct Shown {
    pub format: Format,
    look: Look,
    beside: Look,
    progress: Shape,
    pub screen: Arc<Screen>,
}

impl Shown {
    pub(super) fn of(started: &RunStarted, format: Format, console: &Console) -> Self {
        let look = console.out_look();
        let by_default = || {
            let watched = console.is_interactive() && format == Format::Human;
            NodeOutput::by_default(started.plan.len(), started.context.mode, look, watched)
        };
        let output = console.output().unwrap_or_else(by_default);
        Self {
            format,
            look: Look { output, ..look },
            beside: console.err_look(),
            progress: if started.context.dry_run { Shape::Nothing } else { console.progress() },
            screen: Arc::clone(console.screen()),
        }
    }

    pub(super) fn formatter(&self) -> Box<dyn Formatter> {
        on_stdout(self.format, self.look, self.screen.is_guarded())
    }

    pub(super) fn display(&self, plan: &Plan) -> Display {
        let nodes = plan.order().iter().map(|&index| plan.node(index));
        let alone = nodes.filter(|node| node.runs_alone()).map(|node| node.id.clone()).collect();
        Display::start(&self.screen, self.progress, Progress::new(self.beside), alone)
    }

    pub(super) fn live(&self, started: &RunStarted) -> Option<Live> {
        match (self.look.output, self.format) {
            (NodeOutput::Live, Format::Human) => Some(Live::Display),
            (NodeOutput::Live, Format::Json | Format::Yaml) => {
                let mut lines = LiveLines::new(self.beside);
                lines.align(started.plan.iter().map(|node| &node.node_id));
                Some(Live::Beside(lines, Outbox::to(Writer::err(Arc::clone(&self.screen)))))
            }
            (NodeOutput::Failed | NodeOutput::All | NodeOutput::None, _) => None,
        }
    }
}
