//! `fenceweave diagram`: what an object goes through, or an operation, in all that some scenarios do.

use super::{Exit, complain, find, load, tell};
use crate::args::{DiagramArgs, SubjectArg};
use fenceweave_explore::{interrupt, walk};
use fenceweave_report::diagram::{Diagram, Subject};

/// Most states of one case: a diagram is drawn from small scenarios.
const MOST: usize = 1_000_000;

/// What is drawn, in words, and the machine's name if it is an operation.
fn subject(arg: SubjectArg) -> (Subject, &'static str) {
    match arg {
        SubjectArg::WwMutex => (Subject::WwMutex, "The states of a `struct ww_mutex`"),
        SubjectArg::Fence => (Subject::Fence, "The states of a `struct dma_fence`"),
        SubjectArg::Resv => (Subject::Resv, "The states of a `struct dma_resv`"),
        SubjectArg::Lock => (Subject::Machine("WwLock"), "`ww_mutex_lock()`, step by step"),
        SubjectArg::Unlock => (Subject::Machine("WwUnlock"), "`ww_mutex_unlock()`, step by step"),
        SubjectArg::AddFence => (Subject::Machine("AddFence"), "`dma_resv_add_fence()`, step by step"),
        SubjectArg::Reserve => (Subject::Machine("Reserve"), "`dma_resv_reserve_fences()`, step by step"),
        SubjectArg::WaitFence => (Subject::Machine("FenceWait"), "`dma_fence_wait_timeout()`, step by step"),
        SubjectArg::WaitResv => (Subject::Machine("Unlocked"), "`dma_resv_wait_timeout()`, step by step"),
    }
}

pub(super) fn diagram(args: &DiagramArgs) -> Exit {
    let files = match find(&args.paths) {
        Ok(files) => files,
        Err(e) => return e,
    };
    let (subject, title) = subject(args.subject);
    let mut diagram = Diagram::new(subject);
    for file in &files {
        let loaded = match load(file) {
            Ok(loaded) => loaded,
            Err(unread) => return unread.tell(),
        };
        for case in loaded.scenarios.iter().flat_map(|s| &s.cases) {
            let program = &case.program;
            if !walk::walk(program, MOST, |before, action, after| diagram.see(program, before, action, after)) {
                let why = match interrupt::requested() {
                    true => interrupt::INTERRUPTED.to_owned(),
                    false => format!("more than {MOST} states: too many for a diagram"),
                };
                complain(&format!("{}: {why}\n", program.name));
                return Exit::Incomplete;
            }
        }
    }
    let names: Vec<String> = args.paths.iter().map(|p| p.display().to_string()).collect();
    tell(&format!(
        "<!-- fenceweave diagram {} {} -->\n\n# {title}\n\n```mermaid\n{}```\n",
        args.subject.name(),
        names.join(" "),
        diagram.source()
    ))
}
