//! The kinds of shared object, side by side, and the task that every thread is.

use crate::{
    Bits, Code, Coder, ObjId, Plain, Runtime, ThreadId,
    exec::Exec,
    fence::{Callback, Fence},
    ids::ThreadQueue,
    primitives::{
        barrier::Barrier,
        completion::Completion,
        irq::Cpu,
        irq_line::IrqLine,
        list::ListHead,
        rcu::Rcu,
        refcount::Refcount,
        rwsem::RwSem,
        shrinker::Shrinker,
        slab::Slot,
        spinlock::SpinLock,
        timer::Timer,
        waitqueue::WaitQueue,
        wakeq::WakeQ,
        workqueue::{Work, Workqueue},
    },
    program::ObjectKind,
    resv::{FenceList, Resv},
    runtime::AtomicCell,
    sync_file::SyncFile,
    syncobj::Syncobj,
    ww::{AcquireCtx, WwClass, WwMutex},
};

/// A shared object. The kind of a slot never changes; see [`ObjectKind`] for what is fixed about each.
#[derive(Clone)]
pub enum Object<R: Runtime> {
    /// An unused slot of the world.
    None,
    /// `spinlock_t`.
    Spin(SpinLock<R>),
    /// `wait_queue_head_t`.
    WaitQueue(WaitQueue<R>),
    /// `struct completion`.
    Completion(Completion<R>),
    /// A rendezvous of a fixed number of threads.
    Barrier(Barrier<R>),
    /// `refcount_t`.
    Refcount(Refcount<R>),
    /// A slot of a `struct`'s slab.
    Slot(Slot<R>),
    /// Grace periods and deferred frees.
    Rcu(Rcu<R>),
    /// `struct ww_class`.
    WwClass(WwClass<R>),
    /// `struct ww_acquire_ctx`.
    AcquireCtx(AcquireCtx<R>),
    /// `struct ww_mutex`, or a `struct mutex`: the same, taken without a context.
    WwMutex(WwMutex<R>),
    /// `struct dma_fence`.
    Fence(Fence<R>),
    /// `struct dma_fence_cb`.
    Callback(Callback<R>),
    /// `struct dma_resv`, without its lock.
    Resv(Resv<R>),
    /// `struct dma_resv_list`.
    FenceList(FenceList<R>),
    /// `struct work_struct`.
    Work(Work<R>),
    /// `struct workqueue_struct`.
    Workqueue(Workqueue<R>),
    /// `struct timer_list`.
    Timer(Timer<R>),
    /// A `struct shrinker` that comes and goes.
    Shrinker(Shrinker<R>),
    /// `struct irq_desc`.
    IrqLine(IrqLine<R>),
    /// `struct rw_semaphore`.
    RwSem(RwSem<R>),
    /// `struct list_head`.
    List(ListHead<R>),
    /// `struct wake_q_head`.
    WakeQ(WakeQ<R>),
    /// `struct drm_exec`, without its context.
    Exec(Exec<R>),
    /// `struct sync_file`.
    SyncFile(SyncFile<R>),
    /// `struct drm_syncobj`.
    Syncobj(Syncobj<R>),
}

impl Copy for Object<Plain> {}

/// A facet of an object: what a trace shows when it changes and what an expectation can name as `object.facet`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Facet {
    /// A number.
    Word(i32),
    /// Yes or no.
    Flag(bool),
    /// A thread, or nobody.
    Thread(Option<ThreadId>),
    /// An object, or none.
    Object(Option<ObjId>),
    /// Threads in order.
    Queue(ThreadQueue),
    /// A kernel name.
    Name(&'static str),
    /// A fence with its usage class, or an empty slot.
    Fence(Option<(ObjId, &'static str)>),
}

/// Receives the facets of an object, in a fixed order.
pub type FacetSink<'a> = &'a mut dyn FnMut(&'static str, Facet);

impl<R: Runtime> Object<R> {
    /// The object as it is before anything happens.
    pub(crate) fn new(kind: &ObjectKind, id: ObjId) -> Object<R> {
        match kind {
            ObjectKind::Spinlock => Object::Spin(SpinLock::new(id)),
            ObjectKind::WaitQueue => Object::WaitQueue(WaitQueue::new(id)),
            ObjectKind::Completion => Object::Completion(Completion::new(id)),
            ObjectKind::Barrier { .. } => Object::Barrier(Barrier::new(id)),
            ObjectKind::Refcount { init } => Object::Refcount(Refcount::new(*init)),
            ObjectKind::Slot { .. } => Object::Slot(Slot::new(id)),
            ObjectKind::Rcu => Object::Rcu(Rcu::new(id)),
            ObjectKind::WwClass { .. } => Object::WwClass(WwClass::new()),
            ObjectKind::AcquireCtx { class } => Object::AcquireCtx(AcquireCtx::new(*class)),
            ObjectKind::WwMutex { .. } | ObjectKind::Mutex { .. } => Object::WwMutex(WwMutex::new(id)),
            ObjectKind::Fence { initialised, .. } => Object::Fence(Fence::new(id, *initialised)),
            ObjectKind::Callback { .. } => Object::Callback(Callback::new()),
            ObjectKind::Resv { .. } => Object::Resv(Resv::new()),
            ObjectKind::FenceList => Object::FenceList(FenceList::new()),
            ObjectKind::Work { queue, .. } => Object::Work(Work::new(*queue)),
            ObjectKind::Workqueue { .. } => Object::Workqueue(Workqueue::new(id)),
            ObjectKind::Timer { .. } => Object::Timer(Timer::new(id)),
            ObjectKind::Shrinker { registered } => Object::Shrinker(Shrinker::new(id, *registered)),
            ObjectKind::IrqLine { .. } => Object::IrqLine(IrqLine::new(id)),
            ObjectKind::RwSem => Object::RwSem(RwSem::new(id)),
            ObjectKind::List { .. } => Object::List(ListHead::new(id)),
            ObjectKind::WakeQ => Object::WakeQ(WakeQ::new(id)),
            ObjectKind::Exec { .. } => Object::Exec(Exec::new()),
            ObjectKind::SyncFile { .. } => Object::SyncFile(SyncFile::new()),
            ObjectKind::Syncobj { .. } => Object::Syncobj(Syncobj::new(id)),
        }
    }

    /// Names everything about the object that an observer may want to see.
    pub fn facets(&self, sink: FacetSink<'_>) {
        match self {
            Object::None => {}
            Object::Spin(o) => o.facets(sink),
            Object::WaitQueue(o) => o.facets(sink),
            Object::Completion(o) => o.facets(sink),
            Object::Barrier(o) => o.facets(sink),
            Object::Refcount(o) => o.facets(sink),
            Object::Slot(o) => o.facets(sink),
            Object::Rcu(o) => o.facets(sink),
            Object::WwClass(o) => o.facets(sink),
            Object::AcquireCtx(o) => o.facets(sink),
            Object::WwMutex(o) => o.facets(sink),
            Object::Fence(o) => o.facets(sink),
            Object::Callback(o) => o.facets(sink),
            Object::Resv(o) => o.facets(sink),
            Object::FenceList(o) => o.facets(sink),
            Object::Work(o) => o.facets(sink),
            Object::Workqueue(o) => o.facets(sink),
            Object::Timer(o) => o.facets(sink),
            Object::Shrinker(o) => o.facets(sink),
            Object::IrqLine(o) => o.facets(sink),
            Object::RwSem(o) => o.facets(sink),
            Object::List(o) => o.facets(sink),
            Object::WakeQ(o) => o.facets(sink),
            Object::Exec(o) => o.facets(sink),
            Object::SyncFile(o) => o.facets(sink),
            Object::Syncobj(o) => o.facets(sink),
        }
    }

    /// The facet of that name.
    pub fn facet(&self, name: &str) -> Option<Facet> {
        let mut found = None;
        self.facets(&mut |n, f| {
            if n == name {
                found = Some(f);
            }
        });
        found
    }
}

impl Code for Object<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        match self {
            Object::None => {}
            Object::Spin(o) => o.code(c),
            Object::WaitQueue(o) => o.code(c),
            Object::Completion(o) => o.code(c),
            Object::Barrier(o) => o.code(c),
            Object::Refcount(o) => o.code(c),
            Object::Slot(o) => o.code(c),
            Object::Rcu(o) => o.code(c),
            Object::WwClass(o) => o.code(c),
            Object::AcquireCtx(o) => o.code(c),
            Object::WwMutex(o) => o.code(c),
            Object::Fence(o) => o.code(c),
            Object::Callback(o) => o.code(c),
            Object::Resv(o) => o.code(c),
            Object::FenceList(o) => o.code(c),
            Object::Work(o) => o.code(c),
            Object::Workqueue(o) => o.code(c),
            Object::Timer(o) => o.code(c),
            Object::Shrinker(o) => o.code(c),
            Object::IrqLine(o) => o.code(c),
            Object::RwSem(o) => o.code(c),
            Object::List(o) => o.code(c),
            Object::WakeQ(o) => o.code(c),
            Object::Exec(o) => o.code(c),
            Object::SyncFile(o) => o.code(c),
            Object::Syncobj(o) => o.code(c),
        }
    }
}

/// A `task_struct` as others see it: its scheduler state, whether a signal is pending, its RCU reader, and
/// its place on a list of deferred wake-ups.
///
/// *Asleep* is `state`: a sleeper sets it (`set_current_state()`), a waker that found the task in some queue clears it
/// (`wake_up_process()`). A wake-up between the two is therefore never lost, and one before the first always is.
#[derive(Clone)]
pub struct Task<R: Runtime> {
    /// [`Task::RUNNING`], one of the two sleeps, or [`Task::SIGNALED`].
    pub state: R::Atomic<u8>,
    /// Whether `signal_pending()`.
    pub pending: R::Atomic<u8>,
    /// The read-side section as a grace period sees it.
    pub reader: R::Atomic<Reader>,
    /// What its CPU does besides running it.
    pub cpu: R::Atomic<Cpu>,
    /// `wake_q.next`: whether the task is on somebody's list of deferred wake-ups.
    pub wake_node: R::Atomic<u8>,
}

impl Copy for Task<Plain> {}

/// A thread's RCU read-side section.
///
/// It is one word, looked at and changed by read-modify-write only: a grace period cannot miss a section that has begun, and
/// a section that begins after it sees what was written before. Nothing else is ordered by entering one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reader {
    /// In a read-side section.
    pub inside: bool,
    /// The running grace period waits for this section.
    pub awaited: bool,
    /// A fence was released meanwhile: its memory stays until this section is over.
    pub keeps: bool,
}

impl Bits for Reader {
    fn to_bits(self) -> u64 {
        u64::from(self.inside) | u64::from(self.awaited) << 1 | u64::from(self.keeps) << 2
    }
    fn from_bits(bits: u64) -> Self {
        Reader { inside: bits & 1 == 1, awaited: bits >> 1 & 1 == 1, keeps: bits >> 2 & 1 == 1 }
    }
}

impl<R: Runtime> Task<R> {
    /// `TASK_RUNNING`.
    pub const RUNNING: u8 = 0;
    /// `TASK_INTERRUPTIBLE`: a signal ends the sleep.
    pub const INTERRUPTIBLE: u8 = 1;
    /// `TASK_UNINTERRUPTIBLE`.
    pub const UNINTERRUPTIBLE: u8 = 2;
    /// Running again because a signal ended its sleep: no sleeper to any waker, and the sleep can still say what ended it.
    pub const SIGNALED: u8 = 4;

    /// Whether a task in this state is asleep, or about to be: what a waker looks for.
    pub const fn is_asleep(state: u8) -> bool {
        state & (Self::INTERRUPTIBLE | Self::UNINTERRUPTIBLE) != 0
    }

    pub(crate) fn new() -> Task<R> {
        Task {
            state: R::Atomic::new(Self::RUNNING),
            pending: R::Atomic::new(0),
            reader: R::Atomic::new(Reader::default()),
            cpu: R::Atomic::new(Cpu::default()),
            wake_node: R::Atomic::new(0),
        }
    }
}

impl Code for Task<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        const CPU: u8 = 1 << 7;
        // The states are single bits: two tell which.
        let state = if self.state.0 == Self::SIGNALED { 3 } else { self.state.0 };
        let flags = self.pending.0 | self.wake_node.0 << 1 | (self.reader.0.to_bits() as u8) << 2;
        let cpu = if self.cpu.0 == Cpu::default() { 0 } else { CPU };
        let mut packed = state | flags << 2 | cpu;
        c.byte(&mut packed);
        self.state.0 = if packed & 3 == 3 { Self::SIGNALED } else { packed & 3 };
        self.pending.0 = packed >> 2 & 1;
        self.wake_node.0 = packed >> 3 & 1;
        self.reader.0 = Reader::from_bits(u64::from(packed >> 4 & 7));
        if packed & CPU != 0 {
            self.cpu.0.code(c);
        } else {
            self.cpu.0 = Cpu::default();
        }
    }
}
