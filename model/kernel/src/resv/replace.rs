//! `dma_resv_replace_fences()`: one fence in the place of every fence of a context, such as a page-table update in the
//! place of the preemption fence that it makes superfluous. The slots are there already, so it cannot fail.

use super::{Entry, MAX_SLOTS, Mutant, Usage, assert_held, locked_footprint};
use crate::{
    AtomicCell, Code, Coder, Cx, Family, Flow, Footprint, ObjId, Order, Runtime, Value, View,
    coder::points,
    fence::{self, FenceAt, FenceOp},
    protocol::{Protocol, Standing},
};

points! {
    /// Program points of a replacement.
    enum At {
        /// Looks at one entry: is its fence of the context?
        Scan = "dma_resv_replace_fences: entry",
        /// It is: takes a reference for the slot.
        Get = "dma_fence_get",
        /// Writes the slot in place.
        Replace = "replace entry",
        /// Drops the reference to what was replaced.
        PutOld = "drop replaced fence",
    }
}

/// A replacement in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplaceFences {
    at: At,
    resv: ObjId,
    context: u8,
    fence: ObjId,
    usage: Usage,
    index: u8,
    put: FenceOp,
}

impl Code for ReplaceFences {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.resv.code(c);
        c.byte(&mut self.context);
        self.fence.code(c);
        self.usage.code(c);
        c.byte(&mut self.index);
        if self.at == At::PutOld {
            self.put.code(c);
        }
    }
}

impl ReplaceFences {
    pub(crate) const BLANK: ReplaceFences = ReplaceFences {
        at: At::Scan,
        resv: ObjId::object(0),
        context: 0,
        fence: ObjId::object(0),
        usage: Usage::Kernel,
        index: 0,
        put: FenceOp::BLANK,
    };

    /// A replacement about to start.
    pub fn new(resv: ObjId, context: u8, fence: ObjId, usage: Usage) -> ReplaceFences {
        ReplaceFences { resv, context, fence, usage, ..ReplaceFences::BLANK }
    }

    /// The next entry of the context, or the end.
    fn scan<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !assert_held(cx, self.resv) {
            return Flow::Done(Value::Word(0));
        }
        let Some(list) = cx.resv(self.resv).list.load(Order::Relaxed) else { return Flow::Done(Value::Word(0)) };
        if self.index >= cx.list(list).num.load(Order::Relaxed) {
            return Flow::Done(Value::Word(0));
        }
        let entry: Entry = cx.list(list).entries[usize::from(self.index)].load(Order::Relaxed);
        match entry.fence {
            Some(old)
                if cx.world.fence_point(cx.program, old).0 == self.context || cx.mutated(Mutant::ReplaceAnyContext) =>
            {
                self.at = At::Get
            }
            _ => self.index += 1,
        }
        Flow::Go
    }

    fn replace<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(list) = cx.resv(self.resv).list.load(Order::Relaxed) else { return Flow::Done(Value::Word(0)) };
        let new = Entry { fence: Some(self.fence), usage: self.usage };
        let old = cx.list(list).entries[usize::from(self.index)].peek();
        // RCU_INIT_POINTER()
        cx.list(list).entries[usize::from(self.index)].store(new, Order::Relaxed);
        if cx.mutated(Mutant::ReplaceFirst) {
            self.index = MAX_SLOTS as u8;
        }
        let put = old.fence.filter(|_| !cx.mutated(Mutant::ReplacePutsNone));
        let Some(old) = put else { return self.next() };
        self.put = FenceOp::new(FenceAt::Put, old, 0);
        self.at = At::PutOld;
        Flow::Go
    }

    fn next(&mut self) -> Flow {
        self.index += 1;
        self.at = At::Scan;
        Flow::Go
    }
}

impl Protocol for ReplaceFences {
    const FAMILY: Option<Family> = Some(Family::Resv);

    /// Entry by entry, as readers see them change.
    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        match self.at {
            At::Scan => None,
            At::PutOld => self.put.amid_of(at, Family::Resv),
            At::Get | At::Replace => Some(Family::Resv),
        }
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Scan => self.scan(cx),
            At::Get => {
                if !cx.mutated(Mutant::ReplaceNoGet) {
                    fence::get_for_holder(cx, self.fence);
                }
                cx.fence(self.fence).publish();
                self.at = At::Replace;
                Flow::Go
            }
            At::Replace => self.replace(cx),
            At::PutOld => self.put.step(cx).once_over(|_| self.next()),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::Scan => locked_footprint(v, self.resv),
            At::Get => Footprint::writes(self.fence),
            At::Replace => Footprint::reads(self.resv).write_opt(v.world.resv(self.resv).list.0),
            At::PutOld => self.put.footprint(v),
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::PutOld => self.put.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        match self.at {
            At::PutOld => self.put.spins_on(),
            _ => None,
        }
    }
}
