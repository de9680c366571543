//! What a script may do with a wait queue.

use super::{How, Wait as WaitMachine};
use crate::{
    Machine, Op, Operand, Patience,
    ground::{
        functions::written_as,
        op::{Args, ERESTARTSYS, INTERRUPTIBLE, OpSpec, Operation, Param, TIMEOUT, Takes, flag, operand},
        resolver::{Resolved, Resolver},
        row::{Ends, Entry, Fall, Needs, Row, Shows},
    },
    program::Kind,
};

/// `prepare`, `sleep`, `finish`, `wake-one`, `wake-all`; and the look at the end of a script that may still be on the
/// queue.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Which of them.
    pub how: How,
    /// The queue.
    pub queue: Operand,
    /// How long it sleeps.
    pub patience: Patience,
}

written_as!(Wait as { at: how, queue, patience });

impl Operation for Wait {
    fn row(&self) -> Row {
        let sleeps = self.how == How::Schedule;
        let wakes = matches!(self.how, How::WakeOne | How::WakeAll);
        Row {
            needs: Needs { bare_sleeps: sleeps, ..Needs::NOTHING },
            chooses: (sleeps && self.patience.timed()).then_some((Fall::TimeLeft, 1)),
            ends: if wakes { Ends::Wakes(self.queue) } else { Ends::Nothing },
            entry: match self.how {
                How::Prepare | How::PrepareExclusive => Entry::Joins(self.queue),
                How::Finish => Entry::Leaves(self.queue),
                _ => Entry::Stays,
            },
            result: if wakes { Shows::Woken } else { Shows::Success },
            ..Row::on(self.queue)
        }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let queue = with.of_kind(self.queue, Kind::WaitQueue)?;
        Ok(WaitMachine::new(self.how.begins(), queue, self.patience).into())
    }
}

const QUEUE: Param = operand("queue", Takes::Object(&[Kind::WaitQueue]));

fn wait(args: &Args, how: How) -> Op {
    Wait { how, queue: args.object("queue"), patience: args.patience() }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "prepare",
        &[QUEUE],
        "goes on a wait queue, asleep from the next `sleep` on unless woken before",
        "prepare_to_wait() prepare_to_wait_exclusive() prepare_to_wait_event()",
        |args| match args.flag("exclusive") {
            false => wait(args, How::Prepare),
            true => wait(args, How::PrepareExclusive),
        },
    )
    .options(&[
        flag("exclusive", "at the tail: of such waiters `wake-one` wakes one; others, at the head, are all woken"),
        flag("interruptible", "a signal ends the sleep; with one pending already it does not go on the queue at all"),
    ])
    .returns("0; with `interruptible` -ERESTARTSYS if a signal is pending"),
    OpSpec::new(
        "sleep",
        &[QUEUE],
        "sleeps until woken, unless that has happened since `prepare`",
        "schedule() schedule_timeout()",
        |args| wait(args, How::Schedule),
    )
    .options(&[INTERRUPTIBLE, TIMEOUT])
    .returns("1 if woken, 0 after a timeout, -ERESTARTSYS after a signal")
    .fails(ERESTARTSYS),
    OpSpec::new("finish", &[QUEUE], "leaves a wait queue", "finish_wait()", |args| wait(args, How::Finish)),
    OpSpec::new(
        "wake-one",
        &[QUEUE],
        "wakes every waiter of a queue that is not exclusive, and the first that is",
        "wake_up()",
        |args| wait(args, How::WakeOne),
    )
    .returns("how many were woken"),
    OpSpec::new("wake-all", &[QUEUE], "wakes every waiter of a queue", "wake_up_all()", |args| {
        wait(args, How::WakeAll)
    })
    .returns("how many were woken"),
    OpSpec::new(
        "wait-event",
        &[QUEUE, operand("condition", Takes::Shared)],
        "sleeps on a wait queue until a condition over shared words and locals is true; it is looked at first, and after \
         each time that the thread has gone on the queue again, each word in a load of its own",
        "wait_event() wait_event_timeout() wait_event_interruptible() wait_event_interruptible_timeout() \
         wait_event_killable()",
        |args| wait(args, How::Schedule),
    )
    .options(&[INTERRUPTIBLE, flag("killable", "a pending signal ends the wait: it is a fatal one"), TIMEOUT])
    .returns("0; with a timeout 1 if it became true and 0 if not; -ERESTARTSYS after a signal")
    .fails(ERESTARTSYS),
];
