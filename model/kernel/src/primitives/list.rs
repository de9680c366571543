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
//! A list that says of which nodes it is (`of=job.link`) is as in the kernel: the entry's node is a field ([`node`]),
//! which is on one list at a time, whichever that is; it is poisoned where it was taken off and not initialised again;
//! and whoever frees the object with it is told which list still has it.
//!
//! A list has no lock of its own. Two changes at once, or a change and a walk, tear the links: a data race. As with a
//! plain variable, a change begins and ends, and whoever comes in between has raced with it (`race`):
//!
//! ```text
//!   list-add-tail l a      begins             ends
//!   list-add-tail l b              begins: data-race
//! ```
//!
//! Where every two of them are ordered, by a lock or otherwise, nobody can come in between, whichever it is that orders
//! them. A list that is declared with its lock (`guarded-by`) is not raced for: each access without the lock is told,
//! even if nobody was near, and so a change is one step. `list-empty` and `on-list` are looks that the kernel makes
//! without a lock too (READ_ONCE()), and so are `list-first` and `list-next` in a read-side section of RCU or SRCU:
//! list_for_each_entry_rcu(). Who stands at an entry then that `list_del_rcu()` takes off goes on to what came behind
//! it, which may be off by now as well, and is there as long as nobody frees it too early.
//!
//! Found is also what CONFIG_DEBUG_LIST finds, and entries that are gone: used after they were freed, or freed while
//! they were on a list.
//!
//! A list owns no reference, but it makes an object reachable: at the end, one reference per list is no leak.

pub(crate) mod change;
pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod node;
pub mod ops;
pub(crate) mod race;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Cx, Flow, Footprint, Handle, Held, MAX_OBJECTS, ObjId, Plain, Program, Property, Runtime, SharedCell,
    ThreadId, View,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ground::few::{Blank, Few},
    property::Form,
    protocol::Protocol,
    shared::{Lost, Shared, renewed},
};

/// Most entries of one list.
pub(crate) const MAX_ENTRIES: usize = 24;

/// An entry, which is an object, in the two bytes that there are for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Link {
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
pub(crate) struct Entries {
    list: Few<Link, MAX_ENTRIES>,
    /// Who is in the middle of a change.
    pub(crate) writer: Option<ThreadId>,
}

impl Entries {
    pub(crate) fn live(&self) -> impl DoubleEndedIterator<Item = Handle> + ExactSizeIterator {
        self.list.iter().map(|link| Handle::from(*link))
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The one at this place.
    pub(crate) fn at(&self, at: usize) -> Option<Handle> {
        self.list.get(at).map(|link| Handle::from(*link))
    }

    pub(crate) fn position(&self, entry: Handle) -> Option<usize> {
        self.live().position(|e| e == entry)
    }

    /// False if the list is full.
    pub(crate) fn insert(&mut self, at: usize, entry: Handle) -> bool {
        self.list.insert(at, entry.into())
    }

    pub(crate) fn remove(&mut self, entry: Handle) -> bool {
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

/// A `struct list_head` that heads a list; the root of a tree, which is as a list in its order.
#[derive(Clone)]
pub struct ListHead<R: Runtime> {
    entries: R::Cell<Entries>,
}

impl Copy for ListHead<Plain> {}

impl<R: Runtime> ListHead<R> {
    /// An empty one, in the critical section of that object.
    pub(crate) fn new(gate: ObjId) -> Self {
        ListHead { entries: R::Cell::new(Entries::default(), gate) }
    }

    /// What is on it, for who may look from outside.
    pub(crate) fn peek(&self) -> Entries {
        self.entries.peek()
    }

    /// What is on it.
    pub(crate) fn get(&self, held: Held) -> Entries {
        self.entries.get(held)
    }

    pub(crate) fn set(&mut self, held: Held, entries: Entries) {
        self.entries.set(held, entries);
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

/// The lists of a program whose entries have no nodes: one that has says itself what it is on.
fn lists(program: &Program) -> impl Iterator<Item = ObjId> + use<'_> {
    program.all::<kind::List>().filter(|list| kind::of(program, *list).is_empty())
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

/// Whether memory that went is on a list after all. Only a threading checker can come in between the look at the lists
/// and the end of the memory.
pub(crate) fn is_listed<R: Runtime>(cx: &mut Cx<'_, R>, id: ObjId) -> bool {
    let program = cx.program;
    lists(program).filter(|list| program.root_of(*list).is_none()).any(|list| {
        let held = cx.enter(list);
        cx.list_head(list).entries.get(held).live().any(|h| h.obj == id)
    })
}

/// What [`check_free`] looks at.
pub(crate) fn free_footprint(v: View<'_>, f: Footprint) -> Footprint {
    lists(v.program).fold(f, Footprint::read)
}

points! {
    /// What is done with a list; each is one step.
    pub enum How {
        /// `list_add()`: at the head, or after an entry.
        Add = "list_add",
        /// `list_add_tail()`: at the tail, or before an entry.
        AddTail = "list_add_tail",
        /// `list_del()`.
        Del = "list_del",
        /// `list_del_rcu()`: who stands there goes on from it as before.
        DelRcu = "list_del_rcu",
        /// `list_del_init()`: harmless if it is not on the list.
        DelInit = "list_del_init",
        /// `list_move()`.
        Move = "list_move",
        /// `list_move_tail()`.
        MoveTail = "list_move_tail",
        /// `list_bulk_move_tail()`: from one entry to another, which may be on another list than the head.
        BulkMoveTail = "list_bulk_move_tail",
        /// `list_rotate_left()`: the first becomes the last.
        RotateLeft = "list_rotate_left",
        /// `list_replace()`: an entry in the place of another.
        Replace = "list_replace",
        /// `list_replace_init()`.
        ReplaceInit = "list_replace_init",
        /// `list_empty()` of the head: 1 or 0.
        Empty = "list_empty",
        /// `!list_empty()` of the entry: 1 or 0.
        OnList = "list_empty (of the entry)",
        /// `list_is_singular()`: 1 or 0.
        IsSingular = "list_is_singular",
        /// `list_is_first()`: 1 or 0.
        IsFirst = "list_is_first",
        /// `list_is_last()`: 1 or 0.
        IsLast = "list_is_last",
        /// `list_first_entry_or_null()`.
        First = "list_first_entry_or_null",
        /// `list_last_entry_or_null()`.
        Last = "list_last_entry_or_null",
        /// `list_next_entry()`, NULL at the end.
        Next = "list_next_entry",
        /// `list_prev_entry()`, NULL at the beginning.
        Prev = "list_prev_entry",
        /// `list_splice_init()`: all of the other list, before the first.
        SpliceInit = "list_splice_init",
        /// `list_splice_tail_init()`: all of the other list, after the last.
        SpliceTailInit = "list_splice_tail_init",
    }
}

impl How {
    /// Whether it writes the links.
    fn changes(self) -> bool {
        !matches!(self, How::Empty | How::OnList) && !self.walks()
    }

    /// Whether it reads them where they may not change meanwhile.
    fn walks(self) -> bool {
        use How::{First, IsFirst, IsLast, IsSingular, Last, Next, Prev};
        matches!(self, First | Next | Last | Prev | IsSingular | IsFirst | IsLast)
    }

    /// Whether an entry is on a list afterwards that need not have been on one before.
    fn puts(self) -> bool {
        use How::{Add, AddTail, Replace, ReplaceInit};
        matches!(self, Add | AddTail | Replace | ReplaceInit) || self.transfers()
    }

    /// Whether it takes entries from one list and gives them to another, or to the same.
    fn transfers(self) -> bool {
        self.splices() || matches!(self, How::Move | How::MoveTail)
    }

    /// Whether these are all that there are.
    fn splices(self) -> bool {
        matches!(self, How::SpliceInit | How::SpliceTailInit)
    }
}

/// An entry as it was named.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Named {
    pub(crate) entry: Handle,
    /// Its node, where the list is of nodes.
    pub(crate) node: Option<ObjId>,
    /// It was named by its node, whose address says not which of the objects that lived there it is: the one that does.
    pub(crate) by_node: bool,
}

fields!(Named { entry, node, by_node });

impl Code for Option<Named> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut there = self.is_some();
        c.flag(&mut there);
        *self = there.then(|| {
            let mut named = self.unwrap_or(Named::BLANK);
            named.code(c);
            named
        });
    }
}

impl Named {
    pub(crate) const BLANK: Named = Named { entry: Handle::NONE, node: None, by_node: false };

    /// The object that lives there now.
    pub(crate) fn adopt<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) {
        if self.by_node {
            cx.touch(self.entry.obj);
            self.entry.generation = cx.world.object(self.entry.obj).generation().unwrap_or_default();
        }
    }

    pub(crate) fn footprint(self, f: Footprint, changes: bool) -> Footprint {
        let f = f.read(self.entry.obj);
        match self.node {
            Some(node) if changes => f.write(node),
            Some(node) => f.read(node),
            None => f,
        }
    }
}

/// One operation on a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListOp {
    how: How,
    /// The list; of an operation on a node alone where that is, and the node itself if it is on none.
    list: ObjId,
    entry: Option<Named>,
    /// Another entry of the list: beside which, up to which, in whose place.
    at: Option<Named>,
    /// Where entries are moved from; may be the list itself.
    from: ObjId,
    /// Only nodes were named: the list is the one that the node is on, or the one that it is put beside.
    alone: bool,
    /// Where an entry is moved from is where it is.
    finds: bool,
    /// A change that has begun.
    open: bool,
}

fields!(ListOp { how, list, entry, at, from, alone, finds, open });

impl ListOp {
    pub(crate) const BLANK: ListOp = ListOp {
        how: How::Empty,
        list: ObjId::object(0),
        entry: None,
        at: None,
        from: ObjId::object(0),
        alone: false,
        finds: false,
        open: false,
    };

    /// An operation about to start.
    pub(crate) fn new(how: How, list: ObjId, entry: Option<Named>, at: Option<Named>, from: Option<ObjId>) -> ListOp {
        let finds = matches!(how, How::Move | How::MoveTail | How::BulkMoveTail)
            && from.is_none()
            && entry.is_some_and(|e| e.node.is_some());
        ListOp { how, list, entry, at, from: from.unwrap_or(list), finds, ..ListOp::BLANK }
    }

    /// The same, of a node, on whichever list that is, or the other one that it is put beside.
    pub(crate) fn alone(how: How, named: Named, at: Option<Named>) -> ListOp {
        let op = ListOp { how, entry: Some(named), at, alone: true, ..ListOp::BLANK };
        let node = op.finder().unwrap_or_default();
        ListOp { list: node, from: node, ..op }
    }

    /// The node that says which list it is about, if none was named.
    fn finder(&self) -> Option<ObjId> {
        match (self.alone, self.finds) {
            (true, _) => self.at.or(self.entry)?.node,
            (_, true) => self.entry?.node,
            _ => None,
        }
    }

    /// The lists that it is about, as the node says.
    fn places(&self, on: impl FnOnce(ObjId) -> Option<ObjId>) -> (ObjId, ObjId) {
        let Some(node) = self.finder().filter(|_| !self.open) else {
            return (self.from, self.list);
        };
        let on = on(node);
        if self.alone {
            let list = on.unwrap_or(node);
            return (list, list);
        }
        (on.unwrap_or(self.list), self.list)
    }

    /// The places of the entries from the one that it names to the other.
    fn span(&self, entries: &Entries) -> Option<std::ops::Range<usize>> {
        let first = entries.position(self.entry?.entry)?;
        let last = entries.position(self.at?.entry)?;
        (first <= last).then_some(first..last + 1)
    }

    /// Whether it is about a node that is on no list.
    fn is_of_node(&self) -> bool {
        self.alone && self.finder() == Some(self.list)
    }

    /// The critical sections of both lists.
    fn enter<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> (Held, Held) {
        race::enter(cx, self.from, self.list)
    }

    /// What it is to those who are there at the same time.
    fn access(&self) -> race::Access {
        race::Access {
            changes: self.how.changes(),
            walks: self.how.walks(),
            under_rcu: matches!(self.how, How::First | How::Next),
        }
    }
}

impl Protocol for ListOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !self.open {
            self.find(cx);
            let of_node = self.is_of_node();
            self.open = !of_node && race::begins(cx, [self.from, self.list], self.access());
            if self.open {
                return Flow::Go;
            }
        }
        let result = self.perform(cx);
        if self.open {
            race::end(cx, [self.from, self.list]);
        }
        Flow::Done(result)
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let changes = self.how.changes();
        let (from, list) = self.places(|node| v.world.node(node).spot().on);
        let mut f = if changes { Footprint::writes(list).write(from) } else { Footprint::reads(list) };
        for named in [self.entry, self.at].into_iter().flatten() {
            f = named.footprint(f, changes);
        }
        let bulk = self.how == How::BulkMoveTail && from != list;
        if !self.how.splices() && !bulk {
            return f;
        }
        let nodes = kind::of(v.program, from);
        let entries = v.world.list_head(from).peek();
        let moved = if bulk { self.span(&entries).unwrap_or_default() } else { 0..entries.len() };
        moved.filter_map(|i| entries.at(i)).filter_map(|e| node::node_of(nodes, e.obj)).fold(f, Footprint::write)
    }

    /// Who has the lock reads what only who has it changes. Who changes it is seen by those who look without.
    fn is_quiet<R: Runtime>(&self, cx: &Cx<'_, R>, _own: bool) -> bool {
        let (_, list) = self.places(|node| cx.world.node(node).spot().on);
        let guard = cx.program.kind(list).guard();
        let held = guard.is_some_and(|lock| cx.world.is_held_by(lock, cx.me));
        // A node that is on another list, or on none, is changed by who has another lock, or none.
        let settled = |entry: Named| match entry.node {
            Some(node) => cx.world.node(node).spot().on == Some(list),
            None => cx.world.object(entry.entry.obj).generation().is_some(),
        };
        held && !self.how.changes() && self.entry.is_none_or(settled)
    }

    fn looks_into(&self) -> [Option<ObjId>; 2] {
        [self.entry.map(|named| named.entry.obj), Some(self.list)]
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
