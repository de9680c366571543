//! Containers of what has nodes: `list NAME of=STRUCT.NODE`, `ordered NAME of=STRUCT.NODE key=FIELD`,
//! `ranges NAME of=STRUCT.NODE start=FIELD len=FIELD`.
//!
//! ```text
//!   struct job slots=2 { deadline 0 guarded-by=l; link type=list-node; rb type=tree-node }
//!   list queue of=job.link guarded-by=l
//!   ordered run-queue of=job.rb key=deadline guarded-by=l
//! ```

use super::{Lower, declare::Open, names::Symbol};
use crate::{
    decls::{DeclRow, LOCKS},
    mistakes::{Span, did_you_mean},
    syntax::{Node, Value as Written},
};
use fenceweave_kernel::{
    Errno, Kind, ObjId, Operand, fixed,
    kind::OfKind,
    primitives::{
        list::node::Owner,
        tree::kind::{Ends, Key, Overlap},
    },
    program::{FieldName, StructDecl},
};

impl<'a> Lower<'a> {
    /// Says whose node it is, of what was made inside of a slot.
    pub(super) fn set_owner(&mut self, id: ObjId, slot: ObjId) {
        if let Some(node) = self.program.fixed_mut::<fixed::ListNode>(id) {
            node.entry = slot;
        } else if let Some(node) = self.program.fixed_mut::<fixed::TreeNode>(id) {
            node.entry = slot;
        }
    }

    /// A node that is no field.
    pub(super) fn tell_loose_node(&mut self, node: &'a Node, spec: &DeclRow) {
        if matches!(spec.kind, Some(Kind::ListNode | Kind::TreeNode)) {
            let name = spec.name;
            self.mistakes
                .add("member", node.head, format!("a `{name}` is a field of what it links"))
                .expected(format!("`struct NAME slots=N {{ link type={name} }}`"));
        }
    }

    /// `list`, `ordered` and `ranges`: what guards it, and what it is of.
    pub(super) fn complete_listed(&mut self, declared: &Open<'a>, id: ObjId) {
        let node = declared.node;
        let kind = Kind::of(&self.program.objects[id.index()].kind);
        if ![Some(Kind::List), Some(Kind::Ordered), Some(Kind::Ranges)].contains(&kind) {
            return;
        }
        let wanted = if kind == Some(Kind::List) { Kind::ListNode } else { Kind::TreeNode };
        let guard = node.option("guarded-by").and_then(|value| self.sibling(&declared.name, value, LOCKS));
        let guard = guard.map(|lock| self.lock_of(lock));
        let of = node.option("of").map_or_else(Vec::new, |value| self.owners(value, wanted));
        let (keys, ends) = self.keys(node, &of, declared.spec);
        if let Some(list) = self.program.fixed_mut::<fixed::List>(id) {
            (list.guard, list.of) = (guard, of);
        } else if let Some(fixed::Ordered { tree }) = self.program.fixed_mut(id) {
            (tree.guard, tree.of, tree.keys) = (guard, of, keys);
        } else if let Some(fixed::Ranges { tree }) = self.program.fixed_mut(id) {
            (tree.guard, tree.of, tree.keys) = (guard, of, keys);
            tree.ends = ends;
            tree.overlap = overlap(node.option("overlap").map(|value| value.span.of(self.text)));
        }
    }

    /// `of=job.link`, `of="job.link,marker.link"`: the nodes by their objects, in the order of those.
    fn owners(&mut self, value: &'a Written, wanted: Kind) -> Vec<Owner> {
        let mut all: Vec<Owner> = vec![];
        for part in super::premise::parts(value, self.text) {
            let said = part.span.of(self.text);
            let (of, path) = said.split_once('.').unwrap_or((said, ""));
            let Some((Symbol::Struct(of), _)) = self.names.find(of) else {
                let help = did_you_mean(of, self.names.names(|symbol| matches!(symbol, Symbol::Struct(_))));
                self.mistakes
                    .add("unknown-struct", part.span, format!("`{of}` is no struct"))
                    .expected(format!("`STRUCT.FIELD`, the field a `{}`", wanted.name()))
                    .help_if(help);
                continue;
            };
            let found: Vec<Owner> = self
                .slots_of(of)
                .filter_map(|slot| Some(Owner { entry: slot, node: self.inside_of(slot, path)? }))
                .collect();
            let is_node = |owner: &Owner| Kind::of(&self.program.objects[owner.node.index()].kind) == Some(wanted);
            if found.is_empty() || !found.iter().all(is_node) {
                let help = self.nodes_of(of, wanted);
                self.mistakes
                    .add("member", part.span, format!("`{said}` is no {}", wanted.name()))
                    .expected(format!("`STRUCT.FIELD`, the field a `{}`", wanted.name()))
                    .help(match help {
                        Some(name) => format!("it has `{name}`"),
                        None => format!("declare it in the struct: `link type={}`", wanted.name()),
                    });
                continue;
            }
            if found.iter().any(|owner| all.iter().any(|other| other.entry == owner.entry)) {
                self.mistakes
                    .add("member", part.span, "an object is on a list by one of its nodes")
                    .expected("each struct once");
                continue;
            }
            all.extend(found);
        }
        all.sort_by_key(|owner| owner.entry);
        all
    }

    /// The slots of a declared struct, wherever there is one.
    fn slots_of(&self, of: usize) -> impl Iterator<Item = ObjId> {
        let named = self.program.structs.get(of).map_or("", |decl| decl.name.as_str());
        let of_that = move |decl: &&StructDecl| decl.name == named;
        self.program.structs.iter().filter(of_that).flat_map(|decl| decl.slots.clone()).map(ObjId::numbered)
    }

    fn inside_of(&self, slot: ObjId, path: &str) -> Option<ObjId> {
        self.program.member(slot, self.known_field(path)?)
    }

    fn known_field(&self, name: &str) -> Option<FieldName> {
        let at = self.program.field_names.iter().position(|known| known == name)?;
        u8::try_from(at).ok().map(FieldName)
    }

    /// A node that a struct has.
    fn nodes_of(&self, of: usize, wanted: Kind) -> Option<String> {
        let slot = self.slots_of(of).next()?;
        let named = &self.program.structs.get(of)?.members.named;
        let is_node = |name: &&FieldName| {
            let id = self.program.member(slot, **name);
            id.is_some_and(|id| Kind::of(&self.program.objects[id.index()].kind) == Some(wanted))
        };
        let name = named.iter().map(|(name, _)| name).find(is_node)?;
        Some(format!("{}.{}", self.program.structs[of].name, self.program.field_names[usize::from(name.0)]))
    }

    /// `key=FIELD`; `start=FIELD` and one of `len=`, `end=`, `last=`: the words of each of these objects.
    fn keys(&mut self, node: &'a Node, of: &[Owner], spec: &'static DeclRow) -> (Vec<Key>, Ends) {
        let Some(start) = node.option(if spec.name == "ordered" { "key" } else { "start" }) else {
            return (vec![], Ends::default());
        };
        let ends = [("len", Ends::Len), ("end", Ends::End), ("last", Ends::Last)];
        let given: Vec<_> = ends.iter().filter_map(|(name, ends)| Some((node.option(name)?, *ends))).collect();
        if spec.name == "ranges" && given.len() != 1 {
            self.mistakes
                .add("missing-option", node.head, "what says where a range ends?")
                .expected("one of `len=FIELD`, `end=FIELD` and `last=FIELD`");
            return (vec![], Ends::default());
        }
        let end = given.first().copied();
        let mut keys = vec![];
        for owner in of {
            let Some(at) = self.key_word(owner, start) else { return (vec![], Ends::default()) };
            let past = match end {
                Some((end, _)) => self.key_word(owner, end),
                None => None,
            };
            if end.is_some() && past.is_none() {
                return (vec![], Ends::default());
            }
            keys.push(Key { start: at, end: past });
        }
        (keys, end.map(|(_, ends)| ends).unwrap_or_default())
    }

    /// A word of an object that is its key, which knows of it.
    fn key_word(&mut self, owner: &Owner, field: &'a Written) -> Option<ObjId> {
        let said = field.span.of(self.text);
        let word = self.known_field(said).and_then(|name| self.program.field_var(owner.entry, name));
        let Some(word) = word else {
            let object = &self.program.objects[owner.entry.index()].name;
            let object = object.split('#').next().unwrap_or(object).to_owned();
            self.mistakes
                .add("field", field.span, format!("`{object}` has no word `{said}`"))
                .expected("a field of the struct that the node is in, which is a word");
            return None;
        };
        let keys = word.as_var().and_then(|at| self.program.vars.get_mut(at)).map(|var| &mut var.keys);
        keys.into_iter().filter(|keys| !keys.contains(&owner.node)).for_each(|keys| keys.push(owner.node));
        Some(word)
    }
}

impl Lower<'_> {
    /// Whether what is named by its node is of the container that the operation is on, as far as that is known.
    pub(super) fn are_of_it(&mut self, objects: &[(Operand, Span)]) -> bool {
        let Some(((Operand::Object(on), _), named)) = objects.split_first() else { return true };
        let decl = &self.program.objects[on.index()];
        let (of, name) =
            match (fixed::List::of(&decl.kind), fixed::Ordered::of(&decl.kind), fixed::Ranges::of(&decl.kind)) {
                (Some(list), ..) => (list.of.clone(), decl.name.clone()),
                (_, Some(fixed::Ordered { tree }), _) | (.., Some(fixed::Ranges { tree })) => {
                    (tree.of.clone(), decl.name.clone())
                }
                _ => return true,
            };
        let mut all = true;
        for (operand, span) in named {
            let Operand::Member { path, .. } = operand else { continue };
            let path = self.program.field_names.get(usize::from(path.0)).cloned().unwrap_or_default();
            let kinds = self.member_kinds(&path);
            let is_node = kinds.contains(&Kind::ListNode) || kinds.contains(&Kind::TreeNode);
            if !is_node
                || of.iter().any(|owner| self.program.objects[owner.node.index()].name.ends_with(&format!(".{path}")))
            {
                continue;
            }
            all = false;
            let said = span.of(self.text);
            self.mistakes
                .add("wrong-kind", *span, format!("`{said}` is no node of `{name}`"))
                .expected("a node that it is of, or an object with one")
                .help(if of.is_empty() {
                    format!("`{name}` is of objects: name the object, or say `of=STRUCT.{path}` where it is declared")
                } else {
                    format!("say so where it is declared: `{name} of=STRUCT.{path}`")
                });
        }
        all
    }
}

/// What becomes of ranges that overlap.
fn overlap(said: Option<&str>) -> Overlap {
    match said {
        Some("EEXIST") => Overlap::Refused(Errno::EEXIST),
        Some("ENOSPC") => Overlap::Refused(Errno::ENOSPC),
        Some("allowed") => Overlap::Allowed,
        _ => Overlap::Told,
    }
}
