//! `dma_fence_unwrap_merge()`: one fence for several, flat, whatever they are made of.
//!
//! ```text
//!   first pass    every fence that all of them are made of: signalled? count those that are not
//!                 none: a stub that is signalled; one: that one itself, with a reference
//!   second pass   those that are still not signalled, with a reference each
//!   sort          by context, the newest first; of each context only that one is kept
//!                 none left: a stub; one: that one; else an array, which takes over the references
//! ```

use super::{
    FenceAt, create, get, reference,
    unwrap::{Inner, Unwrap},
};
use crate::{
    Code, Coder, Cx, Flow, Footprint, ObjId, Program, Runtime, Value, View, World, coder::points, ground::few::Few,
    primitives::alloc, protocol::Protocol,
};

/// How a merge behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Variant {
    /// As it is.
    #[default]
    Upstream,
    /// `sync_file_merge()` up to 5.17: looks into arrays, and takes a chain's node as if it were a fence of its own.
    ArraysOnly,
    /// Up to 6.12: where the array could not be allocated, the references of the fences for it were left behind.
    LeakOnFailure,
}

impl Variant {
    /// All of them, with the names that a scenario uses.
    pub const ALL: [(&'static str, Variant); 3] = [
        ("upstream", Variant::Upstream),
        ("arrays-only", Variant::ArraysOnly),
        ("leak-on-failure", Variant::LeakOnFailure),
    ];
}

points! {
    /// Program points of a merge.
    enum At {
        /// `dma_fence_unwrap_first()` of the next fence that was given.
        First = "dma_fence_unwrap_first: dma_fence_get",
        /// `dma_fence_is_signaled()` of what it is made of.
        Test = "dma_fence_is_signaled",
        /// It is, and where somebody looks at timestamps: `dma_fence_timestamp()`, since a stub has the latest of them.
        /// That waits for whoever is signalling it.
        Timestamp = "dma_fence_timestamp",
        /// First pass: drops the one found before…
        PutFound = "dma_fence_put",
        /// … and keeps this one. Second pass: keeps it.
        Keep = "dma_fence_get",
        /// `dma_fence_chain_walk()` to the next node.
        Walk = "dma_fence_chain_walk",
        /// `kmalloc_array()`.
        Allocate = "kmalloc_array",
        /// Drops an older fence of the same context.
        PutOlder = "drop older fence of the context",
        /// `dma_fence_array_create()`.
        Create = "dma_fence_array_create",
        /// That failed: drops what was collected.
        PutAll = "drop collected fence",
        /// `dma_fence_allocate_private_stub()`.
        Stub = "dma_fence_allocate_private_stub",
    }
}

/// Most fences that one merge is given.
pub(crate) const MAX_FENCES: usize = 4;
/// Collecting; otherwise counting.
const SECOND_PASS: u8 = 1 << 2;
/// Each allocation may fail.
const MAY_RUN_OUT: u8 = 1 << 3;

/// A merge in flight. Its result is a reference, or NULL where there was no memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Merge {
    at: At,
    given: Few<ObjId, MAX_FENCES>,
    /// How many of those it has come past.
    seen: u8,
    /// The variant, and the flags above.
    how: u8,
    cursor: Unwrap,
    /// Of the first pass, how many were found that are not signalled.
    count: u8,
    /// The first pass keeps the last of them, the second pass all.
    kept: Few<ObjId, { create::MAX_MEMBERS }>,
    inner: Inner,
}

impl Code for Merge {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.given.code(c);
        c.byte(&mut self.seen);
        c.byte(&mut self.how);
        self.cursor.code(c);
        c.byte(&mut self.count);
        self.kept.code(c);
        self.inner.code(c);
    }
}

impl Merge {
    pub(crate) const BLANK: Merge = Merge {
        at: At::First,
        given: Few::EMPTY,
        seen: 0,
        how: 0,
        cursor: Unwrap::OVER,
        count: 0,
        kept: Few::EMPTY,
        inner: Inner::NONE,
    };

    /// A merge about to start. Of what it is given, NULL is nothing.
    pub(crate) fn new(fences: impl Iterator<Item = ObjId>, variant: Variant, may_run_out: bool) -> Merge {
        let mut merge = Merge { how: variant as u8 | if may_run_out { MAY_RUN_OUT } else { 0 }, ..Merge::BLANK };
        merge.given = Few::of(fences);
        if merge.given.is_empty() {
            merge.at = At::Stub;
        }
        merge
    }

    fn is(&self, variant: Variant) -> bool {
        self.how & 3 == variant as u8
    }

    fn has(&self, flag: u8) -> bool {
        self.how & flag != 0
    }

    fn go(&mut self, at: At) -> Flow {
        (self.at, self.inner) = (at, Inner::NONE);
        Flow::Go
    }

    fn inside(&mut self, at: At, inner: Inner) -> Flow {
        (self.at, self.inner) = (at, inner);
        Flow::Go
    }

    fn put(&mut self, at: At, fence: ObjId) -> Flow {
        self.inside(at, Inner::fence(FenceAt::Put, fence))
    }

    /// What it was given next.
    fn head(&self) -> Option<ObjId> {
        self.given.get(usize::from(self.seen)).copied()
    }

    /// The fence that the cursor is at.
    fn leaf<R: Runtime>(&self, world: &World<R>, program: &Program) -> Option<ObjId> {
        let chain = self.cursor.at()?;
        let opaque = self.is(Variant::ArraysOnly) && super::chain::node(program, chain).is_some();
        if opaque { Some(chain) } else { self.cursor.leaf(world, program) }
    }

    fn first<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(head) = self.head() else { return self.next_given(cx) };
        get(cx, head);
        self.cursor = Unwrap::new(head);
        self.look(cx)
    }

    /// At this fence, or past the last one here.
    fn look<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.leaf(cx.world, cx.program) {
            Some(leaf) => self.inside(At::Test, Inner::fence(FenceAt::IsSignaled, leaf)),
            None => self.walk(cx),
        }
    }

    fn walk<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(chain) = self.cursor.at() else { return self.next_given(cx) };
        if self.is(Variant::ArraysOnly) {
            return self.put(At::Walk, chain);
        }
        self.inside(At::Walk, Inner::Walk(super::walk::ChainWalk::new(cx.program, chain)))
    }

    /// On from the fence that was looked at.
    fn advance<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let node = |chain| super::chain::node(cx.program, chain).is_some();
        if self.is(Variant::ArraysOnly) && self.cursor.at().is_some_and(node) {
            return self.walk(cx);
        }
        match self.cursor.next_member(cx.world, cx.program) {
            Some(_) => self.look(cx),
            None => self.walk(cx),
        }
    }

    fn next_given<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.seen += 1;
        if self.head().is_some() {
            return self.go(At::First);
        }
        self.seen = 0;
        if self.has(SECOND_PASS) { self.sort(cx) } else { self.counted() }
    }

    /// The end of the first pass.
    fn counted(&mut self) -> Flow {
        match self.count {
            0 => self.go(At::Stub),
            1 => self.only(),
            _ => {
                self.count = 0;
                self.how |= SECOND_PASS;
                match self.kept.pop() {
                    Some(found) => self.put(At::PutFound, found),
                    None => self.go(At::Allocate),
                }
            }
        }
    }

    /// One fence is left: it is the result, with its reference.
    fn only(&self) -> Flow {
        Flow::Done(self.kept.first().map_or(Value::Null, |fence| reference(*fence)))
    }

    fn keep<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let Some(leaf) = self.leaf(cx.world, cx.program) else { return self.advance(cx) };
        get(cx, leaf);
        if !self.kept.push(leaf) {
            cx.violate(crate::Property::CAPACITY_EXCEEDED, Some(leaf));
        }
        if !self.has(SECOND_PASS) {
            self.count = self.count.saturating_add(1);
        }
        self.advance(cx)
    }

    /// `sort()`, which nobody sees; the references of older fences of a context are then dropped.
    fn sort<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        super::dedup::sort(cx.world, cx.program, &mut self.kept);
        self.drop_older(cx)
    }

    /// Drops the next fence that stands behind a newer one of its context.
    fn drop_older<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let live = self.kept.len();
        let of = |fence: ObjId| cx.world.fence_point(cx.program, fence).0;
        let older = (1..live).find(|i| of(self.kept[*i]) == of(self.kept[*i - 1]));
        match (older.and_then(|at| self.kept.take(at)), live) {
            (Some(fence), _) => self.put(At::PutOlder, fence),
            (None, 0) => self.go(At::Stub),
            (None, 1) => self.only(),
            (None, _) => self.go(At::Create),
        }
    }

    /// Whether this allocation fails.
    fn runs_out<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> bool {
        alloc::might_block(cx);
        self.has(MAY_RUN_OUT) && cx.choose(2) == 1
    }

    fn allocate<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.touch(ObjId::task(cx.me));
        if self.runs_out(cx) { Flow::Done(Value::Null) } else { self.go(At::First) }
    }

    fn create<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.touch(ObjId::task(cx.me));
        if self.runs_out(cx) {
            return if self.is(Variant::LeakOnFailure) { Flow::Done(Value::Null) } else { self.drop_all() };
        }
        Flow::Done(create::array(cx, &self.kept).map_or(Value::Null, reference))
    }

    fn drop_all(&mut self) -> Flow {
        let Some(last) = self.kept.pop() else { return Flow::Done(Value::Null) };
        self.put(At::PutAll, last)
    }

    fn stub<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.touch(ObjId::task(cx.me));
        if self.runs_out(cx) {
            return Flow::Done(Value::Null);
        }
        Flow::Done(create::stub(cx).map_or(Value::Null, reference))
    }

    /// What it is inside of is over, with this result.
    fn after<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, result: Value) -> Flow {
        match self.at {
            At::Test if result != Value::Word(0) => match self.leaf(cx.world, cx.program) {
                Some(leaf) if cx.program.timestamps => {
                    self.inside(At::Timestamp, Inner::fence(FenceAt::Timestamp, leaf))
                }
                _ => self.advance(cx),
            },
            At::Timestamp => self.advance(cx),
            At::Test if self.has(SECOND_PASS) => self.go(At::Keep),
            At::Test => match self.kept.pop() {
                Some(found) => self.put(At::PutFound, found),
                None => self.go(At::Keep),
            },
            At::PutFound if self.has(SECOND_PASS) => self.go(At::Allocate),
            At::PutFound => self.go(At::Keep),
            At::Walk => {
                let to = if self.is(Variant::ArraysOnly) { Value::Null } else { result };
                self.cursor = Unwrap::walked(to);
                if self.cursor.at().is_some() { self.look(cx) } else { self.next_given(cx) }
            }
            At::PutOlder => self.drop_older(cx),
            At::PutAll => self.drop_all(),
            _ => Flow::Done(Value::Null),
        }
    }
}

impl Protocol for Merge {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::First => return self.first(cx),
            At::Keep => return self.keep(cx),
            At::Allocate => return self.allocate(cx),
            At::Create => return self.create(cx),
            At::Stub => return self.stub(cx),
            _ => {}
        }
        let flow = self.inner.step(cx).once_over(|result| self.after(cx, result));
        cx.current(flow)
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let ways = if self.has(MAY_RUN_OUT) { 2 } else { 1 };
        match self.at {
            At::First => Footprint::NONE.write_opt(self.head()),
            At::Keep => self.leaf(v.world, v.program).map_or(Footprint::reads(v.my_task()), Footprint::writes),
            At::Allocate => Footprint::reads(v.my_task()).ways(ways),
            At::Create => create::array_footprint(v, &self.kept).ways(ways),
            At::Stub => create::stub_footprint(v).ways(ways),
            _ => self.inner.footprint(v),
        }
    }

    /// Only an allocation fails.
    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        alloc::might_block(cx);
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Test | At::Walk => self.inner.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        self.inner.spins_on()
    }

    fn returned(&mut self, value: Value) {
        self.inner.returned(value);
    }
}
