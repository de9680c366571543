//! What is inside of what: a struct's objects have locks, fences and other structs as members.

use super::{FieldName, Program, StructDecl};
use crate::{ObjId, fixed};

impl Program {
    /// Whether some struct has anything inside besides words. Nobody else pays for it.
    #[inline]
    pub fn has_members(&self) -> bool {
        !self.inside.is_empty()
    }

    /// The slot that an object is inside of, the outermost if it is inside of several.
    pub fn root_of(&self, id: ObjId) -> Option<ObjId> {
        self.inside.get(id.as_object()?).copied().flatten()
    }

    /// Everything inside of a slot, whatever it is inside of there.
    pub(crate) fn inside_of(&self, slot: ObjId) -> impl Iterator<Item = ObjId> + use<> {
        let (first, each) = self.struct_of(slot).filter(|s| s.members.each > 0).map_or((0, 0), |s| s.inside_of(slot));
        (first..first + each).map(ObjId::object)
    }

    /// The member of that path of the object in a slot; `None` if its struct has none.
    pub fn member(&self, slot: ObjId, path: FieldName) -> Option<ObjId> {
        let of = self.struct_of(slot)?;
        let (_, at) = of.members.named.iter().find(|(name, _)| *name == path)?;
        Some(ObjId::object(of.inside_of(slot).0 + usize::from(*at)))
    }

    /// The object of a struct that a member of that path is inside of.
    pub fn container_of(&self, member: ObjId, path: FieldName) -> Option<ObjId> {
        let slots = self.ids().filter(|id| self.is::<fixed::Slot>(*id));
        slots.into_iter().find(|slot| self.member(*slot, path) == Some(member))
    }
}

impl StructDecl {
    /// The first object inside of a slot of this struct, and how many there are.
    fn inside_of(&self, slot: ObjId) -> (usize, usize) {
        let each = usize::from(self.members.each);
        let at = usize::from(slot.number()).saturating_sub(usize::from(self.slots.start));
        (usize::from(self.members.first.number()) + at * each, each)
    }
}
