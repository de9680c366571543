//! The contract of whoever publishes a fence: it signals, on every path.
//!
//! A fence is *owed* from the moment on in which others may have seen it until it signals: in a reservation, a
//! sync_file or a syncobj, or because somebody waits for it. Three kinds are nobody's debt: a fence that nothing in the
//! program signals (its driver is not there: what it owes is not known), one that is made of others (theirs is the
//! debt), and one whose `signaled` operation says it (nobody may have asked).

use super::Fence;
use crate::{Instr, ObjId, Operand, Program, Property, Runtime, Script, ThreadId, Violation, World, program::Ends};

impl Program {
    /// Whether a fence's bit says by itself whether it is signalled.
    pub(super) fn says_itself(&self, fence: ObjId) -> bool {
        self.container(fence).is_none() && self.fence_ops(fence).signaled.is_none()
    }

    /// The first of the threads that may signal a fence, as far as their instructions name it. What is called through a
    /// pointer stands in every script, so whoever signals in its own code comes first.
    fn signaller(&self, fence: ObjId) -> Option<ThreadId> {
        let own = |s: &Script| s.callees.first().map_or(s.code.len(), |c| usize::from(c.entry));
        let by_itself = self.threads().find(|t| signals(&self.scripts[t.index()], fence, own));
        let all = |s: &Script| s.code.len();
        let called = || self.threads().find(|t| signals(&self.scripts[t.index()], fence, all));
        let alone = || [&self.setup, &self.teardown].iter().any(|s| signals(s, fence, all));
        by_itself.or_else(called).or_else(|| alone().then(|| self.main_thread()))
    }

    /// The threads that may signal a fence; none, if something else says whether it is signalled.
    pub fn signallers(&self, fence: ObjId) -> impl Iterator<Item = ThreadId> {
        let all = |s: &Script| s.code.len();
        let itself = self.says_itself(fence);
        self.threads().filter(move |t| itself && signals(&self.scripts[t.index()], fence, all))
    }

    /// Whether a fence should be signalled by somebody, and nothing in the program signals it.
    pub fn is_nobodys(&self, fence: ObjId) -> bool {
        self.says_itself(fence) && self.signaller(fence).is_none()
    }

    /// Who should have signalled a fence; `None` if that is nobody's debt.
    pub fn debtor(&self, fence: ObjId) -> Option<ThreadId> {
        self.signaller(fence).filter(|_| self.says_itself(fence))
    }
}

/// Whether one of the first instructions of a script signals a fence; a local may be any.
fn signals(script: &Script, fence: ObjId, how_many: impl Fn(&Script) -> usize) -> bool {
    script.code[..how_many(script)].iter().any(|i| match i {
        Instr::Op { op, .. } => match op.row().ends {
            Ends::Signals(f) => matches!(f, Operand::Local(_)) || f == Operand::Object(fence),
            _ => false,
        },
        _ => false,
    })
}

impl<R: Runtime> World<R> {
    /// Whether others may see a fence and wait for it, and it is not signalled.
    pub fn is_owed(&self, fence: ObjId) -> bool {
        self.get::<Fence<R>>(fence).is_some_and(Fence::is_owed)
    }

    /// The first fence that is owed, and who owes it.
    pub fn owed(&self, program: &Program) -> Option<(ThreadId, ObjId)> {
        let owed = self.all::<Fence<R>>().filter(|(_, f)| f.is_owed());
        owed.filter_map(|(id, _)| Some((program.debtor(id)?, id))).next()
    }
}

/// Everything is over, and a fence is still owed.
pub(crate) fn never_signals<R: Runtime>(world: &World<R>, program: &Program) -> Option<Violation> {
    let (thread, fence) = world.owed(program)?;
    Some(Violation::at_end(Property::FENCE_NEVER_SIGNALS, thread, fence))
}
