//! Quoted expressions: C's operators over names, numbers and errnos.
//!
//! An expression is read where it stands in the file, so that its mistakes
//! have places inside the quotes. What the names mean is not decided here.

mod parse;
mod token;

#[cfg(test)]
mod tests;

pub(crate) use parse::parse;

use fenceweave_kernel::Type;

use crate::mistakes::Span;

/// An expression and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExprKind {
    Number(i64),
    /// A dotted name: `r`, `cpu.r`, `w.0.r`, `NULL`, `ENOMEM`.
    Name(String),
    /// `any w.r`, `all w.r`: the smallest condition around it holds for one, or for each, of the identical threads `w`.
    Of(Quantifier, String),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
    /// `(u32)x`, and a literal with a suffix.
    Cast(Type, Box<Expr>),
    /// `c ? a : b`
    Select(Box<[Expr; 3]>),
    /// `check_add_overflow(a, b, u32)`: whether the result fits in the type.
    Overflows(Binary, Box<[Expr; 2]>, Type),
}

impl Expr {
    /// What it is made of.
    pub(crate) fn parts(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Of(..) => vec![],
            ExprKind::Unary(_, inner) | ExprKind::Cast(_, inner) => vec![inner],
            ExprKind::Binary(_, left, right) => vec![left, right],
            ExprKind::Select(parts) => parts.iter().collect(),
            ExprKind::Overflows(_, parts, _) => parts.iter().collect(),
        }
    }

    /// The same of other parts.
    pub(crate) fn map(&self, of: &mut dyn FnMut(&Expr) -> Expr) -> Expr {
        let kind = match &self.kind {
            kind @ (ExprKind::Number(_) | ExprKind::Name(_) | ExprKind::Of(..)) => kind.clone(),
            ExprKind::Unary(operator, inner) => ExprKind::Unary(*operator, Box::new(of(inner))),
            ExprKind::Cast(ty, inner) => ExprKind::Cast(*ty, Box::new(of(inner))),
            ExprKind::Binary(operator, left, right) => {
                ExprKind::Binary(*operator, Box::new(of(left)), Box::new(of(right)))
            }
            ExprKind::Select(parts) => ExprKind::Select(Box::new(parts.each_ref().map(of))),
            ExprKind::Overflows(operator, parts, ty) => {
                ExprKind::Overflows(*operator, Box::new(parts.each_ref().map(of)), *ty)
            }
        };
        Expr { kind, span: self.span }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Any,
    All,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unary {
    Not,
    Negate,
    /// `~x`
    Complement,
    /// `IS_ERR(x)`
    IsErr,
    /// `ffs(x)`
    Ffs,
    /// `fls(x)`
    Fls,
    /// `fls64(x)`
    Fls64,
    /// `ilog2(x)`
    Ilog2,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Or,
    And,
    BitOr,
    BitXor,
    BitAnd,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    /// `min(a, b)`
    Min,
    /// `max(a, b)`
    Max,
    /// `ALIGN(x, a)`
    Align,
}

impl Binary {
    /// C's binding strength: more binds tighter.
    fn strength(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::BitOr => 3,
            Self::BitXor => 4,
            Self::BitAnd => 5,
            Self::Equal | Self::NotEqual => 6,
            Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual => 7,
            Self::ShiftLeft | Self::ShiftRight => 8,
            Self::Add | Self::Subtract => 9,
            Self::Multiply | Self::Divide | Self::Remainder => 10,
            // Calls, and no signs.
            Self::Min | Self::Max | Self::Align => 11,
        }
    }
}
