//! A thread of a process that makes one access when it is its turn, and hangs in the kernel where that faults.
//!
//! Who hangs at a page is woken with all others that do, and may get through before its turn. So an access has two
//! halves: a *probe*, which faults as the access would and changes nothing, whatever it meets; and the access, which is
//! made if it is the hand's turn. Until that is over whoever gave the turn waits, and has what the page leads to alone.
//! Who gets through at another moment waits for its turn and begins again.
#![allow(unsafe_code)]

use super::{Faults, Frame, Said, Space, failed, lock};
use crate::{
    error::Error,
    io,
    units::{PAGE_SIZE, Page, PageIndex},
};
use rustix::{io::Errno, thread::gettid};
use std::{
    ptr::NonNull,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{Builder, JoinHandle},
    time::{Duration, Instant},
};

/// It is not its turn.
const SHUT: u32 = 0;
/// It is.
const OPEN: u32 = 1;
/// It is in the middle of its access.
const TAKEN: u32 = 2;
/// The access is not made any more.
const OUT: u32 = 3;

/// How long who is told neither of a fault nor of an end waits. Either is a matter of microseconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a hand is asked for.
enum Order {
    /// An access to a whole page: a store of it, or a load.
    Touch(PageIndex, bool),
    /// It is its turn again.
    Go,
}

/// What the hand's thread has in common with whoever sends it.
struct Shared {
    range: Arc<Space>,
    turn: AtomicU32,
    /// What is stored, or was loaded.
    page: Mutex<Box<Page>>,
}

/// A thread that makes accesses.
pub(crate) struct Hand {
    shared: Arc<Shared>,
    order: Option<Sender<Order>>,
    said: Receiver<Said>,
    /// What it hangs in.
    hangs: Option<(PageIndex, bool)>,
    thread: Option<JoinHandle<()>>,
    id: i32,
}

impl Hand {
    /// A thread of the process whose faults these are.
    pub(crate) fn new(faults: &Faults) -> Result<Hand, Error> {
        let range = Arc::clone(&faults.range);
        let page = Mutex::new(Box::new([0; PAGE_SIZE]));
        let shared = Arc::new(Shared { range, turn: AtomicU32::new(SHUT), page });
        let (order, orders) = channel::<Order>();
        let (say, said) = channel();
        let (name, named) = channel();
        let (theirs, told) = (Arc::clone(&shared), say.clone());
        let live = move || {
            let _ = name.send(gettid().as_raw_nonzero().get());
            theirs.live(&orders, &told);
        };
        let thread = Builder::new().name("hand".into()).spawn(live);
        let thread = thread.map_err(|e| Error::Os { call: "clone", errno: e.raw_os_error().unwrap_or(11) })?;
        // It says its name first, and cannot fail before that.
        let id = named.recv().map_err(|_| Error::Os { call: "gettid", errno: 3 })?;
        lock(&shared.range.users).insert(id, say);
        Ok(Hand { shared, order: Some(order), said, hangs: None, thread: Some(thread), id })
    }

    /// Whether it hangs in a fault.
    pub(crate) fn hangs(&self) -> bool {
        self.hangs.is_some()
    }

    /// What is to be stored.
    pub(crate) fn lay(&self, page: &Page) {
        **lock(&self.shared.page) = *page;
    }

    /// What was loaded.
    pub(crate) fn took(&self, into: &mut Page) {
        *into = **lock(&self.shared.page);
    }

    /// Makes an access, or goes on with the one that it hangs in; whether it was made, else it hangs in a fault now.
    /// `there`: by its entry it can be made.
    pub(crate) fn touch(&mut self, what: (PageIndex, bool), there: bool) -> Result<bool, Error> {
        let goes_on = self.hangs == Some(what);
        debug_assert!(goes_on || self.hangs.is_none(), "a hand makes one access at a time");
        self.shared.turn.store(OPEN, Ordering::SeqCst);
        self.send(if goes_on { Order::Go } else { Order::Touch(what.0, what.1) });
        if goes_on {
            self.shared.range.wake(what.0);
        }
        let made = self.end_turn(there);
        self.hangs = if matches!(made, Ok(true)) { None } else { Some(what) };
        made
    }

    fn send(&self, order: Order) {
        let sent = self.order.as_ref().is_some_and(|to| to.send(order).is_ok());
        debug_assert!(sent, "a hand's thread lives as long as its owner");
    }

    /// Waits until it is through, or hangs in a fault.
    ///
    /// A fault may be told late, of a hang that is over; so it is believed of an entry that is not there alone, at
    /// which it hangs again or will. Where the entry is there it was woken, and gets through.
    fn end_turn(&self, mut there: bool) -> Result<bool, Error> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.said.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(Said::Done(_)) => {
                    self.shared.turn.store(SHUT, Ordering::SeqCst);
                    return Ok(true);
                }
                Ok(Said::Fault(_)) if there => {}
                Ok(Said::Fault(_)) if self.shuts() => return Ok(false),
                // It was let through all the same, and is in the middle of it.
                Ok(Said::Fault(_)) => there = true,
                Err(RecvTimeoutError::Timeout) if self.shuts() => return Err(failed("userfaultfd")(Errno::TIMEDOUT)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(failed("userfaultfd")(Errno::SRCH)),
            }
        }
    }

    /// Ends its turn, if it is not in the middle of its access.
    fn shuts(&self) -> bool {
        self.shared.turn.compare_exchange(OPEN, SHUT, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Gets it out of what it hangs in, without its access. `mapped` is what its page leads to.
    pub(crate) fn give_up(&mut self, mapped: Option<(Frame, bool)>) -> Result<(), Error> {
        let Some((at, _)) = self.hangs.take() else { return Ok(()) };
        self.shared.turn.store(OUT, Ordering::SeqCst);
        self.send(Order::Go);
        let said = &self.said;
        let mut gone = || while !matches!(said.recv(), Ok(Said::Done(_)) | Err(_)) {};
        let out = self.shared.range.turn_out(at, mapped, &mut gone);
        self.shared.turn.store(SHUT, Ordering::SeqCst);
        out
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        // Whatever its page leads to: nobody goes there any more by this table.
        let out = self.give_up(None);
        debug_assert!(out.is_ok(), "a hand could not be got out: {out:?}");
        // Nobody asks any more, so its thread ends.
        self.order = None;
        let _ = self.thread.take().map(JoinHandle::join);
        lock(&self.shared.range.users).remove(&self.id);
    }
}

impl Shared {
    /// The life of the hand's thread.
    fn live(&self, orders: &Receiver<Order>, told: &Sender<Said>) {
        for order in orders {
            // One of an access that is over has come to nothing.
            let Order::Touch(at, writes) = order else { continue };
            loop {
                self.range.probe(at, writes);
                let turn = &self.turn;
                let begun = turn.compare_exchange(OPEN, TAKEN, Ordering::SeqCst, Ordering::SeqCst);
                if begun.is_ok() {
                    self.range.whole(at, writes, &mut lock(&self.page));
                }
                if begun.is_ok() || begun == Err(OUT) {
                    break;
                }
                if orders.recv().is_err() {
                    return;
                }
            }
            if told.send(Said::Done(0)).is_err() {
                return;
            }
        }
    }
}

impl Space {
    /// Faults as an access to the page would, and changes nothing.
    fn probe(&self, at: PageIndex, writes: bool) {
        let word = self.address(at).cast::<u64>();
        if !writes {
            // SAFETY: an aligned word of our own range, which is mapped as long as `self` lives: to a frame, to a page
            // of nobody's, or the kernel holds this thread until it is. It is only read, by a word's own load.
            let _ = unsafe { io::load64(word) };
            return;
        }
        // SAFETY: as above. No reference into this range exists; the word is exchanged for itself, in one access that
        // no other comes into, so that whoever uses the same memory by another address never knows.
        let word = unsafe { AtomicU64::from_ptr(word) };
        loop {
            let now = word.load(Ordering::Relaxed);
            if word.compare_exchange(now, now, Ordering::SeqCst, Ordering::Relaxed).is_ok() {
                return;
            }
        }
    }

    /// The access itself, to all of the page, in its turn.
    fn whole(&self, at: PageIndex, writes: bool, page: &mut Page) {
        let address = self.address(at).cast::<u64>();
        debug_assert!(NonNull::new(address).is_some_and(|a| a.is_aligned()));
        let (words, _) = page.as_chunks_mut::<8>();
        // SAFETY: all words of a page of our own range, which is mapped as long as `self` lives, and stays mapped to
        // the frame that the probe met: whoever changes entries waits for the end of this turn. What that frame holds
        // is this access's alone meanwhile: its owner is claimed by who gave the turn, or it is I/O memory.
        unsafe {
            match writes {
                true => io::write_words(address, words),
                false => io::read_words(words, address),
            }
        }
    }
}
