//! Which index a fingerprint has, where the fingerprints themselves are in a column: six bytes a slot.

use super::Column;

/// An index, and sixteen bits of the fingerprint, by which nearly all others are told apart before the column is asked.
type Slot = [u16; 3];

const EMPTY: Slot = [u16::MAX; 3];

/// Slots are added when more than so many of a hundred are taken.
const FULLEST: usize = 88;
/// So many of a hundred are taken then.
const EMPTIEST: usize = 68;
/// Slots that there are at least.
const LEAST: usize = 64;

/// Slots for indices. One stands at the place that the low half of its fingerprint says, or at the next that was free.
#[derive(Default)]
pub(in crate::explicit) struct Slots {
    slots: Vec<Slot>,
    taken: usize,
}

fn slot(print: u128, index: u32) -> Slot {
    [(print >> 64) as u16, index as u16, (index >> 16) as u16]
}

fn index(slot: Slot) -> u32 {
    u32::from(slot[1]) | u32::from(slot[2]) << 16
}

impl Slots {
    fn place(&self, print: u128) -> usize {
        ((u128::from(print as u64) * self.slots.len() as u128) >> 64) as usize
    }

    /// The index of a fingerprint, if it has one.
    pub(in crate::explicit) fn find(&self, print: u128, prints: &Column<u128>) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let (mut at, tag) = (self.place(print), (print >> 64) as u16);
        loop {
            let slot = self.slots[at];
            if slot == EMPTY {
                return None;
            }
            if slot[0] == tag && prints.get_alone(index(slot) as usize) == print {
                return Some(index(slot));
            }
            at = if at + 1 == self.slots.len() { 0 } else { at + 1 };
        }
    }

    /// Gives one that has none an index; there must be room.
    pub(in crate::explicit) fn insert(&mut self, print: u128, index: u32) {
        let mut at = self.place(print);
        while self.slots[at] != EMPTY {
            at = if at + 1 == self.slots.len() { 0 } else { at + 1 };
        }
        self.slots[at] = slot(print, index);
        self.taken += 1;
    }

    /// How many slots there will be if so many indices are to be added.
    fn wanted(&self, more: usize) -> usize {
        let all = self.taken + more;
        match all * 100 > self.slots.len() * FULLEST {
            true => (all * 100 / EMPTIEST + 1).max(LEAST),
            false => self.slots.len(),
        }
    }

    /// By how many bytes they will grow then: the old ones are given up before there are new ones.
    pub(in crate::explicit) fn growth(&self, more: usize) -> usize {
        size_of::<Slot>() * (self.wanted(more) - self.slots.len())
    }

    /// Gives every fingerprint of a column its index; false if the system has no memory for that.
    pub(in crate::explicit) fn reserve_all(&mut self, prints: &Column<u128>) -> bool {
        self.fresh(prints.len() * 100 / EMPTIEST + LEAST) && {
            prints.each(|at, print| self.insert(print, at as u32));
            true
        }
    }

    /// Makes room for so many indices of fingerprints in a column; false if the system has none, and then they are as
    /// they were.
    pub(in crate::explicit) fn reserve(&mut self, more: usize, prints: &Column<u128>) -> bool {
        let (before, wanted) = (self.slots.len(), self.wanted(more));
        if wanted == before {
            return true;
        }
        let (made, all) = match self.fresh(wanted) {
            true => (true, prints.len()),
            false => (false, if self.fresh(before) { prints.len() } else { 0 }),
        };
        if all > 0 {
            prints.each(|at, print| self.insert(print, at as u32));
        }
        made
    }

    /// Empty slots, so many.
    fn fresh(&mut self, n: usize) -> bool {
        self.slots = vec![];
        self.taken = 0;
        let made = self.slots.try_reserve_exact(n).is_ok();
        if made {
            self.slots.resize(n, EMPTY);
        }
        made
    }

    /// Memory in use, in bytes.
    pub(in crate::explicit) fn bytes(&self) -> usize {
        size_of::<Slot>() * self.slots.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_128;

    #[test]
    fn every_fingerprint_has_its_index_whatever_it_shares_with_others() {
        let (mut slots, mut prints) = (Slots::default(), Column::<u128>::default());
        let print = |i: u32| match i % 4 {
            // The same place, and then the same bits beside it.
            0 => u128::from(i) << 80,
            1 => u128::from(i) << 80 | u128::from(u64::MAX),
            _ => xxh3_128(&i.to_le_bytes()),
        };
        for i in 0..6000 {
            assert_eq!(slots.find(print(i), &prints), None);
            assert!(slots.reserve(1, &prints));
            slots.insert(print(i), i);
            prints.push(print(i));
        }
        assert!((0..6000).all(|i| slots.find(print(i), &prints) == Some(i)));
        assert!(slots.taken == 6000 && slots.bytes() < 6000 * 10, "{} bytes", slots.bytes());
    }
}
