//! What a script may do with a file over a fence.

use super::{How, SyncFileOp};
use crate::{
    Machine, Op, Operand, Patience,
    ground::{
        functions::written_as,
        op::{Args, ERESTARTSYS, INTERRUPTIBLE, OpSpec, Operation, Param, TIMEOUT_OR_POLL, Takes, operand},
        resolver::{Resolved, Resolver},
        row::{Gives, Row},
    },
    program::Kind,
};

/// `sync-file-create`, `fd-install`, `sync-file-get-fence`, `poll`, `sync-file-release`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SyncFile {
    /// Which of them.
    pub how: How,
    /// The file.
    pub file: Operand,
    /// The fence that it is made over.
    pub fence: Option<Operand>,
    /// What ends a poll besides.
    pub patience: Patience,
    /// It only looks.
    pub once: bool,
}

written_as!(SyncFile as { at: how, file, fence, patience, once });

impl Operation for SyncFile {
    fn row(&self) -> Row {
        Row { gives: Gives::IfKept, ..Row::of([Some(self.file), self.fence, None, None]) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let file = with.of_kind(self.file, Kind::SyncFile)?;
        let fence = self.fence.map(|fence| with.of_kind(fence, Kind::Fence)).transpose()?;
        Ok(SyncFileOp::new(self.how.begins(), file, fence, (self.patience, self.once)).into())
    }
}

const FILE: Param = operand("file", Takes::Object(&[Kind::SyncFile]));

fn op(args: &Args, how: How) -> Op {
    let (file, fence) = (args.object("file"), args.optional("fence"));
    SyncFile { how, file, fence, patience: args.patience(), once: args.poll() }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "sync-file-create",
        &[FILE, operand("fence", Takes::Object(&[Kind::Fence]))],
        "makes a file over a fence, with a reference of its own to it",
        "sync_file_create()",
        |args| op(args, How::Create),
    ),
    OpSpec::new(
        "fd-install",
        &[FILE],
        "gives a file to user space: from here on anybody may wait for its fence",
        "fd_install()",
        |args| op(args, How::Install),
    ),
    OpSpec::new(
        "sync-file-get-fence",
        &[FILE],
        "takes a reference to a file's fence",
        "sync_file_get_fence()",
        |args| op(args, How::GetFence),
    )
    .returns("the reference"),
    OpSpec::new(
        "poll",
        &[FILE],
        "sleeps until a file's fence is signalled; the first poll of a file puts its callback on the fence",
        "sync_file_poll()",
        |args| op(args, How::Poll),
    )
    .options(&[INTERRUPTIBLE, TIMEOUT_OR_POLL])
    .returns("1 when signalled, 0 after a timeout, -ERESTARTSYS after a signal")
    .fails(ERESTARTSYS),
    OpSpec::new(
        "sync-file-release",
        &[FILE],
        "closes a file: takes its callback back if it was polled, and drops its reference to the fence",
        "sync_file_release()",
        |args| op(args, How::Release),
    ),
];
