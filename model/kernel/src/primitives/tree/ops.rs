//! What a script may do with what is in an order. `rb-each` and `range-each` are statements, which walk it by these.

use super::{How, TreeOp, kind};
use crate::{
    Machine, Op, Operand, Property, Value,
    ground::{
        op::{Args, OpSpec, Operation, Opt, Param, Takes, flag, operand, option},
        resolver::{Resolved, Resolver},
        row::{Gives, Row},
    },
    machine::Fault,
    primitives::list::ops::named,
    program::Kind,
};

/// `rb-add`, `rb-first`, `range-insert`, `range-find` and the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tree {
    /// Which of them.
    pub how: How,
    /// The tree, or a node.
    pub tree: Operand,
    /// The entry.
    pub entry: Option<Operand>,
    /// What is looked for.
    pub from: Option<Operand>,
    /// The end of it.
    pub to: Option<Operand>,
}

/// What can be in a tree.
const ENTRIES: &[Kind] = &[Kind::Struct, Kind::TreeNode];

impl Tree {
    /// A number that is looked for, if one is.
    fn number(with: &Resolver<'_>, operand: Option<Operand>) -> Resolved<Value> {
        operand.map_or(Ok(Value::Unset), |operand| with.number(operand))
    }
}

impl Operation for Tree {
    fn row(&self) -> Row {
        let operands = [Some(self.tree), self.entry, None, None];
        Row { gives: Gives::Perhaps, ..Row::of(operands) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let tree = with.of_kinds(self.tree, &[Kind::Ordered, Kind::Ranges, Kind::TreeNode])?;
        if with.kind(tree) == Some(Kind::TreeNode) {
            let node = named(with, &[], self.tree)?;
            return Ok(TreeOp::new(self.how, tree, Some(node), (Value::Unset, Value::Unset)).into());
        }
        let owners = kind::of(with.program, tree).map_or(&[][..], |tree| &tree.of);
        let entry = |operand| {
            let of = with.of_kinds(operand, ENTRIES)?;
            // A tree without any has none of these.
            if owners.is_empty() {
                Err(Fault::new(Property::WRONG_KIND, Some(of)))
            } else {
                named(with, owners, operand)
            }
        };
        let entry = self.entry.map(entry).transpose()?;
        let between = (Tree::number(with, self.from)?, Tree::number(with, self.to)?);
        Ok(TreeOp::new(self.how, tree, entry, between).into())
    }
}

const ORDERED: Param = operand("ordered", Takes::Object(&[Kind::Ordered]));
const RANGES: Param = operand("ranges", Takes::Object(&[Kind::Ranges]));
const ENTRY: Param = operand("entry", Takes::Object(ENTRIES));
const NODE: Param = operand("node", Takes::Object(&[Kind::TreeNode]));
const KEY: Param = operand("key", Takes::Value);
const FROM: Opt = option("from", Takes::Value, "what ends before it does not count");
const TO: Opt = option("to", Takes::Value, "what begins there or behind it does not count");

fn ordered(args: &Args, how: How) -> Op {
    Tree { how, tree: args.object("ordered"), entry: args.optional("entry"), from: args.optional("key"), to: None }
        .into()
}

fn ranges(args: &Args, how: How) -> Op {
    let from = args.optional("from").or(args.optional("address"));
    Tree { how, tree: args.object("ranges"), entry: args.optional("entry"), from, to: args.optional("to") }.into()
}

fn node(args: &Args, how: How) -> Op {
    Tree { how, tree: args.object("node"), entry: None, from: None, to: None }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "rb-add",
        &[ORDERED, ENTRY],
        "puts an object where its key is in order, behind those of the same key",
        "rb_add() rb_add_cached() timerqueue_add()",
        |args| ordered(args, How::Add),
    )
    .returns("1 if it is the first now, else 0"),
    OpSpec::new(
        "rb-erase",
        &[ORDERED, ENTRY],
        "takes an object out; its node is not empty (`rb-empty-node`) before it is cleared",
        "rb_erase() rb_erase_cached() timerqueue_del()",
        |args| ordered(args, if args.flag("clear") { How::EraseClear } else { How::Erase }),
    )
    .options(&[flag("clear", "clears the node too, as `timerqueue_del()` does")]),
    OpSpec::new("rb-clear-node", &[NODE], "makes a node that is in no tree empty", "RB_CLEAR_NODE()", |args| {
        node(args, How::Clear)
    }),
    OpSpec::new(
        "rb-empty-node",
        &[NODE],
        "looks whether a node is in no tree and cleared, without any lock",
        "RB_EMPTY_NODE()",
        |args| node(args, How::EmptyNode),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "rb-empty",
        &[ORDERED],
        "looks whether anything is in there, without any lock",
        "RB_EMPTY_ROOT()",
        |args| ordered(args, How::Empty),
    )
    .returns("1 if there is nothing, else 0"),
    OpSpec::new(
        "rb-first",
        &[ORDERED],
        "looks at the one with the least key",
        "rb_first() rb_first_cached() timerqueue_getnext()",
        |args| ordered(args, How::First),
    )
    .returns("a reference to it, NULL if there is none"),
    OpSpec::new("rb-last", &[ORDERED], "looks at the one with the greatest key", "rb_last()", |args| {
        ordered(args, How::Last)
    })
    .returns("a reference to it, NULL if there is none"),
    OpSpec::new("rb-next", &[ORDERED, ENTRY], "looks at the one after an object", "rb_next()", |args| {
        ordered(args, How::Next)
    })
    .returns("a reference to it, NULL after the last"),
    OpSpec::new("rb-prev", &[ORDERED, ENTRY], "looks at the one before an object", "rb_prev()", |args| {
        ordered(args, How::Prev)
    })
    .returns("a reference to it, NULL before the first"),
    OpSpec::new("rb-find", &[ORDERED, KEY], "looks for the first with that key", "rb_find() rb_find_first()", |args| {
        ordered(args, if args.flag("at-least") { How::FindAtLeast } else { How::Find })
    })
    .options(&[flag("at-least", "or the first with a greater one")])
    .returns("a reference to it, NULL if there is none"),
    OpSpec::new(
        "range-insert",
        &[RANGES, ENTRY],
        "puts an object among the ranges; what becomes of one that overlaps another is theirs to say",
        "interval_tree_insert() mtree_insert_range() drm_mm_reserve_node() drm_gpuva_insert()",
        |args| ranges(args, How::Insert),
    )
    .returns("0, the error that they have for what overlaps, or with one -EINVAL if it ends before it begins"),
    OpSpec::new(
        "range-erase",
        &[RANGES, ENTRY],
        "takes an object out, and clears its node",
        "interval_tree_remove() mtree_erase() drm_mm_remove_node() drm_gpuva_remove()",
        |args| ranges(args, How::Remove),
    ),
    OpSpec::new(
        "range-find",
        &[RANGES, operand("address", Takes::Value)],
        "looks for the first that contains a number",
        "mtree_load() mas_walk() vma_lookup()",
        |args| ranges(args, How::Contains),
    )
    .returns("a reference to it, NULL if there is none"),
    OpSpec::new(
        "range-first",
        &[RANGES],
        "looks for the first that has something of a range; without one, for the first",
        "interval_tree_iter_first() mas_find() find_vma() drm_gpuva_find_first()",
        |args| ranges(args, How::FirstIn),
    )
    .options(&[FROM, TO])
    .returns("a reference to it, NULL if there is none"),
    OpSpec::new(
        "range-next",
        &[RANGES, ENTRY],
        "looks for the next of them after an object",
        "interval_tree_iter_next() mas_next() find_vma_next()",
        |args| ranges(args, How::NextIn),
    )
    .options(&[FROM, TO])
    .returns("a reference to it, NULL after the last"),
    OpSpec::new("range-empty", &[RANGES], "looks whether there are any, without any lock", "mtree_empty()", |args| {
        ranges(args, How::Empty)
    })
    .returns("1 if there is nothing, else 0"),
];
