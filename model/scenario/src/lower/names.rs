//! What the names of a scenario stand for: declared ones, the symbolic words of its author, and the constants that
//! everybody knows.

use crate::{
    mistakes::Span,
    ops,
    syntax::{Node, Value as Written, ValueKind},
};
use fenceweave_kernel::{Errno, Kind, ObjId, ThreadId, Type, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a declared name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbol {
    Object {
        id: ObjId,
        kind: Kind,
    },
    Var {
        first: ObjId,
        len: Option<u16>,
    },
    /// Index into the program's structs.
    Struct(usize),
    /// An acquire context or a set of locks that every thread which names it has one of.
    PerThread(PerThread),
    /// A number: of a `const`, an `enum` or `flags`, or the value of an input.
    Number(i64),
    /// The numbers of an input that has several: `NAME.len`, `NAME.0`, … are numbers.
    Numbers,
    /// A type of the scenario's own.
    Type(Type),
    /// A table of functions, with its value.
    Table(i32),
    /// A thread, or the first of `count` identical ones.
    Thread {
        first: ThreadId,
        count: Option<u8>,
    },
}

/// What every thread has one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PerThread {
    /// An acquire context, of a class that the second pass knows.
    Ctx { class: Option<ObjId> },
    /// A set of locks.
    Exec,
}

impl Symbol {
    /// What it is, in a sentence.
    pub(crate) fn one(self) -> &'static str {
        match self {
            Symbol::Object { kind, .. } => kind.one(),
            Symbol::Var { len: None, .. } => "a variable",
            Symbol::Var { len: Some(_), .. } => "an array",
            Symbol::Struct(_) => "a struct",
            Symbol::PerThread(PerThread::Ctx { .. }) => Kind::Ctx.one(),
            Symbol::PerThread(PerThread::Exec) => Kind::Exec.one(),
            Symbol::Number(_) => "the name of a number",
            Symbol::Numbers => "an input of several numbers",
            Symbol::Type(_) => "a type",
            Symbol::Table(_) => "a table of functions",
            Symbol::Thread { .. } => "a thread",
        }
    }
}

/// The declared names of one case of a scenario.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    known: BTreeMap<String, (Symbol, Span)>,
}

impl Names {
    /// What a name stands for, and where it was declared.
    pub(crate) fn find(&self, name: &str) -> Option<(Symbol, Span)> {
        self.known.get(name).copied()
    }

    /// Declares a name, or says more of one that is.
    pub(crate) fn declare(&mut self, name: &str, symbol: Symbol, span: Span) {
        self.known.insert(name.to_owned(), (symbol, span));
    }

    /// What a name stood for, which from here on it does not.
    pub(crate) fn take(&mut self, name: &str) -> Option<(Symbol, Span)> {
        self.known.remove(name)
    }

    /// The names of the symbols that `wanted` likes, for suggestions.
    pub(crate) fn names(&self, wanted: impl Fn(Symbol) -> bool) -> impl Iterator<Item = &str> {
        self.known.iter().filter(move |(_, (symbol, _))| wanted(*symbol)).map(|(name, _)| name.as_str())
    }

    /// Every thread by its name: the first of it, and how many they are if there are several.
    pub(crate) fn threads(&self) -> impl Iterator<Item = (&str, ThreadId, Option<u8>)> {
        self.known.iter().filter_map(|(name, (symbol, _))| match symbol {
            Symbol::Thread { first, count } => Some((name.as_str(), *first, *count)),
            _ => None,
        })
    }
}

/// Whether a text can be a name: of an object, a local, a thread, a case.
pub(crate) fn is_name(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    first && !text.ends_with('-') && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// Whether a word looks like a constant: `LIST`, `IN_USE`.
fn looks_constant(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// The symbolic words of a scenario: constants that stand for themselves.
///
/// Only words that are *written* somewhere (an initial value, a stored value, a choice) exist: one that is only
/// compared with can never be met, so it is a slip.
#[derive(Debug, Clone, Default)]
pub struct Words {
    numbers: BTreeMap<String, i32>,
    /// The values of functions and of tables of functions, which are numbers of their own, too.
    functions: BTreeMap<String, i32>,
}

/// Words get numbers from here on. Small numbers, because they are part of every state; not the smallest, so that a
/// trace shows no accidental names.
const FIRST_WORD: i32 = 64;
/// Functions get numbers from here on: no calculation comes to one by accident.
const FIRST_FUNCTION: i32 = 0x4000;

impl Words {
    /// The word that a number stands for.
    pub fn name_of(&self, number: i32) -> Option<&str> {
        self.numbers.iter().find(|(_, known)| **known == number).map(|(name, _)| name.as_str())
    }

    /// Every word with its number, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i32)> {
        self.numbers.iter().map(|(name, number)| (name.as_str(), *number))
    }

    /// Every function and table that a scenario has, with its value, by name.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (&str, i32)> {
        self.functions.iter().map(|(name, number)| (name.as_str(), *number))
    }

    /// The value of a function or of a table of functions.
    pub(crate) fn function(&self, name: &str) -> Option<i32> {
        self.functions.get(name).copied()
    }

    /// The number that stands for a word.
    pub(crate) fn number(&self, word: &str) -> Option<i32> {
        self.numbers.get(word).copied()
    }

    /// Collects the words of a scenario; none gets a number that the scenario writes out somewhere.
    pub(crate) fn collect<'n, I: Iterator<Item = &'n Node>>(nodes: impl Fn() -> I) -> Words {
        let mut found = Vec::new();
        let mut known = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        let mut named = BTreeSet::new();
        numbers_named(nodes(), &mut named, &mut numbers);
        visit(nodes(), &mut |key, value| match &value.kind {
            ValueKind::Int(number) => {
                numbers.insert(*number);
            }
            ValueKind::Text { said, .. } => numbers.extend(numbers_in(said)),
            ValueKind::Word(word) => {
                let compared = matches!(key, Some("is" | "is-not"));
                let is_word = looks_constant(word) && constant(word).is_none() && !named.contains(word.as_str());
                if is_word && !compared && known.insert(word.clone()) {
                    found.push(word.clone());
                }
            }
        });
        let free = |from: i32| (from..).filter(|number| !numbers.contains(&i64::from(*number)));
        let mut functions = vec![];
        functions_named(nodes(), &mut functions);
        Words {
            numbers: found.into_iter().zip(free(FIRST_WORD)).collect(),
            functions: functions.into_iter().zip(free(FIRST_FUNCTION)).collect(),
        }
    }
}

/// Statements one after the other.
type Nodes<'n> = Box<dyn Iterator<Item = &'n Node> + 'n>;

/// The names that `const`, `enum` and `flags` give, which are no words, and numbers that those may be.
fn numbers_named<'n>(
    nodes: impl Iterator<Item = &'n Node>,
    named: &mut BTreeSet<&'n str>,
    numbers: &mut BTreeSet<i64>,
) {
    for node in nodes {
        match node.name.text.as_str() {
            "const" => named.extend(node.entries.iter().filter_map(|e| e.key.as_ref()).map(|key| key.text.as_str())),
            "input" => {
                named.extend(node.values().filter_map(|value| match &value.kind {
                    ValueKind::Word(word) => Some(word.as_str()),
                    _ => None,
                }));
                if let Some(ValueKind::Text { said, .. }) = node.option("among").map(|value| &value.kind) {
                    named.extend(said.split_whitespace());
                    numbers.extend((0..).take(said.split_whitespace().count()));
                }
            }
            "enum" | "flags" => {
                // What follows a number that is written out is seldom more than this.
                numbers.extend((0..32).map(|bit| 1i64 << bit));
                for member in all_inside(node) {
                    named.insert(&member.name.text);
                    numbers.extend((0..16).filter_map(|next| match member.entries.first()?.value.kind {
                        ValueKind::Int(n) => n.checked_add(next),
                        _ => None,
                    }));
                }
            }
            "only" | "except" => numbers_named(Box::new(node.children().iter()) as Nodes<'n>, named, numbers),
            _ => {}
        }
    }
}

/// The names of functions and of tables of functions.
fn functions_named<'n>(nodes: impl Iterator<Item = &'n Node>, found: &mut Vec<String>) {
    for node in nodes {
        match (node.name.text.as_str(), node.values().next().map(|value| &value.kind)) {
            ("fn" | "ops", Some(ValueKind::Word(name))) if !found.contains(name) => found.push(name.clone()),
            ("only" | "except" | "module", _) => functions_named(Box::new(node.children().iter()) as Nodes<'_>, found),
            _ => {}
        }
    }
}

fn all_inside(node: &Node) -> Vec<&Node> {
    node.children().iter().flat_map(|n| if super::is_of_cases(n) { all_inside(n) } else { vec![n] }).collect()
}

fn visit<'n>(nodes: impl Iterator<Item = &'n Node>, see: &mut impl FnMut(Option<&str>, &Written)) {
    for node in nodes {
        for entry in &node.entries {
            see(entry.key.as_ref().map(|key| key.text.as_str()), &entry.value);
        }
        visit(Box::new(node.children().iter()) as Nodes<'_>, see);
    }
}

/// The error numbers that a scenario names, and those that its operations return: what the table of operations says.
pub(super) fn errnos<'n, I: Iterator<Item = &'n Node>>(nodes: impl Fn() -> I) -> Vec<Errno> {
    let mut found = BTreeSet::new();
    visit(nodes(), &mut |_, value| match &value.kind {
        ValueKind::Int(_) => {}
        ValueKind::Text { said, .. } => found.extend(errnos_in(said)),
        ValueKind::Word(word) => found.extend(errnos_in(word)),
    });
    returned(nodes(), &mut found);
    found.into_iter().collect()
}

fn returned<'n>(nodes: impl Iterator<Item = &'n Node>, found: &mut BTreeSet<Errno>) {
    for node in nodes {
        for op in ops::named(&node.name.text) {
            found.extend(errnos_in(op.returns));
            found.extend(op.fails.and_then(Value::word).and_then(i32::checked_neg).map(Errno));
        }
        returned(Box::new(node.children().iter()) as Nodes<'_>, found);
    }
}

fn errnos_in(text: &str) -> impl Iterator<Item = Errno> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(Errno::from_name)
}

fn numbers_in(text: &str) -> Vec<i64> {
    text.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|word| crate::syntax::number(word).ok()).collect()
}

/// `enum irqreturn`.
const IRQ_RETURNS: [&str; 3] = ["IRQ_NONE", "IRQ_HANDLED", "IRQ_WAKE_THREAD"];

/// The value of a word that everybody knows: `NULL`, `EIO`, `-EIO`.
pub(crate) fn constant(word: &str) -> Option<Value> {
    if word == "NULL" {
        return Some(Value::Null);
    }
    if let Some(said) = IRQ_RETURNS.iter().position(|name| *name == word) {
        return Some(Value::Word(said as i32));
    }
    match word.strip_prefix('-') {
        Some(name) => Errno::from_name(name).map(Value::from),
        None => Errno::from_name(word).map(|errno| Value::Word(errno.0)),
    }
}

/// Splits `p->state` or `p.state`, and takes the `&` off `&fence`.
pub(crate) fn parts(word: &str) -> Vec<String> {
    let word = word.strip_prefix('&').unwrap_or(word);
    word.replace("->", ".").split('.').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errnos_are_negative_as_the_kernel_returns_them() {
        assert_eq!(constant("-EDEADLK"), Some(Value::Word(-35)));
        assert_eq!(constant("ENOENT"), Some(Value::Word(2)));
        assert_eq!(constant("NULL"), Some(Value::Null));
        assert_eq!(constant("-NULL"), None);
    }

    #[test]
    fn references_split_at_dots_and_arrows() {
        assert_eq!(parts("p->state"), ["p", "state"]);
        assert_eq!(parts("&x"), ["x"]);
        assert_eq!(parts("w.0.r"), ["w", "0", "r"]);
    }
}
