//! What scripts are made of.

use super::{CalleeId, PoolRange, Script};
use crate::{LocalId, Op, Value};

/// An instruction of a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Instr {
    /// An operation on shared objects: one visible step or more.
    Op {
        /// Which.
        op: Op,
        /// Where its result goes.
        into: Option<LocalId>,
        /// `may-fail`: it may return this instead, without having done anything.
        may_fail: Option<Value>,
    },
    /// An injected failure of an operation, which is not begun. The rules of the operation are judged all the same.
    Fails {
        /// What fails.
        op: Op,
        /// Where that goes.
        into: Option<LocalId>,
        /// What it returns.
        error: Value,
    },
    /// What the kernel asks of its caller before an operation of several instructions: a private decision.
    Judge {
        /// One operation that asks the same.
        op: Op,
    },
    /// `choose A B C into=r`: any of these constants of the pool.
    Choose {
        /// The possibilities.
        of: PoolRange,
        /// Where the pick goes.
        into: Option<LocalId>,
    },
    /// `let x="expr"`.
    Let {
        /// The local.
        into: LocalId,
        /// Index of the expression.
        expr: u16,
    },
    /// Goes on if the expression is true, else to `otherwise`.
    Branch {
        /// Index of the expression.
        expr: u16,
        /// Where to go if it is false.
        otherwise: u16,
    },
    /// Goes somewhere else.
    Jump(u16),
    /// `progress`: the thread got on. A private decision: the mark is on the step before it.
    Progress,
    /// `assert`: the expression must be true.
    Assert {
        /// Index of the expression.
        expr: u16,
    },
    /// `warn-on`, `bug-on`: told if the expression is true.
    Warn {
        /// Index of the expression.
        expr: u16,
        /// `bug-on`: the execution ends with it. After a warning it goes on.
        ends: bool,
    },
    /// A call of a function: index of the [call](super::FunctionCall) among its script's.
    Call(u16),
    /// A callee is over.
    Return {
        /// Where its results are.
        result: Results,
    },
    /// An injected `may-fail` of what follows, up to `over`: either it happens, or it does not and returns the error.
    MayFail {
        /// What is returned.
        error: Value,
        /// Where that goes.
        into: Option<LocalId>,
        /// The instruction behind what failed.
        over: u16,
    },
    /// Counts how often it is come to, from an unset local on: goes on the `nth` time, else to `otherwise`.
    Nth {
        /// Where it counts.
        counter: LocalId,
        /// Which time.
        nth: u8,
        /// Where to go every other time.
        otherwise: u16,
    },
    /// The script is over.
    End,
}

impl Instr {
    /// Whether it may set a local of the function that it is in, as one of this script.
    pub(super) fn sets(&self, script: &Script, local: LocalId) -> bool {
        match self {
            Instr::Op { op, into, .. } => *into == Some(local) || op.row().cursor == Some(local),
            Instr::Fails { into, .. } | Instr::Choose { into, .. } | Instr::MayFail { into, .. } => {
                *into == Some(local)
            }
            Instr::Let { into, .. } | Instr::Nth { counter: into, .. } => *into == local,
            Instr::Call(call) => script.calls[usize::from(*call)].into.contains(&local),
            Instr::Branch { .. } | Instr::Jump(_) | Instr::Progress | Instr::Assert { .. } | Instr::Warn { .. } => {
                false
            }
            Instr::Judge { .. } | Instr::Return { .. } | Instr::End => false,
        }
    }
}

/// Where the results of a callee are: in locals that follow each other.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Results {
    /// The first of them.
    pub local: u8,
    /// How many there are.
    pub len: u8,
}

impl Results {
    /// A callee that returns nothing.
    pub const NONE: Results = Results { local: 0, len: 0 };

    /// One result.
    pub fn one(local: LocalId) -> Results {
        Results { local: local.0, len: 1 }
    }

    /// Where the first is.
    pub(crate) fn first(self) -> Option<usize> {
        self.get(0)
    }

    /// Where one of them is.
    pub(crate) fn get(self, at: usize) -> Option<usize> {
        (at < usize::from(self.len)).then(|| usize::from(self.local) + at)
    }

    /// All of them.
    pub fn locals(self) -> impl Iterator<Item = LocalId> {
        (0..self.len).map(move |at| LocalId(self.local + at))
    }
}

impl std::fmt::Debug for Results {
    /// One or none as a local or none.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.len {
            0 | 1 => self.locals().next().fmt(f),
            _ => f.debug_list().entries(self.locals()).finish(),
        }
    }
}

/// A call of a function by its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FunctionCall {
    /// Which.
    pub callee: CalleeId,
    /// The expressions of its arguments, over the caller's locals.
    pub args: Vec<u16>,
    /// Where its results go, the first ones of them.
    pub into: Vec<LocalId>,
    /// Which of the caller's locals are kept meanwhile, a bit each: those that are read afterwards.
    pub keep: u16,
}
