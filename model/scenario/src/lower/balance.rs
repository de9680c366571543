//! Which `put`s drop by a pointer whose own reference is dropped already.
//!
//! ```text
//!   get f into=x      x has a reference of its own
//!   put x             that one
//!   put x             another's: PutAgain
//! ```
//!
//! What is told of a pointer must be true on every way there. A pointer that came by another way than a `get` (a
//! variable, a list, a work item's data) may have brought a reference, and so may whatever is done in between that
//! gives pointers: then nothing is said. Whether the second drop is wrong is for the ledger to say, when it happens.

use fenceweave_kernel::{
    Expr, ExprNode, Instr, LocalId, Op, Operand, Place, Script,
    fence::ops::Fence,
    program::{FunctionCall, Gives},
};

/// What is known of the locals at an instruction, each a set.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Known {
    /// They have a reference that a `get` took for them.
    taken: u64,
    /// That `get` named the object.
    by_name: u64,
    /// The reference that was taken for them is dropped.
    spent: u64,
    /// They are of a `new`.
    made: u64,
}

impl Known {
    fn both(self, other: Known) -> Known {
        Known {
            taken: self.taken & other.taken,
            by_name: self.by_name & other.by_name,
            spent: self.spent & other.spent,
            made: self.made & other.made,
        }
    }

    fn forget(&mut self, local: LocalId) {
        let others = !bit(local);
        (self.taken, self.by_name) = (self.taken & others, self.by_name & others);
        (self.spent, self.made) = (self.spent & others, self.made & others);
    }

    fn take(&mut self, local: LocalId, by_name: bool) {
        self.forget(local);
        self.taken |= bit(local);
        self.by_name |= if by_name { bit(local) } else { 0 };
    }

    /// What an operation does to them.
    fn after(&mut self, op: &Op, into: Option<LocalId>) {
        let put = dropped_by(op).filter(|l| self.taken & bit(*l) != 0);
        if let Some(local) = put {
            self.taken &= !bit(local);
            self.spent |= bit(local);
        }
        if gives_pointers(op, into) {
            self.spent = 0;
        }
        let Some(into) = into else { return };
        match op.row().gives {
            Gives::Reference(Operand::Object(_)) => self.take(into, true),
            Gives::Reference(Operand::Local(l)) => self.take(into, self.by_name & bit(l) != 0),
            Gives::Counted => self.take(into, false),
            Gives::New => {
                self.forget(into);
                self.made |= bit(into);
            }
            // What is inside of an object belongs to whoever made that.
            Gives::Reference(Operand::Member { .. }) => self.take(into, true),
            Gives::Reference(Operand::Const(_)) | Gives::Perhaps | Gives::IfKept | Gives::Nothing => self.forget(into),
        }
    }
}

/// The local whose reference an operation drops.
fn dropped_by(op: &Op) -> Option<LocalId> {
    let Some(Operand::Local(local)) = op.row().drops else { return None };
    Some(local)
}

/// Whether a reference may come with it that this thread did not have: from then on the pointers that it has may stand
/// for that one.
fn gives_pointers(op: &Op, into: Option<LocalId>) -> bool {
    match op.row().gives {
        Gives::Nothing => false,
        Gives::IfKept => into.is_some(),
        Gives::Reference(_) | Gives::Counted | Gives::New | Gives::Perhaps => true,
    }
}

/// Writes the second drops of a script as such.
pub(super) fn mark(script: &mut Script, exprs: &[Expr]) {
    let before = known(script, exprs);
    for (instr, known) in script.code.iter_mut().zip(before) {
        let (Instr::Op { op, .. }, Some(known)) = (instr, known) else { continue };
        let Some(local) = dropped_by(op).filter(|l| known.spent & bit(*l) != 0) else { continue };
        // What was taken by name is a fence.
        let by_name = known.by_name & bit(local) != 0;
        *op = if by_name { Fence::put_by_name(Operand::Local(local)).into() } else { op.again() };
    }
}

/// Where a script stores pointers of which nobody knows here whose reference comes with them: that are no `new`'s, and
/// no `get`'s that is still to be dropped.
pub(super) fn handed_to(script: &Script, exprs: &[Expr]) -> Vec<Place> {
    let stored = |(instr, known): (&Instr, Option<Known>)| {
        let (Instr::Op { op, .. }, Some(known)) = (instr, known) else { return None };
        let (place, Operand::Local(local)) = op.row().stores? else { return None };
        ((known.taken | known.made) & bit(local) == 0).then_some(place)
    };
    script.code.iter().zip(known(script, exprs)).filter_map(stored).collect()
}

/// For each instruction that can be reached, what is true on every way to it.
fn known(script: &Script, exprs: &[Expr]) -> Vec<Option<Known>> {
    let code = &script.code;
    let mut before: Vec<Option<Known>> = vec![None; code.len()];
    let mut open = vec![(0usize, Known::default())];
    while let Some((at, come)) = open.pop() {
        let Some(known) = before.get_mut(at) else { continue };
        let all = known.map_or(come, |k| k.both(come));
        if *known == Some(all) {
            continue;
        }
        *known = Some(all);
        let (mut after, next) = (all, at + 1);
        match &code[at] {
            Instr::End | Instr::Return { .. } => continue,
            Instr::Jump(to) => {
                open.push((usize::from(*to), after));
                continue;
            }
            Instr::Branch { otherwise, .. } => open.push((usize::from(*otherwise), after)),
            Instr::Nth { counter, otherwise, .. } => {
                after.forget(*counter);
                open.push((usize::from(*otherwise), after));
            }
            Instr::MayFail { into, over, .. } => {
                let mut failed = after;
                into.iter().for_each(|l| failed.forget(*l));
                open.push((usize::from(*over), failed));
            }
            Instr::Op { op, into, .. } => after.after(op, *into),
            Instr::Fails { into, .. } | Instr::Choose { into, .. } => into.iter().for_each(|l| after.forget(*l)),
            Instr::Let { into, expr } => copy(&mut after, *into, exprs.get(usize::from(*expr))),
            Instr::Call(call) => called(&mut after, &script.calls[usize::from(*call)], exprs),
            Instr::Judge { .. } | Instr::Assert { .. } | Instr::Warn { .. } | Instr::Progress => {}
        }
        open.push((next, after));
    }
    before
}

/// A local is set to the value of an expression. With two names for one pointer nobody knows whose reference is dropped
/// by which.
fn copy(known: &mut Known, into: LocalId, expr: Option<&Expr>) {
    if let Some([ExprNode::Read(from)]) = expr.map(Expr::nodes) {
        known.forget(*from);
    }
    known.forget(into);
}

/// What a function does with the pointers that it gets, and whose those are that it returns, nobody knows here.
fn called(known: &mut Known, call: &FunctionCall, exprs: &[Expr]) {
    let args = call.args.iter().filter_map(|arg| exprs.get(usize::from(*arg))).flat_map(Expr::reads);
    args.chain(call.into.iter().copied()).for_each(|local| known.forget(local));
}

fn bit(local: LocalId) -> u64 {
    1 << (local.0 & 63)
}

#[cfg(test)]
mod tests {
    use super::*;
    use fenceweave_kernel::{
        ObjId,
        fence::{
            self,
            ops::counted::{Counted, How},
        },
    };

    const X: LocalId = LocalId(0);
    const PUT: Op = Op::Counted(Counted { how: How::Put, target: Operand::Local(X), or_null: false, release: None });

    fn op(op: Op) -> Instr {
        Instr::Op { op, into: None, may_fail: None }
    }

    fn get() -> Instr {
        let get = Fence { how: fence::How::Get, fence: Operand::Object(ObjId::object(0)), error: 0 };
        Instr::Op { op: get.into(), into: Some(X), may_fail: None }
    }

    fn marked(code: Vec<Instr>) -> Vec<usize> {
        let mut script = Script { code, ..Script::default() };
        mark(&mut script, &[]);
        let code = script.code;
        let again = |i: &Instr| {
            let Instr::Op { op, .. } = i else { return false };
            matches!(op, Op::Counted(op) if op.how == How::PutAgain)
                || matches!(op, Op::Fence(fence) if fence.how == fence::How::PutAgain)
        };
        code.iter().enumerate().filter(|(_, i)| again(i)).map(|(at, _)| at).collect()
    }

    #[test]
    fn the_second_put_of_what_was_taken_once_is_marked() {
        assert_eq!(marked(vec![get(), op(PUT), op(PUT), Instr::End]), [2]);
        assert!(marked(vec![get(), op(PUT), get(), op(PUT), Instr::End]).is_empty());
        assert!(marked(vec![op(PUT), op(PUT), Instr::End]).is_empty(), "nobody knows how it came");
    }

    #[test]
    fn what_is_true_on_one_way_only_is_not_said() {
        let branch = Instr::Branch { expr: 0, otherwise: 3 };
        assert!(marked(vec![get(), branch, op(PUT), op(PUT), Instr::End]).is_empty());
        assert_eq!(
            marked(vec![get(), op(PUT), Instr::Branch { expr: 0, otherwise: 4 }, op(PUT), op(PUT), Instr::End]),
            [3, 4]
        );
    }
}
