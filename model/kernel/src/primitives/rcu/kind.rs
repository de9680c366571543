//! What is fixed about RCU: that there is one.

use crate::{
    Runtime,
    ground::kind::{Born, Declared, KindRow, Waited},
};

/// RCU's callbacks; declared once if a program defers frees.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rcu;

impl Declared for Rcu {
    const ROW: KindRow = KindRow { waited: Waited::Readers, ..KindRow::PLAIN };
    type Object<R: Runtime> = super::Rcu<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Rcu<R> {
        super::Rcu::new(born.id)
    }
}
