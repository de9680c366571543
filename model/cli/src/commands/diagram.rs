//! `fenceweave diagram`: what an object goes through, or an operation, in all that some scenarios do.

use super::{Exit, check::cases, complain, find, load, tell, usage};
use crate::{
    args::{DiagramArgs, SubjectArg},
    files::Selection,
};
use fenceweave_explore::{interrupt, walk};
use fenceweave_report::{
    diagram::{Diagram, Subject},
    graph::Graph,
};
use fenceweave_scenario::Case;
use std::path::PathBuf;

/// Most states of one case: a diagram is drawn from small scenarios.
const MOST: usize = 1_000_000;
/// Most states that somebody could look at in one picture.
const MOST_DRAWN: usize = 2000;

/// What is drawn, in words, and the machine's name if it is an operation; nothing of what is drawn as a whole.
fn subject(arg: SubjectArg) -> Option<(Subject, &'static str)> {
    Some(match arg {
        SubjectArg::Graph => return None,
        SubjectArg::WwMutex => (Subject::WwMutex, "The states of a `struct ww_mutex`"),
        SubjectArg::Fence => (Subject::Fence, "The states of a `struct dma_fence`"),
        SubjectArg::Resv => (Subject::Resv, "The states of a `struct dma_resv`"),
        SubjectArg::Lock => (Subject::Machine("WwLock"), "`ww_mutex_lock()`, step by step"),
        SubjectArg::Unlock => (Subject::Machine("WwUnlock"), "`ww_mutex_unlock()`, step by step"),
        SubjectArg::AddFence => (Subject::Machine("AddFence"), "`dma_resv_add_fence()`, step by step"),
        SubjectArg::Reserve => (Subject::Machine("Reserve"), "`dma_resv_reserve_fences()`, step by step"),
        SubjectArg::WaitFence => (Subject::Machine("FenceWait"), "`dma_fence_wait_timeout()`, step by step"),
        SubjectArg::WaitResv => (Subject::Machine("Unlocked"), "`dma_resv_wait_timeout()`, step by step"),
    })
}

pub(super) fn diagram(args: &DiagramArgs) -> Exit {
    let cases = match chosen(&args.paths) {
        Ok(cases) => cases,
        Err(e) => return e,
    };
    match subject(args.subject) {
        Some(subject) => objects(args, &cases, subject),
        None => whole(&cases),
    }
}

/// The cases that the paths name.
fn chosen(paths: &[PathBuf]) -> Result<Vec<Case>, Exit> {
    let selection = Selection::of(paths);
    let mut all = vec![];
    for file in find(&selection.paths())? {
        let loaded = load(&file).map_err(|unread| unread.tell())?;
        all.extend(cases(&loaded).map(|(_, case)| case.clone()).filter(|c| selection.takes(&file, &c.program.name)));
    }
    match selection.missed(all.iter().map(|c| c.program.name.as_str())) {
        Some(why) => Err(usage(&why)),
        None => Ok(all),
    }
}

/// The states of one case.
fn whole(cases: &[Case]) -> Exit {
    let [case] = cases else {
        let names: Vec<&str> = cases.iter().map(|c| c.program.name.as_str()).collect();
        return usage(&format!("a graph is of one case: `FILE::CASE`, one of {}", names.join(", ")));
    };
    let program = &case.program;
    let mut graph = Graph::new(program);
    if !walk::walk(program, MOST_DRAWN, |before, action, after| graph.see(before, action, after)) {
        return too_many(&program.name, MOST_DRAWN);
    }
    tell(&graph.source())
}

fn too_many(program: &str, most: usize) -> Exit {
    let why = match interrupt::requested() {
        true => interrupt::INTERRUPTED.to_owned(),
        false => format!("more than {most} states: too many for a diagram"),
    };
    complain(&format!("{program}: {why}\n"));
    Exit::Incomplete
}

fn objects(args: &DiagramArgs, cases: &[Case], (subject, title): (Subject, &str)) -> Exit {
    let mut diagram = Diagram::new(subject);
    for case in cases {
        let program = &case.program;
        if !walk::walk(program, MOST, |before, action, after| diagram.see(program, before, action, after)) {
            return too_many(&program.name, MOST);
        }
    }
    if diagram.is_empty() {
        let subject = args.subject.name();
        return usage(&format!("there is nothing to draw: no execution of these scenarios has a step of `{subject}`"));
    }
    let names: Vec<String> = args.paths.iter().map(|p| p.display().to_string()).collect();
    tell(&format!(
        "<!-- fenceweave diagram {} {} -->\n\n# {title}\n\n```mermaid\n{}```\n",
        args.subject.name(),
        names.join(" "),
        diagram.source()
    ))
}
