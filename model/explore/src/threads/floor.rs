//! What the threads of a run have in common besides the modelled memory: the objects' locks, and who waits.

use super::lock;
use fenceweave_kernel::{ObjId, ThreadId};
use std::{
    hint,
    sync::{
        Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Turns of its loop after which who waits for a lock lets others run: its holder may be one of them.
const PATIENCE: u32 = 100;

/// The spinlock of an object, held from the kernel's `enter` to the end of the step.
#[derive(Default)]
pub(super) struct Gate(AtomicBool);

impl Gate {
    pub(super) fn take(&self) {
        let mut turns = 0u32;
        while self.0.swap(true, Ordering::Acquire) {
            while self.0.load(Ordering::Relaxed) {
                turns += 1;
                if turns.is_multiple_of(PATIENCE) { thread::yield_now() } else { hint::spin_loop() }
            }
        }
    }

    pub(super) fn release(&self) {
        self.0.store(false, Ordering::Release);
    }
}

/// What a thread is doing, as far as the end of the run is concerned.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    /// Taking steps, or waiting with a timeout.
    Running,
    /// Holding still until it is let go on.
    Waiting,
    /// Nothing any more.
    Gone,
}

/// A thread's entry.
#[derive(Clone, Copy)]
struct Place {
    doing: Doing,
    /// How often it may go on still, and when it was last told.
    tokens: u32,
    told: Option<Instant>,
}

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Woken {
    /// It was let go on, so long ago; it has not waited if there is none.
    Told(Option<Duration>),
    /// Its time was over.
    Late,
    /// The run is over.
    Over,
}

/// Shared by the threads of a pool.
pub(super) struct Floor {
    gates: Vec<Gate>,
    /// What all frames hold.
    frames: Gate,
    places: Mutex<Vec<Place>>,
    bells: Vec<Condvar>,
    over: AtomicBool,
    stuck: AtomicBool,
}

impl Floor {
    /// For so many objects and threads.
    pub(super) fn new(objects: usize, threads: usize) -> Floor {
        let place = Place { doing: Doing::Running, tokens: 0, told: None };
        Floor {
            gates: (0..objects).map(|_| Gate::default()).collect(),
            frames: Gate::default(),
            places: Mutex::new(vec![place; threads]),
            bells: (0..threads).map(|_| Condvar::new()).collect(),
            over: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
        }
    }

    /// A run begins.
    pub(super) fn restart(&self) {
        let mut places = lock(&self.places);
        places.iter_mut().for_each(|p| *p = Place { doing: Doing::Running, tokens: 0, told: None });
        self.gates.iter().for_each(Gate::release);
        self.frames.release();
        self.over.store(false, Ordering::Relaxed);
        self.stuck.store(false, Ordering::Relaxed);
    }

    /// The lock of an object.
    pub(super) fn gate(&self, object: ObjId) -> &Gate {
        &self.gates[object.as_object().expect("[internal bug] only objects have a lock")]
    }

    /// The lock of what all frames hold.
    pub(super) fn frames(&self) -> &Gate {
        &self.frames
    }

    /// Whether the run is over: nothing counts any more.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Whether it is over because nobody could go on.
    pub(super) fn is_at_rest(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    /// Sends everybody home.
    pub(super) fn end(&self) {
        // Under the lock, so that nobody is between his look and his sleep.
        let _places = lock(&self.places);
        self.over.store(true, Ordering::Relaxed);
        self.bells.iter().for_each(Condvar::notify_all);
    }

    /// Lets a thread go on, if it waits; if it does not, it will not wait the next time.
    pub(super) fn let_go(&self, t: ThreadId) {
        let mut places = lock(&self.places);
        let place = &mut places[t.index()];
        place.tokens += 1;
        if place.doing == Doing::Waiting {
            place.told = Some(Instant::now());
        }
        drop(places);
        self.bells[t.index()].notify_one();
    }

    /// Holds still until the thread is let go on, or so long.
    pub(super) fn wait(&self, me: ThreadId, most: Option<Duration>) -> Woken {
        let (at, until) = (me.index(), most.map(|most| Instant::now() + most));
        let mut places = lock(&self.places);
        if most.is_none() {
            places[at].doing = Doing::Waiting;
            self.end_if_nobody_can_run(&places);
        }
        while places[at].tokens == 0 && !self.is_over() {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            places = match left {
                Some(Duration::ZERO) => return Woken::Late,
                Some(left) => self.bells[at].wait_timeout(places, left).unwrap_or_else(|e| e.into_inner()).0,
                None => self.bells[at].wait(places).unwrap_or_else(|e| e.into_inner()),
            };
        }
        if self.is_over() {
            return Woken::Over;
        }
        let place = &mut places[at];
        place.tokens -= 1;
        place.doing = Doing::Running;
        Woken::Told(place.told.take().map(|told| told.elapsed()))
    }

    /// A thread has nothing left to do.
    pub(super) fn leave(&self, me: ThreadId) {
        let mut places = lock(&self.places);
        places[me.index()].doing = Doing::Gone;
        self.end_if_nobody_can_run(&places);
    }

    /// Nobody is inside of a step then, and nobody will let anybody go on.
    fn end_if_nobody_can_run(&self, places: &[Place]) {
        let idle = |p: &Place| match p.doing {
            Doing::Running => false,
            Doing::Waiting => p.tokens == 0,
            Doing::Gone => true,
        };
        if !self.is_over() && places.iter().all(idle) {
            self.stuck.store(true, Ordering::Relaxed);
            self.over.store(true, Ordering::Relaxed);
            self.bells.iter().for_each(Condvar::notify_all);
        }
    }
}
