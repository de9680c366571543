//! Memory of no further interest: `kmalloc()` with its two ways of being short of memory.
//!
//! `GFP_KERNEL` may sleep and may have to reclaim: then a shrinker of the program runs, in the caller's place and with
//! the caller's locks held. `GFP_NOFS` and `GFP_NOIO` are no better where fences are concerned: they keep reclaim off file
//! systems and disks, and not off drivers' shrinkers and the MMU notifiers, which may wait for fences. `GFP_ATOMIC` does
//! neither and may fail at any time.

use crate::{
    Call, Code, Coder, Context, Cx, Flow, Footprint, Program, Property, Runtime, Then, Value, View, coder::fields,
    machine::Protocol,
};

/// How an allocation behaves when memory is short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gfp {
    /// `GFP_KERNEL`, `GFP_NOFS`, `GFP_NOIO`: sleeps, reclaims.
    Kernel,
    /// `GFP_ATOMIC`, `GFP_NOWAIT`: fails.
    Atomic,
}

impl Code for Gfp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut atomic = *self == Gfp::Atomic;
        c.flag(&mut atomic);
        *self = if atomic { Gfp::Atomic } else { Gfp::Kernel };
    }
}

/// An allocation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Alloc {
    gfp: Gfp,
    /// How many ways it can go where reclaim may run.
    ways: u8,
}

fields!(Alloc { gfp, ways });

impl Alloc {
    pub(crate) const BLANK: Alloc = Alloc { gfp: Gfp::Kernel, ways: 1 };

    /// An allocation about to be made.
    pub(crate) fn new(gfp: Gfp, program: &Program) -> Alloc {
        let ways = match gfp {
            Gfp::Kernel => 1 + program.shrinkers.len() as u8,
            Gfp::Atomic => 2,
        };
        Alloc { gfp, ways }
    }

    /// Without a choice nobody else can tell that it happened.
    pub(crate) fn is_visible(&self) -> bool {
        self.ways > 1
    }

    /// Reclaim does not reclaim for itself (`PF_MEMALLOC`).
    fn ways(&self, in_reclaim: bool) -> u8 {
        if in_reclaim && self.gfp == Gfp::Kernel { 1 } else { self.ways }
    }
}

/// What an allocation returns that succeeded: something that is not NULL.
const MEMORY: Value = Value::Word(1);

/// Where an allocation is made that may sleep, inside of another operation or by itself.
pub(crate) fn might_block<R: Runtime>(cx: &mut Cx<'_, R>) {
    cx.might_sleep(None);
    if cx.private.signalling > 0 {
        cx.violate(Property::AllocInSignalling, None);
    }
}

impl Protocol for Alloc {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let pick = cx.choose(self.ways(cx.private.in_reclaim()));
        if self.gfp == Gfp::Atomic {
            return Flow::Done(if pick == 0 { MEMORY } else { Value::Null });
        }
        might_block(cx);
        match pick.checked_sub(1) {
            None => Flow::Done(MEMORY),
            Some(which) => Flow::Call(Call {
                callee: cx.program.shrinkers[usize::from(which)],
                args: [Value::Unset; 2],
                context: Context::Reclaim,
                then: Then::Done(MEMORY),
            }),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        Footprint::NONE.ways(self.ways(v.private.in_reclaim()))
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if self.gfp == Gfp::Kernel {
            might_block(cx);
        }
    }

    fn label(&self) -> &'static str {
        match self.gfp {
            Gfp::Kernel => "kmalloc(GFP_KERNEL)",
            Gfp::Atomic => "kmalloc(GFP_ATOMIC)",
        }
    }
}
