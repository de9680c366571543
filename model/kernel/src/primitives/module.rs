//! Modules: what is called through a pointer is there only as long as its module is.
//!
//! ```text
//!   try_module_get   module_is_live()?          atomic_inc_not_zero()
//!   module_put       atomic_dec_if_positive()
//!   delete_module    try_stop_module(): -EWOULDBLOCK if somebody has a reference, else MODULE_STATE_GOING
//!                    mod->exit()
//!                    free_module(): not to be found any more, synchronize_rcu(), and the memory goes
//! ```
//!
//! As `kernel/module/main.c` of 6.12. `module_mutex` is held over `try_release_module_ref()` and where the state
//! changes, never while something else is called but `synchronize_rcu()`; here each of these is a critical section of
//! its own. Left out: that other modules use it, notifiers, and a forced unload.
//!
//! Who waits for no reference while code runs, or a pointer to it is left, frees what others go on in: nothing but
//! references keeps a module. So it is noted who is in the middle of one of its functions, and every look at one of
//! its tables asks whether it is there.

pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    AtomicCell, Call, Code, Coder, Context, Cx, Errno, Flow, Footprint, ObjId, Order, Plain, Property, Rule, Runtime,
    Then, Value, View, Violation,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ground::{functions::functions, readers::Readers},
    primitives::rcu::{self, RcuOp},
    program::CalleeId,
    property::Form,
    protocol::Protocol,
    runtime::NoteCell,
    shared::Shared,
};

/// `MODULE_REF_BASE`: the reference that a module has to itself until it goes.
const BASE: u8 = 1;

/// `mod->state`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
enum Stage {
    /// `MODULE_STATE_LIVE`.
    #[default]
    Live,
    /// `MODULE_STATE_GOING`.
    Going,
    /// `MODULE_STATE_UNFORMED`, and after that.
    Unformed,
}

const STAGES: [Stage; 3] = [Stage::Live, Stage::Going, Stage::Unformed];

/// What the kernel does not keep of a module.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Known {
    /// Its memory is somebody else's.
    gone: bool,
    /// How many references somebody has got and not put.
    users: u8,
    /// How often each thread is in the middle of one of its functions.
    inside: Readers,
}

fields!(Known { gone, users, inside });

/// A `struct module`'s words: the state and the count, which are read bare.
#[derive(Clone)]
pub struct Module<R: Runtime> {
    state: R::Atomic<u8>,
    refs: R::Atomic<u8>,
    known: R::Note<Known>,
}

impl Copy for Module<Plain> {}

impl<R: Runtime> Module<R> {
    pub(crate) fn new() -> Self {
        Module {
            state: R::Atomic::new(Stage::Live as u8),
            refs: R::Atomic::new(BASE),
            known: R::Note::new(Known::default()),
        }
    }

    fn stage(&self) -> Stage {
        STAGES[usize::from(self.state.peek()) % STAGES.len()]
    }
}

impl<R: Runtime> Shared<R> for Module<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        sink("users", Facet::Word(i32::from(self.known.get().users)));
        sink("going", Facet::Flag(self.stage() != Stage::Live));
        sink("gone", Facet::Flag(self.known.get().gone));
    }

    fn lives(&self) -> bool {
        !self.known.get().gone
    }
}

impl Code for Module<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.state.code(c);
        self.refs.code(c);
        self.known.code(c);
    }
}

points! {
    /// Where an operation on a module is.
    pub(crate) enum At {
        /// `try_module_get()`: whether it goes.
        Get = "try_module_get: module_is_live",
        /// Another reference, unless its own is gone.
        GetRef = "try_module_get: atomic_inc_not_zero",
        /// `module_put()`.
        Put = "module_put",
        /// `delete_module()`: its own reference goes; whoever has another one keeps it. `module_mutex` is held, so that
        /// of two that unload it one comes first.
        Delete = "try_stop_module",
        /// `free_module()`: nobody finds it any more.
        Unform = "free_module: MODULE_STATE_UNFORMED",
        /// Until all are out who walk the list of modules.
        Sync = "free_module: synchronize_rcu",
        /// The memory of its code and data goes.
        Free = "free_mod_mem",
        /// A call of one of its functions.
        Enter = "call",
        /// And its end, the last instruction of it.
        Leave = "return",
        /// A slot of one of its tables is read.
        Look = "look into a table",
    }
}

functions! {
    /// What may be done with a module.
    pub enum How begins at At {
        /// `try_module_get()`: 1 or 0.
        Get,
        /// `module_put()`.
        Put,
        /// `delete_module()`.
        Delete,
        /// One of its functions begins.
        Enter,
        /// And is over.
        Leave,
        /// A slot of one of its tables is read.
        Look,
    }
}

/// An operation on a module in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ModuleOp {
    at: At,
    /// None is what is built in, and always there.
    module: Option<ObjId>,
    wait: RcuOp,
}

fields!(ModuleOp { at, module, wait });

impl ModuleOp {
    pub(crate) const BLANK: ModuleOp = ModuleOp::new(At::Get, None);

    const fn new(at: At, module: Option<ObjId>) -> ModuleOp {
        ModuleOp { at, module, wait: RcuOp { at: rcu::At::Synchronize } }
    }

    fn go(&mut self, at: At) -> Flow {
        self.at = at;
        Flow::Go
    }

    /// Whether it goes; who looks at what is gone uses memory after it was freed.
    fn get<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, module: ObjId) -> Flow {
        let stage = stage(cx, module);
        if is_gone(cx, module) {
            cx.violate(Property::USE_AFTER_FREE, Some(module));
        }
        if stage == Stage::Live { self.go(At::GetRef) } else { Flow::Done(Value::Word(0)) }
    }

    fn get_ref<R: Runtime>(cx: &mut Cx<'_, R>, module: ObjId) -> Flow {
        let blind = cx.mutated(Mutant::GetGoing);
        let more = move |n: u8| if n == 0 && !blind { 0 } else { n.saturating_add(1) };
        let got = cx.fully(|cx| {
            let was = cx.module(module).refs.fetch_update(more, Order::Relaxed);
            if is_gone(cx, module) {
                cx.violate(Property::USE_AFTER_FREE, Some(module));
            } else if was == u8::MAX {
                cx.violate(Property::CAPACITY_EXCEEDED, Some(module));
            }
            let got = was > 0 || blind;
            know(cx, module, |known| known.users += u8::from(got && was < u8::MAX));
            got
        });
        Flow::Done(Value::Word(i32::from(got)))
    }

    /// `WARN_ON(ret < 0)`, "Failed to put refcount"; and one that takes the module's own reference, which in the kernel
    /// is found out by who unloads it: `BUG_ON(ret < 0)`.
    fn put<R: Runtime>(cx: &mut Cx<'_, R>, module: ObjId) {
        cx.fully(|cx| {
            cx.module(module).refs.fetch_update(|n: u8| n.saturating_sub(1), Order::Relaxed);
            if is_gone(cx, module) {
                cx.violate(Property::USE_AFTER_FREE, Some(module));
            } else if cx.module(module).known.get().users == 0 {
                cx.violate(Property::REFCOUNT_UNDERFLOW, Some(module));
            }
            know(cx, module, |known| known.users = known.users.saturating_sub(1));
        });
    }

    fn delete<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, module: ObjId) -> Flow {
        self.judge(cx);
        cx.enter(module);
        match stage(cx, module) {
            Stage::Live => {}
            Stage::Going => return Flow::Done(Errno::EBUSY.into()),
            Stage::Unformed => return Flow::Done(Errno::ENOENT.into()),
        }
        let was = cx.fully(|cx| cx.module(module).refs.fetch_add(-i32::from(BASE), Order::Relaxed));
        if was > BASE && !cx.mutated(Mutant::DeleteUsed) {
            // Somebody may have put the last one meanwhile.
            let back = |n: u8| if n == 0 { 0 } else { n + BASE };
            let left = cx.fully(|cx| cx.module(module).refs.fetch_update(back, Order::Relaxed));
            if left > 0 {
                return Flow::Done(Errno::EWOULDBLOCK.into());
            }
        }
        cx.module(module).state.store(Stage::Going as u8, Order::Relaxed);
        self.at = At::Unform;
        match exit_of(cx, module) {
            Some(callee) => {
                let args = [Value::Unset; 2];
                Flow::Call(Call { callee, args, context: Context::Caller, then: Then::Resume })
            }
            None => Flow::Go,
        }
    }

    fn wait<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if cx.mutated(Mutant::FreeNoWait) {
            return self.go(At::Free);
        }
        match self.wait.step(cx) {
            Flow::Done(_) => self.go(At::Free),
            waits => waits,
        }
    }

    /// Who is in the middle of one of its functions goes on in memory that is somebody else's, if it is only to return.
    fn free<R: Runtime>(cx: &mut Cx<'_, R>, module: ObjId) {
        cx.enter(module);
        cx.module(module).state.store(Stage::Unformed as u8, Order::Release);
        know(cx, module, |known| known.gone = true);
        let other = cx.module(module).known.get().inside.all().iter().next();
        if other.is_some() {
            let v = cx.violation_of(Property::USE_AFTER_FREE);
            cx.note_violation(Violation { object: Some(module), other, form: Some(Form::CODE_FREED), ..v });
        }
    }

    /// One more or one less of its functions is called.
    fn count<R: Runtime>(&self, cx: &mut Cx<'_, R>, module: ObjId) {
        let (me, _) = (cx.me, stage(cx, module));
        let known = cx.module(module).known.get();
        let depth = known.inside.of(me);
        if self.at == At::Leave {
            know(cx, module, |known| known.inside.set(me, depth.saturating_sub(1)));
        } else if known.gone {
            let v = cx.violation_of(Property::USE_AFTER_FREE);
            cx.note_violation(Violation { object: Some(module), form: Some(Form::CODE_GONE), ..v });
        } else if depth == Readers::MOST {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(module));
        } else {
            know(cx, module, |known| known.inside.set(me, depth + 1));
        }
    }
}

fn is_gone<R: Runtime>(cx: &mut Cx<'_, R>, module: ObjId) -> bool {
    cx.module(module).known.get().gone
}

fn know<R: Runtime>(cx: &mut Cx<'_, R>, module: ObjId, change: impl FnOnce(&mut Known)) {
    let known = &mut cx.module(module).known;
    let mut now = known.get();
    change(&mut now);
    known.set(now);
}

/// `mod->state`, read bare.
fn stage<R: Runtime>(cx: &mut Cx<'_, R>, module: ObjId) -> Stage {
    let state = cx.module(module).state.load(Order::Acquire);
    STAGES[usize::from(state) % STAGES.len()]
}

/// `mod->exit`.
fn exit_of<R: Runtime>(cx: &Cx<'_, R>, module: ObjId) -> Option<CalleeId> {
    cx.program.kind(module).calls()
}

impl Protocol for ModuleOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        // `if (module)`: there is always what is built in.
        let Some(module) = self.module else { return Flow::Done(Value::Word(i32::from(self.at == At::Get))) };
        match self.at {
            At::Get => return self.get(cx, module),
            At::GetRef => return ModuleOp::get_ref(cx, module),
            At::Delete => return self.delete(cx, module),
            At::Unform => {
                cx.enter(module);
                cx.module(module).state.store(Stage::Unformed as u8, Order::Relaxed);
                return self.go(At::Sync);
            }
            At::Sync => return self.wait(cx),
            At::Put => ModuleOp::put(cx, module),
            At::Free => ModuleOp::free(cx, module),
            At::Enter | At::Leave => self.count(cx, module),
            At::Look => {
                let _ = stage(cx, module);
                if is_gone(cx, module) {
                    cx.violate_rule(Rule::TABLE_GONE, Some(module));
                }
            }
        }
        Flow::Done(Value::Word(0))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match (self.module, self.at) {
            (None, _) => Footprint::NONE,
            (Some(module), At::Get | At::Look) => Footprint::reads(module),
            (Some(_), At::Sync) => self.wait.footprint(v),
            (Some(module), _) => Footprint::writes(module),
        }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if self.at == At::Delete {
            cx.might_sleep(self.module);
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
