//! Tells what a diagnostic means.

use std::io::Write as _;

use super::console::Console;
use super::plan::finish;
use crate::base::text::{nearest, without_controls};
use crate::diag::{Code, codes};
use crate::model::context::Format;
use crate::model::exit::ExitCode;
use crate::report::explanation;

/// What to explain, and how to show it.
#[derive(Clone, Debug)]
pub struct ExplainRequest {
    /// A code, as it stands in a diagnostic.
    pub what: String,
    /// The form of the page; for people where none is named.
    pub format: Option<Format>,
}

/// Shows the page of a code.
pub fn explain(request: &ExplainRequest, console: &mut Console) -> ExitCode {
    let Some((code, title)) = Code::find(&request.what) else { return unknown(&request.what, console) };
    let page =
        explanation::Explanation { code: code.to_string(), title: title.to_owned(), page: code.page() };
    let written =
        explanation::write(console.out_look(), request.format.unwrap_or_default(), &page, &mut console.out());
    finish(written, console, ExitCode::Success)
}

fn unknown(what: &str, console: &mut Console) -> ExitCode {
    let shown = without_controls(what).replace('\n', " ");
    let meant = nearest(what, codes::ALL.iter().map(|(code, _)| code.as_str()));
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "codes look like `E0302`; they stand in brackets at the beginning of a diagnostic".to_owned(),
    };
    let told = writeln!(console.err(), "error: there is no diagnostic `{shown}`\n  help: {help}");
    finish(told, console, ExitCode::Configuration)
}
