//! What a script may do with a completion.

use super::{Complete as CompleteMachine, How};
use crate::{
    Machine, Op, Operand, Patience,
    ground::{
        functions::written_as,
        op::{Args, ERESTARTSYS, INTERRUPTIBLE, OpSpec, Operation, Param, TIMEOUT, Takes, operand},
        resolver::{Resolved, Resolver},
        row::{Ends, Row},
    },
    program::Kind,
};

/// `wait-for-completion`, `complete`, `complete-all`, `try-wait-for-completion`, `reinit-completion`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Complete {
    /// Which of them.
    pub how: How,
    /// The completion.
    pub completion: Operand,
    /// How long it waits.
    pub patience: Patience,
}

written_as!(Complete as { at: how, completion, patience });

impl Operation for Complete {
    fn row(&self) -> Row {
        let completes = matches!(self.how, How::Complete | How::CompleteAll);
        let ends = if completes { Ends::Releases(self.completion) } else { Ends::Nothing };
        Row { ends, never_waits: completes, ..Row::on(self.completion) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let completion = with.of_kind(self.completion, Kind::Completion)?;
        Ok(CompleteMachine { at: self.how.begins(), completion, patience: self.patience }.into())
    }
}

const COMPLETION: Param = operand("completion", Takes::Object(&[Kind::Completion]));

fn completion(args: &Args, how: How) -> Op {
    Complete { how, completion: args.object("completion"), patience: args.patience() }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "wait-for-completion",
        &[COMPLETION],
        "sleeps until a completion is done, and takes it",
        "wait_for_completion() wait_for_completion_timeout() wait_for_completion_interruptible()",
        |args| completion(args, How::Wait),
    )
    .options(&[INTERRUPTIBLE, TIMEOUT])
    .returns("0; with a timeout 1 if done and 0 if not; -ERESTARTSYS after a signal")
    .fails(ERESTARTSYS),
    OpSpec::new(
        "try-wait-for-completion",
        &[COMPLETION],
        "takes a completion if it is done",
        "try_wait_for_completion()",
        |args| completion(args, How::TryWait),
    )
    .returns("1 if it was done, else 0"),
    OpSpec::new("complete", &[COMPLETION], "lets one waiter through", "complete()", |args| {
        completion(args, How::Complete)
    }),
    OpSpec::new("complete-all", &[COMPLETION], "lets every waiter through, now and later", "complete_all()", |args| {
        completion(args, How::CompleteAll)
    }),
    OpSpec::new(
        "reinit-completion",
        &[COMPLETION],
        "makes a completion not done again",
        "reinit_completion()",
        |args| completion(args, How::Reinit),
    ),
];
