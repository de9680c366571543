//! What an author expects of a scenario, resolved and compiled.

use fenceweave_kernel::{Condition, Property};

/// The engines that a scenario or an expectation can be restricted to.
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

    /// The name that the language has for it.
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

/// What the whole exploration must come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Verdict {
    /// No property is violated.
    #[default]
    Holds,
    /// Exactly these properties are violated, in the order of [`Property::ALL`].
    Violates(Vec<Property>),
}

/// One clause about states: `never`, `always`, `at-end`, `sometimes` or `eventually`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// When, and what.
    pub condition: Condition,
    /// The clause as its author wrote it, on one line.
    pub text: String,
    /// Its line in the file, from one.
    pub line: u32,
    /// The column in which it begins, in characters from one.
    pub column: u32,
    /// The engine that it is restricted to.
    pub engine: Option<Engine>,
    /// Its name, by which a `violates` can say that it is broken.
    pub name: Option<String>,
}

/// All expectations of one case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectations {
    pub(crate) verdict: Verdict,
    pub(crate) verdicts: Vec<(Engine, Verdict)>,
    pub(crate) conditions: Vec<Expected>,
    /// Names of clauses in `violates`, each with the engine that the verdict is for.
    pub(crate) broken: Vec<(Option<Engine>, String)>,
}

impl Expectations {
    /// The verdict that an engine must come to: its own if the author gave it one, else the general one. Without any,
    /// the scenario holds.
    pub fn verdict(&self, engine: Engine) -> &Verdict {
        let own = self.verdicts.iter().find(|(of, _)| *of == engine);
        own.map_or(&self.verdict, |(_, verdict)| verdict)
    }

    /// The names of the clauses that an engine is expected to find broken.
    pub fn broken(&self, engine: Engine) -> impl Iterator<Item = &str> {
        let own = self.verdicts.iter().any(|(of, _)| *of == engine).then_some(engine);
        self.broken.iter().filter(move |(of, _)| *of == own).map(|(_, name)| name.as_str())
    }

    /// The conditions that an engine checks, in the order written.
    pub fn conditions(&self, engine: Engine) -> impl Iterator<Item = &Expected> {
        self.conditions.iter().filter(move |expected| expected.engine.is_none_or(|only| only == engine))
    }
}
