---- MODULE readers ----
(* One writer, the others read the same word. Folded as our steps are. *)
EXTENDS Naturals
CONSTANT N
VARIABLES x, wrote, seen
vars == <<x, wrote, seen>>
R == 1..(N - 1)
Init == x = 0 /\ wrote = FALSE /\ seen = [r \in R |-> 2]
Write == ~wrote /\ x' = 1 /\ wrote' = TRUE /\ UNCHANGED seen
Read(r) == seen[r] = 2 /\ seen' = [seen EXCEPT ![r] = x] /\ UNCHANGED <<x, wrote>>
Done == wrote /\ (\A r \in R : seen[r] # 2) /\ UNCHANGED vars
Next == Write \/ (\E r \in R : Read(r)) \/ Done
Spec == Init /\ [][Next]_vars
====
