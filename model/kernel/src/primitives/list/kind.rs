//! What is fixed about a list: what guards it, and of which nodes it is; and about those.

use super::node::{Node, Owner};
use crate::{
    Kind, ObjId, Program, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow},
    ground::op::{Opt, Takes, option},
};
use std::fmt;

/// What can guard something.
pub const LOCKS: &[Kind] = &[Kind::Lock, Kind::Mutex, Kind::RwSem, Kind::WwMutex, Kind::Resv, Kind::Fence];

/// Of which nodes a container is.
const OF: Opt = option(
    "of",
    Takes::Member,
    "the field of its entries that links them: `of=job.link`, a `link type=list-node` of `struct job`; of several structs \
     `of=\"job.link,marker.link\"`, of each at most one. Without it an entry is an object itself, which can be on many such lists",
);

/// `struct list_head`.
#[derive(Clone, PartialEq, Eq)]
pub struct List {
    /// The lock that whoever changes or walks it has to have, if it is declared.
    pub guard: Option<ObjId>,
    /// The nodes that can be on it, by their objects; none if the objects themselves are.
    pub of: Vec<Owner>,
    /// The lock that a threading checker has for all nodes, if it is of nodes.
    pub gate: Option<ObjId>,
}

impl List {
    /// One of objects.
    pub const PLAIN: List = List { guard: None, of: vec![], gate: None };
}

/// What a program's hash is made of: a list without nodes is told from others by nothing new.
impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let List { guard, of, gate: _ } = self;
        let mut out = f.debug_struct("List");
        out.field("guard", guard);
        if !of.is_empty() {
            out.field("of", of);
        }
        out.finish()
    }
}

/// The nodes that can be on a list; none if objects themselves are.
pub(crate) fn of(program: &Program, list: ObjId) -> &[Owner] {
    program.fixed::<List>(list).map_or(&[], |list| &list.of)
}

impl Declared for List {
    const ROW: KindRow = KindRow {
        name: "list",
        one: "a list",
        init: "INIT_LIST_HEAD()",
        facets: &["len"],
        decls: &[DeclRow {
            name: "list",
            kind: Some(Kind::List),
            options: &[
                OF,
                option(
                    "guarded-by",
                    Takes::Object(LOCKS),
                    "the lock that whoever changes or walks it has to have (a semaphore for writing, if it is changed); whoever has \
         it not is told, even if nobody is near. `list-empty` and `on-list` may look without it, as may \
         `list-first`, `list-next` and `list-each` in a read-side section of RCU or SRCU",
                ),
            ],
            meaning: "a list of objects or fences, at most 24 of them; two changes of it at once, or a change and a walk, are a \
              data race",
            kernel: "struct list_head",
            make: Some(|_| List::PLAIN.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::ListHead<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::ListHead<R> {
        super::ListHead::new(self.gate.unwrap_or(born.id))
    }

    fn guard(&self) -> Option<ObjId> {
        self.guard
    }

    fn gate(&self) -> Option<ObjId> {
        self.gate
    }

    fn set_gate(&mut self, gate: ObjId) {
        self.gate = Some(gate).filter(|_| !self.of.is_empty());
    }
}

/// A `struct list_head` inside of what is listed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ListNode {
    /// The object that it is a field of.
    pub entry: ObjId,
    /// The lock that a threading checker has for all nodes.
    pub gate: ObjId,
}

impl Declared for ListNode {
    const ROW: KindRow = KindRow {
        name: "list-node",
        one: "a list-node",
        facets: &["on"],
        decls: &[DeclRow {
            name: "list-node",
            kind: Some(Kind::ListNode),
            options: &[],
            meaning: "the field by which an object is on a list, one list at a time: `link type=list-node` in a struct, and \
                      `list NAME of=STRUCT.link`. An object may have several. It begins initialised, as after \
                      INIT_LIST_HEAD(); `list-del` leaves it poisoned (LIST_POISON1). Whoever frees the object while it is \
                      on a list by it is told",
            kernel: "struct list_head",
            make: Some(|_| ListNode::default().into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = Node<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> Node<R> {
        Node::new(self.gate)
    }

    fn gate(&self) -> Option<ObjId> {
        Some(self.gate)
    }

    fn set_gate(&mut self, gate: ObjId) {
        self.gate = gate;
    }
}

/// A `struct rb_node` inside of what is in a tree.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TreeNode {
    /// The object that it is a field of.
    pub entry: ObjId,
    /// The lock that a threading checker has for all nodes.
    pub gate: ObjId,
}

impl Declared for TreeNode {
    const ROW: KindRow = KindRow {
        name: "tree-node",
        one: "a tree-node",
        facets: &["on"],
        decls: &[DeclRow {
            name: "tree-node",
            kind: Some(Kind::TreeNode),
            options: &[],
            meaning: "the field by which an object is in an `ordered` or among `ranges`, in one at a time: `rb type=tree-node` in a \
                      struct. It begins empty, as after RB_CLEAR_NODE(). Whoever frees the object while it is in one by it is \
                      told",
            kernel: "struct rb_node",
            make: Some(|_| TreeNode::default().into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = Node<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> Node<R> {
        Node::new(self.gate)
    }

    fn gate(&self) -> Option<ObjId> {
        Some(self.gate)
    }

    fn set_gate(&mut self, gate: ObjId) {
        self.gate = gate;
    }
}
