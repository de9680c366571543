//! Which column a thread has, and from when to when.

use fenceweave_kernel::ThreadId;

/// A thread's time in a column: from its first row to its last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Stay {
    thread: ThreadId,
    lane: usize,
    first: usize,
    last: usize,
}

/// The columns of a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Lanes {
    /// In the order in which they begin.
    stays: Vec<Stay>,
    /// How many columns there are.
    pub(super) count: usize,
}

impl Lanes {
    /// A column for each thread, from top to bottom.
    pub(super) fn own(threads: &[ThreadId]) -> Lanes {
        let stays = threads.iter().enumerate();
        let stays = stays.map(|(lane, thread)| Stay { thread: *thread, lane, first: 0, last: usize::MAX });
        Lanes { stays: stays.collect(), count: threads.len() }
    }

    /// As few columns as will do: a thread's is given to another when it has no more rows. `rows` says whose each row
    /// is; who is `to_the_end` has something to say under the last. Who has neither gets none.
    pub(super) fn shared(rows: &[ThreadId], to_the_end: &[ThreadId]) -> Lanes {
        let mut threads: Vec<ThreadId> = vec![];
        for t in rows.iter().chain(to_the_end) {
            if !threads.contains(t) {
                threads.push(*t);
            }
        }
        // When each column is free again.
        let (mut free, mut stays): (Vec<usize>, Vec<Stay>) = (vec![], vec![]);
        for thread in threads {
            let first = rows.iter().position(|t| *t == thread).unwrap_or(rows.len());
            let last = rows.iter().rposition(|t| *t == thread).unwrap_or(first);
            let last = if to_the_end.contains(&thread) { rows.len() } else { last };
            let lane = free.iter().position(|end| *end <= first).unwrap_or(free.len());
            if lane == free.len() {
                free.push(0);
            }
            free[lane] = last + 1;
            stays.push(Stay { thread, lane, first, last });
        }
        Lanes { stays, count: free.len() }
    }

    /// A thread's column.
    pub(super) fn of(&self, thread: ThreadId) -> Option<usize> {
        self.stays.iter().find(|s| s.thread == thread).map(|s| s.lane)
    }

    /// Who is in a column at any time.
    pub(super) fn threads(&self, lane: usize) -> impl Iterator<Item = ThreadId> {
        self.stays.iter().filter(move |s| s.lane == lane).map(|s| s.thread)
    }

    /// Who stands over each column from a row on: who is there, or who comes next.
    pub(super) fn heads(&self, row: usize) -> Vec<Option<ThreadId>> {
        let next = |lane| self.stays.iter().find(|s| s.lane == lane && s.last >= row).map(|s| s.thread);
        (0..self.count).map(next).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(rows: &[u8], to_the_end: &[u8]) -> Lanes {
        let threads = |all: &[u8]| all.iter().map(|t| ThreadId(*t)).collect::<Vec<_>>();
        Lanes::shared(&threads(rows), &threads(to_the_end))
    }

    fn of(lanes: &Lanes, all: &[u8]) -> Vec<Option<usize>> {
        all.iter().map(|t| lanes.of(ThreadId(*t))).collect()
    }

    #[test]
    fn who_comes_later_gets_the_column_of_who_is_over() {
        let lanes = shared(&[0, 0, 1, 2, 1, 3], &[]);
        assert_eq!((lanes.count, of(&lanes, &[0, 1, 2, 3, 4])), (2, vec![Some(0), Some(0), Some(1), Some(0), None]));
        assert_eq!(lanes.heads(0), [Some(ThreadId(0)), Some(ThreadId(2))]);
        assert_eq!(lanes.heads(2), [Some(ThreadId(1)), Some(ThreadId(2))]);
        assert_eq!(lanes.heads(5), [Some(ThreadId(3)), None]);
    }

    #[test]
    fn who_spins_at_the_end_keeps_its_column() {
        let lanes = shared(&[0, 1, 2], &[0, 3]);
        assert_eq!((lanes.count, of(&lanes, &[0, 1, 2, 3])), (2, vec![Some(0), Some(1), Some(1), Some(1)]));
    }

    #[test]
    fn a_column_is_nobody_elses_while_its_thread_has_rows() {
        let rows = [0, 1, 2, 1, 3, 0, 4, 2, 5, 3, 4];
        let lanes = shared(&rows, &[5]);
        for (i, t) in rows.iter().enumerate() {
            let lane = lanes.of(ThreadId(*t)).expect("a column");
            assert_eq!(lanes.heads(i)[lane], Some(ThreadId(*t)), "row {i}");
        }
    }
}
