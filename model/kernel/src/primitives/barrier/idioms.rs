//! What people write of a rendezvous.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[idiom(74, "barrier-wait $b:barrier").sleeps().wild()];
