//! `delayed_fput()`: the last `fput()` of who never comes back to user space.
//!
//! ```text
//!   fput            llist_add(delayed_fput_list), schedule_delayed_work(delayed_fput_work)
//!   delayed_fput    llist_del_all(), then __fput() of each, the last one added first
//! ```
//!
//! A kernel thread, a worker and an interrupt leave their files to one work item of the kernel's own
//! (`fs/file_table.c`, 6.12). It sleeps while there are none.

use super::{Mutant, comes_back};
use crate::{
    Call, Code, Coder, Context, Cx, Flow, Footprint, Handle, ObjId, Patience, Plain, Program, Property, Runtime,
    SharedCell, Then, Value, View,
    coder::{fields, points},
    cx::works::TaskWorks,
    facet::{Facet, FacetSink},
    ground::kind::{Born, Declared, KindRow, Waited},
    primitives::slab::{self, SlabOp},
    protocol::Protocol,
    shared::Shared,
};

/// `delayed_fput_list`; there is one if anybody may need it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DelayedFput;

impl Declared for DelayedFput {
    const ROW: KindRow = KindRow {
        waited: Waited::Runner,
        runs_out: "for more than 4 files that wait for delayed_fput()",
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = Files<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> Files<R> {
        Files { files: R::Cell::new(TaskWorks::default(), born.id) }
    }
}

/// The files on it.
#[derive(Clone)]
pub struct Files<R: Runtime> {
    files: R::Cell<TaskWorks>,
}

impl Copy for Files<Plain> {}

impl<R: Runtime> Shared<R> for Files<R> {
    fn facets(&self, sink: FacetSink<'_>) {
        sink("files", Facet::Word(self.files.peek().all().len() as i32));
    }
}

impl Code for Files<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        self.files.code(c);
    }
}

/// Leaves a file to the work item.
pub(crate) fn delay<R: Runtime>(cx: &mut Cx<'_, R>, file: Handle) -> Flow {
    let Some((list, agent)) = cx.program.delayed_fput else {
        debug_assert!(false, "[internal bug] a file is left to nobody");
        return Flow::Done(Value::Word(1));
    };
    let held = cx.enter(list);
    let mut files = cx.delayed_fput(list).files.get(held);
    if !files.push(file) {
        cx.violate(Property::CAPACITY_EXCEEDED, Some(list));
    }
    cx.delayed_fput(list).files.set(held, files);
    if !cx.mutated(Mutant::DelayedNotScheduled) {
        cx.wake(agent);
    }
    Flow::Done(Value::Word(1))
}

/// What [`delay`] touches.
pub(crate) fn delay_footprint(program: &Program) -> Footprint {
    let touched = program.delayed_fput;
    touched.map_or(Footprint::NONE, |(list, agent)| Footprint::writes(list).write(ObjId::task(agent)))
}

/// Whether a file whose last reference goes is left to the work item.
pub(crate) fn is_left<R: Runtime>(cx: &Cx<'_, R>) -> bool {
    cx.program.delayed_fput.is_some() && !comes_back(cx)
}

points! {
    /// Where the work item is.
    enum At {
        /// `llist_del_all()`, or nothing to do.
        Take = "delayed_fput",
        /// `__fput()` of one of them.
        Put = "__fput",
    }
}

/// The work item, again and again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DelayedOp {
    at: At,
    list: ObjId,
    file: Handle,
}

fields!(DelayedOp { at, list, file });

impl DelayedOp {
    pub(crate) const BLANK: DelayedOp = DelayedOp::new(ObjId::object(0));

    pub(super) const fn new(list: ObjId) -> DelayedOp {
        DelayedOp { at: At::Take, list, file: Handle::NONE }
    }

    fn take<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let held = cx.enter(self.list);
        let mut files = cx.delayed_fput(self.list).files.get(held);
        if files.is_empty() {
            cx.set_sleeping(Patience::Forever);
            return Flow::Sleep(self.list, Patience::Forever);
        }
        cx.set_running();
        (self.file, self.at) = (files.pop(), At::Put);
        cx.delayed_fput(self.list).files.set(held, files);
        Flow::Go
    }

    fn put<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let file = std::mem::replace(&mut self.file, DelayedOp::BLANK.file);
        self.at = At::Take;
        match cx.program.release_of(file.obj) {
            Some(callee) => {
                let args = [Value::Ref(file), Value::Unset];
                Flow::Call(Call { callee, args, context: Context::Caller, then: Then::Resume })
            }
            None => {
                let _ = SlabOp::new(slab::At::Release, file).step(cx);
                Flow::Go
            }
        }
    }
}

impl Protocol for DelayedOp {
    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match self.at {
            At::Take => self.take(cx),
            At::Put => self.put(cx),
        }
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        match self.at {
            At::Take => Footprint::writes(self.list).write(v.my_task()),
            At::Put if v.program.release_of(self.file.obj).is_some() => Footprint::NONE,
            At::Put => SlabOp::new(slab::At::Release, self.file).footprint(v),
        }
    }

    fn label(&self) -> &'static str {
        self.at.label()
    }
}
