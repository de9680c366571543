//! What is declared: objects with what is fixed about them, words, and structs.

use super::{CalleeId, FieldName};
use crate::{ObjId, ThreadId, Value, resv, sync_file, syncobj, ww};
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
        /// `struct delayed_work`: it has a timer, too.
        delayed: bool,
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
    /// `struct irq_desc`, if anybody disables, frees or waits for it.
    IrqLine {
        /// Its handler, the first of several.
        handler: ThreadId,
    },
    /// `struct shrinker`, if it is registered or freed while the program runs.
    Shrinker {
        /// Registered from the start.
        registered: bool,
    },
    /// `struct dma_resv`.
    Resv {
        /// Its lock.
        lock: ObjId,
        /// The slab of its fence lists.
        lists: (ObjId, u8),
        /// Which entry a new fence may take the place of.
        variant: resv::Variant,
        /// `CONFIG_DEBUG_MUTEXES`: a list has no more room than fences when the lock is released.
        debug_mutexes: bool,
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
    List {
        /// The lock that whoever changes or walks it has to have, if it is declared.
        guard: Option<ObjId>,
    },
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
    /// `wait`, called instead of `dma_fence_default_wait()`; its result is the wait's.
    pub wait: Option<CalleeId>,
    /// `signaled`, called without the lock; a nonzero result makes whoever asked signal the fence.
    pub signaled: Option<CalleeId>,
    /// `release`, called when the last reference is gone; it has to `fence-free` the fence.
    pub release: Option<CalleeId>,
    /// The driver's spinlock that it was given (`dma_fence_init(…, lock, …)`); without one it has its own.
    pub lock: Option<ObjId>,
    /// `use_64bit_seqno`: its numbers do not wrap around.
    pub seqno64: bool,
    /// Up to 2025: they stay when the fence is signalled, so that whoever asks may come when their module is gone.
    pub stay: bool,
    /// Its memory is of a `SLAB_TYPESAFE_BY_RCU` cache: freed at once, and another fence's while readers still look at it.
    pub typesafe: bool,
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
    /// How many fields are declared before the count: in a typesafe slab that is the order of the stores.
    pub refs_at: u8,
    /// What is called, with the object, when the last one is dropped; it has to free the object. Without one the object
    /// is freed at once.
    pub release: Option<CalleeId>,
    /// Its fields: interned name and value of a new object. The words of slot `i` start at `first_var + i * fields`.
    pub fields: Vec<(FieldName, Value)>,
    /// The first variable word of its first slot.
    pub first_var: u8,
}
