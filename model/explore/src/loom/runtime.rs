//! The runtime that the kernel's steps run on.

use super::{
    address,
    cells::LoomAtomic,
    data::{LoomCell, LoomNote},
    execution::Execution,
    hub::Hub,
    memory::{View, together},
};
use ::loom::sync::{
    Mutex, MutexGuard,
    atomic::{Ordering, fence},
};
use fenceweave_kernel::{Bits, Expr, Instr, LocalId, ObjId, Runtime, Script, Thread, ThreadId, Value, World};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// The spinlocks of a program's objects, by object.
pub(super) type Gates = &'static [Mutex<()>];

/// The spinlocks of an execution. Must be the first of loom's objects in every execution.
///
/// A gate stays locked from [`Runtime::enter`] to the end of the step, longer than any borrow: its guard needs a mutex
/// that lives for ever. One set of mutexes a worker thread (that is, an exploration) is enough: loom knows an object by
/// its place in the order of creation, so the mutex of the first execution names the one that later executions create
/// at the same place.
pub(super) fn gates(count: usize) -> Gates {
    thread_local! {
        static FIRST: Cell<Option<Gates>> = const { Cell::new(None) };
    }
    let fresh: Vec<Mutex<()>> = (0..count).map(|_| Mutex::new(())).collect();
    let Some(first) = FIRST.get() else {
        let first: Gates = Box::leak(fresh.into_boxed_slice());
        FIRST.set(Some(first));
        return first;
    };
    debug_assert_eq!(
        format!("{:?}", first.last()),
        format!("{:?}", fresh.last()),
        "[internal bug] the gates are not the first objects of the execution"
    );
    first
}

/// A thread's place in an execution.
pub(super) struct Seat {
    /// The execution, if loom runs it.
    execution: Option<Rc<Execution>>,
    me: ThreadId,
    held: RefCell<Vec<(ObjId, Option<MutexGuard<'static, ()>>)>>,
    /// The spinlocks that it holds on to.
    owned: RefCell<Vec<ObjId>>,
    /// Choices made so far.
    picks: Cell<usize>,
    /// The last one; of a step that is taken again, the one to make.
    choice: Cell<u8>,
    /// For each local, what the store tells from which its value came; those of callers come first.
    sources: RefCell<Vec<Option<Rc<View>>>>,
}

/// Loom's threads; or nobody's, when setup, teardown or a diagnosis runs alone on quiet cells.
#[derive(Clone)]
pub(super) struct Loom {
    hub: Rc<Hub>,
    seat: Option<Rc<Seat>>,
}

impl Loom {
    /// The runtime of one thread of an execution.
    pub(super) fn seated(execution: &Rc<Execution>, me: ThreadId) -> Loom {
        Loom::sitting(execution.hub(), Some(Rc::clone(execution)), me)
    }

    /// The runtime of one thread of an execution that is taken again without loom.
    pub(super) fn told(hub: &Rc<Hub>, me: ThreadId) -> Loom {
        Loom::sitting(Rc::clone(hub), None, me)
    }

    fn sitting(hub: Rc<Hub>, execution: Option<Rc<Execution>>, me: ThreadId) -> Loom {
        let (held, owned, picks, choice, sources) = Default::default();
        Loom { hub, seat: Some(Rc::new(Seat { execution, me, held, owned, picks, choice, sources })) }
    }

    /// The runtime of whoever runs alone.
    pub(super) fn alone(hub: &Rc<Hub>) -> Loom {
        Loom { hub: Rc::clone(hub), seat: None }
    }

    /// A step of a thread begins.
    pub(super) fn begin_step(&self, thread: &Thread, script: &Script) {
        let Some(seat) = &self.seat else { return };
        let op = match script.code.get(usize::from(thread.pc())) {
            Some(Instr::Op { op, .. }) => Some(*op),
            _ => None,
        };
        let sources = seat.sources.borrow();
        let source = |l: LocalId| sources.get(thread.window_at(l)).cloned().flatten();
        let address = op.and_then(|op| together(address::locals(op).filter_map(source)));
        self.hub.memory().begin_step(seat.me.index(), address);
    }

    /// How the next choice falls, of a step that is taken again.
    pub(super) fn will_choose(&self, choice: u8) {
        self.seat.iter().for_each(|s| s.choice.set(choice));
    }

    /// Leaves all critical sections; the result is how the step's choice fell. A lock that is held on to is not given
    /// back, nor is one that was not had.
    pub(super) fn end_step(&self, world: &World<Loom>, spins: bool) -> u8 {
        let Some(seat) = &self.seat else { return 0 };
        let mut held = seat.held.borrow_mut();
        let mut owned = seat.owned.borrow_mut();
        for (gate, _) in held.iter().filter(|_| !self.hub.is_quiet()) {
            owned.retain(|o| o != gate);
            // Who runs a timer's handler does not hold the timer's lock.
            if world.spin_owner(*gate) == Some(seat.me) && !world.object(*gate).is_run_unlocked() {
                owned.push(*gate);
            } else if !spins {
                self.hub.memory().unlocked(seat.me.index(), number(*gate));
            }
        }
        held.clear();
        seat.choice.take()
    }

    fn seat(&self) -> Option<&Seat> {
        self.seat.as_deref().filter(|_| !self.hub.is_quiet())
    }
}

/// Notes where what a local holds came from.
fn note(sources: &mut Vec<Option<Rc<View>>>, local: usize, source: Option<Rc<View>>) {
    if sources.len() <= local && source.is_some() {
        sources.resize(local + 1, None);
    }
    if let Some(of) = sources.get_mut(local) {
        *of = source;
    }
}

/// Which gate it is.
fn number(gate: ObjId) -> usize {
    gate.as_object().expect("[internal bug] only objects have a lock")
}

impl Runtime for Loom {
    type Cell<T: Copy + Send + 'static> = LoomCell<T>;
    type Atomic<T: Bits> = LoomAtomic<T>;
    type Note<T: Copy + Send + 'static> = LoomNote<T>;
    const SEES_OVERLAP: bool = false;

    fn enter(&mut self, gate: ObjId) {
        let Some(seat) = self.seat() else { return };
        if seat.held.borrow().iter().any(|(g, _)| *g == gate) {
            return;
        }
        let guard = seat.execution.as_ref().map(|e| {
            e.gate(number(gate)).lock().unwrap_or_else(|_| panic!("[internal bug] loom's mutexes are never poisoned"))
        });
        let is_mine = seat.owned.borrow().contains(&gate);
        self.hub.memory().locked(seat.me.index(), number(gate), is_mine);
        seat.held.borrow_mut().push((gate, guard));
    }

    fn full_barrier(&mut self) {
        let Some(seat) = self.seat() else { return };
        if self.hub.is_live() {
            fence(Ordering::SeqCst);
        }
        self.hub.memory().full_barrier(seat.me.index());
    }

    // C11's fences order more than the kernel's two: a release fence also what was loaded before it, an acquire fence
    // also what is stored after it. Both are a load that comes before a later store of its own thread, and that is so
    // in every execution of loom's: "complete" never speaks of load buffering.
    fn write_barrier(&mut self) {
        let Some(seat) = self.seat() else { return };
        if self.hub.is_live() {
            fence(Ordering::Release);
        }
        self.hub.memory().write_barrier(seat.me.index());
    }

    fn read_barrier(&mut self) {
        let Some(seat) = self.seat() else { return };
        if self.hub.is_live() {
            fence(Ordering::Acquire);
        }
        self.hub.memory().read_barrier(seat.me.index());
    }

    fn choose(&mut self, n: u8) -> u8 {
        let Some(seat) = self.seat() else { return 0 };
        let Some(execution) = &seat.execution else { return seat.choice.get().min(n - 1) };
        let k = seat.picks.replace(seat.picks.get() + 1);
        let choice = execution.pick(seat.me, k, n);
        seat.choice.set(choice);
        choice
    }

    fn release(&mut self, thread: ThreadId) {
        let Some(seat) = self.seat() else { return };
        self.hub.memory().sent(seat.me.index(), thread.index());
        if let Some(execution) = &seat.execution {
            execution.send_token(thread);
        }
    }

    fn torn(&mut self) {
        if self.seat().is_some() {
            self.hub.tear();
        }
    }

    fn looks(&mut self, on: bool) {
        self.hub.looks(on);
    }

    fn broken(&mut self) {
        if let Some(seat) = self.seat()
            && let Some(execution) = &seat.execution
        {
            execution.breaks(seat.me);
        }
    }

    fn result_into(&mut self, local: usize, value: Value) {
        let Some(seat) = self.seat() else { return };
        let source = self.hub.memory().told_by(seat.me.index(), value.to_bits());
        note(&mut seat.sources.borrow_mut(), local, source);
    }

    fn computed(&mut self, local: usize, of: &Expr<LocalId>, base: usize) {
        let Some(seat) = self.seat() else { return };
        let mut sources = seat.sources.borrow_mut();
        let source = together(of.reads().filter_map(|l| sources.get(base + usize::from(l.0)).cloned().flatten()));
        note(&mut sources, local, source);
    }

    fn called(&mut self, base: usize) {
        let Some(seat) = self.seat() else { return };
        seat.sources.borrow_mut().truncate(base);
    }

    fn returned(&mut self, from: Option<usize>, to: usize) {
        let Some(seat) = self.seat() else { return };
        let mut sources = seat.sources.borrow_mut();
        let source = from.and_then(|from| sources.get(from).cloned().flatten());
        note(&mut sources, to, source);
    }
}
