//! Mistakes that can be built into the protocols one at a time, to see whether the shipped scenarios notice.
//!
//! A protocol's folder has its table (`mutants.rs`): a row for each mistake, and a name for `cx.mutated(Mutant::X)` at
//! the point where the mistake would be. Outside of a campaign (`fenceweave mutants`) the answer is *no* after a look
//! at one pointer. A row that nobody asks for does not compile, nor does a question without a row, or one of a table
//! that the registry does not list.

use crate::{Cx, Order, Runtime};

/// What is said about a mistake.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MutationRow {
    /// The name that the command line uses.
    pub(crate) name: &'static str,
    /// The kernel's function in which it would be.
    pub(crate) function: &'static str,
    /// What is wrong there.
    pub(crate) what: &'static str,
    /// Only loom can show it.
    pub(crate) needs_loom: bool,
    /// Why no scenario can kill it, if none can.
    pub(crate) survives: Option<&'static str>,
}

/// The mistakes of one protocol.
pub(crate) trait Mutants: Copy {
    /// Whose steps they are in.
    const PROTOCOL: &'static str;
    /// One for each.
    const ROWS: &'static [MutationRow];

    /// Its place in the table.
    fn at(self) -> usize;
}

/// A table that the registry lists.
pub(crate) trait Listed: Mutants {
    /// How many mistakes stand in the tables before.
    const FIRST: usize;
}

/// `Name "name" in "kernel function" "what is wrong" (loom) survives "why";`: the last two where they are so.
macro_rules! mutants {
    ($protocol:literal $($variant:ident $name:literal in $function:literal $what:literal $(($loom:ident))? $(survives $why:literal)?;)*) => {
        /// A mistake in one place of this protocol.
        #[derive(Clone, Copy)]
        #[deny(dead_code)]
        pub(crate) enum Mutant {
            $(#[doc = concat!("`", $function, "`: ", $what, ".")] $variant,)*
        }

        impl $crate::ground::mutation::Mutants for Mutant {
            const PROTOCOL: &'static str = $protocol;
            const ROWS: &'static [$crate::ground::mutation::MutationRow] = &[$($crate::ground::mutation::MutationRow {
                name: $name,
                function: $function,
                what: $what,
                needs_loom: false $(|| $crate::ground::mutation::is_loom(stringify!($loom)))?,
                survives: $crate::ground::mutation::only(&[$($why)?]),
            }),*];

            fn at(self) -> usize {
                self as usize
            }
        }
    };
}

pub(crate) use mutants;

/// What stands in brackets behind a row is that, or does not compile.
pub(crate) const fn is_loom(word: &str) -> bool {
    assert!(matches!(word.as_bytes(), b"loom"), "a row ends with `(loom)` or without brackets");
    true
}

/// The one that there is, perhaps.
pub(crate) const fn only(all: &[&'static str]) -> Option<&'static str> {
    match all {
        [one] => Some(one),
        _ => None,
    }
}

impl<R: Runtime> Cx<'_, R> {
    /// Whether the program runs with that mistake built in.
    #[inline(always)]
    pub(crate) fn mutated(&self, m: impl Listed) -> bool {
        self.program.mutated(m)
    }

    /// The memory order of an access, unless leaving it out is the mistake.
    #[inline(always)]
    pub(crate) fn order(&self, unless: impl Listed, order: Order) -> Order {
        if self.mutated(unless) { Order::Relaxed } else { order }
    }

    /// `smp_mb()`, unless leaving it out is the mistake.
    #[inline(always)]
    pub(crate) fn full_barrier(&mut self, unless: impl Listed) {
        if !self.mutated(unless) {
            self.rt.full_barrier();
        }
    }
}
