//! What a wait does before it sleeps: the first look at each syncobj, and its entries on their lists.

use super::{At, Ended, FINDS, LISTED, SyncobjWait};
use crate::syncobj::Mutant;
use crate::{
    Cx, Flow, Program, Runtime, SharedCell, Value,
    fence::{self, FindSeqno},
    primitives::rcu,
    protocol::Protocol,
    syncobj::{Flags, Given, Part, Variant, fixed, hold, let_go, load, lock},
};

impl SyncobjWait {
    /// Whoever finds none goes on the list.
    pub(super) fn waits(&self) -> bool {
        let Flags { for_submit, available, .. } = self.flags();
        for_submit || available && !self.has(FINDS)
    }

    pub(super) fn variant<R: Runtime>(&self, cx: &Cx<'_, R>) -> Variant {
        fixed(cx.program, self.syncobj()).1
    }

    pub(super) fn read_lock<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        self.judge(cx);
        if self.variant(cx) == Variant::LoadThenGet {
            return self.load_plain(cx);
        }
        rcu::read_lock(cx);
        self.inside(At::Load, Part::pointer(cx.program, self.syncobj()))
    }

    pub(super) fn load_plain<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        match load(cx, self.syncobj()) {
            Some(fence) => {
                self.give(Given::Fence(fence));
                self.go(At::GetPlain)
            }
            None => self.missing(cx.program),
        }
    }

    /// There is a fence or none, with a reference.
    pub(super) fn looked(&mut self, program: &Program) -> Flow {
        match self.given() {
            Given::Fence(head) if self.point > 0 && !program.mutated(Mutant::FindsHead) => {
                self.inside(At::Find, Part::Find(FindSeqno::new(head, self.point)))
            }
            Given::Nothing => self.missing(program),
            _ => self.there(program),
        }
    }

    /// It is not there, or its point is not.
    pub(super) fn missing(&mut self, program: &Program) -> Flow {
        self.give(Given::Nothing);
        if !self.waits() {
            self.ended = Ended::Missing;
            return self.clean_up(program);
        }
        if self.has(FINDS) { self.go(At::AddWait) } else { self.next_first(program) }
    }

    /// It is there: what was asked for, or to be tested.
    pub(super) fn there(&mut self, program: &Program) -> Flow {
        match self.given() {
            _ if self.has(FINDS) => self.end(),
            Given::Fence(fence) if !self.flags().available => self.inside(At::Test, Part::is_signaled(fence)),
            _ => self.first_counted(program, true),
        }
    }

    pub(super) fn first_counted(&mut self, program: &Program, signaled: bool) -> Flow {
        if signaled && self.count == 0 && !program.mutated(Mutant::WaitSaysFirst) {
            self.which = self.i;
        }
        self.count += u8::from(signaled);
        self.next_first(program)
    }

    /// The first pass is over for this one.
    pub(super) fn next_first(&mut self, program: &Program) -> Flow {
        self.i += 1;
        if self.i < self.len() {
            return self.go(At::ReadLock);
        }
        let all = self.flags().all && !program.mutated(Mutant::WaitAny);
        if self.count == self.len() || self.count > 0 && !all {
            return self.clean_up(program);
        }
        self.i = 0;
        self.add_waits()
    }

    /// Every entry without a fence goes on its syncobj's list.
    pub(super) fn add_waits(&mut self) -> Flow {
        while self.waits() && self.i < self.len() {
            if self.given() == Given::Nothing {
                return self.go(At::AddWait);
            }
            self.i += 1;
        }
        self.go(At::SetState)
    }

    pub(super) fn added_wait(&mut self) -> Flow {
        self.i += 1;
        if self.has(FINDS) { self.go(At::SetState) } else { self.add_waits() }
    }

    pub(super) fn add_wait<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let variant = self.variant(cx);
        if variant == Variant::AvailableNotListed && !self.flags().for_submit {
            return self.added_wait();
        }
        let syncobj = self.syncobj();
        let (held, mut locked) = match lock(cx, syncobj) {
            Ok(got) => got,
            Err(flow) => return flow,
        };
        if !locked.has_room(cx.me) {
            cx.violate(crate::Property::CAPACITY_EXCEEDED, Some(syncobj));
            return Flow::Done(Value::Unset);
        }
        let looks = variant != Variant::NoSecondLook && !cx.mutated(Mutant::NoSecondLook);
        let fence = load(cx, syncobj).filter(|_| looks);
        match fence {
            Some(fence) => {
                fence::get(cx, fence);
                self.give(Given::Fence(fence));
                if self.point == 0 {
                    return self.added_wait();
                }
                hold(cx, syncobj, held, locked);
                self.inside(At::FindAgain, Part::Find(FindSeqno::new(fence, self.point)))
            }
            None => {
                locked.push(cx.me, self.point);
                cx.syncobj(syncobj).locked.set(held, locked);
                self.mark(LISTED);
                self.added_wait()
            }
        }
    }

    /// The lock is held since the entry was about to be added.
    pub(super) fn list<R: Runtime>(&mut self, cx: &mut Cx<'_, R>) -> Flow {
        let syncobj = self.syncobj();
        let held = cx.enter(syncobj);
        let mut locked = cx.syncobj(syncobj).locked.get(held);
        locked.push(cx.me, self.point);
        cx.syncobj(syncobj).locked.set(held, locked);
        let_go(cx, syncobj);
        self.give(Given::Nothing);
        self.mark(LISTED);
        self.added_wait()
    }
}
