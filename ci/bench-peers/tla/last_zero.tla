---- MODULE last_zero ----
(* Each thread counts one place up from the one below it, one looks for the last zero. Folded as our steps are. *)
EXTENDS Naturals
CONSTANT N
VARIABLES a, v, pc, i, w, looks
vars == <<a, v, pc, i, w, looks>>
T == 1..(N - 1)
Init ==
    /\ a = [p \in 0..(N - 1) |-> 0] /\ v = [t \in T |-> 0] /\ pc = [t \in T |-> 0]
    /\ i = N - 1 /\ w = 0 /\ looks = TRUE
Load(t) ==
    /\ pc[t] = 0 /\ v' = [v EXCEPT ![t] = a[t - 1]] /\ pc' = [pc EXCEPT ![t] = 1]
    /\ UNCHANGED <<a, i, w, looks>>
Store(t) ==
    /\ pc[t] = 1 /\ a' = [a EXCEPT ![t] = v[t] + 1] /\ pc' = [pc EXCEPT ![t] = 2]
    /\ UNCHANGED <<v, i, w, looks>>
Look ==
    /\ looks /\ w' = a[i] /\ looks' = (a[i] # 0) /\ i' = IF a[i] = 0 THEN i ELSE i - 1
    /\ UNCHANGED <<a, v, pc>>
Done == ~looks /\ (\A t \in T : pc[t] = 2) /\ UNCHANGED vars
Next == (\E t \in T : Load(t) \/ Store(t)) \/ Look \/ Done
Spec == Init /\ [][Next]_vars
====
