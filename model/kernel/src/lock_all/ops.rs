//! What a script may do with several ww mutexes at once.

use crate::{
    Machine, Operand,
    ground::{
        op::{EINTR, OpSpec, Operation, Param, Takes, flag, operand},
        operand::PoolRange,
        resolver::{Resolved, Resolver},
        row::{Needs, Row},
    },
    program::Kind,
    ww::ops::CTX_REQUIRED,
};

/// `lock-all`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LockAll {
    /// The mutexes, in the order in which they are taken.
    pub locks: PoolRange,
    /// The context that they are taken with.
    pub ctx: Operand,
    /// Whether a signal ends it.
    pub interruptible: bool,
}

/// `unlock-all`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnlockAll {
    /// The mutexes, the last one to be released first.
    pub locks: PoolRange,
}

/// What there is nothing to do for is over at once.
fn or_idle(all: Option<super::LockAll>) -> Machine {
    all.map_or(Machine::Idle, Machine::from)
}

impl Operation for LockAll {
    fn row(&self) -> Row {
        Row { needs: Needs::LOOPS, ..Row::on(self.ctx) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let ctx = with.of_kind(self.ctx, Kind::Ctx)?;
        Ok(or_idle(super::LockAll::lock(with.program, self.locks, ctx, self.interruptible)))
    }
}

impl Operation for UnlockAll {
    fn row(&self) -> Row {
        Row::PLAIN
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(or_idle(super::LockAll::unlock(with.program, self.locks)))
    }
}

const MUTEXES: Param = operand("mutexes", Takes::Objects(&[Kind::WwMutex, Kind::Resv]));

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "lock-all",
        &[MUTEXES],
        "takes all of them in this order, backing off and starting again after -EDEADLK",
        "ttm_eu_reserve_buffers() drm_gem_lock_reservations()",
        |args| {
            let interruptible = args.flag("interruptible");
            LockAll { locks: args.objects("mutexes"), ctx: args.object("ctx"), interruptible }.into()
        },
    )
    .options(&[CTX_REQUIRED, flag("interruptible", "a pending signal ends the wait, and releases what is held")])
    .returns("0, -EINTR")
    .fails(EINTR),
    OpSpec::new(
        "unlock-all",
        &[MUTEXES],
        "releases all of them, the last one first",
        "ttm_eu_backoff_reservation() drm_gem_unlock_reservations()",
        |args| UnlockAll { locks: args.objects("mutexes") }.into(),
    )
    .each_once(),
];
