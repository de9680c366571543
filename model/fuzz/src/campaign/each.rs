//! As many programs of each sort as are asked for, judged: those that are too large do not count.

use super::{Campaign, Counts, Failed, quietly, scenario_seed};
use crate::second::{self, MOST_ALONE, Opinion, Sort};
use fenceweave_explore::interrupt;
use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

/// A sort of which fewer than one in so many programs can be judged is given up.
const PATIENCE: u64 = 4;

/// How long each sort took.
pub type Spent = [Duration; Sort::ALL.len()];

struct Total {
    counts: Counts,
    spent: Spent,
    failed: Vec<Failed>,
}

/// Holds programs against the judge until so many of each sort are equal. A sort is one worker's: what is counted is
/// the same on any number of threads.
pub fn run_each(campaign: &Campaign, each: u64, watch: &(dyn Fn(&Counts) + Sync)) -> (Counts, Spent, Vec<Failed>) {
    let (next, stop, started) = (AtomicUsize::new(0), AtomicBool::new(false), Instant::now());
    let total = Mutex::new(Total { counts: Counts::default(), spent: Spent::default(), failed: vec![] });
    let is_over = || {
        let late = campaign.time.is_some_and(|time| started.elapsed() > time);
        late || stop.load(Ordering::Relaxed) || interrupt::requested()
    };
    let worker = || {
        while let Some(sort) = Sort::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            let begun = Instant::now();
            let mut equal = 0;
            for number in 0..each.saturating_mul(PATIENCE) {
                if equal == each || is_over() {
                    break;
                }
                let opinion = second::ask(*sort, scenario_seed(campaign.seed, number), MOST_ALONE);
                // What was cut short proves nothing.
                if interrupt::requested() {
                    break;
                }
                equal += u64::from(matches!(opinion, Ok(Opinion::Equal { .. })));
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                let Total { counts, spent, failed } = &mut *total;
                counts.judged[*sort as usize].count(&opinion);
                spent[*sort as usize] = begun.elapsed();
                if let Err(failure) = opinion {
                    counts.failures += 1;
                    let text = second::text(*sort, scenario_seed(campaign.seed, number));
                    // Its place in a campaign where the sorts take turns.
                    let number = number * Sort::ALL.len() as u64 + *sort as u64;
                    failed.push(Failed { number, text, disciplined: false, failure, judged: true });
                }
                stop.fetch_or(failed.len() >= campaign.failures, Ordering::Relaxed);
                watch(counts);
            }
        }
    };
    quietly(|| {
        std::thread::scope(|scope| {
            (1..campaign.jobs.max(1)).for_each(|_| drop(scope.spawn(worker)));
            worker();
        });
    });
    let Total { counts, spent, mut failed } = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort_by_key(|f| f.number);
    (counts, spent, failed)
}
