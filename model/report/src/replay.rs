//! A trace taken again, step by step, with what each step did.

mod change;

pub(crate) use change::{Change, Fact, merge, of_setup};

use crate::words;
use fenceweave_explore::{Stale, Trace};
use fenceweave_kernel::{
    Action, AtomicCell, Instr, LocalId, ObjId, Program, State, StepResult, Thread, ThreadId, Type, Value, Violation,
    program::CalleeId,
    thread::{Run, Stepped},
};

/// How far an operation got with a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// More steps to come.
    Unfinished,
    /// It went to sleep.
    Asleep(ObjId),
    /// It is over, with this result.
    Done(Value),
    /// It broke a property.
    Broken(Violation),
    /// It called this, which runs now.
    Called(CalleeId),
}

/// One step of a trace.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Who.
    pub(crate) thread: ThreadId,
    /// The instruction.
    pub(crate) pc: u16,
    /// Whether it is the operation's first.
    pub(crate) first: bool,
    /// What it does, in the kernel's words.
    pub(crate) label: &'static str,
    /// Which way it went, if there were several.
    pub(crate) choice: Option<u8>,
    /// How far the operation got.
    pub(crate) end: End,
    /// The local that took the result.
    pub(crate) into: Option<LocalId>,
    /// The result as text, in the world of that moment.
    pub(crate) result: Option<String>,
    /// What changed.
    pub(crate) changes: Vec<Change>,
    /// Whether it passed a `progress` mark.
    pub(crate) progressed: bool,
    /// Whether the thread could have gone on after it.
    pub(crate) could_go_on: bool,
    /// The places of the operations whose calls it is inside of, the outermost first.
    pub(crate) callers: Vec<u16>,
    /// Why it is back from its sleep, if nobody woke it.
    pub(crate) unwoken: Option<&'static str>,
}

impl Step {
    /// How many calls through a pointer it is inside of.
    pub(crate) fn depth(&self) -> usize {
        self.callers.len()
    }

    /// The step as an engine takes it.
    pub(crate) fn action(&self) -> Action {
        Action { thread: self.thread, choice: self.choice.unwrap_or(0) }
    }
}

/// A trace that was taken again.
pub(crate) struct Replay<'a> {
    pub(crate) program: &'a Program,
    /// Its steps, as many as could be taken.
    pub(crate) steps: Vec<Step>,
    /// The state before the first step.
    pub(crate) initial: State,
    /// The state after the last.
    pub(crate) last: State,
    /// The main thread as teardown left it.
    main: Option<Thread>,
    /// How many steps lead to the loop, if it is a lasso.
    pub(crate) loop_from: Option<usize>,
    /// Why the rest of the trace could not be taken: it belongs to another program.
    pub(crate) diverged: Option<String>,
}

impl<'a> Replay<'a> {
    /// Takes a trace's steps.
    pub(crate) fn of(program: &'a Program, trace: &Trace) -> Replay<'a> {
        Replay::seeing(program, trace, &mut |_| ())
    }

    /// The same for who wants to see the state after each step.
    pub(crate) fn seeing(program: &'a Program, trace: &Trace, see: &mut dyn FnMut(&State)) -> Replay<'a> {
        let initial = State::initial(program);
        let (loop_from, stale) = (trace.loop_from, trace.weak.as_deref());
        let mut replay =
            Replay { program, steps: vec![], last: initial.clone(), initial, main: None, loop_from, diverged: None };
        // Which operation of whom is in flight, a caller's below its callee's: its next step is not a first one. Who
        // has called a function has none.
        let mut in_flight: Vec<Vec<Option<u16>>> = vec![vec![]; program.scripts.len()];
        for (i, action) in trace.steps.iter().enumerate() {
            if let Some(why) = misfit(program, &replay.last, *action) {
                replay.diverged = Some(why);
                break;
            }
            let flying = &mut in_flight[action.thread.index()];
            let depth = replay.last.thread(action.thread).depth();
            let stale = stale.map(|s| s.iter().filter(|s| s.step == i));
            let first = flying.get(depth).is_none_or(Option::is_none);
            let step = take(program, &mut replay.last, *action, first, stale);
            flying.truncate(depth);
            if !matches!(step.end, End::Done(_)) {
                flying.resize(depth, None);
                flying.push(Some(step.pc));
            }
            // What called may be over with the call.
            let now = replay.last.thread(action.thread);
            if now.depth() < depth && flying.get(now.depth()) != Some(&Some(now.pc())) {
                flying.truncate(now.depth());
            }
            replay.steps.push(step);
            see(&replay.last);
        }
        replay
    }

    /// The same with teardown's steps, where all threads are done, and what is wrong when everything is over.
    pub(crate) fn with_teardown(program: &'a Program, trace: &Trace) -> Replay<'a> {
        Replay::seeing_all(program, trace, &mut |_| ())
    }

    /// That for who wants to see the state after each step.
    pub(crate) fn seeing_all(program: &'a Program, trace: &Trace, see: &mut dyn FnMut(&State)) -> Replay<'a> {
        let mut replay = Replay::seeing(program, trace, see);
        let is_over = replay.diverged.is_none() && replay.last.violation().is_none();
        if is_over && replay.last.is_finished(program) && !program.teardown.code.is_empty() {
            replay.tear_down(see);
        }
        replay
    }

    fn tear_down(&mut self, see: &mut dyn FnMut(&State)) {
        let (program, mut last) = (self.program, self.last.clone());
        let (steps, main) = (&mut self.steps, &mut self.main);
        let mut before: Option<(State, Thread)> = None;
        last.conclude_watched(program, &mut |state, t, thread, did| match (did, before.take()) {
            (Some(did), Some((was, at))) => {
                let goes_on = steps.last().is_some_and(|s: &Step| s.thread == t && !matches!(s.end, End::Done(_)));
                steps.push(alone(program, (&was, &at), (state, thread), t, did, !goes_on));
                see(state);
                if t == program.main_thread() {
                    *main = Some(thread.clone());
                }
            }
            _ => before = Some((state.clone(), thread.clone())),
        });
        self.last = last;
    }

    /// A thread at the end.
    pub(crate) fn thread(&self, t: ThreadId) -> &Thread {
        self.main.as_ref().filter(|_| t == self.program.main_thread()).unwrap_or(self.last.thread(t))
    }

    /// The steps of the loop.
    pub(crate) fn round(&self) -> &[Step] {
        self.loop_from.and_then(|from| self.steps.get(from..)).unwrap_or_default()
    }

    /// How often the trace leaves a thread that could have gone on.
    pub(crate) fn preemptions(&self) -> usize {
        (0..self.steps.len()).filter(|i| self.preempts(*i)).count()
    }

    /// Whether this step begins a turn although the thread before could have gone on.
    pub(crate) fn preempts(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map(|i| &self.steps[i]);
        before.is_some_and(|b| b.thread != self.steps[at].thread && b.could_go_on)
    }
}

/// Why a step cannot be taken; `None` if it can.
pub(crate) fn misfit(program: &Program, state: &State, action: Action) -> Option<String> {
    if action.thread.index() >= program.scripts.len() {
        return Some("there is no such thread".into());
    }
    let name = program.thread_name(action.thread);
    if let Some(v) = state.violation() {
        return Some(format!("{} ended the execution", v.property.name()));
    }
    if !state.is_enabled(program, action.thread) {
        return Some(match state.thread(action.thread).run() {
            Run::Done => format!("{name} has ended"),
            Run::Asleep(on, _) => format!("{name} is asleep on {}", words::object_name(program, on)),
            Run::Ready => {
                let lock = state.spins_until(program, action.thread);
                let lock = lock.or(state.thread(action.thread).machine().spins_on());
                format!("{name} spins on {}", lock.map_or("a lock", |l| words::object_name(program, l)))
            }
        });
    }
    let ways = state.ways(program, action.thread);
    (action.choice >= ways).then(|| format!("{name} can go {} only", words::count(usize::from(ways), "way")))
}

/// What a thread has just been made to run.
fn called(program: &Program, state: &State, t: ThreadId) -> End {
    let callee = words::script(program, t).callee_at(state.thread(t).pc());
    callee.map_or(End::Unfinished, |(id, _)| End::Called(id))
}

/// What ends a thread's sleep, if nobody has woken it: its next step is on its own account.
fn unwoken(state: &State, t: ThreadId) -> Option<&'static str> {
    let Run::Asleep(_, patience) = state.thread(t).run() else { return None };
    let signal = patience.interruptible() && state.world.task(t).pending.peek() != 0;
    match (state.is_awake(t), signal) {
        (true, _) => None,
        (false, true) => Some("a signal ends the sleep"),
        (false, false) => Some("the timeout ends the sleep"),
    }
}

/// Takes a step as on weak memory: what it reads stale is shown to it. Loom takes a plain access in one step.
fn take_weakly<'s>(
    program: &Program,
    state: &mut State,
    action: Action,
    stale: impl Iterator<Item = &'s Stale>,
) -> StepResult {
    let mut shown = vec![];
    for (variable, value) in stale.filter_map(|s| Some((s.word.filter(|w| w.as_var().is_some())?, s.got.value?))) {
        shown.push((variable, value, state.show_in(variable, value)));
    }
    let mut taken = state.step(program, action);
    let is_open = state.thread(action.thread).machine().label().ends_with(": end");
    if is_open && taken.violation.is_none() && taken.result.is_none() {
        taken = state.step(program, action);
    }
    for (variable, value, newest) in shown.into_iter().rev() {
        // What it wrote itself is there to stay.
        if state.world.var_value(variable) == value {
            state.show_in(variable, newest);
        }
    }
    taken
}

/// Where the result of what stands at an instruction goes, and what it returns if it is let fail.
fn destination(program: &Program, t: ThreadId, pc: u16) -> (Option<LocalId>, Option<Value>) {
    match words::instr(program, t, pc) {
        Some(Instr::Op { into, may_fail, .. }) => (into, may_fail),
        Some(Instr::Choose { into, .. } | Instr::Fails { into, .. }) => (into, None),
        Some(Instr::MayFail { error, into, .. }) => (into, Some(error)),
        _ => (None, None),
    }
}

fn take<'s>(
    program: &Program,
    state: &mut State,
    action: Action,
    first: bool,
    stale: Option<impl Iterator<Item = &'s Stale>>,
) -> Step {
    let (t, before) = (action.thread, state.clone());
    let (pc, label) = (before.thread(t).pc(), before.thread(t).machine().label());
    let ways = before.ways(program, t);
    let unwoken = unwoken(&before, t);
    let taken = match stale {
        Some(stale) => take_weakly(program, state, action, stale),
        None => state.step(program, action),
    };
    let (dest, may_fail) = destination(program, t, pc);
    let decides_call = matches!(words::instr(program, t, pc), Some(Instr::MayFail { .. }));
    let end = match (taken.violation, taken.result, state.thread(t).run()) {
        // A private instruction after the operation was refused, not the operation itself: it still has its result.
        (Some(v), None, _) => End::Broken(v),
        (Some(v), Some(_), _) if v.pc == pc => End::Broken(v),
        (_, Some(decision), _) if may_fail.is_some() && label == "may fail" => match decision {
            // The decision about a call is over with it; an operation goes on.
            Value::Word(0) if decides_call => End::Done(Value::Unset),
            // One that nobody else can tell is over with the decision, too.
            Value::Word(0) if state.thread(t).pc() != pc => {
                End::Done(dest.map_or(Value::Unset, |l| state.thread(t).local(l)))
            }
            Value::Word(0) => End::Unfinished,
            _ => End::Done(may_fail.unwrap_or_default()),
        },
        (_, Some(v), _) => End::Done(v),
        _ if state.thread(t).depth() > before.thread(t).depth() => called(program, state, t),
        (_, None, Run::Asleep(on, _)) => End::Asleep(on),
        _ => End::Unfinished,
    };
    let done = matches!(end, End::Done(v) if may_fail.is_none() || v != Value::Unset);
    let into = dest.filter(|_| done);
    let value = if let End::Done(v) = end { Some(v) } else { None };
    let ty = words::result_type(program, t, pc);
    let result = value.map(|v| words::typed_in(program, &state.world, ty, v));
    // A sleeper with a timeout is enabled, but leaving it alone is no preemption.
    let asleep = matches!(end, End::Asleep(_));
    // A callee's locals are gone with it; what they were set to is the result.
    let depth = before.thread(t).depth();
    // What a local with a type keeps of it may be another number.
    let typed = |l: &LocalId| words::script(program, t).local_type(*l) != Type::S64;
    let whole = |l: &LocalId| depth == 0 && (!typed(l) || value.is_none_or(|v| state.thread(t).local(*l) == v));
    let mut changes = change::between(program, &before, state, t, into.filter(whole), taken.touched);
    changes.extend(taken.progressed.then(|| Change::progress(program.thread_name(t))));
    Step {
        thread: t,
        pc,
        first,
        label,
        choice: (ways > 1).then_some(action.choice),
        end,
        into,
        result,
        changes,
        callers: before.thread(t).callers().collect(),
        unwoken,
        progressed: taken.progressed,
        could_go_on: taken.violation.is_none() && !asleep && state.is_enabled(program, t),
    }
}

/// A step of teardown, or of an agent that runs while teardown waits for it.
fn alone(
    program: &Program,
    (before, at): (&State, &Thread),
    (after, now): (&State, &Thread),
    t: ThreadId,
    did: &Stepped,
    first: bool,
) -> Step {
    let is_main = t == program.main_thread();
    let place = |pc| if is_main { program.teardown_place(pc) } else { pc };
    let pc = place(at.pc());
    let broke = did.violation.map(|v| if is_main { program.of_teardown(v) } else { v });
    let end = match (broke, did.result, now.run()) {
        (Some(v), None, _) => End::Broken(v),
        (Some(v), Some(_), _) if v.pc == pc => End::Broken(v),
        (_, Some(v), _) => End::Done(v),
        (None, None, Run::Asleep(on, _)) => End::Asleep(on),
        _ => End::Unfinished,
    };
    let into = match words::instr(program, t, pc) {
        Some(Instr::Op { into, .. } | Instr::Choose { into, .. }) => into.filter(|_| matches!(end, End::Done(_))),
        _ => None,
    };
    let ty = words::result_type(program, t, pc);
    let result = did.result.map(|v| words::typed_in(program, &after.world, ty, v));
    Step {
        thread: t,
        pc,
        first,
        label: at.machine().label(),
        choice: None,
        end,
        into,
        result,
        changes: change::worlds(program, &before.world, &after.world, before.world.members(did.touched)),
        callers: at.callers().map(place).collect(),
        unwoken: None,
        progressed: did.progressed,
        could_go_on: false,
    }
}
