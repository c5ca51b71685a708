//! What `onex trust` did, or what is trusted.

use std::io::{self, Write};

use super::diagnostics::on_one_line;
use super::look::{Look, Mark};
use super::machine;
use crate::base::text;
use crate::model::context::Format;
use crate::model::policy::{TrustInfo, TrustListing};

/// The digits of a digest that people are shown.
const DIGITS: usize = "sha256:0123456789ab".len();

/// One document.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn for_machines(format: Format, listing: &TrustListing, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Yaml => machine::yaml(listing, out),
        Format::Human | Format::Json => machine::json(listing, out),
    }
}

/// A line for each entry; what is new comes with its files.
///
/// # Errors
///
/// If `out` cannot be written.
pub fn for_people(look: Look, listing: &TrustListing, is_list: bool, out: &mut dyn Write) -> io::Result<()> {
    for info in &listing.removed {
        writeln!(out, "no longer trusted: {}", on_one_line(&info.path))?;
    }
    for info in &listing.trusted {
        if is_list {
            entry(look, info, out)?;
            continue;
        }
        writeln!(out, "trusted: {}", on_one_line(&info.path))?;
        for (file, digest) in &info.files {
            let digest = digest.map(|digest| digest.to_string()).unwrap_or_default();
            writeln!(out, "  {}  {}", digest.get(..DIGITS).unwrap_or(&digest), on_one_line(file))?;
        }
    }
    if is_list && listing.trusted.is_empty() && listing.error.is_none() {
        writeln!(out, "nothing is trusted; `onex trust PATH` trusts a contract as it is now")?;
    }
    Ok(())
}

fn entry(look: Look, info: &TrustInfo, out: &mut dyn Write) -> io::Result<()> {
    let (mark, standing) = match info.unchanged {
        true => (Mark::Pass, String::new()),
        false => (Mark::Warn, ", changed since".to_owned()),
    };
    let files = text::count(info.files.len(), "file");
    let path = on_one_line(&info.path);
    writeln!(out, "{}{path}  {files}{standing}, in {}", look.mark(mark), on_one_line(&info.trust_file))
}
