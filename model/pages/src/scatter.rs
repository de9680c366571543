//! Scatter lists: where in an aperture the pages of a buffer lie, and the walk over them with a cached segment.

use crate::{
    copy,
    error::{Error, Fault},
    units::{BusAddress, ByteLen, ByteOffset, MAX_SEGMENTS, PAGE_SIZE, PageCount, PageIndex},
};

/// A stretch of the aperture, as a device addresses it (`sg_dma_address()`, `sg_dma_len()`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Segment {
    /// Its first byte.
    pub address: BusAddress,
    /// Its bytes.
    pub len: ByteLen,
}

/// Segments, in the order of the buffer's pages, and the address at which the aperture starts.
///
/// A list is a description: it may be wrong. [`check`](Self::check) says whether it can be used.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ScatterList {
    segments: Box<[Segment]>,
    start: BusAddress,
}

impl ScatterList {
    /// A list over an aperture whose first byte has the bus address `start`.
    ///
    /// # Errors
    /// [`Error::BadSegmentCount`] for none, or more than [`MAX_SEGMENTS`].
    pub fn new(segments: impl Into<Box<[Segment]>>, start: BusAddress) -> Result<ScatterList, Error> {
        let segments = segments.into();
        if segments.is_empty() || segments.len() > MAX_SEGMENTS {
            return Err(Error::BadSegmentCount { segments: segments.len() });
        }
        Ok(ScatterList { segments, start })
    }

    /// Its segments.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The bus address of the aperture's first byte.
    pub fn start(&self) -> BusAddress {
        self.start
    }

    /// Where a segment starts in the aperture; `None` if it does not.
    fn offset(&self, segment: usize) -> Option<ByteOffset> {
        self.segments.get(segment)?.address.0.checked_sub(self.start.0).map(ByteOffset)
    }

    /// Looks at everything that a walk relies on: each segment inside the aperture, starting at a page, one or more
    /// whole pages long, and none on another. Says how many pages there are.
    ///
    /// # Errors
    /// [`Error::OutsideAperture`], [`Error::MisalignedStart`], [`Error::MisalignedLength`], [`Error::SegmentsOverlap`],
    /// [`Error::BadSize`].
    pub fn check(&self, aperture: ByteLen) -> Result<PageCount, Error> {
        let mut total: u64 = 0;
        let mut extents = Vec::with_capacity(self.segments.len());
        for (segment, &Segment { len, .. }) in self.segments.iter().enumerate() {
            let outside = Error::OutsideAperture { segment, aperture };
            let offset = self.offset(segment).ok_or(outside)?;
            if !offset.is_page_aligned() {
                return Err(Error::MisalignedStart { segment });
            }
            if len.0 == 0 || !len.0.is_multiple_of(PAGE_SIZE as u64) {
                return Err(Error::MisalignedLength { segment, length: len });
            }
            let end = offset.0.checked_add(len.0).filter(|end| *end <= aperture.0).ok_or(outside)?;
            total += len.0;
            extents.push((offset.0, end, segment));
        }
        extents.sort_unstable();
        for pair in extents.windows(2) {
            if pair[1].0 < pair[0].1 {
                return Err(Error::SegmentsOverlap { first: pair[0].2, second: pair[1].2 });
            }
        }
        // No segment shares a byte with another and all lie inside the aperture: the sum does not overflow.
        ByteLen(total).pages().ok_or(Error::BadSize { pages: PageCount(u32::MAX) })
    }

    /// The bytes of the aperture that some pages lie in, one stretch for each segment touched. Of a checked list.
    pub(crate) fn extents(&self, first: PageIndex, pages: PageCount) -> impl Iterator<Item = (u64, u64)> + '_ {
        let wanted = (first.offset().0, first.offset().0 + pages.bytes().0);
        let mut at = 0;
        (0..self.segments.len()).filter_map(move |segment| {
            let (begin, end) = (at, at + self.segments[segment].len.0);
            at = end;
            let (from, to) = (begin.max(wanted.0), end.min(wanted.1));
            let offset = self.offset(segment)?.0;
            (from < to).then(|| (offset + from - begin, offset + to - begin))
        })
    }
}

/// Where a walk over a checked list stands: the segment that was used last, and which pages it holds.
///
/// Forward it costs O(1) a page, amortised: every segment is entered once. An earlier page is found by going back
/// over the segments between, not from the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cursor {
    segment: usize,
    first: u32,
    end: u32,
    offset: u64,
    hops: u64,
}

impl Cursor {
    /// Before the first page.
    pub fn new() -> Cursor {
        Cursor::default()
    }

    /// How often it went from one segment to another: what "amortised" is about.
    pub fn hops(&self) -> u64 {
        self.hops
    }

    /// Where in the aperture a page starts. Always of the same list: a cursor remembers where it was.
    ///
    /// # Errors
    /// [`Fault::NullSegment`] past the list's last page. The cursor can still be used.
    #[inline(always)]
    pub fn seek(&mut self, list: &ScatterList, page: PageIndex) -> Result<ByteOffset, Fault> {
        if page.0.wrapping_sub(self.first) >= self.end.wrapping_sub(self.first) {
            // A walk goes on in the next segment; where every page is one, this is taken each time.
            if self.end == 0 || page.0 != self.end || self.enter(list, self.segment + 1, self.end).is_none() {
                self.enter_segment_of(list, page)?;
            }
            // A segment of no pages, which only a wrong list has, is no place to be.
            if page.0.wrapping_sub(self.first) >= self.end.wrapping_sub(self.first) {
                self.enter_segment_of(list, page)?;
            }
        }
        Ok(ByteOffset(self.offset + PageIndex(page.0 - self.first).offset().0))
    }

    /// How many pages of its segment there are from one on that [`seek`](Self::seek) has just found.
    #[inline]
    pub(crate) fn left(&self, page: PageIndex) -> u32 {
        self.end - page.0
    }

    /// Not inlined: the way that most pages do not take.
    #[cold]
    fn enter_segment_of(&mut self, list: &ScatterList, page: PageIndex) -> Result<(), Fault> {
        if self.end == 0 {
            self.enter(list, 0, 0).ok_or(Fault::NullSegment { page })?;
        }
        while page.0 >= self.end {
            self.enter(list, self.segment + 1, self.end).ok_or(Fault::NullSegment { page })?;
        }
        while page.0 < self.first {
            self.enter_previous(list).ok_or(Fault::NullSegment { page })?;
        }
        Ok(())
    }

    fn enter_previous(&mut self, list: &ScatterList) -> Option<()> {
        let before = self.segment.checked_sub(1)?;
        let pages = list.segments.get(before)?.len.pages()?.0;
        self.enter(list, before, self.first.checked_sub(pages)?)
    }

    #[inline(always)]
    fn enter(&mut self, list: &ScatterList, segment: usize, first: u32) -> Option<()> {
        let entered = list.segments.get(segment)?;
        // A list of single pages is read at a line every four: what the copies leave of the memory's time is soon lost.
        copy::will_read(&list.segments, segment + 32);
        let offset = entered.address.0.checked_sub(list.start.0)?;
        let pages = entered.len.pages()?.0;
        *self = Cursor { segment, first, end: first.checked_add(pages)?, offset, hops: self.hops + 1 };
        Some(())
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const APERTURE: ByteLen = ByteLen(16 << 12);
    const START: u64 = 0x4_0000_0000;

    /// A list of (first page in the aperture, pages).
    pub(crate) fn list(segments: &[(u64, u64)]) -> ScatterList {
        let segments: Vec<Segment> = segments
            .iter()
            .map(|&(at, pages)| Segment { address: BusAddress(START + (at << 12)), len: ByteLen(pages << 12) })
            .collect();
        ScatterList::new(segments, BusAddress(START)).unwrap()
    }

    #[test]
    fn a_page_is_found_forward_backward_and_at_random() {
        let list = list(&[(9, 2), (0, 1), (4, 3), (12, 1)]);
        let expected = [9, 10, 0, 4, 5, 6, 12];
        assert_eq!(list.check(APERTURE), Ok(PageCount(7)));
        let mut cursor = Cursor::new();
        for page in [0, 1, 2, 3, 4, 5, 6, 6, 5, 4, 3, 2, 1, 0, 6, 0, 3, 1, 5, 2, 4] {
            assert_eq!(cursor.seek(&list, PageIndex(page)), Ok(PageIndex(expected[page as usize]).offset()));
        }
    }

    #[test]
    fn past_the_end_is_a_fault_and_the_cursor_lives_on() {
        let list = list(&[(3, 1), (1, 1)]);
        let mut cursor = Cursor::new();
        for page in [2, u32::MAX] {
            assert_eq!(cursor.seek(&list, PageIndex(page)), Err(Fault::NullSegment { page: PageIndex(page) }));
            assert_eq!(cursor.seek(&list, PageIndex(0)), Ok(ByteOffset(3 << 12)));
        }
    }

    #[test]
    fn forward_and_backward_enter_every_segment_once() {
        let list = list(&[(0, 2), (4, 2), (8, 2), (12, 2)]);
        let mut cursor = Cursor::new();
        PageCount(8).indices().for_each(|page| assert!(cursor.seek(&list, page).is_ok()));
        assert_eq!(cursor.hops(), 4);
        PageCount(8).indices().rev().for_each(|page| assert!(cursor.seek(&list, page).is_ok()));
        assert_eq!(cursor.hops(), 7);
    }

    #[test]
    fn wrong_lists_are_told_apart() {
        let check = |address: u64, len: u64| {
            let segment = Segment { address: BusAddress(address), len: ByteLen(len) };
            ScatterList::new([segment], BusAddress(START)).unwrap().check(APERTURE).unwrap_err()
        };
        let outside = Error::OutsideAperture { segment: 0, aperture: APERTURE };
        assert_eq!(check(START - 4096, 4096), outside);
        assert_eq!(check(START + 16 * 4096, 4096), outside);
        assert_eq!(check(START + 15 * 4096, 2 * 4096), outside);
        assert_eq!(check(START, u64::MAX - 4095), outside);
        assert_eq!(check(START + 8, 4096), Error::MisalignedStart { segment: 0 });
        for length in [0, 1, 4095, 4097].map(ByteLen) {
            assert_eq!(check(START, length.0), Error::MisalignedLength { segment: 0, length });
        }
        let twice = list(&[(4, 2), (0, 1), (5, 1)]);
        assert_eq!(twice.check(APERTURE), Err(Error::SegmentsOverlap { first: 0, second: 2 }));
        assert_eq!(ScatterList::new([], BusAddress(0)), Err(Error::BadSegmentCount { segments: 0 }));
    }

    #[test]
    fn the_extents_of_a_range_are_its_bytes() {
        let list = list(&[(9, 2), (0, 1), (4, 3)]);
        let extents = |first, pages| -> Vec<_> {
            list.extents(PageIndex(first), PageCount(pages)).map(|(from, to)| (from >> 12, to >> 12)).collect()
        };
        assert_eq!(extents(0, 6), [(9, 11), (0, 1), (4, 7)]);
        assert_eq!(extents(1, 3), [(10, 11), (0, 1), (4, 5)]);
        assert_eq!(extents(4, 1), [(5, 6)]);
    }
}
