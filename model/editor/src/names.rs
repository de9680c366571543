//! What a text declares: each name, what it is, where it stands, and where it is seen.

use fenceweave_kernel::Kind;
use fenceweave_scenario::{Entry, Role, Span, Statement, sketch, vocabulary};

/// What a name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Scenario,
    Case,
    /// A function or a proc.
    Function,
    /// Something that runs: a thread, a work item, a timer, a handler.
    Thread,
    /// A lock, a fence, a variable, an object of a struct.
    Object,
    Struct,
    Field,
    Enum,
    /// One of an `enum` or of `flags`.
    Member,
    /// A constant, a parameter, an input.
    Number,
    /// An `ops` table.
    Table,
    OpsType,
    Slot,
    Local,
    Label,
    /// What `use` may choose.
    Choice,
    /// An expectation that has a name.
    Clause,
}

impl What {
    /// As editors number kinds of symbols.
    pub(crate) fn symbol(self) -> u32 {
        match self {
            What::Scenario => 2,
            What::Case => 5,
            What::Function => 12,
            What::Thread => 24,
            What::Object => 19,
            What::Struct => 23,
            What::Field => 8,
            What::Enum => 10,
            What::Member => 22,
            What::Number | What::Choice => 14,
            What::Table => 11,
            What::OpsType => 26,
            What::Slot => 6,
            What::Local => 13,
            What::Label | What::Clause => 20,
        }
    }

    /// As editors number kinds of completions.
    pub(crate) fn completion(self) -> u32 {
        match self {
            What::Scenario | What::Case => 9,
            What::Function => 3,
            What::Thread => 23,
            What::Object | What::Local => 6,
            What::Struct => 22,
            What::Field => 5,
            What::Enum => 13,
            What::Member => 20,
            What::Number | What::Choice => 21,
            What::Table | What::OpsType => 8,
            What::Slot => 2,
            What::Label | What::Clause => 18,
        }
    }
}

/// A name that a text declares.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) what: What,
    /// The word that declares it: `lock`, `fn`, the name of a struct.
    pub(crate) word: String,
    /// The kind of object.
    pub(crate) kind: Option<Kind>,
    /// Where the name stands.
    pub(crate) at: Span,
    /// The statement without its block.
    pub(crate) head: Span,
    /// The statement.
    pub(crate) whole: Span,
    /// Where it is seen.
    pub(crate) scope: Span,
    /// The struct, the enumeration or the table that it is in.
    pub(crate) of: Option<String>,
}

/// A `use`: what it names, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) target: String,
    /// Whether that is a file's name.
    pub(crate) quoted: bool,
    pub(crate) at: Span,
}

/// What a text declares and uses.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) all: Vec<Name>,
    pub(crate) used: Vec<Used>,
    /// Its statements.
    pub(crate) tree: Vec<Statement>,
    /// Each `use` that somebody is typing, and that is no statement yet.
    begun: Vec<Span>,
}

/// What is seen in the whole text.
const EVERYWHERE: Span = Span { start: 0, end: u32::MAX };

impl Names {
    pub(crate) fn of(text: &str) -> Names {
        let tree = sketch(text);
        let mut names = Names::default();
        for statement in &tree {
            match (statement.name.as_str(), &statement.block) {
                ("scenario", block) => {
                    if let Some(entry) = statement.entries.first() {
                        names.add(statement, entry, What::Scenario, EVERYWHERE);
                    }
                    for inner in block.iter().flatten() {
                        names.declaration(inner, statement.span);
                    }
                }
                _ => names.declaration(statement, EVERYWHERE),
            }
        }
        names.tree = tree;
        for head in std::mem::take(&mut names.begun) {
            let target = head.of(text).split_whitespace().nth(1).filter(|word| !word.contains(['=', '"']));
            let used = |target: &str| Used { target: target.to_owned(), quoted: false, at: head };
            names.used.extend(target.map(used));
        }
        names
    }

    /// Whether the text is one of a library: it has something, and no scenario.
    pub(crate) fn is_library(&self) -> bool {
        !self.tree.is_empty() && self.tree.iter().all(|statement| statement.name != "scenario")
    }

    fn add(&mut self, statement: &Statement, entry: &Entry, what: What, scope: Span) {
        self.put(statement, (entry.value.trim_matches('"'), entry.at), what, scope);
    }

    fn put(&mut self, statement: &Statement, (text, at): (&str, Span), what: What, scope: Span) {
        if !text.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return;
        }
        let (word, _) = peeled(statement);
        self.all.push(Name {
            text: text.to_owned(),
            what,
            word: word.to_owned(),
            kind: None,
            at,
            head: statement.head,
            whole: statement.span,
            scope,
            of: None,
        });
    }

    fn declaration(&mut self, statement: &Statement, scope: Span) {
        let (word, entries) = peeled(statement);
        let first = entries.iter().find(|entry| entry.key.is_none());
        let what = match word {
            "only" | "except" => return self.declarations(statement, scope),
            "case" => {
                return entries.iter().for_each(|entry| self.add(statement, entry, What::Case, scope));
            }
            "const" | "param" => {
                return entries.iter().for_each(|entry| self.keyed(statement, entry, What::Number, scope));
            }
            "use" if first.is_none() => return self.begun.push(statement.head),
            "use" => return self.used.extend(first.map(used)),
            "expect" => return self.clauses(statement, scope),
            "setup" | "teardown" => return self.script(statement, statement.span),
            "option" => What::Choice,
            "input" => What::Number,
            "enum" | "flags" => What::Enum,
            "struct" => What::Struct,
            "ops-type" => What::OpsType,
            "ops" => What::Table,
            "fn" | "proc" => What::Function,
            "thread" | "irq" | "device" | "work" | "delayed-work" | "timer" | "irq-work" | "shrinker" => What::Thread,
            "irq-line" | "pci-tree" => What::Object,
            _ => return self.objects(statement, scope),
        };
        if let Some(entry) = first {
            self.add(statement, entry, what, scope);
            let of = Some(entry.value.as_str());
            match what {
                What::Enum => self.members(statement, of, What::Member, scope),
                What::Struct => self.members(statement, of, What::Field, scope),
                What::OpsType => self.members(statement, of, What::Slot, scope),
                What::Function | What::Thread => {
                    let more = entries.iter().skip(1).filter(|entry| entry.key.is_none());
                    more.for_each(|entry| self.add(statement, entry, What::Local, statement.span));
                    self.script(statement, statement.span);
                }
                _ => {}
            }
        }
    }

    fn declarations(&mut self, statement: &Statement, scope: Span) {
        statement.block.iter().flatten().for_each(|inner| self.declaration(inner, scope));
    }

    /// `lock a b`, and `drm_gpuvm vm` for an object of a struct.
    fn objects(&mut self, statement: &Statement, scope: Span) {
        let (word, entries) = peeled(statement);
        let is_word = |role| vocabulary().iter().any(|term| term.word == word && term.role == role);
        if !is_word(Role::Declaration) && (is_word(Role::Section) || is_word(Role::Library)) {
            return;
        }
        let flags = vocabulary().iter().filter(|term| term.role == Role::Declaration && term.word == word);
        let flags: Vec<&str> = flags.flat_map(|term| term.options).map(|option| option.name).collect();
        let kind = Kind::ALL.iter().flat_map(|kind| kind.row().decls).find(|decl| decl.name == word);
        for entry in entries.iter().filter(|entry| entry.key.is_none() && !entry.quoted) {
            if !flags.contains(&entry.value.as_str()) {
                let before = self.all.len();
                self.add(statement, entry, What::Object, scope);
                self.all[before..].iter_mut().for_each(|name| name.kind = kind.and_then(|decl| decl.kind));
            }
        }
        // What is in a module's block is the module's.
        self.declarations(statement, scope);
    }

    fn members(&mut self, statement: &Statement, of: Option<&str>, what: What, scope: Span) {
        for inner in statement.block.iter().flatten() {
            if matches!(inner.name.as_str(), "only" | "except") {
                self.members(inner, of, what, scope);
                continue;
            }
            let before = self.all.len();
            self.put(inner, (&inner.name, inner.word), what, scope);
            self.all[before..].iter_mut().for_each(|name| name.of = of.map(str::to_owned));
        }
    }

    fn clauses(&mut self, statement: &Statement, scope: Span) {
        for inner in statement.block.iter().flatten() {
            for entry in inner.entries.iter().filter(|entry| entry.key.as_deref() == Some("as")) {
                self.add(inner, entry, What::Clause, scope);
            }
            self.clauses(inner, scope);
        }
    }

    /// The locals and labels of a script.
    fn script(&mut self, statement: &Statement, scope: Span) {
        for inner in statement.block.iter().flatten() {
            match inner.name.as_str() {
                "let" => inner.entries.iter().for_each(|entry| self.keyed(inner, entry, What::Local, scope)),
                "local" => {
                    inner.entries.iter().skip(1).for_each(|entry| self.add(inner, entry, What::Local, scope));
                }
                "label" => inner.entries.iter().for_each(|entry| self.add(inner, entry, What::Label, scope)),
                _ => {}
            }
            let born = |entry: &&Entry| matches!(entry.key.as_deref(), Some("into" | "cursor"));
            for entry in inner.entries.iter().filter(born) {
                for (text, at) in words(entry) {
                    self.put(inner, (text, at), What::Local, scope);
                }
            }
            self.script(inner, scope);
        }
    }

    fn keyed(&mut self, statement: &Statement, entry: &Entry, what: What, scope: Span) {
        if let Some(key) = &entry.key {
            let end = entry.span.start + u32::try_from(key.len()).unwrap_or(0);
            self.put(statement, (key, Span { start: entry.span.start, end }), what, scope);
        }
    }

    /// The declarations of a name that are seen at a place, the innermost ones; of a local the first.
    pub(crate) fn seen(&self, text: &str, offset: u32) -> Vec<&Name> {
        let is_seen = |name: &&Name| {
            name.text == text && !is_member(name.what) && name.scope.start <= offset && offset <= name.scope.end
        };
        let mut found: Vec<&Name> = self.all.iter().filter(is_seen).collect();
        let smallest = found.iter().map(|name| name.scope.end - name.scope.start).min();
        found.retain(|name| Some(name.scope.end - name.scope.start) == smallest);
        if found.iter().all(|name| name.what == What::Local) {
            found.truncate(1);
        }
        found
    }

    /// The fields and slots of that name.
    pub(crate) fn fields<'n>(&'n self, text: &'n str) -> impl Iterator<Item = &'n Name> {
        self.all.iter().filter(move |name| name.text == text && is_member(name.what))
    }
}

/// What is named behind something else.
pub(crate) fn is_member(what: What) -> bool {
    matches!(what, What::Field | What::Slot)
}

/// A statement's word and entries, without `static`, `internal` and `override` before it.
pub(crate) fn peeled(statement: &Statement) -> (&str, &[Entry]) {
    match (statement.name.as_str(), statement.entries.split_first()) {
        ("static" | "internal" | "override", Some((word, entries))) if word.key.is_none() => (&word.value, entries),
        (word, _) => (word, &statement.entries),
    }
}

fn used(entry: &Entry) -> Used {
    Used { target: entry.value.trim_matches('"').to_owned(), quoted: entry.quoted, at: entry.at }
}

/// The words of an entry's value, each with its place.
fn words(entry: &Entry) -> Vec<(&str, Span)> {
    let mut found = vec![];
    let mut at = 0;
    for word in entry.value.split(|c: char| c.is_whitespace() || c == '"') {
        let start = entry.at.start + u32::try_from(at).unwrap_or(0);
        if !word.is_empty() {
            found.push((word, Span { start, end: start + u32::try_from(word.len()).unwrap_or(0) }));
        }
        at += word.len() + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_declared_is_there_with_its_place() {
        let text = "static fn f a { let b=1 c=2; load x into=\"r s\"; label out }\nenum e { A; B }\nstruct s slots=1 { n 0 }\n\
                    lock l m kind=mutex\ns one\nconst N=1\noption how x y\nuse ttm\nonly how=x { var v init=3 }\n";
        let names = Names::of(text);
        for name in &names.all {
            assert_eq!(name.at.of(text), name.text);
        }
        let all: Vec<&str> = names.all.iter().map(|name| name.text.as_str()).collect();
        assert_eq!(
            all,
            ["f", "a", "b", "c", "r", "s", "out", "e", "A", "B", "s", "n", "l", "m", "one", "N", "how", "v"]
        );
        assert_eq!(names.used[0].target, "ttm");
        assert!(names.is_library());
        assert_eq!(names.seen("a", 20).len(), 1);
        assert!(names.seen("a", 70).is_empty(), "an argument is seen in its function");
        assert_eq!(names.seen("s", 30)[0].what, What::Local);
        assert_eq!(names.seen("s", 90)[0].what, What::Struct);
    }

    #[test]
    fn a_scenario_has_cases_threads_and_clauses() {
        let text = "scenario s { case a b\n only a { use \"./x.kdl\" }; thread t count=2 { }; work w arg { }\n\
                    expect { only a { never \"x\" as=bad } } }";
        let names = Names::of(text);
        let of = |what| names.all.iter().filter(|n| n.what == what).map(|n| n.text.as_str()).collect::<Vec<_>>();
        assert_eq!(of(What::Case), ["a", "b"]);
        assert_eq!(of(What::Thread), ["t", "w"]);
        assert_eq!(of(What::Clause), ["bad"]);
        assert_eq!((names.used[0].target.as_str(), names.used[0].quoted), ("./x.kdl", true));
        assert!(!names.is_library());
    }
}
