//! Whether what was found is what the scenario expects.

use crate::run::scenario_engine;
use fenceweave_explore::{Comparison, Coverage, Engine, Exploration, Found, StaleWords, Trace, Watched};
use fenceweave_kernel::{Moment, ObjId, Outcome, Program, Property};
use fenceweave_report::summary;
use fenceweave_scenario::{Case, Expected, Verdict};
use std::collections::BTreeMap;

/// The judgement on a case. Its order is that of exit codes: the worst of several counts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Judgement {
    /// What is not as expected.
    pub failures: Vec<Failure>,
    /// Why nothing can be said for certain, where nothing failed.
    pub incomplete: Vec<String>,
    /// What the reader should know besides.
    pub notes: Vec<String>,
    /// The clauses with a name that are broken, each with the way to the state that shows it, if one does.
    pub broken: Vec<(String, Option<Trace>)>,
    /// Whether something that was to be seen was not.
    lacks: bool,
}

/// Something that is not as the scenario expects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failure {
    /// The engines that found it, in the order in which they ran.
    pub engines: Vec<Engine>,
    /// What, in a line.
    pub text: String,
    /// The property that is broken, if it is that.
    pub property: Option<Property>,
    /// The way to the state that shows it, where there is one: the first engine's.
    pub trace: Option<Trace>,
    /// If it is a clause that is broken, which: its place among those that the engine judges.
    pub clause: Option<usize>,
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

    /// What was to be seen was not. Of inputs one tuple may show it and another one not.
    fn lack(&mut self, case: &Case, engine: Engine, text: String) {
        match case.tuple.is_empty() {
            true => {
                self.fail(engine, text, None);
                self.lacks = true;
            }
            false => self.notes.push(format!("{text} with {}", case.tuple)),
        }
    }

    /// One thing is one failure, however many engines find it.
    fn fail(&mut self, engine: Engine, text: String, trace: Option<Trace>) -> &mut Failure {
        let known = self.failures.iter().position(|f| f.text == text);
        let at = known.unwrap_or(self.failures.len());
        if known.is_none() {
            self.failures.push(Failure { engines: vec![], text, property: None, trace: None, clause: None });
        }
        let failure = &mut self.failures[at];
        if !failure.engines.contains(&engine) {
            failure.engines.push(engine);
        }
        failure.trace = failure.trace.take().or(trace);
        failure
    }
}

/// Judges the runs of a case.
pub(crate) fn judge(case: &Case, runs: &[Exploration], comparison: &Comparison) -> Judgement {
    let mut j = Judgement::default();
    for run in runs {
        judge_run(case, (run, runs), &mut j);
    }
    for d in &comparison.disagreements {
        let kind = match &d.stale {
            Some(stale) => weak_kind(&case.program, stale),
            None => "a mistake of Fenceweave's: please report it with the scenario".to_owned(),
        };
        let outcome = outcome_text(&case.program, &d.outcome);
        let text = format!("{} has an outcome that {} lacks ({kind}): {outcome}", d.has, d.lacks);
        j.fail(d.has, text, None);
    }
    if let Some((explicit, shuttle)) = comparison.states_differ {
        let text = format!("explicit visited {explicit} states and shuttle {shuttle}: one of them is wrong");
        j.fail(Engine::Shuttle, text, None);
    }
    judge_liveness(case, runs, &mut j);
    if j.lacks && !case.program.grain.is_fine() {
        let grain = case.program.grain;
        j.notes.push(format!(
            "in grain {grain} nobody comes between the accesses of an operation: look with `--grain fine`"
        ));
    }
    if !case.program.grain.is_fine()
        && runs.iter().any(|r| r.engine.has_weak_memory() && !matches!(r.coverage, Coverage::Refused(_)))
    {
        let order = "the operations that are coarse are in one order, which everybody sees";
        j.notes.push(format!("loom: {order}; what weak memory does around them is looked at in `grain fine`"));
    }
    // One complete search of the sequentially consistent graph decides; loom alone decides only when asked alone.
    if !runs.iter().any(|r| r.coverage.is_complete()) {
        for run in runs {
            j.incomplete.push(format!("{}: {}", run.engine, summary::coverage(run.engine, &run.coverage)));
        }
    }
    j
}

/// Why an outcome is weak memory's, where the scenario is not about that.
fn weak_kind(program: &Program, stale: &StaleWords) -> String {
    let undeclared = stale.iter().filter(|w| !w.is_some_and(|w| program.weak.contains(&w)));
    let name = |w: &Option<ObjId>| w.map_or("a task's state", |w| program.name_of(w)).to_owned();
    let names: Vec<String> = undeclared.map(name).collect();
    format!("weak memory only, by stale reads of {}: declare what is meant `weak`", names.join(", "))
}

/// What is about executions that go on for ever, or about all of them together, is found on the whole graph: by
/// `explicit`, or by nobody.
fn judge_liveness(case: &Case, runs: &[Exploration], j: &mut Judgement) {
    if let Some(run) = explicit_of(runs) {
        if run.counts.unfair_cycles > 0 {
            j.notes.push("there are cycles that only an unfair scheduler can take for ever; they break nothing".into());
        }
        return;
    }
    let engine = fenceweave_scenario::Engine::Explicit;
    let verdict = case.expectations.verdict(engine);
    let wanted = expected_properties(verdict).iter().filter(|p| p.is_liveness() || p.has_rule_of_all_executions());
    for p in wanted.filter(|p| !runs.iter().any(|r| has(r, **p))) {
        j.incomplete.push(format!("{} is looked for by explicit alone", p.name()));
    }
    for e in case.expectations.conditions(engine).filter(|e| e.condition.moment.is_of_the_whole_graph()) {
        j.incomplete.push(format!("line {}: `{}` is judged by explicit alone", e.line, e.text));
    }
}

fn has(run: &Exploration, p: Property) -> bool {
    run.found.iter().any(|f| f.violation.property == p)
}

fn judge_run(case: &Case, (run, all): (&Exploration, &[Exploration]), j: &mut Judgement) {
    // Why it did not run stands in its line of the report.
    if matches!(run.coverage, Coverage::Refused(_)) {
        return;
    }
    judge_violations(case, (run, all), j);
    let expected: Vec<&Expected> = case.expectations.conditions(scenario_engine(run.engine)).collect();
    let broken: Vec<&str> = case.expectations.broken(scenario_engine(run.engine)).collect();
    for (at, (e, seen)) in expected.iter().zip(&run.watched).enumerate() {
        let named = e.name.as_deref();
        match named.filter(|name| broken.contains(name)) {
            Some(name) => judge_broken(case, (at, e), name, (seen, run), j),
            None => judge_condition(case, (at, e), (seen, run), j),
        }
        note_broken(e, seen, run, j);
    }
}

fn expected_properties(verdict: &Verdict) -> &[Property] {
    match verdict {
        Verdict::Holds => &[],
        Verdict::Violates(all) => all,
    }
}

/// `holds` and `violates` mean exactly this set over the whole exploration. Of several ways to break one property the
/// shortest is shown.
fn judge_violations(case: &Case, (run, all): (&Exploration, &[Exploration]), j: &mut Judgement) {
    let wanted = expected_properties(case.expectations.verdict(scenario_engine(run.engine)));
    for f in shortest(&run.found) {
        let p = f.violation.property;
        if !wanted.contains(&p) {
            let text = format!("{} is violated", p.name());
            j.fail(run.engine, text, Some(f.trace.clone())).property = Some(p);
        }
    }
    for p in wanted {
        let found = has(run, *p);
        let elsewhere = run.engine != Engine::Explicit && (p.is_liveness() || may_be_of_all_executions(all, *p));
        if !found && (elsewhere || p.needs_one_order() && run.engine == Engine::Loom) {
            // Of the first it sees only those that come to a stand.
            continue;
        }
        let missed = is_own_verdict(case, run.engine) && !run.engine.misses().is_empty();
        if !found && run.coverage.is_complete() && !missed {
            j.lack(case, run.engine, format!("{} was expected to be violated, but holds", p.name()));
        } else if !found {
            let text =
                format!("{} did not find {} ({})", run.engine, p.name(), summary::coverage(run.engine, &run.coverage));
            // What is expected of this engine alone, no other can make up for.
            if is_own_verdict(case, run.engine) { j.incomplete.push(text) } else { j.notes.push(text) }
        }
    }
}

/// Whether a property may be broken by all executions together, and by no single one. The engine that looks at them
/// together says so of what it found; where it did not run, the property's rules do.
fn may_be_of_all_executions(runs: &[Exploration], p: Property) -> bool {
    let Some(explicit) = explicit_of(runs) else { return p.has_rule_of_all_executions() };
    let mut found = explicit.found.iter().filter(|f| f.violation.property == p).peekable();
    found.peek().is_some() && found.all(|f| f.violation.is_of_all_executions())
}

/// What `explicit` found, if it ran.
fn explicit_of(runs: &[Exploration]) -> Option<&Exploration> {
    runs.iter().find(|r| r.engine == Engine::Explicit && !matches!(r.coverage, Coverage::Refused(_)))
}

/// Whether the engine has a verdict of its own, which differs from what is expected of the others.
fn is_own_verdict(case: &Case, engine: Engine) -> bool {
    let of = |e| case.expectations.verdict(scenario_engine(e));
    engine != Engine::Explicit && of(engine) != of(Engine::Explicit)
}

/// For each property the counterexample with the fewest steps, the first of several.
pub(crate) fn shortest(found: &[Found]) -> Vec<&Found> {
    let mut by_property: BTreeMap<Property, &Found> = BTreeMap::new();
    for f in found {
        let best = by_property.entry(f.violation.property).or_insert(f);
        if f.trace.steps.len() < best.trace.steps.len() {
            *best = f;
        }
    }
    by_property.into_values().collect()
}

fn judge_condition(case: &Case, (at, e): (usize, &Expected), (seen, run): (&Watched, &Exploration), j: &mut Judgement) {
    let engine = run.engine;
    if seen.not_judged {
        if e.condition.moment.is_of_the_whole_graph() {
            // By others it never is, and by `explicit` on the whole graph.
            return;
        }
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
        Moment::Always | Moment::AtEnd | Moment::Eventually | Moment::Settles => (&seen.seen_false, false),
        Moment::Sometimes => (&None, seen.seen_true.is_none()),
    };
    if let Some(trace) = broken {
        j.fail(engine, format!("line {}: `{}` does not hold", e.line, e.text), Some(trace.clone())).clause = Some(at);
    }
    if missing && run.coverage.is_complete() {
        let never = format!("line {}: `{}` was never seen", e.line, e.text);
        // Another engine's memory can do no more than it has shown; what this one cannot do may show it.
        match engine.misses().is_empty() {
            true => j.lack(case, engine, never),
            false => j.incomplete.push(format!("{never} ({engine}: {})", summary::coverage(engine, &run.coverage))),
        }
    }
    // A clause for one engine is judged by nobody else: what that engine did not look at is not known to hold.
    let settled = broken.is_some() || e.condition.moment == Moment::Sometimes && !missing;
    if e.engine.is_some() && !settled && !run.coverage.is_complete() {
        let looked_at = summary::coverage(run.engine, &run.coverage);
        j.incomplete.push(format!("line {}: `{}` was judged by {engine} only, {looked_at}", e.line, e.text));
    }
}

/// Whether a clause is broken, and by what: nothing shows of a `sometimes` that it never comes.
pub(crate) fn broken_by<'t>(e: &Expected, seen: &'t Watched, run: &Exploration) -> Option<Option<&'t Trace>> {
    match e.condition.moment {
        Moment::Never => seen.seen_true.as_ref().map(Some),
        Moment::Always | Moment::AtEnd | Moment::Eventually | Moment::Settles => seen.seen_false.as_ref().map(Some),
        Moment::Sometimes => (seen.seen_true.is_none() && run.coverage.is_complete()).then_some(None),
    }
}

fn note_broken(e: &Expected, seen: &Watched, run: &Exploration, j: &mut Judgement) {
    let Some(name) = e.name.as_ref().filter(|_| !seen.not_judged) else { return };
    if let Some(by) = broken_by(e, seen, run)
        && j.broken.iter().all(|(known, _)| known != name)
    {
        j.broken.push((name.clone(), by.cloned()));
    }
}

/// A clause that `violates` names.
fn judge_broken(
    case: &Case,
    (at, e): (usize, &Expected),
    name: &str,
    (seen, run): (&Watched, &Exploration),
    j: &mut Judgement,
) {
    if seen.failed {
        return judge_condition(case, (at, e), (seen, run), j);
    }
    if seen.not_judged || broken_by(e, seen, run).is_some() {
        return;
    }
    if run.coverage.is_complete() {
        let text = format!("{name} was expected to be violated, but holds (line {}: `{}`)", e.line, e.text);
        j.lack(case, run.engine, text);
    } else {
        j.notes.push(format!("{} did not find {name} ({})", run.engine, summary::coverage(run.engine, &run.coverage)));
    }
}

/// An outcome on one line.
pub(crate) fn outcome_text(program: &Program, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Violated(v) => {
            format!("{} by {}", v.property.name(), program.thread_name(v.thread))
        }
        Outcome::Finished { locals, vars, warned } => {
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
            if !warned.is_empty() {
                parts.push(format!("warned at {}", fenceweave_report::outcomes::warnings(program, warned)));
            }
            parts.join(" ")
        }
    }
}
