//! What every execution of loom's begins with: the system after setup, and whose each of its words is.

use super::{hub::Hub, memory::Memory, runtime::Loom};
use crate::{
    Stale, StaleWords, Stored, Trace,
    alone::{Alone, Quiet},
};
use fenceweave_kernel::{Action, Bits, ObjId, Program, Thread, Value, World, fixed, memory::bytes::Bytes};
use std::{cell::RefCell, rc::Rc};

/// What every execution begins with. Only the values of the cells change from one to the next.
pub(super) struct System {
    /// The cells' hub.
    pub(super) hub: Rc<Hub>,
    /// Each thread's handle on the shared objects; the last one is nobody's.
    pub(super) worlds: Vec<RefCell<World<Loom>>>,
    /// The threads before their first step.
    pub(super) threads: Vec<Thread>,
    /// Whose each word is: a variable, or the object that it is part of; a task's is nobody's.
    owners: Vec<Option<ObjId>>,
    /// Whether there are plain variables.
    has_plain: bool,
    /// What setup has warned of.
    pub(super) warned: u32,
}

impl System {
    /// The system after setup.
    pub(super) fn new(program: &Program) -> System {
        let (hub, mut world) = Hub::create(|| World::new(program));
        let mut alone = Alone { program, quiet: &hub, world: &mut world, warned: 0 };
        let (threads, warned) = (alone.set_up(), alone.warned);
        hub.begin_here();
        let bytes = Bytes::of(program);
        world.set_bytes(bytes.clone());
        bytes.into_iter().for_each(|bytes| hub.add_memory(bytes));
        let handles = 0..=program.scripts.len();
        let worlds = handles.map(|who| RefCell::new(hub.handle_for(who, &world))).collect();
        let frames = program.all::<fixed::Frame>().next().is_some();
        let has_plain = frames || program.vars.iter().any(|v| v.racy);
        System { hub, worlds, threads, owners: owners(program), has_plain, warned }
    }

    /// The words of which a stale store was read.
    pub(super) fn stale(&self, memory: &Memory) -> StaleWords {
        memory.stale().iter().map(|w| self.owners[usize::from(*w)]).collect()
    }

    /// The trace of these steps, with the reads that did not return the youngest store. The steps are those of the
    /// trace, one after the other: a read in the middle of somebody else's step may have none.
    pub(super) fn trace(&self, steps: &[Action], memory: &Memory) -> Trace {
        let mut made: Vec<Vec<(u8, Option<usize>)>> = vec![vec![(0, None)]; self.owners.len()];
        let mut weak = vec![];
        for (step, accesses) in memory.steps().enumerate() {
            let mut nth = 0;
            for a in accesses {
                let (word, made) = (usize::from(a.word), &mut made[usize::from(a.word)]);
                if let Some(at) = a.read.and_then(|read| made.iter().rposition(|(s, _)| *s == read)) {
                    let stored = |at: usize| {
                        let (store, step) = made[at];
                        let owner = self.owners[word].filter(|o| o.as_var().is_some());
                        let bits = memory.bits(word, usize::from(store));
                        Stored { value: owner.map(|_| Value::from_bits(bits)), step }
                    };
                    let (age, newest) = ((made.len() - 1 - at) as u8, stored(made.len() - 1));
                    let stale = Stale { step, nth, age, word: self.owners[word], got: stored(at), newest };
                    weak.extend((age > 0).then_some(stale));
                }
                nth += u8::from(a.read.is_some());
                made.extend(a.made.map(|store| (store, Some(step))));
            }
        }
        // Without a stale read any memory shows the same, unless plain accesses are not ordered; those are one step
        // here.
        let needed = !weak.is_empty() || self.has_plain;
        Trace { weak: needed.then_some(weak), ..Trace::of(steps.to_vec()) }
    }

    /// The handle that belongs to no thread.
    pub(super) fn world(&self) -> &RefCell<World<Loom>> {
        &self.worlds[self.threads.len()]
    }
}

/// How many words a world has that begins with so many objects of a program.
fn words(program: &Program, objects: usize) -> usize {
    let mut first = program.clone();
    first.objects.truncate(objects);
    // What a variable begins with may be an object that is not there.
    first.vars.iter_mut().for_each(|var| var.init = Value::Unset);
    let (hub, _) = Hub::create(|| World::<Loom>::new(&first));
    let words = hub.words();
    hub.dissolve();
    words
}

/// Whose each word is. A world makes its words in order: those of objects, variables, tasks.
fn owners(program: &Program) -> Vec<Option<ObjId>> {
    let others = words(program, 0);
    let mut owners = vec![];
    for i in 0..program.objects.len() {
        owners.resize(words(program, i + 1) - others, Some(ObjId::object(i)));
    }
    owners.extend((0..program.vars.len()).map(|i| Some(ObjId::var(i))));
    owners.resize(owners.len().max(words(program, program.objects.len())), None);
    owners
}

impl Drop for System {
    fn drop(&mut self) {
        self.hub.dissolve();
    }
}

impl Quiet for Rc<Hub> {
    type On = Loom;
    fn runtime(&self) -> Loom {
        Loom::alone(self)
    }
    fn undone<T>(&self, f: impl FnOnce() -> T) -> T {
        Hub::undone(self, f)
    }
}
