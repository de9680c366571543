//! Whether there is an order of a word's stores that every CPU could have seen.
//!
//! Cache coherence: all stores of a word have one order (its modification order), and whoever has met a store of it
//! reads that one or a later one from then on. Loom keeps a partial order of its own and lets loads return what no
//! total order explains: a thread reads its own older store, two read-modify-writes change the same value, another
//! store comes between the two halves of one. So each execution is asked afterwards whether there is such an order.
//!
//! A read-modify-write follows at once behind the store that it read: they are a *chain*. What is known of the order
//! are edges between stores; the order exists if and only if no chain is read from twice at one place, no edge goes
//! back within a chain, and the edges between chains have no cycle. All of it is decided on the stores of one word,
//! since what one word's order has to do with another's is in the edges already.

/// Stores of a word that can be told apart; the value at the start is the first.
pub(super) const MAX_STORES: usize = 64;

/// The stores of one word in one execution, by number in the order of execution, 0 being the value at the start.
#[derive(Clone, Default)]
pub(super) struct Coherence {
    /// For each store, those that come before it, a bit each.
    before: Vec<u64>,
    /// For each store by a read-modify-write, the one that it read.
    read: Vec<Option<u8>>,
    /// Something does not agree with the order of execution.
    disordered: bool,
}

impl Coherence {
    /// Only the value at the start.
    pub(super) fn restart(&mut self) {
        self.before.clear();
        self.read.clear();
        self.disordered = false;
        self.before.push(0);
        self.read.push(None);
    }

    /// How many stores there are.
    pub(super) fn len(&self) -> usize {
        self.before.len()
    }

    /// The youngest in the order of execution.
    pub(super) fn youngest(&self) -> usize {
        self.before.len() - 1
    }

    /// Somebody who had met the `known` stores read this one.
    pub(super) fn read(&mut self, store: usize, known: u64) {
        let others = known & !(1 << store);
        self.before[store] |= others;
        self.disordered |= others >> store != 0;
    }

    /// Somebody who had met the `known` stores made another; `read` is what it read if it was a read-modify-write.
    pub(super) fn store(&mut self, known: u64, read: Option<usize>) {
        self.disordered |= read.is_some_and(|r| r != self.youngest());
        self.before.push(known | 1);
        self.read.push(read.map(|r| r as u8));
    }

    /// Whether an order exists.
    pub(super) fn is_possible(&self) -> bool {
        !self.disordered || self.chains().is_some_and(|c| c.last.is_some())
    }

    /// The store that can be the last one of all, the youngest in the order of execution if several can.
    pub(super) fn last(&self) -> usize {
        let last = if self.disordered { self.chains().and_then(|c| c.last) } else { None };
        last.unwrap_or(self.youngest())
    }

    /// The chains, unless there are none that hang together.
    fn chains(&self) -> Option<Chains> {
        let n = self.len();
        let (mut chain, mut place) = (vec![0u8; n], vec![0u8; n]);
        let mut followed = 0u64;
        for s in 0..n {
            match self.read[s].map(usize::from) {
                Some(r) if followed >> r & 1 == 1 => return None,
                Some(r) => {
                    followed |= 1 << r;
                    (chain[s], place[s]) = (chain[r], place[r] + 1);
                }
                None => chain[s] = s as u8,
            }
        }
        // Between chains: for each, those that come before it.
        let mut before = vec![0u64; n];
        for s in 0..n {
            for b in bits(self.before[s]) {
                if chain[b] != chain[s] {
                    before[usize::from(chain[s])] |= 1 << chain[b];
                } else if place[b] > place[s] {
                    return None;
                }
            }
        }
        Some(Chains { last: last_chain(&before, &chain).and_then(|c| (0..n).rev().find(|s| chain[*s] == c)) })
    }
}

struct Chains {
    /// The store at the end of a chain that may come last; none if the chains go round in a circle.
    last: Option<usize>,
}

/// Takes chains away that nothing is left before. The one that may be last, the youngest of several; none if some go
/// round.
fn last_chain(before: &[u64], chain: &[u8]) -> Option<u8> {
    let all = chain.iter().fold(0u64, |all, c| all | 1 << c);
    let mut left = all;
    while left != 0 {
        let free = bits(left).find(|c| before[*c] & left == 0)?;
        left &= !(1 << free);
    }
    let followed = bits(all).fold(0u64, |f, c| f | before[c]);
    // Of the chains behind which nothing must come, the one with the youngest store.
    chain.iter().rev().copied().find(|c| followed >> c & 1 == 0)
}

fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = (mask != 0).then(|| mask.trailing_zeros() as usize)?;
        mask &= mask - 1;
        Some(bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word() -> Coherence {
        let mut w = Coherence::default();
        w.restart();
        w
    }

    #[test]
    fn two_stores_may_be_in_either_order_and_the_later_reader_decides() {
        let mut w = word();
        w.store(0, None);
        w.store(0, None);
        assert!(w.is_possible());
        assert_eq!(w.last(), 2);
        // Whoever made the second reads the first: so that one came after it.
        w.read(1, 1 << 2);
        assert!(w.is_possible());
        assert_eq!(w.last(), 1);
        // Nobody reads the second after the first then.
        w.read(2, 1 << 1);
        assert!(!w.is_possible());
    }

    #[test]
    fn nobody_reads_his_own_older_store() {
        let mut w = word();
        w.store(0, None);
        w.store(1 << 1, None);
        w.read(1, 0b110);
        assert!(!w.is_possible());
    }

    #[test]
    fn nothing_comes_between_the_halves_of_a_read_modify_write() {
        let mut w = word();
        w.store(0, None);
        // It read the value at the start although there is a store: that one comes after it.
        w.store(0, Some(0));
        assert!(w.is_possible());
        assert_eq!(w.last(), 1);
        w.read(2, 0b10);
        assert!(!w.is_possible());
    }

    #[test]
    fn two_read_modify_writes_never_read_the_same_store() {
        let mut w = word();
        w.store(0, Some(0));
        w.store(0, Some(0));
        assert!(!w.is_possible());
    }

    #[test]
    fn a_chain_is_one_place_in_the_order() {
        let mut w = word();
        w.store(0, Some(0));
        w.store(0, None);
        // 3 follows 1 at once, although its author had met 2: then 2 would come before the start.
        w.store(1 << 2, Some(1));
        assert!(!w.is_possible());
    }
}
