//! Iterators that map one page at a time, with `kmap_local`'s rules.
//!
//! A local mapping belongs to the thread that made it, and is undone in the opposite order: what was mapped last goes
//! first. A kernel can only ask for that; here the compiler sees to it. Each mapping is made *above* a [`Level`], and
//! borrows it: the thread's [`Kmap`] gives the lowest, [`Local::split`] the one above a mapping.
//!
//! ```
//! # use fenceweave_pages::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let arena = Arena::new(PageCount(2))?;
//! # let dst = SystemPages::new(&arena, PageCount(1), Layout::Scattered)?;
//! # let src = SystemPages::new(&arena, PageCount(1), Layout::Scattered)?;
//! let (mut to, from) = (dst.write()?, src.read()?);
//! let (mut writer, mut reader) = (SystemWriter::new(&mut to), SystemReader::new(&from));
//! let mut kmap = Kmap::new();
//! let mut dst = writer.map_write(kmap.level(), PageIndex(0))?; // destination first,
//! let (to, above) = dst.split();
//! let mut src = reader.map_read(above, PageIndex(0))?; // source above it
//! let (from, _) = src.split();
//! copy::page(PageCopy::Memory, Stores::Cached, to, from);
//! drop(src); // source first,
//! drop(dst); // then destination
//! # Ok(())
//! # }
//! ```
//!
//! The other way round does not compile:
//!
//! ```compile_fail,E0505
//! # use fenceweave_pages::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let arena = Arena::new(PageCount(2))?;
//! # let dst = SystemPages::new(&arena, PageCount(1), Layout::Scattered)?;
//! # let src = SystemPages::new(&arena, PageCount(1), Layout::Scattered)?;
//! # let (mut to, from) = (dst.write()?, src.read()?);
//! # let (mut writer, mut reader) = (SystemWriter::new(&mut to), SystemReader::new(&from));
//! # let mut kmap = Kmap::new();
//! let mut dst = writer.map_write(kmap.level(), PageIndex(0))?;
//! let (_, above) = dst.split();
//! let src = reader.map_read(above, PageIndex(0))?;
//! drop(dst); // the source is still mapped above it
//! drop(src);
//! # Ok(())
//! # }
//! ```
//!
//! Nor two pages of one iterator at once:
//!
//! ```compile_fail,E0499
//! # use fenceweave_pages::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let arena = Arena::new(PageCount(2))?;
//! # let src = SystemPages::new(&arena, PageCount(2), Layout::Scattered)?;
//! # let from = src.read()?;
//! # let mut reader = SystemReader::new(&from);
//! # let mut kmap = Kmap::new();
//! let mut first = reader.map_read(kmap.level(), PageIndex(0))?;
//! let (_, above) = first.split();
//! let second = reader.map_read(above, PageIndex(1))?;
//! drop(second);
//! # Ok(())
//! # }
//! ```
//!
//! Nor a mapping in another thread:
//!
//! ```compile_fail,E0277
//! # use fenceweave_pages::*;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let arena = Arena::new(PageCount(1))?;
//! # let src = SystemPages::new(&arena, PageCount(1), Layout::Scattered)?;
//! # let from = src.read()?;
//! # let mut reader = SystemReader::new(&from);
//! # let mut kmap = Kmap::new();
//! let page = reader.map_read(kmap.level(), PageIndex(0))?;
//! std::thread::scope(|s| s.spawn(move || drop(page)).join()).unwrap();
//! # Ok(())
//! # }
//! ```

use crate::{
    aperture::{Aperture, IoSpan},
    copy,
    error::Fault,
    posted::{Platform, PostedCursor},
    runs::{Addresses, Stretch},
    scatter::{Cursor, ScatterList},
    side::{Kind, Shape, Side},
    system::{ReadClaim, WriteClaim},
    units::{ByteLen, ByteOffset, PAGE_SIZE, Page, PageCount, PageIndex},
};
use std::{cell::Cell, marker::PhantomData};

/// A thread's local mappings. It cannot leave its thread.
#[derive(Default)]
pub struct Kmap {
    depth: Cell<u8>,
    this_thread: PhantomData<*const ()>,
}

/// Where the next mapping goes: above all that are in force.
pub struct Level<'a> {
    depth: &'a Cell<u8>,
}

/// A page, mapped until this is dropped. It cannot leave its thread.
pub struct Local<'a, P> {
    page: P,
    depth: &'a Cell<u8>,
    level: u8,
}

/// A mapped page to write.
pub enum ToPage<'a> {
    /// Of memory.
    Memory(&'a mut Page),
    /// Of I/O memory.
    Io(IoSpan<'a>),
}

/// A mapped page to read.
pub enum FromPage<'a> {
    /// Of memory.
    Memory(&'a Page),
    /// Of I/O memory.
    Io(IoSpan<'a>),
}

/// Pages to write, one at a time.
pub trait Destination {
    /// Maps a page above what is mapped (`kmap_local()` of the destination).
    ///
    /// # Errors
    /// The [`Fault`] that the kernel would have run into.
    fn map_write<'a>(&'a mut self, above: Level<'a>, page: PageIndex) -> Result<Local<'a, ToPage<'a>>, Fault>;

    /// This page will be mapped soon, if there is one. A hint, and no mapping.
    fn soon(&self, _page: PageIndex) {}
}

/// Pages to read, one at a time.
pub trait Source {
    /// Maps a page above what is mapped (`kmap_local()` of the source).
    ///
    /// # Errors
    /// The [`Fault`] that the kernel would have run into.
    fn map_read<'a>(&'a mut self, above: Level<'a>, page: PageIndex) -> Result<Local<'a, FromPage<'a>>, Fault>;

    /// This page will be mapped soon, if there is one. A hint, and no mapping.
    fn soon(&self, _page: PageIndex) {}
}

impl Kmap {
    /// How many pages a thread can have mapped at once (`KM_MAX_IDX`).
    pub const MAX_DEPTH: u8 = 16;

    /// With nothing mapped.
    pub fn new() -> Kmap {
        Kmap::default()
    }

    /// The lowest level.
    pub fn level(&mut self) -> Level<'_> {
        Level { depth: &self.depth }
    }

    /// How many pages are mapped: none, unless a mapping was forgotten ([`std::mem::forget`]).
    pub fn depth(&self) -> u8 {
        self.depth.get()
    }
}

impl<'a> Level<'a> {
    #[inline(always)]
    fn hold<P>(self, page: P) -> Result<Local<'a, P>, Fault> {
        let level = self.depth.get() + 1;
        if level > Kmap::MAX_DEPTH {
            return Err(Fault::KmapExhausted);
        }
        self.depth.set(level);
        Ok(Local { page, depth: self.depth, level })
    }
}

impl<P> Local<'_, P> {
    /// The page, and the level above it: what is mapped there is gone before this can be.
    #[inline(always)]
    pub fn split(&mut self) -> (&mut P, Level<'_>) {
        (&mut self.page, Level { depth: self.depth })
    }
}

impl<P> Drop for Local<'_, P> {
    #[inline(always)]
    fn drop(&mut self) {
        // The compiler has seen to the order; a mapping above that was forgotten, not dropped, ends with this one.
        debug_assert!(self.depth.get() >= self.level, "a local mapping was undone twice");
        self.depth.set(self.level - 1);
    }
}

impl ToPage<'_> {
    /// Memory or I/O memory.
    #[inline(always)]
    pub fn kind(&self) -> Kind {
        match self {
            ToPage::Memory(_) => Kind::Memory,
            ToPage::Io(_) => Kind::Io,
        }
    }

    /// Whether it starts at a multiple of so many bytes.
    #[inline(always)]
    pub fn is_aligned(&self, to: usize) -> bool {
        match self {
            ToPage::Memory(page) => page.as_ptr().addr().is_multiple_of(to),
            ToPage::Io(span) => span.is_aligned(to),
        }
    }
}

impl FromPage<'_> {
    /// Memory or I/O memory.
    #[inline(always)]
    pub fn kind(&self) -> Kind {
        match self {
            FromPage::Memory(_) => Kind::Memory,
            FromPage::Io(_) => Kind::Io,
        }
    }

    /// Whether it starts at a multiple of so many bytes.
    #[inline(always)]
    pub fn is_aligned(&self, to: usize) -> bool {
        match self {
            FromPage::Memory(page) => page.as_ptr().addr().is_multiple_of(to),
            FromPage::Io(span) => span.is_aligned(to),
        }
    }
}

/// Over the pages of a claim, to read them.
pub struct SystemReader<'c>(&'c ReadClaim);

/// Over the pages of a claim, to write them.
pub struct SystemWriter<'c>(&'c mut WriteClaim);

impl<'c> SystemReader<'c> {
    /// Pages are numbered as in the buffer.
    pub fn new(claim: &'c ReadClaim) -> SystemReader<'c> {
        SystemReader(claim)
    }
}

impl<'c> SystemWriter<'c> {
    /// Pages are numbered as in the buffer.
    pub fn new(claim: &'c mut WriteClaim) -> SystemWriter<'c> {
        SystemWriter(claim)
    }
}

/// What a page that is not there would have been to a kernel that does not look: an index past the array, or a NULL in
/// it.
fn missing(pages: crate::PageCount, page: PageIndex) -> Fault {
    if page.0 >= pages.0 { Fault::PageArrayOverrun { page } } else { Fault::NullPage { page } }
}

impl Source for SystemReader<'_> {
    #[inline(always)]
    fn map_read<'a>(&'a mut self, above: Level<'a>, page: PageIndex) -> Result<Local<'a, FromPage<'a>>, Fault> {
        let mapped = self.0.page(page).ok_or_else(|| missing(self.0.buffer().pages(), page))?;
        above.hold(FromPage::Memory(mapped))
    }

    #[inline(always)]
    fn soon(&self, page: PageIndex) {
        if let Some(page) = self.0.page(page) {
            // As many lines as are on their way before the hardware's own prefetching has seen where this goes.
            copy::prefetch(page, 12);
        }
    }
}

impl Destination for SystemWriter<'_> {
    #[inline(always)]
    fn map_write<'a>(&'a mut self, above: Level<'a>, page: PageIndex) -> Result<Local<'a, ToPage<'a>>, Fault> {
        let pages = self.0.buffer().pages();
        let mapped = self.0.page_mut(page).ok_or_else(|| missing(pages, page))?;
        above.hold(ToPage::Memory(mapped))
    }

    #[inline(always)]
    fn soon(&self, page: PageIndex) {
        if let Some(page) = self.0.page(page) {
            // One line, for the page walk: the rest will be overwritten.
            copy::prefetch(page, 1);
        }
    }
}

impl Addresses for SystemReader<'_> {
    #[inline(always)]
    fn stretch(&mut self, page: PageIndex, most: u32) -> Result<Stretch, Fault> {
        self.0.stretch(page, most).ok_or_else(|| missing(self.0.buffer().pages(), page))
    }
}

impl Addresses for SystemWriter<'_> {
    #[inline(always)]
    fn stretch(&mut self, page: PageIndex, most: u32) -> Result<Stretch, Fault> {
        self.0.stretch(page, most).ok_or_else(|| missing(self.0.buffer().pages(), page))
    }
}

/// Finds the pages of a side, one after another. What the iterators over real memory and over tags share.
pub(crate) enum Walk<'l> {
    System { pages: crate::PageCount, populated: bool },
    Scatter(&'l ScatterList, Cursor),
    Posted(&'l ScatterList, PostedCursor),
    Linear { first: ByteOffset, len: ByteLen },
}

impl<'l> Walk<'l> {
    /// `posted`: the kernel's walk, compiled for that platform, rather than ours.
    pub(crate) fn over(side: &'l Side, posted: Option<Platform>) -> Walk<'l> {
        match (&side.shape, posted) {
            (Shape::System { pages, populated, .. }, _) => Walk::System { pages: *pages, populated: *populated },
            (Shape::Scatter { list, .. }, None) => Walk::Scatter(list, Cursor::new()),
            (Shape::Scatter { list, .. }, Some(platform)) => Walk::Posted(list, PostedCursor::new(platform)),
            (Shape::Linear { first, len, .. }, _) => Walk::Linear { first: *first, len: *len },
        }
    }

    /// Where a page starts, in its buffer's pages or in an aperture of so many bytes.
    #[inline(always)]
    pub(crate) fn seek(&mut self, aperture: ByteLen, page: PageIndex) -> Result<ByteOffset, Fault> {
        match self {
            Walk::System { pages, populated } if !*populated || page.0 >= pages.0 => Err(missing(*pages, page)),
            Walk::System { .. } => Ok(page.offset()),
            Walk::Posted(list, cursor) => cursor.seek(list, aperture, page),
            Walk::Scatter(list, cursor) => inside(aperture, page, cursor.seek(list, page)?),
            Walk::Linear { first, len } => {
                let offset = ByteOffset(first.0.wrapping_add(page.offset().0));
                if page.offset().0 >= len.0 {
                    return Err(Fault::OutsideAperture { page, offset });
                }
                inside(aperture, page, offset)
            }
        }
    }

    /// Where a page starts, and how many lie in a row from it on, as far as the walk knows. Whether they lie inside of
    /// the aperture is for who maps them to see.
    #[inline(always)]
    fn find(&mut self, aperture: ByteLen, page: PageIndex) -> Result<(ByteOffset, u32), Fault> {
        match self {
            Walk::Scatter(list, cursor) => Ok((cursor.seek(list, page)?, cursor.left(page))),
            Walk::Linear { len, .. } => {
                let pages = (len.0 >> crate::PAGE_SHIFT).min(u64::from(u32::MAX)) as u32;
                Ok((self.seek(aperture, page)?, pages.saturating_sub(page.0)))
            }
            Walk::System { .. } | Walk::Posted(..) => Ok((self.seek(aperture, page)?, 1)),
        }
    }
}

#[inline(always)]
fn inside(aperture: ByteLen, page: PageIndex, offset: ByteOffset) -> Result<ByteOffset, Fault> {
    match offset.0.checked_add(PAGE_SIZE as u64) {
        Some(end) if end <= aperture.0 => Ok(offset),
        _ => Err(Fault::OutsideAperture { page, offset }),
    }
}

/// Over pages in an aperture, to read and to write them.
pub struct IoPages<'c> {
    aperture: &'c Aperture,
    walk: Walk<'c>,
}

impl<'c> IoPages<'c> {
    /// Over a scatter list, with a cached segment: O(1) a page forward, amortised. The list should have been
    /// [checked](ScatterList::check); a page that does not lie inside the aperture is a [`Fault`].
    pub fn scatter(aperture: &'c Aperture, list: &'c ScatterList) -> IoPages<'c> {
        IoPages { aperture, walk: Walk::Scatter(list, Cursor::new()) }
    }

    /// Over a scatter list, as document 000's patch walks it.
    pub fn as_posted(aperture: &'c Aperture, list: &'c ScatterList, platform: Platform) -> IoPages<'c> {
        IoPages { aperture, walk: Walk::Posted(list, PostedCursor::new(platform)) }
    }

    /// Over a stretch of the aperture.
    pub fn linear(aperture: &'c Aperture, first: ByteOffset, len: ByteLen) -> IoPages<'c> {
        IoPages { aperture, walk: Walk::Linear { first, len } }
    }

    pub(crate) fn of(aperture: &'c Aperture, walk: Walk<'c>) -> IoPages<'c> {
        IoPages { aperture, walk }
    }

    #[inline(always)]
    fn span(&mut self, page: PageIndex) -> Result<IoSpan<'c>, Fault> {
        let offset = self.walk.seek(self.aperture.len(), page)?;
        let span = self.aperture.span(offset, ByteLen(PAGE_SIZE as u64));
        span.ok_or(Fault::OutsideAperture { page, offset })
    }
}

impl Source for IoPages<'_> {
    #[inline(always)]
    fn map_read<'a>(&'a mut self, above: Level<'a>, page: PageIndex) -> Result<Local<'a, FromPage<'a>>, Fault> {
        above.hold(FromPage::Io(self.span(page)?))
    }
}

impl Destination for IoPages<'_> {
    #[inline(always)]
    fn map_write<'a>(&'a mut self, above: Level<'a>, page: PageIndex) -> Result<Local<'a, ToPage<'a>>, Fault> {
        above.hold(ToPage::Io(self.span(page)?))
    }
}

impl Addresses for IoPages<'_> {
    #[inline(always)]
    fn stretch(&mut self, page: PageIndex, most: u32) -> Result<Stretch, Fault> {
        let (offset, left) = self.walk.find(self.aperture.len(), page)?;
        let pages = left.min(most).max(1);
        let at = self.aperture.whole(offset, PageCount(pages)).ok_or(Fault::OutsideAperture { page, offset })?;
        Ok(Stretch { at, pages })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Arena, Layout, PageCount, SystemPages};

    #[test]
    fn mappings_nest_and_unwind() {
        let arena = Arena::new(PageCount(2)).unwrap();
        let buffers = [0, 1].map(|_| SystemPages::new(&arena, PageCount(1), Layout::Scattered).unwrap());
        let (mut to, from) = (buffers[0].write().unwrap(), buffers[1].read().unwrap());
        let (mut writer, mut reader) = (SystemWriter::new(&mut to), SystemReader::new(&from));
        let mut kmap = Kmap::new();
        for _ in 0..100 {
            let mut dst = writer.map_write(kmap.level(), PageIndex(0)).unwrap();
            let src = reader.map_read(dst.split().1, PageIndex(0)).unwrap();
            assert_eq!((src.level, src.depth.get()), (2, 2));
        }
        assert_eq!(kmap.depth(), 0);
    }

    #[test]
    fn mappings_that_are_forgotten_run_out() {
        let aperture = Aperture::new(PageCount(1)).unwrap();
        let mut pages = IoPages::linear(&aperture, ByteOffset(0), aperture.len());
        let mut kmap = Kmap::new();
        for _ in 0..Kmap::MAX_DEPTH {
            std::mem::forget(pages.map_read(kmap.level(), PageIndex(0)).unwrap());
        }
        assert_eq!(pages.map_read(kmap.level(), PageIndex(0)).err(), Some(Fault::KmapExhausted));
    }

    #[test]
    fn a_page_that_is_not_there_is_a_fault() {
        let arena = Arena::new(PageCount(2)).unwrap();
        let empty = SystemPages::unpopulated(&arena, PageCount(2)).unwrap();
        let claim = empty.read().unwrap();
        let (mut reader, mut kmap) = (SystemReader::new(&claim), Kmap::new());
        let mut fault = |page| reader.map_read(kmap.level(), PageIndex(page)).err();
        assert_eq!(fault(1), Some(Fault::NullPage { page: PageIndex(1) }));
        assert_eq!(fault(2), Some(Fault::PageArrayOverrun { page: PageIndex(2) }));
        let aperture = Aperture::new(PageCount(2)).unwrap();
        let mut linear = IoPages::linear(&aperture, ByteOffset(4096), ByteLen(4096));
        assert!(linear.map_write(kmap.level(), PageIndex(0)).is_ok());
        let offset = ByteOffset(8192);
        let outside = Fault::OutsideAperture { page: PageIndex(1), offset };
        assert_eq!(linear.map_write(kmap.level(), PageIndex(1)).err(), Some(outside));
    }
}
