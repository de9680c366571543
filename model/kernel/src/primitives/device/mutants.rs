//! Mistakes of devices that can be built in.

use crate::ground::mutation::mutants;

mutants! { "device"
    DropKeepsJob "device-drop-keeps-job" in "device-off" "a job that is under way is not cut off by a reset";
    OffForgotten "device-off-forgotten" in "device-off" "a device that is off is not told from one that is on";
    SubmitNoStart "device-submit-no-start" in "submit" "the engine is not started";
}
