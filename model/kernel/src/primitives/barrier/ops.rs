//! What a script may do with a barrier.

use super::{At, Rendezvous as RendezvousMachine};
use crate::{
    Machine, Operand,
    ground::{
        op::{OpSpec, Operation, Takes, operand},
        resolver::{Resolved, Resolver},
        row::{Ends, Row},
    },
    program::Kind,
};

/// `barrier-wait`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rendezvous {
    /// The barrier.
    pub barrier: Operand,
}

impl Operation for Rendezvous {
    fn row(&self) -> Row {
        Row { ends: Ends::Releases(self.barrier), ..Row::on(self.barrier) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let barrier = with.of_kind(self.barrier, Kind::Barrier)?;
        Ok(RendezvousMachine { at: At::Arrive, barrier }.into())
    }
}

/// How they are written.
pub const OPS: &[OpSpec] = &[OpSpec::new(
    "barrier-wait",
    &[operand("barrier", Takes::Object(&[Kind::Barrier]))],
    "waits until all parties of a barrier have come",
    "",
    |args| Rendezvous { barrier: args.object("barrier") }.into(),
)];
