//! What stands at the ends of a system call, and what a script puts off to there.

use super::{How, SyscallOp};
use crate::{
    Machine, Operand, Value,
    ground::{
        op::{OpSpec, Operation, Param, Takes, operand},
        resolver::{Resolved, Resolver},
        row::{Fall, Row},
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
        let no_room = "for a work of a task that does not come back to user space, or for more than four";
        let row = Row { chooses: (self.how == How::Away).then_some((Fall::UserSpace, 1)), no_room, ..Row::PLAIN };
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

const WORK: Param = operand("work", Takes::Object(&[Kind::TaskWork]));

/// How they are written.
pub const OPS: &[OpSpec] = &[OpSpec::new(
    "task-work-add",
    &[WORK],
    "has a task work run at the end of the system call that the thread is in",
    "task_work_add()",
    |args| Syscall { how: How::Add, work: args.object("work") }.into(),
)];
