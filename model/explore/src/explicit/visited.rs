//! Which states were seen, and under which index.

use super::{
    saved,
    slots::{Hashes, Slots},
    spill::{Column, Spill},
};
use crate::room;
use xxhash_rust::xxh3::xxh3_128;

/// The visited states.
pub(super) struct Visited {
    /// Indices only: wide entries would double the table's cost.
    slots: Slots,
    identity: Identity,
}

/// What a state is recognised by.
enum Identity {
    /// A 128-bit fingerprint each, most of them on disk if they do not fit into memory.
    Fingerprints(Column<u128>),
    /// The whole encoding each, in one arena; with the low half of the fingerprint, so that growing need not rehash.
    Exact { arena: Vec<u8>, ends: Vec<u64>, hashes: Vec<u64> },
}

/// Slots that were saved are so many times as many as states, at most, but for a few.
const MOST_ROOM: usize = 4;
const SMALL: usize = 1 << 16;

impl Hashes for Identity {
    fn each_hash(&self, mut what: impl FnMut(u64)) {
        match self {
            Identity::Fingerprints(prints) => prints.each(|_, print| what(print as u64)),
            Identity::Exact { hashes, .. } => hashes.iter().for_each(|hash| what(*hash)),
        }
    }
}

impl Visited {
    pub(super) fn new(exact: bool) -> Visited {
        let identity = if exact {
            Identity::Exact { arena: vec![], ends: vec![], hashes: vec![] }
        } else {
            Identity::Fingerprints(Column::default())
        };
        Visited { slots: Slots::default(), identity }
    }

    /// How many states were seen.
    pub(super) fn len(&self) -> u32 {
        match &self.identity {
            Identity::Fingerprints(prints) => prints.len() as u32,
            Identity::Exact { ends, .. } => ends.len() as u32,
        }
    }

    /// The fingerprint of an encoding.
    pub(super) fn fingerprint(encoding: &[u8]) -> u128 {
        xxh3_128(encoding)
    }

    /// The state's index, if it was seen.
    #[inline]
    pub(super) fn find(&self, print: u128, encoding: &[u8]) -> Option<u32> {
        let hash = print as u64;
        match &self.identity {
            Identity::Fingerprints(prints) => self.slots.find(hash, |i| prints.get_alone(i as usize) == print),
            Identity::Exact { arena, ends, hashes } => {
                self.slots.find(hash, |i| hashes[i as usize] == hash && slice(arena, ends, i) == encoding)
            }
        }
    }

    /// The indices of so many states, each by its fingerprint and encoding; `known` has nothing else then.
    ///
    /// A look-up misses the cache twice. Here the first misses of all overlap, and the second ones: no branch waits for
    /// what one of them brings before the others are asked for.
    pub(super) fn find_all<'k>(
        &self,
        states: usize,
        (print, encoding): (impl Fn(usize) -> u128, impl Fn(usize) -> &'k [u8]),
        known: &mut Vec<Option<u32>>,
    ) {
        known.clear();
        std::hint::black_box((0..states).fold(0, |all, at| all ^ self.slots.ask(print(at) as u64)));
        let Identity::Fingerprints(prints) = &self.identity else {
            return known.extend((0..states).map(|at| self.find(print(at), encoding(at))));
        };
        known.extend((0..states).map(|at| self.slots.find(print(at) as u64, |_| true)));
        for (at, likely) in known.iter_mut().enumerate() {
            // Who has the same tag is nearly always the one.
            if likely.is_some_and(|index| prints.get_alone(index as usize) != print(at)) {
                *likely = self.find(print(at), &[]);
            }
        }
    }

    /// The state's index, and whether it is new.
    pub(super) fn insert(&mut self, print: u128, encoding: &[u8]) -> (u32, bool) {
        if let Some(known) = self.find(print, encoding) {
            return (known, false);
        }
        if self.slots.growth(1) > 0 {
            let made = self.reserve(1, encoding.len());
            assert!(made, "[internal bug] there is no room for another state");
        }
        let next = self.len();
        self.slots.insert(print as u64);
        match &mut self.identity {
            Identity::Fingerprints(prints) => prints.push(print),
            Identity::Exact { arena, ends, hashes } => {
                arena.extend_from_slice(encoding);
                ends.push(arena.len() as u64);
                hashes.push(print as u64);
            }
        }
        (next, true)
    }

    /// By how many bytes it will grow if so many states of so many bytes are to be added.
    pub(super) fn growth(&self, states: usize, bytes: usize) -> usize {
        let identity = match &self.identity {
            Identity::Fingerprints(prints) => prints.growth(states),
            Identity::Exact { arena, ends, hashes } => {
                room::growth_bytes(arena, bytes) + room::growth_bytes(ends, states) + room::growth_bytes(hashes, states)
            }
        };
        self.slots.growth(states) + identity
    }

    /// Makes room for them; false if the system has none.
    pub(super) fn reserve(&mut self, states: usize, bytes: usize) -> bool {
        let made = match &mut self.identity {
            Identity::Fingerprints(prints) => prints.reserve(states).is_ok(),
            Identity::Exact { arena, ends, hashes } => {
                room::reserve(arena, bytes).is_ok()
                    && room::reserve(ends, states).is_ok()
                    && room::reserve(hashes, states).is_ok()
            }
        };
        let Visited { slots, identity } = self;
        made && slots.reserve(states, identity)
    }

    /// What a state is recognised by: its fingerprint, and its encoding if that is kept.
    pub(super) fn identity(&self, index: u32) -> (u128, &[u8]) {
        match &self.identity {
            Identity::Fingerprints(prints) => (prints.get(index as usize), &[]),
            Identity::Exact { arena, ends, .. } => {
                let encoding = slice(arena, ends, index);
                (Visited::fingerprint(encoding), encoding)
            }
        }
    }

    /// Writes fingerprints to disk, all but so many of the last; whole encodings are kept in memory.
    pub(super) fn write_out(&mut self, spill: &Spill, keep: usize) -> Result<(), String> {
        match &mut self.identity {
            Identity::Fingerprints(prints) => prints.write_out(spill, keep),
            Identity::Exact { .. } => Ok(()),
        }
    }

    /// Writes them down.
    pub(super) fn save(&self, to: &mut saved::Writer<'_>) -> std::io::Result<()> {
        to.room(self.slots.room())?;
        match &self.identity {
            Identity::Fingerprints(prints) if prints.inside().len() < prints.len() => {
                Err(std::io::Error::other("it is on disk"))
            }
            Identity::Fingerprints(prints) => saved::put_all(to, prints.inside()),
            Identity::Exact { arena, ends, hashes } => {
                saved::put_all(to, arena)?;
                saved::put_all(to, ends)?;
                saved::put_all(to, hashes)
            }
        }
    }

    /// Reads them again.
    pub(super) fn load(&mut self, from: &mut saved::Reader<'_>, memory: u64) -> Result<(), saved::Bad> {
        let room: usize = from.get()?;
        let states = match &mut self.identity {
            Identity::Fingerprints(prints) => {
                *prints = saved::get_all(from)?.into();
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
        // No table has more room than what it grows by.
        let most = most.min(MOST_ROOM * states + SMALL);
        let Visited { slots, identity } = self;
        let made = slots.fill(room.min(most), identity);
        if made { Ok(()) } else { Err("there is not enough memory for it".to_owned()) }
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
            Identity::Fingerprints(prints) => prints.bytes(),
            Identity::Exact { arena, ends, hashes } => arena.capacity() + 8 * (ends.capacity() + hashes.capacity()),
        };
        identity + self.slots.bytes()
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
