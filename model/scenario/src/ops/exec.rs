//! `struct drm_exec`, step by step.

use fenceweave_kernel::Op;
use fenceweave_kernel::exec::{Flags, What};

use super::{Args, EINTR, ENOMEM, OpSpec, Param, Takes, flag, operand, option};
use fenceweave_kernel::Kind;

/// Also of the block form.
pub(crate) const EXEC: Param = operand("exec", Takes::Object(&[Kind::Exec]));
const RESV: Param = operand("resv", Takes::Object(&[Kind::Resv]));
const RESVS: Param = operand("resvs", Takes::Objects(&[Kind::Resv]));

fn exec(args: &Args, what: What) -> Op {
    Op::Exec {
        what,
        exec: args.object("exec"),
        resv: args.optional("resv"),
        slots: u8::try_from(args.number("slots", 1)).unwrap_or(1),
        flags: Flags { ignore_duplicates: args.flag("ignore-duplicates"), interruptible: args.flag("interruptible") },
    }
}

/// What the block form does at its head.
pub(crate) fn cleanup(args: &Args) -> Op {
    exec(args, What::Cleanup)
}

/// What decides whether to go there at once.
pub(crate) fn is_contended(args: &Args) -> Op {
    exec(args, What::IsContended)
}

pub(super) const OPS: &[OpSpec] = &[
    OpSpec::new("exec-init", &[EXEC], "begins a set of locks, empty", "drm_exec_init()", |args| exec(args, What::Init))
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
        cleanup,
    )
    .returns("1 if there is another round, else 0"),
    OpSpec::new(
        "exec-lock",
        &[EXEC, RESV],
        "takes the lock of a reservation into the set; first, with nothing else held, the one that the last round failed at",
        "drm_exec_lock_obj()",
        |args| exec(args, What::LockObj),
    )
    .returns("0, -EDEADLK (remembered; `exec-retry-on-contention`), -EALREADY, -EINTR")
    .fails(EINTR),
    OpSpec::new(
        "exec-prepare",
        &[EXEC, RESV],
        "takes the lock of a reservation into the set, and makes room for fences in it",
        "drm_exec_prepare_obj()",
        |args| exec(args, What::PrepareObj),
    )
    .options(&[option("slots", Takes::Number { min: 1, max: 8 }, "how much room, 1 without it")])
    .returns("0, -EDEADLK, -EALREADY, -EINTR, -ENOMEM where it may fail")
    .fails(ENOMEM),
    OpSpec::new(
        "exec-prepare-array",
        &[EXEC, RESVS],
        "does so with each of them, up to the first error",
        "drm_exec_prepare_array()",
        |args| Op::ExecArray {
            exec: args.object("exec"),
            resvs: args.objects("resvs"),
            slots: u8::try_from(args.number("slots", 1)).unwrap_or(1),
        },
    )
    .options(&[option("slots", Takes::Number { min: 1, max: 8 }, "how much room in each, 1 without it")])
    .returns("0, -EDEADLK, -EALREADY, -EINTR, -ENOMEM where it may fail")
    .fails(ENOMEM),
    OpSpec::new(
        "exec-unlock",
        &[EXEC, RESV],
        "releases the lock of a reservation, which leaves the set; nothing if it is not in it",
        "drm_exec_unlock_obj()",
        |args| exec(args, What::UnlockObj),
    ),
    OpSpec::new(
        "exec-is-contended",
        &[EXEC],
        "tells whether a lock of this round met -EDEADLK",
        "drm_exec_is_contended()",
        is_contended,
    )
    .returns("1 or 0"),
    OpSpec::new(
        "exec-fini",
        &[EXEC],
        "releases every lock of the set, the last one first, and ends its acquire context",
        "drm_exec_fini()",
        |args| exec(args, What::Fini),
    ),
];
