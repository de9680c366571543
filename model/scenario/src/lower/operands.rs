//! What one word on a line stands for: an object, a local, a number, a thread. How a line is sorted is in `options`,
//! what names a shared word in `places`.

use fenceweave_kernel::primitives::slab::ops::WordAddress;
use fenceweave_kernel::program::PoolRange;
use fenceweave_kernel::{Errno, Handle, Instr, LocalId, ObjId, Operand, ThreadId, Value, fixed};

use super::names::{self, PerThread, Symbol};
use super::script::Unit;
use super::{Lower, list, place};
use crate::mistakes::{Span, did_you_mean};
use crate::ops::{Given, Takes};
use crate::syntax::{Value as Written, ValueKind};
use fenceweave_kernel::Kind;

impl<'a> Lower<'a> {
    /// Resolves one operand or option value; `None` if a mistake was told.
    pub(super) fn given(&mut self, unit: Option<&mut Unit<'a>>, takes: Takes, value: &Written) -> Option<Given> {
        match takes {
            Takes::Object(kinds) => self.object_of(unit, kinds, value).map(Given::Operand),
            Takes::Value => self.operand(unit, value).map(Given::Operand),
            Takes::Number { min, max } => self.number(value, min, max).map(Given::Number),
            Takes::OneOf(words) => self.one_of(words, value).map(Given::Word),
            Takes::Type => self.type_of_word(value).map(|_| Given::Flag),
            Takes::Thread => self.thread_of(value).map(Given::Thread),
            Takes::Irq => self.irq_of(value).map(Given::Thread),
            Takes::Array => self.whole_array(value).map(Given::Place),
            Takes::PageTable => self.page_table(value).map(Given::Place),
            Takes::Cursor => self.cursor_local(unit, value).map(Given::Operand),
            Takes::Local => self.own_local(unit, value).map(Given::Operand),
            Takes::Struct => self.fresh_slot(value).map(Given::Operand),
            Takes::Member => self.member_path(value).map(Given::Member),
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

    fn word_operand(&mut self, mut unit: Option<&mut Unit<'a>>, word: &str, span: Span) -> Option<Operand> {
        if let Some(value) = names::constant(word) {
            return Some(Operand::Const(value));
        }
        if let Some((Symbol::Number(number), _)) = self.names.find(word).filter(|_| word.contains('.')) {
            return self.word(number, span).map(Operand::Const);
        }
        let parts = names::parts(word);
        if let Some(unit) = unit.as_deref_mut()
            && word.starts_with('&')
            && let Some(address) = self.address_of_word(unit, word, &parts, span)
        {
            return address;
        }
        if let Some(unit) = unit.as_deref_mut().filter(|unit| word.starts_with('*') && self.is_read(unit, word)) {
            return self.follow(unit, word, span).map(Operand::Local);
        }
        if let Some(unit) = unit.as_deref_mut().filter(|unit| self.is_read(unit, word)) {
            // In a function the pointers on the way are read first.
            return self.follow_to(unit, &parts, span);
        }
        let [name] = parts.as_slice() else {
            if let Some(unit) = unit {
                if unit.local(&parts[0]).is_some()
                    && let Some(member) = self.member_operand(unit, &parts, span)
                {
                    return Some(member);
                }
                self.tell_path(unit, word, &parts, span);
                return None;
            }
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

    /// `&b.size`, `&total`: the address of a word. `None` if it is none, `Some(None)` if a mistake was told.
    fn address_of_word(
        &mut self,
        unit: &mut Unit<'a>,
        word: &str,
        parts: &[String],
        span: Span,
    ) -> Option<Option<Operand>> {
        let (first, last) = (parts.first()?, parts.last()?);
        let is_var = matches!(self.names.find(first), Some((Symbol::Var { .. }, _)));
        let of_local = unit.local(first).is_some() && parts.len() > 1 && self.is_field(last);
        if self.is_member(unit, word) || !(of_local || is_var) {
            return None;
        }
        let bare = Written {
            kind: ValueKind::Word(parts.join(".")),
            span: Span::new(span.start as usize + 1, span.end as usize),
        };
        let Some(place) = self.place(unit, &bare, None) else { return Some(None) };
        let into = unit.hidden();
        let op = WordAddress { place }.into();
        unit.emit(Instr::Op { op, into: Some(into), may_fail: None });
        unit.calculated.push(into);
        Some(Some(Operand::Local(into)))
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
            Some((Symbol::Number(number), _)) => self.word(number, span).map(Operand::Const),
            Some((Symbol::Table(value), _)) => Some(Operand::Const(Value::Word(value))),
            Some((Symbol::PerThread(what), _)) => {
                let unit = unit?;
                Some(Operand::Object(self.own_context(unit, name, what)))
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
            // Every address space has one, whether or not something before this takes it.
            None if name == super::declare::MMAP_LOCK => Some(self.current_mmap_lock(unit.as_deref(), span)),
            None => {
                if let Some(value) = self.function_value(name) {
                    return Some(Operand::Const(value));
                }
                let locals = unit.map(|unit| unit.local_names()).unwrap_or_default();
                self.tell_unknown_name(name, span, &locals);
                None
            }
        }
    }

    /// The acquire context or set of locks that this thread has of its own under that name.
    fn own_context(&mut self, unit: &Unit<'a>, name: &str, what: PerThread) -> ObjId {
        let owned = format!("{}.{name}", unit.acting.as_deref().unwrap_or(unit.name()));
        if let Some(at) = self.program.objects.iter().position(|object| object.name == owned) {
            return place(at);
        }
        match what {
            PerThread::Exec => self.exec_object(&owned),
            PerThread::Ctx { class } => self.object(owned, fixed::AcquireCtx { class: class.unwrap_or_default() }),
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
                    "a proc is called as `{name} …`, or given to `add-callback`, `hook`, `call-rcu func=` or `callback NAME run=`; a `fn` is a value, too"
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
        if kinds == [Kind::Device] && self.thread_named(&super::names::parts(said)).is_some() {
            let declared = self.names.find(&super::names::parts(said)[0]).map(|(_, span)| span);
            self.mistakes
                .add("wrong-kind", value.span, format!("`{said}` is no device that jobs are submitted to"))
                .expected("a `device NAME ARGUMENT queue=fifo { … }`")
                .seen_if(declared, "declared here");
            return None;
        }
        let operand = self.operand(unit, value)?;
        let kind = match operand {
            Operand::Local(_) | Operand::Const(Value::Null) => return Some(operand),
            Operand::Object(id) => self.program.objects.get(id.index()).and_then(|o| Kind::of(&o.kind)),
            Operand::Const(_) => None,
            Operand::Member { path, .. } => {
                let path = self.program.field_names.get(usize::from(path.0)).cloned().unwrap_or_default();
                let found = self.member_kinds(&path);
                found.iter().copied().find(|kind| kinds.contains(kind)).or(found.first().copied())
            }
        };
        if kind.is_some_and(|kind| kinds.contains(&kind)) {
            return Some(operand);
        }
        let what = kind.map_or("a number", Kind::one);
        let declared = self.names.find(said).map(|(_, span)| span);
        // What `list_add()` is given in the kernel is the `list_head` inside of the entry.
        let inside = said.rsplit_once('.').or_else(|| said.rsplit_once("->"));
        let own = inside.filter(|_| kinds.contains(&Kind::ListNode) && kind == Some(Kind::List));
        let help = own.map(|(object, member)| {
            format!(
                "what links it is a `{member} type=list-node`, and `list LIST of=STRUCT.{member}`; or an object is its own \
                 entry: write `{object}` for `{said}`, as in `list-add LIST {object}`"
            )
        });
        self.mistakes
            .add("wrong-kind", value.span, format!("`{said}` is {what}"))
            .expected(one_of_kinds(kinds))
            .seen_if(declared, "declared here")
            .help_if(help);
        None
    }

    /// A local that may hold a cursor.
    fn cursor_local(&mut self, unit: Option<&mut Unit<'a>>, value: &Written) -> Option<Operand> {
        self.changed_local(unit, value, "no-cursor", "a local that holds a cursor", |said| {
            format!("`iter-begin RESV usage=USAGE into={said}` makes one")
        })
    }

    /// A local whose number is read, and replaced.
    fn own_local(&mut self, unit: Option<&mut Unit<'a>>, value: &Written) -> Option<Operand> {
        let expected = "a local that holds a number, and gets another one";
        self.changed_local(unit, value, "no-local", expected, |said| {
            let name = if said == "it" { "i" } else { said };
            format!("`let {name}=0` makes one: give `{name}` here")
        })
    }

    /// A local that is changed in place. Where there is none of the name, `help` is told one that could be made: `it`
    /// where the name is something else's.
    fn changed_local(
        &mut self,
        unit: Option<&mut Unit<'a>>,
        value: &Written,
        code: &'static str,
        expected: &str,
        help: impl Fn(&str) -> String,
    ) -> Option<Operand> {
        let said = value.span.of(self.text);
        let local = unit.and_then(|unit| unit.read(said, value.span));
        if local.is_none() {
            let symbol = self.names.find(said);
            let message =
                symbol.map_or(format!("there is no local `{said}`"), |(s, _)| format!("`{said}` is {}", s.one()));
            self.mistakes
                .add(code, value.span, message)
                .expected(expected)
                .help(help(if symbol.is_some() { "it" } else { said }))
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
            ValueKind::Word(word) => {
                let named = self.number_named(value).and_then(|number| i32::try_from(number).ok());
                names::constant(word).and_then(Value::word).or(named)
            }
            ValueKind::Text { .. } => {
                let told = self.mistakes.count();
                let number = self.named_number(value).and_then(|number| i32::try_from(number).ok());
                if self.mistakes.count() > told {
                    return None;
                }
                number
            }
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

    /// A thread by its name, or of several one by its number.
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
        let named = self.names.find(said).map(|(symbol, _)| symbol);
        let line = |id| self.program.fixed::<fixed::IrqLine>(id).filter(|line| line.raised.is_some());
        let found = match named {
            Some(Symbol::Thread { first, .. }) => self.irqs.iter().any(|(irq, _)| *irq == first).then_some(first),
            Some(Symbol::Object { id, .. }) => line(id).map(|line| line.handler),
            _ => None,
        };
        if found.is_none() {
            self.mistakes
                .add("irq", value.span, format!("`{said}` is no interrupt handler"))
                .expected("the name of an `irq NAME on=THREAD|any { … }`, or of an `irq-line`");
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
        let slot = ObjId::numbered(slots.start).offset(*turn % slots.len().max(1));
        *turn += 1;
        Some(Operand::Object(slot))
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
        PoolRange { start: u16::try_from(start).unwrap_or(u16::MAX), len: u8::try_from(len).unwrap_or(u8::MAX) }
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
