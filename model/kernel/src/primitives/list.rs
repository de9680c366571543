//! `struct list_head`: which objects are on a list, in order.
//!
//! ```text
//!   list-add l c           list-add-tail l c          list-splice-init k l
//!   l: c a b               l: a b c                   l: (all of k) a b      k: empty
//! ```
//!
//! The links of an entry are part of the list here: an object may be on several lists (it has a link for each), on each
//! once. An entry that `list-splice-init` moved is on the other list from then on, and is removed by that name.
//!
//! A list has no lock of its own. Two changes at once, or a change and a walk, tear the links: a data race. As with a
//! plain variable, a change begins and ends, and whoever comes in between has raced with it:
//!
//! ```text
//!   list-add-tail l a      begins             ends
//!   list-add-tail l b              begins: data-race
//! ```
//!
//! Where every two of them are ordered, by a lock or otherwise, nobody can come in between, whichever it is that orders
//! them. A list that is declared with its lock (`guarded-by`) is not raced for: each access without the lock is told,
//! even if nobody was near, and so a change is one step. `list-empty` and `on-list` are looks that the kernel makes
//! without a lock too (READ_ONCE()), and so are `list-first` and `list-next` in an RCU read-side section:
//! list_for_each_entry_rcu().
//!
//! Found is also what CONFIG_DEBUG_LIST finds, and entries that are gone: used after they were freed, or freed while
//! they were on a list.
//!
//! A list owns no reference, but it makes an object reachable: at the end, one reference per list is no leak.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Cx, Flow, Footprint, Handle, Held, MAX_OBJECTS, ObjId, Plain, Program, Property, Rule, Runtime,
    SharedCell, ThreadId, Value, View, Violation,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ground::few::{Blank, Few},
    primitives::slab,
    property::Form,
    protocol::Protocol,
    registry::upcalls,
    shared::{Lost, Shared, renewed},
};

/// Most entries of one list.
const MAX_ENTRIES: usize = 24;

/// An entry, which is an object, in the two bytes that there are for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Link {
    place: u8,
    generation: u8,
}

impl Blank for Link {
    const BLANK: Link = Link { place: 0, generation: 0 };
}

impl From<Handle> for Link {
    fn from(h: Handle) -> Link {
        Link { place: h.obj.number() as u8, generation: h.generation }
    }
}

impl From<Link> for Handle {
    fn from(link: Link) -> Handle {
        Handle { obj: ObjId::numbered(u16::from(link.place)), generation: link.generation }
    }
}

/// A place has to fit in a byte.
const _: () = assert!(MAX_OBJECTS <= 256);

/// The entries, first to last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Entries {
    list: Few<Link, MAX_ENTRIES>,
    /// Who is in the middle of a change.
    writer: Option<ThreadId>,
}

impl Entries {
    fn live(&self) -> impl ExactSizeIterator<Item = Handle> {
        self.list.iter().map(|link| Handle::from(*link))
    }

    fn position(&self, entry: Handle) -> Option<usize> {
        self.live().position(|e| e == entry)
    }

    /// False if the list is full.
    fn insert(&mut self, at: usize, entry: Handle) -> bool {
        self.list.insert(at, entry.into())
    }

    fn remove(&mut self, entry: Handle) -> bool {
        self.position(entry).and_then(|at| self.list.take(at)).is_some()
    }
}

impl Code for Entries {
    fn code<C: Coder>(&mut self, c: &mut C) {
        /// Above the number of entries: somebody changes the list.
        const OPEN: u8 = 0x80;
        let mut head = self.list.len() as u8 | if self.writer.is_some() { OPEN } else { 0 };
        c.byte(&mut head);
        if head & OPEN != 0 {
            self.writer.code(c);
        } else {
            self.writer = None;
        }
        self.list.code_each(head & !OPEN, c, |link, c| {
            let mut entry = Handle::from(*link);
            c.handle(&mut entry);
            *link = entry.into();
        });
    }
}

/// A `struct list_head` that heads a list.
#[derive(Clone)]
pub struct ListHead<R: Runtime> {
    entries: R::Cell<Entries>,
}

impl Copy for ListHead<Plain> {}

impl<R: Runtime> ListHead<R> {
    pub(crate) fn new(id: ObjId) -> Self {
        ListHead { entries: R::Cell::new(Entries::default(), id) }
    }

    /// Whether the object is on the list, for observers.
    pub fn holds(&self, id: ObjId) -> bool {
        self.entries.peek().live().any(|h| h.obj == id)
    }
}

impl<R: Runtime> Shared<R> for ListHead<R> {
    renewed!(List { entries: cell });

    /// The entries' neighbours are the head's memory.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        Lost::when(Form::FREED_NOT_EMPTY, !self.entries.peek().list.is_empty())
    }

    fn facets(&self, sink: FacetSink<'_>) {
        const NAMES: [&str; MAX_ENTRIES] = [
            "[0]", "[1]", "[2]", "[3]", "[4]", "[5]", "[6]", "[7]", "[8]", "[9]", "[10]", "[11]", "[12]", "[13]",
            "[14]", "[15]", "[16]", "[17]", "[18]", "[19]", "[20]", "[21]", "[22]", "[23]",
        ];
        let entries = self.entries.peek();
        sink("len", Facet::Word(entries.live().len() as i32));
        for (name, entry) in NAMES.iter().zip(entries.live()) {
            sink(name, Facet::Object(Some(entry.obj)));
        }
    }

    /// Whether its reference is the list's is the program's affair; reachable it is.
    fn lists(&self, other: ObjId) -> u16 {
        u16::from(self.holds(other))
    }
}

impl Code for ListHead<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.entries.code(c);
    }
}

/// The lists of a program.
fn lists(program: &Program) -> impl Iterator<Item = ObjId> + use<'_> {
    program.all::<kind::List>()
}

/// Memory that goes must be on no list: whoever walks the list next would walk through it.
pub(crate) fn check_free<R: Runtime>(cx: &mut Cx<'_, R>, id: ObjId) {
    let program = cx.program;
    for list in lists(program) {
        let found = if program.root_of(list).is_some() {
            // The checker looks, and no code of the kernel's: the list may be gone with what it is inside of.
            cx.note(list);
            cx.world.list_head(list).holds(id)
        } else {
            let held = cx.enter(list);
            cx.list_head(list).entries.get(held).live().any(|h| h.obj == id)
        };
        if found {
            cx.violate(Property::FREED_ON_LIST, Some(id));
        }
    }
}

/// What [`check_free`] looks at.
pub(crate) fn free_footprint(v: View<'_>, f: Footprint) -> Footprint {
    lists(v.program).fold(f, Footprint::read)
}

points! {
    /// What is done with a list; each is one step.
    pub enum How {
        /// `list_add()`: at the head.
        Add = "list_add",
        /// `list_add_tail()`.
        AddTail = "list_add_tail",
        /// `list_del()`.
        Del = "list_del",
        /// `list_del_init()`: harmless if it is not on the list.
        DelInit = "list_del_init",
        /// `list_move_tail()`.
        MoveTail = "list_move_tail",
        /// `list_empty()` of the head: 1 or 0.
        Empty = "list_empty",
        /// `!list_empty()` of the entry: 1 or 0.
        OnList = "list_empty (of the entry)",
        /// `list_first_entry_or_null()`.
        First = "list_first_entry_or_null",
        /// `list_next_entry()`, NULL at the end.
        Next = "list_next_entry",
        /// `list_splice_init()`: all of the other list, before the first.
        SpliceInit = "list_splice_init",
        /// `list_splice_tail_init()`: all of the other list, after the last.
        SpliceTailInit = "list_splice_tail_init",
    }
}

impl How {
    /// Whether it writes the links.
    fn changes(self) -> bool {
        !matches!(self, How::Empty | How::OnList | How::First | How::Next)
    }

    /// Whether it reads them where they may not change meanwhile.
    fn walks(self) -> bool {
        matches!(self, How::First | How::Next)
    }
}

/// One operation on a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListOp {
    how: How,
    list: ObjId,
    entry: Option<Handle>,
    /// Where entries are moved from; may be the list itself.
    from: ObjId,
    /// A change that has begun.
    open: bool,
}

fields!(ListOp { how, list, entry, from, open });

/// The lock that a list is declared with.
fn guard(program: &Program, list: ObjId) -> Option<ObjId> {
    program.fixed::<kind::List>(list)?.guard
}

/// What orders the accesses to a list.
impl ListOp {
    pub(crate) const BLANK: ListOp =
        ListOp { how: How::Empty, list: ObjId::object(0), entry: None, from: ObjId::object(0), open: false };

    /// An operation about to start.
    pub fn new(how: How, list: ObjId, entry: Option<Handle>, from: ObjId) -> ListOp {
        ListOp { how, list, entry, from, open: false }
    }

    /// The critical sections of both lists: in the order of their numbers, so that nobody waits for the other way
    /// round.
    fn enter<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> (Held, Held) {
        let (low, high) = (self.from.min(self.list), self.from.max(self.list));
        let (first, second) = (cx.enter(low), cx.enter(high));
        if self.from == low { (first, second) } else { (second, first) }
    }

    /// Whether it goes from entry to entry.
    fn walks(&self) -> bool {
        matches!(self.how, How::First | How::Next)
    }

    /// `lockdep_assert_held()` of the lock that guards a list. False if there is none.
    fn is_guarded<R: Runtime>(&self, cx: &mut Cx<'_, R>, list: ObjId) -> bool {
        let Some(lock) = guard(cx.program, list) else { return false };
        let held =
            if self.how.changes() { cx.world.is_held_alone(lock, cx.me) } else { cx.world.is_held_by(lock, cx.me) };
        if !held {
            let form = self.walks().then_some(Form::LIST_WALKED_UNGUARDED);
            let v = cx.violation_of(Property::DATA_RACE);
            cx.note_violation(Violation { rule: Some(Rule::LIST_UNGUARDED), object: Some(list), form, ..v });
        }
        true
    }

    /// Tells a race with a change that has begun; a change begins one itself. True if it is one.
    fn overlap<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> bool {
        let walks = self.how.walks() && cx.private.rcu_depth == 0;
        // Nobody runs beside setup and teardown.
        if self.open || cx.me == cx.program.main_thread() || !self.how.changes() && !walks {
            return false;
        }
        let (from, to) = self.enter(cx);
        for (list, held) in [(self.from, from), (self.list, to)] {
            if self.is_guarded(cx, list) {
                continue;
            }
            let mut entries = cx.list_head(list).entries.get(held);
            if let Some(other) = entries.writer.filter(|t| *t != cx.me) {
                let form = Some(if self.walks() { Form::LIST_WALKED_AT_ONCE } else { Form::LIST_CHANGED_AT_ONCE });
                let v = cx.violation_of(Property::DATA_RACE);
                cx.note_violation(Violation { object: Some(list), other: Some(other), form, ..v });
            }
            if self.how.changes() {
                entries.writer = Some(cx.me);
                cx.list_head(list).entries.set(held, entries);
                self.open = true;
            }
        }
        self.open
    }

    /// The end of a change.
    fn end<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let (from, to) = self.enter(cx);
        for (list, held) in [(self.from, from), (self.list, to)] {
            let entries = cx.list_head(list).entries.get(held);
            cx.list_head(list).entries.set(held, Entries { writer: None, ..entries });
        }
    }
}

impl ListOp {
    fn corrupt<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        let form = match self.how {
            How::Add | How::AddTail => Some(Form::LIST_ADDED_TWICE),
            How::Next => Some(Form::LIST_NEXT_OF_NONE),
            _ => None,
        };
        let v = cx.violation_of(Property::LIST_CORRUPTION);
        cx.note_violation(Violation { object: Some(self.list), form, ..v });
        Value::Word(0)
    }

    fn add<R: Runtime>(&self, cx: &mut Cx<'_, R>, entries: &mut Entries, at: usize, entry: Handle) -> Value {
        if entries.position(entry).is_some() {
            return self.corrupt(cx);
        }
        if !entries.insert(at, entry) {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.list));
        }
        Value::Word(0)
    }

    /// The operations on an entry.
    fn with_entry<R: Runtime>(&self, cx: &mut Cx<'_, R>, entries: &mut Entries, entry: Handle) -> Value {
        if !check_alive(cx, entry) {
            return Value::Word(0);
        }
        let at = entries.position(entry);
        match (self.how, at) {
            (How::Add, _) if !cx.mutated(Mutant::AddAtTail) => self.add(cx, entries, 0, entry),
            (How::AddTail, _) if cx.mutated(Mutant::AddTailAtHead) => self.add(cx, entries, 0, entry),
            (How::Add | How::AddTail, _) => self.add(cx, entries, entries.list.len(), entry),
            (How::OnList, _) => Value::Word(i32::from(at.is_some())),
            (How::DelInit, _) | (How::Del, Some(_)) => {
                if !cx.mutated(Mutant::DelNothing) {
                    entries.remove(entry);
                }
                Value::Word(0)
            }
            (How::Next, Some(at)) if at + 2 == entries.list.len() && cx.mutated(Mutant::NextFirst) => Value::Null,
            (How::Next, Some(at)) => entries.live().nth(at + 1).map_or(Value::Null, Value::Ref),
            _ => self.corrupt(cx),
        }
    }

    /// The operations that take from one list and give to another, or to the same.
    fn transfer<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        let (from_held, to_held) = self.enter(cx);
        if self.entry.is_some_and(|entry| !check_alive(cx, entry)) {
            return Value::Word(0);
        }
        let mut from = cx.list_head(self.from).entries.get(from_held);
        let moved = match self.entry {
            None if cx.mutated(Mutant::SpliceKeeps) => from,
            None => {
                let writer = from.writer;
                std::mem::replace(&mut from, Entries { writer, ..Entries::default() })
            }
            Some(entry) if !from.remove(entry) => return self.corrupt(cx),
            Some(entry) => {
                let mut one = Entries::default();
                one.insert(0, entry);
                one
            }
        };
        cx.list_head(self.from).entries.set(from_held, from);
        let mut to = cx.list_head(self.list).entries.get(to_held);
        for (i, entry) in moved.live().enumerate() {
            let first = self.how == How::SpliceInit || self.how == How::MoveTail && cx.mutated(Mutant::MoveToHead);
            let at = if first { i } else { to.list.len() };
            self.add(cx, &mut to, at, entry);
        }
        cx.list_head(self.list).entries.set(to_held, to);
        Value::Word(0)
    }
}

/// An entry must be there to be linked, unlinked or looked at.
fn check_alive<R: Runtime>(cx: &mut Cx<'_, R>, entry: Handle) -> bool {
    if cx.world.object(entry.obj).generation().is_some() {
        slab::check_alive(cx, entry)
    } else {
        upcalls::fence_is_alive(cx, entry.obj)
    }
}

impl ListOp {
    fn perform<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        if matches!(self.how, How::MoveTail | How::SpliceInit | How::SpliceTailInit) {
            return self.transfer(cx);
        }
        let held = cx.enter(self.list);
        let mut entries = cx.list_head(self.list).entries.get(held);
        let result = match (self.how, self.entry) {
            (How::Empty, _) => Value::Word(i32::from(entries.list.is_empty())),
            (How::First, _) => entries.live().next().map_or(Value::Null, Value::Ref),
            (_, Some(entry)) => self.with_entry(cx, &mut entries, entry),
            (_, None) => self.corrupt(cx),
        };
        cx.list_head(self.list).entries.set(held, entries);
        result
    }
}

impl Protocol for ListOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.overlap(cx) {
            return Flow::Go;
        }
        let result = self.perform(cx);
        if self.open {
            self.end(cx);
        }
        Flow::Done(result)
    }

    fn footprint(&self, _v: View<'_>) -> Footprint {
        let f = match self.how {
            how if !how.changes() => Footprint::reads(self.list),
            _ => Footprint::writes(self.list).write(self.from),
        };
        self.entry.map_or(f, |entry| f.read(entry.obj))
    }

    /// Who has the lock reads what only who has it changes. Who changes it is seen by those who look without.
    fn is_quiet<R: Runtime>(&self, cx: &Cx<'_, R>, _own: bool) -> bool {
        let held = guard(cx.program, self.list).is_some_and(|lock| cx.world.is_held_by(lock, cx.me));
        let in_slab = |entry: Handle| cx.world.object(entry.obj).generation().is_some();
        held && !self.how.changes() && self.entry.is_none_or(in_slab)
    }

    fn looks_into(&self, _program: &Program) -> Option<ObjId> {
        self.entry.map(|entry| entry.obj)
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle(n: u16) -> Handle {
        Handle { obj: ObjId::numbered(n), generation: 0 }
    }

    #[test]
    fn entries_keep_their_order_when_one_comes_or_leaves() {
        let mut e = Entries::default();
        for (at, n) in [(0, 1), (0, 2), (2, 3), (1, 4)] {
            assert!(e.insert(at, handle(n)));
        }
        assert!(e.live().eq([2, 4, 1, 3].map(handle)));
        assert!(e.remove(handle(4)) && !e.remove(handle(4)));
        assert!(e.live().eq([2, 1, 3].map(handle)));
    }

    #[test]
    fn a_full_list_takes_no_more() {
        let mut e = Entries::default();
        assert!((0..MAX_ENTRIES as u16).all(|n| e.insert(0, handle(n))));
        assert!(!e.insert(0, handle(20)));
    }
}
