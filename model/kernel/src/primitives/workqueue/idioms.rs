//! What people write of work items.

use crate::ground::idiom::{Idiom, idiom};

pub(crate) const IDIOMS: &[Idiom] = &[
    idiom(86, "queue-work $w:work into=$r:local"),
    idiom(87, "queue-work $w:work\n...\nflush-work $w into=$r:local").sleeps().wild(),
    idiom(88, "queue-work $w:work\ncancel-work-sync $w into=$r:local").sleeps().alone(),
    idiom(89, "queue-delayed-work $w:delayed-work into=$r:local"),
    idiom(90, "mod-delayed-work $w:delayed-work into=$r:local"),
    idiom(91, "queue-delayed-work $w:delayed-work\n...\nflush-delayed-work $w into=$r:local").sleeps().wild(),
    idiom(92, "queue-delayed-work $w:delayed-work\ncancel-delayed-work-sync $w into=$r:local").sleeps().alone(),
    idiom(93, "disable-work-sync $w:work into=$r:local\n...\nenable-work $w").sleeps().alone(),
    idiom(94, "disable-work-sync $w:delayed-work into=$r:local\nenable-work $w").sleeps().alone(),
];
