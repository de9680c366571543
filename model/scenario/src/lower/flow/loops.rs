//! Loops: `while`, `do`, `loop`, `repeat`, `list-each` and its like, and how a turn is left.

use crate::{
    lower::{
        Lower,
        script::{Loop, Unit},
    },
    ops::{Given, Takes},
    syntax::{Node, Value as Written, ValueKind},
};
use fenceweave_kernel::{
    ExprNode, Instr, Kind, LocalId, Op, Operand, Value,
    expr::Operator,
    primitives::{
        list::{How, ops::List},
        tree::{How as InOrder, ops::Tree},
    },
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

    /// `list-each l into=x { … }`: x is the first, then the one after x, until there is none. `rb-each` and
    /// `range-each` go through trees.
    ///
    /// The safe form holds the next one in a hidden local while the block runs.
    pub(super) fn walk(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let Some(walk) = self.walk_of(unit, node) else {
            drop(self.turn(unit, node, Loop::default()));
            return;
        };
        let (into, safe) = (walk.into, node.name.text.ends_with("-safe"));
        let cursor = if safe { unit.hidden() } else { into };
        let look = |entry| Instr::Op { op: walk.look(entry), into: Some(cursor), may_fail: None };
        unit.emit(look(None));
        let head = unit.here();
        let null = ExprNode::Const(Value::Null);
        let expr = self.add_expr(vec![ExprNode::Read(cursor), null, ExprNode::Apply(Operator::Ne)]);
        let exit = unit.emit(Instr::Branch { expr, otherwise: 0 });
        if safe {
            let expr = self.add_expr(vec![ExprNode::Read(cursor)]);
            unit.emit(Instr::Let { into, expr });
            unit.emit(look(Some(into)));
        }
        let turn = self.turn(unit, node, Loop::default());
        unit.land(turn.continues);
        if !safe {
            unit.emit(look(Some(into)));
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

    /// What is walked, how, and the local that does.
    fn walk_of(&mut self, unit: &mut Unit<'a>, node: &'a Node) -> Option<Walk> {
        let name = node.name.text.as_str();
        let (through, what, more) = match name.trim_end_matches("-safe") {
            "list-each" => (Through::List, "LIST", "[reverse]"),
            "rb-each" => (Through::Ordered, "ORDERED", "[reverse]"),
            _ => (Through::Ranges, "RANGES", "[from=A] [to=B]"),
        };
        let kinds = through.kinds();
        let into = node.option("into").and_then(|value| unit.local(value.span.of(self.text)));
        let is_flag = |value: &crate::syntax::Value| value.span.of(self.text) == "reverse";
        let reverse = through != Through::Ranges && node.values().skip(1).any(is_flag);
        let bounds: Vec<&str> = ["from", "to"].into_iter().filter(|_| through == Through::Ranges).collect();
        let bounded = bounds.iter().filter(|key| node.option(key).is_some()).count();
        let as_many = node.entries.len() == 2 + usize::from(reverse) + bounded;
        let of = node.values().next().filter(|_| node.entries.first().is_some_and(|entry| entry.key.is_none()));
        if let (Some(of), Some(into), true) = (of, into, as_many) {
            let of = match self.given(Some(unit), Takes::Object(kinds), of) {
                Some(Given::Operand(of)) => of,
                _ => return None,
            };
            let mut bound = |key| match (bounded > 0).then(|| node.option(key)).flatten() {
                Some(value) => match self.given(Some(unit), Takes::Value, value) {
                    Some(Given::Operand(operand)) => Some(operand),
                    _ => None,
                },
                None => None,
            };
            return Some(Walk { through, of, into, reverse, from: bound("from"), to: bound("to") });
        }
        if !node.broken {
            self.mistakes
                .add("statement", node.head, format!("`{name}` takes {} and a local", kinds[0].one()))
                .expected(format!("`{name} {what} into=LOCAL {more} {{ … }}`"));
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

/// Whether a word goes through a container.
pub(super) fn is_walk(name: &str) -> bool {
    matches!(name.trim_end_matches("-safe"), "list-each" | "rb-each" | "range-each")
}

/// What can be walked through.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Through {
    List,
    Ordered,
    Ranges,
}

impl Through {
    fn kinds(self) -> &'static [Kind] {
        match self {
            Through::List => &[Kind::List],
            Through::Ordered => &[Kind::Ordered],
            Through::Ranges => &[Kind::Ranges],
        }
    }
}

/// A walk through a container.
struct Walk {
    through: Through,
    of: Operand,
    /// The local that walks.
    into: LocalId,
    reverse: bool,
    /// Of ranges what is walked through.
    from: Option<Operand>,
    to: Option<Operand>,
}

impl Walk {
    /// The look at the first, or at the one after another.
    fn look(&self, entry: Option<LocalId>) -> Op {
        let on = entry.is_some();
        let entry = entry.map(Operand::Local);
        let (from, to) = (self.from, self.to);
        let ordered = |how| Tree { how, tree: self.of, entry, from, to }.into();
        let list = |how| List { how, list: self.of, entry, at: None, from: None }.into();
        match (self.through, on, self.reverse) {
            (Through::List, false, false) => list(How::First),
            (Through::List, false, true) => list(How::Last),
            (Through::List, true, false) => list(How::Next),
            (Through::List, true, true) => list(How::Prev),
            (Through::Ordered, false, false) => ordered(InOrder::First),
            (Through::Ordered, false, true) => ordered(InOrder::Last),
            (Through::Ordered, true, false) => ordered(InOrder::Next),
            (Through::Ordered, true, true) => ordered(InOrder::Prev),
            (Through::Ranges, false, _) => ordered(InOrder::FirstIn),
            (Through::Ranges, true, _) => ordered(InOrder::NextIn),
        }
    }
}

fn statements(node: &Node) -> usize {
    node.children().iter().map(|child| 1 + statements(child)).sum::<usize>().max(1)
}
