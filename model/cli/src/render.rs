//! The text of a case: on the terminal, and in a snapshot.

use crate::{
    judge::{Failure, Grade, outcome_text},
    run::CaseRun,
};
use fenceweave_explore::{Coverage, Engine, Exploration};
use fenceweave_report::{Counterexample, CountsShown, Style, outcomes, summary, trace};
use fenceweave_scenario::{Case, Loaded, Verdict};
use std::fmt::Write as _;

/// What a file says about itself.
pub(crate) struct FileText {
    scenarios: Vec<(String, String)>,
}

impl FileText {
    pub(crate) fn of(loaded: &Loaded) -> FileText {
        let one_line = |about: &str| about.split_whitespace().collect::<Vec<_>>().join(" ");
        FileText { scenarios: loaded.scenarios.iter().map(|s| (s.name.clone(), one_line(&s.about))).collect() }
    }

    fn about(&self, program: &str) -> Option<&str> {
        let name = program.split('/').next()?;
        self.scenarios.iter().find(|(n, _)| n == name).map(|(_, about)| about.as_str())
    }
}

/// The snapshot of a file: for each case what is expected and found, the outcomes, and a counterexample for each
/// property that is expected to be broken. No counts and no times.
pub(crate) fn snapshot(file: &FileText, cases: Vec<(&Case, CaseRun)>) -> String {
    let mut out = String::new();
    let mut last = "";
    for (case, run) in &cases {
        let name = case.program.name.split('/').next().unwrap_or_default();
        if name != last {
            let about = file.about(name).unwrap_or_default();
            let _ = writeln!(out, "{}{name}: {about}", if last.is_empty() { "" } else { "\n" });
            last = name;
        }
        out.push('\n');
        out.push_str(&case_text(case, run, CountsShown::Hidden, Style::Plain));
    }
    out
}

/// Everything about one case.
pub(crate) fn case_text(case: &Case, run: &CaseRun, counts: CountsShown, style: Style) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}", headline(case, run));
    for r in &run.runs {
        let _ = writeln!(out, "  {}", summary::line(r, counts).trim_end());
    }
    let Some(main) = main_run(&run.runs) else { return out };
    engines_agree(case, run, main, &mut out);
    if !main.outcomes.is_empty() {
        out.push('\n');
        out.push_str(&outcomes::table(&case.program, &main.outcomes));
    }
    for f in &main.found {
        let example = Counterexample::of(&case.program, f);
        let _ = write!(out, "\n{}:\n{}", f.violation.property.name(), trace::render(&example, style));
    }
    failures(case, run, style, &mut out);
    out
}

/// The exploration that outcomes and traces are shown of: the first that ran, `explicit` if it did.
fn main_run(runs: &[Exploration]) -> Option<&Exploration> {
    let ran = |r: &&Exploration| !matches!(r.coverage, Coverage::Refused(_));
    runs.iter().find(|r| r.engine == Engine::Explicit).filter(ran).or_else(|| runs.iter().find(ran))
}

/// What was found, in a word or two, and whether it is as expected.
pub(crate) fn verdict(run: &CaseRun) -> String {
    let says = found_text(run);
    match run.judgement.grade() {
        Grade::AsExpected => format!("{says}, as expected"),
        Grade::NotAsExpected => format!("{says}, not as expected"),
        Grade::Incomplete => format!("{says} so far, incomplete"),
    }
}

fn found_text(run: &CaseRun) -> String {
    let mut all: Vec<_> = run.runs.iter().flat_map(|r| &r.found).map(|f| f.violation.property).collect();
    all.sort_unstable();
    all.dedup();
    let names: Vec<&str> = all.into_iter().map(|p| p.name()).collect();
    if names.is_empty() { "holds".to_owned() } else { format!("violates {}", names.join(", ")) }
}

/// The judgement in a line, such as `case buggy: violates use-after-free, as expected`.
fn headline(case: &Case, run: &CaseRun) -> String {
    let says = found_text(run);
    let grade = match run.judgement.grade() {
        Grade::AsExpected => format!("{says}, as expected"),
        Grade::NotAsExpected => format!("NOT AS EXPECTED: {says}; expected: {}", expected_text(case)),
        Grade::Incomplete => format!("INCOMPLETE: {says} so far"),
    };
    match &case.name {
        Some(name) => format!("case {name}: {grade}"),
        None => grade,
    }
}

fn expected_text(case: &Case) -> String {
    match case.expectations.verdict(fenceweave_scenario::Engine::Explicit) {
        Verdict::Holds => "holds".into(),
        Verdict::Violates(p) => {
            format!("violates {}", p.iter().map(|p| p.name()).collect::<Vec<_>>().join(", "))
        }
    }
}

/// What the other engines have beyond the one that is shown.
fn engines_agree(case: &Case, run: &CaseRun, main: &Exploration, out: &mut String) {
    let others = run.runs.iter().filter(|r| r.engine != main.engine && !matches!(r.coverage, Coverage::Refused(_)));
    for r in others {
        let missing = main.outcomes.difference(&r.outcomes).count();
        let more = r.outcomes.difference(&main.outcomes).count();
        let text = match (missing, more) {
            (0, 0) => format!("{}: the same {} outcomes", r.engine, main.outcomes.len()),
            (m, 0) => format!("{}: {m} of the {} outcomes not seen", r.engine, main.outcomes.len()),
            (0, n) => format!("{}: the same outcomes and {n} more", r.engine),
            (m, n) => format!("{}: {m} outcomes not seen and {n} more", r.engine),
        };
        let _ = writeln!(out, "  {text}");
    }
    for o in &run.comparison.weak_only {
        let _ = writeln!(out, "  weak memory only: {}", outcome_text(&case.program, o));
    }
}

fn failures(case: &Case, run: &CaseRun, style: Style, out: &mut String) {
    let shown = main_run(&run.runs).map_or(&[][..], |r| &r.found);
    for Failure { engine, text, trace: way } in &run.judgement.failures {
        let _ = writeln!(out, "\nnot as expected ({engine}): {text}");
        // A violation's trace stands above already.
        if let Some(t) = way.as_ref().filter(|t| !shown.iter().any(|f| f.trace == **t)) {
            out.push_str(&trace::render(&Counterexample::way(&case.program, t), style));
        }
    }
    for why in &run.judgement.incomplete {
        let _ = writeln!(out, "\nincomplete: {why}");
    }
    for note in &run.judgement.notes {
        let _ = writeln!(out, "\nnote: {note}");
    }
}
