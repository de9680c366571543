//! Plain mutexes.

use fenceweave_kernel::{Op, ww};

use super::{Args, EINTR, INTERRUPTIBLE, OpSpec, Param, Takes, operand};
use fenceweave_kernel::Kind;

const MUTEX: Param = operand("mutex", Takes::Object(&[Kind::Mutex]));

fn mutex(args: &Args, how: ww::How) -> Op {
    Op::WwLock { how, mutex: args.object("mutex"), ctx: None }
}

pub(super) const OPS: &[OpSpec] = &[
    OpSpec::new("lock", &[MUTEX], "takes a mutex", "mutex_lock() mutex_lock_interruptible()", |args| {
        mutex(args, if args.flag("interruptible") { ww::How::Interruptible } else { ww::How::Lock })
    })
    .options(&[INTERRUPTIBLE])
    .returns("0, -EINTR")
    .fails(EINTR),
    OpSpec::new("trylock", &[MUTEX], "takes a mutex if it is free", "mutex_trylock()", |args| {
        mutex(args, ww::How::Try)
    })
    .returns("1 if taken, else 0"),
    OpSpec::new("unlock", &[MUTEX], "releases a mutex", "mutex_unlock()", |args| Op::WwUnlock {
        mutex: args.object("mutex"),
    }),
];
