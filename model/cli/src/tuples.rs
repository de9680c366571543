//! A case with inputs: a program for each tuple, and what they come to together.
//!
//! What is expected of such a case is expected of all its tuples together: `violates P` says that P is what some tuples
//! violate, and nothing else; a `sometimes` has to be seen in one of them; everything else has to hold in each. So it
//! is judged when all are done, and a tuple that was not looked at makes it incomplete.

use crate::{
    judge::{Grade, broken_by},
    render,
    run::{self, CaseRun, Options, scenario_engine},
};
use fenceweave_explore::{Engine, Exploration, Found, interrupt};
use fenceweave_fuzz::sweep::{Cluster, Tally};
use fenceweave_kernel::{Moment, Program, Property, Violation};
use fenceweave_report::{Counterexample, Sheet, json, token, trace};
use fenceweave_scenario::{Case, Expected, Fixed, Report, Swept as File, Tuple, Tuples, Verdict};
use std::{collections::BTreeSet, fmt::Write as _};

/// Most tuples that `check` explores of a case: there are more than that only where somebody means to `sweep`.
pub(crate) const OF_CHECK: usize = 5_000;

/// A case, to be explored with one tuple after the other.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    /// Its file.
    pub swept: &'a File,
    /// Its scenario's name.
    pub scenario: &'a str,
    /// The case with its smallest tuple: what is expected is the same for all.
    pub case: &'a Case,
}

/// Which tuples are explored.
pub(crate) struct Wanted<'a> {
    /// Only those in which inputs have these values.
    pub fixed: &'a Fixed,
    /// At most so many.
    pub most: usize,
}

/// The tuples of a case, explored and judged.
pub(crate) struct Swept {
    pub tuples: Tuples,
    pub tally: Tally,
    pub judged: Judged,
}

/// Explores all tuples that are wanted, one after the other; if a violation is enough, up to the first that has one.
///
/// # Errors
///
/// The mistakes of the scenario with the values of a tuple, and which.
pub(crate) fn sweep(subject: &Subject<'_>, wanted: &Wanted<'_>, options: &Options) -> Result<Swept, (Report, Tuple)> {
    sweep_seeing(subject, wanted, options, &mut |_, _| {})
}

/// The same, for somebody who wants to see each run.
///
/// # Errors
///
/// The mistakes of the scenario with the values of a tuple, and which.
pub(crate) fn sweep_seeing(
    subject: &Subject<'_>,
    wanted: &Wanted<'_>,
    options: &Options,
    see: &mut dyn FnMut(&Case, &CaseRun),
) -> Result<Swept, (Report, Tuple)> {
    let name = subject.case.name.as_deref();
    let tuples = subject.swept.tuples(subject.scenario, name, wanted.fixed, wanted.most);
    let tuples = tuples.map_err(|report| (report, Tuple::default()))?;
    let (mut tally, mut looked_at) = (Tally::default(), 0);
    for indexed in tuples.all.iter().enumerate() {
        let run = subject.look(indexed, options, &mut tally).map_err(|report| (report, indexed.1.clone()))?;
        run.iter().for_each(|(case, run)| see(case, run));
        looked_at += 1;
        let enough = options.limits.until_violation && tally.violating > 0;
        if enough || interrupt::requested() {
            break;
        }
    }
    let left = left(&tuples, looked_at, wanted);
    let engine = options.engines.first().copied().unwrap_or(Engine::Explicit);
    let judged = judge(subject.case, &tally, left.as_deref(), engine);
    Ok(Swept { tuples, tally, judged })
}

/// Why not all tuples were looked at, if that is so.
pub(crate) fn left(tuples: &Tuples, looked_at: usize, wanted: &Wanted<'_>) -> Option<String> {
    let (all, most) = (tuples.all.len(), wanted.most);
    if looked_at < all {
        Some(format!("{} of {all} tuples were not looked at", all - looked_at))
    } else if tuples.more {
        Some(format!("there are more than {most} tuples (`fenceweave sweep FILE --tuples N` takes more)"))
    } else if !wanted.fixed.is_empty() {
        Some(format!("only tuples with {} were looked at", wanted.fixed))
    } else {
        None
    }
}

/// What all tuples came to.
pub(crate) struct Judged {
    /// Whether that is as expected.
    pub grade: Grade,
    /// In a line.
    pub verdict: String,
    /// What is not as expected.
    pub failures: Vec<String>,
}

/// A way to fail: what is broken, and where.
struct Way {
    /// What stands among the properties of the tally.
    mark: String,
    text: String,
    token: String,
    trace: String,
}

impl Subject<'_> {
    /// Explores the program of one tuple, adds what was found, and gives it back.
    ///
    /// # Errors
    ///
    /// The mistakes of the scenario with these values.
    pub(crate) fn look(
        &self,
        (index, tuple): (usize, &Tuple),
        options: &Options,
        tally: &mut Tally,
    ) -> Result<Option<(Case, CaseRun)>, Report> {
        // A scenario that was there a moment ago is.
        let Some(case) = self.swept.case(self.scenario, self.case.name.as_deref(), tuple)? else { return Ok(None) };
        let run = run::run(&case, options, &());
        tally.programs += 1;
        tally.labelled += 1;
        tally.incomplete += u64::from(!run.judgement.incomplete.is_empty());
        let ways = ways(&case, &run);
        match ways.is_empty() {
            false => tally.violating += 1,
            true => tally.holding += u64::from(run.judgement.incomplete.is_empty()),
        }
        let marks: BTreeSet<String> = ways.iter().map(|way| way.mark.clone()).chain(seen(&case, &run)).collect();
        for mark in marks {
            *tally.by_property.entry(mark).or_default() += 1;
        }
        let mut told = BTreeSet::new();
        for Way { text, token, trace, .. } in ways {
            if told.insert(text.clone()) {
                let trace = format!("{tuple}\n{token}\n{trace}");
                tally.cluster(text, Cluster { programs: 1, labelled: 1, size: (index, 0), text: trace });
            }
        }
        Ok(Some((case, run)))
    }
}

/// The ways in which a program fails; of several with one text the shortest comes first.
fn ways(case: &Case, run: &CaseRun) -> Vec<Way> {
    let mut ways = vec![];
    for r in &run.runs {
        let mut found: Vec<&Found> = r.found.iter().collect();
        found.sort_by_key(|f| f.trace.steps.len());
        ways.extend(found.into_iter().map(|f| violated(&case.program, f)));
        ways.extend(broken(case, r));
    }
    if run.comparison.states_differ.is_some() || !run.comparison.disagreements.is_empty() {
        let text = "the engines disagree: `check --input` of this tuple says more".to_owned();
        ways.push(Way { mark: DISAGREE.to_owned(), text, token: String::new(), trace: String::new() });
    }
    ways
}

const DISAGREE: &str = "engines-disagree";

fn violated(program: &Program, f: &Found) -> Way {
    let property = f.violation.property.name();
    Way {
        mark: property.to_owned(),
        text: format!("{property} {}", place(program, f.violation)),
        token: token::of_trace(program, &f.trace),
        trace: trace::render(&Counterexample::of(program, f), &Sheet::default()),
    }
}

/// Which statement of which function it was: the same one in every tuple.
fn place(program: &Program, v: Violation) -> String {
    let (script, pc) = program.script_at(v.thread, v.pc);
    let line = script.lines.get(usize::from(pc));
    let called = script.callee_at(pc).and_then(|(id, _)| program.callees.get(usize::from(id.0)));
    let inlined = line.and_then(|line| line.calls.last()).map(|call| &call.proc);
    let function = inlined.or(called).map_or_else(String::new, |name| format!("in {name}, "));
    match line.filter(|line| line.line > 0) {
        Some(line) => format!("{function}line {}: `{}`", line.line, line.text),
        None => "at the end".to_owned(),
    }
}

/// The clauses that the program breaks; of a `sometimes` one program alone says nothing.
fn broken(case: &Case, r: &Exploration) -> Vec<Way> {
    let mut ways = vec![];
    let expected: Vec<&Expected> = case.expectations.conditions(scenario_engine(r.engine)).collect();
    for (at, (e, seen)) in expected.iter().zip(&r.watched).enumerate() {
        if seen.not_judged || e.condition.moment == Moment::Sometimes {
            continue;
        }
        if seen.failed {
            let text = format!("line {}: `{}` cannot be evaluated", e.line, e.text);
            ways.push(Way { mark: UNJUDGED.to_owned(), text, token: String::new(), trace: String::new() });
        } else if let Some(Some(way)) = broken_by(e, seen, r) {
            ways.push(Way {
                mark: mark("clause", e),
                text: clause_text(e),
                token: token::of_trace(&case.program, way),
                trace: render::clause(case, r, at, way, &Sheet::default()),
            });
        }
    }
    ways
}

const UNJUDGED: &str = "clause-fails";

fn clause_text(e: &Expected) -> String {
    let name = e.name.as_ref().map_or_else(String::new, |name| format!("{name}, "));
    format!("{name}line {}: `{}` does not hold", e.line, e.text)
}

fn mark(what: &str, e: &Expected) -> String {
    format!("{what}:{}:{}", e.line, e.column)
}

/// What was to be seen in some program, and is in this one.
fn seen(case: &Case, run: &CaseRun) -> Vec<String> {
    let of = |r: &Exploration| {
        let expected = case.expectations.conditions(scenario_engine(r.engine)).zip(&r.watched);
        let shown = expected.filter(|(e, seen)| e.condition.moment == Moment::Sometimes && seen.seen_true.is_some());
        shown.map(|(e, _)| mark("seen", e)).collect::<Vec<_>>()
    };
    run.runs.iter().flat_map(of).collect()
}

/// Judges all tuples together. `left` says why some were not looked at.
pub(crate) fn judge(case: &Case, tally: &Tally, left: Option<&str>, engine: Engine) -> Judged {
    let mut failures = vec![];
    let whole = left.is_none() && tally.incomplete == 0;
    let count = |mark: &str| tally.by_property.get(mark).copied().unwrap_or(0);
    let engine = scenario_engine(engine);
    let wanted: &[Property] = match case.expectations.verdict(engine) {
        Verdict::Holds => &[],
        Verdict::Violates(all) => all,
    };
    for p in Property::ALL {
        match (wanted.contains(p), count(p.name())) {
            (false, n @ 1..) => failures.push(format!("{} is violated by {}", p.name(), tuples(n))),
            (true, 0) if whole => failures.push(format!("{} was expected to be violated, but never is", p.name())),
            _ => {}
        }
    }
    for mark in [DISAGREE, UNJUDGED].into_iter().filter(|mark| count(mark) > 0) {
        failures.push(format!("{mark} for {}", tuples(count(mark))));
    }
    let broken: Vec<&str> = case.expectations.broken(engine).collect();
    for e in case.expectations.conditions(engine) {
        let sometimes = e.condition.moment == Moment::Sometimes;
        let meant = e.name.as_deref().is_some_and(|name| broken.contains(&name));
        let n = if sometimes { count(&mark("seen", e)) } else { count(&mark("clause", e)) };
        let text = match (sometimes, meant, n) {
            (true, false, 0) if whole => format!("line {}: `{}` was never seen", e.line, e.text),
            (true, true, 1..) => format!("line {}: `{}` was not to be seen, but is in {}", e.line, e.text, tuples(n)),
            (false, true, 0) if whole => format!("line {}: `{}` was expected not to hold, but does", e.line, e.text),
            (false, false, 1..) => format!("line {}: `{}` does not hold in {}", e.line, e.text, tuples(n)),
            _ => continue,
        };
        failures.push(text);
    }
    let grade = match (failures.is_empty(), whole) {
        (false, _) => Grade::NotAsExpected,
        (true, false) => Grade::Incomplete,
        (true, true) => Grade::AsExpected,
    };
    Judged { grade, verdict: verdict(case, tally, left, grade), failures }
}

fn tuples(n: u64) -> String {
    if n == 1 { "1 tuple".to_owned() } else { format!("{n} tuples") }
}

/// `fails for 12 of 882 tuples, in 3 ways, as expected: bounded-complete`
fn verdict(case: &Case, tally: &Tally, left: Option<&str>, grade: Grade) -> String {
    let all = tally.programs;
    let says = match (tally.violating, tally.clusters.len()) {
        (0, _) => format!("holds for {}", tuples(all)),
        (n, 1) => format!("fails for {n} of {}, in one way", tuples(all)),
        (n, ways) => format!("fails for {n} of {}, in {ways} ways", tuples(all)),
    };
    let judged = match grade {
        Grade::NotAsExpected => ", not as expected",
        Grade::AsExpected => ", as expected",
        Grade::Incomplete => " so far",
    };
    let memory = if case.program.weak.is_empty() { "" } else { " on sequentially consistent memory" };
    let answer = match (left, tally.incomplete) {
        (Some(left), _) => format!("incomplete: {left}"),
        (None, 0) => "bounded-complete".to_owned(),
        (None, n) => format!("incomplete: the search of {} hit a limit", tuples(n)),
    };
    format!("{says}{memory}{judged}: {answer}")
}

/// The ways, the one with the smallest tuple first: what, in how many tuples, the smallest with its token, its trace.
fn in_order<'t>(tally: &'t Tally) -> Vec<(&'t str, u64, &'t str, &'t str, &'t str)> {
    let mut all: Vec<(&String, &Cluster)> = tally.clusters.iter().collect();
    all.sort_by_key(|(text, way)| (way.size, *text));
    let of = |(text, way): (&'t String, &'t Cluster)| {
        let mut parts = way.text.splitn(3, '\n');
        let mut next = || parts.next().unwrap_or_default();
        (text.as_str(), way.programs, next(), next(), next())
    };
    all.into_iter().map(of).collect()
}

/// Everything about a sweep, for people.
pub(crate) fn text(name: &str, tuples: &Tuples, tally: &Tally, judged: &Judged) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{name}: {}", judged.verdict);
    let _ = writeln!(out, "  {:>9} tuples of {}", tally.programs, tuples.names.join(", "));
    let _ = writeln!(out, "  {:>9} hold", tally.holding);
    let _ = writeln!(out, "  {:>9} fail", tally.violating);
    if tally.incomplete > 0 {
        let _ = writeln!(out, "  {:>9} incomplete", tally.incomplete);
    }
    for failure in &judged.failures {
        let _ = writeln!(out, "not as expected: {failure}");
    }
    for (i, (way, n, tuple, _, trace)) in in_order(tally).into_iter().enumerate() {
        let count = self::tuples(n);
        let _ = write!(out, "\n{}. {way}\n   {count}, the smallest {tuple}\n\n{trace}", i + 1);
    }
    out
}

/// The same for other programs: a line for each way, and one for all of them.
pub(crate) fn json(file: &str, subject: &Subject<'_>, tuples: &Tuples, tally: &Tally, judged: &Judged) -> String {
    let (scenario, case) = (subject.scenario, subject.case.name.as_deref());
    let mut out = String::new();
    for (way, n, smallest, token, trace) in in_order(tally) {
        out.push_str(&json::way(&json::Way { file, scenario, case, way, tuples: n, smallest, token, trace }));
    }
    let grade = match judged.grade {
        Grade::AsExpected => "as-expected",
        Grade::Incomplete => "incomplete",
        Grade::NotAsExpected => "not-as-expected",
    };
    out + &json::swept(&json::Swept {
        file,
        scenario,
        case,
        inputs: &tuples.names,
        verdict: &judged.verdict,
        grade,
        failures: &judged.failures,
        tuples: tally.programs,
        hold: tally.holding,
        fail: tally.violating,
        incomplete: tally.incomplete,
        ways: tally.clusters.len(),
    })
}
