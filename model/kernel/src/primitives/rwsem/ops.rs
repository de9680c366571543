//! What a script may do with a semaphore, and with the one that protects an address space.

use super::{How, RwSemOp};
use crate::{
    Machine, Op, Operand, Patience,
    ground::{
        functions::written_as,
        op::{Args, EINTR, OpSpec, Operation, Opt, Param, Takes, flag, operand},
        resolver::{Resolved, Resolver},
        row::Row,
    },
    program::Kind,
};

/// `down-read`, `down-write`, `up-read`, `up-write`, `downgrade-write` and their try forms; `mmap-lock`, `mmap-unlock`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RwSem {
    /// Which of them.
    pub how: How,
    /// The semaphore.
    pub sem: Operand,
    /// How long it waits.
    pub patience: Patience,
    /// Does nothing if the thread does not hold it.
    pub if_held: bool,
}

written_as!(RwSem as { at: how, sem, patience, if_held });

impl Operation for RwSem {
    fn row(&self) -> Row {
        Row { tries: matches!(self.how, How::TryRead | How::TryWrite), ..Row::on(self.sem) }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        let sem = with.of_kind(self.sem, Kind::RwSem)?;
        Ok(RwSemOp::new(self.how.begins(), sem, self.patience, self.if_held).into())
    }
}

const SEM: Param = operand("sem", Takes::Object(&[Kind::RwSem]));
const SIDE: Param = operand("side", Takes::OneOf(&["read", "write"]));
const KILLABLE: Opt = flag("killable", "a pending signal ends the wait");

fn sem(args: &Args, how: How) -> Op {
    let patience = Patience::of(args.flag("killable"), false);
    // Of an address space the semaphore goes without saying: whoever emits the operation knows it.
    RwSem { how, sem: args.object("sem"), patience, if_held: args.flag("if-held") }.into()
}

fn side(args: &Args, read: How, write: How) -> How {
    if args.word("side") == Some("write") { write } else { read }
}

/// How they are written.
pub const OPS: &[OpSpec] = &[
    OpSpec::new(
        "down-read",
        &[SEM],
        "takes a semaphore for reading, behind any writer that waits",
        "down_read() down_read_killable() down_read_interruptible()",
        |args| sem(args, How::Read),
    )
    .options(&[KILLABLE])
    .returns("0, -EINTR")
    .fails(EINTR),
    OpSpec::new("down-write", &[SEM], "takes a semaphore for writing", "down_write() down_write_killable()", |args| {
        sem(args, How::Write)
    })
    .options(&[KILLABLE])
    .returns("0, -EINTR")
    .fails(EINTR),
    OpSpec::new(
        "down-read-trylock",
        &[SEM],
        "takes a semaphore for reading if no writer has it and nobody waits",
        "down_read_trylock()",
        |args| sem(args, How::TryRead),
    )
    .returns("1 if taken, else 0"),
    OpSpec::new(
        "down-write-trylock",
        &[SEM],
        "takes a semaphore for writing if nobody has it or waits",
        "down_write_trylock()",
        |args| sem(args, How::TryWrite),
    )
    .returns("1 if taken, else 0"),
    OpSpec::new("up-read", &[SEM], "releases a semaphore taken for reading", "up_read()", |args| {
        sem(args, How::UpRead)
    }),
    OpSpec::new("up-write", &[SEM], "releases a semaphore taken for writing", "up_write()", |args| {
        sem(args, How::UpWrite)
    }),
    OpSpec::new(
        "downgrade-write",
        &[SEM],
        "turns a hold for writing into one for reading, with no other writer between",
        "downgrade_write() mmap_write_downgrade()",
        |args| sem(args, How::Downgrade),
    ),
    OpSpec::new(
        "mmap-lock",
        &[SIDE],
        "takes the semaphore of the address space, `mmap_lock`, which needs no declaration",
        "mmap_read_lock() mmap_write_lock() mmap_read_lock_killable() mmap_write_lock_killable() mmap_read_trylock() \
         mmap_write_trylock()",
        |args| match args.flag("trylock") {
            false => sem(args, side(args, How::Read, How::Write)),
            true => sem(args, side(args, How::TryRead, How::TryWrite)),
        },
    )
    .options(&[KILLABLE, flag("trylock", "takes it only if that needs no wait")])
    .returns("0, -EINTR; with `trylock` 1 if taken, else 0")
    .fails(EINTR),
    OpSpec::new(
        "mmap-unlock",
        &[SIDE],
        "releases the semaphore of the address space",
        "mmap_read_unlock() mmap_write_unlock()",
        |args| sem(args, side(args, How::UpRead, How::UpWrite)),
    )
    .options(&[flag("if-held", "does nothing if the thread does not hold it: a fault handler may have released it")]),
];
