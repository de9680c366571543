//! A frame of memory that can be laid anywhere: of an arena, or of an aperture.

use crate::{aperture::Aperture, run::Buffer, system::Arena, units::PageIndex};
use std::sync::Arc;

/// What it is a frame of.
#[derive(Clone)]
enum Memory {
    Arena(Arc<Arena>),
    Aperture(Arc<Aperture>),
}

/// A frame, by its number in its memory.
#[derive(Clone)]
pub(crate) struct Frame {
    of: Memory,
    number: u32,
}

impl PartialEq for Frame {
    fn eq(&self, other: &Frame) -> bool {
        let same = match (&self.of, &other.of) {
            (Memory::Arena(a), Memory::Arena(b)) => Arc::ptr_eq(a, b),
            (Memory::Aperture(a), Memory::Aperture(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        same && self.number == other.number
    }
}

impl Frame {
    /// A frame of an arena.
    pub(crate) fn of(arena: &Arc<Arena>, number: u32) -> Frame {
        Frame { of: Memory::Arena(Arc::clone(arena)), number }
    }

    /// The frame behind a page of a buffer, if that is there and starts at a page.
    pub(crate) fn behind(buffer: &Buffer, page: PageIndex) -> Option<Frame> {
        match buffer {
            Buffer::Tt(system) | Buffer::Memory(system) => Some(Frame::of(system.arena(), system.frame(page)?)),
            Buffer::Linear(aperture, first, len) => {
                let number = first.page().filter(|_| first.is_page_aligned())?.forward(page.0)?;
                let inside = page.offset().0 < len.0 && number.0 < aperture.pages().0;
                inside.then(|| Frame { of: Memory::Aperture(Arc::clone(aperture)), number: number.0 })
            }
            Buffer::Scatter(..) => None,
        }
    }

    /// The file that it lies in.
    #[cfg(all(target_os = "linux", not(miri), not(feature = "portable")))]
    pub(crate) fn file(&self) -> &rustix::fd::OwnedFd {
        match &self.of {
            Memory::Arena(arena) => arena.file(),
            Memory::Aperture(aperture) => aperture.file(),
        }
    }

    /// Where in that.
    #[cfg(all(target_os = "linux", not(miri), not(feature = "portable")))]
    pub(crate) fn offset(&self) -> u64 {
        u64::from(self.number) << crate::PAGE_SHIFT
    }
}
