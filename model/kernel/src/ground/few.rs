//! A list that holds few things: as long as it is declared, part of a flat state, and written as long as it is.

use crate::{
    Code, Coder,
    ids::ObjId,
    value::{Handle, Value},
};
use std::ops::{Deref, DerefMut};

/// What stands in the room of a [`Few`] that is not used.
pub(crate) trait Blank: Copy {
    /// It.
    const BLANK: Self;
}

impl Blank for ObjId {
    const BLANK: ObjId = ObjId::object(0);
}

impl Blank for Handle {
    const BLANK: Handle = Handle::NONE;
}

impl Blank for Value {
    const BLANK: Value = Value::Unset;
}

/// At most `N` of something, in an order. What is behind the last one is blank, so that equal lists are equal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Few<T, const N: usize> {
    len: u8,
    room: [T; N],
}

impl<T: Blank, const N: usize> Few<T, N> {
    /// None of them.
    pub(crate) const EMPTY: Few<T, N> = {
        assert!(N <= u8::MAX as usize, "the length is a byte");
        Few { len: 0, room: [T::BLANK; N] }
    };

    /// The first `N` of these.
    pub(crate) fn of(all: impl IntoIterator<Item = T>) -> Few<T, N> {
        let mut few = Few::EMPTY;
        for one in all {
            if !few.push(one) {
                break;
            }
        }
        few
    }

    /// At the end; false, and nothing done, if it is full.
    #[must_use]
    pub(crate) fn push(&mut self, one: T) -> bool {
        self.insert(self.len(), one)
    }

    /// Before the one at this place; false, and nothing done, if it is full.
    #[must_use]
    pub(crate) fn insert(&mut self, at: usize, one: T) -> bool {
        let len = self.len();
        if len == N {
            return false;
        }
        self.room.copy_within(at..len, at + 1);
        self.room[at] = one;
        self.len += 1;
        true
    }

    /// The one at this place, which is there no more.
    pub(crate) fn take(&mut self, at: usize) -> Option<T> {
        let one = *self.get(at)?;
        self.room.copy_within(at + 1.., at);
        self.len -= 1;
        self.room[usize::from(self.len)] = T::BLANK;
        Some(one)
    }

    /// The last one, which is there no more.
    pub(crate) fn pop(&mut self) -> Option<T> {
        self.take(self.len().checked_sub(1)?)
    }

    /// Leaves those of which this is true.
    pub(crate) fn retain(&mut self, stays: impl Fn(T) -> bool) {
        *self = Few::of(self.iter().copied().filter(|one| stays(*one)));
    }

    /// Writes or reads them, each by this; who keeps the length in a byte of his own has it from `len`.
    pub(crate) fn code_each<C: Coder>(&mut self, len: u8, c: &mut C, mut each: impl FnMut(&mut T, &mut C)) {
        self.len = len;
        let (live, rest) = self.room.split_at_mut(usize::from(len));
        live.iter_mut().for_each(|one| each(one, c));
        if C::READING {
            rest.fill(T::BLANK);
        }
    }
}

impl<T: Blank, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Few::EMPTY
    }
}

impl<T, const N: usize> Deref for Few<T, N> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.room[..usize::from(self.len)]
    }
}

impl<T, const N: usize> DerefMut for Few<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.room[..usize::from(self.len)]
    }
}

impl<T: Blank + Code, const N: usize> Code for Few<T, N> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut len = self.len;
        c.byte(&mut len);
        self.code_each(len, c, |one, c| one.code(c));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Three = Few<ObjId, 3>;

    fn three() -> Three {
        Few::of([4, 5, 6].map(ObjId::numbered))
    }

    #[test]
    fn a_full_list_takes_no_more_and_stays_as_it_was() {
        let mut few = three();
        assert!(!few.push(ObjId::numbered(7)));
        assert!(!few.insert(0, ObjId::numbered(7)));
        assert_eq!(few, three());
        assert_eq!(Three::of([4, 5, 6, 7].map(ObjId::numbered)), three());
    }

    #[test]
    fn who_leaves_the_middle_leaves_the_order_and_no_trace() {
        let mut few = three();
        assert_eq!(few.take(1), Some(ObjId::numbered(5)));
        assert_eq!(few, Few::of([ObjId::numbered(4), ObjId::numbered(6)]));
        assert!(few.insert(1, ObjId::numbered(5)));
        assert_eq!(few, three());
        few.retain(|one| one != ObjId::numbered(6));
        assert_eq!(few.pop(), Some(ObjId::numbered(5)));
        assert_eq!((few.pop(), few.pop(), few.take(0)), (Some(ObjId::numbered(4)), None, None));
        assert_eq!(few, Few::EMPTY);
    }
}
