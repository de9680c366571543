//! What a scenario has for the functions of the kernel's headers that are no operation, header by header.

use super::Row;

/// Functions and macros, by header.
pub(super) const HEADERS: &[Row] = &[
    // dma-fence.h
    ("dma_fence_init64", "`fence-init FENCE`, of a `fence NAME uninitialised seqno64`"),
    (
        "dma_fence_release",
        "`put FENCE` calls it for the last reference; what a driver's own does is `hook FENCE release=PROC`",
    ),
    ("dma_fence_default_wait", "`wait FENCE` is that, unless `hook FENCE wait=PROC` has put another in its place"),
    ("dma_fence_describe dma_fence_driver_name dma_fence_timeline_name", "nothing is printed: delete the line"),
    (
        "dma_fence_check_and_signal_locked",
        "`fence-lock FENCE`, `is-signaled-locked FENCE into=r`, `signal-locked FENCE`",
    ),
    (
        "dma_fence_signal_timestamp dma_fence_signal_timestamp_locked",
        "`signal FENCE` or `signal-locked FENCE`: times are not modelled",
    ),
    (
        "__dma_fence_is_later dma_fence_is_later dma_fence_is_later_or_same dma_fence_later",
        "`fence-seqno A into=a`, `fence-seqno B into=b` and `\"a > b\"`: of one context (`fence-context`) the later has the greater",
    ),
    (
        "dma_fence_wait_any_timeout",
        "`add-callback` on each fence, of a proc that completes one `completion`, and wait for that",
    ),
    ("dma_fence_set_deadline dma_resv_set_deadline", "a deadline is a hint, and there are no times: delete the line"),
    (
        "dma_fence_get_stub dma_fence_allocate_private_stub",
        "a fence that is signalled already: `fence NAME`, and `signal NAME` in `setup`",
    ),
    (
        "dma_fence_context_alloc",
        "each fence without `context=N` has a context of its own; those of one timeline say the same `context=N`",
    ),
    (
        "dma_fence_is_array dma_fence_is_chain dma_fence_is_container to_dma_fence_array to_dma_fence_chain dma_fence_was_initialized",
        "what a fence is stands in its declaration: write what happens for that one",
    ),
    ("dma_fence_lock_irqsave dma_fence_spinlock", "`fence-lock FENCE`"),
    ("dma_fence_unlock_irqrestore", "`fence-unlock FENCE`"),
    // dma-resv.h
    (
        "dma_resv_is_locked dma_resv_held dma_resv_locking_ctx mutex_is_locked mutex_get_owner ww_mutex_is_locked rwsem_is_locked \
         rwsem_is_contended spin_is_locked spin_is_contended",
        "no operation asks that: who has a lock is `LOCK.owner` in `expect`, and `trylock` asks and takes",
    ),
    (
        "dma_fence_assert_held rwsem_assert_held mmap_assert_locked",
        "say it in `expect`: `always` over `LOCK.owner`; or delete the line",
    ),
    ("dma_resv_usage_rw", "write the usage: a reader waits for `usage=write`, a writer for `usage=read`"),
    ("dma_resv_iter_current dma_resv_iter_cursor", "the fence is the result: `iter-next CURSOR into=f`"),
    ("dma_resv_describe dma_resv_reset_max_fences", "it is for looking into the kernel: delete the line"),
    ("dma_resv_list_alloc", "`reserve RESV slots=N` allocates the list where it has to"),
    // dma-fence-array.h, dma-fence-chain.h, dma-fence-unwrap.h
    ("dma_fence_array_alloc", "`fence-array NAME { … }` declares one with its members"),
    ("dma_fence_array_first dma_fence_array_next dma_fence_array_for_each", "`unwrap-each FENCE into=f { … }`"),
    (
        "dma_fence_chain_walk dma_fence_chain_for_each dma_fence_chain_contained",
        "`unwrap-each FENCE into=f { … }`, or `chain-find FENCE seqno=N into=f` for one point",
    ),
    ("dma_fence_match_context", "the contexts stand in the declarations: write what happens for that one"),
    ("dma_fence_chain_free", "a node that `chain-init` has not used is the scenario's own memory: delete the line"),
    // sync_file.h, drm_syncobj.h
    ("sync_file_merge", "`sync-file-get-fence` of both, `fence-merge A B into=m`, `sync-file-create FILE m`"),
    (
        "sync_file_get_name sync_file_ioctl",
        "write the operations that the ioctl comes to, such as `fence-merge` or `poll`",
    ),
    ("drm_syncobj_get drm_syncobj_put drm_syncobj_find", "a syncobj is there to the end: name it, and delete the line"),
    ("drm_syncobj_fence_get", "`syncobj-find-fence SYNCOBJ into=f`"),
    (
        "drm_syncobj_create drm_syncobj_get_handle drm_syncobj_get_fd",
        "`syncobj NAME` declares one; handles and files of it are not modelled",
    ),
    ("drm_syncobj_assign_null_handle", "`syncobj-replace-fence SYNCOBJ FENCE`, of a fence that `setup` has signalled"),
    // drm_exec.h
    (
        "drm_exec_retry",
        "`exec-until-all-locked EXEC { … }` goes back to its beginning by itself, where it met contention",
    ),
    (
        "drm_exec_for_each_locked_object drm_exec_for_each_locked_object_reverse drm_exec_obj",
        "name the reservations one after the other",
    ),
    ("drm_exec_ticket", "an `exec` has its acquire context inside; one by itself is `acquire-ctx NAME`"),
    // kref.h, refcount.h
    (
        "kref_put_mutex kref_put_lock refcount_dec_and_mutex_lock refcount_dec_and_lock refcount_dec_and_lock_irqsave \
         atomic_dec_and_lock atomic_dec_and_lock_irqsave atomic_dec_and_mutex_lock",
        "by words: while the count is above 1 a `cmpxchg` takes one off; else the lock first, `add x -1 into=left`, and what \
         `left` 0 asks for under it",
    ),
    ("refcount_add refcount_add_not_zero", "`get X` or `get-unless-zero X`, as often"),
    ("refcount_sub_and_test", "`put X`, as often"),
    (
        "refcount_dec_if_one refcount_dec_not_one",
        "of a `var`: `cmpxchg x 1 0 into=was`, or a `cmpxchg` of what was loaded",
    ),
    // completion.h
    ("complete_on_current_cpu", "`complete COMPLETION`"),
    (
        "completion_done",
        "no operation only asks: `try-wait-for-completion COMPLETION into=r` asks and takes; `COMPLETION.done` is for `expect`",
    ),
    ("wait_for_completion_io wait_for_completion_io_timeout", "`wait-for-completion COMPLETION [timeout]`"),
    (
        "wait_for_completion_killable wait_for_completion_state wait_for_completion_killable_timeout \
         wait_for_completion_interruptible_timeout",
        "`wait-for-completion COMPLETION interruptible [timeout]`",
    ),
    // wait.h, sched.h
    (
        "init_wait init_wait_entry init_waitqueue_entry woken_wake_function autoremove_wake_function default_wake_function",
        "`prepare QUEUE` has its entry with it: delete the line",
    ),
    (
        "waitqueue_active wq_has_sleeper wq_has_single_sleeper",
        "no operation asks that: `wake-one` and `wake-all` return how many they woke, and `QUEUE.waiters` is for `expect`",
    ),
    ("add_wait_queue", "`prepare QUEUE`"),
    ("add_wait_queue_exclusive", "`prepare QUEUE exclusive`"),
    ("remove_wait_queue", "`finish QUEUE`"),
    (
        "wake_up_locked wake_up_interruptible wake_up_interruptible_sync wake_up_sync wake_up_poll wake_up_nr wake_up_interruptible_nr",
        "`wake-one QUEUE`, as often as are to be woken",
    ),
    ("wake_up_interruptible_all", "`wake-all QUEUE`"),
    ("wait_event_killable_timeout", "`wait-event QUEUE \"CONDITION\" killable timeout`"),
    ("wait_event_hrtimeout", "`wait-event QUEUE \"CONDITION\" timeout`"),
    ("wait_event_freezable", "`wait-event QUEUE \"CONDITION\" interruptible`"),
    ("wait_event_idle io_wait_event wait_woken", "`wait-event QUEUE \"CONDITION\"`"),
    (
        "wait_event_lock_irq wait_event_cmd",
        "by steps: `loop { prepare QUEUE; load …; when \"…\" { break }; unlock L; sleep QUEUE; lock L }; finish QUEUE`",
    ),
    (
        "wait_var_event wait_on_bit",
        "`wait-event QUEUE \"CONDITION\"`, on a queue of its own; the kernel's are shared by hash",
    ),
    ("wake_up_var wake_up_bit", "`wake-all QUEUE`"),
    ("set_current_state __set_current_state", "`prepare QUEUE` sets it, on the queue of whoever wakes"),
    (
        "schedule_timeout_interruptible schedule_timeout_uninterruptible schedule_timeout_killable",
        "time passes by itself: delete the line, or `sleep QUEUE timeout`",
    ),
    ("wake_up_state", "`wake-q-add WAKE-Q task=THREAD`, `wake-q-flush WAKE-Q`"),
    // workqueue.h
    ("INIT_WORK_ONSTACK timer_setup_on_stack", "what is declared is initialised: delete the line"),
    ("alloc_workqueue alloc_ordered_workqueue", "`workqueue NAME [ordered] [workers=N]` declares one"),
    ("queue_work_on schedule_work_on", "`queue-work WORK`: CPUs have no numbers"),
    (
        "flush_workqueue __flush_workqueue drain_workqueue flush_scheduled_work",
        "`flush-work WORK`, of each work item that is queued on it",
    ),
    ("enable_and_queue_work", "`enable-work WORK`, `queue-work WORK`"),
    ("queue_rcu_work", "`call-rcu OBJECT func=PROC`, of a proc that does `queue-work WORK`"),
    ("flush_rcu_work", "`synchronize-rcu`, `flush-work WORK`"),
    (
        "work_pending delayed_work_pending work_busy",
        "no operation asks that: `WORK.pending` and `WORK.running` are for `expect`",
    ),
    (
        "current_work current_is_workqueue_rescuer workqueue_congested",
        "nothing of that is modelled: write what happens for one answer, or `choose 0 1 into=r`",
    ),
    (
        "to_delayed_work from_timer timer_container_of",
        "a work item or a timer has its argument: `work NAME ARGUMENT { … }`, `data=` where it is queued",
    ),
    ("execute_in_process_context", "`queue-work WORK`"),
    // timer.h, hrtimer.h
    ("add_timer add_timer_on timer_reduce hrtimer_start", "`mod-timer TIMER`"),
    ("mod_timer_pending", "there is none: `mod-timer` arms one that is not pending, too"),
    (
        "timer_delete_sync_try try_to_del_timer_sync hrtimer_try_to_cancel",
        "`del-timer TIMER` does not wait either; `del-timer-sync TIMER` does",
    ),
    (
        "timer_shutdown timer_shutdown_sync",
        "`del-timer-sync TIMER`, and nothing that arms it again: a word that says so, looked at before each `mod-timer`",
    ),
    ("timer_pending hrtimer_active", "no operation asks that: `TIMER.pending` and `TIMER.running` are for `expect`"),
    ("hrtimer_init hrtimer_setup", "`timer NAME { … }` declares one: delete the line"),
    ("hrtimer_cancel", "`del-timer-sync TIMER`"),
    ("hrtimer_forward hrtimer_forward_now", "`mod-timer TIMER` in the timer's own block"),
    // rcupdate.h
    ("rcu_read_lock_held", "each operation judges its own context: delete the line"),
    ("synchronize_rcu_expedited", "`synchronize-rcu`"),
    (
        "cond_synchronize_rcu get_state_synchronize_rcu start_poll_synchronize_rcu poll_state_synchronize_rcu",
        "grace periods are not polled for: `synchronize-rcu` waits, `call-rcu` is called",
    ),
    ("call_rcu_hurry", "`call-rcu OBJECT [func=PROC]`"),
    ("kfree_rcu_mightsleep kvfree_rcu", "`call-rcu OBJECT`"),
    ("rcu_dereference_raw", "`load PLACE into=p`"),
    (
        "rcu_replace_pointer rcu_swap_protected",
        "`load PLACE into=old`, `store PLACE NEW order=release`, under the lock",
    ),
    ("RCU_INIT_POINTER", "`store PLACE VALUE`"),
    ("rcu_pointer_handoff unrcu_pointer", "it does nothing at run time: delete the line"),
    ("rcu_read_lock_bh rcu_read_lock_sched", "`rcu-read-lock`"),
    ("rcu_read_unlock_bh rcu_read_unlock_sched", "`rcu-read-unlock`"),
    // mutex.h, rwsem.h, spinlock.h
    (
        "mutex_lock_nested mutex_lock_io down_read_nested down_write_nested down_write_nest_lock spin_lock_nested spin_lock_irqsave_nested",
        "`lock LOCK`, `down-read SEM` or `down-write SEM`; a documented order is `lock-order`",
    ),
    ("mutex_lock_killable", "`lock MUTEX interruptible`"),
    ("down_read_non_owner up_read_non_owner", "a semaphore is released by who has it: hand over by a `completion`"),
    (
        "spin_trylock_irq spin_trylock_irqsave spin_trylock_bh raw_spin_trylock",
        "`trylock LOCK into=got`, with interrupts off by `local-irq-save`",
    ),
    ("raw_spin_lock raw_spin_lock_irqsave raw_spin_lock_irq", "`lock LOCK [irqsave] [irq]`"),
    ("raw_spin_unlock raw_spin_unlock_irqrestore raw_spin_unlock_irq", "`unlock LOCK [irqrestore] [irq]`"),
    ("read_lock_irqsave write_lock_irqsave", "rwlocks are not modelled; a `lock` of kind spin or rwsem is the nearest"),
    // list.h, llist.h
    (
        "list_for_each_entry_rcu list_for_each_entry_srcu hlist_for_each_entry_rcu hlist_for_each_entry_srcu",
        "`list-each LIST into=x { … }`, in a read-side section; what is taken off meanwhile by `list-del-rcu NODE`",
    ),
    ("list_swap", "`list-replace LIST NEW old=OLD`, and OLD where NEW was"),
    (
        "list_is_head list_entry",
        "`list-next LIST ENTRY into=x` returns NULL after the last; what it returns is the entry itself",
    ),
    (
        "list_for_each_prev list_for_each_entry_reverse list_for_each_entry_safe_reverse",
        "`list-each LIST into=x reverse { … }`, `list-each-safe LIST into=x reverse { … }`",
    ),
    ("list_count_nodes", "`list-each LIST into=x { let n=\"n + 1\" }` counts; `LIST.len` is for `expect`"),
    ("list_cut_position", "`list-move-tail TO ENTRY from=FROM`, of each"),
    ("list_splice", "`list-splice-init FROM TO`"),
    ("list_splice_tail", "`list-splice-tail-init FROM TO`"),
    ("list_for_each_entry_from hlist_for_each_entry", "`list-each LIST into=x { … }`"),
    ("hlist_for_each_entry_safe", "`list-each-safe LIST into=x { … }`"),
    ("hlist_add_head", "`list-add LIST ENTRY`"),
    ("hlist_del hlist_del_init", "`list-del LIST ENTRY` or `list-del-init LIST ENTRY`"),
    ("hlist_empty", "`list-empty LIST into=r`"),
    (
        "llist_add llist_del_all llist_for_each_entry",
        "a list without a lock is written by words: a `var` for its head, `cmpxchg` to add, `xchg` to take all",
    ),
    // rbtree.h, timerqueue.h, interval_tree.h, maple_tree.h, drm_mm.h
    (
        "rb_link_node rb_insert_color rb_insert_color_cached rb_find_add",
        "`rb-add ORDERED ENTRY`, by the key that it is declared with",
    ),
    ("rb_replace_node rb_replace_node_cached", "`rb-erase ORDERED OLD`, `rb-add ORDERED NEW`"),
    ("rb_entry rb_entry_safe rb_parent", "what `rb-first` and `rb-next` return is the entry itself, NULL at the end"),
    (
        "rbtree_postorder_for_each_entry_safe rb_first_postorder rb_next_postorder",
        "`rb-each-safe ORDERED into=x { … }`",
    ),
    ("timerqueue_init_head timerqueue_init", "an `ordered` and a `tree-node` begin empty: delete the line"),
    ("timerqueue_iterate_next", "`rb-next ORDERED ENTRY into=x`"),
    (
        "mtree_store mtree_store_range mas_store mas_store_gfp",
        "`range-erase` of what is there, then `range-insert RANGES ENTRY`",
    ),
    (
        "mt_init mt_init_flags mtree_destroy mas_lock mas_unlock",
        "`ranges` begin empty, and their lock is one that is declared: `guarded-by=LOCK`",
    ),
    ("mt_for_each mas_for_each", "`range-each RANGES into=x from=A to=B { … }`"),
    ("drm_mm_init drm_mm_takedown", "`ranges` begin empty: delete the line"),
    (
        "drm_mm_insert_node_in_range",
        "the search for a hole is not modelled: choose a start, and `range-insert RANGES ENTRY`",
    ),
    // idr.h, xarray.h, radix-tree.h
    ("xa_init_flags xa_destroy", "an xarray is declared, `xarray NAME len=N`, and there to the end: delete the line"),
    (
        "idr_init ida_init idr_destroy ida_destroy",
        "a table is declared, `var TABLE init=NULL len=N`, and there to the end: delete the line",
    ),
    (
        "idr_alloc idr_alloc_u32 idr_alloc_cyclic ida_alloc ida_alloc_range ida_alloc_max",
        "a table is `var TABLE init=NULL len=N` and a `lock`: with it held, `store TABLE at=ID OBJECT`, the scenario choosing the ID; one with a lock of its own is an `xarray`",
    ),
    ("xa_alloc_cyclic xa_alloc_cyclic_irq", "`xa-alloc X OBJECT into=id`: the first index that is free"),
    ("idr_find radix_tree_lookup", "a table is `var TABLE init=NULL len=N`: `load TABLE at=ID into=p`"),
    ("xas_load", "`xa-load X INDEX into=p`"),
    (
        "idr_remove ida_free radix_tree_delete",
        "a table is `var TABLE init=NULL len=N`: `xchg TABLE at=ID NULL into=old`",
    ),
    ("radix_tree_insert", "a table is `var TABLE init=NULL len=N`: `store TABLE at=ID OBJECT`, with its lock held"),
    (
        "xa_store_irq xa_store_bh xa_erase_irq xa_erase_bh xa_alloc_irq xa_alloc_bh xa_cmpxchg_irq xa_insert_irq xas_store",
        "`xa-lock X irq`, the operation with `locked`, `xa-unlock X irq` (or `bh`)",
    ),
    ("idr_replace", "`xchg TABLE at=ID OBJECT into=old`, with the table's lock held"),
    (
        "xa_reserve xa_release",
        "store something that stands for a place that is taken, and compare with it; or leave both out",
    ),
    (
        "idr_for_each idr_for_each_entry idr_get_next",
        "a loop over the table: `let i=\"0\"`, `repeat N { load TABLE at=i into=p; …; let i=\"i + 1\" }`",
    ),
    (
        "xa_for_each_start xa_for_each_range xas_for_each xa_extract xa_store_range",
        "a loop: `let i=0`, `do { xa-find X i into=p; …; let i=\"i + 1\" } while \"p != NULL\"`",
    ),
    ("idr_is_empty", "a loop over the table, or a count of its own beside it"),
    ("xa_empty", "`let i=0; xa-find X i into=p`: NULL if it is empty"),
    (
        "idr_preload idr_preload_end",
        "`alloc` with the lock not held says that it may fail or reclaim; or delete the line",
    ),
    ("xa_get_mark xa_set_mark xa_clear_mark", "marks are a table of their own: `var MARKS len=N`"),
    ("xas_lock", "`xa-lock X`"),
    ("xas_unlock", "`xa-unlock X`"),
    ("xa_err xa_is_err", "`IS_ERR(p)` in an expression"),
    // slab.h, gfp.h
    (
        "kcalloc kmalloc_array kvzalloc kvcalloc kmemdup krealloc kmem_cache_zalloc vmalloc vzalloc devm_kzalloc kmalloc_obj kzalloc_obj",
        "`new STRUCT [gfp=…] into=p` of an object that matters; `alloc [gfp=…] into=r` of memory that does not",
    ),
    ("kvfree kfree_sensitive vfree devm_kfree", "`free OBJECT`, of an object that `new` made"),
    ("__get_free_page get_zeroed_page", "`frames-alloc MEMORY [zero] into=f`, and `page-write`, `page-read`"),
    ("free_page free_pages", "`frames-free FRAME [n=N]`"),
    // highmem.h
    (
        "kmap kmap_atomic kmap_local_pfn kmap_local_folio",
        "`kmap-local FRAME`; `page-write` and `page-read` need no mapping",
    ),
    ("kunmap kunmap_atomic", "`kunmap-local FRAME`"),
    (
        "memcpy_to_page memcpy_from_page memset_page zero_user",
        "`page-write FRAME N`, `page-read FRAME into=n`, `page-copy DST SRC`, `page-clear FRAME`: always a whole page",
    ),
    (
        "kmem_cache_create kmem_cache_destroy",
        "`struct NAME slots=N slab=plain|rcu-free|typesafe-by-rcu { … }` is the cache",
    ),
    (
        "get_page",
        "`get OBJECT`, of an object of a struct with `refs`; that user memory may be absent is `copy-from-user`",
    ),
    (
        "get_user_pages",
        "`use mm`, and `get_user_pages ADDRESS FLAGS` with mmap_lock held; a page that stays is `pin_user_pages ADDRESS FLAGS`, of `use mm anonymous=pages`",
    ),
    ("put_page", "`put OBJECT`, of an object of a struct with `refs`"),
    // interrupt.h
    (
        "request_irq request_threaded_irq devm_request_irq devm_request_threaded_irq",
        "`irq NAME on=THREAD|any { … }` declares a handler, which is there from the start",
    ),
    (
        "synchronize_hardirq",
        "`synchronize-irq IRQ`; that may sleep as well, so in atomic context there is nothing for this one",
    ),
    (
        "irqs_disabled in_interrupt in_irq in_hardirq in_softirq in_atomic in_task",
        "where a script runs is written: each has one context",
    ),
    (
        "tasklet_init tasklet_setup",
        "`timer NAME { … }` runs in soft interrupt context as a tasklet does: delete the line",
    ),
    ("tasklet_schedule tasklet_hi_schedule raise_softirq", "`mod-timer TIMER`, of the timer that stands for it"),
    (
        "tasklet_kill",
        "`del-timer-sync TIMER`, of the timer that stands for it; tasklet_kill() sleeps, and lets what is scheduled run first",
    ),
    (
        "tasklet_disable tasklet_enable",
        "`del-timer-sync TIMER into=pending`, and behind it `when pending is=1 { mod-timer TIMER }`: what is scheduled waits",
    ),
    (
        "irq_work_queue_on",
        "`irq-work-queue` on the thread whose CPU it is: an irq work runs on the CPU of who asks for it",
    ),
    (
        "irq_wake_thread",
        "`queue-work WORK`, whose block is the threaded handler; `flush-work WORK` behind `synchronize-irq`, `disable-irq` or `free-irq`, which wait for the handler alone",
    ),
    ("preempt_disable_notrace get_cpu", "`preempt-disable`"),
    ("put_cpu", "`preempt-enable`"),
    ("smp_processor_id", "CPUs have no numbers: a word for each thread"),
    // shrinker.h, sched/mm.h
    ("shrinker_alloc", "`shrinker NAME unregistered { … }` declares one, and `shrinker-register NAME` begins it"),
    ("shrinker_try_get shrinker_put", "who may run a shrinker is seen to by `shrinker-free`: delete the line"),
    (
        "fs_reclaim_acquire fs_reclaim_release memalloc_noreclaim_save memalloc_nofs_save memalloc_noio_save memalloc_nofs_restore",
        "what an allocation may do is said where it stands: `alloc gfp=nofs`",
    ),
    ("might_fault", "each operation judges its own context: delete the line"),
    // atomic.h, bitops.h, barrier.h
    ("atomic_read_acquire atomic64_read", "`load PLACE [order=acquire] into=x`"),
    ("atomic_set_release atomic64_set", "`store PLACE VALUE [order=release]`"),
    ("atomic_inc_return", "`add PLACE 1 order=full into=n`"),
    ("atomic_dec_return", "`add PLACE -1 order=full into=n`"),
    ("atomic_sub_return", "`add PLACE -N order=full into=n`"),
    (
        "atomic64_inc atomic64_inc_return atomic64_add_return",
        "`add PLACE N into=n`, with `order=full` where it returns something",
    ),
    ("atomic_fetch_add atomic_fetch_inc", "`add PLACE N order=full into=n` returns the new value: `let old=\"n - N\"`"),
    (
        "atomic_fetch_sub atomic_fetch_dec",
        "`add PLACE -N order=full into=n` returns the new value: `let old=\"n + N\"`",
    ),
    ("atomic_try_cmpxchg", "`cmpxchg PLACE EXPECTED NEW into=was`, and `was` is what a failed one has found"),
    (
        "atomic_inc_not_zero atomic_add_unless atomic_inc_unless_negative atomic_dec_if_positive",
        "`load PLACE into=old`, then `cmpxchg PLACE old NEW into=was` while `was` is not `old`; of a `refcount`, `get-unless-zero`",
    ),
    ("atomic_add_negative", "`add PLACE N order=full into=n`, then `when \"n < 0\" { … }`"),
    ("__set_bit __clear_bit", "under a lock: `load PLACE into=x`, `let y=\"x | BIT\"`, `store PLACE y`"),
    ("smp_store_mb", "`store PLACE VALUE`, `smp-mb`"),
    ("mb", "`smp-mb`: what devices see of memory is not modelled apart"),
    ("rmb dma_rmb", "`smp-rmb`: what devices see of memory is not modelled apart"),
    ("barrier", "the compiler moves nothing here: delete the line"),
    ("data_race", "`load PLACE data-race into=x`"),
];
