//! Expressions: C's operators over words and references, in postfix form.

use crate::{LocalId, Property, Value};

/// An operator of an expression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "C's operators, by their usual names")]
pub enum Operator {
    Or,
    And,
    BitOr,
    BitXor,
    BitAnd,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Shl,
    Shr,
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Not,
    BitNot,
    Neg,
    IsErr,
}

impl Operator {
    /// Whether it takes one operand.
    pub fn is_unary(self) -> bool {
        matches!(self, Operator::Not | Operator::BitNot | Operator::Neg | Operator::IsErr)
    }
}

/// One element of an expression in postfix order. `L` is what a leaf names: locals in scripts, more in expectations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExprNode<L = LocalId> {
    /// A constant.
    Const(Value),
    /// Something to read.
    Read(L),
    /// An operator over what stands before it.
    Apply(Operator),
}

/// Deepest operand stack of an expression; deeper ones are refused when they are compiled.
pub const MAX_EXPR_DEPTH: usize = 16;

/// `MAX_ERRNO`: the largest number that `IS_ERR()` takes for an error.
const MAX_ERRNO: i32 = 4095;

/// A compiled expression in postfix order.
///
/// `&&` and `||` evaluate both sides (an expression has no effects), but a side that decides alone is enough: `x && y`
/// is false when either is false, even if the other was never set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expr<L = LocalId> {
    nodes: Box<[ExprNode<L>]>,
}

/// Why an expression has no value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EvalError {
    /// It reads something that was never set.
    Unset,
    /// It divides by zero.
    DivisionByZero,
    /// It does arithmetic on a reference.
    NotAWord,
}

impl From<EvalError> for Property {
    fn from(e: EvalError) -> Property {
        match e {
            EvalError::Unset => Property::UNSET_READ,
            EvalError::DivisionByZero => Property::DIVISION_BY_ZERO,
            EvalError::NotAWord => Property::WRONG_KIND,
        }
    }
}

impl<L: Copy> Expr<L> {
    /// An expression from its postfix form; `None` if that is not well-formed or too deep.
    pub fn from_postfix(nodes: Vec<ExprNode<L>>) -> Option<Expr<L>> {
        let mut depth = 0usize;
        for n in &nodes {
            match n {
                ExprNode::Const(_) | ExprNode::Read(_) => depth += 1,
                ExprNode::Apply(op) if op.is_unary() => depth.checked_sub(1).map(|_| ())?,
                ExprNode::Apply(_) => depth = depth.checked_sub(2)? + 1,
            }
            if depth > MAX_EXPR_DEPTH {
                return None;
            }
        }
        (depth == 1).then(|| Expr { nodes: nodes.into() })
    }

    /// The postfix form.
    pub fn nodes(&self) -> &[ExprNode<L>] {
        &self.nodes
    }

    /// What the expression reads.
    pub fn reads(&self) -> impl Iterator<Item = L> {
        self.nodes.iter().filter_map(|n| match n {
            ExprNode::Read(l) => Some(*l),
            _ => None,
        })
    }

    /// The value, with `read` giving what a leaf holds.
    ///
    /// # Errors
    ///
    /// If a leaf holds nothing yet, or what it holds is of a kind that the operator does not take.
    pub fn eval(&self, read: impl Fn(L) -> Value) -> Result<Value, EvalError> {
        let mut stack = [Value::Unset; MAX_EXPR_DEPTH];
        let mut failed = [None; MAX_EXPR_DEPTH];
        let mut top = 0;
        for n in &self.nodes {
            match n {
                ExprNode::Const(v) => (stack[top], failed[top], top) = (*v, None, top + 1),
                ExprNode::Read(l) => {
                    let v = read(*l);
                    stack[top] = v;
                    failed[top] = (v == Value::Unset).then_some(EvalError::Unset);
                    top += 1;
                }
                ExprNode::Apply(op) if op.is_unary() => {
                    let at = top - 1;
                    if failed[at].is_none() {
                        (stack[at], failed[at]) = outcome(unary(*op, stack[at]));
                    }
                }
                ExprNode::Apply(op) => {
                    top -= 1;
                    let (a, b) = (top - 1, top);
                    let left = failed[a].map_or(Ok(stack[a]), Err);
                    let right = failed[b].map_or(Ok(stack[b]), Err);
                    (stack[a], failed[a]) = outcome(binary(*op, left, right));
                }
            }
        }
        failed[0].map_or(Ok(stack[0]), Err)
    }
}

fn outcome(r: Result<Value, EvalError>) -> (Value, Option<EvalError>) {
    match r {
        Ok(v) => (v, None),
        Err(e) => (Value::Unset, Some(e)),
    }
}

fn word(v: Value) -> Result<i32, EvalError> {
    v.word().ok_or(EvalError::NotAWord)
}

fn truth(v: bool) -> Value {
    Value::Word(i32::from(v))
}

fn unary(op: Operator, v: Value) -> Result<Value, EvalError> {
    Ok(match op {
        Operator::Not => truth(!v.truth().ok_or(EvalError::Unset)?),
        Operator::BitNot => Value::Word(!word(v)?),
        // IS_ERR() of a pointer that is one is false, so a reference is no mistake here.
        Operator::IsErr => truth(v.word().is_some_and(|w| (-MAX_ERRNO..0).contains(&w))),
        _ => Value::Word(word(v)?.wrapping_neg()),
    })
}

/// Kleene's conjunction and disjunction: a side that decides alone hides the other's error.
fn connective(op: Operator, a: Result<Value, EvalError>, b: Result<Value, EvalError>) -> Result<Value, EvalError> {
    let side = |v: Result<Value, EvalError>| v.and_then(|v| v.truth().ok_or(EvalError::Unset));
    let decides = op == Operator::Or;
    match (side(a), side(b)) {
        (Ok(x), _) if x == decides => Ok(truth(decides)),
        (_, Ok(y)) if y == decides => Ok(truth(decides)),
        (Ok(_), Ok(_)) => Ok(truth(!decides)),
        (Err(e), _) | (_, Err(e)) => Err(e),
    }
}

/// References compare by address, whatever lives there now; NULL equals NULL and the word 0.
pub(crate) fn same(a: Value, b: Value) -> bool {
    match (a, b) {
        (Value::Ref(x), Value::Ref(y)) => x.obj == y.obj,
        _ => match (a.word(), b.word()) {
            (Some(x), Some(y)) => x == y,
            _ => a == b,
        },
    }
}

fn binary(op: Operator, a: Result<Value, EvalError>, b: Result<Value, EvalError>) -> Result<Value, EvalError> {
    if matches!(op, Operator::And | Operator::Or) {
        return connective(op, a, b);
    }
    let (a, b) = (a?, b?);
    match op {
        Operator::Eq => return Ok(truth(same(a, b))),
        Operator::Ne => return Ok(truth(!same(a, b))),
        _ => {}
    }
    let (x, y) = (word(a)?, word(b)?);
    Ok(match op {
        Operator::Lt => truth(x < y),
        Operator::Le => truth(x <= y),
        Operator::Gt => truth(x > y),
        Operator::Ge => truth(x >= y),
        Operator::BitOr => Value::Word(x | y),
        Operator::BitXor => Value::Word(x ^ y),
        Operator::BitAnd => Value::Word(x & y),
        Operator::Shl => Value::Word(x.wrapping_shl(y as u32)),
        Operator::Shr => Value::Word(x.wrapping_shr(y as u32)),
        Operator::Add => Value::Word(x.wrapping_add(y)),
        Operator::Sub => Value::Word(x.wrapping_sub(y)),
        Operator::Mul => Value::Word(x.wrapping_mul(y)),
        _ if y == 0 => return Err(EvalError::DivisionByZero),
        Operator::Div => Value::Word(x.wrapping_div(y)),
        _ => Value::Word(x.wrapping_rem(y)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(nodes: Vec<ExprNode>) -> Result<Value, EvalError> {
        let locals = [Value::Word(3), Value::Null, Value::Unset];
        Expr::from_postfix(nodes).expect("well-formed").eval(|l: LocalId| locals[usize::from(l.0)])
    }

    use ExprNode::{Apply, Const, Read};
    const THREE: ExprNode = Read(LocalId(0));
    const NULL: ExprNode = Read(LocalId(1));
    const NEVER: ExprNode = Read(LocalId(2));

    #[test]
    fn null_compares_with_null_and_zero() {
        assert_eq!(run(vec![NULL, Const(Value::Null), Apply(Operator::Eq)]), Ok(Value::Word(1)));
        assert_eq!(run(vec![NULL, Const(Value::Word(0)), Apply(Operator::Eq)]), Ok(Value::Word(1)));
        assert_eq!(run(vec![NULL, Apply(Operator::Not)]), Ok(Value::Word(1)));
    }

    #[test]
    fn is_err_is_true_of_negative_errnos_alone() {
        let is_err = |v| run(vec![Const(v), Apply(Operator::IsErr)]);
        for (value, says) in [(-1, 1), (-4095, 1), (-4096, 0), (0, 0), (35, 0)] {
            assert_eq!(is_err(Value::Word(value)), Ok(Value::Word(says)), "{value}");
        }
        assert_eq!(is_err(Value::Null), Ok(Value::Word(0)));
        assert_eq!(is_err(Value::Ref(crate::value::Handle::default())), Ok(Value::Word(0)));
        assert_eq!(run(vec![NEVER, Apply(Operator::IsErr)]), Err(EvalError::Unset));
    }

    #[test]
    fn an_unset_local_is_an_error_unless_the_other_side_decides() {
        assert_eq!(run(vec![NEVER, THREE, Apply(Operator::Add)]), Err(EvalError::Unset));
        assert_eq!(run(vec![NEVER, THREE, Apply(Operator::Or)]), Ok(Value::Word(1)));
        assert_eq!(run(vec![NEVER, NULL, Apply(Operator::And)]), Ok(Value::Word(0)));
        assert_eq!(run(vec![NEVER, THREE, Apply(Operator::And)]), Err(EvalError::Unset));
    }

    #[test]
    fn dividing_by_zero_is_an_error_and_the_smallest_word_does_not_overflow() {
        assert_eq!(run(vec![THREE, NULL, Apply(Operator::Div)]), Err(EvalError::DivisionByZero));
        let min = Const(Value::Word(i32::MIN));
        assert_eq!(run(vec![min, Const(Value::Word(-1)), Apply(Operator::Div)]), Ok(Value::Word(i32::MIN)));
    }

    #[test]
    fn malformed_and_too_deep_postfix_is_refused() {
        assert_eq!(Expr::from_postfix(vec![THREE, Apply(Operator::Add)]), None);
        assert_eq!(Expr::from_postfix(vec![THREE, THREE]), None);
        assert_eq!(Expr::from_postfix(vec![THREE; MAX_EXPR_DEPTH + 1]), None);
    }
}
