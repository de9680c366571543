//! What a script may do with a timer, and what its handler does between the runs.

use super::{
    At, How, Mutant, TimerOp,
    base::{self, BaseOp},
};
use crate::{
    Machine, ObjId, Op, Operand, Value,
    ground::{
        functions::written_as,
        op::{Args, OpSpec, Operation, Opt, Param, Takes, operand, option},
        resolver::{Resolved, Resolver},
        row::{Between, Fall, Gives, Row},
    },
    program::Kind,
};

/// `mod-timer`, `del-timer`, `del-timer-sync`; and the end of its handler.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    /// Which of them.
    pub how: How,
    /// The timer.
    pub timer: Operand,
    /// What its function gets, if it is armed.
    pub data: Operand,
}

written_as!(Timer as { at: how, timer, data });

impl Operation for Timer {
    fn row(&self) -> Row {
        Row { gives: Gives::Perhaps, ..Row::on(self.timer) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let timer = with.of_kind(self.timer, Kind::Timer)?;
        let no_wait = self.how == How::DelSync && with.program.mutated(Mutant::DelSyncNoWait);
        let data = if self.how == How::Mod { with.value(self.data)? } else { Value::Unset };
        Ok(TimerOp { at: if no_wait { At::Del } else { self.how.begins() }, timer, data }.into())
    }
}

/// Between the runs of a timer's handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerHandler {
    /// Its timer.
    pub timer: ObjId,
}

impl Operation for TimerHandler {
    fn row(&self) -> Row {
        Row { between: Between::Events, is_called_for: true, ..Row::PLAIN }
    }

    fn begin(self, _with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(TimerOp { at: At::Expire, timer: self.timer, data: Value::Unset }.into())
    }
}

/// What a CPU does on which timers expire whose handlers are functions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimerBase {
    /// Which of it.
    pub how: base::How,
    /// The timers' base.
    pub base: ObjId,
    /// Of a function that has returned, its timer.
    pub timer: Operand,
}

impl Operation for TimerBase {
    fn row(&self) -> Row {
        let base = Some(Operand::Object(self.base));
        let expires = self.how == base::How::Expire;
        // What is passed over is 6 timers at a time, of at most 16.
        let chooses = expires.then_some((Fall::Item, 3));
        let between = if expires { Between::Events } else { Between::Nowhere };
        Row { operands: [base, None, None, None], chooses, between, is_called_for: expires, ..Row::PLAIN }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        // A timer may be gone whose function has run, which may free it.
        let timer = match self.how {
            base::How::Done => with.handle(self.timer)?.obj,
            base::How::Expire => ObjId::default(),
        };
        Ok(BaseOp::new(self.how, self.base, timer).into())
    }
}

const TIMER: Param = operand("timer", Takes::Object(&[Kind::Timer]));
const NEW_DATA: Opt = option("data", Takes::Value, "what its argument is, 0 without it; the last one counts");

fn timer(args: &Args, how: How) -> Op {
    let data = args.optional("data").unwrap_or(Operand::Const(Value::Word(0)));
    Timer { how, timer: args.object("timer"), data }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new("mod-timer", &[TIMER], "arms a timer: it expires at any moment from now on", "mod_timer()", |args| {
        timer(args, How::Mod)
    })
    .options(&[NEW_DATA])
    .returns("1 if it was pending already, else 0"),
    OpSpec::new(
        "del-timer",
        &[TIMER],
        "disarms a timer; its handler may be running",
        "timer_delete() del_timer()",
        |args| timer(args, How::Del),
    )
    .returns("1 if it was pending, else 0"),
    OpSpec::new(
        "del-timer-sync",
        &[TIMER],
        "disarms a timer, and waits, without sleeping, until its handler does not run",
        "timer_delete_sync() del_timer_sync()",
        |args| timer(args, How::DelSync),
    )
    .returns("1 if it was pending, else 0"),
];
