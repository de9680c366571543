//! What a script may do with sleepable RCU.

use super::{How, SrcuOp};
use crate::{
    Machine, Op, Operand, Value,
    ground::{
        op::{Args, OpSpec, Operation, Param, Takes, operand},
        resolver::{Resolved, Resolver},
        row::{Ends, Row, Shows},
    },
    program::Kind,
};

/// `srcu-read-lock`, `srcu-read-unlock`, `synchronize-srcu`.
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
        Row { ends, result, ..Row::on(self.srcu) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let srcu = with.of_kind(self.srcu, Kind::Srcu)?;
        // What is no index was returned by no lock: the unlock tells.
        let index = match self.how {
            How::ReadUnlock => u8::try_from(with.word(self.index)?).unwrap_or(u8::MAX),
            How::ReadLock | How::Sync => 0,
        };
        Ok(SrcuOp { at: self.how.begins(), srcu, index }.into())
    }
}

const SRCU: Param = operand("srcu", Takes::Object(&[Kind::Srcu]));
const INDEX: Param = operand("index", Takes::Value);

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
];
