//! Reads the inputs of a run from a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::{Map, Value};

use super::Environment;
use super::error::AppError;

/// The inputs of a file, or of standard input: one JSON object.
pub(super) fn read_inputs(file: &Path, environment: &Environment) -> Result<Map<String, Value>, AppError> {
    let failed = |problem: String| AppError::Input { path: file.to_path_buf(), problem };
    let read = if file == Path::new("-") {
        read_bounded(&mut io::stdin())
    } else {
        File::open(environment.directory.join(file)).and_then(|mut opened| read_bounded(&mut opened))
    };
    let text = read.map_err(|error| failed(error.to_string()))?;
    serde_json::from_str(&text)
        .map_err(|error| failed(format!("it is not one JSON object with inputs: {error}")))
}

/// The text of a reader that may be endless.
fn read_bounded(reader: &mut dyn Read) -> io::Result<String> {
    const MOST: u64 = 32 * 1024 * 1024;
    let mut text = String::new();
    reader.take(MOST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST { Err(io::Error::other("it is larger than 32 MiB")) } else { Ok(text) }
}
