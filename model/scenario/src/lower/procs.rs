//! The scenario's own procs where they are called by name: each call is inlined, with locals of its own. What the
//! kernel calls through a pointer is in `callees`.

use fenceweave_kernel::program::{CallSite, SourceLine};
use fenceweave_kernel::{ExprNode, Instr, LocalId, Type, Value};

use super::exprs::node_of;
use super::functions::is_function;
use super::inject::{self, Subject};
use super::names::is_name;
use super::script::{Frame, Unit};
use super::{Lower, flow};
use crate::mistakes::Span;
use crate::ops::{self, Opt};
use crate::syntax::{Node, ValueKind};

impl<'a> Lower<'a> {
    /// Notes the scenario's procs: `proc NAME ARGUMENT… { … }`.
    pub(super) fn collect_procs(&mut self, nodes: &[&'a Node]) {
        for node in nodes.iter().filter(|node| matches!(node.name.text.as_str(), "proc" | "fn") && !node.broken) {
            let text = self.text;
            let first = node.values().next().map(|value| value.span.of(text));
            let well_formed = node.entries.iter().all(|entry| {
                entry.key.is_none() && matches!(&entry.value.kind, ValueKind::Word(word) if is_name(word))
            });
            let Some(name) = first.filter(|_| well_formed && node.block.is_some()) else {
                let (word, what) = if is_function(node) { ("fn", "function") } else { ("proc", "proc") };
                self.mistakes
                    .add(word, node.head, format!("this is no {what}"))
                    .expected(format!("`{word} NAME ARGUMENT… {{ … }}`"));
                continue;
            };
            let span = node.entries[0].span();
            if !ops::named(name).is_empty() || flow::is_statement(name) {
                self.mistakes
                    .add("declared-twice", span, format!("`{name}` is an operation already"))
                    .expected("another name");
            } else if let Some(other) = self.procs.insert(name, node) {
                let help = self.replaces(span, other);
                self.mistakes
                    .add("declared-twice", span, format!("there is a {} `{name}` already", one_of(other)))
                    .expected("another name")
                    .help_if(help)
                    .seen(other.head, "declared here");
            }
        }
    }

    /// A function of the scenario that has the name of one of a library's may be meant to replace that.
    fn replaces(&self, span: Span, other: &Node) -> Option<String> {
        let (here, there) = (self.sources.file_of(span), self.sources.file_of(other.head));
        (here == 0 && there > 0).then(|| format!("`override fn {} …` is in that one's place", span.of(self.text)))
    }

    /// Looks at the procs that nobody calls, for their mistakes.
    pub(super) fn idle_procs(&mut self) {
        let idle: Vec<&'a Node> =
            self.procs.iter().filter(|(name, _)| !self.called.contains(*name)).map(|(_, proc)| *proc).collect();
        if idle.is_empty() {
            return;
        }
        let kept = (self.program.clone(), self.allocations.clone(), self.needs_rcu, self.has_loops);
        let needs = (self.needs_srcu, self.needs_power);
        let leaves_files = self.leaves_files;
        let (names, callees) = (self.names.clone(), self.callees.len());
        let (objects, exprs, pool) = (self.program.objects.len(), self.program.exprs.len(), self.program.pool.len());
        for proc in idle {
            if is_function(proc) {
                self.function_script(Unit::new("fn", false), proc);
            } else {
                self.idle_proc(proc);
            }
            // What one of them needs is no other one's, so that all of them may be more than fits.
            self.program.objects.truncate(objects);
            self.program.exprs.truncate(exprs);
            self.program.pool.truncate(pool);
            self.program.callees.truncate(callees);
            self.callees.truncate(callees);
            self.names.clone_from(&names);
        }
        (self.program, self.allocations, self.needs_rcu, self.has_loops) = kept;
        (self.names, self.leaves_files) = (names, leaves_files);
        (self.needs_srcu, self.needs_power) = needs;
    }

    fn idle_proc(&mut self, proc: &'a Node) {
        let mut unit = Unit::new("proc", false);
        let frame = self.frame_of(&mut unit, proc, None);
        let expr = self.add_expr(vec![fenceweave_kernel::ExprNode::Const(Value::Word(0))]);
        for param in &proc.entries[1..] {
            let into = frame.names.get(param.span().of(self.text)).copied();
            if let Some(into) = into {
                unit.emit(Instr::Let { into, expr });
            }
        }
        self.inline(&mut unit, proc, frame);
        self.finish(unit, proc, |_| {});
    }

    /// A call: the body with locals of its own, in the caller's place.
    pub(super) fn call(&mut self, unit: &mut Unit<'a>, node: &'a Node, proc: &'a Node) {
        if is_function(proc) {
            return self.call_function(unit, node, proc);
        }
        let name = node.name.text.as_str();
        let params = &proc.entries[1..];
        let known: Vec<&'static Opt> = inject::CALL.iter().collect();
        let sorted = self.sort(node, name, &known);
        let arguments = sorted.operands.clone();
        if arguments.len() != params.len() || node.block.is_some() {
            let head = self.line_text(proc.head);
            self.mistakes
                .add("call", node.head, format!("`{name}` takes {}", arguments_text(params.len())))
                .expected(format!("`{}`", head.trim_start_matches("proc ")))
                .seen(proc.head, "declared here");
            return;
        }
        if unit.calls.contains(&name) {
            self.mistakes
                .add("recursion", node.head, format!("`{name}` calls itself"))
                .expected("a loop, or `fn`: procs do not recurse");
            return;
        }
        let into = node.option("into").and_then(|value| unit.local(value.span.of(self.text)));
        let failure = self.failure_of(unit, node, &Subject::Proc, &sorted);
        let open = self.open_failure(unit, failure, into, None);
        if open.never {
            return;
        }
        self.called.insert(name);
        let frame = self.frame_of(unit, proc, into);
        for (param, value) in params.iter().zip(arguments) {
            let operand = self.operand(Some(unit), value);
            let local = frame.names.get(param.span().of(self.text)).copied();
            if let (Some(operand), Some(into)) = (operand, local) {
                let ty = frame.types.get(&into.0).copied().filter(|ty| *ty != Type::S64);
                let converted = [vec![node_of(operand)], ty.map(ExprNode::Cast).into_iter().collect()].concat();
                let expr = self.add_expr(converted);
                unit.emit(Instr::Let { into, expr });
            }
        }
        self.inline(unit, proc, frame);
        self.close_failure(unit, open);
    }

    /// The locals of a call; collected while its frame is the one at hand.
    fn frame_of(&mut self, unit: &mut Unit<'a>, proc: &'a Node, into: Option<LocalId>) -> Frame {
        unit.frames.push(Frame { into, ..Frame::default() });
        for param in &proc.entries[1..] {
            self.new_local(unit, param.span().of(self.text), param.span());
        }
        self.collect_locals(unit, proc);
        unit.frames.pop().unwrap_or_default()
    }

    fn inline(&mut self, unit: &mut Unit<'a>, proc: &'a Node, frame: Frame) {
        let (scopes, loops, labels) =
            (std::mem::take(&mut unit.scopes), std::mem::take(&mut unit.loops), std::mem::take(&mut unit.labels));
        let line = unit.line();
        let name = proc.entries[0].span().of(self.text);
        unit.calls.push(name);
        let SourceLine { file, line: at, column, ref text, .. } = line;
        unit.call_sites.push(CallSite { proc: name.to_owned(), file, line: at, column, text: text.clone() });
        let hidden = self.hide(&frame.hides);
        unit.frames.push(frame);
        self.block(unit, proc.children());
        self.hide(&hidden);
        unit.calls.pop();
        unit.call_sites.pop();
        unit.back_to(line);
        (unit.scopes, unit.loops, unit.labels) = (scopes, loops, labels);
        let frame = unit.frames.pop().unwrap_or_default();
        unit.land(frame.exits);
        let unset = self.unset_expr();
        unit.give_back(frame.names.into_values().collect(), unset);
    }
}

fn one_of(node: &Node) -> &'static str {
    if is_function(node) { "function" } else { "proc" }
}

/// `1 argument`, `2 arguments`.
pub(super) fn arguments_text(n: usize) -> String {
    if n == 1 { "1 argument".into() } else { format!("{n} arguments") }
}
