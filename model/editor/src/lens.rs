//! What stands above each case: that it can be checked, and what came of it.

use crate::{
    cases::{Cases, Key},
    documents::Document,
    names::{Names, What},
};
use fenceweave_scenario::Span;
use serde_json::{Value, json};

/// The command behind it.
pub(crate) const CHECK: &str = "fenceweave.check";

/// A case that can be checked: its scenario, its name, and where that stands. A scenario without cases is one case,
/// which has no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) scenario: String,
    pub(crate) case: Option<String>,
    pub(crate) at: Span,
}

/// Every case of a text.
pub(crate) fn cases(names: &Names) -> Vec<Place> {
    let mut all = vec![];
    for scenario in names.all.iter().filter(|name| name.what == What::Scenario) {
        let inside = |at: Span| scenario.whole.start <= at.start && at.end <= scenario.whole.end;
        let own = names.all.iter().filter(|name| name.what == What::Case && inside(name.at));
        let own: Vec<Place> = own
            .map(|case| Place { scenario: scenario.text.clone(), case: Some(case.text.clone()), at: case.at })
            .collect();
        match own.is_empty() {
            true => all.push(Place { scenario: scenario.text.clone(), case: None, at: scenario.at }),
            false => all.extend(own),
        }
    }
    all
}

/// A lens for each case.
pub(crate) fn lenses(document: &Document, names: &Names, known: &Cases) -> Vec<Value> {
    let lens = |place: Place| {
        let title = known.title(&Key::of(&document.uri, &place), document.version);
        let name = place.case.as_ref().map_or_else(String::new, |case| format!("{case}: "));
        json!({
            "range": document.text.range(place.at),
            "command": {
                "title": format!("{name}{title}"),
                "command": CHECK,
                "arguments": [document.uri, place.scenario, place.case],
            },
        })
    };
    cases(names).into_iter().map(lens).collect()
}

/// The verdicts of a text that still say what they said, behind the names of their cases.
pub(crate) fn hints(document: &Document, names: &Names, known: &Cases) -> Vec<Value> {
    let hint = |place: Place| {
        let told = known.told(&Key::of(&document.uri, &place), document.version)?;
        Some(json!({
            "position": document.text.position(place.at.end as usize).json(),
            "label": format!(" {}", told.line),
            "paddingLeft": true,
        }))
    };
    cases(names).into_iter().filter_map(hint).collect()
}
