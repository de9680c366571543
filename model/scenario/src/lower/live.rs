//! Which locals of a function are read again: only those are kept over a step or a call.
//!
//! Locals without a name (counters of loops, the locals of inlined procs) are unset where they end, and count as read;
//! but for temporaries, which only expressions read.

use fenceweave_kernel::{Expr, Instr, LocalId, Operand, Script};

/// The instructions of one statement, all of which may read a local.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Uses {
    pub(super) local: LocalId,
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Notes in a function's script what is read after each instruction, and what its calls have to keep.
pub(super) fn note(script: &mut Script, uses: &[Uses], temps: &[LocalId], exprs: &[Expr]) {
    let is_temp = |at: usize| temps.iter().any(|temp| usize::from(temp.0) == at);
    let hidden = script.locals.iter().enumerate().filter(|(at, name)| name.is_empty() && !is_temp(*at));
    let hidden = hidden.fold(0u64, |all, (at, _)| all | bit(LocalId(at as u8)));
    let before = before(script, uses, exprs);
    for (at, instr) in script.code.iter().enumerate() {
        if let Instr::Call(call) = instr {
            let call = &mut script.calls[usize::from(*call)];
            let into = call.into.iter().fold(0, |all, local| all | bit(*local));
            let after = before.get(at + 1).copied().unwrap_or_default();
            call.keep = (after & !into | hidden) as u16;
        }
    }
    script.live = before.into_iter().map(|read| (read | hidden) as u16).collect();
}

/// For each instruction, the locals that it or some instruction after it reads, before it is set again.
fn before(script: &Script, uses: &[Uses], exprs: &[Expr]) -> Vec<u64> {
    let code = &script.code;
    let mut own: Vec<u64> = code.iter().map(|instr| reads(instr, script, exprs)).collect();
    for of in uses {
        own[of.from.min(code.len())..of.to.min(code.len())].iter_mut().for_each(|own| *own |= bit(of.local));
    }
    let mut before = vec![0; code.len()];
    let mut moved = true;
    while moved {
        moved = false;
        for at in (0..code.len()).rev() {
            let of = |to: usize| before.get(to).copied().unwrap_or(0);
            let after = match code[at] {
                Instr::End | Instr::Return { .. } => 0,
                Instr::Jump(to) => of(usize::from(to)),
                Instr::Branch { otherwise: to, .. }
                | Instr::Nth { otherwise: to, .. }
                | Instr::MayFail { over: to, .. } => of(at + 1) | of(usize::from(to)),
                _ => of(at + 1),
            };
            let read = own[at] | after & !sets(&code[at], script);
            moved |= read != before[at];
            before[at] = read;
        }
    }
    before
}

/// The locals that an instruction reads by itself.
fn reads(instr: &Instr, script: &Script, exprs: &[Expr]) -> u64 {
    let of = |expr: u16| exprs.get(usize::from(expr)).into_iter().flat_map(Expr::reads).fold(0, |all, l| all | bit(l));
    match instr {
        Instr::Let { expr, .. } | Instr::Branch { expr, .. } | Instr::Assert { expr } | Instr::Warn { expr, .. } => {
            of(*expr)
        }
        Instr::Op { op, .. } | Instr::Fails { op, .. } | Instr::Judge { op } => {
            let row = op.row();
            let operands = row.operands.into_iter().flatten().chain(row.stores.map(|(_, value)| value));
            let locals = operands.filter_map(Operand::local);
            locals.chain(row.cursor).fold(0, |all, l| all | bit(l))
        }
        Instr::Call(call) => script.calls[usize::from(*call)].args.iter().fold(0, |all, expr| all | of(*expr)),
        Instr::Return { result: results } => results.locals().fold(0, |all, l| all | bit(l)),
        Instr::Nth { counter, .. } => bit(*counter),
        Instr::Choose { .. } | Instr::Jump(_) | Instr::Progress | Instr::MayFail { .. } | Instr::End => 0,
    }
}

/// The locals that it sets, whichever way it goes.
fn sets(instr: &Instr, script: &Script) -> u64 {
    match instr {
        Instr::Op { into, .. } | Instr::Fails { into, .. } | Instr::Choose { into, .. } => into.map_or(0, bit),
        Instr::Let { into, .. } => bit(*into),
        Instr::Call(call) => script.calls[usize::from(*call)].into.iter().fold(0, |all, l| all | bit(*l)),
        _ => 0,
    }
}

fn bit(local: LocalId) -> u64 {
    1 << (local.0 & 63)
}
