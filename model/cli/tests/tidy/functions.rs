//! A function fits a screen.

use crate::{Source, assert_left, every};
use syn::{spanned::Spanned, visit::Visit};

/// Most lines of a function, its head and its last brace included.
const MOST: usize = 70;

#[derive(Default)]
struct Long(Vec<String>);

impl Long {
    fn look(&mut self, name: &syn::Ident, from: proc_macro2::Span, block: &syn::Block) {
        let lines = block.span().end().line - from.start().line + 1;
        if lines > MOST {
            self.0.push(format!("line {}: `{name}` has {lines} lines", from.start().line));
        }
    }
}

impl<'ast> Visit<'ast> for Long {
    fn visit_item_fn(&mut self, f: &'ast syn::ItemFn) {
        self.look(&f.sig.ident, f.sig.span(), &f.block);
        syn::visit::visit_item_fn(self, f);
    }

    fn visit_impl_item_fn(&mut self, f: &'ast syn::ImplItemFn) {
        self.look(&f.sig.ident, f.sig.span(), &f.block);
        syn::visit::visit_impl_item_fn(self, f);
    }
}

fn long(source: &Source) -> Vec<String> {
    let mut found = Long::default();
    found.visit_file(&source.file);
    found.0
}

#[test]
fn a_function_has_at_most_seventy_lines() {
    assert_left(&every(long), LEFT);
}

/// To be split.
const LEFT: &[(&str, usize)] = &[];

#[test]
fn a_function_of_seventy_one_lines_is_found() {
    let of = |lines: usize| format!("struct S; impl S {{ fn f() {{\n{}}} }}", "();\n".repeat(lines - 2));
    assert_eq!(long(&Source::parsed("planted.rs", &of(MOST))), [""; 0]);
    assert_eq!(long(&Source::parsed("planted.rs", &of(MOST + 1))), ["line 1: `f` has 71 lines"]);
}
