//! A signal sent to a task: `send_sig()`; and the look for one.

pub(crate) mod idioms;
pub mod ops;

use crate::cx::Mutant;
use crate::{
    AtomicCell, Code, Coder, Cx, Flow, Footprint, ObjId, Order, Runtime, ThreadId, Value, View, coder::fields,
    protocol::Protocol,
};

/// `raise signal to=THREAD`: makes the signal pending and ends an interruptible sleep.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Raise {
    pub(crate) to: ThreadId,
}

fields!(Raise { to });

impl Protocol for Raise {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.touch(ObjId::task(self.to));
        let pending = u8::from(!cx.mutated(Mutant::SignalNotPending));
        cx.world.task_mut(self.to).pending.store(pending, Order::Relaxed);
        cx.rt.full_barrier();
        cx.wake_by_signal(self.to);
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, _v: View<'_>) -> Footprint {
        Footprint::writes(ObjId::task(self.to))
    }

    fn label(&self) -> &'static str {
        "send_sig"
    }
}

/// `signal_pending(current)`: 1 or 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pending;

impl Code for Pending {
    fn code<C: Coder>(&mut self, _c: &mut C) {}
}

impl Protocol for Pending {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        Flow::Done(Value::Word(i32::from(cx.signal_pending())))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        Footprint::reads(v.my_task())
    }

    fn label(&self) -> &'static str {
        "signal_pending"
    }
}
