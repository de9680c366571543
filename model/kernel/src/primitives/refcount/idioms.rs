//! What people write of bare counts.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[idiom(79, "get $c:refcount\n...\nput $c into=$r:local")];
