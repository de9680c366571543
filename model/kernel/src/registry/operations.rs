//! The list of all operations of a script: what each is, what may be asked about it, and the tables that say how it is
//! written.

use crate::{
    Machine, ObjId, dma, exec, fence, gpu,
    ground::{
        op::{OpSpec, Operation},
        resolver::{Resolved, Resolver},
        row::Row,
    },
    lock_all, memory, primitives, pte, resv, sync_file, syncobj, ww,
};
use std::fmt;

macro_rules! operations {
    ($($(#[$doc:meta])* $variant:ident($ty:ty);)*) => {
        /// An operation on shared objects, as written in a script.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub enum Op { $($(#[$doc])* $variant($ty)),* }

        /// As the operation itself, whose name says which it is.
        impl fmt::Debug for Op {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Op::$variant(op) => op.fmt(f)),*
                }
            }
        }

        $(impl From<$ty> for Op {
            fn from(op: $ty) -> Op {
                Op::$variant(op)
            }
        })*

        impl Op {
            /// What is said about the operation.
            pub fn row(self) -> Row {
                match self {
                    $(Op::$variant(op) => op.row()),*
                }
            }

            /// The operation, told which line it is about.
            pub fn on_line(self, line: ObjId) -> Op {
                match self {
                    $(Op::$variant(op) => op.on_line(line).into()),*
                }
            }

            /// The operation, told that the reference which it drops is dropped already.
            pub fn again(self) -> Op {
                match self {
                    $(Op::$variant(op) => op.again().into()),*
                }
            }

            /// The machine that does it. Every operation has its own: one without does not compile.
            pub(crate) fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
                match self {
                    $(Op::$variant(op) => op.begin(with)),*
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
    /// The error that one will carry.
    SetError(fence::ops::SetError);
    /// `fence-init` of a point that is told when it runs.
    FenceInit(fence::ops::FenceInit);
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
    /// `resv-fini`.
    ResvFini(resv::ops::ResvFini);
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
    /// `load`, `store`, `add`, `cmpxchg`, `xchg`, `smp-mb` and the other barriers.
    Access(primitives::variable::ops::Access);
    /// `spin-until`: `expr` reads the word as `LocalId::WORD_READ`.
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
    /// Whether one is pending.
    Pending(primitives::signal::ops::Pending);
    /// `wake-q-add`, `wake-q-flush`.
    WakeQ(primitives::wakeq::ops::WakeQ);
    /// `down-read`, `down-write`, `up-read`, `up-write`, `downgrade-write` and their try forms; `mmap-lock`,
    /// `mmap-unlock`.
    RwSem(primitives::rwsem::ops::RwSem);
    /// `xa-load`, `xa-store`, `xa-alloc` and the others.
    Xarray(primitives::xarray::ops::Xarray);
    /// `xa-lock`, `xa-unlock`.
    XarrayLock(primitives::xarray::ops::XarrayLock);
    /// `list-add`, `list-del`, `list-first`, …; `from` is the other list of a splice or move.
    List(primitives::list::ops::List);
    /// `rb-add`, `rb-first`, `range-insert`, `range-find`, …
    Tree(primitives::tree::ops::Tree);
    /// `queue-work`, `flush-work`, `cancel-work-sync`.
    Work(primitives::workqueue::ops::Work);
    /// Between a worker's runs.
    Worker(primitives::workqueue::ops::Worker);
    /// `submit`.
    Submit(primitives::device::ops::Submit);
    /// `device-off`, `device-on`, `device-access`, `device-hang`.
    Power(primitives::device::ops::Power);
    /// Between the jobs of a device.
    NextJob(primitives::device::ops::NextJob);
    /// `srcu-read-lock`, `srcu-read-unlock`, `synchronize-srcu`, `srcu-barrier`.
    Srcu(primitives::srcu::ops::Srcu);
    /// `call-srcu`.
    CallSrcu(primitives::srcu::ops::CallSrcu);
    /// Who calls what `call_srcu()` has left.
    SrcuWork(primitives::srcu::ops::SrcuWork);
    /// `try-module-get`, `module-put`, `delete-module`, and where a module's functions and tables are used.
    Module(primitives::module::ops::Module);
    /// The ends of a system call; `task-work-add`.
    Syscall(primitives::syscall::ops::Syscall);
    /// The work item of `delayed_fput()`.
    DelayedFput(primitives::syscall::ops::DelayedFput);
    /// `queue-work` on a queue that is said.
    QueueOn(primitives::workqueue::ops::QueueOn);
    /// What a queue's workers do.
    Pool(primitives::workqueue::ops::Pool);
    /// `mod-timer`, `del-timer`, `del-timer-sync`.
    Timer(primitives::timer::ops::Timer);
    /// Between the runs of a timer's handler.
    TimerHandler(primitives::timer::ops::TimerHandler);
    /// What a CPU does on which timers expire.
    TimerBase(primitives::timer::ops::TimerBase);
    /// `shrinker-register`, `shrinker-free`.
    Shrinker(primitives::shrinker::ops::Shrinker);
    /// `synchronize-irq`, `disable-irq`, `disable-irq-nosync`, `enable-irq`, `free-irq`: of a handler, and its line.
    IrqLine(primitives::irq_line::ops::IrqLine);
    /// `raise-irq`, and what handles a declared line.
    LineRun(primitives::irq_line::ops::LineRun);
    /// `clear-struct`.
    ClearStruct(primitives::slab::ops::ClearStruct);
    /// `irq-work-queue`, `irq-work-sync`.
    IrqWork(primitives::irq_work::ops::IrqWork);
    /// What a CPU does that takes an irq work's interrupt.
    IrqWorks(primitives::irq_work::ops::IrqWorks);
    /// `local-irq-disable`, `local-irq-enable`, `local-irq-save`, `local-irq-restore`.
    LocalIrq(primitives::irq::ops::LocalIrq);
    /// The beginning and the end of an interrupt handler; `on` is the thread whose CPU it runs on, any without it;
    /// `line` its line, if anybody asks for that.
    Irq(primitives::irq::ops::Irq);
    /// `lock-map-acquire`, `lock-map-release`.
    LockMap(primitives::lockmap::ops::LockMap);
    /// `assert-held`, `assert-not-held`, `might-sleep`, `might-lock`.
    Lockdep(primitives::lockdep::ops::Lockdep);
    /// `frames-alloc`.
    FramesAlloc(memory::ops::FramesAlloc);
    /// `frames-free`.
    FramesFree(memory::ops::FramesFree);
    /// `page-write`, `page-read`, `page-clear`, `page-copy`; `frame-pin`, `kmap-local`, `nth-page`.
    Page(memory::ops::Page);
    /// What is done beside memory.
    Cache(memory::cache::ops::Cache);
    /// `pages-move`.
    PagesMove(memory::ops::Move);
    /// `frame-fill`.
    Fill(memory::ops::Fill);
    /// `page-to-pfn`, `pfn-to-page`.
    PageNumber(memory::ops::Number);
    /// What a function's promise names.
    Named(primitives::lockdep::ops::Named);
    /// `alloc`.
    Alloc(primitives::alloc::ops::Alloc);
    /// `copy-from-user`, `copy-to-user`.
    UserAccess(primitives::uaccess::ops::UserAccess);
    /// Entries of page tables.
    Pte(pte::ops::Pte);
    /// An access of user memory by its address.
    Touch(pte::ops::Access);
    /// Commands to a slot of a GPU's MMU.
    GpuCommand(gpu::ops::Command);
    /// An access of a GPU's job.
    GpuAccess(gpu::ops::Access);
    /// `dma-map`.
    DmaMap(dma::ops::DmaMap);
    /// `dma-unmap`.
    DmaUnmap(dma::ops::DmaUnmap);
    /// `dma-invalidate`.
    DmaInvalidate(dma::ops::DmaInvalidate);
    /// `device-read`, `device-write`, `device-job`.
    DeviceAccess(dma::ops::DeviceAccess);
    /// `p2p-distance`.
    P2pDistance(dma::ops::P2pDistance);
    /// An injected failure of a proc: nothing but its result.
    Fail(crate::machine::ops::Fail);
    /// A call of a slot of a table that is NULL.
    NullSlot(crate::machine::ops::NullSlot);
    /// `new`; `free`, `call-rcu` of an object.
    Slab(primitives::slab::ops::Slab);
    /// The address of a word.
    WordAddress(primitives::slab::ops::WordAddress);
    /// The init functions.
    Init(primitives::slab::ops::Init);
    /// `copy-struct`.
    CopyStruct(primitives::slab::ops::CopyStruct);
    /// The address of what is inside of an object, and back.
    AddressOf(primitives::slab::ops::AddressOf);
    /// `get`, `get-unless-zero`, `put` of whatever is counted.
    Counted(fence::ops::counted::Counted);
}

/// What a script may say, in the order of the reference page.
pub fn all() -> impl Iterator<Item = &'static OpSpec> {
    const TABLES: [&[OpSpec]; 44] = [
        primitives::variable::ops::OPS,
        primitives::slab::ops::OPS,
        fence::ops::counted::OPS,
        primitives::refcount::ops::OPS,
        primitives::rcu::ops::OPS,
        primitives::srcu::ops::OPS,
        primitives::module::ops::OPS,
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
        primitives::lockdep::ops::OPS,
        primitives::lockmap::ops::OPS,
        primitives::list::ops::OPS,
        primitives::tree::ops::OPS,
        primitives::xarray::ops::OPS,
        fence::ops::OPS,
        resv::ops::OPS,
        fence::ops::MERGING,
        sync_file::ops::OPS,
        syncobj::ops::OPS,
        resv::ops::ITERATION,
        exec::ops::OPS,
        primitives::workqueue::ops::OPS,
        primitives::timer::ops::OPS,
        primitives::syscall::ops::OPS,
        primitives::device::ops::OPS,
        primitives::shrinker::ops::OPS,
        primitives::irq_line::ops::OPS,
        primitives::irq_work::ops::OPS,
        primitives::irq::ops::OPS,
        primitives::alloc::ops::OPS,
        primitives::uaccess::ops::OPS,
        memory::ops::OPS,
        memory::cache::ops::OPS,
        pte::ops::OPS,
        gpu::ops::OPS,
        dma::ops::OPS,
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
