//! What a mover knows of each side of a move: not the memory, only its shape. A plan is made from two of these.

use crate::{
    error::{Error, Which},
    scatter::ScatterList,
    units::{ByteLen, ByteOffset, MAX_PAGES, PageCount, PageIndex},
};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Which memory: the pages of one buffer, or one aperture. Two sides overlap only if this is the same.
///
/// Real memory numbers itself, from 2^32 on. A model checker that has no real memory gives numbers of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SpaceId(pub u64);

impl SpaceId {
    pub(crate) fn fresh() -> SpaceId {
        static NEXT: AtomicU64 = AtomicU64::new(1 << 32);
        SpaceId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The two kinds of memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Ordinary memory, read and written by anything.
    Memory,
    /// I/O memory, touched through accessors alone.
    Io,
}

/// Where the pages of a side lie.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Shape {
    /// System pages.
    System {
        /// How many.
        pages: PageCount,
        /// Whether they are there.
        populated: bool,
        /// Whether they are the moving buffer's own (`maps_tt`): a move between two such sides has nothing to do.
        maps_tt: bool,
    },
    /// Segments of an aperture.
    Scatter {
        /// The segments.
        list: Arc<ScatterList>,
        /// The aperture's size.
        aperture: ByteLen,
    },
    /// A stretch of an aperture.
    Linear {
        /// Where it starts.
        first: ByteOffset,
        /// Its length.
        len: ByteLen,
        /// The aperture's size.
        aperture: ByteLen,
    },
}

/// One side of a move.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Side {
    /// Which memory.
    pub space: SpaceId,
    /// What its resource says of its size (`num_pages`).
    pub stated: PageCount,
    /// Whether its memory manager keeps buffers in their own system pages (`use_tt`). What the posted patch looks at;
    /// what came later asks the iterator instead ([`Shape::System::maps_tt`]).
    pub manager_uses_tt: bool,
    /// Where its pages lie.
    pub shape: Shape,
}

impl Side {
    /// The system pages of the moving buffer itself (a `ttm_tt`).
    pub fn tt(space: SpaceId, pages: PageCount, populated: bool) -> Side {
        let shape = Shape::System { pages, populated, maps_tt: true };
        Side { space, stated: pages, manager_uses_tt: true, shape }
    }

    /// Other system memory: a carve-out, or another buffer's pages.
    pub fn memory(space: SpaceId, pages: PageCount, populated: bool) -> Side {
        let shape = Shape::System { pages, populated, maps_tt: false };
        Side { space, stated: pages, manager_uses_tt: false, shape }
    }

    /// Segments of an aperture, whose resource says that it has `stated` pages.
    pub fn scatter(space: SpaceId, list: Arc<ScatterList>, aperture: ByteLen, stated: PageCount) -> Side {
        Side { space, stated, manager_uses_tt: false, shape: Shape::Scatter { list, aperture } }
    }

    /// A stretch of an aperture.
    pub fn linear(space: SpaceId, first: ByteOffset, len: ByteLen, aperture: ByteLen) -> Side {
        let stated = PageCount((len.0 >> crate::PAGE_SHIFT).min(u64::from(u32::MAX)) as u32);
        Side { space, stated, manager_uses_tt: false, shape: Shape::Linear { first, len, aperture } }
    }

    /// Memory or I/O memory.
    pub fn kind(&self) -> Kind {
        match self.shape {
            Shape::System { .. } => Kind::Memory,
            Shape::Scatter { .. } | Shape::Linear { .. } => Kind::Io,
        }
    }

    /// Whether these are the moving buffer's own system pages.
    pub fn maps_tt(&self) -> bool {
        matches!(self.shape, Shape::System { maps_tt: true, .. })
    }

    /// Whether its pages are there; those of an aperture always are.
    pub fn is_populated(&self) -> bool {
        !matches!(self.shape, Shape::System { populated: false, .. })
    }

    /// Looks at everything that its iterator will rely on, and says how many pages it has.
    pub(crate) fn check(&self, which: Which) -> Result<PageCount, Error> {
        let found = match &self.shape {
            Shape::System { pages, .. } => *pages,
            Shape::Scatter { list, aperture } => list.check(*aperture)?,
            Shape::Linear { first, len, aperture } => check_linear(*first, *len, *aperture)?,
        };
        if found.0 == 0 || found > MAX_PAGES {
            return Err(Error::BadSize { pages: found });
        }
        if found != self.stated {
            return Err(Error::WrongPageCount { which, stated: self.stated, found });
        }
        Ok(found)
    }

    /// The stretches of its memory that some pages lie in, in bytes. Of a side that was checked.
    fn extents(&self, first: PageIndex, pages: PageCount) -> Vec<(u64, u64)> {
        match &self.shape {
            Shape::Scatter { list, .. } => list.extents(first, pages).collect(),
            Shape::System { .. } | Shape::Linear { .. } => self.stretch(first, pages).into_iter().collect(),
        }
    }

    /// The same of a side whose pages lie in a row.
    fn stretch(&self, first: PageIndex, pages: PageCount) -> Option<(u64, u64)> {
        let from = match &self.shape {
            Shape::System { .. } => first.offset().0,
            Shape::Linear { first: start, .. } => start.0 + first.offset().0,
            Shape::Scatter { .. } => return None,
        };
        Some((from, from + pages.bytes().0))
    }

    /// The first byte that some pages of two checked sides share.
    pub(crate) fn overlap(
        (a, a_first): (&Side, PageIndex),
        (b, b_first): (&Side, PageIndex),
        pages: PageCount,
    ) -> Option<ByteOffset> {
        if a.space != b.space {
            return None;
        }
        if let (Some(a), Some(b)) = (a.stretch(a_first, pages), b.stretch(b_first, pages)) {
            return (a.0 < b.1 && b.0 < a.1).then_some(ByteOffset(a.0.max(b.0)));
        }
        let (mut xs, mut ys) = (a.extents(a_first, pages), b.extents(b_first, pages));
        xs.sort_unstable();
        ys.sort_unstable();
        let (mut x, mut y) = (0, 0);
        while let (Some(&(x_from, x_to)), Some(&(y_from, y_to))) = (xs.get(x), ys.get(y)) {
            if x_from < y_to && y_from < x_to {
                return Some(ByteOffset(x_from.max(y_from)));
            }
            if x_to <= y_to {
                x += 1;
            } else {
                y += 1;
            }
        }
        None
    }
}

fn check_linear(first: ByteOffset, len: ByteLen, aperture: ByteLen) -> Result<PageCount, Error> {
    if !first.is_page_aligned() {
        return Err(Error::MisalignedStart { segment: 0 });
    }
    if first.0.checked_add(len.0).is_none_or(|end| end > aperture.0) {
        return Err(Error::OutsideAperture { segment: 0, aperture });
    }
    len.pages().filter(|pages| pages.0 > 0).ok_or(Error::MisalignedLength { segment: 0, length: len })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scatter::tests::list;

    const APERTURE: ByteLen = ByteLen(16 << 12);

    #[test]
    fn a_linear_range_is_checked() {
        let check =
            |first, len| Side::linear(SpaceId(1), ByteOffset(first), ByteLen(len), APERTURE).check(Which::Source);
        assert_eq!(check(4096, 8192), Ok(PageCount(2)));
        assert_eq!(check(15 << 12, 4096), Ok(PageCount(1)));
        let outside = Err(Error::OutsideAperture { segment: 0, aperture: APERTURE });
        assert_eq!(check(15 << 12, 8192), outside);
        assert_eq!(check(u64::MAX - 4095, 8192), outside);
        assert_eq!(check(64, 4096), Err(Error::MisalignedStart { segment: 0 }));
        assert_eq!(check(0, 0), Err(Error::MisalignedLength { segment: 0, length: ByteLen(0) }));
        assert_eq!(check(0, 100), Err(Error::MisalignedLength { segment: 0, length: ByteLen(100) }));
    }

    #[test]
    fn a_resource_that_lies_about_its_size_is_told() {
        let side = Side::scatter(SpaceId(1), Arc::new(list(&[(0, 2)])), APERTURE, PageCount(3));
        let (stated, found) = (PageCount(3), PageCount(2));
        assert_eq!(side.check(Which::Source), Err(Error::WrongPageCount { which: Which::Source, stated, found }));
    }

    #[test]
    fn pages_in_a_row_overlap_where_they_share_one() {
        let memory = Side::memory(SpaceId(1), PageCount(8), true);
        let linear = Side::linear(SpaceId(1), ByteOffset(4096), ByteLen(2 << 12), APERTURE);
        let overlap = |a, b, n| Side::overlap((&memory, PageIndex(a)), b, PageCount(n));
        assert_eq!(overlap(0, (&memory, PageIndex(2)), 2), None);
        assert_eq!(overlap(0, (&memory, PageIndex(2)), 3), Some(ByteOffset(2 << 12)));
        assert_eq!(overlap(2, (&linear, PageIndex(0)), 2), Some(ByteOffset(2 << 12)));
        assert_eq!(overlap(3, (&linear, PageIndex(0)), 2), None);
    }

    #[test]
    fn overlap_is_of_bytes_in_the_same_memory() {
        let scatter = |segments: &[(u64, u64)]| {
            let pages = PageCount(segments.iter().map(|s| s.1 as u32).sum());
            Side::scatter(SpaceId(1), Arc::new(list(segments)), APERTURE, pages)
        };
        let (a, b) = (scatter(&[(8, 2), (0, 2)]), scatter(&[(2, 2), (9, 2)]));
        let overlap = |i, j, n| Side::overlap((&a, PageIndex(i)), (&b, PageIndex(j)), PageCount(n));
        assert_eq!(overlap(0, 0, 4), Some(ByteOffset(9 << 12)));
        assert_eq!(overlap(2, 0, 2), None);
        assert_eq!(overlap(1, 2, 1), Some(ByteOffset(9 << 12)));
        assert_eq!(overlap(0, 2, 1), None);
        let elsewhere = Side { space: SpaceId(2), ..a.clone() };
        assert_eq!(Side::overlap((&a, PageIndex(0)), (&elsewhere, PageIndex(0)), PageCount(4)), None);
    }
}
