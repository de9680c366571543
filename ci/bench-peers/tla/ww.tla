---- MODULE ww ----
(* ww_mutexes of a wait-die class: the steps of ww.pml. With Ring thread i locks mutexes i and i + 1, and its number is its stamp;
   else all lock the same two, and take their stamps as they come. What belongs to a context is found by its stamp. *)
EXTENDS Naturals
CONSTANTS N, Ring
NONE == 255
T == 0..(N - 1)
M == IF Ring THEN T ELSE {0, 1}
VARIABLES owner, ctx, list, asleep, acquired, next, me, m, other, pc
locks == <<owner, ctx, list>>
own == <<me, m, other>>
vars == <<owner, ctx, list, asleep, acquired, next, me, m, other, pc>>
Init ==
    /\ owner = [l \in M |-> NONE] /\ ctx = [l \in M |-> NONE] /\ list = [l \in M |-> {}]
    /\ asleep = [s \in T |-> FALSE] /\ acquired = [s \in T |-> 0] /\ next = 0
    /\ me = [t \in T |-> IF Ring THEN t ELSE 0]
    /\ m = [t \in T |-> IF Ring THEN t ELSE 0]
    /\ other = [t \in T |-> IF Ring THEN (t + 1) % N ELSE 1]
    /\ pc = [t \in T |-> IF Ring THEN "try" ELSE "init"]
To(t, l) == pc' = [pc EXCEPT ![t] = l]
First(w) == CHOOSE s \in w : \A o \in w : s <= o
(* __ww_mutex_check_waiters(): the first waiter dies if it holds locks and is younger. *)
Checked(w, s) ==
    IF w = {} THEN asleep
    ELSE LET f == First(w) IN [asleep EXCEPT ![f] = @ /\ ~(acquired[f] > 0 /\ f > s)]
Older(l, s) == \E w \in list[l] : w < s
Dies(l, s) == acquired[s] > 0 /\ ctx[l] # NONE /\ ctx[l] < s
(* The last one, or the other one is next. *)
Taken(t, n) ==
    IF n = 2 THEN To(t, "clear") /\ UNCHANGED own
    ELSE /\ m' = [m EXCEPT ![t] = other[t]] /\ other' = [other EXCEPT ![t] = m[t]] /\ To(t, "try") /\ UNCHANGED me
Begin(t) ==
    /\ pc[t] = "init" /\ me' = [me EXCEPT ![t] = next] /\ next' = next + 1 /\ To(t, "try")
    /\ UNCHANGED <<owner, ctx, list, asleep, acquired, m, other>>
Try(t) ==
    LET l == m[t] IN
    /\ pc[t] = "try" /\ UNCHANGED <<ctx, list, asleep, acquired, next, me, m, other>>
    /\ IF owner[l] = NONE /\ list[l] = {} THEN owner' = [owner EXCEPT ![l] = me[t]] /\ To(t, "publish")
       ELSE UNCHANGED owner /\ To(t, "queue")
Publish(t) ==
    /\ pc[t] = "publish" /\ acquired' = [acquired EXCEPT ![me[t]] = @ + 1] /\ ctx' = [ctx EXCEPT ![m[t]] = me[t]]
    /\ To(t, "flag") /\ UNCHANGED <<owner, list, asleep, next, me, m, other>>
Flag(t) ==
    /\ pc[t] = "flag" /\ UNCHANGED <<owner, ctx, list, asleep, acquired, next>>
    /\ IF list[m[t]] = {} THEN Taken(t, acquired[me[t]]) ELSE To(t, "check") /\ UNCHANGED own
Check(t) ==
    /\ pc[t] = "check" /\ asleep' = Checked(list[m[t]], me[t]) /\ Taken(t, acquired[me[t]])
    /\ UNCHANGED <<owner, ctx, list, acquired, next>>
Take(t, l, s, w) ==
    /\ ctx' = [ctx EXCEPT ![l] = s] /\ acquired' = [acquired EXCEPT ![s] = @ + 1] /\ asleep' = Checked(w, s)
    /\ Taken(t, acquired[s] + 1)
Queue(t) ==
    LET l == m[t] s == me[t] IN
    /\ pc[t] = "queue" /\ UNCHANGED next
    /\ IF owner[l] = NONE THEN owner' = [owner EXCEPT ![l] = s] /\ UNCHANGED list /\ Take(t, l, s, list[l])
       ELSE /\ UNCHANGED <<owner, ctx, acquired, me, m, other>>
            /\ IF Older(l, s) /\ acquired[s] > 0 THEN To(t, "back") /\ UNCHANGED <<list, asleep>>
               ELSE LET woken == [w \in T |-> asleep[w] /\ ~(w \in list[l] /\ w > s /\ acquired[w] > 0)] IN
                    IF Dies(l, s) THEN asleep' = woken /\ UNCHANGED list /\ To(t, "back")
                    ELSE /\ asleep' = [woken EXCEPT ![s] = TRUE] /\ list' = [list EXCEPT ![l] = @ \cup {s}]
                         /\ To(t, "woken")
Woken(t) ==
    LET l == m[t] s == me[t] IN
    /\ pc[t] = "woken" /\ ~asleep[s] /\ UNCHANGED <<ctx, list, acquired, next, me, m, other>>
    /\ IF owner[l] = NONE THEN owner' = [owner EXCEPT ![l] = s] /\ UNCHANGED asleep /\ To(t, "leave")
       ELSE asleep' = [asleep EXCEPT ![s] = TRUE] /\ UNCHANGED owner /\ To(t, "recheck")
Leave(t) ==
    LET l == m[t] s == me[t] IN
    /\ pc[t] = "leave" /\ UNCHANGED <<owner, next>>
    /\ list' = [list EXCEPT ![l] = @ \ {s}] /\ Take(t, l, s, list[l] \ {s})
Recheck(t) ==
    LET l == m[t] s == me[t] IN
    /\ pc[t] = "recheck" /\ UNCHANGED <<owner, ctx, acquired, next, me, m, other>>
    /\ IF Dies(l, s) \/ (acquired[s] > 0 /\ Older(l, s))
       THEN asleep' = [asleep EXCEPT ![s] = FALSE] /\ list' = [list EXCEPT ![l] = @ \ {s}] /\ To(t, "back")
       ELSE UNCHANGED <<asleep, list>> /\ To(t, "woken")
(* Of unlock: lock->ctx and ctx->acquired, the owner, and whoever waits. *)
Clear(t, at, l, then) ==
    /\ pc[t] = at /\ acquired' = [acquired EXCEPT ![me[t]] = @ - 1] /\ ctx' = [ctx EXCEPT ![l] = NONE]
    /\ To(t, then) /\ UNCHANGED <<owner, list, asleep, next, me, m, other>>
Forget(t, then) ==
    IF then = "done"
    THEN me' = [me EXCEPT ![t] = 0] /\ m' = [m EXCEPT ![t] = 0] /\ other' = [other EXCEPT ![t] = 0]
    ELSE UNCHANGED own
Release(t, at, l, wake, then) ==
    /\ pc[t] = at /\ owner' = [owner EXCEPT ![l] = NONE] /\ UNCHANGED <<ctx, list, asleep, acquired, next>>
    /\ IF list[l] = {} THEN To(t, then) /\ Forget(t, then) ELSE To(t, wake) /\ UNCHANGED own
Wake(t, at, l, then) ==
    /\ pc[t] = at /\ UNCHANGED <<owner, ctx, list, acquired, next>> /\ To(t, then) /\ Forget(t, then)
    /\ asleep' = IF list[l] = {} THEN asleep ELSE [asleep EXCEPT ![First(list[l])] = FALSE]
Unlock(t, clear, release, wake, l, then) ==
    Clear(t, clear, l, release) \/ Release(t, release, l, wake, then) \/ Wake(t, wake, l, then)
Step(t) ==
    \/ Begin(t) \/ Try(t) \/ Publish(t) \/ Flag(t) \/ Check(t) \/ Queue(t) \/ Woken(t) \/ Leave(t) \/ Recheck(t)
    \/ Unlock(t, "back", "back-release", "back-wake", other[t], "try")
    \/ Unlock(t, "clear", "release", "wake", m[t], "clear-other")
    \/ Unlock(t, "clear-other", "release-other", "wake-other", other[t], "done")
Done == (\A t \in T : pc[t] = "done") /\ UNCHANGED vars
Next == (\E t \in T : Step(t)) \/ Done
Spec == Init /\ [][Next]_vars
====
