//! What stands at the ends of a system call, and what a script puts off to there.

use super::{How, SyscallOp, delayed::DelayedOp};
use crate::{
    Machine, ObjId, Operand, Value,
    ground::{
        op::{OpSpec, Operation, Param, Takes, operand},
        resolver::{Resolved, Resolver},
        row::{Between, Fall, Row},
    },
    program::Kind,
};

/// The beginning and the end of a system call; `task-work-add`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Syscall {
    /// Which of it.
    pub how: How,
    /// The work that is added.
    pub work: Operand,
}

impl Syscall {
    /// At the ends of a system call.
    pub fn end(how: How) -> Syscall {
        Syscall { how, work: Operand::Const(Value::Null) }
    }
}

impl Operation for Syscall {
    fn row(&self) -> Row {
        let no_room = "for more than four works that a task puts off to the end of its system call, or for one of a task that is in none";
        let row = Row {
            chooses: (self.how == How::Away).then_some((Fall::UserSpace, 1)),
            no_room,
            is_user_space: true,
            ..Row::PLAIN
        };
        match self.how {
            How::Add => Row { no_room, ..Row::on(self.work) },
            How::Enter | How::Pending | How::Run | How::Leave | How::Away => row,
        }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let work = match self.how {
            How::Add => {
                with.of_kind(self.work, Kind::TaskWork)?;
                with.handle(self.work)?
            }
            How::Enter | How::Pending | How::Run | How::Leave | How::Away => SyscallOp::BLANK.work,
        };
        Ok(SyscallOp { at: self.how.begins(), work }.into())
    }
}

/// The work item that releases what the last `fput()` of a kernel thread left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DelayedFput {
    /// Its list.
    pub list: ObjId,
}

impl Operation for DelayedFput {
    fn row(&self) -> Row {
        Row { between: Between::Events, is_called_for: true, ..Row::PLAIN }
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(DelayedOp::new(self.list).into())
    }
}

const WORK: Param = operand("work", Takes::Object(&[Kind::TaskWork]));

/// How they are written.
pub const OPS: &[OpSpec] = &[OpSpec::new(
    "task-work-add",
    &[WORK],
    "has a task work run at the end of the system call that the thread is in",
    "task_work_add()",
    |args| Syscall { how: How::Add, work: args.object("work") }.into(),
)];
