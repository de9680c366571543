/* ww_mutexes of a wait-die class, folded as our steps are: what one step of ours does is one `atomic` or `d_step` here, and a
   process that is done stays at its end, so that its going is no step. With RING thread i locks mutexes i and i + 1 of a ring and
   the threads' numbers are the stamps; else all lock the same two, and take their stamps in the order in which they come.
   As in the kernel the owner, the ctx and the look at WAITERS are steps of their own; what runs under the wait_lock is one. Whoever
   has to back off gives up the other mutex and takes the contended one first, as lock-all and drm_exec do.
   `me` is a stamp, and what belongs to a context is found by it. */
#define NONE 255
#ifdef RING
#define M N
#else
#define M 2
#endif
byte owner[M] = NONE; byte ctx[M] = NONE; bool waiters[M];
/* The wait list of m: who waits, and in which order (by stamp, so the numbers' order is the list's). */
typedef Row { bool waits[N] }
Row wl[M];
bool asleep[N]; byte acquired[N];
byte next_stamp;

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
/* Who is done has no stamp any more, as acquire-fini leaves it. */
inline forget(last) {
    if :: last -> me = 0; m = 0; other = 0 :: else -> skip fi
}
/* lock->ctx and ctx->acquired, the owner, and whoever waits. */
inline unlock(x, last) {
    d_step { acquired[me]--; ctx[x] = NONE }
    if
    :: atomic { !waiters[x] -> owner[x] = NONE; forget(last) }
    :: atomic { waiters[x] -> owner[x] = NONE }
       atomic {
           k = 0;
           do :: k == N -> break :: k < N && wl[x].waits[k] -> asleep[k] = false; break :: else -> k++ od;
           k = 0; forget(last)
       }
    fi
}
/* A mutex is taken: the last one, or the other one is next. */
#define TAKEN if :: acquired[me] == 2 -> goto both :: else -> k = m; m = other; other = k; k = 0; goto next fi

proctype T(byte me, m, other) {
    byte k; bool older;
#ifndef RING
    d_step { me = next_stamp; next_stamp++ }
#endif
next:
    /* __mutex_trylock_fast(); then ww_mutex_set_context_fastpath() in three steps. */
    if
    :: atomic { owner[m] == NONE && !waiters[m] -> owner[m] = me }
       d_step { acquired[me]++; ctx[m] = me }
       if
       :: atomic { !waiters[m] -> TAKEN }
       :: atomic { waiters[m] -> skip }
          atomic { check_waiters(m, me); TAKEN }
       fi
    :: atomic { owner[m] != NONE || waiters[m] -> skip }
       /* Under the wait_lock: once more; or into the list, where younger ones that hold something are told to die, and to sleep
          unless it is oneself who has to. */
       atomic {
           if
           :: owner[m] == NONE -> owner[m] = me; check_waiters(m, me); acquired[me]++; ctx[m] = me; TAKEN
           :: else ->
              older_waits(m, me);
              if
              :: older && acquired[me] > 0 -> older = false; goto back_off
              :: else ->
                 older = false; wl[m].waits[me] = true; waiters[m] = true; k = me + 1;
                 do :: k < N -> if :: wl[m].waits[k] && acquired[k] > 0 -> asleep[k] = false :: else -> skip fi; k++ :: else -> break od;
                 k = 0;
                 if
                 :: acquired[me] > 0 && ctx[m] != NONE && ctx[m] < me -> leave(m, me); goto back_off
                 :: else -> asleep[me] = true
                 fi
              fi
           fi
       }
       /* Woken: set_current_state(), and try without the wait_lock; with it, leave the list, or look whether to die. */
       do
       :: atomic { !asleep[me] && owner[m] == NONE -> owner[m] = me }
          atomic { leave(m, me); check_waiters(m, me); acquired[me]++; ctx[m] = me; TAKEN }
       :: atomic { !asleep[me] && owner[m] != NONE -> asleep[me] = true }
          atomic {
              older_waits(m, me);
              if
              :: acquired[me] > 0 && (older || (ctx[m] != NONE && ctx[m] < me)) -> older = false; asleep[me] = false; leave(m, me); goto back_off
              :: else -> older = false
              fi
          }
       od
    fi;
back_off:
    unlock(other, false);
    goto next;
both:
    unlock(m, false);
    unlock(other, true);
end:
    false
}
init {
    byte j;
    atomic {
        do
#ifdef RING
        :: j < N -> run T(j, j, (j + 1) % N); j++
#else
        :: j < N -> run T(0, 0, 1); j++
#endif
        :: else -> break
        od
    }
}
