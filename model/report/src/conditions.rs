//! A condition of an expectation as text, and what an exploration saw of it.

use crate::words;
use fenceweave_explore::Watched;
use fenceweave_kernel::{Condition, Expr, ExprNode, Leaf, Moment, Program, Type, Value, expr::Operator};

/// The condition as the scenario language writes it: `never "cpu.seen != 1"`.
pub fn text(program: &Program, condition: &Condition) -> String {
    let all: Vec<String> = condition.all.iter().map(|e| format!("\"{}\"", expression(program, e))).collect();
    format!("{} {}", condition.moment.keyword(), all.join(" "))
}

/// What was seen of the condition: `true and false`, `always true`, `never true`, ….
///
/// What that means for the verdict depends on how much was looked at, which is for the caller to judge.
pub fn seen(watched: &Watched) -> &'static str {
    match (watched.seen_true.is_some(), watched.seen_false.is_some()) {
        _ if watched.not_judged => "not judged by this engine",
        _ if watched.failed => {
            "cannot be evaluated: it divides by zero, has a result that its type does not hold, or does arithmetic on a reference"
        }
        (true, true) => "seen true and seen false",
        (true, false) => "seen true, never false",
        (false, true) => "seen false, never true",
        (false, false) => "never judged: what it reads was never set",
    }
}

/// What was seen that speaks against the condition; nothing if all is as it says. A `sometimes` that was not seen is
/// missing only if everything was looked at.
pub fn against(condition: &Condition, watched: &Watched) -> Option<&'static str> {
    let (yes, no) = (watched.seen_true.is_some(), watched.seen_false.is_some());
    match condition.moment {
        _ if watched.not_judged => None,
        _ if watched.failed => Some("it cannot be evaluated"),
        Moment::Never => yes.then_some("it became true"),
        Moment::Always => no.then_some("it became false"),
        Moment::AtEnd => no.then_some("it is false at an end"),
        Moment::Sometimes => (!yes).then_some("it was never seen true"),
        Moment::Eventually => no.then_some("some execution never makes it true"),
        Moment::Settles => no.then_some("some execution never stays where it is true"),
    }
}

/// The nodes of an expression, with what constants beside something of a type of the program's own are called there.
fn named(program: &Program, nodes: &[ExprNode<Leaf>]) -> Vec<Option<String>> {
    let mut names = vec![None; nodes.len()];
    // Of each value the type that it has, and where it stands if it is a constant.
    let mut stack: Vec<(Option<Type>, Option<usize>)> = vec![];
    for (at, node) in nodes.iter().enumerate() {
        let sides = stack.split_off(stack.len().saturating_sub(node.takes()));
        let own = |ty: Type| matches!(ty, Type::Named { .. }).then_some(ty);
        let item = match (node, sides.as_slice()) {
            (ExprNode::Const(_), _) => (None, Some(at)),
            (ExprNode::Read(l), _) => (own(leaf_type(program, *l)), None),
            (ExprNode::Apply(op) | ExprNode::As(op, _), [a, b]) => {
                let ty = a.0.or(b.0);
                for (ty, constant) in
                    ty.into_iter().flat_map(|ty| [a.1, b.1].into_iter().flatten().map(move |at| (ty, at)))
                {
                    if let ExprNode::Const(v) = nodes[constant] {
                        names[constant] = Some(words::typed(program, ty, v));
                    }
                }
                (ty.filter(|_| matches!(op, Operator::BitAnd | Operator::BitOr)), None)
            }
            _ => (None, None),
        };
        stack.push(item);
    }
    names
}

/// The type of what a condition reads.
pub(crate) fn leaf_type(program: &Program, l: Leaf) -> Type {
    match l {
        Leaf::Local(t, l) => words::script(program, t).local_type(l),
        Leaf::Var(v) => program.var_type(v),
        Leaf::Facet(..) => Type::S64,
        Leaf::Through(path) => {
            let last = program.paths.get(usize::from(path)).and_then(|path| path.fields.last());
            last.map_or(Type::S64, |field| program.field_type(*field))
        }
    }
}

/// An expression in C's notation, with no more parentheses than it needs.
pub fn expression(program: &Program, e: &Expr<Leaf>) -> String {
    let mut stack: Vec<(String, u8)> = vec![];
    let named = named(program, e.nodes());
    for (node, name) in e.nodes().iter().zip(named) {
        let item = match node {
            ExprNode::Const(v) => (name.unwrap_or_else(|| constant(program, *v)), ATOM),
            ExprNode::Read(l) => (leaf(program, *l), ATOM),
            ExprNode::Apply(op) | ExprNode::As(op, _) if op.is_unary() => {
                let (arg, level) = stack.pop().unwrap_or_default();
                let sign = symbol(*op).0;
                let is_call = sign.chars().all(char::is_alphanumeric) || *op == Operator::IsErr;
                (format!("{sign}{}", wrapped(arg, level < UNARY || is_call)), UNARY)
            }
            ExprNode::Cast(ty) => {
                let (arg, level) = stack.pop().unwrap_or_default();
                (format!("({ty}){}", wrapped(arg, level < UNARY)), UNARY)
            }
            ExprNode::Select => {
                let [no, yes, (condition, level)] = std::array::from_fn(|_| stack.pop().unwrap_or_default());
                (format!("{} ? {} : {}", wrapped(condition, level == 0), yes.0, no.0), 0)
            }
            ExprNode::Overflows(op, [.., ty]) => {
                let [(right, _), (left, _)] = std::array::from_fn(|_| stack.pop().unwrap_or_default());
                let name = match op {
                    Operator::Add => "add",
                    Operator::Sub => "sub",
                    _ => "mul",
                };
                (format!("check_{name}_overflow({left}, {right}, {ty})"), ATOM)
            }
            ExprNode::Apply(op @ (Operator::Min | Operator::Max | Operator::Align))
            | ExprNode::As(op @ (Operator::Min | Operator::Max | Operator::Align), _) => {
                let [(right, _), (left, _)] = std::array::from_fn(|_| stack.pop().unwrap_or_default());
                (format!("{}({left}, {right})", symbol(*op).0), ATOM)
            }
            ExprNode::Apply(op) | ExprNode::As(op, _) => {
                let (right, r) = stack.pop().unwrap_or_default();
                let (left, l) = stack.pop().unwrap_or_default();
                let (sign, level) = symbol(*op);
                (format!("{} {sign} {}", wrapped(left, l < level), wrapped(right, r <= level)), level)
            }
        };
        stack.push(item);
    }
    stack.pop().map_or(String::new(), |(text, _)| text)
}

fn wrapped(text: String, needed: bool) -> String {
    if needed { format!("({text})") } else { text }
}

fn constant(program: &Program, v: Value) -> String {
    words::value(program, v)
}

/// What a condition reads, by name.
pub(crate) fn leaf(program: &Program, l: Leaf) -> String {
    match l {
        Leaf::Local(t, l) => format!("{}.{}", program.thread_name(t), words::local_name(program, t, l)),
        Leaf::Var(v) => program.name_of(v).into(),
        Leaf::Facet(o, f) => {
            let name = program.field_names.get(usize::from(f.0)).map_or("?", |n| n);
            format!("{}.{name}", program.name_of(o))
        }
        Leaf::Through(path) => {
            let Some(path) = program.paths.get(usize::from(path)) else { return "?".into() };
            let names = path.fields.iter().filter_map(|f| program.field_names.get(usize::from(f.0)));
            names.fold(leaf(program, path.from), |text, name| format!("{text}.{name}"))
        }
    }
}

/// How strongly C binds: larger is tighter.
const ATOM: u8 = 20;
const UNARY: u8 = 15;

/// How an operator is written.
pub(crate) fn sign(op: Operator) -> &'static str {
    symbol(op).0
}

fn symbol(op: Operator) -> (&'static str, u8) {
    match op {
        Operator::Or => ("||", 1),
        Operator::And => ("&&", 2),
        Operator::BitOr => ("|", 3),
        Operator::BitXor => ("^", 4),
        Operator::BitAnd => ("&", 5),
        Operator::Eq => ("==", 6),
        Operator::Ne => ("!=", 6),
        Operator::Lt => ("<", 7),
        Operator::Le => ("<=", 7),
        Operator::Gt => (">", 7),
        Operator::Ge => (">=", 7),
        Operator::Shl => ("<<", 8),
        Operator::Shr => (">>", 8),
        Operator::Add => ("+", 9),
        Operator::Sub => ("-", 9),
        Operator::Mul => ("*", 10),
        Operator::Div => ("/", 10),
        Operator::Rem => ("%", 10),
        Operator::Not => ("!", UNARY),
        Operator::BitNot => ("~", UNARY),
        Operator::Neg => ("-", UNARY),
        Operator::IsErr => ("IS_ERR", UNARY),
        Operator::Ffs => ("ffs", UNARY),
        Operator::Fls => ("fls", UNARY),
        Operator::Fls64 => ("fls64", UNARY),
        Operator::Ilog2 => ("ilog2", UNARY),
        Operator::Min => ("min", ATOM),
        Operator::Max => ("max", ATOM),
        Operator::Align => ("ALIGN", ATOM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fenceweave_explore::Trace;
    use fenceweave_kernel::{LocalId, ThreadId, builder::ProgramBuilder};

    #[test]
    fn conditions_read_as_they_were_written() {
        use ExprNode::{Apply, Const, Read};
        let mut b = ProgramBuilder::new("t");
        let x = b.var("x", Value::Word(0));
        b.thread("cpu", |s| {
            s.local("r");
        });
        let program = b.build();
        let (r, x) = (Read(Leaf::Local(ThreadId(0), LocalId(0))), Read(Leaf::Var(x)));
        let sum = vec![r, x, Const(Value::Word(-35)), Apply(Operator::Add), Apply(Operator::Mul), Apply(Operator::Not)];
        let both = vec![r, x, Apply(Operator::Eq), x, Const(Value::Null), Apply(Operator::Ne), Apply(Operator::And)];
        let all = [sum, both].map(|n| Expr::from_postfix(n).expect("well-formed"));
        let condition = Condition { moment: Moment::Never, all: all.into() };
        assert_eq!(text(&program, &condition), r#"never "!(cpu.r * (x + -EDEADLK))" "cpu.r == x && x != NULL""#);
        let mut watched = Watched::default();
        assert_eq!(against(&condition, &watched), None);
        watched.seen_true = Some(Trace::default());
        assert_eq!(against(&condition, &watched), Some("it became true"));
        assert_eq!(seen(&watched), "seen true, never false");
    }
}
