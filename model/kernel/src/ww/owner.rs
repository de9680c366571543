//! The owner word: who holds the mutex, and three flags in the low bits of the pointer.
//!
//! Whoever finds the word without a task may take it, queued or not: *stealing* is what makes a mutex fast, and what
//! would let a sleeper come too late for ever. So the first waiter that was woken and comes too late sets HANDOFF. Then
//! the holder does not release the word: it writes the first waiter's name into it, with PICKUP, and nobody but that
//! waiter can change it from there, by taking PICKUP off.

use super::WwMutex;
use crate::{AtomicCell, Bits, Code, Coder, Order, Runtime, ThreadId};

/// The owner word: a task, and flags in the pointer's low bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Owner(u8);

/// `MUTEX_FLAG_WAITERS`.
const WAITERS: u8 = 1;
/// `MUTEX_FLAG_HANDOFF`.
const HANDOFF: u8 = 2;
/// `MUTEX_FLAG_PICKUP`.
const PICKUP: u8 = 4;
/// `MUTEX_FLAGS`.
const FLAGS: u8 = WAITERS | HANDOFF | PICKUP;

const _: () = assert!(crate::MAX_THREADS < 1 << FLAGS.count_zeros());

impl Owner {
    /// `__mutex_owner()`: who holds the mutex, or, with PICKUP, who is to.
    pub fn task(self) -> Option<ThreadId> {
        (self.0 >> FLAGS.count_ones()).checked_sub(1).map(ThreadId)
    }

    /// `MUTEX_FLAG_WAITERS`: the wait list is not empty, the unlocker must take the slow path.
    pub fn waiters(self) -> bool {
        self.0 & WAITERS != 0
    }

    /// `MUTEX_FLAG_HANDOFF`: the unlocker must give the mutex to the first waiter.
    pub fn handoff(self) -> bool {
        self.0 & HANDOFF != 0
    }

    /// `MUTEX_FLAG_PICKUP`: it did, and that waiter does not know yet.
    pub fn pickup(self) -> bool {
        self.0 & PICKUP != 0
    }

    /// The word of this task, with the flags of this one.
    fn with_task(self, task: Option<ThreadId>) -> Owner {
        Owner(task.map_or(0, |t| t.0 + 1) << FLAGS.count_ones() | self.0 & FLAGS)
    }
}

impl Bits for Owner {
    fn to_bits(self) -> u64 {
        u64::from(self.0)
    }
    fn from_bits(bits: u64) -> Self {
        Owner(bits as u8)
    }
}

impl Code for Owner {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.thread_above(&mut self.0, FLAGS.count_ones());
    }
}

/// What an unlocker still has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Released {
    /// Nothing.
    Alone,
    /// The mutex is free; somebody waits.
    Waiters,
    /// The mutex is not free: it is to be handed over.
    HandOff,
}

impl<R: Runtime> WwMutex<R> {
    /// `__mutex_trylock_common()`: takes a free mutex, or one that was handed to this task, and keeps the other flags.
    /// With `handoff` a mutex that another one holds is marked to be handed over.
    pub(super) fn try_take(&mut self, me: ThreadId, handoff: bool) -> bool {
        let mut seen = Owner::default();
        loop {
            let new = match seen.task() {
                None => {
                    debug_assert!(seen.0 & !WAITERS == 0, "[internal bug] a free mutex is to be handed over");
                    seen.with_task(Some(me))
                }
                Some(next) if seen.pickup() && next == me => Owner(seen.0 & !PICKUP),
                Some(_) if seen.pickup() || seen.handoff() || !handoff => return false,
                Some(_) => Owner(seen.0 | HANDOFF),
            };
            match self.owner.compare_exchange(seen, new, Order::Acquire) {
                Ok(_) => return new.task() == Some(me),
                // A flag came or went.
                Err(now) => seen = now,
            }
        }
    }

    /// `__mutex_trylock_fast()`: takes a mutex that nobody has and nobody waits for.
    pub(super) fn try_take_fast(&mut self, me: ThreadId) -> bool {
        let free = Owner::default();
        self.owner.compare_exchange(free, free.with_task(Some(me)), Order::Acquire).is_ok()
    }

    /// `__mutex_unlock_fast()` and the first half of the slow path: releases the word and keeps WAITERS, unless the
    /// mutex is to be handed over. The order is a release, as an unlock's.
    pub(super) fn release(&mut self, me: ThreadId, order: Order) -> Released {
        let mut seen = Owner::default().with_task(Some(me));
        loop {
            if seen.handoff() {
                return Released::HandOff;
            }
            match self.owner.compare_exchange(seen, seen.with_task(None), order) {
                Ok(_) if seen.waiters() => return Released::Waiters,
                Ok(_) => return Released::Alone,
                Err(now) => seen = now,
            }
        }
    }

    /// `__mutex_handoff()`: gives the mutex to a task, or to nobody if all waiters left meanwhile.
    pub(super) fn hand_off(&mut self, to: Option<ThreadId>) {
        let mut seen = self.owner.load(Order::Relaxed);
        loop {
            debug_assert!(!seen.pickup(), "[internal bug] a mutex is handed over twice");
            let pickup = if to.is_some() { PICKUP } else { 0 };
            let new = Owner(seen.0 & WAITERS | pickup).with_task(to);
            match self.owner.compare_exchange(seen, new, Order::Release) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// `__mutex_add_waiter()`'s flag.
    pub(super) fn set_waiters_flag(&mut self) {
        self.owner.fetch_or(u64::from(WAITERS), Order::Relaxed);
    }

    /// `__mutex_remove_waiter()` of the last one: there is nobody left to hand over to either.
    pub(super) fn clear_flags(&mut self) {
        self.owner.fetch_and(!u64::from(FLAGS), Order::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_and_flags_share_the_word() {
        for task in [None, Some(ThreadId(0)), Some(ThreadId(crate::MAX_THREADS as u8 - 1))] {
            for flags in 0..=FLAGS {
                let owner = Owner(flags).with_task(task);
                let seen = u8::from(owner.waiters()) | u8::from(owner.handoff()) << 1 | u8::from(owner.pickup()) << 2;
                assert_eq!((owner.task(), seen), (task, flags));
                assert_eq!(Owner::from_bits(owner.to_bits()), owner);
            }
        }
    }
}
