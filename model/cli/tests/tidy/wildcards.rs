//! Whoever asks which operation, machine, object, property or rule it is answers for all of them: a `_` would take the
//! next one in silence. Only where all of them are listed may a list end so.

use crate::{Source, assert_left, every};
use fenceweave_kernel::Kind;
use syn::{Pat, parse::Parser, spanned::Spanned, visit::Visit};

/// Enums that list every protocol.
const LISTS: &[&str] = &["Kind", "Machine", "Object", "ObjectKind", "Op", "Property", "Rule"];

/// The crate that has enums of the same names, of its own: they list what one judge knows, and no protocol.
const OTHERS: &str = "fenceweave_judge";

/// Crates that know no protocol: a name of a list is something else there.
const OWN_LISTS: &[&str] = &["/judge/", "/pages/"];

/// What a file asks, with the names that are another crate's there.
#[derive(Default)]
struct Wildcards {
    others: Vec<String>,
    found: Vec<String>,
}

/// The names that a file has of [`OTHERS`].
#[derive(Default)]
struct Imports(Vec<String>);

impl<'ast> Visit<'ast> for Imports {
    fn visit_use_path(&mut self, path: &'ast syn::UsePath) {
        if path.ident == OTHERS {
            self.note(&path.tree);
        }
    }
}

impl Imports {
    fn note(&mut self, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => self.note(&path.tree),
            syn::UseTree::Name(name) => self.0.push(name.ident.to_string()),
            syn::UseTree::Rename(name) => self.0.push(name.rename.to_string()),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.note(tree)),
            // Nobody can say which names those are.
            syn::UseTree::Glob(_) => {}
        }
    }
}

/// Paths of patterns that name a variant of a list: `Op::Spin`.
#[derive(Default)]
struct Names(Vec<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut segments = path.segments.iter().rev();
        if let (Some(variant), Some(of)) = (segments.next(), segments.next())
            && path.segments.first().is_none_or(|first| first.ident != OTHERS)
        {
            self.0.extend(listed(&of.ident.to_string(), &variant.ident.to_string()));
        }
    }
}

/// The list, if it is one. What else is called `Kind` where it is at home (a token's, a page's) has other variants.
fn listed(of: &str, variant: &str) -> Option<String> {
    let is_kind = || Kind::ALL.iter().any(|kind| format!("{kind:?}") == variant);
    (LISTS.contains(&of) && (of != "Kind" || is_kind())).then(|| of.to_owned())
}

/// Whether a pattern takes whatever there is.
fn takes_all(pattern: &Pat) -> bool {
    match pattern {
        Pat::Wild(_) => true,
        Pat::Ident(p) => p.subpat.is_none() && p.ident.to_string().starts_with(char::is_lowercase),
        Pat::Paren(p) => takes_all(&p.pat),
        Pat::Reference(p) => takes_all(&p.pat),
        Pat::TupleStruct(p) => p.path.is_ident("Some") && p.elems.iter().all(takes_all),
        _ => false,
    }
}

impl Wildcards {
    /// The list that a pattern is of.
    fn list_of(&self, pattern: &Pat) -> Option<String> {
        let mut names = Names::default();
        names.visit_pat(pattern);
        names.0.into_iter().find(|n| !self.others.contains(n))
    }
}

impl<'ast> Visit<'ast> for Wildcards {
    fn visit_expr_match(&mut self, m: &'ast syn::ExprMatch) {
        let list = m.arms.iter().find_map(|arm| self.list_of(&arm.pat));
        if let Some(list) = list
            && let Some(arm) = m.arms.iter().find(|arm| arm.guard.is_none() && takes_all(&arm.pat))
        {
            self.found.push(format!("line {}: `{list}` has an arm for whatever comes", arm.pat.span().start().line));
        }
        syn::visit::visit_expr_match(self, m);
    }

    /// `matches!` with several of a list is the same question.
    fn visit_macro(&mut self, m: &'ast syn::Macro) {
        if !m.path.is_ident("matches") {
            return;
        }
        let pattern = |input: syn::parse::ParseStream<'_>| {
            input.parse::<syn::Expr>()?;
            input.parse::<syn::Token![,]>()?;
            let pattern = Pat::parse_multi_with_leading_vert(input)?;
            input.parse::<proc_macro2::TokenStream>()?;
            Ok(pattern)
        };
        if let Ok(Pat::Or(several)) = pattern.parse2(m.tokens.clone())
            && let Some(list) = several.cases.iter().find_map(|case| self.list_of(case))
        {
            self.found
                .push(format!("line {}: `{list}` is asked for several by `matches!`", m.path.span().start().line));
        }
    }
}

fn wildcards(source: &Source) -> Vec<String> {
    if source.is_test() || source.path.ends_with("/registry.rs") || OWN_LISTS.iter().any(|c| source.path.contains(c)) {
        return vec![];
    }
    let mut imports = Imports::default();
    imports.visit_file(&source.file);
    let mut asked = Wildcards { others: imports.0, found: vec![] };
    asked.visit_file(&source.file);
    asked.found
}

#[test]
fn nobody_asks_which_protocol_it_is_and_forgets_one() {
    assert_left(&every(wildcards), &[]);
}

#[test]
fn an_arm_for_whatever_comes_is_found() {
    let found = |text: &str| wildcards(&Source::parsed("planted.rs", text));
    assert_eq!(
        found("fn f(op: Op) -> u8 {\n match op {\n Op::Spin { .. } => 2,\n _ => 1 } }"),
        ["line 4: `Op` has an arm for whatever comes"]
    );
    assert_eq!(
        found("fn f(k: &ObjectKind) -> u8 { match k { kernel::ObjectKind::Rcu => 2,\n other => g(other) } }"),
        ["line 2: `ObjectKind` has an arm for whatever comes"]
    );
    assert_eq!(
        found("fn f(i: Instr) -> u8 { match i { Instr::Op { op: Op::Rcu { .. }, .. } => 2,\n _ => 1 } }"),
        ["line 2: `Op` has an arm for whatever comes"]
    );
    assert_eq!(
        found("fn f(op: Op) -> bool { matches!(op, Op::Spin { .. } | Op::Rcu { .. }) }"),
        ["line 1: `Op` is asked for several by `matches!`"]
    );
    assert_eq!(found("fn f(op: Op) -> bool { matches!(op, Op::Spin { .. } if g()) }"), [""; 0]);
    assert_eq!(found("fn f(op: Op) -> u8 { match op { Op::Spin { .. } => 2, Op::Rcu { .. } => 1 } }"), [""; 0]);
    assert_eq!(
        found("fn f(k: Option<Kind>) -> u8 { match k { None => 1, Some(Kind::Fence) => 2,\n Some(_) => 3 } }"),
        ["line 2: `Kind` has an arm for whatever comes"]
    );
    assert_eq!(found("fn f(k: Kind) -> u8 { match k { Kind::Int => 2, _ => 1 } }"), [""; 0]);
    assert_eq!(found("fn f(n: u8) -> u8 { match n { 0 => 2, _ => 1 } }"), [""; 0]);
    let asked = "fn f(op: Op) -> u8 {\n match op {\n Op::Spin { .. } => 2,\n _ => 1 } }";
    assert_eq!(found(&format!("use fenceweave_judge::{{Class, Op}};\n{asked}")), [""; 0]);
    assert_eq!(found(&asked.replace("Op::Spin", "fenceweave_judge::Op::Spin")), [""; 0]);
    for others in ["fenceweave_judge::Class", "fenceweave_judge::Op as Judged", "fenceweave_kernel::Op"] {
        let text = format!("use {others};\n{asked}");
        assert_eq!(found(&text), ["line 5: `Op` has an arm for whatever comes"], "{others}");
    }
}
