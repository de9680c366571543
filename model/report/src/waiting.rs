//! Who waits for whom at the end of a trace, and whether that is a cycle.

use crate::words;
use fenceweave_kernel::{
    AtomicCell, Facet, Instr, ObjId, Op, Operand, Place, Program, State, ThreadId, Value, fixed,
    kind::Waited,
    observe::facets,
    program::{Between, CalleeId, Ends, Fall},
    thread::Run,
};

/// A thread that cannot go on.
#[derive(Clone, Debug)]
pub(crate) struct Wait {
    /// Who.
    pub(crate) thread: ThreadId,
    /// The instruction at which it is.
    pub(crate) pc: u16,
    /// What it waits for.
    pub(crate) on: ObjId,
    /// The locks that it holds.
    pub(crate) holds: Vec<ObjId>,
    /// Who could end the wait.
    pub(crate) providers: Vec<ThreadId>,
    /// That in words, after the name of what is waited for.
    pub(crate) provided: String,
}

/// Everybody who waits, in order: those whom somebody wrote, and workers and handlers that have something to do.
pub(crate) fn waits(program: &Program, state: &State) -> Vec<Wait> {
    program.threads().filter_map(|t| wait_of(program, state, t)).collect()
}

/// The same in a state in which somebody may go on: who could take a step, or was woken, does not wait.
pub(crate) fn waits_now(program: &Program, state: &State) -> Vec<Wait> {
    let sleeps = |t: ThreadId| matches!(state.thread(t).run(), Run::Asleep(..)) && !state.is_awake(t);
    let mut all = waits(program, state);
    let stands = |t: ThreadId| state.violation().is_none() && !state.is_enabled(program, t);
    all.retain(|w| sleeps(w.thread) || stands(w.thread));
    all
}

fn wait_of(program: &Program, state: &State, t: ThreadId) -> Option<Wait> {
    let thread = state.thread(t);
    match between(program, t, thread.pc()) {
        Between::Runs(work) => return queued_wait(program, state, t, work),
        Between::Events => return None,
        Between::Nowhere => {}
    }
    let (on, spins) = match thread.run() {
        Run::Done => return None,
        Run::Asleep(on, _) => (on, false),
        Run::Ready => match state.spins_until(program, t) {
            Some(word) => return Some(spin_until(program, state, t, word)),
            None => (thread.machine().spins_on().filter(|l| state.world.spin_owner(*l) != Some(t))?, true),
        },
    };
    let (providers, provided) = provider(program, state, t, on, spins);
    Some(Wait { thread: t, pc: thread.pc(), on, holds: held(program, state, t), providers, provided })
}

/// Where an agent is, if that is a place where it may have nothing to do.
fn between(program: &Program, t: ThreadId, pc: u16) -> Between {
    match words::instr(program, t, pc) {
        Some(Instr::Op { op, .. }) => op.row().between,
        _ => Between::Nowhere,
    }
}

/// A thread that spins until somebody writes a word.
fn spin_until(program: &Program, state: &State, t: ThreadId, word: ObjId) -> Wait {
    let (providers, provided) = by_script(program, state, t, word, "write");
    Wait { thread: t, pc: state.thread(t).pc(), on: word, holds: held(program, state, t), providers, provided }
}

/// A worker whose item is queued, and whose turn has not come.
fn queued_wait(program: &Program, state: &State, t: ThreadId, work: ObjId) -> Option<Wait> {
    let is = |item: ObjId, facet| state.object(item).facet(facet) == Some(Facet::Flag(true));
    let queue_of = |item: ObjId| program.kind(item).runs().zip(program.kind(item).queue());
    let (_, queue) = queue_of(work).filter(|_| is(work, "pending"))?;
    let items = (0..program.objects.len()).map(ObjId::object).filter(|item| is(*item, "running"));
    let running = items.filter_map(queue_of).find(|(_, of)| *of == queue).map(|(worker, _)| worker);
    let provided = match running {
        Some(worker) => format!("→ behind {}", program.thread_name(worker)),
        None => "which is its turn".into(),
    };
    let (providers, pc) = (running.into_iter().collect(), state.thread(t).pc());
    Some(Wait { thread: t, pc, on: queue, holds: vec![], providers, provided })
}

/// The locks that a thread holds.
pub(crate) fn held(program: &Program, state: &State, t: ThreadId) -> Vec<ObjId> {
    let objects = (0..program.objects.len()).map(ObjId::object);
    let reads = |id| state.object(id).is_held_by(t) && !state.object(id).is_held_alone(t);
    objects.filter(|id| owner(state, *id) == Some(t) || reads(*id)).collect()
}

/// The spinlocks that a thread holds.
pub(crate) fn spinlocks_of(program: &Program, state: &State, t: ThreadId) -> Vec<ObjId> {
    let is_spin = |id: &ObjId| program.kind(*id).row().lock.spins();
    held(program, state, t).into_iter().filter(is_spin).collect()
}

/// The owner of a lock, or of the lock inside of a fence.
fn owner(state: &State, id: ObjId) -> Option<ThreadId> {
    facets(state.object(id)).into_iter().find_map(|(name, f)| match f {
        Facet::Thread(t) if name == "owner" || name == "lock" => t,
        _ => None,
    })
}

/// Who could give a thread what it waits for, and the words for it.
fn provider(program: &Program, state: &State, me: ThreadId, on: ObjId, spins: bool) -> (Vec<ThreadId>, String) {
    let done = |runner: Option<ThreadId>| {
        let what = runner.map_or(String::new(), |t| format!("→ until {} is done", program.thread_name(t)));
        (runner.into_iter().collect(), what)
    };
    match program.kind(on).row().waited {
        Waited::Run(_) => match state.object(on).runner().or(program.kind(on).runs()) {
            None => queued_to_workers(program, on),
            runner => done(runner),
        },
        Waited::Runner => done(state.world.spin_owner(on)),
        _ if spins => owned(program, state, on),
        Waited::Holder => owned(program, state, on),
        Waited::Holders => shared(program, state, me, on),
        Waited::Readers => readers(program, state),
        Waited::Deed(_) if state.object(on).has_happened() => (vec![], "which is signaled already".into()),
        Waited::Deed(verb) => by_script(program, state, me, on, verb),
    }
}

/// An item that any worker of its queue runs, when it comes to it, or a timer's handler.
fn queued_to_workers(program: &Program, item: ObjId) -> (Vec<ThreadId>, String) {
    let Some((queue, workers)) = workers_of(program, item) else { return (vec![], String::new()) };
    if program.is::<fixed::Timer>(item) {
        return (workers.collect(), "→ until it expires, and its handler is done".to_owned());
    }
    if program.is::<fixed::IrqWork>(item) {
        return (workers.collect(), "→ until its interrupt has come, and its function is done".to_owned());
    }
    let what = format!("→ until a worker of {} comes to it and is done", program.name_of(queue));
    (workers.collect(), what)
}

/// The queue of an item that has no thread of its own, with its workers; or the base of a timer, with its CPUs.
fn workers_of(program: &Program, item: ObjId) -> Option<(ObjId, impl Iterator<Item = ThreadId>)> {
    let queue = program.kind(item).queue()?;
    let workers = program.fixed::<fixed::Workqueue>(queue).and_then(|queue| queue.workers.as_ref());
    let cpus = program.fixed::<fixed::TimerBase>(queue).map(|base| base.each());
    let handlers = program.fixed::<fixed::IrqWorks>(queue).map(|base| base.each());
    let workers = workers.map(|workers| workers.each()).into_iter().flatten();
    let mut each = workers.chain(cpus.into_iter().flatten()).chain(handlers.into_iter().flatten()).peekable();
    each.peek().is_some().then_some((queue, each))
}

/// The items that workers run and nobody runs now, and the timers, with who could, whose function may do what somebody
/// waits for.
fn items(program: &Program, state: &State, on: ObjId) -> impl Iterator<Item = (ObjId, ThreadId)> {
    program.ids().filter_map(move |item| {
        let function = program.kind(item).function().filter(|_| state.object(item).runner().is_none())?;
        let (_, mut workers) = workers_of(program, item)?;
        let worker = workers.next()?;
        let able = callee(program, worker, function.callee).any(|pc| provides(program, state, worker, pc, on));
        able.then_some((item, worker))
    })
}

/// A thread that user space did not come back to, and that would have done what somebody waits for.
fn stays_away(program: &Program, state: &State, on: ObjId) -> Option<String> {
    let stopped = |t: &ThreadId| state.thread(*t).run() == Run::Done;
    let away = program.threads().filter(stopped).find(|t| {
        let end = state.thread(*t).pc();
        let said = end.checked_sub(2).and_then(|at| words::instr(program, *t, at));
        let user = |op: Op| op.choice(program).is_some_and(|choice| choice.fall == Fall::UserSpace);
        matches!(said, Some(Instr::Op { op, .. }) if user(op))
            && reachable(program, *t, vec![end + 1]).into_iter().any(|pc| provides(program, state, *t, pc, on))
    });
    Some(format!("the next system call of {}, which may stay in user space for ever,", program.thread_name(away?)))
}

/// A thread that has put off what somebody waits for to the end of the system call that it is in.
fn put_off(program: &Program, state: &State, on: ObjId) -> Option<String> {
    let does = |t: ThreadId, func: CalleeId| callee(program, t, func).any(|pc| provides(program, state, t, pc, on));
    let all = program.threads().find(|t| {
        let works = state.thread(*t).private().put_off(program);
        works.into_iter().any(|func| does(*t, func))
    });
    Some(format!("the end of the system call of {}", program.thread_name(all?)))
}

fn owned(program: &Program, state: &State, lock: ObjId) -> (Vec<ThreadId>, String) {
    let Some(t) = owner(state, lock) else { return (vec![], "which is free, but nobody wakes it".into()) };
    let ended = if state.thread(t).run() == Run::Done { ", which has ended" } else { "" };
    (vec![t], format!("→ held by {}{ended}", program.thread_name(t)))
}

/// A reader-writer semaphore: held by a writer or by readers, or free with somebody first in its queue.
fn shared(program: &Program, state: &State, me: ThreadId, sem: ObjId) -> (Vec<ThreadId>, String) {
    let threads = |name| match state.object(sem).facet(name) {
        Some(Facet::Queue(q)) => q.iter().collect(),
        _ => vec![],
    };
    let (readers, queue): (Vec<ThreadId>, Vec<ThreadId>) = (threads("readers"), threads("waiters"));
    if owner(state, sem).is_some() || readers.is_empty() {
        return owned(program, state, sem);
    }
    let list = |threads: &[ThreadId]| {
        let names: Vec<String> = threads.iter().map(|t| program.thread_name(*t).into()).collect();
        words::list(&names, "and")
    };
    let mut what = format!("→ held for reading by {}", list(&readers));
    // Those who stand before us: a reader waits for the writer at the head, not only for those inside.
    let ahead: Vec<ThreadId> = queue.iter().copied().take_while(|t| *t != me).collect();
    if !ahead.is_empty() {
        what.push_str(&format!(", queued behind {}", list(&ahead)));
    }
    (readers.into_iter().chain(ahead).collect(), what)
}

/// A grace period waits for readers.
fn readers(program: &Program, state: &State) -> (Vec<ThreadId>, String) {
    let inside: Vec<ThreadId> = program.scripted().filter(|t| state.world.task(*t).reader.peek().inside).collect();
    let names: Vec<String> = inside.iter().map(|t| program.thread_name(*t).into()).collect();
    let what = match names.len() {
        0 => "whose grace period nobody holds up".into(),
        1 => format!("→ {} is in a read-side section", names[0]),
        _ => format!("→ {} are in read-side sections", words::list(&names, "and")),
    };
    (inside, what)
}

/// Those whose remaining script could still do it.
fn by_script(program: &Program, state: &State, me: ThreadId, on: ObjId, verb: &str) -> (Vec<ThreadId>, String) {
    let able: Vec<(ThreadId, u16)> = program
        .threads()
        .filter(|t| *t != me)
        .filter_map(|t| {
            remaining(program, state, t).into_iter().find(|pc| provides(program, state, t, *pc, on)).map(|pc| (t, pc))
        })
        .collect();
    let name = |(t, pc): &(ThreadId, u16)| {
        let line = words::line_of(program, *t, *pc).map_or(String::new(), |l| format!(" ({l})"));
        let idle = idle(program, state, *t).map(|work| queued_by(program, state, *t, work).1);
        format!("{}{line}{}", program.thread_name(*t), idle.unwrap_or_default())
    };
    let queued = |item: ObjId| state.object(item).facet("pending") == Some(Facet::Flag(true));
    let later: Vec<(ObjId, ThreadId)> = items(program, state, on).collect();
    let by_item = |(item, worker): &(ObjId, ThreadId)| {
        let until = (!queued(*item)).then(|| queued_by(program, state, *worker, *item).1);
        format!("{}{}", program.name_of(*item), until.unwrap_or_default())
    };
    let names = able.iter().map(name).chain(later.iter().map(by_item)).chain(put_off(program, state, on));
    let names: Vec<String> = names.chain(stays_away(program, state, on)).collect();
    let what = match names.len() {
        0 => format!("which nobody will {verb} any more"),
        1 => format!("→ only {} can {verb} it", names[0]),
        _ => format!("→ only {} can {verb} it", words::list(&names, "or")),
    };
    // Who has to queue a worker's item first is waited for as well.
    let behind = |t: ThreadId| idle(program, state, t).map_or(vec![], |work| queued_by(program, state, t, work).0);
    let workers = later.into_iter().flat_map(|(item, worker)| {
        let who = if queued(item) { vec![] } else { queued_by(program, state, worker, item).0 };
        workers_of(program, item).into_iter().flat_map(|(_, workers)| workers).chain(who)
    });
    let providers = able.into_iter().flat_map(|(t, _)| std::iter::once(t).chain(behind(t))).chain(workers).collect();
    (providers, what)
}

/// The item of a worker that has nothing to do.
fn idle(program: &Program, state: &State, t: ThreadId) -> Option<ObjId> {
    let Between::Runs(work) = between(program, t, state.thread(t).pc()) else { return None };
    (state.object(work).facet("pending") == Some(Facet::Flag(false))).then_some(work)
}

/// Who could still queue an item that is not: threads that come to it, and callbacks that wait for their fence.
fn queued_by(program: &Program, state: &State, worker: ThreadId, work: ObjId) -> (Vec<ThreadId>, String) {
    let queues = |t: ThreadId, pc: u16| match words::instr(program, t, pc) {
        Some(Instr::Op { op, .. }) => {
            matches!(op.row().ends, Ends::Queues(item) if operand_is(program, state, (t, pc), item, work))
        }
        _ => false,
    };
    let able = program.threads().filter(|t| *t != worker && idle(program, state, *t).is_none());
    // Also behind the calls that it is inside of.
    let to_come = |t: ThreadId| {
        let behind = reachable(program, t, state.thread(t).callers().collect());
        remaining(program, state, t).into_iter().chain(behind)
    };
    let threads: Vec<ThreadId> = able.filter(|t| to_come(*t).any(|pc| queues(*t, pc))).collect();
    let mut names: Vec<String> = threads.iter().map(|t| program.thread_name(*t).into()).collect();
    let callbacks = (0..program.objects.len()).map(ObjId::object).filter(|id| {
        let is_queued = state.object(*id).facet("queued") == Some(Facet::Flag(true));
        let func = program.kind(*id).calls().filter(|_| is_queued);
        func.is_some_and(|func| callee(program, worker, func).any(|pc| queues(worker, pc)))
    });
    for callback in callbacks {
        let fences = (0..program.objects.len()).map(ObjId::object);
        let on = fences.filter(|id| state.object(*id).is_to_call(callback));
        names.extend(on.map(|fence| format!("a callback on {}", program.name_of(fence))));
    }
    let what = match names.len() {
        0 => ", which is not queued and never will be,".into(),
        _ => format!(", which is not queued until {} does it,", words::list(&names, "or")),
    };
    (threads, what)
}

/// The instructions of something that is called through a pointer, as it stands in a thread's script.
fn callee(program: &Program, t: ThreadId, func: CalleeId) -> std::ops::Range<u16> {
    let (script, at) = (words::script(program, t), usize::from(func.0));
    let end = script.callees.get(at + 1).map_or(script.code.len() as u16, |next| next.entry);
    script.callees.get(at).map_or(0, |c| c.entry)..end
}

/// The instructions that a thread can still come to, the one that it is at first.
fn remaining(program: &Program, state: &State, t: ThreadId) -> Vec<u16> {
    match state.thread(t).run() {
        Run::Done => vec![],
        _ => {
            let here = state.thread(t);
            // A function's caller goes on behind the call.
            let calls = |pc: &u16| matches!(words::instr(program, t, *pc), Some(Instr::Call(_)));
            let behind = here.callers().filter(calls).map(|pc| pc + 1);
            reachable(program, t, std::iter::once(here.pc()).chain(behind).collect())
        }
    }
}

/// The instructions that a thread can come to from some places, without returning from where it is called.
fn reachable(program: &Program, t: ThreadId, mut open: Vec<u16>) -> Vec<u16> {
    let mut seen: Vec<u16> = vec![];
    while let Some(pc) = open.pop() {
        let Some(instr) = words::instr(program, t, pc) else { continue };
        if seen.contains(&pc) {
            continue;
        }
        seen.push(pc);
        match instr {
            Instr::End => {}
            Instr::Jump(to) => open.push(to),
            Instr::Branch { otherwise: other, .. }
            | Instr::Nth { otherwise: other, .. }
            | Instr::MayFail { over: other, .. } => {
                open.extend([other, pc + 1]);
            }
            Instr::Call(call) => {
                let script = words::script(program, t);
                let callee = script.calls.get(usize::from(call)).map(|call| usize::from(call.callee.0));
                open.extend(callee.and_then(|callee| script.callees.get(callee)).map(|callee| callee.entry));
                open.push(pc + 1);
            }
            _ => open.push(pc + 1),
        }
    }
    seen
}

/// Whether an instruction does what someone who waits on an object waits for.
fn provides(program: &Program, state: &State, t: ThreadId, pc: u16, on: ObjId) -> bool {
    let Some(Instr::Op { op, .. }) = words::instr(program, t, pc) else { return false };
    match op.row().ends {
        Ends::Writes(place) => may_be(program, place, on),
        ends => ends.wait_for().is_some_and(|target| operand_is(program, state, (t, pc), target, on)),
    }
}

/// Whether an operand of a thread's instruction is that object now. The locals of a call that has not begun are not
/// set.
fn operand_is(program: &Program, state: &State, (t, pc): (ThreadId, u16), operand: Operand, on: ObjId) -> bool {
    let code = |pc: u16| words::script(program, t).callee_at(pc).map(|(id, _)| id);
    let thread = state.thread(t);
    match operand {
        Operand::Object(id) => id == on,
        Operand::Const(v) => refers_to(v, on),
        Operand::Local(l) if code(pc).is_none() => refers_to(thread.local(l), on),
        Operand::Local(l) if code(pc) == code(thread.pc()) => thread.local_here(l).is_some_and(|v| refers_to(v, on)),
        Operand::Local(_) => false,
        Operand::Member { base, path } => {
            let local = if code(pc).is_none() { Some(thread.local(base)) } else { thread.local_here(base) };
            matches!(local, Some(Value::Ref(h)) if program.member(h.obj, path) == Some(on))
        }
    }
}

/// Whether a place may be that word: of an array or a field, nobody knows which element is meant.
fn may_be(program: &Program, place: Place, word: ObjId) -> bool {
    match place {
        Place::Var(id) => id == word,
        Place::Element { first, len, .. } => first.row(usize::from(len)).any(|element| element == word),
        Place::Field { field, .. } => {
            let slots = (0..program.objects.len()).map(ObjId::object);
            slots.filter_map(|slot| program.field_var(slot, field)).any(|var| var == word)
        }
        Place::FieldElement { field, .. } => program.all_elements(field).any(|var| var == word),
        Place::Behind { .. } => true,
    }
}

fn refers_to(v: Value, on: ObjId) -> bool {
    matches!(v, Value::Ref(h) if h.obj == on)
}

/// The first cycle among the waits, as places in their list, beginning with its lowest thread; empty if there is none.
pub(crate) fn cycle(waits: &[Wait]) -> Vec<usize> {
    for start in 0..waits.len() {
        let mut path = vec![start];
        if follow(waits, start, &mut path) {
            return path;
        }
    }
    vec![]
}

/// Whether the path can be continued back to `start`, through threads not on it yet.
fn follow(waits: &[Wait], start: usize, path: &mut Vec<usize>) -> bool {
    let at = path.last().copied().unwrap_or(start);
    for t in &waits[at].providers {
        let Some(next) = waits.iter().position(|w| w.thread == *t) else { continue };
        if next == start {
            return true;
        }
        if !path.contains(&next) {
            path.push(next);
            if follow(waits, start, path) {
                return true;
            }
            path.pop();
        }
    }
    false
}
