---- MODULE fence_wait ----
(* All but one wait for a fence, one signals it: the steps of fence-wait.pml. *)
EXTENDS Naturals
CONSTANT N
VARIABLES signaled, queued, asleep, pc
vars == <<signaled, queued, asleep, pc>>
C == 1..(N - 1)
Init ==
    /\ signaled = FALSE /\ queued = [c \in C |-> FALSE] /\ asleep = [c \in C |-> FALSE]
    /\ pc = [c \in C |-> "look"]
To(c, l) == pc' = [pc EXCEPT ![c] = l]
Look(c) == pc[c] = "look" /\ To(c, IF signaled THEN "done" ELSE "add") /\ UNCHANGED <<signaled, queued, asleep>>
Add(c) ==
    /\ pc[c] = "add" /\ UNCHANGED signaled
    /\ IF signaled THEN To(c, "done") /\ UNCHANGED <<queued, asleep>>
       ELSE /\ queued' = [queued EXCEPT ![c] = TRUE] /\ asleep' = [asleep EXCEPT ![c] = TRUE] /\ To(c, "wait")
Wait(c) ==
    /\ pc[c] = "wait" /\ UNCHANGED <<signaled, queued>>
    /\ \/ signaled /\ asleep' = [asleep EXCEPT ![c] = FALSE] /\ To(c, "off")
       \/ ~signaled /\ ~asleep[c] /\ asleep' = [asleep EXCEPT ![c] = TRUE] /\ UNCHANGED pc
Off(c) ==
    /\ pc[c] = "off" /\ queued' = [queued EXCEPT ![c] = FALSE] /\ To(c, "done") /\ UNCHANGED <<signaled, asleep>>
Signal ==
    /\ ~signaled /\ signaled' = TRUE /\ UNCHANGED pc
    /\ asleep' = [c \in C |-> asleep[c] /\ ~queued[c]] /\ queued' = [c \in C |-> FALSE]
Done == signaled /\ (\A c \in C : pc[c] = "done") /\ UNCHANGED vars
Next == (\E c \in C : Look(c) \/ Add(c) \/ Wait(c) \/ Off(c)) \/ Signal \/ Done
Spec == Init /\ [][Next]_vars
====
