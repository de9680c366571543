//! `dma_resv_fini()`: the end of a reservation, whose fences are put, signalled or not.

use super::Entry;
use crate::{
    AtomicCell, Code, Coder, Cx, Family, Flow, Footprint, ObjId, Order, Property, Runtime, Standing, Value, View,
    Violation,
    coder::points,
    fence::{FenceAt, FenceOp},
    primitives::rcu,
    property::Form,
    protocol::Protocol,
};

points! {
    /// Program points of an end.
    enum At {
        /// Finds the list: nobody else may have the reservation any more, so no lock is asked for.
        Begin = "dma_resv_fini",
        /// Drops the reference to one of its fences.
        Put = "dma_resv_list_free: dma_fence_put",
        /// `kfree_rcu()` of the list.
        Free = "dma_resv_list_free: kfree_rcu",
    }
}

/// An end in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fini {
    at: At,
    resv: ObjId,
    list: ObjId,
    index: u8,
    put: FenceOp,
}

impl Code for Fini {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.resv.code(c);
        self.list.code(c);
        c.byte(&mut self.index);
        if self.at == At::Put {
            self.put.code(c);
        }
    }
}

impl Fini {
    pub(crate) const BLANK: Fini =
        Fini { at: At::Begin, resv: ObjId::object(0), list: ObjId::object(0), index: 0, put: FenceOp::BLANK };

    /// An end about to begin.
    pub(crate) fn new(resv: ObjId) -> Fini {
        Fini { resv, ..Fini::BLANK }
    }

    /// In the end nobody has a reference, so nobody holds the lock: `mutex_destroy()` looks whether somebody does.
    fn check_lock<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let lock = cx.program.resv_parts(self.resv).lock;
        if let Some(owner) = cx.ww(lock).owner_now() {
            let v = cx.violation_of(Property::FREED_IN_USE);
            let form = Some(if owner == cx.me { Form::FINI_OWN } else { Form::FINI_HELD });
            cx.note_violation(Violation { object: Some(self.resv), other: Some(owner), form, ..v });
        }
    }

    fn begin<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.check_lock(cx);
        let Some(list) = cx.resv(self.resv).list.load(Order::Relaxed) else { return Flow::Done(Value::Word(0)) };
        self.list = list;
        self.next(cx)
    }

    /// The next fence of the list.
    fn next<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.put = FenceOp::BLANK;
        self.at = At::Free;
        if self.index < cx.list(self.list).num.load(Order::Relaxed) {
            let entry: Entry = cx.list(self.list).entries[usize::from(self.index)].load(Order::Relaxed);
            self.index += 1;
            if let Some(fence) = entry.fence {
                (self.at, self.put) = (At::Put, FenceOp::new(FenceAt::Put, fence, 0));
            }
        }
        Flow::Go
    }

    fn free<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        self.check_lock(cx);
        cx.list(self.list).retire();
        cx.resv(self.resv).list.store(None, Order::Relaxed);
        rcu::free_later(cx, self.list);
        Flow::Done(Value::Word(0))
    }
}

impl Protocol for Fini {
    const FAMILY: Option<Family> = Some(Family::Resv);

    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        match self.at {
            At::Begin => None,
            At::Put => self.put.amid_of(at, Family::Resv),
            // What somebody adds to the list now, who may not, is put by nobody.
            At::Free => None,
        }
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Begin => self.begin(cx),
            At::Put => self.put.step(cx).once_over(|_| self.next(cx)),
            At::Free => self.free(cx),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let lock = v.program.resv_parts(self.resv).lock;
        match self.at {
            At::Begin => {
                let f = Footprint::reads(self.resv).read(lock);
                v.world.resv(self.resv).list.0.map_or(f, |list| f.read(list))
            }
            At::Put => self.put.footprint(v).read(self.list),
            At::Free => rcu::call_rcu_footprint(v, Footprint::writes(self.list).write(self.resv).read(lock)),
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Put => self.put.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        if self.at == At::Put { self.put.spins_on() } else { None }
    }

    fn returned(&mut self, value: Value) {
        if self.at == At::Put {
            self.put.returned(value);
        }
    }
}
