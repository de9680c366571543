//! User memory: `copy_from_user()`, `copy_to_user()`, and their forms for atomic context.
//!
//! Whether the page is there does not matter for what is forbidden: `might_fault()` speaks for the address that faults.

pub(crate) mod idioms;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use super::rwsem::{self, RwSemOp};
use crate::{
    Code, Coder, Cx, Errno, Flow, Footprint, ObjId, Patience, Property, Runtime, Value, View, coder::points,
    protocol::Protocol, registry::upcalls,
};

points! {
    /// Where an access to user memory is.
    enum At {
        /// The page is there, or it is not.
        Access = "copy_user",
        /// The fault handler takes `mmap_lock`.
        Fault = "page fault: mmap_read_lock",
        /// The page is there now.
        Return = "page fault: mmap_read_unlock",
    }
}

/// An access to user memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserAccess {
    at: At,
    /// With page faults disabled: it returns -EFAULT where it would have to fault.
    inatomic: bool,
    /// `mmap_lock`, where the program has one: then it may have to fault.
    mmap_lock: Option<ObjId>,
    lock: RwSemOp,
}

impl Code for UserAccess {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.inatomic.code(c);
        self.mmap_lock.code(c);
        if self.at != At::Access {
            self.lock.code(c);
        }
    }
}

impl UserAccess {
    pub(crate) const BLANK: UserAccess = UserAccess {
        at: At::Access,
        inatomic: false,
        mmap_lock: None,
        lock: RwSemOp::new(rwsem::At::Read, ObjId::object(0), Patience::Forever, false),
    };

    /// An access about to start.
    pub(crate) fn new(inatomic: bool, mmap_lock: Option<ObjId>) -> UserAccess {
        UserAccess { inatomic, mmap_lock, ..UserAccess::BLANK }
    }

    fn ways(&self) -> u8 {
        if self.inatomic || self.mmap_lock.is_some() { 2 } else { 1 }
    }

    fn access<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let absent = cx.choose(self.ways()) == 1;
        if self.inatomic && !cx.mutated(Mutant::InatomicSleeps) {
            return Flow::Done(if absent { Value::from(Errno::EFAULT) } else { Value::Word(0) });
        }
        self.judge(cx);
        match self.mmap_lock.filter(|_| absent && !cx.mutated(Mutant::FaultNoLock)) {
            None => Flow::Done(Value::Word(0)),
            Some(lock) => self.mmap(At::Fault, rwsem::At::Read, lock),
        }
    }

    fn mmap(&mut self, at: At, how: rwsem::At, lock: ObjId) -> Flow {
        (self.at, self.lock) = (at, RwSemOp::new(how, lock, Patience::Forever, false));
        Flow::Go
    }
}

impl Protocol for UserAccess {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let lock = self.mmap_lock.unwrap_or_default();
        if self.at == At::Access {
            return self.access(cx);
        }
        self.lock.step(cx).once_over(|_| match self.at {
            At::Fault if !cx.mutated(Mutant::KeepsLock) => self.mmap(At::Return, rwsem::At::UpRead, lock),
            _ => Flow::Done(Value::Word(0)),
        })
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        if self.at == At::Access { Footprint::NONE.ways(self.ways()) } else { self.lock.footprint(v) }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if self.inatomic && !cx.mutated(Mutant::InatomicSleeps) {
            return;
        }
        cx.might_fault(self.mmap_lock);
        if let Some(resv) = upcalls::resv_held_by(cx.program, cx.world, cx.me) {
            cx.violate(Property::USER_ACCESS_UNDER_RESV, Some(resv));
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Access if self.inatomic => "copy_user_inatomic",
            At::Access => "copy_user",
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        if self.at == At::Access { None } else { self.lock.spins_on() }
    }

    /// Without a choice nobody else can tell that it happened.
    fn is_visible(&self) -> bool {
        self.ways() > 1
    }
}
