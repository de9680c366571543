//! The ways that are gone by hand: where one leads, what may be wrong there, and what lies ahead.

use crate::{commands::pages::libraries, render};
use fenceweave_explore::{
    Found, PointOfNoReturn, Trace,
    ahead::{self, Ahead, Goal, Here, Reach, Scene, Standing, Whole},
};
use fenceweave_kernel::{Action, Condition, Property, State, ThreadId, Violation};
use fenceweave_report::{
    Clause, Counterexample,
    html::{self, Page, Way},
    token,
};
use fenceweave_scenario::{Case, Engine, Loaded};
use serde_json::Value;
use std::path::Path;

/// Most steps of a way: a page sends it whole with every question.
const STEPS_MAX: usize = 2_000;
/// Most states that are looked at to see what lies ahead.
const STATES_MAX: usize = 30_000;
/// Most steps that an operation is followed.
const OPERATION_STEPS_MAX: usize = 500;

/// Why there is no answer: a status, and words.
type Refused = (u16, String);

/// The cases that can be gone through.
pub(super) struct Ways {
    title: String,
    about: String,
    file: String,
    text: String,
    libraries: Vec<(String, String)>,
    cases: Vec<Explored>,
}

/// A case, and what must be true of it.
struct Explored {
    case: Case,
    conditions: Vec<Condition>,
}

/// What a page asks.
struct Question {
    case: usize,
    path: String,
    /// How many steps of the way the page has already.
    from: usize,
    go: String,
}

impl Question {
    fn read(bytes: &[u8]) -> Result<Question, Refused> {
        let bad = |what: &str| (400, format!("a question is JSON with `case`, `path`, `from` and `go`: {what}"));
        let value: Value = serde_json::from_slice(bytes).map_err(|e| bad(&e.to_string()))?;
        let number = |name: &str| value[name].as_u64().and_then(|n| usize::try_from(n).ok());
        let number = |name: &str| number(name).ok_or_else(|| bad(&format!("`{name}` is no number")));
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        let text = |name: &str| text(name).ok_or_else(|| bad(&format!("`{name}` is no text")));
        Ok(Question { case: number("case")?, path: text("path")?, from: number("from")?, go: text("go")? })
    }
}

impl Ways {
    /// The cases of a file that are meant.
    pub(super) fn of(loaded: &Loaded, cases: Vec<Case>) -> Ways {
        let scenario = |case: &Case| {
            let name = &case.program.name;
            loaded.scenarios.iter().find(|s| *name == s.name || name.split('/').next() == Some(&s.name))
        };
        let first = cases.first().and_then(scenario);
        let first = first.filter(|first| cases.iter().all(|c| scenario(c).is_some_and(|s| s.name == first.name)));
        let (title, about) = match first {
            Some(scenario) => (scenario.name.clone(), render::one_line(&scenario.about)),
            None => (loaded.file.clone(), String::new()),
        };
        let libraries = libraries(Path::new(&loaded.file), cases.iter().map(|case| &case.program));
        let conditions = |case: &Case| {
            let expected = case.expectations.conditions(Engine::Explicit);
            expected.map(|e| e.condition.clone()).collect()
        };
        let cases = cases.into_iter().map(|case| Explored { conditions: conditions(&case), case }).collect();
        Ways { title, about, file: loaded.file.clone(), text: loaded.text.clone(), libraries, cases }
    }

    /// The end of an address behind which a schedule stands.
    pub(super) fn place(&self, at: usize, trace: &Trace) -> Result<String, String> {
        let one = self.cases.get(at).ok_or("there is no such case")?;
        one.end_of(trace).map_err(|(_, why)| why)?;
        let token = token::encode(&one.case.program, &trace.steps);
        let path = token.split('@').next().unwrap_or_default();
        Ok(format!("#{at}.{}.{path}", trace.steps.len()))
    }

    /// The page, on which every case is at its beginning.
    pub(super) fn page(&self) -> String {
        let clauses: Vec<Clauses<'_>> = self.cases.iter().map(Explored::clauses).collect();
        // The beginning can be come to.
        let ends: Vec<End> = self.cases.iter().filter_map(|one| one.end_of(&Trace::default()).ok()).collect();
        let ways = self.cases.iter().zip(&ends).zip(&clauses);
        let ways: Vec<Way<'_>> = ways.map(|((one, end), clauses)| one.way(end, clauses)).collect();
        let cases = self.cases.iter().map(|one| html::Case {
            name: &one.case.program.name,
            program: &one.case.program,
            verdict: String::new(),
            grade: "",
            notes: vec![],
            outcomes: vec![],
            executions: vec![],
        });
        let page = Page {
            title: &self.title,
            about: &self.about,
            file: &self.file,
            text: &self.text,
            coverage: vec![],
            libraries: self.libraries.clone(),
            cases: cases.collect(),
        };
        html::explorer(&page, &ways)
    }

    /// What follows: where the way that is asked for leads, or how it may go on.
    pub(super) fn look(&self, question: &[u8]) -> Result<String, Refused> {
        let question = Question::read(question)?;
        let none = || (422, format!("there are {} cases, and none has the place {}", self.cases.len(), question.case));
        let one = self.cases.get(question.case).ok_or_else(none)?;
        let program = &one.case.program;
        let trace = token::decode(program, &question.path).map_err(|e| (422, e.to_string()))?;
        let Gone { trace, note, whole } = match (&*question.go, trace.steps.split_last()) {
            ("step", _) => trace.into(),
            ("operation", Some((last, before))) => one.operation(before, *last)?.into(),
            ("operation", None) => return Err((422, "there is no step whose operation could go on".to_owned())),
            ("end", _) => one.run(&trace, Goal::End)?,
            ("well", _) => one.run(&trace, Goal::Well)?,
            ("wrong", _) => one.run(&trace, Goal::Wrong)?,
            (other, _) => {
                return Err((400, format!("`go` is `step`, `operation`, `end`, `well` or `wrong`, not `{other}`")));
            }
        };
        // Nothing was found: the page stays where it is.
        if let Some(note) = note.as_ref().filter(|_| trace.steps.is_empty()) {
            return Ok(serde_json::json!({ "note": note }).to_string());
        }
        let (clauses, mut end) = (one.clauses(), one.end_of(&trace)?);
        if let Some(standing) = whole {
            let violation = if let Standing::Broken(violation) = standing { violation } else { end.found.violation };
            end = End { found: Found { violation, trace, ..end.found }, standing, ..end };
        }
        Ok(html::answer(&one.way(&end, &clauses), question.from, note.as_deref()))
    }
}

/// What must be true, each with its line and text.
type Clauses<'a> = Vec<(Clause<'a>, String)>;

/// A way that was gone.
#[derive(Default)]
struct Gone {
    trace: Trace,
    /// What there is to say of it.
    note: Option<String>,
    /// What is wrong with all of it, and with no state of it.
    whole: Option<Standing>,
}

impl From<Trace> for Gone {
    fn from(trace: Trace) -> Gone {
        Gone { trace, ..Gone::default() }
    }
}

/// Where a way ends, and what is wrong there.
struct End {
    found: Found,
    standing: Standing,
    is_over: bool,
}

impl Explored {
    fn scene(&self) -> Scene<'_> {
        Scene { program: &self.case.program, conditions: &self.conditions }
    }

    fn clauses(&self) -> Clauses<'_> {
        let all = self.case.expectations.conditions(Engine::Explicit);
        let clause = |e: &'_ fenceweave_scenario::Expected| format!("line {}: `{}`", e.line, e.text);
        all.map(|e| (Clause { condition: &e.condition, name: e.name.as_deref() }, clause(e))).collect()
    }

    /// The state that steps lead to, if they can be taken and are not too many.
    fn follow(&self, trace: &Trace) -> Result<State, Refused> {
        if trace.weak.is_some() {
            return Err((422, "the token is of an execution on weak memory, which no single state shows".to_owned()));
        }
        if trace.steps.len() > STEPS_MAX {
            let steps = trace.steps.len();
            return Err((422, format!("the way has {steps} steps; {STEPS_MAX} are followed at most")));
        }
        html::follow(&self.case.program, trace).map_err(|why| (422, why))
    }

    /// What came true on a way, and must at some time.
    fn came(&self, trace: &Trace) -> Vec<usize> {
        let (scene, mut state, mut came) = (self.scene(), State::initial(&self.case.program), vec![]);
        if scene.outstanding(&came).is_some() {
            scene.note(&state, &mut came);
            for action in &trace.steps {
                state.step(&self.case.program, *action);
                scene.note(&state, &mut came);
            }
        }
        came
    }

    fn end_of(&self, trace: &Trace) -> Result<End, Refused> {
        let state = self.follow(trace)?;
        let mut standing = ahead::standing(&self.case.program, &self.conditions, &state);
        let is_over = ahead::actions(&self.case.program, &state).is_empty();
        if standing == Standing::Well {
            let missing = self.scene().outstanding(&self.came(trace));
            standing = missing.map_or(Standing::Well, Standing::Condition);
        }
        let violation = match standing {
            Standing::Broken(violation) => violation,
            // Nobody looks at it.
            _ => Violation::new(Property::DEADLOCK, ThreadId(0), 0),
        };
        let found = Found { violation, trace: trace.clone(), point_of_no_return: PointOfNoReturn::NotKnown };
        Ok(End { found, standing, is_over })
    }

    fn way<'a>(&'a self, end: &'a End, clauses: &'a Clauses<'a>) -> Way<'a> {
        let (program, trace) = (&self.case.program, &end.found.trace);
        let way = Counterexample::way(program, trace);
        let example = match end.standing {
            Standing::Broken(_) => Counterexample::of(program, &end.found),
            Standing::Condition(at) => Counterexample { clause: clauses.get(at).map(|(clause, _)| *clause), ..way },
            Standing::Open | Standing::Well => way,
        };
        Way { example, is_over: end.is_over, clauses }
    }

    /// A way whose last step is followed to the end of its operation.
    fn operation(&self, before: &[Action], last: Action) -> Result<Trace, Refused> {
        let whole = [before, &[last]].concat();
        self.follow(&Trace::of(whole))?;
        let state = self.follow(&Trace::of(before.to_vec()))?;
        let most = OPERATION_STEPS_MAX.min(STEPS_MAX - before.len());
        let steps = self.scene().to_the_operations_end(&state, last, most);
        Ok(Trace::of([before, &steps].concat()))
    }

    /// What there is to say of a way that is wrong as a whole, and in no state.
    fn said_of_whole(&self, Whole { what, round }: Whole, steps: usize, states: usize) -> String {
        let rest = format!("nothing else is wrong in the {states} states that follow");
        let what = match what {
            Standing::Broken(violation) => violation.property.name().to_owned(),
            Standing::Condition(at) => {
                let clauses = self.clauses();
                clauses.get(at).map_or_else(String::new, |(_, text)| format!("{text} does not come about"))
            }
            Standing::Open | Standing::Well => String::new(),
        };
        match round {
            Some(from) => format!(
                "{what}: the last {} steps can be taken again and again, and {from} lead there, no fewer do; {rest}",
                steps - from
            ),
            None => format!("{what}: it is over after {steps} steps, and after no fewer; {rest}"),
        }
    }

    /// A way with the steps from its end to what is looked for, and what there is to say of them; without any step if
    /// nothing is found.
    fn run(&self, trace: &Trace, goal: Goal) -> Result<Gone, Refused> {
        let state = self.follow(trace)?;
        if ahead::actions(&self.case.program, &state).is_empty() {
            return Ok(Gone { note: Some("it is over here: nobody can go on".to_owned()), ..Gone::default() });
        }
        let reach = Reach { states: STATES_MAX, steps: STEPS_MAX - trace.steps.len() };
        let came = self.came(trace);
        let from = Here { state: &state, came: &came };
        let Ahead { way, is_certain, states, whole } = self.scene().search(from, goal, reach);
        if let (Some(way), Some(whole)) = (&way, whole) {
            let note = self.said_of_whole(whole, way.len(), states);
            let (before, round) = way.split_at(whole.round.unwrap_or(way.len()));
            let before = [&*trace.steps, before].concat();
            let trace = whole.round.map_or(Trace::of(before.clone()), |_| Trace::lasso(before, round.to_vec()));
            return Ok(Gone { trace, note: Some(note), whole: Some(whole.what) });
        }
        let what = match goal {
            Goal::End => "end",
            Goal::Well => "end at which all is well",
            Goal::Wrong => "place where something is wrong",
        };
        let said = match (&way, is_certain) {
            (Some(way), true) if way.len() == 1 => format!("the nearest {what}: one step"),
            (Some(way), true) => format!("the nearest {what}: {} steps; there is no shorter way", way.len()),
            (Some(way), false) => format!(
                "an {what}, and perhaps not the nearest: the search ended at {states} states, and this is the shortest of \
                 some executions at random, {} steps",
                way.len()
            )
            .replacen("an place", "a place", 1),
            (None, true) => {
                let besides = match goal {
                    Goal::Wrong => ", nobody is in a livelock or starves, and what must come true or settle does",
                    Goal::End | Goal::Well => "",
                };
                format!("no {what} lies ahead: all {states} states that follow were looked at{besides}")
            }
            (None, false) => format!(
                "no {what} was found, and there may be one: the search ended at {states} states, and executions at \
                 random did not come to one"
            ),
        };
        let steps = way.map(|way| [&*trace.steps, &way].concat()).unwrap_or_default();
        Ok(Gone { note: Some(said), ..Trace::of(steps).into() })
    }
}
