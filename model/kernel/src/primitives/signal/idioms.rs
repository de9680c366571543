//! What people write of signals.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[idiom(76, "raise signal to=$t:thread").wild()];
