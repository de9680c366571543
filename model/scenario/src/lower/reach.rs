//! Which functions can be come to from where, as far as their text tells.
//!
//! A library has hundreds of functions, and of each of them it is asked behind every script; so they are numbers here,
//! and sets of them are bits.

use std::collections::BTreeSet;

use super::Lower;
use super::functions::is_function;
use crate::syntax::Node;

/// Which functions can be come to, as far as somebody has asked.
#[derive(Default)]
pub(super) struct Reach<'a> {
    /// How many procs, and functions whose names stand somewhere as a value, there were when this was found.
    known: (usize, usize),
    /// The procs and functions, by their names.
    all: Vec<(&'a str, &'a Node)>,
    /// What each of them calls by itself.
    called: Vec<Option<Vec<usize>>>,
    /// The functions that can be come to from there: a bit for each.
    from: Vec<Option<Vec<u64>>>,
}

impl Reach<'_> {
    fn number(&self, name: &str) -> Option<usize> {
        self.all.binary_search_by(|(known, _)| (*known).cmp(name)).ok()
    }
}

impl<'a> Lower<'a> {
    /// The functions that can be called on from some procs and functions.
    pub(super) fn functions_from(&mut self, names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        for name in names {
            let Some(from) = self.reach_number(name) else { continue };
            self.look_from(from);
            let bits = self.reach.from[from].iter().flatten().enumerate();
            let numbers = bits.flat_map(|(word, bits)| {
                (0..64).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| 64 * word + bit)
            });
            found.extend(numbers.map(|number| self.reach.all[number].0));
        }
        found
    }

    /// Whether a function can be called on from a proc or function.
    pub(super) fn may_call(&mut self, name: &str, function: &str) -> bool {
        let (Some(from), Some(to)) = (self.reach_number(name), self.reach_number(function)) else { return false };
        self.look_from(from);
        self.reach.from[from].as_ref().is_some_and(|bits| bits[to / 64] >> (to % 64) & 1 == 1)
    }

    /// The number of a proc or function, all of them anew if there are others than before.
    fn reach_number(&mut self, name: &str) -> Option<usize> {
        let known = (self.procs.len(), self.values.how_many());
        if self.reach.known != known {
            let all: Vec<(&'a str, &'a Node)> = self.procs.iter().map(|(name, node)| (*name, *node)).collect();
            let (called, from) = (vec![None; all.len()], vec![None; all.len()]);
            self.reach = Reach { known, all, called, from };
        }
        self.reach.number(name)
    }

    fn look_from(&mut self, from: usize) {
        if self.reach.from[from].is_some() {
            return;
        }
        let words = self.reach.all.len().div_ceil(64);
        let (mut seen, mut functions) = (vec![false; self.reach.all.len()], vec![0u64; words]);
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            self.note_called(at);
            for &called in self.reach.called[at].iter().flatten() {
                if is_function(self.reach.all[called].1) {
                    functions[called / 64] |= 1 << (called % 64);
                }
                open.push(called);
            }
        }
        self.reach.from[from] = Some(functions);
    }

    /// What one of them calls by itself.
    fn note_called(&mut self, at: usize) {
        if self.reach.called[at].is_some() {
            return;
        }
        let called = self.called_in(self.reach.all[at].1);
        let names = called.into_iter().map(|node| node.entries[0].span().of(self.text));
        let mut numbers: Vec<usize> = names.filter_map(|name| self.reach.number(name)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        self.reach.called[at] = Some(numbers);
    }

    /// The procs and functions that a block calls by name, and those that a call of a value may be of.
    pub(super) fn called_in(&mut self, node: &'a Node) -> Vec<&'a Node> {
        let mut called = vec![];
        let mut calls_values = false;
        for child in self.visible(node.children()) {
            called.extend(self.procs.get(child.name.text.as_str()).copied());
            calls_values |= child.name.text == "call";
            called.extend(self.called_in(child));
        }
        if calls_values {
            called.extend(self.callable());
        }
        called
    }
}
