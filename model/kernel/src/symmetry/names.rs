//! What a part of a program names: its text, in which threads, objects, words and tasks are told from everything else.

use crate::{Expr, Instr, MAX_THREADS, ObjId, Program, Script, ThreadId, program::PoolRange};
use std::fmt::Write;

/// A piece of the text of a part of a program.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Token {
    /// An object, a word, or the task of a thread.
    Id(ObjId),
    /// A thread.
    Thread(ThreadId),
    /// Threads, a bit each.
    Threads(u16),
    /// Whatever names nothing.
    Text(String),
}

/// Pieces in order.
pub(super) type Names = Vec<Token>;

/// The words in a program's text that a number follows, and which names a thing.
const WORDS: [&str; 5] = ["obj", "var", "task", "ThreadId(", "ThreadSet("];

/// Takes a text apart.
pub(super) fn names_of(text: &str) -> Names {
    let (mut all, mut plain, mut rest) = (vec![], String::new(), text);
    while let Some(first) = rest.chars().next() {
        match named(rest, plain.chars().next_back()) {
            Some((token, len)) => {
                all.push(Token::Text(std::mem::take(&mut plain)));
                all.push(token);
                rest = &rest[len..];
            }
            None => {
                plain.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    all.push(Token::Text(plain));
    all
}

/// What is named at the beginning of a text, and how long that is there.
fn named(text: &str, before: Option<char>) -> Option<(Token, usize)> {
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let word = WORDS.into_iter().find(|word| text.starts_with(word))?;
    let digits = text[word.len()..].bytes().take_while(u8::is_ascii_digit).count();
    let end = word.len() + digits;
    let n: u16 = text[word.len()..end].parse().ok()?;
    let token = match word {
        "obj" => Token::Id(ObjId::object(usize::from(n))),
        "var" => Token::Id(ObjId::var(usize::from(n))),
        "task" => Token::Id(ObjId::task(ThreadId(n as u8))),
        "ThreadId(" => Token::Thread(ThreadId(n as u8)),
        _ => Token::Threads(n),
    };
    Some((token, end))
}

/// What an instruction says; what it keeps in the program's tables stands in its place.
pub(super) fn of_instr(program: &Program, instr: &Instr, out: &mut String) {
    let expr = |at: u16| program.exprs.get(usize::from(at)).map(Expr::nodes);
    let text = match instr {
        Instr::Let { into, expr: at } => format!("Let {into:?} {:?}", expr(*at)),
        Instr::Branch { expr: at, otherwise } => format!("Branch {otherwise} {:?}", expr(*at)),
        Instr::Assert { expr: at } => format!("Assert {:?}", expr(*at)),
        Instr::Warn { expr: at, ends } => format!("Warn {ends} {:?}", expr(*at)),
        other => format!("{other:?}"),
    };
    with_tables(program, &text, out);
    out.push('\n');
}

/// A text with the operands and expressions that it keeps in the program's tables.
fn with_tables(program: &Program, text: &str, out: &mut String) {
    const POOL: &str = "PoolRange { start: ";
    const EXPR: &str = ", expr: ";
    let mut rest = text;
    while let Some(at) = rest.find(POOL).into_iter().chain(rest.find(EXPR)).min() {
        let is_pool = rest[at..].starts_with(POOL);
        let (mut numbers, open) = (vec![], if is_pool { POOL } else { EXPR });
        out.push_str(&rest[..at + open.len()]);
        rest = &rest[at + open.len()..];
        let end = if is_pool { rest.find('}') } else { rest.find([',', ' ', '}']) }.unwrap_or(rest.len());
        numbers.extend(rest[..end].split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse::<u16>().ok()));
        rest = &rest[end..];
        let told = match numbers[..] {
            [start, len] if is_pool => write!(out, "{:?}", program.pool_range(PoolRange { start, len: len as u8 })),
            [at] if !is_pool => write!(out, "{:?}", program.exprs.get(usize::from(at)).map(Expr::nodes)),
            _ => write!(out, "?{numbers:?}"),
        };
        debug_assert!(told.is_ok(), "[internal bug] a text was not written");
    }
    out.push_str(rest);
}

/// What a script does, without the places where it was written and the names of what is its own.
pub(super) fn of_script(program: &Program, script: &Script) -> Names {
    let mut text = String::new();
    script.code.iter().for_each(|instr| of_instr(program, instr, &mut text));
    let Script { agent, role, callees, live, warnings, atomics, locals, types, calls, .. } = script;
    let unnamed: Vec<bool> = locals.iter().map(String::is_empty).collect();
    let steps: Vec<(u16, u16)> = atomics.iter().map(|a| (a.from, a.to)).collect();
    let told = write!(text, "{agent} {role:?} {callees:?} {live:?} {warnings:?} {steps:?} {unnamed:?} {types:?}");
    debug_assert!(told.is_ok(), "[internal bug] a text was not written");
    for call in calls {
        let args: Vec<_> = call.args.iter().map(|at| program.exprs.get(usize::from(*at)).map(Expr::nodes)).collect();
        let told = write!(text, "{:?} {args:?} {:?} {}", call.callee, call.into, call.keep);
        debug_assert!(told.is_ok(), "[internal bug] a text was not written");
    }
    names_of(&text)
}

const _: () = assert!(MAX_THREADS <= 16);
