//! What is declared: objects with what is fixed about them, words, and structs.

use super::{CalleeId, FieldName};
use crate::{ObjId, ObjectKind, Type, Value};
use std::{fmt, ops::Range};

/// A declared object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectDecl {
    /// The name in the scenario; implementation details are named after what they belong to.
    pub name: String,
    /// What is fixed about it.
    pub kind: ObjectKind,
}

/// The page tables of user space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageTable {
    /// The word of the first entry.
    pub first: ObjId,
    /// How many there are.
    pub len: u16,
    /// The lock under which each step on them is taken, that of a CPU that translates, too: the flush of the TLBs
    /// waits.
    pub lock: ObjId,
}

/// A declared variable word.
#[derive(Clone, PartialEq, Eq)]
pub struct VarDecl {
    /// The name in the scenario, such as `x`, `table[1]`, `group#0.state`.
    pub name: String,
    /// The value at the start.
    pub init: Value,
    /// Accessed plainly by the modelled code.
    pub racy: bool,
    /// Part of the outcome: a named `var` whose final value is the same on every memory model.
    pub observed: bool,
    /// What a number that is written into it is converted to.
    pub ty: Type,
    /// What is counted on of whoever accesses it.
    pub premise: Premise,
    /// The nodes by which its object is in trees whose key it is: it does not change while it is in one.
    pub keys: Vec<ObjId>,
}

/// What is counted on of whoever accesses a word. Setup and teardown, beside which nobody runs, may do anything.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Premise {
    /// Nothing.
    #[default]
    Nothing,
    /// It is set before its object is published, and not again.
    Const,
    /// Who reads it has one of these locks, who writes it all of them (a semaphore for writing).
    Guarded(Vec<ObjId>),
}

/// What a program's hash is made of: a word that says nothing of its type is told from others by nothing new.
impl fmt::Debug for VarDecl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let VarDecl { name, init, racy, observed, ty, premise, keys } = self;
        let mut out = f.debug_struct("VarDecl");
        out.field("name", name).field("init", init).field("racy", racy).field("observed", observed);
        if *ty != Type::default() {
            out.field("ty", ty);
        }
        if *premise != Premise::Nothing {
            out.field("premise", premise);
        }
        if !keys.is_empty() {
            out.field("keys", keys);
        }
        out.finish()
    }
}

/// A type of the program's own: what the numbers of an `enum` or of `flags` are called.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NamedType {
    /// Its name.
    pub name: String,
    /// Each is a bit, or several: a number is a set of them.
    pub flags: bool,
    /// The numbers that have names.
    pub members: Vec<(i64, String)>,
}

impl NamedType {
    /// A number as C's programmers write it; what has no name as a number.
    pub fn text(&self, n: i64) -> String {
        if let Some((_, name)) = self.members.iter().find(|(member, _)| *member == n) {
            return name.clone();
        }
        if !self.flags {
            return n.to_string();
        }
        let (mut names, mut rest): (Vec<&str>, i64) = (vec![], n);
        for (member, name) in self.members.iter().filter(|(member, _)| *member != 0) {
            if n & member == *member && rest & member != 0 {
                names.push(name);
                rest &= !member;
            }
        }
        let rest = if names.is_empty() || rest != 0 { format!("{rest:#x}") } else { String::new() };
        names.into_iter().chain(Some(rest.as_str()).filter(|rest| !rest.is_empty())).collect::<Vec<_>>().join("|")
    }
}

/// What freeing a slab's object means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlabKind {
    /// The slot is free at once.
    Plain,
    /// `kfree_rcu()`: the memory stays for a grace period.
    RcuFree,
    /// `SLAB_TYPESAFE_BY_RCU`: the slot is free at once, but stays an object of this type for readers.
    TypesafeByRcu,
}

/// A declared `struct`, or one inside of another: then it is told by its place in that.
#[derive(Clone, PartialEq, Eq)]
pub struct StructDecl {
    /// Its name.
    pub name: String,
    /// How its slots are freed.
    pub slab: SlabKind,
    /// Its slots.
    pub slots: Range<u16>,
    /// The references that a new object has; `None` if it is not counted.
    pub refs: Option<u8>,
    /// How many fields are declared before the count: in a typesafe slab that is the order of the stores.
    pub refs_at: u8,
    /// What is called, with the object, when the last one is dropped; it has to free the object. Without one the object
    /// is freed at once.
    pub release: Option<CalleeId>,
    /// Its fields: interned name and value of a new object. The words of slot `i` start at `first_var + i * fields`.
    pub fields: Vec<(FieldName, Value)>,
    /// The first variable word of its first slot.
    pub first_var: u16,
    /// What each of its slots has inside besides words.
    pub members: Members,
}

/// What is inside of the objects of a struct: locks, fences, other structs, arrays. Those of its slots follow each
/// other.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Members {
    /// The first object inside of the first slot.
    pub first: ObjId,
    /// How many objects each slot has inside, with those that members are made of.
    pub each: u16,
    /// The members, with those of members: interned path (`base.lock`) and place among the objects inside.
    pub named: Vec<(FieldName, u16)>,
    /// Which of its words are arrays: interned name, the first of its fields that is one of it, and how many are.
    pub arrays: Vec<(FieldName, u8, u8)>,
}

/// What a program's hash is made of: a struct that has no members is told from others by nothing new.
impl fmt::Debug for StructDecl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StructDecl { name, slab, slots, refs, refs_at, release, fields, first_var, members } = self;
        let mut out = f.debug_struct("StructDecl");
        out.field("name", name).field("slab", slab).field("slots", slots).field("refs", refs);
        out.field("refs_at", refs_at).field("release", release).field("fields", fields).field("first_var", first_var);
        if members.each > 0 {
            out.field("members", members);
        }
        out.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_programs_own_types_have_their_names() {
        let members = |all: &[(i64, &str)]| all.iter().map(|(n, name)| (*n, (*name).to_owned())).collect::<Vec<_>>();
        let place = NamedType { name: "place".into(), flags: false, members: members(&[(0, "SYSTEM"), (2, "VRAM")]) };
        assert_eq!([0, 1, 2].map(|n| place.text(n)), ["SYSTEM", "1", "VRAM"]);
        let flags = members(&[(1, "READ"), (2, "WRITE"), (3, "BOTH"), (8, "PINNED")]);
        let flags = NamedType { name: "flags".into(), flags: true, members: flags };
        assert_eq!(
            [0, 1, 3, 9, 11].map(|n| flags.text(n)),
            ["0x0", "READ", "BOTH", "READ|PINNED", "READ|WRITE|PINNED"]
        );
        assert_eq!([0x10, 0x12].map(|n| flags.text(n)), ["0x10", "WRITE|0x10"]);
    }
}
