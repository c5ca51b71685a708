//! The menu of what can be run.

use super::look::Look;
use crate::base::text;

/// How the menu stands.
#[derive(Clone, Copy, Debug)]
pub struct State<'a> {
    /// The place of the marked one among those that are seen.
    pub marked: usize,
    /// How many fit what was typed.
    pub fitting: usize,
    /// What was typed.
    pub filter: &'a str,
}

/// The lines of the menu: what the keys do, names with what is said of them, and what was typed, at whose end the
/// cursor stands.
#[must_use]
pub fn lines(look: Look, seen: &[(&str, &str)], state: State<'_>) -> Vec<String> {
    let clean = |text: &str| text::without_controls(text).replace('\n', " ");
    let heading = "Arrows choose, typing filters, Enter runs, Esc leaves.";
    let mut lines = vec![look.bold(&look.clip(heading, look.width))];
    let width = seen.iter().map(|(name, _)| text::cells(name)).max().unwrap_or(0).min(42);
    for (at, (name, about)) in seen.iter().enumerate() {
        let is_marked = at == state.marked;
        let mark = if is_marked { look.or_ascii("❯ ", "> ") } else { "  " };
        let room = look.width.saturating_sub(2);
        let name = text::pad(&look.clip(&clean(name), width), width);
        let name = look.clip(&name, room).into_owned();
        let room = room.saturating_sub(text::cells(&name) + 2);
        let about = look.clip(&clean(about), room).into_owned();
        let name = if is_marked { look.bold(&name) } else { name };
        lines.push(if room > 3 {
            format!("{mark}{name}  {}", look.dim(&about))
        } else {
            format!("{mark}{name}")
        });
    }
    let more = match (state.fitting, state.fitting.saturating_sub(seen.len())) {
        (0, _) => "  nothing has that in its name".to_owned(),
        (_, 0) => String::new(),
        (_, more) => format!("  and {more} more"),
    };
    if !more.is_empty() {
        lines.push(look.dim(&look.clip(&more, look.width)));
    }
    // Of a long text the end is seen.
    let typed = clean(state.filter);
    let mut typed = typed.as_str();
    while text::cells(typed) > look.width.saturating_sub(3) {
        let mut rest = typed.chars();
        rest.next();
        typed = rest.as_str();
    }
    lines.push(format!("/ {typed}"));
    lines
}
