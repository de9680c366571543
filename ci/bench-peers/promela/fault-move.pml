/* A move publishes its fence in a reservation; faults lock it and wait for what is in it. A fence has the steps of
   fence-wait.pml; the reservation's lock is a mutex with a wait list in the order of arrival. */
bool signaled; bool queued[N]; bool asleep[N];
byte owner = 255; bool waiters; chan list = [N] of { byte };
bool published;

inline lock(me) {
    if
    :: atomic { owner == 255 && !waiters -> owner = me }
    :: else ->
        atomic { if :: owner == 255 -> owner = me; goto got :: else -> list!me; waiters = true; asleep[me] = true fi }
        do
        :: !asleep[me] ->
            atomic {
                if
                :: owner == 255 ->
                    owner = me; list??eval(me); waiters = nempty(list);
                    goto got
                :: else -> asleep[me] = true
                fi
            }
        od
    fi;
}
inline unlock(me) {
    owner = 255;
    atomic { if :: nempty(list) -> list?<first>; asleep[first] = false; first = 0 :: empty(list) -> skip fi }
}
inline wait_fence(me) {
    if
    :: signaled -> skip
    :: else ->
        bool known;
        atomic { if :: signaled -> known = true :: else -> queued[me] = true fi }
        do
        :: known -> break
        :: else ->
            asleep[me] = true;
            if :: signaled -> asleep[me] = false; break :: else -> skip fi;
            !asleep[me]
        od;
        atomic { queued[me] = false }
    fi
}
proctype Mover() {
    byte k, first;
    lock(0)
got: skip;
    published = true;
    unlock(0);
    atomic {
        signaled = true;
        do :: k < N -> if :: queued[k] -> queued[k] = false; asleep[k] = false :: else -> skip fi; k++ :: else -> break od
    }
}
proctype Fault(byte i) {
    byte first;
    lock(i)
got: skip;
    if :: published -> wait_fence(i) :: else -> skip fi;
    unlock(i)
}
init { byte j; atomic { run Mover(); j = 1; do :: j < N -> run Fault(j); j++ :: else -> break od } }
