//! One operation in flight, whichever protocol it is of.
//!
//! Each operation makes its own (`begin` in its protocol's `ops.rs`); `script` has those that are no protocol of the
//! kernel's, `ops` the operation among them.

pub mod ops;
mod script;

pub use script::{Choose, Fail, Fault, Nothing};

use crate::{Machine, ObjId, Op, Program, Value, View, ground::resolver::Resolver, program::PoolRange};

/// What stands where an operation has no object.
pub(crate) const NOTHING: ObjId = ObjId::object(0);

impl Machine {
    /// The operation about to take its first step, its operands read from the thread's locals.
    pub(crate) fn begin(op: Op, program: &Program, locals: &[Value]) -> Machine {
        op.begin(&Resolver { program, locals }).unwrap_or_else(Machine::Fault)
    }

    /// A pick from a list of constants.
    pub(crate) fn choose(of: PoolRange) -> Machine {
        Machine::Choose(Choose { of, ways: of.len, may_fail: false })
    }

    /// An injected failure.
    pub(crate) fn fail(error: Value) -> Machine {
        Machine::Fail(Fail { error })
    }

    /// The decision whether an operation fails: 1 if it does.
    pub(crate) fn may_fail() -> Machine {
        Machine::Choose(Choose { of: PoolRange { start: 0, len: 0 }, ways: 2, may_fail: true })
    }

    /// The word on which the operation spins, if what is there now keeps it spinning.
    pub(crate) fn spins_until<'v>(&self, view: impl FnOnce() -> View<'v>) -> Option<ObjId> {
        self.spins_on_word().filter(|_| self.is_held_back(view))
    }

    /// Whether this decides about failure of the instruction's operation.
    pub(crate) fn decides_failure(&self) -> bool {
        matches!(self, Machine::Choose(c) if c.may_fail)
    }
}
