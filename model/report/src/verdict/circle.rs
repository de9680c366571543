//! A circle through a fence: who waits for what, with what held or owed.

use crate::{replay::Replay, token, words};
use fenceweave_explore::Found;
use fenceweave_kernel::{ObjId, Program, ThreadId, fixed, kind::Waited};

/// The dependencies of a circle, a line each, in their order:
/// `move holds fb and waits for job (line 10: wait job): M3@6e95d5`. Each was found by itself, with a schedule that
/// shows it.
pub fn circle(program: &Program, links: &[&Found]) -> Vec<String> {
    let objects: Vec<ObjId> = links.iter().filter_map(|l| l.violation.object).collect();
    let mut from: Vec<Option<ObjId>> = links.iter().map(|l| has(program, l, &objects)).collect();
    let mut lines = vec![];
    let mut wanted = None;
    // From what one waits for to who has that, until everybody was named. Several may have it: a fence that several may
    // signal is in a circle only through all of them.
    let next = |from: &[Option<ObjId>], wanted: Option<ObjId>| {
        let has_it = from.iter().position(|f| f.is_some() && *f == wanted);
        has_it.or_else(|| from.iter().position(Option::is_some))
    };
    while let Some(at) = next(&from, wanted)
        && let Some(has) = from[at].take()
    {
        lines.push(line(program, links[at], has));
        wanted = links[at].violation.object;
    }
    lines
}

/// What of these the one who waits has: a lock that it holds, or a fence that it is to signal.
fn has(program: &Program, link: &Found, of: &[ObjId]) -> Option<ObjId> {
    let (t, wanted) = (link.violation.thread, link.violation.object);
    let replay = Replay::of(program, &link.trace);
    let is_fence = |o: ObjId| program.is::<fixed::Fence>(o);
    let is_lock = |o: ObjId| program.row(o).is_some_and(|row| row.lock.is_taken());
    let owes = |o: ObjId| is_fence(o) && program.signallers(o).any(|s| s == t);
    // A word that is spun on is no object that could be held.
    let holds = |o: ObjId| o.as_object().is_some() && replay.last.world.is_held_by(o, t);
    let others = || of.iter().copied().filter(|o| Some(*o) != wanted);
    // Whose script may signal a fence need not be who does.
    let event = |o: ObjId| !is_fence(o) && !is_lock(o);
    others().find(|o| holds(*o)).or_else(|| others().find(|o| owes(*o))).or_else(|| others().find(|o| event(*o)))
}

/// What who is asked for it does, before its name.
fn verb(program: &Program, o: ObjId) -> String {
    match program.row(o).map(|row| row.waited) {
        Some(Waited::Deed(deed) | Waited::Run(deed)) => format!("is to {deed}"),
        Some(Waited::Holder | Waited::Holders | Waited::Runner | Waited::Readers) => "holds".into(),
        None => "is to write".into(),
    }
}

fn line(program: &Program, link: &Found, has: ObjId) -> String {
    let v = link.violation;
    let name = |t: ThreadId| program.thread_name(t);
    let verb = verb(program, has);
    let on = v.object.map_or("nothing", |o| words::authors_name(program, o));
    let place = words::place(program, v.thread, v.pc);
    let token = token::of_trace(program, &link.trace);
    format!("  {} {verb} {}, and waits for {on}{place}: {token}", name(v.thread), words::authors_name(program, has))
}
