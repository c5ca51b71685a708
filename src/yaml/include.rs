//! Files that a text includes: which ones it asks for, and what they are once they have been read.

use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Parser};

use crate::diag::{Diagnostic, SourceId, codes};

/// The tag of a file's name that stands for the file.
pub(super) const TAG: &str = "!include";

/// The text of a file, or why there is none.
type Found<'s> = Result<(SourceId, &'s str), Diagnostic>;

/// What may be included: for each text and each name in it, the text of the file, or why there is none.
#[derive(Debug, Default)]
pub struct Included<'s> {
    files: HashMap<SourceId, HashMap<String, Found<'s>>>,
    otherwise: Option<Diagnostic>,
}

impl<'s> Included<'s> {
    /// Says what `name` stands for in the text `asking`. A refusal is a finding without a place.
    pub fn add(&mut self, asking: SourceId, name: &str, found: Found<'s>) {
        self.files.entry(asking).or_default().insert(name.to_owned(), found);
    }

    /// Says why there is nothing of which nothing else is said.
    pub fn otherwise(&mut self, refusal: Diagnostic) {
        self.otherwise = Some(refusal);
    }

    pub(super) fn find(&self, asking: SourceId, name: &str) -> Found<'s> {
        let found = self.files.get(&asking).and_then(|names| names.get(name)).cloned();
        found.unwrap_or_else(|| {
            let unknown =
                || Diagnostic::error(codes::UNREADABLE, format!("`{name}` cannot be included here"));
            Err(self.otherwise.clone().unwrap_or_else(unknown))
        })
    }
}

/// The names of the files that a text includes. What is wrong with the text is found when it is loaded.
#[must_use]
pub fn includes(text: &str) -> HashSet<String> {
    let mut names = HashSet::new();
    if !text.contains(TAG) {
        return names;
    }
    let mut parser = Parser::new_from_str(text);
    while let Some(Ok((event, _))) = parser.next_event() {
        if let Event::Scalar(name, _, _, Some(tag)) = event
            && tag.original() == TAG
        {
            names.insert(name.into_owned());
        }
    }
    names
}
