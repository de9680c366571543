//! What is fixed about work: who runs it, and in which order.

use crate::{
    Kind, ObjId, Runtime, ThreadId,
    ground::kind::{Born, DeclRow, Declared, KindRow, Waited},
    ground::op::flag,
};
use std::fmt;

/// `struct work_struct`.
#[derive(Clone, PartialEq, Eq)]
pub struct Work {
    /// The worker that runs it.
    pub worker: ThreadId,
    /// Its queue.
    pub queue: ObjId,
}

/// What is shown of an item.
const FACETS: &[&str] = &["pending", "running", "delayed", "disabled"];

impl Work {
    /// Both kinds are printed alike: tokens of replays are hashes of it, and stay what they were.
    fn print(&self, f: &mut fmt::Formatter<'_>, delayed: bool) -> fmt::Result {
        let Work { worker, queue } = self;
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
        facets: FACETS,
        waited: Waited::Run("queue"),
        event: true,
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Work<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::Work<R> {
        super::Work::new(self.queue)
    }

    fn runs(&self) -> Option<ThreadId> {
        Some(self.worker)
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

    fn queue(&self) -> Option<ObjId> {
        self.work.queue()
    }
}

/// `struct workqueue_struct`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Workqueue {
    /// One item at a time, in the order in which they were queued.
    pub ordered: bool,
}

impl Declared for Workqueue {
    const ROW: KindRow = KindRow {
        name: "workqueue",
        one: "a workqueue",
        facets: &["queued"],
        decls: &[DeclRow {
            name: "workqueue",
            kind: Some(Kind::Workqueue),
            options: &[flag("ordered", "its items run one at a time, in the order in which they were queued")],
            meaning: "a queue of work items",
            kernel: "struct workqueue_struct",
            make: Some(|args| Workqueue { ordered: args.flag("ordered") }.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Workqueue<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Workqueue<R> {
        super::Workqueue::new(born.id)
    }
}
