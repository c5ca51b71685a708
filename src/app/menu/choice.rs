//! Which of the entries are shown, and which of them is chosen.

use super::keys::Key;

/// How a choice ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// With the entry of this number.
    Chosen(usize),
    /// Without one.
    Left,
}

/// A choice among names.
#[derive(Debug, Default)]
pub(super) struct Choice {
    names: Vec<String>,
    filter: String,
    /// The place among those that fit.
    at: usize,
    /// How many are seen at once.
    page: usize,
}

impl Choice {
    pub(super) fn among(names: Vec<String>) -> Self {
        Self { names, page: 1, ..Self::default() }
    }

    /// What was typed.
    pub(super) fn filter(&self) -> &str {
        &self.filter
    }

    /// The entries that fit what was typed: each word stands in them.
    fn fitting(&self) -> Vec<usize> {
        let words: Vec<String> = self.filter.split_whitespace().map(str::to_lowercase).collect();
        let fits = |name: &str| {
            let name = name.to_lowercase();
            words.iter().all(|word| name.contains(word))
        };
        (0..self.names.len()).filter(|&entry| fits(&self.names[entry])).collect()
    }

    /// The entries that are seen with room for so many, the place of the chosen one among them, and how many fit in all.
    pub(super) fn seen(&mut self, room: usize) -> (Vec<usize>, usize, usize) {
        self.page = room.max(1);
        let fitting = self.fitting();
        let first = (self.at + 1).saturating_sub(self.page);
        let seen = fitting.iter().skip(first).take(self.page).copied().collect();
        (seen, self.at - first, fitting.len())
    }

    /// Does what a key says.
    pub(super) fn press(&mut self, key: Key) -> Option<Ended> {
        let last = self.fitting().len().saturating_sub(1);
        match key {
            Key::Up => self.at = self.at.checked_sub(1).unwrap_or(last),
            Key::Down => self.at = if self.at < last { self.at + 1 } else { 0 },
            Key::PageUp => self.at = self.at.saturating_sub(self.page),
            Key::PageDown => self.at = (self.at + self.page).min(last),
            Key::First => self.at = 0,
            Key::Last => self.at = last,
            Key::Enter => return self.fitting().get(self.at).map(|&entry| Ended::Chosen(entry)),
            Key::Leave => return Some(Ended::Left),
            Key::Back => drop(self.filter.pop()),
            Key::Clear => self.filter.clear(),
            Key::Character(c) => self.filter.push(c),
        }
        if matches!(key, Key::Back | Key::Clear | Key::Character(_)) {
            self.at = 0;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice() -> Choice {
        Choice::among(
            ["stage ci", "contract ci", "contract release", "contract docs"].map(str::to_owned).to_vec(),
        )
    }

    fn press(choice: &mut Choice, keys: &[Key]) -> Option<Ended> {
        keys.iter().fold(None, |_, &key| choice.press(key))
    }

    #[test]
    fn arrows_go_round_and_enter_takes_what_is_marked() {
        for (keys, entry) in [
            (&[][..], 0),
            (&[Key::Down], 1),
            (&[Key::Up], 3),
            (&[Key::Last, Key::Down], 0),
            (&[Key::PageDown, Key::PageDown, Key::PageUp], 1),
            (&[Key::Last, Key::First], 0),
        ] {
            let mut choice = choice();
            press(&mut choice, keys);
            assert_eq!(choice.press(Key::Enter), Some(Ended::Chosen(entry)), "{keys:?}");
        }
        assert_eq!(choice().press(Key::Leave), Some(Ended::Left));
    }

    #[test]
    fn what_is_typed_leaves_out_what_does_not_hold_it() {
        let mut choice = choice();
        let typed: Vec<Key> = "CI con".chars().map(Key::Character).collect();
        press(&mut choice, &typed);
        assert_eq!(choice.seen(9), (vec![1], 0, 1));
        assert_eq!(choice.press(Key::Enter), Some(Ended::Chosen(1)));
        press(&mut choice, &[Key::Character('x')]);
        assert_eq!((choice.seen(9), choice.press(Key::Enter)), ((vec![], 0, 0), None));
        press(&mut choice, &[Key::Up, Key::Down, Key::PageDown, Key::Back]);
        assert_eq!(choice.filter(), "CI con");
        press(&mut choice, &[Key::Clear]);
        assert_eq!(choice.seen(9).2, 4);
    }

    #[test]
    fn the_marked_one_is_always_seen() {
        let mut choice = choice();
        assert_eq!(choice.seen(2), (vec![0, 1], 0, 4));
        press(&mut choice, &[Key::Down, Key::Down]);
        assert_eq!(choice.seen(2), (vec![1, 2], 1, 4));
        assert_eq!(choice.seen(0), (vec![2], 0, 4));
        press(&mut choice, &[Key::Last]);
        assert_eq!(choice.seen(3), (vec![1, 2, 3], 2, 4));
    }
}
