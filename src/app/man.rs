//! The manual: a page for `onex` and one for each verb.

use std::io::{self, Write as _};
use std::path::PathBuf;

use super::Environment;
use super::console::Console;
use super::error::AppError;
use super::plan::finish;
use crate::model::exit::ExitCode;

/// A page: the name of its file, and its text in the form of `man`.
#[derive(Clone, Debug)]
pub struct ManualPage {
    /// Such as `onex-plan.1`.
    pub file: String,
    /// What `man` reads.
    pub text: Vec<u8>,
}

/// Prints the first of the pages, or writes all of them into a folder, which is made where it is not there.
pub fn man(
    pages: &[ManualPage],
    folder: Option<&PathBuf>,
    environment: &Environment,
    console: &mut Console,
) -> ExitCode {
    let Some(folder) = folder else {
        let text = pages.first().map_or(&[][..], |page| &page.text);
        let written = console.out().write_all(text);
        return finish(written, &mut console.err(), ExitCode::Success);
    };
    let folder = environment.directory.join(folder);
    let written: io::Result<()> = std::fs::create_dir_all(&folder)
        .and_then(|()| pages.iter().try_for_each(|page| std::fs::write(folder.join(&page.file), &page.text)));
    match written {
        Ok(()) => ExitCode::Success,
        Err(source) => {
            let error = AppError::Output { path: folder, source };
            let told = writeln!(console.err(), "error: {error}");
            finish(told, &mut console.err(), error.exit_code())
        }
    }
}
