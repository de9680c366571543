//! What a script may do with a shrinker.

use super::{How, ShrinkerOp};
use crate::{
    Machine, Op, Operand,
    ground::{
        functions::written_as,
        op::{Args, OpSpec, Operation, Param, Takes, operand},
        resolver::{Resolved, Resolver},
        row::{Needs, Row},
    },
    program::Kind,
};

/// `shrinker-register`, `shrinker-free`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Shrinker {
    /// Which of them.
    pub how: How,
    /// The shrinker.
    pub shrinker: Operand,
}

written_as!(Shrinker as { at: how, shrinker });

impl Operation for Shrinker {
    fn row(&self) -> Row {
        Row { needs: Needs { shrinkers: true, ..Needs::NOTHING }, ..Row::PLAIN }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let shrinker = with.of_kind(self.shrinker, Kind::Shrinker)?;
        Ok(ShrinkerOp { at: self.how.begins(), shrinker }.into())
    }
}

const SHRINKER: Param = operand("shrinker", Takes::Object(&[Kind::Shrinker]));

fn shrinker(args: &Args, how: How) -> Op {
    Shrinker { how, shrinker: args.object("shrinker") }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "shrinker-register",
        &[SHRINKER],
        "lets reclaim run a shrinker from here on",
        "shrinker_register() register_shrinker()",
        |args| shrinker(args, How::Register),
    ),
    OpSpec::new(
        "shrinker-free",
        &[SHRINKER],
        "unregisters a shrinker, sleeps until nobody runs it, and frees it: reclaim never runs it again",
        "shrinker_free() unregister_shrinker()",
        |args| shrinker(args, How::Free),
    ),
];
