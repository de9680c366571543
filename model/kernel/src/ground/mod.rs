//! What every protocol stands on, and nothing of it knows one: cells, ids, values, their encoding, what a step may see
//! and do.
//!
//! * [`runtime`]: what a shared cell is made of; [`coder`]: one description of a state for writing and reading.
//! * [`ids`], [`value`], [`number`]: names, what words hold, and C's integer types; [`facet`]: what is shown of an
//!   object;
//!   [`task`]: a `task_struct`.
//! * [`grain`]: how fine the steps of a primitive are.
//! * `few`: short lists in a flat state; `job`: small values in one.
//! * `shared`: what every object says about itself; `protocol`: what a machine is; `parts`: machines inside machines;
//!   [`cx`]: what its step may do; [`footprint`]: what it says beforehand that it will touch.

pub mod coder;
pub mod counted;
pub mod cx;
pub mod facet;
pub(crate) mod few;
pub mod footprint;
pub(crate) mod functions;
pub mod grain;
pub(crate) mod idiom;
pub mod ids;
pub(crate) mod job;
pub mod kind;
pub(crate) mod mutation;
pub mod number;
pub(crate) mod numbered;
pub mod op;
pub mod operand;
pub(crate) mod parts;
pub(crate) mod protocol;
pub(crate) mod readers;
pub(crate) mod resolver;
pub mod row;
pub mod runtime;
pub(crate) mod shared;
pub mod task;
pub mod value;
pub mod variants;
