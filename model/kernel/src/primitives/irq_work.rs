//! `struct irq_work`: a function that runs in hard interrupt context, on the CPU that asked for it, as soon as that
//! takes interrupts. Who may not do a thing where he is (in an interrupt, under a lock, in a callback of a fence)
//! leaves it to one.
//!
//! ```text
//!   irq_work_queue     PENDING and BUSY := 1 (nothing if it was pending)      raises the CPU's own interrupt
//!   that interrupt     PENDING := 0   … the function …   BUSY := 0, unless it is pending again
//!   irq_work_sync      waits while BUSY
//! ```
//!
//! As `kernel/irq_work.c` of 6.12. PENDING is cleared before the function is called, so from there on it may be queued
//! again, on another CPU as well: then it runs on both at once, and the first one that is done clears BUSY under the
//! other's feet. `irq_work_sync()` may come back early then; that is the kernel's.
//!
//! `irq_work_single()` looks at the item again when its function has returned (`atomic_cmpxchg()`, and the waiters'
//! `rcuwait`): unlike a work item's, its function must not free what it is inside of.
//!
//! `irq_work_sync()` spins, or sleeps where the architecture raises no interrupt for it or the kernel is a real-time
//! one; it asks for what sleeping needs in any case. Here it sleeps. `IRQ_WORK_LAZY` and `IRQ_WORK_HARD_IRQ` make no
//! difference: when the interrupt comes is open.

pub mod base;
pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Cx, Flow, Footprint, Held, ObjId, Patience, Plain, Program, Runtime, SharedCell, ThreadId, ThreadSet,
    Value, View, World,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ground::ids::CalleeId,
    primitives::irq,
    program::Role,
    property::Form,
    protocol::Protocol,
    shared::{Lost, Shared, renewed},
};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct State {
    /// `IRQ_WORK_PENDING`: on the list of a CPU.
    pending: bool,
    /// `IRQ_WORK_BUSY`: pending, or its function is not over.
    busy: bool,
    /// Whose CPU it is pending on; an idle one without it.
    on: Option<ThreadId>,
    /// What `init_irq_work()` said that it calls, where that was said when it ran.
    func: Option<CalleeId>,
    /// Who waits until it is not busy.
    waiters: ThreadSet,
}

impl State {
    /// Whether a CPU may take its interrupt now.
    fn is_ready<R: Runtime>(&self, world: &World<R>) -> bool {
        self.pending && self.on.is_none_or(|cpu| irq::takes_irqs(world, cpu))
    }
}

impl Code for State {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let bits = [self.pending, self.busy, self.on.is_some(), self.func.is_some(), !self.waiters.is_empty()];
        let mut flags = bits.iter().enumerate().fold(0, |f, (i, bit)| f | u8::from(*bit) << i);
        c.byte(&mut flags);
        (self.pending, self.busy) = (flags & 1 != 0, flags & 2 != 0);
        self.on = Some(self.on.unwrap_or_default()).filter(|_| flags & 4 != 0);
        self.on.iter_mut().for_each(|cpu| cpu.code(c));
        if flags & 8 != 0 {
            self.func.code(c);
        } else {
            self.func = None;
        }
        if flags & 16 != 0 {
            self.waiters.code(c);
        } else {
            self.waiters = ThreadSet::default();
        }
    }
}

/// A `struct irq_work`.
#[derive(Clone)]
pub struct IrqWork<R: Runtime> {
    state: R::Cell<State>,
}

impl Copy for IrqWork<Plain> {}

impl<R: Runtime> IrqWork<R> {
    /// Under the lock of what all of them are on.
    pub(crate) fn new(gate: ObjId) -> Self {
        IrqWork { state: R::Cell::new(State::default(), gate) }
    }
}

impl<R: Runtime> Shared<R> for IrqWork<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        let s = self.state.peek();
        sink("pending", Facet::Flag(s.pending));
        sink("busy", Facet::Flag(s.busy));
    }

    renewed!(IrqWork { state: cell });

    /// The CPU's list leads into it. One whose function runs is not lost yet: that is told when it is looked at again.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        let s = self.state.peek();
        Lost::when(Form::FREED_IRQ_WORK, s.pending).or_else(|| Lost::of_event(s.waiters.iter().next()))
    }

    fn set_function(&mut self, func: CalleeId, held: Held) {
        let s = State { func: Some(func), ..self.state.get(held) };
        self.state.set(held, s);
    }
}

impl Code for IrqWork<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.state.code(c);
    }
}

/// What an item is on, and under the lock of.
fn base_of(program: &Program, work: ObjId) -> ObjId {
    program.kind(work).queue().unwrap_or(work)
}

points! {
    /// Where an operation on an item is.
    pub enum How {
        /// `irq_work_queue()`: claims it, and puts it on this CPU's list. 1 if it was not pending.
        Queue = "irq_work_queue",
        /// `irq_work_sync()`: sleeps while it is busy.
        Sync = "irq_work_sync",
    }
}

/// An operation on an item in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IrqWorkOp {
    how: How,
    work: ObjId,
}

fields!(IrqWorkOp { how, work });

impl IrqWorkOp {
    pub(crate) const BLANK: IrqWorkOp = IrqWorkOp { how: How::Queue, work: ObjId::object(0) };

    /// An operation about to start.
    pub(crate) fn new(how: How, work: ObjId) -> IrqWorkOp {
        IrqWorkOp { how, work }
    }

    /// The CPU that the caller is on: a handler is on that of the thread it interrupted, or on one that was idle, which
    /// is its own. What an engine's signal calls is on some CPU, and two such may be on two.
    fn cpu<R: Runtime>(cx: &Cx<'_, R>) -> Option<ThreadId> {
        match cx.program.role(cx.me) {
            Role::Irq => Some(cx.private.interrupted().unwrap_or(cx.me)),
            Role::Device => None,
            _ if cx.me.index() < cx.program.scripts.len() => Some(cx.me),
            _ => None,
        }
    }

    fn queue<R: Runtime>(&self, cx: &mut Cx<'_, R>, s: &mut State) -> Flow {
        if s.pending {
            return Flow::Done(Value::Word(i32::from(cx.mutated(Mutant::QueueTwice))));
        }
        if !cx.mutated(Mutant::QueueForgets) {
            (s.pending, s.busy, s.on) = (true, !cx.mutated(Mutant::QueueNotBusy), IrqWorkOp::cpu(cx));
        }
        Flow::Done(Value::Word(1))
    }

    fn sync<R: Runtime>(&self, cx: &mut Cx<'_, R>, s: &mut State) -> Flow {
        self.judge(cx);
        if s.busy && !cx.mutated(Mutant::SyncReturns) {
            s.waiters.insert(cx.me);
            cx.set_sleeping(Patience::Forever);
            return Flow::Sleep(self.work, Patience::Forever);
        }
        s.waiters.remove(cx.me);
        cx.set_running();
        Flow::Done(Value::Word(0))
    }
}

impl Protocol for IrqWorkOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(base_of(cx.program, self.work));
        let mut s = cx.irq_work(self.work).state.get(held);
        let flow = match self.how {
            How::Queue => self.queue(cx, &mut s),
            How::Sync => self.sync(cx, &mut s),
        };
        cx.irq_work(self.work).state.set(held, s);
        flow
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(base_of(v.program, self.work)).write(self.work);
        if self.how == How::Sync { f.write(v.my_task()) } else { f }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if self.how == How::Sync {
            cx.might_sleep(self.work);
        }
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }
}
