//! `check --format`: what was found, for systems that show test results and findings.

use super::{Exit, Unread, usage, write};
use crate::{
    args::{CheckArgs, FormatArg},
    files,
    judge::{Failure, Grade},
    render::{self, View},
    run::{CaseRun, scenario_engine},
};
use fenceweave_kernel::Property;
use fenceweave_report::{
    CountsShown, Sheet,
    findings::{self, Ended, Finding, Level, Tested, Way},
    github, junit, sarif,
};
use fenceweave_scenario::{Case, Mistake, Scenario, Warnings};
use std::path::Path;

/// What was asked for; in a workflow of GitHub's annotations, unless something else was.
pub(super) fn format_of(args: &CheckArgs) -> FormatArg {
    let in_workflow = || std::env::var_os("GITHUB_ACTIONS").is_some_and(|said| said == "true");
    match args.format {
        Some(format) => format,
        None if args.json => FormatArg::Json,
        None if in_workflow() => FormatArg::Github,
        None => FormatArg::Text,
    }
}

/// Options that cannot both be meant.
pub(super) fn contradiction(args: &CheckArgs) -> Option<&'static str> {
    match (format_of(args), &args.output) {
        (FormatArg::Text | FormatArg::Json | FormatArg::Github, Some(_)) => Some(
            "`--output` takes a document: `--format junit` or `--format sarif`; the rest goes to standard output, which \
             `>` puts into a file",
        ),
        _ => None,
    }
}

/// Whether a document or annotations are made of what was found.
fn is_wanted(args: &CheckArgs) -> bool {
    matches!(format_of(args), FormatArg::Junit | FormatArg::Sarif | FormatArg::Github)
}

/// Whether text goes to standard output: not where a document does.
pub(super) fn shows_text(args: &CheckArgs) -> bool {
    !matches!(format_of(args), FormatArg::Junit | FormatArg::Sarif) || args.output.is_some()
}

/// What there is of a case.
pub(super) fn case(
    args: &CheckArgs,
    scenario: &Scenario,
    file: &Path,
    (case, run): (&Case, &CaseRun),
) -> Option<Tested> {
    if !is_wanted(args) {
        return None;
    }
    let (file, grade) = (file.display().to_string(), run.judgement.grade());
    let mut found: Vec<Finding> =
        run.judgement.failures.iter().map(|f| failure(f, scenario, &file, (case, run))).collect();
    if grade == Grade::Incomplete {
        let details = run.judgement.incomplete.iter().map(|why| format!("{why}\n")).collect();
        found.push(incomplete(&file, scenario.line, render::verdict(case, run), details));
    }
    let seconds = args.stats.then(|| run.times.iter().map(|t| t.as_secs_f64()).sum());
    let verdict = render::verdict(case, run);
    Some(Tested { file, name: case.program.name.clone(), ended: ended(grade), verdict, seconds, findings: found })
}

/// What there is of a case with inputs: its tuples together.
pub(super) fn tuples(
    args: &CheckArgs,
    scenario: &Scenario,
    (file, name): (&Path, &str),
    grade: Grade,
    text: &str,
) -> Option<Tested> {
    let wanted = is_wanted(args);
    let file = file.display().to_string();
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let verdict = first.strip_prefix(name).map_or(first, |v| v.trim_start_matches(": ")).to_owned();
    let findings = match grade {
        Grade::AsExpected => vec![],
        Grade::Incomplete => vec![incomplete(&file, scenario.line, verdict.clone(), rest.to_owned())],
        Grade::NotAsExpected => vec![Finding {
            rule: "expectation".into(),
            meaning: EXPECTATION.into(),
            level: Level::Error,
            line: scenario.line,
            column: 0,
            message: verdict.clone(),
            details: rest.to_owned(),
            way: None,
            file: file.clone(),
        }],
    };
    wanted.then(|| Tested { file, name: name.to_owned(), ended: ended(grade), verdict, seconds: None, findings })
}

const EXPECTATION: &str = "what the scenario expects is not what was found";

fn ended(grade: Grade) -> Ended {
    match grade {
        Grade::AsExpected => Ended::Passed,
        Grade::NotAsExpected => Ended::Failed,
        Grade::Incomplete => Ended::Unknown,
    }
}

fn incomplete(file: &str, line: u32, verdict: String, details: String) -> Finding {
    Finding {
        rule: "incomplete".into(),
        meaning: "a limit was hit before everything was looked at: nothing is known for certain".into(),
        level: Level::Warning,
        file: file.into(),
        line,
        column: 0,
        message: verdict,
        details,
        way: None,
    }
}

fn failure(f: &Failure, scenario: &Scenario, file: &str, (case, run): (&Case, &CaseRun)) -> Finding {
    let engine = f.engines.first().copied();
    let finder = run.runs.iter().find(|r| Some(r.engine) == engine);
    let found = finder.and_then(|r| {
        let mut all = r.found.iter();
        all.find(|found| Some(&found.trace) == f.trace.as_ref() && Some(found.violation.property) == f.property)
    });
    let broken = found.and_then(|found| findings::line_of(&case.program, &found.trace, found.violation));
    let clause = f.clause.zip(engine).and_then(|(at, engine)| {
        let expected = case.expectations.conditions(scenario_engine(engine)).nth(at);
        expected.map(|e| e.line)
    });
    Finding {
        rule: f.property.map_or("expectation", Property::name).into(),
        meaning: f.property.map_or(EXPECTATION, Property::meaning).into(),
        level: Level::Error,
        file: file.into(),
        line: broken.or(clause).unwrap_or(scenario.line),
        column: 0,
        message: format!("{}: {}", case.program.name, f.text),
        details: render::failure_alone(
            case,
            run,
            f,
            View { counts: CountsShown::Hidden, times: false, sheet: Sheet::default() },
        ),
        way: f.trace.as_ref().map(|trace| Way::of(&case.program, trace, file)),
    }
}

/// What there is of a file that could not be read.
pub(super) fn unread(args: &CheckArgs, file: &Path, unread: &Unread) -> Option<Tested> {
    let name = file.display().to_string();
    let findings = unread.0.mistakes().iter().map(|m| mistake(m, Level::Error)).collect();
    let verdict = "the file could not be read".to_owned();
    is_wanted(args).then(|| Tested {
        file: name.clone(),
        name,
        ended: Ended::Unknown,
        verdict,
        seconds: None,
        findings,
    })
}

/// Adds what makes a scenario's verdict empty to the last of its cases.
pub(super) fn warn(args: &CheckArgs, warnings: &Warnings, tested: &mut [Tested]) {
    let level = if args.deny_warnings { Level::Error } else { Level::Warning };
    let Some(last) = tested.last_mut().filter(|_| is_wanted(args)) else { return };
    if args.deny_warnings && warnings.count() > 0 && last.ended == Ended::Passed {
        last.ended = Ended::Failed;
    }
    last.findings.extend(warnings.told.iter().map(|w| mistake(w, level)));
}

fn mistake(m: &Mistake, level: Level) -> Finding {
    let place = m.place();
    Finding {
        rule: m.kind().into(),
        meaning: String::new(),
        level,
        file: m.file().into(),
        line: place.line,
        column: place.column,
        message: m.message().into(),
        details: m.way_out().map_or_else(String::new, |way| format!("{way}\n")),
        way: None,
    }
}

/// Writes the document, or the annotations.
pub(super) fn deliver(tested: &[Tested], args: &CheckArgs) -> Result<(), Exit> {
    let document = match format_of(args) {
        FormatArg::Text | FormatArg::Json => return Ok(()),
        FormatArg::Github => github::annotations(tested),
        FormatArg::Junit => junit::document(tested),
        FormatArg::Sarif => sarif::document(tested, env!("CARGO_PKG_VERSION")),
    };
    match &args.output {
        Some(path) => files::write_whole(path, &document).map_err(|e| usage(&format!("{}: {e}", path.display()))),
        None => {
            // What could not be written decides the exit code.
            let _ = write(&document);
            Ok(())
        }
    }
}
