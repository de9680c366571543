//! Real memory behind the frames, for engines that want it: every tag is bytes there, made from the tag, moved by the
//! page-copy engine, and held against the tag whenever somebody reads.
//!
//! The bytes are no part of a state. What they must be the tags say; so a state that was not come to step by step is
//! no harm: a frame's bytes are made anew when it is next touched.

mod mapped;

use super::{frame, kind};
use crate::{Cx, ObjId, Program, Property, Runtime, Violation, World, runtime::NoteCell};
use fenceweave_pages::{
    Aperture, Arena, Buffer, ByteLen, ByteOffset, Layout, Mmu, Move, PAGE_SIZE, Page, PageCount, PageIndex, Request,
    Side, SystemPages, Tag, Traffic, TtFlags,
};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU8},
    time::Instant,
};

/// The memory of a program's frames.
pub struct Bytes {
    inner: Mutex<Inner>,
    /// How deep in calls each thread is, of who has a processor.
    depths: Box<[AtomicU8]>,
    /// User space is touched by real addresses.
    processor: bool,
}

/// What was done to it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Figures {
    /// Pages copied by the engine.
    pub copied: u64,
    /// Pages that it cleared.
    pub cleared: u64,
    /// How long both took, in nanoseconds.
    pub engine_time: u64,
    /// Pages that were held against their tags.
    pub compared: u64,
    /// Accesses of user space, and their faults.
    pub traffic: Traffic,
}

impl Figures {
    /// Counts all that another one has.
    pub fn merge(&mut self, other: &Figures) {
        self.copied += other.copied;
        self.cleared += other.cleared;
        self.engine_time += other.engine_time;
        self.compared += other.compared;
        self.traffic.merge(&other.traffic);
    }
}

struct Inner {
    /// Of each pool, and of each frame without one, by its object's place.
    memories: Vec<(ObjId, Buffer)>,
    /// Pages that were never there: what a clear is planned from.
    nothing: Buffer,
    /// Which frames hold what their tags say, by their places.
    known: Vec<bool>,
    /// What goes by the page tables.
    mmu: Option<Mmu>,
    /// A page for entries that lead to no frame of the scenario's.
    elsewhere: Buffer,
    figures: Figures,
}

/// How much of a page the first half is.
const HALF: usize = PAGE_SIZE / 2;

impl Bytes {
    /// The memory of a program's frames; none if it has no frame, or the system no memory.
    pub fn of(program: &Program) -> Option<Arc<Bytes>> {
        Bytes::new(program, None).filter(|bytes| !bytes.inner().memories.is_empty()).map(Arc::new)
    }

    fn new(program: &Program, mmu: Option<Mmu>) -> Option<Bytes> {
        let alone = program.all::<kind::Frame>().filter(|frame| kind::of(program, *frame).pool.is_none());
        let pools = program.all::<kind::Memory>();
        let memories: Vec<_> = pools.chain(alone).map(|id| Some((id, memory(program, id)?))).collect::<Option<_>>()?;
        let arena = Arena::new(PageCount(1)).ok()?;
        let nothing = Buffer::Tt(SystemPages::unpopulated(&arena, PageCount(1)).ok()?);
        let elsewhere = Buffer::Memory(SystemPages::new(&arena, PageCount(1), Layout::Scattered).ok()?);
        let known = vec![false; program.objects.len()];
        let depths = program.scripts.iter().map(|_| AtomicU8::new(0)).collect();
        let (processor, figures) = (mmu.is_some(), Figures::default());
        let inner = Mutex::new(Inner { memories, nothing, known, mmu, elsewhere, figures });
        Some(Bytes { inner, depths, processor })
    }

    /// A panic with this lock held ends the exploration.
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state is another one: what the bytes are is not known any more.
    pub fn forget(&self) {
        self.inner().known.fill(false);
    }

    /// Takes what was counted.
    pub fn take_figures(&self) -> Figures {
        let mut inner = self.inner();
        let traffic = inner.mmu.as_mut().map(Mmu::take_traffic).unwrap_or_default();
        Figures { traffic, ..std::mem::take(&mut inner.figures) }
    }
}

/// Pages scattered over an arena, or an aperture.
fn memory(program: &Program, id: ObjId) -> Option<Buffer> {
    let (sort, pages) = match program.fixed::<kind::Memory>(id) {
        Some(pool) => (pool.sort, PageCount(u32::from(pool.pages))),
        None => (kind::of(program, id).sort, PageCount(1)),
    };
    if sort.is_io() {
        let aperture = Aperture::new(pages).ok()?;
        return Some(Buffer::Linear(aperture, ByteOffset(0), pages.bytes()));
    }
    let arena = Arena::new(PageCount(2 * pages.0)).ok()?;
    Some(Buffer::Memory(SystemPages::new(&arena, pages, Layout::Scattered).ok()?))
}

impl Inner {
    fn place(&self, program: &Program, frame: ObjId) -> Option<(&Buffer, PageIndex)> {
        let (space, page) = kind::place(program, frame);
        let (_, buffer) = self.memories.iter().find(|(id, _)| u64::from(id.number()) == space.0)?;
        Some((buffer, page))
    }

    /// The bytes of a page.
    fn read(&self, program: &Program, frame: ObjId) -> Option<Box<Page>> {
        let mut bytes = Box::new([0; PAGE_SIZE]);
        match self.place(program, frame)? {
            (Buffer::Linear(aperture, ..), page) => {
                aperture.span(page.offset(), ByteLen(PAGE_SIZE as u64))?.read_into(&mut bytes[..]);
            }
            (Buffer::Tt(pages) | Buffer::Memory(pages), page) => {
                bytes.copy_from_slice(pages.read_range(page, PageCount(1)).ok()?.page(page)?);
            }
            (Buffer::Scatter(..), _) => return None,
        }
        Some(bytes)
    }

    /// Writes the first bytes of a page.
    fn write(&self, program: &Program, frame: ObjId, bytes: &[u8]) -> Option<()> {
        match self.place(program, frame)? {
            (Buffer::Linear(aperture, ..), page) => {
                aperture.span(page.offset(), ByteLen(bytes.len() as u64))?.write_from(bytes);
            }
            (Buffer::Tt(pages) | Buffer::Memory(pages), page) => {
                let mut claim = pages.write_range(page, PageCount(1)).ok()?;
                claim.page_mut(page)?[..bytes.len()].copy_from_slice(bytes);
            }
            (Buffer::Scatter(..), _) => return None,
        }
        Some(())
    }

    /// Makes a frame's bytes what its tag says, if that says anything.
    fn make(&mut self, program: &Program, frame: ObjId, tag: Tag) {
        self.known[frame.index()] = is_definite(tag);
        if is_definite(tag) {
            let mut page = [0; PAGE_SIZE];
            tag.write_to(&mut page);
            let written = self.write(program, frame, &page);
            debug_assert!(written.is_some(), "[internal bug] a page that nobody claims cannot be written");
        }
    }

    /// Makes them so if nobody knows what they are.
    fn ensure(&mut self, program: &Program, frame: ObjId, tag: Tag) {
        if !self.known[frame.index()] {
            self.make(program, frame, tag);
        }
    }

    /// Whether they are what the tag says.
    fn agree(&mut self, program: &Program, frame: ObjId, tag: Tag) -> bool {
        if !is_definite(tag) || !self.known[frame.index()] {
            return true;
        }
        self.figures.compared += 1;
        self.read(program, frame).is_some_and(|page| Tag::read_from(&page) == tag)
    }

    /// One page by the engine; `from` is what is copied, or nothing is and the page is cleared.
    fn run(&mut self, program: &Program, to: ObjId, from: Option<ObjId>) -> Option<()> {
        let (dst, at) = self.place(program, to)?;
        let (src, first) = match from {
            Some(from) => self.place(program, from)?,
            None => (&self.nothing, PageIndex(0)),
        };
        let never = Side { manager_uses_tt: true, ..src.side() };
        let side = if from.is_some() { src.side() } else { never };
        let tt = TtFlags { zero_alloc: true, swapped: false };
        let plan = Request::new(dst.side(), side).tt(Some(tt)).range(at, first, PageCount(1)).plan().ok()?;
        let begun = Instant::now();
        Move::new(plan, dst, src).ok()?.run().ok()?;
        let figures = &mut self.figures;
        figures.engine_time += u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        *(if from.is_some() { &mut figures.copied } else { &mut figures.cleared }) += 1;
        self.known[to.index()] = true;
        Some(())
    }
}

/// Whether bytes stand for it.
fn is_definite(tag: Tag) -> bool {
    tag != Tag::TORN && tag != frame::UNDEFINED
}

/// Somebody has written a page, or a device.
pub(crate) fn written<R: Runtime>(cx: &mut Cx<'_, R>, frame: ObjId, tag: Tag) {
    if let Some(bytes) = cx.world.bytes() {
        bytes.inner().make(cx.program, frame, frame::bare(tag));
    }
}

/// A page was cleared.
pub(super) fn cleared<R: Runtime>(cx: &mut Cx<'_, R>, frame: ObjId) {
    let Some(bytes) = cx.world.bytes() else { return };
    if bytes.inner().run(cx.program, frame, None).is_none() {
        cx.violate(Property::BYTES_DIFFER, Some(frame));
    }
}

/// The first half of a page was copied.
pub(super) fn half_copied<R: Runtime>(cx: &mut Cx<'_, R>, to: ObjId, from: ObjId) {
    let Some(bytes) = cx.world.bytes().filter(|_| to != from) else { return };
    let tag = frame::bare(cx.world.frame(from).books.get().tag);
    let mut bytes = bytes.inner();
    bytes.ensure(cx.program, from, tag);
    bytes.known[to.index()] = false;
    if let Some(page) = bytes.read(cx.program, from) {
        bytes.write(cx.program, to, &page[..HALF]);
    }
}

/// All of it was, by the engine.
pub(super) fn copied<R: Runtime>(cx: &mut Cx<'_, R>, to: ObjId, from: ObjId) {
    let Some(bytes) = cx.world.bytes().filter(|_| to != from) else { return };
    let tag = frame::bare(cx.world.frame(from).books.get().tag);
    let mut inner = bytes.inner();
    inner.ensure(cx.program, from, tag);
    let done = inner.run(cx.program, to, Some(from));
    let agrees = inner.agree(cx.program, to, tag);
    drop(inner);
    if done.is_none() || !agrees {
        cx.violate(Property::BYTES_DIFFER, Some(to));
    }
}

/// What these frames hold no tag says.
pub(super) fn unknown<R: Runtime>(cx: &Cx<'_, R>, frames: impl Iterator<Item = ObjId>) {
    if let Some(bytes) = cx.world.bytes() {
        let mut inner = bytes.inner();
        frames.for_each(|frame| inner.known[frame.index()] = false);
    }
}

/// Somebody reads a page.
pub(super) fn check<R: Runtime>(cx: &mut Cx<'_, R>, frame: ObjId, tag: Tag) {
    let Some(bytes) = cx.world.bytes() else { return };
    let mut inner = bytes.inner();
    inner.ensure(cx.program, frame, frame::bare(tag));
    let agrees = inner.agree(cx.program, frame, frame::bare(tag));
    drop(inner);
    if !agrees {
        cx.violate(Property::BYTES_DIFFER, Some(frame));
    }
}

/// A frame that holds other bytes than its tag says, at the end.
pub fn differ<R: Runtime>(world: &World<R>, program: &Program) -> Option<Violation> {
    let bytes = world.bytes()?;
    let mut inner = bytes.inner();
    let wrong = |(id, frame): &(ObjId, &frame::Frame<R>)| {
        let books = frame.books.get();
        books.fill.is_none() && !inner.agree(program, *id, frame::bare(books.tag))
    };
    let (id, _) = world.all::<frame::Frame<R>>().find(wrong)?;
    Some(Violation::at_end(Property::BYTES_DIFFER, program.main_thread(), id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Plain, builder::ProgramBuilder, fixed, memory::kind::Sort};

    /// A frame of system memory, one of an aperture of three, and their memory.
    fn memory() -> (Program, [ObjId; 2], Arc<Bytes>) {
        let mut b = ProgramBuilder::new("bytes");
        let tt = b.object("tt", fixed::Frame { sort: Sort::System, pool: None, place: 0, caches: false });
        let frames = ObjId::object(2);
        let pool = b.object("vram", fixed::Memory { sort: Sort::Vram, frames, pages: 3, base: 100 });
        let in_vram = |place| fixed::Frame { sort: Sort::Vram, pool: Some(pool), place, caches: false };
        let all: Vec<ObjId> = (0..3).map(|place| b.object("vram[]", in_vram(place))).collect();
        let program = b.build();
        let bytes = Bytes::of(&program).unwrap();
        (program, [tt, all[1]], bytes)
    }

    #[test]
    fn a_copy_moves_the_bytes_and_half_of_one_is_torn() {
        let (program, [tt, vram], bytes) = memory();
        let mut inner = bytes.inner();
        for (to, from, tag) in [(vram, tt, Tag(7)), (tt, vram, Tag(8)), (tt, tt, Tag(9))] {
            inner.make(&program, from, tag);
            if to == from {
                assert!(inner.run(&program, to, Some(from)).is_none(), "a page over itself is refused");
                continue;
            }
            inner.make(&program, to, Tag(1));
            let half = inner.read(&program, from).unwrap();
            inner.write(&program, to, &half[..HALF]).unwrap();
            assert_eq!(Tag::read_from(&inner.read(&program, to).unwrap()), Tag::TORN);
            inner.run(&program, to, Some(from)).unwrap();
            assert!(inner.agree(&program, to, tag) && !inner.agree(&program, to, Tag(1)));
        }
        inner.run(&program, vram, None).unwrap();
        assert!(inner.agree(&program, vram, Tag::ZERO));
    }

    #[test]
    fn other_bytes_are_told_at_the_end_and_only_what_is_known_is_compared() {
        let (program, [tt, _], bytes) = memory();
        let mut world = World::<Plain>::new(&program);
        assert_eq!(differ(&world, &program), None);
        world.set_bytes(Some(Arc::clone(&bytes)));
        bytes.inner().make(&program, tt, Tag(3));
        let told = differ(&world, &program).map(|v| (v.property, v.object));
        // The world says zeroes.
        assert_eq!(told, Some((Property::BYTES_DIFFER, Some(tt))));
        bytes.forget();
        assert_eq!(differ(&world, &program), None);
    }
}
