//! Which index a hash has: six bytes a slot, ten slots in a line of the cache.

/// Slots of a line.
const SLOTS: usize = 10;
/// No slot has this tag once it is taken.
const EMPTY: u16 = 0;
/// Lines are added when more than so many of a hundred slots are taken.
const FULLEST: usize = 90;
/// So many of a hundred are taken then: fewer while they are not large, and so seldom all made again.
const EMPTIEST: [usize; 2] = [50, 66];
/// Indices from which on they are large.
const LARGE: usize = 4 << 20;
/// Hashes whose lines are asked for before one is put into them.
const TOGETHER: usize = 64;
/// Lines that there are at least.
const LEAST: usize = 8;

/// Slots that are one miss of the cache together. Those that are taken come first.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Line {
    indices: [u32; SLOTS],
    /// Sixteen bits of each one's hash, by which nearly all others are told apart before what is behind an index is
    /// asked for.
    tags: [u16; SLOTS],
}

const _: () = assert!(size_of::<Line>() == 64);

impl Line {
    /// Which slots have a tag: a bit each.
    #[inline]
    fn with(&self, tag: u16) -> u32 {
        self.tags.iter().enumerate().fold(0, |all, (i, other)| all | u32::from(*other == tag) << i)
    }

    fn is_full(&self) -> bool {
        self.tags[SLOTS - 1] != EMPTY
    }
}

/// Slots for indices. One stands in the line that the upper bits of its hash say, or in the next that had room.
#[derive(Default)]
pub(super) struct Slots {
    lines: Vec<Line>,
    taken: usize,
}

/// The lower bits: the upper ones say the line.
fn tag(hash: u64) -> u16 {
    (hash as u16).max(EMPTY + 1)
}

/// Who has the hashes.
pub(super) trait Hashes {
    /// Does this with the hash of every index, in order.
    fn each_hash(&self, what: impl FnMut(u64));
}

impl Slots {
    #[inline]
    fn place(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.lines.len() as u128) >> 64) as usize
    }

    fn next(&self, at: usize) -> usize {
        if at + 1 == self.lines.len() { 0 } else { at + 1 }
    }

    /// Asks for the line in which a hash is looked up first. Whoever has several to look up asks for all lines before:
    /// what was found in one decides nothing of where the next one is, so that the misses overlap.
    #[inline]
    pub(super) fn ask(&self, hash: u64) -> u16 {
        self.lines.get(self.place(hash)).map_or(EMPTY, |line| line.tags[0])
    }

    /// The first index with a hash, as far as its tag tells, that is the right one.
    #[inline]
    pub(super) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let (mut at, tag) = (self.place(hash), tag(hash));
        loop {
            let line = self.lines.get(at)?;
            let mut same = line.with(tag);
            while same != 0 {
                let index = line.indices[same.trailing_zeros() as usize % SLOTS];
                if is(index) {
                    return Some(index);
                }
                same &= same - 1;
            }
            if !line.is_full() {
                return None;
            }
            at = self.next(at);
        }
    }

    /// Gives the next index to a hash that has none; there must be room.
    #[inline]
    pub(super) fn insert(&mut self, hash: u64) {
        let mut at = self.place(hash);
        while self.lines[at].is_full() {
            at = self.next(at);
        }
        let line = &mut self.lines[at];
        let free = line.with(EMPTY).trailing_zeros() as usize % SLOTS;
        (line.indices[free], line.tags[free]) = (self.taken as u32, tag(hash));
        self.taken += 1;
    }

    /// Gives these the next indices, in order.
    fn insert_all(&mut self, hashes: &[u64]) {
        std::hint::black_box(hashes.iter().fold(0, |all, hash| all ^ self.ask(*hash)));
        hashes.iter().for_each(|hash| self.insert(*hash));
    }

    /// How many lines there will be if so many indices are to be added.
    fn wanted(&self, more: usize) -> usize {
        let all = self.taken + more;
        match all * 100 > self.room() * FULLEST {
            true => (all * 100 / EMPTIEST[usize::from(all > LARGE)] / SLOTS + 1).max(LEAST),
            false => self.lines.len(),
        }
    }

    /// How many slots there are.
    pub(super) fn room(&self) -> usize {
        SLOTS * self.lines.len()
    }

    /// By how many bytes they will grow then: the old ones are given up before there are new ones.
    pub(super) fn growth(&self, more: usize) -> usize {
        size_of::<Line>() * (self.wanted(more) - self.lines.len())
    }

    /// Makes room for so many indices more than have these hashes; false if the system has none, and then they are as
    /// they were.
    pub(super) fn reserve(&mut self, more: usize, hashes: &impl Hashes) -> bool {
        let (before, wanted) = (self.lines.len(), self.wanted(more));
        wanted == before || self.again(wanted, hashes) || {
            self.again(before, hashes);
            false
        }
    }

    /// Gives all hashes their indices, in so many slots or as many as they want; false if the system has no memory for
    /// that.
    pub(super) fn fill(&mut self, room: usize, hashes: &impl Hashes) -> bool {
        let mut all = 0;
        hashes.each_hash(|_| all += 1);
        *self = Slots::default();
        // As many as were said need not be whole lines.
        let lines = room / SLOTS;
        let fits = all * 100 <= lines * SLOTS * FULLEST;
        self.again(if fits { lines } else { self.wanted(all) }, hashes)
    }

    /// The same in so many lines.
    fn again(&mut self, lines: usize, hashes: &impl Hashes) -> bool {
        *self = Slots::default();
        let made = self.lines.try_reserve_exact(lines).is_ok();
        if made {
            self.lines.resize(lines, Line::default());
            let mut some = Vec::with_capacity(TOGETHER);
            hashes.each_hash(|hash| {
                some.push(hash);
                if some.len() == TOGETHER {
                    self.insert_all(&some);
                    some.clear();
                }
            });
            self.insert_all(&some);
        }
        made
    }

    /// Memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Line>() * self.lines.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use xxhash_rust::xxh3::xxh3_64;

    impl Hashes for Vec<u64> {
        fn each_hash(&self, what: impl FnMut(u64)) {
            self.iter().copied().for_each(what);
        }
    }

    #[test]
    fn every_hash_has_its_index_whatever_it_shares_with_others() {
        let hash = |i: u32| match i % 4 {
            // The same line and the same tag, and then another one in the last line.
            0 => u64::from(i) << 17,
            1 => !u64::from(i),
            _ => xxh3_64(&i.to_le_bytes()),
        };
        let (mut slots, mut known) = (Slots::default(), vec![]);
        let find = |slots: &Slots, i: u32| slots.find(hash(i), |index| hash(index) == hash(i));
        for i in 0..6000 {
            assert_eq!(find(&slots, i), None);
            let (bytes, growth) = (slots.bytes(), slots.growth(1));
            assert!(slots.reserve(1, &known));
            assert_eq!(slots.bytes(), bytes + growth);
            slots.insert(hash(i));
            known.push(hash(i));
        }
        assert!((0..6000).all(|i| find(&slots, i) == Some(i)));
        assert!(slots.taken == 6000 && slots.bytes() < 6000 * 14, "{} bytes", slots.bytes());
        for room in 0..40 {
            let (mut few, some) = (Slots::default(), known[..30].to_vec());
            assert!(few.fill(room, &some) && few.find(hash(29), |index| index == 29) == Some(29));
        }
        let mut again = Slots::default();
        assert!(again.fill(slots.room(), &known));
        assert!(again.bytes() == slots.bytes() && (0..6000).all(|i| find(&again, i) == Some(i)));
    }
}
