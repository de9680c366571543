//! Mistakes of refcount that can be built in.

use crate::ground::mutation::mutants;

mutants! { "refcount"
    GetUnlessZeroGets "ref-get-unless-zero-gets" in "refcount_inc_not_zero()" "gets from zero";
    PutNotLast "ref-put-not-last" in "refcount_dec_and_test()" "the last reference is not told";
    GetNothing "ref-get-nothing" in "refcount_inc()" "does not count";
}
