//! Which states were seen, and under which index.

use super::{
    saved,
    spill::{Column, Slots, Spill},
};
use crate::room;
use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_128;

/// The visited states.
pub(super) struct Visited {
    /// Indices only: wide entries would double the table's cost.
    table: HashTable<u32>,
    identity: Identity,
}

/// What a state is recognised by.
enum Identity {
    /// A 128-bit fingerprint each.
    Fingerprints(Vec<u128>),
    /// The whole encoding each, in one arena; with the low half of the fingerprint, so that growing need not rehash.
    Exact { arena: Vec<u8>, ends: Vec<u64>, hashes: Vec<u64> },
    /// A 128-bit fingerprint each, most of them on disk; the table is empty then, and the slots are.
    Spilled { prints: Column<u128>, slots: Slots },
}

/// A table has room for so many times what is in it, at most, but for a small one.
const MOST_ROOM: usize = 4;
const SMALL: usize = 1 << 16;

impl Visited {
    pub(super) fn new(exact: bool) -> Visited {
        let identity = if exact {
            Identity::Exact { arena: vec![], ends: vec![], hashes: vec![] }
        } else {
            Identity::Fingerprints(vec![])
        };
        Visited { table: HashTable::new(), identity }
    }

    /// How many states were seen.
    pub(super) fn len(&self) -> u32 {
        match &self.identity {
            Identity::Spilled { prints, .. } => prints.len() as u32,
            _ => self.table.len() as u32,
        }
    }

    /// The fingerprint of an encoding.
    pub(super) fn fingerprint(encoding: &[u8]) -> u128 {
        xxh3_128(encoding)
    }

    /// The state's index, if it was seen.
    pub(super) fn find(&self, print: u128, encoding: &[u8]) -> Option<u32> {
        let hash = print as u64;
        let found = match &self.identity {
            Identity::Fingerprints(prints) => self.table.find(hash, |i| prints[*i as usize] == print),
            Identity::Exact { arena, ends, hashes } => {
                self.table.find(hash, |i| hashes[*i as usize] == hash && slice(arena, ends, *i) == encoding)
            }
            Identity::Spilled { prints, slots } => return slots.find(print, prints),
        };
        found.copied()
    }

    /// The state's index, and whether it is new.
    pub(super) fn insert(&mut self, print: u128, encoding: &[u8]) -> (u32, bool) {
        if let Some(known) = self.find(print, encoding) {
            return (known, false);
        }
        let next = self.len();
        match &mut self.identity {
            Identity::Fingerprints(prints) => {
                self.table.insert_unique(print as u64, next, |i| prints[*i as usize] as u64);
            }
            Identity::Exact { hashes, .. } => {
                self.table.insert_unique(print as u64, next, |i| hashes[*i as usize]);
            }
            Identity::Spilled { slots, .. } => slots.insert(print, next),
        }
        self.remember(print, encoding);
        (next, true)
    }

    fn remember(&mut self, print: u128, encoding: &[u8]) {
        match &mut self.identity {
            Identity::Fingerprints(prints) => prints.push(print),
            Identity::Spilled { prints, .. } => prints.push(print),
            Identity::Exact { arena, ends, hashes } => {
                arena.extend_from_slice(encoding);
                ends.push(arena.len() as u64);
                hashes.push(print as u64);
            }
        }
    }

    /// By how many bytes the table will grow if so many states of so many bytes are to be added. While it does, both
    /// the old one and the new one are there.
    pub(super) fn growth(&self, states: usize, bytes: usize) -> usize {
        if let Identity::Spilled { prints, slots } = &self.identity {
            return prints.growth(states) + slots.growth(states);
        }
        let grows = self.table.len() + states > self.table.capacity();
        let table = if grows { 2 * self.table.allocation_size() } else { 0 };
        let identity = match &self.identity {
            Identity::Fingerprints(prints) => room::growth_bytes(prints, states),
            Identity::Exact { arena, ends, hashes } => {
                room::growth_bytes(arena, bytes) + room::growth_bytes(ends, states) + room::growth_bytes(hashes, states)
            }
            Identity::Spilled { .. } => 0,
        };
        table + identity
    }

    /// Makes room for them; false if the system has none.
    pub(super) fn reserve(&mut self, states: usize, bytes: usize) -> bool {
        match &mut self.identity {
            Identity::Fingerprints(prints) => {
                room::reserve(prints, states).is_ok()
                    && self.table.try_reserve(states, |i| prints[*i as usize] as u64).is_ok()
            }
            Identity::Exact { arena, ends, hashes } => {
                room::reserve(arena, bytes).is_ok()
                    && room::reserve(ends, states).is_ok()
                    && room::reserve(hashes, states).is_ok()
                    && self.table.try_reserve(states, |i| hashes[*i as usize]).is_ok()
            }
            Identity::Spilled { prints, slots } => prints.reserve(states).is_ok() && slots.reserve(states, prints),
        }
    }

    /// What a state is recognised by: its fingerprint, and its encoding if that is kept.
    pub(super) fn identity(&self, index: u32) -> (u128, &[u8]) {
        match &self.identity {
            Identity::Fingerprints(prints) => (prints[index as usize], &[]),
            Identity::Exact { arena, ends, .. } => {
                let encoding = slice(arena, ends, index);
                (Visited::fingerprint(encoding), encoding)
            }
            Identity::Spilled { prints, .. } => (prints.get(index as usize), &[]),
        }
    }

    /// Writes fingerprints to disk, all but so many of the last; whole encodings are kept in memory. The result is
    /// whether the system had the memory for what is left in it.
    pub(super) fn write_out(&mut self, spill: &Spill, keep: usize) -> Result<bool, String> {
        if let Identity::Fingerprints(prints) = &mut self.identity {
            let mut prints = Column::from(std::mem::take(prints));
            let written = prints.write_out(spill, keep);
            self.table = HashTable::new();
            let mut slots = Slots::default();
            let made = slots.reserve_all(&prints);
            self.identity = Identity::Spilled { prints, slots };
            return written.map(|()| made);
        }
        if let Identity::Spilled { prints, .. } = &mut self.identity {
            prints.write_out(spill, keep)?;
        }
        Ok(true)
    }

    /// Writes them down.
    pub(super) fn save(&self, to: &mut saved::Writer<'_>) -> std::io::Result<()> {
        to.room(self.table.capacity())?;
        match &self.identity {
            Identity::Fingerprints(prints) => saved::put_all(to, prints),
            Identity::Exact { arena, ends, hashes } => {
                saved::put_all(to, arena)?;
                saved::put_all(to, ends)?;
                saved::put_all(to, hashes)
            }
            Identity::Spilled { .. } => Err(std::io::Error::other("it is on disk")),
        }
    }

    /// Reads them again.
    pub(super) fn load(&mut self, from: &mut saved::Reader<'_>, memory: u64) -> Result<(), saved::Bad> {
        let capacity: usize = from.get()?;
        let states = match &mut self.identity {
            Identity::Spilled { .. } => return Err("[internal bug] it is on disk".to_owned()),
            Identity::Fingerprints(prints) => {
                *prints = saved::get_all(from)?;
                prints.len()
            }
            Identity::Exact { arena, ends, hashes } => {
                (*arena, *ends, *hashes) = (saved::get_all(from)?, saved::get_all(from)?, saved::get_all(from)?);
                let all = ends.last().map_or(0, |end| *end as usize);
                saved::ensure(ends.len() == hashes.len() && ends.is_sorted() && all == arena.len(), "states")?;
                let own = |i: usize| Visited::fingerprint(slice(arena, ends, i as u32)) as u64 == hashes[i];
                saved::ensure((0..ends.len()).all(own), "a state's fingerprint")?;
                ends.len()
            }
        };
        saved::ensure(u32::try_from(states).is_ok() && states > 0, "states")?;
        let most = usize::try_from(memory).unwrap_or(usize::MAX) / size_of::<u32>();
        let Visited { table, identity } = self;
        let hash = |i: &u32| match &*identity {
            Identity::Fingerprints(prints) => prints[*i as usize] as u64,
            Identity::Exact { hashes, .. } => hashes[*i as usize],
            Identity::Spilled { .. } => 0,
        };
        // No table has more room than what it grows by.
        let most = most.min(MOST_ROOM * states + SMALL);
        let made = table.try_reserve(capacity.clamp(states, states.max(most)), hash);
        made.map_err(|_| "there is not enough memory for it".to_owned())?;
        (0..states as u32).for_each(|i| _ = table.insert_unique(hash(&i), i, hash));
        Ok(())
    }

    /// Whether another one has the same states, as far as this one has some.
    pub(super) fn begins(&self, other: &Visited) -> bool {
        other.len() >= self.len() && (0..self.len()).all(|index| self.identity(index) == other.identity(index))
    }

    /// Whether the state of an index is this one, by its encoding.
    pub(super) fn is(&self, index: u32, encoding: &[u8]) -> bool {
        self.find(Visited::fingerprint(encoding), encoding) == Some(index)
    }

    /// Memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let identity = match &self.identity {
            Identity::Fingerprints(prints) => 16 * prints.capacity(),
            Identity::Exact { arena, ends, hashes } => arena.capacity() + 8 * (ends.capacity() + hashes.capacity()),
            Identity::Spilled { prints, slots } => prints.bytes() + slots.bytes(),
        };
        identity + self.table.allocation_size()
    }
}

fn slice<'a>(arena: &'a [u8], ends: &[u64], i: u32) -> &'a [u8] {
    let i = i as usize;
    let from = if i == 0 { 0 } else { ends[i - 1] };
    &arena[from as usize..ends[i] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_identities_number_states_in_the_order_of_arrival() {
        for exact in [false, true] {
            let mut visited = Visited::new(exact);
            let mut v = |bytes: &[u8]| visited.insert(Visited::fingerprint(bytes), bytes);
            assert_eq!(v(b"one"), (0, true));
            assert_eq!(v(b"two"), (1, true));
            assert_eq!(v(b"one"), (0, false));
            assert_eq!(v(b""), (2, true));
            assert_eq!(v(b""), (2, false));
            for i in 0..1000u32 {
                assert_eq!(v(&i.to_le_bytes()), (3 + i, true));
            }
            assert_eq!(visited.len(), 1003);
        }
    }
}
