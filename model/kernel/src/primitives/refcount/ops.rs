//! What a script may do with a bare `refcount_t`.

use super::{Count as CountMachine, How};
use crate::{
    Machine, Op, Operand,
    ground::{
        ids::CalleeId,
        op::{Args, OpSpec, Operation, Opt, Param, Takes, operand, option},
        resolver::{Resolved, Resolver},
        row::Row,
    },
    program::Kind,
};
use std::fmt;

/// `get`, `get-unless-zero`, `put`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Which of them.
    pub how: How,
    /// The count.
    pub count: Operand,
    /// What the last `put` calls with it.
    pub release: Option<CalleeId>,
}

/// One that calls nothing is printed as it was before there were others: tokens of replays are hashes of it.
impl fmt::Debug for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Count");
        shown.field("how", &self.how).field("count", &self.count);
        self.release.iter().for_each(|release| {
            shown.field("release", release);
        });
        shown.finish()
    }
}

/// `kref_put(&x->refs, release)`
pub(crate) const RELEASE: Opt = option(
    "release",
    Takes::Proc(1),
    "the function that the last one calls, in the caller's place, with what the count is of, which it frees or does not",
);

impl Operation for Count {
    fn row(&self) -> Row {
        Row::on(self.count)
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let count = with.of_kind(self.count, Kind::Refcount)?;
        let named = matches!(self.count, Operand::Object(_));
        Ok(CountMachine { how: self.how, count, named, release: self.release }.into())
    }
}

const COUNT: Param = operand("refcount", Takes::Object(&[Kind::Refcount]));

fn count(args: &Args, how: How) -> Op {
    Count { how, count: args.object("refcount"), release: args.callee("release") }.into()
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
    .options(&[RELEASE])
    .returns("1 if it was the last"),
];
