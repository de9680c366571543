//! What the tests of the book are for: a page that says what is not so is told.

use crate::{Page, Rule, chapter};

/// The tests, each by its name.
pub(crate) const TESTS: &[(&str, Rule)] = &[
    ("a block that says what is not so is told", what_is_not_so_is_told),
    ("what is left out is left out again", what_is_left_out),
];

/// A scenario that holds, as a block with this fence.
fn page(fence: &str, behind: &str) -> Page {
    let scenario =
        "scenario one {\n    about \"One.\"\n    fence f\n    thread t { signal f }\n    expect { holds }\n}";
    Page {
        path: "planted.md".into(),
        name: "planted".to_owned(),
        text: format!("# Planted\n\n```{fence}\n{scenario}\n```\n{behind}"),
    }
}

fn what_is_not_so_is_told(_: &[Page]) -> Result<(), String> {
    let right = "\n```console\n$ fenceweave check one.kdl\none: holds, as expected\n...\n```\n";
    chapter::run(&page("kdl,holds", right), false)?;
    let told = [
        page("kdl,violates", ""),
        page("kdl,mistake", ""),
        page("kdl", ""),
        page("text", ""),
        page("kdl,holds", &right.replace("holds", "violates deadlock")),
        page("kdl,holds", &right.replace("```console", "```console,exit=1")),
        page("kdl,holds", &right.replace("one.kdl", "two.kdl")),
        page("kdl,holds", "\n```console\n$ rm -r one.kdl\n```\n"),
    ];
    for wrong in told {
        if chapter::run(&wrong, false).is_ok() {
            return Err(format!("nobody is told of\n{}", wrong.text));
        }
    }
    Ok(())
}

fn what_is_left_out(_: &[Page]) -> Result<(), String> {
    let shown = "step 1\n...\nstep 9: ends\nreplay: A1@aaaaaa";
    let printed = "step 1\nstep 2\nstep 10: ends\nreplay: A2@bbbbbb";
    if chapter::fits(shown, printed) || !chapter::fits(shown, &shown.replace("...", "step 2\nstep 3")) {
        return Err("`...` is any number of lines, and nothing else is".to_owned());
    }
    match chapter::shortened(shown, printed).as_deref() {
        Some("step 1\n...\nstep 10: ends\nreplay: A2@bbbbbb") => Ok(()),
        other => Err(format!("it is shortened to {other:?}")),
    }
}
