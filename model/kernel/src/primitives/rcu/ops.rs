//! What a script may do with RCU, and what its agent does.

use super::{CallRcu as CallMachine, GracePeriods as AgentMachine, How, Period, RcuOp};
use crate::{
    Kind, Machine, Op, Operand,
    ground::{
        functions::written_as,
        ids::CalleeId,
        op::{OpSpec, Operation},
        resolver::{Resolved, Resolver},
        row::{Between, Needs, Row},
    },
};

/// `rcu-read-lock`, `rcu-read-unlock`, `synchronize-rcu`, `rcu-barrier`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Rcu {
    /// Which of them.
    pub how: How,
}

written_as!(Rcu as { at: how });

impl Operation for Rcu {
    fn row(&self) -> Row {
        let needs = Needs { rcu: matches!(self.how, How::Synchronize | How::Barrier), ..Needs::READERS };
        Row { needs, no_room: "for another read-side section inside 255 others", ..Row::PLAIN }
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(RcuOp { at: self.how.begins() }.into())
    }
}

/// `call-rcu x func=P`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallRcu {
    /// The object that the function gets.
    pub target: Operand,
    /// The function.
    pub func: CalleeId,
}

impl Operation for CallRcu {
    fn row(&self) -> Row {
        Row { needs: Needs { rcu: true, ..Needs::LOOPS }, defers: true, ..Row::on(self.target) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        with.of_kinds(self.target, &[Kind::Struct, Kind::RcuHead])?;
        Ok(CallMachine { handle: with.handle(self.target)?, func: self.func }.into())
    }
}

/// The agent that runs grace periods.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GracePeriods;

impl Operation for GracePeriods {
    fn row(&self) -> Row {
        Row { between: Between::Events, ..Row::PLAIN }
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(AgentMachine { at: Period::Idle }.into())
    }
}

fn rcu(how: How) -> Op {
    Rcu { how }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new("rcu-read-lock", &[], "enters a read-side section", "rcu_read_lock()", |_| rcu(How::ReadLock)),
    OpSpec::new("rcu-read-unlock", &[], "leaves a read-side section", "rcu_read_unlock()", |_| rcu(How::ReadUnlock)),
    OpSpec::new(
        "synchronize-rcu",
        &[],
        "waits until every read-side section that is open now is over",
        "synchronize_rcu()",
        |_| rcu(How::Synchronize),
    ),
    OpSpec::new(
        "rcu-barrier",
        &[],
        "waits until every function that `call-rcu` has queued before has been called and has returned; if there is none it \
         waits for nothing, and for no reader",
        "rcu_barrier()",
        |_| rcu(How::Barrier),
    ),
];
