//! Work on several threads, in turns: whose turn is next, and in which order the results are told.

use fenceweave_explore::{idle, interrupt};
use std::{
    cmp::Reverse,
    ops::ControlFlow,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// Which items nobody has taken yet. The first worker takes them in order, so that something is told as early as it can
/// be; the others take the largest first, so that none of those is left for the end, when there is nothing beside it.
struct Turns {
    taken: Vec<AtomicBool>,
    /// The largest first.
    by_size: Vec<usize>,
    /// Where in the order, and where among the sizes, nothing was looked at.
    next: [AtomicUsize; 2],
}

impl Turns {
    fn new(sizes: &[u64]) -> Turns {
        let mut by_size: Vec<usize> = (0..sizes.len()).collect();
        by_size.sort_by_key(|at| Reverse(sizes[*at]));
        Turns { taken: sizes.iter().map(|_| AtomicBool::new(false)).collect(), by_size, next: Default::default() }
    }

    /// What is next for a worker.
    fn take(&self, is_first: bool) -> Option<usize> {
        loop {
            let at = self.next[usize::from(is_first)].fetch_add(1, Ordering::Relaxed);
            let by_size = *self.by_size.get(at)?;
            let item = if is_first { at } else { by_size };
            if !self.taken[item].swap(true, Ordering::Relaxed) {
                return Some(item);
            }
        }
    }
}

/// Does the work on several threads, and hands over the results in the order of the items as soon as they are there:
/// the output is the same for any number of threads. It stops when the taker says so, or a signal does.
pub(super) fn in_order<I: Sync, T: Send>(
    items: &[I],
    jobs: usize,
    work: impl Fn(&I) -> T + Sync,
    take: impl FnMut(&I, T) -> ControlFlow<()> + Send,
) {
    by_size(items, jobs, |_| 0, work, take);
}

/// The same with items of which some are known to be larger than others: those are begun early.
pub(super) fn by_size<I: Sync, T: Send>(
    items: &[I],
    jobs: usize,
    size: impl Fn(&I) -> u64,
    work: impl Fn(&I) -> T + Sync,
    take: impl FnMut(&I, T) -> ControlFlow<()> + Send,
) {
    let workers = jobs.clamp(1, items.len().max(1));
    let sizes: Vec<u64> = if workers > 1 { items.iter().map(size).collect() } else { vec![0; items.len()] };
    let (turns, stop) = (Turns::new(&sizes), AtomicBool::new(false));
    let done: Vec<Option<T>> = items.iter().map(|_| None).collect();
    let counter = Mutex::new((done, 0, take));
    // Whoever has nothing to do helps those who have.
    idle::offer(jobs.saturating_sub(workers));
    let worker = |is_first: bool| {
        while !stop.load(Ordering::Relaxed) && !interrupt::requested() {
            let Some(i) = turns.take(is_first) else { return };
            let result = work(&items[i]);
            // A poisoned lock: another worker has panicked, and the scope passes that on.
            let Ok(mut counter) = counter.lock() else { return };
            // Whoever waited for the lock meanwhile: nothing is told behind the last that was wanted.
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let (done, handed, take) = &mut *counter;
            done[i] = Some(result);
            while let Some(ready) = done.get_mut(*handed).and_then(Option::take) {
                let item = &items[*handed];
                *handed += 1;
                if take(item, ready).is_break() {
                    stop.store(true, Ordering::Relaxed);
                    return;
                }
            }
        }
    };
    let work_and_help = |is_first| {
        worker(is_first);
        idle::offer(1);
    };
    std::thread::scope(|s| {
        for _ in 1..workers {
            s.spawn(|| work_and_help(false));
        }
        work_and_help(true);
    });
    idle::withdraw(jobs.max(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_goes_in_order_and_the_others_take_the_largest() {
        let turns = Turns::new(&[1, 5, 3, 5, 0]);
        let taken = [false, true, false, false, true, true].map(|is_first| turns.take(is_first));
        assert_eq!(taken, [Some(1), Some(0), Some(3), Some(2), Some(4), None]);
        assert_eq!(turns.take(false), None);
    }

    #[test]
    fn whoever_does_it_results_come_in_order() {
        let items: Vec<u64> = (0..200).collect();
        // Many times: who waits for the lock while the last that is wanted is told is a matter of luck.
        for jobs in (1..5).cycle().take(200) {
            let mut told = vec![];
            by_size(
                &items,
                jobs,
                |n| n % 7,
                |n| n * 2,
                |n, twice| {
                    told.push((*n, twice));
                    if told.len() < 150 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                },
            );
            assert!(told.iter().map(|(n, _)| *n).eq(0..150), "by {jobs}");
            assert!(told.iter().all(|(n, twice)| n * 2 == *twice));
        }
    }
}
