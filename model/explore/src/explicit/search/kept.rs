//! What a search writes of itself now and then, and how another one goes on from there.
//!
//! It is written between two chunks, when everything before them was taken in and nothing behind: so whoever goes on
//! finds what this one would have found.

use super::{Levels, Search};
use crate::explicit::{
    Sightings,
    frontier::Frontier,
    orbits::Target,
    saved::{self, Bad, Keeper, Reader, Saved, Writer},
    stateset::StateSet,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

/// Where in a level a search is: the first state of it that is not expanded, if it was begun.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) begun: bool,
}

/// How the states are told apart, and what is looked for, as a search found out that it must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Stage {
    pub(crate) orbits: bool,
    pub(crate) fine: bool,
    pub(crate) sections_apart: bool,
    pub(crate) has_loops: bool,
}

impl Saved for Stage {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        to.put(&((self.orbits, self.has_loops), (self.fine, self.sections_apart)))
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        let ((orbits, has_loops), (fine, sections_apart)) = from.get()?;
        Ok(Stage { orbits, fine, sections_apart, has_loops })
    }
}

impl Frontier {
    /// Writes down the states from this one on.
    fn save(&self, to: &mut Writer<'_>, from: usize) -> io::Result<()> {
        let (start, bytes, ends) = (self.start(from), self.bytes.inside(), self.ends.inside());
        saved::put_part(to, &bytes[start..], bytes.capacity())?;
        let left: Vec<u64> = ends[from..].iter().map(|end| end - start as u64).collect();
        saved::put_part(to, &left, ends.capacity())
    }

    fn load(from: &mut Reader<'_>) -> Result<Frontier, Bad> {
        let bytes: Vec<u8> = saved::get_all(from)?;
        let ends: Vec<u64> = saved::get_all(from)?;
        saved::ensure(ends.last().map_or(0, |end| *end) == bytes.len() as u64 && ends.is_sorted(), "what is left")?;
        Ok(Frontier { bytes: bytes.into(), ends: ends.into() })
    }
}

impl Saved for Sightings {
    fn save(&self, to: &mut Writer<'_>) -> io::Result<()> {
        to.put(&((self.seen_true, self.seen_false), (self.failed, self.mixed)))?;
        self.marked.save(to)
    }

    fn load(from: &mut Reader<'_>) -> Result<Self, Bad> {
        let ((seen_true, seen_false), (failed, mixed)) = from.get()?;
        // Which states there are is looked at when all was read.
        Ok(Sightings { seen_true, seen_false, failed, mixed, marked: StateSet::load(from, u32::MAX)? })
    }
}

/// What is left to expand, and whether the first level of that was begun.
pub(super) type Lines = (Levels, bool);

impl Search<'_> {
    pub(super) fn stage(&self) -> Stage {
        let (fine, sections_apart) = (self.options.fine, self.options.sections_apart);
        Stage { orbits: self.symmetry.is_some(), fine, sections_apart, has_loops: self.task.has_loops }
    }

    /// Hands over what there is to whoever keeps it.
    pub(super) fn keep(&self, keeper: &dyn Keeper, place: Place, here: &Frontier, above: &Frontier) {
        keeper.keep(&mut |to| {
            let mut to = Writer::new(to);
            self.save(&mut to, place, here, above)?;
            to.end().map(drop)
        });
    }

    /// The sum of all that it would write of itself, but for how much room there is.
    pub(super) fn sum(&self, place: Place, levels: &Levels) -> io::Result<u128> {
        let mut nowhere = io::sink();
        let mut to = Writer::without_rooms(&mut nowhere);
        self.save(&mut to, place, &levels.here, &levels.above)?;
        to.end()
    }

    fn save(&self, to: &mut Writer<'_>, place: Place, here: &Frontier, above: &Frontier) -> io::Result<()> {
        to.put(&self.stage())?;
        to.put(&(self.index, place.begun))?;
        to.put(&(self.whole_levels, self.terminals))?;
        to.put(&(self.noted, self.overflow))?;
        self.visited.save(to)?;
        self.graph.save(to)?;
        here.save(to, place.at)?;
        above.save(to, 0)?;
        to.put(&self.outcomes.len())?;
        self.outcomes.iter().try_for_each(|outcome| to.put(outcome))?;
        to.put(&self.violations.len())?;
        self.violations.iter().try_for_each(|(v, targets)| {
            to.put(v)?;
            to.put(targets)
        })?;
        saved::put_all(to, &self.good)?;
        self.cut.save(to)?;
        self.warned.save(to)?;
        to.put(&self.watched)?;
        self.depend.iter().try_for_each(|depend| depend.save(to))?;
        self.usage.iter().try_for_each(|usage| usage.save(to))?;
        saved::put_cover(to, &self.cover, self.scripts())?;
        to.put(&self.unsignaled.iter().copied().collect::<Vec<_>>())?;
        self.orbits.iter().try_for_each(|orbits| {
            to.put(&orbits.named)?;
            to.put(orbits.names.inside())
        })
    }

    /// Those of the threads, setup and teardown.
    pub(super) fn scripts(&self) -> usize {
        self.task.program.scripts.len() + 2
    }

    /// Goes on from what another search of the same program has written; an error says what is wrong with it, and then
    /// this one is not to be used.
    pub(super) fn load(&mut self, mut reader: Reader<'_>) -> Result<Lines, Bad> {
        let from = &mut reader;
        let (index, begun): (u32, bool) = from.get()?;
        (self.whole_levels, self.terminals) = from.get()?;
        (self.noted, self.overflow) = from.get()?;
        self.visited.load(from, self.limits.memory_bytes)?;
        let states = self.visited.len();
        let laid = self.graph.load(from, states, self.task.program.scripts.len())?;
        let levels = Levels { here: Frontier::load(from)?, above: Frontier::load(from)? };
        self.index = index;
        for _ in 0..from.get::<usize>()? {
            self.outcomes.insert(from.get()?);
        }
        let mut violations = BTreeMap::new();
        for _ in 0..from.get::<usize>()? {
            let (v, targets): (_, Vec<Target>) = from.get()?;
            violations.insert(v, targets);
        }
        self.violations = violations;
        self.good = saved::get_all(from)?;
        self.cut = StateSet::load(from, states)?;
        self.warned = StateSet::load(from, states)?;
        self.watched = from.get()?;
        let shape = self.shape();
        self.depend.iter_mut().try_for_each(|depend| depend.load(from, states, shape))?;
        self.usage.iter_mut().try_for_each(|usage| usage.load(from, states, shape))?;
        let scripts = self.scripts();
        saved::get_cover(from, &mut self.cover, scripts)?;
        self.unsignaled = from.get::<Vec<_>>()?.into_iter().collect::<BTreeSet<_>>();
        if let Some(orbits) = &mut self.orbits {
            orbits.named = from.get()?;
            orbits.names = from.get::<Vec<_>>()?.into();
        }
        reader.end()?;
        let lines = (levels, begun);
        self.fits(&lines, &laid)?;
        Ok(lines)
    }
}
