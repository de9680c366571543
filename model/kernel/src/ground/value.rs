//! What a local, a variable or a return code holds: a word, NULL, or a reference to an object.

use super::number::Wide;
use crate::{
    ids::ObjId,
    registry::{Cursor, Unwrap},
};
use std::fmt;

/// A reference to an object as a program holds it: which slot, and the slot's generation when it was taken.
///
/// A freed slot gets a new generation, so an old handle no longer matches: that is how use after free is seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Handle {
    /// The slot.
    pub obj: ObjId,
    /// The slot's generation at the time the reference was made; [`Handle::STALE`] once it is known to be old.
    pub generation: u8,
}

impl Handle {
    /// The generation that no live slot has: the canonical form of every outdated handle.
    pub const STALE: u8 = 255;

    /// A handle of nothing, for who has none yet. It is outdated from the start: one with a generation would be so only
    /// once its slot has been freed, and a state would be told from another by what nobody looks at.
    pub const NONE: Handle = Handle::place(ObjId::object(0));

    /// A slot whoever lives in it: who has this asks for that when it matters.
    pub const fn place(obj: ObjId) -> Handle {
        Handle { obj, generation: Handle::STALE }
    }
}

impl Default for Handle {
    fn default() -> Handle {
        Handle::NONE
    }
}

/// A word, NULL, a reference, a cursor, or nothing yet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Value {
    /// Never set. Reading it is a violation.
    #[default]
    Unset,
    /// A number; a kernel return code is a negative errno.
    Word(i32),
    /// A number that does not fit in a [`Word`](Value::Word); one that does is never held like this.
    Wide(Wide),
    /// The NULL reference.
    Null,
    /// A reference to an object.
    Ref(Handle),
    /// A place in an iteration over a reservation.
    Cursor(Cursor),
    /// A place in an iteration over what a fence is made of.
    Unwrap(Unwrap),
}

impl Value {
    /// The truth of a value as C's `if` sees it: nonzero words, references and cursors are true.
    pub fn truth(self) -> Option<bool> {
        match self {
            Value::Unset => None,
            Value::Word(w) => Some(w != 0),
            Value::Null => Some(false),
            Value::Wide(_) | Value::Ref(_) | Value::Cursor(_) | Value::Unwrap(_) => Some(true),
        }
    }

    /// A number as a value; `None` if there is no room for it, which is said of [`Wide`].
    #[inline]
    pub fn of(n: i64) -> Option<Value> {
        match i32::try_from(n) {
            Ok(word) => Some(Value::Word(word)),
            Err(_) => Wide::new(n).map(Value::Wide),
        }
    }

    /// The number of 64 bits, where NULL counts as 0. A `u64` from 2^63 on is its bits.
    #[inline]
    pub fn integer(self) -> Option<i64> {
        match self {
            Value::Wide(wide) => Some(wide.number()),
            other => other.word().map(i64::from),
        }
    }

    /// The number if it fits in 32 bits with a sign, where NULL counts as 0.
    pub fn word(self) -> Option<i32> {
        match self {
            Value::Word(w) => Some(w),
            Value::Null => Some(0),
            Value::Unset | Value::Wide(_) | Value::Ref(_) | Value::Cursor(_) | Value::Unwrap(_) => None,
        }
    }
}

impl From<Errno> for Value {
    fn from(e: Errno) -> Value {
        Value::Word(-e.0)
    }
}

/// A Linux error number, positive; operations return it negated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Errno(pub i32);

macro_rules! errnos {
    ($($name:ident = $n:literal),* $(,)?) => {
        impl Errno {
            $(#[doc = concat!("Linux's `", stringify!($name), "`.")] pub const $name: Errno = Errno($n);)*
            /// Every error number that has a name here, with it.
            pub const ALL: &'static [(&'static str, Errno)] = &[$((stringify!($name), Errno($n))),*];
        }
    };
}

errnos! {
    EPERM = 1, ENOENT = 2, ESRCH = 3, EINTR = 4, EIO = 5, ENXIO = 6, E2BIG = 7, EBADF = 9, EAGAIN = 11, EWOULDBLOCK = 11,
    ENOMEM = 12, EACCES = 13, EFAULT = 14, EBUSY = 16, EEXIST = 17, ENODEV = 19, EINVAL = 22, ENOTTY = 25, ENOSPC = 28, ERANGE = 34,
    EDEADLK = 35, ENOSYS = 38, ENODATA = 61, ETIME = 62, EPROTO = 71, EMULTIHOP = 72, EOVERFLOW = 75, EMSGSIZE = 90,
    EOPNOTSUPP = 95, ENOBUFS = 105, ESHUTDOWN = 108, ETIMEDOUT = 110, EALREADY = 114, EINPROGRESS = 115, ESTALE = 116,
    EREMOTEIO = 121, ECANCELED = 125, ERESTARTSYS = 512,
}

impl Errno {
    /// The error's name, such as `EDEADLK`.
    pub fn name(self) -> Option<&'static str> {
        Errno::ALL.iter().find(|(_, e)| *e == self).map(|(n, _)| *n)
    }

    /// The error of that name.
    pub fn from_name(name: &str) -> Option<Errno> {
        Errno::ALL.iter().find(|(n, _)| *n == name).map(|(_, e)| *e)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(n) => f.write_str(n),
            None => write!(f, "E{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errno_names_and_numbers_agree_both_ways() {
        for (name, e) in Errno::ALL {
            assert_eq!(Errno::from_name(name), Some(*e));
            // The one that has two names is told by the first.
            assert_eq!(e.name(), Some(if *name == "EWOULDBLOCK" { "EAGAIN" } else { *name }));
        }
        assert_eq!(Value::from(Errno::EDEADLK), Value::Word(-35));
    }

    #[test]
    fn a_value_is_one_machine_word() {
        assert!(size_of::<Value>() <= 8);
    }
}
