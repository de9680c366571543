//! Declarations: what exists, under which name. The first pass makes the objects and words, the second completes what
//! refers to other names, so that their order does not matter. What a declaration that is one object makes its row
//! says; those of several are made here and in `containers` and `syncobj`.

use fenceweave_kernel::kind::OfKind;
use fenceweave_kernel::program::{FenceOps, Premise, VarDecl};
use fenceweave_kernel::{ObjId, ObjectKind, Operand, Type, Value, fixed, resv, syncobj, ww};

use super::containers;
use super::names::{PerThread, Symbol, is_name};
use super::options::Options;
use super::{Lower, list, place};
use crate::decls::{self, DeclRow};
use crate::mistakes::Span;
use crate::ops::{Args, Given, Takes};
use crate::syntax::{Name, Node, ValueKind};
use crate::variants;
use fenceweave_kernel::Kind;

mod mm;
mod structs;
mod words;

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
        self.complete_irq_work(declared.node, id);
        self.complete_module(declared.node, id);
        self.complete_sg_list(declared, id);
        self.complete_dma(declared, id);
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
        "dma-device" => |lower, _, name, options| lower.dma_device(name, options),
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
