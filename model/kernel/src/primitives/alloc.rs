//! Memory of no further interest: `kmalloc()` with its two ways of being short of memory.
//!
//! `GFP_KERNEL` may sleep and may have to reclaim: then a shrinker of the program runs, in the caller's place and with
//! the caller's locks held. `GFP_NOFS` and `GFP_NOIO` are no better where fences are concerned: they keep reclaim off
//! file systems and disks, and not off drivers' shrinkers and the MMU notifiers, which may wait for fences.
//! `GFP_ATOMIC` does neither and may fail at any time.

pub(crate) mod idioms;
pub mod ops;

use crate::{
    Call, Code, Coder, Context, Cx, Flow, Footprint, ObjId, Program, Property, Runtime, Then, Value, View,
    coder::fields, primitives::shrinker, protocol::Protocol,
};

/// How an allocation behaves when memory is short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gfp {
    /// `GFP_KERNEL`: sleeps, reclaims.
    Kernel,
    /// `GFP_NOFS`: the same.
    Nofs,
    /// `GFP_NOIO`: the same.
    Noio,
    /// `GFP_ATOMIC`: fails.
    Atomic,
    /// `GFP_NOWAIT`: the same.
    Nowait,
}

impl Gfp {
    const ALL: [Gfp; 5] = [Gfp::Kernel, Gfp::Nofs, Gfp::Noio, Gfp::Atomic, Gfp::Nowait];

    /// What a scenario's word for it means; without one there is no hurry.
    pub fn named(word: Option<&str>) -> Gfp {
        match word {
            Some("atomic") => Gfp::Atomic,
            Some("nowait") => Gfp::Nowait,
            Some("nofs") => Gfp::Nofs,
            Some("noio") => Gfp::Noio,
            _ => Gfp::Kernel,
        }
    }

    /// `gfpflags_allow_blocking()`: sleeps and reclaims, instead of failing.
    pub fn blocks(self) -> bool {
        matches!(self, Gfp::Kernel | Gfp::Nofs | Gfp::Noio)
    }
}

impl Code for Gfp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut tag = *self as u8;
        c.byte(&mut tag);
        if C::READING {
            *self = Gfp::ALL[usize::from(tag)];
        }
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
        let ways = if gfp.blocks() { 1 + program.shrinkers.len() as u8 } else { 2 };
        Alloc { gfp, ways, ran: None }
    }

    /// Reclaim does not reclaim for itself (`PF_MEMALLOC`).
    fn ways(&self, in_reclaim: bool) -> u8 {
        if in_reclaim && self.gfp.blocks() { 1 } else { self.ways }
    }
}

/// What an allocation returns that succeeded: something that is not NULL.
const MEMORY: Value = Value::Word(1);

/// Where an allocation is made that may sleep, inside of another operation or by itself.
pub(crate) fn might_block<R: Runtime>(cx: &mut Cx<'_, R>) {
    cx.allocates = Some(cx.pc);
    cx.might_sleep(None);
    if cx.private.signalling > 0 {
        cx.violate(Property::ALLOC_IN_SIGNALLING, None);
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
        if !self.gfp.blocks() {
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
        let runs = come_and_go.filter(|_| self.gfp.blocks());
        let f = runs.fold(Footprint::NONE, Footprint::write);
        f.ways(self.ways(v.private.in_reclaim()))
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if self.gfp.blocks() {
            might_block(cx);
        }
    }

    fn label(&self) -> &'static str {
        match self.gfp {
            _ if self.ran.is_some() => "shrinker_put",
            Gfp::Kernel => "kmalloc(GFP_KERNEL)",
            Gfp::Nofs => "kmalloc(GFP_NOFS)",
            Gfp::Noio => "kmalloc(GFP_NOIO)",
            Gfp::Nowait => "kmalloc(GFP_NOWAIT)",
            Gfp::Atomic => "kmalloc(GFP_ATOMIC)",
        }
    }

    /// Without a choice nobody else can tell that it happened.
    fn is_visible(&self) -> bool {
        self.ways > 1
    }
}
