/* A ring of wait-die contexts: thread i locks mutexes i and i+1 with back-off to the contended one. Stamps are the
   threads' numbers. The owner, the ctx and the look at WAITERS are steps of their own, as in the kernel; the slow path runs
   under the wait_lock, in one step between two sleeps. */
#define NONE 255
byte owner[N] = NONE; byte ctx[N] = NONE; bool waiters[N];
/* The wait list of m: who waits, and in which order (by stamp, so the numbers' order is the list's). */
typedef Row { bool waits[N] }
Row wl[N];
bool asleep[N]; byte acquired[N];

/* __ww_mutex_check_waiters(): the first waiter of the list dies if it holds locks and is younger. */
inline check_waiters(m, me) {
    k = 0;
    do
    :: k == N -> break
    :: k < N && wl[m].waits[k] -> if :: acquired[k] > 0 && k > me -> asleep[k] = false :: else -> skip fi; break
    :: else -> k++
    od;
    k = 0
}
/* Whether an older one waits. */
inline older_waits(m, me) {
    k = 0; older = false;
    do :: k == me -> break :: k < me && wl[m].waits[k] -> older = true; break :: else -> k++ od;
    k = 0
}
inline leave(m, me) {
    wl[m].waits[me] = false; k = 0; waiters[m] = false;
    do :: k < N -> if :: wl[m].waits[k] -> waiters[m] = true :: else -> skip fi; k++ :: else -> break od;
    k = 0
}
/* ret = 1: taken; 0: -EDEADLK. */
inline lock(m, me) {
    if
    :: atomic { owner[m] == NONE && !waiters[m] -> owner[m] = me }
       atomic { acquired[me]++; ctx[m] = me }
       atomic { if :: waiters[m] -> check_waiters(m, me) :: else -> skip fi; ret = 1 }
    :: else ->
       atomic {
           if
           :: owner[m] == NONE -> owner[m] = me; check_waiters(m, me); acquired[me]++; ctx[m] = me; ret = 1; queued = false
           :: else ->
              older_waits(m, me);
              if
              :: older && acquired[me] > 0 -> ret = 0; queued = false
              :: else ->
                 wl[m].waits[me] = true; waiters[m] = true; queued = true; k = me + 1;
                 do :: k < N -> if :: wl[m].waits[k] && acquired[k] > 0 -> asleep[k] = false :: else -> skip fi; k++ :: else -> break od;
                 k = 0
              fi;
              older = false
           fi
       }
       do
       :: !queued -> break
       :: else ->
          atomic {
              if
              :: owner[m] == NONE ->
                 owner[m] = me; leave(m, me); acquired[me]++; ctx[m] = me; ret = 1; queued = false
              :: else ->
                 older_waits(m, me);
                 if
                 :: acquired[me] > 0 && (older || (ctx[m] != NONE && ctx[m] < me)) -> leave(m, me); ret = 0; queued = false
                 ::  else -> asleep[me] = true
                 fi;
                 older = false
              fi
          }
          if :: queued -> !asleep[me] :: else -> skip fi
       od
    fi
}
inline unlock(m, me) {
    atomic { acquired[me]--; ctx[m] = NONE }
    owner[m] = NONE;
    atomic {
        if
        :: waiters[m] -> k = 0; do :: k == N -> break :: k < N && wl[m].waits[k] -> asleep[k] = false; break :: else -> k++ od; k = 0
        :: else -> skip
        fi
    }
}
proctype T(byte me) {
    byte a, b, t, k, ret; bool older, queued;
    d_step { a = me; b = (me + 1) % N }
    lock(a, me);
    do
    :: lock(b, me);
       if
       :: ret == 1 -> break
       :: else -> unlock(a, me); d_step { t = a; a = b; b = t; t = 0 } lock(a, me)
       fi
    od;
    assert(owner[a] == me && owner[b] == me);
    unlock(a, me); unlock(b, me)
}
init { byte j; atomic { do :: j < N -> run T(j); j++ :: else -> break od } }
