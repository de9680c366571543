//! What a step reads and writes: the basis of every reduction, and of the debug checks that keep it honest.

use crate::ids::ObjId;

/// A set of objects, variables and tasks, by their short numbers (`ObjId::short`).
///
/// It is exact while a program is not large. In a large one several objects and words share a place, and the set holds
/// all of them or none: two steps may then seem to meet that do not, which costs time and is sound. Tasks have places
/// of their own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct ObjSet([u64; 4]);

impl ObjSet {
    const EMPTY: ObjSet = ObjSet([0; 4]);

    /// Adds a member.
    pub fn insert(&mut self, o: ObjId) {
        let at = o.short();
        self.0[usize::from(at / 64)] |= 1 << (at % 64);
    }

    /// Whether the object may be a member.
    pub fn contains(self, o: ObjId) -> bool {
        let at = o.short();
        self.0[usize::from(at / 64)] >> (at % 64) & 1 == 1
    }

    /// Whether there is no member.
    pub fn is_empty(self) -> bool {
        self == ObjSet::EMPTY
    }

    /// Whether two sets have a member in common.
    pub fn meets(self, other: ObjSet) -> bool {
        let mut both = 0;
        self.0.iter().zip(other.0).for_each(|(a, b)| both |= a & b);
        both != 0
    }

    /// What is in either.
    #[must_use]
    pub fn and(mut self, other: ObjSet) -> ObjSet {
        self.0.iter_mut().zip(other.0).for_each(|(a, b)| *a |= b);
        self
    }

    /// The short numbers of the members, lowest first.
    #[inline]
    pub(crate) fn each(self, mut what: impl FnMut(u8)) {
        for (at, mut rest) in (0..).zip(self.0) {
            while rest != 0 {
                what(at * 64 + rest.trailing_zeros() as u8);
                rest &= rest - 1;
            }
        }
    }
}

/// The footprint of one step: what it reads, what it writes, and how many ways it can go.
///
/// Whatever the computation of a footprint itself looks at belongs to it as a read. Too large a footprint costs time,
/// too small a one is unsound; debug builds check every step against the one it declared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Footprint {
    /// Read but not written.
    pub reads: ObjSet,
    /// Written (and perhaps read).
    pub writes: ObjSet,
    /// How many ways the step's one `choose` can go; 1 without a choice.
    pub ways: u8,
}

impl Footprint {
    /// Touches nothing: a private decision.
    pub const NONE: Footprint = Footprint { reads: ObjSet::EMPTY, writes: ObjSet::EMPTY, ways: 1 };

    /// A step that writes one object.
    pub fn writes(o: ObjId) -> Footprint {
        Footprint::NONE.write(o)
    }

    /// A step that reads one object.
    pub fn reads(o: ObjId) -> Footprint {
        Footprint::NONE.read(o)
    }

    /// Adds a write.
    #[must_use]
    pub fn write(mut self, o: ObjId) -> Footprint {
        self.writes.insert(o);
        self
    }

    /// Adds a write, if there is an object.
    #[must_use]
    pub fn write_opt(self, o: Option<ObjId>) -> Footprint {
        match o {
            Some(o) => self.write(o),
            None => self,
        }
    }

    /// Adds a read.
    #[must_use]
    pub fn read(mut self, o: ObjId) -> Footprint {
        self.reads.insert(o);
        self
    }

    /// What two parts of a step touch.
    #[must_use]
    pub fn and(mut self, other: Footprint) -> Footprint {
        self.reads = self.reads.and(other.reads);
        self.writes = self.writes.and(other.writes);
        self.ways = self.ways.max(other.ways);
        self
    }

    /// Declares a choice among `n`.
    #[must_use]
    pub fn ways(mut self, n: u8) -> Footprint {
        self.ways = n;
        self
    }

    /// Whether nothing is touched and nothing chosen: such a step is merged into the one before it.
    pub fn is_private(self) -> bool {
        self.reads.is_empty() && self.writes.is_empty() && self.ways == 1
    }

    /// Whether the order of two steps can matter: they meet on an object that one of them writes.
    pub fn conflicts(self, other: Footprint) -> bool {
        self.writes.meets(other.touched()) || other.writes.meets(self.reads)
    }

    /// Everything touched.
    pub fn touched(self) -> ObjSet {
        self.reads.and(self.writes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_readers_commute_and_a_writer_does_not() {
        let (a, b) = (ObjId::numbered(3), ObjId::var(90));
        assert!(!Footprint::reads(a).conflicts(Footprint::reads(a)));
        assert!(Footprint::reads(a).conflicts(Footprint::writes(a)));
        assert!(Footprint::writes(b).conflicts(Footprint::reads(b)));
        assert!(!Footprint::writes(a).conflicts(Footprint::writes(b)));
        let mut both = vec![];
        Footprint::writes(a).read(b).touched().each(|short| both.push(ObjId::from_byte(short)));
        assert_eq!(both, [a, b]);
    }
}
