//! Mistakes of sync_file that can be built in.

use crate::ground::mutation::mutants;

mutants! { "sync_file"
    CreateNoGet "file-create-no-get" in "sync_file_create()" "the file has no reference";
    GetNothing "file-get-nothing" in "sync_file_get_fence()" "gives what it has no reference to";
    PollNotQueued "file-poll-not-queued" in "sync_file_poll()" "does not go on the wait queue";
    PollAddsNone "file-poll-adds-none" in "sync_file_poll()" "does not put the callback on the fence";
    PollAddsAgain "file-poll-adds-again" in "sync_file_poll()" "every poll puts the callback on the fence";
    PollNoWake "file-poll-no-wake" in "sync_file_poll()" "who finds the fence signalled tells no other poll";
    PollNoTest "file-poll-no-test" in "sync_file_poll()" "does not look whether the fence is signalled";
    PollIgnoresSignal "file-poll-ignores-signal" in "do_poll()" "a pending signal does not end it";
    PollStaysQueued "file-poll-stays-queued" in "poll_freewait()" "stays on the wait queue";
    WakesNobody "file-wakes-nobody" in "fence_check_cb_func()" "wakes nobody";
    WakesOne "file-wakes-one" in "fence_check_cb_func()" "wakes the first alone";
    ReleaseKeepsCallback "file-release-keeps-callback" in "sync_file_release()" "the callback stays on the fence";
    ReleaseKeepsFence "file-release-keeps-fence" in "sync_file_release()" "the fence is not put";
}
