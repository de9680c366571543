//! What may be written at a place: words of the language, options, names, values.

use crate::{
    cursor::{Room, Spot, room, terms, word},
    hover::term_text,
    names::{Name, What, is_member},
    server::View,
    shelf::saved_in,
};
use fenceweave_kernel::{
    Kind, Type,
    op::{Opt, Takes},
};
use fenceweave_scenario::{Role, Span, Statement, Term, libraries, of_every_operation, vocabulary};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Of more nobody reads the list.
const MOST: usize = 2000;

/// What stands before the place in its statement.
#[derive(Debug, PartialEq, Eq)]
struct Begun<'t> {
    /// The entries before, the statement's word first.
    before: Vec<&'t str>,
    /// What is being written.
    last: &'t str,
    /// Whether that stands between quotes.
    quoted: bool,
}

/// The proposals.
struct Proposals<'v> {
    view: &'v View<'v>,
    /// What each would stand in the place of.
    at: Value,
    seen: BTreeSet<String>,
    items: Vec<Value>,
}

/// What may be written at a place.
pub(crate) fn complete(view: &View<'_>, offset: usize) -> Vec<Value> {
    let text = view.document.text.as_str();
    let offset = offset.min(text.len());
    let Some(begun) = begun(text, offset) else { return vec![] };
    let typed = word(text, offset).filter(|word| (word.at.start as usize) < offset);
    let end = u32::try_from(offset).unwrap_or(u32::MAX);
    let start = typed.map_or(end, |word| word.at.start);
    let at = view.document.text.range(Span { start, end });
    let spot = Spot::at(&view.names, end);
    let mut proposals = Proposals { view, at, seen: BTreeSet::new(), items: vec![] };
    // The statement itself is no block around it, but where the place is in its block.
    let is_in = |s: &&Statement| s.block.is_some() && s.head.end < end;
    let around: Vec<&Statement> = spot.path.iter().copied().filter(is_in).collect();
    let inside = room(&around, &view.names);
    let is_member = typed.is_some_and(|word| word.is_member) || is_behind_a_name(&text[..offset]);
    if is_member {
        proposals.members();
    } else if begun.quoted && begun.before.first().is_none_or(|word| !matches!(*word, "use" | "about" | "source")) {
        proposals.names(end, &|_| true);
    } else if begun.before.is_empty() {
        proposals.words(inside, end);
    } else {
        proposals.entries(&begun, inside, end);
    }
    proposals.items
}

/// Whether a text ends with a name and `.` or `->`: what comes is a member's name.
fn is_behind_a_name(before: &str) -> bool {
    let name = before.strip_suffix('.').or_else(|| before.strip_suffix("->"));
    name.is_some_and(|name| name.ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// What was begun at a place; `None` in a comment.
fn begun(text: &str, offset: usize) -> Option<Begun<'_>> {
    let line = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let (mut before, mut from, mut quoted) = (vec![], None, false);
    let mut escaped = false;
    for (at, c) in text[line..offset].char_indices() {
        let at = line + at;
        if quoted {
            quoted = c != '"' || escaped;
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '"' => {
                quoted = true;
                from = from.or(Some(at));
            }
            '{' | '}' | ';' => {
                before.clear();
                from = None;
            }
            '/' if text[at..offset].starts_with("//") => return None,
            ' ' | '\t' => before.extend(from.take().map(|from: usize| &text[from..at])),
            _ => from = from.or(Some(at)),
        }
    }
    let last = from.map_or("", |from| &text[from..offset]);
    while matches!(before.first(), Some(&"static" | &"internal" | &"override")) {
        before.remove(0);
    }
    Some(Begun { before, last, quoted })
}

impl Proposals<'_> {
    fn add(&mut self, label: &str, kind: u32, detail: &str, text: Option<String>) {
        if self.items.len() >= MOST || !self.seen.insert(label.to_owned()) {
            return;
        }
        let mut item = json!({
            "label": label,
            "kind": kind,
            "textEdit": {"range": self.at, "newText": label},
        });
        if !detail.is_empty() {
            item["detail"] = json!(detail);
        }
        if let Some(text) = text {
            item["documentation"] = json!({"kind": "markdown", "value": text});
        }
        self.items.push(item);
    }

    fn terms(&mut self, role: Role) {
        let mut all: Vec<&Term> = vocabulary().iter().filter(|term| term.role == role).collect();
        all.dedup_by_key(|term| term.word);
        for term in all {
            self.add(term.word, 14, term.written.trim_matches('`'), Some(term_text(term)));
        }
    }

    fn words(&mut self, room: Room, offset: u32) {
        match room {
            Room::File => {
                self.add("scenario", 14, "scenario NAME { … }", None);
                self.terms(Role::Library);
            }
            Room::Library => [Role::Library, Role::Section, Role::Declaration].into_iter().for_each(|r| self.terms(r)),
            Room::Scenario => [Role::Section, Role::Declaration].into_iter().for_each(|role| self.terms(role)),
            Room::Script => [Role::Statement, Role::Operation].into_iter().for_each(|role| self.terms(role)),
            Room::Expect => self.terms(Role::Clause),
            Room::Members => {}
        }
        match room {
            Room::Script => {
                self.names(offset, &|name| name.what == What::Function);
                ["only", "except"].into_iter().for_each(|word| self.add(word, 14, "", None));
            }
            Room::Scenario | Room::Library => self.names(offset, &|name| name.what == What::Struct),
            Room::Expect => ["only", "except"].into_iter().for_each(|word| self.add(word, 14, "", None)),
            Room::File | Room::Members => {}
        }
    }

    /// Every name that is seen and wanted.
    fn names(&mut self, offset: u32, wanted: &dyn Fn(&Name) -> bool) {
        let view = self.view;
        let is_seen = |name: &&Name| name.scope.start <= offset && offset <= name.scope.end;
        let own = view.names.all.iter().filter(is_seen);
        let others = view.books.iter().flat_map(|book| &book.names.all).filter(|name| name.scope.end == u32::MAX);
        for name in own.chain(others).filter(|name| !is_member(name.what) && wanted(name)) {
            self.add(&name.text, name.what.completion(), &name.word, None);
        }
    }

    fn members(&mut self) {
        let view = self.view;
        let all = view.names.all.iter().chain(view.books.iter().flat_map(|book| &book.names.all));
        for name in all.filter(|name| is_member(name.what)) {
            self.add(&name.text, name.what.completion(), name.of.as_deref().unwrap_or_default(), None);
        }
        for facet in Kind::ALL.iter().flat_map(|kind| kind.row().facets) {
            self.add(facet, 10, "what an expectation sees", None);
        }
    }

    fn listed(&mut self, words: &[&str]) {
        words.iter().for_each(|word| self.add(word, 20, "", None));
    }

    /// What stands behind a statement's word.
    fn entries(&mut self, begun: &Begun<'_>, room: Room, offset: u32) {
        let word = begun.before[0];
        let terms = terms(word, room);
        let options: Vec<&'static Opt> = terms.iter().flat_map(|term| term.options).collect();
        if let Some((key, _)) = begun.last.split_once('=') {
            return self.value(word, key, &options, offset);
        }
        match word {
            "use" => return self.of_use(begun),
            "violates" => {
                self.terms(Role::Property);
                return self.names(offset, &|name| name.what == What::Clause);
            }
            "allow" => return self.terms(Role::Warning),
            "only" | "except" => {
                self.names(offset, &|name| name.what == What::Case);
                return self.choices(false);
            }
            "goto" => return self.names(offset, &|name| name.what == What::Label),
            "engines" | "no-engine" => return self.listed(&["explicit", "shuttle", "loom", "threads"]),
            "grain" => return self.listed(&["coarse", "fine"]),
            "local" if begun.before.len() == 1 => {
                Type::NAMES.iter().for_each(|(name, _)| self.add(name, 25, "", None));
                return self.names(offset, &|name| name.what == What::Enum);
            }
            _ => {}
        }
        let is_given = |name: &str| begun.before.iter().any(|entry| entry.split('=').next() == Some(name));
        let is_operation = terms.iter().any(|term| term.role == Role::Operation);
        let is_call = room == Room::Script && terms.is_empty();
        for option in options.iter().copied().chain(of_every_operation().iter().filter(|_| is_operation || is_call)) {
            let needs = !terms.iter().any(|term| term.returns) && option.name == "into" && is_operation;
            if is_given(option.name) || needs {
                continue;
            }
            if option.takes.is_some() {
                self.add(&format!("{}=", option.name), 10, option.meaning, None);
            }
            if option.takes.is_none() || option.bare {
                self.add(option.name, 10, option.meaning, None);
            }
        }
        if room == Room::Script || word == "call" {
            self.operands(&terms, begun.before.len() - 1, offset);
        }
    }

    /// What an operation works on: what is of the right kind first.
    fn operands(&mut self, terms: &[&Term], nth: usize, offset: u32) {
        let takes = |term: &&&Term| term.operands.get(nth).or(term.operands.last()).map(|operand| operand.takes);
        let all: Vec<Takes> = terms.iter().filter_map(|term| takes(&term)).collect();
        for takes in &all {
            if let Takes::OneOf(words) = takes {
                self.listed(words);
            }
        }
        let fits = |takes: &Takes, name: &Name| match takes {
            Takes::Object(kinds) | Takes::Objects(kinds) => {
                name.what == What::Local || name.kind.is_some_and(|kind| kinds.contains(&kind))
            }
            other => fits(*other, name),
        };
        if all.is_empty() {
            return self.names(offset, &|name| !matches!(name.what, What::Label | What::Case | What::Clause));
        }
        self.names(offset, &|name| all.iter().any(|takes| fits(takes, name)));
    }

    /// The value of `key=`.
    fn value(&mut self, word: &str, key: &str, options: &[&'static Opt], offset: u32) {
        match key {
            "type" => {
                Type::NAMES.iter().for_each(|(name, _)| self.add(name, 25, "", None));
                self.names(offset, &|name| matches!(name.what, What::Enum | What::OpsType | What::Struct));
            }
            "engine" => self.listed(&["explicit", "shuttle", "loom", "threads"]),
            "fn" | "handler" | "thread" | "release" => self.names(offset, &|name| name.what == What::Function),
            _ => {}
        }
        if matches!(word, "use" | "only" | "except") {
            return self.values_of_choice(key);
        }
        let more = of_every_operation().iter();
        for option in options.iter().copied().chain(more).filter(|option| option.name == key) {
            match option.takes {
                Some(Takes::OneOf(words)) => self.listed(words),
                Some(takes) => self.names(offset, &|name| fits(takes, name)),
                None => {}
            }
        }
    }

    /// A library, one of its options, or a file beside this one.
    fn of_use(&mut self, begun: &Begun<'_>) {
        if begun.before.len() > 1 {
            return self.choices(true);
        }
        for (name, about) in libraries() {
            self.add(name, 9, &about, None);
        }
        let Some(path) = self.view.document.path() else { return };
        for file in path.parent().map(saved_in).unwrap_or_default() {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            if file != path && !begun.quoted {
                self.add(&format!("\"./{name}\""), 17, "", None);
            }
        }
    }

    /// The options that libraries have; of a `use` the parameters, too.
    fn choices(&mut self, with_numbers: bool) {
        let view = self.view;
        let all = view.names.all.iter().chain(view.books.iter().flat_map(|book| &book.names.all));
        for name in all {
            if name.what == What::Choice || (with_numbers && name.word == "param") {
                self.add(&format!("{}=", name.text), 10, &name.word, None);
            }
        }
    }

    /// The values that an option of a library has.
    fn values_of_choice(&mut self, key: &str) {
        let view = self.view;
        let own = view.names.tree.iter();
        let trees = own.chain(view.books.iter().flat_map(|book| &book.names.tree));
        for option in trees.filter(|s| s.name == "option" && s.entries.first().is_some_and(|e| e.value == key)) {
            let values = option.entries.iter().skip(1).take_while(|e| e.key.is_none() && e.value != "requires");
            values.for_each(|value| self.add(&value.value, 20, "", None));
        }
    }
}

/// Whether a name may stand where something is taken; of what refers to objects, any that is none of something else.
fn fits(takes: Takes, name: &Name) -> bool {
    match takes {
        Takes::Object(kinds) | Takes::Objects(kinds) => name.kind.is_some_and(|kind| kinds.contains(&kind)),
        Takes::Thread | Takes::Irq => name.what == What::Thread,
        Takes::Struct | Takes::Member => name.what == What::Struct,
        Takes::Proc(_) => name.what == What::Function,
        Takes::Callback => name.what == What::Function || name.kind.is_some(),
        Takes::Local | Takes::Cursor => name.what == What::Local,
        Takes::Type => name.what == What::Enum,
        Takes::Number { .. } => matches!(name.what, What::Number | What::Member),
        Takes::Fences | Takes::Place | Takes::Array | Takes::PageTable => {
            matches!(name.what, What::Object | What::Local)
        }
        Takes::Condition | Takes::Shared | Takes::Value => {
            !matches!(name.what, What::Label | What::Case | What::Clause | What::Scenario | What::Choice)
        }
        Takes::OneOf(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::begun;

    #[test]
    fn what_was_begun_is_told_from_its_line() {
        let at = |text: &'static str| begun(text, text.len()).map(|b| (b.before, b.last, b.quoted));
        assert_eq!(at("thread t { lo"), Some((vec![], "lo", false)));
        assert_eq!(at("x; lock a ki"), Some((vec!["lock", "a"], "ki", false)));
        assert_eq!(at("lock a kind="), Some((vec!["lock", "a"], "kind=", false)));
        assert_eq!(at("when \"a ; b"), Some((vec!["when"], "\"a ; b", true)));
        assert_eq!(at("use \"./a b.kdl\" "), Some((vec!["use", "\"./a b.kdl\""], "", false)));
        assert_eq!(at("static fn f"), Some((vec!["fn"], "f", false)));
        assert_eq!(at("lock a // loc"), None);
    }
}
