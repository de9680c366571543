//! Coarse steps: an operation that runs on, as its machine says and as far as it can.
//!
//! ```text
//!   fine      lock: owner | ctx | WAITERS?     add: get | scan | slot | num++     wait: list | entry | get | …
//!   coarse    lock: owner   ctx   WAITERS?     add: get   scan   slot   num++     wait: list   entry   get   …
//! ```
//!
//! A coarse step is a row of fine ones of one thread, and there are as many of them in `merged` as it takes to unfold
//! it. It ends with the operation; where the machine may be left alone (`Protocol::amid`), sleeps, calls, chooses, or
//! is held up by another. Where a step of the row breaks a property, the thread stands before that step: what ends the
//! execution is a step of its own, and what others do before it is not lost. A row also ends behind a step that changes
//! what an expectation looks at in every state: that is seen as in fine grain.
//!
//! A block that a scenario says is one step (`atomic`) is such a row as well, in any grain, and is never left in the
//! middle.

use super::{Action, Enabled, State};
use crate::{
    Condition, Cover, Expr, Footprint, Instr, Leaf, Moment, ObjId, Program, ThreadId, Value, observe,
    protocol::{Mutant, Standing},
    thread::{Run, Stepped},
};
use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
};

/// Most fine steps of a coarse one: a walk that begins again and again comes to a step.
const MOST: u16 = 256;

/// A state that is kept while a coarse step is taken: memory only, and no part of what is copied.
#[derive(Default)]
pub(super) struct Kept(Option<Box<State>>);

impl Clone for Kept {
    fn clone(&self) -> Kept {
        Kept(None)
    }
}

/// A row of fine steps that are one.
#[derive(Clone, Copy)]
struct Row {
    thread: ThreadId,
    /// The last of them has taken a lock, and takes the next one along if that cannot wait.
    along: bool,
    /// One of them has allocated memory that may have to be reclaimed.
    allocated: bool,
    /// The last of them has changed what an expectation looks at.
    shown: bool,
    /// What its thread has looked into without a step of its own.
    looked: u64,
}

impl Row {
    fn of(thread: ThreadId) -> Row {
        Row { thread, along: false, allocated: false, shown: false, looked: 0 }
    }
}

impl State {
    /// The same state, from which steps are as coarse as its program says. Who takes a trace again takes fine ones.
    /// With `loops`, what goes on for ever is asked for: who waits and who has not come yet are not the same then. Nor
    /// are they where a condition looks at what objects show.
    #[must_use]
    pub fn grained(self, program: &Program, conditions: &[Condition], loops: bool) -> State {
        let watched = conditions.iter().filter(|c| c.moment != Moment::AtEnd);
        let watched: BTreeSet<Leaf> = watched.flat_map(|c| &c.all).flat_map(Expr::reads).collect();
        let widens = !loops && !watched.iter().any(|leaf| leaf.is_facet(program));
        let is_coarse = !program.grain.is_fine();
        let defers = widens && is_coarse;
        let watched = (is_coarse && !watched.is_empty()).then(|| watched.into_iter().collect());
        State { grain: program.grain, has_rows: program.has_rows(), widens, defers, watched, ..self }
    }

    /// A number that changes with what expectations look at in every state; 0 if nothing is looked at.
    fn shows(&self, program: &Program) -> u64 {
        let Some(watched) = &self.watched else { return 0 };
        let mut hasher = DefaultHasher::new();
        for leaf in watched.iter() {
            observe::read(program, &self.world, |t, l| self.thread(t).local(l), *leaf).hash(&mut hasher);
        }
        hasher.finish()
    }

    /// What a thread would only come to wait for, and is let come later.
    pub fn comes_to_wait(&self, program: &Program, t: ThreadId) -> Option<ObjId> {
        let (thread, at) = (&self.threads[t.index()], Standing { program, world: &self.world });
        let waits = || thread.machine().only_waits(at, t).filter(|(family, _)| self.grain.is_coarse(*family));
        if self.defers && thread.run() == Run::Ready { waits().map(|(_, on)| on) } else { None }
    }

    /// Of those who can take a step, those who would not only come to wait; all of them, if all would.
    pub(super) fn without_waiters(&self, program: &Program, enabled: Enabled) -> Enabled {
        let mut others = enabled;
        for t in enabled.iter().filter(|t| self.comes_to_wait(program, *t).is_some()) {
            others.remove(t);
        }
        if others.is_empty() { enabled } else { others }
    }

    /// Whether the thread's next step belongs to the one that it has just taken.
    fn goes_on(&self, program: &Program, row: Row) -> bool {
        self.violation.is_none()
            && self.is_amid(program, row)
            && self.is_enabled(program, row.thread)
            && (self.ways(program, row.thread) == 1 || program.mutated(Mutant::RunsThroughChoice))
    }

    /// Whether a thread stands where coarse grain does not leave it.
    fn is_amid(&self, program: &Program, row: Row) -> bool {
        let (thread, script) = (&self.threads[row.thread.index()], &program.scripts[row.thread.index()]);
        let machine = thread.machine();
        let asleep = matches!(thread.run(), Run::Asleep(..)) && program.mutated(Mutant::RunsAsleep);
        let goes_on = thread.run() == Run::Ready || asleep;
        let next = machine.family().filter(|_| asleep || program.mutated(Mutant::RunsIntoNext));
        let amid = machine.amid(Standing { program, world: &self.world });
        // What is held where memory is allocated is looked at after the step.
        let joins = machine.joins(program).filter(|_| self.widens && !row.allocated);
        let coarse = amid.or(joins).or(next).is_some_and(|family| self.grain.is_coarse(family));
        let along = || match script.code.get(usize::from(thread.pc())) {
            Some(Instr::Op { op, may_fail: None, .. }) => op.row().never_waits,
            _ => false,
        };
        goes_on && (!row.shown && (coarse || row.along && along()) || script.is_amid_atomic(thread.pc()))
    }

    /// Takes one step of a row.
    fn step_in(&mut self, program: &Program, row: &mut Row, choice: u8, cover: &mut Option<&mut Cover>) -> Stepped {
        let takes = self.threads[row.thread.index()].machine().takes_along(program);
        let takes = takes.filter(|(family, _)| self.widens && self.grain.is_coarse(*family));
        let before = self.shows(program);
        let mut stepped = self.bare_step(program, Action { thread: row.thread, choice }, cover);
        // The row is one step: what was looked into with an earlier one of it was looked into with the last.
        let looked = &mut self.world.task_mut(row.thread).looked.0;
        *looked |= if program.mutated(Mutant::RowForgets) { 0 } else { row.looked };
        row.looked = *looked;
        let taken = takes.filter(|_| stepped.result == Some(Value::Word(0)));
        row.along = taken.is_some();
        row.allocated |= stepped.allocates.is_some();
        row.shown = self.shows(program) != before;
        stepped.took = taken.map(|(_, lock)| lock);
        stepped
    }

    /// Takes a step, and what belongs to it.
    pub(super) fn whole_step(&mut self, program: &Program, action: Action, cover: &mut Option<&mut Cover>) -> Stepped {
        if !self.has_rows {
            return self.bare_step(program, action, cover);
        }
        let mut row = Row::of(action.thread);
        let first = self.step_in(program, &mut row, action.choice, cover);
        if self.goes_on(program, row) { self.run_on(program, row, first, cover) } else { first }
    }

    /// A copy in which steps may be tried: the real memory behind the frames stays with the state that is.
    fn apart(&self) -> State {
        let mut state = self.clone();
        state.world.set_bytes(None);
        state
    }

    fn run_on(&mut self, program: &Program, begun: Row, first: Stepped, cover: &mut Option<&mut Cover>) -> Stepped {
        let mut kept = self.kept.0.take().unwrap_or_else(|| Box::new(self.apart()));
        kept.copy_from(self, program);
        let (mut row, mut all, mut taken) = (begun, first, 0);
        while taken < MOST && self.goes_on(program, row) {
            let thread = &self.threads[row.thread.index()];
            let undivided = program.scripts[row.thread.index()].is_amid_atomic(thread.pc());
            let next = self.step_in(program, &mut row, 0, cover);
            if next.violation.is_some() && !undivided {
                self.copy_from(&kept, program);
                row = begun;
                for _ in 0..taken {
                    let _ = self.step_in(program, &mut row, 0, &mut None);
                }
                break;
            }
            all = all.then(next);
            taken += 1;
        }
        self.kept.0 = Some(kept);
        all
    }

    /// What a thread's next step touches, with all that belongs to it. What it would have gone on to, had it not been
    /// held up or broken a property, was looked at.
    pub(super) fn whole_footprint(&self, program: &Program, t: ThreadId, step: Footprint) -> Footprint {
        if !self.is_enabled(program, t) {
            return step;
        }
        let mut all = step;
        let mut state = self.apart();
        for choice in 0..step.ways {
            if choice > 0 {
                state.copy_from(self, program);
            }
            let mut row = Row::of(t);
            state.step_in(program, &mut row, choice, &mut None);
            for _ in 0..MOST {
                if state.violation.is_some() || !state.is_amid(program, row) {
                    break;
                }
                let next = state.fine_footprint(program, t);
                all.reads = all.reads.and(next.touched());
                if !state.goes_on(program, row) {
                    break;
                }
                let undivided = program.scripts[t.index()].is_amid_atomic(state.threads[t.index()].pc());
                state.step_in(program, &mut row, 0, &mut None);
                if state.violation.is_some() && !undivided {
                    break;
                }
                all.writes = all.writes.and(next.writes);
            }
        }
        all
    }
}
