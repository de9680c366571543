//! Work items and timers, with the threads that run them: an item's own, whose script is its block; or the workers of
//! its queue, or the CPUs on which timers expire, which call its function.

use fenceweave_kernel::kind::{Function, OfKind};
use fenceweave_kernel::primitives::irq_work::kind::MAX_CPUS as IRQ_WORKS_AT_ONCE;
use fenceweave_kernel::primitives::timer::kind::{MAX_CPUS, MAX_TIMERS, Runner as Handler};
use fenceweave_kernel::primitives::workqueue::kind::{MAX_WORKERS, Runner, Workers};
use fenceweave_kernel::primitives::workqueue::pool::How;
use fenceweave_kernel::primitives::{device, timer, workqueue};
use fenceweave_kernel::program::{CalleeId, Role, SourceLine};
use fenceweave_kernel::{Instr, Kind, LocalId, ObjId, ObjectKind, Op, Operand, Script, ThreadId, Value, fixed};

use super::Lower;
use super::names::{Symbol, is_name};
use super::script::Unit;
use crate::mistakes::Span;
use crate::ops::{Given, Takes};
use crate::syntax::{Name, Node, Value as Written, ValueKind};

/// The queue of items with a function that name none.
const SYSTEM_QUEUE: &str = "system_wq";
/// What timers with a function are on.
const TIMER_BASE: &str = "timer_base";

/// Whether a declaration says what runs when something else asks for it: also a device that has a queue.
pub(super) fn is_deferred(node: &Node) -> bool {
    let is_device = || node.name.text == "device" && node.option("queue").is_some();
    matches!(node.name.text.as_str(), "work" | "delayed-work" | "timer") || is_device()
}

/// Whether something in there puts an item on a queue that it names.
fn says_queue(node: &Node) -> bool {
    const QUEUE: [&str; 3] = ["queue-work", "queue-delayed-work", "mod-delayed-work"];
    let here = QUEUE.contains(&node.name.text.as_str()) && node.option("queue").is_some();
    here || node.children().iter().any(says_queue)
}

/// How many threads an object has of its own.
pub(super) fn threads_of(kind: &ObjectKind) -> usize {
    let timer = queue_workers(kind).and_then(|workers| workers.timer);
    let timers = fixed::TimerBase::of(kind).map_or(0, |base| usize::from(base.count));
    let cpus =
        timers + fixed::IrqWorks::of(kind).map_or(0, |base| base.works.len().min(usize::from(IRQ_WORKS_AT_ONCE)));
    let raised = fixed::IrqLine::of(kind).and_then(|line| line.raised.as_ref());
    let handlers = raised.map_or(0, |raised| 1 + usize::from(raised.thread.is_some()));
    usize::from(kind.runs().is_some()) + workers_in(kind) + usize::from(timer.is_some()) + cpus + handlers
}

/// How many of them are workers.
pub(super) fn workers_of(kind: &ObjectKind) -> usize {
    let raised = fixed::IrqLine::of(kind).and_then(|line| line.raised.as_ref());
    let threaded = raised.is_some_and(|raised| raised.thread.is_some());
    usize::from(kind.queue().is_some() && kind.runs().is_some()) + workers_in(kind) + usize::from(threaded)
}

fn workers_in(kind: &ObjectKind) -> usize {
    queue_workers(kind).map_or(0, |workers| usize::from(workers.count))
}

fn queue_workers(kind: &ObjectKind) -> Option<&Workers> {
    fixed::Workqueue::of(kind)?.workers.as_ref()
}

/// What the head of a work item or a timer says.
struct Head<'a> {
    node: &'a Node,
    name: Name,
    queue: Option<ObjId>,
    /// `fn=F`
    function: Option<&'a Written>,
}

impl<'a> Lower<'a> {
    /// `work NAME [ARGUMENT] [queue=Q] { … }` or `work NAME fn=F [queue=Q]`, `delayed-work` likewise, and
    /// `timer NAME [ARGUMENT] { … }` or `timer NAME fn=F`: their objects and their threads.
    pub(super) fn declare_deferred(&mut self, nodes: &[&'a Node]) {
        let scripted: usize = self.names.threads().map(|(_, _, count)| usize::from(count.unwrap_or(1))).sum();
        let mut heads = Vec::new();
        for node in nodes.iter().filter(|node| is_deferred(node) && !node.broken) {
            match self.deferred_head(node) {
                Some(head) => heads.push(head),
                None => self.tell_deferred(node),
            }
        }
        self.complete_item_members();
        let shared = nodes.iter().any(|node| says_queue(node));
        if shared {
            self.share_pool();
        }
        for head in &mut heads {
            let is_item = !matches!(head.node.name.text.as_str(), "timer" | "device");
            if is_item && (head.function.is_some() || shared) {
                let queue = *head.queue.get_or_insert_with(|| self.system_queue(head.name.span));
                self.give_workers(queue);
            }
        }
        let mut next = scripted;
        for head in heads {
            self.declare_head(head, &mut next);
        }
        self.declare_container_works(next);
        let next = next + self.program.containers.len();
        let next = self.declare_workers(next);
        let next = self.declare_timer_cpus(next);
        self.declare_irq_lines(nodes, next);
    }

    /// `w type=work fn=F [queue=Q]`, `t type=timer fn=F` inside of a struct: the item of one slot. Queue and function
    /// are known later.
    pub(super) fn item_member(&mut self, name: String, what: &str, node: &'a Node) -> ObjId {
        let object = match what {
            "timer" => timer_on(ObjId::default(), None),
            _ => work_on(ObjId::default(), Runner::Worker(None), what == "delayed-work").0,
        };
        let id = self.object(name, object);
        self.item_members.push((id, node));
        id
    }

    fn complete_item_members(&mut self) {
        for (id, node) in std::mem::take(&mut self.item_members) {
            let is_timer = self.program.is::<fixed::Timer>(id);
            let Some(function) = self.member_function(node, is_timer) else { continue };
            let function = function.map(|function| self.called(function));
            if is_timer {
                let base = self.timer_base();
                let object = timer_on(base, function);
                if let Some(decl) = self.program.objects.get_mut(usize::from(id.number())) {
                    decl.kind = object;
                }
                continue;
            }
            let queue = match node.option("queue") {
                None => self.system_queue(node.head),
                Some(value) => match self.given(None, Takes::Object(&[Kind::Workqueue]), value) {
                    Some(Given::Operand(Operand::Object(id))) => id,
                    _ => continue,
                },
            };
            self.give_workers(queue);
            let delayed = self.program.is::<fixed::DelayedWork>(id);
            let (object, _) = work_on(queue, Runner::Worker(function), delayed);
            if let Some(decl) = self.program.objects.get_mut(usize::from(id.number())) {
                decl.kind = object;
            }
        }
    }

    /// What an item inside of an object calls, if it is not said by its init function; `None` of what is none.
    fn member_function(&mut self, node: &'a Node, is_timer: bool) -> Option<Option<&'a Written>> {
        let (one, form) = match is_timer {
            true => ("timer", "`NAME type=timer [fn=FUNCTION]`"),
            false => ("work item", "`NAME type=work [fn=FUNCTION] [queue=WORKQUEUE]`"),
        };
        let known = |key: &str| ["type", "fn", "len"].contains(&key) || key == "queue" && !is_timer;
        let well_formed = node.entries.iter().all(|e| e.key.as_ref().is_some_and(|k| known(&k.text)));
        if !well_formed || node.block.is_some() {
            let item = if is_timer { "timer" } else { "item" };
            self.mistakes
                .add("field", node.head, format!("this does not belong to a {one} inside of an object"))
                .expected(form)
                .help(format!(
                    "its function is a `fn` of its own, which gets the {item} and its data: `container-of` finds the \
                     object"
                ));
            return None;
        }
        Some(node.option("fn"))
    }

    fn called(&mut self, function: &'a Written) -> Function {
        let callee = self.callee(function, 2);
        Function { callee: callee.unwrap_or(CalleeId(0)), data_only: false }
    }

    fn tell_deferred(&mut self, node: &Node) {
        let kind = node.name.text.as_str();
        let argument = match kind {
            "timer" => " [ARGUMENT]",
            "device" => " [ARGUMENT] queue=fifo",
            _ => " [ARGUMENT] [queue=WORKQUEUE]",
        };
        let function = node.option("fn").is_some();
        let message = match (node.values().count(), &node.block) {
            (0, _) => format!("this {kind} has no name"),
            (_, Some(_)) if function => format!("this {kind} has a function and a block"),
            (_, None) if !function => format!("this {kind} does nothing"),
            _ => format!("this does not belong to the head of a {kind}"),
        };
        let other = if kind != "device" { ", or `fn=FUNCTION` in the place of argument and block" } else { "" };
        self.mistakes.add("deferred", node.head, message).expected(format!("`{kind} NAME{argument} {{ … }}`{other}"));
    }

    fn deferred_head(&mut self, node: &'a Node) -> Option<Head<'a>> {
        let values: Vec<_> = node.values().collect();
        let known: &[&str] = match node.name.text.as_str() {
            "timer" => &["fn"],
            "device" => &["queue"],
            _ => &["queue", "fn"],
        };
        let words = values.iter().all(|v| matches!(&v.kind, ValueKind::Word(word) if is_name(word)));
        let function = node.option("fn");
        let most = if function.is_some() { 1 } else { 2 };
        let well_formed = words && (1..=most).contains(&values.len()) && node.block.is_some() == function.is_none();
        let mut keys = node.entries.iter().filter_map(|entry| entry.key.as_ref());
        if !well_formed || keys.any(|key| !known.contains(&key.text.as_str())) {
            return None;
        }
        let queue = match node.option("queue") {
            None => None,
            Some(value) if node.name.text == "device" => {
                if value.span.of(self.text) != "fifo" {
                    return None;
                }
                None
            }
            Some(value) => match self.given(None, Takes::Object(&[Kind::Workqueue]), value) {
                Some(Given::Operand(Operand::Object(id))) => Some(id),
                _ => None,
            },
        };
        let span = values[0].span;
        Some(Head { node, name: Name { text: span.of(self.text).to_owned(), span }, queue, function })
    }

    fn declare_head(&mut self, head: Head<'a>, next: &mut usize) {
        let thread = ThreadId(u8::try_from(*next).unwrap_or(u8::MAX));
        let Head { node, name, queue, .. } = &head;
        let kind = node.name.text.as_str();
        let (object, kind): (ObjectKind, Kind) = if kind == "timer" {
            let object = match head.function {
                Some(function) => timer_on(self.timer_base(), Some(self.called(function))),
                None => {
                    *next += 1;
                    fixed::Timer { runner: Handler::Own(thread) }.into()
                }
            };
            (object, Kind::Timer)
        } else if kind == "device" {
            *next += 1;
            (fixed::Device { engine: thread }.into(), Kind::Device)
        } else {
            let own = format!("{}.queue", name.text);
            let queue = queue.unwrap_or_else(|| self.object(own, fixed::Workqueue { ordered: false, workers: None }));
            let runner = match self.function_of(&head, queue) {
                Some(function) => Runner::Worker(Some(function)),
                None => {
                    *next += 1;
                    Runner::Own(thread)
                }
            };
            work_on(queue, runner, kind == "delayed-work")
        };
        let id = self.object(head.name.text.clone(), object);
        self.declare_name(&head.name, Symbol::Object { id, kind });
    }

    /// What a worker calls to run it; `None` of an item with a thread of its own.
    fn function_of(&mut self, head: &Head<'a>, queue: ObjId) -> Option<Function> {
        if let Some(value) = head.function {
            return Some(self.called(value));
        }
        let has_workers = self.program.fixed::<fixed::Workqueue>(queue).is_some_and(|q| q.workers.is_some());
        has_workers.then(|| Function { callee: self.register(&head.name.text, head.node), data_only: true })
    }

    /// The queue of an item that names none: one of all of them, or the one that the author declared.
    fn system_queue(&mut self, span: Span) -> ObjId {
        match self.names.find(SYSTEM_QUEUE) {
            Some((Symbol::Object { id, kind: Kind::Workqueue }, _)) => id,
            Some((other, declared)) => {
                self.mistakes
                    .add("wrong-kind", span, format!("`{SYSTEM_QUEUE}` is {}", other.one()))
                    .expected(Kind::Workqueue.one())
                    .seen(declared, "declared here");
                ObjId::default()
            }
            None => {
                let queue = fixed::Workqueue { ordered: false, workers: None };
                let id = self.object(SYSTEM_QUEUE.to_owned(), queue);
                self.names.declare(SYSTEM_QUEUE, Symbol::Object { id, kind: Kind::Workqueue }, span);
                id
            }
        }
    }

    /// What all timers with a function are on.
    fn timer_base(&mut self) -> ObjId {
        let known = self.program.ids().find(|id| self.program.is::<fixed::TimerBase>(*id));
        known.unwrap_or_else(|| {
            let base = fixed::TimerBase { first: ThreadId(0), count: 0, timers: vec![] };
            self.object(TIMER_BASE.to_owned(), base)
        })
    }

    /// The CPUs on which they expire, after all other threads: as many as timers, but no more than find what two
    /// handlers at once do to each other.
    fn declare_timer_cpus(&mut self, next: usize) -> usize {
        let Some(id) = self.program.ids().find(|id| self.program.is::<fixed::TimerBase>(*id)) else { return next };
        let on_it = self.program.ids().filter(|timer| self.program.kind(*timer).queue() == Some(id));
        let timers: Vec<ObjId> = on_it.collect();
        if let Some(last) = timers.get(MAX_TIMERS) {
            let name = self.program.name_of(*last).to_owned();
            let span = self.names.find(name.split(['#', '.']).next().unwrap_or_default()).map(|(_, span)| span);
            let have = timers.len();
            self.mistakes
                .add("too-many", span.unwrap_or_default(), format!("{have} timers that call a function"))
                .expected(format!("at most {MAX_TIMERS}, those inside of objects counted for each slot"));
        }
        let count = timers.len().min(usize::from(MAX_CPUS)) as u8;
        if let Some(base) = self.program.fixed_mut::<fixed::TimerBase>(id) {
            base.first = ThreadId(u8::try_from(next).unwrap_or(u8::MAX));
            base.count = count;
            base.timers = timers;
        }
        next + usize::from(count)
    }

    /// An item may come to any queue: each has workers, and all are one pool.
    fn share_pool(&mut self) {
        let queues: Vec<ObjId> = self.program.all::<fixed::Workqueue>().collect();
        queues.iter().for_each(|queue| self.give_workers(*queue));
        self.program.one_pool = queues.first().copied();
    }

    /// What is on it is run by workers, of which there are as many as it says, or as are needed.
    fn give_workers(&mut self, queue: ObjId) {
        if let Some(queue) = self.program.fixed_mut::<fixed::Workqueue>(queue) {
            queue.workers.get_or_insert(Workers::of(0));
        }
    }

    /// The workers of all queues that have any, after all other threads.
    fn declare_workers(&mut self, mut next: usize) -> usize {
        let thread = |next: usize| ThreadId(u8::try_from(next).unwrap_or(u8::MAX));
        for at in 0..self.program.objects.len() {
            let queue = ObjId::object(at);
            let Some(fixed::Workqueue { ordered, workers: Some(workers) }) = self.program.fixed(queue) else {
                continue;
            };
            let on_it = || self.program.ids().filter(|id| self.program.kind(*id).queue() == Some(queue));
            let delayed: Vec<ObjId> = on_it().filter(|id| self.program.is::<fixed::DelayedWork>(*id)).collect();
            let count = match (workers.count, *ordered) {
                // Of those that may come besides, two find what two of them do to each other.
                (0, false) if self.program.one_pool.is_some() => on_it().count().max(self.items().min(2)),
                (0, false) => on_it().count(),
                (0, true) => 1,
                (n, _) => usize::from(n),
            };
            let first = thread(next);
            next += count;
            let timer = (!delayed.is_empty()).then(|| thread(next));
            next += usize::from(timer.is_some());
            self.check_workers(queue, count);
            let count = count.min(usize::from(MAX_WORKERS)) as u8;
            if let Some(queue) = self.program.fixed_mut::<fixed::Workqueue>(queue) {
                queue.workers = Some(Workers { first, count, timer, delayed });
            }
        }
        next
    }

    /// How many items workers run.
    fn items(&self) -> usize {
        self.program
            .ids()
            .filter(|id| self.program.is::<fixed::Work>(*id) || self.program.is::<fixed::DelayedWork>(*id))
            .count()
    }

    fn check_workers(&mut self, queue: ObjId, count: usize) {
        let name = self.program.name_of(queue).to_owned();
        let span = self.names.find(&name).map(|(_, span)| span).unwrap_or_default();
        let ordered = self.program.fixed::<fixed::Workqueue>(queue).is_some_and(|q| q.ordered);
        if ordered && count > 1 {
            self.mistakes
                .add("workers", span, format!("`{name}` is ordered: one item runs at a time"))
                .expected("no `workers=`, or `workers=1`");
        }
        if count > usize::from(MAX_WORKERS) {
            self.mistakes
                .add("too-many", span, format!("`{name}` has {count} items, which may all run at once"))
                .expected(format!("at most {MAX_WORKERS} workers"))
                .help("say how many may: `workers=2` finds what two of them do to each other");
        }
    }

    /// What the agents of queues do.
    pub(super) fn worker_scripts(&mut self) {
        let queues: Vec<(ObjId, Workers)> =
            self.program.ids().filter_map(|id| Some((id, queue_workers(self.program.kind(id))?.clone()))).collect();
        for (queue, workers) in queues {
            // An item may be queued again from wherever; also by itself.
            self.has_loops = true;
            let name = self.program.name_of(queue).to_owned();
            for worker in workers.each() {
                let name = match workers.count {
                    1 => format!("{name}.worker"),
                    _ => format!("{name}.worker.{}", worker.0 - workers.first.0),
                };
                let script = self.worker_script(name, queue);
                self.program.scripts.push(script);
            }
            if workers.timer.is_some() {
                let script = agent(
                    format!("{name}.timers"),
                    Role::Agent,
                    vec![
                        (pool(How::Expire, queue, Operand::Const(Value::Null), None), "timers of delayed work"),
                        (Instr::End, ""),
                    ],
                );
                self.program.scripts.push(script);
            }
        }
    }

    /// What the CPUs do on which timers expire: each calls a handler, again and again.
    pub(super) fn timer_scripts(&mut self) {
        let of = |id: ObjId| Some((id, self.program.fixed::<fixed::TimerBase>(id)?.count));
        let Some((base, count)) = self.program.ids().find_map(of) else { return };
        // A timer may be armed again from wherever; also by its own handler.
        self.has_loops = true;
        for cpu in 0..count {
            let (timer, expr) = (LocalId(0), self.unset_expr());
            let name = if count == 1 { format!("{TIMER_BASE}.cpu") } else { format!("{TIMER_BASE}.cpu.{cpu}") };
            let step = |how, timer, into| Instr::Op {
                op: timer::ops::TimerBase { how, base, timer }.into(),
                into,
                may_fail: None,
            };
            let code = vec![
                (step(timer::base::How::Expire, Operand::Const(Value::Null), Some(timer)), "timers expire"),
                (step(timer::base::How::Done, Operand::Local(timer), None), "the timer's function is done"),
                (Instr::Let { into: timer, expr }, ""),
                (Instr::Jump(0), ""),
                (Instr::End, ""),
            ];
            let script = agent(name, Role::Timer, code);
            self.program.scripts.push(Script { locals: vec!["timer".to_owned()], ..script });
        }
    }

    /// A worker: runs an item, again and again.
    fn worker_script(&mut self, name: String, queue: ObjId) -> Script {
        let (work, expr) = (LocalId(0), self.unset_expr());
        let script = agent(
            name,
            Role::Worker,
            vec![
                (pool(How::Take, queue, Operand::Const(Value::Null), Some(work)), "take work"),
                (pool(How::Done, queue, Operand::Local(work), None), "work is done"),
                (Instr::Let { into: work, expr }, ""),
                (Instr::Jump(0), ""),
                (Instr::End, ""),
            ],
        );
        Script { locals: vec!["work".to_owned()], ..script }
    }

    /// The thread that runs a work item, or a timer's handler: again and again, what the block says.
    pub(super) fn deferred(&mut self, node: &'a Node) {
        let Some(first) = node.values().next() else { return };
        let name = first.span.of(self.text);
        let Some((Symbol::Object { id, .. }, _)) = self.names.find(name) else { return };
        if self.program.kind(id).runs().is_none() {
            return;
        }
        let (object, data) = (Operand::Object(id), Operand::Const(Value::Word(0)));
        let (role, begin, end): (Role, Op, Option<Op>) = match node.name.text.as_str() {
            "timer" => {
                let end = timer::ops::Timer { how: timer::How::Done, timer: object, data };
                (Role::Timer, timer::ops::TimerHandler { timer: id }.into(), Some(end.into()))
            }
            "device" => (Role::Device, device::ops::NextJob { device: id }.into(), None),
            _ => {
                let end = workqueue::ops::Work { how: workqueue::How::Done, work: object, data };
                (Role::Worker, workqueue::ops::Worker { work: id }.into(), Some(end.into()))
            }
        };
        let mut unit = Unit::new(name, false);
        let into = node.values().nth(1).map(|argument| {
            let argument = argument.span.of(self.text);
            unit.declare_local(argument)
        });
        unit.at_line(0, format!("run {name}"));
        unit.emit(Instr::Op { op: begin, into, may_fail: None });
        let mut script = self.script_with(unit, node, |unit| {
            unit.at_line(0, format!("{name} is done"));
            end.into_iter().for_each(|op| {
                unit.emit(Instr::Op { op, into: None, may_fail: None });
            });
        });
        self.start_over(&mut script);
        // It may be queued again, or expire again, from wherever; also by itself.
        self.has_loops = true;
        script.agent = true;
        script.role = role;
        self.program.scripts.push(script);
    }

    /// From the end back to the beginning, with every local as it was.
    fn start_over(&mut self, script: &mut Script) {
        let expr = self.unset_expr();
        let end = script.lines.pop().unwrap_or_default();
        script.code.pop();
        let locals = 0..script.locals.len() as u8;
        let unset = locals.map(|l| Instr::Let { into: LocalId(l), expr });
        script.code.extend(unset.chain([Instr::Jump(0), Instr::End]));
        script.lines.resize(script.code.len(), end);
    }
}

/// An item of a queue, and what its author calls it.
fn work_on(queue: ObjId, runner: Runner, delayed: bool) -> (ObjectKind, Kind) {
    let work = fixed::Work { runner, queue };
    if delayed { (fixed::DelayedWork { work }.into(), Kind::DelayedWork) } else { (work.into(), Kind::Work) }
}

fn timer_on(base: ObjId, function: Option<Function>) -> ObjectKind {
    fixed::Timer { runner: Handler::Base { base, function } }.into()
}

fn pool(how: How, queue: ObjId, work: Operand, into: Option<LocalId>) -> Instr {
    Instr::Op { op: workqueue::ops::Pool { how, queue, work }.into(), into, may_fail: None }
}

fn agent(name: String, role: Role, code: Vec<(Instr, &str)>) -> Script {
    let line = |text: &str| SourceLine { line: 0, text: text.to_owned(), ..SourceLine::default() };
    let (code, lines) = code.into_iter().map(|(instr, text)| (instr, line(text))).unzip();
    Script { name, code, lines, agent: true, role, ..Script::default() }
}
