//! What a page shows of a state: facts, each of a subject.

use crate::{waiting, words};
use fenceweave_kernel::{Facet, LocalId, ObjId, Program, State, ThreadId, Value, fixed, observe::facets, thread::Run};
use serde::Serialize;
use std::collections::BTreeMap;

/// Of whom facts are told.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Subject {
    name: String,
    /// Among what it is shown.
    group: &'static str,
    /// What it is, in the words of the language.
    kind: &'static str,
}

/// A subject's place and the name of what is told of it, with the value.
pub(super) type Facts = BTreeMap<(usize, &'static str), String>;

/// Everybody of whom facts may be told: objects, words, then threads.
pub(super) fn subjects(program: &Program) -> Vec<Subject> {
    let mut all = vec![];
    for id in objects(program) {
        let name = words::object_name(program, id).to_owned();
        all.push(Subject { name, group: group(program, id), kind: program.kind(id).row().name });
    }
    let words = program.vars.iter();
    all.extend(words.map(|v| Subject { name: v.name.clone(), group: "word", kind: "" }));
    let threads = program.threads().map(|t| program.thread_name(t).to_owned());
    all.extend(threads.map(|name| Subject { name, group: "thread", kind: "" }));
    all
}

fn objects(program: &Program) -> impl Iterator<Item = ObjId> + use<> {
    (0..program.objects.len()).map(ObjId::object)
}

fn group(program: &Program, id: ObjId) -> &'static str {
    let row = program.kind(id).row();
    match row.name {
        "frame" => "frame",
        "fence" => "fence",
        _ if program.is::<fixed::Resv>(id) || program.is::<fixed::FenceList>(id) => "resv",
        _ if row.lock.is_taken() => "lock",
        _ => "object",
    }
}

/// What is to be seen in a state.
pub(super) fn facts(program: &Program, state: &State) -> Facts {
    let mut all = Facts::new();
    for (at, id) in objects(program).enumerate() {
        for (name, facet) in facets(state.object(id)) {
            if !is_blank(name, facet) {
                all.insert((at, name), words::facet(program, facet));
            }
        }
    }
    let first = program.objects.len();
    for at in 0..program.vars.len() {
        let (id, value) = (ObjId::var(at), state.world.var_value(ObjId::var(at)));
        if value != Value::Unset {
            all.insert((first + at, ""), words::typed_in(program, &state.world, program.var_type(id), value));
        }
    }
    let first = first + program.vars.len();
    for t in program.threads() {
        all.insert((first + t.index(), "state"), standing(program, state, t));
        all.extend(locals(program, state, t).map(|value| ((first + t.index(), "locals"), value)));
        let line = words::line(program, t, state.thread(t).pc());
        if line.is_own() && line.number > 0 && state.thread(t).run() != Run::Done {
            all.insert((first + t.index(), "line"), line.number.to_string());
        }
    }
    all
}

/// What goes without saying. Who owns a lock never does, nor whether a fence has signalled.
fn is_blank(name: &str, facet: Facet) -> bool {
    match facet {
        Facet::Flag(false) => name != "signaled",
        Facet::Thread(None) => name != "owner",
        Facet::Word(0) => !matches!(name, "contents" | "refs"),
        Facet::Object(None) | Facet::Fence(None) => true,
        Facet::Queue(queue) => queue.is_empty(),
        _ => false,
    }
}

/// What a thread is about.
fn standing(program: &Program, state: &State, t: ThreadId) -> String {
    match state.thread(t).run() {
        Run::Done => "done".into(),
        Run::Asleep(on, _) if !state.is_awake(t) => format!("asleep on {}", words::object_name(program, on)),
        Run::Asleep(..) => "woken".into(),
        Run::Ready if state.violation().is_none() && !state.is_enabled(program, t) => {
            let lock = state.spins_until(program, t).or(state.thread(t).machine().spins_on());
            lock.map_or_else(|| "held back".into(), |l| format!("spins on {}", words::object_name(program, l)))
        }
        Run::Ready => "can go on".into(),
    }
}

/// A thread's locals that are set: `r=1 n=2`.
fn locals(program: &Program, state: &State, t: ThreadId) -> Option<String> {
    let script = words::script(program, t);
    let set = (0..).map(LocalId).zip(&script.locals).filter(|(_, name)| !name.is_empty());
    let told = set.filter_map(|(local, name)| {
        let value = state.thread(t).local(local);
        let text = || words::typed_in(program, &state.world, script.local_type(local), value);
        (value != Value::Unset).then(|| format!("{name}={}", text()))
    });
    let all: Vec<String> = told.collect();
    (!all.is_empty()).then(|| all.join(" "))
}

/// Who waits, for what, and who could end that.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Waiting {
    thread: usize,
    on: String,
    from: Vec<usize>,
}

/// Who waits in a state.
pub(super) fn waits(program: &Program, state: &State) -> Vec<Waiting> {
    let all = waiting::waits_now(program, state).into_iter();
    all.map(|w| Waiting {
        thread: w.thread.index(),
        on: words::object_name(program, w.on).to_owned(),
        from: w.providers.iter().map(|t| t.index()).collect(),
    })
    .collect()
}

/// The locks that are held in a state, each by whom.
pub(super) fn holds(program: &Program, state: &State) -> Vec<(usize, String)> {
    let of = |t: ThreadId| {
        let held = waiting::held(program, state, t).into_iter();
        // Who is in the middle of an operation has the lock inside of its object for a moment.
        let taken = held.filter(|id| program.row(*id).is_none_or(|row| row.lock.is_taken()));
        taken.map(move |id| (t.index(), words::object_name(program, id).to_owned())).collect::<Vec<_>>()
    };
    program.threads().flat_map(of).collect()
}
