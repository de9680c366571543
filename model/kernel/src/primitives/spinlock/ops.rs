//! What a script may do with a spinlock.

use super::{How, Spin as Machine};
use crate::{
    Op, Operand,
    ground::{
        op::{Args, OpSpec, Operation, Param, Takes, flag, operand},
        resolver::{Resolved, Resolver},
        row::{Needs, Row},
    },
    program::Kind,
};

/// `lock`, `trylock`, `unlock`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spin {
    /// Which of them.
    pub how: How,
    /// The lock.
    pub lock: Operand,
}

impl Operation for Spin {
    fn row(&self) -> Row {
        Row { spin: true, tries: self.how == How::TryLock, needs: Needs::READERS, ..Row::on(self.lock) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<crate::Machine> {
        let lock = with.of_kind(self.lock, Kind::Lock)?;
        Ok(Machine { how: self.how, lock, nest: None }.into())
    }
}

const LOCK: Param = operand("lock", Takes::Object(&[Kind::Lock]));

fn spin(args: &Args, how: How) -> Op {
    Spin { how, lock: args.object("lock") }.into()
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "lock",
        &[LOCK],
        "spins until the lock is free, and takes it",
        "spin_lock() spin_lock_bh() spin_lock_irq() spin_lock_irqsave()",
        |args| {
            spin(
                args,
                match (args.flag("irqsave"), args.flag("irq"), args.flag("bh")) {
                    (true, ..) => How::LockIrqSave,
                    (_, true, _) => How::LockIrq,
                    (.., true) => How::LockBh,
                    _ => How::Lock,
                },
            )
        },
    )
    .one_of(&[
        flag("irqsave", "with interrupts disabled on this CPU until it is released"),
        flag("irq", "the same, for who knows that they are enabled"),
        flag("bh", "with soft interrupts (timers, RCU callbacks) disabled on this CPU until it is released"),
    ]),
    OpSpec::new("trylock", &[LOCK], "takes a spinlock if it is free", "spin_trylock()", |args| {
        spin(args, How::TryLock)
    })
    .returns("1 if taken, else 0"),
    OpSpec::new(
        "unlock",
        &[LOCK],
        "releases a spinlock",
        "spin_unlock() spin_unlock_bh() spin_unlock_irq() spin_unlock_irqrestore()",
        |args| {
            spin(
                args,
                match (args.flag("irqrestore"), args.flag("irq"), args.flag("bh")) {
                    (true, ..) => How::UnlockIrqRestore,
                    (_, true, _) => How::UnlockIrq,
                    (.., true) => How::UnlockBh,
                    _ => How::Unlock,
                },
            )
        },
    )
    .one_of(&[
        flag(
            "irqrestore",
            "and lets interrupts begin again, unless they were disabled before it was taken with `irqsave`",
        ),
        flag("irq", "and lets interrupts begin again, even if they were disabled before it was taken"),
        flag("bh", "and lets soft interrupts come again, of who took it with `bh`"),
    ]),
];
