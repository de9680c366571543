//! What people write of devices.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[idiom(115, "submit $d:device 1").wild()];
