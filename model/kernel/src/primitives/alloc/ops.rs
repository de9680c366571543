//! How a script asks for memory.

use super::{Alloc as AllocMachine, Gfp};
use crate::{
    Machine, Value,
    ground::{
        op::{OpSpec, Operation, Opt, Takes, option},
        resolver::{Resolved, Resolver},
        row::{Fall, Row},
    },
};

/// `alloc`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alloc {
    /// How it is to be had.
    pub gfp: Gfp,
}

impl Operation for Alloc {
    fn row(&self) -> Row {
        let fall = if self.gfp.blocks() { Fall::Reclaim } else { Fall::Memory };
        Row { chooses: Some((fall, 1)), ..Row::PLAIN }
    }

    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine> {
        Ok(AllocMachine::new(self.gfp, with.program).into())
    }
}

/// How memory is to be had.
pub(crate) const GFP: Opt = option(
    "gfp",
    Takes::OneOf(&["kernel", "nofs", "noio", "atomic", "nowait"]),
    "`kernel`, also without it: may sleep, and may run a shrinker; so may `nofs` and `noio`, which keep reclaim off file \
     systems and disks alone; `atomic` and `nowait`: may fail at any time",
);

/// The same for what is made of a slab: whose slots are what there is.
pub const NEW_GFP: Opt = option(
    "gfp",
    Takes::OneOf(&["kernel", "nofs", "noio", "atomic", "nowait"]),
    "how its memory is to be had, as of `alloc`; without it there is memory, and nothing is asked: neither whether it may \
     sleep nor what reclaim would wait for",
);

/// How they are written.
pub const OPS: &[OpSpec] =
    &[OpSpec::new("alloc", &[], "allocates memory of no further interest", "kmalloc() kzalloc() kvmalloc()", |args| {
        Alloc { gfp: Gfp::named(args.word("gfp")) }.into()
    })
    .options(&[GFP])
    .returns("1, or NULL where it may fail")
    .fails(Value::Null)];
