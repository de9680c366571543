//! Mistakes of system calls that can be built in.

use crate::ground::mutation::mutants;

mutants! { "syscall"
    AddTwice "task-work-add-twice" in "task_work_add()" "does not notice that it is on the list";
    DelayedNotScheduled "fput-delayed-not-scheduled" in "fput()" "the work item that is to release it is not queued";
    RunsNothing "task-work-runs-nothing" in "exit_to_user_mode_loop()" "works are left for the next system call";
}
