/* A move publishes its fence in a reservation; faults lock it and wait for what is in it. A fence has the steps of
   fence-wait.pml; the reservation's lock is a mutex with a wait list in the order of arrival. Folded, and coarser than ours: the
   walk over the reservation, its RCU section and its reserved slot have no steps here. */
bool signaled; bool queued[N]; bool asleep[N];
byte owner = 255; bool waiters; chan list = [N] of { byte };
bool published;

#define LOCK(me) \
    if \
    :: atomic { owner == 255 && !waiters -> owner = me; goto got } \
    :: atomic { owner != 255 || waiters -> skip } \
    fi; \
    atomic { if :: owner == 255 -> owner = me; goto got :: else -> list!me; waiters = true; asleep[me] = true fi } \
    do \
    :: atomic { \
           !asleep[me] -> \
           if \
           :: owner == 255 -> owner = me; list??eval(me); waiters = nempty(list); goto got \
           :: else -> asleep[me] = true \
           fi \
       } \
    od
inline unlock(me) {
    if
    :: atomic { !waiters -> owner = 255 }
    :: atomic { waiters -> owner = 255 }
       atomic { if :: nempty(list) -> list?<first>; asleep[first] = false; first = 0 :: empty(list) -> skip fi }
    fi
}
proctype Mover() {
    byte k, first;
    LOCK(0);
got:
    published = true;
    unlock(0);
    atomic {
        signaled = true;
        do :: k < N -> if :: queued[k] -> queued[k] = false; asleep[k] = false :: else -> skip fi; k++ :: else -> break od;
        k = 0
    }
end:
    false
}
proctype Fault(byte i) {
    byte first;
    LOCK(i);
got:
    if
    :: atomic { !published || signaled -> goto waited }
    :: atomic { published && !signaled -> skip }
    fi;
    atomic { if :: signaled -> goto waited :: else -> queued[i] = true; asleep[i] = true fi }
    do
    :: atomic { signaled -> asleep[i] = false; break }
    :: atomic { !signaled && !asleep[i] -> asleep[i] = true }
    od;
    queued[i] = false;
waited:
    unlock(i);
end:
    false
}
init { byte j; atomic { run Mover(); j = 1; do :: j < N -> run Fault(j); j++ :: else -> break od } }
