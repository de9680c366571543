//! A memory: its pool, and a frame for each of its pages.

use super::{Lower, declare::known, names::Symbol, options::Options};
use crate::syntax::Name;
use fenceweave_kernel::{Kind, ObjId, fixed, memory::kind};

/// How far apart pools begin that do not say where.
const APART: u16 = 100;

impl Lower<'_> {
    /// `memory NAME pages=N kind=vram base=N`
    pub(super) fn memory_pool(&mut self, name: &Name, options: &Options<'_>) -> Symbol {
        let sort = kind::sort_of(&known(options));
        let pages = options.number("pages").and_then(|n| u8::try_from(n).ok()).unwrap_or(1);
        let before = self.program.all::<fixed::Memory>().count();
        let base = options.number("base").and_then(|n| u16::try_from(n).ok());
        let base = base.unwrap_or(APART.saturating_mul(u16::try_from(before).unwrap_or(0) + 1));
        let frames = ObjId::object(self.program.objects.len() + 1);
        let id = self.object(name.text.clone(), fixed::Memory { sort, frames, pages, base });
        for place in 0..pages {
            self.object(format!("{}[{place}]", name.text), fixed::Frame { sort, pool: Some(id), place });
        }
        Symbol::Object { id, kind: Kind::Memory }
    }
}
