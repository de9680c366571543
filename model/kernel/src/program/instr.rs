//! What scripts are made of: instructions, the operations among them, and what those work on.

use super::{CalleeId, FieldName};
use crate::{
    Code, Coder, Handle, LocalId, ObjId, Order, Patience, ThreadId, Value, exec, fence, primitives,
    resv::{self, Usage},
    sync_file, syncobj, ww,
};

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

/// A range of [`Program::pool`](super::Program::pool).
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

/// An operation on shared objects, as written in a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "fields are the operands of the operation that the variant's line names")]
pub enum Op {
    /// `load`, `store`, `add`, `cmpxchg`, `xchg`, `smp-mb` and the other barriers.
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
    /// An injected failure of a proc: nothing but its result.
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
    Timer { at: primitives::timer::At, timer: Operand, data: Operand },
    /// `shrinker-register`, `shrinker-free`.
    Shrinker { at: primitives::shrinker::At, shrinker: Operand },
    /// Between the runs of a timer's handler.
    TimerHandler { timer: ObjId },
    /// `local-irq-disable`, `local-irq-enable`, `local-irq-save`, `local-irq-restore`.
    LocalIrq { how: primitives::irq::How },
    /// The beginning and the end of an interrupt handler; `on` is the thread whose CPU it runs on, any without it; `line` its line, if
    /// anybody asks for that.
    Irq { at: primitives::irq::At, on: Option<ThreadId>, line: Option<ObjId> },
    /// `synchronize-irq`, `disable-irq`, `disable-irq-nosync`, `enable-irq`, `free-irq`: of a handler, and its line.
    IrqLine { at: primitives::irq_line::At, handler: ThreadId, line: ObjId },
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
    /// An injected failure of an operation, which is not begun. The rules of the operation are judged all the same.
    Fails {
        /// What fails.
        op: Op,
        /// Where that goes.
        into: Option<LocalId>,
        /// What it returns.
        error: Value,
    },
    /// What the kernel asks of its caller before an operation of several instructions: a private decision.
    Judge {
        /// One operation that asks the same.
        op: Op,
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
