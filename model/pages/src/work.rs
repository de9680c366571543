//! Moves in the background: worker threads, and a handle to wait for each.
//!
//! A [`Job`] is made first, and with it everything that running and completing it needs: from
//! [`submit`](Workers::submit) to the last waiter's return, nothing is allocated. That is what makes a copy fit for a
//! fence-signalling section, where memory must not be asked for.
//!
//! When a move has ended, in this order: its claims are released, its outcome can be seen, the callback runs, whoever
//! sleeps in [`wait`](Completion::wait) is woken.

use crate::{
    contents::Done,
    error::{Error, Stopped},
    run::Move,
    units::ByteLen,
};
use std::{
    collections::VecDeque,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
};

/// The most worker threads.
pub const MAX_WORKERS: usize = 64;

/// How a job ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The move was made.
    Done(Done),
    /// A kernel's variant ran into a fault.
    Stopped(Stopped),
    /// It was cancelled before it was begun; not a byte is written.
    Cancelled,
    /// The worker panicked in the middle of it, which is a bug of ours.
    Panicked,
}

/// Where a job is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// Nobody has begun it. It can be cancelled.
    Waiting,
    /// A worker is at it.
    Running,
    /// It has ended.
    Ended(Outcome),
}

/// How far a job is, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Bytes written so far.
    pub written: ByteLen,
    /// Bytes to write in all.
    pub total: ByteLen,
}

type Callback = Box<dyn FnOnce(Outcome) + Send>;

/// What a job is to be done with; taken by whoever begins or cancels it.
struct Task {
    planned: Move,
    callback: Option<Callback>,
}

struct Shared {
    state: Mutex<(Status, Option<Task>)>,
    ended: Condvar,
    written: AtomicU64,
    total: ByteLen,
}

impl Shared {
    /// No panic happens with the lock held: callbacks and moves run outside it.
    fn state(&self) -> MutexGuard<'_, (Status, Option<Task>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Option<Task> {
        let mut state = self.state();
        let task = state.1.take()?;
        debug_assert_eq!(state.0, Status::Waiting, "a job is begun once");
        state.0 = Status::Running;
        Some(task)
    }

    fn run(&self) {
        let Some(mut task) = self.begin() else { return };
        let mut progress = |written: ByteLen| self.written.store(written.0, Ordering::Relaxed);
        let ran = catch_unwind(AssertUnwindSafe(|| task.planned.run_with(&mut progress)));
        let outcome = match ran {
            Ok(Ok(done)) => Outcome::Done(done),
            Ok(Err(stopped)) => Outcome::Stopped(stopped),
            Err(_) => Outcome::Panicked,
        };
        self.end(task, outcome);
    }

    fn cancel(&self) -> bool {
        let Some(task) = self.begin() else { return false };
        self.end(task, Outcome::Cancelled);
        true
    }

    fn end(&self, task: Task, outcome: Outcome) {
        let Task { planned, callback } = task;
        drop(planned);
        self.state().0 = Status::Ended(outcome);
        if let Some(callback) = callback {
            // A callback that panics has told its own story; the worker and the waiters have nothing to do with it.
            let _ = catch_unwind(AssertUnwindSafe(|| callback(outcome)));
        }
        self.ended.notify_all();
    }
}

/// A move, ready to be submitted. Everything it will need is allocated. Dropped unsubmitted, it is never made.
pub struct Job(Arc<Shared>);

impl Job {
    /// A job that makes a move.
    pub fn new(planned: Move) -> Job {
        Job::build(planned, None)
    }

    /// A job that makes a move and then calls back, once, on whichever thread ended it (a worker, or the one that
    /// cancelled it).
    pub fn with_callback(planned: Move, callback: impl FnOnce(Outcome) + Send + 'static) -> Job {
        Job::build(planned, Some(Box::new(callback)))
    }

    fn build(planned: Move, callback: Option<Callback>) -> Job {
        let (writes, _) = planned.plan().uses();
        let total = if writes { planned.plan().bytes() } else { ByteLen(0) };
        Job(Arc::new(Shared {
            state: Mutex::new((Status::Waiting, Some(Task { planned, callback }))),
            ended: Condvar::new(),
            written: AtomicU64::new(0),
            total,
        }))
    }
}

/// The handle of a submitted job. Dropped, the job goes on.
#[derive(Clone)]
pub struct Completion(Arc<Shared>);

impl Completion {
    /// Sleeps until it has ended.
    pub fn wait(&self) -> Outcome {
        let mut state = self.0.state();
        loop {
            if let Status::Ended(outcome) = state.0 {
                return outcome;
            }
            state = self.0.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Where it is, at once.
    pub fn poll(&self) -> Status {
        self.0.state().0
    }

    /// Takes it back, if nobody has begun it; its callback runs here, with [`Outcome::Cancelled`]. Otherwise it says
    /// `false`, and changes nothing.
    pub fn cancel(&self) -> bool {
        self.0.cancel()
    }

    /// How far it is. Told every so many pages, and in full once it has ended well.
    pub fn progress(&self) -> Progress {
        Progress { written: ByteLen(self.0.written.load(Ordering::Relaxed)), total: self.0.total }
    }
}

struct Queue {
    jobs: Mutex<(VecDeque<Arc<Shared>>, bool)>,
    changed: Condvar,
    limit: usize,
}

impl Queue {
    /// No panic happens with the lock held: jobs run outside it.
    fn jobs(&self) -> MutexGuard<'_, (VecDeque<Arc<Shared>>, bool)> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `None` when the workers are to end.
    fn next(&self) -> Option<Arc<Shared>> {
        let mut jobs = self.jobs();
        loop {
            if jobs.1 {
                return None;
            }
            if let Some(job) = jobs.0.pop_front() {
                return Some(job);
            }
            jobs = self.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Threads that make moves, the first submitted first.
pub struct Workers {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// So many threads, and a queue that holds `limit` jobs that nobody has begun.
    ///
    /// # Errors
    /// [`Error::Os`] if a thread cannot be had, or for more than [`MAX_WORKERS`].
    pub fn new(threads: NonZeroUsize, limit: NonZeroUsize) -> Result<Workers, Error> {
        if threads.get() > MAX_WORKERS {
            // EAGAIN, as pthread_create() says it.
            return Err(Error::Os { call: "thread", errno: 11 });
        }
        let limit = limit.get();
        let queue = Arc::new(Queue {
            jobs: Mutex::new((VecDeque::with_capacity(limit), false)),
            changed: Condvar::new(),
            limit,
        });
        let mut workers = Workers { queue, threads: Vec::with_capacity(threads.get()) };
        for i in 0..threads.get() {
            let queue = Arc::clone(&workers.queue);
            let run = move || {
                while let Some(job) = queue.next() {
                    job.run();
                }
            };
            let spawned = std::thread::Builder::new().name(format!("page-copy/{i}")).spawn(run);
            let failed = |e: std::io::Error| Error::Os { call: "thread", errno: e.raw_os_error().unwrap_or(0) };
            workers.threads.push(spawned.map_err(failed)?);
        }
        Ok(workers)
    }

    /// Queues a job.
    ///
    /// # Errors
    /// [`Error::QueueFull`], with the job, to be tried again.
    pub fn submit(&self, job: Job) -> Result<Completion, (Error, Job)> {
        let mut jobs = self.queue.jobs();
        if jobs.0.len() == self.queue.limit {
            return Err((Error::QueueFull { limit: self.queue.limit }, job));
        }
        let completion = Completion(Arc::clone(&job.0));
        jobs.0.push_back(job.0);
        drop(jobs);
        self.queue.changed.notify_one();
        Ok(completion)
    }
}

impl Drop for Workers {
    /// Ends what runs, cancels what waits.
    fn drop(&mut self) {
        self.queue.jobs().1 = true;
        self.queue.changed.notify_all();
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            debug_assert!(ended.is_ok(), "a worker catches every panic");
        }
        loop {
            let Some(job) = self.queue.jobs().0.pop_front() else { break };
            job.cancel();
        }
    }
}
