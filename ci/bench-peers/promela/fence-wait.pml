/* All but one wait for a fence, one signals it. Folded as our steps are: the waiter looks, puts its callback on the list under the
   fence's lock, sets its own state and looks once more, sleeps, and takes the callback off: dma_fence_default_wait(). */
bool signaled; bool queued[N]; bool asleep[N];
proctype Cpu(byte i) {
    if
    :: atomic { signaled -> goto end }
    :: atomic { !signaled -> skip }
    fi;
    atomic { if :: signaled -> goto end :: else -> queued[i] = true; asleep[i] = true fi }
    do
    :: atomic { signaled -> asleep[i] = false; break }
    :: atomic { !signaled && !asleep[i] -> asleep[i] = true }
    od;
    queued[i] = false;
end:
    false
}
proctype Gpu() {
    byte k;
    atomic {
        signaled = true;
        do :: k < N -> if :: queued[k] -> queued[k] = false; asleep[k] = false :: else -> skip fi; k++ :: else -> break od;
        k = 0
    }
end:
    false
}
init { byte j; atomic { run Gpu(); j = 1; do :: j < N -> run Cpu(j); j++ :: else -> break od } }
