//! How often each statement of a file was taken, and how often its condition fell which way.

use crate::mistakes::Place;
use fenceweave_kernel::{Cover, Instr, Program};
use std::{collections::BTreeMap, mem::discriminant};

/// What happened at one statement, in all steps of the searches that were added.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// The author's text of it, on one line.
    pub text: String,
    /// How often it was come to.
    pub count: u64,
    /// How often its condition was true and false; `None` without one.
    pub ways: Option<(u64, u64)>,
}

/// How often what was taken, by where the statements of a file begin.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Coverage {
    /// Every statement that is part of some program.
    pub statements: BTreeMap<Place, Taken>,
}

impl Coverage {
    /// Adds what one search came to.
    pub fn add(&mut self, program: &Program, cover: &Cover) {
        let all = program.scripts.iter().chain([&program.setup, &program.teardown]);
        for (at, script) in all.enumerate() {
            // A statement is as many instructions as it needs; its first one says how often it was taken, at each place
            // where it stands: a proc is inlined wherever it is called.
            let mut first: BTreeMap<Place, Instr> = BTreeMap::new();
            let mut before = None;
            for ((instr, line), passed) in script.code.iter().zip(&script.lines).zip(cover.of(at)) {
                let place = Place { line: line.line, column: line.column };
                // What a library says is no part of the scenario's text.
                if !super::is_own(line) {
                    before = None;
                    continue;
                }
                let taken = self
                    .statements
                    .entry(place)
                    .or_insert_with(|| Taken { text: line.text.clone(), ..Taken::default() });
                let first = first.entry(place).or_insert(*instr);
                let begins = before != Some(place) && discriminant(first) == discriminant(instr) || first == instr;
                if begins {
                    taken.count = taken.count.saturating_add(passed.came);
                }
                if matches!(instr, Instr::Branch { .. }) {
                    let (yes, no) = taken.ways.unwrap_or_default();
                    taken.ways = Some((yes.saturating_add(passed.on), no.saturating_add(passed.over)));
                }
                before = Some(place);
            }
        }
    }

    /// The statements that begin in a line.
    pub fn in_line(&self, line: u32) -> impl Iterator<Item = &Taken> {
        let from = Place { line, column: 0 };
        self.statements.range(from..Place { line: line.saturating_add(1), column: 0 }).map(|(_, taken)| taken)
    }
}
