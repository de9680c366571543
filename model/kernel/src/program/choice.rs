//! The choices that operations make while they run, by the machine's own steps: an allocation that may find no memory, a
//! fault, a typesafe slab's next slot. What the script itself chooses (`choose`, `may-fail`) are instructions.
//!
//! Engines that must be prepared for a choice and traces that say what it means ask here. Debug builds hold every step
//! against it, so an operation that chooses and is not listed is found by its first test.

use super::{Instr, Op, Operand, Program, SlabKind};
use crate::{
    Value,
    primitives::{irq, slab},
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

/// What a choice is about: how the world falls out for one that asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fall {
    /// Whether there is memory.
    Memory,
    /// Whether reclaim runs, and which shrinker.
    Reclaim,
    /// Whether a page of user memory is there.
    Page,
    /// Whether an interrupt comes to a CPU that runs one of the threads, and to which.
    Cpu,
    /// The free slot that a typesafe slab gives out.
    Slot,
    /// Whether there was time left when the sleeper was woken.
    TimeLeft,
}

impl Fall {
    /// What going that way means, after the operation's name: `finds no memory`.
    pub fn says(self, way: u8) -> String {
        let either = |first: &str, other: &str| if way == 0 { first } else { other }.to_owned();
        match self {
            Fall::Memory => either("finds memory", "finds no memory"),
            Fall::Reclaim => either("finds memory", "has to reclaim"),
            Fall::Page => either("finds the page there", "finds the page absent"),
            Fall::Cpu => either("comes to an idle CPU", "comes to a busy CPU"),
            Fall::Slot => format!("takes free slot {}", way + 1),
            Fall::TimeLeft => either("has time left", "has no time left"),
        }
    }
}

impl Op {
    /// What the operation may choose by itself.
    pub fn choice(self, program: &Program) -> Option<Choice> {
        let row = self.row();
        let (fall, times) = row.chooses?;
        let ways = match fall {
            Fall::Memory | Fall::Page | Fall::TimeLeft => 2,
            Fall::Reclaim => 1 + program.shrinkers.len() as u8,
            Fall::Cpu => irq::Irq::MOST_WAYS,
            Fall::Slot => row.operands[0].map_or(1, |target| slots_to_choose_from(program, target)),
        };
        (ways > 1).then_some(Choice { fall, ways, times })
    }
}

/// How many slots a `new` may choose among: only a typesafe slab chooses.
fn slots_to_choose_from(program: &Program, target: Operand) -> u8 {
    let slot = match target {
        Operand::Object(o) => o,
        Operand::Const(Value::Ref(h)) => h.obj,
        // Whatever it turns out to be, it is a slot of some struct.
        Operand::Local(_) | Operand::Const(_) => return slab::MAX_WAYS as u8,
    };
    let of = program.structs.iter().find(|s| s.slots.contains(&slot.0));
    let chooses = of.filter(|s| s.slab == SlabKind::TypesafeByRcu);
    chooses.map_or(1, |s| s.slots.len().min(slab::MAX_WAYS) as u8)
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
