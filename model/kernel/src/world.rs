//! All shared objects of a modelled system.

use crate::{
    Code, Coder, Cx, Handle, MAX_OBJECTS, MAX_THREADS, MAX_VARS, ObjId, Object, Plain, Program, Property, Runtime,
    ThreadId, Value, Violation,
    coder::Canon,
    exec::Exec,
    fence::{Callback, Fence, Holds},
    leak,
    primitives::{
        barrier::Barrier,
        completion::Completion,
        irq_line::IrqLine,
        list::ListHead,
        rcu::Rcu,
        refcount::{Counted, Owns, Refcount},
        rwsem::RwSem,
        shrinker::Shrinker,
        slab::Slot,
        spinlock::SpinLock,
        timer::Timer,
        variable::Variable,
        waitqueue::WaitQueue,
        wakeq::WakeQ,
        workqueue::{Work, Workqueue},
    },
    resv::{FenceList, Resv},
    runtime::{AtomicCell, NoteCell},
    sync_file::SyncFile,
    syncobj::Syncobj,
    task::Task,
    ww::{AcquireCtx, WwClass, WwMutex},
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
            Some(decl) => contained(Object::new(&decl.kind, ObjId::object(i)), program, ObjId::object(i)),
            None => Object::None,
        });
        let vars = std::array::from_fn(|i| match program.vars.get(i) {
            Some(v) => Variable::new(v.init, v.racy),
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
        match &mut self.objects[usize::from(h.obj.0)] {
            Object::Slot(s) if s.is_live() && s.is_home_of(h) => Some(s.refs_mut()),
            Object::Fence(f) if f.is_alive() => Some(f.refs_mut()),
            _ => None,
        }
    }

    /// The object in a slot.
    pub fn object(&self, id: ObjId) -> &Object<R> {
        &self.objects[usize::from(id.0)]
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

    pub(crate) fn var_mut(&mut self, id: ObjId) -> &mut Variable<R> {
        &mut self.vars[id.as_var().unwrap_or_default()]
    }

    /// Every object in use, with its id.
    pub fn objects(&self) -> impl Iterator<Item = (ObjId, &Object<R>)> {
        self.objects[..usize::from(self.live.objects)].iter().enumerate().map(|(i, o)| (ObjId::object(i), o))
    }

    /// Every task in use, the setup's and teardown's last.
    pub(crate) fn task_ids(&self) -> impl Iterator<Item = ThreadId> + use<R> {
        (0..self.live.tasks).map(ThreadId)
    }
}

/// A fence as it is if others are made of it, or it is made of others.
fn contained<R: Runtime>(mut object: Object<R>, program: &Program, id: ObjId) -> Object<R> {
    if let Object::Fence(f) = &mut object {
        f.share(program.fence_ops(id).lock);
        let refs = program.contained(id);
        if refs > 0 {
            f.hold_from_start(refs);
        }
        if matches!(program.container(id).map(|c| c.holds), Some(Holds::Array { .. })) {
            f.take_errors_of_members();
        }
    }
    object
}

/// Typed access to objects. A wrong kind cannot come from a scenario (operands are checked when an operation
/// begins), so it is a bug of ours.
macro_rules! accessors {
    ($($get:ident $get_mut:ident $variant:ident $ty:ident;)*) => {
        impl<R: Runtime> World<R> {
            $(
                #[allow(dead_code, reason = "one accessor of each kind, whether a footprint needs it yet or not")]
                pub(crate) fn $get(&self, id: ObjId) -> &$ty<R> {
                    match &self.objects[usize::from(id.0)] {
                        Object::$variant(o) => o,
                        _ => wrong_kind(id, stringify!($ty)),
                    }
                }
                pub(crate) fn $get_mut(&mut self, id: ObjId) -> &mut $ty<R> {
                    match &mut self.objects[usize::from(id.0)] {
                        Object::$variant(o) => o,
                        _ => wrong_kind(id, stringify!($ty)),
                    }
                }
            )*
        }

        impl<R: Runtime> Cx<'_, R> {
            $(
                /// The object, touched by this step.
                pub(crate) fn $get(&mut self, id: ObjId) -> &mut $ty<R> {
                    self.touch(id);
                    self.world.$get_mut(id)
                }
            )*
        }
    };
}

accessors! {
    spin spin_mut Spin SpinLock;
    wait_queue wait_queue_mut WaitQueue WaitQueue;
    completion completion_mut Completion Completion;
    barrier barrier_mut Barrier Barrier;
    refcount refcount_mut Refcount Refcount;
    slot slot_mut Slot Slot;
    rcu rcu_mut Rcu Rcu;
    ww_class ww_class_mut WwClass WwClass;
    ctx ctx_mut AcquireCtx AcquireCtx;
    ww ww_mut WwMutex WwMutex;
    fence fence_mut Fence Fence;
    callback callback_mut Callback Callback;
    resv resv_mut Resv Resv;
    list list_mut FenceList FenceList;
    work work_mut Work Work;
    workqueue workqueue_mut Workqueue Workqueue;
    timer timer_mut Timer Timer;
    shrinker shrinker_mut Shrinker Shrinker;
    irq_line irq_line_mut IrqLine IrqLine;
    rwsem rwsem_mut RwSem RwSem;
    list_head list_head_mut List ListHead;
    wake_q wake_q_mut WakeQ WakeQ;
    exec exec_mut Exec Exec;
    sync_file sync_file_mut SyncFile SyncFile;
    syncobj syncobj_mut Syncobj Syncobj;
}

#[cold]
fn wrong_kind(id: ObjId, wanted: &str) -> ! {
    panic!("[internal bug] {id:?} is not a {wanted}")
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
            if let Object::AcquireCtx(c) = o
                && let Some(stamp) = c.live_stamp()
            {
                canon.add_stamp(c.class(), stamp);
            }
        }
        canon
    }

    /// The current generation of every slot, by object index.
    pub(crate) fn generations(&self) -> [u8; MAX_OBJECTS] {
        let mut g = [0; MAX_OBJECTS];
        for (id, o) in self.objects() {
            if let Object::Slot(s) = o {
                g[usize::from(id.0)] = s.generation();
            }
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
        match &self.objects[part] {
            Object::AcquireCtx(c) => c.live_stamp(),
            Object::Slot(s) => Some(u16::from(s.generation())),
            // A counter is not encoded, but found again from the stamps.
            _ => None,
        }
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
        match (&self.objects[i], &before.objects[i]) {
            (Object::AcquireCtx(now), Object::AcquireCtx(was)) if now.live_stamp() != was.live_stamp() => {
                Moves::Contexts
            }
            (Object::Slot(now), Object::Slot(was)) if now.generation() != was.generation() => Moves::Everything,
            _ => Moves::Nothing,
        }
    }

    /// Every acquire context: nothing else is encoded by rank.
    pub(crate) fn contexts(&self) -> impl Iterator<Item = usize> + '_ {
        self.objects[..usize::from(self.live.objects)]
            .iter()
            .enumerate()
            .filter_map(|(i, o)| matches!(o, Object::AcquireCtx(_)).then_some(i))
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
            if let Object::AcquireCtx(c) = o
                && let Some(s) = c.live_stamp()
            {
                let of_class = &mut next[usize::from(c.class().0)];
                *of_class = (s + 1).max(*of_class);
            }
        }
        for (o, next) in self.objects.iter_mut().zip(next) {
            if let Object::WwClass(c) = o {
                c.set_next(next);
            }
        }
    }
}

impl<R: Runtime> World<R> {
    /// Who holds the spinlock of an object.
    pub fn spin_owner(&self, id: ObjId) -> Option<ThreadId> {
        match self.object(id) {
            Object::Spin(s) => s.owner(),
            Object::Fence(f) => f.shared().map_or_else(|| f.lock_owner(), |lock| self.spin_owner(lock)),
            Object::Syncobj(s) => s.lock_owner(),
            Object::Timer(t) => t.running(),
            Object::IrqLine(l) => l.running(),
            Object::RwSem(s) => s.wait_lock_owner(),
            Object::WwMutex(m) => m.wait_lock_owner(),
            Object::WaitQueue(q) => q.lock_owner(),
            _ => None,
        }
    }

    /// Whether a thread holds a lock of any kind.
    pub fn is_held_by(&self, lock: ObjId, t: ThreadId) -> bool {
        match self.object(lock) {
            Object::WwMutex(m) => m.owner() == Some(t),
            Object::RwSem(s) => s.is_held_by(t),
            Object::AcquireCtx(c) => c.task() == Some(t),
            _ => self.spin_owner(lock) == Some(t),
        }
    }

    /// Whether a thread holds a lock of any kind, and nobody else does: a semaphore for writing.
    pub(crate) fn is_held_alone(&self, lock: ObjId, t: ThreadId) -> bool {
        match self.object(lock) {
            Object::RwSem(s) => s.is_held_for_writing_by(t),
            _ => self.is_held_by(lock, t),
        }
    }

    /// How many references to an object shared memory holds: variables, reservations and lists. A variable that only points
    /// holds an object that has no count, and no reference.
    pub(crate) fn shared_holders(&self, id: ObjId, counted: bool, program: &Program) -> u16 {
        // An outdated reference is to an object that lived in the slot before.
        let owns = |i: usize, v: &Variable<R>| v.owns.get() != Owns::Nothing || program.is_own_word(ObjId::var(i));
        // What a freed object still has in its fields is nobody's.
        let is_dead = |i: usize| {
            let slot = program.slot_of(ObjId::var(i)).map(|slot| self.object(slot));
            slot.is_some_and(|o| matches!(o, Object::Slot(s) if !s.is_live()))
        };
        let holds = |(i, v): &(usize, &Variable<R>)| match canonical(self, v.cell.peek()) {
            Value::Ref(h) if h.obj == id && h.generation != Handle::STALE => (!counted || owns(*i, v)) && !is_dead(*i),
            _ => false,
        };
        let in_vars = self.vars[..usize::from(self.live.vars)].iter().enumerate().filter(holds);
        let in_lists: u16 = self
            .objects()
            .map(|(_, o)| match o {
                Object::FenceList(l) => l.holders_of(id),
                Object::SyncFile(f) => u16::from(f.holds(id)),
                // A callback's reference is that of what it tells.
                Object::Callback(cb) => u16::from(is_reference(cb.queued_data(), id)),
                // Whether its reference is the list's is the program's affair; reachable it is.
                Object::List(l) => u16::from(l.holds(id)),
                _ => 0,
            })
            .sum();
        in_vars.count() as u16 + in_lists
    }

    /// Whether a list has the object, or a callback's data is it.
    pub(crate) fn is_listed(&self, id: ObjId) -> bool {
        self.objects().any(|(_, o)| match o {
            Object::List(l) => l.holds(id),
            Object::Callback(cb) => is_reference(cb.queued_data(), id),
            _ => false,
        })
    }

    /// What reference a word has to what it points to.
    pub(crate) fn owns(&self, word: ObjId) -> Owns {
        self.vars[word.as_var().unwrap_or_default()].owns.get()
    }

    /// The references that the nodes of chains have to a fence because their callbacks are on it.
    pub(crate) fn awaiting_chains(&self, id: ObjId, program: &Program) -> u16 {
        match self.object(id) {
            Object::Fence(f) => f.queued_callbacks().filter(|cb| program.is_chain_callback(*cb)).count() as u16,
            _ => 0,
        }
    }
}

fn is_reference(value: Option<Value>, id: ObjId) -> bool {
    matches!(value, Some(Value::Ref(h)) if h.obj == id)
}

/// A value with its generation reduced to whether the reference is outdated.
pub fn canonical<R: Runtime>(world: &World<R>, v: Value) -> Value {
    match v {
        Value::Ref(h) => {
            let current = match world.object(h.obj) {
                Object::Slot(s) => s.generation(),
                _ => 0,
            };
            let generation = if h.generation == current { 0 } else { Handle::STALE };
            Value::Ref(Handle { generation, ..h })
        }
        Value::Cursor(c) => Value::Cursor(c.without_note()),
        other => other,
    }
}

/// What is wrong with what is left when everything is over.
pub fn left_over<R: Runtime>(world: &World<R>, program: &Program) -> Option<Violation> {
    crate::fence::never_signals(world, program)
        .or_else(|| missing(world, program))
        .or_else(|| leak::leaks(world, program))
}

/// A reference that a reservation or a file still has, and that is not counted any more: with its own, somebody has dropped
/// theirs. It shows in no step before they use it.
fn missing<R: Runtime>(world: &World<R>, program: &Program) -> Option<Violation> {
    let linked = |id: ObjId| world.objects().any(|(_, o)| matches!(o, Object::Resv(r) if r.list() == Some(id)));
    let owned = |fence: ObjId| -> u16 {
        let of = |(id, o): (ObjId, &Object<R>)| match o {
            Object::FenceList(l) if linked(id) => l.holders_of(fence),
            Object::SyncFile(f) => u16::from(f.holds(fence)),
            _ => 0,
        };
        world.objects().map(of).sum()
    };
    let short = |o: &Object<R>, id: ObjId| matches!(o, Object::Fence(f) if f.refs().count() < owned(id));
    let (id, _) = world.objects().find(|(id, o)| short(o, *id))?;
    let (property, thread) = (Property::MissingReference, program.main_thread());
    Some(Violation::at_end(property, thread, id))
}
