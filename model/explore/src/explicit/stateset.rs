//! Sets of states, a bit each.

use super::saved;

/// A set of states.
#[derive(Clone, Default, Debug)]
pub(super) struct StateSet(Vec<u64>);

impl StateSet {
    /// The states below a number.
    pub(super) fn all(n: u32) -> StateSet {
        let mut words = vec![u64::MAX; n as usize / 64];
        words.push((1 << (n % 64)) - 1);
        StateSet(words)
    }

    /// The members, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                let bit = (rest != 0).then(|| rest.trailing_zeros())?;
                rest &= rest - 1;
                Some(at as u32 * 64 + bit)
            })
        })
    }

    /// Goes through the members from the last to the first and removes each that is not kept, at once. The result is
    /// how many there were, and how many were removed.
    pub(super) fn sweep_down(&mut self, keep: impl Fn(&StateSet, u32) -> bool) -> (u32, u32) {
        let (mut members, mut removed) = (0, 0);
        for at in (0..self.0.len()).rev() {
            let mut rest = self.0[at];
            while rest != 0 {
                let bit = 63 - rest.leading_zeros();
                rest &= !(1 << bit);
                members += 1;
                if !keep(self, at as u32 * 64 + bit) {
                    self.0[at] &= !(1 << bit);
                    removed += 1;
                }
            }
        }
        (members, removed)
    }

    pub(super) fn insert(&mut self, s: u32) {
        let word = s as usize / 64;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (s % 64);
    }

    /// Memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        8 * self.0.capacity()
    }

    pub(super) fn contains(&self, s: u32) -> bool {
        self.0.get(s as usize / 64).is_some_and(|w| w >> (s % 64) & 1 == 1)
    }

    /// Writes it down.
    pub(super) fn save(&self, to: &mut saved::Writer<'_>) -> std::io::Result<()> {
        saved::put_all(to, &self.0)
    }

    /// Reads one again, of states below a number.
    pub(super) fn load(from: &mut saved::Reader<'_>, states: u32) -> Result<StateSet, saved::Bad> {
        let set = StateSet(saved::get_all(from)?);
        let last = states as usize / 64;
        let behind = set.0.get(last).map_or(0, |word| word >> (states % 64));
        saved::ensure(set.0.len() <= last + 1 && behind == 0, "a set of states")?;
        Ok(set)
    }
}
