//! `atomic "why" { … }`: a block that is one step.

use super::super::{Lower, script::Unit};
use crate::mistakes::Span;
use crate::syntax::{Node, ValueKind};
use fenceweave_kernel::{Instr, Operand, Value, program::Atomic};

impl<'a> Lower<'a> {
    /// The block begins with an instruction that does nothing but to be a step: there the thread may be left alone.
    pub(super) fn atomic(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        self.check_reason(node);
        let why = match node.values().next().map(|value| &value.kind) {
            Some(ValueKind::Text { said, .. }) => said.clone(),
            _ => String::new(),
        };
        let nothing = self.pool(&[Operand::Const(Value::Word(0))]);
        let from = unit.emit(Instr::Choose { of: nothing, into: None });
        self.block(unit, node.children());
        let to = unit.here();
        let refused = unit.code_mut().get(from + 1..to).and_then(|code| {
            let refused = |(at, instr): (usize, &Instr)| Some((from + 1 + at, why_not(instr, from, from + 1 + at)?));
            code.iter().enumerate().find_map(refused)
        });
        if let Some((at, what)) = refused {
            let told = self.statement_of(unit, at, node.children()).unwrap_or(node.head);
            self.mistakes
                .add("atomic", told, format!("this {what}: it cannot be part of one step"))
                .expected("accesses to words, lists and completions")
                .help("what waits or goes round stands outside of the block; what is in it, others see as done or not begun")
                .seen(node.head, "the block that is to be one step");
        }
        let place = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        unit.note_atomic(Atomic { from: place(from), to: place(to), why });
    }
}

impl<'a> Lower<'a> {
    /// The statement of a block that an instruction comes of, or the one that calls the proc with it.
    fn statement_of(&self, unit: &Unit<'a>, at: usize, nodes: &[Node]) -> Option<Span> {
        let line = unit.source_of(at)?;
        let own = (line.file, line.line, line.column);
        let called = line.calls.iter().map(|site| (site.file, site.line, site.column));
        let places: Vec<_> = called.chain([own]).collect();
        let mut open: Vec<&Node> = nodes.iter().collect();
        let mut found: Option<Span> = None;
        while let Some(node) = open.pop() {
            let said = self.source_line(node.head);
            if places.contains(&(said.file, said.line, said.column)) {
                // The innermost begins last.
                found = found.filter(|other| other.start > node.head.start).or(Some(node.head));
            }
            open.extend(node.children());
        }
        found
    }
}

/// Why an instruction may not stand at a place in a block that is one step and begins at `from`. A jump that lands in
/// the block does so already; one that leaves it may have no aim yet, and stands at 0 then.
fn why_not(instr: &Instr, from: usize, at: usize) -> Option<&'static str> {
    let bad = |to: u16| match usize::from(to) {
        to if to <= from => Some("leaves the block"),
        to if to <= at => Some("goes back"),
        _ => None,
    };
    match instr {
        Instr::Op { may_fail: Some(_), .. } | Instr::Choose { .. } | Instr::MayFail { .. } => Some("chooses"),
        Instr::Op { op, .. } if !op.row().never_waits && !op.row().tries => Some("may wait"),
        Instr::Call(_) => Some("calls a function"),
        Instr::Jump(to) | Instr::Branch { otherwise: to, .. } | Instr::Nth { otherwise: to, .. } => bad(*to),
        Instr::Op { .. }
        | Instr::Fails { .. }
        | Instr::Judge { .. }
        | Instr::Let { .. }
        | Instr::Progress
        | Instr::Assert { .. }
        | Instr::Warn { .. }
        | Instr::Return { .. }
        | Instr::End => None,
    }
}
