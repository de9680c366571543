//! What an expectation may look at, and conditions over it.

pub use crate::program::{Leaf, Path};

use crate::{
    Expr, Facet, LocalId, Object, Program, Runtime, State, ThreadId, Value, World,
    expr::EvalError,
    program::{FieldName, ObjectKind},
    value::Handle,
};

/// When a condition must be true.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// In no state.
    Never,
    /// In every state.
    Always,
    /// In every terminal state of an execution that ended well.
    AtEnd,
    /// In at least one state.
    Sometimes,
    /// At some time of every execution, if no thread that can run is held back for ever.
    Eventually,
    /// From some time on in every execution, if no thread that can run is held back for ever.
    Settles,
}

impl Moment {
    /// The keyword of the scenario language.
    pub fn keyword(self) -> &'static str {
        match self {
            Moment::Never => "never",
            Moment::Always => "always",
            Moment::AtEnd => "at-end",
            Moment::Sometimes => "sometimes",
            Moment::Eventually => "eventually",
            Moment::Settles => "settles",
        }
    }

    /// Whether it is about executions without an end, which takes the whole graph of states.
    pub fn is_of_the_whole_graph(self) -> bool {
        matches!(self, Moment::Eventually | Moment::Settles)
    }
}

/// A condition of an expectation: all of its expressions together, at a moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Condition {
    /// When.
    pub moment: Moment,
    /// What; all of them.
    pub all: Vec<Expr<Leaf>>,
}

impl Condition {
    /// Whether every expression is true in a state; `None` if one reads a local that is not set yet.
    ///
    /// # Errors
    ///
    /// If one compares what cannot be compared.
    pub fn eval(&self, program: &Program, state: &State) -> Result<Option<bool>, EvalError> {
        self.eval_with(|leaf| read(program, &state.world, |t, l| state.thread(t).local(l), leaf))
    }

    /// Like [`eval`](Condition::eval), with the caller's way of reading.
    ///
    /// # Errors
    ///
    /// If one compares what cannot be compared.
    pub fn eval_with(&self, read: impl Fn(Leaf) -> Value) -> Result<Option<bool>, EvalError> {
        let mut all = true;
        for e in &self.all {
            match e.eval(&read) {
                Ok(v) => all &= v.truth().unwrap_or(false),
                Err(EvalError::Unset) => return Ok(None),
                Err(e) => return Err(e),
            }
        }
        Ok(Some(all))
    }

    /// Whether the condition looks at locals only (and so can be judged without a global state).
    pub fn is_local(&self) -> bool {
        self.all.iter().flat_map(|e| e.reads()).all(|l| matches!(l, Leaf::Local(..)))
    }
}

/// What a leaf holds, on any runtime.
pub fn read<R: Runtime>(
    program: &Program,
    world: &World<R>,
    local: impl Fn(ThreadId, LocalId) -> Value,
    leaf: Leaf,
) -> Value {
    let Leaf::Through(path) = leaf else { return read_one(program, world, &local, leaf) };
    let Some(Path { from, fields }) = program.paths.get(usize::from(path)) else { return Value::Unset };
    fields.iter().fold(read_one(program, world, &local, *from), |value, field| follow(program, world, value, *field))
}

/// What a field of what a pointer refers to holds; nothing behind NULL, and in what was freed. What is inside of an
/// object is reached without a pointer.
fn follow<R: Runtime>(program: &Program, world: &World<R>, value: Value, field: FieldName) -> Value {
    let Value::Ref(Handle { obj, generation }) = value else { return Value::Unset };
    if generation == Handle::STALE || obj.as_object().is_none() {
        return Value::Unset;
    }
    if let Some(obj) = program.member(obj, field) {
        return Value::Ref(Handle { obj, generation });
    }
    let leaf = program.field_var(obj, field).map_or(Leaf::Facet(obj, field), Leaf::Var);
    read_one(program, world, &|_, _| Value::Unset, leaf)
}

fn read_one<R: Runtime>(
    program: &Program,
    world: &World<R>,
    local: &impl Fn(ThreadId, LocalId) -> Value,
    leaf: Leaf,
) -> Value {
    let value = match leaf {
        Leaf::Through(_) => Value::Unset,
        Leaf::Local(t, l) => local(t, l),
        Leaf::Var(v) => world.var_value(v),
        Leaf::Facet(obj, name) => {
            let facet = world.object(obj).facet(&program.field_names[usize::from(name.0)]);
            return facet.map_or(Value::Unset, facet_value);
        }
    };
    crate::world::canonical(world, value)
}

/// A facet as a value of an expression: nobody and nothing are NULL, a queue is its length.
fn facet_value(f: Facet) -> Value {
    let reference = |obj| Value::Ref(Handle { obj, generation: 0 });
    match f {
        Facet::Word(w) => Value::Word(w),
        Facet::Flag(b) => Value::Word(i32::from(b)),
        Facet::Thread(t) => t.map_or(Value::Null, |t| Value::Word(i32::from(t.0) + 1)),
        Facet::Object(o) => o.map_or(Value::Null, reference),
        Facet::Queue(q) => Value::Word(q.len() as i32),
        Facet::Fence(e) => e.map_or(Value::Null, |(f, _)| reference(f)),
        Facet::Name(_) => Value::Unset,
    }
}

/// The facets that an expectation can name for an object of a kind. Thread facets compare with NULL.
pub fn facet_names(kind: &ObjectKind) -> &'static [&'static str] {
    kind.row().facets
}

/// Every facet of an object with its name, for traces.
pub fn facets<R: Runtime>(object: &Object<R>) -> Vec<(&'static str, Facet)> {
    let mut all = vec![];
    object.facets(&mut |name, f| all.push((name, f)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ObjId, Plain, builder::ProgramBuilder};

    /// What an expectation can name is what the object shows, or it would never be set. Acquire contexts and sets of
    /// locks are not here: they show nothing before they begin.
    #[test]
    fn an_object_shows_every_facet_that_is_named_of_it() {
        let id = ObjId::default();
        for (kind, _) in crate::registry::tests::each() {
            if ["acquire-ctx", "exec"].contains(&kind.row().name) {
                continue;
            }
            let mut b = ProgramBuilder::new("one");
            b.object("o", kind.clone());
            let object: Object<Plain> = Object::new(&kind, id, &b.build());
            let shown: Vec<&str> = facets(&object).into_iter().map(|(name, _)| name).collect();
            let missing: Vec<_> = facet_names(&kind).iter().filter(|name| !shown.contains(name)).collect();
            assert!(missing.is_empty(), "{kind:?} shows {shown:?}, and not {missing:?}");
        }
    }
}
