//! `call_srcu()`, `srcu_barrier()`, and the work item that runs what they leave.
//!
//! ```text
//!   call_srcu               behind the others      wakes the work item
//!   srcu_barrier            behind the last of them, or nothing to wait for
//!   work item               a grace period of its own: what is queued when it begins is called when it is over,
//!                           one after the other, with soft interrupts disabled
//! ```
//!
//! As `__call_srcu()`, `srcu_barrier()` and `srcu_invoke_callbacks()` of `kernel/rcu/srcutree.c`, 6.12, with one queue
//! for all CPUs, whose callbacks run one at a time. Who waits for the callbacks is entrained behind the last of them
//! (`rcu_segcblist_entrain()`), so he waits for no grace period of his own. `cleanup_srcu_struct()` waits for the work
//! item and leaks what still is queued; that somebody has to wait for the callbacks before is told where the memory
//! goes that one is inside of.

use super::{At, Mutant, SrcuOp, State};
use crate::{
    Code, Coder, Context, Cx, Flow, Footprint, Handle, Held, ObjId, Patience, Property, Runtime, SharedCell, Value,
    View,
    coder::{fields, points},
    fixed,
    primitives::rcu::{
        self,
        callbacks::{self, Callbacks, Entry},
    },
    program::CalleeId,
    protocol::Protocol,
};

/// What is to be called.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Queues {
    /// In their order.
    queued: Callbacks,
    /// So many of them after the grace period that runs, or now; the others after one that has not begun.
    due: u8,
    /// One has been called, and has not returned.
    calling: bool,
    /// The work item is queued, or runs.
    working: bool,
}

fields!(Queues { queued, due, calling, working });

impl Queues {
    /// How many are to be called or woken.
    pub(super) fn len(&self) -> i32 {
        self.queued.len() as i32
    }

    /// Whether nothing is to be called any more, and all that were have returned.
    pub(super) fn are_done(&self) -> bool {
        !self.calling && self.len() == 0
    }

    fn has_callbacks(&self) -> bool {
        self.calling || self.queued.iter().any(|e| e.is_called())
    }

    /// Those of the grace period that runs, or of the one that is over.
    fn due(&self) -> &[Entry] {
        &self.queued[..usize::from(self.due)]
    }

    /// Those of one that has not begun.
    fn pending(&self) -> &[Entry] {
        &self.queued[usize::from(self.due)..]
    }

    /// The next one that is due.
    fn next_due(&mut self) -> Option<Entry> {
        self.due = self.due.checked_sub(1)?;
        self.queued.take(0)
    }
}

/// `queue_delayed_work()` of `srcu_sup->work`, if it is not at work already.
fn start<R: Runtime>(cx: &mut Cx<'_, R>, srcu: ObjId, queues: &mut Queues) {
    let work = cx.program.fixed::<fixed::Srcu>(srcu).and_then(|srcu| srcu.work);
    if let Some(work) = work.filter(|_| !queues.working && !cx.mutated(Mutant::QueueNoWake)) {
        queues.working = true;
        cx.wake(work);
    }
}

/// Whom that wakes.
fn started(v: View<'_>, srcu: ObjId) -> Footprint {
    let work = v.program.fixed::<fixed::Srcu>(srcu).and_then(|srcu| srcu.work);
    work.map_or(Footprint::NONE, |work| Footprint::writes(ObjId::task(work)))
}

/// `call_srcu()`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallSrcu {
    pub(super) srcu: ObjId,
    pub(super) handle: Handle,
    pub(super) func: CalleeId,
}

impl Code for CallSrcu {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.srcu.code(c);
        self.handle.code(c);
        c.byte(&mut self.func.0);
    }
}

impl CallSrcu {
    pub(crate) const BLANK: CallSrcu = CallSrcu { srcu: ObjId::object(0), handle: Handle::NONE, func: CalleeId(0) };
}

impl Protocol for CallSrcu {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.srcu);
        if let Some(entry) = callbacks::entry(cx, self.handle, self.func, Some(self.srcu)) {
            let mut s = cx.srcu(self.srcu).state.get(held);
            if !s.queues.queued.push(entry) {
                cx.violate(Property::CAPACITY_EXCEEDED, Some(self.srcu));
            }
            start(cx, self.srcu, &mut s.queues);
            cx.srcu(self.srcu).state.set(held, s);
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        callbacks::entry_footprint(v, self.handle.obj).write(self.srcu).and(started(v, self.srcu))
    }

    fn label(&self) -> &'static str {
        "call_srcu"
    }
}

impl SrcuOp {
    /// `srcu_barrier()`.
    pub(super) fn bar<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: &mut State) -> Flow {
        let entry = Entry::barrier(cx.me);
        if self.at == At::Barrier {
            if !s.queues.has_callbacks() || cx.mutated(Mutant::BarrierReturns) {
                return Flow::Done(Value::Word(0));
            }
            // Behind the last that is called: one of this grace period, if there is none of the next.
            let joins = !s.queues.pending().iter().any(|e| e.is_called());
            let at = if joins { usize::from(s.queues.due) } else { s.queues.queued.len() };
            if !s.queues.queued.insert(at, entry) {
                cx.violate(Property::CAPACITY_EXCEEDED, Some(self.srcu));
                return Flow::Done(Value::Word(0));
            }
            s.queues.due += u8::from(joins);
            self.at = At::Barred;
        }
        if s.queues.queued.contains(&entry) {
            cx.set_sleeping(Patience::Forever);
            return Flow::Sleep(self.srcu, Patience::Forever);
        }
        cx.set_running();
        Flow::Done(Value::Word(0))
    }
}

points! {
    /// Where the work item is.
    enum Work {
        /// Nothing to be called: asleep. Otherwise `srcu_gp_start()`, when the grace period before is over.
        Idle = "srcu_gp_start",
        /// That grace period.
        Period = "process_srcu",
        /// `srcu_invoke_callbacks()`: one a step.
        Invoke = "srcu_invoke_callbacks",
    }
}

/// The work item of one SRCU, again and again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SrcuWork {
    at: Work,
    period: SrcuOp,
}

fields!(SrcuWork { at, period });

impl SrcuWork {
    pub(crate) const BLANK: SrcuWork = SrcuWork::new(ObjId::object(0));

    pub(super) const fn new(srcu: ObjId) -> SrcuWork {
        SrcuWork { at: Work::Idle, period: SrcuOp { at: At::Sync, srcu, index: 0 } }
    }

    fn take<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: &mut State) -> Flow {
        match self.at {
            Work::Idle if s.queues.queued.is_empty() => {
                s.queues.working = false;
                cx.set_sleeping(Patience::Forever);
                Flow::Sleep(self.period.srcu, Patience::Forever)
            }
            Work::Idle => {
                self.period.at = At::Sync;
                let flow = self.period.advance(cx, s);
                if flow == Flow::Go {
                    s.queues.due = s.queues.queued.len() as u8;
                    self.at = if cx.mutated(Mutant::CallNoWait) { self.skip(s) } else { Work::Period };
                }
                flow
            }
            Work::Period => match self.period.advance(cx, s) {
                Flow::Done(_) => {
                    self.at = Work::Invoke;
                    Flow::Go
                }
                flow => flow,
            },
            Work::Invoke => self.invoke(cx, s),
        }
    }

    fn skip(self, s: &mut State) -> Work {
        s.busy = false;
        Work::Invoke
    }

    /// The callback that was called has returned; the next one.
    fn invoke<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: &mut State) -> Flow {
        if std::mem::take(&mut s.queues.calling) {
            cx.bh_enable(None);
        }
        while let Some(e) = s.queues.next_due() {
            if let Some(t) = e.thread() {
                if !cx.mutated(Mutant::BarrierForgotten) {
                    cx.wake(t);
                }
                continue;
            }
            cx.bh_disable();
            s.queues.calling = true;
            return callbacks::call(cx, e, Context::Caller).map_or(Flow::Go, Flow::Call);
        }
        // Who was woken may free what this is inside of: nothing of it is looked at again without need.
        (self.at, self.period.at) = (Work::Idle, At::Sync);
        if s.queues.queued.is_empty() { self.take(cx, s) } else { Flow::Go }
    }

    fn taken<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, held: Held) -> Flow {
        let srcu = self.period.srcu;
        let mut s = cx.srcu(srcu).state.get(held);
        let flow = self.take(cx, &mut s);
        cx.srcu(srcu).state.set(held, s);
        flow
    }
}

impl Protocol for SrcuWork {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.period.srcu);
        self.taken(cx, held)
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.period.srcu).write(v.my_task());
        let s = v.world.srcu(self.period.srcu).state.0;
        match self.at {
            Work::Idle | Work::Period => s.waiters.iter().fold(f, |f, t| f.write(ObjId::task(t))),
            Work::Invoke => {
                let threads = s.queues.due().iter().take_while(|e| e.thread().is_some());
                let called = s.queues.due().iter().find(|e| e.thread().is_none());
                let f = threads.chain(called).fold(f, |f, e| f.write(e.what()));
                rcu::reader_footprint(v, f)
            }
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
