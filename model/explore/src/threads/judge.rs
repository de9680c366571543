//! What the model says of the runs.

use super::{
    Memory, Stopped, Summary, Unexplained,
    order::{self, Unordered},
    pool::{Ended, Log},
};
use crate::{
    Coverage, Engine, Exploration, Limits, Task,
    shuttle::{rig::At, tally::Tally},
};
use fenceweave_kernel::{Program, State, ThreadSet, Violation};
use std::collections::HashSet;
use xxhash_rust::xxh3::xxh3_64;

/// Most orders of steps that are remembered, so that the same one need not be looked at again.
const MOST_KNOWN: usize = 1 << 20;

/// What was seen so far.
pub(super) struct Judge {
    program: Program,
    limits: Limits,
    initial: State,
    tally: Tally,
    at: At,
    summary: Summary,
    /// Runs begun.
    begun: u64,
    /// Orders in which steps were over, with where they led, that were looked at.
    known: HashSet<u64>,
    incomplete: Option<String>,
    scratch: Vec<u8>,
}

impl Judge {
    pub(super) fn new(task: &Task<'_>, limits: &Limits) -> Judge {
        let initial = State::initial(task.program);
        Judge {
            program: task.program.clone(),
            limits: *limits,
            tally: Tally::new(task),
            at: At { state: initial.clone(), steps: vec![], unfit: false, cover: None },
            initial,
            summary: Summary::default(),
            begun: 0,
            known: HashSet::new(),
            incomplete: None,
            scratch: vec![],
        }
    }

    /// The number of the next run, if there is one.
    pub(super) fn next_run(&mut self, most: u64) -> Option<u64> {
        if self.begun >= most || self.incomplete.is_some() {
            return None;
        }
        self.begun += 1;
        Some(self.begun)
    }

    /// Runs that are over, and steps taken in them.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.summary.runs, self.summary.steps)
    }

    /// Threads are not where the user wants them.
    pub(super) fn not_pinned(&mut self, why: &str) {
        self.summary.not_pinned.get_or_insert_with(|| why.to_owned());
    }

    /// User space is touched through page tables.
    pub(super) fn has_processor(&mut self, why_software: Option<String>) {
        let memory = self.summary.memory.get_or_insert_default();
        (memory.has_faults, memory.why_software) = (true, why_software);
    }

    /// Setup broke a property: there is nothing to run.
    pub(super) fn broken_before(&mut self) {
        self.tally.end(&self.program, &self.at, true);
    }

    /// A thread does not come back.
    pub(super) fn hangs(&mut self) {
        let why = "[internal bug] a thread did not come back from a step";
        self.incomplete.get_or_insert_with(|| why.into());
    }

    /// A run is over.
    pub(super) fn judge(&mut self, run: &Ended<'_>) {
        self.count(run);
        if let Some(text) = run.logs.iter().find_map(|log| log.panicked.clone()) {
            return self.unexplained(Unexplained::Panicked(text), None);
        }
        if let Some(v) = run.differs() {
            return self.differs(v, run);
        }
        if run.logs.iter().any(|log| log.cut) {
            self.summary.cut += 1;
        }
        let print = self.print(run);
        if self.known.contains(&print) {
            self.summary.at_once += 1;
            return;
        }
        match order::explain(&self.program, &self.initial, run) {
            Ok(way) => {
                match way.at_once {
                    true => self.summary.at_once += 1,
                    false => self.summary.searched += 1,
                }
                self.follow(way.steps, run);
                // Another run of the same order may end otherwise, and says so by its own marks; what its clock does
                // not explain has to be searched each time.
                if way.at_once && self.known.len() < MOST_KNOWN {
                    self.known.insert(print);
                }
            }
            Err(Unordered::TooMany) => self.unexplained(Unexplained::TooMany, None),
            Err(Unordered::None(stopped)) => {
                let came = run.outcome(&self.program).map_or(Unexplained::Stuck, Unexplained::Came);
                self.unexplained(came, stopped);
            }
        }
    }

    fn unexplained(&mut self, what: Unexplained, stopped: Option<Stopped>) {
        let seen = self.summary.unexplained.entry(what).or_default();
        seen.runs += 1;
        seen.stopped = seen.stopped.or(stopped);
    }

    /// Real memory holds other bytes than the model says, or user space was let through where it must not be. The model
    /// has no such step, so it is told whether the steps before it have an order or not; that order is the way there.
    fn differs(&mut self, v: Violation, run: &Ended<'_>) {
        let told = |log: &Log| log.steps.iter().take_while(|step| step.broke.is_none()).copied().collect();
        let before: Vec<Log> = run.logs.iter().map(|log| Log { steps: told(log), ..Log::default() }).collect();
        let before = Ended { logs: &before, at_rest: false, memory: None, differs: None, ..*run };
        let steps = order::explain(&self.program, &self.initial, &before).map(|way| way.steps).unwrap_or_default();
        self.tally.break_property(v, &steps);
    }

    fn count(&mut self, run: &Ended<'_>) {
        let s = &mut self.summary;
        if let Some(figures) = &run.memory {
            s.memory.get_or_insert_with(Memory::default).figures.merge(figures);
        }
        s.runs += 1;
        s.run_time.add(run.nanos);
        for log in run.logs {
            s.steps += log.steps.len() as u64;
            (s.parked, s.spun) = (s.parked + log.parked, s.spun + log.spun);
            log.steps.iter().for_each(|step| s.step_time.add(step.end - step.begin));
            s.wake_time.merge(&log.wake_time);
        }
    }

    /// The steps in the order in which they were over, where each led, and what is in the words in the end.
    fn print(&mut self, run: &Ended<'_>) -> u64 {
        let mut steps: Vec<_> =
            run.logs.iter().enumerate().flat_map(|(t, l)| l.steps.iter().map(move |s| (t, s))).collect();
        steps.sort_unstable_by_key(|(t, s)| (s.end, *t));
        self.scratch.clear();
        for (t, step) in steps {
            self.scratch.extend_from_slice(&[t as u8, step.choice, u8::from(step.broke.is_some())]);
            self.scratch.extend_from_slice(&step.mark.print().to_le_bytes());
        }
        self.scratch.push(u8::from(run.at_rest));
        for word in run.words(&self.program) {
            self.scratch.extend_from_slice(&word.to_le_bytes());
        }
        xxh3_64(&self.scratch)
    }

    /// Takes the steps again, and notes what is seen on the way and at the end.
    fn follow(&mut self, steps: Vec<fenceweave_kernel::Action>, run: &Ended<'_>) {
        let program = &self.program;
        self.at.state.copy_from(&self.initial, program);
        self.at.steps.clear();
        let mut new = self.tally.arrive(program, &mut self.at, ThreadSet::default()).new;
        for action in steps {
            if let Err(why) = self.tally.make_room(&self.limits, self.known.capacity() * size_of::<u64>()) {
                self.incomplete.get_or_insert(why);
                return;
            }
            self.at.state.step(program, action);
            self.at.steps.push(action);
            self.tally.note_transition();
            new = self.tally.arrive(program, &mut self.at, ThreadSet::default()).new;
        }
        match run.at_rest || run.broke().is_some() {
            true => self.tally.end(program, &self.at, new),
            false => self.tally.note_blocked(),
        }
    }

    /// The result.
    pub(super) fn finish(mut self, task: &Task<'_>) -> (Exploration, Summary) {
        let coverage = self.incomplete.take().map_or(Coverage::Sampled, Coverage::Incomplete);
        let mut all = self.tally.into_exploration(task, coverage);
        all.engine = Engine::Threads;
        all.counts.executions = self.summary.runs;
        all.counts.blocked = self.summary.cut;
        all.counts.transitions = self.summary.steps;
        all.counts.impossible = self.summary.unexplained();
        (all, self.summary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threads::{cells::made, runtime::Real};
    use fenceweave_kernel::{Property, World, builder::ProgramBuilder, fixed, memory::kind::Sort};

    #[test]
    fn other_bytes_are_a_violation_and_no_run_without_an_order() {
        let mut b = ProgramBuilder::new("bytes");
        let frame = b.object("tt", fixed::Frame { sort: Sort::System, pool: None, place: 0, caches: false });
        let program = b.build();
        let task = Task { program: &program, conditions: &[], has_loops: false };
        let mut judge = Judge::new(&task, &Limits::default());
        let (world, _) = made(|| World::<Real>::new(&program));
        let v = Violation::new(Property::BYTES_DIFFER, program.main_thread(), 0);
        let differs = Some(Violation { object: Some(frame), ..v });
        judge.judge(&Ended { logs: &[], at_rest: true, world: &world, nanos: 1, memory: None, differs });
        let (exploration, summary) = judge.finish(&task);
        let found: Vec<_> = exploration.found.iter().map(|f| (f.violation.property, f.violation.object)).collect();
        assert_eq!(found, [(Property::BYTES_DIFFER, Some(frame))]);
        assert_eq!((summary.unexplained(), summary.runs), (0, 1));
    }
}
