//! Operands and options: what stands on a statement's line, checked against
//! what the tables say may stand there.

use fenceweave_kernel::program::PoolRange;
use fenceweave_kernel::{Errno, Handle, LocalId, MAX_VARS, ObjId, Operand, Place, ThreadId, Value, fixed};

use super::names::{self, Symbol};
use super::script::Unit;
use super::{Lower, list};
use crate::ops::{Given, Opt, Takes};
use crate::report::{Span, did_you_mean};
use crate::syntax::{Name, Node, Value as Written, ValueKind};
use fenceweave_kernel::Kind;

/// The entries of a statement, sorted.
pub(super) struct Options<'n> {
    pub(super) operands: Vec<&'n Written>,
    given: Vec<(&'static Opt, Span, Option<&'n Written>)>,
}

impl<'n> Options<'n> {
    fn find(&self, key: &str) -> Option<&(&'static Opt, Span, Option<&'n Written>)> {
        self.given.iter().find(|(opt, ..)| opt.name == key)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// The value of `key=value`.
    pub(super) fn value(&self, key: &str) -> Option<&'n Written> {
        self.find(key)?.2
    }

    /// The value of an option that takes a number, if it is one that fits.
    pub(super) fn number(&self, key: &str) -> Option<i32> {
        let (opt, _, value) = self.find(key)?;
        match (opt.takes, &(*value)?.kind) {
            (Some(Takes::Number { min, max }), ValueKind::Int(number)) => {
                i32::try_from(*number).ok().filter(|number| (min..=max).contains(number))
            }
            _ => None,
        }
    }

    /// The value of an option that takes one of some words.
    pub(super) fn word(&self, key: &str) -> Option<&'static str> {
        let (opt, _, value) = self.find(key)?;
        match (opt.takes, &(*value)?.kind) {
            (Some(Takes::OneOf(words)), ValueKind::Word(said)) => words.iter().copied().find(|word| word == said),
            _ => None,
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&'static Opt, Span, Option<&'n Written>)> {
        self.given.iter().copied()
    }
}

impl<'a> Lower<'a> {
    /// Sorts the entries of a statement whose options are `known`.
    pub(super) fn sort<'n>(&mut self, node: &'n Node, subject: &str, known: &[&'static Opt]) -> Options<'n> {
        let mut sorted = Options { operands: Vec::new(), given: Vec::new() };
        for entry in &node.entries {
            let span = entry.span();
            match &entry.key {
                None => match &entry.value.kind {
                    ValueKind::Word(word) if known.iter().any(|opt| opt.bare && opt.name == word) => {
                        let opt = known.iter().find(|opt| opt.name == word);
                        sorted.given.extend(opt.map(|opt| (*opt, span, None)));
                    }
                    _ => sorted.operands.push(&entry.value),
                },
                Some(key) => match known.iter().find(|opt| opt.name == key.text) {
                    Some(opt) if opt.takes.is_some() => sorted.given.push((opt, span, Some(&entry.value))),
                    Some(opt) => {
                        self.mistakes
                            .add("flag", span, format!("`{}` takes no value", opt.name))
                            .expected("the flag alone")
                            .help(format!("write `{}`: a flag stands by itself", opt.name));
                    }
                    None => self.tell_unknown_option(key, subject, known),
                },
            }
        }
        sorted
    }

    /// Sorts the entries of a declaration, and checks what needs no names.
    pub(super) fn options<'n>(&mut self, node: &'n Node, subject: &str, known: &'static [Opt]) -> Options<'n> {
        let all: Vec<&'static Opt> = known.iter().collect();
        let sorted = self.sort(node, subject, &all);
        for (opt, _, value) in sorted.all() {
            if let (Some(takes @ (Takes::Number { .. } | Takes::OneOf(_))), Some(value)) = (opt.takes, value) {
                self.given(None, takes, value);
            }
        }
        self.require(node, subject, known, &sorted);
        sorted
    }

    /// Tells which required options are missing.
    pub(super) fn require(&mut self, node: &Node, subject: &str, known: &'static [Opt], sorted: &Options<'_>) -> bool {
        let mut complete = true;
        for opt in known.iter().filter(|opt| opt.required && !sorted.has(opt.name)) {
            complete = false;
            self.mistakes
                .add("missing-option", node.head, format!("`{subject}` needs `{}=`", opt.name))
                .expected(format!("`{}=`: {}", opt.name, opt.meaning));
        }
        complete
    }

    fn tell_unknown_option(&mut self, key: &Name, subject: &str, known: &[&'static Opt]) {
        let names = || known.iter().map(|opt| opt.name);
        let expected = match known {
            [] => "no options".to_owned(),
            [one] => format!("`{}`", one.name),
            _ => format!("one of {}", list(names())),
        };
        self.mistakes
            .add("unknown-option", key.span, format!("`{subject}` has no option `{}`", key.text))
            .expected(expected)
            .help_if(did_you_mean(&key.text, names()));
    }

    /// Resolves one operand or option value; `None` if a mistake was told.
    pub(super) fn given(&mut self, unit: Option<&mut Unit<'a>>, takes: Takes, value: &Written) -> Option<Given> {
        match takes {
            Takes::Object(kinds) => self.object_of(unit, kinds, value).map(Given::Operand),
            Takes::Value => self.operand(unit, value).map(Given::Operand),
            Takes::Number { min, max } => self.number(value, min, max).map(Given::Number),
            Takes::OneOf(words) => self.one_of(words, value).map(Given::Word),
            Takes::Thread => self.thread_of(value).map(Given::Thread),
            Takes::Irq => self.irq_of(value).map(Given::Thread),
            Takes::Array => self.whole_array(value).map(Given::Place),
            Takes::Cursor => self.cursor_local(unit, value).map(Given::Operand),
            Takes::Struct => self.fresh_slot(value).map(Given::Operand),
            Takes::Proc(arguments) => self.callee(value, arguments).map(Given::Callee),
            // These need more than one value, or a thread: `operation` sees to them.
            Takes::Place | Takes::Objects(_) | Takes::Fences | Takes::Callback | Takes::Condition | Takes::Shared => {
                None
            }
        }
    }

    /// A word or a reference: what an operand of kind *value* may be.
    pub(super) fn operand(&mut self, unit: Option<&mut Unit<'a>>, value: &Written) -> Option<Operand> {
        match &value.kind {
            ValueKind::Int(number) => self.word(*number, value.span).map(Operand::Const),
            ValueKind::Text { .. } => {
                self.mistakes
                    .add("text-operand", value.span, "an operand is no expression")
                    .expected("a name, a local, a number, an errno or NULL")
                    .help("compute it first: `let x=\"…\"`, and give `x` here");
                None
            }
            ValueKind::Word(word) => self.word_operand(unit, word, value.span),
        }
    }

    fn word_operand(&mut self, unit: Option<&mut Unit<'a>>, word: &str, span: Span) -> Option<Operand> {
        if let Some(value) = names::constant(word) {
            return Some(Operand::Const(value));
        }
        let parts = names::parts(word);
        let [name] = parts.as_slice() else {
            self.mistakes
                .add("field-operand", span, format!("`{word}` is shared: an operand sees locals only"))
                .expected("a name, a local, a number, an errno or NULL")
                .help(format!("load it first: `load {word} into=LOCAL`, and give the local here"));
            return None;
        };
        if let Some(number) = self.words.number(name)
            && self.names.find(name).is_none()
        {
            if self.tell_near_errno(name, span) {
                return None;
            }
            return Some(Operand::Const(Value::Word(number)));
        }
        match unit {
            Some(unit) => {
                if let Some(local) = unit.read(name, span) {
                    return Some(Operand::Local(local));
                }
                self.named_operand(Some(unit), name, span)
            }
            None => self.named_operand(None, name, span),
        }
    }

    /// A word that is nearly an errno is meant to be one.
    fn tell_near_errno(&mut self, word: &str, span: Span) -> bool {
        let errnos = Errno::ALL.iter().map(|(name, _)| *name);
        let Some(help) = did_you_mean(word, errnos).filter(|_| word.starts_with('E')) else { return false };
        self.mistakes
            .add("unknown-name", span, format!("`{word}` is no errno that is known here"))
            .expected("an errno of Linux, or its number")
            .help(help);
        true
    }

    fn named_operand(&mut self, unit: Option<&mut Unit<'a>>, name: &str, span: Span) -> Option<Operand> {
        match self.names.find(name) {
            Some((Symbol::Object { id, .. }, _)) => Some(Operand::Object(id)),
            Some((Symbol::PerThread { kind, class }, _)) => {
                let unit = unit?;
                Some(Operand::Object(self.own_context(unit, name, kind, class.unwrap_or_default())))
            }
            Some((Symbol::Var { .. }, _)) if unit.is_none() => {
                self.mistakes
                    .add("shared-operand", span, format!("what `{name}` holds is not known beforehand"))
                    .expected("the name of an object, a word, a number, an errno or NULL");
                None
            }
            Some((Symbol::Var { .. }, _)) => {
                self.mistakes
                    .add("shared-operand", span, format!("`{name}` is shared: an operand sees locals only"))
                    .expected("a name, a local, a number, an errno or NULL")
                    .help(format!("load it first: `load {name} into=LOCAL`, and give the local here"));
                None
            }
            Some((other, declared)) => {
                self.mistakes
                    .add("wrong-kind", span, format!("`{name}` is {}", other.one()))
                    .expected("a name, a local, a number, an errno or NULL")
                    .seen(declared, "declared here");
                None
            }
            None => {
                let locals = unit.map(|unit| unit.local_names()).unwrap_or_default();
                self.tell_unknown_name(name, span, &locals);
                None
            }
        }
    }

    /// The acquire context or set of locks that this thread has of its own under that name.
    fn own_context(&mut self, unit: &Unit<'a>, name: &str, kind: Kind, class: ObjId) -> ObjId {
        let owned = format!("{}.{name}", unit.acting.as_deref().unwrap_or(unit.name()));
        if let Some(at) = self.program.objects.iter().position(|object| object.name == owned) {
            return ObjId(u8::try_from(at).unwrap_or(u8::MAX));
        }
        match kind {
            Kind::Exec => self.exec_object(&owned),
            _ => self.object(owned, fixed::AcquireCtx { class }),
        }
    }

    /// Tells a name that nothing has, with the nearest that something has.
    pub(super) fn tell_unknown_name(&mut self, name: &str, span: Span, locals: &[String]) {
        if let Some(proc) = self.procs.get(name) {
            self.mistakes
                .add("wrong-kind", span, format!("`{name}` is a proc"))
                .expected("a declared name, or a local that some `into=` or `let` sets")
                .seen(proc.head, "declared here")
                .help(format!(
                    "a proc is called as `{name} …`, or given to `add-callback`, `hook`, `call-rcu func=` or `callback NAME run=`"
                ));
            return;
        }
        let help = {
            let declared = self.names.names(|_| true);
            let words = self.words.iter().map(|(word, _)| word);
            let procs = self.procs.keys().copied();
            did_you_mean(name, locals.iter().map(String::as_str).chain(declared).chain(words).chain(procs))
        };
        let bare = name.strip_prefix('-').unwrap_or(name);
        if bare.starts_with('E') && self.tell_near_errno(bare, span) {
            return;
        }
        let is_word = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        if is_word && name.starts_with('E') && help.is_none() {
            self.mistakes
                .add("unknown-name", span, format!("`{name}` is no errno that is known here"))
                .expected("an errno of Linux, or its number");
        } else if is_word {
            self.mistakes
                .add(
                    "unknown-name",
                    span,
                    format!("the word `{name}` is stored nowhere, so nothing is ever equal to it"),
                )
                .expected("a word that some `init=`, `store` or `choose` has")
                .help_if(help);
        } else {
            self.mistakes
                .add("unknown-name", span, format!("there is no `{name}`"))
                .expected("a declared name, or a local that some `into=` or `let` sets")
                .help_if(help);
        }
    }

    fn object_of(&mut self, unit: Option<&mut Unit<'a>>, kinds: &[Kind], value: &Written) -> Option<Operand> {
        let said = value.span.of(self.text);
        if !matches!(value.kind, ValueKind::Word(_)) {
            self.mistakes
                .add("wrong-kind", value.span, format!("`{said}` names nothing"))
                .expected(one_of_kinds(kinds));
            return None;
        }
        if kinds == [Kind::WwClass] && said == super::declare::RESV_CLASS {
            return Some(Operand::Object(self.resv_class()));
        }
        let operand = self.operand(unit, value)?;
        let kind = match operand {
            Operand::Local(_) | Operand::Const(Value::Null) => return Some(operand),
            Operand::Object(id) => self.program.objects.get(usize::from(id.0)).and_then(|o| Kind::of(&o.kind)),
            Operand::Const(_) => None,
        };
        if kind.is_some_and(|kind| kinds.contains(&kind)) {
            return Some(operand);
        }
        let what = kind.map_or("a number", Kind::one);
        let declared = self.names.find(said).map(|(_, span)| span);
        self.mistakes
            .add("wrong-kind", value.span, format!("`{said}` is {what}"))
            .expected(one_of_kinds(kinds))
            .seen_if(declared, "declared here");
        None
    }

    /// A local that may hold a cursor.
    fn cursor_local(&mut self, unit: Option<&mut Unit<'a>>, value: &Written) -> Option<Operand> {
        let said = value.span.of(self.text);
        let local = unit.and_then(|unit| unit.read(said, value.span));
        if local.is_none() {
            let symbol = self.names.find(said);
            let message =
                symbol.map_or(format!("there is no local `{said}`"), |(s, _)| format!("`{said}` is {}", s.one()));
            self.mistakes
                .add("no-cursor", value.span, message)
                .expected("a local that holds a cursor")
                .help(format!(
                    "`iter-begin RESV usage=USAGE into={}` makes one",
                    if symbol.is_some() { "it" } else { said }
                ))
                .seen_if(symbol.map(|(_, declared)| declared), "declared here");
        }
        local.map(Operand::Local)
    }

    /// A number that a word of the model has room for.
    pub(super) fn word(&mut self, number: i64, span: Span) -> Option<Value> {
        let word = Value::of(number);
        if word.is_none() {
            self.mistakes.add("number", span, format!("the model has no room for {number}")).expected(
                "one of 48 bits with a sign; above, a power of two, a mask, or what is near the ends of s64 and u64",
            );
        }
        word
    }

    fn number(&mut self, value: &Written, min: i32, max: i32) -> Option<i32> {
        let number = match &value.kind {
            ValueKind::Int(number) => i32::try_from(*number).ok(),
            ValueKind::Word(word) => names::constant(word).and_then(Value::word),
            ValueKind::Text { .. } => None,
        };
        let fits = number.filter(|number| (min..=max).contains(number));
        if fits.is_none() {
            let said = value.span.of(self.text);
            let expected = match (min, max) {
                (0, 0) => "0: times are not modelled, a timeout may strike at any moment".to_owned(),
                (-4095, -1) => "an errno such as -EIO".to_owned(),
                _ => format!("a number from {min} to {max}"),
            };
            self.mistakes.add("number", value.span, format!("`{said}` is not allowed here")).expected(expected);
        }
        fits
    }

    fn one_of(&mut self, words: &'static [&'static str], value: &Written) -> Option<&'static str> {
        let said = value.span.of(self.text);
        let found = words.iter().copied().find(|word| *word == said);
        if found.is_none() {
            self.mistakes
                .add("which-word", value.span, format!("`{said}` is not one of these"))
                .expected(list(words.iter().copied()))
                .help_if(did_you_mean(said, words.iter().copied()));
        }
        found
    }

    pub(super) fn thread_of(&mut self, value: &Written) -> Option<ThreadId> {
        let said = value.span.of(self.text);
        let thread = self.thread_named(&names::parts(said));
        if thread.is_none() {
            let help = match self.names.find(said) {
                Some((Symbol::Thread { .. }, _)) => Some(format!("there are several: name one, `{said}.0`")),
                _ => did_you_mean(said, self.names.threads().map(|(name, ..)| name)),
            };
            self.mistakes
                .add("unknown-thread", value.span, format!("`{said}` is no thread"))
                .expected("the name of a thread")
                .help_if(help);
        }
        thread
    }

    /// The interrupt handler `vblank`; of several the first, for they have one line.
    fn irq_of(&mut self, value: &Written) -> Option<ThreadId> {
        let said = value.span.of(self.text);
        let found = match self.names.find(said) {
            Some((Symbol::Thread { first, .. }, _)) if self.irqs.iter().any(|(irq, _)| *irq == first) => Some(first),
            _ => None,
        };
        if found.is_none() {
            self.mistakes
                .add("irq", value.span, format!("`{said}` is no interrupt handler"))
                .expected("the name of an `irq NAME on=THREAD|any { … }`");
        }
        found
    }

    /// The thread `cpu`, or `w.1` of several.
    pub(super) fn thread_named(&self, parts: &[String]) -> Option<ThreadId> {
        let Some((Symbol::Thread { first, count }, _)) = self.names.find(parts.first()?) else {
            return None;
        };
        match (count, parts) {
            (None, [_]) => Some(first),
            (Some(count), [_, number]) => {
                let number: u8 = number.parse().ok().filter(|number| *number < count)?;
                Some(ThreadId(first.0.saturating_add(number)))
            }
            _ => None,
        }
    }

    /// The slot that this `new` prefers.
    fn fresh_slot(&mut self, value: &Written) -> Option<Operand> {
        let said = value.span.of(self.text);
        let Some((Symbol::Struct(of), _)) = self.names.find(said) else {
            let help = did_you_mean(said, self.names.names(|symbol| matches!(symbol, Symbol::Struct(_))));
            self.mistakes
                .add("unknown-struct", value.span, format!("`{said}` is no struct"))
                .expected("the name of a `struct`")
                .help_if(help);
            return None;
        };
        let slots = self.program.structs.get(of)?.slots.clone();
        let turn = self.allocations.get_mut(of)?;
        let slot = slots.start + (*turn % slots.len().max(1)) as u8;
        *turn += 1;
        Some(Operand::Object(ObjId(slot)))
    }

    fn whole_array(&mut self, value: &Written) -> Option<Place> {
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

    /// A variable, an element or a field.
    pub(super) fn place(&mut self, unit: &mut Unit<'a>, value: &Written, at: Option<&Written>) -> Option<Place> {
        let said = value.span.of(self.text);
        let parts = match &value.kind {
            ValueKind::Word(word) => names::parts(word),
            _ => Vec::new(),
        };
        let symbol = parts.first().and_then(|name| self.names.find(name));
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
            ([base, field], _) => {
                self.refuse_index(at, said);
                self.field_place(unit, base, field, value.span)
            }
            (_, symbol) => {
                self.tell_no_place(said, value.span, symbol, unit);
                None
            }
        }
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

    pub(super) fn element(&mut self, first: ObjId, len: u8, index: Operand, span: Span) -> Option<Place> {
        let Operand::Const(known) = index else {
            return Some(Place::Element { first, len, index });
        };
        match known.word().and_then(|word| u8::try_from(word).ok()).filter(|word| *word < len) {
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

    pub(super) fn field_place(&mut self, unit: &mut Unit<'a>, base: &str, field: &str, span: Span) -> Option<Place> {
        let Some(local) = unit.read(base, span) else {
            let locals = unit.local_names();
            let known = self.names.find(base);
            if let Some((symbol, declared)) = known {
                let word = self.program.vars.iter().any(|var| var.name == format!("{base}.{field}"));
                let help = "an operation of the object reads it, and a condition in `expect` sees it";
                self.mistakes
                    .add("not-a-place", span, format!("`{base}` is {}, which has no fields", symbol.one()))
                    .expected("a local that refers to an object of a struct")
                    .help_if(word.then(|| format!("`{base}.{field}` is a word of its own: {help}")))
                    .seen(declared, "declared here");
            } else {
                self.tell_unknown_name(base, span, &locals);
            }
            return None;
        };
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
        Some(Place::Field { base: Operand::Local(local), field })
    }

    /// Puts operands into the program's pool.
    pub(super) fn pool(&mut self, operands: &[Operand]) -> PoolRange {
        let pool = &mut self.program.pool;
        let len = operands.len();
        // The same list again, as an unrolled loop makes it, needs no new place.
        let known = pool.windows(len.max(1)).position(|window| window == operands);
        let start = known.unwrap_or_else(|| {
            pool.extend_from_slice(operands);
            pool.len() - len
        });
        let byte = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);
        PoolRange { start: byte(start), len: byte(len) }
    }
}

/// A reference to a declared object, as a value.
pub(super) fn reference(obj: ObjId) -> Value {
    Value::Ref(Handle { obj, generation: 0 })
}

fn one_of_kinds(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| kind.one()).collect::<Vec<_>>().join(" or ")
}

/// A local that nothing can be done about: it stands for one too many.
pub(super) const NO_LOCAL: LocalId = LocalId(0);
