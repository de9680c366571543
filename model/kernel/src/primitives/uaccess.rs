//! User memory: `copy_from_user()`, `copy_to_user()`, and their forms for atomic context.
//!
//! Whether the page is there does not matter for what is forbidden: `might_fault()` speaks for the address that faults.

use crate::{Cx, Errno, Flow, Footprint, Property, Runtime, Value, View, coder::fields, machine::Protocol, ww};

/// An access to user memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserAccess {
    /// With page faults disabled: it returns -EFAULT where it would have to fault.
    pub(crate) inatomic: bool,
}

fields!(UserAccess { inatomic });

impl UserAccess {
    /// Without a choice nobody else can tell that it happened.
    pub(crate) fn is_visible(&self) -> bool {
        self.inatomic
    }
}

impl Protocol for UserAccess {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.inatomic {
            let faults = cx.choose(2) == 1;
            return Flow::Done(if faults { Value::from(Errno::EFAULT) } else { Value::Word(0) });
        }
        cx.might_sleep(None);
        if let Some(resv) = ww::resv_held_by(cx.program, cx.world, cx.me) {
            cx.violate(Property::UserAccessUnderResv, Some(resv));
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, _v: View<'_>) -> Footprint {
        Footprint::NONE.ways(if self.inatomic { 2 } else { 1 })
    }

    fn label(&self) -> &'static str {
        if self.inatomic { "__copy_user_inatomic" } else { "copy_user" }
    }
}
