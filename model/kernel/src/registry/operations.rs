//! The list of all operations of a script: what each is, what may be asked about it, and the tables that say how it is
//! written.

use crate::{
    LocalId, Machine, ObjId, Patience, exec, fence,
    ground::{
        op::{OpSpec, Operation},
        operand::{Operand, Place, PoolRange},
        resolver::{Resolved, Resolver},
        row::{Gives, Needs, Row},
    },
    lock_all, primitives,
    resv::{self, Usage},
    sync_file, syncobj, ww,
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

            /// The operation, told which line it is about.
            pub fn on_line(self, line: ObjId) -> Op {
                match self {
                    $(Op::$variant(op) => op.on_line(line).into(),)*
                    other => other,
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
    /// `load`, `store`, `add`, `cmpxchg`, `xchg`, `smp-mb` and the other barriers.
    Access(primitives::variable::ops::Access);
    /// `spin-until`: `expr` reads the word as [`LocalId::WORD_READ`].
    SpinUntil(primitives::variable::ops::SpinUntil);
    /// `prepare`, `sleep`, `finish`, `wake-one`, `wake-all`.
    Wait(primitives::waitqueue::ops::Wait);
    /// `wait-for-completion`, `complete`, `complete-all`, `try-wait-for-completion`, `reinit-completion`.
    Complete(primitives::completion::ops::Complete);
    /// `barrier-wait`.
    Rendezvous(primitives::barrier::ops::Rendezvous);
    /// `get`, `get-unless-zero`, `put` of a bare `refcount_t`.
    Count(primitives::refcount::ops::Count);
    /// `rcu-read-lock`, `rcu-read-unlock`, `synchronize-rcu`.
    Rcu(primitives::rcu::ops::Rcu);
    /// `call-rcu x P`.
    CallRcu(primitives::rcu::ops::CallRcu);
    /// The agent that runs grace periods.
    GracePeriods(primitives::rcu::ops::GracePeriods);
    /// `raise signal to=THREAD`.
    Raise(primitives::signal::ops::Raise);
    /// `wake-q-add`, `wake-q-flush`.
    WakeQ(primitives::wakeq::ops::WakeQ);
    /// `down-read`, `down-write`, `up-read`, `up-write`, `downgrade-write` and their try forms; `mmap-lock`, `mmap-unlock`.
    RwSem(primitives::rwsem::ops::RwSem);
    /// `list-add`, `list-del`, `list-first`, …; `from` is the other list of a splice or move.
    List(primitives::list::ops::List);
    /// `queue-work`, `flush-work`, `cancel-work-sync`.
    Work(primitives::workqueue::ops::Work);
    /// Between a worker's runs.
    Worker(primitives::workqueue::ops::Worker);
    /// `mod-timer`, `del-timer`, `del-timer-sync`.
    Timer(primitives::timer::ops::Timer);
    /// Between the runs of a timer's handler.
    TimerHandler(primitives::timer::ops::TimerHandler);
    /// `shrinker-register`, `shrinker-free`.
    Shrinker(primitives::shrinker::ops::Shrinker);
    /// `synchronize-irq`, `disable-irq`, `disable-irq-nosync`, `enable-irq`, `free-irq`: of a handler, and its line.
    IrqLine(primitives::irq_line::ops::IrqLine);
    /// `local-irq-disable`, `local-irq-enable`, `local-irq-save`, `local-irq-restore`.
    LocalIrq(primitives::irq::ops::LocalIrq);
    /// The beginning and the end of an interrupt handler; `on` is the thread whose CPU it runs on, any without it; `line` its line, if
    /// anybody asks for that.
    Irq(primitives::irq::ops::Irq);
    /// `alloc`.
    Alloc(primitives::alloc::ops::Alloc);
    /// `copy-from-user`, `copy-to-user`.
    UserAccess(primitives::uaccess::ops::UserAccess);
    /// An injected failure of a proc: nothing but its result.
    Fail(crate::machine::ops::Fail);
    @old
    /// `new`: the operand is the slot that this operation prefers. `get`, `get-unless-zero`, `put`, `free`, `call-rcu` of an object.
    Slab { at: primitives::slab::At, target: Operand },
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
    /// `begin-signalling`, `end-signalling`.
    Signalling { begin: bool, fence: Option<Operand> },
}

impl Op {
    fn old_row(self) -> Row {
        match self {
            Op::Slab { at, target } => super::old_objects::slab(at, target),
            Op::Fence { what, fence, .. } => super::old_fences::fence(what, fence),
            Op::FenceWait { fence, .. } | Op::UnwrapBegin { fence } => Row::on(fence),
            Op::Contain { fence, member, .. } => super::old_fences::contain(fence, member),
            Op::GetRcuSafe { place } => Row { needs: Needs::LOOPS, gives: Gives::Counted, ..Row::at(place) },
            Op::SyncFile { file, fence, .. } => super::old_fences::sync_file(file, fence),
            Op::Syncobj { syncobj, second, node, fence, .. } => {
                super::old_fences::syncobj(syncobj, second, node, fence)
            }
            Op::UnwrapNext { home } => Row { cursor: Some(home), gives: Gives::Perhaps, ..Row::PLAIN },
            Op::Merge { may_run_out, .. } => super::old_fences::merge(may_run_out),
            Op::Dedup { array, count, .. } => Row::of([array.base(), Some(count), None, None]),
            Op::ChainInit { chain, prev, fence, .. } => Row::of([Some(chain), Some(prev), Some(fence), None]),
            Op::FenceCallback { add, fence, callback, .. } => super::old_fences::callback(add, fence, callback),
            Op::Reserve { resv, .. } | Op::ResvWait { resv, .. } => Row { needs: Needs::RCU, ..Row::on(resv) },
            Op::TestSignaled { resv, .. } => Row { needs: Needs::RCU, ..Row::on(resv) },
            Op::AddFence { resv, fence, .. } | Op::ReplaceFences { resv, fence, .. } => Row::on_both(resv, fence),
            Op::CopyFences { dst, src } => Row { needs: Needs::RCU, ..Row::on_both(dst, src) },
            Op::GetFences { resv, into, may_run_out, .. } => super::old_fences::get_fences(resv, into, may_run_out),
            Op::IterBegin { resv, unlocked, .. } => Row { needs: Needs::rcu_if(unlocked), ..Row::on(resv) },
            Op::Cursor { home, .. } => Row { cursor: Some(home), gives: Gives::Perhaps, ..Row::PLAIN },
            Op::Exec { what, exec, resv, .. } => super::old_fences::exec(what, exec, resv),
            Op::ExecArray { exec, .. } => Row { needs: Needs::RCU, ..Row::on(exec) },
            Op::Signalling { .. } => {
                Row { no_room: "for another fence-signalling section inside 255 others", ..Row::PLAIN }
            }
            _ => unreachable!("[internal bug] it has its own"),
        }
    }
}

/// What a script may say, in the order of the reference page.
pub fn all() -> impl Iterator<Item = &'static OpSpec> {
    const TABLES: [&[OpSpec]; 21] = [
        primitives::variable::ops::OPS,
        primitives::refcount::ops::OPS,
        primitives::rcu::ops::OPS,
        primitives::waitqueue::ops::OPS,
        primitives::completion::ops::OPS,
        primitives::barrier::ops::OPS,
        primitives::signal::ops::OPS,
        primitives::wakeq::ops::OPS,
        primitives::spinlock::ops::OPS,
        ww::ops::OPS,
        lock_all::ops::OPS,
        ww::ops::MUTEX_OPS,
        primitives::rwsem::ops::OPS,
        primitives::list::ops::OPS,
        primitives::workqueue::ops::OPS,
        primitives::timer::ops::OPS,
        primitives::shrinker::ops::OPS,
        primitives::irq_line::ops::OPS,
        primitives::irq::ops::OPS,
        primitives::alloc::ops::OPS,
        primitives::uaccess::ops::OPS,
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
