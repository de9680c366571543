//! The context that code runs in, and what is forbidden in it.
//!
//! Everything here is known to the running thread alone, so no step conflicts with another one over it. The checks do
//! not ask whether it went wrong this time: `might_sleep()` in atomic context is a mistake although nobody had to
//! sleep.

use super::{Cx, works::TaskWorks};
use crate::{
    Code, Coder, Handle, ObjId, Program, Property, Rule, Runtime, ThreadId,
    program::{CalleeId, Role},
    registry::upcalls,
};

/// The context in which the kernel calls a callee, on top of the caller's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(u8)]
pub enum Context {
    /// The caller's.
    #[default]
    Caller,
    /// A fence's callback, or a fence's own operation: it may run in any context, whatever this one is. It must neither
    /// sleep nor take a reservation's lock.
    Fence,
    /// Direct reclaim: what a blocking allocation waits for.
    Reclaim,
    /// A soft interrupt, as an RCU callback has it.
    Softirq,
}

impl Context {
    const ALL: [Context; 4] = [Context::Caller, Context::Fence, Context::Reclaim, Context::Softirq];
}

impl Code for Context {
    fn code<C: Coder>(&mut self, c: &mut C) {
        let mut tag = *self as u8;
        c.byte(&mut tag);
        if C::READING {
            *self = Context::ALL[usize::from(tag)];
        }
    }
}

/// What `current` knows about itself and nobody else looks at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Private {
    /// Spinlocks held: the thread is in atomic context.
    pub spin_depth: u8,
    /// Nesting of RCU read-side sections.
    pub rcu_depth: u8,
    /// How many times over the thread has interrupts disabled.
    pub irqs_off: u8,
    /// Nesting of fence-signalling sections.
    pub signalling: u8,
    /// The fence that the outermost section is for, if it says so.
    section: Option<ObjId>,
    /// Nesting of fence callbacks and operations.
    fence_context: u8,
    /// Nesting of direct reclaim.
    reclaim: u8,
    /// Nesting of hard and soft interrupts.
    interrupt: u8,
    /// The thread whose CPU a handler runs on: its id and one.
    interrupts: u8,
    /// How many times over the thread has preemption disabled, besides what does so by itself.
    pub preempt_off: u8,
    /// How many times over the thread has soft interrupts disabled.
    pub bh_off: u8,
    /// 1 in a system call.
    pub(crate) syscall: u8,
    /// What is put off to its end.
    pub(crate) works: TaskWorks,
}

impl Code for Private {
    /// Nearly all are zero nearly always: a mask says which are not.
    fn code<C: Coder>(&mut self, c: &mut C) {
        if !C::READING && self.is_blank() {
            return c.byte(&mut 0);
        }
        self.code_fields(c);
    }
}

impl Private {
    fn is_blank(&self) -> bool {
        let Private { spin_depth: a, rcu_depth: b, irqs_off: c, signalling: d, section, .. } = *self;
        let Private { fence_context: f, reclaim: g, interrupt: h, interrupts: i, preempt_off: j, bh_off: k, .. } =
            *self;
        a | b | c | d | f | g | h | i | j | k | self.syscall | self.works.len() | u8::from(section.is_some()) == 0
    }

    fn code_fields<C: Coder>(&mut self, c: &mut C) {
        // Its place and one, where there is room for it.
        let mut section = self.section.map_or(0, |fence| u8::try_from(fence.number() + 1).unwrap_or(FAR));
        let fields = [
            &mut self.spin_depth,
            &mut self.rcu_depth,
            &mut self.irqs_off,
            &mut self.signalling,
            &mut section,
            &mut self.fence_context,
            &mut self.reclaim,
            &mut self.interrupt,
            &mut self.interrupts,
            &mut self.preempt_off,
            &mut self.bh_off,
            &mut self.syscall,
        ];
        let mask = fields.iter().enumerate().fold(0u16, |m, (i, f)| m | u16::from(**f != 0) << i);
        let mask = mask | u16::from(!self.works.is_empty()) << fields.len();
        // The last six are rare: one bit of the first byte says whether there is a second.
        let mut low = (mask & 0x7f) as u8 | if mask >> 7 != 0 { MORE } else { 0 };
        c.byte(&mut low);
        if low == 0 {
            *self = Private::default();
            return;
        }
        let mut high = (mask >> 7) as u8;
        if low & MORE != 0 {
            c.byte(&mut high);
        } else {
            high = 0;
        }
        let mask = u16::from(low & !MORE) | u16::from(high) << 7;
        let works = mask >> fields.len() & 1 == 1;
        for (i, field) in fields.into_iter().enumerate() {
            if mask >> i & 1 == 1 {
                if i == INTERRUPTS { c.thread_above(field, 0) } else { c.byte(field) }
            } else {
                *field = 0;
            }
        }
        if works {
            self.works.code(c);
        } else {
            self.works = TaskWorks::default();
        }
        self.section = match section {
            0 => None,
            FAR => {
                let mut fence = self.section.unwrap_or(ObjId::NONE);
                fence.code(c);
                Some(fence)
            }
            near => Some(ObjId::object(usize::from(near) - 1)),
        };
    }
}

/// Which of the fields has a thread's id.
const INTERRUPTS: usize = 8;
/// Says in the mask's first byte that there is a second.
const MORE: u8 = 0x80;
/// Says in place of a fence's place that it follows.
const FAR: u8 = u8::MAX;

impl Private {
    /// What a thread of this kind begins with.
    pub(crate) fn of(role: Role) -> Private {
        let interrupt = u8::from(role == Role::Irq);
        Private { interrupt, ..Private::default() }
    }

    /// `in_atomic() || irqs_disabled() || rcu_preempt_depth()`: sleeping is a mistake here.
    pub fn is_atomic(self) -> bool {
        self.is_reader()
    }

    /// Whether a grace period waits for the thread. Since 4.20 it does for whoever cannot be preempted, too: a spinlock
    /// is held, preemption or interrupts are off, or a handler runs.
    pub fn is_reader(self) -> bool {
        self.spin_depth | self.rcu_depth | self.irqs_off | self.interrupt | self.preempt_off | self.bh_off > 0
    }

    /// `in_hardirq() || in_serving_softirq()`.
    pub fn in_interrupt(self) -> bool {
        self.interrupt > 0
    }

    /// Whether a fence's callback or operation is running.
    pub fn in_fence_context(self) -> bool {
        self.fence_context > 0
    }

    /// Whether direct reclaim is running.
    pub fn in_reclaim(self) -> bool {
        self.reclaim > 0
    }

    /// The fence that the signalling section is for, if it says so.
    pub fn section_fence(self) -> Option<ObjId> {
        self.section
    }

    /// The thread that this handler has interrupted.
    pub fn interrupted(self) -> Option<ThreadId> {
        self.interrupts.checked_sub(1).map(ThreadId)
    }

    /// What is called at the end of the system call that the thread is in.
    pub fn put_off(self, program: &Program) -> Vec<CalleeId> {
        let called = |work: &Handle| program.kind(work.obj).calls().or(program.release_of(work.obj));
        self.works.all().iter().filter_map(called).collect()
    }

    /// The handler begins on the CPU of this thread, or on an idle one.
    pub(crate) fn interrupt(&mut self, on: Option<ThreadId>) {
        self.interrupts = on.map_or(0, |t| t.0 + 1);
    }

    /// `dma_fence_begin_signalling()`; false if there is no room for another one inside.
    pub(crate) fn begin_signalling(&mut self, fence: Option<ObjId>) -> bool {
        if self.signalling == 0 {
            self.section = fence;
        }
        nest(&mut self.signalling)
    }

    /// `dma_fence_end_signalling()`; false if there was no section.
    pub(crate) fn end_signalling(&mut self) -> bool {
        let was = self.signalling > 0;
        self.signalling = self.signalling.saturating_sub(1);
        if self.signalling == 0 {
            self.section = None;
        }
        was
    }

    fn nesting(&mut self, context: Context) -> Option<&mut u8> {
        match context {
            Context::Caller => None,
            Context::Fence => Some(&mut self.fence_context),
            Context::Reclaim => Some(&mut self.reclaim),
            Context::Softirq => Some(&mut self.interrupt),
        }
    }

    /// A callee is called in this context. Calls nest four deep, so no counter comes near its end.
    pub(crate) fn enter(&mut self, context: Context) {
        self.nesting(context).into_iter().for_each(|n| *n += 1);
    }

    /// And returns from it.
    pub(crate) fn leave(&mut self, context: Context) {
        self.nesting(context).into_iter().for_each(|n| *n -= 1);
    }
}

/// Goes one section deeper; false if the counter is full. No counter goes round: the thread would seem to be outside.
pub(crate) fn nest(depth: &mut u8) -> bool {
    let deeper = depth.checked_add(1);
    *depth = deeper.unwrap_or(*depth);
    deeper.is_some()
}

impl<R: Runtime> Cx<'_, R> {
    /// A scripted hardware engine: no rule about locks and sleeping applies to it. What a fence calls when the engine
    /// signals it is the kernel's code, which runs in an interrupt's place.
    fn is_device(&self) -> bool {
        self.program.role(self.me) == Role::Device && !self.private.in_fence_context()
    }

    /// `might_sleep()`: what may sleep must not be called in atomic context, even if this time it would not have slept.
    pub fn might_sleep(&mut self, on: impl Into<Option<ObjId>>) {
        if self.is_device() {
            return;
        }
        // Whoever signals decides about the context of a callback, so the next one may come from an interrupt.
        if self.private.in_fence_context() {
            self.violate(Property::FENCE_CALLBACK_CONTEXT, on.into());
        } else if self.private.is_atomic() {
            self.violate(Property::SLEEP_IN_ATOMIC, on.into());
        }
    }

    /// `lock_acquire()` as lockdep sees it: a lock is about to be taken, and waited for if need be. Trylocks never ask.
    pub(crate) fn about_to_lock(&mut self, lock: ObjId) {
        self.about_to_lock_under(lock, None);
    }

    /// The same, of a lock that nests in another one or in a context: who holds that is alone in taking several like
    /// it. As `check_deadlock()` of lockdep, which leaves the others out where one like it is held already.
    pub(crate) fn about_to_lock_under(&mut self, lock: ObjId, nest: Option<ObjId>) {
        if self.is_device() {
            return;
        }
        let program = self.program;
        let is_resv = program.is::<crate::fixed::WwMutex>(lock);
        let is_mmap = program.is_mmap_lock(lock);
        if is_resv && self.private.in_fence_context() {
            self.violate(Property::FENCE_CALLBACK_CONTEXT, Some(lock));
        }
        // mmap_lock is outside of all reservations, those of reclaim, and all of that of waiting for a fence.
        if is_resv || is_mmap {
            if self.private.signalling > 0 {
                self.violate(Property::LOCK_IN_SIGNALLING, Some(lock));
            } else if self.private.in_reclaim() {
                self.violate_rule(Rule::ORDER_IN_RECLAIM, Some(lock));
            }
        }
        if is_mmap && let Some(inner) = upcalls::resv_held_by(program, self.world, self.me) {
            self.violate_rule(Rule::ORDER_MMAP_INSIDE, Some(inner));
        }
        if let Some(nest) = nest {
            // lockdep's print_lock_nested_lock_not_held().
            if !self.world.is_held_by(nest, self.me) {
                self.violate_rule(Rule::ORDER_NEST_NOT_HELD, Some(nest));
            }
        }
        for order in &program.lock_orders {
            let Some(at) = order.iter().position(|class| class.contains(&lock)) else { continue };
            let held = order[at + 1..].iter().flatten().find(|l| self.world.is_held_by(**l, self.me));
            if let Some(inner) = held.filter(|inner| nest.is_none() || !self.holds_outside(**inner)) {
                return self.violate_rule(Rule::ORDER_DOCUMENTED, Some(*inner));
            }
        }
    }

    /// `mutex_trylock()`, `ww_mutex_trylock()`: never in an interrupt, where `current`, whose the mutex would be, is
    /// whoever was interrupted.
    pub(crate) fn about_to_try_mutex(&mut self, mutex: ObjId) {
        if self.is_device() {
            return;
        }
        if self.private.in_fence_context() {
            self.violate_rule(Rule::MUTEX_IN_CALLBACK, Some(mutex));
        } else if self.private.in_interrupt() {
            self.violate_rule(Rule::MUTEX_IN_INTERRUPT, Some(mutex));
        }
    }

    /// Whether a lock is held that is documented to be outside of another one.
    fn holds_outside(&self, inner: ObjId) -> bool {
        self.program.lock_orders.iter().any(|order| {
            let at = order.iter().position(|class| class.contains(&inner)).unwrap_or(0);
            order[..at].iter().flatten().any(|l| self.world.is_held_by(*l, self.me))
        })
    }

    /// `might_fault()`: a page of user memory may be absent, and its fault takes `mmap_lock`, which is outside of all
    /// that waiting for a fence is outside of.
    pub(crate) fn might_fault(&mut self, mmap_lock: Option<ObjId>) {
        self.might_sleep(None);
        if self.private.signalling > 0 && !self.is_device() {
            self.violate(Property::LOCK_IN_SIGNALLING, mmap_lock);
        }
    }

    /// Some fence is about to be waited for: inside of a signalling section that says of no fence that it is for it,
    /// that is a mistake whichever it is.
    pub(crate) fn about_to_wait(&mut self, on: ObjId) {
        if !self.is_device() && self.private.signalling > 0 && self.private.section_fence().is_none() {
            self.violate(Property::WAIT_IN_SIGNALLING, Some(on));
        }
    }

    /// A fence is about to be waited for: inside of a signalling section that is a dependency of one fence on another.
    pub(crate) fn about_to_wait_for(&mut self, fence: ObjId) {
        if self.is_device() || self.private.signalling == 0 {
            return;
        }
        let section = self.private.section_fence();
        if section.is_none_or(|own| upcalls::is_later_or_same(self.world, self.program, fence, own)) {
            self.violate(Property::WAIT_IN_SIGNALLING, Some(fence));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_work() -> TaskWorks {
        let mut works = TaskWorks::default();
        assert!(works.push(crate::Handle { obj: ObjId::numbered(3), generation: crate::Handle::STALE }));
        works
    }
    use crate::coder::{Canon, Reader, Writer};

    #[test]
    fn every_field_comes_back() {
        let samples = [
            Private::default(),
            Private { spin_depth: 2, ..Private::default() },
            Private { interrupt: 1, interrupts: 4, rcu_depth: 1, ..Private::default() },
            Private { preempt_off: 2, ..Private::default() },
            Private { bh_off: 1, spin_depth: 1, ..Private::default() },
            Private {
                signalling: 1,
                section: Some(ObjId::numbered(9)),
                fence_context: 1,
                irqs_off: 3,
                ..Private::default()
            },
            Private { signalling: 1, section: Some(ObjId::numbered(254)), reclaim: 1, ..Private::default() },
            Private { signalling: 1, section: Some(ObjId::numbered(255)), reclaim: 1, ..Private::default() },
            Private { syscall: 1, ..Private::default() },
            Private { syscall: 1, works: one_work(), spin_depth: 1, ..Private::default() },
        ];
        for mut p in samples {
            let mut out = vec![];
            p.code(&mut Writer { out: &mut out, canon: &Canon::default(), generations: &[] });
            let mut back =
                Private { spin_depth: 7, section: Some(ObjId::numbered(3)), interrupts: 7, ..Private::default() };
            back.code(&mut Reader { bytes: &out, at: 0 });
            assert_eq!(back, p);
        }
    }
}
