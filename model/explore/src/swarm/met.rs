//! Which states were met, and how many walks met each: all of them while there is room, then a part.

use crate::Limits;
use std::collections::HashMap;

/// Most states that are kept.
const MOST: u64 = 1 << 21;
/// What one takes, about.
const BYTES: u64 = 40;

/// The states that were met, by their fingerprints. When there are too many, those are forgotten whose fingerprint ends
/// in a one; then, of the rest, those with a one before that; and so on. So what is kept is a fair sample, whatever the
/// order in which states come.
pub(super) struct Met {
    /// By how many walks each was met.
    kept: HashMap<u64, u32>,
    /// How many there would be if each were counted for each walk that met it.
    all: u64,
    /// So many bits at the end of a fingerprint are zero.
    bits: u32,
    most: usize,
}

impl Met {
    pub(super) fn new(limits: &Limits) -> Met {
        let most = MOST.min(limits.memory_bytes / 2 / BYTES).min(limits.states).max(2) as usize;
        Met { kept: HashMap::new(), all: 0, bits: 0, most }
    }

    /// A walk has met these states, each of which is there once.
    pub(super) fn meet(&mut self, prints: &[u64]) {
        self.all += prints.len() as u64;
        for print in prints.iter().filter(|print| print.trailing_zeros() >= self.bits) {
            let walks = self.kept.entry(*print).or_default();
            *walks = walks.saturating_add(1);
        }
        while self.kept.len() > self.most {
            self.bits += 1;
            let bits = self.bits;
            self.kept.retain(|print, _| print.trailing_zeros() >= bits);
        }
    }

    /// How many there are, about.
    pub(super) fn states(&self) -> u64 {
        (self.kept.len() as u64) << self.bits.min(40)
    }

    /// Whether some were forgotten.
    pub(super) fn is_estimate(&self) -> bool {
        self.bits > 0
    }

    /// Those that one walk alone has met.
    pub(super) fn once(&self) -> u64 {
        let once = self.kept.values().filter(|walks| **walks == 1).count() as u64;
        once << self.bits.min(40)
    }

    /// The chance that a state of another walk is not among them.
    pub(super) fn unseen(&self) -> f64 {
        if self.all == 0 { 1.0 } else { (self.once() as f64 / self.all as f64).min(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    #[test]
    fn what_is_kept_is_a_fair_sample() {
        let mut met = Met::new(&Limits { states: 1_000, ..Limits::default() });
        for walk in 0..2_000u64 {
            // Ten of its own, and ten that every walk meets.
            let own = (0..10).map(|i| 1_000 + walk * 10 + i);
            let prints: Vec<u64> = (0..10).chain(own).map(|state| xxh3_64(&state.to_le_bytes())).collect();
            met.meet(&prints);
        }
        assert!(met.is_estimate());
        let states = met.states() as f64;
        assert!((15_000.0..25_000.0).contains(&states), "{states} of 20,010");
        assert!((0.4..0.6).contains(&met.unseen()), "{}", met.unseen());
    }

    #[test]
    fn few_states_are_counted_exactly() {
        let mut met = Met::new(&Limits::default());
        met.meet(&[1, 2, 3]);
        met.meet(&[2, 3]);
        assert_eq!((met.states(), met.once(), met.is_estimate()), (3, 1, false));
        assert_eq!(met.unseen(), 1.0 / 5.0);
    }
}
