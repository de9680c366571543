//! `wait-event`: the loop of `___wait_event()`, of the operations that it consists of.

use fenceweave_kernel::expr::Operator;
use fenceweave_kernel::primitives::{
    variable::{self, How},
    waitqueue,
};
use fenceweave_kernel::program::SourceLine;
use fenceweave_kernel::{ExprNode, Instr, LocalId, Op, Operand, Order, Patience, Place, Value};

use super::Lower;
use super::exprs::{Leaf, postfix};
use super::inject::Subject;
use super::names::{Symbol, parts};
use super::options::Options;
use super::script::Unit;
use crate::expr;
use crate::mistakes::Span;
use crate::ops::{Given, OpSpec, Takes};
use crate::syntax::{Node, Value as Written, ValueKind};
use fenceweave_kernel::Kind;

/// A condition over shared words: each is loaded into a local before it is looked at.
struct Condition {
    loads: Vec<(Place, LocalId, String)>,
    expr: u16,
}

/// The locals of one wait.
struct Wait {
    queue: Operand,
    patience: Patience,
    condition: Condition,
    /// What `prepare_to_wait_event()` returned, what is left of the time, and the result.
    told: LocalId,
    left: LocalId,
    result: LocalId,
    line: SourceLine,
}

impl<'a> Lower<'a> {
    /// `wait-event QUEUE "CONDITION" [interruptible] [killable] [timeout]`
    pub(super) fn wait_event(
        &mut self,
        unit: &mut Unit<'a>,
        node: &'a Node,
        spec: &'static OpSpec,
        sorted: &Options<'_>,
    ) {
        let [queue, condition] = sorted.operands.as_slice() else { return };
        let queue = match self.given(Some(unit), Takes::Object(&[Kind::WaitQueue]), queue) {
            Some(Given::Operand(operand)) => operand,
            _ => return,
        };
        let Some(condition) = self.shared_condition(unit, condition) else { return };
        let into = self.result(unit, node, spec, sorted);
        let patience = Patience::of(sorted.has("interruptible") || sorted.has("killable"), sorted.has("timeout"));
        let (told, left, result) = (unit.hidden(), unit.hidden(), unit.hidden());
        let wait = Wait { queue, patience, condition, told, left, result, line: unit.line() };
        // might_sleep() is asked first, whatever the condition is.
        let op = waitqueue::ops::Wait { how: waitqueue::How::Schedule, queue, patience }.into();
        unit.emit(Instr::Judge { op });
        let failure = self.failure_of(unit, node, &Subject::Op(spec), sorted);
        let open = self.open_failure(unit, failure, into, None);
        if !open.never {
            self.has_loops = true;
            self.wait_loop(unit, &wait);
            unit.back_to(wait.line);
            if let Some(into) = into {
                let expr = self.add_expr(vec![ExprNode::Read(result)]);
                unit.emit(Instr::Let { into, expr });
            }
        }
        let unset = self.unset_expr();
        let loaded = wait.condition.loads.into_iter().map(|(_, local, _)| local);
        unit.give_back(loaded.chain([told, left, result]).collect(), unset);
        self.close_failure(unit, open);
    }

    fn wait_loop(&mut self, unit: &mut Unit<'a>, wait: &Wait) {
        let Wait { queue, patience, told, left, result, .. } = *wait;
        let op = |how| Op::from(waitqueue::ops::Wait { how, queue, patience });
        let success = Value::Word(i32::from(patience.timed()));
        self.set(unit, left, Value::Word(1));
        let not_yet = self.look(unit, wait);
        self.set(unit, result, success);
        let at_once = unit.emit(Instr::Jump(0));
        unit.land(vec![not_yet]);
        let head = unit.here();
        at(unit, wait, "prepare_to_wait_event");
        unit.emit(Instr::Op { op: op(waitqueue::How::Prepare), into: Some(told), may_fail: None });
        let not_yet = self.look(unit, wait);
        self.set(unit, result, success);
        let mut finish = vec![unit.emit(Instr::Jump(0))];
        unit.land(vec![not_yet]);
        let mut out = vec![at_once];
        if patience.interruptible() {
            // It is off the queue already, and so nothing is to be finished.
            let signal = self.is_not(told, Value::Word(0));
            let none = unit.emit(Instr::Branch { expr: signal, otherwise: 0 });
            let expr = self.add_expr(vec![ExprNode::Read(told)]);
            unit.emit(Instr::Let { into: result, expr });
            out.push(unit.emit(Instr::Jump(0)));
            unit.land(vec![none]);
        }
        if patience.timed() {
            let time_left = self.is_not(left, Value::Word(0));
            let over = unit.emit(Instr::Branch { expr: time_left, otherwise: 0 });
            let on = unit.emit(Instr::Jump(0));
            unit.land(vec![over]);
            self.set(unit, result, Value::Word(0));
            finish.push(unit.emit(Instr::Jump(0)));
            unit.land(vec![on]);
        }
        at(unit, wait, "schedule");
        unit.emit(Instr::Op { op: op(waitqueue::How::Schedule), into: Some(left), may_fail: None });
        unit.emit(Instr::Jump(u16::try_from(head).unwrap_or(u16::MAX)));
        unit.land(finish);
        at(unit, wait, "finish_wait");
        unit.emit(Instr::Op { op: op(waitqueue::How::Finish), into: None, may_fail: None });
        unit.land(out);
    }

    /// Reads the condition's words, and looks: what follows is for when it is true. Where to go if not is still to be
    /// said.
    fn look(&mut self, unit: &mut Unit<'a>, wait: &Wait) -> usize {
        for (place, into, name) in &wait.condition.loads {
            at(unit, wait, &format!("load {name}"));
            let nothing = Operand::Const(Value::Unset);
            let (how, order, place) = (How::Load, Order::Relaxed, *place);
            let op = variable::ops::Access { how, order, place, a: nothing, b: nothing, benign: false }.into();
            unit.emit(Instr::Op { op, into: Some(*into), may_fail: None });
        }
        unit.emit(Instr::Branch { expr: wait.condition.expr, otherwise: 0 })
    }

    fn set(&mut self, unit: &mut Unit<'a>, into: LocalId, value: Value) {
        let expr = self.add_expr(vec![ExprNode::Const(value)]);
        unit.emit(Instr::Let { into, expr });
    }

    fn is_not(&mut self, local: LocalId, value: Value) -> u16 {
        self.add_expr(vec![ExprNode::Read(local), ExprNode::Const(value), ExprNode::Apply(Operator::Ne)])
    }

    fn shared_condition(&mut self, unit: &mut Unit<'a>, value: &Written) -> Option<Condition> {
        let ValueKind::Text { inner, .. } = &value.kind else {
            self.mistakes
                .add("condition", value.span, "a condition is quoted")
                .expected("`\"EXPRESSION\"` over shared words and locals")
                .help(format!("such as `wait-event q \"{} != 0\"`", value.span.of(self.text)));
            return None;
        };
        let expr = expr::parse(self.text, *inner, self.mistakes)?;
        let mut loads: Vec<(Place, LocalId, String)> = vec![];
        let mut nodes = vec![];
        postfix(&expr, &mut nodes, &mut |leaf, span| self.word_or_local(unit, leaf, span, &mut loads))?;
        if loads.is_empty() {
            self.mistakes
                .add("wait-event", value.span, "this looks at nothing shared: nobody could make it true")
                .expected("a variable, an element `a.0` or a field `p.f` in the condition");
            return None;
        }
        let expr = self.compiled(nodes, value.span, |local| unit.type_of(local))?;
        Some(Condition { loads, expr })
    }

    /// A shared word of a condition, by the local that it is loaded into; each is loaded once.
    fn word_or_local(
        &mut self,
        unit: &mut Unit<'a>,
        leaf: Leaf<'_>,
        span: Span,
        loads: &mut Vec<(Place, LocalId, String)>,
    ) -> Option<ExprNode> {
        let Leaf::Name(name) = leaf else { return self.script_leaf(unit, leaf, span) };
        let known = parts(name);
        let place = match (known.as_slice(), self.names.find(&known[0])) {
            ([name], _) if unit.local(name).is_some() => None,
            ([_], Some((Symbol::Var { first, len: None }, _))) => Some(Place::Var(first)),
            ([_, at], Some((Symbol::Var { first, len: Some(len) }, _))) => {
                let index = Operand::Const(Value::Word(at.parse().unwrap_or(i32::MAX)));
                Some(self.element(first, len, index, span)?)
            }
            ([base, field], None) => Some(self.field_place(unit, base, field, None, span)?),
            _ => None,
        };
        let Some(place) = place else { return self.script_leaf(unit, leaf, span) };
        if let Some((_, local, _)) = loads.iter().find(|(other, ..)| *other == place) {
            return Some(ExprNode::Read(*local));
        }
        let local = unit.hidden();
        unit.set_type(local, self.program.type_at(place));
        loads.push((place, local, name.to_owned()));
        Some(ExprNode::Read(local))
    }
}

/// The next instruction is this part of the wait.
fn at(unit: &mut Unit<'_>, wait: &Wait, part: &str) {
    let whole = &wait.line;
    unit.back_to(SourceLine { text: format!("{}: {part}", whole.text), ..whole.clone() });
}
