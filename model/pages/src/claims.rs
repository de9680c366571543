//! Who uses which pages of a buffer right now: any number of readers, or one writer. A second user is an error that can
//! be told, not a race. Noted once for a whole move, so that a page costs nothing.

use crate::{
    error::Error,
    units::{PageCount, PageIndex},
};
use std::{
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How many claims one buffer can bear at once. Fixed, so that taking one allocates nothing.
pub(crate) const MAX_CLAIMS: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    Read,
    Write,
}

#[derive(Clone, Copy, Debug)]
struct Claimed {
    first: u32,
    end: u32,
    access: Access,
}

impl Claimed {
    fn conflicts(&self, other: &Claimed) -> bool {
        let meet = self.first < other.end && other.first < self.end;
        meet && (self.access == Access::Write || other.access == Access::Write)
    }
}

/// Where a claim is noted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Slot(usize);

/// The claims on one buffer.
pub(crate) struct Claims(Mutex<[Option<Claimed>; MAX_CLAIMS]>);

impl Claims {
    pub(crate) fn none() -> Claims {
        Claims(Mutex::new([None; MAX_CLAIMS]))
    }

    /// No panic happens with the lock held, and a table of plain values is right after any: poison means nothing here.
    fn table(&self) -> MutexGuard<'_, [Option<Claimed>; MAX_CLAIMS]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(&self, pages: Range<u32>, access: Access) -> Result<Slot, Error> {
        let wanted = Claimed { first: pages.start, end: pages.end, access };
        let mut table = self.table();
        if table.iter().flatten().any(|held| held.conflicts(&wanted)) {
            let count = PageCount(pages.end.saturating_sub(pages.start));
            return Err(Error::Busy { first: PageIndex(pages.start), pages: count });
        }
        let free = table.iter().position(Option::is_none).ok_or(Error::TooManyClaims { limit: MAX_CLAIMS })?;
        table[free] = Some(wanted);
        Ok(Slot(free))
    }

    pub(crate) fn release(&self, slot: Slot) {
        let was = self.table()[slot.0].take();
        debug_assert!(was.is_some(), "a claim is released once");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_share_and_a_writer_does_not() {
        let claims = Claims::none();
        let reader = claims.take(0..4, Access::Read).unwrap();
        claims.take(2..6, Access::Read).unwrap();
        assert_eq!(claims.take(3..4, Access::Write), Err(Error::Busy { first: PageIndex(3), pages: PageCount(1) }));
        claims.take(6..8, Access::Write).unwrap();
        assert!(claims.take(7..9, Access::Read).is_err());
        claims.release(reader);
        claims.take(0..2, Access::Write).unwrap();
    }

    #[test]
    fn the_table_is_bounded() {
        let claims = Claims::none();
        for _ in 0..MAX_CLAIMS {
            claims.take(0..1, Access::Read).unwrap();
        }
        assert_eq!(claims.take(0..1, Access::Read), Err(Error::TooManyClaims { limit: MAX_CLAIMS }));
    }
}
