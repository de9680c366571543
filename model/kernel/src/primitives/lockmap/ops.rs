//! What a script may do with a lockdep map.

use super::{How, LockMapOp};
use crate::{
    Machine, Op, Operand,
    ground::{
        op::{Args, OpSpec, Operation, Param, Takes, flag, operand},
        resolver::{Resolved, Resolver},
        row::{Ends, Row},
    },
    program::Kind,
};

/// `lock-map-acquire`, `lock-map-release`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LockMap {
    /// Which of them.
    pub how: How,
    /// The map.
    pub map: Operand,
}

impl Operation for LockMap {
    fn row(&self) -> Row {
        let ends = if self.how == How::Release { Ends::Releases(self.map) } else { Ends::Nothing };
        Row { ends, tries: self.how == How::TryRead, ..Row::on(self.map) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(LockMapOp { how: self.how, map: with.of_kind(self.map, Kind::LockMap)? }.into())
    }
}

const MAP: Param = operand("map", Takes::Object(&[Kind::LockMap]));

fn map(args: &Args, how: How) -> Op {
    LockMap { how, map: args.object("map") }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "lock-map-acquire",
        &[MAP],
        "says that what the map stands for is inside of all that is held, and outside of all that is taken until its release; \
         nobody waits",
        "lock_map_acquire() lock_map_acquire_read() lock_map_acquire_tryread()",
        |args| {
            let how = if args.flag("tryread") { How::TryRead } else { How::Read };
            map(args, if args.flag("read") || args.flag("tryread") { how } else { How::Acquire })
        },
    )
    .one_of(&[
        flag("read", "several may be in each other, and two that read wait for nobody"),
        flag("tryread", "the same, and what is held now is no dependency of it (`dma_fence_begin_signalling()`)"),
    ]),
    OpSpec::new("lock-map-release", &[MAP], "the end of that", "lock_map_release()", |args| map(args, How::Release)),
];
