//! What earlier steps have to do with a broken property: who freed, took or signalled what it is about, and when.

use crate::{
    replay::{Change, Fact, Replay, Step, of_setup},
    words,
};
use fenceweave_kernel::{
    Facet, Instr, LocalId, MAX_LOCALS, ObjId, Operand, Program, ThreadId, Type, Value, Violation, fixed,
    property::Earlier, world::canonical,
};

/// A line about the step that made it wrong, if there is one: `f was freed at step 5, by gpu (line 9: put f)`.
pub(super) fn line(replay: &Replay<'_>, v: Violation) -> Option<String> {
    let (program, object) = (replay.program, v.object?);
    let what = program.name_of(object);
    let became = |facet: &'static str, to: Facet| move |c: &Change| matches!(c.of(object, facet), Some((_, Some(is))) if is == to);
    let lost = || ("lost its last reference", last(replay, became("refs", Facet::Word(0))));
    let (verb, at) = match v.property.since()? {
        Earlier::Freed => {
            match last(replay, |c| is_end_of(c, object)) {
                // A fence's memory stays until a grace period is over; it is nobody's any more all the same.
                Some(i) if replay.steps[i].changes.iter().any(is_release) => ("was released", Some(i)),
                Some(i) => ("was freed", Some(i)),
                // A file has no count: what it had is gone with it.
                None if is_file(replay, v) => ("was released", last(replay, became("fence", Facet::Object(None)))),
                None => lost(),
            }
        }
        Earlier::LastReference => lost(),
        Earlier::OwnReference => {
            let earlier = &replay.steps[..replay.steps.len().saturating_sub(1)];
            let dropped = |s: &Step| s.thread == v.thread && s.changes.iter().any(|c| gain(c, object) < 0);
            let at = earlier.iter().rposition(dropped)?;
            return Some(format!("  its own reference was dropped {}", told(replay, at)));
        }
        Earlier::Signalled => ("was signalled", last(replay, became("signaled", Facet::Flag(true)))),
        Earlier::Taken => {
            let reads = |c: &Change| matches!(c.of(object, "readers"), Some((_, Some(is))) if has(is, v.thread));
            let taken = last(replay, became("owner", Facet::Thread(Some(v.thread)))).or_else(|| last(replay, reads));
            ("was taken", taken.or_else(|| entered(replay, v.thread, object)))
        }
        Earlier::Queued => {
            let at = super::queued_at(replay, v.thread, object)?;
            return Some(format!("  the entry was queued {}", told(replay, at)));
        }
        Earlier::Released => {
            let owned = Some(Facet::Thread(Some(v.thread)));
            let let_go = |c: &Change| matches!(c.of(object, "owner"), Some((was, is)) if was == owned && is != owned);
            ("was released", last(replay, let_go))
        }
        Earlier::Mapped => ("was mapped", last(replay, |c| matches!(c.fact, Fact::Holds { .. }) && c.subject == what)),
        Earlier::Kept => {
            let thread = v.other?;
            let at = last_kept(replay, thread, object)?;
            let took = |c: &Change| matches!(c.fact, Fact::Holds { was: Value::Ref(h) } if h.obj == object);
            return Some(match replay.steps[at].changes.iter().any(took) {
                // The variable's reference came with it.
                true => format!("  it took the pointer, and the reference with it, {}", told(replay, at)),
                false => format!("  the last that it took and kept was {}", told(replay, at)),
            });
        }
    };
    Some(format!("  {what} {verb} {}", told(replay, at?)))
}

/// The last step of a thread that made the readers more of what counts them and does not know who they are.
fn entered(replay: &Replay<'_>, thread: ThreadId, object: ObjId) -> Option<usize> {
    let more = |c: &Change| matches!(c.of(object, "readers"), Some((Some(Facet::Word(was)), Some(Facet::Word(is)))) if is > was);
    replay.steps.iter().rposition(|s| s.thread == thread && s.changes.iter().any(more))
}

/// Whether a thread is one of those that a facet shows.
fn has(facet: Facet, t: ThreadId) -> bool {
    matches!(facet, Facet::Queue(q) if q.iter().any(|in_it| in_it == t))
}

/// `at step 5, by gpu (line 9: put f)`.
fn told(replay: &Replay<'_>, at: usize) -> String {
    let Step { thread, pc, .. } = replay.steps[at];
    let (program, who) = (replay.program, words::who(replay.program, thread, pc));
    format!("at step {}, by {who}{}", at + 1, words::place(program, thread, pc))
}

/// Who made an object that is there at the end, and where: `a, at step 3 (line 4: new o into=p),`.
pub(super) fn maker(replay: &Replay<'_>, object: ObjId) -> Option<String> {
    let made = |c: &Change| matches!(c.of(object, "life"), Some((_, Some(Facet::Name("live")))));
    match last(replay, made) {
        Some(at) => {
            let Step { thread, pc, .. } = replay.steps[at];
            let who = words::who(replay.program, thread, pc);
            Some(format!("{who}, at step {}{},", at + 1, words::place(replay.program, thread, pc)))
        }
        None => of_setup(replay.program, &replay.initial).iter().any(made).then(|| "setup".into()),
    }
}

/// The step with which a thread took the last of the references that it has at the end. What it drops by a local is
/// what it took into that one, else what it took last.
fn last_kept(replay: &Replay<'_>, t: ThreadId, object: ObjId) -> Option<usize> {
    let mut state = replay.initial.clone();
    let mut before = state.world.balance(object, t);
    let mut taken: Vec<(usize, Option<LocalId>)> = vec![];
    // What teardown does is no engine's step.
    for (i, step) in replay.steps.iter().enumerate().filter(|(_, s)| replay.program.script(s.thread).is_some()) {
        state.step(replay.program, step.action());
        let now = state.world.balance(object, t);
        let (into, dropped) = locals_of(words::instr(replay.program, step.thread, step.pc));
        for _ in now..before {
            let of_local = taken.iter().rposition(|(_, into)| dropped.is_some() && *into == dropped);
            taken.pop_if(|_| of_local.is_none());
            of_local.map(|at| taken.remove(at));
        }
        taken.extend((before..now).map(|_| (i, into)));
        before = now;
    }
    taken.pop().map(|(at, _)| at)
}

/// Where an operation's result goes, and the local whose reference it drops.
fn locals_of(instr: Option<Instr>) -> (Option<LocalId>, Option<LocalId>) {
    let Some(Instr::Op { op, into, .. }) = instr else { return (None, None) };
    let Some(Operand::Local(dropped)) = op.row().drops else { return (into, None) };
    (into, Some(dropped))
}

/// By how much an object's count grew.
fn gain(c: &Change, object: ObjId) -> i32 {
    let number = |facet| if let Some(Facet::Word(n)) = facet { n } else { 0 };
    c.of(object, "refs").map_or(0, |(was, is)| number(is) - number(was))
}

/// The last step with such a change.
fn last(replay: &Replay<'_>, is: impl Fn(&Change) -> bool) -> Option<usize> {
    replay.steps.iter().rposition(|s| s.changes.iter().any(&is))
}

fn is_file(replay: &Replay<'_>, v: Violation) -> bool {
    v.object.is_some_and(|o| replay.program.is::<fixed::SyncFile>(o))
}

/// The locks of which a thread is the owner, by name.
pub(super) fn locks_of<'a>(replay: &Replay<'a>, t: ThreadId) -> Vec<&'a str> {
    let objects = (0..replay.program.objects.len()).map(ObjId::object);
    let owned = objects.filter(|o| replay.last.object(*o).facet("owner") == Some(Facet::Thread(Some(t))));
    owned.map(|o| words::object_name(replay.program, o)).collect()
}

/// Whether an object is no more with a change: a fence, an object of a struct, or a list of fences.
fn is_end_of(c: &Change, object: ObjId) -> bool {
    let of_life = matches!(c.of(object, "life"), Some((_, Some(Facet::Name("freed" | "released" | "free")))));
    of_life || c.fact == Fact::Freed(object)
}

/// Whether some object was released with a change, and its memory is there still.
fn is_release(c: &Change) -> bool {
    matches!(c.fact, Fact::Shows { is: Some(Facet::Name("released")), .. })
}

/// The lock that a context is to take first, as it was before the last step.
pub(super) fn contended(replay: &Replay<'_>, v: Violation) -> String {
    let Some(ctx) = v.object else { return "a lock".into() };
    let steps = &replay.steps[..replay.steps.len().saturating_sub(1)];
    let mut before = replay.initial.clone();
    // No rule about contexts is broken in teardown: it has none that a thread left.
    steps.iter().filter(|s| replay.program.script(s.thread).is_some()).for_each(|s| {
        before.step(replay.program, s.action());
    });
    match before.object(ctx).facet("contending") {
        Some(Facet::Object(Some(lock))) => words::object_name(replay.program, lock).into(),
        _ => "a lock".into(),
    }
}

/// The fence that the last step took out of a list, and the one that it put there.
pub(super) fn replaced_entry(replay: &Replay<'_>) -> Option<(ObjId, ObjId)> {
    replay.steps.last()?.changes.iter().find_map(|c| match c.fact {
        Fact::Shows { was: Some(Facet::Fence(Some((old, _)))), is: Some(Facet::Fence(Some((new, _)))), .. } => {
            Some((old, new))
        }
        _ => None,
    })
}

/// A local that the author's line names, with its value at the end.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) ty: Type,
}

/// The locals that the author's line names.
pub(super) fn locals_named<'a>(replay: &'a Replay<'_>, v: Violation) -> impl Iterator<Item = Named> + 'a {
    let (program, t): (&Program, _) = (replay.program, v.thread);
    let thread = replay.thread(t);
    let text = words::op_text(program, t, v.pc);
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut names: Vec<&str> = text.split(|c| !is_name(c)).filter(|n| !n.is_empty()).collect();
    // Where a result goes is not looked at.
    let into: Vec<&str> = text.split_whitespace().filter_map(|w| w.strip_prefix("into=")).collect();
    names.retain(|n| !into.contains(n));
    (0..MAX_LOCALS as u8).map(LocalId).filter_map(move |l| {
        let value = thread.local_here(l)?;
        let name = words::local_at(program, t, v.pc, l);
        let is_named = !name.is_empty() && names.contains(&name);
        let (script, here) = program.script_at(t, v.pc);
        let (ty, value) = (script.local_type_at(here, l), canonical(&replay.last.world, value));
        is_named.then(|| Named { name: name.to_owned(), value, ty })
    })
}
