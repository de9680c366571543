//! What a task has put off to its way back to user space.

use crate::{Code, Coder, Handle};

/// Most works of a task at once.
const CAPACITY: usize = 4;

/// `current->task_works`: a stack, of which `task_work_run()` takes all that there is, and what is added meanwhile only
/// afterwards.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct TaskWorks {
    len: u8,
    /// How many of the first are being run.
    taken: u8,
    works: [Handle; CAPACITY],
}

impl TaskWorks {
    pub(crate) fn len(&self) -> u8 {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// False if there is no room.
    pub(crate) fn push(&mut self, work: Handle) -> bool {
        let Some(slot) = self.works.get_mut(usize::from(self.len)) else { return false };
        *slot = work;
        self.len += 1;
        true
    }

    pub(crate) fn all(&self) -> &[Handle] {
        &self.works[..usize::from(self.len)]
    }

    /// The one that runs next.
    pub(crate) fn next(&self) -> Option<Handle> {
        let at = if self.taken > 0 { self.taken } else { self.len }.checked_sub(1)?;
        Some(self.works[usize::from(at)])
    }

    /// Takes it; there must be one.
    pub(crate) fn pop(&mut self) -> Handle {
        let next = self.next().unwrap_or_default();
        if self.taken == 0 {
            self.taken = self.len;
        }
        let at = usize::from(self.taken - 1);
        self.works.copy_within(at + 1.., at);
        (self.taken, self.len) = (self.taken - 1, self.len - 1);
        self.works[usize::from(self.len)] = Handle::default();
        next
    }
}

impl Code for TaskWorks {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.byte(&mut self.len);
        if C::READING {
            (self.taken, self.works) = (0, [Handle::default(); CAPACITY]);
        }
        if self.len == 0 {
            return;
        }
        c.byte(&mut self.taken);
        self.works[..usize::from(self.len)].iter_mut().for_each(|work| work.code(c));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ObjId;

    fn work(n: u8) -> Handle {
        Handle { obj: ObjId::object(usize::from(n)), generation: 0 }
    }

    #[test]
    fn what_is_added_while_they_run_comes_after_those_that_were_there() {
        let mut works = TaskWorks::default();
        assert!(works.push(work(1)) && works.push(work(2)));
        assert_eq!(works.pop(), work(2));
        assert!(works.push(work(3)));
        let rest: Vec<Handle> = std::iter::from_fn(|| (!works.is_empty()).then(|| works.pop())).collect();
        assert_eq!(rest, [work(1), work(3)]);
        assert_eq!(works, TaskWorks::default());
    }

    #[test]
    fn more_than_there_is_room_for_are_refused() {
        let mut works = TaskWorks::default();
        assert!((0..4).all(|n| works.push(work(n))));
        assert!(!works.push(work(4)));
    }
}
