//! The part of a text that a finding is about: few enough bytes to be laid out, whatever the text is, and only
//! characters that can be seen.

use std::ops::Range;

use crate::base::text::push_visible;

/// The longest line that is shown whole, in bytes.
const MAX_LINE: usize = 1000;

/// How much of a longer line is shown before and after a place.
const AROUND: usize = 200;

/// The longest place that is marked whole, and how much is marked of a longer one.
const MAX_PLACE: usize = 500;
const MARKED: usize = 100;

/// Places that are further apart do not stand in one excerpt.
const MAX_GAP: usize = 16 * 1024;

/// Some lines of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    /// The lines as they are shown.
    pub text: String,
    /// The first byte of the first line in the whole text.
    pub start: usize,
    /// Which places are in these lines, by their number, and where they are in `text`.
    pub places: Vec<(usize, Range<usize>)>,
}

/// The excerpts of `text` that show all of these places; the first one shows the first place.
pub(super) fn excerpts(text: &str, places: &[Range<usize>]) -> Vec<Excerpt> {
    let places: Vec<Range<usize>> = places.iter().map(|place| marked(text, place)).collect();
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|&at| (places[at].start, at));
    let mut windows: Vec<(Range<usize>, Vec<usize>)> = Vec::new();
    for at in order {
        let lines = lines_around(text, &places[at]);
        match windows.last_mut() {
            Some((window, inside)) if lines.start <= window.end.saturating_add(MAX_GAP) => {
                window.end = window.end.max(lines.end);
                inside.push(at);
            }
            _ => windows.push((lines, vec![at])),
        }
    }
    windows.sort_by_key(|(_, inside)| !inside.contains(&0));
    windows.into_iter().map(|(window, inside)| excerpt(text, window, (&places, inside))).collect()
}

/// As much of a place as is marked: within the text, and of a long one only its beginning.
fn marked(text: &str, place: &Range<usize>) -> Range<usize> {
    let end = text.floor_char_boundary(place.end);
    let start = text.floor_char_boundary(place.start.min(end));
    if end - start <= MAX_PLACE {
        return start..end;
    }
    let end = text.floor_char_boundary(start + MARKED);
    start..text[start..end].find('\n').map_or(end, |at| start + at)
}

fn lines_around(text: &str, place: &Range<usize>) -> Range<usize> {
    let start = text[..place.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[place.end..].find('\n').map_or(text.len(), |at| place.end + at);
    start..end
}

fn excerpt(text: &str, window: Range<usize>, (places, inside): (&[Range<usize>], Vec<usize>)) -> Excerpt {
    let mut points: Vec<usize> = inside.iter().flat_map(|&at| [places[at].start, places[at].end]).collect();
    points.sort_unstable();
    points.dedup();
    // Where each point is in the excerpt.
    let mut found = vec![0; points.len()];
    let mut next = 0;
    let mut shown = String::new();
    let mut start = window.start;
    for line in text[window.clone()].split('\n') {
        let end = start + line.len();
        // A line break of two bytes is one.
        let visible_end = end - usize::from(line.ends_with('\r'));
        for part in parts(text, start..visible_end, &points) {
            if part.start > start && !shown.ends_with('…') {
                shown.push('…');
            }
            for (at, c) in text[part.clone()].char_indices() {
                while next < points.len() && points[next] <= part.start + at {
                    found[next] = shown.len();
                    next += 1;
                }
                push_visible(c, &mut shown);
            }
            while next < points.len() && points[next] <= part.end {
                found[next] = shown.len();
                next += 1;
            }
            if part.end < visible_end {
                shown.push('…');
            }
        }
        while next < points.len() && points[next] <= end {
            found[next] = shown.len();
            next += 1;
        }
        if end < window.end {
            shown.push('\n');
        }
        start = end + 1;
    }
    let position = |point: usize| points.binary_search(&point).map_or(0, |at| found[at]);
    let places =
        inside.iter().map(|&at| (at, position(places[at].start)..position(places[at].end))).collect();
    Excerpt { text: shown, start: window.start, places }
}

/// The parts of a line that are shown: all of it, or what is around the points.
fn parts(text: &str, line: Range<usize>, points: &[usize]) -> Vec<Range<usize>> {
    if line.len() <= MAX_LINE {
        return vec![line];
    }
    let mut parts: Vec<Range<usize>> = Vec::new();
    let first = points.partition_point(|&point| point < line.start);
    for &point in points[first..].iter().take_while(|&&point| point <= line.end) {
        let start = text.floor_char_boundary(point.saturating_sub(AROUND)).max(line.start);
        let end = text.floor_char_boundary((point + AROUND).min(line.end));
        match parts.last_mut() {
            // A place is at most so long that nothing of it is left out.
            Some(last) if start <= last.end + MAX_PLACE => last.end = end,
            _ => parts.push(start..end),
        }
    }
    if parts.is_empty() {
        parts.push(line.start..text.floor_char_boundary(line.start + AROUND));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Rng;

    fn one(text: &str, place: Range<usize>) -> (String, String) {
        let mut all = excerpts(text, &[place]);
        let found = all.pop().unwrap();
        assert!(all.is_empty());
        (found.text[found.places[0].1.clone()].to_owned(), found.text)
    }

    #[test]
    fn the_lines_of_a_place_are_shown_as_they_are() {
        assert_eq!(one("a\nbc: d\ne\n", 2..4), ("bc".into(), "bc: d".into()));
        assert_eq!(one("a\nb\nc\nd", 2..5), ("b\nc".into(), "b\nc".into()));
        assert_eq!(one("a: b\r\nc: d\r\n", 6..7), ("c".into(), "c: d".into()));
        assert_eq!(one("", 0..0), (String::new(), String::new()));
        assert_eq!(one("ab", 7..9), (String::new(), "ab".into()));
        assert_eq!(one("é", 1..2), ("é".into(), "é".into()));
    }

    #[test]
    fn what_cannot_be_seen_is_spelt_out() {
        let text = "a\u{200b}b: \u{202e}c\u{9b}d\n";
        let place = text.find('c').unwrap();
        let (marked, line) = one(text, place..place + 1);
        assert_eq!((marked.as_str(), line.as_str()), ("c", "a<U+200B>b: <U+202E>c<U+009B>d"));
    }

    #[test]
    fn of_a_long_line_only_what_is_around_a_place_is_shown() {
        let text = format!("a\n{}KEY{}\nb\n", "é".repeat(100_000), "ü".repeat(100_000));
        let at = text.find("KEY").unwrap();
        let (marked, line) = one(&text, at..at + 3);
        assert_eq!(marked, "KEY");
        assert!(line.starts_with('…') && line.ends_with('…') && line.len() < 1000, "{line}");
        // Two places far apart in one line.
        let far = excerpts(&text, &[at..at + 3, 2..4]);
        assert_eq!(far.len(), 1);
        let marks: Vec<_> =
            far[0].places.iter().map(|(at, place)| (*at, &far[0].text[place.clone()])).collect();
        assert_eq!(marks, [(1, "é"), (0, "KEY")]);
        assert!(far[0].text.len() < 2000);
        // A place that is itself long is marked at its beginning.
        let (marked, line) = one(&text, 2..text.len());
        assert!(marked.starts_with('é') && marked.len() <= MARKED && line.len() < 1000);
    }

    #[test]
    fn places_far_apart_have_their_own_excerpts_and_the_first_comes_first() {
        let text = format!("first\n{}last\n", "x\n".repeat(100_000));
        let last = text.len() - 5;
        let all = excerpts(&text, &[last..last + 4, 0..5]);
        let shown: Vec<_> = all.iter().map(|e| (e.text.as_str(), e.start, e.places[0].0)).collect();
        assert_eq!(shown, [("last", last, 0), ("first", 0, 1)]);
    }

    #[test]
    fn every_place_of_every_text_can_be_shown() {
        let pieces = ["a", "é", "\n", "\r\n", "\u{200b}", "日", "\t", "\u{1b}[2J", " ", "\r"];
        let mut rng = Rng::new(7);
        let mut below = |n: usize| usize::try_from(rng.below(n as u64)).unwrap();
        for _ in 0..2000 {
            let mut text = String::new();
            for _ in 0..below(40) {
                let piece = pieces[below(pieces.len())];
                text.push_str(&piece.repeat(if below(8) == 0 { 2000 } else { 1 }));
            }
            let places: Vec<_> =
                (0..=below(4)).map(|_| below(text.len() + 3)..below(text.len() + 3)).collect();
            let all = excerpts(&text, &places);
            let mut numbers: Vec<usize> =
                all.iter().flat_map(|e| e.places.iter().map(|(at, _)| *at)).collect();
            assert_eq!(all[0].places.iter().filter(|(at, _)| *at == 0).count(), 1);
            numbers.sort_unstable();
            assert_eq!(numbers, (0..places.len()).collect::<Vec<_>>());
            for found in &all {
                assert!(found.places.iter().all(|(_, place)| found.text.get(place.clone()).is_some()));
                assert!(!found.text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')));
            }
        }
    }
}
