//! What a script does of itself: choices, failures on demand, and operands that cannot be used.

use crate::protocol::Protocol;
use crate::{
    Cx, Flow, Footprint, MAX_LOCALS, ObjId, Operand, Property, Rule, Runtime, Value, View, program::PoolRange,
};

/// An operand that cannot be used: the violation is reported as the operation's only step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fault {
    pub(super) property: u8,
    pub(super) object: ObjId,
    /// The rule that it breaks, and one; 0 if the property is all that there is to say.
    pub(super) rule: u8,
}

crate::coder::fields!(Fault { property, object, rule });

impl Fault {
    /// What a decoder fills in.
    pub(crate) const BLANK: Fault = Fault { property: 0, object: ObjId::object(0), rule: 0 };
}

impl Fault {
    pub(crate) fn new(property: Property, object: Option<ObjId>) -> Fault {
        Fault { property: property.number(), object: object.unwrap_or(ObjId::NONE), rule: 0 }
    }

    /// A broken rule of its property.
    pub(crate) fn of_rule(rule: Rule) -> Fault {
        Fault { rule: rule.number() + 1, ..Fault::new(rule.property(), None) }
    }
}

impl Protocol for Fault {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let object = (self.object != ObjId::NONE).then_some(self.object);
        match self.rule.checked_sub(1) {
            Some(rule) => cx.violate_rule(Rule::ALL[usize::from(rule)], object),
            None => cx.violate(Property::ALL[usize::from(self.property)], object),
        }
        Flow::Done(Value::Unset)
    }
    fn footprint(&self, v: View<'_>) -> Footprint {
        Footprint::reads(v.my_task())
    }
    fn label(&self) -> &'static str {
        "bad operand"
    }
    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        self.clone().step(cx);
    }
}

/// `choose`, and the decision of a `may-fail`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Choose {
    pub(super) of: PoolRange,
    pub(super) ways: u8,
    /// Deciding whether the instruction's operation fails, instead of picking from the pool.
    pub(super) may_fail: bool,
}

crate::coder::fields!(Choose { of, ways, may_fail });

impl Choose {
    /// What a decoder fills in.
    pub(crate) const BLANK: Choose = Choose { of: PoolRange { start: 0, len: 0 }, ways: 1, may_fail: false };
}

impl Protocol for Choose {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let pick = cx.choose(self.ways);
        if self.may_fail {
            return Flow::Done(Value::Word(i32::from(pick)));
        }
        match cx.program.pool_range(self.of)[usize::from(pick)] {
            Operand::Const(v) => Flow::Done(v),
            other => Flow::Done(other.value(&[Value::Unset; MAX_LOCALS])),
        }
    }
    fn footprint(&self, _v: View<'_>) -> Footprint {
        Footprint::NONE.ways(self.ways)
    }
    fn label(&self) -> &'static str {
        if self.may_fail { "may fail" } else { "choose" }
    }
}

/// An injected failure: nothing happens, and the error is returned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fail {
    pub(super) error: Value,
}

crate::coder::fields!(Fail { error });

impl Fail {
    /// What a decoder fills in.
    pub(crate) const BLANK: Fail = Fail { error: Value::Unset };
}

impl Protocol for Fail {
    fn step<R: Runtime>(&mut self, _cx: &mut Cx<'_, R>) -> Flow {
        Flow::Done(self.error)
    }
    fn footprint(&self, v: View<'_>) -> Footprint {
        // A step of its own, so that a trace shows it.
        Footprint::reads(v.my_task())
    }
    fn label(&self) -> &'static str {
        "injected failure"
    }
}

/// What the kernel's function does with NULL, where it looks first: nothing (`kfree(NULL)`, `dma_fence_put(NULL)`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Nothing {
    pub(crate) result: Value,
}

crate::coder::fields!(Nothing { result });

impl Nothing {
    /// What a decoder fills in.
    pub(crate) const BLANK: Nothing = Nothing { result: Value::Unset };
}

impl Protocol for Nothing {
    fn step<R: Runtime>(&mut self, _cx: &mut Cx<'_, R>) -> Flow {
        Flow::Done(self.result)
    }
    fn footprint(&self, _v: View<'_>) -> Footprint {
        Footprint::NONE
    }
    fn label(&self) -> &'static str {
        "NULL: nothing"
    }
    fn is_visible(&self) -> bool {
        false
    }
    fn is_only_current(&self) -> bool {
        true
    }
}
