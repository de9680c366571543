//! All shared objects of a modelled system.

use crate::{
    Code, Coder, Handle, MAX_OBJECTS, MAX_THREADS, ObjId, ObjSet, Object, Plain, Program, Runtime, ThreadId, Value,
    coder::Canon,
    counted::{Counted, Owns},
    ids::{SHORT_OBJECTS, SHORT_VARS},
    registry::{Bytes, Variable},
    runtime::{AtomicCell, NoteCell},
    shared::{Listed, Stamp},
    task::Task,
};
use std::sync::Arc;

/// One thread's handle on all shared objects; under [`Plain`], the objects themselves, as many as the program has: a
/// search copies them for every state.
#[derive(Clone)]
pub struct World<R: Runtime> {
    objects: Box<[Object<R>]>,
    vars: Box<[Variable<R>]>,
    tasks: [Task<R>; MAX_THREADS],
    /// How many tasks the program uses.
    live: u8,
    /// Of each object the slot that it is inside of, if any is inside of one. Never changes, and is no part of a state.
    inside: Option<Arc<[Option<ObjId>]>>,
    /// Of each word the slot whose it is, if a program has addresses of words.
    homes: Option<Arc<[Option<ObjId>]>>,
    /// Real memory behind the frames, where an engine wants it. No part of a state either.
    bytes: Option<Arc<Bytes>>,
}

impl<R: Runtime> World<R> {
    /// The world of a program before its setup has run.
    pub fn new(program: &Program) -> World<R> {
        let objects = program.objects.iter().enumerate();
        let objects = objects.map(|(i, decl)| Object::new(&decl.kind, ObjId::object(i), program)).collect();
        let vars = program.vars.iter().map(|v| Variable::new(v.init, v.racy).under(&v.premise)).collect();
        let tasks = std::array::from_fn(|_| Task::new());
        let live = program.scripts.len() as u8 + 1;
        let inside = program.has_members().then(|| program.inside.as_slice().into());
        let homes = || (0..program.vars.len()).map(|word| program.slot_of(ObjId::var(word))).collect();
        let homes = program.addresses_words().then(homes);
        let mut world = World { objects, vars, tasks, live, inside, homes, bytes: None };
        world.give_first_references(program);
        world
    }

    /// Puts real memory behind the frames.
    pub fn set_bytes(&mut self, bytes: Option<Arc<Bytes>>) {
        self.bytes = bytes;
    }

    /// The real memory behind the frames, if there is any.
    pub(crate) fn bytes(&self) -> Option<Arc<Bytes>> {
        self.bytes.clone()
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
        h.obj.as_object()?;
        let outdated = self.living(h.obj).is_some_and(|now| now != h.generation);
        let object = self.object_mut(h.obj);
        if outdated || object.is_bare() || !object.lives() { None } else { object.refs_mut() }
    }

    /// Which object of those that come and go in its memory it is, its own or that of what it is inside of.
    fn living(&self, id: ObjId) -> Option<u8> {
        if let Some(word) = id.as_var() {
            let home = self.homes.as_ref()?.get(word).copied().flatten()?;
            return self.object(home).generation();
        }
        let root = || self.inside.as_ref()?.get(id.as_object()?).copied().flatten();
        self.object(id).generation().or_else(|| self.object(root()?).generation())
    }

    /// The generation of a reference to whatever lives there now.
    pub(crate) fn generation_of(&self, id: ObjId) -> u8 {
        self.living(id).unwrap_or_default()
    }

    /// The object in a slot.
    pub fn object(&self, id: ObjId) -> &Object<R> {
        &self.objects[id.index()]
    }

    pub(crate) fn object_mut(&mut self, id: ObjId) -> &mut Object<R> {
        &mut self.objects[id.index()]
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
        self.objects.iter().enumerate().map(|(i, o)| (ObjId::object(i), o))
    }

    /// Every variable word in use, with its id.
    pub(crate) fn words(&self) -> impl Iterator<Item = (ObjId, &Variable<R>)> {
        self.vars.iter().enumerate().map(|(i, v)| (ObjId::var(i), v))
    }

    /// The first word that does not hold here what it holds in another world of the program, whatever its runtime.
    /// What is in memory that nobody has is no difference, nor is how often a place was somebody's.
    pub fn differs_from<S: Runtime>(&self, other: &World<S>, program: &Program) -> Option<ObjId> {
        let lost = |word| program.slot_of(word).is_some_and(|slot| !self.object(slot).lives());
        let same = |word| canonical(self, self.var_value(word)) == canonical(other, other.var_value(word));
        (0..program.vars.len()).map(ObjId::var).find(|word| !lost(*word) && !same(*word))
    }

    /// Every task in use, the setup's and teardown's last.
    pub(crate) fn task_ids(&self) -> impl Iterator<Item = ThreadId> + use<R> {
        (0..self.live).map(ThreadId)
    }

    /// Does this with each member of a set. In a program so large that some ids share a place, what shares one with a
    /// member is taken for one.
    #[inline]
    pub(crate) fn each_member(&self, set: ObjSet, mut what: impl FnMut(ObjId)) {
        let (objects, vars) = (self.objects.len(), self.vars.len());
        if objects <= SHORT_OBJECTS && vars <= SHORT_VARS {
            return set.each(|short| what(ObjId::from_byte(short)));
        }
        let here = |id: &ObjId| id.as_object().is_none_or(|i| i < objects) && id.as_var().is_none_or(|i| i < vars);
        set.each(|short| {
            let all = std::iter::once(ObjId::from_byte(short)).chain(ObjId::also_of_short(short));
            all.filter(here).for_each(&mut what);
        });
    }

    /// The members of a set that the program has, as `each_member` finds them.
    pub fn members(&self, set: ObjSet) -> Vec<ObjId> {
        let mut members = vec![];
        self.each_member(set, |id| members.push(id));
        members
    }
}

impl World<Plain> {
    /// Makes this world equal to another of the same program.
    pub fn copy_from(&mut self, other: &World<Plain>) {
        if let Some(bytes) = &self.bytes {
            bytes.forget();
        }
        self.objects.copy_from_slice(&other.objects);
        self.vars.copy_from_slice(&other.vars);
        let t = usize::from(self.live);
        self.tasks[..t].copy_from_slice(&other.tasks[..t]);
    }

    /// What the encoding needs to know about the whole world before it is written: live stamps.
    pub(crate) fn canon(&self, canon: &mut Canon) {
        canon.gather(self.objects.iter().filter_map(Object::stamp).map(|Stamp { class, at }| (class, at)));
    }

    /// And the current generation of every slot, by its place; behind [`MAX_OBJECTS`] those of words.
    pub(crate) fn generations(&self, generations: &mut Vec<u8>) {
        generations.clear();
        generations.extend(self.objects.iter().map(|o| o.generation().unwrap_or(0)));
        for (at, root) in self.inside.iter().flat_map(|inside| inside.iter().enumerate()) {
            if let Some(root) = root {
                generations[at] = generations[root.index()];
            }
        }
        if let Some(homes) = &self.homes {
            generations.resize(MAX_OBJECTS, 0);
            generations.extend(homes.iter().map(|home| home.and_then(|h| self.object(h).generation()).unwrap_or(0)));
        }
    }

    /// One object, variable or task as bytes, to tell whether a step changed it: absolute stamps, and handles as they
    /// are, because a rank or an outdated handle elsewhere is not a change of this one.
    pub(crate) fn encode_one(&mut self, id: ObjId, out: &mut Vec<u8>) {
        let canon = Canon::absolute();
        let mut w = crate::coder::Writer { out, canon: &canon, generations: &[] };
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
        let (objects, vars, tasks) = (self.objects.len(), self.vars.len(), self.live);
        (0..objects)
            .map(ObjId::object)
            .chain((0..vars).map(ObjId::var))
            .chain((0..tasks).map(|i| ObjId::task(ThreadId(i))))
    }
}

impl World<Plain> {
    /// How many parts the encoding has: objects, variables, and the tasks of threads (the task of setup and teardown is
    /// last and idle between steps).
    pub(crate) fn part_count(&self) -> usize {
        self.objects.len() + self.vars.len() + usize::from(self.live) - 1
    }

    /// Codes one part.
    pub(crate) fn code_part<C: Coder>(&mut self, part: usize, c: &mut C) {
        let (objects, vars) = (self.objects.len(), self.vars.len());
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
        // A counter is not encoded, but found again from the stamps.
        let object = self.objects.get(part)?;
        object.stamp().map(|s| s.at).or_else(|| object.generation().map(u16::from))
    }

    /// The part in which an id is encoded.
    pub(crate) fn part_of(&self, id: ObjId) -> usize {
        let (objects, vars) = (self.objects.len(), self.vars.len());
        match (id.as_object(), id.as_var(), id.as_task()) {
            (Some(i), ..) => i,
            (_, Some(i), _) => objects + i,
            (.., t) => objects + vars + t.map_or(0, ThreadId::index),
        }
    }

    /// What is encoded in a part.
    pub(crate) fn id_of_part(&self, part: usize) -> ObjId {
        let (objects, vars) = (self.objects.len(), self.vars.len());
        match (part.checked_sub(objects), part.checked_sub(objects + vars)) {
            (_, Some(task)) => ObjId::task(ThreadId(task as u8)),
            (Some(var), None) => ObjId::var(var),
            (None, None) => ObjId::object(part),
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
        // Most kinds have neither.
        if now.generation().is_some_and(|now| was.generation() != Some(now)) {
            Moves::Everything
        } else if now.has_stamp() && now.stamp() != was.stamp() {
            Moves::Contexts
        } else {
            Moves::Nothing
        }
    }

    /// Every object that is encoded by rank: acquire contexts.
    pub(crate) fn contexts(&self) -> impl Iterator<Item = usize> + '_ {
        self.objects.iter().enumerate().filter_map(|(i, o)| o.has_stamp().then_some(i))
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
        for i in 0..self.objects.len() {
            if self.objects[i].counts_stamps() {
                let of_class = self.objects.iter().filter_map(Object::stamp).filter(|s| s.class == ObjId::object(i));
                let next = of_class.map(|s| s.at + 1).max().unwrap_or(0);
                self.objects[i].restore_counter(next);
            }
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
            let current = world.generation_of(h.obj);
            let generation = if h.generation == current { 0 } else { Handle::STALE };
            Value::Ref(Handle { generation, ..h })
        }
        Value::Cursor(c) => Value::Cursor(c.without_note()),
        other => other,
    }
}
