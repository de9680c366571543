//! The breadth-first loop.

mod again;
mod apart;
mod believed;
mod kept;

use kept::Place;
pub(super) use kept::Stage;

use super::{
    Options, Sightings, Watchers,
    chunk::{Chunk, Notes, Taken},
    contracts,
    depend::{Dependencies, Link},
    expand::Expander,
    frontier::Frontier,
    graph::Graph,
    liveness,
    orbits::{Orbits, Steps, Target},
    saved::{self, Keeper},
    spill::Spill,
    stateset::StateSet,
    together::{self, CHUNK},
    trace::{self, Path},
    usage::Usage,
    visited::Visited,
};
use crate::{
    Counts, Coverage, Limits, Progress, Task, diagnose, idle, interrupt,
    room::{self, Headroom},
};
use fenceweave_kernel::{Action, Cover, Merging, ObjId, Outcome, Property, Renaming, State, Symmetry, Violation};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

/// How often the watcher is told.
const TICK: u32 = 1 << 14;
/// Of the memory, one part of so many is for what was written already, where it is asked for most: the last states.
const KEPT_ROOM: u64 = 8;
/// One part of so many is free at least when the rest was written to disk.
const SOME_ROOM: u64 = 64;
/// Indices must fit, with room for one more level.
const MAX_STATES: u64 = u32::MAX as u64 / 2;
/// Edge positions must fit too.
const MAX_EDGES: usize = u32::MAX as usize / 2;

/// Ways that a thread's choice may fall, at most: an edge has three bits for it.
pub(super) const MOST_WAYS: u64 = 8;

/// Who is told of what goes on, and who keeps what there is.
struct Told<'t> {
    progress: &'t dyn Progress,
    keeper: Option<&'t dyn Keeper>,
}

/// Workers that one search has some use for: one takes in what all of them have expanded.
const MOST_WORKERS: usize = 16;

/// Who expands.
struct Crew<'a> {
    /// Who does it where one is enough.
    alone: Expander<'a>,
    chunk: Chunk,
    /// All workers, once there was a level for them.
    all: Vec<Expander<'a>>,
    /// How many it has in any case, and how many at most if some are idle elsewhere.
    workers: usize,
    most: usize,
    /// Whether some states of the level at hand were expanded by an earlier search.
    begun: bool,
}

impl<'a> Crew<'a> {
    fn new(search: &Search<'a>) -> Crew<'a> {
        // What is locked under what is noted by one.
        let (workers, most) = match search.options.contracts {
            true => (1, 1),
            false => (search.options.workers.get(), MOST_WORKERS.max(search.options.workers.get())),
        };
        Crew {
            alone: search.expander(),
            chunk: Chunk::new(search.task.conditions.len()),
            all: vec![],
            workers,
            most,
            begun: false,
        }
    }

    /// Hands over what the one has kept.
    fn end(self, search: &mut Search<'a>) {
        let mut alone = self.alone;
        alone.cover.drain_into(&mut search.cover);
        search.contracts = alone.contracts;
    }
}

/// The level that is being expanded, and the one above it.
#[derive(Default)]
struct Levels {
    here: Frontier,
    above: Frontier,
}

/// A search and what it has found so far.
pub(super) struct Search<'a> {
    task: &'a Task<'a>,
    limits: Limits,
    pub(super) graph: Graph,
    visited: Visited,
    /// How many states other tables have: those of several processes (`apart.rs`).
    elsewhere: u32,
    pub(super) outcomes: BTreeSet<Outcome>,
    /// The states that break a property, for each way of breaking it, at the least depth.
    pub(super) violations: BTreeMap<Violation, Vec<Target>>,
    /// Terminal states that ended well.
    pub(super) good: Vec<u32>,
    /// Terminal states that a violating step led to: how the execution would have gone on, nobody knows.
    pub(super) cut: StateSet,
    pub(super) watched: Vec<Sightings>,
    /// Who waits for what with what held, where that can come to a circle through a fence.
    depend: Option<Dependencies>,
    usage: Option<Usage>,
    /// What is locked under what, for who asks.
    pub(super) contracts: Option<contracts::Watch>,
    terminals: u64,
    /// What outcomes and violations take, in bytes.
    noted: usize,
    headroom: Headroom,
    /// Which successors of a chunk were known before it.
    known: Vec<Option<u32>>,
    /// How many levels were expanded whole.
    whole_levels: usize,
    overflow: Option<Violation>,
    options: Options,
    symmetry: Option<&'a Symmetry>,
    initial: State,
    /// The state that is expanded next.
    index: u32,
    /// What happened at every instruction.
    pub(super) cover: Cover,
    /// Of the orphans those that were published and not signalled at some end.
    pub(super) unsignaled: BTreeSet<ObjId>,
    /// The states in which something was warned of.
    pub(super) warned: StateSet,
    /// How quiet accesses are taken with the step before them, if they are.
    pub(super) merging: Option<Arc<Merging>>,
    /// That turned out to be wrong here: the search is to begin again without.
    pub(super) unfit: bool,
    /// What it has besides if its states are orbits.
    pub(super) orbits: Option<Orbits<'a>>,
    /// Threads that are alike are not, after all: the search is to begin again without orbits.
    pub(super) uneven: bool,
    /// Where to what does not fit into memory goes, if it may go anywhere.
    pub(super) spill: Option<Spill>,
    /// Some of it went there.
    spilled: bool,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        task: &'a Task<'a>,
        limits: &Limits,
        options: Options,
        symmetry: Option<&'a Symmetry>,
    ) -> Search<'a> {
        let mut cover = Cover::new(task.program);
        let merging = Merging::of(task.program, task.conditions).filter(|_| !options.fine);
        let merging = if options.sections_apart { merging.and_then(Merging::without_sections) } else { merging };
        let merging = merging.map(Arc::new);
        let initial = State::initial_covering(task.program, Some(&mut cover)).merging(merging.clone());
        let initial = initial.grained(task.program, task.conditions, task.has_loops);
        let orbits = symmetry.and_then(|symmetry| Orbits::new(task.program, symmetry, &initial, options.exact));
        let uneven = symmetry.is_some() && orbits.is_none();
        Search {
            orbits,
            uneven,
            task,
            limits: limits.begun(),
            graph: Graph::new(symmetry.is_some()),
            visited: Visited::new(options.exact),
            elsewhere: 0,
            outcomes: BTreeSet::new(),
            violations: BTreeMap::new(),
            good: vec![],
            cut: StateSet::default(),
            watched: vec![Sightings::default(); task.conditions.len()],
            depend: Dependencies::new(task.program),
            usage: Usage::new(task.program),
            contracts: None,
            terminals: 0,
            noted: 0,
            headroom: Headroom::default(),
            known: vec![],
            whole_levels: 0,
            overflow: None,
            options,
            symmetry,
            initial,
            index: 0,
            cover,
            unsignaled: BTreeSet::new(),
            merging,
            unfit: false,
            warned: StateSet::default(),
            spill: None,
            spilled: false,
        }
    }

    /// Visits every reachable state, or stops at a limit.
    #[cfg(test)]
    pub(super) fn run(&mut self, progress: &dyn Progress) -> Coverage {
        let levels = self.begin();
        self.run_from((levels, false), (progress, None))
    }

    /// The same, from what another search of the same program has written if there is that.
    pub(super) fn run_kept(
        &mut self,
        from: Option<saved::Reader<'_>>,
        watchers: Watchers<'_>,
    ) -> Result<Coverage, saved::Bad> {
        self.spill = watchers.spill.map(Spill::again);
        let from = match from {
            Some(from) => self.load(from)?,
            None => (self.begin(), false),
        };
        match watchers.team {
            Some(team) => self.run_apart(from, (watchers, &mut team.borrow_mut())),
            None => Ok(self.run_from(from, (watchers.progress, watchers.keeper))),
        }
    }

    /// Visits the root.
    fn begin(&mut self) -> Levels {
        let mut levels = Levels::default();
        let (program, mut root, mut initial) = (self.task.program, vec![], self.initial());
        initial.encode(program, &mut root);
        let key = self.orbits.as_mut().map(|orbits| orbits.root(program, &mut initial));
        let key = key.as_ref().unwrap_or(&root);
        self.visited.insert(Visited::fingerprint(key), key);
        levels.here.push(&root);
        levels
    }

    /// Goes on from some level, which may have been begun.
    fn run_from(
        &mut self,
        (mut levels, begun): (Levels, bool),
        (progress, keeper): (&dyn Progress, Option<&dyn Keeper>),
    ) -> Coverage {
        let mut crew = Crew::new(self);
        crew.begun = begun;
        if begun && levels.here.len() == 0 {
            // It was written behind the last chunk of a level.
            self.end_level(&mut levels, &mut crew);
        }
        let told = Told { progress, keeper };
        let covered = self.expand_all(&mut levels, &mut crew, &told);
        crew.end(self);
        covered
    }

    /// Expands level after level.
    fn expand_all(&mut self, levels: &mut Levels, crew: &mut Crew<'a>, told: &Told<'_>) -> Coverage {
        while levels.here.len() > 0 {
            if let Err(why) = self.expand_level(levels, crew, told) {
                return Coverage::Incomplete(format!("{why}; {}", self.covered()));
            }
            self.end_level(levels, crew);
        }
        match self.overflow {
            Some(v) => Coverage::Incomplete(diagnose::overflow(self.task.program, v)),
            None => Coverage::Complete,
        }
    }

    /// All states of a level were expanded: the one above it is next.
    fn end_level(&mut self, levels: &mut Levels, crew: &mut Crew<'a>) {
        crew.begun = false;
        self.whole_levels += 1;
        levels.here.clear();
        std::mem::swap(&mut levels.here, &mut levels.above);
        self.write_out_level(&mut levels.here);
    }

    /// Expands every state of a level; an error is the limit that was hit.
    fn expand_level(&mut self, levels: &mut Levels, crew: &mut Crew<'a>, told: &Told<'_>) -> Result<(), String> {
        let place = Place { at: 0, begun: crew.begun };
        self.go_on(told, place, &levels.here, &levels.above)?;
        let first = self.index;
        if !crew.begun {
            self.graph.begin_level(first);
        }
        let mut at = 0;
        if crew.most > 1 && levels.here.len() >= together::WORTH_IT {
            let idle = idle::take(crew.most - crew.workers);
            let workers = crew.workers + idle.0;
            if workers > 1 {
                crew.alone.cover.drain_into(&mut self.cover);
                at = self.expand_together(levels, crew, workers, told)?;
            }
        }
        let Levels { here, above } = levels;
        let Crew { alone, chunk, .. } = crew;
        while at < here.len() {
            // Near the limit on states it is looked at after every state, so that it is kept.
            let states = if self.is_near_the_limit() { at..at + 1 } else { together::chunk_at(here, at) };
            at = states.end;
            alone.expand_all((here, first), states.clone(), chunk);
            alone.close(chunk);
            self.take_in(chunk, states, (here, above), told)?;
            chunk.clear();
            if told.keeper.is_some() {
                alone.cover.drain_into(&mut self.cover);
            }
            self.go_on(told, Place { at, begun: true }, here, above)?;
        }
        Ok(())
    }

    /// The same by all workers, until a limit is near; the result is how many states that were.
    fn expand_together(
        &mut self,
        levels: &mut Levels,
        crew: &mut Crew<'a>,
        workers: usize,
        told: &Told<'_>,
    ) -> Result<usize, String> {
        while crew.all.len() < workers {
            crew.all.push(self.expander());
        }
        let Levels { here, above } = levels;
        let (program, conditions) = (self.task.program, self.task.conditions.len());
        let fresh = || Chunk::apart(conditions, program);
        let level = (&*here, self.index);
        let done = together::expand(&mut crew.all[..workers], level, fresh, |states, chunk| {
            if self.is_near_the_limit() {
                return Ok(false);
            }
            let place = Place { at: states.end, begun: true };
            self.take_in(chunk, states, (here, above), told)?;
            self.go_on(told, place, here, above)?;
            Ok(true)
        })?;
        if done.is_some() {
            // What they have seen ahead is forgotten, and near the limit one is enough.
            (crew.all, crew.workers, crew.most) = (vec![], 1, 1);
        }
        Ok(done.unwrap_or(here.len()))
    }

    /// How many states were found.
    fn found(&self) -> u32 {
        self.visited.len() + self.elsewhere
    }

    /// Whether so many states may be found in one chunk that the limit has to be looked at more often.
    fn is_near_the_limit(&self) -> bool {
        let most = CHUNK as u64 * self.task.program.scripts.len() as u64 * MOST_WAYS;
        u64::from(self.found()) + most > self.limits.states
    }

    /// Between two chunks: whether a limit was hit, and who keeps what there is if it is time.
    fn go_on(&mut self, told: &Told<'_>, place: Place, here: &Frontier, above: &Frontier) -> Result<(), String> {
        let hit = self.limit_hit();
        if hit.is_err() || told.keeper.is_some_and(Keeper::is_due) {
            self.keep_for(told, place, here, above);
        }
        hit
    }

    /// Lets somebody keep what there is, if there is somebody. What is begun again, or is over, helps nobody.
    fn keep_for(&self, told: &Told<'_>, place: Place, here: &Frontier, above: &Frontier) {
        let is_over = self.options.until_violation && !self.violations.is_empty();
        if let Some(keeper) = told.keeper.filter(|_| !self.unfit && !self.uneven && !is_over) {
            self.keep(keeper, place, here, above);
        }
    }

    /// Takes in what came of some states of a level: they are the next ones.
    fn take_in(
        &mut self,
        chunk: &mut Chunk,
        states: Range<usize>,
        (here, above): (&Frontier, &mut Frontier),
        told: &Told<'_>,
    ) -> Result<(), String> {
        if let Some(why) = self.trouble() {
            return Err(why);
        }
        if let Err(why) = self.make_room(chunk, here, above) {
            // Nothing of the chunk was taken in yet: with more memory it can be gone on from here.
            self.keep_for(told, Place { at: states.start, begun: true }, here, above);
            // Its statements have run all the same, as they have where one worker counts them beside the chunk.
            self.count(&mut chunk.notes);
            return Err(why);
        }
        let before = self.index;
        self.index += states.len() as u32;
        let first = states.start;
        self.note(&mut chunk.notes, &|at| here.copied(first + at));
        self.look_up(chunk, above);
        if before / TICK != self.index / TICK {
            let waiting = here.len() - states.end + above.len();
            told.progress.ahead(waiting as u64, self.graph.level_count() as u64);
            told.progress.tick(u64::from(self.index), self.graph.edge_count() as u64);
        }
        Ok(())
    }

    /// What of the memory the tables may take, in bytes.
    fn room_for_tables(&self) -> u64 {
        let limit = self.limits.memory_bytes;
        limit - room::own(limit) as u64
    }

    /// By how many bytes the tables will grow with what is in a chunk.
    fn growth(&self, chunk: &Chunk, above: &Frontier) -> usize {
        let (edges, bytes, states) = (chunk.steps.len(), chunk.bytes.len(), chunk.states.len());
        self.graph.growth(states, edges) + self.visited.growth(edges, bytes) + above.growth(edges, bytes)
    }

    /// Makes room for what is in a chunk, if there is any.
    fn make_room(&mut self, chunk: &Chunk, here: &Frontier, above: &mut Frontier) -> Result<(), String> {
        let (edges, bytes, states) = (chunk.steps.len(), chunk.bytes.len(), chunk.states.len());
        let (limit, tables) = (self.limits.memory_bytes, self.room_for_tables());
        let mut growth = self.growth(chunk, above);
        let mut bytes_then = self.bytes(here, above) + growth;
        if bytes_then as u64 > self.spill.as_ref().map_or(tables, |spill| spill.least(tables)) {
            let written = self.write_out(above)?;
            growth = self.growth(chunk, above);
            bytes_then = self.bytes(here, above) + growth;
            // What is written for so little room would be written again and again.
            let some = if written { tables / SOME_ROOM } else { 0 };
            if bytes_then as u64 + some > tables {
                return Err(format!("more than {} MiB of memory", limit >> 20));
            }
        }
        if !self.headroom.is_there(bytes_then) {
            return Err(room::NO_MORE.into());
        }
        if growth > 0 {
            let made = self.graph.reserve(states, edges);
            let made = made.and_then(|()| above.reserve(edges, bytes));
            let made = made.is_ok() && self.visited.reserve(edges, bytes);
            if !made {
                return Err(room::NO_MORE.into());
            }
        }
        Ok(())
    }

    /// Writes to disk what does not fit into memory, if it may; whether it did.
    fn write_out(&mut self, above: &mut Frontier) -> Result<bool, String> {
        let Some(spill) = self.spill.clone().filter(|_| !self.options.exact) else { return Ok(false) };
        self.spilled = true;
        let kept = spill.least(self.room_for_tables()) / KEPT_ROOM / size_of::<u128>() as u64;
        let kept = usize::try_from(kept).unwrap_or(usize::MAX);
        self.graph.write_out(&spill)?;
        above.write_out(&spill)?;
        let kept_names = self.orbits.is_some();
        if let Some(orbits) = &mut self.orbits {
            orbits.write_out(&spill, kept / 2)?;
        }
        self.visited.write_out(&spill, if kept_names { kept / 2 } else { kept })?;
        Ok(true)
    }

    /// A level that is to be expanded is read once: most of the memory is for what is asked for at random. Where it
    /// cannot be written it stays where it is, and the search ends with the trouble.
    fn write_out_level(&self, level: &mut Frontier) {
        let is_large = |spill: &Spill| level.bytes() as u64 > spill.least(self.room_for_tables()) / KEPT_ROOM;
        if let Some(spill) = self.spill.as_ref().filter(|spill| self.spilled && is_large(spill)) {
            // What went wrong is there to be asked for.
            let _ = level.write_out(spill);
        }
    }

    /// What went wrong on disk.
    pub(super) fn trouble(&self) -> Option<String> {
        self.spill.as_ref().and_then(Spill::trouble).map(str::to_owned)
    }

    /// What the search has allocated, in bytes.
    fn bytes(&self, here: &Frontier, above: &Frontier) -> usize {
        let sets: usize = self.watched.iter().map(|w| w.marked.bytes()).sum();
        self.visited.bytes()
            + self.graph.bytes()
            + here.bytes()
            + above.bytes()
            + sets
            + self.cut.bytes()
            + self.warned.bytes()
            + self.noted
            + self.orbits.as_ref().map_or(0, Orbits::bytes)
            + size_of::<u32>() * self.good.capacity()
    }

    fn limit_hit(&self) -> Result<(), String> {
        let most = self.limits.states.min(MAX_STATES);
        if u64::from(self.found()) > most || self.graph.edge_count() > MAX_EDGES {
            return Err(format!("more than {most} states"));
        }
        if let Some(why) = self.trouble() {
            return Err(why);
        }
        if interrupt::requested() {
            return Err(interrupt::INTERRUPTED.into());
        }
        if self.unfit {
            return Err("a quiet access was seen".into());
        }
        if self.uneven {
            return Err("threads that are alike are told apart".into());
        }
        if self.options.until_violation && !self.violations.is_empty() {
            return Err("a violation, which was enough".into());
        }
        self.limits.late().map_or(Ok(()), Err)
    }

    /// The state that it began with.
    pub(super) fn initial(&self) -> State {
        self.initial.clone()
    }

    /// Somebody who expands its states, and has seen none.
    fn expander(&self) -> Expander<'a> {
        Expander::new(self.task, &self.initial, self.options, self.symmetry)
    }

    /// Steps of the program along ways of the graph, if its states are orbits.
    pub(super) fn steps(&self) -> Option<Steps<'_, 'a>> {
        let orbits = self.orbits.as_ref()?;
        Some(Steps::new(self.task.program, &self.visited, orbits, self.initial()))
    }

    /// The best way to one of some states, of whose orbits not every state need show what is wanted.
    pub(super) fn way_to(&self, targets: &[Target], shows: trace::Shows<'_>) -> Path {
        let states: Vec<u32> = targets.iter().map(|t| t.state).collect();
        let mut steps = self.steps();
        let steps = steps.as_mut().map(|steps| (steps, shows));
        let path = trace::best(&self.graph, self.task.program, &states, steps);
        let end = path.states[path.states.len() - 1];
        let Some(target) = targets.iter().find(|t| t.state == end).filter(|_| self.orbits.is_some()) else {
            return path;
        };
        let shown = shows(&self.after(&path.steps));
        if shown { path } else { self.image(path, target.by) }
    }

    /// The best way to the state that is kept, or to its image.
    pub(super) fn way_to_one(&self, target: Target) -> Path {
        let Some(orbits) = &self.orbits else { return self.way_to(&[target], &|_| true) };
        let (program, mut wanted) = (self.task.program, vec![]);
        let mut kept = self.after(&trace::first(&self.graph, target.state));
        kept.encode_image(program, orbits.symmetry, target.by, &mut wanted);
        let shows = |state: &State| {
            let mut bytes = vec![];
            state.clone().encode(program, &mut bytes);
            bytes == wanted
        };
        self.way_to(&[target], &shows)
    }

    /// The best way to a broken property.
    pub(super) fn way_to_violation(&self, v: Violation, targets: &[Target]) -> Path {
        let program = self.task.program;
        self.way_to(targets, &|state| believed::shows(program, state, v))
    }

    /// Where some steps lead to.
    fn after(&self, steps: &[Action]) -> State {
        let mut state = self.initial();
        for action in steps {
            state.step(self.task.program, *action);
        }
        state
    }

    /// The way to the image of the state that is kept, from one to some state of its orbit.
    fn image(&self, path: Path, by: Renaming) -> Path {
        let (Some(mut steps), Some(mut renamed)) = (self.steps(), self.steps()) else { return path };
        path.steps.iter().for_each(|action| steps.take(*action));
        let by = steps.ended(path.states[path.states.len() - 1]).then(by);
        let steps = renamed.image(&path.states, &path.steps, by);
        Path { steps, ..path }
    }

    /// The way that some steps take from the root.
    pub(super) fn follow(&self, steps: &[Action]) -> Path {
        match self.steps() {
            Some(mut taken) => Path { states: taken.passed(0, steps), steps: steps.to_vec() },
            None => trace::follow(&self.graph, steps),
        }
    }

    /// Whether what was found over orbits is all that there is to find: nothing goes round, no circle of dependencies
    /// is to be told of, and every condition that is broken at an end is so in all states of an orbit.
    pub(super) fn is_told_by_orbits(&mut self, complete: bool) -> bool {
        let exchanges = self.orbits.as_ref().map(|orbits| (orbits.symmetry, orbits.symmetry.exchanges()));
        if let (Some(depend), Some((symmetry, exchanges))) = (&mut self.depend, &exchanges) {
            depend.close(symmetry, exchanges);
        }
        let mixed = self.task.conditions.iter().zip(&self.watched).any(|(c, seen)| seen.is_mixed(c));
        let circle = !self.has_deadlock() && (!self.dependency_cycle().is_empty() || self.reclaim_cycle().is_some());
        let cyclic = || liveness::has_cycles(&self.graph);
        !(mixed || circle || !self.lock_usage().is_empty() || complete && cyclic())
    }

    /// Why there is no time left.
    pub(super) fn out_of_time(&self) -> String {
        if let Some(why) = self.trouble() {
            return why;
        }
        let time = self.limits.time.filter(|_| !interrupt::requested());
        time.map_or(interrupt::INTERRUPTED.into(), crate::out_of_time)
    }

    /// What was covered when a limit was hit.
    fn covered(&self) -> String {
        let (found, looked_at) = (self.found(), self.index);
        let whole = match self.whole_levels {
            0 | 1 => String::new(),
            2 => ", all within 1 step among them".into(),
            n => format!(", all within {} steps among them", n - 1),
        };
        let (left, steps) = (found - looked_at.min(found), self.graph.level_count());
        format!("{found} states were found and {looked_at} looked at{whole}; {left} wait, to depth {steps}")
    }

    /// Whether what is still to be asked of the whole graph fits into the memory: of each state a few numbers.
    pub(super) fn has_room_to_judge(&mut self) -> bool {
        const EACH: usize = 48;
        let limit = self.limits.memory_bytes;
        let judging = EACH * self.graph.expanded() as usize;
        let fits = |all: usize, judging: usize| (all + judging + room::own(limit)) as u64 <= limit;
        if fits(self.graph.bytes() + self.noted, judging) {
            return true;
        }
        let Some(spill) = self.spill.clone().filter(|_| self.spilled) else { return false };
        if self.graph.write_out(&spill).is_err() {
            return false;
        }
        let of_the_whole = self.task.conditions.iter().any(|c| c.moment.is_of_the_whole_graph());
        // Where nothing goes round, a bit of each state is enough.
        fits(self.graph.bytes() + self.noted, judging) || !of_the_whole && !liveness::may_go_round(&self.graph)
    }

    /// Numbers the successors in a chunk, in order, and puts the new ones on the level above.
    fn look_up(&mut self, chunk: &Chunk, above: &mut Frontier) {
        let state = (|at: usize| chunk.steps[at].print, |at| chunk.key(at));
        self.visited.find_all(chunk.steps.len(), state, &mut self.known);
        let mut step = 0;
        for last in &chunk.states {
            self.graph.begin_state();
            while step < *last {
                let Taken { action, progressed, print, .. } = chunk.steps[step];
                let (to, new) = match self.known[step] {
                    Some(known) => (known, false),
                    None => self.visited.insert(print, chunk.key(step)),
                };
                if new {
                    above.push(chunk.encoding(step));
                }
                match &mut self.orbits {
                    Some(orbits) => {
                        let arrives = orbits.arrive(chunk.images[step].0, action.thread, to, new);
                        self.graph.edge_as(action, progressed, to, arrives);
                    }
                    None => self.graph.edge(action, progressed, to),
                }
                step += 1;
            }
        }
    }

    /// How often statements have run that came with a chunk.
    fn count(&mut self, notes: &mut Notes) {
        if let Some(cover) = &mut notes.cover {
            cover.drain_into(&mut self.cover);
        }
    }

    /// Takes in what was seen in the states of a chunk, which are these.
    fn note(&mut self, notes: &mut Notes, state: &dyn Fn(usize) -> Vec<u8>) {
        self.count(notes);
        self.terminals += notes.terminals;
        self.good.append(&mut notes.good);
        notes.cut.iter().for_each(|state| self.cut.insert(*state));
        notes.warned.iter().for_each(|state| self.warned.insert(*state));
        self.unsignaled.append(&mut notes.unsignaled);
        self.overflow = self.overflow.or(notes.overflow);
        notes.outcomes.drain(..).for_each(|outcome| self.note_outcome(outcome));
        notes.violations.drain(..).for_each(|(v, target)| self.note_violation(v, target));
        self.watched.iter_mut().zip(&notes.glimpses).for_each(|(seen, glimpse)| seen.add(glimpse));
        if let (Some(depend), Some(more)) = (&mut self.depend, &notes.depend) {
            depend.add(more);
        }
        if let (Some(usage), Some(more)) = (&mut self.usage, &notes.usage) {
            usage.add(more);
        }
        (self.unfit, self.uneven) = (self.unfit | notes.unfit, self.uneven | notes.uneven);
        if let Some(orbits) = &mut self.orbits {
            let program = self.task.program;
            let alike =
                |(at, action, v): &(usize, Action, Violation)| orbits.names_alike(program, &state(*at), *action, *v);
            self.uneven |= !notes.named.iter().all(alike);
        }
    }

    /// A way of breaking a property, and a state that shows it: only those at the least depth are kept.
    fn note_violation(&mut self, v: Violation, target: Target) {
        self.note_outcome(Outcome::Violated(v));
        let level = self.graph.level_of(target.state);
        let known = self.violations.entry(v).or_default();
        let last = known.last().map(|t| t.state);
        if known.first().is_none_or(|first| self.graph.level_of(first.state) == level) && last != Some(target.state) {
            self.noted += size_of::<Target>();
            known.push(target);
        }
    }

    fn note_outcome(&mut self, outcome: Outcome) {
        let bytes = room::of_outcome(&outcome);
        if self.outcomes.insert(outcome) {
            self.noted += bytes;
        }
    }

    /// Whether some execution breaks a property.
    pub(super) fn has(&self, property: Property) -> bool {
        self.violations.keys().any(|v| v.property == property)
    }

    /// Whether some execution hangs.
    pub(super) fn has_deadlock(&self) -> bool {
        self.violations.keys().any(|v| v.property.is_deadlock())
    }

    /// A circle of dependencies through a fence.
    pub(super) fn dependency_cycle(&self) -> Vec<Link> {
        self.depend.as_ref().map_or(vec![], Dependencies::circle)
    }

    /// An allocation with a lock held that is taken inside of a fence-signalling section.
    pub(super) fn reclaim_cycle(&self) -> Option<Link> {
        self.depend.as_ref().and_then(Dependencies::reclaim)
    }

    /// The locks that an interrupt may take on the CPU that holds them.
    pub(super) fn lock_usage(&self) -> Vec<Link> {
        self.usage.as_ref().map_or(vec![], Usage::inconsistent)
    }

    /// Gives up what only the search itself needs: the passes that follow look at the graph.
    pub(super) fn forget_states(&mut self) {
        if self.orbits.is_none() {
            self.visited = Visited::new(false);
        }
        let limit = usize::try_from(self.limits.memory_bytes).unwrap_or(usize::MAX);
        let kept = if self.orbits.is_some() { self.visited.bytes() } else { 0 };
        self.graph.room = limit.saturating_sub(self.graph.bytes() + self.noted + kept);
        self.graph.deadline = self.limits.deadline();
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            states: u64::from(self.found()),
            transitions: self.graph.edge_count() as u64,
            terminals: self.terminals,
            depth: (self.graph.level_count() as u64).saturating_sub(1),
            ..Counts::default()
        }
    }
}
