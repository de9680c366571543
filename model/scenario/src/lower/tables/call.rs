//! `call`: through a local, a word, a field, or a slot of a table.
//!
//! Which functions may be called through a value is known from the text: those whose names stand where a value stands.
//! So a call is a choice between direct ones, and no step:
//!
//! ```text
//!   call f 1 into=r          f == release? { r = release 1 }
//!                            f == destroy? { r = destroy 1 }
//!                            else f is used as a pointer: NULL, an error, or nothing that takes one argument
//!   call o.t.move 1 into=r   t = load o.t
//!                            t == vram-funcs?  { what the slot asks of its caller; r = move-vram 1 }
//!                            t == ghost-funcs? { that table has NULL there }
//!                            else t is used as a pointer
//! ```
//!
//! Where a table belongs to a module, that is looked at first, in a step of its own: the table may be gone.

use std::collections::BTreeSet;

use fenceweave_kernel::expr::Operator;
use fenceweave_kernel::machine::ops::NullSlot;
use fenceweave_kernel::primitives::variable::{How, ops::Access};
use fenceweave_kernel::program::{FunctionCall, SourceLine};
use fenceweave_kernel::{ExprNode, Instr, LocalId, Operand, Order, Place, Type, Value};

use super::{Filled, Slot};
use crate::lower::Lower;
use crate::lower::functions::local_names;
use crate::lower::inject::{self, Subject};
use crate::lower::names::{Symbol, parts};
use crate::lower::procs::arguments_text;
use crate::lower::script::Unit;
use crate::mistakes::Span;
use crate::ops::Opt;
use crate::syntax::{Node, Value as Written, ValueKind};

/// What is called.
enum Target {
    /// Whatever a local holds.
    Value(LocalId),
    /// A slot of the table that a local refers to.
    Slot(LocalId, String),
}

/// The arguments of a call and the locals of its results.
struct Called<'a> {
    args: Vec<u16>,
    into: Vec<LocalId>,
    /// The functions that take so many, and return as much.
    fit: Vec<&'a Node>,
}

/// A table with what it has in a slot.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub(super) table: &'a str,
    value: i32,
    pub(super) ty: Option<&'a str>,
    module: Option<&'a str>,
    filled: Filled<'a>,
}

impl<'a> Lower<'a> {
    /// The functions that `call` may come to, for who follows calls by the text.
    pub(in crate::lower) fn callable(&self) -> Vec<&'a Node> {
        self.values.functions.iter().filter_map(|name| self.procs.get(name).copied()).collect()
    }

    /// `call TARGET ARGUMENT… into=R`
    pub(in crate::lower) fn call_value(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let known: Vec<&'static Opt> = inject::CALL.iter().collect();
        let sorted = self.sort(node, "call", &known);
        let [target, arguments @ ..] = sorted.operands.as_slice() else {
            if !node.broken {
                self.mistakes
                    .add("call", node.head, "what is called here?")
                    .expected("`call FUNCTION ARGUMENT…`, of a local, a field or a slot of a table");
            }
            return;
        };
        let Some((target, among)) = self.target(unit, target, arguments.len()) else { return };
        let wanted: Vec<&str> = node.option("into").map(|into| local_names(self.text, into)).unwrap_or_default();
        let fits = |f: &&'a Node, lower: &mut Self| {
            f.entries.len() - 1 == arguments.len() && lower.results_of(f) >= wanted.len()
        };
        // A slot that no table fills is NULL in all of them: whoever calls it unasked calls NULL.
        let nowhere = among.is_empty() && matches!(target, Target::Slot(..));
        let fit: Vec<&'a Node> = among.into_iter().filter(|f| fits(f, self)).collect();
        if fit.is_empty() && !nowhere {
            let results = if wanted.is_empty() { String::new() } else { format!(" and returns {}", wanted.len()) };
            self.mistakes
                .add(
                    "call",
                    node.head,
                    format!("no function that could be meant takes {}{results}", arguments_text(arguments.len())),
                )
                .expected("a function whose name is stored somewhere, or stands in a table");
            return;
        }
        let into: Vec<LocalId> = wanted.iter().filter_map(|name| unit.local(name)).collect();
        let failure = self.failure_of(unit, node, &Subject::Proc, &sorted);
        let open = self.open_failure(unit, failure, into.first().copied(), None);
        if open.never {
            return;
        }
        let args: Vec<Option<u16>> = arguments.iter().map(|value| self.script_expr(unit, value)).collect();
        if let Some(args) = args.into_iter().collect::<Option<Vec<u16>>>() {
            let called = Called { args, into, fit };
            match target {
                Target::Value(value) => self.choose_function(unit, value, &called),
                Target::Slot(base, slot) => self.choose_table(unit, base, &slot, &called),
            }
        }
        self.close_failure(unit, open);
        self.end_temporaries(unit);
    }

    /// Calls that of the functions which a local holds.
    fn choose_function(&mut self, unit: &mut Unit<'a>, value: LocalId, called: &Called<'a>) {
        let mut done = vec![];
        for function in &called.fit {
            let name = function.entries[0].span().of(self.text);
            let Some(number) = self.function_value(name) else { continue };
            let other = self.unless(unit, value, number);
            self.call_directly(unit, function, called.args.clone(), &called.into);
            done.push(unit.emit(Instr::Jump(0)));
            unit.land(vec![other]);
        }
        self.use_as_pointer(unit, value);
        unit.land(done);
    }

    fn call_directly(&mut self, unit: &mut Unit<'a>, function: &'a Node, args: Vec<u16>, into: &[LocalId]) {
        let name = function.entries[0].span().of(self.text);
        self.called.insert(name);
        let callee = self.register_function(name, function);
        self.has_loops |= self.may_call(name, name);
        unit.emit_call(FunctionCall { callee, args, into: into.to_vec(), keep: u16::MAX });
    }

    /// Calls what that of the tables has in a slot which a local refers to.
    fn choose_table(&mut self, unit: &mut Unit<'a>, base: LocalId, slot: &str, called: &Called<'a>) {
        let mut done = vec![];
        // One of these ways is taken: what is on its way in one of them may be where another one has its own.
        let before = unit.temporaries_in_use();
        let mut most = before;
        for found in self.tables_with(slot) {
            unit.temporaries_back_to(before);
            let other = self.unless(unit, base, Value::Word(found.value));
            self.look_at(unit, &found, slot);
            let function = match found.filled {
                Filled::Function(name) => self.procs.get(name).copied(),
                Filled::Null | Filled::Word(_) => None,
            };
            match function.filter(|f| called.fit.iter().any(|fit| std::ptr::eq(*fit, *f))) {
                Some(function) => self.call_slot(unit, &found, slot, function, called),
                None if found.filled == Filled::Null => self.call_null(unit, &found, slot),
                None => self.use_as_pointer(unit, base),
            }
            done.push(unit.emit(Instr::Jump(0)));
            unit.land(vec![other]);
            most = most.max(unit.temporaries_in_use());
        }
        unit.temporaries_back_to(before);
        match self.is_field(slot) {
            true => {
                let field = self.field(slot);
                let value = unit.temporary();
                unit.set_type(value, Type::S64);
                self.load(unit, Place::Field { base: Operand::Local(base), field }, Some(value));
                self.choose_function(unit, value, called);
            }
            false => self.use_as_pointer(unit, base),
        }
        unit.temporaries_back_to(most.max(unit.temporaries_in_use()));
        unit.land(done);
        if called.fit.is_empty() {
            // Nothing comes here; but what stands behind it may read the results.
            let expr = self.add_expr(vec![ExprNode::Const(Value::Word(0))]);
            for into in &called.into {
                unit.emit(Instr::Let { into: *into, expr });
            }
        }
    }

    /// Calls a function as what a table has in a slot.
    fn call_slot(
        &mut self,
        unit: &mut Unit<'a>,
        found: &Found<'a>,
        slot: &str,
        function: &'a Node,
        called: &Called<'a>,
    ) {
        if !self.has_contract(found, slot) {
            return self.call_directly(unit, function, called.args.clone(), &called.into);
        }
        let mut args = vec![];
        for expr in &called.args {
            let into = unit.temporary();
            unit.set_type(into, self.type_of_expr(unit, *expr));
            unit.emit(Instr::Let { into, expr: *expr });
            args.push(into);
        }
        let held = self.judge_caller(unit, found, slot, &args);
        let exprs = args.iter().map(|local| self.read_of(*local)).collect();
        self.call_directly(unit, function, exprs, &called.into);
        let name = function.entries[0].span().of(self.text);
        self.judge_filler(unit, found, slot, name, &held);
    }

    /// What is called, and the functions that it can be.
    fn target(&mut self, unit: &mut Unit<'a>, target: &Written, arguments: usize) -> Option<(Target, Vec<&'a Node>)> {
        let said = target.span.of(self.text);
        let ValueKind::Word(word) = &target.kind else {
            self.mistakes
                .add("call", target.span, format!("`{said}` is no function"))
                .expected("a local, a field or a slot of a table");
            return None;
        };
        let path = parts(word);
        let slot = path.last().filter(|last| path.len() > 1 && self.is_slot(last)).cloned();
        let Some(slot) = slot else {
            let value = Written { kind: target.kind.clone(), span: target.span };
            let expr = self.script_expr(unit, &value)?;
            return Some((Target::Value(kept(unit, expr)), self.callable()));
        };
        if self.judge_slot(target.span, &slot, arguments) {
            return None;
        }
        let base = self.table_of(unit, &path, target.span)?;
        let functions = self.tables_with(&slot).into_iter().filter_map(|found| match found.filled {
            Filled::Function(name) => Some(name),
            Filled::Null | Filled::Word(_) => None,
        });
        let filled: BTreeSet<&str> = functions.collect();
        let mut among: Vec<&'a Node> = filled.into_iter().filter_map(|name| self.procs.get(name).copied()).collect();
        if self.is_field(&slot) {
            let more = self.callable().into_iter().filter(|f| !among.iter().any(|known| std::ptr::eq(*known, *f)));
            let more: Vec<&'a Node> = more.collect();
            among.extend(more);
        }
        Some((Target::Slot(base, slot), among))
    }

    /// Tells a call of a slot with a number of arguments that no type gives it, or of one that is a word: true of that.
    fn judge_slot(&mut self, span: Span, slot: &str, arguments: usize) -> bool {
        if self.is_field(slot) {
            return false;
        }
        let of_slot = |known: &&Slot<'_>| known.name == slot;
        let mut typed = self.values.types.values().flat_map(|ty| &ty.slots).filter(of_slot);
        let Some(first) = typed.clone().next() else { return false };
        let head = first.head;
        let is_word = typed.clone().all(|known| known.word.is_some());
        if is_word {
            self.mistakes
                .add("call", span, format!("`{slot}` is a word, and nothing that is called"))
                .expected("a slot with a function")
                .seen(head, "declared here");
        } else if typed.all(|known| known.word.is_some() || known.arguments.len() != arguments) {
            let takes = arguments_text(first.arguments.len());
            self.mistakes
                .add("call", span, format!("`{slot}` is called with {takes}"))
                .expected(takes)
                .seen(head, "declared here");
        }
        is_word
    }

    /// The tables that have a slot, and what is in it. What a table does not say is NULL, and 0 of a word.
    fn tables_with(&self, slot: &str) -> Vec<Found<'a>> {
        let of = |table: &super::Table<'a>| {
            let said = table.slots.iter().find(|(name, _)| *name == slot).map(|(_, filled)| *filled);
            let ty = table.ty.and_then(|ty| self.values.types.get(ty));
            let known = ty.map(|ty| ty.slots.iter().find(|known| known.name == slot));
            let unsaid = match known {
                None => Some(Filled::Null),
                Some(known) => known.map(|known| known.word.map_or(Filled::Null, |_| Filled::Word(Value::Word(0)))),
            };
            let filled = said.or(unsaid)?;
            let super::Table { name, value, ty, module, .. } = *table;
            Some(Found { table: name, value, ty, module, filled })
        };
        self.values.tables.iter().filter_map(of).collect()
    }

    /// The table that a path leads to before its last part, in a local.
    fn table_of(&mut self, unit: &mut Unit<'a>, path: &[String], span: Span) -> Option<LocalId> {
        let (_, base) = path.split_last()?;
        let expr = match (base, self.names.find(&base[0])) {
            ([_], Some((Symbol::Table(number), _))) => self.add_expr(vec![ExprNode::Const(Value::Word(number))]),
            _ => {
                let value = Written { kind: ValueKind::Word(base.join(".")), span };
                self.script_expr(unit, &value)?
            }
        };
        Some(kept(unit, expr))
    }

    /// What stands in a slot of the table that a local refers to. Tables never change, so that is no step.
    pub(in crate::lower) fn slot_value(&mut self, unit: &mut Unit<'a>, base: LocalId, slot: &str) -> LocalId {
        let tables = self.tables_with(slot);
        let into = unit.temporary();
        unit.set_type(into, self.type_of_slot(slot));
        let mut done = vec![];
        for found in tables {
            let other = self.unless(unit, base, Value::Word(found.value));
            self.look_at(unit, &found, slot);
            let value = match found.filled {
                Filled::Function(name) => self.function_value(name).unwrap_or(Value::Null),
                Filled::Null => Value::Null,
                Filled::Word(value) => value,
            };
            let expr = self.add_expr(vec![ExprNode::Const(value)]);
            unit.emit(Instr::Let { into, expr });
            done.push(unit.emit(Instr::Jump(0)));
            unit.land(vec![other]);
        }
        match self.is_field(slot) {
            true => {
                let field = self.field(slot);
                self.load(unit, Place::Field { base: Operand::Local(base), field }, Some(into));
            }
            false => self.use_as_pointer(unit, base),
        }
        unit.land(done);
        into
    }

    /// The type of a word, where all that are called so agree.
    fn type_of_slot(&self, slot: &str) -> Type {
        let typed = self.values.types.values().flat_map(|ty| &ty.slots).filter(|known| known.name == slot);
        let mut types: Vec<Type> = typed.filter_map(|known| known.word).collect();
        types.dedup();
        match types[..] {
            [ty] if !self.is_field(slot) => ty,
            _ => Type::S64,
        }
    }

    /// A step that asks whether a table is there, if it goes with a module.
    fn look_at(&mut self, unit: &mut Unit<'a>, found: &Found<'a>, slot: &str) {
        let Some(op) = found.module.and_then(|module| self.look_op(module)) else { return };
        let line = unit.line();
        unit.back_to(SourceLine { text: format!("read {}.{slot}", found.table), ..line.clone() });
        unit.emit(Instr::Op { op, into: None, may_fail: None });
        unit.back_to(line);
    }

    /// A call of what a table has NULL in.
    fn call_null(&mut self, unit: &mut Unit<'a>, found: &Found<'a>, slot: &str) {
        let line = unit.line();
        unit.back_to(SourceLine { text: format!("call {}.{slot}", found.table), ..line.clone() });
        unit.emit(Instr::Op { op: NullSlot.into(), into: None, may_fail: None });
        unit.back_to(line);
    }

    /// A branch that goes elsewhere unless a local holds that.
    fn unless(&mut self, unit: &mut Unit<'a>, local: LocalId, value: Value) -> usize {
        let expr = self.add_expr(vec![ExprNode::Read(local), ExprNode::Const(value), ExprNode::Apply(Operator::Eq)]);
        unit.emit(Instr::Branch { expr, otherwise: 0 })
    }

    /// What is none of the functions or tables is used as a pointer all the same: NULL, an error, something else.
    fn use_as_pointer(&mut self, unit: &mut Unit<'a>, local: LocalId) {
        // No struct has a field of that name.
        let field = self.field("()");
        self.load(unit, Place::Field { base: Operand::Local(local), field }, None);
    }

    fn load(&mut self, unit: &mut Unit<'a>, place: Place, into: Option<LocalId>) {
        let nothing = Operand::Const(Value::Unset);
        let op = Access { how: How::Load, order: Order::Relaxed, place, a: nothing, b: nothing, benign: false }.into();
        unit.emit(Instr::Op { op, into, may_fail: None });
    }

    /// Outside of functions nobody looks at what is live: what a value was on its way is unset.
    fn end_temporaries(&mut self, unit: &mut Unit<'a>) {
        if unit.is_function() {
            return;
        }
        let expr = self.unset_expr();
        for into in unit.temporaries() {
            unit.emit(Instr::Let { into, expr });
        }
    }
}

/// What an expression is, in a local of its own.
fn kept(unit: &mut Unit<'_>, expr: u16) -> LocalId {
    let local = unit.temporary();
    unit.set_type(local, Type::S64);
    unit.emit(Instr::Let { into: local, expr });
    local
}
