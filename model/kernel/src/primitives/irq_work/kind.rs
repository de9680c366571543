//! What is fixed about an irq work: what it calls.

use crate::{
    Kind, ObjId, Runtime, ThreadId,
    ground::{
        kind::{Born, DeclRow, Declared, Function, KindRow, Waited},
        op::{Takes, option},
    },
};

/// `struct irq_work`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IrqWork {
    /// What is called with it; nothing before `init_irq_work()` says what.
    pub function: Option<Function>,
    /// What all of them are on.
    pub base: ObjId,
}

impl Declared for IrqWork {
    const ROW: KindRow = KindRow {
        name: "irq-work",
        one: "an irq-work",
        init: "init_irq_work()",
        sample: Some(("iw", "")),
        facets: &["pending", "busy"],
        waited: Waited::Run("queue"),
        event: true,
        decls: &[DeclRow {
            name: "irq-work",
            kind: Some(Kind::IrqWork),
            options: &[option("fn", Takes::Proc(1), "the function that is called with it, in hard interrupt context")],
            meaning: "what is left to an interrupt of the CPU that asks for it: on a thread's CPU nothing else runs meanwhile, and \
                      it comes when that has interrupts enabled; at most 16, of which two run at once",
            kernel: "struct irq_work",
            make: Some(|_| IrqWork { function: None, base: ObjId::default() }.into()),
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::IrqWork<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::IrqWork<R> {
        super::IrqWork::new(self.base)
    }

    fn function(&self) -> Option<Function> {
        self.function
    }

    fn queue(&self) -> Option<ObjId> {
        Some(self.base)
    }
}

/// Most irq works of a program.
pub const MAX_IRQ_WORKS: usize = 16;
/// Most of them that run at once.
pub const MAX_CPUS: u8 = 2;

/// What all irq works are on, with those who take the interrupts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IrqWorks {
    /// The first of those who take the interrupts: agents, one after the other.
    pub first: ThreadId,
    /// How many there are: so many functions run at once.
    pub count: u8,
    /// The items.
    pub works: Vec<ObjId>,
}

impl IrqWorks {
    /// Each of those who take the interrupts.
    pub fn each(&self) -> impl Iterator<Item = ThreadId> + use<> {
        let first = self.first.0;
        (0..self.count).map(move |n| ThreadId(first + n))
    }
}

impl Declared for IrqWorks {
    const ROW: KindRow = KindRow { waited: Waited::Run("queue"), ..KindRow::PLAIN };
    type Object<R: Runtime> = super::base::IrqWorks<R>;

    fn begin<R: Runtime>(&self, _born: Born<'_>) -> super::base::IrqWorks<R> {
        super::base::IrqWorks::new()
    }
}
