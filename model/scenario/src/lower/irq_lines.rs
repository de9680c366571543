//! Lines of interrupts: those that are declared, `irq-line NAME handler=F thread=G`, with the CPU that takes them and
//! the thread of a threaded handler; and those of handlers that come by themselves, `irq NAME`, if somebody disables,
//! frees or waits for one.

use fenceweave_kernel::primitives::irq;
use fenceweave_kernel::primitives::irq_line::{kind::Raised, ops::LineRun, run::How, run::WAKE_THREAD};
use fenceweave_kernel::program::{FunctionCall, Line, Role, SourceLine};
use fenceweave_kernel::{Instr, Kind, LocalId, ObjId, Operand, Program, Script, ThreadId, Value, fixed};

use super::functions::is_function;
use super::names::{Symbol, is_name};
use super::{Lower, deferred};
use crate::mistakes::{Span, did_you_mean};
use crate::syntax::{Name, Node, Value as Written, ValueKind};

/// What the head of one says.
const OPTIONS: [&str; 4] = ["handler", "thread", "on", "oneshot"];

impl<'a> Lower<'a> {
    /// `irq-line NAME [handler=F] [thread=G] [on=THREAD|any] [oneshot=yes]`
    pub(super) fn declare_irq_lines(&mut self, nodes: &[&'a Node], mut next: usize) {
        for node in nodes.iter().filter(|node| node.name.text == "irq-line" && !node.broken) {
            let name = node.values().next().filter(|value| is_name(value.span.of(self.text)));
            let known = |key: &Name| OPTIONS.contains(&key.text.as_str());
            let named = node.entries.iter().filter_map(|entry| entry.key.as_ref()).all(known);
            let handled = node.option("handler").is_some() || node.option("thread").is_some();
            let oneshot = node.option("oneshot").map(|value| value.span.of(self.text));
            let (Some(name), 1, true, true, None, None | Some("yes")) =
                (name, node.values().count(), named, handled, &node.block, oneshot)
            else {
                self.mistakes
                    .add("irq-line", node.head, "this is no line of an interrupt")
                    .expected("`irq-line NAME [handler=FUNCTION] [thread=FUNCTION] [on=THREAD|any] [oneshot=yes]`")
                    .help("what it does stands in a `fn`: `handler=` one that is called in the interrupt, `thread=` one that may sleep");
                continue;
            };
            self.program.has_irqs = true;
            let on = node.option("on").filter(|value| value.span.of(self.text) != "any");
            let on = on.and_then(|value| self.thread_of(value));
            let mut thread = || {
                next += 1;
                ThreadId(u8::try_from(next - 1).unwrap_or(u8::MAX))
            };
            let handler = thread();
            let threaded = node.option("thread").map(|_| thread());
            let oneshot = oneshot.is_some() || node.option("handler").is_none();
            let raised = Some(Raised { on, thread: threaded, oneshot });
            let name = Name { text: name.span.of(self.text).to_owned(), span: name.span };
            let id = self.object(name.text.clone(), fixed::IrqLine { handler, raised });
            self.declare_name(&name, Symbol::Object { id, kind: Kind::IrqLine });
            if on.is_none() {
                self.judge_any_cpu(node.head);
            }
        }
    }

    /// One choice has room for so many CPUs and an idle one.
    pub(super) fn judge_any_cpu(&mut self, span: Span) {
        let counted = |(name, first, count): (&str, ThreadId, Option<u8>)| {
            let is_cpu = !self.irqs.iter().any(|(irq, _)| *irq == first);
            is_cpu.then(|| (name.to_owned(), usize::from(count.unwrap_or(1))))
        };
        let threads: Vec<(String, usize)> = self.names.threads().filter_map(counted).collect();
        let workers = self.program.objects.iter().map(|o| (o.name.clone(), deferred::workers_of(&o.kind)));
        let all: Vec<(String, usize)> = threads.into_iter().chain(workers.filter(|(_, n)| *n > 0)).collect();
        let cpus: usize = all.iter().map(|(_, n)| n).sum();
        if cpus > irq::MAX_CPUS {
            let named = all.iter().map(|(name, n)| if *n == 1 { name.clone() } else { format!("{n} of {name}") });
            self.mistakes
                .add("too-many", span, format!("an interrupt on any CPU among {cpus} threads"))
                .expected(format!("at most {} threads and workers", irq::MAX_CPUS))
                .help(format!(
                    "these have a CPU each: {}. Say `on=THREAD`, with a handler for each thread that it matters for, or give \
                     a `workqueue` fewer `workers=`",
                    named.collect::<Vec<_>>().join(", ")
                ));
        }
    }

    /// What the CPU does that takes a line's interrupts, and the thread of its handler.
    pub(super) fn irq_line_scripts(&mut self, nodes: &[&'a Node]) {
        for node in nodes.iter().filter(|node| node.name.text == "irq-line" && !node.broken) {
            let Some(name) = node.values().next().map(|name| name.span.of(self.text)) else { continue };
            let Some((Symbol::Object { id, kind: Kind::IrqLine }, _)) = self.names.find(name) else { continue };
            let handler = node.option("handler").and_then(|value| self.handler(value, 1));
            let thread = node.option("thread").and_then(|value| self.handler(value, 0));
            let script = self.line_script(name.to_owned(), id, (How::Begin, How::End), handler);
            self.program.scripts.push(Script { role: Role::Irq, ..script });
            if node.option("thread").is_some() {
                let name = format!("{name}.thread");
                let script = self.line_script(name, id, (How::Take, How::Done), thread);
                self.program.scripts.push(Script { role: Role::Worker, ..script });
            }
            self.has_loops = true;
        }
    }

    /// The function that a line calls, with at most so many arguments.
    fn handler(&mut self, value: &'a Written, arguments: usize) -> Option<&'a Node> {
        let said = value.span.of(self.text);
        let function = self.procs.get(said).copied().filter(|node| is_function(node));
        let Some(function) = function.filter(|node| node.entries.len() - 1 <= arguments) else {
            let known = self.procs.iter().filter(|(_, node)| is_function(node)).map(|(name, _)| *name);
            let help = if function.is_none() { did_you_mean(said, known) } else { None };
            let (message, seen) = match (function, &value.kind) {
                (Some(function), ValueKind::Word(_)) => (format!("`{said}` takes too much"), Some(function.head)),
                _ => (format!("there is no function `{said}`"), None),
            };
            self.mistakes
                .add("irq-line", value.span, message)
                .expected(format!("a `fn` of at most {}", super::procs::arguments_text(arguments)))
                .help_if(help)
                .seen_if(seen, "declared here");
            return None;
        };
        Some(function)
    }

    /// Waits for an interrupt, calls what handles it, and begins again.
    fn line_script(
        &mut self,
        name: String,
        line: ObjId,
        (begin, end): (How, How),
        function: Option<&'a Node>,
    ) -> Script {
        let (job, said) = (LocalId(0), LocalId(1));
        let unset = self.unset_expr();
        let anywhere = self
            .program
            .fixed::<fixed::IrqLine>(line)
            .and_then(|line| line.raised.as_ref())
            .is_some_and(|r| r.on.is_none());
        let step = |how, value, into| Instr::Op {
            op: LineRun { how, line: Operand::Object(line), value, anywhere }.into(),
            into,
            may_fail: None,
        };
        let text = |text: String| SourceLine { line: 0, text, ..SourceLine::default() };
        // The primary handler that there is without one wakes the thread; what returns nothing has handled it.
        let constant = if begin == How::Begin && function.is_none() { WAKE_THREAD } else { 1 };
        let nothing = Operand::Const(Value::Word(constant));
        let mut code = vec![(step(begin, nothing, Some(job)), text(format!("interrupt {name}")))];
        let mut calls = vec![];
        let mut returned = nothing;
        if let Some(function) = function {
            let called = function.entries[0].span().of(self.text);
            self.called.insert(called);
            let args = if function.entries.len() > 1 { vec![self.read_of(job)] } else { vec![] };
            let into = if self.results_of(function) > 0 { vec![said] } else { vec![] };
            if !into.is_empty() && begin == How::Begin {
                returned = Operand::Local(said);
            }
            let callee = self.register_function(called, function);
            calls.push(FunctionCall { callee, args, into, keep: u16::MAX });
            code.push((Instr::Call(0), text(format!("{called} is called"))));
        }
        code.push((step(end, returned, None), text("return from interrupt".to_owned())));
        for into in [job, said] {
            code.push((Instr::Let { into, expr: unset }, text(String::new())));
        }
        code.push((Instr::Jump(0), text(String::new())));
        code.push((Instr::End, text(String::new())));
        let (code, lines) = code.into_iter().unzip();
        let locals = vec!["interrupt".to_owned(), "said".to_owned()];
        Script { name, code, lines, calls, locals, agent: true, ..Script::default() }
    }

    /// The lines of handlers that come by themselves, and that somebody disables, frees or waits for; and all who name
    /// a line are told which it is.
    pub(super) fn add_irq_lines(&mut self) {
        let declared = self.program.ids().filter_map(|id| {
            let line = self.program.fixed::<fixed::IrqLine>(id)?;
            line.raised.is_some().then_some((line.handler, id))
        });
        for (handler, id) in declared.collect::<Vec<_>>() {
            self.tell_line(handler, 1, id);
        }
        for (first, count) in self.irqs.clone() {
            let asks = |i: &Instr| operation_of(i).is_some_and(|op| op.row().line == Line::Of(first));
            let all = |program: &Program| {
                program.scripts.iter().chain([&program.setup, &program.teardown]).any(|s| s.code.iter().any(asks))
            };
            if !all(&self.program) {
                continue;
            }
            let name = self.program.thread_name(first).trim_end_matches(".0").to_owned();
            let id = self.object(format!("{name}.line"), fixed::IrqLine { handler: first, raised: None });
            self.tell_line(first, count, id);
        }
    }

    fn tell_line(&mut self, first: ThreadId, count: u8, id: ObjId) {
        let Program { scripts, setup, teardown, .. } = &mut self.program;
        for (at, script) in scripts.iter_mut().chain([setup, teardown]).enumerate() {
            let is_handler = (first.index()..first.index() + usize::from(count)).contains(&at);
            for instr in &mut script.code {
                if let Instr::Op { op, .. } | Instr::Fails { op, .. } | Instr::Judge { op } = instr {
                    let is_told = match op.row().line {
                        Line::Of(handler) => handler == first,
                        Line::Own => is_handler,
                        Line::Nothing => false,
                    };
                    if is_told {
                        *op = op.on_line(id);
                    }
                }
            }
        }
    }
}

fn operation_of(instr: &Instr) -> Option<fenceweave_kernel::Op> {
    match instr {
        Instr::Op { op, .. } | Instr::Fails { op, .. } | Instr::Judge { op } => Some(*op),
        _ => None,
    }
}
