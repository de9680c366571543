//! Whether what was found is what the scenario expects.

use crate::run::scenario_engine;
use fenceweave_explore::{Comparison, Coverage, Engine, Exploration, Trace, Watched};
use fenceweave_kernel::{Moment, Outcome, Program, Property};
use fenceweave_scenario::{Case, Expected, Verdict};
use std::collections::BTreeSet;

/// The judgement on a case. Its order is that of exit codes: the worst of several counts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Judgement {
    /// What is not as expected.
    pub failures: Vec<Failure>,
    /// Why nothing can be said for certain, where nothing failed.
    pub incomplete: Vec<String>,
    /// What the reader should know besides.
    pub notes: Vec<String>,
}

/// Something that is not as the scenario expects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The engine that found it.
    pub engine: Engine,
    /// What, in a line.
    pub text: String,
    /// The way to the state that shows it, where there is one.
    pub trace: Option<Trace>,
}

/// What a judgement comes to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Grade {
    /// As expected, and everything was looked at.
    AsExpected,
    /// Nothing unexpected was seen, but not everything was looked at.
    Incomplete,
    /// Not as expected.
    NotAsExpected,
}

impl Judgement {
    /// What it comes to.
    pub fn grade(&self) -> Grade {
        match (self.failures.is_empty(), self.incomplete.is_empty()) {
            (false, _) => Grade::NotAsExpected,
            (true, false) => Grade::Incomplete,
            (true, true) => Grade::AsExpected,
        }
    }

    fn fail(&mut self, engine: Engine, text: String, trace: Option<Trace>) {
        self.failures.push(Failure { engine, text, trace });
    }
}

/// Judges the runs of a case.
pub(crate) fn judge(case: &Case, runs: &[Exploration], comparison: &Comparison) -> Judgement {
    let mut j = Judgement::default();
    for run in runs {
        judge_run(case, run, &mut j);
    }
    for d in &comparison.disagreements {
        let kind = if d.weak_memory_only { " (weak memory only; declare the variable `weak` if that is meant)" } else { "" };
        let text = format!(
            "{} has an outcome that {} lacks{kind}: {}",
            d.has,
            d.lacks,
            outcome_text(&case.program, &d.outcome)
        );
        j.fail(d.has, text, None);
    }
    // One complete search of the sequentially consistent graph decides; loom alone decides only when asked alone.
    if !runs.iter().any(|r| r.coverage.is_complete()) {
        for run in runs {
            j.incomplete.push(format!("{}: {}", run.engine, coverage_text(&run.coverage)));
        }
    }
    j
}

/// How much an engine looked at, in words.
pub(crate) fn coverage_text(c: &Coverage) -> String {
    match c {
        Coverage::Complete => "complete".into(),
        Coverage::Preemptions(n) => format!("every execution with at most {n} preemptions"),
        Coverage::Sampled => "a random sample".into(),
        Coverage::Incomplete(why) => format!("incomplete: {why}"),
        Coverage::Refused(why) => format!("not run: {why}"),
    }
}

fn judge_run(case: &Case, run: &Exploration, j: &mut Judgement) {
    if let Coverage::Refused(why) = &run.coverage {
        j.notes.push(format!("{} did not run: {why}", run.engine));
        return;
    }
    judge_violations(case, run, j);
    let expected: Vec<&Expected> = case.expectations.conditions(scenario_engine(run.engine)).collect();
    for (e, seen) in expected.iter().zip(&run.watched) {
        judge_condition(e, seen, run, j);
    }
}

fn expected_properties(verdict: &Verdict) -> &[Property] {
    match verdict {
        Verdict::Holds => &[],
        Verdict::Violates(all) => all,
    }
}

/// `holds` and `violates` mean exactly this set over the whole exploration.
fn judge_violations(case: &Case, run: &Exploration, j: &mut Judgement) {
    let wanted = expected_properties(case.expectations.verdict(scenario_engine(run.engine)));
    let mut told = BTreeSet::new();
    for f in &run.found {
        let p = f.violation.property;
        if !wanted.contains(&p) && told.insert(p) {
            j.fail(run.engine, format!("{} is violated: {}", p.name(), p.meaning()), Some(f.trace.clone()));
        }
    }
    for p in wanted {
        let found = run.found.iter().any(|f| f.violation.property == *p);
        if !found && run.coverage.is_complete() {
            j.fail(run.engine, format!("{} was expected to be violated, but holds", p.name()), None);
        } else if !found {
            j.notes.push(format!("{} did not find {}, {}", run.engine, p.name(), coverage_text(&run.coverage)));
        }
    }
}

fn judge_condition(e: &Expected, seen: &Watched, run: &Exploration, j: &mut Judgement) {
    let engine = run.engine;
    if seen.not_judged {
        if e.engine.is_some() {
            j.fail(engine, format!("line {}: `{}` cannot be judged by {engine}", e.line, e.text), None);
        }
        return;
    }
    if seen.failed {
        let why = "it divides by zero or calculates with a reference";
        j.fail(engine, format!("line {}: `{}` cannot be evaluated: {why}", e.line, e.text), None);
    }
    let (broken, missing) = match e.condition.moment {
        Moment::Never => (&seen.seen_true, false),
        Moment::Always | Moment::AtEnd => (&seen.seen_false, false),
        Moment::Sometimes => (&None, seen.seen_true.is_none()),
    };
    if let Some(trace) = broken {
        j.fail(engine, format!("line {}: `{}` does not hold", e.line, e.text), Some(trace.clone()));
    }
    if missing && run.coverage.is_complete() {
        j.fail(engine, format!("line {}: `{}` was never seen", e.line, e.text), None);
    }
}

/// An outcome on one line.
pub(crate) fn outcome_text(program: &Program, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Violated(v) => {
            format!("{} by {}", v.property.name(), program.thread_name(v.thread))
        }
        Outcome::Finished { locals, vars } => {
            let mut parts = vec![];
            for (t, values) in program.scripted().zip(locals) {
                let script = &program.scripts[t.index()];
                for (name, v) in script.locals.iter().zip(values).filter(|(n, _)| !n.is_empty()) {
                    parts.push(format!("{}.{name}={}", script.name, fenceweave_report::value_text(program, *v)));
                }
            }
            let observed = program.vars.iter().filter(|v| v.observed);
            for (decl, v) in observed.zip(vars) {
                parts.push(format!("{}={}", decl.name, fenceweave_report::value_text(program, *v)));
            }
            parts.join(" ")
        }
    }
}
