//! What may go, or be made anew, while others have it in use: memory that is freed, what is initialised late, written
//! over or ended. Coarse grain leaves such a lock's steps apart: whoever makes it anew looks whether somebody has it,
//! and waits for nobody.

use super::{Instr, Op, Operand, Program, Shows};
use crate::{ExprNode, Handle, ObjId, Value, protocol};

impl Program {
    /// Finds out which of it some thread does. What setup does is over before anybody else comes.
    pub(super) fn note_renewals(&mut self) {
        let ops = || self.scripts.iter().flat_map(|s| &s.code).filter_map(op_of);
        let renews: Vec<Operand> = ops().filter_map(|op| op.row().renews).collect();
        let any = |is: fn(&Operand) -> bool| renews.iter().any(is);
        let members = any(|what| !matches!(what, Operand::Object(_)));
        let goes = members || ops().any(|op| op.row().frees || op.row().drops.is_some());
        let by_pointer = any(|what| matches!(what, Operand::Local(_) | Operand::Const(_)));
        let is_named = |id: ObjId| renews.iter().any(|what| *what == Operand::Object(id));
        let alone = self.ids().filter(|id| self.root_of(*id).is_none());
        let renewed = alone.filter(|id| {
            let named = [Some(*id), self.kind(*id).lock()].into_iter().flatten();
            named.into_iter().any(|id| is_named(id) || by_pointer && self.has_its_address(id))
        });
        let renewed: Vec<ObjId> = renewed.flat_map(|id| [Some(id), self.kind(id).lock()]).flatten().collect();
        (self.frees, self.renewed) = (self.has_members() && goes, renewed);
    }

    /// Whether some pointer may lead to what is inside of nothing: an expression, a word or an operation has its
    /// address.
    fn has_its_address(&self, id: ObjId) -> bool {
        let address = |v: Value| matches!(v, Value::Ref(Handle { obj, .. }) if obj == id);
        let kept = |op: &Op| {
            let row = op.row();
            let gives = row.stores.is_some() || row.result == Shows::Answer;
            gives && row.operands.into_iter().flatten().any(|operand| operand == Operand::Object(id))
        };
        let nodes = self.exprs.iter().flat_map(|expr| expr.nodes());
        nodes.into_iter().any(|node| matches!(node, ExprNode::Const(v) if address(*v)))
            || self.vars.iter().any(|var| address(var.init))
            || self.scripts.iter().chain([&self.setup]).flat_map(|s| &s.code).filter_map(op_of).any(kept)
    }

    /// Whether who has it in use may find it gone or made anew: it is inside of an object that others may free as soon
    /// as they have had it, or some thread initialises it.
    pub(crate) fn may_go(&self, id: ObjId) -> bool {
        let goes = self.frees && self.root_of(id).is_some() || self.renewed.contains(&id);
        goes && !self.mutated(protocol::Mutant::NothingGoes)
    }
}

fn op_of(instr: &Instr) -> Option<&Op> {
    if let Instr::Op { op, .. } = instr { Some(op) } else { None }
}
