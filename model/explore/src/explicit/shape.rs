//! What a program can have: what stands in a file is held against it, so that nothing that reads it later comes to a
//! thread, a place or an object that is not there.

use super::{
    orbits::Target,
    saved::{Bad, ensure},
};
use fenceweave_kernel::{
    Action, Code, Coder, Handle, ObjId, Outcome, Program, Renaming, Symmetry, ThreadId, Value, Violation,
};

/// A program, and its threads that are alike if states are orbits.
#[derive(Clone, Copy)]
pub(super) struct Shape<'p> {
    pub(super) program: &'p Program,
    pub(super) symmetry: Option<&'p Symmetry>,
}

/// Looks at the ids that a value has.
struct Ids<'p> {
    shape: Shape<'p>,
    fit: bool,
}

impl Coder for Ids<'_> {
    const READING: bool = false;

    fn byte(&mut self, _: &mut u8) {}

    fn stamp(&mut self, _: ObjId, _: &mut u16) {}

    fn handle(&mut self, v: &mut Handle) {
        self.fit &= self.shape.has(v.obj);
    }

    fn id(&mut self, v: &mut ObjId) {
        self.fit &= self.shape.has(*v);
    }
}

impl Shape<'_> {
    /// Whether there is such an object, word or task; nothing is there always.
    fn has(self, id: ObjId) -> bool {
        let Program { objects, vars, .. } = self.program;
        match (id.as_object(), id.as_var(), id.as_task()) {
            (Some(at), ..) => at < objects.len(),
            (_, Some(at), _) => at < vars.len(),
            (.., Some(t)) => self.has_thread(t),
            _ => id == ObjId::NONE,
        }
    }

    /// Whether there is such a thread, or it is who runs setup and teardown.
    fn has_thread(self, t: ThreadId) -> bool {
        t == self.program.main_thread() || self.program.script(t).is_some()
    }

    /// A thread that takes steps.
    pub(super) fn thread(self, t: ThreadId) -> Result<(), Bad> {
        ensure(self.program.script(t).is_some(), "a thread")
    }

    /// A thread and its place.
    pub(super) fn place(self, t: ThreadId, pc: u16) -> Result<(), Bad> {
        let most = match self.program.script(t) {
            Some(script) => script.code.len(),
            None => self.program.setup.code.len() + self.program.teardown.code.len(),
        };
        ensure(self.has_thread(t) && usize::from(pc) <= most, "a place")
    }

    /// A step.
    pub(super) fn action(self, action: Action) -> Result<(), Bad> {
        ensure(action.choice < 8, "a choice")?;
        self.thread(action.thread)
    }

    pub(super) fn object(self, id: ObjId) -> Result<(), Bad> {
        ensure(self.has(id), "an object")
    }

    pub(super) fn violation(self, v: Violation) -> Result<(), Bad> {
        self.place(v.thread, v.pc)?;
        ensure(v.other.is_none_or(|t| self.has_thread(t)), "a thread")?;
        [v.object, v.also].into_iter().flatten().try_for_each(|id| self.object(id))
    }

    pub(super) fn outcome(self, outcome: &Outcome) -> Result<(), Bad> {
        let (locals, vars, warned) = match outcome {
            Outcome::Violated(v) => return self.violation(*v),
            Outcome::Finished { locals, vars, warned } => (locals, vars, warned),
        };
        let scripts = self.program.scripted().map(|t| self.program.scripts[t.index()].locals.len());
        let observed = self.program.vars.iter().filter(|var| var.observed).count();
        let fits = scripts.eq(locals.iter().map(Vec::len)) && vars.len() == observed;
        ensure(fits && locals.iter().flatten().chain(vars).all(|value| self.has_all(*value)), "an outcome")?;
        warned.iter().try_for_each(|v| self.violation(*v))
    }

    fn has_all(self, mut value: Value) -> bool {
        let mut ids = Ids { shape: self, fit: true };
        value.code(&mut ids);
        ids.fit
    }

    /// Who becomes whom.
    pub(super) fn renaming(self, by: Renaming) -> Result<(), Bad> {
        let alike = match self.symmetry {
            None => by == Renaming::IDENTITY,
            Some(symmetry) => symmetry.exchanges_alike(by),
        };
        ensure(alike, "threads that are alike")
    }

    /// A state that shows something, of so many.
    pub(super) fn target(self, target: Target, states: u32) -> Result<(), Bad> {
        ensure(target.state < states, "a state")?;
        self.renaming(target.by)
    }
}
