//! Real memory under load: processes that touch buffers through real page faults, while the buffers are moved from
//! place to place by the copy engine, in the background. Every byte is known, and looked at.
//!
//! ```text
//!   user      touch a word ──page fault──> the buffer's reservation: trylock, or come again
//!                                          its move: is over, or come again once it is
//!                                          in the aperture: brought back first
//!                                          up to 16 pages are mapped; the access is made again
//!   mover     the reservation; zap; a place elsewhere; the move, on a worker; the place is the buffer's at once
//! ```
//!
//! Each word of a page belongs to one user, who knows what he wrote there last. Whoever sees anything else has found a
//! corrupted byte: a move that was not waited for, an entry that was not zapped, a page of somebody else's.

use crate::{
    Aperture, Histogram, PAGE_SIZE, Request, Status,
    error::Error,
    run::{Buffer, Move},
    system::{Arena, Layout, SystemPages},
    units::{ByteOffset, PageCount, PageIndex},
    user::{Fault, Served, Touch, User, UserPages, WORDS},
    work::{Completion, Job, Workers},
};
use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Pages of a buffer: a mebibyte.
const PAGES: u32 = 256;
/// Pages mapped by one fault at most (`TTM_BO_VM_NUM_PREFAULT`).
const PREFAULT: u32 = 16;
/// Buffers that are in the aperture at once.
const IN_APERTURE: usize = 4;

/// Threads that make moves, and moves that wait for one.
const WORKERS: usize = 2;
const QUEUE: usize = 16;

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Config {
    /// What is drawn is drawn from this.
    pub seed: u64,
    /// How long.
    pub time: Duration,
    /// Threads that touch.
    pub users: u32,
    /// How much they touch, in MiB.
    pub mib: u32,
    /// Raise the faults in software, whatever the system permits.
    pub software: bool,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Figures {
    /// Why faults were raised in software, if they were.
    pub why_software: Option<String>,
    /// Words touched.
    pub touches: u64,
    /// Page faults served.
    pub faults: u64,
    /// Faults that were told to come again, since the buffer was reserved or being moved.
    pub retries: u64,
    /// Pages mapped.
    pub mapped: u64,
    /// Buffers moved.
    pub moves: u64,
    /// Bytes copied.
    pub bytes: u64,
    /// Words that were not what they had to be.
    pub corrupted: u64,
    /// Frames that were not given back.
    pub leaked: u32,
    /// How long an access took that faulted, in nanoseconds.
    pub fault_time: Histogram,
    /// How long one took that did not.
    pub touch_time: Histogram,
    /// How long it all took.
    pub elapsed: Duration,
}

/// Where a buffer is.
struct Place {
    backing: Buffer,
    /// The move that brings it here, if that may not be over.
    moving: Option<Completion>,
    /// Its slot of the aperture, if it is there.
    slot: Option<usize>,
}

struct Bo {
    /// Whoever has it has the reservation.
    place: Mutex<Place>,
    first: PageIndex,
}

/// Everything that the threads share.
struct Soak {
    space: Arc<UserPages>,
    bos: Vec<Bo>,
    arena: Arc<Arena>,
    aperture: Arc<Aperture>,
    slots: Mutex<Vec<usize>>,
    workers: Workers,
    figures: Mutex<Figures>,
    moved: AtomicU64,
    over: AtomicBool,
}

fn some(n: usize) -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(n - 1)
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn nanos(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Runs it until the time is over, or `stop` is set.
///
/// # Errors
/// Those of the system, and of a copy engine that refuses what it must take.
pub fn run(config: &Config, stop: &AtomicBool) -> Result<Figures, Error> {
    let started = Instant::now();
    let users = config.users.clamp(1, 64);
    let soak = Soak::new(&Config { users, ..*config })?;
    let frames = soak.arena.pages();
    let (space, arena) = (Arc::clone(&soak.space), Arc::clone(&soak.arena));
    let result: Result<Vec<Vec<u64>>, Error> = thread::scope(|scope| {
        let users: Vec<_> = (0..users)
            .map(|who| {
                let soak = &soak;
                scope.spawn(move || soak.touch(who, users, config.seed))
            })
            .collect();
        let mover = scope.spawn(|| soak.move_about(config.seed));
        while started.elapsed() < config.time && !stop.load(Ordering::Relaxed) && !mover.is_finished() {
            thread::sleep(Duration::from_millis(20));
        }
        soak.over.store(true, Ordering::Relaxed);
        mover.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        users.into_iter().map(|user| user.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let wrong = soak.look_at_all(&result?)?;
    let mut figures = std::mem::take(&mut *lock(&soak.figures));
    figures.corrupted += wrong;
    figures.bytes = soak.moved.load(Ordering::Relaxed);
    figures.why_software = space.why_software().map(str::to_owned);
    drop(soak);
    figures.leaked = frames.0 - arena.free().0 + space.mapped().0;
    figures.elapsed = started.elapsed();
    Ok(figures)
}

impl Soak {
    fn new(config: &Config) -> Result<Soak, Error> {
        let count = config.mib.clamp(1, 4096);
        let all = PageCount(count * PAGES);
        let space = if config.software { UserPages::in_software(all)? } else { UserPages::new(all)? };
        // What is moved is in both places meanwhile: all that wait or run, one more that is to be queued, and one that
        // each user brings back.
        let at_once = QUEUE as u32 + WORKERS as u32 + 1 + config.users;
        let arena = Arena::new(PageCount(all.0 + at_once * PAGES))?;
        let bos = (0..count).map(|i| {
            let pages = SystemPages::new(&arena, PageCount(PAGES), Layout::Scattered)?;
            let place = Place { backing: Buffer::Memory(pages), moving: None, slot: None };
            Ok(Bo { place: Mutex::new(place), first: PageIndex(i * PAGES) })
        });
        let bos = bos.collect::<Result<_, Error>>()?;
        Ok(Soak {
            space,
            bos,
            arena,
            aperture: Aperture::new(PageCount(IN_APERTURE as u32 * PAGES))?,
            slots: Mutex::new((0..IN_APERTURE).collect()),
            workers: Workers::new(some(WORKERS), some(QUEUE))?,
            figures: Mutex::default(),
            moved: AtomicU64::new(0),
            over: AtomicBool::new(false),
        })
    }

    /// One user: the result is what his words must hold, by page.
    fn touch(&self, who: u32, users: u32, seed: u64) -> Result<Vec<u64>, Error> {
        let mut dice = Dice(seed ^ (u64::from(who) + 1).wrapping_mul(0x517c_c1b7_2722_0a95));
        let mut user = User::new(&self.space)?;
        let own = (WORDS as u32 / users) as usize;
        let pages = self.space.pages().0;
        let mut words = vec![0u64; pages as usize * own];
        let mut mine = Figures::default();
        while !self.over.load(Ordering::Relaxed) {
            // A user works on one buffer for a while.
            let bo = dice.below(self.bos.len() as u64) as u32;
            for _ in 0..64 {
                let page = PageIndex(bo * PAGES + dice.below(u64::from(PAGES)) as u32);
                let nth = dice.below(own as u64) as usize;
                let known = &mut words[page.0 as usize * own + nth];
                let write = dice.below(2) == 0;
                let how = if write { Touch::Write(dice.below(u64::MAX)) } else { Touch::Read };
                let (begin, before) = (Instant::now(), mine.faults);
                let got =
                    user.touch(page, nth * users as usize + who as usize, how, |fault| self.serve(fault, &mut mine));
                mine.touches += 1;
                let time = nanos(begin);
                if mine.faults > before {
                    mine.fault_time.add(time)
                } else {
                    mine.touch_time.add(time)
                }
                match (got, how) {
                    (Ok(value), Touch::Write(_)) => *known = value,
                    (Ok(value), Touch::Read) => mine.corrupted += u64::from(value != *known),
                    (Err(_), _) => mine.corrupted += 1,
                }
            }
        }
        lock(&self.figures).add(&mine);
        Ok(words)
    }

    /// The fault handler, in the manner of `ttm_bo_vm_fault()`.
    fn serve(&self, fault: Fault, mine: &mut Figures) -> Served {
        mine.faults += 1;
        let bo = &self.bos[(fault.page.0 / PAGES) as usize];
        let mut place = match bo.place.try_lock() {
            Ok(place) => place,
            Err(TryLockError::Poisoned(e)) => e.into_inner(),
            Err(TryLockError::WouldBlock) => {
                // As with the mmap lock dropped: waits for whoever has it, and comes again.
                mine.retries += 1;
                drop(lock(&bo.place));
                return Served::Again;
            }
        };
        if let Some(moving) = place.moving.clone() {
            if !matches!(moving.poll(), Status::Ended(_)) {
                mine.retries += 1;
                drop(place);
                moving.wait();
                return Served::Again;
            }
            place.moving = None;
        }
        if place.slot.is_some() && self.bring_back(&mut place).is_err() {
            return Served::Bus;
        }
        let Buffer::Memory(pages) = &place.backing else { return Served::Bus };
        let within = fault.page.0 - bo.first.0;
        for page in (within..PAGES).take(PREFAULT as usize) {
            match self.space.map(PageIndex(bo.first.0 + page), pages, PageIndex(page)) {
                Ok(()) => mine.mapped += 1,
                // Only the first one's error matters.
                Err(_) if page > within => break,
                Err(_) => return Served::Bus,
            }
        }
        Served::Again
    }

    /// Out of the aperture, at once.
    fn bring_back(&self, place: &mut Place) -> Result<(), Error> {
        let to = self.in_memory()?;
        self.planned(&to, &place.backing)?.run().map_err(|_| Error::SwappedOut)?;
        place.backing = to;
        lock(&self.slots).extend(place.slot.take());
        Ok(())
    }

    fn in_memory(&self) -> Result<Buffer, Error> {
        Ok(Buffer::Memory(SystemPages::new(&self.arena, PageCount(PAGES), Layout::Scattered)?))
    }

    fn planned(&self, to: &Buffer, from: &Buffer) -> Result<Move, Error> {
        self.moved.fetch_add(PageCount(PAGES).bytes().0, Ordering::Relaxed);
        Move::new(Request::new(to.side(), from.side()).plan()?, to, from)
    }

    /// Moves buffers until it is over.
    fn move_about(&self, seed: u64) -> Result<(), Error> {
        let mut dice = Dice(!seed);
        while !self.over.load(Ordering::Relaxed) {
            let bo = &self.bos[dice.below(self.bos.len() as u64) as usize];
            self.move_away(bo, &mut dice)?;
            lock(&self.figures).moves += 1;
            thread::sleep(Duration::from_micros(50 + dice.below(400)));
        }
        Ok(())
    }

    fn move_away(&self, bo: &Bo, dice: &mut Dice) -> Result<(), Error> {
        let mut place = lock(&bo.place);
        if let Some(moving) = place.moving.take() {
            moving.wait();
        }
        self.space.zap(bo.first, PageCount(PAGES))?;
        if place.slot.is_some() {
            return self.bring_back(&mut place);
        }
        let slot = if dice.below(3) == 0 { lock(&self.slots).pop() } else { None };
        let to = match slot {
            Some(slot) => {
                let offset = ByteOffset((slot as u64 * u64::from(PAGES)) << crate::PAGE_SHIFT);
                Buffer::Linear(Arc::clone(&self.aperture), offset, PageCount(PAGES).bytes())
            }
            None => self.in_memory()?,
        };
        let mut job = Job::new(self.planned(&to, &place.backing)?);
        place.moving = loop {
            match self.workers.submit(job) {
                Ok(completion) => break Some(completion),
                Err((_, again)) => job = again,
            }
            thread::yield_now();
        };
        (place.backing, place.slot) = (to, slot);
        Ok(())
    }

    /// Looks at every byte, with nobody else about; the result is how many words are wrong.
    fn look_at_all(&self, words: &[Vec<u64>]) -> Result<u64, Error> {
        self.space.zap(PageIndex(0), self.space.pages())?;
        let users = words.len();
        let own = WORDS / users;
        let mut wrong = 0;
        for bo in &self.bos {
            let mut place = lock(&bo.place);
            if let Some(moving) = place.moving.take() {
                moving.wait();
            }
            if place.slot.is_some() {
                self.bring_back(&mut place)?;
            }
            let Buffer::Memory(pages) = &place.backing else { continue };
            let claim = pages.read()?;
            for page in PageCount(PAGES).indices() {
                let Some(bytes) = claim.page(page) else { continue };
                let at = (bo.first.0 + page.0) as usize * own;
                for (word, bytes) in bytes.chunks_exact(8).enumerate() {
                    let mut value = [0; 8];
                    value.copy_from_slice(bytes);
                    // Words that are nobody's were never written.
                    let wanted = if word / users < own { words[word % users][at + word / users] } else { 0 };
                    wrong += u64::from(u64::from_ne_bytes(value) != wanted);
                }
            }
        }
        debug_assert_eq!(WORDS * 8, PAGE_SIZE);
        Ok(wrong)
    }
}

impl Figures {
    fn add(&mut self, other: &Figures) {
        self.touches += other.touches;
        self.faults += other.faults;
        self.retries += other.retries;
        self.mapped += other.mapped;
        self.corrupted += other.corrupted;
        self.fault_time.merge(&other.fault_time);
        self.touch_time.merge(&other.touch_time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_corrupted_and_no_frame_is_lost() {
        for software in [false, true] {
            let config = Config { seed: 5, time: Duration::from_millis(400), users: 3, mib: 3, software };
            let figures = run(&config, &AtomicBool::new(false)).unwrap();
            assert_eq!((figures.corrupted, figures.leaked), (0, 0), "{figures:?}");
            assert!(figures.touches > 0 && figures.faults > 0 && figures.moves > 0, "{figures:?}");
            // Where real faults are not permitted, both are in software.
            assert!(figures.why_software.is_some() || !software, "{figures:?}");
        }
    }
}
