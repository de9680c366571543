//! Imports go one way. What lists protocols stands above them, what they use stands below: a file of `model/kernel`
//! imports from its own floor and those below. And each crate imports only from those above it in [`CRATES`].

use crate::{Source, assert_left, every, sources};
use std::collections::{BTreeMap, BTreeSet};
use syn::visit::Visit;

/// The crates, each of which may import those before it.
const CRATES: &[&str] = &["pages", "judge", "kernel", "scenario", "explore", "report", "fuzz", "editor", "cli"];

/// The floors of `model/kernel/src` from the ground up, with the modules on each; those of the folder `ground` by their
/// own names. `registry` stands outside: it names everything, and whoever asks for the whole list (one object of any
/// kind, one machine of any protocol) asks there.
const FLOORS: &[&[&str]] = &[
    &[
        "ground",
        "runtime",
        "coder",
        "ids",
        "value",
        "footprint",
        "facet",
        "grain",
        "operand",
        "row",
        "numbered",
        "variants",
        "idiom",
        "property",
        "rule",
        "few",
        "job",
        "readers",
        "functions",
        "number",
        "expr",
        "task",
        "counted",
        "granularity",
        "shared",
        "pci",
    ],
    &["cover", "kind", "program", "world"],
    &["cx", "mutation", "protocol", "parts"],
    &["machine", "resolver", "op"],
    &["primitives"],
    &["ww", "lock_all"],
    &["fence"],
    &["resv"],
    &["exec", "sync_file", "syncobj", "memory"],
    &["pte"],
    &["gpu"],
    &["dma"],
    &["ops"],
    &["stack"],
    &["references", "thread"],
    &["state", "symmetry", "observe", "builder"],
];

/// The list of everything, from which all may import.
const LIST: &str = "registry";

/// The part of a protocol that belongs to the list of all operations: what a script may do with it, in files of this
/// name. It stands above all protocols, and nothing below imports it.
const OPERATIONS: &str = "ops";

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
    ("Kind", "registry"),
    ("LocalId", "ids"),
    ("ObjId", "ids"),
    ("ThreadId", "ids"),
    ("ThreadSet", "ids"),
    ("Machine", "registry"),
    ("Mutation", "registry"),
    ("Facet", "facet"),
    ("Family", "grain"),
    ("Grain", "grain"),
    ("Standing", "protocol"),
    ("Object", "registry"),
    ("Condition", "observe"),
    ("Instr", "program"),
    ("ObjectDecl", "program"),
    ("ObjectKind", "registry"),
    ("Op", "registry"),
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

/// First names after `crate::`, of imports and of paths; and `ops`, wherever it stands in one.
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

/// Whether an import is of operations, or of something of theirs.
fn has_operations(tree: &syn::UseTree) -> bool {
    match tree {
        syn::UseTree::Path(p) if p.ident == "std" => false,
        syn::UseTree::Path(p) => p.ident == OPERATIONS || has_operations(&p.tree),
        syn::UseTree::Name(n) => n.ident == OPERATIONS,
        syn::UseTree::Rename(r) => r.ident == OPERATIONS,
        syn::UseTree::Group(g) => g.items.iter().any(has_operations),
        syn::UseTree::Glob(_) => false,
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if has_operations(&item.tree) {
            self.0.push(OPERATIONS.into());
        }
        if let syn::UseTree::Path(p) = &item.tree
            && p.ident == "crate"
        {
            first_names(&p.tree, &mut self.0);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let is_ours = path.segments.first().is_some_and(|s| s.ident != "std");
        if is_ours && path.segments.iter().rev().skip(1).any(|s| s.ident == OPERATIONS) {
            self.0.push(OPERATIONS.into());
        }
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
    if path.trim_end_matches(".rs").split('/').skip(1).any(|name| name == OPERATIONS) {
        return OPERATIONS;
    }
    let inner = path.strip_prefix("ground/").filter(|inner| *inner != "mod.rs").unwrap_or(path);
    inner.trim_end_matches(".rs").split('/').next().unwrap_or_default()
}

/// Modules that a file imports, but for the list of everything.
fn imported(source: &Source) -> Vec<String> {
    let mut imports = Imports::default();
    imports.visit_file(&source.file);
    let home =
        |name: &String| AT_THE_ROOT.iter().find(|(n, _)| n == name).map_or(name.clone(), |(_, m)| (*m).to_owned());
    let mut modules: Vec<String> = imports.0.iter().map(home).filter(|module| floor(module).is_some()).collect();
    modules.sort();
    modules.dedup();
    modules
}

/// The module of a file of the kernel, if the rule is about it.
fn own_module(source: &Source) -> Option<&str> {
    let own = room(source.path.strip_prefix("model/kernel/src/")?);
    (own != "lib" && own != LIST && !source.is_test()).then_some(own)
}

/// Modules above its own that a file imports.
fn back_up(source: &Source) -> Vec<String> {
    let Some(own) = own_module(source) else { return vec![] };
    let Some(own_floor) = floor(own) else { return vec![format!("`{own}` has no floor")] };
    imported(source).into_iter().filter(|module| floor(module).is_some_and(|f| f > own_floor)).collect()
}

/// The modules that can be come to from one.
fn reached<'a>(arrows: &'a BTreeMap<String, BTreeSet<String>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        next.extend(arrows.get(at).into_iter().flatten().map(String::as_str).filter(|to| seen.insert(*to)));
    }
    seen
}

/// Modules that import one another, in circles, the largest first.
fn circles(arrows: &BTreeMap<String, BTreeSet<String>>) -> Vec<BTreeSet<&str>> {
    let all: BTreeMap<&str, BTreeSet<&str>> =
        arrows.keys().map(|from| (from.as_str(), reached(arrows, from))).collect();
    let circle =
        |of: &str| all[of].iter().copied().filter(|other| all.get(other).is_some_and(|r| r.contains(of))).collect();
    let mut circles: Vec<BTreeSet<&str>> = all.keys().map(|of| circle(of)).collect();
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles.dedup();
    circles
}

/// Most modules that may import one another in a circle.
const MOST_IN_A_CIRCLE: usize = 5;

#[test]
fn no_circle_of_imports_is_large() {
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in &sources() {
        if let Some(own) = own_module(source) {
            let to = imported(source).into_iter().filter(|to| to != own);
            arrows.entry(own.to_owned()).or_default().extend(to);
        }
    }
    assert!(arrows.len() > 20, "{} modules", arrows.len());
    let largest = circles(&arrows).into_iter().next().unwrap_or_default();
    assert!(largest.len() <= MOST_IN_A_CIRCLE, "{} modules import one another: {largest:?}", largest.len());
}

#[test]
fn a_circle_of_imports_is_found() {
    let arrow = |(from, to): (&str, &str)| (from.to_owned(), BTreeSet::from([to.to_owned()]));
    let arrows: BTreeMap<_, _> = [("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")].map(arrow).into();
    assert_eq!(circles(&arrows)[0], BTreeSet::from(["a", "b", "c"]));
}

#[test]
fn no_import_of_the_kernel_runs_back_up() {
    assert_left(&every(back_up), &[]);
}

#[test]
fn an_import_that_runs_back_up_is_found() {
    let found = |path: &str, text: &str| back_up(&Source::parsed(path, text));
    let resv = "model/kernel/src/resv/add.rs";
    assert_eq!(found(resv, "use crate::{Cx, fence::Fence, thread::Thread};"), ["thread"]);
    assert_eq!(found(resv, "use crate::{State, ww};\nfn f() { crate::exec::g() }"), ["exec", "state"]);
    assert_eq!(found("model/kernel/src/ground/coder.rs", "use crate::{Value, ground::{cx::Flow, ids}};"), ["cx"]);
    assert_eq!(found("model/kernel/src/ground/value.rs", "use crate::registry::Cursor;"), [""; 0]);
    assert_eq!(found(resv, "use crate::fence::{self, ops::Fence};"), ["ops"]);
    assert_eq!(found(resv, "use super::ops;\nfn f(ops: u8) -> u8 { ops }"), ["ops"]);
    assert_eq!(found(resv, "use std::ops::Range;\nfn f(ops: u8) -> std::ops::Range<u8> { 0..ops }"), [""; 0]);
    assert_eq!(found("model/kernel/src/resv/ops.rs", "use crate::{Machine, Op, fence::ops::Fence};"), [""; 0]);
    assert_eq!(found("model/kernel/src/resv/ops/iteration.rs", "use crate::{State, ww};"), ["state"]);
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
