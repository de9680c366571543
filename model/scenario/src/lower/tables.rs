//! Functions as values: their names in locals, words and fields, tables of them (`ops`, `ops-type`), and `call`.
//!
//! A function's value is a number of its own, which prints as its name, and so is a table's. Which functions may be
//! called through a value is known from the text: those whose names stand where a value stands. So a call is a choice
//! between direct ones, and no step:
//!
//! ```text
//!   call f 1 into=r          f == release? { r = release 1 }
//!                            f == destroy? { r = destroy 1 }
//!                            else f is used as a pointer: NULL, an error, or nothing that takes one argument
//! ```

use std::collections::{BTreeMap, BTreeSet};

use fenceweave_kernel::expr::Operator;
use fenceweave_kernel::primitives::variable::{How, ops::Access};
use fenceweave_kernel::program::FunctionCall;
use fenceweave_kernel::{ExprNode, Instr, LocalId, Operand, Order, Place, Type, Value};

use super::functions::is_function;
use super::inject::{self, Subject};
use super::names::{Symbol, is_name, parts};
use super::procs::arguments_text;
use super::script::Unit;
use super::{Lower, list};
use crate::mistakes::{Span, did_you_mean};
use crate::ops::Opt;
use crate::syntax::{Name, Node, Value as Written, ValueKind};

/// The functions and tables of one case that have values.
#[derive(Default)]
pub(super) struct Values<'a> {
    /// The functions whose names stand where a value does.
    functions: BTreeSet<&'a str>,
    types: BTreeMap<&'a str, TableType<'a>>,
    tables: Vec<Table<'a>>,
}

/// `ops-type NAME { … }`
struct TableType<'a> {
    head: Span,
    slots: Vec<Slot<'a>>,
}

struct Slot<'a> {
    name: &'a str,
    head: Span,
    arguments: usize,
    optional: bool,
}

/// `ops NAME { … }`
struct Table<'a> {
    value: i32,
    ty: Option<&'a str>,
    /// Each slot that it fills, with its function, or none where it says NULL.
    slots: Vec<(&'a str, Option<&'a str>)>,
}

/// The option of a slot that need not be filled.
const OPTIONAL: &str = "optional";

impl<'a> Lower<'a> {
    /// Notes what of functions and tables is a value.
    pub(super) fn collect_values(&mut self, nodes: &[&'a Node]) {
        let mut open: Vec<&'a Node> = nodes.to_vec();
        while let Some(node) = open.pop() {
            let declares = matches!(node.name.text.as_str(), "proc" | "fn");
            for entry in node.entries.iter().skip(usize::from(declares)) {
                self.note_values(entry.value.span.of(self.text));
            }
            open.extend(self.visible(node.children()));
        }
        for node in nodes.iter().filter(|node| node.name.text == "ops-type" && !node.broken) {
            self.table_type(node);
        }
        for node in nodes.iter().filter(|node| node.name.text == "ops" && !node.broken) {
            self.table(node);
        }
    }

    /// The functions that a value or an expression names.
    fn note_values(&mut self, said: &str) {
        let names = said.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-'));
        for name in names {
            if let Some((name, node)) = self.procs.get_key_value(name)
                && is_function(node)
            {
                self.values.functions.insert(name);
            }
        }
    }

    /// The value of a function, if the name is one's.
    pub(super) fn function_value(&self, name: &str) -> Option<Value> {
        let is_one = self.procs.get(name).is_some_and(|node| is_function(node));
        self.words.function(name).filter(|_| is_one).map(Value::Word)
    }

    /// Whether a name is that of a slot, and of no field.
    pub(super) fn is_slot(&self, name: &str) -> bool {
        let slot = self.values.tables.iter().any(|table| table.slots.iter().any(|(slot, _)| *slot == name));
        let typed = self.values.types.values().any(|ty| ty.slots.iter().any(|slot| slot.name == name));
        let known = self.program.field_names.iter().position(|field| field == name);
        let mut fields = self.program.structs.iter().flat_map(|decl| &decl.fields);
        (slot || typed) && !fields.any(|(field, _)| known == Some(usize::from(field.0)))
    }

    /// `ops-type NAME { SLOT ARGUMENT… [optional] }`
    fn table_type(&mut self, node: &'a Node) {
        let Some(name) = self.table_name(node, "`ops-type NAME { SLOT ARGUMENT… [optional]; … }`") else { return };
        let mut slots: Vec<Slot<'a>> = vec![];
        for slot in self.visible(node.children()) {
            let words: Vec<&str> = slot.values().map(|value| value.span.of(self.text)).collect();
            let optional = words.last() == Some(&OPTIONAL);
            let arguments = words.len() - usize::from(optional);
            let well_formed = slot.block.is_none() && words.len() == slot.entries.len();
            let all_names = words[..arguments].iter().all(|word| is_name(word));
            if slot.broken || !well_formed || !all_names {
                self.tell_slot(slot, "`SLOT ARGUMENT… [optional]`");
                continue;
            }
            if self.is_twice(slot, slots.iter().any(|other| other.name == slot.name.text)) {
                continue;
            }
            slots.push(Slot { name: &slot.name.text, head: slot.head, arguments, optional });
        }
        let text = name.span.of(self.text);
        if let Some(other) = self.values.types.get(text) {
            let seen = other.head;
            self.mistakes
                .add("declared-twice", name.span, format!("there is an `ops-type {text}` already"))
                .expected("another name")
                .seen(seen, "declared here");
            return;
        }
        self.values.types.insert(text, TableType { head: node.head, slots });
    }

    /// `ops NAME [type=T] { SLOT FUNCTION }`
    fn table(&mut self, node: &'a Node) {
        let Some(name) = self.table_name(node, "`ops NAME [type=OPS-TYPE] { SLOT FUNCTION; … }`") else { return };
        let mut slots: Vec<(&'a str, Option<&'a str>)> = vec![];
        for slot in self.visible(node.children()) {
            let [value] = slot.values().collect::<Vec<_>>()[..] else {
                self.tell_slot(slot, "`SLOT FUNCTION`, or `SLOT NULL`");
                continue;
            };
            if slot.broken || slot.block.is_some() || slot.entries.len() != 1 {
                self.tell_slot(slot, "`SLOT FUNCTION`, or `SLOT NULL`");
                continue;
            }
            if self.is_twice(slot, slots.iter().any(|(other, _)| *other == slot.name.text)) {
                continue;
            }
            let said = value.span.of(self.text);
            let function = self.procs.get_key_value(said).filter(|(_, node)| is_function(node)).map(|(name, _)| *name);
            if function.is_none() && said != "NULL" {
                let known = self.procs.iter().filter(|(_, node)| is_function(node)).map(|(name, _)| *name);
                let (help, proc) = (did_you_mean(said, known), self.procs.get(said).map(|node| node.head));
                self.mistakes
                    .add("slot", value.span, format!("there is no function `{said}`"))
                    .expected("the name of a `fn`, or NULL")
                    .help_if(help)
                    .seen_if(proc, "this is a `proc`, which is written into its caller");
            }
            slots.push((&slot.name.text, function));
        }
        self.judge_table(node, &name, &slots);
        if let Some(function) = self.procs.get(name.text.as_str()) {
            let seen = function.head;
            self.mistakes
                .add("declared-twice", name.span, format!("`{}` is a function already", name.text))
                .expected("another name")
                .seen(seen, "declared here");
            return;
        }
        let Some(number) = self.words.function(&name.text) else { return };
        self.declare_name(&name, Symbol::Table(number));
        let ty = node.option("type").map(|value| value.span.of(self.text));
        self.values.tables.push(Table { value: number, ty, slots });
    }

    /// Holds a table against its type.
    fn judge_table(&mut self, node: &'a Node, name: &Name, slots: &[(&'a str, Option<&'a str>)]) {
        for entry in node.entries.iter().filter(|entry| entry.key.as_ref().is_some_and(|key| key.text != "type")) {
            self.mistakes.add("unknown-option", entry.span(), "`ops` has no such option").expected("`type=OPS-TYPE`");
        }
        let Some(value) = node.option("type") else { return };
        let said = value.span.of(self.text);
        let Some(ty) = self.values.types.get(said) else {
            let help = did_you_mean(said, self.values.types.keys().copied());
            self.mistakes
                .add("slot", value.span, format!("there is no `ops-type {said}`"))
                .expected("the name of an `ops-type`")
                .help_if(help);
            return;
        };
        let by_name = |wanted: &str| self.visible_slot(node, wanted);
        let mut told = vec![];
        for (slot, function) in slots {
            let (at, known) = (by_name(slot), ty.slots.iter().find(|known| known.name == *slot));
            let takes = function.and_then(|f| self.procs.get(f)).map(|f| (f.entries.len() - 1, f.head));
            match (known, takes) {
                (None, _) => {
                    let known = ty.slots.iter().map(|slot| slot.name);
                    let help = did_you_mean(slot, known.clone());
                    told.push((at, format!("`{said}` has no slot `{slot}`"), list(known), help, ty.head));
                }
                (Some(known), Some((takes, head))) if takes != known.arguments => told.push((
                    at,
                    format!("`{slot}` is called with {}", arguments_text(known.arguments)),
                    format!("a function that takes {}", arguments_text(known.arguments)),
                    None,
                    head,
                )),
                (Some(known), None) if !known.optional => told.push((
                    at,
                    format!("nobody asks whether `{slot}` is NULL before calling it"),
                    "a function".to_owned(),
                    Some("a slot that may be NULL is `optional` in its `ops-type`".to_owned()),
                    known.head,
                )),
                _ => {}
            }
        }
        let filled = |wanted: &str| slots.iter().any(|(slot, _)| *slot == wanted);
        for missing in ty.slots.iter().filter(|slot| !slot.optional && !filled(slot.name)) {
            told.push((
                name.span,
                format!("`{}` is not filled", missing.name),
                format!("`{} FUNCTION` in its block", missing.name),
                Some("a slot that may be NULL is `optional` in its `ops-type`".to_owned()),
                missing.head,
            ));
        }
        for (at, message, expected, help, seen) in told {
            self.mistakes.add("slot", at, message).expected(expected).help_if(help).seen(seen, "declared here");
        }
    }

    fn visible_slot(&self, node: &'a Node, wanted: &str) -> Span {
        fn find(nodes: &[Node], wanted: &str) -> Option<Span> {
            nodes.iter().find_map(|node| match node.name.text.as_str() {
                "only" => find(node.children(), wanted),
                name => (name == wanted).then_some(node.head),
            })
        }
        find(node.children(), wanted).unwrap_or(node.head)
    }

    fn table_name(&mut self, node: &'a Node, written: &str) -> Option<Name> {
        let name = node.values().next().filter(|value| is_name(value.span.of(self.text)));
        let (Some(name), 1, true) = (name, node.values().count(), node.block.is_some()) else {
            self.mistakes.add("ops", node.head, "this is no table of functions").expected(written);
            return None;
        };
        Some(Name { text: name.span.of(self.text).to_owned(), span: name.span })
    }

    fn tell_slot(&mut self, slot: &Node, written: &str) {
        if !slot.broken {
            self.mistakes.add("slot", slot.head, "this is no slot").expected(written);
        }
    }

    fn is_twice(&mut self, slot: &Node, twice: bool) -> bool {
        if twice {
            self.mistakes
                .add("declared-twice", slot.head, format!("there is a slot `{}` already", slot.name.text))
                .expected("another name");
        }
        twice
    }

    /// The functions that `call` may come to, for who follows calls by the text.
    pub(super) fn callable(&self) -> Vec<&'a Node> {
        self.values.functions.iter().filter_map(|name| self.procs.get(name).copied()).collect()
    }

    /// `call TARGET ARGUMENT… into=R`
    pub(super) fn call_value(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
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
        let Some((value, among)) = self.target(unit, target, arguments.len()) else { return };
        let wanted: Vec<&str> =
            node.option("into").map(|into| super::functions::local_names(self.text, into)).unwrap_or_default();
        let fits = |f: &&'a Node, lower: &mut Self| {
            f.entries.len() - 1 == arguments.len() && lower.results_of(f) >= wanted.len()
        };
        // A slot that no table fills is NULL in all of them: whoever calls it unasked calls NULL.
        let nowhere = among.is_empty() && matches!(&target.kind, ValueKind::Word(word) if self.is_slot_path(word));
        let all: Vec<&'a Node> = among.into_iter().filter(|f| fits(f, self)).collect();
        if all.is_empty() && !nowhere {
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
            self.choose_function(unit, value, &all, (args, into));
        }
        self.close_failure(unit, open);
        self.end_temporaries(unit);
    }

    /// Calls that of the functions which a local holds.
    fn choose_function(
        &mut self,
        unit: &mut Unit<'a>,
        value: LocalId,
        among: &[&'a Node],
        (args, into): (Vec<u16>, Vec<LocalId>),
    ) {
        let mut done = vec![];
        for function in among {
            let name = function.entries[0].span().of(self.text);
            let Some(number) = self.function_value(name) else { continue };
            let other = self.unless(unit, value, number);
            self.called.insert(name);
            let callee = self.register_function(name, function);
            self.has_loops |= self.functions_from([name]).contains(name);
            unit.emit_call(FunctionCall { callee, args: args.clone(), into: into.clone(), keep: u16::MAX });
            done.push(unit.emit(Instr::Jump(0)));
            unit.land(vec![other]);
        }
        self.use_as_pointer(unit, value);
        if among.is_empty() {
            // Nothing comes here; but what stands behind it may read the results.
            let expr = self.add_expr(vec![ExprNode::Const(Value::Word(0))]);
            for into in into {
                unit.emit(Instr::Let { into, expr });
            }
        }
        unit.land(done);
    }

    fn is_slot_path(&self, word: &str) -> bool {
        let path = parts(word);
        path.len() > 1 && path.last().is_some_and(|slot| self.is_slot(slot))
    }

    /// What is called, in a local, and the functions that it can be.
    fn target(&mut self, unit: &mut Unit<'a>, target: &Written, arguments: usize) -> Option<(LocalId, Vec<&'a Node>)> {
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
            let local = unit.temporary();
            unit.set_type(local, Type::S64);
            unit.emit(Instr::Let { into: local, expr });
            return Some((local, self.callable()));
        };
        self.judge_slot(target.span, &slot, arguments);
        let local = self.slot_of(unit, &path, target.span)?;
        let filled: BTreeSet<&str> = self.tables_with(&slot).into_iter().filter_map(|(_, f)| f).collect();
        Some((local, filled.into_iter().filter_map(|name| self.procs.get(name).copied()).collect()))
    }

    /// Tells a call of a slot with a number of arguments that no type gives it.
    fn judge_slot(&mut self, span: Span, slot: &str, arguments: usize) {
        let mut typed = self.values.types.values().flat_map(|ty| &ty.slots).filter(|known| known.name == slot);
        let wrong = typed.clone().next().filter(|_| typed.all(|known| known.arguments != arguments));
        if let Some((takes, head)) = wrong.map(|known| (known.arguments, known.head)) {
            self.mistakes
                .add("call", span, format!("`{slot}` is called with {}", arguments_text(takes)))
                .expected(arguments_text(takes))
                .seen(head, "declared here");
        }
    }

    /// The tables that have a slot, and the function that is in it, or none for NULL. What a table does not say is
    /// NULL.
    fn tables_with(&self, slot: &str) -> Vec<(i32, Option<&'a str>)> {
        let of = |table: &Table<'a>| {
            let filled = table.slots.iter().find(|(name, _)| *name == slot).map(|(_, function)| *function);
            let ty = table.ty.and_then(|ty| self.values.types.get(ty));
            let known = ty.is_none_or(|ty| ty.slots.iter().any(|known| known.name == slot));
            filled.or(known.then_some(None)).map(|function| (table.value, function))
        };
        self.values.tables.iter().filter_map(of).collect()
    }

    /// Reads a slot of the table that a path leads to. Tables never change, so that is no step.
    fn slot_of(&mut self, unit: &mut Unit<'a>, path: &[String], span: Span) -> Option<LocalId> {
        let (slot, base) = path.split_last()?;
        let base = match (base, self.names.find(&base[0])) {
            ([_], Some((Symbol::Table(number), _))) => {
                let local = unit.temporary();
                unit.set_type(local, Type::S64);
                let expr = self.add_expr(vec![ExprNode::Const(Value::Word(number))]);
                unit.emit(Instr::Let { into: local, expr });
                local
            }
            _ => {
                let value = Written { kind: ValueKind::Word(base.join(".")), span };
                let expr = self.script_expr(unit, &value)?;
                let local = unit.temporary();
                unit.set_type(local, Type::S64);
                unit.emit(Instr::Let { into: local, expr });
                local
            }
        };
        Some(self.slot_value(unit, base, slot))
    }

    /// What stands in a slot of the table that a local refers to.
    pub(super) fn slot_value(&mut self, unit: &mut Unit<'a>, base: LocalId, slot: &str) -> LocalId {
        let tables = self.tables_with(slot);
        let into = unit.temporary();
        unit.set_type(into, Type::S64);
        let mut done = vec![];
        for (number, function) in tables {
            let other = self.unless(unit, base, Value::Word(number));
            let value = function.and_then(|name| self.function_value(name)).unwrap_or(Value::Null);
            let expr = self.add_expr(vec![ExprNode::Const(value)]);
            unit.emit(Instr::Let { into, expr });
            done.push(unit.emit(Instr::Jump(0)));
            unit.land(vec![other]);
        }
        self.use_as_pointer(unit, base);
        unit.land(done);
        into
    }

    /// A branch that goes elsewhere unless a local holds that.
    fn unless(&mut self, unit: &mut Unit<'a>, local: LocalId, value: Value) -> usize {
        let expr = self.add_expr(vec![ExprNode::Read(local), ExprNode::Const(value), ExprNode::Apply(Operator::Eq)]);
        unit.emit(Instr::Branch { expr, otherwise: 0 })
    }

    /// What is none of the functions or tables is used as a pointer all the same: NULL, an error, something else.
    fn use_as_pointer(&mut self, unit: &mut Unit<'a>, local: LocalId) {
        // No struct has a field of that name.
        let place = Place::Field { base: Operand::Local(local), field: self.field("()") };
        let nothing = Operand::Const(Value::Unset);
        let op = Access { how: How::Load, order: Order::Relaxed, place, a: nothing, b: nothing, benign: false }.into();
        unit.emit(Instr::Op { op, into: None, may_fail: None });
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
