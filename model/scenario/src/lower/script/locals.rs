//! A script's locals: those that its text names, with their types, and those that nobody named.

use fenceweave_kernel::{ExprNode, Instr, LocalId, Type, Value};

use super::{LOCALS_MAX, Unit};
use crate::lower::Lower;
use crate::lower::functions::local_names;
use crate::lower::names::{self, Symbol};
use crate::lower::unset::Read;
use crate::mistakes::Span;
use crate::syntax::{Node, ValueKind};

impl<'a> Unit<'a> {
    /// The local of that name in the frame at hand.
    pub(in crate::lower) fn local(&self, name: &str) -> Option<LocalId> {
        self.frames.last()?.names.get(name).copied()
    }

    /// The same, noting that the next instruction reads it.
    pub(in crate::lower) fn read(&mut self, name: &str, span: Span) -> Option<LocalId> {
        let local = self.local(name)?;
        self.reads.push(Read { at: self.here(), local, span, name: name.to_owned() });
        Some(local)
    }

    /// The type of a local of the frame at hand.
    pub(in crate::lower) fn type_of(&self, local: LocalId) -> Type {
        self.frames.last().and_then(|frame| frame.types.get(&local.0)).copied().unwrap_or_default()
    }

    /// The names that the locals of the frame at hand hide.
    pub(in crate::lower) fn hides(&self) -> Vec<String> {
        self.frames.last().map(|frame| frame.hides.clone()).unwrap_or_default()
    }

    /// A local of the frame at hand hides a name of another file.
    pub(super) fn hide(&mut self, name: &str) {
        if let Some(frame) = self.frames.last_mut()
            && !frame.hides.iter().any(|known| known == name)
        {
            frame.hides.push(name.to_owned());
        }
    }

    /// Says what a local of the frame at hand holds.
    pub(in crate::lower) fn set_type(&mut self, local: LocalId, ty: Type) {
        let own = self.frames.len() == 1;
        if let Some(frame) = self.frames.last_mut() {
            frame.types.insert(local.0, ty);
        }
        self.script.types.retain(|(known, _)| *known != local);
        if own && ty != Type::S64 {
            self.script.types.push((local, ty));
        }
    }

    /// The locals that have a name here, for suggestions.
    pub(in crate::lower) fn local_names(&self) -> Vec<String> {
        self.frames.last().map(|frame| frame.names.keys().cloned().collect()).unwrap_or_default()
    }

    /// A local that the author does not see.
    pub(in crate::lower) fn hidden(&mut self) -> LocalId {
        self.free.pop().unwrap_or_else(|| self.push_local(String::new()))
    }

    /// A local for a value on its way to the end of the statement at hand.
    pub(in crate::lower) fn temporary(&mut self) -> LocalId {
        let at = self.temps.1;
        self.temps.1 += 1;
        if let Some(known) = self.temps.0.get(at) {
            return *known;
        }
        let new = self.push_local(String::new());
        self.temps.0.push(new);
        new
    }

    /// Those of the statement at hand.
    pub(in crate::lower) fn temporaries(&self) -> Vec<LocalId> {
        self.temps.0[..self.temps.1.min(self.temps.0.len())].to_vec()
    }

    /// How many there are of the statement at hand.
    pub(in crate::lower) fn temporaries_in_use(&self) -> usize {
        self.temps.1
    }

    /// Where two ways exclude each other, what the one has on its way may be where the other has its own.
    pub(in crate::lower) fn temporaries_back_to(&mut self, in_use: usize) {
        self.temps.1 = in_use;
    }

    /// What a value was on its way is not read any more.
    pub(in crate::lower) fn forget_temporaries(&mut self) {
        self.temps.1 = 0;
    }

    /// The counter of the failure that is written at `place`. It lives as long as the script, so it is no local that
    /// was somebody else's before.
    pub(in crate::lower) fn counter(&mut self, place: Span) -> LocalId {
        if let Some(counter) = self.counters.get(&place.start) {
            return *counter;
        }
        let counter = self.push_local(String::new());
        self.counters.insert(place.start, counter);
        counter
    }

    /// Gives hidden locals back, unset, so that no state differs by what nobody will read again.
    pub(in crate::lower) fn give_back(&mut self, hidden: Vec<LocalId>, unset: u16) {
        for into in &hidden {
            self.emit(Instr::Let { into: *into, expr: unset });
        }
        self.free.extend(hidden);
    }

    /// Every hidden local of the script.
    pub(in crate::lower) fn all_hidden(&self) -> Vec<LocalId> {
        let hidden = self.script.locals.iter().enumerate().filter(|(_, name)| name.is_empty());
        hidden.map(|(at, _)| LocalId(at as u8)).collect()
    }

    fn push_local(&mut self, shown: String) -> LocalId {
        let locals = &mut self.script.locals;
        if locals.len() < LOCALS_MAX {
            locals.push(shown);
        }
        LocalId(u8::try_from(locals.len() - 1).unwrap_or(u8::MAX))
    }

    /// Declares the locals of the frame at hand.
    pub(in crate::lower) fn declare_local(&mut self, name: &str) -> LocalId {
        if let Some(local) = self.local(name) {
            return local;
        }
        // Locals of a call are not the thread's: its outcome does not show them.
        let local = if self.frames.len() > 1 { self.hidden() } else { self.push_local(name.to_owned()) };
        if self.frames.len() > 1 {
            self.fresh.push((self.here(), local));
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.names.insert(name.to_owned(), local);
        }
        local
    }
}

impl<'a> Lower<'a> {
    /// Every local of a block is known before the first statement, so that a name can be told to be one.
    pub(in crate::lower) fn collect_locals(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        for child in self.visible(node.children()) {
            if child.name.text == "local" {
                self.typed_locals(unit, child);
            }
            let is_let = child.name.text == "let";
            for entry in &child.entries {
                let Some(key) = &entry.key else { continue };
                if is_let {
                    self.new_local(unit, &key.text, key.span);
                } else if key.text == "into" || key.text == "cursor" {
                    let function = self.procs.get(child.name.text.as_str()).is_some_and(|node| node.name.text == "fn")
                        || child.name.text == "call";
                    match &entry.value.kind {
                        ValueKind::Text { .. } if function && key.text == "into" => {
                            for name in local_names(self.text, &entry.value) {
                                self.new_local(unit, name, entry.value.span);
                            }
                        }
                        ValueKind::Word(name) => self.new_local(unit, name, entry.value.span),
                        _ => self.tell_bad_local(entry.value.span),
                    }
                }
            }
            if child.name.text == "return" && unit.frames.len() == 1 && !child.entries.is_empty() {
                unit.declare_local("return");
            }
            self.collect_locals(unit, child);
        }
    }

    /// `local u32 size offset`
    fn typed_locals(&mut self, unit: &mut Unit<'a>, node: &'a Node) {
        let mut values = node.values();
        let said = values.next().map(|value| (value.span, value.span.of(self.text)));
        if said.is_some_and(|(_, said)| self.structs.contains_key(said)) {
            values.for_each(|value| self.new_local(unit, value.span.of(self.text), value.span));
            return;
        }
        let ty = said.and_then(|(_, said)| self.type_named(said));
        let Some(ty) = ty.filter(|_| node.entries.len() > 1 && node.values().count() == node.entries.len()) else {
            if !node.broken {
                let known = self.type_names();
                let at = said.filter(|_| ty.is_none()).map_or(node.head, |(span, _)| span);
                self.mistakes
                    .add("local-type", at, "`local` says the type of locals")
                    .expected("`local TYPE NAME…`")
                    .help(format!("the types are {}", crate::lower::list(known.iter().map(String::as_str))));
            }
            return;
        };
        for value in values {
            let name = value.span.of(self.text);
            self.new_local(unit, name, value.span);
            let Some(local) = unit.local(name) else { continue };
            let before = unit.frames.last().and_then(|frame| frame.types.get(&local.0)).copied();
            if before.is_some_and(|before| before != ty) {
                self.mistakes
                    .add("declared-twice", value.span, format!("`{name}` has another type already"))
                    .expected("one type for each local of a script");
            }
            unit.set_type(local, ty);
        }
    }

    /// C's conversion of what was just put into a local, if its type asks for one.
    pub(in crate::lower) fn convert(&mut self, unit: &mut Unit<'a>, local: LocalId) {
        let ty = unit.type_of(local);
        if ty != Type::S64 {
            let expr = self.add_expr(vec![ExprNode::Read(local), ExprNode::Cast(ty)]);
            unit.emit(Instr::Let { into: local, expr });
        }
    }

    /// The expression as what a local of that type holds of it.
    pub(in crate::lower) fn assigned(&mut self, unit: &Unit<'a>, local: LocalId, expr: u16) -> u16 {
        let ty = unit.type_of(local);
        let nodes = self.program.exprs.get(usize::from(expr)).map(|expr| expr.nodes().to_vec()).unwrap_or_default();
        match nodes.last() {
            None | Some(ExprNode::Const(Value::Unset)) => expr,
            _ if ty == Type::S64 => expr,
            _ => self.add_expr([nodes, vec![ExprNode::Cast(ty)]].concat()),
        }
    }

    /// Gives a name a local of its own, unless it has one.
    pub(in crate::lower) fn new_local(&mut self, unit: &mut Unit<'a>, name: &str, span: Span) {
        if !names::is_name(name) || names::constant(name).is_some() || self.words.number(name).is_some() {
            return self.tell_bad_local(span);
        }
        // A struct's name is a type: `struct job *job` is how everybody writes it.
        let other = self.names.find(name).filter(|(symbol, _)| !matches!(symbol, Symbol::Struct(_) | Symbol::Type(_)));
        if let Some((_, declared)) = other
            && self.sources.file_of(declared) != self.sources.file_of(span)
        {
            // As in C: who wrote the one need not know the other.
            unit.hide(name);
        } else if let Some((symbol, declared)) = other {
            self.mistakes
                .add("local-name", span, format!("`{name}` is {}: a local needs a name of its own", symbol.one()))
                .expected("a name that nothing else has")
                .seen(declared, "declared here");
            return;
        }
        unit.declare_local(name);
    }

    fn tell_bad_local(&mut self, span: Span) {
        let said = span.of(self.text);
        self.mistakes
            .add("local-name", span, format!("`{said}` cannot name a local"))
            .expected("letters, digits, `-` and `_`, beginning with a letter");
    }
}
