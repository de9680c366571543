//! Frames as a process sees them: pages of its address space that are mapped to frames, or not; and what happens when
//! it touches one that is not.
//!
//! Where the system permits it the address space is a range of real addresses that `userfaultfd` watches. A [`User`] is
//! a thread that loads and stores there and nothing else; if the page is not there the processor faults, the thread
//! hangs in the kernel, and whoever asked for the access is asked to serve the fault ([`Served`]). Mapping a page lays
//! the frame's own memory there, so that what is stored through one mapping is seen through every other; a zap takes
//! the entry away, and the next touch faults again. Where it is not permitted ([`UserPages::why_software`] says why),
//! the same table is looked at in software, and the same question asked.
//!
//! A buffer is claimed for writing as long as a page of it is mapped: the copy engine moves nothing that a process
//! could write meanwhile. Not zapping first is [`Error::Busy`] then, and no race.
#![allow(unsafe_code)]

#[cfg(all(target_os = "linux", not(miri), not(feature = "portable")))]
pub(crate) mod faults;
#[cfg(not(all(target_os = "linux", not(miri), not(feature = "portable"))))]
#[path = "user/no_faults.rs"]
pub(crate) mod faults;
pub(crate) mod frame;
mod table;

use crate::{
    error::Error,
    system::SystemPages,
    units::{MAX_PAGES, PAGE_SIZE, PageCount, PageIndex},
};
use faults::{Asker, Faults};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use table::Table;

/// Words of 64 bits in a page.
pub const WORDS: usize = PAGE_SIZE / 8;

/// An access to one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Touch {
    /// A load.
    Read,
    /// A store of this.
    Write(u64),
}

/// A page fault: what was touched and is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The page of the address space.
    pub page: PageIndex,
    /// It was a store.
    pub write: bool,
}

/// How a fault was served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Served {
    /// The access is made again (`VM_FAULT_NOPAGE`): it faults again if the page is still not there.
    Again,
    /// It is not made (`VM_FAULT_SIGBUS`).
    Bus,
}

/// The access was not made: its fault was answered with [`Served::Bus`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bus(pub PageIndex);

impl fmt::Display for Bus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bus error at {}", self.0)
    }
}

impl std::error::Error for Bus {}

/// An address space of so many pages, shared by all its users.
pub struct UserPages {
    table: Mutex<Table>,
    pages: PageCount,
    faults: Option<Faults>,
    why_software: Option<String>,
}

impl UserPages {
    /// An address space with nothing mapped. Its faults are real ones where that is permitted.
    ///
    /// # Errors
    /// [`Error::BadSize`] for none or more than [`MAX_PAGES`]; [`Error::Os`].
    pub fn new(pages: PageCount) -> Result<Arc<UserPages>, Error> {
        UserPages::checked(pages)?;
        Ok(match Faults::new(pages) {
            Ok(faults) => UserPages::with(pages, Some(faults), None),
            Err(why) => UserPages::with(pages, None, Some(why.to_string())),
        })
    }

    /// One whose faults are raised in software.
    ///
    /// # Errors
    /// [`Error::BadSize`].
    pub fn in_software(pages: PageCount) -> Result<Arc<UserPages>, Error> {
        UserPages::checked(pages)?;
        Ok(UserPages::with(pages, None, Some("it was asked for".into())))
    }

    fn checked(pages: PageCount) -> Result<(), Error> {
        if pages.0 == 0 || pages > MAX_PAGES { Err(Error::BadSize { pages }) } else { Ok(()) }
    }

    fn with(pages: PageCount, faults: Option<Faults>, why_software: Option<String>) -> Arc<UserPages> {
        Arc::new(UserPages { table: Mutex::new(Table::new(pages)), pages, faults, why_software })
    }

    /// Why faults are raised in software, if they are.
    pub fn why_software(&self) -> Option<&str> {
        self.why_software.as_deref()
    }

    /// How many pages it has, mapped or not.
    pub fn pages(&self) -> PageCount {
        self.pages
    }

    /// How many are mapped.
    pub fn mapped(&self) -> PageCount {
        self.table().mapped()
    }

    /// Whether a page is mapped.
    pub fn is_mapped(&self, at: PageIndex) -> bool {
        self.table().shows(at).is_some()
    }

    /// A panic with this lock held can only be a failed debug assertion.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Maps a page to a page of a buffer (`vmf_insert_pfn()`). What is mapped there already stays, as in the kernel.
    ///
    /// # Errors
    /// [`Error::RangeOutside`]; [`Error::Unpopulated`]; [`Error::Busy`] while the copy engine uses the buffer;
    /// [`Error::Os`].
    pub fn map(&self, at: PageIndex, of: &Arc<SystemPages>, page: PageIndex) -> Result<(), Error> {
        self.inside(at, PageCount(1))?;
        let mut table = self.table();
        if table.shows(at).is_some() {
            return Ok(());
        }
        let shown = table.claim(of, page)?;
        if let Some(faults) = &self.faults {
            faults.map(at, &shown.frame(), true)?;
        }
        table.set(at, shown);
        Ok(())
    }

    /// Takes the entries of a range away (`zap_vma_ptes()`): when it is back nobody goes through one of them any more.
    ///
    /// # Errors
    /// [`Error::RangeOutside`]; [`Error::Os`].
    pub fn zap(&self, first: PageIndex, pages: PageCount) -> Result<(), Error> {
        self.inside(first, pages)?;
        let mut table = self.table();
        if let Some(faults) = &self.faults {
            faults.zap(first, pages)?;
        }
        table.clear(first, pages);
        Ok(())
    }

    fn inside(&self, first: PageIndex, pages: PageCount) -> Result<(), Error> {
        let which = crate::Which::Destination;
        let outside = Error::RangeOutside { which, first, pages, size: self.pages };
        first.forward(pages.0).filter(|end| end.0 <= self.pages.0 && pages.0 > 0).map(|_| ()).ok_or(outside)
    }
}

/// A thread of the process: it touches words, and has its faults served by whoever sends it.
pub struct User {
    of: Arc<UserPages>,
    asker: Option<Asker>,
}

impl User {
    /// A thread of this process.
    ///
    /// # Errors
    /// [`Error::Os`] if the system has no thread to give.
    pub fn new(of: &Arc<UserPages>) -> Result<User, Error> {
        Ok(User { of: Arc::clone(of), asker: of.faults.as_ref().map(Asker::new).transpose()? })
    }

    /// Touches a word of a page; the result is what was loaded, or stored. Each fault on the way is served by `serve`,
    /// on the calling thread.
    ///
    /// # Errors
    /// [`Bus`] if a fault was answered with it, or if there is no such page or word.
    pub fn touch(
        &mut self,
        page: PageIndex,
        word: usize,
        how: Touch,
        mut serve: impl FnMut(Fault) -> Served,
    ) -> Result<u64, Bus> {
        if page.0 >= self.of.pages.0 || word >= WORDS {
            return Err(Bus(page));
        }
        if let (Some(asker), Some(faults)) = (&mut self.asker, &self.of.faults) {
            let of = &self.of;
            return asker.touch(faults, (page, word, how), &mut serve, &mut |killed| {
                // Under the table's lock, so that nobody maps there meanwhile.
                let table = of.table();
                killed(table.shows(page).map(|shown| shown.frame()))
            });
        }
        loop {
            if let Some(value) = self.of.table().touch(page, word, how) {
                return Ok(value);
            }
            let fault = Fault { page, write: how != Touch::Read };
            if serve(fault) == Served::Bus {
                return Err(Bus(page));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Layout, Request, Tag,
        run::{Buffer, Move},
        system::Arena,
    };
    use std::{
        sync::atomic::{AtomicU64, Ordering},
        thread,
    };

    /// Real faults where there are any, and those raised in software.
    fn both(pages: u32) -> Vec<Arc<UserPages>> {
        vec![UserPages::new(PageCount(pages)).unwrap(), UserPages::in_software(PageCount(pages)).unwrap()]
    }

    fn buffer(pages: u32) -> Arc<SystemPages> {
        let arena = Arena::new(PageCount(2 * pages)).unwrap();
        SystemPages::new(&arena, PageCount(pages), Layout::Scattered).unwrap()
    }

    #[test]
    fn a_touch_of_what_is_not_there_asks_and_sees_what_was_mapped_then() {
        for space in both(4) {
            let frames = buffer(2);
            Tag(7).write_to(frames.write().unwrap().page_mut(PageIndex(1)).unwrap());
            let wanted =
                u64::from_ne_bytes(frames.read().unwrap().page(PageIndex(1)).unwrap()[..8].try_into().unwrap());
            let mut user = User::new(&space).unwrap();
            let mut asked = vec![];
            let read = user.touch(PageIndex(2), 0, Touch::Read, |fault| {
                asked.push(fault);
                // The first time as a handler that has dropped the lock: come again.
                if asked.len() > 1 {
                    space.map(PageIndex(2), &frames, PageIndex(1)).unwrap();
                }
                Served::Again
            });
            assert_eq!(read, Ok(wanted));
            assert_eq!(asked, [Fault { page: PageIndex(2), write: false }; 2]);
            // It is there now, and a store goes to the frame.
            let nobody = |_| panic!("it is mapped");
            assert_eq!(user.touch(PageIndex(2), 5, Touch::Write(99), nobody), Ok(99));
            assert_eq!(space.mapped(), PageCount(1));
            space.zap(PageIndex(0), PageCount(4)).unwrap();
            let claim = frames.read().unwrap();
            assert_eq!(claim.page(PageIndex(1)).unwrap()[40..48], 99u64.to_ne_bytes());
        }
    }

    #[test]
    fn after_a_zap_it_asks_again_and_another_frame_is_seen() {
        for space in both(2) {
            let (old, new) = (buffer(1), buffer(1));
            let mut user = User::new(&space).unwrap();
            for (frames, value) in [(&old, 1), (&new, 2), (&old, 3)] {
                let write = Touch::Write(value);
                let mut faults = 0;
                let wrote = user.touch(PageIndex(1), 0, write, |fault| {
                    faults += 1;
                    assert!(fault.write);
                    space.map(PageIndex(1), frames, PageIndex(0)).unwrap();
                    Served::Again
                });
                assert_eq!((wrote, faults), (Ok(value), 1));
                assert!(matches!(frames.read(), Err(Error::Busy { .. })), "a mapped page is claimed");
                space.zap(PageIndex(1), PageCount(1)).unwrap();
            }
            let word = |of: &Arc<SystemPages>| of.read().unwrap().page(PageIndex(0)).unwrap()[0];
            assert_eq!((word(&old), word(&new)), (3, 2));
        }
    }

    #[test]
    fn who_gets_a_bus_error_has_touched_nothing_and_others_go_on() {
        for space in both(1) {
            let frames = buffer(1);
            let (mut first, mut other) = (User::new(&space).unwrap(), User::new(&space).unwrap());
            assert_eq!(first.touch(PageIndex(0), 0, Touch::Write(5), |_| Served::Bus), Err(Bus(PageIndex(0))));
            assert_eq!(first.touch(PageIndex(7), 0, Touch::Read, |_| Served::Again), Err(Bus(PageIndex(7))));
            let serve = |_| {
                space.map(PageIndex(0), &frames, PageIndex(0)).unwrap();
                Served::Again
            };
            assert_eq!(other.touch(PageIndex(0), 0, Touch::Read, serve), Ok(0));
            assert_eq!(first.touch(PageIndex(0), 0, Touch::Write(6), serve), Ok(6));
            assert_eq!(other.touch(PageIndex(0), 0, Touch::Read, serve), Ok(6));
        }
    }

    /// Users write numbers into their words and read them back, while somebody moves the buffer between two places,
    /// with the real copy engine, all the time.
    #[test]
    fn what_users_write_survives_moves_under_them() {
        const PAGES: u32 = 8;
        const ROUNDS: u64 = 100;
        for space in both(PAGES) {
            let places = [buffer(PAGES), buffer(PAGES)];
            // Which place the buffer is in; whoever has the lock has the reservation.
            let reservation = Mutex::new(0usize);
            let map = |fault: Fault| {
                let at = reservation.lock().unwrap();
                space.map(fault.page, &places[*at], fault.page).unwrap();
                Served::Again
            };
            let touched = AtomicU64::new(0);
            thread::scope(|scope| {
                for who in 0..2u64 {
                    let (space, map, touched) = (&space, &map, &touched);
                    scope.spawn(move || {
                        let mut user = User::new(space).unwrap();
                        for round in 0..ROUNDS {
                            let page = PageIndex((round % u64::from(PAGES)) as u32);
                            let value = |round: u64| round * 2 + who;
                            // What he wrote the last time, and nothing at first.
                            let before = round.checked_sub(u64::from(PAGES)).map_or(0, value);
                            assert_eq!(user.touch(page, who as usize, Touch::Read, map), Ok(before));
                            user.touch(page, who as usize, Touch::Write(value(round)), map).unwrap();
                            touched.fetch_add(1, Ordering::SeqCst);
                        }
                    });
                }
                // A move for every few touches: who moves without an end lets nobody get through.
                for moves in 1..=ROUNDS / 4 {
                    while touched.load(Ordering::SeqCst) < 4 * moves {
                        thread::yield_now();
                    }
                    let mut at = reservation.lock().unwrap();
                    space.zap(PageIndex(0), PageCount(PAGES)).unwrap();
                    let [from, to] = [*at, 1 - *at].map(|i| Buffer::Memory(places[i].clone()));
                    let plan = Request::new(to.side(), from.side()).plan().unwrap();
                    Move::new(plan, &to, &from).unwrap().run().unwrap();
                    *at = 1 - *at;
                }
            });
            space.zap(PageIndex(0), PageCount(PAGES)).unwrap();
            assert_eq!(space.mapped(), PageCount(0));
        }
    }
}
