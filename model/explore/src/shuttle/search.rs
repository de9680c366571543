//! The depth-first search: which thread goes next, and when to turn back. The module above says why this is right.

use super::{
    Options, Sabotage,
    checkpoints::Checkpoints,
    rig::{At, Director, Offer},
    tally::Tally,
};
use crate::{Limits, Task, interrupt};
use fenceweave_kernel::{Action, Program, State, ThreadId, ThreadSet};

/// Most steps of one execution. Only a search without visited states can get there, in a loop.
const MAX_STEPS: usize = 100_000;
/// Steps between two looks at the clock within an execution.
const CLOCK: usize = 1 << 12;
/// Of so many executions, one is played from its start.
const FROM_THE_START: u64 = 64;

/// How a search ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// Nothing is left to explore.
    Exhausted,
    /// Too many executions for a search without visited states.
    Restart,
    /// An execution goes round in a program that was said to have no loops: to be started again as one that has.
    Endless,
    /// A quiet access could be seen: to be started again without any.
    Unfit,
    /// A limit was hit.
    Stopped(String),
}

/// One step of the execution at hand, and what is left to do in the state before it.
struct Level {
    /// The step.
    action: Action,
    /// How many ways the thread's step can go.
    ways: u8,
    /// Threads still to explore from here, after this one.
    todo: ThreadSet,
    /// Threads whose every continuation from here is covered.
    sleep: ThreadSet,
    /// Those of them that stay asleep after the step.
    below: ThreadSet,
    /// A choice of this thread broke a property.
    broke: bool,
}

impl Level {
    fn new(todo: ThreadSet, sleep: ThreadSet, first: ThreadId) -> Level {
        let mut level = Level {
            action: Action { thread: first, choice: 0 },
            ways: 1,
            todo,
            sleep,
            below: ThreadSet::default(),
            broke: false,
        };
        level.todo.remove(first);
        level
    }

    /// Looks at what the step about to be taken conflicts with: whoever does not stays asleep.
    fn aim(&mut self, program: &Program, state: &State, sabotage: Option<Sabotage>) {
        let step = state.footprint(program, self.action.thread);
        self.ways = step.ways;
        self.below = ThreadSet::default();
        for sleeper in self.sleep.iter() {
            debug_assert!(state.is_enabled(program, sleeper), "[internal bug] a disabled thread is in a sleep set");
            let other = state.footprint(program, sleeper);
            let conflicts = match sabotage {
                Some(Sabotage::NobodyWakes) => false,
                Some(Sabotage::ReadsDoNotConflict) => step.writes.meets(other.writes),
                _ => step.conflicts(other),
            };
            if !conflicts {
                self.below.insert(sleeper);
            }
        }
    }

    /// Goes on to the thread's next choice, then to the next thread; false if there is none.
    fn advance(&mut self, sleep_sets: bool) -> bool {
        if self.action.choice + 1 < self.ways {
            self.action.choice += 1;
            return true;
        }
        if sleep_sets && !self.broke {
            self.sleep.insert(self.action.thread);
        }
        let Some(thread) = self.todo.iter().next() else { return false };
        self.todo.remove(thread);
        self.action = Action { thread, choice: 0 };
        self.broke = false;
        true
    }
}

/// A search under way.
pub(super) struct Search {
    limits: Limits,
    visited: bool,
    sleep_sets: bool,
    sabotage: Option<Sabotage>,
    /// Give up after this many executions, to start again with visited states.
    pub(super) restart_after: Option<u64>,
    /// The execution at hand; its last step is the one that no execution before has taken from there.
    levels: Vec<Level>,
    /// How many steps of it were taken.
    depth: usize,
    /// States along it.
    checkpoints: Checkpoints,
    /// The execution at hand was not begun at one of them.
    from_the_start: bool,
    begun: bool,
    stopped: bool,
    pub(super) tally: Tally,
    pub(super) verdict: Verdict,
}

impl Director for Search {
    fn begin(&mut self, program: &Program, at: &mut At) -> bool {
        self.depth = 0;
        if at.unfit {
            self.verdict = Verdict::Unfit;
            return false;
        }
        let more = !self.stopped && (!std::mem::replace(&mut self.begun, true) || self.backtrack());
        if !more {
            return false;
        }
        if self.restart_after.is_some_and(|n| self.tally.runs() >= n) {
            self.verdict = Verdict::Restart;
            self.stopped = true;
        } else if let Some(why) = self.limit_hit() {
            self.stop(why);
        }
        self.from_the_start = self.tally.runs().is_multiple_of(FROM_THE_START);
        if !self.from_the_start {
            self.go_on_from_checkpoint(program, at);
        }
        !self.stopped
    }

    fn next(&mut self, program: &Program, at: &mut At, _offer: &Offer<'_>) -> Option<Action> {
        if self.depth < self.levels.len() {
            if self.from_the_start {
                self.checkpoints.check(program, self.depth, &at.state);
            }
        } else if !self.arrive(program, at) {
            return None;
        }
        let last = self.depth + 1 == self.levels.len();
        let level = &mut self.levels[self.depth];
        if last {
            if level.action.choice == 0 {
                level.aim(program, &at.state, self.sabotage);
            }
            self.tally.note_transition();
        }
        self.depth += 1;
        Some(level.action)
    }
}

impl Search {
    pub(super) fn new(task: &Task<'_>, limits: &Limits, visited: bool, options: Options) -> Search {
        Search {
            limits: *limits,
            visited,
            sleep_sets: options.sleep_sets,
            sabotage: options.sabotage,
            restart_after: None,
            levels: vec![],
            depth: 0,
            checkpoints: Checkpoints::new(),
            from_the_start: true,
            begun: false,
            stopped: false,
            tally: Tally::new(task),
            verdict: Verdict::Exhausted,
        }
    }

    /// Turns back to the last place where something is left to do.
    fn backtrack(&mut self) -> bool {
        while let Some(level) = self.levels.last_mut() {
            if level.advance(self.sleep_sets) {
                return true;
            }
            self.levels.pop();
        }
        false
    }

    /// The execution to come is the last one up to its last step, which is another.
    fn go_on_from_checkpoint(&mut self, program: &Program, at: &mut At) {
        let parts = self.levels.len().saturating_sub(1);
        if let Some((depth, state)) = self.checkpoints.at_most(parts) {
            at.state.copy_from(state, program);
            at.steps.extend(self.levels[..depth].iter().map(|l| l.action));
            self.depth = depth;
        }
    }

    /// Looks at a state reached by a step that was not taken before; false if the execution ends here.
    fn arrive(&mut self, program: &Program, at: &mut At) -> bool {
        let levels = self.levels.capacity() * size_of::<Level>();
        if let Err(why) = self.tally.make_room(&self.limits, levels) {
            self.stop(why);
            return false;
        }
        self.checkpoints.note(program, self.levels.len(), &at.state);
        let sleep = self.levels.last().map_or(ThreadSet::default(), |l| l.below);
        let sight = self.tally.arrive(program, at, sleep);
        let new = sight.new;
        if at.state.violation().is_some() {
            if let Some(level) = self.levels.last_mut() {
                level.broke = self.sabotage != Some(Sabotage::SleepsAfterViolation);
            }
            self.tally.end(program, at, new);
            return false;
        }
        let enabled = at.state.enabled(program);
        if enabled.is_empty() {
            self.tally.end(program, at, new);
            return false;
        }
        let (todo, sleep) = if self.visited && !new {
            let owed = ThreadSet(sight.stored.0 & !sleep.0);
            sight.stored.0 &= sleep.0;
            (owed, *sight.stored)
        } else {
            (ThreadSet(enabled.0 & !sleep.0), sleep)
        };
        self.descend(todo, sleep)
    }

    fn descend(&mut self, todo: ThreadSet, sleep: ThreadSet) -> bool {
        // Whoever ran last goes on if it can: fewer switches on the way to whatever is found first.
        let last = self.levels.last().map(|l| l.action.thread).filter(|t| todo.contains(*t));
        let Some(first) = last.or_else(|| todo.iter().next()) else {
            self.tally.note_blocked();
            return false;
        };
        if self.levels.len() >= MAX_STEPS && self.restart_after.is_some() {
            (self.verdict, self.stopped) = (Verdict::Endless, true);
            return false;
        }
        if self.levels.len() >= MAX_STEPS {
            self.stop(format!("an execution of more than {MAX_STEPS} steps"));
            return false;
        }
        if self.levels.len() % CLOCK == CLOCK - 1
            && let Some(why) = self.limit_hit()
        {
            self.stop(why);
            return false;
        }
        self.levels.push(Level::new(todo, sleep, first));
        true
    }

    fn stop(&mut self, why: String) {
        let counts = self.tally.counts();
        let seen = format!("{} executions through {} states were explored", counts.executions, counts.states);
        self.verdict = Verdict::Stopped(format!("{why}; {seen}"));
        self.stopped = true;
    }

    fn limit_hit(&self) -> Option<String> {
        let limits = &self.limits;
        if self.tally.runs() >= limits.executions {
            return Some(format!("more than {} executions", limits.executions));
        }
        if interrupt::requested() {
            return Some(interrupt::INTERRUPTED.into());
        }
        limits.late()
    }
}
