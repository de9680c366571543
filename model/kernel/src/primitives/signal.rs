//! A signal sent to a task: `send_sig()`.

pub(crate) mod idioms;
pub mod ops;

use crate::cx::Mutant;
use crate::{
    AtomicCell, Cx, Flow, Footprint, ObjId, Order, Runtime, ThreadId, Value, View, coder::fields, protocol::Protocol,
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
