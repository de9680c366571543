//! What differs between two states, one line of text each.

use crate::words;
use fenceweave_kernel::{
    AtomicCell, Facet, LocalId, ObjId, ObjSet, Object, Plain, Program, State, ThreadId, Value, World, fixed,
    kind::Lock, observe::facets, task::Task, thread::Run, world::canonical,
};

/// One thing that changed, with every value that it had meanwhile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Change {
    /// What: `fb.owner`, `x`, `cpu.i`, `f`.
    pub(crate) subject: String,
    /// How that reads.
    pub(crate) form: Form,
    /// Its values in order; an event has one, anything else at least two.
    pub(crate) values: Vec<String>,
    /// What it was, for whoever asks: texts are for reading.
    pub(crate) fact: Fact,
}

/// A change as values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fact {
    /// An object shows something else than before, in one of its facets; nothing where it does not have that one.
    Shows { object: ObjId, facet: &'static str, was: Option<Facet>, is: Option<Facet> },
    /// An object is there no more.
    Freed(ObjId),
    /// A variable holds something else.
    Holds { was: Value },
    /// A thread was woken.
    Woken(ThreadId),
    /// Nobody has asked about it yet.
    Other,
}

/// How a change reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// `x: 0→1`.
    Values,
    /// `f: signaled`, `f: not signaled`; the name is that of the flag.
    Flag(&'static str),
    /// `cpu: woken`.
    Event,
    /// Like `Values`, but worth nothing if it comes back to where it was: a lock inside of an operation.
    Passing,
}

/// Most values of one change that are shown.
const MAX_VALUES: usize = 5;

impl Change {
    fn event(subject: &str, what: impl Into<String>) -> Change {
        Change { subject: subject.into(), form: Form::Event, values: vec![what.into()], fact: Fact::Other }
    }

    /// A thread passed a `progress` mark.
    pub(crate) fn progress(thread: &str) -> Change {
        Change::event(thread, "progress")
    }

    fn values(subject: impl Into<String>, old: String, new: String) -> Change {
        Change { subject: subject.into(), form: Form::Values, values: vec![old, new], fact: Fact::Other }
    }

    /// The same, and what it was.
    fn being(self, fact: Fact) -> Change {
        Change { fact, ..self }
    }

    /// The value before, unless it is an event.
    pub(crate) fn from(&self) -> Option<&str> {
        (self.form != Form::Event).then(|| self.values.first().map(String::as_str)).flatten()
    }

    /// The value after, or what happened.
    pub(crate) fn to(&self) -> &str {
        self.values.last().map_or("", String::as_str)
    }

    /// Whether this is that a thread was woken.
    pub(crate) fn wakes(&self, thread: ThreadId) -> bool {
        self.fact == Fact::Woken(thread)
    }

    /// What an object shows since, where this is a change of that facet.
    pub(crate) fn of(&self, object: ObjId, facet: &str) -> Option<(Option<Facet>, Option<Facet>)> {
        match self.fact {
            Fact::Shows { object: o, facet: f, was, is } if o == object && f == facet => Some((was, is)),
            _ => None,
        }
    }

    /// Whether it is again as it was in the end.
    pub(crate) fn comes_back(&self) -> bool {
        self.form != Form::Event && self.values.first() == self.values.last()
    }

    fn is_nothing(&self) -> bool {
        self.form == Form::Passing && self.values.first() == self.values.last()
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Change { subject, form, values, .. } = self;
        match form {
            Form::Flag(name) if values.len() == 2 => {
                let not = if self.to() == "yes" { "" } else { "not " };
                let owner = subject.strip_suffix(name).map_or(&subject[..], |s| s.trim_end_matches('.'));
                write!(f, "{owner}: {not}{name}")
            }
            _ if values.len() > MAX_VALUES => {
                write!(f, "{subject}: {}→ ... →{}", values[..MAX_VALUES - 2].join("→"), self.to())
            }
            _ => write!(f, "{subject}: {}", values.join("→")),
        }
    }
}

/// The changes of several steps as one list: each subject once, with every value that it had.
pub(crate) fn merge<'a>(steps: impl IntoIterator<Item = &'a [Change]>) -> Vec<Change> {
    let mut all: Vec<Change> = vec![];
    for c in steps.into_iter().flatten() {
        match all.iter_mut().find(|a| a.subject == c.subject && a.form == c.form) {
            // What several steps have changed is for reading only.
            Some(a) if c.form != Form::Event => {
                a.values.extend_from_slice(&c.values[1..]);
                a.fact = Fact::Other;
            }
            Some(a) if a.values == c.values => {}
            _ => all.push(c.clone()),
        }
    }
    all.retain(|c| !c.is_nothing());
    all
}

/// What a step of `me` changed among what it touched, and its locals except the one that took the result.
pub(crate) fn between(
    program: &Program,
    before: &State,
    after: &State,
    me: ThreadId,
    into: Option<LocalId>,
    touched: ObjSet,
) -> Vec<Change> {
    let mut out = worlds(program, &before.world, &after.world, before.world.members(touched));
    out.extend(
        before
            .world
            .members(touched)
            .into_iter()
            .filter_map(ObjId::as_task)
            .flat_map(|t| task(program, before, after, me, t)),
    );
    let named = |l: &LocalId| !words::local_name(program, me, *l).is_empty();
    let locals = words::script(program, me).locals.len() as u8;
    for l in (0..locals).map(LocalId).filter(|l| Some(*l) != into).filter(named) {
        let (old, new) = (before.thread(me).local(l), after.thread(me).local(l));
        // A worker forgets its locals with the end of a run.
        if old != new && new != Value::Unset {
            let name = format!("{}.{}", program.thread_name(me), words::local_name(program, me, l));
            let ty = words::script(program, me).local_type(l);
            let old = words::typed_in(program, &before.world, ty, old);
            out.push(Change::values(name, old, words::typed_in(program, &after.world, ty, new)));
        }
    }
    out.extend(section(program, before, after, me));
    if after.thread(me).run() == Run::Done && after.violation().is_none() {
        out.push(Change::event(program.thread_name(me), "done"));
    }
    out
}

/// A signalling section that began or ended.
fn section(program: &Program, before: &State, after: &State, me: ThreadId) -> Option<Change> {
    let (old, new) = (before.thread(me).private(), after.thread(me).private());
    let what = match (old.signalling, new.signalling) {
        (0, 1..) => match new.section_fence() {
            Some(fence) => format!("in a signalling section for {}", words::object_name(program, fence)),
            None => "in a signalling section".into(),
        },
        (1.., 0) => "out of its signalling section".into(),
        _ => return None,
    };
    Some(Change::event(program.thread_name(me), what))
}

/// What setup left behind before the first step.
pub(crate) fn of_setup(program: &Program, initial: &State) -> Vec<Change> {
    let blank = World::new(program);
    let objects = (0..program.objects.len()).map(ObjId::object);
    let vars = (0..program.vars.len()).map(ObjId::var);
    worlds(program, &blank, &initial.world, objects.chain(vars))
}

pub(super) fn worlds(
    program: &Program,
    before: &World<Plain>,
    after: &World<Plain>,
    ids: impl IntoIterator<Item = ObjId>,
) -> Vec<Change> {
    let mut out = vec![];
    for id in ids {
        if id.as_object().is_some_and(|i| i < program.objects.len()) {
            object(program, before.object(id), after.object(id), id, &mut out);
        } else if id.as_var().is_some() {
            let (old, new) = (before.var_value(id), after.var_value(id));
            if old != new {
                let (was, ty) = (canonical(before, old), program.var_type(id));
                let (old, new) = (words::typed_in(program, before, ty, old), words::typed_in(program, after, ty, new));
                out.push(Change::values(program.name_of(id), old, new).being(Fact::Holds { was }));
            }
        }
    }
    out
}

/// How a facet is called after its object: `fb.owner`, `fb.list0[2]`.
fn subject(name: &str, facet: &str) -> String {
    if facet.starts_with('[') { format!("{name}{facet}") } else { format!("{name}.{facet}") }
}

fn object(program: &Program, before: &Object<Plain>, after: &Object<Plain>, id: ObjId, out: &mut Vec<Change>) {
    let (old, new) = (facets(before), facets(after));
    let name = words::object_name(program, id);
    if new.is_empty() && !old.is_empty() {
        out.push(match program.is::<fixed::AcquireCtx>(id) {
            true => Change::event(name, "finished"),
            false => Change::event(name, "freed").being(Fact::Freed(id)),
        });
        return;
    }
    // A fence detaches its operations when it signals: that goes without saying.
    for (facet, now) in new.iter().filter(|(facet, _)| *facet != "detached") {
        let was = old.iter().find(|(n, _)| n == facet).map(|(_, f)| *f);
        let (form, new_text) = (form_of(facet, *now, id, program), words::facet(program, *now));
        let fact = Fact::Shows { object: id, facet, was, is: Some(*now) };
        match was {
            Some(was) if was == *now => {}
            Some(was) => {
                let values = vec![words::facet(program, was), new_text];
                out.push(Change { subject: subject(name, facet), form, values, fact });
            }
            // A facet that was not there: what is nothing yet goes without saying.
            None if is_blank(*now) && *facet != "stamp" => {}
            None => out.push(Change::event(&subject(name, facet), new_text).being(fact)),
        }
    }
    // What is no longer there (a fence that is alive has no stage of life, a list that shrank no entry).
    for (facet, was) in old.iter().filter(|(n, _)| new.iter().all(|(m, _)| m != n)) {
        let gone = if *facet == "life" { "alive" } else { "gone" };
        let fact = Fact::Shows { object: id, facet, was: Some(*was), is: None };
        out.push(Change::values(subject(name, facet), words::facet(program, *was), gone.into()).being(fact));
    }
}

fn form_of(facet: &'static str, f: Facet, id: ObjId, program: &Program) -> Form {
    match f {
        Facet::Flag(_) => Form::Flag(facet),
        // The lock inside of a fence is taken and released within most operations.
        Facet::Thread(_) if facet == "lock" && program.row(id).is_some_and(|row| row.lock == Lock::Inside) => {
            Form::Passing
        }
        _ => Form::Values,
    }
}

fn is_blank(f: Facet) -> bool {
    matches!(f, Facet::Word(0) | Facet::Flag(false) | Facet::Thread(None) | Facet::Object(None) | Facet::Fence(None))
        || matches!(f, Facet::Queue(q) if q.is_empty())
}

/// What others see of a thread. That it goes to sleep by itself is told by its own column.
fn task(program: &Program, before: &State, after: &State, me: ThreadId, t: ThreadId) -> Vec<Change> {
    if t.index() >= program.scripts.len() {
        return vec![];
    }
    let name = program.thread_name(t);
    let (old, new) = (before.world.task(t), after.world.task(t));
    let mut out = vec![];
    let was_asleep = Task::<Plain>::is_asleep(old.state.peek());
    if t != me && was_asleep && new.state.peek() == Task::<Plain>::RUNNING {
        out.push(Change::event(name, "woken").being(Fact::Woken(t)));
    }
    if old.pending.peek() != new.pending.peek() {
        let what = if new.pending.peek() != 0 { "signal pending" } else { "no signal pending" };
        out.push(Change::event(name, what));
    }
    let inside = |state: &State| state.thread(t).private().rcu_depth > 0;
    match (inside(before), inside(after)) {
        (false, true) => out.push(Change::event(name, "in an RCU read-side section")),
        (true, false) => out.push(Change::event(name, "out of its RCU read-side section")),
        _ => {}
    }
    let (was, is) = (old.cpu.peek(), new.cpu.peek());
    if was.irqs_off != is.irqs_off {
        out.push(Change::event(name, if is.irqs_off { "interrupts off" } else { "interrupts on" }));
    }
    match (was.handler, is.handler) {
        (None, Some(handler)) => {
            out.push(Change::event(name, format!("interrupted by {}", program.thread_name(handler))));
        }
        (Some(_), None) => out.push(Change::event(name, "goes on")),
        _ => {}
    }
    out
}
