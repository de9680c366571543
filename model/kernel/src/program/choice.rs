//! The choices that operations make while they run, by the machine's own steps: an allocation that may find no memory,
//! a fault, a typesafe slab's next slot. What the script itself chooses (`choose`, `may-fail`) are instructions.
//!
//! Engines that must be prepared for a choice and traces that say what it means ask here. Debug builds hold every step
//! against it, so an operation that chooses and is not listed is found by its first test.

use super::{Fall, Instr, Op, Operand, Program, SlabKind};
use crate::{
    ObjId, Value, fixed,
    ground::row::{CACHE_WAYS, MOST_WAYS},
};

/// What an operation may choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choice {
    /// What the choice is about.
    pub fall: Fall,
    /// Most ways that one step can go.
    pub ways: u8,
    /// Most steps of the operation that choose, if it does not begin again.
    pub times: u8,
}

impl Op {
    /// What the operation may choose by itself.
    pub fn choice(self, program: &Program) -> Option<Choice> {
        let row = self.row();
        let (fall, times) = row.chooses?;
        let ways = match fall {
            Fall::Memory | Fall::Page | Fall::TimeLeft | Fall::UserSpace | Fall::Translation => 2,
            Fall::Reclaim => 1 + program.shrinkers.len() as u8,
            Fall::Cpu => MOST_WAYS,
            Fall::Cache => cache_ways(program),
            Fall::Item => row.operands[0].map_or(1, |queue| items_to_choose_from(program, queue)),
            Fall::Slot => row.operands[0].map_or(1, |target| slots_to_choose_from(program, target)),
        };
        (ways > 1).then_some(Choice { fall, ways, times })
    }
}

/// How many a look at memory has: only memory that is declared so has caches.
fn cache_ways(program: &Program) -> u8 {
    let caches = program.all::<fixed::Frame>().any(|id| program.fixed::<fixed::Frame>(id).is_some_and(|of| of.caches));
    if caches { CACHE_WAYS } else { 1 }
}

/// How many slots a `new` may choose among: only a typesafe slab chooses.
fn slots_to_choose_from(program: &Program, target: Operand) -> u8 {
    let slot = match target {
        Operand::Object(o) => o,
        Operand::Const(Value::Ref(h)) => h.obj,
        // Whatever it turns out to be, it is a slot of some struct.
        Operand::Local(_) | Operand::Const(_) | Operand::Member { .. } => return MOST_WAYS,
    };
    let of = program.structs.iter().find(|s| s.slots.contains(&slot.number()));
    let chooses = of.filter(|s| s.slab == SlabKind::TypesafeByRcu);
    chooses.map_or(1, |s| s.slots.len().min(usize::from(MOST_WAYS)) as u8)
}

/// How many items a worker or a timer may choose among. Of an ordered queue a worker takes the first; which of its
/// timers expires first is open there as well.
fn items_to_choose_from(program: &Program, queue: Operand) -> u8 {
    let Operand::Object(queue) = queue else { return 1 };
    let of = program.fixed::<fixed::Workqueue>(queue);
    let delayed = of.and_then(|q| q.workers.as_ref()).map_or(0, |workers| workers.delayed.len());
    let comes = |of: ObjId| of == queue || program.one_pool.is_some() && program.is::<fixed::Workqueue>(of);
    let items = || program.objects.iter().filter(|o| o.kind.queue().is_some_and(comes)).count();
    let most = if of.is_some_and(|q| q.ordered) { delayed.max(1) } else { items() };
    most.min(usize::from(MOST_WAYS)) as u8
}

impl Program {
    /// Most ways that a step at an instruction can go.
    pub(crate) fn most_ways(&self, instr: Instr) -> u8 {
        let own = |op: Op| op.choice(self).map_or(1, |choice| choice.ways);
        match instr {
            Instr::Choose { of, .. } => of.len,
            Instr::MayFail { .. } => 2,
            Instr::Op { op, may_fail, .. } => own(op).max(if may_fail.is_some() { 2 } else { 1 }),
            _ => 1,
        }
    }
}
