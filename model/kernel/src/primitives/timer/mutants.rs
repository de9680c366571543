//! Mistakes of timer that can be built in.

use crate::ground::mutation::mutants;

mutants! { "timer"
    ModNoStart "timer-mod-no-start" in "mod_timer()" "the timer is not started";
    DelKeepsPending "timer-del-keeps-pending" in "timer_delete()" "the timer stays armed";
    DelSyncNoWait "timer-del-sync-no-wait" in "timer_delete_sync()" "does not wait for the handler";
    ExpiresTwice "timer-expires-twice" in "expire_timers()" "an expired timer stays armed";
}
