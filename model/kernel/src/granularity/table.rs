//! The steps that make several accesses, and why nobody can tell.

/// Steps with a middle that nobody can see.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Merged {
    /// Their labels, of whichever machine: many are part of others.
    pub points: &'static [&'static str],
    /// Why nobody can tell.
    pub why: &'static str,
}

/// What is several steps because others see each of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Split {
    /// The kernel's function.
    pub function: &'static str,
    /// The steps.
    pub steps: &'static str,
}

/// What was one step once, and showed too little.
pub const SPLIT: &[Split] = &[
    Split {
        function: "down_read()",
        steps: "count, `RWSEM_READER_OWNED`; where somebody waits, a look at the owner word before it joins or queues",
    },
    Split {
        function: "rwsem_down_read_slowpath()",
        steps: "a look at the count, off the count and WAITERS on, what `rwsem_cond_wake_waiter()` does, `set_current_state()`, \
                a look at `waiter->task`, `__set_current_state()`; `wait_lock` is held over the first three",
    },
    Split {
        function: "rwsem_down_write_slowpath()",
        steps: "WAITERS or a look at the count, `set_current_state()`, `rwsem_try_write_lock()`, `__set_current_state()`; \
                `wait_lock` is held over all of them. Where somebody sends signals, a look for one after `wait_lock`",
    },
    Split {
        function: "rwsem_mark_wake()",
        steps: "count a reader, take that back or set the owner word, count the others and give the lock to each",
    },
    Split { function: "downgrade_write()", steps: "count, owner word, `rwsem_downgrade_wake()`" },
    Split { function: "wake_up_q()", steps: "of a semaphore: one task after the other, in the queue's order" },
    Split {
        function: "__mutex_unlock_slowpath()",
        steps: "the owner word, a look at the list, `wake_up_q()` after `wait_lock` (where some sleep is bare)",
    },
    Split {
        function: "__mutex_lock_common()",
        steps: "queue and wound the holder; `set_current_state()`, try, a look for a signal and for a wound of its own; \
                `wait_lock` is held over both (where the holder was wounded, and who queued would leave or is not first; \
                and of a mutex inside of an object that threads free, as soon as they have had it)",
    },
    Split {
        function: "prepare_to_wait_event()",
        steps: "a look for a signal; queue and state, with the queue's lock held (where somebody sends signals)",
    },
    Split {
        function: "__wake_up_common()",
        steps: "of a wait queue: one entry after the other, with the queue's lock held from the first to the last",
    },
    Split { function: "dma_fence_init()", steps: "in typesafe memory: count, flags, error" },
    Split {
        function: "kmem_cache_alloc()",
        steps: "of a typesafe slab: the memory, then each store of the driver's in the declared order",
    },
];

/// All of them.
pub const MERGED: &[Merged] = &[
    Merged {
        points: &[
            "dma_fence_chain_init",
            "dma_fence_array_create",
            "dma_fence_allocate_private_stub",
            "dma_resv_list_alloc",
            "copy entry",
            "dma_fence_get, collect",
            "sync_file_create: dma_fence_get",
            "kmem_cache_alloc",
            "kzalloc",
            "kmalloc",
            "dma_fence_init",
            "ww_acquire_init",
        ],
        why: "what is written is memory that nobody else knows yet; what else is touched is one access",
    },
    Merged {
        points: &[
            "dma_fence_release",
            "syncobj: put old fence",
            "get_rcu_safe: dma_fence_put",
            "sync_file_release: dma_fence_put",
        ],
        why: "the last reference is gone: who still finds the memory under RCU touches the count alone, which stays 0",
    },
    Merged {
        points: &["num_fences++", "write slot", "replace entry", "dma_fence_get"],
        why: "one store; what is read besides only the holder of the reservation's lock writes, and that is the caller",
    },
    Merged {
        points: &["sort", "return the fences", "chain: unlink previous nodes"],
        why: "the words are the caller's own array, or of nodes that nobody has a reference to any more",
    },
    Merged {
        points: &["down_read: given the lock?"],
        why: "a load, and the reader's own bit, which nobody looks at until it queues again",
    },
    Merged {
        points: &["down_read: signal pending (wait_lock)"],
        why: "the grant is given under `wait_lock` alone: what is read cannot change before the count is written",
    },
    Merged {
        points: &[
            "down_read: wake readers (wait_lock)",
            "rwsem_downgrade_wake (wait_lock)",
            "rwsem_mark_wake: let the readers in (wait_lock)",
            "page fault: mmap_read_lock",
        ],
        why: "only a reader that waits looks at its grant. One that finds none yet sleeps, as it would have a moment before, or \
              wants `wait_lock`, and has the grant when it gets that",
    },
    Merged {
        points: &["down_write: cmpxchg count", "down_write: try (wait_lock)", "down_write_trylock"],
        why: "who finds the writer's bit in the count does not look at the owner word",
    },
    Merged {
        points: &["clear ctx", "drm_exec_cleanup", "drm_exec_fini", "drm_exec_unlock_obj"],
        why: "how many locks a context holds others ask only of one whose task waits, under that mutex's `wait_lock`",
    },
    Merged {
        points: &[
            "hand over to first waiter (wait_lock)",
            "check waiters (wait_lock)",
            "srcu_advance_state: SRCU_STATE_SCAN2",
            "srcu_read_unlock",
            "process_srcu",
        ],
        why: "a wake-up that a word goes before: who is woken was asleep, and looks again at all of it",
    },
    Merged {
        points: &[
            "queue (wait_lock)",
            "queued: first turn (wait_lock)",
            "woken: recheck (wait_lock)",
            "acquired: leave wait list (wait_lock)",
        ],
        why: "the fast paths see the owner word and its flags. WAITERS and HANDOFF say only where the holder goes on: to \
              `wait_lock`, which is held; a trylock that failed and one that fails again are one; a context that is published \
              between WAITERS and the look at it is one whose task sees WAITERS and looks at the waiters itself; a holder that backs off \
              because it is wounded here gives the mutex to a waiter that is first and would sleep a moment later. Where the waiter \
              would leave, or stands behind others, it is split",
    },
    Merged {
        points: &["woken: trylock", "first waiter spins: trylock"],
        why: "the task's own state, and one exchange; whether a waker comes between makes no difference to a task that looks again",
    },
    Merged {
        points: &[
            "prepare_to_wait",
            "prepare_to_wait_exclusive",
            "schedule",
            "back from schedule",
            "send_sig",
            "poll: set_current_state",
        ],
        why: "the task's state and its pending signal: who sets the state looks for a signal after it, here or in schedule(), and \
              who sends one sets it before he looks at the state",
    },
    Merged {
        points: &[
            "wait_for_completion",
            "wait_for_completion: woken",
            "woken (fence lock)",
            "queue callback (fence lock)",
        ],
        why: "the task's own state, under the lock that whoever wakes it holds",
    },
    Merged {
        points: &["complete_all"],
        why: "who is woken first wants the completion's lock before he does anything, and that is held until all are awake",
    },
    Merged {
        points: &["wake_up_q"],
        why: "the task may be listed again before it is awake: then its new waker finds it running, or this one does",
    },
    Merged {
        points: &["zap_page_range_single", "wp_shared_mapping_range"],
        why: "what a CPU has translated is good until the flush at the end, which waits for that CPU: before it each page may be \
              found as it was, and after it none is",
    },
    Merged {
        points: &["rcu_read_unlock", "syncobj: rcu_read_unlock"],
        why: "the section ends for the grace period that waits for it, and for nobody else",
    },
    Merged {
        points: &["ops->signaled", "ops->signaled: true", "ops->signaled: false"],
        why: "a section of RCU begins or ends beside one access: a grace period waits for it a little longer or not",
    },
    Merged {
        points: &[
            "add_callback (fence lock)",
            "add_callback: queue, unlock",
            "remove_callback (fence lock)",
            "enable signalling (fence lock)",
        ],
        why: "one change of the flags; the callback's own words are looked at under the fence's lock alone, which is held",
    },
    Merged {
        points: &[
            "dma_fence_signal: set SIGNALED",
            "dma_fence_check_and_signal: set SIGNALED",
            "dma_fence_enable_sw_signaling",
            "dma_fence_get_status",
            "down_read: writer gone? (wait_lock)",
            "down_read: queue, off the count (wait_lock)",
            "down_write: queue (wait_lock)",
            "down_write: got it, running (wait_lock)",
            "spin_lock_nest_lock",
            "spin_unlock",
            "spin_unlock_irq",
            "spin_unlock_irqrestore",
            "spin_unlock_bh",
            "unlock fence",
            "local_irq_enable",
            "local_irq_restore",
            "local_bh_enable",
            "preempt_enable",
            "irq_exit",
            "timer expires",
            "timer function returns",
            "irq_work_run_list",
            "irq_work function returns",
            "wake_up",
            "wake_up_all",
            "xa_unlock",
        ],
        why: "what a lock, or interrupts or preemption off, begins or ends for RCU beside one access: a grace period waits for that section a little longer or not",
    },
    Merged {
        points: &[
            "dma_fence_free",
            "array: dma_fence_free",
            "chain: dma_fence_free",
            "chain walk: put node",
            "grace period begins",
            "grace period ends",
            "reclaim",
            "synchronize_rcu",
            "rcu_barrier",
            "free_module: synchronize_rcu",
        ],
        why: "who is inside of a read-side section: a section that begins meanwhile finds no pointer to what goes, and one that ends meanwhile might have ended before",
    },
    Merged {
        points: &["dma_fence_put"],
        why: "an underflow, which ends the execution: the count is put right for the report",
    },
    Merged {
        points: &["array: set pending error", "ops->signaled: set SIGNALED"],
        why: "one change; what is read besides is the error of a fence that is signalled or locked, which stays",
    },
    Merged {
        points: &["dma_fence_set_error"],
        why: "an error that comes after SIGNALED is the violation, whether the kernel's own look would have seen the bit or not",
    },
    Merged {
        points: &[
            "sync_file_get_fence",
            "syncobj query: dma_fence_get head",
            "syncobj: get_rcu_safe",
            "syncobj: lock, get previous",
            "syncobj: look again, add to list",
            "syncobj: lock, exchange pointer",
        ],
        why: "the pointer is read under the lock that changes it, or does not change; a count that a reference of somebody's keeps above 0 may grow at any time",
    },
    Merged {
        points: &["poll: poll_freewait", "poll: woken", "sync_file_poll: poll_wait"],
        why: "the waiter's own state and its own entry, which a waker only sets or takes off",
    },
    Merged {
        points: &[
            "cancel_work",
            "cancel_work_sync",
            "disable_work",
            "disable_work_sync",
            "flush_delayed_work",
            "mod_delayed_work",
            "work function returns",
            "delayed_work_timer_fn",
        ],
        why: "the work's state is under the queue's lock, which is held; the task's own state beside it is seen by who holds that lock. \
              Several who are woken in flush_work() sleep uninterruptibly and are off its list: nobody can do anything to the next \
              one before it is awake, and awake it may still wait for its turn",
    },
    Merged {
        points: &["dma_fence_signal_locked", "store"],
        why: "that the lock of the fence, or of a guarded word, is the thread's own, which nobody else can change, is looked at beside the one access",
    },
    Merged {
        points: &["slow path: trylock", "trylock: cmpxchg owner"],
        why: "a context that holds nothing is forgiven its wound beside the exchange: nobody wounds who holds nothing",
    },
    Merged {
        points: &["dma_resv_list_free: kfree_rcu"],
        why: "of `dma_resv_fini()`: the reservation is nobody's any more, and who still walks its list is a reader that the list outlives",
    },
    Merged {
        points: &["kfree"],
        why: "a look at what is inside of what goes: whoever uses that at the same time breaks the rule himself, before the free or after it",
    },
    Merged {
        points: &["try_stop_module"],
        why: "`module_mutex` is held. try_module_get() is without it and asks for the state and for a count above 0: with the count \
              at 0 it fails in either state, and a count that is put back it finds as it would have before or after",
    },
    Merged {
        points: &["call_rcu"],
        why: "whether a head is queued is its own affair: who queues it a second time breaks the rule, whichever of the two comes first",
    },
    Merged {
        points: &["call_srcu", "srcu_invoke_callbacks"],
        why: "whether a head is queued is its own affair, as for call_rcu(); the work item and who waits in srcu_barrier() were asleep, \
              and look again under the domain's lock, which is held; for RCU a callback's section ends a little later or not",
    },
    Merged {
        points: &["xas_store"],
        why: "of `xa_alloc()`: who writes an entry has `xa_lock`, and who looks without it looks at one",
    },
    Merged {
        points: &["arrive"],
        why: "a rendezvous is the model's own: those that wait cannot run before the last has arrived",
    },
    Merged {
        points: &["sync_file_poll: wake_up_all", "run callback"],
        why: "whoever polls looks at the fence again, whatever woke him, and it was signalled before the first wake-up: he returns the same whether a waker, a signal or a timeout was first",
    },
];
