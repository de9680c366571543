//! `dma_resv_add_fence()`: cannot fail, so a slot must have been reserved under the same hold of the lock.

use super::{Entry, Mutant, Usage, assert_held, check_replaced, locked_footprint, stands_for, variant_of};
use crate::{
    AtomicCell, Code, Coder, Cx, Family, Flow, Footprint, ObjId, Order, Property, Runtime, Value, View,
    coder::points,
    fence::{self, FenceAt, FenceOp},
    protocol::{Protocol, Standing},
    runtime::NoteCell,
};

points! {
    /// Program points of an add.
    enum At {
        /// Takes a reference for the list.
        Get = "dma_fence_get",
        /// Looks at one entry: may the new fence take its place?
        Scan = "scan entry",
        /// Not signalled as far as the bit tells: its driver is asked.
        Ask = "ops->signaled",
        /// It may: writes the slot in place.
        Replace = "replace entry",
        /// Drops the reference to what was replaced.
        PutOld = "drop replaced fence",
        /// No entry can be replaced: writes the first unused slot.
        Append = "write slot",
        /// `smp_wmb()`, then `num_fences`: readers see the slot from here on.
        Extend = "num_fences++",
    }
}

/// An add in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddFence {
    at: At,
    resv: ObjId,
    fence: ObjId,
    usage: Usage,
    index: u8,
    /// What is asked or dropped.
    put: FenceOp,
}

impl Code for AddFence {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.resv.code(c);
        self.fence.code(c);
        self.usage.code(c);
        c.byte(&mut self.index);
        if matches!(self.at, At::PutOld | At::Ask) {
            self.put.code(c);
        }
    }
}

impl AddFence {
    pub(crate) const BLANK: AddFence = AddFence {
        at: At::Get,
        resv: ObjId::object(0),
        fence: ObjId::object(0),
        usage: Usage::Kernel,
        index: 0,
        put: FenceOp::BLANK,
    };

    /// An add about to start.
    pub fn new(resv: ObjId, fence: ObjId, usage: Usage) -> AddFence {
        AddFence { resv, fence, usage, ..AddFence::BLANK }
    }

    fn get<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if assert_held(cx, self.resv) && !cx.mutated(Mutant::AddNoGet) {
            fence::get_for_holder(cx, self.fence);
            cx.fence(self.fence).publish();
            if cx.program.container(self.fence).is_some() {
                cx.violate(Property::CONTAINER_IN_RESV, Some(self.fence));
            }
        }
        let list = cx.resv(self.resv).list.load(Order::Relaxed);
        self.at = match list {
            Some(l) if cx.list(l).num.load(Order::Relaxed) > 0 => At::Scan,
            _ => At::Append,
        };
        Flow::Go
    }

    /// The old fence may go if the new one is of the same context, not earlier (in most variants), and not of a weaker
    /// usage; or if it is signalled.
    fn scan<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, list: ObjId) -> Flow {
        let entry: Entry = cx.list(list).entries[usize::from(self.index)].load(Order::Relaxed);
        let Some(old) = entry.fence else { return Flow::Go };
        let rule = variant_of(cx.program, self.resv);
        let weaker = entry.usage >= self.usage || cx.mutated(Mutant::AddReplacesStronger);
        let weaker = weaker && !cx.mutated(Mutant::AddReplacesNone);
        if weaker && rule.supersedes(cx, self.fence, old) {
            return self.looked(cx, list, true);
        }
        match fence::look(cx, old) {
            Ok(signaled) => self.looked(cx, list, signaled && !cx.mutated(Mutant::AddKeepsSignaled)),
            Err(ask) => {
                (self.at, self.put) = (At::Ask, ask);
                Flow::Go
            }
        }
    }

    /// Whether the new fence may take the place of this entry.
    fn looked<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, list: ObjId, replace: bool) -> Flow {
        (self.at, self.put) = (At::Scan, FenceOp::BLANK);
        if replace {
            self.at = At::Replace;
            return Flow::Go;
        }
        self.index += 1;
        if self.index == cx.list(list).num.load(Order::Relaxed) {
            self.at = At::Append;
        }
        Flow::Go
    }

    fn replace<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, list: ObjId) -> Flow {
        let new = Entry { fence: Some(self.fence), usage: self.usage };
        let old = cx.list(list).entries[usize::from(self.index)].peek();
        check_replaced(cx, self.resv, old, new);
        // RCU_INIT_POINTER(): the caller sees to it that the fence's initialisation is visible already.
        cx.list(list).entries[usize::from(self.index)].store(new, Order::Relaxed);
        let put = old.fence.filter(|_| !cx.mutated(Mutant::AddPutsNone));
        let Some(old) = put else { return Flow::Done(Value::Word(0)) };
        self.put = FenceOp::new(FenceAt::Put, old, 0);
        self.at = At::PutOld;
        Flow::Go
    }

    fn append<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, list: Option<ObjId>) -> Flow {
        let Some(list) = list else {
            cx.violate(Property::NO_SLOT_RESERVED, Some(self.resv));
            return Flow::Done(Value::Word(0));
        };
        let (num, max) = (cx.list(list).num.load(Order::Relaxed), cx.list(list).max.load(Order::Relaxed));
        let reserved = cx.list(list).reserved.get();
        // Room that nobody asked for under this hold is luck: it is there because a list grows in larger steps.
        if num >= max || reserved == 0 {
            cx.violate(Property::NO_SLOT_RESERVED, Some(self.resv));
            return Flow::Done(Value::Word(0));
        }
        let usage = if cx.mutated(Mutant::AddKernel) { Usage::Bookkeep } else { self.usage };
        let new = Entry { fence: Some(self.fence), usage };
        cx.list(list).reserved.set(reserved - 1);
        cx.list(list).entries[usize::from(num)].store(new, Order::Relaxed);
        self.at = At::Extend;
        Flow::Go
    }

    fn extend<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, list: ObjId) -> Flow {
        let num = cx.list(list).num.load(Order::Relaxed);
        let one = u8::from(!cx.mutated(Mutant::AddNotCounted));
        // Since 6.15; a smp_store_mb() before.
        if !cx.mutated(Mutant::AppendRelaxed) {
            cx.rt.write_barrier();
        }
        cx.list(list).num.store(num + one, Order::Relaxed);
        Flow::Done(Value::Word(0))
    }
}

impl Protocol for AddFence {
    const FAMILY: Option<Family> = Some(Family::Resv);

    /// What readers see is one store. What was passed over may be signalled before a later one is, whose place is taken
    /// then.
    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        match self.at {
            At::Get => None,
            At::Scan if self.index > 0 => None,
            At::PutOld | At::Ask => self.put.amid_of(at, Family::Resv),
            At::Scan | At::Replace | At::Append | At::Extend => Some(Family::Resv),
        }
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Get => return self.get(cx),
            At::PutOld => return self.put.step(cx),
            _ => {}
        }
        let list = cx.resv(self.resv).list.load(Order::Relaxed);
        match (self.at, list) {
            (At::Append, list) => self.append(cx, list),
            (At::Scan, Some(l)) => self.scan(cx, l),
            (At::Ask, Some(l)) => {
                self.put.step(cx).once_over(|signaled| self.looked(cx, l, signaled != Value::Word(0)))
            }
            (At::Replace, Some(l)) => self.replace(cx, l),
            (_, Some(l)) => self.extend(cx, l),
            // Who frees the list has been told that its lock is held.
            (_, None) => Flow::Done(Value::Word(0)),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let list = v.world.resv(self.resv).list.0;
        match self.at {
            At::Get => locked_footprint(v, self.resv).write(self.fence),
            At::Scan => {
                let entry = list.and_then(|l| v.world.list(l).entries[usize::from(self.index)].0.fence);
                let f = locked_footprint(v, self.resv);
                entry.map_or(f, |e| f.read(e))
            }
            At::PutOld => self.put.footprint(v),
            At::Ask => locked_footprint(v, self.resv).and(self.put.footprint(v)),
            At::Replace => {
                let f = locked_footprint(v, self.resv).write_opt(list);
                let old = list.map(|l| v.world.list(l).entries[usize::from(self.index)].0).unwrap_or_default();
                let new = Entry { fence: Some(self.fence), usage: self.usage };
                // What does not stand for the old fence may take its place once that is signalled.
                let asks = old.fence.filter(|_| !stands_for(v.world, v.program, new, old));
                asks.map_or(f, |o| f.read(o))
            }
            At::Append | At::Extend => locked_footprint(v, self.resv).write_opt(list),
        }
    }

    /// A slot behind those that are counted is read by nobody.
    fn is_quiet<R: Runtime>(&self, cx: &Cx<'_, R>, _own: bool) -> bool {
        self.at == At::Append && super::is_quiet(cx, self.resv)
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::PutOld | At::Ask => self.put.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        if matches!(self.at, At::PutOld | At::Ask) { self.put.spins_on() } else { None }
    }

    fn returned(&mut self, value: Value) {
        if self.at == At::Ask {
            self.put.returned(value);
        }
    }
}
