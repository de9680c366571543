//! The modelled kernel: shared objects, the tasks that use them, and every protocol as a state machine.
//!
//! # What lives here
//!
//! * [`ground`]: what every protocol stands on.
//! * [`World`]: all shared objects of a modelled system, generic over a [`Runtime`], which says what a shared
//!   cell is made of (plain data, or a threading model checker's own types).
//! * One file per protocol ([`ww`], [`fence`], [`resv`], [`exec`], [`sync_file`], [`syncobj`], [`memory`],
//!   [`pte`]) and per primitive ([`primitives`]). Each holds its object, its machines (an enum of program points at the
//!   top), their footprints and its unit tests.
//! * `ground`: what every protocol stands on, and what is asked of each object and machine. `registry` lists them all;
//!   `references` is the law of who has which. [`fixed`] is what is fixed about each kind of object, from the
//!   protocols' folders.
//! * [`Program`]: what a scenario is compiled to, and [`Thread`], the interpreter of one script.
//! * [`State`]: a whole modelled system as one flat value, with the canonical encoding that identifies it.
//!
//! # What must not
//!
//! No engine, no search, no file format, no text layout of results. Nothing here blocks: a machine that has to
//! wait returns [`Flow::Sleep`] and whoever runs it decides what that means.
//!
//! # Where to start reading
//!
//! [`runtime`] (thirty lines that everything rests on), then [`ww`] as the model of a protocol file, then
//! [`state`] for how a step is taken.

pub mod builder;
pub mod cover;
pub mod dma;
pub mod exec;
pub mod expr;
pub mod fence;
pub mod gpu;
pub mod granularity;
pub mod ground;
pub mod lock_all;
pub mod machine;
pub mod memory;
pub mod observe;
pub mod pci;
pub mod primitives;
pub mod program;
pub mod property;
pub mod pte;
pub mod references;
mod registry;
pub mod resv;
pub mod rule;
mod stack;
pub mod state;
pub mod symmetry;
pub mod sync_file;
pub mod syncobj;
pub mod thread;
pub mod world;
pub mod ww;

pub use ground::{coder, counted, cx, facet, footprint, grain, ids, kind, number, op, runtime, task, value, variants};
pub(crate) use ground::{parts, protocol, shared};

pub use coder::{Code, Coder};
pub use cover::{Cover, Passed};
pub use cx::{Call, Context, Cx, Flow, Merging, Patience, Then, View};
pub use expr::{Expr, ExprNode};
pub use facet::Facet;
pub use footprint::{Footprint, ObjSet};
pub use grain::{Family, Grain};
pub use ground::protocol::Standing;
pub use ids::{LocalId, MAX_LOCALS, MAX_OBJECTS, MAX_THREADS, MAX_VARS, ObjId, ThreadId, ThreadSet};
pub use number::Type;
pub use stack::MAX_FRAMES;

pub use observe::{Condition, Leaf, Moment};
pub use program::{Instr, Kind, ObjectDecl, ObjectKind, Op, Operand, Place, Program, Script};
pub use property::{Property, Violation};
pub use registry::{Machine, Object, idioms, kinds::fixed, mutations, mutations::Mutation, operations};
pub use rule::Rule;
pub use runtime::{AtomicCell, Bits, Held, Order, Plain, Runtime, SharedCell};
pub use state::{Action, Enabled, Outcome, State, StepResult};
pub use symmetry::{Renaming, Symmetry};
pub use thread::Thread;
pub use value::{Errno, Handle, Value};
pub use world::World;
