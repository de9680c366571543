//! Every operation of a script, in one table: it drives the reading of
//! operands, options and flags, what diagnostics offer, and the reference page.

mod deferred;
pub(crate) mod exec;
pub(crate) mod fences;
pub(crate) mod iteration;
mod lists;
mod locks;
mod memory;
pub(crate) mod merging;
mod page;
mod sems;
mod sync;
mod syncobjs;
mod waiting;

pub(crate) use deferred::gfp;
pub(crate) use page::{described, options_written, reference, synopsis};

use fenceweave_kernel::program::{CalleeId, Place, PoolRange};
use fenceweave_kernel::{Errno, Op, Operand, Patience, ThreadId, Value};

use crate::kind::Kind;

/// One operation, or one meaning of its name: `lock` is an operation on a
/// spinlock and another one on a reservation.
#[derive(Debug)]
pub(crate) struct OpSpec {
    pub(crate) name: &'static str,
    pub(crate) operands: &'static [Param],
    pub(crate) options: &'static [Opt],
    /// At most one of the options may be given.
    pub(crate) one_option: bool,
    /// What goes into the local; empty if there is nothing to get.
    pub(crate) returns: &'static str,
    /// What it does, in a line.
    pub(crate) meaning: &'static str,
    /// The kernel's functions, separated by blanks.
    pub(crate) kernel: &'static str,
    /// What a bare `may-fail` makes it return.
    pub(crate) fails: Option<Value>,
    pub(crate) build: fn(&Args) -> Op,
}

/// An operand.
#[derive(Debug)]
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
}

/// What may stand for an operand or an option's value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Takes {
    /// A name, or a local that holds a reference.
    Object(&'static [Kind]),
    /// One name or more.
    Objects(&'static [Kind]),
    /// One fence or more, or NULL: names or locals.
    Fences,
    /// A variable, an element of an array, a field.
    Place,
    /// A whole array.
    Array,
    /// An expression over locals and the word that is read at the place before.
    Condition,
    /// An expression over locals and shared words, which are read each time that it is asked for.
    Shared,
    /// A word or a reference; of an operation also an expression over locals.
    Value,
    /// A number that is known beforehand.
    Number { min: i32, max: i32 },
    /// A thread.
    Thread,
    /// An interrupt handler, or several of one line.
    Irq,
    /// A declared `struct`.
    Struct,
    /// A local that holds a cursor: a thing that changes in place.
    Cursor,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A proc that is called with at most this many arguments.
    Proc(usize),
    /// A declared callback, or a proc that is called with a fence and data: then the operation has a callback of its own.
    Callback,
}

/// An option `key=value`, a flag, or both.
#[derive(Debug)]
pub(crate) struct Opt {
    pub(crate) name: &'static str,
    /// What `key=` takes; `None` for a flag.
    pub(crate) takes: Option<Takes>,
    /// It may stand without a value.
    pub(crate) bare: bool,
    pub(crate) required: bool,
    pub(crate) meaning: &'static str,
}

impl OpSpec {
    const fn new(
        name: &'static str,
        operands: &'static [Param],
        meaning: &'static str,
        kernel: &'static str,
        build: fn(&Args) -> Op,
    ) -> Self {
        OpSpec { name, operands, options: &[], one_option: false, returns: "", meaning, kernel, fails: None, build }
    }

    const fn options(mut self, options: &'static [Opt]) -> Self {
        self.options = options;
        self
    }

    /// Like [`options`](OpSpec::options), of which one excludes the others.
    const fn one_of(mut self, options: &'static [Opt]) -> Self {
        self.one_option = true;
        self.options(options)
    }

    const fn returns(mut self, returns: &'static str) -> Self {
        self.returns = returns;
        self
    }

    const fn fails(mut self, value: Value) -> Self {
        self.fails = Some(value);
        self
    }
}

/// An operand.
const fn operand(name: &'static str, takes: Takes) -> Param {
    Param { name, takes }
}

/// A flag.
pub(crate) const fn flag(name: &'static str, meaning: &'static str) -> Opt {
    Opt { name, takes: None, bare: true, required: false, meaning }
}

/// An option that may be left out.
pub(crate) const fn option(name: &'static str, takes: Takes, meaning: &'static str) -> Opt {
    Opt { name, takes: Some(takes), bare: false, required: false, meaning }
}

const INTERRUPTIBLE: Opt = flag("interruptible", "a pending signal ends the wait");
const TIMEOUT: Opt = flag("timeout", "a timeout may end the wait at any moment");
const TIMEOUT_OR_POLL: Opt = Opt {
    bare: true,
    ..option(
        "timeout",
        Takes::Number { min: 0, max: 0 },
        "a timeout may end the wait at any moment; `timeout=0` looks and does not sleep",
    )
};
/// What a bare `may-fail` makes a lock or a wait return.
const EINTR: Value = Value::Word(-Errno::EINTR.0);
const ERESTARTSYS: Value = Value::Word(-Errno::ERESTARTSYS.0);
const ENOMEM: Value = Value::Word(-Errno::ENOMEM.0);

/// The operations, in the order of the reference page.
pub(crate) fn all() -> impl Iterator<Item = &'static OpSpec> {
    const TABLES: [&[OpSpec]; 12] = [
        memory::OPS,
        waiting::OPS,
        locks::OPS,
        sems::OPS,
        lists::OPS,
        fences::OPS,
        merging::OPS,
        sync::OPS,
        syncobjs::OPS,
        iteration::OPS,
        exec::OPS,
        deferred::OPS,
    ];
    TABLES.into_iter().flatten()
}

/// Every meaning of an operation's name.
pub(crate) fn named(name: &str) -> Vec<&'static OpSpec> {
    all().filter(|op| op.name == name).collect()
}

/// The operation that models a function of the kernel.
pub(crate) fn of_kernel_function(function: &str) -> Option<&'static OpSpec> {
    let bare = function.trim_end_matches(['(', ')', ';']);
    all().find(|op| op.kernel.split_whitespace().any(|known| known.trim_end_matches("()") == bare))
}

/// The operands and options of one statement, resolved.
#[derive(Debug, Default)]
pub(crate) struct Args {
    given: Vec<(&'static str, Given)>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Given {
    Operand(Operand),
    Operands(PoolRange),
    Place(Place),
    Expr(u16),
    Number(i32),
    Thread(ThreadId),
    Word(&'static str),
    Callee(CalleeId),
    Flag,
}

/// Accessors for the `build` functions. What a specification requires is there
/// when `build` is called, so the defaults stand for what was left out.
impl Args {
    pub(crate) fn give(&mut self, name: &'static str, given: Given) {
        self.given.push((name, given));
    }

    fn get(&self, name: &str) -> Option<Given> {
        self.given.iter().find(|(known, _)| *known == name).map(|(_, given)| *given)
    }

    fn object(&self, name: &str) -> Operand {
        self.optional(name).unwrap_or(Operand::Const(Value::Null))
    }

    fn optional(&self, name: &str) -> Option<Operand> {
        match self.get(name)? {
            Given::Operand(operand) => Some(operand),
            _ => None,
        }
    }

    fn objects(&self, name: &str) -> PoolRange {
        match self.get(name) {
            Some(Given::Operands(range)) => range,
            _ => PoolRange { start: 0, len: 0 },
        }
    }

    fn place(&self, name: &str) -> Place {
        match self.get(name) {
            Some(Given::Place(place)) => place,
            _ => Place::Var(Default::default()),
        }
    }

    fn optional_place(&self, name: &str) -> Option<Place> {
        match self.get(name)? {
            Given::Place(place) => Some(place),
            _ => None,
        }
    }

    fn expr(&self, name: &str) -> u16 {
        match self.get(name) {
            Some(Given::Expr(expr)) => expr,
            _ => u16::MAX,
        }
    }

    fn number(&self, name: &str, default: i32) -> i32 {
        match self.get(name) {
            Some(Given::Number(number)) => number,
            _ => default,
        }
    }

    fn thread(&self, name: &str) -> ThreadId {
        self.optional_thread(name).unwrap_or_default()
    }

    fn optional_thread(&self, name: &str) -> Option<ThreadId> {
        match self.get(name)? {
            Given::Thread(thread) => Some(thread),
            _ => None,
        }
    }

    fn callee(&self, name: &str) -> Option<CalleeId> {
        match self.get(name)? {
            Given::Callee(callee) => Some(callee),
            _ => None,
        }
    }

    fn word(&self, name: &str) -> Option<&'static str> {
        match self.get(name)? {
            Given::Word(word) => Some(word),
            _ => None,
        }
    }

    fn flag(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn patience(&self) -> Patience {
        Patience::of(self.flag("interruptible"), self.flag("timeout"))
    }

    /// `timeout=0`
    fn poll(&self) -> bool {
        matches!(self.get("timeout"), Some(Given::Number(0)))
    }
}
