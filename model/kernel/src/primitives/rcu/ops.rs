//! What a script may do with RCU, and what its agent does.

use super::{At, CallRcu as CallMachine, GracePeriods as AgentMachine, Period, RcuOp};
use crate::{
    Machine, Op, Operand,
    ground::{
        ids::CalleeId,
        op::{OpSpec, Operation},
        resolver::{Resolved, Resolver},
        row::{Between, Needs, Row},
    },
};

/// `rcu-read-lock`, `rcu-read-unlock`, `synchronize-rcu`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rcu {
    /// Which of them.
    pub at: At,
}

impl Operation for Rcu {
    fn row(&self) -> Row {
        let needs = Needs { rcu: self.at == At::Synchronize, ..Needs::READERS };
        Row { needs, no_room: "for another read-side section inside 255 others", ..Row::PLAIN }
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(RcuOp { at: self.at }.into())
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
        Ok(CallMachine { handle: with.slot(self.target)?, func: self.func }.into())
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

fn rcu(at: At) -> Op {
    Rcu { at }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new("rcu-read-lock", &[], "enters a read-side section", "rcu_read_lock()", |_| rcu(At::ReadLock)),
    OpSpec::new("rcu-read-unlock", &[], "leaves a read-side section", "rcu_read_unlock()", |_| rcu(At::ReadUnlock)),
    OpSpec::new(
        "synchronize-rcu",
        &[],
        "waits until every read-side section that is open now is over",
        "synchronize_rcu()",
        |_| rcu(At::Synchronize),
    ),
];
