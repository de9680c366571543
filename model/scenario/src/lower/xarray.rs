//! An xarray: its lock, and a word for each of its entries.

use fenceweave_kernel::program::{Premise, VarDecl};
use fenceweave_kernel::{Kind, MAX_VARS, ObjId, Type, Value, fixed};

use super::Lower;
use super::names::Symbol;
use super::options::Options;
use crate::syntax::Name;

/// How many entries one has that says nothing.
const ENTRIES: u8 = 4;

impl Lower<'_> {
    /// `xarray NAME len=N alloc1`
    pub(super) fn xarray(&mut self, name: &Name, options: &Options<'_>) -> Symbol {
        let len = options.number("len").and_then(|len| u8::try_from(len).ok()).unwrap_or(ENTRIES);
        let entries = ObjId::var(self.program.vars.len().min(MAX_VARS - 1));
        let inside = name.text.contains('#');
        for i in 0..len {
            let name = format!("{}[{i}]", name.text);
            self.program.vars.push(VarDecl {
                name,
                init: Value::Null,
                ty: Type::S64,
                racy: false,
                // What is inside of an object goes with it, and is no part of what comes out.
                observed: !inside,
                premise: Premise::Nothing,
                keys: vec![],
            });
        }
        let lock = self.object(format!("{}.xa_lock", name.text), fixed::Spinlock);
        let first = u8::from(options.has("alloc1"));
        let id = self.object(name.text.clone(), fixed::Xarray { lock, entries, len, first });
        Symbol::Object { id, kind: Kind::Xarray }
    }
}
