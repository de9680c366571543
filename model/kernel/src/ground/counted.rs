//! A reference count, whatever it is a field of, with a ledger that knows whose references they are.

use crate::{AtomicCell, Code, Coder, Order, Plain, Runtime, ThreadId, runtime::NoteCell};

/// Net references of each thread: taken minus dropped, a nibble each, offset by eight; and whether the first is given
/// away or dropped by the scenario itself.
///
/// References travel. Where a thread stores a pointer, the reference that it has goes into the variable; whoever takes
/// the pointer out of it has it then. A pointer that is stored without one only points. What travels in other ways (one
/// thread takes, another drops) leaves one balance negative; what counts is that at the end nothing is left over, and
/// whose balance is positive if something is. A declared object's first reference is setup's, and is not booked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ledger([u8; 8]);

/// Every balance zero.
const BALANCED: u64 = 0x9111_1111_1111_1110;
/// Set where setup has given the first reference of a declared object away.
const GIVEN: u64 = 1;

impl Default for Ledger {
    fn default() -> Self {
        Ledger(BALANCED.to_le_bytes())
    }
}

impl Ledger {
    /// A thread's balance, within -8..=7.
    pub fn balance(self, t: ThreadId) -> i8 {
        let (at, half) = Ledger::place(t);
        ((u64::from_le_bytes(self.0) >> at) as i8 & (2 * half - 1)) - half
    }

    /// Where a thread's balance is, and what stands there for zero: there are three bits for the last.
    fn place(t: ThreadId) -> (u8, i8) {
        (1 + 4 * t.0, if t.0 == 15 { 4 } else { 8 })
    }

    /// Whether setup has given the first reference of a declared object away, or teardown has dropped it.
    pub(crate) fn is_given(self) -> bool {
        u64::from_le_bytes(self.0) & GIVEN != 0
    }

    fn set_given(&mut self, given: bool) {
        let others = u64::from_le_bytes(self.0) & !GIVEN;
        self.0 = (others | u64::from(given)).to_le_bytes();
    }

    /// Adds to a thread's balance; saturates, because it is a hint for the report and no part of the protocol.
    pub(crate) fn add(&mut self, t: ThreadId, delta: i8) {
        let (at, half) = Ledger::place(t);
        let new = self.balance(t).saturating_add(delta).clamp(-half, half - 1);
        let others = u64::from_le_bytes(self.0) & !((2 * half as u64 - 1) << at);
        self.0 = (others | ((new + half) as u64) << at).to_le_bytes();
    }

    /// Whether this thread has dropped one more than it took, and every other thread's books balance: what it dropped
    /// was no thread's, but that of what holds the object.
    pub(crate) fn is_overdrawn_by(self, t: ThreadId) -> bool {
        let mut overdrawn = Ledger::default();
        overdrawn.set_given(self.is_given());
        overdrawn.add(t, -1);
        self == overdrawn
    }

    /// The thread with the highest positive balance, the first of several.
    pub(crate) fn debtor(self) -> Option<ThreadId> {
        (0..crate::MAX_THREADS as u8)
            .map(ThreadId)
            .filter(|t| self.balance(*t) > 0)
            .min_by_key(|t| (-self.balance(*t), t.0))
    }
}

impl Code for Ledger {
    fn code<C: Coder>(&mut self, c: &mut C) {
        // Balances near zero are the rule: differences from the default pack into few bytes.
        let mut packed = u64::from_le_bytes(self.0) ^ BALANCED;
        c.thread_nibbles(&mut packed, 1);
        self.0 = (packed ^ BALANCED).to_le_bytes();
    }
}

/// What reference a stored pointer has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Owns {
    /// None: it only points.
    #[default]
    Nothing,
    /// One that a thread had.
    Counted,
    /// The one that was declared.
    First,
}

impl Code for Owns {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut tag = *self as u8;
        c.byte(&mut tag);
        *self = [Owns::Nothing, Owns::Counted, Owns::First][usize::from(tag.min(2))];
    }
}

/// A reference count with its ledger; inside `Refcount`, fences and `struct` slots.
#[derive(Clone)]
pub struct Counted<R: Runtime> {
    count: R::Atomic<u16>,
    ledger: R::Note<Ledger>,
}

impl Copy for Counted<Plain> {}

/// Most references to one object: their number is encoded in a byte.
const MAX_REFS: u16 = u8::MAX as u16;

/// What dropping a reference did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Dropped {
    /// There are others.
    More,
    /// It was the last.
    Last,
    /// There was none.
    Underflow,
}

impl<R: Runtime> Counted<R> {
    pub(crate) fn new(init: u16) -> Self {
        Counted { count: R::Atomic::new(init), ledger: R::Note::new(Ledger::default()) }
    }

    /// The count as an observer sees it.
    pub(crate) fn count(&self) -> u16 {
        self.count.peek()
    }

    /// Whether there are more than the model can count.
    pub(crate) fn overflows(&self) -> bool {
        self.count() > MAX_REFS
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.ledger.get()
    }

    pub(crate) fn reset(&mut self, init: u16) {
        self.count.store(init, Order::Relaxed);
        self.ledger.set(Ledger::default());
    }

    /// `refcount_set_release()`: of an object in memory that readers may have found before.
    pub(crate) fn publish(&mut self, init: u16) {
        self.count.store(init, Order::Release);
        self.ledger.set(Ledger::default());
    }

    /// Nobody owes anything; the count stays as it is.
    pub(crate) fn forgive(&mut self) {
        self.ledger.set(Ledger::default());
    }

    /// Whether there are none, and nobody owes any.
    pub(crate) fn is_blank(&self) -> bool {
        self.count() == 0 && self.ledger.get() == Ledger::default()
    }

    /// A thread stores the pointer: where it has a reference, that goes with it. `first` if it may be the one that was
    /// declared.
    pub(crate) fn give(&mut self, t: ThreadId, first: bool) -> Owns {
        let mut l = self.ledger.get();
        if l.balance(t) > 0 {
            self.book(t, -1);
            return Owns::Counted;
        }
        if !first || l.is_given() {
            return Owns::Nothing;
        }
        l.set_given(true);
        self.ledger.set(l);
        Owns::First
    }

    /// A thread takes the pointer out of where it was stored. Where it only writes over it, what was declared is
    /// setup's again: the pointer was one of several ways to it.
    pub(crate) fn take(&mut self, t: ThreadId, owned: Owns, overwrites: bool) {
        match owned {
            Owns::Nothing => {}
            Owns::First if overwrites => {
                let mut l = self.ledger.get();
                l.set_given(false);
                self.ledger.set(l);
            }
            Owns::Counted | Owns::First => self.book(t, 1),
        }
    }

    pub(crate) fn book(&mut self, t: ThreadId, delta: i8) {
        let mut l = self.ledger.get();
        l.add(t, delta);
        self.ledger.set(l);
    }

    /// `refcount_inc()`; false if the count was zero. The kernel's saturates then, so that nobody goes on from there as
    /// if it had a reference; here it stays zero, in the same access.
    pub(crate) fn get(&mut self, me: ThreadId) -> bool {
        let old = self.count.fetch_update(|count| if count == 0 { 0 } else { count + 1 }, Order::Relaxed);
        self.book(me, 1);
        old != 0
    }

    /// `refcount_inc_not_zero()`. The kernel's compare-and-exchange loop is one atomic read-modify-write to others.
    pub(crate) fn get_unless_zero(&mut self, me: ThreadId) -> bool {
        let mut seen = self.count.load(Order::Relaxed);
        while seen != 0 {
            match self.count.compare_exchange(seen, seen + 1, Order::Relaxed) {
                Ok(_) => {
                    self.book(me, 1);
                    return true;
                }
                Err(now) => seen = now,
            }
        }
        false
    }

    /// The scenario drops what it has by the object's name: the reference that was declared, if it has taken none
    /// since. Whose another one is the books say.
    pub(crate) fn put_declared(&mut self, me: ThreadId) -> Dropped {
        let mut l = self.ledger.get();
        if l.is_given() || l.balance(me) > 0 {
            return self.put(me);
        }
        let dropped = self.put(me);
        l.set_given(true);
        self.ledger.set(l);
        dropped
    }

    /// `refcount_dec_and_test()`, all but `smp_acquire__after_ctrl_dep()` for the last: see `Cx::dropped`. From zero it
    /// stays there, as with [`get`](Counted::get): nobody else sees a count that wrapped around.
    pub(crate) fn put(&mut self, me: ThreadId) -> Dropped {
        let old = self.count.fetch_update(|count: u16| count.saturating_sub(1), Order::Release);
        self.book(me, -1);
        match old {
            0 => Dropped::Underflow,
            1 => Dropped::Last,
            _ => Dropped::More,
        }
    }
}

impl Code for Counted<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut small = self.count.0 as u8;
        c.byte(&mut small);
        self.count.0 = u16::from(small);
        self.ledger.code(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ledger_names_who_owes_and_stays_within_its_nibbles() {
        let mut l = Ledger::default();
        for _ in 0..20 {
            l.add(ThreadId(3), 1);
            l.add(ThreadId(14), -1);
        }
        assert_eq!((l.balance(ThreadId(3)), l.balance(ThreadId(14)), l.balance(ThreadId(0))), (7, -8, 0));
        assert_eq!(l.debtor(), Some(ThreadId(3)));
        assert_eq!(Ledger::default().debtor(), None);
    }

    #[test]
    fn a_thread_is_overdrawn_alone_by_one_and_while_nobody_else_has_any() {
        let (t, other) = (ThreadId(2), ThreadId(5));
        let mut l = Ledger::default();
        assert!(!l.is_overdrawn_by(t));
        l.add(t, -1);
        assert!(l.is_overdrawn_by(t) && !l.is_overdrawn_by(other));
        l.set_given(true);
        assert!(l.is_overdrawn_by(t));
        l.add(other, 1);
        assert!(!l.is_overdrawn_by(t), "it may be the other's, handed on");
    }
}
