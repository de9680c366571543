//! System memory: an arena of pages, and buffers whose pages lie anywhere in it (a `ttm_tt`).
//!
//! A buffer has no pages until [`SystemPages::populate`]. Its bytes are reached through a claim on a range of
//! pages, [`ReadClaim`] or [`WriteClaim`]: any number of readers, or one writer, of each page. A claim that would
//! race is refused with [`Error::Busy`]; it does not wait, because waiting is what locks and fences are for.
#![allow(unsafe_code)]

use crate::{
    claims::{Access, Claims, Slot},
    copy,
    error::Error,
    region::Region,
    runs::Stretch,
    side::SpaceId,
    units::{MAX_PAGES, PAGE_SHIFT, PAGE_SIZE, Page, PageCount, PageIndex},
};
use std::{
    ptr::NonNull,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

/// Where in the arena the pages of a buffer are put.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Layout {
    /// One by one: no page beside the one before it, as long as the arena has another. What a kernel's buffers look
    /// like after a day of use.
    Scattered,
    /// All in a row.
    Contiguous,
}

/// Memory that system pages come from.
pub struct Arena {
    region: Region,
    frames: Mutex<Frames>,
}

/// Which frames are free. `order` is a fixed shuffle of all frames; `next` goes round in it.
struct Frames {
    free: Vec<bool>,
    order: Vec<u32>,
    next: usize,
    left: u32,
}

impl Frames {
    fn new(count: u32) -> Frames {
        let mut order: Vec<u32> = (0..count).collect();
        // Fisher and Yates' shuffle, from a fixed seed: the same placement on every machine and run.
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        for i in (1..order.len()).rev() {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            order.swap(i, ((seed >> 33) % (i as u64 + 1)) as usize);
        }
        Frames { free: vec![true; count as usize], order, next: 0, left: count }
    }

    fn take(&mut self, frame: u32) -> u32 {
        debug_assert!(self.free[frame as usize], "a frame is given once");
        self.free[frame as usize] = false;
        self.left -= 1;
        frame
    }

    /// A free frame that is no neighbour of `last`, or else any free frame.
    fn take_away_from(&mut self, last: Option<u32>) -> Option<u32> {
        let mut neighbour = None;
        for step in 0..self.order.len() {
            let at = (self.next + step) % self.order.len();
            let frame = self.order[at];
            if !self.free[frame as usize] {
                continue;
            }
            if last.is_some_and(|last| last.abs_diff(frame) == 1) {
                neighbour = neighbour.or(Some(frame));
                continue;
            }
            if neighbour.is_none() {
                self.next = (at + 1) % self.order.len();
            }
            return Some(self.take(frame));
        }
        neighbour.map(|frame| self.take(frame))
    }

    fn take_row(&mut self, pages: u32) -> Option<Vec<u32>> {
        let mut run = 0;
        for frame in 0..self.free.len() {
            run = if self.free[frame] { run + 1 } else { 0 };
            if run == pages {
                let first = frame as u32 + 1 - pages;
                return Some((first..first + pages).map(|frame| self.take(frame)).collect());
            }
        }
        None
    }

    fn give_back(&mut self, frames: &[u32]) {
        for &frame in frames {
            debug_assert!(!self.free[frame as usize], "a frame is given back once");
            self.free[frame as usize] = true;
        }
        self.left += frames.len() as u32;
    }
}

impl Arena {
    /// An arena of so many pages.
    ///
    /// # Errors
    /// [`Error::BadSize`] for none or more than [`MAX_PAGES`]; [`Error::Os`] if the system has no memory.
    pub fn new(pages: PageCount) -> Result<Arc<Arena>, Error> {
        let region = Region::new(pages)?;
        Ok(Arc::new(Arena { region, frames: Mutex::new(Frames::new(pages.0)) }))
    }

    /// How many pages it has, used or not.
    pub fn pages(&self) -> PageCount {
        self.region.pages()
    }

    /// How many are free.
    pub fn free(&self) -> PageCount {
        PageCount(self.frames().left)
    }

    /// A panic with this lock held can only be a failed debug assertion; the table is whole then too.
    fn frames(&self) -> MutexGuard<'_, Frames> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The memory behind it.
    #[cfg(all(target_os = "linux", not(miri), not(feature = "portable")))]
    pub(crate) fn file(&self) -> &rustix::fd::OwnedFd {
        self.region.file()
    }

    fn allocate(&self, pages: PageCount, layout: Layout) -> Result<Box<[u32]>, Error> {
        let mut frames = self.frames();
        let short = Error::OutOfPages { wanted: pages, free: PageCount(frames.left) };
        if pages.0 > frames.left {
            return Err(short);
        }
        match layout {
            Layout::Contiguous => frames.take_row(pages.0).map(Vec::into_boxed_slice).ok_or(short),
            Layout::Scattered => {
                let mut got: Vec<u32> = Vec::with_capacity(pages.0 as usize);
                while got.len() < pages.0 as usize {
                    // `left` was checked above, under the same lock: there is a free frame.
                    let Some(frame) = frames.take_away_from(got.last().copied()) else { break };
                    got.push(frame);
                }
                Ok(got.into_boxed_slice())
            }
        }
    }

    fn page(&self, frame: u32) -> NonNull<Page> {
        assert!(frame < self.pages().0, "frame {frame} of an arena of {}", self.pages());
        // SAFETY: the assertion: the page lies inside the region.
        unsafe { self.region.base().add((frame as usize) << PAGE_SHIFT) }.cast()
    }
}

/// The system pages of one buffer (a `ttm_tt`): each anywhere in an [`Arena`], none before
/// [`populate`](Self::populate).
pub struct SystemPages {
    space: SpaceId,
    arena: Arc<Arena>,
    pages: PageCount,
    frames: OnceLock<Box<[u32]>>,
    claims: Claims,
}

impl SystemPages {
    /// A buffer of so many pages, none of which is there yet.
    ///
    /// # Errors
    /// [`Error::BadSize`] for none or more than [`MAX_PAGES`].
    pub fn unpopulated(arena: &Arc<Arena>, pages: PageCount) -> Result<Arc<SystemPages>, Error> {
        if pages.0 == 0 || pages > MAX_PAGES {
            return Err(Error::BadSize { pages });
        }
        let (arena, space) = (Arc::clone(arena), SpaceId::fresh());
        Ok(Arc::new(SystemPages { space, arena, pages, frames: OnceLock::new(), claims: Claims::none() }))
    }

    /// A buffer with its pages, zeroed: [`unpopulated`](Self::unpopulated), then [`populate`](Self::populate).
    ///
    /// # Errors
    /// Theirs.
    pub fn new(arena: &Arc<Arena>, pages: PageCount, layout: Layout) -> Result<Arc<SystemPages>, Error> {
        let system = SystemPages::unpopulated(arena, pages)?;
        system.populate(layout)?;
        Ok(system)
    }

    /// Gets all pages, zeroed (`ttm_tt_populate()`). They stay until the buffer is dropped or
    /// [`unpopulate`](Self::unpopulate)d.
    ///
    /// # Errors
    /// [`Error::OutOfPages`], with nothing taken; [`Error::AlreadyPopulated`]; [`Error::Busy`] if a move has begun
    /// on the empty buffer.
    pub fn populate(&self, layout: Layout) -> Result<(), Error> {
        let all = self.claims.take(0..self.pages.0, Access::Write)?;
        let result = self.populate_claimed(layout);
        self.claims.release(all);
        result
    }

    fn populate_claimed(&self, layout: Layout) -> Result<(), Error> {
        if self.is_populated() {
            return Err(Error::AlreadyPopulated);
        }
        let frames = self.arena.allocate(self.pages, layout)?;
        for &frame in &frames {
            // SAFETY: the arena has just given this frame to us alone; nobody can name it before `set` below.
            unsafe { self.arena.page(frame).write([0; PAGE_SIZE]) }
        }
        // Only `populate` sets it, and the claim keeps a second one out.
        let set = self.frames.set(frames);
        debug_assert!(set.is_ok(), "populated twice at once");
        Ok(())
    }

    /// Gives the pages back (`ttm_tt_unpopulate()`). `&mut`: with no move under way and no other owner.
    pub fn unpopulate(&mut self) {
        if let Some(frames) = self.frames.take() {
            self.arena.frames().give_back(&frames);
        }
    }

    /// Whether it has its pages (`ttm_tt_is_populated()`).
    pub fn is_populated(&self) -> bool {
        self.frames.get().is_some()
    }

    /// How many pages it has, or will have.
    pub fn pages(&self) -> PageCount {
        self.pages
    }

    /// Which memory this is.
    pub fn space(&self) -> SpaceId {
        self.space
    }

    /// Which frame of the arena a page lies in; `None` if there is no such page, or not yet.
    pub fn frame(&self, page: PageIndex) -> Option<u32> {
        self.frames.get()?.get(page.0 as usize).copied()
    }

    /// The arena that its pages lie in.
    pub fn arena(&self) -> &Arc<Arena> {
        &self.arena
    }

    /// Claims all pages, to read them.
    ///
    /// # Errors
    /// [`Error::Busy`] while somebody writes one of them; [`Error::TooManyClaims`].
    pub fn read(self: &Arc<Self>) -> Result<ReadClaim, Error> {
        Ok(ReadClaim(self.claim(PageIndex(0), self.pages, Access::Read)?))
    }

    /// Claims all pages, to write them.
    ///
    /// # Errors
    /// [`Error::Busy`] while somebody uses one of them; [`Error::TooManyClaims`].
    pub fn write(self: &Arc<Self>) -> Result<WriteClaim, Error> {
        Ok(WriteClaim(self.claim(PageIndex(0), self.pages, Access::Write)?))
    }

    /// Claims some pages, to read them.
    ///
    /// # Errors
    /// [`Error::RangeOutside`]; [`Error::Busy`] while somebody writes one of them; [`Error::TooManyClaims`].
    pub fn read_range(self: &Arc<Self>, first: PageIndex, pages: PageCount) -> Result<ReadClaim, Error> {
        Ok(ReadClaim(self.claim(first, pages, Access::Read)?))
    }

    /// Claims some pages, to write them.
    ///
    /// # Errors
    /// [`Error::RangeOutside`]; [`Error::Busy`] while somebody uses one of them; [`Error::TooManyClaims`].
    pub fn write_range(self: &Arc<Self>, first: PageIndex, pages: PageCount) -> Result<WriteClaim, Error> {
        Ok(WriteClaim(self.claim(first, pages, Access::Write)?))
    }

    fn claim(self: &Arc<Self>, first: PageIndex, pages: PageCount, access: Access) -> Result<Claim, Error> {
        let which = if access == Access::Write { crate::Which::Destination } else { crate::Which::Source };
        let outside = Error::RangeOutside { which, first, pages, size: self.pages };
        let end = first.forward(pages.0).filter(|end| end.0 <= self.pages.0).ok_or(outside)?;
        let slot = self.claims.take(first.0..end.0, access)?;
        Ok(Claim { of: Arc::clone(self), first, end, slot })
    }
}

impl Drop for SystemPages {
    fn drop(&mut self) {
        self.unpopulate();
    }
}

/// A range of pages, and that it may be used. Noted in the buffer's claims from here until it is dropped.
struct Claim {
    of: Arc<SystemPages>,
    first: PageIndex,
    end: PageIndex,
    slot: Slot,
}

impl Claim {
    #[inline(always)]
    fn page(&self, page: PageIndex) -> Option<NonNull<Page>> {
        if page < self.first || page >= self.end {
            return None;
        }
        Some(self.of.arena.page(self.of.frame(page)?))
    }

    /// A page that the claim covers, and up to so many that it covers and that lie in a row from it on.
    #[inline(always)]
    fn stretch(&self, page: PageIndex, most: u32) -> Option<Stretch> {
        let at = self.page(page)?;
        let covered = self.of.frames.get()?.get(page.0 as usize..self.end.0 as usize)?;
        copy::will_read(covered, 64);
        let row = covered.windows(2).take_while(|pair| pair[0] + 1 == pair[1]).take(most.saturating_sub(1) as usize);
        Some(Stretch { at, pages: 1 + row.count() as u32 })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.of.claims.release(self.slot);
    }
}

/// The right to read a range of pages. Others may read them too.
pub struct ReadClaim(Claim);

/// The right to read and write a range of pages, and nobody else's.
pub struct WriteClaim(Claim);

impl ReadClaim {
    /// Where a page lies, and how many lie in a row from it on: for who copies many at once, and has the claim
    /// meanwhile.
    #[inline(always)]
    pub(crate) fn stretch(&self, page: PageIndex, most: u32) -> Option<Stretch> {
        self.0.stretch(page, most)
    }

    /// A page, numbered as in its buffer; `None` if the claim does not cover it or it is not populated.
    #[inline(always)]
    pub fn page(&self, page: PageIndex) -> Option<&Page> {
        // SAFETY: the frame is this buffer's alone, and cannot be given back while this claim holds the buffer (Arc;
        // `unpopulate` takes `&mut`). The claims table admits no writer of this page while this claim lives, and the
        // reference lives no longer than the claim. Taking the claim was the table's mutex, so that what an earlier
        // writer wrote is seen.
        self.0.page(page).map(|page| unsafe { page.as_ref() })
    }

    /// Whose pages these are.
    pub fn buffer(&self) -> &Arc<SystemPages> {
        &self.0.of
    }
}

impl WriteClaim {
    /// Where a page lies, and how many lie in a row from it on: for who copies many at once, and has the claim
    /// meanwhile.
    #[inline(always)]
    pub(crate) fn stretch(&mut self, page: PageIndex, most: u32) -> Option<Stretch> {
        self.0.stretch(page, most)
    }

    /// A page to read, numbered as in its buffer; `None` if the claim does not cover it or it is not populated.
    #[inline(always)]
    pub fn page(&self, page: PageIndex) -> Option<&Page> {
        // SAFETY: as in `ReadClaim::page`; nobody else uses this page, and `&self` keeps `page_mut` out.
        self.0.page(page).map(|page| unsafe { page.as_ref() })
    }

    /// A page to write, numbered as in its buffer; `None` if the claim does not cover it or it is not populated.
    #[inline(always)]
    pub fn page_mut(&mut self, page: PageIndex) -> Option<&mut Page> {
        // SAFETY: as in `ReadClaim::page`; the claims table admits nobody else at all, and `&mut self` makes this the
        // only reference that came out of this claim.
        self.0.page(page).map(|mut page| unsafe { page.as_mut() })
    }

    /// Whose pages these are.
    pub fn buffer(&self) -> &Arc<SystemPages> {
        &self.0.of
    }

    /// Where a page is, for who goes through single words of it that may race with others of their kind.
    pub(crate) fn address(&self, page: PageIndex) -> Option<NonNull<Page>> {
        self.0.page(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_not_neighbours() {
        let arena = Arena::new(PageCount(64)).unwrap();
        let system = SystemPages::new(&arena, PageCount(48), Layout::Scattered).unwrap();
        for page in 1..48 {
            let (before, here) = (system.frame(PageIndex(page - 1)).unwrap(), system.frame(PageIndex(page)).unwrap());
            assert!(before.abs_diff(here) > 1, "pages {} and {page} are neighbours", page - 1);
        }
    }

    #[test]
    fn a_contiguous_buffer_is_a_row() {
        let arena = Arena::new(PageCount(8)).unwrap();
        let hole = SystemPages::new(&arena, PageCount(1), Layout::Scattered).unwrap();
        let row = SystemPages::new(&arena, PageCount(3), Layout::Contiguous).unwrap();
        let frames: Vec<u32> = row.pages().indices().map(|page| row.frame(page).unwrap()).collect();
        assert_eq!(frames, [frames[0], frames[0] + 1, frames[0] + 2]);
        assert!(!frames.contains(&hole.frame(PageIndex(0)).unwrap()));
    }

    #[test]
    fn an_arena_that_is_short_gives_nothing_and_frames_come_back() {
        let arena = Arena::new(PageCount(4)).unwrap();
        let three = SystemPages::new(&arena, PageCount(3), Layout::Scattered).unwrap();
        let short = SystemPages::unpopulated(&arena, PageCount(2)).unwrap();
        let wanted = Error::OutOfPages { wanted: PageCount(2), free: PageCount(1) };
        assert_eq!(short.populate(Layout::Scattered), Err(wanted));
        assert_eq!((short.is_populated(), arena.free()), (false, PageCount(1)));
        drop(three);
        short.populate(Layout::Scattered).unwrap();
        assert_eq!(short.populate(Layout::Scattered), Err(Error::AlreadyPopulated));
        assert_eq!(arena.free(), PageCount(2));
    }

    #[test]
    fn pages_that_come_back_are_zeroed() {
        let arena = Arena::new(PageCount(1)).unwrap();
        for _ in 0..2 {
            let system = SystemPages::new(&arena, PageCount(1), Layout::Scattered).unwrap();
            let mut claim = system.write().unwrap();
            assert_eq!(claim.page(PageIndex(0)), Some(&[0; PAGE_SIZE]));
            claim.page_mut(PageIndex(0)).unwrap().fill(7);
        }
    }

    #[test]
    fn a_writer_is_alone_with_its_pages_until_it_is_dropped() {
        let arena = Arena::new(PageCount(4)).unwrap();
        let system = SystemPages::new(&arena, PageCount(4), Layout::Scattered).unwrap();
        let mut writer = system.write_range(PageIndex(1), PageCount(2)).unwrap();
        assert!(writer.page_mut(PageIndex(0)).is_none() && writer.page_mut(PageIndex(3)).is_none());
        writer.page_mut(PageIndex(2)).unwrap()[17] = 1;
        assert!(matches!(system.read(), Err(Error::Busy { .. })));
        let beside = system.read_range(PageIndex(3), PageCount(1)).unwrap();
        assert_eq!(beside.page(PageIndex(3)).unwrap()[17], 0);
        drop((writer, beside));
        assert_eq!(system.read().unwrap().page(PageIndex(2)).unwrap()[17], 1);
    }

    #[test]
    fn a_claim_outside_its_buffer_is_refused() {
        let arena = Arena::new(PageCount(2)).unwrap();
        let system = SystemPages::new(&arena, PageCount(2), Layout::Scattered).unwrap();
        for (first, pages) in [(0, 3), (2, 1), (1, u32::MAX), (u32::MAX, 1)] {
            let claim = system.read_range(PageIndex(first), PageCount(pages));
            assert!(matches!(claim.err(), Some(Error::RangeOutside { .. })), "{first} {pages}");
        }
    }

    #[test]
    fn an_unpopulated_buffer_has_no_page_to_give() {
        let arena = Arena::new(PageCount(2)).unwrap();
        let system = SystemPages::unpopulated(&arena, PageCount(2)).unwrap();
        assert!(system.read().unwrap().page(PageIndex(0)).is_none());
        let mut system = Arc::into_inner(system).unwrap();
        system.populate(Layout::Scattered).unwrap();
        system.unpopulate();
        assert_eq!(arena.free(), PageCount(2));
    }
}
