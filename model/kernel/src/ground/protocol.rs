//! What a machine is: an enum of program points with the registers it needs, that takes one visible step at a time.

use crate::{Code, Cx, Flow, Footprint, LocalId, ObjId, Plain, Runtime, Value, View, World};

/// What every machine of a protocol is: an enum of program points with the registers it needs.
///
/// What a machine does not say of itself is what nearly all of them do: no choice, visible, held back by nothing.
pub(crate) trait Protocol: Copy + Code {
    /// Whether a step of it may go several ways. Only then is its footprint asked how many; debug builds hold every step's
    /// footprint against that.
    const CHOOSES: bool = false;
    /// Whether [`Protocol::is_held_back`] may ever say so.
    const HOLDS_BACK: bool = false;

    /// Takes one step: what no other CPU can see the middle of.
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow;
    /// What the next step touches.
    fn footprint(&self, v: View<'_>) -> Footprint;
    /// What the next step does, in the kernel's words.
    fn label(&self) -> &'static str;
    /// The object whose spinlock the next step takes: while another thread holds it, the step is disabled.
    fn spins_on(&self) -> Option<ObjId> {
        None
    }
    /// Whether the next step is disabled for another reason; whatever that looks at is in the footprint.
    fn is_held_back(&self, _v: View<'_>) -> bool {
        false
    }
    /// Whether its thread has nothing to do until somebody else lets it, and is over if nobody does: an interrupt whose line
    /// is disabled.
    fn is_shut_out(&self, _world: &World<Plain>) -> bool {
        false
    }
    /// Whether anybody else can see the operation. One that nobody can is taken whole with the step before it.
    fn is_visible(&self) -> bool {
        true
    }
    /// A local that the finished operation changes besides the one that takes its result.
    fn write_back(&self) -> Option<(LocalId, Value)> {
        None
    }
    /// What it called has returned this.
    fn returned(&mut self, _value: Value) {}
    /// What the kernel asks of its caller before the operation could fail: an injected failure skips none of it. Looks at
    /// nothing but what the thread itself changes.
    fn judge<R: Runtime>(&self, _cx: &mut Cx<'_, R>) {}
}
