; What declares names, and where they are seen.
(document) @local.scope

((statement name: (word) @_word block: (block)) @local.scope
  (#any-of? @_word "scenario" "fn" "proc" "thread" "irq" "device" "work" "delayed-work" "timer" "irq-work" "setup" "teardown" "shrinker"))

((statement name: (word) @_word . (word) @local.definition.function)
  (#any-of? @_word "fn" "proc"))

((statement name: (word) @_word . (word) . (word) @local.definition.function)
  (#any-of? @_word "static" "internal" "override"))

((statement name: (word) @_word . (word) @local.definition.type)
  (#any-of? @_word "struct" "enum" "flags" "ops-type"))

((statement name: (word) @_word . (word) @local.definition.var)
  (#any-of? @_word "lock" "var" "fence" "resv" "list" "completion" "thread" "work" "timer"))

((statement name: (word) @_word (option key: (word) @local.definition.var))
  (#any-of? @_word "let" "const" "param"))

((option key: (word) @_key value: (word) @local.definition.var)
  (#any-of? @_key "into" "cursor"))

((statement name: (word) @_word . (word) @local.definition)
  (#eq? @_word "label"))

(word) @local.reference
