//! Draws what would run.

use std::io::Write as _;
use std::path::PathBuf;

use super::Environment;
use super::console::Console;
use super::contract::load;
use super::plan::{finish, tell_and_take};
use super::selection::{Selection, narrow};
use crate::model::exit::ExitCode;
use crate::plan::graph as graph_of;
use crate::report::graph::{Form, render};

/// What to draw, and how.
#[derive(Clone, Debug)]
pub struct GraphRequest {
    /// The contract.
    pub contract: PathBuf,
    /// The nodes that were asked for.
    pub selection: Selection,
    /// The project root, where one was named.
    pub root: Option<PathBuf>,
    /// The form of the drawing.
    pub form: Form,
}

/// Draws the graph of a contract; what was found in it goes to stderr.
pub fn graph(request: &GraphRequest, environment: &Environment, console: &mut Console) -> ExitCode {
    let mut loaded = load(&request.contract, environment, request.root.as_deref());
    let narrowed = narrow(&mut loaded, &request.selection);
    let plan = match tell_and_take(narrowed, &mut loaded, console) {
        Ok(plan) => plan,
        Err(code) => return code,
    };
    let look = console.out_look();
    let shown = {
        // A drawing for a program is passed on as it is.
        let out: Box<dyn std::io::Write> = match request.form {
            Form::Ascii => Box::new(console.out()),
            Form::Dot | Form::Mermaid | Form::Svg => Box::new(console.document()),
        };
        let mut out = std::io::BufWriter::with_capacity(64 * 1024, out);
        render(request.form, look, &graph_of(&plan), &mut out).and_then(|()| out.flush())
    };
    finish(shown, &mut console.err(), ExitCode::Success)
}
