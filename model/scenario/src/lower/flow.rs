//! Control flow: the statements that are no operations. Blocks, `when` and conditions are here; `loops`, `jumps`, what
//! is set without an operation (`locals`) and what only says something (`marks`) have rooms of their own.

mod atomics;
mod defers;
mod jumps;
mod locals;
mod loops;
mod marks;
mod returns;
mod syscalls;

use fenceweave_kernel::expr::Operator;
use fenceweave_kernel::{ExprNode, Instr};

use super::Lower;
use super::functions::local_names;
use super::script::Unit;
use crate::syntax::{Entry, INIT_OBJECT, Node, SET, ValueKind};

/// The statements that are no operations: how they are written, and what they do.
pub(crate) const STATEMENTS: &[(&str, &str, &str)] = &[
    (
        "when",
        "when \"E\" { … }` or `when X is=V { … }` or `when X is-not=V { … }",
        "runs the block if the condition is true",
    ),
    (
        "else",
        "else { … }` or `else when \"E\" { … }",
        "after the block of a `when`, `} else {`: runs if its condition was false, and the other is true",
    ),
    ("while", "while \"E\" { … }", "runs the block as long as the condition is true"),
    (
        "do",
        "do { … } while \"E\"",
        "runs the block, and again as long as the condition is true after it. `continue` goes to the condition",
    ),
    (
        "defer",
        "defer { … }",
        "runs the block where the block that this stands in is left, at its end or by `return`, `goto`, `break` or \
         `continue`; the last of several first (`guard()`, `__free()`). `return` has calculated its results before",
    ),
    ("repeat", "repeat N { … }", "runs the block N times"),
    (
        "list-each",
        "list-each LIST into=X [reverse] { … }",
        "runs the block for each object of a list; the next one is looked up from X after the block, so X must still be on \
         the list then (`list_for_each_entry()`). X is NULL at the end. With `reverse` from the last to the first",
    ),
    (
        "list-each-safe",
        "list-each-safe LIST into=X [reverse] { … }",
        "the same, but the next one is looked up before the block: X may be removed and freed, the next one may not \
         (`list_for_each_entry_safe()`)",
    ),
    (
        "atomic",
        "atomic \"why\" { … }",
        "the block is one step, which nobody sees the middle of, in any grain: what it does to words, lists and completions. \
         It neither waits, chooses, calls nor loops; the reason is shown with the verdict. loom does not take it",
    ),
    (
        "rb-each",
        "rb-each ORDERED into=X [reverse] { … }",
        "the same of what is ordered by a key; the next one is looked up from X after the block",
    ),
    (
        "rb-each-safe",
        "rb-each-safe ORDERED into=X [reverse] { … }",
        "the same, but the next one is looked up before the block",
    ),
    (
        "range-each",
        "range-each RANGES into=X [from=A] [to=B] { … }",
        "the same of ranges: of those that have something of what is from A on and before B \
         (`drm_gpuvm_for_each_va_range()`, `for_each_vma_range()`)",
    ),
    (
        "range-each-safe",
        "range-each-safe RANGES into=X [from=A] [to=B] { … }",
        "the same, but the next one is looked up before the block",
    ),
    ("loop", "loop { … }", "runs the block for ever, or until `break`"),
    (
        SET,
        "set OBJECT { FIELD E… }",
        "writes several fields of an object, one after the other: `set b { size 2; owner x }` is `store b.size 2`, then \
         `store b.owner x`",
    ),
    (
        INIT_OBJECT,
        "init-object OBJECT { FIELD E… }",
        "the same behind `clear-struct OBJECT`, as C's `*b = (struct buffer) { .size = 2 }`: what is not named is 0 or NULL, \
         and what else is inside (a lock, a list, a fence) is to be initialised before it is used",
    ),
    (
        "syscall",
        "syscall { … }",
        "in a thread: a system call. `return` leaves it; at its end what was put off to there runs (`fput`, `task-work-add`), \
         and no lock may be held then",
    ),
    ("break", "break", "leaves the innermost loop"),
    ("continue", "continue", "goes to the next turn of the innermost loop"),
    (
        "return",
        "return [\"E\"]",
        "ends the thread, with a result in its local `return`, or the proc; a `fn` may return several, `return E F`",
    ),
    ("goto", "goto L", "goes forward to a label of this or an enclosing block; in a `fn` also back"),
    ("label", "label L", "where `goto L` goes"),
    (
        "call",
        "call FUNCTION ARGUMENT… into=R",
        "calls the function whose value a local, a field or a slot of a table of functions holds (`call b.funcs.move b into=r`); \
         the call is no step. NULL is a null-dereference, and what is no function that takes so many arguments a wrong-kind",
    ),
    ("let", "let X=\"E\"", "sets a local"),
    (
        "local",
        "local TYPE X…",
        "says the type of locals: u8, u16, u32, u64, s32, s64, size_t or bool; a local without is an s64, or holds a reference. \
         What is put into it is converted as by an assignment in C, an argument too. `local STRUCT X…` is an object of a struct \
         on the stack, with a slot of its own: it begins here, and is gone where the block is left",
    ),
    (
        "assert",
        "assert \"E\" [\"message\"]",
        "ends the execution with the violation `assert` if the condition is false",
    ),
    (
        "on-return",
        "on-return \"E\" { … }",
        "in a `fn`, not inside of another block: at every return, when all that was put off has run, the `assert-held` and \
         `assert-not-held` of the block are judged if the condition over `return` and the arguments is true. These, and what a \
         path from them leads to, are what they were when it was called, whatever it has changed since; a path that led nowhere \
         then is told where it is judged. What is not so is the violation `on-return`: a table of locks by exit",
    ),
    (
        "warn-on",
        "warn-on \"E\" [\"message\"] [into=X]",
        "tells the violation `warn-on` if the condition is true, in the words of the message, and goes on: what goes wrong later \
         is told as well, and an outcome says which warnings came before it (`WARN_ON()`). X is 1 if it was true, else 0",
    ),
    (
        "bug-on",
        "bug-on \"E\" [\"message\"]",
        "ends the execution with the violation `bug-on` if the condition is true (`BUG_ON()`)",
    ),
    ("choose", "choose A B… into=X", "any of these: all are explored"),
    super::blocks::STATEMENTS[0],
    super::blocks::STATEMENTS[1],
    super::blocks::STATEMENTS[2],
    super::blocks::STATEMENTS[3],
    (
        "progress",
        "progress",
        "marks that the thread gets on here; a thread that runs for ever without passing a mark is in a livelock, or \
         starves if others pass theirs",
    ),
    (
        "survives",
        "survives \"why\" [MISTAKE…]",
        "does nothing: of the mistakes that `mutants` makes of the next statement (all, or those that are named: leave-out, \
         no-unlock, no-put, no-wake, no-barrier, exchange, negate, weaken-order, other-usage) nobody notices any, and why \
         that is so",
    ),
    (
        "unreached",
        "unreached \"why\"",
        "says that no execution comes here, and that this is meant: nobody is warned of what stands behind it in its block",
    ),
];

/// Whether the word begins a statement of control flow.
pub(crate) fn is_statement(name: &str) -> bool {
    STATEMENTS.iter().any(|(known, ..)| *known == name)
}

impl<'a> Lower<'a> {
    /// Lowers the statements of a block.
    pub(super) fn block(&mut self, unit: &mut Unit<'a>, nodes: &'a [Node]) {
        let nodes = self.visible(nodes);
        let scope = self.labels_of(unit, &nodes);
        unit.scopes.push(scope);
        let mut rest = nodes.as_slice();
        let around = self.in_library;
        while let [node, after @ ..] = rest {
            if self.is_exhausted() {
                break;
            }
            self.in_library = self.sources.library_of(node.head);
            // What is said of the next statement is none itself.
            *self.budget -= usize::from(node.name.text != "survives");
            rest = after;
            unit.at_statement(self.source_line(node.head));
            unit.forget_temporaries();
            match node.name.text.as_str() {
                "when" => {
                    let others = alternatives(after);
                    self.when(unit, node, others);
                    rest = &rest[others.len()..];
                }
                "do" => {
                    let condition = |next: &&&Node| next.name.text == "while" && next.block.is_none();
                    let other = after.first().filter(condition).copied();
                    rest = &rest[usize::from(other.is_some())..];
                    self.do_while(unit, node, other);
                }
                _ => {
                    self.statement_noting_uses(unit, node);
                    self.convert_result(unit, node);
                }
            }
        }
        self.end_of_block(unit, nodes.last().copied());
        self.in_library = around;
        unit.scopes.pop();
    }

    /// An operation may be several instructions, each of which may read what its statement names; so may what goes on
    /// with it after its block. What the others read their own instructions tell.
    fn statement_noting_uses(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let name = node.name.text.as_str();
        let is_block = super::blocks::STATEMENTS.iter().any(|(known, ..)| *known == name) || loops::is_walk(name);
        if is_statement(name) && !is_block || self.procs.contains_key(name) {
            return self.statement(unit, node);
        }
        let (noted, from) = (unit.noted(), unit.here());
        self.statement(unit, node);
        let walks = ["into", "cursor"].into_iter().filter(|_| is_block).filter_map(|key| node.option(key));
        let walks = walks.filter_map(|value| unit.local(value.span.of(self.text))).collect();
        unit.uses_all(noted, from, walks);
    }

    /// `set OBJECT { … }`, `init-object OBJECT { … }`: the stores that its block became when it was read.
    fn set_fields(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let name = &node.name.text;
        let object = match node.entries.as_slice() {
            [Entry { key: None, value }] => match &value.kind {
                ValueKind::Word(object) => Some(object),
                ValueKind::Text { .. } | ValueKind::Int(_) => None,
            },
            _ => None,
        };
        let Some(object) = object else {
            if !node.broken {
                self.mistakes
                    .add("set", node.head, format!("`{name}` is of one object"))
                    .expected(format!("`{name} OBJECT {{ FIELD E; … }}`"))
                    .help("the object is a local, or a path from one");
            }
            return;
        };
        if name == INIT_OBJECT {
            self.check_cleared(node, object);
        }
        self.block(unit, node.children());
    }

    /// In C the values are known before the object is written over, and it is looked up once.
    fn check_cleared(&mut self, node: &Node, object: &str) {
        if object.contains('.') {
            self.mistakes
                .add("set", node.head, format!("`{object}` would be looked up for each field"))
                .expected(format!("`let o=\"{object}\"`, then `{INIT_OBJECT} o {{ … }}`"));
        }
        let before = format!("{object}.");
        for value in node.children().iter().flat_map(|store| store.values().skip(1)) {
            let said = value.span.of(self.text);
            let named = said.match_indices(&before).any(|(at, _)| {
                !said[..at].ends_with(|before: char| before.is_alphanumeric() || "-_.".contains(before))
            });
            if named {
                self.mistakes
                    .add("set", value.span, format!("`{object}` is cleared before this is read"))
                    .expected(format!("a local: `let n={said}` before `{INIT_OBJECT} {object}`"));
            }
        }
    }

    fn statement(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        const WITH_BLOCK: [&str; 14] = [
            SET,
            INIT_OBJECT,
            "atomic",
            "on-return",
            "while",
            "do",
            "defer",
            "repeat",
            "loop",
            "syscall",
            "else",
            "iter-each",
            "unwrap-each",
            "exec-until-all-locked",
        ];
        let takes_block = WITH_BLOCK.contains(&node.name.text.as_str()) || loops::is_walk(&node.name.text);
        if is_statement(&node.name.text) && takes_block != node.block.is_some() && !node.broken {
            self.tell_block(node, takes_block);
        }
        match node.name.text.as_str() {
            "else" => self.stray_else(unit, node),
            "while" => self.while_loop(unit, node),
            "defer" => self.defer(unit, node),
            "repeat" => self.repeat(unit, node),
            "loop" => self.endless(unit, node),
            "atomic" => self.atomic(unit, node),
            "syscall" => self.syscall(unit, node),
            SET | INIT_OBJECT => self.set_fields(unit, node),
            name if loops::is_walk(name) => self.walk(unit, node),
            "break" | "continue" => self.leave_turn(unit, node),
            "return" => self.return_from(unit, node),
            "goto" => self.goto(unit, node),
            "label" => self.label(unit, node),
            "call" => self.call_value(unit, node),
            "let" => self.let_local(unit, node),
            "local" => self.local_struct(unit, node),
            "assert" => self.assert(unit, node),
            "warn-on" | "bug-on" => self.warn(unit, node),
            "choose" => self.choose(unit, node),
            "iter-each" | "unwrap-each" | "exec-until-all-locked" | "exec-retry-on-contention" => {
                self.block_operation(unit, node)
            }
            "on-return" => self.on_return(unit, node),
            "progress" => self.progress(unit, node),
            "unreached" => self.unreached(unit, node),
            "survives" => self.survives(node),
            _ => {
                self.check_in_syscall(unit, node);
                self.operation(unit, node);
            }
        }
    }

    fn tell_block(&mut self, node: &Node, wanted: bool) {
        let name = &node.name.text;
        let (kind, needs, expected) = match wanted {
            true => ("no-block", "needs a", "`{ … }` after this"),
            false => ("block", "takes no", "the end of the line"),
        };
        self.mistakes.add(kind, node.head, format!("`{name}` {needs} block")).expected(expected);
    }

    fn when(&mut self, unit: &mut Unit<'a>, node: &'a Node, others: &[&'a Node]) {
        if node.block.is_none() && !node.broken {
            self.tell_block(node, true);
        }
        let branch = self.condition(unit, node).map(|expr| unit.emit(Instr::Branch { expr, otherwise: 0 }));
        let line = unit.line();
        self.block(unit, node.children());
        unit.back_to(line);
        let [other, rest @ ..] = others else {
            return unit.land(branch.into_iter().collect());
        };

        let skip = unit.emit(Instr::Jump(0));
        unit.land(branch.into_iter().collect());
        if is_conditional_else(other) {
            unit.at_statement(self.source_line(other.head));
            self.when(unit, other, rest);
        } else {
            self.block(unit, other.children());
        }
        unit.land(vec![skip]);
    }

    /// What an operation puts into a local with a type is converted right behind it, which nobody sees.
    fn convert_result(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let result = node.option("into").filter(|_| node.block.is_none());
        // A function may have several.
        for name in result.into_iter().flat_map(|value| local_names(self.text, value)) {
            if let Some(local) = unit.local(name) {
                self.convert(unit, local);
            }
        }
    }

    fn stray_else(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        if !node.broken {
            self.mistakes
                .add("else", node.name.span, "this `else` follows no `when`")
                .expected("`when … { … }` right before this");
        }
        self.block(unit, node.children());
    }

    /// `"E"`, or `X is=V`, `X is-not=V`.
    fn condition(&mut self, unit: &mut Unit<'a>, node: &'a Node) -> Option<u16> {
        if node.broken {
            return None;
        }
        let (is, is_not) = (node.option("is"), node.option("is-not"));
        let chained = usize::from(is_conditional_else(node));
        match (&node.entries[chained..], is.or(is_not)) {
            ([entry], None) if entry.key.is_none() && matches!(entry.value.kind, ValueKind::Text { .. }) => {
                self.script_expr(unit, &entry.value)
            }
            ([subject, _], Some(value)) if subject.key.is_none() => {
                let left = self.side(unit, &subject.value);
                let right = self.side(unit, value);
                let operator = if is.is_some() { Operator::Eq } else { Operator::Ne };
                let nodes = [left?, right?, vec![ExprNode::Apply(operator)]].concat();
                self.compiled(nodes, node.head, |local| unit.type_of(local))
            }
            _ => {
                let name = if chained == 1 { "else when" } else { &node.name.text };
                let block = if node.block.is_some() { " { … }" } else { "" };
                let said = node.entries.get(chained).map(|entry| entry.span().of(self.text));
                let help = said
                    .filter(|_| node.entries.len() == chained + 1)
                    .map(|said| format!("write `{name} \"{said}\"{block}`"));
                self.mistakes
                    .add("condition", node.head, format!("`{name}` takes one condition"))
                    .expected(format!("`{name} \"EXPRESSION\"`, or `{name} LOCAL is=VALUE`"))
                    .help_if(help);
                None
            }
        }
    }
}

/// Whether it is an `else when "E" { … }`.
pub(crate) fn is_conditional_else(node: &Node) -> bool {
    let when =
        |entry: &Entry| entry.key.is_none() && matches!(&entry.value.kind, ValueKind::Word(word) if word == "when");
    node.name.text == "else" && node.entries.first().is_some_and(when)
}

/// What belongs to a `when` of the statements behind it: each `else when`, and an `else` at their end.
pub(crate) fn alternatives<'n, 'a>(after: &'n [&'a Node]) -> &'n [&'a Node] {
    let chained = after.iter().take_while(|node| is_conditional_else(node)).count();
    let last = after.get(chained).is_some_and(|node| node.name.text == "else");
    &after[..chained + usize::from(last)]
}
