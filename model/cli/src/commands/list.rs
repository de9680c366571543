//! `fenceweave list`: scenarios with what each is about.

use super::{Exit, find, load, print};
use crate::args::ListArgs;

pub(super) fn list(args: &ListArgs) -> Exit {
    let files = match find(&args.paths) {
        Ok(files) => files,
        Err(e) => return e,
    };
    let mut exit = Exit::Success;
    for file in files {
        let loaded = match load(&file) {
            Ok(loaded) => loaded,
            Err(e) => {
                exit = exit.max(e);
                continue;
            }
        };
        for s in &loaded.scenarios {
            let cases: Vec<&str> = s.cases.iter().filter_map(|c| c.name.as_deref()).collect();
            let cases = if cases.is_empty() { String::new() } else { format!(" [{}]", cases.join(", ")) };
            let about = s.about.split_whitespace().collect::<Vec<_>>().join(" ");
            print(&format!("{}{cases}  {}\n    {about}\n", s.name, file.display()));
        }
    }
    exit
}
