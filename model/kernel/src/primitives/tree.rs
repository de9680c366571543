//! What is in an order by a key of its entries: `struct rb_root_cached`, `struct timerqueue_head`; and by the ranges
//! that they are: `struct maple_tree`, an interval tree, `struct drm_mm`, `struct drm_gpuvm`.
//!
//! ```text
//!   rb-add o e             o: 1 3 3' 7                   3' came after 3
//!   range-insert r e       r: [0,4) [8,12)               what overlaps another is refused, told, or let in, as r says
//!   range-first r from=3 to=9                            [0,4), and after it [8,12)
//! ```
//!
//! The tree is not modelled: what is in it is a list in its order, whose lock and whose races are those of a list
//! (`list::race`). Each entry is in it by a node ([`list::node`](super::list::node)), a field of
//! its own. `rb_erase()` leaves the node as it is: `RB_EMPTY_NODE()` is true of one that was cleared
//! (`RB_CLEAR_NODE()`).
//!
//! The keys are words of the entries, read where the kernel compares, by whoever has to be allowed to read them. A key
//! that changes while its entry is in a tree is told at the store that changes it (`variable`): the tree is in no order
//! from then on, and who finds that out is nobody who did anything wrong.
//!
//! From `lib/rbtree.c`, `include/linux/rbtree.h`, `lib/timerqueue.c`, `lib/interval_tree.c` and `lib/maple_tree.c` of
//! 6.13. Of the maple tree only what has entries of its own, no gaps; of `drm_mm` what is reserved, not the search for
//! a hole.

mod change;
pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    Cx, Flow, Footprint, ObjId, Runtime, Value, View,
    coder::{fields, points},
    primitives::{
        list::{Named, race},
        variable,
    },
    protocol::Protocol,
};

points! {
    /// What is done with a tree; each is one step.
    pub enum How {
        /// `rb_add()`: 1 if it is the first now.
        Add = "rb_add",
        /// `rb_erase()`.
        Erase = "rb_erase",
        /// `rb_erase()` and `RB_CLEAR_NODE()`: `timerqueue_del()`.
        EraseClear = "rb_erase, RB_CLEAR_NODE",
        /// `RB_CLEAR_NODE()`.
        Clear = "RB_CLEAR_NODE",
        /// `RB_EMPTY_NODE()`: 1 or 0.
        EmptyNode = "RB_EMPTY_NODE",
        /// `RB_EMPTY_ROOT()`: 1 or 0.
        Empty = "RB_EMPTY_ROOT",
        /// `rb_first()`.
        First = "rb_first",
        /// `rb_last()`.
        Last = "rb_last",
        /// `rb_next()`, NULL after the last.
        Next = "rb_next",
        /// `rb_prev()`, NULL before the first.
        Prev = "rb_prev",
        /// `rb_find_first()`: the first with that key.
        Find = "rb_find_first",
        /// The first whose key is not less.
        FindAtLeast = "rb_find_first (at least)",
        /// `mtree_insert_range()`, `interval_tree_insert()`: 0, or the error that the tree has for what overlaps.
        Insert = "insert a range",
        /// `interval_tree_remove()`.
        Remove = "remove a range",
        /// `mtree_load()`: the range that an address is in.
        Contains = "find what contains it",
        /// `interval_tree_iter_first()`: the first that has something of it.
        FirstIn = "first of a range",
        /// `interval_tree_iter_next()`.
        NextIn = "next of a range",
    }
}

impl How {
    /// Whether it writes the links.
    fn changes(self) -> bool {
        matches!(self, How::Add | How::Erase | How::EraseClear | How::Clear | How::Insert | How::Remove)
    }

    /// Whether it reads them where they may not change meanwhile.
    fn walks(self) -> bool {
        !self.changes() && !matches!(self, How::Empty | How::EmptyNode)
    }

    /// Whether it compares keys with those of the entries.
    fn compares(self) -> bool {
        use How::{Add, Contains, Find, FindAtLeast, FirstIn, Insert, NextIn};
        matches!(self, Add | Find | FindAtLeast | Insert | Contains | FirstIn | NextIn)
    }

    /// Whether it is about a node, wherever that is.
    fn is_of_node(self) -> bool {
        matches!(self, How::Clear | How::EmptyNode)
    }
}

/// One operation on a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TreeOp {
    how: How,
    /// The tree; of an operation on a node the node.
    tree: ObjId,
    entry: Option<Named>,
    /// What is looked for: a key, an address, the beginning of a range; unset if it is any.
    from: Value,
    /// The end of it.
    to: Value,
    /// A change that has begun.
    open: bool,
}

fields!(TreeOp { how, tree, entry, from, to, open });

impl TreeOp {
    pub(crate) const BLANK: TreeOp = TreeOp {
        how: How::Empty,
        tree: ObjId::object(0),
        entry: None,
        from: Value::Unset,
        to: Value::Unset,
        open: false,
    };

    /// An operation about to start.
    pub(crate) fn new(how: How, tree: ObjId, entry: Option<Named>, (from, to): (Value, Value)) -> TreeOp {
        TreeOp { how, tree, entry, from, to, open: false }
    }

    /// The words that it compares, of those that are in the tree as somebody sees it.
    fn words(&self, program: &crate::Program, entries: impl Iterator<Item = ObjId>) -> impl Iterator<Item = ObjId> {
        let tree = kind::of(program, self.tree);
        let own = self.entry.map(|named| named.entry.obj).filter(|_| matches!(self.how, How::Add | How::Insert));
        let all = own.into_iter().chain(entries).filter(|_| self.how.compares());
        all.filter_map(move |entry| tree?.key_of(entry)).flat_map(|key| [Some(key.start), key.end]).flatten()
    }
}

impl Protocol for TreeOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if !self.open {
            self.entry.iter_mut().for_each(|named| named.adopt(cx));
            let access = race::Access { changes: self.how.changes(), walks: self.how.walks(), under_rcu: false };
            self.open = !self.how.is_of_node() && race::begins(cx, [self.tree, self.tree], access);
            if self.open {
                return Flow::Go;
            }
        }
        let result = self.perform(cx);
        if self.open {
            race::end(cx, [self.tree, self.tree]);
        }
        Flow::Done(result)
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let changes = self.how.changes();
        let f = if changes { Footprint::writes(self.tree) } else { Footprint::reads(self.tree) };
        let f = self.entry.map_or(f, |named| named.footprint(f, changes));
        if self.how.is_of_node() {
            return f;
        }
        let entries = v.world.list_head(self.tree).peek();
        let words = self.words(v.program, entries.live().map(|entry| entry.obj));
        words.fold(f, |f, word| variable::look_footprint(v, word, f))
    }

    /// Who has the lock reads what only who has it changes.
    fn is_quiet<R: Runtime>(&self, cx: &Cx<'_, R>, _own: bool) -> bool {
        let guard = cx.program.kind(self.tree).guard();
        if self.how.changes() || !guard.is_some_and(|lock| cx.world.is_held_by(lock, cx.me)) {
            return false;
        }
        let entries = cx.world.list_head(self.tree).peek();
        let words = self.words(cx.program, entries.live().map(|entry| entry.obj));
        let in_tree = |node: ObjId| cx.world.node(node).spot().on == Some(self.tree);
        let settled = self.entry.and_then(|named| named.node).is_none_or(in_tree);
        settled && words.into_iter().all(|word| variable::may_look_quietly(cx, word))
    }

    fn looks_into(&self) -> [Option<ObjId>; 2] {
        [self.entry.map(|named| named.entry.obj), Some(self.tree)]
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }
}
