//! The list of all kinds of object: what is fixed about each stands in its protocol's folder, with the row of the kind.

use crate::{
    ObjId, Object, Program, Runtime, ThreadId,
    ground::{
        ids::CalleeId,
        kind::{Born, Declared, Function, KindRow, OfKind},
    },
};
use std::fmt;

/// Makes the type of what is fixed about any object, its answers, and the kinds that an author knows: those behind
/// `is`.
macro_rules! kinds {
    ($($(#[$meta:meta])* $variant:ident in $($module:ident)::+ $(is $kind:ident)?;)*) => {
        /// What is fixed about objects, by the kind of object. The names are those of [`ObjectKind`]'s variants.
        pub mod fixed {
            $(pub use crate::$($module)::+::$variant;)*
        }

        /// What is fixed about an object.
        #[derive(Clone, PartialEq, Eq)]
        pub enum ObjectKind { $($(#[$meta])* $variant(fixed::$variant)),* }

        /// As what is fixed about it, which has the kind's name. Tokens of replays are hashes of it.
        impl fmt::Debug for ObjectKind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(ObjectKind::$variant(fixed) => fixed.fmt(f)),* }
            }
        }

        $(impl From<fixed::$variant> for ObjectKind {
            fn from(fixed: fixed::$variant) -> ObjectKind {
                ObjectKind::$variant(fixed)
            }
        }

        impl OfKind for fixed::$variant {
            fn of(kind: &ObjectKind) -> Option<&Self> {
                match kind {
                    ObjectKind::$variant(fixed) => Some(fixed),
                    _ => None,
                }
            }

            fn of_mut(kind: &mut ObjectKind) -> Option<&mut Self> {
                match kind {
                    ObjectKind::$variant(fixed) => Some(fixed),
                    _ => None,
                }
            }
        })*

        impl ObjectKind {
            /// The row of its kind.
            pub fn row(&self) -> &'static KindRow {
                match self { $(ObjectKind::$variant(_) => &<fixed::$variant as Declared>::ROW),* }
            }

            /// See `Declared::runs`.
            pub fn runs(&self) -> Option<ThreadId> {
                match self { $(ObjectKind::$variant(fixed) => fixed.runs()),* }
            }

            /// See `Declared::queue`.
            pub fn queue(&self) -> Option<ObjId> {
                match self { $(ObjectKind::$variant(fixed) => fixed.queue()),* }
            }

            /// See `Declared::function`.
            pub fn function(&self) -> Option<Function> {
                match self { $(ObjectKind::$variant(fixed) => fixed.function()),* }
            }

            /// Whether what it does is said by its init function alone: a work item, a timer.
            pub(crate) fn lacks_function(&self) -> bool {
                self.queue().is_some() && self.runs().is_none() && self.function().is_none()
            }

            /// See `Declared::guard`.
            pub fn guard(&self) -> Option<ObjId> {
                match self { $(ObjectKind::$variant(fixed) => fixed.guard()),* }
            }

            /// See `Declared::gate`.
            pub(crate) fn gate(&self) -> Option<ObjId> {
                match self { $(ObjectKind::$variant(fixed) => fixed.gate()),* }
            }

            /// See `Declared::set_gate`.
            pub(crate) fn set_gate(&mut self, gate: ObjId) {
                match self { $(ObjectKind::$variant(fixed) => fixed.set_gate(gate)),* }
            }

            /// See `Declared::calls`.
            pub fn calls(&self) -> Option<CalleeId> {
                match self { $(ObjectKind::$variant(fixed) => fixed.calls()),* }
            }

            /// See `Declared::lock`.
            pub fn lock(&self) -> Option<ObjId> {
                match self { $(ObjectKind::$variant(fixed) => fixed.lock()),* }
            }

            /// See `Declared::class`.
            pub(crate) fn class(&self) -> Option<ObjId> {
                match self { $(ObjectKind::$variant(fixed) => fixed.class()),* }
            }

            /// See `Declared::word`.
            pub(crate) fn word(&self) -> Option<ObjId> {
                match self { $(ObjectKind::$variant(fixed) => fixed.word()),* }
            }

            /// See `Declared::refs`.
            pub(crate) fn refs(&self) -> u16 {
                match self { $(ObjectKind::$variant(fixed) => fixed.refs()),* }
            }
        }

        impl<R: Runtime> Object<R> {
            /// The object as it is before anything happens.
            pub(crate) fn new(kind: &ObjectKind, id: ObjId, program: &Program) -> Object<R> {
                let born = Born { id, program };
                match kind { $(ObjectKind::$variant(fixed) => fixed.begin::<R>(born).into()),* }
            }
        }

        /// What an object is, as a scenario's author knows it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Kind { $($(#[doc = concat!("What has [`ObjectKind::", stringify!($variant), "`].")] $kind,)?)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$($(Kind::$kind,)?)*];

            /// What may be asked of it.
            pub fn row(self) -> &'static KindRow {
                match self { $($(Kind::$kind => &<fixed::$variant as Declared>::ROW,)?)* }
            }

            /// The kind of a program's object; `None` for what no author declares.
            pub fn of(kind: &ObjectKind) -> Option<Kind> {
                match kind { $(ObjectKind::$variant(_) => kinds!(@kind $($kind)?)),* }
            }
        }
    };
    (@kind $kind:ident) => { Some(Kind::$kind) };
    (@kind) => { None };
}

// In the order of the reference page.
kinds! {
    /// A slot of a `struct`'s slab.
    Slot in primitives::slab::kind is Struct;
    /// `spinlock_t`.
    Spinlock in primitives::spinlock::kind is Lock;
    /// `struct mutex`.
    Mutex in ww::kind is Mutex;
    /// `struct rw_semaphore`.
    RwSem in primitives::rwsem::kind is RwSem;
    /// `struct lockdep_map`, of no lock.
    LockMap in primitives::lockmap::kind is LockMap;
    /// `struct list_head`.
    List in primitives::list::kind is List;
    /// A `struct list_head` inside of what is listed.
    ListNode in primitives::list::kind is ListNode;
    /// A `struct rb_node` inside of what is in a tree.
    TreeNode in primitives::list::kind is TreeNode;
    /// `struct rb_root_cached`, in the order of a key.
    Ordered in primitives::tree::kind is Ordered;
    /// `struct maple_tree` and its like.
    Ranges in primitives::tree::kind is Ranges;
    /// `struct xarray`.
    Xarray in primitives::xarray::kind is Xarray;
    /// `wait_queue_head_t`.
    WaitQueue in primitives::waitqueue::kind is WaitQueue;
    /// `struct wake_q_head`.
    WakeQ in primitives::wakeq::kind is WakeQ;
    /// `struct completion`.
    Completion in primitives::completion::kind is Completion;
    /// A rendezvous of a fixed number of threads.
    Barrier in primitives::barrier::kind is Barrier;
    /// `refcount_t`.
    Refcount in primitives::refcount::kind is Refcount;
    /// `struct ww_class`.
    WwClass in ww::kind is WwClass;
    /// `struct ww_mutex`.
    WwMutex in ww::kind is WwMutex;
    /// `struct ww_acquire_ctx`.
    AcquireCtx in ww::kind is Ctx;
    /// `struct dma_fence`.
    Fence in fence::kind is Fence;
    /// `struct sync_file`.
    SyncFile in sync_file::kind is SyncFile;
    /// `struct drm_syncobj`.
    Syncobj in syncobj::kind is Syncobj;
    /// `struct dma_fence_cb`.
    Callback in fence::kind is Callback;
    /// `struct workqueue_struct`.
    Workqueue in primitives::workqueue::kind is Workqueue;
    /// `struct work_struct`.
    Work in primitives::workqueue::kind is Work;
    /// `struct delayed_work`.
    DelayedWork in primitives::workqueue::kind is DelayedWork;
    /// Hardware that does what is submitted to it.
    Device in primitives::device::kind is Device;
    /// `struct srcu_struct`.
    Srcu in primitives::srcu::kind is Srcu;
    /// `struct module`.
    Module in primitives::module::kind is Module;
    /// `delayed_fput_list`.
    DelayedFput in primitives::syscall::delayed;
    /// A `struct callback_head` of a task.
    TaskWork in primitives::syscall::kind is TaskWork;
    /// `struct rcu_head`.
    RcuHead in primitives::rcu::kind is RcuHead;
    /// `struct timer_list`.
    Timer in primitives::timer::kind is Timer;
    /// `struct timer_base`.
    TimerBase in primitives::timer::kind;
    /// `struct irq_desc`.
    IrqLine in primitives::irq_line::kind is IrqLine;
    /// `struct irq_work`.
    IrqWork in primitives::irq_work::kind is IrqWork;
    /// What all irq works are on.
    IrqWorks in primitives::irq_work::kind;
    /// A `struct shrinker` that comes and goes.
    Shrinker in primitives::shrinker::kind is Shrinker;
    /// Grace periods and deferred frees.
    Rcu in primitives::rcu::kind;
    /// `struct dma_resv`, without its lock.
    Resv in resv::kind is Resv;
    /// `struct dma_resv_list`.
    FenceList in resv::kind;
    /// `struct drm_exec`, without its context.
    Exec in exec::kind is Exec;
    /// A pool of frames.
    Memory in memory::kind is Memory;
    /// A page frame.
    Frame in memory::kind is Frame;
    /// `struct sg_table`, over an aperture.
    SgList in memory::kind is SgList;
    /// A slot of a GPU's MMU.
    GpuAs in gpu::kind is GpuAs;
    /// A device that goes to memory.
    DmaDevice in dma::kind is DmaDevice;
    /// An address of one.
    DmaAddress in dma::kind is DmaAddress;
}

impl Kind {
    /// The kind by the name that the option `kind=` takes.
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// The name that the option `kind=` takes.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The name in a sentence.
    pub fn one(self) -> &'static str {
        self.row().one
    }
}

#[cfg(test)]
mod tests {
    use super::Kind;

    #[test]
    fn names_resolve() {
        for kind in Kind::ALL {
            assert_eq!(Kind::named(kind.name()), Some(*kind));
            assert!(kind.one().ends_with(kind.name()), "{kind:?}");
        }
    }
}
