//! Operations that are no protocol of the kernel's.

use super::script::Fail as FailMachine;
use crate::{
    Machine, Value,
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
