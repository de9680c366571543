//! What an object is, before anything happens: what is fixed about it, and the row of its kind.

use super::op::{Args, Opt, flag};
use crate::{Kind, ObjId, ObjectKind, Program, Runtime, ThreadId, ids::CalleeId};

/// What is fixed about an object of one kind. Each stands in the folder of its protocol, with the row of its kind; the
/// registry lists them.
///
/// What most kinds do not have is a default: a kind says what it has, and whoever asks looks at no kind.
pub(crate) trait Declared {
    /// What is said of every object of the kind.
    const ROW: KindRow;
    /// The object itself.
    type Object<R: Runtime>: Into<crate::Object<R>>;

    /// The object as it is before anything happens.
    fn begin<R: Runtime>(&self, born: Born<'_>) -> Self::Object<R>;

    /// Who runs when it comes to it: the worker of an item, the handler of a timer.
    fn runs(&self) -> Option<ThreadId> {
        None
    }
    /// What a worker of its queue calls to run it.
    fn function(&self) -> Option<Function> {
        None
    }
    /// Whose turn it waits for before that.
    fn queue(&self) -> Option<ObjId> {
        None
    }
    /// The lock that whoever changes it or goes through it has to have.
    fn guard(&self) -> Option<ObjId> {
        None
    }
    /// Whose critical section it is in, where that is not its own.
    fn gate(&self) -> Option<ObjId> {
        None
    }
    /// Says so, when that is known.
    fn set_gate(&mut self, _gate: ObjId) {}
    /// What it calls.
    fn calls(&self) -> Option<CalleeId> {
        None
    }
    /// The object that is its lock, and has its author's name.
    fn lock(&self) -> Option<ObjId> {
        None
    }
    /// The class that it belongs to.
    fn class(&self) -> Option<ObjId> {
        None
    }
    /// The word of its own that has a reference to what it points to.
    fn word(&self) -> Option<ObjId> {
        None
    }
    /// The references to it that exist from the start and belong to the scenario.
    fn refs(&self) -> u16 {
        0
    }
}

/// What a worker calls.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Function {
    /// The function.
    pub callee: CalleeId,
    /// It gets what the item was queued with, and nothing else; without it the item first.
    pub data_only: bool,
}

/// Which object begins, and of which program.
#[derive(Clone, Copy)]
pub(crate) struct Born<'a> {
    pub(crate) id: ObjId,
    pub(crate) program: &'a Program,
}

/// What is fixed about objects of one kind, found among all of them.
pub trait OfKind: Sized {
    /// It, if the object is one.
    fn of(kind: &ObjectKind) -> Option<&Self>;
    /// The same, to be changed by who builds the program.
    fn of_mut(kind: &mut ObjectKind) -> Option<&mut Self>;
}

/// What may be asked of a kind of object.
#[derive(Debug)]
pub struct KindRow {
    /// The name that the option `kind=` takes, mostly the word that declares one; empty of what no author declares.
    pub name: &'static str,
    /// The name in a sentence.
    pub one: &'static str,
    /// How one is declared, where that is not by its name alone.
    pub declared: &'static str,
    /// The words that declare one.
    pub decls: &'static [DeclRow],
    /// What the generator calls one, with a number behind, and with which options it declares it; `None` where that
    /// takes more than a line that is always the same.
    pub sample: Option<(&'static str, &'static str)>,
    /// What an expectation can name of it.
    pub facets: &'static [&'static str],
    /// What kind of lock it is.
    pub lock: Lock,
    /// Until what somebody waits that waits for it.
    pub waited: Waited,
    /// How references to it are counted.
    pub refs: Refs,
    /// Whether it is an event: who waits for it depends on another thread that holds nothing.
    pub event: bool,
    /// The kernel's function that initialises one, where memory that was not initialised cannot be used as one.
    pub init: &'static str,
    /// Memory that is zero is as good as initialised.
    pub zero_is_good: bool,
    /// What it has no more of if it has no more room, where that is more than places in it.
    pub runs_out: &'static str,
}

/// A word that declares names.
#[derive(Debug)]
pub struct DeclRow {
    /// The word.
    pub name: &'static str,
    /// What it declares; `None` for variables.
    pub kind: Option<Kind>,
    /// What may be said besides.
    pub options: &'static [Opt],
    /// What that is, in a line.
    pub meaning: &'static str,
    /// What it is in the kernel.
    pub kernel: &'static str,
    /// The one object that it is, of what was said, but for what refers to names; `None` of what is more than that, or
    /// has to look at the others.
    pub make: Option<fn(&Args) -> ObjectKind>,
}

/// What kind of lock an object is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lock {
    /// None.
    No,
    /// A spinlock: who wants it spins, in any context.
    Spin,
    /// One that has a spinlock inside, which its own operations take.
    Inside,
    /// A lock for which one sleeps.
    Sleeping,
    /// None, but an order like one's: nobody waits for it.
    Map,
}

impl Lock {
    /// Whether scripts take it as a lock.
    pub fn is_taken(self) -> bool {
        matches!(self, Lock::Spin | Lock::Sleeping | Lock::Map)
    }

    /// Whether who has it spins on it.
    pub fn spins(self) -> bool {
        matches!(self, Lock::Spin | Lock::Inside)
    }
}

/// How references to an object are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refs {
    /// They are not.
    No,
    /// `refs` of a struct's object.
    Object,
    /// `struct kref` of a fence.
    Fence,
    /// It is a count itself, of whatever the scenario says.
    Bare,
}

/// Until what somebody waits that waits for an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Waited {
    /// Until somebody does this to it.
    Deed(&'static str),
    /// Until who it [runs](ObjectKind::runs) is done; that begins when somebody does this to it.
    Run(&'static str),
    /// Until who holds it lets it go.
    Holder,
    /// Until those who hold it let it go, who may be several.
    Holders,
    /// Until who is in the middle of it is done.
    Runner,
    /// Until those are out who are in read-side sections.
    Readers,
}

impl KindRow {
    /// A kind of which there is nothing to say.
    pub(crate) const PLAIN: KindRow = KindRow {
        name: "",
        one: "",
        declared: "",
        decls: &[],
        sample: None,
        facets: &[],
        lock: Lock::No,
        refs: Refs::No,
        waited: Waited::Deed("wake"),
        event: false,
        init: "",
        zero_is_good: false,
        runs_out: "",
    };
}

/// Of objects of the kernel: their own words are read without a lock as well.
pub(crate) const WEAK: Opt = flag(
    "weak",
    "its own words may be seen stale on weak memory where the kernel reads them without a lock, and the scenario is about that",
);
