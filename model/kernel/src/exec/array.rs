//! `drm_exec_prepare_array()`: `drm_exec_prepare_obj()` of each of several, up to the first error.

use super::{ExecOp, Flags, How};
use crate::{
    Cx, Family, Flow, Footprint, ObjId, Program, Runtime, Standing, Value, View, coder::fields, program::PoolRange,
    protocol::Protocol,
};

/// The loop in flight. Which reservations: a range of the program's operand pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrepareArray {
    resvs: PoolRange,
    /// The one that is being prepared.
    at: u8,
    op: ExecOp,
}

fields!(PrepareArray { resvs, at, op });

impl PrepareArray {
    pub(crate) const BLANK: PrepareArray =
        PrepareArray { resvs: PoolRange { start: 0, len: 0 }, at: 0, op: ExecOp::BLANK };

    /// About to start, with room for so many fences in each.
    pub(crate) fn new(program: &Program, exec: ObjId, resvs: PoolRange, slots: u8) -> PrepareArray {
        let first = program.pool_objects(resvs).get(0);
        PrepareArray { resvs, at: 0, op: ExecOp::new(How::PrepareObj, exec, Some(first), slots, Flags::default()) }
    }

    /// The one before is prepared, or was not.
    fn prepared(&mut self, program: &Program, result: Value) -> Flow {
        self.at += 1;
        if result != Value::Word(0) || self.at >= self.resvs.len {
            return Flow::Done(result);
        }
        let next = program.pool_objects(self.resvs).get(usize::from(self.at));
        self.op = ExecOp::new(How::PrepareObj, self.op.exec, Some(next), self.op.slots, self.op.flags);
        Flow::Go
    }
}

impl Protocol for PrepareArray {
    const FAMILY: Option<Family> = Some(Family::Mutex);

    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        self.op.amid(at)
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.op.step(cx).once_over(|result| self.prepared(cx.program, result))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        self.op.footprint(v)
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        self.op.judge(cx);
    }

    fn label(&self) -> &'static str {
        self.op.label()
    }

    fn spins_on(&self) -> Option<ObjId> {
        self.op.spins_on()
    }

    fn returned(&mut self, value: Value) {
        self.op.returned(value);
    }
}
