//! Mistakes of completion that can be built in.

use crate::ground::mutation::mutants;

mutants! { "completion"
    CompleteNoWake "complete-no-wake" in "complete()" "counts and wakes nobody";
    CompleteNoCount "complete-no-count" in "complete()" "wakes and does not count";
    CompleteAllWakesOne "complete-all-wakes-one" in "complete_all()" "wakes only the first";
    CompleteAllCountsOne "complete-all-counts-one" in "complete_all()" "counts like complete()";
    WaitKeepsCount "completion-wait-keeps-count" in "do_wait_for_common()" "does not take what it waited for";
    WaitTimeoutQueued "completion-timeout-queued" in "do_wait_for_common()" "stays on the list after a timeout";
    TryWaitKeepsCount "completion-try-keeps-count" in "try_wait_for_completion()" "does not take it";
    ReinitNothing "completion-reinit-nothing" in "reinit_completion()" "does not reset the count";
}
