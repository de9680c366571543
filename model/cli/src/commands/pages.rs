//! `check --html` and `explain --html`: what was found as pages to step through in a browser.

use super::{coverage, endings, progress::Bars, vacuity::Ran};
use crate::{
    files,
    judge::Grade,
    render,
    run::{self, CaseRun, Options, scenario_engine},
};
use fenceweave_explore::{Exploration, Trace};
use fenceweave_kernel::{Outcome, Program, Property};
use fenceweave_report::{
    Clause, Counterexample, CountsShown,
    html::{self, Covered, Ending, Execution, Listed, Page},
    outcomes, summary,
};
use fenceweave_scenario::{Case, Coverage, Expected, Loaded, Scenario, Verdict};
use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// Most executions of one case that are shown because something is wrong, and most ways to end well.
const MOST: usize = 12;

/// A page that is to be written.
pub(super) struct Made {
    listed: Listed,
    text: String,
}

/// A folder with pages.
pub(super) struct Folder {
    path: PathBuf,
    listed: Vec<Listed>,
    failed: Option<String>,
}

impl Folder {
    /// The folder at a path, which is made if it is not there.
    pub(super) fn at(path: &Path) -> Result<Folder, String> {
        fs::create_dir_all(path).map_err(|e| format!("`--html` takes a folder; {}: {e}", path.display()))?;
        Ok(Folder { path: path.to_owned(), listed: vec![], failed: None })
    }

    /// Writes a page.
    pub(super) fn put(&mut self, page: &Made) {
        let path = self.path.join(&page.listed.page);
        if let Err(e) = files::write_whole(&path, &page.text) {
            self.failed.get_or_insert(format!("{}: {e}", path.display()));
        }
        self.listed.push(page.listed.clone());
    }

    /// Writes the list of all; or says what could not be written.
    pub(super) fn close(self) -> Result<(), String> {
        let path = self.path.join("index.html");
        let written = files::write_whole(&path, &html::index(&self.listed));
        self.failed.map_or(Ok(()), Err)?;
        written.map_err(|e| format!("{}: {e}", path.display()))
    }
}

/// What was run of a case; of one with inputs its smallest tuple is, again.
pub(super) fn run_of<'r>(case: &Case, ran: &'r Ran, options: &Options) -> Cow<'r, CaseRun> {
    match ran {
        Ran::Once(run) => Cow::Borrowed(run),
        Ran::Tuples(_) => Cow::Owned(run::run(case, options, &Bars::new().bar(&case.program.name))),
    }
}

/// The page of a scenario.
pub(super) fn made(
    loaded: &Loaded,
    scenario: &Scenario,
    cases: &[(&Case, Cow<'_, CaseRun>)],
    covered: &Coverage,
) -> Made {
    let shown: Vec<(&Case, &CaseRun)> = cases.iter().map(|(case, run)| (*case, &**run)).collect();
    let about = render::one_line(&scenario.about);
    let text = page(loaded, (&scenario.name, &about), &shown, covered);
    let cases = shown
        .iter()
        .map(|(case, run)| (case.program.name.clone(), grade(run.judgement.grade()), render::verdict(case, run)));
    let page = page_name(&loaded.file, (loaded.scenarios.len() > 1).then_some(&scenario.name));
    let title = scenario.name.clone();
    Made { listed: Listed { page, title, about, file: loaded.file.clone(), cases: cases.collect() }, text }
}

/// The page of what was shown of a file.
pub(super) fn of_file(loaded: &Loaded, cases: &[(&Scenario, Case, CaseRun)]) -> String {
    let mut covered = Coverage::default();
    cases.iter().for_each(|(_, case, run)| coverage::add(&mut covered, case, run));
    let shown: Vec<(&Case, &CaseRun)> = cases.iter().map(|(_, case, run)| (case, run)).collect();
    let first = cases.first().map(|(scenario, ..)| *scenario);
    let alone = first.filter(|first| cases.iter().all(|(scenario, ..)| scenario.name == first.name));
    let (title, about) = match alone {
        Some(scenario) => (&*scenario.name, render::one_line(&scenario.about)),
        None => (&*loaded.file, String::new()),
    };
    page(loaded, (title, &about), &shown, &covered)
}

/// What a page's file is called: as the scenario's, with the folders that lead there.
fn page_name(file: &str, scenario: Option<&String>) -> String {
    let below = Path::new(file).with_extension("").display().to_string();
    let whole = scenario.map_or(below.clone(), |name| format!("{below}-{name}"));
    let named: String =
        whole.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect();
    format!("{}.html", named.trim_start_matches(['.', '-']))
}

fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::AsExpected => "as-expected",
        Grade::Incomplete => "incomplete",
        Grade::NotAsExpected => "not-as-expected",
    }
}

fn page(loaded: &Loaded, (title, about): (&str, &str), cases: &[(&Case, &CaseRun)], covered: &Coverage) -> String {
    // Executions that end well are found here, and live as long as the page is made.
    let ways: Vec<BTreeMap<Outcome, Trace>> = cases.iter().map(|(case, run)| ways_to_end(case, run)).collect();
    let coverage = covered.statements.iter().map(|(place, taken)| Covered {
        line: place.line,
        count: taken.count,
        ways: taken.ways,
    });
    html::page(&Page {
        title,
        about,
        file: &loaded.file,
        text: &loaded.text,
        coverage: coverage.collect(),
        libraries: libraries(Path::new(&loaded.file), cases.iter().map(|(case, _)| &case.program)),
        cases: cases.iter().zip(&ways).map(|((case, run), ways)| of_case(case, run, ways)).collect(),
    })
}

fn ways_to_end(case: &Case, run: &CaseRun) -> BTreeMap<Outcome, Trace> {
    let main = render::main_run(&run.runs);
    main.map_or_else(BTreeMap::new, |main| endings::of(&case.program, &main.outcomes))
}

fn of_case<'a>(case: &'a Case, run: &'a CaseRun, ways: &'a BTreeMap<Outcome, Trace>) -> html::Case<'a> {
    let program = &case.program;
    let main = render::main_run(&run.runs);
    let engines = summary::lines(&run.runs, CountsShown::Exact);
    let notes = engines.lines().chain(run.judgement.notes.iter().map(String::as_str));
    let well = main.iter().flat_map(|main| &main.outcomes).filter_map(|outcome| {
        let cells = outcomes::finished(program, outcome)?;
        Some(Ending { cells, example: ways.get(outcome).map(|way| Counterexample::way(program, way)) })
    });
    let mut well: Vec<Ending<'a>> = well.collect();
    well.iter_mut().skip(MOST).for_each(|ending| ending.example = None);
    html::Case {
        name: &program.name,
        program,
        verdict: render::verdict(case, run),
        grade: grade(run.judgement.grade()),
        notes: notes.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect(),
        outcomes: well,
        executions: main.map_or_else(Vec::new, |main| executions(case, run, main)),
    }
}

/// What went wrong, the shortest way of each first; then clauses that are broken.
fn executions<'a>(case: &'a Case, run: &'a CaseRun, main: &'a Exploration) -> Vec<Execution<'a>> {
    let program = &case.program;
    let first = crate::judge::shortest(&main.found);
    let others = main.found.iter().filter(|f| !first.iter().any(|one| std::ptr::eq(*one, *f)));
    let mut all: Vec<Execution<'a>> = first
        .iter()
        .copied()
        .chain(others)
        .map(|found| Execution {
            title: format!(
                "{}: {}",
                found.violation.property.name(),
                fenceweave_report::violation_text(program, found.violation)
            ),
            expected: is_expected(case, main, found.violation.property),
            example: Counterexample::of(program, found),
        })
        .collect();
    let engine = scenario_engine(main.engine);
    for (name, way) in run.judgement.broken.iter().filter_map(|(name, way)| Some((name, way.as_ref()?))) {
        let expected = case.expectations.conditions(engine).find(|e| e.name.as_ref() == Some(name));
        all.push(of_clause(case, main, expected, (name, way), render::is_expected(case, name)));
    }
    for failure in run.judgement.failures.iter().filter(|f| f.property.is_none()) {
        let known = |way: &Trace| all.iter().any(|e| e.example.trace == way);
        let Some(way) = failure.trace.as_ref().filter(|way| !known(way)) else { continue };
        let expected = failure.clause.and_then(|at| case.expectations.conditions(engine).nth(at));
        all.push(of_clause(case, main, expected, (&failure.text, way), false));
    }
    all.truncate(MOST);
    all
}

fn of_clause<'a>(
    case: &'a Case,
    main: &'a Exploration,
    expected: Option<&'a Expected>,
    (title, way): (&str, &'a Trace),
    is_expected: bool,
) -> Execution<'a> {
    let clause = expected.map(|e| Clause { condition: &e.condition, name: e.name.as_deref() });
    let seen = main.watched.iter().find(|w| [&w.seen_true, &w.seen_false].into_iter().flatten().any(|t| t == way));
    let no_return = seen.map(|w| &w.point_of_no_return);
    let example = match clause {
        Some(clause) => Counterexample::clause(&case.program, way, clause, no_return),
        None => Counterexample::way(&case.program, way),
    };
    Execution { title: title.to_owned(), expected: is_expected, example }
}

fn is_expected(case: &Case, main: &Exploration, property: Property) -> bool {
    match case.expectations.verdict(scenario_engine(main.engine)) {
        Verdict::Holds => false,
        Verdict::Violates(all) => all.contains(&property),
    }
}

/// The texts of the files that programs have something of.
pub(super) fn libraries<'a>(file: &Path, programs: impl Iterator<Item = &'a Program>) -> Vec<(String, String)> {
    let mut names: Vec<&String> = programs.flat_map(|program| &program.files).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(|name| Some((name.clone(), library_text(file, name)?))).collect()
}

/// The text of a library's file as programs name it: below `library/`, or beside the scenario.
fn library_text(scenario: &Path, name: &str) -> Option<String> {
    let built_in = fenceweave_scenario::libraries()
        .into_iter()
        .flat_map(|(library, _)| fenceweave_scenario::library_files(library));
    let bare = name.strip_prefix("library/").unwrap_or(name);
    let found = built_in.into_iter().find(|(file, _)| *file == bare || *file == name);
    found.map(|(_, text)| text.to_owned()).or_else(|| {
        let beside = scenario.parent().unwrap_or(Path::new("")).join(name);
        files::read_text(&beside).or_else(|_| files::read_text(Path::new(name))).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::page_name;

    #[test]
    fn a_page_is_called_as_its_scenario() {
        assert_eq!(page_name("scenarios/ww/abba.kdl", None), "scenarios-ww-abba.html");
        assert_eq!(page_name("../a b.kdl", Some(&"x".to_owned())), "a-b-x.html");
        assert_eq!(page_name("/tmp/ä.kdl", None), "tmp--.html");
    }
}
