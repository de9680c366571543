//! Which accesses of a program could be quiet, and which are looked at all the same.

use crate::{
    Condition, Expr, Instr, Leaf, LocalId, Merging, Moment, ObjId, ObjSet, Op, Operand, Place, Program, Script, fixed,
    program::{Gives, Premise},
};

impl Merging {
    /// What a search of the program has to know, which watches these conditions; `None` if no access of it can ever be
    /// quiet.
    pub fn of(program: &Program, conditions: &[Condition]) -> Option<Merging> {
        let own: Vec<Vec<bool>> = program.scripts.iter().map(|s| own_accesses(s, &program.exprs)).collect();
        let premises = program.vars.iter().any(|v| v.premise != Premise::Nothing);
        let resv = program.all::<fixed::Resv>().next().is_some();
        // Lists and trees.
        let lists = program.ids().any(|id| program.kind(id).guard().is_some());
        let accesses = premises || resv || lists || own.iter().flatten().any(|own| *own);
        let mut merging = Merging {
            watched_words: vec![false; program.vars.len()],
            watched_locals: vec![0; program.scripts.len()],
            writes_are_seen: spins(program),
            facets_are_seen: false,
            premises: premises_of(program, lists),
            sections: has_sections(program),
            accesses,
            own,
            slots_before: slots_before(program),
        };
        let watched = conditions.iter().filter(|c| c.moment != Moment::AtEnd);
        for leaf in watched.flat_map(|c| &c.all).flat_map(Expr::reads) {
            merging.watch(program, leaf);
        }
        merging.sections &= !merging.facets_are_seen;
        (merging.accesses || merging.sections).then_some(merging)
    }

    fn watch(&mut self, program: &Program, leaf: Leaf) {
        match leaf {
            Leaf::Local(t, l) => {
                self.watched_locals.get_mut(t.index()).into_iter().for_each(|locals| *locals |= bit(l))
            }
            Leaf::Var(word) => {
                let at = word.as_var().unwrap_or_default();
                self.watched_words.get_mut(at).into_iter().for_each(|watched| *watched = true);
            }
            Leaf::Facet(..) => self.facets_are_seen = true,
            // Whatever the pointers may refer to.
            Leaf::Through(at) => {
                let Some(path) = program.paths.get(usize::from(at)) else { return };
                self.watch(program, path.from);
                let slots = program.all::<fixed::Slot>();
                let words = slots.flat_map(|slot| path.fields.iter().map(move |field| (slot, *field)));
                for word in words.filter_map(|(slot, field)| program.field_var(slot, field)) {
                    self.watch(program, Leaf::Var(word));
                }
                self.facets_are_seen |= leaf.is_facet(program);
            }
        }
    }
}

/// Of each object, how many slots there are before it.
fn slots_before(program: &Program) -> Vec<u16> {
    let mut before = 0;
    let count = |id: ObjId| {
        let here = before;
        before += u16::from(program.is::<fixed::Slot>(id));
        here
    };
    program.ids().take(program.objects.len()).map(count).collect()
}

/// The words of which something is counted on, and the slots whose words they are; or that are on lists and in trees
/// with a lock.
fn premises_of(program: &Program, lists: bool) -> ObjSet {
    let mut all = ObjSet::default();
    program.all::<fixed::Slot>().filter(|_| lists).for_each(|slot| all.insert(slot));
    for (at, _) in program.vars.iter().enumerate().filter(|(_, v)| v.premise != Premise::Nothing) {
        let word = ObjId::var(at);
        all.insert(word);
        program.slot_of(word).into_iter().for_each(|slot| all.insert(slot));
    }
    all
}

/// Whether there are spinlocks, and nobody looks at one but who wants it: nothing tries one, and no interrupt comes in
/// between.
fn has_sections(program: &Program) -> bool {
    let code = || program.scripts.iter().flat_map(|s| &s.code);
    let rows = || code().filter_map(|i| if let Instr::Op { op, .. } = i { Some(op.row()) } else { None });
    !program.has_irqs && rows().any(|row| row.spin) && !rows().any(|row| row.spin && row.tries)
}

/// Whether somebody waits for a word without sleeping: who ends that is of interest.
fn spins(program: &Program) -> bool {
    let code = program.scripts.iter().flat_map(|s| &s.code);
    code.into_iter().any(|i| matches!(i, Instr::Op { op, .. } if op.row().spins_on_word))
}

/// The accesses to fields of an object that its thread has just allocated, and whose address it has given to nobody.
fn own_accesses(script: &Script, exprs: &[Expr]) -> Vec<bool> {
    let before = known(script, exprs);
    let is_own = |(instr, known): (&Instr, &Option<u64>)| {
        let Instr::Op { op: Op::Access(access), .. } = instr else { return false };
        let (Place::Field { base: Operand::Local(base), .. } | Place::FieldElement { base: Operand::Local(base), .. }) =
            access.place
        else {
            return false;
        };
        known.is_some_and(|known| known & bit(base) != 0)
    };
    script.code.iter().zip(&before).map(is_own).collect()
}

/// For each instruction that can be reached, the locals whose object nobody else knows of on every way there.
fn known(script: &Script, exprs: &[Expr]) -> Vec<Option<u64>> {
    let code = &script.code;
    let mut before: Vec<Option<u64>> = vec![None; code.len()];
    let entries = script.callees.iter().map(|callee| usize::from(callee.entry));
    let mut open: Vec<(usize, u64)> = entries.chain([0]).map(|at| (at, 0)).collect();
    while let Some((at, come)) = open.pop() {
        let Some(known) = before.get_mut(at) else { continue };
        let all = known.map_or(come, |known| known & come);
        if *known == Some(all) {
            continue;
        }
        *known = Some(all);
        let next = at + 1;
        match &code[at] {
            Instr::End | Instr::Return { .. } => {}
            Instr::Jump(to) => open.push((usize::from(*to), all)),
            Instr::Branch { otherwise, .. } => open.extend([(usize::from(*otherwise), all), (next, all)]),
            Instr::Nth { counter, otherwise, .. } => {
                let all = all & !bit(*counter);
                open.extend([(usize::from(*otherwise), all), (next, all)]);
            }
            Instr::MayFail { into, over, .. } => {
                open.extend([(usize::from(*over), all & !into.map_or(0, bit)), (next, all)]);
            }
            instr => open.push((next, after(instr, all, script, exprs))),
        }
    }
    before
}

/// What an instruction that goes on to the next leaves of it.
fn after(instr: &Instr, all: u64, script: &Script, exprs: &[Expr]) -> u64 {
    let reads =
        |expr: u16| exprs.get(usize::from(expr)).into_iter().flat_map(Expr::reads).fold(0, |all, l| all | bit(l));
    match instr {
        Instr::Op { op, into, .. } => after_op(op, *into, all),
        Instr::Let { into, expr } => all & !(reads(*expr) | bit(*into)),
        Instr::Call(call) => {
            let call = &script.calls[usize::from(*call)];
            let args = call.args.iter().fold(0, |all, expr| all | reads(*expr));
            all & !call.into.iter().fold(args, |all, l| all | bit(*l))
        }
        Instr::Fails { into, .. } | Instr::Choose { into, .. } => all & !into.map_or(0, bit),
        Instr::Branch { .. } | Instr::Assert { .. } | Instr::Warn { .. } | Instr::Progress | Instr::Judge { .. } => all,
        Instr::Jump(_) | Instr::Return { .. } | Instr::MayFail { .. } | Instr::Nth { .. } | Instr::End => 0,
    }
}

/// The same of an operation. Another one than an access may give anything away.
fn after_op(op: &Op, into: Option<LocalId>, all: u64) -> u64 {
    let given = |operand: Operand| if let Operand::Local(l) = operand { bit(l) } else { 0 };
    let into = into.map_or(0, bit);
    // What is initialised is kept nowhere.
    if let Op::Init(_) = op {
        return all;
    }
    if let Op::Access(access) = op {
        return all & !(given(access.a) | given(access.b) | into);
    }
    if op.row().gives == Gives::New { all | into } else { 0 }
}

fn bit(local: LocalId) -> u64 {
    1 << (local.0 & 63)
}
