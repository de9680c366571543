//! What lies ahead of one state: the nearest end, and the nearest at which something is wrong.
//!
//! For somebody who goes step by step. It is a search of its own, from any state, in the steps that a replay takes, and
//! a small one: where its bound is hit, it says so, and some executions are run at random instead.

use crate::{diagnose, explicit::ahead::Following, interrupt};
use fenceweave_kernel::{Action, Condition, Moment, Program, Property, State, ThreadId, Violation, thread::Run};
use std::collections::{HashMap, VecDeque, hash_map::Entry};
use xxhash_rust::xxh3::xxh3_128;

/// Executions that are run at random where there are too many states.
const RUNS: u32 = 200;

/// How things stand in a state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// Somebody can go on, and nothing is wrong.
    Open,
    /// All is over, and nothing is wrong.
    Well,
    /// A property is broken; nobody goes on from there.
    Broken(Violation),
    /// The condition at this place is broken. In a state that is passed, others may go on.
    Condition(usize),
}

/// How things stand in a state: a property that is broken, else a condition, else whether it is over. At the end
/// what was to settle is asked, teardown is taken, and what must hold then is asked.
pub fn standing(program: &Program, conditions: &[Condition], state: &State) -> Standing {
    if let Some(violation) = state.violation() {
        return Standing::Broken(violation);
    }
    let breaks = |moment, value| matches!((moment, value), (Moment::Never, Some(true)) | (Moment::Always, Some(false)));
    let value = |c: &Condition, state: &State| c.eval(program, state).ok().flatten();
    if let Some(at) = conditions.iter().position(|c| breaks(c.moment, value(c, state))) {
        return Standing::Condition(at);
    }
    if !state.enabled(program).is_empty() {
        return Standing::Open;
    }
    let mut end = state.clone();
    if let Some(violation) = diagnose::stuck(program, &end).or_else(|| end.conclude(program)) {
        return Standing::Broken(violation);
    }
    let broken = |c: &Condition| match c.moment {
        Moment::AtEnd => value(c, &end) == Some(false),
        Moment::Settles => c.eval(program, state).is_ok_and(|value| value != Some(true)),
        _ => false,
    };
    conditions.iter().position(broken).map_or(Standing::Well, Standing::Condition)
}

/// What is looked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// Any state from which nobody goes on.
    End,
    /// An end at which nothing is wrong, and was wrong on the way, and all has come true that must `eventually`.
    Well,
    /// A broken property or condition.
    Wrong,
}

impl Goal {
    /// Where the model has no more room, nothing is over and nothing is wrong.
    fn is_met(self, standing: Standing, is_over: bool) -> bool {
        match (self, standing) {
            (_, Standing::Broken(violation)) if is_limit(violation) => false,
            (Goal::Well, Standing::Well) | (Goal::Wrong, Standing::Broken(_) | Standing::Condition(_)) => true,
            (Goal::End, _) => is_over,
            _ => false,
        }
    }
}

fn is_limit(violation: Violation) -> bool {
    violation.property == Property::CAPACITY_EXCEEDED
}

/// How far a search may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reach {
    /// Most states.
    pub states: usize,
    /// Most steps of a way that is found.
    pub steps: usize,
}

/// What was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ahead {
    /// The steps that lead there.
    pub way: Option<Vec<Action>>,
    /// Whether there is no shorter way; or, without one, whether there is none.
    pub is_certain: bool,
    /// How many states were looked at.
    pub states: usize,
    /// What is wrong with the whole of the way, if nothing is with any state of it.
    pub whole: Option<Whole>,
}

/// What is wrong with a way, and with no state of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Whole {
    /// Who never gets on, what never comes, or the condition that never comes true, or never settles.
    pub what: Standing,
    /// How many steps of the way lead to the round that can be gone for ever, where it is one; those behind them are
    /// the round.
    pub round: Option<usize>,
}

/// Where somebody stands.
#[derive(Clone, Copy)]
pub struct Here<'a> {
    /// The state.
    pub state: &'a State,
    /// The conditions that were true at some time on the way there ([`Scene::note`]).
    pub came: &'a [usize],
}

/// A system, and what must be true of it.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// What runs.
    pub program: &'a Program,
    /// What must be true.
    pub conditions: &'a [Condition],
}

impl Scene<'_> {
    /// Notes the conditions that must come true at some time, and are so in this state.
    pub fn note(&self, state: &State, came: &mut Vec<usize>) {
        for (at, condition) in self.conditions.iter().enumerate() {
            let is_true = || condition.eval(self.program, state).ok().flatten() == Some(true);
            if condition.moment == Moment::Eventually && !came.contains(&at) && is_true() {
                came.push(at);
                came.sort_unstable();
            }
        }
    }

    /// The first condition that must come true at some time and did not.
    pub fn outstanding(&self, came: &[usize]) -> Option<usize> {
        let is_missing = |(at, c): &(usize, &Condition)| c.moment == Moment::Eventually && !came.contains(at);
        self.conditions.iter().enumerate().find(is_missing).map(|(at, _)| at)
    }

    /// The shortest way from a state to what is looked for, at least one step long; where the bound is hit before one
    /// is found, any.
    ///
    /// What goes on for ever breaks nothing in any state, and neither does what never comes true. It is told if nothing
    /// else is wrong anywhere ahead, and all of that was looked at.
    pub fn search(&self, from: Here<'_>, goal: Goal, reach: Reach) -> Ahead {
        let mut search = Search::from(self.program, from);
        let mut following = (goal == Goal::Wrong).then(|| Following::new(*self));
        while let Some(at) = search.next(reach.states) {
            let (program, here) = (self.program, search.here.clone());
            let mut came = search.came.clone();
            if goal == Goal::Well {
                self.note(&here, &mut came);
            }
            if let Some(following) = &mut following {
                following.begin(at, search.ways.len(), (*self, &here));
            }
            for action in actions(program, &here) {
                let mut next = here.clone();
                let stepped = next.step(program, action);
                let standing = standing(program, self.conditions, &next);
                let is_over = next.violation().is_some() || next.enabled(program).is_empty();
                let is_met = self.is_met(goal, (standing, is_over), (&next, &came));
                search.was_cut |= matches!(standing, Standing::Broken(violation) if is_limit(violation));
                // What was wrong on the way does not end well.
                let goes_on = !is_over && (goal != Goal::Well || standing == Standing::Open);
                if !is_met && !goes_on && following.is_none() {
                    continue;
                }
                let number = search.put((&mut next, &came), Some((at, action)));
                if let Some(following) = &mut following {
                    following.edge(action, stepped.progressed, number);
                }
                if is_met {
                    return search.found(number, reach);
                }
            }
        }
        let states = search.seen.len();
        // Nothing is certain either where what goes on for ever could not be judged.
        let judge = |following: Following| following.wrong(*self, from);
        let wrong = if search.was_cut { None } else { following.map_or(Some(vec![]), judge) };
        let Some(wrong) = wrong else {
            return Ahead { way: self.at_random(from, goal, reach), is_certain: false, states, whole: None };
        };
        let Some((what, trace)) = wrong.into_iter().next() else {
            return Ahead { way: None, is_certain: true, states, whole: None };
        };
        let fits = trace.steps.len() <= reach.steps;
        let whole = Whole { what, round: trace.loop_from };
        Ahead { way: fits.then_some(trace.steps), is_certain: fits, states, whole: fits.then_some(whole) }
    }

    /// Whether a state is what is looked for, when these conditions came true before it.
    fn is_met(&self, goal: Goal, (standing, is_over): (Standing, bool), (state, came): (&State, &[usize])) -> bool {
        let all_came = || {
            let mut came = came.to_vec();
            self.note(state, &mut came);
            self.outstanding(&came).is_none()
        };
        goal.is_met(standing, is_over) && (goal != Goal::Well || all_came())
    }

    /// Some executions, the same ones every time; in the first of them nobody is left as long as he can go on.
    fn at_random(&self, from: Here<'_>, goal: Goal, reach: Reach) -> Option<Vec<Action>> {
        let mut seed = 1_u64;
        let mut pick = |n: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % n.max(1)
        };
        let mut best: Option<Vec<Action>> = None;
        for run in 0..RUNS {
            let (mut state, mut came, mut steps) = (from.state.clone(), from.came.to_vec(), vec![]);
            let most = best.as_ref().map_or(reach.steps, |best| best.len().saturating_sub(1));
            while steps.len() < most && !interrupt::requested() {
                self.note(&state, &mut came);
                let can: Vec<Action> = actions(self.program, &state);
                let before = steps.last().map(|last: &Action| last.thread);
                let same = can.iter().copied().find(|action| run == 0 && Some(action.thread) == before);
                let Some(action) = same.or_else(|| can.get(pick(can.len())).copied()) else { break };
                state.step(self.program, action);
                steps.push(action);
                let standing = standing(self.program, self.conditions, &state);
                let is_over = state.violation().is_some() || state.enabled(self.program).is_empty();
                if self.is_met(goal, (standing, is_over), (&state, &came)) {
                    best = Some(steps);
                    break;
                }
                if is_over || goal == Goal::Well && standing != Standing::Open {
                    break;
                }
            }
        }
        best
    }

    /// The steps with which a thread that takes this one finishes its operation: as long as it can go on, in one way
    /// only, and nothing is wrong.
    pub fn to_the_operations_end(&self, from: &State, first: Action, most: usize) -> Vec<Action> {
        let (program, thread) = (self.program, first.thread);
        let depth = from.thread(thread).depth();
        let (mut state, mut steps, mut action) = (from.clone(), vec![], first);
        while steps.len() < most {
            let stepped = state.step(program, action);
            steps.push(action);
            let is_over = stepped.result.is_some() && state.thread(thread).depth() <= depth;
            let is_open = standing(program, self.conditions, &state) == Standing::Open;
            if is_over || !is_open || !state.is_enabled(program, thread) || state.ways(program, thread) > 1 {
                break;
            }
            if asleep(&state, thread) {
                break;
            }
            action = Action { thread, choice: 0 };
        }
        steps
    }
}

/// Whether a thread sleeps, and goes on by itself only if time passes.
fn asleep(state: &State, thread: ThreadId) -> bool {
    matches!(state.thread(thread).run(), Run::Asleep(..)) && !state.is_awake(thread)
}

/// Every step that can be taken in a state.
pub fn actions(program: &Program, state: &State) -> Vec<Action> {
    if state.violation().is_some() {
        return vec![];
    }
    let of = |thread| (0..state.ways(program, thread)).map(move |choice| Action { thread, choice });
    state.enabled(program).iter().flat_map(of).collect()
}

/// States, the nearest first.
struct Search<'a> {
    program: &'a Program,
    here: State,
    /// What came true before it.
    came: Vec<usize>,
    /// The states, apart by what came true before them.
    seen: HashMap<u128, usize>,
    todo: VecDeque<(usize, Vec<u8>, Vec<usize>)>,
    /// How each state was come to first: from which one, by which step.
    ways: Vec<Option<(usize, Action)>>,
    was_cut: bool,
}

impl<'a> Search<'a> {
    fn from(program: &'a Program, from: Here<'_>) -> Search<'a> {
        let (here, came) = (from.state.clone(), from.came.to_vec());
        let (seen, todo) = (HashMap::new(), VecDeque::new());
        let mut search = Search { program, here, came, seen, todo, ways: vec![], was_cut: false };
        search.put((&mut from.state.clone(), from.came), None);
        search
    }

    /// Goes to the next state; none if there is none, or there are too many.
    fn next(&mut self, most: usize) -> Option<usize> {
        if self.seen.len() > most || interrupt::requested() {
            self.was_cut = true;
            return None;
        }
        let (at, encoding, came) = self.todo.pop_front()?;
        self.here.decode(self.program, &encoding);
        self.came = came;
        Some(at)
    }

    /// The number of a state that was come to, which may be known.
    fn put(&mut self, (state, came): (&mut State, &[usize]), by: Option<(usize, Action)>) -> usize {
        let mut encoding = vec![];
        state.encode(self.program, &mut encoding);
        let mut apart: Vec<u8> = [came.len()].iter().chain(came).flat_map(|n| n.to_le_bytes()).collect();
        apart.extend(&encoding);
        let number = self.ways.len();
        match self.seen.entry(xxh3_128(&apart)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                new.insert(number);
                self.ways.push(by);
                self.todo.push_back((number, encoding, came.to_vec()));
                number
            }
        }
    }

    /// What was looked for.
    fn found(&self, number: usize, reach: Reach) -> Ahead {
        let way = self.way_to(number);
        let fits = way.len() <= reach.steps;
        Ahead { way: fits.then_some(way), is_certain: fits, states: self.seen.len(), whole: None }
    }

    fn way_to(&self, mut at: usize) -> Vec<Action> {
        let mut steps = vec![];
        while let Some((from, action)) = self.ways.get(at).copied().flatten() {
            steps.push(action);
            at = from;
        }
        steps.reverse();
        steps
    }
}
