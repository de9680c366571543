//! How often each instruction was come to, and which way it was left: what a search says of code that never ran.
//!
//! A search hands one [`Cover`] to all of its steps. Whoever hands none pays for none.

use crate::{Program, ThreadId};

/// What happened at one instruction, in all steps together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Passed {
    /// How often it was come to.
    pub came: u64,
    /// How often it was left for the next one: the condition was true, the operation is over.
    pub on: u64,
    /// How often it was left for the other place that it names: the condition was false, what follows fails.
    pub over: u64,
}

/// What happened at every instruction of a program.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cover {
    /// By script: those of the threads, then setup and teardown.
    scripts: Vec<Vec<Passed>>,
}

impl Cover {
    /// Nothing has happened yet.
    pub fn new(program: &Program) -> Cover {
        let all = program.scripts.iter().chain([&program.setup, &program.teardown]);
        Cover { scripts: all.map(|s| vec![Passed::default(); s.code.len()]).collect() }
    }

    /// Adds what happened in another search, of a program with the same instructions. False if it has others: then this
    /// stays as it is.
    pub fn add(&mut self, other: &Cover) -> bool {
        let sizes = |cover: &Cover| cover.scripts.iter().map(Vec::len).collect::<Vec<_>>();
        if sizes(self) != sizes(other) {
            return false;
        }
        for (own, more) in self.scripts.iter_mut().flatten().zip(other.scripts.iter().flatten()) {
            own.came = own.came.saturating_add(more.came);
            own.on = own.on.saturating_add(more.on);
            own.over = own.over.saturating_add(more.over);
        }
        true
    }

    /// Adds everything to another cover of the same program, and begins anew.
    pub fn drain_into(&mut self, all: &mut Cover) {
        for (sum, part) in all.scripts.iter_mut().flatten().zip(self.scripts.iter_mut().flatten()) {
            sum.came = sum.came.saturating_add(part.came);
            sum.on = sum.on.saturating_add(part.on);
            sum.over = sum.over.saturating_add(part.over);
            *part = Passed::default();
        }
    }

    /// What happened to one of some threads that are alike happens to every other one as well.
    pub fn share(&mut self, alike: &[ThreadId]) {
        let scripts = || alike.iter().map(|t| t.index());
        let most = scripts().map(|at| self.of(at).len()).max().unwrap_or(0);
        for pc in 0..most {
            let all = scripts().filter_map(|at| self.of(at).get(pc)).fold(Passed::default(), |a, b| Passed {
                came: a.came.saturating_add(b.came),
                on: a.on.saturating_add(b.on),
                over: a.over.saturating_add(b.over),
            });
            for at in scripts() {
                self.of_mut(at).and_then(|passed| passed.get_mut(pc)).into_iter().for_each(|passed| *passed = all);
            }
        }
    }

    /// What happened in a script, by instruction; the scripts of the threads come first, then setup and teardown.
    pub fn of(&self, script: usize) -> &[Passed] {
        self.scripts.get(script).map_or(&[], Vec::as_slice)
    }

    /// The same, to be filled in.
    pub fn of_mut(&mut self, script: usize) -> Option<&mut [Passed]> {
        self.scripts.get_mut(script).map(Vec::as_mut_slice)
    }
}
