//! What a script may do with a `struct drm_exec`, step by step.

use super::{ExecOp, Flags, How, PrepareArray};
use crate::{
    Machine, Op, Operand,
    ground::{
        functions::written_as,
        op::{Args, EINTR, ENOMEM, OpSpec, Operation, Param, Takes, flag, operand, option},
        operand::PoolRange,
        resolver::{Resolved, Resolver},
        row::{Needs, Row},
    },
    program::Kind,
};

/// Everything on a `struct drm_exec` but `exec-prepare-array`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Exec {
    /// What is done.
    pub how: How,
    /// The set.
    pub exec: Operand,
    /// The reservation, of what works on one.
    pub resv: Option<Operand>,
    /// How much room is made in it.
    pub slots: u8,
    /// How the set begins.
    pub flags: Flags,
}

written_as!(Exec as { what: how, exec, resv, slots, flags });

/// `exec-prepare-array`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExecArray {
    /// The set.
    pub exec: Operand,
    /// The reservations.
    pub resvs: PoolRange,
    /// How much room is made in each.
    pub slots: u8,
}

impl Operation for Exec {
    fn row(&self) -> Row {
        let needs = Needs { way_out: true, ..Needs::rcu_if(self.how == How::PrepareObj) };
        Row { needs, ..Row::of([Some(self.exec), self.resv, None, None]) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let exec = with.of_kind(self.exec, Kind::Exec)?;
        let resv = self.resv.map(|resv| with.of_kind(resv, Kind::Resv)).transpose()?;
        Ok(ExecOp::new(self.how, exec, resv, self.slots, self.flags).into())
    }
}

impl Operation for ExecArray {
    fn row(&self) -> Row {
        Row { needs: Needs::RCU, ..Row::on(self.exec) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let exec = with.of_kind(self.exec, Kind::Exec)?;
        Ok(PrepareArray::new(with.program, exec, self.resvs, self.slots).into())
    }
}

const EXEC: Param = operand("exec", Takes::Object(&[Kind::Exec]));
const RESV: Param = operand("resv", Takes::Object(&[Kind::Resv]));
const RESVS: Param = operand("resvs", Takes::Objects(&[Kind::Resv]));

fn exec(args: &Args, how: How) -> Op {
    let flags = Flags { ignore_duplicates: args.flag("ignore-duplicates"), interruptible: args.flag("interruptible") };
    Exec { how, exec: args.object("exec"), resv: args.optional("resv"), slots: slots(args), flags }.into()
}

fn slots(args: &Args) -> u8 {
    u8::try_from(args.number("slots", 1)).unwrap_or(1)
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new("exec-init", &[EXEC], "begins a set of locks, empty", "drm_exec_init()", |args| exec(args, How::Init))
        .options(&[
            flag("ignore-duplicates", "locking what the set holds already is success"),
            flag("interruptible", "a pending signal ends each wait"),
        ]),
    OpSpec::new(
        "exec-cleanup",
        &[EXEC],
        "before each round: the first time it begins the acquire context; after contention it releases everything; else all \
         are locked, and no more will be",
        "drm_exec_cleanup()",
        |args| exec(args, How::Cleanup),
    )
    .returns("1 if there is another round, else 0"),
    OpSpec::new(
        "exec-lock",
        &[EXEC, RESV],
        "takes the lock of a reservation into the set; first, with nothing else held, the one that the last round failed at",
        "drm_exec_lock_obj()",
        |args| exec(args, How::LockObj),
    )
    .returns("0, -EDEADLK (remembered; `exec-retry-on-contention`), -EALREADY, -EINTR")
    .fails(EINTR),
    OpSpec::new(
        "exec-prepare",
        &[EXEC, RESV],
        "takes the lock of a reservation into the set, and makes room for fences in it",
        "drm_exec_prepare_obj()",
        |args| exec(args, How::PrepareObj),
    )
    .options(&[option("slots", Takes::Number { min: 1, max: 8 }, "how much room, 1 without it")])
    .returns("0, -EDEADLK, -EALREADY, -EINTR, -ENOMEM where it may fail")
    .fails(ENOMEM),
    OpSpec::new(
        "exec-prepare-array",
        &[EXEC, RESVS],
        "does so with each of them, up to the first error",
        "drm_exec_prepare_array()",
        |args| ExecArray { exec: args.object("exec"), resvs: args.objects("resvs"), slots: slots(args) }.into(),
    )
    .options(&[option("slots", Takes::Number { min: 1, max: 8 }, "how much room in each, 1 without it")])
    .returns("0, -EDEADLK, -EALREADY, -EINTR, -ENOMEM where it may fail")
    .fails(ENOMEM),
    OpSpec::new(
        "exec-unlock",
        &[EXEC, RESV],
        "releases the lock of a reservation, which leaves the set; nothing if it is not in it",
        "drm_exec_unlock_obj()",
        |args| exec(args, How::UnlockObj),
    ),
    OpSpec::new(
        "exec-is-contended",
        &[EXEC],
        "tells whether a lock of this round met -EDEADLK",
        "drm_exec_is_contended()",
        |args| exec(args, How::IsContended),
    )
    .returns("1 or 0"),
    OpSpec::new(
        "exec-fini",
        &[EXEC],
        "releases every lock of the set, the last one first, and ends its acquire context",
        "drm_exec_fini()",
        |args| exec(args, How::Fini),
    ),
];
