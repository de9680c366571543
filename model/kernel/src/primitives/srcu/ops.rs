//! What a script may do with sleepable RCU, and what its work item does.

use super::{
    How, SrcuOp,
    callbacks::{CallSrcu as CallMachine, SrcuWork as WorkMachine},
};
use crate::{
    Machine, ObjId, Op, Operand, Value,
    ground::{
        ids::CalleeId,
        op::{Args, OpSpec, Operation, Opt, Param, Takes, operand, option},
        resolver::{Resolved, Resolver},
        row::{Between, Ends, Needs, Row, Shows},
    },
    program::Kind,
};

/// `srcu-read-lock`, `srcu-read-unlock`, `synchronize-srcu`, `srcu-barrier`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Srcu {
    /// Which of them.
    pub how: How,
    /// Of which.
    pub srcu: Operand,
    /// What the lock returned.
    pub index: Operand,
}

impl Operation for Srcu {
    fn row(&self) -> Row {
        let ends = if self.how == How::ReadUnlock { Ends::Releases(self.srcu) } else { Ends::Nothing };
        let result = if self.how == How::ReadLock { Shows::Answer } else { Shows::Success };
        let needs = Needs { srcu: self.how == How::Barrier, ..Needs::NOTHING };
        Row { ends, result, needs, ..Row::on(self.srcu) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let srcu = with.of_kind(self.srcu, Kind::Srcu)?;
        // What is no index was returned by no lock: the unlock tells.
        let index = match self.how {
            How::ReadUnlock => u8::try_from(with.word(self.index)?).unwrap_or(u8::MAX),
            How::ReadLock | How::Sync | How::Barrier => 0,
        };
        Ok(SrcuOp { at: self.how.begins(), srcu, index }.into())
    }
}

/// `call-srcu`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CallSrcu {
    /// After a grace period of which.
    pub srcu: Operand,
    /// The object that the function gets.
    pub target: Operand,
    /// The function.
    pub func: CalleeId,
}

impl Operation for CallSrcu {
    fn row(&self) -> Row {
        let no_room = "for more than 7 functions to be called";
        Row { needs: Needs { srcu: true, ..Needs::LOOPS }, no_room, ..Row::on_both(self.srcu, self.target) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let srcu = with.of_kind(self.srcu, Kind::Srcu)?;
        with.of_kinds(self.target, &[Kind::Struct, Kind::RcuHead])?;
        Ok(CallMachine { srcu, handle: with.handle(self.target)?, func: self.func }.into())
    }
}

/// Who calls what `call_srcu()` has left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SrcuWork {
    /// Of which.
    pub srcu: ObjId,
}

impl Operation for SrcuWork {
    fn row(&self) -> Row {
        Row { between: Between::Events, ..Row::PLAIN }
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(WorkMachine::new(self.srcu).into())
    }
}

const SRCU: Param = operand("srcu", Takes::Object(&[Kind::Srcu]));
const INDEX: Param = operand("index", Takes::Value);

const FUNCTION: Opt = Opt { required: true, ..option("func", Takes::Proc(1), "the proc; it may not sleep") };

fn srcu(args: &Args, how: How) -> Op {
    let index = if how == How::ReadUnlock { args.object("index") } else { Operand::Const(Value::Word(0)) };
    Srcu { how, srcu: args.object("srcu"), index }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new("srcu-read-lock", &[SRCU], "enters a read-side section of sleepable RCU", "srcu_read_lock()", |args| {
        srcu(args, How::ReadLock)
    })
    .returns("the index that the unlock takes"),
    OpSpec::new(
        "srcu-read-unlock",
        &[SRCU, INDEX],
        "leaves a read-side section of sleepable RCU, with what its lock returned",
        "srcu_read_unlock()",
        |args| srcu(args, How::ReadUnlock),
    ),
    OpSpec::new(
        "synchronize-srcu",
        &[SRCU],
        "sleeps until every read-side section that is open now is over, of this sleepable RCU",
        "synchronize_srcu() synchronize_srcu_expedited()",
        |args| srcu(args, How::Sync),
    ),
    OpSpec::new(
        "call-srcu",
        &[SRCU, operand("object", Takes::Object(&[Kind::Struct, Kind::RcuHead]))],
        "calls a proc with an object, or with an `rcu-head` inside of one, after a grace period of a sleepable RCU; in a worker, \
         with soft interrupts off",
        "call_srcu()",
        |args| {
            let func = args.callee("func").unwrap_or_default();
            CallSrcu { srcu: args.object("srcu"), target: args.object("object"), func }.into()
        },
    )
    .options(&[FUNCTION]),
    OpSpec::new(
        "srcu-barrier",
        &[SRCU],
        "sleeps until every function that `call-srcu` has queued before has been called and has returned; if there is none it \
         waits for nothing, and for no reader",
        "srcu_barrier()",
        |args| srcu(args, How::Barrier),
    ),
];
