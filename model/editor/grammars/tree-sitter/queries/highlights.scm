; Made from the tables of the language: `INSTA_UPDATE=always cargo test -p fenceweave-editor --test grammars`
; writes it anew. What comes later wins.

[(line_comment) (block_comment)] @comment
[(disabled_statement) (disabled_entry) (disabled_block)] @comment
[(string) (paragraph)] @string
(escape) @string.escape
(number) @number
["{" "}"] @punctuation.bracket
";" @punctuation.delimiter
"=" @operator
(option key: (word) @variable.parameter)
(statement name: (word) @function.call)

((word) @constant (#match? @constant "^[A-Z][A-Z0-9_]+$"))
((word) @constant.builtin (#match? @constant.builtin "^(NULL|-E[A-Z0-9]+)$"))

((word) @constant.builtin
  (#any-of? @constant.builtin
    "EEXIST" "ENOSPC" "acq-rel" "acquire" "allowed" "any-same-context" "arrays-only" "as-posted"
    "atomic" "available-not-listed" "bit-in-fence" "bookkeep" "cached" "checked" "common-upstream"
    "full" "kernel" "leak-on-failure" "load-then-get" "map" "mutex" "no-kill-wakeup" "no-second-look"
    "nofs" "noio" "none" "nowait" "plain" "rcu-free" "read" "relaxed" "release" "rwsem" "signal" "spin"
    "stolen" "strict-later" "swapped" "swapped-zero-alloc" "system" "told" "typesafe-by-rcu" "uc"
    "uninitialised" "unordered-count" "upstream" "v5_0" "vram" "wait-die" "wc" "wound-wait" "write"
    "zero-alloc" "zeroed"))

((word) @attribute
  (#any-of? @attribute
    "all" "alloc1" "any" "at-least" "base" "bh" "caches" "clear" "coherent" "const" "data-race"
    "debug-lock-alloc" "debug-mutexes" "drop" "dst-other" "exclusive" "grows" "if-held"
    "ignore-duplicates" "inatomic" "interruptible" "irq" "irqrestore" "irqsave" "kernel" "killable"
    "locked" "may-fail" "may-run-out" "no-handoff" "no-lockdep" "none-is-one" "ops-stay"
    "optimistic-spin" "or-null" "ordered" "per-thread" "plain" "raw" "read" "readonly" "seqno64"
    "skip-cpu-sync" "spare" "src-other" "timeout" "trylock" "tryread" "typesafe-by-rcu" "uninitialised"
    "unlocked" "wait-available" "wait-for-submit" "waits-a-tick" "weak" "write" "zero"))

((word) @constant.macro
  (#any-of? @constant.macro
    "acquire-ctx-open-at-exit" "alloc-in-signalling" "assert" "bh-unbalanced" "bug-on" "bytes-differ"
    "caching-conflict" "callback-contract" "callback-reused" "capacity-exceeded" "const-set-late"
    "container-in-container" "container-in-resv" "data-race" "deadlock" "dependency-cycle"
    "dependency-lost" "device-off" "division-by-zero" "dma-after-invalidate" "dma-after-unmap"
    "dma-direction" "dma-in-flight" "dma-left-mapped" "dma-outside-job" "dma-path" "dma-unmap-mismatch"
    "double-free" "error-pointer" "fence-callback-context" "fence-error-late" "fence-lock-not-held"
    "fence-missed" "fence-never-signals" "fence-order" "fence-reinitialised" "fence-released-pending"
    "fence-signaled-twice" "foreign-contents" "frame-busy" "frame-pinned" "frame-reused" "freed-in-use"
    "freed-on-list" "initialised-in-use" "irq-deadlock" "irq-not-disabled" "irqs-enabled-early"
    "irqs-off-at-exit" "kmap-order" "leaked-frame" "leaked-object" "leaked-reference" "list-corruption"
    "livelock" "lock-assertion" "lock-held-at-exit" "lock-in-signalling" "lock-not-held" "lock-order"
    "lost-wakeup" "lost-write" "missing-reference" "no-slot-reserved" "null-dereference" "on-return"
    "out-of-bounds" "preempt-unbalanced" "put-unbalanced" "rcu-unbalanced" "refcount-from-zero"
    "refcount-underflow" "resv-not-held" "self-deadlock" "shift-out-of-bounds" "signalling-unbalanced"
    "signed-overflow" "sleep-in-atomic" "slot-contract" "spins-locally" "stale-mapping" "stale-read"
    "stale-translation" "starvation" "tree-corruption" "undefined-contents" "unlock-not-held"
    "unset-read" "use-after-free" "used-uninitialised" "user-access-under-resv" "wait-entry-left"
    "wait-in-signalling" "warn-on" "work-not-disabled" "work-on-two-queues" "wrong-kind" "ww-contract"
    "ww-invariant"))

((word) @constant.macro
  (#any-of? @constant.macro
    "decided-by-type" "misplaced-barrier" "never-ends" "never-fails" "never-judged" "never-runs"
    "one-way" "positive-errno" "same-number" "same-program" "stale" "true-at-once" "unreached"
    "unsignaled" "unused"))

([(statement name: (word) @type.builtin) (continued name: (word) @type.builtin)]
  (#any-of? @type.builtin
    "acquire-ctx" "barrier" "callback" "completion" "dma-device" "exec" "fence" "fence-array"
    "fence-chain" "frame" "gpu-as" "irq-work" "list" "list-node" "memory" "mm" "module" "ordered"
    "page-table" "ranges" "rcu-head" "refcount" "resv" "sg-list" "srcu" "struct" "sync-file" "syncobj"
    "task-work" "tree-node" "var" "wait-queue" "wake-q" "workqueue" "ww-class" "ww-mutex" "xarray"))

([(statement name: (word) @function.builtin) (continued name: (word) @function.builtin)]
  (#any-of? @function.builtin
    "acquire-done" "acquire-fini" "acquire-init" "add" "add-callback" "add-fence" "alloc" "and"
    "as-disable" "as-enable" "as-flush" "as-lock" "as-unlock" "assert-held" "assert-not-held"
    "barrier-wait" "begin-signalling" "cache-clean" "cache-flush" "cache-invalidate" "call-rcu"
    "call-srcu" "cancel-delayed-work" "cancel-delayed-work-sync" "cancel-work" "cancel-work-sync"
    "chain-find" "chain-init" "check-and-signal" "clear-struct" "cmpxchg" "complete" "complete-all"
    "container-of" "copy-fences" "copy-from-user" "copy-struct" "copy-to-user" "dedup-array"
    "del-timer" "del-timer-sync" "delete-module" "device-access" "device-hang" "device-job"
    "device-off" "device-on" "device-read" "device-write" "disable-irq" "disable-irq-nosync"
    "disable-work" "disable-work-sync" "dma-invalidate" "dma-map" "dma-read" "dma-unmap" "dma-write"
    "down-read" "down-read-trylock" "down-write" "down-write-trylock" "downgrade-write" "enable-irq"
    "enable-signaling" "enable-work" "end-signalling" "exec-cleanup" "exec-fini" "exec-init"
    "exec-is-contended" "exec-lock" "exec-prepare" "exec-prepare-array" "exec-unlock" "fd-install"
    "fence-context" "fence-error" "fence-free" "fence-init" "fence-lock" "fence-merge" "fence-ops"
    "fence-seqno" "fence-timestamp" "fence-unlock" "finish" "flush-delayed-work" "flush-work" "fput"
    "frame-fill" "frame-pin" "frame-unpin" "frames-alloc" "frames-free" "frames-left" "free" "free-irq"
    "get" "get-fences" "get-rcu" "get-rcu-safe" "get-singleton" "get-status" "get-unless-zero"
    "gpu-access" "init" "init-irq-work" "init-work" "insert-pfn" "irq-work-queue" "irq-work-sync"
    "is-signaled" "is-signaled-locked" "iter-begin" "iter-end" "iter-is-restarted" "iter-next"
    "iter-usage" "kmap-local" "kref-init" "kunmap-local" "list-add" "list-add-tail"
    "list-bulk-move-tail" "list-del" "list-del-init" "list-del-rcu" "list-empty" "list-first"
    "list-is-first" "list-is-last" "list-is-singular" "list-last" "list-move" "list-move-tail"
    "list-next" "list-prev" "list-replace" "list-replace-init" "list-rotate-left" "list-splice-init"
    "list-splice-tail-init" "load" "local-bh-disable" "local-bh-enable" "local-irq-disable"
    "local-irq-enable" "local-irq-restore" "local-irq-save" "lock" "lock-all" "lock-map-acquire"
    "lock-map-release" "lock-nested" "lock-slow" "mapped-read" "mapped-write" "mask-irq" "might-lock"
    "might-sleep" "mmap-lock" "mmap-unlock" "mod-delayed-work" "mod-timer" "module-put" "new"
    "nth-page" "on-list" "or" "p2p-distance" "page-clear" "page-copy" "page-read" "page-to-pfn"
    "page-write" "pages-move" "pfn-to-page" "poll" "preempt-disable" "preempt-enable" "prepare"
    "pte-mkwrite" "pte-wrprotect" "put" "queue-delayed-work" "queue-work" "raise" "raise-irq"
    "range-empty" "range-erase" "range-find" "range-first" "range-insert" "range-next" "rb-add"
    "rb-clear-node" "rb-empty" "rb-empty-node" "rb-erase" "rb-find" "rb-first" "rb-last" "rb-next"
    "rb-prev" "rcu-barrier" "rcu-read-lock" "rcu-read-unlock" "reinit-completion" "remove-callback"
    "replace-fences" "reserve" "resv-fini" "set-error" "set-page-caching" "shrinker-free"
    "shrinker-register" "signal" "signal-checked" "signal-locked" "signal-pending" "sleep" "smp-mb"
    "smp-mb-after-atomic" "smp-mb-after-spinlock" "smp-mb-before-atomic" "smp-rmb" "smp-wmb"
    "spin-until" "srcu-barrier" "srcu-read-lock" "srcu-read-unlock" "store" "submit" "sync-file-create"
    "sync-file-get-fence" "sync-file-release" "synchronize-irq" "synchronize-rcu" "synchronize-srcu"
    "syncobj-add-point" "syncobj-find-fence" "syncobj-query" "syncobj-replace-fence" "syncobj-reset"
    "syncobj-wait" "task-work-add" "test-signaled" "test-signaled-flag" "timer-setup" "try-module-get"
    "try-wait-for-completion" "trylock" "unlock" "unlock-all" "unmask-irq" "unwrap-begin" "unwrap-next"
    "up-read" "up-write" "user-access" "wait" "wait-event" "wait-for-completion" "wake-all" "wake-one"
    "wake-q-add" "wake-q-flush" "wmb" "xa-alloc" "xa-cmpxchg" "xa-erase" "xa-find" "xa-insert"
    "xa-load" "xa-lock" "xa-store" "xa-unlock" "xchg" "xor" "zap"))

([(statement name: (word) @keyword.directive) (continued name: (word) @keyword.directive)]
  (#any-of? @keyword.directive
    "allow" "always" "at-end" "eventually" "holds" "never" "settles" "sometimes" "violates"))

([(statement name: (word) @keyword.type) (continued name: (word) @keyword.type)]
  (#any-of? @keyword.type
    "about" "case" "const" "delayed-work" "device" "engines" "enum" "except" "expect" "flags" "fn"
    "grain" "hook" "inject" "input" "irq" "irq-line" "limits" "lock-order" "no-engine" "only" "ops"
    "ops-type" "option" "param" "pci-tree" "proc" "scenario" "setup" "shrinker" "source" "teardown"
    "thread" "timer" "use" "where" "work"))

([(statement name: (word) @keyword) (continued name: (word) @keyword)]
  (#any-of? @keyword
    "assert" "atomic" "break" "bug-on" "call" "choose" "continue" "defer" "do" "else"
    "exec-retry-on-contention" "exec-until-all-locked" "goto" "init-object" "iter-each" "label" "let"
    "list-each" "list-each-safe" "local" "loop" "on-return" "progress" "range-each" "range-each-safe"
    "rb-each" "rb-each-safe" "repeat" "return" "set" "survives" "syscall" "unreached" "unwrap-each"
    "warn-on" "when" "while"))

([(statement name: (word) @keyword.modifier) (continued name: (word) @keyword.modifier)]
  (#any-of? @keyword.modifier
    "internal" "override" "static"))

((statement name: (word) @keyword.modifier . (word) @keyword.type)
  (#any-of? @keyword.modifier "static" "internal" "override")
  (#any-of? @keyword.type
    "about" "acquire-ctx" "barrier" "callback" "case" "completion" "const" "delayed-work" "device"
    "dma-device" "engines" "enum" "except" "exec" "expect" "fence" "fence-array" "fence-chain" "flags"
    "fn" "frame" "gpu-as" "grain" "hook" "inject" "input" "irq" "irq-line" "irq-work" "limits" "list"
    "list-node" "lock" "lock-order" "memory" "mm" "module" "no-engine" "only" "ops" "ops-type"
    "ordered" "override" "page-table" "pci-tree" "proc" "ranges" "rcu-head" "refcount" "resv" "setup"
    "sg-list" "shrinker" "srcu" "struct" "sync-file" "syncobj" "task-work" "teardown" "thread" "timer"
    "tree-node" "use" "var" "wait-queue" "wake-q" "where" "work" "workqueue" "ww-class" "ww-mutex"
    "xarray"))
