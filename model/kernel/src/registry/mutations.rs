//! The mistakes of all protocols that can be built in (`ground::mutation` says how).
//!
//! The [`Program`] says which one is at work, and notes which ones were asked for: what no scenario comes to, no
//! scenario can notice.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    Program, dma, exec, fence, gpu, ground,
    ground::mutation::{Listed, Mutants, MutationRow},
    lock_all, memory, primitives, pte, resv, sync_file, syncobj, ww,
};

/// The mistakes of one protocol.
struct Table {
    protocol: &'static str,
    rows: &'static [MutationRow],
}

/// A table begins where the one before ends.
macro_rules! follow {
    ($first:expr;) => {};
    ($first:expr; $table:ty, $($rest:ty,)*) => {
        impl Listed for $table {
            const FIRST: usize = $first;
        }
        follow!(<$table as Listed>::FIRST + <$table as Mutants>::ROWS.len(); $($rest,)*);
    };
}

macro_rules! tables {
    ($($table:ty;)*) => {
        const TABLES: &[Table] = &[$(Table {
            protocol: <$table as Mutants>::PROTOCOL,
            rows: <$table as Mutants>::ROWS,
        }),*];
        follow!(0; $($table,)*);
    };
}

tables! {
    ground::cx::Mutant;
    ground::protocol::Mutant;
    ground::cx::QuietMutant;
    primitives::waitqueue::Mutant;
    primitives::completion::Mutant;
    primitives::spinlock::Mutant;
    primitives::rwsem::Mutant;
    primitives::refcount::Mutant;
    primitives::slab::Mutant;
    primitives::rcu::Mutant;
    primitives::workqueue::Mutant;
    primitives::syscall::Mutant;
    primitives::device::Mutant;
    primitives::srcu::Mutant;
    primitives::module::Mutant;
    primitives::irq_line::Mutant;
    primitives::irq_work::Mutant;
    primitives::timer::Mutant;
    primitives::irq::Mutant;
    primitives::shrinker::Mutant;
    primitives::wakeq::Mutant;
    primitives::list::Mutant;
    primitives::tree::Mutant;
    primitives::xarray::Mutant;
    ww::Mutant;
    lock_all::Mutant;
    exec::Mutant;
    fence::Mutant;
    fence::RcuSafeMutant;
    fence::ArrayMutant;
    fence::ChainMutant;
    resv::Mutant;
    sync_file::Mutant;
    syncobj::Mutant;
    primitives::uaccess::Mutant;
    memory::Mutant;
    pte::Mutant;
    gpu::Mutant;
    dma::Mutant;
}

/// How many there are.
const COUNT: usize = {
    let (mut count, mut i) = (0, 0);
    while i < TABLES.len() {
        count += TABLES[i].rows.len();
        i += 1;
    }
    count
};

/// A mistake in one place of one protocol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Mutation(u16);

impl Mutation {
    /// All of them, protocol by protocol.
    pub const ALL: &[Mutation] = &{
        let (mut all, mut i) = ([Mutation(0); COUNT], 0);
        while i < COUNT {
            all[i] = Mutation(i as u16);
            i += 1;
        }
        all
    };

    /// The table that it stands in, and its row.
    fn row(self) -> (&'static Table, &'static MutationRow) {
        let mut rows = TABLES.iter().flat_map(|table| table.rows.iter().map(move |row| (table, row)));
        // A mutation is made by its place alone.
        rows.nth(usize::from(self.0)).unwrap_or((&TABLES[0], &TABLES[0].rows[0]))
    }

    /// The name that the command line uses.
    pub fn name(self) -> &'static str {
        self.row().1.name
    }

    /// The protocol whose step it is.
    pub fn protocol(self) -> &'static str {
        self.row().0.protocol
    }

    /// The kernel's function in which the mistake would be.
    pub fn function(self) -> &'static str {
        self.row().1.function
    }

    /// What is wrong there.
    pub fn what(self) -> &'static str {
        self.row().1.what
    }

    /// Whether only loom can show it: a barrier or a memory order is missing, or the wake-up of a sleeper whom the
    /// other engines ask before every step whether it sleeps.
    pub fn needs_loom(self) -> bool {
        self.row().1.needs_loom
    }

    /// Why no scenario can kill it, if none can. `fenceweave mutants` fails if one does after all.
    pub fn explained(self) -> Option<&'static str> {
        self.row().1.survives
    }

    /// The mutation of that name.
    pub fn from_name(name: &str) -> Option<Mutation> {
        Mutation::ALL.iter().copied().find(|m| m.name() == name)
    }
}

impl<M: Listed> From<M> for Mutation {
    fn from(m: M) -> Mutation {
        Mutation((M::FIRST + m.at()) as u16)
    }
}

/// Words of a set of mutations.
const WORDS: usize = 6;
const _: () = assert!(Mutation::ALL.len() <= 64 * WORDS);

/// The mutation that a program runs with, and those that its steps asked for: in a campaign. By default there is none,
/// and nobody counts.
#[derive(Clone, Debug, Default)]
pub struct AtWork(Option<Arc<Campaign>>);

#[derive(Debug)]
struct Campaign {
    mutation: Option<Mutation>,
    /// Shared by all copies of the program: engines run on copies.
    asked: [AtomicU64; WORDS],
}

impl PartialEq for AtWork {
    fn eq(&self, other: &AtWork) -> bool {
        let mutation = |at_work: &AtWork| at_work.0.as_ref().and_then(|campaign| campaign.mutation);
        mutation(self) == mutation(other)
    }
}

impl Eq for AtWork {}

impl AtWork {
    /// This mutation, or none; it is counted what is asked for.
    pub fn new(mutation: Option<Mutation>) -> AtWork {
        AtWork(Some(Arc::new(Campaign { mutation, asked: Default::default() })))
    }

    /// Whether a step came to the place of the mistake.
    pub fn was_asked(&self, m: Mutation) -> bool {
        self.0.as_ref().is_some_and(|campaign| campaign.asked[m.word()].load(Ordering::Relaxed) & m.bit() != 0)
    }
}

impl Campaign {
    /// Whether the mistake is to be made.
    #[cold]
    fn is(&self, m: Mutation) -> bool {
        let word = &self.asked[m.word()];
        // Nearly always it was asked for before, and a look disturbs nobody.
        if word.load(Ordering::Relaxed) & m.bit() == 0 {
            word.fetch_or(m.bit(), Ordering::Relaxed);
        }
        self.mutation == Some(m)
    }
}

impl Mutation {
    fn word(self) -> usize {
        usize::from(self.0) / 64
    }

    fn bit(self) -> u64 {
        1 << (usize::from(self.0) % 64)
    }
}

impl Program {
    /// Whether the program runs with that mistake built in. Outside of campaigns that is a look at one pointer.
    #[inline(always)]
    pub(crate) fn mutated(&self, m: impl Listed) -> bool {
        match &self.mutation.0 {
            None => false,
            Some(campaign) => campaign.is(m.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_each_table_begins_where_the_one_before_ends() {
        for (i, m) in Mutation::ALL.iter().enumerate() {
            assert_eq!(Mutation::from_name(m.name()), Some(*m), "{} twice", m.name());
            assert_eq!(usize::from(m.0), i);
            assert!(!m.function().is_empty() && !m.what().is_empty());
        }
        assert_eq!(Mutation::from(ground::cx::Mutant::SleepNoBarrier).name(), "sleep-no-barrier");
        assert_eq!(Mutation::from(ww::Mutant::YoungerInverted).name(), "ww-younger-inverted");
        assert_eq!(Mutation::from(primitives::uaccess::Mutant::InatomicSleeps).name(), "uaccess-inatomic-faults");
    }
}
