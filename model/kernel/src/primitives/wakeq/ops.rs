//! What a script may do with a list of deferred wake-ups.

use super::{How, WakeQOp};
use crate::{
    Machine, ObjId, Op, Operand, ThreadId,
    ground::{
        functions::written_as,
        op::{Args, OpSpec, Operation, Param, Takes, operand, option},
        resolver::{Resolved, Resolver},
        row::{Ends, Row},
    },
    program::Kind,
};

/// `wake-q-add`, `wake-q-flush`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct WakeQ {
    /// Which of them.
    pub how: How,
    /// The list.
    pub wake_q: Operand,
    /// The wait queue whose first waiter is noted.
    pub queue: Option<Operand>,
    /// The task that is noted, where it is no queue's.
    pub task: ThreadId,
}

written_as!(WakeQ as { at: how, wake_q, queue, task });

impl Operation for WakeQ {
    fn row(&self) -> Row {
        let ends = self.queue.map_or(Ends::Nothing, Ends::Releases);
        Row { ends, ..Row::of([Some(self.wake_q), self.queue, None, None]) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let wake_q = with.of_kind(self.wake_q, Kind::WakeQ)?;
        let queue = self.queue.map_or(Ok(ObjId::object(0)), |queue| with.of_kind(queue, Kind::WaitQueue))?;
        Ok(WakeQOp { how: self.how, wake_q, queue, task: self.task, woken: 0 }.into())
    }
}

const WAKE_Q: Param = operand("wake-q", Takes::Object(&[Kind::WakeQ]));

fn wake_q(args: &Args, how: How) -> Op {
    WakeQ { how, wake_q: args.object("wake-q"), queue: args.optional("queue"), task: args.thread("task") }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "wake-q-add",
        &[WAKE_Q],
        "notes whom to wake later: the first waiter of a queue, which leaves the queue, or a thread",
        "wake_q_add() wake_q_add_safe()",
        |args| wake_q(args, if args.flag("queue") { How::AddFirst } else { How::AddTask }),
    )
    .options(&[
        option("queue", Takes::Object(&[Kind::WaitQueue]), "whose first waiter"),
        option("task", Takes::Thread, "which thread"),
    ])
    .returns("1, or 0 if there is nobody or somebody has noted it already"),
    OpSpec::new("wake-q-flush", &[WAKE_Q], "wakes those who were noted, one a step", "wake_up_q()", |args| {
        wake_q(args, How::Flush)
    })
    .returns("how many of them slept"),
];
