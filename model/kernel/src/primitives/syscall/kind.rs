//! What is fixed about a task work: what it calls.

use crate::{
    Kind, Runtime,
    ground::{
        ids::CalleeId,
        kind::{Born, DeclRow, Declared, KindRow},
        op::{Takes, option},
    },
};

/// `struct callback_head`, of a task.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TaskWork {
    /// What is called with it.
    pub func: Option<CalleeId>,
}

impl Declared for TaskWork {
    const ROW: KindRow = KindRow {
        name: "task-work",
        one: "a task-work",
        init: "init_task_work()",
        sample: Some(("tw", "")),
        facets: &["queued"],
        decls: &[DeclRow {
            name: "task-work",
            kind: Some(Kind::TaskWork),
            options: &[option("fn", Takes::Proc(1), "the function that is called with it")],
            meaning: "what a thread puts off to the end of the system call that it is in",
            kernel: "struct callback_head",
            make: Some(|_| TaskWork { func: None }.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::TaskWork<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::TaskWork<R> {
        super::TaskWork::new()
    }

    fn calls(&self) -> Option<CalleeId> {
        self.func
    }
}
