//! `defer { … }`: what runs wherever the block that it stands in is left, as the cleanup of `guard()` and `__free()`.
//!
//! It is written into each way out, so it is no call and no state of its own:
//!
//! ```text
//!   lock m                       lock m
//!   defer { unlock m }           load x into=v
//!   load x into=v                v? { return = v; unlock m; to the end }
//!   when "v" { return v }        store x 1
//!   store x 1                    unlock m
//! ```

use fenceweave_kernel::primitives::slab::How;
use fenceweave_kernel::primitives::slab::ops::Slab;
use fenceweave_kernel::{Instr, LocalId, Operand};

use crate::lower::Lower;
use crate::lower::script::Unit;
use crate::ops::{Given, Takes};
use crate::syntax::Node;

impl<'a> Lower<'a> {
    /// `defer { … }`
    pub(super) fn defer(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        if !node.entries.is_empty() && !node.broken {
            self.mistakes.add("defer", node.head, "`defer` takes a block and nothing else").expected("`defer { … }`");
        }
        if node.block.is_none() {
            return;
        }
        if let Some(scope) = unit.scopes.last_mut() {
            scope.defers.push(node);
        }
    }

    /// `local waiter w`: an object of a struct on the stack. It is made here, and gone where the block is left.
    pub(super) fn local_struct(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let mut values = node.values();
        let Some(of) = values.next().filter(|of| self.structs.contains_key(of.span.of(self.text))) else { return };
        if node.values().count() < 2 || node.values().count() != node.entries.len() {
            self.mistakes
                .add("local-struct", node.head, "`local` puts objects of a struct on the stack")
                .expected("`local STRUCT NAME…`");
            return;
        }
        for value in values {
            let Some(Given::Operand(target)) = self.given(None, Takes::Struct, of) else { return };
            if let Some(into) = unit.local(value.span.of(self.text)) {
                unit.emit(Instr::Op { op: Slab { how: How::New, target }.into(), into: Some(into), may_fail: None });
            }
        }
        if let Some(scope) = unit.scopes.last_mut() {
            scope.defers.push(node);
        }
    }

    /// What a `local` put on the stack goes, the last first.
    fn leave_stack(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let names: Vec<&str> = node.values().skip(1).map(|value| value.span.of(self.text)).collect();
        let locals: Vec<LocalId> = names.into_iter().rev().filter_map(|name| unit.local(name)).collect();
        for local in locals {
            let op = Slab { how: How::Leave, target: Operand::Local(local) }.into();
            unit.emit(Instr::Op { op, into: None, may_fail: None });
        }
    }

    /// The end of a block that is come to: what was put off runs.
    pub(super) fn end_of_block(&mut self, unit: &mut Unit<'a>, last: Option<&'a Node>) {
        let left = last.is_some_and(|node| matches!(node.name.text.as_str(), "return" | "goto" | "break" | "continue"));
        if !left && let Some(innermost) = unit.scopes.len().checked_sub(1) {
            self.run_defers(unit, innermost, 0);
        }
    }

    /// Runs what the blocks inside of the first `outer` have put off, for a jump out of them. False if that is not
    /// allowed.
    pub(in crate::lower) fn leave_scopes(&mut self, unit: &mut Unit<'a>, node: &Node, outer: usize) -> bool {
        // The block that is being run is the one inside of the one that put it off.
        if unit.scopes.iter().skip(outer.saturating_sub(1)).any(|scope| scope.deferred) {
            let name = &node.name.text;
            self.mistakes
                .add(
                    "defer",
                    node.head,
                    format!("`{name}` leaves a `defer`, which runs while something is left already"),
                )
                .expected("the end of the block of `defer`")
                .help("decide inside of it: `when \"E\" { … }`");
            return false;
        }
        for scope in (outer..unit.scopes.len()).rev() {
            self.run_defers(unit, scope, 0);
        }
        true
    }

    /// Writes what a block has put off beyond the first `keep`, the last first.
    pub(super) fn run_defers(&mut self, unit: &mut Unit<'a>, scope: usize, keep: usize) {
        if unit.scopes[scope].defers.len() <= keep {
            return;
        }
        let inner = unit.scopes.split_off(scope + 1);
        let all = std::mem::take(&mut unit.scopes[scope].defers);
        let (line, deferred) = (unit.line(), std::mem::replace(&mut unit.scopes[scope].deferred, true));
        for at in (keep..all.len()).rev() {
            if self.is_exhausted() || unit.overflowed {
                break;
            }
            match all[at].name.text.as_str() {
                "local" => self.leave_stack(unit, all[at]),
                _ => self.block(unit, all[at].children()),
            }
        }
        unit.back_to(line);
        (unit.scopes[scope].defers, unit.scopes[scope].deferred) = (all, deferred);
        unit.scopes.extend(inner);
    }
}
