//! Words: variables, arrays, page tables, with their types and what they hold at first.

use fenceweave_kernel::program::{PageTable, Premise, VarDecl};
use fenceweave_kernel::{MAX_VARS, ObjId, Type, Value, fixed};

use super::{Open, PAGES, plain_word};
use crate::lower::names::Symbol;
use crate::lower::options::Options;
use crate::lower::{Lower, list};
use crate::mistakes::Span;
use crate::syntax::Name;

impl<'a> Lower<'a> {
    pub(super) fn variables(&mut self, name: &Name, options: &Options<'_>) -> Symbol {
        let first = ObjId::var(self.program.vars.len().min(MAX_VARS - 1));
        let len = options.number("len").and_then(|len| u16::try_from(len).ok());
        let (racy, weak) = (options.has("plain"), options.has("weak"));
        // Who has its lock is not raced for it: an access without is told, even if nobody is near.
        let racy = racy && !options.has("guarded-by") && !options.has("const");
        let ty = self.type_option(options);
        for i in 0..len.unwrap_or(1) {
            let name = len.map_or_else(|| name.text.clone(), |_| format!("{}[{i}]", name.text));
            self.declare_weak(weak);
            let word = VarDecl { ty, racy, observed: !weak, ..plain_word(name) };
            self.program.vars.push(word);
        }
        Symbol::Var { first, len }
    }

    /// `page-table NAME len=N`
    pub(super) fn page_table_declared(&mut self, name: &Name, options: &Options<'_>) -> Symbol {
        let first = ObjId::var(self.program.vars.len().min(MAX_VARS - 1));
        let len = options.number("len").and_then(|len| u16::try_from(len).ok()).unwrap_or(PAGES);
        self.program.vars.extend((0..len).map(|i| plain_word(format!("{}[{i}]", name.text))));
        let lock = self.object(format!("{}.ptl", name.text), fixed::Spinlock);
        self.program.page_tables.push(PageTable { first, len, lock });
        Symbol::Var { first, len: Some(len) }
    }

    /// `type=TYPE`
    fn type_option(&mut self, options: &Options<'_>) -> Type {
        options.value("type").and_then(|value| self.type_of_word(value)).unwrap_or_default()
    }

    /// The type that a value names.
    pub(in crate::lower) fn type_of_word(&mut self, value: &crate::syntax::Value) -> Option<Type> {
        let said = value.span.of(self.text);
        let ty = self.type_named(said);
        if ty.is_none() {
            let known = self.type_names();
            self.mistakes
                .add("type", value.span, format!("`{said}` is no type of a number"))
                .expected(list(known.iter().map(String::as_str)))
                .help_if(crate::mistakes::did_you_mean(said, known.iter().map(String::as_str)));
        }
        ty
    }

    /// Words that an object has of its own: the first.
    pub(in crate::lower) fn own_words(&mut self, name: &Name, fields: impl IntoIterator<Item = String>) -> ObjId {
        let first = ObjId::var(self.program.vars.len().min(MAX_VARS - 1));
        for field in fields {
            let name = format!("{}.{field}", name.text);
            self.program.vars.push(VarDecl {
                name,
                init: Value::Null,
                ty: Type::S64,
                racy: false,
                observed: false,
                premise: Premise::Nothing,
                keys: vec![],
            });
        }
        first
    }

    /// The next variable may be seen stale, and the scenario is about that.
    pub(super) fn declare_weak(&mut self, weak: bool) {
        self.program.weak.extend(weak.then(|| ObjId::var(self.program.vars.len().min(MAX_VARS - 1))));
    }

    pub(super) fn complete_var(&mut self, declared: &Open<'a>, first: ObjId, len: Option<u16>) {
        let premise = self.premise(declared.node, None);
        let at = first.as_var().unwrap_or_default();
        for var in self.program.vars.iter_mut().skip(at).take(usize::from(len.unwrap_or(1))) {
            var.premise = premise.clone();
        }
        let Some(value) = declared.node.option("init") else {
            return;
        };
        if let Some(parts) = self.parts_named(value) {
            return self.begin_with((first, len), &parts, value.span);
        }
        let Some(init) = self.constant(value) else {
            return;
        };
        let init = self.fitting(init, self.program.var_type(first), value.span);
        let first = first.as_var().unwrap_or_default();
        for var in self.program.vars.iter_mut().skip(first).take(usize::from(len.unwrap_or(1))) {
            var.init = init;
        }
    }

    /// `var NAME len=N init=INPUT`: the array begins with the parts of an input, and with 0 behind them.
    fn begin_with(&mut self, (first, len): (ObjId, Option<u16>), parts: &[i64], span: Span) {
        let room = usize::from(len.unwrap_or(0));
        if len.is_none() || room < parts.len() {
            let parts = parts.len();
            self.mistakes
                .add("input", span, format!("`{}` has {parts} parts, and there is room for {room}", span.of(self.text)))
                .expected("an array with room for all of them: `len=`");
            return;
        }
        let ty = self.program.var_type(first);
        let first = first.as_var().unwrap_or_default();
        for at in 0..room {
            let Some(part) = self.word(parts.get(at).copied().unwrap_or(0), span) else { return };
            let init = self.fitting(part, ty, span);
            self.program.vars.iter_mut().skip(first + at).take(1).for_each(|var| var.init = init);
        }
    }

    /// What a word of that type begins as; a number that it has no room for is a mistake.
    pub(in crate::lower) fn fitting(&mut self, init: Value, ty: Type, span: Span) -> Value {
        let converted = init.integer().map(|n| ty.convert(n));
        let same = converted.is_some() && converted == init.integer();
        if ty == Type::S64 || same && init != Value::Null {
            return init;
        }
        let name = self.type_name(ty);
        self.mistakes.add("number", span, format!("`{}` is no `{name}`", span.of(self.text))).expected(format!(
            "a number from {} to {}",
            ty.range().0,
            ty.range().1
        ));
        Value::Word(0)
    }
}
