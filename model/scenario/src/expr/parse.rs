//! The grammar of expressions, by precedence climbing.

use super::token::{Kind, Token, lex};
use super::{Binary, Expr, ExprKind, Quantifier, Unary};
use crate::mistakes::{Mistakes, Span};

/// Parentheses and unary signs inside each other.
const DEPTH_MAX: usize = 32;

/// Reads the expression at `place` of `source`; `None` if a mistake was told.
pub(crate) fn parse(source: &str, place: Span, mistakes: &mut Mistakes) -> Option<Expr> {
    let tokens = lex(source, place, mistakes)?;
    if tokens.is_empty() {
        // The place is widened to the quotes, so that there is something to mark.
        let quotes = Span::new((place.start as usize).saturating_sub(1), place.end as usize + 1);
        mistakes.add("expression", quotes, "this expression is empty").expected("a condition or a value");
        return None;
    }
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, end: place.end as usize, mistakes };
    let expr = parser.binary(1)?;
    match parser.peek() {
        None => Some(expr),
        Some(token) => {
            let token = token.clone();
            parser.tell_left_over(&token);
            None
        }
    }
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    /// The end of the text, where something may be missing.
    end: usize,
    mistakes: &'a mut Mistakes,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn operator(&self) -> Option<Binary> {
        match self.peek()?.kind {
            Kind::Operator(operator) => Some(operator),
            Kind::Minus => Some(Binary::Subtract),
            _ => None,
        }
    }

    fn binary(&mut self, weakest: u8) -> Option<Expr> {
        let mut left = self.unary()?;
        while let Some(operator) = self.operator().filter(|o| o.strength() >= weakest) {
            self.at += 1;
            let right = self.binary(operator.strength() + 1)?;
            left = Expr {
                span: left.span.to(right.span),
                kind: ExprKind::Binary(operator, Box::new(left), Box::new(right)),
            };
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<Expr> {
        let Some(token) = self.peek() else {
            self.tell_missing(Span::new(self.end.saturating_sub(1), self.end), "the expression ends here");
            return None;
        };
        self.at += 1;
        self.depth += 1;
        let expr = if self.depth > DEPTH_MAX {
            self.mistakes
                .add("expression", token.span, "this expression is nested too deeply")
                .expected(format!("at most {DEPTH_MAX} levels"));
            None
        } else {
            self.operand(token)
        };
        self.depth -= 1;
        expr
    }

    fn operand(&mut self, token: &'a Token) -> Option<Expr> {
        let kind = match &token.kind {
            Kind::Number(number) => ExprKind::Number(*number),
            Kind::Name(name) if matches!(self.peek(), Some(Token { kind: Kind::Open, .. })) => {
                return self.call(token, name);
            }
            Kind::Name(name) => ExprKind::Name(name.clone()),
            Kind::Any => return self.quantified(token, Quantifier::Any),
            Kind::All => return self.quantified(token, Quantifier::All),
            Kind::Not => return self.prefixed(token, Unary::Not),
            Kind::Minus => return self.prefixed(token, Unary::Negate),
            Kind::Open => return self.parenthesis(token),
            Kind::Close | Kind::Operator(_) => {
                self.tell_missing(token.span, "a value is missing before this");
                return None;
            }
        };
        Some(Expr { kind, span: token.span })
    }

    fn prefixed(&mut self, token: &Token, operator: Unary) -> Option<Expr> {
        let inner = self.unary()?;
        Some(Expr { span: token.span.to(inner.span), kind: ExprKind::Unary(operator, Box::new(inner)) })
    }

    fn quantified(&mut self, token: &Token, quantifier: Quantifier) -> Option<Expr> {
        let Some(Token { kind: Kind::Name(name), span }) = self.peek() else {
            self.mistakes
                .add("expression", token.span, "`any` and `all` stand before a local of identical threads")
                .expected("a name such as `w.r` after this");
            return None;
        };
        self.at += 1;
        Some(Expr { kind: ExprKind::Of(quantifier, name.clone()), span: token.span.to(*span) })
    }

    /// What linux/err.h has for pointers that may be errors: in a local the one is a reference, the other a word.
    fn call(&mut self, token: &Token, name: &str) -> Option<Expr> {
        let open = self.peek()?;
        let is_call = matches!(name, "IS_ERR" | "IS_ERR_OR_NULL" | "PTR_ERR" | "ERR_PTR" | "ERR_CAST");
        if !is_call {
            self.tell_left_over(open);
            return None;
        }
        self.at += 1;
        let inner = self.parenthesis(open)?;
        let span = token.span.to(inner.span);
        let unary = |operator, of: Expr| Expr { kind: ExprKind::Unary(operator, Box::new(of)), span };
        Some(match name {
            "IS_ERR" => unary(Unary::IsErr, inner),
            "IS_ERR_OR_NULL" => {
                let (error, none) = (unary(Unary::IsErr, inner.clone()), unary(Unary::Not, inner));
                Expr { kind: ExprKind::Binary(Binary::Or, Box::new(error), Box::new(none)), span }
            }
            _ => Expr { kind: inner.kind, span },
        })
    }

    fn parenthesis(&mut self, open: &Token) -> Option<Expr> {
        let inner = self.binary(1)?;
        match self.peek() {
            Some(Token { kind: Kind::Close, span }) => {
                self.at += 1;
                Some(Expr { span: open.span.to(*span), kind: inner.kind })
            }
            Some(other) => {
                self.tell_left_over(other);
                None
            }
            None => {
                self.mistakes
                    .add("expression", open.span, "this parenthesis is never closed")
                    .expected("a `)` for this");
                None
            }
        }
    }

    fn tell_missing(&mut self, span: Span, message: &str) {
        self.mistakes.add("expression", span, message).expected("a name, a number or `(`");
    }

    fn tell_left_over(&mut self, token: &Token) {
        let help = match &token.kind {
            Kind::Close => {
                self.mistakes
                    .add("expression", token.span, "this `)` closes nothing")
                    .expected("an operator, or the end of the expression");
                return;
            }
            Kind::Name(name) => match name.as_str() {
                "and" => Some("write `&&`".to_owned()),
                "or" => Some("write `||`".to_owned()),
                "is" => Some("write `==`, or use the short form `when r is=X`".to_owned()),
                _ => None,
            },
            Kind::Open => Some(
                "of calls an expression knows IS_ERR, IS_ERR_OR_NULL, PTR_ERR and ERR_PTR; a proc is called by `NAME \
                 operand into=r`"
                    .to_owned(),
            ),
            _ => None,
        };
        self.mistakes
            .add("expression", token.span, "an operator is missing before this")
            .expected("an operator such as == or &&")
            .help_if(help);
    }
}
