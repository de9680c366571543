//! Mistakes of devices that can be built in.

use crate::ground::mutation::mutants;

mutants! { "device"
    SubmitNoStart "device-submit-no-start" in "submit" "the engine is not started";
}
