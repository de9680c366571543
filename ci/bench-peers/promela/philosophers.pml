/* Philosophers who take the lower fork first. */
bool held[N];
proctype P(byte i) {
    byte a, b;
    d_step { if :: i + 1 == N -> a = 0; b = i :: else -> a = i; b = i + 1 fi }
    atomic { !held[a] -> held[a] = true }
    atomic { !held[b] -> held[b] = true }
    held[b] = false; held[a] = false
}
init { byte j; atomic { do :: j < N -> run P(j); j++ :: else -> break od } }
