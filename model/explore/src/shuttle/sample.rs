//! Executions picked at random, for programs that are too large to exhaust.
//!
//! Shuttle's own samplers decide, behind a filter: they are offered the tasks whose thread can take a kernel step, and
//! nothing of the prologue. They never hear of the yield between two steps, which would make PCT lower a thread's
//! priority after every step. A choice of a step is drawn from the same sampler's data.
//!
//! Uniform random walk is ours ([`Urw`]): shuttle's counts the events of each task in one trial execution, counts the
//! starting of threads as events, and gives no way to say better. What can be known here is exact for scripts whose
//! number of steps does not depend on the schedule.

use super::{
    rig::{self, At, Director, Offer},
    tally::Tally,
};
use crate::numbers::Numbers;
use crate::{Coverage, Exploration, Limits, Progress, Task, interrupt, unfold};
use fenceweave_kernel::{Action, Cover, MAX_THREADS, Program, State, ThreadId, ThreadSet};
use shuttle::scheduler::{PctScheduler, RandomScheduler, Schedule, Scheduler, Task as ShuttleTask, TaskId};

/// Steps after which a sampled execution is given up: a loop may never be left.
const MAX_STEPS: usize = 20_000;

/// How to pick executions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Sampler {
    /// Uniform random walk: a thread is as likely to go next as it has steps left, so every interleaving of scripts of
    /// known length is as likely as any other. The default: it finds most in the fewest executions.
    #[default]
    Urw,
    /// Probabilistic concurrency testing: random priorities that change at `depth - 1` random points.
    Pct {
        /// The number of ordering constraints of the bug looked for; at least 1.
        depth: usize,
    },
    /// Every enabled thread is equally likely to go next.
    Random,
}

impl Sampler {
    fn scheduler(self, seed: u64, executions: u64) -> Box<dyn Scheduler + Send> {
        let most = usize::try_from(executions).unwrap_or(usize::MAX);
        match self {
            Sampler::Urw => Box::new(Urw::new(seed)),
            Sampler::Pct { depth } => Box::new(PctScheduler::new_from_seed(seed, depth.max(1), most)),
            Sampler::Random => Box::new(RandomScheduler::new_from_seed(seed, most)),
        }
    }
}

/// Tasks of an execution: the threads, and shuttle's main.
const TASKS: usize = MAX_THREADS + 1;

/// Uniform random walk over threads whose number of steps is known from the executions before.
///
/// The longest run of each thread so far counts as its length: after one complete execution that is exact wherever the
/// number of steps does not depend on the schedule, and executions that ended early do not spoil it.
struct Urw {
    numbers: Numbers,
    length: [u32; TASKS],
    taken: [u32; TASKS],
}

impl Urw {
    fn new(seed: u64) -> Urw {
        Urw { numbers: Numbers(seed), length: [1; TASKS], taken: [0; TASKS] }
    }

    /// Steps that the thread has left; a thread that is offered has at least one.
    fn weight(&self, task: &ShuttleTask) -> u64 {
        let i = usize::from(task.id());
        u64::from(self.length[i].saturating_sub(self.taken[i]).max(1))
    }
}

impl Scheduler for Urw {
    fn new_execution(&mut self) -> Option<Schedule> {
        for (length, taken) in self.length.iter_mut().zip(&mut self.taken) {
            *length = (*length).max(std::mem::take(taken));
        }
        Some(Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&ShuttleTask], _current: Option<TaskId>, _yielding: bool) -> Option<TaskId> {
        let total: u64 = runnable.iter().map(|t| self.weight(t)).sum();
        let mut at = self.numbers.next() % total.max(1);
        let pick = runnable.iter().find(|t| {
            let weight = self.weight(t);
            let here = at < weight;
            at = at.saturating_sub(weight);
            here
        })?;
        self.taken[usize::from(pick.id())] += 1;
        Some(pick.id())
    }

    fn next_u64(&mut self) -> u64 {
        self.numbers.next()
    }
}

struct Sampling {
    sampler: Sampler,
    seed: u64,
    scheduler: Box<dyn Scheduler + Send>,
    /// Some step was a pick among several threads.
    contended: bool,
    limits: Limits,
    tally: Tally,
    incomplete: Option<String>,
    /// What setup and the executions came to, before the first and after the last of them.
    cover: Option<Cover>,
}

impl Sampling {
    /// Whether there is another execution.
    fn goes_on(&mut self) -> bool {
        let runs = self.tally.runs();
        if runs >= self.limits.executions {
            return false;
        }
        self.incomplete = self.limit_hit();
        if runs == 1 && !self.contended && self.sampler != Sampler::Random {
            // Shuttle's PCT refuses to go on after a first execution in which it had nothing to decide.
            self.scheduler = Sampler::Urw.scheduler(self.seed, self.limits.executions);
        }
        self.incomplete.is_none() && self.scheduler.new_execution().is_some()
    }

    fn limit_hit(&mut self) -> Option<String> {
        let runs = self.tally.runs();
        let why = match self.tally.make_room(&self.limits, 0) {
            Err(why) => why,
            Ok(()) if interrupt::requested() => interrupt::INTERRUPTED.into(),
            Ok(()) => self.limits.late()?,
        };
        Some(format!("{why} after {runs} executions"))
    }

    /// The sampler's pick among the tasks whose thread is enabled.
    fn pick(&mut self, enabled: ThreadSet, offer: &Offer<'_>) -> Option<ThreadId> {
        let mut tasks = [*offer.runnable.first()?; TASKS];
        let mut n = 0;
        for task in offer.runnable {
            let thread = usize::from(task.id()).checked_sub(1).map(|i| ThreadId(i as u8));
            if thread.is_some_and(|t| enabled.contains(t)) {
                tasks[n] = task;
                n += 1;
            }
        }
        let picked = self.scheduler.next_task(&tasks[..n], offer.current, false)?;
        Some(ThreadId(usize::from(picked) as u8 - 1))
    }
}

impl Director for Sampling {
    fn begin(&mut self, _program: &Program, at: &mut At) -> bool {
        let goes_on = self.goes_on();
        match goes_on {
            // From the first one on it goes along.
            true => at.cover = at.cover.take().or(self.cover.take()),
            false => self.cover = at.cover.take(),
        }
        goes_on
    }

    fn next(&mut self, program: &Program, at: &mut At, offer: &Offer<'_>) -> Option<Action> {
        if self.tally.make_room(&self.limits, 0).is_err() {
            return None;
        }
        let new = self.tally.arrive(program, at, ThreadSet::default()).new;
        let enabled = at.state.enabled(program);
        if enabled.is_empty() {
            self.tally.end(program, at, new);
            return None;
        }
        if at.steps.len() >= MAX_STEPS {
            self.tally.note_blocked();
            return None;
        }
        self.contended |= enabled.iter().nth(1).is_some();
        let thread = self.pick(enabled, offer)?;
        let ways = at.state.ways(program, thread);
        let choice = if ways > 1 { (self.scheduler.next_u64() % u64::from(ways)) as u8 } else { 0 };
        self.tally.note_transition();
        Some(Action { thread, choice })
    }
}

/// Runs executions picked at random; the same seed picks the same ones.
///
/// Whatever the result lacks proves nothing: its coverage is [`Coverage::Sampled`], or incomplete if another limit than
/// the number of executions was hit. [`Counts::blocked`](crate::Counts) are executions given up after twenty thousand
/// steps. (Shuttle lets its variable `SHUTTLE_RANDOM_SEED` take precedence over the seed, for PCT and random.)
pub fn sample(
    task: &Task<'_>,
    sampler: Sampler,
    seed: u64,
    executions: u64,
    limits: &Limits,
    progress: &dyn Progress,
) -> Exploration {
    let limits = Limits { executions: executions.min(limits.executions), ..limits.begun() };
    let mut cover = Cover::new(task.program);
    let initial = State::initial_covering(task.program, Some(&mut cover));
    let sampling = Sampling {
        sampler,
        seed,
        contended: false,
        scheduler: sampler.scheduler(seed, limits.executions),
        limits,
        tally: Tally::new(task),
        incomplete: None,
        cover: Some(cover),
    };
    let initial = initial.grained(task.program, task.conditions, task.has_loops);
    let sampling = rig::run_from(initial.clone(), task.program, sampling, |s| {
        let counts = s.tally.counts();
        progress.tick(counts.executions + counts.blocked, counts.transitions);
    });
    let mut all = finish(sampling, task);
    if task.program.has_rows() {
        unfold::ways(&mut all, task, &initial);
    }
    all
}

fn finish(mut sampling: Sampling, task: &Task<'_>) -> Exploration {
    // Shuttle's random scheduler prints its seed as that of a failure unless it was asked until it had no more.
    if sampling.sampler == Sampler::Random {
        while sampling.scheduler.new_execution().is_some() {}
    }
    let coverage = sampling.incomplete.map_or(Coverage::Sampled, Coverage::Incomplete);
    Exploration { cover: sampling.cover, ..sampling.tally.into_exploration(task, coverage) }
}
