//! Expressions of functions, which may name what is shared and follow pointers: `bo.resource && bo.resource.kind == k`.
//!
//! Each read in them is a step of its own, in C's order, and none where C does not come to it:
//!
//! ```text
//!   a = load bo.resource
//!   a? else to none
//!   b = load bo.resource            the same pointer is read again, as C has it
//!   c = load b.kind
//!   r = c == k; to end
//!   none: r = 0
//!   end: r?
//! ```
//!
//! What is read is in locals that nobody else sees, and that nobody reads after the statement.

use fenceweave_kernel::primitives::lockdep::ops::Named;
use fenceweave_kernel::primitives::variable::{How, ops::Access};
use fenceweave_kernel::program::SourceLine;
use fenceweave_kernel::{ExprNode, Instr, LocalId, Op, Operand, Order, Place, Type, Value, expr::Operator};

use super::Lower;
use super::exprs::{address, node_of, operation, postfix, prefix};
use super::names::{Symbol, parts};
use super::script::Unit;
use crate::expr::{Binary, Expr, ExprKind};
use crate::mistakes::Span;
use crate::syntax::{Value as Written, ValueKind};

/// What has been read in an expression, by where it stands: `IS_ERR_OR_NULL(p)` names `p` twice and reads it once.
type Known = Vec<(Span, LocalId)>;

impl<'a> Lower<'a> {
    /// Whether a name stands for something that an expression here has to read.
    pub(super) fn is_read(&self, unit: &Unit<'a>, name: &str) -> bool {
        if let Some(pointer) = name.strip_prefix('*') {
            return unit.is_function() && (unit.local(pointer).is_some() || self.is_read(unit, pointer));
        }
        let parts = parts(name);
        let whole = parts.len() == 1;
        if !unit.is_function() || name.starts_with('&') || unit.local(name).is_some() {
            return false;
        }
        match self.names.find(&parts[0]) {
            Some((Symbol::Var { len, .. }, _)) => len.is_none() || !whole,
            Some((Symbol::Table(_), _)) => !whole,
            _ => !whole && unit.local(&parts[0]).is_some(),
        }
    }

    fn reads(&self, unit: &Unit<'a>, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Name(name) => self.is_read(unit, name),
            _ => expr.parts().into_iter().any(|part| self.reads(unit, part)),
        }
    }

    /// An expression over locals, after what it reads besides was read.
    pub(super) fn nodes_read(&mut self, unit: &mut Unit<'a>, expr: &Expr) -> Option<Vec<ExprNode>> {
        self.part(unit, expr, &mut vec![])
    }

    /// One side of a comparison that is written without quotes.
    pub(super) fn side(&mut self, unit: &mut Unit<'a>, value: &Written) -> Option<Vec<ExprNode>> {
        match &value.kind {
            ValueKind::Word(word) if self.is_read(unit, word) => {
                self.follow(unit, word, value.span).map(|local| vec![ExprNode::Read(local)])
            }
            _ => self.operand(Some(unit), value).map(|operand| vec![node_of(operand)]),
        }
    }

    fn part(&mut self, unit: &mut Unit<'a>, expr: &Expr, known: &mut Known) -> Option<Vec<ExprNode>> {
        if !self.reads(unit, expr) {
            let mut nodes = vec![];
            postfix(expr, &mut nodes, &mut |leaf, span| self.script_leaf(unit, leaf, span))?;
            return Some(nodes);
        }
        let last = match &expr.kind {
            ExprKind::Name(name) => {
                if let Some((_, local)) = known.iter().find(|(span, _)| *span == expr.span) {
                    return Some(vec![ExprNode::Read(*local)]);
                }
                let local = self.follow(unit, name, expr.span)?;
                known.push((expr.span, local));
                return Some(vec![ExprNode::Read(local)]);
            }
            ExprKind::Binary(operator @ (Binary::And | Binary::Or), left, right) if self.reads(unit, right) => {
                return self.connected(unit, *operator, (left, right), known);
            }
            ExprKind::Select(parts) if parts[1..].iter().any(|part| self.reads(unit, part)) => {
                return self.selected(unit, parts, known);
            }
            ExprKind::Number(_) | ExprKind::Of(..) => return None,
            ExprKind::Unary(operator, _) => ExprNode::Apply(prefix(*operator)),
            ExprKind::Cast(ty, _) => ExprNode::Cast(*ty),
            ExprKind::Binary(operator, ..) => ExprNode::Apply(operation(*operator)),
            ExprKind::Select(_) => ExprNode::Select,
            ExprKind::Overflows(operator, _, ty) => ExprNode::Overflows(operation(*operator), [*ty; 3]),
        };
        let mut nodes = vec![];
        for part in expr.parts() {
            nodes.extend(self.part(unit, part, known)?);
        }
        nodes.push(last);
        Some(nodes)
    }

    /// `A && B`, `A || B`: B is read only if A does not decide.
    fn connected(
        &mut self,
        unit: &mut Unit<'a>,
        operator: Binary,
        (left, right): (&Expr, &Expr),
        known: &mut Known,
    ) -> Option<Vec<ExprNode>> {
        let nodes = self.part(unit, left, known)?;
        let expr = self.compiled(nodes, left.span, |local| unit.type_of(local))?;
        let result = unit.temporary();
        unit.set_type(result, Type::S64);
        let branch = unit.emit(Instr::Branch { expr, otherwise: 0 });
        let decided = self.add_expr(vec![ExprNode::Const(Value::Word(i32::from(operator == Binary::Or)))]);
        // One way has the result, the other reads on.
        let mut done = vec![];
        if operator == Binary::Or {
            unit.emit(Instr::Let { into: result, expr: decided });
            done.push(unit.emit(Instr::Jump(0)));
            unit.land(vec![branch]);
        }
        let mut nodes = self.part(unit, right, known)?;
        nodes.extend([ExprNode::Apply(Operator::Not), ExprNode::Apply(Operator::Not)]);
        let expr = self.compiled(nodes, right.span, |local| unit.type_of(local))?;
        unit.emit(Instr::Let { into: result, expr });
        if operator == Binary::And {
            done.push(unit.emit(Instr::Jump(0)));
            unit.land(vec![branch]);
            unit.emit(Instr::Let { into: result, expr: decided });
        }
        unit.land(done);
        Some(vec![ExprNode::Read(result)])
    }

    /// `C ? A : B`: one of them is read.
    fn selected(&mut self, unit: &mut Unit<'a>, parts: &[Expr; 3], known: &mut Known) -> Option<Vec<ExprNode>> {
        let [condition, yes, no] = parts;
        let nodes = self.part(unit, condition, known)?;
        let expr = self.compiled(nodes, condition.span, |local| unit.type_of(local))?;
        let result = unit.temporary();
        let branch = unit.emit(Instr::Branch { expr, otherwise: 0 });
        let yes = (self.part(unit, yes, known)?, yes.span);
        let first = unit.emit(Instr::Let { into: result, expr });
        let done = unit.emit(Instr::Jump(0));
        unit.land(vec![branch]);
        let no = (self.part(unit, no, known)?, no.span);
        let second = unit.emit(Instr::Let { into: result, expr });
        unit.land(vec![done]);
        let mut sides = vec![];
        for (nodes, span) in [yes, no] {
            let expr = self.compiled(nodes.clone(), span, |local| unit.type_of(local))?;
            sides.push((nodes, span, self.type_of_expr(unit, expr)));
        }
        let common = sides[0].2.common(sides[1].2);
        for ((mut nodes, span, ty), at) in sides.into_iter().zip([first, second]) {
            if common != Type::S64 && ty != common {
                nodes.push(ExprNode::Cast(common));
            }
            let expr = self.compiled(nodes, span, |local| unit.type_of(local))?;
            unit.set_let(at, expr);
        }
        unit.set_type(result, common);
        Some(vec![ExprNode::Read(result)])
    }

    /// Reads what a path leads to, each pointer on the way in a step of its own.
    pub(super) fn follow(&mut self, unit: &mut Unit<'a>, name: &str, span: Span) -> Option<LocalId> {
        if let Some(pointer) = name.strip_prefix('*') {
            let path = [name.to_owned()];
            if let Some(Operand::Local(known)) = unit.named_at_entry(&path) {
                return Some(known);
            }
            let place = self.place_behind(unit, pointer, span)?;
            return Some(self.read_word(unit, place, &path));
        }
        Some(match self.follow_to(unit, &parts(name), span)? {
            Operand::Local(local) => local,
            member => {
                let into = unit.temporary();
                address(unit, member, into);
                into
            }
        })
    }

    /// The same, of a path that may end at what is inside of an object: that is no pointer, and is not read.
    pub(super) fn follow_to(&mut self, unit: &mut Unit<'a>, parts: &[String], span: Span) -> Option<Operand> {
        if let Some(known) = unit.named_at_entry(parts) {
            return Some(known);
        }
        let (mut at, mut done) = match self.names.find(&parts[0]) {
            Some((Symbol::Var { first, len: None }, _)) => (self.read_word(unit, Place::Var(first), &parts[..1]), 1),
            Some((Symbol::Var { first, len: Some(len) }, _)) => {
                let index = parts[1].parse().unwrap_or(i32::MAX);
                let place = self.element(first, len, Operand::Const(Value::Word(index)), span)?;
                (self.read_word(unit, place, &parts[..2]), 2)
            }
            Some((Symbol::Table(value), _)) => {
                let local = unit.temporary();
                unit.set_type(local, Type::S64);
                let expr = self.add_expr(vec![ExprNode::Const(Value::Word(value))]);
                unit.emit(Instr::Let { into: local, expr });
                (local, 1)
            }
            _ => (unit.read(&parts[0], span)?, 1),
        };
        while done < parts.len() {
            // A name that fields have as well is a field, unless the pointer leads to a table.
            if self.is_slot(&parts[done]) {
                let slot = &parts[done];
                done += 1;
                at = self.slot_value(unit, at, slot);
                continue;
            }
            let (base, inside) = self.inner_of(at, &parts[done..]);
            done += inside;
            let Some(field) = parts.get(done) else { return Some(base) };
            if let Some(index) = parts.get(done + 1).filter(|_| self.is_array(field)) {
                let place = self.known_element(base, field, index, span)?;
                done += 2;
                at = self.read_word(unit, place, &parts[..done]);
                continue;
            }
            let place = self.field_of(base, field, span)?;
            done += 1;
            at = self.read_word(unit, place, &parts[..done]);
        }
        Some(Operand::Local(at))
    }

    /// A step that reads a word into a local that nobody sees.
    fn read_word(&mut self, unit: &mut Unit<'a>, place: Place, path: &[String]) -> LocalId {
        let path = path.join(".");
        if let Some(known) = unit.looked_at(&path) {
            return known;
        }
        let (line, into) = (unit.line(), unit.temporary());
        unit.set_type(into, self.program.type_at(place));
        let nothing = Operand::Const(Value::Unset);
        let (op, verb): (Op, _) = if unit.note_look(&path, into) {
            (Named { place }.into(), "look at")
        } else {
            let (how, order) = (How::Load, Order::Relaxed);
            (Access { how, order, place, a: nothing, b: nothing, benign: false }.into(), "load")
        };
        unit.back_to(SourceLine { text: format!("{verb} {path}"), ..line.clone() });
        unit.emit(Instr::Op { op, into: Some(into), may_fail: None });
        unit.back_to(line);
        into
    }
}
