//! Everything that is in memory, as plain as it can be.

use crate::{mutex, program::Program, rwsem, sleep};

/// `task_struct::__state`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) enum TaskState {
    #[default]
    Running,
    Interruptible,
    Uninterruptible,
}

impl TaskState {
    pub(crate) fn of(interruptible: bool) -> TaskState {
        if interruptible { TaskState::Interruptible } else { TaskState::Uninterruptible }
    }
}

/// Where a call is: the point of its kernel function that comes next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) enum At {
    #[default]
    Begin,
    Mutex(mutex::At),
    Rwsem(rwsem::At),
    Sleep(sleep::At),
}

/// A task, its registers and what it has on its stack.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub(crate) struct Thread {
    pub(crate) line: usize,
    pub(crate) at: At,
    pub(crate) locals: Vec<Option<i32>>,
    pub(crate) state: TaskState,
    /// `TIF_SIGPENDING`.
    pub(crate) signal: bool,
    /// `task->wake_q.next` is not NULL.
    pub(crate) wake_node: bool,
    /// What was last read of a word.
    pub(crate) seen: i32,
    /// Another register.
    pub(crate) extra: i32,
    /// Where in a list a loop is.
    pub(crate) cursor: usize,
    /// `DEFINE_WAKE_Q()`, in the order of their wake-ups.
    pub(crate) wake_q: Vec<usize>,
    /// The first of them may be put on another one again.
    pub(crate) freed: bool,
    /// `rwsem_waiter::task` is not NULL.
    pub(crate) waiter_task: bool,
    /// `wlist` of `rwsem_mark_wake()`.
    pub(crate) wlist: Vec<usize>,
}

impl Thread {
    /// Forgets the registers: the call is over, and nobody can look at them any more.
    pub(crate) fn clear(&mut self) {
        debug_assert!(self.wake_q.is_empty() && self.wlist.is_empty(), "somebody is never woken");
        (self.at, self.seen, self.extra, self.cursor, self.waiter_task) = (At::Begin, 0, 0, 0, false);
    }
}

/// A spinlock: who has it.
pub(crate) type Spin = Option<usize>;

/// All of memory.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct State {
    pub(crate) threads: Vec<Thread>,
    pub(crate) words: Vec<i32>,
    pub(crate) spins: Vec<Spin>,
    pub(crate) mutexes: Vec<mutex::Mutex>,
    pub(crate) contexts: Vec<mutex::Context>,
    /// `ww_class::stamp`.
    pub(crate) stamp: i32,
    pub(crate) rwsems: Vec<rwsem::Rwsem>,
    pub(crate) completions: Vec<sleep::Completion>,
    pub(crate) queues: Vec<sleep::Queue>,
}

impl State {
    pub(crate) fn new(program: &Program, locals: &[usize]) -> State {
        let threads = locals.iter().map(|n| Thread { locals: vec![None; *n], ..Thread::default() });
        let begun = program.contexts.iter().filter(|c| c.begun).count() as i32;
        let mut stamp = 0;
        let contexts = program.contexts.iter().map(|c| {
            stamp += i32::from(c.begun);
            mutex::Context { stamp: if c.begun { stamp } else { 0 }, ..mutex::Context::default() }
        });
        State {
            threads: threads.collect(),
            words: program.words.clone(),
            spins: vec![None; program.spins],
            mutexes: vec![mutex::Mutex::default(); program.mutexes],
            contexts: contexts.collect(),
            stamp: begun,
            rwsems: vec![rwsem::Rwsem::default(); program.rwsems],
            completions: vec![sleep::Completion::default(); program.completions],
            queues: vec![sleep::Queue::default(); program.queues],
        }
    }

    /// `try_to_wake_up()`: whether the task was asleep in one of these states. The scheduler's own locks make it one
    /// step.
    pub(crate) fn wake(&mut self, task: usize, interruptible_only: bool) -> bool {
        let state = &mut self.threads[task].state;
        let matches = match state {
            TaskState::Running => false,
            TaskState::Interruptible => true,
            TaskState::Uninterruptible => !interruptible_only,
        };
        if matches {
            *state = TaskState::Running;
        }
        matches
    }

    /// `wake_q_add()`: not if somebody is about to wake the task anyway.
    pub(crate) fn wake_q_add(&mut self, me: usize, task: usize) {
        if !std::mem::replace(&mut self.threads[task].wake_node, true) {
            self.threads[me].wake_q.push(task);
        }
    }

    /// A step of `wake_up_q()`: the node is free again, then the task is woken. True when all are.
    pub(crate) fn wake_up_q(&mut self, me: usize) -> bool {
        let Some(task) = self.threads[me].wake_q.first().copied() else { return true };
        if !std::mem::replace(&mut self.threads[me].freed, true) {
            self.threads[task].wake_node = false;
            return false;
        }
        self.threads[me].freed = false;
        self.wake(task, false);
        self.threads[me].wake_q.remove(0);
        self.threads[me].wake_q.is_empty()
    }

    /// `schedule()`: whether the task goes on. With a signal pending it does not even go to sleep.
    pub(crate) fn schedule(&mut self, me: usize, timer: bool) -> bool {
        let thread = &mut self.threads[me];
        let signalled = thread.state == TaskState::Interruptible && thread.signal;
        let runs = thread.state == TaskState::Running || signalled || timer;
        if runs {
            thread.state = TaskState::Running;
        }
        runs
    }

    /// `signal_pending_state()`.
    pub(crate) fn signal_pending(&self, me: usize, interruptible: bool) -> bool {
        interruptible && self.threads[me].signal
    }
}

/// Takes a spinlock, if it is free.
pub(crate) fn spin_trylock(lock: &mut Spin, me: usize) -> bool {
    let free = lock.is_none();
    if free {
        *lock = Some(me);
    }
    free
}
