---- MODULE same_lock ----
(* Every thread counts under one lock. Folded as our steps are. *)
EXTENDS Naturals
CONSTANT N
VARIABLES held, x, v, pc
vars == <<held, x, v, pc>>
T == 1..N
Init == held = FALSE /\ x = 0 /\ v = [t \in T |-> 0] /\ pc = [t \in T |-> "lock"]
To(t, l) == pc' = [pc EXCEPT ![t] = l]
Lock(t) == pc[t] = "lock" /\ ~held /\ held' = TRUE /\ To(t, "load") /\ UNCHANGED <<x, v>>
Load(t) == pc[t] = "load" /\ v' = [v EXCEPT ![t] = x] /\ To(t, "store") /\ UNCHANGED <<held, x>>
Store(t) == pc[t] = "store" /\ x' = v[t] + 1 /\ To(t, "unlock") /\ UNCHANGED <<held, v>>
Unlock(t) == pc[t] = "unlock" /\ held' = FALSE /\ To(t, "done") /\ UNCHANGED <<x, v>>
Done == (\A t \in T : pc[t] = "done") /\ UNCHANGED vars
Next == (\E t \in T : Lock(t) \/ Load(t) \/ Store(t) \/ Unlock(t)) \/ Done
Spec == Init /\ [][Next]_vars
====
