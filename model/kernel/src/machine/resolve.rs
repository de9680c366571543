//! How an operation of a script becomes a machine: its operands are read, and must be of the right kind.

use super::Machine;
use crate::ground::resolver::{Resolved, Resolver};
use crate::{
    Op, Operand,
    fence::{self, FenceOp},
    primitives::{
        refcount,
        slab::{self, SlabOp},
    },
    program::ObjectKind,
};

/// What is counted.
impl Resolver<'_> {
    /// The machine of an operation. Every operation has its line: one that is missing does not compile.
    pub(crate) fn machine(&self, op: Op) -> Resolved<Machine> {
        match op {
            Op::Slab { at, target } => self.counted(at, target),
            // What has moved has its own.
            _ => unreachable!("[internal bug] it has its own"),
        }
    }

    /// A local may turn out to refer to something else that is counted: then that is meant.
    fn counted(&self, at: slab::At, target: Operand) -> Resolved<Machine> {
        let h = self.handle(target)?;
        let (fence, count) = match at {
            slab::At::Get => (fence::What::Get, refcount::How::Get),
            slab::At::GetUnlessZero => (fence::What::GetRcu, refcount::How::GetUnlessZero),
            slab::At::Put => (fence::What::Put, refcount::How::Put),
            slab::At::PutAgain => (fence::What::PutAgain, refcount::How::Put),
            _ => return Ok(Machine::Slab(SlabOp::new(at, self.slot(target)?))),
        };
        Ok(match self.program.kind(h.obj) {
            ObjectKind::Fence { .. } => Machine::Fence(FenceOp::new(fence, h.obj, 0)),
            ObjectKind::Refcount { .. } => Machine::Count(refcount::Count { how: count, count: h.obj }),
            _ => {
                let op = SlabOp::new(at, self.slot(target)?);
                let home = match target {
                    Operand::Local(l) if at == slab::At::GetUnlessZero => Some(l),
                    _ => None,
                };
                Machine::Slab(SlabOp { home, ..op })
            }
        })
    }
}
