//! The texts that are open, and places in them: a byte here is a line and a column in UTF-16 there.

use fenceweave_scenario::{Span, place_of};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A text with the beginnings of its lines.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    said: Arc<str>,
    lines: Arc<[usize]>,
}

/// A place as editors count: from 0, columns in units of UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) line: u64,
    pub(crate) character: u64,
}

impl Text {
    pub(crate) fn new(said: &str) -> Text {
        let begins = said.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Text { said: said.into(), lines: std::iter::once(0).chain(begins).collect() }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.said
    }

    /// The same text for another thread.
    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.said)
    }

    /// The line of a number, with what ends it.
    fn line(&self, number: usize) -> &str {
        let begin = self.lines.get(number).copied().unwrap_or(self.said.len());
        let end = self.lines.get(number + 1).copied().unwrap_or(self.said.len());
        &self.said[begin..end]
    }

    /// The byte of a place; behind the end of a line is its end, and behind the last line the end of the text.
    pub(crate) fn offset(&self, at: Position) -> usize {
        let number = usize::try_from(at.line).unwrap_or(usize::MAX);
        let Some(begin) = self.lines.get(number).copied() else { return self.said.len() };
        let line = self.line(number).trim_end_matches(['\n', '\r']);
        let mut units = 0;
        for (byte, c) in line.char_indices() {
            if units >= at.character {
                return begin + byte;
            }
            units += c.len_utf16() as u64;
        }
        begin + line.len()
    }

    /// The place of a byte.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.said.len());
        while !self.said.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.lines.partition_point(|begin| *begin <= offset).saturating_sub(1);
        let before = &self.said[self.lines[line]..offset];
        Position { line: line as u64, character: before.chars().map(|c| c.len_utf16() as u64).sum() }
    }

    /// A range as editors have it.
    pub(crate) fn range(&self, span: Span) -> Value {
        json!({"start": self.position(span.start as usize).json(), "end": self.position(span.end as usize).json()})
    }

    /// The range of all of it.
    pub(crate) fn whole(&self) -> Value {
        self.range(Span { start: 0, end: u32::try_from(self.said.len()).unwrap_or(u32::MAX) })
    }

    /// The text after a change: of a range, or of everything.
    pub(crate) fn changed(&self, change: &Value) -> Option<Text> {
        let new = change.get("text")?.as_str()?;
        let Some(range) = change.get("range").filter(|range| !range.is_null()) else { return Some(Text::new(new)) };
        let place = |key| Some(self.offset(Position::of(range.get(key)?)?));
        let (start, end) = (place("start")?, place("end")?);
        let (start, end) = (start.min(end), start.max(end));
        Some(Text::new(&[&self.said[..start], new, &self.said[end..]].concat()))
    }
}

impl Position {
    pub(crate) fn of(value: &Value) -> Option<Position> {
        let number = |key| value.get(key)?.as_u64();
        Some(Position { line: number("line")?, character: number("character")? })
    }

    pub(crate) fn json(self) -> Value {
        json!({"line": self.line, "character": self.character})
    }
}

/// A text that is open.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) uri: String,
    pub(crate) version: i64,
    pub(crate) text: Text,
    /// Where its file was when it was opened, whatever that is called by.
    pub(crate) place: Option<PathBuf>,
}

impl Document {
    /// Where it is, if it is a file.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        crate::uri::to_file(&self.uri)
    }
}

/// The texts that are open.
#[derive(Debug, Default)]
pub(crate) struct Documents(BTreeMap<String, Document>);

impl Documents {
    pub(crate) fn open(&mut self, uri: &str, version: i64, said: &str) {
        let place = crate::uri::to_file(uri).and_then(|path| place_of(&path));
        let document = Document { uri: uri.to_owned(), version, text: Text::new(said), place };
        self.0.insert(uri.to_owned(), document);
    }

    pub(crate) fn close(&mut self, uri: &str) {
        self.0.remove(uri);
    }

    pub(crate) fn get(&self, uri: &str) -> Option<&Document> {
        self.0.get(uri)
    }

    /// What a file says: as it is open, or else as it is.
    pub(crate) fn text_at(&self, path: &Path) -> Option<String> {
        let open = self.0.get(&crate::uri::of_file(path));
        let is_there = |own: &Option<PathBuf>| own.as_deref() == Some(path);
        let open =
            open.or_else(|| self.0.values().find(|document| is_there(&document.place) || is_there(&document.path())));
        match open {
            Some(document) => Some(document.text.as_str().to_owned()),
            None => fenceweave_scenario::read(path).ok(),
        }
    }

    /// Takes changes over, one after the other.
    pub(crate) fn change(&mut self, uri: &str, version: i64, changes: &[Value]) -> Option<&Document> {
        let document = self.0.get_mut(uri)?;
        for change in changes {
            if let Some(text) = document.text.changed(change) {
                document.text = text;
            }
        }
        document.version = version;
        Some(document)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Document> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_units_of_utf_16() {
        let text = Text::new("a𝄞é\r\nb\n");
        let at = |line, character| text.offset(Position { line, character });
        assert_eq!([at(0, 0), at(0, 1), at(0, 3), at(0, 4)], [0, 1, 5, 7]);
        assert_eq!(at(0, 99), 7, "behind the end of a line is its end");
        assert_eq!([at(1, 1), at(2, 0), at(9, 9)], [10, 11, 11]);
        for offset in [0, 1, 5, 7, 9, 10, 11] {
            assert_eq!(text.offset(text.position(offset)), offset);
        }
        assert_eq!(text.position(3), Position { line: 0, character: 1 }, "in the middle of a character is before it");
    }

    #[test]
    fn changes_are_of_a_range_or_of_everything() {
        let text = Text::new("one\ntwo\n");
        let range = json!({"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 3}});
        let changed = text.changed(&json!({"range": range, "text": "2"})).expect("a change");
        assert_eq!(changed.as_str(), "one\n2\n");
        assert_eq!(changed.changed(&json!({"text": "x"})).expect("a change").as_str(), "x");
        let swapped = json!({"start": {"line": 9, "character": 0}, "end": {"line": 0, "character": 3}});
        assert_eq!(text.changed(&json!({"range": swapped, "text": ""})).expect("a change").as_str(), "one");
        assert!(text.changed(&json!({"range": {}, "text": ""})).is_none());
        assert!(text.changed(&json!({})).is_none());
    }
}
