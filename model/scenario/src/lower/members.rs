//! What is inside of a struct's objects besides words: `lock type=lock kind=mutex`, `fence type=fence`, another struct.
//! Each slot has its own, under names below its own: `bo#0.lock`. A script names them by a path from a local: `b.lock`.

use super::{
    Lower,
    declare::Open,
    list,
    names::{Symbol, parts},
    options::Options,
    place,
    script::Unit,
};
use crate::{
    decls::{self, DeclRow},
    kernel_names,
    mistakes::{Span, did_you_mean},
    ops::{Given, Opt, Takes, option},
    syntax::{Entry, Name, Node, Value as Written, ValueKind},
};
use fenceweave_kernel::program::{FieldName, Members, SlabKind, StructDecl};
use fenceweave_kernel::{Kind, LocalId, MAX_OBJECTS, ObjId, Operand, Type, Value, fixed};

/// The words of the declarations that can stand behind `type=`.
const KINDS: &[&str] = &[
    "lock",
    "list",
    "xarray",
    "list-node",
    "tree-node",
    "ordered",
    "ranges",
    "wait-queue",
    "completion",
    "refcount",
    "ww-mutex",
    "acquire-ctx",
    "fence",
    "callback",
    "resv",
    "exec",
    "srcu",
    "task-work",
    "irq-work",
    "rcu-head",
];
/// The items, which have a declaration of another form.
const ITEMS: &[&str] = &["work", "delayed-work", "timer"];
/// Structs inside of structs, at most so deep.
const DEPTH_MAX: usize = 8;
/// What says what a member is.
static TYPE: Opt = option("type", Takes::Value, "what it is");
/// What says how many there are.
static LEN: Opt = option("len", Takes::Value, "how many there are");

/// What a struct is made of, as it is written.
#[derive(Default)]
pub(super) struct Fields<'a> {
    /// Its words, in their order.
    pub(super) words: Vec<(Name, Type)>,
    /// The references of a new object.
    pub(super) refs: Option<u8>,
    /// The number of words before them.
    pub(super) refs_at: usize,
    /// What else is inside.
    pub(super) members: Vec<Member<'a>>,
    /// Which of its words are arrays: the name, the first of them, and how many there are.
    pub(super) arrays: Vec<(String, usize, u8)>,
}

/// A member, as it is written.
pub(super) struct Member<'a> {
    node: &'a Node,
    what: What<'a>,
}

enum What<'a> {
    /// An object that a declaration makes.
    Kind(&'static DeclRow),
    /// A work item, which the workers of its queue run, or a timer: the word for it.
    Item(&'static str),
    /// Another struct.
    Struct(&'a Node),
}

impl<'a> Lower<'a> {
    /// The structs of the scenario by their names: one may be inside of another, wherever that stands.
    pub(super) fn note_structs(&mut self, nodes: &[&'a Node]) {
        for node in nodes.iter().filter(|node| node.name.text == "struct" && !node.broken) {
            for value in node.values() {
                self.structs.entry(value.span.of(self.text)).or_insert(node);
            }
        }
        let structs: Vec<(&'a str, &'a Node)> = self.structs.iter().map(|(name, node)| (*name, *node)).collect();
        for (name, node) in structs {
            for (field, inner) in self.structs_in(node) {
                let mut way = vec![inner];
                if inner == name || self.leads_to(inner, name, &mut way) {
                    self.tell_circle(field, name, &way);
                }
            }
        }
    }

    /// The structs inside of another.
    fn structs_in(&mut self, node: &'a Node) -> Vec<(&'a Node, &'a str)> {
        let fields = self.visible(node.children()).into_iter().filter(|field| field.values().next().is_none());
        let of = |field: &'a Node| Some((field, field.option("type")?.span.of(self.text)));
        fields.filter_map(of).filter(|(_, inner)| self.structs.contains_key(inner)).collect()
    }

    /// Whether a struct has another inside, and by which others.
    fn leads_to(&mut self, from: &'a str, to: &str, way: &mut Vec<&'a str>) -> bool {
        let Some(node) = self.structs.get(from).copied() else { return false };
        for (_, inner) in self.structs_in(node) {
            if inner == to {
                return true;
            }
            if !way.contains(&inner) {
                way.push(inner);
                if self.leads_to(inner, to, way) {
                    return true;
                }
                way.pop();
            }
        }
        false
    }

    fn tell_circle(&mut self, field: &'a Node, name: &str, way: &[&str]) {
        self.circular.insert(field.head.start);
        let by = if way == [name] { String::new() } else { format!(", by {}", list(way.iter().copied())) };
        let member = &field.name.text;
        self.mistakes
            .add("member", field.head, format!("`{name}` would be inside of itself{by}"))
            .expected("another struct, or a reference to one of its own, which is a word")
            .help(format!("write `{member} NULL`: what it points to is an object by itself"));
    }

    /// A field that says by its `type=` that it is no word, and begins with no value: a member. `None` of a word.
    pub(super) fn member(&mut self, field: &'a Node) -> Option<Member<'a>> {
        let said = field.option("type")?.span.of(self.text);
        if let Some(row) = decls::named(said).filter(|_| KINDS.contains(&said)) {
            return Some(Member { node: field, what: What::Kind(row) });
        }
        if let Some(item) = ITEMS.iter().find(|item| **item == said) {
            return Some(Member { node: field, what: What::Item(item) });
        }
        let inner = self.structs.get(said).copied()?;
        Some(Member { node: field, what: What::Struct(inner) })
    }

    /// `list_head lru`, `struct list_head lru`: how a field with a type before its name, as in C, is written.
    /// `fence idle` is a field if there is an `idle` that it can begin as.
    pub(super) fn c_member(&self, field: &Node) -> Option<String> {
        let word = |entry: &Entry| match (&entry.key, &entry.value.kind) {
            (None, ValueKind::Word(_)) => Some(entry.value.span.of(self.text)),
            _ => None,
        };
        let said: Vec<&str> = field.entries.iter().map(word).collect::<Option<_>>()?;
        let (ty, name, sure) = match (field.name.text.as_str(), said.as_slice()) {
            ("struct", [ty, name]) => (*ty, *name, true),
            (ty, [name]) => (ty, *name, ty.contains('_')),
            _ => return None,
        };
        let lower = name.starts_with(|c: char| c.is_ascii_lowercase());
        let nothing = || self.names.find(name).is_none() && !self.procs.contains_key(name);
        if !lower || !(sure || nothing()) {
            return None;
        }
        kernel_names::member(ty, name).or_else(|| self.structs.contains_key(ty).then(|| format!("{name} type={ty}")))
    }

    /// Tells a field as C writes it.
    pub(super) fn tell_c_member(&mut self, field: &Node) -> bool {
        let Some(written) = self.c_member(field) else { return false };
        self.mistakes
            .add("member", field.head, "the name of a field or a member comes first, and then what it is")
            .expected("`NAME INITIAL-VALUE [type=TYPE]`, or `NAME type=WHAT` of what is no word")
            .help(format!("write `{written}`"));
        true
    }

    /// Whether a struct has something that a typesafe slab would have to keep as it was.
    pub(super) fn refuse_typesafe(&mut self, node: &Node, fields: &Fields<'a>, slab: SlabKind) {
        let Some(first) = fields.members.first().filter(|_| slab == SlabKind::TypesafeByRcu) else { return };
        self.mistakes
            .add("member", first.node.head, "a typesafe slab initialises nothing, and a member begins with its object")
            .expected("a slab that is `plain` or `rcu-free`, or words alone")
            .seen(node.head, "declared here")
            .help("declare it beside the struct, and keep a reference to it in a word");
    }

    /// Makes what is inside of slots that were just made; the result is where it is.
    pub(super) fn inside(
        &mut self,
        slots: impl Iterator<Item = (ObjId, String)>,
        fields: &Fields<'a>,
        depth: usize,
        open: &mut Vec<Open<'a>>,
    ) -> Members {
        let first = self.program.objects.len();
        let (mut named, mut each) = (vec![], 0);
        for (at, (slot, name)) in slots.enumerate() {
            let begin = self.program.objects.len();
            for member in &fields.members {
                let made = self.make_member(member, &name, depth, open);
                made.iter().filter(|(path, _)| !path.contains('.')).for_each(|(_, id)| self.set_owner(*id, slot));
                if at == 0 {
                    named.extend(
                        made.into_iter().map(|(path, id)| (path, usize::from(id.number()).saturating_sub(begin))),
                    );
                }
            }
            each = self.program.objects.len() - begin;
            if depth == 0 {
                self.put_inside(slot, begin);
            }
        }
        let half = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let named = named.into_iter().map(|(path, at)| (self.field(&path), half(at))).collect();
        Members { first: place(first), each: half(each), named, arrays: vec![] }
    }

    /// Everything made since `begin` is inside of the slot, but for what is memory of its own.
    fn put_inside(&mut self, slot: ObjId, begin: usize) {
        let end = self.program.objects.len();
        if begin == end {
            return;
        }
        self.program.inside.resize(end, None);
        for at in begin..end {
            let separate = self.program.is::<fixed::FenceList>(ObjId::object(at));
            self.program.inside[at] = (!separate).then_some(slot);
        }
    }

    /// The members that one makes, by their paths.
    fn make_member(
        &mut self,
        member: &Member<'a>,
        outer: &str,
        depth: usize,
        open: &mut Vec<Open<'a>>,
    ) -> Vec<(String, ObjId)> {
        let own = member.node.name.text.as_str();
        let Some(len) = self.member_len(member) else { return self.make_one(member, own, outer, depth, open) };
        (0..len).flat_map(|at| self.make_one(member, &format!("{own}.{at}"), outer, depth, open)).collect()
    }

    /// `locks type=lock len=2`: how many there are. An xarray has a length of its own.
    fn member_len(&mut self, member: &Member<'a>) -> Option<u8> {
        let own = matches!(member.what, What::Kind(row) if row.options.iter().any(|opt| opt.name == LEN.name));
        if own { None } else { self.array_len(member.node) }
    }

    /// One member, or one of an array of them.
    fn make_one(
        &mut self,
        member: &Member<'a>,
        own: &str,
        outer: &str,
        depth: usize,
        open: &mut Vec<Open<'a>>,
    ) -> Vec<(String, ObjId)> {
        let node = member.node;
        let name = Name { text: format!("{outer}.{own}"), span: node.name.span };
        match member.what {
            What::Kind(spec) => {
                let options = self.member_options(node, spec);
                let symbol = self.allocate(node, spec, &name, &options, open);
                let Symbol::Object { id, .. } = symbol else { return vec![] };
                open.push(Open { node, spec, name, symbol });
                vec![(own.to_owned(), id)]
            }
            What::Item(what) => {
                let id = self.item_member(name.text, what, node);
                vec![(own.to_owned(), id)]
            }
            What::Struct(_) if self.circular.contains(&node.head.start) => vec![],
            What::Struct(inner) => {
                if depth >= DEPTH_MAX {
                    self.mistakes
                        .add("member", node.head, format!("structs in structs, more than {DEPTH_MAX} deep"))
                        .expected("less of them: declare one beside the other, and keep a reference to it in a word");
                }
                // More objects than there may be are told later, by their number.
                if depth >= DEPTH_MAX || self.program.objects.len() > MAX_OBJECTS {
                    return vec![];
                }
                self.inner_struct(inner, (node, own), name, depth + 1, open)
            }
        }
    }

    /// `base type=gem_object`: a struct inside of another, with a declaration of its own.
    fn inner_struct(
        &mut self,
        node: &'a Node,
        (field, own): (&'a Node, &str),
        name: Name,
        depth: usize,
        open: &mut Vec<Open<'a>>,
    ) -> Vec<(String, ObjId)> {
        let spec = decls::named("struct").expect("the word that declares the struct inside");
        let said = 1 + usize::from(field.option(LEN.name).is_some());
        if field.entries.len() != said || field.block.is_some() {
            self.mistakes
                .add("member", field.head, "a struct inside of another has no options of its own")
                .expected("`NAME type=STRUCT [len=LEN]`");
        }
        let of = self.program.structs.len();
        let slot = self.object(name.text.clone(), fixed::Slot { of: u8::try_from(of).unwrap_or(u8::MAX) });
        let fields = self.fields(node);
        let first_var = self.field_words(&fields, std::slice::from_ref(&name.text), false);
        let half = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let words = fields.words.iter().map(|(field, _)| (self.field(&field.text), Value::Word(0))).collect();
        self.program.structs.push(StructDecl {
            name: field.option("type").map_or_else(String::new, |ty| ty.span.of(self.text).to_owned()),
            slab: SlabKind::Plain,
            slots: slot.number()..slot.number().saturating_add(1),
            refs: fields.refs,
            refs_at: u8::try_from(fields.refs_at).unwrap_or(u8::MAX),
            release: None,
            fields: words,
            first_var: half(first_var),
            members: Members::default(),
        });
        self.allocations.push(0);
        let members = self.inside(std::iter::once((slot, name.text.clone())), &fields, depth, open);
        let base = usize::from(members.first.number());
        let mut made = vec![(own.to_owned(), slot)];
        for (path, at) in &members.named {
            let path = self.program.field_names.get(usize::from(path.0)).map_or("", String::as_str);
            made.push((format!("{own}.{path}"), place(base + usize::from(*at))));
        }
        self.program.structs[of].members = members;
        self.note_arrays(of, &fields);
        open.push(Open { node, spec, name, symbol: Symbol::Struct(of) });
        made
    }

    /// The options of a member: those of its declaration.
    fn member_options(&mut self, node: &'a Node, spec: &'static DeclRow) -> Options<'a> {
        let known: Vec<&'static Opt> = spec.options.iter().chain([&TYPE, &LEN]).collect();
        let sorted = self.sort(node, spec.name, &known);
        for (opt, _, value) in sorted.all() {
            if let (Some(takes @ (Takes::Number { .. } | Takes::OneOf(_))), Some(value)) = (opt.takes, value) {
                self.given(None, takes, value);
            }
        }
        let refused = sorted.all().find(|(opt, ..)| ["spare", "per-thread"].contains(&opt.name));
        if let Some((opt, span, _)) = refused {
            self.mistakes
                .add("member", span, format!("`{}` is no member of an object", opt.name))
                .expected("a declaration of its own");
        }
        if let Some(extra) = sorted.operands.first() {
            let said = extra.span.of(self.text);
            self.mistakes
                .add("field", node.head, format!("a `{}` does not begin with `{said}`", spec.name))
                .expected(format!("`NAME type={} [OPTION]`", spec.name));
        }
        self.require(node, spec.name, spec.options, &sorted);
        sorted
    }

    /// What could stand behind the `type=` of a member.
    pub(super) fn member_types(&self) -> String {
        list(KINDS.iter().chain(ITEMS).copied().chain(self.structs.keys().copied()))
    }

    /// `lock=.lock`, `guarded-by=.base.lock`: a member of the same object.
    pub(super) fn sibling(&mut self, of: &Name, value: &Written, kinds: &'static [Kind]) -> Option<ObjId> {
        let said = value.span.of(self.text);
        if !said.starts_with('.') {
            return match self.given(None, Takes::Object(kinds), value) {
                Some(Given::Operand(Operand::Object(id))) => Some(id),
                _ => None,
            };
        }
        let outer = of.text.rsplit_once('.').map_or("", |(outer, _)| outer);
        let name = format!("{outer}{said}");
        let lock_named = self.program.objects.iter().position(|object| object.name == name).map(ObjId::object);
        let kind_of = |id: ObjId| self.program.objects.get(usize::from(id.number())).and_then(|o| Kind::of(&o.kind));
        // A reservation's name is that of its lock.
        let of_lock = |id: ObjId| self.program.fixed::<fixed::WwMutex>(id).and_then(|lock| lock.resv);
        let found = lock_named.map(|id| of_lock(id).unwrap_or(id)).filter(|_| !outer.is_empty());
        if let Some(id) = found.filter(|id| kind_of(*id).is_some_and(|kind| kinds.contains(&kind))) {
            return Some(id);
        }
        let one = found.and_then(kind_of).map(Kind::one);
        let message = match one {
            Some(one) => format!("`{said}` is {one}"),
            None => format!("there is no member `{said}` beside this one"),
        };
        self.mistakes
            .add("member", value.span, message)
            .expected(format!("`.NAME` of a member of the same object: {}", list(kinds.iter().map(|k| k.name()))));
        None
    }

    /// The members of that path, of whatever struct has one. What a library says is of its own structs, if one of them
    /// has such a field, else of those of the libraries that it uses: that somebody else has another one of that name
    /// is not its affair.
    fn members_of_path(&self, path: &str) -> impl Iterator<Item = ObjId> {
        let name = self.program.field_names.iter().position(|name| name == path);
        let name = name.and_then(|at| u8::try_from(at).ok()).map(FieldName);
        let has = |decl: &StructDecl| {
            let is_word = decl.fields.iter().any(|(field, _)| Some(*field) == name);
            is_word || name.is_some_and(|name| self.program.member(ObjId::numbered(decl.slots.start), name).is_some())
        };
        let near = self.program.structs.iter().filter(|decl| has(decl)).map(|decl| self.distance(decl)).min();
        let structs = self.program.structs.iter().filter(move |decl| Some(self.distance(decl)) == near);
        let slots = structs.map(|decl| ObjId::numbered(decl.slots.start));
        slots.filter_map(move |slot| self.program.member(slot, name?))
    }

    /// How far a struct is from the statement that is being written: in its library, in one that this uses, elsewhere.
    /// From a scenario all are as far.
    fn distance(&self, decl: &StructDecl) -> u8 {
        let Some(here) = self.in_library else { return 0 };
        let there = self.structs.get(decl.name.as_str()).and_then(|node| self.sources.library_of(node.head));
        match there {
            Some(there) if there == here => 0,
            Some(there) if self.sources.uses(here, there) => 1,
            Some(_) => 2,
            None => 3,
        }
    }

    /// The kinds of the members of that path.
    pub(super) fn member_kinds(&self, path: &str) -> Vec<Kind> {
        let mut kinds: Vec<Kind> = self
            .members_of_path(path)
            .filter_map(|id| Kind::of(&self.program.objects[usize::from(id.number())].kind))
            .collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// `b.lock`: what is inside of the object that a local refers to. `None` if no struct has such a member.
    pub(super) fn member_operand(&mut self, unit: &mut Unit<'a>, parts: &[String], span: Span) -> Option<Operand> {
        let (base, path) = parts.split_first()?;
        let path = path.join(".");
        self.members_of_path(&path).next()?;
        let base: LocalId = unit.read(base, span)?;
        Some(Operand::Member { base, path: self.field(&path) })
    }

    /// `job.fence`: a struct and what is inside of it.
    pub(super) fn member_path(&mut self, value: &Written) -> Option<FieldName> {
        let said = value.span.of(self.text);
        let (of, path) = said.split_once('.').unwrap_or((said, ""));
        let Some((Symbol::Struct(of), _)) = self.names.find(of) else {
            let help = did_you_mean(of, self.names.names(|symbol| matches!(symbol, Symbol::Struct(_))));
            self.mistakes
                .add("unknown-struct", value.span, format!("`{of}` is no struct"))
                .expected("`STRUCT.MEMBER`")
                .help_if(help);
            return None;
        };
        if self.members_named(of, path).is_empty() {
            self.tell_no_member(path, value.span);
            return None;
        }
        Some(self.field(path))
    }

    /// Whether a path leads to what is inside of the object that a local refers to: it is an address, and no word.
    pub(super) fn is_member(&self, unit: &Unit<'a>, word: &str) -> bool {
        let parts = parts(word);
        let (base, path) = (&parts[0], parts[1..].join("."));
        unit.local(base).is_some() && self.members_of_path(&path).next().is_some()
    }

    /// How far a path stays inside of the object that a local refers to, and what it comes to there.
    pub(super) fn inner_of(&mut self, base: LocalId, path: &[String]) -> (Operand, usize) {
        for inside in (1..=path.len()).rev() {
            let path = path[..inside].join(".");
            if self.members_of_path(&path).next().is_some() {
                return (Operand::Member { base, path: self.field(&path) }, inside);
            }
        }
        (Operand::Local(base), 0)
    }

    /// How much of a path leads to the first word on it, which is a pointer if it goes on. `None` if it ends inside of
    /// the object that it begins in.
    fn next_pointer(&self, path: &[String]) -> Option<usize> {
        let inside = (1..=path.len()).rev().find(|len| self.members_of_path(&path[..*len].join(".")).next().is_some());
        let word = inside.unwrap_or(0) + 1;
        (word <= path.len()).then_some(word)
    }

    /// The kinds of what a path from a local or a variable ends at; none if that is a word.
    pub(super) fn kinds_at_end(&self, parts: &[String]) -> Vec<Kind> {
        let mut rest = parts.get(1..).unwrap_or_default();
        while let Some(word) = self.next_pointer(rest) {
            rest = &rest[word..];
            if rest.is_empty() {
                return vec![];
            }
        }
        self.member_kinds(&rest.join("."))
    }

    /// A path through pointers where only locals are seen: how the pointers are loaded, one after the other.
    pub(super) fn tell_path(&mut self, unit: &Unit<'a>, word: &str, parts: &[String], span: Span) {
        let (mut base, mut rest) = (parts[0].clone(), &parts[1..]);
        let mut loads = vec![];
        let mut taken = unit.local_names();
        let mut load = |lower: &Self, from: String, field: &str| {
            let named = |name: &String| lower.procs.contains_key(name.as_str()) || lower.names.find(name).is_some();
            let free = |name: &String| !named(name) && !taken.contains(name);
            let into = (1..=field.len()).filter_map(|len| field.get(..len)).map(str::to_owned).find(free);
            let into = into.unwrap_or_else(|| format!("my-{field}"));
            taken.push(into.clone());
            loads.push(format!("`load {from} into={into}`"));
            into
        };
        match self.names.find(&base) {
            _ if unit.local(&base).is_some() => {}
            Some((Symbol::Var { len: None, .. }, _)) => base = load(self, base.clone(), &base),
            Some((Symbol::Var { .. }, _)) => {
                base = load(self, format!("{base}.{}", rest[0]), &base);
                rest = &rest[1..];
            }
            Some(_) => return self.tell_field_operand(word, span, self.how_to_see(word)),
            None if word.starts_with('&') => return self.tell_no_base(&base, rest, span),
            None => return self.tell_unknown_name(&base, span, &unit.local_names()),
        }
        while let Some(len) = self.next_pointer(rest) {
            let field = &rest[len - 1];
            if !self.is_field(field) {
                return self.tell_no_member(&rest.join("."), span);
            }
            base = load(self, format!("{base}.{}", rest[..len].join(".")), field);
            rest = &rest[len..];
        }
        let given = std::iter::once(base.as_str()).chain(rest.iter().map(String::as_str)).collect::<Vec<_>>().join(".");
        let help = format!("load it first: {}, and give `{given}` here", loads.join(", "));
        self.tell_field_operand(word, span, help);
    }

    /// `&b.size` of a `b` that nothing has set.
    fn tell_no_base(&mut self, base: &str, rest: &[String], span: Span) {
        let field = rest.join(".");
        self.mistakes
            .add("unknown-name", span, format!("there is no `{base}` here whose `{field}` could have an address"))
            .expected("a local that refers to an object of a struct")
            .help(format!("`new STRUCT into={base}` makes one, `load VARIABLE into={base}` finds one"));
    }

    fn tell_field_operand(&mut self, word: &str, span: Span, help: String) {
        self.mistakes
            .add("field-operand", span, format!("`{word}` is shared: an operand sees locals only"))
            .expected("a name, a local, a number, an errno or NULL; in a `fn` what is shared as well")
            .help(help);
    }

    /// Whether some struct has a word of that name.
    pub(super) fn is_field(&self, name: &str) -> bool {
        let known = self.program.field_names.iter().position(|field| field == name);
        let mut fields = self.program.structs.iter().flat_map(|decl| &decl.fields);
        known.is_some() && fields.any(|(field, _)| known == Some(usize::from(field.0)))
    }

    /// The members of a declared struct by that path, wherever such a struct is.
    pub(super) fn members_named(&self, of: usize, path: &str) -> Vec<ObjId> {
        let Some(named) = self.program.structs.get(of).map(|decl| decl.name.as_str()) else { return vec![] };
        let field = self.program.field_names.iter().position(|name| name == path);
        let Some(field) = field.and_then(|at| u8::try_from(at).ok()).map(FieldName) else { return vec![] };
        let all = self.program.structs.iter().filter(|decl| decl.name == named);
        let slots = all.flat_map(|decl| decl.slots.clone()).map(ObjId::numbered);
        slots.filter_map(|slot| self.program.member(slot, field)).collect()
    }

    /// A member that nobody has, by a path.
    pub(super) fn tell_no_member(&mut self, path: &str, span: Span) {
        let known: Vec<String> = {
            let named = self.program.structs.iter().flat_map(|decl| &decl.members.named);
            named.filter_map(|(name, _)| self.program.field_names.get(usize::from(name.0)).cloned()).collect()
        };
        let help = did_you_mean(path, known.iter().map(String::as_str));
        self.mistakes
            .add("unknown-member", span, format!("no struct has a member `{path}`"))
            .expected("the path of a member")
            .help_if(help);
    }
}
