//! What people write of RCU.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] =
    &[idiom(77, "rcu-read-lock\n...\nrcu-read-unlock").atomic(), idiom(78, "synchronize-rcu").sleeps()];
