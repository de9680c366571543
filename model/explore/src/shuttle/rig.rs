//! Scripts on shuttle's threads: one thread each, one kernel step between two scheduling points.
//!
//! ```text
//!   shuttle                Rig (a Scheduler)             director               thread i
//!   next_task ───────────> next(state) ────────────────> action of thread i
//!            <──────────── task i + 1
//!   switch ──────────────────────────────────────────────────────────────────> step(action) on the board, yield
//! ```
//!
//! An execution ends when the director says so: every thread then returns at its next turn. It is not abandoned
//! (`None` from the scheduler), because shuttle leaks the stacks of an abandoned execution's threads.

use fenceweave_kernel::{Action, Cover, Program, State, memory::bytes::Bytes};
use shuttle::{
    Config, FailurePersistence, MaxSteps, Runner,
    scheduler::{Schedule, Scheduler, Task, TaskId},
};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Executions between two looks of the watcher.
const BATCH: u32 = 256;
/// Room for a kernel step in a debug build, where every step is checked.
const STACK_BYTES: usize = 256 << 10;

/// Where an execution stands.
pub(crate) struct At {
    /// The modelled system.
    pub(crate) state: State,
    /// The steps taken so far.
    pub(crate) steps: Vec<Action>,
    /// Some step of some execution could not be told from others by what was merged into them.
    pub(crate) unfit: bool,
    /// How often each instruction was come to, if somebody asks.
    pub(crate) cover: Option<Cover>,
}

/// What shuttle offers at a scheduling point, for directors that pass the decision on to one of its schedulers.
pub(super) struct Offer<'a> {
    pub(super) runnable: &'a [&'a Task],
    pub(super) current: Option<TaskId>,
}

/// Decides what happens in each execution.
pub(super) trait Director: Send + 'static {
    /// Whether there is another execution. It starts from `at`: the initial state, if the director does not go on from
    /// another one that it knows steps to.
    fn begin(&mut self, program: &Program, at: &mut At) -> bool;
    /// The next step; `None` ends the execution.
    fn next(&mut self, program: &Program, at: &mut At, offer: &Offer<'_>) -> Option<Action>;
}

/// What the scheduler and the threads share.
struct Board<D> {
    program: Program,
    initial: State,
    at: At,
    /// The step that the thread about to run has to take; none ends it.
    action: Option<Action>,
    over: bool,
    exhausted: bool,
    /// Always there until [`run`] takes it back.
    director: Option<D>,
}

type Shared<D> = Arc<Mutex<Board<D>>>;

/// A step that panics poisons the board; what it holds is then only read for the report.
fn lock<D>(board: &Shared<D>) -> MutexGuard<'_, Board<D>> {
    board.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<D: Director> Board<D> {
    fn begin(&mut self) -> bool {
        self.at.state.copy_from(&self.initial, &self.program);
        self.at.steps.clear();
        let more = self.director.as_mut().is_some_and(|d| d.begin(&self.program, &mut self.at));
        self.exhausted = !more;
        (self.action, self.over) = (None, false);
        more
    }

    fn decide(&mut self, offer: &Offer<'_>) -> Option<TaskId> {
        if !self.over {
            let director = self.director.as_mut();
            self.action = director.and_then(|d| d.next(&self.program, &mut self.at, offer));
            self.over = self.action.is_none();
        }
        match self.action {
            Some(action) => Some(TaskId::from(action.thread.index() + 1)),
            None => offer.runnable.first().map(|t| t.id()),
        }
    }

    /// Takes the step that was decided; false if the execution is over.
    fn step(&mut self) -> bool {
        let Some(action) = self.action.take() else { return false };
        self.at.steps.push(action);
        self.at.unfit |= self.at.state.step_covering(&self.program, action, self.at.cover.as_mut()).unfit;
        true
    }
}

/// Shuttle's view of a director.
struct Rig<D> {
    board: Shared<D>,
    left: u32,
}

impl<D: Director> Scheduler for Rig<D> {
    fn new_execution(&mut self) -> Option<Schedule> {
        self.left = self.left.checked_sub(1)?;
        lock(&self.board).begin().then(|| Schedule::new(0))
    }

    fn next_task(&mut self, runnable: &[&Task], current: Option<TaskId>, _yielding: bool) -> Option<TaskId> {
        // Shuttle's main thread is not ours: it starts the others, waits for all of them, and ends.
        if let Some(main) = runnable.iter().map(|t| t.id()).find(|t| usize::from(*t) == 0) {
            return Some(main);
        }
        lock(&self.board).decide(&Offer { runnable, current })
    }

    fn next_u64(&mut self) -> u64 {
        0
    }
}

/// What shuttle's main thread does: all scripts, each on a thread of its own.
fn execute<D: Director>(board: &Shared<D>, threads: usize) {
    shuttle::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                // Being scheduled for the first time is a scheduling point too, so the step comes before the yield.
                while lock(board).step() {
                    shuttle::thread::yield_now();
                }
            });
        }
    });
}

/// Runs executions until the director has no more; `watch` is called now and then.
pub(super) fn run<D: Director>(program: &Program, director: D, watch: impl FnMut(&D)) -> D {
    run_from(State::initial(program), program, director, watch)
}

/// The same, from a state after setup that merges quiet accesses or does not.
pub(super) fn run_from<D: Director>(initial: State, program: &Program, director: D, mut watch: impl FnMut(&D)) -> D {
    // A director is asked from a thread's turn, so there is one even if there is no script.
    let threads = program.scripts.len().max(1);
    let board = Board {
        program: program.clone(),
        initial: initial.clone(),
        at: At { state: over_real_memory(initial, program), steps: vec![], unfit: false, cover: None },
        action: None,
        over: false,
        exhausted: false,
        director: Some(director),
    };
    let board: Shared<D> = Arc::new(Mutex::new(board));
    loop {
        let (rig, shared) = (Rig { board: board.clone(), left: BATCH }, board.clone());
        let batch = AssertUnwindSafe(|| Runner::new(rig, config()).run(move || execute(&shared, threads)));
        let result = catch_unwind(batch);
        let mut board = lock(&board);
        if let Err(payload) = result {
            panic!("{}", describe(payload.as_ref(), &board));
        }
        match board.director.take() {
            Some(d) if board.exhausted => return d,
            Some(d) => {
                watch(&d);
                board.director = Some(d);
            }
            None => unreachable!("[internal bug] the director was taken away"),
        }
    }
}

/// A state whose frames have real memory behind them.
fn over_real_memory(mut state: State, program: &Program) -> State {
    state.world.set_bytes(Bytes::of(program));
    state
}

fn config() -> Config {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::None;
    config.silence_warnings = true;
    config
}

/// What went wrong and after which steps, for whoever has to reproduce it.
fn describe<D>(payload: &(dyn Any + Send), board: &Board<D>) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or(payload.downcast_ref::<&str>().copied()).unwrap_or("a step failed");
    let mut schedule = String::new();
    for action in &board.at.steps {
        schedule += " ";
        schedule += board.program.thread_name(action.thread);
        if action.choice != 0 {
            schedule += &format!("={}", action.choice);
        }
    }
    format!("{text}\nin program {} after the schedule:{schedule}", board.program.name)
}
