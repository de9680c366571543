//! Many scenarios, one after the other: the same ones for the same seed, on any number of threads.

use fenceweave_explore::interrupt;
use std::{
    ops::AddAssign,
    panic,
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use fenceweave_scenario::generate::{Size, from_seed};

mod each;

pub use each::{Spent, run_each};

use crate::{
    oracle::{self, Bounds, Facts, Failure},
    second::{self, Sort, Tally},
};

/// Every so many scenarios, a program is held against the judge as well.
const JUDGED: u64 = 8;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// Where the numbers of the scenarios begin.
    pub seed: u64,
    /// How many; without it as many as there is time for.
    pub count: Option<u64>,
    /// How long; without it until all are done.
    pub time: Option<Duration>,
    /// How many at once.
    pub jobs: usize,
    /// How large each is at most.
    pub size: Size,
    /// How far the engines go with each.
    pub bounds: Bounds,
    /// After so many failures it stops.
    pub failures: usize,
    /// Nothing but programs that are held against the judge.
    pub judge: bool,
}

impl Default for Campaign {
    fn default() -> Campaign {
        Campaign {
            seed: 1,
            count: None,
            time: None,
            jobs: 1,
            size: Size::default(),
            bounds: Bounds::default(),
            failures: 10,
            judge: false,
        }
    }
}

/// What was counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Scenarios that were looked at.
    pub scenarios: u64,
    /// With more than one outcome, or somebody who had to wait.
    pub contended: u64,
    /// A limit stopped the search that the others are held against.
    pub limited: u64,
    /// Some property is violated.
    pub violated: u64,
    /// They keep to the rules.
    pub disciplined: u64,
    /// Searches that were held against a complete one, and were complete.
    pub compared: u64,
    /// Searches that a limit stopped.
    pub partial: u64,
    /// Counterexamples that were taken again.
    pub replayed: u64,
    /// States of all graphs.
    pub states: u64,
    /// States of those in which quiet accesses are no steps, and of the same programs where they are.
    pub merged: (u64, u64),
    /// Scenarios with something that is not as it must be.
    pub failures: u64,
    /// Programs that were held against the judge, of each sort.
    pub judged: [Tally; Sort::ALL.len()],
}

impl AddAssign<Facts> for Counts {
    fn add_assign(&mut self, facts: Facts) {
        self.contended += u64::from(facts.contended);
        self.limited += u64::from(facts.limited);
        self.violated += u64::from(facts.violated);
        self.compared += u64::from(facts.compared);
        self.partial += u64::from(facts.partial);
        self.replayed += u64::from(facts.replayed);
        self.states += facts.states;
        self.merged = (self.merged.0 + facts.merged.0, self.merged.1 + facts.merged.1);
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.scenarios += other.scenarios;
        self.contended += other.contended;
        self.limited += other.limited;
        self.violated += other.violated;
        self.disciplined += other.disciplined;
        self.compared += other.compared;
        self.partial += other.partial;
        self.replayed += other.replayed;
        self.states += other.states;
        self.merged = (self.merged.0 + other.merged.0, self.merged.1 + other.merged.1);
        self.failures += other.failures;
        self.judged.iter_mut().zip(other.judged).for_each(|(sum, part)| *sum += part);
    }
}

/// A scenario that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// Its place in the campaign.
    pub number: u64,
    /// Its text.
    pub text: String,
    /// Whether it keeps to the rules.
    pub disciplined: bool,
    /// What is not as it must be.
    pub failure: Failure,
    /// The judge sees something else.
    pub judged: bool,
}

/// The number from which the generator makes the scenario at a place of a campaign.
pub fn scenario_seed(seed: u64, number: u64) -> u64 {
    seed.wrapping_shl(32).wrapping_add(number)
}

/// Runs a campaign; `watch` is told now and then. Failures come in the order of their numbers.
pub fn run(campaign: &Campaign, watch: &(dyn Fn(&Counts) + Sync)) -> (Counts, Vec<Failed>) {
    let started = Instant::now();
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let total = Mutex::new((Counts::default(), Vec::<Failed>::new()));
    let worker = || {
        while !stop.load(Ordering::Relaxed) && !interrupt::requested() {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let done = campaign.count.is_some_and(|count| number >= count);
            if done || campaign.time.is_some_and(|time| started.elapsed() > time) {
                return;
            }
            let mut part = Counts::default();
            let failures = take(campaign, number, &mut part);
            // What was cut short proves nothing.
            if interrupt::requested() {
                return;
            }
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            let (counts, failed) = &mut *total;
            *counts += part;
            failed.extend(failures);
            stop.fetch_or(failed.len() >= campaign.failures, Ordering::Relaxed);
            watch(counts);
        }
    };
    quietly(|| {
        std::thread::scope(|scope| {
            for _ in 1..campaign.jobs.max(1) {
                scope.spawn(worker);
            }
            worker();
        });
    });
    let (counts, mut failed) = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort_by_key(|f| f.number);
    (counts, failed)
}

/// One place of a campaign: a scenario, or a program for the judge, or both.
fn take(campaign: &Campaign, number: u64, counts: &mut Counts) -> Vec<Failed> {
    let mut failed = vec![];
    if campaign.judge {
        failed.extend(second_opinion(campaign, number, counts));
    } else {
        failed.extend(generated(campaign, number, counts));
        if number.is_multiple_of(JUDGED) {
            failed.extend(second_opinion(campaign, number / JUDGED, counts));
        }
    }
    counts.failures = failed.len() as u64;
    failed
}

fn generated(campaign: &Campaign, number: u64, counts: &mut Counts) -> Option<Failed> {
    let made = from_seed(scenario_seed(campaign.seed, number), &campaign.size);
    let result = oracle::judge(&made.text, made.disciplined, &campaign.bounds);
    counts.scenarios = 1;
    counts.disciplined = u64::from(made.disciplined);
    match result {
        Ok(facts) => {
            *counts += facts;
            None
        }
        Err(failure) => Some(Failed { number, text: made.text, disciplined: made.disciplined, failure, judged: false }),
    }
}

/// The sorts take turns.
fn second_opinion(campaign: &Campaign, number: u64, counts: &mut Counts) -> Option<Failed> {
    let seed = campaign.seed;
    let sorts = Sort::ALL.len() as u64;
    let which = (number % sorts) as usize;
    let (sort, program) = (Sort::ALL[which], scenario_seed(seed, number / sorts));
    let opinion = second::ask(sort, program, if campaign.judge { second::MOST_ALONE } else { second::MOST });
    counts.judged[which].count(&opinion);
    let failure = opinion.err()?;
    Some(Failed { number, text: second::text(sort, program), disciplined: false, failure, judged: true })
}

/// Does something without a word of those who panic: what they say is in the failure.
pub fn quietly<T>(work: impl FnOnce() -> T) -> T {
    static ONCE: Once = Once::new();
    static QUIET: AtomicUsize = AtomicUsize::new(0);
    // Put on top of what is there, once and for all: loom's engine does the same, and neither may take the other's
    // away.
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if QUIET.load(Ordering::Relaxed) == 0 {
                before(info);
            }
        }));
    });
    QUIET.fetch_add(1, Ordering::Relaxed);
    let result = work();
    QUIET.fetch_sub(1, Ordering::Relaxed);
    result
}
