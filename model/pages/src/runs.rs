//! A checked plan's pages on real memory, many at once: pages that follow each other on both sides are one copy, and
//! past the cache four pages are copied in turns.
//!
//! What a move *is* stays a page after a page (`kmap.rs`; [`Plan::steps`](crate::Plan::steps)): each page of the plan
//! is found once, in the plan's order, destination before source, and copied once. But nobody can tell in what order
//! bytes come to be there until progress is told, and a checked plan meets no fault half way. So how many are copied at
//! once is free. The kernel's variants, which can stop at any page, take [`run`](crate::run)'s way page by page.
#![allow(unsafe_code)]

use crate::{
    bulk::{self, AT_ONCE, Able, Loads, Pair},
    contents::Done,
    copy::{PageCopy, Stores},
    error::{Fault, Stopped},
    io,
    plan::{Action, Plan, Variant},
    run::{CHUNK, in_chunks},
    units::{ByteLen, PAGE_SIZE, Page, PageCount, PageIndex},
};
use std::{ops::Range, ptr::NonNull};

/// Pages in a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stretch {
    /// The first one: at a multiple of a page's size, in memory that stays mapped as long as what told it lives.
    pub(crate) at: NonNull<Page>,
    /// How many, one at least.
    pub(crate) pages: u32,
}

/// Pages whose addresses can be had: of memory that is claimed, or of I/O memory.
pub(crate) trait Addresses {
    /// Where a page lies, and how many lie in a row from it on: at most so many, or fewer than there are.
    fn stretch(&mut self, page: PageIndex, most: u32) -> Result<Stretch, Fault>;
}

/// Up to how many bytes vectors copy single pages faster than a string instruction: what a second-level cache keeps.
const SMALL: ByteLen = ByteLen(1 << 20);

/// How pages are copied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum How {
    /// Memory to memory, or I/O memory by aligned words (`rep movsq`).
    Words { memory: bool, single_by_vectors: Option<Able> },
    /// By vectors.
    Vectors(Able),
    /// By vectors, past the cache.
    PastCache(Able, Loads),
}

/// How a plan's pages are copied many at once; `None` where they must not be, or this CPU cannot.
#[inline]
pub(crate) fn how(plan: &Plan) -> Option<How> {
    if plan.variant() != Variant::Checked {
        return None;
    }
    let able = Able::probe()?;
    let Action::Copy(copy) = plan.action() else { return None };
    let memory = copy == PageCopy::Memory;
    let streaming = copy == PageCopy::FromIoStreaming;
    // Who asked for words gets nothing else of I/O memory.
    let wide = memory || plan.has_wide_io();
    Some(match plan.stores() {
        Stores::PastCache if wide => How::PastCache(able, if streaming { Loads::Streaming } else { Loads::Plain }),
        Stores::Cached if streaming => How::Vectors(able),
        _ => How::Words { memory, single_by_vectors: Some(able).filter(|_| wide && plan.bytes() <= SMALL) },
    })
}

/// The pages of one side, found in order, each once.
struct Way<'p, P> {
    of: &'p mut P,
    first: PageIndex,
    /// How many there are, and how many of them are behind us.
    pages: u32,
    gone: u32,
    /// What comes next; nothing at the end.
    here: Option<Stretch>,
}

impl<'p, P: Addresses> Way<'p, P> {
    fn begin(of: &'p mut P, first: PageIndex, pages: PageCount) -> Result<Way<'p, P>, Fault> {
        let here = Some(of.stretch(first, pages.0)?);
        Ok(Way { of, first, pages: pages.0, gone: 0, here })
    }

    /// Goes past so many pages, no more than lie in a row here.
    #[inline(always)]
    fn pass(&mut self, pages: u32) -> Result<(), Fault> {
        self.gone += pages;
        self.here = match self.here {
            Some(Stretch { at, pages: row }) if row > pages => {
                // Inside of the row: no further than its last page.
                Some(Stretch {
                    at: at.map_addr(|at| at.saturating_add(pages as usize * PAGE_SIZE)),
                    pages: row - pages,
                })
            }
            _ if self.gone == self.pages => None,
            _ => Some(self.of.stretch(PageIndex(self.first.0 + self.gone), self.pages - self.gone)?),
        };
        Ok(())
    }
}

/// Both sides.
struct Ways<'p, T, F> {
    to: Way<'p, T>,
    from: Way<'p, F>,
}

impl<T: Addresses, F: Addresses> Ways<'_, T, F> {
    /// The pages that come next, and how many lie in a row on both sides; nothing at the end.
    #[inline(always)]
    fn here(&self) -> Option<(Pair, u32)> {
        let (to, from) = self.to.here.zip(self.from.here)?;
        Some((Pair { to: to.at, from: from.at }, to.pages.min(from.pages)))
    }

    #[inline(always)]
    fn pass(&mut self, pages: u32) -> Result<(), Stopped> {
        let written = PageCount(self.to.gone);
        self.to.pass(pages).and_then(|()| self.from.pass(pages)).map_err(|fault| Stopped { fault, written })
    }

    /// Goes past a chunk of pages, or as many as there are, and says which they are and how many.
    #[inline(never)]
    fn take(&mut self, chunk: &mut [Pair; CHUNK as usize]) -> Result<usize, Stopped> {
        let mut count = 0;
        while count < chunk.len()
            && let Some((pair, _)) = self.here()
        {
            chunk[count] = pair;
            count += 1;
            self.pass(1)?;
        }
        Ok(count)
    }
}

/// Copies the pages of a plan as [`how`] says.
pub(crate) fn copy(
    plan: &Plan,
    how: How,
    to: &mut impl Addresses,
    from: &mut impl Addresses,
    progress: &mut dyn FnMut(ByteLen),
) -> Result<Done, Stopped> {
    let to = Way::begin(to, plan.destination().1, plan.pages());
    let from = Way::begin(from, plan.source().1, plan.pages());
    let ways = to.and_then(|to| Ok(Ways { to, from: from? }));
    let ways = ways.map_err(|fault| Stopped { fault, written: PageCount(0) })?;
    match how {
        How::PastCache(able, loads) => copy_past_cache(plan, able, loads, ways, progress),
        How::Words { .. } | How::Vectors(_) => copy_cached(plan, how, ways, progress),
    }
}

fn copy_cached<T: Addresses, F: Addresses>(
    plan: &Plan,
    how: How,
    mut ways: Ways<'_, T, F>,
    progress: &mut dyn FnMut(ByteLen),
) -> Result<Done, Stopped> {
    in_chunks(plan, progress, |done, Range { start: mut i, end }| {
        while i < end
            && let Some((here, row)) = ways.here()
        {
            let pages = row.min(end - i);
            ways.pass(pages)?;
            if pages == 1
                && let Some((next, _)) = ways.here()
            {
                // As many lines as are on their way before the hardware's own prefetching has seen where this goes.
                bulk::prefetch(next, 12);
            }
            // SAFETY: so many pages lie in a row on both sides, as those said; `Move` holds the claims on memory, and a
            // checked plan's sides do not overlap.
            unsafe { copy_run(how, here, pages) }
            done.count_pages(pages);
            i += pages;
        }
        Ok(())
    })
}

/// # Safety
/// That of [`bulk::cached`]; if `how` says memory, neither side is I/O memory.
#[inline(always)]
unsafe fn copy_run(how: How, here: Pair, pages: u32) {
    // SAFETY: the caller's promises. Pages are aligned to words, and `copy_words` suits memory that is claimed as well.
    unsafe {
        match how {
            How::Words { single_by_vectors: Some(able), .. } if pages == 1 => bulk::cached(able, Loads::Plain, here, 1),
            How::Words { memory: true, .. } if pages > 1 => {
                here.to.copy_from_nonoverlapping(here.from, pages as usize);
            }
            How::Words { .. } => {
                let words = pages as usize * (PAGE_SIZE / 8);
                io::copy_words(here.to.as_ptr().cast(), here.from.as_ptr().cast(), words);
            }
            How::Vectors(able) | How::PastCache(able, _) => bulk::cached(able, Loads::Streaming, here, pages),
        }
    }
}

fn copy_past_cache<T: Addresses, F: Addresses>(
    plan: &Plan,
    able: Able,
    loads: Loads,
    mut ways: Ways<'_, T, F>,
    progress: &mut dyn FnMut(ByteLen),
) -> Result<Done, Stopped> {
    // This chunk's pages and the next one's. To look for pages between copies costs a sixth of the time: what is loaded
    // for that waits for stores that are on their way past the cache.
    let Some((first, _)) = ways.here() else { return Ok(Done::nothing_of(plan)) };
    let mut chunks = [[first; CHUNK as usize]; 2];
    let mut counts = [ways.take(&mut chunks[0])?, 0];
    in_chunks(plan, progress, |done, range| {
        let [now, next] = &mut chunks;
        counts[1] = ways.take(next)?;
        let (pairs, soon) = (&now[..counts[0]], &next[..counts[1].min(AT_ONCE)]);
        debug_assert_eq!(pairs.len(), range.len(), "a chunk is found as it is told of");
        // SAFETY: pages where the sides say that they lie; `Move` holds the claims on memory; a checked plan's sides do
        // not overlap, and name no page twice. `in_chunks` fences.
        unsafe { copy_chunk(able, loads, pairs, soon) }
        done.count_pages(pairs.len() as u32);
        chunks.swap(0, 1);
        counts[0] = counts[1];
        Ok(())
    })
}

/// # Safety
/// That of [`bulk::past_cache`] of all pairs.
unsafe fn copy_chunk(able: Able, loads: Loads, pairs: &[Pair], then: &[Pair]) {
    let (fours, rest) = pairs.as_chunks::<AT_ONCE>();
    for (i, four) in fours.iter().enumerate() {
        // For the page walk, and the first lines; the rest comes while the other three are copied.
        let soon = fours.get(i + 1).map_or(then, |soon| soon.as_slice());
        soon.iter().for_each(|pair| bulk::prefetch_once(*pair, 4));
        // SAFETY: the caller's promise.
        unsafe { bulk::past_cache(able, loads, *four) }
    }
    // SAFETY: the caller's promise.
    rest.iter().for_each(|pair| unsafe { bulk::cached(able, loads, *pair, 1) });
}

#[cfg(test)]
mod tests {
    use crate::*;
    use std::sync::Arc;

    const PAGES: PageCount = PageCount(if cfg!(miri) { 7 } else { 150 });

    /// Segments of one page and of several, so that runs of every length begin and end at chunks' ends and elsewhere.
    fn list(lengths: &[u32], backwards: bool) -> Arc<ScatterList> {
        let (mut segments, mut at) = (Vec::new(), 0);
        for len in lengths.iter().cycle() {
            let len = (*len).min(PAGES.0 - at);
            if len == 0 {
                break;
            }
            let first = if backwards { PAGES.0 - at - len } else { at };
            segments.push(Segment { address: BusAddress(u64::from(first) << 12), len: ByteLen(u64::from(len) << 12) });
            at += len;
        }
        Arc::new(ScatterList::new(segments, BusAddress(0)).unwrap())
    }

    fn buffers() -> Vec<Buffer> {
        let arena = Arena::new(PageCount(3 * PAGES.0)).unwrap();
        let system = |layout| Buffer::Memory(SystemPages::new(&arena, PAGES, layout).unwrap());
        let io = |list| Buffer::Scatter(Aperture::new(PAGES).unwrap(), list);
        let linear = Aperture::new(PAGES).unwrap();
        let len = linear.len();
        vec![
            system(Layout::Contiguous),
            system(Layout::Scattered),
            io(list(&[1], true)),
            io(list(&[63, 1, 2, 3, 64, 5], false)),
            Buffer::Linear(linear, ByteOffset(0), len),
        ]
    }

    fn fill(buffer: &Buffer, salt: u32) {
        let source = Arena::new(PAGES).unwrap();
        let pages = SystemPages::new(&source, PAGES, Layout::Contiguous).unwrap();
        let mut claim = pages.write().unwrap();
        PAGES.indices().for_each(|page| Tag(salt + page.0).write_to(claim.page_mut(page).unwrap()));
        drop(claim);
        // By the kernel's way, page by page: what is to be tested takes no part.
        let from = Buffer::Memory(pages);
        let plan = Request::new(buffer.side(), from.side()).variant(Variant::Upstream).plan().unwrap();
        Move::new(plan, buffer, &from).unwrap().run().unwrap();
    }

    fn tags(buffer: &Buffer) -> Vec<Tag> {
        let pages = SystemPages::new(&Arena::new(PAGES).unwrap(), PAGES, Layout::Contiguous).unwrap();
        let to = Buffer::Memory(Arc::clone(&pages));
        let plan = Request::new(to.side(), buffer.side()).variant(Variant::Upstream).plan().unwrap();
        Move::new(plan, &to, buffer).unwrap().run().unwrap();
        let claim = pages.read().unwrap();
        PAGES.indices().map(|page| Tag::read_from(claim.page(page).unwrap())).collect()
    }

    #[test]
    fn every_range_of_every_pair_is_copied_and_no_page_beside_it() {
        let (dsts, srcs) = (buffers(), buffers());
        let ranges = if cfg!(miri) { vec![(1, 0, 5)] } else { vec![(0, 0, 150), (1, 2, 145), (7, 60, 67), (3, 9, 1)] };
        let ways = [
            (Stores::Cached, Capability::probe()),
            (Stores::PastCache, Capability::probe()),
            (Stores::Cached, Capability::words_only()),
            (Stores::PastCache, Capability::words_only()),
        ];
        for (dst, src) in dsts.iter().flat_map(|dst| srcs.iter().map(move |src| (dst, src))) {
            fill(src, 5000);
            for (&(to, from, pages), (stores, capability)) in
                ranges.iter().flat_map(|range| ways.map(|way| (range, way)))
            {
                fill(dst, 1000);
                let plan = Request::new(dst.side(), src.side())
                    .range(PageIndex(to), PageIndex(from), PageCount(pages))
                    .stores(stores)
                    .capability(capability)
                    .plan()
                    .unwrap();
                let mut told = Vec::new();
                let done = Move::new(plan, dst, src).unwrap().run_with(&mut |bytes| told.push(bytes)).unwrap();
                assert_eq!((done.written, done.wrong_accessor), (PageCount(pages), PageCount(0)));
                assert_eq!(told.last(), Some(&PageCount(pages).bytes()));
                assert_eq!(told.len(), pages.div_ceil(64) as usize);
                let expected = PAGES.indices().map(|PageIndex(i)| match i.checked_sub(to) {
                    Some(within) if within < pages => Tag(5000 + from + within),
                    _ => Tag(1000 + i),
                });
                assert!(tags(dst) == expected.collect::<Vec<_>>(), "{pages} from {from} to {to}, {stores:?}");
            }
        }
    }
}
