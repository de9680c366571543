//! A bare `refcount_t`.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    Call, Code, Coder, Context, Cx, Flow, Footprint, ObjId, Plain, Property, Runtime, Then, Value, View,
    coder::{fields, points},
    counted::{Counted, Dropped},
    facet::{Facet, FacetSink},
    ids::CalleeId,
    protocol::Protocol,
    shared::{Shared, renewed},
};

/// A bare `refcount_t`.
#[derive(Clone)]
pub struct Refcount<R: Runtime> {
    pub(crate) refs: Counted<R>,
}

impl Copy for Refcount<Plain> {}

impl<R: Runtime> Refcount<R> {
    pub(crate) fn new(init: u8) -> Self {
        Refcount { refs: Counted::new(u16::from(init)) }
    }
}

impl<R: Runtime> Shared<R> for Refcount<R> {
    renewed!(Refcount { refs: counted });

    const IS_BARE: bool = true;

    fn facets(&self, sink: FacetSink<'_>) {
        sink("refs", Facet::Word(i32::from(self.refs.count())));
    }

    fn refs(&self) -> Option<&Counted<R>> {
        Some(&self.refs)
    }

    fn refs_mut(&mut self) -> Option<&mut Counted<R>> {
        Some(&mut self.refs)
    }
}

impl Code for Refcount<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.refs.code(c);
    }
}

points! {
    /// What is done with a count; each is one step.
    pub enum How {
        /// `refcount_inc()`.
        Get = "refcount_inc",
        /// `refcount_inc_not_zero()`: 1 or 0.
        GetUnlessZero = "refcount_inc_not_zero",
        /// `refcount_dec_and_test()`: 1 if it was the last.
        Put = "refcount_dec_and_test",
    }
}

/// One operation on a bare `refcount_t`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count {
    pub(crate) how: How,
    pub(crate) count: ObjId,
    /// It was named.
    pub(crate) named: bool,
    /// What the last `kref_put()` calls with it.
    pub(crate) release: Option<CalleeId>,
}

fields!(Count { how, count, named, release });

impl Count {
    fn last_put<R: Runtime>(self, cx: &mut Cx<'_, R>) -> Flow {
        let (then, args) = (Then::Done(Value::Word(1)), [cx.refer(self.count), Value::Unset]);
        let call = |callee| Flow::Call(Call { callee, args, context: Context::Caller, then });
        self.release.map_or(Flow::Done(Value::Word(1)), call)
    }
}

impl Protocol for Count {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let (me, id) = (cx.me, self.count);
        let gets_any = cx.mutated(Mutant::GetUnlessZeroGets);
        let (gets_none, never_last) = (cx.mutated(Mutant::GetNothing), cx.mutated(Mutant::PutNotLast));
        let own = self.named && me == cx.program.main_thread() && cx.program.declared_refs(id) > 0;
        let refs = &mut cx.refcount(id).refs;
        let result = match self.how {
            How::Get if gets_none => 0,
            How::Get => {
                if !refs.get(me) {
                    cx.violate(Property::REFCOUNT_FROM_ZERO, Some(id));
                }
                0
            }
            How::GetUnlessZero if gets_any => {
                refs.get(me);
                1
            }
            How::GetUnlessZero => i32::from(refs.get_unless_zero(me)),
            How::Put => {
                let dropped = if own { refs.put_declared(me) } else { refs.put(me) };
                match cx.dropped(dropped) {
                    Dropped::More => 0,
                    Dropped::Last if self.release.is_some() && !never_last => return self.last_put(cx),
                    Dropped::Last => i32::from(!never_last),
                    Dropped::Underflow => {
                        cx.violate(Property::REFCOUNT_UNDERFLOW, Some(id));
                        0
                    }
                }
            }
        };
        if cx.refcount(id).refs.overflows() {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(id));
        }
        Flow::Done(Value::Word(result))
    }

    fn footprint(&self, _v: View<'_>) -> Footprint {
        Footprint::writes(self.count)
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }
}
