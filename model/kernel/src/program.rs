//! What a scenario is compiled to: declarations, and one script of instructions per thread. Never changes while it runs.

mod builder;

pub use builder::{ProgramBuilder, ScriptBuilder};

use crate::{
    Code, Coder, Expr, LocalId, MAX_LOCALS, MAX_OBJECTS, MAX_THREADS, MAX_VARS, ObjId, Order, Patience, ThreadId,
    Value, exec, fence, primitives,
    resv::{self, Usage},
    sync_file, syncobj,
    value::Handle,
    ww,
};
use std::ops::Range;

/// What is fixed about an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ObjectKind {
    /// `spinlock_t`.
    Spinlock,
    /// `wait_queue_head_t`.
    WaitQueue,
    /// `struct completion`.
    Completion,
    /// A rendezvous of `parties` threads.
    Barrier {
        /// How many threads meet.
        parties: u8,
    },
    /// `refcount_t`.
    Refcount {
        /// The references that exist at the start; they belong to the scenario, not to a thread.
        init: u8,
    },
    /// A slot of the slab of `structs[of]`.
    Slot {
        /// Index of the struct's declaration.
        of: u8,
    },
    /// RCU's callbacks; declared once if a program defers frees.
    Rcu,
    /// `struct ww_class`.
    WwClass {
        /// Wound-wait; otherwise wait-die.
        wound_wait: bool,
        /// How its mutexes behave.
        variant: ww::Variant,
        /// `CONFIG_DEBUG_WW_MUTEX_SLOWPATH`: the N-th lock of a context beyond the first is released again, with -EDEADLK; 0 is
        /// never.
        inject_deadlock: u8,
        /// What its mutexes were built with.
        config: ww::Config,
    },
    /// `struct ww_acquire_ctx`.
    AcquireCtx {
        /// Its class.
        class: ObjId,
    },
    /// `struct ww_mutex`.
    WwMutex {
        /// Its class.
        class: ObjId,
        /// The reservation whose lock it is.
        resv: Option<ObjId>,
    },
    /// `struct dma_fence`.
    Fence {
        /// Its context.
        context: u8,
        /// Its number within the context.
        seqno: u16,
        /// Whether it exists from the start (else a thread must `fence-init` it).
        initialised: bool,
        /// Its `struct dma_fence_ops`.
        ops: FenceOps,
    },
    /// `struct dma_fence_cb`.
    Callback {
        /// The function, called with the fence and the callback's data; without one it only notes that it ran.
        func: Option<CalleeId>,
    },
    /// `struct work_struct`.
    Work {
        /// The worker that runs it.
        worker: ThreadId,
        /// Its queue.
        queue: ObjId,
    },
    /// `struct workqueue_struct`.
    Workqueue {
        /// One item at a time, in the order in which they were queued.
        ordered: bool,
    },
    /// `struct timer_list`.
    Timer {
        /// The handler that runs when it expires.
        handler: ThreadId,
    },
    /// `struct dma_resv`.
    Resv {
        /// Its lock.
        lock: ObjId,
        /// The slab of its fence lists.
        lists: (ObjId, u8),
        /// Which entry a new fence may take the place of.
        variant: resv::Variant,
    },
    /// `struct dma_resv_list`.
    FenceList,
    /// `struct mutex`: a ww mutex that is taken without a context.
    Mutex {
        /// What it was built with.
        config: ww::Config,
    },
    /// `struct drm_exec`.
    Exec {
        /// Its acquire context.
        ctx: ObjId,
    },
    /// `struct rw_semaphore`.
    RwSem,
    /// `struct list_head`.
    List,
    /// `struct wake_q_head`.
    WakeQ,
    /// `struct sync_file`.
    SyncFile {
        /// Where it is noted that it is polled.
        variant: sync_file::Variant,
    },
    /// `struct drm_syncobj`.
    Syncobj {
        /// The word of its pointer.
        fence: ObjId,
        /// How waiters behave.
        variant: syncobj::Variant,
    },
}

/// A `struct dma_fence_ops`, as far as a scenario may fill it in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FenceOps {
    /// `enable_signaling`, called once under the fence's lock; 0 signals the fence at once.
    pub enable_signaling: Option<CalleeId>,
    /// `signaled`, called without the lock; a nonzero result makes whoever asked signal the fence.
    pub signaled: Option<CalleeId>,
    /// `release`, called when the last reference is gone; it has to `fence-free` the fence.
    pub release: Option<CalleeId>,
    /// `use_64bit_seqno`: its numbers do not wrap around.
    pub seqno64: bool,
    /// Up to 2025: they stay when the fence is signalled, so that whoever asks may come when their module is gone.
    pub stay: bool,
    /// Its memory is of a `SLAB_TYPESAFE_BY_RCU` cache: freed at once, and another fence's while readers still look at it.
    pub typesafe: bool,
}

/// Something that the kernel calls through a pointer, by its place among [`Program::callees`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CalleeId(pub u8);

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

/// A declared object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectDecl {
    /// The name in the scenario; implementation details are named after what they belong to.
    pub name: String,
    /// What is fixed about it.
    pub kind: ObjectKind,
}

/// A declared variable word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VarDecl {
    /// The name in the scenario, such as `x`, `table[1]`, `group#0.state`.
    pub name: String,
    /// The value at the start.
    pub init: Value,
    /// Accessed plainly by the modelled code.
    pub racy: bool,
    /// Part of the outcome: a named `var` whose final value is the same on every memory model.
    pub observed: bool,
}

/// What freeing a slab's object means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlabKind {
    /// The slot is free at once.
    Plain,
    /// `kfree_rcu()`: the memory stays for a grace period.
    RcuFree,
    /// `SLAB_TYPESAFE_BY_RCU`: the slot is free at once, but stays an object of this type for readers.
    TypesafeByRcu,
}

/// A declared `struct`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StructDecl {
    /// Its name.
    pub name: String,
    /// How its slots are freed.
    pub slab: SlabKind,
    /// Its slots.
    pub slots: Range<u8>,
    /// The references that a new object has; `None` if it is not counted.
    pub refs: Option<u8>,
    /// What is called, with the object, when the last one is dropped; it has to free the object. Without one the object
    /// is freed at once.
    pub release: Option<CalleeId>,
    /// Its fields: interned name and value of a new object. The words of slot `i` start at `first_var + i * fields`.
    pub fields: Vec<(FieldName, Value)>,
    /// The first variable word of its first slot.
    pub first_var: u8,
}

/// An interned field name: [`Program::field_names`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldName(pub u8);

/// Something that an operation works on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    /// A declared object.
    Object(ObjId),
    /// Whatever a local holds.
    Local(LocalId),
    /// A constant.
    Const(Value),
}

/// A word that an operation reads or writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// A variable.
    Var(ObjId),
    /// An element of an array.
    Element {
        /// Element 0.
        first: ObjId,
        /// How many there are.
        len: u8,
        /// Which one.
        index: Operand,
    },
    /// A field of the object that `base` refers to.
    Field {
        /// The reference.
        base: Operand,
        /// The field.
        field: FieldName,
    },
}

/// A range of [`Program::pool`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolRange {
    /// First element.
    pub start: u8,
    /// How many.
    pub len: u8,
}

impl Code for PoolRange {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.byte(&mut self.start);
        c.byte(&mut self.len);
    }
}

/// An operation on shared objects, as written in a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "fields are the operands of the operation that the variant's line names")]
pub enum Op {
    /// `load`, `store`, `add`, `cmpxchg`, `xchg`, `smp-mb`.
    Access { how: primitives::variable::How, order: Order, place: Place, a: Operand, b: Operand, benign: bool },
    /// `spin-until`: `expr` reads the word as [`LocalId::WORD_READ`].
    SpinUntil { order: Order, place: Place, expr: u16 },
    /// `lock`, `trylock`, `unlock` of a spinlock.
    Spin { how: primitives::spinlock::How, lock: Operand },
    /// `prepare`, `sleep`, `finish`, `wake-one`, `wake-all`.
    Wait { at: primitives::waitqueue::At, queue: Operand, patience: Patience },
    /// `wait-for-completion`, `complete`, `complete-all`, `try-wait-for-completion`, `reinit-completion`.
    Complete { at: primitives::completion::At, completion: Operand, patience: Patience },
    /// `barrier-wait`.
    Rendezvous { barrier: Operand },
    /// `get`, `get-unless-zero`, `put` of a bare `refcount_t`.
    Count { how: primitives::refcount::How, count: Operand },
    /// `new`: the operand is the slot that this operation prefers. `get`, `get-unless-zero`, `put`, `free`, `call-rcu` of an object.
    Slab { at: primitives::slab::At, target: Operand },
    /// `rcu-read-lock`, `rcu-read-unlock`, `synchronize-rcu`.
    Rcu { at: primitives::rcu::At },
    /// `raise signal to=THREAD`.
    Raise { to: ThreadId },
    /// `acquire-init`, `acquire-done`, `acquire-fini`; in setup `acquire-init c for=THREAD`.
    Ctx { how: ww::CtxHow, ctx: Operand, on_behalf: Option<ThreadId> },
    /// `lock-nested` of a spinlock or a mutex.
    LockNested { lock: Operand, nest: Operand },
    /// `lock`, `lock-slow`, `trylock` of a ww mutex or a reservation.
    WwLock { how: ww::How, mutex: Operand, ctx: Option<Operand> },
    /// `unlock` of a ww mutex or a reservation.
    WwUnlock { mutex: Operand },
    /// `mutex_unlock()` of a ww mutex's base.
    BaseUnlock { mutex: Operand },
    /// `lock-all`.
    LockAll { locks: PoolRange, ctx: Operand, interruptible: bool },
    /// `unlock-all`.
    UnlockAll { locks: PoolRange },
    /// Everything on a fence but waiting and callbacks.
    Fence { what: fence::What, fence: Operand, error: i16 },
    /// `wait` for a fence.
    FenceWait { fence: Operand, patience: Patience, poll: bool },
    /// What the kernel calls a fence that is made of others for; `chain-find`.
    Contain { duty: fence::Duty, fence: Operand, member: Option<Operand>, seqno: u16 },
    /// `get-rcu-safe`.
    GetRcuSafe { place: Place },
    /// `sync-file-create`, `sync-file-get-fence`, `poll`, `sync-file-release`.
    SyncFile { at: sync_file::At, file: Operand, fence: Option<Operand>, patience: Patience, once: bool },
    /// `syncobj-replace-fence`, `syncobj-add-point`, `syncobj-find-fence`, `syncobj-wait`, `syncobj-query`.
    Syncobj {
        act: syncobj::Act,
        syncobj: Operand,
        second: Option<Operand>,
        node: Option<Operand>,
        fence: Option<Operand>,
        point: u8,
        flags: syncobj::Flags,
        patience: Patience,
    },
    /// `unwrap-begin`.
    UnwrapBegin { fence: Operand },
    /// `unwrap-next`: the cursor that a local holds.
    UnwrapNext { home: LocalId },
    /// `fence-merge`.
    Merge { fences: PoolRange, variant: fence::MergeVariant, may_run_out: bool },
    /// `dedup-array`.
    Dedup { array: Place, count: Operand, none_is_one: bool },
    /// `chain-init`.
    ChainInit { chain: Operand, prev: Operand, fence: Operand, seqno: u16 },
    /// `add-callback`, `remove-callback`.
    FenceCallback { add: bool, fence: Operand, callback: Operand, data: Option<Operand> },
    /// `reserve`.
    Reserve { resv: Operand, slots: u8 },
    /// `add-fence`.
    AddFence { resv: Operand, fence: Operand, usage: Usage },
    /// `dma_resv_replace_fences()`.
    ReplaceFences { resv: Operand, context: u8, fence: Operand, usage: Usage },
    /// `dma_resv_copy_fences()`.
    CopyFences { dst: Operand, src: Operand },
    /// `wait` for the fences of a reservation.
    ResvWait { resv: Operand, usage: Usage, patience: Patience, poll: bool },
    /// `test-signaled`.
    TestSignaled { resv: Operand, usage: Usage },
    /// `get-fences`, `get-singleton`.
    GetFences { resv: Operand, usage: Usage, into: Option<Place>, may_run_out: bool },
    /// `iter-begin`.
    IterBegin { resv: Operand, usage: Usage, unlocked: bool },
    /// `iter-next`, `iter-is-restarted`, `iter-usage`, `iter-end`: the cursor that a local holds.
    Cursor { at: resv::cursor::At, home: LocalId },
    /// Everything on a `struct drm_exec`; the reservation of those that work on one.
    Exec { what: exec::What, exec: Operand, resv: Option<Operand>, slots: u8, flags: exec::Flags },
    /// `exec-prepare-array`.
    ExecArray { exec: Operand, resvs: PoolRange, slots: u8 },
    /// An injected failure: nothing but its result.
    Fail { error: Value },
    /// The agent that runs grace periods.
    GracePeriods,
    /// `call-rcu x P`.
    CallRcu { target: Operand, func: CalleeId },
    /// `alloc`.
    Alloc { gfp: primitives::alloc::Gfp },
    /// `copy-from-user`, `copy-to-user`.
    UserAccess { inatomic: bool },
    /// `begin-signalling`, `end-signalling`.
    Signalling { begin: bool, fence: Option<Operand> },
    /// `queue-work`, `flush-work`, `cancel-work-sync`.
    Work { at: primitives::workqueue::At, work: Operand, data: Operand },
    /// Between a worker's runs.
    Worker { work: ObjId },
    /// `mod-timer`, `del-timer`, `del-timer-sync`.
    Timer { at: primitives::timer::At, timer: Operand },
    /// Between the runs of a timer's handler.
    TimerHandler { timer: ObjId },
    /// `local-irq-disable`, `local-irq-enable`, `local-irq-save`, `local-irq-restore`.
    LocalIrq { how: primitives::irq::How },
    /// The beginning and the end of an interrupt handler; `on` is the thread whose CPU it runs on, any without it.
    Irq { at: primitives::irq::At, on: Option<ThreadId> },
    /// `down-read`, `down-write`, `up-read`, `up-write`, `downgrade-write` and their try forms; `mmap-lock`, `mmap-unlock`.
    RwSem { at: primitives::rwsem::At, sem: Operand, patience: Patience, if_held: bool },
    /// `list-add`, `list-del`, `list-first`, …; `from` is the other list of a splice or move.
    List { how: primitives::list::How, list: Operand, entry: Option<Operand>, from: Option<Operand> },
    /// `wake-q-add`, `wake-q-flush`.
    WakeQ { at: primitives::wakeq::At, wake_q: Operand, queue: Option<Operand>, task: ThreadId },
}

/// An instruction of a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Instr {
    /// An operation on shared objects: one visible step or more.
    Op {
        /// Which.
        op: Op,
        /// Where its result goes.
        into: Option<LocalId>,
        /// `may-fail`: it may return this instead, without having done anything.
        may_fail: Option<Value>,
    },
    /// `choose A B C into=r`: any of these constants of the pool.
    Choose {
        /// The possibilities.
        of: PoolRange,
        /// Where the pick goes.
        into: Option<LocalId>,
    },
    /// `let x="expr"`.
    Let {
        /// The local.
        into: LocalId,
        /// Index of the expression.
        expr: u16,
    },
    /// Goes on if the expression is true, else to `otherwise`.
    Branch {
        /// Index of the expression.
        expr: u16,
        /// Where to go if it is false.
        otherwise: u16,
    },
    /// Goes somewhere else.
    Jump(u16),
    /// `progress`: the thread got on. A private decision: the mark is on the step before it.
    Progress,
    /// `assert`: the expression must be true.
    Assert {
        /// Index of the expression.
        expr: u16,
    },
    /// A callee is over.
    Return {
        /// Where its result is.
        result: Option<LocalId>,
    },
    /// An injected `may-fail` of what follows, up to `over`: either it happens, or it does not and returns the error.
    MayFail {
        /// What is returned.
        error: Value,
        /// Where that goes.
        into: Option<LocalId>,
        /// The instruction behind what failed.
        over: u16,
    },
    /// Counts how often it is come to, from an unset local on: goes on the `nth` time, else to `otherwise`.
    Nth {
        /// Where it counts.
        counter: LocalId,
        /// Which time.
        nth: u8,
        /// Where to go every other time.
        otherwise: u16,
    },
    /// The script is over.
    End,
}

/// Where an instruction comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SourceLine {
    /// Line number in the scenario file, from 1; 0 for what nobody wrote.
    pub line: u32,
    /// The author's text of the operation, on one line.
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
    /// It runs when there is something to do, and ends with the last script.
    pub agent: bool,
    /// What runs it.
    pub role: Role,
    /// The program's callees, by [`CalleeId`].
    pub callees: Vec<Callee>,
}

impl Script {
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
    /// The `struct`s.
    pub structs: Vec<StructDecl>,
    /// Names of fields.
    pub field_names: Vec<String>,
    /// The names of words that stand for themselves; only who prints them asks.
    pub words: Vec<(i32, String)>,
    /// Threads, then agents; the place is the thread's id.
    pub scripts: Vec<Script>,
    /// Runs alone before the threads.
    pub setup: Script,
    /// Runs alone after the last thread.
    pub teardown: Script,
    /// Expressions of the scripts.
    pub exprs: Vec<Expr>,
    /// Lists of operands and constants.
    pub pool: Vec<Operand>,
    /// RCU's object and its agent, if the program needs grace periods.
    pub rcu: Option<(ObjId, ThreadId)>,
    /// The names of what the kernel calls through a pointer.
    pub callees: Vec<String>,
    /// What a blocking allocation may have to run.
    pub shrinkers: Vec<CalleeId>,
    /// Documented orders of locks: each is outside of those that follow it.
    pub lock_orders: Vec<Vec<ObjId>>,
    /// The rwsem that is the address space's lock: its place in the order of locks is documented.
    pub mmap_lock: Option<ObjId>,
    /// Whether there are interrupt handlers, and threads can therefore be interrupted.
    pub has_irqs: bool,
    /// The fences that are made of others.
    pub containers: Vec<fence::Container>,
    /// Somebody looks at timestamps: then they are set in a step of their own.
    pub timestamps: bool,
    /// Memory for fences that are signalled from the start (`dma_fence_allocate_private_stub()`).
    pub stubs: Vec<ObjId>,
    /// The mistake that its protocols are run with.
    #[cfg(feature = "mutants")]
    pub mutation: crate::mutation::AtWork,
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

    /// The name of a local as the code at an instruction knows it.
    pub fn local_name(&self, pc: u16, l: LocalId) -> &str {
        let names = self.callee_at(pc).map_or(&self.locals, |(_, c)| &c.locals);
        names.get(usize::from(l.0)).map_or("", String::as_str)
    }
}

impl Program {
    /// The pseudo-thread that runs setup and teardown.
    pub fn main_thread(&self) -> ThreadId {
        ThreadId(self.scripts.len() as u8)
    }

    /// Checks the program against the model's capacities.
    pub fn check_size(&self) -> Result<(), TooLarge> {
        let all = self.scripts.iter().chain([&self.setup, &self.teardown]);
        let locals = all.clone().map(|s| s.locals.len()).max().unwrap_or(0);
        let code = all.map(|s| s.code.len()).max().unwrap_or(0);
        let limits = [
            ("threads and agents", self.scripts.len(), MAX_THREADS - 1),
            ("objects", self.objects.len(), MAX_OBJECTS),
            ("variable words", self.vars.len(), MAX_VARS),
            ("locals of one thread", locals, MAX_LOCALS),
            ("instructions of one thread", code, usize::from(u16::MAX)),
            ("listed operands", self.pool.len(), usize::from(u8::MAX)),
            ("expressions", self.exprs.len(), usize::from(u16::MAX)),
        ];
        match limits.into_iter().find(|(_, have, limit)| have > limit) {
            Some((what, have, limit)) => Err(TooLarge { what, have, limit }),
            None => Ok(()),
        }
    }

    /// What is fixed about an object.
    pub fn kind(&self, id: ObjId) -> &ObjectKind {
        &self.objects[usize::from(id.0)].kind
    }

    /// Whether the modelled code accesses a word plainly.
    pub(crate) fn is_racy(&self, var: ObjId) -> bool {
        var.as_var().and_then(|i| self.vars.get(i)).is_some_and(|v| v.racy)
    }

    /// What runs a thread; setup and teardown are a task.
    pub fn role(&self, t: ThreadId) -> Role {
        self.scripts.get(t.index()).map_or(Role::Task, |s| s.role)
    }

    /// Whether this is `mmap_lock`.
    pub fn is_mmap_lock(&self, lock: ObjId) -> bool {
        self.mmap_lock == Some(lock)
    }

    /// The operations of a fence.
    pub(crate) fn fence_ops(&self, fence: ObjId) -> FenceOps {
        match self.kind(fence) {
            ObjectKind::Fence { ops, .. } => *ops,
            _ => FenceOps::default(),
        }
    }

    /// What is called when the last reference to a slot's object is dropped.
    pub(crate) fn release_of(&self, slot: ObjId) -> Option<CalleeId> {
        self.struct_of(slot)?.release
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
        PoolObjects(&self.pool[usize::from(r.start)..usize::from(r.start + r.len)])
    }

    /// The operands in a range of the pool.
    pub fn pool_range(&self, r: PoolRange) -> &[Operand] {
        &self.pool[usize::from(r.start)..usize::from(r.start + r.len)]
    }

    fn struct_of(&self, slot: ObjId) -> Option<&StructDecl> {
        match self.objects.get(usize::from(slot.0))?.kind {
            ObjectKind::Slot { of } => self.structs.get(usize::from(of)),
            _ => None,
        }
    }

    /// How the object's slab frees.
    pub(crate) fn slab_of(&self, slot: ObjId) -> SlabKind {
        self.struct_of(slot).map_or(SlabKind::Plain, |s| s.slab)
    }

    /// All slots of the object's slab.
    pub(crate) fn slots_of(&self, slot: ObjId) -> Range<u8> {
        self.struct_of(slot).map_or(slot.0..slot.0 + 1, |s| s.slots.clone())
    }

    /// The references that a new object of the slot's struct has.
    pub(crate) fn initial_refs(&self, slot: ObjId) -> u16 {
        self.struct_of(slot).and_then(|s| s.refs).map_or(0, u16::from)
    }

    /// The references to an object that exist from the start and belong to the scenario.
    pub(crate) fn declared_refs(&self, id: ObjId) -> u16 {
        match self.kind(id) {
            ObjectKind::Refcount { init } => u16::from(*init),
            ObjectKind::Fence { initialised, .. } => u16::from(*initialised),
            _ => 0,
        }
    }

    /// The words of a slot's fields with their initial values.
    pub(crate) fn fields_of(&self, slot: ObjId) -> impl Iterator<Item = (ObjId, Value)> {
        let fields = self.struct_of(slot).map_or(&[][..], |s| &s.fields);
        fields.iter().enumerate().map(move |(i, (_, init))| (self.field_at(slot, i), *init))
    }

    fn field_at(&self, slot: ObjId, field: usize) -> ObjId {
        let s = self.struct_of(slot);
        let (first, start, n) = s.map_or((0, 0, 0), |s| (s.first_var, s.slots.start, s.fields.len()));
        ObjId::var(usize::from(first) + usize::from(slot.0 - start) * n + field)
    }

    /// The word of a field of the object in a slot; `None` if its struct has no such field.
    pub fn field_var(&self, slot: ObjId, name: FieldName) -> Option<ObjId> {
        let at = self.struct_of(slot)?.fields.iter().position(|(n, _)| *n == name)?;
        Some(self.field_at(slot, at))
    }

    /// The context and number of a fence, as declared.
    pub(crate) fn fence_point(&self, fence: ObjId) -> (u8, u16) {
        match self.kind(fence) {
            ObjectKind::Fence { context, seqno, .. } => (*context, *seqno),
            _ => (0, 0),
        }
    }

    /// A reservation's lock and the slab of its lists.
    pub(crate) fn resv_parts(&self, resv: ObjId) -> resv::Parts {
        match self.kind(resv) {
            ObjectKind::Resv { lock, lists: (first, n), .. } => {
                resv::Parts { lock: *lock, lists: first.0..first.0 + n }
            }
            _ => resv::Parts { lock: resv, lists: 0..0 },
        }
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
            Operand::Local(_) | Operand::Const(_) => ObjId::default(),
        }
    }
}

impl Operand {
    /// The value of the operand, given the thread's locals.
    pub(crate) fn value(self, locals: &[Value]) -> Value {
        match self {
            Operand::Object(obj) => Value::Ref(Handle { obj, generation: 0 }),
            Operand::Local(l) => locals[usize::from(l.0)],
            Operand::Const(v) => v,
        }
    }
}
