//! What is fixed about a module: what is called when it goes.

use crate::{
    Kind, Runtime,
    ground::{
        ids::CalleeId,
        kind::{Born, DeclRow, Declared, KindRow},
        op::{Takes, option},
    },
};

/// `struct module`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Module {
    /// `module_exit()`.
    pub exit: Option<CalleeId>,
}

impl Declared for Module {
    const ROW: KindRow = KindRow {
        name: "module",
        one: "a module",
        sample: Some(("exporter", "")),
        facets: &["users", "going", "gone"],
        runs_out: "for more than 254 references, or for one thread in the middle of more than 15 of its functions",
        decls: &[DeclRow {
            name: "module",
            kind: Some(Kind::Module),
            options: &[option("exit", Takes::Proc(0), "what is called when it goes: `module_exit()`")],
            meaning: "what may be unloaded; the functions and tables in its block are gone then",
            kernel: "struct module",
            make: Some(|_| Module { exit: None }.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Module<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::Module<R> {
        super::Module::new()
    }

    fn calls(&self) -> Option<CalleeId> {
        self.exit
    }
}
