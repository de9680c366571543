//! A second opinion: small programs over locks and sleepers, explored as naively as can be.
//!
//! The engines share the protocols of `model/kernel`, so they agree on a step that does too much at once. This crate
//! shares nothing with them: its data, its stepping and its search are its own, and the functions are written down from
//! the kernel's text, with **one access to shared memory a step**. A critical section is not one step here: taking the
//! spinlock, every access under it, and releasing it are each their own, so that what others can see of its middle is
//! seen.
//!
//! What is here: words and spinlocks (`explore`), mutexes and ww mutexes of both algorithms (`mutex`), reader-writer
//! semaphores (`rwsem`), completions and wait queues (`sleep`). Memory is sequentially consistent. The scheduler is
//! taken for granted: `try_to_wake_up()` is one step, as is `schedule()`, and so is what only the task itself can see.
//!
//! What must not be here: anything of the workspace. It has no dependency, and nothing of it is meant to be fast.
//!
//! # Where to start reading
//!
//! [`Program`], then `explore`, then `mutex` with the kernel's text beside it.

mod explore;
mod mutex;
mod program;
mod rwsem;
mod sleep;
mod state;

pub use explore::{End, Judgement, judge};
pub use program::{Class, Context, Op, Patience, Program, Statement};

/// What became of a step.
enum Turn {
    /// The call goes on.
    On,
    /// The call is over, with this result.
    Done(i32),
    /// It cannot be taken now: a spinlock is held, or the task sleeps.
    Blocked,
}
