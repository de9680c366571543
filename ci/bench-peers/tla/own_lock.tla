---- MODULE own_lock ----
(* Every thread takes its own lock three times. Folded as our steps are. *)
EXTENDS Naturals
CONSTANT N
VARIABLES held, x, v, k, pc
vars == <<held, x, v, k, pc>>
T == 1..N
All(c) == [t \in T |-> c]
Init == held = All(FALSE) /\ x = All(0) /\ v = All(0) /\ k = All(0) /\ pc = All("lock")
To(t, l) == pc' = [pc EXCEPT ![t] = l]
Lock(t) == pc[t] = "lock" /\ ~held[t] /\ held' = [held EXCEPT ![t] = TRUE] /\ To(t, "load") /\ UNCHANGED <<x, v, k>>
Load(t) == pc[t] = "load" /\ v' = [v EXCEPT ![t] = x[t]] /\ To(t, "store") /\ UNCHANGED <<held, x, k>>
Store(t) == pc[t] = "store" /\ x' = [x EXCEPT ![t] = v[t] + 1] /\ To(t, "unlock") /\ UNCHANGED <<held, v, k>>
Unlock(t) ==
    /\ pc[t] = "unlock" /\ held' = [held EXCEPT ![t] = FALSE] /\ k' = [k EXCEPT ![t] = @ + 1]
    /\ To(t, IF k[t] = 2 THEN "done" ELSE "lock") /\ UNCHANGED <<x, v>>
Done == (\A t \in T : pc[t] = "done") /\ UNCHANGED vars
Next == (\E t \in T : Lock(t) \/ Load(t) \/ Store(t) \/ Unlock(t)) \/ Done
Spec == Init /\ [][Next]_vars
====
