//! Loops: `while`, `do`, `loop`, `repeat`, `list-each`, and how a turn is left.

use crate::{
    lower::{
        Lower,
        script::{Loop, Unit},
    },
    ops::{Given, Takes},
    syntax::{Node, Value as Written, ValueKind},
};
use fenceweave_kernel::{
    ExprNode, Instr, Kind, LocalId, Operand, Value,
    expr::Operator,
    primitives::list::{How, ops::List},
};

/// Loops with at most this many turns, and not much in them, are unrolled.
const UNROLL_TURNS_MAX: i32 = 16;
const UNROLL_STATEMENTS_MAX: usize = 64;

/// Each turn is states of its own: more could never be explored to the end.
const TURNS_MAX: i64 = 100_000;

impl<'a> Lower<'a> {
    /// `while "E" { … }`
    pub(super) fn while_loop(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let head = unit.here();
        let exit = self.condition(unit, node).map(|expr| unit.emit(Instr::Branch { expr, otherwise: 0 }));
        let turn = self.turn(unit, node, Loop::default());
        unit.aim(turn.continues, head);
        unit.emit(Instr::Jump(u16::try_from(head).unwrap_or(u16::MAX)));
        unit.land(turn.breaks.into_iter().chain(exit).collect());
    }

    /// `do { … }` and the `while "E"` behind it.
    pub(super) fn do_while(&mut self, unit: &mut Unit<'a>, node: &'a Node, condition: Option<&'a Node>) {
        if node.block.is_none() && !node.broken {
            self.tell_block(node, true);
        }
        let bare = node.entries.is_empty();
        if (condition.is_none() || !bare) && !node.broken {
            let message = if bare { "this `do` has no condition" } else { "`do` takes a block and nothing else" };
            self.mistakes
                .add("do", node.head, message)
                .expected("`do { … } while \"EXPRESSION\"`")
                .help("`loop { … }` runs for ever");
        }
        let head = unit.here();
        let turn = self.turn(unit, node, Loop::default());
        unit.land(turn.continues);
        if let Some(condition) = condition {
            let line = unit.line();
            unit.at_statement(self.source_line(condition.head));
            unit.forget_temporaries();
            let exit = self.condition(unit, condition).map(|expr| unit.emit(Instr::Branch { expr, otherwise: 0 }));
            if exit.is_some() {
                unit.emit(Instr::Jump(u16::try_from(head).unwrap_or(u16::MAX)));
            }
            unit.land(exit.into_iter().collect());
            unit.back_to(line);
        }
        unit.land(turn.breaks);
    }

    /// `loop { … }`
    pub(super) fn endless(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
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
    pub(in crate::lower) fn turn(&mut self, unit: &mut Unit<'a>, node: &'a Node, begun: Loop) -> Loop {
        let line = unit.line();
        unit.loops.push(Loop { scopes: unit.scopes.len(), ..begun });
        self.block(unit, node.children());
        unit.back_to(line);
        unit.loops.pop().unwrap_or_default()
    }

    /// `repeat N { … }`: unrolled if that is short, else counted.
    pub(super) fn repeat(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
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
        // An unsigned number of turns is never below zero, however large it is.
        let goes_on = if self.type_of_expr(unit, expr).is_signed() { Operator::Gt } else { Operator::Ne };
        let left = unit.hidden();
        unit.emit(Instr::Let { into: left, expr });
        let head = unit.here();
        let constant = |word| ExprNode::Const(Value::Word(word));
        let expr = self.add_expr(vec![ExprNode::Read(left), constant(0), ExprNode::Apply(goes_on)]);
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
    pub(super) fn list_each(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
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

    /// `break` and `continue`, of the innermost loop.
    pub(super) fn leave_turn(&mut self, unit: &mut Unit<'a>, node: &Node) {
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
        let around = unit.loops.last().map_or(0, |turn| turn.scopes);
        if !self.leave_scopes(unit, node, around) {
            return;
        }
        let jump = unit.emit(Instr::Jump(0));
        if let Some(turn) = unit.loops.last_mut() {
            if name == "break" { turn.breaks.push(jump) } else { turn.continues.push(jump) }
        }
    }
}

fn statements(node: &Node) -> usize {
    node.children().iter().map(|child| 1 + statements(child)).sum::<usize>().max(1)
}
