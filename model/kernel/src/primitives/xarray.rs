//! `struct xarray`: pointers by index, under a spinlock of its own; looked up without it, in an RCU read-side section.
//!
//! ```text
//!   xa_load      one read of the entry; what keeps the object alive afterwards is the caller's affair
//!   xa_store     [xa_lock]  entry := new  [xa_unlock]        the same: xa_erase, xa_insert, xa_cmpxchg
//!   xa_alloc     [xa_lock]  the first free index gets the pointer  [xa_unlock]
//!   a node is missing:      [xa_unlock]  kmem_cache_alloc  [xa_lock]  and once more from the beginning
//! ```
//!
//! From `lib/xarray.c` of 6.13. The tree is not modelled: an entry is a word, and how many there are is declared.
//! Whoever holds `xa_lock` himself says so (`locked`: `__xa_store()`); where a node is missing and memory may be waited
//! for, the lock is dropped meanwhile even so. Left out: marks, multi-index entries, `xa_reserve()`, and
//! `xa_alloc_cyclic()`.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    AtomicCell, Code, Coder, Cx, Errno, Flow, Footprint, LocalId, ObjId, Order, Plain, Property, Rule, Runtime, Value,
    View, Violation,
    coder::points,
    facet::FacetSink,
    primitives::{
        alloc::{self, Gfp},
        spinlock::{self, Spin},
        variable,
    },
    protocol::Protocol,
    shared::Shared,
};
use std::marker::PhantomData;

/// A `struct xarray`. Its entries are words, its lock is an object: it has no state of its own.
#[derive(Clone)]
pub struct Xarray<R: Runtime>(PhantomData<R>);

impl Copy for Xarray<Plain> {}

impl<R: Runtime> Xarray<R> {
    pub(crate) fn new() -> Self {
        Xarray(PhantomData)
    }
}

impl<R: Runtime> Shared<R> for Xarray<R> {
    fn facets(&self, _sink: FacetSink<'_>) {}
}

impl Code for Xarray<Plain> {
    fn code<C: Coder>(&mut self, _c: &mut C) {}
}

points! {
    /// What is done with an xarray.
    pub enum How {
        /// `xa_load()`: the entry, NULL if there is none.
        Load = "xa_load",
        /// `xa_find()`: the first entry from an index on, and where it is.
        Find = "xa_find",
        /// `xa_store()`: what was there.
        Store = "xa_store",
        /// `xa_erase()`: what was there.
        Erase = "xa_erase",
        /// `xa_insert()`: 0, or -EBUSY where there is an entry.
        Insert = "xa_insert",
        /// `xa_cmpxchg()`: what was there; the new one is only if it was the old one.
        CmpXchg = "xa_cmpxchg",
        /// `xa_alloc()`: the index, or -EBUSY if there is none.
        Alloc = "xa_alloc",
    }
}

points! {
    /// Where it is.
    enum At {
        /// `xas_load()`: an entry, without the lock.
        Load = "xas_load",
        /// `xas_lock()`.
        Lock = "xa_lock",
        /// `xas_store()`, or what it finds there instead; no node is missing.
        Store = "xas_store",
        /// `__xas_nomem()`: a node is missing, and is waited for without the lock.
        NomemUnlock = "xa_unlock (a node is missing)",
        /// The node.
        Allocate = "kmem_cache_alloc (a node)",
        /// The lock again; everything may be otherwise now.
        NomemLock = "xa_lock (with a node)",
        /// `xas_unlock()`.
        Unlock = "xa_unlock",
    }
}

/// An operation on an xarray in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct XarrayOp {
    how: How,
    at: At,
    xarray: ObjId,
    /// Its `xa_lock`.
    lock: ObjId,
    /// The index, or where the search for one has come.
    index: u16,
    /// The local that the index is from, if it goes back there.
    home: Option<LocalId>,
    /// The new entry; once it is stored, the result.
    entry: Value,
    /// What a `xa_cmpxchg()` expects.
    old: Value,
    gfp: Gfp,
    /// Who calls has the lock: `__xa_store()`.
    locked: bool,
    /// A node is missing.
    grows: bool,
}

impl Code for XarrayOp {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.how.code(c);
        self.at.code(c);
        self.xarray.code(c);
        self.lock.code(c);
        self.index.code(c);
        let mut home = self.home.map_or(0, |l| l.0 + 1);
        c.byte(&mut home);
        self.home = home.checked_sub(1).map(LocalId);
        self.entry.code(c);
        self.old.code(c);
        self.gfp.code(c);
        c.flag(&mut self.locked);
        c.flag(&mut self.grows);
    }
}

/// What an operation is given besides the xarray.
#[derive(Clone, Copy)]
pub(crate) struct Given {
    pub(crate) index: u16,
    pub(crate) home: Option<LocalId>,
    pub(crate) entry: Value,
    pub(crate) old: Value,
    pub(crate) gfp: Gfp,
    pub(crate) locked: bool,
    pub(crate) grows: bool,
}

impl XarrayOp {
    pub(crate) const BLANK: XarrayOp = XarrayOp {
        how: How::Load,
        at: At::Load,
        xarray: ObjId::object(0),
        lock: ObjId::object(0),
        index: 0,
        home: None,
        entry: Value::Null,
        old: Value::Null,
        gfp: Gfp::Kernel,
        locked: false,
        grows: false,
    };

    /// An operation about to start.
    pub(crate) fn new(how: How, (xarray, lock): (ObjId, ObjId), given: Given) -> XarrayOp {
        let Given { index, home, entry, old, gfp, locked, grows } = given;
        let at = match how {
            How::Load | How::Find => At::Load,
            _ if locked => At::Store,
            _ => At::Lock,
        };
        XarrayOp { how, at, xarray, lock, index, home, entry, old, gfp, locked, grows }
    }

    /// The word of the entry at the index; none behind the last that the model has.
    fn word(&self, program: &crate::Program) -> Option<ObjId> {
        kind::of(program, self.xarray).word(self.index)
    }

    fn go(&mut self, at: At) -> Flow {
        self.at = at;
        Flow::Go
    }

    fn spin(&self, how: spinlock::How) -> Spin {
        Spin { how, lock: self.lock, nest: None }
    }

    fn take<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.at == At::Lock {
            self.judge(cx);
        }
        match self.spin(spinlock::How::Lock).step(cx) {
            Flow::Done(_) => self.go(At::Store),
            waits => waits,
        }
    }

    /// `xas_load()`; a search goes on to the next.
    fn load<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if cx.program.root_of(self.xarray).is_some() {
            cx.touch(self.xarray);
        }
        let Some(word) = self.word(cx.program) else { return Flow::Done(Value::Null) };
        cx.touch(word);
        let seen = cx.world.var_mut(word).cell.load(Order::Consume);
        if self.how == How::Find && seen == Value::Null {
            self.index += 1;
            return if self.word(cx.program).is_some() { Flow::Go } else { Flow::Done(Value::Null) };
        }
        Flow::Done(seen)
    }

    /// An access to the entry, with the lock held: stores are `rcu_assign_pointer()`.
    fn access<R: Runtime>(&self, cx: &mut Cx<'_, R>, how: variable::How, a: Value, b: Value) -> Value {
        let Some(target) = self.word(cx.program) else {
            if how != variable::How::Xchg || a != Value::Null {
                cx.violate(Property::CAPACITY_EXCEEDED, Some(self.xarray));
            }
            return Value::Null;
        };
        let order = Order::Release;
        let mut access = variable::Access { how, order, target, slot: None, a, b, benign: false, open: false };
        match access.step(cx) {
            Flow::Done(seen) => seen,
            _ => Value::Null,
        }
    }

    fn store<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.locked {
            self.judge(cx);
        }
        if self.grows && self.how != How::Erase {
            let blocks = self.gfp.blocks();
            return self.go(if blocks { At::NomemUnlock } else { At::Allocate });
        }
        self.entry = match self.how {
            How::Erase if cx.mutated(Mutant::EraseKeeps) => Value::Null,
            How::Erase => self.access(cx, variable::How::Xchg, Value::Null, Value::Null),
            How::Insert if cx.mutated(Mutant::InsertOverwrites) => {
                self.access(cx, variable::How::Xchg, self.entry, Value::Null);
                Value::Word(0)
            }
            How::Insert => match self.access(cx, variable::How::CmpXchg, Value::Null, self.entry) {
                Value::Null => Value::Word(0),
                _ => Value::from(Errno::EBUSY),
            },
            How::CmpXchg => self.access(cx, variable::How::CmpXchg, self.old, self.entry),
            How::Alloc => self.allocate_index(cx),
            How::Store | How::Load | How::Find => self.access(cx, variable::How::Xchg, self.entry, Value::Null),
        };
        self.stored()
    }

    /// The first index without an entry: all of them are looked at with the lock held, so none can change meanwhile.
    fn allocate_index<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Value {
        let free = |word: ObjId, cx: &mut Cx<'_, R>| {
            cx.touch(word);
            cx.world.var_mut(word).cell.load(Order::Relaxed) == Value::Null
        };
        while let Some(word) = self.word(cx.program) {
            if free(word, cx) || cx.mutated(Mutant::AllocTakesUsed) {
                self.access(cx, variable::How::Xchg, self.entry, Value::Null);
                return Value::Word(i32::from(self.index));
            }
            self.index += 1;
        }
        Value::from(Errno::EBUSY)
    }

    fn stored(&mut self) -> Flow {
        if self.locked { Flow::Done(self.entry) } else { self.go(At::Unlock) }
    }

    /// `kmem_cache_alloc()` of a node: without the lock where that may take time.
    fn allocate<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        cx.touch(ObjId::task(cx.me));
        let blocks = self.gfp.blocks();
        if blocks {
            alloc::might_block(cx);
        }
        self.grows = false;
        if cx.choose(2) == 1 {
            self.entry = Value::from(Errno::ENOMEM);
            // __xas_nomem() has taken the lock again for nothing; who called without it ends as if it had not.
            return if blocks && self.locked { self.go(At::NomemLock) } else { self.failed(blocks) };
        }
        self.go(if blocks { At::NomemLock } else { At::Store })
    }

    fn failed(&mut self, unlocked: bool) -> Flow {
        if unlocked { Flow::Done(self.entry) } else { self.stored() }
    }

    fn retake<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.take(cx) {
            Flow::Go if self.entry == Value::from(Errno::ENOMEM) => Flow::Done(self.entry),
            flow => flow,
        }
    }

    fn let_go<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let _ = self.spin(spinlock::How::Unlock).step(cx);
        if self.at == At::Unlock { Flow::Done(self.entry) } else { self.go(At::Allocate) }
    }

    fn words<'a>(&self, program: &'a crate::Program) -> impl Iterator<Item = ObjId> + use<'a> {
        let of = kind::of(program, self.xarray);
        (self.index..u16::from(of.len)).filter_map(move |at| of.word(at))
    }
}

/// What an entry points to: whose references change with it.
fn pointed(entry: Value) -> Option<ObjId> {
    match entry {
        Value::Ref(h) => Some(h.obj),
        _ => None,
    }
}

impl Protocol for XarrayOp {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Load => self.load(cx),
            At::Lock => self.take(cx),
            At::Store => self.store(cx),
            At::Allocate => self.allocate(cx),
            At::NomemLock => self.retake(cx),
            At::NomemUnlock | At::Unlock => self.let_go(cx),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let lock = |how| self.spin(how).footprint(v);
        match self.at {
            At::Load => {
                let f = self.word(v.program).map_or(Footprint::reads(v.my_task()), Footprint::reads);
                if v.program.root_of(self.xarray).is_some() { f.read(self.xarray) } else { f }
            }
            At::Lock | At::NomemLock => lock(spinlock::How::Lock),
            At::Unlock | At::NomemUnlock => lock(spinlock::How::Unlock),
            At::Allocate => Footprint::reads(v.my_task()).ways(2),
            At::Store if self.grows && self.how != How::Erase => Footprint::reads(self.lock),
            At::Store => {
                let entries = self.words(v.program).take(if self.how == How::Alloc { usize::MAX } else { 1 });
                let f = entries.fold(Footprint::reads(self.lock), |f, word| {
                    f.write(word).write_opt(pointed(v.world.var_value(word)))
                });
                f.write_opt(pointed(self.entry))
            }
        }
    }

    /// Memory may be waited for; and whoever says that he has the lock has it.
    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let looks = matches!(self.how, How::Load | How::Find | How::Erase);
        // With the lock held it is dropped before memory is waited for.
        if !looks && !self.locked && self.gfp.blocks() {
            alloc::might_block(cx);
        }
        if self.locked && !cx.world.is_held_by(self.lock, cx.me) {
            let v = cx.violation_of(Property::DATA_RACE);
            cx.note_violation(Violation { rule: Some(Rule::XARRAY_UNLOCKED), object: Some(self.xarray), ..v });
        }
    }

    fn label(&self) -> &'static str {
        match self.at {
            At::Load => self.how.label(),
            at => at.label(),
        }
    }

    fn spins_on(&self) -> Option<ObjId> {
        matches!(self.at, At::Lock | At::NomemLock).then_some(self.lock)
    }

    fn write_back(&self) -> Option<(LocalId, Value)> {
        self.home.map(|home| (home, Value::Word(i32::from(self.index))))
    }
}
