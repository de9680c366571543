//! Mistakes of coarse grain that can be built in.

use crate::ground::mutation::mutants;

mutants! { "grain"
    RunsAsleep "grain-runs-asleep" in "coarse steps" "who has gone to sleep goes on";
    RunsIntoNext "grain-runs-into-next" in "coarse steps" "the next operation belongs to this one";
    RunsThroughChoice "grain-runs-through-choice" in "coarse steps" "a choice in the middle falls one way";
    SignalsWhole "grain-signals-whole" in "dma_fence_signal()" "callbacks run in the step that sets the bit";
    WalksWhole "grain-walks-whole" in "dma_resv_iter_next_unlocked()" "the entries are read in the step that reads their number";
    PutsWhole "grain-puts-whole" in "dma_fence_put()" "the release belongs to the last put";
    LocksWhole "grain-unlock-joins" in "ww_mutex_unlock()" "it belongs to the step before, whoever looks";
    RowForgets "grain-row-forgets" in "coarse steps" "what an earlier step of a row has looked into counts no more";
    NothingGoes "grain-nothing-goes" in "ww_mutex_unlock()" "nobody asks whether the mutex may be freed or initialised meanwhile";
}
