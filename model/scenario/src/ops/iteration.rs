//! Iteration over the fences of a reservation, step by step.

use fenceweave_kernel::resv::cursor::At;
use fenceweave_kernel::{LocalId, Op, Operand};

use super::fences::{RESV, USAGE, usage};
use super::{Args, OpSpec, Opt, Param, Takes, flag, operand};

const CURSOR: Param = operand("cursor", Takes::Cursor);
/// Of `iter-begin`, and of the block form.
pub(crate) const UNLOCKED: Opt =
    flag("unlocked", "without the lock: signalled fences are passed over, and a changed list starts it again");

fn cursor(args: &Args, at: At) -> Op {
    let home = match args.object("cursor") {
        Operand::Local(local) => local,
        Operand::Object(_) | Operand::Const(_) => LocalId(0),
    };
    Op::Cursor { at, home }
}

/// `iter-begin`, as the block form also begins.
pub(crate) fn begin(args: &Args) -> Op {
    Op::IterBegin { resv: args.object("resv"), usage: usage(args), unlocked: args.flag("unlocked") }
}

pub(super) const OPS: &[OpSpec] = &[
    OpSpec::new(
        "iter-begin",
        &[RESV],
        "makes a cursor over the fences of a reservation: a value, held in a local",
        "dma_resv_iter_begin()",
        begin,
    )
    .options(&[USAGE, UNLOCKED])
    .returns("the cursor"),
    OpSpec::new(
        "iter-next",
        &[CURSOR],
        "goes to the first fence, then to the next; the cursor in the local goes on with it. With the lock held: also \
         signalled ones. Unlocked: a reference to the fence belongs to the cursor until it goes on",
        "dma_resv_iter_first() dma_resv_iter_next() dma_resv_iter_first_unlocked() dma_resv_iter_next_unlocked()",
        |args| cursor(args, At::NextLocked),
    )
    .returns("the fence, NULL at the end"),
    OpSpec::new(
        "iter-is-restarted",
        &[CURSOR],
        "tells whether the fence is the first one after the beginning or after a restart: what was gathered before does \
         not count",
        "dma_resv_iter_is_restarted()",
        |args| cursor(args, At::IsRestarted),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "iter-usage",
        &[CURSOR],
        "tells the usage of the fence that the cursor stands at",
        "dma_resv_iter_usage()",
        |args| cursor(args, At::FoundUsage),
    )
    .returns("0 kernel, 1 write, 2 read, 3 bookkeep"),
    OpSpec::new(
        "iter-end",
        &[CURSOR],
        "ends an iteration: drops the reference that an unlocked cursor owns; the local is unset from here on",
        "dma_resv_iter_end()",
        |args| cursor(args, At::End),
    ),
];
