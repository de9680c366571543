//! `dma_resv_get_fences()`, `dma_resv_get_singleton()`: the fences of a reservation, looked at without its lock, with a
//! reference to each. What was collected before a walk starts again is given back.

use super::{Cursor, CursorOp, Usage};
use crate::{
    AtomicCell, Code, Coder, Cx, Errno, Family, Flow, Footprint, ObjId, Order, Property, Runtime, Standing, Value,
    View,
    coder::points,
    counted::Owns,
    fence::{self, FenceAt, FenceOp},
    ground::few::Few,
    primitives::{alloc, variable},
    protocol::Protocol,
    runtime::NoteCell,
};

points! {
    /// Program points of a snapshot.
    enum At {
        /// The walk, to the next fence.
        Walk = "dma_resv_iter_next_unlocked",
        /// It started again: drops what was collected.
        Forget = "drop collected fence",
        /// `krealloc_array()`, as large as the list.
        Allocate = "krealloc_array",
        /// Takes a reference of the snapshot's own.
        Collect = "dma_fence_get, collect",
        /// No memory: `dma_resv_iter_end()`.
        End = "dma_resv_iter_end",
        /// The array is the caller's.
        Give = "return the fences",
        /// `dma_fence_array_create()`: several become one.
        Create = "dma_fence_array_create",
        /// No memory for that: drops them all.
        PutAll = "drop collected fence",
    }
}

/// Most fences of one snapshot.
const MAX_FENCES: usize = fence::MAX_MEMBERS;
/// No fence.
const NONE: ObjId = ObjId::NONE;

/// A snapshot in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GetFences {
    at: At,
    walk: CursorOp,
    /// The first of the words that the fences go to, and how many those are; none if one fence is wanted.
    words: (ObjId, u8),
    may_run_out: bool,
    kept: Few<ObjId, MAX_FENCES>,
    put: FenceOp,
}

impl Code for GetFences {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.walk.code(c);
        self.words.0.code(c);
        c.byte(&mut self.words.1);
        c.flag(&mut self.may_run_out);
        self.kept.code(c);
        if matches!(self.at, At::Forget | At::PutAll | At::End) {
            self.put.code(c);
        }
    }
}

impl GetFences {
    pub(crate) const BLANK: GetFences = GetFences {
        at: At::Walk,
        walk: CursorOp::BLANK,
        words: (NONE, 0),
        may_run_out: false,
        kept: Few::EMPTY,
        put: FenceOp::BLANK,
    };

    /// A snapshot about to be taken: into these words, or as one fence without any.
    pub(crate) fn new(resv: ObjId, usage: Usage, words: Option<(ObjId, u8)>, may_run_out: bool) -> GetFences {
        let walk = CursorOp::next(Cursor::new(resv, usage, true));
        GetFences { walk, words: words.unwrap_or((NONE, 0)), may_run_out, ..GetFences::BLANK }
    }

    fn go(&mut self, at: At) -> Flow {
        (self.at, self.put) = (at, FenceOp::BLANK);
        Flow::Go
    }

    /// An item of the walk, or its end.
    fn found(&mut self, item: Value) -> Flow {
        match (item, self.walk.cursor().is_restarted()) {
            (Value::Null, _) => self.whole(),
            (_, true) => self.drop_next(At::Forget, At::Allocate),
            (_, false) => self.go(At::Collect),
        }
    }

    /// Drops the last fence that was collected; `then`, when none is left.
    fn drop_next(&mut self, at: At, then: At) -> Flow {
        let Some(fence) = self.kept.pop() else { return self.go(then) };
        (self.at, self.put) = (at, FenceOp::new(FenceAt::Put, fence, 0));
        Flow::Go
    }

    fn runs_out<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> bool {
        cx.touch(ObjId::task(cx.me));
        alloc::might_block(cx);
        self.may_run_out && cx.choose(2) == 1
    }

    fn allocate<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !self.runs_out(cx) {
            return self.go(At::Collect);
        }
        match self.walk.cursor().fence() {
            Some(fence) => {
                (self.at, self.put) = (At::End, FenceOp::new(FenceAt::Put, fence, 0));
                Flow::Go
            }
            None => Flow::Done(Value::from(Errno::ENOMEM)),
        }
    }

    fn collect<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let cursor = self.walk.cursor();
        if let Some(fence) = cursor.fence() {
            if self.kept.len() > usize::from(cursor.num()) {
                // The array has room for one more than the list had; a walk that stands still comes to the same fence
                // again.
                cx.violate(Property::OUT_OF_BOUNDS, Some(cursor.resv()));
            }
            fence::get(cx, fence);
            if !self.kept.push(fence) {
                cx.violate(Property::CAPACITY_EXCEEDED, Some(fence));
            }
        }
        self.walk = CursorOp::next(cursor);
        self.go(At::Walk)
    }

    /// All of them are there.
    fn whole(&mut self) -> Flow {
        match (self.words.1, &*self.kept) {
            (0, []) => Flow::Done(Value::Null),
            (0, [only]) => Flow::Done(fence::reference(*only)),
            (0, _) => self.go(At::Create),
            _ => self.go(At::Give),
        }
    }

    fn give<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (first, len) = self.words;
        if self.kept.len() > usize::from(len) {
            cx.violate(Property::OUT_OF_BOUNDS, Some(first));
        }
        for (fence, word) in self.kept.iter().zip(first.row(usize::from(len))) {
            if !variable::may_access(cx, word, true) {
                break;
            }
            cx.touch(word);
            let fence = cx.refer(*fence);
            cx.world.var_mut(word).cell.store(fence, Order::Relaxed);
            // The reference that was taken for it.
            cx.world.var_mut(word).owns.set(Owns::Counted);
        }
        Flow::Done(Value::Word(self.kept.len() as i32))
    }

    fn create<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.runs_out(cx) {
            return self.drop_next(At::PutAll, At::PutAll);
        }
        Flow::Done(fence::new_array(cx, &self.kept).map_or(Value::Null, fence::reference))
    }

    /// The reference is dropped.
    fn dropped(&mut self) -> Flow {
        match self.at {
            At::Forget => self.drop_next(At::Forget, At::Allocate),
            At::PutAll if !self.kept.is_empty() => self.drop_next(At::PutAll, At::PutAll),
            _ => Flow::Done(Value::from(Errno::ENOMEM)),
        }
    }
}

impl Protocol for GetFences {
    const FAMILY: Option<Family> = Some(Family::Resv);

    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        match self.at {
            At::Walk if !self.walk.cursor().is_begun() => None,
            At::Walk => self.walk.amid_of(at),
            At::Forget | At::PutAll | At::End => self.put.amid_of(at, Family::Resv),
            // Where it chooses, a row ends by itself.
            At::Allocate | At::Collect | At::Give | At::Create => Some(Family::Resv),
        }
    }

    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Walk => {
                let flow = self.walk.step(cx).once_over(|item| self.found(item));
                cx.current(flow)
            }
            At::Allocate => self.allocate(cx),
            At::Collect => self.collect(cx),
            At::Give => self.give(cx),
            At::Create => self.create(cx),
            At::Forget | At::PutAll | At::End => self.put.step(cx).once_over(|_| self.dropped()),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let ways = if self.may_run_out { 2 } else { 1 };
        match self.at {
            At::Walk => self.walk.footprint(v),
            At::Allocate => Footprint::reads(v.my_task()).ways(ways),
            At::Collect => Footprint::NONE.write_opt(self.walk.cursor().fence()),
            At::Give => {
                let (first, len) = self.words;
                first.row(usize::from(len)).fold(Footprint::reads(v.my_task()), Footprint::write)
            }
            At::Create => fence::new_array_footprint(v, &self.kept).ways(ways),
            At::Forget | At::PutAll | At::End => self.put.footprint(v),
        }
    }

    /// Only the allocation fails.
    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        alloc::might_block(cx);
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Walk => self.walk.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        match self.at {
            At::Walk => self.walk.spins_on(),
            At::Forget | At::PutAll | At::End => self.put.spins_on(),
            _ => None,
        }
    }

    fn returned(&mut self, value: Value) {
        if self.at == At::Walk {
            self.walk.returned(value);
        }
    }
}
