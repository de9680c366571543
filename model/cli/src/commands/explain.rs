//! `fenceweave explain`: one scenario, everything about it.

use super::{Exit, check, engines, limits, load, print, progress::Bar, style, usage};
use crate::{
    args::ExplainArgs,
    render,
    run::{self, Options},
};
use fenceweave_report::CountsShown;

pub(super) fn explain(args: &ExplainArgs) -> Exit {
    let loaded = match load(&args.file) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    let options = Options { engines: engines(args.engine), limits: limits(&args.limits), ..Options::default() };
    let (mut exit, mut shown) = (Exit::Success, 0);
    for s in &loaded.scenarios {
        let wanted = |name: &str| args.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
        for case in s.cases.iter().filter(|c| wanted(&c.program.name)) {
            let bar = Bar::new(&case.program.name);
            let run = run::run(case, &options, &bar);
            drop(bar);
            let about = s.about.split_whitespace().collect::<Vec<_>>().join(" ");
            print(&format!("{}{}: {about}\n\n", if shown > 0 { "\n" } else { "" }, case.program.name));
            print(&render::case_text(case, &run, CountsShown::Exact, style()));
            exit = exit.max(check::exit_of(run.judgement.grade()));
            shown += 1;
        }
    }
    if shown == 0 { usage("no scenario or case has that in its name") } else { exit }
}
