//! What a processor does with a page table that somebody else keeps: accesses to whole pages by real addresses, which
//! go through or fault.
//!
//! Where [`UserPages`](crate::UserPages) serves a fault by asking whoever sent the access, an [`Mmu`] *says* that there
//! was one, and the access is left as it is: its thread hangs in the kernel, as a process does whose fault is being
//! served, until the same access is [made again](Mmu::touch) or [given up](Mmu::give_up). What is served meanwhile, by
//! whom and in how many steps, is nobody's affair here.
//!
//! One access is made at a time (`&mut`), and claims what it touches as long as it takes; an entry claims nothing. So
//! what is mapped may be read, written, copied and cleared by others between accesses, as by a kernel that has another
//! mapping of it.
//!
//! The table that is kept here is what the real one is told. Whether an access goes through the processor says, and one
//! that it lets through where there is no entry, or does not where there is one, is [`Error::Disagrees`].

use crate::{
    error::Error,
    histogram::Histogram,
    run::Buffer,
    units::{ByteLen, MAX_PAGES, PAGE_SIZE, Page, PageCount, PageIndex},
    user::{
        faults::{Faults, Hand},
        frame::Frame,
    },
};
use std::time::Instant;

/// An access to all of a page.
#[derive(PartialEq, Eq, Debug)]
pub enum Whole<'p> {
    /// A load, into this.
    Read(&'p mut Page),
    /// A store of this.
    Write(&'p Page),
}

/// What an access came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reached {
    /// It was made.
    Through,
    /// It faults, and hangs there.
    Fault,
}

/// Whose access it is: which thread's, and inside of how many calls, for who accesses while an access of its own hangs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Who {
    /// The thread.
    pub thread: usize,
    /// How deep in calls it is.
    pub depth: usize,
}

/// What happened at an [`Mmu`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Traffic {
    /// Accesses.
    pub touches: u64,
    /// Those that faulted.
    pub faults: u64,
    /// Faults of an access that had faulted before: it was told to come again.
    pub retries: u64,
    /// Those that were given up: SIGBUS, a signal, or an error to the kernel's caller.
    pub given_up: u64,
    /// Entries made.
    pub mapped: u64,
    /// Entries taken away.
    pub zapped: u64,
    /// How long an access took that faulted, until it was made, in nanoseconds.
    pub fault_time: Histogram,
    /// How long one took that did not.
    pub touch_time: Histogram,
}

impl Traffic {
    /// Counts all that another one has.
    pub fn merge(&mut self, other: &Traffic) {
        self.touches += other.touches;
        self.faults += other.faults;
        self.retries += other.retries;
        self.given_up += other.given_up;
        self.mapped += other.mapped;
        self.zapped += other.zapped;
        self.fault_time.merge(&other.fault_time);
        self.touch_time.merge(&other.touch_time);
    }
}

/// An entry.
#[derive(Clone)]
struct Laid {
    of: Buffer,
    page: PageIndex,
    frame: Frame,
    writable: bool,
}

/// An access that hangs in its fault.
struct Hung {
    who: Who,
    at: PageIndex,
    writes: bool,
    since: Instant,
    /// The thread that hangs in the kernel; none where faults are raised in software.
    hand: Option<Hand>,
}

/// A page table, and the processor that goes by it.
pub struct Mmu {
    table: Vec<Option<Laid>>,
    hung: Vec<Hung>,
    /// Threads that make no access now.
    idle: Vec<Hand>,
    /// After all that hang in it.
    faults: Option<Faults>,
    why_software: Option<String>,
    traffic: Traffic,
}

impl Mmu {
    /// A table of so many pages, with nothing mapped. Its faults are real ones where that is permitted, unless they are
    /// to be raised in software.
    ///
    /// # Errors
    /// [`Error::BadSize`] for none or more than [`MAX_PAGES`].
    pub fn new(pages: PageCount, software: bool) -> Result<Mmu, Error> {
        if pages.0 == 0 || pages > MAX_PAGES {
            return Err(Error::BadSize { pages });
        }
        let real =
            if software { Err("it was asked for".to_owned()) } else { Faults::new(pages).map_err(|e| e.to_string()) };
        let (faults, why_software) = match real {
            Ok(faults) => (Some(faults), None),
            Err(why) => (None, Some(why)),
        };
        let table = vec![None; pages.0 as usize];
        Ok(Mmu { table, hung: vec![], idle: vec![], faults, why_software, traffic: Traffic::default() })
    }

    /// Why faults are raised in software, if they are.
    pub fn why_software(&self) -> Option<&str> {
        self.why_software.as_deref()
    }

    /// Whether the processor stops stores to what must not be written; else such faults are raised in software.
    pub fn protects(&self) -> bool {
        self.faults.as_ref().is_some_and(Faults::protects)
    }

    /// Takes what was counted.
    pub fn take_traffic(&mut self) -> Traffic {
        std::mem::take(&mut self.traffic)
    }

    fn outside(&self, at: PageIndex) -> Error {
        let size = PageCount(self.table.len() as u32);
        Error::RangeOutside { which: crate::Which::Destination, first: at, pages: PageCount(1), size }
    }

    /// Whether a page is mapped to this, with or without stores.
    pub fn shows(&self, at: PageIndex, of: &Buffer, page: PageIndex, writable: bool) -> bool {
        let laid = self.table.get(at.0 as usize).and_then(Option::as_ref);
        laid.is_some_and(|laid| laid.writable == writable && Some(&laid.frame) == Frame::behind(of, page).as_ref())
    }

    /// Whether a page is mapped.
    pub fn is_mapped(&self, at: PageIndex) -> bool {
        self.table.get(at.0 as usize).is_some_and(Option::is_some)
    }

    /// Maps a page to a page of a buffer, whatever it was mapped to before (`set_pte_at()`).
    ///
    /// # Errors
    /// [`Error::RangeOutside`]; [`Error::Unpopulated`] for what is not there, or does not start at a page;
    /// [`Error::Os`].
    pub fn map(&mut self, at: PageIndex, of: &Buffer, page: PageIndex, writable: bool) -> Result<(), Error> {
        let outside = self.outside(at);
        let slot = self.table.get_mut(at.0 as usize).ok_or(outside)?;
        let frame = Frame::behind(of, page).ok_or(Error::Unpopulated { which: crate::Which::Source })?;
        if let Some(faults) = &self.faults {
            if slot.as_ref().is_some_and(|laid| laid.frame != frame) {
                faults.zap(at, PageCount(1))?;
            }
            faults.map(at, &frame, writable)?;
        }
        self.traffic.mapped += u64::from(slot.is_none());
        *slot = Some(Laid { of: of.clone(), page, frame, writable });
        Ok(())
    }

    /// Takes an entry away: when it is back nobody goes through it any more.
    ///
    /// # Errors
    /// [`Error::RangeOutside`]; [`Error::Os`].
    pub fn zap(&mut self, at: PageIndex) -> Result<(), Error> {
        let outside = self.outside(at);
        let slot = self.table.get_mut(at.0 as usize).ok_or(outside)?;
        if slot.take().is_some() {
            self.traffic.zapped += 1;
            self.faults.as_ref().map_or(Ok(()), |faults| faults.zap(at, PageCount(1)))?;
        }
        Ok(())
    }

    /// Makes an access, or makes the one again that hangs. Any other one of the same thread that is as deep or deeper
    /// is given up.
    ///
    /// # Errors
    /// [`Error::RangeOutside`]; [`Error::Busy`] and [`Error::TooManyClaims`] where somebody has claimed what is mapped;
    /// [`Error::Disagrees`]; [`Error::Os`].
    pub fn touch(&mut self, who: Who, at: PageIndex, how: Whole<'_>) -> Result<Reached, Error> {
        let writes = matches!(how, Whole::Write(_));
        let laid = self.table.get(at.0 as usize).ok_or(self.outside(at))?.clone();
        let again = |hung: &Hung| hung.who == who && hung.at == at && hung.writes == writes;
        self.give_up_where(|hung| hung.who.thread == who.thread && hung.who.depth >= who.depth && !again(hung))?;
        let before = self.hung.iter().position(again).map(|i| self.hung.swap_remove(i));
        let since = before.as_ref().map_or_else(Instant::now, |hung| hung.since);
        let (again, mut hand) = (before.is_some(), before.and_then(|hung| hung.hand));
        let there = laid.filter(|laid| !writes || laid.writable);
        let reached = self.reach(&mut hand, (at, how), there.as_ref());
        // What was refused hangs on where it did.
        let hangs = hand.as_ref().map_or(again, Hand::hangs);
        match reached == Ok(Reached::Fault) || reached.is_err() && hangs {
            true => self.hung.push(Hung { who, at, writes, since, hand }),
            false => self.idle.extend(hand),
        }
        self.count(reached?, again, since);
        reached
    }

    fn count(&mut self, reached: Reached, again: bool, since: Instant) {
        let traffic = &mut self.traffic;
        traffic.touches += u64::from(!again);
        let time = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
        match reached {
            Reached::Through if again => traffic.fault_time.add(time),
            Reached::Through => traffic.touch_time.add(time),
            Reached::Fault => {
                traffic.faults += 1;
                traffic.retries += u64::from(again);
            }
        }
    }

    /// The access, by a hand where there are any.
    fn reach(
        &mut self,
        hand: &mut Option<Hand>,
        (at, how): (PageIndex, Whole<'_>),
        there: Option<&Laid>,
    ) -> Result<Reached, Error> {
        let writes = matches!(how, Whole::Write(_));
        let Some(faults) = &self.faults else {
            return there.map_or(Ok(Reached::Fault), |laid| laid.access(how));
        };
        // A store to what is there for loads is stopped by nobody, where the system cannot protect it.
        if there.is_none() && writes && self.is_mapped(at) && !faults.protects() {
            return Ok(Reached::Fault);
        }
        let sent = match hand.take().or_else(|| self.idle.pop()) {
            Some(known) => hand.insert(known),
            None => hand.insert(Hand::new(faults)?),
        };
        if let Whole::Write(page) = how {
            sent.lay(page);
        }
        let claim = there.map(|laid| laid.claim(writes)).transpose()?;
        let made = sent.touch((at, writes), there.is_some());
        drop(claim);
        let made = made.map_err(|e| if there.is_some() { Error::Disagrees { page: at, there: true } } else { e })?;
        if made && there.is_none() {
            return Err(Error::Disagrees { page: at, there: false });
        }
        match how {
            Whole::Read(into) if made => sent.took(into),
            _ => {}
        }
        Ok(if made { Reached::Through } else { Reached::Fault })
    }

    /// Gives up all that a thread hangs in, at this depth of its calls or deeper.
    ///
    /// # Errors
    /// [`Error::Os`].
    pub fn give_up(&mut self, who: Who) -> Result<(), Error> {
        self.give_up_where(|hung| hung.who.thread == who.thread && hung.who.depth >= who.depth)
    }

    /// Gives up whatever hangs.
    ///
    /// # Errors
    /// [`Error::Os`].
    pub fn give_up_all(&mut self) -> Result<(), Error> {
        self.give_up_where(|_| true)
    }

    fn give_up_where(&mut self, which: impl Fn(&Hung) -> bool) -> Result<(), Error> {
        while let Some(i) = self.hung.iter().position(&which) {
            let hung = self.hung.swap_remove(i);
            self.traffic.given_up += 1;
            if let Some(mut hand) = hung.hand {
                let mapped = self.table[hung.at.0 as usize].as_ref().map(|laid| (laid.frame.clone(), laid.writable));
                hand.give_up(mapped)?;
                self.idle.push(hand);
            }
        }
        Ok(())
    }
}

impl Drop for Mmu {
    fn drop(&mut self) {
        // Those that hang are got out while somebody is told of faults.
        self.hung.clear();
        self.idle.clear();
    }
}

/// What an access has for itself while it is made.
enum Claimed {
    System {
        _read: Option<crate::ReadClaim>,
        _write: Option<crate::WriteClaim>,
    },
    /// Anybody may go to I/O memory at any time.
    Io,
}

impl Laid {
    fn claim(&self, writes: bool) -> Result<Claimed, Error> {
        Ok(match &self.of {
            Buffer::Tt(system) | Buffer::Memory(system) => {
                let one = PageCount(1);
                let _write = writes.then(|| system.write_range(self.page, one)).transpose()?;
                let _read = (!writes).then(|| system.read_range(self.page, one)).transpose()?;
                Claimed::System { _read, _write }
            }
            Buffer::Linear(..) | Buffer::Scatter(..) => Claimed::Io,
        })
    }

    /// The access without a real address.
    fn access(&self, how: Whole<'_>) -> Result<Reached, Error> {
        let missing = Error::Unpopulated { which: crate::Which::Source };
        match &self.of {
            Buffer::Tt(system) | Buffer::Memory(system) => match how {
                Whole::Read(into) => {
                    let claim = system.read_range(self.page, PageCount(1))?;
                    *into = *claim.page(self.page).ok_or(missing)?;
                }
                Whole::Write(page) => {
                    let mut claim = system.write_range(self.page, PageCount(1))?;
                    *claim.page_mut(self.page).ok_or(missing)? = *page;
                }
            },
            Buffer::Linear(aperture, first, _) => {
                let offset = crate::ByteOffset(first.0 + self.page.offset().0);
                let span = aperture.span(offset, ByteLen(PAGE_SIZE as u64)).ok_or(missing)?;
                match how {
                    Whole::Read(into) => span.read_into(into),
                    Whole::Write(page) => span.write_from(page),
                }
            }
            Buffer::Scatter(..) => return Err(missing),
        }
        Ok(Reached::Through)
    }
}

#[cfg(test)]
mod tests;
