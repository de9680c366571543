//! What a script may do with a list. `list-each` and `list-each-safe` are statements, which walk it by these.

use super::{How, ListOp, Named, kind, node};
use crate::{
    Handle, Machine, Op, Operand, Property, fixed,
    ground::{
        op::{Args, OpSpec, Operation, Opt, Param, Takes, operand, option},
        resolver::{Resolved, Resolver},
        row::{Gives, Row},
    },
    machine::Fault,
    program::Kind,
};
use std::fmt;

/// `list-add`, `list-del`, `list-first` and the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// Which of them.
    pub how: How,
    /// The list; of a splice the one that entries come to; or a node, on whichever list that is.
    pub list: Operand,
    /// The entry.
    pub entry: Option<Operand>,
    /// Another entry, beside which, up to which or in whose place.
    pub at: Option<Operand>,
    /// The list where they come from, if it is another one.
    pub from: Option<Operand>,
}

/// What a program's hash is made of: an operation that names no other entry is told from others by nothing new.
impl fmt::Debug for List {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let List { how, list, entry, at, from } = self;
        let mut out = f.debug_struct("List");
        out.field("how", how).field("list", list).field("entry", entry);
        if at.is_some() {
            out.field("at", at);
        }
        out.field("from", from).finish()
    }
}

/// What can be on a list.
const ENTRIES: &[Kind] = &[Kind::Struct, Kind::Fence, Kind::ListNode];

/// An entry, named by itself or by its node.
pub(crate) fn named(with: &Resolver<'_>, owners: &[node::Owner], entry: Operand) -> Resolved<Named> {
    let handle = with.handle(entry)?;
    if let Some(owner) = owner_of(with, handle) {
        let known = owners.is_empty() || node::node_of(owners, owner) == Some(handle.obj);
        let entry = Handle::place(owner);
        let named = Named { entry, node: Some(handle.obj), by_node: true };
        return if known { Ok(named) } else { Err(Fault::new(Property::WRONG_KIND, Some(handle.obj))) };
    }
    let node = node::node_of(owners, handle.obj);
    if node.is_none() && !owners.is_empty() {
        return Err(Fault::new(Property::WRONG_KIND, Some(handle.obj)));
    }
    Ok(Named { entry: handle, node, by_node: false })
}

/// Whose node it is.
fn owner_of(with: &Resolver<'_>, handle: Handle) -> Option<crate::ObjId> {
    let listed = with.program.fixed::<fixed::ListNode>(handle.obj).map(|node| node.entry);
    listed.or_else(|| with.program.fixed::<fixed::TreeNode>(handle.obj).map(|node| node.entry))
}

/// An entry of a list.
fn entry_of(with: &Resolver<'_>, list: crate::ObjId, entry: Operand) -> Resolved<Named> {
    let kind = with.of_kinds(entry, ENTRIES)?;
    let owners = kind::of(with.program, list);
    if owners.is_empty() && with.kind(kind) == Some(Kind::ListNode) {
        return Err(Fault::new(Property::WRONG_KIND, Some(kind)));
    }
    named(with, owners, entry)
}

impl Operation for List {
    fn row(&self) -> Row {
        let operands = [Some(self.list), self.entry, self.from, self.at];
        Row { gives: Gives::Perhaps, never_waits: true, ..Row::of(operands) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let list = with.of_kinds(self.list, &[Kind::List, Kind::ListNode])?;
        if with.kind(list) == Some(Kind::ListNode) {
            let at = self.at.map(|at| named(with, &[], at)).transpose()?;
            return Ok(ListOp::alone(self.how, named(with, &[], self.list)?, at).into());
        }
        let from = self.from.map(|from| with.of_kind(from, Kind::List)).transpose()?;
        // Links of one sort make no list of the other.
        let nodes = |list| !kind::of(with.program, list).is_empty();
        if let Some(other) = from.filter(|from| nodes(*from) != nodes(list)) {
            return Err(Fault::new(Property::WRONG_KIND, Some(other)));
        }
        let entry = self.entry.map(|entry| entry_of(with, list, entry)).transpose()?;
        let at = self.at.map(|at| entry_of(with, list, at)).transpose()?;
        Ok(ListOp::new(self.how, list, entry, at, from).into())
    }
}

const LIST: Param = operand("list", Takes::Object(&[Kind::List]));
const FROM: Param = operand("from", Takes::Object(&[Kind::List]));
const TO: Param = operand("to", Takes::Object(&[Kind::List]));
const ENTRY: Param = operand("entry", Takes::Object(ENTRIES));
const NODE: Param = operand("node", Takes::Object(&[Kind::ListNode]));
const OTHER: Opt =
    option("from", Takes::Object(&[Kind::List]), "the list that it is on, if it is another, and has no nodes");

fn entry(args: &Args, how: How) -> Op {
    let at = ["after", "before", "last", "old"].iter().find_map(|name| args.optional(name));
    List { how, list: args.object("list"), entry: Some(args.object("entry")), at, from: args.optional("from") }.into()
}

fn head(args: &Args, how: How) -> Op {
    List { how, list: args.object("list"), entry: None, at: None, from: None }.into()
}

fn alone(args: &Args, how: How) -> Op {
    let at = ["after", "before"].iter().find_map(|name| args.optional(name));
    List { how, list: args.object("node"), entry: None, at, from: None }.into()
}

fn splice(args: &Args, how: How) -> Op {
    List { how, list: args.object("to"), entry: None, at: None, from: args.optional("from") }.into()
}

const OLD: Opt =
    Opt { required: true, ..option("old", Takes::Object(ENTRIES), "an entry of the list, which is off it then") };

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "list-add",
        &[LIST, ENTRY],
        "puts an object at the head of a list",
        "list_add() list_add_rcu() hlist_add_head_rcu()",
        |args| entry(args, How::Add),
    )
    .options(&[option("after", Takes::Object(ENTRIES), "an entry of the list, behind which it comes instead")]),
    OpSpec::new(
        "list-add-tail",
        &[LIST, ENTRY],
        "puts an object at the tail of a list",
        "list_add_tail() list_add_tail_rcu()",
        |args| entry(args, How::AddTail),
    )
    .options(&[option("before", Takes::Object(ENTRIES), "an entry of the list, before which it comes instead")]),
    OpSpec::new(
        "list-add",
        &[NODE],
        "puts a node behind another, on whichever list that is",
        "list_add()",
        |args| alone(args, How::Add),
    )
    .options(&[Opt { required: true, ..option("after", Takes::Object(&[Kind::ListNode]), "the other node") }]),
    OpSpec::new(
        "list-add-tail",
        &[NODE],
        "puts a node before another, on whichever list that is",
        "list_add_tail()",
        |args| alone(args, How::AddTail),
    )
    .options(&[Opt { required: true, ..option("before", Takes::Object(&[Kind::ListNode]), "the other node") }]),
    OpSpec::new("list-del", &[LIST, ENTRY], "takes an object off a list", "list_del()", |args| entry(args, How::Del)),
    OpSpec::new(
        "list-del",
        &[NODE],
        "takes a node off whichever list it is on, and poisons it; one that is poisoned already is told",
        "__list_del_entry()",
        |args| alone(args, How::Del),
    ),
    OpSpec::new(
        "list-del-rcu",
        &[NODE],
        "takes a node off whichever list it is on; who stands at it in a read-side section goes on from it as before, so what it \
         is inside of has to stay until they are out",
        "list_del_rcu() hlist_del_rcu()",
        |args| alone(args, How::DelRcu),
    ),
    OpSpec::new(
        "list-del-init",
        &[LIST, ENTRY],
        "takes an object off a list, if it is on it",
        "list_del_init()",
        |args| entry(args, How::DelInit),
    ),
    OpSpec::new(
        "list-del-init",
        &[NODE],
        "takes a node off whichever list it is on, if it is on one",
        "list_del_init_careful()",
        |args| alone(args, How::DelInit),
    ),
    OpSpec::new(
        "list-move",
        &[LIST, ENTRY],
        "puts an object that is on a list at the head of it",
        "list_move()",
        |args| entry(args, How::Move),
    )
    .options(&[OTHER]),
    OpSpec::new(
        "list-move-tail",
        &[LIST, ENTRY],
        "puts an object that is on a list at the tail of it; by its node, from whichever list it is on",
        "list_move_tail()",
        |args| entry(args, How::MoveTail),
    )
    .options(&[OTHER]),
    OpSpec::new(
        "list-bulk-move-tail",
        &[LIST, ENTRY],
        "puts an object, and those behind it up to another, at the tail of a list; by their nodes, from whichever list they \
         are on",
        "list_bulk_move_tail()",
        |args| entry(args, How::BulkMoveTail),
    )
    .options(&[Opt { required: true, ..option("last", Takes::Object(ENTRIES), "the last of them") }]),
    OpSpec::new("list-rotate-left", &[LIST], "makes the first of a list the last", "list_rotate_left()", |args| {
        head(args, How::RotateLeft)
    }),
    OpSpec::new("list-replace", &[LIST, ENTRY], "puts an object in the place of another", "list_replace()", |args| {
        entry(args, How::Replace)
    })
    .options(&[OLD]),
    OpSpec::new(
        "list-replace-init",
        &[LIST, ENTRY],
        "the same, and initialises the node of the other",
        "list_replace_init()",
        |args| entry(args, How::ReplaceInit),
    )
    .options(&[OLD]),
    OpSpec::new("list-empty", &[LIST], "looks whether a list is empty, without any lock", "list_empty()", |args| {
        head(args, How::Empty)
    })
    .returns("1 or 0"),
    OpSpec::new(
        "list-empty",
        &[NODE],
        "looks whether a node is on no list and not poisoned, without any lock",
        "list_empty_careful()",
        |args| alone(args, How::Empty),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "on-list",
        &[LIST, ENTRY],
        "looks whether an object is on a list, without any lock",
        "list_empty_careful()",
        |args| entry(args, How::OnList),
    )
    .returns("1 or 0"),
    OpSpec::new("list-is-singular", &[LIST], "looks whether a list has one entry", "list_is_singular()", |args| {
        head(args, How::IsSingular)
    })
    .returns("1 or 0"),
    OpSpec::new(
        "list-is-first",
        &[LIST, ENTRY],
        "looks whether an object is the first of a list",
        "list_is_first()",
        |args| entry(args, How::IsFirst),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "list-is-last",
        &[LIST, ENTRY],
        "looks whether an object is the last of a list",
        "list_is_last()",
        |args| entry(args, How::IsLast),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "list-first",
        &[LIST],
        "looks at the first of a list",
        "list_first_entry_or_null() list_first_entry()",
        |args| head(args, How::First),
    )
    .returns("a reference to it, NULL if the list is empty"),
    OpSpec::new(
        "list-last",
        &[LIST],
        "looks at the last of a list",
        "list_last_entry_or_null() list_last_entry()",
        |args| head(args, How::Last),
    )
    .returns("a reference to it, NULL if the list is empty"),
    OpSpec::new(
        "list-next",
        &[NODE],
        "looks at the one after a node, on whichever list that is",
        "list_next_entry()",
        |args| alone(args, How::Next),
    )
    .returns("a reference to it, NULL after the last"),
    OpSpec::new(
        "list-next",
        &[LIST, ENTRY],
        "looks at the one after an object of a list",
        "list_next_entry()",
        |args| entry(args, How::Next),
    )
    .returns("a reference to it, NULL after the last"),
    OpSpec::new(
        "list-prev",
        &[NODE],
        "looks at the one before a node, on whichever list that is",
        "list_prev_entry()",
        |args| alone(args, How::Prev),
    )
    .returns("a reference to it, NULL before the first"),
    OpSpec::new(
        "list-prev",
        &[LIST, ENTRY],
        "looks at the one before an object of a list",
        "list_prev_entry()",
        |args| entry(args, How::Prev),
    )
    .returns("a reference to it, NULL before the first"),
    OpSpec::new(
        "list-splice-init",
        &[FROM, TO],
        "moves all of one list to the head of another",
        "list_splice_init()",
        |args| splice(args, How::SpliceInit),
    ),
    OpSpec::new(
        "list-splice-tail-init",
        &[FROM, TO],
        "moves all of one list to the tail of another",
        "list_splice_tail_init()",
        |args| splice(args, How::SpliceTailInit),
    ),
];
