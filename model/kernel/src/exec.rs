//! `struct drm_exec`: locking a set of reservations that is found out on the way, with a back-off that starts the whole
//! block again.
//!
//! ```text
//!   drm_exec_init
//!   until_all_locked:                       drm_exec_cleanup: first time: begin the ctx, go in
//!       drm_exec_lock_obj(a) ──┐                              contended:  unlock all, go in again
//!       retry_on_contention  ──┤ -EDEADLK                     else:       ctx done, go on behind
//!       drm_exec_prepare_obj(b)┘
//!   drm_exec_fini                           unlock all, newest first; end the ctx
//! ```
//!
//! After -EDEADLK the object is remembered; the first lock of the next round takes it first, by `dma_resv_lock_slow()`,
//! and whoever then asks for it has it already. The set is on its owner's stack: no other task looks at it. References
//! to the objects are not modelled, a reservation lives as long as the scenario.

mod array;
pub(crate) mod idioms;
pub mod kind;
mod mutants;
pub mod ops;
pub(crate) mod rules;

pub use array::PrepareArray;

pub(crate) use mutants::Mutant;

use crate::{
    Code, Coder, Cx, Errno, Family, Flow, Footprint, MAX_THREADS, ObjId, Plain, Property, Rule, Runtime, Standing,
    ThreadId, Value, View,
    coder::{fields, points},
    facet::{Facet, FacetSink},
    ground::few::Few,
    parts::parts,
    protocol::Protocol,
    resv::Reserve,
    runtime::NoteCell,
    shared::{Lost, Shared, renewed},
    ww::{self, CtxHow, CtxOp, Lock, Unlock},
};

/// Most objects of one set.
pub const MAX_LOCKED: usize = 24;

/// What the next round has to begin with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Contended {
    /// `DRM_EXEC_DUMMY`: there was no round yet, and no context.
    #[default]
    Dummy,
    /// NULL.
    Nothing,
    /// -EDEADLK was about this reservation.
    On(ObjId),
}

impl Code for Contended {
    fn code<C: Coder>(&mut self, c: &mut C) {
        /// A reservation is no task, and this one is nobody's.
        const DUMMY: ObjId = ObjId::task(ThreadId(MAX_THREADS as u8));
        let mut on = match self {
            Contended::Dummy => DUMMY,
            Contended::Nothing => ObjId::NONE,
            Contended::On(resv) => *resv,
        };
        on.code(c);
        *self = match on {
            DUMMY => Contended::Dummy,
            ObjId::NONE => Contended::Nothing,
            resv => Contended::On(resv),
        };
    }
}

/// `enum drm_exec_flags`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flags {
    /// `DRM_EXEC_IGNORE_DUPLICATES`: -EALREADY is success.
    pub ignore_duplicates: bool,
    /// `DRM_EXEC_INTERRUPTIBLE_WAIT`.
    pub interruptible: bool,
}

fields!(Flags { ignore_duplicates, interruptible });

/// What is in a set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Registers {
    /// Whose it is, from init to fini.
    task: Option<ThreadId>,
    flags: Flags,
    contended: Contended,
    /// Locked at the beginning of this round, and not asked for since.
    prelocked: Option<ObjId>,
    /// The reservations, in the order in which they were locked.
    objects: Few<ObjId, MAX_LOCKED>,
}

impl Registers {
    fn remove(&mut self, resv: ObjId) {
        self.objects.iter().position(|o| *o == resv).and_then(|at| self.objects.take(at));
    }
}

/// A `struct drm_exec`.
#[derive(Clone)]
pub struct Exec<R: Runtime> {
    registers: R::Note<Registers>,
}

impl Copy for Exec<Plain> {}

impl<R: Runtime> Exec<R> {
    pub(crate) fn new() -> Self {
        Exec { registers: R::Note::new(Registers::default()) }
    }

    /// Whose it is, from init to fini.
    pub(crate) fn task(&self) -> Option<ThreadId> {
        self.registers.get().task
    }
}

impl<R: Runtime> Shared<R> for Exec<R> {
    renewed!(Exec { registers: note });

    /// It has locks, or its context is open.
    fn lost(&self, _me: ThreadId) -> Option<Lost> {
        Lost::of_lock(self.task(), None)
    }

    fn facets(&self, sink: FacetSink<'_>) {
        let r = self.registers.get();
        if r.task.is_none() {
            return;
        }
        sink("num_objects", Facet::Word(r.objects.len() as i32));
        let contended = match r.contended {
            Contended::On(resv) => Some(resv),
            Contended::Dummy | Contended::Nothing => None,
        };
        sink("contended", Facet::Object(contended));
        sink("prelocked", Facet::Object(r.prelocked));
    }

    fn is_own_of(&self, t: ThreadId) -> bool {
        self.task() == Some(t)
    }
}

impl Code for Exec<Plain> {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let r = &mut self.registers.0;
        r.task.code(c);
        if r.task.is_none() {
            *r = Registers::default();
            return;
        }
        r.flags.code(c);
        r.contended.code(c);
        r.prelocked.code(c);
        r.objects.code(c);
    }
}

points! {
    /// What is done with a set of locks.
    pub enum How {
        /// `drm_exec_init()`.
        Init = "drm_exec_init",
        /// `drm_exec_cleanup()`: 1 if there is another round.
        Cleanup = "drm_exec_cleanup",
        /// `drm_exec_is_contended()`: 1 or 0.
        IsContended = "drm_exec_is_contended",
        /// `drm_exec_lock_obj()`.
        LockObj = "drm_exec_lock_obj",
        /// `drm_exec_prepare_obj()`: locks, and makes room for fences.
        PrepareObj = "drm_exec_prepare_obj",
        /// `drm_exec_unlock_obj()`.
        UnlockObj = "drm_exec_unlock_obj",
        /// `drm_exec_fini()`.
        Fini = "drm_exec_fini",
    }
}

parts! {
    /// What the operation is in the middle of; at first nothing, the first step decides.
    enum Inner, idle Begin {
        /// `drm_exec_lock_contended()`.
        LockContended(Lock) = Lock::new(ObjId::object(0), None, ww::How::Lock),
        Lock(Lock) = Lock::new(ObjId::object(0), None, ww::How::Lock),
        Unlock(Unlock, resv: ObjId = ObjId::object(0)) = Unlock::new(ObjId::object(0)),
        Reserve(Reserve) = Reserve::BLANK,
    }
}

/// An operation on a set in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExecOp {
    how: How,
    exec: ObjId,
    /// The reservation to lock or unlock; of the other operations, the set again.
    resv: ObjId,
    /// How much room `prepare` makes.
    slots: u8,
    flags: Flags,
    inner: Inner,
}

fields!(ExecOp { how, exec, resv, slots, flags, inner });

/// The context of a set.
fn ctx_of(program: &crate::Program, exec: ObjId) -> ObjId {
    program.fixed::<kind::Exec>(exec).map_or(exec, |e| e.ctx)
}

fn lock_of(program: &crate::Program, resv: ObjId) -> ObjId {
    program.resv_parts(resv).lock
}

impl ExecOp {
    pub(crate) const BLANK: ExecOp = ExecOp {
        how: How::Init,
        exec: ObjId::object(0),
        resv: ObjId::object(0),
        slots: 0,
        flags: Flags { ignore_duplicates: false, interruptible: false },
        inner: Inner::Begin,
    };

    /// An operation about to start, on the reservation `resv` if it works on one.
    pub fn new(how: How, exec: ObjId, resv: Option<ObjId>, slots: u8, flags: Flags) -> ExecOp {
        ExecOp { how, exec, resv: resv.unwrap_or(exec), slots, flags, inner: Inner::Begin }
    }

    /// The first thing to do in a set with these registers; [`Inner::Begin`] if that is nothing.
    fn plan(&self, program: &crate::Program, r: &Registers) -> Inner {
        let lock = |resv, how| Lock::new(lock_of(program, resv), Some(ctx_of(program, self.exec)), how);
        let interruptible = r.flags.interruptible && !program.mutated(Mutant::NotInterruptible);
        match (self.how, r.contended) {
            (How::LockObj | How::PrepareObj, Contended::On(resv)) if !program.mutated(Mutant::ForgetsContended) => {
                let slow = if interruptible { ww::How::SlowInterruptible } else { ww::How::Slow };
                Inner::LockContended(lock(resv, slow))
            }
            (How::LockObj | How::PrepareObj, _)
                if r.prelocked == Some(self.resv) && !program.mutated(Mutant::PrelockedAgain) =>
            {
                Inner::Begin
            }
            (How::LockObj | How::PrepareObj, _) => {
                Inner::Lock(lock(self.resv, if interruptible { ww::How::Interruptible } else { ww::How::Lock }))
            }
            (How::UnlockObj, _) if r.objects.contains(&self.resv) => self.unlock(program, self.resv),
            (How::Cleanup, _) if program.mutated(Mutant::CleanupKeepsLocks) => Inner::Begin,
            (How::Fini, _) if program.mutated(Mutant::FiniKeepsLocks) => Inner::Begin,
            (How::Cleanup, Contended::On(_)) | (How::Fini, _) => {
                r.objects.last().map_or(Inner::Begin, |resv| self.unlock(program, *resv))
            }
            _ => Inner::Begin,
        }
    }

    fn unlock(&self, program: &crate::Program, resv: ObjId) -> Inner {
        Inner::Unlock(Unlock::new(lock_of(program, resv)), resv)
    }

    /// Whether the set is the caller's, and in a round if it has to be.
    fn check<R: Runtime>(&self, cx: &mut Cx<'_, R>) -> bool {
        let r = cx.exec(self.exec).registers.get();
        let broken = match self.how {
            How::Init if r.task.is_some() => Rule::EXEC_IN_USE,
            How::Init => return true,
            _ if r.task != Some(cx.me) => Rule::EXEC_NOT_BEGUN,
            How::LockObj | How::PrepareObj if r.contended == Contended::Dummy => Rule::EXEC_OUTSIDE_LOOP,
            _ => return true,
        };
        cx.violate_rule(broken, Some(self.exec));
        false
    }

    fn update<R: Runtime>(&self, cx: &mut Cx<'_, R>, change: impl FnOnce(&mut Registers)) {
        let exec = cx.exec(self.exec);
        let mut r = exec.registers.get();
        change(&mut r);
        exec.registers.set(r);
    }

    fn ctx<R: Runtime>(&self, cx: &mut Cx<'_, R>, how: CtxHow) {
        let ctx = ctx_of(cx.program, self.exec);
        // Each of these is a single step.
        let _ = CtxOp { how, ctx, on_behalf: None }.step(cx);
    }

    /// `drm_exec_obj_locked()`.
    fn note_locked<R: Runtime>(&self, cx: &mut Cx<'_, R>, resv: ObjId) {
        let mut room = true;
        self.update(cx, |r| room = r.objects.push(resv));
        if !room {
            cx.violate(Property::CAPACITY_EXCEEDED, Some(self.exec));
        }
    }

    /// What is to be done without any lock operation, or after the last one.
    fn conclude<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let r = cx.exec(self.exec).registers.get();
        let mut result = 0;
        match (self.how, r.contended) {
            (How::Init, _) => {
                let (task, flags) = (Some(cx.me), self.flags);
                self.update(cx, |r| *r = Registers { task, flags, ..Registers::default() });
            }
            (How::Cleanup, Contended::Dummy) => {
                self.ctx(cx, CtxHow::Init);
                self.update(cx, |r| r.contended = Contended::Nothing);
                result = 1;
            }
            (How::Cleanup, Contended::Nothing) => self.ctx(cx, CtxHow::Done),
            (How::Cleanup, Contended::On(_)) => {
                self.update(cx, |r| r.prelocked = None);
                result = i32::from(!cx.mutated(Mutant::CleanupEnds));
            }
            (How::IsContended, contended) => result = i32::from(contended != Contended::Nothing),
            (How::LockObj | How::PrepareObj, _) => {
                // Taken at the beginning of the round already.
                self.update(cx, |r| r.prelocked = None);
                return self.is_locked(cx.program);
            }
            (How::UnlockObj, _) => {}
            (How::Fini, contended) => {
                if contended != Contended::Dummy {
                    self.ctx(cx, CtxHow::Fini);
                }
                self.update(cx, |r| *r = Registers::default());
            }
        }
        Flow::Done(Value::Word(result))
    }

    /// The object is locked: `prepare` goes on to make room.
    fn is_locked(&mut self, program: &crate::Program) -> Flow {
        if self.how != How::PrepareObj || program.mutated(Mutant::PrepareNoRoom) {
            return Flow::Done(Value::Word(0));
        }
        self.inner = Inner::Reserve(Reserve::new(self.resv, self.slots));
        Flow::Go
    }

    /// The end of an inner lock operation.
    fn locked<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, contended: bool, result: Value) -> Flow {
        let r = cx.exec(self.exec).registers.get();
        let error = Errno(-result.word().unwrap_or_default());
        match (error, contended, r.contended) {
            (Errno(0), true, Contended::On(resv)) => {
                self.note_locked(cx, resv);
                self.update(cx, |r| (r.contended, r.prelocked) = (Contended::Nothing, Some(resv)));
                self.inner = self.plan(cx.program, &cx.world.exec(self.exec).registers.get());
                if self.inner == Inner::Begin { self.conclude(cx) } else { Flow::Go }
            }
            (Errno(0), ..) => {
                self.note_locked(cx, self.resv);
                self.is_locked(cx.program)
            }
            // Forgotten even if the wait was interrupted.
            (_, true, _) if cx.mutated(Mutant::KeepsContended) => Flow::Done(result),
            (_, true, _) => {
                self.update(cx, |r| r.contended = Contended::Nothing);
                Flow::Done(result)
            }
            (Errno::EDEADLK, ..) => {
                let resv = self.resv;
                self.update(cx, |r| r.contended = Contended::On(resv));
                Flow::Done(result)
            }
            (Errno::EALREADY, ..) if r.flags.ignore_duplicates && !cx.mutated(Mutant::DuplicateFails) => {
                self.is_locked(cx.program)
            }
            _ => Flow::Done(result),
        }
    }

    /// The end of an inner unlock operation.
    fn unlocked<R: Runtime>(&mut self, cx: &mut Cx<'_, R>, resv: ObjId) -> Flow {
        if self.how != How::UnlockObj || !cx.mutated(Mutant::UnlockForgets) {
            self.update(cx, |r| r.remove(resv));
        }
        if self.how == How::UnlockObj {
            return Flow::Done(Value::Word(0));
        }
        self.inner = self.plan(cx.program, &cx.world.exec(self.exec).registers.get());
        if self.inner == Inner::Begin { self.conclude(cx) } else { Flow::Go }
    }
}

impl Protocol for ExecOp {
    const FAMILY: Option<Family> = Some(Family::Mutex);

    /// Room is made by who has just got the lock: nobody can tell when.
    fn amid<R: Runtime>(&self, at: Standing<'_, R>) -> Option<Family> {
        match &self.inner {
            Inner::Reserve(reserve) => reserve.amid(at).or(reserve.is_new().then_some(Family::Resv)),
            inner => inner.amid(at),
        }
    }

    fn step<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        if self.inner == Inner::Begin {
            if !self.check(cx) {
                return Flow::Done(Value::Word(0));
            }
            self.inner = self.plan(cx.program, &cx.world.exec(self.exec).registers.get());
        }
        if self.inner == Inner::Begin {
            return self.conclude(cx);
        }
        self.inner.step(cx).once_over(|result| match self.inner {
            Inner::LockContended(_) => self.locked(cx, true, result),
            Inner::Lock(_) => self.locked(cx, false, result),
            Inner::Unlock(_, resv) => self.unlocked(cx, resv),
            Inner::Begin | Inner::Reserve(_) => Flow::Done(result),
        })
    }

    fn footprint(&self, v: View<'_>) -> Footprint {
        let r = v.world.exec(self.exec).registers.get();
        let inner = if self.inner == Inner::Begin { self.plan(v.program, &r) } else { self.inner };
        let (f, ctx) = (inner.footprint(v).write(self.exec), ctx_of(v.program, self.exec));
        match (self.how, r.contended) {
            // It takes a stamp.
            (How::Cleanup, Contended::Dummy) => f.write(ctx).write(ww::class_of(v.program, ctx)),
            (How::Cleanup, Contended::Nothing) | (How::Fini, _) => f.write(ctx),
            _ => f,
        }
    }

    fn judge<R: Runtime>(&self, cx: &mut Cx<'_, R>) {
        if !self.check(cx) {
            return;
        }
        match self.plan(cx.program, &cx.world.exec(self.exec).registers.get()) {
            Inner::LockContended(l) | Inner::Lock(l) => l.judge(cx),
            _ => {}
        }
    }

    fn label(&self) -> &'static str {
        if self.inner == Inner::Begin { self.how.label() } else { self.inner.label() }
    }

    fn spins_on(&self) -> Option<ObjId> {
        self.inner.spins_on()
    }

    fn returned(&mut self, value: Value) {
        self.inner.returned(value);
    }

    /// Looking whether there was contention is its owner's affair.
    fn is_visible(&self) -> bool {
        self.how != How::IsContended
    }
}
