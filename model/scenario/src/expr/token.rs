//! The tokens of an expression.

use fenceweave_kernel::Type;

use super::Binary;
use crate::mistakes::{Mistakes, Span};

/// Tokens of one expression.
const TOKENS_MAX: usize = 256;

/// What a token of an expression is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// With its type, if the literal says one.
    Number(i64, Option<Type>),
    Name(String),
    Any,
    All,
    Operator(Binary),
    Not,
    /// Unary or binary: the parser sees which.
    Minus,
    Open,
    Close,
    Complement,
    Question,
    Colon,
    Comma,
}

/// A token, and where it stands in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// Splits the expression at `place`; `None` if a mistake was told.
pub(super) fn lex(source: &str, place: Span, mistakes: &mut Mistakes) -> Option<Vec<Token>> {
    let mut lexer = Lexer { rest: place.of(source), at: place.start as usize };
    let mut tokens = Vec::new();
    let before = mistakes.count();
    loop {
        lexer.skip_blanks();
        if lexer.rest.is_empty() {
            break;
        }
        let start = lexer.at;
        let kind = lexer.token(mistakes);
        let span = Span::new(start, lexer.at);
        tokens.extend(kind.map(|kind| Token { kind, span }));
        if tokens.len() > TOKENS_MAX {
            mistakes
                .add("expression", place, "this expression is too long")
                .expected(format!("at most {TOKENS_MAX} names, numbers and signs"));
            return None;
        }
    }
    (mistakes.count() == before).then_some(tokens)
}

/// Takes the text apart.
struct Lexer<'a> {
    rest: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        self.at += bytes;
        taken
    }

    fn skip_blanks(&mut self) {
        let blanks = self.rest.len() - self.rest.trim_start().len();
        self.take(blanks);
    }

    fn token(&mut self, mistakes: &mut Mistakes) -> Option<Kind> {
        let first = self.rest.chars().next()?;
        if first.is_ascii_digit() {
            return self.number(mistakes);
        }
        if first.is_ascii_alphabetic() || first == '_' {
            return Some(self.name());
        }
        const SIGNS: [(&str, Kind); 25] = [
            ("==", Kind::Operator(Binary::Equal)),
            ("!=", Kind::Operator(Binary::NotEqual)),
            ("<=", Kind::Operator(Binary::LessEqual)),
            (">=", Kind::Operator(Binary::GreaterEqual)),
            ("<<", Kind::Operator(Binary::ShiftLeft)),
            (">>", Kind::Operator(Binary::ShiftRight)),
            ("&&", Kind::Operator(Binary::And)),
            ("||", Kind::Operator(Binary::Or)),
            ("<", Kind::Operator(Binary::Less)),
            (">", Kind::Operator(Binary::Greater)),
            ("+", Kind::Operator(Binary::Add)),
            ("-", Kind::Minus),
            ("*", Kind::Operator(Binary::Multiply)),
            ("/", Kind::Operator(Binary::Divide)),
            ("%", Kind::Operator(Binary::Remainder)),
            ("&", Kind::Operator(Binary::BitAnd)),
            ("|", Kind::Operator(Binary::BitOr)),
            ("^", Kind::Operator(Binary::BitXor)),
            ("!", Kind::Not),
            ("(", Kind::Open),
            (")", Kind::Close),
            ("~", Kind::Complement),
            ("?", Kind::Question),
            (":", Kind::Colon),
            (",", Kind::Comma),
        ];
        for (sign, kind) in SIGNS {
            if self.rest.starts_with(sign) {
                self.take(sign.len());
                return Some(kind);
            }
        }
        self.strange(first, mistakes);
        None
    }

    fn strange(&mut self, first: char, mistakes: &mut Mistakes) {
        let span = Span::new(self.at, self.at + first.len_utf8());
        self.take(first.len_utf8());
        let help = match first {
            '=' => "comparison is `==`; a local is set by `let r=\"…\"` or `into=r`",
            '[' | ']' => "the element of an array is written `pte.0`; a script loads it by `load pte at=i into=x`",
            '\'' | '"' | '\\' => "there are no texts inside an expression",
            ';' => "delete it",
            _ => {
                "an expression holds names, numbers and the signs == != < <= > >= + - * / % & | ^ ~ << >> ! && || ? : ( )"
            }
        };
        mistakes
            .add("expression", span, format!("`{first}` has no meaning in an expression"))
            .expected("an operator")
            .help(help);
    }

    /// Letters, digits, `_` and inner `-`, in parts joined by `.` or `->`.
    fn name(&mut self) -> Kind {
        let mut name = String::new();
        loop {
            name.push_str(self.take(part_length(self.rest)));
            let joint = if self.rest.starts_with("->") { 2 } else { usize::from(self.rest.starts_with('.')) };
            let next = self.rest[joint..].bytes().next();
            if joint == 0 || !next.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') {
                break;
            }
            self.take(joint);
            name.push('.');
        }
        match name.as_str() {
            "any" => Kind::Any,
            "all" => Kind::All,
            _ => Kind::Name(name),
        }
    }

    fn number(&mut self, mistakes: &mut Mistakes) -> Option<Kind> {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        let length = self.rest.find(|c| !word(c)).unwrap_or(self.rest.len());
        let start = self.at;
        let said = self.take(length);
        match literal(said) {
            Ok((number, ty)) => Some(Kind::Number(number, ty)),
            Err(help) => {
                mistakes
                    .add("expression", Span::new(start, self.at), format!("`{said}` is not a whole number"))
                    .expected("a number such as 3 or 0x1f")
                    .help(help);
                None
            }
        }
    }
}

/// A literal as C reads it: a decimal one is an `int` or a `long`, one in another base may be unsigned, a suffix says
/// more.
fn literal(said: &str) -> Result<(i64, Option<Type>), String> {
    let is_hex = said.starts_with("0x") || said.starts_with("0X");
    let suffix = said.len() - said.trim_end_matches(['u', 'U', 'l', 'L']).len();
    let (digits, suffix) = said.split_at(said.len() - suffix);
    let suffix = suffix.to_ascii_lowercase();
    let (is_unsigned, is_long) = match suffix.as_str() {
        "" => (false, false),
        "u" => (true, false),
        "l" | "ll" => (false, true),
        "ul" | "ull" | "lu" | "llu" => (true, true),
        _ => return Err("C's suffixes are U, L, UL, LL and ULL".to_owned()),
    };
    let number = crate::syntax::unsigned_number(digits)?;
    let plain = is_hex || digits.starts_with("0b") || digits.starts_with("0o");
    let fits_as = |ty: Type| i128::from(number) <= ty.range().1;
    let candidates =
        [(Type::S32, false, false), (Type::U32, true, false), (Type::S64, false, true), (Type::U64, true, true)];
    let ty = candidates.into_iter().find(|(ty, unsigned, long)| {
        let sign = if *unsigned { is_unsigned || plain } else { !is_unsigned };
        sign && (*long || !is_long) && fits_as(*ty)
    });
    let Some((ty, ..)) = ty else {
        return Err("it does not fit in 64 bits with a sign: ULL says that it has none".to_owned());
    };
    // What a number without more is need not be said.
    let natural = if fits_as(Type::S32) { Type::S32 } else { Type::S64 };
    Ok((number as i64, (ty != natural).then_some(ty)))
}

/// The length of one part of a name. A `-` belongs to it when a letter or
/// digit follows, which is why subtraction needs blanks.
fn part_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let word = |at: usize| bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let mut at = 0;
    while word(at) || (bytes.get(at) == Some(&b'-') && word(at + 1)) {
        at += 1;
    }
    at
}
