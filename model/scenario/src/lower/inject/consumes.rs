//! Functions that take over what they are given: they drop, free or unlock it, or what it is the address of.
//!
//! If such a function is said to fail without having been begun, its caller keeps what it has given away. What may fail
//! then is an operation inside of it.

use std::collections::BTreeSet;

use crate::{
    lower::{Lower, names::parts},
    mistakes::Span,
    ops,
    syntax::Node,
};

/// Operations after which their operand is not the caller's any more.
const DROPS: [&str; 7] = ["put", "fput", "free", "kfree", "kfree-rcu", "call-rcu", "unlock"];
/// Operations that take what `unlock` gives back.
const TAKES: [&str; 2] = ["lock", "trylock"];
/// Most operations that a diagnostic names.
const NAMED: usize = 6;

impl<'a> Lower<'a> {
    /// Tells that a proc takes over what it is given, if it does.
    pub(super) fn refuse_consumer(&mut self, name: &str, at: Span, thread: &str) -> bool {
        let Some(function) = self.procs.get(name).copied() else { return false };
        let Some(drops) = self.consumed(function, &mut vec![]).into_iter().next() else { return false };
        let what = self.line_text(drops.by.head);
        let inside: Vec<&str> = self.can_fail_in(function, &mut vec![]).into_iter().take(NAMED).collect();
        let help = match inside.as_slice() {
            [] => {
                "nothing inside of it is said to fail: write what it does on its way out, after a `choose`".to_owned()
            }
            [first, ..] => format!(
                "what can fail inside of it: {}; so write `inject {first} at={thread} may-fail`",
                super::super::list(inside.iter().copied()),
            ),
        };
        self.mistakes
            .add(
                "failure",
                at,
                format!("`{name}` takes over what it is given (`{what}`): if it is skipped, nobody drops that"),
            )
            .expected("an operation inside of it that fails")
            .help(help)
            .seen(drops.by.head, "here");
        true
    }

    /// Which arguments of a function are dropped in it, or in what it calls, and by which statement.
    fn consumed(&mut self, function: &'a Node, open: &mut Vec<*const Node>) -> Vec<Drops<'a>> {
        if open.contains(&std::ptr::from_ref(function)) {
            return vec![];
        }
        open.push(std::ptr::from_ref(function));
        let mut names: Vec<(String, usize)> = vec![];
        names.extend(function.values().skip(1).enumerate().map(|(at, v)| (v.span.of(self.text).to_owned(), at)));
        let statements = self.statements_of(function);
        for node in &statements {
            self.note_alias(node, &mut names);
        }
        let mut found = vec![];
        for node in &statements {
            let words: Vec<&str> = node.values().map(|value| value.span.of(self.text)).collect();
            if DROPS.contains(&node.name.text.as_str()) {
                let own = node.name.text == "unlock" && statements.iter().any(|other| self.takes(other, words.first()));
                let dropped = words.first().and_then(|word| argument(word, &names)).filter(|_| !own);
                found.extend(dropped.map(|argument| Drops { argument, by: node }));
            } else if let Some(called) = self.procs.get(node.name.text.as_str()).copied() {
                for inner in self.consumed(called, open) {
                    let dropped = words.get(inner.argument).and_then(|word| argument(word, &names));
                    found.extend(dropped.map(|argument| Drops { argument, by: inner.by }));
                }
            }
        }
        open.pop();
        found
    }

    /// Whether a statement takes the lock that somebody unlocks.
    fn takes(&self, node: &Node, lock: Option<&&str>) -> bool {
        let of = node.values().next().map(|value| value.span.of(self.text));
        TAKES.contains(&node.name.text.as_str()) && of.is_some() && of == lock.copied()
    }

    /// `let b=x`, `container-of x bo.base into=b`: another name of an argument.
    fn note_alias(&self, node: &Node, names: &mut Vec<(String, usize)>) {
        let (new, from) = match node.name.text.as_str() {
            "let" => {
                let Some(entry) = node.entries.first() else { return };
                let name = entry.key.as_ref().map(|key| key.text.clone());
                (name, entry.value.span.of(self.text).trim_matches('"'))
            }
            "container-of" => {
                let into = node.option("into").map(|value| value.span.of(self.text).to_owned());
                (into, node.values().next().map_or("", |value| value.span.of(self.text)))
            }
            _ => return,
        };
        if let (Some(new), Some(argument)) = (new, argument(from, names)) {
            names.push((new, argument));
        }
    }

    /// The statements of a function, those in its blocks too.
    fn statements_of(&mut self, function: &'a Node) -> Vec<&'a Node> {
        let mut all = vec![];
        for node in self.visible(function.children()) {
            all.push(node);
            all.extend(self.statements_of(node));
        }
        all
    }

    /// The operations in a function, and in what it calls, that are known to fail.
    fn can_fail_in(&mut self, function: &'a Node, open: &mut Vec<*const Node>) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        if open.contains(&std::ptr::from_ref(function)) {
            return found;
        }
        open.push(std::ptr::from_ref(function));
        for node in self.statements_of(function) {
            let name = node.name.text.as_str();
            if let Some(called) = self.procs.get(name).copied() {
                found.extend(self.can_fail_in(called, open));
            } else if ops::named(name).iter().any(|spec| spec.fails.is_some()) {
                found.insert(name);
            }
        }
        found
    }
}

/// An argument that a function drops.
struct Drops<'a> {
    argument: usize,
    by: &'a Node,
}

/// Which argument a word is, or is inside of. What another pointer leads to from there is not meant.
fn argument(word: &str, names: &[(String, usize)]) -> Option<usize> {
    let first = parts(word.trim_start_matches('&')).into_iter().next()?;
    names.iter().rev().find(|(name, _)| *name == first).map(|(_, at)| *at)
}
