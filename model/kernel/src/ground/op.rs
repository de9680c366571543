//! What an operation is to who writes it, and what it is to the model: its row in the table of a protocol, and the
//! operation with its operands.

use super::{
    ids::{CalleeId, FieldName},
    operand::{Operand, Place, PoolRange},
    resolver::{Resolved, Resolver},
    row::Row,
};
use crate::{Errno, LocalId, Machine, ObjId, Op, Patience, ThreadId, Value, program::Kind};

/// An operation of a script, its operands not yet read. A protocol has one for each group of functions that work on the
/// same.
pub(crate) trait Operation: Copy + Into<Op> {
    /// What may be asked about it before it runs.
    fn row(&self) -> Row;

    /// The machine that does it, its operands read as the CPU finds them; a bad one is the fault that is the
    /// operation's only step.
    fn begin(self, with: &Resolver<'_>) -> Resolved<Machine>;

    /// The same, told which line it is about, which is known when all operations of a program are; of those whose row
    /// has a [`Line`](super::row::Line).
    fn on_line(self, _line: ObjId) -> Self {
        self
    }

    /// The same, of a reference that its thread has dropped already; of those whose row [`drops`](Row::drops) one.
    fn again(self) -> Self {
        self
    }
}

/// One operation, or one meaning of its name: `lock` is an operation on a
/// spinlock and another one on a reservation.
#[derive(Debug)]
pub struct OpSpec {
    /// The word that says it.
    pub name: &'static str,
    /// What it works on, in this order.
    pub operands: &'static [Param],
    /// What may be said besides.
    pub options: &'static [Opt],
    /// At most one of the options may be given.
    pub one_option: bool,
    /// What is named twice among its operands counts once.
    pub each_once: bool,
    /// What goes into the local; empty if there is nothing to get.
    pub returns: &'static str,
    /// What it does, in a line.
    pub meaning: &'static str,
    /// The kernel's functions, separated by blanks.
    pub kernel: &'static str,
    /// What a bare `may-fail` makes it return.
    pub fails: Option<Value>,
    /// The operation, of what was given.
    pub build: fn(&Args) -> Op,
}

/// An operand.
#[derive(Debug)]
pub struct Param {
    /// What it is called in diagnostics and on the reference page.
    pub name: &'static str,
    /// What may stand for it.
    pub takes: Takes,
}

/// What may stand for an operand or an option's value.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
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
    /// A page table.
    PageTable,
    /// An expression over locals and the word that is read at the place before.
    Condition,
    /// An expression over locals and shared words, which are read each time that it is asked for.
    Shared,
    /// A word or a reference; of an operation also an expression over locals.
    Value,
    /// A number that is known beforehand.
    Number {
        /// The least.
        min: i32,
        /// The greatest.
        max: i32,
    },
    /// A thread.
    Thread,
    /// An interrupt handler, or several of one line.
    Irq,
    /// A declared `struct`.
    Struct,
    /// A member of a declared `struct`, by its path: `job.fence`.
    Member,
    /// A local that holds a cursor: a thing that changes in place.
    Cursor,
    /// A local that holds a number, and gets another one.
    Local,
    /// A type of numbers.
    Type,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A proc that is called with at most this many arguments.
    Proc(usize),
    /// A declared callback, or a proc that is called with a fence and data: then the operation has a callback of its
    /// own.
    Callback,
}

/// An option `key=value`, a flag, or both.
#[derive(Debug)]
pub struct Opt {
    /// The word before the `=`, or the flag.
    pub name: &'static str,
    /// What `key=` takes; `None` for a flag.
    pub takes: Option<Takes>,
    /// It may stand without a value.
    pub bare: bool,
    /// It may not be left out.
    pub required: bool,
    /// What it does, in a line.
    pub meaning: &'static str,
}

impl OpSpec {
    /// An operation without options and result.
    pub(crate) const fn new(
        name: &'static str,
        operands: &'static [Param],
        meaning: &'static str,
        kernel: &'static str,
        build: fn(&Args) -> Op,
    ) -> Self {
        OpSpec {
            name,
            operands,
            options: &[],
            one_option: false,
            each_once: false,
            returns: "",
            meaning,
            kernel,
            fails: None,
            build,
        }
    }

    /// With these options.
    pub(crate) const fn options(mut self, options: &'static [Opt]) -> Self {
        self.options = options;
        self
    }

    /// Like [`options`](OpSpec::options), of which one excludes the others.
    pub(crate) const fn one_of(mut self, options: &'static [Opt]) -> Self {
        self.one_option = true;
        self.options(options)
    }

    /// With operands of which each counts once.
    pub(crate) const fn each_once(mut self) -> Self {
        self.each_once = true;
        self
    }

    /// With a result.
    pub(crate) const fn returns(mut self, returns: &'static str) -> Self {
        self.returns = returns;
        self
    }

    /// That may fail, and then returns this.
    pub(crate) const fn fails(mut self, value: Value) -> Self {
        self.fails = Some(value);
        self
    }
}

/// An operand.
pub(crate) const fn operand(name: &'static str, takes: Takes) -> Param {
    Param { name, takes }
}

/// A flag.
pub const fn flag(name: &'static str, meaning: &'static str) -> Opt {
    Opt { name, takes: None, bare: true, required: false, meaning }
}

/// An option that may be left out.
pub const fn option(name: &'static str, takes: Takes, meaning: &'static str) -> Opt {
    Opt { name, takes: Some(takes), bare: false, required: false, meaning }
}

/// A wait that signals end.
pub(crate) const INTERRUPTIBLE: Opt = flag("interruptible", "a pending signal ends the wait");
/// A wait that time ends.
pub(crate) const TIMEOUT: Opt = flag("timeout", "a timeout may end the wait at any moment");
/// The same, or one that only looks.
pub(crate) const TIMEOUT_OR_POLL: Opt = Opt {
    bare: true,
    ..option(
        "timeout",
        Takes::Number { min: 0, max: 0 },
        "a timeout may end the wait at any moment; `timeout=0` looks and does not sleep",
    )
};
/// What a bare `may-fail` makes a lock or a wait return.
pub(crate) const EINTR: Value = Value::Word(-Errno::EINTR.0);
/// The same of whoever would begin again.
pub(crate) const ERESTARTSYS: Value = Value::Word(-Errno::ERESTARTSYS.0);
/// What a bare `may-fail` makes an allocation return.
pub(crate) const ENOMEM: Value = Value::Word(-Errno::ENOMEM.0);

/// The operands and options of one statement, resolved.
#[derive(Debug, Default)]
pub struct Args {
    given: Vec<(&'static str, Given)>,
}

/// One of them.
#[derive(Debug, Clone, Copy)]
pub enum Given {
    /// An object, a local, a constant.
    Operand(Operand),
    /// Several of them.
    Operands(PoolRange),
    /// A word.
    Place(Place),
    /// An expression, by its index.
    Expr(u16),
    /// A number.
    Number(i32),
    /// A thread.
    Thread(ThreadId),
    /// One of the words that there are to choose from.
    Word(&'static str),
    /// What is called.
    Callee(CalleeId),
    /// What is inside of an object, by its path.
    Member(FieldName),
    /// It stands there.
    Flag,
}

/// Accessors for the `build` functions. What a specification requires is there
/// when `build` is called, so the defaults stand for what was left out.
impl Args {
    /// One more of them.
    pub fn give(&mut self, name: &'static str, given: Given) {
        self.given.push((name, given));
    }

    /// What was given by that name.
    pub(crate) fn get(&self, name: &str) -> Option<Given> {
        self.given.iter().find(|(known, _)| *known == name).map(|(_, given)| *given)
    }

    /// An object.
    pub(crate) fn object(&self, name: &str) -> Operand {
        self.optional(name).unwrap_or(Operand::Const(Value::Null))
    }

    /// An object, if there is one.
    pub(crate) fn optional(&self, name: &str) -> Option<Operand> {
        match self.get(name)? {
            Given::Operand(operand) => Some(operand),
            _ => None,
        }
    }

    /// The local that holds a thing that changes in place.
    pub(crate) fn local(&self, name: &str) -> LocalId {
        match self.object(name) {
            Operand::Local(local) => local,
            Operand::Object(_) | Operand::Const(_) | Operand::Member { .. } => LocalId(0),
        }
    }

    /// Several objects.
    pub(crate) fn objects(&self, name: &str) -> PoolRange {
        match self.get(name) {
            Some(Given::Operands(range)) => range,
            _ => PoolRange { start: 0, len: 0 },
        }
    }

    /// A word.
    pub(crate) fn place(&self, name: &str) -> Place {
        match self.get(name) {
            Some(Given::Place(place)) => place,
            _ => Place::Var(Default::default()),
        }
    }

    /// A word, if there is one.
    pub(crate) fn optional_place(&self, name: &str) -> Option<Place> {
        match self.get(name)? {
            Given::Place(place) => Some(place),
            _ => None,
        }
    }

    /// An expression.
    pub(crate) fn expr(&self, name: &str) -> u16 {
        match self.get(name) {
            Some(Given::Expr(expr)) => expr,
            _ => u16::MAX,
        }
    }

    /// A number, or what stands for none.
    pub(crate) fn number(&self, name: &str, default: i32) -> i32 {
        match self.get(name) {
            Some(Given::Number(number)) => number,
            _ => default,
        }
    }

    /// A number of a byte.
    pub fn byte(&self, name: &str, default: u8) -> u8 {
        u8::try_from(self.number(name, i32::from(default))).unwrap_or(u8::MAX)
    }

    /// A thread.
    pub(crate) fn thread(&self, name: &str) -> ThreadId {
        self.optional_thread(name).unwrap_or_default()
    }

    /// A thread, if there is one.
    pub(crate) fn optional_thread(&self, name: &str) -> Option<ThreadId> {
        match self.get(name)? {
            Given::Thread(thread) => Some(thread),
            _ => None,
        }
    }

    /// What is called.
    pub(crate) fn callee(&self, name: &str) -> Option<CalleeId> {
        match self.get(name)? {
            Given::Callee(callee) => Some(callee),
            _ => None,
        }
    }

    /// What is inside of an object.
    pub(crate) fn member(&self, name: &str) -> Option<FieldName> {
        match self.get(name)? {
            Given::Member(path) => Some(path),
            _ => None,
        }
    }

    /// One of several words.
    pub(crate) fn word(&self, name: &str) -> Option<&'static str> {
        match self.get(name)? {
            Given::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Whether it stands there.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// How long a wait lasts: `interruptible`, `timeout`.
    pub(crate) fn patience(&self) -> Patience {
        Patience::of(self.flag("interruptible"), self.flag("timeout"))
    }

    /// Whether it only looks: `timeout=0`.
    pub(crate) fn poll(&self) -> bool {
        matches!(self.get("timeout"), Some(Given::Number(0)))
    }
}
