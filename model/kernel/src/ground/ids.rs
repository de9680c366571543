//! Names of things: threads, objects, locals. Small integers with a type each.

use std::{fmt, num::NonZeroU16};

/// Most threads of a program, agents included. A [`ThreadSet`] has a bit for each.
pub const MAX_THREADS: usize = 15;
/// Most protocol objects of a program (locks, queues, fences, …).
pub const MAX_OBJECTS: usize = 256;
/// Most variable words of a program: `var`s, array elements and fields of `struct` slots.
pub const MAX_VARS: usize = 512;
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
/// The three share one number space: objects, then words, then tasks. An object's number is its place. It is held as
/// one more, so that an id that may be missing takes no more room than one that is there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjId(NonZeroU16);

impl Default for ObjId {
    fn default() -> ObjId {
        ObjId::object(0)
    }
}

const FIRST_VAR: u16 = MAX_OBJECTS as u16;
const FIRST_TASK: u16 = FIRST_VAR + MAX_VARS as u16;
const END: u16 = FIRST_TASK + MAX_THREADS as u16 + 1;

/// How many objects have a [short number](ObjId::short) of their own.
pub(crate) const SHORT_OBJECTS: usize = 96;
/// How many words have one.
pub(crate) const SHORT_VARS: usize = 142;
/// The short numbers of objects and words, without the tasks', which come after them.
const SHORT_SHARED: usize = SHORT_OBJECTS + SHORT_VARS;
/// How many short numbers there are: two of a byte's are left.
pub(crate) const SHORT_ENDS: usize = SHORT_SHARED + MAX_THREADS + 1;
const _: () = assert!(SHORT_ENDS == 254);

/// How many numbers a table of ids has: an index into it is cut off, and so checked.
const NUMBERS: usize = 1024;

/// [`ObjId::short`] of every id, by its number.
static SHORT: [u8; NUMBERS] = {
    let mut short = [0; NUMBERS];
    let mut id = 0;
    while id < END as usize {
        let (word, task) = (id.wrapping_sub(MAX_OBJECTS), id.wrapping_sub(FIRST_TASK as usize));
        short[id] = if id < SHORT_OBJECTS {
            id
        } else if id < MAX_OBJECTS {
            (id - SHORT_OBJECTS) % SHORT_SHARED
        } else if word < SHORT_VARS {
            SHORT_OBJECTS + word
        } else if word < MAX_VARS {
            (MAX_OBJECTS - SHORT_OBJECTS + word - SHORT_VARS) % SHORT_SHARED
        } else {
            SHORT_SHARED + task
        } as u8;
        id += 1;
    }
    short
};

/// The byte that an id is written as, by its number: its short one if it is the first of that.
static BYTE: [u8; NUMBERS] = {
    let mut byte = [ObjId::FOLLOWS; NUMBERS];
    let mut short = 0;
    while short < SHORT_ENDS {
        byte[FIRST[short].index()] = short as u8;
        short += 1;
    }
    byte[ObjId::NONE.index() % NUMBERS] = ObjId::NO_ID;
    byte
};

/// The first id of each short number; then none.
static FIRST: [ObjId; 256] = {
    let mut first = [ObjId::NONE; 256];
    let mut short = 0;
    while short < SHORT_ENDS {
        first[short] = if short < SHORT_OBJECTS {
            ObjId::object(short)
        } else if short < SHORT_SHARED {
            ObjId::var(short - SHORT_OBJECTS)
        } else {
            ObjId::task(ThreadId((short - SHORT_SHARED) as u8))
        };
        short += 1;
    }
    first
};

impl ObjId {
    /// What none is written as.
    const NO_ID: u8 = SHORT_ENDS as u8;
    /// What an id is written as that is not the first of its short number: the number follows.
    pub(crate) const FOLLOWS: u8 = ObjId::NO_ID + 1;

    /// The byte that it is written as.
    pub(crate) fn to_byte(self) -> u8 {
        BYTE[self.index() % NUMBERS]
    }

    /// What is written as that byte, if nothing follows.
    pub(crate) fn from_byte(byte: u8) -> ObjId {
        FIRST[usize::from(byte)]
    }

    /// No id at all, where an option would take more room.
    pub const NONE: ObjId = ObjId(NonZeroU16::MAX);

    /// The id of that number.
    pub const fn numbered(number: u16) -> ObjId {
        match NonZeroU16::new(number.saturating_add(1)) {
            Some(held) => ObjId(held),
            None => ObjId::NONE,
        }
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0.get() - 1
    }

    /// Its number as an index.
    pub const fn index(self) -> usize {
        self.number() as usize
    }

    /// The protocol object at `index`. Beyond [`MAX_OBJECTS`] it seems to be something else: such a program is refused.
    pub const fn object(index: usize) -> ObjId {
        ObjId::numbered(index as u16)
    }

    /// The variable word at `index`; the same holds of [`MAX_VARS`].
    pub const fn var(index: usize) -> ObjId {
        ObjId::numbered(FIRST_VAR + index as u16)
    }

    /// The task of a thread: its scheduler state, pending signal and RCU nesting.
    pub const fn task(thread: ThreadId) -> ObjId {
        ObjId::numbered(FIRST_TASK + thread.0 as u16)
    }

    /// The one that lies so many places further on, of the same sort.
    #[must_use]
    pub fn offset(self, by: usize) -> ObjId {
        ObjId::numbered(self.number() + by as u16)
    }

    /// So many in a row, from this one on.
    pub fn row(self, len: usize) -> impl Iterator<Item = ObjId> + Clone + use<> {
        (0..len).map(move |i| self.offset(i))
    }

    /// The place among protocol objects, if this is one.
    pub fn as_object(self) -> Option<usize> {
        (self.number() < FIRST_VAR).then_some(self.index())
    }

    /// The place among variable words, if this is one.
    pub fn as_var(self) -> Option<usize> {
        (self.number() >= FIRST_VAR && self.number() < FIRST_TASK).then(|| self.index() - usize::from(FIRST_VAR))
    }

    /// The thread whose task this is, if it is one.
    pub fn as_task(self) -> Option<ThreadId> {
        (self.number() >= FIRST_TASK && self.number() < END).then(|| ThreadId((self.number() - FIRST_TASK) as u8))
    }

    /// A number below [`SHORT_ENDS`]. Every task has its own, and in a program that is not large every object and word,
    /// too; the others share those of objects and words.
    pub(crate) fn short(self) -> u8 {
        SHORT[self.index() % NUMBERS]
    }

    /// The further ids of that short number.
    pub(crate) fn also_of_short(short: u8) -> impl Iterator<Item = ObjId> {
        const LONG_OBJECTS: usize = MAX_OBJECTS - SHORT_OBJECTS;
        const LONG: usize = LONG_OBJECTS + MAX_VARS - SHORT_VARS;
        let end = if usize::from(short) < SHORT_SHARED { LONG } else { 0 };
        (usize::from(short)..end).step_by(SHORT_SHARED).map(|i| match i.checked_sub(LONG_OBJECTS) {
            None => ObjId::object(SHORT_OBJECTS + i),
            Some(word) => ObjId::var(SHORT_VARS + word),
        })
    }
}

impl fmt::Debug for ObjId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.as_object(), self.as_var(), self.as_task()) {
            (Some(i), ..) => write!(f, "obj{i}"),
            (_, Some(i), _) => write!(f, "var{i}"),
            (.., Some(t)) => write!(f, "task{}", t.0),
            _ => write!(f, "id{}", self.number()),
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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CalleeId(pub u8);

/// An interned field name, by its place among a program's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
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
    }

    #[test]
    fn every_id_is_found_by_its_short_number_and_tasks_share_theirs_with_nobody() {
        let all = (0..MAX_OBJECTS).map(ObjId::object).chain((0..MAX_VARS).map(ObjId::var));
        let tasks = (0..=MAX_THREADS as u8).map(|t| ObjId::task(ThreadId(t)));
        for id in all.chain(tasks) {
            let short = id.short();
            assert!(usize::from(short) < SHORT_ENDS);
            let found = |id: &ObjId| ObjId::from_byte(short) == *id || ObjId::also_of_short(short).any(|o| o == *id);
            assert!(found(&id), "{id:?}");
            let alone = id.as_object().is_none_or(|i| i < SHORT_OBJECTS) && id.as_var().is_none_or(|i| i < SHORT_VARS);
            assert_eq!(alone, ObjId::from_byte(short) == id, "{id:?}");
            assert!(id.as_task().is_none() || ObjId::also_of_short(short).next().is_none());
        }
        for short in 0..SHORT_ENDS as u8 {
            assert!(ObjId::also_of_short(short).all(|id| id.short() == short));
        }
    }
}
