//! Quoted expressions: C's operators over names, numbers and errnos.
//!
//! An expression is read where it stands in the file, so that its mistakes
//! have places inside the quotes. What the names mean is not decided here.

mod parse;
mod token;

#[cfg(test)]
mod tests;

pub(crate) use parse::parse;

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
    /// `any w.r`, `all w.r`: the smallest condition around it holds for one,
    /// or for each, of the identical threads `w`.
    Of(Quantifier, String),
    Unary(Unary, Box<Expr>),
    Binary(Binary, Box<Expr>, Box<Expr>),
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
    /// `IS_ERR(x)`
    IsErr,
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
        }
    }
}
