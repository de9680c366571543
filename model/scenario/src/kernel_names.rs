//! What the kernel calls a thing that a scenario spells otherwise: types and macros that are no operation's function.
//!
//! A name of the kernel is answered by what it is here, never by what it happens to be spelled like:
//! `synchronize_irq()` is not `synchronize-rcu`. What a function of the operations' own tables is called is asked there
//! first ([`ops::of_kernel_function`](crate::ops::of_kernel_function)).

mod headers;

use headers::HEADERS;

/// Some names of the kernel, separated by blanks, and what a scenario has for them.
type Row = (&'static str, &'static str);

/// Types, and other words by which somebody begins a declaration.
const DECLARATIONS: &[Row] = &[
    ("mutex", "a mutex is `lock NAME kind=mutex`"),
    ("spinlock spinlock_t raw_spinlock_t", "a spinlock is `lock NAME`"),
    ("rwsem rw_semaphore", "a reader-writer semaphore is `lock NAME kind=rwsem`"),
    ("ww_mutex", "`ww-mutex NAME`, of a class that is declared by `ww-class CLASS`"),
    ("ww_class", "`ww-class NAME kind=wait-die|wound-wait`"),
    ("ww_acquire_ctx acquire_ctx drm_modeset_acquire_ctx", "`acquire-ctx NAME`"),
    ("dma_fence fence_t", "a fence is `fence NAME`"),
    ("dma_fence_array", "`fence-array NAME`"),
    ("dma_fence_chain", "`fence-chain NAME`"),
    ("dma_fence_cb", "`callback NAME run=PROC`, or a proc as the operand of `add-callback`"),
    ("dma_resv reservation reservation_object", "a reservation is `resv NAME`"),
    ("drm_exec", "`exec NAME`"),
    ("drm_syncobj", "`syncobj NAME`"),
    ("sync_file", "`sync-file NAME`"),
    (
        "atomic atomic_t atomic64_t atomic_long_t counter",
        "an atomic word is `var NAME`, changed by `add`, `xchg` and `cmpxchg`",
    ),
    (
        "int long unsigned bool char u8 u16 u32 u64 s8 s16 s32 s64 size_t flag word",
        "a shared word is `var NAME [init=N]`; a thread's own is born by `into=NAME` or `let NAME=\"…\"`",
    ),
    (
        "define",
        "a number with a name is `const NAME=N`; several that belong together are `enum NAME { A; B; … }` or `flags`",
    ),
    (
        "kref refcount_t",
        "the count of an object is its field `refs`: `struct NAME slots=N { refs 1 }`; one by itself is `refcount NAME`",
    ),
    (
        "list_head hlist_head llist_head",
        "a list is `list NAME [of=STRUCT.NODE]`, and its entries are fences or objects of a struct; a field that links one is a \
         `link type=list-node`",
    ),
    (
        "rb_root rb_root_cached rbtree rb_tree timerqueue_head",
        "what is in the order of a key is `ordered NAME of=STRUCT.NODE key=FIELD`, the node a `rb type=tree-node`",
    ),
    (
        "maple_tree interval_tree interval_tree_root drm_mm drm_gpuvm",
        "what is found by the range that it is, is in `ranges NAME of=STRUCT.NODE start=FIELD len=FIELD`, the node a `rb type=tree-node`",
    ),
    ("work_struct kthread_work", "`work NAME { … }` or `work NAME fn=FUNCTION`, queued by `queue-work NAME`"),
    (
        "tasklet tasklet_struct",
        "`timer NAME { … }` runs in soft interrupt context as a tasklet does, scheduled by `mod-timer NAME`",
    ),
    ("irq_work", "`irq-work NAME fn=FUNCTION`"),
    ("delayed_work", "`delayed-work NAME { … }`"),
    ("workqueue_struct", "`workqueue NAME [ordered] [workers=N]`"),
    ("hrtimer timer_list", "`timer NAME { … }`, armed by `mod-timer NAME`"),
    ("kthread task task_struct process function ioctl syscall cpu", "who runs is `thread NAME { … }`"),
    ("interrupt handler irq_handler irqaction", "`irq NAME on=THREAD|any { … }`"),
    ("hw engine ring gpu hardware", "a hardware engine is `device NAME { … }`"),
    ("fn def macro subroutine", "statements under a name are `proc NAME ARGUMENT… { … }`"),
    ("waitqueue wait_queue_head wait_queue_head_t waitq", "`wait-queue NAME`"),
    ("wake_q_head", "`wake-q NAME`"),
    ("semaphore rwlock rwlock_t local_lock", "there is none: a `lock` of kind spin, mutex or rwsem is the nearest"),
    (
        "seqlock seqlock_t seqcount seqcount_t",
        "there is none: a `var` for the sequence, with `add`, `load` and the barriers that the kernel's has",
    ),
    ("srcu_struct", "`srcu NAME`"),
    ("idr ida radix_tree", "a table is `var NAME init=NULL len=N`, and its lock a `lock` of its own"),
    (
        "drm_sched drm_gpu_scheduler r entity job",
        "there is none yet: write its functions as procs over `struct`, `list` and `work`",
    ),
    (
        "bo buffer gem_object drm_gem_object ttm_buffer_object dma_buf page folio",
        "an object with fields is `struct NAME slots=N { refs 1; … }`, its reservation a `resv`",
    ),
    (
        "mmu_notifier mmu_interval_notifier mmu-notifier",
        "`use mm notifiers=intervals`, and in the driver's struct `notifier type=mmu_interval_notifier`",
    ),
    ("init probe main begin", "what runs before the threads is `setup { … }`"),
    ("exit remove cleanup end finally", "what runs after the threads is `teardown { … }`"),
    ("property invariant check", "what must hold is said in `expect { … }`: `never`, `always`, `at-end`, `sometimes`"),
    ("include import require", "a library is named by `use NAME`, a file of one's own by `use \"./FILE.kdl\"`"),
    ("description doc comment title", "`about \"…\"` says what a scenario is about"),
    ("variant config option", "variants of a scenario are its cases: `case A B`, and `only A { … }`"),
];

/// Types of what is inside of a struct, and what follows its name in a `struct` of a scenario.
const MEMBERS: &[Row] = &[
    ("list list_head", "type=list"),
    ("rb_node timerqueue_node interval_tree_node", "type=tree-node"),
    ("mutex", "type=lock kind=mutex"),
    ("lock spinlock spinlock_t raw_spinlock_t", "type=lock"),
    ("rwsem rw_semaphore", "type=lock kind=rwsem"),
    ("ww-mutex ww_mutex", "type=ww-mutex"),
    ("acquire-ctx ww_acquire_ctx", "type=acquire-ctx"),
    ("fence dma_fence", "type=fence"),
    ("callback dma_fence_cb", "type=callback"),
    ("resv dma_resv", "type=resv"),
    ("work work_struct", "type=work fn=FUNCTION"),
    ("delayed-work delayed_work", "type=delayed-work fn=FUNCTION"),
    ("wait-queue wait_queue_head_t", "type=wait-queue"),
    ("completion", "type=completion"),
    ("refcount refcount_t", "type=refcount"),
    ("atomic_t atomic64_t atomic_long_t", "0"),
    ("int", "0 type=s32"),
    ("long ssize_t", "0 type=s64"),
    ("unsigned unsigned_int", "0 type=u32"),
    ("unsigned_long", "0 type=u64"),
    ("u8", "0 type=u8"),
    ("u16", "0 type=u16"),
    ("u32", "0 type=u32"),
    ("u64", "0 type=u64"),
    ("s32", "0 type=s32"),
    ("s64", "0 type=s64"),
    ("size_t", "0 type=size_t"),
    ("bool", "0 type=bool"),
    ("void", "NULL"),
];

/// Functions and macros that are no operation.
const STATEMENTS: &[Row] = &[
    (
        "msleep ssleep udelay mdelay ndelay usleep_range fsleep _timeout_uninterruptible",
        "time passes by itself: between two statements any other thread may run, for as long as it likes. Delete the line",
    ),
    (
        "cond_resched yield cpu_relax",
        "the scheduler needs no help: any other thread may run between two statements. Delete the line, or sleep on a `wait-queue`",
    ),
    (
        "kref_read refcount_read",
        "an object's count is its field `refs`; a count by itself is `refcount NAME init=N`: what it is, a condition in `expect` sees, `OBJECT.refs`",
    ),
    ("", "`get-unless-zero OBJECT into=r`"),
    ("dma_resv_for_each_fence dma_resv_for_each_fence_unlocked", "`iter-each RESV usage=… [unlocked] into=f { … }`"),
    ("dma_fence_unwrap_for_each", "`unwrap-each FENCE into=f { … }`"),
    ("drm_exec_until_all_locked", "`exec-until-all-locked EXEC { … }`"),
    (
        "drm_exec_retry_on_contention",
        "it is in `exec-until-all-locked EXEC { … }`: `exec-lock` and `exec-prepare` inside go back to its beginning by themselves",
    ),
    ("list_for_each_entry list_for_each list_for_each_entry_continue", "`list-each LIST into=x { … }`"),
    ("list_for_each_entry_safe list_for_each_safe", "`list-each-safe LIST into=x { … }`"),
    (
        "dma_fence_array_create dma_fence_array_init",
        "`fence-array NAME { … }` declares one with its members; `fence-merge A B into=m` makes one at run time",
    ),
    ("dma_fence_chain_alloc", "`fence-chain NAME spare` declares its memory, `chain-init` makes it one"),
    (
        "atomic_dec_and_test atomic_sub_and_test",
        "`add x -1 into=left`, then `when left is=0 { … }`: `add` returns the new value",
    ),
    ("atomic_inc_and_test", "`add x 1 into=n`, then `when n is=0 { … }`"),
    (
        "drm_gem_object_get dma_buf_get ttm_bo_get get_task_struct kobject_get fget get_file",
        "`get OBJECT`, of an object of a struct with `refs`",
    ),
    (
        "drm_gem_object_put dma_buf_put ttm_bo_put put_task_struct kobject_put",
        "`put OBJECT`, of an object of a struct with `refs`",
    ),
    ("raw_spin_lock_init DEFINE_MUTEX DEFINE_SPINLOCK", "what is declared is initialised: delete the line"),
    ("mutex_destroy ww_mutex_destroy destroy_workqueue", "what is declared is there until the end: delete the line"),
    (
        "WARN_ON WARN_ON_ONCE WARN WARN_ONCE drm_WARN_ON dev_WARN",
        "`warn-on \"EXPRESSION\" \"why\" into=LOCAL`: it is told, and the execution goes on",
    ),
    ("BUG_ON VM_BUG_ON", "`bug-on \"EXPRESSION\" \"why\"`: it is told, and ends the execution"),
    ("lockdep_assert", "`assert \"EXPRESSION\" \"why\"`, over locals; what must not be true is written with `!`"),
    ("might_alloc", "each operation judges its own context: delete the line"),
    ("rcu_dereference_protected rcu_dereference_check rcu_access_pointer srcu_dereference", "`load PLACE into=p`"),
    (
        "printk pr_info pr_err pr_warn dev_err dev_info drm_dbg trace_printk",
        "nothing is printed: the trace shows every step",
    ),
    (
        "kthread_run kthread_create wake_up_process kthread_stop",
        "threads are declared and run from the start; one is kept waiting by a `completion` or a `wait-queue`",
    ),
    ("kill", "`raise signal to=THREAD`"),
    ("if", "`when \"EXPRESSION\" { … }`"),
    (
        "down up down_interruptible",
        "semaphores are not modelled; `down-read` and `down-write` are of a `lock` of kind rwsem",
    ),
    (
        "read_lock write_lock read_unlock write_unlock",
        "rwlocks are not modelled; a `lock` of kind spin or rwsem is the nearest",
    ),
];

/// What a scenario has for a word that the kernel, or another language, begins a declaration with.
pub(crate) fn declaration(word: &str) -> Option<&'static str> {
    find(DECLARATIONS, word)
}

/// How a field or a member of that C type is written in a `struct`, but for one that has the type of another struct.
pub(crate) fn member(ty: &str, name: &str) -> Option<String> {
    match ty {
        "kref" => Some("refs 1".to_owned()),
        _ => find(MEMBERS, ty).map(|rest| format!("{name} {rest}")),
    }
}

/// What a scenario has for a function or macro of the kernel that is no operation.
pub(crate) fn statement(word: &str) -> Option<&'static str> {
    let bare = word.trim_end_matches(['(', ')', ';']);
    find(STATEMENTS, bare).or_else(|| find(HEADERS, bare))
}

fn find(table: &[Row], word: &str) -> Option<&'static str> {
    table.iter().find(|(names, _)| names.split_whitespace().any(|name| name == word)).map(|(_, answer)| *answer)
}

/// Whether a word is spelled as the kernel spells its functions: then likeness to an operation is chance.
pub(crate) fn is_c_name(word: &str) -> bool {
    word.contains('_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_answer() {
        for table in [DECLARATIONS, &[STATEMENTS, HEADERS].concat()] {
            let mut names: Vec<&str> = table.iter().flat_map(|(names, _)| names.split_whitespace()).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all);
        }
    }

    #[test]
    fn every_function_of_the_headers_has_an_operation_or_an_answer() {
        let lines = include_str!("kernel_names/headers.txt").lines().filter(|line| !line.starts_with('#'));
        let unknown = |name: &&str| crate::ops::of_kernel_function(name).is_none() && statement(name).is_none();
        let unknown: Vec<&str> = lines.flat_map(str::split_whitespace).filter(unknown).collect();
        assert!(unknown.is_empty(), "no answer to {}", unknown.join(" "));
    }

    #[test]
    fn what_the_language_has_itself_is_not_answered_here() {
        for (names, _) in STATEMENTS.iter().chain(HEADERS) {
            for name in names.split_whitespace() {
                assert!(crate::ops::of_kernel_function(name).is_none(), "{name} is an operation's function");
                assert!(crate::ops::named(name).is_empty(), "{name} is an operation");
            }
        }
        for (names, _) in DECLARATIONS {
            for name in names.split_whitespace() {
                assert!(crate::decls::named(name).is_none(), "{name} is a declaration");
            }
        }
    }
}
