//! Every state once, depth first, in a set.

use crate::{
    Turn, mutex,
    program::{Line, Op, Program, Statement, flatten},
    rwsem, sleep,
    state::{At, State, spin_trylock},
};
use std::{
    collections::{BTreeSet, HashSet},
    hash::{Hash, Hasher},
};

/// How an execution ends, as its observer sees it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum End {
    /// Everybody is done.
    Finished {
        /// The locals of each thread; what was never set is nothing.
        locals: Vec<Vec<Option<i32>>>,
        /// The words.
        words: Vec<i32>,
    },
    /// Nobody can go on: for each thread that is not done, in which of its calls it is, counted in the order of its
    /// text.
    Stuck(Vec<(usize, usize)>),
}

/// What there is to know about a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judgement {
    /// Every end.
    pub ends: BTreeSet<End>,
    /// How many states there are.
    pub states: usize,
}

/// Judges a program; nothing, if it has more states than that.
pub fn judge(program: &Program, most: usize) -> Option<Judgement> {
    let judge = Judge::new(program);
    let locals: Vec<usize> = program.threads.iter().map(|t| locals_of(t)).collect();
    let mut first = State::new(program, &locals);
    (0..program.threads.len()).for_each(|t| judge.settle(&mut first, t));
    let mut seen = HashSet::from([packed(&first)]);
    let (mut open, mut ends) = (vec![first], BTreeSet::new());
    while let Some(state) = open.pop() {
        let next = judge.next(&state);
        if next.is_empty() {
            ends.insert(judge.end(&state));
        }
        for state in next {
            if seen.len() > most {
                return None;
            }
            if seen.insert(packed(&state)) {
                open.push(state);
            }
        }
    }
    Some(Judgement { ends, states: seen.len() })
}

/// What a state hashes is all of it, with the length of each list before it: kept as it is, it is the state in few
/// bytes.
fn packed(state: &State) -> Box<[u8]> {
    let mut bytes = Packed(Vec::with_capacity(160));
    state.hash(&mut bytes);
    bytes.0.into()
}

/// A hasher that forgets nothing.
struct Packed(Vec<u8>);

impl Packed {
    /// Most numbers are small: one byte, or a mark that none of those is and all of it.
    fn number(&mut self, n: u64) {
        match u8::try_from(n) {
            Ok(byte) if byte < u8::MAX => self.0.push(byte),
            _ => {
                self.0.push(u8::MAX);
                self.0.extend(n.to_le_bytes());
            }
        }
    }
}

impl Hasher for Packed {
    fn finish(&self) -> u64 {
        unreachable!("nobody asks for a hash")
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend(bytes);
    }
    fn write_u8(&mut self, n: u8) {
        self.number(n.into());
    }
    fn write_i32(&mut self, n: i32) {
        self.number(n as u32 as u64);
    }
    fn write_u32(&mut self, n: u32) {
        self.number(n.into());
    }
    fn write_usize(&mut self, n: usize) {
        self.number(n as u64);
    }
    fn write_isize(&mut self, n: isize) {
        self.number(n as u64);
    }
}

/// How many locals the statements name.
fn locals_of(statements: &[Statement]) -> usize {
    let most = statements.iter().map(|s| match s {
        Statement::Call(_, into) => into.map_or(0, |l| l + 1),
        Statement::When(l, _, body) | Statement::WhenNot(l, _, body) => locals_of(body).max(l + 1),
        Statement::Loop(body) => locals_of(body),
        Statement::BreakIfNot(l, _) => l + 1,
    });
    most.max().unwrap_or(0)
}

struct Judge<'a> {
    program: &'a Program,
    lines: Vec<Vec<Line>>,
}

impl<'a> Judge<'a> {
    fn new(program: &'a Program) -> Judge<'a> {
        Judge { program, lines: program.threads.iter().map(|t| flatten(t)).collect() }
    }

    /// The call that a thread is in, and the local that it sets.
    fn call(&self, s: &State, t: usize) -> Option<(Op, Option<usize>)> {
        match self.lines[t].get(s.threads[t].line) {
            Some(Line::Call(op, into)) => Some((*op, *into)),
            _ => None,
        }
    }

    /// Every state that is one step away.
    fn next(&self, s: &State) -> Vec<State> {
        let mut next = vec![];
        for t in 0..self.lines.len() {
            let Some((op, _)) = self.call(s, t) else { continue };
            next.extend(self.step(s, t, false));
            if sleep::has_timer(s, t, op) {
                next.extend(self.step(s, t, true));
            }
        }
        next
    }

    fn step(&self, s: &State, t: usize, timer: bool) -> Option<State> {
        let (op, into) = self.call(s, t)?;
        let mut s = s.clone();
        match self.turn(&mut s, t, op, timer) {
            Turn::Blocked => return None,
            Turn::On => {}
            Turn::Done(result) => {
                if let Some(local) = into {
                    s.threads[t].locals[local] = Some(result);
                }
                s.threads[t].clear();
                s.threads[t].line += 1;
                self.settle(&mut s, t);
            }
        }
        Some(s)
    }

    /// Decisions over locals are nobody else's business.
    fn settle(&self, s: &mut State, t: usize) {
        let thread = &mut s.threads[t];
        while let Some(line) = self.lines[t].get(thread.line) {
            thread.line = match line {
                Line::Call(..) => return,
                Line::If(local, value, to) if thread.locals[*local] == Some(*value) => *to,
                Line::IfNot(local, value, to) if thread.locals[*local] != Some(*value) => *to,
                Line::If(..) | Line::IfNot(..) => thread.line + 1,
                Line::Goto(to) => *to,
            };
        }
    }

    fn turn(&self, s: &mut State, t: usize, op: Op, timer: bool) -> Turn {
        match op {
            Op::Load { word } => Turn::Done(s.words[word]),
            Op::Store { word, value } => {
                s.words[word] = value;
                Turn::Done(0)
            }
            Op::Add { word, value } => {
                s.words[word] = s.words[word].wrapping_add(value);
                Turn::Done(s.words[word])
            }
            Op::Xchg { word, value } => Turn::Done(std::mem::replace(&mut s.words[word], value)),
            Op::Cmpxchg { word, old, new } => {
                let was = s.words[word];
                s.words[word] = if was == old { new } else { was };
                Turn::Done(was)
            }
            Op::SpinLock { lock } if !spin_trylock(&mut s.spins[lock], t) => Turn::Blocked,
            Op::SpinLock { .. } => Turn::Done(0),
            Op::SpinTryLock { lock } => Turn::Done(i32::from(spin_trylock(&mut s.spins[lock], t))),
            Op::SpinUnlock { lock } => {
                s.spins[lock] = None;
                Turn::Done(0)
            }
            Op::MutexLock { .. }
            | Op::MutexTryLock { .. }
            | Op::MutexUnlock { .. }
            | Op::CtxInit { .. }
            | Op::CtxFini { .. } => mutex::step(self.program, s, t, op),
            Op::DownRead { .. }
            | Op::DownWrite { .. }
            | Op::DownReadTryLock { .. }
            | Op::DownWriteTryLock { .. }
            | Op::UpRead { .. }
            | Op::UpWrite { .. }
            | Op::DowngradeWrite { .. } => rwsem::step(s, t, op),
            _ => sleep::step(s, t, op, timer),
        }
    }

    fn end(&self, s: &State) -> End {
        let stuck = |t: &usize| self.call(s, *t).is_some();
        let stuck: Vec<_> = (0..self.lines.len()).filter(stuck).map(|t| (t, self.number(s, t))).collect();
        if !stuck.is_empty() {
            return End::Stuck(stuck);
        }
        debug_assert!(s.threads.iter().all(|t| t.at == At::Begin));
        End::Finished { locals: s.threads.iter().map(|t| t.locals.clone()).collect(), words: s.words.clone() }
    }

    /// Which call it is, in the order of the text.
    fn number(&self, s: &State, t: usize) -> usize {
        self.lines[t][..s.threads[t].line].iter().filter(|l| matches!(l, Line::Call(..))).count()
    }
}
