//! Which page of an address space is mapped to what.
#![allow(unsafe_code)]

use super::Touch;
use crate::{
    error::{Error, Which},
    io,
    side::SpaceId,
    system::{Arena, SystemPages, WriteClaim},
    units::{PageCount, PageIndex},
};
use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

/// A frame that is mapped somewhere.
pub(super) struct Shown {
    claim: WriteClaim,
    page: PageIndex,
    frame: u32,
}

impl Shown {
    /// Its number in its arena.
    pub(super) fn frame(&self) -> u32 {
        self.frame
    }

    /// The arena that it is in.
    pub(super) fn arena(&self) -> &Arc<Arena> {
        self.claim.buffer().arena()
    }
}

/// The entries of an address space.
pub(super) struct Table {
    entries: Vec<Option<Arc<Shown>>>,
    /// What is mapped, by buffer and page: mapped twice it is claimed once.
    claimed: HashMap<(SpaceId, PageIndex), Weak<Shown>>,
}

impl Table {
    pub(super) fn new(pages: PageCount) -> Table {
        Table { entries: vec![None; pages.0 as usize], claimed: HashMap::new() }
    }

    pub(super) fn mapped(&self) -> PageCount {
        PageCount(self.entries.iter().flatten().count() as u32)
    }

    pub(super) fn shows(&self, at: PageIndex) -> Option<&Arc<Shown>> {
        self.entries.get(at.0 as usize)?.as_ref()
    }

    /// The frame behind a page of a buffer, claimed.
    pub(super) fn claim(&mut self, of: &Arc<SystemPages>, page: PageIndex) -> Result<Arc<Shown>, Error> {
        let key = (of.space(), page);
        if let Some(shown) = self.claimed.get(&key).and_then(Weak::upgrade) {
            return Ok(shown);
        }
        let claim = of.write_range(page, PageCount(1))?;
        let frame = of.frame(page).ok_or(Error::Unpopulated { which: Which::Source })?;
        let shown = Arc::new(Shown { claim, page, frame });
        self.claimed.insert(key, Arc::downgrade(&shown));
        Ok(shown)
    }

    pub(super) fn set(&mut self, at: PageIndex, shown: Arc<Shown>) {
        self.entries[at.0 as usize] = Some(shown);
    }

    pub(super) fn clear(&mut self, first: PageIndex, pages: PageCount) {
        for entry in &mut self.entries[first.0 as usize..(first.0 + pages.0) as usize] {
            if let Some(shown) = entry.take().and_then(Arc::into_inner) {
                self.claimed.remove(&(shown.claim.buffer().space(), shown.page));
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
