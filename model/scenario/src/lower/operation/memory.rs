//! `new STRUCT gfp=`: an object whose memory has to be allocated first.

use crate::{
    lower::{Lower, script::Unit},
    syntax::Value as Written,
};
use fenceweave_kernel::{Instr, Op, primitives::alloc};

impl<'a> Lower<'a> {
    /// The allocation of memory for a `new`.
    pub(super) fn memory(&self, gfp: &Written) -> Op {
        alloc::ops::Alloc { gfp: alloc::Gfp::named(Some(gfp.span.of(self.text))) }.into()
    }

    /// `new STRUCT gfp=`: the memory first, which may have to be reclaimed or not be had, then the object.
    pub(super) fn new_with_gfp(&mut self, unit: &mut Unit<'a>, gfp: &Written, new: Instr) {
        let op = self.memory(gfp);
        let Instr::Op { into: Some(into), .. } = new else {
            unit.emit(Instr::Op { op, into: None, may_fail: None });
            unit.emit(new);
            return;
        };
        unit.emit(Instr::Op { op, into: Some(into), may_fail: None });
        let expr = self.add_expr(vec![fenceweave_kernel::ExprNode::Read(into)]);
        let failed = unit.emit(Instr::Branch { expr, otherwise: 0 });
        unit.emit(new);
        unit.land(vec![failed]);
    }
}
