//! Real page faults: a range of addresses that `userfaultfd` watches.
//!
//! A page that was never mapped is anonymous memory registered for missing pages: a touch is told. Mapping lays the
//! frame's memory there (`mmap()` of the arena's file, one page), registers that for missing entries and fills the
//! entry (`UFFDIO_CONTINUE`). A touch that comes between the two finds the frame that is being mapped. A zap takes the
//! entry away (`MADV_DONTNEED`) and leaves what lies there: the next touch is told again. So at no time can a touch go
//! through to anything but a frame that is mapped there.
//!
//! Who is told that its access is not made has to get out of the kernel all the same: a page of nobody's is laid there
//! for that moment, with the page's turn odd, and whoever looked through it looks again.
#![allow(unsafe_code)]

mod hand;

use super::{Bus, Fault, Served, Touch, frame::Frame};
use crate::{
    error::Error,
    io,
    units::{PAGE_SHIFT, PAGE_SIZE, PageCount, PageIndex},
};
pub(crate) use hand::Hand;
use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, eventfd, poll},
    fd::OwnedFd,
    fs::{FallocateFlags, fallocate},
    io::{Errno, read, write},
    ioctl::{Opcode, Updater, ioctl, opcode},
    mm::{Advice, MapFlags, ProtFlags, UserfaultfdFlags, madvise, mmap, mmap_anonymous, munmap, userfaultfd},
    thread::gettid,
};
use std::{
    collections::HashMap,
    ffi::c_void,
    hint,
    ptr::{NonNull, null_mut},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{Builder, JoinHandle},
};

// What follows is `linux/userfaultfd.h`, as far as it is used.
#[repr(C)]
struct Api {
    api: u64,
    features: u64,
    ioctls: u64,
}

#[repr(C)]
struct Range {
    start: u64,
    len: u64,
}

#[repr(C)]
struct Register {
    range: Range,
    mode: u64,
    ioctls: u64,
}

#[repr(C)]
struct Continue {
    range: Range,
    mode: u64,
    mapped: i64,
}

#[repr(C)]
struct Protect {
    range: Range,
    mode: u64,
}

const GROUP: u8 = 0xaa;
const API: u64 = 0xaa;
const UFFDIO_API: Opcode = opcode::read_write::<Api>(GROUP, 0x3f);
const UFFDIO_REGISTER: Opcode = opcode::read_write::<Register>(GROUP, 0x00);
const UFFDIO_WAKE: Opcode = opcode::read::<Range>(GROUP, 0x02);
const UFFDIO_WRITEPROTECT: Opcode = opcode::read_write::<Protect>(GROUP, 0x06);
const UFFDIO_CONTINUE: Opcode = opcode::read_write::<Continue>(GROUP, 0x07);
/// Entries of files can be write-protected, and faults at them are told as such (Linux 5.19).
const FEATURES_WP: u64 = 1 << 0 | 1 << 12;
const FEATURE_THREAD_ID: u64 = 1 << 8;
const FEATURE_MINOR_SHMEM: u64 = 1 << 10;
const MODE_MISSING: u64 = 1 << 0;
const MODE_WP: u64 = 1 << 1;
const MODE_MINOR: u64 = 1 << 2;
/// Of `UFFDIO_WRITEPROTECT`: protect, and no more the opposite.
const PROTECT_WP: u64 = 1 << 0;
const EVENT_PAGEFAULT: u8 = 0x12;
const PAGEFAULT_WRITE: u64 = 1 << 0;
/// Bytes of a `struct uffd_msg`: the event, its flags at 8, the address at 16, the thread at 24.
const MESSAGE: usize = 32;

fn failed(call: &'static str) -> impl Fn(Errno) -> Error {
    move |errno| Error::Os { call, errno: errno.raw_os_error() }
}

/// What a user's thread, or the one that is told of faults, says to whoever sent it.
enum Said {
    /// The access was made, or given up.
    Done(u64),
    /// It hangs in a fault.
    Fault(Fault),
}

/// What all threads of it share.
pub(crate) struct Space {
    base: NonNull<u8>,
    pages: PageCount,
    told: OwnedFd,
    stop: OwnedFd,
    /// By thread, whom to ask about its faults.
    users: Mutex<HashMap<i32, Sender<Said>>>,
    /// Of each page: odd while a page of nobody's lies there.
    turns: Box<[AtomicU32]>,
    /// Of each page, the frame that lies there, mapped or zapped.
    lies: Mutex<Vec<Option<Frame>>>,
    /// An entry can be there for loads alone.
    protects: bool,
}

// SAFETY: the addresses are this range's own, and not bound to a thread; what is done to them says for itself why.
unsafe impl Send for Space {}
// SAFETY: as above.
unsafe impl Sync for Space {}

impl Drop for Space {
    fn drop(&mut self) {
        // SAFETY: the whole reservation, once; whoever touches it has an `Arc` of it.
        let unmapped = unsafe { munmap(self.base.as_ptr().cast(), self.bytes()) };
        debug_assert!(unmapped.is_ok(), "munmap of a whole reservation failed: {unmapped:?}");
    }
}

/// A range of addresses, and the thread that is told of its faults.
pub(crate) struct Faults {
    range: Arc<Space>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Faults {
    fn drop(&mut self) {
        // It cannot be full: nobody else writes there.
        let _ = write(&self.range.stop, &1u64.to_ne_bytes());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Faults {
    /// So many pages, none of which is there.
    pub(crate) fn new(pages: PageCount) -> Result<Faults, Error> {
        // SAFETY: what it is told of are the pages of this range, which nobody uses but by this module.
        let told = unsafe { userfaultfd(UserfaultfdFlags::CLOEXEC | UserfaultfdFlags::NONBLOCK) };
        let told = told.map_err(failed("userfaultfd"))?;
        let asked = |features: u64| {
            let mut api = Api { api: API, features: FEATURE_THREAD_ID | FEATURE_MINOR_SHMEM | features, ioctls: 0 };
            // SAFETY: the kernel's own struct, read and written.
            unsafe { ioctl(&told, Updater::<UFFDIO_API, Api>::new(&mut api)) }
        };
        // What it refuses it has not begun, and may be asked for less.
        let protects = asked(FEATURES_WP).is_ok();
        if !protects {
            asked(0).map_err(failed("UFFDIO_API"))?;
        }
        let stop = eventfd(0, EventfdFlags::CLOEXEC).map_err(failed("eventfd"))?;
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        // SAFETY: a fresh anonymous mapping where the kernel likes: it replaces nothing.
        let base = unsafe { mmap_anonymous(null_mut(), pages.0 as usize * PAGE_SIZE, PROT, flags) };
        let base = NonNull::new(base.map_err(failed("mmap"))?.cast::<u8>()).ok_or(failed("mmap")(Errno::NOMEM))?;
        let turns = (0..pages.0).map(|_| AtomicU32::new(0)).collect();
        let (users, lies) = (Mutex::default(), Mutex::new(vec![None; pages.0 as usize]));
        let range = Arc::new(Space { base, pages, told, stop, users, turns, lies, protects });
        range.register(PageIndex(0), pages, MODE_MISSING)?;
        let server = Arc::clone(&range);
        let thread = Builder::new().name("faults".into()).spawn(move || server.serve());
        let thread = thread.map_err(|e| Error::Os { call: "clone", errno: e.raw_os_error().unwrap_or(11) })?;
        Ok(Faults { range, thread: Some(thread) })
    }

    /// Maps a page to a frame of a file, or changes whether that may be written.
    pub(crate) fn map(&self, at: PageIndex, frame: &Frame, writable: bool) -> Result<(), Error> {
        self.range.map(at, frame, writable)
    }

    /// Whether a store to an entry that must not be written is a fault; else there is nothing to stop it.
    pub(crate) fn protects(&self) -> bool {
        self.range.protects
    }

    /// Takes entries away.
    pub(crate) fn zap(&self, first: PageIndex, pages: PageCount) -> Result<(), Error> {
        self.range.zap(first, pages)
    }
}

const PROT: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

impl Space {
    fn bytes(&self) -> usize {
        self.pages.0 as usize * PAGE_SIZE
    }

    fn address(&self, at: PageIndex) -> *mut c_void {
        debug_assert!(at.0 < self.pages.0);
        self.base.as_ptr().wrapping_add((at.0 as usize) << PAGE_SHIFT).cast()
    }

    fn part(&self, first: PageIndex, pages: PageCount) -> Range {
        Range { start: self.address(first).addr() as u64, len: (pages.0 as u64) << PAGE_SHIFT }
    }

    fn register(&self, first: PageIndex, pages: PageCount, mode: u64) -> Result<(), Error> {
        let mut register = Register { range: self.part(first, pages), mode, ioctls: 0 };
        // SAFETY: the kernel's own struct; the range is ours.
        let done = unsafe { ioctl(&self.told, Updater::<UFFDIO_REGISTER, Register>::new(&mut register)) };
        done.map_err(failed("UFFDIO_REGISTER"))
    }

    fn wake(&self, at: PageIndex) {
        let mut range = self.part(at, PageCount(1));
        // SAFETY: the kernel's own struct; who hangs there looks again, which is always right.
        let woken = unsafe { ioctl(&self.told, Updater::<UFFDIO_WAKE, Range>::new(&mut range)) };
        debug_assert!(woken.is_ok(), "UFFDIO_WAKE failed: {woken:?}");
    }

    fn map(&self, at: PageIndex, frame: &Frame, writable: bool) -> Result<(), Error> {
        let mut lies = lock(&self.lies);
        let here = &mut lies[at.0 as usize];
        if here.as_ref() != Some(frame) {
            let (flags, offset) = (MapFlags::SHARED | MapFlags::FIXED, frame.offset());
            // SAFETY: one page of our own range is replaced; nobody has a reference into it.
            unsafe { mmap(self.address(at), PAGE_SIZE, PROT, flags, frame.file(), offset) }.map_err(failed("mmap"))?;
            *here = Some(frame.clone());
            let protects = if self.protects { MODE_WP } else { 0 };
            self.register(at, PageCount(1), MODE_MISSING | MODE_MINOR | protects)?;
        }
        let entered = self.enter(at).or_else(|errno| match errno {
            // Nobody has touched the frame yet, and its file has a hole there.
            Errno::FAULT => {
                fallocate(frame.file(), FallocateFlags::empty(), frame.offset(), PAGE_SIZE as u64)?;
                self.enter(at)
            }
            errno => Err(errno),
        });
        match entered {
            Ok(()) if writable => Ok(()),
            Ok(()) => self.protect(at, true),
            // Somebody has touched it since it lies there, or what may be done with it changes.
            Err(Errno::EXIST) => {
                self.protect(at, !writable)?;
                self.wake(at);
                Ok(())
            }
            Err(errno) => Err(failed("UFFDIO_CONTINUE")(errno)),
        }
    }

    /// Makes the entry of what lies there.
    fn enter(&self, at: PageIndex) -> Result<(), Errno> {
        let mut entry = Continue { range: self.part(at, PageCount(1)), mode: 0, mapped: 0 };
        // SAFETY: the kernel's own struct; the entry is of the frame that lies there.
        unsafe { ioctl(&self.told, Updater::<UFFDIO_CONTINUE, Continue>::new(&mut entry)) }
    }

    /// Keeps stores away from what is mapped there, or lets them through again, where the system can.
    fn protect(&self, at: PageIndex, keep: bool) -> Result<(), Error> {
        if !self.protects {
            return Ok(());
        }
        let mut protect = Protect { range: self.part(at, PageCount(1)), mode: if keep { PROTECT_WP } else { 0 } };
        // SAFETY: the kernel's own struct; the entry is of our own range.
        let done = unsafe { ioctl(&self.told, Updater::<UFFDIO_WRITEPROTECT, Protect>::new(&mut protect)) };
        done.map_err(failed("UFFDIO_WRITEPROTECT"))
    }

    fn zap(&self, first: PageIndex, pages: PageCount) -> Result<(), Error> {
        // SAFETY: entries of our own range; what they were of stays as it is, and pages of nobody's have no contents.
        let zapped = unsafe { madvise(self.address(first), pages.0 as usize * PAGE_SIZE, Advice::LinuxDontNeed) };
        zapped.map_err(failed("madvise"))
    }

    /// Lets who hangs at a page out of the kernel without its access: for that moment a page of nobody's lies there.
    fn turn_out(&self, at: PageIndex, mapped: Option<(Frame, bool)>, gone: &mut dyn FnMut()) -> Result<(), Error> {
        let turn = &self.turns[at.0 as usize];
        turn.fetch_add(1, Ordering::SeqCst);
        let nobodys = || {
            let flags = MapFlags::PRIVATE | MapFlags::FIXED | MapFlags::NORESERVE;
            // SAFETY: one page of our own range is replaced; nobody has a reference into it.
            unsafe { mmap_anonymous(self.address(at), PAGE_SIZE, PROT, flags) }.map_err(failed("mmap"))
        };
        nobodys()?;
        lock(&self.lies)[at.0 as usize] = None;
        self.wake(at);
        gone();
        self.register(at, PageCount(1), MODE_MISSING)?;
        self.zap(at, PageCount(1))?;
        if let Some((frame, writable)) = mapped {
            self.map(at, &frame, writable)?;
        }
        turn.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// Is told of faults, and says so to whoever sent the thread that hangs there.
    fn serve(&self) {
        let mut message = [0u8; MESSAGE];
        loop {
            let mut both = [PollFd::new(&self.told, PollFlags::IN), PollFd::new(&self.stop, PollFlags::IN)];
            let _ = poll(&mut both, None);
            if both[1].revents().contains(PollFlags::IN) {
                return;
            }
            while matches!(read(&self.told, &mut message), Ok(MESSAGE)) {
                self.pass_on(&message);
            }
        }
    }

    fn pass_on(&self, message: &[u8; MESSAGE]) {
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&message[at..at + 8]);
            u64::from_ne_bytes(bytes)
        };
        if message[0] != EVENT_PAGEFAULT {
            return;
        }
        let (flags, address, thread) = (word(8), word(16), word(24) as u32 as i32);
        let page = PageIndex(((address as usize - self.base.as_ptr().addr()) >> PAGE_SHIFT) as u32);
        let fault = Fault { page, write: flags & PAGEFAULT_WRITE != 0 };
        let user = lock(&self.users).get(&thread).cloned();
        debug_assert!(user.is_some(), "a thread faults that is no user");
        // Nobody listens to a user that is gone.
        let _ = user.map(|user| user.send(Said::Fault(fault)));
    }
}

/// What a user's thread is asked for.
type Ask = (PageIndex, usize, Touch);

/// Sends a thread to touch words, and serves its faults.
pub(crate) struct Asker {
    range: Arc<Space>,
    ask: Option<Sender<Ask>>,
    said: Receiver<Said>,
    /// The access that is under way is not made any more.
    given_up: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    id: i32,
}

/// Does something under the table's lock, with what is mapped at the page.
type Locked<'a> = dyn FnMut(&mut dyn FnMut(Option<Frame>)) + 'a;

impl Asker {
    pub(crate) fn new(faults: &Faults) -> Result<Asker, Error> {
        let range = Arc::clone(&faults.range);
        let (ask, asked) = channel::<Ask>();
        let (say, said) = channel();
        let (name, named) = channel();
        let given_up = Arc::new(AtomicBool::new(false));
        let (place, told, gives_up) = (Arc::clone(&range), say.clone(), Arc::clone(&given_up));
        let live = move || {
            let _ = name.send(gettid().as_raw_nonzero().get());
            for (page, word, how) in asked {
                let value = place.touch(page, word, how, &gives_up);
                if told.send(Said::Done(value)).is_err() {
                    return;
                }
            }
        };
        let thread = Builder::new().name("user".into()).spawn(live);
        let thread = thread.map_err(|e| Error::Os { call: "clone", errno: e.raw_os_error().unwrap_or(11) })?;
        // It says its name first, and cannot fail before that.
        let id = named.recv().map_err(|_| Error::Os { call: "gettid", errno: 3 })?;
        lock(&range.users).insert(id, say);
        Ok(Asker { range, ask: Some(ask), said, given_up, thread: Some(thread), id })
    }

    /// Touches a word.
    pub(crate) fn touch(
        &mut self,
        _of: &Faults,
        (page, word, how): Ask,
        serve: &mut dyn FnMut(Fault) -> Served,
        locked: &mut Locked<'_>,
    ) -> Result<u64, Bus> {
        let sent = self.ask.as_ref().is_some_and(|ask| ask.send((page, word, how)).is_ok());
        debug_assert!(sent, "a user's thread lives as long as its asker");
        loop {
            match self.said.recv() {
                Ok(Said::Done(value)) => return Ok(value),
                Ok(Said::Fault(fault)) if serve(fault) == Served::Again => self.range.wake(fault.page),
                Ok(Said::Fault(_)) => {
                    self.given_up.store(true, Ordering::SeqCst);
                    let (range, said) = (&self.range, &self.said);
                    locked(&mut |mapped| {
                        let mut gone = || while !matches!(said.recv(), Ok(Said::Done(_)) | Err(_)) {};
                        let out = range.turn_out(page, mapped.map(|frame| (frame, true)), &mut gone);
                        debug_assert!(out.is_ok(), "a page could not be replaced: {out:?}");
                    });
                    self.given_up.store(false, Ordering::SeqCst);
                    return Err(Bus(page));
                }
                Err(_) => return Err(Bus(page)),
            }
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        // Nobody asks any more, so its thread ends.
        self.ask = None;
        let _ = self.thread.take().map(JoinHandle::join);
        lock(&self.range.users).remove(&self.id);
    }
}

impl Space {
    /// The access itself, on a user's thread: it may hang in the kernel.
    fn touch(&self, page: PageIndex, word: usize, how: Touch, given_up: &AtomicBool) -> u64 {
        let turn = &self.turns[page.0 as usize];
        let address = self.address(page).cast::<u64>().wrapping_add(word);
        loop {
            let before = turn.load(Ordering::SeqCst);
            if !before.is_multiple_of(2) {
                if given_up.load(Ordering::SeqCst) {
                    return 0;
                }
                hint::spin_loop();
                std::thread::yield_now();
                continue;
            }
            // SAFETY: an aligned word of our own range, which is mapped as long as `self` lives: to the frame that is
            // mapped there, to a page of nobody's, or the kernel holds this thread until it is. No reference to it
            // exists (a mapped frame is claimed), and words may race.
            let value = unsafe {
                match how {
                    Touch::Read => io::load64(address),
                    Touch::Write(value) => {
                        io::store64(address, value);
                        value
                    }
                }
            };
            if turn.load(Ordering::SeqCst) == before {
                return value;
            }
            if given_up.load(Ordering::SeqCst) {
                return 0;
            }
        }
    }
}
