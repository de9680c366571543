//! What is fixed about a timer: its handler, and who runs that.

use crate::{
    ObjId, Runtime, ThreadId,
    ground::kind::{Born, Declared, Function, KindRow, Waited},
};
use std::fmt;

/// `struct timer_list`.
#[derive(Clone, PartialEq, Eq)]
pub struct Timer {
    /// Who runs its handler.
    pub runner: Runner,
}

/// Who runs a timer's handler, and what that does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Runner {
    /// A thread of its own, whose script is the handler.
    Own(ThreadId),
    /// Whichever CPU of its base comes to it, which calls this.
    Base {
        /// The base.
        base: ObjId,
        /// The handler; nothing before `timer_setup()` says what.
        function: Option<Function>,
    },
}

impl fmt::Debug for Timer {
    /// One with a thread of its own is printed as it was before there were others: tokens of replays are hashes of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Timer");
        match &self.runner {
            Runner::Own(handler) => shown.field("handler", handler),
            Runner::Base { base, function } => match function {
                Some(function) => shown.field("base", base).field("function", function),
                None => shown.field("base", base),
            },
        };
        shown.finish()
    }
}

impl Declared for Timer {
    const ROW: KindRow = KindRow {
        name: "timer",
        one: "a timer",
        init: "timer_setup()",
        facets: &["pending", "running"],
        waited: Waited::Run("arm"),
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Timer<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Timer<R> {
        super::Timer::new(self.queue().unwrap_or(born.id))
    }

    fn runs(&self) -> Option<ThreadId> {
        match self.runner {
            Runner::Own(handler) => Some(handler),
            Runner::Base { .. } => None,
        }
    }

    fn function(&self) -> Option<Function> {
        match self.runner {
            Runner::Own(_) => None,
            Runner::Base { function, .. } => function,
        }
    }

    /// Its base.
    fn queue(&self) -> Option<ObjId> {
        match self.runner {
            Runner::Own(_) => None,
            Runner::Base { base, .. } => Some(base),
        }
    }
}

/// Most timers of one base.
pub const MAX_TIMERS: usize = 16;
/// Most CPUs on which they expire.
pub const MAX_CPUS: u8 = 2;

/// `struct timer_base`, of all CPUs together: which one a timer is on nobody can tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TimerBase {
    /// The first of the CPUs on which its timers expire: agents, one after the other.
    pub first: ThreadId,
    /// How many there are: so many handlers run at once.
    pub count: u8,
    /// Its timers.
    pub timers: Vec<ObjId>,
}

impl TimerBase {
    /// Each of the CPUs.
    pub fn each(&self) -> impl Iterator<Item = ThreadId> + use<> {
        let first = self.first.0;
        (0..self.count).map(move |n| ThreadId(first + n))
    }
}

impl Declared for TimerBase {
    const ROW: KindRow = KindRow { waited: Waited::Run("arm"), ..KindRow::PLAIN };
    type Object<R: Runtime> = super::base::TimerBase<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::base::TimerBase<R> {
        super::base::TimerBase::new(born.id)
    }
}
