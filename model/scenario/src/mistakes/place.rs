//! Where something stands in a file: in bytes, and as people count.

use miette::LabeledSpan;
use std::fmt;

/// A stretch of the source, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// From byte offsets; a file is at most [`SOURCE_BYTES_MAX`] long, so they fit.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let clip = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: clip(start), end: clip(end.max(start)) }
    }

    /// From the start of `self` to the end of `other`.
    pub(crate) fn to(self, other: Span) -> Self {
        Self { start: self.start, end: other.end.max(self.start) }
    }

    /// The same further on, by so many bytes.
    pub(crate) fn on_by(self, bytes: u32) -> Self {
        Self { start: self.start.saturating_add(bytes), end: self.end.saturating_add(bytes) }
    }

    /// The same further back.
    pub(super) fn back_by(self, bytes: u32) -> Self {
        Self { start: self.start.saturating_sub(bytes), end: self.end.saturating_sub(bytes) }
    }

    /// What is between marks of so many bytes at both ends.
    pub(crate) fn inside(self, marks: u32) -> Self {
        let start = self.start.saturating_add(marks);
        Self { start, end: self.end.saturating_sub(marks).max(start) }
    }

    /// The text that the span covers.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The place with what is said of it, as miette draws it.
    pub(super) fn labeled(self, label: &str) -> LabeledSpan {
        LabeledSpan::new(Some(label.to_owned()), self.start as usize, self.length())
    }

    /// Whose line and column stand at the head of the diagnostic.
    pub(super) fn labeled_primary(self, label: &str) -> LabeledSpan {
        LabeledSpan::new_primary_with_span(Some(label.to_owned()), (self.start as usize, self.length()))
    }

    fn length(self) -> usize {
        (self.end - self.start) as usize
    }
}

/// A place in a file as people count: from one, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line, from one.
    pub line: u32,
    /// The column in characters, from one.
    pub column: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The place of byte `at` in `text`.
pub(crate) fn place_of(text: &str, at: u32) -> Place {
    let mut at = (at as usize).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before[line_start..].chars().count() + 1;
    Place { line: line as u32, column: column as u32 }
}
