//! Memory that is asked for before it is used: a table that cannot grow makes a search incomplete, and ends no process.
//!
//! A search counts what it has allocated, in bytes and not in what the system says, so that a limit on memory falls at
//! the same state everywhere. What grows by itself (a result, a set of outcomes) is small beside the tables, and
//! counted too.

use fenceweave_kernel::{Outcome, Value};
use std::collections::TryReserveError;

/// What the process takes for itself, of a limit on memory: code, the scenario, the engine's working states.
const OWN: usize = 8 << 20;
/// Elements that a vector begins with.
const SMALLEST: usize = 64;
/// Below, a vector doubles.
const SMALL: usize = 1 << 20;
/// Beyond, what is moved to another place is moved by the system, page by page, and costs nothing.
const LARGE: usize = 64 << 20;

/// What the process itself takes of a limit on memory; of a small one no more than a part.
pub(crate) fn own(limit: u64) -> usize {
    OWN.min(usize::try_from(limit / 4).unwrap_or(OWN))
}

/// By how many elements a vector will grow if so many are to be added: none if there is room. It grows by a part of
/// what there is, so that each element is moved a few times at most, and a limit is kept closely.
pub(crate) fn growth<T>(v: &Vec<T>, more: usize) -> usize {
    if v.len() + more <= v.capacity() {
        return 0;
    }
    let part = match v.capacity() * size_of::<T>() {
        ..SMALL => v.capacity().max(SMALLEST),
        SMALL..LARGE => v.capacity() / 4,
        _ => v.capacity() / 8,
    };
    (v.len() + more.max(part)).saturating_sub(v.capacity())
}

/// The same in bytes.
pub(crate) fn growth_bytes<T>(v: &Vec<T>, more: usize) -> usize {
    growth(v, more) * size_of::<T>()
}

/// Makes room for so many elements.
pub(crate) fn reserve<T>(v: &mut Vec<T>, more: usize) -> Result<(), TryReserveError> {
    match growth(v, more) {
        0 => Ok(()),
        by => v.try_reserve_exact(v.capacity() - v.len() + by),
    }
}

/// What is left for all that asks for nothing beforehand: a result, its text, a set that grows by a node.
const HEADROOM: usize = 16 << 20;
/// Bytes after which it is looked whether that is still there.
const OFTEN: usize = 4 << 20;

/// Whether the system still has some memory besides what a search has allocated.
#[derive(Default)]
pub(crate) struct Headroom {
    looked_at: usize,
}

impl Headroom {
    /// Looks, if much has been allocated since the last time.
    pub(crate) fn is_there(&mut self, allocated: usize) -> bool {
        if allocated < self.looked_at + OFTEN {
            return true;
        }
        self.looked_at = allocated;
        let mut trial: Vec<u8> = vec![];
        let there = trial.try_reserve_exact(HEADROOM).is_ok();
        // An allocation that nobody uses need not be made at all.
        std::hint::black_box(&trial);
        there
    }
}

/// How a result begins for which the system had no more memory, whatever the limit.
pub(crate) const NO_MORE: &str = "the system has no more memory";

/// What a node of a tree and an allocation take beside what is in them, about.
const OVERHEAD: usize = 16;

/// What an outcome takes in a set of them: as much whoever made it, also where it came from a file or another process.
pub(crate) fn of_outcome(outcome: &Outcome) -> usize {
    let values = |v: &Vec<Value>| size_of::<Vec<Value>>() + OVERHEAD + v.len() * size_of::<Value>();
    let inside = match outcome {
        Outcome::Finished { locals, vars, warned } => {
            values(vars) + locals.iter().map(values).sum::<usize>() + size_of_val(&warned[..])
        }
        Outcome::Violated(_) => 0,
    };
    // A node of a B-tree is about two thirds full.
    size_of::<Outcome>() * 3 / 2 + OVERHEAD + inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_once_it_was_reserved_and_little_more() {
        let mut v: Vec<u32> = vec![];
        let mut moves = 0;
        for i in 0..25_000_000 {
            let (before, by) = (v.capacity(), growth(&v, 1));
            reserve(&mut v, 1).unwrap();
            assert_eq!(v.capacity(), before + by);
            moves += usize::from(by > 0);
            v.push(i);
            if by > 0 && v.capacity() > 2 * SMALL / size_of::<u32>() {
                assert!(v.capacity() <= v.len() + v.len() / 4, "{} for {}", v.capacity(), v.len());
            }
        }
        assert!(moves < 80, "{moves} times");
    }

    #[test]
    fn a_vector_that_cannot_grow_says_so() {
        let mut v: Vec<u64> = vec![];
        assert!(reserve(&mut v, usize::MAX / 16).is_err());
        assert!(v.is_empty());
    }
}
