//! What must hold where a system call returns.

use crate::rule::rules;

rules! {
    44 LOCK_TO_USER of LOCK_HELD_AT_EXIT = "a lock is held when a system call returns to user space",
        "user space may never come back to release it: \"BUG: lock held when returning to user space!\"",
        Says("{who} returns to user space and still holds {what}");
    45 TASK_WORK_TWICE of LIST_CORRUPTION = "a task work is added that has not run yet",
        "its link to the next one is overwritten, and what came after it on the list never runs",
        Says("{who} adds {what} that is on the list already{place}");
}
