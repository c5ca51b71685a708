//! Paths as text: no file is looked at.

use std::path::{Component, Path, PathBuf};

/// A path without `.` and without what `..` takes back.
#[must_use]
pub fn tidied(path: &Path) -> PathBuf {
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match (part, tidy.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => _ = tidy.pop(),
            (part, _) => tidy.push(part),
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_spelling() {
        let rows = [("a/./b/../c", "a/c"), ("../a/..", ".."), ("/../a", "/a"), ("./", ""), ("/a/../..", "/")];
        for (path, tidy) in rows {
            assert_eq!(tidied(Path::new(path)), Path::new(tidy), "{path}");
        }
    }
}
