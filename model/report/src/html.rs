//! A scenario and what was found of it as one page: text, executions to step through, the state beside each step.
//!
//! A page is one file that needs no network: its style and its script are written into it (`html/page.css`,
//! `html/page.js`), and what it shows is JSON in it, which the script reads. Nothing that a scenario says is ever read
//! as markup: the JSON has no character that could end its element, and the script makes text of it, never HTML.
//!
//! `html/state.rs` says what is shown of a state, `html/data.rs` what is shown of an execution, `html/by_hand.rs` what
//! can be chosen where a reader takes the steps: the page of `explore` is the same with `html/explore.js` in it, and
//! may ask where it came from what follows.

mod by_hand;
mod data;
mod state;

pub use by_hand::{Way, answer, follow};

use crate::trace::Counterexample;
use fenceweave_kernel::Program;
use serde::Serialize;

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
const BY_HAND: &str = include_str!("html/explore.js");

/// A scenario, as far as somebody looked at it.
#[derive(Clone)]
pub struct Page<'a> {
    /// Its name.
    pub title: &'a str,
    /// What it is about.
    pub about: &'a str,
    /// Its file.
    pub file: &'a str,
    /// What that says.
    pub text: &'a str,
    /// How often its lines were taken; empty if nobody counted.
    pub coverage: Vec<Covered>,
    /// The other files that its programs have something of, by their names in the programs, with their texts.
    pub libraries: Vec<(String, String)>,
    /// Its cases.
    pub cases: Vec<Case<'a>>,
}

/// How often a statement was taken.
#[derive(Clone, Debug, Serialize)]
pub struct Covered {
    /// Its line.
    pub line: u32,
    /// How often.
    pub count: u64,
    /// How often its condition was true and false, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ways: Option<(u64, u64)>,
}

/// A case of it.
#[derive(Clone)]
pub struct Case<'a> {
    /// Its name; that of the scenario if there is one only.
    pub name: &'a str,
    /// What runs.
    pub program: &'a Program,
    /// What was found, and whether that is as expected.
    pub verdict: String,
    /// `as-expected`, `not-as-expected` or `incomplete`.
    pub grade: &'static str,
    /// What else there is to say of it: a line for each engine, notes.
    pub notes: Vec<String>,
    /// Every way in which it ends well, with one execution that does, if one was found.
    pub outcomes: Vec<Ending<'a>>,
    /// What went wrong, and what else there is to look at.
    pub executions: Vec<Execution<'a>>,
}

/// A way to end well.
#[derive(Clone)]
pub struct Ending<'a> {
    /// Its values, in the order of [`columns`](crate::outcomes::columns).
    pub cells: Vec<String>,
    /// An execution that ends so.
    pub example: Option<Counterexample<'a>>,
}

/// An execution.
#[derive(Clone)]
pub struct Execution<'a> {
    /// What it shows: a property's name, a clause.
    pub title: String,
    /// Whether it is as expected that there is such a one.
    pub expected: bool,
    /// The execution.
    pub example: Counterexample<'a>,
}

/// The page.
pub fn page(page: &Page<'_>) -> String {
    let data = crate::json::text(serde_json::to_string(&data::of(page)));
    filled(&[
        ("title", &markup(page.title)),
        ("style", STYLE),
        ("script", SCRIPT),
        ("data", &within_script(data.trim_end())),
    ])
}

/// The page on which steps are chosen: a way for each of its cases, which have neither outcomes nor executions.
pub fn explorer(page: &Page<'_>, ways: &[Way<'_>]) -> String {
    let data = crate::json::text(serde_json::to_string(&data::by_hand(page, ways)));
    filled(&[
        ("title", &markup(page.title)),
        ("style", STYLE),
        ("asks", "; connect-src 'self'"),
        ("script", &format!("{BY_HAND}\n{SCRIPT}")),
        ("data", &within_script(data.trim_end())),
    ])
}

/// A line of the list of pages.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// The page's file.
    pub page: String,
    /// The scenario's name.
    pub title: String,
    /// What it is about.
    pub about: String,
    /// Its file.
    pub file: String,
    /// Each case: its name, grade and verdict.
    pub cases: Vec<(String, &'static str, String)>,
}

/// The page that lists the others.
pub fn index(listed: &[Listed]) -> String {
    #[derive(Serialize)]
    struct List<'a> {
        list: &'a [Listed],
    }
    let data = crate::json::text(serde_json::to_string(&List { list: listed }));
    filled(&[("title", "Fenceweave"), ("style", STYLE), ("script", SCRIPT), ("data", &within_script(data.trim_end()))])
}

/// The page with what belongs into it. What was put in is not looked at again.
fn filled(parts: &[(&str, &str)]) -> String {
    let (mut out, mut rest) = (String::new(), PAGE);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else { break };
        out.push_str(before);
        out.push_str(parts.iter().find(|(part, _)| *part == name).map_or("", |(_, text)| *text));
        rest = behind;
    }
    out + rest
}

/// Text between tags.
fn markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// JSON inside of a `<script>` element, of which no text can end that or begin a comment: what could is written as JSON
/// writes any character.
fn within_script(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::programs;
    use fenceweave_explore::Exploration;
    use serde_json::Value;

    fn made(program: &Program, exploration: &Exploration, text: &str) -> String {
        let found = exploration.found.iter().map(|found| Execution {
            title: found.violation.property.name().into(),
            expected: true,
            example: Counterexample::of(program, found),
        });
        let case = Case {
            name: text,
            program,
            verdict: text.into(),
            grade: "as-expected",
            notes: vec![text.into()],
            outcomes: vec![Ending { cells: vec![text.into()], example: None }],
            executions: found.collect(),
        };
        let (coverage, libraries) = (vec![], vec![(text.to_owned(), text.to_owned())]);
        page(&Page { title: text, about: text, file: text, text, coverage, libraries, cases: vec![case] })
    }

    /// The JSON of a page.
    fn data(page: &str) -> Value {
        let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").expect("the data");
        let (json, _) = rest.split_once("</script>").expect("its end");
        serde_json::from_str(json).expect("JSON")
    }

    const HOSTILE: &str =
        "</script><script>alert(1)</script><!-- <script> ]]> {{data}} \u{2028}\" onload='x' &lt; ${x} `\u{0}";

    #[test]
    fn no_text_breaks_out_of_where_it_is() {
        let program = programs::two_mutexes();
        let page = made(&program, &programs::explore(&program), HOSTILE);
        let ordinary = made(&program, &programs::explore(&program), "s");
        let count = |page: &str, what: &str| page.to_lowercase().matches(what).count();
        for what in ["<script", "</script", "<!--", "<style", "</style", "<title", "</title", "onload='x' &lt;"] {
            assert_eq!(count(&page, what), count(&ordinary, what), "{what}");
        }
        let data = data(&page);
        for place in ["/title", "/about", "/file", "/text", "/cases/0/name", "/cases/0/verdict"] {
            assert_eq!(data.pointer(place).and_then(Value::as_str), Some(HOSTILE), "{place}");
        }
    }

    #[test]
    fn it_asks_nobody_for_anything() {
        let program = programs::two_mutexes();
        let page = made(&program, &programs::explore(&program), "s");
        assert!(page.contains("Content-Security-Policy\" content=\"default-src 'none'"), "the browser sees to it");
        assert_eq!(page.matches("url(").count(), page.matches("url(#").count(), "a marker of the picture itself");
        for what in ["http:", "https:", "@import", "src=", "fetch(", "innerHTML", "document.write", "eval("] {
            let allowed = page.matches(what).count() - page.matches(&format!("{what}//www.w3.org/2000/svg")).count();
            assert_eq!(allowed, 0, "{what}");
        }
    }

    #[test]
    fn states_are_told_by_what_changed_and_add_up_to_the_last() {
        let program = programs::two_mutexes();
        let exploration = programs::explore(&program);
        let data = data(&made(&program, &exploration, "s"));
        let execution = &data["cases"][0]["executions"][0];
        let steps = execution["steps"].as_array().expect("steps");
        assert_eq!(steps.len(), exploration.found[0].trace.steps.len());
        let owners: Vec<&Value> = steps
            .iter()
            .flat_map(|s| s["facts"].as_array().into_iter().flatten())
            .filter(|fact| fact[1] == "owner")
            .map(|fact| &fact[2])
            .collect();
        assert_eq!(owners, ["evict", "fault"]);
        let waits = steps.last().expect("a last step")["waits"].as_array().expect("who waits").len();
        assert_eq!(waits, 2);
        assert!(execution["noReturn"].is_number() && execution["passing"].is_number(), "{execution}");
    }

    #[test]
    fn an_execution_without_an_end_says_where_it_begins_again() {
        let program = programs::back_off();
        let data = data(&made(&program, &programs::liveness(&program), "s"));
        assert!(data["cases"][0]["executions"][0]["loopFrom"].is_number());
    }

    #[test]
    fn the_list_has_every_page() {
        let listed = Listed {
            page: "a.html".into(),
            title: "a".into(),
            about: HOSTILE.into(),
            file: "a.kdl".into(),
            cases: vec![("a/x".into(), "as-expected", "holds".into())],
        };
        assert_eq!(data(&index(&[listed]))["list"][0]["page"], "a.html");
    }
}
