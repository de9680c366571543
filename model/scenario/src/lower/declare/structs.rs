//! Structs: their fields, and what a field says besides its name.

use fenceweave_kernel::program::{FieldName, Members, Premise, SlabKind, StructDecl, VarDecl};
use fenceweave_kernel::{MAX_VARS, ObjId, Type, Value, fixed};

use super::{ELEMENTS_MAX, Open, element_name};
use crate::lower::members::Fields;
use crate::lower::names::{Symbol, is_name};
use crate::lower::options::Options;
use crate::lower::{Lower, place, premise};
use crate::syntax::{self, Name, Node, ValueKind};

impl<'a> Lower<'a> {
    /// `struct group slots=2 { refs 1; state 0 }`
    pub(super) fn structure(
        &mut self,
        node: &'a Node,
        name: &Name,
        options: &Options<'_>,
        open: &mut Vec<Open<'a>>,
    ) -> Symbol {
        let slots = u16::try_from(options.number("slots").unwrap_or(1)).unwrap_or(1);
        let of = self.program.structs.len();
        let start = self.program.objects.len();
        let names: Vec<String> = (0..slots).map(|i| format!("{}#{i}", name.text)).collect();
        for name in &names {
            let of = u8::try_from(of).unwrap_or(u8::MAX);
            self.object(name.clone(), fixed::Slot { of });
        }
        let fields = self.fields(node);
        let first_var = self.field_words(&fields, &names, options.has("weak"));
        let slab = match options.word("slab") {
            Some("rcu-free") => SlabKind::RcuFree,
            Some("typesafe-by-rcu") => SlabKind::TypesafeByRcu,
            _ => SlabKind::Plain,
        };
        self.needs_rcu |= slab == SlabKind::RcuFree;
        self.refuse_typesafe(node, &fields, slab);
        let words = fields.words.iter().map(|(field, _)| (self.field(&field.text), Value::Word(0))).collect();
        let half = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        self.program.structs.push(StructDecl {
            name: name.text.clone(),
            slab,
            slots: half(start)..half(start + usize::from(slots)),
            refs: fields.refs,
            refs_at: u8::try_from(fields.refs_at).unwrap_or(u8::MAX),
            release: None,
            fields: words,
            first_var: half(first_var),
            members: Members::default(),
        });
        self.allocations.push(0);
        let slots = (start..).map(place).zip(names);
        let members = self.inside(slots, &fields, 0, open);
        self.program.structs[of].members = members;
        self.note_arrays(of, &fields);
        Symbol::Struct(of)
    }

    /// The words of the slots of these names; the result is the place of the first.
    pub(in crate::lower) fn field_words(&mut self, fields: &Fields<'a>, slots: &[String], weak: bool) -> usize {
        let first = ObjId::var(self.program.vars.len().min(MAX_VARS - 1)).as_var().unwrap_or_default();
        for slot in slots {
            for (field, ty) in &fields.words {
                let ty = *ty;
                let name = format!("{slot}.{}", field.text);
                self.declare_weak(weak);
                self.program.vars.push(VarDecl {
                    name,
                    init: Value::Unset,
                    ty,
                    racy: false,
                    observed: false,
                    premise: Premise::Nothing,
                    keys: vec![],
                });
            }
        }
        first
    }

    /// What a struct is made of: words, members, and the references of a new object.
    pub(in crate::lower) fn fields(&mut self, node: &'a Node) -> Fields<'a> {
        let mut all = Fields::default();
        let mut names: Vec<&str> = vec![];
        for field in self.visible(node.children()) {
            let name = &field.name;
            if names.contains(&name.text.as_str()) {
                // Two that begin with one type of C are no name twice.
                let ty = field.broken || name.text == "struct" || name.text.contains('_');
                if ty && (field.broken || self.c_member(field).is_some()) {
                    continue;
                }
                self.mistakes
                    .add("declared-twice", name.span, format!("there is a field `{}` already", name.text))
                    .expected("another name");
                continue;
            }
            names.push(&name.text);
            match self.member(field) {
                Some(member) if is_name(&name.text) && !field.broken => all.members.push(member),
                _ => self.word_field(field, &mut all),
            }
        }
        all
    }

    /// `size 0 type=u32`, `refs 1`
    fn word_field(&mut self, field: &'a Node, all: &mut Fields<'a>) {
        let name = &field.name;
        let ty = self.field_type(field);
        let said = field.entries.iter().filter(|entry| premise::is_premise(entry)).count();
        let len = self.array_len(field);
        let values = field.entries.len() - usize::from(ty.is_some()) - usize::from(len.is_some()) - said;
        let first = field.entries.first().is_some_and(|entry| entry.key.is_none());
        let well_formed = values == 1 && first && field.block.is_none();
        if field.broken || (name.text == "struct" && self.c_member(field).is_some()) {
            // Told already, or when the struct is complete.
        } else if !well_formed || !is_name(&name.text) {
            self.mistakes.add("field", field.head, "this is no field").expected(
                "`NAME INITIAL-VALUE [type=TYPE] [len=LEN] [guarded-by=LOCK] [const]`, or `NAME type=WHAT` of what is no word",
            );
        } else if name.text == "refs" && len.is_none() {
            all.refs_at = all.words.len();
            all.refs = match field.entries[0].value.kind {
                ValueKind::Int(refs @ 0..=15) => u8::try_from(refs).ok(),
                _ => {
                    self.mistakes
                        .add("field", field.head, "`refs` is the number of references of a new object")
                        .expected("a number from 0 to 15");
                    None
                }
            };
        } else if let Some(len) = len {
            all.arrays.push((name.text.clone(), all.words.len(), len));
            let element = |i| Name { text: element_name(&name.text, i), span: name.span };
            all.words.extend((0..len).map(|i| (element(i), ty.unwrap_or_default())));
        } else {
            all.words.push((name.clone(), ty.unwrap_or_default()));
        }
    }

    /// `pages 0 len=4`: how many there are, as a number or as the name of one.
    pub(in crate::lower) fn array_len(&mut self, field: &Node) -> Option<u8> {
        let value = field.option("len")?;
        let len = self.length_said(value);
        if len.is_none() {
            let said = value.span.of(self.text);
            self.mistakes
                .add("number", value.span, format!("`{said}` is not allowed here"))
                .expected(format!("a number from 1 to {ELEMENTS_MAX}"));
        }
        Some(len.unwrap_or(1))
    }

    fn length_said(&self, value: &syntax::Value) -> Option<u8> {
        let len = match value.kind {
            ValueKind::Int(len) => Some(len),
            _ => self.number_named(value),
        };
        len.filter(|len| (1..=ELEMENTS_MAX).contains(len)).and_then(|len| u8::try_from(len).ok())
    }

    /// Says which words of a struct are arrays.
    pub(in crate::lower) fn note_arrays(&mut self, of: usize, fields: &Fields<'a>) {
        let byte = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
        let arrays = fields.arrays.iter().map(|(name, first, len)| (self.field(name), byte(*first), *len)).collect();
        self.program.structs[of].members.arrays = arrays;
    }

    /// The words that a field is: one, or the elements of an array.
    fn words_of(&mut self, field: &Node) -> Vec<String> {
        let Some(value) = field.option("len") else { return vec![field.name.text.clone()] };
        let len = self.length_said(value).unwrap_or(1);
        (0..len).map(|i| element_name(&field.name.text, i)).collect()
    }

    /// `size 0 type=u32`
    fn field_type(&mut self, field: &Node) -> Option<Type> {
        let value = field.option("type")?;
        if field.values().next().is_none() && self.type_named(value.span.of(self.text)).is_none() {
            let said = value.span.of(self.text);
            let known = self.member_types();
            self.mistakes.add("field", value.span, format!("`{said}` is nothing that can be inside")).expected(known);
            return Some(Type::default());
        }
        Some(self.type_of_word(value).unwrap_or_default())
    }

    pub(super) fn complete_struct(&mut self, declared: &Open<'a>, of: usize) {
        for field in self.visible(declared.node.children()) {
            let is_word = field.name.text != "refs" && !field.broken && self.member(field).is_none();
            let Some(entry) = field.entries.first().filter(|_| is_word) else {
                continue;
            };
            if self.tell_c_member(field) {
                continue;
            }
            let Some(init) = self.constant(&entry.value) else {
                continue;
            };
            self.complete_premise(field, of);
            let ty = field.option("type").and_then(|ty| self.type_named(ty.span.of(self.text))).unwrap_or_default();
            let init = self.fitting(init, ty, entry.span());
            for name in self.words_of(field) {
                let name = self.field(&name);
                let fields = self.program.structs.get_mut(of).map(|decl| &mut decl.fields);
                if let Some((_, value)) = fields.into_iter().flatten().find(|(known, _)| *known == name) {
                    *value = init;
                }
            }
        }
    }

    /// `pages 0 guarded-by=LOCK`
    fn complete_premise(&mut self, field: &'a Node, of: usize) {
        let names: Vec<FieldName> = self.words_of(field).iter().map(|name| self.field(name)).collect();
        let Some(decl) = self.program.structs.get(of) else { return };
        let slots = decl.slots.clone().map(ObjId::numbered);
        let both = slots.flat_map(|slot| names.iter().map(move |name| (slot, *name)));
        let words: Vec<(ObjId, ObjId)> =
            both.filter_map(|(slot, name)| Some((slot, self.program.field_var(slot, name)?))).collect();
        for (slot, word) in words {
            let told = self.mistakes.count();
            let slot = self.program.name_of(slot).to_owned();
            let premise = self.premise(field, Some(&slot));
            let var = word.as_var().and_then(|at| self.program.vars.get_mut(at));
            var.into_iter().for_each(|var| var.premise = premise.clone());
            // What is wrong with it is so in every slot.
            if self.mistakes.count() > told {
                return;
            }
        }
    }
}
