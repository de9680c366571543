//! What a script may do with a work item, and what its worker does between the runs.

use super::{
    At, How, WorkOp,
    pool::{self, PoolOp},
};
use crate::{
    Machine, ObjId, Op, Operand, Value,
    ground::{
        functions::written_as,
        op::{Args, OpSpec, Operation, Opt, Param, Takes, operand, option},
        resolver::{Resolved, Resolver},
        row::{Between, Ends, Fall, Gives, Needs, Row},
    },
    program::Kind,
};

/// `queue-work`, `flush-work`, `cancel-work-sync` and the others; and the end of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Which of them.
    pub how: How,
    /// The item.
    pub work: Operand,
    /// What its function gets, if it is queued.
    pub data: Operand,
}

written_as!(Work as { at: how, work, data });

impl Work {
    fn queues(&self) -> bool {
        matches!(self.how, How::Queue | How::QueueDelayed | How::Mod | How::ModNow)
    }
}

impl Operation for Work {
    fn row(&self) -> Row {
        let ends = if self.queues() { Ends::Queues(self.work) } else { Ends::Nothing };
        Row { ends, gives: Gives::Perhaps, ..Row::on(self.work) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let kinds: &[Kind] = match self.how {
            How::QueueDelayed | How::Mod | How::ModNow | How::FlushDelayed => &[Kind::DelayedWork],
            _ => &[Kind::Work, Kind::DelayedWork],
        };
        let work = with.of_kinds(self.work, kinds)?;
        let data = if self.queues() { with.value(self.data)? } else { Value::Unset };
        Ok(WorkOp::new(self.how.begins(), work, data).into())
    }
}

/// `queue-work`, `queue-delayed-work`, `mod-delayed-work` with `queue=`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueueOn {
    /// Which of them.
    pub how: How,
    /// The item.
    pub work: Operand,
    /// What its function gets, if it is queued.
    pub data: Operand,
    /// The queue.
    pub queue: Operand,
}

impl Operation for QueueOn {
    fn row(&self) -> Row {
        let operands = [Some(self.work), Some(self.queue), None, None];
        let needs = Needs { one_pool: true, ..Needs::NOTHING };
        Row { ends: Ends::Queues(self.work), gives: Gives::Perhaps, needs, ..Row::of(operands) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let kinds: &[Kind] = match self.how {
            How::QueueDelayed | How::Mod | How::ModNow => &[Kind::DelayedWork],
            _ => &[Kind::Work, Kind::DelayedWork],
        };
        let (work, queue) = (with.of_kinds(self.work, kinds)?, with.of_kind(self.queue, Kind::Workqueue)?);
        let op = WorkOp::new(self.how.begins(), work, with.value(self.data)?);
        Ok(op.on(with.program, Some(queue)).into())
    }
}

/// Between a worker's runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Worker {
    /// Its item.
    pub work: ObjId,
}

impl Operation for Worker {
    fn row(&self) -> Row {
        Row { between: Between::Runs(self.work), is_called_for: true, ..Row::PLAIN }
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(WorkOp::new(At::Take, self.work, Value::Unset).into())
    }
}

/// What a queue's agents do: its workers, and the CPU on which timers of its delayed items expire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pool {
    /// Which of it.
    pub how: pool::How,
    /// The queue.
    pub queue: ObjId,
    /// Of a run that is over, the item.
    pub work: Operand,
}

impl Operation for Pool {
    fn row(&self) -> Row {
        let queue = Some(Operand::Object(self.queue));
        // What is passed over is 6 items at a time, of at most 16.
        let chooses = (self.how != pool::How::Done).then_some((Fall::Item, 3));
        let between = if self.how == pool::How::Done { Between::Nowhere } else { Between::Events };
        let is_called_for = self.how == pool::How::Take;
        Row { operands: [queue, None, None, None], chooses, between, is_called_for, ..Row::PLAIN }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        // An item may be gone that has run: its function may free it.
        let work = match self.how {
            pool::How::Done => with.handle(self.work)?.obj,
            pool::How::Take | pool::How::Expire => ObjId::default(),
        };
        Ok(PoolOp::new(self.how, self.queue, work).into())
    }
}

const WORK: Param = operand("work", Takes::Object(&[Kind::Work, Kind::DelayedWork]));
const PLAIN_WORK: Param = operand("work", Takes::Object(&[Kind::Work]));
const DELAYED_WORK: Param = operand("work", Takes::Object(&[Kind::DelayedWork]));

fn work(args: &Args, how: How) -> Op {
    let data = args.optional("data").unwrap_or(Operand::Const(Value::Word(0)));
    let work = args.object("work");
    match args.optional("queue") {
        None => Work { how, work, data }.into(),
        Some(queue) => QueueOn { how, work, data, queue }.into(),
    }
}

/// With a delay, or at once.
fn delayed(args: &Args, later: How, now: How) -> Op {
    work(args, if args.flag("delay") { now } else { later })
}

const DATA: Opt =
    option("data", Takes::Value, "what its argument is, 0 without it; the first one counts if it is pending already");
const NEW_DATA: Opt = option("data", Takes::Value, "what its argument is, 0 without it; the last one counts");
const QUEUE: Opt = option(
    "queue",
    Takes::Object(&[Kind::Workqueue]),
    "the queue that it is put on, as `queue_work(wq, work)` says it; without it the one that it is declared with. It must have \
     no thread of its own (`fn=`), and not run on another queue",
);
const DELAY: Opt = option(
    "delay",
    Takes::Number { min: 0, max: 0 },
    "`delay=0` queues it at once; without it its timer expires at any moment from now on",
);
const IF_PENDING: &str = "1 if it was pending, else 0";

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "queue-work",
        &[WORK],
        "has a work item run, unless it is pending already",
        "queue_work() schedule_work()",
        |args| work(args, How::Queue),
    )
    .options(&[DATA, QUEUE])
    .returns("1 if it was queued; 0 if it was pending, or is disabled"),
    OpSpec::new(
        "flush-work",
        &[WORK],
        "sleeps until the last queued run of a work item is over",
        "flush_work()",
        |args| work(args, How::Flush),
    )
    .returns("1 if there was something to wait for, else 0"),
    OpSpec::new(
        "cancel-work",
        &[PLAIN_WORK],
        "takes a work item off its queue; a run in progress goes on",
        "cancel_work()",
        |args| work(args, How::CancelOnly),
    )
    .returns(IF_PENDING),
    OpSpec::new(
        "cancel-work-sync",
        &[PLAIN_WORK],
        "takes a work item off its queue, and sleeps until it does not run; meanwhile it cannot be queued",
        "cancel_work_sync()",
        |args| work(args, How::Cancel),
    )
    .returns(IF_PENDING),
    OpSpec::new(
        "queue-delayed-work",
        &[DELAYED_WORK],
        "has a delayed work item run later, unless it is pending already",
        "queue_delayed_work() schedule_delayed_work()",
        |args| delayed(args, How::QueueDelayed, How::Queue),
    )
    .options(&[DATA, QUEUE, DELAY])
    .returns("1 if it was not pending; 0 if it was, or is disabled"),
    OpSpec::new(
        "mod-delayed-work",
        &[DELAYED_WORK],
        "has a delayed work item run later, whether it was pending or not: its delay begins anew",
        "mod_delayed_work()",
        |args| delayed(args, How::Mod, How::ModNow),
    )
    .options(&[NEW_DATA, QUEUE, DELAY])
    .returns(IF_PENDING),
    OpSpec::new(
        "flush-delayed-work",
        &[DELAYED_WORK],
        "queues a delayed work item at once if its timer runs, and sleeps until the last queued run is over",
        "flush_delayed_work()",
        |args| work(args, How::FlushDelayed),
    )
    .returns("1 if there was something to wait for, else 0"),
    OpSpec::new(
        "cancel-delayed-work",
        &[DELAYED_WORK],
        "takes a delayed work item off its timer or its queue; a run in progress goes on",
        "cancel_delayed_work()",
        |args| work(args, How::CancelOnly),
    )
    .returns(IF_PENDING),
    OpSpec::new(
        "cancel-delayed-work-sync",
        &[DELAYED_WORK],
        "takes a delayed work item off its timer or its queue, and sleeps until it does not run; meanwhile it cannot be \
         queued",
        "cancel_delayed_work_sync()",
        |args| work(args, How::Cancel),
    )
    .returns(IF_PENDING),
    OpSpec::new(
        "disable-work",
        &[WORK],
        "cancels a work item, which cannot be queued until it is enabled as often; a run in progress goes on",
        "disable_work() disable_delayed_work()",
        |args| work(args, How::Disable),
    )
    .returns(IF_PENDING),
    OpSpec::new(
        "disable-work-sync",
        &[WORK],
        "cancels a work item, which cannot be queued until it is enabled as often, and sleeps until it does not run",
        "disable_work_sync() disable_delayed_work_sync()",
        |args| work(args, How::DisableSync),
    )
    .returns(IF_PENDING),
    OpSpec::new(
        "enable-work",
        &[WORK],
        "takes back one disabling of a work item; it is not queued by that",
        "enable_work() enable_delayed_work()",
        |args| work(args, How::Enable),
    )
    .returns("1 if it can be queued again, else 0"),
];
