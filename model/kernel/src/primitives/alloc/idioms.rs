//! What people write of allocation.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[idiom(97, "alloc into=$r:local").sleeps()];
