//! A memory: its pool, and a frame for each of its pages.

use super::{
    Lower,
    declare::{Open, known},
    names::Symbol,
    options::Options,
};
use crate::syntax::Name;
use fenceweave_kernel::{Kind, ObjId, fixed, memory::kind};

/// How far apart pools begin that do not say where.
const APART: u16 = 100;

impl Lower<'_> {
    /// `memory NAME pages=N kind=vram base=N`
    pub(super) fn memory_pool(&mut self, name: &Name, options: &Options<'_>) -> Symbol {
        let (sort, caches) = (kind::sort_of(&known(options)), kind::caches_of(&known(options)));
        let pages = options.number("pages").and_then(|n| u8::try_from(n).ok()).unwrap_or(1);
        let before = self.program.all::<fixed::Memory>().count();
        let base = options.number("base").and_then(|n| u16::try_from(n).ok());
        let base = base.unwrap_or(APART.saturating_mul(u16::try_from(before).unwrap_or(0) + 1));
        let frames = ObjId::object(self.program.objects.len() + 1);
        let id = self.object(name.text.clone(), fixed::Memory { sort, frames, pages, base });
        for place in 0..pages {
            self.object(format!("{}[{place}]", name.text), fixed::Frame { sort, pool: Some(id), place, caches });
        }
        Symbol::Object { id, kind: Kind::Memory }
    }

    /// `sg-list NAME memory=VRAM segments="5:2 1:1"`
    pub(super) fn sg_list(&mut self, name: &Name, options: &Options<'_>) -> Symbol {
        let said = options.value("segments");
        let text = said.map_or("", |value| value.span.of(self.text));
        // The memory is known when all names are.
        let list = fixed::SgList::parse(ObjId::default(), text.trim_matches('"'));
        if let Some(value) = said.filter(|_| list.is_none()) {
            self.mistakes
                .add("segments", value.span, format!("{text} are no segments"))
                .expected("`\"FIRST:PAGES …\"`, numbers up to 1000, `.5` for half a page more");
        }
        let list = list.or_else(|| fixed::SgList::parse(ObjId::default(), "0:1"));
        let id = self.object(name.text.clone(), list.expect("a list of one segment is one"));
        Symbol::Object { id, kind: Kind::SgList }
    }

    /// Its memory.
    pub(super) fn complete_sg_list(&mut self, declared: &Open<'_>, id: ObjId) {
        let Some(value) = declared.node.option("memory").filter(|_| declared.spec.name == "sg-list") else { return };
        let Some(pool) = self.sibling(&declared.name, value, &[Kind::Memory]) else { return };
        if let Some(list) = self.program.fixed_mut::<fixed::SgList>(id) {
            list.pool = pool;
        }
    }
}
