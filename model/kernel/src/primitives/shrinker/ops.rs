//! What a script may do with a shrinker.

use super::{At, ShrinkerOp};
use crate::{
    Machine, Op, Operand,
    ground::{
        op::{Args, OpSpec, Operation, Param, Takes, operand},
        resolver::{Resolved, Resolver},
        row::{Needs, Row},
    },
    program::Kind,
};

/// `shrinker-register`, `shrinker-free`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shrinker {
    /// Which of them.
    pub at: At,
    /// The shrinker.
    pub shrinker: Operand,
}

impl Operation for Shrinker {
    fn row(&self) -> Row {
        Row { needs: Needs { shrinkers: true, ..Needs::NOTHING }, ..Row::PLAIN }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let shrinker = with.of_kind(self.shrinker, Kind::Shrinker)?;
        Ok(ShrinkerOp { at: self.at, shrinker }.into())
    }
}

const SHRINKER: Param = operand("shrinker", Takes::Object(&[Kind::Shrinker]));

fn shrinker(args: &Args, at: At) -> Op {
    Shrinker { at, shrinker: args.object("shrinker") }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "shrinker-register",
        &[SHRINKER],
        "lets reclaim run a shrinker from here on",
        "shrinker_register() register_shrinker()",
        |args| shrinker(args, At::Register),
    ),
    OpSpec::new(
        "shrinker-free",
        &[SHRINKER],
        "unregisters a shrinker, sleeps until nobody runs it, and frees it: reclaim never runs it again",
        "shrinker_free() unregister_shrinker()",
        |args| shrinker(args, At::Free),
    ),
];
