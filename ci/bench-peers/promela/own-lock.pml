/* Every thread takes its own lock three times. */
bool held[N]; byte x[N];
proctype T(byte i) {
    byte k, v;
    do
    :: k < 3 -> atomic { !held[i] -> held[i] = true } v = x[i]; x[i] = v + 1; held[i] = false; k++
    :: else -> break
    od
}
init { byte j; atomic { do :: j < N -> run T(j); j++ :: else -> break od } }
