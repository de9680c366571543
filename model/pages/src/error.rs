//! What can go wrong. An [`Error`] is found before a byte is written; a [`Fault`] is what code that does not look
//! first runs into half way.

use crate::units::{ByteLen, ByteOffset, PageCount, PageIndex};
use std::fmt;

/// Which side of a move.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Which {
    /// What is written.
    Destination,
    /// What is read.
    Source,
}

/// Why memory could not be had, a move not planned, or a plan not started. **Not one byte has been written.**
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Error {
    /// More pages than [`MAX_PAGES`](crate::MAX_PAGES), or none at all.
    BadSize {
        /// How many were asked for.
        pages: PageCount,
    },
    /// The operating system refused memory.
    Os {
        /// The call.
        call: &'static str,
        /// Its `errno`.
        errno: i32,
    },
    /// The arena has not as many free pages (or not in a row).
    OutOfPages {
        /// How many were asked for.
        wanted: PageCount,
        /// How many are free.
        free: PageCount,
    },
    /// `populate()` of pages that are populated.
    AlreadyPopulated,
    /// More segments than [`MAX_SEGMENTS`](crate::MAX_SEGMENTS), or none.
    BadSegmentCount {
        /// How many.
        segments: usize,
    },
    /// A segment, or a linear range, does not lie inside the aperture (or before its list's start).
    OutsideAperture {
        /// Which segment; zero for a linear range.
        segment: usize,
        /// The aperture's size.
        aperture: ByteLen,
    },
    /// A segment, or a linear range, does not start at a page.
    MisalignedStart {
        /// Which segment; zero for a linear range.
        segment: usize,
    },
    /// The length of a segment, or of a linear range, is no whole number of pages, or zero.
    MisalignedLength {
        /// Which segment; zero for a linear range.
        segment: usize,
        /// Its length.
        length: ByteLen,
    },
    /// Two segments of one list share a page.
    SegmentsOverlap {
        /// The one that begins first in the aperture.
        first: usize,
        /// The one that begins in it.
        second: usize,
    },
    /// A resource says that it has so many pages, and its segments say otherwise.
    WrongPageCount {
        /// Whose.
        which: Which,
        /// What it says.
        stated: PageCount,
        /// What there is.
        found: PageCount,
    },
    /// Destination and source are not of the same size.
    SizeMismatch {
        /// Pages to write.
        destination: PageCount,
        /// Pages to read.
        source: PageCount,
    },
    /// A sub-range that does not lie inside its buffer.
    RangeOutside {
        /// Whose.
        which: Which,
        /// Its first page.
        first: PageIndex,
        /// Its pages.
        pages: PageCount,
        /// The buffer's pages.
        size: PageCount,
    },
    /// Destination and source share a page.
    Overlap {
        /// Where, in the memory that they share.
        at: ByteOffset,
    },
    /// System pages that were never populated.
    Unpopulated {
        /// Whose.
        which: Which,
    },
    /// The source was swapped out: neither pages to read nor contents to forget.
    SwappedOut,
    /// Somebody uses some of these pages, and one of the two writes.
    Busy {
        /// The page from which on they were wanted.
        first: PageIndex,
        /// How many were wanted.
        pages: PageCount,
    },
    /// So many moves use these pages that one more cannot be noted.
    TooManyClaims {
        /// How many can.
        limit: usize,
    },
    /// A plan was given a buffer that it was not made for.
    NotThePlansBuffer {
        /// Which.
        which: Which,
    },
    /// The processor lets an access through where no entry is, or none where one is.
    Disagrees {
        /// The page of the address space.
        page: PageIndex,
        /// There is an entry.
        there: bool,
    },
    /// The queue of the workers is full.
    QueueFull {
        /// How many jobs it holds.
        limit: usize,
    },
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Which::Destination => "destination",
            Which::Source => "source",
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Error::BadSize { pages } => write!(f, "{pages} cannot be had: at least one, at most {}", crate::MAX_PAGES),
            Error::Os { call, errno } => write!(f, "{call}: errno {errno}"),
            Error::OutOfPages { wanted, free } => write!(f, "{wanted} wanted, {free} free"),
            Error::AlreadyPopulated => f.write_str("these pages are populated already"),
            Error::BadSegmentCount { segments } => {
                write!(f, "{segments} segments: at least one, at most {}", crate::MAX_SEGMENTS)
            }
            Error::OutsideAperture { segment, aperture } => {
                write!(f, "segment {segment} does not lie inside the aperture of {aperture}")
            }
            Error::MisalignedStart { segment } => write!(f, "segment {segment} does not start at a page"),
            Error::MisalignedLength { segment, length } => {
                write!(f, "segment {segment} is {length} long: one or more whole pages are needed")
            }
            Error::SegmentsOverlap { first, second } => write!(f, "segments {first} and {second} share a page"),
            Error::WrongPageCount { which, stated, found } => {
                write!(f, "the {which} says {stated}, its memory has {found}")
            }
            Error::SizeMismatch { destination, source } => write!(f, "{source} do not go into {destination}"),
            Error::RangeOutside { which, first, pages, size } => {
                write!(f, "{pages} from {first} on do not lie inside the {which} of {size}")
            }
            Error::Overlap { at } => write!(f, "destination and source share the page at {at}"),
            Error::Unpopulated { which } => write!(f, "the {which} has no pages yet"),
            Error::SwappedOut => f.write_str("the source is swapped out: populate it first"),
            Error::Busy { first, pages } => write!(f, "{pages} from {first} on are in use"),
            Error::TooManyClaims { limit } => write!(f, "more than {limit} moves use these pages at once"),
            Error::NotThePlansBuffer { which } => write!(f, "the plan was made for another {which}"),
            Error::Disagrees { page, there: true } => write!(f, "{page} is mapped, and faults all the same"),
            Error::Disagrees { page, there: false } => write!(f, "{page} is not mapped, and was touched all the same"),
            Error::QueueFull { limit } => write!(f, "the queue holds {limit} jobs, and is full"),
        }
    }
}

impl std::error::Error for Error {}

/// What a kernel that trusts its caller runs into in the middle of a move. Only the kernel's variants have them
/// ([`Variant::AsPosted`](crate::Variant::AsPosted), [`Variant::Upstream`](crate::Variant::Upstream)): a plan of
/// [`Variant::Checked`](crate::Variant::Checked) cannot fail once it is made.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The scatter list ended before the pages did: `sg_dma_len()` of the NULL that `sg_next()` returned.
    NullSegment {
        /// The page that was asked for.
        page: PageIndex,
    },
    /// `kmap_local_page()` of a page pointer that was never set.
    NullPage {
        /// The page that was asked for.
        page: PageIndex,
    },
    /// `pages[i]` past the end of the array.
    PageArrayOverrun {
        /// The page that was asked for.
        page: PageIndex,
    },
    /// An address outside the aperture: whatever is mapped there, or an oops (32-bit: `BUG_ON()`).
    OutsideAperture {
        /// The page that was asked for.
        page: PageIndex,
        /// Where it was thought to be.
        offset: ByteOffset,
    },
    /// More mappings at once than [`Kmap::MAX_DEPTH`](crate::Kmap::MAX_DEPTH).
    KmapExhausted,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Fault::NullSegment { page } => write!(f, "{page}: the scatter list has ended (NULL dereference)"),
            Fault::NullPage { page } => write!(f, "{page}: not populated (NULL dereference)"),
            Fault::PageArrayOverrun { page } => write!(f, "{page}: past the end of the page array"),
            Fault::OutsideAperture { page, offset } => write!(f, "{page}: at {offset}, outside the aperture"),
            Fault::KmapExhausted => f.write_str("too many local mappings at once"),
        }
    }
}

impl std::error::Error for Fault {}

/// A move that ran into a [`Fault`]: what was written before it stays written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Stopped {
    /// What it ran into.
    pub fault: Fault,
    /// How many pages were written before.
    pub written: PageCount,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (after {} written)", self.fault, self.written)
    }
}

impl std::error::Error for Stopped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.fault)
    }
}
