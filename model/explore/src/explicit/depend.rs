//! Who waits for what with what held, over all executions together: a circle through a fence is a mistake even if no
//! schedule of this scenario hangs in it.
//!
//! As lockdep does it, every dependency that any execution shows goes into one graph, whose nodes are locks, fences and
//! events:
//!
//! ```text
//!   L -> F    a thread sleeps on the fence F and holds the lock L
//!   F -> L    the thread that signals F takes the lock L, and waits for it if need be, while F is pending and public
//!   F -> G    the thread that signals F sleeps on G meanwhile
//!   L -> M    a thread takes the lock M, and waits for it if need be, and holds L
//!   F -> E    the thread that signals F waits for the event E meanwhile
//!   E -> L    somebody waits for E, and the thread that lets him go on takes the lock L meanwhile
//! ```
//!
//! An *event* is what lets a thread go on that is neither a lock nor a fence: a work item is queued or is over, a timer
//! is armed, a completion is completed, a queue is woken, a word is written that somebody spins on. So a circle goes
//! through whoever has to queue the work that signals.
//!
//! Who signals a fence, and who lets somebody go on, is seen, not read off the scripts: whoever does in some execution.
//! Of several, each may be the one: there is a circle if there is one through each of them, and none goes on through
//! such a fence or event. A trylock waits for nobody. As with lockdep, two dependencies that can never be there at once
//! are not told from two that can. A circle of locks alone is no business of ours: among locks, every order that can
//! hang is found by the search itself, and contexts make others harmless. Nobody hangs on a lockdep map, so a circle
//! through one is told here; who acquires one to read, recursively, waits only for who has it otherwise (lockdep's
//! strong paths: no `-(*R)-> -(S*)->`). Where a deadlock was found, that says it all, and nothing is added.
//!
//! Reclaim runs in the place of who allocates, so a shrinker that waits is a dependency like any other. A scenario
//! without one may still be wrong: where a lock is taken inside of a fence-signalling section, nobody must allocate
//! with it held and wait for reclaim, which may wait for any fence (lockdep's `fs_reclaim` and `dma_fence_map`).
//!
//! The graph is no part of any state; a dependency's witness is the first state in breadth-first order that shows it,
//! so the result is the same in every run.

use super::{saved, shape::Shape};
use fenceweave_kernel::{
    Action, Instr, MAX_OBJECTS, MAX_THREADS, MAX_VARS, ObjId, Program, Property, Renaming, Rule, State, StepResult,
    Symmetry, ThreadId, Violation, fixed, kind::Lock, kind::Waited, program::Role, thread::Run,
};
use std::collections::{BTreeMap, BTreeSet};

/// Where a dependency was first seen.
#[derive(Clone, Copy, Debug)]
struct Witness {
    /// The state before the step that makes it, or the one in which somebody sleeps.
    state: u32,
    /// The step.
    action: Option<Action>,
    thread: ThreadId,
    pc: u16,
}

impl saved::Saved for Witness {
    fn save(&self, to: &mut saved::Writer<'_>) -> std::io::Result<()> {
        to.put(&((self.state, self.action), (self.thread, self.pc)))
    }

    fn load(from: &mut saved::Reader<'_>) -> Result<Self, saved::Bad> {
        let ((state, action), (thread, pc)) = from.get()?;
        Ok(Witness { state, action, thread, pc })
    }
}

/// A dependency of a circle.
pub(super) type Link = (Violation, u32, Option<Action>);

/// What is waited for: an object by its number; behind all objects the queueing of a work item, the arming of a timer
/// or the recursive reading of a lockdep map by its own; behind those words.
type Node = usize;

const QUEUEING: Node = MAX_OBJECTS;
const WORDS: Node = 2 * MAX_OBJECTS;
const NODES: usize = WORDS + MAX_VARS;

/// Nodes as bits.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Nodes([u64; NODES.div_ceil(64)]);

impl Nodes {
    fn has(self, node: Node) -> bool {
        self.0[node / 64] >> (node % 64) & 1 == 1
    }

    fn insert(&mut self, node: Node) {
        self.0[node / 64] |= 1 << (node % 64);
    }
}

/// Who depends on something: a lock by its node, then whoever may signal a fence, then whoever may let go on who waits
/// for an event, then who has a lockdep map to read.
type Row = usize;

/// Who depends on what.
type Edge = (Row, Node);

/// Somebody who waits for an event in the state at hand.
#[derive(Clone, Copy)]
struct Waiting {
    thread: ThreadId,
    event: usize,
    /// The word that he spins on, instead of sleeping.
    spins: bool,
    /// He has not come yet, and comes when nobody else can go on.
    comes: bool,
}

/// The dependencies seen so far.
#[derive(Clone)]
pub(super) struct Dependencies {
    /// Whether something was seen since somebody last asked.
    changed: bool,
    /// How many objects there are: rows that are no lock's come behind them.
    objects: usize,
    /// Every fence with every thread whose script may signal it, fence by fence.
    signallers: Vec<(ObjId, ThreadId)>,
    /// Which of them did, in some execution.
    did: Vec<bool>,
    /// The events, by their nodes, and who let somebody go on in some execution, as bits.
    events: Vec<Node>,
    providers: Vec<u32>,
    waiting: Vec<Waiting>,
    locks: Vec<ObjId>,
    /// Those of them that are lockdep maps: a circle through one is told as well.
    maps: Vec<ObjId>,
    /// What each row depends on.
    on: Vec<Nodes>,
    witnesses: BTreeMap<Edge, Witness>,
    /// Locks taken inside of a fence-signalling section, and locks held where memory was allocated that may have to be
    /// reclaimed.
    in_section: BTreeMap<Node, Witness>,
    over_alloc: BTreeMap<Node, Witness>,
}

impl Dependencies {
    /// Nothing seen yet; `None` if the program has no fence that threads signal, or no lock and no second fence.
    pub(super) fn new(program: &Program) -> Option<Dependencies> {
        let fences = program.all::<fixed::Fence>();
        let signallers: Vec<_> = fences.flat_map(|f| program.signallers(f).map(move |t| (f, t))).collect();
        let is_lock = |id: &ObjId| program.kind(*id).row().lock.is_taken();
        let locks: Vec<ObjId> = program.ids().filter(is_lock).collect();
        let fences = signallers.chunk_by(|a, b| a.0 == b.0).count();
        let events = events(program);
        let maps: Vec<ObjId> = program.ids().filter(|id| program.kind(*id).row().lock == Lock::Map).collect();
        let rows = program.objects.len() + signallers.len() + events.len() * MAX_THREADS + maps.len();
        let on = vec![Nodes::default(); rows];
        let any = fences + maps.len() > 0 && fences + locks.len() > 1;
        let (did, providers) = (vec![false; signallers.len()], vec![0; events.len()]);
        any.then(|| Dependencies {
            changed: false,
            objects: program.objects.len(),
            signallers,
            did,
            events,
            providers,
            waiting: vec![],
            locks,
            maps,
            on,
            witnesses: BTreeMap::new(),
            in_section: BTreeMap::new(),
            over_alloc: BTreeMap::new(),
        })
    }

    fn row_of_provider(&self, event: usize, t: ThreadId) -> Row {
        self.objects + self.signallers.len() + event * MAX_THREADS + t.index()
    }

    /// What a row is about itself: its lock, its fence, its event.
    fn node_of_row(&self, row: Row) -> Option<Node> {
        let Some(at) = row.checked_sub(self.objects) else { return Some(row) };
        match self.signallers.get(at) {
            Some((fence, _)) => fence.as_object(),
            None => {
                let at = at - self.signallers.len();
                let map = at.checked_sub(self.events.len() * MAX_THREADS).and_then(|at| self.maps.get(at));
                map.map_or_else(|| self.events.get(at / MAX_THREADS).copied(), |map| map.as_object())
            }
        }
    }

    /// The row of who has a lockdep map to read.
    fn row_of_reader(&self, map: ObjId) -> Option<Row> {
        let at = self.maps.iter().position(|m| *m == map)?;
        Some(self.objects + self.signallers.len() + self.events.len() * MAX_THREADS + at)
    }

    /// Whether a thread that holds a lock has it as a lockdep map, to read.
    fn reads(&self, state: &State, lock: ObjId, t: ThreadId) -> bool {
        self.maps.contains(&lock) && !state.object(lock).is_held_alone(t)
    }

    fn note(&mut self, from: Row, to: Node, witness: Witness) {
        let own = self.node_of_row(from) == Some(to)
            || self.maps.contains(&object_of(to)) && { self.node_of_row(from) == object_of(to).as_object() };
        if !own && !self.on[from].has(to) {
            self.on[from].insert(to);
            self.witnesses.insert((from, to), witness);
            self.changed = true;
        }
    }

    /// Whether something was seen since the last time that this was asked.
    pub(super) fn has_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Adds what was seen in states behind those that this is of; what was seen before keeps its witness.
    pub(super) fn add(&mut self, later: &Dependencies) {
        for (edge, witness) in &later.witnesses {
            self.on[edge.0].insert(edge.1);
            self.witnesses.entry(*edge).or_insert(*witness);
        }
        self.did.iter_mut().zip(&later.did).for_each(|(did, more)| *did |= more);
        self.providers.iter_mut().zip(&later.providers).for_each(|(by, more)| *by |= more);
        let locks = [(&mut self.in_section, &later.in_section), (&mut self.over_alloc, &later.over_alloc)];
        for (seen, more) in locks {
            more.iter().for_each(|(lock, witness)| _ = seen.entry(*lock).or_insert(*witness));
        }
    }

    /// Writes them down.
    pub(super) fn save(&self, to: &mut saved::Writer<'_>) -> std::io::Result<()> {
        to.put(&self.did)?;
        to.put(&self.providers)?;
        let all: Vec<(Edge, Witness)> = self.witnesses.iter().map(|(edge, by)| (*edge, *by)).collect();
        to.put(&all)?;
        for locks in [&self.in_section, &self.over_alloc] {
            let all: Vec<(Node, Witness)> = locks.iter().map(|(lock, by)| (*lock, *by)).collect();
            to.put(&all)?;
        }
        Ok(())
    }

    /// Reads them again, of a search that has found so many states.
    pub(super) fn load(
        &mut self,
        from: &mut saved::Reader<'_>,
        states: u32,
        shape: Shape<'_>,
    ) -> Result<(), saved::Bad> {
        let (did, providers): (Vec<bool>, Vec<u32>) = (from.get()?, from.get()?);
        saved::ensure(did.len() == self.did.len() && providers.len() == self.providers.len(), "dependencies")?;
        let threads = shape.program.scripts.len();
        saved::ensure(providers.iter().all(|by| by >> threads == 0), "dependencies")?;
        (self.did, self.providers) = (did, providers);
        let all: Vec<(Edge, Witness)> = from.get()?;
        let fits = |(row, on): Edge| row < self.on.len() && on < NODES && shape.object(object_of(on)).is_ok();
        saved::ensure(all.iter().all(|(edge, _)| fits(*edge)), "dependencies")?;
        all.iter().for_each(|((row, on), _)| self.on[*row].insert(*on));
        self.witnesses = all.into_iter().collect();
        for locks in [&mut self.in_section, &mut self.over_alloc] {
            let all: Vec<(Node, Witness)> = from.get()?;
            saved::ensure(all.iter().all(|(lock, _)| *lock < self.objects), "dependencies")?;
            *locks = all.into_iter().collect();
        }
        let mut all = self.witnesses.values().chain(self.in_section.values()).chain(self.over_alloc.values());
        all.try_for_each(|witness| {
            saved::ensure(witness.state < states, "a dependency's state")?;
            shape.place(witness.thread, witness.pc)?;
            shape.thread(witness.thread)?;
            witness.action.map_or(Ok(()), |action| shape.action(action))
        })
    }

    /// The rows of those who signal a fence.
    fn rows_of(&self, fence: ObjId) -> impl Iterator<Item = Row> {
        let all = self.signallers.iter().zip(&self.did).enumerate();
        all.filter(move |(_, (s, did))| s.0 == fence && **did).map(move |(i, _)| self.objects + i)
    }

    /// Where a way goes on: at a lock, at a fence that one thread alone signals, at an event that one alone provides.
    /// At a lockdep map that is not only read it goes on as well with who has it to read.
    fn rows_after(&self, node: Node) -> impl Iterator<Item = Row> {
        let map = object_of(node);
        let is_map = self.maps.contains(&map);
        let (first, second) = match is_map {
            true => (map.as_object(), if node < QUEUEING { self.row_of_reader(map) } else { None }),
            false => (self.row_of(node), None),
        };
        first.into_iter().chain(second)
    }

    fn row_of(&self, node: Node) -> Option<Row> {
        if let Some(event) = self.events.iter().position(|e| *e == node) {
            let by = self.providers[event];
            return by.is_power_of_two().then(|| self.row_of_provider(event, ThreadId(by.trailing_zeros() as u8)));
        }
        if node >= MAX_OBJECTS {
            return None;
        }
        let id = ObjId::object(node);
        let mut rows = self.rows_of(id);
        match (rows.next(), rows.next()) {
            (None, _) => self.locks.contains(&id).then_some(node),
            (only, None) => only,
            _ => None,
        }
    }

    /// What somebody who waits for `on` makes wait with him: what he holds, what he has to signal, and whom he has to
    /// let go on.
    fn wait(&mut self, state: &State, on: Node, witness: Witness) {
        let t = witness.thread;
        for i in 0..self.locks.len() {
            let lock = self.locks[i];
            if state.world.is_held_by(lock, t) {
                let row = if self.reads(state, lock, t) { self.row_of_reader(lock) } else { lock.as_object() };
                row.into_iter().for_each(|row| self.note(row, on, witness));
            }
        }
        for i in 0..self.signallers.len() {
            let (fence, by) = self.signallers[i];
            if by == t && state.world.is_owed(fence) {
                self.note(self.objects + i, on, witness);
            }
        }
        for i in 0..self.waiting.len() {
            let Waiting { thread, event, .. } = self.waiting[i];
            if thread != t {
                self.note(self.row_of_provider(event, t), on, witness);
            }
        }
    }

    /// The event that a thread waits for, and whether it spins.
    fn event_of(&self, program: &Program, state: &State, t: ThreadId) -> Option<Waiting> {
        let thread = state.thread(t);
        let comes = state.comes_to_wait(program, t);
        let (node, spins) = match thread.run() {
            Run::Ready if comes.is_some() => (comes?.as_object()?, false),
            Run::Asleep(on, _) if !state.is_awake(t) => {
                let idle = program.scripts[t.index()].agent && thread.is_idle();
                if idle && !self.owes(state, t) {
                    return None;
                }
                (on.as_object()? + if idle { QUEUEING } else { 0 }, false)
            }
            Run::Ready => (WORDS + state.spins_until(program, t)?.as_var()?, true),
            _ => return None,
        };
        let event = self.events.iter().position(|e| *e == node)?;
        Some(Waiting { thread: t, event, spins, comes: comes.is_some() })
    }

    /// Whether somebody counts on a worker that has nothing to do: for the fences that it signals, else for any.
    fn owes(&self, state: &State, t: ThreadId) -> bool {
        let signals = self.signallers.iter().any(|(_, by)| *by == t);
        self.signallers.iter().any(|(fence, by)| (*by == t || !signals) && state.world.is_owed(*fence))
    }

    /// A state: who sleeps on a fence, or waits for an event?
    pub(super) fn look(&mut self, program: &Program, state: &State, index: u32) {
        self.waiting.clear();
        if !self.events.is_empty() {
            let waiting = program.threads().filter_map(|t| self.event_of(program, state, t)).collect();
            self.waiting = waiting;
        }
        let at = |thread| Witness { state: index, action: None, thread, pc: state.thread(thread).pc() };
        for thread in program.threads() {
            if let Run::Asleep(on, _) = state.thread(thread).run()
                && self.signallers.iter().any(|(f, _)| *f == on)
            {
                self.wait(state, on.index(), at(thread));
            }
        }
        for i in 0..self.waiting.len() {
            let Waiting { thread, event, .. } = self.waiting[i];
            self.wait(state, self.events[event], at(thread));
        }
    }

    /// A step from the state with this index: does it signal a fence, let somebody go on, or take a lock that it would
    /// have waited for?
    pub(super) fn step(
        &mut self,
        program: &Program,
        before: &State,
        (action, result): (Action, &StepResult),
        after: &State,
        index: u32,
    ) {
        let thread = action.thread;
        let pc = before.thread(thread).pc();
        if after.violation().is_some() {
            return;
        }
        for ((fence, by), did) in self.signallers.iter().zip(&mut self.did) {
            let does = *by == thread && !before.object(*fence).has_happened() && after.object(*fence).has_happened();
            self.changed |= does && !*did;
            *did |= does;
        }
        for w in self.waiting.iter().filter(|w| w.thread != thread) {
            let on = if w.comes {
                after.comes_to_wait(program, w.thread).is_none()
            } else if w.spins {
                after.spins_until(program, w.thread).is_none()
            } else {
                after.is_awake(w.thread)
            };
            let by = u32::from(on) << thread.index();
            self.changed |= by & !self.providers[w.event] != 0;
            self.providers[w.event] |= by;
        }
        let witness = Witness { state: index, action: Some(action), thread, pc };
        if let Some(allocates) = result.allocates {
            // What it locks itself comes after: xa_alloc() waits for memory before it locks. What allocates behind
            // another operation, with the same step, does so with what that has locked.
            let at = if allocates == pc { before } else { after };
            self.allocates(at, Witness { pc: allocates, ..witness });
        }
        let section = before.thread(thread).private().signalling > 0 && program.role(thread) != Role::Device;
        for i in 0..self.locks.len() {
            let lock = self.locks[i];
            let (was, is) = (before.world.is_held_by(lock, thread), after.world.is_held_by(lock, thread));
            let taken = is || result.took == Some(lock);
            let Some(node) = lock.as_object().filter(|_| !was && taken) else { continue };
            if tries(program, thread, pc) {
                return;
            }
            if section && !self.in_section.contains_key(&node) {
                self.in_section.insert(node, witness);
                self.changed = true;
            }
            let read = if self.reads(after, lock, thread) { QUEUEING } else { 0 };
            self.wait(before, node + read, witness);
        }
    }

    fn allocates(&mut self, state: &State, witness: Witness) {
        for lock in self.locks.iter().filter(|lock| state.world.is_held_by(**lock, witness.thread)) {
            self.over_alloc.entry(lock.index()).or_insert_with(|| {
                self.changed = true;
                witness
            });
        }
    }

    /// Adds what every exchange of threads makes of what was seen, with the witness of that.
    pub(super) fn close(&mut self, symmetry: &Symmetry, exchanges: &[Renaming]) {
        let mut changed = true;
        while changed {
            changed = false;
            for by in exchanges {
                changed |= self.exchange(symmetry, *by);
            }
        }
    }

    /// Adds what one exchange makes of what was seen; whether that is more.
    fn exchange(&mut self, symmetry: &Symmetry, by: Renaming) -> bool {
        let node = |node: Node| {
            let id = object_of(node);
            let to = symmetry.id(by, id);
            match (id.as_object(), to.as_object(), to.as_var()) {
                (Some(from), Some(to), _) => node - from + to,
                (_, _, Some(var)) => WORDS + var,
                _ => node,
            }
        };
        let mut more = false;
        for at in 0..self.signallers.len() {
            let (fence, t) = self.signallers[at];
            let image = (symmetry.id(by, fence), by.thread(t));
            let to = self.signallers.iter().position(|known| *known == image).unwrap_or(at);
            more |= self.did[at] && !self.did[to];
            self.did[to] |= self.did[at];
        }
        for at in 0..self.events.len() {
            let to = self.events.iter().position(|e| *e == node(self.events[at])).unwrap_or(at);
            let threads = (0..MAX_THREADS as u8).filter(|t| self.providers[at] >> t & 1 == 1);
            let image = threads.fold(0, |set, t| set | 1u32 << by.thread(ThreadId(t)).0);
            more |= image & !self.providers[to] != 0;
            self.providers[to] |= image;
        }
        let seen: Vec<_> = self.witnesses.iter().map(|(edge, witness)| (*edge, *witness)).collect();
        for ((row, on), witness) in seen {
            let (row, on) = (self.row_as(row, symmetry, by, &node), node(on));
            if !self.on[row].has(on) {
                self.on[row].insert(on);
                self.witnesses.insert((row, on), witness);
                more = true;
            }
        }
        for locks in [&mut self.in_section, &mut self.over_alloc] {
            for (lock, witness) in locks.clone() {
                more |= locks.insert(node(lock), witness).is_none();
            }
        }
        more
    }

    /// What an exchange makes of a row.
    fn row_as(&self, row: Row, symmetry: &Symmetry, by: Renaming, node: &impl Fn(Node) -> Node) -> Row {
        let Some(at) = row.checked_sub(self.objects) else { return node(row) };
        if let Some((fence, t)) = self.signallers.get(at) {
            let image = (symmetry.id(by, *fence), by.thread(*t));
            return self.signallers.iter().position(|known| *known == image).map_or(row, |to| self.objects + to);
        }
        let at = at - self.signallers.len();
        let (event, t) = (at / MAX_THREADS, ThreadId((at % MAX_THREADS) as u8));
        match self.events.get(event) {
            Some(event) => {
                let to = self.events.iter().position(|e| *e == node(*event));
                to.map_or(row, |to| self.row_of_provider(to, by.thread(t)))
            }
            None => {
                let map = self.maps.get(at - self.events.len() * MAX_THREADS);
                map.and_then(|map| self.row_of_reader(symmetry.id(by, *map))).unwrap_or(row)
            }
        }
    }

    /// The shortest circle through a fence, the first of several: its dependencies in order, each with the state that
    /// shows it and the step from there. Of a fence with several signallers there is one for each of them.
    pub(super) fn circle(&self) -> Vec<Link> {
        let fences = self.signallers.chunk_by(|a, b| a.0 == b.0).map(|s| s[0].0);
        let circles = fences.filter_map(|f| {
            let end = [f.as_object(), None];
            let each: Option<Vec<_>> = self.rows_of(f).map(|row| self.back_to(end, row)).collect();
            let mut all = each.filter(|ways| !ways.is_empty())?.concat();
            // Several ways may share dependencies.
            let mut told = BTreeSet::new();
            all.retain(|edge| told.insert(*edge));
            Some(all)
        });
        let (circle, rule) = match circles.min_by_key(Vec::len) {
            Some(circle) => (circle, None),
            None => (self.circle_of_map().unwrap_or_default(), Some(Rule::CIRCLE_OF_MAP)),
        };
        let edges = circle.iter().filter_map(|(from, to)| {
            let Witness { state, action, thread, pc } = *self.witnesses.get(&(*from, *to))?;
            let property = Property::DEPENDENCY_CYCLE;
            let object = Some(object_of(*to));
            Some((Violation { object, rule, ..Violation::new(property, thread, pc) }, state, action))
        });
        edges.collect()
    }

    /// The shortest circle through a lockdep map: who has it to read waits for nobody who reads it too.
    fn circle_of_map(&self) -> Option<Vec<(Row, Node)>> {
        let ways = self.maps.iter().filter_map(|map| Some((map.as_object()?, self.row_of_reader(*map)?)));
        let ends = ways.flat_map(|(map, reader)| [(map, Some(QUEUEING + map)), (reader, None)].map(|end| (map, end)));
        ends.filter_map(|(map, (row, read))| self.back_to([Some(map), read], row)).min_by_key(Vec::len)
    }

    /// The shortest way from one who may signal a fence back to that fence, or from who has a lockdep map back to that,
    /// as its dependencies.
    fn back_to(&self, ends: [Option<Node>; 2], first: Row) -> Option<Vec<(Row, Node)>> {
        let mut ways = vec![(first, vec![])];
        let mut seen = Nodes::default();
        let mut at = 0;
        while let Some((row, way)) = ways.get(at).cloned() {
            at += 1;
            for next in (0..NODES).filter(|node| self.on[row].has(*node)) {
                if seen.has(next) {
                    continue;
                }
                let way = [&way[..], &[(row, next)]].concat();
                if ends.contains(&Some(next)) {
                    return Some(way);
                }
                seen.insert(next);
                ways.extend(self.rows_after(next).map(|row| (row, way.clone())));
            }
        }
        None
    }

    /// A lock with which memory was allocated, and which is taken inside of a fence-signalling section, or with one
    /// held that is.
    pub(super) fn reclaim(&self) -> Option<Link> {
        let mut open: Vec<(Node, ThreadId)> = self.in_section.iter().map(|(lock, w)| (*lock, w.thread)).collect();
        let mut seen: BTreeSet<Node> = open.iter().map(|(lock, _)| *lock).collect();
        let mut at = 0;
        while let Some((lock, section)) = open.get(at).copied() {
            at += 1;
            if let Some(Witness { state, action, thread, pc }) = self.over_alloc.get(&lock).copied() {
                let (property, rule) = (Property::ALLOC_IN_SIGNALLING, Some(Rule::ALLOC_UNDER_SECTION_LOCK));
                let object = Some(ObjId::object(lock));
                let v = Violation { rule, object, other: Some(section), ..Violation::new(property, thread, pc) };
                return Some((v, state, action));
            }
            let inner = self.locks.iter().filter_map(|l| l.as_object()).filter(|l| self.on[lock].has(*l));
            open.extend(inner.filter(|l| seen.insert(*l)).map(|l| (l, section)));
        }
        None
    }
}

/// Everything that a thread may wait for and another one does, but for locks and fences.
fn events(program: &Program) -> Vec<Node> {
    let mut events = vec![];
    for (at, object) in program.objects.iter().enumerate() {
        let row = object.kind.row();
        events.extend(row.event.then_some(at));
        events.extend(matches!(row.waited, Waited::Run(_)).then_some(QUEUEING + at));
    }
    let spins = |i: &Instr| matches!(i, Instr::Op { op, .. } if op.row().spins_on_word);
    if program.scripts.iter().any(|s| s.code.iter().any(spins)) {
        events.extend((0..program.vars.len()).map(|var| WORDS + var));
    }
    events
}

/// What a node is about.
fn object_of(node: Node) -> ObjId {
    match node {
        WORDS.. => ObjId::var(node - WORDS),
        QUEUEING.. => ObjId::object(node - QUEUEING),
        _ => ObjId::object(node),
    }
}

/// Whether the operation at an instruction is a trylock.
fn tries(program: &Program, t: ThreadId, pc: u16) -> bool {
    let code = program.script(t).and_then(|s| s.code.get(usize::from(pc)));
    matches!(code, Some(Instr::Op { op, .. }) if op.row().tries)
}

const _: () = assert!(MAX_THREADS <= 32);
