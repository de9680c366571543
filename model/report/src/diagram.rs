//! State diagrams, drawn from the steps that were seen: of an object, in the states that a kernel developer would draw,
//! and of an operation, in the points of its program.
//!
//! The source is Mermaid's `stateDiagram-v2`, which GitHub and GitLab draw. Nothing in it is written by hand: a state
//! that no step reached is not there, and every arrow bears what the steps do that were seen to take it.

use fenceweave_kernel::{Action, Facet, ObjId, Object, Plain, Program, State, fixed, observe::facets};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

/// What to draw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// The states of a `struct ww_mutex`.
    WwMutex,
    /// Those of a `struct dma_fence`.
    Fence,
    /// Those of a `struct dma_resv`.
    Resv,
    /// The points of the operation whose machine has this name.
    Machine(&'static str),
}

/// Where an arrow begins or ends. The order is that of the diagram.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Node {
    /// Outside: before the first point of an operation, after its last.
    Outside,
    Named(String),
}

/// A diagram in the making.
#[derive(Clone, Debug)]
pub struct Diagram {
    subject: Subject,
    /// What the steps of each arrow do.
    arrows: BTreeMap<(Node, Node), BTreeSet<String>>,
}

impl Diagram {
    /// Nothing yet.
    pub fn new(subject: Subject) -> Diagram {
        Diagram { subject, arrows: BTreeMap::new() }
    }

    /// A step was seen.
    pub fn see(&mut self, program: &Program, before: &State, action: Action, after: &State) {
        if after.violation().is_some() {
            return;
        }
        match self.subject {
            Subject::Machine(name) => self.see_point(name, before, action, after),
            _ => self.see_objects(program, before, action, after),
        }
    }

    fn see_objects(&mut self, program: &Program, before: &State, action: Action, after: &State) {
        for id in (0..program.objects.len()).map(ObjId::object) {
            let (was, is) = (self.state_of(program, before, id), self.state_of(program, after, id));
            if let (Some(was), Some(is)) = (was, is)
                && was != is
            {
                let label = before.thread(action.thread).machine().label();
                self.arrows.entry((Node::Named(was), Node::Named(is))).or_default().insert(label.into());
            }
        }
    }

    fn state_of(&self, program: &Program, state: &State, id: ObjId) -> Option<String> {
        let o = state.object(id);
        match self.subject {
            Subject::WwMutex => {
                (program.is::<fixed::WwMutex>(id) || program.is::<fixed::Mutex>(id)).then(|| ww_mutex(o))
            }
            Subject::Fence => program.is::<fixed::Fence>(id).then(|| fence(o)),
            Subject::Resv => program.is::<fixed::Resv>(id).then(|| resv(state, o)),
            Subject::Machine(_) => None,
        }
    }

    /// A step within an operation, its first or its last.
    fn see_point(&mut self, name: &str, before: &State, action: Action, after: &State) {
        let at = |s: &State| {
            let thread = s.thread(action.thread);
            let machine = format!("{:?}", thread.machine());
            let is = machine.split(['(', ' ']).next() == Some(name);
            is.then(|| (thread.pc(), thread.depth(), thread.machine().label().to_string()))
        };
        let mut arrow = |from, to| {
            self.arrows.entry((from, to)).or_default();
        };
        match (at(before), at(after)) {
            (Some((pc, depth, from)), Some((then, deep, to))) if (pc, depth) == (then, deep) => {
                arrow(Node::Named(from), Node::Named(to));
            }
            (from, to) => {
                from.into_iter().for_each(|(.., from)| arrow(Node::Named(from), Node::Outside));
                to.into_iter().for_each(|(.., to)| arrow(Node::Outside, Node::Named(to)));
            }
        }
    }

    /// Whether no step was seen that belongs in it.
    pub fn is_empty(&self) -> bool {
        self.arrows.is_empty()
    }

    /// The diagram's source.
    pub fn source(&self) -> String {
        let nodes: BTreeSet<&Node> = self.arrows.keys().flat_map(|(from, to)| [from, to]).collect();
        let id = |n: &Node| match nodes.iter().position(|m| *m == n) {
            Some(at) if *n != Node::Outside => format!("s{at}"),
            _ => "[*]".into(),
        };
        let mut out = String::from("stateDiagram-v2\n");
        for n in &nodes {
            if let Node::Named(name) = n {
                // Writing to a String cannot fail, here and below.
                let _ = writeln!(out, "    state \"{}\" as {}", escaped(name), id(n));
            }
        }
        for ((from, to), labels) in &self.arrows {
            let labels: Vec<String> = labels.iter().map(|l| escaped(l)).collect();
            let by = if labels.is_empty() { String::new() } else { format!(" : {}", labels.join("<br/>")) };
            let _ = writeln!(out, "    {} --> {}{by}", id(from), id(to));
        }
        out
    }
}

/// Mermaid ends a statement at `;`, a label begins at `:`, and a name ends at `"`.
fn escaped(text: &str) -> String {
    text.replace(';', ",").replace(':', " –").replace('"', "'")
}

fn facet(object: &Object<Plain>, name: &str) -> Option<Facet> {
    facets(object).into_iter().find(|(n, _)| *n == name).map(|(_, f)| f)
}

/// Who has it, as the two words say it that others look at, and whether somebody waits.
fn ww_mutex(object: &Object<Plain>) -> String {
    let owned = matches!(facet(object, "owner"), Some(Facet::Thread(Some(_))));
    let ctx = matches!(facet(object, "ctx"), Some(Facet::Object(Some(_))));
    let waited_for = matches!(facet(object, "waiters"), Some(Facet::Queue(q)) if !q.is_empty());
    let held = match (owned, ctx) {
        (false, _) => "free",
        (true, false) => "owned, no ctx to be seen",
        (true, true) => "owned by a ctx",
    };
    let flag = |name: &str| facet(object, name) == Some(Facet::Flag(true));
    let held = if flag("pickup") { "handed over" } else { held };
    let waiters = if waited_for { ", waiters" } else { "" };
    format!("{held}{waiters}{}", if flag("handoff") { ", handoff asked for" } else { "" })
}

fn fence(object: &Object<Plain>) -> String {
    if let Some(Facet::Name(life)) = facet(object, "life") {
        return life.into();
    }
    let signaled = facet(object, "signaled") == Some(Facet::Flag(true));
    let callbacks = !matches!(facet(object, "callbacks"), Some(Facet::Word(0)));
    let locked = matches!(facet(object, "lock"), Some(Facet::Thread(Some(_))));
    match (signaled, callbacks) {
        (false, false) => "pending",
        (false, true) => "pending, callbacks queued",
        (true, true) => "signaled, callbacks to run",
        (true, false) if locked => "signaled, last callback runs",
        (true, false) => "signaled",
    }
    .into()
}

fn resv(state: &State, object: &Object<Plain>) -> String {
    let Some(Facet::Object(Some(list))) = facet(object, "list") else { return "no list".into() };
    let mut fences = vec![];
    let (mut num, mut max) = (0, 0);
    for (name, f) in facets(state.object(list)) {
        match (name, f) {
            ("num_fences", Facet::Word(n)) => num = n,
            ("max_fences", Facet::Word(n)) => max = n,
            (_, Facet::Fence(Some((f, _)))) => fences.push(f),
            _ => {}
        }
    }
    fences.truncate(usize::try_from(num).unwrap_or(0));
    let pending = |f: &ObjId| facet(state.object(*f), "signaled") == Some(Facet::Flag(false));
    let what = match (fences.is_empty(), fences.iter().any(pending)) {
        (true, _) => "empty list",
        (false, true) => "fences pending",
        (false, false) => "all signaled",
    };
    format!("{what}{}", if max > num { ", room" } else { ", full" })
}
