//! Threads, devices and interrupt handlers; setup and teardown.

use fenceweave_kernel::primitives::irq;
use fenceweave_kernel::program::Role;
use fenceweave_kernel::{Instr, Kind, Operand, Script, ThreadId};

use super::Lower;
use super::deferred;
use super::names::{Symbol, is_name};
use super::script::Unit;
use crate::ops::{Given, Takes};
use crate::syntax::{Name, Node, Value as Written, ValueKind};

/// Says of a thread that user space may stay away after a system call.
const MAY_STOP: &str = "may-stop";

/// Identical threads; more could not run together anyway.
const COUNT_MAX: i64 = 14;

/// What runs the script of a declaration, if that has one that runs by itself.
pub(super) fn role(node: &Node) -> Option<Role> {
    match node.name.text.as_str() {
        "thread" => Some(Role::Task),
        "device" if !deferred::is_deferred(node) => Some(Role::Device),
        "irq" => Some(Role::Irq),
        _ => None,
    }
}

impl<'a> Lower<'a> {
    /// How many threads one stands for: a number that is known beforehand.
    fn thread_count(&mut self, value: &Written) -> Option<u8> {
        let number = match &value.kind {
            ValueKind::Int(number) => Some(*number),
            ValueKind::Word(_) => self.number_named(value),
            ValueKind::Text { .. } => Some(self.named_number(value)?),
        };
        let fits = number.filter(|number| (1..=COUNT_MAX).contains(number));
        if fits.is_none() {
            self.mistakes
                .add("thread", value.span, format!("a thread stands for 1 to {COUNT_MAX} identical ones"))
                .expected(format!("`count=1` to `count={COUNT_MAX}`"))
                .help("two or three find nearly every mistake");
        }
        fits.and_then(|number| u8::try_from(number).ok())
    }

    /// `thread NAME [count=N]`, `device NAME [count=N]`, `irq NAME on=THREAD [count=N]`
    pub(super) fn thread_head(&mut self, node: &Node) -> Option<(Name, Option<u8>)> {
        let (kind, on) = (node.name.text.as_str(), if node.name.text == "irq" { " on=THREAD|any" } else { "" });
        let (mut name, mut count) = (None, None);
        for entry in &node.entries {
            let span = entry.span();
            match (entry.key.as_ref().map(|key| key.text.as_str()), &entry.value.kind) {
                (None, ValueKind::Word(word)) if name.is_none() && is_name(word) => {
                    name = Some(Name { text: word.clone(), span });
                }
                (None, ValueKind::Word(word)) if name.is_some() && kind == "thread" && word == MAY_STOP => {}
                (None, ValueKind::Word(word)) if name.is_none() => {
                    self.mistakes
                        .add("name", span, format!("`{word}` cannot name a thread"))
                        .expected("letters, digits, `-` and `_`, beginning with a letter");
                    name = Some(Name { text: word.clone(), span });
                }
                (Some("count"), _) => count = self.thread_count(&entry.value),
                (Some("on"), _) if kind == "irq" => {}
                (Some("mm"), _) if kind == "thread" => {}
                (Some("on"), _) => {
                    self.mistakes
                        .add("thread", span, format!("a {kind} has a CPU of its own"))
                        .expected("no `on=`")
                        .help("an interrupt handler runs on a thread's CPU: `irq NAME on=THREAD { … }`");
                }
                _ => {
                    self.mistakes
                        .add("thread", span, format!("this does not belong to the head of a {kind}"))
                        .expected(format!("`{kind} NAME{on} [count=1..{COUNT_MAX}] {{ … }}`"));
                }
            }
        }
        if name.is_none() {
            self.mistakes
                .add("thread", node.head, format!("this {kind} has no name"))
                .expected(format!("`{kind} NAME{on} {{ … }}`"));
        }
        if node.block.is_none() {
            self.mistakes
                .add("no-block", node.head, format!("this {kind} does nothing"))
                .expected("`{ … }` after this");
        }
        if kind == "irq" && node.option("on").is_none() && !node.broken {
            self.mistakes
                .add("irq", node.head, "which CPU does this handler run on?")
                .expected("`on=THREAD`, or `on=any`");
        }
        Some((name?, count))
    }

    /// `thread T mm=NAME`
    pub(super) fn run_in(&mut self, node: &'a Node, name: &str, count: Option<u8>) {
        let Some(value) = node.option("mm").filter(|_| node.name.text == "thread") else { return };
        let Some(Given::Operand(Operand::Object(mm))) = self.given(None, Takes::Object(&[Kind::RwSem]), value) else {
            return;
        };
        if !self.program.mms.contains(&mm) {
            self.mistakes
                .add("mm", value.span, format!("`{}` is no address space", value.span.of(self.text)))
                .expected("the name of an `mm`");
        }
        let names = match count {
            None => vec![name.to_owned()],
            Some(count) => (0..count).map(|i| format!("{name}.{i}")).collect(),
        };
        self.mms.extend(names.into_iter().map(|name| (name, mm)));
    }

    /// Lowers every script of the case.
    pub(super) fn scripts(&mut self, nodes: &[&'a Node]) {
        for node in nodes {
            if self.is_exhausted() {
                return;
            }
            match node.name.text.as_str() {
                "thread" | "device" | "irq" if role(node).is_some() => self.thread(node),
                "setup" if self.program.setup.code.is_empty() => self.program.setup = self.alone(node),
                "teardown" if self.program.teardown.code.is_empty() => self.program.teardown = self.alone(node),
                "setup" | "teardown" => {
                    let name = &node.name.text;
                    self.mistakes
                        .add("declared-twice", node.head, format!("there is a `{name}` already"))
                        .expected(format!("one `{name}`"));
                }
                _ => {}
            }
        }
        for node in nodes.iter().filter(|node| deferred::is_deferred(node)) {
            self.deferred(node);
        }
        for node in nodes.iter().filter(|node| node.name.text == "irq") {
            self.check_interrupted(node);
        }
        self.container_works();
        self.worker_scripts();
        self.timer_scripts();
        self.irq_line_scripts(nodes);
        self.irq_work_scripts();
        let threads = nodes.iter().filter(|node| matches!(node.name.text.as_str(), "thread" | "device")).count();
        if threads == 0 && self.mistakes.is_empty() {
            let end = nodes.last().map_or(Default::default(), |node| node.head);
            self.mistakes
                .add("no-thread", end, "this scenario has no thread")
                .expected("`thread NAME { … }` somewhere");
        }
    }

    fn thread(&mut self, node: &'a Node) {
        let name = node.values().next().map(|value| value.span.of(self.text)).unwrap_or_default();
        let count = self.names.threads().find(|(known, ..)| *known == name).and_then(|(_, _, count)| count);
        let names = match count {
            None => vec![name.to_owned()],
            Some(count) => (0..count).map(|i| format!("{name}.{i}")).collect(),
        };
        let role = role(node).unwrap_or_default();
        let on = if role == Role::Irq { self.interrupted(node) } else { None };
        for name in names {
            let mut unit = Unit::new(&name, false);
            unit.user_space = role == Role::Task;
            unit.kernel = !has_syscall(node.children());
            unit.may_stop = node.values().any(|value| value.span.of(self.text) == MAY_STOP);
            unit.last = self.visible(node.children()).last().copied();
            let handler =
                |how| Instr::Op { op: irq::ops::Irq { how, on, line: None }.into(), into: None, may_fail: None };
            if role == Role::Irq {
                unit.at_line(0, format!("interrupt {name}"));
                unit.emit(handler(irq::HandlerHow::Enter));
            }
            let mut script = self.script_with(unit, node, |unit| {
                if role == Role::Irq {
                    unit.at_line(0, "return from interrupt".to_owned());
                    unit.emit(handler(irq::HandlerHow::Exit));
                }
            });
            script.role = role;
            self.program.scripts.push(script);
        }
    }

    /// `on=THREAD`, or `on=any`.
    fn interrupted(&mut self, node: &'a Node) -> Option<ThreadId> {
        self.program.has_irqs = true;
        let value = node.option("on")?;
        if value.span.of(self.text) != "any" {
            return self.thread_of(value);
        }
        self.judge_any_cpu(value.span);
        None
    }

    /// Handlers do not interrupt each other, and a device has no CPU of the kernel's.
    fn check_interrupted(&mut self, node: &'a Node) {
        let Some(value) = node.option("on").filter(|value| value.span.of(self.text) != "any") else { return };
        let Some((Symbol::Thread { first, .. }, declared)) = self.names.find(value.span.of(self.text)) else { return };
        let what = match self.program.scripts.get(first.index()).map(|script| script.role) {
            Some(Role::Irq) => "an interrupt handler",
            Some(Role::Device) => "a device",
            _ => return,
        };
        let name = value.span.of(self.text);
        self.mistakes
            .add("irq", value.span, format!("`{name}` is {what}: no handler interrupts it"))
            .expected("`on=THREAD`, or `on=any`")
            .seen(declared, "declared here");
    }

    fn alone(&mut self, node: &'a Node) -> Script {
        if !node.entries.is_empty() || node.block.is_none() {
            let name = &node.name.text;
            self.mistakes
                .add("no-block", node.head, format!("`{name}` takes a block and nothing else"))
                .expected(format!("`{name} {{ … }}`"));
        }
        self.script(Unit::new(&node.name.text, true), node)
    }
}

/// Whether something in a block is a system call.
fn has_syscall(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| node.name.text == "syscall" || has_syscall(node.children()))
}
