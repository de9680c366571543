//! One state of each orbit: what a search does with threads that are alike
//! ([`Symmetry`](fenceweave_kernel::Symmetry)).
//!
//! States are told apart by their representatives, and what is kept of an orbit is the state of it that was met first.
//! That is the one that a search of all states meets first, too: of the states of an orbit, the first one has the first
//! predecessor, which is the first of its own orbit. So states stand in the same order, only that most are missing; the
//! steps that first lead to one are steps of the program; and a condition that all states of an orbit share is seen
//! first in the same state.
//!
//! An edge leads to the state that is kept, and not to that of its orbit in which the step ended. Who took the step is
//! another thread there, which the edge says beside it (`Edge::arrives`): as much as it takes to count switches. A way
//! along edges becomes one of the program by taking it: [`Steps::along`].
//!
//! What is not the same for all states of an orbit is looked at in each: the ends (teardown, what is left over, who is
//! told of first, expectations of the end, outcomes). What nobody looks at in each is asked of the search without
//! symmetry: whether something goes on for ever, where there are cycles, and circles of dependencies, where there is
//! one. And wherever an exchange of two threads leads to something else after all, the search begins again without.

use super::{
    graph::Edge,
    spill::{Column, Spill},
    visited::Visited,
};
use fenceweave_kernel::{Action, Program, Renaming, State, Symmetry, ThreadId, Violation, symmetry::Canonical};
use std::collections::BTreeSet;

/// After so many states, one is held against its image under an exchange; debug builds look more often.
const PROBE: u32 = if cfg!(debug_assertions) { 4 } else { 128 };
/// The first states are all held against an image.
const PROBED_FIRST: u32 = 64;
/// Most exchanges that are tried to see whether who is named with a violation depends on the order of threads.
const MOST_NAMED: usize = 4096;

/// A state that shows something: that of its orbit which this makes of the one that is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Target {
    pub(super) state: u32,
    pub(super) by: Renaming,
}

impl Target {
    /// The state that is kept.
    pub(super) fn kept(state: u32) -> Target {
        Target { state, by: Renaming::IDENTITY }
    }
}

/// What a search over orbits has besides.
pub(super) struct Orbits<'a> {
    pub(super) symmetry: &'a Symmetry,
    exchanges: Vec<Renaming>,
    /// Of each state that is kept, who everybody is in the representative.
    pub(super) names: Column<Renaming>,
    /// Whether the keys are wanted after their fingerprints.
    exact: bool,
    base: State,
    image: State,
    /// How many exchanges were tried to see who is named.
    pub(super) named: usize,
}

impl<'a> Orbits<'a> {
    /// Those of the states that this one leads to; `None` if it is not its own image under each exchange.
    pub(super) fn new(program: &Program, symmetry: &'a Symmetry, initial: &State, exact: bool) -> Option<Orbits<'a>> {
        let mut orbits = Orbits {
            symmetry,
            exchanges: symmetry.all_exchanges(),
            names: Column::default(),
            exact,
            base: initial.clone(),
            image: initial.clone(),
            named: 0,
        };
        let (mut initial, mut before, mut after) = (initial.clone(), vec![], vec![]);
        initial.encode(program, &mut before);
        for at in 0..orbits.exchanges.len() {
            symmetry.rename(program, &mut initial, orbits.exchanges[at], &mut orbits.image);
            after.clear();
            orbits.image.encode(program, &mut after);
            if before != after {
                return None;
            }
        }
        Some(orbits)
    }

    /// What the root is known by.
    pub(super) fn root(&mut self, program: &Program, state: &mut State) -> Vec<u8> {
        let mut canonical = Canonical::new(self.symmetry);
        self.names.push(canonical.find(program, state));
        canonical.bytes().to_vec()
    }

    /// A successor is this state, and these are its names; who took the step to it is that thread there.
    pub(super) fn arrive(&mut self, by: Renaming, thread: ThreadId, to: u32, new: bool) -> ThreadId {
        if new {
            self.names.push(by);
        }
        self.names.get_alone(to as usize).back().thread(by.thread(thread))
    }

    /// Writes to disk who everybody is, of all states but so many of the last.
    pub(super) fn write_out(&mut self, spill: &Spill, keep: usize) -> Result<(), String> {
        self.names.write_out(spill, keep)
    }

    /// Memory in use, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.names.bytes()
    }

    /// Whether a step that breaks a property names whom it names, whatever the order of threads. After so many tries it
    /// is not asked any more, so they are counted in the order of states.
    pub(super) fn names_alike(&mut self, program: &Program, before: &[u8], action: Action, v: Violation) -> bool {
        if self.named > MOST_NAMED {
            return true;
        }
        self.named += self.exchanges.len();
        let Orbits { symmetry, exchanges, base, image, .. } = self;
        base.decode(program, before);
        let same = |exchange: &Renaming| {
            symmetry.rename(program, base, *exchange, image);
            let thread = exchange.thread(action.thread);
            if !image.is_enabled(program, thread) || action.choice >= image.ways(program, thread) {
                return false;
            }
            image.step(program, Action { thread, ..action });
            image.violation() == Some(symmetry.violation(*exchange, v))
        };
        exchanges.iter().all(same)
    }
}

/// Images of states under exchanges of threads that are alike, for who expands them.
pub(super) struct Images<'a> {
    pub(super) symmetry: &'a Symmetry,
    canonical: Canonical<'a>,
    exchanges: Vec<Renaming>,
    exact: bool,
    image: State,
    next: State,
}

impl<'a> Images<'a> {
    /// Of the states that this one leads to.
    pub(super) fn new(symmetry: &'a Symmetry, initial: &State, exact: bool) -> Images<'a> {
        let (image, next) = (initial.clone(), initial.clone());
        let (canonical, exchanges) = (Canonical::new(symmetry), symmetry.all_exchanges());
        Images { symmetry, canonical, exchanges, exact, image, next }
    }

    /// Finds what a successor is known by, and adds it to the keys if that is wanted; the result is its fingerprint,
    /// and who everybody is in the representative.
    pub(super) fn find(&mut self, program: &Program, state: &mut State, keys: &mut Vec<u8>) -> (u128, Renaming) {
        let by = self.canonical.find(program, state);
        let key = self.canonical.bytes();
        if self.exact {
            keys.extend_from_slice(key);
        }
        (Visited::fingerprint(key), by)
    }

    /// Whether the successors of a state's image under some exchange are the images of its own, of which these are the
    /// fingerprints; looked at now and then.
    pub(super) fn holds(
        &mut self,
        program: &Program,
        base: &mut State,
        index: u32,
        prints: impl Iterator<Item = u128>,
    ) -> bool {
        if index >= PROBED_FIRST && !index.is_multiple_of(PROBE) || base.violation().is_some() {
            return true;
        }
        let exchange = self.exchanges[(index / PROBE.min(index + 1)) as usize % self.exchanges.len()];
        self.symmetry.rename(program, base, exchange, &mut self.image);
        let mut of_image = vec![];
        self.next.copy_from(&self.image, program);
        for thread in self.image.enabled(program).iter() {
            for choice in 0..self.image.ways(program, thread) {
                self.next.copy_from(&self.image, program);
                self.next.step(program, Action { thread, choice });
                self.canonical.find(program, &mut self.next);
                of_image.push(Visited::fingerprint(self.canonical.bytes()));
            }
        }
        let mut own: Vec<u128> = prints.collect();
        own.sort_unstable();
        of_image.sort_unstable();
        own == of_image
    }

    /// Does this with every state of an orbit, each once, and how it comes of the first.
    pub(super) fn each_image(&mut self, program: &Program, base: &mut State, mut what: impl FnMut(&State, Renaming)) {
        let (mut all, mut at) = (vec![Renaming::IDENTITY], 0);
        let mut bytes = vec![];
        base.encode(program, &mut bytes);
        let mut seen = BTreeSet::from([bytes]);
        let neighbours = self.symmetry.exchanges();
        what(base, Renaming::IDENTITY);
        while let Some(by) = all.get(at).copied() {
            at += 1;
            for by in neighbours.iter().map(|next| by.then(*next)) {
                let mut bytes = vec![];
                base.encode_image(program, self.symmetry, by, &mut bytes);
                if !seen.contains(&bytes) {
                    self.image.decode(program, &bytes);
                    what(&self.image, by);
                    seen.insert(bytes);
                    all.push(by);
                }
            }
        }
    }
}

/// Steps of the program itself, while a way through the graph is followed: from the state that the program is in to the
/// one that is kept of its orbit.
pub(super) struct Steps<'s, 'a> {
    program: &'s Program,
    visited: &'s Visited,
    names: &'s Column<Renaming>,
    canonical: Canonical<'a>,
    state: State,
    next: State,
    exact: bool,
    /// The states before the steps that were taken, the root first.
    before: Vec<State>,
}

impl<'s, 'a> Steps<'s, 'a> {
    /// From the root.
    pub(super) fn new(program: &'s Program, visited: &'s Visited, orbits: &'s Orbits<'a>, initial: State) -> Self {
        let canonical = Canonical::new(orbits.symmetry);
        let (next, names) = (initial.clone(), &orbits.names);
        Steps { program, visited, names, canonical, state: initial, next, exact: orbits.exact, before: vec![] }
    }

    /// Which state is kept of the orbit that a step leads to, and who everybody is there.
    fn look(&mut self, action: Action) -> Option<(u32, Renaming)> {
        self.next.copy_from(&self.state, self.program);
        self.next.step(self.program, action);
        let by = self.canonical.find(self.program, &mut self.next);
        let key = if self.exact { self.canonical.bytes() } else { &[] };
        let to = self.visited.find(Visited::fingerprint(self.canonical.bytes()), key)?;
        Some((to, by.then(self.names.get_alone(to as usize).back())))
    }

    /// Every step from here, by thread and choice.
    pub(super) fn edges(&mut self) -> Vec<Edge> {
        let mut all = vec![];
        for thread in self.state.enabled(self.program).iter() {
            for choice in 0..self.state.ways(self.program, thread) {
                let action = Action { thread, choice };
                let edge = self.look(action);
                all.extend(edge.map(|(to, by)| Edge { action, progress: false, to, arrives: by.thread(thread) }));
            }
        }
        all
    }

    /// Takes a step.
    pub(super) fn take(&mut self, action: Action) {
        self.before.push(self.state.clone());
        self.state.step(self.program, action);
    }

    /// Takes the last one back.
    pub(super) fn back(&mut self) {
        self.state = self.before.pop().unwrap_or_else(|| self.state.clone());
    }

    /// Takes all of them back.
    pub(super) fn begin(&mut self) {
        self.before.truncate(1);
        self.back();
    }

    /// Where they have led to.
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// What that is known by among all states.
    pub(super) fn encoding(&mut self) -> Vec<u8> {
        let mut bytes = vec![];
        self.state.encode(self.program, &mut bytes);
        bytes
    }

    /// Steps from here that pass these states, one after the other.
    pub(super) fn along(&mut self, states: &[u32]) -> Vec<Action> {
        let mut steps = vec![];
        for wanted in states {
            let Some(edge) = self.edges().into_iter().find(|e| e.to == *wanted) else { break };
            self.take(edge.action);
            steps.push(edge.action);
        }
        steps
    }

    /// The states that are kept of those that some steps pass, the one before them first.
    pub(super) fn passed(&mut self, from: u32, steps: &[Action]) -> Vec<u32> {
        let mut states = vec![from];
        for action in steps {
            let Some((to, _)) = self.look(*action) else { break };
            self.take(*action);
            states.push(to);
        }
        states
    }

    /// Who everybody of the state that the steps have led to is in the one that is kept.
    pub(super) fn ended(&mut self, state: u32) -> Renaming {
        let by = self.canonical.find(self.program, &mut self.state);
        by.then(self.names.get_alone(state as usize).back())
    }

    /// The image of a way, which passes the same states.
    pub(super) fn image(&mut self, states: &[u32], steps: &[Action], by: Renaming) -> Vec<Action> {
        let mut renamed = vec![];
        for (action, wanted) in steps.iter().zip(states.iter().skip(1)) {
            let thread = by.thread(action.thread);
            let ways = self.state.ways(self.program, thread);
            let mut choices = std::iter::once(action.choice).chain(0..ways);
            let leads = |s: &mut Self, choice| s.look(Action { thread, choice }).is_some_and(|(to, _)| to == *wanted);
            let Some(choice) = choices.find(|choice| *choice < ways && leads(self, *choice)) else { break };
            self.take(Action { thread, choice });
            renamed.push(Action { thread, choice });
        }
        renamed
    }
}
