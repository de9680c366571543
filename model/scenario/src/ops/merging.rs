//! What fences are made of, and making one of several.

use fenceweave_kernel::fence::MergeVariant;
use fenceweave_kernel::{LocalId, Op, Operand, Value};

use super::{Args, OpSpec, Opt, Param, Takes, flag, operand, option};
use crate::variants;
use fenceweave_kernel::Kind;

/// Of `unwrap-begin`, and of the block form.
pub(crate) const CONTAINER: Param = operand("fence", Takes::Object(&[Kind::Fence]));
const CURSOR: Param = operand("cursor", Takes::Cursor);
const CHAIN: Param = operand("node", Takes::Object(&[Kind::Fence]));

const VARIANTS: [&str; MergeVariant::ALL.len()] = variants::words(&MergeVariant::ALL);

/// `unwrap-begin`, as the block form also begins.
pub(crate) fn begin(args: &Args) -> Op {
    Op::UnwrapBegin { fence: args.object("fence") }
}

fn variant(args: &Args) -> MergeVariant {
    variants::of_word(&MergeVariant::ALL, args.word("variant"))
}

pub(super) const OPS: &[OpSpec] = &[
    OpSpec::new(
        "unwrap-begin",
        &[CONTAINER],
        "makes a cursor over the fences that a fence is made of in the end: a value, held in a local",
        "",
        begin,
    )
    .returns("the cursor"),
    OpSpec::new(
        "unwrap-next",
        &[CURSOR],
        "goes to the first fence, then to the next; the cursor in the local goes on with it. Until it is at the end it owns \
         a reference to the node that it is at; the fence belongs to that",
        "dma_fence_unwrap_first() dma_fence_unwrap_next()",
        |args| {
            let home = match args.object("cursor") {
                Operand::Local(local) => local,
                Operand::Object(_) | Operand::Const(_) => LocalId(0),
            };
            Op::UnwrapNext { home }
        },
    )
    .returns("the fence, NULL at the end"),
    OpSpec::new(
        "fence-merge",
        &[operand("fences", Takes::Fences)],
        "makes one fence of all that these are made of, without those that are signalled, and of each context with the \
         newest only. A `fence-array NAME spare=N` is the memory for an array, a `fence NAME spare` that for a stub",
        "dma_fence_unwrap_merge()",
        |args| Op::Merge {
            fences: args.objects("fences"),
            variant: variant(args),
            may_run_out: args.flag("may-run-out"),
        },
    )
    .options(&[
        option("variant", Takes::OneOf(&VARIANTS), "how it behaves, upstream without it"),
        super::fences::MAY_RUN_OUT,
    ])
    .returns("a reference: to a new array, to the one fence that is left, or to a stub that is signalled; NULL without memory")
    .fails(Value::Null),
    OpSpec::new(
        "dedup-array",
        &[operand("array", Takes::Array)],
        "leaves of the fences at the head of an array the newest of each context there, in the order of the contexts, and \
         drops the references to the others",
        "dma_fence_dedup_array()",
        |args| Op::Dedup {
            array: args.place("array"),
            count: args.object("count"),
            none_is_one: args.flag("none-is-one"),
        },
    )
    .options(&[
        Opt { required: true, ..option("count", Takes::Value, "how many fences there are") },
        flag("none-is-one", "as it was at first: of no fence at all it says that one is left"),
    ])
    .returns("how many are left"),
    OpSpec::new(
        "chain-init",
        &[CHAIN],
        "makes a timeline's point of a `fence-chain NAME spare`; it takes over the references to what comes before it and to \
         its own fence",
        "dma_fence_chain_init()",
        |args| Op::ChainInit {
            chain: args.object("node"),
            prev: args.object("prev"),
            fence: args.object("contains"),
            seqno: u16::try_from(args.number("seqno", 1)).unwrap_or(1),
        },
    )
    .options(&[
        Opt { required: true, ..option("contains", Takes::Object(&[Kind::Fence]), "its own fence") },
        option("prev", Takes::Object(&[Kind::Fence]), "what comes before it: another node, or a fence"),
        Opt { required: true, ..option("seqno", Takes::Number { min: 1, max: 60_000 }, "its number on the timeline") },
    ])
    .returns("the node"),
];
