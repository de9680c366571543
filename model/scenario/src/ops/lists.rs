//! Lists of objects. `list-each` and `list-each-safe` are statements: see `lower/flow.rs`.

use fenceweave_kernel::Op;
use fenceweave_kernel::primitives::list::How;

use super::{Args, OpSpec, Param, Takes, operand, option};
use fenceweave_kernel::Kind;

const LIST: Param = operand("list", Takes::Object(&[Kind::List]));
const FROM: Param = operand("from", Takes::Object(&[Kind::List]));
const TO: Param = operand("to", Takes::Object(&[Kind::List]));
const ENTRY: Param = operand("entry", Takes::Object(&[Kind::Struct, Kind::Fence]));

fn entry(args: &Args, how: How) -> Op {
    Op::List { how, list: args.object("list"), entry: Some(args.object("entry")), from: args.optional("from") }
}

fn head(args: &Args, how: How) -> Op {
    Op::List { how, list: args.object("list"), entry: None, from: None }
}

fn splice(args: &Args, how: How) -> Op {
    Op::List { how, list: args.object("to"), entry: None, from: args.optional("from") }
}

pub(super) const OPS: &[OpSpec] = &[
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
