//! What is done after a grace period, of RCU and of each SRCU: functions called with an object, objects freed, threads
//! woken.

use crate::{
    Call, Code, Coder, Context, Cx, Footprint, Handle, ObjId, Rule, Runtime, Then, ThreadId, Value, View, Violation,
    fixed,
    ground::few::{Blank, Few},
    primitives::slab,
    program::CalleeId,
    property::Form,
};

/// Most callbacks queued or waiting at once.
const CAPACITY: usize = 7;

/// What is to be done after a grace period.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(in crate::primitives) struct Entry {
    /// The object to free, or the task of a thread to wake.
    pub(super) what: ObjId,
    /// The function to call with the object instead of freeing it: its id and one. Of a thread whether it waits for the
    /// callbacks before it (`rcu_barrier()`), too.
    pub(super) func: u8,
}

impl Entry {
    /// A thread that waits for the callbacks before it.
    pub(in crate::primitives) fn barrier(t: ThreadId) -> Entry {
        Entry { what: ObjId::task(t), func: 1 }
    }

    /// The thread that is woken.
    pub(in crate::primitives) fn thread(self) -> Option<ThreadId> {
        self.what.as_task()
    }

    /// Whether it is called, and nobody who waits.
    pub(in crate::primitives) fn is_called(self) -> bool {
        self.func > 0 && self.thread().is_none()
    }

    /// What it is called with, or who is woken.
    pub(in crate::primitives) fn what(self) -> ObjId {
        self.what
    }
}

impl Blank for Entry {
    const BLANK: Entry = Entry { what: ObjId::BLANK, func: 0 };
}

impl Code for Entry {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.what.code(c);
        c.byte(&mut self.func);
    }
}

/// Callbacks in their order: objects to free or to call a function with, threads to wake.
pub(in crate::primitives) type Callbacks = Few<Entry, CAPACITY>;

/// What `call_rcu()` puts on the list, and of an SRCU `call_srcu()`: unless the object is gone, or on a list already.
pub(in crate::primitives) fn entry<R: Runtime>(
    cx: &mut Cx<'_, R>,
    handle: Handle,
    func: CalleeId,
    srcu: Option<ObjId>,
) -> Option<Entry> {
    let obj = handle.obj;
    let entry = Entry { what: obj, func: func.0 + 1 };
    if !cx.program.is::<fixed::RcuHead>(obj) {
        return slab::check_alive(cx, handle).then_some(entry);
    }
    // debugobjects: "call_rcu(): Double-freed CB", "call_srcu(): Leaked duplicate callback".
    let twice = cx.rcu_head(obj).queue(true);
    if twice {
        let rule = Rule::RCU_HEAD_TWICE;
        let form = srcu.map(|_| Form::SRCU_HEAD_TWICE);
        let v = Violation { rule: Some(rule), object: Some(obj), form, ..cx.violation_of(rule.property()) };
        cx.note_violation(v);
    }
    (!twice).then_some(entry)
}

/// What [`entry`] touches.
pub(in crate::primitives) fn entry_footprint(v: View<'_>, obj: ObjId) -> Footprint {
    if v.program.is::<fixed::RcuHead>(obj) { Footprint::writes(obj) } else { Footprint::reads(obj) }
}

/// Which is done next: who waits for the grace period alone may be woken before any callback is called.
pub(super) fn next_at(waiting: &Callbacks) -> usize {
    waiting.iter().position(|e| e.thread().is_some() && e.func == 0).unwrap_or(0)
}

pub(super) fn next_of(waiting: &Callbacks) -> Option<Entry> {
    waiting.get(next_at(waiting)).copied()
}

/// A function is called with the object, or with the head inside of it, which is on no list any more.
pub(in crate::primitives) fn call<R: Runtime>(cx: &mut Cx<'_, R>, e: Entry, context: Context) -> Option<Call> {
    let callee = CalleeId(e.func.checked_sub(1)?);
    if cx.program.is::<fixed::RcuHead>(e.what) {
        cx.rcu_head(e.what).queue(false);
    }
    Some(Call { callee, args: [cx.refer(e.what), Value::Unset], context, then: Then::Resume })
}
