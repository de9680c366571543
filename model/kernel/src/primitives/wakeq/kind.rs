//! What is fixed about a list of wake-ups: nothing.

use crate::{
    Kind, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow},
};

/// `struct wake_q_head`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WakeQ;

impl Declared for WakeQ {
    const ROW: KindRow = KindRow {
        name: "wake-q",
        one: "a wake-q",
        sample: Some(("wake", "")),
        facets: &["tasks"],
        decls: &[DeclRow {
            name: "wake-q",
            kind: Some(Kind::WakeQ),
            options: &[],
            meaning: "a list of wake-ups to be made later, each thread's own",
            kernel: "DEFINE_WAKE_Q()",
            make: Some(|_| WakeQ.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::WakeQ<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::WakeQ<R> {
        super::WakeQ::new(born.id)
    }
}
