//! How often each thread is in something that many may be in at once.

use crate::{Code, Coder, MAX_THREADS, ThreadId, ids::ThreadQueue};

/// What lockdep keeps of readers and the kernel does not: four bits a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Readers([u8; MAX_THREADS.div_ceil(2)]);

impl Readers {
    /// Most times that a thread may be in.
    pub(crate) const MOST: u8 = 15;

    /// How often the thread is in.
    pub(crate) fn of(&self, t: ThreadId) -> u8 {
        self.0[t.index() / 2] >> (4 * (t.0 % 2)) & Readers::MOST
    }

    /// The thread is in so often.
    pub(crate) fn set(&mut self, t: ThreadId, n: u8) {
        let shift = 4 * (t.0 % 2);
        let pair = &mut self.0[t.index() / 2];
        *pair = *pair & !(Readers::MOST << shift) | n << shift;
    }

    /// Who is in.
    pub(crate) fn all(&self) -> ThreadQueue {
        let mut all = ThreadQueue::default();
        let ids = (0..MAX_THREADS as u8).map(ThreadId);
        ids.filter(|t| self.of(*t) > 0).for_each(|t| all.push(t));
        all
    }
}

impl Code for Readers {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut packed = u64::from_le_bytes(self.0);
        c.thread_nibbles(&mut packed, 0);
        self.0 = packed.to_le_bytes();
    }
}
