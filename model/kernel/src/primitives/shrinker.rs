//! `struct shrinker` that comes and goes: `shrinker_register()`, `shrinker_free()`.
//!
//! ```text
//!   shrinker_register   reclaim may run it from here on
//!   reclaim             shrinker_try_get(): running + 1    … body …    shrinker_put(): running - 1, wakes who frees it
//!   shrinker_free       reclaim does not begin it any more; sleeps until it does not run
//! ```
//!
//! A shrinker that nobody registers or frees is there all the time, and has no object.

pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Cx, Flow, Footprint, ObjId, Patience, Plain, Property, Runtime, SharedCell, ThreadSet, Value, View,
    Violation,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ground::functions::functions,
    property::Form,
    protocol::Protocol,
    shared::Shared,
};

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct State {
    registered: bool,
    freed: bool,
    /// How many run it.
    running: u8,
    /// Who waits until nobody does.
    waiters: ThreadSet,
}

fields!(State { registered, freed, running, waiters });

/// A `struct shrinker`.
#[derive(Clone)]
pub struct Shrinker<R: Runtime> {
    state: R::Cell<State>,
}

impl Copy for Shrinker<Plain> {}

impl<R: Runtime> Shrinker<R> {
    pub(crate) fn new(id: ObjId, registered: bool) -> Self {
        Shrinker { state: R::Cell::new(State { registered, ..State::default() }, id) }
    }
}

impl<R: Runtime> Shared<R> for Shrinker<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        let s = self.state.peek();
        sink("registered", Facet::Flag(s.registered));
        sink("running", Facet::Word(i32::from(s.running)));
    }
}

impl Code for Shrinker<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.state.code(c);
    }
}

/// `shrinker_try_get()`: whether reclaim may run it.
pub(crate) fn try_get<R: Runtime>(cx: &mut Cx<'_, R>, shrinker: ObjId) -> bool {
    let held = cx.enter(shrinker);
    let s = cx.shrinker(shrinker).state.get(held);
    if s.registered {
        cx.shrinker(shrinker).state.set(held, State { running: s.running + 1, ..s });
    }
    s.registered
}

/// `shrinker_put()`: the last one completes what `shrinker_free()` waits for.
pub(crate) fn put<R: Runtime>(cx: &mut Cx<'_, R>, shrinker: ObjId) {
    let held = cx.enter(shrinker);
    let s = cx.shrinker(shrinker).state.get(held);
    let last = s.running <= 1;
    let left = State { running: s.running.saturating_sub(1), ..s };
    let waiters = if last { ThreadSet::default() } else { s.waiters };
    cx.shrinker(shrinker).state.set(held, State { waiters, ..left });
    if last {
        for t in s.waiters.iter() {
            cx.wake(t);
        }
    }
}

/// What [`put`] touches.
pub(crate) fn put_footprint(v: View<'_>, shrinker: ObjId) -> Footprint {
    let waiters = v.world.shrinker(shrinker).state.0.waiters;
    waiters.iter().fold(Footprint::writes(shrinker), |f, t| f.write(ObjId::task(t)))
}

points! {
    /// Where an operation on a shrinker is.
    pub(crate) enum At {
        /// `shrinker_register()`.
        Register = "shrinker_register",
        /// `shrinker_free()`: nobody begins it any more.
        Free = "shrinker_free",
        /// `wait_for_completion(&shrinker->done)`.
        Freed = "shrinker_free: woken",
    }
}

functions! {
    /// A shrinker's functions.
    pub enum How begins at At {
        /// `shrinker_register()`.
        Register,
        /// `shrinker_free()`: nobody begins it any more.
        Free,
    }
}

/// An operation on a shrinker in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ShrinkerOp {
    pub(crate) at: At,
    pub(crate) shrinker: ObjId,
}

fields!(ShrinkerOp { at, shrinker });

impl ShrinkerOp {
    fn sleep<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, s: State) -> Flow {
        self.at = At::Freed;
        if s.running == 0 || cx.mutated(Mutant::FreeNoWait) {
            cx.set_running();
            return Flow::Done(Value::Word(0));
        }
        cx.set_sleeping(Patience::Forever);
        Flow::Sleep(self.shrinker, Patience::Forever)
    }
}

impl Protocol for ShrinkerOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (me, held) = (cx.me, cx.enter(self.shrinker));
        let mut s = cx.shrinker(self.shrinker).state.get(held);
        match self.at {
            At::Register if s.freed => cx.violate(Property::USE_AFTER_FREE, Some(self.shrinker)),
            // It would be on the list of shrinkers twice.
            At::Register if s.registered => {
                let form = Some(Form::SHRINKER_REGISTERED_TWICE);
                let v = cx.violation_of(Property::LIST_CORRUPTION);
                cx.note_violation(Violation { object: Some(self.shrinker), form, ..v });
            }
            At::Register => s.registered = true,
            At::Free if s.freed => cx.violate(Property::DOUBLE_FREE, Some(self.shrinker)),
            At::Free => {
                self.judge(cx);
                (s.registered, s.freed) = (false, true);
                if s.running > 0 {
                    s.waiters.insert(me);
                }
            }
            At::Freed => {}
        }
        cx.shrinker(self.shrinker).state.set(held, s);
        if self.at == At::Register { Flow::Done(Value::Word(0)) } else { self.sleep(cx, s) }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = Footprint::writes(self.shrinker);
        if self.at == At::Register { f } else { f.write(v.my_task()) }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if self.at == At::Free {
            cx.might_sleep(self.shrinker);
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
