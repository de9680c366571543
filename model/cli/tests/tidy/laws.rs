//! A law that nobody reports is one that nothing breaks: every property and every rule of the tables (`rules.rs`, and
//! whoever else fills one in) is the value of an expression somewhere in the crates that judge. To compare with one is
//! not to report it; a property that stands for several rules is reported by each of them.

use crate::source::{Source, sources};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::BTreeSet;
use syn::{BinOp, visit::Visit};

/// Where laws are reported.
const CRATES: [&str; 3] = ["model/kernel/src/", "model/explore/src/", "model/scenario/src/"];

/// What is known of the laws of some sources.
#[derive(Default)]
struct Laws {
    /// `Property::NAME` and `Rule::NAME` of every row.
    listed: BTreeSet<String>,
    /// Those that some expression is.
    reported: BTreeSet<String>,
    /// Properties by a rule of theirs that is listed: the rule, the property.
    stands_for: Vec<(String, String)>,
}

impl Laws {
    /// The rows of a table: `number NAME = …` of properties, `number NAME of PROPERTY = …` of rules.
    fn list(&mut self, of: &str, rows: TokenStream) {
        let tokens: Vec<TokenTree> = rows.into_iter().collect();
        for row in tokens.split(|t| matches!(t, TokenTree::Punct(p) if p.as_char() == ';')) {
            let [_, TokenTree::Ident(name), rest @ ..] = row else { continue };
            let law = format!("{of}::{name}");
            if let [TokenTree::Ident(_), TokenTree::Ident(property), ..] = rest {
                self.stands_for.push((law.clone(), format!("Property::{property}")));
            }
            self.listed.insert(law);
        }
    }

    /// The laws that nobody reports.
    fn unreported(mut self) -> Vec<String> {
        let by_rule = self.stands_for.iter().filter(|(rule, _)| self.reported.contains(rule));
        let by_rule: Vec<String> = by_rule.map(|(_, property)| property.clone()).collect();
        self.reported.extend(by_rule);
        self.listed.difference(&self.reported).cloned().collect()
    }
}

/// Whether an item is there for tests alone.
fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| match &a.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        _ => false,
    })
}

impl<'ast> Visit<'ast> for Laws {
    fn visit_macro(&mut self, m: &'ast syn::Macro) {
        match () {
            () if m.path.is_ident("properties") => self.list("Property", m.tokens.clone()),
            () if m.path.is_ident("rules") => self.list("Rule", m.tokens.clone()),
            () => {}
        }
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        let mut segments = path.path.segments.iter().rev();
        if let (Some(name), Some(of)) = (segments.next(), segments.next()) {
            self.reported.insert(format!("{}::{}", of.ident, name.ident));
        }
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        if !matches!(binary.op, BinOp::Eq(_) | BinOp::Ne(_)) {
            syn::visit::visit_expr_binary(self, binary);
        }
    }

    /// What a pattern names is asked for.
    fn visit_pat(&mut self, _: &'ast syn::Pat) {}

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

fn laws(sources: &[Source]) -> Laws {
    let mut laws = Laws::default();
    sources.iter().filter(|s| !s.is_test()).for_each(|s| laws.visit_file(&s.file));
    laws
}

#[test]
fn every_law_is_reported_by_somebody() {
    let mut all = sources();
    all.retain(|s| CRATES.iter().any(|c| s.path.starts_with(c)));
    let laws = laws(&all);
    for known in ["Property::SELF_DEADLOCK", "Property::IRQ_DEADLOCK", "Rule::TIMER_SYNC_IN_HARDIRQ"] {
        assert!(laws.listed.contains(known), "{known} is in no table that was found");
    }
    assert!(laws.listed.len() > 100, "{:?}", laws.listed);
    assert_eq!(laws.unreported(), [""; 0]);
}

#[test]
fn a_law_that_nobody_reports_is_found() {
    let table = "properties! { 1 BAD = \"bad\", \"it is; always\", \"nobody\", InGeneral; 2 SAD = \"sad\", Told(Stuck), since Taken; }\n\
                 rules! { 3 SO of SAD = \"so\", \"why\", InGeneral; }";
    let unreported = |code: &str| {
        let sources = [Source::parsed("rules.rs", table), Source::parsed("planted.rs", code)];
        laws(&sources).unreported()
    };
    let all = ["Property::BAD", "Property::SAD", "Rule::SO"];
    assert_eq!(unreported(""), all);
    assert_eq!(unreported("fn f() { g(Property::BAD); h(Rule::SO) }"), [""; 0]);
    assert_eq!(unreported("fn f() { g(Property::BAD, crate::Property::SAD) }"), ["Rule::SO"]);
    // Who asks does not report, and neither does a test.
    assert_eq!(unreported("fn f(p: Property) -> bool { p == Property::BAD || p != Property::SAD }"), all);
    assert_eq!(unreported("fn f(p: Property) -> u8 { match p { Property::BAD => 1, _ => 2 } }"), all);
    assert_eq!(unreported("#[cfg(test)] mod tests { fn f() { g(Property::BAD, Rule::SO) } }"), all);
}
