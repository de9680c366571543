//! What a scenario is compiled to: declarations, and one script of instructions per thread. Never changes while it
//! runs.

mod choice;
mod instr;
mod leaf;
mod members;
mod object;
mod renewal;

pub use crate::{
    ground::{
        ids::{CalleeId, FieldName},
        operand::{Operand, Place, PoolRange},
        row::{Between, Ends, Entry, Fall, Gives, Line, Needs, Row, Shows},
    },
    registry::{
        Container, FenceOps,
        kinds::{Kind, ObjectKind},
        operations::Op,
    },
};
pub use choice::Choice;
pub use instr::{FunctionCall, Instr, Results};
pub use leaf::{Leaf, Path};
pub use object::{Members, NamedType, ObjectDecl, PageTable, Premise, SlabKind, StructDecl, VarDecl};

use crate::{
    Errno, Expr, Grain, LocalId, MAX_LOCALS, MAX_OBJECTS, MAX_THREADS, MAX_VARS, ObjId, ThreadId, Value, Violation,
    fixed,
    ground::kind::{KindRow, OfKind},
    pci::{NodeId, Tree},
};
use std::{collections::BTreeSet, ops::Range, sync::Arc};

/// A callee as it stands in a script. Every script has all of them, after its own code: a callee runs in its caller's
/// place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Callee {
    /// Its first instruction.
    pub entry: u16,
    /// How many of its arguments it takes.
    pub params: u8,
    /// The names of its locals, arguments first.
    pub locals: Vec<String>,
    /// The types of those that have another than a word's.
    pub types: Vec<(LocalId, crate::number::Type)>,
    /// It is called by name, not through a pointer.
    pub function: bool,
}

/// What runs a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Role {
    /// A task.
    #[default]
    Task,
    /// A scripted hardware engine: neither the rules of locks nor those of sleeping apply.
    Device,
    /// An interrupt handler.
    Irq,
    /// A worker: runs one work item, again and again.
    Worker,
    /// A timer's handler: a soft interrupt, whenever the timer expires.
    Timer,
    /// Something of the kernel's own.
    Agent,
}

/// Where an instruction comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SourceLine {
    /// The file: 0 is the scenario's, others are in [`Program::files`].
    pub file: u16,
    /// Line number in the scenario file, from 1; 0 for what nobody wrote.
    pub line: u32,
    /// The column in which the statement begins, in characters from 1: with the line it says which statement this is.
    pub column: u32,
    /// The author's text of the operation, on one line.
    pub text: String,
    /// Of an operation in procs, their calls, the outermost first. Empty elsewhere.
    pub calls: Vec<CallSite>,
}

/// Where a proc is called.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CallSite {
    /// The proc's name.
    pub proc: String,
    /// The file of the call, as of a [`SourceLine`].
    pub file: u16,
    /// The line of the call, from 1.
    pub line: u32,
    /// The column in which the call begins, in characters from 1.
    pub column: u32,
    /// The author's text of the call, on one line.
    pub text: String,
}

/// One thread's code.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Script {
    /// The thread's name.
    pub name: String,
    /// Its instructions; the last is [`Instr::End`].
    pub code: Vec<Instr>,
    /// Where each instruction comes from; as long as `code`.
    pub lines: Vec<SourceLine>,
    /// The names of its locals.
    pub locals: Vec<String>,
    /// The types of those that have another than a word's.
    pub types: Vec<(LocalId, crate::number::Type)>,
    /// It runs when there is something to do, and ends with the last script.
    pub agent: bool,
    /// What runs it.
    pub role: Role,
    /// The program's callees, by [`CalleeId`].
    pub callees: Vec<Callee>,
    /// Its calls of functions.
    pub calls: Vec<FunctionCall>,
    /// For each instruction, the locals that are still read, a bit each: all of them outside of functions. Empty if the
    /// program has no function.
    pub live: Vec<u16>,
    /// Where its warnings stand, in order: a thread's state has a bit for each ([`Program::note_warnings`]).
    pub warnings: Vec<u16>,
    /// Its blocks that are one step.
    pub atomics: Vec<Atomic>,
}

/// A block that is one step, whatever the grain: it neither waits nor chooses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Atomic {
    /// The instruction with which it begins, where it may be left alone.
    pub from: u16,
    /// The first one behind it.
    pub to: u16,
    /// Why that may be one step.
    pub why: String,
}

impl Script {
    /// The type of a local of the script itself.
    pub fn local_type(&self, local: LocalId) -> crate::number::Type {
        self.types.iter().find(|(l, _)| *l == local).map_or_else(Default::default, |(_, ty)| *ty)
    }

    /// Whether some way leads to its end, as far as its jumps tell. A script without any runs for ever.
    pub fn can_end(&self) -> bool {
        let (mut seen, mut open) = (vec![false; self.code.len()], vec![0]);
        while let Some(at) = open.pop() {
            if at >= seen.len() || std::mem::replace(&mut seen[at], true) {
                continue;
            }
            match self.code[at] {
                Instr::End => return true,
                Instr::Jump(to) => open.push(usize::from(to)),
                Instr::Branch { otherwise: to, .. }
                | Instr::Nth { otherwise: to, .. }
                | Instr::MayFail { over: to, .. } => {
                    open.extend([at + 1, usize::from(to)]);
                }
                _ => open.push(at + 1),
            }
        }
        self.code.is_empty()
    }
}

/// A scenario ready to run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Program {
    /// The scenario's name, with its case.
    pub name: String,
    /// The objects; the place is the id.
    pub objects: Vec<ObjectDecl>,
    /// The variable words; the place is the id.
    pub vars: Vec<VarDecl>,
    /// The variables, and the objects for their own words, that the scenario says weak memory matters of.
    pub weak: Vec<ObjId>,
    /// The `struct`s.
    pub structs: Vec<StructDecl>,
    /// Of each object the slot that it is inside of, the outermost; empty where no struct has anything inside.
    pub inside: Vec<Option<ObjId>>,
    /// Whether some thread frees what others may have something inside of in use, or makes that anew.
    pub frees: bool,
    /// What is inside of nothing, and is made anew by some thread.
    pub renewed: Vec<ObjId>,
    /// Names of fields.
    pub field_names: Vec<String>,
    /// The names of words that stand for themselves; only who prints them asks.
    pub words: Vec<(i32, String)>,
    /// The error numbers that the scenario names, or that its operations return: only these print by name, for any
    /// other negative number is a number.
    pub errnos: Vec<Errno>,
    /// The types that it declares; only who prints numbers asks.
    pub types: Vec<NamedType>,
    /// The files that were read besides the scenario's, from number 1 on; only who prints places asks.
    pub files: Vec<String>,
    /// Threads, then agents; the place is the thread's id.
    pub scripts: Vec<Script>,
    /// Runs alone before the threads.
    pub setup: Script,
    /// Runs alone after the last thread.
    pub teardown: Script,
    /// Expressions of the scripts.
    pub exprs: Vec<Expr>,
    /// What conditions follow pointers along.
    pub paths: Vec<Path>,
    /// Lists of operands and constants.
    pub pool: Vec<Operand>,
    /// RCU's object and its agent, if the program needs grace periods.
    pub rcu: Option<(ObjId, ThreadId)>,
    /// The names of what the kernel calls through a pointer.
    pub callees: Vec<String>,
    /// What a blocking allocation may have to run; with the object of those that come and go.
    pub shrinkers: Vec<(CalleeId, Option<ObjId>)>,
    /// The list of files whose last reference went where nobody comes back to user space, and who releases them.
    pub delayed_fput: Option<(ObjId, ThreadId)>,
    /// The semaphores of address spaces that are declared: each is an `mmap_lock`.
    pub mms: Vec<ObjId>,
    /// The page tables of user space.
    pub page_tables: Vec<PageTable>,
    /// Documented orders of locks: each is outside of those that follow it. What stands at one place is a class: a
    /// lock, or all those that a field of a struct is.
    pub lock_orders: Vec<Vec<Vec<ObjId>>>,
    /// The rwsem that is the address space's lock: its place in the order of locks is documented.
    pub mmap_lock: Option<ObjId>,
    /// Somebody says how a page is cached.
    pub says_caching: bool,
    /// The engines of devices that may be off; none, if nobody switches one off.
    pub powered: Vec<(ThreadId, ObjId)>,
    /// Whether there are interrupt handlers, and threads can therefore be interrupted.
    pub has_irqs: bool,
    /// Some script calls `schedule()` bare: a wake-up that comes too late, and meets its task in that sleep, ends it.
    /// Every other sleep looks at what it waits for again.
    pub bare_sleeps: bool,
    /// Who comes to a mutex may be told no, go away, or have somebody give way: it is not just waited for.
    pub has_way_out: bool,
    /// Some script copies to a reservation, which may leave it without a list: who stands at a fence of it stays there.
    pub lists_go: bool,
    /// Some script sends a signal, which may come between a look for one and what was decided by that.
    pub sends_signals: bool,
    /// Whether it matters who runs with preemption off: grace periods wait for him, and fences that are released stay.
    pub has_readers: bool,
    /// The words that somebody stores a pointer into that came to him without a reference that is booked: out of
    /// another word, off a list, as data.
    pub handed_to: Vec<ObjId>,
    /// The fences that are made of others.
    pub containers: Vec<Container>,
    /// Somebody looks at timestamps: then they are set in a step of their own.
    pub timestamps: bool,
    /// Items may come to any queue: the one whose lock stands for that of the pool which all queues have.
    pub one_pool: Option<ObjId>,
    /// The context and the number of a fence may be told when it is initialised.
    pub fence_points: bool,
    /// The machine's PCI devices, if where they are matters, and where what is declared is among them.
    pub pci: Option<Arc<Tree>>,
    /// Each with its node.
    pub pci_places: Vec<(ObjId, NodeId)>,
    /// How coarse the steps of its primitives are.
    pub grain: Grain,
    /// Memory for fences that are signalled from the start (`dma_fence_allocate_private_stub()`).
    pub stubs: Vec<ObjId>,
    /// The mistake that its protocols are run with.
    pub mutation: crate::mutations::AtWork,
}

impl Program {
    /// The name of a file besides the scenario's own.
    pub fn file_name(&self, file: u16) -> Option<&str> {
        self.files.get(usize::from(file.checked_sub(1)?)).map(String::as_str)
    }
}

/// Most `warn-on` of one script: each is a bit of its thread's state.
pub const MAX_WARNINGS: usize = 32;

/// Which warnings setup and teardown have come to, in the order of [`Script::warnings`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Alone {
    /// Setup.
    pub setup: u32,
    /// Teardown.
    pub teardown: u32,
}

/// Why a program cannot run: a fixed capacity of the model is too small for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TooLarge {
    /// What there is too much of.
    pub what: &'static str,
    /// How many the program has.
    pub have: usize,
    /// How many fit.
    pub limit: usize,
}

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "too many {}: {} (the limit is {})", self.what, self.have, self.limit)
    }
}

impl std::error::Error for TooLarge {}

impl Script {
    /// The callee whose code an instruction is part of.
    pub fn callee_at(&self, pc: u16) -> Option<(CalleeId, &Callee)> {
        let after = self.callees.partition_point(|c| c.entry <= pc);
        let at = after.checked_sub(1)?;
        Some((CalleeId(at as u8), &self.callees[at]))
    }

    /// The type of a local as the code at an instruction knows it.
    pub fn local_type_at(&self, pc: u16, l: LocalId) -> crate::number::Type {
        let types = self.callee_at(pc).map_or(&self.types, |(_, c)| &c.types);
        types.iter().find(|(known, _)| *known == l).map_or_else(Default::default, |(_, ty)| *ty)
    }

    /// Whether an instruction is in a block that is one step, behind its beginning.
    pub(crate) fn is_amid_atomic(&self, pc: u16) -> bool {
        self.atomics.iter().any(|a| a.from < pc && pc < a.to)
    }

    /// The name of a local as the code at an instruction knows it.
    pub fn local_name(&self, pc: u16, l: LocalId) -> &str {
        let names = self.callee_at(pc).map_or(&self.locals, |(_, c)| &c.locals);
        names.get(usize::from(l.0)).map_or("", String::as_str)
    }
}

impl Program {
    /// The blocks that are one step: the line of each, and why it may be one.
    pub fn atomics(&self) -> BTreeSet<(u32, &str)> {
        let all = self.scripts.iter().flat_map(|script| script.atomics.iter().map(move |a| (script, a)));
        all.map(|(script, a)| (script.lines.get(usize::from(a.from)).map_or(0, |l| l.line), &*a.why)).collect()
    }

    /// Whether some of its steps are rows of fine ones.
    pub fn has_rows(&self) -> bool {
        !self.grain.is_fine() || self.scripts.iter().any(|script| !script.atomics.is_empty())
    }

    /// The pseudo-thread that runs setup and teardown.
    pub fn main_thread(&self) -> ThreadId {
        ThreadId(self.scripts.len() as u8)
    }

    /// The script that a place of a thread is in, and the place there. Setup and teardown are one thread's: the places
    /// of teardown are counted on from setup's.
    pub fn script_at(&self, t: ThreadId, pc: u16) -> (&Script, u16) {
        let setup = self.setup.code.len() as u16;
        match self.scripts.get(t.index()) {
            Some(script) => (script, pc),
            None if pc < setup => (&self.setup, pc),
            None => (&self.teardown, pc - setup),
        }
    }

    /// A place of teardown as [`script_at`](Program::script_at) counts it.
    pub fn teardown_place(&self, pc: u16) -> u16 {
        // A script has at most some thousand instructions.
        self.setup.code.len() as u16 + pc
    }

    /// A violation that came of running the teardown, with its place counted so.
    pub fn of_teardown(&self, v: Violation) -> Violation {
        if v.thread == self.main_thread() { Violation { pc: self.teardown_place(v.pc), ..v } } else { v }
    }

    /// Checks the program against the model's capacities.
    ///
    /// # Errors
    ///
    /// The first capacity that it exceeds.
    pub fn check_size(&self) -> Result<(), TooLarge> {
        let all = self.scripts.iter().chain([&self.setup, &self.teardown]);
        let locals = all.clone().map(|s| s.locals.len()).max().unwrap_or(0);
        let callees = all.clone().map(|s| s.callees.len()).max().unwrap_or(0);
        let called = all.clone().flat_map(|s| &s.callees).map(|c| c.locals.len()).max().unwrap_or(0);
        let warnings = all.clone().map(|s| s.warnings.len()).max().unwrap_or(0);
        let code = all.map(|s| s.code.len()).max().unwrap_or(0);
        let limits = [
            ("threads and agents", self.scripts.len(), MAX_THREADS - 1),
            ("objects", self.objects.len(), MAX_OBJECTS),
            ("variable words", self.vars.len(), MAX_VARS),
            ("locals of one thread", locals, MAX_LOCALS),
            ("locals of one function", called, MAX_LOCALS),
            ("instructions of one thread", code, usize::from(u16::MAX)),
            ("warnings of one thread", warnings, MAX_WARNINGS),
            ("functions, and procs that are called through pointers", callees, usize::from(u8::MAX)),
            ("names of fields", self.field_names.len(), usize::from(u8::MAX)),
            ("listed operands", self.pool.len(), usize::from(u16::MAX)),
            ("expressions", self.exprs.len(), usize::from(u16::MAX)),
        ];
        match limits.into_iter().find(|(_, have, limit)| have > limit) {
            Some((what, have, limit)) => Err(TooLarge { what, have, limit }),
            None => Ok(()),
        }
    }

    /// Finds out which warnings each script can come to.
    pub fn note_warnings(&mut self) {
        for script in self.scripts.iter_mut().chain([&mut self.setup, &mut self.teardown]) {
            let code = (0..).zip(&script.code);
            script.warnings =
                code.filter(|(_, instr)| matches!(instr, Instr::Warn { ends: false, .. })).map(|(pc, _)| pc).collect();
        }
    }

    /// Whether some script has a warning.
    pub fn warns(&self) -> bool {
        self.scripts.iter().chain([&self.setup, &self.teardown]).any(|script| !script.warnings.is_empty())
    }

    /// The warnings that were come to: of each thread, and of setup and teardown, as bits.
    pub fn warnings(&self, of: impl Fn(ThreadId) -> u32, alone: Alone) -> Vec<Violation> {
        let here = |script: &Script, t: ThreadId, bits: u32, before: u16| -> Vec<Violation> {
            let places = (0..).zip(&script.warnings).filter(|(at, _)| bits >> at & 1 == 1);
            places.map(|(_, pc)| Violation::new(crate::Property::WARN_ON, t, before + *pc)).collect()
        };
        let threads = self.threads().flat_map(|t| here(&self.scripts[t.index()], t, of(t), 0));
        let main = self.main_thread();
        let setup = here(&self.setup, main, alone.setup, 0);
        let teardown = here(&self.teardown, main, alone.teardown, self.teardown_place(0));
        threads.chain(setup).chain(teardown).collect()
    }

    /// The type of a field by its name, where all structs that have one agree.
    pub fn field_type(&self, field: FieldName) -> crate::number::Type {
        self.type_at(Place::Field { base: Operand::Const(Value::Null), field })
    }

    /// What is fixed about an object.
    pub fn kind(&self, id: ObjId) -> &ObjectKind {
        &self.objects[id.index()].kind
    }

    /// What is fixed about an object of that kind; `None` for any other, and for words.
    pub fn fixed<T: OfKind>(&self, id: ObjId) -> Option<&T> {
        self.objects.get(id.index()).and_then(|o| T::of(&o.kind))
    }

    /// The same, to be changed by who builds the program.
    pub fn fixed_mut<T: OfKind>(&mut self, id: ObjId) -> Option<&mut T> {
        self.objects.get_mut(id.index()).and_then(|o| T::of_mut(&mut o.kind))
    }

    /// Whether it is an object of that kind.
    pub fn is<T: OfKind>(&self, id: ObjId) -> bool {
        self.fixed::<T>(id).is_some()
    }

    /// All objects of that kind.
    pub fn all<T: OfKind>(&self) -> impl Iterator<Item = ObjId> + Clone {
        self.ids().filter(|id| self.is::<T>(*id))
    }

    /// All objects.
    pub fn ids(&self) -> impl Iterator<Item = ObjId> + Clone + use<> {
        (0..self.objects.len()).map(ObjId::object)
    }

    /// The row of an object's kind; `None` for words.
    pub fn row(&self, id: ObjId) -> Option<&'static KindRow> {
        self.objects.get(id.index()).map(|o| o.kind.row())
    }

    /// The object that its author knows by that name: a reservation's is that of its lock.
    pub fn named_by(&self, id: ObjId) -> ObjId {
        self.objects.get(id.index()).and_then(|o| o.kind.lock()).unwrap_or(id)
    }

    /// Whether the modelled code accesses a word plainly.
    /// The type of a word.
    pub fn var_type(&self, var: ObjId) -> crate::number::Type {
        var.as_var().and_then(|i| self.vars.get(i)).map_or_else(Default::default, |v| v.ty)
    }

    /// The type of what is at a place; of a field by its name, where all structs that have one agree.
    pub fn type_at(&self, place: Place) -> crate::number::Type {
        match place {
            Place::Var(word) | Place::Element { first: word, .. } => self.var_type(word),
            Place::Field { field, .. } => {
                let mut slots = (0..self.objects.len()).map(ObjId::object);
                let mut types = slots.by_ref().filter_map(|slot| self.field_var(slot, field)).map(|v| self.var_type(v));
                let first = types.next().unwrap_or_default();
                if types.all(|ty| ty == first) { first } else { Default::default() }
            }
            Place::FieldElement { field, .. } => {
                let first = self.structs.iter().find_map(|s| {
                    let (_, first, _) = s.members.arrays.iter().find(|(name, ..)| *name == field)?;
                    s.fields.get(usize::from(*first))
                });
                first.map_or_else(Default::default, |(element, _)| self.field_type(*element))
            }
            Place::Behind { .. } => Default::default(),
        }
    }

    /// What is counted on of whoever accesses a word.
    pub(crate) fn premise_of(&self, var: ObjId) -> &Premise {
        var.as_var().and_then(|i| self.vars.get(i)).map_or(&Premise::Nothing, |v| &v.premise)
    }

    /// The nodes of what the word is a key of.
    #[inline]
    pub(crate) fn keyed_by(&self, var: ObjId) -> &[ObjId] {
        var.as_var().and_then(|i| self.vars.get(i)).map_or(&[], |v| &v.keys)
    }

    pub(crate) fn is_racy(&self, var: ObjId) -> bool {
        var.as_var().and_then(|i| self.vars.get(i)).is_some_and(|v| v.racy)
    }

    /// Finds out whether somebody frees what others use, and whether it matters who runs with preemption off: where
    /// something waits for grace periods, and where there are fences, which are freed after one, and code that could
    /// still look at them.
    pub fn note_readers(&mut self) {
        let fences = self.all::<fixed::Fence>().next().is_some();
        let reads = |instr: &Instr| matches!(instr, Instr::Op { op, .. } if op.row().needs.readers);
        let scripts = || self.scripts.iter().chain([&self.setup, &self.teardown]);
        let called =
            scripts().any(|s| s.callees.iter().any(|c| !c.function) || matches!(s.role, Role::Irq | Role::Timer));
        let reads = called || scripts().any(|s| s.code.iter().any(reads));
        self.has_readers = self.rcu.is_some() || fences && reads;
        self.note_renewals();
    }

    /// Whether a thread is an agent: it runs when there is something to do.
    pub fn is_agent(&self, t: ThreadId) -> bool {
        self.script(t).is_some_and(|s| s.agent)
    }

    /// What runs a thread; setup and teardown are a task.
    pub fn role(&self, t: ThreadId) -> Role {
        self.scripts.get(t.index()).map_or(Role::Task, |s| s.role)
    }

    /// Whether this is `mmap_lock`.
    pub fn is_mmap_lock(&self, lock: ObjId) -> bool {
        self.mmap_lock == Some(lock) || self.mms.contains(&lock)
    }

    /// The operations of a fence.
    pub(crate) fn fence_ops(&self, fence: ObjId) -> FenceOps {
        self.fixed::<fixed::Fence>(fence).map_or(FenceOps::default(), |f| f.ops)
    }

    /// What is called when the last reference to a slot's object is dropped.
    pub(crate) fn release_of(&self, slot: ObjId) -> Option<CalleeId> {
        self.struct_of(slot)?.release
    }

    /// Whether some `put` says itself what the last one calls.
    pub(crate) fn puts_release(&self) -> bool {
        let releases = |instr: &Instr| matches!(instr, Instr::Op { op: Op::Counted(put), .. } if put.release.is_some());
        self.scripts.iter().chain([&self.setup, &self.teardown]).any(|s| s.code.iter().any(releases))
    }

    /// The script of a thread.
    pub fn script(&self, t: ThreadId) -> Option<&Script> {
        self.scripts.get(t.index())
    }

    /// The name of a thread; setup and teardown run as `setup`.
    pub fn thread_name(&self, t: ThreadId) -> &str {
        self.scripts.get(t.index()).map_or("setup", |s| &s.name)
    }

    /// The name of an object, variable word or task.
    pub fn name_of(&self, id: ObjId) -> &str {
        match (id.as_object(), id.as_var(), id.as_task()) {
            (Some(i), ..) => self.objects.get(i).map_or("?", |o| &o.name),
            (_, Some(i), _) => self.vars.get(i).map_or("?", |v| &v.name),
            (.., Some(t)) => self.thread_name(t),
            _ => "?",
        }
    }

    /// The threads that somebody wrote.
    pub fn scripted(&self) -> impl Iterator<Item = ThreadId> {
        let written = self.scripts.iter().enumerate().filter(|(_, s)| !s.agent);
        written.map(|(i, _)| ThreadId(i as u8))
    }

    /// Every thread and agent.
    pub fn threads(&self) -> impl Iterator<Item = ThreadId> + use<> {
        (0..self.scripts.len() as u8).map(ThreadId)
    }

    /// The objects in a range of the pool.
    pub(crate) fn pool_objects(&self, r: PoolRange) -> PoolObjects<'_> {
        PoolObjects(&self.pool[usize::from(r.start)..][..usize::from(r.len)])
    }

    /// The operands in a range of the pool.
    pub fn pool_range(&self, r: PoolRange) -> &[Operand] {
        &self.pool[usize::from(r.start)..][..usize::from(r.len)]
    }

    fn struct_of(&self, slot: ObjId) -> Option<&StructDecl> {
        self.structs.get(usize::from(self.fixed::<fixed::Slot>(slot)?.of))
    }

    /// How the object's slab frees.
    pub(crate) fn slab_of(&self, slot: ObjId) -> SlabKind {
        self.struct_of(slot).map_or(SlabKind::Plain, |s| s.slab)
    }

    /// All slots of the object's slab.
    pub(crate) fn slots_of(&self, slot: ObjId) -> Range<u16> {
        self.struct_of(slot).map_or(slot.number()..slot.number() + 1, |s| s.slots.clone())
    }

    /// Whether the objects of two slots are of one struct, also where that is inside of others.
    pub(crate) fn are_alike(&self, a: ObjId, b: ObjId) -> bool {
        let name = |slot| self.struct_of(slot).map(|s| &s.name);
        name(a).is_some() && name(a) == name(b)
    }

    /// Whether the objects of the slot's struct have a count.
    pub(crate) fn counts(&self, slot: ObjId) -> bool {
        self.struct_of(slot).is_some_and(|s| s.refs.is_some())
    }

    /// The references that a new object of the slot's struct has.
    pub(crate) fn initial_refs(&self, slot: ObjId) -> u16 {
        self.struct_of(slot).and_then(|s| s.refs).map_or(0, u16::from)
    }

    /// Before which of its fields the count of a new object of the slot's struct is stored, if it has one; and how many
    /// fields there are.
    pub(crate) fn members_of(&self, slot: ObjId) -> (Option<u8>, u8) {
        self.struct_of(slot).map_or((None, 0), |s| (s.refs.map(|_| s.refs_at), s.fields.len() as u8))
    }

    /// The references to an object that exist from the start and belong to the scenario.
    pub(crate) fn declared_refs(&self, id: ObjId) -> u16 {
        self.kind(id).refs()
    }

    /// Whether a word is a container's or an object's own, which has a reference to what it points to.
    pub(crate) fn is_own_word(&self, word: ObjId) -> bool {
        self.containers.iter().any(|c| c.has_word(word)) || self.objects.iter().any(|o| o.kind.word() == Some(word))
    }

    /// Whether some script has the address of a word.
    pub(crate) fn addresses_words(&self) -> bool {
        let addresses = |instr: &Instr| matches!(instr, Instr::Op { op: Op::WordAddress(_), .. });
        self.scripts.iter().chain([&self.setup, &self.teardown]).any(|s| s.code.iter().any(addresses))
    }

    /// The slot whose field a word is.
    pub(crate) fn slot_of(&self, var: ObjId) -> Option<ObjId> {
        let var = var.as_var()?;
        self.structs.iter().find_map(|s| {
            let at = var.checked_sub(usize::from(s.first_var))?.checked_div(s.fields.len())?;
            (at < s.slots.len()).then(|| ObjId::numbered(s.slots.start).offset(at))
        })
    }

    /// The words of a slot's fields with their initial values.
    pub(crate) fn fields_of(&self, slot: ObjId) -> impl Iterator<Item = (ObjId, Value)> {
        let fields = self.struct_of(slot).map_or(&[][..], |s| &s.fields);
        fields.iter().enumerate().map(move |(i, (_, init))| (self.field_at(slot, i), *init))
    }

    fn field_at(&self, slot: ObjId, field: usize) -> ObjId {
        let s = self.struct_of(slot);
        let (first, start, n) = s.map_or((0, 0, 0), |s| (s.first_var, s.slots.start, s.fields.len()));
        ObjId::var(usize::from(first) + usize::from(slot.number() - start) * n + field)
    }

    /// The word of a field of the object in a slot; `None` if its struct has no such field.
    pub fn field_var(&self, slot: ObjId, name: FieldName) -> Option<ObjId> {
        let at = self.struct_of(slot)?.fields.iter().position(|(n, _)| *n == name)?;
        Some(self.field_at(slot, at))
    }

    /// The words of an array in the object in a slot: the first, and how many there are.
    pub(crate) fn elements(&self, slot: ObjId, name: FieldName) -> Option<(ObjId, usize)> {
        let (_, first, len) = self.struct_of(slot)?.members.arrays.iter().find(|(array, ..)| *array == name)?;
        Some((self.field_at(slot, usize::from(*first)), usize::from(*len)))
    }

    /// Every word that may be an element of an array of that name.
    pub fn all_elements(&self, name: FieldName) -> impl Iterator<Item = ObjId> {
        self.all::<fixed::Slot>()
            .filter_map(move |slot| self.elements(slot, name))
            .flat_map(|(first, len)| first.row(len))
    }

    /// The context and number of a fence, as declared.
    pub(crate) fn fence_point(&self, fence: ObjId) -> (u8, u16) {
        self.fixed::<fixed::Fence>(fence).map_or((0, 0), |f| (f.context, f.seqno))
    }
}

/// The objects of a list of operands.
#[derive(Clone, Copy)]
pub(crate) struct PoolObjects<'a>(&'a [Operand]);

impl PoolObjects<'_> {
    pub(crate) fn len(self) -> usize {
        self.0.len()
    }

    pub(crate) fn get(self, at: usize) -> ObjId {
        match self.0[at] {
            Operand::Object(id) => id,
            Operand::Local(_) | Operand::Const(_) | Operand::Member { .. } => ObjId::default(),
        }
    }
}
