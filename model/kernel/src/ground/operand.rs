//! What an operation of a script is given: objects, locals, constants, words.

use crate::{Code, Coder, Handle, LocalId, ObjId, Value, ids::FieldName};

/// Something that an operation works on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operand {
    /// A declared object.
    Object(ObjId),
    /// Whatever a local holds.
    Local(LocalId),
    /// A constant.
    Const(Value),
    /// What is inside of the object that a local refers to: `&b->lock`, an address that is computed from the local.
    Member {
        /// The local.
        base: LocalId,
        /// The path of the member.
        path: FieldName,
    },
}

/// The slots whose members an operation works on, as of which generation.
pub(crate) type Met = [Option<Handle>; 4];

/// A word that an operation reads or writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// A variable.
    Var(ObjId),
    /// An element of an array.
    Element {
        /// Element 0.
        first: ObjId,
        /// How many there are.
        len: u16,
        /// Which one.
        index: Operand,
    },
    /// A field of the object that `base` refers to.
    Field {
        /// The reference.
        base: Operand,
        /// The field.
        field: FieldName,
    },
    /// An element of an array in the object that `base` refers to.
    FieldElement {
        /// The reference.
        base: Operand,
        /// The array.
        field: FieldName,
        /// Which one.
        index: Operand,
    },
    /// The word whose address `pointer` is: `*p`.
    Behind {
        /// The address.
        pointer: Operand,
    },
}

/// A range of a program's pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PoolRange {
    /// First element.
    pub start: u16,
    /// How many.
    pub len: u8,
}

impl Code for PoolRange {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.small(&mut self.start);
        c.byte(&mut self.len);
    }
}

impl Operand {
    /// The local that it is read from.
    pub fn local(self) -> Option<LocalId> {
        match self {
            Operand::Local(l) | Operand::Member { base: l, .. } => Some(l),
            Operand::Object(_) | Operand::Const(_) => None,
        }
    }

    /// The value of the operand, given the thread's locals; of a member that of its base.
    pub(crate) fn value(self, locals: &[Value]) -> Value {
        match self {
            Operand::Object(obj) => Value::Ref(Handle { obj, generation: 0 }),
            Operand::Local(l) | Operand::Member { base: l, .. } => locals[usize::from(l.0)],
            Operand::Const(v) => v,
        }
    }
}

impl Place {
    /// What says besides which element it is.
    pub(crate) fn index(self) -> Option<Operand> {
        if let Place::FieldElement { index, .. } = self { Some(index) } else { None }
    }

    /// The operand that says which word it is.
    pub(crate) fn base(self) -> Option<Operand> {
        match self {
            Place::Var(_) => None,
            Place::Element { index, .. } => Some(index),
            Place::Field { base, .. } | Place::FieldElement { base, .. } => Some(base),
            Place::Behind { pointer } => Some(pointer),
        }
    }
}
