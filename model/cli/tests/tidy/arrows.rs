//! Imports go one way. What lists protocols stands above them, what they use stands below: a file of `model/kernel` imports
//! from its own floor and those below. And each crate imports only from those above it in [`CRATES`].

use crate::{Source, assert_left, every};
use syn::visit::Visit;

/// The crates, each of which may import those before it.
const CRATES: &[&str] = &["pages", "judge", "kernel", "scenario", "explore", "report", "fuzz", "cli"];

/// The floors of `model/kernel/src` from the ground up, with the modules on each; those of the folder `ground` by their own
/// names. `registry` stands outside: it names everything, and whoever asks for the whole list (one object of any kind, one
/// machine of any protocol) asks there.
const FLOORS: &[&[&str]] = &[
    &[
        "ground",
        "runtime",
        "coder",
        "ids",
        "value",
        "footprint",
        "facet",
        "operand",
        "row",
        "numbered",
        "variants",
        "idiom",
        "property",
        "rule",
        "expr",
        "cover",
        "task",
    ],
    &["program", "world"],
    &["cx", "counted", "granularity", "mutation", "protocol", "parts", "shared"],
    &["machine", "resolver", "op"],
    &["primitives"],
    &["ww", "lock_all"],
    &["fence"],
    &["resv"],
    &["exec", "sync_file", "syncobj"],
    &["references", "thread"],
    &["state", "observe"],
];

/// The list of everything, from which all may import.
const LIST: &str = "registry";

/// What the crate's root lends its name to, and the module where it is.
const AT_THE_ROOT: &[(&str, &str)] = &[
    ("Code", "coder"),
    ("Coder", "coder"),
    ("Cover", "cover"),
    ("Passed", "cover"),
    ("Call", "cx"),
    ("Context", "cx"),
    ("Cx", "cx"),
    ("Flow", "cx"),
    ("Patience", "cx"),
    ("Then", "cx"),
    ("View", "cx"),
    ("Expr", "expr"),
    ("ExprNode", "expr"),
    ("Footprint", "footprint"),
    ("ObjSet", "footprint"),
    ("LocalId", "ids"),
    ("ObjId", "ids"),
    ("ThreadId", "ids"),
    ("ThreadSet", "ids"),
    ("Machine", "registry"),
    ("Mutation", "registry"),
    ("Facet", "facet"),
    ("Object", "registry"),
    ("Condition", "observe"),
    ("Instr", "program"),
    ("ObjectDecl", "program"),
    ("ObjectKind", "program"),
    ("Op", "program"),
    ("Operand", "program"),
    ("Place", "program"),
    ("Program", "program"),
    ("Script", "program"),
    ("Property", "property"),
    ("Violation", "property"),
    ("Rule", "rule"),
    ("Plain", "runtime"),
    ("Runtime", "runtime"),
    ("State", "state"),
    ("Thread", "thread"),
    ("Errno", "value"),
    ("Handle", "value"),
    ("Value", "value"),
    ("World", "world"),
];

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// First names after `crate::`, of imports and of paths.
#[derive(Default)]
struct Imports(Vec<String>);

fn first_names(tree: &syn::UseTree, into: &mut Vec<String>) {
    match tree {
        syn::UseTree::Path(p) if p.ident == "ground" => first_names(&p.tree, into),
        syn::UseTree::Path(p) => into.push(p.ident.to_string()),
        syn::UseTree::Name(n) => into.push(n.ident.to_string()),
        syn::UseTree::Rename(r) => into.push(r.ident.to_string()),
        syn::UseTree::Group(g) => g.items.iter().for_each(|t| first_names(t, into)),
        syn::UseTree::Glob(_) => {}
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if let syn::UseTree::Path(p) = &item.tree
            && p.ident == "crate"
        {
            first_names(&p.tree, &mut self.0);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut names = path.segments.iter().map(|s| s.ident.to_string());
        if names.next().as_deref() == Some("crate") {
            let first = names.next();
            // The rooms of the ground floor are known by their own names.
            self.0.extend(if first.as_deref() == Some("ground") { names.next() } else { first });
        }
        syn::visit::visit_path(self, path);
    }

    /// Tests look at everything.
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.ident != "tests" {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

/// The module that a file belongs to: its folder, but on the ground floor its own name.
fn room(path: &str) -> &str {
    let inner = path.strip_prefix("ground/").filter(|inner| *inner != "mod.rs").unwrap_or(path);
    inner.trim_end_matches(".rs").split('/').next().unwrap_or_default()
}

/// Modules above its own that a file imports.
fn back_up(source: &Source) -> Vec<String> {
    let Some(inner) = source.path.strip_prefix("model/kernel/src/") else { return vec![] };
    let own = room(inner);
    if own == "lib" || own == LIST || source.is_test() {
        return vec![];
    }
    let Some(own_floor) = floor(own) else { return vec![format!("`{own}` has no floor")] };
    let mut imports = Imports::default();
    imports.visit_file(&source.file);
    let home =
        |name: &String| AT_THE_ROOT.iter().find(|(n, _)| n == name).map_or(name.clone(), |(_, m)| (*m).to_owned());
    let mut above: Vec<String> =
        imports.0.iter().map(home).filter(|module| floor(module).is_some_and(|f| f > own_floor)).collect();
    above.sort();
    above.dedup();
    above
}

#[test]
fn no_import_of_the_kernel_runs_back_up() {
    assert_left(&every(back_up), LEFT);
}

/// To be turned round.
const LEFT: &[(&str, usize)] = &[
    ("model/kernel/src/cover.rs", 1),
    ("model/kernel/src/exec.rs", 1),
    ("model/kernel/src/exec/array.rs", 1),
    ("model/kernel/src/fence.rs", 2),
    ("model/kernel/src/fence/array.rs", 1),
    ("model/kernel/src/fence/callback.rs", 3),
    ("model/kernel/src/fence/chain.rs", 1),
    ("model/kernel/src/fence/container.rs", 3),
    ("model/kernel/src/fence/create.rs", 1),
    ("model/kernel/src/fence/dedup.rs", 2),
    ("model/kernel/src/fence/merge.rs", 2),
    ("model/kernel/src/fence/order.rs", 2),
    ("model/kernel/src/fence/owed.rs", 2),
    ("model/kernel/src/fence/unwrap.rs", 2),
    ("model/kernel/src/fence/walk.rs", 1),
    ("model/kernel/src/ground/coder.rs", 2),
    ("model/kernel/src/ground/cx.rs", 2),
    ("model/kernel/src/ground/cx/context.rs", 3),
    ("model/kernel/src/ground/kind.rs", 2),
    ("model/kernel/src/ground/protocol.rs", 1),
    ("model/kernel/src/ground/shared.rs", 2),
    ("model/kernel/src/ground/task.rs", 1),
    ("model/kernel/src/ground/value.rs", 2),
    ("model/kernel/src/lock_all.rs", 1),
    ("model/kernel/src/primitives/alloc.rs", 1),
    ("model/kernel/src/primitives/irq.rs", 2),
    ("model/kernel/src/primitives/irq_line.rs", 2),
    ("model/kernel/src/primitives/list.rs", 2),
    ("model/kernel/src/primitives/rcu.rs", 2),
    ("model/kernel/src/primitives/slab.rs", 1),
    ("model/kernel/src/primitives/timer.rs", 2),
    ("model/kernel/src/primitives/uaccess.rs", 2),
    ("model/kernel/src/primitives/variable.rs", 1),
    ("model/kernel/src/primitives/waitqueue.rs", 1),
    ("model/kernel/src/primitives/workqueue.rs", 2),
    ("model/kernel/src/registry.rs", 1),
    ("model/kernel/src/resv.rs", 2),
    ("model/kernel/src/resv/awaited.rs", 2),
    ("model/kernel/src/sync_file.rs", 2),
    ("model/kernel/src/syncobj.rs", 2),
    ("model/kernel/src/syncobj/post.rs", 1),
    ("model/kernel/src/syncobj/wait.rs", 1),
    ("model/kernel/src/syncobj/wait/first.rs", 1),
    ("model/kernel/src/ww.rs", 2),
    ("model/kernel/src/ww/ctx.rs", 1),
    ("model/kernel/src/ww/lock.rs", 1),
    ("model/kernel/src/ww/unlock.rs", 1),
];

#[test]
fn an_import_that_runs_back_up_is_found() {
    let found = |path: &str, text: &str| back_up(&Source::parsed(path, text));
    let resv = "model/kernel/src/resv/add.rs";
    assert_eq!(found(resv, "use crate::{Cx, fence::Fence, machine::Machine};"), ["machine"]);
    assert_eq!(found(resv, "use crate::{Op, ww};\nfn f() { crate::exec::g() }"), ["exec", "program"]);
    assert_eq!(found("model/kernel/src/frob.rs", "use crate::Cx;"), ["`frob` has no floor"]);
    assert_eq!(found("model/kernel/src/state/alone.rs", "use crate::{Cx, World, machine};"), [""; 0]);
}

/// Crates of the workspace that a source names and that do not stand before its own.
fn crates_above(source: &Source) -> Vec<String> {
    let mut parts = source.path.split('/').skip(1);
    let Some(own) = parts.next() else { return vec![] };
    let Some(place) = CRATES.iter().position(|c| *c == own) else { return vec![format!("`{own}` has no place")] };
    let text = quote_names(&source.file);
    CRATES[place + 1..].iter().filter(|c| text.contains(&format!("fenceweave_{c}"))).map(|c| (*c).to_owned()).collect()
}

/// Every name in a file.
fn quote_names(file: &syn::File) -> std::collections::BTreeSet<String> {
    struct All(std::collections::BTreeSet<String>);
    impl<'ast> Visit<'ast> for All {
        fn visit_ident(&mut self, ident: &'ast proc_macro2::Ident) {
            self.0.insert(ident.to_string());
        }
    }
    let mut all = All(Default::default());
    all.visit_file(file);
    all.0
}

#[test]
fn no_crate_imports_one_that_stands_above_it() {
    assert_left(&every(crates_above), &[]);
}

#[test]
fn a_crate_that_imports_one_above_it_is_found() {
    let found = |path: &str, text: &str| crates_above(&Source::parsed(path, text));
    assert_eq!(found("model/kernel/src/lib.rs", "use fenceweave_report::words;"), ["report"]);
    assert_eq!(found("model/report/src/lib.rs", "use fenceweave_kernel::Op;"), [""; 0]);
}
