//! The breadth-first loop.

use super::{
    Options, Sightings,
    depend::{Dependencies, Link},
    graph::Graph,
    stateset::StateSet,
    visited::Visited,
};
use crate::{Counts, Coverage, Limits, Progress, Task, diagnose};
use fenceweave_kernel::{
    Action, Condition, Cover, Moment, ObjId, ObjectKind, Outcome, Program, Property, State, Violation, state::Encoding,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
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
}

/// Steps whose successors are still to be looked up.
///
/// A look-up misses the cache two or three times; looking up many in a row lets the misses overlap, one after each step
/// does not.
#[derive(Default)]
struct Batch {
    /// Step, whether it passed a `progress` mark, fingerprint of the successor, end of its encoding.
    steps: Vec<(Action, bool, u128, usize)>,
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
    pub(super) violations: BTreeMap<Violation, Vec<u32>>,
    /// Terminal states that ended well.
    pub(super) good: Vec<u32>,
    /// Terminal states that a violating step led to: how the execution would have gone on, nobody knows.
    pub(super) cut: StateSet,
    pub(super) watched: Vec<Sightings>,
    /// Who waits for what with what held, where that can come to a circle through a fence.
    depend: Option<Dependencies>,
    terminals: u64,
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
    /// The fences that nothing in the program signals.
    orphans: Vec<ObjId>,
}

/// The fences that should be signalled and that nothing in the program signals.
fn orphans(program: &Program) -> Vec<ObjId> {
    let fences = program.objects.iter().enumerate().filter(|(_, o)| matches!(o.kind, ObjectKind::Fence { .. }));
    fences.map(|(i, _)| ObjId(i as u8)).filter(|f| program.is_nobodys(*f)).collect()
}

impl<'a> Search<'a> {
    pub(super) fn new(task: &'a Task<'a>, limits: &Limits, options: Options) -> Search<'a> {
        let mut cover = Cover::new(task.program);
        let initial = State::initial_covering(task.program, Some(&mut cover));
        Search {
            task,
            limits: *limits,
            started: Instant::now(),
            graph: Graph::default(),
            visited: Visited::new(options.exact),
            outcomes: BTreeSet::new(),
            violations: BTreeMap::new(),
            good: vec![],
            cut: StateSet::default(),
            watched: vec![Sightings::default(); task.conditions.len()],
            depend: Dependencies::new(task.program),
            terminals: 0,
            overflow: None,
            base: initial,
            next: initial,
            parts: Encoding::default(),
            batch: Batch::default(),
            index: 0,
            cover,
            unsignaled: BTreeSet::new(),
            orphans: orphans(task.program),
        }
    }

    /// Visits every reachable state, or stops at a limit.
    pub(super) fn run(&mut self, progress: &dyn Progress) -> Coverage {
        let (mut level, mut above) = (Frontier::default(), Frontier::default());
        let program = self.task.program;
        let mut root = vec![];
        self.base.encode(program, &mut root);
        self.visited.insert(Visited::fingerprint(&root), &root);
        level.push(&root);
        while !level.ends.is_empty() {
            if let Some(why) = self.limit_hit(&level) {
                return Coverage::Incomplete(why);
            }
            self.graph.begin_level(self.index);
            for i in 0..level.ends.len() {
                self.base.decode_parts(program, level.get(i), &mut self.parts);
                self.expand();
                if self.batch.steps.len() >= BATCH {
                    self.look_up(&mut above);
                }
                if self.index.is_multiple_of(TICK) {
                    progress.tick(u64::from(self.index), self.graph.edge_count() as u64);
                }
            }
            self.look_up(&mut above);
            level.clear();
            std::mem::swap(&mut level, &mut above);
        }
        match self.overflow {
            Some(v) => Coverage::Incomplete(diagnose::overflow(program, v)),
            None => Coverage::Complete,
        }
    }

    /// Limits are looked at between levels, so that what was covered is the same on every machine.
    fn limit_hit(&self, level: &Frontier) -> Option<String> {
        let states = u64::from(self.visited.len());
        let depth = self.graph.level_count();
        let steps = if depth == 1 { "1 step".into() } else { format!("{depth} steps") };
        let covered = format!("all {states} states within {steps} were visited");
        if states > self.limits.states.min(MAX_STATES) || self.graph.edge_count() > MAX_EDGES {
            return Some(format!("more than {} states; {covered}", self.limits.states.min(MAX_STATES)));
        }
        let bytes = self.visited.bytes() + self.graph.bytes() + level.bytes.capacity();
        if bytes as u64 > self.limits.memory_bytes {
            return Some(format!("more than {} MiB of memory; {covered}", self.limits.memory_bytes >> 20));
        }
        let time = self.limits.time.filter(|t| self.started.elapsed() > *t)?;
        Some(format!("more than {} s; {covered}", time.as_secs_f64()))
    }

    /// Takes every step of the state in `base`.
    fn expand(&mut self) {
        let index = self.index;
        self.index += 1;
        self.watch(index);
        let program = self.task.program;
        if let Some(depend) = &mut self.depend {
            depend.look(program, &self.base, index);
        }
        let enabled = self.base.enabled(program);
        if enabled.is_empty() {
            self.terminal(index);
        }
        self.next.copy_from(&self.base, program);
        for thread in enabled.iter() {
            for choice in 0..self.base.ways(program, thread) {
                let action = Action { thread, choice };
                let result = self.next.step_covering(program, action, Some(&mut self.cover));
                if let Some(depend) = &mut self.depend {
                    depend.step(program, &self.base, (action, &result), &self.next, index);
                }
                let stepped = (thread, result.touched);
                let (before, from) = ((&self.base, &self.parts), self.batch.bytes.len());
                self.next.encode_successor(program, before, stepped, &mut self.batch.bytes);
                self.next.restore(&self.base, stepped);
                let print = Visited::fingerprint(&self.batch.bytes[from..]);
                self.batch.steps.push((action, result.progressed, print, self.batch.bytes.len()));
            }
        }
        self.batch.states.push(self.batch.steps.len());
    }

    /// Numbers the successors in the batch, in order, and puts the new ones on the level above.
    fn look_up(&mut self, above: &mut Frontier) {
        let Batch { steps, bytes, states, known } = &mut self.batch;
        let mut from = 0;
        known.clear();
        for (_, _, print, end) in steps.iter() {
            known.push(self.visited.find(*print, &bytes[from..*end]));
            from = *end;
        }
        let (mut from, mut step) = (0, 0);
        for last in states.iter() {
            self.graph.begin_state();
            while step < *last {
                let (action, progress, print, end) = steps[step];
                let encoding = &bytes[from..end];
                let to = known[step].unwrap_or_else(|| {
                    let (to, new) = self.visited.insert(print, encoding);
                    if new {
                        above.push(encoding);
                    }
                    to
                });
                self.graph.edge(action, progress, to);
                (from, step) = (end, step + 1);
            }
        }
        steps.clear();
        bytes.clear();
        states.clear();
    }

    /// Nobody can run: the end, a deadlock, or the state after a violation.
    fn terminal(&mut self, index: u32) {
        self.terminals += 1;
        let program = self.task.program;
        let base = &self.base;
        self.unsignaled.extend(self.orphans.iter().filter(|f| base.world.is_owed(**f)));
        let broken = self.base.violation().or_else(|| diagnose::stuck(program, &self.base));
        let broken = broken.or_else(|| {
            self.next.copy_from(&self.base, program);
            self.next.conclude_covering(program, Some(&mut self.cover))
        });
        if let Some(v) = broken {
            if v.property == Property::CapacityExceeded {
                self.overflow.get_or_insert(v);
                return;
            }
            if self.base.violation().is_some() {
                self.cut.insert(index);
            }
            self.outcomes.insert(Outcome::Violated(v));
            let level = self.graph.level_of(index);
            let known = self.violations.entry(v).or_default();
            if known.first().is_none_or(|first| self.graph.level_of(*first) == level) {
                known.push(index);
            }
            return;
        }
        self.outcomes.insert(self.next.outcome(program));
        self.good.push(index);
        self.judge(index, |c| c.moment == Moment::AtEnd, true);
    }

    fn watch(&mut self, index: u32) {
        self.judge(index, |c| c.moment != Moment::AtEnd, false);
    }

    /// Notes where conditions are true and false; at the end in the concluded state, where teardown has run.
    fn judge(&mut self, index: u32, which: fn(&Condition) -> bool, concluded: bool) {
        let task = self.task;
        for (c, seen) in task.conditions.iter().zip(&mut self.watched) {
            if !which(c) {
                continue;
            }
            let state = if concluded { &self.next } else { &self.base };
            match c.eval(task.program, state) {
                Ok(Some(true)) => {
                    seen.seen_true.get_or_insert(index);
                    if c.moment == Moment::Eventually {
                        seen.all_true.insert(index);
                    }
                }
                Ok(Some(false)) => {
                    seen.seen_false.get_or_insert(index);
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
        self.violations.keys().any(|v| matches!(v.property, Property::Deadlock | Property::SelfDeadlock))
    }

    /// A circle of dependencies through a fence.
    pub(super) fn dependency_cycle(&self) -> Vec<Link> {
        self.depend.as_ref().map_or(vec![], Dependencies::circle)
    }

    /// An allocation with a lock held that is taken inside of a fence-signalling section.
    pub(super) fn reclaim_cycle(&self) -> Option<Link> {
        self.depend.as_ref().and_then(Dependencies::reclaim)
    }

    /// Gives up what only the search itself needs: the passes that follow look at the graph.
    pub(super) fn forget_states(&mut self) {
        self.visited = Visited::new(false);
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
