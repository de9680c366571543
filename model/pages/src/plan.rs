//! A move is planned before it is made, and the plan is a value: what is to be done, and to which pages. All that can
//! be wrong is found here, before a byte is written.
//!
//! The same plan runs on real bytes ([`Move`](crate::Move)) and on abstract contents
//! ([`Plan::run_on`](crate::Plan::run_on)), which is how a model checker uses it.

use crate::{
    copy::{PageCopy, Stores},
    error::{Error, Which},
    io::Capability,
    posted::Platform,
    side::{Kind, Side},
    units::{ByteLen, PageCount, PageIndex},
};

/// Whose rules a move follows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Variant {
    /// Ours: upstream's rules, with everything looked at first and I/O memory touched by accessors alone.
    #[default]
    Checked,
    /// Document 000: the patch of 11 May 2021 as it was posted (`i915_ttm_move_memcpy()`). It asks the memory managers,
    /// not the iterators, whether there is anything to do; it has no notion of swapped-out pages; it clears and copies
    /// into I/O memory by plain pointers; and it trusts its caller for everything (see [`crate::posted`]).
    AsPosted,
    /// What was merged (`ttm_bo_move_memcpy()`, `ttm_move_memcpy()`, `drm_memcpy_from_wc()`): asks the iterators,
    /// brings swapped-out pages back first. The walk over a scatter list is the posted one, unchanged.
    Upstream,
}

/// What of the moving buffer's own pages (`bo->ttm`) the rules ask about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct TtFlags {
    /// The buffer asked for zeroed memory (`TTM_TT_FLAG_ZERO_ALLOC`).
    pub zero_alloc: bool,
    /// Its contents are in swap (`TTM_TT_FLAG_SWAPPED`).
    pub swapped: bool,
}

/// What a move does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// Nothing: both sides are the buffer's own system pages, the same ones.
    Nothing,
    /// The source never had contents and nobody asked for zeroes: the destination stays as it is.
    LeaveAlone,
    /// The source never had contents, and whoever reads the destination must not see somebody else's.
    Clear,
    /// Page by page, each of them as this says (where both sides are page-aligned).
    Copy(PageCopy),
}

/// What a plan is to be made of.
#[derive(Clone, Debug)]
pub struct Request {
    dst: Side,
    src: Side,
    range: Option<Range>,
    tt: Option<TtFlags>,
    variant: Variant,
    platform: Platform,
    capability: Capability,
    stores: Option<Stores>,
}

/// Some pages of each side.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Range {
    dst: PageIndex,
    src: PageIndex,
    pages: PageCount,
}

/// From how many bytes on a copy's stores go past the cache. Below, a string instruction does not read lines that it
/// overwrites either, and leaves them where they will be used.
const PAST_CACHE_FROM: ByteLen = ByteLen(32 << 20);

impl Request {
    /// A whole buffer, from `src` to `dst`, by our own rules, with what this CPU can do. The buffer has system pages
    /// that did not ask for zeroes ([`tt`](Self::tt) says otherwise).
    pub fn new(dst: Side, src: Side) -> Request {
        Request {
            dst,
            src,
            range: None,
            tt: Some(TtFlags::default()),
            variant: Variant::default(),
            platform: Platform::default(),
            capability: Capability::probe(),
            stores: None,
        }
    }

    /// The buffer's `bo->ttm`; `None` if it never had one.
    #[must_use]
    pub fn tt(self, tt: Option<TtFlags>) -> Request {
        Request { tt, ..self }
    }

    /// Some pages only: `pages` from `src` of the source to those from `dst` of the destination.
    #[must_use]
    pub fn range(self, dst: PageIndex, src: PageIndex, pages: PageCount) -> Request {
        Request { range: Some(Range { dst, src, pages }), ..self }
    }

    /// Whose rules.
    #[must_use]
    pub fn variant(self, variant: Variant) -> Request {
        Request { variant, ..self }
    }

    /// What kernel the posted walk is compiled for.
    #[must_use]
    pub fn platform(self, platform: Platform) -> Request {
        Request { platform, ..self }
    }

    /// What the CPU can do: no more than [`Capability::probe`] says.
    #[must_use]
    pub fn capability(self, capability: Capability) -> Request {
        Request { capability, ..self }
    }

    /// Whether what is written stays in the cache. Otherwise the size decides.
    #[must_use]
    pub fn stores(self, stores: Stores) -> Request {
        Request { stores: Some(stores), ..self }
    }

    /// Makes the plan. [`Variant::Checked`] looks at everything first; the kernel's variants look at what the kernel
    /// does.
    ///
    /// # Errors
    /// A side that cannot be walked ([`Error::OutsideAperture`], [`Error::MisalignedStart`],
    /// [`Error::MisalignedLength`], [`Error::SegmentsOverlap`], [`Error::WrongPageCount`], [`Error::BadSize`]);
    /// [`Error::SizeMismatch`]; [`Error::RangeOutside`]; [`Error::Overlap`]; [`Error::Unpopulated`];
    /// [`Error::SwappedOut`].
    pub fn plan(self) -> Result<Plan, Error> {
        match self.variant {
            Variant::Checked => self.plan_checked(),
            Variant::AsPosted | Variant::Upstream => self.plan_trusting(),
        }
    }

    fn plan_checked(self) -> Result<Plan, Error> {
        let range = self.checked_range()?;
        let action = self.action()?;
        let (writes, reads) = match action {
            Action::Nothing => (false, false),
            // Left alone or cleared, it is the destination's pages that somebody will read.
            Action::LeaveAlone | Action::Clear => (true, false),
            Action::Copy(_) => (true, true),
        };
        if reads && !self.src.is_populated() {
            return Err(Error::Unpopulated { which: Which::Source });
        }
        if writes && !self.dst.is_populated() {
            return Err(Error::Unpopulated { which: Which::Destination });
        }
        if reads && let Some(at) = Side::overlap((&self.dst, range.dst), (&self.src, range.src), range.pages) {
            return Err(Error::Overlap { at });
        }
        Ok(self.into_plan(action, range))
    }

    /// The pages to move, once both sides are known to have them.
    fn checked_range(&self) -> Result<Range, Error> {
        let destination = self.dst.check(Which::Destination)?;
        let source = self.src.check(Which::Source)?;
        let Some(range) = self.range else {
            if destination != source {
                return Err(Error::SizeMismatch { destination, source });
            }
            return Ok(Range { dst: PageIndex(0), src: PageIndex(0), pages: destination });
        };
        let pages = range.pages;
        for (which, first, size) in [(Which::Destination, range.dst, destination), (Which::Source, range.src, source)] {
            if first.forward(pages.0).is_none_or(|end| end.0 > size.0) {
                return Err(Error::RangeOutside { which, first, pages, size });
            }
        }
        if pages.0 == 0 {
            return Err(Error::BadSize { pages });
        }
        Ok(range)
    }

    /// What a kernel that trusts its caller plans: as many pages as the destination's resource says.
    fn plan_trusting(self) -> Result<Plan, Error> {
        let whole = Range { dst: PageIndex(0), src: PageIndex(0), pages: self.dst.stated };
        let range = self.range.unwrap_or(whole);
        // The one thing that we look at for it: that counting the pages comes to an end.
        let ends = [range.dst, range.src].map(|first| first.forward(range.pages.0));
        if range.pages > crate::MAX_PAGES || ends.contains(&None) {
            return Err(Error::BadSize { pages: range.pages });
        }
        let action = self.action()?;
        Ok(self.into_plan(action, range))
    }

    /// The rules for nothing to do, clear, leave alone and copy.
    fn action(&self) -> Result<Action, Error> {
        let (to_tt, from_tt) = match self.variant {
            // old_man->use_tt, man->use_tt
            Variant::AsPosted => (self.dst.manager_uses_tt, self.src.manager_uses_tt),
            // dst_ops->maps_tt, src_ops->maps_tt
            Variant::Checked | Variant::Upstream => (self.dst.maps_tt(), self.src.maps_tt()),
        };
        if to_tt && from_tt {
            return Ok(Action::Nothing);
        }
        if from_tt && (self.tt.is_none() || !self.src.is_populated()) {
            return match self.tt {
                // ttm_bo_move_memcpy() populates such pages before it asks; the posted patch does not know of them.
                Some(tt) if tt.swapped && self.variant != Variant::AsPosted => Err(Error::SwappedOut),
                Some(tt) if !tt.zero_alloc => Ok(Action::LeaveAlone),
                _ => Ok(Action::Clear),
            };
        }
        let (to, from) = (self.dst.kind(), self.src.kind());
        Ok(Action::Copy(PageCopy::choose(self.variant, self.capability, to, from, true)))
    }

    fn into_plan(self, action: Action, range: Range) -> Plan {
        let by_size = if range.pages.bytes() >= PAST_CACHE_FROM { Stores::PastCache } else { Stores::Cached };
        let stores = self.stores.unwrap_or(by_size);
        Plan {
            variant: self.variant,
            platform: self.platform,
            capability: self.capability,
            stores,
            action,
            range,
            dst: self.dst,
            src: self.src,
        }
    }
}

/// What is to be done, and to which pages. A value: it can be kept, compared, cut in pieces and run any number of
/// times, on bytes or on tags. Copying it does not copy its scatter lists.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    variant: Variant,
    platform: Platform,
    capability: Capability,
    stores: Stores,
    action: Action,
    range: Range,
    dst: Side,
    src: Side,
}

impl Plan {
    /// What it does.
    pub fn action(&self) -> Action {
        self.action
    }

    /// Whose rules it follows.
    pub fn variant(&self) -> Variant {
        self.variant
    }

    /// To how many pages. Nothing is done to them if the action is [`Action::Nothing`] or [`Action::LeaveAlone`].
    pub fn pages(&self) -> PageCount {
        self.range.pages
    }

    /// Its bytes.
    pub fn bytes(&self) -> ByteLen {
        self.range.pages.bytes()
    }

    /// The side that is written, and its first page.
    pub fn destination(&self) -> (&Side, PageIndex) {
        (&self.dst, self.range.dst)
    }

    /// The side that is read, and its first page.
    pub fn source(&self) -> (&Side, PageIndex) {
        (&self.src, self.range.src)
    }

    /// Whether what it writes stays in the cache.
    pub fn stores(&self) -> Stores {
        self.stores
    }

    /// A part of it: `pages` from the plan's `first` on. Parts of a plan that share no page can run at once.
    ///
    /// # Errors
    /// [`Error::RangeOutside`] if the plan has not so many; [`Error::BadSize`] for none.
    pub fn part(&self, first: PageIndex, pages: PageCount) -> Result<Plan, Error> {
        let size = self.range.pages;
        if first.forward(pages.0).is_none_or(|end| end.0 > size.0) {
            return Err(Error::RangeOutside { which: Which::Destination, first, pages, size });
        }
        if pages.0 == 0 {
            return Err(Error::BadSize { pages });
        }
        let moved = |at: PageIndex| PageIndex(at.0 + first.0);
        let range = Range { dst: moved(self.range.dst), src: moved(self.range.src), pages };
        Ok(Plan { range, ..self.clone() })
    }

    /// Whether it writes, and whether it reads.
    pub(crate) fn uses(&self) -> (bool, bool) {
        match self.action {
            Action::Nothing | Action::LeaveAlone => (false, false),
            Action::Clear => (true, false),
            Action::Copy(_) => (true, true),
        }
    }

    /// The kernel's platform, if it is the kernel's walk that finds the pages.
    pub(crate) fn posted_walk(&self) -> Option<Platform> {
        match self.variant {
            Variant::Checked => None,
            Variant::AsPosted | Variant::Upstream => Some(self.platform),
        }
    }

    /// How a page is copied whose two sides are aligned to 16, or are not.
    #[inline]
    pub(crate) fn page_copy(&self, aligned: bool) -> PageCopy {
        match self.action {
            Action::Copy(how) if aligned => how,
            _ => PageCopy::choose(self.variant, self.capability, self.dst.kind(), self.src.kind(), aligned),
        }
    }

    /// Whether I/O memory may be accessed by more than a word at once.
    pub(crate) fn has_wide_io(&self) -> bool {
        self.capability.streaming().is_some()
    }

    /// What clearing a page of the destination is: the posted patch takes it for I/O memory without asking.
    pub(crate) fn clears_memory_as_io(&self) -> bool {
        self.variant == Variant::AsPosted && self.dst.kind() == Kind::Memory
    }
}
