//! Who is next on a workqueue.

use super::kind::Workers;
use crate::{Code, Coder, ObjId, ThreadId};

/// Most items that wait for their turn on one queue.
const CAPACITY: usize = 16;

/// The items that wait for their turn. On an ordered queue whose items have threads of their own the first one is the
/// one that runs, if one does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Line {
    len: u8,
    items: [ObjId; CAPACITY],
    /// The first one runs.
    pub(super) busy: bool,
    /// The workers that have nothing to do, a bit each.
    idle: u8,
}

impl Line {
    pub(super) fn items(&self) -> &[ObjId] {
        &self.items[..usize::from(self.len)]
    }

    pub(super) fn first(&self) -> Option<ObjId> {
        self.items().first().copied()
    }

    /// Behind the others, where their order matters; else to its place among them, so that no two lines differ in
    /// nothing else.
    pub(super) fn push(&mut self, item: ObjId, ordered: bool) -> bool {
        let len = usize::from(self.len);
        if len == CAPACITY {
            return false;
        }
        let at = if ordered { len } else { self.items().partition_point(|i| i.number() < item.number()) };
        self.items.copy_within(at..len, at + 1);
        self.items[at] = item;
        self.len += 1;
        true
    }

    pub(super) fn remove(&mut self, at: usize) {
        self.items.copy_within(at + 1.., at);
        self.len -= 1;
        self.items[usize::from(self.len)] = ObjId::default();
    }

    /// Takes an item off that waits for its turn, if it does: the first of a busy line is the run in progress, which
    /// goes on.
    pub(super) fn take_off(&mut self, item: ObjId) -> bool {
        let from = usize::from(self.busy);
        let at = self.items().iter().skip(from).position(|i| *i == item);
        at.into_iter().for_each(|at| self.remove(from + at));
        at.is_some()
    }

    /// A worker has nothing to do, or is woken.
    pub(super) fn set_idle(&mut self, workers: &Workers, worker: ThreadId, idle: bool) {
        let bit = 1 << (worker.0 - workers.first.0);
        self.idle = if idle { self.idle | bit } else { self.idle & !bit };
    }

    /// `first_idle_worker()`.
    pub(super) fn idle_worker(&self, workers: &Workers) -> Option<ThreadId> {
        (self.idle != 0).then(|| ThreadId(workers.first.0 + self.idle.trailing_zeros() as u8))
    }
}

impl Code for Line {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.byte(&mut self.len);
        if C::READING {
            self.items = [ObjId::default(); CAPACITY];
        }
        self.items[..usize::from(self.len)].iter_mut().for_each(|i| i.code(c));
        let mut flags = u8::from(self.busy) | u8::from(self.idle != 0) << 1;
        c.byte(&mut flags);
        self.busy = flags & 1 != 0;
        if flags & 2 != 0 {
            c.byte(&mut self.idle);
        } else {
            self.idle = 0;
        }
    }
}
