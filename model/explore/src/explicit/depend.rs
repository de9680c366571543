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
//! Who signals a fence is seen, not read off the scripts: whoever does in some execution. Of several, each may be the one:
//! there is a circle if there is one through each of them, and none goes on through such a fence. A trylock waits for
//! nobody. As with lockdep, two dependencies that can never be there at once are not told from two that can. A circle of
//! locks alone is no business of ours: among locks, every order that can hang is found by the search itself, and contexts
//! make others harmless. Where a deadlock was found, that says it all, and nothing is added.
//!
//! The graph is no part of any state; a dependency's witness is the first state in breadth-first order that shows it, so
//! the result is the same in every run.

use fenceweave_kernel::{
    Action, Instr, MAX_OBJECTS, ObjId, Object, ObjectKind, Op, Program, Property, State, ThreadId, Violation,
    primitives::{rwsem, spinlock},
    thread::Run,
    ww::How,
};
use std::collections::{BTreeMap, BTreeSet};

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

/// Who depends on something: a lock by its number, and behind all objects whoever may signal a fence.
type Row = usize;

/// The dependencies seen so far.
pub(super) struct Dependencies {
    /// Every fence with every thread whose script may signal it, fence by fence.
    signallers: Vec<(ObjId, ThreadId)>,
    /// Which of them did, in some execution.
    did: Vec<bool>,
    locks: Vec<ObjId>,
    /// What each row depends on, as bits.
    on: Vec<u64>,
    witnesses: BTreeMap<(Row, ObjId), Witness>,
}

impl Dependencies {
    /// Nothing seen yet; `None` if the program has no fence that threads signal, or no lock and no second fence.
    pub(super) fn new(program: &Program) -> Option<Dependencies> {
        let ids = || (0..program.objects.len()).map(ObjId::object);
        let signallers: Vec<_> = ids()
            .filter(|id| matches!(program.kind(*id), ObjectKind::Fence { .. }))
            .flat_map(|f| program.signallers(f).map(move |t| (f, t)))
            .collect();
        let is_lock = |id: &ObjId| {
            matches!(
                program.kind(*id),
                ObjectKind::WwMutex { .. } | ObjectKind::Mutex { .. } | ObjectKind::RwSem | ObjectKind::Spinlock
            )
        };
        let locks: Vec<ObjId> = ids().filter(is_lock).collect();
        let fences = signallers.chunk_by(|a, b| a.0 == b.0).count();
        let on = vec![0; MAX_OBJECTS + signallers.len()];
        let any = fences > 0 && fences + locks.len() > 1;
        let did = vec![false; signallers.len()];
        any.then(|| Dependencies { signallers, did, locks, on, witnesses: BTreeMap::new() })
    }

    fn note(&mut self, from: Row, to: ObjId, witness: Witness) {
        let own = self.signallers.get(from.wrapping_sub(MAX_OBJECTS)).map(|s| s.0);
        let Some(bit) = to.as_object().filter(|bit| *bit != from && own != Some(to)) else { return };
        if self.on[from] >> bit & 1 == 0 {
            self.on[from] |= 1 << bit;
            self.witnesses.insert((from, to), witness);
        }
    }

    /// The rows of those who signal a fence.
    fn rows_of(&self, fence: ObjId) -> impl Iterator<Item = Row> {
        let all = self.signallers.iter().zip(&self.did).enumerate();
        all.filter(move |(_, (s, did))| s.0 == fence && **did).map(|(i, _)| MAX_OBJECTS + i)
    }

    /// Where a way goes on from an object: a lock, or a fence that one thread alone signals.
    fn row_of(&self, object: usize) -> Option<Row> {
        let id = ObjId::object(object);
        let mut rows = self.rows_of(id);
        match (rows.next(), rows.next()) {
            (None, _) => self.locks.contains(&id).then_some(object),
            (only, None) => only,
            _ => None,
        }
    }

    /// What somebody who waits for `on` makes wait with him: what he holds, and what he has to signal.
    fn wait(&mut self, state: &State, on: ObjId, witness: Witness) {
        let t = witness.thread;
        for i in 0..self.locks.len() {
            let (lock, row) = (self.locks[i], self.locks[i].as_object());
            if let Some(row) = row.filter(|_| state.world.is_held_by(lock, t)) {
                self.note(row, on, witness);
            }
        }
        for i in 0..self.signallers.len() {
            let (fence, by) = self.signallers[i];
            if by == t && state.world.is_owed(fence) {
                self.note(MAX_OBJECTS + i, on, witness);
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

    /// A step from the state with this index: does it signal a fence, or take a lock that it would have waited for?
    pub(super) fn step(&mut self, program: &Program, before: &State, action: Action, after: &State, index: u32) {
        let thread = action.thread;
        let pc = before.thread(thread).pc();
        if after.violation().is_some() {
            return;
        }
        for ((fence, by), did) in self.signallers.iter().zip(&mut self.did) {
            *did |= *by == thread && !is_signaled(before, *fence) && is_signaled(after, *fence);
        }
        if tries(program, thread, pc) {
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
    /// it and the step from there. Of a fence with several signallers there is one for each of them.
    pub(super) fn circle(&self) -> Vec<Link> {
        let fences = self.signallers.chunk_by(|a, b| a.0 == b.0).map(|s| s[0].0);
        let circles = fences.filter_map(|f| {
            let each: Option<Vec<_>> = self.rows_of(f).map(|row| self.back_to(f, row)).collect();
            let mut all = each.filter(|ways| !ways.is_empty())?.concat();
            // Several ways may share dependencies.
            let mut told = BTreeSet::new();
            all.retain(|edge| told.insert(*edge));
            Some(all)
        });
        let Some(circle) = circles.min_by_key(Vec::len) else { return vec![] };
        let edges = circle.iter().filter_map(|(from, to)| {
            let Witness { state, action, thread, pc } = *self.witnesses.get(&(*from, *to))?;
            let property = Property::DependencyCycle;
            Some((Violation { property, thread, pc, rule: None, object: Some(*to), other: None }, state, action))
        });
        edges.collect()
    }

    /// The shortest way from one who may signal a fence back to that fence, as its dependencies.
    fn back_to(&self, fence: ObjId, first: Row) -> Option<Vec<(Row, ObjId)>> {
        let mut ways = vec![(first, vec![])];
        let mut seen = 0u64;
        let mut at = 0;
        while let Some((row, way)) = ways.get(at).cloned() {
            at += 1;
            let unseen = self.on[row] & !seen;
            for next in (0..MAX_OBJECTS).filter(|i| unseen >> i & 1 == 1) {
                let way = [&way[..], &[(row, ObjId::object(next))]].concat();
                if ObjId::object(next) == fence {
                    return Some(way);
                }
                seen |= 1 << next;
                ways.extend(self.row_of(next).map(|row| (row, way)));
            }
        }
        None
    }
}

/// Whether a fence's bit is set.
fn is_signaled(state: &State, fence: ObjId) -> bool {
    matches!(state.object(fence), Object::Fence(f) if f.is_signaled())
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
