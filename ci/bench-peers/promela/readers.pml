/* One writer, the others read the same word. */
byte x; byte seen[N];
proctype Writer() { x = 1 }
proctype Reader(byte i) { seen[i] = x }
init { byte j; atomic { run Writer(); j = 1; do :: j < N -> run Reader(j); j++ :: else -> break od } }
