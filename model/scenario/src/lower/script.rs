//! A script being written: instructions, locals, labels and loops.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use fenceweave_kernel::primitives::module;
use fenceweave_kernel::program::{Atomic, CallSite, FunctionCall, Results, SourceLine};
use fenceweave_kernel::{Instr, LocalId, ObjId, Operand, Place, Script, Type};

use super::Lower;
use super::balance;
use super::left;
use super::live::Uses;
use super::unset::{self, Read};
use crate::mistakes::Span;
use crate::syntax::Node;

mod locals;

/// Instructions of one script. Loops are unrolled within reason and procs are
/// inlined, so a short text can ask for very many.
const CODE_MAX: usize = 4096;
/// Locals that are told apart; the model's own limit is lower, and refuses.
const LOCALS_MAX: usize = 60;

/// The script of one thread, or of setup or teardown.
pub(crate) struct Unit<'a> {
    script: Script,
    /// Whether what was written may depend on its name.
    name_asked: Rc<Cell<bool>>,
    reads: Vec<Read>,
    /// Locals that a call begins without, by the instruction before which.
    fresh: Vec<(usize, LocalId)>,
    pub(super) frames: Vec<Frame>,
    pub(super) scopes: Vec<Scope<'a>>,
    pub(super) loops: Vec<Loop>,
    /// Every label of the script with its place.
    pub(super) labels: BTreeMap<&'a str, Span>,
    /// The procs being inlined.
    pub(super) calls: Vec<&'a str>,
    /// Where they are called.
    pub(super) call_sites: Vec<CallSite>,
    /// Hidden locals that nobody uses at the moment.
    free: Vec<LocalId>,
    /// Hidden locals that no statement after the one at hand reads, and how many that one has so far.
    temps: (Vec<LocalId>, usize),
    /// Operands of the operation at hand that were calculated.
    pub(super) calculated: Vec<LocalId>,
    /// Counters of failures, by where those are written.
    counters: BTreeMap<u32, LocalId>,
    /// In setup, the thread on whose behalf something is done.
    pub(super) acting: Option<String>,
    /// Setup or teardown: runs while nobody else does.
    pub(super) alone: bool,
    line: SourceLine,
    pub(super) overflowed: bool,
    /// The first locals, which are set when it begins: the arguments of a callee.
    pub(super) params: usize,
    /// It is a thread's, which comes from user space.
    pub(super) user_space: bool,
    /// Which may stay there for ever.
    pub(super) may_stop: bool,
    /// It never goes there: a kernel thread's, a worker's, an interrupt's.
    pub(super) kernel: bool,
    /// It is in a system call.
    pub(super) in_syscall: bool,
    /// Its last statement.
    pub(super) last: Option<&'a Node>,
    /// It is called through a pointer: its locals live no longer than a call.
    pub(super) callee: bool,
    /// It is a function.
    pub(super) function: bool,
    /// Of a function, where what it returns is.
    pub(super) results: Results,
    /// Which statements read which locals.
    pub(super) uses: Vec<Uses>,
    /// Of a function, what it promises of its returns.
    pub(super) promises: Vec<&'a Node>,
    /// Its arguments that it sets anew, as they were, by name.
    pub(super) kept: Vec<(String, LocalId)>,
    /// What its promises name of what is shared, as it was named when it was called.
    pub(super) named: Named,
}

/// What the promises of a function name of what is shared.
#[derive(Default)]
pub(super) struct Named {
    /// What is being done with it.
    pub(super) at: NamedAt,
    /// Each word on the way, by its path.
    looks: Vec<(String, LocalId)>,
    /// Each lock or word, by its path.
    pub(super) found: Vec<(String, Operand)>,
    /// The locals that have it: like temporaries, but nobody else gets them.
    lasting: Vec<LocalId>,
}

/// Where a function is with what its promises name.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum NamedAt {
    /// Not at its promises.
    #[default]
    Elsewhere,
    /// At its entry, where it is looked for.
    Entry,
    /// At a return, where it was found before.
    Return,
}

/// The locals of a thread, or of one call of a proc.
#[derive(Default)]
pub(super) struct Frame {
    pub(super) names: BTreeMap<String, LocalId>,
    /// The types of those that have another than a word's.
    pub(super) types: BTreeMap<u8, Type>,
    /// Where the result of a call goes.
    pub(super) into: Option<LocalId>,
    /// Jumps to the end of the frame, to be patched.
    pub(super) exits: Vec<usize>,
    /// Names of other files that its locals hide.
    pub(super) hides: Vec<String>,
}

/// The labels of a block that is being lowered.
#[derive(Default)]
pub(super) struct Scope<'a> {
    pub(super) labels: BTreeMap<&'a str, Label>,
    /// What has been put off to the end of the block so far.
    pub(super) defers: Vec<&'a Node>,
    /// It is such a block itself, which nothing may leave.
    pub(super) deferred: bool,
}

/// A label of the block at hand, and the jumps to it until it is come to.
#[derive(Default)]
pub(super) struct Label {
    pub(super) placed: bool,
    /// The instruction that it stands before.
    pub(super) place: usize,
    /// How much had been put off there.
    pub(super) defers: usize,
    /// With how much had been put off where they are.
    pub(super) jumps: Vec<(usize, usize, Span)>,
}

/// A loop that is being lowered: jumps to be patched.
#[derive(Default)]
pub(super) struct Loop {
    pub(super) breaks: Vec<usize>,
    pub(super) continues: Vec<usize>,
    /// Of `exec-until-all-locked`: the set of locks, and who begins the next round at once.
    pub(super) exec: Option<String>,
    pub(super) retries: Vec<usize>,
    /// How many blocks are around it.
    pub(super) scopes: usize,
}

impl<'a> Unit<'a> {
    /// An empty script.
    pub(super) fn new(name: &str, alone: bool) -> Self {
        Unit {
            script: Script { name: name.to_owned(), ..Script::default() },
            name_asked: Rc::default(),
            reads: Vec::new(),
            fresh: Vec::new(),
            frames: vec![Frame::default()],
            scopes: Vec::new(),
            loops: Vec::new(),
            labels: BTreeMap::new(),
            calls: Vec::new(),
            call_sites: vec![],
            free: Vec::new(),
            temps: (vec![], 0),
            calculated: Vec::new(),
            counters: BTreeMap::new(),
            acting: None,
            alone,
            line: SourceLine::default(),
            overflowed: false,
            params: 0,
            user_space: false,
            may_stop: false,
            kernel: true,
            in_syscall: false,
            last: None,
            callee: false,
            function: false,
            results: Results::NONE,
            uses: vec![],
            promises: vec![],
            kept: vec![],
            named: Named::default(),
        }
    }

    /// The name of the thread, or `setup`, `teardown`.
    pub(super) fn name(&self) -> &str {
        self.name_asked.set(true);
        &self.script.name
    }

    /// Whether anybody has asked for its name, or will have.
    pub(super) fn name_asked(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.name_asked)
    }

    /// The index of the next instruction.
    pub(super) fn here(&self) -> usize {
        self.script.code.len()
    }

    /// The statement that an instruction belongs to.
    pub(super) fn source_of(&self, at: usize) -> Option<&SourceLine> {
        self.script.lines.get(at)
    }

    /// A block is one step.
    pub(super) fn note_atomic(&mut self, atomic: Atomic) {
        self.script.atomics.push(atomic);
    }

    /// The line that the next instructions belong to.
    pub(super) fn at_line(&mut self, line: u32, text: String) {
        self.line = SourceLine { line, text, ..SourceLine::default() };
    }

    /// The statement that the next instructions belong to.
    pub(super) fn at_statement(&mut self, line: SourceLine) {
        self.line = SourceLine { calls: self.call_sites.clone(), ..line };
    }

    /// The statement at hand, to come [back](Self::back_to) to.
    pub(super) fn line(&self) -> SourceLine {
        self.line.clone()
    }

    /// Back to the line of a construct, for what is added after its block.
    pub(super) fn back_to(&mut self, line: SourceLine) {
        self.line = line;
    }

    /// Adds an instruction of the statement at hand: its place.
    pub(super) fn emit(&mut self, instr: Instr) -> usize {
        let at = self.here();
        if at < CODE_MAX {
            self.script.code.push(instr);
            self.script.lines.push(self.line.clone());
        } else {
            self.overflowed = true;
        }
        at
    }

    pub(super) fn emit_call(&mut self, call: FunctionCall) {
        let at = self.script.calls.len();
        self.script.calls.push(call);
        self.emit(Instr::Call(u16::try_from(at).unwrap_or(u16::MAX)));
    }

    pub(super) fn code_mut(&mut self) -> &mut [Instr] {
        &mut self.script.code
    }

    pub(super) fn is_function(&self) -> bool {
        self.function
    }

    pub(super) fn local_count(&self) -> usize {
        self.script.locals.len()
    }

    /// How many reads of locals have been noted.
    pub(super) fn noted(&self) -> usize {
        self.reads.len()
    }

    /// What was read since then, and these, is read by all instructions of the statement that began at `from`.
    pub(super) fn uses_all(&mut self, noted: usize, from: usize, more: Vec<LocalId>) {
        let to = self.here();
        let read = self.reads[noted..].iter().map(|read| read.local).chain(more);
        self.uses.extend(read.map(|local| Uses { local, from, to }));
    }

    /// Makes the jumps go to the next instruction.
    pub(super) fn land(&mut self, jumps: Vec<usize>) {
        let here = self.here();
        self.aim(jumps, here);
    }

    /// Makes the jumps go to instruction `to`.
    pub(super) fn aim(&mut self, jumps: Vec<usize>, to: usize) {
        let to = u16::try_from(to).unwrap_or(u16::MAX);
        for jump in jumps {
            if let Some(
                Instr::Jump(target)
                | Instr::Branch { otherwise: target, .. }
                | Instr::MayFail { over: target, .. }
                | Instr::Nth { otherwise: target, .. },
            ) = self.script.code.get_mut(jump)
            {
                *target = to;
            }
        }
    }

    /// What a promise names, if it was found when the function was called.
    pub(super) fn named_at_entry(&self, path: &[String]) -> Option<Operand> {
        let path = || path.join(".");
        let known = || self.named.found.iter().find(|(known, _)| *known == path());
        if self.named.at == NamedAt::Return { known().map(|(_, operand)| *operand) } else { None }
    }

    /// Whether it was found already.
    pub(super) fn is_named(&self, path: &str) -> bool {
        self.named.found.iter().any(|(known, _)| known == path)
    }

    /// Where a word on such a way is, if it was read already.
    pub(super) fn looked_at(&self, path: &str) -> Option<LocalId> {
        let known = || self.named.looks.iter().find(|(known, _)| known == path);
        if self.named.at == NamedAt::Entry { known().map(|(_, local)| *local) } else { None }
    }

    /// Notes where it will be. False if no promise is looked for.
    pub(super) fn note_look(&mut self, path: &str, into: LocalId) -> bool {
        let looks = self.named.at == NamedAt::Entry;
        if looks {
            self.named.looks.push((path.to_owned(), into));
        }
        looks
    }

    /// What a promise names was found: a temporary that has it is one no more.
    pub(super) fn found_named(&mut self, path: String, operand: Operand) {
        let at = operand.local().and_then(|local| self.temps.0.iter().position(|temp| *temp == local));
        if let Some(at) = at {
            let local = self.temps.0.remove(at);
            self.temps.1 -= 1;
            self.named.lasting.push(local);
        }
        self.named.found.push((path, operand));
    }

    /// Gives a `let` that was written already another expression.
    pub(super) fn set_let(&mut self, at: usize, with: u16) {
        if let Some(Instr::Let { expr, .. }) = self.script.code.get_mut(at) {
            *expr = with;
        }
    }

    /// Whether some way leads from a `prepare` to the end without a `finish`.
    fn may_leave_entry(&self) -> bool {
        left::looks(&self.script.code).next().is_some()
    }

    /// What has been put on a wait queue must be off it here.
    fn look_at_queues(&mut self) {
        for look in left::looks(&self.script.code) {
            self.emit(look);
        }
    }

    /// Whether some instruction goes backwards.
    fn has_loops(&self) -> bool {
        self.script.code.iter().enumerate().any(|(at, instr)| match instr {
            Instr::Jump(to) | Instr::Branch { otherwise: to, .. } => usize::from(*to) <= at,
            _ => false,
        })
    }
}

impl<'a> Lower<'a> {
    /// Hides names of other files from here on. The result are those that were hidden before.
    pub(super) fn hide(&mut self, names: &[String]) -> Vec<String> {
        let before = self.show();
        self.hidden.extend(names.iter().filter_map(|name| Some((name.clone(), self.names.take(name)?))));
        before
    }

    /// Hides nothing any more. The result are those that were hidden.
    pub(super) fn show(&mut self) -> Vec<String> {
        let hidden = std::mem::take(&mut self.hidden);
        hidden
            .into_iter()
            .map(|(name, (symbol, span))| {
                self.names.declare(&name, symbol, span);
                name
            })
            .collect()
    }

    /// Lowers the block of a thread, of setup or of teardown.
    pub(super) fn script(&mut self, unit: Unit<'a>, node: &'a Node) -> Script {
        self.script_with(unit, node, |_| {})
    }

    /// The same, with something of ours after the block, however that was left.
    pub(super) fn script_with(
        &mut self,
        mut unit: Unit<'a>,
        node: &'a Node,
        after: impl FnOnce(&mut Unit<'a>),
    ) -> Script {
        self.collect_locals(&mut unit, node);
        self.hide(&unit.hides());
        self.block(&mut unit, node.children());
        self.show();
        self.finish(unit, node, after)
    }

    /// The script of a callee: it ends by returning to its caller, and its locals go with it.
    /// What it returns may be several locals; `Uses` says which statements read what, and the last which locals nobody
    /// reads after the statement that sets them.
    pub(super) fn callee_script(&mut self, mut unit: Unit<'a>, node: &'a Node) -> (Script, Vec<Uses>, Vec<LocalId>) {
        unit.callee = true;
        self.collect_locals(&mut unit, node);
        self.hide(&unit.hides());
        self.mark_module(&mut unit, node, module::How::Enter);
        for param in 0..unit.params {
            self.convert(&mut unit, LocalId(param as u8));
        }
        if unit.function {
            self.collect_promises(&mut unit, node);
        }
        self.block(&mut unit, node.children());
        let last = self.visible(node.children()).last().map(|node| node.name.text.as_str());
        if !matches!(last, Some("return" | "goto" | "loop")) {
            unit.at_statement(self.source_line(node.head));
            self.judge_return(&mut unit);
        }
        let results = match unit.local("return") {
            Some(result) if unit.results == Results::NONE => Results::one(result),
            _ => unit.results,
        };
        let exits = unit.frames.pop().map(|frame| frame.exits).unwrap_or_default();
        unit.land(exits);
        unit.at_line(0, String::new());
        if unit.function && unit.may_leave_entry() {
            self.mistakes
                .add("wait-entry", node.head, "this may return with its thread still on a wait queue")
                .expected("`finish` on every way from `prepare` to the end")
                .help("if the entry is its caller's, write a `proc`: that is written into its caller");
        }
        unit.look_at_queues();
        self.mark_module(&mut unit, node, module::How::Leave);
        unit.emit(Instr::Return { result: results });
        self.show();
        let (uses, mut temps) = (std::mem::take(&mut unit.uses), std::mem::take(&mut unit.temps.0));
        temps.append(&mut unit.named.lasting);
        (self.check_script(unit, node), uses, temps)
    }

    /// The end of a script.
    pub(super) fn finish(&mut self, mut unit: Unit<'a>, node: &'a Node, after: impl FnOnce(&mut Unit<'a>)) -> Script {
        let exits = unit.frames.pop().map(|frame| frame.exits).unwrap_or_default();
        unit.land(exits);
        unit.at_line(0, String::new());
        unit.look_at_queues();
        after(&mut unit);
        unit.at_line(0, String::new());
        // Whoever left a loop by `goto` or `return` left its counter behind.
        let hidden = unit.all_hidden();
        if !hidden.is_empty() {
            let unset = self.unset_expr();
            unit.give_back(hidden, unset);
        }
        unit.emit(Instr::End);
        self.check_script(unit, node)
    }

    /// What can be said of a script as a whole.
    fn check_script(&mut self, mut unit: Unit<'a>, node: &'a Node) -> Script {
        if unit.overflowed {
            self.mistakes
                .add("too-large", node.head, "this script is too long")
                .expected(format!("at most {CODE_MAX} instructions, procs inlined and short repeats unrolled"));
            return Script { code: vec![Instr::End], lines: vec![SourceLine::default()], ..unit.script };
        }
        self.has_loops |= unit.has_loops();
        for read in unset::certain(&unit.script, &unit.reads, &unit.fresh, unit.params) {
            self.mistakes
                .add("unset-local", read.span, format!("nothing has set `{}` before this", read.name))
                .expected("a local that some `into=` or `let` has set on the way here");
        }
        balance::mark(&mut unit.script, &self.program.exprs);
        for place in balance::handed_to(&unit.script, &self.program.exprs) {
            self.note_handed_to(place);
        }
        unit.script
    }

    /// Every word that a place may be.
    fn note_handed_to(&mut self, place: Place) {
        let program = &mut self.program;
        let words: Vec<ObjId> = match place {
            Place::Var(word) => vec![word],
            Place::Element { first, len, .. } => first.row(usize::from(len)).collect(),
            Place::Field { field, .. } => {
                let slots = (0..program.objects.len()).map(ObjId::object);
                slots.filter_map(|slot| program.field_var(slot, field)).collect()
            }
            Place::FieldElement { field, .. } => program.all_elements(field).collect(),
            Place::Behind { .. } => (0..program.vars.len()).map(ObjId::var).collect(),
        };
        for word in words {
            if !program.handed_to.contains(&word) {
                program.handed_to.push(word);
            }
        }
    }
}
