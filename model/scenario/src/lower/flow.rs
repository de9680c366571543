//! Control flow: conditions, loops, jumps, and what a local is set to.

use fenceweave_kernel::expr::Operator;
use fenceweave_kernel::primitives::list::{How, ops::List};
use fenceweave_kernel::{ExprNode, Instr, LocalId, Operand, Value};

use super::Lower;
use super::exprs::node_of;
use super::script::{Label, Loop, Scope, Unit};
use crate::ops::{Given, Takes};
use crate::syntax::{Node, Value as Written, ValueKind};
use fenceweave_kernel::Kind;

/// The statements that are no operations: how they are written, and what they do.
pub(crate) const STATEMENTS: &[(&str, &str, &str)] = &[
    (
        "when",
        "when \"E\" { … }` or `when X is=V { … }` or `when X is-not=V { … }",
        "runs the block if the condition is true",
    ),
    ("else", "else { … }", "after the block of a `when`: runs if its condition was false"),
    ("while", "while \"E\" { … }", "runs the block as long as the condition is true"),
    ("repeat", "repeat N { … }", "runs the block N times"),
    (
        "list-each",
        "list-each LIST into=X { … }",
        "runs the block for each object of a list; the next one is looked up from X after the block, so X must still be on \
         the list then (`list_for_each_entry()`). X is NULL at the end",
    ),
    (
        "list-each-safe",
        "list-each-safe LIST into=X { … }",
        "the same, but the next one is looked up before the block: X may be removed and freed, the next one may not \
         (`list_for_each_entry_safe()`)",
    ),
    ("loop", "loop { … }", "runs the block for ever, or until `break`"),
    ("break", "break", "leaves the innermost loop"),
    ("continue", "continue", "goes to the next turn of the innermost loop"),
    ("return", "return [\"E\"]", "ends the thread, with a result in its local `return`, or the proc"),
    ("goto", "goto L", "goes forward to a label of this or an enclosing block"),
    ("label", "label L", "where `goto L` goes"),
    ("let", "let X=\"E\"", "sets a local"),
    (
        "local",
        "local TYPE X…",
        "says the type of locals: u8, u16, u32, u64, s32, s64, size_t or bool; a local without is an s64, or holds a reference. \
         What is put into it is converted as by an assignment in C, an argument too",
    ),
    (
        "assert",
        "assert \"E\" [\"message\"]",
        "ends the execution with the violation `assert` if the condition is false",
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
        "unreached",
        "unreached \"why\"",
        "says that no execution comes here, and that this is meant: nobody is warned of what stands behind it in its block",
    ),
];

/// Loops with at most this many turns, and not much in them, are unrolled.
const UNROLL_TURNS_MAX: i32 = 16;
const UNROLL_STATEMENTS_MAX: usize = 64;

/// Each turn is states of its own: more could never be explored to the end.
const TURNS_MAX: i64 = 100_000;

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
        while let [node, after @ ..] = rest {
            if self.is_exhausted() {
                break;
            }
            *self.budget -= 1;
            rest = after;
            unit.at_statement(self.source_line(node.head));
            let other = after.first().filter(|next| next.name.text == "else").copied();
            if node.name.text == "when" {
                self.when(unit, node, other);
                if other.is_some() {
                    rest = &rest[1..];
                }
            } else {
                self.statement(unit, node);
                self.convert_result(unit, node);
            }
        }
        unit.scopes.pop();
    }

    fn labels_of(&mut self, unit: &mut Unit<'a>, nodes: &[&'a Node]) -> Scope<'a> {
        let mut scope = Scope::default();
        for node in nodes.iter().filter(|node| node.name.text == "label" && !node.broken) {
            let [entry] = node.entries.as_slice() else {
                continue;
            };
            let name: &'a str = entry.span().of(self.text);
            match unit.labels.get(name) {
                Some(other) if *other != entry.span() => {
                    self.mistakes
                        .add("declared-twice", entry.span(), format!("there is a label `{name}` already"))
                        .expected("another name")
                        .seen(*other, "the other one");
                }
                _ => {
                    unit.labels.insert(name, entry.span());
                    scope.labels.insert(name, Label::default());
                }
            }
        }
        scope
    }

    fn statement(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        const WITH_BLOCK: [&str; 9] = [
            "while",
            "repeat",
            "loop",
            "else",
            "list-each",
            "list-each-safe",
            "iter-each",
            "unwrap-each",
            "exec-until-all-locked",
        ];
        let takes_block = WITH_BLOCK.contains(&node.name.text.as_str());
        if is_statement(&node.name.text) && takes_block != node.block.is_some() && !node.broken {
            self.tell_block(node, takes_block);
        }
        match node.name.text.as_str() {
            "else" => self.stray_else(unit, node),
            "while" => self.while_loop(unit, node),
            "repeat" => self.repeat(unit, node),
            "loop" => self.endless(unit, node),
            "list-each" | "list-each-safe" => self.list_each(unit, node),
            "break" | "continue" => self.leave_turn(unit, node),
            "return" => self.return_from(unit, node),
            "goto" => self.goto(unit, node),
            "label" => self.label(unit, node),
            "let" => self.let_local(unit, node),
            // `collect_locals` has seen to it.
            "local" => {}
            "assert" => self.assert(unit, node),
            "choose" => self.choose(unit, node),
            "iter-each" | "unwrap-each" | "exec-until-all-locked" | "exec-retry-on-contention" => {
                self.block_operation(unit, node)
            }
            "progress" => self.progress(unit, node),
            "unreached" => self.unreached(unit, node),
            _ => self.operation(unit, node),
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

    fn when(&mut self, unit: &mut Unit<'a>, node: &'a Node, other: Option<&'a Node>) {
        if node.block.is_none() && !node.broken {
            self.tell_block(node, true);
        }
        let branch = self.condition(unit, node).map(|expr| unit.emit(Instr::Branch { expr, otherwise: 0 }));
        let line = unit.line();
        self.block(unit, node.children());
        unit.back_to(line);
        let Some(other) = other else {
            return unit.land(branch.into_iter().collect());
        };

        let skip = unit.emit(Instr::Jump(0));
        unit.land(branch.into_iter().collect());
        self.block(unit, other.children());
        unit.land(vec![skip]);
    }

    /// What an operation puts into a local with a type is converted right behind it, which nobody sees.
    fn convert_result(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let result = node.option("into").filter(|_| node.block.is_none());
        if let Some(local) = result.and_then(|value| unit.local(value.span.of(self.text))) {
            self.convert(unit, local);
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
        match (node.entries.as_slice(), is.or(is_not)) {
            ([entry], None) if entry.key.is_none() && matches!(entry.value.kind, ValueKind::Text { .. }) => {
                self.script_expr(unit, &entry.value)
            }
            ([subject, _], Some(value)) if subject.key.is_none() => {
                let left = self.operand(Some(unit), &subject.value);
                let right = self.operand(Some(unit), value);
                let operator = if is.is_some() { Operator::Eq } else { Operator::Ne };
                Some(self.add_expr(vec![node_of(left?), node_of(right?), ExprNode::Apply(operator)]))
            }
            _ => {
                let name = &node.name.text;
                let said = node.entries.first().map(|entry| entry.span().of(self.text));
                let help =
                    said.filter(|_| node.entries.len() == 1).map(|said| format!("write `{name} \"{said}\" {{ … }}`"));
                self.mistakes
                    .add("condition", node.head, format!("`{name}` takes one condition"))
                    .expected(format!("`{name} \"EXPRESSION\"`, or `{name} LOCAL is=VALUE`"))
                    .help_if(help);
                None
            }
        }
    }

    fn while_loop(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let head = unit.here();
        let exit = self.condition(unit, node).map(|expr| unit.emit(Instr::Branch { expr, otherwise: 0 }));
        let turn = self.turn(unit, node, Loop::default());
        unit.aim(turn.continues, head);
        unit.emit(Instr::Jump(u16::try_from(head).unwrap_or(u16::MAX)));
        unit.land(turn.breaks.into_iter().chain(exit).collect());
    }

    fn endless(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        if !node.entries.is_empty() && !node.broken {
            self.mistakes
                .add("loop", node.head, "`loop` takes a block and nothing else")
                .expected("`loop { … }`")
                .help("`while \"E\" { … }` ends by a condition, `repeat N { … }` after N turns");
        }
        let head = unit.here();
        let turn = self.turn(unit, node, Loop::default());
        unit.aim(turn.continues, head);
        unit.emit(Instr::Jump(u16::try_from(head).unwrap_or(u16::MAX)));
        unit.land(turn.breaks);
    }

    /// The body of a loop once.
    pub(super) fn turn(&mut self, unit: &mut Unit<'a>, node: &'a Node, begun: Loop) -> Loop {
        let line = unit.line();
        unit.loops.push(begun);
        self.block(unit, node.children());
        unit.back_to(line);
        unit.loops.pop().unwrap_or_default()
    }

    fn repeat(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let [entry] = node.entries.as_slice() else {
            if !node.broken {
                self.mistakes
                    .add("repeat", node.head, "`repeat` takes a number of turns")
                    .expected("`repeat N { … }`, or `repeat \"EXPRESSION\" { … }`");
            }
            drop(self.turn(unit, node, Loop::default()));
            return;
        };
        match entry.value.kind {
            ValueKind::Int(turns) if turns < 0 => {
                self.mistakes.add("repeat", entry.span(), "a negative number of turns").expected("a number from 0 on");
            }
            ValueKind::Int(turns) if turns > TURNS_MAX => {
                self.mistakes
                    .add("repeat", entry.span(), "so many turns are never explored to the end")
                    .expected(format!("a number up to {TURNS_MAX}"))
                    .help("two or three find nearly every mistake; `loop { … }` runs for ever");
            }
            ValueKind::Int(turns) if self.is_short(node, turns) => self.unroll(unit, node, turns),
            _ => self.counted(unit, node, &entry.value),
        }
    }

    fn is_short(&self, node: &Node, turns: i64) -> bool {
        let few = usize::try_from(turns).is_ok_and(|turns| turns * statements(node) <= UNROLL_STATEMENTS_MAX);
        turns <= i64::from(UNROLL_TURNS_MAX) && few
    }

    fn unroll(&mut self, unit: &mut Unit<'a>, node: &'a Node, turns: i64) {
        let mut breaks = Vec::new();
        for _ in 0..turns {
            let turn = self.turn(unit, node, Loop::default());
            unit.land(turn.continues);
            breaks.extend(turn.breaks);
        }
        unit.land(breaks);
    }

    /// Counts a hidden local down.
    fn counted(&mut self, unit: &mut Unit<'a>, node: &'a Node, turns: &Written) {
        let Some(expr) = self.script_expr(unit, turns) else {
            drop(self.turn(unit, node, Loop::default()));
            return;
        };
        let left = unit.hidden();
        unit.emit(Instr::Let { into: left, expr });
        let head = unit.here();
        let constant = |word| ExprNode::Const(Value::Word(word));
        let expr = self.add_expr(vec![ExprNode::Read(left), constant(0), ExprNode::Apply(Operator::Gt)]);
        let exit = unit.emit(Instr::Branch { expr, otherwise: 0 });
        let turn = self.turn(unit, node, Loop::default());
        unit.land(turn.continues);
        let expr = self.add_expr(vec![ExprNode::Read(left), constant(1), ExprNode::Apply(Operator::Sub)]);
        unit.emit(Instr::Let { into: left, expr });
        unit.emit(Instr::Jump(u16::try_from(head).unwrap_or(u16::MAX)));
        unit.land(turn.breaks.into_iter().chain([exit]).collect());
        let unset = self.unset_expr();
        unit.give_back(vec![left], unset);
    }

    /// `list-each l into=x { … }`: x is the first, then the one after x, until there is none.
    ///
    /// The safe form holds the next one in a hidden local while the block runs.
    fn list_each(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let Some((list, into)) = self.list_and_local(unit, node) else {
            drop(self.turn(unit, node, Loop::default()));
            return;
        };
        let safe = node.name.text == "list-each-safe";
        let cursor = if safe { unit.hidden() } else { into };
        let look = |how, entry: Option<LocalId>| {
            let op = List { how, list, entry: entry.map(Operand::Local), from: None }.into();
            Instr::Op { op, into: Some(cursor), may_fail: None }
        };
        unit.emit(look(How::First, None));
        let head = unit.here();
        let null = ExprNode::Const(Value::Null);
        let expr = self.add_expr(vec![ExprNode::Read(cursor), null, ExprNode::Apply(Operator::Ne)]);
        let exit = unit.emit(Instr::Branch { expr, otherwise: 0 });
        if safe {
            let expr = self.add_expr(vec![ExprNode::Read(cursor)]);
            unit.emit(Instr::Let { into, expr });
            unit.emit(look(How::Next, Some(into)));
        }
        let turn = self.turn(unit, node, Loop::default());
        unit.land(turn.continues);
        if !safe {
            unit.emit(look(How::Next, Some(into)));
        }
        unit.emit(Instr::Jump(u16::try_from(head).unwrap_or(u16::MAX)));
        unit.land(vec![exit]);
        if safe {
            let expr = self.add_expr(vec![null]);
            unit.emit(Instr::Let { into, expr });
            unit.land(turn.breaks);
            let unset = self.unset_expr();
            unit.give_back(vec![cursor], unset);
        } else {
            unit.land(turn.breaks);
        }
    }

    /// The list of a `list-each`, and the local that walks it.
    fn list_and_local(&mut self, unit: &mut Unit<'a>, node: &'a Node) -> Option<(Operand, LocalId)> {
        let into = node.option("into").and_then(|value| unit.local(value.span.of(self.text)));
        let mut operands = node.entries.iter().filter(|entry| entry.key.is_none());
        if let (Some(entry), None, Some(into), 2) = (operands.next(), operands.next(), into, node.entries.len()) {
            let list = self.given(Some(unit), Takes::Object(&[Kind::List]), &entry.value);
            return match list {
                Some(Given::Operand(list)) => Some((list, into)),
                _ => None,
            };
        }
        if !node.broken {
            let name = &node.name.text;
            self.mistakes
                .add("statement", node.head, format!("`{name}` takes a list and a local"))
                .expected(format!("`{name} LIST into=LOCAL {{ … }}`"));
        }
        None
    }

    fn leave_turn(&mut self, unit: &mut Unit<'a>, node: &Node) {
        let name = &node.name.text;
        if !node.entries.is_empty() && !node.broken {
            self.mistakes.add("statement", node.head, format!("`{name}` stands alone")).expected("the end of the line");
        }
        if unit.loops.is_empty() {
            self.mistakes
                .add("no-loop", node.head, format!("`{name}` outside of a loop"))
                .expected("`while`, `repeat` or `loop` around this");
            return;
        }
        let jump = unit.emit(Instr::Jump(0));
        if let Some(turn) = unit.loops.last_mut() {
            if name == "break" { turn.breaks.push(jump) } else { turn.continues.push(jump) }
        }
    }

    fn return_from(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        if node.entries.len() > 1 || node.entries.iter().any(|entry| entry.key.is_some()) {
            self.mistakes
                .add("statement", node.head, "`return` takes one value")
                .expected("`return`, `return LOCAL` or `return \"EXPRESSION\"`");
        }
        let into = match unit.frames.as_slice() {
            [_] => unit.local("return"),
            frames => frames.last().and_then(|frame| frame.into),
        };
        if let Some(entry) = node.entries.first()
            && let Some(expr) = self.script_expr(unit, &entry.value)
            && let Some(into) = into
        {
            unit.emit(Instr::Let { into, expr });
        }
        let exit = unit.emit(Instr::Jump(0));
        unit.frames.last_mut().into_iter().for_each(|frame| frame.exits.push(exit));
    }

    fn one_name(&mut self, node: &'a Node) -> Option<&'a str> {
        match node.entries.as_slice() {
            [entry] if entry.key.is_none() && super::names::is_name(entry.span().of(self.text)) => {
                Some(entry.span().of(self.text))
            }
            _ => {
                let name = &node.name.text;
                if !node.broken {
                    self.mistakes
                        .add("statement", node.head, format!("`{name}` takes the name of a label"))
                        .expected(format!("`{name} NAME`"));
                }
                None
            }
        }
    }

    fn goto(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let Some(name) = self.one_name(node) else {
            return;
        };
        let found = unit.scopes.iter().rposition(|scope| scope.labels.contains_key(name));
        let Some(scope) = found else {
            let elsewhere = unit.labels.get(name).copied();
            let known: Vec<&str> = unit.scopes.iter().flat_map(|scope| scope.labels.keys().copied()).collect();
            self.mistakes
                .add(
                    "unknown-label",
                    node.entries[0].span(),
                    format!("there is no label `{name}` in this block or one around it"),
                )
                .expected("a label further down")
                .help_if(crate::report::did_you_mean(name, known))
                .seen_if(elsewhere, "this one is in a block that `goto` does not reach into");
            return;
        };
        let jump = unit.emit(Instr::Jump(0));
        let Some(label) = unit.scopes[scope].labels.get_mut(name) else {
            return;
        };
        if !label.placed {
            return label.jumps.push(jump);
        }
        let span = unit.labels.get(name).copied().unwrap_or_default();
        self.mistakes
            .add("backward-goto", node.head, "`goto` goes forward only")
            .expected("a label further down")
            .seen(span, "the label is here")
            .help("write a loop: `loop { …; when \"done\" { break } }`");
    }

    fn label(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let Some(name) = self.one_name(node) else {
            return;
        };
        let jumps = unit.scopes.last_mut().and_then(|scope| scope.labels.get_mut(name)).map(|label| {
            label.placed = true;
            std::mem::take(&mut label.jumps)
        });
        unit.land(jumps.unwrap_or_default());
    }

    /// `let x="E"`; several at once are set one after the other.
    fn let_local(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        if node.entries.iter().any(|entry| entry.key.is_none()) || (node.entries.is_empty() && !node.broken) {
            self.mistakes.add("statement", node.head, "`let` sets a local").expected("`let NAME=\"EXPRESSION\"`");
        }
        for entry in &node.entries {
            let Some(key) = &entry.key else { continue };
            let expr = self.script_expr(unit, &entry.value);
            if let (Some(expr), Some(into)) = (expr, unit.local(&key.text)) {
                let expr = self.assigned(unit, into, expr);
                unit.emit(Instr::Let { into, expr });
            }
        }
    }

    fn assert(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let texts = node.values().filter(|value| matches!(value.kind, ValueKind::Text { .. })).count();
        if node.broken {
            return;
        }
        if texts != node.entries.len() || !(1..=2).contains(&texts) {
            self.mistakes
                .add("statement", node.head, "`assert` takes a condition, and a message if you like")
                .expected("`assert \"EXPRESSION\" \"message\"`");
            return;
        }
        if let Some(expr) = self.script_expr(unit, &node.entries[0].value) {
            unit.emit(Instr::Assert { expr });
        }
    }

    fn choose(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        const WAYS: std::ops::RangeInclusive<usize> = 2..=7;
        let mut options = Vec::new();
        for value in node.values() {
            let said = value.span.of(self.text);
            if unit.local(said).is_some() {
                self.mistakes
                    .add("choose", value.span, format!("`{said}` is a local: what it holds is not known beforehand"))
                    .expected("a word, a number, an errno, NULL or the name of an object");
                return;
            }
            match self.constant(value) {
                Some(value) => options.push(Operand::Const(value)),
                None => return,
            }
        }
        let into = node.option("into").and_then(|value| unit.local(value.span.of(self.text)));
        let extra = node.entries.iter().any(|entry| entry.key.as_ref().is_some_and(|key| key.text != "into"));
        if !WAYS.contains(&options.len()) || node.option("into").is_none() || extra {
            if !node.broken {
                self.mistakes
                    .add("choose", node.head, "`choose` takes 2 to 7 constants and a local")
                    .expected("`choose A B into=NAME`");
            }
            return;
        }
        self.refuse_choice(unit, node);
        let of = self.pool(&options);
        unit.emit(Instr::Choose { of, into });
    }

    fn progress(&mut self, unit: &mut Unit<'a>, node: &Node) {
        if !node.entries.is_empty() && !node.broken {
            self.mistakes
                .add("statement", node.head, "`progress` stands alone")
                .expected("the end of the line")
                .help("it marks a place: put it right after the operation with which the thread gets on");
        }
        if unit.alone {
            let name = unit.name();
            self.mistakes
                .add("progress", node.head, format!("`{name}` runs once: there is nothing to mark"))
                .expected("`progress` in a thread");
        }
        unit.emit(Instr::Progress);
    }

    /// `unreached "why"`: does nothing, and shows whether it was come to.
    fn unreached(&mut self, unit: &mut Unit<'a>, node: &Node) {
        self.check_reason(node);
        let next = u16::try_from(unit.here() + 1).unwrap_or(u16::MAX);
        unit.emit(Instr::Jump(next));
    }

    /// A quoted reason, and nothing else.
    pub(super) fn check_reason(&mut self, node: &Node) {
        let reason = matches!(node.entries.as_slice(), [entry] if entry.key.is_none() && matches!(entry.value.kind, ValueKind::Text { .. }));
        if !reason && !node.broken {
            let name = &node.name.text;
            self.mistakes
                .add("statement", node.head, format!("`{name}` says why, in one quoted text"))
                .expected(format!("`{name} \"why\"`"));
        }
    }

    /// Setup and teardown run once, in one way.
    pub(super) fn refuse_choice(&mut self, unit: &Unit<'a>, node: &Node) {
        if unit.alone {
            let name = unit.name().to_owned();
            self.mistakes
                .add("choice-alone", node.head, format!("there are no choices in `{name}`"))
                .expected("what happens in one way only")
                .help("choose in a thread, before anything else");
        }
    }
}

fn statements(node: &Node) -> usize {
    node.children().iter().map(|child| 1 + statements(child)).sum::<usize>().max(1)
}
