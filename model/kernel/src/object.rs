//! The kinds of shared object, side by side.

use crate::{
    Code, Coder, Facet, ObjId, Plain, Runtime,
    exec::Exec,
    facet::FacetSink,
    fence::{Callback, Fence},
    primitives::{
        barrier::Barrier,
        completion::Completion,
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
    sync_file::SyncFile,
    syncobj::Syncobj,
    ww::{AcquireCtx, WwClass, WwMutex},
};

macro_rules! objects {
    ($($(#[$meta:meta])* $variant:ident($ty:ident);)*) => {
        /// A shared object. The kind of a slot never changes; see [`ObjectKind`] for what is fixed about each.
        #[derive(Clone)]
        pub enum Object<R: Runtime> {
            /// An unused slot of the world.
            None,
            $($(#[$meta])* $variant($ty<R>)),*
        }

        impl<R: Runtime> Object<R> {
            /// Names everything about the object that an observer may want to see.
            pub fn facets(&self, sink: FacetSink<'_>) {
                match self {
                    Object::None => {}
                    $(Object::$variant(o) => o.facets(sink)),*
                }
            }
        }

        impl Code for Object<Plain> {
            fn code<C: Coder>(&mut self, c: &mut C) {
                match self {
                    Object::None => {}
                    $(Object::$variant(o) => o.code(c)),*
                }
            }
        }
    };
}

objects! {
    /// `spinlock_t`.
    Spin(SpinLock);
    /// `wait_queue_head_t`.
    WaitQueue(WaitQueue);
    /// `struct completion`.
    Completion(Completion);
    /// A rendezvous of a fixed number of threads.
    Barrier(Barrier);
    /// `refcount_t`.
    Refcount(Refcount);
    /// A slot of a `struct`'s slab.
    Slot(Slot);
    /// Grace periods and deferred frees.
    Rcu(Rcu);
    /// `struct ww_class`.
    WwClass(WwClass);
    /// `struct ww_acquire_ctx`.
    AcquireCtx(AcquireCtx);
    /// `struct ww_mutex`, or a `struct mutex`: the same, taken without a context.
    WwMutex(WwMutex);
    /// `struct dma_fence`.
    Fence(Fence);
    /// `struct dma_fence_cb`.
    Callback(Callback);
    /// `struct dma_resv`, without its lock.
    Resv(Resv);
    /// `struct dma_resv_list`.
    FenceList(FenceList);
    /// `struct work_struct`.
    Work(Work);
    /// `struct workqueue_struct`.
    Workqueue(Workqueue);
    /// `struct timer_list`.
    Timer(Timer);
    /// A `struct shrinker` that comes and goes.
    Shrinker(Shrinker);
    /// `struct irq_desc`.
    IrqLine(IrqLine);
    /// `struct rw_semaphore`.
    RwSem(RwSem);
    /// `struct list_head`.
    List(ListHead);
    /// `struct wake_q_head`.
    WakeQ(WakeQ);
    /// `struct drm_exec`, without its context.
    Exec(Exec);
    /// `struct sync_file`.
    SyncFile(SyncFile);
    /// `struct drm_syncobj`.
    Syncobj(Syncobj);
}

impl Copy for Object<Plain> {}

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
