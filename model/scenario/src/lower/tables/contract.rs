//! What a slot of a table asks: `map attach { assert-held attach.dmabuf.resv; might-sleep }` in its `ops-type`.
//!
//! It is written into each call through the slot, over what that is called with: so who calls is judged before the
//! call, and who fills it when he returns, about the same locks as they were named before. What a path leads over is
//! read as the kernel's own assertion reads it.

use fenceweave_kernel::primitives::lockdep::{
    How, Said,
    ops::{LOCKS, Lockdep},
};
use fenceweave_kernel::program::CallSite;
use fenceweave_kernel::{Instr, LocalId, Operand};

use super::Slot;
use super::call::Found;
use crate::lower::Lower;
use crate::lower::names::parts;
use crate::lower::script::{Frame, Unit};
use crate::ops::{Given, Takes};
use crate::syntax::Node;

/// What may stand in a contract, what it asks, and whether of a lock.
const ROWS: [(&str, How, bool); 4] = [
    ("assert-held", How::Held, true),
    ("assert-not-held", How::NotHeld, true),
    ("might-sleep", How::MightSleep, false),
    ("might-lock", How::MightLock, true),
];
/// `assert-held L write`
const WRITE: &str = "write";

/// One row of a contract at a call: the lock as it was named before.
pub(super) struct Held<'a> {
    row: &'a Node,
    how: How,
    lock: Operand,
}

impl<'a> Lower<'a> {
    /// Tells what says nothing of a lock, and locks that nothing leads to.
    pub(super) fn judge_contract(&mut self, slot: &'a Node) {
        let arguments: Vec<&str> = slot.values().map(|value| value.span.of(self.text)).collect();
        for row in self.visible(slot.children()) {
            let known = ROWS.iter().find(|(name, ..)| *name == row.name.text);
            let words: Vec<&str> = row.values().map(|value| value.span.of(self.text)).collect();
            let fits = match known {
                Some((_, _, false)) => words.is_empty(),
                Some((_, How::Held, _)) => words.len() == 1 || words.get(1..) == Some(&[WRITE]),
                Some(_) => words.len() == 1,
                None => false,
            };
            let plain = row.block.is_none() && words.len() == row.entries.len();
            if !fits || !plain {
                if !row.broken {
                    self.mistakes
                        .add("slot", row.head, "this says nothing of a lock")
                        .expected("`assert-held LOCK`, `assert-not-held LOCK`, `might-lock LOCK` or `might-sleep`");
                }
                continue;
            }
            let Some(value) = row.values().next() else { continue };
            let first = &parts(words[0])[0];
            if !arguments.contains(&first.as_str()) && self.names.find(first).is_none() {
                let name = &slot.name.text;
                self.mistakes
                    .add("slot", value.span, format!("`{first}` is no argument of `{name}`"))
                    .expected("a path that begins with an argument, or the name of a lock");
            }
        }
    }

    /// The slot as the type of a table has it.
    fn typed_slot(&self, found: &Found<'a>, slot: &str) -> Option<&Slot<'a>> {
        let ty = found.ty.and_then(|ty| self.values.types.get(ty))?;
        ty.slots.iter().find(|known| known.name == slot)
    }

    pub(super) fn has_contract(&self, found: &Found<'a>, slot: &str) -> bool {
        self.typed_slot(found, slot).is_some_and(|slot| !slot.contract.is_empty())
    }

    /// Judges who calls.
    pub(super) fn judge_caller(
        &mut self,
        unit: &mut Unit<'a>,
        found: &Found<'a>,
        slot: &str,
        args: &[LocalId],
    ) -> Vec<Held<'a>> {
        let Some(typed) = self.typed_slot(found, slot) else { return vec![] };
        let (contract, names) = (typed.contract, typed.arguments.clone());
        let rows = self.visible(contract);
        let names = names.into_iter().map(str::to_owned).zip(args.iter().copied()).collect();
        let line = site(unit, format!("{}.{slot}", found.table));
        unit.frames.push(Frame { names, ..Frame::default() });
        // Paths are read here, wherever the call stands.
        let function = std::mem::replace(&mut unit.function, true);
        let mut held = vec![];
        for row in rows {
            let Some((_, how, of_lock)) = ROWS.iter().find(|(name, ..)| *name == row.name.text) else { continue };
            unit.at_statement(self.source_line(row.head));
            let lock = row.values().next().and_then(|value| self.given(Some(unit), Takes::Object(LOCKS), value));
            let lock = match lock {
                Some(Given::Operand(lock)) => Some(lock),
                _ => None,
            };
            if *of_lock && lock.is_none() {
                continue;
            }
            let writes = row.values().nth(1).is_some();
            let how = if writes { How::HeldWrite } else { *how };
            let op = Lockdep { how, lock, said: Said::Slot }.into();
            unit.emit(Instr::Op { op, into: None, may_fail: None });
            held.extend(lock.map(|lock| Held { row, how, lock }));
        }
        unit.function = function;
        unit.frames.pop();
        unit.call_sites.pop();
        unit.back_to(line);
        held
    }

    /// Judges who fills it: what had to be held or not is so when it returns.
    pub(super) fn judge_filler(
        &mut self,
        unit: &mut Unit<'a>,
        found: &Found<'a>,
        slot: &str,
        filler: &str,
        held: &[Held<'a>],
    ) {
        let line = site(unit, format!("{filler}, which is {}.{slot}", found.table));
        for Held { row, how, lock } in held.iter().filter(|held| held.how != How::MightLock) {
            unit.at_statement(self.source_line(row.head));
            let op = Lockdep { how: *how, lock: Some(*lock), said: Said::Filler }.into();
            unit.emit(Instr::Op { op, into: None, may_fail: None });
        }
        unit.call_sites.pop();
        unit.back_to(line);
    }
}

/// What follows belongs to that, which is called at the statement at hand: its line, to come back to.
fn site(unit: &mut Unit<'_>, of: String) -> fenceweave_kernel::program::SourceLine {
    let line = unit.line();
    let (file, at, column, text) = (line.file, line.line, line.column, line.text.clone());
    unit.call_sites.push(CallSite { proc: of, file, line: at, column, text });
    line
}
