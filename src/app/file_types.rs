//! The types of files, as tags name them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use file_identify::{Tag, TagSet, tags_from_path};

use crate::orchestrators::FileTypes;

/// The types of files, each looked at once.
pub(super) struct Types {
    root: PathBuf,
    known: HashMap<PathBuf, Option<TagSet>>,
}

impl Types {
    /// The types of files below a folder.
    pub(super) fn at(root: PathBuf) -> Self {
        Self { root, known: HashMap::new() }
    }

    fn tags(&mut self, file: &Path) -> Option<&TagSet> {
        let root = &self.root;
        self.known.entry(file.to_path_buf()).or_insert_with(|| tags_from_path(root.join(file)).ok()).as_ref()
    }
}

impl FileTypes for Types {
    fn has_all(&mut self, file: &Path, types: &[String]) -> bool {
        self.tags(file).is_some_and(|tags| types.iter().all(|wanted| has(tags, wanted)))
    }

    fn has_any(&mut self, file: &Path, types: &[String]) -> bool {
        self.tags(file).is_some_and(|tags| types.iter().any(|wanted| has(tags, wanted)))
    }
}

fn has(tags: &TagSet, wanted: &str) -> bool {
    Tag::from_name(wanted).is_some_and(|tag| tags.contains_tag(tag))
}
