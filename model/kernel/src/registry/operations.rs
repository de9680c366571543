//! The list of all operations of a script: what each is, what may be asked about it, and the tables that say how it is
//! written.

use crate::{
    Machine, ObjId, Order, Patience, ThreadId, Value, exec, fence,
    ground::{
        ids::CalleeId,
        op::{OpSpec, Operation},
        operand::{Operand, Place},
        resolver::{Resolved, Resolver},
        row::{Between, Ends, Fall, Gives, Needs, Row, Shows},
    },
    lock_all, primitives, resv, sync_file, syncobj, ww,
};

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident($ty:ty);)* @old $($old:tt)*) => {
        /// An operation on shared objects, as written in a script.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[expect(missing_docs, reason = "fields are the operands of the operation that the variant's line names")]
        pub enum Op { $($(#[$doc])* $variant($ty),)* $($old)* }

        $(impl From<$ty> for Op {
            fn from(op: $ty) -> Op {
                Op::$variant(op)
            }
        })*

        impl Op {
            /// What is said about the operation.
            pub fn row(self) -> Row {
                match self {
                    $(Op::$variant(op) => op.row(),)*
                    other => other.old_row(),
                }
            }

            /// The machine that does it. Every operation has its own: one without does not compile.
            pub(crate) fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
                match self {
                    $(Op::$variant(op) => op.begin(with),)*
                    other => with.machine(other),
                }
            }
        }
    };
}

operations! {
    /// `lock`, `trylock`, `unlock` of a spinlock.
    Spin(primitives::spinlock::ops::Spin);
    /// Acquire contexts.
    Ctx(ww::ops::Ctx);
    /// `lock-nested`.
    LockNested(ww::ops::LockNested);
    /// Taking a mutex of whatever sort.
    WwLock(ww::ops::WwLock);
    /// Releasing it.
    WwUnlock(ww::ops::WwUnlock);
    /// Releasing a ww mutex as if it were a plain one.
    BaseUnlock(ww::ops::BaseUnlock);
    /// Several with a back-off loop around them.
    LockAll(lock_all::ops::LockAll);
    /// Giving them back.
    UnlockAll(lock_all::ops::UnlockAll);
    /// Everything on a fence but waiting and callbacks.
    Fence(fence::ops::Fence);
    /// Waiting for one.
    FenceWait(fence::ops::FenceWait);
    /// Its callbacks.
    FenceCallback(fence::ops::FenceCallback);
    /// What the kernel calls one for that is made of others.
    Contain(fence::ops::Contain);
    /// A reference to whatever fence is there.
    GetRcuSafe(fence::ops::GetRcuSafe);
    /// Fence-signalling sections.
    Signalling(fence::ops::Signalling);
    /// A cursor over what a fence is made of.
    UnwrapBegin(fence::ops::UnwrapBegin);
    /// To the next.
    UnwrapNext(fence::ops::UnwrapNext);
    /// One fence of several.
    Merge(fence::ops::Merge);
    /// Of each context the newest.
    Dedup(fence::ops::Dedup);
    /// A point of a timeline.
    ChainInit(fence::ops::ChainInit);
    /// Room in a reservation.
    Reserve(resv::ops::Reserve);
    /// A fence into it.
    AddFence(resv::ops::AddFence);
    /// One in the place of those of a context.
    ReplaceFences(resv::ops::ReplaceFences);
    /// Those of another reservation.
    CopyFences(resv::ops::CopyFences);
    /// Waiting for them.
    ResvWait(resv::ops::ResvWait);
    /// Looking at them.
    TestSignaled(resv::ops::TestSignaled);
    /// References to them.
    GetFences(resv::ops::GetFences);
    /// A cursor over them.
    IterBegin(resv::ops::IterBegin);
    /// What is done with it.
    Cursor(resv::ops::Cursor);
    /// A file over a fence.
    SyncFile(sync_file::ops::SyncFile);
    /// A place for a fence.
    Syncobj(syncobj::ops::Syncobj);
    /// A set of locks.
    Exec(exec::ops::Exec);
    /// Several into it.
    ExecArray(exec::ops::ExecArray);
    @old
    /// `load`, `store`, `add`, `cmpxchg`, `xchg`, `smp-mb` and the other barriers.
    Access { how: primitives::variable::How, order: Order, place: Place, a: Operand, b: Operand, benign: bool },
    /// `spin-until`: `expr` reads the word as [`LocalId::WORD_READ`].
    SpinUntil { order: Order, place: Place, expr: u16 },
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

impl Op {
    fn old_row(self) -> Row {
        match self {
            Op::Access { how, place, .. } => super::old_objects::access(how, place),
            Op::SpinUntil { place, .. } => Row::at(place),
            Op::Wait { at, queue, patience } => super::old_objects::wait(at, queue, patience),
            Op::Complete { at, completion, .. } => super::old_objects::complete(at, completion),
            Op::Rendezvous { barrier } => Row { ends: Ends::Meets(barrier), ..Row::on(barrier) },
            Op::Count { count, .. } => Row::on(count),
            Op::Slab { at, target } => super::old_objects::slab(at, target),
            Op::Rcu { at } => super::old_objects::rcu(at),
            Op::Raise { .. } => Row { needs: Needs { signals: true, ..Needs::NOTHING }, ..Row::PLAIN },
            Op::Fail { .. } => Row { result: Shows::Injected, ..Row::PLAIN },
            Op::GracePeriods => Row { between: Between::Events, ..Row::PLAIN },
            Op::CallRcu { target, .. } => Row { needs: Needs { rcu: true, ..Needs::LOOPS }, ..Row::on(target) },
            Op::Alloc { gfp } => super::old_objects::alloc(gfp),
            Op::UserAccess { .. } => Row { chooses: Some((Fall::Page, 1)), ..Row::PLAIN },
            Op::Work { at, work, .. } => super::old_objects::work(at, work),
            Op::Worker { work } => Row { between: Between::Runs(work), ..Row::PLAIN },
            Op::Timer { timer, .. } => Row { gives: Gives::Perhaps, ..Row::on(timer) },
            Op::Shrinker { .. } => Row::PLAIN,
            Op::TimerHandler { .. } => Row { between: Between::Events, ..Row::PLAIN },
            Op::LocalIrq { .. } => super::old_objects::local_irq(),
            Op::Irq { at, on, .. } => super::old_objects::irq(at, on.is_none()),
            Op::IrqLine { .. } => Row::PLAIN,
            Op::RwSem { at, sem, .. } => super::old_objects::rwsem(at, sem),
            Op::List { list, entry, from, .. } => super::old_objects::list(list, entry, from),
            Op::WakeQ { wake_q, queue, .. } => super::old_objects::wake_q(wake_q, queue),
            // What has moved has its own.
            _ => unreachable!("[internal bug] it has its own"),
        }
    }
}

/// What a script may say, in the order of the reference page.
pub fn all() -> impl Iterator<Item = &'static OpSpec> {
    const TABLES: [&[OpSpec]; 11] = [
        primitives::spinlock::ops::OPS,
        ww::ops::OPS,
        lock_all::ops::OPS,
        ww::ops::MUTEX_OPS,
        fence::ops::OPS,
        resv::ops::OPS,
        fence::ops::MERGING,
        sync_file::ops::OPS,
        syncobj::ops::OPS,
        resv::ops::ITERATION,
        exec::ops::OPS,
    ];
    TABLES.into_iter().flatten()
}

/// Every meaning of an operation's name.
pub fn named(name: &str) -> Vec<&'static OpSpec> {
    all().filter(|op| op.name == name).collect()
}

/// The operation that models a function of the kernel.
pub fn of_kernel_function(function: &str) -> Option<&'static OpSpec> {
    let bare = function.trim_end_matches(['(', ')', ';']);
    all().find(|op| op.kernel.split_whitespace().any(|known| known.trim_end_matches("()") == bare))
}
