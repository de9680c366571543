//! What is judged: a few threads over a few objects, in data of its own.

/// How a sleeper may be woken besides by what it waits for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Patience {
    /// `TASK_INTERRUPTIBLE`, or killable where signals kill.
    pub interruptible: bool,
    /// A timer may end the sleep at any moment.
    pub timeout: bool,
}

/// One call. Objects are numbered within their sort.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// `READ_ONCE()`.
    Load {
        /// Which word.
        word: usize,
    },
    /// `WRITE_ONCE()`.
    Store {
        /// Which word.
        word: usize,
        /// What.
        value: i32,
    },
    /// `atomic_add_return()`: the new value.
    Add {
        /// Which word.
        word: usize,
        /// What.
        value: i32,
    },
    /// `atomic_xchg()`: the old value.
    Xchg {
        /// Which word.
        word: usize,
        /// What.
        value: i32,
    },
    /// `atomic_cmpxchg()`: the old value.
    Cmpxchg {
        /// Which word.
        word: usize,
        /// What must be there.
        old: i32,
        /// What comes there.
        new: i32,
    },
    /// `spin_lock()`.
    SpinLock {
        /// Which lock.
        lock: usize,
    },
    /// `spin_trylock()`: 1 or 0.
    SpinTryLock {
        /// Which lock.
        lock: usize,
    },
    /// `spin_unlock()`.
    SpinUnlock {
        /// Which lock.
        lock: usize,
    },
    /// `mutex_lock()`, or `ww_mutex_lock()`: 0 or an error.
    MutexLock {
        /// Which mutex.
        mutex: usize,
        /// For which context.
        ctx: Option<usize>,
        /// `ww_mutex_lock_slow()`.
        slow: bool,
        /// What ends the sleep.
        patience: Patience,
    },
    /// `mutex_trylock()`, or `ww_mutex_trylock()`: 1 or 0.
    MutexTryLock {
        /// Which mutex.
        mutex: usize,
        /// For which context.
        ctx: Option<usize>,
    },
    /// `mutex_unlock()`, or `ww_mutex_unlock()`.
    MutexUnlock {
        /// Which mutex.
        mutex: usize,
    },
    /// `ww_acquire_init()`.
    CtxInit {
        /// For which context.
        ctx: usize,
    },
    /// `ww_acquire_fini()`.
    CtxFini {
        /// For which context.
        ctx: usize,
    },
    /// `down_read()`, or `down_read_killable()`: 0 or an error.
    DownRead {
        /// Which semaphore.
        sem: usize,
        /// What ends the sleep.
        patience: Patience,
    },
    /// `down_write()`, or `down_write_killable()`: 0 or an error.
    DownWrite {
        /// Which semaphore.
        sem: usize,
        /// What ends the sleep.
        patience: Patience,
    },
    /// `down_read_trylock()`: 1 or 0.
    DownReadTryLock {
        /// Which semaphore.
        sem: usize,
    },
    /// `down_write_trylock()`: 1 or 0.
    DownWriteTryLock {
        /// Which semaphore.
        sem: usize,
    },
    /// `up_read()`.
    UpRead {
        /// Which semaphore.
        sem: usize,
    },
    /// `up_write()`.
    UpWrite {
        /// Which semaphore.
        sem: usize,
    },
    /// `downgrade_write()`.
    DowngradeWrite {
        /// Which semaphore.
        sem: usize,
    },
    /// `wait_for_completion()` and its forms: 0, with a timeout 1 or 0, or an error.
    WaitForCompletion {
        /// Which completion.
        completion: usize,
        /// What ends the sleep.
        patience: Patience,
    },
    /// `try_wait_for_completion()`: 1 or 0.
    TryWaitForCompletion {
        /// Which completion.
        completion: usize,
    },
    /// `complete()`.
    Complete {
        /// Which completion.
        completion: usize,
    },
    /// `complete_all()`.
    CompleteAll {
        /// Which completion.
        completion: usize,
    },
    /// `reinit_completion()`.
    ReinitCompletion {
        /// Which completion.
        completion: usize,
    },
    /// `prepare_to_wait()`, `_exclusive()`, `_event()`: 0 or an error.
    Prepare {
        /// Which queue.
        queue: usize,
        /// `WQ_FLAG_EXCLUSIVE`.
        exclusive: bool,
        /// What ends the sleep.
        patience: Patience,
    },
    /// `schedule()`, `schedule_timeout()`: 1 if woken, 0 after the timeout, or an error.
    Sleep {
        /// Which queue.
        queue: usize,
        /// What ends the sleep.
        patience: Patience,
    },
    /// `finish_wait()`.
    Finish {
        /// Which queue.
        queue: usize,
    },
    /// `wake_up()`.
    WakeUp {
        /// Which queue.
        queue: usize,
    },
    /// `wake_up_all()`.
    WakeUpAll {
        /// Which queue.
        queue: usize,
    },
    /// `send_sig()`.
    SendSignal {
        /// Whom.
        thread: usize,
    },
}

/// A statement of a thread.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Statement {
    /// A call, and the local that gets what it returns.
    Call(Op, Option<usize>),
    /// What is done only if a local has this value.
    When(usize, i32, Vec<Statement>),
    /// What is done only if a local has another value than this.
    WhenNot(usize, i32, Vec<Statement>),
    /// For ever, until a [`Statement::BreakIfNot`].
    Loop(Vec<Statement>),
    /// Leaves the innermost loop if a local has another value than this.
    BreakIfNot(usize, i32),
}

/// A class of mutexes with contexts: which algorithm.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Class {
    /// The younger one backs off.
    WaitDie,
    /// The older one makes the younger holder back off.
    WoundWait,
}

/// A whole program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// What the words hold at the start.
    pub words: Vec<i32>,
    /// How many spinlocks.
    pub spins: usize,
    /// How many mutexes; with a class they are ww mutexes.
    pub mutexes: usize,
    /// Of what class they are.
    pub class: Option<Class>,
    /// Whose each acquire context is; those that no thread begins have their stamps in this order.
    pub contexts: Vec<Context>,
    /// How many reader-writer semaphores.
    pub rwsems: usize,
    /// How many completions.
    pub completions: usize,
    /// How many wait queues.
    pub queues: usize,
    /// The threads.
    pub threads: Vec<Vec<Statement>>,
}

/// An acquire context.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context {
    /// Whose it is.
    pub thread: usize,
    /// It was begun before the threads were.
    pub begun: bool,
}

impl Program {
    /// Nothing at all.
    pub fn empty() -> Program {
        Program {
            words: vec![],
            spins: 0,
            mutexes: 0,
            class: None,
            contexts: vec![],
            rwsems: 0,
            completions: 0,
            queues: 0,
            threads: vec![],
        }
    }
}

/// A statement without structure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line {
    Call(Op, Option<usize>),
    /// Goes there if the local has this value.
    If(usize, i32, usize),
    /// Goes there if it has another.
    IfNot(usize, i32, usize),
    Goto(usize),
}

/// The lines of a thread; the numbers of calls are their order in the statements.
pub(crate) fn flatten(statements: &[Statement]) -> Vec<Line> {
    let mut lines = vec![];
    block(statements, &mut lines, &mut vec![]);
    lines
}

fn block(statements: &[Statement], lines: &mut Vec<Line>, breaks: &mut Vec<usize>) {
    for statement in statements {
        let at = lines.len();
        match statement {
            Statement::Call(op, into) => lines.push(Line::Call(*op, *into)),
            Statement::When(local, value, body) => {
                lines.push(Line::Goto(0));
                block(body, lines, breaks);
                lines[at] = Line::IfNot(*local, *value, lines.len());
            }
            Statement::WhenNot(local, value, body) => {
                lines.push(Line::Goto(0));
                block(body, lines, breaks);
                lines[at] = Line::If(*local, *value, lines.len());
            }
            Statement::Loop(body) => {
                let mut inner = vec![];
                block(body, lines, &mut inner);
                lines.push(Line::Goto(at));
                let end = lines.len();
                for b in inner {
                    if let Line::IfNot(_, _, to) = &mut lines[b] {
                        *to = end;
                    }
                }
            }
            Statement::BreakIfNot(local, value) => {
                breaks.push(at);
                lines.push(Line::IfNot(*local, *value, 0));
            }
        }
    }
}
