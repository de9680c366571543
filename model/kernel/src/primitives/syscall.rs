//! System calls: what is done on the way back to user space.
//!
//! ```text
//!   fput                       the last reference: task_work_add(), the release comes later
//!   task_work_add              onto current->task_works
//!   exit_to_user_mode_loop     task_work_run(): each of them, the last one added first, until there is none
//!   lockdep_sys_exit           no lock may be held
//!   … user space …             from which a thread may never come back
//! ```
//!
//! As `kernel/task_work.c` and `fs/file_table.c` of 6.12. What a task does to itself nobody else sees, so the list of
//! works is the thread's own (`cx/works.rs`); another task's works are left out. Who never comes back to user space
//! leaves a file to the work item of `delayed_fput()` (`delayed`).

pub mod delayed;
pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub(crate) use mutants::Mutant;

use crate::{
    AtomicCell, Code, Coder, Context, Cx, Flow, Footprint, Handle, Order, Plain, Property, Rule, Runtime, ThreadId,
    Value, View,
    coder::{fields, points},
    cx::{Call, Then, check_back_in_user_space},
    facet::{Facet, FacetSink},
    fixed,
    ground::functions::functions,
    primitives::slab::{self, SlabOp},
    property::Form,
    protocol::Protocol,
    shared::{Lost, Shared, renewed},
};

/// A `struct callback_head` for `task_work_add()`. The kernel's has nothing that says that it is on a list; who adds it
/// a second time writes the link that the first one wrote, so whether it is queued is a word.
#[derive(Clone)]
pub struct TaskWork<R: Runtime> {
    queued: R::Atomic<u8>,
}

impl Copy for TaskWork<Plain> {}

impl<R: Runtime> TaskWork<R> {
    pub(crate) fn new() -> Self {
        TaskWork { queued: R::Atomic::new(0) }
    }
}

impl<R: Runtime> Shared<R> for TaskWork<R> {
    renewed!(TaskWork { queued: atomic });

    /// The task's list goes through it. One that runs is off that already, and may free what it is inside of.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        Lost::when(Form::FREED_TASK_WORK, self.queued.peek() != 0)
    }

    fn facets(&self, sink: FacetSink<'_>) {
        sink("queued", Facet::Flag(self.queued.peek() != 0));
    }
}

impl Code for TaskWork<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        c.byte(&mut self.queued.0);
    }
}

points! {
    /// Where a thread is on its way into a system call and out of it.
    pub(crate) enum At {
        /// It is in the kernel from here on.
        Enter = "system call",
        /// Whether there are works to run.
        Pending = "task_work_pending",
        /// `task_work_run()`: the next of them.
        Run = "task_work_run",
        /// `lockdep_sys_exit()`.
        Leave = "lockdep_sys_exit",
        /// User space comes back with another system call, or never.
        Away = "in user space",
        /// `task_work_add()`.
        Add = "task_work_add",
    }
}

functions! {
    /// What a thread does there.
    pub enum How begins at At {
        /// It is in the kernel from here on.
        Enter,
        /// Whether there are works to run: 1 or 0.
        Pending,
        /// `task_work_run()`.
        Run,
        /// `lockdep_sys_exit()`.
        Leave,
        /// Whether user space stays away: 1 or 0.
        Away,
        /// `task_work_add()`.
        Add,
    }
}

/// A step into a system call or out of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SyscallOp {
    at: At,
    work: Handle,
}

fields!(SyscallOp { at, work });

impl SyscallOp {
    pub(crate) const BLANK: SyscallOp = SyscallOp { at: At::Enter, work: Handle::NONE };

    fn add<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        let obj = self.work.obj;
        let was = cx.task_work(obj).queued.swap(1, Order::Relaxed);
        if was != 0 && !cx.mutated(Mutant::AddTwice) {
            return cx.violate_rule(Rule::TASK_WORK_TWICE, Some(obj));
        }
        add_work(cx, self.work);
    }

    /// The next of the works: a file whose last reference is gone is released, any other one is called.
    fn run<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> Flow {
        if cx.private.works.is_empty() {
            return Flow::Done(Value::Word(0));
        }
        let work = cx.private.works.pop();
        let callee = match cx.program.fixed::<fixed::TaskWork>(work.obj) {
            Some(declared) => {
                cx.task_work(work.obj).queued.store(0, Order::Relaxed);
                match declared.func {
                    None => return Flow::Go,
                    func => func,
                }
            }
            None => cx.program.release_of(work.obj),
        };
        match callee {
            Some(callee) => {
                let args = [Value::Ref(work), Value::Unset];
                Flow::Call(Call { callee, args, context: Context::Caller, then: Then::Resume })
            }
            None => {
                let _ = SlabOp::new(slab::At::Release, work).step(cx);
                Flow::Go
            }
        }
    }
}

/// `fput()` of the last reference: `__fput()` comes on the way back to user space.
pub(crate) fn release_later<R: Runtime>(cx: &mut Cx<'_, R>, file: Handle) -> Flow {
    add_work(cx, file);
    Flow::Done(Value::Word(1))
}

/// `!in_interrupt() && !(current->flags & PF_KTHREAD)`: it is in a system call, to whose end something can be put off.
fn comes_back<R: Runtime>(cx: &Cx<'_, R>) -> bool {
    cx.private.syscall > 0 && !cx.private.in_interrupt()
}

fn add_work<R: Runtime>(cx: &mut Cx<'_, R>, work: Handle) {
    if !comes_back(cx) || !cx.private.works.push(work) {
        // The operation says what there is no room for.
        cx.violate(Property::CAPACITY_EXCEEDED, None);
    }
}

impl Protocol for SyscallOp {
    const CHOOSES: bool = true;

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let result = match self.at {
            At::Enter => {
                cx.private.syscall = 1;
                0
            }
            At::Pending => i32::from(!cx.private.works.is_empty() && !cx.mutated(Mutant::RunsNothing)),
            At::Run => return self.run(cx),
            At::Leave => {
                check_back_in_user_space(cx);
                cx.private.syscall = 0;
                0
            }
            At::Away => i32::from(cx.choose(2)),
            At::Add => {
                self.add(cx);
                0
            }
        };
        Flow::Done(Value::Word(result))
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::Add => Footprint::writes(self.work.obj),
            At::Away => Footprint::NONE.ways(2),
            At::Run => match v.private.works.next() {
                None => Footprint::NONE,
                Some(work) if v.program.is::<fixed::TaskWork>(work.obj) => Footprint::writes(work.obj),
                Some(work) if v.program.release_of(work.obj).is_some() => Footprint::NONE,
                Some(work) => SlabOp::new(slab::At::Release, work).footprint(v),
            },
            At::Enter | At::Pending | At::Leave => Footprint::NONE,
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }

    fn is_visible(&self) -> bool {
        !matches!(self.at, At::Enter | At::Pending | At::Leave)
    }
}
