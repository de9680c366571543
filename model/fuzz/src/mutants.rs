//! The shipped scenarios against protocols with a mistake in them: which mistakes does nobody notice?
//!
//! A mutant is *killed* by a case if what is found with the mistake built in is not what is found without:
//!
//! * the judgement is not as expected any more (a verdict, a condition, the engines disagree), or
//! * the set of outcomes is another one, as the reviewed snapshot would show, or
//! * a check inside of the model fails (`[internal bug]`), or
//! * a limit is hit that is far from what the case needs without it.
//!
//! A mutant that no case can kill *survives*: a scenario is missing, or the mistake is none
//! ([`Mutation::explained`] says why). One that no case comes to is *unreached*.
//!
//! The unmutated run of a case notes which mutations its steps asked for. A case that never asks for a mutation behaves
//! the same with it, so it need not be run. The sequentially consistent engine comes first; loom is for what it leaves
//! alive.

use fenceweave_explore::{Coverage, Engine, Exploration};
use fenceweave_kernel::{Mutation, Program, mutations::AtWork};
use fenceweave_scenario::Case;
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

/// How the shipped scenarios are run and judged.
pub trait Suite: Sync {
    /// What an engine finds about a case, visiting at most so many states or executions.
    fn explore(&self, case: &Case, engine: Engine, most: u64) -> Exploration;
    /// The first thing that is not as the case expects, for the first of these runs.
    fn failure(&self, case: &Case, runs: &[Exploration]) -> Option<String>;
}

/// A case of the suite, and what there is to find without any mutation.
struct Subject {
    name: String,
    case: Case,
    asked: AtWork,
    explicit: Exploration,
    /// `None` if loom does not get far enough.
    loom: OnceLock<Option<Exploration>>,
}

impl Subject {
    /// A case as it is without a mutation; nothing, if its search does not end.
    fn of(suite: &dyn Suite, name: &str, case: &Case) -> Result<Option<Subject>, String> {
        let (name, mut case, asked) = (name.to_owned(), case.clone(), AtWork::new(None));
        case.program.mutation = asked.clone();
        let explicit = suite.explore(&case, Engine::Explicit, u64::MAX);
        if suite.failure(&case, std::slice::from_ref(&explicit)).is_some() {
            return Err(name);
        }
        let ends = explicit.coverage.is_complete();
        Ok(ends.then(|| Subject { name, case, asked, explicit, loom: OnceLock::new() }))
    }
}

/// What gave a mutant away.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Evidence {
    /// Something is not as expected.
    Judgement(String),
    /// There are other outcomes, though none that was forbidden.
    Outcomes,
    /// A check inside of the model failed.
    Internal(String),
    /// There is far more to see than without the mistake.
    Endless,
}

/// The case that killed a mutant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Kill {
    /// The case: its file, and its name in there.
    pub subject: String,
    /// The engine.
    pub engine: Engine,
    /// How.
    pub evidence: Evidence,
}

/// What became of a mutant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fate {
    /// Which one.
    pub mutation: Mutation,
    /// Who killed it; the first only, unless all were asked for.
    pub kills: Vec<Kill>,
    /// How many cases come to the place of the mistake.
    pub reached: usize,
    /// How many runs were made.
    pub runs: usize,
}

impl Fate {
    /// Whether nobody noticed it and nobody said why.
    pub fn is_unexplained(&self) -> bool {
        self.kills.is_empty() && self.mutation.explained().is_none()
    }
}

/// Mutants against the cases of a suite.
pub struct Campaign<'a> {
    suite: &'a dyn Suite,
    subjects: Vec<Subject>,
    engines: Vec<Engine>,
}

/// Executions of loom that a case may need without a mutation to be used against one.
const LOOM_EXECUTIONS: u64 = 3_000;
/// What a mutated run may need more than the unmutated one.
const ROOM: u64 = 20;
const ROOM_AT_LEAST: u64 = 20_000;

impl<'a> Campaign<'a> {
    /// Runs every case without a mutation, some at once. Cases whose search does not end are left out; the cheap ones
    /// come first.
    ///
    /// # Errors
    ///
    /// The name of the first case that is not as it expects: it would show nothing.
    pub fn new(
        suite: &'a dyn Suite,
        cases: Vec<(String, Case)>,
        engines: &[Engine],
        jobs: usize,
    ) -> Result<Campaign<'a>, String> {
        let (next, done) = (AtomicUsize::new(0), Mutex::new(vec![]));
        let work = || {
            loop {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some((name, case)) = cases.get(at) else { return };
                let subject = Subject::of(suite, name, case);
                // Nothing is half done where it is held.
                done.lock().unwrap_or_else(PoisonError::into_inner).push((at, subject));
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..jobs {
                scope.spawn(work);
            }
            work();
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(at, _)| *at);
        let subjects: Result<Vec<Option<Subject>>, String> = done.into_iter().map(|(_, subject)| subject).collect();
        let mut subjects: Vec<Subject> = subjects?.into_iter().flatten().collect();
        subjects.sort_by_key(|s| s.explicit.counts.transitions);
        Ok(Campaign { suite, subjects, engines: engines.to_vec() })
    }

    /// How many cases take part.
    pub fn len(&self) -> usize {
        self.subjects.len()
    }

    /// Whether no case takes part.
    pub fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    /// Runs a mutant against the cases that come to it, until one kills it, or against all of them.
    pub fn judge(&self, mutation: Mutation, all: bool) -> Fate {
        let reached: Vec<&Subject> = self.subjects.iter().filter(|s| s.asked.was_asked(mutation)).collect();
        let mut fate = Fate { mutation, kills: vec![], reached: reached.len(), runs: 0 };
        for engine in &self.engines {
            // Sequentially consistent memory has every barrier already.
            if *engine != Engine::Loom && mutation.needs_loom() {
                continue;
            }
            if *engine == Engine::Loom && !fate.kills.is_empty() {
                continue;
            }
            for subject in &reached {
                let Some(evidence) = self.evidence(subject, *engine, mutation, &mut fate.runs) else { continue };
                fate.kills.push(Kill { subject: subject.name.clone(), engine: *engine, evidence });
                if !all {
                    return fate;
                }
            }
        }
        fate
    }

    /// What gives the mutant away in a case, if anything does.
    fn evidence(&self, subject: &Subject, engine: Engine, m: Mutation, runs: &mut usize) -> Option<Evidence> {
        let before = match engine {
            Engine::Loom => subject.loom.get_or_init(|| self.on_loom(&subject.case)).as_ref()?,
            _ => &subject.explicit,
        };
        *runs += 1;
        let needed = if engine == Engine::Explicit { before.counts.states } else { before.counts.executions };
        let most = (ROOM * needed).max(ROOM_AT_LEAST);
        let program = Program { mutation: AtWork::new(Some(m)), ..subject.case.program.clone() };
        let mut case = subject.case.clone();
        case.program = program;
        let after = catch_unwind(AssertUnwindSafe(|| self.suite.explore(&case, engine, most)));
        let after = match after {
            Ok(after) => after,
            Err(panic) => return Some(Evidence::Internal(message(panic.as_ref()))),
        };
        let whole = before.coverage.is_complete();
        let (endless, same) = (whole && !after.coverage.is_complete(), !whole || after.outcomes == before.outcomes);
        let mut both = vec![after];
        if engine != Engine::Explicit {
            both.push(subject.explicit.clone());
        }
        match self.suite.failure(&case, &both) {
            Some(failure) => Some(Evidence::Judgement(failure)),
            None if endless => Some(Evidence::Endless),
            None => (!same).then_some(Evidence::Outcomes),
        }
    }

    /// What loom finds without a mutation; nothing, if even a bound on preemptions is too much for it.
    fn on_loom(&self, case: &Case) -> Option<Exploration> {
        let run = self.suite.explore(case, Engine::Loom, LOOM_EXECUTIONS);
        let covered = matches!(run.coverage, Coverage::Complete | Coverage::Preemptions(_));
        let sound = covered && self.suite.failure(case, std::slice::from_ref(&run)).is_none();
        sound.then_some(run)
    }
}

/// The first line of what a panic says.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
    text.and_then(|t| t.lines().next()).unwrap_or("a check failed").to_string()
}
