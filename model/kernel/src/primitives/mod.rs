//! The primitives that protocols and scripts are built from, one file each.

pub mod barrier;
pub mod completion;
pub mod list;
pub mod rcu;
pub mod refcount;
pub mod rwsem;
pub mod signal;
pub mod slab;
pub mod spinlock;
pub mod variable;
pub mod waitqueue;
pub mod wakeq;
