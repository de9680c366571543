//! The runtime that the kernel's steps run on.

use super::{
    cells::{Hub, LoomAtomic, LoomCell, LoomNote},
    execution::Execution,
};
use fenceweave_kernel::{Bits, ObjId, Runtime, ThreadId};
use loom::sync::{
    Mutex, MutexGuard,
    atomic::{Ordering, fence},
};
use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

/// The spinlocks of a program's objects, by object.
pub(super) type Gates = &'static [Mutex<()>];

/// The spinlocks of an execution. Must be the first of loom's objects in every execution.
///
/// A gate stays locked from [`Runtime::enter`] to the end of the step, longer than any borrow: its guard needs a mutex
/// that lives for ever. One set of mutexes a worker thread (that is, an exploration) is enough: loom knows an object by its
/// place in the order of creation, so the mutex of the first execution names the one that later executions create at
/// the same place.
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
    execution: Rc<Execution>,
    me: ThreadId,
    held: RefCell<Vec<(ObjId, MutexGuard<'static, ()>)>>,
    /// Choices made so far.
    picks: Cell<usize>,
    /// The last one.
    choice: Cell<u8>,
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
        let (held, picks, choice) = Default::default();
        let seat = Seat { execution: Rc::clone(execution), me, held, picks, choice };
        Loom { hub: execution.hub(), seat: Some(Rc::new(seat)) }
    }

    /// The runtime of whoever runs alone.
    pub(super) fn alone(hub: &Rc<Hub>) -> Loom {
        Loom { hub: Rc::clone(hub), seat: None }
    }

    /// Leaves all critical sections; the result is how the step's choice fell.
    pub(super) fn end_step(&self) -> u8 {
        let Some(seat) = &self.seat else { return 0 };
        seat.held.borrow_mut().clear();
        seat.choice.take()
    }

    fn seat(&self) -> Option<&Seat> {
        self.seat.as_deref().filter(|_| !self.hub.is_quiet())
    }
}

impl Runtime for Loom {
    type Cell<T: Copy + Send + 'static> = LoomCell<T>;
    type Atomic<T: Bits> = LoomAtomic<T>;
    type Note<T: Copy + 'static> = LoomNote<T>;
    const SEES_OVERLAP: bool = false;

    fn enter(&mut self, gate: ObjId) {
        let Some(seat) = self.seat() else { return };
        if seat.held.borrow().iter().any(|(g, _)| *g == gate) {
            return;
        }
        let guard = seat.execution.gate(gate).lock();
        let guard = guard.unwrap_or_else(|_| panic!("[internal bug] loom's mutexes are never poisoned"));
        seat.held.borrow_mut().push((gate, guard));
    }

    fn full_barrier(&mut self) {
        if !self.hub.is_quiet() {
            fence(Ordering::SeqCst);
        }
    }

    // C11's fences order more than the kernel's two: a release fence also what was loaded before it, an acquire fence also
    // what is stored after it. Both are a load that comes before a later store of its own thread, and that is so in every
    // execution of loom's: "complete" never speaks of load buffering.
    fn write_barrier(&mut self) {
        if !self.hub.is_quiet() {
            fence(Ordering::Release);
        }
    }

    fn read_barrier(&mut self) {
        if !self.hub.is_quiet() {
            fence(Ordering::Acquire);
        }
    }

    fn choose(&mut self, n: u8) -> u8 {
        let Some(seat) = self.seat() else { return 0 };
        let k = seat.picks.replace(seat.picks.get() + 1);
        let choice = seat.execution.pick(seat.me, k, n);
        seat.choice.set(choice);
        choice
    }

    fn release(&mut self, thread: ThreadId) {
        if let Some(seat) = self.seat() {
            seat.execution.send_token(thread);
        }
    }
}
