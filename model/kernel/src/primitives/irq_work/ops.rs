//! What a script may do with an irq work, and what the CPU does that takes its interrupt.

use super::{
    How, IrqWorkOp,
    base::{self, RunOp},
};
use crate::{
    Machine, ObjId, Op, Operand,
    ground::{
        op::{Args, OpSpec, Operation, Param, Takes, operand},
        resolver::{Resolved, Resolver},
        row::{Between, Ends, Fall, Gives, Row},
    },
    program::Kind,
};

/// `irq-work-queue`, `irq-work-sync`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IrqWork {
    /// Which of them.
    pub how: How,
    /// The item.
    pub work: Operand,
}

impl Operation for IrqWork {
    fn row(&self) -> Row {
        let ends = if self.how == How::Queue { Ends::Queues(self.work) } else { Ends::Nothing };
        Row { ends, gives: Gives::Perhaps, ..Row::on(self.work) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(IrqWorkOp::new(self.how, with.of_kind(self.work, Kind::IrqWork)?).into())
    }
}

/// What a CPU does that takes such an interrupt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IrqWorks {
    /// Which of it.
    pub how: base::How,
    /// What the items are on.
    pub base: ObjId,
    /// Of a function that has returned, its item.
    pub work: Operand,
}

impl Operation for IrqWorks {
    fn row(&self) -> Row {
        let base = Some(Operand::Object(self.base));
        let begins = self.how == base::How::Run;
        // What is passed over is 6 items at a time, of at most 16.
        let chooses = begins.then_some((Fall::Item, 3));
        let between = if begins { Between::Events } else { Between::Nowhere };
        Row { operands: [base, None, None, None], chooses, between, is_called_for: begins, ..Row::PLAIN }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        // Its function must not have freed it: irq_work_single() looks at it again.
        let work = match self.how {
            base::How::Done => with.of_kind(self.work, Kind::IrqWork)?,
            base::How::Run => ObjId::default(),
        };
        Ok(RunOp::new(self.how, self.base, work).into())
    }
}

const WORK: Param = operand("work", Takes::Object(&[Kind::IrqWork]));

fn irq_work(args: &Args, how: How) -> Op {
    IrqWork { how, work: args.object("work") }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "irq-work-queue",
        &[WORK],
        "has an irq work run in an interrupt of this CPU, unless it is pending already",
        "irq_work_queue()",
        |args| irq_work(args, How::Queue),
    )
    .returns("1 if it was queued; 0 if it was pending"),
    OpSpec::new(
        "irq-work-sync",
        &[WORK],
        "waits until an irq work is neither pending nor running; it may sleep",
        "irq_work_sync()",
        |args| irq_work(args, How::Sync),
    ),
];
