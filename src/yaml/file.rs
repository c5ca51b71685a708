//! Reads the text of a contract or a component, within its size.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use crate::base::text::nearest;
use crate::diag::{Code, codes};

/// The largest file in bytes.
pub const MAX_SIZE: u64 = 32 * 1024 * 1024;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("there is no such file")]
    NotFound,
    /// It is something else than a file.
    #[error("this is {0}, not a file")]
    NotAFile(&'static str),
    /// It is too large.
    #[error("the file is larger than {} MiB", MAX_SIZE / 1024 / 1024)]
    TooLarge,
    /// It is not UTF-8; the number is the first byte that is not.
    #[error("the file is not UTF-8 text: byte {0} does not belong to a character")]
    NotUtf8(usize),
    /// The operating system refused.
    #[error("{0}")]
    Io(io::Error),
}

impl ReadError {
    /// The code of the finding that this is.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::TooLarge => codes::TOO_LARGE,
            Self::NotUtf8(_) => codes::NOT_UTF8,
            Self::NotFound | Self::NotAFile(_) | Self::Io(_) => codes::UNREADABLE,
        }
    }
}

/// The file beside `path` whose name is nearest to it.
#[must_use]
pub fn neighbour(path: &Path) -> Option<String> {
    let parent = match path.parent()? {
        here if here.as_os_str().is_empty() => Path::new("."),
        parent => parent,
    };
    let names: Vec<String> = std::fs::read_dir(parent)
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    nearest(path.file_name()?.to_str()?, names.iter().map(String::as_str)).map(str::to_owned)
}

/// The text of the file at `path`.
///
/// # Errors
///
/// If it is no file, too large, not UTF-8, or the operating system refuses.
pub fn read(path: &Path) -> Result<String, ReadError> {
    // Looked at before it is opened: opening a FIFO would wait for a writer.
    let kind = std::fs::metadata(path).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound { ReadError::NotFound } else { ReadError::Io(error) }
    })?;
    if kind.is_dir() {
        return Err(ReadError::NotAFile("a directory"));
    }
    if !kind.is_file() {
        return Err(ReadError::NotAFile("a device, a pipe or a socket"));
    }
    if kind.len() > MAX_SIZE {
        return Err(ReadError::TooLarge);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(kind.len()).unwrap_or(0) + 1);
    let file = File::open(path).map_err(ReadError::Io)?;
    read_all(file, &mut bytes)
}

/// The text of a reader that may be endless.
///
/// # Errors
///
/// If it is too large, not UTF-8, or cannot be read.
pub fn read_from(reader: impl io::Read) -> Result<String, ReadError> {
    read_all(reader, &mut Vec::new())
}

fn read_all(reader: impl io::Read, bytes: &mut Vec<u8>) -> Result<String, ReadError> {
    reader.take(MAX_SIZE + 1).read_to_end(bytes).map_err(ReadError::Io)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(ReadError::TooLarge);
    }
    String::from_utf8(std::mem::take(bytes))
        .map_err(|error| ReadError::NotUtf8(error.utf8_error().valid_up_to()))
}
