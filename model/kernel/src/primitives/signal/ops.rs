//! What a script may do with a signal.

use super::{Pending as PendingMachine, Raise as RaiseMachine};
use crate::{
    Machine, ThreadId,
    ground::{
        op::{OpSpec, Operation, Opt, Takes, operand, option},
        resolver::{Resolved, Resolver},
        row::{Needs, Row, Shows},
    },
};

/// `raise signal to=THREAD`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Raise {
    /// Who gets it.
    pub to: ThreadId,
}

impl Operation for Raise {
    fn row(&self) -> Row {
        Row { needs: Needs { signals: true, ..Needs::NOTHING }, never_waits: true, ..Row::PLAIN }
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(RaiseMachine { to: self.to }.into())
    }
}

/// `signal-pending`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pending;

impl Operation for Pending {
    fn row(&self) -> Row {
        Row { result: Shows::Answer, never_waits: true, ..Row::PLAIN }
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(PendingMachine.into())
    }
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "raise",
        &[operand("signal", Takes::OneOf(&["signal"]))],
        "makes a signal pending for a thread and ends its interruptible sleep",
        "send_sig() force_sig()",
        |args| Raise { to: args.thread("to") }.into(),
    )
    .options(&[Opt { required: true, ..option("to", Takes::Thread, "who gets it") }]),
    OpSpec::new(
        "signal-pending",
        &[],
        "asks whether a signal is pending for the thread itself",
        "signal_pending() fatal_signal_pending()",
        |_| Pending.into(),
    )
    .returns("1 or 0"),
];
