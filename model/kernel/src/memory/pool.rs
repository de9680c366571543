//! Pools: frames are had and given back, one or several in a row.

use super::{
    Mutant, bytes, cache,
    frame::{self, Life},
    kind::{self, Caching, Sort},
};
use crate::{
    AtomicCell, Code, Coder, Cx, Errno, Flow, Footprint, Handle, ObjId, Order, Plain, Property, Runtime, Value, View,
    Violation, World,
    coder::{fields, points},
    facet::FacetSink,
    property::Form,
    protocol::Protocol,
    registry::upcalls,
    runtime::NoteCell,
    shared::Shared,
};
use fenceweave_pages::Tag;
use std::marker::PhantomData;

/// A pool of frames. Which are free the frames say; it has a lock of its own.
#[derive(Clone)]
pub struct Memory<R: Runtime>(PhantomData<R>);

impl Copy for Memory<Plain> {}

impl<R: Runtime> Memory<R> {
    pub(crate) fn new() -> Self {
        Memory(PhantomData)
    }
}

impl<R: Runtime> Shared<R> for Memory<R> {
    fn facets(&self, _sink: FacetSink<'_>) {}
}

impl Code for Memory<Plain> {
    fn code<C: Coder>(&mut self, _c: &mut C) {}
}

points! {
    /// What is done with frames and their pool.
    pub(crate) enum How {
        /// `alloc_pages()`, `drm_buddy_alloc_blocks()`: the first free run.
        Alloc = "alloc_pages",
        /// The same, cleared before anybody has it.
        AllocZeroed = "alloc_pages(__GFP_ZERO)",
        /// `__free_pages()`.
        Free = "__free_pages",
    }
}

/// Frames come or go, all of them at once: who takes the pool's lock for each meets nobody in between who could tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolOp {
    how: How,
    pool: ObjId,
    /// Of a free the first; of an allocation with a place that one.
    first: Option<Handle>,
    count: u8,
}

fields!(PoolOp { how, pool, first, count });

impl PoolOp {
    pub(crate) const BLANK: PoolOp = PoolOp { how: How::Alloc, pool: ObjId::object(0), first: None, count: 1 };

    /// So many frames of a pool, at a place or anywhere.
    pub(crate) fn alloc(pool: ObjId, (count, place): (u8, Option<ObjId>), zeroed: bool) -> PoolOp {
        let first = place.map(Handle::place);
        PoolOp { how: if zeroed { How::AllocZeroed } else { How::Alloc }, pool, first, count }
    }

    /// So many from this one on.
    pub(crate) fn free(pool: ObjId, first: Handle, count: u8) -> PoolOp {
        PoolOp { how: How::Free, pool, first: Some(first), count }
    }

    /// Where the run is that an allocation takes: the first that is free, or at its place if it is free there.
    fn run<R: Runtime>(&self, world: &World<R>, program: &crate::Program) -> Option<ObjId> {
        let of = program.fixed::<kind::Memory>(self.pool)?;
        let (count, pages) = (u32::from(self.count), u32::from(of.pages));
        let is_free = |at: u32| of.frame(at).is_some_and(|frame| !world.frame(frame).life.peek().live);
        let fits = |at: &u32| (*at..at + count).all(is_free);
        let wanted = self.first.map(|first| kind::place(program, first.obj).1.0);
        let mut places = wanted.map_or(0..pages, |at| at..at + 1);
        of.frame(places.find(fits)?)
    }

    fn allocate<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        let _held = cx.enter(self.pool);
        let sort = cx.program.fixed::<kind::Memory>(self.pool).map_or(Sort::System, |of| of.sort);
        let Some(first) = self.run(cx.world, cx.program) else {
            // A page allocator returns NULL, a range manager an error.
            return if sort == Sort::System { Value::Null } else { Value::from(Errno::ENOSPC) };
        };
        for run in 0..self.count {
            let obj = first.offset(usize::from(run));
            let was = cx.frame(obj).life.latest();
            let life = Life { live: true, used: false, run, ..was };
            cx.frame(obj).life.swap(life, Order::Relaxed);
            cx.frame(obj).disown();
            let handle = Handle { obj, generation: was.generation };
            if self.how == How::AllocZeroed && kind::of(cx.program, obj).caches {
                // clear_page() goes through the cache.
                cache::act(cx, frame::Access::new(handle, true), cache::Act::Store(Caching::Cached, Tag::ZERO));
            } else if self.how == How::AllocZeroed && frame::Access::new(handle, true).judge(cx).is_some() {
                frame::hold(cx, obj, Tag::ZERO);
                bytes::cleared(cx, obj);
            }
        }
        cx.refer(first)
    }

    fn release<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let _held = cx.enter(self.pool);
        // The first, by which the others are found, last.
        for at in (0..self.count).rev() {
            let Some(frame) = self.first.and_then(|f| frame::beside(cx.world, cx.program, f, u32::from(at))) else {
                return cx.violate(Property::OUT_OF_BOUNDS, Some(self.pool));
            };
            self.release_one(cx, frame);
            if cx.violation.is_some() {
                return;
            }
        }
    }

    fn release_one<R: Runtime>(&self, cx: &mut Cx<'_, R>, frame: Handle) {
        let obj = frame.obj;
        let life = cx.frame(obj).life.latest();
        if !life.live || life.generation != frame.generation {
            return cx.violate(Property::DOUBLE_FREE, Some(obj));
        }
        judge_free(cx, obj);
        if cx.violation.is_some() || cx.mutated(Mutant::FreeKeeps) {
            return;
        }
        // What is declared by itself stays where it is: nobody else comes to live there, whom one could take it for.
        let stays = kind::of(cx.program, obj).pool.is_none();
        let generation = life.generation.saturating_add(u8::from(!stays));
        if generation == Handle::STALE {
            return cx.violate(Property::CAPACITY_EXCEEDED, Some(obj));
        }
        cx.worn |= generation > Handle::STALE / 2;
        cx.frame(obj).life.swap(Life { generation, ..Life::default() }, Order::Relaxed);
    }
}

/// What forbids a free: that user space is still led there, that it is pinned, and of system memory whoever is still at
/// it. A device that goes on in other memory is the next owner's affair.
fn judge_free<R: Runtime>(cx: &mut Cx<'_, R>, obj: ObjId) {
    if upcalls::tell_mapped(cx, obj) || upcalls::tell_kept(cx, obj) {
        return;
    }
    let books = cx.frame(obj).books.get();
    if books.pins > 0 {
        return cx.violate(Property::FRAME_PINNED, Some(obj));
    }
    if books.caching != kind::Caching::Cached {
        let v = cx.violation_of(Property::CACHING_CONFLICT);
        return cx.note_violation(Violation { object: Some(obj), form: Some(Form::FREED_UNCACHED), ..v });
    }
    let used = frame::in_use(cx, obj);
    if kind::of(cx.program, obj).sort != Sort::System {
        let mut books = cx.frame(obj).books.get();
        books.former |= used.is_some();
        return cx.frame(obj).books.set(books);
    }
    let v = cx.violation_of(Property::FRAME_BUSY);
    if let Some((fence, fills)) = used {
        let form = Some(if fills { Form::FREED_FILLING } else { Form::FREED_DRAINED });
        return cx.note_violation(Violation { object: Some(obj), also: Some(fence.obj), form, ..v });
    }
    let me = cx.me;
    if let Some(buffer) = books.beside.buffer {
        let form = Some(Form::FREED_GATHERED);
        return cx.note_violation(Violation { object: Some(obj), other: Some(buffer.by), form, ..v });
    }
    if let Some(other) = books.writer.into_iter().chain(books.readers.iter()).find(|t| *t != me) {
        cx.note_violation(Violation { object: Some(obj), other: Some(other), form: Some(Form::FREED_TOUCHED), ..v });
    }
}

impl Protocol for PoolOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.rt.has_frames();
        Flow::Done(match self.how {
            How::Alloc | How::AllocZeroed => self.allocate(cx),
            How::Free => {
                self.release(cx);
                Value::Word(0)
            }
        })
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let mut pool = Footprint::writes(self.pool);
        if self.how == How::Free {
            pool = upcalls::entries(v.program).chain(upcalls::slots(v.program)).fold(pool, Footprint::read);
        }
        let first = match self.how {
            How::Free => self.first.map(|first| first.obj),
            How::Alloc | How::AllocZeroed => self.run(v.world, v.program),
        };
        let Some(first) = first else { return pool };
        let (space, page) = kind::place(v.program, first);
        let all = (0..u32::from(self.count)).filter_map(|by| kind::at(v.program, space, page.forward(by)?));
        all.fold(pool, |f, frame| frame::fences_footprint(v, frame, f.write(frame)))
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }
}
