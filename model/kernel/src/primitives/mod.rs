//! The primitives that protocols and scripts are built from, one file each.

pub mod alloc;
pub mod barrier;
pub mod completion;
pub mod device;
pub mod irq;
pub mod irq_line;
pub mod list;
pub mod lockdep;
pub mod rcu;
pub mod refcount;
pub mod rwsem;
pub mod shrinker;
pub mod signal;
pub mod slab;
pub mod spinlock;
pub mod srcu;
pub mod syscall;
pub mod timer;
pub mod tree;
pub mod uaccess;
pub mod variable;
pub mod waitqueue;
pub mod wakeq;
pub mod workqueue;
pub mod xarray;
