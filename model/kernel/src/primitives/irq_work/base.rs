//! The CPUs that take the interrupt which `irq_work_queue()` raises: each runs whichever item may be next, on the CPU
//! that it was queued on.
//!
//! ```text
//!   irq_work_run_list()   begins while an item is pending and its CPU takes interrupts: irq_enter, PENDING := 0
//!                         … the function, in hard interrupt context …
//!                         BUSY := 0 unless it is pending again, wakes who waits; irq_exit
//! ```
//!
//! Items of one CPU run one after the other, since a handler does not interrupt another one, in any order: which one
//! comes first is open as long as `IRQ_WORK_LAZY` ones wait for the tick. Everything is under the lock of the base.

use super::{Mutant, kind};
use crate::{
    Code, Coder, Context, Cx, Flow, Footprint, Held, ObjId, Plain, Runtime, SharedCell, Value, View, World,
    coder::{fields, points},
    cx::{Call, Then, check_nothing_left},
    facet::FacetSink,
    ground::functions::functions,
    primitives::{irq, rcu, workqueue::pool::Ready},
    protocol::Protocol,
    shared::Shared,
};
use std::marker::PhantomData;

/// What all items are on: `raised_list` and `lazy_list`, of all CPUs together.
#[derive(Clone)]
pub struct IrqWorks<R: Runtime>(PhantomData<R>);

impl Copy for IrqWorks<Plain> {}

impl<R: Runtime> IrqWorks<R> {
    pub(crate) fn new() -> Self {
        IrqWorks(PhantomData)
    }
}

impl<R: Runtime> Shared<R> for IrqWorks<R> {
    /// Which items are on it the items know.
    fn facets(&self, _sink: FacetSink<'_>) {}
}

impl Code for IrqWorks<Plain> {
    fn code<C: Coder>(&mut self, _c: &mut C) {}
}

points! {
    /// Where a CPU is that takes such interrupts.
    pub(crate) enum At {
        /// `irq_work_run_list()`: takes an item.
        Run = "irq_work_run_list",
        /// `irq_work_single()`: its function has returned.
        Done = "irq_work function returns",
    }
}

functions! {
    /// What such a CPU does.
    pub enum How begins at At {
        /// `irq_work_run_list()`: takes an item.
        Run,
        /// `irq_work_single()`: its function has returned.
        Done,
    }
}

/// What such a CPU does, in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunOp {
    at: At,
    base: ObjId,
    /// The item whose function has run; or, of many, the first one that is left to choose from.
    work: ObjId,
}

fields!(RunOp { at, base, work });

impl RunOp {
    pub(crate) const BLANK: RunOp = RunOp { at: At::Run, base: ObjId::object(0), work: ObjId::object(0) };

    /// What a CPU is about to do; of a function that has returned, of which item.
    pub(super) fn new(how: How, base: ObjId, work: ObjId) -> RunOp {
        RunOp { at: how.begins(), base, work }
    }

    fn works(self, program: &crate::Program) -> &[ObjId] {
        program.fixed::<kind::IrqWorks>(self.base).map_or(&[], |base| &base.works)
    }

    /// The items whose CPU takes interrupts.
    fn ready<R: Runtime>(self, program: &crate::Program, world: &World<R>) -> Ready {
        Ready::of(self.works(program), self.work, |work| world.irq_work(work).state.peek().is_ready(world))
    }

    fn run<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        // What is inside of an object that is gone is not pending.
        self.works(cx.program).iter().for_each(|work| cx.note(*work));
        let ready = self.ready(cx.program, cx.world);
        match ready.choose(cx) {
            Ok(work) => self.call(cx, held, work),
            Err(rest) => {
                self.work = rest;
                Flow::Go
            }
        }
    }

    /// `irq_work_single()`.
    fn call<R: Runtime>(self, cx: &mut Cx<'_, R>, held: Held, work: ObjId) -> Flow {
        let mut s = cx.irq_work(work).state.get(held);
        let on = s.on;
        s.pending = cx.mutated(Mutant::StaysPending);
        s.on = s.on.filter(|_| s.pending);
        cx.irq_work(work).state.set(held, s);
        irq::enter_on(cx, on);
        let this = cx.refer(work);
        let said = s.func.or(cx.program.kind(work).function().map(|function| function.callee));
        match said {
            None => Flow::Done(this),
            Some(callee) => {
                let args = [this, Value::Unset];
                Flow::Call(Call { callee, args, context: Context::Caller, then: Then::Done(this) })
            }
        }
    }

    /// `atomic_cmpxchg(&work->node.a_flags, flags, flags & ~IRQ_WORK_BUSY)`, and out of the interrupt.
    fn done<R: Runtime>(self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        check_nothing_left(cx);
        let mut s = cx.irq_work(self.work).state.get(held);
        if !s.pending {
            s.busy = cx.mutated(Mutant::StaysBusy);
            std::mem::take(&mut s.waiters).iter().for_each(|t| {
                if !cx.mutated(Mutant::DoneNoWake) {
                    cx.wake(t);
                }
            });
        }
        cx.irq_work(self.work).state.set(held, s);
        irq::leave(cx);
        Flow::Done(Value::Word(0))
    }
}

impl Protocol for RunOp {
    const CHOOSES: bool = true;
    const HOLDS_BACK: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.base);
        match self.at {
            At::Run => self.run(cx, held),
            At::Done => self.done(cx, held),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = rcu::reader_footprint(v, Footprint::writes(self.base));
        let of = |work: &ObjId| v.world.irq_work(*work).state.0;
        match self.at {
            At::Done => {
                let f = f.write(self.work).write(v.private.interrupted().map_or(v.my_task(), ObjId::task));
                of(&self.work).waiters.iter().fold(f, |f, t| f.write(ObjId::task(t)))
            }
            At::Run => {
                let works = self.works(v.program);
                let cpus = works.iter().filter_map(|work| of(work).on);
                let f = cpus.fold(f.write(v.my_task()), |f, t| f.write(ObjId::task(t)));
                works.iter().fold(f, |f, work| f.write(*work)).ways(self.ready(v.program, v.world).ways())
            }
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }

    fn is_held_back(&self, v: View<'_>) -> bool {
        self.at == At::Run && self.ready(v.program, v.world).is_empty()
    }
}
