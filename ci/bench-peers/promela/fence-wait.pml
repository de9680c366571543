/* All but one wait for a fence, one signals it. The waiter puts its callback on the list under the fence's lock, then sets
   its own state, looks once more and sleeps: dma_fence_default_wait() in its steps. */
bool signaled; bool queued[N]; bool asleep[N];
proctype Cpu(byte i) {
    if
    :: signaled -> goto done
    :: else -> skip
    fi;
    atomic { if :: signaled -> goto done :: else -> queued[i] = true fi }
    do
    :: asleep[i] = true;
       if :: signaled -> asleep[i] = false; break :: else -> skip fi;
       !asleep[i]
    od;
    atomic { queued[i] = false }
done: skip
}
proctype Gpu() {
    byte k;
    atomic {
        signaled = true;
        do :: k < N -> if :: queued[k] -> queued[k] = false; asleep[k] = false :: else -> skip fi; k++ :: else -> break od
    }
}
init { byte j; atomic { run Gpu(); j = 1; do :: j < N -> run Cpu(j); j++ :: else -> break od } }
