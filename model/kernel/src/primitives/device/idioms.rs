//! What people write of devices.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(115, "submit $d:device 1").wild(),
    idiom(134, "device-access $d:device\n...\ndevice-off $d drop\ndevice-on $d").wild(),
];
