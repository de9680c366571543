//! Locking several ww mutexes in any order: the back-off loop around `ww_mutex_lock()` that every driver writes.
//!
//! ```text
//!   retry:  for each m: ww_mutex_lock(m, ctx)
//!             0          next
//!             -EALREADY  next (a duplicate)
//!             -EDEADLK   unlock all that are held, newest first; ww_mutex_lock_slow(m, ctx); retry
//!             other      unlock all that are held; return it
//! ```

pub(crate) mod idioms;
mod mutants;
pub mod ops;

pub(crate) use mutants::Mutant;

use crate::{
    Cx, Errno, Family, Flow, Footprint, ObjId, Runtime, Standing, Value, View,
    coder::{fields, points},
    parts::parts,
    program::PoolRange,
    protocol::Protocol,
    ww::{How, Lock, Unlock},
};

points! {
    /// Program points of the loop; the steps themselves are those of lock and unlock.
    enum At {
        /// Takes the next one that is not held.
        Locking = "lock",
        /// Gives back everything after -EDEADLK or another error.
        BackingOff = "back off",
        /// Waits for the one that was contended.
        LockingSlow = "lock slow",
        /// `unlock-all`: gives back everything, newest first.
        Unlocking = "unlock",
    }
}

/// The loop in flight. Which mutexes: a range of the program's operand pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LockAll {
    at: At,
    locks: PoolRange,
    ctx: ObjId,
    interruptible: bool,
    /// Which of them are held, by place in the list.
    held: u16,
    /// The one being taken or given back.
    current: u8,
    /// The error that started the back-off: `EDEADLK` retries, others are returned.
    error: u16,
    inner: Inner,
}

fields!(LockAll { at, locks, ctx, interruptible, held, current, error, inner });

parts! {
    /// What it is in the middle of.
    enum Inner {
        Unlock(Unlock) = Unlock::new(ObjId::object(0)),
        Lock(Lock) = Lock::new(ObjId::object(0), None, How::Lock),
    }
}

impl LockAll {
    pub(crate) const BLANK: LockAll = LockAll {
        at: At::Locking,
        locks: PoolRange { start: 0, len: 0 },
        ctx: ObjId::object(0),
        interruptible: false,
        held: 0,
        current: 0,
        error: 0,
        inner: Inner::Unlock(Unlock::new(ObjId::object(0))),
    };

    /// Locks every mutex of the range; `None` if there is none.
    pub(crate) fn lock(program: &crate::Program, locks: PoolRange, ctx: ObjId, interruptible: bool) -> Option<LockAll> {
        if locks.len == 0 {
            return None;
        }
        let first = program.pool_objects(locks).get(0);
        let mut all = LockAll {
            at: At::Locking,
            locks,
            ctx,
            interruptible,
            held: 0,
            current: 0,
            error: 0,
            inner: Inner::Lock(Lock::new(first, Some(ctx), How::Lock)),
        };
        all.take(program, 0);
        Some(all)
    }

    /// Unlocks every mutex of the range, last first.
    pub(crate) fn unlock(program: &crate::Program, locks: PoolRange) -> Option<LockAll> {
        let mutexes = program.pool_objects(locks);
        let last = mutexes.len().checked_sub(1)?;
        Some(LockAll {
            at: At::Unlocking,
            locks,
            ctx: ObjId::object(0),
            interruptible: false,
            held: (1 << last) - 1,
            current: last as u8,
            error: 0,
            inner: Inner::Unlock(Unlock::new(mutexes.get(last))),
        })
    }

    fn take(&mut self, program: &crate::Program, at: usize) {
        let slow = self.at == At::LockingSlow;
        let how = match (slow, self.interruptible) {
            (false, false) => How::Lock,
            (false, true) => How::Interruptible,
            (true, false) => How::Slow,
            (true, true) => How::SlowInterruptible,
        };
        self.current = at as u8;
        self.inner = Inner::Lock(Lock::new(program.pool_objects(self.locks).get(at), Some(self.ctx), how));
    }

    /// Goes on to the next one not held; over when there is none.
    fn next_to_lock(&mut self, program: &crate::Program) -> Flow {
        self.at = At::Locking;
        let count = program.pool_objects(self.locks).len();
        match (0..count).find(|i| self.held >> i & 1 == 0) {
            None => Flow::Done(Value::Word(0)),
            Some(i) => {
                self.take(program, i);
                Flow::Go
            }
        }
    }

    /// Goes on to give back the newest one held; then retries or returns.
    fn next_to_unlock(&mut self, program: &crate::Program) -> Flow {
        let keeps = self.at == At::BackingOff && program.mutated(Mutant::KeepsLocks);
        if self.held != 0 && !keeps {
            let newest = 15 - self.held.leading_zeros() as usize;
            let mutex = program.pool_objects(self.locks).get(newest);
            self.held &= !(1 << newest);
            self.inner = Inner::Unlock(Unlock::new(mutex));
            return Flow::Go;
        }
        match (self.at, self.error) {
            (At::Unlocking, _) => Flow::Done(Value::Word(0)),
            (_, e) if i32::from(e) == Errno::EDEADLK.0 && program.mutated(Mutant::NoSlow) => {
                self.error = 0;
                self.next_to_lock(program)
            }
            (_, e) if i32::from(e) == Errno::EDEADLK.0 && !program.mutated(Mutant::GivesUp) => {
                (self.at, self.error) = (At::LockingSlow, 0);
                self.take(program, usize::from(self.current));
                Flow::Go
            }
            (_, e) => Flow::Done(Value::Word(-i32::from(e))),
        }
    }

    fn locked(&mut self, program: &crate::Program, result: Value) -> Flow {
        match result {
            Value::Word(0) => {
                self.held |= 1 << self.current;
                self.next_to_lock(program)
            }
            // A duplicate in the list: held already, released once with the entry that took it.
            Value::Word(e) if e == -Errno::EALREADY.0 => self.skip_duplicate(program),
            Value::Word(e) => {
                self.error = (-e) as u16;
                self.at = At::BackingOff;
                self.next_to_unlock(program)
            }
            other => Flow::Done(other),
        }
    }

    /// Passes over entries that name a mutex which an earlier entry holds.
    fn skip_duplicate(&mut self, program: &crate::Program) -> Flow {
        let mutexes = program.pool_objects(self.locks);
        let later = (usize::from(self.current) + 1..mutexes.len()).find(|i| self.held >> i & 1 == 0);
        match later {
            None => Flow::Done(Value::Word(0)),
            Some(i) => {
                self.take(program, i);
                Flow::Go
            }
        }
    }
}

impl Protocol for LockAll {
    const FAMILY: Option<Family> = Some(Family::Mutex);

    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        self.inner.amid(at)
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.inner.step(cx).once_over(|result| match self.inner {
            Inner::Lock(_) => self.locked(cx.program, result),
            Inner::Unlock(_) => self.next_to_unlock(cx.program),
        })
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        self.inner.footprint(v)
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if let Inner::Lock(first) = &self.inner {
            first.judge(cx);
        }
    }

    fn label(&self) -> &'static str {
        self.inner.label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        self.inner.spins_on()
    }
}
