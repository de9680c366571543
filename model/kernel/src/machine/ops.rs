//! Operations that are no protocol of the kernel's.

use super::script::{Fail as FailMachine, Fault};
use crate::{
    Machine, Rule, Value,
    ground::{
        op::Operation,
        resolver::{Resolved, Resolver},
        row::{Row, Shows},
    },
};

/// An injected failure of a proc: nothing but its result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fail {
    /// What it returns.
    pub error: Value,
}

impl Operation for Fail {
    fn row(&self) -> Row {
        Row { result: Shows::Injected, ..Row::PLAIN }
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(FailMachine { error: self.error }.into())
    }
}

/// A call of a slot of a table that is NULL.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NullSlot;

impl Operation for NullSlot {
    fn row(&self) -> Row {
        Row::PLAIN
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Err(Fault::of_rule(Rule::NULL_SLOT))
    }
}
