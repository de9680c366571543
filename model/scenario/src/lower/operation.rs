//! Operations: a name, operands and options, checked against the table.
//!
//! Here is the way of one through the rooms: which of several is meant (`which`), what it is given (`arguments`),
//! whether it may fail (`inject`, beside this), what it makes of the memory that it needs (`memory`); a word that is no
//! operation is `unknown`. What an operation is, and what it takes, no room here knows: that is its row in the kernel.

mod arguments;
mod memory;
mod unknown;
mod which;

use super::{
    Lower,
    inject::{ALWAYS_FAILS, ERROR, FAIL_NTH, MAY_FAIL, Subject},
    names::Symbol,
    options::Options,
    script::Unit,
};
use crate::{
    mistakes::Span,
    ops::{self, Args, Given, OpSpec, Opt, Takes, option},
    syntax::Node,
};
use fenceweave_kernel::{Instr, LocalId, Op, Operand, fence::ops::SetError, program::SlabKind};

/// What every operation takes.
const INTO: Opt = option("into", Takes::Value, "where the result goes");
const KIND: Opt = option("kind", Takes::Value, "what a local refers to, where the name of the operation does not say");
const AT: Opt = option("at", Takes::Value, "the element of an array");
/// `MAX_ERRNO` of the kernel.
const MAX_ERRNO: i32 = 4095;
static EVERYWHERE: [Opt; 7] = [INTO, MAY_FAIL, ALWAYS_FAILS, FAIL_NTH, ERROR, KIND, AT];

impl<'a> Lower<'a> {
    /// A statement that is none of the language's own: an operation, or the call of a proc.
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

    /// `acquire-init c for=w.1` in setup: a context that each thread has one of is that thread's.
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
            args.give("sem", Given::Operand(self.current_mmap_lock(Some(unit), node.head)));
        }
        if matches!(spec.name, "copy-from-user" | "copy-to-user")
            && !self.program.mms.is_empty()
            && !self.has_no_mm(unit)
            && let Some(mm) = self.mm_of(unit.name(), node.head)
        {
            args.give("mm", Given::Operand(Operand::Object(mm)));
        }
        let op = (spec.build)(&args);
        self.check_spin(unit, node, op);
        self.check_error(node, op);
        self.check_options(node, spec, sorted);
        self.note_needs(op);
        let into = self.result(unit, node, spec, sorted);
        if into.is_some() && op.row().cursor == into {
            self.tell_same_local(node);
        }
        let failure = self.failure_of(unit, node, &Subject::Op(spec), sorted);
        let line = unit.line();
        let gfp = sorted.value("gfp").filter(|_| op.row().memory_first);
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

    /// `dma_fence_set_error()` warns of what is no error: one that is written there is none in any execution.
    fn check_error(&mut self, node: &Node, op: Op) {
        let Op::SetError(SetError { error: Operand::Const(error), .. }) = op else { return };
        let is_error = |n: i64| (-i64::from(MAX_ERRNO)..0).contains(&n);
        let Some(number) = error.integer().filter(|n| !is_error(*n)) else { return };
        let Some(value) = node.values().nth(1) else { return };
        let said = value.span.of(self.text);
        let help =
            (1..=i64::from(MAX_ERRNO)).contains(&number).then(|| format!("errors are negative: write `-{said}`"));
        self.mistakes
            .add("fence-error", value.span, format!("`{said}` is no error that a fence could carry"))
            .expected(format!("one of -{MAX_ERRNO} to -1"))
            .help_if(help);
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
        self.needs_srcu |= needs.srcu;
        self.needs_power |= needs.power;
        self.program.says_caching |= needs.caching;
        self.has_loops |= needs.loops;
        self.program.timestamps |= needs.timestamps;
        self.program.fence_points |= needs.fence_points;
        self.program.bare_sleeps |= needs.bare_sleeps;
        self.program.sends_signals |= needs.signals;
        self.program.lists_go |= needs.lists_go;
        self.program.has_way_out |= needs.way_out;
    }

    /// Options that exclude each other, and those of which there must be one.
    fn check_options(&mut self, node: &Node, spec: &OpSpec, sorted: &Options<'_>) {
        let both = |a: &str, b: &str| sorted.has(a) && sorted.has(b);
        let wake_q = spec.name == "wake-q-add" && !sorted.has("queue") && !sorted.has("task");
        let (message, expected) = match spec.name {
            "mmap-lock" if both("killable", "trylock") => {
                ("a `trylock` never waits: there is nothing to kill", "one of them")
            }
            "new" if self.keeps_what_was_there(sorted) => {
                ("a typesafe slab keeps what the last object there left", "no `memory=`")
            }
            "wake-q-add" if both("queue", "task") => ("`queue=` and `task=` exclude each other", "one of them"),
            "wake-q-add" if wake_q => ("whom does this note?", "`queue=QUEUE` or `task=THREAD`"),
            _ => return,
        };
        self.mistakes.add("options", node.head, message).expected(expected);
    }

    /// Whether memory of a typesafe slab is asked for in another state than that slab has it in.
    fn keeps_what_was_there(&self, sorted: &Options<'_>) -> bool {
        let named = sorted.operands.first().and_then(|value| self.names.find(value.span.of(self.text)));
        let Some((Symbol::Struct(of), _)) = named else { return false };
        let typesafe = self.program.structs.get(of).is_some_and(|decl| decl.slab == SlabKind::TypesafeByRcu);
        typesafe && sorted.has("memory")
    }

    /// The local that takes the result, if there is a result and somebody wants it.
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
}
