//! Expressions: C's operators over words and references, in postfix form.

use crate::{LocalId, Property, Value, number::Type};

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
    Min,
    Max,
    Align,
    Ffs,
    Fls,
    Fls64,
    Ilog2,
}

impl Operator {
    /// Whether it takes one operand.
    pub fn is_unary(self) -> bool {
        use Operator::{BitNot, Ffs, Fls, Fls64, Ilog2, IsErr, Neg, Not};
        matches!(self, Not | BitNot | Neg | IsErr | Ffs | Fls | Fls64 | Ilog2)
    }

    /// Whether it asks how two values compare.
    pub fn is_comparison(self) -> bool {
        use Operator::{Eq, Ge, Gt, Le, Lt, Ne};
        matches!(self, Eq | Ne | Lt | Le | Gt | Ge)
    }
}

/// One element of an expression in postfix order. `L` is what a leaf names: locals in scripts, more in expectations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExprNode<L = LocalId> {
    /// A constant.
    Const(Value),
    /// Something to read.
    Read(L),
    /// An operator over what stands before it, calculated as `s64`.
    Apply(Operator),
    /// The same, calculated in another type: what the usual arithmetic conversions make of its operands.
    As(Operator, Type),
    /// C's conversion.
    Cast(Type),
    /// `check_add_overflow()` and its kin: whether the exact result over operands of these types does not fit in the
    /// last.
    Overflows(Operator, [Type; 3]),
    /// `c ? a : b`, of which the side that is not chosen does not matter.
    Select,
}

impl<L> ExprNode<L> {
    /// How many values it takes.
    pub fn takes(&self) -> usize {
        match self {
            ExprNode::Const(_) | ExprNode::Read(_) => 0,
            ExprNode::Cast(_) => 1,
            ExprNode::Apply(op) | ExprNode::As(op, _) if op.is_unary() => 1,
            ExprNode::Apply(_) | ExprNode::As(..) | ExprNode::Overflows(..) => 2,
            ExprNode::Select => 3,
        }
    }
}

/// Deepest operand stack of an expression; deeper ones are refused when they are compiled.
pub const MAX_EXPR_DEPTH: usize = 16;

/// `MAX_ERRNO`: the largest number that `IS_ERR()` takes for an error.
const MAX_ERRNO: i32 = 4095;

/// `IS_ERR_VALUE()`
pub(crate) fn is_err(word: i32) -> bool {
    (-MAX_ERRNO..0).contains(&word)
}

/// A compiled expression in postfix order.
///
/// `&&` and `||` evaluate both sides (an expression has no effects), but a side that decides alone is enough: `x && y`
/// is false when either is false, even if the other was never set. What the left side does wrong is told, as in C.
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
    /// The result does not fit in its signed type.
    Overflow,
    /// It shifts by the width of the type or more, or by less than nothing.
    ShiftCount,
    /// A number that a value of the model has no room for.
    NoRoom,
}

impl From<EvalError> for Property {
    fn from(e: EvalError) -> Property {
        match e {
            EvalError::Unset => Property::UNSET_READ,
            EvalError::DivisionByZero => Property::DIVISION_BY_ZERO,
            EvalError::NotAWord => Property::WRONG_KIND,
            EvalError::Overflow => Property::SIGNED_OVERFLOW,
            EvalError::ShiftCount => Property::SHIFT_OUT_OF_BOUNDS,
            EvalError::NoRoom => Property::CAPACITY_EXCEEDED,
        }
    }
}

impl<L: Copy> Expr<L> {
    /// An expression from its postfix form; `None` if that is not well-formed or too deep.
    pub fn from_postfix(nodes: Vec<ExprNode<L>>) -> Option<Expr<L>> {
        let mut depth = 0usize;
        for n in &nodes {
            depth = depth.checked_sub(n.takes())? + 1;
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
        self.calculate(read, |_, _| {})
    }

    /// What an expression without a value does wrong: the operator, and the numbers that it is applied to in their
    /// type.
    pub fn trouble(&self, read: impl Fn(L) -> Value) -> Option<Trouble> {
        let mut found = None;
        let result = self.calculate(read, |error, trouble| found = Some((error, trouble)));
        found.filter(|(error, _)| result == Err(*error)).map(|(_, trouble)| trouble)
    }

    fn calculate(
        &self,
        read: impl Fn(L) -> Value,
        mut wrong: impl FnMut(EvalError, Trouble),
    ) -> Result<Value, EvalError> {
        let mut stack = [Err(EvalError::Unset); MAX_EXPR_DEPTH];
        let mut top = 0;
        for n in &self.nodes {
            let at = top - n.takes();
            stack[at] = match n {
                ExprNode::Const(v) => Ok(Item::from(*v)),
                ExprNode::Read(l) => match read(*l) {
                    Value::Unset => Err(EvalError::Unset),
                    v => Ok(Item::from(v)),
                },
                ExprNode::Cast(ty) => stack[at].and_then(|v| Ok(Item::Number(ty.convert(v.number()?)))),
                ExprNode::Select => match stack[at].and_then(Item::truth) {
                    Ok(true) => stack[at + 1],
                    Ok(false) => stack[at + 2],
                    Err(e) => Err(e),
                },
                ExprNode::Overflows(op, types) => overflows(*op, *types, stack[at], stack[at + 1]),
                ExprNode::Apply(op) | ExprNode::As(op, _) if op.is_unary() => {
                    let ty = n.calculated_in();
                    stack[at].and_then(|v| unary(*op, ty, v)).inspect_err(|e| {
                        wrong(*e, Trouble { op: *op, ty, left: shown(stack[at]), right: 0 });
                    })
                }
                ExprNode::Apply(op) | ExprNode::As(op, _) => {
                    let ty = n.calculated_in();
                    binary(*op, ty, stack[at], stack[at + 1]).inspect_err(|e| {
                        wrong(*e, Trouble { op: *op, ty, left: shown(stack[at]), right: shown(stack[at + 1]) });
                    })
                }
            };
            top = at + 1;
        }
        stack[0].and_then(Item::value)
    }
}

impl<L> ExprNode<L> {
    /// The type that an operator calculates in.
    fn calculated_in(&self) -> Type {
        match self {
            ExprNode::As(_, ty) | ExprNode::Cast(ty) => *ty,
            _ => Type::S64,
        }
    }
}

/// An operator that has no result, with what it was applied to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Trouble {
    /// Which.
    pub op: Operator,
    /// What it calculates in.
    pub ty: Type,
    /// Its left or only operand.
    pub left: i64,
    /// Its right one.
    pub right: i64,
}

fn shown(item: Result<Item, EvalError>) -> i64 {
    item.and_then(Item::number).unwrap_or_default()
}

/// What an expression calculates with: all 64 bits, whether or not a value has room for them.
#[derive(Clone, Copy)]
enum Item {
    Number(i64),
    Other(Value),
}

impl From<Value> for Item {
    #[inline]
    fn from(v: Value) -> Item {
        match v {
            Value::Word(w) => Item::Number(w.into()),
            Value::Wide(wide) => Item::Number(wide.number()),
            other => Item::Other(other),
        }
    }
}

impl Item {
    fn number(self) -> Result<i64, EvalError> {
        match self {
            Item::Number(n) => Ok(n),
            Item::Other(Value::Null) => Ok(0),
            Item::Other(_) => Err(EvalError::NotAWord),
        }
    }

    fn truth(self) -> Result<bool, EvalError> {
        match self {
            Item::Number(n) => Ok(n != 0),
            Item::Other(v) => v.truth().ok_or(EvalError::Unset),
        }
    }

    fn value(self) -> Result<Value, EvalError> {
        match self {
            Item::Number(n) => Value::of(n).ok_or(EvalError::NoRoom),
            Item::Other(v) => Ok(v),
        }
    }
}

fn truth(v: bool) -> Item {
    Item::Number(i64::from(v))
}

fn unary(op: Operator, ty: Type, v: Item) -> Result<Item, EvalError> {
    let number = |v: Item| v.number().map(|n| ty.convert(n));
    Ok(Item::Number(match op {
        Operator::Not => return Ok(truth(!v.truth()?)),
        // IS_ERR() of a pointer that is one is false, so a reference is no mistake here.
        Operator::IsErr => return Ok(truth(matches!(v, Item::Number(n) if (-i64::from(MAX_ERRNO)..0).contains(&n)))),
        Operator::BitNot => ty.convert(!number(v)?),
        // ffs() takes an int, fls() an unsigned int: what is above is not looked at.
        Operator::Ffs => match number(v)? as u32 {
            0 => 0,
            n => i64::from(n.trailing_zeros() + 1),
        },
        Operator::Fls => 32 - i64::from((number(v)? as u32).leading_zeros()),
        Operator::Fls64 => 64 - i64::from(number(v)?.leading_zeros()),
        // fls() or fls64() less one, by the size of what is asked about.
        Operator::Ilog2 if ty.bits() <= 32 => 31 - i64::from((number(v)? as u32).leading_zeros()),
        Operator::Ilog2 => 63 - i64::from(number(v)?.leading_zeros()),
        _ => fitted(ty, number(v)?.checked_neg(), 0i64.wrapping_sub(number(v)?))?,
    }))
}

/// The result of a calculation in a type: unsigned ones wrap, signed ones have to fit.
fn fitted(ty: Type, checked: Option<i64>, wrapped: i64) -> Result<i64, EvalError> {
    if !ty.is_signed() {
        return Ok(ty.convert(wrapped));
    }
    checked.filter(|n| ty.convert(*n) == *n).ok_or(EvalError::Overflow)
}

/// Conjunction and disjunction: a side that decides alone hides that the other was never set. C comes to the right one
/// only if the left does not decide.
fn connective(op: Operator, a: Result<Item, EvalError>, b: Result<Item, EvalError>) -> Result<Item, EvalError> {
    let side = |v: Result<Item, EvalError>| v.and_then(Item::truth);
    let decides = op == Operator::Or;
    match (side(a), side(b)) {
        (Ok(x), _) if x == decides => Ok(truth(decides)),
        (Err(e), _) if e != EvalError::Unset => Err(e),
        (_, Ok(y)) if y == decides => Ok(truth(decides)),
        (Ok(_), Ok(_)) => Ok(truth(!decides)),
        (Err(e), _) | (_, Err(e)) => Err(e),
    }
}

/// References compare by address, whatever lives there now; NULL equals NULL and the word 0.
pub(crate) fn same(a: Value, b: Value) -> bool {
    match (a, b) {
        (Value::Ref(x), Value::Ref(y)) => x.obj == y.obj,
        _ => match (a.integer(), b.integer()) {
            (Some(x), Some(y)) => x == y,
            _ => a == b,
        },
    }
}

/// The same of what an expression calculates with.
fn equal(ty: Type, a: Item, b: Item) -> bool {
    match (a.number(), b.number()) {
        (Ok(x), Ok(y)) => ty.convert(x) == ty.convert(y),
        _ => matches!((a, b), (Item::Other(x), Item::Other(y)) if same(x, y)),
    }
}

fn overflows(
    op: Operator,
    [of_a, of_b, to]: [Type; 3],
    a: Result<Item, EvalError>,
    b: Result<Item, EvalError>,
) -> Result<Item, EvalError> {
    let (x, y) = (of_a.exact(a?.number()?), of_b.exact(b?.number()?));
    let exact = match op {
        Operator::Add => x.checked_add(y),
        Operator::Sub => x.checked_sub(y),
        _ => x.checked_mul(y),
    };
    let (min, max) = to.range();
    Ok(truth(!exact.is_some_and(|n| (min..=max).contains(&n))))
}

fn binary(op: Operator, ty: Type, a: Result<Item, EvalError>, b: Result<Item, EvalError>) -> Result<Item, EvalError> {
    if matches!(op, Operator::And | Operator::Or) {
        return connective(op, a, b);
    }
    let (a, b) = (a?, b?);
    match op {
        Operator::Eq => return Ok(truth(equal(ty, a, b))),
        Operator::Ne => return Ok(truth(!equal(ty, a, b))),
        Operator::Shl | Operator::Shr => return shift(op, ty, a.number()?, b.number()?).map(Item::Number),
        _ => {}
    }
    let (x, y) = (ty.convert(a.number()?), ty.convert(b.number()?));
    let less = if ty == Type::U64 { (x as u64) < y as u64 } else { x < y };
    Ok(match op {
        Operator::Lt => truth(less),
        Operator::Le => truth(less || x == y),
        Operator::Gt => truth(!less && x != y),
        Operator::Ge => truth(!less),
        _ => Item::Number(arithmetic(op, ty, (x, y), less)?),
    })
}

/// A shift in the promoted type of its left side; by the width of that, or by a negative count, it means nothing in C.
fn shift(op: Operator, ty: Type, n: i64, by: i64) -> Result<i64, EvalError> {
    let by = u32::try_from(by).ok().filter(|by| *by < ty.bits()).ok_or(EvalError::ShiftCount)?;
    let n = ty.convert(n);
    Ok(match op {
        // gcc shifts into and out of the sign.
        Operator::Shl => ty.convert(n << by),
        _ if ty == Type::U64 => (n as u64 >> by) as i64,
        _ => n >> by,
    })
}

fn arithmetic(op: Operator, ty: Type, (x, y): (i64, i64), less: bool) -> Result<i64, EvalError> {
    Ok(match op {
        Operator::BitOr => x | y,
        Operator::BitXor => x ^ y,
        Operator::BitAnd => x & y,
        Operator::Add => fitted(ty, x.checked_add(y), x.wrapping_add(y))?,
        Operator::Sub => fitted(ty, x.checked_sub(y), x.wrapping_sub(y))?,
        Operator::Mul => fitted(ty, x.checked_mul(y), x.wrapping_mul(y))?,
        Operator::Min => {
            if less {
                x
            } else {
                y
            }
        }
        Operator::Max => {
            if less {
                y
            } else {
                x
            }
        }
        // ((x) + ((a) - 1)) & ~((a) - 1)
        Operator::Align => {
            let mask = fitted(ty, y.checked_sub(1), y.wrapping_sub(1))?;
            fitted(ty, x.checked_add(mask), x.wrapping_add(mask))? & !mask
        }
        _ if y == 0 => return Err(EvalError::DivisionByZero),
        Operator::Div if ty == Type::U64 => (x as u64 / y as u64) as i64,
        Operator::Div => fitted(ty, x.checked_div(y), x.wrapping_div(y))?,
        _ if ty == Type::U64 => (x as u64 % y as u64) as i64,
        // C11 6.5.5p6: undefined where the quotient does not fit.
        _ => fitted(ty, x.checked_div(y), x.wrapping_div(y)).map(|_| x.wrapping_rem(y))?,
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
    fn dividing_by_zero_is_an_error_and_so_is_what_does_not_fit() {
        assert_eq!(run(vec![THREE, NULL, Apply(Operator::Div)]), Err(EvalError::DivisionByZero));
        let (min, minus_one) = (Const(Value::Word(i32::MIN)), Const(Value::Word(-1)));
        assert_eq!(run(vec![min, minus_one, Apply(Operator::Div)]), Ok(Value::of(1 << 31).expect("it fits")));
        for op in [Operator::Div, Operator::Rem, Operator::Add, Operator::Mul] {
            let result = run(vec![min, minus_one, ExprNode::As(op, Type::S32)]);
            assert_eq!(result, Err(EvalError::Overflow), "{op:?}");
        }
    }

    #[test]
    fn unsigned_types_wrap_and_compare_without_a_sign() {
        let as_type = |op, ty, a: i64, b: i64| {
            let value = |n| Const(Value::of(n).expect("it fits"));
            run(vec![value(a), value(b), ExprNode::As(op, ty)]).map(|v| v.integer())
        };
        assert_eq!(as_type(Operator::Sub, Type::U32, 0, 1), Ok(Some(0xffff_ffff)));
        assert_eq!(as_type(Operator::Sub, Type::U64, 0, 1), Ok(Some(-1)));
        assert_eq!(as_type(Operator::Lt, Type::U64, -1, 1), Ok(Some(0)));
        assert_eq!(as_type(Operator::Lt, Type::S64, -1, 1), Ok(Some(1)));
        assert_eq!(as_type(Operator::Div, Type::U64, -1, 2), Ok(Some(i64::MAX)));
        assert_eq!(as_type(Operator::Div, Type::U32, -1, 2), Ok(Some(0x7fff_ffff)));
        assert_eq!(as_type(Operator::Rem, Type::U32, 7, 5), Ok(Some(2)));
        assert_eq!(as_type(Operator::Shr, Type::U64, -1, 63), Ok(Some(1)));
        assert_eq!(as_type(Operator::Shr, Type::S64, -8, 1), Ok(Some(-4)));
        assert_eq!(as_type(Operator::Shl, Type::S32, 1, 31), Ok(Some(i64::from(i32::MIN))));
        assert_eq!(as_type(Operator::Shl, Type::S32, 1, 32), Err(EvalError::ShiftCount));
        assert_eq!(as_type(Operator::Shr, Type::S64, 1, -1), Err(EvalError::ShiftCount));
        assert_eq!(as_type(Operator::Align, Type::U32, 4097, 4096), Ok(Some(8192)));
    }

    #[test]
    fn the_side_that_is_not_chosen_does_not_matter_and_the_left_of_a_connective_does() {
        let divides = [THREE, NULL, Apply(Operator::Div)];
        let one = Const(Value::Word(1));
        let chosen = [vec![one, one], divides.to_vec(), vec![ExprNode::Select]].concat();
        assert_eq!(run(chosen), Ok(Value::Word(1)));
        let left = [divides.to_vec(), vec![NULL, Apply(Operator::And)]].concat();
        assert_eq!(run(left), Err(EvalError::DivisionByZero));
    }

    #[test]
    fn overflow_is_asked_of_the_exact_result() {
        let ask = |types, a: i64, b: i64| {
            let value = |n| Const(Value::of(n).expect("it fits"));
            run(vec![value(a), value(b), ExprNode::Overflows(Operator::Add, types)])
        };
        let (s64, u32) = (Type::S64, Type::U32);
        assert_eq!(ask([s64, s64, u32], 0xffff_ffff, 1), Ok(Value::Word(1)));
        assert_eq!(ask([s64, s64, u32], 0xffff_fffe, 1), Ok(Value::Word(0)));
        assert_eq!(ask([Type::U64, s64, Type::U64], -1, 1), Ok(Value::Word(1)));
        assert_eq!(ask([s64, s64, Type::U64], -1, 1), Ok(Value::Word(0)));
    }

    #[test]
    fn what_has_no_room_is_a_limit_and_only_if_it_is_the_result() {
        let odd = |n: i64| Const(Value::of(n).expect("it fits"));
        let product = [odd(0x1234_5678_9abc), odd(0x1001), ExprNode::As(Operator::Mul, Type::U64)];
        assert_eq!(run(product.to_vec()), Err(EvalError::NoRoom));
        let low = [product.to_vec(), vec![ExprNode::Cast(Type::U32)]].concat();
        assert_eq!(run(low).map(|v| v.integer()), Ok(Some(0x1234_5678_9abc_i64.wrapping_mul(0x1001) & 0xffff_ffff)));
    }

    #[test]
    fn malformed_and_too_deep_postfix_is_refused() {
        assert_eq!(Expr::from_postfix(vec![THREE, Apply(Operator::Add)]), None);
        assert_eq!(Expr::from_postfix(vec![THREE, THREE]), None);
        assert_eq!(Expr::from_postfix(vec![THREE; MAX_EXPR_DEPTH + 1]), None);
    }
}
