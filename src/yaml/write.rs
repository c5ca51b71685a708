//! Values to YAML text: block style, readable by every YAML reader.

use serde::Serialize;

/// A value has no YAML form.
#[derive(Debug, thiserror::Error)]
#[error("cannot be written as YAML: {0}")]
pub struct WriteError(String);

/// `value` as one YAML document.
///
/// # Errors
///
/// If the value cannot be serialised.
pub fn to_text<T: Serialize>(value: &T) -> Result<String, WriteError> {
    // Block scalars that start with white space are refused by libyaml-based readers.
    let options = serde_yaml::ser_options! { prefer_block_scalars: false };
    let mut text = String::new();
    serde_yaml::to_fmt_writer_with_options(&mut text, value, options)
        .map_err(|error| WriteError(error.to_string()))?;
    Ok(text)
}
