//! The list of all kinds of object and of all machines: the only file that names every protocol.

pub mod idioms;
pub(crate) mod kinds;
mod laws;
pub mod mutations;
pub mod operations;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod upcalls;

pub(crate) use crate::memory::bytes::Bytes;

use crate::{
    Code, Coder, Cx, Facet, Flow, Footprint, Handle, LocalId, ObjId, Order, Patience, Plain, Runtime, ThreadId,
    ThreadSet, Value, View, World,
    counted::Counted,
    dma::{self, DmaAddress, DmaDevice},
    exec::{Exec, ExecOp, PrepareArray},
    facet::FacetSink,
    fence::{
        self, Callback, CallbackOp, ChainInit, Dedup, Fence, FenceOp, FenceWait, InitAt, Merge, RcuSafe, Signalling,
        UnwrapOp,
    },
    gpu::{self, GpuAs},
    lock_all::LockAll,
    machine::{Choose, Fail, Fault, NOTHING, Nothing},
    memory::{self, Frame, Memory, SgList},
    primitives::{
        alloc,
        barrier::{self, Barrier},
        completion::{self, Completion},
        device::{self, Device},
        irq,
        irq_line::{self, IrqLine},
        irq_work::{self, IrqWork, base::IrqWorks},
        list::{self, ListHead, node::Node},
        lockdep,
        lockmap::{self, LockMap},
        module::{self, Module},
        rcu::{self, Rcu, RcuHead},
        refcount::{self, Refcount},
        rwsem::{self, RwSem},
        shrinker::{self, Shrinker},
        signal,
        slab::{self, SlabOp, Slot},
        spinlock::{self, SpinLock},
        srcu::{self, Srcu},
        syscall::{self, TaskWork, delayed::Files},
        timer::{self, Timer, base::TimerBase},
        tree, uaccess, variable,
        waitqueue::{self, WaitQueue},
        wakeq::{self, WakeQ},
        workqueue::{self, Work, Workqueue},
        xarray::{self, Xarray},
    },
    program::CalleeId,
    protocol::{Protocol, machines},
    pte,
    resv::{AddFence, CopyFences, CursorOp, FenceList, Fini, GetFences, ReplaceFences, Reserve, Resv, Unlocked},
    shared::{LeftOpen, Listed, Shared, Stamp, facet_named, objects},
    sync_file::{SyncFile, SyncFileOp},
    syncobj::{Syncobj, SyncobjPost, SyncobjQuery, SyncobjWait},
    ww::{self, AcquireCtx, WwClass, WwMutex},
};

/// What is fixed about a program besides its objects: fences that are made of others, and a fence's operations.
pub use crate::fence::{Container, kind::FenceOps};
/// A word: what a world has besides objects and tasks.
pub(crate) use crate::primitives::variable::Variable;
/// Places in iterations: what a local can have of a protocol, besides words and references.
pub(crate) use crate::{fence::Unwrap, resv::Cursor};

objects! {
    /// `spinlock_t`.
    Spin(SpinLock) spin spin_mut;
    /// `wait_queue_head_t`.
    WaitQueue(WaitQueue) wait_queue wait_queue_mut;
    /// `struct completion`.
    Completion(Completion) completion completion_mut;
    /// A rendezvous of a fixed number of threads.
    Barrier(Barrier) barrier barrier_mut;
    /// `refcount_t`.
    Refcount(Refcount) refcount refcount_mut;
    /// A slot of a `struct`'s slab.
    Slot(Slot) slot slot_mut;
    /// Grace periods and deferred frees.
    Rcu(Rcu) rcu rcu_mut;
    /// `struct ww_class`.
    WwClass(WwClass) ww_class ww_class_mut;
    /// `struct ww_acquire_ctx`.
    AcquireCtx(AcquireCtx) ctx ctx_mut;
    /// `struct ww_mutex`, or a `struct mutex`: the same, taken without a context.
    WwMutex(WwMutex) ww ww_mut;
    /// `struct dma_fence`.
    Fence(Fence) fence fence_mut;
    /// `struct dma_fence_cb`.
    Callback(Callback) callback callback_mut;
    /// `struct dma_resv`, without its lock.
    Resv(Resv) resv resv_mut;
    /// `struct dma_resv_list`.
    FenceList(FenceList) list list_mut;
    /// `struct work_struct`.
    Work(Work) work work_mut;
    /// `struct workqueue_struct`.
    Workqueue(Workqueue) workqueue workqueue_mut;
    /// A device's queue.
    Device(Device) device device_mut;
    /// `struct srcu_struct`.
    Srcu(Srcu) srcu srcu_mut;
    /// `struct module`.
    Module(Module) module module_mut;
    /// `delayed_fput_list`.
    DelayedFput(Files) delayed_fput delayed_fput_mut;
    /// A `struct callback_head` of a task.
    TaskWork(TaskWork) task_work task_work_mut;
    /// `struct rcu_head`.
    RcuHead(RcuHead) rcu_head rcu_head_mut;
    /// `struct timer_list`.
    Timer(Timer) timer timer_mut;
    /// `struct timer_base`.
    TimerBase(TimerBase) timer_base timer_base_mut;
    /// A `struct shrinker` that comes and goes.
    Shrinker(Shrinker) shrinker shrinker_mut;
    /// `struct irq_desc`.
    IrqLine(IrqLine) irq_line irq_line_mut;
    /// `struct irq_work`.
    IrqWork(IrqWork) irq_work irq_work_mut;
    /// What all irq works are on.
    IrqWorks(IrqWorks);
    /// `struct rw_semaphore`.
    RwSem(RwSem) rwsem rwsem_mut;
    /// `struct lockdep_map`, of no lock.
    LockMap(LockMap) lock_map lock_map_mut;
    /// `struct list_head`.
    List(ListHead) list_head list_head_mut;
    /// A node of what is on a list or in a tree.
    Node(Node) node node_mut;
    /// `struct xarray`.
    Xarray(Xarray);
    /// `struct wake_q_head`.
    WakeQ(WakeQ) wake_q wake_q_mut;
    /// `struct drm_exec`, without its context.
    Exec(Exec) exec exec_mut;
    /// `struct sync_file`.
    SyncFile(SyncFile) sync_file sync_file_mut;
    /// `struct drm_syncobj`.
    Syncobj(Syncobj) syncobj syncobj_mut;
    /// A pool of frames.
    Memory(Memory);
    /// A page frame.
    Frame(Frame) frame frame_mut;
    /// `struct sg_table`, over an aperture.
    SgList(SgList);
    /// A slot of a GPU's MMU.
    GpuAs(GpuAs) gpu_as gpu_as_mut;
    /// A device that goes to memory.
    DmaDevice(DmaDevice);
    /// An address of one.
    DmaAddress(DmaAddress) dma_address dma_address_mut;
}

/// An object must stay small: every state has all of them.
const _: () = assert!(size_of::<Object<Plain>>() <= 64);

impl<R: Runtime> Object<R> {
    /// The facet of that name.
    pub fn facet(&self, name: &str) -> Option<Facet> {
        facet_named(name, |sink| self.facets(sink))
    }
}

/// Blanks that a decoder fills in.
const NO_HANDLE: Handle = Handle::place(NOTHING);

machines! {
    /// A bad operand.
    Fault(Fault) = Fault::BLANK;
    /// A choice of the script.
    Choose(Choose) = Choose::BLANK;
    /// An access to a word.
    Access(variable::Access) = variable::Access {
        how: variable::How::Load, order: Order::Relaxed, target: NOTHING, slot: None, a: Value::Unset, b: Value::Unset,
        benign: false, open: false,
    };
    /// Spinning on a word.
    SpinUntil(variable::SpinUntil) = variable::SpinUntil { order: Order::Relaxed, target: NOTHING, slot: None, expr: 0 };
    /// A spinlock.
    Spin(spinlock::Spin) = spinlock::Spin { how: spinlock::How::Lock, lock: NOTHING, nest: None };
    /// A wait queue.
    Wait(waitqueue::Wait) = waitqueue::Wait {
        at: waitqueue::At::Prepare, queue: NOTHING, patience: Patience::Forever, passed: 0, woken: 0,
    };
    /// A completion.
    Complete(completion::Complete) = completion::Complete {
        at: completion::At::Wait, completion: NOTHING, patience: Patience::Forever,
    };
    /// A rendezvous.
    Rendezvous(barrier::Rendezvous) = barrier::Rendezvous { at: barrier::At::Arrive, barrier: NOTHING };
    /// A bare count.
    Count(refcount::Count) = refcount::Count {
        how: refcount::How::Get, count: NOTHING, named: false, release: None,
    };
    /// A slab's object.
    Slab(SlabOp) = SlabOp::new(slab::At::New, NO_HANDLE);
    /// Something is initialised.
    Init(slab::init::InitOp) = slab::init::InitOp::BLANK;
    /// An object is copied over another.
    CopyStruct(slab::copy::CopyOp) = slab::copy::CopyOp::BLANK;
    /// An address that is computed.
    Address(slab::address::Address) = slab::address::Address::BLANK;
    /// RCU.
    Rcu(rcu::RcuOp) = rcu::RcuOp { at: rcu::At::ReadLock };
    /// A signal.
    Raise(signal::Raise) = signal::Raise { to: ThreadId(0) };
    /// A look for one.
    Pending(signal::Pending) = signal::Pending;
    /// An acquire context.
    Ctx(ww::CtxOp) = ww::CtxOp { how: ww::CtxHow::Init, ctx: NOTHING, on_behalf: None };
    /// Taking a ww mutex.
    WwLock(ww::Lock) = ww::Lock::new(NOTHING, None, ww::How::Lock);
    /// Releasing a ww mutex.
    WwUnlock(ww::Unlock) = ww::Unlock::new(NOTHING);
    /// The back-off loop.
    LockAll(LockAll) = LockAll::BLANK;
    /// A fence.
    Fence(FenceOp) = FenceOp::BLANK;
    /// Waiting for a fence.
    FenceWait(FenceWait) = FenceWait::BLANK;
    /// `dma_fence_init()` of a point that is told when it runs.
    FenceInit(InitAt) = InitAt::BLANK;
    /// A fence's callback.
    FenceCallback(CallbackOp) = CallbackOp::BLANK;
    /// Room for fences.
    Reserve(Reserve) = Reserve::BLANK;
    /// Adding a fence.
    AddFence(AddFence) = AddFence::BLANK;
    /// The end of a reservation.
    ResvFini(Fini) = Fini::BLANK;
    /// Reading a reservation without its lock.
    Unlocked(Unlocked) = Unlocked::BLANK;
    /// An allocation.
    Alloc(alloc::Alloc) = alloc::Alloc::BLANK;
    /// An access to user memory.
    UserAccess(uaccess::UserAccess) = uaccess::UserAccess::BLANK;
    /// Entries of page tables.
    Pte(pte::PteOp) = pte::PteOp::BLANK;
    /// An access of user memory by its address.
    Touch(pte::access::Touch) = pte::access::Touch::BLANK;
    /// A fence-signalling section.
    Signalling(Signalling) = Signalling::BLANK;
    /// A work item.
    Work(workqueue::WorkOp) = workqueue::WorkOp::BLANK;
    /// A worker of a queue.
    Pool(workqueue::pool::PoolOp) = workqueue::pool::PoolOp::BLANK;
    /// A device's queue.
    Device(device::DeviceOp) = device::DeviceOp::BLANK;
    /// Sleepable RCU.
    Srcu(srcu::SrcuOp) = srcu::SrcuOp::BLANK;
    /// `call_srcu()`.
    CallSrcu(srcu::callbacks::CallSrcu) = srcu::callbacks::CallSrcu::BLANK;
    /// Who calls what that has left.
    SrcuWork(srcu::callbacks::SrcuWork) = srcu::callbacks::SrcuWork::BLANK;
    /// A module.
    Module(module::ModuleOp) = module::ModuleOp::BLANK;
    /// The ends of a system call.
    Syscall(syscall::SyscallOp) = syscall::SyscallOp::BLANK;
    /// The work item of `delayed_fput()`.
    DelayedFput(syscall::delayed::DelayedOp) = syscall::delayed::DelayedOp::BLANK;
    /// A timer.
    Timer(timer::TimerOp) = timer::TimerOp { at: timer::At::Mod, timer: NOTHING, data: Value::Unset };
    /// A CPU on which timers expire.
    TimerBase(timer::base::BaseOp) = timer::base::BaseOp::BLANK;
    /// A shrinker comes or goes.
    Shrinker(shrinker::ShrinkerOp) = shrinker::ShrinkerOp { at: shrinker::At::Register, shrinker: NOTHING };
    /// Interrupts on this CPU.
    LocalIrq(irq::LocalIrq) = irq::LocalIrq { how: irq::How::Disable, visible: true };
    /// An interrupt handler's ends.
    Irq(irq::Irq) = irq::Irq { how: irq::HandlerHow::Enter, on: None, line: None };
    /// An interrupt's line.
    IrqLine(irq_line::IrqLineOp) = irq_line::IrqLineOp { how: irq_line::How::Sync, line: NOTHING, asks: false };
    /// An interrupt of a declared line.
    LineRun(irq_line::run::LineRun) = irq_line::run::LineRun::BLANK;
    /// An irq work.
    IrqWork(irq_work::IrqWorkOp) = irq_work::IrqWorkOp::BLANK;
    /// A CPU that takes its interrupt.
    IrqWorks(irq_work::base::RunOp) = irq_work::base::RunOp::BLANK;
    /// A callback of RCU.
    CallRcu(rcu::CallRcu) = rcu::CallRcu { handle: NO_HANDLE, func: CalleeId(0) };
    /// A cursor.
    Cursor(CursorOp) = CursorOp::BLANK;
    /// A set of locks.
    Exec(ExecOp) = ExecOp::BLANK;
    /// Several into it.
    ExecArray(PrepareArray) = PrepareArray::BLANK;
    /// A fence in the place of those of a context.
    ReplaceFences(ReplaceFences) = ReplaceFences::BLANK;
    /// A reservation gets another one's fences.
    CopyFences(CopyFences) = CopyFences::BLANK;
    /// An injected failure.
    Fail(Fail) = Fail::BLANK;
    /// NULL, where the kernel's function looks first.
    Nothing(Nothing) = Nothing::BLANK;
    /// The agent of RCU.
    GracePeriods(rcu::GracePeriods) = rcu::GracePeriods { at: rcu::Period::Idle };
    /// A reader-writer semaphore.
    RwSem(rwsem::RwSemOp) = rwsem::RwSemOp::new(rwsem::At::Read, NOTHING, Patience::Forever, false);
    /// A lockdep map.
    LockMap(lockmap::LockMapOp) = lockmap::LockMapOp::BLANK;
    /// What the code says of locks.
    Lockdep(lockdep::Lockdep) = lockdep::Lockdep::BLANK;
    /// What a function's promise names.
    Named(lockdep::Named) = lockdep::Named::BLANK;
    /// A list.
    List(list::ListOp) = list::ListOp::BLANK;
    /// What is in an order.
    Tree(tree::TreeOp) = tree::TreeOp::BLANK;
    /// An xarray.
    Xarray(xarray::XarrayOp) = xarray::XarrayOp::BLANK;
    /// Deferred wake-ups.
    WakeQ(wakeq::WakeQOp) = wakeq::WakeQOp {
        how: wakeq::How::Flush, wake_q: NOTHING, queue: NOTHING, task: ThreadId(0), woken: 0,
    };
    /// One of an array's functions.
    FenceArray(fence::ArrayOp) = fence::ArrayOp::BLANK;
    /// One of a chain's functions.
    FenceChain(fence::ChainOp) = fence::ChainOp::BLANK;
    /// A reference to whatever fence a pointer refers to.
    RcuSafe(RcuSafe) = RcuSafe::BLANK;
    /// A file over a fence.
    SyncFile(SyncFileOp) = SyncFileOp::BLANK;
    /// A syncobj's fence is replaced, or a point added.
    SyncobjPost(SyncobjPost) = SyncobjPost::BLANK;
    /// A wait for syncobjs.
    SyncobjWait(SyncobjWait) = SyncobjWait::BLANK;
    /// A syncobj's last signalled point.
    SyncobjQuery(SyncobjQuery) = SyncobjQuery::BLANK;
    /// A snapshot of a reservation.
    GetFences(GetFences) = GetFences::BLANK;
    /// Only the newest of each context left in an array.
    Dedup(Dedup) = Dedup::BLANK;
    /// What a fence is made of.
    Unwrap(UnwrapOp) = UnwrapOp::BLANK;
    /// One fence for several.
    Merge(Merge) = Merge::BLANK;
    /// A chain's node that is made when the program runs.
    ChainInit(ChainInit) = ChainInit::BLANK;
    /// Frames come or go.
    Frames(memory::pool::PoolOp) = memory::pool::PoolOp::BLANK;
    /// An access to a page.
    Page(memory::page::PageOp) = memory::page::PageOp::BLANK;
    /// Something beside memory.
    Cache(memory::cache::CacheOp) = memory::cache::CacheOp::BLANK;
    /// A buffer's pages are moved.
    PagesMove(memory::moves::MoveOp) = memory::moves::MoveOp::BLANK;
    /// A device begins with a frame.
    Fill(memory::fill::FillOp) = memory::fill::FillOp::BLANK;
    /// A command to a slot of a GPU's MMU.
    GpuCommand(gpu::Command) = gpu::Command::BLANK;
    /// An access of a GPU's job.
    GpuAccess(gpu::Access) = gpu::Access::BLANK;
    /// Pages are mapped for a device.
    DmaMap(dma::MapOp) = dma::MapOp::BLANK;
    /// And it goes there.
    DmaAccess(dma::AccessOp) = dma::AccessOp::BLANK;
}

/// A machine must stay small: every thread of every state has one.
const _: () = assert!(size_of::<Machine>() <= 64);
