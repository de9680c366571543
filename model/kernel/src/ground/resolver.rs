//! How the operands of an operation become what it works on.

use super::operand::{Met, Operand, Place};
use crate::{Handle, Kind, ObjId, Op, Program, Property, Value, machine::Fault};

/// Turns operands into objects, as the CPU finds them in its registers.
pub(crate) struct Resolver<'a> {
    pub(crate) program: &'a Program,
    pub(crate) locals: &'a [Value],
}

pub(crate) type Resolved<T> = Result<T, Fault>;

impl Resolver<'_> {
    pub(crate) fn handle(&self, o: Operand) -> Resolved<Handle> {
        match o.value(self.locals) {
            Value::Ref(h) => self.member(h, o),
            Value::Null => Err(Fault::new(Property::NULL_DEREFERENCE, None)),
            Value::Unset => Err(Fault::new(Property::UNSET_READ, None)),
            Value::Word(w) if crate::expr::is_err(w) => Err(Fault::new(Property::ERROR_POINTER, None)),
            Value::Word(_) | Value::Wide(_) | Value::Cursor(_) | Value::Unwrap(_) => {
                Err(Fault::new(Property::WRONG_KIND, None))
            }
        }
    }

    /// What is inside of an object, if the operand is a member: its address is that of the object and a distance.
    fn member(&self, base: Handle, o: Operand) -> Resolved<Handle> {
        let Operand::Member { path, .. } = o else { return Ok(base) };
        let wrong = Fault::new(Property::WRONG_KIND, Some(base.obj));
        let obj = self.program.member(base.obj, path).ok_or(wrong)?;
        // What is inside of another lives as long as that.
        Ok(Handle { obj, ..base })
    }

    /// By which slots an operation finds the members that it works on.
    pub(crate) fn met(&self, op: Op) -> Met {
        op.row().operands.map(|o| self.met_by(o?))
    }

    /// The slot by which an operand finds what is inside of it, if that is a member.
    pub(crate) fn met_by(&self, o: Operand) -> Option<Handle> {
        let Value::Ref(h) = o.value(self.locals) else { return None };
        match self.program.root_of(h.obj) {
            Some(obj) => Some(Handle { obj, ..h }),
            None => matches!(o, Operand::Member { .. }).then_some(h),
        }
    }

    /// The word of a place, and the slot that must be alive when it is accessed.
    pub(crate) fn place(&self, p: Place) -> Resolved<(ObjId, Option<Handle>)> {
        match p {
            Place::Var(id) => Ok((id, None)),
            Place::Element { first, len, index } => {
                let at = self.value(index)?.integer().ok_or(Fault::new(Property::WRONG_KIND, None))?;
                match usize::try_from(at) {
                    Ok(i) if i < usize::from(len) => Ok((first.offset(i), None)),
                    _ => Err(Fault::new(Property::OUT_OF_BOUNDS, Some(first))),
                }
            }
            Place::Field { base, field } => {
                let h = self.slot(base)?;
                match self.program.field_var(h.obj, field) {
                    Some(var) => Ok((var, Some(h))),
                    None => Err(Fault::new(Property::WRONG_KIND, Some(h.obj))),
                }
            }
            Place::FieldElement { base, field, index } => {
                let h = self.slot(base)?;
                let wrong = Fault::new(Property::WRONG_KIND, Some(h.obj));
                let at = self.value(index)?.integer().ok_or(wrong)?;
                let elements = self.program.elements(h.obj, field).ok_or(wrong)?;
                let outside = Fault::new(Property::OUT_OF_BOUNDS, Some(elements.0));
                let at = usize::try_from(at).ok().filter(|at| *at < elements.1).ok_or(outside)?;
                Ok((elements.0.offset(at), Some(h)))
            }
            Place::Behind { pointer } => {
                let h = self.handle(pointer)?;
                h.obj.as_var().ok_or(Fault::new(Property::WRONG_KIND, Some(h.obj)))?;
                Ok((h.obj, self.program.slot_of(h.obj).map(|obj| Handle { obj, ..h })))
            }
        }
    }

    /// All words of an array.
    pub(crate) fn words(&self, p: Place) -> Resolved<(ObjId, u8)> {
        match p {
            // No operation takes as many as a byte could not count.
            Place::Element { first, len, .. } => Ok((first, u8::try_from(len).unwrap_or(u8::MAX))),
            Place::Var(_) | Place::Field { .. } | Place::FieldElement { .. } | Place::Behind { .. } => {
                self.place(p).map(|(word, _)| (word, 1))
            }
        }
    }

    pub(crate) fn value(&self, o: Operand) -> Resolved<Value> {
        match o.value(self.locals) {
            Value::Unset => Err(Fault::new(Property::UNSET_READ, None)),
            Value::Ref(h) => self.member(h, o).map(Value::Ref),
            _ if matches!(o, Operand::Member { .. }) => self.handle(o).map(Value::Ref),
            v => Ok(v),
        }
    }

    /// What an object is, as a scenario's author knows it.
    pub(crate) fn kind(&self, id: ObjId) -> Option<Kind> {
        // The address of a word is that of no object.
        self.program.objects.get(id.index()).and_then(|object| Kind::of(&object.kind))
    }

    /// The object of an operand, which must be of that kind.
    pub(crate) fn of_kind(&self, o: Operand, kind: Kind) -> Resolved<ObjId> {
        self.of_kinds(o, &[kind])
    }

    /// The object of an operand, which must be of one of these kinds.
    pub(crate) fn of_kinds(&self, o: Operand, kinds: &[Kind]) -> Resolved<ObjId> {
        let h = self.handle(o)?;
        match self.kind(h.obj) {
            Some(kind) if kinds.contains(&kind) => Ok(h.obj),
            _ => Err(Fault::new(Property::WRONG_KIND, Some(h.obj))),
        }
    }

    /// The same, or NULL.
    pub(crate) fn or_null(&self, o: Operand, kind: Kind) -> Resolved<Option<ObjId>> {
        match self.value(o)? {
            Value::Null | Value::Word(0) => Ok(None),
            _ => self.of_kind(o, kind).map(Some),
        }
    }

    /// A number of any width.
    pub(crate) fn number(&self, o: Operand) -> Resolved<Value> {
        let number = self.value(o)?.integer().ok_or(Fault::new(Property::WRONG_KIND, None))?;
        Value::of(number).ok_or(Fault::new(Property::CAPACITY_EXCEEDED, None))
    }

    pub(crate) fn word(&self, o: Operand) -> Resolved<i32> {
        let value = self.value(o)?;
        // A number that is wider than what the operation counts with is none of the scenario's mistakes.
        let wrong = if value.integer().is_some() { Property::CAPACITY_EXCEEDED } else { Property::WRONG_KIND };
        value.word().ok_or(Fault::new(wrong, None))
    }

    /// The slot of a slab that an operand refers to, as of which generation.
    pub(crate) fn slot(&self, o: Operand) -> Resolved<Handle> {
        self.of_kind(o, Kind::Struct)?;
        self.handle(o)
    }
}
