//! What people write: pairs of operations that belong together, with a hole between them. Hints for whoever makes
//! scenarios up.
//!
//! In a text, `$a:KIND` names an object of that kind, `$a` the same one again, `$x:var` a word, `$l:guard-lock` and
//! `$m:guard-mutex` a lock and `$w:guarded` the word that it guards, `$r:local` a local, `$i:own` a local that nothing
//! in the hole writes, and `...` on a line of its own is the hole. A protocol's folder has its table (`idioms.rs`), and
//! the registry lists them.

/// `mmap_lock` is outside of everything.
pub(crate) const MMAP_LOCK: u8 = 1;
/// Then mutexes,
pub(crate) const MUTEX: u8 = 2;
/// semaphores,
pub(crate) const SEMAPHORE: u8 = 3;
/// reservations and other ww mutexes,
pub const RESERVATION: u8 = 4;
/// several of them with a context,
pub(crate) const CONTEXT: u8 = 5;
/// and what is atomic inside.
pub(crate) const ATOMIC: u8 = 6;

/// A few lines that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Idiom {
    /// Its place among all of them: which scenario a number stands for hangs on it. A new one is the last.
    pub(crate) number: u8,
    /// The lines.
    pub text: &'static str,
    /// Where it stands in the order of locks, if it takes one: what is inside comes later. Its first object is the
    /// lock.
    pub rank: u8,
    /// Nothing may sleep in its hole.
    pub atomic: bool,
    /// It may sleep.
    pub sleeps: bool,
    /// Right only with nothing held.
    pub alone: bool,
    /// It breaks no rule, where the order is kept.
    pub disciplined: bool,
}

/// One that takes nothing, never sleeps and breaks no rule.
pub(crate) const fn idiom(number: u8, text: &'static str) -> Idiom {
    Idiom { number, text, rank: 0, atomic: false, sleeps: false, alone: false, disciplined: true }
}

impl Idiom {
    pub(crate) const fn rank(self, rank: u8) -> Idiom {
        Idiom { rank, ..self }
    }

    pub(crate) const fn atomic(self) -> Idiom {
        Idiom { atomic: true, ..self }
    }

    pub(crate) const fn sleeps(self) -> Idiom {
        Idiom { sleeps: true, ..self }
    }

    pub(crate) const fn alone(self) -> Idiom {
        Idiom { alone: true, ..self }
    }

    pub(crate) const fn wild(self) -> Idiom {
        Idiom { disciplined: false, ..self }
    }
}
