//! The grammar by example: what is read, and what is answered.

use super::{Expr, ExprKind, parse};
use crate::mistakes::{Mistakes, Span};

/// The expression with all its parentheses.
fn shown(expr: &Expr) -> String {
    match &expr.kind {
        ExprKind::Number(number) => number.to_string(),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Of(quantifier, name) => format!("{quantifier:?} {name}"),
        ExprKind::Unary(operator, inner) => format!("{operator:?}({})", shown(inner)),
        ExprKind::Cast(ty, inner) => format!("{ty}({})", shown(inner)),
        ExprKind::Select(parts) => {
            let [condition, yes, no] = parts.each_ref().map(shown);
            format!("({condition} ? {yes} : {no})")
        }
        ExprKind::Overflows(operator, parts, ty) => {
            let [a, b] = parts.each_ref().map(shown);
            format!("{operator:?} of {a} and {b} fits no {ty}")
        }
        ExprKind::Binary(operator, a, b) => format!("({} {operator:?} {})", shown(a), shown(b)),
    }
}

fn read(text: &str) -> String {
    let mut mistakes = Mistakes::new("e", text);
    match parse(text, Span::new(0, text.len()), &mut mistakes) {
        Some(expr) => shown(&expr),
        None => mistakes.into_report().plain(),
    }
}

#[test]
fn operators_bind_as_in_c() {
    for (text, expected) in [
        ("a + b * c", "(a Add (b Multiply c))"),
        ("a - b - c", "((a Subtract b) Subtract c)"),
        ("a & b == c", "(a BitAnd (b Equal c))"),
        ("a | b ^ c & d", "(a BitOr (b BitXor (c BitAnd d)))"),
        ("a || b && !c", "(a Or (b And Not(c)))"),
        ("(a || b) && c", "((a Or b) And c)"),
        ("a << 1 < b >> 2", "((a ShiftLeft 1) Less (b ShiftRight 2))"),
        ("a <= 1 != b >= 0x1f", "((a LessEqual 1) NotEqual (b GreaterEqual 31))"),
        ("-a * -1", "(Negate(a) Multiply Negate(1))"),
        ("r == -EDEADLK", "(r Equal Negate(EDEADLK))"),
        ("a / b % c", "((a Divide b) Remainder c)"),
        ("IS_ERR(p) && !IS_ERR(q)", "(IsErr(p) And Not(IsErr(q)))"),
        ("IS_ERR_OR_NULL(p)", "(IsErr(p) Or Not(p))"),
        ("PTR_ERR(p) == -ENOMEM", "(p Equal Negate(ENOMEM))"),
        ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
        ("a == 1 ? ~b : (u32)c + 1", "((a Equal 1) ? Complement(b) : (u32(c) Add 1))"),
        ("1ULL << 40 | 2U", "((u64(1) ShiftLeft 40) BitOr u32(2))"),
        ("0xffffffff + 4294967295", "(u32(4294967295) Add 4294967295)"),
        ("0xffffffffffffffff - 1L", "(u64(-1) Subtract s64(1))"),
        ("min(a, b + 1)", "(a Min (b Add 1))"),
        ("max_t(u8, a, b)", "(u8(a) Max u8(b))"),
        ("check_add_overflow(a, b, u32)", "Add of a and b fits no u32"),
        ("wrapping_sub(u8, a, 1)", "u8((u64(a) Subtract u64(1)))"),
        ("ilog2(ffs(x))", "Ilog2(Ffs(x))"),
        ("any w.r == NULL && all w.s", "((Any w.r Equal NULL) And All w.s)"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn names_hold_dashes_dots_and_arrows() {
    for (text, expected) in [
        ("load-page - 1", "(load-page Subtract 1)"),
        ("r-1", "r-1"),
        ("r -1", "(r Subtract 1)"),
        ("w.0.seen", "w.0.seen"),
        ("p->seq == p.seq", "(p.seq Equal p.seq)"),
        ("a_b", "a_b"),
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn mistakes_have_places_and_ways_out() {
    let texts = [
        "",
        "r = 0",
        "r ==",
        "== r",
        "(r",
        "r)",
        "r and s",
        "r == 5us",
        "pte[0]",
        "r ~ 1",
        "r ? 1",
        "min(r)",
        "min_t(r, 1, 2)",
        "check_add_overflow(r, 1)",
        "ffs(r, 1)",
        "1UX",
        "9223372036854775808",
        "f(x)",
        "any 5",
        "r : 2",
        "'x'",
    ];
    let told: Vec<String> = texts.into_iter().map(read).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn depth_and_length_are_bounded() {
    assert!(read(&"(".repeat(1000)).contains("too long"));
    assert!(read(&"!".repeat(100)).contains("too deeply"));
    assert!(read(&format!("p{}", ".n".repeat(100))).contains("too deeply"));
    assert!(read(&["a"; 100].join(" + ")).starts_with('('));
}
