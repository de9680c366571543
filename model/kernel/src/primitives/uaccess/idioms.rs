//! What people write of user memory.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[idiom(98, "copy-from-user into=$r:local").sleeps().alone()];
