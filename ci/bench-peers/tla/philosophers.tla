---- MODULE philosophers ----
(* Philosophers who take the lower fork first. Folded as our steps are. *)
EXTENDS Naturals
CONSTANT N
VARIABLES held, pc
vars == <<held, pc>>
P == 0..(N - 1)
Low(p) == IF p + 1 = N THEN 0 ELSE p
High(p) == IF p + 1 = N THEN N - 1 ELSE p + 1
Init == held = [f \in P |-> FALSE] /\ pc = [p \in P |-> 0]
On(p) == pc' = [pc EXCEPT ![p] = @ + 1]
Take(p, at, f) == pc[p] = at /\ ~held[f] /\ held' = [held EXCEPT ![f] = TRUE] /\ On(p)
Put(p, at, f) == pc[p] = at /\ held' = [held EXCEPT ![f] = FALSE] /\ On(p)
Done == (\A p \in P : pc[p] = 4) /\ UNCHANGED vars
Next == (\E p \in P : Take(p, 0, Low(p)) \/ Take(p, 1, High(p)) \/ Put(p, 2, High(p)) \/ Put(p, 3, Low(p))) \/ Done
Spec == Init /\ [][Next]_vars
====
