//! The operations that programs are made of.

use super::NoPlan;

/// A kind of object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A spinlock.
    Lock,
    /// A mutex.
    Mutex,
    /// A reader-writer semaphore.
    RwSem,
    /// A ww mutex.
    WwMutex,
    /// A reservation.
    Resv,
    /// A fence.
    Fence,
    /// A completion.
    Completion,
    /// A bare count.
    Refcount,
    /// A word.
    Var,
}

use Kind::{Completion, Fence, Lock, Mutex, Refcount, Resv, RwSem, Var, WwMutex};

impl Kind {
    const ALL: [Kind; 9] = [Lock, Mutex, RwSem, WwMutex, Resv, Fence, Completion, Refcount, Var];

    /// The name that the command line uses.
    pub fn name(self) -> &'static str {
        ["lock", "mutex", "rwsem", "ww-mutex", "resv", "fence", "completion", "refcount", "var"][self as usize]
    }

    /// The kind of that name.
    pub(super) fn named(name: &str) -> Result<Kind, NoPlan> {
        let names: Vec<&str> = Kind::ALL.iter().map(|k| k.name()).collect();
        let unknown = || NoPlan(format!("`{name}` is no kind of object; there are {}", names.join(", ")));
        Kind::ALL.into_iter().find(|k| k.name() == name).ok_or_else(unknown)
    }

    /// How one is declared.
    pub(super) fn declaration(self, object: &str) -> String {
        match self {
            Mutex => format!("lock {object} kind=mutex"),
            RwSem => format!("lock {object} kind=rwsem"),
            kind => format!("{} {object}", kind.name()),
        }
    }

    /// The first letter of its objects' names.
    pub(super) fn letter(self) -> char {
        ['s', 'm', 'w', 'a', 'b', 'f', 'c', 'r', 'x'][self as usize]
    }
}

/// An operation of the vocabulary.
#[derive(PartialEq, Eq, Debug)]
pub struct Operation {
    /// The name that the command line uses: that of the scenario language, with what distinguishes it behind a `+`.
    pub name: &'static str,
    /// For each operand the kinds that it may be of; the first is what is taken if nothing is said.
    pub takes: &'static [&'static [Kind]],
    /// Its text, with the operands as `{0}` and `{1}`.
    pub(super) text: &'static str,
    /// The thread that uses it has an acquire context.
    pub(super) ctx: bool,
    /// It waits for what another thread does.
    pub(super) waits: bool,
}

const fn op(name: &'static str, takes: &'static [&'static [Kind]], text: &'static str) -> Operation {
    Operation { name, takes, text, ctx: false, waits: false }
}

const fn with_ctx(name: &'static str, takes: &'static [&'static [Kind]], text: &'static str) -> Operation {
    Operation { ctx: true, ..op(name, takes, text) }
}

const fn waiting(name: &'static str, takes: &'static [&'static [Kind]], text: &'static str) -> Operation {
    Operation { waits: true, ..op(name, takes, text) }
}

const LOCKS: &[&[Kind]] = &[&[Mutex, Lock, WwMutex, Resv]];
const WW: &[&[Kind]] = &[&[WwMutex, Resv]];
const SEM: &[&[Kind]] = &[&[RwSem]];
const A_FENCE: &[&[Kind]] = &[&[Fence]];
const A_RESV: &[&[Kind]] = &[&[Resv]];
const RESV_AND_FENCE: &[&[Kind]] = &[&[Resv], &[Fence]];
const DONE: &[&[Kind]] = &[&[Completion]];
const COUNT: &[&[Kind]] = &[&[Refcount]];
const WORD: &[&[Kind]] = &[&[Var]];

const OPERATIONS: &[Operation] = &[
    op("lock", LOCKS, "lock {0}"),
    op("unlock", LOCKS, "unlock {0}"),
    op("trylock", LOCKS, "trylock {0}"),
    with_ctx("lock+ctx", WW, "lock {0} ctx=t"),
    with_ctx("trylock+ctx", WW, "trylock {0} ctx=t"),
    with_ctx("lock-slow", WW, "lock-slow {0} ctx=t"),
    with_ctx("acquire-done", &[], "acquire-done t"),
    op("down-read", SEM, "down-read {0}"),
    op("up-read", SEM, "up-read {0}"),
    op("down-write", SEM, "down-write {0}"),
    op("up-write", SEM, "up-write {0}"),
    op("downgrade-write", SEM, "downgrade-write {0}"),
    op("signal", A_FENCE, "signal {0}"),
    op("check-and-signal", A_FENCE, "check-and-signal {0}"),
    op("is-signaled", A_FENCE, "is-signaled {0}"),
    op("enable-signaling", A_FENCE, "enable-signaling {0}"),
    op("set-error", A_FENCE, "set-error {0} -EIO"),
    waiting("wait", A_FENCE, "wait {0}"),
    op("wait+timeout", A_FENCE, "wait {0} timeout"),
    op("get", &[&[Fence, Refcount]], "get {0}"),
    op("put", &[&[Fence, Refcount]], "put {0}"),
    op("get-unless-zero", COUNT, "get-unless-zero {0}"),
    op("begin-signalling", &[], "begin-signalling"),
    op("end-signalling", &[], "end-signalling"),
    op("reserve", A_RESV, "reserve {0}"),
    op("add-fence", RESV_AND_FENCE, "add-fence {0} {1} usage=write"),
    op("add-fence+kernel", RESV_AND_FENCE, "add-fence {0} {1} usage=kernel"),
    op("test-signaled", A_RESV, "test-signaled {0} usage=read"),
    waiting("wait-resv", A_RESV, "wait {0} usage=read"),
    op("complete", DONE, "complete {0}"),
    op("complete-all", DONE, "complete-all {0}"),
    op("reinit-completion", DONE, "reinit-completion {0}"),
    waiting("wait-for-completion", DONE, "wait-for-completion {0}"),
    op("wait-for-completion+timeout", DONE, "wait-for-completion {0} timeout"),
    op("load", WORD, "load {0}"),
    op("store", WORD, "store {0} 1"),
    op("add", WORD, "add {0} 1"),
    op("rcu-read-lock", &[], "rcu-read-lock"),
    op("rcu-read-unlock", &[], "rcu-read-unlock"),
    op("synchronize-rcu", &[], "synchronize-rcu"),
];

/// All of them.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter()
}

/// The operation of that name.
pub(super) fn named(name: &str) -> Result<&'static Operation, NoPlan> {
    let names = || operations().map(|o| o.name).collect::<Vec<_>>().join(", ");
    let unknown = || NoPlan(format!("`{name}` is no operation of a sweep; there are {}", names()));
    operations().find(|o| o.name == name).ok_or_else(unknown)
}
