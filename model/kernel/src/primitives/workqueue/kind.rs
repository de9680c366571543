//! What is fixed about work: who runs it, and in which order.

use crate::{
    Kind, ObjId, Runtime, ThreadId,
    ground::kind::{Born, DeclRow, Declared, Function, KindRow, Waited},
    ground::op::{Takes, flag, option},
};
use std::fmt;

/// `struct work_struct`.
#[derive(Clone, PartialEq, Eq)]
pub struct Work {
    /// Who runs it.
    pub runner: Runner,
    /// Its queue.
    pub queue: ObjId,
}

/// Who runs an item, and what that does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runner {
    /// A thread of its own, whose script is its function.
    Own(ThreadId),
    /// Whichever worker of its queue comes to it, which calls this; nothing before `INIT_WORK()` says what.
    Worker(Option<Function>),
}

/// The workers of a queue: agents, one after the other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Workers {
    /// The first of them.
    pub first: ThreadId,
    /// How many there are: so many of its items run at once (`max_active`).
    pub count: u8,
    /// On whose CPU timers of its delayed items expire, if it has such items.
    pub timer: Option<ThreadId>,
    /// Those items.
    pub delayed: Vec<ObjId>,
}

impl Workers {
    /// So many, whoever they are.
    pub fn of(count: u8) -> Workers {
        Workers { first: ThreadId(0), count, timer: None, delayed: vec![] }
    }

    /// Each of them.
    pub fn each(&self) -> impl Iterator<Item = ThreadId> + use<> {
        let first = self.first.0;
        (0..self.count).map(move |n| ThreadId(first + n))
    }
}

/// What is shown of an item.
const FACETS: &[&str] = &["pending", "running", "delayed", "disabled"];

impl Work {
    /// Both kinds are printed alike: tokens of replays are hashes of it, and stay what they were.
    fn print(&self, f: &mut fmt::Formatter<'_>, delayed: bool) -> fmt::Result {
        let Work { runner, queue } = self;
        let worker: &dyn fmt::Debug = match runner {
            Runner::Own(worker) => worker,
            Runner::Worker(function) => function,
        };
        f.debug_struct("Work").field("worker", worker).field("queue", queue).field("delayed", &delayed).finish()
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.print(f, false)
    }
}

impl fmt::Debug for DelayedWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.work.print(f, true)
    }
}

impl Declared for Work {
    const ROW: KindRow = KindRow {
        name: "work",
        one: "a work",
        init: "INIT_WORK()",
        facets: FACETS,
        waited: Waited::Run("queue"),
        event: true,
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Work<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Work<R> {
        super::Work::new(born.program.pool_of(self.queue))
    }

    fn runs(&self) -> Option<ThreadId> {
        match self.runner {
            Runner::Own(worker) => Some(worker),
            Runner::Worker(_) => None,
        }
    }

    fn function(&self) -> Option<Function> {
        match self.runner {
            Runner::Own(_) => None,
            Runner::Worker(function) => function,
        }
    }

    fn queue(&self) -> Option<ObjId> {
        Some(self.queue)
    }
}

/// `struct delayed_work`: it has a timer, too.
#[derive(Clone, PartialEq, Eq)]
pub struct DelayedWork {
    /// The item that the timer queues.
    pub work: Work,
}

impl Declared for DelayedWork {
    const ROW: KindRow = KindRow {
        name: "delayed-work",
        one: "a delayed-work",
        init: "INIT_DELAYED_WORK()",
        facets: FACETS,
        waited: Waited::Run("queue"),
        event: true,
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Work<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Work<R> {
        self.work.begin(born)
    }

    fn runs(&self) -> Option<ThreadId> {
        self.work.runs()
    }

    fn function(&self) -> Option<Function> {
        self.work.function()
    }

    fn queue(&self) -> Option<ObjId> {
        self.work.queue()
    }
}

/// `struct workqueue_struct`.
#[derive(Clone, PartialEq, Eq)]
pub struct Workqueue {
    /// One item at a time, in the order in which they were queued.
    pub ordered: bool,
    /// Those who run its items; none where each item has a thread of its own.
    pub workers: Option<Workers>,
}

impl fmt::Debug for Workqueue {
    /// Without workers it is printed as it was before there were any: tokens of replays are hashes of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Workqueue");
        shown.field("ordered", &self.ordered);
        self.workers.iter().for_each(|workers| {
            shown.field("workers", workers);
        });
        shown.finish()
    }
}

/// Most workers of one queue.
pub const MAX_WORKERS: u8 = 8;

impl Declared for Workqueue {
    const ROW: KindRow = KindRow {
        name: "workqueue",
        one: "a workqueue",
        facets: &["queued"],
        waited: Waited::Run("queue"),
        decls: &[DeclRow {
            name: "workqueue",
            kind: Some(Kind::Workqueue),
            options: &[
                flag("ordered", "its items run one at a time, in the order in which they were queued"),
                option(
                    "workers",
                    Takes::Number { min: 1, max: MAX_WORKERS as i32 },
                    "so many threads run its items, whichever may run next (`max_active`), and the items have none; \
                     without it an item with a block has a thread of its own, and a queue of items with `fn=` has as \
                     many workers as items, one if it is ordered",
                ),
            ],
            meaning: "a queue of work items",
            kernel: "struct workqueue_struct",
            make: Some(|args| {
                let workers = args.byte("workers", 0);
                let workers = (workers > 0).then(|| Workers::of(workers));
                Workqueue { ordered: args.flag("ordered"), workers }.into()
            }),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Workqueue<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Workqueue<R> {
        super::Workqueue::new(born.program.pool_of(born.id))
    }
}
