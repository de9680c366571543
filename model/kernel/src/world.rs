//! All shared objects of a modelled system.

use crate::{
    Code, Coder, Handle, MAX_OBJECTS, MAX_THREADS, MAX_VARS, ObjId, Object, Plain, Program, Runtime, ThreadId, Value,
    coder::Canon,
    counted::{Counted, Owns},
    registry::Variable,
    runtime::{AtomicCell, NoteCell},
    shared::{Listed, Stamp},
    task::Task,
};

/// One thread's handle on all shared objects; under [`Plain`], the objects themselves as one flat value.
#[derive(Clone)]
pub struct World<R: Runtime> {
    objects: [Object<R>; MAX_OBJECTS],
    vars: [Variable<R>; MAX_VARS],
    tasks: [Task<R>; MAX_THREADS],
    live: Live,
}

impl Copy for World<Plain> {}

/// How many slots of each array a program uses: copying and encoding look no further.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Live {
    objects: u8,
    vars: u8,
    tasks: u8,
}

/// The working form must stay small: a search copies it at every step.
const _: () = assert!(size_of::<World<Plain>>() <= 2048);

impl<R: Runtime> World<R> {
    /// The world of a program before its setup has run.
    pub fn new(program: &Program) -> World<R> {
        let objects = std::array::from_fn(|i| match program.objects.get(i) {
            Some(decl) => Object::new(&decl.kind, ObjId::object(i), program),
            None => Object::None,
        });
        let vars = std::array::from_fn(|i| match program.vars.get(i) {
            Some(v) => Variable::new(v.init, v.racy).under(&v.premise),
            None => Variable::new(Value::Unset, false),
        });
        let tasks = std::array::from_fn(|_| Task::new());
        let live = Live {
            objects: program.objects.len() as u8,
            vars: program.vars.len() as u8,
            tasks: program.scripts.len() as u8 + 1,
        };
        let mut world = World { objects, vars, tasks, live };
        world.give_first_references(program);
        world
    }

    /// A variable that is declared with an object has setup's reference to it; a second one only points.
    fn give_first_references(&mut self, program: &Program) {
        for (i, decl) in program.vars.iter().enumerate() {
            let Value::Ref(h) = decl.init else { continue };
            // What others are made of has a reference besides.
            if program.is_own_word(ObjId::var(i)) {
                continue;
            }
            let first = program.declared_refs(h.obj) > 0;
            let owns = self.counted_mut(h).map_or(Owns::Nothing, |refs| refs.give(program.main_thread(), first));
            self.vars[i].owns.set(owns);
        }
    }

    /// The count of the object that a handle is of, if it lives.
    pub(crate) fn counted_mut(&mut self, h: Handle) -> Option<&mut Counted<R>> {
        let object = self.object_mut(h.obj);
        let outdated = object.generation().is_some_and(|now| now != h.generation);
        if outdated || object.is_bare() || !object.lives() { None } else { object.refs_mut() }
    }

    /// The object in a slot.
    pub fn object(&self, id: ObjId) -> &Object<R> {
        &self.objects[usize::from(id.0)]
    }

    pub(crate) fn object_mut(&mut self, id: ObjId) -> &mut Object<R> {
        &mut self.objects[usize::from(id.0)]
    }

    /// The object in a slot, if it is one of these.
    pub(crate) fn get<T: Listed<R>>(&self, id: ObjId) -> Option<&T> {
        T::of(self.object(id))
    }

    /// Every object of a type, with its id.
    pub(crate) fn all<'w, T: Listed<R> + 'w>(&'w self) -> impl Iterator<Item = (ObjId, &'w T)> {
        self.objects().filter_map(|(id, o)| Some((id, T::of(o)?)))
    }

    /// The latest value of a variable word, for observers.
    pub fn var_value(&self, id: ObjId) -> Value {
        self.vars[id.as_var().unwrap_or_default()].cell.peek()
    }

    /// A thread's task.
    pub fn task(&self, t: ThreadId) -> &Task<R> {
        &self.tasks[t.index()]
    }

    pub(crate) fn task_mut(&mut self, t: ThreadId) -> &mut Task<R> {
        &mut self.tasks[t.index()]
    }

    pub(crate) fn var(&self, id: ObjId) -> &Variable<R> {
        &self.vars[id.as_var().unwrap_or_default()]
    }

    pub(crate) fn var_mut(&mut self, id: ObjId) -> &mut Variable<R> {
        &mut self.vars[id.as_var().unwrap_or_default()]
    }

    /// Every object in use, with its id.
    pub fn objects(&self) -> impl Iterator<Item = (ObjId, &Object<R>)> {
        self.objects[..usize::from(self.live.objects)].iter().enumerate().map(|(i, o)| (ObjId::object(i), o))
    }

    /// Every variable word in use, with its id.
    pub(crate) fn words(&self) -> impl Iterator<Item = (ObjId, &Variable<R>)> {
        self.vars[..usize::from(self.live.vars)].iter().enumerate().map(|(i, v)| (ObjId::var(i), v))
    }

    /// Every task in use, the setup's and teardown's last.
    pub(crate) fn task_ids(&self) -> impl Iterator<Item = ThreadId> + use<R> {
        (0..self.live.tasks).map(ThreadId)
    }
}

impl World<Plain> {
    /// Makes this world equal to another of the same program; copies live slots only.
    pub fn copy_from(&mut self, other: &World<Plain>) {
        let Live { objects, vars, tasks } = other.live;
        let (o, v, t) = (usize::from(objects), usize::from(vars), usize::from(tasks));
        self.objects[..o].copy_from_slice(&other.objects[..o]);
        self.vars[..v].copy_from_slice(&other.vars[..v]);
        self.tasks[..t].copy_from_slice(&other.tasks[..t]);
        self.live = other.live;
    }

    /// What the encoding needs to know about the whole world before it is written: live stamps.
    pub(crate) fn canon(&self) -> Canon {
        let mut canon = Canon::default();
        for (_, o) in self.objects() {
            if let Some(Stamp { class, at }) = o.stamp() {
                canon.add_stamp(class, at);
            }
        }
        canon
    }

    /// The current generation of every slot, by object index.
    pub(crate) fn generations(&self) -> [u8; MAX_OBJECTS] {
        let mut g = [0; MAX_OBJECTS];
        for (id, o) in self.objects() {
            g[usize::from(id.0)] = o.generation().unwrap_or(0);
        }
        g
    }

    /// One object, variable or task as bytes, to tell whether a step changed it: absolute stamps, and handles as they
    /// are, because a rank or an outdated handle elsewhere is not a change of this one.
    pub(crate) fn encode_one(&mut self, id: ObjId, out: &mut Vec<u8>) {
        let canon = Canon::absolute();
        let generations = [0; MAX_OBJECTS];
        let mut w = crate::coder::Writer { out, canon, generations: &generations };
        if let Some(i) = id.as_object() {
            self.objects[i].code(&mut w);
        } else if let Some(i) = id.as_var() {
            self.vars[i].code(&mut w);
        } else if let Some(t) = id.as_task() {
            self.tasks[t.index()].code(&mut w);
        }
    }

    /// Every id in use.
    pub(crate) fn ids(&self) -> impl Iterator<Item = ObjId> + use<> {
        let Live { objects, vars, tasks } = self.live;
        (0..objects)
            .map(|i| ObjId::object(usize::from(i)))
            .chain((0..vars).map(|i| ObjId::var(usize::from(i))))
            .chain((0..tasks).map(|i| ObjId::task(ThreadId(i))))
    }
}

impl World<Plain> {
    /// How many parts the encoding has: objects, variables, and the tasks of threads (the task of setup and teardown is
    /// last and idle between steps).
    pub(crate) fn part_count(&self) -> usize {
        let Live { objects, vars, tasks } = self.live;
        usize::from(objects) + usize::from(vars) + usize::from(tasks) - 1
    }

    /// Codes one part.
    pub(crate) fn code_part<C: Coder>(&mut self, part: usize, c: &mut C) {
        let (objects, vars) = (usize::from(self.live.objects), usize::from(self.live.vars));
        if let Some(task) = part.checked_sub(objects + vars) {
            self.tasks[task].code(c);
        } else if let Some(var) = part.checked_sub(objects) {
            self.vars[var].code(c);
        } else {
            self.objects[part].code(c);
        }
    }

    /// What a part tells about how others are encoded: a context's stamp, a slot's generation.
    pub(crate) fn rank_of_part(&self, part: usize) -> Option<u16> {
        if part >= usize::from(self.live.objects) {
            return None;
        }
        // A counter is not encoded, but found again from the stamps.
        let object = &self.objects[part];
        object.stamp().map(|s| s.at).or_else(|| object.generation().map(u16::from))
    }

    /// The part in which an id is encoded.
    pub(crate) fn part_of(&self, id: ObjId) -> usize {
        let (objects, vars) = (usize::from(self.live.objects), usize::from(self.live.vars));
        match (id.as_object(), id.as_var(), id.as_task()) {
            (Some(i), ..) => i,
            (_, Some(i), _) => objects + i,
            (.., t) => objects + vars + t.map_or(0, ThreadId::index),
        }
    }

    /// Makes one object, variable or task equal to that of another world of the same program.
    pub(crate) fn copy_one(&mut self, other: &World<Plain>, id: ObjId) {
        if let Some(i) = id.as_object() {
            self.objects[i] = other.objects[i];
        } else if let Some(i) = id.as_var() {
            self.vars[i] = other.vars[i];
        } else if let Some(t) = id.as_task() {
            self.tasks[t.index()] = other.tasks[t.index()];
        }
    }

    /// How a change of this object changes how others are encoded: stamps are ranks, handles are stale or not.
    pub(crate) fn moves_others(&self, before: &World<Plain>, id: ObjId) -> Moves {
        let Some(i) = id.as_object() else { return Moves::Nothing };
        let (now, was) = (&self.objects[i], &before.objects[i]);
        if now.generation() != was.generation() {
            Moves::Everything
        } else if now.stamp() != was.stamp() {
            Moves::Contexts
        } else {
            Moves::Nothing
        }
    }

    /// Every object that is encoded by rank: acquire contexts.
    pub(crate) fn contexts(&self) -> impl Iterator<Item = usize> + '_ {
        self.objects[..usize::from(self.live.objects)]
            .iter()
            .enumerate()
            .filter_map(|(i, o)| o.has_stamp().then_some(i))
    }
}

/// What is encoded differently because of a change elsewhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moves {
    /// Nothing.
    Nothing,
    /// The stamps of contexts.
    Contexts,
    /// Handles, wherever they are.
    Everything,
}

impl World<Plain> {
    /// A class counter is not encoded: the next stamp is one more than the youngest live one of the class.
    pub(crate) fn restore_class_counters(&mut self) {
        let mut next = [0; MAX_OBJECTS];
        for (_, o) in self.objects() {
            if let Some(Stamp { class, at }) = o.stamp() {
                let of_class = &mut next[usize::from(class.0)];
                *of_class = (at + 1).max(*of_class);
            }
        }
        for (o, next) in self.objects.iter_mut().zip(next) {
            o.restore_counter(next);
        }
    }
}

impl<R: Runtime> World<R> {
    /// Who holds the spinlock of an object.
    pub fn spin_owner(&self, id: ObjId) -> Option<ThreadId> {
        self.object(self.lock_of(id)).lock_owner()
    }

    /// The object whose spinlock an object uses: its own, but for a fence that was given one.
    fn lock_of(&self, id: ObjId) -> ObjId {
        self.object(id).shares_lock_of().unwrap_or(id)
    }

    /// Whether a thread holds a lock of any kind.
    pub fn is_held_by(&self, lock: ObjId, t: ThreadId) -> bool {
        self.object(self.lock_of(lock)).is_held_by(t)
    }

    /// Whether a thread holds a lock of any kind, and nobody else does: a semaphore for writing.
    pub(crate) fn is_held_alone(&self, lock: ObjId, t: ThreadId) -> bool {
        self.object(self.lock_of(lock)).is_held_alone(t)
    }

    /// What reference a word has to what it points to.
    pub(crate) fn owns(&self, word: ObjId) -> Owns {
        self.vars[word.as_var().unwrap_or_default()].owns.get()
    }
}

/// A value with its generation reduced to whether the reference is outdated.
pub fn canonical<R: Runtime>(world: &World<R>, v: Value) -> Value {
    match v {
        Value::Ref(h) => {
            let current = world.object(h.obj).generation().unwrap_or(0);
            let generation = if h.generation == current { 0 } else { Handle::STALE };
            Value::Ref(Handle { generation, ..h })
        }
        Value::Cursor(c) => Value::Cursor(c.without_note()),
        other => other,
    }
}
