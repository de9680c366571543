//! Names of things: threads, objects, locals. Small integers with a type each.

use std::fmt;

/// Most threads of a program, agents included. A [`ThreadSet`] has a bit for each.
pub const MAX_THREADS: usize = 15;
/// Most protocol objects of a program (locks, queues, fences, …).
pub const MAX_OBJECTS: usize = 36;
/// Most variable words of a program: `var`s, array elements and fields of `struct` slots.
pub const MAX_VARS: usize = 44;
/// Most locals of one thread, or of one call of a function.
pub const MAX_LOCALS: usize = 16;

/// A modelled thread or agent, by its place in the program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ThreadId(pub u8);

impl ThreadId {
    /// The thread's place as an index.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A local (register) of one thread.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LocalId(pub u8);

impl LocalId {
    /// In the expression of a `spin-until`: not a local, but the word that was read.
    pub const WORD_READ: LocalId = LocalId(u8::MAX);
}

/// Whatever two steps can meet on: a protocol object, a variable word, or a task.
///
/// The three share one number space so that a [`Footprint`](crate::Footprint) is a pair of bit sets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ObjId(pub u8);

const FIRST_VAR: u8 = MAX_OBJECTS as u8;
const FIRST_TASK: u8 = FIRST_VAR + MAX_VARS as u8;

impl ObjId {
    /// The protocol object at `index`.
    pub fn object(index: usize) -> ObjId {
        debug_assert!(index < MAX_OBJECTS);
        ObjId(index as u8)
    }

    /// The variable word at `index`.
    pub fn var(index: usize) -> ObjId {
        debug_assert!(index < MAX_VARS);
        ObjId(FIRST_VAR + index as u8)
    }

    /// The task of a thread: its scheduler state, pending signal and RCU nesting.
    pub fn task(thread: ThreadId) -> ObjId {
        ObjId(FIRST_TASK + thread.0)
    }

    /// The place among protocol objects, if this is one.
    pub fn as_object(self) -> Option<usize> {
        (self.0 < FIRST_VAR).then_some(usize::from(self.0))
    }

    /// The place among variable words, if this is one.
    pub fn as_var(self) -> Option<usize> {
        (self.0 >= FIRST_VAR && self.0 < FIRST_TASK).then(|| usize::from(self.0 - FIRST_VAR))
    }

    /// The thread whose task this is, if it is one.
    pub fn as_task(self) -> Option<ThreadId> {
        (self.0 >= FIRST_TASK).then(|| ThreadId(self.0 - FIRST_TASK))
    }
}

impl fmt::Debug for ObjId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.as_object(), self.as_var(), self.as_task()) {
            (Some(i), ..) => write!(f, "obj{i}"),
            (_, Some(i), _) => write!(f, "var{i}"),
            (.., Some(t)) => write!(f, "task{}", t.0),
            _ => write!(f, "id{}", self.0),
        }
    }
}

/// A set of threads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ThreadSet(pub u16);

impl ThreadSet {
    /// Adds a thread.
    pub fn insert(&mut self, t: ThreadId) {
        self.0 |= 1 << t.0;
    }

    /// Removes a thread; true if it was there.
    pub fn remove(&mut self, t: ThreadId) -> bool {
        let was = self.contains(t);
        self.0 &= !(1 << t.0);
        was
    }

    /// Whether the thread is in the set.
    pub fn contains(self, t: ThreadId) -> bool {
        self.0 >> t.0 & 1 == 1
    }

    /// Whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, lowest id first.
    pub fn iter(self) -> impl Iterator<Item = ThreadId> {
        (0..MAX_THREADS as u8).map(ThreadId).filter(move |t| self.contains(*t))
    }
}

/// A first-in-first-out list of threads in one word: a nibble per entry, zero ends it. No `Few`: that would be
/// twice as large, and here no thread stands twice, so it is never full.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct ThreadQueue(pub u64);

impl ThreadQueue {
    /// How many threads wait.
    pub fn len(self) -> usize {
        (67 - self.0.leading_zeros() as usize) / 4
    }

    /// Whether nobody waits.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Appends a thread that is not yet in the list.
    pub fn push(&mut self, t: ThreadId) {
        debug_assert!(!self.contains(t));
        self.0 |= u64::from(t.0 + 1) << (4 * self.len());
    }

    /// Puts a thread that is not yet in the list before all others.
    pub fn push_front(&mut self, t: ThreadId) {
        debug_assert!(!self.contains(t));
        self.0 = self.0 << 4 | u64::from(t.0 + 1);
    }

    /// Takes the first thread.
    pub fn pop(&mut self) -> Option<ThreadId> {
        let first = (self.0 & 15) as u8;
        self.0 >>= 4;
        first.checked_sub(1).map(ThreadId)
    }

    /// Removes a thread from wherever it stands; true if it was there.
    pub fn remove(&mut self, t: ThreadId) -> bool {
        match self.iter().position(|x| x == t) {
            None => false,
            Some(at) => {
                let below = (1u64 << (4 * at)) - 1;
                self.0 = self.0 & below | self.0 >> 4 & !below;
                true
            }
        }
    }

    /// Whether the thread is in the list.
    pub fn contains(self, t: ThreadId) -> bool {
        self.iter().any(|x| x == t)
    }

    /// The waiters in order.
    pub fn iter(self) -> impl Iterator<Item = ThreadId> {
        let mut rest = self;
        std::iter::from_fn(move || rest.pop())
    }
}

/// Something that the kernel calls through a pointer, by its place among a program's callees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CalleeId(pub u8);

/// An interned field name, by its place among a program's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldName(pub u8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_keeps_its_order_when_one_leaves_the_middle() {
        let mut q = ThreadQueue::default();
        for t in [3, 14, 0, 7] {
            q.push(ThreadId(t));
        }
        assert_eq!(q.len(), 4);
        assert!(q.remove(ThreadId(0)));
        assert!(!q.remove(ThreadId(0)));
        let left: Vec<u8> = q.iter().map(|t| t.0).collect();
        assert_eq!(left, [3, 14, 7]);
        assert_eq!(q.pop(), Some(ThreadId(3)));
        assert_eq!(q.len(), 2);
    }

    #[test]
    fn a_full_queue_holds_every_thread() {
        let mut q = ThreadQueue::default();
        for t in 0..MAX_THREADS as u8 {
            q.push(ThreadId(t));
        }
        assert_eq!(q.len(), MAX_THREADS);
        assert_eq!(q.iter().count(), MAX_THREADS);
    }

    #[test]
    fn id_spaces_do_not_overlap() {
        assert_eq!(ObjId::object(MAX_OBJECTS - 1).as_var(), None);
        assert_eq!(ObjId::var(0).as_object(), None);
        assert_eq!(ObjId::var(MAX_VARS - 1).as_task(), None);
        assert_eq!(ObjId::task(ThreadId(2)).as_task(), Some(ThreadId(2)));
        assert!(usize::from(ObjId::task(ThreadId(MAX_THREADS as u8 - 1)).0) < 128);
    }
}
