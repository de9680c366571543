/* Every thread takes its own lock three times. Folded as our steps are. */
bool held[N]; byte x[N];
proctype T(byte i) {
    byte k, v;
    do
    :: atomic { k < 3 && !held[i] -> held[i] = true }
       v = x[i];
       x[i] = v + 1;
       atomic { held[i] = false; k++; if :: k == 3 -> goto end :: else -> skip fi }
    od;
end:
    false
}
init { byte j; atomic { do :: j < N -> run T(j); j++ :: else -> break od } }
