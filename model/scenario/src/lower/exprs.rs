//! Expressions, compiled to the model's postfix form.

use fenceweave_kernel::expr::{EvalError, Operator};
use fenceweave_kernel::primitives::slab::ops::AddressOf;
use fenceweave_kernel::{Expr as Compiled, ExprNode, Instr, LocalId, Operand, Type, Value};

use super::Lower;
use super::names::{self, parts};
use super::operands::reference;
use super::script::Unit;
use super::types::{self, Settled};
use crate::expr::{self, Binary, Expr, ExprKind, Unary};
use crate::mistakes::Span;
use crate::syntax::{Value as Written, ValueKind};

/// What stands at a leaf.
pub(super) enum Leaf<'e> {
    Name(&'e str),
    Number(i64),
}

/// Compiles an expression, `leaf` saying what its names and numbers are; `None` if that told a mistake.
pub(super) fn postfix<L: Copy>(
    expr: &Expr,
    out: &mut Vec<ExprNode<L>>,
    leaf: &mut dyn FnMut(Leaf<'_>, Span) -> Option<ExprNode<L>>,
) -> Option<()> {
    match &expr.kind {
        ExprKind::Number(number) => out.push(leaf(Leaf::Number(*number), expr.span)?),
        ExprKind::Name(name) => out.push(leaf(Leaf::Name(name), expr.span)?),
        // Expanded before, where it has a meaning; refused where it has none.
        ExprKind::Of(_, name) => out.push(leaf(Leaf::Name(name), expr.span)?),
        ExprKind::Unary(operator, inner) => {
            postfix(inner, out, leaf)?;
            match (operator, out.last_mut()) {
                // `-EDEADLK` and `-1` are constants, not calculations.
                (Unary::Negate, Some(ExprNode::Const(value))) if negated(*value).is_some() => {
                    *value = negated(*value).unwrap_or_default();
                }
                (operator, _) => out.push(ExprNode::Apply(prefix(*operator))),
            }
        }
        ExprKind::Cast(ty, inner) => {
            postfix(inner, out, leaf)?;
            out.push(ExprNode::Cast(*ty));
        }
        ExprKind::Select(parts) => {
            each(parts.as_slice(), out, leaf)?;
            out.push(ExprNode::Select);
        }
        ExprKind::Overflows(operator, parts, ty) => {
            each(parts.as_slice(), out, leaf)?;
            out.push(ExprNode::Overflows(operation(*operator), [*ty; 3]));
        }
        ExprKind::Binary(operator, left, right) => {
            let left = postfix(left, out, leaf);
            postfix(right, out, leaf)?;
            left?;
            out.push(ExprNode::Apply(operation(*operator)));
        }
    }
    Some(())
}

/// Several values, one after the other; the mistakes of all are told.
fn each<L: Copy>(
    parts: &[Expr],
    out: &mut Vec<ExprNode<L>>,
    leaf: &mut dyn FnMut(Leaf<'_>, Span) -> Option<ExprNode<L>>,
) -> Option<()> {
    let told: Vec<Option<()>> = parts.iter().map(|part| postfix(part, out, leaf)).collect();
    told.into_iter().collect()
}

/// A number with the other sign.
fn negated(value: Value) -> Option<Value> {
    match value {
        Value::Word(_) | Value::Wide(_) => value.integer().and_then(i64::checked_neg).and_then(Value::of),
        _ => None,
    }
}

pub(super) fn prefix(operator: Unary) -> Operator {
    match operator {
        Unary::Negate => Operator::Neg,
        Unary::Not => Operator::Not,
        Unary::Complement => Operator::BitNot,
        Unary::IsErr => Operator::IsErr,
        Unary::Ffs => Operator::Ffs,
        Unary::Fls => Operator::Fls,
        Unary::Fls64 => Operator::Fls64,
        Unary::Ilog2 => Operator::Ilog2,
    }
}

pub(super) fn operation(operator: Binary) -> Operator {
    match operator {
        Binary::Or => Operator::Or,
        Binary::And => Operator::And,
        Binary::BitOr => Operator::BitOr,
        Binary::BitXor => Operator::BitXor,
        Binary::BitAnd => Operator::BitAnd,
        Binary::Equal => Operator::Eq,
        Binary::NotEqual => Operator::Ne,
        Binary::Less => Operator::Lt,
        Binary::LessEqual => Operator::Le,
        Binary::Greater => Operator::Gt,
        Binary::GreaterEqual => Operator::Ge,
        Binary::ShiftLeft => Operator::Shl,
        Binary::ShiftRight => Operator::Shr,
        Binary::Add => Operator::Add,
        Binary::Subtract => Operator::Sub,
        Binary::Multiply => Operator::Mul,
        Binary::Divide => Operator::Div,
        Binary::Remainder => Operator::Rem,
        Binary::Min => Operator::Min,
        Binary::Max => Operator::Max,
        Binary::Align => Operator::Align,
    }
}

/// What an expression of constants does that C does not say the result of.
fn told<L: Copy>(expr: &Compiled<L>) -> Option<String> {
    let error = expr.eval(|_| Value::Unset).err()?;
    let trouble = expr.trouble(|_| Value::Unset);
    match (error, trouble) {
        (EvalError::Overflow, Some(of)) => Some(format!("the result does not fit in `{}`", of.ty)),
        (EvalError::ShiftCount, Some(of)) => {
            Some(format!("a shift by {} of an `{}`, which has {} bits", of.right, of.ty, of.ty.bits()))
        }
        (EvalError::NoRoom, _) => Some("the model has no room for a number like this one".to_owned()),
        _ => None,
    }
}

/// `into = &b->lock`: no step of its own.
pub(super) fn address(unit: &mut Unit<'_>, of: Operand, into: LocalId) {
    let op = AddressOf { of, container: None, or_null: false }.into();
    unit.emit(Instr::Op { op, into: Some(into), may_fail: None });
}

/// An operand as a leaf.
pub(super) fn node_of(operand: Operand) -> ExprNode {
    match operand {
        Operand::Local(local) => ExprNode::Read(local),
        Operand::Const(value) => ExprNode::Const(value),
        Operand::Object(id) => ExprNode::Const(reference(id)),
        // Its address is computed before: see `address`.
        Operand::Member { .. } => ExprNode::Const(Value::Unset),
    }
}

impl<'a> Lower<'a> {
    /// An expression over the locals of a script, or a single operand: what
    /// `let`, `when`, `while`, `repeat`, `assert` and `return` take.
    pub(super) fn script_expr(&mut self, unit: &mut Unit<'a>, value: &Written) -> Option<u16> {
        let expr = match &value.kind {
            ValueKind::Text { inner, .. } => expr::parse(self.text, *inner, self.mistakes)?,
            ValueKind::Word(word) if self.is_read(unit, word) && !self.is_member(unit, word) => {
                Expr { kind: ExprKind::Name(parts(word).join(".")), span: value.span }
            }
            _ => {
                let mut operand = self.operand(Some(unit), value)?;
                if matches!(operand, Operand::Member { .. }) {
                    let into = unit.hidden();
                    address(unit, operand, into);
                    unit.calculated.push(into);
                    operand = Operand::Local(into);
                }
                return Some(self.add_expr(vec![node_of(operand)]));
            }
        };
        let nodes = self.nodes_read(unit, &expr)?;
        self.compiled(nodes, value.span, |local| unit.type_of(local))
    }

    /// The expression of a `spin-until`, in which the word read at the place goes by the place's name or by `value`.
    pub(super) fn condition_on_word(&mut self, unit: &mut Unit<'a>, value: &Written, place: &Written) -> Option<u16> {
        let said = place.span.of(self.text);
        let ValueKind::Text { inner, .. } = &value.kind else {
            self.mistakes
                .add("condition", value.span, "a condition is quoted")
                .expected("`\"EXPRESSION\"`")
                .help(format!("such as `spin-until {said} \"{said} != 0\"`"));
            return None;
        };
        let expr = expr::parse(self.text, *inner, self.mistakes)?;
        let word = ExprNode::Read(LocalId::WORD_READ);
        let mut nodes = Vec::new();
        postfix(&expr, &mut nodes, &mut |leaf, span| match leaf {
            Leaf::Name(name) if name == said || name == "value" && unit.local(name).is_none() => Some(word),
            leaf => self.script_leaf(unit, leaf, span),
        })?;
        if !nodes.contains(&word) {
            self.mistakes
                .add("spin-until", value.span, format!("this does not look at `{said}`: no write could end it"))
                .expected(format!("a condition over `{said}`, or `value`, which is the word that was read"));
            return None;
        }
        let of_word = self.place(unit, place, None).map_or(Type::S64, |place| self.program.type_at(place));
        self.compiled(
            nodes,
            value.span,
            |local| if local == LocalId::WORD_READ { of_word } else { unit.type_of(local) },
        )
    }

    /// The place of a compiled expression in the program, if it is not too deep.
    pub(super) fn compiled(
        &mut self,
        nodes: Vec<ExprNode>,
        span: Span,
        type_of: impl Fn(LocalId) -> Type,
    ) -> Option<u16> {
        let nodes = self.settled(nodes, span, type_of)?.nodes;
        if Compiled::from_postfix(nodes.clone()).is_none() {
            self.tell_too_deep(span);
            return None;
        }
        Some(self.add_expr(nodes))
    }

    /// The type of a compiled expression.
    pub(super) fn type_of_expr(&self, unit: &Unit<'a>, expr: u16) -> Type {
        let nodes = self.program.exprs.get(usize::from(expr)).map_or(&[][..], |expr| expr.nodes());
        types::settle(nodes, |local| unit.type_of(local)).map_or(Type::S64, |settled| settled.ty)
    }

    /// Gives each operator its type; tells what the types alone decide, and what constants do wrong.
    pub(super) fn settled<L: Copy>(
        &mut self,
        nodes: Vec<ExprNode<L>>,
        span: Span,
        type_of: impl Fn(L) -> Type,
    ) -> Option<Settled<L>> {
        let Some(settled) = types::settle(&nodes, type_of) else {
            self.tell_too_deep(span);
            return None;
        };
        if let Some((comes_out, why)) = &settled.decided {
            self.decided.push((span, *comes_out, why.clone()));
        }
        let constant = settled.nodes.iter().all(|node| !matches!(node, ExprNode::Read(_)));
        if let Some(expr) = Compiled::from_postfix(settled.nodes.clone()).filter(|_| constant)
            && let Some(what) = told(&expr)
        {
            self.mistakes
                .add("arithmetic", span, what)
                .expected("a result that C has")
                .help("a literal is an `int` of 32 bits: `1ULL` is a u64, `1LL` an s64");
            return None;
        }
        Some(settled)
    }

    /// An expression needs a stack, and the model's has an end.
    pub(super) fn tell_too_deep(&mut self, span: Span) {
        self.mistakes
            .add("expression", span, "this expression needs too much at once")
            .expected(format!("at most {} values before the first operator", fenceweave_kernel::expr::MAX_EXPR_DEPTH))
            .help("split it, or put the parenthesis on the left side of its operator");
    }

    /// Adds a well-formed expression to the program; the same one only once.
    pub(super) fn add_expr(&mut self, nodes: Vec<ExprNode>) -> u16 {
        let known = self.program.exprs.iter().position(|expr| expr.nodes() == nodes);
        let at = known.unwrap_or_else(|| {
            self.program.exprs.extend(Compiled::from_postfix(nodes));
            self.program.exprs.len() - 1
        });
        u16::try_from(at).unwrap_or(u16::MAX)
    }

    /// The expression without a value: `let` with it makes a local unset again.
    pub(super) fn unset_expr(&mut self) -> u16 {
        self.add_expr(vec![ExprNode::Const(Value::Unset)])
    }

    /// 1 if an expression is true, else 0.
    pub(super) fn truth_of(&mut self, expr: u16) -> u16 {
        let of = self.program.exprs.get(usize::from(expr)).map_or(&[][..], Compiled::nodes);
        let nodes = [of, &[ExprNode::Apply(Operator::Not); 2]].concat();
        self.add_expr(nodes)
    }

    /// What a local holds.
    pub(super) fn read_of(&mut self, local: LocalId) -> u16 {
        self.add_expr(vec![ExprNode::Read(local)])
    }

    /// What a name or a number is inside a script: locals, and what is known beforehand.
    pub(super) fn script_leaf(&mut self, unit: &mut Unit<'a>, leaf: Leaf<'_>, span: Span) -> Option<ExprNode> {
        let name = match leaf {
            Leaf::Number(number) => {
                return self.word(number, span).map(ExprNode::Const);
            }
            Leaf::Name(name) => name,
        };
        if ["any ", "all "].iter().any(|word| span.of(self.text).starts_with(word)) {
            self.mistakes
                .add("expression", span, "`any` and `all` have a meaning in expectations only")
                .expected("a local");
            return None;
        }
        if let Some(node) = self.constant_leaf(name) {
            return Some(node);
        }
        if let Some(local) = unit.read(name, span) {
            return Some(ExprNode::Read(local));
        }
        let shared = name.contains('.')
            || name.starts_with('*')
            || matches!(self.names.find(name), Some((super::names::Symbol::Var { .. }, _)));
        if shared {
            let help = self.how_to_see(name);
            self.mistakes
                .add(
                    "shared-in-script",
                    span,
                    format!("`{name}` is shared: an expression of a script sees locals only"),
                )
                .expected("a local, or in a `fn` what is shared as well")
                .help(help);
            return None;
        }
        let written = Written { kind: ValueKind::Word(name.to_owned()), span };
        if self.tell_minus(unit, name, span) {
            return None;
        }
        self.operand(Some(unit), &written).map(node_of)
    }

    /// How a script comes to know what is shared: a word is loaded, what an object has inside is not.
    pub(super) fn how_to_see(&self, name: &str) -> String {
        let of = name.split('.').next().unwrap_or(name);
        match self.names.find(of) {
            Some((names::Symbol::Object { .. }, _)) => format!(
                "what `{of}` has inside is the kernel's, and no operation loads it: say it in `expect`, or keep it in a \
                 variable of your own"
            ),
            _ => format!(
                "load it first, as a step of its own: `load {name} into=LOCAL`; in a `fn` an expression may name it, and each \
                 read is a step"
            ),
        }
    }

    /// What is constant in every expression: errnos, NULL, words.
    pub(super) fn constant_leaf<L: Copy>(&self, name: &str) -> Option<ExprNode<L>> {
        if let Some(value) = names::constant(name) {
            return Some(ExprNode::Const(value));
        }
        match self.names.find(name) {
            Some((names::Symbol::Number(number), _)) => return Value::of(number).map(ExprNode::Const),
            Some((names::Symbol::Table(value), _)) => return Some(ExprNode::Const(Value::Word(value))),
            _ => {}
        }
        let word = self.words.number(name).filter(|_| self.names.find(name).is_none())?;
        Some(ExprNode::Const(Value::Word(word)))
    }

    /// `r-1` is one name; whether that explains why it is unknown.
    fn tell_minus(&mut self, unit: &Unit<'a>, name: &str, span: Span) -> bool {
        let parts = name.rsplit_once('-').filter(|(left, _)| unit.local(left).is_some());
        let Some((left, right)) = parts.filter(|_| self.names.find(name).is_none()) else {
            return false;
        };
        self.mistakes
            .add("unknown-name", span, format!("`{name}` is one name, and nothing has it"))
            .expected("a local")
            .help(format!("a minus between two values needs blanks: `{left} - {right}`"));
        true
    }
}
