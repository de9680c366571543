//! A field of what is listed: the `struct list_head` of an entry, the `struct rb_node` of what is in a tree.
//!
//! ```text
//!   list_add(&job->link, &queue)      job is on the queue, and link says so
//!   list_del_init(&job->link)         job is on no list, and link says so
//!   list_del(&job->link)              LIST_POISON: link is good for nothing but list_add()
//!   list_del_rcu(&job->link)          the same, but that who stands there under RCU goes on from it as before
//! ```
//!
//! The order is the container's, which has the objects. A node says on which container its object is by it, which
//! `list_del()` needs not to be told.
//!
//! A node changes inside of the critical section of whatever its container is, and one step moves it from one
//! container to another: so a threading checker has one lock for all of them, the gate, which is that of the program's
//! first node.

use super::kind::{ListNode, TreeNode};
use crate::{
    Code, Coder, Cx, Handle, Held, ObjId, Plain, Program, Runtime, SharedCell, ThreadId,
    facet::{Facet, FacetSink},
    property::Form,
    shared::{Lost, Shared, renewed},
};

/// Where a node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Spot {
    /// What its object is on by it.
    pub(crate) on: Option<ObjId>,
    /// It was taken off, and was not initialised again: `LIST_POISON1`; a `struct rb_node` that is not
    /// `RB_EMPTY_NODE()`.
    pub(crate) stale: bool,
    /// What came behind it where it was taken off, for those who go on from it.
    pub(crate) behind: Behind,
}

/// What a node that was taken off still points to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Behind {
    /// `LIST_POISON1`, or itself.
    #[default]
    Nothing,
    /// The list's head.
    Head,
    /// Another entry.
    Entry(Handle),
}

impl Spot {
    /// On a list.
    pub(crate) fn on(list: ObjId) -> Spot {
        Spot { on: Some(list), ..Spot::default() }
    }

    /// Off it again.
    pub(crate) fn off(stale: bool) -> Spot {
        Spot { on: None, stale, behind: Behind::Nothing }
    }

    /// Off it, and readers go on from it.
    pub(crate) fn off_for_writers(next: Option<Handle>) -> Spot {
        Spot { behind: next.map_or(Behind::Head, Behind::Entry), ..Spot::off(true) }
    }
}

impl Code for Spot {
    fn code<C: Coder>(&mut self, c: &mut C) {
        const OFF: u8 = 0;
        const STALE: u8 = 1;
        const LISTED: u8 = 2;
        const HEAD: u8 = 3;
        const ENTRY: u8 = 4;
        let mut tag = match (self.on, self.stale, self.behind) {
            (Some(_), ..) => LISTED,
            (None, true, Behind::Nothing) => STALE,
            (None, true, Behind::Head) => HEAD,
            (None, true, Behind::Entry(_)) => ENTRY,
            (None, false, _) => OFF,
        };
        c.byte(&mut tag);
        let mut next = if let Behind::Entry(next) = self.behind { next } else { Handle::default() };
        if tag == ENTRY {
            next.code(c);
        }
        if C::READING {
            *self = match tag {
                HEAD => Spot::off_for_writers(None),
                ENTRY => Spot::off_for_writers(Some(next)),
                _ => Spot::off(tag == STALE),
            };
        }
        if tag == LISTED {
            let mut on = self.on.unwrap_or_default();
            on.code(c);
            self.on = Some(on);
        }
    }
}

/// A node.
#[derive(Clone)]
pub struct Node<R: Runtime> {
    spot: R::Cell<Spot>,
}

impl Copy for Node<Plain> {}

impl<R: Runtime> Node<R> {
    pub(crate) fn new(gate: ObjId) -> Self {
        Node { spot: R::Cell::new(Spot::default(), gate) }
    }

    /// Where it is, for who may look from outside.
    pub(crate) fn spot(&self) -> Spot {
        self.spot.peek()
    }
}

impl<R: Runtime> Shared<R> for Node<R> {
    renewed!(Node { spot: cell });

    /// Its neighbours have its address.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        let on = self.spot.peek().on?;
        Some(Lost { with: Some(on), ..Lost::nobody(Form::FREED_LISTED) })
    }

    fn facets(&self, sink: FacetSink<'_>) {
        sink("on", Facet::Object(self.spot.peek().on));
    }
}

impl Code for Node<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.spot.code(c);
    }
}

/// Whose node it is: an entry of a container by a node of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owner {
    /// The object.
    pub entry: ObjId,
    /// Its node.
    pub node: ObjId,
}

/// The node of an entry, of a container that has these.
pub(crate) fn node_of(owners: &[Owner], entry: ObjId) -> Option<ObjId> {
    let at = owners.binary_search_by_key(&entry, |owner| owner.entry).ok()?;
    Some(owners[at].node)
}

impl Program {
    /// Says which lock all nodes have in common, when all of them are known.
    pub fn settle_nodes(&mut self) {
        let is_node = |id: &ObjId| self.is::<ListNode>(*id) || self.is::<TreeNode>(*id);
        let Some(gate) = self.ids().find(is_node) else { return };
        self.objects.iter_mut().for_each(|object| object.kind.set_gate(gate));
    }
}

impl<R: Runtime> Cx<'_, R> {
    /// The critical section of all nodes, to work on this.
    pub(crate) fn enter_nodes(&mut self, gate: ObjId, on: ObjId) -> Held {
        self.touch(on);
        self.rt.enter(gate);
        Held(gate)
    }

    /// Where a node is, in its critical section.
    pub(crate) fn spot(&mut self, held: Held, node: ObjId) -> Spot {
        self.node(node).spot.get(held)
    }

    /// Puts it there.
    pub(crate) fn set_spot(&mut self, held: Held, node: ObjId, spot: Spot) {
        self.node(node).spot.set(held, spot);
    }
}
