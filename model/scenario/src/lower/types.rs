//! What C makes of the types in an expression: in which one each operator calculates, and what that decides beforehand.

use fenceweave_kernel::expr::Operator;
use fenceweave_kernel::{ExprNode, Type, Value};

/// An expression whose operators know their types.
pub(super) struct Settled<L> {
    pub(super) nodes: Vec<ExprNode<L>>,
    /// What it is.
    pub(super) ty: Type,
    /// The first comparison that the types of its sides decide: how it comes out, and why.
    pub(super) decided: Option<(bool, String)>,
}

/// A value on the stack.
#[derive(Clone, Copy)]
struct Side {
    ty: Type,
    /// The number, if it is a literal.
    known: Option<i64>,
    /// Whether the range of its type says something about it: a word that says nothing of its type may be a reference.
    declared: bool,
}

/// Finds the type of each operator of a well-formed postfix expression; `None` if it is none.
///
/// A literal is an `int`, or an `s64` if it does not fit; a word is `s64` unless it is declared. What that leaves as
/// `s64` stays as it is.
pub(super) fn settle<L: Copy>(nodes: &[ExprNode<L>], type_of: impl Fn(L) -> Type) -> Option<Settled<L>> {
    let mut out = Vec::with_capacity(nodes.len());
    let mut stack: Vec<Side> = Vec::new();
    let mut decided = None;
    for node in nodes {
        let sides = stack.split_off(stack.len().checked_sub(node.takes())?);
        let side = match (node, sides.as_slice()) {
            (ExprNode::Const(value), _) => {
                out.push(*node);
                let ty = if matches!(value, Value::Word(_)) { Type::S32 } else { Type::S64 };
                Side { ty, known: value.integer().filter(|_| *value != Value::Null), declared: false }
            }
            (ExprNode::Read(leaf), _) => {
                out.push(*node);
                let ty = type_of(*leaf);
                Side { ty, known: None, declared: ty != Type::S64 }
            }
            (ExprNode::Cast(ty), [of]) => {
                out.push(*node);
                Side { ty: *ty, known: of.known.map(|n| ty.convert(n)), declared: true }
            }
            (ExprNode::Select, [_, a, b]) => {
                out.push(*node);
                let ty = a.ty.common(b.ty);
                let differs = |side: &Side| side.ty.is_signed() && side.known.is_none_or(|n| n < 0);
                if ty == Type::U32 && (differs(a) || differs(b)) {
                    out.push(ExprNode::Cast(ty));
                }
                result(ty)
            }
            (ExprNode::Overflows(op, [.., to]), [a, b]) => {
                out.push(ExprNode::Overflows(*op, [a.ty, b.ty, *to]));
                result(Type::S32)
            }
            (ExprNode::Apply(op) | ExprNode::As(op, _), sides) => {
                let (calculated, ty) = operator(*op, sides);
                let plain = calculated == Type::S64 || op.is_comparison() && calculated.is_signed();
                out.push(if plain { ExprNode::Apply(*op) } else { ExprNode::As(*op, calculated) });
                if let (true, [a, b]) = (op.is_comparison(), sides) {
                    decided = decided.or_else(|| decides(*op, calculated, *a, *b));
                }
                result(ty)
            }
            _ => return None,
        };
        stack.push(side);
    }
    match stack.as_slice() {
        [whole] => Some(Settled { nodes: out, ty: whole.ty, decided }),
        _ => None,
    }
}

fn result(ty: Type) -> Side {
    Side { ty, known: None, declared: ty != Type::S64 }
}

/// The type that an operator calculates in, and that of its result.
fn operator(op: Operator, sides: &[Side]) -> (Type, Type) {
    let left = sides[0].ty.promoted();
    match op {
        Operator::Not | Operator::IsErr | Operator::And | Operator::Or => (Type::S64, Type::S32),
        // They look at the bits that they look at, whatever the type is.
        Operator::Ffs | Operator::Fls | Operator::Fls64 => (Type::S64, Type::S32),
        Operator::Ilog2 => (left, Type::S32),
        Operator::BitNot | Operator::Neg | Operator::Shl | Operator::Shr => (left, left),
        op => {
            let common = sides.iter().map(|side| side.ty).fold(left, Type::common);
            (common, if op.is_comparison() { Type::S32 } else { common })
        }
    }
}

/// What a comparison of a typed side with a literal comes out as, if that is always the same.
fn decides(op: Operator, ty: Type, a: Side, b: Side) -> Option<(bool, String)> {
    let (of, known, op, swapped) = match (a.known, b.known) {
        (None, Some(known)) if a.declared => (a.ty, known, op, false),
        (Some(known), None) if b.declared => (b.ty, known, mirrored(op), true),
        _ => return None,
    };
    // Converted to another type, a range need not stay one.
    if of.is_signed() && !ty.is_signed() {
        return None;
    }
    let ((min, max), n) = (of.range(), ty.exact(ty.convert(known)));
    let always = match op {
        Operator::Lt => (max < n, min >= n),
        Operator::Le => (max <= n, min > n),
        Operator::Gt => (min > n, max <= n),
        Operator::Ge => (min >= n, max < n),
        Operator::Eq => (false, n < min || n > max),
        _ => (n < min || n > max, false),
    };
    let comes_out = match always {
        (true, _) => true,
        (_, true) => false,
        _ => return None,
    };
    let side = if swapped { "right" } else { "left" };
    let literal = if i128::from(known) == n { n.to_string() } else { format!("{known}, which is {n} as `{ty}`") };
    Some((comes_out, format!("its {side} side is of type `{of}`, {min} to {max}, and the other is {literal}")))
}

fn mirrored(op: Operator) -> Operator {
    match op {
        Operator::Lt => Operator::Gt,
        Operator::Le => Operator::Ge,
        Operator::Gt => Operator::Lt,
        Operator::Ge => Operator::Le,
        other => other,
    }
}
