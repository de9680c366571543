//! `dma_fence_get_rcu_safe()`: a reference to whatever fence a pointer refers to, though others replace it meanwhile.

mod mutants;

pub(crate) use mutants::Mutant;

use super::{FenceAt, FenceOp, NO_FENCE, get_rcu, kind};
use crate::{
    AtomicCell, Cx, Flow, Footprint, Handle, ObjId, Order, Property, Runtime, Value, View,
    coder::{fields, points},
    primitives::{slab, variable},
    protocol::Protocol,
};

points! {
    /// Where the loop is. Between two steps the fence that was found may go, and another may take its place.
    enum At {
        /// `rcu_dereference(*fencep)`: NULL ends it.
        Load = "get_rcu_safe: load pointer",
        /// `dma_fence_get_rcu()`: a fence whose last reference is gone means start again.
        Get = "get_rcu_safe: dma_fence_get_rcu",
        /// The pointer still refers to it: then the reference is to what was meant. Else start again.
        Recheck = "get_rcu_safe: pointer still the same?",
        /// Drops the reference to a fence that was replaced meanwhile.
        Put = "get_rcu_safe: dma_fence_put",
    }
}

/// The loop in flight: a reference, or NULL. The caller is in a read-side section.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RcuSafe {
    at: At,
    /// The word that holds the pointer, and the slot whose field it is.
    target: ObjId,
    slot: Option<Handle>,
    fence: ObjId,
    /// Where dropping the reference is.
    put: FenceAt,
}

fields!(RcuSafe { at, target, slot, fence, put });

impl RcuSafe {
    pub(crate) const BLANK: RcuSafe =
        RcuSafe { at: At::Load, target: NO_FENCE, slot: None, fence: NO_FENCE, put: FenceAt::Put };

    /// A loop about to start.
    pub(crate) fn new(target: ObjId, slot: Option<Handle>) -> RcuSafe {
        RcuSafe { target, slot, ..RcuSafe::BLANK }
    }

    fn pointer<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        if self.slot.is_some_and(|slot| !slab::check_alive(cx, slot)) {
            return Value::Unset;
        }
        if !variable::may_access(cx, self.target, false) {
            return Value::Unset;
        }
        cx.touch(self.target);
        cx.world.var_mut(self.target).cell.load(Order::Consume)
    }

    fn load<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.pointer(cx) {
            Value::Ref(h) if cx.program.is::<kind::Fence>(h.obj) => {
                (self.at, self.fence) = (At::Get, h.obj);
                Flow::Go
            }
            Value::Null | Value::Word(0) => Flow::Done(Value::Null),
            _ => {
                cx.violate(Property::WRONG_KIND, Some(self.target));
                Flow::Done(Value::Null)
            }
        }
    }

    fn again(&mut self) -> Flow {
        (self.at, self.fence, self.put) = (At::Load, NO_FENCE, FenceAt::Put);
        Flow::Go
    }

    fn get<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !get_rcu(cx, self.fence) {
            if cx.mutated(Mutant::GivesUp) {
                return Flow::Done(Value::Null);
            }
            return self.again();
        }
        self.at = At::Recheck;
        Flow::Go
    }

    fn recheck<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let found = cx.refer(self.fence);
        if self.pointer(cx) == found || cx.mutated(Mutant::NoRecheck) {
            return Flow::Done(found);
        }
        if cx.mutated(Mutant::KeepsOld) {
            return self.again();
        }
        self.at = At::Put;
        Flow::Go
    }

    fn dropping(&self) -> FenceOp {
        FenceOp::new(self.put, self.fence, 0)
    }

    fn put<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let mut put = self.dropping();
        let flow = put.step(cx);
        self.put = put.at();
        flow.once_over(|_| self.again())
    }
}

impl Protocol for RcuSafe {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Load => self.load(cx),
            At::Get => self.get(cx),
            At::Recheck => self.recheck(cx),
            At::Put => self.put(cx),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let slot = self.slot.map_or(Footprint::NONE, |slot| Footprint::reads(slot.obj));
        let pointer = variable::look_footprint(v, self.target, slot);
        match self.at {
            At::Load | At::Recheck => pointer,
            At::Get => Footprint::writes(self.fence),
            At::Put => self.dropping().footprint(v),
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
