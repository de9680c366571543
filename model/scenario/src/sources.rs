//! The texts that one load reads, as one text: the scenario's file first, then those of libraries. A place in it is a
//! place in one of them, so whoever looks at a statement need not ask which file it is in; only who tells a place does.

use std::collections::{BTreeMap, BTreeSet};

use crate::mistakes::{Place, Span};

/// The largest of all texts together.
pub(crate) const ALL_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The texts that were read, one behind the other.
#[derive(Debug, Clone)]
pub(crate) struct Sources {
    text: String,
    files: Vec<Source>,
    /// Where each line begins.
    lines: Vec<u32>,
    /// What is said instead of what was written, where that begins, and what was written.
    instead: Vec<(u32, Span)>,
    /// Which libraries each of them uses, by itself and by others.
    used_by: BTreeMap<usize, BTreeSet<usize>>,
}

/// One of them.
#[derive(Debug, Clone)]
struct Source {
    name: String,
    start: u32,
    /// How many lines are before it.
    lines: u32,
    /// The library that it is of, if that is one which `use NAME` finds.
    library: Option<usize>,
}

impl Sources {
    /// The scenario's file.
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let mut sources = Self {
            text: String::new(),
            files: Vec::new(),
            lines: Vec::new(),
            instead: Vec::new(),
            used_by: BTreeMap::new(),
        };
        sources.push(name, text, None);
        sources
    }

    /// One more file, of that library if it is of one; the result is its number and where its text begins.
    pub(crate) fn push(&mut self, name: &str, text: &str, library: Option<usize>) -> (usize, u32) {
        // Between two files is a line's end, so that the end of one is not the beginning of the next.
        if !self.files.is_empty() {
            self.text.push('\n');
        }
        let start = self.text.len();
        self.lines.push(at(start));
        let lines = at(self.lines.len() - 1);
        self.lines.extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(i, _)| at(start + i + 1)));
        self.text.push_str(text);
        self.files.push(Source { name: name.to_owned(), start: at(start), lines, library });
        (self.files.len() - 1, at(start))
    }

    /// Another text for a stretch of one of them, behind all files; its place is that of the stretch.
    pub(crate) fn say_instead(&mut self, text: &str, written: Span) -> Span {
        self.text.push('\n');
        let start = at(self.text.len());
        self.text.push_str(text);
        self.instead.push((start, written));
        Span { start, end: at(self.text.len()) }
    }

    /// What was written.
    fn written(&self, span: Span) -> Span {
        match self.instead.partition_point(|(start, _)| *start <= span.start) {
            0 => span,
            next => self.instead[next - 1].1,
        }
    }

    /// All of them.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The names of the files, the scenario's first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.name.as_str())
    }

    /// Which file a place is in.
    pub(crate) fn file_of(&self, span: Span) -> usize {
        let span = self.written(span);
        self.files.partition_point(|file| file.start <= span.start).saturating_sub(1)
    }

    /// The library that a place is in: it knows nothing of the scenario that uses it.
    pub(crate) fn library_of(&self, span: Span) -> Option<usize> {
        self.files.get(self.file_of(span))?.library
    }

    /// One library uses another one, and with that what that uses.
    pub(crate) fn note_use(&mut self, library: usize, other: usize) {
        let mut more = self.used_by.get(&other).cloned().unwrap_or_default();
        more.insert(other);
        for (user, used) in &mut self.used_by {
            if *user == library || used.contains(&library) {
                used.extend(&more);
            }
        }
        self.used_by.entry(library).or_default().extend(more);
    }

    /// Whether a library uses another one.
    pub(crate) fn uses(&self, library: usize, other: usize) -> bool {
        self.used_by.get(&library).is_some_and(|used| used.contains(&other))
    }

    /// Where something begins in its file, as people count.
    pub(crate) fn place_of(&self, span: Span) -> Place {
        let span = self.written(span);
        let line = self.lines.partition_point(|start| *start <= span.start);
        let start = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = Span { start, end: span.start }.of(&self.text);
        let first = self.files.get(self.file_of(span)).map_or(0, |file| file.lines);
        let column = u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX);
        Place { line: at(line).saturating_sub(first), column }
    }
}

/// A place in a text whose length is bounded.
fn at(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_one_in_its_own_file() {
        let mut sources = Sources::new("a.kdl", "one\ntwo");
        let (number, start) = sources.push("b.kdl", "three\nfour\n", Some(0));
        let (_, last) = sources.push("c.kdl", "é five", None);
        assert_eq!((number, start), (1, 8));
        let place = |start: u32| {
            let span = Span { start, end: start + 1 };
            let Place { line, column } = sources.place_of(span);
            (sources.file_of(span), line, column)
        };
        assert_eq!([place(0), place(4), place(6)], [(0, 1, 1), (0, 2, 1), (0, 2, 3)]);
        assert_eq!([place(start), place(start + 6)], [(1, 1, 1), (1, 2, 1)]);
        assert_eq!(place(last + 3), (2, 1, 3), "a column is one of characters");
        assert_eq!(sources.names().collect::<Vec<_>>(), ["a.kdl", "b.kdl", "c.kdl"]);
        let written = Span { start: start + 6, end: start + 10 };
        let said = sources.say_instead("fourth", written);
        assert_eq!(said.of(sources.text()), "fourth");
        let Place { line, column } = sources.place_of(said);
        assert_eq!((sources.file_of(said), line, column), (1, 2, 1), "what is said instead is where it was written");
    }
}
