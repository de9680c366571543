//! What a spinlock protects, and the checker's notes: values beside loom, which is told of the lock alone.

use super::hub::{Clock, Hub, Slot};
use fenceweave_kernel::{Held, ObjId, SharedCell, runtime::NoteCell};
use std::{cell::Cell, rc::Rc};

/// A value beside loom.
struct Data<T> {
    hub: Rc<Hub>,
    value: Cell<T>,
    start: Cell<T>,
    saved: Cell<T>,
    clock: Cell<Clock>,
    /// Of what the machine keeps: who has read it.
    readers: Cell<Clock>,
}

impl<T: Copy> Slot for Data<T> {
    fn begin_here(&self) {
        self.start.set(self.value.get());
    }
    fn go_live(&self) {
        self.value.set(self.start.get());
        self.clock.take();
        self.readers.take();
    }
    fn save(&self) {
        self.saved.set(self.value.get());
    }
    fn restore(&self) {
        self.value.set(self.saved.get());
    }
}

impl<T: Copy + 'static> Data<T> {
    fn new(value: T) -> Rc<Data<T>> {
        let hub = Hub::creating();
        let (value, start, saved) = (Cell::new(value), Cell::new(value), Cell::new(value));
        let (clock, readers) = (Cell::default(), Cell::default());
        let data = Rc::new(Data { hub: Rc::clone(&hub), value, start, saved, clock, readers });
        hub.slots.borrow_mut().push(Rc::clone(&data) as Rc<dyn Slot>);
        data
    }
}

/// One thread's handle on a value that a spinlock protects. The lock orders the accesses, so loom needs no cell.
pub(super) struct LoomCell<T> {
    data: Rc<Data<T>>,
    gate: ObjId,
    who: usize,
}

impl<T> Clone for LoomCell<T> {
    fn clone(&self) -> Self {
        LoomCell { data: Rc::clone(&self.data), gate: self.gate, who: self.data.hub.cloning_for.get() }
    }
}

impl<T: Copy + 'static> SharedCell<T> for LoomCell<T> {
    fn new(value: T, gate: ObjId) -> Self {
        LoomCell { data: Data::new(value), gate, who: 0 }
    }

    fn get(&self, held: Held) -> T {
        debug_assert_eq!(held.gate(), self.gate, "[internal bug] a cell was read under another object's lock");
        if !self.data.hub.is_quiet() {
            self.data.hub.read(self.who, &self.data.clock);
        }
        self.data.value.get()
    }

    fn set(&mut self, held: Held, value: T) {
        debug_assert_eq!(held.gate(), self.gate, "[internal bug] a cell was written under another object's lock");
        self.data.value.set(value);
        if !self.data.hub.is_quiet() {
            self.data.hub.wrote(self.who, &self.data.clock);
        }
    }

    fn peek(&self) -> T {
        self.data.hub.peeked(self.who, &self.data.clock);
        self.data.value.get()
    }
}

/// One thread's handle on a note of the checker's: nothing that a thread does may depend on it, unless it is what the
/// machine itself keeps.
pub(super) struct LoomNote<T> {
    data: Rc<Data<T>>,
    is_machines: bool,
    who: usize,
}

impl<T> Clone for LoomNote<T> {
    fn clone(&self) -> Self {
        LoomNote { data: Rc::clone(&self.data), is_machines: self.is_machines, who: self.data.hub.cloning_for.get() }
    }
}

impl<T> LoomNote<T> {
    /// Whether steps come behind one another by it, while loom decides who comes when.
    fn orders(&self) -> bool {
        self.is_machines && self.data.hub.is_live()
    }
}

impl<T: Copy + 'static> NoteCell<T> for LoomNote<T> {
    fn new(value: T) -> Self {
        LoomNote { data: Data::new(value), is_machines: false, who: 0 }
    }
    fn machine(value: T) -> Self {
        LoomNote { data: Data::new(value), is_machines: true, who: 0 }
    }
    fn get(&self) -> T {
        if self.orders() {
            self.data.hub.read(self.who, &self.data.clock);
            self.data.hub.is_read(self.who, &self.data.readers);
        }
        self.data.value.get()
    }
    fn set(&mut self, value: T) {
        if self.orders() {
            self.data.hub.read(self.who, &self.data.readers);
            self.data.hub.wrote(self.who, &self.data.clock);
        }
        self.data.value.set(value);
    }
}
