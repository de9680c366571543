//! What must hold of reservations.

use crate::property::properties;

properties! {
    16 CONTAINER_IN_RESV = "container-in-resv",
        "an array or a chain's node is added to a reservation, which wants each fence by itself",
        "WARN_ON(dma_fence_is_container()) in dma_resv_add_fence()",
        Says("{who} adds {what}, which is made of other fences, to a reservation{place}");
    21 NO_SLOT_RESERVED = "no-slot-reserved",
        "a fence is added to a reservation without a slot reserved under the same hold of the lock",
        "BUG_ON in dma_resv_add_fence(); dma_resv_reserve_fences(), counted for each hold",
        Says("{who} adds a fence to {what}, with no slot reserved under this hold of its lock{place}");
    22 DEPENDENCY_LOST = "dependency-lost",
        "a pending fence leaves a reservation, and what takes its place does not stand for it: whoever looks finds the memory idle too early",
        "dma_resv_add_fence(); dma_resv_list: dependencies are only replaced by later ones of their context",
        Told(DependencyLost);
    23 FENCE_MISSED = "fence-missed",
        "a walk without the lock ends without a fence that was there from its last start to its end, and is pending",
        "dma_resv_iter_next_unlocked(); dma-resv.h: a fence that is in the list all the time is returned",
        Says("{who}'s walk ends without {what}, which was there all the time and is pending{place}"), is [OneOrder];
    24 RESV_NOT_HELD = "resv-not-held",
        "a reservation is changed, or walked as if locked, by a thread that does not hold its lock",
        "dma_resv_assert_held()",
        Told(ResvNotHeld);
}
