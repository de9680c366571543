//! Plans on real memory: a plan and two buffers make a [`Move`], which can be run here or by
//! [`Workers`](crate::Workers).

use crate::{
    aperture::Aperture,
    contents::Done,
    copy::{self, Fenced, PageCopy, Stores},
    error::{Error, Stopped, Which},
    kmap::{Destination, IoPages, Kmap, Source, SystemReader, SystemWriter, Walk},
    plan::{Plan, Request},
    runs::{self, Addresses},
    scatter::ScatterList,
    side::{Shape, Side},
    system::{ReadClaim, SystemPages, WriteClaim},
    units::{ByteLen, ByteOffset, PageCount, PageIndex},
};
use std::{ops::Range, sync::Arc};

/// After how many pages progress is told.
const CHUNK: u32 = 64;

/// A buffer in real memory, as a side of a move.
#[derive(Clone)]
pub enum Buffer {
    /// The system pages of the moving buffer itself (a `ttm_tt`): a move between two such is nothing to do.
    Tt(Arc<SystemPages>),
    /// Other system memory.
    Memory(Arc<SystemPages>),
    /// Segments of an aperture.
    Scatter(Arc<Aperture>, Arc<ScatterList>),
    /// A stretch of an aperture, from a byte on, so many bytes long.
    Linear(Arc<Aperture>, ByteOffset, ByteLen),
}

impl Buffer {
    /// What a plan needs to know of it. A scatter list's pages are counted; a wrong list counts as far as it goes.
    pub fn side(&self) -> Side {
        match self {
            Buffer::Tt(system) => Side::tt(system.space(), system.pages(), system.is_populated()),
            Buffer::Memory(system) => Side::memory(system.space(), system.pages(), system.is_populated()),
            Buffer::Scatter(aperture, list) => {
                let bytes = list.segments().iter().fold(0_u64, |sum, segment| sum.saturating_add(segment.len.0));
                let stated = PageCount((bytes >> crate::PAGE_SHIFT).min(u64::from(u32::MAX)) as u32);
                Side::scatter(aperture.space(), Arc::clone(list), aperture.len(), stated)
            }
            Buffer::Linear(aperture, first, len) => Side::linear(aperture.space(), *first, *len, aperture.len()),
        }
    }

    /// Whether it is the memory that a side was made from, and that is still so.
    fn is(&self, side: &Side, which: Which) -> Result<(), Error> {
        let same = match (self, &side.shape) {
            (Buffer::Tt(system) | Buffer::Memory(system), Shape::System { pages, populated, .. }) => {
                if *populated && !system.is_populated() {
                    return Err(Error::Unpopulated { which });
                }
                system.space() == side.space && system.pages() == *pages
            }
            (
                Buffer::Scatter(memory, _) | Buffer::Linear(memory, ..),
                Shape::Scatter { aperture, .. } | Shape::Linear { aperture, .. },
            ) => memory.space() == side.space && memory.len() == *aperture,
            _ => false,
        };
        same.then_some(()).ok_or(Error::NotThePlansBuffer { which })
    }
}

/// What a move holds of the memory that it writes.
enum To {
    System(WriteClaim),
    Io(Arc<Aperture>),
}

/// What a move holds of the memory that it reads.
enum From {
    System(ReadClaim),
    Io(Arc<Aperture>),
}

/// A plan with the memory that it is for, which nobody else can write meanwhile (or read, if the move writes it). All
/// that it needs is allocated: running it allocates nothing, so that it may run inside a fence-signalling section.
pub struct Move {
    plan: Plan,
    to: Option<To>,
    from: Option<From>,
}

impl Move {
    /// Claims what the plan writes and reads.
    ///
    /// The kernel's variants claim the whole of their system pages, because nobody knows beforehand how far they go.
    ///
    /// # Errors
    /// [`Error::NotThePlansBuffer`]; [`Error::Busy`]; [`Error::TooManyClaims`]; [`Error::Unpopulated`] if pages were
    /// taken away since the plan was made.
    pub fn new(plan: Plan, dst: &Buffer, src: &Buffer) -> Result<Move, Error> {
        let (writes, reads) = plan.uses();
        dst.is(plan.destination().0, Which::Destination)?;
        src.is(plan.source().0, Which::Source)?;
        let claimed = |system: &SystemPages, first| match plan.posted_walk() {
            None => (first, plan.pages()),
            Some(_) => (PageIndex(0), system.pages()),
        };
        let to = match dst {
            _ if !writes => None,
            Buffer::Tt(system) | Buffer::Memory(system) => {
                let (first, pages) = claimed(system, plan.destination().1);
                Some(To::System(system.write_range(first, pages)?))
            }
            Buffer::Scatter(aperture, _) | Buffer::Linear(aperture, ..) => Some(To::Io(Arc::clone(aperture))),
        };
        let from = match src {
            _ if !reads => None,
            Buffer::Tt(system) | Buffer::Memory(system) => {
                let (first, pages) = claimed(system, plan.source().1);
                Some(From::System(system.read_range(first, pages)?))
            }
            Buffer::Scatter(aperture, _) | Buffer::Linear(aperture, ..) => Some(From::Io(Arc::clone(aperture))),
        };
        Ok(Move { plan, to, from })
    }

    /// What it is going to do.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Does it. A second time it does it again.
    ///
    /// # Errors
    /// [`Stopped`], which only a kernel's variant can: some pages are written then, as they would have been.
    pub fn run(&mut self) -> Result<Done, Stopped> {
        self.run_with(&mut |_| ())
    }

    /// [`run`](Self::run), telling every so often how many bytes are written.
    ///
    /// # Errors
    /// As there.
    pub fn run_with(&mut self, progress: &mut dyn FnMut(ByteLen)) -> Result<Done, Stopped> {
        let Move { plan, to, from } = self;
        let posted = plan.posted_walk();
        let io = |aperture, side| IoPages::of(aperture, Walk::over(side, posted));
        let (dst, src) = (plan.destination().0, plan.source().0);
        // Each pair is compiled for itself: at a page a call, indirect ones would be a good part of the time.
        match (to, from) {
            (None, _) => Ok(Done::nothing_of(plan)),
            (Some(To::System(to)), None) => clear(plan, &mut SystemWriter::new(to), progress),
            (Some(To::Io(to)), None) => clear(plan, &mut io(to, dst), progress),
            (Some(To::System(to)), Some(From::System(from))) => {
                copy_pages(plan, &mut SystemWriter::new(to), &mut SystemReader::new(from), progress)
            }
            (Some(To::System(to)), Some(From::Io(from))) => {
                copy_pages(plan, &mut SystemWriter::new(to), &mut io(from, src), progress)
            }
            (Some(To::Io(to)), Some(From::System(from))) => {
                copy_pages(plan, &mut io(to, dst), &mut SystemReader::new(from), progress)
            }
            (Some(To::Io(to)), Some(From::Io(from))) => {
                copy_pages(plan, &mut io(to, dst), &mut io(from, src), progress)
            }
        }
    }
}

/// Does a plan's pages in chunks, telling the progress after each. What a chunk has written is there for everybody
/// before anything is told of it.
#[inline(always)]
pub(crate) fn in_chunks(
    plan: &Plan,
    progress: &mut dyn FnMut(ByteLen),
    mut chunk: impl FnMut(&mut Done, Range<u32>) -> Result<(), Stopped>,
) -> Result<Done, Stopped> {
    let mut done = Done::nothing_of(plan);
    let pages = plan.pages().0;
    for first in (0..pages).step_by(CHUNK as usize) {
        {
            // What stays in the cache is ordered as it is.
            let _fenced = (plan.stores() == Stores::PastCache).then_some(Fenced);
            chunk(&mut done, first..pages.min(first + CHUNK))?;
        }
        progress(done.written.bytes());
    }
    Ok(done)
}

/// [`in_chunks`], a page after a page.
fn page_by_page(
    plan: &Plan,
    progress: &mut dyn FnMut(ByteLen),
    mut page: impl FnMut(&mut Done, u32) -> Result<(), crate::Fault>,
) -> Result<Done, Stopped> {
    in_chunks(plan, progress, |done, range| {
        for i in range {
            page(done, i).map_err(|fault| Stopped { fault, written: PageCount(i) })?;
        }
        Ok(())
    })
}

fn clear(plan: &Plan, to: &mut impl Destination, progress: &mut dyn FnMut(ByteLen)) -> Result<Done, Stopped> {
    let mut kmap = Kmap::new();
    let first = plan.destination().1;
    page_by_page(plan, progress, |done, i| {
        let mut local = to.map_write(kmap.level(), PageIndex(first.0 + i))?;
        copy::clear(local.split().0);
        done.count(plan.clears_memory_as_io());
        Ok(())
    })
}

/// Many pages at once where that is the same, else page by page.
fn copy_pages(
    plan: &Plan,
    to: &mut (impl Destination + Addresses),
    from: &mut (impl Source + Addresses),
    progress: &mut dyn FnMut(ByteLen),
) -> Result<Done, Stopped> {
    match runs::how(plan) {
        Some(how) => runs::copy(plan, how, to, from, progress),
        None => copy_each(plan, to, from, progress),
    }
}

/// Destination first, source above it; the source is unmapped first, because it is dropped first.
fn copy_each(
    plan: &Plan,
    to: &mut impl Destination,
    from: &mut impl Source,
    progress: &mut dyn FnMut(ByteLen),
) -> Result<Done, Stopped> {
    let mut kmap = Kmap::new();
    let (dst_first, src_first) = (plan.destination().1, plan.source().1);
    // Hints. A page walk lasts longer than copying from one page to the next: so the destination's is begun two ahead.
    let stores = plan.stores();
    let ahead = stores == Stores::PastCache;
    let (if_aligned, if_not) = (plan.page_copy(true), plan.page_copy(false));
    let soon = |first: PageIndex, i| first.forward(i);
    page_by_page(plan, progress, |done, i| {
        if ahead {
            soon(src_first, i + 1).into_iter().for_each(|page| from.soon(page));
            soon(dst_first, i + 2).into_iter().for_each(|page| to.soon(page));
        }
        let mut dst = to.map_write(kmap.level(), PageIndex(dst_first.0 + i))?;
        let (to, above) = dst.split();
        let mut src = from.map_read(above, PageIndex(src_first.0 + i))?;
        let (from, _) = src.split();
        let how = if to.is_aligned(16) && from.is_aligned(16) { if_aligned } else { if_not };
        debug_assert!((to.kind(), from.kind()) == (plan.destination().0.kind(), plan.source().0.kind()));
        copy::page_unfenced(how, stores, to, from);
        done.count(how == PageCopy::PlainPointer);
        Ok(())
    })
}

/// Plans and makes the move of a whole buffer, here and now, by our own rules.
///
/// # Errors
/// Those of [`Request::plan`] and [`Move::new`]; then not a byte is written.
pub fn move_buffer(dst: &Buffer, src: &Buffer) -> Result<Done, Error> {
    let plan = Request::new(dst.side(), src.side()).plan()?;
    let mut planned = Move::new(plan, dst, src)?;
    // A checked plan meets no fault: everything that an iterator relies on was looked at, and is claimed.
    let done = planned.run();
    debug_assert!(done.is_ok(), "[internal bug] a checked plan stopped: {done:?}");
    done.map_err(|_| Error::NotThePlansBuffer { which: Which::Source })
}
