//! What it means that nobody can run: a deadlock, a wake-up that was lost, or spinning for ever.

use fenceweave_kernel::{
    Action, Instr, MAX_FRAMES, ObjId, Program, Property, State, ThreadId, Violation,
    state::MAX_ALONE_STEPS,
    thread::{MAX_PRIVATE_STEPS, Run},
};

/// Most steps taken to see whether waking a sleeper for nothing leads on.
const MAX_STEPS: usize = 10_000;

/// The violation of a state in which nobody can take a step although a script is unfinished, or a worker is in the
/// middle of something; `None` if all are done.
///
/// It is a *lost wake-up* if and only if waking one sleeper for nothing leads somewhere else than back to sleep.
/// Otherwise it is a *livelock* if somebody spins on a word: that thread runs for ever, and no write comes.
/// Otherwise it is a *deadlock*.
pub fn stuck(program: &Program, state: &State) -> Option<Violation> {
    let unfinished = || program.threads().filter(|t| !state.is_over(program, *t));
    let first = unfinished().next()?;
    let lost = unfinished().find(|t| leads_on(program, state, *t));
    let spinner = unfinished().find(|t| state.spins_until(program, *t).is_some());
    let (property, thread) = match (lost, spinner) {
        (Some(t), _) => (Property::LOST_WAKEUP, t),
        (None, Some(t)) => (Property::LIVELOCK, t),
        (None, None) => (Property::DEADLOCK, first),
    };
    let pc = state.thread(thread).pc();
    let object = waits_for(program, state, thread);
    Some(Violation { object, ..Violation::new(property, thread, pc) })
}

/// What a thread that cannot run waits for: what it sleeps on, or the word or the lock that it spins on.
pub fn waits_for(program: &Program, state: &State, t: ThreadId) -> Option<ObjId> {
    match state.thread(t).run() {
        Run::Asleep(on, _) => Some(on),
        _ => state.spins_until(program, t).or(state.thread(t).machine().spins_on()),
    }
}

/// Most steps that a thread is let run alone to see whether it gets on.
const MAX_ALONE: usize = 1_000;

/// Whether a thread that runs alone from here makes progress: it passes a `progress` mark or ends. Its choices fall the
/// first way.
///
/// A livelock from which somebody does needs a lock-step schedule: it lasts only as long as nobody is ahead.
pub fn gets_on_alone(program: &Program, from: &State, t: ThreadId) -> bool {
    let mut state = from.clone();
    for _ in 0..MAX_ALONE {
        if !state.enabled(program).contains(t) {
            return false;
        }
        let stepped = state.step(program, Action { thread: t, choice: 0 });
        if stepped.violation.is_some() {
            return false;
        }
        if stepped.progressed || state.thread(t).run() == Run::Done {
            return true;
        }
    }
    false
}

/// Whether the sleeper, woken for nothing, gets anywhere: alone, because everybody else is stuck.
fn leads_on(program: &Program, stuck: &State, sleeper: ThreadId) -> bool {
    if !matches!(stuck.thread(sleeper).run(), Run::Asleep(..)) {
        return false;
    }
    let mut state = stuck.clone();
    state.wake_for_nothing(sleeper);
    for _ in 0..MAX_STEPS {
        let Some(t) = state.enabled(program).iter().next() else { break };
        if t != sleeper {
            // It has made somebody else runnable: things go on.
            return true;
        }
        if state.step(program, Action { thread: t, choice: 0 }).violation.is_some() {
            return true;
        }
    }
    !state.same_threads(stuck, program)
}

/// How a result that is incomplete for want of room begins: no limit that could be raised.
pub const NO_ROOM: &str = "the model has no more room";

/// Why what lies behind a full table of the model was not visited, and what there is too little of.
pub(crate) fn overflow(program: &Program, v: Violation) -> String {
    let line = program.script(v.thread).and_then(|s| s.lines.get(usize::from(v.pc)));
    let place = line.map_or(String::new(), |l| format!(" (line {}: {})", l.line, l.text));
    let who = program.thread_name(v.thread);
    let instr = program.script(v.thread).and_then(|s| s.code.get(usize::from(v.pc)));
    if let (Some(o), Some(agent), true) = (v.object, v.other, program.script(v.thread).is_none()) {
        let (o, agent) = (program.name_of(o), program.thread_name(agent));
        return format!(
            "setup or teardown waits for {o}, and there is more than one way for it to go on: {agent} can run meanwhile, and \
             others; let a thread wait"
        );
    }
    if v.other == Some(v.thread) && program.script(v.thread).is_none() {
        let said = "for a choice in setup or teardown, which have one way to go: let a thread choose";
        return format!("{NO_ROOM} {said}");
    }
    let what = match (v.object, instr) {
        (Some(o), instr) => format!("{}at {}", runs_out_of(program, o, instr), program.name_of(o)),
        (None, _) if calls(program, v) => format!("for more than {MAX_FRAMES} calls inside of each other"),
        (None, _) if program.script(v.thread).is_none() => {
            format!("for more than {MAX_ALONE_STEPS} steps of setup or teardown")
        }
        (
            None,
            Some(Instr::Let { .. } | Instr::Branch { .. } | Instr::Jump(_) | Instr::Assert { .. } | Instr::Warn { .. }),
        ) => {
            format!(
                "for more than {MAX_PRIVATE_STEPS} steps in a row that nobody else can see, or for a number like the one \
                 that is calculated there"
            )
        }
        (None, Some(Instr::Op { op, .. })) => op.row().no_room.into(),
        (None, _) => "in a table".into(),
    };
    format!("{NO_ROOM} {what}; what comes after {who} needs it{place} was not visited")
}

/// Whether it was at the call of a function.
fn calls(program: &Program, v: Violation) -> bool {
    let (script, pc) = program.script_at(v.thread, v.pc);
    matches!(script.code.get(usize::from(pc)), Some(Instr::Call(_)))
}

/// What an object has no more of, where that is more than places in it, and a blank.
fn runs_out_of(program: &Program, object: ObjId, instr: Option<&Instr>) -> String {
    let what = match (program.row(object).map_or("", |row| row.runs_out), instr) {
        ("", _) => return String::new(),
        (_, Some(Instr::Op { op, .. })) if op.row().room_of_object => op.row().no_room,
        (of_kind, _) => of_kind,
    };
    format!("{what} ")
}
