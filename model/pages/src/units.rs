//! Pages, offsets and lengths, each its own type: the posted patch keeps a byte offset in a `pgoff_t`, and says pages.

use std::fmt;

/// log2 of [`PAGE_SIZE`].
pub const PAGE_SHIFT: u32 = 12;

/// Bytes in a page.
pub const PAGE_SIZE: usize = 1 << PAGE_SHIFT;

/// The most pages that one arena, aperture, buffer or move may have: 16 GiB of them.
pub const MAX_PAGES: PageCount = PageCount(1 << 22);

/// The most segments of a scatter list.
pub const MAX_SEGMENTS: usize = 1 << 20;

/// One page of system memory.
pub type Page = [u8; PAGE_SIZE];

/// A number of pages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PageCount(pub u32);

/// Which page of a buffer, from zero (a `pgoff_t`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PageIndex(pub u32);

/// Bytes from the start of an aperture or a buffer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ByteOffset(pub u64);

/// A number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ByteLen(pub u64);

/// An address as a device sees it (`dma_addr_t`). Where in the aperture that is depends on the start of its
/// [`ScatterList`](crate::ScatterList).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct BusAddress(pub u64);

impl PageCount {
    /// These pages in bytes.
    pub const fn bytes(self) -> ByteLen {
        ByteLen((self.0 as u64) << PAGE_SHIFT)
    }

    /// The indices of a buffer of so many pages.
    pub fn indices(self) -> impl DoubleEndedIterator<Item = PageIndex> + ExactSizeIterator {
        (0..self.0).map(PageIndex)
    }
}

impl PageIndex {
    /// Where this page starts.
    pub const fn offset(self) -> ByteOffset {
        ByteOffset((self.0 as u64) << PAGE_SHIFT)
    }

    /// The page `pages` further on; `None` past the end of what can be counted.
    pub const fn forward(self, pages: u32) -> Option<PageIndex> {
        match self.0.checked_add(pages) {
            Some(page) => Some(PageIndex(page)),
            None => None,
        }
    }
}

impl ByteOffset {
    /// The page that this byte lies in; `None` if no page number can say it.
    pub fn page(self) -> Option<PageIndex> {
        u32::try_from(self.0 >> PAGE_SHIFT).ok().map(PageIndex)
    }

    /// Whether a page starts here.
    pub const fn is_page_aligned(self) -> bool {
        self.0.is_multiple_of(PAGE_SIZE as u64)
    }
}

impl ByteLen {
    /// As whole pages; `None` if there is a rest, or there are too many.
    pub fn pages(self) -> Option<PageCount> {
        if !self.0.is_multiple_of(PAGE_SIZE as u64) {
            return None;
        }
        u32::try_from(self.0 >> PAGE_SHIFT).ok().map(PageCount)
    }
}

impl fmt::Display for PageCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} page{}", self.0, if self.0 == 1 { "" } else { "s" })
    }
}

impl fmt::Display for PageIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "page {}", self.0)
    }
}

impl fmt::Display for ByteOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Display for ByteLen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}

impl fmt::Display for BusAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
