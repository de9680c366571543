//! Memory of no further interest: `kmalloc()` with its two ways of being short of memory.
//!
//! `GFP_KERNEL` may sleep and may have to reclaim: then a shrinker of the program runs, in the caller's place and with
//! the caller's locks held. `GFP_NOFS` and `GFP_NOIO` are no better where fences are concerned: they keep reclaim off file
//! systems and disks, and not off drivers' shrinkers and the MMU notifiers, which may wait for fences. `GFP_ATOMIC` does
//! neither and may fail at any time.

use crate::{
    Call, Code, Coder, Context, Cx, Flow, Footprint, ObjId, Program, Property, Runtime, Then, Value, View,
    coder::fields, primitives::shrinker, protocol::Protocol,
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
    /// The shrinker that has run, if it is one that comes and goes.
    ran: Option<ObjId>,
}

fields!(Alloc { gfp, ways, ran });

impl Alloc {
    pub(crate) const BLANK: Alloc = Alloc { gfp: Gfp::Kernel, ways: 1, ran: None };

    /// An allocation about to be made.
    pub(crate) fn new(gfp: Gfp, program: &Program) -> Alloc {
        let ways = match gfp {
            Gfp::Kernel => 1 + program.shrinkers.len() as u8,
            Gfp::Atomic => 2,
        };
        Alloc { gfp, ways, ran: None }
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
    cx.allocates = Some(cx.pc);
    cx.might_sleep(None);
    if cx.private.signalling > 0 {
        cx.violate(Property::AllocInSignalling, None);
    }
}

impl Protocol for Alloc {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if let Some(shrinker) = self.ran {
            shrinker::put(cx, shrinker);
            return Flow::Done(MEMORY);
        }
        let pick = cx.choose(self.ways(cx.private.in_reclaim()));
        if self.gfp == Gfp::Atomic {
            return Flow::Done(if pick == 0 { MEMORY } else { Value::Null });
        }
        might_block(cx);
        let Some(which) = pick.checked_sub(1) else { return Flow::Done(MEMORY) };
        let (callee, object) = cx.program.shrinkers[usize::from(which)];
        if object.is_some_and(|object| !shrinker::try_get(cx, object)) {
            return Flow::Done(MEMORY);
        }
        self.ran = object;
        let then = if object.is_some() { Then::Resume } else { Then::Done(MEMORY) };
        Flow::Call(Call { callee, args: [Value::Unset; 2], context: Context::Reclaim, then })
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        if let Some(shrinker) = self.ran {
            return shrinker::put_footprint(v, shrinker);
        }
        let come_and_go = v.program.shrinkers.iter().filter_map(|(_, object)| *object);
        let f = match self.gfp {
            Gfp::Kernel => come_and_go.fold(Footprint::NONE, Footprint::write),
            Gfp::Atomic => Footprint::NONE,
        };
        f.ways(self.ways(v.private.in_reclaim()))
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if self.gfp == Gfp::Kernel {
            might_block(cx);
        }
    }

    fn label(&self) -> &'static str {
        match self.gfp {
            _ if self.ran.is_some() => "shrinker_put",
            Gfp::Kernel => "kmalloc(GFP_KERNEL)",
            Gfp::Atomic => "kmalloc(GFP_ATOMIC)",
        }
    }

    /// Without a choice nobody else can tell that it happened.
    fn is_visible(&self) -> bool {
        self.ways > 1
    }
}
