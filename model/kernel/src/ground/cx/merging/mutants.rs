//! Mistakes of quiet accesses that can be built in.

use crate::ground::mutation::mutants;

mutants! { "quiet"
    MembersUnseen "quiet-members-unseen" in "quiet accesses" "who looks at what is inside of an object has not looked into it";
    FreesUnseen "quiet-frees-unseen" in "quiet accesses" "nobody asks who has looked into what is freed";
    AnewUnseen "quiet-anew-unseen" in "quiet accesses" "nobody asks who has looked into what is made anew";
    TakesShown "quiet-takes-shown" in "quiet accesses" "what changes a local behind one is taken with it, whoever looks";
}
