//! A script being written: instructions, locals, labels and loops.

use std::collections::BTreeMap;

use fenceweave_kernel::primitives::module;
use fenceweave_kernel::program::{Atomic, CallSite, FunctionCall, Results, SourceLine};
use fenceweave_kernel::{ExprNode, Instr, LocalId, ObjId, Operand, Place, Script, Type, Value};

use super::Lower;
use super::balance;
use super::functions::local_names;
use super::left;
use super::live::Uses;
use super::names::Symbol;
use super::unset::{self, Read};
use crate::mistakes::Span;
use crate::syntax::{Node, ValueKind};

/// Instructions of one script. Loops are unrolled within reason and procs are
/// inlined, so a short text can ask for very many.
const CODE_MAX: usize = 4096;
/// Locals that are told apart; the model's own limit is lower, and refuses.
const LOCALS_MAX: usize = 60;

/// The script of one thread, or of setup or teardown.
pub(crate) struct Unit<'a> {
    script: Script,
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
        &self.script.name
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

    /// The local of that name in the frame at hand.
    pub(super) fn local(&self, name: &str) -> Option<LocalId> {
        self.frames.last()?.names.get(name).copied()
    }

    /// The same, noting that the next instruction reads it.
    pub(super) fn read(&mut self, name: &str, span: Span) -> Option<LocalId> {
        let local = self.local(name)?;
        self.reads.push(Read { at: self.here(), local, span, name: name.to_owned() });
        Some(local)
    }

    /// The type of a local of the frame at hand.
    pub(super) fn type_of(&self, local: LocalId) -> Type {
        self.frames.last().and_then(|frame| frame.types.get(&local.0)).copied().unwrap_or_default()
    }

    /// The names that the locals of the frame at hand hide.
    pub(super) fn hides(&self) -> Vec<String> {
        self.frames.last().map(|frame| frame.hides.clone()).unwrap_or_default()
    }

    /// A local of the frame at hand hides a name of another file.
    fn hide(&mut self, name: &str) {
        if let Some(frame) = self.frames.last_mut()
            && !frame.hides.iter().any(|known| known == name)
        {
            frame.hides.push(name.to_owned());
        }
    }

    /// Says what a local of the frame at hand holds.
    pub(super) fn set_type(&mut self, local: LocalId, ty: Type) {
        let own = self.frames.len() == 1;
        if let Some(frame) = self.frames.last_mut() {
            frame.types.insert(local.0, ty);
        }
        self.script.types.retain(|(known, _)| *known != local);
        if own && ty != Type::S64 {
            self.script.types.push((local, ty));
        }
    }

    /// The locals that have a name here, for suggestions.
    pub(super) fn local_names(&self) -> Vec<String> {
        self.frames.last().map(|frame| frame.names.keys().cloned().collect()).unwrap_or_default()
    }

    /// A local that the author does not see.
    pub(super) fn hidden(&mut self) -> LocalId {
        self.free.pop().unwrap_or_else(|| self.push_local(String::new()))
    }

    /// A local for a value on its way to the end of the statement at hand.
    pub(super) fn temporary(&mut self) -> LocalId {
        let at = self.temps.1;
        self.temps.1 += 1;
        if let Some(known) = self.temps.0.get(at) {
            return *known;
        }
        let new = self.push_local(String::new());
        self.temps.0.push(new);
        new
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

    /// Those of the statement at hand.
    pub(super) fn temporaries(&self) -> Vec<LocalId> {
        self.temps.0[..self.temps.1.min(self.temps.0.len())].to_vec()
    }

    /// What a value was on its way is not read any more.
    pub(super) fn forget_temporaries(&mut self) {
        self.temps.1 = 0;
    }

    /// Gives a `let` that was written already another expression.
    pub(super) fn set_let(&mut self, at: usize, with: u16) {
        if let Some(Instr::Let { expr, .. }) = self.script.code.get_mut(at) {
            *expr = with;
        }
    }

    /// The counter of the failure that is written at `place`. It lives as long as the script, so it is no local that
    /// was somebody else's before.
    pub(super) fn counter(&mut self, place: Span) -> LocalId {
        if let Some(counter) = self.counters.get(&place.start) {
            return *counter;
        }
        let counter = self.push_local(String::new());
        self.counters.insert(place.start, counter);
        counter
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

    /// Gives hidden locals back, unset, so that no state differs by what nobody will read again.
    pub(super) fn give_back(&mut self, hidden: Vec<LocalId>, unset: u16) {
        for into in &hidden {
            self.emit(Instr::Let { into: *into, expr: unset });
        }
        self.free.extend(hidden);
    }

    /// Every hidden local of the script.
    pub(super) fn all_hidden(&self) -> Vec<LocalId> {
        let hidden = self.script.locals.iter().enumerate().filter(|(_, name)| name.is_empty());
        hidden.map(|(at, _)| LocalId(at as u8)).collect()
    }

    fn push_local(&mut self, shown: String) -> LocalId {
        let locals = &mut self.script.locals;
        if locals.len() < LOCALS_MAX {
            locals.push(shown);
        }
        LocalId(u8::try_from(locals.len() - 1).unwrap_or(u8::MAX))
    }

    /// Declares the locals of the frame at hand.
    pub(super) fn declare_local(&mut self, name: &str) -> LocalId {
        if let Some(local) = self.local(name) {
            return local;
        }
        // Locals of a call are not the thread's: its outcome does not show them.
        let local = if self.frames.len() > 1 { self.hidden() } else { self.push_local(name.to_owned()) };
        if self.frames.len() > 1 {
            self.fresh.push((self.here(), local));
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.names.insert(name.to_owned(), local);
        }
        local
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

    /// Every local of a block is known before the first statement, so that a name can be told to be one.
    pub(super) fn collect_locals(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        for child in self.visible(node.children()) {
            if child.name.text == "local" {
                self.typed_locals(unit, child);
            }
            let is_let = child.name.text == "let";
            for entry in &child.entries {
                let Some(key) = &entry.key else { continue };
                if is_let {
                    self.new_local(unit, &key.text, key.span);
                } else if key.text == "into" || key.text == "cursor" {
                    let function = self.procs.get(child.name.text.as_str()).is_some_and(|node| node.name.text == "fn")
                        || child.name.text == "call";
                    match &entry.value.kind {
                        ValueKind::Text { .. } if function && key.text == "into" => {
                            for name in local_names(self.text, &entry.value) {
                                self.new_local(unit, name, entry.value.span);
                            }
                        }
                        ValueKind::Word(name) => self.new_local(unit, name, entry.value.span),
                        _ => self.tell_bad_local(entry.value.span),
                    }
                }
            }
            if child.name.text == "return" && unit.frames.len() == 1 && !child.entries.is_empty() {
                unit.declare_local("return");
            }
            self.collect_locals(unit, child);
        }
    }

    /// `local u32 size offset`
    fn typed_locals(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let mut values = node.values();
        let said = values.next().map(|value| (value.span, value.span.of(self.text)));
        if said.is_some_and(|(_, said)| self.structs.contains_key(said)) {
            values.for_each(|value| self.new_local(unit, value.span.of(self.text), value.span));
            return;
        }
        let ty = said.and_then(|(_, said)| self.type_named(said));
        let Some(ty) = ty.filter(|_| node.entries.len() > 1 && node.values().count() == node.entries.len()) else {
            if !node.broken {
                let known = self.type_names();
                let at = said.filter(|_| ty.is_none()).map_or(node.head, |(span, _)| span);
                self.mistakes
                    .add("local-type", at, "`local` says the type of locals")
                    .expected("`local TYPE NAME…`")
                    .help(format!("the types are {}", super::list(known.iter().map(String::as_str))));
            }
            return;
        };
        for value in values {
            let name = value.span.of(self.text);
            self.new_local(unit, name, value.span);
            let Some(local) = unit.local(name) else { continue };
            let before = unit.frames.last().and_then(|frame| frame.types.get(&local.0)).copied();
            if before.is_some_and(|before| before != ty) {
                self.mistakes
                    .add("declared-twice", value.span, format!("`{name}` has another type already"))
                    .expected("one type for each local of a script");
            }
            unit.set_type(local, ty);
        }
    }

    /// C's conversion of what was just put into a local, if its type asks for one.
    pub(super) fn convert(&mut self, unit: &mut Unit<'a>, local: LocalId) {
        let ty = unit.type_of(local);
        if ty != Type::S64 {
            let expr = self.add_expr(vec![ExprNode::Read(local), ExprNode::Cast(ty)]);
            unit.emit(Instr::Let { into: local, expr });
        }
    }

    /// The expression as what a local of that type holds of it.
    pub(super) fn assigned(&mut self, unit: &Unit<'a>, local: LocalId, expr: u16) -> u16 {
        let ty = unit.type_of(local);
        let nodes = self.program.exprs.get(usize::from(expr)).map(|expr| expr.nodes().to_vec()).unwrap_or_default();
        match nodes.last() {
            None | Some(ExprNode::Const(Value::Unset)) => expr,
            _ if ty == Type::S64 => expr,
            _ => self.add_expr([nodes, vec![ExprNode::Cast(ty)]].concat()),
        }
    }

    /// Gives a name a local of its own, unless it has one.
    pub(super) fn new_local(&mut self, unit: &mut Unit<'a>, name: &str, span: Span) {
        if !super::names::is_name(name) || super::names::constant(name).is_some() || self.words.number(name).is_some() {
            return self.tell_bad_local(span);
        }
        // A struct's name is a type: `struct job *job` is how everybody writes it.
        let other = self.names.find(name).filter(|(symbol, _)| !matches!(symbol, Symbol::Struct(_) | Symbol::Type(_)));
        if let Some((_, declared)) = other
            && self.sources.file_of(declared) != self.sources.file_of(span)
        {
            // As in C: who wrote the one need not know the other.
            unit.hide(name);
        } else if let Some((symbol, declared)) = other {
            self.mistakes
                .add("local-name", span, format!("`{name}` is {}: a local needs a name of its own", symbol.one()))
                .expected("a name that nothing else has")
                .seen(declared, "declared here");
            return;
        }
        unit.declare_local(name);
    }

    fn tell_bad_local(&mut self, span: Span) {
        let said = span.of(self.text);
        self.mistakes
            .add("local-name", span, format!("`{said}` cannot name a local"))
            .expected("letters, digits, `-` and `_`, beginning with a letter");
    }
}
