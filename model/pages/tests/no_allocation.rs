//! From submitting a job to its last waiter's return, nothing is allocated, on any thread.
#![allow(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "all of this is a test; the lint's own exemption ends at functions it calls")]

use fenceweave_pages::*;
use std::{
    alloc::{GlobalAlloc, Layout as AllocLayout, System},
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

struct Counting;

// SAFETY: every call is the system allocator's; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: AllocLayout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, SeqCst);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: AllocLayout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, SeqCst);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: AllocLayout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, SeqCst);
        // SAFETY: the caller's promise, passed on.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: AllocLayout) {
        // SAFETY: the caller's promise, passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

const PAGES: PageCount = PageCount(if cfg!(miri) { 4 } else { 300 });

/// Every pair of kinds, and a clear: planned, bound and made into jobs.
fn jobs(called: &Arc<AtomicU64>) -> Vec<Job> {
    let arena = Arena::new(PageCount(8 * PAGES.0)).unwrap();
    let system = || Buffer::Memory(SystemPages::new(&arena, PAGES, Layout::Scattered).unwrap());
    let segment = |page: u32| Segment { address: BusAddress(u64::from(page) << 12), len: ByteLen(1 << 12) };
    // Every page a segment of its own, from the last to the first.
    let list: Vec<Segment> = (0..PAGES.0).rev().map(segment).collect();
    let list = Arc::new(ScatterList::new(list, BusAddress(0)).unwrap());
    let io = || Buffer::Scatter(Aperture::new(PAGES).unwrap(), Arc::clone(&list));
    let empty = Buffer::Tt(SystemPages::unpopulated(&arena, PAGES).unwrap());
    let pairs = [(system(), system()), (system(), io()), (io(), system()), (io(), io()), (io(), empty)];
    let job = |(dst, src): &(Buffer, Buffer)| {
        let plan = Request::new(dst.side(), src.side()).tt(None).plan().unwrap();
        let called = Arc::clone(called);
        Job::with_callback(Move::new(plan, dst, src).unwrap(), move |_| _ = called.fetch_add(1, SeqCst))
    };
    pairs.iter().map(job).collect()
}

/// The only test of this file: the count is of all threads.
#[test]
fn nothing_is_allocated_after_a_job_is_made() {
    let called = Arc::new(AtomicU64::new(0));
    let workers = Workers::new(NonZeroUsize::new(2).unwrap(), NonZeroUsize::new(8).unwrap()).unwrap();
    // Once beforehand, for what a thread's first use of a lock or a queue may set up.
    jobs(&called).into_iter().for_each(|job| _ = workers.submit(job).ok().unwrap().wait());
    let mut jobs = jobs(&called);
    let cancelled = jobs.pop().unwrap();
    let mut completions: [Option<Completion>; 4] = [const { None }; 4];
    let before = ALLOCATIONS.load(SeqCst);
    for (slot, job) in completions.iter_mut().zip(jobs.drain(..)) {
        *slot = workers.submit(job).ok();
    }
    for completion in completions.iter().flatten() {
        assert!(matches!(completion.wait(), Outcome::Done(_)));
        assert!(matches!(completion.poll(), Status::Ended(_)));
        assert_eq!(completion.progress().written, PAGES.bytes());
    }
    let completion = workers.submit(cancelled).ok().unwrap();
    completion.cancel();
    completion.wait();
    let after = ALLOCATIONS.load(SeqCst);
    assert_eq!(after - before, 0, "allocations between submitting and the end");
    assert!(completions.iter().all(Option::is_some));
    assert!(before > 0, "the counter counts");
}
