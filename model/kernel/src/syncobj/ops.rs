//! What a script may do with a syncobj.

use super::{Flags, How, SyncobjPost, SyncobjQuery, SyncobjWait};
use crate::{
    Errno, Machine, Op, Operand, Patience, Property, Value,
    fence::NO_FENCE,
    ground::{
        functions::written_as,
        op::{
            Args, ERESTARTSYS, INTERRUPTIBLE, OpSpec, Operation, Opt, Param, TIMEOUT, TIMEOUT_OR_POLL, Takes, flag,
            operand, option,
        },
        resolver::{Resolved, Resolver},
        row::{Gives, Row},
    },
    machine::Fault,
    program::Kind,
};

/// `syncobj-replace-fence`, `syncobj-add-point`, `syncobj-find-fence`, `syncobj-wait`, `syncobj-query`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Syncobj {
    /// Which of them.
    pub how: How,
    /// The syncobj.
    pub syncobj: Operand,
    /// Another one to wait for.
    pub second: Option<Operand>,
    /// The node that a point is made of.
    pub node: Option<Operand>,
    /// The fence that it gets, or NULL.
    pub fence: Option<Operand>,
    /// The point.
    pub point: u8,
    /// What a wait is told.
    pub flags: Flags,
    /// What ends it besides.
    pub patience: Patience,
}

written_as!(Syncobj as { act: how, syncobj, second, node, fence, point, flags, patience });

impl Operation for Syncobj {
    fn row(&self) -> Row {
        let no_room = "for another fence: declare memory for a stub by `fence NAME spare`";
        Row { no_room, gives: Gives::IfKept, ..Row::of([Some(self.syncobj), self.second, self.node, self.fence]) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let Syncobj { how, point, flags, .. } = self;
        let object = |operand| with.of_kind(operand, Kind::Syncobj);
        let (first, second) = (object(self.syncobj)?, self.second.map(object).transpose()?);
        let fence = self.fence.map_or(Ok(None), |fence| with.or_null(fence, Kind::Fence))?;
        Ok(match how {
            How::Replace => SyncobjPost::replace(first, fence).into(),
            How::AddPoint => {
                let node = self.node.map_or(Ok(NO_FENCE), |node| with.of_kind(node, Kind::Fence))?;
                let fence = fence.ok_or(Fault::new(Property::NULL_DEREFERENCE, None))?;
                SyncobjPost::add_point(first, node, fence, point).into()
            }
            How::Find | How::Wait => {
                SyncobjWait::new(how, [Some(first), second], point, flags).with_patience(self.patience).into()
            }
            How::Query => SyncobjQuery::new(first).into(),
        })
    }
}

const SYNCOBJ: Param = operand("syncobj", Takes::Object(&[Kind::Syncobj]));
const FENCE: Param = operand("fence", Takes::Object(&[Kind::Fence]));
const EINVAL: Value = Value::Word(-Errno::EINVAL.0);
const POINT: Opt = option(
    "point",
    Takes::Number { min: 0, max: 250 },
    "of a timeline: the number of its point; without it the fence itself",
);
const FOR_SUBMIT: Opt = flag("wait-for-submit", "sleeps until there is a fence, or the point, at all");

fn op(args: &Args, how: How) -> Op {
    Syncobj {
        how,
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
    .into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "syncobj-replace-fence",
        &[SYNCOBJ, FENCE],
        "puts a fence in the place of what a syncobj has, with a reference of its own, and gives it to whoever waits for one",
        "drm_syncobj_replace_fence()",
        |args| op(args, How::Replace),
    ),
    OpSpec::new(
        "syncobj-reset",
        &[SYNCOBJ],
        "drops the fence that a syncobj has; so does its release",
        "drm_syncobj_reset_ioctl() drm_syncobj_free()",
        |args| op(args, How::Replace),
    ),
    OpSpec::new(
        "syncobj-add-point",
        &[SYNCOBJ, operand("node", Takes::Object(&[Kind::Fence])), FENCE],
        "makes a point of a `fence-chain NAME spare`, before it what a syncobj has, puts it there, and gives it to whoever \
         waits for it",
        "drm_syncobj_add_point()",
        |args| op(args, How::AddPoint),
    )
    .options(&[Opt { required: true, ..option("point", Takes::Number { min: 1, max: 250 }, "its number") }]),
    OpSpec::new(
        "syncobj-find-fence",
        &[SYNCOBJ],
        "takes a reference to what a syncobj has. Where all that is asked for is signalled, that is a stub, for which a \
         `fence NAME spare` is the memory",
        "drm_syncobj_find_fence()",
        |args| op(args, How::Find),
    )
    .options(&[POINT, FOR_SUBMIT, INTERRUPTIBLE, TIMEOUT])
    .returns("the reference; -EINVAL without a fence, -ETIME after a timeout, -ERESTARTSYS after a signal")
    .fails(EINVAL),
    OpSpec::new(
        "syncobj-wait",
        &[SYNCOBJ],
        "sleeps until the fence of a syncobj, or of one of two, is signalled",
        "drm_syncobj_array_wait_timeout()",
        |args| op(args, How::Wait),
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
        |args| op(args, How::Query),
    )
    .returns("its number; 0 if there is none"),
];
