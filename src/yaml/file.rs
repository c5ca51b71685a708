//! Reads the text of a contract or a component, within its size.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::base::text::nearest;
use crate::diag::{Code, codes};

/// The largest file in bytes.
pub const MAX_SIZE: u64 = 32 * 1024 * 1024;

/// What is neither a file nor a folder.
const OTHER: &str = "a device, a pipe or a socket";

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
    /// It is text in another encoding.
    #[error("the file is {0} text; save it as UTF-8")]
    OtherEncoding(&'static str),
    /// A link leads to it from a project that it is not in.
    #[error("a link leads out of the project root")]
    Outside,
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
            Self::NotUtf8(_) | Self::OtherEncoding(_) => codes::NOT_UTF8,
            Self::NotFound | Self::NotAFile(_) | Self::Io(_) => codes::UNREADABLE,
            Self::Outside => codes::OUTSIDE_ROOT,
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
    read_opened(path, |_| Ok(()))
}

/// The same for a file that must be below `root`, which has no symbolic links in it. What counts is the file that was
/// opened, so that nobody can put another one into its place between a look and the reading.
///
/// # Errors
///
/// The same, and if it is elsewhere.
pub fn read_inside(path: &Path, root: &Path) -> Result<String, ReadError> {
    read_opened(path, |file| {
        let number = std::os::fd::AsRawFd::as_raw_fd(file);
        let opened = std::fs::read_link(format!("/proc/self/fd/{number}")).or_else(|_| path.canonicalize());
        if opened.map_err(ReadError::Io)?.starts_with(root) { Ok(()) } else { Err(ReadError::Outside) }
    })
}

fn read_opened(
    path: &Path,
    accept: impl FnOnce(&File) -> Result<(), ReadError>,
) -> Result<String, ReadError> {
    // Looked at before it is opened: opening a FIFO would wait for a writer.
    let kind = std::fs::metadata(path).map_err(|error| {
        if error.kind() == io::ErrorKind::NotFound { ReadError::NotFound } else { ReadError::Io(error) }
    })?;
    if kind.is_dir() {
        return Err(ReadError::NotAFile("a directory"));
    }
    if !kind.is_file() {
        return Err(ReadError::NotAFile(OTHER));
    }
    if kind.len() > MAX_SIZE {
        return Err(ReadError::TooLarge);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(kind.len()).unwrap_or(0) + 1);
    // What was a file a moment ago may be a FIFO by now.
    let mut options = File::options();
    options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = options.open(path).map_err(ReadError::Io)?;
    if !file.metadata().is_ok_and(|kind| kind.is_file()) {
        return Err(ReadError::NotAFile(OTHER));
    }
    accept(&file)?;
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
    if let Some(name) = other_encoding(bytes) {
        return Err(ReadError::OtherEncoding(name));
    }
    String::from_utf8(std::mem::take(bytes))
        .map_err(|error| ReadError::NotUtf8(error.utf8_error().valid_up_to()))
}

/// The encoding of a text that begins as no UTF-8 text does: with another byte order mark, or with characters of two or
/// four bytes. A contract begins with ASCII.
fn other_encoding(bytes: &[u8]) -> Option<&'static str> {
    let zeros = bytes.first_chunk::<4>().map(|first| first.map(|byte| byte == 0));
    match (bytes, zeros) {
        ([0xff, 0xfe, 0, 0, ..], _) | (_, Some([false, true, true, true])) => Some("UTF-32 (little-endian)"),
        ([0, 0, 0xfe, 0xff, ..], _) | (_, Some([true, true, true, false])) => Some("UTF-32 (big-endian)"),
        ([0xff, 0xfe, ..], _) | (_, Some([false, true, false, true])) => Some("UTF-16 (little-endian)"),
        ([0xfe, 0xff, ..], _) | (_, Some([true, false, true, false])) => Some("UTF-16 (big-endian)"),
        _ => None,
    }
}
