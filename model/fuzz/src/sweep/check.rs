//! What is found about one program.

use super::{
    programs::{Program, Programs},
    tally::{Cluster, Tally},
};
use fenceweave_explore::{Coverage, Exploration, Limits, Task, explicit};
use fenceweave_kernel::{Property, State};
use std::collections::BTreeSet;

/// Most states of one program. So small a program has hundreds.
const STATES: u64 = 200_000;

impl Programs<'_> {
    /// Explores a program, and adds what was found.
    ///
    /// # Panics
    ///
    /// If the program's text is not understood: the vocabulary and the language differ.
    pub fn check(&self, p: &Program, tally: &mut Tally) {
        let (program, run) = self.explore(p);
        self.add(p, &program, &run, tally);
    }

    /// Whether a program breaks no rule; that it may not get on is no mistake of its own.
    pub(super) fn is_right(&self, p: &Program) -> bool {
        let (_, run) = self.explore(p);
        run.found.iter().all(|f| f.violation.property.is_stuck())
    }

    fn explore(&self, p: &Program) -> (fenceweave_kernel::Program, Exploration) {
        let text = self.text(p, "program", "holds");
        let loaded = match fenceweave_scenario::load("program", &text) {
            Ok(loaded) => loaded,
            Err(report) => {
                let why = report.mistakes().first().map(|m| m.message().to_string()).unwrap_or_default();
                panic!("[internal bug] a program of the sweep is not understood: {why}\n{text}")
            }
        };
        let case = &loaded.scenarios[0].cases[0];
        let task = Task { program: &case.program, conditions: &[], has_loops: case.has_loops };
        let limits = Limits { states: STATES, ..Limits::default() };
        let run = explicit::explore(&task, &limits, &());
        (case.program.clone(), run)
    }

    fn add(&self, p: &Program, program: &fenceweave_kernel::Program, run: &Exploration, tally: &mut Tally) {
        tally.programs += 1;
        tally.labelled += p.orbit;
        if run.coverage != Coverage::Complete {
            tally.incomplete += 1;
        }
        if run.found.is_empty() {
            tally.holding += u64::from(run.coverage == Coverage::Complete);
            return;
        }
        tally.violating += 1;
        // Of several ways to break one property at the same operations, one is enough.
        let mut shapes: BTreeSet<(Property, Vec<&str>)> = BTreeSet::new();
        for f in &run.found {
            let mut state = State::initial(program);
            f.trace.steps.iter().for_each(|a| {
                state.step(program, *a);
            });
            shapes.insert((f.violation.property, self.stand_at(p, program, &state, f.violation)));
        }
        let properties: BTreeSet<Property> = run.found.iter().map(|f| f.violation.property).collect();
        for property in &properties {
            *tally.by_property.entry(property.name().to_string()).or_default() += 1;
        }
        let names: Vec<&str> = properties.iter().map(|p| p.name()).collect();
        for (property, ops) in shapes {
            let key = format!("{} at {}", property.name(), ops.join(", "));
            let (ops, threads) = self.size(p);
            let text = self.text(p, "program", &format!("violates {}", names.join(" ")));
            tally.cluster(key, Cluster { programs: 1, labelled: p.orbit, size: (ops, threads), text });
        }
    }

    /// The operation that broke the property; if nobody could go on, those at which the threads stand.
    fn stand_at(
        &self,
        p: &Program,
        program: &fenceweave_kernel::Program,
        state: &State,
        violation: fenceweave_kernel::Violation,
    ) -> Vec<&'static str> {
        let at = |t: fenceweave_kernel::ThreadId, pc: u16| {
            let text =
                program.scripts.get(t.index()).and_then(|s| s.lines.get(usize::from(pc))).map(|l| l.text.as_str());
            let named = text.and_then(|text| self.operation_of(p, t.index(), text));
            named.unwrap_or(match text {
                Some("acquire-init t") => "acquire-init",
                Some("acquire-fini t") => "acquire-fini",
                _ => "the end",
            })
        };
        if !violation.property.is_stuck() {
            return vec![at(violation.thread, violation.pc)];
        }
        let unfinished = program.scripted().filter(|t| !state.is_over(program, *t));
        let mut all: Vec<&str> = unfinished.map(|t| at(t, state.thread(t).pc())).collect();
        all.sort_unstable();
        all
    }
}
