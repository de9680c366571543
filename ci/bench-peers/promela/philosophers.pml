/* Philosophers who take the lower fork first. Folded as our steps are. */
bool held[N];
proctype P(byte a, b) {
    atomic { !held[a] -> held[a] = true }
    atomic { !held[b] -> held[b] = true }
    held[b] = false;
    held[a] = false;
end:
    false
}
init { byte j; atomic { do :: j + 1 < N -> run P(j, j + 1); j++ :: else -> break od; run P(0, N - 1) } }
