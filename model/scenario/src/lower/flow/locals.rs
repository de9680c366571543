//! What a local is set to without an operation: `let` and `choose`.

use fenceweave_kernel::{Instr, Operand};

use crate::lower::exprs::address;
use crate::lower::script::Unit;
use crate::lower::{Lower, names};
use crate::syntax::{Name, Node, Value, ValueKind};

impl<'a> Lower<'a> {
    /// `let x="E"`; several at once are set one after the other.
    pub(super) fn let_local(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        if node.entries.iter().any(|entry| entry.key.is_none()) || (node.entries.is_empty() && !node.broken) {
            self.mistakes.add("statement", node.head, "`let` sets a local").expected("`let NAME=\"EXPRESSION\"`");
        }
        for entry in &node.entries {
            let Some(key) = &entry.key else { continue };
            if self.let_address(unit, key, &entry.value) {
                continue;
            }
            let expr = self.script_expr(unit, &entry.value);
            if let (Some(expr), Some(into)) = (expr, unit.local(&key.text)) {
                let expr = self.assigned(unit, into, expr);
                unit.emit(Instr::Let { into, expr });
            }
        }
    }

    /// `let x=&b.lock`. False if it is none.
    fn let_address(&mut self, unit: &mut Unit<'a>, key: &Name, value: &Value) -> bool {
        let ValueKind::Word(word) = &value.kind else { return false };
        let parts = names::parts(word);
        let is_path = parts.len() > 1 && unit.local(&parts[0]).is_some();
        let Some(of) = is_path.then(|| self.member_operand(unit, &parts, value.span)).flatten() else { return false };
        if let Some(into) = unit.local(&key.text) {
            address(unit, of, into);
        }
        true
    }

    /// `choose A B into=X`
    pub(super) fn choose(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        const WAYS: std::ops::RangeInclusive<usize> = 2..=7;
        let mut options = Vec::new();
        for value in node.values() {
            let said = value.span.of(self.text);
            if unit.local(said).is_some() {
                self.mistakes
                    .add("choose", value.span, format!("`{said}` is a local: what it holds is not known beforehand"))
                    .expected("a word, a number, an errno, NULL or the name of an object");
                return;
            }
            match self.constant(value) {
                Some(value) => options.push(Operand::Const(value)),
                None => return,
            }
        }
        let into = node.option("into").and_then(|value| unit.local(value.span.of(self.text)));
        let extra = node.entries.iter().any(|entry| entry.key.as_ref().is_some_and(|key| key.text != "into"));
        if !WAYS.contains(&options.len()) || node.option("into").is_none() || extra {
            if !node.broken {
                self.mistakes
                    .add("choose", node.head, "`choose` takes 2 to 7 constants and a local")
                    .expected("`choose A B into=NAME`");
            }
            return;
        }
        self.refuse_choice(unit, node);
        let of = self.pool(&options);
        unit.emit(Instr::Choose { of, into });
    }

    /// Setup and teardown run once, in one way.
    pub(in crate::lower) fn refuse_choice(&mut self, unit: &Unit<'a>, node: &Node) {
        if unit.alone {
            let name = unit.name().to_owned();
            self.mistakes
                .add("choice-alone", node.head, format!("there are no choices in `{name}`"))
                .expected("what happens in one way only")
                .help("choose in a thread, before anything else");
        }
    }
}
