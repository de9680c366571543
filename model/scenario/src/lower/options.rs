//! The line of a statement, sorted: what stands there by itself, and what stands there as an option; which options
//! there may be, and which must. What each is worth is told in `operands`.

use super::{Lower, list};
use crate::{
    mistakes::{Span, did_you_mean},
    ops::{Opt, Takes},
    syntax::{Name, Node, Value as Written, ValueKind},
};

/// The entries of a statement, sorted.
pub(super) struct Options<'n> {
    pub(super) operands: Vec<&'n Written>,
    given: Vec<(&'static Opt, Span, Option<&'n Written>)>,
    /// Values that name a number.
    numbers: Vec<(Span, i64)>,
}

impl<'n> Options<'n> {
    fn find(&self, key: &str) -> Option<&(&'static Opt, Span, Option<&'n Written>)> {
        self.given.iter().find(|(opt, ..)| opt.name == key)
    }

    /// Whether it is given, with a value or without.
    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The value of `key=value`.
    pub(super) fn value(&self, key: &str) -> Option<&'n Written> {
        self.find(key)?.2
    }

    /// The value of an option that takes a number, if it is one that fits.
    pub(super) fn number(&self, key: &str) -> Option<i32> {
        let (opt, _, value) = self.find(key)?;
        match (opt.takes, &(*value)?.kind) {
            (Some(Takes::Number { min, max }), kind) => {
                let named = |span: Span| self.numbers.iter().find(|(at, _)| *at == span).map(|(_, number)| *number);
                let number = if let ValueKind::Int(number) = kind { Some(*number) } else { named((*value)?.span) };
                i32::try_from(number?).ok().filter(|number| (min..=max).contains(number))
            }
            _ => None,
        }
    }

    /// The value of an option that takes one of some words.
    pub(super) fn word(&self, key: &str) -> Option<&'static str> {
        let (opt, _, value) = self.find(key)?;
        match (opt.takes, &(*value)?.kind) {
            (Some(Takes::OneOf(words)), ValueKind::Word(said)) => words.iter().copied().find(|word| word == said),
            _ => None,
        }
    }

    /// All that are given, in their order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static Opt, Span, Option<&'n Written>)> {
        self.given.iter().copied()
    }
}

impl<'a> Lower<'a> {
    /// Sorts the entries of a statement whose options are `known`.
    pub(super) fn sort<'n>(&mut self, node: &'n Node, subject: &str, known: &[&'static Opt]) -> Options<'n> {
        let mut sorted = Options { operands: Vec::new(), given: Vec::new(), numbers: Vec::new() };
        for entry in &node.entries {
            let span = entry.span();
            match &entry.key {
                None => match &entry.value.kind {
                    ValueKind::Word(word) if known.iter().any(|opt| opt.bare && opt.name == word) => {
                        let opt = known.iter().find(|opt| opt.name == word);
                        sorted.given.extend(opt.map(|opt| (*opt, span, None)));
                    }
                    _ => sorted.operands.push(&entry.value),
                },
                Some(key) => match known.iter().find(|opt| opt.name == key.text) {
                    Some(opt) if opt.takes.is_some() => {
                        sorted.given.push((opt, span, Some(&entry.value)));
                        let named = match (opt.takes, &entry.value.kind) {
                            (Some(Takes::Number { .. }), ValueKind::Text { .. }) => self.named_number(&entry.value),
                            _ => self.number_named(&entry.value),
                        };
                        sorted.numbers.extend(named.map(|number| (entry.value.span, number)));
                    }
                    Some(opt) => {
                        self.mistakes
                            .add("flag", span, format!("`{}` takes no value", opt.name))
                            .expected("the flag alone")
                            .help(format!("write `{}`: a flag stands by itself", opt.name));
                    }
                    None => self.tell_unknown_option(key, subject, known),
                },
            }
        }
        sorted
    }

    /// Sorts the entries of a declaration, and checks what needs no names.
    pub(super) fn options<'n>(&mut self, node: &'n Node, subject: &str, known: &'static [Opt]) -> Options<'n> {
        let all: Vec<&'static Opt> = known.iter().collect();
        let sorted = self.sort(node, subject, &all);
        for (opt, _, value) in sorted.all() {
            if let (Some(takes @ (Takes::Number { .. } | Takes::OneOf(_))), Some(value)) = (opt.takes, value) {
                self.given(None, takes, value);
            }
        }
        self.require(node, subject, known, &sorted);
        sorted
    }

    /// Tells which required options are missing.
    pub(super) fn require(&mut self, node: &Node, subject: &str, known: &'static [Opt], sorted: &Options<'_>) -> bool {
        let mut complete = true;
        for opt in known.iter().filter(|opt| opt.required && !sorted.has(opt.name)) {
            complete = false;
            self.mistakes
                .add("missing-option", node.head, format!("`{subject}` needs `{}=`", opt.name))
                .expected(format!("`{}=`: {}", opt.name, opt.meaning));
        }
        complete
    }

    fn tell_unknown_option(&mut self, key: &Name, subject: &str, known: &[&'static Opt]) {
        let names = || known.iter().map(|opt| opt.name);
        let expected = match known {
            [] => "no options".to_owned(),
            [one] => format!("`{}`", one.name),
            _ => format!("one of {}", list(names())),
        };
        self.mistakes
            .add("unknown-option", key.span, format!("`{subject}` has no option `{}`", key.text))
            .expected(expected)
            .help_if(did_you_mean(&key.text, names()));
    }
}
