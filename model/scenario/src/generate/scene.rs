//! What there is in a scenario to be: objects are declared where they are first named.

use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};

use super::Size;
use super::line::Line;
use crate::ops::{self, OpSpec, Takes};
use fenceweave_kernel::Kind;

/// The class of reservations, which is there if one of them is, or if it is declared.
const RESV_CLASS: &str = "reservation_ww_class";
/// Objects of all kinds: the model has fixed tables.
const OBJECTS_MAX: usize = 9;

/// What a word may be declared as.
const TYPES: [&str; 6] = [" type=u8", " type=u16", " type=u32", " type=u64", " type=s32", " type=bool"];

/// The name of an object, and the line that declares it, where that is not made at the end.
type Declared = (String, Option<Line>);

/// How another one of a kind is made.
type Make = fn(&mut Scene<'_, '_>, usize) -> Result<Declared>;

/// The kinds that need other objects, a block, or a look at the dice: those whose row has no sample.
pub(super) const BY_HAND: &[(Kind, Make)] = &[
    (Kind::Struct, |scene, i| scene.structure(i)),
    (Kind::List, |scene, i| scene.list(i)),
    (Kind::ListNode, |scene, i| Ok((format!("{}.link", scene.linked(i)), None))),
    (Kind::TreeNode, |scene, i| Ok((format!("{}.rb", scene.linked(i)), None))),
    (Kind::Ordered, |scene, i| scene.tree("ordered", "key=key", i)),
    (Kind::Ranges, |scene, i| scene.tree("ranges", RANGES[i % RANGES.len()], i)),
    (Kind::WwMutex, |scene, i| scene.ww_mutex(i)),
    (Kind::Ctx, |scene, i| scene.acquire_ctx(i)),
    (Kind::Fence, |scene, i| scene.fence(i)),
    (Kind::Workqueue, |scene, i| scene.workqueue(i)),
    (Kind::Work, |scene, i| Ok(scene.section(Section::Work, "work", i))),
    (Kind::DelayedWork, |scene, i| Ok(scene.section(Section::DelayedWork, "later", i))),
    (Kind::Device, |scene, i| Ok(scene.section(Section::Device, "hw", i))),
    (Kind::Timer, |scene, i| Ok(scene.section(Section::Timer, "timer", i))),
    (Kind::IrqLine, |scene, i| Ok(scene.irq_line(i))),
    (Kind::Shrinker, |scene, i| Ok(scene.section(Section::Shrinker, "shrinker", i))),
    (Kind::Resv, |scene, i| scene.resv(i)),
    (Kind::SgList, |scene, i| Ok(scene.sg_list(i))),
    (Kind::DmaAddress, |scene, i| Ok((format!("{}-dma{}", scene.object(Kind::DmaDevice, &[])?, i % 4), None))),
];

/// A scenario under way.
pub(super) struct Scene<'a, 'b> {
    pub(super) dice: &'a mut Unstructured<'b>,
    pub(super) size: Size,
    pub(super) disciplined: bool,
    /// What the threads draw from.
    pub(super) palette: Vec<&'static OpSpec>,
    pub(super) threads: Vec<String>,
    names: BTreeMap<Kind, Vec<String>>,
    pub(super) vars: Vec<String>,
    pub(super) arrays: Vec<String>,
    /// Words that have a lock: which.
    guarded: Vec<(String, String)>,
    /// Whether there is memory for a merge.
    merges: bool,
    pub(super) structs: Vec<String>,
    /// What is inside of some of their objects: the local of the object, the struct, what `inner` is.
    pub(super) insides: Vec<(String, String, Kind)>,
    /// Procs, by how many arguments they take.
    pub(super) procs: Vec<(usize, String)>,
    pub(super) declarations: Vec<Line>,
    pub(super) setup: Vec<Line>,
    /// Sections that were declared by name, and still need a body.
    pub(super) bodiless: Vec<(Section, String)>,
    has_irq_line: bool,
    page_table: bool,
    /// There are objects with nodes.
    linked: bool,
    /// One class for all, or that of reservations.
    class: Option<&'static str>,
}

/// Something that has a script and is no thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Work,
    DelayedWork,
    Shrinker,
    Device,
    Timer,
    Irq,
    Proc(usize),
}

impl<'a, 'b> Scene<'a, 'b> {
    /// Nothing is there yet but the threads, a class of locks, and what the threads will draw from.
    pub(super) fn new(dice: &'a mut Unstructured<'b>, size: Size) -> Result<Scene<'a, 'b>> {
        let disciplined = dice.ratio(1, 3)?;
        let wait_die = dice.ratio(3, 4)?;
        let threads = dice.int_in_range(2..=size.threads.clamp(2, 6))?;
        let mut scene = Scene {
            dice,
            size,
            disciplined,
            palette: vec![],
            threads: (0..threads).map(|i| format!("t{i}")).collect(),
            names: BTreeMap::new(),
            vars: vec![],
            arrays: vec![],
            guarded: vec![],
            merges: false,
            structs: vec![],
            insides: vec![],
            procs: vec![],
            declarations: vec![],
            setup: vec![],
            bodiless: vec![],
            has_irq_line: false,
            page_table: false,
            linked: false,
            class: (!wait_die).then_some("class0"),
        };
        // A lock that is waited for with another one held is most of what there is to see where rules are broken.
        let lockdep = !disciplined && scene.one_in(4)?;
        let lockdep = if lockdep { "" } else { " no-lockdep" };
        if wait_die {
            scene
                .declarations
                .extend((!lockdep.is_empty()).then(|| Line::new(format!("ww-class {RESV_CLASS}{lockdep}"))));
        } else {
            let kind = if scene.coin()? { "wound-wait" } else { "wait-die" };
            scene.declarations.push(Line::new(format!("ww-class class0 kind={kind}{lockdep}")));
        }
        scene.palette = scene.mix()?;
        Ok(scene)
    }

    /// Yes or no.
    pub(super) fn coin(&mut self) -> Result<bool> {
        self.dice.ratio(1, 2)
    }

    /// Yes, once in `n` times.
    pub(super) fn one_in(&mut self, n: u32) -> Result<bool> {
        self.dice.ratio(1, n)
    }

    /// A number below `n`; 0 if there is none.
    pub(super) fn below(&mut self, n: usize) -> Result<usize> {
        self.dice.int_in_range(0..=n.saturating_sub(1))
    }

    /// One operation, others on the same kinds of object, and some more.
    fn mix(&mut self) -> Result<Vec<&'static OpSpec>> {
        let all: Vec<&'static OpSpec> = ops::all().collect();
        let anchor = all[self.below(all.len())?];
        let kinds = kinds_of(anchor);
        let related: Vec<&&'static OpSpec> =
            all.iter().filter(|op| kinds_of(op).iter().any(|kind| kinds.contains(kind))).collect();
        let mut palette = vec![anchor];
        for _ in 0..4 {
            if !related.is_empty() {
                palette.push(related[self.below(related.len())?]);
            }
        }
        for _ in 0..2 {
            palette.push(all[self.below(all.len())?]);
        }
        Ok(palette)
    }

    /// Whether the palette has to do with objects of a kind.
    pub(super) fn is_about(&self, kind: Kind) -> bool {
        self.palette.iter().any(|op| kinds_of(op).contains(&kind))
    }

    /// The name of an object of a kind: mostly of the first, so that threads meet.
    pub(super) fn object(&mut self, kind: Kind, not: &[String]) -> Result<String> {
        let have = self.names.get(&kind).map_or(0, Vec::len);
        let full = self.names.values().map(Vec::len).sum::<usize>() >= OBJECTS_MAX;
        let limit = self.size.objects.max(1);
        let wanted = if self.dice.ratio(2, 3)? { 0 } else { self.below(limit)? };
        let mut at = wanted.min(have);
        let taken =
            |scene: &Self, at: usize| scene.names.get(&kind).and_then(|n| n.get(at)).is_some_and(|n| not.contains(n));
        while taken(self, at) && at + 1 < limit.max(2) {
            at += 1;
        }
        if at >= have && full && have > 0 {
            at = have - 1;
        }
        if at >= have {
            self.declare(kind, have)?;
            at = have;
        }
        let names = self.names.get(&kind).map_or(&[][..], Vec::as_slice);
        Ok(names.get(at).or(names.last()).cloned().unwrap_or_default())
    }

    /// The objects of a kind that there are so far.
    pub(super) fn declared(&self, kind: Kind) -> &[String] {
        self.names.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// As its row says, if that does.
    fn declare(&mut self, kind: Kind, i: usize) -> Result<()> {
        let by_hand = BY_HAND.iter().find(|(known, _)| *known == kind);
        let (name, line) = match (kind.row().sample, by_hand) {
            (Some((called, options)), _) => sample(kind, called, options, i),
            (None, Some((_, make))) => make(self, i)?,
            (None, None) => return Ok(()),
        };
        self.names.entry(kind).or_default().push(name);
        self.declarations.extend(line);
        Ok(())
    }

    fn class_name(&mut self) -> Result<&'static str> {
        match self.class {
            Some(class) => Ok(class),
            None => {
                // The class of reservations is there if one is.
                self.object(Kind::Resv, &[])?;
                Ok(RESV_CLASS)
            }
        }
    }

    /// A line with a handler that does nothing but say that it did.
    fn irq_line(&mut self, i: usize) -> Declared {
        let (name, handler) = (format!("wire{i}"), format!("handle{i}"));
        let block = vec![Line::new("return IRQ_HANDLED")];
        self.declarations.push(Line::with(format!("fn {handler}"), block));
        (name.clone(), Some(Line::new(format!("irq-line {name} handler={handler}"))))
    }

    /// A list over a memory of its own, of pages in another order.
    fn sg_list(&mut self, i: usize) -> Declared {
        self.declarations.push(Line::new(format!("memory vram{i} pages=3 kind=vram")));
        let name = format!("sg{i}");
        (name.clone(), Some(Line::new(format!("sg-list {name} memory=vram{i} segments=\"2:1 0:1\""))))
    }

    fn workqueue(&mut self, i: usize) -> Result<Declared> {
        Ok(with("workqueue", "wq", i, if i == 0 { "ordered" } else { "" }))
    }

    fn resv(&mut self, i: usize) -> Result<Declared> {
        Ok(with("resv", "bo", i, &self.class.map(|class| format!("class={class}")).unwrap_or_default()))
    }

    fn ww_mutex(&mut self, i: usize) -> Result<Declared> {
        Ok(with("ww-mutex", "ww", i, &format!("class={}", self.class_name()?)))
    }

    fn acquire_ctx(&mut self, i: usize) -> Result<Declared> {
        Ok(with("acquire-ctx", "ctx", i, &format!("class={} per-thread", self.class_name()?)))
    }

    /// Some lists say what guards them; the others are raced for. Where there are nodes, lists are mostly of those.
    fn list(&mut self, i: usize) -> Result<Declared> {
        let nodes = !self.declared(Kind::ListNode).is_empty() || self.is_about(Kind::ListNode) && self.one_in(3)?;
        let of =
            if nodes && self.dice.ratio(3, 4)? { format!("of={}.link", self.linked_struct()) } else { String::new() };
        if !self.one_in(4)? {
            return Ok(with("list", "list", i, &of));
        }
        let lock = self.object(Kind::Lock, &[])?;
        Ok(with("list", "list", i, format!("{of} guarded-by={lock}").trim_start()))
    }

    /// A tree of objects that have nodes.
    fn tree(&mut self, word: &str, keys: &str, i: usize) -> Result<Declared> {
        let of = format!("of={}", self.linked_struct());
        let guard = match self.one_in(3)? {
            true => format!(" guarded-by={}", self.object(Kind::Lock, &[])?),
            false => String::new(),
        };
        Ok(with(word, word, i, &format!("{of}.rb {keys}{guard}")))
    }

    /// The struct of those.
    fn linked_struct(&mut self) -> String {
        self.linked(0);
        format!("s{LINKED}")
    }

    /// The local of an object that has nodes, which everybody finds in a table.
    fn linked(&mut self, i: usize) -> String {
        let at = LINKED + i.min(1);
        let local = format!("o{at}");
        if !self.linked {
            self.linked = true;
            for at in [LINKED, LINKED + 1] {
                self.declarations.push(Line::new(format!("var table{at} init=NULL")));
                self.setup.push(Line::new(format!("new s{LINKED} into=o{at}")));
                self.setup.push(Line::new(format!("store o{at}.key {}", at % 2)));
                self.setup.push(Line::new(format!("store table{at} o{at}")));
            }
            let fields = ["refs 1", "key 0", "size 1", "link type=list-node", "rb type=tree-node"];
            let fields = fields.into_iter().map(Line::new).collect();
            self.declarations.push(Line::with(format!("struct s{LINKED} slots=2"), fields));
        }
        local
    }

    /// A fence of its own; sometimes one of a context that another one has, or one that is made of others.
    fn fence(&mut self, i: usize) -> Result<Declared> {
        let name = format!("f{i}");
        let first = self.declared(Kind::Fence).first().cloned();
        let line = match first {
            // Who keeps to the rules adds fences to reservations, which want each of them by itself.
            Some(first) if !self.disciplined && self.one_in(4)? => match self.below(5)? {
                // Memory that is not made into a fence yet: to use it is a mistake, but for what makes one of it.
                3 => Line::new(format!("fence-array {name} spare=2")),
                4 => Line::new(format!("fence-chain {name} spare")),
                0 => Line::with(format!("fence-array {name}"), vec![Line::new(first)]),
                1 => Line::with(format!("fence-array {name} any"), vec![Line::new(first)]),
                _ => Line::new(format!("fence-chain {name} contains={first} seqno={}", i + 1)),
            },
            _ if !self.disciplined && self.one_in(12)? => Line::new(format!("fence {name} uninitialised")),
            // Who keeps to the rules signals those of one context in their order.
            _ if !self.disciplined && self.one_in(3)? => Line::new(format!("fence {name} context=1 seqno={}", i + 1)),
            _ if !self.disciplined && self.one_in(4)? => {
                let lock = self.object(Kind::Lock, &[])?;
                Line::new(format!("fence {name} lock={lock}"))
            }
            _ => Line::new(format!("fence {name}")),
        };
        Ok((name, Some(line)))
    }

    /// An interrupt whose line somebody asks for.
    pub(super) fn irq(&mut self) -> String {
        let line = (Section::Irq, "line0".to_owned());
        if !std::mem::replace(&mut self.has_irq_line, true) {
            self.bodiless.push(line.clone());
        }
        line.1
    }

    fn section(&mut self, section: Section, prefix: &str, i: usize) -> Declared {
        let name = format!("{prefix}{i}");
        self.bodiless.push((section, name.clone()));
        (name, None)
    }

    /// Objects are named through a local: the setup makes one, and stores a reference where every thread finds it.
    fn structure(&mut self, i: usize) -> Result<Declared> {
        let slab = ["", " slab=rcu-free", " slab=typesafe-by-rcu"][self.below(3)?];
        let (name, local, table) = (format!("s{i}"), format!("o{i}"), format!("table{i}"));
        // The table has one; who keeps to the rules leaves none that nothing has.
        let refs = if self.disciplined { "refs 1" } else { "refs 2" };
        let mut fields = vec![Line::new(refs), Line::new("state 0")];
        // A typesafe slab has words only.
        if !slab.ends_with("typesafe-by-rcu") && self.coin()? {
            let member = MEMBERS[self.below(MEMBERS.len())?];
            fields.push(Line::new(format!("inner type={}", member.name())));
            self.insides.push((local.clone(), name.clone(), member));
        }
        self.declarations.push(Line::with(format!("struct {name} slots=2{slab}"), fields));
        self.declarations.push(Line::new(format!("var {table} init=NULL")));
        self.setup.push(Line::new(format!("new {name} into={local}")));
        self.setup.push(Line::new(format!("store {table} {local}")));
        self.structs.push(name);
        Ok((local, None))
    }

    /// Whether the slab that `new` takes an object of initialises nothing.
    pub(super) fn keeps_what_was_there(&self) -> bool {
        let head = self.structs.first().map(|name| format!("struct {name} slots=2 slab=typesafe-by-rcu"));
        head.is_some_and(|head| self.declarations.iter().any(|line| line.head == head))
    }

    /// A word that everybody can reach.
    pub(super) fn var(&mut self) -> Result<String> {
        let at = self.below(2)?.min(self.vars.len());
        if at == self.vars.len() {
            let plain = !self.disciplined && self.one_in(6)?;
            let name = format!("x{at}");
            let ty = if self.one_in(4)? { TYPES[self.below(TYPES.len())?] } else { "" };
            self.declarations.push(Line::new(format!("var {name}{ty}{}", if plain { " plain" } else { "" })));
            self.vars.push(name);
        }
        Ok(self.vars[at].clone())
    }

    /// A lock that a word is guarded by.
    pub(super) fn guard(&mut self, kind: Kind) -> Result<String> {
        let lock = self.object(kind, &[])?;
        if self.guarded.iter().all(|(known, _)| *known != lock) {
            let word = format!("w{}", self.guarded.len());
            self.declarations.push(Line::new(format!("var {word} guarded-by={lock}")));
            self.guarded.push((lock.clone(), word));
        }
        Ok(lock)
    }

    /// The word that one of these locks guards; any, if none does.
    pub(super) fn guarded(&mut self, locks: &[String]) -> Result<String> {
        if self.guarded.is_empty() {
            self.guard(Kind::Lock)?;
        }
        let of = self.guarded.iter().find(|(lock, _)| locks.contains(lock)).or(self.guarded.first());
        Ok(of.map_or_else(String::new, |(_, word)| word.clone()))
    }

    /// The array: there is one at most.
    pub(super) fn array(&mut self) -> String {
        if self.arrays.is_empty() {
            self.declarations.push(Line::new("var ring len=2"));
            self.arrays.push("ring".to_owned());
        }
        self.arrays[0].clone()
    }

    /// The page table, of two pages.
    pub(super) fn page_table(&mut self) -> String {
        if !std::mem::replace(&mut self.page_table, true) {
            self.declarations.push(Line::new("page-table pte len=2"));
        }
        "pte".to_owned()
    }

    /// What a merge makes its fence of; no operation names it.
    pub(super) fn memory_for_a_merge(&mut self) {
        if !self.merges {
            self.declarations.push(Line::new("fence-array merged spare=2"));
            self.declarations.push(Line::new("fence stub spare"));
            self.merges = true;
        }
    }

    /// A proc that something calls with this many arguments.
    pub(super) fn proc(&mut self, arguments: usize) -> String {
        if let Some((_, name)) = self.procs.iter().find(|(known, _)| *known == arguments) {
            return name.clone();
        }
        let name = format!("proc{arguments}");
        self.procs.push((arguments, name.clone()));
        self.bodiless.push((Section::Proc(arguments), name.clone()));
        name
    }
}

/// One as its row says.
fn sample(kind: Kind, called: &str, options: &str, i: usize) -> Declared {
    let row = kind.row();
    match row.declared.split_once(' ') {
        Some((word, said)) => with(word, called, i, said),
        None => with(row.name, called, i, options),
    }
}

/// The number of the struct whose objects have nodes: those without begin at 0.
const LINKED: usize = 90;

/// How ranges are declared.
const RANGES: [&str; 3] =
    ["start=key len=size", "start=key len=size overlap=EEXIST", "start=key last=size overlap=allowed"];

/// What the objects of structs have inside.
const MEMBERS: [Kind; 4] = [Kind::Lock, Kind::Completion, Kind::Fence, Kind::WaitQueue];

fn with(word: &str, prefix: &str, i: usize, options: &str) -> Declared {
    let name = format!("{prefix}{i}");
    let line = Line::new(format!("{word} {name} {options}").trim_end().to_owned());
    (name, Some(line))
}

/// The kinds of object that an operation takes.
fn kinds_of(spec: &OpSpec) -> Vec<Kind> {
    let operands = spec.operands.iter().map(|param| param.takes);
    let options = spec.options.iter().filter_map(|opt| opt.takes);
    let kinds = |takes| match takes {
        Takes::Object(kinds) | Takes::Objects(kinds) => kinds,
        Takes::Callback => &[Kind::Callback],
        Takes::Fences => &[Kind::Fence],
        Takes::Struct => &[Kind::Struct],
        Takes::Cursor => &[Kind::Resv],
        _ => &[],
    };
    operands.chain(options).flat_map(kinds).copied().collect()
}
