//! Places for fences.

use fenceweave_kernel::syncobj::{Act, Flags};
use fenceweave_kernel::{Errno, Op, Value};

use super::{
    Args, ERESTARTSYS, INTERRUPTIBLE, OpSpec, Opt, Param, TIMEOUT, TIMEOUT_OR_POLL, Takes, flag, operand, option,
};
use fenceweave_kernel::Kind;

const SYNCOBJ: Param = operand("syncobj", Takes::Object(&[Kind::Syncobj]));
const FENCE: Param = operand("fence", Takes::Object(&[Kind::Fence]));
const EINVAL: Value = Value::Word(-Errno::EINVAL.0);
const POINT: Opt = option(
    "point",
    Takes::Number { min: 0, max: 250 },
    "of a timeline: the number of its point; without it the fence itself",
);
const FOR_SUBMIT: Opt = flag("wait-for-submit", "sleeps until there is a fence, or the point, at all");

fn op(args: &Args, act: Act) -> Op {
    Op::Syncobj {
        act,
        syncobj: args.object("syncobj"),
        second: args.optional("and"),
        node: args.optional("node"),
        fence: args.optional("fence"),
        point: u8::try_from(args.number("point", 0)).unwrap_or(0),
        flags: Flags {
            all: args.flag("all"),
            for_submit: args.flag("wait-for-submit"),
            available: args.flag("wait-available"),
            poll: args.poll(),
        },
        patience: args.patience(),
    }
}

pub(super) const OPS: &[OpSpec] = &[
    OpSpec::new(
        "syncobj-replace-fence",
        &[SYNCOBJ, FENCE],
        "puts a fence in the place of what a syncobj has, with a reference of its own, and gives it to whoever waits for one",
        "drm_syncobj_replace_fence()",
        |args| op(args, Act::Replace),
    ),
    OpSpec::new(
        "syncobj-reset",
        &[SYNCOBJ],
        "drops the fence that a syncobj has; so does its release",
        "drm_syncobj_reset_ioctl() drm_syncobj_free()",
        |args| op(args, Act::Replace),
    ),
    OpSpec::new(
        "syncobj-add-point",
        &[SYNCOBJ, operand("node", Takes::Object(&[Kind::Fence])), FENCE],
        "makes a point of a `fence-chain NAME spare`, before it what a syncobj has, puts it there, and gives it to whoever \
         waits for it",
        "drm_syncobj_add_point()",
        |args| op(args, Act::AddPoint),
    )
    .options(&[Opt { required: true, ..option("point", Takes::Number { min: 1, max: 250 }, "its number") }]),
    OpSpec::new(
        "syncobj-find-fence",
        &[SYNCOBJ],
        "takes a reference to what a syncobj has. Where all that is asked for is signalled, that is a stub, for which a \
         `fence NAME spare` is the memory",
        "drm_syncobj_find_fence()",
        |args| op(args, Act::Find),
    )
    .options(&[POINT, FOR_SUBMIT, INTERRUPTIBLE, TIMEOUT])
    .returns("the reference; -EINVAL without a fence, -ETIME after a timeout, -ERESTARTSYS after a signal")
    .fails(EINVAL),
    OpSpec::new(
        "syncobj-wait",
        &[SYNCOBJ],
        "sleeps until the fence of a syncobj, or of one of two, is signalled",
        "drm_syncobj_array_wait_timeout()",
        |args| op(args, Act::Wait),
    )
    .options(&[
        option("and", Takes::Object(&[Kind::Syncobj]), "another one"),
        POINT,
        flag("all", "until both are"),
        FOR_SUBMIT,
        flag("wait-available", "does the same, and does not wait for the fence itself"),
        INTERRUPTIBLE,
        TIMEOUT_OR_POLL,
    ])
    .returns("which of them, 0 or 1; -EINVAL without a fence, -ETIME after a timeout, -ERESTARTSYS after a signal")
    .fails(ERESTARTSYS),
    OpSpec::new(
        "syncobj-query",
        &[SYNCOBJ],
        "looks which point of a syncobj's timeline is the last that is signalled",
        "drm_syncobj_query_ioctl()",
        |args| op(args, Act::Query),
    )
    .returns("its number; 0 if there is none"),
];
