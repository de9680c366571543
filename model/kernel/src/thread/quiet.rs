//! Quiet accesses: taken with the step before them, and taken back where that would hide something.
//!
//! ```text
//!   lock l | load x | load y | assert | unlock l        each of its own
//!   lock l   load x   load y   assert | unlock l        x and y are guarded by l
//!   lock l   load x | load y   assert                   where the assert is false: what others do that the lock let
//!                                                       them do could come before it
//! ```
//!
//! What breaks a property ends the execution, and the others with it. So a thread that breaks one after a quiet access
//! stands before that access again, which then is a step of its own: what others do before it is not lost.

use super::Thread;
use crate::{
    Cx, Flow, Instr, LocalId, MAX_LOCALS, Machine, ObjId, Order, Runtime, Script, ThreadId, Value, World,
    cx::{Private, QuietMutant},
    fixed,
    runtime::{AtomicCell, NoteCell, SharedCell},
    task::Reader,
};
use std::cell::RefCell;

/// Most quiet accesses in a row. A loop of them comes to a step, so that a search sees whether it goes on for ever.
const MOST: u16 = 256;

/// What there was before the last quiet access.
#[derive(Default)]
struct Before {
    thread: Thread,
    private: Private,
    changed: Changed,
    looked: u64,
    progressed: bool,
}

/// What it changes.
#[derive(Clone, Copy, Default)]
enum Changed {
    #[default]
    Nothing,
    /// The word, what it held, and who may set it if it is `const`.
    Word(ObjId, Value, Option<ThreadId>),
    /// The spinlock that it releases, and what its holder is to a grace period.
    Lock(ObjId, Reader),
}

impl Changed {
    fn by<R: Runtime>(machine: &Machine, world: &World<R>, me: ThreadId) -> Changed {
        if let Machine::Access(access) = machine {
            let word = access.word();
            Changed::Word(word, world.var_value(word), world.var(word).maker())
        } else if let Machine::Spin(spin) = machine {
            Changed::Lock(spin.lock, world.task(me).reader.peek())
        } else {
            Changed::Nothing
        }
    }

    fn undo<R: Runtime>(self, cx: &mut Cx<'_, R>) {
        match self {
            Changed::Nothing => {}
            Changed::Word(word, value, maker) => {
                cx.world.var_mut(word).cell.store(value, Order::Relaxed);
                cx.world.var_mut(word).made_by(maker);
            }
            Changed::Lock(lock, reader) => {
                cx.world.task_mut(cx.me).reader.swap(reader, Order::Relaxed);
                let held = cx.enter(lock);
                let mut raw = cx.spin(lock).raw.get(held);
                raw.try_take(cx.me);
                cx.spin(lock).raw.set(held, raw);
            }
        }
    }
}

thread_local! {
    /// Only a search on plain data merges, and it takes one step at a time.
    static BEFORE: RefCell<Before> = RefCell::default();
}

impl Thread {
    /// Whether the operation at hand is to be taken now.
    pub(super) fn is_quiet<R: Runtime>(&self, into: Option<LocalId>, cx: &Cx<'_, R>) -> bool {
        // What has broken a property is the last that happens.
        let goes_on = cx.violation.is_none() && cx.merged < MOST;
        let Some(merging) = cx.merging.filter(|_| goes_on) else { return false };
        // What an expectation looks at has changed since the last one: that one is a step of its own (`advance`).
        if cx.merged > 0 && self.has_shown(cx) {
            return false;
        }
        // The locals of a callee are no part of what is looked at.
        let watched = into.is_some_and(|l| self.calls().is_none() && merging.watches(cx.me, l));
        !watched && self.machine.is_quiet(cx, merging.is_own(cx.me, self.pc))
    }

    /// Whether what came after the last quiet access has changed a local that an expectation looks at in every state:
    /// what others do before that access has to be seen with what was there before.
    pub(super) fn has_shown<R: Runtime>(&self, cx: &Cx<'_, R>) -> bool {
        let watched = cx.merging.map_or(0, |merging| merging.watched_of(cx.me));
        watched != 0
            && !cx.mutated(QuietMutant::TakesShown)
            && BEFORE.with_borrow(|before| self.differs_in(&before.thread, watched))
    }

    /// Whether one of these locals of the thread itself, a bit each, is not what it was.
    fn differs_in(&self, before: &Thread, locals: u64) -> bool {
        let is_one = |at: &u8| locals >> at & 1 == 1;
        (0..MAX_LOCALS as u8).filter(is_one).map(LocalId).any(|l| self.local(l) != before.local(l))
    }

    /// A step of an operation was not its last: the next one may be quiet.
    pub(super) fn go_on_quietly<R: Runtime>(&mut self, script: &Script, cx: &mut Cx<'_, R>) {
        if !self.is_quiet(None, cx) {
            return;
        }
        let into = if let Instr::Op { into, .. } = script.code[usize::from(self.pc)] { into } else { None };
        if self.take_quietly(into, cx) {
            self.advance(script, cx);
        } else if cx.violation.is_some() {
            self.take_back(cx);
        }
    }

    /// Takes it. True if the operation is over, and has broken no property.
    pub(super) fn take_quietly<R: Runtime>(&mut self, into: Option<LocalId>, cx: &mut Cx<'_, R>) -> bool {
        let me = cx.me;
        BEFORE.with_borrow_mut(|before| {
            before.thread.copy_live(self);
            before.private = *cx.private;
            before.changed = Changed::by(&self.machine, cx.world, me);
            before.looked = cx.world.task(me).looked.get();
            before.progressed = cx.progressed;
        });
        let touched = std::mem::take(&mut cx.touched);
        let own = cx.merging.is_some_and(|merging| merging.is_own(me, self.pc));
        if !own {
            self.machine.looks_into().into_iter().flatten().for_each(|what| look_into(cx, what));
        }
        let flow = self.machine.step(cx);
        cx.merged += 1;
        cx.quiet = cx.quiet.and(cx.touched);
        cx.touched = cx.touched.and(touched);
        let Flow::Done(result) = flow else { return false };
        if cx.violation.is_some() {
            return false;
        }
        self.set_result(into, result);
        cx.goes(true);
        self.pc += 1;
        true
    }

    /// Stands before the last quiet access again.
    #[cold]
    pub(super) fn take_back<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) {
        let (changed, looked) = BEFORE.with_borrow(|before| {
            self.copy_live(&before.thread);
            (*cx.private, cx.progressed) = (before.private, before.progressed);
            (before.changed, before.looked)
        });
        changed.undo(cx);
        set_looked(cx, looked);
        (cx.violation, cx.pc) = (None, self.pc);
        cx.merged -= 1;
    }
}

/// A step begins: what the thread looked into with the one before, it had to look into before this one.
pub(super) fn begin<R: Runtime>(cx: &mut Cx<'_, R>) {
    if cx.merging.is_some() && cx.world.task(cx.me).looked.get() != 0 {
        set_looked(cx, 0);
    }
}

/// It was looked at an object, or what is inside of one and goes with it. What is inside of nothing stays.
fn look_into<R: Runtime>(cx: &mut Cx<'_, R>, what: ObjId) {
    let itself = || cx.program.is::<fixed::Slot>(what).then_some(what);
    let around = cx.program.root_of(what).filter(|_| !cx.mutated(QuietMutant::MembersUnseen));
    let Some(root) = around.or_else(itself) else { return };
    let Some(merging) = cx.merging else { return };
    let looked = merging.look(cx.world, root, cx.me);
    set_looked(cx, looked);
}

fn set_looked<R: Runtime>(cx: &mut Cx<'_, R>, looked: u64) {
    let task = ObjId::task(cx.me);
    cx.touch(task);
    cx.quiet.insert(task);
    cx.world.task_mut(cx.me).looked.set(looked);
}
