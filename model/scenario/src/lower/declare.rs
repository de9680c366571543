//! Declarations: what exists, under which name. The first pass makes the objects and words, the second completes what
//! refers to other names, so that their order does not matter. What a declaration that is one object makes its row
//! says; those of several are made here and in `containers` and `syncobj`.

use fenceweave_kernel::kind::OfKind;
use fenceweave_kernel::program::{FenceOps, FieldName, Members, PageTable, Premise, SlabKind, StructDecl, VarDecl};
use fenceweave_kernel::{MAX_VARS, ObjId, ObjectKind, Operand, Type, Value, fixed, resv, syncobj, ww};

use super::containers;
use super::members::Fields;
use super::names::{PerThread, Symbol, is_name};
use super::options::Options;
use super::script::Unit;
use super::{Lower, list, place, premise};
use crate::decls::{self, DeclRow};
use crate::mistakes::Span;
use crate::ops::{Args, Given, Takes};
use crate::syntax::{self, Name, Node, ValueKind};
use crate::variants;
use fenceweave_kernel::Kind;

/// The class of reservations that say nothing else.
pub(super) const RESV_CLASS: &str = "reservation_ww_class";
/// The semaphore of the address space.
pub(super) const MMAP_LOCK: &str = "mmap_lock";
/// Most elements of an array in a struct.
const ELEMENTS_MAX: i64 = 24;
/// Fence lists of a reservation: one in use, and those that were replaced but wait for a grace period. Since the
/// reserved slots end with each hold of the lock, every submitter makes a new one.
const LISTS: u8 = 4;

/// How many pages a page table has that says nothing.
const PAGES: u16 = 4;

/// A declaration whose options refer to other names, to be completed when all names are known.
pub(super) struct Open<'a> {
    pub(super) node: &'a Node,
    pub(super) spec: &'static DeclRow,
    pub(super) name: Name,
    pub(super) symbol: Symbol,
}

impl<'a> Lower<'a> {
    /// Declares everything in two passes, so that order does not matter.
    pub(super) fn declare(&mut self, nodes: &[&'a Node]) {
        let mut open = Vec::new();
        self.note_structs(nodes);
        self.constants(nodes);
        for node in nodes {
            let Some(spec) = decls::named(&node.name.text) else {
                continue;
            };
            if node.broken {
                continue;
            }
            self.declare_all(node, spec, &mut open);
        }
        self.collect_procs(nodes);
        self.collect_values(nodes);
        self.note_functions(nodes);
        for declared in &open {
            self.complete(declared);
        }
    }

    fn declare_all(&mut self, node: &'a Node, spec: &'static DeclRow, open: &mut Vec<Open<'a>>) {
        let options = self.options(node, spec.name, spec.options);
        if options.operands.is_empty() {
            self.mistakes
                .add("no-name", node.head, format!("this `{}` has no name", spec.name))
                .expected(format!("`{} NAME`", spec.name));
        }
        if spec.kind != Some(Kind::Struct)
            && spec.kind != Some(Kind::Module)
            && spec.name != containers::ARRAY
            && let Some(block) = &node.block
        {
            let at = Span::new(block.span.start as usize, block.span.start as usize + 1);
            self.mistakes.add("block", at, format!("`{}` takes no block", spec.name)).expected("the end of the line");
        }
        for value in &options.operands {
            let text = value.span.of(self.text);
            let word = matches!(value.kind, ValueKind::Word(_));
            if !word || !is_name(text) {
                self.mistakes
                    .add("name", value.span, format!("`{text}` cannot be a name"))
                    .expected("letters, digits, `-` and `_`, beginning with a letter");
                // A bad word is declared all the same: that it is bad is told once, not at every use.
                if !word || super::names::constant(text).is_some() {
                    continue;
                }
            }
            let name = Name { text: text.to_owned(), span: value.span };
            self.tell_loose_node(node, spec);
            let first = self.program.objects.len();
            let symbol = self.allocate(node, spec, &name, &options, open);
            if spec.kind.is_some() && options.has("weak") {
                self.program.weak.extend((first..self.program.objects.len()).map(ObjId::object));
            }
            self.declare_name(&name, symbol);
            open.push(Open { node, spec, name, symbol });
        }
    }

    /// Declares a name, unless it means something already.
    pub(super) fn declare_name(&mut self, name: &Name, symbol: Symbol) {
        if let Some((other, span)) = self.names.find(&name.text) {
            self.mistakes
                .add("declared-twice", name.span, format!("`{}` is {} already", name.text, other.one()))
                .expected("another name")
                .seen(span, "declared here");
        } else if super::names::constant(&name.text).is_some() {
            self.mistakes
                .add("name", name.span, format!("`{}` is a constant of the kernel", name.text))
                .expected("another name");
        } else {
            self.names.declare(&name.text, symbol, name.span);
        }
    }

    /// Makes the objects and words of a declaration.
    pub(super) fn allocate(
        &mut self,
        node: &'a Node,
        spec: &DeclRow,
        name: &Name,
        options: &Options<'a>,
        open: &mut Vec<Open<'a>>,
    ) -> Symbol {
        if options.has("per-thread") {
            let is_set = spec.kind == Some(Kind::Exec);
            return Symbol::PerThread(if is_set { PerThread::Exec } else { PerThread::Ctx { class: None } });
        }
        if spec.kind == Some(Kind::Struct) {
            return self.structure(node, name, options, open);
        }
        match spec.make {
            Some(make) => self.one(name, make(&known(options))),
            None => {
                by_hand(spec.name).expect("a test says that each is made by its row or here")(self, node, name, options)
            }
        }
    }

    /// A declaration that is one object.
    fn one(&mut self, name: &Name, object: ObjectKind) -> Symbol {
        let kind = Kind::of(&object).expect("only what an author knows has a word");
        Symbol::Object { id: self.object(name.text.clone(), object), kind }
    }

    /// `lock NAME kind=K`
    fn lock(&mut self, name: &Name, options: &Options<'a>) -> Symbol {
        let object = match options.word("kind") {
            kind if kind != Some("mutex") && self.is_only_of_mutexes(options) => fixed::Spinlock.into(),
            Some("mutex") => fixed::Mutex { config: ww::kind::config(&known(options)) }.into(),
            Some("rwsem") => fixed::RwSem.into(),
            Some("map") => fixed::LockMap.into(),
            _ => fixed::Spinlock.into(),
        };
        self.one(name, object)
    }

    /// `fence NAME`, of a context of its own unless it says otherwise.
    fn fence(&mut self, name: &Name, options: &Options<'_>) -> Symbol {
        let fence = self.fixed_fence(options);
        let symbol = self.one(name, fence.into());
        if let Symbol::Object { id, .. } = symbol
            && options.has("spare")
        {
            self.program.stubs.push(id);
        }
        symbol
    }

    fn fixed_fence(&self, options: &Options<'_>) -> fixed::Fence {
        fixed::Fence {
            context: options.number("context").map_or_else(|| self.fresh_context(), |n| n.clamp(0, 255) as u8),
            seqno: options.number("seqno").and_then(|n| u16::try_from(n).ok()).unwrap_or(1),
            initialised: !options.has("uninitialised") && !options.has("spare"),
            ops: FenceOps {
                seqno64: options.has("seqno64"),
                stay: options.has("ops-stay"),
                typesafe: options.has("typesafe-by-rcu"),
                ..FenceOps::default()
            },
        }
    }

    /// Tells of a flag that says something about mutexes only.
    fn is_only_of_mutexes(&mut self, options: &Options<'a>) -> bool {
        let found = options.all().find(|(opt, ..)| ["no-handoff", "optimistic-spin"].contains(&opt.name));
        if let Some((opt, span, _)) = found {
            self.mistakes
                .add("flag", span, format!("`{}` is about mutexes", opt.name))
                .expected("`kind=mutex` beside it");
        }
        found.is_some()
    }

    /// A fence context that nobody has. `dma_fence_context_alloc()` counts upwards, and an unwrap merge puts fences in
    /// the order of their contexts; those that authors write are at most 200.
    pub(super) fn fresh_context(&self) -> u8 {
        let used = |context: &u8| {
            let kinds = self.program.objects.iter().map(|object| &object.kind);
            kinds.filter_map(fixed::Fence::of).any(|fence| fence.context == *context)
        };
        (201..=u8::MAX).chain((0..=200).rev()).find(|context| !used(context)).unwrap_or(u8::MAX)
    }

    fn variables(&mut self, name: &Name, options: &Options<'_>) -> Symbol {
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
    fn page_table_declared(&mut self, name: &Name, options: &Options<'_>) -> Symbol {
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
    pub(super) fn type_of_word(&mut self, value: &crate::syntax::Value) -> Option<Type> {
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
    pub(super) fn own_words(&mut self, name: &Name, fields: impl IntoIterator<Item = String>) -> ObjId {
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
    fn declare_weak(&mut self, weak: bool) {
        self.program.weak.extend(weak.then(|| ObjId::var(self.program.vars.len().min(MAX_VARS - 1))));
    }

    /// `struct group slots=2 { refs 1; state 0 }`
    fn structure(&mut self, node: &'a Node, name: &Name, options: &Options<'_>, open: &mut Vec<Open<'a>>) -> Symbol {
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
    pub(super) fn field_words(&mut self, fields: &Fields<'a>, slots: &[String], weak: bool) -> usize {
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
    pub(super) fn fields(&mut self, node: &'a Node) -> Fields<'a> {
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
    pub(super) fn array_len(&mut self, field: &Node) -> Option<u8> {
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
    pub(super) fn note_arrays(&mut self, of: usize, fields: &Fields<'a>) {
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

    fn reservation(&mut self, name: &Name, variant: resv::Variant, debug_mutexes: bool) -> Symbol {
        let lock = self.next_object();
        let id = |offset| lock.offset(offset);
        self.object(name.text.clone(), fixed::WwMutex { class: ObjId::default(), resv: Some(id(1)) });
        self.object(
            format!("{}.fences", name.text),
            fixed::Resv { lock, lists: (id(2), LISTS), variant, debug_mutexes },
        );
        for i in 0..LISTS {
            self.object(format!("{}.list{i}", name.text), fixed::FenceList);
        }
        Symbol::Object { id: id(1), kind: Kind::Resv }
    }

    /// A set of locks with its acquire context, which is of the class of reservations.
    pub(super) fn exec_object(&mut self, name: &str) -> ObjId {
        let class = self.resv_class();
        let ctx = self.object(format!("{name}.ctx"), fixed::AcquireCtx { class });
        self.object(name.to_owned(), fixed::Exec { ctx })
    }

    /// The second pass: options that refer to names.
    fn complete(&mut self, declared: &Open<'a>) {
        match declared.symbol {
            Symbol::Var { first, len } => self.complete_var(declared, first, len),
            Symbol::Struct(of) => self.complete_struct(declared, of),
            Symbol::Object { id, .. } => self.complete_object(declared, id),
            Symbol::PerThread(PerThread::Exec)
            | Symbol::Thread { .. }
            | Symbol::Number(_)
            | Symbol::Numbers
            | Symbol::Type(_)
            | Symbol::Table(_) => {}
            Symbol::PerThread(PerThread::Ctx { .. }) => {
                let class = Some(self.class(declared, false));
                let Name { text, span } = &declared.name;
                self.names.declare(text, Symbol::PerThread(PerThread::Ctx { class }), *span);
            }
        }
    }

    /// Whatever it is: each of these looks at what it is about, and at nothing else.
    fn complete_object(&mut self, declared: &Open<'a>, id: ObjId) {
        self.complete_class(declared, id);
        self.complete_container(declared.node, id);
        self.complete_fence_lock(declared, id);
        self.complete_listed(declared, id);
        self.complete_callback(declared.node, id);
        self.complete_task_work(declared.node, id);
        self.complete_module(declared.node, id);
        self.complete_sg_list(declared, id);
        if declared.spec.name == "mm" {
            self.program.mms.push(id);
        }
    }

    /// `resv`, `ww-mutex` and `acquire-ctx NAME class=CLASS`
    fn complete_class(&mut self, declared: &Open<'a>, id: ObjId) {
        if let Some(fixed::Resv { lock, .. }) = self.program.fixed(id) {
            let lock = *lock;
            let class = self.class(declared, true);
            self.set_class(lock, class);
        } else if self.program.fixed::<fixed::WwMutex>(id).is_some()
            || self.program.fixed::<fixed::AcquireCtx>(id).is_some()
        {
            let class = self.class(declared, false);
            self.set_class(id, class);
        }
    }

    fn complete_var(&mut self, declared: &Open<'a>, first: ObjId, len: Option<u16>) {
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

    fn complete_struct(&mut self, declared: &Open<'a>, of: usize) {
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

    /// What a word of that type begins as; a number that it has no room for is a mistake.
    pub(super) fn fitting(&mut self, init: Value, ty: Type, span: Span) -> Value {
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

    /// `fence NAME… lock=LOCK`
    fn complete_fence_lock(&mut self, declared: &Open<'a>, id: ObjId) {
        let Some(value) = declared.node.option("lock").filter(|_| declared.spec.name == "fence") else { return };
        let Some(shared) = self.sibling(&declared.name, value, &[Kind::Lock]) else { return };
        if let Some(fixed::Fence { ops, .. }) = self.program.fixed_mut(id) {
            ops.lock = Some(shared);
        }
    }

    /// A value that is known before anything runs.
    pub(super) fn constant(&mut self, value: &crate::syntax::Value) -> Option<Value> {
        self.known_value(value)
    }

    /// The same, if it is no expression.
    pub(super) fn constant_operand(&mut self, value: &crate::syntax::Value) -> Option<Value> {
        match self.operand(None, value)? {
            Operand::Const(value) => Some(value),
            Operand::Object(obj) => Some(Value::Ref(fenceweave_kernel::Handle { obj, generation: 0 })),
            Operand::Local(_) | Operand::Member { .. } => None,
        }
    }

    /// The class that a declaration names, or the only one that there is.
    fn class(&mut self, declared: &Open<'a>, resv: bool) -> ObjId {
        if let Some(value) = declared.node.option("class") {
            let takes = Takes::Object(&[Kind::WwClass]);
            return match self.given(None, takes, value) {
                Some(Given::Operand(Operand::Object(class))) => class,
                _ => ObjId::default(),
            };
        }
        if resv {
            return self.resv_class();
        }
        let is_class = |symbol| matches!(symbol, Symbol::Object { kind: Kind::WwClass, .. });
        let classes: Vec<String> = self.names.names(is_class).map(str::to_owned).collect();
        let is_resv = |symbol| matches!(symbol, Symbol::Object { kind: Kind::Resv, .. });
        let has_resvs = self.names.names(is_resv).next().is_some();
        // Whoever wants the built-in one otherwise than it is declares it.
        let built_in = has_resvs && !classes.iter().any(|c| c == RESV_CLASS);
        match (classes.as_slice(), built_in) {
            ([only], false) => match self.names.find(only) {
                Some((Symbol::Object { id, .. }, _)) => id,
                _ => ObjId::default(),
            },
            ([], _) => self.resv_class(),
            (several, _) => {
                let known = several.iter().map(String::as_str).chain(built_in.then_some(RESV_CLASS));
                self.mistakes
                    .add(
                        "which-class",
                        declared.name.span,
                        format!("which class does `{}` belong to?", declared.name.text),
                    )
                    .expected(format!("`class=` one of {}", list(known)))
                    .help(format!("write `{} {} class={}`", declared.spec.name, declared.name.text, several[0]));
                ObjId::default()
            }
        }
    }

    /// The built-in class, made when it is first needed.
    pub(super) fn resv_class(&mut self) -> ObjId {
        let known = self.program.objects.iter().position(|object| object.name == RESV_CLASS);
        match known {
            Some(at) => place(at),
            None => self.object(
                RESV_CLASS.to_owned(),
                fixed::WwClass {
                    wound_wait: false,
                    variant: Default::default(),
                    inject_deadlock: 0,
                    config: Default::default(),
                },
            ),
        }
    }

    /// The semaphore of the address space, made when it is first needed: or the one that the author declared.
    pub(super) fn mmap_lock(&mut self, thread: &str, span: Span) -> ObjId {
        if let Some(mm) = self.mm_of(thread, span) {
            return mm;
        }
        match self.names.find(MMAP_LOCK) {
            Some((Symbol::Object { id, kind: Kind::RwSem }, _)) => id,
            Some((other, declared)) => {
                self.mistakes
                    .add("wrong-kind", span, format!("`{MMAP_LOCK}` is {}", other.one()))
                    .expected(Kind::RwSem.one())
                    .seen(declared, "declared here");
                ObjId::default()
            }
            None => {
                let id = self.object(MMAP_LOCK.to_owned(), fixed::RwSem);
                self.names.declare(MMAP_LOCK, Symbol::Object { id, kind: Kind::RwSem }, span);
                id
            }
        }
    }

    /// `&current->mm->mmap_lock`. A function may be there for threads that have an `mm` and for others: of those it is
    /// NULL.
    pub(super) fn current_mmap_lock(&mut self, unit: Option<&Unit<'a>>, span: Span) -> Operand {
        match unit {
            Some(unit) if self.has_no_mm(unit) => Operand::Const(Value::Null),
            unit => {
                let thread = unit.map_or(String::new(), |unit| unit.name().to_owned());
                Operand::Object(self.mmap_lock(&thread, span))
            }
        }
    }

    /// Whether this is a function as a thread of the kernel has it, which has no user memory.
    pub(super) fn has_no_mm(&self, unit: &Unit<'a>) -> bool {
        let is_thread = self.names.threads().any(|(name, ..)| Some(name) == unit.name().split('.').next());
        unit.is_function() && !self.program.mms.is_empty() && is_thread && !self.mms.contains_key(unit.name())
    }

    /// The semaphore of the address space that a thread runs in, where several are declared.
    pub(super) fn mm_of(&mut self, thread: &str, span: Span) -> Option<ObjId> {
        let first = self.program.mms.first().copied()?;
        // What nobody calls is looked at for its mistakes, as nobody's.
        let nobodys = self.names.threads().all(|(name, ..)| name != thread.split('.').next().unwrap_or_default());
        let mm = self.mms.get(thread).copied().or(nobodys.then_some(first));
        if mm.is_none() {
            self.mistakes
                .add("mm", span, format!("which address space is `{thread}` in?"))
                .expected(format!("`thread {thread} mm=NAME`"))
                .help("a kernel thread has none, and no user memory");
        }
        mm.or(Some(first))
    }

    /// Tells the program which semaphore is the address space's, if there is one.
    pub(super) fn find_mmap_lock(&mut self) {
        if let Some((Symbol::Object { id, kind: Kind::RwSem }, _)) = self.names.find(MMAP_LOCK) {
            self.program.mmap_lock = Some(id);
        }
    }

    fn set_class(&mut self, id: ObjId, to: ObjId) {
        if let Some(mutex) = self.program.fixed_mut::<fixed::WwMutex>(id) {
            mutex.class = to;
        } else if let Some(ctx) = self.program.fixed_mut::<fixed::AcquireCtx>(id) {
            ctx.class = to;
        }
    }
}

/// A word of which nothing more is said, which is part of the outcome.
fn plain_word(name: String) -> VarDecl {
    VarDecl {
        name,
        init: Value::Word(0),
        ty: Type::S64,
        racy: false,
        observed: true,
        premise: Premise::Nothing,
        keys: vec![],
    }
}

/// The name of an array's element.
pub(super) fn element_name(array: &str, at: u8) -> String {
    format!("{array}[{at}]")
}

fn variant_of<V: Copy, const N: usize>(all: &[(&'static str, V); N], options: &Options<'_>) -> V {
    variants::of_word(all, options.word("variant"))
}

/// How a declaration is made.
type Make<'a> = fn(&mut Lower<'a>, &'a Node, &Name, &Options<'a>) -> Symbol;

/// What is more than one object, or has to look at the others: the declarations whose row has no `make`.
fn by_hand<'a>(word: &str) -> Option<Make<'a>> {
    Some(match word {
        "var" => |lower, _, name, options| lower.variables(name, options),
        "page-table" => |lower, _, name, options| lower.page_table_declared(name, options),
        "lock" => |lower, _, name, options| lower.lock(name, options),
        "fence" => |lower, _, name, options| lower.fence(name, options),
        containers::ARRAY => |lower, node, name, options| lower.fence_array(node, name, options),
        containers::CHAIN => |lower, _, name, options| lower.fence_chain(name, options),
        "xarray" => |lower, _, name, options| lower.xarray(name, options),
        "sg-list" => |lower, _, name, options| lower.sg_list(name, options),
        "memory" => |lower, _, name, options| lower.memory_pool(name, options),
        "syncobj" => |lower, _, name, options| lower.syncobj(name, variant_of(&syncobj::Variant::ALL, options)),
        "resv" => |lower, _, name, options| {
            lower.reservation(name, variant_of(&resv::Variant::ALL, options), options.has("debug-mutexes"))
        },
        "exec" => |lower, _, name, _| Symbol::Object { id: lower.exec_object(&name.text), kind: Kind::Exec },
        _ => return None,
    })
}

/// What is known of a declaration before all names are: numbers, words and flags.
pub(super) fn known(options: &Options<'_>) -> Args {
    let mut args = Args::default();
    for (opt, _, value) in options.all() {
        let given = match (opt.takes, value) {
            (_, None) => Some(Given::Flag),
            (Some(Takes::Number { .. }), Some(_)) => options.number(opt.name).map(Given::Number),
            (Some(Takes::OneOf(_)), Some(_)) => options.word(opt.name).map(Given::Word),
            _ => None,
        };
        given.into_iter().for_each(|given| args.give(opt.name, given));
    }
    args
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_declaration_is_made_by_its_row_or_by_hand() {
        for row in crate::decls::all() {
            let by_hand = super::by_hand(row.name).is_some() || row.name == "struct";
            assert_ne!(row.make.is_some(), by_hand, "{}", row.name);
        }
    }
}
