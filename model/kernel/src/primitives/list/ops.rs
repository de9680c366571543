//! What a script may do with a list. `list-each` and `list-each-safe` are statements, which walk it by these.

use super::{How, ListOp};
use crate::{
    Handle, Machine, Op, Operand,
    ground::{
        op::{Args, OpSpec, Operation, Param, Takes, operand, option},
        resolver::{Resolved, Resolver},
        row::{Gives, Row},
    },
    program::Kind,
};

/// `list-add`, `list-del`, `list-first` and the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct List {
    /// Which of them.
    pub how: How,
    /// The list; of a splice the one that entries come to.
    pub list: Operand,
    /// The entry.
    pub entry: Option<Operand>,
    /// The list where they come from, if it is another one.
    pub from: Option<Operand>,
}

/// What can be on a list.
const ENTRIES: &[Kind] = &[Kind::Struct, Kind::Fence];

fn entry_of(with: &Resolver<'_>, entry: Operand) -> Resolved<Handle> {
    with.of_kinds(entry, ENTRIES)?;
    with.handle(entry)
}

impl Operation for List {
    fn row(&self) -> Row {
        let operands = [Some(self.list), self.entry, self.from, None];
        Row { gives: Gives::Perhaps, never_waits: true, ..Row::of(operands) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let list = with.of_kind(self.list, Kind::List)?;
        let from = self.from.map_or(Ok(list), |from| with.of_kind(from, Kind::List))?;
        let entry = self.entry.map(|entry| entry_of(with, entry)).transpose()?;
        Ok(ListOp::new(self.how, list, entry, from).into())
    }
}

const LIST: Param = operand("list", Takes::Object(&[Kind::List]));
const FROM: Param = operand("from", Takes::Object(&[Kind::List]));
const TO: Param = operand("to", Takes::Object(&[Kind::List]));
const ENTRY: Param = operand("entry", Takes::Object(&[Kind::Struct, Kind::Fence]));

fn entry(args: &Args, how: How) -> Op {
    List { how, list: args.object("list"), entry: Some(args.object("entry")), from: args.optional("from") }.into()
}

fn head(args: &Args, how: How) -> Op {
    List { how, list: args.object("list"), entry: None, from: None }.into()
}

fn splice(args: &Args, how: How) -> Op {
    List { how, list: args.object("to"), entry: None, from: args.optional("from") }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new("list-add", &[LIST, ENTRY], "puts an object at the head of a list", "list_add()", |args| {
        entry(args, How::Add)
    }),
    OpSpec::new("list-add-tail", &[LIST, ENTRY], "puts an object at the tail of a list", "list_add_tail()", |args| {
        entry(args, How::AddTail)
    }),
    OpSpec::new("list-del", &[LIST, ENTRY], "takes an object off a list", "list_del()", |args| entry(args, How::Del)),
    OpSpec::new(
        "list-del-init",
        &[LIST, ENTRY],
        "takes an object off a list, if it is on it",
        "list_del_init()",
        |args| entry(args, How::DelInit),
    ),
    OpSpec::new(
        "list-move-tail",
        &[LIST, ENTRY],
        "puts an object that is on a list at the tail of it",
        "list_move_tail()",
        |args| entry(args, How::MoveTail),
    )
    .options(&[option("from", Takes::Object(&[Kind::List]), "the list that it is on, if it is another")]),
    OpSpec::new("list-empty", &[LIST], "looks whether a list is empty, without any lock", "list_empty()", |args| {
        head(args, How::Empty)
    })
    .returns("1 or 0"),
    OpSpec::new(
        "on-list",
        &[LIST, ENTRY],
        "looks whether an object is on a list, without any lock",
        "list_empty_careful()",
        |args| entry(args, How::OnList),
    )
    .returns("1 or 0"),
    OpSpec::new("list-first", &[LIST], "looks at the first of a list", "list_first_entry_or_null()", |args| {
        head(args, How::First)
    })
    .returns("a reference to it, NULL if the list is empty"),
    OpSpec::new(
        "list-next",
        &[LIST, ENTRY],
        "looks at the one after an object of a list",
        "list_next_entry()",
        |args| entry(args, How::Next),
    )
    .returns("a reference to it, NULL after the last"),
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
