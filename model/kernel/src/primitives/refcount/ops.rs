//! What a script may do with a bare `refcount_t`.

use super::{Count as CountMachine, How};
use crate::{
    Machine, Op, Operand,
    ground::{
        op::{Args, OpSpec, Operation, Param, Takes, operand},
        resolver::{Resolved, Resolver},
        row::Row,
    },
    program::Kind,
};

/// `get`, `get-unless-zero`, `put`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count {
    /// Which of them.
    pub how: How,
    /// The count.
    pub count: Operand,
}

impl Operation for Count {
    fn row(&self) -> Row {
        Row::on(self.count)
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let count = with.of_kind(self.count, Kind::Refcount)?;
        Ok(CountMachine { how: self.how, count }.into())
    }
}

const COUNT: Param = operand("refcount", Takes::Object(&[Kind::Refcount]));

fn count(args: &Args, how: How) -> Op {
    Count { how, count: args.object("refcount") }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new("get", &[COUNT], "increments a reference count", "refcount_inc()", |args| count(args, How::Get)),
    OpSpec::new(
        "get-unless-zero",
        &[COUNT],
        "increments a reference count that may be zero",
        "refcount_inc_not_zero()",
        |args| count(args, How::GetUnlessZero),
    )
    .returns("1, or 0 if it is zero"),
    OpSpec::new("put", &[COUNT], "decrements a reference count", "refcount_dec_and_test() refcount_dec()", |args| {
        count(args, How::Put)
    })
    .returns("1 if it was the last"),
];
