//! `fenceweave list`: scenarios with what each is about.

use super::{Exit, find, load, write};
use crate::{args::ListArgs, render};
use fenceweave_scenario::Scenario;
use std::path::Path;

pub(super) fn list(args: &ListArgs) -> Exit {
    let files = match find(&args.paths) {
        Ok(files) => files,
        Err(e) => return e,
    };
    let mut exit = Exit::Success;
    for file in files {
        let text: String = match load(&file) {
            Ok(loaded) => loaded.scenarios.iter().map(|s| entry(s, &file)).collect(),
            Err(unread) => {
                exit = exit.max(unread.tell());
                continue;
            }
        };
        if write(&text).is_err() {
            break;
        }
    }
    exit
}

/// `abba [wait-die, wound-wait]  scenarios/ww/abba.kdl`, and what it is about.
fn entry(s: &Scenario, file: &Path) -> String {
    let cases: Vec<&str> = s.cases.iter().filter_map(|c| c.name.as_deref()).collect();
    let cases = if cases.is_empty() { String::new() } else { format!(" [{}]", cases.join(", ")) };
    let about = render::one_line(&s.about);
    let about = if about.is_empty() { String::new() } else { format!("    {about}\n") };
    format!("{}{cases}  {}\n{about}", s.name, file.display())
}
