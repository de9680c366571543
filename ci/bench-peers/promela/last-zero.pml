/* Each thread counts one place up from the one below it, one looks for the last zero. */
byte a[N];
proctype T(byte i) { byte v; v = a[i - 1]; a[i] = v + 1 }
proctype Last() { byte i = N - 1; byte v; do :: v = a[i]; if :: v == 0 -> break :: else -> i-- fi od }
init { byte j; atomic { run Last(); j = 1; do :: j < N -> run T(j); j++ :: else -> break od } }
