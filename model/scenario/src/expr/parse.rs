//! The grammar of expressions, by precedence climbing.

use fenceweave_kernel::Type;

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
    let expr = parser.conditional()?;
    match parser.peek() {
        None => Some(expr),
        Some(token) => {
            let token = token.clone();
            parser.tell_left_over(&token);
            None
        }
    }
}

/// What a call of a function of the kernel over numbers makes.
#[derive(Clone, Copy)]
enum Does {
    Unary(Unary),
    Binary(Binary),
    Overflows(Binary),
    Wraps(Binary),
}

#[derive(Clone, Copy)]
struct Function {
    does: Does,
    written: &'static str,
    /// After how many values its type stands.
    type_at: usize,
}

impl Function {
    fn name(&self) -> &'static str {
        self.written.split('(').next().unwrap_or_default()
    }
}

#[derive(Default)]
struct Given {
    values: Vec<Expr>,
    ty: Option<Type>,
}

const NO_TYPE: usize = usize::MAX;

const fn function(does: Does, type_at: usize, written: &'static str) -> Function {
    Function { does, written, type_at }
}

const FUNCTIONS: &[Function] = &[
    function(Does::Binary(Binary::Min), NO_TYPE, "min(A, B)"),
    function(Does::Binary(Binary::Max), NO_TYPE, "max(A, B)"),
    function(Does::Binary(Binary::Min), 0, "min_t(TYPE, A, B)"),
    function(Does::Binary(Binary::Max), 0, "max_t(TYPE, A, B)"),
    function(Does::Binary(Binary::Align), NO_TYPE, "ALIGN(X, A)"),
    function(Does::Unary(Unary::Ffs), NO_TYPE, "ffs(X)"),
    function(Does::Unary(Unary::Fls), NO_TYPE, "fls(X)"),
    function(Does::Unary(Unary::Fls64), NO_TYPE, "fls64(X)"),
    function(Does::Unary(Unary::Ilog2), NO_TYPE, "ilog2(X)"),
    function(Does::Overflows(Binary::Add), 2, "check_add_overflow(A, B, TYPE)"),
    function(Does::Overflows(Binary::Subtract), 2, "check_sub_overflow(A, B, TYPE)"),
    function(Does::Overflows(Binary::Multiply), 2, "check_mul_overflow(A, B, TYPE)"),
    function(Does::Wraps(Binary::Add), 0, "wrapping_add(TYPE, A, B)"),
    function(Does::Wraps(Binary::Subtract), 0, "wrapping_sub(TYPE, A, B)"),
    function(Does::Wraps(Binary::Multiply), 0, "wrapping_mul(TYPE, A, B)"),
];

/// Reads tokens, and says what it makes of them.
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

    /// A whole expression: `?:` binds weaker than everything else, and to the right.
    fn conditional(&mut self) -> Option<Expr> {
        let condition = self.binary(1)?;
        if !self.is_next(&Kind::Question) {
            return Some(condition);
        }
        self.at += 1;
        self.depth += 1;
        let sides = if self.depth > DEPTH_MAX { self.tell_deep(condition.span) } else { self.sides() };
        self.depth -= 1;
        let [yes, no] = sides?;
        let span = condition.span.to(no.span);
        Some(Expr { kind: ExprKind::Select(Box::new([condition, yes, no])), span })
    }

    fn sides(&mut self) -> Option<[Expr; 2]> {
        let yes = self.conditional()?;
        if !self.is_next(&Kind::Colon) {
            match self.peek().cloned() {
                Some(token) => self.tell_left_over(&token),
                None => {
                    self.tell_missing(Span::new(self.end.saturating_sub(1), self.end), "the `:` of this `?` is missing")
                }
            }
            return None;
        }
        self.at += 1;
        Some([yes, self.conditional()?])
    }

    fn is_next(&self, kind: &Kind) -> bool {
        self.peek().is_some_and(|token| token.kind == *kind)
    }

    fn tell_deep<T>(&mut self, span: Span) -> Option<T> {
        self.mistakes
            .add("expression", span, "this expression is nested too deeply")
            .expected(format!("at most {DEPTH_MAX} levels"));
        None
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
        let expr = if self.depth > DEPTH_MAX { self.tell_deep(token.span) } else { self.operand(token) };
        self.depth -= 1;
        expr
    }

    fn operand(&mut self, token: &'a Token) -> Option<Expr> {
        let kind = match &token.kind {
            Kind::Number(number, None) => ExprKind::Number(*number),
            Kind::Number(number, Some(ty)) => {
                let literal = Expr { kind: ExprKind::Number(*number), span: token.span };
                ExprKind::Cast(*ty, Box::new(literal))
            }
            Kind::Name(name) if matches!(self.peek(), Some(Token { kind: Kind::Open, .. })) => {
                return self.call(token, name);
            }
            // Each pointer that is followed is a step, and a local of the compiler's.
            Kind::Name(name) if name.matches('.').count() > DEPTH_MAX => return self.tell_deep(token.span),
            Kind::Name(name) => ExprKind::Name(name.clone()),
            Kind::Any => return self.quantified(token, Quantifier::Any),
            Kind::All => return self.quantified(token, Quantifier::All),
            Kind::Not => return self.prefixed(token, Unary::Not),
            Kind::Minus => return self.prefixed(token, Unary::Negate),
            Kind::Complement => return self.prefixed(token, Unary::Complement),
            Kind::Open if self.is_cast() => return self.cast(token),
            Kind::Open => return self.parenthesis(token),
            Kind::Operator(Binary::Multiply) => return self.pointee(token),
            Kind::Operator(Binary::BitAnd) => {
                self.mistakes
                    .add("expression", token.span, "an address is no part of an expression")
                    .expected("a name, a number or `(`")
                    .help("it stands by itself, without quotes: `let p=&b.field`, and `*p` is what is there");
                return None;
            }
            Kind::Close | Kind::Operator(_) | Kind::Question | Kind::Colon | Kind::Comma => {
                self.tell_missing(token.span, "a value is missing before this");
                return None;
            }
        };
        Some(Expr { kind, span: token.span })
    }

    /// `*p`: the word behind a pointer goes by the pointer's name.
    fn pointee(&mut self, star: &Token) -> Option<Expr> {
        let Some(Token { kind: Kind::Name(name), span }) = self.peek() else {
            self.mistakes
                .add("expression", star.span, "a `*` before a value follows a pointer")
                .expected("the name of a local, or in a `fn` a path, that has the address of a word");
            return None;
        };
        self.at += 1;
        Some(Expr { kind: ExprKind::Name(format!("*{name}")), span: star.span.to(*span) })
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
        if let Some(function) = FUNCTIONS.iter().find(|function| function.name() == name) {
            return self.function(token, *function);
        }
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

    /// Whether what follows a `(` is a type and `)`, and a value after that.
    fn is_cast(&self) -> bool {
        let kind = |ahead: usize| self.tokens.get(self.at + ahead).map(|token| &token.kind);
        let value = matches!(
            kind(2),
            Some(Kind::Number(..) | Kind::Name(_) | Kind::Open | Kind::Not | Kind::Complement | Kind::Minus)
        );
        let is_type = matches!(kind(0), Some(Kind::Name(name)) if Type::named(name).is_some());
        is_type && kind(1) == Some(&Kind::Close) && value
    }

    fn cast(&mut self, open: &Token) -> Option<Expr> {
        let ty = match self.peek() {
            Some(Token { kind: Kind::Name(name), .. }) => Type::named(name)?,
            _ => return None,
        };
        self.at += 2;
        let inner = self.unary()?;
        Some(Expr { span: open.span.to(inner.span), kind: ExprKind::Cast(ty, Box::new(inner)) })
    }

    /// A function of the kernel over numbers: which one, and how many values and types it takes in which order.
    fn function(&mut self, token: &Token, function: Function) -> Option<Expr> {
        let mut given = Given::default();
        self.at += 1;
        loop {
            let is_type = given.values.len() == function.type_at && given.ty.is_none();
            match self.peek() {
                Some(Token { kind: Kind::Name(name), .. }) if is_type && Type::named(name).is_some() => {
                    given.ty = Type::named(name);
                    self.at += 1;
                }
                _ => given.values.push(self.conditional()?),
            }
            let Some(next) = self.peek() else {
                self.tell_missing(token.span, "the parenthesis of this call is never closed");
                return None;
            };
            self.at += 1;
            match next.kind {
                Kind::Comma => {}
                Kind::Close => return self.called(token.span.to(next.span), function, given),
                _ => {
                    let next = next.clone();
                    self.tell_left_over(&next);
                    return None;
                }
            }
        }
    }

    fn called(&mut self, span: Span, function: Function, given: Given) -> Option<Expr> {
        let expr = |kind| Expr { kind, span };
        let cast = |ty: Option<Type>, of: Expr| match ty {
            Some(ty) => Expr { span: of.span, kind: ExprKind::Cast(ty, Box::new(of)) },
            None => of,
        };
        let typed = function.type_at < NO_TYPE;
        let values: Result<[Expr; 2], Vec<Expr>> = given.values.try_into();
        Some(match (function.does, values, given.ty) {
            (Does::Binary(op), Ok([a, b]), ty) if typed == ty.is_some() => {
                expr(ExprKind::Binary(op, Box::new(cast(ty, a)), Box::new(cast(ty, b))))
            }
            (Does::Unary(op), Err(mut one), None) if one.len() == 1 => {
                expr(ExprKind::Unary(op, Box::new(one.swap_remove(0))))
            }
            (Does::Overflows(op), Ok(both), Some(ty)) => expr(ExprKind::Overflows(op, Box::new(both), ty)),
            // Calculated with the bits, of which the type keeps its own.
            (Does::Wraps(op), Ok([a, b]), Some(ty)) => {
                let (a, b) = (cast(Some(Type::U64), a), cast(Some(Type::U64), b));
                expr(ExprKind::Cast(ty, Box::new(expr(ExprKind::Binary(op, Box::new(a), Box::new(b))))))
            }
            _ => {
                self.mistakes
                    .add("expression", span, "these are not the arguments of this function")
                    .expected(format!("`{}`", function.written));
                return None;
            }
        })
    }

    fn parenthesis(&mut self, open: &Token) -> Option<Expr> {
        let inner = self.conditional()?;
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
                "of calls an expression knows IS_ERR, IS_ERR_OR_NULL, PTR_ERR, ERR_PTR, min, max, min_t, max_t, ALIGN, ffs, \
                 fls, fls64, ilog2, check_add_overflow and wrapping_add with their kin; a proc is called by `NAME operand \
                 into=r`"
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
