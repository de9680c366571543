//! The runtime that the kernel's steps run on.

use super::{
    cells::{RealAtomic, RealCell, RealNote, Slots},
    dice::Dice,
    floor::Floor,
};
use crate::alone::Quiet;
use fenceweave_kernel::{Bits, ObjId, Runtime, ThreadId};
use std::sync::{
    Arc,
    atomic::{Ordering, fence},
};

/// Where a thread is that runs among others.
#[derive(Clone)]
struct Seat {
    floor: Arc<Floor>,
    /// The objects whose locks its step has taken.
    held: Vec<ObjId>,
    /// And that of the frames, which comes before them.
    has_frames: bool,
    dice: Dice,
    /// How the step's choice fell.
    choice: u8,
}

/// A thread of the system; or nobody's, when setup runs alone.
#[derive(Clone)]
pub(super) struct Real(Option<Seat>);

impl Real {
    /// The runtime of one thread of a run.
    pub(super) fn seated(floor: &Arc<Floor>, dice: Dice) -> Real {
        Real(Some(Seat { floor: Arc::clone(floor), held: vec![], has_frames: false, dice, choice: 0 }))
    }

    /// Leaves all critical sections; the result is how the step's choice fell.
    pub(super) fn end_step(&mut self) -> u8 {
        let Some(seat) = &mut self.0 else { return 0 };
        // The last one taken is the first one given back.
        while let Some(gate) = seat.held.pop() {
            seat.floor.gate(gate).release();
        }
        if std::mem::take(&mut seat.has_frames) {
            seat.floor.frames().release();
        }
        std::mem::take(&mut seat.choice)
    }
}

impl Runtime for Real {
    type Cell<T: Copy + Send + 'static> = RealCell<T>;
    type Atomic<T: Bits> = RealAtomic<T>;
    type Note<T: Copy + Send + 'static> = RealNote<T>;
    const SEES_OVERLAP: bool = false;
    const LEAVES_OUT: bool = true;

    fn enter(&mut self, gate: ObjId) {
        let Some(seat) = &mut self.0 else { return };
        if !seat.held.contains(&gate) {
            seat.floor.gate(gate).take();
            seat.held.push(gate);
        }
    }

    fn has_frames(&mut self) {
        let Some(seat) = self.0.as_mut().filter(|seat| !seat.has_frames) else { return };
        debug_assert!(seat.held.is_empty(), "[internal bug] frames come before what is entered");
        seat.floor.frames().take();
        seat.has_frames = true;
    }

    fn full_barrier(&mut self) {
        fence(Ordering::SeqCst);
    }

    // C11 has no weaker ones: these order loads and stores, too.
    fn write_barrier(&mut self) {
        fence(Ordering::Release);
    }

    fn read_barrier(&mut self) {
        fence(Ordering::Acquire);
    }

    fn choose(&mut self, n: u8) -> u8 {
        let Some(seat) = &mut self.0 else { return 0 };
        seat.choice = seat.dice.below(n.into()) as u8;
        seat.choice
    }

    fn release(&mut self, thread: ThreadId) {
        if let Some(seat) = &self.0 {
            seat.floor.let_go(thread);
        }
    }
}

impl Quiet for Slots {
    type On = Real;
    fn runtime(&self) -> Real {
        Real(None)
    }
    fn undone<T>(&self, f: impl FnOnce() -> T) -> T {
        self.iter().for_each(|s| s.save());
        let result = f();
        self.iter().for_each(|s| s.restore());
        result
    }
}
