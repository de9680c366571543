//! The reference page of the language.

use fenceweave_kernel::observe::facet_names;
use fenceweave_kernel::{ObjId, ObjectKind, ThreadId};

use crate::kind::Kind;
use crate::lower::{CLAUSES, SECTIONS, STATEMENTS};
use crate::warnings::WARNINGS;
use crate::{decls, ops};

/// Everything that can stand in a file, in Markdown, from the tables
/// that files are read by.
pub fn reference_page() -> String {
    let mut page =
        String::from("# A scenario\n\nA file holds `scenario NAME { … }`, once or more. In the block stand:\n\n");
    page.push_str(&entries(SECTIONS));
    page.push_str("- and declarations\n\n# Expectations\n\nEach may be restricted by `engine=ENGINE`.\n\n");
    page.push_str(&entries(CLAUSES));
    page.push_str(&seen());
    page.push_str(&warnings());
    page.push_str(&decls::reference());
    page.push_str("# Statements\n\n");
    page.push_str(&entries(STATEMENTS));
    page.push('\n');
    page.push_str(&ops::reference());
    page
}

/// What a condition can name.
fn seen() -> String {
    let (id, thread) = (ObjId::default(), ThreadId::default());
    let kinds = [
        ObjectKind::Spinlock,
        ObjectKind::WwMutex { class: id, resv: None },
        ObjectKind::AcquireCtx { class: id },
        ObjectKind::Fence { context: 0, seqno: 0, initialised: true, ops: Default::default() },
        ObjectKind::Callback { func: None },
        ObjectKind::Work { worker: thread, queue: id, delayed: false },
        ObjectKind::Workqueue { ordered: false },
        ObjectKind::Timer { handler: thread },
        ObjectKind::WaitQueue,
        ObjectKind::Completion,
        ObjectKind::Barrier { parties: 1 },
        ObjectKind::Refcount { init: 1 },
    ];
    let mut page = String::from(
        "\nA condition sees words and names, a variable (`x`, `array.1`), a field (`group.0.state`), a local of a thread, a \
         work item or a timer (`submit.r`, `w.0.r`, `any w.r`, `all w.r`; what a thread returned is its local `return`; a \
         proc's own locals are not seen), and of objects:\n\n",
    );
    for kind in &kinds {
        let facets: Vec<String> = facet_names(kind).iter().map(|facet| format!("`.{facet}`")).collect();
        let name = Kind::of(kind).map_or("", Kind::name);
        page.push_str(&format!("- `{name}`: {}\n", facets.join(", ")));
    }
    page.push_str("\nA `resv` shows what its lock shows.\n\n");
    page
}

/// What `check` warns of.
fn warnings() -> String {
    let mut page = String::from(
        "# Warnings\n\n`check` tells what makes a verdict empty: each warning has a place and a way out, `--deny-warnings` \
         makes it a failure. What no execution came to is said of the whole graph of states and of all cases that have the \
         statement; a search that was cut says \"not within the limit\".\n\n",
    );
    page.extend(WARNINGS.iter().map(|(name, meaning)| format!("- `{name}`: {meaning}\n")));
    page.push('\n');
    page
}

fn entries(table: &[(&str, &str, &str)]) -> String {
    table.iter().map(|(_, syntax, meaning)| format!("- `{syntax}`: {meaning}\n")).collect()
}
