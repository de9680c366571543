//! One walk from the state after setup to its end.

use super::{
    overflows,
    plan::{Course, Sort},
};
use crate::{Task, diagnose};
use fenceweave_kernel::{Action, Condition, Cover, Moment, Outcome, State, Violation};
use xxhash_rust::xxh3::xxh3_64;

/// Steps after which a walk is given up: a loop may never be left.
const MAX_STEPS: usize = 20_000;

/// How a walk ended.
pub(super) enum End {
    /// Everybody was done.
    Well(Outcome),
    /// Something was broken there.
    Violated,
    /// A table of the model was full.
    Overflow(Violation),
    /// It had too many steps.
    GivenUp,
}

/// After how many steps a condition was first true and false, and whether it could not be evaluated.
pub(super) type Seen = (Option<usize>, Option<usize>, bool);

/// What came of a walk.
pub(super) struct Walked {
    pub(super) sort: Sort,
    pub(super) steps: Vec<Action>,
    pub(super) end: End,
    /// What was broken, each after how many steps.
    pub(super) violations: Vec<(Violation, usize)>,
    /// Of each condition.
    pub(super) seen: Vec<Seen>,
    /// The states that it met, each once.
    pub(super) prints: Vec<u64>,
    pub(super) unfit: bool,
}

/// Who walks; what is kept from one walk to the next is working memory, and the cover.
pub(super) struct Walker<'a> {
    task: &'a Task<'a>,
    initial: State,
    state: State,
    /// A state to conclude, or to judge.
    scratch: State,
    encoding: Vec<u8>,
    pub(super) cover: Cover,
    warns: bool,
    /// Whether a condition looks at every state.
    watches: bool,
}

impl<'a> Walker<'a> {
    pub(super) fn new(task: &'a Task<'a>, initial: &State) -> Walker<'a> {
        Walker {
            task,
            initial: initial.clone(),
            state: initial.clone(),
            scratch: initial.clone(),
            encoding: vec![],
            cover: Cover::new(task.program),
            warns: task.program.warns(),
            watches: task.conditions.iter().any(|c| c.moment != Moment::AtEnd),
        }
    }

    /// Goes a whole walk.
    pub(super) fn walk(&mut self, mut course: Course) -> Walked {
        let program = self.task.program;
        let seen = vec![(None, None, false); self.task.conditions.len()];
        let (steps, prints, violations) = (vec![], vec![], vec![]);
        let mut walked = Walked { sort: course.sort, steps, end: End::GivenUp, violations, seen, prints, unfit: false };
        self.state.copy_from(&self.initial, program);
        loop {
            self.look(&mut walked);
            let Some(action) = course.next(program, &self.state, self.state.enabled(program)) else {
                self.end(&mut walked);
                break;
            };
            if walked.steps.len() >= MAX_STEPS {
                break;
            }
            walked.unfit |= self.state.step_covering(program, action, Some(&mut self.cover)).unfit;
            walked.steps.push(action);
        }
        walked.prints.sort_unstable();
        walked.prints.dedup();
        walked
    }

    /// Looks at the state that was come to.
    fn look(&mut self, walked: &mut Walked) {
        let program = self.task.program;
        self.encoding.clear();
        self.state.encode(program, &mut self.encoding);
        walked.prints.push(xxh3_64(&self.encoding));
        if self.warns {
            self.warn(walked, false);
        }
        if self.watches {
            // As it is encoded: stamps as ranks, the way every engine shows them.
            self.scratch.decode(program, &self.encoding);
            self.judge(walked, |c| c.moment != Moment::AtEnd);
        }
    }

    fn warn(&self, walked: &mut Walked, concluded: bool) {
        let state = if concluded { &self.scratch } else { &self.state };
        for v in state.warnings(self.task.program) {
            if walked.violations.iter().all(|(known, _)| *known != v) {
                walked.violations.push((v, walked.steps.len()));
            }
        }
    }

    fn judge(&self, walked: &mut Walked, which: fn(&Condition) -> bool) {
        let at = walked.steps.len();
        for (c, seen) in self.task.conditions.iter().zip(&mut walked.seen).filter(|(c, _)| which(c)) {
            match c.eval(self.task.program, &self.scratch) {
                Ok(Some(true)) => _ = seen.0.get_or_insert(at),
                Ok(Some(false)) => _ = seen.1.get_or_insert(at),
                Ok(None) => {}
                Err(_) => seen.2 = true,
            }
        }
    }

    /// Nobody can take a step.
    fn end(&mut self, walked: &mut Walked) {
        let program = self.task.program;
        let broken = self.state.violation().or_else(|| diagnose::stuck(program, &self.state)).or_else(|| {
            self.scratch.copy_from(&self.state, program);
            self.scratch.conclude_covering(program, Some(&mut self.cover))
        });
        walked.end = match broken {
            Some(v) if overflows(v) => End::Overflow(v),
            Some(v) => {
                walked.violations.push((v, walked.steps.len()));
                End::Violated
            }
            None => {
                if self.warns {
                    self.warn(walked, true);
                }
                self.judge(walked, |c| c.moment == Moment::AtEnd);
                End::Well(self.scratch.outcome(program))
            }
        };
    }
}
