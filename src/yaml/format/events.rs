//! What the parser says of a text, with places.

use std::borrow::Cow;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

use crate::yaml::load::Limits;

/// One thing that the parser says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What<'s> {
    /// `true` where the document begins with `---`.
    Document(bool),
    Scalar(Cow<'s, str>, ScalarStyle),
    /// An alias as it is written, and the number of the anchor that it names, if there is one.
    Alias(Cow<'s, str>, Option<usize>),
    Sequence {
        flow: bool,
    },
    Mapping {
        flow: bool,
    },
    /// The end of the innermost collection.
    End,
}

/// The same with all that stands before it.
#[derive(Clone, Debug)]
pub(super) struct Said<'s> {
    pub what: What<'s>,
    /// The anchor's name.
    pub anchor: Option<Cow<'s, str>>,
    /// The place of the anchor.
    pub anchor_at: Option<Range<usize>>,
    /// The tag as it is written.
    pub tag: Option<&'s str>,
    pub at: Range<usize>,
}

/// The events of a text; nothing where it is not one document of YAML within the limits.
pub(super) fn of(text: &str, limits: Limits) -> Option<Vec<Said<'_>>> {
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        emit_comments: false,
        flow_nesting_limit: limits.depth + 1,
        block_nesting_limit: limits.depth + 1,
    };
    let mut said: Vec<Said<'_>> = Vec::new();
    let mut documents = 0;
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, place) = event.ok()?;
        let at = place.byte_range()?;
        let tag = match event.tag() {
            Some(_) => Some(place.tag_span()?.slice(text)?),
            None => None,
        };
        let what = match event {
            Event::Anchor(_, name) => {
                let anchored = said.last_mut()?;
                (anchored.anchor, anchored.anchor_at) = (Some(name), Some(at));
                continue;
            }
            Event::DocumentStart(explicit, _) => {
                documents += 1;
                What::Document(explicit)
            }
            Event::Scalar(value, style, ..) => What::Scalar(value, style),
            Event::Alias(anchor) => What::Alias(text.get(at.clone())?.into(), Some(anchor)),
            Event::UnresolvedAlias(_) => What::Alias(text.get(at.clone())?.into(), None),
            Event::SequenceStart(style, ..) => What::Sequence { flow: style == StructureStyle::Flow },
            Event::MappingStart(style, ..) => What::Mapping { flow: style == StructureStyle::Flow },
            Event::SequenceEnd | Event::MappingEnd => What::End,
            _ => continue,
        };
        if documents > 1 || said.len() > limits.nodes.saturating_mul(2) {
            return None;
        }
        said.push(Said { what, anchor: None, anchor_at: None, tag, at });
    }
    Some(said)
}
