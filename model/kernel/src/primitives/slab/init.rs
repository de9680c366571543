//! The init functions, where they are called at run time: `mutex_init()`, `INIT_LIST_HEAD()`, `INIT_WORK()`,
//! `kref_init()`.
//!
//! Whoever initialises what others use takes it away under their hands: a lock that is held is free, a list loses its
//! entries, an item that is queued is on a queue that leads into it. What nobody has initialised yet, nobody uses.

use super::{members, raw};
use crate::{
    Code, Coder, Cx, Flow, Footprint, Handle, Held, ObjId, Order, Property, Runtime, Value, View, Violation,
    coder::points,
    counted::Owns,
    fixed,
    ground::{functions::functions, ids::CalleeId},
    property::Form,
    protocol::Protocol,
    runtime::{AtomicCell, NoteCell},
    shared::Lost,
};

points! {
    /// What is initialised.
    pub(crate) enum At {
        /// A lock, a list, a queue, a completion, a reservation, and what else has such a function.
        Init = "init",
        /// `INIT_WORK()`, `timer_setup()`: with its function.
        Function = "init with a function",
        /// `kref_init()`, `refcount_set()`.
        Count = "kref_init",
    }
}

functions! {
    /// The init functions.
    pub enum How begins at At {
        /// Of what is no count and calls nothing.
        Init,
        /// Of a work item or a timer.
        Function,
        /// Of a count.
        Count,
    }
}

/// An init function about to be called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InitOp {
    at: At,
    /// What it is called with.
    what: Handle,
    /// The function of an item or a timer, if it is given one.
    func: Option<CalleeId>,
    /// The references that a count begins with.
    count: u8,
}

impl Code for InitOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.at.code(c);
        self.what.code(c);
        self.func.code(c);
        c.byte(&mut self.count);
    }
}

impl InitOp {
    pub(crate) const BLANK: InitOp = InitOp { at: At::Init, what: Handle::NONE, func: None, count: 0 };

    /// An operation about to start.
    pub(super) fn new(how: How, what: Handle, func: Option<CalleeId>, count: u8) -> InitOp {
        InitOp { at: how.begins(), what, func, count }
    }

    /// What it is made of that has a state: a reservation and an xarray have a lock.
    fn parts(&self, program: &crate::Program) -> [Option<ObjId>; 2] {
        let obj = self.what.obj;
        let lock = program.fixed::<fixed::Xarray>(obj).map(|xa| xa.lock).or(program.kind(obj).lock());
        [Some(obj), lock]
    }

    fn init<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let program = cx.program;
        for part in self.parts(program).into_iter().flatten() {
            super::made_anew(cx, part);
            let was_raw = raw::initialise(cx, part);
            cx.touch(part);
            if was_raw {
                continue;
            }
            check_unused(cx, part, Form::INIT_IN_USE);
            if cx.violation.is_some() {
                return;
            }
            // That it runs is the pool's knowledge, which the item does not have.
            if cx.world.object(part).runner().is_none() {
                members::renew(cx, part);
            }
        }
        clear_entries(cx, self.what.obj);
        if let Some(func) = self.func {
            cx.world.object_mut(self.what.obj).set_function(func, Held(program.gate_of(self.what.obj)));
        }
    }

    /// Who initialises a count has its references.
    fn init_count<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let (obj, me) = (self.what.obj, cx.me);
        let is_slot = cx.program.is::<fixed::Slot>(obj);
        if is_slot && !super::check_alive(cx, self.what) {
            return;
        }
        let was_raw = raw::initialise(cx, obj);
        cx.touch(obj);
        let Some(refs) = cx.world.object_mut(obj).refs_mut() else { return };
        if !was_raw && refs.count() != 0 {
            tell(cx, obj, None, Form::INIT_COUNTED);
            return;
        }
        refs.reset(u16::from(self.count));
        refs.book(me, self.count as i8);
    }
}

/// `xa_init()`: no entry.
pub(super) fn clear_entries<R: Runtime>(cx: &mut Cx<'_, R>, xarray: ObjId) {
    let Some(xa) = cx.program.fixed::<fixed::Xarray>(xarray).copied() else { return };
    for word in entries(&xa) {
        cx.touch(word);
        let entry = cx.world.var_mut(word);
        entry.cell.store(Value::Null, Order::Relaxed);
        entry.owns.set(Owns::Nothing);
    }
}

/// The words of an xarray's entries.
pub(super) fn entries(xa: &fixed::Xarray) -> impl Iterator<Item = ObjId> + use<> {
    let (first, len) = (xa.entries, u16::from(xa.len));
    (0..len).map(move |at| first.offset(usize::from(at)))
}

/// Tells it if what is written over is in use; without a form of its own, `other` tells it.
pub(super) fn check_unused<R: Runtime>(cx: &mut Cx<'_, R>, part: ObjId, other: Form) {
    // Where threads really run at once: nobody else is in the middle of it until the step is over.
    cx.rt.enter(cx.program.gate_of(part));
    let Some(Lost { form, by, .. }) = members::lost(cx, part) else { return };
    let own = match form {
        _ if other != Form::INIT_IN_USE => other,
        Form::FREED_HELD if by == Some(cx.me) => Form::INIT_OWN,
        Form::FREED_HELD => Form::INIT_HELD,
        Form::FREED_WAITED_FOR => Form::INIT_WAITED_FOR,
        Form::FREED_NOT_EMPTY | Form::FREED_ENTRIES => Form::INIT_NOT_EMPTY,
        Form::FREED_PENDING | Form::FREED_ARMED => Form::INIT_PENDING,
        Form::FREED_TIMER_ARMED => Form::INIT_ARMED,
        Form::FREED_IRQ_WORK => Form::INIT_IRQ_WORK,
        _ => other,
    };
    tell(cx, part, by, own);
}

pub(super) fn tell<R: Runtime>(cx: &mut Cx<'_, R>, part: ObjId, by: Option<crate::ThreadId>, form: Form) {
    let v = cx.violation_of(Property::INITIALISED_IN_USE);
    let object = Some(cx.program.named_by(part));
    cx.note_violation(Violation { object, other: by, form: Some(form), ..v });
}

impl Protocol for InitOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Count => self.init_count(cx),
            At::Init | At::Function => self.init(cx),
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let f = raw::footprint(v, self.what.obj, Footprint::writes(self.what.obj));
        let [_, lock] = self.parts(v.program);
        let words = v.program.fixed::<fixed::Xarray>(self.what.obj).into_iter().flat_map(entries);
        words.fold(f.write_opt(lock), Footprint::write)
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
