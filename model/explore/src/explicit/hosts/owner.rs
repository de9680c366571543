//! What one process has of a search: the states that are its own by their fingerprint.
//!
//! It expands those of them whose turn it is, sends each successor to its owner, and says of each successor that it is
//! sent whether it is known. New ones get their numbers from the first process, in the order in which a search by one
//! process would have met them.

use super::{
    known::Known,
    meet::{read, said},
    notes::{self, Told},
};
use crate::{
    explicit::{
        chunk::Chunk,
        expand::Expander,
        graph::pack,
        saved::{self, Bad},
        visited::Visited,
    },
    room,
};
use fenceweave_kernel::Cover;
use std::ops::Range;

/// In an answer: it is new, and which of the new ones.
pub(super) const NEW: u32 = 1 << 31;
/// Successors of which it is remembered that they were sent, so that another time their fingerprint is enough.
const REMEMBERED: usize = 1 << 16;
/// States behind the first one that was not taken in, from which on it pays to move them.
const MOVED: usize = 1 << 12;

/// To whom a state belongs, of so many processes.
pub(in crate::explicit) fn owner_of(print: u128, processes: usize) -> usize {
    // The low half says where it is in its owner's table.
    (((print >> 64) * processes as u128) >> 64) as usize
}

/// States that are to be expanded, in order, with their numbers.
#[derive(Default)]
struct Waiting {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    numbers: Vec<u32>,
    /// The first that was not taken in.
    first: usize,
    /// The first that was not expanded.
    next: usize,
}

impl Waiting {
    fn push(&mut self, number: u32, encoding: &[u8]) {
        self.bytes.extend_from_slice(encoding);
        self.ends.push(self.bytes.len());
        self.numbers.push(number);
    }

    fn get(&self, at: usize) -> &[u8] {
        let from = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[from..self.ends[at]]
    }

    /// What comes before this number was taken in.
    fn taken_in(&mut self, to: u32) {
        while self.first < self.next && self.numbers[self.first] < to {
            self.first += 1;
        }
        if self.first >= MOVED && self.first > self.ends.len() / 2 {
            let bytes = self.ends[self.first - 1];
            self.bytes.drain(..bytes);
            self.ends.drain(..self.first);
            self.ends.iter_mut().for_each(|end| *end -= bytes);
            self.numbers.drain(..self.first);
            (self.next, self.first) = (self.next - self.first, 0);
        }
    }

    fn bytes(&self) -> usize {
        self.bytes.capacity() + size_of::<usize>() * self.ends.capacity() + size_of::<u32>() * self.numbers.capacity()
    }
}

/// Successors on their way to their owner.
#[derive(Default)]
struct Met {
    prints: Vec<u128>,
    /// Where their encodings end; one that was sent before has none.
    ends: Vec<u32>,
    bytes: Vec<u8>,
    /// What they are known by, where that is something else.
    key_ends: Vec<u32>,
    keys: Vec<u8>,
}

impl Met {
    fn said(&self) -> Result<Vec<u8>, String> {
        said(|to| {
            saved::put_all(to, &self.prints)?;
            saved::put_all(to, &self.ends)?;
            saved::put_block(to, &self.bytes)?;
            saved::put_all(to, &self.key_ends)?;
            saved::put_block(to, &self.keys)
        })
    }

    fn heard(bytes: &[u8], has_keys: bool) -> Result<Met, Bad> {
        read(bytes, |from| {
            let (prints, ends): (Vec<u128>, Vec<u32>) = (saved::get_all(from)?, saved::get_all(from)?);
            let bytes = saved::get_block(from)?;
            let (key_ends, keys): (Vec<u32>, Vec<u8>) = (saved::get_all(from)?, saved::get_block(from)?);
            let fit = |ends: &[u32], bytes: &[u8]| {
                ends.is_sorted() && ends.last().map_or(0, |end| *end as usize) == bytes.len()
            };
            let keyed = if has_keys { prints.len() } else { 0 };
            saved::ensure(ends.len() == prints.len() && fit(&ends, &bytes), "successors")?;
            saved::ensure(key_ends.len() == keyed && fit(&key_ends, &keys), "keys")?;
            Ok(Met { prints, ends, bytes, key_ends, keys })
        })
    }

    fn encoding(&self, at: usize) -> &[u8] {
        part(&self.bytes, &self.ends, at)
    }

    fn key(&self, at: usize) -> &[u8] {
        if self.key_ends.is_empty() { self.encoding(at) } else { part(&self.keys, &self.key_ends, at) }
    }
}

/// One of some encodings that stand one after the other.
pub(super) fn part<'b>(bytes: &'b [u8], ends: &[u32], at: usize) -> &'b [u8] {
    let from = at.checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[from as usize..ends[at] as usize]
}

/// New states whose numbers are not known yet, and who sent them: over orbits each sender's first one, for the first
/// of all is what is kept.
struct Fresh {
    /// The first one's place among the states of this process.
    base: u32,
    /// Which of them, from whom, and where its encoding ends.
    sent: Vec<(u32, u8, usize)>,
    bytes: Vec<u8>,
}

/// What is known of the steps of a round's states that belong to one process.
#[derive(Default)]
pub(super) struct Rows {
    /// How many steps each state has.
    pub(super) counts: Vec<u8>,
    /// The steps, and to whom they lead.
    pub(super) actions: Vec<u8>,
    pub(super) owners: Vec<u8>,
    /// Over orbits, who everybody is in the representative of the state that each leads to.
    pub(super) images: Vec<u64>,
}

/// What the expansion of a round has come to: for each process what it is sent, and what the first one is told.
pub(super) struct Expanded {
    pub(super) met: Vec<Vec<u8>>,
    pub(super) report: Vec<u8>,
}

/// The states of a process.
pub(in crate::explicit) struct Owner<'a> {
    expander: Expander<'a>,
    chunk: Chunk,
    /// How often statements have run in a round.
    cover: Cover,
    scripts: usize,
    processes: usize,
    how: How,
    visited: Visited,
    /// Of each of them its number in the whole search.
    numbers: Vec<u32>,
    waiting: Waiting,
    fresh: Option<Fresh>,
    /// Fingerprints of successors that were sent.
    remembered: Vec<u128>,
    told: Told,
}

/// How states are told apart.
#[derive(Clone, Copy)]
pub(in crate::explicit) struct How {
    /// By their whole encodings.
    pub(in crate::explicit) exact: bool,
    /// Up to exchanges of threads that are alike.
    pub(in crate::explicit) orbits: bool,
}

impl<'a> Owner<'a> {
    /// Of no state yet, of a program that has so many conditions and counts statements so.
    pub(in crate::explicit) fn new(
        expander: Expander<'a>,
        (cover, scripts): (Cover, usize),
        conditions: usize,
        processes: usize,
        how: How,
    ) -> Owner<'a> {
        Owner {
            expander,
            chunk: Chunk::new(conditions),
            cover,
            scripts,
            processes,
            how,
            visited: Visited::new(how.exact),
            numbers: vec![],
            waiting: Waiting::default(),
            fresh: None,
            remembered: vec![0; if how.exact { 0 } else { REMEMBERED }],
            told: vec![(false, false); conditions],
        }
    }

    /// Memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let fresh = self.fresh.as_ref().map_or(0, |fresh| fresh.bytes.capacity() + 24 * fresh.sent.capacity());
        self.visited.bytes()
            + size_of::<u32>() * self.numbers.capacity()
            + self.waiting.bytes()
            + fresh
            + size_of::<u128>() * self.remembered.len()
    }

    /// Takes in states that were found before.
    pub(super) fn seed(&mut self, known: &Known) -> Result<(), Bad> {
        let room = self.visited.reserve(known.numbers.len(), known.keys.len());
        saved::ensure(room, "there is not enough memory for it")?;
        for (at, number) in known.numbers.iter().enumerate() {
            let (_, new) = self.visited.insert(known.prints[at], known.key(at));
            saved::ensure(new, "a state that is there already")?;
            self.numbers.push(*number);
        }
        for (at, number) in known.waiting.iter().enumerate() {
            self.waiting.push(*number, part(&known.bytes, &known.ends, at));
        }
        Ok(())
    }

    /// Takes every step of those states among these that are its own.
    pub(super) fn expand(&mut self, round: Range<u32>) -> Result<Expanded, String> {
        let mut all: Vec<Met> = (0..self.processes).map(|_| Met::default()).collect();
        let (mut rows, mut report) = (Rows::default(), vec![]);
        let mut to = saved::Writer::new(&mut report);
        let mut write = || -> std::io::Result<()> {
            let first = self.waiting.next;
            while self.waiting.numbers.get(self.waiting.next).is_some_and(|number| *number < round.end) {
                let at = self.waiting.next;
                self.waiting.next += 1;
                let (number, encoding) = (self.waiting.numbers[at], self.waiting.get(at));
                self.chunk.clear();
                self.expander.expand(encoding, number, &mut self.chunk);
                self.expander.close(&mut self.chunk);
                notes::forget_told(&mut self.chunk.notes, &mut self.told);
                if !notes::is_empty(&self.chunk.notes) {
                    to.put(&(true, (at - first) as u32))?;
                    notes::put(&mut to, &self.chunk.notes, self.waiting.get(at))?;
                    self.chunk.notes.outcomes.clear();
                }
                self.send(&mut rows, &mut all);
            }
            to.put(&false)?;
            self.expander.cover.drain_into(&mut self.cover);
            saved::put_cover(&mut to, &self.cover, self.scripts)?;
            (0..self.scripts)
                .for_each(|at| self.cover.of_mut(at).into_iter().flatten().for_each(|p| *p = Default::default()));
            saved::put_block(&mut to, &rows.counts)?;
            saved::put_block(&mut to, &rows.actions)?;
            saved::put_block(&mut to, &rows.owners)?;
            saved::put_all(&mut to, &rows.images)
        };
        write().and_then(|()| to.end()).map_err(|e| e.to_string())?;
        let met = all.iter().map(Met::said).collect::<Result<_, _>>()?;
        Ok(Expanded { met, report })
    }

    /// Puts the successors in the chunk on their way.
    fn send(&mut self, rows: &mut Rows, all: &mut [Met]) {
        let chunk = &self.chunk;
        rows.counts.push(chunk.steps.len() as u8);
        for (step, taken) in chunk.steps.iter().enumerate() {
            let owner = owner_of(taken.print, self.processes);
            rows.actions.push(pack(taken.action, taken.progressed));
            rows.owners.push(owner as u8);
            rows.images.extend(chunk.images.get(step).map(|(by, _)| saved::bits_of(*by)));
            let met = &mut all[owner];
            met.prints.push(taken.print);
            let place = taken.print as usize % REMEMBERED;
            let was_sent =
                self.remembered.get_mut(place).is_some_and(|sent| std::mem::replace(sent, taken.print) == taken.print);
            if !was_sent {
                met.bytes.extend_from_slice(chunk.encoding(step));
            }
            met.ends.push(met.bytes.len() as u32);
            if self.how.exact && self.how.orbits {
                met.keys.extend_from_slice(chunk.key(step));
                met.key_ends.push(met.keys.len() as u32);
            }
        }
    }

    /// Whether what was new the last time has its numbers: before, nothing can be looked up.
    pub(super) fn can_look_up(&self) -> bool {
        self.fresh.is_none()
    }

    /// Looks up what each process has sent for a round; the result is what the first one is told. In memory there may
    /// be so many bytes, beside so many that others in this process have.
    pub(super) fn look_up(&mut self, sent: &[Vec<u8>], (limit, others): (u64, usize)) -> Result<Vec<u8>, String> {
        let has_keys = self.how.exact && self.how.orbits;
        let all = sent.iter().map(|bytes| Met::heard(bytes, has_keys)).collect::<Result<Vec<_>, _>>()?;
        let (successors, bytes) = all
            .iter()
            .fold((0, 0), |(n, bytes), met| (n + met.prints.len(), bytes + met.bytes.len().max(met.keys.len())));
        let growth = self.visited.growth(successors, bytes) + room::growth_bytes(&self.numbers, successors);
        let then = self.bytes() + others + growth + bytes + room::own(limit);
        let fits = then as u64 <= limit;
        if !fits || !self.visited.reserve(successors, bytes) || room::reserve(&mut self.numbers, successors).is_err() {
            let why = if fits { room::NO_MORE.to_owned() } else { format!("more than {} MiB of memory", limit >> 20) };
            return said(|to| to.put(&Some(why.into_bytes())));
        }
        let base = self.visited.len();
        let mut fresh = Fresh { base, sent: vec![], bytes: vec![] };
        let mut last_sender: Vec<u8> = vec![];
        let mut codes: Vec<Vec<u32>> = vec![];
        for (sender, met) in all.iter().enumerate() {
            let mut known = vec![];
            self.visited.find_all(met.prints.len(), (|at| met.prints[at], |at| met.key(at)), &mut known);
            let mut of_sender = Vec::with_capacity(known.len());
            for (at, known) in known.into_iter().enumerate() {
                let (local, new) = match known {
                    Some(local) => (local, false),
                    None => self.visited.insert(met.prints[at], met.key(at)),
                };
                if local < base {
                    of_sender.push(self.numbers[local as usize]);
                    continue;
                }
                let k = local - base;
                if new {
                    let is_it = self.how.orbits || Visited::fingerprint(met.encoding(at)) == met.prints[at];
                    saved::ensure(is_it, "a state that is not what it is called")?;
                    last_sender.push(u8::MAX);
                }
                let is_first = std::mem::replace(&mut last_sender[k as usize], sender as u8) != sender as u8;
                if new || self.how.orbits && is_first {
                    fresh.bytes.extend_from_slice(met.encoding(at));
                    fresh.sent.push((k, sender as u8, fresh.bytes.len()));
                }
                of_sender.push(NEW | k);
            }
            codes.push(of_sender);
        }
        let new = self.visited.len() - base;
        self.fresh = Some(fresh);
        said(|to| {
            to.put(&None::<Vec<u8>>)?;
            to.put(&new)?;
            codes.iter().try_for_each(|codes| saved::put_all(to, codes))
        })
    }

    /// The numbers of what was new, whose each one is that was kept, and what was taken in with that.
    pub(super) fn name(&mut self, bytes: &[u8]) -> Result<(), Bad> {
        let Some(fresh) = self.fresh.take() else { return Err("numbers for nothing".into()) };
        let (taken_in, numbers, senders) =
            read(bytes, |from| Ok((from.get::<u32>()?, saved::get_all::<u32>(from)?, saved::get_block(from)?)))?;
        let new = (self.visited.len() - fresh.base) as usize;
        let last = self.waiting.numbers.last().copied();
        let in_order = numbers.iter().all(|number| last.is_none_or(|last| last < *number));
        saved::ensure(numbers.len() == new && senders.len() == new && in_order, "numbers")?;
        let mut order: Vec<(u32, Range<usize>)> = vec![];
        let mut from = 0;
        for (k, sender, end) in &fresh.sent {
            let k = *k as usize;
            if !self.how.orbits || senders[k] == *sender {
                order.push((numbers[k], from..*end));
            }
            from = *end;
        }
        saved::ensure(order.len() == new, "who found what")?;
        order.sort_unstable_by_key(|(number, _)| *number);
        saved::ensure(order.is_sorted_by(|a, b| a.0 < b.0), "numbers")?;
        order.into_iter().for_each(|(number, bytes)| self.waiting.push(number, &fresh.bytes[bytes]));
        self.numbers.extend(numbers);
        self.waiting.taken_in(taken_in);
        Ok(())
    }

    /// All that has a number, in parts that can be told at once.
    pub(super) fn known(&self) -> impl Iterator<Item = Known> {
        let (mut state, mut waits) = (0, self.waiting.first);
        std::iter::from_fn(move || {
            let mut known = Known::default();
            while state < self.numbers.len() && !known.is_full() {
                let (print, key) = self.visited.identity(state as u32);
                known.add(self.numbers[state], print, key);
                state += 1;
            }
            while waits < self.waiting.numbers.len() && !known.is_full() {
                known.wait(self.waiting.numbers[waits], self.waiting.get(waits));
                waits += 1;
            }
            (!known.numbers.is_empty() || !known.waiting.is_empty()).then_some(known)
        })
    }
}
