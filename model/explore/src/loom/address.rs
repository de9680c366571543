//! By which locals an operation finds what it works on.

use fenceweave_kernel::{LocalId, Op, Operand};

/// The locals that the addresses of an operation's accesses come from.
pub(super) fn locals(op: Op) -> impl Iterator<Item = LocalId> {
    op.row().operands.into_iter().flatten().filter_map(Operand::local)
}
