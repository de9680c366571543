//! Sets of states, a bit each.

/// A set of states.
#[derive(Clone, Default, Debug)]
pub(super) struct StateSet(Vec<u64>);

impl StateSet {
    pub(super) fn insert(&mut self, s: u32) {
        let word = s as usize / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (s % 64);
    }

    pub(super) fn contains(&self, s: u32) -> bool {
        self.0.get(s as usize / 64).is_some_and(|w| w >> (s % 64) & 1 == 1)
    }
}
