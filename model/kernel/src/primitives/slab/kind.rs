//! What is fixed about a slot: whose it is.

use crate::{
    Kind, MAX_OBJECTS, Runtime,
    ground::kind::{Born, DeclRow, Declared, KindRow, Refs},
    ground::op::{Opt, Takes, flag, option},
};

/// What freeing may mean.
const SLABS: Takes = Takes::OneOf(&["plain", "rcu-free", "typesafe-by-rcu"]);

/// A slot of the slab of `structs[of]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Index of the struct's declaration.
    pub of: u8,
}

impl Declared for Slot {
    const ROW: KindRow = KindRow {
        name: "struct",
        one: "a struct",
        refs: Refs::Object,
        runs_out: "to tell the next object there from those before",
        decls: &[DeclRow {
            name: "struct",
            kind: Some(Kind::Struct),
            options: &[
                Opt {
                    required: true,
                    ..option(
                        "slots",
                        Takes::Number { min: 1, max: MAX_OBJECTS as i32 },
                        "how many objects there can be at once",
                    )
                },
                option(
                    "slab",
                    SLABS,
                    "what freeing means, plain without it; a typesafe one initialises nothing, and `new` stores the members in their order, one by one",
                ),
                flag("weak", "its fields may be seen stale on weak memory, and the scenario is about that"),
            ],
            meaning: "objects with fields: `struct group slots=2 { refs 1; state 0 }`; `refs` is the built-in count. A field \
                      may say `type=`, `guarded-by=` and `const` as a variable does; `guarded-by=.lock` is a lock of the \
                      same object. One with a type and no value is inside of the object besides words: \
                      `lock type=lock kind=mutex`, `fence type=fence`, `lru type=list guarded-by=.lock`, `w type=work fn=F`, `watchdog type=timer fn=F`, \
                      `handles type=xarray`, `users type=srcu`, `rcu type=rcu-head`, `base type=STRUCT`, with the options of that declaration. It begins with its object, as after \
                      `kzalloc()` and the init functions, and is named by a path from a local: `lock b.lock`, \
                      `load b.base.size into=n`, `let l=&b.lock`. Whatever is done to it after the object was freed is a \
                      use after free; what is in use inside of it when it is freed is told then",
            kernel: "struct kmem_cache",
            make: None,
        }],
        ..KindRow::PLAIN
    };
    type Object<R: Runtime> = super::Slot<R>;

    fn begin<R: Runtime>(&self, born: Born<'_>) -> super::Slot<R> {
        super::Slot::new(born.id)
    }
}
