//! The address of what is inside of an object, and back: `&b->lock`, `container_of()`. Arithmetic on a pointer, which
//! touches no memory.

use crate::{Code, Coder, Cx, Flow, Footprint, Handle, Runtime, Value, View, protocol::Protocol};

/// An address that is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Address {
    /// What comes out; NULL for who asked for a container that is none.
    pub(crate) of: Option<Handle>,
    /// It is what a member is inside of.
    pub(crate) container: bool,
}

impl Code for Address {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.of.code(c);
        c.flag(&mut self.container);
    }
}

impl Address {
    pub(crate) const BLANK: Address = Address { of: None, container: false };
    pub(crate) const NOWHERE: Address = Address { of: None, container: true };
}

impl Protocol for Address {
    fn step<R: Runtime>(&mut self, _cx: &mut Cx<'_, R>) -> Flow {
        Flow::Done(self.of.map_or(Value::Null, Value::Ref))
    }

    fn footprint(&self, _v: View<'_>) -> Footprint {
        Footprint::NONE
    }

    fn label(&self) -> &'static str {
        if self.container { "container_of" } else { "address" }
    }

    fn is_visible(&self) -> bool {
        false
    }

    fn is_only_current(&self) -> bool {
        true
    }
}
