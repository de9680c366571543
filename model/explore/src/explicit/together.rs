//! Several workers expand one level: whoever is free takes the next chunk of states, and one of them, the *first*,
//! takes the chunks in, in the order of states.
//!
//! ```text
//!   level k   [chunk 0][chunk 1][chunk 2][chunk 3]…      each worker: decode, step, encode, fingerprint, look
//!                  \        |       /
//!                   first worker, one after the other    visited, graph, level k+1, what was seen
//! ```
//!
//! Only what the first one has taken in is part of a result. Where a limit ends the search, chunks that were expanded
//! ahead are forgotten as if nobody had looked; so it says the same whatever the number of workers and their luck.

use super::{chunk::Chunk, expand::Expander, frontier::Frontier};
use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Condvar, Mutex, MutexGuard},
};

/// States in a chunk, at most; debug builds have smaller ones, so that small programs have several.
pub(super) const CHUNK: usize = if cfg!(debug_assertions) { 8 } else { 64 };
/// Bytes of their encodings, about.
const CHUNK_BYTES: usize = 16 << 10;
/// Chunks that a worker may be ahead.
const AHEAD: usize = 6;
/// A level with fewer states is expanded by one.
pub(super) const WORTH_IT: usize = if cfg!(debug_assertions) { 2 * CHUNK } else { 16 * CHUNK };

/// The chunk that begins at a state of a level.
pub(super) fn chunk_at(level: &Frontier, from: usize) -> Range<usize> {
    let most = level.len().min(from + CHUNK);
    let start = level.start(from);
    let is_full = |to: &usize| level.start(*to) - start >= CHUNK_BYTES;
    from..(from + 1..most).find(is_full).unwrap_or(most)
}

/// A chunk and what came of it, once somebody has expanded it.
type Slot = (Range<usize>, Option<Chunk>);

/// What workers share.
struct Queue {
    /// The first state that nobody has taken.
    next: usize,
    /// Chunks that were not taken in, in order, the first of this number.
    slots: VecDeque<Slot>,
    first: usize,
    /// Chunks that are not in use.
    free: Vec<Chunk>,
    /// Most slots.
    ahead: usize,
    /// It is over, for whatever reason.
    over: bool,
}

/// What is to be expanded: the number of a chunk, its states, and where to write.
type Job = (usize, Range<usize>, Chunk);

impl Queue {
    fn job(&mut self, level: &Frontier, fresh: impl FnOnce() -> Chunk) -> Option<Job> {
        if self.over || self.next == level.len() || self.slots.len() == self.ahead {
            return None;
        }
        let states = chunk_at(level, self.next);
        self.next = states.end;
        let number = self.first + self.slots.len();
        self.slots.push_back((states.clone(), None));
        Some((number, states, self.free.pop().unwrap_or_else(fresh)))
    }

    fn put(&mut self, number: usize, chunk: Chunk) {
        if let Some(slot) = self.slots.get_mut(number - self.first) {
            slot.1 = Some(chunk);
        }
    }

    /// The chunk that is to be taken in next, if it was expanded.
    fn pop(&mut self) -> Option<(Range<usize>, Chunk)> {
        let chunk = self.slots.front_mut()?.1.take()?;
        let (states, _) = self.slots.pop_front()?;
        self.first += 1;
        Some((states, chunk))
    }

    fn is_done(&self, level: &Frontier) -> bool {
        self.over || self.slots.is_empty() && self.next == level.len()
    }
}

/// Chunks of a level, and who waits for one.
struct Desk<'l> {
    level: &'l Frontier,
    /// The index of its first state.
    index: u32,
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// Whoever leaves it by a panic ends it for all, and the scope passes the panic on.
struct Leaving<'d, 'l>(&'d Desk<'l>);

impl Drop for Leaving<'_, '_> {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.changed.notify_all();
    }
}

impl Desk<'_> {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing is half done where it is held.
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn expand(&self, expander: &mut Expander<'_>, states: Range<usize>, chunk: &mut Chunk) {
        expander.expand_all((self.level, self.index), states, chunk);
        expander.close(chunk);
    }

    /// Expands chunk after chunk.
    fn help(&self, expander: &mut Expander<'_>, fresh: impl Fn() -> Chunk) {
        let leaving = Leaving(self);
        let mut queue = self.lock();
        while !queue.over && queue.next < self.level.len() {
            let Some((number, states, mut chunk)) = queue.job(self.level, &fresh) else {
                queue = self.changed.wait(queue).unwrap_or_else(std::sync::PoisonError::into_inner);
                continue;
            };
            drop(queue);
            self.expand(expander, states, &mut chunk);
            queue = self.lock();
            queue.put(number, chunk);
            self.changed.notify_all();
        }
        drop(queue);
        std::mem::forget(leaving);
    }

    /// Takes in chunk after chunk, and expands one where the next is not there yet.
    fn lead(
        &self,
        expander: &mut Expander<'_>,
        fresh: impl Fn() -> Chunk,
        mut take: impl FnMut(Range<usize>, &mut Chunk) -> Result<bool, String>,
    ) -> Result<Option<usize>, String> {
        let _leaving = Leaving(self);
        let mut queue = self.lock();
        while !queue.is_done(self.level) {
            if let Some((states, mut chunk)) = queue.pop() {
                drop(queue);
                self.changed.notify_all();
                let from = states.start;
                if !take(states, &mut chunk)? {
                    return Ok(Some(from));
                }
                chunk.clear();
                queue = self.lock();
                queue.free.push(chunk);
            } else if let Some((number, states, mut chunk)) = queue.job(self.level, &fresh) {
                drop(queue);
                self.expand(expander, states, &mut chunk);
                queue = self.lock();
                queue.put(number, chunk);
            } else {
                queue = self.changed.wait(queue).unwrap_or_else(std::sync::PoisonError::into_inner);
            }
        }
        Ok(None)
    }
}

/// Expands a level whose first state has this index; `take` is called with the states of every chunk and what came of
/// them, in order. If it says no, or fails, nothing behind is looked at: the result is then where that was.
pub(super) fn expand(
    crew: &mut [Expander<'_>],
    (level, index): (&Frontier, u32),
    fresh: impl Fn() -> Chunk + Sync,
    take: impl FnMut(Range<usize>, &mut Chunk) -> Result<bool, String>,
) -> Result<Option<usize>, String> {
    let ahead = AHEAD * crew.len();
    let queue = Queue { next: 0, slots: VecDeque::new(), first: 0, free: vec![], ahead, over: false };
    let desk = &Desk { level, index, queue: Mutex::new(queue), changed: Condvar::new() };
    let Some((first, helpers)) = crew.split_first_mut() else { return Ok(Some(0)) };
    std::thread::scope(|scope| {
        for helper in helpers {
            let fresh = &fresh;
            scope.spawn(move || desk.help(helper, fresh));
        }
        desk.lead(first, &fresh, take)
    })
}
