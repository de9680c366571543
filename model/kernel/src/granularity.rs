//! What a step hides: the accesses that it makes to words which others touch without a lock.
//!
//! A step is what no other CPU can see the middle of. That is so where everything that it touches is under one
//! spinlock, and where it makes one access to a word without. A step that makes several, one of them a write, has a
//! middle. Such a step is split; or it stands in [`MERGED`] with the reason why nobody can tell.
//!
//! Debug builds count: every load, store and read-modify-write of an atomic word, and every look at a cell without its
//! lock. Not counted are what a thread reads back that only it ever writes, the checker's notes, and facts
//! ([`Bits::FACT`](crate::Bits::FACT), [`AtomicCell::latest`](crate::AtomicCell::latest)). A store of what is there
//! already is a read: it leaves nothing to be seen. A loop of compare-and-exchange is one access: a round that fails
//! leaves nothing either, and the look before the first round only says what to try. A release build has none of this.

mod table;

pub use table::{MERGED, Merged, SPLIT, Split};

use std::{collections::BTreeSet, fmt::Write};

/// What an access does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Reads, or writes what is there.
    Read,
    /// A compare-and-exchange that fails.
    Failed,
    /// One that does not.
    Exchange,
    /// Any other that changes the word.
    Write,
}

/// An access to a word that others touch without a lock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Access {
    /// The type of the word.
    pub word: &'static str,
    /// Whether it changed it.
    pub writes: bool,
}

/// The most that was seen of a step.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Seen {
    /// Whose step it is.
    pub machine: &'static str,
    /// Its label.
    pub point: &'static str,
    /// The accesses of one such step.
    pub accesses: Vec<Access>,
}

impl Seen {
    /// Whether the step has a middle: several accesses, and one of them a write.
    pub fn has_middle(&self) -> bool {
        self.accesses.len() > 1 && self.accesses.iter().any(|a| a.writes)
    }

    /// Whether it reads several words, and writes none.
    pub fn reads_several(&self) -> bool {
        self.accesses.len() > 1 && !self.has_middle()
    }
}

/// Every step that this process has taken in a debug build, with the most accesses seen; nothing in a release build.
pub fn seen() -> Vec<Seen> {
    tally::seen()
}

pub(crate) use tally::{begin, end, note};

/// What is wrong between the steps that were seen and the table: steps with a middle that have no row, rows that no
/// step needs.
pub fn mistakes(seen: &[Seen]) -> Vec<String> {
    let rows: BTreeSet<&str> = MERGED.iter().flat_map(|m| m.points).copied().collect();
    let middles: BTreeSet<&str> = seen.iter().filter(|s| s.has_middle()).map(|s| s.point).collect();
    let unsplit = seen.iter().filter(|s| s.has_middle() && !rows.contains(s.point)).map(|s| {
        let mark = |a: &Access| format!("{} {}", if a.writes { "writes" } else { "reads" }, a.word);
        let accesses: Vec<String> = s.accesses.iter().map(mark).collect();
        format!("`{}` of {}: {}; split it, or say why nobody can tell", s.point, s.machine, accesses.join(", "))
    });
    let unseen =
        rows.difference(&middles).map(|p| format!("`{p}` has a row, and was not seen to make several accesses"));
    unsplit.chain(unseen).collect()
}

/// The documentation's page: what was looked at, what is split, and why the others need not be.
pub fn page(seen: &[Seen]) -> String {
    let middles = seen.iter().filter(|s| s.has_middle()).count();
    let several = seen.iter().filter(|s| s.reads_several()).count();
    let mut page = format!(
        "# Steps that touch more than one word\n\n\
         A step is what no other CPU can see the middle of. `cargo test -p fenceweave-fuzz --test granularity` counts what every\n\
         step touches that others touch without a lock (`model/kernel/src/granularity.rs` says what counts); with\n\
         `INSTA_UPDATE=always` it writes this page.\n\n\
         Of {} steps {} make one such access or none, {several} read several words and write none, and\n\
         {middles} make several and write. Those stand below, each with the reason why nobody can tell; a step of an operation\n\
         that is part of others is counted with each.\n\n## Split\n\n| function | the steps that it is |\n|---|---|\n",
        seen.len(),
        seen.len() - several - middles,
    );
    for Split { function, steps } in SPLIT {
        // Nothing can go wrong in writing to a string.
        let _ = writeln!(page, "| `{function}` | {steps} |");
    }
    page.push_str("\n## Not split\n\n| steps | why nobody can tell |\n|---|---|\n");
    for Merged { points, why } in MERGED {
        let points: Vec<String> = points.iter().map(|p| format!("`{p}`")).collect();
        let _ = writeln!(page, "| {} | {why} |", points.join(", "));
    }
    page
}

#[cfg(debug_assertions)]
mod tally {
    use super::{Access, Kind, Seen};
    use std::{
        cell::{Cell, RefCell},
        collections::BTreeMap,
        sync::{Mutex, PoisonError},
    };

    type Point = (&'static str, &'static str);

    /// How bad the accesses of a step are: with a middle or not, and how many.
    type Worst = (bool, usize);

    static ALL: Mutex<BTreeMap<Point, Seen>> = Mutex::new(BTreeMap::new());

    thread_local! {
        static COUNTING: Cell<bool> = const { Cell::new(false) };
        static ACCESSES: RefCell<Vec<(Access, usize)>> = const { RefCell::new(vec![]) };
        /// What this thread has told of each point.
        static TOLD: RefCell<BTreeMap<Point, Worst>> = const { RefCell::new(BTreeMap::new()) };
    }

    /// A word was touched.
    pub(crate) fn note<T>(at: usize, kind: Kind) {
        if !COUNTING.get() {
            return;
        }
        let word = std::any::type_name::<T>();
        let word = word.rsplit("::").next().unwrap_or(word).trim_end_matches('>');
        let access = Access { word, writes: matches!(kind, Kind::Write | Kind::Exchange) };
        ACCESSES.with_borrow_mut(|a| {
            let exchange = matches!(kind, Kind::Failed | Kind::Exchange);
            match a.last_mut() {
                Some((last, addr)) if exchange && *addr == at && !last.writes => *last = access,
                _ => a.push((access, at)),
            }
        });
    }

    /// A step begins on this thread.
    pub(crate) fn begin() {
        ACCESSES.with_borrow_mut(Vec::clear);
        COUNTING.set(true);
    }

    /// And is over.
    pub(crate) fn end(machine: &'static str, point: &'static str) {
        COUNTING.set(false);
        ACCESSES.with_borrow(|accesses| {
            let worst = (accesses.len() > 1 && accesses.iter().any(|(a, _)| a.writes), accesses.len());
            let told = TOLD.with_borrow(|t| t.get(&(machine, point)).copied());
            if told.is_none_or(|t| t < worst) {
                TOLD.with_borrow_mut(|t| t.insert((machine, point), worst));
                tell(Seen { machine, point, accesses: accesses.iter().map(|(a, _)| *a).collect() });
            }
        });
    }

    fn tell(seen: Seen) {
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.entry((seen.machine, seen.point)).or_insert_with(|| seen.clone());
        if (known.has_middle(), known.accesses.len()) < (seen.has_middle(), seen.accesses.len()) {
            *known = seen;
        }
    }

    pub(super) fn seen() -> Vec<Seen> {
        ALL.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

#[cfg(not(debug_assertions))]
mod tally {
    #[inline(always)]
    pub(crate) fn note<T>(_at: usize, _kind: super::Kind) {}
    #[inline(always)]
    pub(crate) fn begin() {}
    #[inline(always)]
    pub(crate) fn end(_machine: &'static str, _point: &'static str) {}

    pub(super) fn seen() -> Vec<super::Seen> {
        vec![]
    }
}
