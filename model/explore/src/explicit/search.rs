//! The breadth-first loop.

use super::{
    Options, Sightings, contracts,
    depend::{Dependencies, Link},
    graph::Graph,
    liveness,
    orbits::{Orbits, Steps, Target},
    stateset::StateSet,
    trace::{self, Path},
    usage::Usage,
    visited::Visited,
};
use crate::{
    Counts, Coverage, Limits, Progress, Task, diagnose, interrupt,
    room::{self, Headroom},
};
use fenceweave_kernel::{
    Action, Condition, Cover, Merging, Moment, ObjId, Outcome, Program, Property, Renaming, State, Symmetry, Violation,
    fixed, state::Encoding,
};
use std::{
    collections::{BTreeMap, BTreeSet, TryReserveError},
    sync::Arc,
    time::{Duration, Instant},
};

/// How often the watcher is told.
const TICK: u32 = 1 << 14;
/// Indices must fit, with room for one more level.
const MAX_STATES: u64 = u32::MAX as u64 / 2;
/// Edge positions must fit too.
const MAX_EDGES: usize = u32::MAX as usize / 2;

/// Encodings of states that are still to be expanded.
#[derive(Default)]
struct Frontier {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Frontier {
    fn push(&mut self, encoding: &[u8]) {
        self.bytes.extend_from_slice(encoding);
        self.ends.push(self.bytes.len());
    }

    fn get(&self, i: usize) -> &[u8] {
        let from = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.bytes[from..self.ends[i]]
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Memory in use, in bytes.
    fn bytes(&self) -> usize {
        self.bytes.capacity() + size_of::<usize>() * self.ends.capacity()
    }

    /// By how many bytes it will grow if so many encodings of so many bytes are to be added.
    fn growth(&self, encodings: usize, bytes: usize) -> usize {
        room::growth_bytes(&self.bytes, bytes) + room::growth_bytes(&self.ends, encodings)
    }

    fn reserve(&mut self, encodings: usize, bytes: usize) -> Result<(), TryReserveError> {
        room::reserve(&mut self.bytes, bytes)?;
        room::reserve(&mut self.ends, encodings)
    }
}

/// The level that is being expanded, and the one above it.
#[derive(Default)]
struct Levels {
    here: Frontier,
    above: Frontier,
}

/// Steps whose successors are still to be looked up.
///
/// A look-up misses the cache two or three times; looking up many in a row lets the misses overlap, one after each step
/// does not.
#[derive(Default)]
struct Batch {
    /// Step, whether it passed a `progress` mark, fingerprint of the successor, end of its encoding.
    steps: Vec<(Action, bool, u128, usize)>,
    prints: Vec<u128>,
    /// Encodings of the successors, one after the other.
    bytes: Vec<u8>,
    /// For each expanded state, where its steps end.
    states: Vec<usize>,
    known: Vec<Option<u32>>,
}

/// Look-ups in a row.
const BATCH: usize = 64;

/// A search and what it has found so far.
pub(super) struct Search<'a> {
    task: &'a Task<'a>,
    limits: Limits,
    started: Instant,
    pub(super) graph: Graph,
    visited: Visited,
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
    /// How many levels were expanded whole.
    whole_levels: usize,
    overflow: Option<Violation>,
    /// Working states: the one being expanded, its successor, and one for concluding.
    base: State,
    next: State,
    parts: Encoding,
    batch: Batch,
    /// The state being expanded.
    index: u32,
    /// What happened at every instruction.
    pub(super) cover: Cover,
    /// Of the orphans those that were published and not signalled at some end.
    pub(super) unsignaled: BTreeSet<ObjId>,
    /// Whether some script has a warning, and the states in which something was warned of.
    warns: bool,
    pub(super) warned: StateSet,
    /// The fences that nothing in the program signals.
    orphans: Vec<ObjId>,
    /// How quiet accesses are taken with the step before them, if they are.
    pub(super) merging: Option<Arc<Merging>>,
    /// That turned out to be wrong here: the search is to begin again without.
    pub(super) unfit: bool,
    /// Whether the first violation is enough.
    until_violation: bool,
    /// What it has besides if its states are orbits.
    pub(super) orbits: Option<Orbits<'a>>,
    /// Threads that are alike are not, after all: the search is to begin again without orbits.
    pub(super) uneven: bool,
}

/// The fences that should be signalled and that nothing in the program signals.
fn orphans(program: &Program) -> Vec<ObjId> {
    program.all::<fixed::Fence>().filter(|f| program.is_nobodys(*f)).collect()
}

impl<'a> Search<'a> {
    pub(super) fn new(
        task: &'a Task<'a>,
        limits: &Limits,
        options: Options,
        symmetry: Option<&'a Symmetry>,
    ) -> Search<'a> {
        let started = Instant::now();
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
            limits: *limits,
            started,
            graph: Graph::new(symmetry.is_some()),
            visited: Visited::new(options.exact),
            outcomes: BTreeSet::new(),
            violations: BTreeMap::new(),
            good: vec![],
            cut: StateSet::default(),
            watched: vec![Sightings::default(); task.conditions.len()],
            depend: Dependencies::new(task.program),
            usage: Usage::new(task.program),
            contracts: options.contracts.then(|| contracts::Watch::new(task.program)),
            terminals: 0,
            noted: 0,
            headroom: Headroom::default(),
            whole_levels: 0,
            overflow: None,
            base: initial.clone(),
            next: initial,
            parts: Encoding::default(),
            batch: Batch::default(),
            index: 0,
            cover,
            unsignaled: BTreeSet::new(),
            orphans: orphans(task.program),
            merging,
            unfit: false,
            until_violation: options.until_violation,
            warns: task.program.warns(),
            warned: StateSet::default(),
        }
    }

    /// Visits every reachable state, or stops at a limit.
    pub(super) fn run(&mut self, progress: &dyn Progress) -> Coverage {
        let mut levels = Levels::default();
        let program = self.task.program;
        let mut root = vec![];
        self.base.encode(program, &mut root);
        let key = self.orbits.as_mut().map(|orbits| orbits.root(program, &mut self.base));
        let key = key.as_ref().unwrap_or(&root);
        self.visited.insert(Visited::fingerprint(key), key);
        levels.here.push(&root);
        while !levels.here.ends.is_empty() {
            if let Err(why) = self.expand_level(&mut levels, progress) {
                return Coverage::Incomplete(format!("{why}; {}", self.covered()));
            }
            self.whole_levels += 1;
            levels.here.clear();
            std::mem::swap(&mut levels.here, &mut levels.above);
        }
        match self.overflow {
            Some(v) => Coverage::Incomplete(diagnose::overflow(program, v)),
            None => Coverage::Complete,
        }
    }

    /// Expands every state of a level; an error is the limit that was hit.
    fn expand_level(&mut self, levels: &mut Levels, progress: &dyn Progress) -> Result<(), String> {
        self.limit_hit()?;
        self.graph.begin_level(self.index);
        for i in 0..levels.here.ends.len() {
            self.base.decode_parts(self.task.program, levels.here.get(i), &mut self.parts);
            self.expand();
            if self.batch_is_full() {
                self.settle(levels)?;
                self.limit_hit()?;
            }
            if self.index.is_multiple_of(TICK) {
                let waiting = levels.here.ends.len() - i + levels.above.ends.len();
                progress.ahead(waiting as u64, self.graph.level_count() as u64);
                progress.tick(u64::from(self.index), self.graph.edge_count() as u64);
            }
        }
        self.settle(levels)
    }

    /// Near the limit on states it is looked at after every state, so that it is kept.
    fn batch_is_full(&self) -> bool {
        let steps = self.batch.steps.len();
        steps >= BATCH || u64::from(self.visited.len()) + steps as u64 > self.limits.states
    }

    /// Looks up what is in the batch, if there is room for it.
    fn settle(&mut self, levels: &mut Levels) -> Result<(), String> {
        let Batch { steps, bytes, states, .. } = &self.batch;
        let (edges, bytes, states) = (steps.len(), bytes.len(), states.len());
        let growth =
            self.graph.growth(states, edges) + self.visited.growth(edges, bytes) + levels.above.growth(edges, bytes);
        let (limit, bytes_then) = (self.limits.memory_bytes, self.bytes(levels) + growth);
        if (bytes_then + room::own(limit)) as u64 > limit {
            return Err(format!("more than {} MiB of memory", limit >> 20));
        }
        if !self.headroom.is_there(bytes_then) {
            return Err(room::NO_MORE.into());
        }
        if growth > 0 {
            let made = self.graph.reserve(states, edges);
            let made = made.and_then(|()| levels.above.reserve(edges, bytes));
            let made = made.is_ok() && self.visited.reserve(edges, bytes);
            if !made {
                return Err(room::NO_MORE.into());
            }
        }
        self.look_up(&mut levels.above);
        Ok(())
    }

    /// What the search has allocated, in bytes.
    fn bytes(&self, levels: &Levels) -> usize {
        let sets: usize = self.watched.iter().map(|w| w.marked.bytes()).sum();
        self.visited.bytes()
            + self.graph.bytes()
            + levels.here.bytes()
            + levels.above.bytes()
            + self.batch.bytes.capacity()
            + sets
            + self.cut.bytes()
            + self.warned.bytes()
            + self.noted
            + self.orbits.as_ref().map_or(0, Orbits::bytes)
            + size_of::<u32>() * self.good.capacity()
    }

    fn limit_hit(&self) -> Result<(), String> {
        let most = self.limits.states.min(MAX_STATES);
        if u64::from(self.visited.len()) > most || self.graph.edge_count() > MAX_EDGES {
            return Err(format!("more than {most} states"));
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
        if self.until_violation && !self.violations.is_empty() {
            return Err("a violation, which was enough".into());
        }
        match self.limits.time.filter(|t| self.started.elapsed() > *t) {
            Some(_) => Err(self.out_of_time()),
            None => Ok(()),
        }
    }

    /// The state that it began with.
    pub(super) fn initial(&self) -> State {
        State::initial(self.task.program).merging(self.merging.clone()).grained(
            self.task.program,
            self.task.conditions,
            self.task.has_loops,
        )
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
        self.way_to(targets, &|state| {
            if let Some(broken) = state.violation() {
                return broken == v;
            }
            let mut end = state.clone();
            let is_end = end.enabled(program).is_empty();
            let broken = is_end.then(|| diagnose::stuck(program, &end).or_else(|| end.conclude(program))).flatten();
            broken == Some(v) || end.warnings(program).contains(&v)
        })
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
        let cyclic = || self.task.has_loops && liveness::has_cycles(&self.graph);
        !(mixed || circle || !self.lock_usage().is_empty() || complete && cyclic())
    }

    /// How long it has taken so far.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Why there is no time left.
    pub(super) fn out_of_time(&self) -> String {
        let time = self.limits.time.filter(|_| !interrupt::requested());
        time.map_or(interrupt::INTERRUPTED.into(), |time| format!("more than {} s", time.as_secs_f64()))
    }

    /// What was covered when a limit was hit.
    fn covered(&self) -> String {
        let (found, looked_at) = (self.visited.len(), self.index);
        let whole = match self.whole_levels {
            0 | 1 => String::new(),
            2 => ", all within 1 step among them".into(),
            n => format!(", all within {} steps among them", n - 1),
        };
        format!("{found} states were found and {looked_at} looked at{whole}")
    }

    /// Whether what is still to be asked of the whole graph fits into the memory: of each state a few numbers.
    pub(super) fn has_room_to_judge(&self) -> bool {
        const EACH: usize = 48;
        let limit = self.limits.memory_bytes;
        let judging = EACH * self.graph.expanded() as usize;
        (self.graph.bytes() + judging + self.noted + room::own(limit)) as u64 <= limit
    }

    /// Takes every step of the state in `base`.
    fn expand(&mut self) {
        let index = self.index;
        self.index += 1;
        self.watch(index);
        if self.warns {
            self.note_warnings(index, self.base.warnings(self.task.program));
        }
        let program = self.task.program;
        if let Some(depend) = &mut self.depend {
            depend.look(program, &self.base, index);
        }
        let enabled = self.base.enabled(program);
        if enabled.is_empty() {
            self.terminal(index);
        }
        self.next.copy_from(&self.base, program);
        self.batch.prints.clear();
        for thread in enabled.iter() {
            for choice in 0..self.base.ways(program, thread) {
                let action = Action { thread, choice };
                let result = self.next.step_covering(program, action, Some(&mut self.cover));
                self.unfit |= result.unfit;
                if let Some(depend) = &mut self.depend {
                    depend.step(program, &self.base, (action, &result), &self.next, index);
                }
                if let Some(usage) = &mut self.usage {
                    usage.step(program, &self.base, action, &self.next, index);
                }
                if let Some(contracts) = &mut self.contracts {
                    contracts.step(&self.base, (action, &result), &self.next);
                }
                let stepped = (thread, result.touched);
                let (before, from) = ((&self.base, &self.parts), self.batch.bytes.len());
                self.next.encode_successor(program, before, stepped, &mut self.batch.bytes);
                let print = match &mut self.orbits {
                    Some(orbits) => orbits.add(program, &mut self.next),
                    None => Visited::fingerprint(&self.batch.bytes[from..]),
                };
                self.next.restore(&self.base, stepped);
                if let Some(orbits) = &mut self.orbits {
                    self.batch.prints.push(print);
                    let broken = result.violation;
                    self.uneven |= broken.is_some_and(|v| !orbits.names_alike(program, &mut self.base, action, v));
                }
                self.batch.steps.push((action, result.progressed, print, self.batch.bytes.len()));
            }
        }
        if let Some(orbits) = &mut self.orbits {
            self.uneven |= !orbits.holds(program, &mut self.base, index, &self.batch.prints);
        }
        self.batch.states.push(self.batch.steps.len());
    }

    /// Numbers the successors in the batch, in order, and puts the new ones on the level above.
    fn look_up(&mut self, above: &mut Frontier) {
        let Batch { steps, bytes, states, known, .. } = &mut self.batch;
        let mut from = 0;
        known.clear();
        for (at, (_, _, print, end)) in steps.iter().enumerate() {
            let key = self.orbits.as_ref().map_or(&bytes[from..*end], |orbits| orbits.key(at));
            known.push(self.visited.find(*print, key));
            from = *end;
        }
        let (mut from, mut step) = (0, 0);
        for last in states.iter() {
            self.graph.begin_state();
            while step < *last {
                let (action, progress, print, end) = steps[step];
                let encoding = &bytes[from..end];
                let key = self.orbits.as_ref().map_or(encoding, |orbits| orbits.key(step));
                let (to, new) = known[step].map_or_else(|| self.visited.insert(print, key), |known| (known, false));
                if new {
                    above.push(encoding);
                }
                match &mut self.orbits {
                    Some(orbits) => {
                        let arrives = orbits.arrive(step, action.thread, to, new);
                        self.graph.edge_as(action, progress, to, arrives);
                    }
                    None => self.graph.edge(action, progress, to),
                }
                (from, step) = (end, step + 1);
            }
        }
        steps.clear();
        bytes.clear();
        states.clear();
        self.orbits.iter_mut().for_each(Orbits::clear);
    }

    /// Nobody can run: the end, a deadlock, or the state after a violation.
    fn terminal(&mut self, index: u32) {
        self.terminals += 1;
        let program = self.task.program;
        if let Some(v) = self.base.violation() {
            let Search { orphans, base, unsignaled, .. } = self;
            unsignaled.extend(orphans.iter().filter(|f| base.world.is_owed(**f)));
            if self.overflows(v) {
                return;
            }
            self.cut.insert(index);
            return self.note_violation(v, index);
        }
        let Some(mut orbits) = self.orbits.take() else {
            let well = self.end(Target::kept(index));
            if well {
                self.good.push(index);
            }
            return;
        };
        let (mut well, mut broken) = (false, false);
        let mut kept = self.base.clone();
        orbits.each_image(program, &mut kept, |image, by| {
            self.base.copy_from(image, program);
            let ended = self.end(Target { state: index, by });
            (well, broken) = (well | ended, broken | !ended);
        });
        self.base = kept;
        self.orbits = Some(orbits);
        if well {
            self.good.push(index);
        }
        self.uneven |= well && broken;
    }

    fn overflows(&mut self, v: Violation) -> bool {
        let is = v.property == Property::CAPACITY_EXCEEDED;
        if is {
            self.overflow.get_or_insert(v);
        }
        is
    }

    /// An end: whether it is a good one.
    fn end(&mut self, target: Target) -> bool {
        let program = self.task.program;
        let base = &self.base;
        self.unsignaled.extend(self.orphans.iter().filter(|f| base.world.is_owed(**f)));
        let broken = diagnose::stuck(program, &self.base).or_else(|| {
            self.next.copy_from(&self.base, program);
            self.next.conclude_covering(program, Some(&mut self.cover))
        });
        if let Some(v) = broken {
            if !self.overflows(v) {
                self.note_violation_of(v, target);
            }
            return false;
        }
        if self.warns {
            let warnings = self.next.warnings(program);
            if !warnings.is_empty() {
                self.warned.insert(target.state);
            }
            warnings.into_iter().for_each(|v| self.note_violation_of(v, target));
        }
        self.note(self.next.outcome(program));
        self.judge(target, |c| c.moment == Moment::AtEnd, true);
        true
    }

    /// A way of breaking a property, and a state that shows it: only those at the least depth are kept. Of an orbit
    /// every state shows one.
    fn note_violation(&mut self, v: Violation, index: u32) {
        match &self.orbits {
            None => self.note_violation_of(v, Target::kept(index)),
            Some(orbits) => {
                for (v, by) in orbits.symmetry.violations(v) {
                    self.note_violation_of(v, Target { state: index, by });
                }
            }
        }
    }

    fn note_violation_of(&mut self, v: Violation, target: Target) {
        self.note(Outcome::Violated(v));
        let level = self.graph.level_of(target.state);
        let known = self.violations.entry(v).or_default();
        let last = known.last().map(|t| t.state);
        if known.first().is_none_or(|first| self.graph.level_of(first.state) == level) && last != Some(target.state) {
            self.noted += size_of::<Target>();
            known.push(target);
        }
    }

    /// What was warned of on the way to a state: at the least depth it was the last step that did.
    #[cold]
    fn note_warnings(&mut self, index: u32, warnings: Vec<Violation>) {
        if !warnings.is_empty() {
            self.warned.insert(index);
        }
        warnings.into_iter().for_each(|v| self.note_violation(v, index));
    }

    fn note(&mut self, outcome: Outcome) {
        let bytes = room::of_outcome(&outcome);
        if self.outcomes.insert(outcome) {
            self.noted += bytes;
        }
    }

    fn watch(&mut self, index: u32) {
        self.judge(Target::kept(index), |c| c.moment != Moment::AtEnd, false);
    }

    /// Notes where conditions are true and false; at the end in the concluded state, where teardown has run.
    fn judge(&mut self, target: Target, which: fn(&Condition) -> bool, concluded: bool) {
        let (task, index) = (self.task, target.state);
        for (c, seen) in task.conditions.iter().zip(&mut self.watched) {
            if !which(c) {
                continue;
            }
            let state = if concluded { &self.next } else { &self.base };
            match c.eval(task.program, state) {
                Ok(Some(true)) => {
                    seen.mixed |= seen.last.1 == Some(index);
                    seen.last.0 = Some(index);
                    seen.seen_true.get_or_insert(target);
                    if matches!(c.moment, Moment::Eventually | Moment::Settles | Moment::Never) {
                        seen.marked.insert(index);
                    }
                }
                Ok(Some(false)) => {
                    seen.mixed |= seen.last.0 == Some(index);
                    seen.last.1 = Some(index);
                    seen.seen_false.get_or_insert(target);
                    if matches!(c.moment, Moment::Always | Moment::AtEnd) {
                        seen.marked.insert(index);
                    }
                }
                Ok(None) => {}
                Err(_) => seen.failed = true,
            }
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
        self.graph.deadline = self.limits.time.and_then(|t| self.started.checked_add(t));
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            states: u64::from(self.visited.len()),
            transitions: self.graph.edge_count() as u64,
            terminals: self.terminals,
            depth: (self.graph.level_count() as u64).saturating_sub(1),
            ..Counts::default()
        }
    }
}
