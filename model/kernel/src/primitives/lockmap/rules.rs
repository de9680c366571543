//! What must hold of lockdep maps.

use crate::{property::forms, rule::rules};

rules! {
    53 CIRCLE_OF_MAP of DEPENDENCY_CYCLE = "a circle goes through a lockdep map",
        "whoever declares one says that what it stands for waits for all that is taken inside of it: possible circular locking dependency",
        Says("{who} takes {what}, or would wait for it with less luck, and that closes a circle through a lockdep map{place}"), is [Liveness AllExecutions BesideRules];
}

forms! {
    39 MAP_NOT_ACQUIRED "{who} releases {what}, a lockdep map that it has not acquired{place}";
}
