//! Who waits for what with what held, over all executions together: a circle through a fence is a mistake even if no
//! schedule of this scenario hangs in it.
//!
//! As lockdep does it, every dependency that any execution shows goes into one graph, whose nodes are locks and fences:
//!
//! ```text
//!   L -> F    a thread sleeps on the fence F and holds the lock L
//!   F -> L    the thread that signals F takes the lock L, and waits for it if need be, while F is pending and public
//!   F -> G    the thread that signals F sleeps on G meanwhile
//!   L -> M    a thread takes the lock M, and waits for it if need be, and holds L
//! ```
//!
//! Only fences with one signaller count: of several threads, each may be the one. A trylock waits for nobody. A circle of
//! locks alone is no business of ours: among locks, every order that can hang is found by the search itself, and contexts
//! make others harmless. Where a deadlock was found, that says it all, and nothing is added.
//!
//! The graph is no part of any state; a dependency's witness is the first state in breadth-first order that shows it, so
//! the result is the same in every run.

use fenceweave_kernel::{
    Action, Instr, MAX_OBJECTS, ObjId, ObjectKind, Op, Program, Property, State, ThreadId, Violation,
    primitives::{rwsem, spinlock},
    thread::Run,
    ww::How,
};
use std::collections::BTreeMap;

/// Where a dependency was first seen.
#[derive(Clone, Copy, Debug)]
struct Witness {
    /// The state before the step that makes it, or the one in which somebody sleeps.
    state: u32,
    /// The step.
    action: Option<Action>,
    thread: ThreadId,
    pc: u16,
}

/// A dependency of a circle.
pub(super) type Link = (Violation, u32, Option<Action>);

/// The dependencies seen so far.
pub(super) struct Dependencies {
    /// The fences with one signaller, and who that is.
    signallers: Vec<(ObjId, ThreadId)>,
    locks: Vec<ObjId>,
    /// A row of bits for each object: what it depends on.
    on: [u64; MAX_OBJECTS],
    witnesses: BTreeMap<(ObjId, ObjId), Witness>,
}

impl Dependencies {
    /// Nothing seen yet; `None` if the program has no fence with a single signaller, or no lock and no second fence.
    pub(super) fn new(program: &Program) -> Option<Dependencies> {
        let ids = || (0..program.objects.len()).map(ObjId::object);
        let signallers: Vec<_> = ids()
            .filter(|id| matches!(program.kind(*id), ObjectKind::Fence { .. }))
            .filter_map(|f| Some((f, program.only_signaller(f)?)))
            .collect();
        let is_lock = |id: &ObjId| {
            matches!(
                program.kind(*id),
                ObjectKind::WwMutex { .. } | ObjectKind::Mutex { .. } | ObjectKind::RwSem | ObjectKind::Spinlock
            )
        };
        let locks: Vec<ObjId> = ids().filter(is_lock).collect();
        let any = !signallers.is_empty() && signallers.len() + locks.len() > 1;
        any.then(|| Dependencies { signallers, locks, on: [0; MAX_OBJECTS], witnesses: BTreeMap::new() })
    }

    fn note(&mut self, from: ObjId, to: ObjId, witness: Witness) {
        let (Some(row), Some(bit)) = (from.as_object(), to.as_object()) else { return };
        if from != to && self.on[row] >> bit & 1 == 0 {
            self.on[row] |= 1 << bit;
            self.witnesses.insert((from, to), witness);
        }
    }

    /// What somebody who waits for `on` makes wait with him: what he holds, and what he has to signal.
    fn wait(&mut self, state: &State, on: ObjId, witness: Witness) {
        let t = witness.thread;
        for i in 0..self.locks.len() {
            if state.world.is_held_by(self.locks[i], t) {
                self.note(self.locks[i], on, witness);
            }
        }
        for i in 0..self.signallers.len() {
            let (fence, by) = self.signallers[i];
            if by == t && state.world.is_owed(fence) {
                self.note(fence, on, witness);
            }
        }
    }

    /// A state: who sleeps on a fence?
    pub(super) fn look(&mut self, program: &Program, state: &State, index: u32) {
        for thread in program.threads() {
            if let Run::Asleep(on, _) = state.thread(thread).run()
                && self.signallers.iter().any(|(f, _)| *f == on)
            {
                self.wait(state, on, Witness { state: index, action: None, thread, pc: state.thread(thread).pc() });
            }
        }
    }

    /// A step from the state with this index: does it take a lock that it would have waited for?
    pub(super) fn step(&mut self, program: &Program, before: &State, action: Action, after: &State, index: u32) {
        let thread = action.thread;
        let pc = before.thread(thread).pc();
        if after.violation().is_some() || tries(program, thread, pc) {
            return;
        }
        for i in 0..self.locks.len() {
            let lock = self.locks[i];
            if !before.world.is_held_by(lock, thread) && after.world.is_held_by(lock, thread) {
                self.wait(before, lock, Witness { state: index, action: Some(action), thread, pc });
            }
        }
    }

    /// The shortest circle through a fence, the first of several: its dependencies in order, each with the state that shows
    /// it and the step from there.
    pub(super) fn circle(&self) -> Vec<Link> {
        let circles = self.signallers.iter().filter_map(|(f, _)| self.back_to(*f));
        let Some(circle) = circles.min_by_key(Vec::len) else { return vec![] };
        let next = circle.iter().cycle().skip(1);
        let edges = circle.iter().zip(next).filter_map(|(from, to)| {
            let Witness { state, action, thread, pc } = *self.witnesses.get(&(*from, *to))?;
            let property = Property::DependencyCycle;
            Some((Violation { property, thread, pc, rule: None, object: Some(*to), other: None }, state, action))
        });
        edges.collect()
    }

    /// The shortest way from an object back to it.
    fn back_to(&self, start: ObjId) -> Option<Vec<ObjId>> {
        let mut ways = vec![vec![start]];
        let mut seen = 0u64;
        while let Some(at) = ways.iter().position(|w| !w.is_empty()) {
            let way = std::mem::take(&mut ways[at]);
            let row = way.last().and_then(|o| o.as_object())?;
            for next in (0..MAX_OBJECTS).filter(|i| self.on[row] >> i & 1 == 1) {
                if ObjId::object(next) == start {
                    return Some(way);
                }
                if seen >> next & 1 == 0 {
                    seen |= 1 << next;
                    ways.push([&way[..], &[ObjId::object(next)]].concat());
                }
            }
        }
        None
    }
}

/// Whether the operation at an instruction is a trylock.
fn tries(program: &Program, t: ThreadId, pc: u16) -> bool {
    let code = program.script(t).and_then(|s| s.code.get(usize::from(pc)));
    let Some(Instr::Op { op, .. }) = code else { return false };
    match op {
        Op::WwLock { how, .. } => *how == How::Try,
        Op::Spin { how, .. } => *how == spinlock::How::TryLock,
        Op::RwSem { at, .. } => matches!(at, rwsem::At::TryRead | rwsem::At::TryWrite),
        _ => false,
    }
}

const _: () = assert!(MAX_OBJECTS <= 64);
