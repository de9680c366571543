//! What is locked under what, and what is held where, over all executions together: what lockdep's graph has as edges,
//! and what a function may count on when it is entered. Nothing here is right or wrong; who compares two programs asks
//! what one has and the other has not.

use fenceweave_kernel::{Action, ObjId, Program, State, StepResult, ThreadId};
use std::collections::{BTreeMap, BTreeSet};

/// What was seen of the locks of a program.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contracts {
    /// The second was taken by who held the first.
    pub orders: BTreeSet<(ObjId, ObjId)>,
    /// Of each thread and instruction with which some step began, what was held before it.
    pub held: BTreeMap<(ThreadId, u16), Held>,
}

/// The locks that a thread holds where it is, over all executions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Held {
    /// In every one.
    pub always: BTreeSet<ObjId>,
    /// In some.
    pub ever: BTreeSet<ObjId>,
}

/// The same while the search goes on.
pub(super) struct Watch {
    locks: Vec<ObjId>,
    seen: Contracts,
    /// What the thread at hand holds.
    holds: Vec<ObjId>,
}

impl Watch {
    /// Nothing seen yet.
    pub(super) fn new(program: &Program) -> Watch {
        let is_lock = |id: &ObjId| program.kind(*id).row().lock.is_taken();
        Watch { locks: program.ids().filter(is_lock).collect(), seen: Contracts::default(), holds: vec![] }
    }

    /// A step: with what held did it begin, and what did it take?
    pub(super) fn step(&mut self, before: &State, (action, result): (Action, &StepResult), after: &State) {
        let thread = action.thread;
        self.holds.clear();
        self.holds.extend(self.locks.iter().filter(|lock| before.world.is_held_by(**lock, thread)));
        let at = (thread, before.thread(thread).pc());
        let held = self.seen.held.entry(at).or_insert_with(|| {
            let always: BTreeSet<ObjId> = self.holds.iter().copied().collect();
            Held { ever: always.clone(), always }
        });
        held.always.retain(|lock| self.holds.contains(lock));
        held.ever.extend(&self.holds);
        if after.violation().is_some() {
            return;
        }
        for lock in &self.locks {
            let taken = after.world.is_held_by(*lock, thread) || result.took == Some(*lock);
            if taken && !self.holds.contains(lock) {
                self.seen.orders.extend(self.holds.iter().map(|held| (*held, *lock)));
            }
        }
    }

    /// What was seen.
    pub(super) fn ended(self) -> Contracts {
        self.seen
    }
}
