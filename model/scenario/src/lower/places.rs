//! Where shared words are: variables, elements of arrays, fields of objects.

use super::{
    Lower,
    names::{self, Symbol},
    script::Unit,
};
use crate::{
    mistakes::{Span, did_you_mean},
    syntax::{Value as Written, ValueKind},
};
use fenceweave_kernel::{MAX_VARS, ObjId, Operand, Place, Value};

impl<'a> Lower<'a> {
    /// An array as a whole.
    pub(super) fn whole_array(&mut self, value: &Written) -> Option<Place> {
        let said = value.span.of(self.text);
        match self.names.find(said) {
            Some((Symbol::Var { first, len: Some(len) }, _)) => {
                Some(Place::Element { first, len, index: Operand::Const(Value::Word(0)) })
            }
            other => {
                self.mistakes
                    .add("no-array", value.span, format!("`{said}` is no array"))
                    .expected("the name of an array")
                    .help("`var NAME len=N init=NULL` declares one")
                    .seen_if(other.map(|(_, declared)| declared), "declared here");
                None
            }
        }
    }

    fn is_page_table(&self, first: ObjId) -> bool {
        self.program.page_tables.iter().any(|table| table.first == first)
    }

    /// A page table.
    pub(super) fn page_table(&mut self, value: &Written) -> Option<Place> {
        let said = value.span.of(self.text);
        match self.names.find(said) {
            Some((Symbol::Var { first, len: Some(len) }, _)) if self.is_page_table(first) => {
                Some(Place::Element { first, len, index: Operand::Const(Value::Word(0)) })
            }
            other => {
                self.mistakes
                    .add("no-page-table", value.span, format!("`{said}` is no page table"))
                    .expected("the name of a page table")
                    .help("`page-table NAME len=N` declares one")
                    .seen_if(other.map(|(_, declared)| declared), "declared here");
                None
            }
        }
    }

    /// A variable, an element or a field.
    pub(super) fn place(&mut self, unit: &mut Unit<'a>, value: &Written, at: Option<&Written>) -> Option<Place> {
        let said = value.span.of(self.text);
        if let Some(pointer) = said.strip_prefix('*').filter(|_| matches!(value.kind, ValueKind::Word(_))) {
            self.refuse_index(at, said);
            return self.place_behind(unit, pointer, value.span);
        }
        let parts = match &value.kind {
            ValueKind::Word(word) => names::parts(word),
            _ => Vec::new(),
        };
        let symbol = parts.first().and_then(|name| self.names.find(name));
        if let [path @ .., field] = parts.as_slice()
            && self.is_read(unit, &path.join("."))
        {
            // In a function the pointers on the way are read first.
            if let [path @ .., array] = path
                && !path.is_empty()
                && self.is_array(array)
            {
                self.refuse_index(at, said);
                let base = if path.len() == 1 {
                    self.base_of(unit, path, value.span)?
                } else {
                    self.follow_to(unit, path, value.span)?
                };
                return self.known_element(base, array, field, value.span);
            }
            let base = self.follow_to(unit, path, value.span)?;
            return self.field_at(unit, base, field, at, value.span);
        }
        match (parts.as_slice(), symbol) {
            ([_], Some((Symbol::Var { first, len: None }, _))) => {
                self.refuse_index(at, said);
                Some(Place::Var(first))
            }
            ([_], Some((Symbol::Var { first, len: Some(len) }, _))) => {
                let Some(at) = at else {
                    self.mistakes
                        .add("which-element", value.span, format!("`{said}` is an array"))
                        .expected(format!("`{said} at=INDEX`"));
                    return None;
                };
                let index = self.operand(Some(unit), at)?;
                self.element(first, len, index, at.span)
            }
            ([_, index], Some((Symbol::Var { first, len: Some(len) }, _))) if index.parse::<i32>().is_ok() => {
                self.refuse_index(at, said);
                let index = index.parse().unwrap_or(i32::MAX);
                self.element(first, len, Operand::Const(Value::Word(index)), value.span)
            }
            ([base @ .., array, index], _)
                if !base.is_empty() && unit.local(&base[0]).is_some() && self.is_array(array) =>
            {
                self.refuse_index(at, said);
                let base = self.base_of(unit, base, value.span)?;
                self.known_element(base, array, index, value.span)
            }
            ([base, field], _) => self.field_place(unit, base, field, at, value.span),
            ([base @ .., field], _) if base.len() > 1 && unit.local(&base[0]).is_some() => {
                let inner = self.base_of(unit, base, value.span)?;
                self.field_at(unit, inner, field, at, value.span)
            }
            (_, symbol) => {
                self.tell_no_place(said, value.span, symbol, unit);
                None
            }
        }
    }

    /// The object that a path leads to without a pointer.
    fn base_of(&mut self, unit: &mut Unit<'a>, path: &[String], span: Span) -> Option<Operand> {
        if let [only] = path {
            return unit.read(only, span).map(Operand::Local);
        }
        let inner = self.member_operand(unit, path, span);
        if inner.is_none() {
            self.tell_no_member(&path[1..].join("."), span);
        }
        inner
    }

    /// Whether some struct has an array of that name.
    pub(super) fn is_array(&self, name: &str) -> bool {
        let known = self.program.field_names.iter().position(|field| field == name);
        let mut arrays = self.program.structs.iter().flat_map(|decl| &decl.members.arrays);
        known.is_some_and(|known| arrays.any(|(array, ..)| usize::from(array.0) == known))
    }

    /// `b.pages.1`, `b.pages.last`: an element of an array.
    pub(super) fn known_element(&mut self, base: Operand, array: &str, index: &str, span: Span) -> Option<Place> {
        let Ok(at) = index.parse::<i32>() else {
            self.mistakes
                .add("which-element", span, format!("`{array}` is an array, and `{index}` is no index"))
                .expected(format!("`{array}.0`, or `{array} at=INDEX` in an operation"));
            return None;
        };
        Some(Place::FieldElement { base, field: self.field(array), index: Operand::Const(Value::Word(at)) })
    }

    /// A field of whatever an operand refers to, or an element of one that is an array.
    fn field_at(
        &mut self,
        unit: &mut Unit<'a>,
        base: Operand,
        field: &str,
        at: Option<&Written>,
        span: Span,
    ) -> Option<Place> {
        if !self.is_array(field) {
            self.refuse_index(at, field);
            return self.field_of(base, field, span);
        }
        let Some(at) = at else {
            self.mistakes
                .add("which-element", span, format!("`{field}` is an array"))
                .expected(format!("`{field} at=INDEX`, or `{field}.0`"));
            return None;
        };
        let index = self.operand(Some(unit), at)?;
        Some(Place::FieldElement { base, field: self.field(field), index })
    }

    /// `*p`: the word whose address a local has, or in a function a path leads to.
    pub(super) fn place_behind(&mut self, unit: &mut Unit<'a>, pointer: &str, span: Span) -> Option<Place> {
        let told = self.mistakes.count();
        let local = match unit.read(pointer, span) {
            None if self.is_read(unit, pointer) => self.follow(unit, pointer, span),
            local => local,
        };
        if local.is_none() && self.mistakes.count() == told {
            self.mistakes
                .add("not-a-place", span, format!("`{pointer}` is no local that has an address"))
                .expected("a local that `let p=&b.field` has set, or that was loaded")
                .help(format!("`*p` follows a pointer: load it first, `load {pointer} into=p`"));
        }
        Some(Place::Behind { pointer: Operand::Local(local?) })
    }

    fn tell_no_place(&mut self, said: &str, span: Span, symbol: Option<(Symbol, Span)>, unit: &Unit<'a>) {
        let help = match symbol {
            None if unit.local(said).is_some() => {
                Some(format!("a local is set by `let {said}=\"…\"`, its object's fields are `{said}.FIELD`"))
            }
            None => did_you_mean(said, self.names.names(|symbol| matches!(symbol, Symbol::Var { .. }))),
            Some(_) => None,
        };
        let message = match symbol {
            Some((symbol, _)) => format!("`{said}` is {}", symbol.one()),
            None => format!("`{said}` is no variable"),
        };
        self.mistakes
            .add("not-a-place", span, message)
            .expected("a variable, an element `a at=i` or a field `p.f`")
            .help_if(help)
            .seen_if(symbol.map(|(_, declared)| declared), "declared here");
    }

    fn refuse_index(&mut self, at: Option<&Written>, said: &str) {
        if let Some(at) = at {
            self.mistakes.add("no-array", at.span, format!("`{said}` is no array")).expected("no `at=`");
        }
    }

    /// An element of an array: which one is known now, or when it is run.
    pub(super) fn element(&mut self, first: ObjId, len: u16, index: Operand, span: Span) -> Option<Place> {
        let Operand::Const(known) = index else {
            return Some(Place::Element { first, len, index });
        };
        match known.word().and_then(|word| u16::try_from(word).ok()).filter(|word| *word < len) {
            Some(at) => {
                let var = first.as_var().unwrap_or_default() + usize::from(at);
                Some(Place::Var(ObjId::var(var.min(MAX_VARS - 1))))
            }
            None => {
                self.mistakes
                    .add("out-of-bounds", span, "this element does not exist")
                    .expected(format!("an index from 0 to {}", len - 1));
                None
            }
        }
    }

    /// A field of the object that a local refers to.
    pub(super) fn field_place(
        &mut self,
        unit: &mut Unit<'a>,
        base: &str,
        field: &str,
        at: Option<&Written>,
        span: Span,
    ) -> Option<Place> {
        let Some(local) = unit.read(base, span) else {
            let locals = unit.local_names();
            let known = self.names.find(base);
            if let Some((symbol, declared)) = known {
                let word = self.program.vars.iter().any(|var| var.name == format!("{base}.{field}"));
                let help = "an operation of the object reads it, and a condition in `expect` sees it";
                let of_word = word.then(|| format!("`{base}.{field}` is a word of its own: {help}"));
                let address = span.of(self.text).starts_with('&') || self.text[..span.start as usize].ends_with('&');
                let sign = if address { "&" } else { "" };
                let pointer = matches!(symbol, Symbol::Var { len: None, .. }).then(|| {
                    format!(
                        "if it is a pointer, load that first: `load {base} into=x`, and write `{sign}x.{field}` here"
                    )
                });
                self.mistakes
                    .add("not-a-place", span, format!("`{base}` is {}, which has no fields", symbol.one()))
                    .expected("a local that refers to an object of a struct")
                    .help_if(of_word.or(pointer))
                    .seen(declared, "declared here");
            } else {
                self.tell_unknown_name(base, span, &locals);
            }
            return None;
        };
        self.field_at(unit, Operand::Local(local), field, at, span)
    }

    /// A field of whatever an operand refers to.
    pub(super) fn field_of(&mut self, base: Operand, field: &str, span: Span) -> Option<Place> {
        let fields: Vec<&str> = self
            .program
            .structs
            .iter()
            .flat_map(|decl| &decl.fields)
            .filter_map(|(name, _)| self.program.field_names.get(usize::from(name.0)))
            .map(String::as_str)
            .collect();
        if !fields.contains(&field) {
            let help = match field {
                "refs" => Some("`refs` is the built-in count: use `get`, `put` and `get-unless-zero`".to_owned()),
                _ => did_you_mean(field, fields.iter().copied()),
            };
            self.mistakes
                .add("unknown-field", span, format!("no struct has a field `{field}`"))
                .expected("a field of a struct")
                .help_if(help);
            return None;
        }
        let field = self.field(field);
        Some(Place::Field { base, field })
    }
}
