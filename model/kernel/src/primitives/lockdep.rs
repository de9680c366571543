//! What lockdep is asked in so many words: `lockdep_assert_held()`, `lockdep_assert_not_held()`, `might_sleep()`,
//! `might_lock()`.
//!
//! Whether a thread holds a lock nobody else can change, so none of these is a step.

pub(crate) mod idioms;
mod named;
pub mod ops;
pub(crate) mod rules;

pub use named::Named;

use crate::{
    Cx, Flow, Footprint, Handle, ObjId, Property, Rule, Runtime, Value, View, Violation,
    coder::{fields, points},
    property::Form,
    protocol::Protocol,
};

points! {
    /// What is asked.
    pub enum How {
        /// `lockdep_assert_held()`: current holds it, however.
        Held = "lockdep_assert_held",
        /// `lockdep_assert_held_write()`: current holds it, and nobody else does.
        HeldWrite = "lockdep_assert_held_write",
        /// `lockdep_assert_not_held()`.
        NotHeld = "lockdep_assert_not_held",
        /// `might_sleep()`.
        MightSleep = "might_sleep",
        /// `might_lock()`: it may be waited for here, whether it is this time or not.
        MightLock = "might_lock",
    }
}

points! {
    /// Who says it.
    pub enum Said {
        /// The code where it stands.
        There = "there",
        /// A function, of its returns.
        OnReturn = "on-return",
        /// A slot of a table, of who calls it.
        Slot = "ops-type",
        /// The same, of who fills it.
        Filler = "ops-type: returned",
    }
}

/// One question.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lockdep {
    how: How,
    /// The lock, if it is about one. A promise may be about one that nothing led to.
    lock: Option<ObjId>,
    /// What the lock was inside of when it was named.
    inside: Option<Handle>,
    /// Who waits for the lock sleeps.
    sleeps: bool,
    /// Who says it.
    said: Said,
}

fields!(Lockdep { how, lock, inside, sleeps, said });

impl Lockdep {
    pub(crate) const BLANK: Lockdep =
        Lockdep { how: How::MightSleep, lock: None, inside: None, sleeps: true, said: Said::There };

    fn ask<R: Runtime>(self, cx: &mut Cx<'_, R>) {
        let Some(lock) = self.lock else { return self.of_nothing(cx) };
        let held = cx.world.is_held_by(lock, cx.me) && self.is_there(cx);
        let (wrong, rule) = match self.how {
            How::Held => (!held, Rule::SAID_HELD),
            How::HeldWrite => (!(held && cx.world.is_held_alone(lock, cx.me)), Rule::SAID_HELD),
            How::NotHeld => (held, Rule::SAID_NOT_HELD),
            How::MightSleep | How::MightLock => return self.might_lock(lock, held, cx),
        };
        match self.said {
            _ if !wrong => {}
            Said::There => cx.violate_rule(rule, Some(lock)),
            Said::OnReturn => cx.violate(Property::ON_RETURN, Some(lock)),
            Said::Slot => cx.violate_rule(Rule::SLOT_CALLED, Some(lock)),
            Said::Filler => cx.violate_rule(Rule::SLOT_RETURNED, Some(lock)),
        }
    }

    /// Whether what was named is still what is there. Who holds a lock keeps what it is inside of: nobody else decides
    /// that.
    fn is_there<R: Runtime>(self, cx: &Cx<'_, R>) -> bool {
        self.inside.is_none_or(|at| cx.world.generation_of(at.obj) == at.generation)
    }

    /// No lock: the question is none about one, or nothing led to it when it was named.
    fn of_nothing<R: Runtime>(self, cx: &mut Cx<'_, R>) {
        match self.said {
            Said::OnReturn => {
                let v = cx.violation_of(Property::ON_RETURN);
                cx.note_violation(Violation { form: Some(Form::NAMED_NOTHING), ..v });
            }
            Said::There | Said::Slot | Said::Filler => cx.might_sleep(None),
        }
    }

    fn might_lock<R: Runtime>(self, lock: ObjId, held: bool, cx: &mut Cx<'_, R>) {
        if held {
            return cx.violate(Property::SELF_DEADLOCK, Some(lock));
        }
        if self.sleeps {
            cx.might_sleep(lock);
        }
        cx.about_to_lock(lock);
    }
}

impl Protocol for Lockdep {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        // It looks at what the thread itself has, and so touches nothing of others.
        let touched = cx.touched;
        self.ask(cx);
        cx.touched = touched;
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, _v: View<'_>) -> Footprint {
        Footprint::NONE
    }

    fn label(&self) -> &'static str {
        self.how.label()
    }

    fn is_visible(&self) -> bool {
        false
    }

    fn is_only_current(&self) -> bool {
        true
    }
}
