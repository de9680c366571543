//! Which reads of a local certainly come before anything has set it.

use fenceweave_kernel::{Instr, LocalId, Script};

use crate::mistakes::Span;

/// A read of a local by an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) at: usize,
    pub(super) local: LocalId,
    pub(super) span: Span,
    pub(super) name: String,
}

/// The reads of locals that no way to them sets. `fresh` says which locals a call begins without, before which
/// instruction; the first `params` are set from the start.
pub(super) fn certain<'r>(
    script: &Script,
    reads: &'r [Read],
    fresh: &[(usize, LocalId)],
    params: usize,
) -> Vec<&'r Read> {
    let set = maybe_set(script, fresh, params);
    let unset = |read: &&Read| match set.get(read.at).copied().flatten() {
        Some(set) => set & bit(read.local) == 0,
        None => false, // nothing leads there
    };
    reads.iter().filter(unset).collect()
}

/// For each instruction that can be reached, the locals that some way to it sets.
fn maybe_set(script: &Script, fresh: &[(usize, LocalId)], params: usize) -> Vec<Option<u64>> {
    let code = &script.code;
    let mut before: Vec<Option<u64>> = vec![None; code.len()];
    let mut open = vec![(0usize, (1u64 << params) - 1)];
    while let Some((at, mut set)) = open.pop() {
        for (_, local) in fresh.iter().filter(|(place, _)| *place == at) {
            set &= !bit(*local);
        }
        let Some(known) = before.get_mut(at) else {
            continue;
        };
        let all = known.unwrap_or(0) | set;
        if *known == Some(all) {
            continue;
        }
        *known = Some(all);
        let next = at + 1;
        match code[at] {
            Instr::End | Instr::Return { .. } => {}
            Instr::Jump(to) => open.push((usize::from(to), all)),
            Instr::Branch { otherwise, .. } => open.extend([(usize::from(otherwise), all), (next, all)]),
            Instr::Nth { counter, otherwise, .. } => {
                let all = all | bit(counter);
                open.extend([(usize::from(otherwise), all), (next, all)]);
            }
            Instr::MayFail { into, over, .. } => {
                open.extend([(usize::from(over), all | into.map_or(0, bit)), (next, all)]);
            }
            Instr::Call(call) => {
                let into = script.calls[usize::from(call)].into.iter();
                open.push((next, into.fold(all, |all, local| all | bit(*local))));
            }
            Instr::Op { into: Some(local), .. }
            | Instr::Fails { into: Some(local), .. }
            | Instr::Choose { into: Some(local), .. }
            | Instr::Let { into: local, .. } => {
                open.push((next, all | bit(local)));
            }
            Instr::Op { .. }
            | Instr::Fails { .. }
            | Instr::Judge { .. }
            | Instr::Choose { .. }
            | Instr::Assert { .. }
            | Instr::Warn { .. }
            | Instr::Progress => open.push((next, all)),
        }
    }
    before
}

fn bit(local: LocalId) -> u64 {
    1 << (local.0 & 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    const X: LocalId = LocalId(0);

    fn script(code: &[Instr]) -> Script {
        Script { code: code.to_vec(), ..Script::default() }
    }

    fn read(at: usize) -> Read {
        Read { at, local: X, span: Span::default(), name: "x".into() }
    }

    #[test]
    fn a_read_is_certain_only_if_no_way_sets_the_local() {
        let set = Instr::Let { into: X, expr: 0 };
        let branch = Instr::Branch { expr: 0, otherwise: 2 };
        assert_eq!(certain(&script(&[Instr::Assert { expr: 0 }, set, Instr::End]), &[read(0)], &[], 0).len(), 1);
        assert_eq!(
            certain(&script(&[branch, set, Instr::Assert { expr: 0 }, Instr::End]), &[read(2)], &[], 0).len(),
            0
        );
        assert_eq!(certain(&script(&[set, Instr::Assert { expr: 0 }, Instr::End]), &[read(1)], &[(1, X)], 0).len(), 1);
    }

    #[test]
    fn loops_carry_what_their_body_sets() {
        let code =
            [Instr::Branch { expr: 0, otherwise: 3 }, Instr::Let { into: X, expr: 0 }, Instr::Jump(0), Instr::End];
        assert_eq!(certain(&script(&code), &[read(0)], &[], 0).len(), 0);
    }
}
