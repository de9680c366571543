//! Which page of an address space is mapped to what.
#![allow(unsafe_code)]

use super::{Touch, frame::Frame};
use crate::{
    error::{Error, Which},
    io,
    side::SpaceId,
    system::{SystemPages, WriteClaim},
    units::{PageCount, PageIndex},
};
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

/// A frame that is mapped somewhere.
#[derive(Clone)]
pub(super) struct Shown {
    claim: Arc<WriteClaim>,
    page: PageIndex,
    frame: u32,
}

impl Shown {
    /// The frame.
    pub(super) fn frame(&self) -> Frame {
        Frame::of(self.claim.buffer().arena(), self.frame)
    }
}

/// The entries of an address space.
pub(super) struct Table {
    entries: Vec<Option<Shown>>,
    /// The buffers of which something is mapped: each is claimed once, and whole.
    claimed: HashMap<SpaceId, Weak<WriteClaim>>,
}

impl Table {
    pub(super) fn new(pages: PageCount) -> Table {
        Table { entries: vec![None; pages.0 as usize], claimed: HashMap::new() }
    }

    pub(super) fn mapped(&self) -> PageCount {
        PageCount(self.entries.iter().flatten().count() as u32)
    }

    pub(super) fn shows(&self, at: PageIndex) -> Option<&Shown> {
        self.entries.get(at.0 as usize)?.as_ref()
    }

    /// The frame behind a page of a buffer, claimed.
    pub(super) fn claim(&mut self, of: &Arc<SystemPages>, page: PageIndex) -> Result<Shown, Error> {
        let frame = of.frame(page).ok_or(Error::Unpopulated { which: Which::Source })?;
        if let Some(claim) = self.claimed.get(&of.space()).and_then(Weak::upgrade) {
            return Ok(Shown { claim, page, frame });
        }
        let claim = Arc::new(of.write()?);
        self.claimed.insert(of.space(), Arc::downgrade(&claim));
        Ok(Shown { claim, page, frame })
    }

    pub(super) fn set(&mut self, at: PageIndex, shown: Shown) {
        self.entries[at.0 as usize] = Some(shown);
    }

    pub(super) fn clear(&mut self, first: PageIndex, pages: PageCount) {
        for entry in &mut self.entries[first.0 as usize..(first.0 + pages.0) as usize] {
            let Some(shown) = entry.take() else { continue };
            let space = shown.claim.buffer().space();
            drop(shown);
            if self.claimed.get(&space).is_some_and(|claim| claim.strong_count() == 0) {
                self.claimed.remove(&space);
            }
        }
    }

    /// Touches a word in software, if its page is mapped.
    pub(super) fn touch(&self, at: PageIndex, word: usize, how: Touch) -> Option<u64> {
        let shown = self.shows(at)?;
        let address = shown.claim.address(shown.page)?.cast::<u64>();
        debug_assert!(word < super::WORDS);
        // SAFETY: the word lies in the page (the caller has looked), which is aligned and mapped as long as it is
        // claimed; the claim keeps all references to it out, and words may race.
        unsafe {
            let address = address.as_ptr().add(word);
            match how {
                Touch::Read => Some(io::load64(address)),
                Touch::Write(value) => {
                    io::store64(address, value);
                    Some(value)
                }
            }
        }
    }
}
