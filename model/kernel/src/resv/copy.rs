//! `dma_resv_copy_fences()`: a reservation gets the fences of another one, which is looked at without its lock, in the
//! place of its own. What was collected before a walk starts again is given back.

use super::{Cursor, CursorOp, Entry, Life, MAX_SLOTS, Mutant, Usage, assert_held, locked_footprint};
use crate::{
    AtomicCell, Code, Coder, Cx, Family, Flow, Footprint, ObjId, Order, Property, Runtime, Standing, Value, View,
    coder::points,
    fence::{self, FenceAt, FenceOp},
    primitives::alloc,
    primitives::rcu,
    protocol::Protocol,
};

points! {
    /// Program points of a copy.
    enum At {
        /// `dma_resv_assert_held(dst)`.
        Begin = "dma_resv_copy_fences",
        /// The walk of the source, to its next fence.
        Walk = "dma_resv_iter_next_unlocked",
        /// It started again: drops what was collected.
        Forget = "drop collected fence",
        /// `dma_resv_list_alloc()`, as large as the source's list.
        Allocate = "dma_resv_list_alloc",
        /// Takes a reference of the new list's own.
        Collect = "dma_fence_get, collect",
        /// `rcu_replace_pointer(dst->fences, list)`.
        Publish = "publish list",
        /// `dma_resv_list_free()`: drops the references of the old list.
        Drop = "drop fence of old list",
        /// And `kfree_rcu()` of it.
        FreeOld = "kfree_rcu old list",
    }
}

/// A copy in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CopyFences {
    at: At,
    dst: ObjId,
    walk: CursorOp,
    new: Option<ObjId>,
    old: Option<ObjId>,
    /// How many entries are dropped already, while that happens.
    index: u8,
    put: FenceOp,
}

impl Code for CopyFences {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.dst.code(c);
        self.walk.code(c);
        self.new.code(c);
        self.old.code(c);
        c.byte(&mut self.index);
        if matches!(self.at, At::Forget | At::Drop) {
            self.put.code(c);
        } else {
            self.put = FenceOp::BLANK;
        }
    }
}

impl CopyFences {
    pub(crate) const BLANK: CopyFences = CopyFences {
        at: At::Begin,
        dst: ObjId::object(0),
        walk: CursorOp::BLANK,
        new: None,
        old: None,
        index: 0,
        put: FenceOp::BLANK,
    };

    /// A copy about to start.
    pub fn new(dst: ObjId, src: ObjId) -> CopyFences {
        let walk = CursorOp::next(Cursor::new(src, Usage::Bookkeep, true));
        CopyFences { dst, walk, ..CopyFences::BLANK }
    }

    fn go(&mut self, at: At) -> Flow {
        self.at = at;
        Flow::Go
    }

    /// An item of the walk, or its end.
    fn found<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, item: Value) -> Flow {
        match (item, self.new) {
            (Value::Null, _) => self.go(At::Publish),
            (_, Some(new)) if self.walk.cursor().is_restarted() && !cx.mutated(Mutant::CopyKeepsUnpublished) => {
                self.drop_next(cx, new, At::Forget, At::Allocate)
            }
            (_, None) => self.go(At::Allocate),
            _ => self.go(At::Collect),
        }
    }

    /// Drops the next reference of a list that nobody changes any more; `then`, when none is left.
    fn drop_next<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, list: ObjId, at: At, then: At) -> Flow {
        let i = usize::from(self.index);
        let live = i < usize::from(cx.world.list(list).num.peek());
        match cx.world.list(list).entries.get(i).filter(|_| live).and_then(|e| e.peek().fence) {
            Some(fence) => {
                self.index += 1;
                self.put = FenceOp::new(FenceAt::Put, fence, 0);
                self.go(at)
            }
            None => {
                (self.index, self.put) = (0, FenceOp::BLANK);
                self.go(then)
            }
        }
    }

    fn allocate<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        alloc::might_block(cx);
        let max = self.walk.cursor().num();
        let mut lists = cx.program.resv_parts(self.dst).lists.map(ObjId::numbered);
        // One that was never published may be had again at once.
        let free = self.new.or_else(|| lists.find(|l| cx.list(*l).life.load(Order::Relaxed) == Life::Free));
        let (Some(new), true) = (free, usize::from(max) <= MAX_SLOTS) else {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.dst));
            return Flow::Done(Value::Word(0));
        };
        cx.list(new).begin(max);
        self.new = Some(new);
        self.go(At::Collect)
    }

    fn collect<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let cursor = self.walk.cursor();
        if let (Some(fence), Some(new)) = (cursor.fence(), self.new) {
            if !cx.mutated(Mutant::CopyNoGet) {
                fence::get(cx, fence);
            }
            let usage = if cx.mutated(Mutant::CopyUsage) { Usage::Kernel } else { cursor.found() };
            let list = cx.list(new);
            let num = list.num.load(Order::Relaxed);
            if num >= list.max.load(Order::Relaxed) {
                // A walk that stands still, because the source has no list any more, comes to the same fence again.
                cx.violate(Property::OUT_OF_BOUNDS, Some(self.dst));
                return Flow::Done(Value::Word(0));
            }
            list.entries[usize::from(num)].store(Entry { fence: Some(fence), usage }, Order::Relaxed);
            list.num.store(num + 1, Order::Relaxed);
        }
        self.walk = CursorOp::next(cursor);
        self.go(At::Walk)
    }

    fn publish<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        // rcu_replace_pointer(): a plain look at the old one, and rcu_assign_pointer().
        self.old = cx.resv(self.dst).list.peek();
        cx.resv(self.dst).list.store(self.new, Order::Release);
        match self.old {
            Some(_) if cx.mutated(Mutant::CopyLeaks) => self.go(At::FreeOld),
            Some(old) => self.drop_next(cx, old, At::Drop, At::FreeOld),
            None => Flow::Done(Value::Word(0)),
        }
    }

    /// The reference is dropped: the next one.
    fn dropped<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match (self.at, self.new, self.old) {
            (At::Forget, Some(new), _) => self.drop_next(cx, new, At::Forget, At::Allocate),
            (_, _, Some(old)) => self.drop_next(cx, old, At::Drop, At::FreeOld),
            _ => Flow::Done(Value::Word(0)),
        }
    }
}

impl Protocol for CopyFences {
    const FAMILY: Option<Family> = Some(Family::Resv);

    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        match self.at {
            At::Begin => None,
            At::Walk => self.walk.amid_of(at),
            At::Forget | At::Drop => self.put.amid_of(at, Family::Resv),
            // There was nothing to stand at on the way, and something may have come meanwhile.
            At::Publish if self.new.is_none() => None,
            At::Allocate | At::Collect | At::Publish | At::FreeOld => Some(Family::Resv),
        }
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Begin if !assert_held(cx, self.dst) => Flow::Done(Value::Word(0)),
            At::Begin => self.go(At::Walk),
            At::Walk => self.walk.step(cx).once_over(|item| self.found(cx, item)),
            At::Allocate => self.allocate(cx),
            At::Collect => self.collect(cx),
            At::Publish => self.publish(cx),
            At::Forget | At::Drop => self.put.step(cx).once_over(|_| self.dropped(cx)),
            At::FreeOld => {
                if let Some(old) = self.old {
                    cx.list(old).retire();
                    rcu::free_later(cx, old);
                }
                Flow::Done(Value::Word(0))
            }
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::Begin => locked_footprint(v, self.dst),
            At::Walk => self.walk.footprint(v),
            At::Allocate => {
                let lists = v.program.resv_parts(self.dst).lists.map(ObjId::numbered);
                lists.fold(Footprint::NONE, Footprint::write)
            }
            At::Collect => Footprint::NONE.write_opt(self.new).write_opt(self.walk.cursor().fence()),
            At::Publish => Footprint::writes(self.dst),
            At::Forget | At::Drop => self.put.footprint(v),
            At::FreeOld => rcu::call_rcu_footprint(v, Footprint::NONE.write_opt(self.old)),
        }
    }

    /// Only the allocation fails.
    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if assert_held(cx, self.dst) {
            alloc::might_block(cx);
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Walk => self.walk.label(),
            At::Forget | At::Drop => self.put.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        match self.at {
            At::Walk => self.walk.spins_on(),
            At::Forget | At::Drop => self.put.spins_on(),
            _ => None,
        }
    }

    fn returned(&mut self, value: Value) {
        if self.at == At::Walk {
            self.walk.returned(value);
        }
    }
}
