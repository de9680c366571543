//! A public function that can fail says when.

use crate::{Source, assert_left, every};
use syn::{Attribute, ReturnType, Signature, Visibility, spanned::Spanned, visit::Visit};

#[derive(Default)]
struct Silent {
    found: Vec<String>,
}

fn fails(signature: &Signature) -> bool {
    let ReturnType::Type(_, ty) = &signature.output else { return false };
    matches!(&**ty, syn::Type::Path(p) if p.path.segments.last().is_some_and(|s| s.ident == "Result"))
}

fn says_when(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|a| match &a.meta {
        syn::Meta::NameValue(doc) if doc.path.is_ident("doc") => match &doc.value {
            syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => text.value().trim() == "# Errors",
            _ => false,
        },
        _ => false,
    })
}

impl Silent {
    fn look(&mut self, visibility: &Visibility, signature: &Signature, attributes: &[Attribute]) {
        if matches!(visibility, Visibility::Public(_)) && fails(signature) && !says_when(attributes) {
            let line = signature.span().start().line;
            self.found.push(format!("line {line}: `{}` has no `# Errors`", signature.ident));
        }
    }
}

impl<'ast> Visit<'ast> for Silent {
    fn visit_item_fn(&mut self, f: &'ast syn::ItemFn) {
        self.look(&f.vis, &f.sig, &f.attrs);
        syn::visit::visit_item_fn(self, f);
    }

    fn visit_impl_item_fn(&mut self, f: &'ast syn::ImplItemFn) {
        self.look(&f.vis, &f.sig, &f.attrs);
        syn::visit::visit_impl_item_fn(self, f);
    }
}

fn silent(source: &Source) -> Vec<String> {
    if source.is_test() {
        return vec![];
    }
    let mut found = Silent::default();
    found.visit_file(&source.file);
    found.found
}

#[test]
fn a_public_function_that_can_fail_says_when() {
    assert_left(&every(silent), &[]);
}

#[test]
fn a_public_function_that_does_not_say_when_it_fails_is_found() {
    let found = |text: &str| silent(&Source::parsed("planted.rs", text));
    assert_eq!(found("/// Reads.\npub fn f() -> Result<(), E> { g() }"), ["line 2: `f` has no `# Errors`"]);
    assert_eq!(found("struct S; impl S { pub fn f() -> io::Result<()> { g() } }"), ["line 1: `f` has no `# Errors`"]);
    assert_eq!(found("/// Reads.\n///\n/// # Errors\n///\n/// Never.\npub fn f() -> Result<(), E> { g() }"), [""; 0]);
    assert_eq!(found("fn f() -> Result<(), E> { g() } pub fn h() -> Option<Result<(), E>> { None }"), [""; 0]);
}
