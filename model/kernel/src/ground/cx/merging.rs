//! What a search knows that takes quiet accesses together with the step before them.
//!
//! An access is *quiet* if everything that others may do without breaking a rule comes to the same before it and after
//! it: a word whose lock its thread has, a `const` word that is read, a word of an object whose address nobody else
//! got. Each rests on a premise that is judged at every access (`primitives/variable/premise.rs`). Where an execution
//! shows that one does not hold in a way that could hide another (an object is freed into which somebody has looked
//! with his last step; a `const` word is set late), the step says that it is *unfit*, and the search begins again
//! without.

mod mutants;

pub(crate) use mutants::Mutant;

use crate::{Footprint, ObjId, ObjSet, Runtime, ThreadId, World, runtime::NoteCell};

/// What stays a step of its own, although it is quiet: what is looked at from outside.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Merging {
    /// The words that an expectation looks at in every state, by their number.
    pub(crate) watched_words: Vec<bool>,
    /// The locals of each thread that one looks at, a bit each.
    pub(crate) watched_locals: Vec<u64>,
    /// Somebody spins on a word: what he waits for is a write.
    pub(crate) writes_are_seen: bool,
    /// An expectation looks at what objects show.
    pub(crate) facets_are_seen: bool,
    /// What the premises are about. A quiet access commutes with all that keeps them; whether they are kept, a step
    /// that may have one after it finds out.
    pub(crate) premises: ObjSet,
    /// The end of a spinlock's section is quiet: until then nobody can tell that it has not come yet. Nothing tries the
    /// lock, no handler and no grace period looks at who has it, and no expectation.
    pub(crate) sections: bool,
    /// There are accesses that may be quiet.
    pub(crate) accesses: bool,
    /// Of each script, the accesses to an object that only its thread knows, by their instruction.
    pub(crate) own: Vec<Vec<bool>>,
    /// Of each object, how many slots there are before it: so a set of slots is one of few bits.
    pub(crate) slots_before: Vec<u16>,
}

impl Merging {
    /// The same, with the end of each section a step of its own; `None` if nothing is quiet then.
    pub fn without_sections(self) -> Option<Merging> {
        self.accesses.then_some(Merging { sections: false, ..self })
    }

    /// Whether the end of a section is quiet.
    pub fn has_sections(&self) -> bool {
        self.sections
    }

    /// What a step looks at that may have quiet accesses after it.
    pub(crate) fn premises(&self) -> Footprint {
        Footprint { reads: self.premises, ..Footprint::NONE }
    }

    /// Whether a write of the word is seen by nobody who does not have its lock.
    pub(crate) fn may_write(&self, word: ObjId) -> bool {
        let watched = word.as_var().and_then(|at| self.watched_words.get(at)).is_some_and(|watched| *watched);
        !watched && !self.writes_are_seen
    }

    /// Whether an instruction accesses an object of which only its thread knows.
    pub(crate) fn is_own(&self, t: ThreadId, pc: u16) -> bool {
        self.own.get(t.index()).and_then(|own| own.get(usize::from(pc))).is_some_and(|own| *own)
    }

    /// The locals of the thread that an expectation looks at, a bit each.
    pub(crate) fn watched_of(&self, t: ThreadId) -> u64 {
        self.watched_locals.get(t.index()).copied().unwrap_or_default()
    }

    /// Whether an expectation looks at a local of the thread.
    pub(crate) fn watches(&self, t: ThreadId, local: crate::LocalId) -> bool {
        self.watched_of(t) >> (local.0 & 63) & 1 == 1
    }
}

impl Merging {
    /// The bit of a slot among those that a thread has looked into: the same for several where there are more.
    fn bit(&self, slot: ObjId) -> u64 {
        let before = slot.as_object().and_then(|at| self.slots_before.get(at)).copied().unwrap_or_default();
        1 << (before & 63)
    }

    /// The slots that a thread has looked into, when it has looked into this one without a step of its own.
    pub(crate) fn look<R: Runtime>(&self, world: &World<R>, slot: ObjId, me: ThreadId) -> u64 {
        world.task(me).looked.get() | self.bit(slot)
    }

    /// Whether another thread has looked into the slot with its last step.
    pub(crate) fn somebody_looked<R: Runtime>(&self, world: &World<R>, slot: ObjId, me: ThreadId) -> bool {
        world.task_ids().any(|t| t != me && world.task(t).looked.get() & self.bit(slot) != 0)
    }
}
