//! What stands at a place of a text, and in what.

use crate::names::{Names, peeled};
use fenceweave_scenario::{Entry, Role, Span, Statement, Term, vocabulary};

/// What a place is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On<'t> {
    /// The word that a statement begins with.
    Word,
    /// What stands before the `=` of an entry.
    Key(&'t Entry),
    /// A value.
    Value(&'t Entry),
}

/// The statements around a place, and what it is on.
#[derive(Debug)]
pub(crate) struct Spot<'t> {
    /// From the outermost on.
    pub(crate) path: Vec<&'t Statement>,
    pub(crate) on: Option<On<'t>>,
}

/// What a block holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// The top of a file that has a scenario, or nothing yet.
    File,
    /// The top of a library's file.
    Library,
    Scenario,
    Script,
    Expect,
    /// Fields, members, slots: names of one's own.
    Members,
}

impl<'t> Spot<'t> {
    pub(crate) fn at(names: &'t Names, offset: u32) -> Spot<'t> {
        let mut path = vec![];
        let mut level = &names.tree[..];
        while let Some(statement) = level.iter().find(|s| s.span.start <= offset && offset <= s.span.end) {
            path.push(statement);
            level = statement.block.as_deref().unwrap_or_default();
        }
        let on = path.last().and_then(|statement| on(statement, offset));
        Spot { path, on }
    }

    /// The innermost statement.
    pub(crate) fn statement(&self) -> Option<&'t Statement> {
        self.path.last().copied()
    }

    /// What the innermost statement stands in.
    pub(crate) fn room(&self, names: &Names) -> Room {
        let outer = &self.path[..self.path.len().saturating_sub(1)];
        room(outer, names)
    }
}

/// What the innermost of these blocks holds.
pub(crate) fn room(path: &[&Statement], names: &Names) -> Room {
    for statement in path.iter().rev() {
        match peeled(statement).0 {
            "only" | "except" => {}
            "scenario" => return Room::Scenario,
            "expect" => return Room::Expect,
            "struct" | "enum" | "flags" | "ops" | "ops-type" | "pci-tree" | "set" => return Room::Members,
            "module" => return if path[0].name == "scenario" { Room::Scenario } else { Room::Library },
            _ => return Room::Script,
        }
    }
    if names.is_library() { Room::Library } else { Room::File }
}

fn on(statement: &Statement, offset: u32) -> Option<On<'_>> {
    let holds = |span: Span| span.start <= offset && offset <= span.end;
    if holds(statement.word) {
        return Some(On::Word);
    }
    let entry = statement.entries.iter().find(|entry| holds(entry.span))?;
    Some(if entry.key.is_some() && offset < entry.at.start { On::Key(entry) } else { On::Value(entry) })
}

/// The terms of a word that may stand in a block.
pub(crate) fn terms(word: &str, room: Room) -> Vec<&'static Term> {
    let all = || vocabulary().iter().filter(move |term| term.word == word);
    let fits = |term: &&Term| match term.role {
        Role::Section => matches!(room, Room::Scenario | Room::Library),
        Role::Library => room == Room::Library,
        Role::Declaration => matches!(room, Room::Scenario | Room::Library),
        Role::Statement | Role::Operation => matches!(room, Room::Script | Room::Members),
        Role::Clause => matches!(room, Room::Expect | Room::Script),
        Role::Warning | Role::Property => false,
    };
    let of_library = room == Room::Library && all().any(|term| term.role == Role::Library);
    let fitting: Vec<&Term> = all().filter(fits).filter(|term| !of_library || term.role == Role::Library).collect();
    if !fitting.is_empty() {
        return fitting;
    }
    all().filter(|term| !matches!(term.role, Role::Warning | Role::Property)).collect()
}

/// A name at a place, and whether it stands behind `.` or `->`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word<'t> {
    pub(crate) text: &'t str,
    pub(crate) at: Span,
    pub(crate) is_member: bool,
}

/// The name at a place, or right before it.
pub(crate) fn word(text: &str, offset: usize) -> Option<Word<'_>> {
    let offset = offset.min(text.len());
    if !text.is_char_boundary(offset) {
        return None;
    }
    let bytes = text.as_bytes();
    // The minus of `->` is none of a name's.
    let of_name = |at: usize| match bytes.get(at) {
        Some(b'-') => bytes.get(at + 1) != Some(&b'>'),
        Some(byte) => byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80,
        None => false,
    };
    let mut start = offset;
    while start > 0 && of_name(start - 1) {
        start -= 1;
    }
    let mut end = offset;
    while of_name(end) {
        end += 1;
    }
    // `-ENOMEM` is an errno, `-x` a minus.
    let text_at = text.get(start..end)?.trim_start_matches('-');
    let start = end - text_at.len();
    if text_at.is_empty() {
        return None;
    }
    let is_member = text[..start].ends_with('.') || text[..start].ends_with("->");
    let span = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Some(Word { text: text_at, at: Span { start: span(start), end: span(end) }, is_member })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_ends_where_a_name_does() {
        let at = |text: &'static str, offset| word(text, offset).map(|w| (w.text, w.is_member));
        assert_eq!(at("a.b_c->d-e", 0), Some(("a", false)));
        assert_eq!(at("a.b_c->d-e", 3), Some(("b_c", true)));
        assert_eq!(at("a.b_c->d-e", 8), Some(("d-e", true)));
        assert_eq!(at("x -ENOMEM", 5), Some(("ENOMEM", false)));
        assert_eq!(at("lock a", 6), Some(("a", false)));
        assert_eq!(at("a  b", 2), None);
        assert_eq!(at("é", 1), None, "in the middle of a character is nothing");
    }

    #[test]
    fn a_place_is_in_blocks_and_on_an_entry() {
        let text = "scenario s { thread t { lock a kind=mutex }; expect { holds } }";
        let names = Names::of(text);
        let at = |what: &str| Spot::at(&names, u32::try_from(text.find(what).unwrap_or(0)).unwrap_or(0) + 1);
        let key = at("kind");
        assert!(matches!(key.on, Some(On::Key(_))));
        assert_eq!(key.room(&names), Room::Script);
        assert!(matches!(at("mutex").on, Some(On::Value(_))));
        assert_eq!(at("holds").on, Some(On::Word));
        assert_eq!(at("holds").room(&names), Room::Expect);
        assert_eq!(at("thread").room(&names), Room::Scenario);
        assert!(terms("lock", Room::Scenario).iter().all(|term| term.role == Role::Declaration));
        assert!(terms("lock", Room::Script).iter().any(|term| term.role == Role::Operation));
    }
}
