//! Shared words: `READ_ONCE()`, `WRITE_ONCE()`, `atomic_*()`, `cmpxchg()`, `xchg()`, barriers, and plain racy
//! variables.

pub(crate) mod idioms;
pub mod ops;
mod premise;
pub(crate) mod rules;

pub(crate) use premise::{may_look_quietly, may_read_quietly};

use crate::{
    AtomicCell, Code, Coder, Cx, Flow, Footprint, LocalId, MAX_VARS, ObjId, Order, Plain, Program, Property, Runtime,
    ThreadId, ThreadSet, Value, View, Violation,
    coder::{fields, points},
    counted::{Counted, Owns},
    expr::EvalError,
    ground::{
        kind::DeclRow,
        op::{Opt, Takes, flag, option},
    },
    primitives::{list::kind::LOCKS, slab},
    program::{Premise, SlabKind},
    protocol::Protocol,
    runtime::NoteCell,
    value::Handle,
};

/// The word that declares variables.
pub const DECLARED: DeclRow = DeclRow {
    name: "var",
    kind: None,
    options: &[
        option("init", Takes::Value, "its value at the start, 0 without it"),
        option(
            "type",
            Takes::Type,
            "what its number is (u8, u16, u32, u64, s32, s64, size_t, bool, errno, or an `enum` or `flags` of the scenario): a \
             value that is written is converted to it as in C, and is printed as it; without it an s64, or a reference",
        ),
        option("len", Takes::Number { min: 1, max: MAX_VARS as i32 }, "makes it an array"),
        flag("plain", "the modelled code accesses it without READ_ONCE(): races on it are violations"),
        GUARDED,
        CONST,
        flag(
            "weak",
            "it may be seen stale on weak memory, and the scenario is about that; its final value is no part of the outcome",
        ),
    ],
    meaning: "a word, or an array of words",
    kernel: "",
    make: None,
};

/// The lock of a word, as a variable and a field say it.
pub const GUARDED: Opt = option(
    "guarded-by",
    Takes::Objects(LOCKS),
    "the lock that whoever accesses it has to have (a semaphore for writing, if it is written); of several, `guarded-by=\"A,B\"`, all to \
     write it and any to read it. Whoever has it not is told, even if nobody is near; and whoever has it accesses the word \
     without a step of its own",
);

/// A word that does not change.
pub const CONST: Opt = flag(
    "const",
    "it is set before others see it, and read without a step of its own: setup sets it, or, of a field, the thread that made \
     the object, until another has read it",
);

/// The plain accesses to a word that have begun and not ended: what KCSAN's watchpoints are. Two that overlap, one of
/// them a write, are a data race, and on sequentially consistent memory every data race is an overlap in some
/// execution.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Overlap {
    readers: ThreadSet,
    writer: Option<ThreadId>,
}

impl Overlap {
    /// A thread that an access races with.
    fn rival(self, me: ThreadId, writes: bool) -> Option<ThreadId> {
        let reader = self.readers.iter().find(|t| *t != me).filter(|_| writes);
        self.writer.filter(|t| *t != me).or(reader)
    }
}

/// A shared word, one element of an array, or one field of a `struct` slot.
#[derive(Clone)]
pub struct Variable<R: Runtime> {
    pub(crate) cell: R::Atomic<Value>,
    overlap: R::Note<Overlap>,
    /// It holds a reference of its own to what it points to. Without one it only points.
    pub(crate) owns: R::Note<Owns>,
    watch: Watch,
}

/// What `overlap` is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Watch {
    /// Nothing.
    Nothing,
    /// The modelled code accesses the word plainly: the accesses that have begun.
    Races,
    /// Something is counted on of who accesses it: the writer is whose it still is alone.
    Maker,
}

impl Copy for Variable<Plain> {}

impl<R: Runtime> Variable<R> {
    /// A word; `racy` if the modelled code accesses it plainly.
    pub(crate) fn new(init: Value, racy: bool) -> Self {
        let cell = if racy { R::Atomic::racy(init) } else { R::Atomic::new(init) };
        let (overlap, owns) = (R::Note::new(Overlap::default()), R::Note::new(Owns::Nothing));
        Variable { cell, overlap, owns, watch: if racy { Watch::Races } else { Watch::Nothing } }
    }

    /// The same, of which that much is counted on.
    pub(crate) fn under(mut self, premise: &Premise) -> Self {
        if *premise != Premise::Nothing {
            self.watch = Watch::Maker;
        }
        self
    }
}

impl Code for Variable<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.cell.code(c);
        if matches!(self.cell.0, Value::Ref(_)) {
            self.owns.0.code(c);
        } else {
            self.owns.0 = Owns::Nothing;
        }
        if self.watch == Watch::Races {
            self.overlap.0.readers.code(c);
        }
        if self.watch != Watch::Nothing {
            self.overlap.0.writer.code(c);
        }
    }
}

points! {
    /// What is done to a word; each is one step.
    pub enum How {
        /// Reads it.
        Load = "load",
        /// Writes it.
        Store = "store",
        /// Adds to it; the result is the new value, as `atomic_add_return()` gives it.
        Add = "atomic add",
        /// Sets bits; the result is what was there, as `atomic_fetch_or()` gives it.
        Or = "atomic or",
        /// Keeps bits; the result is what was there.
        And = "atomic and",
        /// Flips bits; the result is what was there.
        Xor = "atomic xor",
        /// Writes the new value if the old one is there; the result is what was there.
        CmpXchg = "cmpxchg",
        /// Writes it; the result is what was there.
        Xchg = "xchg",
        /// `smp_mb()`: touches no word.
        FullBarrier = "smp_mb",
        /// `smp_wmb()`: its stores before it come before those after it.
        WriteBarrier = "smp_wmb",
        /// `smp_rmb()`: its loads before it come before those after it.
        ReadBarrier = "smp_rmb",
        /// `smp_mb__before_atomic()`: `smp_mb()`, for right before an atomic operation that orders nothing itself.
        BeforeAtomic = "smp_mb__before_atomic",
        /// `smp_mb__after_atomic()`: the same, right after it.
        AfterAtomic = "smp_mb__after_atomic",
        /// `smp_mb__after_spinlock()`: makes the lock that was just taken a full barrier.
        AfterSpinlock = "smp_mb__after_spinlock",
    }
}

impl How {
    /// Whether it touches no word.
    pub fn is_barrier(self) -> bool {
        matches!(
            self,
            How::FullBarrier
                | How::WriteBarrier
                | How::ReadBarrier
                | How::BeforeAtomic
                | How::AfterAtomic
                | How::AfterSpinlock
        )
    }

    /// Whether it reads and writes a word at once.
    pub fn is_atomic(self) -> bool {
        matches!(self, How::Add | How::Or | How::And | How::Xor | How::CmpXchg | How::Xchg)
    }
}

impl Code for Order {
    fn code<C: Coder>(&mut self, c: &mut C) {
        const ALL: [Order; 6] =
            [Order::Relaxed, Order::Acquire, Order::Consume, Order::Release, Order::AcqRel, Order::Full];
        let mut tag = *self as u8;
        c.byte(&mut tag);
        if C::READING {
            *self = ALL[usize::from(tag)];
        }
    }
}

/// One access to a word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    pub(crate) how: How,
    pub(crate) order: Order,
    pub(crate) target: ObjId,
    /// The slot whose field it is: checked for use after free at the access.
    pub(crate) slot: Option<Handle>,
    /// The value to write or to add; for `cmpxchg` the expected one.
    pub(crate) a: Value,
    /// The new value of a `cmpxchg`.
    pub(crate) b: Value,
    /// `data_race()`: a race of this access is meant.
    pub(crate) benign: bool,
    /// A plain access that has begun.
    pub(crate) open: bool,
}

fields!(Access { how, order, target, slot, a, b, benign, open });

impl Access {
    /// The word that it is to.
    pub(crate) fn word(&self) -> ObjId {
        self.target
    }

    fn writes(&self) -> bool {
        self.how != How::Load
    }

    /// Tells a race with a plain access that has begun; a plain load or store begins one itself. True if it is one.
    fn overlap<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> bool {
        if !R::SEES_OVERLAP || self.benign || self.how.is_barrier() || self.open {
            return false;
        }
        cx.touch(self.target);
        let word = cx.world.var_mut(self.target);
        if word.watch != Watch::Races {
            return false;
        }
        let mut overlap = word.overlap.get();
        if let Some(other) = overlap.rival(cx.me, self.writes()) {
            cx.violate_with(Property::DATA_RACE, Some(self.target), Some(other));
        }
        self.open = matches!(self.how, How::Load | How::Store);
        if self.open {
            if self.writes() {
                overlap.writer = Some(cx.me)
            } else {
                overlap.readers.insert(cx.me)
            }
            cx.world.var_mut(self.target).overlap.set(overlap);
        }
        self.open
    }

    /// The end of a plain access.
    fn end<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let word = cx.world.var_mut(self.target);
        let mut overlap = word.overlap.get();
        overlap.readers.remove(cx.me);
        overlap.writer = overlap.writer.filter(|t| *t != cx.me);
        word.overlap.set(overlap);
    }

    /// Accesses the word. A pointer that is stored takes the thread's reference with it; one that is taken out brings
    /// its own.
    fn perform<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        cx.touch(self.target);
        if !self.replaces() {
            return self.access(cx);
        }
        let before = cx.world.var_value(self.target);
        let result = self.access(cx);
        let after = cx.world.var_value(self.target);
        let points = matches!(before, Value::Ref(_)) || matches!(after, Value::Ref(_));
        if points && !crate::expr::same(before, after) {
            pass_on(cx, self.target, before, (after, self.how == How::Store));
        }
        result
    }

    /// Whether another value may be there afterwards that is no number.
    fn replaces(&self) -> bool {
        matches!(self.how, How::Store | How::Xchg | How::CmpXchg)
    }

    fn access<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Value {
        let cell = &mut cx.world.var_mut(self.target).cell;
        match self.how {
            How::Load if self.benign => cell.load_racing(),
            How::Store if self.benign => {
                cell.store_racing(self.a);
                self.a
            }
            How::Load => cell.load(self.order),
            How::Store => {
                cell.store(self.a, self.order);
                self.a
            }
            How::Add => self.calculated(cx, i64::wrapping_add).1,
            How::Or => self.bitwise(cx, |old, bits| old | bits),
            How::And => self.bitwise(cx, |old, bits| old & bits),
            How::Xor => self.bitwise(cx, |old, bits| old ^ bits),
            How::Xchg => cell.swap(self.a, self.order),
            How::CmpXchg => {
                let seen = match cell.compare_exchange(self.a, self.b, self.order) {
                    // NULL and 0 are the same to C, and so are two objects that lived at one address; not the same bits
                    // here.
                    Err(other) if crate::expr::same(other, self.a) => {
                        // The address that is there already changes nothing: what lives there now is still meant.
                        let same = matches!(other, Value::Ref(_)) && crate::expr::same(other, self.b);
                        cell.compare_exchange(other, if same { other } else { self.b }, self.order)
                    }
                    result => result,
                };
                seen.unwrap_or_else(|other| other)
            }
            _ => Value::Word(0),
        }
    }

    /// A `cmpxchg` that fails orders nothing (`atomic_t.txt`: unordered on failure), so no barrier may stand before it.
    /// A plain word's race is told by the exchange itself.
    fn fails<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Option<Value> {
        if self.how != How::CmpXchg || R::SEES_OVERLAP {
            return None;
        }
        cx.touch(self.target);
        let word = cx.world.var_mut(self.target);
        if word.watch == Watch::Races {
            return None;
        }
        // Nothing is Unset that can be expected: this only looks.
        let seen = word.cell.compare_exchange(Value::Unset, Value::Unset, Order::Relaxed);
        seen.err().filter(|seen| !crate::expr::same(*seen, self.a))
    }

    fn barrier<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        match self.how {
            How::WriteBarrier => cx.rt.write_barrier(),
            How::ReadBarrier => cx.rt.read_barrier(),
            _ => cx.rt.full_barrier(),
        }
    }
}

/// What a word pointed to is the thread's affair now, if the word had a reference to it; what it points to is the
/// word's, if the thread had one.
fn pass_on<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId, old: Value, (new, overwrites): (Value, bool)) {
    let me = cx.me;
    let owned = cx.world.var_mut(word).owns.get();
    if let Some(refs) = cx.counted(old) {
        refs.take(me, owned, overwrites);
    }
    let setup = me == cx.program.main_thread();
    let first = setup && referred(new).is_some_and(|h| cx.program.declared_refs(h.obj) > 0);
    let owns = cx.counted(new).map_or(Owns::Nothing, |refs| refs.give(me, first));
    cx.world.var_mut(word).owns.set(owns);
}

impl<R: Runtime> Cx<'_, R> {
    /// The count of the object that a value refers to, if that is alive.
    fn counted(&mut self, value: Value) -> Option<&mut Counted<R>> {
        let h = referred(value)?;
        // What it was inside of may be gone: who overwrites a pointer does not follow it.
        if slab::members::is_gone(self, h.obj) {
            return None;
        }
        self.note(h.obj);
        self.world.counted_mut(h)
    }
}

/// The object that a value refers to; the address of a word is that of none.
fn referred(value: Value) -> Option<Handle> {
    match value {
        Value::Ref(h) => h.obj.as_object().map(|_| h),
        _ => None,
    }
}

impl Access {
    /// A read-modify-write of a word by its bits.
    fn bitwise<R: Runtime>(&self, cx: &mut Cx<'_, R>, of: fn(i64, i64) -> i64) -> Value {
        self.calculated(cx, of).0
    }

    /// Replaces a number by what is calculated of it in the word's type, which wraps (`atomic_t.txt`); both of them.
    fn calculated<R: Runtime>(&self, cx: &mut Cx<'_, R>, of: fn(i64, i64) -> i64) -> (Value, Value) {
        let (with, ty) = (self.a.integer().unwrap_or_default(), cx.program.var_type(self.target));
        // NULL is a reference to nothing, not a number, though it compares with 0.
        let number = |old: Value| old.integer().filter(|_| old != Value::Null);
        let new = |old: Value| number(old).and_then(|old| Value::of(ty.convert(of(old, with))));
        let old = cx.world.var_mut(self.target).cell.fetch_update(|old| new(old).unwrap_or(old), self.order);
        if let Some(new) = new(old) {
            return (old, new);
        }
        // A reference plus one is no reference to anything, and it has no bits of its own.
        let no_room = number(old).is_some();
        cx.violate(if no_room { Property::CAPACITY_EXCEEDED } else { Property::WRONG_KIND }, Some(self.target));
        (old, Value::Unset)
    }
}

impl Access {
    /// A store that changes the key of what is in a tree, which is in no order then: told here, for who finds that out
    /// has done nothing wrong.
    fn check_key<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let program = cx.program;
        for node in program.keyed_by(self.target) {
            let gate = program.kind(*node).gate().unwrap_or(*node);
            let held = cx.enter_nodes(gate, *node);
            let on = cx.spot(held, *node).on;
            let same = crate::expr::same(cx.world.var_value(self.target), self.a);
            let stays = match self.how {
                How::Store | How::Xchg => same,
                How::CmpXchg => !same,
                _ => false,
            };
            if on.is_some() && !stays {
                let v = cx.violation_of(Property::TREE_CORRUPTION);
                cx.note_violation(Violation { object: Some(self.target), also: on, ..v });
            }
        }
    }
}

/// Whether another operation may read a word of the driver's, or write it: it is judged by what is counted on, like an
/// access of the driver's own, and told where it breaks that.
pub(crate) fn may_access<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId, writes: bool) -> bool {
    let may = premise::judge(cx, word, writes);
    if may {
        premise::settle(cx, word, writes);
    }
    may
}

/// A look of the kernel's own code at a word, inside of another operation; `None` if it breaks what is counted on.
pub(crate) fn look<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId) -> Option<Value> {
    if !premise::judge(cx, word, false) {
        return None;
    }
    cx.touch(word);
    let var = cx.world.var_mut(word);
    let rival = if var.watch == Watch::Races { var.overlap.get().rival(cx.me, false) } else { None };
    let seen = var.cell.load(Order::Relaxed);
    if let Some(other) = rival {
        cx.violate_with(Property::DATA_RACE, Some(word), Some(other));
    }
    premise::settle(cx, word, false);
    Some(seen)
}

/// A look of the checker at a word, for what its thread promised: nothing that it may not read is told. `None` of that.
pub(crate) fn peep<R: Runtime>(cx: &mut Cx<'_, R>, word: ObjId) -> Option<Value> {
    if !premise::may_read(cx, word) {
        return None;
    }
    cx.touch(word);
    let cell = &cx.world.var_mut(word).cell;
    let seen = if cx.program.is_racy(word) { cell.load_racing() } else { cell.load(Order::Relaxed) };
    premise::settle(cx, word, false);
    Some(seen)
}

/// What [`look`] touches.
pub(crate) fn look_footprint(v: View<'_>, word: ObjId, f: Footprint) -> Footprint {
    if premise::settles(v, word) { f.write(word) } else { f.read(word) }
}

impl Protocol for Access {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if let Some(handle) = self.slot
            && !slab::check_alive(cx, handle)
        {
            return Flow::Done(Value::Unset);
        }
        if !self.how.is_barrier() && !premise::judge(cx, self.target, self.writes()) {
            return Flow::Done(Value::Unset);
        }
        if self.overlap(cx) {
            return Flow::Go;
        }
        if self.how.is_barrier() {
            self.barrier(cx);
            return Flow::Done(Value::Word(0));
        }
        if let Some(seen) = self.fails(cx) {
            return Flow::Done(seen);
        }
        if self.order == Order::Full {
            cx.rt.full_barrier();
        }
        if self.writes() {
            self.check_key(cx);
        }
        let result = self.perform(cx);
        premise::settle(cx, self.target, self.writes());
        if self.order == Order::Full {
            cx.rt.full_barrier();
        }
        if self.open {
            self.end(cx);
        }
        Flow::Done(result)
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        // A barrier orders this thread's own accesses: on sequentially consistent memory it is a visible step of its
        // own that touches nobody else.
        let base = match self.how {
            how if how.is_barrier() => Footprint::reads(v.my_task()),
            How::Load if !v.program.is_racy(self.target) && !premise::settles(v, self.target) => {
                Footprint::reads(self.target)
            }
            _ => Footprint::writes(self.target),
        };
        let base = self.slot.map_or(base, |h| base.read(h.obj));
        let base = match self.writes() {
            true => v.program.keyed_by(self.target).iter().copied().fold(base, Footprint::read),
            false => base,
        };
        if !self.replaces() {
            return base;
        }
        // Whose the references are changes with the pointers.
        let there = v.world.var_value(self.target);
        [there, self.a, self.b].into_iter().filter_map(referred).fold(base, |f, h| f.write(h.obj))
    }

    fn is_quiet<R: Runtime>(&self, cx: &Cx<'_, R>, own: bool) -> bool {
        self.is_silent(cx, own)
    }

    fn looks_into(&self) -> [Option<ObjId>; 2] {
        [self.slot.map(|slot| slot.obj), None]
    }

    fn label(&self) -> &'static str {
        match (self.open, self.how) {
            (true, How::Load) => "plain load: end",
            (true, _) => "plain store: end",
            (false, how) => how.label(),
        }
    }
}

/// Spinning on a word until an expression over it is true: `smp_cond_load_relaxed()`.
///
/// One operation and one step. The reads that find the expression false are no steps: nobody sees them, and a thread
/// that takes them is as good as one that is disabled until a write makes the expression true.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpinUntil {
    pub(crate) order: Order,
    pub(crate) target: ObjId,
    /// The slot whose field it is.
    pub(crate) slot: Option<Handle>,
    /// Index of the expression, which reads the word as [`LocalId::WORD_READ`].
    pub(crate) expr: u16,
}

fields!(SpinUntil { order, target, slot, expr });

impl SpinUntil {
    /// Whether the expression is true of a word that was read.
    pub(crate) fn is_over(
        self,
        program: &Program,
        word: Value,
        local: impl Fn(LocalId) -> Value,
    ) -> Result<bool, EvalError> {
        let read = |l| if l == LocalId::WORD_READ { word } else { local(l) };
        Ok(program.exprs[usize::from(self.expr)].eval(read)?.truth().unwrap_or(false))
    }
}

impl Protocol for SpinUntil {
    const HOLDS_BACK: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if let Some(handle) = self.slot
            && !slab::check_alive(cx, handle)
        {
            return Flow::Done(Value::Unset);
        }
        if !premise::judge(cx, self.target, false) {
            return Flow::Done(Value::Unset);
        }
        cx.touch(self.target);
        let (me, word) = (cx.me, cx.world.var_mut(self.target));
        let value = word.cell.load(self.order);
        // READ_ONCE() of a word that somebody is writing plainly.
        let rival =
            if R::SEES_OVERLAP && word.watch == Watch::Races { word.overlap.get().rival(me, false) } else { None };
        if rival.is_some() {
            cx.violate_with(Property::DATA_RACE, Some(self.target), rival);
        }
        premise::settle(cx, self.target, false);
        Flow::Done(value)
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let settles = premise::settles(v, self.target);
        let base = if settles { Footprint::writes(self.target) } else { Footprint::reads(self.target) };
        self.slot.map_or(base, |h| base.read(h.obj))
    }

    fn label(&self) -> &'static str {
        "spin until"
    }

    fn spins_on_word(&self) -> Option<ObjId> {
        Some(self.target)
    }

    /// The thread would read a word that lets it spin on. What breaks a property does not: that is a step.
    fn is_held_back(&self, v: View<'_>) -> bool {
        let dead = self.slot.is_some_and(|h| {
            let lives = v.world.get::<slab::Slot<Plain>>(h.obj).is_some_and(|s| s.is_home_of(h));
            let typesafe = v.program.slab_of(h.obj) == SlabKind::TypesafeByRcu && v.private.is_reader();
            !lives && !typesafe
        });
        let word = v.world.var_value(self.target);
        !dead
            && !premise::is_broken(v, self.target, false)
            && self.is_over(v.program, word, |l| v.locals[usize::from(l.0)]) == Ok(false)
    }
}
