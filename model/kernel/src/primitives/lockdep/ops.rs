//! How lockdep is asked.

use super::{How, Lockdep as Question, Named as NamedMachine, Said};
use crate::{
    Machine, Op, Operand, Place, Value,
    ground::{
        kind::Lock,
        op::{Args, OpSpec, Operation, Param, Takes, flag, operand},
        resolver::{Resolved, Resolver},
        row::{Row, Shows},
    },
    program::Kind,
};

/// `assert-held`, `assert-not-held`, `might-sleep`, `might-lock`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lockdep {
    /// What is asked.
    pub how: How,
    /// The lock, if it is about one.
    pub lock: Option<Operand>,
    /// Who says it.
    pub said: Said,
}

impl Operation for Lockdep {
    fn row(&self) -> Row {
        Row { never_waits: true, ..Row::of([self.lock, None, None, None]) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        // What it named is not there: that is told of the promise, not of who keeps it.
        let led_to = |lock: &Operand| self.said != Said::OnReturn || matches!(lock.value(with.locals), Value::Ref(_));
        let named = self.lock.filter(led_to).map(|lock| with.of_kinds(lock, LOCKS)).transpose()?;
        let inside = self.lock.and_then(|lock| with.met_by(lock));
        // A reservation's lock is an object of its own.
        let lock = named.map(|id| with.program.kind(id).lock().unwrap_or(id));
        let sleeps = lock.and_then(|lock| with.program.row(lock)).is_none_or(|row| row.lock == Lock::Sleeping);
        Ok(Question { how: self.how, lock, inside, sleeps, said: self.said }.into())
    }
}

/// What a promise names of what is shared, read when its function is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Named {
    /// The word.
    pub place: Place,
}

impl Operation for Named {
    fn row(&self) -> Row {
        Row { result: Shows::Answer, word: Some(self.place), never_waits: true, ..Row::at(self.place) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let found = with.place(self.place).ok();
        let slot = found.and_then(|(_, slot)| slot);
        Ok(NamedMachine { word: found.map(|(word, _)| word), slot }.into())
    }
}

/// What they ask about.
pub const LOCKS: &[Kind] = &[Kind::Lock, Kind::Mutex, Kind::RwSem, Kind::WwMutex, Kind::Resv, Kind::LockMap];
const LOCK: Param = operand("lock", Takes::Object(LOCKS));

fn ask(args: &Args, how: How) -> Op {
    Lockdep { how, lock: args.optional("lock"), said: Said::There }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "assert-held",
        &[LOCK],
        "says that the thread holds a lock, and tells the violation `lock-assertion` if it does not; no step",
        "lockdep_assert_held() lockdep_assert_held_write() dma_resv_assert_held() assert_spin_locked() ww_mutex_assert_held()",
        |args| ask(args, if args.flag("write") { How::HeldWrite } else { How::Held }),
    )
    .options(&[flag("write", "and nobody else does: of a semaphore, for writing")]),
    OpSpec::new(
        "assert-not-held",
        &[LOCK],
        "says that the thread does not hold a lock, and tells the violation `lock-assertion` if it does; no step",
        "lockdep_assert_not_held()",
        |args| ask(args, How::NotHeld),
    ),
    OpSpec::new(
        "might-sleep",
        &[],
        "says that something here may sleep, even if it does not this time; no step",
        "might_sleep()",
        |args| ask(args, How::MightSleep),
    ),
    OpSpec::new(
        "might-lock",
        &[LOCK],
        "says that a lock may be waited for here, even if it is not this time: what is asked then is asked now; no step",
        "might_lock() might_lock_nested()",
        |args| ask(args, How::MightLock),
    ),
];
