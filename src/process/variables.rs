//! Environments in the form that the kernel takes: `NAME=VALUE`, each with a zero byte at its end.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// Variables in the order in which they were added; the last of a name counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Whether a name or a value holds a zero byte, which no environment can.
    has_zero: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    start: usize,
    name_len: usize,
    end: usize,
}

impl Variables {
    /// Adds a variable.
    pub fn push(&mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) {
        let (name, value) = (name.as_ref().as_bytes(), value.as_ref().as_bytes());
        let start = self.bytes.len();
        self.bytes.reserve(name.len() + value.len() + 2);
        self.bytes.extend_from_slice(name);
        self.bytes.push(b'=');
        self.bytes.extend_from_slice(value);
        let end = self.bytes.len();
        self.has_zero |= self.bytes[start..].contains(&0);
        self.bytes.push(0);
        self.entries.push(Entry { start, name_len: name.len(), end });
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        let name = name.as_ref().as_bytes();
        let found = self.entries.iter().rev().find(|entry| self.name(entry) == name)?;
        Some(OsStr::from_bytes(&self.bytes[found.start + found.name_len + 1..found.end]))
    }

    fn name(&self, entry: &Entry) -> &[u8] {
        &self.bytes[entry.start..entry.start + entry.name_len]
    }

    /// Every variable as its name and its whole text, with the zero byte at its end.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries.iter().map(|entry| (self.name(entry), &self.bytes[entry.start..=entry.end]))
    }

    /// Whether a program cannot be started with them.
    pub(super) const fn has_zero(&self) -> bool {
        self.has_zero
    }
}

impl<N: AsRef<OsStr>, V: AsRef<OsStr>> Extend<(N, V)> for Variables {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, variables: I) {
        variables.into_iter().for_each(|(name, value)| self.push(name, value));
    }
}

impl<N: AsRef<OsStr>, V: AsRef<OsStr>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let mut collected = Self::default();
        collected.extend(variables);
        collected
    }
}

/// Variables that many programs share, prepared once. Each name is in it once.
#[derive(Clone, Debug, Default)]
pub struct Inherited {
    variables: Variables,
    /// Where each name stands among them.
    places: HashMap<OsString, usize>,
}

impl Inherited {
    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: impl AsRef<OsStr>) -> Option<&OsStr> {
        self.places.contains_key(name.as_ref()).then(|| self.variables.get(name)).flatten()
    }

    /// The same without the variables of these names.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        let kept =
            self.variables.texts().filter(|(name, _)| !names.iter().any(|gone| gone.as_bytes() == *name));
        let value = |name: &[u8], text: &[u8]| text[name.len() + 1..text.len() - 1].to_vec();
        kept.map(|(name, text)| (OsString::from_vec(name.to_vec()), OsString::from_vec(value(name, text))))
            .collect()
    }

    pub(super) fn place(&self, name: &[u8]) -> Option<usize> {
        self.places.get(OsStr::from_bytes(name)).copied()
    }

    pub(super) const fn variables(&self) -> &Variables {
        &self.variables
    }
}

impl<N: Into<OsString>, V: AsRef<OsStr>> FromIterator<(N, V)> for Inherited {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let mut places: HashMap<OsString, usize> = HashMap::new();
        let mut kept: Vec<(OsString, V)> = Vec::new();
        for (name, value) in variables {
            let name = name.into();
            if let Some(&place) = places.get(&name) {
                kept[place].1 = value;
            } else {
                places.insert(name.clone(), kept.len());
                kept.push((name, value));
            }
        }
        Self { variables: kept.into_iter().collect(), places }
    }
}

/// Lays a program's own variables over the shared ones: says for each where among them it stands, or behind them.
pub(super) fn lay_over<'a>(inherited: &Inherited, own: &'a Variables, mut put: impl FnMut(usize, &'a [u8])) {
    let shared = inherited.variables.entries.len();
    let mut added: Vec<&[u8]> = Vec::new();
    for (name, text) in own.texts() {
        let place = inherited.place(name).unwrap_or_else(|| {
            let known = added.iter().position(|known| *known == name);
            shared
                + known.unwrap_or_else(|| {
                    added.push(name);
                    added.len() - 1
                })
        });
        put(place, text);
    }
}

/// What a program gets: the shared variables, and its own beside or instead of them.
#[cfg(any(test, not(target_os = "linux")))]
pub(super) fn merged<'a>(inherited: &'a Inherited, own: &'a Variables) -> Vec<&'a [u8]> {
    let mut texts: Vec<&[u8]> = inherited.variables.texts().map(|(_, text)| text).collect();
    lay_over(inherited, own, |place, text| match texts.get_mut(place) {
        Some(earlier) => *earlier = text,
        None => texts.push(text),
    });
    texts
}

/// The text of a variable as a pair, for who cannot take it as it is.
#[cfg(any(test, not(target_os = "linux")))]
pub(super) fn pair(text: &[u8]) -> (OsString, OsString) {
    let text = text.strip_suffix(b"\0").unwrap_or(text);
    let cut = text.iter().position(|byte| *byte == b'=').unwrap_or(text.len());
    let value = text.get(cut + 1..).unwrap_or_default();
    (OsString::from_vec(text[..cut].to_vec()), OsString::from_vec(value.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_a_name_counts() {
        let inherited: Inherited = [("A", "1"), ("B", "2"), ("A", "3"), ("AB", "x")].into_iter().collect();
        assert_eq!((inherited.get("A"), inherited.get("C")), (Some("3".as_ref()), None));
        let own: Variables =
            [("B", "own"), ("C", "4"), ("C=", "odd"), ("C", "5=6"), ("E", "")].into_iter().collect();
        assert_eq!(own.get("C"), Some("5=6".as_ref()));
        let texts = merged(&inherited, &own);
        let expected: [&[u8]; 6] = [b"A=3\0", b"B=own\0", b"AB=x\0", b"C=5=6\0", b"C==odd\0", b"E=\0"];
        assert_eq!(texts, expected);
        assert_eq!(pair(texts[3]), ("C".into(), "5=6".into()));
        let fewer = inherited.without(&["A", "X"]);
        assert_eq!(
            (fewer.get("A"), fewer.get("B"), fewer.get("AB")),
            (None, Some("2".as_ref()), Some("x".as_ref()))
        );
        assert!(!own.has_zero());
        assert!(Variables::from_iter([("A", "\0")]).has_zero());
    }
}
