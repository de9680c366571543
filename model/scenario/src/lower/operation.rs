//! Operations: a name, operands and options, checked against the table; and
//! calls of the scenario's own procs, which are inlined.

use fenceweave_kernel::primitives::alloc;
use fenceweave_kernel::program::{CallSite, Gives, SourceLine};
use fenceweave_kernel::{ExprNode, Instr, LocalId, Op, Operand, Type, Value};

use super::entries::Options;
use super::exprs::node_of;
use super::inject::{self, ALWAYS_FAILS, ERROR, FAIL_NTH, MAY_FAIL, Subject};
use super::names::{Symbol, is_name, parts};
use super::script::{Frame, Unit};
use super::{Lower, SECTIONS, flow, list};
use crate::kernel_names;
use crate::ops::{self, Args, Given, OpSpec, Opt, Takes, option};
use crate::report::{Span, did_you_mean};
use crate::syntax::{Node, Value as Written, ValueKind};
use fenceweave_kernel::Kind;

/// `1 argument`, `2 arguments`.
fn arguments_text(n: usize) -> String {
    if n == 1 { "1 argument".into() } else { format!("{n} arguments") }
}

/// What stands for the value of an option where one is missing.
fn option_value(opt: &Opt) -> String {
    match opt.takes {
        Some(Takes::OneOf(words)) => words.join("|"),
        Some(Takes::Number { .. }) => "N".into(),
        _ if opt.name == ALWAYS_FAILS.name || opt.name == ERROR.name => "-ERRNO".into(),
        _ => opt.name.to_uppercase(),
    }
}

/// What every operation takes.
const INTO: Opt = option("into", Takes::Value, "where the result goes");
const KIND: Opt = option("kind", Takes::Value, "what a local refers to, where the name of the operation does not say");
const AT: Opt = option("at", Takes::Value, "the element of an array");
static EVERYWHERE: [Opt; 7] = [INTO, MAY_FAIL, ALWAYS_FAILS, FAIL_NTH, ERROR, KIND, AT];

impl<'a> Lower<'a> {
    pub(super) fn operation(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        if node.broken {
            // Its mistake is told; what its block holds is still looked at.
            return self.block(unit, node.children());
        }
        let name = node.name.text.as_str();
        if let Some(proc) = self.procs.get(name).copied() {
            return self.call(unit, node, proc);
        }
        let candidates = ops::named(name);
        if candidates.is_empty() {
            self.tell_unknown_operation(node);
            return self.block(unit, node.children());
        }
        if let Some(block) = &node.block {
            let at = Span::new(block.span.start as usize, block.span.start as usize + 1);
            self.mistakes.add("block", at, format!("`{name}` takes no block")).expected("the end of the line");
        }
        let known: Vec<&'static Opt> = candidates.iter().flat_map(|op| op.options).chain(&EVERYWHERE).collect();
        let sorted = self.sort(node, name, &known);
        let Some(spec) = self.meaning(unit, node, &candidates, &sorted) else {
            return self.result_of_a_mistake(unit, node);
        };
        self.act_for(unit, spec, &sorted);
        match self.arguments(unit, node, spec, &sorted) {
            Some(_) if spec.name == "wait-event" => self.wait_event(unit, node, spec, &sorted),
            Some(args) => self.emit_operation(unit, node, spec, args, &sorted),
            None => self.result_of_a_mistake(unit, node),
        }
        let calculated = std::mem::take(&mut unit.calculated);
        if !calculated.is_empty() {
            let unset = self.unset_expr();
            unit.give_back(calculated, unset);
        }
    }

    /// What was to take the result is set all the same: that it is not would be told at every place that reads it.
    fn result_of_a_mistake(&mut self, unit: &mut Unit<'a>, node: &Node) {
        let into = node.option("into").and_then(|value| unit.local(value.span.of(self.text)));
        if let Some(into) = into {
            let expr = self.unset_expr();
            unit.emit(Instr::Let { into, expr });
        }
    }

    /// `acquire-init c for=w.1` in setup: a context that each thread has one
    /// of is that thread's.
    fn act_for(&mut self, unit: &mut Unit<'a>, spec: &OpSpec, sorted: &Options<'_>) {
        let means_a_thread = |opt: &&Opt| opt.name == "for" && matches!(opt.takes, Some(Takes::Thread));
        let value = spec.options.iter().find(means_a_thread).and_then(|_| sorted.value("for"));
        unit.acting = value.map(|value| value.span.of(self.text).to_owned());
        if let Some(value) = value.filter(|_| !unit.alone) {
            self.mistakes
                .add("for-thread", value.span, "a thread begins its own contexts only")
                .expected("`for=` in `setup`");
        }
    }

    /// Which operation of that name is meant: the first operand decides.
    fn meaning(
        &mut self,
        unit: &Unit<'a>,
        node: &Node,
        candidates: &[&'static OpSpec],
        sorted: &Options<'_>,
    ) -> Option<&'static OpSpec> {
        let (first, rest) = candidates.split_first()?;
        let takes = |op: &OpSpec| match op.operands.first().map(|param| param.takes) {
            Some(Takes::Object(kinds) | Takes::Objects(kinds)) => kinds,
            _ => &[],
        };
        let Some(operand) = sorted.operands.first().filter(|_| !rest.is_empty()) else {
            return Some(first);
        };
        let name = parts(operand.span.of(self.text)).swap_remove(0);
        if let Some((Symbol::Object { kind, .. }, declared)) = self.names.find(&name) {
            let found = candidates.iter().find(|op| takes(op).contains(&kind));
            if found.is_none() {
                let kinds: Vec<&str> = candidates.iter().flat_map(|op| takes(op)).map(|kind| kind.one()).collect();
                self.mistakes
                    .add("wrong-kind", operand.span, format!("`{}` does nothing with {}", node.name.text, kind.one()))
                    .expected(kinds.join(" or "))
                    .seen(declared, "declared here");
            }
            return found.copied();
        }
        if unit.local(&name).is_none() {
            return Some(first); // which tells what the operand is instead
        }
        self.meaning_for_local(operand, candidates, sorted, takes)
    }

    /// A local is not typed. What it can refer to is what the scenario has.
    fn meaning_for_local(
        &mut self,
        operand: &Written,
        candidates: &[&'static OpSpec],
        sorted: &Options<'_>,
        takes: impl Fn(&OpSpec) -> &'static [Kind],
    ) -> Option<&'static OpSpec> {
        if let Some(value) = sorted.value("kind") {
            let said = value.span.of(self.text);
            let found = Kind::named(said).and_then(|kind| candidates.iter().find(|op| takes(op).contains(&kind)));
            if found.is_none() {
                let kinds = candidates.iter().flat_map(|op| takes(op)).map(|kind| kind.name());
                self.mistakes
                    .add("which-kind", value.span, format!("`{said}` is not one of these"))
                    .expected(list(kinds));
            }
            return found.copied();
        }
        let exists = |kind: &Kind| match kind {
            Kind::Struct => !self.program.structs.is_empty(),
            kind => self.program.objects.iter().any(|object| Kind::of(&object.kind) == Some(*kind)),
        };
        // An option that only one of them has says which one is meant.
        let given = |opt: &&Opt| sorted.has(opt.name);
        let knows = |op: &OpSpec, name: &str| op.options.iter().chain(&EVERYWHERE).any(|opt| opt.name == name);
        let fits = |op: &OpSpec| candidates.iter().flat_map(|c| c.options).filter(given).all(|opt| knows(op, opt.name));
        let possible: Vec<&&'static OpSpec> =
            candidates.iter().filter(|op| takes(op).iter().any(exists) && fits(op)).collect();
        let struct_op = possible.iter().find(|op| takes(op).contains(&Kind::Struct));
        match (possible.as_slice(), struct_op) {
            (_, Some(op)) => Some(**op),
            ([only], _) => Some(**only),
            ([], _) => candidates.first().copied(),
            (several, None) => {
                let kinds: Vec<&str> =
                    several.iter().flat_map(|op| takes(op)).filter(|kind| exists(kind)).map(|k| k.name()).collect();
                let said = operand.span.of(self.text);
                self.mistakes
                    .add("which-kind", operand.span, format!("what does `{said}` refer to?"))
                    .expected(format!("`kind=` one of {}", list(kinds.iter().copied())))
                    .help(match kinds.as_slice() {
                        [only] => format!("add `kind={only}`"),
                        several => {
                            let each = several.iter().map(|kind| format!("kind={kind}")).collect::<Vec<_>>();
                            format!("add {}, whichever it is", list(each.iter().map(String::as_str)))
                        }
                    });
                None
            }
        }
    }

    fn arguments(
        &mut self,
        unit: &mut Unit<'a>,
        node: &'a Node,
        spec: &'static OpSpec,
        sorted: &Options<'_>,
    ) -> Option<Args> {
        let mut args = Args::default();
        let mut complete = self.require(node, spec.name, spec.options, sorted);
        let mut operands = sorted.operands.as_slice();
        for param in spec.operands {
            let given = match (param.takes, operands) {
                (Takes::Objects(kinds), all) => {
                    operands = &[];
                    self.all_objects(unit, (node, spec), kinds, all)
                }
                (Takes::Fences, all) => {
                    operands = &[];
                    self.all_fences(unit, node, all)
                }
                (_, []) => {
                    self.tell_missing_operand(node, spec, param.name);
                    return None;
                }
                (takes, [value, rest @ ..]) => {
                    operands = rest;
                    self.argument(unit, takes, value, sorted)
                }
            };
            complete &= given.is_some();
            given.into_iter().for_each(|given| args.give(param.name, given));
        }
        complete &= operands.is_empty();
        self.tell_extra_operands(spec, operands);
        if sorted.has("into") {
            args.give("into", Given::Flag);
        }
        complete &= self.options_given(unit, spec, sorted, &mut args);
        complete.then_some(args)
    }

    fn argument(&mut self, unit: &mut Unit<'a>, takes: Takes, value: &Written, sorted: &Options<'_>) -> Option<Given> {
        match takes {
            Takes::Callback => self.callback_of(unit, value),
            Takes::Place => self.place(unit, value, sorted.value("at")).map(Given::Place),
            // `wait-event` reads it itself, again and again.
            Takes::Shared => Some(Given::Flag),
            Takes::Value if matches!(value.kind, ValueKind::Text { .. }) => self.calculated(unit, value),
            Takes::Condition => self.condition_on_word(unit, value, sorted.operands[0]).map(Given::Expr),
            takes => self.given(Some(unit), takes, value),
        }
    }

    fn tell_extra_operands(&mut self, spec: &'static OpSpec, operands: &[&Written]) {
        for extra in operands {
            let said = extra.span.of(self.text);
            let valued = spec.options.iter().chain(&EVERYWHERE).find(|opt| opt.name == said && !opt.bare);
            if let Some(opt) = valued {
                let value = option_value(opt);
                self.mistakes
                    .add("no-value", extra.span, format!("`{said}` needs a value"))
                    .expected(format!("`{said}={value}`"));
                continue;
            }
            let flags = spec.options.iter().filter(|opt| opt.bare).map(|opt| opt.name);
            let flag = did_you_mean(said, flags);
            self.mistakes
                .add("extra-operand", extra.span, format!("`{}` takes no more operands", spec.name))
                .expected("the end of the line, or an option")
                .help(flag.unwrap_or_else(|| format!("it is written `{}`", ops::synopsis(spec))));
        }
    }

    /// The options; whether all are as they should be.
    fn options_given(
        &mut self,
        unit: &mut Unit<'a>,
        spec: &'static OpSpec,
        sorted: &Options<'_>,
        args: &mut Args,
    ) -> bool {
        let (mut first, mut complete) = (None, true);
        for (opt, span, value) in sorted.all() {
            if EVERYWHERE.iter().any(|everywhere| everywhere.name == opt.name) {
                continue;
            }
            let Some(own) = spec.options.iter().find(|own| own.name == opt.name) else {
                complete = false;
                self.mistakes
                    .add("unknown-option", span, format!("`{}` has no `{}` here", spec.name, opt.name))
                    .expected(format!("`{}`", ops::synopsis(spec)));
                continue;
            };
            if let Some(before) = first.replace(own.name).filter(|_| spec.one_option) {
                complete = false;
                self.mistakes
                    .add("two-options", span, format!("`{}` takes `{before}` or `{}`", spec.name, own.name))
                    .expected("one of them")
                    .help("remove the one that is not meant");
            }
            let given = match (own.takes, value) {
                (Some(takes), Some(value)) => self.given(Some(unit), takes, value),
                _ => Some(Given::Flag),
            };
            complete &= given.is_some();
            given.into_iter().for_each(|given| args.give(own.name, given));
        }
        complete
    }

    /// An operand that is an expression over locals: it is calculated first, which nobody sees.
    fn calculated(&mut self, unit: &mut Unit<'a>, value: &Written) -> Option<Given> {
        let expr = self.script_expr(unit, value)?;
        let into = unit.hidden();
        unit.emit(Instr::Let { into, expr });
        unit.calculated.push(into);
        Some(Given::Operand(Operand::Local(into)))
    }

    fn tell_missing_operand(&mut self, node: &Node, spec: &OpSpec, operand: &str) {
        self.mistakes
            .add("missing-operand", node.head, format!("`{}` needs one more operand: {operand}", spec.name))
            .expected(format!("`{}`", ops::synopsis(spec)));
    }

    /// The operands of `lock-all`: names only, and of a reservation its lock; of `exec-prepare-array`: reservations.
    fn all_objects(
        &mut self,
        unit: &mut Unit<'a>,
        (node, spec): (&Node, &OpSpec),
        kinds: &'static [Kind],
        values: &[&Written],
    ) -> Option<Given> {
        /// The back-off loop keeps a bit for each.
        const LOCKS_MAX: usize = 16;
        let mut found = Vec::new();
        for value in values {
            let operand = match self.given(Some(unit), Takes::Object(kinds), value)? {
                Given::Operand(Operand::Object(id)) => {
                    Operand::Object(if kinds.contains(&Kind::WwMutex) { self.program.named_by(id) } else { id })
                }
                _ => {
                    self.mistakes
                        .add("wrong-kind", value.span, "this list takes names, not locals")
                        .expected("the name of a reservation or a ww-mutex")
                        .help("lock what a local refers to by `lock`, one after the other");
                    return None;
                }
            };
            found.push(operand);
        }
        if !(1..=LOCKS_MAX).contains(&found.len()) {
            self.mistakes
                .add("missing-operand", node.head, format!("`{}` of {} locks", node.name.text, found.len()))
                .expected(format!("1 to {LOCKS_MAX} reservations or ww-mutexes"));
            return None;
        }
        if spec.each_once {
            // Taken once, though named twice: released once.
            let mut once: Vec<Operand> = Vec::new();
            found.retain(|operand| {
                !once.contains(operand) && {
                    once.push(*operand);
                    true
                }
            });
        }
        Some(Given::Operands(self.pool(&found)))
    }

    /// The operands of `fence-merge`.
    fn all_fences(&mut self, unit: &mut Unit<'a>, node: &Node, values: &[&Written]) -> Option<Given> {
        /// The operation in flight keeps each.
        const FENCES_MAX: usize = 4;
        let mut found = Vec::new();
        for value in values {
            let fence = Takes::Object(&[Kind::Fence]);
            let null = super::names::constant(value.span.of(self.text)) == Some(Value::Null);
            match self.given(Some(unit), if null { Takes::Value } else { fence }, value)? {
                Given::Operand(operand) => found.push(operand),
                _ => return None,
            }
        }
        if !(1..=FENCES_MAX).contains(&found.len()) {
            self.mistakes
                .add("missing-operand", node.head, format!("`{}` of {} fences", node.name.text, found.len()))
                .expected(format!("1 to {FENCES_MAX} fences"));
            return None;
        }
        Some(Given::Operands(self.pool(&found)))
    }

    fn emit_operation(
        &mut self,
        unit: &mut Unit<'a>,
        node: &'a Node,
        spec: &OpSpec,
        mut args: Args,
        sorted: &Options<'_>,
    ) {
        if spec.name.starts_with("mmap-") {
            // The semaphore of the address space goes without saying.
            args.give("sem", Given::Operand(Operand::Object(self.mmap_lock(node.head))));
        }
        let op = (spec.build)(&args);
        self.check_spin(unit, node, op);
        self.check_options(node, spec, sorted);
        self.note_needs(op);
        let into = self.result(unit, node, spec, sorted);
        if into.is_some() && op.row().cursor == into {
            self.tell_same_local(node);
        }
        let failure = self.failure_of(unit, node, &Subject::Op(spec), sorted);
        let line = unit.line();
        let gfp = sorted.value("gfp").filter(|_| op.row().gives == Gives::New);
        // What fails of an allocation is that there is no memory.
        let fails = gfp.map_or(op, |gfp| self.memory(gfp));
        let open = self.open_failure(unit, failure, into, Some(fails));
        if !open.never {
            let may_fail = open.may_fail;
            match gfp {
                Some(gfp) => self.new_with_gfp(unit, gfp, Instr::Op { op, into, may_fail }),
                None => {
                    unit.emit(Instr::Op { op, into, may_fail });
                }
            }
        }
        unit.back_to(line);
        self.close_failure(unit, open);
    }

    /// Setup and teardown have nobody who writes the word that they spin on.
    fn check_spin(&mut self, unit: &Unit<'a>, node: &Node, op: Op) {
        if unit.alone && op.row().spins_on_word {
            let name = unit.name();
            self.mistakes
                .add("spin-alone", node.head, format!("nobody writes anything while `{name}` spins"))
                .expected("a thread")
                .help(format!("`{name}` runs alone: `load` the word"));
        }
    }

    /// What the program must have, or be prepared for.
    fn note_needs(&mut self, op: Op) {
        let needs = op.row().needs;
        self.needs_rcu |= needs.rcu;
        self.has_loops |= needs.loops;
        self.program.timestamps |= needs.timestamps;
        self.program.bare_sleeps |= needs.bare_sleeps;
        self.program.sends_signals |= needs.signals;
    }

    /// The allocation of memory for a `new`.
    fn memory(&self, gfp: &Written) -> Op {
        alloc::ops::Alloc { gfp: alloc::Gfp::named(Some(gfp.span.of(self.text))) }.into()
    }

    /// `new STRUCT gfp=`: the memory first, which may have to be reclaimed or not be had, then the object.
    fn new_with_gfp(&mut self, unit: &mut Unit<'a>, gfp: &Written, new: Instr) {
        let op = self.memory(gfp);
        let Instr::Op { into: Some(into), .. } = new else {
            unit.emit(Instr::Op { op, into: None, may_fail: None });
            unit.emit(new);
            return;
        };
        unit.emit(Instr::Op { op, into: Some(into), may_fail: None });
        let expr = self.add_expr(vec![fenceweave_kernel::ExprNode::Read(into)]);
        let failed = unit.emit(Instr::Branch { expr, otherwise: 0 });
        unit.emit(new);
        unit.land(vec![failed]);
    }

    /// Options that exclude each other, and those of which there must be one.
    fn check_options(&mut self, node: &Node, spec: &OpSpec, sorted: &Options<'_>) {
        let both = |a: &str, b: &str| sorted.has(a) && sorted.has(b);
        let wake_q = spec.name == "wake-q-add" && !sorted.has("queue") && !sorted.has("task");
        let (message, expected) = match spec.name {
            "mmap-lock" if both("killable", "trylock") => {
                ("a `trylock` never waits: there is nothing to kill", "one of them")
            }
            "wake-q-add" if both("queue", "task") => ("`queue=` and `task=` exclude each other", "one of them"),
            "wake-q-add" if wake_q => ("whom does this note?", "`queue=QUEUE` or `task=THREAD`"),
            _ => return,
        };
        self.mistakes.add("options", node.head, message).expected(expected);
    }

    pub(super) fn result(
        &mut self,
        unit: &Unit<'a>,
        node: &Node,
        spec: &OpSpec,
        sorted: &Options<'_>,
    ) -> Option<LocalId> {
        let value = sorted.value("into")?;
        if spec.returns.is_empty() {
            self.mistakes
                .add("no-result", value.span, format!("`{}` returns nothing", node.name.text))
                .expected("no `into=`");
            return None;
        }
        unit.local(value.span.of(self.text))
    }

    fn tell_unknown_operation(&mut self, node: &Node) {
        let name = node.name.text.as_str();
        let help = match ops::of_kernel_function(name) {
            Some(op) => Some(format!("`{name}()` is written `{}`", ops::synopsis(op))),
            None if crate::decls::named(name).is_some() => {
                Some("declarations stand in the scenario, outside of threads".to_owned())
            }
            None if kernel_names::statement(name).is_some() => kernel_names::statement(name).map(str::to_owned),
            None if name == "call" => Some("a proc is called by its own name: `NAME ARGUMENT…`".to_owned()),
            None if SECTIONS.iter().any(|(section, ..)| *section == name) => {
                Some("it stands in the scenario, outside of threads: is a `}` missing above?".to_owned())
            }
            None => {
                let flow = flow::STATEMENTS.iter().map(|(name, ..)| *name);
                let procs = self.procs.keys().copied();
                did_you_mean(name, ops::all().map(|op| op.name).chain(flow).chain(procs))
            }
        };
        self.mistakes
            .add("unknown-op", node.name.span, format!("there is no operation `{name}`"))
            .expected("an operation, a statement or a proc")
            .help_if(help);
    }

    /// Notes the scenario's procs: `proc NAME ARGUMENT… { … }`.
    pub(super) fn collect_procs(&mut self, nodes: &[&'a Node]) {
        for node in nodes.iter().filter(|node| node.name.text == "proc" && !node.broken) {
            let text = self.text;
            let first = node.values().next().map(|value| value.span.of(text));
            let well_formed = node.entries.iter().all(|entry| {
                entry.key.is_none() && matches!(&entry.value.kind, ValueKind::Word(word) if is_name(word))
            });
            let Some(name) = first.filter(|_| well_formed && node.block.is_some()) else {
                self.mistakes.add("proc", node.head, "this is no proc").expected("`proc NAME ARGUMENT… { … }`");
                continue;
            };
            let span = node.entries[0].span();
            if !ops::named(name).is_empty() || flow::is_statement(name) {
                self.mistakes
                    .add("declared-twice", span, format!("`{name}` is an operation already"))
                    .expected("another name");
            } else if let Some(other) = self.procs.insert(name, node) {
                self.mistakes
                    .add("declared-twice", span, format!("there is a proc `{name}` already"))
                    .expected("another name")
                    .seen(other.head, "declared here");
            }
        }
    }

    /// Looks at the procs that nobody calls, for their mistakes.
    pub(super) fn idle_procs(&mut self) {
        let idle: Vec<&'a Node> =
            self.procs.iter().filter(|(name, _)| !self.called.contains(*name)).map(|(_, proc)| *proc).collect();
        for proc in idle {
            let kept = (self.program.clone(), self.allocations.clone(), self.needs_rcu, self.has_loops);
            let names = self.names.clone();
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
            (self.program, self.allocations, self.needs_rcu, self.has_loops) = kept;
            self.names = names;
        }
    }

    /// A call: the body with locals of its own, in the caller's place.
    fn call(&mut self, unit: &mut Unit<'a>, node: &'a Node, proc: &'a Node) {
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
                .expected("a loop: procs do not recurse");
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
        let SourceLine { line: at, column, ref text, .. } = line;
        unit.call_sites.push(CallSite { proc: name.to_owned(), line: at, column, text: text.clone() });
        unit.frames.push(frame);
        self.block(unit, proc.children());
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
