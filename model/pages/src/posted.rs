//! The scatter-list walk of document 000's patch, mistakes and all, told in our own words; upstream took it over as it
//! is.
//!
//! What it trusts its caller for, and what happens otherwise (each with a test in `tests/posted.rs`):
//!
//! * *that segments are whole pages*: a rest is shifted away (`len >> PAGE_SHIFT`), so every later page is looked for
//!   in the wrong segment, and a segment shorter than a page is passed over without a word;
//! * *that they start at a page*: on 64 bits the page begins in the middle of one; on 32 bits, where the mapping goes
//!   by page frames, it is the page around it, and other bytes are copied;
//! * *that they lie in the aperture*: the difference to its start is taken unsigned and never looked at;
//! * *that there are as many pages as the resource says*: the list's end is a NULL that is dereferenced, half way;
//! * *that the aperture is less than 4 GiB on 32 bits*: the cached offset, in bytes, is kept in a `pgoff_t`;
//! * *that nobody walks backward much*: an earlier page rewinds to the first segment.

use crate::{
    error::Fault,
    scatter::ScatterList,
    units::{ByteLen, ByteOffset, PAGE_SHIFT, PAGE_SIZE, PageIndex},
};

/// What kernel the posted code is compiled for: `pgoff_t` and the way a page of an aperture is mapped depend on it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Platform {
    /// `pgoff_t` of 64 bits; the aperture is mapped whole, and a page's address is base and offset.
    #[default]
    Bits64,
    /// `pgoff_t` of 32 bits; a page is mapped by its frame number, after `BUG_ON(offset >= size)`.
    Bits32,
}

/// The walk's cache: `cache.sg`, `cache.i`, `cache.end`, `cache.offs`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PostedCursor {
    platform: Platform,
    sg: Option<usize>,
    i: u64,
    end: u64,
    offs: u64,
    hops: u64,
}

impl PostedCursor {
    /// Before the first page: everything zero.
    pub fn new(platform: Platform) -> PostedCursor {
        PostedCursor { platform, ..PostedCursor::default() }
    }

    /// How often it went to another segment.
    pub fn hops(&self) -> u64 {
        self.hops
    }

    /// Where in the aperture the posted code thinks that a page starts.
    ///
    /// # Errors
    /// [`Fault::NullSegment`] and [`Fault::OutsideAperture`], where the kernel would have oopsed.
    #[inline]
    pub fn seek(&mut self, list: &ScatterList, aperture: ByteLen, page: PageIndex) -> Result<ByteOffset, Fault> {
        let i = u64::from(page.0);
        self.enter_forward(list, page)?;
        if i < self.i {
            // Rewind: sg = NULL, end = 0, retry.
            self.sg = None;
            self.end = 0;
            self.enter_forward(list, page)?;
        }
        let offset = self.truncate(self.offs.wrapping_add((i - self.i) << PAGE_SHIFT));
        self.map(aperture, page, offset)
    }

    fn enter_forward(&mut self, list: &ScatterList, page: PageIndex) -> Result<(), Fault> {
        while u64::from(page.0) >= self.end {
            // sg_next() of the last segment is NULL, and the next line reads its length.
            let next = self.sg.map_or(0, |sg| sg + 1);
            let segment = list.segments().get(next).ok_or(Fault::NullSegment { page })?;
            self.sg = Some(next);
            self.i = self.end;
            self.end = self.truncate(self.end.wrapping_add(segment.len.0 >> PAGE_SHIFT));
            self.offs = self.truncate(segment.address.0.wrapping_sub(list.start().0));
            self.hops += 1;
        }
        Ok(())
    }

    /// What a `pgoff_t` (an `unsigned long`) keeps of a number.
    fn truncate(&self, number: u64) -> u64 {
        match self.platform {
            Platform::Bits64 => number,
            Platform::Bits32 => u64::from(number as u32),
        }
    }

    /// `io_mapping_map_local_wc()`.
    fn map(&self, aperture: ByteLen, page: PageIndex, offset: u64) -> Result<ByteOffset, Fault> {
        let mapped = match self.platform {
            Platform::Bits64 => offset,
            Platform::Bits32 => offset >> PAGE_SHIFT << PAGE_SHIFT,
        };
        match mapped.checked_add(PAGE_SIZE as u64) {
            Some(end) if end <= aperture.0 => Ok(ByteOffset(mapped)),
            _ => Err(Fault::OutsideAperture { page, offset: ByteOffset(offset) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PageCount, scatter::tests::list};

    #[test]
    fn on_a_good_list_it_finds_every_page_in_any_order() {
        let list = list(&[(9, 2), (0, 1), (4, 3), (12, 1)]);
        let expected = [9, 10, 0, 4, 5, 6, 12];
        for platform in [Platform::Bits64, Platform::Bits32] {
            let mut cursor = PostedCursor::new(platform);
            for page in [0, 1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1, 0, 6, 0, 3, 1] {
                let found = cursor.seek(&list, ByteLen(16 << 12), PageIndex(page));
                assert_eq!(found, Ok(PageIndex(expected[page as usize]).offset()));
            }
        }
    }

    #[test]
    fn backward_it_rewinds_and_enters_a_quadratic_number_of_segments() {
        let list = list(&[(0, 1), (2, 1), (4, 1), (6, 1), (8, 1), (10, 1), (12, 1), (14, 1)]);
        let mut posted = PostedCursor::new(Platform::Bits64);
        let mut ours = crate::Cursor::new();
        for page in PageCount(8).indices().rev() {
            let expected = ours.seek(&list, page);
            assert_eq!(posted.seek(&list, ByteLen(16 << 12), page), expected);
        }
        // 8 to the last, then 7 + 6 + ... + 1 from the start again.
        assert_eq!((posted.hops(), ours.hops()), (36, 15));
    }
}
