//! What an author expects of a scenario, resolved and compiled.

use fenceweave_kernel::object::Facet;
use fenceweave_kernel::{Expr, Handle, LocalId, ObjId, Property, ThreadId, Value};

use crate::report::Place;

/// The engines that an expectation can be restricted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Engine {
    /// The explicit-state search.
    Explicit,
    /// Threads under shuttle.
    Shuttle,
    /// Threads under loom, with weak memory.
    Loom,
    /// Threads of the operating system.
    Threads,
}

impl Engine {
    /// Every engine.
    pub const ALL: [Engine; 4] = [Engine::Explicit, Engine::Shuttle, Engine::Loom, Engine::Threads];

    /// The name that `engine=` takes.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Explicit => "explicit",
            Engine::Shuttle => "shuttle",
            Engine::Loom => "loom",
            Engine::Threads => "threads",
        }
    }

    /// The engine of that name.
    pub fn from_name(name: &str) -> Option<Engine> {
        Engine::ALL.into_iter().find(|engine| engine.name() == name)
    }
}

/// What a condition reads. All of it is read-only and seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A local of a thread.
    Local(ThreadId, LocalId),
    /// A variable, an element of an array, or a field of a struct's slot.
    Var(ObjId),
    /// A facet of an object, by the name that [`fenceweave_kernel::Object::facets`] gives it.
    Facet(ObjId, &'static str),
}

/// A facet as a value: counts and flags are words, a queue is its length,
/// threads and objects are references that compare with their names.
pub fn facet_value(facet: Facet) -> Value {
    let reference = |obj| Value::Ref(Handle { obj, generation: 0 });
    match facet {
        Facet::Word(word) => Value::Word(word),
        Facet::Flag(flag) => Value::Word(i32::from(flag)),
        Facet::Thread(thread) => thread.map_or(Value::Null, |thread| reference(ObjId::task(thread))),
        Facet::Object(object) => object.map_or(Value::Null, reference),
        Facet::Queue(queue) => Value::Word(queue.iter().count() as i32),
        Facet::Fence(fence) => fence.map_or(Value::Null, |(fence, _)| reference(fence)),
        Facet::Name(_) => Value::Unset,
    }
}

/// A condition of an expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Compiled. If it reads a local that is unset, the state says nothing
    /// about the condition ([`Expr::eval`] fails with `Unset`).
    pub expr: Expr<Seen>,
    /// As the author wrote it.
    pub text: String,
    /// Where.
    pub place: Place,
}

/// What is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// No property is violated.
    Holds,
    /// Exactly these properties are violated over the whole exploration, in
    /// the order of [`Property::ALL`].
    Violates(Vec<Property>),
    /// In no state: the conditions are all true at once.
    Never(Vec<Condition>),
    /// In every state: the conditions are all true.
    Always(Vec<Condition>),
    /// In every terminal state without a violation: all true.
    AtEnd(Vec<Condition>),
    /// In at least one terminal state without a violation: all true at once.
    Sometimes(Vec<Condition>),
    /// On every fair execution: all true at once, some time.
    Eventually(Vec<Condition>),
}

impl Expected {
    /// The word that the language has for it.
    pub fn keyword(&self) -> &'static str {
        match self {
            Expected::Holds => "holds",
            Expected::Violates(_) => "violates",
            Expected::Never(_) => "never",
            Expected::Always(_) => "always",
            Expected::AtEnd(_) => "at-end",
            Expected::Sometimes(_) => "sometimes",
            Expected::Eventually(_) => "eventually",
        }
    }

    /// The conditions of a clause that has some; they are joined by *and*.
    pub fn conditions(&self) -> &[Condition] {
        match self {
            Expected::Holds | Expected::Violates(_) => &[],
            Expected::Never(all)
            | Expected::Always(all)
            | Expected::AtEnd(all)
            | Expected::Sometimes(all)
            | Expected::Eventually(all) => all,
        }
    }
}

/// One clause of an `expect` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// What is expected.
    pub expected: Expected,
    /// By which engine; `None` for all.
    pub engine: Option<Engine>,
    /// As the author wrote it, on one line.
    pub text: String,
    /// Where.
    pub place: Place,
}

/// All expectations of one case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectations {
    /// The clauses, in the order written.
    pub clauses: Vec<Clause>,
}

impl Expectations {
    /// The clauses that an engine is to check. A verdict (`holds`, `violates`)
    /// for this engine alone takes the place of the general one.
    pub fn of(&self, engine: Engine) -> impl Iterator<Item = &Clause> {
        let special = self.clauses.iter().any(|clause| clause.engine == Some(engine) && clause.is_verdict());
        self.clauses.iter().filter(move |clause| match clause.engine {
            Some(only) => only == engine,
            None => !(special && clause.is_verdict()),
        })
    }

    /// The properties that an engine is expected to see violated; none where
    /// nothing is said.
    pub fn violations(&self, engine: Engine) -> &[Property] {
        let verdict = self.of(engine).find_map(|clause| match &clause.expected {
            Expected::Violates(properties) => Some(properties.as_slice()),
            _ => None,
        });
        verdict.unwrap_or_default()
    }
}

impl Clause {
    fn is_verdict(&self) -> bool {
        matches!(self.expected, Expected::Holds | Expected::Violates(_))
    }
}
