//! On which wait queues a script may still be when it ends: `prepare` without `finish` on some way.
//!
//! The entry is on the stack, so it must be off the queue when the function returns. A waker may have taken it off, and
//! so whether it is there still is a look at the queue, and a step: only scripts that may leave one have it.

use std::collections::BTreeSet;

use fenceweave_kernel::{
    Instr, ObjId, Operand, Patience,
    primitives::waitqueue::{How, ops::Wait},
    program::Entry,
};

/// Wait queues on which an entry may stand.
type Queues = BTreeSet<ObjId>;

/// The looks that a script, or a callee, ends with. `code` is what comes before them.
pub(super) fn looks(code: &[Instr]) -> impl Iterator<Item = Instr> + use<> {
    maybe_left(code).into_iter().map(|queue| {
        let op = Wait { how: How::Leave, queue: Operand::Object(queue), patience: Patience::Forever }.into();
        Instr::Op { op, into: None, may_fail: None }
    })
}

/// The queues that some way from a `prepare` to the end has no `finish` of.
fn maybe_left(code: &[Instr]) -> Queues {
    let mut at_end = Queues::new();
    if !code.iter().any(|instr| matches!(entry(instr), Entry::Joins(_))) {
        return at_end;
    }
    let mut before: Vec<Option<Queues>> = vec![None; code.len()];
    let mut open = vec![(0usize, Queues::new())];
    while let Some((at, come)) = open.pop() {
        let (Some(known), Some(instr)) = (before.get_mut(at), code.get(at)) else {
            at_end.extend(come);
            continue;
        };
        if known.as_ref().is_some_and(|known| known.is_superset(&come)) {
            continue;
        }
        let all = known.get_or_insert_default();
        all.extend(come);
        let mut after = all.clone();
        match entry(instr) {
            Entry::Leaves(Operand::Object(queue)) => drop(after.remove(&queue)),
            Entry::Joins(Operand::Object(queue)) => drop(after.insert(queue)),
            _ => {}
        }
        match instr {
            Instr::End | Instr::Return { .. } => at_end.extend(after),
            Instr::Jump(to) => open.push((usize::from(*to), after)),
            Instr::Branch { otherwise: to, .. }
            | Instr::Nth { otherwise: to, .. }
            | Instr::MayFail { over: to, .. } => {
                open.push((usize::from(*to), after.clone()));
                open.push((at + 1, after));
            }
            _ => open.push((at + 1, after)),
        }
    }
    at_end
}

fn entry(instr: &Instr) -> Entry {
    match instr {
        Instr::Op { op, .. } => op.row().entry,
        _ => Entry::Stays,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const Q: ObjId = ObjId::numbered(3);

    fn op(how: How) -> Instr {
        let op = Wait { how, queue: Operand::Object(Q), patience: Patience::Forever }.into();
        Instr::Op { op, into: None, may_fail: None }
    }

    #[test]
    fn a_queue_is_looked_at_if_some_way_leaves_it_without_finish() {
        let left = |code: &[Instr]| maybe_left(code).into_iter().collect::<Vec<_>>();
        let branch = |otherwise| Instr::Branch { expr: 0, otherwise };
        assert_eq!(left(&[op(How::Prepare), op(How::Schedule), op(How::Finish)]), []);
        assert_eq!(left(&[op(How::Prepare), branch(3), op(How::Finish)]), [Q]);
        assert_eq!(left(&[op(How::Prepare), branch(4), op(How::Schedule), Instr::Jump(0), op(How::Finish)]), []);
        assert_eq!(left(&[op(How::Finish), op(How::PrepareExclusive)]), [Q]);
        assert_eq!(looks(&[op(How::Prepare)]).count(), 1);
    }
}
