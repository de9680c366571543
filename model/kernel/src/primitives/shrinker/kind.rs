//! What is fixed about a shrinker: whether it is there from the start.

use crate::{
    Runtime,
    ground::kind::{Born, Declared, KindRow},
};

/// `struct shrinker`, if it is registered or freed while the program runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shrinker {
    /// Registered from the start.
    pub registered: bool,
}

impl Declared for Shrinker {
    const ROW: KindRow =
        KindRow { name: "shrinker", one: "a shrinker", facets: &["registered", "running"], ..KindRow::PLAIN };
    type Object<R: Runtime> = super::Shrinker<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Shrinker<R> {
        super::Shrinker::new(born.id, self.registered)
    }
}
