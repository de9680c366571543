//! What is fixed about a wait queue: nothing.

use crate::{
    Kind, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, Waited},
};

/// `wait_queue_head_t`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WaitQueue;

impl Declared for WaitQueue {
    const ROW: KindRow = KindRow {
        name: "wait-queue",
        one: "a wait-queue",
        init: "init_waitqueue_head()",
        sample: Some(("q", "")),
        facets: &["waiters"],
        waited: Waited::Deed("wake"),
        event: true,
        decls: &[DeclRow {
            name: "wait-queue",
            kind: Some(Kind::WaitQueue),
            options: &[],
            meaning: "a queue of sleepers",
            kernel: "wait_queue_head_t",
            make: Some(|_| WaitQueue.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::WaitQueue<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::WaitQueue<R> {
        super::WaitQueue::new(born.id)
    }
}
