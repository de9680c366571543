//! Files over fences.

use fenceweave_kernel::Op;
use fenceweave_kernel::sync_file::At;

use super::{Args, ERESTARTSYS, INTERRUPTIBLE, OpSpec, Param, TIMEOUT_OR_POLL, Takes, operand};
use fenceweave_kernel::Kind;

const FILE: Param = operand("file", Takes::Object(&[Kind::SyncFile]));

fn op(args: &Args, at: At) -> Op {
    Op::SyncFile {
        at,
        file: args.object("file"),
        fence: args.optional("fence"),
        patience: args.patience(),
        once: args.poll(),
    }
}

pub(super) const OPS: &[OpSpec] = &[
    OpSpec::new(
        "sync-file-create",
        &[FILE, operand("fence", Takes::Object(&[Kind::Fence]))],
        "makes a file over a fence, with a reference of its own to it",
        "sync_file_create()",
        |args| op(args, At::Create),
    ),
    OpSpec::new(
        "fd-install",
        &[FILE],
        "gives a file to user space: from here on anybody may wait for its fence",
        "fd_install()",
        |args| op(args, At::Install),
    ),
    OpSpec::new(
        "sync-file-get-fence",
        &[FILE],
        "takes a reference to a file's fence",
        "sync_file_get_fence()",
        |args| op(args, At::GetFence),
    )
    .returns("the reference"),
    OpSpec::new(
        "poll",
        &[FILE],
        "sleeps until a file's fence is signalled; the first poll of a file puts its callback on the fence",
        "sync_file_poll()",
        |args| op(args, At::Poll),
    )
    .options(&[INTERRUPTIBLE, TIMEOUT_OR_POLL])
    .returns("1 when signalled, 0 after a timeout, -ERESTARTSYS after a signal")
    .fails(ERESTARTSYS),
    OpSpec::new(
        "sync-file-release",
        &[FILE],
        "closes a file: takes its callback back if it was polled, and drops its reference to the fence",
        "sync_file_release()",
        |args| op(args, At::Release),
    ),
];
