//! Iteration over the fences of a reservation, step by step.

use super::{RESV, USAGE, usage};
use crate::{
    LocalId, Machine, Op, Operand, Property, Value,
    ground::{
        functions::written_as,
        op::{Args, OpSpec, Operation, Opt, Param, Takes, flag, operand},
        resolver::{Resolved, Resolver},
        row::{Gives, Needs, Row},
    },
    machine::Fault,
    program::Kind,
    resv::{
        Usage,
        cursor::{CursorOp, How},
    },
};

/// `iter-begin`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IterBegin {
    /// The reservation.
    pub resv: Operand,
    /// Which of its fences.
    pub usage: Usage,
    /// Without its lock.
    pub unlocked: bool,
}

/// `iter-next`, `iter-is-restarted`, `iter-usage`, `iter-end`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// Which of them.
    pub how: How,
    /// The local that holds the cursor.
    pub home: LocalId,
}

written_as!(Cursor as { at: how, home });

impl Operation for IterBegin {
    fn row(&self) -> Row {
        Row { needs: Needs::rcu_if(self.unlocked), ..Row::on(self.resv) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(CursorOp::begin(with.of_kind(self.resv, Kind::Resv)?, self.usage, self.unlocked).into())
    }
}

impl Operation for Cursor {
    fn row(&self) -> Row {
        Row { cursor: Some(self.home), gives: Gives::Perhaps, ..Row::PLAIN }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        match with.value(Operand::Local(self.home))? {
            Value::Cursor(cursor) => Ok(CursorOp::on(self.how.begins(), self.home, cursor).into()),
            _ => Err(Fault::new(Property::WRONG_KIND, None)),
        }
    }
}

const CURSOR: Param = operand("cursor", Takes::Cursor);
/// Of an iteration without the lock.
pub const UNLOCKED: Opt =
    flag("unlocked", "without the lock: signalled fences are passed over, and a changed list starts it again");

fn cursor(args: &Args, how: How) -> Op {
    Cursor { how, home: args.local("cursor") }.into()
}

/// How they are written: iteration.
pub const ITERATION: &[OpSpec] = &[
    OpSpec::new(
        "iter-begin",
        &[RESV],
        "makes a cursor over the fences of a reservation: a value, held in a local",
        "dma_resv_iter_begin()",
        |args| {
            IterBegin { resv: args.object("resv"), usage: usage(args), unlocked: args.flag("unlocked") }.into()
        },
    )
    .options(&[USAGE, UNLOCKED])
    .returns("the cursor"),
    OpSpec::new(
        "iter-next",
        &[CURSOR],
        "goes to the first fence, then to the next; the cursor in the local goes on with it. With the lock held: also \
         signalled ones. Unlocked: a reference to the fence belongs to the cursor until it goes on",
        "dma_resv_iter_first() dma_resv_iter_next() dma_resv_iter_first_unlocked() dma_resv_iter_next_unlocked()",
        |args| cursor(args, How::NextLocked),
    )
    .returns("the fence, NULL at the end"),
    OpSpec::new(
        "iter-is-restarted",
        &[CURSOR],
        "tells whether the fence is the first one after the beginning or after a restart: what was gathered before does \
         not count",
        "dma_resv_iter_is_restarted()",
        |args| cursor(args, How::IsRestarted),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "iter-usage",
        &[CURSOR],
        "tells the usage of the fence that the cursor stands at",
        "dma_resv_iter_usage()",
        |args| cursor(args, How::FoundUsage),
    )
    .returns("0 kernel, 1 write, 2 read, 3 bookkeep"),
    OpSpec::new(
        "iter-end",
        &[CURSOR],
        "ends an iteration: drops the reference that an unlocked cursor owns; the local is unset from here on",
        "dma_resv_iter_end()",
        |args| cursor(args, How::End),
    ),
];
